//! `dependsOn`: everything named exists, and nothing waits for itself.

use crate::model::finding::{Findings, field_key};
use crate::model::kinds::Component;
use std::collections::{BTreeMap, BTreeSet};

/// Checks the gates between components.
pub(super) fn check(findings: &mut Findings, components: &BTreeMap<String, Component>) {
    for (key, component) in components {
        for (index, other) in component.depends_on.iter().enumerate() {
            let field = format!("{}.dependsOn[{index}]", field_key("spec.components", key));
            if other == key {
                findings.error(field, "a component cannot wait for itself", "remove it");
            } else if !components.contains_key(other) {
                let known: Vec<&str> =
                    components.keys().map(String::as_str).filter(|name| name != key).collect();
                let help = match known.as_slice() {
                    [] => "there is no other".to_owned(),
                    known => format!("there are {}", known.join(", ")),
                };
                findings.error(field, format!("there is no component `{other}`"), help);
            }
        }
    }
    let edges = components.iter().map(|(key, part)| {
        let others = part.depends_on.iter().map(String::as_str).filter(|other| other != key);
        (key.as_str(), others.collect())
    });
    if let Some(cycle) = cycle(&edges.collect()) {
        let field = format!("{}.dependsOn", field_key("spec.components", cycle[0]));
        let message = format!("these components wait for each other: {}", cycle.join(" → "));
        findings.error(field, message, "remove one of the dependencies");
    }
}

/// The first cycle in name order, its first member repeated at the end.
pub(super) fn cycle<'a>(edges: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| visit(start, edges, &mut Vec::new(), &mut done))
}

fn visit<'a>(
    node: &'a str,
    edges: &BTreeMap<&'a str, Vec<&'a str>>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(start) = path.iter().position(|other| *other == node) {
        let mut cycle = path[start..].to_vec();
        cycle.push(node);
        return Some(cycle);
    }
    if !done.insert(node) {
        return None;
    }
    path.push(node);
    let found = edges.get(node).into_iter().flatten().find_map(|next| visit(next, edges, path, done));
    path.pop();
    found
}
