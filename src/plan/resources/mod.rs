//! The resources that are declared under a key of their own: one file per type, with its rows, the
//! calls that make, change and remove it, and what holds its removal back.
//!
//! To add a type: its file here and its line in [`of`]. What is declared with
//! the kind itself (whether it is data, what a change of identity does) stands in
//! [`TypeInfo`](crate::model::resource::TypeInfo).

mod alarm;
mod listener;
mod log_group;
mod rule;
pub(super) mod target_group;

use super::PlanInput;
use super::row::{Difference, Row, UpdateCall};
use crate::model::call::{Call, Verb};
use crate::model::observed::ObservedResource;
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What the plan knows of one type of resource.
pub(super) trait ResourceType: Sync {
    /// Every field of it.
    fn rows(&self) -> &'static [Row];

    /// What people find it by in AWS: noun and name, or the place of what has no name.
    fn described(&self, id: &ResourceId, resource: &ObservedResource) -> String {
        let name = resource.fields["name"].as_str().unwrap_or(&id.key);
        format!("{} `{name}`", id.kind.info().noun)
    }

    /// Whether it sends traffic to target groups.
    fn forwards(&self) -> bool {
        false
    }

    /// The calls that make it, in order.
    fn create(&self, id: &ResourceId, fields: &Tree, tags: BTreeMap<String, String>) -> Vec<(Verb, Call)>;

    /// The call of this name with all that it is to change; none when the type has no such call.
    fn update(&self, with: UpdateCall, change: &Change<'_>) -> Option<Call>;

    /// What a person should know of a change of it before it is made, or why a part of it is not.
    fn warns(&self, _id: &ResourceId, _fields: &Tree, _observed: &Tree) -> Option<String> {
        None
    }

    /// Members that somebody else decides on, as it is at present.
    fn left_to_others(&self, _observed: &Tree) -> &'static [&'static str] {
        &[]
    }

    /// What AWS has for a field that nobody names, at a resource with these fields. Only of fields
    /// whose absence in a document leaves them alone, and none where that is not known.
    fn default_of(&self, _fields: &Tree, _path: &str) -> Option<&'static str> {
        None
    }

    /// The call that sets tags.
    fn tag(&self, arn: String, tags: BTreeMap<String, String>) -> Call;

    /// The call that takes tags off.
    fn untag(&self, arn: String, keys: BTreeSet<String>) -> Call;

    /// The call that removes it.
    fn delete(&self, id: &ResourceId, resource: &ObservedResource) -> Call;

    /// A declared resource that stands on it and would be removed with it.
    fn supports(&self, _input: &PlanInput<'_>, _resource: &ObservedResource) -> Option<ResourceId> {
        None
    }

    /// What still uses it, so that AWS would refuse to remove it, or cut off what serves.
    fn used_by(&self, _input: &PlanInput<'_>, _resource: &ObservedResource) -> Option<WaitingOn> {
        None
    }
}

/// The type of a resource; none for what runs, which has rules of its own.
pub(super) fn of(kind: ResourceKind) -> Option<&'static dyn ResourceType> {
    match kind {
        ResourceKind::LogGroup => Some(&log_group::LogGroup),
        ResourceKind::TargetGroup => Some(&target_group::TargetGroup),
        ResourceKind::Listener => Some(&listener::Listener),
        ResourceKind::Rule => Some(&rule::Rule),
        ResourceKind::Alarm => Some(&alarm::Alarm),
        ResourceKind::TaskDefinition | ResourceKind::Task | ResourceKind::Service => None,
    }
}

/// What AWS has for a field of a resource with these fields that nobody names, where that is known.
pub fn default_of(kind: ResourceKind, fields: &Tree, path: &str) -> Option<&'static str> {
    of(kind)?.default_of(fields, path)
}

/// What an update is to change.
pub(super) struct Change<'c> {
    pub id: &'c ResourceId,
    /// As declared.
    pub fields: &'c Tree,
    pub arn: &'c str,
    /// Those that this call carries.
    pub differences: &'c [Difference],
    /// The top-level members that they change, each as a whole, with the defaults that they rely
    /// on.
    pub updated: Map<String, Value>,
    /// As it is.
    pub observed: &'c Tree,
    /// Top-level members that differ and are not to be written.
    pub kept: Vec<String>,
    /// Whether every difference that was seen is written and no part belongs to others.
    pub whole: bool,
}

/// New values of changed map members, as texts, by their keys.
pub(super) fn texts(differences: &[Difference], prefix: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    differences
        .iter()
        .filter_map(|difference| {
            let key = difference.change.path.strip_prefix(prefix)?;
            Some((key.to_owned(), text(&difference.change.new)))
        })
        .collect()
}
