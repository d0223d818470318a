//! Kubernetes CustomResourceDefinitions, for clusters that hold the documents, and for tools that
//! know CRDs.
//!
//! The schema comes from the types through the same transforms as `kube`'s derive; rules that types
//! cannot express are added from the table [`RULES`], so that they stand in one place and the typed
//! specs stay free of Kubernetes.

use super::{NAME_PATTERN, require_undefaulted};
use crate::model::finding::Finding;
use crate::model::kinds::Kind;
use crate::model::resource::Tree;
use kube::core::schema::{OptionalEnum, OptionalIntOrString, StructuralSchemaRewriter};
use schemars::generate::SchemaSettings;
use schemars::transform::AddNullable;
use serde_json::{Map, json};

/// A CEL rule: schema path under `spec` (`*` for the values of a map, `[]` for the items of a
/// list), rule, message.
type CelRule = (&'static str, &'static str, &'static str);

/// What is checked for every kind, where its schema has such a path.
pub(super) const RULES: [CelRule; 12] = [
    (
        "components.*",
        "[has(self.service), has(self.task), has(self.singleton)].filter(given, given).size() == 1",
        "exactly one of service, task, singleton",
    ),
    (
        "components.*.service",
        "!(has(self.launchType) && has(self.capacityProviderStrategy))",
        "launchType and capacityProviderStrategy exclude each other",
    ),
    (
        "components.*.service",
        "!has(self.healthCheckGracePeriodSeconds) || has(self.loadBalancers)",
        "a grace period needs a load balancer",
    ),
    (
        "components.*.service.autoscaling",
        "self.minCapacity <= self.maxCapacity",
        "minCapacity must not be above maxCapacity",
    ),
    (
        "components.*.service.loadBalancers.[]",
        "has(self.targetGroup) != has(self.targetGroupArn)",
        "exactly one of targetGroup, targetGroupArn",
    ),
    (
        "components.*.singleton",
        "!has(self.desiredCount) || self.desiredCount <= 1",
        "a singleton runs one task at most",
    ),
    ("components.*.singleton", "!has(self.autoscaling)", "a singleton cannot be scaled"),
    (
        "components.*.task",
        "!(has(self.launchType) && has(self.capacityProviderStrategy))",
        "launchType and capacityProviderStrategy exclude each other",
    ),
    ("rules.*", "has(self.listener) != has(self.listenerArn)", "exactly one of listener, listenerArn"),
    ("rules.*", "self.priority >= 1 && self.priority <= 50000", "priority is 1 to 50000"),
    ("rules.*", "self.actions.size() == 1", "exactly one action"),
    ("suspend", "self.by != '' && self.reason != ''", "a pause says who asked for it and why"),
];

/// Formats that Kubernetes knows. Source: Kubernetes API, `SupportedFormats` of apiextensions
/// validation.
const FORMATS: [&str; 6] = ["int32", "int64", "float", "double", "date-time", "date"];

/// The CustomResourceDefinition (`apiextensions.k8s.io/v1`) of a kind: namespaced, with a status
/// subresource.
///
/// **Guarantees**: the schema is structural; every rule compiles (both tested).
pub fn crd(kind: Kind) -> Tree {
    let (plural, lower) = (kind.plural(), kind.as_str().to_ascii_lowercase());
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.evenkeel.dev")},
        "spec": {
            "group": "evenkeel.dev",
            "scope": "Namespaced",
            "names": {
                "kind": kind.as_str(),
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": lower,
                "categories": ["evenkeel"],
            },
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns(),
                "schema": {"openAPIV3Schema": document(kind)},
            }],
        },
    })
}

/// Checks a document against the CEL rules of its kind, as a Kubernetes API server would.
///
/// **Assumes**: the document fits the schema; a rule that cannot be evaluated because a field has
/// another type is a finding as well.
pub fn cel_findings(kind: Kind, document: &Tree) -> Vec<Finding> {
    let schema = self::document(kind);
    let Err(errors) = kube::core::cel::Validator::new().validate(&schema, document, None) else {
        return Vec::new();
    };
    errors.into_vec().into_iter().map(|error| Finding::error(error.field_path, error.message, "")).collect()
}

fn columns() -> Tree {
    let condition = |kind: &str, field: &str| format!(".status.conditions[?(@.type==\"{kind}\")].{field}");
    json!([
        {"name": "Ready", "type": "string", "jsonPath": condition("Ready", "status")},
        {"name": "Reason", "type": "string", "jsonPath": condition("Ready", "reason")},
        {"name": "Cluster", "type": "string", "jsonPath": ".spec.placement.cluster"},
        {"name": "Region", "type": "string", "jsonPath": ".spec.placement.region", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}

fn document(kind: Kind) -> Tree {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    let mut generator = settings
        .with_transform(AddNullable::default())
        .with_transform(StructuralSchemaRewriter)
        .with_transform(OptionalEnum)
        .with_transform(OptionalIntOrString)
        .into_generator();
    let mut spec = kind.spec_schema(&mut generator).to_value();
    for transform in generator.transforms_mut() {
        if let Ok(schema) = (&mut spec).try_into() {
            transform.transform(schema);
        }
    }
    require_undefaulted(&mut spec);
    to_kubernetes(&mut spec);
    for (path, rule, message) in RULES {
        let segments: Vec<&str> = path.split('.').collect();
        if let Some(schema) = at(&mut spec, &segments) {
            let rules = schema.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
            if let Some(rules) = rules.as_array_mut() {
                rules.push(json!({"rule": rule, "message": message}));
            }
        }
    }
    json!({
        "type": "object",
        "description": format!("A document of kind {kind}."),
        "required": ["spec"],
        "properties": {"spec": spec, "status": status()},
        "x-kubernetes-validations": [{
            "rule": format!("self.metadata.name.matches('{NAME_PATTERN}')"),
            "message": "the name is 1 to 63 lower-case letters, digits and hyphens, starting with a letter",
        }],
    })
}

/// What `ctl status` shows; only the conditions are fixed.
fn status() -> Tree {
    json!({
        "type": "object",
        "description": "What was last seen and done; written by the controller.",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "observedGeneration": {"type": "integer", "format": "int64"},
            "conditions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type", "status", "reason", "message"],
                    "properties": {
                        "type": {"type": "string"},
                        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                        "observedGeneration": {"type": "integer", "format": "int64"},
                        "lastTransitionTime": {"type": "string", "format": "date-time"},
                    },
                },
            },
        },
    })
}

/// Takes out what a structural schema may not have: `additionalProperties: false`, defaults (the
/// controller fills them), unknown formats, titles and `$schema`.
fn to_kubernetes(schema: &mut Tree) {
    let Some(fields) = schema.as_object_mut() else { return };
    for key in ["$schema", "title", "default", "definitions"] {
        fields.remove(key);
    }
    if fields.get("additionalProperties") == Some(&Tree::Bool(false)) {
        fields.remove("additionalProperties");
    }
    let known = fields.get("format").and_then(Tree::as_str).is_some_and(|format| FORMATS.contains(&format));
    if !known {
        fields.remove("format");
    }
    if fields.contains_key("x-kubernetes-int-or-string") {
        fields.remove("type");
        fields.insert("anyOf".to_owned(), json!([{"type": "integer"}, {"type": "string"}]));
        return;
    }
    if let Some(properties) = fields.get_mut("properties").and_then(Tree::as_object_mut) {
        properties.values_mut().for_each(to_kubernetes);
    }
    for key in ["additionalProperties", "items"] {
        if let Some(inner) = fields.get_mut(key) {
            to_kubernetes(inner);
        }
    }
}

fn at<'a>(schema: &'a mut Tree, segments: &[&str]) -> Option<&'a mut Map<String, Tree>> {
    let [first, rest @ ..] = segments else { return schema.as_object_mut() };
    let next = match *first {
        "*" => schema.get_mut("additionalProperties")?,
        "[]" => schema.get_mut("items")?,
        name => schema.get_mut("properties")?.get_mut(name)?,
    };
    at(next, rest)
}
