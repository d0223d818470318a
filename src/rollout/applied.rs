//! What AWS was last seen in agreement with, and what it was asked for since then: by these two a
//! change of the document is told from drift, field by field.

use crate::model::call::{Call, Verb};
use crate::model::desired::ResolvedState;
use crate::model::last_applied::LastApplied;
use crate::model::observed::{Identity, ObservedState, Readiness, Seen};
use crate::model::plan::{FieldChange, Plan, PlannedAction, Reason};
use crate::model::resource::{Part, ResourceId, ResourceKind, Tree};
use crate::model::resource_record::{ResourceRecord, Sent, SentField};
use crate::model::rollout::RolloutState;
use crate::model::service_deployment::groups_of;
use crate::model::tree_text::TreeText;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

/// Path of the revision of a service. It is not among its declared fields: which one was sent last
/// stays known.
const REVISION: &str = "taskDefinition";

/// Notes the declaration of everything that was seen to be there and ready, and that nothing is
/// left to do about but what somebody else changed and the document wants only reported.
pub(super) fn mark(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    observed: &ObservedState,
    unsettled: &BTreeSet<ResourceId>,
) {
    let is_there = |id: &ResourceId| match observed.seen(id) {
        Seen::Present(Identity { readiness, .. }) => *readiness == Readiness::Ready,
        Seen::Absent | Seen::NotRead | Seen::Unknown(_) => false,
    };
    let resources =
        resolved.resources.iter().map(|(id, part)| (id.clone(), part.fields.as_ref(), &part.declared));
    let services = resolved.components.iter().map(|(name, part)| {
        (ResourceId::new(ResourceKind::Service, name.as_str()), part.fields.as_ref(), &part.declared)
    });
    for (id, fields, declared) in resources.chain(services) {
        let Some(fields) = fields.filter(|_| !unsettled.contains(&id) && is_there(&id)) else { continue };
        let known = state.resource_mut(&id);
        let same = known.applied.as_ref() == Some(declared)
            && known.last_applied.as_ref().is_some_and(|applied| applied.has_tags(&resolved.tags));
        if !same {
            known.applied = Some(declared.clone());
            known.last_applied = Some(LastApplied::of(fields, &resolved.tags));
        }
        settle(known);
    }
}

/// What was sent is in force. What AWS may not show yet stays known.
pub(super) fn settle(known: &mut ResourceRecord) {
    known.sent_fields.values_mut().for_each(|sent| sent.agreed = true);
}

/// Notes, field by field, what a plan is about to ask for that the document wants, before it does:
/// also when no answer comes, an edit that is undone by then is no drift.
pub(super) fn note_sent(state: &mut RolloutState, observed: &ObservedState, plan: &Plan, now: Timestamp) {
    for action in &plan.actions {
        for (id, fields) in sent(state, observed, action) {
            let Some(known) = state.resources.get_mut(&id) else { continue };
            known.sent_fields.retain(|path, sent| {
                path == REVISION || !sent.agreed || sent.is_fresh(now) || sent.is_left_by_ecs()
            });
            for (path, before, value) in fields {
                // What is sent again has been waited for since it was sent first.
                let again = known.sent_fields.get(&path).filter(|sent| sent.value == value);
                let at = again.map_or(now, |sent| sent.at);
                known.sent_fields.insert(path, Box::new(SentField { value, before, at, agreed: false }));
            }
        }
        for (id, member, actions) in shifted(observed, action) {
            let Some(known) = state.resources.get_mut(&id) else { continue };
            let actions = TreeText::of(actions);
            let sent = SentField { value: actions.clone(), before: actions, at: now, agreed: false };
            known.sent_fields.insert(member.to_owned(), Box::new(sent));
        }
    }
}

/// What forwards to the groups of a service whose traffic ECS is not to shift any more: where that
/// was shifted to was ECS's doing for us, and nobody else's.
fn shifted<'o>(
    observed: &'o ObservedState,
    action: &PlannedAction,
) -> Vec<(ResourceId, &'static str, &'o Tree)> {
    let rolls = |change: &FieldChange| {
        change.path == "deploymentConfiguration.strategy" && (change.new == "ROLLING" || change.new.is_null())
    };
    let service = observed.services.get(action.resource.key.as_str()).and_then(Seen::present);
    let service = service.filter(|_| action.resource.kind == ResourceKind::Service);
    let Some(service) = service.filter(|_| action.changes.iter().any(rolls)) else { return Vec::new() };
    let groups = groups_of(&service.fields);
    let all = observed.resources.iter().filter_map(|(id, seen)| {
        let member = id.kind.actions_member()?;
        let actions = &seen.present()?.fields[member];
        let sends = Sent::weights(actions).keys().any(|arn| groups.contains(arn.as_str()));
        sends.then(|| (id.clone(), member, actions))
    });
    all.collect()
}

/// Forgets what an action would have sent: AWS answered that it did nothing, or was not asked.
pub(super) fn was_not_sent(state: &mut RolloutState, observed: &ObservedState, action: &PlannedAction) {
    for (id, fields) in sent(state, observed, action) {
        if let Some(known) = state.resources.get_mut(&id) {
            known
                .sent_fields
                .retain(|path, sent| fields.iter().all(|(of, _, value)| (of, value) != (path, &sent.value)));
        }
    }
}

/// Path, value before and value of a field.
type Change = (String, TreeText, TreeText);

/// What an action sends to what is recorded already. A repair sends what is in force.
fn sent(
    state: &RolloutState,
    observed: &ObservedState,
    action: &PlannedAction,
) -> Vec<(ResourceId, Vec<Change>)> {
    let is_ours = match action.reason {
        Reason::Changed | Reason::Rollout { .. } | Reason::TakenOver { .. } | Reason::Undeclared => true,
        // What is being made was never in agreement.
        Reason::Missing
        | Reason::Drifted
        | Reason::Deleted
        | Reason::Superseded
        | Reason::Deadline
        | Reason::StaleTarget => false,
    };
    let is_kept = match action.resource.kind.part() {
        Part::Resource | Part::Service | Part::TaskDefinition => is_ours,
        Part::Task => false,
    };
    if !is_kept {
        return Vec::new();
    }
    if let Call::SetRulePriorities { priorities } = &action.call {
        let to = |priority: &i32| {
            vec![("priority".to_owned(), TreeText::of(&Tree::Null), TreeText::of(&json!(priority)))]
        };
        let moved = priorities
            .iter()
            .flat_map(|(arn, priority)| known_by(state, arn).map(move |id| (id, to(priority))));
        return moved.collect();
    }
    let nothing = TreeText::of(&Tree::Null);
    let fields: Vec<Change> = match action.verb {
        Verb::Update | Verb::Tag | Verb::Untag => action
            .changes
            .iter()
            .map(|change| (change.path.clone(), TreeText::of(&change.old), TreeText::of(&change.new)))
            .collect(),
        Verb::Delete => vec![(ResourceRecord::WHOLE.to_owned(), nothing.clone(), nothing)],
        Verb::Create | Verb::Register | Verb::Run | Verb::Stop | Verb::Deregister => Vec::new(),
    };
    let arn = match observed.seen(&action.resource) {
        Seen::Present(Identity { arn, .. }) => Some(arn),
        Seen::Absent | Seen::NotRead | Seen::Unknown(_) => None,
    };
    let mut ids: BTreeSet<ResourceId> = arn.into_iter().flat_map(|arn| known_by(state, arn)).collect();
    ids.insert(action.resource.clone());
    ids.into_iter().map(|id| (id, fields.clone())).collect()
}

/// The keys that an ARN is recorded under.
fn known_by<'s>(state: &'s RolloutState, arn: &'s str) -> impl Iterator<Item = ResourceId> + 's {
    state.arns().filter(move |(_, known)| *known == arn).map(|(id, _)| id.clone())
}
