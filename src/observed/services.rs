//! Services: the one thing that every pass reads.

use super::reader::{Reader, refused, seen_from_error};
use super::request::ObservationRequest;
use crate::aws::ecs::read::{self, SERVICES_PER_CALL};
use crate::model::arn::{cluster_name, service_cluster, service_name};
use crate::model::asked::Place;
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedCluster, ObservedService, Seen};
use crate::model::predecessor::starts_again;
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER};
use crate::model::rollout::Phase;
use std::collections::{BTreeMap, BTreeSet};

type ByComponent<'s> = BTreeMap<ComponentName, &'s Seen<ObservedService>>;
type LeftOver<'s> = BTreeMap<String, &'s Seen<ObservedService>>;

/// The services of a batch of deployments, by name.
pub(super) struct Services {
    by_name: BTreeMap<String, Seen<ObservedService>>,
    /// Recorded ones in other clusters, by ARN.
    elsewhere: BTreeMap<String, Seen<ObservedService>>,
    /// Whether AWS said that there is no such cluster.
    pub(super) no_cluster: bool,
}

impl Services {
    /// Reads all services that are declared or recorded, ten per call and cluster.
    pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let names: BTreeSet<String> = requests.iter().flat_map(|request| names(reader, request)).collect();
        let read = |names: Vec<String>| async move {
            read::describe_services(reader.clients, reader.cluster(), &names).await
        };
        let answers = reader.batches(names.into_iter().collect(), SERVICES_PER_CALL, refused, read).await;
        let elsewhere = elsewhere(reader, requests).await;
        let mut services = Self { by_name: BTreeMap::new(), elsewhere, no_cluster: false };
        for (names, answer) in answers {
            match answer {
                Ok(seen) => services.by_name.extend(seen),
                Err(error) => {
                    // Without a cluster the services are not absent but unknown: they could not be
                    // created either.
                    services.no_cluster |= error.code == "ClusterNotFoundException";
                    let unknown = names.into_iter().map(|name| (name, Seen::Unknown(error.clone().into())));
                    services.by_name.extend(unknown);
                }
            }
        }
        services
    }

    /// The services of one deployment: by component, declared or not; and those of which the
    /// component has another one now, by ARN.
    pub(super) fn of<'s>(
        &'s self,
        reader: &Reader<'_>,
        request: &ObservationRequest<'_>,
    ) -> (ByComponent<'s>, LeftOver<'s>) {
        let mut shown: ByComponent<'s> =
            declared(request).map(|(component, name)| (component.name.clone(), self.named(name))).collect();
        let mut left_over = LeftOver::new();
        let names: BTreeSet<&str> = declared(request).map(|(_, name)| name).collect();
        let services: BTreeSet<&str> =
            declared(request).map(|(component, _)| component.name.as_str()).collect();
        for (id, arn) in recorded(reader, request).filter(|(_, arn)| !names.contains(service_name(arn))) {
            let seen = self.named(service_name(arn));
            if id.left_over_arn().is_some() || request.desired.components.contains_key(id.key.as_str()) {
                if !seen.is_absent() || id.left_over_arn().is_some() {
                    left_over.insert(arn.to_owned(), seen);
                } else if !services.contains(id.key.as_str()) {
                    // Of a component that is a task by now: it is gone, and can be forgotten.
                    shown.insert(ComponentName::new(&id.key), seen);
                }
            } else {
                shown.insert(ComponentName::new(&id.key), seen);
            }
        }
        for (id, arn) in recorded_elsewhere(reader, request) {
            let Some(seen) = self.elsewhere.get(arn) else { continue };
            let replaced = id.left_over_arn().is_some() || services.contains(id.key.as_str());
            if seen.is_absent() && !replaced {
                shown.insert(ComponentName::new(&id.key), seen);
            } else {
                left_over.insert(arn.to_owned(), seen);
            }
        }
        self.asked(reader, request, &mut shown, &mut left_over);
        (shown, left_over)
    }

    /// Adds those of which nobody knows whether they were made, where they are ours.
    fn asked<'s>(
        &'s self,
        reader: &Reader<'_>,
        request: &ObservationRequest<'_>,
        shown: &mut ByComponent<'s>,
        left_over: &mut LeftOver<'s>,
    ) {
        let here = cluster_name(reader.cluster());
        for (id, arn) in asked(request) {
            let is_here = service_cluster(arn).is_none_or(|cluster| cluster == here);
            let is_declared = is_here && declared(request).any(|(_, name)| name == service_name(arn));
            let is_recorded = request.recorded().any(|(_, known)| known == arn);
            if is_declared || is_recorded {
                continue;
            }
            let seen = match is_here {
                true => self.by_name.get(service_name(arn)),
                false => self.elsewhere.get(arn),
            };
            let owner = request.desired.deployment.as_str();
            let may_be_ours = |seen: &&Seen<ObservedService>| match seen {
                Seen::Present(service) => service.tags.get(TAG_OWNER).is_some_and(|tag| tag == owner),
                Seen::Unknown(_) => true,
                Seen::Absent | Seen::NotRead => false,
            };
            let Some(seen) = seen.filter(may_be_ours) else { continue };
            let key = ComponentName::new(&id.key);
            if shown.contains_key(&key) || request.desired.components.contains_key(&key) {
                left_over.insert(arn.to_owned(), seen);
            } else {
                shown.insert(key, seen);
            }
        }
    }

    fn named(&self, name: &str) -> &Seen<ObservedService> {
        self.by_name.get(name).unwrap_or(&Seen::NotRead)
    }

    /// Whether a deployment is out of step as far as its services show it: one that is not there,
    /// not steady, not ACTIVE, or points at another revision than the rollout left it at; or a
    /// rollout that is under way or held up, which services alone cannot judge; or one that is no
    /// longer declared; or one that is about to start its only task again. Unknown services give no
    /// reason to read more.
    pub(super) fn are_out_of_step(&self, reader: &Reader<'_>, request: &ObservationRequest<'_>) -> bool {
        let settled = |component: &DesiredComponent| {
            let phase = request.rollout.components.get(&component.name).map(|rollout| &rollout.phase);
            matches!(phase, Some(Phase::Complete { .. } | Phase::RolledBack { .. }))
        };
        let (_, left_over) = self.of(reader, request);
        let undeclared = |(id, arn): (&ResourceId, &str)| {
            !request.desired.components.contains_key(id.key.as_str())
                && self.named(service_name(arn)).present().is_some()
        };
        left_over.values().any(|seen| seen.present().is_some())
            || recorded(reader, request).chain(asked(request)).any(undeclared)
            || request.desired.components.values().any(|component| !settled(component))
            || declared(request).any(|(component, name)| match self.named(name) {
                Seen::Absent => true,
                Seen::Present(service) => {
                    let expected = expected_revision(request, component);
                    let id = ResourceId::new(ResourceKind::Service, component.name.as_str());
                    !service.is_steady()
                        || service.status != "ACTIVE"
                        || starts_again(request.desired, request.rollout, &id, service)
                        || is_to_be_restored(request, component, service)
                        || expected.is_some_and(|arn| arn != service.task_definition)
                }
                Seen::NotRead | Seen::Unknown(_) => false,
            })
    }
}

/// The cluster, by name or ARN.
pub(super) async fn cluster(reader: &Reader<'_>) -> Seen<ObservedCluster> {
    match reader.call(read::describe_cluster(reader.clients, reader.cluster())).await {
        Ok(seen) => seen,
        Err(error) => seen_from_error(&error),
    }
}

/// Declared services, with their names.
pub(super) fn declared<'a>(
    request: &ObservationRequest<'a>,
) -> impl Iterator<Item = (&'a DesiredComponent, &'a str)> {
    request.desired.components.values().filter_map(|component| match &component.workload {
        Workload::Service { service_name, .. } => Some((component, service_name.as_str())),
        Workload::Task { .. } => None,
    })
}

/// Whether a declared service has no tasks only because we scaled it to nothing.
fn is_to_be_restored(
    request: &ObservationRequest<'_>,
    component: &DesiredComponent,
    service: &ObservedService,
) -> bool {
    let Workload::Service { fields, .. } = &component.workload else { return false };
    request.rollout.count_to_restore(fields, service).is_some()
}

/// Where the rollout left a service: at its revision, or where ECS took it back to.
fn expected_revision<'a>(request: &ObservationRequest<'a>, component: &DesiredComponent) -> Option<&'a str> {
    let rollout = request.rollout.components.get(&component.name)?;
    let revision = match rollout.phase {
        Phase::RolledBack { .. } => rollout.completed.as_ref(),
        _ => rollout.revision.as_ref(),
    };
    revision.map(|revision| revision.arn.as_str())
}

/// Reads the recorded services that were left behind in other clusters of this region.
async fn elsewhere(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
) -> BTreeMap<String, Seen<ObservedService>> {
    let mut by_cluster: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let here = cluster_name(reader.cluster());
    let possible =
        requests.iter().flat_map(|request| recorded_elsewhere(reader, request).chain(asked(request)));
    for (_, arn) in possible.filter(|(_, arn)| service_cluster(arn) != Some(here)) {
        if let Some(cluster) = service_cluster(arn) {
            by_cluster.entry(cluster).or_default().insert(arn);
        }
    }
    let mut found = BTreeMap::new();
    for (cluster, arns) in by_cluster {
        let names = arns.iter().map(|arn| service_name(arn).to_owned()).collect();
        let read = |names: Vec<String>| async move {
            read::describe_services(reader.clients, cluster, &names).await
        };
        let answers = reader.batches(names, SERVICES_PER_CALL, refused, read).await;
        for (names, answer) in answers {
            let mut seen: BTreeMap<String, Seen<ObservedService>> = match answer {
                Ok(seen) => seen.into_iter().collect(),
                // With a cluster its services are gone: it cannot be deleted while it has any.
                Err(error) if error.code == "ClusterNotFoundException" => BTreeMap::new(),
                Err(error) => {
                    names.iter().map(|name| (name.clone(), Seen::Unknown(error.clone().into()))).collect()
                }
            };
            for arn in arns.iter().filter(|arn| names.iter().any(|name| name == service_name(arn))) {
                let seen = seen.remove(service_name(arn)).unwrap_or(Seen::Absent);
                found.insert((*arn).to_owned(), seen);
            }
        }
    }
    found
}

/// Recorded services of this cluster: id and ARN.
fn recorded<'a>(
    reader: &Reader<'_>,
    request: &ObservationRequest<'a>,
) -> impl Iterator<Item = (&'a ResourceId, &'a str)> {
    let here = cluster_name(reader.cluster());
    let services = request.recorded().filter(|(id, _)| id.kind == ResourceKind::Service);
    services.filter(move |(_, arn)| service_cluster(arn).is_none_or(|cluster| cluster == here))
}

/// Recorded services that were left behind in another cluster of this region.
fn recorded_elsewhere<'a>(
    reader: &Reader<'_>,
    request: &ObservationRequest<'a>,
) -> impl Iterator<Item = (&'a ResourceId, &'a str)> {
    let here = cluster_name(reader.cluster());
    let services = request.recorded().filter(|(id, _)| id.kind == ResourceKind::Service);
    services.filter(move |(_, arn)| service_cluster(arn).is_some_and(|cluster| cluster != here))
}

/// Services that were asked for and may be there: id and the ARN that each must have.
fn asked<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = (&'a ResourceId, &'a str)> {
    request.asked().filter_map(|asked| match &asked.place {
        Place::Service { arn } => Some((&asked.resource, arn.as_str())),
        Place::Named { .. } | Place::Port { .. } | Place::Priority { .. } | Place::Task { .. } => None,
    })
}

fn names(reader: &Reader<'_>, request: &ObservationRequest<'_>) -> Vec<String> {
    let here = cluster_name(reader.cluster());
    let asked = asked(request).filter(|(_, arn)| service_cluster(arn) == Some(here));
    let known = recorded(reader, request).chain(asked).map(|(_, arn)| service_name(arn));
    declared(request).map(|(_, name)| name).chain(known).map(str::to_owned).collect()
}
