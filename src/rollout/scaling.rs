//! Services that we scaled to nothing: how many tasks they had is kept, so that they have them
//! again when they are declared again without a count.

use crate::model::call::{Call, Verb};
use crate::model::desired::ResolvedState;
use crate::model::observed::{Identity, ObservedState, Seen};
use crate::model::plan::{ActionResult, Outcome, Plan, PlannedAction, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::resource_record::FormerCount;
use crate::model::rollout::RolloutState;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// Notes the counts that a plan is about to take away, before it does.
pub(super) fn note_former_counts(
    state: &mut RolloutState,
    observed: &ObservedState,
    plan: &Plan,
    now: Timestamp,
) {
    for action in &plan.actions {
        let Some(count) = taken_away(action) else { continue };
        let Some(arn) = arn_of(observed, &action.resource) else { continue };
        let known = state.resource_mut(&action.resource);
        known.former_count = Some(Box::new(FormerCount { arn, count, at: now }));
    }
}

/// Forgets the counts of what has tasks again, says itself how many it wants, or is gone.
///
/// **Never** forgets on the word of a read that may be older than the scaling.
pub(super) fn forget_former_counts(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    observed: &ObservedState,
    plan: &Plan,
    outcomes: &[Outcome],
) {
    let mut over: BTreeSet<String> = BTreeSet::new();
    for outcome in outcomes {
        let Some(action) = plan.actions.get(outcome.action) else { continue };
        if let ActionResult::Done { arn, .. } = &outcome.result
            && sets_a_count(action)
        {
            over.extend(arn.clone().or_else(|| arn_of(observed, &action.resource)));
        }
    }
    for (name, component) in &resolved.components {
        let Some(Seen::Present(service)) = observed.services.get(name) else { continue };
        let counts = component.fields.as_ref().is_some_and(|fields| !fields["desiredCount"].is_null());
        let was_shown = |at: Timestamp| observed.at.duration_since(at) > RolloutState::SHOWN_WITHIN;
        let mut former = state.resources.values().filter_map(|known| known.former_count.as_ref());
        let former = former.find(|former| former.arn == service.arn);
        if former.is_some_and(|former| counts || (service.desired > 0 && was_shown(former.at))) {
            over.insert(service.arn.clone());
        }
    }
    let known: BTreeSet<String> = state.arns().map(|(_, arn)| arn.to_owned()).collect();
    for record in state.resources.values_mut() {
        let stays = |former: &FormerCount| known.contains(&former.arn) && !over.contains(&former.arn);
        record.former_count = record.former_count.take().filter(|former| stays(former));
    }
}

/// How many tasks an action takes away from a service that is not to have any more.
fn taken_away(action: &PlannedAction) -> Option<u32> {
    let to_none = action.call.fields()?["desiredCount"] == 0;
    if action.verb != Verb::Update || action.reason != Reason::Undeclared || !to_none {
        return None;
    }
    let change = action.changes.iter().find(|change| change.path == "desiredCount")?;
    u32::try_from(change.old.as_u64()?).ok()
}

/// Whether an action says how many tasks a service is to have, other than none.
fn sets_a_count(action: &PlannedAction) -> bool {
    let is_of_service = matches!(action.call, Call::CreateService { .. } | Call::UpdateService { .. });
    let count = action.call.fields().map_or(&Value::Null, |fields| &fields["desiredCount"]);
    is_of_service && action.resource.kind == ResourceKind::Service && count.as_u64().is_some_and(|n| n > 0)
}

fn arn_of(observed: &ObservedState, id: &ResourceId) -> Option<String> {
    match observed.seen(id) {
        Seen::Present(Identity { arn, .. }) => Some(arn.to_owned()),
        Seen::Absent | Seen::NotRead | Seen::Unknown(_) => None,
    }
}
