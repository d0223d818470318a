//! Short reads of JSON members.

use serde_json::{Map, Value};

/// Short reads of members whose types were checked already; an absent member reads as `None` or
/// empty.
pub(crate) trait Fields {
    /// A string member.
    fn text(&self, name: &str) -> Option<&str>;
    /// A whole number.
    fn int(&self, name: &str) -> Option<i64>;
    /// A boolean; absent is `false`.
    fn flag(&self, name: &str) -> bool;
    /// A list; absent is empty.
    fn items(&self, name: &str) -> &[Value];
}

impl Fields for Map<String, Value> {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    fn int(&self, name: &str) -> Option<i64> {
        let number = self.get(name)?;
        number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn items(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl Fields for Value {
    fn text(&self, name: &str) -> Option<&str> {
        self.as_object().and_then(|map| map.text(name))
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.as_object().and_then(|map| map.int(name))
    }

    fn flag(&self, name: &str) -> bool {
        self.as_object().is_some_and(|map| map.flag(name))
    }

    fn items(&self, name: &str) -> &[Value] {
        self.as_object().map_or(&[], |map| map.items(name))
    }
}

/// The strings of a list member.
pub(crate) fn texts<'a>(input: &'a Value, name: &str) -> Vec<&'a str> {
    input.items(name).iter().filter_map(Value::as_str).collect()
}
