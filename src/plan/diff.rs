//! The diff: one loop over the ownership table.

use super::compare::{clean, forwarded_groups, same, same_but_alternated, same_but_shifted};
use super::row::{Absent, Compare, Difference, Effect, Row};
use super::table::rows;
use crate::model::plan::{FieldChange, Impact};
use crate::model::resource::{ResourceKind, Tree};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Everything in which an observed tree differs from the desired one, in the order of the table.
///
/// `traffic_shifted_groups` holds the ARNs of target groups whose traffic ECS shifts at present.
///
/// **Guarantees**: trees that mean the same give nothing, whatever the order of members and of
/// lists without order, and whether defaults are spelled out; fields that the document leaves to
/// others give nothing.
pub fn differences(
    kind: ResourceKind,
    desired: &Tree,
    observed: &Tree,
    traffic_shifted_groups: &BTreeSet<String>,
) -> Vec<Difference> {
    let compared = rows(kind).iter().filter(|row| row.compare != Compare::Never);
    compared.flat_map(|row| row_differences(row, desired, observed, traffic_shifted_groups)).collect()
}

/// The differences of declared tags: those that are missing or have another value. Tags of others
/// are left alone.
pub fn tag_differences(
    kind: ResourceKind,
    desired: &BTreeMap<String, String>,
    observed: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let tree = |tags: &BTreeMap<String, String>| {
        let members: Map<String, Value> =
            tags.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
        Value::Object(Map::from_iter([("tags".to_owned(), Value::Object(members))]))
    };
    let tags = rows(kind).iter().filter(|row| row.path == "tags");
    tags.flat_map(|row| row_differences(row, &tree(desired), &tree(observed), &BTreeSet::new())).collect()
}

fn row_differences(
    row: &'static Row,
    desired: &Tree,
    observed: &Tree,
    traffic_shifted_groups: &BTreeSet<String>,
) -> Vec<Difference> {
    let (top, nested) = row.path.split_once('.').map_or((row.path, false), |(top, _)| (top, true));
    // A nested default says what an absent member of a declared object means, not that the object
    // is declared.
    let unmanaged = row.kind != ResourceKind::TaskDefinition && absent(desired.get(top));
    if nested && unmanaged {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (path, old, new) in concrete_paths(row.path, desired, observed) {
        if row.compare == Compare::Balancers && is_alternated(desired, old, new) {
            continue;
        }
        compare_at(row, &path, Pair { old, new }, traffic_shifted_groups, &mut found);
    }
    found
}

/// Whether ECS shifts the traffic of a service and no more differs than which of its groups is the
/// active one.
fn is_alternated(service: &Tree, old: Option<&Tree>, new: Option<&Tree>) -> bool {
    let strategy = at(service, "deploymentConfiguration.strategy").and_then(Tree::as_str);
    let (Some(old), Some(new)) = (old, new) else { return false };
    strategy.is_some_and(|strategy| strategy != "ROLLING") && same_but_alternated(new, old)
}

fn absent(value: Option<&Tree>) -> bool {
    value.is_none_or(Value::is_null)
}

/// A row's observed and desired value at one path.
#[derive(Clone, Copy)]
struct Pair<'a> {
    old: Option<&'a Tree>,
    new: Option<&'a Tree>,
}

type PathValues<'a> = (String, Option<&'a Tree>, Option<&'a Tree>);

/// The concrete paths of a row's path: one, or one per element for a path through `[]`.
fn concrete_paths<'a>(path: &str, desired: &'a Tree, observed: &'a Tree) -> Vec<PathValues<'a>> {
    let Some((list, rest)) = path.split_once("[].") else {
        return vec![(path.to_owned(), at(observed, path), at(desired, path))];
    };
    let wanted = by_name(desired.get(list), "name");
    let seen = by_name(observed.get(list), "name");
    let names: BTreeSet<&String> = wanted.keys().chain(seen.keys()).collect();
    let element = |name: &String| {
        let old = seen.get(name).and_then(|element| at(element, rest));
        let new = wanted.get(name).and_then(|element| at(element, rest));
        (format!("{list}[{name}].{rest}"), old, new)
    };
    names.into_iter().map(element).collect()
}

fn at<'a>(tree: &'a Tree, path: &str) -> Option<&'a Tree> {
    path.split('.').try_fold(tree, |tree, segment| tree.get(segment)).filter(|value| !value.is_null())
}

fn by_name<'a>(list: Option<&'a Tree>, key: &str) -> BTreeMap<String, &'a Tree> {
    let elements = list.and_then(Value::as_array).into_iter().flatten();
    elements.filter_map(|element| Some((element.get(key)?.as_str()?.to_owned(), element))).collect()
}

fn compare_at(
    row: &'static Row,
    path: &str,
    pair: Pair<'_>,
    traffic_shifted_groups: &BTreeSet<String>,
    found: &mut Vec<Difference>,
) {
    if pair.new.is_none() && row.absent == Absent::Unmanaged {
        return;
    }
    match row.compare {
        Compare::Named(key) => {
            let (old, new) = (by_name(pair.old, key), by_name(pair.new, key));
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let element = Pair { old: old.get(name).copied(), new: new.get(name).copied() };
                push(row, format!("{path}[{name}]"), element, found);
            }
        }
        Compare::Map | Compare::DeclaredKeys => {
            let no_members = Map::new();
            let members = |value: Option<&'_ Tree>| value.and_then(Value::as_object).cloned();
            let old = members(pair.old).unwrap_or_else(|| no_members.clone());
            let new = members(pair.new).unwrap_or(no_members);
            let declared_only = row.compare == Compare::DeclaredKeys;
            let keys: BTreeSet<&String> = new.keys().chain(old.keys().filter(|_| !declared_only)).collect();
            for key in keys {
                let member = Pair { old: old.get(key), new: new.get(key) };
                push(row, format!("{path}.{key}"), member, found);
            }
        }
        Compare::Actions if is_shifted(pair, traffic_shifted_groups) => {}
        _ => push(row, path.to_owned(), pair, found),
    }
}

/// Whether the difference of two lists of actions, if any, is ECS's doing.
fn is_shifted(pair: Pair<'_>, traffic_shifted_groups: &BTreeSet<String>) -> bool {
    let (Some(old), Some(new)) = (pair.old, pair.new) else { return false };
    let touches = forwarded_groups(new).iter().any(|group| traffic_shifted_groups.contains(group));
    touches && same_but_shifted(new, old, traffic_shifted_groups)
}

fn push(row: &'static Row, path: String, pair: Pair<'_>, found: &mut Vec<Difference>) {
    let default = match row.absent {
        Absent::Means(text) if !matches!(row.compare, Compare::Named(_) | Compare::Map) => {
            serde_json::from_str(text).expect("defaults in the table are JSON; a test parses them all")
        }
        _ => Value::Null,
    };
    let old = pair.old.unwrap_or(&default);
    let new = pair.new.unwrap_or(&default);
    let leaf = match row.compare {
        // Whole numbers in maps come as texts from AWS.
        Compare::DeclaredKeys | Compare::Map => Compare::Text,
        other => other,
    };
    if same(leaf, old, new) {
        return;
    }
    let owner = row.class.owner(pair.new.is_some(), false);
    let change = FieldChange {
        path,
        old: pair.old.map_or(Value::Null, shown),
        new: shown(new),
        owner,
        impact: match row.effect {
            Effect::StartsDeployment => Impact::StartsDeployment,
            Effect::InPlace | Effect::Replaces | Effect::Impossible => Impact::None,
        },
    };
    found.push(Difference { row, change });
}

fn shown(value: &Tree) -> Tree {
    clean(value)
}

/// The members of an update: for every changed field the whole top-level value that is declared,
/// with defaults that the change relies on spelled out.
pub(super) fn updated_fields(changes: &[Difference], desired: &Tree) -> Map<String, Value> {
    let mut fields = Map::new();
    for Difference { change, row } in changes {
        let (top, rest) =
            change.path.split_once('.').map_or((change.path.as_str(), None), |(t, r)| (t, Some(r)));
        let value =
            fields.entry(top.to_owned()).or_insert_with(|| desired.get(top).map_or(Value::Null, clean));
        match rest {
            None if value.is_null() => *value = change.new.clone(),
            Some(rest) if at(value, rest).is_none() => {
                put(value, rest, change.new.clone());
                complete(value, top, row);
            }
            _ => {}
        }
    }
    fields
}

/// Leaves a difference as AWS shows it inside of a member that is sent as a whole.
pub(super) fn leave(fields: &mut Map<String, Tree>, difference: &Difference) {
    let FieldChange { path, old, .. } = &difference.change;
    if let Some((top, rest)) = path.split_once('.')
        && let Some(value) = fields.get_mut(top).filter(|_| !old.is_null())
    {
        put(value, rest, old.clone());
    }
}

/// Spells out the defaults of a changed field's siblings: AWS takes an inner object only with all
/// of its members (`alarms`, `deploymentCircuitBreaker`).
fn complete(value: &mut Tree, top: &str, changed: &Row) {
    let Some((parent, _)) = changed.path.rsplit_once('.').filter(|(parent, _)| *parent != top) else {
        return;
    };
    let siblings =
        rows(changed.kind).iter().filter(|row| row.path.rsplit_once('.').is_some_and(|(p, _)| p == parent));
    for sibling in siblings {
        let rest = sibling.path.strip_prefix(top).and_then(|rest| rest.strip_prefix('.'));
        if let (Some(rest), Absent::Means(text)) = (rest, sibling.absent)
            && at(value, rest).is_none()
        {
            let default =
                serde_json::from_str(text).expect("defaults in the table are JSON; a test parses them all");
            put(value, rest, default);
        }
    }
}

fn put(value: &mut Tree, path: &str, new: Tree) {
    let mut here = value;
    for segment in path.split('.') {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = here
            .as_object_mut()
            .expect("made an object just above")
            .entry(segment.to_owned())
            .or_insert(Value::Null);
    }
    *here = new;
}
