//! Revisions of task definitions.
//!
//! Read are the revisions that the rollout state names, the one that the service points at, and of
//! the family's newest revisions those that are newer than what is recorded: a revision that was
//! registered in a pass whose record was lost is found among them by its hash tag, instead of being
//! registered a second time.

use super::reader::{Reader, seen_or_absent};
use super::request::ObservationRequest;
use super::services::Services;
use crate::aws::ecs::read;
use crate::model::desired::DesiredComponent;
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedDefinition, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// How many of a family's newest revisions are searched for one that was not recorded.
const NEWEST: usize = 5;
/// The same when nothing is recorded: all that a family keeps.
const ALL: usize = 10;

/// The revisions and families of a batch of deployments.
pub(super) struct Definitions {
    /// By ARN.
    revisions: BTreeMap<String, Seen<ObservedDefinition>>,
    /// ARNs of ACTIVE revisions by family, newest first.
    families: BTreeMap<String, Seen<Vec<String>>>,
}

impl Definitions {
    /// Reads families first, then revisions, each once; what is kept is not read.
    pub(super) async fn read(
        reader: &Reader<'_>,
        requests: &[ObservationRequest<'_>],
        services: &Services,
    ) -> Self {
        let components = requests.iter().flat_map(|request| request.desired.components.values());
        let kept =
            requests.iter().filter_map(|request| Some(request.kept?.families(request.desired))).flatten();
        let mut known: BTreeMap<String, Seen<Vec<String>>> =
            kept.map(|(family, arns)| (family.to_owned(), Seen::Present(arns.clone()))).collect();
        let families = components.map(|component| component.family.as_str());
        let families: BTreeSet<&str> = families.filter(|family| !known.contains_key(*family)).collect();
        let list = |family: &str| {
            let family = family.to_owned();
            async move {
                let answer = read::list_task_definitions(reader.clients, &family).await;
                (family, seen_or_absent(answer))
            }
        };
        known.extend(reader.each(families, list).await);
        let mut found = Self { revisions: BTreeMap::new(), families: known };
        let arns: BTreeSet<String> =
            requests.iter().flat_map(|request| found.wanted(reader, request, services)).collect();
        let kept = |arn: &String| requests.iter().find_map(|request| request.kept?.definition(arn));
        found.revisions =
            arns.iter().filter_map(|arn| Some((arn.clone(), Seen::Present(kept(arn)?.clone())))).collect();
        let arns: Vec<String> = arns.into_iter().filter(|arn| !found.revisions.contains_key(arn)).collect();
        let describe = |arn: String| async move {
            let answer = read::describe_task_definition(reader.clients, &arn).await;
            (arn, seen_or_absent(answer))
        };
        let read = reader.each(arns, describe).await;
        found.revisions.extend(read);
        found
    }

    /// The revisions of one deployment, by ARN.
    pub(super) fn revisions_of(
        &self,
        reader: &Reader<'_>,
        request: &ObservationRequest<'_>,
        services: &Services,
    ) -> BTreeMap<String, Seen<ObservedDefinition>> {
        let show = |arn: String| {
            let seen = self.revisions.get(&arn).cloned().unwrap_or_default();
            (arn, seen)
        };
        self.wanted(reader, request, services).into_iter().map(show).collect()
    }

    /// The families of one deployment, by component.
    pub(super) fn families_of(
        &self,
        request: &ObservationRequest<'_>,
    ) -> BTreeMap<ComponentName, Seen<Vec<String>>> {
        let components = request.desired.components.values();
        components.map(|component| (component.name.clone(), self.family(component).clone())).collect()
    }

    fn family(&self, component: &DesiredComponent) -> &Seen<Vec<String>> {
        self.families.get(&component.family).unwrap_or(&Seen::NotRead)
    }

    fn wanted(
        &self,
        reader: &Reader<'_>,
        request: &ObservationRequest<'_>,
        services: &Services,
    ) -> BTreeSet<String> {
        let mut arns = BTreeSet::new();
        for component in request.desired.components.values() {
            let rollout = request.rollout.components.get(&component.name);
            let revision = rollout.and_then(|rollout| rollout.revision.as_ref());
            let completed = rollout.and_then(|rollout| rollout.completed.as_ref());
            arns.extend(revision.into_iter().chain(completed).map(|revision| revision.arn.clone()));
            let newest = self.family(component).present().into_iter().flatten().take(if revision.is_none() {
                ALL
            } else {
                NEWEST
            });
            let unrecorded = newest.take_while(|arn| revision.is_none_or(|revision| revision.arn != **arn));
            arns.extend(unrecorded.cloned());
        }
        let (used, left_over) = services.of(reader, request);
        let used = used
            .values()
            .chain(left_over.values())
            .filter_map(|seen| seen.present())
            .map(|service| service.task_definition.clone());
        arns.extend(used.filter(|arn| !arn.is_empty()));
        arns
    }
}
