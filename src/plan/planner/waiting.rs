//! What a deployment waits for when nothing is left to do: stuck is explained.

use super::{Draft, seen};
use crate::model::arn::is_arn;
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::membership::{are_unused, stays_out_of, targets_behind};
use crate::model::observed::{ObservedService, ObservedTarget, Seen};
use crate::model::plan::{Waiting, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::rollout::{ComponentRollout, Phase};

pub(super) fn explain(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (name, component) in &input.desired.components {
        let id = match component.workload {
            Workload::Service { .. } => ResourceId::new(ResourceKind::Service, name.as_str()),
            Workload::Task { .. } => ResourceId::new(ResourceKind::Task, name.as_str()),
        };
        let resolved = input.resolved.components.get(name);
        for on in resolved.into_iter().flat_map(|resolved| &resolved.waiting) {
            draft.wait(&id, on.clone());
        }
        cluster(draft, &id);
        if let Some(state) = input.rollout.components.get(name) {
            phase(draft, &id, component, state);
        }
    }
    left_missing(draft);
}

/// Says what is waited for in vain: somebody deleted it, and the document does not want it back.
fn left_missing(draft: &mut Draft<'_>) {
    let in_vain = |waiting: &Waiting| match &waiting.on {
        WaitingOn::Resource { id } if draft.left_missing.contains(id) => {
            Some((waiting.resource.clone(), id.clone()))
        }
        _ => None,
    };
    let found: Vec<_> = draft.waiting.iter().filter_map(in_vain).collect();
    for (waits, id) in found {
        let message = format!(
            "{id} was deleted by somebody, and `spec.drift` does not have that repaired, so nothing makes it again: set `drift.fields` \
             of `{id}` to Repair, edit it, or make it yourself"
        );
        draft.note(&waits, message, true);
    }
}

fn cluster(draft: &mut Draft<'_>, id: &ResourceId) {
    let input = draft.input;
    if matches!(input.observed.cluster, Seen::NotRead) {
        return;
    }
    if let Some(on) = WaitingOn::cluster(&input.desired.placement, &input.observed.cluster) {
        draft.wait(id, on);
    }
}

fn phase(draft: &mut Draft<'_>, id: &ResourceId, component: &DesiredComponent, state: &ComponentRollout) {
    let service = seen(&draft.input.observed.services, &component.name).present().cloned();
    match &state.phase {
        Phase::Idle => {}
        Phase::Waiting { on, .. } => {
            for on in on {
                draft.wait(id, on.clone());
            }
        }
        Phase::TaskRunning { token, task, .. } => {
            let status = task_status(draft, component, task.as_deref(), token);
            draft.wait(id, WaitingOn::Task { task: task.clone().unwrap_or_else(|| token.clone()), status });
        }
        Phase::Rolling { deployment, .. } => {
            let because = match &service {
                Some(service) if deployment.is_some() => Some(progress(draft, component, service)),
                _ => (!waits_for_deployment(draft, id)).then(|| "not begun".to_owned()),
            };
            if let Some(because) = because {
                let id_of = deployment.clone().unwrap_or_default();
                draft.wait(id, WaitingOn::Deployment { id: id_of, because });
            }
            targets(draft, id, component, service.as_ref());
        }
        Phase::Baking { until, .. } => {
            draft.wait(id, WaitingOn::Bake { until: *until });
            targets(draft, id, component, service.as_ref());
        }
        Phase::Complete { .. } => {
            if let Some(service) =
                service.as_ref().filter(|service| !service.is_steady() && service.status != "DRAINING")
            {
                let deployment = service.primary().map(|primary| primary.id.clone()).unwrap_or_default();
                draft.wait(
                    id,
                    WaitingOn::Deployment { id: deployment, because: progress(draft, component, service) },
                );
            }
            targets(draft, id, component, service.as_ref());
        }
        Phase::RolledBack { hash, reason, .. } => {
            draft.wait(id, WaitingOn::Failed { hash: hash.clone(), because: reason.clone() });
        }
        Phase::Stalled { hash, message, .. } => {
            draft.wait(id, WaitingOn::Failed { hash: hash.clone(), because: message.clone() });
        }
    }
}

/// Whether it is known already which deployment comes before the one that is to begin, or what else
/// has to end.
fn waits_for_deployment(draft: &Draft<'_>, id: &ResourceId) -> bool {
    let of_it = |waiting: &Waiting| {
        waiting.resource == *id
            && matches!(
                waiting.on,
                WaitingOn::Deployment { .. } | WaitingOn::Traffic { .. } | WaitingOn::Predecessor { .. }
            )
    };
    draft.waiting.iter().any(of_it)
}

fn task_status(draft: &Draft<'_>, component: &DesiredComponent, task: Option<&str>, token: &str) -> String {
    let seen = seen(&draft.input.observed.tasks, &component.name);
    let found = seen
        .present()
        .into_iter()
        .flatten()
        .find(|seen| Some(seen.arn.as_str()) == task || seen.started_by.as_deref() == Some(token));
    match (found, task) {
        (Some(found), _) => found.last_status.clone(),
        (None, Some(_)) if seen.is_known() => "not listed".to_owned(),
        (None, Some(_)) => "not seen in this pass".to_owned(),
        (None, None) => "asked for".to_owned(),
    }
}

/// `1 of 2 running; BLUE_GREEN: SCALE_UP; newest event`.
fn progress(draft: &Draft<'_>, component: &DesiredComponent, service: &ObservedService) -> String {
    let (running, wanted) = match service.primary() {
        Some(primary) => (primary.running, primary.desired),
        None => (service.running, service.desired),
    };
    let stage = seen(&draft.input.observed.stages, &component.name).present();
    let stage = stage.map(|stage| format!("; {stage}")).unwrap_or_default();
    match service.events.first() {
        Some(event) => format!("{running} of {wanted} running{stage}; {}", event.message),
        None => format!("{running} of {wanted} running{stage}"),
    }
}

/// Waits for the targets of every entry of `loadBalancers` with a managed group, where all were
/// seen and are not all healthy.
fn targets(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    component: &DesiredComponent,
    service: Option<&ObservedService>,
) {
    let Some(service) = service else { return };
    for groups in component.target_groups() {
        let Some(first) = groups.iter().find(|group| !is_arn(group)) else { continue };
        if stays_out_of(component, service, draft.input.observed, &groups) {
            continue;
        }
        let Ok(targets) = targets_behind(component, draft.input.observed, &groups) else { continue };
        let wanted = service.desired as usize;
        if targets.len() >= wanted && are_unused(draft.input.desired, draft.input.observed, &groups) {
            continue;
        }
        if let Some(because) = unhealthy(&targets, wanted) {
            draft.wait(id, WaitingOn::Targets { group: (*first).to_owned(), because });
        }
    }
}

/// `1 of 2 healthy: Target.FailedHealthChecks`, or nothing when all are.
fn unhealthy(targets: &[&ObservedTarget], wanted: usize) -> Option<String> {
    let healthy = targets.iter().filter(|target| target.state == "healthy").count();
    let total = targets.len().max(wanted);
    if healthy == total {
        return None;
    }
    let worst = targets.iter().find(|target| target.state != "healthy");
    let why = worst.map(|target| target.reason.clone().unwrap_or_else(|| target.state.clone()));
    Some(match why {
        Some(why) => format!("{healthy} of {total} healthy: {why}"),
        None => format!("{healthy} of {total} healthy: not registered"),
    })
}
