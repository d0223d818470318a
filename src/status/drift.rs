//! Drift in words, and whether it was repaired.

use crate::model::plan::{ActionResult, Drift, FieldChange, Outcome, Plan};

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
        Some(change) => describe_change(change),
        None => "deleted by someone".to_owned(),
    }
}

fn describe_change(change: &FieldChange) -> String {
    format!("{} {} → {} ({})", change.path, short(&change.old), short(&change.new), change.owner)
}

/// A value for a line of text: scalars as they are, the rest as JSON, cut to 80 characters.
fn short(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => "(none)".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= 80 {
        text
    } else {
        format!("{}…", text.chars().take(79).collect::<String>())
    }
}
