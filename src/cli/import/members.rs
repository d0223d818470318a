//! Takes out of what AWS shows what a document cannot hold, and says each time what that was.

use super::note::Note;
use crate::model::finding::field_key;
use crate::model::kinds::Kind;
use crate::model::resource::Tree;
use crate::model::schema::{parser_schema, referenced, undeclarable};
use crate::model::visible::visible;

/// Longest value that is shown whole.
const SHOWN: usize = 200;

/// The document without what its schema does not know; a note for each thing that says something.
pub(super) fn declarable(document: Tree, notes: &mut Vec<Note>) -> Tree {
    let mut document = document;
    let schema = parser_schema(Some(Kind::Application));
    walk(&mut document, schema, schema, "", notes);
    document
}

fn walk(value: &mut Tree, root: &Tree, schema: &Tree, path: &str, notes: &mut Vec<Note>) {
    let schema = alternative(root, schema);
    match value {
        Tree::Object(members) => {
            let fields = schema.get("properties").and_then(Tree::as_object);
            let others = schema.get("additionalProperties");
            let unknown: Vec<String> = members
                .keys()
                .filter(|name| !fields.is_some_and(|fields| fields.contains_key(*name)))
                .filter(|_| others == Some(&Tree::Bool(false)))
                .cloned()
                .collect();
            for name in unknown {
                if let Some(value) = members.remove(&name).filter(|value| !is_empty(value)) {
                    notes.push(not_declared(path, &name, &value));
                }
            }
            members.retain(|_, value| !value.is_null());
            for (name, value) in members {
                let schema = fields.and_then(|fields| fields.get(name)).or(others);
                if let Some(schema) = schema {
                    walk(value, root, schema, &field(path, name), notes);
                }
            }
        }
        Tree::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    walk(item, root, schema, &format!("{path}[{index}]"), notes);
                }
            }
        }
        _ => {}
    }
}

fn field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { field_key(path, name) }
}

/// The schema of a value that is there: the one that is not null, where it may be left out.
fn alternative<'a>(root: &'a Tree, schema: &'a Tree) -> &'a Tree {
    let schema = referenced(root, schema);
    let choices = schema.get("anyOf").and_then(Tree::as_array);
    let some = choices.and_then(|all| all.iter().find(|choice| choice["type"] != "null"));
    some.map_or(schema, |choice| referenced(root, choice))
}

/// Whether a value says nothing: AWS shows lists that nobody gave as empty ones.
fn is_empty(value: &Tree) -> bool {
    match value {
        Tree::Null => true,
        Tree::Array(items) => items.is_empty(),
        Tree::Object(members) => members.values().all(is_empty),
        _ => false,
    }
}

fn not_declared(path: &str, name: &str, value: &Tree) -> Note {
    let text = value.to_string();
    let shown = match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    };
    let known = undeclarable(path).into_iter().find(|field| field.name == name);
    let instead = known.map_or_else(|| "AWS keeps it as it is".to_owned(), |field| field.instead.to_owned());
    let message = format!("`{name}` cannot be declared ({instead}); it is {}", visible(&shown));
    Note::warning(field(path, name), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_document_cannot_hold_is_said_at_its_place_and_the_rest_stays() {
        let document = json!({"spec": {"components": {"web": {
            "service": {"desiredCount": 1, "vpcLatticeConfigurations": [{"roleArn": "r"}], "monitoring": {}},
            "taskDefinition": {"inferenceAccelerators": [], "containerDefinitions": [{"name": "web", "brandNew": 1}]},
        }}}});
        let mut notes = Vec::new();
        let kept = declarable(document, &mut notes);
        let web = &kept["spec"]["components"]["web"];
        assert_eq!(web["service"], json!({"desiredCount": 1}));
        assert_eq!(web["taskDefinition"], json!({"containerDefinitions": [{"name": "web"}]}));
        let mut fields: Vec<&str> = notes.iter().map(|note| note.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "spec.components.web.service.vpcLatticeConfigurations",
                "spec.components.web.taskDefinition.containerDefinitions[0].brandNew",
            ]
        );
        let lattice = notes.iter().find(|note| note.field.contains("Lattice")).unwrap();
        assert!(lattice.message.contains("set it in AWS") && lattice.message.contains(r#""roleArn":"r""#));
    }
}
