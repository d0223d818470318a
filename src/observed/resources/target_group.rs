//! Target groups and their targets.

use super::{Found, ResourceType};
use crate::aws::elbv2::read::{self, By, NAMES_PER_CALL};
use crate::model::arn::is_arn;
use crate::model::desired::{DesiredComponent, DesiredResource};
use crate::model::observed::{ObservedResource, ObservedTarget, Readiness, Seen};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::observed::reader::{Reader, by_id, propagate, refused_or_missing, seen_or_absent};
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// From so many names on, a list of all target groups is asked for when one is missing: to divide
/// five names down to single ones takes more calls than an account has pages, mostly.
const MANY: usize = 5;

/// The target groups of a batch of deployments, without tags, and their targets.
pub(super) struct TargetGroups {
    by_name: BTreeMap<String, Seen<ObservedResource>>,
    /// ARNs of the declared ones that exist, by name, whether or not all else of them could be
    /// read.
    arns: BTreeMap<String, String>,
    /// Recorded ones that no declared name led to.
    by_arn: BTreeMap<String, Seen<ObservedResource>>,
    /// By ARN of the target group.
    targets: BTreeMap<String, Seen<Vec<ObservedTarget>>>,
}

impl TargetGroups {
    /// Reads all target groups that are declared or recorded; attributes and targets of the
    /// declared ones, and the targets of those that services name by ARN.
    pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let names: BTreeSet<String> = requests.iter().flat_map(names).map(str::to_owned).collect();
        let by_name = find_by_name(reader, names).await;
        let arns: BTreeMap<String, String> = by_name
            .iter()
            .filter_map(|(name, seen)| Some((name.clone(), seen.present()?.arn.clone())))
            .collect();
        let known: BTreeSet<&str> = arns.values().map(String::as_str).collect();
        let recorded = requests.iter().flat_map(recorded).filter(|arn| !known.contains(arn));
        let recorded: BTreeSet<String> = recorded.map(str::to_owned).collect();
        let with_targets = known.iter().copied().chain(requests.iter().flat_map(unmanaged));
        let with_targets: BTreeSet<String> = with_targets.map(str::to_owned).collect();
        let target_health = |arn: String| async move {
            let answer = read::target_health(reader.clients, &arn).await;
            (arn, seen_or_absent(answer))
        };
        let (by_name, by_arn, targets) = tokio::join!(
            with_attributes(reader, requests, by_name),
            find(reader, By::Arn, recorded),
            reader.each(with_targets, target_health),
        );
        Self { by_name, arns, by_arn, targets: targets.into_iter().collect() }
    }

    /// The target group of a declaration: the one of its name.
    fn declared(&self, resource: &DesiredResource) -> Seen<ObservedResource> {
        let name = resource.fields["name"].as_str().unwrap_or_default();
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    /// A target group by its ARN.
    fn by_arn(&self, arn: &str) -> Seen<ObservedResource> {
        let named = || {
            let named = self.by_name.values().find(|seen| seen.present().is_some_and(|g| g.arn == arn));
            named.cloned().unwrap_or_default()
        };
        self.by_arn.get(arn).cloned().unwrap_or_else(named)
    }

    /// The targets of one deployment, by key of the declared target group, or by ARN of one that is
    /// not managed here.
    pub(super) fn targets_of(
        &self,
        request: &ObservationRequest<'_>,
    ) -> BTreeMap<String, Seen<Vec<ObservedTarget>>> {
        let groups = declared(request).map(|(id, group)| (id.key.clone(), self.declared_targets(group)));
        groups.chain(unmanaged(request).map(|arn| (arn.to_owned(), self.targets(arn)))).collect()
    }

    /// The targets of a declared target group. They may be known although its attributes are not.
    fn declared_targets(&self, resource: &DesiredResource) -> Seen<Vec<ObservedTarget>> {
        let name = resource.fields["name"].as_str().unwrap_or_default();
        match self.arns.get(name) {
            Some(arn) => self.targets(arn),
            None => propagate(&self.declared(resource)).unwrap_or_default(),
        }
    }

    /// Targets by the ARN of their target group.
    fn targets(&self, arn: &str) -> Seen<Vec<ObservedTarget>> {
        self.targets.get(arn).cloned().unwrap_or_default()
    }
}

/// Target groups by their names. When one of many is not there, AWS refuses the call and does not
/// say which: a list of all is fewer calls then than asking for less at a time.
async fn find_by_name(
    reader: &Reader<'_>,
    names: BTreeSet<String>,
) -> BTreeMap<String, Seen<ObservedResource>> {
    if names.len() < MANY {
        return find(reader, By::Name, names).await;
    }
    let asked: Vec<String> = names.iter().cloned().collect();
    let known =
        asked.chunks(NAMES_PER_CALL).map(|names| read::target_groups(reader.clients, By::Name, names));
    let name = |group: &ObservedResource| group.fields["name"].as_str().unwrap_or_default().to_owned();
    let found: Result<Vec<_>, _> = reader.each(known, |call| call).await.into_iter().collect();
    let found = match found {
        Ok(found) => Ok(found.concat()),
        Err(error) if error.is_not_found() => reader.call(read::all_target_groups(reader.clients)).await,
        Err(error) => Err(error),
    };
    let Ok(found) = found else { return find(reader, By::Name, names).await };
    let mut found: BTreeMap<String, ObservedResource> =
        found.into_iter().map(|group| (name(&group), group)).collect();
    let seen = |wanted: String| {
        let seen = found.remove(&wanted).map_or(Seen::Absent, Seen::Present);
        (wanted, seen)
    };
    names.into_iter().map(seen).collect()
}

async fn find(
    reader: &Reader<'_>,
    by: By,
    ids: BTreeSet<String>,
) -> BTreeMap<String, Seen<ObservedResource>> {
    let call = |ids: Vec<String>| async move { read::target_groups(reader.clients, by, &ids).await };
    let answers = reader.batches(ids.into_iter().collect(), NAMES_PER_CALL, refused_or_missing, call).await;
    by_id(
        answers,
        match by {
            By::Name => |group| group.fields["name"].as_str().unwrap_or_default(),
            By::Arn => |group| &group.arn,
        },
    )
}

async fn with_attributes(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    groups: BTreeMap<String, Seen<ObservedResource>>,
) -> BTreeMap<String, Seen<ObservedResource>> {
    let complete = |(name, group): (String, Seen<ObservedResource>)| async move {
        let Seen::Present(mut group) = group else { return (name, group) };
        let kept = requests.iter().find_map(|request| request.kept?.attributes(&group.arn));
        if let Some(attributes) = kept {
            group.fields["attributes"] = attributes.clone();
            return (name, Seen::Present(group));
        }
        let answer = read::target_group_attributes(reader.clients, &group.arn).await;
        let complete = answer.map(|attributes| {
            group.fields["attributes"] = attributes.into_iter().collect::<Tree>();
            group
        });
        (name, seen_or_absent(complete))
    };
    reader.each(groups, complete).await.into_iter().collect()
}

fn declared<'a>(
    request: &ObservationRequest<'a>,
) -> impl Iterator<Item = (&'a ResourceId, &'a DesiredResource)> {
    request.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::TargetGroup)
}

fn names<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    declared(request).filter_map(|(_, group)| group.fields["name"].as_str())
}

fn recorded<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    let groups = request.recorded().filter(|(id, _)| id.kind == ResourceKind::TargetGroup);
    groups.map(|(_, arn)| arn)
}

/// Target groups that services of the deployment name by ARN, because Evenkeel does not manage
/// them.
fn unmanaged<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    let groups = request.desired.components.values().flat_map(DesiredComponent::target_groups);
    groups.flatten().filter(|group| is_arn(group))
}

/// Found by its name.
pub(super) struct TargetGroup;

impl ResourceType for TargetGroup {
    fn declared(
        &self,
        found: &Found,
        _: &ObservationRequest<'_>,
        _: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource> {
        found.target_groups.declared(declared)
    }

    fn fits(
        &self,
        _: &Found,
        _: &ObservationRequest<'_>,
        declared: &DesiredResource,
        resource: &ObservedResource,
    ) -> bool {
        declared.fields["name"] == resource.fields["name"]
    }

    /// A target group can be used as soon as it is there: the API gives it no state.
    fn readiness(&self, _: &ObservedResource) -> Readiness {
        Readiness::Ready
    }

    fn recorded(&self, found: &Found, _: &ResourceId, arn: &str) -> Seen<ObservedResource> {
        found.target_groups.by_arn(arn)
    }

    fn may_be_another(&self) -> bool {
        true
    }

    fn lacks_tags(&self) -> bool {
        true
    }
}
