//! Ready and Reconciling: the two conditions that follow from all the others.

use super::input::{StatusInput, condition, prior_condition};
use super::sentences::{gaps, joined};
use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::observed::{Depth, ObservedService, Seen};
use crate::model::plan::{ActionResult, PlannedAction, Reason, Waiting, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::rollout::Phase;

/// The conditions that Ready follows from.
pub(super) struct Others<'c> {
    pub(super) secrets: &'c Condition,
    pub(super) resources: &'c Condition,
    pub(super) targets: &'c Condition,
    pub(super) drifted: &'c Condition,
    pub(super) suspended: &'c Condition,
    pub(super) stalled: &'c Condition,
}

/// What Ready says.
struct ReadyWord {
    truth: Truth,
    reason: ConditionReason,
    message: String,
}

/// Ready and Reconciling. Exactly one of Ready, Reconciling and Stalled is True, as kstatus wants
/// it: a tool that waits is done, goes on waiting, or gives up.
pub(super) fn ready(input: &StatusInput<'_>, others: &Others<'_>) -> (Condition, Condition) {
    let ReadyWord { truth, reason, message } = readiness(input, others);
    let reconciling = ConditionType::Reconciling;
    let reconciling = if truth == Truth::True || others.stalled.status == Truth::True {
        condition(input, reconciling, Truth::False, reason, message.clone())
    } else if others.suspended.status == Truth::True {
        let message = format!("suspended {}; {message}", others.suspended.message);
        condition(input, reconciling, Truth::True, ConditionReason::Suspended, message)
    } else {
        condition(input, reconciling, Truth::True, reason, message.clone())
    };
    (condition(input, ConditionType::Ready, truth, reason, message), reconciling)
}

/// The first thing that keeps the deployment from being ready, those first that a person can do
/// something about.
fn readiness(input: &StatusInput<'_>, others: &Others<'_>) -> ReadyWord {
    let Others { secrets, resources, targets, drifted, stalled, .. } = *others;
    let not_ready =
        |reason: ConditionReason, message: String| ReadyWord { truth: Truth::False, reason, message };
    if stalled.status == Truth::True {
        return not_ready(stalled.reason, stalled.message.clone());
    }
    if secrets.status == Truth::False {
        return not_ready(secrets.reason, secrets.message.clone());
    }
    if let Some((reason, message)) = first_failure(input) {
        return not_ready(reason, message);
    }
    if let Some((reason, message)) = unreadable(input) {
        return ReadyWord { truth: Truth::Unknown, reason, message };
    }
    let incomplete = incomplete(input);
    if !incomplete.is_empty() {
        return not_ready(ConditionReason::Progressing, waiting_message(input, &incomplete));
    }
    if let Some(message) = unseen_actions(input).or_else(|| not_applied(input)) {
        return not_ready(ConditionReason::Progressing, message);
    }
    if resources.status == Truth::False {
        return not_ready(resources.reason, resources.message.clone());
    }
    if targets.status == Truth::False {
        return not_ready(targets.reason, targets.message.clone());
    }
    if let Some(waiting) = most_actionable(input) {
        return not_ready(
            ConditionReason::Progressing,
            format!("{} waits for {}", waiting.resource, waiting.on),
        );
    }
    if drifted.status == Truth::True {
        return not_ready(drifted.reason, drifted.message.clone());
    }
    let unseen = unseen(input);
    if !unseen.is_empty() || [secrets, resources, targets].iter().any(|c| c.status == Truth::Unknown) {
        let message = if unseen.is_empty() { gaps(input) } else { joined(unseen) };
        return ReadyWord { truth: Truth::Unknown, reason: ConditionReason::NotSeen, message };
    }
    // A light pass does not see enough to call a deployment ready that was not so before.
    if input.observed.depth == Depth::Light {
        return carried(input);
    }
    reconciled()
}

/// Why nothing of what runs could be seen, though it was looked for.
fn unreadable(input: &StatusInput<'_>) -> Option<(ConditionReason, String)> {
    let observed = input.observed;
    let services = observed.services.values().map(is_known);
    let tasks = observed.tasks.values().map(is_known);
    let resources = observed.resources.values().map(is_known);
    let looked: Vec<bool> =
        services.chain(tasks).chain(resources).chain([is_known(&observed.cluster)]).flatten().collect();
    if looked.is_empty() || looked.contains(&true) {
        return None;
    }
    let expired = observed.gaps.iter().any(|gap| CREDENTIAL_CODES.contains(&gap.code.as_str()));
    let reason = if expired { ConditionReason::CredentialsExpired } else { ConditionReason::AwsUnreadable };
    Some((reason, gaps(input)))
}

/// Whether an answer was given about what was looked for; `None` where nothing was.
fn is_known<T>(seen: &Seen<T>) -> Option<bool> {
    match seen {
        Seen::Present(_) | Seen::Absent => Some(true),
        Seen::Unknown(_) => Some(false),
        Seen::NotRead => None,
    }
}

/// Codes by which AWS refuses credentials, whatever is asked.
///
/// Source: common errors of the ECS, Elastic Load Balancing and STS APIs.
const CREDENTIAL_CODES: [&str; 10] = [
    "NoCredentials",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
];

fn reconciled() -> ReadyWord {
    let message = "everything declared runs and is healthy".to_owned();
    ReadyWord { truth: Truth::True, reason: ConditionReason::Reconciled, message }
}

fn carried(input: &StatusInput<'_>) -> ReadyWord {
    match prior_condition(input, ConditionType::Ready) {
        Some(before) => {
            ReadyWord { truth: before.status, reason: before.reason, message: before.message.clone() }
        }
        None => ReadyWord {
            truth: Truth::Unknown,
            reason: ConditionReason::NotSeen,
            message: "not looked at in full yet".to_owned(),
        },
    }
}

/// Components that are not complete at what is wanted now or, for services, were seen not to be
/// steady, each in words.
fn incomplete(input: &StatusInput<'_>) -> Vec<String> {
    input.desired.components.values().filter_map(|component| shortcoming(input, component)).collect()
}

fn shortcoming(input: &StatusInput<'_>, component: &DesiredComponent) -> Option<String> {
    let name = &component.name;
    let wanted = input.resolved.components.get(name).and_then(|c| c.definition.as_ref()).map(|d| &d.hash);
    let phase = input.rollout.components.get(name).map(|component| &component.phase);
    let complete = match (phase, wanted) {
        (Some(phase), Some(wanted)) => phase.is_complete_at(wanted),
        // References are resolved in full passes only; a light pass trusts the phase.
        (Some(phase), None) => {
            input.observed.depth == Depth::Light && matches!(phase, Phase::Complete { .. })
        }
        (None, _) => false,
    };
    if !complete {
        return Some(format!("{name} {}", phase.map_or("Idle", |phase| phase.word())));
    }
    // What a task was before, a service of this name, is none of its work.
    let Workload::Service { .. } = &component.workload else { return None };
    match input.observed.services.get(name) {
        Some(Seen::Absent) => Some(format!("{name}: its service is gone")),
        Some(Seen::Present(service)) if !service.is_steady() => {
            Some(format!("{name}: {}", unsteady(service)))
        }
        _ => None,
    }
}

fn unsteady(service: &ObservedService) -> String {
    let counts = format!("{} of {} tasks running", service.running, service.desired);
    match service.with_tasks().count() {
        0 | 1 => counts,
        several => format!("{counts}, {several} ECS deployments under way"),
    }
}

/// What keeps the incomplete components: what a person can do something about comes first.
fn waiting_message(input: &StatusInput<'_>, incomplete: &[String]) -> String {
    let incomplete = incomplete.join(", ");
    match most_actionable(input) {
        Some(waiting) if rank(&waiting.on) == 0 => {
            format!("{} waits for {}; {incomplete}", waiting.resource, waiting.on)
        }
        Some(waiting) => format!("{incomplete}; {} waits for {}", waiting.resource, waiting.on),
        None => incomplete,
    }
}

/// The wait to tell people of: the one that they can end, else the one that holds the others.
pub(super) fn most_actionable<'a>(input: &StatusInput<'a>) -> Option<&'a Waiting> {
    let waiting = input.plan.waiting_on.iter();
    waiting.filter(|w| !matches!(w.on, WaitingOn::Suspended { .. })).min_by_key(|waiting| rank(&waiting.on))
}

/// 0: a person must do something; 1: something works on it; 2: it follows from another wait.
fn rank(on: &WaitingOn) -> u8 {
    match on {
        WaitingOn::NotReady { failed: true, .. }
        | WaitingOn::Secret { .. }
        | WaitingOn::Cluster { .. }
        | WaitingOn::LoadBalancer { .. }
        | WaitingOn::Observation { .. }
        | WaitingOn::Traffic { by_hand: true, .. }
        | WaitingOn::Claimant { ends: false, .. }
        | WaitingOn::Confirmation { .. }
        | WaitingOn::Failed { .. } => 0,
        WaitingOn::NotReady { failed: false, .. }
        | WaitingOn::Traffic { by_hand: false, .. }
        | WaitingOn::Task { .. }
        | WaitingOn::Deployment { .. }
        | WaitingOn::Targets { .. }
        | WaitingOn::Draining { .. }
        | WaitingOn::InUse { .. }
        | WaitingOn::Handover { .. }
        | WaitingOn::Successor { .. }
        | WaitingOn::Claimant { ends: true, .. }
        | WaitingOn::Predecessor { .. }
        | WaitingOn::Bake { .. }
        | WaitingOn::Rotation { .. }
        | WaitingOn::Suspended { .. } => 1,
        WaitingOn::Component { .. } | WaitingOn::Resource { .. } | WaitingOn::Declared { .. } => 2,
    }
}

/// The first action that failed or had no answer, with what it was about.
pub(super) fn first_failure(input: &StatusInput<'_>) -> Option<(ConditionReason, String)> {
    input.outcomes.iter().find_map(|outcome| {
        let PlannedAction { call, resource, .. } = &input.plan.actions[outcome.action];
        let what = format!("{} {resource}", call.operation());
        match &outcome.result {
            ActionResult::Failed { code, message, .. } => {
                Some((ConditionReason::ActionFailed, format!("{what}: {code}: {message}")))
            }
            ActionResult::Unknown { message } => {
                Some((ConditionReason::NoAnswer, format!("{what}: no answer: {message}")))
            }
            ActionResult::Done { .. } | ActionResult::Skipped { .. } => None,
        }
    })
}

/// Actions that are still to be done, or whose effect has yet to be seen. Tidying up does not
/// count: nothing that is declared depends on it.
pub(super) fn unseen_actions(input: &StatusInput<'_>) -> Option<String> {
    let counts = |action: &&PlannedAction| !matches!(action.reason, Reason::Superseded | Reason::StaleTarget);
    let actions: Vec<&PlannedAction> = input.plan.actions.iter().filter(counts).collect();
    let first = actions.first()?;
    let done =
        input.outcomes.iter().filter(|o| matches!(o.result, ActionResult::Done { .. })).map(|o| o.action);
    let done: Vec<&PlannedAction> =
        done.map(|index| &input.plan.actions[index]).filter(|action| counts(action)).collect();
    let more = |count: usize| if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    Some(if done.len() < actions.len() {
        format!("to do: {} {}{}", first.call.operation(), first.resource, more(actions.len()))
    } else {
        format!("just done: {} {}{}", first.call.operation(), first.resource, more(actions.len()))
    })
}

/// Something declared that is not there, or whose change a suspension holds back: then nothing is
/// planned about it and nothing waits, but it is not as declared either.
fn not_applied(input: &StatusInput<'_>) -> Option<String> {
    let suspended = input.plan.waiting_on.iter().any(|w| matches!(w.on, WaitingOn::Suspended { .. }));
    let resources = input.resolved.resources.iter().map(|(id, resource)| (id.clone(), &resource.declared));
    let services = input.desired.components.values().filter_map(|component| {
        let Workload::Service { .. } = component.workload else { return None };
        let declared = &input.resolved.components.get(&component.name)?.declared;
        Some((ResourceId::new(ResourceKind::Service, component.name.as_str()), declared))
    });
    resources.chain(services).find_map(|(id, declared)| {
        let applied = input.rollout.applied(&id) == Some(declared);
        let absent = input.observed.resources.get(&id).is_some_and(Seen::is_absent);
        match (applied, absent, suspended) {
            (false, true, _) => Some(format!("{id} does not exist yet")),
            (false, false, true) => Some(format!("what is declared of {id} is not in force yet")),
            _ => None,
        }
    })
}

/// What is declared and was not seen, though this pass looked for it.
fn unseen(input: &StatusInput<'_>) -> Vec<String> {
    let services = input.desired.components.values().filter_map(|component| {
        let known = input.observed.services.get(&component.name).is_some_and(Seen::is_known);
        let is_service = matches!(component.workload, Workload::Service { .. });
        (is_service && !known).then(|| ResourceId::new(ResourceKind::Service, component.name.as_str()))
    });
    let full = input.observed.depth == Depth::Full;
    let resources = input.desired.resources.keys().filter(|_| full);
    let resources =
        resources.filter(|id| !input.observed.resources.get(id).is_some_and(Seen::is_known)).cloned();
    let mut unseen: Vec<String> = if input.observed.gaps.is_empty() { Vec::new() } else { vec![gaps(input)] };
    // A gap says why; without one, the thing itself is named.
    if unseen.is_empty() {
        unseen.extend(services.chain(resources).map(|id| format!("{id} was not seen")));
    }
    unseen
}
