//! `ctl validate`: everything that is wrong with some documents, in one run.

use super::out::{BAD, BUSY, GOOD, Structured};
use super::source::{self, Given};
use super::{ExitStatus, out, sarif};
use crate::desired;
use crate::model::desired::DesiredState;
use crate::model::finding::{Finding, Severity};
use crate::model::ids::{DeploymentName, Generation};
use crate::model::view::{FindingList, Shape};
use crate::reconcile::declarations::semantic_errors;
use crate::specs::StoredDocument;
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "AWS is not asked: what only a look at AWS can show, `ctl plan -f FILE` says.\n\nExamples:\n  ctl validate specs/ shop.yaml\n  ctl validate specs/ -o sarif > findings.sarif"
)]
pub(super) struct Args {
    /// Files or folders; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// As JSON, YAML or SARIF 2.1.0
    #[arg(short, long)]
    output: Option<Form>,
}

/// Other forms than text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// A `FindingList` as JSON.
    Json,
    /// The same as YAML.
    Yaml,
    /// What code scanning reads.
    Sarif,
}

impl Args {
    /// Whether JSON is asked for, of whatever form.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.output, Some(Form::Json | Form::Sarif))
    }
}

/// Checks and prints; 1 when there is an error.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    let report = check(&source::read(&args.files)?);
    let list = || FindingList {
        shape: Shape::of("FindingList"),
        documents: report.documents,
        items: report.findings.clone(),
    };
    out::print(&match args.output {
        None => report.text.clone(),
        Some(Form::Json) => out::structured(&list(), Structured::Json)?,
        Some(Form::Yaml) => out::structured(&list(), Structured::Yaml)?,
        Some(Form::Sarif) => out::structured(&sarif::log(&report.findings), Structured::Json)?,
    })?;
    Ok(ExitStatus::good_if(report.errors == 0))
}

/// What a check came to.
pub(super) struct Report {
    /// For people.
    pub text: String,
    /// How many errors.
    pub errors: usize,
    warnings: usize,
    documents: usize,
    /// For machines, with their places.
    pub findings: Vec<Finding>,
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
    let mut report =
        Report { text: String::new(), errors: 0, warnings: 0, documents: 0, findings: Vec::new() };
    for problem in &given.problems {
        report.finding(problem.clone());
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
            findings.iter().for_each(|finding| report.finding(source::placed(file, finding)));
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
            report.finding(source::placed(document.file, finding));
        }
        if !document.findings.iter().any(Finding::is_error) {
            let kind = document.declared.kind;
            let name = &document.declared.name;
            let line = document.declared.source.line;
            let _ = writeln!(report.text, "{}:{line}: {GOOD}good{GOOD:#}: {kind} {name}", document.file);
        }
    }
    report.documents = documents;
    report.summary();
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
    fn finding(&mut self, finding: Finding) {
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
        let _ = writeln!(self.text, "{}", finding.to_string().replacen(word, &coloured, 1));
        self.findings.push(finding);
    }

    fn summary(&mut self) {
        let _ = writeln!(
            self.text,
            "{}, {}, {}",
            out::count(self.documents, "document"),
            out::count(self.errors, "error"),
            out::count(self.warnings, "warning")
        );
    }
}
