//! Rules that stand at another priority than declared are moved, all rules of a listener at once:
//! two that swap their places never both stand in one, and neither is missing in between.
//!
//! A rule is the one that takes the same requests, whatever key it had: where rules give their
//! conditions to each other they change places, so that each request is taken all the time, and
//! what they do with it follows. Else a rule is the one that is recorded under its key.

use super::{Draft, requests, seen, tags};
use crate::model::call::{Call, Verb};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::plan::{FieldChange, Impact, Ownership, Reason};
use crate::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT, TAG_OWNER, Tree};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn plan(draft: &mut Draft<'_>) {
    let mut moves: BTreeMap<ResourceId, Move<'_>> = BTreeMap::new();
    let mut found = exchanged(draft);
    found.extend(displaced(draft, &found));
    for (id, one) in found {
        let declared = &draft.input.resolved.resources[&id].declared;
        let place = draft.displacement(&id, one.rule);
        let baseline = draft.baseline(&id, declared);
        let writable = draft.split_writable(&id, &baseline, place, |_| false);
        if let Some(difference) = writable.differences.first() {
            let change = difference.change.clone();
            moves.insert(id, Move { change, reason: writable.reason, ..one });
        }
    }
    // A place that something else keeps is not free.
    loop {
        let arns: Vec<&str> = moves.values().map(|one| one.rule.arn.as_str()).collect();
        let taken = |id: &ResourceId| match seen(&draft.input.observed.resources, id) {
            Seen::Absent => false,
            Seen::Present(there) => !arns.contains(&there.arn.as_str()),
            Seen::Unknown(_) | Seen::NotRead => true,
        };
        let Some(blocked) = moves.keys().find(|id| taken(id)).cloned() else { break };
        moves.remove(&blocked);
    }
    act(draft, moves);
}

/// One rule on its way.
struct Move<'o> {
    rule: &'o ObservedResource,
    priority: i32,
    change: FieldChange,
    reason: Reason,
}

/// Declared rules with what was declared, in order.
fn declared<'a>(draft: &Draft<'a>) -> impl Iterator<Item = (&'a ResourceId, &'a Tree)> {
    let rules = draft.input.resolved.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule);
    rules.filter_map(|(id, resolved)| Some((id, resolved.fields.as_ref()?)))
}

/// What stands where a rule is declared, when it is ours.
fn standing<'a>(draft: &Draft<'a>, id: &ResourceId) -> Option<&'a ObservedResource> {
    let rule = seen(&draft.input.observed.resources, id).present()?;
    draft.owner(id, &rule.arn, &rule.tags).is_ours().then_some(rule)
}

fn moved<'o>(rule: &'o ObservedResource, fields: &Tree) -> Option<Move<'o>> {
    let priority = i32::try_from(fields["priority"].as_i64()?).ok()?;
    let change = FieldChange {
        path: "priority".to_owned(),
        old: rule.fields["priority"].clone(),
        new: fields["priority"].clone(),
        owner: Ownership::Declared,
        impact: Impact::None,
    };
    Some(Move { rule, priority, change, reason: Reason::Changed })
}

/// Rules of which the declaration was edited so that another rule than the one in its place takes
/// the same requests: that one moves there. Who has to make way for it, and is asked for nowhere,
/// goes to where one came from.
fn exchanged<'o>(draft: &Draft<'o>) -> BTreeMap<ResourceId, Move<'o>> {
    let edited = |id: &ResourceId| {
        let resolved = draft.input.resolved.resources.get(id);
        resolved.is_some_and(|resolved| !draft.is_settled(id, &resolved.declared))
    };
    // Rules that take other requests than what is declared in their place.
    let others: Vec<(&ResourceId, &Tree, &ObservedResource)> = declared(draft)
        .filter(|(id, _)| edited(id))
        .filter_map(|(id, fields)| Some((id, fields, standing(draft, id)?)))
        .filter(|(_, fields, rule)| !requests::are_the_same(fields, &rule.fields))
        .collect();
    let on = |fields: &Tree, other: &Tree| fields["listenerArn"] == other["listenerArn"];
    let mut from: BTreeMap<&ResourceId, (&ResourceId, &Tree, &ObservedResource)> = BTreeMap::new();
    for (id, fields, _) in &others {
        let mut wanted = declared(draft).filter(|(other, wanted)| {
            other != id && on(fields, wanted) && requests::are_the_same(fields, wanted)
        });
        let mut taking = others
            .iter()
            .filter(|(_, _, rule)| on(fields, &rule.fields) && requests::are_the_same(fields, &rule.fields));
        if let (None, Some((place, _, rule)), None) = (wanted.next(), taking.next(), taking.next()) {
            from.insert(*id, (*place, *fields, *rule));
        }
    }
    let left: BTreeSet<&ResourceId> = from.values().map(|(place, ..)| *place).collect();
    // As many of the one as of the other on each listener.
    let chosen = |is_free: bool| {
        let wanted = |id: &ResourceId| left.contains(id) == is_free && from.contains_key(id) != is_free;
        let mut chosen: Vec<_> = others.iter().filter(|(id, ..)| wanted(id)).collect();
        chosen.sort_by_key(|(_, fields, _)| fields["listenerArn"].as_str());
        chosen
    };
    let pairs = chosen(true).into_iter().zip(chosen(false));
    let closing = pairs.map(|((id, fields, _), (_, _, rule))| (*id, *fields, *rule));
    let moves = from.iter().map(|(id, (_, fields, rule))| (*id, *fields, *rule)).chain(closing);
    moves.filter_map(|(id, fields, rule)| Some((id.clone(), moved(rule, fields)?))).collect()
}

/// Declared rules that were seen at another priority of the declared listener, and do not take
/// there what is declared there.
fn displaced<'o>(
    draft: &Draft<'o>,
    exchanged: &BTreeMap<ResourceId, Move<'o>>,
) -> Vec<(ResourceId, Move<'o>)> {
    let input = draft.input;
    let known: BTreeSet<&str> = exchanged.values().map(|one| one.rule.arn.as_str()).collect();
    let stays = |id: &ResourceId, fields: &Tree, rule: &ObservedResource| {
        let takes = |fields: &Tree| requests::are_the_same(fields, &rule.fields);
        let mut here = declared(draft).filter(|(other, _)| {
            *other != id && standing(draft, other).is_some_and(|there| there.arn == rule.arn)
        });
        known.contains(rule.arn.as_str()) || here.any(|(_, there)| takes(there) && !takes(fields))
    };
    let found = declared(draft).filter(|(id, _)| !exchanged.contains_key(id)).filter_map(|(id, fields)| {
        let recorded = input.rollout.arn(id);
        let is_its = |rule: &ObservedResource| match recorded {
            Some(arn) => rule.arn == arn,
            None => rule.tags.get(TAG_COMPONENT).is_some_and(|key| *key == id.key),
        };
        let mut rules = input.observed.all_resources().filter(|(other, _)| other.kind == ResourceKind::Rule);
        let rule = rules.find_map(|(_, seen)| {
            let rule = seen.present().filter(|rule| is_its(rule))?;
            let ours = draft.owner(id, &rule.arn, &rule.tags).is_ours();
            let there = rule.fields["listenerArn"] == fields["listenerArn"];
            (ours && there && rule.fields["priority"] != fields["priority"]).then_some(rule)
        })?;
        if stays(id, fields, rule) {
            return None;
        }
        Some((id.clone(), moved(rule, fields)?))
    });
    found.collect()
}

/// One call for each listener.
fn act(draft: &mut Draft<'_>, moves: BTreeMap<ResourceId, Move<'_>>) {
    let mut by_listener: BTreeMap<String, Vec<(ResourceId, Move<'_>)>> = BTreeMap::new();
    for (id, one) in moves {
        draft.repositioned.insert(id.clone(), one.rule.arn.clone());
        let listener = one.rule.fields["listenerArn"].as_str().unwrap_or_default().to_owned();
        by_listener.entry(listener).or_default().push((id, one));
    }
    for (_, together) in by_listener {
        if give_owners_back(draft, &together) {
            continue;
        }
        let priorities = together.iter().map(|(_, one)| (one.rule.arn.clone(), one.priority)).collect();
        let call = Call::SetRulePriorities { priorities };
        let mut changes = Vec::new();
        let Some((first, reason)) = together.first().map(|(id, one)| (id.clone(), one.reason.clone())) else {
            continue;
        };
        for (id, mut one) in together {
            if id != first {
                one.change.path = format!("{id}.priority");
            }
            changes.push(one.change);
        }
        draft.act(&first, Verb::Update, call, reason, changes);
    }
}

/// Gives rules that are to be moved their owner tag back, where someone took it. Answers whether it
/// had to; then all of the listener are moved in the next pass, for they go in one call.
fn give_owners_back(draft: &mut Draft<'_>, together: &[(ResourceId, Move<'_>)]) -> bool {
    let own = draft.input.desired.deployment.as_str();
    let is_bare = |one: &&Move<'_>| one.rule.tags.get(TAG_OWNER).is_none_or(|owner| *owner != own);
    let bare: Vec<&Move<'_>> = together.iter().map(|(_, one)| one).filter(is_bare).collect();
    for Move { rule, reason, .. } in &bare {
        let mut all = draft.input.observed.all_resources();
        let Some((id, _)) = all.find(|(_, seen)| seen.present().is_some_and(|one| one.arn == rule.arn))
        else {
            continue;
        };
        let call = |tags| Call::TagElb { arn: rule.arn.clone(), tags };
        tags::give_back_owner(draft, &id, &rule.tags, "moved", reason.clone(), call);
    }
    !bare.is_empty()
}
