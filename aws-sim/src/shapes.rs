//! What AWS's own service models say about requests and answers: names, types, required members,
//! enumerations, limits, patterns.
//!
//! A service carries its model as a `model.json`, condensed from botocore's `service-2.json`
//! (Apache-2.0) by `aws-sim/model/condense.py`. Checking requests against it gives every operation
//! AWS's habits at once; what the service answers to each [`ShapeError`] is its own affair.
//! Services that speak other protocols than awsJson read and write by it, too.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::form::Form;

/// A service's model.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    operations: BTreeMap<String, String>,
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    others: Vec<String>,
    shapes: BTreeMap<String, Shape>,
}

/// One shape; exactly one of the members `m`, `l`, `v`, `e` and `p` is present.
#[derive(Debug, Deserialize)]
struct Shape {
    #[serde(rename = "m")]
    members: Option<BTreeMap<String, String>>,
    #[serde(rename = "r", default)]
    required: Vec<String>,
    #[serde(rename = "l")]
    item: Option<String>,
    #[serde(rename = "v")]
    entry: Option<String>,
    #[serde(rename = "e")]
    values: Option<Vec<String>>,
    #[serde(rename = "p")]
    primitive: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(rename = "re")]
    pattern: Option<String>,
    /// AWS does not repeat such a value in its messages.
    #[serde(default)]
    hide: bool,
    #[serde(skip)]
    compiled: OnceLock<Regex>,
}

/// What a type is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind<'a> {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A floating-point number.
    Double,
    /// A truth value.
    Boolean,
    /// A time.
    Timestamp,
    /// Any JSON.
    Document,
    /// A structure: its members' types by name.
    Structure(&'a BTreeMap<String, String>),
    /// A list, and the type of its items.
    List(&'a str),
    /// A map from text, and the type of its values.
    Map(&'a str),
}

/// Where in the request a value stands, kept as a chain so that good requests build no text.
struct MemberPath<'a> {
    parent: Option<&'a MemberPath<'a>>,
    name: &'a str,
    /// Of an item of a list, counted from 1; 0 for a member.
    item: usize,
}

impl<'a> MemberPath<'a> {
    const ROOT: MemberPath<'static> = MemberPath { parent: None, name: "", item: 0 };

    fn member(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), name, item: 0 }
    }

    fn item(&'a self, index: usize) -> Self {
        Self { parent: Some(self), name: "member", item: index + 1 }
    }

    /// `defaultActions.1.member.type`, as AWS's validation counts.
    fn path(&self) -> String {
        let own = match self.item {
            0 => self.name.to_owned(),
            item => format!("{item}.{}", self.name),
        };
        match self.parent {
            Some(parent) if !parent.name.is_empty() => format!("{}.{own}", parent.path()),
            _ => own,
        }
    }
}

/// What is wrong with a request.
#[derive(Debug, PartialEq)]
pub(crate) enum ShapeError {
    /// A value of another type; AWS's text.
    Type(String),
    /// A required member is missing: its path.
    Missing(String),
    /// A value outside of its enumeration: path, value, and the values that AWS lists.
    Unlisted(String, String, Vec<String>),
    /// A value beyond its limits or not of its pattern: path, the value between quotation marks if
    /// AWS repeats it, and the rule in AWS's words (`Member must have …`).
    Limit(String, Option<String>, String),
}

impl ShapeError {
    /// The error in the words of AWS's common validation, `1 validation error detected: …`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Type(text) => text.clone(),
            Self::Missing(path) => failed(" null", path, "Member must not be null"),
            Self::Unlisted(path, value, listed) => failed(&format!(" '{value}'"), path, &enumeration(listed)),
            Self::Limit(path, Some(value), rule) => failed(&format!(" '{value}'"), path, rule),
            Self::Limit(path, None, rule) => failed("", path, rule),
        }
    }

    /// The fault as services say it that repeat no value.
    pub(crate) fn text_without_value(&self) -> String {
        match self {
            Self::Type(text) => text.clone(),
            Self::Missing(path) => failed("", path, "Member must not be null"),
            Self::Unlisted(path, _, listed) => failed("", path, &enumeration(listed)),
            Self::Limit(path, _, rule) => failed("", path, rule),
        }
    }

    /// The same fault with its path as AWS's validation names the members of services whose own
    /// names begin with a capital: `MetricData.1.member.Unit` becomes `metricData.1.member.unit`.
    pub(crate) fn camel(mut self) -> Self {
        let lower = |part: &str| {
            let mut chars = part.chars();
            let first = chars.next().map(|first| first.to_ascii_lowercase());
            first.into_iter().chain(chars).collect::<String>()
        };
        match &mut self {
            Self::Type(_) => {}
            Self::Missing(path) | Self::Unlisted(path, ..) | Self::Limit(path, ..) => {
                *path = path.split('.').map(lower).collect::<Vec<_>>().join(".");
            }
        }
        self
    }
}

fn failed(value: &str, path: &str, rule: &str) -> String {
    format!("1 validation error detected: Value{value} at '{path}' failed to satisfy constraint: {rule}")
}

fn enumeration(listed: &[String]) -> String {
    format!("Member must satisfy enum value set: [{}]", listed.join(", "))
}

impl Model {
    /// Reads a condensed model.
    ///
    /// # Panics
    /// When it is no such model; models are compiled in.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("the carried model is valid JSON")
    }

    /// The type of an operation's input; `None` for an operation that is not simulated.
    pub(crate) fn input(&self, operation: &str) -> Option<&str> {
        self.operations.get(operation).map(String::as_str)
    }

    /// The members of an operation's input; none for an operation that is not simulated.
    pub(crate) fn members(&self, operation: &str) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let input = self.input(operation).and_then(|name| self.shapes.get(name));
        input.and_then(|shape| shape.members.as_ref()).unwrap_or(&NONE)
    }

    /// The type of an operation's output; `None` for one without.
    pub(crate) fn output(&self, operation: &str) -> Option<&str> {
        self.outputs.get(operation).map(String::as_str)
    }

    /// The error of an operation that awsJson services do not answer: one of AWS's that is not
    /// simulated says so, and is never silently accepted.
    pub(crate) fn unknown(&self, operation: &str) -> ApiError {
        if self.leaves_out(operation) {
            let text = format!("The operation {operation} is not simulated.");
            return ApiError::new(400, "UnsupportedFeatureException", text);
        }
        ApiError::new(400, "UnknownOperationException", format!("Unknown operation: {operation}"))
    }

    /// Whether AWS has this operation and the simulator has not.
    pub(crate) fn leaves_out(&self, operation: &str) -> bool {
        self.others.iter().any(|other| other == operation)
    }

    /// What a type is made of.
    pub(crate) fn kind(&self, name: &str) -> Kind<'_> {
        match name {
            "s" => return Kind::Text,
            "i" => return Kind::Integer,
            "n" => return Kind::Double,
            "b" => return Kind::Boolean,
            "t" => return Kind::Timestamp,
            "d" => return Kind::Document,
            _ => {}
        }
        match &self.shapes[name] {
            Shape { members: Some(members), .. } => Kind::Structure(members),
            Shape { item: Some(item), .. } => Kind::List(item),
            Shape { entry: Some(entry), .. } => Kind::Map(entry),
            Shape { primitive: Some(letter), .. } => self.kind(letter),
            _ => Kind::Text,
        }
    }

    /// Checks a value against a type and drops what AWS would ignore: unknown members and nulls.
    ///
    /// # Errors
    /// The first fault.
    pub(crate) fn check(&self, name: &str, value: &mut Value) -> Result<(), ShapeError> {
        self.check_at(name, value, &MemberPath::ROOT)
    }

    fn check_at(&self, name: &str, value: &mut Value, path: &MemberPath<'_>) -> Result<(), ShapeError> {
        let expected = match self.kind(name) {
            Kind::Document => None,
            Kind::Text => (!value.is_string()).then_some("String"),
            Kind::Integer => (!whole(value)).then_some("Integer"),
            Kind::Double => (!value.is_number() && !special(value)).then_some("Double"),
            Kind::Boolean => (!value.is_boolean()).then_some("Boolean"),
            Kind::Timestamp => (!value.is_number() && !value.is_string()).then_some("Timestamp"),
            Kind::List(item) => match value {
                Value::Array(items) => {
                    for (index, each) in items.iter_mut().enumerate() {
                        self.check_at(item, each, &path.item(index))?;
                    }
                    None
                }
                _ => Some("List"),
            },
            Kind::Map(entry) => match value {
                Value::Object(entries) => {
                    entries.retain(|_, each| !each.is_null());
                    entries.values_mut().try_for_each(|each| self.check_at(entry, each, path))?;
                    None
                }
                _ => Some("Map"),
            },
            Kind::Structure(members) => match value {
                Value::Object(fields) => {
                    self.check_members(members, &self.shapes[name].required, fields, path)?;
                    None
                }
                _ => Some("Structure"),
            },
        };
        if let Some(expected) = expected {
            return Err(wrong_type(value, expected, path));
        }
        // Letters have no limits; most members are letters.
        match if name.len() > 1 { self.shapes.get(name) } else { None } {
            Some(shape) => shape.check_limits(value, path),
            None => Ok(()),
        }
    }

    fn check_members(
        &self,
        members: &BTreeMap<String, String>,
        required: &[String],
        fields: &mut Map<String, Value>,
        path: &MemberPath<'_>,
    ) -> Result<(), ShapeError> {
        fields.retain(|name, each| !each.is_null() && members.contains_key(name));
        for (name, each) in fields.iter_mut() {
            self.check_at(&members[name], each, &path.member(name))?;
        }
        match required.iter().find(|name| !fields.contains_key(*name)) {
            Some(name) => Err(ShapeError::Missing(path.member(name).path())),
            None => Ok(()),
        }
    }

    /// A node of a query form as the JSON that awsJson would have sent. A text that cannot be read
    /// as what its type wants stays a text, for [`Model::check`] to find.
    pub(crate) fn value_of(&self, name: &str, node: &Form) -> Value {
        let text = node.text().unwrap_or_default();
        let kept = || Value::from(text);
        match self.kind(name) {
            Kind::Text => kept(),
            Kind::Integer => text.parse::<i64>().map_or_else(|_| kept(), Value::from),
            Kind::Double => match text.parse::<f64>() {
                Ok(number) => double(number),
                Err(_) => kept(),
            },
            Kind::Boolean => text.parse::<bool>().map_or_else(|_| kept(), Value::from),
            Kind::Timestamp => text.parse::<jiff::Timestamp>().map_or_else(|_| kept(), crate::ctx::epoch),
            Kind::List(item) => node.items().into_iter().map(|each| self.value_of(item, each)).collect(),
            Kind::Map(_) | Kind::Document => node.to_value(),
            Kind::Structure(members) => {
                let given = members
                    .iter()
                    .filter_map(|(name, kind)| Some((name, kind, node.child(name)?)))
                    .map(|(name, kind, child)| (name.clone(), self.value_of(kind, child)));
                given.collect::<Map<_, _>>().into()
            }
        }
    }

    /// Turns an answer's timestamps from awsJson's numbers into awsQuery's ISO 8601 texts.
    pub(crate) fn times_as_text(&self, name: &str, value: &mut Value) {
        match (self.kind(name), value) {
            (Kind::Timestamp, value) => {
                let millis = value.as_f64().map(|seconds| (seconds * 1000.0).round() as i64);
                if let Some(at) = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()) {
                    *value = at.to_string().into();
                }
            }
            (Kind::List(item), Value::Array(items)) => {
                items.iter_mut().for_each(|each| self.times_as_text(item, each));
            }
            (Kind::Structure(members), Value::Object(fields)) => {
                for (name, each) in fields.iter_mut() {
                    if let Some(kind) = members.get(name) {
                        self.times_as_text(kind, each);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Shape {
    fn check_limits(&self, value: &Value, path: &MemberPath<'_>) -> Result<(), ShapeError> {
        if let (Some(listed), Value::String(text)) = (&self.values, value)
            && !listed.contains(text)
        {
            return Err(ShapeError::Unlisted(path.path(), text.clone(), listed.clone()));
        }
        let (what, size) = match value {
            Value::String(text) => ("length", i64::try_from(text.chars().count()).unwrap_or(i64::MAX)),
            Value::Array(items) => ("length", i64::try_from(items.len()).unwrap_or(i64::MAX)),
            Value::Number(number) => ("value", number.as_f64().unwrap_or_default() as i64),
            _ => return Ok(()),
        };
        let rule = match (self.min, self.max) {
            (Some(min), _) if size < min => format!("have {what} greater than or equal to {min}"),
            (_, Some(max)) if size > max => format!("have {what} less than or equal to {max}"),
            _ => match (&self.pattern, value) {
                (Some(pattern), Value::String(text)) if !self.matches(pattern, text) => {
                    format!("satisfy regular expression pattern: {pattern}")
                }
                _ => return Ok(()),
            },
        };
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Err(ShapeError::Limit(path.path(), (!self.hide).then_some(shown), format!("Member must {rule}")))
    }

    /// Whether a whole text is of the pattern.
    fn matches(&self, pattern: &str, text: &str) -> bool {
        let whole = || Regex::new(&format!("^(?:{pattern})$")).expect("the carried pattern is one");
        self.compiled.get_or_init(whole).is_match(text)
    }
}

/// A floating-point number as awsJson writes it: what JSON has no number for is text.
pub(crate) fn double(number: f64) -> Value {
    match number {
        n if n.is_nan() => "NaN".into(),
        n if n.is_infinite() => if n > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        n => n.into(),
    }
}

fn special(value: &Value) -> bool {
    matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity"))
}

fn whole(value: &Value) -> bool {
    value.is_i64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn wrong_type(value: &Value, expected: &str, path: &MemberPath<'_>) -> ShapeError {
    let found = match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "LIST_VALUE",
        Value::Object(_) => "STRUCTURE_VALUE",
    };
    ShapeError::Type(format!("{found} can not be converted to {expected} (at '{}')", path.path()))
}
