//! The schema by which a document is checked before it is parsed: what it takes, serde takes.

use crate::model::kinds::{API_VERSION, Kind, Metadata};
use crate::model::resource::Tree;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::json;
use std::sync::{LazyLock, OnceLock};

static BY_KIND: [OnceLock<Tree>; Kind::ALL.len()] = [const { OnceLock::new() }; Kind::ALL.len()];
static OF_NO_KIND: LazyLock<Tree> = LazyLock::new(|| generate(None));

/// The JSON Schema (2020-12) of a document of `kind`; without a kind, one that takes any `kind` and
/// `spec`, to check the rest by. It holds what is checked, and nothing in words; each is made when
/// it is first asked for.
pub fn parser_schema(kind: Option<Kind>) -> &'static Tree {
    match kind {
        Some(kind) => BY_KIND[kind as usize].get_or_init(|| generate(Some(kind))),
        None => &OF_NO_KIND,
    }
}

/// Takes out of a schema what is for people.
fn without_words(schema: &mut Schema) {
    for word in ["description", "title", "default", "examples"] {
        schema.remove(word);
    }
}

fn generate(kind: Option<Kind>) -> Tree {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_words));
    let mut generator = settings.into_generator();
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
