//! What was declared of a resource when AWS was last seen to be in agreement with it.

use super::resource::Tree;
use super::tree_text::TreeText;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// The declaration of a resource that AWS was last seen in agreement with: its fields as AWS takes
/// them, and its tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastApplied(TreeText);

impl LastApplied {
    /// Of these fields and tags.
    pub fn of(fields: &Tree, tags: &BTreeMap<String, String>) -> Self {
        Self(TreeText::of(&json!({"fields": fields, "tags": tags})))
    }

    /// Its fields, as AWS took them.
    pub fn fields(&self) -> Tree {
        self.0.tree()["fields"].take()
    }

    /// Its tags, without those that Evenkeel puts on everything.
    pub fn tags(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.0.tree()["tags"].take()).unwrap_or_default()
    }

    /// Whether it had these tags.
    pub fn has_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        self.0.as_str().ends_with(&format!("\"tags\":{}}}", json!(tags)))
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
