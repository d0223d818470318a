//! The JSON Schema of a whole document, by kind, made from the very types that it is parsed into.

use crate::model::kinds::application::ApplicationSpec;
use crate::model::kinds::datero::DateroSpec;
use crate::model::kinds::pulumi::PulumiServiceSpec;
use crate::model::kinds::zenml::ZenMLWorkspaceSpec;
use crate::model::kinds::{API_VERSION, Kind, Metadata};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SCHEMAS: LazyLock<BTreeMap<Kind, Value>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, generate(Some(kind)))).collect());
static HEADER: LazyLock<Value> = LazyLock::new(|| generate(None));

/// The schema of a document of `kind`; without a kind, one that takes any `kind` and `spec`, to
/// check the rest by.
pub(super) fn document_schema(kind: Option<Kind>) -> &'static Value {
    match kind {
        Some(kind) => &SCHEMAS[&kind],
        None => &HEADER,
    }
}

fn generate(kind: Option<Kind>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let metadata = generator.subschema_for::<Metadata>();
    let spec = kind.map_or_else(Default::default, |kind| match kind {
        Kind::Application => generator.subschema_for::<ApplicationSpec>(),
        Kind::PulumiService => generator.subschema_for::<PulumiServiceSpec>(),
        Kind::ZenMLWorkspace => generator.subschema_for::<ZenMLWorkspaceSpec>(),
        Kind::Datero => generator.subschema_for::<DateroSpec>(),
    });
    let kinds: Vec<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
    json!({
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "enum": [API_VERSION]},
            "kind": {"type": "string", "enum": kinds},
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "$defs": generator.take_definitions(true),
    })
}

/// The schema that a `$ref` chain ends at; an unknown one allows anything, and serde decides.
pub(super) fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    static ANYTHING: Value = Value::Bool(true);
    for _ in 0..16 {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        schema = target.unwrap_or(&ANYTHING);
    }
    &ANYTHING
}
