//! A plan as text, for people: one line per action, its changes below it, then what is waited for.

use crate::model::arn::{family_revision, target_group_name};
use crate::model::call::Verb;
use crate::model::plan::{Drift, FieldChange, Impact, Plan, PlannedAction};
use crate::model::resource::Tree;
use crate::model::short_value::{apart, shown};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Most parts of one value that are named.
const LEAVES: usize = 3;

/// Renders a plan: `+` creates, `~` changes, `-` removes; every changed field with its old and new
/// value and its owner.
///
/// **Guarantees**: the same plan gives the same text; no trailing spaces; ends with a line break.
pub fn render(plan: &Plan) -> String {
    let mut text = format!("plan {}@{}\n", plan.deployment, plan.generation);
    for action in &plan.actions {
        render_action(&mut text, action);
    }
    let reported: Vec<&Drift> = plan.drift.iter().filter(|drift| !drift.repaired).collect();
    if !reported.is_empty() {
        text.push_str("  drift that stays\n");
        for drift in reported {
            let _ = match &drift.change {
                Some(change) => writeln!(text, "    {}.{}", drift.resource, change_words(change)),
                None => writeln!(text, "    {} is gone", drift.resource),
            };
        }
    }
    if !plan.waiting_on.is_empty() {
        text.push_str("  waiting\n");
        for waiting in &plan.waiting_on {
            let _ = writeln!(text, "    {} for {}", waiting.resource, waiting.on);
        }
    }
    if !plan.notes.is_empty() {
        text.push_str("  notes\n");
        for note in &plan.notes {
            let sign = if note.blocks { "!" } else { "·" };
            let _ = writeln!(text, "    {sign} {}: {}", note.resource, note.message);
        }
    }
    if plan.actions.is_empty() && plan.drift.is_empty() && plan.waiting_on.is_empty() && plan.notes.is_empty()
    {
        text.push_str("  nothing to do\n");
    }
    text
}

/// Renders the actions of plans that follow from one another, as steps from the second on; nothing
/// when there are none.
pub fn render_steps(plans: &[Plan]) -> String {
    let mut text = String::new();
    if !plans.is_empty() {
        text.push_str("  then, as AWS does its part\n");
    }
    for (index, plan) in plans.iter().enumerate() {
        let mut step = String::new();
        plan.actions.iter().for_each(|action| render_action(&mut step, action));
        for (line, words) in step.lines().enumerate() {
            let number = if line == 0 { format!("{:>4}.", index + 2) } else { " ".repeat(5) };
            let _ = writeln!(text, "{number}{}", words.strip_prefix(' ').unwrap_or(words));
        }
    }
    text
}

fn render_action(text: &mut String, action: &PlannedAction) {
    let spec = action.call.spec();
    let verb = spec.part.unwrap_or(action.verb.as_str());
    let about = format!("{}{}", action.resource, action.call.detail());
    let impact = match action.impact() {
        Impact::None if spec.deploys => "; starts a deployment: no",
        Impact::None => "",
        Impact::StartsDeployment => "; starts a deployment: yes",
        Impact::Restarts => "; starts a deployment: yes, old tasks stop first",
        Impact::Interrupts => "; interrupts: yes",
    };
    let sign = sign(action.verb);
    let _ = writeln!(text, "  {sign} {verb:<10} {about}  ({}{impact})", action.reason);
    for change in &action.changes {
        let _ = writeln!(text, "      {}", change_words(change));
    }
}

fn sign(verb: Verb) -> char {
    match verb {
        Verb::Create | Verb::Register | Verb::Run => '+',
        Verb::Update | Verb::Tag | Verb::Untag => '~',
        Verb::Stop | Verb::Deregister | Verb::Delete => '-',
    }
}

/// `desiredCount 5 → 2 (declared)`.
pub(crate) fn change_words(change: &FieldChange) -> String {
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
}
