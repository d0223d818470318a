//! Values of fields in a line of text: short, and showing what differs.

use serde_json::Value;

/// Longest value shown; what is longer is cut with an ellipsis.
const LONGEST_VALUE: usize = 60;
/// How much of what two long values have in common is shown before they differ.
const BEFORE_DIFFERENCE: usize = 12;

/// Two values that differ, from a little before where they do when both are long: what they have in
/// common says nothing.
pub fn apart(old: &Value, new: &Value) -> (String, String) {
    let (before, after) = (whole(old), whole(new));
    let common = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    let from = common.saturating_sub(BEFORE_DIFFERENCE);
    if common < LONGEST_VALUE || from == 0 {
        return (shown(old), shown(new));
    }
    let tail =
        |text: &str| shown(&Value::String(format!("…{}", text.chars().skip(from).collect::<String>())));
    (tail(&before), tail(&after))
}

fn whole(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

/// A value in words: text as it is, the rest as JSON, cut when it is long.
pub fn shown(value: &Value) -> String {
    let text = whole(value);
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let short: String = text.chars().take(LONGEST_VALUE).collect();
    format!("{short}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_two_long_values_what_differs_is_shown() {
        let arn = |tail: &str| {
            json!(format!(
                "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-web-{tail}/0a1b2c3d"
            ))
        };
        let (old, new) = apart(&arn("blue"), &arn("green"));
        assert_eq!(
            (old.as_str(), new.as_str()),
            ("…up/shop-web-blue/0a1b2c3d", "…up/shop-web-green/0a1b2c3d")
        );
        assert_eq!(apart(&json!(null), &json!(2)), ("(none)".to_owned(), "2".to_owned()));
        assert_eq!(shown(&json!("x".repeat(90))), format!("{}…", "x".repeat(60)));
    }
}
