//! Whether all that is declared is complete, so that what is no longer declared can go.

use super::{Draft, seen};
use crate::model::call::Verb;
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::observed::{Readiness, Seen};
use crate::model::plan::{Waiting, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind};
use std::collections::BTreeSet;

/// The first declared thing that is not complete, and what it lacks; `None` when everything was
/// seen to be there, ours, as declared and steady.
///
/// Called when the plan holds all about what is declared and nothing yet about what is not.
pub(super) fn first(draft: &Draft<'_>) -> Option<WaitingOn> {
    let desired = draft.input.desired;
    let components = desired.components.values().map(id_of);
    let declared: BTreeSet<ResourceId> = desired.resources.keys().cloned().chain(components).collect();
    let lacks =
        |what: &ResourceId, because: String| Some(WaitingOn::Declared { what: what.clone(), because });
    if let Some(note) = draft.notes.iter().find(|note| note.blocks && declared.contains(&note.resource)) {
        return lacks(&note.resource, note.message.clone());
    }
    // A service that stays in a group for the traffic of what is to go would be waited for by that.
    let holds = |waiting: &&Waiting| {
        declared.contains(&waiting.resource) && !matches!(waiting.on, WaitingOn::InUse { .. })
    };
    if let Some(waiting) = draft.waiting.iter().find(holds) {
        return lacks(&waiting.resource, waiting.on.to_string());
    }
    // A revision that is registered, or a task that is run, is an action of its component.
    let of_declared =
        |id: &ResourceId| declared.contains(id) || desired.components.contains_key(id.key.as_str());
    let makes = |verb: Verb| {
        matches!(verb, Verb::Create | Verb::Register | Verb::Run | Verb::Update | Verb::Stop | Verb::Delete)
    };
    if let Some(action) = draft.actions.iter().find(|a| makes(a.verb) && of_declared(&a.resource)) {
        return lacks(&action.resource, format!("{} is planned", action.call.operation()));
    }
    let mut resources = desired.resources.keys();
    let unready = resources.find(|id| {
        let resource = seen(&draft.input.observed.resources, *id).present();
        !resource.is_some_and(|resource| {
            let ours = draft.owner(id, &resource.arn, &resource.tags).is_ours();
            (ours || draft.is_shared(id, &resource.tags)) && resource.readiness == Readiness::Ready
        })
    });
    if let Some(id) = unready {
        return lacks(id, "it was not seen to be there and ready".to_owned());
    }
    desired
        .components
        .values()
        .find_map(|component| lacking(draft, component).and_then(|because| lacks(&id_of(component), because)))
}

fn id_of(component: &DesiredComponent) -> ResourceId {
    let kind = match component.workload {
        Workload::Service { .. } => ResourceKind::Service,
        Workload::Task { .. } => ResourceKind::Task,
    };
    ResourceId::new(kind, component.name.as_str())
}

/// What a component lacks to be complete at the content that is wanted.
pub(super) fn lacking(draft: &Draft<'_>, component: &DesiredComponent) -> Option<String> {
    let input = draft.input;
    let rollout = input.rollout.components.get(&component.name);
    let wanted = input.resolved.components.get(&component.name).and_then(|known| known.definition.as_ref());
    let (Some(rollout), Some(wanted)) = (rollout, wanted) else { return Some("it has not begun".to_owned()) };
    if !rollout.phase.is_complete_at(&wanted.hash) {
        return Some(format!("it is not complete ({})", rollout.phase.word()));
    }
    let Workload::Service { .. } = component.workload else { return None };
    match seen(&input.observed.services, &component.name) {
        Seen::Present(service) if service.is_steady() => None,
        Seen::Present(_) => Some("ECS is at work on it".to_owned()),
        Seen::Absent => Some("it is not there".to_owned()),
        Seen::Unknown(_) | Seen::NotRead => Some("it was not seen".to_owned()),
    }
}
