//! The drift matrix: every field of the ownership table × what somebody may do to it by hand, on a controller at work. What is
//! due is read off the table ([`rules`]); what comes is measured; both must agree, and the page that people read
//! (`src/plan/ownership.md`) shows what was measured.

mod bench;
mod documents;
mod hands;
mod rules;
mod specimens;

use bench::{Bench, Cells};
use documents::Declared;
use evenkeel::plan::table::{Row, rows};
use rules::{Hand, Outcome, due, due_under, outside};
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
