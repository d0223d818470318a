//! `ctl validate`: everything that is wrong with some documents, in one run.

use super::out::{BAD, BUSY, GOOD};
use super::source::{self, Given};
use super::{ExitStatus, out};
use crate::desired;
use crate::model::desired::DesiredState;
use crate::model::finding::{Finding, Severity};
use crate::model::ids::{DeploymentName, Generation};
use crate::reconcile::declarations::semantic_errors;
use crate::specs::StoredDocument;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "AWS is not asked: what only a look at AWS can show, `ctl plan -f FILE` says.\n\nExample:\n  ctl validate specs/ shop.yaml"
)]
pub(super) struct Args {
    /// Files or folders; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

/// Checks and prints; 1 when there is an error.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    let report = check(&source::read(&args.files)?);
    out::print(&report.text)?;
    Ok(ExitStatus::good_if(report.errors == 0))
}

/// What a check came to.
pub(super) struct Report {
    /// For people.
    pub text: String,
    /// How many errors.
    pub errors: usize,
    warnings: usize,
}

/// A document that can be lowered, on its way to the comparison with the others.
struct Sound<'a> {
    file: &'a str,
    declared: &'a StoredDocument,
    desired: Option<DesiredState>,
    findings: Vec<Finding>,
}

/// Checks documents, each for itself and all with each other.
pub(super) fn check(given: &Given) -> Report {
    let mut report = Report { text: String::new(), errors: 0, warnings: 0 };
    for problem in &given.problems {
        report.finding(problem, problem.to_string());
    }
    let mut documents = 0;
    let mut sound: Vec<Sound<'_>> = Vec::new();
    let mut first: BTreeMap<&DeploymentName, String> = BTreeMap::new();
    for (file, content) in &given.files {
        for refused in &content.refused {
            documents += 1;
            let mut findings = refused.findings.clone();
            findings.extend(refused.partial.iter().flat_map(|partial| semantic_errors(partial)));
            findings.sort_by(|a, b| a.place.cmp(&b.place));
            findings.iter().for_each(|finding| report.finding(finding, source::shown(file, finding)));
        }
        for declared in &content.documents {
            documents += 1;
            let (mut desired, mut findings) = desired::lower(&declared.document(), Generation(1));
            let name = &declared.name;
            match first.get(name) {
                Some(other) => {
                    let message = format!("`{name}` is already declared in {other}");
                    findings.push(Finding::error("metadata.name", message, "names are unique in a store"));
                    // It is out already: that it claims the same things as the first one says
                    // nothing more.
                    desired = None;
                }
                None => {
                    first.insert(name, format!("{file}:{}", declared.source.line));
                }
            }
            sound.push(Sound { file, declared, desired, findings });
        }
    }
    conflicts(&mut sound);
    for document in &mut sound {
        document.declared.locate(&mut document.findings);
        document.findings.sort_by(|a, b| a.place.cmp(&b.place));
        for finding in &document.findings {
            report.finding(finding, source::shown(document.file, finding));
        }
        if !document.findings.iter().any(Finding::is_error) {
            let kind = document.declared.kind;
            let name = &document.declared.name;
            let line = document.declared.source.line;
            let _ = writeln!(report.text, "{}:{line}: {GOOD}good{GOOD:#}: {kind} {name}", document.file);
        }
    }
    report.summary(documents);
    report
}

fn conflicts(sound: &mut [Sound<'_>]) {
    let states: Vec<DesiredState> = sound.iter().filter_map(|document| document.desired.clone()).collect();
    for (name, found) in desired::common(&states, &BTreeMap::new()).conflicts {
        if let Some(document) = sound.iter_mut().find(|document| document.declared.name == name) {
            document.findings.extend(found);
        }
    }
}

impl Report {
    fn finding(&mut self, finding: &Finding, shown: String) {
        let (word, style) = match finding.severity {
            Severity::Error => {
                self.errors += 1;
                ("error: ", BAD)
            }
            Severity::Warning => {
                self.warnings += 1;
                ("warning: ", BUSY)
            }
        };
        let coloured = format!("{style}{}{style:#}: ", word.trim_end_matches(": "));
        let _ = writeln!(self.text, "{}", shown.replacen(word, &coloured, 1));
    }

    fn summary(&mut self, documents: usize) {
        let _ = writeln!(
            self.text,
            "{}, {}, {}",
            out::count(documents, "document"),
            out::count(self.errors, "error"),
            out::count(self.warnings, "warning")
        );
    }
}
