//! Traffic is never sent to where nothing answers: what forwards to a target group is changed only
//! once the group serves, and a service stays in a group for as long as traffic is sent there.
//!
//! The road of a group that is replaced: its successor is made, and joins the forward action with
//! weight 0 (ECS takes only groups that a load balancer forwards to); the service registers its
//! tasks in both; when the successor's targets are healthy the forward action becomes the declared
//! one; then the service leaves the old group, and the group is removed.
//!
//! Source: Elastic Load Balancing user guide, "Target groups" (requests are routed to healthy
//! targets by the weights of the groups; a group without targets answers 503); ECS API,
//! UpdateService.loadBalancers (several target groups of one service).

use super::association::balancer_of;
use super::requests::{VALUES_PER_RULE, count_values, darkened, is_dark};
use super::{Draft, seen};
use crate::model::arn::target_group_name;
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedResource, ObservedService, Seen};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::model::resource_record::Sent;
use crate::model::service_deployment::{groups_of, shifts_traffic};
use crate::plan::compare::forwarded;
use crate::plan::diff::differences;
use crate::plan::resources::target_group::load_balancers;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Target groups that one forward action may name. Source: Elastic Load Balancing quotas.
const GROUPS_PER_ACTION: usize = 5;

/// The actions that a dark rule has once it takes requests: where ECS shifts its traffic, what ECS
/// made of them.
fn sends_once_lit<'t>(
    draft: &Draft<'_>,
    id: &ResourceId,
    member: &str,
    declared: &'t Tree,
    observed: &'t Tree,
) -> &'t Tree {
    let found = differences(id.kind, declared, observed, &draft.traffic_shifted_groups);
    let is_written = found.iter().any(|difference| difference.change.path.starts_with(member));
    if is_written { &declared[member] } else { &observed[member] }
}

/// What is to be written of a rule or listener for now, when it is not yet what is declared.
pub(super) struct Transition {
    pub(super) fields: Tree,
    /// The groups that cannot take traffic yet.
    pub(super) waits: Vec<WaitingOn>,
}

/// The first step of a change of where traffic goes, while groups that are to get some cannot take
/// it: traffic goes where it goes at present, with those groups beside at weight 0; a rule that
/// takes no request yet goes on so. `None` when the declaration can be written as it is.
pub(super) fn changed(
    draft: &Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
    observed: &Tree,
) -> Option<Transition> {
    let member = id.kind.actions_member()?;
    if let Some(waits) = shifted_elsewhere(draft, id) {
        return Some(Transition { fields: with_actions(declared, member, observed), waits });
    }
    if is_for_tests(draft, id) {
        return None;
    }
    if is_dark(observed) {
        let waits = unready(draft, sends_once_lit(draft, id, member, declared, observed));
        return (!waits.is_empty()).then(|| Transition { fields: darkened(declared), waits });
    }
    if answers_itself(&observed[member]) {
        let ready = unready_and_associated(draft, &declared[member]);
        return ready.map(|waits| Transition { fields: with_actions(declared, member, observed), waits });
    }
    let serving = weights(&observed[member]);
    if !serving.iter().any(|(arn, weight)| *weight > 0 && may_serve(draft, arn)) {
        return None;
    }
    let wanted = weights(&declared[member]);
    let gets_more = |arn: &&String| wanted[*arn] > 0 && serving.get(*arn).is_none_or(|weight| *weight == 0);
    let unready: Vec<(&String, WaitingOn)> =
        wanted.keys().filter(gets_more).filter_map(|arn| Some((arn, not_ready(draft, arn)?))).collect();
    if unready.is_empty() {
        return handed_on(draft, id, declared, observed, &serving);
    }
    let beside: Vec<&String> =
        unready.iter().map(|(arn, _)| *arn).filter(|arn| !serving.contains_key(*arn)).collect();
    let mut fields = with_actions(declared, member, observed);
    put_beside(&mut fields[member], &beside);
    Some(Transition { fields, waits: unready.into_iter().map(|(_, on)| on).collect() })
}

/// What a rule waits for that comes over from another document, before its traffic moves: a
/// deployment of a service there is under way, in which ECS sends requests where it wants them, and
/// would again after whatever is written here.
///
/// Source: ECS developer guide, blue/green deployments (ECS writes the weights of the production
/// and the test listener rule in the stages of a deployment).
fn shifted_elsewhere(draft: &Draft<'_>, id: &ResourceId) -> Option<Vec<WaitingOn>> {
    let input = draft.input;
    let arn = &seen(&input.observed.resources, id).present()?.arn;
    let services = input.desired.handover.shifted_by.get(arn)?;
    let waits: Vec<WaitingOn> = services
        .iter()
        .filter_map(|(service, document)| match input.observed.shifting.get(service) {
            Some(Seen::Absent) => None,
            Some(Seen::Present(shifting)) => {
                let because = format!("`{document}` began it, and ECS moves traffic until it is over");
                Some(WaitingOn::Deployment { id: format!("of service {}", shifting.name), because })
            }
            Some(Seen::Unknown(gap)) => Some(WaitingOn::Observation { because: gap.message.clone() }),
            Some(Seen::NotRead) | None => {
                let because = format!("service {service} of `{document}` was not looked at in this pass");
                Some(WaitingOn::Observation { because })
            }
        })
        .collect();
    (!waits.is_empty()).then_some(waits)
}

/// Adds groups without a weight to what forward actions name.
fn put_beside(actions: &mut Tree, beside: &[&String]) {
    let mut groups: Vec<Tree> = forwarded(actions);
    groups.iter_mut().for_each(|group| group["weight"] = json!(group["weight"].as_u64().unwrap_or(1)));
    groups.extend(beside.iter().map(|arn| json!({"targetGroupArn": arn, "weight": 0})));
    groups.truncate(GROUPS_PER_ACTION);
    let forwards = actions.as_array_mut().into_iter().flatten();
    for action in forwards.filter(|action| action["type"] == "forward") {
        action["targetGroups"] = Value::Array(groups.clone());
        action.as_object_mut().map(|members| members.remove("targetGroupArn"));
    }
}

/// The change of a rule or listener that lets go of groups which others are to forward to and do
/// not yet. Until one stands that is yet to be made, it goes on as it is. For one that stands and
/// forwards elsewhere, it keeps the groups without a weight: in a group that nothing forwards to no
/// target is healthy, and whoever forwards to it next would find none.
///
/// Source: ELBv2 API, TargetHealth (`unused`: the target group is not used by a load balancer, and
/// health checks begin when it is).
fn handed_on(
    draft: &Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
    observed: &Tree,
    serving: &BTreeMap<String, u64>,
) -> Option<Transition> {
    let member = id.kind.actions_member()?;
    let wanted = weights(&declared[member]);
    let dropped = serving.iter().filter(|(arn, _)| !wanted.contains_key(*arn));
    let handed: Vec<(&String, Taker<'_>, bool)> = dropped
        .filter_map(|(arn, weight)| Some((arn, taken_over(draft, id, declared, arn)?, *weight > 0)))
        .collect();
    let goes_on = handed.iter().any(|(_, taker, serves)| *serves && !taker.stands);
    if handed.is_empty() || !goes_on && wanted.is_empty() {
        return None;
    }
    let fields = if goes_on {
        with_actions(declared, member, observed)
    } else {
        let mut fields = declared.clone();
        put_beside(&mut fields[member], &handed.iter().map(|(arn, ..)| *arn).collect::<Vec<_>>());
        fields
    };
    let waits = handed.into_iter().map(|(arn, taker, _)| {
        let group = key_of(draft, arn).unwrap_or(arn);
        let until = if goes_on {
            "which serves here until then"
        } else {
            "which stays with the load balancer here until then"
        };
        let because = format!("it is to forward to target group {group}, {until}");
        WaitingOn::Declared { what: taker.id.clone(), because }
    });
    Some(Transition { fields, waits: waits.collect() })
}

/// What is declared to forward to a group, and does not yet.
struct Taker<'a> {
    id: &'a ResourceId,
    /// Whether it is there, and forwards elsewhere.
    stands: bool,
}

/// Who is declared to forward to a group and does not yet, while nothing else that is declared to
/// forwards to it.
fn taken_over<'a>(draft: &Draft<'a>, id: &ResourceId, declared: &Tree, arn: &str) -> Option<Taker<'a>> {
    let input = draft.input;
    let mut next = None;
    for (other, resolved) in input.resolved.resources.iter().filter(|(other, _)| *other != id) {
        let (Some(member), Some(fields)) = (other.kind.actions_member(), &resolved.fields) else { continue };
        // What stands on another load balancer can take it only once it is free.
        let here = balancer_of(draft, fields) == balancer_of(draft, declared);
        if !here || !weights(&fields[member]).contains_key(arn) {
            continue;
        }
        let there = seen(&input.observed.resources, other);
        if there.present().is_some_and(|there| weights(&there.fields[member]).contains_key(arn)) {
            return None;
        }
        next = Some(Taker { id: other, stands: *there != Seen::Absent });
    }
    next
}

fn with_actions(declared: &Tree, member: &str, observed: &Tree) -> Tree {
    let mut fields = declared.clone();
    fields[member] = observed[member].clone();
    fields
}

/// Whether a load balancer answers by itself: with a redirect, or a fixed response.
fn answers_itself(actions: &Tree) -> bool {
    let mut actions = actions.as_array().into_iter().flatten();
    actions.any(|action| action["type"] == "redirect" || action["type"] == "fixed-response")
}

/// What the groups wait for that are to take requests which the load balancer answers by itself so
/// far, when tasks can be registered in each of them before it does: something forwards to it
/// already. An action that answers forwards to nothing beside.
fn unready_and_associated(draft: &Draft<'_>, actions: &Tree) -> Option<Vec<WaitingOn>> {
    let waits = unready(draft, actions);
    let forwarded = weights(actions).into_keys().all(|arn| {
        let group = key_of(draft, &arn).map(|key| ResourceId::new(ResourceKind::TargetGroup, key));
        let group = group.and_then(|id| seen(&draft.input.observed.resources, &id).present());
        group.is_none_or(|group| !group.used_by.is_empty())
    });
    (forwarded && !waits.is_empty()).then_some(waits)
}

/// What is lost by a change that cannot be made without a gap: what answers by itself is to forward
/// to groups that nothing forwards to yet, and without that no task is healthy in them.
///
/// Source: ECS API, CreateService (a target group has to be associated with a load balancer).
pub(super) fn gap(draft: &Draft<'_>, id: &ResourceId, declared: &Tree, observed: &Tree) -> Option<String> {
    let member = id.kind.actions_member()?;
    if !answers_itself(&observed[member]) || unready(draft, &declared[member]).is_empty() {
        return None;
    }
    Some(
        "requests that the load balancer answered itself so far find no target until the group's are healthy; to avoid that, let a rule of another \
         path or host forward to the group first"
            .to_owned(),
    )
}

/// The first form of a new rule, while its groups cannot take traffic and requests that it would
/// take may be served by something else: it takes none. `None` when it can be made as declared.
pub(super) fn created(draft: &Draft<'_>, id: &ResourceId, declared: &Tree) -> Option<Transition> {
    let takes = id.kind == ResourceKind::Rule && !is_for_tests(draft, id);
    if !takes || !may_take_from_others(draft, id, declared) {
        return None;
    }
    let waits = unready(draft, &declared["actions"]);
    (!waits.is_empty() && count_values(declared) < VALUES_PER_RULE)
        .then(|| Transition { fields: darkened(declared), waits })
}

/// Whether a rule is the one by which people test what ECS is about to shift traffic to. Between
/// deployments the group that it sends to has no targets.
///
/// Source: ECS developer guide, blue/green deployments (test listener rule).
fn is_for_tests(draft: &Draft<'_>, id: &ResourceId) -> bool {
    let mut shifted = draft.input.desired.components.values().filter(|one| one.is_traffic_shifted());
    let is_named = |component: &DesiredComponent| {
        let (Workload::Service { fields, .. } | Workload::Task { fields, .. }) = &component.workload;
        let mut balancers = load_balancers(fields);
        balancers.any(|balancer| balancer["advancedConfiguration"]["testListenerRule"] == id.key.as_str())
    };
    id.kind == ResourceKind::Rule && shifted.any(is_named)
}

/// Whether requests that a new rule takes may be served by something else as long as it is not
/// there: another rule, what its listener does by default, or what somebody else has there.
fn may_take_from_others(draft: &Draft<'_>, id: &ResourceId, rule: &Tree) -> bool {
    let on_it = |other: &ObservedResource| other.fields["listenerArn"] == rule["listenerArn"];
    let mut listener = None;
    for (other, forwarder) in forwarders(draft) {
        let is_other_rule = other.kind == ResourceKind::Rule && other != *id && on_it(forwarder);
        if is_other_rule && may_answer(draft, &forwarder.fields["actions"]) {
            return true;
        }
        if rule["listenerArn"] == forwarder.arn.as_str() {
            listener = Some(forwarder);
        }
    }
    listener.is_none_or(|listener| may_answer(draft, &listener.fields["defaultActions"]))
}

/// Whether actions may serve a request: they redirect it, or send it to a group that may serve. A
/// fixed response serves nobody, and who is asked for a login is served by the action after it.
fn may_answer(draft: &Draft<'_>, actions: &Tree) -> bool {
    let mut actions = actions.as_array().into_iter().flatten();
    let sent = |arn: &String, weight: u64| weight > 0 && may_serve(draft, arn);
    actions.any(|action| match action["type"].as_str() {
        Some("fixed-response" | "authenticate-oidc" | "authenticate-cognito" | "jwt-validation") => false,
        Some("forward") => weights(&json!([action])).iter().any(|(arn, weight)| sent(arn, *weight)),
        _ => true,
    })
}

/// Why the groups that are to get traffic cannot take it yet.
fn unready(draft: &Draft<'_>, actions: &Tree) -> Vec<WaitingOn> {
    let wanted = weights(actions);
    wanted.iter().filter(|(_, weight)| **weight > 0).filter_map(|(arn, _)| not_ready(draft, arn)).collect()
}

/// The weight of every group that forward actions name, by ARN.
fn weights(actions: &Tree) -> BTreeMap<String, u64> {
    let groups = forwarded(actions).into_iter();
    let weight = |group: &Tree| group["weight"].as_u64().unwrap_or(1);
    groups.filter_map(|group| Some((group["targetGroupArn"].as_str()?.to_owned(), weight(&group)))).collect()
}

/// Why a target group cannot take traffic yet; `None` when it can, or is none of this deployment.
///
/// It can when every service that is declared for it is there and has as many healthy targets as
/// the services want tasks, and no tasks of an earlier deployment: those need not be in it, and
/// with the next deployment ECS may keep them and stop the others. What nobody here registers
/// targets in needs one healthy target.
fn not_ready(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    let input = draft.input;
    let group = key_of(draft, arn)?;
    let lacks = |because: String| Some(WaitingOn::Targets { group: group.to_owned(), because });
    let mut wanted = 0;
    let mut users = 0;
    for component in input.desired.components.values().filter(|component| uses(component, group)) {
        users += 1;
        match seen(&input.observed.services, &component.name) {
            Seen::Present(service) if has_older_tasks(service) => {
                return lacks(format!("service {} has tasks of an earlier deployment", component.name));
            }
            Seen::Present(service) => wanted += count_of(component, service),
            Seen::Absent => return lacks(format!("service {} does not run yet", component.name)),
            Seen::Unknown(_) | Seen::NotRead => return lacks(not_seen(&component.name)),
        }
    }
    if users > 0 && wanted == 0 {
        return None;
    }
    let Some(targets) = seen(&input.observed.targets, group).present() else {
        return lacks("they were not looked at in this pass".to_owned());
    };
    let healthy = targets.iter().filter(|target| target.state == "healthy").count();
    let wanted = wanted.max(1);
    let spared = spares(draft, group).filter(|_| users == 0);
    match spared {
        _ if healthy >= wanted => None,
        Some(component) => lacks(format!(
            "service {} has it as an alternate, and registers no tasks there under the strategy ROLLING",
            component.name
        )),
        None => lacks(format!("{healthy} of {wanted} healthy")),
    }
}

/// Whether some tasks of a service are of an earlier deployment, that ECS keeps count of by itself.
fn has_older_tasks(service: &ObservedService) -> bool {
    !shifts_traffic(&service.fields) && service.with_tasks().any(|deployment| deployment.status != "PRIMARY")
}

/// How many tasks a service is to have once all that is declared is in force.
fn count_of(component: &DesiredComponent, service: &ObservedService) -> usize {
    let (Workload::Service { fields, .. } | Workload::Task { fields, .. }) = &component.workload;
    let declared = fields["desiredCount"].as_u64().and_then(|count| usize::try_from(count).ok());
    declared.unwrap_or(service.desired as usize)
}

fn not_seen(component: &ComponentName) -> String {
    format!("service {component} was not seen in this pass")
}

/// The key of a declared target group, by its ARN.
pub(super) fn key_of<'a>(draft: &Draft<'a>, arn: &str) -> Option<&'a str> {
    let input = draft.input;
    let mut groups = input.desired.resources.keys().filter(|id| id.kind == ResourceKind::TargetGroup);
    let is_it = |id: &&ResourceId| {
        seen(&input.observed.resources, *id).present().is_some_and(|group| group.arn == arn)
    };
    groups.find(is_it).map(|id| id.key.as_str())
}

/// Whether requests that are sent to a group may be answered: unless it was seen to have no target.
/// Where none is healthy, a load balancer sends requests to all.
///
/// Source: Elastic Load Balancing user guide, health checks ("fails open").
fn may_serve(draft: &Draft<'_>, arn: &str) -> bool {
    let targets = key_of(draft, arn).and_then(|key| seen(&draft.input.observed.targets, key).present());
    targets.is_none_or(|targets| targets.iter().any(|target| !target.is_draining()))
}

/// Whether a component's service is declared to register its tasks in a target group: in the
/// alternate ones only where ECS shifts its traffic.
fn uses(component: &DesiredComponent, group: &str) -> bool {
    let registered = if component.is_traffic_shifted() { usize::MAX } else { 1 };
    component.target_groups().any(|groups| groups.iter().take(registered).any(|known| *known == group))
}

/// A service that is declared to have this group as an alternate, and not to shift its traffic.
fn spares<'a>(draft: &Draft<'a>, group: &str) -> Option<&'a DesiredComponent> {
    let mut components = draft.input.desired.components.values();
    components.find(|component| component.target_groups().any(|groups| groups.contains(&group)))
}

/// Whether a rule that is no longer declared is served for already: a declared one on the same
/// listener takes the same requests and sends them wherever this one does. Then it goes at once,
/// for the one with the smaller priority hides the other, and ECS shifts the traffic of one only.
pub(super) fn has_successor(draft: &Draft<'_>, id: &ResourceId, rule: &ObservedResource) -> bool {
    let served = |fields: &Tree| {
        let weights = weights(&fields["actions"]).into_iter().filter(|(_, weight)| *weight > 0);
        weights.map(|(arn, _)| arn).collect::<BTreeSet<String>>()
    };
    let takes_the_same = |other: &ObservedResource| {
        let found = differences(ResourceKind::Rule, &other.fields, &rule.fields, &BTreeSet::new());
        let differs = |path: &str| found.iter().any(|difference| difference.change.path.starts_with(path));
        other.fields["listenerArn"] == rule.fields["listenerArn"] && !differs("conditions")
    };
    let here = served(&rule.fields);
    let declared = |other: &ResourceId| draft.input.desired.resources.contains_key(other);
    id.kind == ResourceKind::Rule
        && !here.is_empty()
        && forwarders(draft).any(|(other, there)| {
            other.kind == ResourceKind::Rule
                && declared(&other)
                && there.arn != rule.arn
                && !is_dark(&there.fields)
                && takes_the_same(there)
                && here.is_subset(&served(&there.fields))
        })
}

/// Our rules and listeners, as they are at present.
fn forwarders<'a>(draft: &Draft<'a>) -> impl Iterator<Item = (ResourceId, &'a ObservedResource)> {
    let all = draft.input.observed.all_resources();
    all.filter_map(|(id, seen)| {
        id.kind.actions_member()?;
        Some((id, seen.present()?))
    })
}

/// The rule or listener that sends traffic to a group at present and is not declared to do so.
fn stray_traffic(draft: &Draft<'_>, arn: &str, counts: impl Fn(&ResourceId) -> bool) -> Option<ResourceId> {
    forwarders(draft).filter(|(id, _)| counts(id)).find_map(|(id, forwarder)| {
        let member = id.kind.actions_member()?;
        let sends = weights(&forwarder.fields[member]).get(arn).is_some_and(|weight| *weight > 0);
        let resolved = draft.input.resolved.resources.get(&id).and_then(|known| known.fields.as_ref());
        let declared = resolved
            .is_some_and(|fields| weights(&fields[member]).get(arn).is_some_and(|weight| *weight > 0));
        (sends && !declared).then_some(id)
    })
}

/// Whether a rule or listener sends traffic to a target group of ours that is declared no longer,
/// such as the alternate one where ECS left the traffic.
pub(super) fn sends_to_undeclared(draft: &Draft<'_>, forwarder: &ObservedResource) -> bool {
    let members = ["actions", "defaultActions"].map(|member| weights(&forwarder.fields[member]));
    let mut sent = members.into_iter().flatten().filter(|(_, weight)| *weight > 0);
    let undeclared = |arn: &str| {
        let mut all = draft.input.observed.all_resources();
        let found = all.find_map(|(id, seen)| Some((id, seen.present().filter(|group| group.arn == arn)?)));
        found.is_some_and(|(id, group)| {
            key_of(draft, arn).is_none() && draft.is_ours_undeclared(&id, arn, &group.tags)
        })
    };
    sent.any(|(arn, _)| undeclared(&arn))
}

/// What is waited for while AWS does not show where the last change of a rule or listener sent
/// traffic: what it shows may be what was before. Where ECS shifts traffic, it may have gone on.
pub(super) fn not_shown(draft: &Draft<'_>, id: &ResourceId, observed: &Tree) -> Option<WaitingOn> {
    let member = id.kind.actions_member()?;
    let now = draft.input.now;
    let sent = draft.input.rollout.resources.get(id)?.sent.as_ref()?;
    let shown = Sent::weights(&observed[member]);
    let mut groups = sent.weights.keys().chain(shown.keys());
    // A group that is declared has its service; to send some traffic there once more is no harm.
    let is_left = |(arn, weight): (&String, &u64)| *weight > 0 && key_of(draft, arn).is_none();
    let shifts = groups.any(|arn| draft.traffic_shifted_groups.contains(arn));
    if shifts || !sent.may_be_of_before(&shown, now) || !shown.iter().any(is_left) {
        return None;
    }
    let ago = now.duration_since(sent.at).as_secs();
    let because = format!(
        "{} was changed {ago} s ago, and AWS shows what was before: it may need a moment, or somebody put it back",
        Forwarder(id)
    );
    Some(WaitingOn::Observation { because })
}

/// What keeps a service in a target group that it is not declared to be in: something still sends
/// traffic there, or a rule or listener of ours could not be read, and may.
fn kept_by(draft: &Draft<'_>, arn: &str, counts: impl Fn(&ResourceId) -> bool) -> Option<WaitingOn> {
    if let Some(by) = stray_traffic(draft, arn, counts) {
        let by =
            format!("{}, which sends requests to target group {},", Forwarder(&by), target_group_name(arn));
        return Some(WaitingOn::InUse { by });
    }
    let mut all = draft.input.observed.all_resources();
    all.find_map(|(id, seen)| {
        id.kind.actions_member()?;
        let gap = match seen {
            Seen::Unknown(gap) => gap,
            Seen::Present(forwarder) => return not_shown(draft, &id, &forwarder.fields),
            Seen::Absent => return may_be_there(draft, &id, arn),
            Seen::NotRead => return None,
        };
        let because = format!(
            "{} may send traffic to its tasks: {}: {}: {}",
            Forwarder(&id),
            gap.operation,
            gap.code,
            gap.message
        );
        Some(WaitingOn::Observation { because })
    })
}

/// What is waited for before a rule or listener that is known by its ARN and shown as absent counts
/// as gone: something was made so lately that AWS may show what was before.
/// A group that is gone gets nothing from anybody.
fn may_be_there(draft: &Draft<'_>, id: &ResourceId, group: &str) -> Option<WaitingOn> {
    let rollout = draft.input.rollout;
    let mut all = draft.input.observed.all_resources();
    let group_stands = all.any(|(_, seen)| seen.present().is_some_and(|one| one.arn == group));
    let is_doubtful =
        group_stands && rollout.arn(id).is_some() && rollout.may_not_be_shown_yet(draft.input.now);
    let because = format!("{} may send traffic to its tasks, though AWS does not show it", Forwarder(id));
    is_doubtful.then_some(WaitingOn::Observation { because })
}

/// What of others keeps a service in a target group of ours: something that is not of this
/// deployment, or goes over to another one, forwards to it.
fn kept_by_others(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    kept_by_what_goes_over(draft, arn).or_else(|| kept_by_guests(draft, arn))
}

/// What goes over to another document and sends requests to a target group: it ends by itself, once
/// that one serves.
fn kept_by_what_goes_over(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    forwarders(draft).find_map(|(id, forwarder)| {
        let to = draft.input.desired.handover.to.get(&forwarder.arn)?;
        let sends = weights(&forwarder.fields[id.kind.actions_member()?]).get(arn).is_some_and(|it| *it > 0);
        sends.then(|| WaitingOn::InUse { by: format!("{}, which goes over to `{to}`,", Forwarder(&id)) })
    })
}

fn kept_by_guests(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    let all = draft.input.observed.all_resources().filter_map(|(_, seen)| seen.present());
    let mut guests = all.filter(|group| group.arn == arn).filter_map(|group| group.guests.first());
    guests.next().map(|by| WaitingOn::InUse { by: by.clone() })
}

/// What of others keeps a service that is to go, whatever a person confirmed: something that goes
/// over to another document forwards to a target group that it is in, or may, for not all could be
/// read.
pub(super) fn awaited_by_others(draft: &Draft<'_>, service: &ObservedService) -> Option<WaitingOn> {
    let groups = groups_of(&service.fields);
    let awaited = groups.iter().find_map(|arn| kept_by_what_goes_over(draft, arn));
    awaited.or_else(|| unread(draft).filter(|_| !groups.is_empty()))
}

/// What keeps a service that is to go, unless a person confirms that it goes all the same:
/// something that is none of this store forwards to a target group that it is in.
pub(super) fn used_by_guests(draft: &Draft<'_>, service: &ObservedService) -> Option<WaitingOn> {
    groups_of(&service.fields).iter().find_map(|arn| kept_by_guests(draft, arn))
}

/// A rule, listener or target group that could not be read: of what sends requests where, not all
/// is known.
fn unread(draft: &Draft<'_>) -> Option<WaitingOn> {
    let mut all = draft.input.observed.all_resources();
    all.find_map(|(id, seen)| {
        let Seen::Unknown(gap) = seen else { return None };
        let matters = id.kind.actions_member().is_some() || id.kind == ResourceKind::TargetGroup;
        let because = format!(
            "{} may have to do with its traffic: {}: {}: {}",
            Forwarder(&id),
            gap.operation,
            gap.code,
            gap.message
        );
        matters.then_some(WaitingOn::Observation { because })
    })
}

/// What a service waits for that leaves a group to which traffic is to be sent on: other services
/// are declared to be in it, and each has to serve there first. Where none is declared to be, it
/// is left as it was edited.
fn not_taken_over(draft: &Draft<'_>, arn: &str) -> Option<WaitingOn> {
    let input = draft.input;
    let group = key_of(draft, arn)?;
    let sends = |(id, forwarder): (ResourceId, &ObservedResource)| {
        let member = id.kind.actions_member()?;
        weights(&forwarder.fields[member]).get(arn).copied()
    };
    if !forwarders(draft).filter_map(sends).any(|weight| weight > 0) {
        return None;
    }
    let lacks = |because: String| Some(WaitingOn::Targets { group: group.to_owned(), because });
    let is_in = |service: &ObservedService| groups_of(&service.fields).contains(arn);
    let mut users = input.desired.components.values().filter(|component| uses(component, group)).peekable();
    users.peek()?;
    for user in users {
        match seen(&input.observed.services, &user.name) {
            Seen::Present(service) if is_in(service) && service.is_steady() => {}
            Seen::Unknown(_) | Seen::NotRead => return lacks(not_seen(&user.name)),
            Seen::Present(_) | Seen::Absent => {
                return lacks(format!("service {} does not serve there yet", user.name));
            }
        }
    }
    let inside =
        input.observed.all_services().filter_map(|(_, seen)| seen.present().filter(|one| is_in(one)));
    let wanted: usize = inside.map(|service| service.desired as usize).sum();
    let targets = seen(&input.observed.targets, group).present()?;
    let healthy = targets.iter().filter(|target| target.state == "healthy").count();
    if healthy < wanted { lacks(format!("{healthy} of {wanted} healthy")) } else { None }
}

/// What an undeclared service waits for: a rule or listener that is no longer declared either, or
/// not declared so, still sends traffic to its tasks, or may.
pub(super) fn still_sent_to(draft: &Draft<'_>, service: &ObservedService) -> Option<WaitingOn> {
    // Where a declared service has its tasks, its own traffic goes.
    let served: BTreeSet<&String> =
        draft.input.observed.serving_groups.values().filter_map(Seen::present).flatten().collect();
    let mut groups =
        groups_of(&service.fields).into_iter().filter(|arn| !served.contains(&(*arn).to_owned()));
    groups.find_map(|arn| kept_by(draft, arn, |_| true))
}

struct Forwarder<'a>(&'a ResourceId);

impl std::fmt::Display for Forwarder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0.kind.info().noun, self.0.key)
    }
}

/// What a service keeps of its present target groups.
pub(super) enum Stay {
    /// Entries of `loadBalancers` to keep beside the declared ones, and what each waits for.
    With(Vec<Tree>, Vec<WaitingOn>),
    /// The move cannot be made without cutting traffic off, for this reason.
    Never(String),
}

/// The target groups that a service has to stay in beside the declared ones, because traffic is
/// sent to them. When it was `edited`, in those too that others are to take over from it; into any
/// other that it is not declared to be in, somebody put it.
///
/// Before ECS may shift its traffic, what is declared has to come back, and what is to go goes
/// later: for that, `only` tells whose traffic counts. Groups that do not count are left out of it.
pub(super) fn stay(
    draft: &Draft<'_>,
    declared: &Tree,
    service: &ObservedService,
    edited: bool,
    only: impl Fn(&ResourceId) -> bool,
    counts: impl Fn(&str) -> bool,
) -> Stay {
    if shifts_traffic(declared) {
        // ECS moves the traffic itself.
        return Stay::With(Vec::new(), Vec::new());
    }
    let arn_of = |balancer: &Tree| balancer["targetGroupArn"].as_str().map(str::to_owned);
    let wanted: BTreeSet<String> = load_balancers(declared).filter_map(arn_of).collect();
    let mut entries = Vec::new();
    let mut waits = Vec::new();
    let alternate = |balancer: &Tree| {
        let alternate = balancer["advancedConfiguration"]["alternateTargetGroupArn"].as_str();
        alternate.map(str::to_owned)
    };
    let present = load_balancers(&service.fields)
        .flat_map(|balancer| [arn_of(balancer), alternate(balancer)].map(|arn| (balancer, arn)));
    for (balancer, arn) in present {
        let Some(arn) = arn.filter(|arn| !wanted.contains(arn) && counts(arn)) else { continue };
        let next = || not_taken_over(draft, &arn).filter(|_| edited);
        let others = || kept_by_others(draft, &arn).filter(|_| edited);
        let kept_by = kept_by(draft, &arn, &only).or_else(next).or_else(others);
        let Some(kept_by) = kept_by else { continue };
        let Some(successor) = successor(draft, declared, service, balancer) else {
            // Nothing follows it: what others send there, it goes on to serve.
            if let Some(on) = kept_by_others(draft, &arn).filter(|_| edited) {
                entries.push(balancer.clone());
                waits.push(on);
            }
            continue;
        };
        if let Some(what) = successor["targetGroupArn"].as_str().and_then(|new| apart(draft, &arn, new)) {
            return Stay::Never(format!(
                "its target group changes its {what}, so tasks cannot be in the old and the new one at once, and moving them would cut \
                 traffic off; give the component another `serviceName` with the change: then the old service serves until the new one does"
            ));
        }
        let mut entry = successor.clone();
        entry["targetGroupArn"] = json!(arn);
        entries.push(entry);
        waits.push(kept_by);
    }
    Stay::With(entries, waits)
}

/// The declared entry that takes the place of a present one: of the same container and port, else
/// of the same container, else the only new one; and of these one in whose group the same task can
/// be, if there is any: a service may be in one group of HTTP and one of TCP.
fn successor<'d>(
    draft: &Draft<'_>,
    declared: &'d Tree,
    service: &ObservedService,
    present: &Tree,
) -> Option<&'d Tree> {
    let known: BTreeSet<&str> =
        load_balancers(&service.fields).filter_map(|balancer| balancer["targetGroupArn"].as_str()).collect();
    let all: Vec<&Tree> = load_balancers(declared).collect();
    let new: Vec<&Tree> = all
        .iter()
        .copied()
        .filter(|balancer| balancer["targetGroupArn"].as_str().is_some_and(|arn| !known.contains(arn)))
        .collect();
    let candidates = if new.is_empty() { all } else { new };
    let old = present["targetGroupArn"].as_str().unwrap_or_default();
    let fits = |balancer: &&Tree| {
        let new = balancer["targetGroupArn"].as_str();
        new.is_some_and(|new| apart(draft, old, new).is_none())
    };
    let fitting: Vec<&Tree> = candidates.iter().copied().filter(fits).collect();
    let candidates = if fitting.is_empty() { candidates } else { fitting };
    let same = |field: &str, balancer: &Tree| balancer[field] == present[field];
    let exact = candidates.iter().find(|b| same("containerName", b) && same("containerPort", b));
    let container = candidates.iter().find(|balancer| same("containerName", balancer));
    exact.or(container).or(candidates.first()).copied()
}

/// In what two target groups differ so that one task cannot be a healthy target of both. One that
/// is not there yet is told by its key.
fn apart(draft: &Draft<'_>, old: &str, new: &str) -> Option<&'static str> {
    let group = |arn: &str| {
        let mut all = draft.input.observed.all_resources();
        let found = all.find_map(|(_, seen)| seen.present().filter(|resource| resource.arn == arn));
        let declared = || draft.input.desired.resources.get(&ResourceId::new(ResourceKind::TargetGroup, arn));
        found.map(|found| &found.fields).or_else(|| declared().map(|declared| &declared.fields))
    };
    let (old, new) = (group(old)?, group(new)?);
    let fields = ["targetType", "vpcId", "ipAddressType", "protocol", "protocolVersion"];
    fields.into_iter().find(|field| {
        let differs = |a: &Tree, b: &Tree| !a.is_null() && !b.is_null() && a != b;
        differs(&old[*field], &new[*field])
    })
}
