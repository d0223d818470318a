//! Schemas of what people declare, made from the very types that documents are parsed into.
//!
//! Beside them [`output_schemas`] of what is told of deployments.
//!
//! Four forms of the same thing: [`parser_schema`] for reading a document (exactly what serde
//! takes), [`editor_schema`] for editors (with what `desired` demands as well), [`crd`] for
//! Kubernetes (structural, with CEL rules for what types cannot say) and [`explain`] for people.
//! The files under `crds/` are these, written out; a test fails when they are stale.

mod crd;
mod explain;
mod output;
mod parser;
#[cfg(test)]
mod tests;
mod undeclarable;

pub use crd::{cel_findings, crd};
pub use explain::{Explained, explain};
pub use output::output_schemas;
pub use parser::{parser_schema, referenced};
pub use undeclarable::{UNDECLARABLE_ACTIONS, Undeclarable, undeclarable};

use super::kinds::{API_VERSION, Kind, Metadata};
use super::resource::Tree;
use schemars::generate::SchemaSettings;
use serde_json::json;

/// The form of `metadata.name`, as a regular expression.
const NAME_PATTERN: &str = "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$";

/// The JSON Schema (draft 07) of a whole document of that kind, for editors (`#
/// yaml-language-server: $schema=…`) and for checking documents.
///
/// **Guarantees**: unknown fields are refused; `apiVersion` and `kind` are constants; every field
/// has its description; ECS fields that cannot be left out are required although the types default
/// them.
pub fn editor_schema(kind: Kind) -> Tree {
    let mut generator = SchemaSettings::draft07().into_generator();
    let spec = kind.spec_schema(&mut generator);
    let mut metadata = generator.subschema_for::<Metadata>().to_value();
    let mut definitions = Tree::Object(generator.take_definitions(true));
    if let Some(name) = definitions.pointer_mut("/Metadata/properties/name") {
        *name = json!({
            "type": "string",
            "pattern": NAME_PATTERN,
            "description": name.get("description"),
        });
    }
    require_undefaulted(&mut definitions);
    require_undefaulted(&mut metadata);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": kind.as_str(),
        "description": format!("A document of kind {kind}."),
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The version of the document's form."},
            "kind": {"const": kind.as_str(), "description": "What is declared."},
            "metadata": metadata,
            "spec": spec,
        },
        "definitions": definitions,
    })
}

/// Everything under `crds/`: path relative to that folder, and content.
///
/// **Guarantees**: the same bytes for the same types, whatever the machine.
pub fn generated_files() -> Vec<(String, String)> {
    let outputs = output_schemas().into_iter().map(|(kind, schema)| {
        let path = format!("schemas/{}.schema.json", kind.to_ascii_lowercase());
        (path, format!("{:#}\n", sorted(schema)))
    });
    Kind::ALL
        .into_iter()
        .flat_map(|kind| {
            let lower = kind.as_str().to_ascii_lowercase();
            let editor = format!("{:#}\n", sorted(editor_schema(kind)));
            let crd = serde_saphyr::to_string(&sorted(crd(kind))).expect("a tree of JSON is YAML as well");
            [
                (format!("{}.evenkeel.dev.yaml", kind.plural()), crd),
                (format!("schemas/{lower}.schema.json"), editor),
            ]
        })
        .chain(outputs)
        .collect()
}

/// Fields that may be missing where a task definition or network is a patch of another one
/// (overrides of the typed kinds); where they are needed, `desired`'s checks say so.
const PATCHED: [&str; 2] = ["containerDefinitions", "subnets"];

/// The ECS types default every field, so that a missing one is reported by name and not by a
/// parser. A field that is always written and whose default is empty is in truth required: it says
/// so here, and the empty default goes.
fn require_undefaulted(schema: &mut Tree) {
    match schema {
        Tree::Array(items) => items.iter_mut().for_each(require_undefaulted),
        Tree::Object(fields) => {
            fields.values_mut().for_each(require_undefaulted);
            let Some(properties) = fields.get_mut("properties").and_then(Tree::as_object_mut) else { return };
            let mut required = Vec::new();
            for (name, property) in properties {
                let Some(property) = property.as_object_mut() else { continue };
                let Some(default) = property.get("default") else { continue };
                let empty = [json!(""), json!(0), json!([])].contains(default);
                if empty && !PATCHED.contains(&name.as_str()) {
                    required.push(name.clone());
                }
                if empty || default.is_null() || default.is_object() {
                    property.remove("default");
                }
            }
            if required.is_empty() {
                return;
            }
            let list = fields.entry("required").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.extend(required.into_iter().map(Tree::from));
                list.sort_by_key(Tree::to_string);
                list.dedup();
            }
        }
        _ => {}
    }
}

/// The same tree with its keys in order, so that files do not depend on how a map was built.
fn sorted(tree: Tree) -> Tree {
    match tree {
        Tree::Array(items) => items.into_iter().map(sorted).collect(),
        Tree::Object(fields) => {
            let mut pairs: Vec<(String, Tree)> = fields.into_iter().collect();
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Tree::Object(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        plain => plain,
    }
}
