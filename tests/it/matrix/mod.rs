//! The drift matrix: every field of the ownership table × what somebody may do to it by hand, on a
//! controller at work. What is due is read off the table ([`rules`]); what comes is measured; both
//! must agree, and the page that people read (`src/plan/ownership.md`) shows what was measured.

mod bench;
mod contents;
mod documents;
mod editions;
mod imported;
mod manual;
mod page;
mod rules;
mod specimens;
mod touched;

use bench::{Bench, Cells};
use contents::Content;
use documents::Declared;
use editions::{Brought, Edition, Editions};
use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Class, Row, UpdateCall, rows};
use page::{is_published, page};
use rules::{Cardinality, ManualChange, Outcome, due, due_under, outside};
use serde_json::Value;
use specimens::Specimen;
use std::collections::BTreeMap;
use touched::Touch;

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
        for change in ManualChange::ALL {
            let wanted = match specimen.impossible.get(&change) {
                Some(reason) => Outcome::Meaningless(reason),
                None => due(specimen.row, change, declared.cardinality(number)),
            };
            let got = &cells[&(number, change)];
            if *got != wanted {
                let Row { kind, path, .. } = specimen.row;
                wrong.push(format!("{kind} {path} {change:?}: due {wanted}, came {got}"));
            }
        }
    }
    wrong
}

/// Measures a kind on a controller at work, holds that all comes as is due, and that the page says
/// so.
async fn holds(
    name: &'static str,
    specimens: Vec<Specimen>,
    touches: &[(ManualChange, Touch)],
    further: &[String],
) {
    are_complete(&specimens);
    let kind = specimens[0].row.kind;
    let mut bench = Bench::new(Declared::new(name, specimens)).await;
    let cells = bench.measure().await;
    let wrong = disagreements(&bench.declared, &cells);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut changes = 0;
    for (policy, by_field) in [("Report", true), ("Ignore", true), ("Report", false), ("Ignore", false)] {
        let outcomes = bench.under(policy, by_field).await;
        changes = outcomes.len();
        for (number, outcome) in outcomes {
            let path = bench.declared.policy_path(number);
            assert_eq!(outcome, due_under(policy), "{path} under {policy}, by field: {by_field}");
        }
    }
    assert_eq!(bench.deletion("Repair").await, Outcome::Repaired);
    for policy in ["Report", "Ignore"] {
        assert_eq!(bench.deletion(policy).await, due_under(policy), "deleted under {policy}");
    }
    let mut touched = BTreeMap::new();
    for (change, touch) in touches {
        touched.insert(*change, touched::outcome(*touch, "Repair").await);
    }
    let cell = |row: &Row, change: ManualChange| {
        let number = bench.declared.specimens.iter().position(|specimen| std::ptr::eq(specimen.row, row));
        match number {
            Some(number) => cells[&(number, change)].clone(),
            None => match touched.get(&change).filter(|_| row.class == Class::Delegated) {
                Some(outcome) => outcome.clone(),
                None => due(row, change, Cardinality { required: true, many: false }),
            },
        }
    };
    let mut sentences = vec![format!(
        "Deleted by hand, it is made again in the pass that sees it; under `Report` that is reported, under `Ignore` it is left. All \
         {changes} changes of the first column are reported and left under `Report`, and neither reported nor written under `Ignore`, \
         given for the whole deployment or for each field."
    )];
    sentences.extend_from_slice(further);
    let columns = ["changed", "removed", "added to", "set where not named"];
    let page =
        page(kind, &columns, |row| ManualChange::ALL.map(|change| cell(row, change)).to_vec(), &sentences);
    is_published(kind, &page);
}

/// Holds what comes of a touch under every policy.
async fn comes_to(touch: Touch, under: [(&str, Outcome); 3]) {
    for (policy, wanted) in under {
        assert_eq!(touched::outcome(touch, policy).await, wanted, "{touch:?} under {policy}");
    }
}

const POLICIES: [(&str, Outcome); 3] =
    [("Repair", Outcome::Repaired), ("Report", Outcome::Reported), ("Ignore", Outcome::Left)];
const NEVER: [(&str, Outcome); 3] =
    [("Repair", Outcome::Left), ("Report", Outcome::Left), ("Ignore", Outcome::Left)];

#[tokio::test(start_paused = true)]
async fn log_groups_drift_as_the_table_says() {
    holds("logs", specimens::log_groups(), &[], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn alarms_drift_as_the_table_says() {
    holds("alarms", specimens::alarms(), &[], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn target_groups_drift_as_the_table_says() {
    comes_to(Touch::TargetAdded, POLICIES).await;
    comes_to(Touch::TargetRemoved, NEVER).await;
    let touches = [(ManualChange::Removed, Touch::TargetRemoved), (ManualChange::Added, Touch::TargetAdded)];
    let certain =
        "An address that belongs to no task is taken out once that was seen for five minutes.".to_owned();
    holds("groups", specimens::target_groups(), &touches, &[certain]).await;
}

const WHILE_SHIFTING: &str = "While ECS shifts traffic (strategy `BLUE_GREEN`, `CANARY` or `LINEAR`), other weights among the \
     target groups that are allowed are left.";

#[tokio::test(start_paused = true)]
async fn listeners_drift_as_the_table_says() {
    comes_to(Touch::ListenerShifted, NEVER).await;
    holds("listeners", specimens::listeners(), &[], &[WHILE_SHIFTING.to_owned()]).await;
}

#[tokio::test(start_paused = true)]
async fn rules_drift_as_the_table_says() {
    comes_to(Touch::RuleShifted, NEVER).await;
    holds("rules", specimens::rules(), &[], &[WHILE_SHIFTING.to_owned()]).await;
}

#[tokio::test(start_paused = true)]
async fn services_drift_as_the_table_says() {
    comes_to(Touch::RolledBack, NEVER).await;
    comes_to(Touch::GroupsAlternated, NEVER).await;
    let of_ecs = "The revision of a service that ECS rolled back is left where ECS put it. While ECS shifts traffic, the two target \
                  groups of a service may change places."
        .to_owned();
    holds("services", specimens::services(), &[], &[of_ecs]).await;
}

/// Every row of a kind that is content has one value to be edited.
fn are_all_there(contents: &[Content]) {
    let kind = contents[0].row.kind;
    let mut wrong = Vec::new();
    for row in rows(kind)
        .iter()
        .filter(|row| matches!(row.update_call, UpdateCall::RegisterTaskDefinition | UpdateCall::RunTask))
    {
        let count = contents.iter().filter(|content| std::ptr::eq(content.row, row)).count();
        if count != 1 {
            wrong.push(format!("{kind} {}: {count} contents", row.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const A_REVISION: Outcome = Outcome::Brings("a revision");
const THE_FIRST: Outcome = Outcome::Brings("the revision that it had");
const NOTHING: Outcome = Outcome::Brings("nothing");
const NO_SUCH: &str = "there is no such edition: the order means something, or absence means no value";

#[tokio::test(start_paused = true)]
async fn every_edit_of_a_definition_gives_one_revision_and_other_words_give_none() {
    let contents = contents::definitions();
    are_all_there(&contents);
    let mut editions = Editions::new(contents).await;
    let first: Vec<String> = (0..editions.contents.len()).map(|number| editions.revision(number)).collect();
    let mut wrong = Vec::new();
    let mut cells: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
    for edition in [Edition::Reordered, Edition::Other, Edition::Absent, Edition::SpelledOut, Edition::One] {
        for (content, brought) in editions.publish(edition).await.into_iter().enumerate() {
            let path = editions.contents[content].row.path;
            let outcome = match &brought {
                None => Outcome::Meaningless(NO_SUCH),
                Some(Brought { refused: true, .. }) => {
                    Outcome::Meaningless("a document without it is refused")
                }
                Some(Brought { calls, .. }) if calls.is_empty() && edition == Edition::One => {
                    assert_eq!(editions.revision(content), first[content], "{path} as it was at first");
                    THE_FIRST
                }
                Some(Brought { calls, .. }) if calls.is_empty() => NOTHING,
                Some(_) => A_REVISION,
            };
            cells.entry(path).or_default().push(outcome);
            let Some(Brought { is_new, calls, .. }) = brought else { continue };
            // A content that is wanted again gets its revision back.
            let is_new = is_new && edition != Edition::One;
            if is_new && !editions.is_told(content) {
                wrong.push(format!("{path} {edition:?}: the field is not named"));
            }
            if calls.len() != usize::from(is_new) {
                wrong.push(format!("{path} {edition:?}: {} revisions, new: {is_new}", calls.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    comes_to(Touch::TagsChanged, POLICIES).await;
    comes_to(Touch::TagsRemoved, POLICIES).await;
    comes_to(Touch::TagsAdded, NEVER).await;
    comes_to(Touch::Deregistered, POLICIES).await;
    let columns = ["in another order", "another value", "taken out", "default spelled out", "put in again"];
    let outside = "it says which revisions or which container are meant, or stands on them and not in them";
    let cells = |row: &Row| {
        let own = cells.get(row.path).cloned();
        own.unwrap_or_else(|| vec![Outcome::Meaningless(outside); columns.len()])
    };
    let sentences = [
        "Revisions never change in AWS: the columns say what an edit of the document brings about.".to_owned(),
        "By hand: a revision that was deregistered is registered again and rolled out; tags that were changed or removed are set \
         again, tags of others are left; under `Report` both are reported, under `Ignore` left."
            .to_owned(),
    ];
    is_published(
        ResourceKind::TaskDefinition,
        &page(ResourceKind::TaskDefinition, &columns, cells, &sentences),
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_task_runs_nothing_and_holds_for_the_next_run() {
    let contents = contents::tasks();
    are_all_there(&contents);
    let mut editions = Editions::new(contents).await;
    let brought = editions.publish(Edition::Other).await;
    assert!(
        brought.iter().flatten().all(|brought| brought.is_new && brought.calls.is_empty()),
        "{brought:?}"
    );
    let calls = editions.release().await;
    for (number, content) in editions.contents.iter().enumerate() {
        let runs: Vec<_> = calls[&number].iter().filter(|call| call.get("startedBy").is_some()).collect();
        assert_eq!(runs.len(), 1, "{}", content.row.path);
        let sent = &runs[0][content.row.path];
        assert!(contains(sent, &content.other), "{}: {sent}", content.row.path);
    }
    let setting = "a setting of Evenkeel's own, which AWS never sees";
    let cells = |row: &Row| match row.update_call {
        UpdateCall::RunTask => vec![NOTHING, Outcome::Brings("carries it")],
        _ => vec![Outcome::Meaningless(setting); 2],
    };
    let sentences =
        ["AWS changes nothing in a task that runs: an edit runs nothing, and holds for the next run."
            .to_owned()];
    is_published(
        ResourceKind::Task,
        &page(ResourceKind::Task, &["an edit", "the next run"], cells, &sentences),
    );
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
