//! Conflicts between documents: two of them must not claim one thing in AWS.

use super::resources::{self, Claim};
use crate::model::arn::{Arn, cluster_name};
use crate::model::canonical::canonical_json;
use crate::model::desired::{DesiredState, Workload};
use crate::model::finding::{Finding, field_key};
use crate::model::ids::DeploymentName;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is claimed, where: account, region, and the words of the claim.
type ClaimKey = (String, String, String);

/// A claim of one document.
struct Claimed {
    claim: Claim,
    field: String,
    /// What is made for it. Of a family: the component's task definition.
    id: ResourceId,
}

/// What documents have in common.
#[derive(Debug, Default, PartialEq)]
pub struct Common {
    /// What only one of them may declare, by the document that is refused for it.
    pub conflicts: BTreeMap<DeploymentName, Vec<Finding>>,
    /// What several declare alike, by each of them, with all that do.
    pub shared: BTreeMap<DeploymentName, BTreeMap<ResourceId, Arc<BTreeSet<DeploymentName>>>>,
}

/// Finds what two documents claim: a service name in a cluster, a family, a target group name, a
/// port of a load balancer, a priority of a listener, a log group with other settings; and what
/// they share.
///
/// The document for which the claim was in force already (`standing`, see [`standing`]) keeps it,
/// else the one whose name comes first; the other one gets the error, which names the first. What
/// is in force is recorded, so a restarted controller decides as before.
///
/// **Guarantees**: independent of the order of `all`; a document without conflicts has no entry.
pub fn common<'a>(
    all: impl IntoIterator<Item = &'a DesiredState>,
    standing: &BTreeMap<&DeploymentName, BTreeSet<String>>,
) -> Common {
    let by_name: BTreeMap<&DeploymentName, &DesiredState> =
        all.into_iter().map(|state| (&state.deployment, state)).collect();
    let of_one = |(name, state): (&'a DeploymentName, &'a DesiredState)| {
        let place = whereabouts(state);
        let stands = |claimed: &Claimed| {
            standing.get(name).is_some_and(|claims| claims.contains(&with_settings(claimed, &place)))
        };
        let all = claims(state).into_iter().map(|claimed| (!stands(&claimed), name, state, claimed));
        all.collect::<Vec<_>>()
    };
    let mut all: Vec<_> = by_name.into_iter().flat_map(of_one).collect();
    all.sort_by_key(|(is_new, ..)| *is_new);
    let mut holders: BTreeMap<ClaimKey, (&DeploymentName, Option<Tree>)> = BTreeMap::new();
    let mut sharers: BTreeMap<ClaimKey, BTreeMap<&DeploymentName, ResourceId>> = BTreeMap::new();
    let mut common = Common::default();
    for (_, name, state, claimed) in all {
        let (account, region) = whereabouts(state);
        let key = (account, region, claimed.claim.what.clone());
        if claimed.claim.settings.is_some() {
            sharers.entry(key.clone()).or_default().insert(name, claimed.id.clone());
        }
        let Some((holder, settings)) = holders.get(&key) else {
            holders.insert(key, (name, claimed.claim.settings));
            continue;
        };
        let agrees = claimed.claim.settings.is_some() && *settings == claimed.claim.settings;
        if *holder != name && !agrees {
            common.conflicts.entry(name.clone()).or_default().push(conflict(state, holder, &claimed));
        }
    }
    for sharers in sharers.into_values().filter(|sharers| sharers.len() > 1) {
        let names: Arc<BTreeSet<DeploymentName>> =
            Arc::new(sharers.keys().map(|name| (*name).clone()).collect());
        for (name, id) in sharers {
            common.shared.entry(name.clone()).or_default().insert(id, Arc::clone(&names));
        }
    }
    common
}

/// Everything that a document claims, in words that say account and region, too: equal texts are
/// equal claims. With each what is made for it; of a family, the component's task definition.
pub fn claimed(state: &DesiredState) -> BTreeMap<String, ResourceId> {
    let place = whereabouts(state);
    claims(state).into_iter().map(|claimed| (text(&claimed, &place), claimed.id)).collect()
}

/// The same with the settings of what may be shared: who edits them claims something else.
pub fn standing(state: &DesiredState) -> BTreeSet<String> {
    let place = whereabouts(state);
    claims(state).iter().map(|claimed| with_settings(claimed, &place)).collect()
}

fn with_settings(claimed: &Claimed, place: &(String, String)) -> String {
    let settings = claimed.claim.settings.as_ref().map(canonical_json).unwrap_or_default();
    format!("{} {settings}", text(claimed, place))
}

fn text(claimed: &Claimed, (account, region): &(String, String)) -> String {
    format!("{} ({region} {account})", claimed.claim.what)
}

fn conflict(state: &DesiredState, holder: &DeploymentName, claimed: &Claimed) -> Finding {
    let field = if state.kind == "Application" { claimed.field.as_str() } else { "spec" };
    let (message, help) = match claimed.claim.settings {
        Some(_) => (
            format!("the {} is declared with other settings by `{holder}`", claimed.claim.what),
            "declare it once, or the same in both",
        ),
        None => (
            format!("the {} belongs to `{holder}`", claimed.claim.what),
            "each of them can be declared by one document only",
        ),
    };
    Finding::error(field, message, help)
}

/// Everything that a document claims.
fn claims(state: &DesiredState) -> Vec<Claimed> {
    let cluster = cluster_name(&state.placement.cluster);
    let mut claims = Vec::new();
    let mut claim = |claim: Claim, field: String, id: ResourceId| claims.push(Claimed { claim, field, id });
    for (name, component) in &state.components {
        let base = field_key("spec.components", name.as_str());
        let of = |kind: ResourceKind| ResourceId::new(kind, name.as_str());
        let family = format!("task definition family `{}`", component.family);
        let field = format!("{base}.taskDefinition.family");
        claim(Claim::alone(family), field, of(ResourceKind::TaskDefinition));
        if let Workload::Service { service_name, .. } = &component.workload {
            let service = format!("service `{service_name}` in cluster `{cluster}`");
            claim(Claim::alone(service), base, of(ResourceKind::Service));
        }
    }
    for (id, resource) in &state.resources {
        let claimed = resources::of(id.kind).and_then(|kind| kind.claim(state, id, &resource.fields));
        if let Some(claimed) = claimed {
            claim(claimed, field_key(&format!("spec.{}", id.kind.info().spec_key), &id.key), id.clone());
        }
    }
    claims
}

/// Account and region of a deployment, as far as the document says: an account that it does not
/// name is the controller's own.
fn whereabouts(state: &DesiredState) -> (String, String) {
    let placement = &state.placement;
    let named = [Some(placement.cluster.as_str()), placement.role_arn.as_deref()];
    let account = named.into_iter().flatten().find_map(Arn::parse).map(|arn| arn.account.to_owned());
    (account.unwrap_or_default(), placement.region.clone())
}
