//! One step of a whole deployment.

use super::input::StepInput;
use super::service;
use super::task::{self, TaskWorkload};
use super::view::View;
use super::workload::ServiceWorkload;
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::ComponentName;
use crate::model::kinds::application::RunPolicy;
use crate::model::rollout::{ComponentRollout, Phase, RolloutState, WorkloadKind};
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// Moves every component by at most one stage.
///
/// **Guarantees**: deterministic; a component is only opened for change when all it depends on are
/// complete at the content that is wanted now; a content that failed is not tried again until it,
/// or the fields that it failed with, or the retry annotation changes.
///
/// **Never**: reads a clock (`now` decides); takes something that was not seen for absent or
/// failed.
pub fn advance(input: &StepInput<'_>) -> RolloutState {
    let mut state = input.prior.clone();
    if state.generation != input.desired.generation {
        // Whoever edits the document may have mended what kept repairs from lasting.
        state.forget_repairs();
        state.generation = input.desired.generation;
    }
    // Of what another document goes on with, it is to know how far it is.
    let is_kept = |name: &ComponentName| {
        let handover = &input.desired.handover;
        let mut waited_for = handover.waited_for.values();
        handover.bequeaths.contains_key(name) || waited_for.any(|one| one.component == *name)
    };
    state.components.retain(|name, _| input.desired.components.contains_key(name) || is_kept(name));
    if input.desired.retry != state.retry {
        state.retry.clone_from(&input.desired.retry);
        state.components.values_mut().for_each(|component| clear_failures(component));
    }
    for name in in_dependency_order(&input.desired.components) {
        let (Some(desired), Some(resolved)) =
            (input.desired.components.get(&name), input.resolved.components.get(&name))
        else {
            continue;
        };
        let mut component = state.components.get(&name).cloned().unwrap_or_default();
        let view = View { step: input, desired, resolved, components: &state.components, workload: () };
        component.begin_as(kind(&desired.workload));
        view.prepare(&mut component);
        component.phase = match &desired.workload {
            Workload::Service { fields, bake_seconds, progress_deadline_seconds, .. } => {
                let workload = ServiceWorkload {
                    fields,
                    bake: seconds(*bake_seconds),
                    progress_deadline: seconds(*progress_deadline_seconds),
                };
                service::next(&view.of(workload), &mut component)
            }
            Workload::Task { deadline_seconds, retries, run, .. } => {
                let workload =
                    TaskWorkload { deadline: seconds(*deadline_seconds), retries: *retries, run: *run };
                task::next(&view.of(workload), &mut component)
            }
        };
        state.components.insert(name, component);
    }
    state
}

/// Lifts the memory of failures of one component, or of the whole deployment, as a person asked.
pub fn retry(state: &mut RolloutState, component: Option<&ComponentName>) {
    if component.is_none() {
        state.forget_repairs();
    }
    for (name, rollout) in &mut state.components {
        if component.is_none_or(|only| only == name) {
            clear_failures(rollout);
        }
    }
}

/// Lifts the memory of failures, so that what failed is tried again.
fn clear_failures(component: &mut ComponentRollout) {
    component.failures.clear();
    if matches!(component.phase, Phase::Stalled { .. } | Phase::RolledBack { .. }) {
        component.phase = Phase::Idle;
    }
}

fn kind(workload: &Workload) -> WorkloadKind {
    match workload {
        Workload::Service { .. } => WorkloadKind::Service,
        Workload::Task { run: RunPolicy::Completion, .. } => WorkloadKind::Task,
        Workload::Task { run: RunPolicy::Forever, .. } => WorkloadKind::ForeverTask,
    }
}

fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds))
}

/// Names such that every component comes after those that it depends on; components of a cycle
/// (which the checks refuse) come last, in name order.
fn in_dependency_order(components: &BTreeMap<ComponentName, DesiredComponent>) -> Vec<ComponentName> {
    let mut ordered: Vec<ComponentName> = Vec::with_capacity(components.len());
    loop {
        let ready: Vec<ComponentName> = components
            .values()
            .filter(|component| !ordered.contains(&component.name))
            .filter(|component| {
                component.depends_on.iter().all(|on| ordered.contains(on) || !components.contains_key(on))
            })
            .map(|component| component.name.clone())
            .collect();
        if ready.is_empty() {
            ordered.extend(
                components.keys().filter(|name| !ordered.contains(name)).cloned().collect::<Vec<_>>(),
            );
            return ordered;
        }
        ordered.extend(ready);
    }
}
