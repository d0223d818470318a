//! What ran before and must not run beside what is declared now: one decision for all layers.
//!
//! A singleton, and a task that runs for ever, own something: a queue, a lease, a directory. A
//! second one beside the first would corrupt it, whatever the first is called. So where either side
//! is of that sort, the old one is seen to have stopped before the new one starts.

use super::arn::task_id;
use super::desired::{DesiredComponent, DesiredState, Workload};
use super::ids::ComponentName;
use super::kinds::application::RunPolicy;
use super::observed::{Gap, ObservedService, ObservedState, ObservedTask, Seen};
use super::owner::{Owner, OwnershipBasis};
use super::plan::WaitingOn;
use super::resource::{ResourceId, ResourceKind, TAG_COMPONENT};
use super::rollout::RolloutState;
use jiff::Timestamp;

/// One thing that is not declared any more and may not run beside its successor.
#[derive(Clone, Debug, PartialEq)]
pub enum Predecessor<'o> {
    /// A service that has tasks, or wants some.
    Service {
        /// How plans and records know it.
        id: ResourceId,
        /// As it was seen.
        service: &'o ObservedService,
    },
    /// A task that runs.
    Task {
        /// How plans and records know it.
        id: ResourceId,
        /// As it was seen.
        task: &'o ObservedTask,
        /// Until when a run that is to end by itself is left to do so.
        until: Option<Timestamp>,
    },
    /// A task of a service that counts none any more: it is on its way to STOPPED.
    Stopping {
        /// How plans and records know the service.
        id: ResourceId,
        /// As it was seen.
        task: &'o ObservedTask,
    },
    /// It was made by us, and AWS does not show it.
    Unseen {
        /// How plans and records know it.
        id: ResourceId,
        /// Why it is not shown.
        because: String,
    },
}

impl Predecessor<'_> {
    /// What its successor waits for.
    pub fn wait(&self) -> WaitingOn {
        match self {
            Self::Service { service, .. } => WaitingOn::Predecessor {
                what: format!("service {}", service.name),
                because: format!("{} of its tasks run", service.running + service.pending),
            },
            Self::Task { task, .. } | Self::Stopping { task, .. } => WaitingOn::Predecessor {
                what: format!("task {}", task_id(&task.arn)),
                because: task.last_status.clone(),
            },
            Self::Unseen { id, because } => {
                WaitingOn::Observation { because: format!("{id}, which may not run beside it: {because}") }
            }
        }
    }
}

/// Everything of the deployment that a component may not be started beside.
///
/// What stood under its own key counts when either of the two may not run twice. What is left of
/// other keys counts when neither may: nothing tells whether it was renamed.
///
/// **Guarantees**: names nothing that is not ours, and nothing that is declared.
pub fn predecessors<'o>(
    desired: &DesiredState,
    rollout: &RolloutState,
    observed: &'o ObservedState,
    component: &DesiredComponent,
) -> Vec<Predecessor<'o>> {
    let alone = runs_alone(&component.workload);
    let recorded = |id: &ResourceId, arn: &str| rollout.arn(id).is_some_and(|known| known == arn);
    let mut found = Vec::new();
    for (id, seen) in observed.all_services() {
        if is_declared_service(desired, &id) {
            continue;
        }
        match seen {
            Seen::Present(service) => {
                let basis = OwnershipBasis { adopts: false, recorded: recorded(&id, &service.arn) };
                let ours = Owner::of(&service.tags, &desired.deployment, basis).is_ours();
                if !ours || !precedes(component, &id, service) {
                    continue;
                }
                if service.desired + service.running + service.pending > 0 {
                    found.push(Predecessor::Service { id, service });
                } else {
                    found.extend(stopping(observed, &id));
                }
            }
            // Of what sort it is, nobody knows.
            Seen::Unknown(gap) if alone => found.push(unseen(id, gap)),
            Seen::Unknown(_) | Seen::NotRead | Seen::Absent => {}
        }
    }
    for (name, seen) in tasks(desired, observed) {
        let id = ResourceId::new(ResourceKind::Task, name.as_str());
        let own = name == &component.name;
        if !own && !alone {
            continue;
        }
        let until = rollout.components.get(name).and_then(|known| known.former_task_until);
        match seen {
            Seen::Present(tasks) => {
                let running = tasks.iter().filter(|task| !task.is_stopped());
                found.extend(running.map(|task| Predecessor::Task { id: id.clone(), task, until }));
            }
            Seen::Unknown(gap) => found.push(unseen(id, gap)),
            Seen::NotRead | Seen::Absent => {}
        }
    }
    found
}

/// Tasks that no declared component runs as its task: of a component that is gone, or that is a
/// service by now.
fn tasks<'o>(
    desired: &DesiredState,
    observed: &'o ObservedState,
) -> impl Iterator<Item = (&'o ComponentName, &'o Seen<Vec<ObservedTask>>)> {
    let undeclared = observed.tasks.iter().filter(|(name, _)| !desired.components.contains_key(*name));
    undeclared.chain(&observed.former_tasks)
}

fn unseen<'o>(id: ResourceId, gap: &Gap) -> Predecessor<'o> {
    Predecessor::Unseen { id, because: format!("{}: {}: {}", gap.operation, gap.code, gap.message) }
}

/// What is left of a service that counts no tasks: those that have not stopped yet.
fn stopping<'o>(observed: &'o ObservedState, id: &ResourceId) -> Vec<Predecessor<'o>> {
    match observed.stopping_tasks.get(id) {
        Some(Seen::Present(tasks)) => {
            tasks.iter().map(|task| Predecessor::Stopping { id: id.clone(), task }).collect()
        }
        Some(Seen::Unknown(gap)) => vec![unseen(id.clone(), gap)],
        Some(Seen::NotRead | Seen::Absent) | None => Vec::new(),
    }
}

/// Whether a service is one that some component that is declared may not be started beside, should
/// it be ours.
pub fn precedes_any(desired: &DesiredState, id: &ResourceId, service: &ObservedService) -> bool {
    !is_declared_service(desired, id)
        && desired.components.values().any(|component| precedes(component, id, service))
}

fn precedes(component: &DesiredComponent, id: &ResourceId, service: &ObservedService) -> bool {
    let key = service.tags.get(TAG_COMPONENT).map_or(id.key.as_str(), String::as_str);
    let (new, old) = (runs_alone(&component.workload), service_runs_alone(service));
    (new && old) || (key == component.name.as_str() && (new || old))
}

/// Whether a service is the one that the document declares under this id.
fn is_declared_service(desired: &DesiredState, id: &ResourceId) -> bool {
    let component = desired.components.get(id.key.as_str());
    component.is_some_and(|component| matches!(component.workload, Workload::Service { .. }))
}

/// Whether no second one may run beside it.
fn runs_alone(workload: &Workload) -> bool {
    match workload {
        Workload::Service { .. } => workload.recreates(),
        Workload::Task { run, .. } => *run == RunPolicy::Forever,
    }
}

fn service_runs_alone(service: &ObservedService) -> bool {
    let configuration = &service.fields["deploymentConfiguration"];
    configuration["minimumHealthyPercent"] == 0 && configuration["maximumPercent"] == 100
}
