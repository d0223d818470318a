//! Invariants of every plan, tried on many inputs.

use super::apply::apply;
use super::fixture::Fixture;
use crate::model::call::{Call, Verb};
use crate::model::observed::{Gap, Seen};
use crate::model::plan::{Plan, PlannedAction, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::plan::plan;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Things that people and AWS do to a deployment behind our back, each independent of the others.
fn mischief() -> Vec<Value> {
    let web = |fields: Value| json!({"observed": {"services": {"web": {"present": {"fields": fields}}}}});
    let resource = |id: &str, seen: Value| json!({"observed": {"resources": {id: seen}}});
    vec![
        web(json!({"desiredCount": 7})),
        web(json!({"healthCheckGracePeriodSeconds": 1})),
        web(json!({"enableExecuteCommand": true, "propagateTags": "SERVICE"})),
        web(json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-z"]}}})),
        web(json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": false}}})),
        web(json!({"availabilityZoneRebalancing": "DISABLED"})),
        web(json!({"loadBalancers": []})),
        json!({"observed": {"services": {"web": {"present": {"tags": {"team": null}}}}}}),
        resource("log-group//ecs/shop", json!({"present": {"fields": {"retentionInDays": 1}}})),
        resource("log-group//ecs/shop", json!("absent")),
        resource("target-group/web", json!({"present": {"fields": {"healthCheckPath": "/x"}}})),
        resource(
            "target-group/web",
            json!({"present": {"fields": {"attributes": {"deregistration_delay.timeout_seconds": "9"}}}}),
        ),
        resource("target-group/web", json!({"present": {"tags": {"evenkeel.dev/owner": null}}})),
        resource("listener/https", json!({"present": {"fields": {"defaultActions": []}}})),
        resource("rule/web", json!({"present": {"fields": {"conditions": []}}})),
        resource("rule/web", json!({"present": {"fields": {"priority": 3}}})),
        resource("rule/web", json!("absent")),
        resource(
            "rule/old",
            json!({"present": {"arn": "rule/old", "fields": {}, "tags": {"evenkeel.dev/owner": "shop"}}}),
        ),
        resource(
            "target-group/old",
            json!({"present": {"arn": "targetgroup/old", "fields": {}, "tags": {"evenkeel.dev/owner": "shop"}}}),
        ),
        json!({"observed": {"leftoverServices": {"arn:aws:ecs:eu-west-1:1:service/main/old": {"present": {
            "arn": "arn:aws:ecs:eu-west-1:1:service/main/old", "name": "old", "status": "ACTIVE", "createdAt": null,
            "fields": {"loadBalancers": [{"targetGroupArn": "targetgroup/old"}]}, "taskDefinition": "task-definition/old:1",
            "desired": 2, "running": 2, "pending": 0, "deployments": [], "events": [],
            "tags": {"evenkeel.dev/owner": "shop", "evenkeel.dev/component": "web"}}}}}}),
        resource(
            "rule/web",
            json!({"present": {"fields": {"actions": [{"type": "forward", "targetGroups": [{"targetGroupArn": "targetgroup/old"}]}]}}}),
        ),
        json!({"observed": {"targets": {"web": {"present": []}}}}),
        web(
            json!({"loadBalancers": [{"targetGroupArn": "targetgroup/old", "containerName": "web", "containerPort": 8080}]}),
        ),
        json!({"observed": {"definitions": {"task-definition/shop-web:4": {"present": {"status": "INACTIVE"}}}}}),
        json!({"desired": {"drift": {"policy": "Report"}}}),
        json!({"desired": {"adopt": true}}),
        json!({"resolved": {"components": {"web": {"fields": {"desiredCount": 4}, "declared": "d-web-2"}}}}),
        json!({"rollout": {"components": {"web": {"phase": {"stage": "rolling", "progress": ["2026-11-21T12:00:00Z", 0]}}}},
               "observed": {"services": {"web": {"present": {"taskDefinition": "task-definition/shop-web:3"}}}}}),
        json!({"rollout": {"components": {"web": {"phase": {"stage": "stalled", "reason": "DeploymentFailed", "message": "m"}}}}}),
    ]
}

/// The input after any choice of disturbances. Choices that contradict each other (changed and
/// gone) give the later one.
fn inputs() -> impl Strategy<Value = Fixture> {
    let all = mischief();
    proptest::collection::vec(any::<bool>(), all.len()).prop_map(move |chosen| {
        let mut patch = json!({});
        for (mischief, _) in all.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            super::fixture::merge_patches(&mut patch, mischief);
        }
        Fixture::base_with(&patch)
    })
}

/// Hides what a mask says, as a light pass or a refused call would.
fn hide(fixture: &mut Fixture, mask: &[u8]) {
    let gap = || Gap { operation: "o".to_owned(), code: "c".to_owned(), message: "m".to_owned() };
    for (seen, mask) in fixture.observed.resources.values_mut().zip(mask) {
        match mask % 3 {
            0 => *seen = Seen::NotRead,
            1 => *seen = Seen::Unknown(gap()),
            _ => {}
        }
    }
    for (seen, mask) in fixture.observed.services.values_mut().zip(mask.iter().rev()) {
        match mask % 3 {
            0 => *seen = Seen::NotRead,
            1 => *seen = Seen::Unknown(gap()),
            _ => {}
        }
    }
}

fn check_nothing_unseen(fixture: &Fixture, plan: &Plan) -> Result<(), TestCaseError> {
    for action in &plan.actions {
        let id = &action.resource;
        let known = match id.kind {
            ResourceKind::Service => {
                fixture.observed.services.get(id.key.as_str()).is_some_and(Seen::is_known)
            }
            ResourceKind::TaskDefinition | ResourceKind::Task => true,
            _ => fixture.observed.resources.get(id).is_some_and(Seen::is_known),
        };
        prop_assert!(known, "{} acts on {id}, which was not seen", action.call.operation());
    }
    Ok(())
}

/// Whether a call takes away what serves, or may serve.
fn takes_away(action: &PlannedAction) -> bool {
    let to_nothing = action.call.fields().is_some_and(|fields| fields["desiredCount"] == 0);
    action.reason == Reason::Undeclared && (action.verb == Verb::Delete || to_nothing)
}

/// Weights of the target groups that the forward actions in a tree name.
fn weights(actions: &Value) -> BTreeMap<String, u64> {
    let groups =
        actions.as_array().into_iter().flatten().filter_map(|action| action["targetGroups"].as_array());
    let weight = |group: &Value| group["weight"].as_u64().unwrap_or(1);
    groups
        .flatten()
        .map(|group| (group["targetGroupArn"].as_str().unwrap().to_owned(), weight(group)))
        .collect()
}

/// That no rule sends requests to the declared group while nothing in it answers and something else
/// does.
fn check_traffic(fixture: &Fixture, plan: &Plan) -> Result<(), TestCaseError> {
    let id = ResourceId::new(ResourceKind::TargetGroup, "web");
    let Some(Seen::Present(group)) = fixture.observed.resources.get(&id) else { return Ok(()) };
    let healthy = fixture
        .observed
        .targets
        .get("web")
        .and_then(Seen::present)
        .is_some_and(|targets| targets.iter().any(|target| target.state == "healthy"));
    for action in plan.actions.iter().filter(|action| matches!(action.call, Call::ModifyRule { .. })) {
        let Some(Seen::Present(rule)) = fixture.observed.resources.get(&action.resource) else { continue };
        let before = weights(&rule.fields["actions"]);
        let after = action.call.fields().map(|fields| weights(&fields["actions"])).unwrap_or_default();
        let sends =
            |weights: &BTreeMap<String, u64>| weights.get(&group.arn).is_some_and(|weight| *weight > 0);
        let others_serve = before.iter().any(|(arn, weight)| *arn != group.arn && *weight > 0);
        prop_assert!(
            !sends(&after) || sends(&before) || !others_serve || healthy,
            "{}",
            crate::plan::render(plan)
        );
    }
    Ok(())
}

fn reversed(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.reverse(),
        Value::Object(members) => members.values_mut().for_each(reversed),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_comes_to_rest(fixture in inputs()) {
        let mut fixture = fixture;
        let mut passes = 0;
        loop {
            let next = plan(&fixture.input());
            if next.is_empty() {
                break;
            }
            passes += 1;
            prop_assert!(passes <= 8, "still busy: {}", crate::plan::render(&next));
            fixture = apply(&fixture, &next);
        }
    }

    #[test]
    fn nothing_is_taken_away_before_what_is_declared_is_complete(
        fixture in inputs(),
        mask in proptest::collection::vec(any::<u8>(), 12),
        hidden in any::<bool>(),
    ) {
        let mut fixture = fixture;
        if hidden {
            hide(&mut fixture, &mask);
        }
        let plan = plan(&fixture.input());
        check_traffic(&fixture, &plan)?;
        if !plan.actions.iter().any(takes_away) {
            return Ok(());
        }
        let web = fixture.observed.services.get("web").and_then(Seen::present);
        prop_assert!(web.is_some_and(|web| web.is_steady()), "the service is not steady: {}", crate::plan::render(&plan));
        let phase = fixture.rollout.components.get("web").map(|web| web.phase.word());
        prop_assert_eq!(phase, Some("Complete"));
        let declared = |id: &ResourceId| fixture.desired.resources.contains_key(id) || id.key == "web";
        let in_doubt = plan.notes.iter().find(|note| note.blocks && declared(&note.resource));
        prop_assert!(in_doubt.is_none(), "{in_doubt:?}: {}", crate::plan::render(&plan));
        let changed = plan.actions.iter().find(|a| !takes_away(a) && a.verb != Verb::Tag && a.verb != Verb::Deregister);
        prop_assert!(changed.is_none(), "something declared is written in the same pass: {}", crate::plan::render(&plan));
    }

    #[test]
    fn nothing_is_planned_on_what_was_not_seen(fixture in inputs(), mask in proptest::collection::vec(any::<u8>(), 12)) {
        let mut fixture = fixture;
        hide(&mut fixture, &mask);
        check_nothing_unseen(&fixture, &plan(&fixture.input()))?;
    }

    #[test]
    fn lint_finds_nothing_to_take_out(fixture in inputs(), mask in proptest::collection::vec(any::<u8>(), 12)) {
        let mut fixture = fixture;
        for _ in 0..2 {
            let made = plan(&fixture.input());
            prop_assert!(!made.notes.iter().any(|note| note.message.contains("defect")), "{}", crate::plan::render(&made));
            hide(&mut fixture, &mask);
        }
    }

    #[test]
    fn the_order_of_what_aws_lists_does_not_matter(fixture in inputs()) {
        let straight = plan(&fixture.input());
        let mut other = fixture.clone();
        for seen in other.observed.services.values_mut() {
            if let Seen::Present(service) = seen {
                reversed(&mut service.fields["networkConfiguration"]);
                reversed(&mut service.fields["loadBalancers"]);
            }
        }
        for seen in other.observed.targets.values_mut() {
            if let Seen::Present(targets) = seen {
                targets.reverse();
            }
        }
        let calls = |plan: &Plan| -> Vec<Call> { plan.actions.iter().map(|action| action.call.clone()).collect() };
        prop_assert_eq!(calls(&straight), calls(&plan(&other.input())));
        prop_assert_eq!(&straight, &plan(&fixture.input()), "the same input gives the same plan");
    }

    #[test]
    fn a_report_only_deployment_is_written_to_only_for_new_declarations(fixture in inputs()) {
        let mut fixture = fixture;
        fixture.desired.drift = serde_json::from_value(json!({"policy": "Report"})).unwrap();
        fixture.desired.suspend = None;
        let made = plan(&fixture.input());
        let repairs = made.actions.iter().filter(|action| action.reason == Reason::Drifted);
        for action in repairs {
            // The rollout decides about the revision; it does not roll when that is only to be
            // reported.
            let rolls = matches!(&action.call, Call::UpdateService { fields, .. } if fields.get("taskDefinition").is_some());
            prop_assert!(rolls, "{} repairs", action.call.operation());
        }
    }

    #[test]
    fn a_suspended_deployment_is_never_written_to(fixture in inputs()) {
        let mut fixture = fixture;
        fixture.desired.suspend = serde_json::from_value(
            json!({"by": "ann", "reason": "r", "until": "2027-01-01T00:00:00Z"})).unwrap();
        prop_assert!(plan(&fixture.input()).is_empty());
    }
}

#[test]
fn a_deployment_as_declared_gives_an_empty_plan() {
    let made = plan(&Fixture::base().input());
    assert!(made.is_empty() && made.drift.is_empty() && made.waiting_on.is_empty() && made.notes.is_empty());
}
