//! `ctl init`: a first document of a kind.
//!
//! A small one of our own for an `Application`; for the others the example that comes with them,
//! which is as short as those systems allow.

use super::import::write_new;
use super::{ExitStatus, explain, out};
use crate::desired;
use crate::model::finding::Finding;
use crate::model::ids::Generation;
use crate::model::kinds::Kind;
use crate::specs;
use anyhow::bail;
use std::path::PathBuf;

/// What stands for the name in our own document.
const PLACEHOLDER: &str = "NAME";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ctl init application shop -o shop.yaml\n  ctl init pulumi > pulumi.yaml"
)]
pub(super) struct Args {
    /// application, pulumi, zenml or datero; or the kind's own name
    kind: String,
    /// Name of the deployment
    name: Option<String>,
    /// Write to a new file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    let text = first(kind(&args.kind)?, args.name.as_deref())?;
    match &args.output {
        Some(file) => write_new(file, &text)?,
        None => out::print(&text)?,
    }
    Ok(ExitStatus::Good)
}

/// A kind by its name, or by the system's.
fn kind(word: &str) -> anyhow::Result<Kind> {
    match word.to_ascii_lowercase().as_str() {
        "pulumi" => Ok(Kind::PulumiService),
        "zenml" => Ok(Kind::ZenMLWorkspace),
        _ => explain::kind(word),
    }
}

/// The document, under a name.
///
/// # Errors
///
/// What is wrong with the name.
fn first(kind: Kind, name: Option<&str>) -> anyhow::Result<String> {
    let (file, example) = kind.example();
    let own = file.trim_end_matches(".yaml");
    let name = name.unwrap_or(own);
    let text = match kind {
        Kind::Application => include_str!("application.yaml").replace(PLACEHOLDER, name),
        _ => example.replacen(&format!("\n  name: {own}\n"), &format!("\n  name: {name}\n"), 1),
    };
    let content = specs::read(file, text.as_bytes());
    let findings = |refused: &specs::Refused| refused.findings.clone();
    let mut wrong: Vec<Finding> = content.refused.iter().flat_map(findings).collect();
    for stored in &content.documents {
        wrong.extend(desired::lower(&stored.document(), Generation(1)).1);
    }
    let errors: Vec<String> =
        wrong.iter().filter(|finding| finding.is_error()).map(|one| one.message.clone()).collect();
    if !errors.is_empty() {
        bail!(
            "no document can be called `{name}`: {} (1 to 63 lower-case letters, digits and hyphens)",
            errors.join("; ")
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::source::{self, Given};
    use crate::cli::validate;

    #[test]
    fn a_first_document_of_each_kind_is_good_as_it_stands_and_has_the_name() {
        for kind in Kind::ALL {
            for name in [None, Some("mine")] {
                let text = first(kind, name).unwrap();
                let content = specs::read("first.yaml", text.as_bytes());
                let given =
                    Given { files: vec![("first.yaml".to_owned(), content.into())], problems: Vec::new() };
                let report = validate::check(&given);
                assert_eq!(report.errors, 0, "{}", report.text);
                assert!(report.text.contains("good"), "{}", report.text);
                let own = given.files[0].1.documents[0].name.as_str();
                assert_eq!(own, name.unwrap_or(kind.example().0.trim_end_matches(".yaml")), "{kind}");
                assert!(
                    text.starts_with("# ") && !text.contains(PLACEHOLDER),
                    "it says what it needs: {text}"
                );
            }
        }
    }

    #[test]
    fn a_kind_is_known_by_its_own_name_and_by_the_systems() {
        for (word, expected) in [
            ("Application", Kind::Application),
            ("pulumi", Kind::PulumiService),
            ("ZenML", Kind::ZenMLWorkspace),
            ("zenmlworkspace", Kind::ZenMLWorkspace),
            ("datero", Kind::Datero),
        ] {
            assert_eq!(kind(word).unwrap(), expected);
        }
        assert!(kind("aplication").unwrap_err().to_string().contains("did you mean `Application`?"));
        assert!(first(Kind::Datero, Some("Not a name")).unwrap_err().to_string().contains("`Not a name`"));
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shop.yaml");
        let args = || Args {
            kind: "application".to_owned(),
            name: Some("shop".to_owned()),
            output: Some(file.clone()),
        };
        assert_eq!(run(args()).unwrap(), ExitStatus::Good);
        let paths = [file.display().to_string()];
        assert_eq!(validate::check(&source::read(&paths).unwrap()).errors, 0);
        std::fs::write(&file, "mine").unwrap();
        let error = run(args()).unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
}
