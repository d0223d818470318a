//! The resources that are declared under a key of their own, as one deployment sees them: which of
//! the things that were found are the declared ones, which are left over, and whose they are.
//!
//! To add a type: its file here with what it reads for a batch, its field of [`Found`], and its
//! line in [`of`].

mod alarm;
mod asked;
mod guests;
mod listener;
mod lists;
mod log_group;
mod rule;
mod strays;
mod tags;
mod target_group;

use super::reader::Reader;
use super::request::ObservationRequest;
use crate::model::desired::DesiredResource;
use crate::model::observed::{Gap, ObservedResource, ObservedTarget, Readiness, Seen};
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was read for a batch of deployments, by type.
struct Found {
    alarms: alarm::Alarms,
    log_groups: log_group::LogGroups,
    target_groups: target_group::TargetGroups,
    listeners: listener::Listeners,
    rules: rule::Rules,
}

/// How a resource of one type is found among what was read.
trait ResourceType {
    /// The one that a declaration stands for, by what identifies it.
    fn declared(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        id: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource>;

    /// Whether something that was found by its ARN has what identifies the declared one.
    fn fits(
        &self,
        found: &Found,
        request: &ObservationRequest<'_>,
        declared: &DesiredResource,
        resource: &ObservedResource,
    ) -> bool;

    /// How far one is that was found.
    fn readiness(&self, resource: &ObservedResource) -> Readiness;

    /// One that is recorded.
    fn recorded(&self, found: &Found, id: &ResourceId, arn: &str) -> Seen<ObservedResource>;

    /// Whether a recorded one may be the declared one under another key, as long as that was not
    /// seen. For a type with a name of its own this is known at once.
    fn may_be_another(&self) -> bool;

    /// Whether its tags are still to be read, for many at a time, once it is known which are ours
    /// to read.
    fn lacks_tags(&self) -> bool;
}

/// The type of a resource; none for what runs, which is read by itself.
fn of(kind: ResourceKind) -> Option<&'static dyn ResourceType> {
    match kind {
        ResourceKind::LogGroup => Some(&log_group::LogGroup),
        ResourceKind::TargetGroup => Some(&target_group::TargetGroup),
        ResourceKind::Listener => Some(&listener::Listener),
        ResourceKind::Rule => Some(&rule::Rule),
        ResourceKind::Alarm => Some(&alarm::Alarm),
        ResourceKind::TaskDefinition | ResourceKind::Task | ResourceKind::Service => None,
    }
}

type Resources = BTreeMap<ResourceId, Seen<ObservedResource>>;
type Leftovers = BTreeMap<String, (ResourceKind, Seen<ObservedResource>)>;

/// What one deployment sees of its resources.
pub(super) struct OfDeployment {
    pub(super) resources: Resources,
    pub(super) leftovers: Leftovers,
    pub(super) load_balancers: BTreeMap<String, Seen<ObservedResource>>,
    pub(super) targets: BTreeMap<String, Seen<Vec<ObservedTarget>>>,
}

/// Reads the resources of a batch of deployments; the answers are in the order of the deployments.
pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Vec<OfDeployment> {
    let found = Found::read(reader, requests).await;
    let mut matched: Vec<(Resources, Leftovers)> =
        requests.iter().map(|request| found.resources(request)).collect();
    let mut strays = Vec::new();
    for (request, (resources, leftovers)) in requests.iter().zip(&mut matched) {
        let asked = asked::find(reader, request, resources, leftovers).await;
        strays.push((asked, strays::find(reader, request, resources, leftovers).await));
    }
    let mut guests = Vec::new();
    for ((request, (resources, leftovers)), (asked, _)) in requests.iter().zip(&matched).zip(&strays) {
        guests.push(guests::find(reader, request, resources, leftovers, asked).await);
    }
    let mut lacking = lacking_tags(&matched);
    lacking.extend(guests.iter().flat_map(guests::arns));
    let tags = tags::read(reader, lacking).await;
    let of_deployment =
        |(request, (resources, leftovers)): (&ObservationRequest<'_>, (Resources, Leftovers))| OfDeployment {
            resources: resources.into_iter().map(|(id, seen)| (id, tags.put_on(seen))).collect(),
            leftovers: leftovers
                .into_iter()
                .map(|(arn, (kind, seen))| (arn, (kind, tags.put_on(seen))))
                .collect(),
            load_balancers: found.listeners.load_balancers_of(request),
            targets: found.target_groups.targets_of(request),
        };
    let mut all: Vec<OfDeployment> = requests.iter().zip(matched).map(of_deployment).collect();
    for (((request, (asked, strays)), guests), one) in requests.iter().zip(strays).zip(guests).zip(&mut all) {
        guests::note(request, guests, |rule| tags.put_on(Seen::Present(rule)), one);
        asked::keep_ours(request, &asked, one);
        strays::keep_ours(request, &strays, one);
    }
    all
}

/// Whether something that nobody remembers is the deployment's own: its tag says so.
fn is_ours(request: &ObservationRequest<'_>, found: &ObservedResource) -> bool {
    found.tags.get(TAG_OWNER).is_some_and(|owner| owner == request.desired.deployment.as_str())
}

/// ARNs of what was found and whose tags are still to be read.
fn lacking_tags(matched: &[(Resources, Leftovers)]) -> BTreeSet<String> {
    let mut lacking = BTreeSet::new();
    for (resources, leftovers) in matched {
        let resources = resources.iter().map(|(id, seen)| (id.kind, seen));
        for (kind, seen) in resources.chain(leftovers.values().map(|(kind, seen)| (*kind, seen))) {
            let lacks_tags = of(kind).is_some_and(ResourceType::lacks_tags);
            lacking.extend(seen.present().filter(|_| lacks_tags).map(|resource| resource.arn.clone()));
        }
    }
    lacking
}

/// Notes how far each is that was found.
fn set_readiness<'s>(found: impl Iterator<Item = (ResourceKind, &'s mut Seen<ObservedResource>)>) {
    for (kind, seen) in found {
        if let (Seen::Present(resource), Some(kind)) = (seen, of(kind)) {
            resource.readiness = kind.readiness(resource);
        }
    }
}

impl Found {
    async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let listeners_then_rules = async {
            let listeners = listener::Listeners::read(reader, requests).await;
            let rules = rule::Rules::read(reader, requests, &listeners).await;
            (listeners, rules)
        };
        let (alarms, log_groups, target_groups, (listeners, rules)) = tokio::join!(
            alarm::Alarms::read(reader, requests),
            log_group::LogGroups::read(reader, requests),
            target_group::TargetGroups::read(reader, requests),
            listeners_then_rules,
        );
        Self { alarms, log_groups, target_groups, listeners, rules }
    }

    /// Declared things first; then what is recorded and none of these.
    fn resources(&self, request: &ObservationRequest<'_>) -> (Resources, Leftovers) {
        let declared = request.desired.resources.iter();
        let mut shown: Resources =
            declared.map(|(id, resource)| (id.clone(), self.declared(request, id, resource))).collect();
        let claimed: BTreeSet<String> =
            shown.values().filter_map(Seen::present).map(|resource| resource.arn.clone()).collect();
        let uncertain: BTreeMap<ResourceKind, Gap> = shown
            .iter()
            .filter_map(|(id, seen)| match seen {
                Seen::Unknown(gap) => Some((id.kind, gap.clone())),
                Seen::Present(_) | Seen::Absent | Seen::NotRead => None,
            })
            .collect();
        let mut leftovers = Leftovers::new();
        for (id, arn) in request.recorded().filter(|(_, arn)| !claimed.contains(*arn)) {
            let Some(kind) = of(id.kind) else { continue };
            let seen = match uncertain.get(&id.kind).filter(|_| kind.may_be_another()) {
                // It may be the declared thing itself, so it must not be reported as if it were
                // left over.
                Some(gap) => Seen::Unknown(gap.clone()),
                None => kind.recorded(self, id, arn),
            };
            let declared = request.desired.resources.contains_key(id);
            if id.left_over_arn().is_some() || (declared && seen.present().is_some()) {
                leftovers.insert(arn.to_owned(), (id.kind, seen));
            } else if !declared {
                shown.insert(id.clone(), seen);
            }
        }
        set_readiness(shown.iter_mut().map(|(id, seen)| (id.kind, seen)));
        set_readiness(leftovers.values_mut().map(|(kind, seen)| (*kind, seen)));
        (shown, leftovers)
    }

    /// What is declared, by what identifies it; or, when that shows nothing, by its recorded ARN if
    /// it still has what identifies it (lists lag behind).
    fn declared(
        &self,
        request: &ObservationRequest<'_>,
        id: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource> {
        let Some(kind) = of(id.kind) else { return Seen::NotRead };
        let seen = kind.declared(self, request, id, declared);
        if !seen.is_absent() {
            return seen;
        }
        let recorded = request.recorded_arn(id).map(|arn| kind.recorded(self, id, arn));
        let fits = |found: &ObservedResource| kind.fits(self, request, declared, found);
        recorded.filter(|recorded| recorded.present().is_some_and(fits)).unwrap_or(seen)
    }
}
