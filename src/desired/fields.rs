//! Reading and changing fields in place.

use crate::model::canonical::canonical_json;
use crate::model::resource::Tree;
use serde::Serialize;
use serde_json::Map;

/// The fields of one object of a tree.
pub(super) type Fields = Map<String, Tree>;

/// Changes every object in the list of that name; nothing when there is no such list.
pub(super) fn each(fields: &mut Fields, key: &str, mut change: impl FnMut(&mut Fields)) {
    let items = fields.get_mut(key).and_then(Tree::as_array_mut);
    for item in items.into_iter().flatten().filter_map(Tree::as_object_mut) {
        change(item);
    }
}

/// The object of that name.
pub(super) fn object<'a>(fields: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    fields.get_mut(key)?.as_object_mut()
}

/// A typed part of a document as fields.
pub(super) fn fields_of(part: &impl Serialize) -> Fields {
    match serde_json::to_value(part).expect("declared parts have only text keys and finite numbers") {
        Tree::Object(fields) => fields,
        other => unreachable!("a struct became {other}"),
    }
}

/// Sets a field that is not set.
pub(super) fn fill(fields: &mut Fields, key: &str, default: impl Into<Tree>) {
    fields.entry(key).or_insert_with(|| default.into());
}

/// Sorts a list whose order means nothing to AWS.
pub(super) fn sort(fields: &mut Fields, key: &str) {
    if let Some(items) = fields.get_mut(key).and_then(Tree::as_array_mut) {
        items.sort_by_cached_key(canonical_json);
    }
}
