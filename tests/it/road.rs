//! What `ctl plan` foretells is what is done, and nothing else.

use crate::alarms;
use crate::strategies::shop;
use crate::support::{Fixture, SHOP};
use evenkeel::aws::{self, Aws};
use evenkeel::model::observed::Depth;
use evenkeel::model::plan::{Plan, Reason};
use evenkeel::observed::{Collector, ObservationRequest};
use evenkeel::reconcile::decide::decide;
use evenkeel::reconcile::declarations::{self, DeclarationChange, LoweringCache};
use evenkeel::reconcile::forecast::forecast;
use evenkeel::specs::{FileSpecStore, SpecStore};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The writes that are foretold for the documents as they are in the folder now, in order.
async fn foretold(fixture: &Fixture) -> Vec<String> {
    let road = road(fixture).await;
    road.iter().flat_map(|plan| &plan.actions).map(|action| action.call.operation().to_owned()).collect()
}

/// The plans that are foretold for the documents as they are in the folder now, in order.
async fn road(fixture: &Fixture) -> Vec<Plan> {
    let record = fixture.record("shop").await;
    let mut store = FileSpecStore::new(fixture.folder.path().join("specs"), Duration::from_secs(3600));
    let snapshot = store.load().await;
    let known = BTreeMap::from([(&record.name, (&record).into())]);
    let now = fixture.clock.now();
    let changes = declarations::changes(&mut LoweringCache::default(), &snapshot, &known, &[], now);
    let Some(DeclarationChange::InForce(declared)) = changes.by_name.get(&record.name) else {
        panic!("the edit is refused")
    };
    let sim_clock = fixture.sim.clock();
    let aws = Aws::connect(aws::Settings::closed(fixture.sim.http_client(), move || sim_clock.now())).await;
    let placement = &declared.desired.placement;
    let request = ObservationRequest {
        desired: &declared.desired,
        rollout: &record.rollout,
        depth: Depth::Full,
        removed: false,
        kept: None,
        rolling: None,
    };
    let observed = Collector::new(aws).collect(placement, &[request], now).await.remove(0);
    let decision = decide(declared, &record.rollout, observed, now);
    let road = forecast(declared, &decision, now);
    std::iter::once(decision.plan).chain(road).collect()
}

/// Makes edits of the shop that runs, and compares what was foretold with what is done.
async fn comes_true(edits: &[(&str, &str)]) -> Vec<String> {
    comes_true_after(&[], edits).await
}

/// The same after other edits, which are done by then.
async fn comes_true_after(before: &[(&str, &str)], edits: &[(&str, &str)]) -> Vec<String> {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    for (from, to) in before {
        fixture.edit("shop.yaml", from, to).await;
        fixture.pass(10).await;
        fixture.ready_within(1800).await;
    }
    fixture.pass(120).await;
    for (from, to) in edits {
        fixture.edit_quietly("shop.yaml", from, to);
    }
    let mut foretold = foretold(&fixture).await;
    fixture.sim.reset_calls();
    fixture.declare().await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
    fixture.pass(600).await;
    let mut done = fixture.writes();
    let in_order = foretold.clone();
    foretold.sort();
    done.sort();
    assert_eq!(foretold, done, "{edits:?}, foretold {in_order:?}");
    in_order
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_behind_a_migration() {
    let road =
        comes_true(&[("/shop-migrations:1.0", "/shop-migrations:2.0"), ("/shop:1.0", "/shop:2.0")]).await;
    let expected =
        ["ecs:RegisterTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:UpdateService"];
    assert_eq!(road, expected);
}

/// The web service reads the secret, too.
const NO_SECRET: &str = "            portMappings: [{containerPort: 8080}]\n";
const SECRET: &str = "            portMappings: [{containerPort: 8080}]\n            secrets: [{name: URL, valueFrom: \"shop/db:url::\"}]\n";

fn rotate(fixture: &Fixture) {
    let value = json!({"url": "mysql://canary-2", "password": "canary-3"}).to_string();
    let input = json!({"SecretId": "shop/db", "SecretString": value, "ClientRequestToken": "r".repeat(32)});
    fixture.by_hand("secretsmanager", "PutSecretValue", input);
}

#[tokio::test(start_paused = true)]
async fn another_key_of_a_secret_soon_and_long_after_it_was_rotated() {
    for waits in [1, 5, 20, 600] {
        let document = SHOP.replace(NO_SECRET, SECRET);
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(600).await;
        fixture.pass(120).await;
        rotate(&fixture);
        fixture.pass(waits).await;
        if waits > 100 {
            fixture.ready_within(600).await;
        }
        fixture.edit_quietly("shop.yaml", SECRET, &SECRET.replace("db:url", "db:password"));
        let mut foretold = foretold(&fixture).await;
        fixture.sim.reset_calls();
        fixture.declare().await;
        fixture.pass(1).await;
        fixture.ready_within(1800).await;
        fixture.pass(600).await;
        let mut done = fixture.writes();
        let in_order = foretold.clone();
        foretold.sort();
        done.sort();
        assert_eq!(foretold, done, "{waits} s after the rotation, foretold {in_order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_rotated_a_moment_ago() {
    let mut fixture = Fixture::new(&[("shop.yaml", &SHOP.replace(NO_SECRET, SECRET))]).await;
    fixture.ready_within(600).await;
    fixture.pass(120).await;
    rotate(&fixture);
    fixture.pass(3).await;
    let mut foretold = foretold(&fixture).await;
    fixture.sim.reset_calls();
    fixture.declare().await;
    fixture.pass(120).await;
    fixture.ready_within(1800).await;
    let mut done = fixture.writes();
    foretold.sort();
    done.sort();
    assert_eq!(foretold, done);
    assert!(!done.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_runs_is_not_foretold_to_be_stopped() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    while !fixture.carried_out().contains_key("ecs:RunTask") {
        fixture.pass(1).await;
    }
    fixture.pass(1).await;
    let foretold = foretold(&fixture).await;
    assert!(!foretold.contains(&"ecs:StopTask".to_owned()), "{foretold:?}");
    assert!(foretold.contains(&"ecs:CreateService".to_owned()), "{foretold:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_is_replaced() {
    let road = comes_true(&[("      port: 8080\n      vpcId", "      port: 9090\n      vpcId")]).await;
    let expected = [
        "elasticloadbalancing:CreateTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:ModifyRule",
        "ecs:UpdateService",
        "elasticloadbalancing:ModifyRule",
        "ecs:UpdateService",
        "elasticloadbalancing:DeleteTargetGroup",
    ];
    assert_eq!(road, expected);
}

#[tokio::test(start_paused = true)]
async fn a_service_under_another_name() {
    let road = comes_true(&[("      service:\n", "      service:\n        serviceName: front\n")]).await;
    let expected = ["ecs:CreateService", "ecs:UpdateService", "ecs:DeleteService"];
    assert_eq!(road, expected);
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_another_priority() {
    let road = comes_true(&[("priority: 10", "priority: 20")]).await;
    assert_eq!(road, ["elasticloadbalancing:SetRulePriorities"]);
}

/// The document does not name what is put right: an alarm is put as a whole.
#[tokio::test(start_paused = true)]
async fn an_alarm_whose_actions_somebody_disabled() {
    let fixture = Fixture::new(&[("shop.yaml", &alarms::shop())]).await;
    fixture.ready_within(600).await;
    let name = alarms::names(&fixture).remove(0);
    fixture.by_hand("monitoring", "DisableAlarmActions", json!({"AlarmNames": [name]}));
    assert_eq!(foretold(&fixture).await, ["cloudwatch:PutMetricAlarm"]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_ran_before() {
    let there = ("/shop:1.0", "/shop:2.0");
    let road = comes_true_after(&[there], &[("/shop:2.0", "/shop:1.0")]).await;
    assert_eq!(road, ["ecs:UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_ran_before_runs_again() {
    let there = ("/shop-migrations:1.0", "/shop-migrations:2.0");
    let road = comes_true_after(&[there], &[("/shop-migrations:2.0", "/shop-migrations:1.0")]).await;
    assert_eq!(road, ["ecs:RunTask"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_on_another_port() {
    let road = comes_true(&[("port: 80\n", "port: 81\n")]).await;
    let expected = [
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:DeleteRule",
        "elasticloadbalancing:DeleteListener",
    ];
    assert_eq!(road, expected);
}

/// Where ECS has shifted the traffic to is its own doing, and no drift of the rule.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_to_roll_again_after_ecs_has_shifted_its_traffic() {
    let strategy = "          strategy: BLUE_GREEN\n          bakeTimeInMinutes: 1\n";
    let mut fixture = Fixture::new(&[("shop.yaml", &shop(strategy))]).await;
    fixture.ready_within(1800).await;
    fixture.pass(120).await;
    fixture.edit_quietly("shop.yaml", strategy, "          strategy: ROLLING\n");
    let road = road(&fixture).await;
    let mut actions = road.iter().flat_map(|plan| &plan.actions);
    assert!(actions.any(|action| action.call.operation().ends_with("ModifyRule")), "{road:?}");
    assert!(actions.all(|action| action.reason != Reason::Drifted), "{road:?}");
    assert!(road.iter().all(|plan| plan.drift.is_empty()), "{road:?}");
    fixture.declare().await;
}
