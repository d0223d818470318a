//! Steps of a service: ECS rolls, this interprets the result.

use super::stage;
use super::view::View;
use super::workload::ServiceWorkload;
use crate::model::arn::{is_arn, is_service};
use crate::model::desired::Workload;
use crate::model::ids::ContentHash;
use crate::model::kinds::DriftPolicy;
use crate::model::membership::{are_unused, stays_out_of, targets_behind};
use crate::model::observed::{ObservedService, Seen};
use crate::model::owner::{self, Owner, OwnershipBasis};
use crate::model::plan::WaitingOn;
use crate::model::predecessor::stands_for;
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::rollout::{ComponentRollout, Failure, Phase, StallReason};
use jiff::Timestamp;

type ServiceView<'a> = View<'a, ServiceWorkload<'a>>;

/// The next phase of a service component; adds to its failures and sets its completed revision.
///
/// Clamps stored times that lie in the future (the clock was ahead): a bake, or the patience with a
/// rollout, would last until the clock gets there.
pub(super) fn next(view: &ServiceView<'_>, component: &mut ComponentRollout) -> Phase {
    let phase = component.phase.clone();
    // Whatever was recorded of it: the one of that name is somebody else's.
    if let Some(Seen::Present(service)) = view.step.observed.services.get(&view.desired.name)
        && let Some(message) = not_manageable(view, service)
    {
        return not_owned(view, component, message);
    }
    // Of another content, so it is over.
    if phase.hash().is_none_or(|hash| !view.may_be_wanted(hash)) {
        return begin(view, component);
    }
    let now = view.step.now;
    match phase {
        Phase::Rolling { hash, deployment, since, progress: (grew, running) } => {
            let progress = (grew.min(now), running);
            roll(view, component, Roll { hash, deployment, since: since.min(now), progress })
        }
        Phase::Baking { hash, until } => bake(view, component, hash, until.min(now + view.workload.bake)),
        Phase::Complete { hash, since } => complete(view, component, hash, since),
        Phase::RolledBack { ref hash, .. } if failed_before(component, hash) => phase,
        Phase::Stalled { hash, reason, message, since } => {
            stalled(view, component, Stall { hash, reason, message, since })
        }
        // A run of a task is none of a service: its record did not say yet what it was of.
        Phase::TaskRunning { .. } | Phase::RolledBack { .. } | Phase::Idle | Phase::Waiting { .. } => {
            begin(view, component)
        }
    }
}

/// Whether ECS goes back by itself to the revision before, by the circuit breaker or by alarms.
fn rolls_back(view: &ServiceView<'_>) -> bool {
    let configuration = &view.workload.fields["deploymentConfiguration"];
    ["deploymentCircuitBreaker", "alarms"]
        .iter()
        .any(|guard| configuration[*guard]["enable"] == true && configuration[*guard]["rollback"] == true)
}

fn failed_before(component: &ComponentRollout, hash: &ContentHash) -> bool {
    component.failures.iter().any(|failure| failure.hash == *hash)
}

/// Opens the gates for a new content, or says what keeps them closed.
fn begin(view: &ServiceView<'_>, component: &mut ComponentRollout) -> Phase {
    let mut closed = view.closed_gates(component);
    let service = match view.step.observed.services.get(&view.desired.name) {
        Some(Seen::Present(service)) => Some(service),
        Some(Seen::Absent) => None,
        Some(Seen::Unknown(gap)) => {
            let because = format!("{}: {}: {}", gap.operation, gap.code, gap.message);
            closed.push(WaitingOn::Observation { because });
            return view.waiting(component, closed);
        }
        Some(Seen::NotRead) | None => {
            closed.push(WaitingOn::Observation { because: "the service was not looked at".to_owned() });
            return view.waiting(component, closed);
        }
    };
    if let Some(service) = service.filter(|service| service.status == "DRAINING") {
        closed.push(WaitingOn::Draining { service: service.name.clone() });
    }
    let Some(wanted) = view.wanted().filter(|_| closed.is_empty()).cloned() else {
        return view.waiting(component, closed);
    };
    let now = view.step.now;
    let points_at_wanted = service.filter(|service| points_at(view, component, service, &wanted));
    match points_at_wanted {
        Some(service) if is_settled(view, service) => finish(component, wanted, now),
        // However it came to begin anew: what failed is not tried again.
        _ if failed_before(component, &wanted) => {
            let failure = component.failures.iter().rev().find(|failure| failure.hash == wanted);
            let message = failure.map(|failure| failure.reason.clone()).unwrap_or_default();
            let since = failure.map_or(now, |failure| failure.at);
            Phase::Stalled { hash: wanted, reason: StallReason::DeploymentFailed, message, since }
        }
        // ECS has given its deployment up and starts no more tasks: only a new deployment is
        // another try.
        Some(service) if service.gave_up_before(now) => {
            Phase::Rolling { hash: wanted, deployment: None, since: now, progress: (now, 0) }
        }
        Some(service) => Phase::Rolling {
            hash: wanted,
            deployment: service.primary().map(|primary| primary.id.clone()),
            since: now,
            progress: (now, 0),
        },
        None => Phase::Rolling { hash: wanted, deployment: None, since: now, progress: (now, 0) },
    }
}

/// Whose a declared service is; one whose tags were removed is ours by its record.
fn owner<'s>(view: &ServiceView<'s>, service: &'s ObservedService) -> Owner<'s> {
    let step = view.step;
    let id = ResourceId::new(ResourceKind::Service, view.desired.name.as_str());
    let recorded = step.prior.arn(&id).is_some_and(|known| known == service.arn);
    let basis = OwnershipBasis { adopts: step.desired.adopt, recorded };
    Owner::of(&service.arn, &service.tags, step.desired, basis)
}

/// Why a service of the declared name cannot be managed, in words.
fn not_manageable(view: &ServiceView<'_>, service: &ObservedService) -> Option<String> {
    if let Owner::Foreign(owner) = owner(view, service) {
        let instead = "give the component another `serviceName`";
        return Some(owner::in_the_way(&format!("service `{}`", service.name), owner, instead));
    }
    service.deployed_by_another()
}

fn not_owned(view: &ServiceView<'_>, component: &ComponentRollout, message: String) -> Phase {
    let hash = view.wanted().cloned().unwrap_or_default();
    let since = match &component.phase {
        Phase::Stalled { reason: StallReason::NotOwned, since, .. } => *since,
        _ => view.step.now,
    };
    Phase::Stalled { hash, reason: StallReason::NotOwned, message, since }
}

fn points_at(
    view: &ServiceView<'_>,
    component: &ComponentRollout,
    service: &ObservedService,
    hash: &ContentHash,
) -> bool {
    view.revision(component, hash) == Some(service.task_definition.as_str())
}

/// Whether ECS is done with the service and every target that was seen is healthy. Targets that
/// could not be seen do not count as healthy: unknown holds.
fn is_settled(view: &ServiceView<'_>, service: &ObservedService) -> bool {
    service.is_steady() && unhealthy_group(view, service).is_none()
}

/// The first managed target group of the service that is not seen to be healthy throughout, or its
/// alternate, whoever manages that, where that one serves. One that it cannot come into is not
/// waited for: the plan says why.
pub(super) fn unhealthy_group(view: &ServiceView<'_>, service: &ObservedService) -> Option<String> {
    view.desired.target_groups().find_map(|groups| {
        let managed = groups.iter().find(|group| !is_arn(group))?;
        if stays_out_of(view.desired, service, view.step.observed, &groups) {
            return None;
        }
        let targets = match targets_behind(view.desired, view.step.observed, &groups) {
            Ok(targets) => targets,
            Err(unseen) => return Some(unseen.to_owned()),
        };
        let all_healthy = targets.iter().all(|target| target.state == "healthy")
            || are_unused(view.step.desired, view.step.observed, &groups);
        (!all_healthy || targets.len() < service.desired as usize).then(|| (*managed).to_owned())
    })
}

struct Roll {
    hash: ContentHash,
    deployment: Option<String>,
    since: Timestamp,
    progress: (Timestamp, u32),
}

impl Roll {
    fn into_phase(self) -> Phase {
        let Self { hash, deployment, since, progress } = self;
        Phase::Rolling { hash, deployment, since, progress }
    }
}

fn roll(view: &ServiceView<'_>, component: &mut ComponentRollout, mut roll: Roll) -> Phase {
    let service = match view.step.observed.services.get(&view.desired.name) {
        Some(Seen::Present(service)) => service,
        // Not created yet, or deleted under way: the plan creates it.
        Some(Seen::Absent) => {
            roll.deployment = None;
            return roll.into_phase();
        }
        Some(Seen::Unknown(_) | Seen::NotRead) | None => return roll.into_phase(),
    };
    if points_at(view, component, service, &roll.hash) {
        return watch(view, component, roll, service);
    }
    let Some(deployment) = roll.deployment.clone() else { return roll.into_phase() };
    match sent_back(view, component, service, &roll.hash, &deployment) {
        SentBack::ByEcs(reason) => rolled_back(view, component, roll.hash, deployment, reason),
        SentBack::ByHand => {
            roll.deployment = None;
            roll.into_phase()
        }
        SentBack::Unclear => roll.into_phase(),
    }
}

/// The service points at the revision: how far is ECS?
fn watch(
    view: &ServiceView<'_>,
    component: &mut ComponentRollout,
    mut roll: Roll,
    service: &ObservedService,
) -> Phase {
    let now = view.step.now;
    let Some(primary) = service.primary() else { return roll.into_phase() };
    if roll.deployment.as_ref() != Some(&primary.id) && service.gave_up_before(roll.since) {
        // That is the failure before this try.
        return roll.into_phase();
    }
    if roll.deployment.as_ref() != Some(&primary.id) {
        // Its clock starts with it, however long the write was held.
        roll.progress = (now, 0);
    }
    roll.deployment = Some(primary.id.clone());
    let moved_on = stage::moved_on(view, component);
    if primary.running > roll.progress.1 {
        roll.progress = (now, primary.running);
    } else if moved_on {
        roll.progress.0 = now;
    }
    if primary.rollout_state.as_deref() == Some("FAILED")
        && (component.completed.is_none()
            || !rolls_back(view)
            // What ECS went back to, this same revision, has failed as well.
            || service.is_given_up(now))
    {
        let why = primary.rollout_state_reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        let message = format!("ECS deployment {} failed: {why}{}", primary.id, newest_event(service));
        remember(view, component, &roll.hash, &primary.id, &message);
        return Phase::Stalled {
            hash: roll.hash,
            reason: StallReason::DeploymentFailed,
            message,
            since: now,
        };
    }
    if is_settled(view, service) {
        let bake = view.workload.bake;
        return if bake.is_zero() {
            finish(component, roll.hash, now)
        } else {
            Phase::Baking { hash: roll.hash, until: now + bake }
        };
    }
    let patience = view.workload.progress_deadline + stage::lasts(view);
    if now.duration_since(roll.progress.0) > patience && !stage::is_held(view) {
        let held = unhealthy_group(view, service).filter(|_| service.is_steady());
        let held = held.map(|group| format!("targets of {group} are not healthy")).unwrap_or_else(|| {
            format!("{} of {} tasks of the new revision run", primary.running, primary.desired)
        });
        let message = format!(
            "no progress for {} s: {held}{}; it goes on by itself once tasks become healthy",
            patience.as_secs(),
            newest_event(service)
        );
        return Phase::Stalled {
            hash: roll.hash,
            reason: StallReason::ProgressDeadlineExceeded,
            message,
            since: now,
        };
    }
    roll.into_phase()
}

fn newest_event(service: &ObservedService) -> String {
    service.events.first().map(|event| format!("; newest event: {}", event.message)).unwrap_or_default()
}

fn finish(component: &mut ComponentRollout, hash: ContentHash, now: Timestamp) -> Phase {
    component.set_completed(&hash);
    component.failures.clear();
    component.stage = None;
    Phase::Complete { hash, since: now }
}

/// Who made a service point elsewhere after it had pointed at our revision.
enum SentBack {
    ByEcs(String),
    ByHand,
    Unclear,
}

/// Decides by what ECS says of its deployments. A failed or rolled-back deployment of our revision
/// is ECS's doing; anything else is a person's, but only once the service deployments were seen.
fn sent_back(
    view: &ServiceView<'_>,
    component: &ComponentRollout,
    service: &ObservedService,
    hash: &ContentHash,
    deployment: &str,
) -> SentBack {
    let arn = view.revision(component, hash);
    let ours =
        service.deployments.iter().find(|d| d.id == deployment || Some(d.task_definition.as_str()) == arn);
    if let Some(failed) = ours.filter(|d| d.rollout_state.as_deref() == Some("FAILED")) {
        return SentBack::ByEcs(failed.rollout_state_reason.clone().unwrap_or_default());
    }
    let says_rollback =
        |text: &str| text.to_ascii_lowercase().contains("rolling back") || text.contains("rollback");
    let primary_reason = service.primary().and_then(|primary| primary.rollout_state_reason.as_deref());
    if let Some(reason) = primary_reason.filter(|reason| says_rollback(reason)) {
        return SentBack::ByEcs(reason.to_owned());
    }
    match view.step.observed.service_deployments.get(&view.desired.name) {
        Some(Seen::Present(deployments)) => {
            // Newest first. A rollback is part of the deployment that failed, so one that was
            // stopped and has a newer one after it was not rolled back: somebody's update took its
            // place.
            let ecs = deployments.iter().take(2).enumerate().find(|(newer, d)| {
                d.status.starts_with("ROLLBACK")
                    || (*newer == 0 && d.status == "STOPPED" && d.task_definition.as_deref() == arn)
            });
            match ecs.map(|(_, d)| d) {
                Some(d) => SentBack::ByEcs(d.reason.clone().unwrap_or_else(|| d.status.clone())),
                None => SentBack::ByHand,
            }
        }
        Some(Seen::Absent) => SentBack::ByHand,
        Some(Seen::Unknown(_) | Seen::NotRead) | None => SentBack::Unclear,
    }
}

fn remember(
    view: &ServiceView<'_>,
    component: &mut ComponentRollout,
    hash: &ContentHash,
    attempt: &str,
    reason: &str,
) {
    component.failures.push(Failure {
        hash: hash.clone(),
        declared: view.resolved.declared.clone(),
        attempt: attempt.to_owned(),
        reason: reason.to_owned(),
        at: view.step.now,
        within: None,
    });
}

fn rolled_back(
    view: &ServiceView<'_>,
    component: &mut ComponentRollout,
    hash: ContentHash,
    deployment: String,
    reason: String,
) -> Phase {
    remember(view, component, &hash, &deployment, &reason);
    Phase::RolledBack { hash, deployment, reason, since: view.step.now }
}

fn bake(
    view: &ServiceView<'_>,
    component: &mut ComponentRollout,
    hash: ContentHash,
    until: Timestamp,
) -> Phase {
    let now = view.step.now;
    let service = match view.step.observed.services.get(&view.desired.name) {
        Some(Seen::Present(service)) => service,
        // Deleted under way: brought back as it was.
        Some(Seen::Absent) => {
            return Phase::Rolling { hash, deployment: None, since: now, progress: (now, 0) };
        }
        Some(Seen::Unknown(_) | Seen::NotRead) | None => return Phase::Baking { hash, until },
    };
    let steady = points_at(view, component, service, &hash) && is_settled(view, service);
    if !steady {
        let deployment = service.primary().map(|primary| primary.id.clone());
        return roll(view, component, Roll { hash, deployment, since: now, progress: (now, 0) });
    }
    if now >= until { finish(component, hash, now) } else { Phase::Baking { hash, until } }
}

/// A complete component stays so unless its service is gone or points elsewhere.
fn complete(
    view: &ServiceView<'_>,
    component: &mut ComponentRollout,
    hash: ContentHash,
    since: Timestamp,
) -> Phase {
    let now = view.step.now;
    let repaired = match view.step.observed.services.get(&view.desired.name) {
        // The gates were open before and the content is the same: what a person deleted is brought
        // back as it was.
        // One that stands in another cluster, or has another name, was never made here; and what we
        // deleted, for the document was gone, nobody else did.
        Some(Seen::Absent) => {
            let ours = stands_elsewhere(view) || is_deleted_by_us(view);
            view.wanted().is_some() && (repairs(view, "") || ours)
        }
        Some(Seen::Present(service)) if service.status == "DRAINING" => false,
        // A deployment of it that somebody else began has failed, and ECS starts no more tasks: it
        // is brought back, once.
        Some(Seen::Present(service)) if points_at(view, component, service, &hash) => {
            service.is_given_up(now) && repairs(view, "")
        }
        // One that runs another component's tasks, whose name this one has by now, was never made
        // for it, and nobody edited it.
        Some(Seen::Present(service)) => {
            let id = ResourceId::new(ResourceKind::Service, view.desired.name.as_str());
            let lent = stands_for(view.step.desired, view.step.prior, &id, service).is_some();
            let others = lent || stands_elsewhere(view);
            view.revision(component, &hash).is_some() && (others || repairs(view, ".taskDefinition"))
        }
        Some(Seen::Unknown(_) | Seen::NotRead) | None => false,
    };
    if repaired {
        Phase::Rolling { hash, deployment: None, since: now, progress: (now, 0) }
    } else {
        Phase::Complete { hash, since }
    }
}

/// Whether nobody but us can have deleted the service of a component: we asked for it, or AWS said
/// that we did and it was forgotten.
fn is_deleted_by_us(view: &ServiceView<'_>) -> bool {
    let id = ResourceId::new(ResourceKind::Service, view.desired.name.as_str());
    let prior = view.step.prior;
    prior.is_deleted_by_us(&id, view.step.now) || (prior.arn(&id).is_none() && prior.applied(&id).is_none())
}

/// Whether the recorded service is not the declared one, but its predecessor.
fn stands_elsewhere(view: &ServiceView<'_>) -> bool {
    let Workload::Service { service_name, .. } = &view.desired.workload else { return false };
    let id = ResourceId::new(ResourceKind::Service, view.desired.name.as_str());
    let cluster = &view.step.desired.placement.cluster;
    view.step.prior.arn(&id).is_some_and(|arn| !is_service(arn, cluster, service_name))
}

/// Whether drift of this path of the component's service is written back.
fn repairs(view: &ServiceView<'_>, path: &str) -> bool {
    let path = format!("service/{}{path}", view.desired.name);
    view.step.desired.drift.policy_for(&path) == DriftPolicy::Repair
}

/// A rollout that was given up too early: ECS has come to another stage, or waits as it is told to.
fn goes_on(view: &ServiceView<'_>, service: &ObservedService, hash: ContentHash, since: Timestamp) -> Phase {
    let primary = service.primary();
    let running = primary.map_or(0, |primary| primary.running);
    let deployment = primary.map(|primary| primary.id.clone());
    Phase::Rolling { hash, deployment, since, progress: (view.step.now, running) }
}

struct Stall {
    hash: ContentHash,
    reason: StallReason,
    message: String,
    since: Timestamp,
}

fn stalled(view: &ServiceView<'_>, component: &mut ComponentRollout, stall: Stall) -> Phase {
    let Stall { hash, reason, message, since } = stall;
    match reason {
        StallReason::NotOwned => begin(view, component),
        // ECS has not given the deployment up: it may complete yet, or be rolled back.
        StallReason::ProgressDeadlineExceeded => {
            match view.step.observed.services.get(&view.desired.name) {
                Some(Seen::Present(service)) if points_at(view, component, service, &hash) => {
                    if is_settled(view, service) {
                        return finish(component, hash, view.step.now);
                    }
                    if stage::moved_on(view, component) || stage::is_held(view) {
                        return goes_on(view, service, hash, since);
                    }
                }
                Some(Seen::Present(service)) => {
                    let deployment = service.primary().map(|primary| primary.id.clone());
                    let progress = (since, u32::MAX);
                    let judged =
                        roll(view, component, Roll { hash: hash.clone(), deployment, since, progress });
                    if matches!(judged, Phase::RolledBack { .. }) {
                        return judged;
                    }
                }
                Some(Seen::Absent) => return begin(view, component),
                Some(Seen::Unknown(_) | Seen::NotRead) | None => {}
            }
            Phase::Stalled { hash, reason, message, since }
        }
        StallReason::TaskFailed | StallReason::TaskDeadlineExceeded | StallReason::DeploymentFailed => {
            let service = view.step.observed.services.get(&view.desired.name).and_then(Seen::present);
            let healed =
                service.is_some_and(|it| points_at(view, component, it, &hash) && is_settled(view, it));
            if healed {
                // Somebody has begun a deployment of it that came about.
                finish(component, hash, view.step.now)
            } else if failed_before(component, &hash) {
                Phase::Stalled { hash, reason, message, since }
            } else {
                begin(view, component)
            }
        }
    }
}
