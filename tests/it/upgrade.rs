//! Upgrades: migration before everything else, at once, and without a gap in service.

use crate::support::{Fixture, SHOP, service};
use aws_sim::Sim;
use serde_json::json;
use std::time::Duration;

/// The shop with another image tag.
fn tagged(tag: &str) -> String {
    SHOP.replace("shop-migrations:1.0", &format!("shop-migrations:{tag}"))
        .replace("/shop:1.0", &format!("/shop:{tag}"))
}

/// Images of all tasks that run at present, by family.
fn running_images(fixture: &Fixture, family: &str) -> Vec<String> {
    let listed = fixture.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": family}));
    let tasks =
        fixture.by_hand("ecs", "DescribeTasks", json!({"cluster": "shop", "tasks": listed["taskArns"]}));
    let tasks = tasks["tasks"].as_array().cloned().unwrap_or_default();
    let images = tasks.iter().map(|task| task["containers"][0]["image"].as_str().unwrap().to_owned());
    images.collect()
}

#[tokio::test(start_paused = true)]
async fn an_edited_tag_migrates_first_and_rolls_then() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", &tagged("2.0")).await;
    fixture.until(30, |status| status.components["migrate"].phase == "TaskRunning").await;
    assert_eq!(service(&fixture)["deployments"].as_array().unwrap().len(), 1);
    fixture.until(60, |status| status.components["web"].phase == "Rolling").await;
    assert_eq!(fixture.status("shop").components["migrate"].phase, "Complete");
    fixture.ready_within(600).await;
    assert_eq!(
        fixture.writes(),
        ["ecs:RegisterTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:UpdateService"]
    );
    let image = "registry.example.com/shop:2.0";
    assert_eq!(running_images(&fixture, "shop-web"), [image, image]);
    assert_eq!(fixture.status("shop").components["web"].image, image);
    fixture.sim.reset_calls();
    fixture.pass(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn the_first_write_follows_an_edit_within_half_a_second() {
    // Latencies as AWS's APIs show them in the same region.
    let sim = Sim::builder().seed(7).latency(Duration::from_millis(10), Duration::from_millis(40)).build();
    let mut fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    // At any moment between two resyncs.
    for (wait, tag) in [(7, "2.0"), (31, "3.0"), (58, "4.0")] {
        fixture.pass(wait).await;
        fixture.sim.reset_calls();
        let edited = fixture.clock.now();
        fixture.write("shop.yaml", &tagged(tag)).await;
        fixture.pass(10).await;
        let first = fixture.sim.calls().into_iter().find(|call| call.write).unwrap();
        let took = first.at.duration_since(edited);
        assert!(took.as_millis() < 500, "{took:?} to {}", first.operation);
        fixture.ready_within(600).await;
    }
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_never_runs_fewer_tasks_than_declared() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    let group = service(&fixture)["loadBalancers"][0]["targetGroupArn"].clone();
    fixture.write("shop.yaml", &tagged("2.0")).await;
    for _ in 0..180 {
        fixture.pass(1).await;
        let running = service(&fixture)["runningCount"].as_u64().unwrap();
        assert!(running >= 2, "{running} tasks run");
        let health = json!({"TargetGroupArn": group});
        let health = fixture.by_hand("elasticloadbalancing", "DescribeTargetHealth", health);
        let targets = health["TargetHealthDescriptions"].as_array().unwrap();
        let healthy = targets.iter().filter(|target| target["TargetHealth"]["State"] == "healthy").count();
        assert!(healthy >= 2, "{healthy} targets are healthy: {targets:?}");
    }
    fixture.ready_within(60).await;
    let image = "registry.example.com/shop:2.0";
    assert_eq!(running_images(&fixture, "shop-web"), [image, image]);
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_the_middle_of_a_rollout_overtakes_it() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &tagged("2.0")).await;
    fixture.until(60, |status| status.components["web"].phase == "Rolling").await;
    fixture.pass(3).await;
    fixture.write("shop.yaml", &tagged("3.0")).await;
    fixture.pass(1).await;
    fixture.ready_within(600).await;
    let image = "registry.example.com/shop:3.0";
    assert_eq!(running_images(&fixture, "shop-web"), [image, image]);
    let status = fixture.status("shop");
    assert_eq!(status.observed_generation.0, 3);
    assert_eq!(status.components["web"].image, image);
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_changes_nothing_writes_nothing() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    // A comment, and a default spelled out.
    let same = SHOP.replace(
        "        desiredCount: 2",
        "        # two are enough\n        desiredCount: 2\n        schedulingStrategy: REPLICA",
    );
    fixture.write("shop.yaml", &same).await;
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    fixture.ready_within(1).await;
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn going_back_to_an_older_tag_migrates_and_rolls_as_any_upgrade_does() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &tagged("2.0")).await;
    fixture.pass(1).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(1).await;
    fixture.ready_within(600).await;
    let image = "registry.example.com/shop:1.0";
    assert_eq!(running_images(&fixture, "shop-web"), [image, image]);
    let counts = fixture.sim.counts();
    assert_eq!((counts.of("ecs", "RunTask"), counts.of("ecs", "UpdateService")), (1, 1));
    traffic.all_served();
}
