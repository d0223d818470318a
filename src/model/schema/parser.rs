//! The schema by which a document is checked before it is parsed: what it takes, serde takes.

use crate::model::kinds::{API_VERSION, Kind, Metadata};
use crate::model::resource::Tree;
use schemars::generate::SchemaSettings;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static BY_KIND: LazyLock<BTreeMap<Kind, Tree>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, generate(Some(kind)))).collect());
static OF_NO_KIND: LazyLock<Tree> = LazyLock::new(|| generate(None));

/// The JSON Schema (2020-12) of a document of `kind`; without a kind, one that takes any `kind` and
/// `spec`, to check the rest by.
pub fn parser_schema(kind: Option<Kind>) -> &'static Tree {
    kind.map_or_else(|| &*OF_NO_KIND, |kind| &BY_KIND[&kind])
}

fn generate(kind: Option<Kind>) -> Tree {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let metadata = generator.subschema_for::<Metadata>();
    let spec = kind.map(|kind| kind.spec_schema(&mut generator)).unwrap_or_default();
    json!({
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "enum": [API_VERSION]},
            "kind": {"type": "string", "enum": Kind::ALL.map(Kind::as_str)},
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "$defs": generator.take_definitions(true),
    })
}

/// The schema that a `$ref` chain ends at; an unknown one allows anything, and serde decides.
pub fn referenced<'a>(root: &'a Tree, mut schema: &'a Tree) -> &'a Tree {
    static ANYTHING: Tree = Tree::Bool(true);
    for _ in 0..16 {
        let Some(reference) = schema.get("$ref").and_then(Tree::as_str) else { return schema };
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        schema = target.unwrap_or(&ANYTHING);
    }
    &ANYTHING
}
