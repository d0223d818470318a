//! Conditions of one deployment, compatible with kstatus: Ready, Reconciling and Stalled say what a
//! waiting tool needs.

use super::drift::{describe_drift, was_done};
use super::input::{StatusInput, condition, prior_condition};
use super::ready::{Others, ready};
use super::removing;
use super::sentences::{gaps, joined};
use crate::model::arn::target_group_name;
use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};
use crate::model::desired::DesiredComponent;
use crate::model::ids::ComponentName;
use crate::model::kinds::DriftPolicy;
use crate::model::membership::{Astray, are_unused, astray, misdirected, serving_groups};
use crate::model::observed::{Depth, ObservedTarget, Seen};
use crate::model::plan::{ActionResult, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::resource_record::Sent;
use crate::model::rollout::Phase;
use crate::model::status::{DeploymentStatus, TargetCount};
use std::collections::BTreeMap;

/// All conditions, in the order of [`ConditionType`].
pub(super) fn conditions(input: &StatusInput<'_>, status: &DeploymentStatus) -> Vec<Condition> {
    if input.is_removing() {
        return removing::conditions(input, suspended(input), stalled(input, status));
    }
    let secrets = secrets_ready(input);
    let resources = resources_ready(input);
    let targets = targets_healthy(input, status);
    let drifted = drifted(input);
    let suspended = suspended(input);
    let stalled = stalled(input, status);
    let others = Others {
        secrets: &secrets,
        resources: &resources,
        targets: &targets,
        drifted: &drifted,
        suspended: &suspended,
        stalled: &stalled,
    };
    let (ready, reconciling) = ready(input, &others);
    vec![ready, reconciling, stalled, secrets, resources, targets, drifted, suspended]
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
        return condition(
            input,
            kind,
            Truth::True,
            ConditionReason::NoSecrets,
            "no secret is declared".to_owned(),
        );
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
    if unseen && absent.is_empty() {
        condition(input, kind, Truth::Unknown, ConditionReason::NotSeen, gaps(input))
    } else if !absent.is_empty() || !missing.is_empty() {
        let message =
            if missing.is_empty() { format!("missing: {}", absent.join(", ")) } else { joined(missing) };
        condition(input, kind, Truth::False, ConditionReason::SecretMissing, message)
    } else {
        condition(input, kind, Truth::True, ConditionReason::AllFound, format!("{} found", wanted.len()))
    }
}

/// What the last full pass said; Unknown when there was none.
fn carried(input: &StatusInput<'_>, kind: ConditionType) -> Condition {
    match prior_condition(input, kind) {
        Some(before) => condition(input, kind, before.status, before.reason, before.message.clone()),
        None => {
            condition(input, kind, Truth::Unknown, ConditionReason::NotSeen, "not looked at yet".to_owned())
        }
    }
}

/// Whether everything that is declared under a key of its own, and the load balancers that it
/// names, are there and can be used.
fn resources_ready(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::ResourcesReady;
    let (declared, observed) = (&input.desired.resources, input.observed);
    if declared.is_empty() {
        let message = "no resource is declared".to_owned();
        return condition(input, kind, Truth::True, ConditionReason::NoResources, message);
    }
    if observed.depth == Depth::Light {
        return carried(input, kind);
    }
    let load_balancers =
        observed.load_balancers.iter().map(|(name, seen)| (format!("load balancer {name}"), Some(seen)));
    let resources = declared.keys().map(|id| (id.to_string(), observed.resources.get(id)));
    let mut found: BTreeMap<ConditionReason, Vec<String>> = BTreeMap::new();
    let blocked = |what: &String| {
        let mut notes = input.plan.notes.iter().filter(|note| note.blocks);
        notes.find(|note| note.resource.to_string() == *what).map(|note| note.message.clone())
    };
    for (what, seen) in load_balancers.chain(resources) {
        let (reason, message) = match seen {
            Some(Seen::Present(_)) if let Some(message) = blocked(&what) => {
                (ConditionReason::Blocked, format!("{what}: {message}"))
            }
            Some(Seen::Present(resource)) => match WaitingOn::readiness(&what, &resource.readiness) {
                None => continue,
                Some(on) if matches!(on, WaitingOn::NotReady { failed: true, .. }) => {
                    (ConditionReason::ResourceFailed, on.to_string())
                }
                Some(on) => (ConditionReason::ResourceChanging, on.to_string()),
            },
            Some(Seen::Absent) => (ConditionReason::ResourceMissing, format!("{what} does not exist yet")),
            Some(Seen::Unknown(_) | Seen::NotRead) | None => (ConditionReason::NotSeen, what),
        };
        found.entry(reason).or_default().push(message);
    }
    let worst = [
        ConditionReason::Blocked,
        ConditionReason::ResourceFailed,
        ConditionReason::ResourceMissing,
        ConditionReason::ResourceChanging,
    ];
    if let Some((reason, messages)) = worst.into_iter().find_map(|reason| found.remove_entry(&reason)) {
        return condition(input, kind, Truth::False, reason, joined(messages));
    }
    if !found.is_empty() {
        return condition(input, kind, Truth::Unknown, ConditionReason::NotSeen, gaps(input));
    }
    let message = format!("{} ready", declared.len());
    condition(input, kind, Truth::True, ConditionReason::AllReady, message)
}

fn targets_healthy(input: &StatusInput<'_>, status: &DeploymentStatus) -> Condition {
    let kind = ConditionType::TargetsHealthy;
    let groups: Vec<(&DesiredComponent, Vec<&str>)> = input
        .desired
        .components
        .values()
        .flat_map(|component| component.target_groups().map(move |groups| (component, groups)))
        .collect();
    if groups.is_empty() {
        return condition(
            input,
            kind,
            Truth::True,
            ConditionReason::NoTargets,
            "no target group is declared".to_owned(),
        );
    }
    if input.observed.depth == Depth::Light {
        return carried(input, kind);
    }
    let mut unhealthy: Vec<String> =
        input.desired.components.values().flat_map(|component| past_its_tasks(input, component)).collect();
    unhealthy.extend(sent_to_nobody(input));
    let (mut unseen, mut unused) = (Vec::new(), Vec::new());
    for (component, groups) in groups {
        let reported = status.components.get(&component.name);
        let wanted = reported.map_or(0, |reported| reported.desired);
        let count_of = |group: &str| reported.and_then(|known| known.targets.get(target_group_name(group)));
        let groups = match serving_groups(component, input.observed, &groups) {
            Ok(groups) => groups,
            Err(group) => {
                unseen.push(format!("{}: its service revision was not seen", target_group_name(group)));
                continue;
            }
        };
        let lacking = groups.iter().find(|group| count_of(group).is_none());
        match lacking.map(|group| (target_group_name(group), *group, input.observed.targets.get(*group))) {
            // While ECS does not say which, a group or its alternate may hold the tasks.
            None => {
                let all = groups.iter().filter_map(|group| count_of(group));
                let (healthy, total) = all.fold((0, 0), |(healthy, total), count: &TargetCount| {
                    (healthy + count.healthy, total + count.total)
                });
                let shown = groups.iter().map(|group| target_group_name(group)).collect::<Vec<_>>().join("+");
                if total >= wanted && total > 0 && are_unused(input.desired, input.observed, &groups) {
                    unused.push(shown);
                } else if healthy < total || healthy < wanted {
                    unhealthy.push(format!("{shown}: {healthy} of {} healthy", wanted.max(total)));
                }
            }
            Some((shown, _, Some(Seen::Unknown(gap)))) => {
                unseen.push(format!("{shown}: {}: {}", gap.code, gap.message));
            }
            Some((shown, group, seen)) if is_missing(input, group, seen) => {
                unhealthy.push(format!("{shown}: does not exist yet"));
            }
            Some((shown, ..)) => unseen.push(format!("{shown}: its targets were not looked at")),
        }
    }
    if !unhealthy.is_empty() {
        condition(input, kind, Truth::False, ConditionReason::TargetsUnhealthy, joined(unhealthy))
    } else if !unseen.is_empty() {
        condition(input, kind, Truth::Unknown, ConditionReason::NotSeen, joined(unseen))
    } else if !unused.is_empty() {
        let message =
            format!("no rule or listener forwards to {}: ELB does not check its targets", unused.join(", "));
        condition(input, kind, Truth::True, ConditionReason::TargetsUnused, message)
    } else {
        condition(input, kind, Truth::True, ConditionReason::AllHealthy, "all targets are healthy".to_owned())
    }
}

/// What sends traffic past the tasks of a component, and that a person has to put it right where
/// the drift policy does not let Evenkeel do it.
fn past_its_tasks(input: &StatusInput<'_>, component: &DesiredComponent) -> Vec<String> {
    let found = astray(component, input.observed).into_iter();
    let at_rest = found.map(|Astray { by, serving, instead }| {
        let [serving, instead] = [serving, instead]
            .map(|arn| input.observed.target_group_key(arn).unwrap_or_else(|| target_group_name(arn)));
        let what = format!("sends traffic to target group {instead}, and its tasks are in {serving}");
        (by, what)
    });
    let while_shifting = misdirected(component, input.observed).unwrap_or_default().into_iter();
    let while_shifting = while_shifting.map(|found| (found.by.clone(), found.in_words(input.observed)));
    let told = |(by, what): (ResourceId, String)| {
        let who = match input.desired.drift.policy_for(&format!("{by}.actions")) {
            DriftPolicy::Repair => "",
            DriftPolicy::Report | DriftPolicy::Ignore => {
                "; `spec.drift` leaves that as it is, so set it right yourself"
            }
        };
        format!("{}: {by} {what}{who}", component.name)
    };
    at_rest.chain(while_shifting).map(told).collect()
}

/// What sends a part of its requests to a target group without targets, while another part is
/// answered: nobody means that by a count of 0.
fn sent_to_nobody(input: &StatusInput<'_>) -> Vec<String> {
    let observed = input.observed;
    let answers = |arn: &str| {
        let key = observed.target_group_key(arn).unwrap_or(arn);
        let targets = observed.targets.get(key).and_then(Seen::present)?;
        Some(targets.iter().any(|target| !target.is_draining()))
    };
    let declared = input.desired.resources.keys().filter_map(|id| {
        let member = id.kind.actions_member()?;
        Some((id, Sent::weights(&observed.resources.get(id)?.present()?.fields[member])))
    });
    let found = declared.filter_map(|(id, weights)| {
        let sent: Vec<_> = weights.iter().filter(|(_, weight)| **weight > 0).collect();
        let (empty, _) = sent.iter().find(|(arn, _)| answers(arn) == Some(false))?;
        sent.iter().any(|(arn, _)| answers(arn) == Some(true)).then(|| {
            let group = observed.target_group_key(empty).unwrap_or_else(|| target_group_name(empty));
            format!("{id} sends a part of its requests to target group {group}, which has no targets")
        })
    });
    found.collect()
}

/// Whether a target group was seen not to be there.
fn is_missing(input: &StatusInput<'_>, group: &str, targets: Option<&Seen<Vec<ObservedTarget>>>) -> bool {
    let id = ResourceId::new(ResourceKind::TargetGroup, group);
    targets.is_some_and(Seen::is_absent) || input.observed.resources.get(&id).is_some_and(Seen::is_absent)
}

fn drifted(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::Drifted;
    let open: Vec<String> = input
        .plan
        .drift
        .iter()
        .filter(|drift| !drift.repaired || !was_done(input.plan, input.outcomes, drift))
        .map(|drift| format!("{}: {}", drift.resource, describe_drift(drift)))
        .collect();
    if !open.is_empty() {
        return condition(input, kind, Truth::True, ConditionReason::DriftSeen, joined(open));
    }
    let reported_before = prior_condition(input, kind).is_some_and(|before| before.status == Truth::True);
    if input.observed.depth == Depth::Light && reported_before {
        return carried(input, kind);
    }
    condition(
        input,
        kind,
        Truth::False,
        ConditionReason::InSync,
        "nothing differs from what was last applied".to_owned(),
    )
}

fn suspended(input: &StatusInput<'_>) -> Condition {
    let kind = ConditionType::Suspended;
    match input.desired.suspend.as_ref().filter(|suspend| suspend.until > input.now) {
        Some(suspend) => {
            let message = format!("by {} until {}: {}", suspend.by, suspend.until, suspend.reason);
            condition(input, kind, Truth::True, ConditionReason::Suspended, message)
        }
        None => condition(
            input,
            kind,
            Truth::False,
            ConditionReason::NotSuspended,
            "writes are made as needed".to_owned(),
        ),
    }
}

fn stalled(input: &StatusInput<'_>, status: &DeploymentStatus) -> Condition {
    let kind = ConditionType::Stalled;
    let mut reasons: Vec<(ConditionReason, String)> = Vec::new();
    let declared = |(name, _): &(&ComponentName, _)| {
        !input.is_removing() && input.desired.components.contains_key(*name)
    };
    for (name, component) in input.rollout.components.iter().filter(declared) {
        match &component.phase {
            Phase::Stalled { reason, message, .. } => {
                reasons.push(((*reason).into(), format!("{name}: {message}")))
            }
            Phase::RolledBack { reason, .. } => {
                reasons.push((ConditionReason::RolledBack, format!("{name}: rolled back by ECS: {reason}")));
            }
            Phase::Idle
            | Phase::Waiting { .. }
            | Phase::TaskRunning { .. }
            | Phase::Rolling { .. }
            | Phase::Baking { .. }
            | Phase::Complete { .. } => {}
        }
    }
    for note in status.notes.iter().filter(|note| note.blocks) {
        reasons.push((ConditionReason::Blocked, format!("{}: {}", note.resource, note.message)));
    }
    for waiting in &input.plan.waiting_on {
        if let WaitingOn::NotReady { failed: true, .. } = &waiting.on {
            reasons.push((ConditionReason::ResourceFailed, waiting.on.to_string()));
        }
    }
    for outcome in input.outcomes {
        if let ActionResult::Failed { code, message, retryable: false } = &outcome.result {
            let action = &input.plan.actions[outcome.action];
            reasons.push((
                ConditionReason::Refused,
                format!("{} {}: {code}: {message}", action.call.operation(), action.resource),
            ));
        }
    }
    match reasons.first() {
        Some(&(reason, _)) => {
            let message = joined(reasons.into_iter().map(|(_, message)| message));
            condition(input, kind, Truth::True, reason, message)
        }
        None => condition(
            input,
            kind,
            Truth::False,
            ConditionReason::NotStalled,
            "nothing holds it for good".to_owned(),
        ),
    }
}
