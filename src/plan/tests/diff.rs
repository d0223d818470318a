//! The diff, row by row and rule by rule.

use crate::model::resource::{ResourceKind, Tree};
use crate::plan::diff::{differences, tag_differences};
use crate::plan::table::{Absent, Compare, Row, rows};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use strum::IntoEnumIterator;

fn paths(kind: ResourceKind, desired: &Tree, observed: &Tree) -> Vec<String> {
    let found = differences(kind, desired, observed, &BTreeSet::new());
    found.into_iter().map(|difference| difference.change.path).collect()
}

/// A tree that holds one value at a row's path.
fn tree(row: &Row, value: Option<Value>) -> Tree {
    let path = row.path.replace("[]", "");
    let mut segments: Vec<&str> = path.split('.').collect();
    let last = segments.pop().unwrap();
    let mut inner = match value {
        Some(value) => json!({ last: value }),
        None => json!({}),
    };
    if row.path.contains("[]") {
        inner["name"] = json!("web");
        inner = json!([inner]);
    }
    segments.iter().rev().fold(inner, |inner, segment| json!({ *segment: inner }))
}

/// Two values that a row must tell apart.
fn two_values(row: &Row) -> (Value, Value) {
    match row.compare {
        Compare::Set(_) | Compare::Declared(_) => (json!(["a", "b"]), json!(["a"])),
        Compare::Named(key) => (json!([{key: "a", "v": 1}]), json!([{key: "a", "v": 2}])),
        Compare::Map | Compare::DeclaredKeys => (json!({"a": "1"}), json!({"a": "2"})),
        Compare::Actions => (
            json!([{"type": "forward", "targetGroupArn": "a"}]),
            json!([{"type": "forward", "targetGroupArn": "b"}]),
        ),
        Compare::Conditions => (
            json!([{"field": "host-header", "values": ["a"]}]),
            json!([{"field": "host-header", "values": ["b"]}]),
        ),
        _ => (json!("one"), json!("two")),
    }
}

fn compared() -> impl Iterator<Item = &'static Row> {
    ResourceKind::iter().flat_map(rows).filter(|row| row.compare != Compare::Never)
}

#[test]
fn every_compared_row_sees_a_change_and_only_a_change() {
    for row in compared() {
        let (one, two) = two_values(row);
        let (desired, observed) = (tree(row, Some(one.clone())), tree(row, Some(two)));
        assert_eq!(paths(row.kind, &desired, &observed).len(), 1, "{} {}", row.kind, row.path);
        assert!(paths(row.kind, &desired, &tree(row, Some(one))).is_empty(), "{} {}", row.kind, row.path);
    }
}

#[test]
fn every_compared_row_sees_that_a_declared_value_was_removed() {
    for row in compared() {
        let (one, _) = two_values(row);
        let found = paths(row.kind, &tree(row, Some(one)), &tree(row, None));
        assert_eq!(found.len(), 1, "{} {}", row.kind, row.path);
    }
}

#[test]
fn what_a_document_leaves_to_others_is_never_a_difference() {
    for row in compared().filter(|row| row.absent == Absent::Unmanaged) {
        let (one, _) = two_values(row);
        assert!(
            paths(row.kind, &tree(row, None), &tree(row, Some(one))).is_empty(),
            "{} {}",
            row.kind,
            row.path
        );
    }
}

#[test]
fn a_default_that_is_spelled_out_equals_an_absent_one() {
    for row in compared() {
        let Absent::Means(default) = row.absent else { continue };
        let default: Value = serde_json::from_str(default).unwrap();
        let (spelled, absent) = (tree(row, Some(default)), tree(row, None));
        assert!(paths(row.kind, &spelled, &absent).is_empty(), "{} {}", row.kind, row.path);
        assert!(paths(row.kind, &absent, &spelled).is_empty(), "{} {}", row.kind, row.path);
    }
}

#[test]
fn order_of_subnets_and_of_members_does_not_matter() {
    let desired = json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a", "b"]}},
        "loadBalancers": [{"targetGroupArn": "t", "containerName": "c", "containerPort": 80}]});
    let observed = json!({"loadBalancers": [{"containerPort": 80.0, "containerName": "c", "targetGroupArn": "t", "loadBalancerName": null}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["b", "a"], "assignPublicIp": "DISABLED", "securityGroups": []}}});
    assert!(paths(ResourceKind::Service, &desired, &observed).is_empty());
}

#[test]
fn the_groups_of_a_service_change_places_only_while_ecs_shifts_traffic() {
    let service = |strategy: &str, active: &str, alternate: &str| {
        json!({"deploymentConfiguration": {"strategy": strategy}, "loadBalancers": [
            {"targetGroupArn": active, "containerName": "c", "containerPort": 80, "advancedConfiguration": {"alternateTargetGroupArn": alternate}}]})
    };
    let differ = |strategy: &str, active: &str| {
        paths(
            ResourceKind::Service,
            &service(strategy, "a", "b"),
            &service(strategy, active, if active == "a" { "b" } else { "a" }),
        )
    };
    assert!(differ("BLUE_GREEN", "b").is_empty());
    assert_eq!(differ("ROLLING", "b"), ["loadBalancers"]);
    assert_eq!(differ("BLUE_GREEN", "c"), ["loadBalancers"]);
}

#[test]
fn a_placement_strategy_in_another_order_is_another_strategy() {
    let strategy =
        |first: &str, second: &str| json!({"placementStrategy": [{"type": first}, {"type": second}]});
    let found = paths(ResourceKind::Service, &strategy("spread", "binpack"), &strategy("binpack", "spread"));
    assert_eq!(found, ["placementStrategy"]);
}

#[test]
fn a_single_forward_has_no_weight_and_redirects_have_aws_defaults() {
    let desired = json!({"actions": [{"type": "forward", "targetGroups": [{"targetGroupArn": "t"}]}]});
    let observed =
        json!({"actions": [{"type": "forward", "targetGroups": [{"targetGroupArn": "t", "weight": 1}]}]});
    assert!(paths(ResourceKind::Rule, &desired, &observed).is_empty());
    let desired = json!({"defaultActions": [{"type": "redirect", "redirectConfig": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}]});
    let mut observed = desired.clone();
    let redirect = &mut observed["defaultActions"][0]["redirectConfig"];
    redirect["host"] = json!("#{host}");
    redirect["path"] = json!("/#{path}");
    redirect["query"] = json!("#{query}");
    assert!(paths(ResourceKind::Listener, &desired, &observed).is_empty());
}

#[test]
fn environment_is_compared_by_name() {
    let definition =
        |environment: Value| json!({"containerDefinitions": [{"name": "web", "environment": environment}]});
    let desired = definition(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
    let observed = definition(
        json!([{"name": "B", "value": "3"}, {"name": "C", "value": "4"}, {"name": "A", "value": "1"}]),
    );
    assert_eq!(
        paths(ResourceKind::TaskDefinition, &desired, &observed),
        ["containerDefinitions[web].environment[B]", "containerDefinitions[web].environment[C]"]
    );
}

#[test]
fn tags_of_others_are_left_alone() {
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let found = tag_differences(
        ResourceKind::Service,
        &tags(&[("a", "1"), ("b", "2")]),
        &tags(&[("a", "1"), ("b", "9"), ("aws:cloudformation", "x")]),
    );
    let found: Vec<&str> = found.iter().map(|difference| difference.change.path.as_str()).collect();
    assert_eq!(found, ["tags.b"]);
}

#[test]
fn two_long_values_are_told_by_the_parts_in_which_they_differ() {
    let long = |timeout: u32| {
        json!({"enabled": true, "logConfiguration": {"logDriver": "awslogs", "options": {"a": "b"}},
        "services": [{"portName": "http", "timeout": {"idleTimeoutSeconds": timeout}}]})
    };
    let change = crate::model::plan::FieldChange {
        path: "serviceConnectConfiguration".to_owned(),
        old: long(5),
        new: long(60),
        owner: crate::model::plan::Ownership::Declared,
        impact: crate::model::plan::Impact::StartsDeployment,
    };
    let words = "serviceConnectConfiguration.services[0].timeout.idleTimeoutSeconds 5 → 60 (declared)";
    assert_eq!(crate::model::change_words::change_words(&change), words);
}
