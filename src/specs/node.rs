//! A document as written: values with the places at which they stand.

use crate::model::finding::{Place, field_key};
use std::sync::Arc;

/// A place in one text, both numbers counted from 1; 0 means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Line.
    pub line: u32,
    /// Column in characters.
    pub column: u32,
}

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it begins.
    pub mark: Mark,
    /// What it is.
    pub value: Value,
}

/// The values that YAML 1.2's core schema and JSON have in common.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing; `written` when the word for it stood there.
    Null { written: bool },
    /// `true` or `false`, and no other word.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// Text; `plain` when it stood there without quotes.
    Text { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the text, keys unique.
    Map(Vec<MapEntry>),
}

/// One key of a map and its value.
#[derive(Clone, Debug)]
pub(crate) struct MapEntry {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub mark: Mark,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The value under `key`, when this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            _ => None,
        }
    }

    /// The text, when this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The plain value without places, and without the members whose keys stand at these marks.
    pub(crate) fn to_json_without(&self, left_out: &[Mark]) -> serde_json::Value {
        match &self.value {
            Value::List(items) => items.iter().map(|item| item.to_json_without(left_out)).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .filter(|entry| !left_out.contains(&entry.mark))
                    .map(|entry| (entry.key.clone(), entry.node.to_json_without(left_out)))
                    .collect(),
            ),
            Value::Null { .. } | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => self.to_json(),
        }
    }

    /// The plain value without places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null { .. } => serde_json::Value::Null,
            Value::Bool(value) => serde_json::Value::Bool(*value),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text { text, .. } => serde_json::Value::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect(),
            ),
        }
    }
}

/// Where each field of one document stands in its source; cheap to clone.
///
/// Holds places only, no values, so that a thousand documents stay small.
#[derive(Clone, Debug, Default)]
pub struct SourceMap(Arc<Spans>);

#[derive(Debug, Default)]
struct Spans {
    file: Arc<str>,
    root: Span,
}

#[derive(Debug, Default)]
struct Span {
    mark: Mark,
    below: Below,
}

#[derive(Debug, Default)]
enum Below {
    #[default]
    Nothing,
    Items(Box<[Span]>),
    Fields(Box<[(Box<str>, Span)]>),
}

impl SourceMap {
    /// Remembers the places of `root`, which was read from `file`.
    pub(crate) fn new(file: &str, root: &Node) -> Self {
        Self(Arc::new(Spans { file: file.into(), root: Span::of(root.mark, root) }))
    }

    /// The place of a field, given as findings give it (`spec.components.web.dependsOn[0]`,
    /// `spec.logGroups["/ecs/web"]`).
    ///
    /// **Guarantees**: a field that is not in the text gets the place of its nearest ancestor that
    /// is, in the end that of the document; `None` only for a map without a document. Fields have
    /// the place of their key, items of a list their own.
    pub fn place(&self, field: &str) -> Option<Place> {
        let mut span = &self.0.root;
        for segment in segments(field) {
            match span.child(&segment) {
                Some(child) => span = child,
                None => break,
            }
        }
        (span.mark.line > 0).then(|| Place {
            file: self.0.file.to_string(),
            line: span.mark.line,
            column: span.mark.column,
        })
    }
}

impl Span {
    fn of(mark: Mark, node: &Node) -> Self {
        let below = match &node.value {
            Value::List(items) => Below::Items(items.iter().map(|item| Self::of(item.mark, item)).collect()),
            Value::Map(entries) => Below::Fields(
                entries
                    .iter()
                    .map(|entry| (entry.key.as_str().into(), Self::of(entry.mark, &entry.node)))
                    .collect(),
            ),
            _ => Below::Nothing,
        };
        Self { mark, below }
    }

    fn child(&self, segment: &Segment<'_>) -> Option<&Self> {
        match (&self.below, segment) {
            (Below::Items(items), Segment::Index(index)) => items.get(*index),
            (Below::Fields(fields), Segment::Key(key)) => {
                fields.iter().find(|(name, _)| name.as_ref() == *key).map(|(_, span)| span)
            }
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// Cuts a field path into its steps; what is not understood ends it.
fn segments(path: &str) -> Vec<Segment<'_>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let Some(end) = quoted.find("\"]") else { break };
            steps.push(Segment::Key(&quoted[..end]));
            rest = &quoted[end + 2..];
        } else if let Some(bracket) = rest.strip_prefix('[') {
            let Some(end) = bracket.find(']') else { break };
            let Ok(index) = bracket[..end].parse() else { break };
            steps.push(Segment::Index(index));
            rest = &bracket[end + 1..];
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                break;
            }
            steps.push(Segment::Key(&rest[..end]));
            rest = &rest[end..];
        }
    }
    steps
}

/// The path of a field below `path`; the document itself has the empty path.
pub(crate) fn child_path(path: &str, key: &str) -> String {
    let full = field_key(path, key);
    match full.strip_prefix('.') {
        Some(top) => top.to_owned(),
        None => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_dots_and_brackets() {
        assert_eq!(
            segments("spec.logGroups[\"/ecs/web.x\"].a[12].b"),
            [
                Segment::Key("spec"),
                Segment::Key("logGroups"),
                Segment::Key("/ecs/web.x"),
                Segment::Key("a"),
                Segment::Index(12),
                Segment::Key("b"),
            ]
        );
        assert_eq!(segments("spec[web]"), [Segment::Key("spec")], "what is not understood ends the path");
    }
}
