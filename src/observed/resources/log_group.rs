//! Log groups.

use super::{Found, ResourceType};
use crate::aws::logs::read::{self, GROUPS_PER_CALL};
use crate::model::desired::DesiredResource;
use crate::model::observed::{ObservedResource, Readiness, Seen};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::observed::kept::Kept;
use crate::observed::reader::{Reader, by_name, refused_or_missing, seen_or_absent};
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// The log groups of a batch of deployments, by name.
pub(super) struct LogGroups(BTreeMap<String, Seen<ObservedResource>>);

impl LogGroups {
    /// Reads all log groups that are declared or recorded, and their tags, but those that are kept.
    pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let kept = requests.iter().filter_map(|request| request.kept).flat_map(Kept::log_groups);
        let mut all: BTreeMap<String, Seen<ObservedResource>> =
            kept.map(|(name, group)| (name.clone(), Seen::Present(group.clone()))).collect();
        let names = requests.iter().flat_map(names).filter(|name| !all.contains_key(*name));
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        let read = |names: Vec<String>| async move { read::log_groups(reader.clients, &names).await };
        let answers =
            reader.batches(names.into_iter().collect(), GROUPS_PER_CALL, refused_or_missing, read).await;
        let tagged = reader
            .each(by_name(answers), |(name, group)| async move { (name, tagged(reader, group).await) })
            .await;
        all.extend(tagged);
        Self(all)
    }
}

async fn tagged(reader: &Reader<'_>, group: Seen<ObservedResource>) -> Seen<ObservedResource> {
    let Seen::Present(group) = group else { return group };
    // Without its tags nobody knows whose it is, so then it is not seen at all.
    seen_or_absent(
        read::log_group_tags(reader.clients, &group.arn).await.map(|tags| ObservedResource { tags, ..group }),
    )
}

/// A log group's key is its name.
fn names<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    let ids = request.desired.resources.keys().chain(request.recorded().map(|(id, _)| id));
    ids.filter(|id| id.kind == ResourceKind::LogGroup).map(|id| id.key.as_str())
}

/// Found by its name, which is its key.
pub(super) struct LogGroup;

impl ResourceType for LogGroup {
    fn declared(
        &self,
        found: &Found,
        _: &ObservationRequest<'_>,
        id: &ResourceId,
        _: &DesiredResource,
    ) -> Seen<ObservedResource> {
        found.log_groups.0.get(&id.key).cloned().unwrap_or_default()
    }

    fn fits(
        &self,
        _: &Found,
        _: &ObservationRequest<'_>,
        declared: &DesiredResource,
        resource: &ObservedResource,
    ) -> bool {
        declared.fields["logGroupName"] == resource.fields["logGroupName"]
    }

    /// A log group can be used as soon as it is there: the API gives it no state.
    fn readiness(&self, _: &ObservedResource) -> Readiness {
        Readiness::Ready
    }

    fn recorded(&self, found: &Found, id: &ResourceId, _: &str) -> Seen<ObservedResource> {
        found.log_groups.0.get(&id.key).cloned().unwrap_or_default()
    }

    fn may_be_another(&self) -> bool {
        false
    }

    fn lacks_tags(&self) -> bool {
        false
    }
}
