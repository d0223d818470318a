//! A document as text: what is kept of a thousand documents for as long as the controller runs.

use super::Document;
use crate::model::canonical::canonical_json;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// Field of the typed kinds in earlier versions. It changed nothing, so a document that was kept
/// with it means the same without it.
const RETIRED: &str = "dns";

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
    /// # Errors
    ///
    /// It is none in this version, such as one that a newer version has kept.
    pub fn document(&self) -> Result<Document, serde_json::Error> {
        serde_json::from_str(&self.0).or_else(|error| {
            let mut value = self.to_json();
            let spec = value.get_mut("spec").and_then(Value::as_object_mut);
            match spec.and_then(|spec| spec.remove(RETIRED)) {
                Some(_) => serde_json::from_value(value),
                None => Err(error),
            }
        })
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

    #[test]
    fn a_kept_document_with_a_retired_field_is_read_without_it() {
        let (_, example) = crate::model::kinds::Kind::Datero.example();
        let now: Document = serde_saphyr::from_str(example).unwrap();
        let mut before = now.to_json();
        before["spec"]["dns"] = json!({"hostedZoneId": "Z1"});
        assert_eq!(DocumentText::of(&before).document().unwrap(), now);
    }
}
