//! Listeners, found through the load balancers that they are on.

use super::lists::{self, ByArn, Lists, list, pick};
use super::{Found, ResourceType};
use crate::aws::elbv2::read::{self, By, ListenersOf, NAMES_PER_CALL};
use crate::model::arn::is_arn;
use crate::model::desired::DesiredResource;
use crate::model::observed::{ObservedResource, Readiness, Seen};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::observed::reader::{Reader, by_id, propagate, refused_or_missing};
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// The load balancers and listeners of a batch of deployments, without tags.
#[derive(Default)]
pub(super) struct Listeners {
    /// By name or ARN as declared.
    load_balancers: BTreeMap<String, Seen<ObservedResource>>,
    /// All listeners of a load balancer, by its ARN.
    of_load_balancer: Lists,
    /// Recorded listeners that no declaration led to.
    recorded: ByArn,
}

impl Listeners {
    /// Reads the declared load balancers with all their listeners, and the listeners that are
    /// recorded, each thing once.
    pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let load_balancers = load_balancers(reader, requests).await;
        let of_load_balancer = listeners(reader, present_arns(load_balancers.values())).await;
        let unlisted = lists::unlisted(requests, ResourceKind::Listener, &of_load_balancer);
        let call = |arns: Vec<String>| async move {
            read::listeners(reader.clients, ListenersOf::Arns(&arns)).await
        };
        let answers = reader.batches(unlisted, NAMES_PER_CALL, refused_or_missing, call).await;
        Self { load_balancers, of_load_balancer, recorded: by_id(answers, |listener| &listener.arn) }
    }

    /// The load balancers of one deployment, by name or ARN as declared.
    pub(super) fn load_balancers_of(
        &self,
        request: &ObservationRequest<'_>,
    ) -> BTreeMap<String, Seen<ObservedResource>> {
        declared_load_balancers(request).map(|id| (id.to_owned(), self.load_balancer(id).clone())).collect()
    }

    fn load_balancer(&self, id: &str) -> &Seen<ObservedResource> {
        self.load_balancers.get(id).unwrap_or(&Seen::NotRead)
    }

    /// The listener of a declaration: the one of its port on its load balancer; or, when the list
    /// does not show it, the recorded one if it has that port and load balancer (lists lag behind).
    /// What hangs on it is looked for on the same one.
    pub(super) fn declared(
        &self,
        request: &ObservationRequest<'_>,
        id: &ResourceId,
        resource: &DesiredResource,
    ) -> Seen<ObservedResource> {
        let seen = self.listener(resource);
        if !seen.is_absent() {
            return seen;
        }
        let recorded = request.recorded_arn(id).map(|arn| self.by_arn(arn));
        let fits = |found: &ObservedResource| self.listener_fits(resource, found);
        recorded.filter(|recorded| recorded.present().is_some_and(fits)).unwrap_or(seen)
    }

    /// The listener of its port on its load balancer. Absent when the load balancer is.
    fn listener(&self, resource: &DesiredResource) -> Seen<ObservedResource> {
        let id = resource.fields["loadBalancer"].as_str().unwrap_or_default();
        let load_balancer = match self.load_balancer(id) {
            Seen::Present(load_balancer) => load_balancer,
            lacking => return propagate(lacking).unwrap_or_default(),
        };
        pick(self.of_load_balancer.get(&load_balancer.arn), |listener| {
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

    fn by_arn(&self, arn: &str) -> Seen<ObservedResource> {
        lists::by_arn(&self.recorded, &self.of_load_balancer, arn)
    }
}

async fn load_balancers(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
) -> BTreeMap<String, Seen<ObservedResource>> {
    let ids: BTreeSet<&str> = requests.iter().flat_map(declared_load_balancers).collect();
    let (arns, names): (Vec<String>, Vec<String>) =
        ids.into_iter().map(str::to_owned).partition(|id| is_arn(id));
    let find = |by: By, ids: Vec<String>| {
        let call =
            move |ids: Vec<String>| async move { read::load_balancers(reader.clients, by, &ids).await };
        reader.batches(ids, NAMES_PER_CALL, refused_or_missing, call)
    };
    let (by_name, by_arn) = tokio::join!(find(By::Name, names), find(By::Arn, arns));
    let mut found = by_id(by_name, |lb| lb.fields["name"].as_str().unwrap_or_default());
    found.extend(by_id(by_arn, |lb| &lb.arn));
    for seen in found.values_mut() {
        if let Seen::Present(balancer) = seen {
            balancer.readiness = load_balancer_readiness(&balancer.fields);
        }
    }
    found
}

/// How far a load balancer is. Source: Elastic Load Balancing v2 API, LoadBalancerState: one that
/// is `active_impaired` routes traffic.
fn load_balancer_readiness(fields: &Tree) -> Readiness {
    match fields["state"].as_str() {
        Some("provisioning") => Readiness::Changing { what: "provisioning".to_owned() },
        Some("failed") => {
            let why = fields["stateReason"].as_str().unwrap_or("AWS gives no reason");
            Readiness::Failed { why: why.to_owned() }
        }
        _ => Readiness::Ready,
    }
}

async fn listeners(reader: &Reader<'_>, load_balancers: BTreeSet<String>) -> Lists {
    let call = |arn: String| async move {
        let answer = read::listeners(reader.clients, ListenersOf::LoadBalancer(&arn)).await;
        (arn, list(answer))
    };
    reader.each(load_balancers, call).await.into_iter().collect()
}

fn declared_load_balancers<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    let listeners = request.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Listener);
    listeners.filter_map(|(_, listener)| listener.fields["loadBalancer"].as_str())
}

fn present_arns<'a>(seen: impl Iterator<Item = &'a Seen<ObservedResource>>) -> BTreeSet<String> {
    seen.filter_map(Seen::present).map(|resource| resource.arn.clone()).collect()
}

/// Found by its port on its load balancer.
pub(super) struct Listener;

impl ResourceType for Listener {
    fn declared(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        id: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource> {
        found.listeners.declared(request, id, declared)
    }

    fn fits(
        &self,
        found: &Found,
        _: &ObservationRequest<'_>,
        declared: &DesiredResource,
        listener: &ObservedResource,
    ) -> bool {
        found.listeners.listener_fits(declared, listener)
    }

    /// A listener can be used as soon as it is there: the API gives it no state.
    fn readiness(&self, _: &ObservedResource) -> Readiness {
        Readiness::Ready
    }

    fn recorded(&self, found: &Found, _: &ResourceId, arn: &str) -> Seen<ObservedResource> {
        found.listeners.by_arn(arn)
    }

    fn may_be_another(&self) -> bool {
        true
    }

    fn lacks_tags(&self) -> bool {
        true
    }
}
