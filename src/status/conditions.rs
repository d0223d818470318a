//! Conditions of one deployment, compatible with kstatus: Ready, Reconciling and Stalled say what a waiting tool needs.

use super::compute::{StatusInput, condition, describe_drift, prior_condition};
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::desired::Workload;
use crate::model::observed::{Depth, Seen};
use crate::model::plan::{ActionResult, WaitingOn};
use crate::model::rollout::Phase;
use crate::model::status::{DeploymentStatus, TargetCount};

/// All conditions, in the order of [`ConditionType::ALL`].
pub(super) fn conditions(input: &StatusInput<'_>, status: &DeploymentStatus) -> Vec<Condition> {
    let secrets = secrets_ready(input);
    let targets = targets_healthy(input, status);
    let drifted = drifted(input);
    let suspended = suspended(input);
    let stalled = stalled(input);
    let (ready, reconciling) = ready(input, [&secrets, &targets, &drifted, &suspended, &stalled]);
    vec![ready, reconciling, stalled, secrets, targets, drifted, suspended]
}

fn secrets_ready(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::SecretsReady;
    let wanted: std::collections::BTreeSet<&str> = input
        .desired
        .components
        .values()
        .flat_map(|component| component.secrets.iter().map(|secret| secret.secret_id.as_str()))
        .collect();
    if wanted.is_empty() {
        return condition(input, kind, Truth::True, "NoSecrets", "no secret is declared".to_owned());
    }
    if input.observed.depth == Depth::Light {
        return carried(input, kind);
    }
    let missing: Vec<String> = input
        .plan
        .waiting_on
        .iter()
        .filter(|waiting| matches!(waiting.on, WaitingOn::Secret { .. }))
        .map(|waiting| waiting.on.to_string())
        .collect();
    let unseen = wanted.iter().any(|id| !input.observed.secrets.get(*id).is_some_and(Seen::is_known));
    let absent: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|id| match input.observed.secrets.get(*id) {
            Some(Seen::Present(secret)) => secret.deleted,
            Some(Seen::Absent) => true,
            _ => false,
        })
        .collect();
    if !absent.is_empty() {
        let message =
            if missing.is_empty() { format!("missing: {}", absent.join(", ")) } else { missing.join("; ") };
        condition(input, kind, Truth::False, "SecretMissing", message)
    } else if unseen {
        condition(input, kind, Truth::Unknown, "NotSeen", gaps(input))
    } else {
        condition(input, kind, Truth::True, "AllFound", format!("{} found", wanted.len()))
    }
}

fn gaps(input: &StatusInput<'_>) -> String {
    let gaps: Vec<String> = input
        .observed
        .gaps
        .iter()
        .map(|gap| format!("{}: {}: {}", gap.operation, gap.code, gap.message))
        .collect();
    gaps.join("; ")
}

/// What the last full pass said; Unknown when there was none.
fn carried(input: &StatusInput<'_>, kind: ConditionType) -> Condition {
    match prior_condition(input, kind) {
        Some(before) => condition(input, kind, before.status, &before.reason, before.message.clone()),
        None => condition(input, kind, Truth::Unknown, "NotSeen", "not looked at yet".to_owned()),
    }
}

fn targets_healthy(input: &StatusInput<'_>, status: &DeploymentStatus) -> Condition {
    let kind = ConditionType::TargetsHealthy;
    let mut groups: Vec<(&str, &str, u32)> = Vec::new();
    for component in input.desired.components.values() {
        let Workload::Service { fields, .. } = &component.workload else { continue };
        let wanted = status.components.get(&component.name).map_or(0, |component| component.desired);
        for balancer in fields["loadBalancers"].as_array().into_iter().flatten() {
            if let Some(key) = balancer["targetGroup"].as_str() {
                groups.push((component.name.as_str(), key, wanted));
            }
        }
    }
    if groups.is_empty() {
        return condition(input, kind, Truth::True, "NoTargets", "no target group is declared".to_owned());
    }
    if input.observed.depth == Depth::Light {
        return carried(input, kind);
    }
    let mut unhealthy = Vec::new();
    let mut unseen = Vec::new();
    for (component, key, wanted) in groups {
        let count = status.components.get(component).and_then(|component| component.targets.get(key));
        match (count, input.observed.targets.get(key)) {
            (Some(TargetCount { healthy, total }), _) => {
                if healthy < total || *healthy < wanted {
                    unhealthy.push(format!("{key}: {healthy} of {} healthy", wanted.max(*total)));
                }
            }
            (None, Some(Seen::Unknown(gap))) => unseen.push(format!("{key}: {}: {}", gap.code, gap.message)),
            (None, _) => unhealthy.push(format!("{key}: does not exist yet")),
        }
    }
    if !unhealthy.is_empty() {
        condition(input, kind, Truth::False, "TargetsUnhealthy", unhealthy.join("; "))
    } else if !unseen.is_empty() {
        condition(input, kind, Truth::Unknown, "NotSeen", unseen.join("; "))
    } else {
        condition(input, kind, Truth::True, "AllHealthy", "all targets are healthy".to_owned())
    }
}

fn drifted(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::Drifted;
    let open: Vec<String> = input
        .plan
        .drift
        .iter()
        .filter(|drift| !drift.repaired || !all_done(input))
        .map(|drift| format!("{}: {}", drift.resource, describe_drift(drift)))
        .collect();
    if !open.is_empty() {
        return condition(input, kind, Truth::True, "DriftSeen", open.join("; "));
    }
    let reported_before = prior_condition(input, kind).is_some_and(|before| before.status == Truth::True);
    if input.observed.depth == Depth::Light && reported_before {
        return carried(input, kind);
    }
    condition(input, kind, Truth::False, "InSync", "AWS agrees with what is declared".to_owned())
}

fn all_done(input: &StatusInput<'_>) -> bool {
    input.outcomes.len() == input.plan.actions.len()
        && input.outcomes.iter().all(|outcome| matches!(outcome.result, ActionResult::Done { .. }))
}

fn suspended(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::Suspended;
    match input.desired.suspend.as_ref().filter(|suspend| suspend.until > input.now) {
        Some(suspend) => {
            let message = format!("by {} until {}: {}", suspend.by, suspend.until, suspend.reason);
            condition(input, kind, Truth::True, "Suspended", message)
        }
        None => condition(input, kind, Truth::False, "Active", "writes are made as needed".to_owned()),
    }
}

fn stalled(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::Stalled;
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for (name, component) in &input.rollout.components {
        match &component.phase {
            Phase::Stalled { reason, message, .. } => {
                reasons.push((reason.as_str(), format!("{name}: {message}")))
            }
            Phase::RolledBack { reason, .. } => {
                reasons.push(("RolledBack", format!("{name}: rolled back by ECS: {reason}")));
            }
            _ => {}
        }
    }
    for note in input.plan.notes.iter().filter(|note| note.blocks) {
        reasons.push(("Blocked", format!("{}: {}", note.resource, note.message)));
    }
    for outcome in input.outcomes {
        if let ActionResult::Failed { code, message, retryable: false } = &outcome.result {
            let action = &input.plan.actions[outcome.action];
            reasons.push((
                "Refused",
                format!("{} {}: {code}: {message}", action.call.operation(), action.resource),
            ));
        }
    }
    match reasons.first() {
        Some((reason, _)) => {
            let message: Vec<&str> = reasons.iter().map(|(_, message)| message.as_str()).collect();
            condition(input, kind, Truth::True, reason, message.join("; "))
        }
        None => condition(input, kind, Truth::False, "Moving", "nothing holds it for good".to_owned()),
    }
}

fn ready(input: &StatusInput<'_>, others: [&Condition; 5]) -> (Condition, Condition) {
    let [secrets, targets, drifted, suspended, stalled] = others;
    let incomplete: Vec<String> = input
        .desired
        .components
        .values()
        .filter(|component| !is_complete(input, component.name.as_str()))
        .map(|component| {
            let phase = input.rollout.components.get(&component.name).map_or("Idle", |c| c.phase.word());
            format!("{} {phase}", component.name)
        })
        .collect();
    let not_ready = |reason: &str, message: String| {
        let ready = condition(input, ConditionType::Ready, Truth::False, reason, message.clone());
        let moving = stalled.status != Truth::True && suspended.status != Truth::True;
        let truth = if moving { Truth::True } else { Truth::False };
        (ready, condition(input, ConditionType::Reconciling, truth, reason, message))
    };
    if stalled.status == Truth::True {
        return not_ready(&stalled.reason, stalled.message.clone());
    }
    if secrets.status == Truth::False {
        return not_ready(&secrets.reason, secrets.message.clone());
    }
    if let Some((reason, message)) = first_failure(input) {
        return not_ready(reason, message);
    }
    if !incomplete.is_empty() {
        return not_ready("Progressing", waiting_message(input, &incomplete));
    }
    if !input.plan.actions.is_empty() && input.outcomes.len() < input.plan.actions.len() {
        return not_ready("Progressing", format!("{} actions to do", input.plan.actions.len()));
    }
    if targets.status == Truth::False {
        return not_ready(&targets.reason, targets.message.clone());
    }
    if let Some(waiting) = input.plan.waiting_on.iter().find(|w| !matches!(w.on, WaitingOn::Suspended { .. }))
    {
        return not_ready("Progressing", format!("{} waits for {}", waiting.resource, waiting.on));
    }
    if drifted.status == Truth::True {
        return not_ready(&drifted.reason, drifted.message.clone());
    }
    if !input.observed.gaps.is_empty() || [secrets, targets].iter().any(|c| c.status == Truth::Unknown) {
        let ready = condition(input, ConditionType::Ready, Truth::Unknown, "NotSeen", gaps(input));
        let message = "looking again".to_owned();
        return (ready, condition(input, ConditionType::Reconciling, Truth::True, "NotSeen", message));
    }
    let message = "everything declared runs and is healthy".to_owned();
    let ready = condition(input, ConditionType::Ready, Truth::True, "Reconciled", message.clone());
    (ready, condition(input, ConditionType::Reconciling, Truth::False, "Reconciled", message))
}

/// Whether a component is complete at what is wanted now and, for services, was seen to be steady.
fn is_complete(input: &StatusInput<'_>, name: &str) -> bool {
    let wanted = input.resolved.components.get(name).and_then(|c| c.definition.as_ref()).map(|d| &d.hash);
    let phase = input.rollout.components.get(name).map(|component| &component.phase);
    let complete = match (phase, wanted) {
        (Some(phase), Some(wanted)) => phase.is_complete_at(wanted),
        // References are resolved in full passes only; a light pass trusts the phase.
        (Some(Phase::Complete { .. }), None) => input.observed.depth == Depth::Light,
        _ => false,
    };
    let steady = match input.observed.services.get(name) {
        Some(Seen::Present(service)) => service.is_steady(),
        Some(Seen::Absent) => false,
        Some(Seen::NotRead | Seen::Unknown(_)) | None => true,
    };
    complete && steady
}

fn waiting_message(input: &StatusInput<'_>, incomplete: &[String]) -> String {
    match input.plan.waiting_on.first() {
        Some(waiting) => {
            format!("{}; {} waits for {}", incomplete.join(", "), waiting.resource, waiting.on)
        }
        None => incomplete.join(", "),
    }
}

/// The first action of the pass that did not work, in words.
fn first_failure(input: &StatusInput<'_>) -> Option<(&'static str, String)> {
    input.outcomes.iter().find_map(|outcome| {
        let action = &input.plan.actions[outcome.action];
        let what = format!("{} {}", action.call.operation(), action.resource);
        match &outcome.result {
            ActionResult::Failed { code, message, .. } => {
                Some(("ActionFailed", format!("{what}: {code}: {message}")))
            }
            ActionResult::Unknown { message } => Some(("NoAnswer", format!("{what}: no answer: {message}"))),
            ActionResult::Done { .. } | ActionResult::Skipped { .. } => None,
        }
    })
}
