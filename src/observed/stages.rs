//! How far ECS is with deployments that it takes through stages: read while one is under way.

use super::reader::{Reader, refused};
use super::request::ObservationRequest;
use super::services::{Services, declared};
use super::serving;
use crate::aws::ecs::deployments::{self, DEPLOYMENTS_PER_CALL, Staged};
use crate::aws::ecs::read::{self, ServiceRevision};
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedService, Seen};
use crate::model::service_deployment::ObservedStage;
use std::collections::{BTreeMap, BTreeSet};

/// Stages of one deployment's services, by component.
pub(super) type Stages = BTreeMap<ComponentName, Seen<ObservedStage>>;

/// Reads the stages of all services of a batch that are deployed in stages at present; the answers
/// are in the order of the deployments.
pub(super) async fn read(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    services: &Services,
) -> Vec<Stages> {
    let mut wanted: Vec<(usize, ComponentName, &ObservedService)> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let (known, _) = services.of(reader, request);
        for (component, _) in declared(request) {
            let service = known.get(&component.name).and_then(|seen| seen.present());
            let staged = service.filter(|service| service.is_in_stages());
            wanted.extend(staged.map(|service| (index, component.name.clone(), service)));
        }
    }
    let arns = reader.each(&wanted, |(_, _, service)| current(reader, service)).await;
    let known: BTreeSet<String> = arns.iter().filter_map(|seen| seen.present()).cloned().collect();
    let call = |arns: Vec<String>| async move {
        deployments::describe_service_deployments(reader.clients, &arns).await
    };
    let mut described: BTreeMap<String, Seen<Staged>> = BTreeMap::new();
    let answers = reader.batches(known.into_iter().collect(), DEPLOYMENTS_PER_CALL, refused, call).await;
    for (arns, answer) in answers {
        match answer {
            Ok(seen) => described.extend(seen),
            Err(error) => {
                described.extend(arns.into_iter().map(|arn| (arn, Seen::Unknown(error.clone().into()))));
            }
        }
    }
    let described = with_revisions(reader, described).await;
    let mut shown: Vec<Stages> = requests.iter().map(|_| Stages::new()).collect();
    for ((index, component, _), arn) in wanted.into_iter().zip(arns) {
        let seen = match arn {
            Seen::Present(arn) => described.get(&arn).cloned().unwrap_or_default(),
            Seen::Absent => Seen::Absent,
            Seen::NotRead => Seen::NotRead,
            Seen::Unknown(gap) => Seen::Unknown(gap),
        };
        shown[index].insert(component, seen);
    }
    shown
}

/// Adds how much of the traffic is asked for each target group, that of the revisions whose tasks
/// are in it, and whether another rule brings it than before.
async fn with_revisions(
    reader: &Reader<'_>,
    described: BTreeMap<String, Seen<Staged>>,
) -> BTreeMap<String, Seen<ObservedStage>> {
    let staged = described.values().filter_map(Seen::present);
    let revisions: BTreeSet<String> = staged.flat_map(|staged| staged.revisions.keys().cloned()).collect();
    let known = serving::service_revisions(reader, revisions).await;
    let filled = |staged: Staged| {
        let own = staged.revisions.keys().filter_map(|arn| known.get(arn).and_then(Seen::present));
        let rules: BTreeSet<&BTreeSet<String>> = own.map(|revision| &revision.production_rules).collect();
        ObservedStage { asked: asked(&staged.revisions, &known), moves_rule: rules.len() > 1, ..staged.stage }
    };
    described.into_iter().map(|(arn, seen)| (arn, seen.map(filled))).collect()
}

/// Percent of production traffic by target group, from that of service revisions.
fn asked(
    revisions: &BTreeMap<String, f64>,
    known: &BTreeMap<String, Seen<ServiceRevision>>,
) -> Seen<BTreeMap<String, f64>> {
    let mut asked = BTreeMap::new();
    for (revision, percent) in revisions {
        match known.get(revision) {
            Some(Seen::Present(ServiceRevision { groups: Some(groups), .. })) => {
                groups.iter().for_each(|group| *asked.entry(group.clone()).or_default() += *percent);
            }
            Some(Seen::Unknown(gap)) => return Seen::Unknown(gap.clone()),
            Some(_) | None => return Seen::Absent,
        }
    }
    if revisions.is_empty() { Seen::Absent } else { Seen::Present(asked) }
}

/// The ARN of the service deployment under way: as the service names it, else the newest one.
async fn current(reader: &Reader<'_>, service: &ObservedService) -> Seen<String> {
    if let Some(arn) = &service.current_deployment {
        return Seen::Present(arn.clone());
    }
    match read::list_service_deployments(reader.clients, reader.cluster(), &service.name).await {
        Ok(found) => found.into_iter().next().map_or(Seen::Absent, |(newest, _)| Seen::Present(newest.arn)),
        Err(error) => super::reader::seen_from_error(&error),
    }
}
