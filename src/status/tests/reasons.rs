//! The words that people and machines match on are a reviewed list.

use crate::model::condition::{ConditionReason, ConditionType};
use crate::model::rollout::StallReason;
use crate::model::status::EventReason;
use std::path::Path;
use strum::IntoEnumIterator;

#[test]
fn a_changed_reason_is_a_reviewed_diff() {
    let conditions = ConditionType::iter().map(|kind| format!("condition {kind}\n"));
    let reasons = ConditionReason::iter().map(|reason| format!("condition reason {reason}\n"));
    let events = EventReason::iter().map(|reason| format!("event reason {reason}\n"));
    let words: String = conditions.chain(reasons).chain(events).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/reasons.txt");
    if crate::golden::updates() {
        std::fs::write(&path, &words).unwrap();
    }
    let listed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(listed, words, "UPDATE_GOLDEN=1 writes {} anew", path.display());
}

#[test]
fn a_stall_has_the_same_word_as_the_condition_that_reports_it() {
    for reason in StallReason::iter() {
        assert_eq!(ConditionReason::from(reason).as_str(), reason.as_str());
    }
}
