//! Rotated secrets: tasks get the new version once it has settled, and only those that want it.

use crate::support::{SHOP, World, condition};
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::json;

/// The shop whose web service reads the secret, too, and whose migration does not mind a rotation.
fn with_secret(on_rotation: &str) -> String {
    let web = format!(
        "environment: [{{name: B, value: \"2\"}}, {{name: A, value: \"1\"}}]\n            secrets: [{{name: DATABASE_URL, valueFrom: \"shop/db:url::\"{on_rotation}}}]"
    );
    SHOP.replace("environment: [{name: B, value: \"2\"}, {name: A, value: \"1\"}]", &web).replace(
        "secrets: [{name: DATABASE_URL, valueFrom: \"shop/db:url::\"}]\n            logConfiguration: &logs",
        "secrets: [{name: DATABASE_URL, valueFrom: \"shop/db:url::\", onRotation: Ignore}]\n            logConfiguration: &logs",
    )
}

fn rotate(world: &World, number: u32) {
    let token = format!("rotation-{number:-<32}");
    let value = json!({"url": format!("mysql://canary-{number}")}).to_string();
    let input = json!({"SecretId": "shop/db", "SecretString": value, "ClientRequestToken": token});
    world.by_hand("secretsmanager", "PutSecretValue", input);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_rolls_the_service_once_it_has_settled() {
    let world = World::new(&[("shop.yaml", with_secret("").as_str())]).await;
    world.ready_within(600).await;
    world.pass(120).await;
    world.sim.reset_calls();
    let rotated = world.clock.now();
    rotate(&world, 1);
    let status = world.until(120, |status| status.components["web"].phase == "Rolling").await;
    let waited = status.updated_at.duration_since(rotated).as_secs();
    assert!((30..=110).contains(&waited), "{waited} s");
    world.ready_within(600).await;
    assert_eq!(world.writes(), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
    let record = world.record("shop").await;
    let told = record
        .events
        .iter()
        .find(|e| e.object == "service/web" && e.message.contains("a secret has a new version"));
    assert!(told.is_some(), "{:#?}", record.events);
    assert_eq!(condition(&world.status("shop"), ConditionType::Drifted).0, Truth::False);
    world.sim.reset_calls();
    world.pass(1800).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_rotations_rolls_the_service_once() {
    let world = World::new(&[("shop.yaml", with_secret("").as_str())]).await;
    world.ready_within(600).await;
    world.pass(120).await;
    world.sim.reset_calls();
    for number in 1..=4 {
        rotate(&world, number);
        world.pass(15).await;
    }
    world.pass(120).await;
    world.ready_within(600).await;
    assert_eq!(world.writes(), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_to_be_ignored_changes_nothing() {
    let world = World::new(&[("shop.yaml", with_secret(", onRotation: Ignore").as_str())]).await;
    world.ready_within(600).await;
    world.sim.reset_calls();
    rotate(&world, 1);
    world.pass(1800).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.ready_within(1).await;
}
