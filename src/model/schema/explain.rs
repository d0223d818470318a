//! What a field means, for `ctl explain`.

use super::editor_schema;
use crate::model::kinds::Kind;
use crate::model::resource::Tree;

/// A field in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// `string`, `integer`, `list of object`, `map of string`, or the allowed words, `Retain |
    /// Delete`.
    pub kind: String,
    /// Its documentation; empty when it has none.
    pub description: String,
    /// Whether it must be there.
    pub required: bool,
    /// What it is when it is left out, as JSON, when the types know it.
    pub default: Option<Tree>,
    /// Fields below it (of the items of a list, of the values of a map), in name order.
    pub fields: Vec<(String, Explained)>,
}

/// Explains the field at `path` of documents of that kind; an empty path explains the document.
///
/// Paths are field names with dots. Keys of maps and numbers of items may be left out or written as
/// anything (`spec.components.web.service`, `spec.components.service`). `None` when there is no
/// such field.
pub fn explain(kind: Kind, path: &str) -> Option<Explained> {
    let root = editor_schema(kind);
    let mut schema = &root;
    let mut required = true;
    for segment in path.split(['.', '[', ']', '"']).filter(|segment| !segment.is_empty()) {
        match property(&root, schema, segment) {
            Some((next, is_required)) => {
                schema = next;
                required = is_required;
            }
            // A key of a map or a number of a list: step into the values.
            None => schema = inner(&root, schema)?,
        }
    }
    Some(explained(&root, schema, required, 1))
}

fn explained(root: &Tree, schema: &Tree, required: bool, depth: u32) -> Explained {
    let target = resolve(root, schema);
    let description = [schema, target].into_iter().find_map(|schema| schema.get("description")?.as_str());
    let object = object(root, schema);
    let properties = object.and_then(|object| object.get("properties")?.as_object());
    let mut fields: Vec<(String, Explained)> = match depth {
        0 => Vec::new(),
        _ => properties
            .into_iter()
            .flatten()
            .filter_map(|(name, _)| {
                let (schema, required) = property(root, schema, name)?;
                Some((name.clone(), explained(root, schema, required, depth - 1)))
            })
            .collect(),
    };
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    Explained {
        kind: type_of(root, schema),
        description: description.unwrap_or_default().to_owned(),
        required,
        default: schema.get("default").or_else(|| target.get("default")).cloned(),
        fields,
    }
}

/// Follows references and steps through `allOf` and `anyOf` with one meaningful member (how
/// optional references are written).
fn resolve<'a>(root: &'a Tree, mut schema: &'a Tree) -> &'a Tree {
    for _ in 0..8 {
        let next = match schema.get("$ref").and_then(Tree::as_str) {
            Some(reference) => reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)),
            None => ["allOf", "anyOf", "oneOf"].into_iter().find_map(|key| {
                let members = schema.get(key)?.as_array()?;
                let mut real = members.iter().filter(|member| member["type"] != "null");
                let first = real.next()?;
                real.next().is_none().then_some(first)
            }),
        };
        match next {
            Some(next) => schema = next,
            None => return schema,
        }
    }
    schema
}

/// The values of a map or the items of a list.
fn inner<'a>(root: &'a Tree, schema: &'a Tree) -> Option<&'a Tree> {
    let schema = resolve(root, schema);
    ["items", "additionalProperties"]
        .into_iter()
        .find_map(|key| schema.get(key).filter(|inner| inner.is_object()))
}

/// The object whose fields are meant: the schema itself, or the innermost items or values.
fn object<'a>(root: &'a Tree, schema: &'a Tree) -> Option<&'a Tree> {
    let schema = resolve(root, schema);
    if schema.get("properties").is_some() { Some(schema) } else { object(root, inner(root, schema)?) }
}

fn property<'a>(root: &'a Tree, schema: &'a Tree, name: &str) -> Option<(&'a Tree, bool)> {
    let object = object(root, schema)?;
    let found = object.get("properties")?.get(name)?;
    let required = object.get("required").and_then(Tree::as_array);
    Some((found, required.is_some_and(|names| names.iter().any(|required| required == name))))
}

fn type_of(root: &Tree, schema: &Tree) -> String {
    let target = resolve(root, schema);
    if let Some(words) = words(target) {
        return words.join(" | ");
    }
    if target.get("x-kubernetes-int-or-string").is_some() {
        return "integer or string".to_owned();
    }
    let names = match &target["type"] {
        Tree::String(name) => vec![name.as_str()],
        Tree::Array(names) => names.iter().filter_map(Tree::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    match (names.as_slice(), inner(root, schema)) {
        (["array"], Some(items)) => format!("list of {}", type_of(root, items)),
        (["object"], Some(values)) => format!("map of {}", type_of(root, values)),
        ([], _) => "any".to_owned(),
        (names, _) => names.join(" or "),
    }
}

/// The allowed words of an enumeration, in either of the two ways in which it may be written.
fn words(schema: &Tree) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const").and_then(Tree::as_str) {
        return Some(vec![word]);
    }
    if let Some(words) = schema.get("enum").and_then(Tree::as_array) {
        return Some(words.iter().filter_map(Tree::as_str).collect());
    }
    let members = schema.get("oneOf")?.as_array()?;
    let each: Option<Vec<Vec<&str>>> = members.iter().map(words).collect();
    Some(each?.concat())
}
