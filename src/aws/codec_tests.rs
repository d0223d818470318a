use super::samples::{full_definition, full_service};
use super::*;
use crate::model::kinds::service::Service;
use crate::model::kinds::task_definition::TaskDefinition;
use serde_json::json;

/// Paths of all fields of a type that a tree does not set, at any depth. Of a list each element may
/// set some.
fn unset(root: &Tree, schema: &Tree, path: &str, trees: &[&Tree], missing: &mut Vec<String>) {
    let named = schema["$ref"].as_str().or_else(|| {
        let mut options = schema["anyOf"].as_array().into_iter().flatten();
        options.find_map(|option| option["$ref"].as_str())
    });
    let schema = named.map_or(schema, |name| &root["$defs"][name.rsplit('/').next().unwrap_or(name)]);
    if schema["items"].is_object() {
        let elements: Vec<&Tree> = trees.iter().filter_map(|tree| tree.as_array()).flatten().collect();
        return unset(root, &schema["items"], path, &elements, missing);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let values: Vec<&Tree> = trees.iter().filter_map(|tree| tree.get(name)).collect();
        if values.is_empty() {
            missing.push(path);
        } else {
            unset(root, member, &path, &values, missing);
        }
    }
}

fn missing<T: schemars::JsonSchema>(tree: &Tree) -> Vec<String> {
    let schema = schemars::schema_for!(T).to_value();
    let mut missing = Vec::new();
    unset(&schema, &schema, "", &[tree], &mut missing);
    missing
}

#[test]
fn every_field_of_a_task_definition_reaches_aws_and_comes_back() {
    let tree = full_definition();
    let input = register_task_definition_input(&tree).unwrap();
    similar_asserts::assert_eq!(to_tree(&input).unwrap(), tree);
}

#[test]
fn every_field_of_a_service_reaches_aws_and_comes_back() {
    let tree = full_service();
    let input = create_service_input(&tree).unwrap();
    let mut back = to_tree(&input).unwrap();
    // 5 and 5.0 are one number.
    back["deploymentConfiguration"]["canaryConfiguration"]["canaryPercent"] = json!(5);
    similar_asserts::assert_eq!(back, tree);
}

#[test]
fn the_full_task_definition_has_every_field_of_the_declared_type() {
    // What a rotation of the secret does is a setting of Evenkeel's own.
    let ours = [
        "containerDefinitions.logConfiguration.secretOptions.onRotation",
        "containerDefinitions.secrets.onRotation",
    ];
    let mut missing = missing::<TaskDefinition>(&full_definition());
    missing.retain(|path| !ours.contains(&path.as_str()));
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_full_service_has_every_field_of_the_declared_type() {
    // Settings of Evenkeel's own, and keys that are resolved to what AWS takes.
    let ours = [
        "autoscaling",
        "bakeSeconds",
        "deploymentConfiguration.alarms.alarms",
        "loadBalancers.targetGroup",
        "progressDeadlineSeconds",
    ];
    let mut missing = missing::<Service>(&full_service());
    missing.retain(|path| !ours.contains(&path.as_str()));
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_field_that_ecs_does_not_know_is_an_error_that_names_it() {
    let mut tree = full_definition();
    tree["containerDefinitions"][0]["secrets"][0]["onRotation"] = json!("Ignore");
    tree["colour"] = json!("blue");
    let error = register_task_definition_input(&tree).unwrap_err();
    assert_eq!(error.message, "ECS does not know `colour`, `containerDefinitions[0].secrets[0].onRotation`");
    assert!(error.answered() && !error.retry());
}

#[test]
fn a_value_of_the_wrong_type_is_an_error() {
    let error = create_service_input(&json!({"serviceName": "web", "desiredCount": "two"})).unwrap_err();
    assert_eq!(error.code, "BadTree");
}

#[test]
fn what_update_service_cannot_change_is_an_error() {
    let error = update_service_input(&json!({"service": "web", "launchType": "EC2"})).unwrap_err();
    assert_eq!(error.message, "ECS does not know `launchType`");
}

#[test]
fn nothing_is_set_that_was_not_said() {
    let tree = json!({"cluster": "main", "service": "shop-web", "desiredCount": 3});
    assert_eq!(to_tree(&update_service_input(&tree).unwrap()).unwrap(), tree);
}

#[test]
fn run_task_takes_overrides_and_network() {
    let tree = json!({
        "cluster": "main", "taskDefinition": "shop-migrate:1", "count": 1, "startedBy": "t",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        "overrides": {"containerOverrides": [{"name": "migrate", "command": ["up"]}]},
    });
    assert_eq!(to_tree(&run_task_input(&tree).unwrap()).unwrap(), tree);
}
