//! Rules that stand at another priority than declared are moved, all rules of a listener at once:
//! two that swap their places never both stand in one, and neither is missing in between.

use super::{Draft, seen};
use crate::model::call::{Call, Verb};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::plan::{FieldChange, Impact, Ownership, Reason};
use crate::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT};
use std::collections::BTreeMap;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let mut moves: BTreeMap<ResourceId, Move<'_>> = BTreeMap::new();
    for (id, one) in displaced(draft) {
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

/// Declared rules that were seen at another priority of the declared listener.
fn displaced<'o>(draft: &Draft<'o>) -> Vec<(ResourceId, Move<'o>)> {
    let input = draft.input;
    let declared = input.resolved.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule);
    let found = declared.filter_map(|(id, resolved)| {
        let fields = resolved.fields.as_ref()?;
        let priority = i32::try_from(fields["priority"].as_i64()?).ok()?;
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
        let change = FieldChange {
            path: "priority".to_owned(),
            old: rule.fields["priority"].clone(),
            new: fields["priority"].clone(),
            owner: Ownership::Declared,
            impact: Impact::None,
        };
        Some((id.clone(), Move { rule, priority, change, reason: Reason::Changed }))
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
