//! Conditions of a deployment whose document is gone and whose resources are being deleted: what is
//! left is told, and nothing of it is missing.

use super::input::{StatusInput, condition};
use super::ready::{first_failure, most_actionable, unseen_actions};
use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};

/// All conditions, in the order of [`ConditionType`]. Exactly one of Reconciling and Stalled is
/// True.
pub(super) fn conditions(
    input: &StatusInput<'_>,
    suspended: Condition,
    stalled: Condition,
) -> Vec<Condition> {
    let message = if suspended.status == Truth::True {
        format!(
            "the document is gone, and nothing is deleted while writes are suspended {}",
            suspended.message
        )
    } else {
        format!("the document is gone, and what was made for it is being deleted{}", left(input))
    };
    let reason = ConditionReason::Removing;
    let of = |kind, truth, message: &str| condition(input, kind, truth, reason, message.to_owned());
    let reconciling = if stalled.status == Truth::True { Truth::False } else { Truth::True };
    let gone = |kind| of(kind, Truth::Unknown, "nothing is declared any more");
    vec![
        of(ConditionType::Ready, Truth::False, &message),
        of(ConditionType::Reconciling, reconciling, &message),
        stalled,
        gone(ConditionType::SecretsReady),
        gone(ConditionType::ResourcesReady),
        gone(ConditionType::TargetsHealthy),
        of(ConditionType::Drifted, Truth::False, "nothing is declared any more"),
        suspended,
    ]
}

/// What is next, or in the way, in words.
fn left(input: &StatusInput<'_>) -> String {
    if let Some((_, failure)) = first_failure(input) {
        return format!(": {failure}");
    }
    if let Some(actions) = unseen_actions(input) {
        return format!("; {actions}");
    }
    let waits = most_actionable(input);
    waits.map(|waiting| format!("; {} waits for {}", waiting.resource, waiting.on)).unwrap_or_default()
}
