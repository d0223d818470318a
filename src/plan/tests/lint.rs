//! Lint refuses what no plan may hold.

use super::fixture::Fixture;
use crate::model::call::{Call, Verb};
use crate::model::plan::{FieldChange, Impact, Ownership, PlannedAction, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::plan::lint::{Violation, first_violation};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn action(kind: ResourceKind, key: &str, call: Call) -> PlannedAction {
    let resource = ResourceId::new(kind, key);
    let verb = call.spec().verbs[0];
    PlannedAction { resource, verb, call, reason: Reason::Drifted, changes: Vec::new() }
}

fn update(fields: Value) -> PlannedAction {
    action(ResourceKind::Service, "web", Call::UpdateService { component: "web".into(), fields })
}

fn violation(patch: &Value, action: &PlannedAction) -> Option<Violation> {
    first_violation(&Fixture::base_with(patch).input(), action, &[])
}

#[test]
fn a_real_change_of_what_is_ours_passes() {
    let update = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    assert_eq!(first_violation(&Fixture::base().input(), &update, &[]), None);
}

#[test]
fn an_update_without_a_change_is_dropped() {
    let update = update(json!({"cluster": "main", "service": "shop-web"}));
    assert_eq!(violation(&json!({}), &update), Some(Violation::Empty));
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
        assert_eq!(violation(&patch, &update), Some(Violation::Unseen), "{patch}");
    }
    let create =
        action(ResourceKind::Rule, "web", Call::CreateRule { fields: json!({}), tags: BTreeMap::new() });
    assert_eq!(violation(&json!({}), &create), Some(Violation::Unseen), "it is there already");
}

#[test]
fn nothing_is_done_to_what_is_not_ours() {
    let delete =
        action(ResourceKind::TargetGroup, "web", Call::DeleteTargetGroup { arn: "targetgroup/web-1".into() });
    let foreign = json!({"observed": {"resources": {"target-group/web": {"present": {"tags": {"evenkeel.dev/owner": "blog"}}}}}});
    assert_eq!(violation(&foreign, &delete), Some(Violation::NotOurs));
    let adopting = json!({"desired": {"adopt": true}, "observed": foreign["observed"]});
    assert_eq!(violation(&adopting, &delete), Some(Violation::NotOurs), "adopting is no leave to delete");
}

#[test]
fn the_revision_is_written_only_before_its_deployment_is_seen() {
    let update = update(json!({"cluster": "main", "service": "shop-web", "taskDefinition": "x"}));
    assert_eq!(violation(&json!({}), &update), Some(Violation::RevisionNotOurs));
    let progress = json!(["2026-11-21T12:00:00Z", 0]);
    let rolling = |deployment: Value| json!({"rollout": {"components": {"web": {"phase": {"stage": "rolling", "deployment": deployment, "progress": progress}}}}});
    assert_eq!(violation(&rolling(Value::Null), &update), None);
    assert_eq!(violation(&rolling(json!("ecs-svc/2")), &update), Some(Violation::RevisionNotOurs));
}

#[test]
fn a_revision_that_may_be_needed_is_kept() {
    let arn = "task-definition/shop-web:4".to_owned();
    let deregister = action(ResourceKind::TaskDefinition, "web", Call::DeregisterTaskDefinition { arn });
    assert_eq!(violation(&json!({}), &deregister), Some(Violation::InUse));
}

#[test]
fn two_actions_never_write_one_field() {
    let change = FieldChange {
        path: "desiredCount".to_owned(),
        old: json!(1),
        new: json!(2),
        owner: Ownership::Declared,
        impact: Impact::None,
    };
    let mut first = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    first.changes.push(change);
    let fixture = Fixture::base();
    assert_eq!(first_violation(&fixture.input(), &first, &[first.clone()]), Some(Violation::Twice));
}

#[test]
fn a_suspended_deployment_is_not_written_to() {
    let patch =
        json!({"desired": {"suspend": {"by": "ann", "reason": "r", "until": "2026-11-21T13:00:00Z"}}});
    let update = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    assert_eq!(violation(&patch, &update), Some(Violation::Suspended));
}

#[test]
fn an_action_that_breaks_a_promise_is_dropped_and_told() {
    let fixture = Fixture::base();
    let mut plan = crate::plan::plan(&fixture.input());
    let good = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    let bad = update(json!({"cluster": "main", "service": "shop-web"}));
    plan.actions = vec![bad, good.clone()];
    plan.drift = [ResourceKind::Service, ResourceKind::Rule]
        .map(|kind| crate::model::plan::Drift {
            resource: ResourceId::new(kind, "web"),
            change: None,
            repaired: true,
        })
        .to_vec();
    let plan = crate::plan::lint::enforce(&fixture.input(), plan);
    assert_eq!(plan.actions, [good]);
    assert_eq!(plan.drift.iter().map(|drift| drift.repaired).collect::<Vec<_>>(), [false, true]);
    let [note] = plan.notes.as_slice() else { panic!("{:?}", plan.notes) };
    assert!(
        note.blocks && note.message.contains("ecs:UpdateService was not done: it would change nothing"),
        "{note:?}"
    );
}

#[test]
fn every_violation_says_in_words_what_is_wrong() {
    let suspend = json!({"suspend": {"by": "ann", "reason": "r", "until": "2026-11-21T13:00:00Z"}});
    let scale = || update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    let roll = || update(json!({"cluster": "main", "service": "shop-web", "taskDefinition": "x"}));
    let arn = "task-definition/shop-web:4".to_owned();
    let deregister = action(ResourceKind::TaskDefinition, "web", Call::DeregisterTaskDefinition { arn });
    for (patch, actions, words) in [
        (json!({"observed": {"services": {"web": "notRead"}}}), vec![scale()], "not seen as it must be"),
        (
            json!({"observed": {"services": {"web": {"present": {"tags": {"evenkeel.dev/owner": "blog"}}}}}}),
            vec![scale()],
            "is not ours",
        ),
        (json!({}), vec![scale(), scale()], "another action writes the same field"),
        (json!({}), vec![roll()], "the revision is not ours to write at this stage"),
        (json!({}), vec![deregister], "the revision may still be needed"),
        (json!({ "desired": suspend }), vec![scale()], "the deployment is suspended"),
    ] {
        let fixture = Fixture::base_with(&patch);
        let mut plan = crate::plan::plan(&Fixture::base().input());
        plan.actions = actions;
        let notes = crate::plan::lint::enforce(&fixture.input(), plan).notes;
        assert!(notes.len() == 1 && notes[0].message.contains(words), "{words}: {notes:?}");
    }
}

#[test]
fn what_a_call_needs_to_have_been_seen() {
    let group = |call: Call| action(ResourceKind::LogGroup, "/ecs/shop", call);
    let keep = || group(Call::PutRetentionPolicy { name: "/ecs/shop".into(), days: 3 });
    let create =
        || group(Call::CreateLogGroup { name: "/ecs/shop".into(), kms_key_id: None, tags: BTreeMap::new() });
    let run = || {
        let (component, token) = ("migrate".into(), "t".to_owned());
        action(
            ResourceKind::Task,
            "migrate",
            Call::RunTask { component, token, forever: false, fields: json!({}), tags: BTreeMap::new() },
        )
    };
    let tag = || {
        let tags = [("a".to_owned(), "b".to_owned())].into();
        action(
            ResourceKind::TaskDefinition,
            "web",
            Call::TagEcs { arn: "task-definition/shop-web:4".into(), tags },
        )
    };
    let logs = |seen: Value| json!({"observed": {"resources": {"log-group//ecs/shop": seen}}});
    let tasks = |seen: Value| json!({"observed": {"tasks": {"migrate": seen}}});
    let definition = |seen: Value| json!({"observed": {"definitions": {"task-definition/shop-web:4": seen}}});
    let unknown = json!({"present": null, "unknown": {"operation": "o", "code": "c", "message": "m"}});
    let unseen = Some(Violation::Unseen);
    for (patch, action, expected) in [
        (logs(json!("absent")), keep(), None),
        (logs(json!("notRead")), keep(), unseen),
        (
            logs(json!({"present": {"tags": {"evenkeel.dev/owner": "blog"}}})),
            keep(),
            Some(Violation::NotOurs),
        ),
        (logs(json!("absent")), create(), None),
        (logs(unknown.clone()), create(), unseen),
        (tasks(json!("absent")), run(), None),
        (tasks(json!("notRead")), run(), unseen),
        (tasks(unknown.clone()), run(), unseen),
        (json!({}), tag(), None),
        (definition(json!("absent")), tag(), unseen),
        (definition(unknown), tag(), unseen),
        (json!({"rollout": {"components": {"web": {"revision": null}}}}), tag(), unseen),
        (
            definition(json!({"present": {"tags": {"evenkeel.dev/owner": "blog"}}})),
            tag(),
            Some(Violation::NotOurs),
        ),
        (definition(json!({"present": {"tags": {"evenkeel.dev/owner": null}}})), tag(), None),
    ] {
        assert_eq!(violation(&patch, &action), expected, "{patch} {}", action.call.operation());
    }
}

#[test]
fn a_call_that_carries_nothing_is_dropped_whatever_it_is() {
    let none = BTreeMap::new;
    let empty = || json!({});
    for (kind, key, call) in [
        (ResourceKind::TargetGroup, "web", Call::ModifyTargetGroup { arn: "a".into(), fields: empty() }),
        (
            ResourceKind::TargetGroup,
            "web",
            Call::ModifyTargetGroupAttributes { arn: "a".into(), attributes: none() },
        ),
        (ResourceKind::TargetGroup, "web", Call::DeregisterTargets { arn: "a".into(), targets: Vec::new() }),
        (ResourceKind::Listener, "https", Call::ModifyListener { arn: "a".into(), fields: empty() }),
        (ResourceKind::Rule, "web", Call::ModifyRule { arn: "a".into(), fields: empty() }),
        (ResourceKind::Rule, "web", Call::TagElb { arn: "a".into(), tags: none() }),
        (ResourceKind::LogGroup, "/ecs/shop", Call::TagLogGroup { arn: "a".into(), tags: none() }),
        (ResourceKind::Service, "web", Call::TagEcs { arn: "a".into(), tags: none() }),
    ] {
        assert_eq!(
            violation(&json!({}), &action(kind, key, call.clone())),
            Some(Violation::Empty),
            "{call:?}"
        );
    }
}

#[test]
fn one_call_is_made_once_for_one_thing_but_several_old_revisions_may_go_at_once() {
    let fixture = Fixture::base();
    let other = |count: u32| update(json!({"cluster": "main", "service": "shop-web", "desiredCount": count}));
    assert_eq!(first_violation(&fixture.input(), &other(2), &[other(3)]), Some(Violation::Twice));
    let gone = |number: u32| {
        let arn = format!("task-definition/shop-web:{number}");
        action(ResourceKind::TaskDefinition, "web", Call::DeregisterTaskDefinition { arn })
    };
    assert_eq!(first_violation(&fixture.input(), &gone(1), &[gone(2)]), None);
    assert_eq!(first_violation(&fixture.input(), &gone(1), &[gone(1)]), Some(Violation::Twice));
    let mut elsewhere = other(3);
    elsewhere.resource = ResourceId::new(ResourceKind::Service, "worker");
    assert_eq!(first_violation(&fixture.input(), &other(2), &[elsewhere]), None);
}

#[test]
fn an_action_does_what_its_call_is_for() {
    let mut deletes = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    deletes.verb = Verb::Delete;
    assert_eq!(violation(&json!({}), &deletes), Some(Violation::WrongVerb), "the record would forget it");
}

#[test]
fn a_pause_that_is_over_stops_nothing() {
    let patch =
        json!({"desired": {"suspend": {"by": "ann", "reason": "r", "until": "2026-11-21T12:00:00Z"}}});
    let update = update(json!({"cluster": "main", "service": "shop-web", "desiredCount": 2}));
    assert_eq!(violation(&patch, &update), None, "it ends at that very moment");
}
