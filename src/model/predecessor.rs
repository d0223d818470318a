//! What ran before and must not run beside what is declared now: one decision for all layers.
//!
//! A singleton, and a task that runs for ever, own something: a queue, a lease, a directory. A
//! second one beside the first would corrupt it, whatever the first is called. So where either side
//! is of that sort, the old one is seen to have stopped before the new one starts.

use super::arn::task_id;
use super::desired::{DesiredComponent, DesiredState, Workload};
use super::handover::Former;
use super::ids::ComponentName;
use super::kinds::application::RunPolicy;
use super::observed::{Gap, ObservedFormer, ObservedService, ObservedState, ObservedTask, Seen};
use super::owner::{Owner, OwnershipBasis};
use super::plan::WaitingOn;
use super::resource::{ResourceId, ResourceKind, TAG_COMPONENT};
use super::rollout::{Phase, RolloutState};
use jiff::{SignedDuration, Timestamp};

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
    /// What ran of it in another document, under another name.
    Elsewhere {
        /// Whose it is, and where.
        former: &'o Former,
        /// As it was seen.
        seen: &'o ObservedFormer,
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
            Self::Elsewhere { former: Former { document, resource, stays, .. }, seen } => {
                let what = format!("{} {} of `{document}`", resource.kind.info().noun, seen.name);
                let because = match stays {
                    true => format!(
                        "{}, and `{document}` is gone and left it; stop it, or declare it here by its own name and it goes over as it stands",
                        seen.because
                    ),
                    false => seen.because.clone(),
                };
                WaitingOn::Predecessor { what, because }
            }
            Self::Unseen { id, because } => {
                WaitingOn::Observation { because: format!("{id}, which may not run beside it: {because}") }
            }
        }
    }

    /// Whether it ran what a component is by now.
    fn stood_for(&self, component: &DesiredComponent) -> bool {
        match self {
            Self::Service { id, service } => component_of(id, service) == component.name.as_str(),
            Self::Task { id, .. } => id.key == component.name.as_str(),
            // Of whom it was is not told by what is seen of it.
            Self::Stopping { .. } | Self::Elsewhere { .. } | Self::Unseen { .. } => true,
        }
    }
}

/// Everything of the deployment that a component may not be started beside.
///
/// What stood under its own key counts when either of the two may not run twice. What is left of
/// other keys counts when neither may: nothing tells whether it was renamed. A run of a task is
/// left to end before any other task starts in its place; after the time that its successor would
/// have, it is stopped. One that runs for ever is stopped at once.
///
/// **Guarantees**: names nothing that is not ours, and of what is declared only what runs another
/// component's tasks.
pub fn predecessors<'o>(
    desired: &'o DesiredState,
    rollout: &RolloutState,
    observed: &'o ObservedState,
    component: &DesiredComponent,
) -> Vec<Predecessor<'o>> {
    let alone = component.workload.runs_alone();
    let recorded = |id: &ResourceId, arn: &str| rollout.is_recorded(id, arn);
    let mut found = Vec::new();
    for (id, seen) in observed.all_services() {
        if is_declared_service(desired, &id) {
            // Under a name that another component has by now it may still run this one's tasks.
            let lent = seen.present().filter(|service| {
                stands_for(desired, rollout, &id, service).is_some_and(|of| *of == component.name)
            });
            found.extend(lent.into_iter().flat_map(|service| to_stop(observed, &id, service)));
            continue;
        }
        match seen {
            Seen::Present(service) => {
                let basis = OwnershipBasis { adopts: false, recorded: recorded(&id, &service.arn) };
                let ours = Owner::of(&service.arn, &service.tags, desired, basis).is_ours();
                if !ours || !precedes(component, &id, service) {
                    continue;
                }
                found.extend(to_stop(observed, &id, service));
            }
            // Of what sort it is, nobody knows.
            Seen::Unknown(gap) if alone => found.push(unseen(id, gap)),
            Seen::Unknown(_) | Seen::NotRead | Seen::Absent => {}
        }
    }
    for (name, seen) in tasks(desired, observed) {
        let id = ResourceId::new(ResourceKind::Task, name.as_str());
        let own = name == &component.name;
        let is_task = matches!(component.workload, Workload::Task { .. });
        if !own && !alone && !is_task {
            continue;
        }
        let known = rollout.components.get(name).and_then(|known| known.former_task_until);
        match seen {
            Seen::Present(tasks) => {
                let running = tasks.iter().filter(|task| !task.is_stopped());
                found.extend(running.map(|task| {
                    let ends = !rollout.runs_forever(&task.arn);
                    let until = known.or_else(|| left_until(component, task)).filter(|_| ends);
                    Predecessor::Task { id: id.clone(), task, until }
                }));
            }
            Seen::Unknown(gap) => found.push(unseen(id, gap)),
            Seen::NotRead | Seen::Absent => {}
        }
    }
    found.extend(elsewhere(desired, observed, component));
    found
}

/// What ran of a component in other documents, as far as it was not seen to have stopped.
fn elsewhere<'o>(
    desired: &'o DesiredState,
    observed: &'o ObservedState,
    component: &DesiredComponent,
) -> impl Iterator<Item = Predecessor<'o>> {
    let formers = desired.handover.formers.get(&component.name).into_iter().flatten();
    formers.filter_map(|former| match observed.formers.get(&former.arn) {
        Some(Seen::Present(seen)) => Some(Predecessor::Elsewhere { former, seen }),
        Some(Seen::Absent) => None,
        Some(Seen::Unknown(gap)) => Some(unseen(former.resource.clone(), gap)),
        Some(Seen::NotRead) | None => {
            let because = format!("{} of `{}` was not looked at", former.arn, former.document);
            Some(Predecessor::Unseen { id: former.resource.clone(), because })
        }
    })
}

/// Until when a run of another task is left to end before a task that is to end, too: how long it
/// was to take is known no more, so as long as its successor may take.
fn left_until(component: &DesiredComponent, task: &ObservedTask) -> Option<Timestamp> {
    let Workload::Task { run: RunPolicy::Completion, deadline_seconds, .. } = &component.workload else {
        return None;
    };
    let created = task.created_at?;
    Some(created + SignedDuration::from_secs(i64::from(*deadline_seconds)))
}

/// What an existing service of a component may not start tasks beside, when it is to do so by an
/// update: all that one that is made would wait for, and its own tasks that have not stopped yet,
/// while it wants none; what stood under the component's own key, while it runs already. While its
/// tasks are those of another component, these have to stop as well.
pub fn before_update<'o>(
    desired: &'o DesiredState,
    rollout: &RolloutState,
    observed: &'o ObservedState,
    component: &DesiredComponent,
    service: &ObservedService,
) -> Vec<Predecessor<'o>> {
    let mut found = predecessors(desired, rollout, observed, component);
    let id = ResourceId::new(ResourceKind::Service, component.name.as_str());
    if stands_for(desired, rollout, &id, service).is_some() {
        let seen = observed.services.get(&component.name).and_then(Seen::present);
        found.extend(seen.into_iter().flat_map(|service| to_stop(observed, &id, service)));
    } else if service.desired > 0 {
        found.retain(|predecessor| predecessor.stood_for(component));
    } else if component.workload.recreates() && service.running + service.pending == 0 {
        found.extend(stopping(observed, &id));
    }
    found
}

/// The other declared component whose tasks a declared service runs so far: the two exchanged
/// their names, or one took the other's. It is that one's by its tag, until it is pointed at a
/// revision of its own.
fn runs_for<'d>(
    desired: &'d DesiredState,
    rollout: &RolloutState,
    id: &ResourceId,
    service: &ObservedService,
) -> Option<&'d DesiredComponent> {
    let own = desired.components.get(id.key.as_str())?;
    let of = desired.components.get(service.tags.get(TAG_COMPONENT)?.as_str())?;
    let services = [own, of].iter().all(|one| matches!(one.workload, Workload::Service { .. }));
    let known = rollout.components.get(&own.name);
    let mut revisions = known.into_iter().flat_map(|known| [&known.revision, &known.completed]).flatten();
    let is_own = revisions.any(|revision| revision.arn == service.task_definition);
    (own.name != of.name && services && !is_own).then_some(of)
}

/// The other component whose tasks a declared service runs so far, where either of the two may not
/// run twice: those tasks stop before any of its own starts.
pub fn stands_for<'d>(
    desired: &'d DesiredState,
    rollout: &RolloutState,
    id: &ResourceId,
    service: &ObservedService,
) -> Option<&'d ComponentName> {
    let of = runs_for(desired, rollout, id, service)?;
    is_one_alone(desired, id, of).then_some(&of.name)
}

/// The other component whose tasks a declared service runs so far, where both may run twice: they
/// serve until that component does so by a service of its own.
pub fn serves_for<'d>(
    desired: &'d DesiredState,
    rollout: &RolloutState,
    id: &ResourceId,
    service: &ObservedService,
) -> Option<&'d ComponentName> {
    let of = runs_for(desired, rollout, id, service)?;
    (!is_one_alone(desired, id, of)).then_some(&of.name)
}

fn is_one_alone(desired: &DesiredState, id: &ResourceId, of: &DesiredComponent) -> bool {
    let own = desired.components.get(id.key.as_str());
    own.is_some_and(|own| own.workload.runs_alone()) || of.workload.runs_alone()
}

/// What has to stop of a service: itself, while it has tasks or wants some, else those of its tasks
/// that have not stopped yet.
fn to_stop<'o>(
    observed: &'o ObservedState,
    id: &ResourceId,
    service: &'o ObservedService,
) -> Vec<Predecessor<'o>> {
    if service.desired + service.running + service.pending > 0 {
        return vec![Predecessor::Service { id: id.clone(), service }];
    }
    stopping(observed, id)
}

/// Whether a declared service that may not run twice is to be scaled up from nothing, so that its
/// own tasks have to be seen to have stopped.
pub fn starts_again(
    desired: &DesiredState,
    rollout: &RolloutState,
    id: &ResourceId,
    service: &ObservedService,
) -> bool {
    let component = desired.components.get(id.key.as_str());
    let workload = component.map(|component| &component.workload);
    let Some(workload @ Workload::Service { fields, .. }) = workload else { return false };
    let wants_some = fields["desiredCount"].as_u64().is_some_and(|n| n > 0)
        || rollout.count_to_restore(fields, service).is_some();
    workload.recreates() && service.desired == 0 && wants_some
}

/// What a declared service has that may not have a second task: itself, while it has more than it
/// may, else its tasks that ECS took away and that are not stopped yet. One that ended by itself,
/// or failed its checks, is none of them: there may always be another one of those.
pub fn surplus<'o>(
    observed: &'o ObservedState,
    component: &DesiredComponent,
    service: &'o ObservedService,
) -> Vec<Predecessor<'o>> {
    let Workload::Service { most: Some(most), .. } = &component.workload else { return Vec::new() };
    let id = ResourceId::new(ResourceKind::Service, component.name.as_str());
    if service.running + service.pending > *most {
        return vec![Predecessor::Service { id, service }];
    }
    let mut found = stopping(observed, &id);
    found.retain(|one| match one {
        Predecessor::Stopping { task, .. } => is_scaled_in(task),
        _ => true,
    });
    found
}

/// Whether ECS took a task away because its service wants fewer.
///
/// Source: ECS developer guide, stopped tasks error messages ("Scaling activity initiated by").
fn is_scaled_in(task: &ObservedTask) -> bool {
    task.stopped_reason.as_deref().is_some_and(|reason| reason.starts_with("Scaling activity"))
}

/// Whether tasks that are STOPPING have to be known of a declared service: it may not have a second
/// task, and is not complete.
pub fn may_have_surplus(desired: &DesiredState, rollout: &RolloutState, id: &ResourceId) -> bool {
    let component = desired.components.get(id.key.as_str());
    let workload = component.map(|component| &component.workload);
    let phase = rollout.components.get(id.key.as_str()).map(|known| &known.phase);
    matches!(workload, Some(Workload::Service { most: Some(_), .. }))
        && !matches!(phase, Some(Phase::Complete { .. }) | None)
}

/// Tasks that no declared component runs as its task: of a component that is gone, that is a
/// service by now, or that is to run its task in another cluster.
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

/// The component that a service is of by its tags, or else by its id.
fn component_of<'s>(id: &'s ResourceId, service: &'s ObservedService) -> &'s str {
    service.tags.get(TAG_COMPONENT).map_or(id.key.as_str(), String::as_str)
}

fn precedes(component: &DesiredComponent, id: &ResourceId, service: &ObservedService) -> bool {
    let key = component_of(id, service);
    let (new, old) = (component.workload.runs_alone(), service_runs_alone(service));
    (new && old) || (key == component.name.as_str() && (new || old))
}

/// Whether a service is the one that the document declares under this id.
fn is_declared_service(desired: &DesiredState, id: &ResourceId) -> bool {
    let component = desired.components.get(id.key.as_str());
    component.is_some_and(|component| matches!(component.workload, Workload::Service { .. }))
}

/// Whether no second one may run beside a service, as it was seen.
pub fn service_runs_alone(service: &ObservedService) -> bool {
    let configuration = &service.fields["deploymentConfiguration"];
    configuration["minimumHealthyPercent"] == 0 && configuration["maximumPercent"] == 100
}
