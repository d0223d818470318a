//! Conflicts between documents: two of them must not claim one thing in AWS.

use super::arn::{Arn, cluster_name, load_balancer_name};
use crate::model::desired::{DesiredState, Workload};
use crate::model::finding::{Finding, field_key};
use crate::model::ids::DeploymentName;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use std::collections::BTreeMap;

/// What is claimed, where: account, region, and the thing's own identity.
type Claim = (String, String, String);

/// A claim of one document.
struct Claimed {
    claim: Claim,
    /// In words, such as ``service `web` in cluster `shop` ``.
    what: String,
    field: String,
    /// Settings that must agree when a thing may be claimed twice.
    settings: Option<Tree>,
}

/// Finds what two documents claim: a service name in a cluster, a family, a target group name, a
/// port of a load balancer, a priority of a listener, a log group with other settings.
///
/// The document whose name comes first keeps the claim; the other one gets the error, which names
/// the first. Name order, not age, decides, so that a restarted controller judges as before.
///
/// **Guarantees**: independent of the order of `all`; a document without conflicts has no entry.
pub fn across<'a>(all: impl IntoIterator<Item = &'a DesiredState>) -> BTreeMap<DeploymentName, Vec<Finding>> {
    let by_name: BTreeMap<&DeploymentName, &DesiredState> =
        all.into_iter().map(|state| (&state.deployment, state)).collect();
    let mut holders: BTreeMap<Claim, (&DeploymentName, Option<Tree>)> = BTreeMap::new();
    let mut findings: BTreeMap<DeploymentName, Vec<Finding>> = BTreeMap::new();
    for (name, state) in by_name {
        for claimed in claims(state) {
            let Some((holder, settings)) = holders.get(&claimed.claim) else {
                holders.insert(claimed.claim, (name, claimed.settings));
                continue;
            };
            let agrees = claimed.settings.is_some() && *settings == claimed.settings;
            if *holder != name && !agrees {
                findings.entry(name.clone()).or_default().push(conflict(state, holder, &claimed));
            }
        }
    }
    findings
}

fn conflict(state: &DesiredState, holder: &DeploymentName, claimed: &Claimed) -> Finding {
    let field = if state.kind == "Application" { claimed.field.as_str() } else { "spec" };
    let (message, help) = match claimed.settings {
        Some(_) => (
            format!("the {} is declared with other settings by `{holder}`", claimed.what),
            "declare it once, or the same in both",
        ),
        None => (
            format!("the {} belongs to `{holder}`", claimed.what),
            "each of them can be declared by one document only",
        ),
    };
    Finding::error(field, message, help)
}

/// Everything that a document claims.
fn claims(state: &DesiredState) -> Vec<Claimed> {
    let place = Place::of(state);
    let mut claims = Vec::new();
    for (name, component) in &state.components {
        let base = field_key("spec.components", name.as_str());
        claims.push(place.claim(
            format!("task definition family `{}`", component.family),
            format!("{base}.taskDefinition.family"),
        ));
        if let Workload::Service { service_name, .. } = &component.workload {
            let cluster = cluster_name(&state.placement.cluster);
            claims.push(place.claim(format!("service `{service_name}` in cluster `{cluster}`"), base));
        }
    }
    claims.extend(state.resources.iter().filter_map(|(id, resource)| {
        let fields = &resource.fields;
        match id.kind {
            ResourceKind::LogGroup => Some(Claimed {
                settings: Some(fields.clone()),
                ..place.claim(format!("log group `{}`", id.key), field_key("spec.logGroups", &id.key))
            }),
            ResourceKind::TargetGroup => Some(place.claim(
                format!("target group `{}`", text(fields, "name")),
                field_key("spec.targetGroups", &id.key),
            )),
            ResourceKind::Listener => {
                Some(place.claim(listener_in_words(fields), field_key("spec.listeners", &id.key)))
            }
            ResourceKind::Rule => {
                let listener = rule_listener(state, fields)?;
                Some(place.claim(
                    format!("rule with priority {} of the {listener}", fields["priority"]),
                    field_key("spec.rules", &id.key),
                ))
            }
            ResourceKind::TaskDefinition | ResourceKind::Task | ResourceKind::Service => None,
        }
    }));
    claims
}

/// The listener of a rule in the words in which the listener itself is claimed.
fn rule_listener(state: &DesiredState, rule: &Tree) -> Option<String> {
    if let Some(arn) = rule.get("listenerArn").and_then(Tree::as_str) {
        return Some(format!("listener `{arn}`"));
    }
    let id = ResourceId::new(ResourceKind::Listener, text(rule, "listener"));
    state.resources.get(&id).map(|listener| listener_in_words(&listener.fields))
}

fn listener_in_words(fields: &Tree) -> String {
    let balancer = load_balancer_name(text(fields, "loadBalancer"));
    format!("listener on port {} of load balancer `{balancer}`", fields["port"])
}

fn text<'a>(fields: &'a Tree, key: &str) -> &'a str {
    fields.get(key).and_then(Tree::as_str).unwrap_or_default()
}

/// Account and region of a deployment, as far as the document tells: an account that is not told is
/// the controller's own.
struct Place {
    account: String,
    region: String,
}

impl Place {
    fn of(state: &DesiredState) -> Self {
        let placement = &state.placement;
        let account = [Some(placement.cluster.as_str()), placement.role_arn.as_deref()]
            .into_iter()
            .flatten()
            .find_map(Arn::parse)
            .map(|arn| arn.account.to_owned());
        Self { account: account.unwrap_or_default(), region: placement.region.clone() }
    }

    fn claim(&self, what: String, field: String) -> Claimed {
        let claim = (self.account.clone(), self.region.clone(), what.clone());
        Claimed { claim, what, field, settings: None }
    }
}
