//! The collector: a batch of deployments of one placement in, what AWS shows of each out.

use super::definitions::Definitions;
use super::reader::Reader;
use super::request::{ObservationRequest, ServicesHash};
use super::resources::{self, OfDeployment};
use super::secrets::Secrets;
use super::services::{self, Services};
use super::{formers, serving, stages, stopping, tasks};
use crate::aws::{Aws, Caller, Waiting};
use crate::model::kinds::Placement;
use crate::model::observed::{Depth, Gap, ObservedState, Seen};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Observes AWS. Cheap to clone; keeps nothing between two observations.
#[derive(Clone, Debug)]
pub struct Collector {
    aws: Aws,
    caller: Caller,
}

impl Collector {
    /// A collector that reads AWS through these clients.
    pub fn new(aws: Aws) -> Self {
        Self { aws, caller: Caller::default() }
    }

    /// The same, reading for this caller.
    #[must_use]
    pub fn made_for(&self, caller: Caller) -> Self {
        Self { aws: self.aws.clone(), caller }
    }

    /// The calls that wait for AWS's request budget now.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.aws.waiting()
    }

    /// Observes a batch of deployments of one placement. The answers are in the order of the
    /// requests.
    ///
    /// A light request reads services only: its maps of everything else are empty and its cluster
    /// is not read (or absent, when the services show that). When they show the deployment out of
    /// step, or its rollout is under way or stalled, it is read in full in the same pass, unless
    /// ECS moves tasks and its services look as they did; the answer's depth says so.
    ///
    /// **Guarantees**: never fails; what could not be seen is [`Seen::Unknown`] and listed once in
    /// `gaps`; one call for ten services, and one for each load balancer, listener, log group or
    /// secret that several of the deployments name.
    ///
    /// **Assumes**: all requests have this placement; ten of them are a good number.
    pub async fn collect(
        &self,
        placement: &Placement,
        requests: &[ObservationRequest<'_>],
        now: Timestamp,
    ) -> Vec<ObservedState> {
        debug_assert!(
            requests.iter().all(|request| request.desired.placement == *placement),
            "one batch, one placement"
        );
        let clients = self.aws.at(placement).await.made_for(&self.caller);
        let reader = Reader::new(&clients, placement);
        let services = Services::read(&reader, requests).await;
        let goes_on = |request: &ObservationRequest<'_>| {
            let state = || light(&reader, request, &services, now);
            request.rolling.is_some_and(|rolling| ServicesHash::of_rolling(&state()) == rolling)
        };
        let in_full = |request: &&ObservationRequest<'_>| {
            request.depth == Depth::Full || (services.are_out_of_step(&reader, request) && !goes_on(request))
        };
        let full: Vec<ObservationRequest<'_>> = requests.iter().filter(in_full).copied().collect();
        // Boxed: most passes are light and should not carry the room for a full one.
        let mut read = Box::pin(everything(&reader, &full, &services, now)).await.into_iter();
        let answers = requests.iter().map(|request| {
            let state = if in_full(&request) { read.next() } else { None };
            state.unwrap_or_else(|| light(&reader, request, &services, now))
        });
        answers.collect()
    }
}

fn light(
    reader: &Reader<'_>,
    request: &ObservationRequest<'_>,
    services: &Services,
    now: Timestamp,
) -> ObservedState {
    let (services_seen, leftover_services) = services.of(reader, request);
    let mut state = ObservedState {
        cluster: if services.no_cluster { Seen::Absent } else { Seen::NotRead },
        services: services_seen.into_iter().map(|(name, seen)| (name, seen.clone())).collect(),
        leftover_services: leftover_services.into_iter().map(|(arn, seen)| (arn, seen.clone())).collect(),
        ..ObservedState::unread(now, Depth::Light)
    };
    state.gaps = gaps(&state, Vec::new());
    state
}

async fn everything(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    services: &Services,
    now: Timestamp,
) -> Vec<ObservedState> {
    if requests.is_empty() {
        return Vec::new();
    }
    let targets_then_tasks = async {
        let resources = resources::read(reader, requests).await;
        (resources, tasks::read(reader, requests, services).await)
    };
    let (cluster, (resources, tasks), secrets, definitions, deployments, stages, serving, stopping, formers) = tokio::join!(
        services::cluster(reader),
        targets_then_tasks,
        Secrets::read(reader, requests),
        Definitions::read(reader, requests, services),
        tasks::read_deployments(reader, requests, services),
        stages::read(reader, requests, services),
        serving::read(reader, requests, services),
        stopping::read(reader, requests, services),
        formers::read(reader, requests),
    );
    let cluster = match cluster {
        Seen::Unknown(_) if services.no_cluster => Seen::Absent,
        cluster => cluster,
    };
    let parts = requests.iter().zip(resources).zip(tasks).zip(deployments);
    let parts = parts.zip(stages).zip(serving).zip(stopping.into_iter().zip(formers));
    let states = parts.map(
        |((((((request, resources), tasks), deployments), stages), serving), (stopping, formers))| {
            let OfDeployment { resources, leftovers, load_balancers, targets } = resources;
            let mut state = ObservedState {
                depth: Depth::Full,
                cluster: cluster.clone(),
                resources,
                leftovers,
                load_balancers,
                definitions: definitions.revisions_of(reader, request, services),
                families: definitions.families_of(request),
                tasks: tasks.tasks,
                former_tasks: tasks.former,
                stopping_tasks: stopping,
                formers,
                targets,
                secrets: secrets.of(request),
                service_deployments: deployments.by_component,
                stages,
                serving_groups: serving,
                ..light(reader, request, services, now)
            };
            state.gaps = gaps(&state, deployments.gaps);
            state
        },
    );
    states.collect()
}

/// Every gap of a state once, in order.
fn gaps(state: &ObservedState, more: Vec<Gap>) -> Vec<Gap> {
    fn of<'a, T: 'a>(seen: impl IntoIterator<Item = &'a Seen<T>>) -> impl Iterator<Item = Gap> {
        seen.into_iter().filter_map(|seen| match seen {
            Seen::Unknown(gap) => Some(gap.clone()),
            Seen::Present(_) | Seen::Absent | Seen::NotRead => None,
        })
    }
    // In full, so that a map that joins them is not forgotten here.
    let ObservedState {
        at: _,
        depth: _,
        cluster,
        resources,
        leftovers,
        load_balancers,
        services,
        leftover_services,
        definitions,
        families,
        tasks,
        former_tasks,
        stopping_tasks,
        formers,
        targets,
        secrets,
        service_deployments,
        stages,
        serving_groups,
        gaps: _,
    } = state;
    let mut all: BTreeSet<Gap> = more.into_iter().collect();
    all.extend(of([cluster]));
    all.extend(of(resources.values()));
    all.extend(of(leftovers.values().map(|(_, seen)| seen)));
    all.extend(of(load_balancers.values()));
    all.extend(of(services.values()));
    all.extend(of(leftover_services.values()));
    all.extend(of(definitions.values()));
    all.extend(of(families.values()));
    all.extend(of(tasks.values()));
    all.extend(of(former_tasks.values()));
    all.extend(of(stopping_tasks.values()));
    all.extend(of(formers.values()));
    all.extend(of(targets.values()));
    all.extend(of(secrets.values()));
    all.extend(of(service_deployments.values()));
    all.extend(of(stages.values()));
    all.extend(of(serving_groups.values()));
    all.into_iter().collect()
}
