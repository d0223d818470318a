//! One text for one meaning: JSON with sorted keys, and the content hash made of it.
//!
//! `serde_json` may keep the order in which keys were written; nothing here depends on that, so a
//! hash is the same whatever order a document, a map or AWS's answer had.

use super::ids::ContentHash;
use super::resource::Tree;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The tree as compact JSON with object keys sorted at every depth. Lists keep their order.
pub fn canonical_json(tree: &Tree) -> String {
    let mut text = Vec::new();
    write_canonical(tree, &mut text);
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// The first 16 hexadecimal digits of the SHA-256 of [`canonical_json`].
pub fn content_hash(tree: &Tree) -> ContentHash {
    let mut text = Vec::new();
    write_canonical(tree, &mut text);
    ContentHash::new(hex::encode(&Sha256::digest(text)[..8]))
}

fn write_canonical(tree: &Tree, text: &mut Vec<u8>) {
    match tree {
        Tree::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            text.push(b'{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write_json(key, text);
                text.push(b':');
                write_canonical(value, text);
            }
            text.push(b'}');
        }
        Tree::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write_canonical(item, text);
            }
            text.push(b']');
        }
        plain => write_json(plain, text),
    }
}

fn write_json<T: Serialize + ?Sized>(plain: &T, text: &mut Vec<u8>) {
    serde_json::to_writer(text, plain).expect("texts, numbers and truths are JSON");
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
