//! Drift in words, and whether it was repaired.

use crate::model::change_words::change_words;
use crate::model::plan::{ActionResult, Drift, Outcome, Plan};

/// Whether everything that repairs a drift was done.
pub(super) fn was_done(plan: &Plan, outcomes: &[Outcome], drift: &Drift) -> bool {
    let done = |index| {
        let result = outcomes.iter().find(|outcome| outcome.action == index).map(|outcome| &outcome.result);
        matches!(result, Some(ActionResult::Done { .. }))
    };
    let actions = plan.actions.iter().enumerate().filter(|(_, action)| action.resource == drift.resource);
    let mut verdicts = actions.map(|(index, _)| done(index)).peekable();
    verdicts.peek().is_some() && verdicts.all(|done| done)
}

/// A drift in words: `desiredCount 5 → 2 (declared)`.
pub fn describe_drift(drift: &Drift) -> String {
    match &drift.change {
        Some(change) => change_words(change),
        None => "deleted by someone".to_owned(),
    }
}
