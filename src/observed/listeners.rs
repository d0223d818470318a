//! Load balancers, listeners and rules: each is found through the one before it.

use super::collector::Ask;
use super::look::{Look, by_id, refused_or_missing, same_lack};
use crate::aws::Error;
use crate::aws::elbv2::read::{self, By, ListenersOf, NAMES_PER_CALL, RulesOf};
use crate::model::desired::DesiredResource;
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::{ResourceId, ResourceKind};
use std::collections::{BTreeMap, BTreeSet};

/// Things by ARN.
type ByArn = BTreeMap<String, Seen<ObservedResource>>;
/// Lists by the ARN of what they hang on.
type Lists = BTreeMap<String, Seen<Vec<ObservedResource>>>;

/// The load balancers, listeners and rules of a batch of deployments, without tags.
#[derive(Default)]
pub(super) struct Listeners {
    /// By name or ARN as declared.
    load_balancers: BTreeMap<String, Seen<ObservedResource>>,
    /// All listeners of a load balancer, by its ARN.
    listeners: Lists,
    /// Recorded listeners that no declaration led to.
    recorded_listeners: ByArn,
    /// All rules of a listener, by its ARN.
    rules: Lists,
    /// Recorded rules that no declaration led to.
    recorded_rules: ByArn,
}

impl Listeners {
    /// Reads down from the load balancers, each thing once.
    pub(super) async fn read(look: &Look<'_>, asks: &[Ask<'_>]) -> Self {
        let mut found = Self { load_balancers: load_balancers(look, asks).await, ..Self::default() };

        let arns = present_arns(found.load_balancers.values());
        found.listeners = listeners(look, arns).await;
        let unfound = unfound(asks, ResourceKind::Listener, &found.listeners);
        let call =
            |arns: Vec<String>| async move { read::listeners(look.clients, ListenersOf::Arns(&arns)).await };
        let answers = look.batches(unfound, NAMES_PER_CALL, refused_or_missing, call).await;
        found.recorded_listeners = by_id(answers, |listener| &listener.arn);

        let arns: BTreeSet<String> = asks.iter().flat_map(|ask| found.listeners_with_rules(ask)).collect();
        found.rules = rules(look, arns).await;
        let unfound = self::unfound(asks, ResourceKind::Rule, &found.rules);
        let call = |arns: Vec<String>| async move { read::rules(look.clients, RulesOf::Arns(&arns)).await };
        let answers = look.batches(unfound, NAMES_PER_CALL, refused_or_missing, call).await;
        found.recorded_rules = by_id(answers, |rule| &rule.arn);
        found
    }

    /// The load balancers of one deployment, by name or ARN as declared.
    pub(super) fn load_balancers_of(&self, ask: &Ask<'_>) -> BTreeMap<String, Seen<ObservedResource>> {
        declared_load_balancers(ask).map(|id| (id.to_owned(), self.load_balancer(id).clone())).collect()
    }

    fn load_balancer(&self, id: &str) -> &Seen<ObservedResource> {
        self.load_balancers.get(id).unwrap_or(&Seen::NotRead)
    }

    /// The listener of a declaration: the one of its port on its load balancer; or, when the list
    /// does not show it, the recorded one if it has that port and load balancer (lists lag behind).
    /// What hangs on it is looked for on the same one.
    pub(super) fn declared_listener(
        &self,
        ask: &Ask<'_>,
        id: &ResourceId,
        resource: &DesiredResource,
    ) -> Seen<ObservedResource> {
        let seen = self.listener(resource);
        if !seen.is_absent() {
            return seen;
        }
        let recorded = ask.rollout.arns.get(id).map(|arn| self.listener_by_arn(arn));
        let fits = |found: &ObservedResource| self.listener_fits(resource, found);
        recorded.filter(|recorded| recorded.present().is_some_and(fits)).unwrap_or(seen)
    }

    /// The listener of its port on its load balancer. Absent when the load balancer is.
    fn listener(&self, resource: &DesiredResource) -> Seen<ObservedResource> {
        let id = resource.fields["loadBalancer"].as_str().unwrap_or_default();
        let load_balancer = match self.load_balancer(id) {
            Seen::Present(load_balancer) => load_balancer,
            lacking => return same_lack(lacking).unwrap_or_default(),
        };
        pick(self.listeners.get(&load_balancer.arn), |listener| {
            listener.fields["port"] == resource.fields["port"]
        })
    }

    /// Whether a listener has the port and load balancer that are declared.
    fn listener_fits(&self, resource: &DesiredResource, listener: &ObservedResource) -> bool {
        let id = resource.fields["loadBalancer"].as_str().unwrap_or_default();
        self.load_balancer(id)
            .present()
            .is_some_and(|lb| listener.fields["loadBalancerArn"] == lb.arn.as_str())
            && listener.fields["port"] == resource.fields["port"]
    }

    /// The rule of a declaration: the one of its priority on its listener. Absent when its listener
    /// is one of the deployment's own and absent.
    pub(super) fn rule(&self, ask: &Ask<'_>, resource: &DesiredResource) -> Seen<ObservedResource> {
        let arn = match self.listener_of_rule(ask, resource) {
            Seen::Present(arn) => arn,
            lacking => return same_lack(&lacking).unwrap_or_default(),
        };
        pick(self.rules.get(&arn), |rule| rule.fields["priority"] == resource.fields["priority"])
    }

    /// Whether a rule has the priority and listener that are declared.
    pub(super) fn rule_fits(
        &self,
        ask: &Ask<'_>,
        resource: &DesiredResource,
        rule: &ObservedResource,
    ) -> bool {
        let listener = self.listener_of_rule(ask, resource);
        listener.present().is_some_and(|arn| rule.fields["listenerArn"] == arn.as_str())
            && rule.fields["priority"] == resource.fields["priority"]
    }

    /// A listener by its ARN.
    pub(super) fn listener_by_arn(&self, arn: &str) -> Seen<ObservedResource> {
        by_arn(&self.recorded_listeners, &self.listeners, arn)
    }

    /// A rule by its ARN.
    pub(super) fn rule_by_arn(&self, arn: &str) -> Seen<ObservedResource> {
        by_arn(&self.recorded_rules, &self.rules, arn)
    }

    /// ARN of the listener that a rule is declared for.
    fn listener_of_rule(&self, ask: &Ask<'_>, rule: &DesiredResource) -> Seen<String> {
        if let Some(arn) = rule.fields["listenerArn"].as_str() {
            return Seen::Present(arn.to_owned());
        }
        let key = rule.fields["listener"].as_str().unwrap_or_default();
        let id = ResourceId::new(ResourceKind::Listener, key);
        let Some(listener) = ask.desired.resources.get(&id) else { return Seen::NotRead };
        match self.declared_listener(ask, &id, listener) {
            Seen::Present(listener) => Seen::Present(listener.arn),
            lacking => same_lack(&lacking).unwrap_or_default(),
        }
    }

    fn listeners_with_rules(&self, ask: &Ask<'_>) -> Vec<String> {
        let rules = ask.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule);
        rules.filter_map(|(_, rule)| self.listener_of_rule(ask, rule).present().cloned()).collect()
    }
}

async fn load_balancers(look: &Look<'_>, asks: &[Ask<'_>]) -> BTreeMap<String, Seen<ObservedResource>> {
    let ids: BTreeSet<&str> = asks.iter().flat_map(declared_load_balancers).collect();
    let (arns, names): (Vec<String>, Vec<String>) =
        ids.into_iter().map(str::to_owned).partition(|id| id.starts_with("arn:"));
    let find = |by: By, ids: Vec<String>| {
        let call = move |ids: Vec<String>| async move { read::load_balancers(look.clients, by, &ids).await };
        look.batches(ids, NAMES_PER_CALL, refused_or_missing, call)
    };
    let (by_name, by_arn) = tokio::join!(find(By::Name, names), find(By::Arn, arns));
    let mut found = by_id(by_name, |lb| lb.fields["name"].as_str().unwrap_or_default());
    found.extend(by_id(by_arn, |lb| &lb.arn));
    found
}

async fn listeners(look: &Look<'_>, load_balancers: BTreeSet<String>) -> Lists {
    let call = |arn: String| async move {
        let answer = read::listeners(look.clients, ListenersOf::LoadBalancer(&arn)).await;
        (arn, list(answer))
    };
    look.each(load_balancers, call).await.into_iter().collect()
}

async fn rules(look: &Look<'_>, listeners: BTreeSet<String>) -> Lists {
    let call = |arn: String| async move {
        let answer = read::rules(look.clients, RulesOf::Listener(&arn)).await;
        (arn, list(answer))
    };
    look.each(listeners, call).await.into_iter().collect()
}

/// When what the list hangs on is gone, the list is not empty but unknown: nothing could be added
/// to it either.
fn list(answer: Result<Vec<ObservedResource>, Error>) -> Seen<Vec<ObservedResource>> {
    answer.map_or_else(|error| Seen::Unknown(error.into()), Seen::Present)
}

fn declared_load_balancers<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a str> {
    let listeners = ask.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Listener);
    listeners.filter_map(|(_, listener)| listener.fields["loadBalancer"].as_str())
}

fn present_arns<'a>(seen: impl Iterator<Item = &'a Seen<ObservedResource>>) -> BTreeSet<String> {
    seen.filter_map(Seen::present).map(|resource| resource.arn.clone()).collect()
}

/// Recorded ARNs of a kind that are in none of the lists.
fn unfound(asks: &[Ask<'_>], kind: ResourceKind, lists: &Lists) -> Vec<String> {
    let listed: BTreeSet<&str> =
        lists.values().filter_map(Seen::present).flatten().map(|resource| resource.arn.as_str()).collect();
    let recorded = asks.iter().flat_map(|ask| ask.rollout.arns.iter()).filter(|(id, _)| id.kind == kind);
    let unfound: BTreeSet<&str> =
        recorded.map(|(_, arn)| arn.as_str()).filter(|arn| !listed.contains(arn)).collect();
    unfound.into_iter().map(str::to_owned).collect()
}

fn pick(
    list: Option<&Seen<Vec<ObservedResource>>>,
    is_it: impl Fn(&ObservedResource) -> bool,
) -> Seen<ObservedResource> {
    match list {
        None => Seen::NotRead,
        Some(Seen::Present(list)) => {
            list.iter().find(|one| is_it(one)).cloned().map_or(Seen::Absent, Seen::Present)
        }
        Some(lacking) => same_lack(lacking).unwrap_or_default(),
    }
}

fn by_arn(recorded: &ByArn, lists: &Lists, arn: &str) -> Seen<ObservedResource> {
    if let Some(seen) = recorded.get(arn) {
        return seen.clone();
    }
    let mut listed = lists.values().filter_map(Seen::present).flatten();
    listed.find(|resource| resource.arn == arn).cloned().map_or(Seen::NotRead, Seen::Present)
}
