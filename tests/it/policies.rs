//! What a document says about drift, pauses and strangers is honoured.

use crate::support::{Fixture, SHOP, condition, service, strangers, update_service};
use aws_sim::Moment;
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// The shop with more lines in its spec.
fn with(lines: &str) -> String {
    SHOP.replace("spec:\n", &format!("spec:\n{lines}"))
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_is_told_and_left() {
    let fixture = Fixture::new(&[("shop.yaml", with("  drift: {policy: Report}\n").as_str())]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    update_service(&fixture, json!({"desiredCount": 4}));
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(service(&fixture)["desiredCount"], 4);
    let status = fixture.status("shop");
    let (drifted, reason, message) = condition(&status, ConditionType::Drifted);
    assert_eq!((drifted, reason.as_str()), (Truth::True, "DriftSeen"));
    assert!(message.contains("service/web: desiredCount 4 → 2"), "{message}");
    let drift = status.last_drift.unwrap();
    assert_eq!((drift.what.as_str(), drift.repaired_at), ("desiredCount 4 → 2 (declared)", None));
    let record = fixture.record("shop").await;
    let events: Vec<_> =
        record.events.iter().filter(|event| event.reason.as_str() == "DriftReported").collect();
    assert_eq!(events.len(), 1, "{events:#?}");
    // Once a person puts it right, all is well again.
    update_service(&fixture, json!({"desiredCount": 2}));
    fixture.pass(64).await;
    fixture.ready_within(600).await;
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Drifted).0, Truth::False);
}

#[tokio::test(start_paused = true)]
async fn policies_hold_by_field() {
    let lines = "  drift:\n    fields: {service/web.desiredCount: Ignore, service/web.healthCheckGracePeriodSeconds: Report}\n";
    let fixture = Fixture::new(&[("shop.yaml", with(lines).as_str())]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    update_service(&fixture, json!({"desiredCount": 4}));
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Drifted).0, Truth::False);
    fixture.ready_within(60).await;
    assert_eq!(fixture.status("shop").last_drift, None);
    update_service(&fixture, json!({"healthCheckGracePeriodSeconds": 77}));
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Drifted).0, Truth::True);
    // What no policy names is repaired, and only that.
    let network =
        json!({"awsvpcConfiguration": {"subnets": ["subnet-9"], "securityGroups": ["sg-0123456789abcdef0"]}});
    update_service(&fixture, json!({"networkConfiguration": network}));
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), ["ecs:UpdateService"]);
    let seen = service(&fixture);
    assert_eq!((&seen["desiredCount"], &seen["healthCheckGracePeriodSeconds"]), (&json!(4), &json!(77)));
    assert_eq!(
        seen["networkConfiguration"]["awsvpcConfiguration"]["subnets"],
        json!(["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"])
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_pointed_elsewhere_is_left_there_when_that_is_only_reported() {
    let fixture = Fixture::new(&[("shop.yaml", with("  drift: {policy: Report}\n").as_str())]).await;
    fixture.ready_within(600).await;
    let other = fixture.by_hand(
        "ecs",
        "RegisterTaskDefinition",
        json!({"family": "shop-web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{"name": "web", "image": "registry.example.com/other:6", "portMappings": [{"containerPort": 8080}]}]}),
    );
    let arn = other["taskDefinition"]["taskDefinitionArn"].clone();
    fixture.sim.reset_calls();
    update_service(&fixture, json!({"taskDefinition": arn}));
    fixture.pass(900).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(service(&fixture)["taskDefinition"], arn);
    let (drifted, _, message) = condition(&fixture.status("shop"), ConditionType::Drifted);
    assert_eq!(drifted, Truth::True);
    assert!(message.contains("service/web: taskDefinition"), "{message}");
}

/// Notes the bodies of all UpdateService calls.
fn updates(fixture: &Fixture) -> Arc<Mutex<Vec<Value>>> {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&bodies);
    fixture.sim.on_call(move |moment| {
        if let Moment::Before { request } = moment
            && request.operation == "UpdateService"
        {
            noted.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
        }
    });
    bodies
}

#[tokio::test(start_paused = true)]
async fn a_count_that_is_left_out_or_autoscaled_is_never_written() {
    let autoscaled = "        autoscaling: {minCapacity: 2, maxCapacity: 8, targetCpuPercent: 60}\n";
    for count in ["", autoscaled] {
        let document = SHOP.replace("        desiredCount: 2\n", count);
        assert_ne!(document, SHOP);
        let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
        let bodies = updates(&fixture);
        fixture.ready_within(600).await;
        fixture.sim.reset_calls();
        update_service(&fixture, json!({"desiredCount": 5}));
        fixture.pass(600).await;
        assert_eq!(fixture.writes(), Vec::<String>::new());
        fixture.ready_within(60).await;
        let web = fixture.status("shop").components["web"].clone();
        assert_eq!((web.desired, web.running), (5, 5));
        fixture.write("shop.yaml", &document.replace("/shop:1.0", "/shop:2.0")).await;
        fixture.pass(1).await;
        fixture.ready_within(600).await;
        update_service(&fixture, json!({"healthCheckGracePeriodSeconds": 77}));
        fixture.pass(64).await;
        fixture.ready_within(600).await;
        assert_eq!(service(&fixture)["desiredCount"], 5);
        let bodies = bodies.lock().unwrap();
        assert_eq!(bodies.len(), 2);
        assert!(bodies.iter().all(|body| body.get("desiredCount").is_none()), "{bodies:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspension_stops_all_writes_and_ends_by_itself() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    let until = fixture.clock.now() + jiff::SignedDuration::from_secs(1800);
    let pause = with(&format!("  suspend: {{by: ops, reason: incident 42, until: \"{until}\"}}\n"));
    let pause = pause.replace("/shop:1.0", "/shop:2.0").replace("shop-migrations:1.0", "shop-migrations:2.0");
    fixture.write("shop.yaml", &pause).await;
    update_service(&fixture, json!({"desiredCount": 5}));
    fixture.pass(1780).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let status = fixture.status("shop");
    let (suspended, _, message) = condition(&status, ConditionType::Suspended);
    assert_eq!(suspended, Truth::True);
    assert!(message.contains("by ops") && message.contains("incident 42"), "{message}");
    let (drifted, _, message) = condition(&status, ConditionType::Drifted);
    assert_eq!(drifted, Truth::True, "{message}");
    // It ends at its time, not at some resync after it.
    fixture.pass(25).await;
    assert!(!fixture.writes().is_empty());
    fixture.ready_within(600).await;
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Suspended).0, Truth::False);
    let web = fixture.status("shop").components["web"].clone();
    assert_eq!((web.desired, web.image.as_str()), (2, "registry.example.com/shop:2.0"));
    let record = fixture.record("shop").await;
    for word in ["Suspended", "Resumed"] {
        assert_eq!(record.events.iter().filter(|event| event.reason.as_str() == word).count(), 1, "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_service_name_is_an_edit_and_made_though_drift_is_only_reported() {
    for policy in ["Report", "Ignore"] {
        let document = with(&format!("  drift: {{policy: {policy}}}\n"));
        let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
        fixture.ready_within(600).await;
        fixture.edit("shop.yaml", "      service:\n", "      service:\n        serviceName: front\n").await;
        fixture.pass(900).await;
        fixture.ready_within(1).await;
        let services = fixture.sim.with(|world| world.region("eu-west-1").ecs.services());
        let active: Vec<&str> =
            services.iter().filter(|one| one.status == "ACTIVE").map(|one| one.key.as_str()).collect();
        assert_eq!(active, ["shop/front"], "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strangers_resources_are_left_alone_until_the_document_adopts_them() {
    let sim = aws_sim::Sim::builder().seed(7).build();
    let mut fixture = Fixture::on(sim, &[]).await;
    strangers(&fixture);
    let before = service(&fixture);
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(900).await;
    let status = fixture.status("shop");
    let (stalled, _, message) = condition(&status, ConditionType::Stalled);
    assert_eq!(stalled, Truth::True);
    assert!(message.contains("was not created by Evenkeel") && message.contains("adopt: true"), "{message}");
    let after = service(&fixture);
    for field in ["taskDefinition", "desiredCount", "networkConfiguration", "tags"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert!(
        !fixture.writes().iter().any(|write| write.ends_with("RetentionPolicy")),
        "{:?}",
        fixture.writes()
    );
    fixture.write("shop.yaml", &with("  adopt: true\n")).await;
    fixture.pass(1).await;
    fixture.ready_within(900).await;
    let after = service(&fixture);
    assert_eq!(after["serviceArn"], before["serviceArn"]);
    let owner = json!({"key": "evenkeel.dev/owner", "value": "shop"});
    assert!(after["tags"].as_array().unwrap().contains(&owner), "{}", after["tags"]);
    fixture.sim.reset_calls();
    fixture.pass(900).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}
