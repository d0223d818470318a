//! What others have on listeners and target groups that are to go: AWS deletes a listener with all
//! rules on it, whoever made them, and no target group that anything forwards to.

use super::{Leftovers, OfDeployment, Resources, is_ours};
use crate::aws::elbv2::read::{self, RulesOf};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::{ResourceKind, TAG_OWNER, Tree};
use crate::observed::reader::Reader;
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// Rules that the deployment does not know, by the ARN of the listener that they stand on; or why
/// they could not be read.
pub(super) type Guests = BTreeMap<String, Seen<Vec<ObservedResource>>>;

/// Reads what stands on the listeners of one deployment that are declared no longer, and is not
/// known; what was found in the place of something that was `asked` for may be a stranger's. Their
/// tags are still to be read.
pub(super) async fn find(
    reader: &Reader<'_>,
    request: &ObservationRequest<'_>,
    resources: &Resources,
    leftovers: &Leftovers,
    asked: &BTreeSet<String>,
) -> Guests {
    let undeclared = resources
        .iter()
        .filter(|(id, _)| request.removed || !request.desired.resources.contains_key(*id))
        .map(|(id, seen)| (id.kind, seen));
    let all = undeclared.chain(leftovers.values().map(|(kind, seen)| (*kind, seen)));
    let going =
        all.filter(|(kind, _)| *kind == ResourceKind::Listener).filter_map(|(_, seen)| seen.present());
    let known: BTreeSet<&str> = resources
        .values()
        .chain(leftovers.values().map(|(_, seen)| seen))
        .filter_map(|seen| Some(seen.present()?.arn.as_str()))
        .filter(|arn| !asked.contains(*arn))
        .collect();
    let mut guests = Guests::new();
    for listener in going {
        let answer = reader.call(read::rules(reader.clients, RulesOf::Listener(&listener.arn))).await;
        let seen = match answer {
            Ok(mut rules) => {
                rules.retain(|rule| !known.contains(rule.arn.as_str()));
                Seen::Present(rules)
            }
            Err(error) => Seen::Unknown(error.into()),
        };
        guests.insert(listener.arn.clone(), seen);
    }
    guests
}

/// ARNs of the rules of which the tags are to be read.
pub(super) fn arns(guests: &Guests) -> impl Iterator<Item = String> {
    guests.values().filter_map(Seen::present).flatten().map(|rule| rule.arn.clone())
}

/// Notes on the listeners who uses them, now that the tags are read. A rule of ours that nothing
/// remembered is left over; a listener of which it is not known is not known itself.
pub(super) fn note(
    request: &ObservationRequest<'_>,
    guests: Guests,
    tagged: impl Fn(ObservedResource) -> Seen<ObservedResource>,
    shown: &mut OfDeployment,
) {
    for (listener, seen) in guests {
        let rules = match seen {
            Seen::Present(rules) => rules,
            Seen::Unknown(gap) => {
                with(shown, &listener, |seen| *seen = Seen::Unknown(gap.clone()));
                continue;
            }
            Seen::Absent | Seen::NotRead => continue,
        };
        for rule in rules {
            let arn = rule.arn.clone();
            let rule = tagged(rule);
            let user = whose(ResourceKind::Rule, &arn, &rule);
            if rule.present().is_some_and(|rule| is_ours(request, rule)) {
                let mut known = shown.resources.values().filter_map(Seen::present);
                if known.all(|known| known.arn != arn) {
                    shown.leftovers.insert(arn, (ResourceKind::Rule, rule));
                }
                continue;
            }
            with(shown, &listener, |seen| {
                if let Seen::Present(listener) = seen {
                    listener.guests.push(user.clone());
                }
            });
        }
    }
}

/// A rule or listener and whose it is, in words.
pub(super) fn whose(kind: ResourceKind, arn: &str, seen: &Seen<ObservedResource>) -> String {
    let owner = seen.present().map(|one| one.tags.get(TAG_OWNER));
    let whose = match owner {
        Some(Some(owner)) => format!("of deployment `{owner}`"),
        Some(None) => "made by somebody else".to_owned(),
        None => "of an owner that could not be read".to_owned(),
    };
    let place = seen.present().map(|one| match &one.fields["priority"] {
        Tree::Null => format!(" on port {}", one.fields["port"]),
        priority => format!(" with priority {priority}"),
    });
    format!("the {}{}, {whose} ({arn}),", kind.info().noun, place.unwrap_or_default())
}

/// Changes what was seen under an ARN.
pub(super) fn with(shown: &mut OfDeployment, arn: &str, change: impl Fn(&mut Seen<ObservedResource>)) {
    let leftovers = shown.leftovers.values_mut().map(|(_, seen)| seen);
    let all = shown.resources.values_mut().chain(leftovers);
    all.filter(|seen| seen.present().is_some_and(|one| one.arn == arn)).for_each(change);
}
