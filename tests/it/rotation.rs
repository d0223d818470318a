//! Rotated secrets: tasks get the new version once it has settled, and only those that want it.

use crate::support::{Fixture, SHOP, condition};
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

fn rotate(fixture: &Fixture, number: u32) {
    let token = format!("rotation-{number:-<32}");
    let value = json!({"url": format!("mysql://canary-{number}")}).to_string();
    let input = json!({"SecretId": "shop/db", "SecretString": value, "ClientRequestToken": token});
    fixture.by_hand("secretsmanager", "PutSecretValue", input);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_rolls_the_service_once_it_has_settled() {
    let fixture = Fixture::new(&[("shop.yaml", with_secret("").as_str())]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.pass(120).await;
    fixture.sim.reset_calls();
    let rotated = fixture.clock.now();
    rotate(&fixture, 1);
    let status = fixture.until(120, |status| status.components["web"].phase == "Rolling").await;
    let waited = status.updated_at.duration_since(rotated).as_secs();
    assert!((30..=110).contains(&waited), "{waited} s");
    fixture.ready_within(600).await;
    assert_eq!(fixture.writes(), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
    let record = fixture.record("shop").await;
    let event = record
        .events
        .iter()
        .find(|e| e.object == "service/web" && e.message.contains("a secret has a new version"));
    assert!(event.is_some(), "{:#?}", record.events);
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Drifted).0, Truth::False);
    fixture.sim.reset_calls();
    fixture.pass(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_rotations_rolls_the_service_once() {
    let fixture = Fixture::new(&[("shop.yaml", with_secret("").as_str())]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.pass(120).await;
    fixture.sim.reset_calls();
    for number in 1..=4 {
        rotate(&fixture, number);
        fixture.pass(15).await;
    }
    fixture.pass(120).await;
    fixture.ready_within(600).await;
    assert_eq!(fixture.writes(), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_to_be_ignored_changes_nothing() {
    let fixture = Fixture::new(&[("shop.yaml", with_secret(", onRotation: Ignore").as_str())]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    rotate(&fixture, 1);
    fixture.pass(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    fixture.ready_within(1).await;
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_rotated_while_ecs_bakes_a_deployment_rolls_the_service_once_more() {
    for deregisters in [false, true] {
        let strategy = "          strategy: BLUE_GREEN\n          bakeTimeInMinutes: 20\n";
        let document = crate::strategies::shop(strategy);
        let secret = "portMappings: [{containerPort: 8080}]\n            secrets: [{name: DATABASE_URL, valueFrom: \"shop/db:url::\"}]";
        let document = document.replace("portMappings: [{containerPort: 8080}]", secret);
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(3600).await;
        fixture.pass(120).await;
        fixture.edit("shop.yaml", "/shop:1.0", "/shop:1.1").await;
        let stage = |status: &evenkeel::model::status::DeploymentStatus| {
            status.components["web"].message.contains("BAKE")
        };
        fixture.until(900, stage).await;
        rotate(&fixture, 1);
        if deregisters {
            fixture.pass(10).await;
            let service = json!({"cluster": "shop", "services": ["shop-web"]});
            let shown = fixture.by_hand("ecs", "DescribeServices", service);
            let revision = shown["services"][0]["taskDefinition"].clone();
            fixture.by_hand("ecs", "DeregisterTaskDefinition", json!({"taskDefinition": revision}));
        }
        fixture.pass(3600).await;
        fixture.ready_within(3600).await;
        fixture.pass(600).await;
        let input = json!({"cluster": "shop", "service": "shop-web"});
        let listed = fixture.by_hand("ecs", "ListServiceDeployments", input);
        let deployments = listed["serviceDeployments"].as_array().unwrap();
        assert_eq!(deployments.len(), 3, "the first, the image, the secret; {deregisters}: {deployments:#?}");
    }
}
