//! What happened in a pass, as events for people.

use super::components::{HeldAnswer, held_answers};
use super::drift::describe_drift;
use crate::model::arn::{family_revision, task_id};
use crate::model::call::Verb;
use crate::model::condition::{ConditionReason, ConditionType, Truth};
use crate::model::plan::{ActionResult, Drift, Outcome, Plan, PlannedAction};
use crate::model::rollout::{Phase, RolloutState};
use crate::model::status::{DeploymentStatus, Event, EventKind, EventReason, Record};
use jiff::{SignedDuration, Timestamp};

/// An event that has just happened.
pub fn event(
    at: Timestamp,
    kind: EventKind,
    reason: EventReason,
    object: &str,
    mut message: String,
) -> Event {
    // Hundreds are kept for each deployment, and what was put together has room to grow.
    message.shrink_to_fit();
    Event { at, kind, reason, object: object.to_owned(), message, count: 1 }
}

/// How many of the newest events about an object are searched for one that says the same, when it
/// tells of trouble: a drift that is seen, tried and refused at every pass comes as two or three.
const JOINED_WITHIN: usize = 3;

/// For so long trouble is joined with what said the same, whatever else was said since: several
/// fields that differ at every pass come as one event each.
const JOINED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Adds events, joining one that says the same as the last about its object (or trouble as one of
/// the last), and forgetting the oldest beyond [`Record::MAX_EVENTS`]. Events stay ordered by when
/// they were last seen.
pub fn append(record: &mut Record, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let about = record.events.iter().enumerate().rev().filter(|(_, known)| known.object == event.object);
        let trouble = event.kind == EventKind::Warning || event.reason == EventReason::DriftSeen;
        let newest = if trouble { JOINED_WITHIN } else { 1 };
        let is_recent = |known: &Event| trouble && event.at.duration_since(known.at) <= JOINED_FOR;
        let mut near = about.enumerate().take_while(|(age, (_, known))| *age < newest || is_recent(known));
        let same = near
            .find(|(_, (_, known))| known.reason == event.reason && known.message == event.message)
            .map(|(_, (index, _))| index);
        let count = same.map_or(0, |index| record.events.remove(index).count);
        record.events.push(Event { count: count.saturating_add(event.count), ..event });
    }
    let excess = record.events.len().saturating_sub(Record::MAX_EVENTS);
    record.events.drain(..excess);
    record.events.shrink_to_fit();
}

/// Everything that a pass brought, causes before their effects: drift that was seen, stages, what
/// was done about it, conditions.
pub fn of_pass(
    plan: &Plan,
    outcomes: &[Outcome],
    rollout: (&RolloutState, &RolloutState),
    status: (Option<&DeploymentStatus>, &DeploymentStatus),
    now: Timestamp,
) -> Vec<Event> {
    let mut events = of_drift(plan, now);
    events.extend(of_phases(rollout.0, rollout.1, now));
    events.extend(of_actions(plan, outcomes, now));
    events.extend(of_held_answers(status.0, status.1, now));
    events.extend(of_conditions(status.0, status.1, now));
    events
}

/// Events of answers to paused deployments that are held from now on.
fn of_held_answers(
    before: Option<&DeploymentStatus>,
    after: &DeploymentStatus,
    now: Timestamp,
) -> Vec<Event> {
    let known = before.map(|before| held_answers(&before.waiting_on)).unwrap_or_default();
    let subject = |held: &HeldAnswer| (held.component.clone(), held.deployment.clone());
    let is_new = |held: &HeldAnswer| !known.iter().any(|known| subject(known) == subject(held));
    let held = |held: HeldAnswer| {
        let kind = if held.by_hand { EventKind::Warning } else { EventKind::Normal };
        let component = format!("component/{}", held.component);
        event(now, kind, EventReason::ContinueHeld, &component, held.because)
    };
    held_answers(&after.waiting_on).into_iter().filter(is_new).map(held).collect()
}

/// Events of the drift that a plan saw: what differs and who owns the field.
fn of_drift(plan: &Plan, now: Timestamp) -> Vec<Event> {
    let reported = |drift: &Drift| {
        let (kind, reason) = if drift.repaired {
            (EventKind::Normal, EventReason::DriftSeen)
        } else {
            (EventKind::Warning, EventReason::DriftReported)
        };
        event(now, kind, reason, &drift.resource.to_string(), describe_drift(drift))
    };
    plan.drift.iter().map(reported).collect()
}

/// Events of a plan's actions: what was done and what failed.
fn of_actions(plan: &Plan, outcomes: &[Outcome], now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    for outcome in outcomes {
        let action = &plan.actions[outcome.action];
        let object = action.resource.to_string();
        let operation = action.call.operation();
        match &outcome.result {
            ActionResult::Done { arn, .. } => {
                let message = format!("{operation}: {}{}", action.reason, made(action, arn.as_deref()));
                events.push(event(now, EventKind::Normal, done_reason(plan, action), &object, message));
            }
            ActionResult::Failed { code, message, .. } => {
                let message = format!("{operation}: {code}: {message}");
                events.push(event(now, EventKind::Warning, EventReason::ActionFailed, &object, message));
            }
            ActionResult::Unknown { message } => {
                let message = format!("{operation}: no answer: {message}");
                events.push(event(now, EventKind::Warning, EventReason::NoAnswer, &object, message));
            }
            ActionResult::Skipped { .. } => {}
        }
    }
    events
}

fn made(action: &PlannedAction, arn: Option<&str>) -> String {
    match (action.verb, arn) {
        (Verb::Register, Some(arn)) => format!(" ({})", family_revision(arn)),
        (Verb::Run, Some(arn)) => format!(" ({})", task_id(arn)),
        _ => String::new(),
    }
}

fn done_reason(plan: &Plan, action: &PlannedAction) -> EventReason {
    if plan.drift.iter().any(|drift| drift.repaired && drift.resource == action.resource) {
        return EventReason::DriftRepaired;
    }
    match action.verb {
        Verb::Create => EventReason::Created,
        Verb::Register => EventReason::Registered,
        Verb::Run => EventReason::Started,
        Verb::Update | Verb::Tag | Verb::Untag => EventReason::Updated,
        Verb::Stop => EventReason::Stopped,
        Verb::Deregister | Verb::Delete => EventReason::Deleted,
    }
}

/// Events of stages that a pass has brought; what has ended comes before what that let begin.
fn of_phases(before: &RolloutState, after: &RolloutState, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    for (name, component) in &after.components {
        let prior = before.components.get(name).map(|component| &component.phase);
        let same = prior.is_some_and(|prior| {
            prior.word() == component.phase.word() && prior.hash() == component.phase.hash()
        });
        if same {
            continue;
        }
        let (kind, reason, message) = match &component.phase {
            Phase::Idle => continue,
            Phase::Waiting { on, .. } => {
                let on: Vec<String> = on.iter().map(ToString::to_string).collect();
                (EventKind::Normal, EventReason::Waiting, format!("for {}", on.join("; ")))
            }
            Phase::TaskRunning { attempt, .. } => {
                (EventKind::Normal, EventReason::TaskRunning, format!("attempt {attempt}"))
            }
            Phase::Rolling { hash, .. } => {
                (EventKind::Normal, EventReason::Rolling, format!("to content {hash}"))
            }
            Phase::Baking { until, .. } => (EventKind::Normal, EventReason::Baking, format!("until {until}")),
            Phase::Complete { hash, .. } => {
                (EventKind::Normal, EventReason::Complete, format!("at content {hash}"))
            }
            Phase::RolledBack { reason, deployment, .. } => (
                EventKind::Warning,
                EventReason::RolledBack,
                format!("by ECS, deployment {deployment}: {reason}"),
            ),
            Phase::Stalled { message, .. } => (EventKind::Warning, EventReason::Stalled, message.clone()),
        };
        let ended = reason == EventReason::Complete;
        events.push((!ended, event(now, kind, reason, &format!("component/{name}"), message)));
    }
    events.sort_by_key(|(begun, _)| *begun);
    events.into_iter().map(|(_, event)| event).collect()
}

/// Events of conditions that changed between two statuses: Ready reached or lost, secrets,
/// suspension.
fn of_conditions(before: Option<&DeploymentStatus>, after: &DeploymentStatus, now: Timestamp) -> Vec<Event> {
    let reported = [ConditionType::Ready, ConditionType::SecretsReady, ConditionType::Suspended];
    let mut events = Vec::new();
    for condition in after.conditions.iter().filter(|condition| reported.contains(&condition.kind)) {
        let prior = before.and_then(|before| before.condition(condition.kind));
        let was = prior.map(|prior| prior.status);
        if was == Some(condition.status) || (was.is_none() && condition.status != Truth::True) {
            continue;
        }
        let (kind, reason) = match (condition.kind, condition.status) {
            (ConditionType::Ready, Truth::True) => (EventKind::Normal, EventReason::Ready),
            (ConditionType::Ready, _) => (EventKind::Normal, EventReason::NotReady),
            (ConditionType::SecretsReady, Truth::True) if was != Some(Truth::False) => continue,
            (ConditionType::SecretsReady, Truth::True) => (EventKind::Normal, EventReason::SecretsReady),
            (ConditionType::SecretsReady, _) if condition.reason == ConditionReason::Removing => continue,
            (ConditionType::SecretsReady, _) => (EventKind::Warning, EventReason::SecretsNotReady),
            (_, Truth::True) => (EventKind::Normal, EventReason::Suspended),
            // Of a document that was refused until now nobody knows whether it was held back.
            _ if was != Some(Truth::True) => continue,
            _ => (EventKind::Normal, EventReason::Resumed),
        };
        events.push(event(now, kind, reason, "", condition.message.clone()));
    }
    events
}
