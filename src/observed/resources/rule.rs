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
    /// All rules of a listener, by its ARN.
    of_listener: Lists,
    /// Recorded rules that no declaration led to.
    recorded: ByArn,
}

impl Rules {
    /// Reads all rules of the listeners that declared rules stand on, and those that are recorded.
    pub(super) async fn read(
        reader: &Reader<'_>,
        requests: &[ObservationRequest<'_>],
        listeners: &Listeners,
    ) -> Self {
        let arns: BTreeSet<String> =
            requests.iter().flat_map(|request| listeners_with_rules(listeners, request)).collect();
        let call = |arn: String| async move {
            let answer = read::rules(reader.clients, RulesOf::Listener(&arn)).await;
            (arn, list(answer))
        };
        let of_listener: Lists = reader.each(arns, call).await.into_iter().collect();
        let unlisted = lists::unlisted(requests, ResourceKind::Rule, &of_listener);
        let call = |arns: Vec<String>| async move { read::rules(reader.clients, RulesOf::Arns(&arns)).await };
        let answers = reader.batches(unlisted, NAMES_PER_CALL, refused_or_missing, call).await;
        Self { of_listener, recorded: by_id(answers, |rule| &rule.arn) }
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

fn listeners_with_rules(listeners: &Listeners, request: &ObservationRequest<'_>) -> Vec<String> {
    let rules = request.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule);
    rules.filter_map(|(_, rule)| listener_of(listeners, request, rule).present().cloned()).collect()
}

/// Found by its priority on its listener. Absent when its listener is one of the deployment's own
/// and absent.
pub(super) struct Rule;

impl ResourceType for Rule {
    fn declared(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        _: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource> {
        let arn = match listener_of(&found.listeners, request, declared) {
            Seen::Present(arn) => arn,
            lacking => return propagate(&lacking).unwrap_or_default(),
        };
        pick(found.rules.of_listener.get(&arn), |rule| rule.fields["priority"] == declared.fields["priority"])
    }

    fn fits(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        declared: &DesiredResource,
        rule: &ObservedResource,
    ) -> bool {
        let listener = listener_of(&found.listeners, request, declared);
        listener.present().is_some_and(|arn| rule.fields["listenerArn"] == arn.as_str())
            && rule.fields["priority"] == declared.fields["priority"]
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
