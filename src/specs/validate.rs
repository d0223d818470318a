//! All schema errors of a document at once, each at its place and with its mend.
//!
//! The schema is walked by hand rather than by a validator crate: what a person needs (which fields
//! there are, what was probably meant, which of several forms was tried) is known only while
//! standing in the schema. Serde parses afterwards and so has the last word; the walk is there to
//! say everything in one run, and better.

use super::node::{MapEntry, Mark, Node, Value, child_path};
use super::parse::{MOST_FINDINGS, placed};
use crate::model::finding::Finding;
use crate::model::kinds::Kind;
use crate::model::nearest::nearest;
use crate::model::schema::{parser_schema, referenced, undeclarable};
use serde_json::Value as Json;

/// Known fields are listed when there are at most so many.
const SHORT_LIST: usize = 12;

/// What the walk came to.
pub(super) struct Validated {
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// Fields with a written `null` that are as good as left out, as AWS reads them.
    pub(super) left_out: Vec<Mark>,
}

/// Checks a document against the schema of `kind`, or, without a kind, all of it but its spec.
pub(super) fn validate(file: &str, root: &Node, kind: Option<Kind>) -> Validated {
    let schema = parser_schema(kind);
    let mut walk = Walk::new(file, schema, kind);
    walk.check(&Field { node: root, mark: root.mark, path: "" }, schema);
    Validated { findings: walk.findings, left_out: walk.left_out }
}

/// A value on its way through the schema.
#[derive(Clone, Copy)]
struct Field<'a> {
    node: &'a Node,
    /// Where its key stands; for items of a list and the document, where the value does.
    mark: Mark,
    path: &'a str,
}

struct Walk<'a> {
    file: &'a str,
    root: &'a Json,
    kind: Option<Kind>,
    findings: Vec<Finding>,
    left_out: Vec<Mark>,
}

impl<'a> Walk<'a> {
    fn new(file: &'a str, root: &'a Json, kind: Option<Kind>) -> Self {
        Self { file, root, kind, findings: Vec::new(), left_out: Vec::new() }
    }

    fn check(&mut self, field: &Field<'_>, schema: &'a Json) {
        let schema = referenced(self.root, schema);
        for word in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(word).and_then(Json::as_array) {
                self.check_branches(field, branches);
            }
        }
        for part in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.check(field, part);
        }
        if !self.check_type(field, schema) {
            return;
        }
        match &field.node.value {
            Value::Map(entries) => self.check_map(field, entries, schema),
            Value::List(items) => self.check_list(field, items, schema),
            Value::Number(number) => self.check_number(field, number, schema),
            Value::Text { text, .. } => self.check_text(field, text, schema),
            Value::Null { .. } | Value::Bool(_) => {}
        }
    }

    /// Exactly or at least one of several forms: the findings of the one that was most likely
    /// meant.
    fn check_branches(&mut self, field: &Field<'_>, branches: &'a [Json]) {
        let branches: Vec<&Json> = branches.iter().map(|branch| referenced(self.root, branch)).collect();
        let fitting: Vec<&Json> =
            branches.iter().copied().filter(|branch| fits(&field.node.value, branch)).collect();
        let words: Vec<&str> = branches.iter().flat_map(|branch| words(branch)).collect();
        let closed = branches.iter().all(|branch| is_null_only(branch) || has_words(branch));
        match (&field.node.value, fitting.as_slice()) {
            (Value::Text { text, .. }, _) if closed => self.check_word(field, text, &words),
            (_, []) => {
                let asked = branches.iter().filter(|branch| !is_null_only(branch));
                let forms: Vec<String> = asked.map(|branch| expectation(branch)).collect();
                self.wrong_type(field, &list_of(&forms, "or"));
            }
            (_, [only]) => self.check(field, only),
            (_, several) => {
                let mut tries: Vec<Self> = several.iter().map(|branch| self.attempt(field, branch)).collect();
                tries.sort_by_key(|tried| tried.findings.len());
                let best = tries.swap_remove(0);
                self.findings.extend(best.findings);
                self.left_out.extend(best.left_out);
            }
        }
    }

    /// What would be found if `schema` were meant.
    fn attempt(&self, field: &Field<'_>, schema: &'a Json) -> Self {
        let mut walk = Walk::new(self.file, self.root, self.kind);
        walk.check(field, schema);
        walk
    }

    /// Whether a written `null` is one of the values that a schema allows.
    fn allows_null(&self, schema: &Json) -> bool {
        let schema = referenced(self.root, schema);
        let of = |word: &str| schema.get(word).and_then(Json::as_array).into_iter().flatten();
        let branches = || of("anyOf").chain(of("oneOf"));
        if branches().next().is_some() {
            return branches().any(|branch| self.allows_null(branch));
        }
        fits(&Value::Null { written: true }, schema)
    }

    /// Whether the value has the type that the schema asks for; reports it when not.
    fn check_type(&mut self, field: &Field<'_>, schema: &Json) -> bool {
        if schema.get("type").is_none() || fits(&field.node.value, schema) {
            return true;
        }
        self.wrong_type(field, &expectation(schema));
        false
    }

    fn wrong_type(&mut self, field: &Field<'_>, expected: &str) {
        let value = &field.node.value;
        let mend = mend(value, expected);
        let mark = if matches!(value, Value::Null { .. }) { field.mark } else { field.node.mark };
        let message = format!("expected {expected}, found {}", describe(value));
        self.report(field.path, mark, message, mend);
    }

    fn check_map(&mut self, field: &Field<'_>, entries: &[MapEntry], schema: &'a Json) {
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        for entry in entries {
            if self.findings.len() >= MOST_FINDINGS {
                return;
            }
            let path = child_path(field.path, &entry.key);
            let below = Field { node: &entry.node, mark: entry.mark, path: &path };
            match (properties.and_then(|known| known.get(&entry.key)), others) {
                (Some(schema), _) if left_out(entry) && !self.allows_null(schema) => {
                    self.left_out.push(entry.mark);
                }
                (Some(schema), _) => self.check(&below, schema),
                (None, Some(Json::Bool(false))) if known_to_aws(field.path, &entry.key).is_some() => {
                    let message =
                        format!("`{}` is a field of AWS's API that cannot be declared yet", entry.key);
                    let instead = known_to_aws(field.path, &entry.key).unwrap_or_default();
                    self.report(&path, entry.mark, message, instead.to_owned());
                }
                (None, Some(Json::Bool(false))) => {
                    let known: Vec<&str> =
                        properties.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
                    let help = self.unknown_field_help(&entry.key, known);
                    self.report(&path, entry.mark, format!("unknown field `{}`", entry.key), help);
                }
                (None, Some(schema @ Json::Object(_))) => self.check(&below, schema),
                (None, _) => {}
            }
        }
        for missing in schema.get("required").and_then(Json::as_array).into_iter().flatten() {
            if let Some(name) = missing.as_str()
                && entries.iter().all(|entry| entry.key != name || left_out(entry))
            {
                let expected =
                    properties.and_then(|known| known.get(name)).map(|schema| referenced(self.root, schema));
                let help =
                    expected.map_or_else(String::new, |schema| format!("add it: {}", expectation(schema)));
                self.report(
                    &child_path(field.path, name),
                    field.mark,
                    format!("missing field `{name}`"),
                    help,
                );
            }
        }
    }

    fn unknown_field_help(&self, key: &str, mut known: Vec<&str>) -> String {
        if let Some(meant) = nearest(key, &known) {
            return format!("did you mean `{meant}`?");
        }
        known.sort_unstable();
        match (known.len(), self.kind) {
            (0, _) => "nothing can be set here".to_owned(),
            (1..=SHORT_LIST, _) => format!("known fields: {}", known.join(", ")),
            (_, Some(kind)) => format!("`ctl explain {kind}` lists the fields there are"),
            (_, None) => String::new(),
        }
    }

    fn check_list(&mut self, field: &Field<'_>, items: &[Node], schema: &'a Json) {
        let Some(schema) = schema.get("items") else { return };
        for (index, node) in items.iter().enumerate() {
            let path = format!("{}[{index}]", field.path);
            self.check(&Field { node, mark: node.mark, path: &path }, schema);
        }
    }

    fn check_number(&mut self, field: &Field<'_>, number: &serde_json::Number, schema: &Json) {
        let (low, high) = bounds(schema);
        let value = number.as_f64().unwrap_or(f64::NAN);
        if low.is_some_and(|low| value < low) || high.is_some_and(|high| value > high) {
            // The width of a number says nothing to people.
            let low = low.filter(|low| *low > f64::from(i32::MIN) || value < *low);
            let high = high.filter(|high| *high < f64::from(i32::MAX) || value > *high);
            let range = match (low, high) {
                (Some(low), Some(high)) => format!("from {low} to {high}"),
                (Some(low), None) => format!("of at least {low}"),
                (None, Some(high)) => format!("of at most {high}"),
                (None, None) => String::new(),
            };
            self.report(
                field.path,
                field.node.mark,
                format!("expected a number {range}, found {number}"),
                String::new(),
            );
        }
    }

    fn check_text(&mut self, field: &Field<'_>, text: &str, schema: &'a Json) {
        if has_words(schema) {
            self.check_word(field, text, &words(schema));
        }
        let length = |word: &str| schema.get(word).and_then(Json::as_u64);
        let characters = text.chars().count() as u64;
        if length("minLength").is_some_and(|least| characters < least) {
            self.report(field.path, field.node.mark, "must not be empty".to_owned(), String::new());
        } else if let Some(most) = length("maxLength").filter(|most| characters > *most) {
            let message = format!("{characters} characters are more than the {most} allowed");
            self.report(field.path, field.node.mark, message, String::new());
        }
        if schema.get("format").and_then(Json::as_str) == Some("date-time")
            && text.parse::<jiff::Timestamp>().is_err()
        {
            let help = "write it as RFC 3339, such as `2026-12-01T08:00:00Z`".to_owned();
            self.report(field.path, field.node.mark, format!("`{text}` is not a time"), help);
        }
    }

    fn check_word(&mut self, field: &Field<'_>, text: &str, known: &[&str]) {
        if known.contains(&text) {
            return;
        }
        let all: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
        let message = match known {
            [only] => format!("expected `{only}`, found `{text}`"),
            _ => format!("`{text}` is not one of {}", list_of(&all, "and")),
        };
        let help = match nearest(text, known) {
            Some(meant) if known.len() > 1 => format!("did you mean `{meant}`?"),
            _ => String::new(),
        };
        self.report(field.path, field.node.mark, message, help);
    }

    fn report(&mut self, path: &str, mark: Mark, message: String, help: String) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(placed(Finding::error(path, message, help), self.file, mark));
        }
    }
}

/// Whether a value has a type that the schema allows; says nothing of what is in it.
fn fits(value: &Value, schema: &Json) -> bool {
    let matches = |kind: &str| match (kind, value) {
        ("null", Value::Null { .. }) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => true,
        ("string", Value::Text { .. }) | ("array", Value::List(_)) | ("object", Value::Map(_)) => true,
        ("integer", Value::Number(number)) => !number.is_f64(),
        _ => false,
    };
    match schema.get("type") {
        Some(Json::String(kind)) => matches(kind),
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).any(matches),
        _ if has_words(schema) => matches("string"),
        _ => schema != &Json::Bool(false),
    }
}

/// Whether a field is left out by a written `null`; where nothing at all stands, a line is
/// unfinished.
fn left_out(entry: &MapEntry) -> bool {
    matches!(entry.node.value, Value::Null { written: true })
}

/// What to do without a field of AWS's API that cannot be declared below `path`.
fn known_to_aws(path: &str, name: &str) -> Option<&'static str> {
    undeclarable(path).into_iter().find(|field| field.name == name).map(|field| field.instead)
}

fn is_null_only(schema: &Json) -> bool {
    schema.get("type").and_then(Json::as_str) == Some("null")
}

fn has_words(schema: &Json) -> bool {
    schema.get("const").is_some_and(Json::is_string) || schema.get("enum").is_some()
}

/// The words that a schema allows by `const` or `enum`.
fn words(schema: &Json) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    schema.get("const").into_iter().chain(listed).filter_map(Json::as_str).collect()
}

/// Bounds of a number, from the schema's words and from the width that schemars notes as `format`.
fn bounds(schema: &Json) -> (Option<f64>, Option<f64>) {
    let by_format = match schema.get("format").and_then(Json::as_str) {
        Some("uint8") => (Some(0.0), Some(f64::from(u8::MAX))),
        Some("uint16") => (Some(0.0), Some(f64::from(u16::MAX))),
        Some("uint32") => (Some(0.0), Some(f64::from(u32::MAX))),
        Some("int32") => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
        Some("uint64" | "uint") => (Some(0.0), None),
        _ => (None, None),
    };
    let word = |name: &str| schema.get(name).and_then(Json::as_f64);
    (word("minimum").or(by_format.0), word("maximum").or(by_format.1))
}

/// What a schema asks for, in words that fit after "expected".
fn expectation(schema: &Json) -> String {
    if has_words(schema) {
        let all: Vec<String> = words(schema).iter().map(|word| format!("`{word}`")).collect();
        return list_of(&all, "or");
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Json::String(kind)) => vec![kind],
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null").collect()
        }
        _ => Vec::new(),
    };
    let in_words = |kind: &&str| match *kind {
        "null" => "nothing",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "a map of fields",
        _ => "a value",
    };
    match kinds.as_slice() {
        [] => "a value".to_owned(),
        kinds => list_of(&kinds.iter().map(in_words).map(str::to_owned).collect::<Vec<_>>(), "or"),
    }
}

/// A value in words that fit after "found".
fn describe(value: &Value) -> String {
    match value {
        Value::Null { .. } => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::Text { text, .. } if text.chars().count() > 40 => {
            format!("the text \"{}…\"", text.chars().take(40).collect::<String>())
        }
        Value::Text { text, .. } => format!("the text \"{text}\""),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map of fields".to_owned(),
    }
}

/// What to do about a value of the wrong type, where that is plain.
fn mend(value: &Value, expected: &str) -> String {
    match (value, expected) {
        (Value::Null { .. }, _) => "give it a value or remove the line".to_owned(),
        (Value::Bool(value), "text") => format!("put it in quotes: \"{value}\""),
        (Value::Number(number), "text") => format!("put it in quotes: \"{number}\""),
        (Value::Text { text, plain: false }, "a whole number" | "a number")
            if text.parse::<f64>().is_ok() =>
        {
            format!("write {text} without quotes")
        }
        (Value::Text { text, plain }, "true or false") => match (text.to_ascii_lowercase().as_str(), plain) {
            ("true" | "yes" | "on" | "y", _) => "write true, without quotes".to_owned(),
            ("false" | "no" | "off" | "n", _) => "write false, without quotes".to_owned(),
            _ => String::new(),
        },
        (Value::Text { text, .. }, "a list") => format!("as a list: [{text}]"),
        (Value::Map(_), "a list") => "begin each item with `- `".to_owned(),
        (Value::List(_), "a map of fields") => {
            "write fields (`name: value`) instead of list items".to_owned()
        }
        _ => String::new(),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn list_of(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_sentences() {
        let words = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(list_of(&words(1), "or"), "0");
        assert_eq!(list_of(&words(3), "or"), "0, 1 or 2");
    }
}
