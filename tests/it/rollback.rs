//! Deployments that fail: ECS goes back, Evenkeel says so and does not fight it.

use crate::support::{Fixture, SHOP, condition, service};
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::{Value, json};

fn tagged(tag: &str) -> String {
    SHOP.replace("/shop:1.0", &format!("/shop:{tag}"))
}

fn revision(service: &Value) -> String {
    service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_ecs_is_told_and_not_fought() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &tagged("crash")).await;
    let status = fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    let web = &status.components["web"];
    assert!(
        web.message.starts_with("desired shop-web:2, running shop-web:1: rolled back by ECS because ")
            && web.message.contains("circuit breaker"),
        "{}",
        web.message
    );
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "RolledBack"), "{message}");
    assert_eq!(condition(&status, ConditionType::Ready).0, Truth::False);
    assert_eq!(condition(&status, ConditionType::Reconciling).0, Truth::False);
    let record = fixture.record("shop").await;
    assert!(
        record
            .events
            .iter()
            .any(|event| event.reason.as_str() == "RolledBack" && event.object == "component/web")
    );
    // For hours.
    fixture.pass(60).await;
    fixture.sim.reset_calls();
    fixture.pass(2 * 3600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let seen = service(&fixture);
    assert_eq!((revision(&seen).as_str(), &seen["runningCount"]), ("shop-web:1", &json!(2)));
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Drifted).0, Truth::False);
    // Another tag is another try.
    fixture.write("shop.yaml", &tagged("2.0")).await;
    fixture.pass(1).await;
    fixture.ready_within(600).await;
    let web = &fixture.status("shop").components["web"];
    assert_eq!((web.image.as_str(), web.phase.as_str()), ("registry.example.com/shop:2.0", "Complete"));
    assert_eq!(revision(&service(&fixture)), "shop-web:3");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_content_is_tried_again_when_a_retry_is_asked_for() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &tagged("crash")).await;
    fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    // What was wrong with the image's surroundings is mended.
    let behaviour = aws_sim::behaviour::Behaviour::default();
    fixture.sim.behave(aws_sim::behaviour::BehaviourRule::image("*/shop:crash", behaviour));
    let retry = "metadata: {name: shop, annotations: {evenkeel.dev/retry: \"1\"}}";
    fixture.write("shop.yaml", &tagged("crash").replace("metadata: {name: shop}", retry)).await;
    fixture.pass(1).await;
    fixture.ready_within(900).await;
    assert_eq!(revision(&service(&fixture)), "shop-web:2");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn going_back_to_the_running_tag_after_a_rollback_is_ready_at_once() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &tagged("crash")).await;
    fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    fixture.pass(120).await;
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(1).await;
    fixture.ready_within(60).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_fails_is_explained_and_a_new_tag_is_tried() {
    let mut fixture = Fixture::new(&[("shop.yaml", tagged("crash").as_str())]).await;
    let status = fixture.until(1800, |status| status.components["web"].phase == "Stalled").await;
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "DeploymentFailed"), "{message}");
    assert!(message.contains("ECS deployment ecs-svc/") && message.contains("failed"), "{message}");
    fixture.pass(60).await;
    fixture.sim.reset_calls();
    fixture.pass(2 * 3600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    fixture.write("shop.yaml", &tagged("2.0")).await;
    fixture.pass(1).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_never_becomes_healthy_is_rolled_back_and_explained() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &tagged("unhealthy")).await;
    let is_over = |phase: &str| phase == "RolledBack" || phase == "Stalled";
    let status = fixture.until(7200, |status| is_over(&status.components["web"].phase)).await;
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "RolledBack"), "{message}");
    // The old tasks serve all the while.
    let seen = service(&fixture);
    assert!(seen["runningCount"].as_u64().unwrap() >= 2);
    fixture.pass(60).await;
    fixture.sim.reset_calls();
    fixture.pass(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn without_a_circuit_breaker_the_progress_deadline_says_what_is_wrong() {
    let breaker = "        deploymentConfiguration:\n          deploymentCircuitBreaker: {enable: true, rollback: true}\n";
    assert!(SHOP.contains(breaker));
    let unguarded = |text: String| text.replace(breaker, "        progressDeadlineSeconds: 600\n");
    let mut fixture = Fixture::new(&[("shop.yaml", unguarded(SHOP.to_owned()).as_str())]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    let edited = fixture.clock.now();
    fixture.write("shop.yaml", &unguarded(tagged("unhealthy"))).await;
    let status = fixture.until(3600, |status| status.components["web"].phase == "Stalled").await;
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "ProgressDeadlineExceeded"), "{message}");
    assert!(message.contains("no progress for 600 s") && message.contains("newest event: "), "{message}");
    let took = fixture.clock.now().duration_since(edited).as_secs();
    assert!((600..900).contains(&took), "{took} s");
    fixture.pass(60).await;
    fixture.sim.reset_calls();
    fixture.pass(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    // A tag that works puts an end to it.
    fixture.write("shop.yaml", &unguarded(tagged("2.0"))).await;
    fixture.pass(1).await;
    fixture.ready_within(900).await;
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_stalled_rollout_completes_by_itself_when_it_heals() {
    let breaker = "        deploymentConfiguration:\n          deploymentCircuitBreaker: {enable: true, rollback: true}\n";
    let unguarded = |text: String| text.replace(breaker, "        progressDeadlineSeconds: 600\n");
    let mut fixture = Fixture::new(&[("shop.yaml", unguarded(SHOP.to_owned()).as_str())]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &unguarded(tagged("unhealthy"))).await;
    fixture.until(3600, |status| status.components["web"].phase == "Stalled").await;
    fixture.sim.reset_calls();
    let behaviour = aws_sim::behaviour::Behaviour::default();
    fixture.sim.behave(aws_sim::behaviour::BehaviourRule::image("*/shop:unhealthy", behaviour));
    fixture.ready_within(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    traffic.all_served();
}
