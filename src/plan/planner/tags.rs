//! Tags that a document no longer declares are taken off where they were put; tags of others stay.
//! The owner tag that something of ours has lost comes back before anything else is done to it.

use super::Draft;
use crate::model::call::{Call, Verb};
use crate::model::observed::ObservedService;
use crate::model::plan::{FieldChange, Impact, Ownership, Reason};
use crate::model::resource::{ResourceId, TAG_OWNER, Tree};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Takes off what `observed` still has of the tags that were put on a resource and are declared no
/// longer. That is a change of the declaration, not drift.
pub(super) fn take_off(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    observed: &BTreeMap<String, String>,
    call: impl FnOnce(BTreeSet<String>) -> Call,
) {
    let declared = draft.tags(id);
    let written = draft.input.rollout.resources.get(id).into_iter().flat_map(|known| known.put_on());
    let keys: BTreeSet<String> = written
        .filter_map(|path| path.strip_prefix("tags."))
        .filter(|key| !declared.contains_key(*key) && observed.contains_key(*key))
        .map(str::to_owned)
        .collect();
    if keys.is_empty() {
        return;
    }
    let change = |key: &String| FieldChange {
        path: format!("tags.{key}"),
        old: json!(observed[key]),
        new: Tree::Null,
        owner: Ownership::Declared,
        impact: Impact::None,
    };
    let changes = keys.iter().map(change).collect();
    draft.act(id, Verb::Untag, call(keys), Reason::Changed, changes);
}

/// Gives what is to be removed or moved its owner tag, which someone took, or which still names the
/// document that it comes from: a policy lets its holder change only what carries that tag. Answers
/// whether it had to; then what is to be done with it waits for the next pass.
pub(super) fn give_back_owner(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    observed: &BTreeMap<String, String>,
    before: &str,
    reason: Reason,
    call: impl FnOnce(BTreeMap<String, String>) -> Call,
) -> bool {
    let owner = draft.input.desired.deployment.to_string();
    if observed.get(TAG_OWNER) == Some(&owner) {
        return false;
    }
    let call = call(BTreeMap::from([(TAG_OWNER.to_owned(), owner.clone())]));
    // It may be known by two keys, or be in the way of several.
    if draft.actions.iter().any(|action| action.call == call) {
        return true;
    }
    let change = FieldChange {
        path: format!("tags.{TAG_OWNER}"),
        old: json!(observed.get(TAG_OWNER)),
        new: json!(owner),
        owner: Ownership::Declared,
        impact: Impact::None,
    };
    let back = if observed.contains_key(TAG_OWNER) { "" } else { " back" };
    let message =
        format!("gets its owner tag{back} before it is {before}: without it that may not be allowed");
    draft.note(id, message, false);
    draft.act(id, Verb::Tag, call, reason, vec![change]);
    true
}

/// The same for a service.
pub(super) fn give_service_back(draft: &mut Draft<'_>, id: &ResourceId, service: &ObservedService) -> bool {
    let why = Reason::Undeclared;
    give_back_owner(draft, id, &service.tags, "removed", why, |tags| Call::TagEcs {
        arn: service.arn.clone(),
        tags,
    })
}
