//! Which target groups the tasks of services are in that have an alternate: their service revisions
//! say so.

use super::reader::{Reader, refused};
use super::request::ObservationRequest;
use super::services::{Services, declared};
use crate::aws::ecs::read::{self, REVISIONS_PER_CALL, ServiceRevision};
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedService, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// ARNs of the groups that the services of one deployment are in, by component.
pub(super) type ServingGroups = BTreeMap<ComponentName, Seen<BTreeSet<String>>>;

/// Reads the revisions of all services of a batch that have an alternate group and tasks of one
/// revision; the answers are in the order of the deployments.
pub(super) async fn read(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    services: &Services,
) -> Vec<ServingGroups> {
    let mut wanted: Vec<(usize, ComponentName, String)> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let (known, _) = services.of(reader, request);
        for (component, _) in declared(request) {
            let service = known.get(&component.name).and_then(|seen| seen.present());
            let revision =
                service.filter(|service| has_alternate(service)).and_then(|it| it.revision.clone());
            wanted.extend(revision.map(|revision| (index, component.name.clone(), revision)));
        }
    }
    let revisions = wanted.iter().map(|(_, _, revision)| revision.clone()).collect();
    let known = service_revisions(reader, revisions).await;
    let mut shown: Vec<ServingGroups> = requests.iter().map(|_| ServingGroups::new()).collect();
    for (index, component, revision) in wanted {
        let groups = match known.get(&revision) {
            Some(Seen::Present(revision)) => revision.groups.clone().map_or(Seen::Absent, Seen::Present),
            Some(Seen::Unknown(gap)) => Seen::Unknown(gap.clone()),
            Some(Seen::Absent | Seen::NotRead) | None => Seen::Absent,
        };
        shown[index].insert(component, groups);
    }
    shown
}

/// Reads service revisions by their ARNs. Those that ECS does not know are left out.
pub(super) async fn service_revisions(
    reader: &Reader<'_>,
    arns: BTreeSet<String>,
) -> BTreeMap<String, Seen<ServiceRevision>> {
    let call =
        |arns: Vec<String>| async move { read::describe_service_revisions(reader.clients, &arns).await };
    let answers = reader.batches(arns.into_iter().collect(), REVISIONS_PER_CALL, refused, call).await;
    let mut known: BTreeMap<String, Seen<ServiceRevision>> = BTreeMap::new();
    for (arns, answer) in answers {
        match answer {
            Ok(found) => {
                known.extend(found.into_iter().map(|(arn, revision)| (arn, Seen::Present(revision))));
            }
            Err(error) => {
                known.extend(arns.into_iter().map(|arn| (arn, Seen::Unknown(error.clone().into()))));
            }
        }
    }
    known
}

fn has_alternate(service: &ObservedService) -> bool {
    let balancers = service.fields["loadBalancers"].as_array().into_iter().flatten();
    let mut alternates =
        balancers.map(|balancer| &balancer["advancedConfiguration"]["alternateTargetGroupArn"]);
    alternates.any(|alternate| alternate.is_string())
}
