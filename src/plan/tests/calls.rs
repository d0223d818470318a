//! What the calls carry, where the golden plans show only their reason.

use super::fixture::Fixture;
use crate::model::call::Call;
use crate::model::plan::Plan;
use crate::plan::{KEPT_REVISIONS, plan};
use serde_json::{Value, json};

fn planned(patch: &Value) -> Plan {
    plan(&Fixture::base_with(patch).input())
}

fn only_call(patch: &Value) -> Call {
    let made = planned(patch);
    assert_eq!(made.actions.len(), 1, "{}", crate::plan::render(&made));
    made.actions[0].call.clone()
}

fn keys(fields: &Value) -> Vec<&String> {
    fields.as_object().unwrap().keys().collect()
}

const ROLLING: &str =
    r#"{"stage": "rolling", "since": "2026-11-21T12:00:00Z", "progress": ["2026-11-21T12:00:00Z", 0]}"#;

fn rolling() -> Value {
    serde_json::from_str(ROLLING).unwrap()
}

fn deleted() -> Value {
    json!({"rollout": {"components": {"web": {"phase": rolling()}}},
        "observed": {"services": {"web": "absent"}, "tasks": {"web": {"present": []}}, "targets": {"web": {"present": []}}}})
}

#[test]
fn an_update_carries_only_what_changes() {
    let patch = json!({"observed": {"services": {"web": {"present": {"fields": {"healthCheckGracePeriodSeconds": 5}}}}}});
    let Call::UpdateService { fields, .. } = only_call(&patch) else { panic!("an update") };
    assert_eq!(
        fields,
        json!({"cluster": "main", "service": "shop-web", "healthCheckGracePeriodSeconds": 60})
    );
}

#[test]
fn alarms_are_sent_with_all_their_members() {
    let alarms = json!({"alarmNames": ["noisy"], "enable": true});
    let patch = json!({"observed": {"services": {"web": {"present": {"fields": {"deploymentConfiguration": {"alarms": alarms}}}}}}});
    let Call::UpdateService { fields, .. } = only_call(&patch) else { panic!("an update") };
    let expected = json!({"alarmNames": [], "enable": false, "rollback": false});
    assert_eq!(fields["deploymentConfiguration"]["alarms"], expected);
    assert_eq!(fields["deploymentConfiguration"]["minimumHealthyPercent"], 100);
}

#[test]
fn a_revision_and_other_changes_go_in_one_update_that_starts_one_deployment() {
    let patch = json!({
        "rollout": {"components": {"web": {"phase": rolling(), "revision": {"arn": "task-definition/shop-web:5"}}}},
        "resolved": {"components": {"web": {"fields": {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-z"]}}}, "declared": "d2"}}}});
    let Call::UpdateService { fields, .. } = only_call(&patch) else { panic!("an update") };
    assert_eq!(keys(&fields), ["cluster", "networkConfiguration", "service", "taskDefinition"]);
}

#[test]
fn a_creation_is_told_apart_by_its_intent_alone() {
    let token = |patch: &Value| match only_call(patch) {
        Call::CreateService { token, .. } => token,
        other => panic!("{}", other.operation()),
    };
    let first = token(&deleted());
    assert_eq!(first.len(), 36, "ECS takes 36 characters");
    assert_eq!(first, token(&deleted()), "a repeated call makes nothing twice");
    let mut later = deleted();
    later["rollout"]["components"]["web"]["phase"]["since"] = json!("2026-11-21T13:00:00Z");
    assert_ne!(first, token(&later), "a token that ECS remembers would give back the deleted service");
}

#[test]
fn a_service_with_a_delegated_count_is_created_with_its_initial_count() {
    let mut patch = deleted();
    patch["resolved"] = json!({"components": {"web": {"fields": {"desiredCount": null}}}});
    let Call::CreateService { fields, tags, .. } = only_call(&patch) else { panic!("a creation") };
    assert_eq!(fields["desiredCount"], 1);
    assert_eq!(fields["serviceName"], "shop-web");
    assert_eq!(fields["taskDefinition"], "task-definition/shop-web:4");
    assert_eq!(tags["evenkeel.dev/owner"], "shop");
    assert_eq!(tags["evenkeel.dev/component"], "web");
}

#[test]
fn a_daemon_service_is_created_without_a_count() {
    let mut patch = deleted();
    patch["resolved"] =
        json!({"components": {"web": {"fields": {"desiredCount": null, "schedulingStrategy": "DAEMON"}}}});
    let Call::CreateService { fields, .. } = only_call(&patch) else { panic!("a creation") };
    assert_eq!(fields.get("desiredCount"), None);
}

#[test]
fn a_task_is_started_so_that_it_is_found_again() {
    let phase = json!({"stage": "taskRunning", "attempt": 1, "token": "evk-1", "since": "2026-11-21T12:00:00Z", "deadline": "2026-11-21T13:00:00Z"});
    let patch = json!({"rollout": {"components": {"migrate": {"phase": phase}}}});
    let Call::RunTask { token, fields, .. } = only_call(&patch) else { panic!("a task") };
    assert_eq!((token.as_str(), &fields["startedBy"]), ("evk-1", &json!("evk-1")));
    assert_eq!(fields["count"], 1);
    assert_eq!(fields["group"], "evenkeel:shop/migrate");
    assert_eq!(fields["taskDefinition"], "task-definition/shop-migrate:1");
}

#[test]
fn a_new_target_group_is_made_without_attributes_and_gets_them_once_it_is_seen() {
    let patch = json!({"observed": {"resources": {"target-group/web": "absent"}}});
    let Call::CreateTargetGroup { fields, .. } = only_call(&patch) else { panic!("a creation") };
    assert_eq!(fields.get("attributes"), None);
    assert_eq!(fields["healthCheckPath"], "/health");
}

#[test]
fn a_rule_is_modified_as_a_whole_unless_a_half_is_left_to_someone() {
    let drift = json!({"resources": {"rule/web": {"present": {"fields": {
        "conditions": [{"field": "host-header", "values": ["x"]}],
        "actions": [{"type": "forward", "targetGroups": [{"targetGroupArn": "targetgroup/x"}]}]}}}}});
    let Call::ModifyRule { fields, .. } = only_call(&json!({"observed": drift})) else { panic!("a change") };
    assert_eq!(keys(&fields), ["actions", "conditions"]);
    let ignored =
        json!({"observed": drift, "desired": {"drift": {"fields": {"rule/web.actions": "Ignore"}}}});
    let Call::ModifyRule { fields, .. } = only_call(&ignored) else { panic!("a change") };
    assert_eq!(keys(&fields), ["conditions"]);
}

fn family(tail: &str, count: usize) -> Value {
    let arns: Vec<String> = (1..=count).rev().map(|n| format!("task-definition/{tail}:{n}")).collect();
    json!({"present": arns})
}

#[test]
fn the_rollback_target_and_what_runs_are_never_deregistered() {
    let patch = json!({"observed": {"families": {"web": family("shop-web", KEPT_REVISIONS + 4)}}});
    let gone: Vec<String> = planned(&patch)
        .actions
        .iter()
        .map(|action| match &action.call {
            Call::DeregisterTaskDefinition { arn } => arn.clone(),
            other => panic!("{}", other.operation()),
        })
        .collect();
    assert_eq!(
        gone,
        ["task-definition/shop-web:1", "task-definition/shop-web:2", "task-definition/shop-web:3"]
    );
}

#[test]
fn revisions_of_a_family_that_others_may_use_are_left_alone() {
    let patch = json!({"desired": {"components": {"web": {"family": "shared"}}},
        "observed": {"families": {"web": family("shared", 30)}}});
    assert!(planned(&patch).is_empty());
}

#[test]
fn revisions_are_kept_while_the_service_is_not_seen() {
    let patch =
        json!({"observed": {"families": {"web": family("shop-web", 30)}, "services": {"web": "notRead"}}});
    assert!(planned(&patch).is_empty());
}

#[test]
fn a_revision_that_was_registered_and_not_recorded_is_not_registered_again() {
    let patch = json!({"rollout": {"components": {"web": {"revision": null, "completed": null}}},
        "observed": {"families": {"web": {"present": ["task-definition/shop-web:4"]}}}});
    assert!(planned(&patch).is_empty());
}

#[test]
fn nothing_is_registered_while_nobody_looked_for_it() {
    let patch = json!({"rollout": {"components": {"web": {"revision": null, "completed": null}}},
        "observed": {"definitions": {"task-definition/shop-web:4": null}}});
    assert!(planned(&patch).is_empty());
}

#[test]
fn a_listener_that_becomes_secure_is_given_a_policy() {
    let patch = json!({"resolved": {"resources": {"listener/https": {"declared": "d-listener-2"}}},
        "observed": {"resources": {"listener/https": {"present": {"fields": {"protocol": "HTTP", "certificates": null}}}}}});
    let Call::ModifyListener { fields, .. } = only_call(&patch) else { panic!("a listener is modified") };
    assert_eq!(fields["sslPolicy"], "ELBSecurityPolicy-TLS13-1-2-2021-06");
    let mut declared = patch;
    declared["resolved"]["resources"]["listener/https"]["fields"] = json!({"sslPolicy": "mine"});
    let Call::ModifyListener { fields, .. } = only_call(&declared) else { panic!("a listener is modified") };
    assert_eq!(fields["sslPolicy"], "mine");
}

#[test]
fn a_change_of_the_strategy_forces_a_deployment_and_nothing_else_does() {
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let patch = json!({"resolved": {"components": {"web": {"fields": {"launchType": null,
        "capacityProviderStrategy": spot}, "declared": "d-web-2"}}}});
    let Call::UpdateService { fields, .. } = only_call(&patch) else { panic!("an update") };
    assert_eq!(
        fields,
        json!({"cluster": "main", "service": "shop-web", "capacityProviderStrategy": spot, "forceNewDeployment": true})
    );
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-z"]}});
    let patch = json!({"resolved": {"components": {"web": {"fields": {"networkConfiguration": network}, "declared": "d-web-2"}}}});
    let Call::UpdateService { fields, .. } = only_call(&patch) else { panic!("an update") };
    assert_eq!(fields.get("forceNewDeployment"), None);
}
