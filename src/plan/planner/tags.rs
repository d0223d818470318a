//! Tags that a document no longer declares: they are taken off where they were put; tags of others
//! stay.

use super::Draft;
use crate::model::call::{Call, Verb};
use crate::model::plan::{FieldChange, Impact, Ownership, Reason};
use crate::model::resource::{ResourceId, Tree};
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
    let written = draft.input.rollout.resources.get(id).into_iter().flat_map(|known| &known.written);
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
