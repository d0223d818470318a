//! What differs, in words: the same in plans, events and status.

use super::arn::{family_revision, target_group_name};
use super::plan::FieldChange;
use super::resource::Tree;
use serde_json::Value;
use std::collections::BTreeSet;

/// Longest value shown; what is longer is cut with an ellipsis.
const LONGEST_VALUE: usize = 60;
/// How much of what two long values have in common is shown before they differ.
const BEFORE_DIFFERENCE: usize = 12;
/// Most parts of one value that are named.
const LEAVES: usize = 3;

/// `desiredCount 5 → 2 (declared)`.
pub fn change_words(change: &FieldChange) -> String {
    let FieldChange { path, old, new, owner, .. } = change;
    let show = |value: &Tree| match path.as_str() {
        "taskDefinition" => {
            value.as_str().map_or_else(|| shown(value), |arn| family_revision(arn).to_owned())
        }
        "actions" | "defaultActions" => each(value, action_words),
        "conditions" => each(value, condition_words),
        _ => shown(value),
    };
    let (before, after) = (show(old), show(new));
    if before != after {
        return format!("{path} {before} → {after} ({owner})");
    }
    // Both are cut before they differ: where they do is what there is to say.
    let mut parts = Vec::new();
    leaves(path, old, new, &mut parts);
    let more = parts.len().saturating_sub(LEAVES);
    parts.truncate(LEAVES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more} ({owner})", parts.join(", "))
}

/// Differing parts of two values, each with its path.
fn leaves(path: &str, old: &Tree, new: &Tree, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let (old, new) = (before.get(name), after.get(name));
                leaves(
                    &format!("{path}.{name}"),
                    old.unwrap_or(&Value::Null),
                    new.unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for index in 0..before.len().max(after.len()) {
                let (old, new) = (before.get(index), after.get(index));
                let path = format!("{path}[{index}]");
                leaves(&path, old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), found);
            }
        }
        _ if old != new => {
            let (before, after) = apart(old, new);
            found.push(format!("{path} {before} → {after}"));
        }
        _ => {}
    }
}

fn each(list: &Tree, words: fn(&Tree) -> String) -> String {
    let parts: Vec<String> = list.as_array().into_iter().flatten().map(words).collect();
    if parts.is_empty() { "(none)".to_owned() } else { parts.join(", ") }
}

/// `forward web 9, old 1`, `redirect HTTP_301 HTTPS:443`, `answer 404`.
fn action_words(action: &Tree) -> String {
    let text = |value: &Tree| value.as_str().unwrap_or_default().to_owned();
    match action["type"].as_str() {
        Some("forward") => {
            let groups = action["targetGroups"].as_array().into_iter().flatten().map(|group| {
                let name = target_group_name(group["targetGroupArn"].as_str().unwrap_or_default());
                match group["weight"].as_i64() {
                    Some(weight) => format!("{name} {weight}"),
                    None => name.to_owned(),
                }
            });
            format!("forward {}", groups.collect::<Vec<_>>().join(" + "))
        }
        Some("redirect") => {
            let redirect = &action["redirectConfig"];
            let part = |key: &str, default: &str| redirect[key].as_str().unwrap_or(default).to_owned();
            let place =
                [part("protocol", "#{protocol}"), part("host", "#{host}"), part("port", "#{port}")].join(":");
            format!("redirect {} {place}{}", text(&redirect["statusCode"]), part("path", "/#{path}"))
        }
        Some("fixed-response") => format!("answer {}", text(&action["fixedResponseConfig"]["statusCode"])),
        _ => shown(action),
    }
}

/// `host-header a.example.com|b.example.com`.
fn condition_words(condition: &Tree) -> String {
    let values = condition["values"].as_array();
    match (condition["field"].as_str(), values) {
        (Some(field), Some(values)) => {
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            format!("{field} {}", values.join("|"))
        }
        _ => shown(condition),
    }
}

/// Two values that differ, from a little before where they do when both are long: what they have in
/// common says nothing.
fn apart(old: &Value, new: &Value) -> (String, String) {
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
fn shown(value: &Value) -> String {
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
        let image = |tag: &str| json!({"name": "web", "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments/web:{tag}")});
        let mut found = Vec::new();
        leaves("c[web]", &image("2.3.1"), &image("2.3.2"), &mut found);
        assert_eq!(found, ["c[web].image …nts/web:2.3.1 → …nts/web:2.3.2"]);
        let mut found = Vec::new();
        leaves("tag", &json!("é".repeat(70) + "1"), &json!("é".repeat(70) + "2"), &mut found);
        assert_eq!(found, [format!("tag …{0}1 → …{0}2", "é".repeat(12))]);
    }

    #[test]
    fn a_long_value_is_cut_and_two_are_shown_from_where_they_differ() {
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
