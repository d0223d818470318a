//! Reading and changing fields in place.

use crate::model::resource::Tree;
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
