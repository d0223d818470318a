use super::samples::{full_definition, full_service};
use super::*;
use crate::model::kinds::service::Service;
use crate::model::kinds::task_definition::TaskDefinition;
use serde_json::json;

/// Names of the fields that are set.
fn keys(tree: &Tree) -> Vec<&str> {
    tree.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Names of the properties of a type, by its schema.
fn properties(schema: &schemars::Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(Tree::as_object).expect("properties");
    properties.keys().cloned().collect()
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
    let definition: TaskDefinition = serde_json::from_value(full_definition()).unwrap();
    let schema = schemars::schema_for!(TaskDefinition);
    let tree = serde_json::to_value(&definition).unwrap();
    let missing: Vec<_> =
        properties(&schema).into_iter().filter(|name| !keys(&tree).contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");

    let schema = schemars::schema_for!(crate::model::kinds::task_definition::ContainerDefinition);
    let container = &tree["containerDefinitions"][0];
    let missing: Vec<_> =
        properties(&schema).into_iter().filter(|name| !keys(container).contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_full_service_has_every_field_of_the_declared_type() {
    let tree = full_service();
    let ours = ["autoscaling", "bakeSeconds", "progressDeadlineSeconds"];
    let missing: Vec<_> = properties(&schemars::schema_for!(Service))
        .into_iter()
        .filter(|name| !keys(&tree).contains(&name.as_str()) && !ours.contains(&name.as_str()))
        .collect();
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
