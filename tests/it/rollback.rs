//! Deployments that fail: ECS goes back, Evenkeel says so and does not fight it.

use crate::support::{SHOP, World, condition};
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::{Value, json};

fn tagged(tag: &str) -> String {
    SHOP.replace("/shop:1.0", &format!("/shop:{tag}"))
}

fn service(world: &World) -> Value {
    let input = json!({"cluster": "shop", "services": ["shop-web"]});
    world.by_hand("ecs", "DescribeServices", input)["services"][0].clone()
}

fn revision(service: &Value) -> String {
    service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_ecs_is_told_and_not_fought() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.write("shop.yaml", &tagged("crash")).await;
    let status = world.until(1800, |status| status.components["web"].phase == "RolledBack").await;
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
    let record = world.record("shop").await;
    assert!(
        record
            .events
            .iter()
            .any(|event| event.reason.as_str() == "RolledBack" && event.object == "component/web")
    );
    // For hours.
    world.pass(60).await;
    world.sim.reset_calls();
    world.pass(2 * 3600).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let seen = service(&world);
    assert_eq!((revision(&seen).as_str(), &seen["runningCount"]), ("shop-web:1", &json!(2)));
    assert_eq!(condition(&world.status("shop"), ConditionType::Drifted).0, Truth::False);
    // Another tag is another try.
    world.write("shop.yaml", &tagged("2.0")).await;
    world.pass(1).await;
    world.ready_within(600).await;
    let web = &world.status("shop").components["web"];
    assert_eq!((web.image.as_str(), web.phase.as_str()), ("registry.example.com/shop:2.0", "Complete"));
    assert_eq!(revision(&service(&world)), "shop-web:3");
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_content_is_tried_again_when_a_retry_is_asked_for() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.write("shop.yaml", &tagged("crash")).await;
    world.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    // What was wrong with the image's surroundings is mended.
    let behaviour = aws_sim::behaviour::Behaviour::default();
    world.sim.behave(aws_sim::behaviour::BehaviourRule::image("*/shop:crash", behaviour));
    let retry = "metadata: {name: shop, annotations: {evenkeel.dev/retry: \"1\"}}";
    world.write("shop.yaml", &tagged("crash").replace("metadata: {name: shop}", retry)).await;
    world.pass(1).await;
    world.ready_within(900).await;
    assert_eq!(revision(&service(&world)), "shop-web:2");
}

#[tokio::test(start_paused = true)]
async fn going_back_to_the_running_tag_after_a_rollback_is_ready_at_once() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.write("shop.yaml", &tagged("crash")).await;
    world.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    world.pass(120).await;
    world.sim.reset_calls();
    world.write("shop.yaml", SHOP).await;
    world.pass(1).await;
    world.ready_within(60).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_fails_is_explained_and_a_new_tag_is_tried() {
    let mut world = World::new(&[("shop.yaml", tagged("crash").as_str())]).await;
    let status = world.until(1800, |status| status.components["web"].phase == "Stalled").await;
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "DeploymentFailed"), "{message}");
    assert!(message.contains("ECS deployment ecs-svc/") && message.contains("failed"), "{message}");
    world.pass(60).await;
    world.sim.reset_calls();
    world.pass(2 * 3600).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.write("shop.yaml", &tagged("2.0")).await;
    world.pass(1).await;
    world.ready_within(600).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_never_becomes_healthy_is_rolled_back_and_explained() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.write("shop.yaml", &tagged("unhealthy")).await;
    let is_over = |phase: &str| phase == "RolledBack" || phase == "Stalled";
    let status = world.until(7200, |status| is_over(&status.components["web"].phase)).await;
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "RolledBack"), "{message}");
    // The old tasks serve all the while.
    let seen = service(&world);
    assert!(seen["runningCount"].as_u64().unwrap() >= 2);
    world.pass(60).await;
    world.sim.reset_calls();
    world.pass(1800).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_a_circuit_breaker_the_progress_deadline_says_what_is_wrong() {
    let breaker = "        deploymentConfiguration:\n          deploymentCircuitBreaker: {enable: true, rollback: true}\n";
    assert!(SHOP.contains(breaker));
    let unguarded = |text: String| text.replace(breaker, "        progressDeadlineSeconds: 600\n");
    let mut world = World::new(&[("shop.yaml", unguarded(SHOP.to_owned()).as_str())]).await;
    world.ready_within(600).await;
    let edited = world.clock.now();
    world.write("shop.yaml", &unguarded(tagged("unhealthy"))).await;
    let status = world.until(3600, |status| status.components["web"].phase == "Stalled").await;
    let (stalled, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, reason.as_str()), (Truth::True, "ProgressDeadlineExceeded"), "{message}");
    assert!(message.contains("no progress for 600 s") && message.contains("newest event: "), "{message}");
    let took = world.clock.now().duration_since(edited).as_secs();
    assert!((600..900).contains(&took), "{took} s");
    world.pass(60).await;
    world.sim.reset_calls();
    world.pass(1800).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    // A tag that works puts an end to it.
    world.write("shop.yaml", &unguarded(tagged("2.0"))).await;
    world.pass(1).await;
    world.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_rollout_completes_by_itself_when_it_heals() {
    let breaker = "        deploymentConfiguration:\n          deploymentCircuitBreaker: {enable: true, rollback: true}\n";
    let unguarded = |text: String| text.replace(breaker, "        progressDeadlineSeconds: 600\n");
    let mut world = World::new(&[("shop.yaml", unguarded(SHOP.to_owned()).as_str())]).await;
    world.ready_within(600).await;
    world.write("shop.yaml", &unguarded(tagged("unhealthy"))).await;
    world.until(3600, |status| status.components["web"].phase == "Stalled").await;
    world.sim.reset_calls();
    let behaviour = aws_sim::behaviour::Behaviour::default();
    world.sim.behave(aws_sim::behaviour::BehaviourRule::image("*/shop:unhealthy", behaviour));
    world.ready_within(1800).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}
