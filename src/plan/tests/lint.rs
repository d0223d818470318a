//! The last door refuses what no plan may hold.

use super::world::World;
use crate::model::plan::{Call, FieldChange, Ownership, PlannedAction, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::plan::lint::{Objection, object};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn action(kind: ResourceKind, key: &str, call: Call) -> PlannedAction {
    let resource = ResourceId::new(kind, key);
    PlannedAction { resource, call, reason: Reason::Drifted, changes: Vec::new(), starts_deployment: false }
}

fn update(fields: Value) -> PlannedAction {
    action(ResourceKind::Service, "web", Call::UpdateService { component: "web".into(), fields })
}

fn objection(patch: &Value, action: &PlannedAction) -> Option<Objection> {
    object(&World::base_with(patch).input(), action, &[])
}

#[test]
fn a_real_change_of_what_is_ours_passes() {
    let update = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    assert_eq!(object(&World::base().input(), &update, &[]), None);
}

#[test]
fn an_update_without_a_change_is_dropped() {
    let update = update(json!({"cluster": "main", "service": "shop-web"}));
    assert_eq!(objection(&json!({}), &update), Some(Objection::Empty));
}

#[test]
fn nothing_is_done_to_what_was_not_seen() {
    let update = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    for sight in [
        json!("notRead"),
        json!("absent"),
        json!({"present": null, "unknown": {"operation": "o", "code": "c", "message": "m"}}),
    ] {
        let patch = json!({"observed": {"services": {"web": sight}}});
        assert_eq!(objection(&patch, &update), Some(Objection::Unseen), "{patch}");
    }
    let create =
        action(ResourceKind::Rule, "web", Call::CreateRule { fields: json!({}), tags: BTreeMap::new() });
    assert_eq!(objection(&json!({}), &create), Some(Objection::Unseen), "it is there already");
}

#[test]
fn nothing_is_done_to_what_is_not_ours() {
    let delete =
        action(ResourceKind::TargetGroup, "web", Call::DeleteTargetGroup { arn: "targetgroup/web-1".into() });
    let foreign = json!({"observed": {"resources": {"target-group/web": {"present": {"tags": {"evenkeel.dev/owner": "blog"}}}}}});
    assert_eq!(objection(&foreign, &delete), Some(Objection::NotOurs));
    let adopting = json!({"desired": {"adopt": true}, "observed": foreign["observed"]});
    assert_eq!(objection(&adopting, &delete), Some(Objection::NotOurs), "adopting is no leave to delete");
}

#[test]
fn the_revision_is_written_only_before_its_deployment_is_seen() {
    let update = update(json!({"cluster": "main", "service": "shop-web", "taskDefinition": "x"}));
    assert_eq!(objection(&json!({}), &update), Some(Objection::RevisionNotOurs));
    let progress = json!(["2026-11-21T12:00:00Z", 0]);
    let rolling = |deployment: Value| json!({"rollout": {"components": {"web": {"phase": {"stage": "rolling", "deployment": deployment, "progress": progress}}}}});
    assert_eq!(objection(&rolling(Value::Null), &update), None);
    assert_eq!(objection(&rolling(json!("ecs-svc/2")), &update), Some(Objection::RevisionNotOurs));
}

#[test]
fn a_revision_that_may_be_needed_is_kept() {
    let arn = "task-definition/shop-web:4".to_owned();
    let deregister = action(ResourceKind::TaskDefinition, "web", Call::DeregisterTaskDefinition { arn });
    assert_eq!(objection(&json!({}), &deregister), Some(Objection::InUse));
}

#[test]
fn two_actions_never_write_one_field() {
    let change = FieldChange {
        path: "desiredCount".to_owned(),
        old: json!(1),
        new: json!(2),
        owner: Ownership::Declared,
        starts_deployment: false,
    };
    let mut first = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    first.changes.push(change);
    let world = World::base();
    assert_eq!(object(&world.input(), &first, &[first.clone()]), Some(Objection::Twice));
}

#[test]
fn a_suspended_deployment_is_not_written_to() {
    let patch =
        json!({"desired": {"suspend": {"by": "ann", "reason": "r", "until": "2026-11-21T13:00:00Z"}}});
    let update = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    assert_eq!(objection(&patch, &update), Some(Objection::Suspended));
}
