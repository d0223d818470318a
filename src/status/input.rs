//! What a status is computed from.

use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};
use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::finding::Finding;
use crate::model::ids::Generation;
use crate::model::kinds::DeletionPolicy;
use crate::model::observed::ObservedState;
use crate::model::plan::{Outcome, Plan};
use crate::model::rollout::RolloutState;
use crate::model::status::{DeploymentStatus, Source};
use jiff::Timestamp;

/// What a status is computed from.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The stored status.
    pub prior: Option<&'a DeploymentStatus>,
    /// Where the document stands.
    pub source: &'a Source,
    /// Newest generation that the store holds, valid or not.
    pub generation: Generation,
    /// Warnings of the document in force and errors of an edit that was refused.
    pub findings: &'a [Finding],
    /// What should be.
    pub desired: &'a DesiredState,
    /// The same with references resolved.
    pub resolved: &'a ResolvedState,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// Where the rollout stands after the pass.
    pub rollout: &'a RolloutState,
    /// What was planned.
    pub plan: &'a Plan,
    /// What became of it; empty after a dry run.
    pub outcomes: &'a [Outcome],
    /// Whether the document is gone from the store.
    pub removed: bool,
    /// The time of the pass.
    pub now: Timestamp,
}

impl StatusInput<'_> {
    /// Whether what was made for the document is being deleted.
    pub(super) fn is_removing(&self) -> bool {
        self.removed && self.desired.deletion_policy == DeletionPolicy::Delete
    }
}

/// A condition whose transition time is carried over while its status stays.
pub(super) fn condition(
    input: &StatusInput<'_>,
    kind: ConditionType,
    status: Truth,
    reason: ConditionReason,
    message: String,
) -> Condition {
    let before = prior_condition(input, kind);
    let last_transition_time = match before {
        Some(before) if before.status == status => before.last_transition_time,
        _ => input.now,
    };
    Condition {
        kind,
        status,
        reason,
        message,
        observed_generation: input.desired.generation,
        last_transition_time,
    }
}

/// The stored condition of that kind.
pub(super) fn prior_condition<'a>(input: &StatusInput<'a>, kind: ConditionType) -> Option<&'a Condition> {
    input.prior.and_then(|prior| prior.condition(kind))
}
