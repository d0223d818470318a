//! What counts as the same, value by value.

use crate::model::resource::{ResourceKind, Tree};
use crate::plan::diff::{differences, updated_fields};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn differ(kind: ResourceKind, field: &str, one: Value, other: Value) -> bool {
    let tree = |value: Value| json!({ field: value });
    !differences(kind, &tree(one), &tree(other), &BTreeSet::new()).is_empty()
}

fn actions(one: Value, other: Value) -> bool {
    differ(ResourceKind::Rule, "actions", json!([one]), json!([other]))
}

fn forward(groups: &[(&str, i64)]) -> Value {
    let group = |(arn, weight): &(&str, i64)| json!({"targetGroupArn": arn, "weight": weight});
    json!({"type": "forward", "targetGroups": groups.iter().map(group).collect::<Vec<_>>()})
}

#[test]
fn forwards_are_the_same_by_their_groups_and_the_weights_of_several() {
    assert!(!actions(json!({"type": "forward", "targetGroupArn": "a"}), forward(&[("a", 7)])));
    assert!(!actions(forward(&[("a", 1), ("b", 2)]), forward(&[("b", 2), ("a", 1)])));
    assert!(!actions(
        forward(&[("a", 1), ("b", 2)]),
        json!({"type": "forward", "targetGroups": [{"targetGroupArn": "a"}, {"targetGroupArn": "b", "weight": 2}]})
    ));
    assert!(actions(forward(&[("a", 1), ("b", 2)]), forward(&[("a", 2), ("b", 1)])));
    assert!(actions(forward(&[("a", 1)]), forward(&[("a", 1), ("b", 0)])));
    let sticky =
        |seconds: u32| json!({"type": "forward", "targetGroupArn": "a", "stickinessSeconds": seconds});
    assert!(!actions(sticky(0), forward(&[("a", 1)])), "0 seconds are none");
    assert!(actions(sticky(1), forward(&[("a", 1)])));
}

#[test]
fn answers_and_redirects_are_the_same_with_what_elb_fills_in() {
    let answer = |config: Value| json!({"type": "fixed-response", "fixedResponseConfig": config});
    let full = json!({"statusCode": "404", "contentType": "text/plain", "messageBody": ""});
    assert!(!actions(answer(json!({"statusCode": "404"})), answer(full)));
    assert!(actions(answer(json!({"statusCode": "404"})), answer(json!({"statusCode": "503"}))));
    assert!(actions(
        answer(json!({"statusCode": "404", "messageBody": "x"})),
        answer(json!({"statusCode": "404"}))
    ));
    assert!(actions(
        answer(json!({"statusCode": "404", "contentType": "text/css"})),
        answer(json!({"statusCode": "404"}))
    ));
    let redirect = |config: Value| json!({"type": "redirect", "redirectConfig": config});
    let full = json!({"statusCode": "HTTP_301", "port": "443", "protocol": "#{protocol}", "host": "#{host}",
        "path": "/#{path}", "query": "#{query}"});
    let short = json!({"statusCode": "HTTP_301", "port": "443"});
    assert!(!actions(redirect(short.clone()), redirect(full.clone())));
    for part in ["port", "protocol", "host", "path", "query", "statusCode"] {
        let mut other = full.clone();
        other[part] = json!("other");
        assert!(actions(redirect(short.clone()), redirect(other)), "{part}");
    }
    assert!(!actions(json!("no action at all"), json!("no action at all")));
}

#[test]
fn while_ecs_shifts_traffic_only_the_set_of_groups_counts() {
    let shifted = |desired: Value, observed: Value| {
        let traffic_shifted_groups = ["blue".to_owned(), "green".to_owned()].into();
        let tree = |actions: Value| json!({"actions": actions});
        differences(ResourceKind::Rule, &tree(desired), &tree(observed), &traffic_shifted_groups).is_empty()
    };
    let answer = |code: &str| json!({"type": "fixed-response", "fixedResponseConfig": {"statusCode": code}});
    let blue = || json!([forward(&[("blue", 1)])]);
    assert!(shifted(blue(), json!([forward(&[("green", 1)])])));
    assert!(shifted(blue(), json!([forward(&[("blue", 90), ("green", 10)])])));
    assert!(!shifted(blue(), json!([forward(&[("theirs", 1)])])), "a group that is none of the two");
    assert!(!shifted(blue(), json!([forward(&[])])), "to no group at all");
    assert!(!shifted(blue(), json!([answer("503")])), "no forward any more");
    assert!(!shifted(blue(), json!([])), "nothing any more");
    assert!(!shifted(blue(), json!([forward(&[("green", 1)]), answer("503")])), "something more");
    let both = |code: &str, group: &str| json!([answer(code), forward(&[(group, 1)])]);
    assert!(shifted(both("404", "blue"), both("404", "green")));
    assert!(!shifted(both("404", "blue"), both("503", "green")), "what does not forward is ours");
    assert!(
        !shifted(json!([forward(&[("mine", 1)])]), json!([forward(&[("green", 1)])])),
        "not a group that ECS shifts"
    );
}

#[test]
fn conditions_are_sets_of_sets_and_what_is_empty_is_not_there() {
    let rule = |one: Value, other: Value| differ(ResourceKind::Rule, "conditions", one, other);
    assert!(!rule(
        json!([{"field": "a", "values": ["1", "2"]}, {"field": "b", "values": []}]),
        json!([{"field": "b"}, {"field": "a", "values": ["2", "1", "2"]}])
    ));
    for config in ["httpHeaderConfig", "queryStringConfig"] {
        let condition = |values: Value| json!([{"field": "x", config: {"values": values}}]);
        assert!(!rule(condition(json!(["1", "2"])), condition(json!(["2", "1"]))), "{config}");
        assert!(rule(condition(json!(["1", "2"])), condition(json!(["1"]))), "{config}");
    }
    assert!(!rule(json!(["odd"]), json!(["odd"])));
}

#[test]
fn sets_leave_out_the_defaults_of_their_members() {
    let strategy =
        |one: Value, other: Value| differ(ResourceKind::Service, "capacityProviderStrategy", one, other);
    assert!(!strategy(
        json!([{"capacityProvider": "a", "base": 0, "weight": 1}, {"capacityProvider": "b"}]),
        json!([{"capacityProvider": "b", "weight": 0, "base": 0}, {"capacityProvider": "a", "weight": 1.0}])
    ));
    assert!(strategy(json!([{"capacityProvider": "a", "base": 1}]), json!([{"capacityProvider": "a"}])));
    assert!(!differ(ResourceKind::Service, "loadBalancers", json!("odd"), json!("odd")));
}

#[test]
fn numbers_are_the_same_whatever_their_form() {
    let exact = |one: Value, other: Value| differ(ResourceKind::Service, "placementStrategy", one, other);
    assert!(!exact(json!([1, {"a": 2}]), json!([1.0, {"a": 2.0, "b": null}])));
    assert!(exact(json!([0.5]), json!([0])));
    assert!(!exact(json!([1e300]), json!([1e300])), "beyond what a whole number holds");
    let count = |one: Value, other: Value| differ(ResourceKind::Service, "desiredCount", one, other);
    assert!(!count(json!(2), json!("2")) && !count(json!(2), json!(2.0)));
    assert!(count(json!(2), json!("two")));
}

#[test]
fn a_key_is_the_same_by_name_and_by_arn_but_not_by_two_arns() {
    let key = |one: Value, other: Value| differ(ResourceKind::LogGroup, "kmsKeyId", one, other);
    let arn = |region: &str| json!(format!("arn:aws:kms:{region}:1:key/a"));
    assert!(!key(json!("a"), arn("eu-west-1")) && !key(arn("eu-west-1"), json!("key/a")));
    assert!(key(json!("b"), arn("eu-west-1")));
    assert!(key(arn("eu-west-1"), arn("us-east-1")), "the same key id in another region is another key");
    assert!(!key(json!(1), json!(1)) && key(json!(1), json!("a")));
}

#[test]
fn an_inner_object_is_sent_with_all_of_its_members_and_defaults() {
    let sent = |desired: Tree, observed: Tree| {
        let found = differences(ResourceKind::Service, &desired, &observed, &BTreeSet::new());
        Value::Object(updated_fields(&found, &desired))
    };
    assert_eq!(
        sent(
            json!({"deploymentConfiguration": {"alarms": {"alarmNames": ["a"]}}}),
            json!({"deploymentConfiguration": {"alarms": {"alarmNames": ["b"], "enable": true, "rollback": true}}}),
        ),
        json!({"deploymentConfiguration": {"alarms": {"alarmNames": ["a"], "enable": false, "rollback": false}}}),
        "members that are not declared go back to their defaults"
    );
    assert_eq!(
        sent(
            json!({"deploymentConfiguration": {}}),
            json!({"deploymentConfiguration": {"strategy": "CANARY"}})
        ),
        json!({"deploymentConfiguration": {"strategy": "ROLLING"}})
    );
    assert_eq!(sent(json!({}), json!({"propagateTags": "SERVICE"})), json!({"propagateTags": "NONE"}));
}

fn service_differs(field: &str, declared: &Value, shown: &Value) -> bool {
    let tree = |value: &Value| match field.split_once('.') {
        Some((top, rest)) => json!({ top: { rest: value } }),
        None => json!({ field: value }),
    };
    !differences(ResourceKind::Service, &tree(declared), &tree(shown), &BTreeSet::new()).is_empty()
}

/// A value with another one at a pointer; null takes away what stands there.
fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match (parent, new) {
        (Value::Object(members), Value::Null) => drop(members.remove(name)),
        (parent, new) => parent[name] = new,
    }
    value
}

#[test]
fn service_connect_is_the_same_with_what_aws_fills_in_and_with_nothing_else() {
    let differs =
        |declared: &Value, shown: &Value| service_differs("serviceConnectConfiguration", declared, shown);
    let declared = json!({"enabled": true, "namespace": "shop",
        "services": [{"portName": "http", "clientAliases": [{"port": 80}]}, {"portName": "admin", "clientAliases": [{"port": 81}]}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/proxy"}},
        "accessLogConfiguration": {"format": "JSON"}});
    let shown = json!({"enabled": true, "namespace": "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1",
        "services": [
            {"portName": "admin", "discoveryName": "admin", "clientAliases": [{"port": 81, "dnsName": "admin.shop"}]},
            {"portName": "http", "discoveryName": "http", "clientAliases": [{"port": 80, "dnsName": "http.shop"}], "timeout": {}}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/proxy"}, "secretOptions": []},
        "accessLogConfiguration": {"format": "JSON", "includeQueryParameters": "DISABLED"}, "somethingNew": {"of": "AWS"}});
    assert!(!differs(&declared, &shown));
    let by_hand = [
        ("/services/0/discoveryName", json!("other")),
        ("/services/0/clientAliases/0/port", json!(82)),
        ("/services/0/ingressPortOverride", json!(15000)),
        ("/services/1/timeout", json!({"idleTimeoutSeconds": 5})),
        ("/services/1/tls", json!({"kmsKey": "key"})),
        ("/logConfiguration/options", json!({"awslogs-group": "/proxy", "mode": "blocking"})),
        ("/logConfiguration", Value::Null),
        ("/accessLogConfiguration/includeQueryParameters", json!("ENABLED")),
        ("/enabled", json!(false)),
    ];
    for (pointer, new) in by_hand {
        assert!(differs(&declared, &with(&shown, pointer, new)), "{pointer}");
    }
    assert!(differs(&with(&declared, "/logConfiguration", Value::Null), &shown), "taken out");
    assert!(differs(&with(&declared, "/services", json!([])), &shown), "a client only");
    let arn = |id: &str| json!(format!("arn:aws:servicediscovery:eu-west-1:123456789012:namespace/{id}"));
    assert!(differs(&with(&declared, "/namespace", arn("ns-2")), &shown));
    assert!(!differs(&with(&declared, "/namespace", arn("ns-1")), &shown));
    assert!(!differs(&with(&declared, "/namespace", Value::Null), &shown), "the cluster's");
    assert!(differs(&declared, &with(&shown, "/namespace", json!("other"))));
    assert!(differs(&declared, &with(&shown, "/namespace", Value::Null)));
}

#[test]
fn service_connect_that_is_off_is_none() {
    let differs =
        |declared: &Value, shown: &Value| service_differs("serviceConnectConfiguration", declared, shown);
    let off = json!({"enabled": false, "namespace": "shop", "services": [{"portName": "http"}]});
    assert!(!differs(&off, &Value::Null));
    assert!(!differs(&Value::Null, &off));
    assert!(!differs(&json!({"enabled": false}), &off));
    assert!(differs(&Value::Null, &with(&off, "/enabled", json!(true))));
}

#[test]
fn volumes_and_hooks_are_the_same_with_aws_s_defaults_alone() {
    let declared = json!([{"name": "data", "managedEBSVolume": {"roleArn": "role", "sizeInGiB": 20, "encrypted": false}}]);
    let shown = json!([{"name": "data", "managedEBSVolume":
        {"roleArn": "role", "sizeInGiB": 20.0, "filesystemType": "xfs", "tagSpecifications": []}}]);
    assert!(!service_differs("volumeConfigurations", &declared, &shown));
    for (name, new) in [
        ("sizeInGiB", json!(40)),
        ("volumeType", json!("gp2")),
        ("encrypted", json!(true)),
        ("kmsKeyId", json!("key")),
        ("tagSpecifications", json!([{"resourceType": "volume"}])),
    ] {
        let changed = with(&shown, &format!("/0/managedEBSVolume/{name}"), new);
        assert!(service_differs("volumeConfigurations", &declared, &changed), "{name}");
    }
    let hooks = "deploymentConfiguration.lifecycleHooks";
    let declared = json!([{"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "f", "roleArn": "r", "hookDetails": {"a": [1]}}]);
    let shown = json!([{"targetType": "AWS_LAMBDA", "lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "f", "roleArn": "r",
        "hookDetails": {"a": [1.0]}, "timeoutConfiguration": {"timeoutInMinutes": 1440, "action": "ROLLBACK"}}]);
    assert!(!service_differs(hooks, &declared, &shown));
    for (pointer, new) in [
        ("/0/hookDetails/b", json!(2)),
        ("/0/hookDetails", Value::Null),
        ("/0/timeoutConfiguration/action", json!("CONTINUE")),
        ("/0/timeoutConfiguration/timeoutInMinutes", json!(5)),
        ("/0/targetType", json!("PAUSE")),
        ("/0/lifecycleStages", json!(["PRE_SCALE_UP", "POST_SCALE_UP"])),
    ] {
        assert!(service_differs(hooks, &declared, &with(&shown, pointer, new)), "{pointer}");
    }
}
