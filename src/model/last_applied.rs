//! What was declared of a resource when AWS was last seen to be in agreement with it.

use super::resource::Tree;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The declaration of a resource that AWS was last seen in agreement with: its fields as AWS takes
/// them, and its tags.
///
/// Kept as a text, for a controller holds one for everything that it looks after and reads it only
/// where AWS differs; stored as the JSON that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastApplied(Arc<str>);

impl LastApplied {
    /// Of these fields and tags.
    pub fn of(fields: &Tree, tags: &BTreeMap<String, String>) -> Self {
        Self(json!({"fields": fields, "tags": tags}).to_string().into())
    }

    /// Its fields, as AWS took them.
    pub fn fields(&self) -> Tree {
        self.read()["fields"].take()
    }

    /// Its tags, without those that Evenkeel puts on everything.
    pub fn tags(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.read()["tags"].take()).unwrap_or_default()
    }

    /// Whether it had these tags.
    pub fn has_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        self.0.ends_with(&format!("\"tags\":{}}}", json!(tags)))
    }

    fn read(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for LastApplied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.read().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LastApplied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(value.to_string().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_the_json_that_it_is() {
        let tags = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
        let fields = json!({"desiredCount": 2});
        let kept = LastApplied::of(&fields, &tags);
        let stored = serde_json::to_value(&kept).unwrap();
        assert_eq!(stored, json!({"fields": {"desiredCount": 2}, "tags": {"team": "shop"}}));
        let read: LastApplied = serde_json::from_value(stored).unwrap();
        assert!(kept.has_tags(&tags) && read.has_tags(&tags) && !read.has_tags(&BTreeMap::new()));
        assert_eq!((read.fields(), read.tags()), (fields, tags));
        assert_eq!(read, kept);
    }
}
