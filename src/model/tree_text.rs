//! A tree as text: what a record keeps of what was declared and sent.

use super::canonical::canonical_json;
use super::resource::Tree;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::sync::Arc;

/// JSON as compact text with sorted keys: a tenth of the memory that its values take. A controller
/// holds several for everything that it looks after and reads them only where AWS differs; stored
/// as the JSON that they are. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeText(Arc<str>);

impl TreeText {
    /// The text of a tree.
    pub fn of(tree: &Tree) -> Self {
        Self(canonical_json(tree).into())
    }

    /// The tree.
    pub fn tree(&self) -> Tree {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for TreeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Into JSON as it is; every record that is saved has dozens.
        let text: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TreeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Tree::deserialize(deserializer).map(|tree| Self::of(&tree))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_stored_as_the_json_that_it_is() {
        for tree in [json!(null), json!("null"), json!(7), json!({"b": [1, {"a": "\u{e9}"}], "a": 0.5})] {
            let kept = TreeText::of(&tree);
            assert_eq!(kept.tree(), tree);
            let stored = serde_json::to_value(&kept).unwrap();
            assert_eq!(stored, tree);
            assert_eq!(serde_json::from_value::<TreeText>(stored).unwrap(), kept);
        }
    }
}
