//! What people ask for is honoured, once, and told; it survives restarts and ends by itself.

use crate::support::{SHOP, World, condition};
use aws_sim::Sim;
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::request::RequestKind;
use jiff::SignedDuration;
use serde_json::json;

/// A pause of so many seconds from now.
fn pause(world: &World, seconds: i64) -> RequestKind {
    RequestKind::Pause { until: world.clock.now() + SignedDuration::from_secs(seconds) }
}

/// Somebody sets another number of tasks, behind the controller's back.
fn scale_by_hand(world: &World) {
    world.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": 1}),
    );
    world.sim.reset_calls();
}

async fn reasons(world: &World) -> Vec<String> {
    world.record("shop").await.events.iter().map(|event| event.reason.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_every_write_survives_a_restart_and_ends_by_itself() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.ask("shop", pause(&world, 900)).await;
    world.declare().await;
    world.pass(5).await;
    scale_by_hand(&world);
    world.pass(120).await;
    world.stop().await;
    world.start().await;
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let (suspended, _, message) = condition(&world.status("shop"), ConditionType::Suspended);
    assert!(suspended == Truth::True && message.starts_with("by ops until"), "{message}");
    assert!(message.ends_with(": incident 42"), "{message}");
    assert!(reasons(&world).await.iter().filter(|reason| *reason == "PauseRequested").count() == 1);
    world.pass(600).await;
    assert_eq!(world.writes(), ["ecs:UpdateService"]);
    assert_eq!(condition(&world.status("shop"), ConditionType::Suspended).0, Truth::False);
    world.declare().await;
    assert!(world.requests().await.is_empty(), "it is withdrawn once it is over");
}

#[tokio::test(start_paused = true)]
async fn a_resume_ends_a_pause_at_once_and_is_withdrawn() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.ask("shop", pause(&world, 86_400)).await;
    world.declare().await;
    world.pass(5).await;
    scale_by_hand(&world);
    world.ask("shop", RequestKind::Resume).await;
    assert_eq!(world.requests().await.len(), 1, "it takes the place of the pause");
    world.declare().await;
    world.pass(30).await;
    assert_eq!(world.writes(), ["ecs:UpdateService"]);
    assert!(world.requests().await.is_empty());
    world.declare().await;
    world.pass(120).await;
    assert!(world.record("shop").await.requests.is_empty());
    let reasons = reasons(&world).await;
    let told = |reason: &str| reasons.iter().filter(|told| *told == reason).count();
    assert_eq!((told("PauseRequested"), told("ResumeRequested")), (1, 1), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_lifts_the_memory_of_failures_once() {
    for component in [None, Some("web".into())] {
        let mut world = World::new(&[("shop.yaml", SHOP)]).await;
        world.ready_within(600).await;
        world.write("shop.yaml", &SHOP.replace("/shop:1.0", "/shop:crash")).await;
        world.until(1800, |status| status.components["web"].phase == "RolledBack").await;
        world.pass(60).await;
        world.sim.reset_calls();
        world.ask("shop", RequestKind::Retry { component: component.clone() }).await;
        world.declare().await;
        world.pass(5).await;
        assert!(world.requests().await.is_empty(), "it was honoured and withdrawn");
        world.until(1800, |status| status.components["web"].phase == "RolledBack").await;
        let tries = |world: &World| world.writes().iter().filter(|call| *call == "ecs:UpdateService").count();
        assert_eq!(tries(&world), 1, "{component:?}");
        world.declare().await;
        world.pass(3600).await;
        assert_eq!(tries(&world), 1, "once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_about_a_deployment_that_is_gone_is_cleaned_up() {
    let world_of = |policy: &str| SHOP.replace("spec:\n", &format!("spec:\n{policy}"));
    for policy in ["", "  deletionPolicy: Delete\n"] {
        let mut world = World::new(&[("shop.yaml", &world_of(policy))]).await;
        world.ready_within(600).await;
        world.remove("shop.yaml").await;
        world.pass(900).await;
        world.ask("shop", pause(&world, 86_400)).await;
        world.declare().await;
        assert!(world.requests().await.is_empty(), "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_is_taken_over_when_a_person_asks_for_it_and_stays_so() {
    let mut world = World::idle(Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    world.by_hand("logs", "CreateLogGroup", json!({"logGroupName": "/ecs/shop"}));
    world.start().await;
    world.pass(120).await;
    let (_, reason, message) = condition(&world.status("shop"), ConditionType::Stalled);
    assert!(reason == "Blocked" && message.contains("/ecs/shop"), "{reason}: {message}");
    let until = world.clock.now() + SignedDuration::from_secs(300);
    world.ask("shop", RequestKind::Adopt { until }).await;
    world.declare().await;
    world.ready_within(600).await;
    world.pass(600).await;
    world.declare().await;
    assert!(world.requests().await.is_empty(), "it is withdrawn once it is over");
    world.pass(600).await;
    assert_eq!(condition(&world.status("shop"), ConditionType::Ready).0, Truth::True, "and it stays ours");
    assert!(reasons(&world).await.contains(&"AdoptionRequested".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_adoption_takes_nothing_of_another_deployment_and_is_over_once_all_is_done() {
    let mut world = World::idle(Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    let theirs = json!({"logGroupName": "/ecs/shop", "tags": {"evenkeel.dev/owner": "blog"}});
    world.by_hand("logs", "CreateLogGroup", theirs);
    world.start().await;
    let until = world.clock.now() + SignedDuration::from_secs(86_400);
    world.ask("shop", RequestKind::Adopt { until }).await;
    world.declare().await;
    world.pass(300).await;
    let (_, reason, message) = condition(&world.status("shop"), ConditionType::ResourcesReady);
    assert!(reason == "Blocked" && message.contains("belongs to deployment `blog`"), "{reason}: {message}");
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/shop";
    let untag = json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/owner"]});
    world.by_hand("logs", "UntagResource", untag);
    world.ready_within(900).await;
    world.pass(600).await;
    world.declare().await;
    assert!(world.requests().await.is_empty(), "it is done, so it is over");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_was_never_valid_is_forgotten_with_its_file() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world
        .write(
            "bad.yaml",
            &SHOP.replace("name: shop}", "name: bad}").replace("region: eu-west-1", "region: x"),
        )
        .await;
    world.pass(10).await;
    assert!(world.handle.statuses().iter().any(|status| status.name.as_str() == "bad"));
    world.remove("bad.yaml").await;
    world.pass(60).await;
    assert!(world.handle.statuses().iter().all(|status| status.name.as_str() != "bad"));
}
