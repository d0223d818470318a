//! Status of one component.

use super::input::StatusInput;
use crate::model::arn::{family_revision, target_group_name, task_id};
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::ComponentName;
use crate::model::observed::{Depth, ObservedService, Seen};
use crate::model::plan::{Waiting, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::rollout::{ComponentRollout, Phase, StallReason};
use crate::model::service_deployment::{ObservedStage, PauseStatus};
use crate::model::status::{ComponentStatus, TargetCount};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What is reported of one component.
pub(super) fn component_status(input: &StatusInput<'_>, component: &DesiredComponent) -> ComponentStatus {
    let idle = ComponentRollout::default();
    let rollout = input.rollout.components.get(&component.name).map_or(&idle, AsRef::as_ref);
    // One of that name that is somebody else's says nothing of the component.
    let foreign = matches!(rollout.phase, Phase::Stalled { reason: StallReason::NotOwned, .. });
    let absent = Seen::Absent;
    let seen = input.observed.services.get(&component.name);
    let seen = seen.map(|seen| if foreign { &absent } else { seen });
    let service = seen.and_then(Seen::present);
    let prior = input.prior.and_then(|prior| prior.components.get(&component.name)).map(AsRef::as_ref);
    let counts = match (&component.workload, service) {
        (Workload::Service { .. }, Some(service)) => (service.desired, service.running, service.pending),
        (Workload::Service { fields, initial_count, .. }, None) => {
            let wanted = fields["desiredCount"].as_u64().and_then(|n| u32::try_from(n).ok());
            let unseen = !seen.is_some_and(Seen::is_known);
            let before = prior.filter(|_| unseen).map(|prior| (prior.desired, prior.running, prior.pending));
            before.unwrap_or((wanted.unwrap_or(*initial_count), 0, 0))
        }
        (Workload::Task { .. }, _) => task_counts(input, component, &rollout.phase, prior),
    };
    let stage = input.observed.stages.get(&component.name).filter(|_| !foreign).unwrap_or(&Seen::NotRead);
    let revisions = Revisions {
        wanted: rollout.revision.as_ref().map(|revision| family_revision(&revision.arn)),
        running: running_revision(component, rollout, seen, prior),
    };
    let (phase, message) = match contested(input, component) {
        _ if input.is_removing() => ("Removing", removing(component, counts.1, counts.2)),
        Some(until) => ("Contested", format!("next try {until:.0}")),
        None => {
            let message = held_answer(input, component).unwrap_or_else(|| {
                message(&rollout.phase, seen.unwrap_or(&Seen::NotRead), stage.present(), &revisions)
            });
            (rollout.phase.word(), message)
        }
    };
    ComponentStatus {
        workload: workload_word(&component.workload).to_owned(),
        phase: phase.to_owned(),
        message,
        desired: counts.0,
        running: counts.1,
        pending: counts.2,
        wanted_revision: revisions
            .wanted
            .filter(|_| revisions.wanted != revisions.running)
            .map(str::to_owned),
        revision: revisions.running.map(str::to_owned),
        image: image(component),
        targets: targets(input, component, prior),
        service: match &component.workload {
            Workload::Service { service_name, .. } => Some(service_name.clone()),
            Workload::Task { .. } => None,
        },
        pause: match stage {
            Seen::Present(stage) => PauseStatus::of(stage),
            Seen::Unknown(_) => prior.and_then(|prior| prior.pause.clone()),
            Seen::Absent | Seen::NotRead => None,
        },
    }
}

/// The revision that a component was last seen to run, as `family:number`.
fn running_revision<'r>(
    component: &DesiredComponent,
    rollout: &'r ComponentRollout,
    seen: Option<&'r Seen<ObservedService>>,
    prior: Option<&'r ComponentStatus>,
) -> Option<&'r str> {
    match (&component.workload, seen) {
        (Workload::Task { .. }, _) => {
            rollout.completed.as_ref().map(|revision| family_revision(&revision.arn))
        }
        (Workload::Service { .. }, Some(Seen::Present(service))) => {
            Some(family_revision(&service.task_definition))
        }
        (Workload::Service { .. }, Some(Seen::Absent)) => None,
        (Workload::Service { .. }, Some(Seen::Unknown(_) | Seen::NotRead) | None) => {
            prior.and_then(|prior| prior.revision.as_deref())
        }
    }
}

/// What is left of a component whose document is gone.
fn removing(component: &DesiredComponent, running: u32, pending: u32) -> String {
    let what = match component.workload {
        Workload::Service { .. } => "its service",
        Workload::Task { .. } => "it",
    };
    match running + pending {
        0 => format!("nothing of {what} runs any more"),
        1 => "1 task still runs".to_owned(),
        left => format!("{left} tasks still run"),
    }
}

/// Until when nothing is written of a service that somebody else writes again and again. Then its
/// rollout, which would go on with that write, is not what holds it up.
fn contested(input: &StatusInput<'_>, component: &DesiredComponent) -> Option<Timestamp> {
    let id = ResourceId::new(ResourceKind::Service, component.name.as_str());
    input.plan.notes.iter().find(|note| note.resource == id)?.next_try
}

/// Why the answer to a pause is held: whoever gave it is not asked for it again.
fn held_answer(input: &StatusInput<'_>, component: &DesiredComponent) -> Option<String> {
    let mut held = held_answers(&input.plan.waiting_on).into_iter();
    let of_it = held.find(|held| held.component == component.name)?;
    Some(format!("its pause is answered, and the answer is held: {}", of_it.because))
}

/// The answer to a paused deployment that is not given to ECS yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HeldAnswer {
    /// Whose deployment it is.
    pub component: ComponentName,
    /// Which deployment, when it is held for its own sake.
    pub deployment: Option<String>,
    /// Why.
    pub because: String,
    /// Whether a person has to do something first.
    pub by_hand: bool,
}

/// The answers that are held.
pub(super) fn held_answers(waiting: &[Waiting]) -> Vec<HeldAnswer> {
    let of = |waiting: &Waiting| -> Vec<HeldAnswer> {
        match &waiting.on {
            WaitingOn::Traffic { deployment, because, by_hand } => vec![HeldAnswer {
                component: ComponentName::new(&waiting.resource.key),
                deployment: Some(deployment.clone()),
                because: because.clone(),
                by_hand: *by_hand,
            }],
            WaitingOn::Suspended { because, answers } => {
                let held = |component: &ComponentName| HeldAnswer {
                    component: component.clone(),
                    deployment: None,
                    because: format!("writes are suspended {because}"),
                    by_hand: false,
                };
                answers.iter().map(held).collect()
            }
            _ => Vec::new(),
        }
    };
    waiting.iter().flat_map(of).collect()
}

fn workload_word(workload: &Workload) -> &'static str {
    match workload {
        Workload::Task { .. } => "task",
        Workload::Service { .. } if workload.recreates() => "singleton",
        Workload::Service { .. } => "service",
    }
}

fn task_counts(
    input: &StatusInput<'_>,
    component: &DesiredComponent,
    phase: &Phase,
    prior: Option<&ComponentStatus>,
) -> (u32, u32, u32) {
    let Some(Seen::Present(tasks)) = input.observed.tasks.get(&component.name) else {
        return prior.map_or((0, 0, 0), |prior| (prior.desired, prior.running, prior.pending));
    };
    let alive = tasks.iter().filter(|task| !task.is_stopped());
    let (running, pending): (Vec<_>, Vec<_>) = alive.partition(|task| task.last_status == "RUNNING");
    let wanted = u32::from(matches!(phase, Phase::TaskRunning { .. }) || !running.is_empty());
    let count = |tasks: Vec<_>| u32::try_from(tasks.len()).unwrap_or(u32::MAX);
    (wanted, count(running), count(pending))
}

fn image(component: &DesiredComponent) -> String {
    let containers = component.task_definition["containerDefinitions"].as_array();
    containers
        .into_iter()
        .flatten()
        .find(|container| container["essential"] != false)
        .and_then(|container| container["image"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Revisions of a service as `family:number`: the one that is wanted, and the one that it was last
/// seen to run.
struct Revisions<'r> {
    wanted: Option<&'r str>,
    running: Option<&'r str>,
}

fn message(
    phase: &Phase,
    seen: &Seen<ObservedService>,
    stage: Option<&ObservedStage>,
    revisions: &Revisions<'_>,
) -> String {
    match phase {
        Phase::Waiting { on, .. } => {
            let on: Vec<String> = on.iter().map(ToString::to_string).collect();
            format!("waiting for {}", on.join("; "))
        }
        Phase::Rolling { deployment, .. } => rolling(seen, deployment.as_deref(), stage),
        Phase::Baking { until, .. } => format!("must stay healthy until {until}"),
        Phase::RolledBack { reason, .. } => rolled_back(reason, seen, revisions),
        Phase::Stalled { message, .. } => message.clone(),
        Phase::TaskRunning { task, deadline, .. } => match task {
            Some(task) => format!("task {} must exit 0 by {deadline}", task_id(task)),
            None => "task is being started".to_owned(),
        },
        // Somebody else deploys it.
        Phase::Complete { .. } => stage.map(ToString::to_string).unwrap_or_default(),
        Phase::Idle => String::new(),
    }
}

fn rolled_back(reason: &str, seen: &Seen<ObservedService>, revisions: &Revisions<'_>) -> String {
    let wanted = revisions.wanted.unwrap_or("?");
    let running = match (revisions.running, seen) {
        (Some(running), _) => format!("running {running}"),
        (None, Seen::Absent) => "nothing runs".to_owned(),
        (None, _) => "what runs was not seen".to_owned(),
    };
    format!("desired {wanted}, {running}: rolled back by ECS because {reason}")
}

/// How far a rollout is, as far as its service was seen.
fn rolling(seen: &Seen<ObservedService>, begun: Option<&str>, stage: Option<&ObservedStage>) -> String {
    match seen {
        Seen::Present(service) => match service.primary() {
            Some(primary) if begun == Some(primary.id.as_str()) => {
                let stage = stage.map(|stage| format!("; {stage}")).unwrap_or_default();
                format!("{} of {} new tasks running{stage}", primary.running, primary.desired)
            }
            // It was asked for in this pass, and what was seen is from before.
            Some(_) if begun.is_some() => "its ECS deployment has just begun".to_owned(),
            Some(_) => "its ECS deployment has not begun".to_owned(),
            None => "ECS shows no deployment of it".to_owned(),
        },
        // One that was gone before this pass has lost its deployment in the step: it is made now.
        Seen::Absent if begun.is_some() => "being created".to_owned(),
        Seen::Absent => "not created yet".to_owned(),
        Seen::Unknown(gap) => {
            format!("rolled out, and not seen: {}: {}: {}", gap.operation, gap.code, gap.message)
        }
        Seen::NotRead => "rolled out, and not looked at in this pass".to_owned(),
    }
}

fn targets(
    input: &StatusInput<'_>,
    component: &DesiredComponent,
    prior: Option<&ComponentStatus>,
) -> BTreeMap<String, TargetCount> {
    target_groups(component)
        .filter_map(|group| match input.observed.targets.get(group) {
            Some(Seen::Present(targets)) => {
                let counted = targets.iter().filter(|target| !target.is_draining());
                let count = counted.fold(TargetCount::default(), |sum, target| TargetCount {
                    healthy: sum.healthy + u32::from(target.state == "healthy"),
                    total: sum.total + 1,
                });
                Some((target_group_name(group).to_owned(), count))
            }
            _ if input.observed.depth == Depth::Light => {
                let before = prior.and_then(|prior| prior.targets.get(target_group_name(group)));
                before.map(|count| (target_group_name(group).to_owned(), count.clone()))
            }
            _ => None,
        })
        .collect()
}

/// The target groups of a service, alternates included: keys of the document's own, ARNs of others.
pub(super) fn target_groups(component: &DesiredComponent) -> impl Iterator<Item = &str> {
    component.target_groups().flatten()
}
