//! What is declared under a key of its own: made, repaired, brought back.

use super::requests::{self, Handover};
use super::traffic::{self, Transition};
use super::{Draft, Writable, association, changes, impassable, seen, strategy, tags, unsaid};
use crate::model::call::Verb;
use crate::model::desired::ResolvedResource;
use crate::model::observed::{ObservedResource, Seen};
use crate::model::owner::Owner;
use crate::model::plan::{FieldChange, Reason, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::diff::{differences, tag_differences, updated_fields};
use crate::plan::resources::{self, Change, ResourceType, texts};
use crate::plan::row::Difference;
use crate::plan::row::{Effect, UpdateCall};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (id, resolved) in &input.resolved.resources {
        if draft.repositioned.contains_key(id) {
            // What else differs is seen at its new place.
            continue;
        }
        for on in &resolved.waiting {
            draft.wait(id, on.clone());
        }
        let (Some(fields), Some(kind)) = (&resolved.fields, resources::of(id.kind)) else { continue };
        let (shifted, unseen) = match strategy::as_shifted(draft, id, fields) {
            Ok(shifted) => (shifted, None),
            Err(on) => (None, Some(on)),
        };
        let restored = unsaid::restored(draft, id, kind, fields);
        let fields = shifted.as_ref().or(restored.as_ref()).unwrap_or(fields);
        let one = One { id, kind, resolved, fields, unseen };
        match seen(&input.observed.resources, id) {
            Seen::NotRead => {}
            Seen::Unknown(gap) => draft.wait_unobserved(id, gap),
            Seen::Absent => match draft.moved(id) {
                // Rules are moved back to their priority, not made again.
                Some(_) if id.kind == ResourceKind::Rule => {}
                Some(moved) => bring_back(draft, &one, moved),
                None if impassable::is_for_nobody(draft, id) => {}
                None => {
                    if let Some(reason) = draft.judge_absent(id, &resolved.declared) {
                        create(draft, &one, reason, Vec::new());
                    }
                }
            },
            Seen::Present(resource) if draft.is_shared(id, &resource.tags) => {}
            Seen::Present(resource) => match draft.owner(id, &resource.arn, &resource.tags) {
                // AWS refuses changes of what it is changing.
                Owner::Ours => match WaitingOn::readiness(id, &resource.readiness) {
                    Some(on) => draft.wait(id, on),
                    None => repair(draft, &one, resource),
                },
                Owner::Foreign(owner) => draft.note_foreign(id, &kind.described(id, resource), owner),
            },
        }
    }
}

/// One declared resource whose references are resolved.
struct One<'a> {
    id: &'a ResourceId,
    kind: &'static dyn ResourceType,
    resolved: &'a ResolvedResource,
    fields: &'a Tree,
    /// What its actions wait for, while it was not seen where ECS sends its traffic.
    unseen: Option<WaitingOn>,
}

/// Someone moved it to another port or priority. It is made again where it is declared; the moved
/// one serves until that stands, and is removed then. When that difference is only to be reported,
/// it stays where it is.
fn bring_back(draft: &mut Draft<'_>, one: &One<'_>, moved: &ObservedResource) {
    let place = draft.displacement(one.id, moved);
    let baseline = draft.baseline(one.id, &one.resolved.declared);
    let writable = draft.split_writable(one.id, &baseline, place, |_| false);
    if !writable.differences.is_empty() {
        create(draft, one, writable.reason, changes(&writable.differences));
    }
}

fn create(draft: &mut Draft<'_>, one: &One<'_>, reason: Reason, changes: Vec<FieldChange>) {
    if let Some(because) = association::refused(draft, one.id, one.fields, None) {
        draft.note(one.id, because, true);
        return;
    }
    if let Some(on) = &one.unseen {
        draft.wait(one.id, on.clone());
        return;
    }
    let tags = draft.tags(one.id);
    let mut changes = Some(changes);
    let transition = traffic::created(draft, one.id, one.fields);
    for on in transition.iter().flat_map(|transition| &transition.waits) {
        draft.wait(one.id, on.clone());
    }
    let fields = transition.as_ref().map_or(one.fields, |transition| &transition.fields);
    for (verb, call) in one.kind.create(one.id, fields, tags) {
        draft.act(one.id, verb, call, reason.clone(), changes.take().unwrap_or_default());
    }
}

fn is_of_actions(difference: &Difference) -> bool {
    difference.change.path.starts_with("actions")
}

fn repair(draft: &mut Draft<'_>, one: &One<'_>, resource: &ObservedResource) {
    let id = one.id;
    if let Some(on) = traffic::not_shown(draft, id, &resource.fields) {
        draft.wait(id, on);
        return;
    }
    let back = strategy::at_rest(draft, id, one.fields, &resource.fields);
    let nothing = BTreeSet::new();
    // ECS shifts nothing at present.
    let rests = back.is_some() || strategy::is_misdirected(draft, id);
    let shifted = if rests { &nothing } else { &draft.traffic_shifted_groups };
    let differences_of = |fields: &Tree| differences(id.kind, fields, &resource.fields, shifted);
    let mut found = differences_of(one.fields);
    if let Some(on) = one.unseen.as_ref().filter(|_| found.iter().any(is_of_actions)) {
        draft.wait(id, on.clone());
        return;
    }
    if let Some(because) = association::refused(draft, id, one.fields, Some(&resource.fields)) {
        draft.note(id, because, true);
        return;
    }
    let succeeds = back.as_ref().is_some_and(|back| back.succeeds);
    let (transition, gap) = match back {
        Some(back) => (Some(back.step), None),
        // What differs only by what ECS shifts is not ours to move.
        None if found.is_empty() => (None, None),
        None => first_step(draft, one, resource),
    };
    if let Some(transition) = &transition {
        found = differences_of(&transition.fields);
        transition.waits.iter().for_each(|on| draft.wait(id, on.clone()));
    }
    if let Some(gap) = gap {
        draft.note(id, gap, false);
    }
    let fields = transition.as_ref().map_or(one.fields, |transition| &transition.fields);
    if let Some(warning) = one.kind.warns(id, fields, &resource.fields).filter(|_| !found.is_empty()) {
        draft.note(id, warning, false);
    }
    let others = one.kind.left_to_others(&resource.fields);
    found.retain(|difference| !others.contains(&difference.change.path.as_str()));
    found.extend(tag_differences(id.kind, &draft.tags(id), &resource.tags));
    if draft.is_tagged_first(id, &one.resolved.declared, &resource.tags) {
        found.retain(|difference| difference.row.update_call == UpdateCall::Tag);
    }
    let all = found.clone();
    // What identifies it is not changed where it stands.
    let is_identity = |difference: &Difference| difference.row.effect == Effect::Replaces;
    let mut baseline = draft.baseline(id, &one.resolved.declared);
    if succeeds {
        baseline = baseline.with_change("actions");
    }
    // Its group was taken out of the document, though nobody edited the rule.
    if let Some(member) = id.kind.actions_member().filter(|_| traffic::sends_to_undeclared(draft, resource)) {
        baseline = baseline.with_change(member);
    }
    let writable = draft.split_writable(id, &baseline, found, is_identity);
    tags::take_off(draft, id, &resource.tags, |keys| one.kind.untag(resource.arn.clone(), keys));
    write(draft, one, resource, fields, (&all, writable));
}

/// Plans the calls that write what is to be written of all differences.
fn write(
    draft: &mut Draft<'_>,
    one: &One<'_>,
    resource: &ObservedResource,
    fields: &Tree,
    (all, writable): (&[Difference], Writable),
) {
    let id = one.id;
    let whole = writable.differences.len() == all.len() && draft.traffic_shifted_groups.is_empty();
    let kept = kept(all, &writable.differences);
    let reason = writable.reason;
    let mut by_call: BTreeMap<UpdateCall, Vec<Difference>> = BTreeMap::new();
    for difference in writable.differences {
        by_call.entry(difference.row.update_call).or_default().push(difference);
    }
    for (with, differences) in by_call {
        let arn = resource.arn.as_str();
        let (verb, call) = if with == UpdateCall::Tag {
            (Verb::Tag, Some(one.kind.tag(arn.to_owned(), texts(&differences, "tags."))))
        } else {
            let updated = updated_fields(&differences, fields);
            let change = Change {
                id,
                fields,
                arn,
                differences: &differences,
                updated,
                observed: &resource.fields,
                kept: kept.clone(),
                whole,
            };
            (Verb::Update, one.kind.update(with, &change))
        };
        if let Some(call) = call {
            let reason = if verb == Verb::Tag { draft.reason_to_tag(arn, &reason) } else { reason.clone() };
            draft.act(id, verb, call, reason, changes(&differences));
        }
    }
}

/// What is to be written of a change for now, when it is not the whole, and what is lost where it
/// cannot be made without a gap.
fn first_step(
    draft: &Draft<'_>,
    one: &One<'_>,
    resource: &ObservedResource,
) -> (Option<Transition>, Option<String>) {
    let (id, declared, observed) = (one.id, one.fields, &resource.fields);
    let mut transition = traffic::changed(draft, id, declared, observed);
    // What somebody changed by hand is repaired at once.
    let edited = !draft.is_settled(id, &one.resolved.declared);
    let handover = requests::handover(draft, id, declared, observed).filter(|_| edited);
    match handover {
        Some(Handover::Until(conditions, on)) => {
            let step =
                transition.get_or_insert_with(|| Transition { fields: declared.clone(), waits: Vec::new() });
            step.fields["conditions"] = conditions;
            step.waits.push(on);
            (transition, None)
        }
        Some(Handover::Gap(gap)) => (transition, Some(gap)),
        None if transition.is_some() => (transition, None),
        None => (None, traffic::gap(draft, id, declared, observed)),
    }
}

/// Top-level members with a difference that is not to be written.
fn kept(all: &[Difference], written: &[Difference]) -> Vec<String> {
    let left = all.iter().filter(|difference| !written.contains(difference));
    let member = |path: &str| path.split(['.', '[']).next().unwrap_or_default().to_owned();
    left.map(|difference| member(&difference.change.path)).collect()
}
