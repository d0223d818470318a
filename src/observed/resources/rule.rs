//! Rules, found through their listeners.

use super::listener::Listeners;
use super::lists::{self, ByArn, Lists, list, pick};
use super::{Found, ResourceType};
use crate::aws::elbv2::read::{self, NAMES_PER_CALL, RulesOf};
use crate::model::desired::DesiredResource;
use crate::model::observed::{ObservedResource, Readiness, Seen};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::observed::reader::{Reader, by_id, propagate, refused_or_missing};
use crate::observed::request::ObservationRequest;
use std::collections::BTreeSet;

/// The rules of a batch of deployments, without tags.
pub(super) struct Rules {
    /// All rules of a listener, by its ARN; of those on which a declared rule is not yet known.
    of_listener: Lists,
    /// Recorded rules that no list shows.
    recorded: ByArn,
}

impl Rules {
    /// Reads the rules that are recorded; and, where one of them is not at the place that is
    /// declared, all rules of the listener. A shared listener has a hundred, of everybody.
    pub(super) async fn read(
        reader: &Reader<'_>,
        requests: &[ObservationRequest<'_>],
        listeners: &Listeners,
    ) -> Self {
        let by_arn = |arns: Vec<String>| {
            let call =
                |arns: Vec<String>| async move { read::rules(reader.clients, RulesOf::Arns(&arns)).await };
            reader.batches(arns, NAMES_PER_CALL, refused_or_missing, call)
        };
        let known: BTreeSet<String> = requests.iter().flat_map(recorded_of_declared).collect();
        let mut recorded = by_id(by_arn(known.into_iter().collect()).await, |rule| &rule.arn);
        let arns = requests.iter().flat_map(|request| listeners_to_list(listeners, request, &recorded));
        let arns: BTreeSet<String> = arns.collect();
        let call = |arn: String| async move {
            let answer = read::rules(reader.clients, RulesOf::Listener(&arn)).await;
            (arn, list(answer))
        };
        let of_listener: Lists = reader.each(arns, call).await.into_iter().collect();
        let mut unlisted = lists::unlisted(requests, ResourceKind::Rule, &of_listener);
        let listed: BTreeSet<&str> =
            of_listener.values().filter_map(Seen::present).flatten().map(|rule| rule.arn.as_str()).collect();
        recorded.retain(|arn, _| !listed.contains(arn.as_str()));
        unlisted.retain(|arn| !recorded.contains_key(arn));
        recorded.extend(by_id(by_arn(unlisted).await, |rule| &rule.arn));
        Self { of_listener, recorded }
    }
}

/// ARN of the listener that a rule is declared for.
fn listener_of(
    listeners: &Listeners,
    request: &ObservationRequest<'_>,
    rule: &DesiredResource,
) -> Seen<String> {
    if let Some(arn) = rule.fields["listenerArn"].as_str() {
        return Seen::Present(arn.to_owned());
    }
    let key = rule.fields["listener"].as_str().unwrap_or_default();
    let id = ResourceId::new(ResourceKind::Listener, key);
    let Some(listener) = request.desired.resources.get(&id) else { return Seen::NotRead };
    listeners.declared(request, &id, listener).map(|listener| listener.arn)
}

fn declared<'a>(
    request: &ObservationRequest<'a>,
) -> impl Iterator<Item = (&'a ResourceId, &'a DesiredResource)> {
    request.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule)
}

fn recorded_of_declared(request: &ObservationRequest<'_>) -> Vec<String> {
    declared(request).filter_map(|(id, _)| request.recorded_arn(id).map(str::to_owned)).collect()
}

/// ARNs of the listeners on which a declared rule is not where it is declared, as far as is known.
fn listeners_to_list(
    listeners: &Listeners,
    request: &ObservationRequest<'_>,
    recorded: &ByArn,
) -> Vec<String> {
    let listener = |(id, rule): (&ResourceId, &DesiredResource)| {
        let listener = listener_of(listeners, request, rule).present().cloned()?;
        let known = request.recorded_arn(id).and_then(|arn| recorded.get(arn)?.present());
        (!known.is_some_and(|known| stands_at(known, &listener, rule))).then_some(listener)
    };
    declared(request).filter_map(listener).collect()
}

/// Whether a rule has the listener and priority that are declared.
fn stands_at(rule: &ObservedResource, listener: &str, declared: &DesiredResource) -> bool {
    rule.fields["listenerArn"] == listener && rule.fields["priority"] == declared.fields["priority"]
}

/// Found by its priority on its listener. Absent when its listener is one of the deployment's own
/// and absent.
pub(super) struct Rule;

impl ResourceType for Rule {
    fn declared(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        id: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource> {
        let arn = match listener_of(&found.listeners, request, declared) {
            Seen::Present(arn) => arn,
            lacking => return propagate(&lacking).unwrap_or_default(),
        };
        let listed = found.rules.of_listener.get(&arn);
        let recorded = request.recorded_arn(id).and_then(|arn| found.rules.recorded.get(arn)?.present());
        match recorded.filter(|rule| listed.is_none() && stands_at(rule, &arn, declared)) {
            Some(rule) => Seen::Present(rule.clone()),
            None => pick(listed, |rule| stands_at(rule, &arn, declared)),
        }
    }

    fn fits(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        declared: &DesiredResource,
        rule: &ObservedResource,
    ) -> bool {
        let listener = listener_of(&found.listeners, request, declared);
        listener.present().is_some_and(|arn| stands_at(rule, arn, declared))
    }

    /// A rule can be used as soon as it is there: the API gives it no state.
    fn readiness(&self, _: &ObservedResource) -> Readiness {
        Readiness::Ready
    }

    fn recorded(&self, found: &Found, _: &ResourceId, arn: &str) -> Seen<ObservedResource> {
        lists::by_arn(&found.rules.recorded, &found.rules.of_listener, arn)
    }

    fn may_be_another(&self) -> bool {
        true
    }

    fn lacks_tags(&self) -> bool {
        true
    }
}
