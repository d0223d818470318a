//! Rules and listeners of ours that nothing remembers: the record was lost, or never written.
//!
//! They show by what they do: a target group of ours that is declared no longer is used by a load
//! balancer, and nothing that is known forwards to it. Then, and only then, all rules of that load
//! balancer are read; those that forward to the group, with the listeners that they stand on, are
//! left over when their tags say that they are ours.

use super::{Leftovers, OfDeployment, Resources, guests, is_ours};
use crate::aws::elbv2::read::{self, ListenersOf, RulesOf};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::{ResourceKind, Tree};
use crate::observed::reader::Reader;
use crate::observed::request::ObservationRequest;
use std::collections::BTreeSet;

/// Adds what forwards to the unexplained target groups of one deployment to what is left over, its
/// tags still to be read. Answers what was added.
pub(super) async fn find(
    reader: &Reader<'_>,
    request: &ObservationRequest<'_>,
    resources: &Resources,
    leftovers: &mut Leftovers,
) -> BTreeSet<String> {
    let groups = unexplained(request, resources, leftovers);
    let balancers: BTreeSet<String> = groups.iter().flat_map(|group| group.used_by.iter().cloned()).collect();
    let groups: BTreeSet<String> = groups.iter().map(|group| group.arn.clone()).collect();
    let known: BTreeSet<String> = all(resources, leftovers).map(|resource| resource.arn.clone()).collect();
    let mut found = BTreeSet::new();
    for balancer in balancers {
        let listeners = read::listeners(reader.clients, ListenersOf::LoadBalancer(&balancer));
        for listener in reader.call(listeners).await.unwrap_or_default() {
            let rules = reader.call(read::rules(reader.clients, RulesOf::Listener(&listener.arn))).await;
            let rules = rules.unwrap_or_default().into_iter().filter(|rule| names(&rule.fields, &groups));
            let rules: Vec<ObservedResource> = rules.collect();
            if rules.is_empty() && !names(&listener.fields, &groups) {
                continue;
            }
            let rules = rules.into_iter().map(|rule| (ResourceKind::Rule, rule));
            for (kind, one) in rules.chain([(ResourceKind::Listener, listener)]) {
                if !known.contains(&one.arn) {
                    found.insert(one.arn.clone());
                    leftovers.insert(one.arn.clone(), (kind, Seen::Present(one)));
                }
            }
        }
    }
    found
}

/// Takes out again what was found and is somebody else's, or may be; the groups that it forwards to
/// know of it.
pub(super) fn keep_ours(
    request: &ObservationRequest<'_>,
    found: &BTreeSet<String>,
    shown: &mut OfDeployment,
) {
    let ours = |seen: &Seen<ObservedResource>| seen.present().is_some_and(|one| is_ours(request, one));
    let mut others = Vec::new();
    shown.leftovers.retain(|arn, (kind, seen)| {
        let stays = !found.contains(arn) || ours(seen);
        if !stays {
            let named = seen.present().map(|one| groups_named(&one.fields)).unwrap_or_default();
            others.push((guests::whose(*kind, arn, seen), named));
        }
        stays
    });
    for (user, groups) in others {
        for group in groups {
            guests::with(shown, &group, |seen| {
                if let Seen::Present(group) = seen {
                    group.guests.push(user.clone());
                }
            });
        }
    }
}

/// Undeclared target groups that a load balancer uses, though nothing that was read forwards there
/// and everything could be read.
fn unexplained(
    request: &ObservationRequest<'_>,
    resources: &Resources,
    leftovers: &Leftovers,
) -> Vec<ObservedResource> {
    let kept = resources.iter().filter(|(id, _)| request.desired.resources.contains_key(*id));
    let declared: BTreeSet<&str> =
        kept.filter_map(|(_, seen)| seen.present()).map(|resource| resource.arn.as_str()).collect();
    let known = resources.iter().map(|(id, seen)| (id.kind, seen));
    let known = known.chain(leftovers.values().map(|(kind, seen)| (*kind, seen)));
    let groups = known.filter(|(kind, _)| *kind == ResourceKind::TargetGroup);
    let groups = groups.filter_map(|(_, seen)| seen.present());
    let undeclared =
        groups.filter(|group| !declared.contains(group.arn.as_str()) && !group.used_by.is_empty());
    let is_explained = |group: &ObservedResource| {
        let groups = BTreeSet::from([group.arn.clone()]);
        all(resources, leftovers).any(|resource| names(&resource.fields, &groups))
    };
    undeclared.filter(|group| !is_explained(group)).cloned().collect()
}

fn all<'r>(resources: &'r Resources, leftovers: &'r Leftovers) -> impl Iterator<Item = &'r ObservedResource> {
    let leftovers = leftovers.values().map(|(_, seen)| seen);
    resources.values().chain(leftovers).filter_map(Seen::present)
}

/// Whether the actions of a rule or listener name one of some target groups.
fn names(fields: &Tree, groups: &BTreeSet<String>) -> bool {
    !groups_named(fields).is_disjoint(groups)
}

/// ARNs of the target groups that the actions of a rule or listener name.
fn groups_named(fields: &Tree) -> BTreeSet<String> {
    let actions = ["actions", "defaultActions"].into_iter().filter_map(|member| fields[member].as_array());
    let named = actions.flatten().flat_map(|action| {
        let listed = action["targetGroups"].as_array().into_iter().flatten();
        listed.chain([action]).filter_map(|group| group["targetGroupArn"].as_str())
    });
    named.map(str::to_owned).collect()
}
