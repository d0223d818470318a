//! What was asked for, had no answer, and is declared no longer, or otherwise: nothing but the
//! place where it would be leads to it.

use super::{Leftovers, OfDeployment, Resources, is_ours};
use crate::aws;
use crate::aws::elbv2::read::{self, By, ListenersOf, RulesOf};
use crate::aws::{cloudwatch, logs};
use crate::model::asked::{Asked, Place};
use crate::model::desired::DesiredResource;
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::{ResourceKind, Tree};
use crate::observed::reader::{Reader, seen_from_error};
use crate::observed::request::ObservationRequest;
use std::collections::BTreeSet;

/// Adds what is there to the resources of one deployment, the tags of what Elastic Load Balancing
/// keeps still to be read. Answers the ARNs of what was added.
pub(super) async fn find(
    reader: &Reader<'_>,
    request: &ObservationRequest<'_>,
    resources: &mut Resources,
    leftovers: &mut Leftovers,
) -> BTreeSet<String> {
    let mut added = BTreeSet::new();
    for asked in request.asked() {
        let kind = asked.resource.kind;
        let declared = request.desired.resources.get(&asked.resource);
        if declared.is_some_and(|declared| stands_there(declared, &asked.place)) {
            continue;
        }
        let seen = reader.call(look(reader, asked)).await;
        let known = |arn: &str| {
            let leftovers = leftovers.values().map(|(_, seen)| seen);
            resources.values().chain(leftovers).filter_map(Seen::present).any(|one| one.arn == arn)
        };
        let arn = match &seen {
            Seen::Present(found) if !known(&found.arn) => found.arn.clone(),
            // Whether it is there is not known, so nothing that depends on it is over.
            Seen::Unknown(_) => asked.resource.to_string(),
            Seen::Present(_) | Seen::Absent | Seen::NotRead => continue,
        };
        added.extend(seen.present().map(|found| found.arn.clone()));
        if declared.is_some() || resources.contains_key(&asked.resource) {
            leftovers.insert(arn, (kind, seen));
        } else {
            resources.insert(asked.resource.clone(), seen);
        }
    }
    added
}

/// Takes out again what was found and has not our tag. What could not be told stays unknown.
pub(super) fn keep_ours(
    request: &ObservationRequest<'_>,
    found: &BTreeSet<String>,
    shown: &mut OfDeployment,
) {
    let keep = |seen: &Seen<ObservedResource>| {
        let found = seen.present().filter(|one| found.contains(&one.arn));
        found.is_none_or(|one| is_ours(request, one))
    };
    shown.resources.retain(|_, seen| keep(seen));
    shown.leftovers.retain(|_, (_, seen)| keep(seen));
}

/// Whether what is declared is looked for in the same place.
fn stands_there(declared: &DesiredResource, place: &Place) -> bool {
    let Place::Named { name } = place else { return false };
    let names = ["name", "logGroupName", "alarmName"].map(|field| declared.fields[field].as_str());
    names.contains(&Some(name.as_str()))
}

async fn look(reader: &Reader<'_>, asked: &Asked) -> Seen<ObservedResource> {
    match found(reader, asked).await {
        Ok(Some(found)) => Seen::Present(found),
        Ok(None) => Seen::Absent,
        Err(error) => seen_from_error(&error),
    }
}

async fn found(reader: &Reader<'_>, asked: &Asked) -> Result<Option<ObservedResource>, aws::Error> {
    let clients = reader.clients;
    let at = |found: &ObservedResource, field: &str, value: i64| match &found.fields[field] {
        Tree::String(text) => text.parse() == Ok(value),
        number => number.as_i64() == Some(value),
    };
    match &asked.place {
        Place::Named { name } => named(reader, asked.resource.kind, name).await,
        Place::Port { load_balancer, port } => {
            let listeners = read::listeners(clients, ListenersOf::LoadBalancer(load_balancer)).await?;
            Ok(listeners.into_iter().find(|listener| at(listener, "port", *port)))
        }
        Place::Priority { listener, priority } => {
            let rules = read::rules(clients, RulesOf::Listener(listener)).await?;
            Ok(rules.into_iter().find(|rule| at(rule, "priority", *priority)))
        }
        // These are read by themselves.
        Place::Service { .. } | Place::Task { .. } => Ok(None),
    }
}
async fn named(
    reader: &Reader<'_>,
    kind: ResourceKind,
    name: &String,
) -> Result<Option<ObservedResource>, aws::Error> {
    let clients = reader.clients;
    match kind {
        ResourceKind::TargetGroup => {
            Ok(read::target_groups(clients, By::Name, std::slice::from_ref(name)).await?.pop())
        }
        ResourceKind::LogGroup => {
            let mut found = logs::read::log_groups(clients, std::slice::from_ref(name)).await?;
            let Some(group) = found.remove(name) else { return Ok(None) };
            let tags = logs::read::log_group_tags(clients, &group.arn).await?;
            Ok(Some(ObservedResource { tags, ..group }))
        }
        ResourceKind::Alarm => {
            let mut found = cloudwatch::read::alarms(clients, std::slice::from_ref(name)).await?;
            let Some(alarm) = found.remove(name) else { return Ok(None) };
            let tags = cloudwatch::read::alarm_tags(clients, &alarm.arn).await?;
            Ok(Some(ObservedResource { tags, ..alarm }))
        }
        // The first two have places of another kind, and the others are read by themselves.
        ResourceKind::Listener
        | ResourceKind::Rule
        | ResourceKind::TaskDefinition
        | ResourceKind::Service
        | ResourceKind::Task => Ok(None),
    }
}
