//! Services that get another name, or each other's: who was asked for answers, and what is the
//! document's own doing is no drift.

use super::exchanges::{NAMES, document, host, straight};
use super::{alive, in_the_mall, open, open_with_mall, services, with_slow_workers, with_worker};
use crate::support::traffic::Traffic;
use crate::support::{Fixture, SHOP, condition};
use evenkeel::model::condition::ConditionType;
use serde_json::json;

/// The three shops with services of these names.
fn named(names: [&str; 3], policy: &str) -> String {
    let mut text = document(&straight(), NAMES)
        .replace("  placement: {region", &format!("  drift: {{policy: {policy}}}\n  placement: {{region"));
    for (key, name) in NAMES.iter().zip(names) {
        let (head, tail) = text.split_once(&format!("loadBalancers: [{{targetGroup: {key},")).unwrap();
        text = format!("{head}serviceName: {name}\n        loadBalancers: [{{targetGroup: {key},{tail}");
    }
    text
}

/// Every host is answered by the component behind its own group, now.
fn nobody_answers_for_another(fixture: &Fixture) {
    for name in NAMES {
        let answers = fixture.sim.every_answer(&host(name));
        for task in answers.iter().filter_map(|answer| answer.task()) {
            let shown = fixture.by_hand("ecs", "DescribeTasks", json!({"cluster": "shop", "tasks": [task]}));
            let definition = shown["tasks"][0]["taskDefinitionArn"].as_str().unwrap();
            assert!(definition.contains(&format!("/shop-{name}:")), "{name} is answered by {definition}");
        }
    }
}

/// The names change: in each moment everybody answers for himself, and nothing is lost.
async fn renamed(after: [&str; 3], policy: &str) -> (Fixture, Traffic) {
    let (mut fixture, traffic) = open(&named(["one", "two", "three"], policy)).await;
    // What AWS may not show yet is shown by then.
    fixture.pass(420).await;
    fixture.write("shop.yaml", &named(after, policy)).await;
    for _ in 0..900 {
        fixture.pass(1).await;
        nobody_answers_for_another(&fixture);
    }
    traffic.all_served();
    let events = fixture.record("shop").await.events;
    let of_drift = events.iter().find(|event| {
        event.reason.as_str().starts_with("Drift") || event.message.contains("deleted by someone")
    });
    assert!(of_drift.is_none(), "{of_drift:?}");
    (fixture, traffic)
}

#[tokio::test(start_paused = true)]
async fn a_service_takes_the_name_of_another_which_gets_a_new_one() {
    for policy in ["Repair", "Report", "Ignore"] {
        let (fixture, _) = renamed(["two", "four", "three"], policy).await;
        fixture.ready_within(900).await;
        assert_eq!(services(&fixture), ["shop/four", "shop/three", "shop/two"], "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn services_that_exchange_their_names_stay_and_are_told_the_way() {
    for (policy, after) in [("Repair", ["two", "one", "three"]), ("Report", ["two", "three", "one"])] {
        let (mut fixture, traffic) = renamed(after, policy).await;
        let (_, reason, message) = condition(&fixture.status("shop"), ConditionType::Stalled);
        assert!(reason == "Blocked" && message.contains("another `serviceName`"), "{reason}: {message}");
        // The way: one of them gets a new name first.
        let between = if policy == "Repair" { ["five", "one", "three"] } else { ["five", "three", "one"] };
        for names in [between, after] {
            fixture.write("shop.yaml", &named(names, policy)).await;
            fixture.pass(60).await;
            fixture.ready_within(1800).await;
            nobody_answers_for_another(&fixture);
        }
        traffic.all_served();
    }
}

#[tokio::test(start_paused = true)]
async fn what_moves_long_after_it_was_made_moves_whatever_is_said_of_drift() {
    let renamed = |document: &str| document.to_owned() + "        serviceName: shop-front\n";
    for policy in ["Report", "Ignore", "Repair"] {
        for kind in ["singleton", "service"] {
            let region = "  placement: {region: eu-west-1";
            let before = with_worker("worker", kind)
                .replace(region, &format!("  drift: {{policy: {policy}}}\n{region}"))
                + "        desiredCount: 1\n";
            let image = before.replace("/worker:1.0", "/worker:2.0");
            let edits = [renamed(&before), in_the_mall(&before), renamed(&image), in_the_mall(&image)];
            for after in edits {
                let (mut fixture, traffic) = open_with_mall(with_slow_workers(), &before).await;
                fixture.pass(420).await;
                fixture.write("shop.yaml", &after).await;
                fixture.pass(60).await;
                fixture.ready_within(900).await;
                traffic.all_served();
                assert_eq!(alive(&fixture, "shop-worker"), 1, "{policy}, {kind}: {after}");
                let events = fixture.record("shop").await.events;
                let of_drift = events.iter().find(|event| {
                    event.reason.as_str().starts_with("Drift") || event.message.contains("deleted by someone")
                });
                assert!(of_drift.is_none(), "{policy}, {kind}: {of_drift:?}");
            }
        }
    }
    assert!(SHOP.contains("cluster: shop}"));
}
