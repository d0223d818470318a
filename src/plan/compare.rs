//! Canonical forms: two values mean the same exactly when their canonical forms are equal.

use super::row::Inside;
use super::table::Compare;
use crate::model::arn::{is_arn, last_part};
use crate::model::resource::Tree;
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeSet;

/// The canonical form of a value under a comparison. Map-like comparisons are taken apart by the
/// diff and end here with their elements.
pub(super) fn canonical(compare: Compare, value: &Tree) -> Tree {
    match compare {
        Compare::Text => text(value),
        Compare::Set(defaults) => set(value, defaults),
        Compare::Balancers => set(value, &[]),
        Compare::Actions => list(value, action),
        Compare::Conditions => sorted(list(value, condition)),
        _ => clean(value),
    }
}

/// Whether two values mean the same.
pub(super) fn same(compare: Compare, observed: &Tree, desired: &Tree) -> bool {
    match compare {
        Compare::NameOrArn => same_name_or_arn(observed, desired),
        Compare::Declared(inside) => as_declared(inside, desired, observed),
        _ => canonical(compare, observed) == canonical(compare, desired),
    }
}

/// Whether AWS shows what is declared, and nothing more that AWS does not fill in by itself. What
/// is off on both sides is the same, whatever else is said of it.
fn as_declared(inside: Inside, desired: &Tree, observed: &Tree) -> bool {
    match (desired, observed) {
        (Value::Object(wanted), Value::Object(seen)) => {
            let off = |members: &Map<String, Value>| members.get("enabled") == Some(&Value::Bool(false));
            let keys: BTreeSet<&String> = wanted.keys().chain(seen.keys()).collect();
            let same = |key: &String| match absent_member(inside, key, wanted) {
                Some(absent) => {
                    same_member(inside, key, member(wanted, key, &absent), member(seen, key, &absent))
                }
                None if wanted.get(key).is_none_or(Value::is_null) => true,
                None => same_member(inside, key, &wanted[key], member(seen, key, &Value::Null)),
            };
            (off(wanted) && off(seen)) || keys.into_iter().all(same)
        }
        (Value::Array(wanted), Value::Array(seen)) => {
            let seen: Vec<&Tree> = seen.iter().collect();
            wanted.len() == seen.len() && match_up(inside, wanted, &seen)
        }
        _ => clean(desired) == clean(observed),
    }
}

/// Whether each declared element has one of its own among the observed ones.
fn match_up(inside: Inside, wanted: &[Tree], seen: &[&Tree]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return true };
    (0..seen.len()).any(|index| {
        let others = [&seen[..index], &seen[index + 1..]].concat();
        as_declared(inside, first, seen[index]) && match_up(inside, rest, &others)
    })
}

/// What a member means that is left out; none when AWS fills in what it likes.
fn absent_member(inside: Inside, name: &str, siblings: &Map<String, Value>) -> Option<Tree> {
    if let Some((_, sibling)) = inside.named_after.iter().find(|(member, _)| *member == name) {
        return siblings.get(*sibling).cloned();
    }
    let (_, text) = inside.absent.iter().find(|(member, _)| *member == name)?;
    Some(serde_json::from_str(text).expect("defaults in the table are JSON; a test parses them all"))
}

fn member<'a>(members: &'a Map<String, Value>, name: &str, absent: &'a Tree) -> &'a Tree {
    members.get(name).filter(|value| !value.is_null()).unwrap_or(absent)
}

fn same_member(inside: Inside, name: &str, desired: &Tree, observed: &Tree) -> bool {
    if inside.whole.contains(&name) {
        return clean(desired) == clean(observed);
    }
    if let (true, Some(one), Some(other)) =
        (inside.name_or_arn.contains(&name), desired.as_str(), observed.as_str())
    {
        return one == other || one.starts_with("arn:") != other.starts_with("arn:");
    }
    as_declared(inside, desired, observed)
}

/// The target groups of forward actions, each with its weight where there are several.
pub(super) fn forwarded(actions: &Tree) -> Vec<Tree> {
    let groups = items(actions).map(action).map(|action| action["targetGroups"].clone());
    groups.flat_map(|groups| items(&groups).cloned().collect::<Vec<_>>()).collect()
}

/// Target groups that forward actions name.
pub(super) fn forwarded_groups(actions: &Tree) -> BTreeSet<String> {
    forwarded(actions)
        .into_iter()
        .filter_map(|group| group["targetGroupArn"].as_str().map(str::to_owned))
        .collect()
}

/// Whether observed actions are what ECS may have made of the desired ones while it shifts traffic:
/// the same actions, except that the forward ones name any of the allowed target groups with any
/// weights.
pub(super) fn same_but_shifted(
    desired: &Tree,
    observed: &Tree,
    traffic_shifted_groups: &BTreeSet<String>,
) -> bool {
    let mut allowed = forwarded_groups(desired);
    allowed.extend(traffic_shifted_groups.iter().cloned());
    let wanted: Vec<Tree> = items(desired).map(action).collect();
    let seen: Vec<Tree> = items(observed).map(action).collect();
    wanted.len() == seen.len()
        && wanted.iter().zip(&seen).all(|(wanted, seen)| {
            if wanted["type"] != "forward" {
                return wanted == seen;
            }
            let groups = forwarded_groups(&json!([seen]));
            seen["type"] == "forward" && !groups.is_empty() && groups.is_subset(&allowed)
        })
}

/// Whether the target groups of a service are the declared ones, but for elements whose active and
/// alternate group have changed places: after a blue/green deployment the alternate group is the
/// active one.
pub(super) fn same_but_alternated(desired: &Tree, observed: &Tree) -> bool {
    let pairs = |balancers: &Tree| set(&list(balancers, in_one_order), &[]);
    pairs(desired) == pairs(observed)
}

fn in_one_order(balancer: &Tree) -> Tree {
    let mut balancer = clean(balancer);
    let alternate = balancer["advancedConfiguration"]["alternateTargetGroupArn"].take();
    let active = balancer["targetGroupArn"].take();
    let (first, second) =
        if alternate.as_str() < active.as_str() { (alternate, active) } else { (active, alternate) };
    balancer["targetGroupArn"] = first;
    balancer["advancedConfiguration"]["alternateTargetGroupArn"] = second;
    clean(&balancer)
}

/// Drops null members and gives whole numbers one form, at every depth.
pub(super) fn clean(value: &Tree) -> Tree {
    match value {
        Value::Array(elements) => elements.iter().map(clean).collect(),
        Value::Object(members) => {
            members.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), clean(v))).collect()
        }
        Value::Number(number) => Value::Number(whole(number)),
        other => other.clone(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "guarded: the number is whole and well inside an i64")]
fn whole(number: &Number) -> Number {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
            Number::from(float as i64)
        }
        _ => number.clone(),
    }
}

fn text(value: &Tree) -> Tree {
    match clean(value) {
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    }
}

fn set(value: &Tree, defaults: &[(&str, &str)]) -> Tree {
    let element = |element: &Tree| {
        let mut element = clean(element);
        if let Value::Object(members) = &mut element {
            members.retain(|key, value| {
                let default = defaults.iter().find(|(name, _)| name == key);
                !default.is_some_and(|(_, text)| {
                    serde_json::from_str(text).is_ok_and(|default: Value| default == *value)
                })
            });
        }
        element
    };
    match list(value, element) {
        Value::Array(elements) => sorted(Value::Array(elements)),
        other => other,
    }
}

/// Sorted by canonical text, each once.
fn sorted(value: Tree) -> Tree {
    match value {
        Value::Array(elements) => {
            let by_text: std::collections::BTreeMap<String, Tree> =
                elements.into_iter().map(|element| (sort_key(&element), element)).collect();
            by_text.into_values().collect()
        }
        other => other,
    }
}

/// A text that does not depend on the order of members.
fn sort_key(value: &Tree) -> String {
    match value {
        Value::Object(members) => {
            let mut parts: Vec<String> =
                members.iter().map(|(key, value)| format!("{key:?}:{}", sort_key(value))).collect();
            parts.sort();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(sort_key).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn list(value: &Tree, element: impl Fn(&Tree) -> Tree) -> Tree {
    match value {
        Value::Array(elements) => elements.iter().map(element).collect(),
        other => clean(other),
    }
}

fn items(value: &Tree) -> impl Iterator<Item = &Tree> {
    value.as_array().into_iter().flatten()
}

/// Forward actions always as a sorted list of groups; a single group has no weight, for none would
/// change anything. Redirects and fixed answers with what ELB fills in. Source: ELBv2 API,
/// RedirectActionConfig and FixedResponseActionConfig.
fn action(value: &Tree) -> Tree {
    let mut action = clean(value);
    let Some(members) = action.as_object_mut() else { return action };
    if let Some(redirect) = members.get_mut("redirectConfig").and_then(Value::as_object_mut) {
        let defaults = [
            ("protocol", "#{protocol}"),
            ("port", "#{port}"),
            ("host", "#{host}"),
            ("path", "/#{path}"),
            ("query", "#{query}"),
        ];
        for (key, default) in defaults {
            redirect.entry(key).or_insert_with(|| json!(default));
        }
    }
    if let Some(fixed) = members.get_mut("fixedResponseConfig").and_then(Value::as_object_mut) {
        fixed.entry("contentType").or_insert_with(|| json!("text/plain"));
        fixed.retain(|key, value| key != "messageBody" || value != "");
    }
    if members.get("type").is_some_and(|kind| kind == "forward") {
        forward(members);
    }
    action
}

fn forward(members: &mut Map<String, Value>) {
    let mut groups: Vec<Tree> =
        members.get("targetGroups").map(|g| items(g).cloned().collect()).unwrap_or_default();
    if let Some(arn) = members.remove("targetGroupArn").filter(|_| groups.is_empty()) {
        groups.push(json!({"targetGroupArn": arn}));
    }
    let single = groups.len() == 1;
    for group in groups.iter_mut().filter_map(Value::as_object_mut) {
        if single {
            group.remove("weight");
        } else {
            group.entry("weight").or_insert_with(|| json!(1));
        }
    }
    members.insert("targetGroups".to_owned(), sorted(Value::Array(groups)));
    if members.get("stickinessSeconds").is_some_and(|seconds| seconds == 0) {
        members.remove("stickinessSeconds");
    }
}

fn condition(value: &Tree) -> Tree {
    let mut condition = clean(value);
    let paths = ["/values", "/httpHeaderConfig/values", "/queryStringConfig/values"];
    for path in paths {
        if let Some(values) = condition.pointer_mut(path) {
            *values = sorted(values.take());
        }
    }
    if let Some(members) = condition.as_object_mut() {
        members.retain(|_, value| value.as_array().is_none_or(|values| !values.is_empty()));
    }
    condition
}

fn same_name_or_arn(a: &Tree, b: &Tree) -> bool {
    let (Some(a), Some(b)) = (a.as_str(), b.as_str()) else { return a == b };
    if is_arn(a) && is_arn(b) { a == b } else { last_part(a) == last_part(b) }
}
