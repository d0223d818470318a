//! `ctl render`: the `Application` that a document stands for.

use super::out::{self, Structured};
use super::{ExitStatus, source};
use crate::desired;
use crate::model::finding::Finding;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ctl render -f pulumi.yaml")]
pub(super) struct Args {
    /// The file; - is stdin
    #[arg(short, long)]
    file: String,
    /// As what
    #[arg(short, long, default_value = "yaml")]
    pub(super) output: Structured,
}

/// Prints the lowered documents; findings go to stderr.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    let given = source::read(std::slice::from_ref(&args.file))?;
    let mut texts = Vec::new();
    let mut said: Vec<(String, Finding)> =
        given.problems.into_iter().map(|found| (args.file.clone(), found)).collect();
    for (file, content) in &given.files {
        let refused = content.refused.iter().flat_map(|refused| &refused.findings);
        said.extend(refused.map(|finding| (file.clone(), finding.clone())));
        for declared in &content.documents {
            let (document, mut findings) = desired::render(&declared.document());
            declared.locate(&mut findings);
            if !findings.iter().any(Finding::is_error) {
                texts.push(out::structured(&document.to_json(), args.output)?);
            }
            said.extend(findings.into_iter().map(|finding| (file.clone(), finding)));
        }
    }
    for (file, finding) in &said {
        anstream::eprintln!("{}", source::shown(file, finding));
    }
    let between = if args.output == Structured::Yaml { "---\n" } else { "" };
    out::print(&texts.join(between))?;
    Ok(ExitStatus::good_if(!said.iter().any(|(_, finding)| finding.is_error())))
}
