//! The calls that stop what runs: tasks, and services by scaling them to nothing.

use super::{Draft, tags};
use crate::model::arn::{cluster_name, service_cluster, task_cluster};
use crate::model::call::{Call, Verb};
use crate::model::desired::DesiredComponent;
use crate::model::observed::{ObservedService, ObservedTask};
use crate::model::plan::{FieldChange, Impact, Ownership, Reason, WaitingOn};
use crate::model::predecessor::{Predecessor, before_update, predecessors};
use crate::model::resource::ResourceId;
use crate::model::stop::StopCause;
use crate::plan::PlanInput;
use serde_json::json;

/// Stops what may not run beside a component that is ready to start, and waits for it to stop.
/// Answers whether there is anything of the sort.
pub(super) fn stop_predecessors(
    draft: &mut Draft<'_>,
    successor: &ResourceId,
    component: &DesiredComponent,
) -> bool {
    let PlanInput { desired, rollout, observed, .. } = draft.input;
    let found = predecessors(desired, rollout, observed, component);
    make_way(draft, successor, &found)
}

/// The same for a service that is there and is about to start tasks by an update.
pub(super) fn stop_before_update(
    draft: &mut Draft<'_>,
    successor: &ResourceId,
    component: &DesiredComponent,
    service: &ObservedService,
) -> bool {
    let PlanInput { desired, rollout, observed, .. } = draft.input;
    let found = before_update(desired, rollout, observed, component, service);
    make_way(draft, successor, &found)
}

fn make_way(draft: &mut Draft<'_>, successor: &ResourceId, found: &[Predecessor<'_>]) -> bool {
    let now = draft.input.now;
    for predecessor in found {
        draft.wait(successor, predecessor.wait());
        match predecessor {
            // It may be in the way of several.
            Predecessor::Service { id, .. } if draft.actions.iter().any(|action| action.resource == *id) => {}
            Predecessor::Service { id, service } => {
                let message = if id == successor {
                    format!("service {} ran another component's tasks so far: these stop first", service.name)
                } else {
                    format!("makes way for {successor}, which may not run beside it")
                };
                draft.note(id, message, false);
                scale_to_nothing(draft, id, service, Impact::Interrupts);
            }
            Predecessor::Task { id, task, until } if until.is_none_or(|until| now >= until) => {
                stop_undeclared(draft, id, task);
            }
            Predecessor::Elsewhere { former, .. } if former.stays => {
                draft.note(successor, format!("waits for {}", predecessor.wait()), true);
            }
            // Its own document stops it.
            Predecessor::Elsewhere { .. }
            | Predecessor::Task { .. }
            | Predecessor::Stopping { .. }
            | Predecessor::Unseen { .. } => {}
        }
    }
    !found.is_empty()
}

/// Whether a task is not stopped and not on its way there.
pub(super) fn may_be_stopped(task: &ObservedTask) -> bool {
    matches!(task.last_status.as_str(), "PROVISIONING" | "PENDING" | "ACTIVATING" | "RUNNING")
}

pub(super) fn stop(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    task: &ObservedTask,
    cause: StopCause<'_>,
    reason: Reason,
) {
    // It may be in the way of several.
    let is_stopped = draft.actions.iter().any(|action| action.call.arn() == Some(task.arn.as_str()));
    if may_be_stopped(task) && !is_stopped {
        let cluster = here_or(draft, task_cluster(&task.arn));
        let call = Call::StopTask { cluster, arn: task.arn.clone(), reason: cause.to_string() };
        draft.act(id, Verb::Stop, call, reason, Vec::new());
    }
}

/// Stops a task that is not declared any more, and waits for it.
pub(super) fn stop_undeclared(draft: &mut Draft<'_>, id: &ResourceId, task: &ObservedTask) {
    let on = WaitingOn::Task { task: task.arn.clone(), status: task.last_status.clone() };
    draft.wait(id, on);
    stop(draft, id, task, StopCause::Undeclared, Reason::Undeclared);
}

/// The cluster that a service is in, which need not be the declared one any more.
pub(super) fn cluster_of(draft: &Draft<'_>, service: &ObservedService) -> String {
    here_or(draft, service_cluster(&service.arn))
}

/// The declared cluster, as it is declared, unless an ARN names another one.
fn here_or(draft: &Draft<'_>, named: Option<&str>) -> String {
    let declared = draft.input.desired.placement.cluster.as_str();
    match named {
        Some(cluster) if cluster != cluster_name(declared) => cluster.to_owned(),
        Some(_) | None => declared.to_owned(),
    }
}

/// Scales a service to no tasks, as far as it is not there already.
pub(super) fn scale_to_nothing(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    service: &ObservedService,
    impact: Impact,
) {
    let cluster = cluster_of(draft, service);
    let (verb, call, changes) = if service.fields["schedulingStrategy"] == "DAEMON" {
        // It has no count to scale.
        let call = Call::DeleteService { cluster, service: service.name.clone(), force: true };
        (Verb::Delete, call, Vec::new())
    } else if service.desired > 0 {
        let fields = json!({"cluster": cluster, "service": service.name, "desiredCount": 0});
        let change = FieldChange {
            path: "desiredCount".to_owned(),
            old: json!(service.desired),
            new: json!(0),
            owner: Ownership::Declared,
            impact,
        };
        (Verb::Update, Call::UpdateService { component: id.key.as_str().into(), fields }, vec![change])
    } else {
        return;
    };
    // It may be known by two keys, or be in the way of several.
    let is_planned = draft.actions.iter().any(|action| match (action.call.fields(), call.fields()) {
        (Some(planned), Some(fields)) => planned == fields && action.call.operation() == call.operation(),
        _ => action.call == call,
    });
    if !is_planned && !tags::give_service_back(draft, id, service) {
        draft.act(id, verb, call, Reason::Undeclared, changes);
    }
}
