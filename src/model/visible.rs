//! What comes from outside, made visible before a person reads it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;

/// A text of a document or of AWS on one line, with nothing in it that a terminal acts on or hides:
/// control characters, line breaks, and marks that turn the direction of writing come out escaped
/// (`\n`, `\u{1b}`), everything else as it is.
///
/// **Guarantees**: what it answers is the same when it is made visible once more.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            hidden if is_hidden(hidden) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden));
            }
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// The same of every text in a value, names of members included.
///
/// # Errors
///
/// The value cannot be read back from its own JSON.
pub fn made_visible<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, serde_json::Error> {
    serde_json::from_value(in_json(serde_json::to_value(value)?))
}

fn in_json(value: Value) -> Value {
    match value {
        Value::String(text) => match visible(&text) {
            Cow::Borrowed(_) => Value::String(text),
            Cow::Owned(shown) => Value::String(shown),
        },
        Value::Array(elements) => Value::Array(elements.into_iter().map(in_json).collect()),
        Value::Object(members) => Value::Object(
            members.into_iter().map(|(name, value)| (visible(&name).into_owned(), in_json(value))).collect(),
        ),
        plain => plain,
    }
}

/// Whether a character does something else than to show itself.
///
/// Source: Unicode, "Cc" and the controls and marks of the bidirectional algorithm (UAX 9, 2.1 to
/// 2.6); line and paragraph separators; invisible characters of general punctuation.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_all_else_stays() {
        for plain in ["", "web", "Grüße, 世界 🚢", "a\\nb"] {
            assert!(matches!(visible(plain), Cow::Borrowed(text) if text == plain), "{plain}");
        }
        let hostile = "a\u{1b}[2Jb\nc\r\td\u{7}\u{9b}31m\u{202e}e\u{2028}f\u{200b}";
        let shown = visible(hostile);
        assert_eq!(shown, "a\\u{1b}[2Jb\\nc\\r\\td\\u{7}\\u{9b}31m\\u{202e}e\\u{2028}f\\u{200b}");
        assert_eq!(visible(&shown), shown);
    }

    #[test]
    fn every_text_of_a_value_is_made_visible_with_the_names_of_its_members() {
        let value = json!({"a\nb": ["\u{1b}c", 1, null, {"d": "e\u{7}"}]});
        let shown = made_visible(&value).unwrap();
        assert_eq!(shown, json!({"a\\nb": ["\\u{1b}c", 1, null, {"d": "e\\u{7}"}]}));
    }
}
