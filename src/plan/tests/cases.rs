//! Golden plans: every folder below `tests/cases/plan` is a situation. `UPDATE_GOLDEN=1 cargo test`
//! writes the texts anew.

use super::apply::apply;
use super::fixture::{Fixture, folder};
use crate::model::plan::Plan;
use crate::plan::{plan, render, teardown};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// A situation that takes more passes than this to come to rest is a mistake.
const MOST_PASSES: usize = 5;

/// Lines of a golden plan; a longer one is not read by anybody.
const LONGEST_PLAN: usize = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The situation, in a sentence.
    #[expect(dead_code, reason = "for readers of the file")]
    about: String,
    /// The thread or page that a false difference comes from; every case named `no-diff-…` has one.
    #[serde(default)]
    source: Option<String>,
    /// Merge patch over the base.
    #[serde(default)]
    patch: Value,
    /// The document is gone: `unconfirmed` or `confirmed`.
    #[serde(default)]
    teardown: Option<String>,
}

impl Case {
    fn plan(&self, fixture: &Fixture) -> Plan {
        match self.teardown.as_deref() {
            None => plan(&fixture.input()),
            Some(word) => teardown(&fixture.input(), word == "confirmed"),
        }
    }
}

fn outcome(case: &Case) -> String {
    let empty = Value::Object(serde_json::Map::new());
    let mut fixture = Fixture::base_with(if case.patch.is_null() { &empty } else { &case.patch });
    let first = case.plan(&fixture);
    let mut text = render(&first);
    let mut next = first;
    for pass in 1..=MOST_PASSES {
        if next.is_empty() {
            if pass > 1 {
                text.push_str(&format!("at rest after {} pass(es)\n", pass - 1));
            }
            return text;
        }
        fixture = apply(&fixture, &next);
        next = case.plan(&fixture);
    }
    format!("{text}never comes to rest:\n{}", render(&next))
}

fn situations() -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder())
        .expect("the cases are there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn read(path: &Path) -> Case {
    let text = std::fs::read_to_string(path.join("case.yaml")).expect("every situation has a case.yaml");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_situation_gives_its_golden_plan_and_comes_to_rest() {
    let mut wrong = Vec::new();
    let situations = situations();
    assert!(situations.len() > 20, "the cases are missing");
    for path in situations {
        let text = outcome(&read(&path));
        let golden = path.join("plan.txt");
        if text.contains("never comes to rest") || text.lines().count() > LONGEST_PLAN {
            wrong.push(format!("== {}: too long, or without end\n{text}", path.display()));
            continue;
        }
        if crate::golden::updates() {
            std::fs::write(&golden, &text).expect("the cases can be written");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if text != expected {
            wrong.push(format!("== {}\n-- expected\n{expected}\n-- got\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} (UPDATE_GOLDEN=1 writes them)\n{}", wrong.len(), wrong.join("\n"));
}

/// Situations in which other tools show differences that are none, from the threads and pages in
/// which their users say so.
fn corpus() -> Vec<(String, Case, Fixture)> {
    let name = |path: &Path| path.file_name().expect("a folder").to_string_lossy().into_owned();
    let cases = situations().into_iter().map(|path| (name(&path), read(&path)));
    let corpus = cases.filter(|(name, _)| name.starts_with("no-diff-"));
    corpus
        .map(|(name, case)| {
            let fixture = Fixture::base_with(&case.patch);
            (name, case, fixture)
        })
        .collect()
}

#[test]
fn what_other_tools_take_for_a_difference_is_none() {
    let corpus = corpus();
    assert!(corpus.len() >= 65, "{} cases", corpus.len());
    let mut wrong = Vec::new();
    for (name, case, fixture) in corpus {
        let made = case.plan(&fixture);
        let text = render(&made);
        if case.source.is_none_or(|source| source.is_empty()) {
            wrong.push(format!("{name} does not say where it comes from"));
        }
        // Revisions are compared where a new one is to be registered: there the image is new, and
        // nothing else may seem so.
        let changes: Vec<&str> = made
            .actions
            .iter()
            .flat_map(|action| &action.changes)
            .map(|change| change.path.as_str())
            .collect();
        let wanted: &[&str] =
            if name.starts_with("no-diff-definition-") { &["containerDefinitions[web].image"] } else { &[] };
        let quiet = made.drift.is_empty() && made.notes.is_empty() && made.actions.len() == wanted.len();
        if !quiet || changes != wanted {
            wrong.push(format!("{name}:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
