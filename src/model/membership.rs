//! Which declared target groups a service can be in at present, and which it is in: one decision
//! for all layers.

use super::arn::is_arn;
use super::desired::{DesiredComponent, DesiredState, Workload};
use super::observed::{Gap, ObservedService, ObservedState, ObservedTarget, Seen};
use super::resource::{ResourceId, ResourceKind};
use super::resource_record::Sent;
use super::service_deployment::{groups_of, shifts_traffic};
use std::collections::BTreeMap;

/// Whether a service stays out of declared target groups because ECS shifts its traffic between
/// others: what is in them says nothing of it then. Groups are named by key, or by ARN where they
/// are not managed here.
pub fn stays_out_of(
    component: &DesiredComponent,
    service: &ObservedService,
    observed: &ObservedState,
    groups: &[&str],
) -> bool {
    let present = groups_of(&service.fields);
    if present.is_empty() || !component.is_traffic_shifted() || !shifts_traffic(&service.fields) {
        return false;
    }
    groups.iter().any(|group| arn_of(observed, group).is_some_and(|arn| !present.contains(arn)))
}

/// Which groups of one entry of `loadBalancers`, the declared one and its alternate, the tasks of
/// the service are in: those that its service revision is resolved to. All of them, for either may
/// hold the tasks, while they are of several revisions or ECS does not say.
///
/// Source: ECS API, ServiceRevision.resolvedConfiguration.
///
/// # Errors
/// A group, when the revision could not be read: then it is not known which one serves.
pub fn serving_groups<'g>(
    component: &DesiredComponent,
    observed: &ObservedState,
    groups: &[&'g str],
) -> Result<Vec<&'g str>, &'g str> {
    let all = || Ok(groups.to_vec());
    let [first, _, ..] = groups else { return all() };
    match observed.serving_groups.get(&component.name) {
        Some(Seen::Unknown(_)) => Err(first),
        Some(Seen::Absent | Seen::NotRead) | None => all(),
        Some(Seen::Present(resolved)) => {
            let serves = |group: &&&str| arn_of(observed, group).is_some_and(|arn| resolved.contains(arn));
            let serving: Vec<&str> = groups.iter().filter(serves).copied().collect();
            // In none of those that are declared: they say nothing better.
            if serving.is_empty() { all() } else { Ok(serving) }
        }
    }
}

/// The targets in the [`serving_groups`] of one entry of `loadBalancers`, without those that are on
/// their way out.
///
/// # Errors
/// The group of which the targets were not seen, or of which it is not known whether it serves.
pub fn targets_behind<'o, 'g>(
    component: &DesiredComponent,
    observed: &'o ObservedState,
    groups: &[&'g str],
) -> Result<Vec<&'o ObservedTarget>, &'g str> {
    let mut all = Vec::new();
    for group in serving_groups(component, observed, groups)? {
        let Some(Seen::Present(targets)) = observed.targets.get(group) else { return Err(group) };
        all.extend(targets.iter().filter(|target| !target.is_draining()));
    }
    Ok(all)
}

/// Whether requests are sent to none of these groups: no rule or listener is declared to, no load
/// balancer does, and AWS says so of every target. Their health is not checked then.
///
/// Source: ELBv2 API, TargetHealth (`unused`, `Target.NotInUse`), TargetGroup.LoadBalancerArns.
pub fn are_unused(desired: &DesiredState, observed: &ObservedState, groups: &[&str]) -> bool {
    let actions = || {
        let forwarders = desired.resources.iter();
        let forwarders = forwarders.filter_map(|(id, one)| one.fields[id.kind.actions_member()?].as_array());
        forwarders.flatten()
    };
    let is_named = |name: &str| {
        let mut groups = actions().filter_map(|action| action["targetGroups"].as_array()).flatten();
        groups.any(|group| group["targetGroup"] == name || group["targetGroupArn"] == name)
    };
    groups.iter().all(|key| {
        let group = observed.resources.get(&ResourceId::new(ResourceKind::TargetGroup, *key));
        let Some(group) = group.and_then(Seen::present) else { return false };
        let targets = observed.targets.get(*key).and_then(Seen::present);
        group.used_by.is_empty()
            && !is_named(key)
            && !is_named(&group.arn)
            && targets.is_some_and(|targets| targets.iter().all(|target| target.state == "unused"))
    })
}

/// What ECS means a production rule of ours to send to each of the two groups of a service, in
/// percent by ARN.
pub enum Shares<'a> {
    /// As much to each.
    Asked([(&'a str, f64); 2]),
    /// It could not be read.
    Unknown(&'a Gap),
}

/// What ECS means the production rule with this id to send to the two groups of the service that
/// it is of: in the stages of a deployment what it asks for its revisions, else all to the one that
/// the tasks are in. `None` where the rule is no service's, and where ECS does not say: before the
/// first deployment, for instance.
///
/// Source: ECS API, ServiceRevisionSummary.requestedProductionTrafficWeight,
/// ServiceRevision.resolvedConfiguration, AdvancedConfiguration.productionListenerRule.
pub fn shares<'a>(
    rule: &ResourceId,
    component: &'a DesiredComponent,
    observed: &'a ObservedState,
) -> Option<Shares<'a>> {
    let service = observed.services.get(&component.name).and_then(Seen::present)?;
    if !shifts_traffic(&service.fields) || !component.is_traffic_shifted() {
        return None;
    }
    let pair = pairs(component, observed).find_map(|(named, pair)| {
        let there = observed.resources.get(rule).and_then(Seen::present);
        let is_it = rule.key == named || there.is_some_and(|there| there.arn == named);
        is_it.then_some(pair)
    })?;
    let percent = match observed.stages.get(&component.name) {
        Some(Seen::Unknown(gap)) => return Some(Shares::Unknown(gap)),
        Some(Seen::Present(stage)) => match &stage.asked {
            Seen::Unknown(gap) => return Some(Shares::Unknown(gap)),
            Seen::Absent | Seen::NotRead => return None,
            Seen::Present(asked) => pair.map(|arn| asked.get(arn).copied().unwrap_or_default()),
        },
        Some(Seen::Absent | Seen::NotRead) | None => match observed.serving_groups.get(&component.name) {
            Some(Seen::Unknown(gap)) => return Some(Shares::Unknown(gap)),
            Some(Seen::Present(resolved)) => pair.map(|arn| if resolved.contains(arn) { 100.0 } else { 0.0 }),
            Some(Seen::Absent | Seen::NotRead) | None => return None,
        },
    };
    let [one, other] = percent;
    (one + other > 0.0).then(|| Shares::Asked([(pair[0], one), (pair[1], other)]))
}

/// The production rule of each entry of `loadBalancers` that has two groups, by key or ARN, and the
/// ARNs of the groups: the declared one and its alternate.
fn pairs<'a>(
    component: &'a DesiredComponent,
    observed: &'a ObservedState,
) -> impl Iterator<Item = (&'a str, [&'a str; 2])> {
    let (Workload::Service { fields, .. } | Workload::Task { fields, .. }) = &component.workload;
    let balancers = fields["loadBalancers"].as_array().into_iter().flatten();
    balancers.zip(component.target_groups()).filter_map(|(balancer, groups)| {
        let pair: Vec<&str> = groups.iter().filter_map(|group| arn_of(observed, group)).collect();
        let rule = balancer["advancedConfiguration"]["productionListenerRule"].as_str()?;
        Some((rule, <[&str; 2]>::try_from(pair).ok()?))
    })
}

/// A rule of ours that sends production traffic past the tasks of a service.
pub struct Astray<'a> {
    /// The rule.
    pub by: ResourceId,
    /// ARN of the group that the tasks are in.
    pub serving: &'a str,
    /// ARN of the group that gets traffic instead, wholly or in part.
    pub instead: &'a str,
}

/// The production traffic of a service that goes to the other one of its two groups, though ECS is
/// done with shifting it: nothing is under way, all its tasks are of one revision, and that one is
/// resolved to one group. ECS moves the weights in a deployment only, so nobody puts that right.
///
/// Only the production rule is looked at: between deployments the test rule sends to a group
/// without targets.
///
/// Source: ECS API, AdvancedConfiguration.productionListenerRule and
/// ServiceRevision.resolvedConfiguration; ECS developer guide, blue/green deployments (traffic is
/// shifted in the stages of a deployment).
pub fn astray<'a>(component: &'a DesiredComponent, observed: &'a ObservedState) -> Vec<Astray<'a>> {
    let resting = observed.services.get(&component.name).and_then(Seen::present).filter(|service| {
        let staged =
            matches!(observed.stages.get(&component.name), Some(Seen::Present(_) | Seen::Unknown(_)));
        let rests = service.is_steady() && service.running > 0 && !service.is_in_stages() && !staged;
        rests && component.is_traffic_shifted() && shifts_traffic(&service.fields)
    });
    let resolved = observed.serving_groups.get(&component.name).and_then(Seen::present);
    let (Some(_), Some(resolved)) = (resting, resolved) else { return Vec::new() };
    let found = pairs(component, observed).filter_map(|(rule, [one, other])| {
        let (serving, idle) = match (resolved.contains(one), resolved.contains(other)) {
            (true, false) => (one, other),
            (false, true) => (other, one),
            _ => return None,
        };
        let (by, sent) = production(observed, rule)?;
        let to = |arn: &str| sent.get(arn).copied().unwrap_or_default();
        (to(idle) > 0).then_some(Astray { by, serving, instead: idle })
    });
    found.collect()
}

/// A production rule of ours that sends traffic elsewhere than ECS asks for while it moves none.
pub struct Misdirected<'a> {
    /// The rule.
    pub by: ResourceId,
    /// ARN of the one of the two groups that gets more or less than it should.
    pub group: &'a str,
    /// Percent of the traffic of both that ECS asks for.
    pub asked: f64,
    /// Percent that it gets.
    pub gets: f64,
}

impl Misdirected<'_> {
    /// `sends 0 % of its traffic to target group web, and ECS asks for 100 % at this stage`.
    pub fn in_words(&self, observed: &ObservedState) -> String {
        let group = observed.target_group_key(self.group).unwrap_or(self.group);
        let Self { asked, gets, .. } = self;
        format!(
            "sends {gets:.0} % of its traffic to target group {group}, and ECS asks for {asked:.0} % at this stage"
        )
    }
}

/// The production rules of a service that send traffic elsewhere than ECS asks for, though ECS is
/// in the middle of a deployment and moves nothing of it at present: it waits for a person, or has
/// shifted all. ECS does not look at what a rule says, and goes on with the deployment.
/// `None` where that could not be seen.
///
/// Source: ECS API, ServiceRevisionSummary.requestedProductionTrafficWeight; deployments that went
/// on over the weights of somebody else: aws/containers-roadmap#2853.
#[expect(clippy::cast_precision_loss, reason = "weights are small")]
pub fn misdirected<'a>(
    component: &'a DesiredComponent,
    observed: &'a ObservedState,
) -> Option<Vec<Misdirected<'a>>> {
    let stage = observed.stages.get(&component.name).and_then(Seen::present)?;
    if !stage.holds_traffic() {
        return Some(Vec::new());
    }
    let mut found = Vec::new();
    for (rule, _) in pairs(component, observed) {
        let (by, sent) = production(observed, rule)?;
        let Some(Shares::Asked(shares)) = shares(&by, component, observed) else { return None };
        let to = |arn: &str| sent.get(arn).copied().unwrap_or_default() as f64;
        let together: f64 = shares.iter().map(|(arn, _)| to(arn)).sum();
        let all: f64 = shares.iter().map(|(_, percent)| percent).sum();
        found.extend(shares.into_iter().find_map(|(group, percent)| {
            let (asked, gets) = (percent * 100.0 / all, to(group) * 100.0 / together.max(1.0));
            let differs = (gets - asked).abs() >= 1.0;
            differs.then(|| Misdirected { by: by.clone(), group, asked, gets })
        }));
    }
    Some(found)
}

/// The rule of ours with this key or ARN, and the weights of what it forwards to.
fn production(observed: &ObservedState, rule: &str) -> Option<(ResourceId, BTreeMap<String, u64>)> {
    let mut rules = observed.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule);
    rules.find_map(|(id, seen)| {
        let found = seen.present().filter(|found| id.key == rule || found.arn == rule)?;
        Some((id.clone(), Sent::weights(&found.fields["actions"])))
    })
}

/// ARN of a group that is named by it, or by the key of one that is there.
fn arn_of<'a>(observed: &'a ObservedState, group: &'a str) -> Option<&'a str> {
    if is_arn(group) {
        return Some(group);
    }
    let id = ResourceId::new(ResourceKind::TargetGroup, group);
    observed.resources.get(&id).and_then(Seen::present).map(|managed| managed.arn.as_str())
}
