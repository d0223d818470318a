//! A document as text: what is kept of a thousand documents for as long as the controller runs.

use super::Document;
use crate::model::tree_text::TreeText;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Field of the typed kinds in earlier versions. It changed nothing, so a document that was kept
/// with it means the same without it.
const RETIRED: &str = "dns";

/// The text of a document. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentText(TreeText);

impl DocumentText {
    /// The text of a value.
    pub fn of(value: &Value) -> Self {
        Self(TreeText::of(value))
    }

    /// The value.
    pub fn to_json(&self) -> Value {
        self.0.tree()
    }

    /// The document that it is.
    ///
    /// # Errors
    ///
    /// It is none in this version, such as one that a newer version has kept.
    pub fn document(&self) -> Result<Document, serde_json::Error> {
        serde_json::from_str(self.0.as_str()).or_else(|error| {
            let mut value = self.to_json();
            let spec = value.get_mut("spec").and_then(Value::as_object_mut);
            match spec.and_then(|spec| spec.remove(RETIRED)) {
                Some(_) => serde_json::from_value(value),
                None => Err(error),
            }
        })
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
