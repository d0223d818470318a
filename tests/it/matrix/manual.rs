//! Reads AWS and changes it by hand: by AWS's own calls where there is one, else in the
//! simulation itself.

use super::documents::put;
use crate::support::{Fixture, REGION};
use evenkeel::model::resource::{ResourceId, ResourceKind};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Cluster of all documents.
pub const CLUSTER: &str = "matrix";

/// Members of a service that change without anybody's doing.
const PASSING: [&str; 7] = [
    "deployments",
    "events",
    "runningCount",
    "pendingCount",
    "currentServiceDeployment",
    "currentServiceRevisions",
    "createdAt",
];

/// Service settings that only its deployments show.
const IN_DEPLOYMENTS: [&str; 2] = ["serviceConnectConfiguration", "volumeConfigurations"];

/// Service settings that UpdateService does not take.
const FIXED: [&str; 2] = ["launchType", "schedulingStrategy"];

/// Where a resource is found by those who are not Evenkeel.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: ResourceId,
    pub arn: String,
}

/// A resource as AWS describes it, without what changes by itself; tags as a map. `None` when it is
/// gone.
pub fn read(fixture: &Fixture, found: &Found) -> Option<Value> {
    match found.id.kind {
        ResourceKind::Service => service(fixture, &found.arn),
        ResourceKind::LogGroup => log_group(fixture, &found.id.key),
        ResourceKind::Alarm => alarm(fixture, &found.arn),
        _ => balancing(fixture, found),
    }
}

fn service(fixture: &Fixture, arn: &str) -> Option<Value> {
    let input = json!({"cluster": CLUSTER, "services": [arn], "include": ["TAGS"]});
    let described = fixture.by_hand("ecs", "DescribeServices", input);
    let mut seen = described["services"].get(0).filter(|service| service["status"] != "INACTIVE")?.clone();
    let newest = seen["deployments"].as_array().into_iter().flatten().find(|one| one["status"] == "PRIMARY");
    let newest = newest.cloned().unwrap_or_default();
    let members = seen.as_object_mut()?;
    for passing in PASSING {
        members.remove(passing);
    }
    for name in IN_DEPLOYMENTS {
        members.extend(newest.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let tags = tag_map(members.remove("tags"), "key", "value");
    members.insert("tags".to_owned(), tags);
    says_nothing(&mut members["deploymentConfiguration"]);
    Some(seen)
}

/// Leaves out what ECS keeps of a setting that is off: alarms without a name, no hooks, steps of a
/// strategy that is not in force.
fn says_nothing(configuration: &mut Value) {
    let off = json!({"alarmNames": [], "enable": false, "rollback": false});
    let strategy = configuration["strategy"].clone();
    let Some(members) = configuration.as_object_mut() else { return };
    members.retain(|name, value| match name.as_str() {
        "alarms" => *value != off,
        "earlySuccessCriteria" => value["enable"] == true,
        "lifecycleHooks" => *value != json!([]),
        "linearConfiguration" => strategy == "LINEAR",
        "canaryConfiguration" => strategy == "CANARY",
        _ => true,
    });
}

fn log_group(fixture: &Fixture, name: &str) -> Option<Value> {
    let listed = fixture.by_hand("logs", "DescribeLogGroups", json!({"logGroupNamePrefix": name}));
    let seen = listed["logGroups"].as_array()?.iter().find(|group| group["logGroupName"] == name)?;
    let tags = fixture.by_hand("logs", "ListTagsForResource", json!({"resourceArn": seen["logGroupArn"]}));
    let mut group = Map::new();
    for member in ["retentionInDays", "kmsKeyId"] {
        if let Some(value) = seen.get(member) {
            group.insert(member.to_owned(), value.clone());
        }
    }
    group.insert("tags".to_owned(), tags["tags"].clone());
    Some(Value::Object(group))
}

/// What CloudWatch takes of an alarm, and its tags.
fn alarm(fixture: &Fixture, arn: &str) -> Option<Value> {
    let name = arn.split_once(":alarm:")?.1;
    let described = fixture.by_hand("monitoring", "DescribeAlarms", json!({"AlarmNames": [name]}));
    let mut seen = described["MetricAlarms"].get(0)?.clone();
    let tags = fixture.by_hand("monitoring", "ListTagsForResource", json!({"ResourceARN": arn}));
    let members = seen.as_object_mut()?;
    members.retain(|name, value| {
        let passing = name.starts_with("State") || name.ends_with("Timestamp") || name == "AlarmArn";
        !passing && *value != json!([]) && !value.is_null() && name != "EvaluationState"
    });
    members.insert("Tags".to_owned(), tag_map(Some(tags["Tags"].clone()), "Key", "Value"));
    Some(seen)
}

/// Puts an alarm with other members; null takes one away.
fn set_alarm(fixture: &Fixture, found: &Found, now: &Value, tops: BTreeMap<String, Value>) {
    let mut put = now.as_object().unwrap().clone();
    put.remove("Tags");
    for (top, value) in tops {
        if top == "Tags" {
            let (set, gone) = split(&value);
            let set: Vec<Value> =
                set.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            let input = json!({"ResourceARN": found.arn, "Tags": set});
            fixture.by_hand("monitoring", "TagResource", input);
            let input = json!({"ResourceARN": found.arn, "TagKeys": gone});
            fixture.by_hand("monitoring", "UntagResource", input);
        } else if value.is_null() {
            put.remove(&top);
        } else {
            put.insert(top, value);
        }
    }
    fixture.by_hand("monitoring", "PutMetricAlarm", Value::Object(put));
}

/// A target group, listener or rule; its own ARN is left out, because one that was made again has
/// another.
fn balancing(fixture: &Fixture, found: &Found) -> Option<Value> {
    let (operation, request, list, own) = match found.id.kind {
        ResourceKind::TargetGroup => {
            ("DescribeTargetGroups", "TargetGroupArns", "TargetGroups", "TargetGroupArn")
        }
        ResourceKind::Listener => ("DescribeListeners", "ListenerArns", "Listeners", "ListenerArn"),
        _ => ("DescribeRules", "RuleArns", "Rules", "RuleArn"),
    };
    let described = ask(fixture, operation, json!({request: [found.arn]}))?;
    let mut seen = described[list].get(0)?.clone();
    let members = seen.as_object_mut()?;
    members.remove(own);
    // The ALPN policy `None` is how AWS takes one away.
    members.retain(|name, value| !value.is_null() && (name != "AlpnPolicy" || *value != json!(["None"])));
    let tags = elb(fixture, "DescribeTags", json!({"ResourceArns": [found.arn]}));
    members
        .insert("Tags".to_owned(), tag_map(Some(tags["TagDescriptions"][0]["Tags"].clone()), "Key", "Value"));
    if found.id.kind == ResourceKind::TargetGroup {
        let attributes = elb(fixture, "DescribeTargetGroupAttributes", json!({"TargetGroupArn": found.arn}));
        members
            .insert("Attributes".to_owned(), tag_map(Some(attributes["Attributes"].clone()), "Key", "Value"));
    }
    Some(seen)
}

fn tag_map(list: Option<Value>, key: &str, value: &str) -> Value {
    let list = list.unwrap_or_default();
    let pairs = list.as_array().into_iter().flatten();
    pairs.map(|pair| (pair[key].as_str().unwrap().to_owned(), pair[value].clone())).collect()
}

/// One awsQuery call; its parameters as nested JSON.
pub fn elb(fixture: &Fixture, operation: &str, input: Value) -> Value {
    let mut flat = Map::new();
    flatten("", &input, &mut flat);
    fixture.by_hand("elasticloadbalancing", operation, Value::Object(flat))
}

/// The same when AWS may answer that there is no such thing.
fn ask(fixture: &Fixture, operation: &str, input: Value) -> Option<Value> {
    let mut flat = Map::new();
    flatten("", &input, &mut flat);
    let call = json!({"service": "elasticloadbalancing", "operation": operation, "input": flat});
    let seed = json!({"region": REGION, "calls": [call]});
    fixture.sim.seed_world(&seed).ok().map(|answer| answer["calls"][0].clone())
}

fn flatten(path: &str, value: &Value, flat: &mut Map<String, Value>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| flatten(&below(name), value, flat)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&format!("member.{}", index + 1)), item, flat);
            }
        }
        Value::Null => {}
        plain => {
            flat.insert(path.to_owned(), plain.clone());
        }
    }
}

/// Sets members of the API, by path, as somebody does: in one call for all that one call takes. A
/// null value takes a member away.
pub fn set(fixture: &Fixture, found: &Found, members: &[(String, Value)]) {
    let now = read(fixture, found).unwrap_or_else(|| panic!("{} is not there", found.id));
    let mut wanted = now.clone();
    let mut tops: BTreeMap<String, Value> = BTreeMap::new();
    for (path, value) in members {
        let top = path.split('.').next().unwrap().to_owned();
        match (top.to_ascii_lowercase().as_str(), value.as_object()) {
            // Attributes and tags are set one by one, and their names have dots.
            ("tags" | "attributes", Some(pairs)) => {
                for (key, value) in pairs {
                    wanted[&top][key] = value.clone();
                }
            }
            _ => put(&mut wanted, path, value.clone()),
        }
        tops.insert(top.clone(), wanted.get(&top).cloned().unwrap_or_default());
    }
    match found.id.kind {
        ResourceKind::Service => set_service(fixture, found, &now, tops),
        ResourceKind::LogGroup => set_log_group(fixture, found, tops),
        ResourceKind::Alarm => set_alarm(fixture, found, &now, tops),
        _ => set_balancing(fixture, found, &now, tops),
    }
}

/// Deletes a resource, and waits until it is gone.
pub async fn delete(fixture: &Fixture, found: &Found) {
    let arn = &found.arn;
    match found.id.kind {
        ResourceKind::LogGroup => {
            drop(fixture.by_hand("logs", "DeleteLogGroup", json!({"logGroupName": found.id.key})))
        }
        ResourceKind::TargetGroup => drop(elb(fixture, "DeleteTargetGroup", json!({"TargetGroupArn": arn}))),
        ResourceKind::Listener => drop(elb(fixture, "DeleteListener", json!({"ListenerArn": arn}))),
        ResourceKind::Rule => drop(elb(fixture, "DeleteRule", json!({"RuleArn": arn}))),
        ResourceKind::Alarm => {
            let name = arn.split_once(":alarm:").unwrap().1;
            drop(fixture.by_hand("monitoring", "DeleteAlarms", json!({"AlarmNames": [name]})));
        }
        _ => {
            fixture.by_hand(
                "ecs",
                "DeleteService",
                json!({"cluster": CLUSTER, "service": arn, "force": true}),
            );
            while service(fixture, arn).is_some_and(|service| service["status"] == "DRAINING") {
                fixture.pass(1).await;
            }
        }
    }
}

/// Puts a resource back to what it was, when nothing else did.
pub fn put_back(fixture: &Fixture, found: &Found, before: &Value) {
    let now = read(fixture, found).unwrap_or_else(|| panic!("{} is not there", found.id));
    let (now, before) = (now.as_object().unwrap(), before.as_object().unwrap());
    let names: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    for name in names.into_iter().filter(|name| now.get(*name) != before.get(*name)) {
        let value = before.get(name).cloned();
        match (found.id.kind, name.as_str()) {
            (ResourceKind::Service, "desiredCount" | "tags") | (ResourceKind::LogGroup, _) => {
                restore(fixture, found, name, now.get(name), value);
            }
            (ResourceKind::Service, _) => alter(fixture, found, name, value),
            (_, "Tags") => restore(fixture, found, name, now.get(name), value),
            _ => set(fixture, found, &[(name.clone(), value.unwrap_or_default())]),
        }
    }
}

/// Sets a member back; of tags, those that were not there before go.
fn restore(fixture: &Fixture, found: &Found, name: &str, now: Option<&Value>, before: Option<Value>) {
    let mut value = before.unwrap_or_default();
    if let (Some(now), Some(members)) = (now.and_then(Value::as_object), value.as_object_mut()) {
        for key in now.keys() {
            members.entry(key.clone()).or_insert(Value::Null);
        }
    }
    set(fixture, found, &[(name.to_owned(), value)]);
}

fn alter(fixture: &Fixture, found: &Found, member: &str, value: Option<Value>) {
    let name = found.arn.rsplit('/').next().unwrap();
    let altered = fixture
        .sim
        .with(|aws| aws.with_ecs(REGION, |ecs, _| ecs.alter_service(CLUSTER, name, member, value.clone())));
    assert!(altered, "{} {member}", found.id);
}

fn set_service(fixture: &Fixture, found: &Found, now: &Value, tops: BTreeMap<String, Value>) {
    let mut update = json!({"cluster": CLUSTER, "service": found.arn});
    for (top, value) in tops {
        match top.as_str() {
            "tags" => tag_ecs(fixture, &found.arn, &now["tags"], &value),
            name if FIXED.contains(&name) || value.is_null() => {
                alter(fixture, found, name, Some(value).filter(|v| !v.is_null()))
            }
            name => update[name] = value,
        }
    }
    if update.get("capacityProviderStrategy").is_some() {
        update["forceNewDeployment"] = json!(true);
    }
    if update.as_object().unwrap().len() > 2 {
        fixture.by_hand("ecs", "UpdateService", update);
    }
}

fn split(tags: &Value) -> (Vec<(&String, &Value)>, Vec<&String>) {
    let pairs = tags.as_object().unwrap();
    let gone = pairs.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key).collect();
    (pairs.iter().filter(|(_, value)| !value.is_null()).collect(), gone)
}

fn tag_ecs(fixture: &Fixture, arn: &str, _: &Value, tags: &Value) {
    let (set, gone) = split(tags);
    let set: Vec<Value> = set.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    fixture.by_hand("ecs", "TagResource", json!({"resourceArn": arn, "tags": set}));
    if !gone.is_empty() {
        fixture.by_hand("ecs", "UntagResource", json!({"resourceArn": arn, "tagKeys": gone}));
    }
}

fn set_log_group(fixture: &Fixture, found: &Found, tops: BTreeMap<String, Value>) {
    let name = &found.id.key;
    for (top, value) in tops {
        match (top.as_str(), value.is_null()) {
            ("retentionInDays", true) => {
                fixture.by_hand("logs", "DeleteRetentionPolicy", json!({"logGroupName": name}))
            }
            ("retentionInDays", false) => fixture.by_hand(
                "logs",
                "PutRetentionPolicy",
                json!({"logGroupName": name, "retentionInDays": value}),
            ),
            ("kmsKeyId", true) => {
                fixture.by_hand("logs", "DisassociateKmsKey", json!({"logGroupName": name}))
            }
            ("kmsKeyId", false) => {
                fixture.by_hand("logs", "AssociateKmsKey", json!({"logGroupName": name, "kmsKeyId": value}))
            }
            ("tags", _) => {
                let (set, gone) = split(&value);
                let set: Map<String, Value> =
                    set.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                fixture.by_hand("logs", "TagResource", json!({"resourceArn": found.arn, "tags": set}));
                fixture.by_hand("logs", "UntagResource", json!({"resourceArn": found.arn, "tagKeys": gone}))
            }
            (other, _) => panic!("log groups have no {other}"),
        };
    }
}

fn set_balancing(fixture: &Fixture, found: &Found, now: &Value, tops: BTreeMap<String, Value>) {
    let (operation, own) = match found.id.kind {
        ResourceKind::TargetGroup => ("ModifyTargetGroup", "TargetGroupArn"),
        ResourceKind::Listener => ("ModifyListener", "ListenerArn"),
        _ => ("ModifyRule", "RuleArn"),
    };
    let mut modify = json!({own: found.arn});
    for (top, value) in tops {
        match (top.as_str(), found.id.kind) {
            ("Tags", _) => {
                let (set, gone) = split(&value);
                let set: Vec<Value> =
                    set.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                if !set.is_empty() {
                    elb(fixture, "AddTags", json!({"ResourceArns": [found.arn], "Tags": set}));
                }
                if !gone.is_empty() {
                    elb(fixture, "RemoveTags", json!({"ResourceArns": [found.arn], "TagKeys": gone}));
                }
            }
            ("Attributes", ResourceKind::TargetGroup) => {
                let changed = value
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(key, value)| now["Attributes"][key] != **value);
                let list: Vec<Value> =
                    changed.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                let input = json!({"TargetGroupArn": found.arn, "Attributes": list});
                elb(fixture, "ModifyTargetGroupAttributes", input);
            }
            ("Protocol" | "ProtocolVersion" | "Port" | "VpcId" | "TargetType", ResourceKind::TargetGroup) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let altered = fixture
                    .sim
                    .with(|aws| aws.region(REGION).elbv2.alter_target_group(&found.arn, &top, &text));
                assert!(altered, "{} {top}", found.id);
            }
            ("Priority", _) => {
                let input = json!({"RulePriorities": [{"RuleArn": found.arn, "Priority": value}]});
                elb(fixture, "SetRulePriorities", input);
            }
            _ => modify[&top] = value,
        }
    }
    if modify.as_object().unwrap().len() > 1 {
        elb(fixture, operation, modify);
    }
}
