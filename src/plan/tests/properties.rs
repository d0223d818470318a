//! Promises that hold for every world, tried on many.

use super::apply::apply;
use super::world::World;
use crate::model::call::Call;
use crate::model::observed::{Gap, Seen};
use crate::model::plan::Plan;
use crate::model::resource::ResourceKind;
use crate::plan::plan;
use proptest::prelude::*;
use serde_json::{Value, json};

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
        json!({"observed": {"definitions": {"task-definition/shop-web:4": {"present": {"status": "INACTIVE"}}}}}),
        json!({"desired": {"drift": {"policy": "Report"}}}),
        json!({"desired": {"adopt": true}}),
        json!({"resolved": {"components": {"web": {"fields": {"desiredCount": 4}, "declared": "d-web-2"}}}}),
        json!({"rollout": {"components": {"web": {"phase": {"stage": "rolling", "progress": ["2026-11-21T12:00:00Z", 0]}}}},
               "observed": {"services": {"web": {"present": {"taskDefinition": "task-definition/shop-web:3"}}}}}),
        json!({"rollout": {"components": {"web": {"phase": {"stage": "stalled", "reason": "DeploymentFailed", "message": "m"}}}}}),
    ]
}

/// A world after any choice of mischief. Choices that contradict each other (changed and gone) give
/// the later one.
fn worlds() -> impl Strategy<Value = World> {
    let all = mischief();
    proptest::collection::vec(any::<bool>(), all.len()).prop_map(move |chosen| {
        let mut patch = json!({});
        for (mischief, _) in all.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            super::world::merge_patches(&mut patch, mischief);
        }
        World::base_with(&patch)
    })
}

/// Hides what a mask says, as a light pass or a refused call would.
fn hide(world: &mut World, mask: &[u8]) {
    let gap = || Gap { operation: "o".to_owned(), code: "c".to_owned(), message: "m".to_owned() };
    for (seen, mask) in world.observed.resources.values_mut().zip(mask) {
        match mask % 3 {
            0 => *seen = Seen::NotRead,
            1 => *seen = Seen::Unknown(gap()),
            _ => {}
        }
    }
    for (seen, mask) in world.observed.services.values_mut().zip(mask.iter().rev()) {
        match mask % 3 {
            0 => *seen = Seen::NotRead,
            1 => *seen = Seen::Unknown(gap()),
            _ => {}
        }
    }
}

fn check_nothing_unseen(world: &World, plan: &Plan) -> Result<(), TestCaseError> {
    for action in &plan.actions {
        let id = &action.resource;
        let known = match id.kind {
            ResourceKind::Service => world.observed.services.get(id.key.as_str()).is_some_and(Seen::is_known),
            ResourceKind::TaskDefinition | ResourceKind::Task => true,
            _ => world.observed.resources.get(id).is_some_and(Seen::is_known),
        };
        prop_assert!(known, "{} acts on {id}, which was not seen", action.call.operation());
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
    fn a_plan_comes_to_rest(world in worlds()) {
        let mut world = world;
        let mut passes = 0;
        loop {
            let next = plan(&world.input());
            if next.is_empty() {
                break;
            }
            passes += 1;
            prop_assert!(passes <= 5, "still busy: {}", crate::plan::render(&next));
            world = apply(&world, &next);
        }
    }

    #[test]
    fn nothing_is_planned_on_what_was_not_seen(world in worlds(), mask in proptest::collection::vec(any::<u8>(), 12)) {
        let mut world = world;
        hide(&mut world, &mask);
        check_nothing_unseen(&world, &plan(&world.input()))?;
    }

    #[test]
    fn the_last_door_has_nothing_to_do(world in worlds(), mask in proptest::collection::vec(any::<u8>(), 12)) {
        let mut world = world;
        for _ in 0..2 {
            let made = plan(&world.input());
            prop_assert!(!made.notes.iter().any(|note| note.message.contains("defect")), "{}", crate::plan::render(&made));
            hide(&mut world, &mask);
        }
    }

    #[test]
    fn the_order_of_what_aws_lists_does_not_matter(world in worlds()) {
        let straight = plan(&world.input());
        let mut other = world.clone();
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
        prop_assert_eq!(&straight, &plan(&world.input()), "the same world gives the same plan");
    }

    #[test]
    fn a_report_only_deployment_is_written_to_only_for_new_declarations(world in worlds()) {
        let mut world = world;
        world.desired.drift = serde_json::from_value(json!({"policy": "Report"})).unwrap();
        world.desired.suspend = None;
        let made = plan(&world.input());
        let repairs = made.actions.iter().filter(|action| action.reason == crate::model::plan::Reason::Drifted);
        for action in repairs {
            // The rollout decides about the revision; it does not roll when that is only to be
            // reported.
            let rolls = matches!(&action.call, Call::UpdateService { fields, .. } if fields.get("taskDefinition").is_some());
            prop_assert!(rolls, "{} repairs", action.call.operation());
        }
    }

    #[test]
    fn a_suspended_deployment_is_never_written_to(world in worlds()) {
        let mut world = world;
        world.desired.suspend = serde_json::from_value(
            json!({"by": "ann", "reason": "r", "until": "2027-01-01T00:00:00Z"})).unwrap();
        prop_assert!(plan(&world.input()).is_empty());
    }
}

#[test]
fn a_deployment_as_declared_gives_an_empty_plan() {
    let made = plan(&World::base().input());
    assert!(made.is_empty() && made.drift.is_empty() && made.waiting_on.is_empty() && made.notes.is_empty());
}
