//! Tasks that are still on their way to STOPPED, of services that count none any more, or that may
//! not have a second one.
//!
//! A service's `runningCount` leaves out a task from the moment that it is STOPPING; the task goes
//! on for as long as its `stopTimeout` lets it. What may not run beside it has to know.
//!
//! Source: ECS API, Service (`runningCount`: tasks in the RUNNING state); ECS developer guide, task
//! lifecycle.

use super::reader::{Reader, seen_or_absent};
use super::request::ObservationRequest;
use super::services::Services;
use crate::aws::Error;
use crate::aws::ecs::read::{self, TASKS_PER_CALL, TasksOf};
use crate::model::arn::service_cluster;
use crate::model::observed::{ObservedService, ObservedTask, Seen};
use crate::model::predecessor::{
    may_have_surplus, precedes_any, service_runs_alone, stands_for, starts_again,
};
use crate::model::resource::{ResourceId, ResourceKind};
use std::collections::BTreeMap;

type Stopping = BTreeMap<ResourceId, Seen<Vec<ObservedTask>>>;

/// Reads the tasks of every service that something declared may have to wait for, as soon as the
/// service itself shows none, or while one that may not have two is being rolled out; the answers
/// are in the order of the deployments.
pub(super) async fn read(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    services: &Services,
) -> Vec<Stopping> {
    let mut wanted = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let (by_component, left_over) = services.of(reader, request);
        let by_component = by_component
            .iter()
            .map(|(name, seen)| (ResourceId::new(ResourceKind::Service, name.as_str()), *seen));
        let left_over =
            left_over.iter().map(|(arn, seen)| (ResourceId::left_over(ResourceKind::Service, arn), *seen));
        for (id, seen) in by_component.chain(left_over) {
            let surplus = may_have_surplus(request.desired, request.rollout, &id);
            let quiet = seen.present().filter(|one| surplus || one.running + one.pending == 0);
            let matters = |service: &&ObservedService| {
                surplus
                    || precedes_any(request.desired, &id, service)
                    || is_to_go(request, &id, service)
                    || starts_again(request.desired, request.rollout, &id, service)
                    || stands_for(request.desired, request.rollout, &id, service).is_some()
            };
            if let Some(service) = quiet.filter(matters) {
                wanted.push((index, id, service));
            }
        }
    }
    let answers = reader.each(&wanted, |(_, _, service)| not_stopped(reader, service)).await;
    let mut shown = vec![Stopping::new(); requests.len()];
    for ((index, id, _), answer) in wanted.into_iter().zip(answers) {
        shown[index].insert(id, seen_or_absent(answer));
    }
    shown
}

/// Whether a service that may not run twice is to be removed: others may wait for its last task,
/// and once it is gone nothing tells of them.
fn is_to_go(request: &ObservationRequest<'_>, id: &ResourceId, service: &ObservedService) -> bool {
    let is_declared = request.desired.components.contains_key(id.key.as_str());
    service_runs_alone(service) && service.status == "ACTIVE" && (request.removed || !is_declared)
}

pub(super) async fn not_stopped(
    reader: &Reader<'_>,
    service: &ObservedService,
) -> Result<Vec<ObservedTask>, Error> {
    let cluster = service_cluster(&service.arn).unwrap_or(reader.cluster());
    let arns = read::list_tasks(reader.clients, cluster, TasksOf::Service(&service.name), true).await?;
    let mut tasks = Vec::new();
    for arns in arns.chunks(TASKS_PER_CALL) {
        let described = read::describe_tasks(reader.clients, cluster, arns).await?;
        tasks.extend(described.into_iter().map(|(task, _)| task).filter(|task| !task.is_stopped()));
    }
    Ok(tasks)
}
