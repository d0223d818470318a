//! Fields that point at something by its key or name, as data: where they stand, what they point
//! at, and which field AWS takes in their place.

use super::fields::{Fields, object};
use crate::model::arn::Arn;
use crate::model::canonical::canonical_json;
use crate::model::resource::{ResourceKind, Tree};

/// A field that points at something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    /// Path of the field; `[]` stands behind a list and means each of its items.
    pub(super) path: &'static str,
    /// What it points at.
    pub(super) to: To,
    /// The field beside it that AWS takes. When it is the field itself, an ARN may be declared in
    /// it, too, and stays. Of a list of keys (the path ends with `[]`) it is a list, too, to which
    /// what was found is added.
    pub(super) becomes: &'static str,
}

/// What a reference points at.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// A resource of this document, by its key; AWS takes its ARN.
    Resource(ResourceKind),
    /// The same, of which AWS takes this field.
    FieldOf(ResourceKind, &'static str),
    /// A load balancer, by name or ARN.
    LoadBalancer,
}

/// Puts what AWS takes in the place of every reference. One that `find` finds nothing for is taken
/// out; why it found nothing is its own to keep.
pub(super) fn resolve(
    fields: &mut Fields,
    references: &[Reference],
    mut find: impl FnMut(To, &str) -> Option<String>,
) {
    for reference in references {
        let mut find = |text: &str| find(reference.to, text);
        at(fields, reference.path, &mut |fields, last| one(fields, last, reference.becomes, &mut find));
    }
}

/// Every reference of a tree, with what it points at and the text that it does it by.
pub(super) fn named<'f>(tree: &'f Tree, references: &[Reference]) -> Vec<(To, &'f str)> {
    let mut found = Vec::new();
    for reference in references {
        texts(tree, reference.path, &mut |text| found.push((reference.to, text)));
    }
    found
}

fn texts<'f>(tree: &'f Tree, path: &str, found: &mut impl FnMut(&'f str)) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let below = match first.strip_suffix("[]") {
        Some(list) => tree.get(list).and_then(Tree::as_array).map_or(&[][..], Vec::as_slice),
        None => tree.get(first).map_or(&[][..], std::slice::from_ref),
    };
    for item in below {
        match item.as_str() {
            Some(text) if rest.is_empty() => found(text),
            _ => texts(item, rest, found),
        }
    }
}

/// Calls `change` with every object that the path leads to, and the last part of the path.
fn at(fields: &mut Fields, path: &str, change: &mut impl FnMut(&mut Fields, &str)) {
    let Some((first, rest)) = path.split_once('.') else { return change(fields, path) };
    match first.strip_suffix("[]") {
        Some(list) => super::fields::each(fields, list, |item| at(item, rest, change)),
        None => {
            if let Some(inner) = object(fields, first) {
                at(inner, rest, change);
            }
        }
    }
}

fn one(fields: &mut Fields, field: &str, becomes: &str, find: &mut impl FnMut(&str) -> Option<String>) {
    if let Some(list) = field.strip_suffix("[]") {
        return several(fields, list, becomes, find);
    }
    let Some(text) = fields.get(field).and_then(Tree::as_str).map(str::to_owned) else { return };
    if field == becomes && Arn::parse(&text).is_some() {
        return;
    }
    fields.remove(field);
    if let Some(found) = find(&text) {
        fields.insert(becomes.to_owned(), found.into());
    }
}

fn several(fields: &mut Fields, list: &str, becomes: &str, find: &mut impl FnMut(&str) -> Option<String>) {
    let Some(Tree::Array(keys)) = fields.remove(list) else { return };
    let found: Vec<Tree> = keys.iter().filter_map(Tree::as_str).filter_map(find).map(Tree::from).collect();
    if let Some(others) = fields.entry(becomes).or_insert_with(|| Tree::Array(Vec::new())).as_array_mut() {
        others.extend(found);
        others.sort_by_cached_key(canonical_json);
        others.dedup();
    }
}
