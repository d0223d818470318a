//! Load balancing as one deployment sees it: which of the things that were found are the declared
//! ones, which are left over, and whose they are.

use super::collector::Ask;
use super::groups::{TargetGroups, unmanaged};
use super::listeners::Listeners;
use super::look::{Look, missing, refused_or_missing, same_lack};
use crate::aws::elbv2::read::{self, NAMES_PER_CALL};
use crate::model::desired::DesiredResource;
use crate::model::observed::{Gap, ObservedResource, ObservedTarget, Seen};
use crate::model::resource::{ResourceId, ResourceKind};
use std::collections::{BTreeMap, BTreeSet};

type Resources = BTreeMap<ResourceId, Seen<ObservedResource>>;
type Leftovers = BTreeMap<String, (ResourceKind, Seen<ObservedResource>)>;
type Tags = BTreeMap<String, Seen<BTreeMap<String, String>>>;

/// What one deployment sees of load balancing.
pub(super) struct Balance {
    pub(super) resources: Resources,
    pub(super) leftovers: Leftovers,
    pub(super) load_balancers: BTreeMap<String, Seen<ObservedResource>>,
    pub(super) targets: BTreeMap<String, Seen<Vec<ObservedTarget>>>,
}

/// Reads load balancing for a batch of deployments; the answers are in the order of the
/// deployments.
pub(super) async fn read(look: &Look<'_>, asks: &[Ask<'_>]) -> Vec<Balance> {
    let (groups, listeners) = tokio::join!(TargetGroups::read(look, asks), Listeners::read(look, asks));
    let found = Found { groups, listeners };
    let matched: Vec<(Resources, Leftovers)> = asks.iter().map(|ask| found.resources(ask)).collect();
    let tags = tags(look, &matched).await;
    let balance = |(ask, (resources, leftovers)): (&Ask<'_>, (Resources, Leftovers))| Balance {
        leftovers: leftovers
            .into_iter()
            .map(|(arn, (kind, seen))| (arn, (kind, tagged(seen, &tags))))
            .collect(),
        load_balancers: found.listeners.load_balancers_of(ask),
        targets: found.targets(ask),
        resources: resources.into_iter().map(|(id, seen)| (id, tagged(seen, &tags))).collect(),
    };
    asks.iter().zip(matched).map(balance).collect()
}

struct Found {
    groups: TargetGroups,
    listeners: Listeners,
}

impl Found {
    /// Declared things first; then what is recorded and none of these.
    fn resources(&self, ask: &Ask<'_>) -> (Resources, Leftovers) {
        let declared = ask.desired.resources.iter().filter(|(id, _)| id.kind != ResourceKind::LogGroup);
        let mut shown: Resources =
            declared.map(|(id, resource)| (id.clone(), self.declared(ask, id, resource))).collect();
        let claimed: BTreeSet<String> =
            shown.values().filter_map(Seen::present).map(|resource| resource.arn.clone()).collect();
        let uncertain: BTreeMap<ResourceKind, Gap> = shown
            .iter()
            .filter_map(|(id, seen)| match seen {
                Seen::Unknown(gap) => Some((id.kind, gap.clone())),
                _ => None,
            })
            .collect();
        let mut left_over = Leftovers::new();
        let recorded = ask.rollout.arns.iter().filter(|(id, _)| is_balancing(id.kind));
        for (id, arn) in recorded.filter(|(_, arn)| !claimed.contains(*arn)) {
            let seen = match uncertain.get(&id.kind) {
                // It may be the declared thing itself, so it must not look as if it were left over.
                Some(gap) => Seen::Unknown(gap.clone()),
                None => self.by_arn(id.kind, arn),
            };
            let declared = ask.desired.resources.contains_key(id);
            if id.left_over_arn().is_some() || (declared && seen.present().is_some()) {
                left_over.insert(arn.clone(), (id.kind, seen));
            } else if !declared {
                shown.insert(id.clone(), seen);
            }
        }
        (shown, left_over)
    }

    /// What is declared, by what identifies it; or, when that shows nothing, by its recorded ARN if
    /// it still has what identifies it (lists lag behind).
    fn declared(&self, ask: &Ask<'_>, id: &ResourceId, resource: &DesiredResource) -> Seen<ObservedResource> {
        let seen = match id.kind {
            ResourceKind::TargetGroup => self.groups.declared(resource),
            ResourceKind::Listener => return self.listeners.declared_listener(ask, id, resource),
            ResourceKind::Rule => self.listeners.rule(ask, resource),
            _ => Seen::NotRead,
        };
        if !seen.is_absent() {
            return seen;
        }
        let fits = |found: &ObservedResource| match id.kind {
            ResourceKind::TargetGroup => TargetGroups::fits(resource, found),
            ResourceKind::Rule => self.listeners.rule_fits(ask, resource, found),
            _ => false,
        };
        let recorded = ask.rollout.arns.get(id).map(|arn| self.by_arn(id.kind, arn));
        recorded.filter(|recorded| recorded.present().is_some_and(fits)).unwrap_or(seen)
    }

    fn by_arn(&self, kind: ResourceKind, arn: &str) -> Seen<ObservedResource> {
        match kind {
            ResourceKind::TargetGroup => self.groups.by_arn(arn),
            ResourceKind::Listener => self.listeners.listener_by_arn(arn),
            ResourceKind::Rule => self.listeners.rule_by_arn(arn),
            _ => Seen::NotRead,
        }
    }

    /// Targets by key of the declared target group, or by ARN of one that is not managed here.
    fn targets(&self, ask: &Ask<'_>) -> BTreeMap<String, Seen<Vec<ObservedTarget>>> {
        let groups = ask.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::TargetGroup);
        let managed = groups.map(|(id, group)| (id.key.clone(), self.groups.declared_targets(group)));
        managed.chain(unmanaged(ask).map(|arn| (arn.to_owned(), self.groups.targets(arn)))).collect()
    }
}

fn is_balancing(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::TargetGroup | ResourceKind::Listener | ResourceKind::Rule)
}

async fn tags(look: &Look<'_>, matched: &[(Resources, Leftovers)]) -> Tags {
    let seen = matched.iter().flat_map(|(resources, left_over)| {
        resources.values().chain(left_over.values().map(|(_, seen)| seen))
    });
    let present = seen.filter_map(Seen::present);
    let arns: BTreeSet<&str> = present.map(|resource| resource.arn.as_str()).collect();
    let arns = arns.into_iter().map(str::to_owned).collect();
    let call = |arns: Vec<String>| async move { read::tags(look.clients, &arns).await };
    let mut tags = Tags::new();
    for (arns, answer) in look.batches(arns, NAMES_PER_CALL, refused_or_missing, call).await {
        match answer {
            Ok(found) => tags.extend(found.into_iter().map(|(arn, tags)| (arn, Seen::Present(tags)))),
            Err(error) => tags.extend(arns.into_iter().map(|arn| (arn, missing(&error)))),
        }
    }
    tags
}

/// Without its tags nobody knows whose a thing is, so then it is not seen at all.
fn tagged(seen: Seen<ObservedResource>, tags: &Tags) -> Seen<ObservedResource> {
    let Seen::Present(resource) = seen else { return seen };
    match tags.get(&resource.arn) {
        Some(Seen::Present(tags)) => Seen::Present(ObservedResource { tags: tags.clone(), ..resource }),
        Some(lacking) => same_lack(lacking).unwrap_or_default(),
        None => Seen::Present(resource),
    }
}
