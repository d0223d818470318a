//! A document as text: what is kept of a thousand documents for as long as the controller runs.

use super::Document;
use crate::model::canonical::canonical_json;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// JSON as compact text with sorted keys: a tenth of the memory that its values take. Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentText(Arc<str>);

impl DocumentText {
    /// The text of a value.
    pub fn of(value: &Value) -> Self {
        Self(canonical_json(value).into())
    }

    /// The value.
    pub fn to_json(&self) -> Value {
        serde_json::from_str(&self.0).expect("it was written from a value")
    }

    /// The document that it is.
    ///
    /// **Errors**: it is none in this version, such as one that another version has kept.
    pub fn document(&self) -> Result<Document, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl Serialize for DocumentText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DocumentText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_kept_as_text_and_stored_as_the_json_that_it_is() {
        let value = json!({"spec": {"b": [1, 2.5, "ü\n"], "a": null}, "kind": "Application"});
        let text = DocumentText::of(&value);
        assert_eq!(text.to_json(), value);
        assert_eq!(serde_json::to_value(&text).unwrap(), value);
        assert_eq!(serde_json::from_value::<DocumentText>(value).unwrap(), text);
        assert!(text.document().is_err(), "it lacks half of what a document has");
    }
}
