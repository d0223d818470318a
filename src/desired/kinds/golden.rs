//! Documents lowered and held against files:
//! `tests/cases/render/<case>/{in.yaml,out.yaml,findings.txt}`.
//!
//! `UPDATE_GOLDEN=1 cargo test render` writes the files anew; look at the difference
//! before you commit it.

pub(in crate::desired) use super::lower;
use crate::model::finding::Finding;
use crate::model::kinds::task_definition::Secret;
use crate::model::kinds::{ApplicationSpec, Document, Kind, Spec};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads one document.
pub fn document(text: &str) -> Document {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Findings one per line, errors and warnings, in the order in which they were found.
pub fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// An example document with fields changed: paths below `spec` with dots; `null` takes a field
/// away.
pub fn edited(example: &str, edits: &[(&str, Value)]) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("manifests/examples/{example}.yaml"));
    let mut json = document(&fs::read_to_string(path).unwrap()).to_json();
    for (field, value) in edits {
        let mut place = &mut json["spec"];
        for key in field.split('.') {
            place = &mut place[key];
        }
        *place = value.clone();
    }
    without_nulls(&mut json);
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}

fn without_nulls(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The lowered form of an edited example, which must be without errors.
pub fn lowered(example: &str, edits: &[(&str, Value)]) -> ApplicationSpec {
    let (application, findings) = lower(&edited(example, edits));
    assert!(!findings.iter().any(Finding::is_error), "{}", lines(&findings));
    application
}

/// Edits of an example with the findings that they lead to, all of them, as `error spec.field` or
/// `warning spec.field`.
pub type Mistake<'a> = (&'a str, Vec<(&'a str, Value)>, &'a [&'a str]);

/// Checks that each mistake is found, and nothing else.
pub fn check_mistakes(example: &str, mistakes: Vec<Mistake<'_>>) {
    let mut wrong = String::new();
    for (name, edits, expected) in mistakes {
        let (_, findings) = lower(&edited(example, &edits));
        let said: Vec<String> = findings
            .iter()
            .map(|finding| {
                format!("{} {}", if finding.is_error() { "error" } else { "warning" }, finding.field)
            })
            .collect();
        if said != expected {
            wrong.push_str(&format!("{name}: {said:?}, expected {expected:?}\n{}", lines(&findings)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The value of a plain variable of the component's own container.
pub fn variable<'a>(application: &'a ApplicationSpec, component: &str, name: &str) -> Option<&'a str> {
    let container = &application.components[component].task_definition.container_definitions[0];
    container.environment.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
}

/// The secret of a variable of the component's own container.
pub fn secret<'a>(application: &'a ApplicationSpec, component: &str, name: &str) -> Option<&'a Secret> {
    let container = &application.components[component].task_definition.container_definitions[0];
    container.secrets.iter().find(|secret| secret.name == name)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/render")
}

fn compare(path: &Path, actual: &str) {
    if crate::golden::updates() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    similar_asserts::assert_eq!(expected, actual, "{} (UPDATE_GOLDEN=1 writes it anew)", path.display());
}

#[test]
fn render_cases_are_as_they_were() {
    let mut cases: Vec<PathBuf> = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        let document = document(&fs::read_to_string(case.join("in.yaml")).unwrap());
        let (application, findings) = lower(&document);
        compare(&case.join("findings.txt"), &lines(&findings));
        if !findings.iter().any(Finding::is_error) {
            let lowered = Document::new(document.metadata.clone(), Spec::Application(Box::new(application)));
            compare(&case.join("out.yaml"), &serde_saphyr::to_string(&lowered.to_json()).unwrap());
        }
    }
}

#[test]
fn examples_are_lowered_without_findings() {
    for (name, text) in Kind::ALL.map(Kind::example) {
        let document = document(text);
        let (application, findings) = lower(&document);
        assert_eq!(lines(&findings), "", "{name}");
        let json = serde_json::to_value(&application).unwrap();
        let back: ApplicationSpec = serde_json::from_value(json).unwrap();
        assert_eq!(back, application, "{name}: the lowered form can be read back");
    }
}
