//! The order in which a service goes from one deployment strategy to another.
//!
//! To a strategy that shifts traffic: first its target groups get their alternates, in a rolling
//! deployment of what runs; then the strategy is set; then new revisions are rolled out, under it.
//! What runs is never replaced before the strategy is there that is to guard that.
//!
//! Source: ECS developer guide, "Migrate from rolling updates" to blue/green deployments.
//!
//! Back to ROLLING: once the deployment that shifts traffic is over. A rolling deployment that
//! takes its place counts the tasks of both revisions, in whichever group they are, and may stop
//! first the ones that have the traffic (ECS API, DeploymentConfiguration.minimumHealthyPercent).
//!
//! A deployment that has traffic while nothing before it could take that back is over before
//! another one begins, for ECS ends the one that is under way: the first of a service, and any
//! whose predecessor is being cleaned up.

use super::traffic::Transition;
use super::{Draft, seen};
use crate::model::arn::target_group_name;
use crate::model::desired::DesiredComponent;
use crate::model::ids::ComponentName;
use crate::model::membership::{Shares, astray, misdirected, shares};
use crate::model::observed::{ObservedDeployment, ObservedService, Seen};
use crate::model::plan::{FieldChange, Impact, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::model::resource_record::Sent;
use crate::model::service_deployment::{ObservedStage, StageRecord, groups_of, shifts_traffic};
use crate::plan::compare::forwarded;
use crate::plan::row::Difference;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where a service is on its way to the declared strategy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Its strategy is as declared, or may become so together with everything else.
    Free,
    /// The alternates of its target groups come first.
    Groups,
    /// They are being brought about.
    Settling,
    /// A deployment has failed, and tasks of the one before it serve: a new revision rolls first.
    /// Of two revisions ECS would shift traffic between the failed one and the next.
    Unfinished,
    /// The strategy comes next.
    Strategy,
    /// It shifts traffic at present, and is to roll by itself afterwards.
    Shifting,
    /// What is under way has the traffic, and nothing else could take it.
    Alone,
}

impl Step {
    /// The next step of a service that differs from its declaration in this.
    pub(super) fn of(
        declared: &Tree,
        service: &ObservedService,
        stage: Stages<'_>,
        found: &[Difference],
    ) -> Self {
        match (shifts_traffic(&service.fields), shifts_traffic(declared)) {
            (false, true) if found.iter().any(|found| is_of(&found.change, "loadBalancers")) => Self::Groups,
            (false, true) if service.is_deploying() => Self::Settling,
            (false, true) if service.has_failed() && service.with_tasks().count() > 1 => Self::Unfinished,
            (false, true) => Self::Strategy,
            (true, false) if is_shifting(service) || serves_alone(service, stage) => Self::Shifting,
            (true, true) if serves_alone(service, stage) || moves_rule(service, stage, found) => Self::Alone,
            _ => Self::Free,
        }
    }

    /// Whether the service is on its way to a strategy that shifts traffic: a gate, which no new
    /// revision goes around.
    pub(super) fn is_gate(self) -> bool {
        matches!(self, Self::Groups | Self::Settling | Self::Strategy)
    }

    /// Whether a new revision has to wait.
    pub(super) fn holds_revision(self) -> bool {
        !matches!(self, Self::Free | Self::Unfinished)
    }

    /// Whether a change of settings has to wait.
    pub(super) fn holds(self, change: &FieldChange) -> bool {
        let starts = change.impact > Impact::None;
        let is_strategy = is_of(change, "deploymentConfiguration");
        match self {
            Self::Free => false,
            Self::Groups | Self::Unfinished => is_strategy,
            Self::Settling | Self::Shifting => is_strategy || starts,
            Self::Strategy | Self::Alone => starts,
        }
    }

    /// What is waited for meanwhile.
    pub(super) fn waits(
        self,
        draft: &Draft<'_>,
        name: &ComponentName,
        service: &ObservedService,
    ) -> Option<WaitingOn> {
        let because = match self {
            Self::Free => return None,
            Self::Groups | Self::Settling => {
                "the alternates of its target groups come first, then its strategy, then a new revision"
                    .to_owned()
            }
            Self::Strategy => "its strategy comes first, then a new revision".to_owned(),
            Self::Unfinished => {
                "it has failed, and what was there before serves: a revision that works comes first, then \
                 its strategy"
                    .to_owned()
            }
            Self::Shifting => {
                let stage = seen(&draft.input.observed.stages, name).present();
                let stage = stage.map_or_else(|| "its traffic is shifted".to_owned(), ToString::to_string);
                format!("{stage}; ROLLING comes once that is over")
            }
            Self::Alone => {
                let stage = seen(&draft.input.observed.stages, name).present();
                let stage = stage.map_or_else(|| "its deployment".to_owned(), ToString::to_string);
                format!("{stage}; what is newer comes once that is over: nothing else could take its traffic")
            }
        };
        let id = service.primary().map(|primary| primary.id.clone()).unwrap_or_default();
        Some(WaitingOn::Deployment { id, because })
    }
}

fn is_of(change: &FieldChange, field: &str) -> bool {
    change.path.starts_with(field)
}

/// Whether tasks of two revisions run that traffic is shifted between.
fn is_shifting(service: &ObservedService) -> bool {
    let running = service.deployments.iter().filter(|deployment| deployment.running > 0).count();
    running > 1 && !service.has_failed()
}

/// What was seen of a deployment that goes through stages, and what is remembered of it.
type Stages<'a> = (&'a Seen<ObservedStage>, Option<&'a StageRecord>);

/// Whether a deployment has production traffic, or may have some before a call gets there; also
/// where AWS shows again what was before.
fn has_traffic(stage: &ObservedStage, known: Option<&StageRecord>) -> bool {
    let remembered = known.is_some_and(|known| known.has_traffic && known.deployment == stage.deployment);
    remembered || stage.has_or_gets_traffic()
}

/// Whether a deployment is under way that may have the traffic while nothing else could take it
/// back: the first one, before which nothing completed, or one whose predecessor is being cleaned
/// up. ECS ends the deployment that is under way when another one begins. One of which nothing runs
/// has no traffic to lose.
///
/// Source: ECS developer guide, lifecycle stages of blue/green deployments (CLEAN_UP: the tasks of
/// the blue revision are stopped).
fn serves_alone(service: &ObservedService, (stage, known): Stages<'_>) -> bool {
    if !service.is_in_stages() || service.running == 0 {
        return false;
    }
    let completed =
        |deployment: &ObservedDeployment| deployment.rollout_state.as_deref() == Some("COMPLETED");
    let is_first = !service.with_tasks().any(completed);
    match stage {
        Seen::Present(stage) if stage.stage.as_deref() == Some("CLEAN_UP") => true,
        Seen::Present(stage) => {
            // One that was begun before the strategy was declared rolls, and has traffic at once.
            let rolls = stage.stage.is_none();
            is_first && (rolls || has_traffic(stage, known))
        }
        Seen::Absent => false,
        Seen::NotRead | Seen::Unknown(_) => is_first,
    }
}

/// Whether a deployment is under way that has traffic, and either it or the next one moves the
/// production rule: what ECS gives back when it ends the one for the other comes by one rule only.
fn moves_rule(service: &ObservedService, (stage, known): Stages<'_>, found: &[Difference]) -> bool {
    let next = found.iter().any(|found| is_of(&found.change, "loadBalancers"));
    let Seen::Present(stage) = stage else { return false };
    service.is_in_stages() && has_traffic(stage, known) && (next || stage.moves_rule)
}

/// Why the declared target groups of a service cannot take the place of its present ones: ECS
/// shifts traffic between those that it has, and takes none that no load balancer forwards to,
/// while the rule is ECS's for as long as the strategy stays.
///
/// That a service has to roll by itself to get other groups is a guess; that ECS refuses a group
/// without a load balancer is in its API (CreateService, `loadBalancers`).
pub(super) fn moves_groups(declared: &Tree, service: &ObservedService) -> Option<String> {
    if !(shifts_traffic(declared) && shifts_traffic(&service.fields)) {
        return None;
    }
    let present = groups_of(&service.fields);
    let (wanted, strategy) = (groups_of(declared), &declared["deploymentConfiguration"]["strategy"]);
    (!present.is_empty() && !wanted.is_subset(&present)).then(|| {
        format!(
            "its target groups cannot be replaced under the strategy {}, so it stays in those that it has; declare the strategy \
             ROLLING without `advancedConfiguration` first, together with the new groups, and the strategy again once it is Ready",
            strategy.as_str().unwrap_or_default()
        )
    })
}

/// Why another production rule cannot take the place of the present one, which stands: ECS shifts
/// the traffic of the rule that it is told and then stops the tasks that the former one sends to,
/// so that whoever comes by the former one finds nobody until it is gone.
///
/// Source: ECS developer guide, blue/green deployments (the production listener rule is ECS's, and
/// tasks of the former revision are stopped after the bake time).
pub(super) fn moves_production(
    draft: &Draft<'_>,
    declared: &Tree,
    service: &ObservedService,
) -> Option<String> {
    if !(shifts_traffic(declared) && shifts_traffic(&service.fields)) {
        return None;
    }
    let (present, wanted) = (production_rules(&service.fields), production_rules(declared));
    let ours = draft.input.observed.all_resources().filter_map(|(_, seen)| seen.present());
    let stands =
        ours.map(|found| found.arn.as_str()).any(|arn| present.contains(arn) && !wanted.contains(arn));
    stands.then(|| {
        format!(
            "its production rule cannot be replaced under the strategy {}: ECS would stop the tasks that the present one sends to while it \
             still takes requests, so it stays; declare the strategy ROLLING without `advancedConfiguration` for the move, and the strategy \
             again once it is Ready",
            declared["deploymentConfiguration"]["strategy"].as_str().unwrap_or_default()
        )
    })
}

/// Why a service that is to shift its traffic is not made yet: one that it takes the place of
/// serves behind the same rule or in the same groups. Before anything of the first deployment of a
/// service answers, ECS writes its rule; to what, where the rule has sent traffic to another
/// service so far, no page of its documentation says.
///
/// Source: ECS developer guide, blue/green deployments (the production listener rule is ECS's); a
/// rule that was written to weights by a first deployment: go-to-k/cdk-real-drift#1730.
pub(super) fn shares_traffic(draft: &Draft<'_>, declared: &Tree) -> Option<String> {
    if !shifts_traffic(declared) {
        return None;
    }
    let observed = draft.input.observed;
    let mut groups: BTreeSet<String> = groups_of(declared).into_iter().map(str::to_owned).collect();
    let rules = production_rules(declared);
    let ours = observed.all_resources().filter_map(|(_, seen)| seen.present());
    for rule in ours.filter(|found| rules.contains(found.arn.as_str())) {
        let sent = Sent::weights(&rule.fields["actions"]);
        groups.extend(sent.into_iter().filter(|(_, weight)| *weight > 0).map(|(arn, _)| arn));
    }
    // A rule that came over from another document sends to where that one's tasks are.
    let ours: BTreeSet<&str> =
        observed.all_resources().filter_map(|(_, seen)| Some(seen.present()?.arn.as_str())).collect();
    let declared_groups = groups_of(declared);
    let is_known = |arn: &str| ours.contains(arn) || declared_groups.contains(arn);
    let foreign = groups.iter().find(|arn| !is_known(arn));
    let of_service = |(id, seen): (ResourceId, &Seen<ObservedService>)| {
        let service = seen.present().filter(|service| service.desired + service.running > 0)?;
        let shares = groups_of(&service.fields).iter().any(|arn| groups.contains(*arn))
            || !production_rules(&service.fields).is_disjoint(&rules);
        let ours = draft.is_ours_undeclared(&id, &service.arn, &service.tags);
        (shares && ours && !is_declared(draft, &id)).then(|| format!("service {}", service.name))
    };
    let others = || foreign.map(|arn| format!("what is in target group {}", target_group_name(arn)));
    let other = observed.all_services().find_map(of_service).or_else(others)?;
    Some(format!(
        "{other} serves behind the same rule, and what ECS does to its traffic while it brings up a second service under the strategy {} \
         is not documented, so that one stays; declare the strategy ROLLING without `advancedConfiguration` for the move, and the strategy again once it is Ready",
        declared["deploymentConfiguration"]["strategy"].as_str().unwrap_or_default()
    ))
}

fn is_declared(draft: &Draft<'_>, id: &ResourceId) -> bool {
    draft.input.desired.components.contains_key(id.key.as_str())
}

fn production_rules(service: &Tree) -> BTreeSet<&str> {
    let balancers = service["loadBalancers"].as_array().into_iter().flatten();
    balancers.filter_map(|it| it["advancedConfiguration"]["productionListenerRule"].as_str()).collect()
}

/// What a production rule is to become that sends traffic past the tasks of its service.
pub(super) struct Return {
    pub(super) step: Transition,
    /// Whether another service of ours serves where the traffic goes: it went there with that one,
    /// and nobody edited the rule.
    pub(super) succeeds: bool,
}

/// The way back of a production rule whose traffic goes to the other one of two groups while ECS
/// shifts nothing: to the group that the tasks are in, once they can take it, or at once where
/// nothing else answers.
pub(super) fn at_rest(draft: &Draft<'_>, id: &ResourceId, declared: &Tree, present: &Tree) -> Option<Return> {
    let observed = draft.input.observed;
    let mut all = draft.input.desired.components.values();
    let (component, astray) = all.find_map(|component| {
        let mut found = astray(component, observed).into_iter();
        Some((component, found.find(|astray| astray.by == *id)?))
    })?;
    let service = seen(&observed.services, &component.name).present()?;
    let name = |arn: &str| observed.target_group_key(arn).unwrap_or(arn).to_owned();
    let targets = |arn: &str| seen(&observed.targets, name(arn).as_str()).present();
    let (serving, instead) = (targets(astray.serving), targets(astray.instead));
    let healthy = serving.into_iter().flatten().filter(|target| target.state == "healthy").count();
    let answers = instead.is_none_or(|targets| targets.iter().any(|target| !target.is_draining()));
    let mut others = observed.all_services().filter_map(|(_, seen)| seen.present());
    let succeeds =
        others.any(|one| one.arn != service.arn && groups_of(&one.fields).contains(astray.instead));
    let mut fields = declared.clone();
    let mut waits = Vec::new();
    if answers && healthy < service.desired as usize {
        fields["actions"] = present["actions"].clone();
        let because = format!("{healthy} of {} healthy", service.desired);
        waits.push(WaitingOn::Targets { group: name(astray.serving), because });
    } else {
        give(&mut fields["actions"], [(astray.serving, 100.0), (astray.instead, 0.0)]);
    }
    Some(Return { step: Transition { fields, waits }, succeeds })
}

/// The declared fields of a production rule with the weights that ECS means it to have at present:
/// what is written of such a rule, for another reason, never moves the traffic. `None` where ECS
/// means nothing by it.
///
/// # Errors
///
/// What is waited for, when it could not be read what ECS means.
pub(super) fn as_shifted(
    draft: &Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
) -> Result<Option<Tree>, WaitingOn> {
    if id.kind != ResourceKind::Rule {
        return Ok(None);
    }
    let mut all = draft.input.desired.components.values();
    match all.find_map(|component| shares(id, component, draft.input.observed)) {
        None => Ok(None),
        Some(Shares::Asked(shares)) => {
            let mut fields = declared.clone();
            give(&mut fields["actions"], shares);
            Ok(Some(fields))
        }
        Some(Shares::Unknown(gap)) => Err(WaitingOn::Observation {
            because: format!(
                "ECS shifts the traffic of this rule, and where to was not seen: {}: {}: {}",
                gap.operation, gap.code, gap.message
            ),
        }),
    }
}

/// So long the traffic of a production rule has to go elsewhere than ECS asks for, at one stage,
/// until that is put right: what was seen of the stage may be older than what was seen of the rule.
const MISDIRECTED: SignedDuration = SignedDuration::from_secs(15);

/// Whether a production rule has sent traffic elsewhere than ECS asks for, while ECS moves none,
/// for so long that it is nobody's doing but an editor's.
pub(super) fn is_misdirected(draft: &Draft<'_>, id: &ResourceId) -> bool {
    let input = draft.input;
    let is_by = |component: &DesiredComponent| {
        let found = misdirected(component, input.observed);
        found.is_some_and(|found| found.iter().any(|found| found.by == *id))
    };
    let since = |component: &DesiredComponent| {
        input.rollout.components.get(&component.name)?.stage.as_ref()?.misdirected_since
    };
    let mut all = input.desired.components.values();
    all.any(|component| {
        since(component).is_some_and(|since| input.now.duration_since(since) >= MISDIRECTED)
            && is_by(component)
    })
}

/// The sum of the weights that one forward action is written with, where shares are no whole ones.
/// A weight is at most 999. Source: ELBv2 API, TargetGroupTuple.
const FINE_WEIGHTS: f64 = 900.0;

/// Gives what the two groups get together to each by its share, in percent. One that gets nothing
/// stays beside the other: ECS shifts to it next.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 999")]
#[expect(clippy::cast_precision_loss, reason = "weights are small")]
fn give(actions: &mut Tree, shares: [(&str, f64); 2]) {
    let weight = |group: &Tree| group["weight"].as_u64().unwrap_or(1);
    let is_of_pair = |group: &Tree| shares.iter().any(|(arn, _)| group["targetGroupArn"] == *arn);
    let is_whole = shares.iter().any(|(_, percent)| *percent == 0.0);
    let together: f64 = shares.iter().map(|(_, percent)| percent).sum();
    let forwards = actions.as_array_mut().into_iter().flatten();
    for action in forwards.filter(|action| action["type"] == "forward") {
        let named = forwarded(&json!([action]));
        let (pair, mut groups): (Vec<Tree>, Vec<Tree>) = named.into_iter().partition(is_of_pair);
        if pair.is_empty() {
            continue;
        }
        let sum = pair.iter().map(weight).sum::<u64>().max(1);
        let all = (sum + groups.iter().map(weight).sum::<u64>()) as f64;
        let fine = if is_whole { 1.0 } else { FINE_WEIGHTS / all };
        groups.iter_mut().for_each(|group| group["weight"] = json!((weight(group) as f64 * fine) as u64));
        for (arn, percent) in shares {
            let own = (sum as f64 * fine * percent / together).round() as u64;
            groups.push(json!({"targetGroupArn": arn, "weight": own}));
        }
        action["targetGroups"] = Value::Array(groups);
        action.as_object_mut().map(|members| members.remove("targetGroupArn"));
    }
}
