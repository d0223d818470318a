//! What AWS answered, written into the rollout state.

use super::applied;
use crate::model::arn::alarm_arn;
use crate::model::asked::{Asked, Place};
use crate::model::call::{Call, Verb};
use crate::model::desired::ResolvedState;
use crate::model::observed::{Depth, Identity, ObservedState, ObservedTask, Seen};
use crate::model::plan::{ActionResult, Outcome, Plan, PlannedAction, Reason, WaitingOn};
use crate::model::resource::{Part, ResourceId, ResourceKind, TAG_COMPONENT, TAG_OWNER};
use crate::model::resource_record::{Repairs, Sent};
use crate::model::rollout::{PendingRegistration, Phase, Revision, RolloutState};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Adds to a step what its plan's actions brought: ARNs, deployment ids, and which resources now
/// agree with their declaration.
///
/// **Never** takes an action without an answer for done: such a resource is observed again before
/// anything else.
pub fn record(
    step: RolloutState,
    resolved: &ResolvedState,
    observed: &ObservedState,
    plan: &Plan,
    outcomes: &[Outcome],
) -> RolloutState {
    let mut state = step;
    forget_absent(&mut state, resolved, observed);
    forget_asked(&mut state, observed);
    let was_there = found_again(&state, plan, outcomes);
    let mut unsettled = not_in_agreement(plan);
    for (index, action) in plan.actions.iter().enumerate() {
        let result = outcomes.iter().find(|outcome| outcome.action == index).map(|outcome| &outcome.result);
        if !note_result(&mut state, action, result, observed) {
            unsettled.insert(action.resource.clone());
        }
    }
    super::agreed::remember(&mut state, resolved, observed, plan, outcomes);
    record_owned_arns(&mut state, resolved, observed, plan, outcomes);
    remember_stale_targets(&mut state, plan, observed.at);
    remember_repairs(&mut state, resolved, plan, outcomes, &was_there, observed.at);
    // A suspended plan has no actions whatever differs, so its silence is no agreement.
    if !plan.waiting_on.iter().any(|waiting| matches!(waiting.on, WaitingOn::Suspended { .. })) {
        applied::mark(&mut state, resolved, observed, &unsettled);
        super::agreed::settle(&mut state, resolved, observed, &unsettled);
    }
    super::scaling::forget_former_counts(&mut state, resolved, observed, plan, outcomes);
    state.resources.retain(|_, known| !known.is_empty());
    state
}

/// Forgets what was asked for long ago, and what is found and known by its ARN.
fn forget_asked(state: &mut RolloutState, observed: &ObservedState) {
    if observed.depth == Depth::Full && observed.gaps.is_empty() {
        state.asked.retain(|asked| asked.is_fresh(observed.at));
    }
    let is_seen = |asked: &Asked| match observed.seen(&asked.resource) {
        Seen::Present(Identity { arn, .. }) => asked.is_found(arn),
        Seen::Absent | Seen::NotRead | Seen::Unknown(_) => false,
    };
    let resources = &state.resources;
    let is_recorded = |asked: &Asked| resources.get(&asked.resource).is_some_and(|known| known.arn.is_some());
    state.asked.retain(|asked| !(is_seen(asked) && is_recorded(asked)));
}

/// What does not agree with its declaration, whatever becomes of the plan's actions.
fn not_in_agreement(plan: &Plan) -> BTreeSet<ResourceId> {
    let waiting = plan.waiting_on.iter().map(|waiting| &waiting.resource);
    // What somebody else changed in a field and is only reported does not keep the rest from being
    // in agreement.
    let gone = plan.drift.iter().filter(|drift| !drift.repaired && drift.change.is_none());
    let blocked = plan.notes.iter().filter(|note| note.blocks).map(|note| &note.resource);
    waiting.chain(gone.map(|drift| &drift.resource)).chain(blocked).cloned().collect()
}

/// Writes down what became of one action; false when its resource is to be looked at again before
/// it counts as declared.
fn note_result(
    state: &mut RolloutState,
    action: &PlannedAction,
    result: Option<&ActionResult>,
    observed: &ObservedState,
) -> bool {
    match result {
        Some(ActionResult::Done { arn, deployment }) => {
            done(state, action, arn.as_deref(), deployment.as_deref(), observed);
            // As it was seen before it was removed, it agrees with nothing.
            !gets_owner(action) && action.verb != Verb::Delete
        }
        Some(ActionResult::Unknown { .. }) => {
            forget_sent(state, action);
            false
        }
        Some(ActionResult::Failed { .. } | ActionResult::Skipped { .. }) | None => {
            was_not_done(state, action);
            // What was sent twice may have been carried out the first time: who may delete what
            // has a tag may not delete what is gone. If it is gone, we did it.
            let was_refused = matches!(result, Some(ActionResult::Failed { .. }));
            if action.verb != Verb::Delete || !was_refused {
                applied::was_not_sent(state, observed, action);
            }
            false
        }
    }
}

/// Whether an action makes a resource ours: by its tags another document's, or nobody's, until
/// then.
fn gets_owner(action: &PlannedAction) -> bool {
    let owner = format!("tags.{TAG_OWNER}");
    action.verb == Verb::Tag && action.changes.iter().any(|change| change.path == owner)
}

/// Notes what a plan is about to ask for and could not find again: kept before anything is done, so
/// that it is known after a crash, too. AWS has no token for a registration, and may show what was
/// made only minutes later.
pub fn record_intent(
    step: RolloutState,
    observed: &ObservedState,
    plan: &Plan,
    region: &str,
    now: Timestamp,
) -> RolloutState {
    let mut state = step;
    super::scaling::note_former_counts(&mut state, observed, plan, now);
    applied::note_sent(&mut state, observed, plan, now);
    if plan.actions.iter().any(|action| action.verb.makes() || gets_owner(action)) {
        state.made_at = Some(now);
    }
    for action in &plan.actions {
        if let Some(place) = Place::of(&action.call).filter(|_| action.verb.makes()) {
            let (resource, region) = (action.resource.clone(), region.to_owned());
            state.asked.retain(|asked| asked.place != place);
            state.asked.insert(Asked { resource, place, region, at: now });
        }
        if let Call::RegisterTaskDefinition { component, hash, .. } = &action.call
            && let Some(known) = state.components.get_mut(component)
        {
            known.pending_registration = Some(PendingRegistration { hash: hash.clone(), at: now });
        }
    }
    state
}

/// AWS answered that it did nothing, or was not asked.
fn was_not_done(state: &mut RolloutState, action: &PlannedAction) {
    was_answered(state, action);
    if action.verb == Verb::Register
        && let Some(known) = state.components.get_mut(action.resource.key.as_str())
    {
        known.pending_registration = None;
    }
}

/// AWS said what came of what it was asked to make.
fn was_answered(state: &mut RolloutState, action: &PlannedAction) {
    if let Some(place) = Place::of(&action.call) {
        state.asked.retain(|asked| asked.place != place);
    }
}

/// Notes since when addresses belong to no task. Of groups of which that is not known nothing
/// changes.
fn remember_stale_targets(state: &mut RolloutState, plan: &Plan, now: Timestamp) {
    for (group, addresses) in &plan.stale_targets {
        let known = state.resource_mut(&ResourceId::new(ResourceKind::TargetGroup, group));
        let before = std::mem::take(&mut known.stale_targets);
        let since =
            |address: &String| (address.clone(), before.get(address).copied().unwrap_or(now).min(now));
        known.stale_targets = addresses.iter().map(since).collect();
    }
}

/// What was to be made again and was there all along: AWS answers with what is known of it. That it
/// was not shown is nobody's doing.
fn found_again(state: &RolloutState, plan: &Plan, outcomes: &[Outcome]) -> BTreeSet<ResourceId> {
    let made = outcomes.iter().filter_map(|outcome| match &outcome.result {
        ActionResult::Done { arn: Some(arn), .. } => Some((&plan.actions[outcome.action], arn)),
        _ => None,
    });
    let again = made.filter(|(action, arn)| {
        action.verb == Verb::Create && state.arn(&action.resource) == Some(arn.as_str())
    });
    again.map(|(action, _)| action.resource.clone()).collect()
}

/// Counts the repairs that AWS said yes to, except of what was `found_again`. They are forgotten
/// with what was repaired.
fn remember_repairs(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    plan: &Plan,
    outcomes: &[Outcome],
    found_again: &BTreeSet<ResourceId>,
    now: Timestamp,
) {
    let repaired: BTreeSet<&ResourceId> =
        plan.drift.iter().filter(|drift| drift.repaired).map(|drift| &drift.resource).collect();
    let repaired = repaired.into_iter().filter(|id| !found_again.contains(id));
    for (id, known) in &mut state.resources {
        if !resolved.resources.contains_key(id) && !resolved.components.contains_key(id.key.as_str()) {
            known.repairs = None;
        }
    }
    for resource in repaired {
        let done = |index: usize| {
            let outcome = outcomes.iter().find(|outcome| outcome.action == index);
            outcome.is_some_and(|outcome| matches!(outcome.result, ActionResult::Done { .. }))
        };
        let mut of_it =
            plan.actions.iter().enumerate().filter(|(_, action)| action.resource == *resource).peekable();
        let all_done = of_it.peek().is_some() && of_it.all(|(index, _)| done(index));
        if let Some(what) = Repairs::wanted(&plan.drift, resource).filter(|_| all_done) {
            let known = state.resource_mut(resource);
            known.repairs = Some(Box::new(Repairs::and_again(known.repairs.as_deref(), what, now)));
        }
    }
}

/// Forgets the ARNs of what AWS said is not there, else every full pass would ask for them again.
/// What is no longer declared either is forgotten altogether.
///
/// **Never** forgets while anything could not be seen, while what was made lately need not be shown
/// yet, or an ARN that something seen has: a target group or a service whose declaration changed
/// its name is absent under its new name, and still there.
fn forget_absent(state: &mut RolloutState, resolved: &ResolvedState, observed: &ObservedState) {
    if !observed.gaps.is_empty() || state.may_not_be_shown_yet(observed.at) {
        return;
    }
    let resources = observed.all_resources().filter_map(|(_, seen)| Some(&seen.present()?.arn));
    let services = observed.all_services().filter_map(|(_, seen)| Some(&seen.present()?.arn));
    let present: BTreeSet<&str> = resources.chain(services).map(String::as_str).collect();
    let absent = |id: &ResourceId| match id.kind.part() {
        Part::Task => {
            let ended = |tasks: &Vec<ObservedTask>| tasks.iter().all(ObservedTask::is_stopped);
            let gone = |seen: &Seen<Vec<ObservedTask>>| seen.is_absent() || seen.present().is_some_and(ended);
            let undeclared = || {
                let undeclared = !resolved.components.contains_key(id.key.as_str());
                observed.tasks.get(id.key.as_str()).filter(|_| undeclared)
            };
            observed.former_tasks.get(id.key.as_str()).or_else(undeclared).is_some_and(gone)
        }
        Part::Resource | Part::TaskDefinition | Part::Service => observed.seen(id).is_absent(),
    };
    for (id, known) in &mut state.resources {
        if !absent(id) {
            continue;
        }
        known.arn = known.arn.take().filter(|arn| present.contains(arn.as_str()));
        known.forever = known.forever.take().filter(|task| known.arn.as_ref() == Some(task));
        let is_declared = resolved.resources.contains_key(id)
            || (id.kind == ResourceKind::Service && resolved.components.contains_key(id.key.as_str()));
        if !is_declared {
            known.forget_applied();
        }
    }
}

fn done(
    state: &mut RolloutState,
    action: &PlannedAction,
    arn: Option<&str>,
    deployment: Option<&str>,
    observed: &ObservedState,
) {
    let at = observed.at;
    let resource = &action.resource;
    let component = resource.key.as_str();
    if arn.is_some() {
        was_answered(state, action);
    }
    match action.verb {
        Verb::Register => {
            if let Call::RegisterTaskDefinition { hash, .. } = &action.call
                && let (Some(arn), Some(known)) = (arn, state.components.get_mut(component))
            {
                known.set_revision(Revision {
                    hash: hash.clone(),
                    arn: arn.to_owned(),
                    registered: Some(at),
                });
            }
        }
        Verb::Run => {
            if let Some(Phase::TaskRunning { task, .. }) =
                state.components.get_mut(component).map(|c| &mut c.phase)
            {
                *task = arn.map(str::to_owned);
            }
            // Kept beside the phase, which goes with the component: a task that outlives its
            // declaration is found and stopped.
            remember_arn(state, resource, arn);
            if let Call::RunTask { forever, .. } = action.call {
                state.resource_mut(resource).forever = arn.filter(|_| forever).map(str::to_owned);
            }
        }
        Verb::Create | Verb::Update => {
            if let Call::ContinueServiceDeployment { hook, .. } = &action.call {
                answered(state, component, hook);
            }
            if action.call.writes_revision() {
                started(state, component, deployment, at);
            }
            remember_sent(state, action, observed);
            let unsaid = arn.is_none().then(|| unsaid_arn(action, observed)).flatten();
            remember_arn(state, resource, arn.or(unsaid.as_deref()));
        }
        Verb::Delete => {
            if let Some(known) = state.resources.get_mut(resource) {
                known.arn = None;
                known.forget_applied();
            }
        }
        Verb::Tag | Verb::Untag | Verb::Stop | Verb::Deregister => {
            remember_arn(state, resource, arn);
            if matches!(action.reason, Reason::TakenOver { .. }) {
                // Another document wrote it last, with our word: whatever of it differs from what
                // it was here once, nobody changed by hand.
                state.resource_mut(resource).forget_applied();
            }
        }
    }
}

/// Where a change of a rule or listener sends traffic.
fn remember_sent(state: &mut RolloutState, action: &PlannedAction, observed: &ObservedState) {
    let (Call::ModifyRule { fields, .. } | Call::ModifyListener { fields, .. }) = &action.call else {
        return;
    };
    let at = observed.at;
    let mut all = observed.all_resources();
    let shown = all.find_map(|(id, seen)| seen.present().filter(|_| id == action.resource));
    for member in ["actions", "defaultActions"] {
        let Some(actions) = fields.get(member) else { continue };
        let known = state.resource_mut(&action.resource);
        let mut before =
            known.sent.take().filter(|sent| sent.is_fresh(at)).map_or_else(Vec::new, |sent| sent.before);
        before.extend(shown.map(|shown| Sent::weights(&shown.fields[member])));
        known.sent = Some(Box::new(Sent { weights: Sent::weights(actions), before, at }));
    }
}

/// The ARN of a new alarm, which AWS does not answer with and may not show yet: what is made and
/// not remembered would be left behind.
fn unsaid_arn(action: &PlannedAction, observed: &ObservedState) -> Option<String> {
    let Call::PutMetricAlarm { fields, .. } = &action.call else { return None };
    let cluster = observed.cluster.present()?;
    alarm_arn(&cluster.arn, fields["alarmName"].as_str()?)
}

/// A change without an answer may be in force, or not: either may be shown.
fn forget_sent(state: &mut RolloutState, action: &PlannedAction) {
    if let Call::ModifyRule { .. } | Call::ModifyListener { .. } = &action.call
        && let Some(known) = state.resources.get_mut(&action.resource)
    {
        known.sent = None;
    }
}

/// A paused hook is answered once, also when AWS goes on to show it as before for a while.
fn answered(state: &mut RolloutState, component: &str, hook: &str) {
    if let Some(known) = state.components.get_mut(component) {
        known.stage.get_or_insert_default().answered = Some(hook.to_owned());
    }
}

/// A deployment's clock starts with it, however long ago it was wanted: the write may have been
/// held, and what was made before may be gone.
fn started(state: &mut RolloutState, component: &str, id: Option<&str>, at: Timestamp) {
    let phase = state.components.get_mut(component).map(|component| &mut component.phase);
    if let Some(Phase::Rolling { deployment, progress, .. }) = phase {
        *deployment = id.map(str::to_owned);
        *progress = (at, 0);
    }
}

fn remember_arn(state: &mut RolloutState, resource: &ResourceId, arn: Option<&str>) {
    let Some(arn) = arn.filter(|_| resource.kind != ResourceKind::TaskDefinition) else { return };
    let known = state.resource_mut(resource);
    let inherited = known.inherited;
    let before = known.set_arn(arn);
    // What stood under the key stands beside its successor, in another cluster, say, until it was
    // seen to be gone.
    if let Some(before) = before.filter(|_| matches!(resource.kind.part(), Part::Resource | Part::Service)) {
        let left_over = state.resource_mut(&ResourceId::left_over(resource.kind, &before));
        (left_over.arn, left_over.inherited) = (Some(before), inherited);
    }
}

/// Notes the ARNs of everything that was seen to be ours by its tags, made in a pass whose record
/// was lost, say. A rule that stands in the place of another declared one is that other one's: the
/// two are to change places.
fn record_owned_arns(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    observed: &ObservedState,
    plan: &Plan,
    outcomes: &[Outcome],
) {
    let done = outcomes.iter().filter(|outcome| matches!(outcome.result, ActionResult::Done { .. }));
    let done = done.filter_map(|outcome| plan.actions.get(outcome.action));
    let deleted: BTreeSet<&ResourceId> =
        done.filter(|action| action.verb == Verb::Delete).map(|action| &action.resource).collect();
    let is_anothers = |id: &ResourceId, tags: &BTreeMap<String, String>| {
        let other = tags.get(TAG_COMPONENT).filter(|key| id.kind == ResourceKind::Rule && **key != id.key);
        other.is_some_and(|key| resolved.resources.contains_key(&ResourceId::new(id.kind, key.as_str())))
    };
    // What was deleted in this pass, or a moment ago, is not there again.
    let is_going = |id: &ResourceId| {
        id.kind == ResourceKind::Service
            && observed.service(id).present().is_some_and(|service| service.status == "DRAINING")
    };
    let resources = observed.all_resources().map(|(id, _)| id);
    for id in resources.chain(observed.all_services().map(|(id, _)| id)) {
        if let Seen::Present(Identity { arn, tags, .. }) = observed.seen(&id)
            && tags.get(TAG_OWNER).is_some_and(|tag| tag == plan.deployment.as_str())
            && !deleted.contains(&id)
            && !is_anothers(&id, tags)
            && (!is_going(&id) || state.arn(&id) == Some(arn))
        {
            match id.kind.part() {
                // The one that it had may be there, too.
                Part::Service | Part::Resource => remember_arn(state, &id, Some(arn)),
                Part::TaskDefinition | Part::Task => {
                    state.resource_mut(&id).set_arn(arn);
                }
            }
            state.resource_mut(&id).inherited = false;
        }
    }
    forget_others(state, resolved, observed, plan);
    // What is declared by now is left over no more.
    let services = observed.services.iter().filter(|(name, _)| resolved.components.contains_key(*name));
    let services = services.filter_map(|(_, seen)| Some(seen.present()?.arn.as_str()));
    let resources = observed.resources.iter().filter(|(id, _)| resolved.resources.contains_key(*id));
    let resources = resources.filter_map(|(_, seen)| Some(seen.present()?.arn.as_str()));
    let declared: BTreeSet<&str> = services.chain(resources).collect();
    for (id, known) in &mut state.resources {
        if id.left_over_arn().is_some_and(|arn| declared.contains(arn)) {
            known.arn = None;
        }
    }
}

/// Forgets what is not declared and has the tag of another deployment: it is that one's now, unless
/// it comes over from it, or came so lately that AWS may go on to show whose it was.
fn forget_others(state: &mut RolloutState, resolved: &ResolvedState, observed: &ObservedState, plan: &Plan) {
    if state.may_not_be_shown_yet(observed.at) {
        return;
    }
    let is_declared = |id: &ResourceId| match id.kind.part() {
        Part::Resource => resolved.resources.contains_key(id),
        Part::TaskDefinition | Part::Service | Part::Task => {
            resolved.components.contains_key(id.key.as_str())
        }
    };
    for (id, known) in state.resources.iter_mut().filter(|(id, _)| !is_declared(id)) {
        if !known.inherited
            && let Seen::Present(Identity { arn, tags, .. }) = observed.seen(id)
            && known.arn.as_deref() == Some(arn)
            && tags.get(TAG_OWNER).is_some_and(|owner| *owner != plan.deployment.as_str())
        {
            known.arn = None;
            known.forget_applied();
        }
    }
}
