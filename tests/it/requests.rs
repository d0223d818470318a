//! What people ask for is honoured, once, and reported; it survives restarts and ends by itself.

use crate::support::{Fixture, SHOP, condition};
use aws_sim::Sim;
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::request::RequestKind;
use jiff::SignedDuration;
use serde_json::json;

/// A pause of so many seconds from now.
fn pause(fixture: &Fixture, seconds: i64) -> RequestKind {
    RequestKind::Pause { until: fixture.clock.now() + SignedDuration::from_secs(seconds) }
}

/// Somebody sets another number of tasks, behind the controller's back.
fn scale_by_hand(fixture: &Fixture) {
    fixture.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": 1}),
    );
    fixture.sim.reset_calls();
}

async fn reasons(fixture: &Fixture) -> Vec<String> {
    fixture.record("shop").await.events.iter().map(|event| event.reason.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_every_write_survives_a_restart_and_ends_by_itself() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.ask("shop", pause(&fixture, 900)).await;
    fixture.declare().await;
    fixture.pass(5).await;
    scale_by_hand(&fixture);
    fixture.pass(120).await;
    fixture.stop().await;
    fixture.start().await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let (suspended, _, message) = condition(&fixture.status("shop"), ConditionType::Suspended);
    assert!(suspended == Truth::True && message.starts_with("by ops until"), "{message}");
    assert!(message.ends_with(": incident 42"), "{message}");
    assert!(reasons(&fixture).await.iter().filter(|reason| *reason == "PauseRequested").count() == 1);
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), ["ecs:UpdateService"]);
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Suspended).0, Truth::False);
    fixture.declare().await;
    assert!(fixture.requests().await.is_empty(), "it is withdrawn once it is over");
}

#[tokio::test(start_paused = true)]
async fn a_resume_ends_a_pause_at_once_and_is_withdrawn() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.ask("shop", pause(&fixture, 86_400)).await;
    fixture.declare().await;
    fixture.pass(5).await;
    scale_by_hand(&fixture);
    fixture.ask("shop", RequestKind::Resume).await;
    assert_eq!(fixture.requests().await.len(), 1, "it takes the place of the pause");
    fixture.declare().await;
    fixture.pass(30).await;
    assert_eq!(fixture.writes(), ["ecs:UpdateService"]);
    assert!(fixture.requests().await.is_empty());
    fixture.declare().await;
    fixture.pass(120).await;
    assert!(fixture.record("shop").await.requests.is_empty());
    let reasons = reasons(&fixture).await;
    let count = |reason: &str| reasons.iter().filter(|known| *known == reason).count();
    assert_eq!((count("PauseRequested"), count("ResumeRequested")), (1, 1), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_lifts_the_memory_of_failures_once() {
    for component in [None, Some("web".into())] {
        let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
        fixture.ready_within(600).await;
        fixture.write("shop.yaml", &SHOP.replace("/shop:1.0", "/shop:crash")).await;
        fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
        fixture.pass(60).await;
        fixture.sim.reset_calls();
        fixture.ask("shop", RequestKind::Retry { component: component.clone() }).await;
        fixture.declare().await;
        fixture.pass(5).await;
        assert!(fixture.requests().await.is_empty(), "it was honoured and withdrawn");
        fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
        let tries =
            |fixture: &Fixture| fixture.writes().iter().filter(|call| *call == "ecs:UpdateService").count();
        assert_eq!(tries(&fixture), 1, "{component:?}");
        fixture.declare().await;
        fixture.pass(3600).await;
        assert_eq!(tries(&fixture), 1, "once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_which_the_file_is_damaged_goes_on_is_told_and_ends_with_a_resume() {
    for (restarted, was_read) in [(false, true), (true, true), (true, false)] {
        let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
        fixture.ready_within(600).await;
        let file = fixture.state_folder().join("shop.pause.request");
        if was_read {
            fixture.ask("shop", pause(&fixture, 3600)).await;
            fixture.declare().await;
            fixture.pass(5).await;
        }
        if restarted {
            fixture.stop().await;
        }
        std::fs::write(&file, "{\"format\":1,").unwrap();
        if restarted {
            fixture.start().await;
        }
        scale_by_hand(&fixture);
        for _ in 0..3 {
            fixture.declare().await;
            fixture.pass(120).await;
        }
        assert_eq!(fixture.writes(), Vec::<String>::new(), "restarted {restarted}, read {was_read}");
        let (suspended, _, message) = condition(&fixture.status("shop"), ConditionType::Suspended);
        assert_eq!(suspended, Truth::True, "{message}");
        assert!(
            message.contains("shop.pause.request` cannot be used; delete it, and ask again"),
            "{message}"
        );
        assert_eq!(
            message.contains("by ops until") && message.contains("incident 42"),
            was_read,
            "{message}"
        );
        assert_eq!(message.matches("cannot be used").count(), 1, "{message}");
        fixture.ask("shop", RequestKind::Resume).await;
        fixture.declare().await;
        fixture.pass(30).await;
        assert_eq!(fixture.writes(), ["ecs:UpdateService"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_what_nobody_knows_any_more_holds_once_its_document_is_back() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.remove("shop.yaml").await;
    fixture.pass(60).await;
    fixture.kill().await;
    std::fs::write(fixture.state_folder().join("shop.json"), "gone").unwrap();
    fixture.start().await;
    fixture.pass(60).await;
    fixture.ask("shop", pause(&fixture, 3600)).await;
    fixture.declare().await;
    fixture.pass(60).await;
    assert_eq!(fixture.requests().await.len(), 1);
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", &SHOP.replace("/shop:1.0", "/shop:2.0")).await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Suspended).0, Truth::True);
}

#[tokio::test(start_paused = true)]
async fn a_retry_in_a_pause_hides_no_failure_and_is_taken_up_when_the_pause_ends() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.write("shop.yaml", &SHOP.replace("/shop:1.0", "/shop:crash")).await;
    fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    fixture.ask("shop", pause(&fixture, 900)).await;
    fixture.declare().await;
    fixture.pass(60).await;
    fixture.sim.reset_calls();
    fixture.ask("shop", RequestKind::Retry { component: None }).await;
    fixture.declare().await;
    fixture.pass(120).await;
    let status = fixture.status("shop");
    assert_eq!(status.components["web"].phase, "RolledBack");
    assert_eq!(condition(&status, ConditionType::Stalled).0, Truth::True);
    assert_eq!(fixture.requests().await.len(), 2, "it is kept beside the pause");
    fixture.pass(900).await;
    fixture.declare().await;
    fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    assert_eq!(fixture.writes(), ["ecs:UpdateService"], "tried once");
    assert!(fixture.requests().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_about_a_deployment_that_is_gone_is_cleaned_up() {
    let fixture_of = |policy: &str| SHOP.replace("spec:\n", &format!("spec:\n{policy}"));
    for policy in ["", "  deletionPolicy: Delete\n"] {
        let mut fixture = Fixture::new(&[("shop.yaml", &fixture_of(policy))]).await;
        fixture.ready_within(600).await;
        fixture.remove("shop.yaml").await;
        fixture.pass(900).await;
        fixture.ask("shop", pause(&fixture, 86_400)).await;
        fixture.declare().await;
        assert!(fixture.requests().await.is_empty(), "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_is_taken_over_when_a_person_asks_for_it_and_stays_so() {
    let mut fixture = Fixture::idle(Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    fixture.by_hand("logs", "CreateLogGroup", json!({"logGroupName": "/ecs/shop"}));
    fixture.start().await;
    fixture.pass(120).await;
    let (_, reason, message) = condition(&fixture.status("shop"), ConditionType::Stalled);
    assert!(reason == "Blocked" && message.contains("/ecs/shop"), "{reason}: {message}");
    let until = fixture.clock.now() + SignedDuration::from_secs(300);
    fixture.ask("shop", RequestKind::Adopt { until }).await;
    fixture.declare().await;
    fixture.ready_within(600).await;
    fixture.pass(600).await;
    fixture.declare().await;
    assert!(fixture.requests().await.is_empty(), "it is withdrawn once it is over");
    fixture.pass(600).await;
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Ready).0, Truth::True, "and it stays ours");
    assert!(reasons(&fixture).await.contains(&"AdoptionRequested".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_adoption_takes_nothing_of_another_deployment_and_is_over_once_all_is_done() {
    let mut fixture = Fixture::idle(Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    let theirs = json!({"logGroupName": "/ecs/shop", "tags": {"evenkeel.dev/owner": "blog"}});
    fixture.by_hand("logs", "CreateLogGroup", theirs);
    fixture.start().await;
    let until = fixture.clock.now() + SignedDuration::from_secs(86_400);
    fixture.ask("shop", RequestKind::Adopt { until }).await;
    fixture.declare().await;
    fixture.pass(300).await;
    let (_, reason, message) = condition(&fixture.status("shop"), ConditionType::ResourcesReady);
    assert!(reason == "Blocked" && message.contains("belongs to deployment `blog`"), "{reason}: {message}");
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/shop";
    let untag = json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/owner"]});
    fixture.by_hand("logs", "UntagResource", untag);
    fixture.ready_within(900).await;
    fixture.pass(600).await;
    fixture.declare().await;
    assert!(fixture.requests().await.is_empty(), "it is done, so it is over");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_was_never_valid_is_forgotten_with_its_file() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture
        .write(
            "bad.yaml",
            &SHOP.replace("name: shop}", "name: bad}").replace("region: eu-west-1", "region: x"),
        )
        .await;
    fixture.pass(10).await;
    assert!(fixture.handle.statuses().iter().any(|status| status.name.as_str() == "bad"));
    fixture.remove("bad.yaml").await;
    fixture.pass(60).await;
    assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "bad"));
}
