//! What is no longer declared.
//!
//! Inside a document that still exists, an undeclared rule, listener, target group or service that
//! is ours is removed: the document is one object, and what is taken out of an object is gone from
//! it, last: once all that is declared is complete. Log groups are data and stay. Every removal is
//! noted. When the whole document is gone, its deletion policy decides ([`teardown`]).

use super::stopping::{cluster_of, scale_to_nothing, stop_undeclared};
use super::{Draft, seen, tags, traffic, unfinished};
use crate::model::arn::{family_of, is_in};
use crate::model::call::{Call, Verb};
use crate::model::desired::Workload;
use crate::model::handover::HeldBack;
use crate::model::ids::{ComponentName, DeploymentName};
use crate::model::kinds::DeletionPolicy;
use crate::model::observed::{ObservedResource, ObservedService, ObservedTask, Seen};
use crate::model::plan::{Impact, PlannedAction, Reason, WaitingOn};
use crate::model::predecessor::service_runs_alone;
use crate::model::resource::{Part, ResourceId, ResourceKind, TAG_OWNER};
use crate::model::rollout::Phase;
use crate::plan::resources;
use std::collections::BTreeSet;

/// Removes what the living document no longer declares, once all that it declares is complete:
/// until then what is to go may serve in the place of what is to come.
pub(super) fn undeclared(draft: &mut Draft<'_>) {
    let input = draft.input;
    let kept = declared_arns(draft);
    let unfinished = unfinished::first(draft);
    for (id, found) in &input.observed.all_resources().collect::<Vec<_>>() {
        let Some(resource) = found.present().filter(|_| !input.desired.resources.contains_key(id)) else {
            continue;
        };
        // A renamed key finds the same resource under its new name.
        let moves = draft.repositioned.values().any(|arn| *arn == resource.arn);
        let stays = moves || kept.contains(resource.arn.as_str()) || draft.stays_moved(&resource.arn);
        if stays || !draft.is_ours_undeclared(id, &resource.arn, &resource.tags) {
            continue;
        }
        if id.kind.info().holds_data {
            let message = format!("no longer declared; {}s are data and stay", id.kind.info().noun);
            draft.note(id, message, false);
        } else if let Some(above) = resources::of(id.kind).and_then(|kind| kind.supports(&input, resource)) {
            draft.note(id, format!("no longer declared, and stays while {above} is declared on it"), true);
        } else if let Some(on) = unfinished.as_ref().filter(|_| !traffic::has_successor(draft, id, resource))
        {
            draft.wait(id, on.clone());
        } else if let Some(on) =
            held_back(draft, &resource.arn).filter(|_| !traffic::has_successor(draft, id, resource))
        {
            draft.wait(id, on);
        } else {
            draft.note(id, format!("{} is no longer declared and is removed", id.kind.info().noun), false);
            remove(draft, id, resource);
        }
    }
    for (id, found) in input.observed.all_services() {
        let declared = is_declared_service(draft, id.key.as_str());
        let Some(service) = found.present().filter(|_| !declared) else { continue };
        let ours = draft.is_ours_undeclared(&id, &service.arn, &service.tags);
        if !ours || kept.contains(service.arn.as_str()) {
            continue;
        }
        // One that makes way for what may not run beside it has been planned with its successor.
        if draft.actions.iter().any(|action| action.resource == id) {
            continue;
        }
        let used = || {
            traffic::still_sent_to(draft, service)
                .or_else(|| traffic::awaited_by_others(draft, service))
                .or_else(|| traffic::used_by_guests(draft, service))
        };
        let held = || serves_on(draft, &service.arn).or_else(|| held_back(draft, &service.arn));
        let unfinished = unfinished.clone().filter(|_| !makes_way(draft, &service.arn));
        match unfinished.or_else(used).or_else(held) {
            Some(on) => draft.wait(&id, on),
            None => {
                draft.note(&id, "service is no longer declared and is removed".to_owned(), false);
                remove_service(draft, &id, service);
            }
        }
    }
    undeclared_tasks(draft, unfinished.as_ref());
    left_behind(draft);
    for (id, to) in handed_over(draft) {
        draft.note(&id, format!("is declared by `{to}` now, and goes over to it as it stands"), false);
    }
}

/// What is waited for before something that nobody declares is removed: the files of one commit may
/// come one after the other, and a text that cannot be read may be the one that declares it.
fn held_back(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    let handover = &draft.input.desired.handover;
    let is_certain = handover.waited_for.get(arn).is_some_and(|successor| successor.certain);
    let held = handover.held_back.get(arn).filter(|_| !is_certain)?;
    let because = match (&held.unread, HeldBack::until(held.since, draft.input.now)) {
        (Some(what), _) => format!(
            "{what} may be the one; mend it, or take it out of the store, and this is removed if it is not"
        ),
        (None, Some(until)) => format!("it is removed at {until:.0} if none does"),
        (None, None) => return None,
    };
    Some(WaitingOn::Claimant { because, ends: held.unread.is_none() })
}

/// What goes over to another document and was not seen to be with it yet.
fn handed_over(draft: &Draft<'_>) -> Vec<(ResourceId, DeploymentName)> {
    let input = draft.input;
    let goes = input.rollout.arns().filter_map(|(id, arn)| Some((id, input.desired.handover.to.get(arn)?)));
    let is_taken = |id: &ResourceId, to: &DeploymentName| {
        let seen = input.observed.seen(id);
        seen.present().is_some_and(|it| it.tags.get(TAG_OWNER).is_some_and(|owner| *owner == to.as_str()))
            || has_ended(draft, id)
    };
    goes.filter(|(id, to)| !is_taken(id, to)).map(|(id, to)| (id.clone(), to.clone())).collect()
}

/// Whether a run is over: of one that was stopped nothing is left to take.
fn has_ended(draft: &Draft<'_>, id: &ResourceId) -> bool {
    let tasks = seen(&draft.input.observed.tasks, id.key.as_str()).present();
    id.kind == ResourceKind::Task && tasks.is_some_and(|tasks| tasks.iter().all(ObservedTask::is_stopped))
}

/// Tells what the deployment left in a region where it is no longer declared. Nothing of that
/// region is looked at, so nothing is done about it; it stays recorded.
fn left_behind(draft: &mut Draft<'_>) {
    let region = draft.input.desired.placement.region.as_str();
    let mut elsewhere: Vec<(&ResourceId, &str)> =
        draft.input.rollout.arns().filter(|(_, arn)| !is_in(region, arn)).collect();
    elsewhere.sort();
    for (id, arn) in elsewhere {
        let message = format!(
            "{arn} was left behind in another region, where it is not looked at; delete it yourself, or declare the old region, remove \
             the document there and declare it anew"
        );
        draft.note(id, message, false);
    }
}

fn is_declared_service(draft: &Draft<'_>, name: &str) -> bool {
    let component = draft.input.desired.components.get(name);
    component.is_some_and(|component| matches!(component.workload, Workload::Service { .. }))
}

/// Stops tasks of components that are no longer declared, or are services by now. They are read by
/// the ARN that RunTask gave us.
fn undeclared_tasks(draft: &mut Draft<'_>, unfinished: Option<&WaitingOn>) {
    let input = draft.input;
    let undeclared =
        input.observed.tasks.iter().filter(|(name, _)| !input.desired.components.contains_key(*name));
    for (name, found) in undeclared.chain(&input.observed.former_tasks) {
        let id = ResourceId::new(ResourceKind::Task, name.as_str());
        let declared = input.desired.components.contains_key(name);
        for task in found.present().into_iter().flatten().filter(|task| !task.is_stopped()) {
            // One of a component that is a service now was found by our tags and token.
            let recorded = input.rollout.arn(&id).is_some_and(|arn| arn == task.arn);
            if !declared && !recorded && !input.rollout.asked_for(task) {
                continue;
            }
            let is_stopped = draft.actions.iter().any(|action| action.call.arn() == Some(task.arn.as_str()));
            if is_stopped || goes_over(draft, name, task) {
                continue;
            }
            let unfinished = unfinished.cloned().filter(|_| !makes_way(draft, &task.arn));
            match unfinished.or_else(|| left_alone(draft, name, task)) {
                Some(on) => draft.wait(&id, on),
                None => {
                    draft.note(&id, "task is no longer declared and is stopped".to_owned(), false);
                    stop_undeclared(draft, &id, task);
                }
            }
        }
    }
}

/// Whether a task goes over to another document, with its revision.
fn goes_over(draft: &Draft<'_>, name: &ComponentName, task: &ObservedTask) -> bool {
    let handover = &draft.input.desired.handover;
    let pending = handover.bequeaths.contains_key(name) && handover.to.contains_key(&task.task_definition);
    handover.to.contains_key(&task.arn) || pending
}

/// Why a task is not stopped though nobody declares it here: another document may be about to
/// declare it, or something waits for its end and lets it come to that by itself.
fn left_alone(draft: &Draft<'_>, name: &ComponentName, task: &ObservedTask) -> Option<WaitingOn> {
    let input = draft.input;
    let known = input.rollout.components.get(name);
    let deadline = known.and_then(|known| match known.phase {
        Phase::TaskRunning { deadline, .. } => Some(deadline),
        _ => known.former_task_until,
    });
    let ends = !input.rollout.runs_forever(&task.arn) && deadline.is_some_and(|until| input.now < until);
    if ends && input.desired.handover.waited_for.contains_key(&task.arn) {
        return Some(WaitingOn::Task { task: task.arn.clone(), status: task.last_status.clone() });
    }
    serves_on(draft, &task.arn).or_else(|| held_back(draft, &task.arn))
}

/// What is waited for before something is stopped of which another document declares the successor:
/// that it could start at once.
fn serves_on(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    let successor = draft.input.desired.handover.waited_for.get(arn).filter(|successor| !successor.ready)?;
    Some(WaitingOn::Successor { of: successor.document.clone() })
}

/// What a service of a document that is gone goes on for, whatever was confirmed.
fn still_awaited(draft: &Draft<'_>, service: &ObservedService) -> Option<WaitingOn> {
    traffic::awaited_by_others(draft, service)
        .or_else(|| serves_on(draft, &service.arn))
        .or_else(|| held_back(draft, &service.arn))
}

/// Whether all that a successor in another document waits for is that this stops.
fn makes_way(draft: &Draft<'_>, arn: &str) -> bool {
    draft.input.desired.handover.waited_for.get(arn).is_some_and(|successor| successor.ready)
}

/// What is waited for before something is taken down that this pass found by its tags alone, for the
/// record that knew of it is lost: another document may declare it by now, and only what is recorded
/// goes over to one.
fn unheard_of(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    let is_known = draft.input.rollout.arns().any(|(_, known)| known == arn);
    let because = "it was found by its tags just now, and the record knew nothing of it".to_owned();
    (!is_known).then_some(WaitingOn::Claimant { because, ends: true })
}

/// Takes everything down that is ours.
pub(super) fn teardown(draft: &mut Draft<'_>, confirmed: bool) {
    let input = draft.input;
    let retain = input.desired.deletion_policy == DeletionPolicy::Retain;
    for (id, found) in &input.observed.all_resources().collect::<Vec<_>>() {
        let resource = match found {
            Seen::Present(resource) => resource,
            Seen::Unknown(gap) => {
                draft.wait_unobserved(id, gap);
                continue;
            }
            Seen::Absent | Seen::NotRead => continue,
        };
        if !draft.is_ours_undeclared(id, &resource.arn, &resource.tags) {
            continue;
        }
        if retain {
            draft.note(id, "stays: the deletion policy is Retain".to_owned(), false);
        } else if id.kind.info().holds_data {
            teardown_data(draft, id, resource, confirmed);
        } else if let Some(on) = unheard_of(draft, &resource.arn).or_else(|| held_back(draft, &resource.arn))
        {
            draft.wait(id, on);
        } else {
            remove(draft, id, resource);
        }
    }
    for (id, found) in input.observed.all_services() {
        match found {
            Seen::Present(service) if draft.owner(&id, &service.arn, &service.tags).is_ours() => {
                let used = traffic::used_by_guests(draft, service).filter(|_| !confirmed);
                match used {
                    _ if retain => draft.note(&id, "stays: the deletion policy is Retain".to_owned(), false),
                    Some(on) => {
                        let command = format!("ctl delete {0} --confirm {0}", input.desired.deployment);
                        let message = format!(
                            "stays while others send requests to its tasks (`{command}` deletes it all the same)"
                        );
                        draft.note(&id, message, false);
                        draft.wait(&id, on);
                    }
                    None => match unheard_of(draft, &service.arn).or_else(|| still_awaited(draft, service)) {
                        Some(on) => draft.wait(&id, on),
                        None => remove_service(draft, &id, service),
                    },
                }
            }
            Seen::Unknown(gap) => draft.wait_unobserved(&id, gap),
            Seen::Present(_) | Seen::Absent | Seen::NotRead => {}
        }
    }
    if !retain {
        revisions_stay(draft);
        undeclared_tasks(draft, None);
        teardown_tasks(draft);
        wait_for_the_unseen(draft);
    }
}

/// What the record says we made and nobody looked at in this pass may still be there, and so may
/// what looks absent minutes after something was made: gone is only what was certainly seen to be
/// gone.
fn wait_for_the_unseen(draft: &mut Draft<'_>) {
    let input = draft.input;
    left_behind(draft);
    for (id, to) in handed_over(draft) {
        draft.wait(&id, WaitingOn::Handover { to });
    }
    for (name, to) in &input.desired.handover.bequeaths {
        let id = ResourceId::new(ResourceKind::TaskDefinition, name.as_str());
        draft.wait(&id, WaitingOn::Handover { to: to.clone() });
    }
    let here = |(_, arn): &(&ResourceId, &str)| is_in(&input.desired.placement.region, arn);
    for id in input.rollout.arns().filter(here).map(|(id, _)| id) {
        let unseen = match id.kind.part() {
            Part::Task => matches!(seen(&input.observed.tasks, id.key.as_str()), Seen::NotRead),
            Part::Resource | Part::TaskDefinition | Part::Service => {
                matches!(input.observed.seen(id), Seen::NotRead)
            }
        };
        if unseen {
            draft.wait(id, WaitingOn::Observation { because: "not looked at in this pass".to_owned() });
        }
    }
    if !input.rollout.may_not_be_shown_yet(input.now) {
        return;
    }
    let services = input.observed.all_services().filter(|(_, seen)| seen.is_absent()).map(|(id, _)| id);
    let resources = input.observed.all_resources().filter(|(_, seen)| seen.is_absent()).map(|(id, _)| id);
    let rollout = input.rollout;
    let asked = |id: &ResourceId| rollout.asked.iter().any(|asked| asked.resource == *id);
    for id in services.chain(resources).filter(|id| rollout.arn(id).is_some() || asked(id)) {
        let because = "it was asked for minutes ago, and may not be shown yet".to_owned();
        draft.wait(&id, WaitingOn::Observation { because });
    }
}

/// Says that revisions of task definitions are left: nothing runs because of them, and a document
/// that comes back finds them again.
fn revisions_stay(draft: &mut Draft<'_>) {
    let known = draft.input.rollout.components.iter();
    let families = known.filter_map(|(name, known)| {
        let revision = known.revision.as_ref().or(known.earlier.last())?;
        Some((name, family_of(&revision.arn).to_owned()))
    });
    for (name, family) in families {
        let id = ResourceId::new(ResourceKind::TaskDefinition, name.as_str());
        let message =
            format!("the registered revisions of family {family} stay: they run nothing, and cost nothing");
        draft.note(&id, message, false);
    }
}

fn teardown_data(draft: &mut Draft<'_>, id: &ResourceId, resource: &ObservedResource, confirmed: bool) {
    let policy = draft.input.desired.resources.get(id).map(|resource| resource.deletion_policy);
    if policy != Some(DeletionPolicy::Delete) {
        let noun = id.kind.info().noun;
        let message = format!("stays: {noun}s are data and this one does not say `deletionPolicy: Delete`");
        draft.note(id, message, false);
    } else if !confirmed {
        let command = format!("ctl delete {0} --confirm {0}", draft.input.desired.deployment);
        draft.wait(id, WaitingOn::Confirmation { command });
    } else {
        remove(draft, id, resource);
    }
}

/// Stops tasks outside services; those of services end with their service.
fn teardown_tasks(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (name, component) in &input.desired.components {
        let Workload::Task { .. } = component.workload else { continue };
        let id = ResourceId::new(ResourceKind::Task, name.as_str());
        match seen(&input.observed.tasks, name) {
            Seen::Present(found) => {
                for task in found.iter().filter(|task| !task.is_stopped()) {
                    match left_alone(draft, name, task) {
                        _ if goes_over(draft, name, task) => {}
                        Some(on) => draft.wait(&id, on),
                        None => stop_undeclared(draft, &id, task),
                    }
                }
            }
            Seen::Unknown(gap) => draft.wait_unobserved(&id, gap),
            Seen::Absent | Seen::NotRead => {}
        }
    }
}

/// ARNs that a declared resource or component goes by.
fn declared_arns<'o>(draft: &Draft<'o>) -> BTreeSet<&'o str> {
    let input = draft.input;
    let resources =
        input.desired.resources.keys().filter_map(|id| seen(&input.observed.resources, id).present());
    let services = input.desired.components.keys().filter(|name| is_declared_service(draft, name.as_str()));
    let services = services.filter_map(|name| seen(&input.observed.services, name).present());
    resources
        .map(|resource| resource.arn.as_str())
        .chain(services.map(|service| service.arn.as_str()))
        .collect()
}

/// Removes a resource that is no data, once nothing uses it any more.
fn remove(draft: &mut Draft<'_>, id: &ResourceId, resource: &ObservedResource) {
    let Some(kind) = resources::of(id.kind) else { return };
    // It may be known by two keys.
    let delete = kind.delete(id, resource);
    let same =
        |action: &PlannedAction| action.call == delete || action.call.arn() == Some(resource.arn.as_str());
    if draft.actions.iter().any(same) {
        return;
    }
    match kind.used_by(&draft.input, resource) {
        Some(on) => draft.wait(id, on),
        None if tags::give_back_owner(draft, id, &resource.tags, "removed", Reason::Undeclared, |tags| {
            kind.tag(resource.arn.clone(), tags)
        }) => {}
        None => draft.act(id, Verb::Delete, delete, Reason::Undeclared, Vec::new()),
    }
}

/// Scales a service to 0 and deletes it when nothing runs any more.
fn remove_service(draft: &mut Draft<'_>, id: &ResourceId, service: &ObservedService) {
    let input = draft.input;
    if service.status == "DRAINING" {
        draft.wait(id, WaitingOn::Draining { service: service.name.clone() });
        return;
    }
    if tags::give_service_back(draft, id, service) {
        return;
    }
    let cluster = cluster_of(draft, service);
    let daemon = service.fields["schedulingStrategy"] == "DAEMON";
    if daemon || (service.desired == 0 && service.running == 0 && service.pending == 0) {
        // A DAEMON service has no count to scale; ECS deletes it only by force.
        match input.observed.stopping_tasks.get(id).filter(|_| service_runs_alone(service)) {
            // Who waits for the last of them could not see them any more.
            Some(Seen::Present(tasks)) if !tasks.is_empty() => {
                let (task, status) = (tasks[0].arn.clone(), tasks[0].last_status.clone());
                draft.wait(id, WaitingOn::Task { task, status });
                return;
            }
            Some(Seen::Unknown(gap)) => {
                draft.wait_unobserved(id, gap);
                return;
            }
            Some(Seen::Present(_) | Seen::Absent | Seen::NotRead) | None => {}
        }
        let call = Call::DeleteService { cluster, service: service.name.clone(), force: daemon };
        draft.act(id, Verb::Delete, call, Reason::Undeclared, Vec::new());
        return;
    }
    scale_to_nothing(draft, id, service, Impact::None);
    let because =
        format!("{} of its tasks still run; it is deleted after them", service.running + service.pending);
    let deployment = service.primary().map(|primary| primary.id.clone()).unwrap_or_default();
    draft.wait(id, WaitingOn::Deployment { id: deployment, because });
}
