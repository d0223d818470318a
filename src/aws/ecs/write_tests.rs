use super::*;
use crate::aws::codec::samples::{full_definition, full_service};
use aws_sdk_ecs::types::{Failure, Task};

#[test]
fn every_field_of_a_definition_can_be_sent() {
    register_request(&full_definition()).unwrap();
}

#[test]
fn every_field_of_a_service_can_be_sent() {
    create_request(&full_service()).unwrap();
}

#[test]
fn every_field_that_can_change_in_a_service_can_be_sent() {
    let Tree::Object(mut fields) = full_service() else { panic!("an object") };
    for fixed in ["serviceName", "launchType", "schedulingStrategy", "tags"] {
        fields.remove(fixed);
    }
    fields.insert("service".to_owned(), json!("shop-web"));
    fields.insert("forceNewDeployment".to_owned(), json!(true));
    update_request(&Tree::Object(fields)).unwrap();
}

#[test]
fn every_field_of_a_task_can_be_sent() {
    let service = full_service();
    let mut tree = json!({
        "cluster": "main", "taskDefinition": "shop-migrate:1", "count": 1, "startedBy": "t", "group": "g",
        "clientToken": "t", "referenceId": "r", "overrides": {"cpu": "512"},
    });
    for shared in [
        "launchType",
        "capacityProviderStrategy",
        "platformVersion",
        "networkConfiguration",
        "enableExecuteCommand",
        "enableECSManagedTags",
        "propagateTags",
        "placementConstraints",
        "placementStrategy",
        "tags",
    ] {
        tree[shared] = service[shared].clone();
    }
    run_request(&tree).unwrap();
}

#[test]
fn a_field_that_this_version_cannot_send_is_an_error() {
    let mut tree = full_definition();
    tree["inferenceAccelerators"] = json!([{"deviceName": "a", "deviceType": "eia2.medium"}]);
    let error = register_request(&tree).unwrap_err();
    assert_eq!(error.message, "a field of this request cannot be sent by this version");
}

#[test]
fn tags_and_token_are_part_of_the_request() {
    let tags = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]);
    let tree = with("ecs:RunTask", &json!({"cluster": "main"}), &tags, Some("token")).unwrap();
    let wanted = json!({
        "cluster": "main", "clientToken": "token",
        "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
    });
    assert_eq!(tree, wanted);
}

#[test]
fn a_task_that_ecs_could_not_place_is_a_failure_worth_trying_again() {
    let failure = Failure::builder().arn("arn:instance").reason("RESOURCE:MEMORY").build();
    let output = RunTaskOutput::builder().failures(failure).build();
    let error = started("ecs:RunTask", output).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("RESOURCE:MEMORY", "RESOURCE:MEMORY: arn:instance")
    );
    assert!(error.answered() && error.retry());
}

#[test]
fn an_answer_without_an_arn_leaves_the_outcome_open() {
    let output = RunTaskOutput::builder().tasks(Task::builder().build()).build();
    assert!(!started("ecs:RunTask", output).unwrap_err().answered());
    let output = RunTaskOutput::builder().build();
    assert!(!started("ecs:RunTask", output).unwrap_err().answered());
}
