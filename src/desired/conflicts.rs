//! Conflicts between documents: two of them must not claim one thing in AWS.

use super::resources::{self, Claim};
use crate::model::arn::{Arn, cluster_name};
use crate::model::desired::{DesiredState, Workload};
use crate::model::finding::{Finding, field_key};
use crate::model::ids::DeploymentName;
use crate::model::resource::Tree;
use std::collections::BTreeMap;

/// What is claimed, where: account, region, and the words of the claim.
type ClaimKey = (String, String, String);

/// A claim of one document.
struct Claimed {
    claim: Claim,
    field: String,
}

/// Finds what two documents claim: a service name in a cluster, a family, a target group name, a
/// port of a load balancer, a priority of a listener, a log group with other settings.
///
/// The document whose name comes first keeps the claim; the other one gets the error, which names
/// the first. Name order, not age, decides, so that a restarted controller decides as before.
///
/// **Guarantees**: independent of the order of `all`; a document without conflicts has no entry.
pub fn conflicts<'a>(
    all: impl IntoIterator<Item = &'a DesiredState>,
) -> BTreeMap<DeploymentName, Vec<Finding>> {
    let by_name: BTreeMap<&DeploymentName, &DesiredState> =
        all.into_iter().map(|state| (&state.deployment, state)).collect();
    let mut holders: BTreeMap<ClaimKey, (&DeploymentName, Option<Tree>)> = BTreeMap::new();
    let mut findings: BTreeMap<DeploymentName, Vec<Finding>> = BTreeMap::new();
    for (name, state) in by_name {
        let (account, region) = whereabouts(state);
        for claimed in claims(state) {
            let key = (account.clone(), region.clone(), claimed.claim.what.clone());
            let Some((holder, settings)) = holders.get(&key) else {
                holders.insert(key, (name, claimed.claim.settings));
                continue;
            };
            let agrees = claimed.claim.settings.is_some() && *settings == claimed.claim.settings;
            if *holder != name && !agrees {
                findings.entry(name.clone()).or_default().push(conflict(state, holder, &claimed));
            }
        }
    }
    findings
}

/// What one document claims that another one claims, too, in words; the first of it.
pub fn claimed_by_both(one: &DesiredState, other: &DesiredState) -> Option<String> {
    if whereabouts(one) != whereabouts(other) {
        return None;
    }
    let others = claims(other);
    let is_contested = |claimed: &Claimed| {
        let same = |theirs: &&Claimed| theirs.claim.what == claimed.claim.what;
        let agrees = |theirs: &Claimed| {
            claimed.claim.settings.is_some() && theirs.claim.settings == claimed.claim.settings
        };
        others.iter().find(same).is_some_and(|theirs| !agrees(theirs))
    };
    claims(one).into_iter().find(is_contested).map(|claimed| claimed.claim.what)
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
    let mut claim = |claim: Claim, field: String| claims.push(Claimed { claim, field });
    for (name, component) in &state.components {
        let base = field_key("spec.components", name.as_str());
        let family = format!("task definition family `{}`", component.family);
        claim(Claim::alone(family), format!("{base}.taskDefinition.family"));
        if let Workload::Service { service_name, .. } = &component.workload {
            claim(Claim::alone(format!("service `{service_name}` in cluster `{cluster}`")), base);
        }
    }
    for (id, resource) in &state.resources {
        let claimed = resources::of(id.kind).and_then(|kind| kind.claim(state, id, &resource.fields));
        if let Some(claimed) = claimed {
            claim(claimed, field_key(&format!("spec.{}", id.kind.info().spec_key), &id.key));
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
