//! Status of one deployment after one pass.

use super::components::component_status;
use super::conditions::conditions;
use super::drift::{describe_drift, was_done};
use super::input::StatusInput;
use crate::model::observed::Depth;
use crate::model::plan::Note;
use crate::model::resource::ResourceKind;
use crate::model::status::{DeploymentStatus, DriftSeen};
use std::collections::BTreeSet;

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
        .map(|component| (component.name.clone(), component_status(input, component).into()))
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
        orphaned: input.removed && !input.is_removing(),
        removing: input.is_removing(),
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

/// What AWS showed; a light pass keeps what the last full one said of all but services.
fn notes(input: &StatusInput<'_>) -> Vec<Note> {
    let mut notes: BTreeSet<Note> = input.plan.notes.iter().cloned().collect();
    if input.observed.depth == Depth::Light {
        let before = input.prior.into_iter().flat_map(|prior| &prior.notes);
        notes.extend(before.filter(|note| note.resource.kind != ResourceKind::Service).cloned());
    }
    notes.into_iter().collect()
}
