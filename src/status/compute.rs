//! Status of one deployment after one pass.

use super::components::component_status;
use super::conditions::conditions;
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::finding::Finding;
use crate::model::ids::Generation;
use crate::model::observed::{Depth, ObservedState};
use crate::model::plan::{ActionResult, Drift, FieldChange, Note, Outcome, Plan};
use crate::model::resource::ResourceKind;
use crate::model::rollout::RolloutState;
use crate::model::status::{DeploymentStatus, DriftSeen, Source};
use jiff::Timestamp;
use std::collections::BTreeSet;

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
    pub orphaned: bool,
    /// The time of the pass.
    pub now: Timestamp,
}

/// Computes a status.
///
/// **Guarantees**: Ready is True only when everything declared was seen to be there, steady, at its
/// wanted content and healthy; what was not seen in a light pass keeps what the last full pass said
/// of it.
pub fn compute(input: &StatusInput<'_>) -> DeploymentStatus {
    let components = input
        .desired
        .components
        .values()
        .map(|component| (component.name.clone(), component_status(input, component)))
        .collect();
    let last_drift = last_drift(input);
    let mut status = DeploymentStatus {
        name: input.desired.deployment.clone(),
        kind: input.desired.kind.clone(),
        generation: input.generation,
        observed_generation: input.desired.generation,
        source: input.source.clone(),
        region: input.desired.placement.region.clone(),
        cluster: input.desired.placement.cluster.clone(),
        conditions: Vec::new(),
        components,
        waiting_on: input.plan.waiting_on.clone(),
        findings: input.findings.to_vec(),
        notes: notes(input),
        last_drift,
        orphaned: input.orphaned,
        updated_at: input.now,
    };
    status.conditions = conditions(input, &status);
    super::carry_time(input.prior, status, input.now)
}

/// The newest drift, and when it was repaired. A repair counts once its action was done.
fn last_drift(input: &StatusInput<'_>) -> Option<DriftSeen> {
    let before = input.prior.and_then(|prior| prior.last_drift.clone());
    let Some(drift) = input.plan.drift.last() else { return before };
    let what = describe_drift(drift);
    let done = drift.repaired && was_done(input.plan, input.outcomes, drift);
    let same = before.filter(|before| before.what == what && before.resource == drift.resource);
    let at = match &same {
        Some(before) if before.repaired_at.is_none() => before.at,
        _ => input.now,
    };
    Some(DriftSeen { at, resource: drift.resource.clone(), what, repaired_at: done.then_some(input.now) })
}

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

/// What the look at AWS showed; a light pass keeps what the last full one said of all but services.
fn notes(input: &StatusInput<'_>) -> Vec<Note> {
    let mut notes: BTreeSet<Note> = input.plan.notes.iter().cloned().collect();
    if input.observed.depth == Depth::Light {
        let before = input.prior.into_iter().flat_map(|prior| &prior.notes);
        notes.extend(before.filter(|note| note.resource.kind != ResourceKind::Service).cloned());
    }
    notes.into_iter().collect()
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

/// A condition whose transition time is carried over while its status stays.
pub(super) fn condition(
    input: &StatusInput<'_>,
    kind: ConditionType,
    status: Truth,
    reason: &str,
    message: String,
) -> Condition {
    let before =
        input.prior.and_then(|prior| prior.conditions.iter().find(|condition| condition.kind == kind));
    let last_transition_time = match before {
        Some(before) if before.status == status => before.last_transition_time,
        _ => input.now,
    };
    Condition {
        kind,
        status,
        reason: reason.to_owned(),
        message,
        observed_generation: input.desired.generation,
        last_transition_time,
    }
}

/// The stored condition of that kind.
pub(super) fn prior_condition<'a>(input: &StatusInput<'a>, kind: ConditionType) -> Option<&'a Condition> {
    input.prior.and_then(|prior| prior.conditions.iter().find(|condition| condition.kind == kind))
}
