//! Repairs that do not last: somebody else writes the same thing, or AWS says yes and keeps
//! something else.
//!
//! Writing it again in every pass would be a fight, and where a field starts a deployment, a loop
//! of deployments. So a repair that was done a few times and is needed again waits, longer each
//! time, and says so; an edit of the document, a retry among them, begins anew.

use super::{Draft, seen};
use crate::model::arn::family_revision;
use crate::model::plan::{Note, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::resource_record::Repairs;

/// Takes the repairs out of a plan that were done often enough and not long ago.
pub(super) fn hold(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (resource, known) in &input.rollout.resources {
        let Some(repairs) = &known.repairs else { continue };
        let until = repairs.held_until();
        // One from the future was kept while the clock was ahead, and holds nothing.
        let held = (repairs.at..until).contains(&input.now);
        if !held || Repairs::wanted(&draft.drift, resource).as_ref() != Some(&repairs.what) {
            continue;
        }
        let mut actions = draft.actions.iter().filter(|action| action.resource == *resource);
        if !actions.all(|action| matches!(action.reason, Reason::Drifted | Reason::Deleted)) {
            continue;
        }
        draft.actions.retain(|action| action.resource != *resource);
        let mut fields: Vec<String> = Vec::new();
        for drift in draft.drift.iter_mut().filter(|drift| drift.resource == *resource && drift.repaired) {
            drift.repaired = false;
            fields.extend(drift.change.as_ref().map(|change| change.path.clone()));
        }
        let times = repairs.times;
        let what = if fields.is_empty() {
            format!("it was made again {times} times and is gone again: somebody else deletes it")
        } else {
            let fields = fields.join(", ");
            let theirs = other_revision(draft, resource).unwrap_or_default();
            format!(
                "{fields} was put right {times} times and is different again: somebody else writes it, or AWS keeps something else{theirs}"
            )
        };
        let message = format!(
            "{what}; stop the other writer, declare what stays, or leave it alone with `spec.drift`; the next try is at {until:.0}, or \
             at once with another retry annotation"
        );
        draft.notes.insert(Note { resource: resource.clone(), message, blocks: true, next_try: Some(until) });
    }
}

/// What a service runs in the place of the revision that is wanted, and who registered that.
fn other_revision(draft: &Draft<'_>, resource: &ResourceId) -> Option<String> {
    let input = draft.input;
    if resource.kind != ResourceKind::Service {
        return None;
    }
    let service = seen(&input.observed.services, resource.key.as_str()).present()?;
    let wanted = input.rollout.components.get(resource.key.as_str())?.revision.as_ref()?;
    if wanted.arn == service.task_definition {
        return None;
    }
    let mut told = format!("; it points at {}", family_revision(&service.task_definition));
    let shown = seen(&input.observed.definitions, &service.task_definition).present();
    if let Some(definition) = shown {
        if let Some(by) = &definition.registered_by {
            told += &format!(", which {by} registered");
        }
        let containers = definition.fields["containerDefinitions"].as_array();
        let images = containers.into_iter().flatten().filter_map(|container| container["image"].as_str());
        told += &format!(", with image {}", images.collect::<Vec<_>>().join(", "));
    }
    Some(told)
}
