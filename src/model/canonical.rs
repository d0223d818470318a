//! One text for one meaning: JSON with sorted keys, and the content hash made of it.
//!
//! `serde_json` may keep the order in which keys were written; nothing here depends on that, so a
//! hash is the same whatever order a document, a map or AWS's answer had.

use super::ids::ContentHash;
use super::resource::Tree;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The tree as compact JSON with object keys sorted at every depth. Lists keep their order.
pub fn canonical_json(tree: &Tree) -> String {
    let mut text = String::new();
    write_canonical(tree, &mut text);
    text
}

/// The first 16 hexadecimal digits of the SHA-256 of [`canonical_json`].
pub fn content_hash(tree: &Tree) -> ContentHash {
    let digest = Sha256::digest(canonical_json(tree).as_bytes());
    ContentHash::new(hex::encode(&digest[..8]))
}

fn write_canonical(tree: &Tree, text: &mut String) {
    match tree {
        Tree::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            text.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Tree::from(key.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Tree::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_change_the_hash() {
        let one: Tree = serde_json::from_str(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#).unwrap();
        let other: Tree = serde_json::from_str(r#"{"b":{"d":null,"c":[1,2]},"a":1}"#).unwrap();
        assert_eq!(canonical_json(&one), canonical_json(&other));
        assert_eq!(content_hash(&one), content_hash(&other));
    }

    #[test]
    fn the_order_of_a_list_changes_the_hash() {
        assert_ne!(content_hash(&json!([1, 2])), content_hash(&json!([2, 1])));
    }

    #[test]
    fn a_hash_is_the_first_sixteen_digits_of_sha_256() {
        // SHA-256 of `{}` is 44136fa355b3678a1146ad16f7e8649e….
        assert_eq!(content_hash(&json!({})).as_str(), "44136fa355b3678a");
    }
}
