//! Rules and listeners of ours that nothing remembers: the record was lost, or never written.
//!
//! They show by what they do: a target group of ours that is declared no longer is used by a load
//! balancer. Then, and only then, all rules of that load balancer are read; those that forward to
//! the group, with the listeners that they stand on, are left over when their tags say that they
//! are ours, and guests of the group when they are not.

use super::{Leftovers, OfDeployment, Resources, guests, is_ours};
use crate::aws;
use crate::aws::elbv2::read::{self, ListenersOf, RulesOf};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::{ResourceKind, Tree};
use crate::observed::reader::Reader;
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// What was found, and what could not be.
#[derive(Default)]
pub(super) struct Strays {
    /// ARNs of what was added to what is left over.
    found: BTreeSet<String>,
    /// ARNs of target groups of which not all is known that forwards to them, with why.
    unread: BTreeMap<String, String>,
}

/// Adds what forwards to the target groups of one deployment that are to go to what is left over,
/// its tags still to be read.
pub(super) async fn find(
    reader: &Reader<'_>,
    request: &ObservationRequest<'_>,
    resources: &Resources,
    leftovers: &mut Leftovers,
) -> Strays {
    let groups = going(request, resources, leftovers);
    let mut by_balancer: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for group in groups {
        for balancer in group.used_by {
            by_balancer.entry(balancer).or_default().insert(group.arn.clone());
        }
    }
    let known: BTreeSet<String> = all(resources, leftovers).map(|resource| resource.arn.clone()).collect();
    let mut strays = Strays::default();
    for (balancer, groups) in by_balancer {
        let forwarders = match forwarders(reader, &balancer, &groups).await {
            Ok(forwarders) => forwarders,
            Err(error) => {
                let because = format!("something that could not be seen ({error})");
                strays.unread.extend(groups.into_iter().map(|group| (group, because.clone())));
                continue;
            }
        };
        for (kind, one) in forwarders.into_iter().filter(|(_, one)| !known.contains(&one.arn)) {
            strays.found.insert(one.arn.clone());
            leftovers.insert(one.arn.clone(), (kind, Seen::Present(one)));
        }
    }
    strays
}

/// What of a load balancer forwards to some target groups: rules, each with its listener, and
/// listeners.
async fn forwarders(
    reader: &Reader<'_>,
    balancer: &str,
    groups: &BTreeSet<String>,
) -> Result<Vec<(ResourceKind, ObservedResource)>, aws::Error> {
    let mut all = Vec::new();
    let listeners = read::listeners(reader.clients, ListenersOf::LoadBalancer(balancer));
    for listener in reader.call(listeners).await? {
        let rules = reader.call(read::rules(reader.clients, RulesOf::Listener(&listener.arn))).await?;
        let rules: Vec<ObservedResource> =
            rules.into_iter().filter(|rule| names(&rule.fields, groups)).collect();
        if !rules.is_empty() || names(&listener.fields, groups) {
            all.extend(rules.into_iter().map(|rule| (ResourceKind::Rule, rule)));
            all.push((ResourceKind::Listener, listener));
        }
    }
    Ok(all)
}

/// Takes out again what was found and is somebody else's, or may be; the groups that it forwards to
/// know of it.
pub(super) fn keep_ours(request: &ObservationRequest<'_>, strays: &Strays, shown: &mut OfDeployment) {
    let ours = |seen: &Seen<ObservedResource>| seen.present().is_some_and(|one| is_ours(request, one));
    let mut others = Vec::new();
    shown.leftovers.retain(|arn, (kind, seen)| {
        let stays = !strays.found.contains(arn) || ours(seen);
        if !stays {
            let named = seen.present().map(|one| groups_named(&one.fields)).unwrap_or_default();
            others.push((guests::whose(*kind, arn, seen), named));
        }
        stays
    });
    others.extend(strays.unread.iter().map(|(group, because)| (because.clone(), [group.clone()].into())));
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

/// Target groups that are to go and that a load balancer uses. What is known to forward there may
/// not be all that does: somebody else's listener may, too, and the service is about to leave.
fn going(
    request: &ObservationRequest<'_>,
    resources: &Resources,
    leftovers: &Leftovers,
) -> Vec<ObservedResource> {
    let kept = resources.iter().filter(|(id, _)| request.desired.resources.contains_key(*id));
    let kept = kept.filter(|_| !request.removed);
    let declared: BTreeSet<&str> =
        kept.filter_map(|(_, seen)| seen.present()).map(|resource| resource.arn.as_str()).collect();
    let known = resources.iter().map(|(id, seen)| (id.kind, seen));
    let known = known.chain(leftovers.values().map(|(kind, seen)| (*kind, seen)));
    let groups = known.filter(|(kind, _)| *kind == ResourceKind::TargetGroup);
    let groups = groups.filter_map(|(_, seen)| seen.present());
    let undeclared =
        groups.filter(|group| !declared.contains(group.arn.as_str()) && !group.used_by.is_empty());
    undeclared.cloned().collect()
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
