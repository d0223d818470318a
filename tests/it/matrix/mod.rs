//! The drift matrix: every field of the ownership table × what somebody may do to it by hand, on a controller at work. What is
//! due is read off the table ([`rules`]); what comes is measured; both must agree, and the page that people read
//! (`src/plan/ownership.md`) shows what was measured.

mod bench;
mod contents;
mod documents;
mod editions;
mod hands;
mod rules;
mod specimens;

use bench::{Bench, Cells};
use contents::Content;
use documents::Declared;
use editions::{Brought, Edition, Editions};
use evenkeel::plan::table::{Carrier, Row, rows};
use rules::{Hand, Outcome, due, due_under, outside};
use serde_json::Value;
use specimens::Specimen;

/// Every row that can drift has one specimen, and every specimen a row.
fn are_complete(specimens: &[Specimen]) {
    let kinds: Vec<_> = specimens.iter().map(|specimen| specimen.row.kind).collect();
    let mut wrong = Vec::new();
    for kind in kinds.iter().copied().collect::<std::collections::BTreeSet<_>>() {
        for row in rows(kind).iter().filter(|row| outside(row).is_none()) {
            let count = specimens.iter().filter(|specimen| std::ptr::eq(specimen.row, row)).count();
            if count != 1 && !bench::of_its_own(row) {
                wrong.push(format!("{kind} {}: {count} specimens", row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What differs between what is due and what was measured.
fn disagreements(declared: &Declared, cells: &Cells) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, specimen) in declared.specimens.iter().enumerate() {
        for hand in Hand::ALL {
            let wanted = match specimen.impossible.get(&hand) {
                Some(reason) => Outcome::Meaningless(reason),
                None => due(specimen.row, hand, declared.place(number)),
            };
            let got = &cells[&(number, hand)];
            if *got != wanted {
                let Row { kind, path, .. } = specimen.row;
                wrong.push(format!("{kind} {path} {hand:?}: due {wanted}, came {got}"));
            }
        }
    }
    wrong
}

async fn holds(specimens: Vec<Specimen>, name: &'static str) {
    are_complete(&specimens);
    let declared = Declared::new(name, specimens);
    let mut bench = Bench::new(declared).await;
    let cells = bench.measure().await;
    let wrong = disagreements(&bench.declared, &cells);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (policy, by_field) in [("Report", true), ("Ignore", true), ("Report", false), ("Ignore", false)] {
        for (number, outcome) in bench.under(policy, by_field).await {
            let path = bench.declared.policy_path(number);
            assert_eq!(outcome, due_under(policy), "{path} under {policy}, by field: {by_field}");
        }
    }
    assert_eq!(bench.deletion("Repair").await, Outcome::Repaired);
    for policy in ["Report", "Ignore"] {
        assert_eq!(bench.deletion(policy).await, due_under(policy), "deleted under {policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn log_groups_drift_as_the_table_says() {
    holds(specimens::log_groups(), "logs").await;
}

#[tokio::test(start_paused = true)]
async fn target_groups_drift_as_the_table_says() {
    holds(specimens::target_groups(), "groups").await;
}

#[tokio::test(start_paused = true)]
async fn listeners_drift_as_the_table_says() {
    holds(specimens::listeners(), "listeners").await;
}

#[tokio::test(start_paused = true)]
async fn rules_drift_as_the_table_says() {
    holds(specimens::rules(), "rules").await;
}

#[tokio::test(start_paused = true)]
async fn services_drift_as_the_table_says() {
    holds(specimens::services(), "services").await;
}

/// Every row of a kind that is content has one value to be edited.
fn are_all_there(contents: &[Content]) {
    let kind = contents[0].row.kind;
    let mut wrong = Vec::new();
    for row in rows(kind).iter().filter(|row| matches!(row.carrier, Carrier::RegisterTaskDefinition | Carrier::RunTask)) {
        let count = contents.iter().filter(|content| std::ptr::eq(content.row, row)).count();
        if count != 1 {
            wrong.push(format!("{kind} {}: {count} contents", row.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn every_edit_of_a_definition_gives_one_revision_and_other_words_give_none() {
    let contents = contents::definitions();
    are_all_there(&contents);
    let mut editions = Editions::new(contents).await;
    let mut wrong = Vec::new();
    for edition in [Edition::Reordered, Edition::Other, Edition::Absent, Edition::SpelledOut, Edition::One] {
        for (content, brought) in editions.publish(edition).await.into_iter().enumerate() {
            let Some(Brought { is_new, calls, .. }) = brought else { continue };
            if calls.len() != usize::from(is_new) {
                let path = editions.contents[content].row.path;
                wrong.push(format!("{path} {edition:?}: {} revisions, new: {is_new}", calls.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_task_runs_nothing_and_holds_for_the_next_run() {
    let contents = contents::tasks();
    are_all_there(&contents);
    let mut editions = Editions::new(contents).await;
    let brought = editions.publish(Edition::Other).await;
    assert!(brought.iter().flatten().all(|brought| brought.is_new && brought.calls.is_empty()), "{brought:?}");
    let calls = editions.release().await;
    for (number, content) in editions.contents.iter().enumerate() {
        let runs: Vec<_> = calls[&number].iter().filter(|call| call.get("startedBy").is_some()).collect();
        assert_eq!(runs.len(), 1, "{}", content.row.path);
        let sent = &runs[0][content.row.path];
        assert!(contains(sent, &content.other), "{}: {sent}", content.row.path);
    }
}

/// Whether a value has all members of another.
fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            part.iter().all(|(name, part)| value.get(name).is_some_and(|value| contains(value, part)))
        }
        (Value::Array(value), Value::Array(part)) => {
            value.len() == part.len() && value.iter().zip(part).all(|(value, part)| contains(value, part))
        }
        _ => value == part,
    }
}
