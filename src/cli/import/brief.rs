//! Leaves out of a document what says nothing: AWS's defaults, and Evenkeel's own.
//!
//! No list of defaults is kept here. A member goes when the document without it is lowered to the
//! same desired state, as the ownership table compares fields: what is read there as a default is
//! one, and what its absence would leave to others stays.

use crate::desired;
use crate::model::desired::{DesiredComponent, DesiredState, Workload};
use crate::model::ids::Generation;
use crate::model::kinds::Document;
use crate::model::resource::{ResourceKind, Tree};
use crate::plan::diff::differences;
use crate::plan::table::{Compare, rows};
use std::collections::BTreeSet;

/// Maps of the spec whose values are shortened.
const MAPS: [&str; 5] = ["logGroups", "targetGroups", "listeners", "rules", "components"];

/// The same document, shorter. One that is refused is left as it is.
pub(super) fn brief(document: Tree) -> Tree {
    let mut document = document;
    for map in MAPS {
        let keys: Vec<String> =
            document["spec"][map].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        for key in keys {
            shorten(&mut document, map, &key);
        }
    }
    document
}

/// Shortens one component or resource, in a document in which it is the only component: what others
/// declare makes no difference to it, and takes time.
fn shorten(document: &mut Tree, map: &str, key: &str) {
    let mut small = document.clone();
    if map == "components" {
        let component = small["spec"][map][key].take();
        small["spec"][map] = Tree::Object([(key.to_owned(), component)].into_iter().collect());
    }
    let Some(whole) = lowered(&small) else { return };
    let pointer = format!("/spec/{map}/{}", key.replace('~', "~0").replace('/', "~1"));
    shorten_below(&mut small, &pointer, &whole);
    document["spec"][map][key] = small["spec"][map][key].take();
}

/// Tries every member of an object, the outer ones first.
fn shorten_below(document: &mut Tree, pointer: &str, whole: &DesiredState) {
    let members: Vec<String> = match document.pointer(pointer) {
        Some(Tree::Object(members)) => members.keys().cloned().collect(),
        Some(Tree::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => return,
    };
    for member in members {
        let below = format!("{pointer}/{}", member.replace('~', "~0").replace('/', "~1"));
        let parent = document.pointer_mut(pointer).and_then(Tree::as_object_mut);
        if let Some(value) = parent.and_then(|parent| parent.remove(&member)) {
            if lowered(document).is_some_and(|shorter| is_same(whole, &shorter)) {
                continue;
            }
            if let Some(parent) = document.pointer_mut(pointer).and_then(Tree::as_object_mut) {
                parent.insert(member, value);
            }
        }
        shorten_below(document, &below, whole);
    }
}

fn lowered(document: &Tree) -> Option<DesiredState> {
    let document: Document = serde_json::from_value(document.clone()).ok()?;
    desired::lower(&document, Generation(1)).0
}

/// Whether two documents want the same: nothing would be written to get from one to the other.
fn is_same(whole: &DesiredState, shorter: &DesiredState) -> bool {
    let resources = whole.resources.len() == shorter.resources.len()
        && whole.resources.iter().all(|(id, resource)| {
            shorter
                .resources
                .get(id)
                .is_some_and(|other| is_same_tree(id.kind, &resource.fields, &other.fields))
        });
    resources
        && whole.components.len() == shorter.components.len()
        && whole.components.iter().all(|(name, component)| {
            shorter.components.get(name).is_some_and(|other| is_same_component(component, other))
        })
}

fn is_same_component(whole: &DesiredComponent, shorter: &DesiredComponent) -> bool {
    let settings = |component: &DesiredComponent| {
        let mut component = component.clone();
        let (Workload::Service { fields, .. } | Workload::Task { fields, .. }) = &mut component.workload;
        let fields = fields.take();
        let definition = component.task_definition.take();
        (component, fields, definition)
    };
    let (one, fields, definition) = settings(whole);
    let (other, other_fields, other_definition) = settings(shorter);
    // A revision is known again by the hash of its content: that has to be the same to the letter.
    one == other
        && definition == other_definition
        && is_same_tree(ResourceKind::Service, &fields, &other_fields)
}

fn is_same_tree(kind: ResourceKind, whole: &Tree, shorter: &Tree) -> bool {
    // What identifies something is never compared by the diff.
    let mut identity = rows(kind).iter().filter(|row| row.compare == Compare::Never);
    let at =
        |tree: &Tree, path: &str| path.split('.').try_fold(tree, |tree, segment| tree.get(segment)).cloned();
    differences(kind, whole, shorter, &BTreeSet::new()).is_empty()
        && identity.all(|row| at(whole, row.path) == at(shorter, row.path))
}
