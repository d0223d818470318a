//! The resources that are declared under a key of their own: one file per type, with what a
//! declaration means, what AWS would refuse of it, what it claims and what it points at.
//!
//! To add a type: its file here and its line in [`of`].

mod action;
mod alarm;
mod attributes;
mod condition;
mod listener;
mod log_group;
mod rule;
mod target_group;

use super::fields::Fields;
use super::references::Reference;
use crate::model::desired::{DesiredResource, DesiredState};
use crate::model::finding::Findings;
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use std::collections::BTreeMap;
use strum::IntoEnumIterator;

/// What this layer knows of one type of resource.
pub(super) trait ResourceType {
    /// All that are declared, by key, with AWS's fixed defaults written out and references still as
    /// declared. Only called with an application that is free of errors.
    fn lower(&self, name: &DeploymentName, spec: &ApplicationSpec) -> Vec<(String, DesiredResource)>;

    /// Finds what AWS would refuse.
    fn check(&self, findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec);

    /// What one of them claims in its account and region; none while that is not known.
    fn claim(&self, state: &DesiredState, id: &ResourceId, fields: &Tree) -> Option<Claim>;

    /// The fields that point at other resources.
    fn references(&self) -> &'static [Reference] {
        &[]
    }

    /// Brings resolved fields into their one form, where that depends on what references became.
    fn settle(&self, _fields: &mut Fields) {}
}

/// The type of a resource; none for what runs, which is declared as a component.
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

/// What only one document may declare.
pub(super) struct Claim {
    /// In words, such as ``target group `web` ``: equal words are equal claims.
    pub(super) what: String,
    /// Settings that must agree when it may be declared by several.
    pub(super) settings: Option<Tree>,
}

impl Claim {
    /// Of something that one document declares.
    pub(super) fn alone(what: String) -> Self {
        Self { what, settings: None }
    }

    /// Of something that several may declare with the same settings.
    pub(super) fn shared(what: String, settings: Tree) -> Self {
        Self { what, settings: Some(settings) }
    }
}

/// All resources of an application.
pub(super) fn lower(name: &DeploymentName, spec: &ApplicationSpec) -> BTreeMap<ResourceId, DesiredResource> {
    let mut all = BTreeMap::new();
    for (kind, of_type) in types() {
        let lowered = of_type.lower(name, spec).into_iter();
        all.extend(lowered.map(|(key, resource)| (ResourceId::new(kind, key), resource)));
    }
    all
}

/// Finds what AWS would refuse of any of them.
pub(super) fn check(findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
    for (_, of_type) in types() {
        of_type.check(findings, name, spec);
    }
}

fn types() -> impl Iterator<Item = (ResourceKind, &'static dyn ResourceType)> {
    ResourceKind::iter().filter_map(|kind| Some((kind, of(kind)?)))
}

/// A resource that goes or stays as the whole document says.
fn whole(spec: &ApplicationSpec, fields: Tree) -> DesiredResource {
    DesiredResource { fields, deletion_policy: spec.deletion_policy }
}

/// Says that a key of this document is not declared, and which ones are.
pub(super) fn no_such<'k>(
    findings: &mut Findings,
    field: String,
    kind: ResourceKind,
    key: &str,
    known: impl Iterator<Item = &'k String>,
) {
    let info = kind.info();
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = format!("spec.{} has {}", info.spec_key, listed(&known));
    findings.error(field, format!("there is no {} `{key}`", info.noun), help);
}

/// `a, b`, or `none`.
pub(super) fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
