//! What is missing, refused, slow or silent in AWS: nothing is broken by it, the status says it,
//! and it heals by itself.

use crate::support::{Fixture, REGION, SHOP, condition};
use aws_sim::Sim;
use aws_sim::consistency::Consistency;
use aws_sim::faults::{Effect, FaultRule, When};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::status::DeploymentStatus;
use serde_json::{Value, json};
use std::time::Duration;

fn text(status: &DeploymentStatus) -> String {
    serde_json::to_string(status).unwrap()
}

/// How many of each thing there are in the region, whoever made them.
fn inventory(fixture: &Fixture) -> Value {
    let count = |service: &str, operation: &str, input: Value, list: &str| {
        fixture.by_hand(service, operation, input)[list].as_array().map_or(0, Vec::len)
    };
    let stopped = json!({"cluster": "shop", "family": "shop-migrate", "desiredStatus": "STOPPED"});
    let active = json!({"cluster": "shop", "family": "shop-migrate"});
    json!({
        "services": count("ecs", "ListServices", json!({"cluster": "shop"}), "serviceArns"),
        "revisions": count("ecs", "ListTaskDefinitions", json!({}), "taskDefinitionArns"),
        "migrations": count("ecs", "ListTasks", stopped, "taskArns") + count("ecs", "ListTasks", active, "taskArns"),
        "logGroups": count("logs", "DescribeLogGroups", json!({}), "logGroups"),
    })
}

fn one_of_each() -> Value {
    json!({"services": 1, "revisions": 2, "migrations": 1, "logGroups": 1})
}

#[tokio::test(start_paused = true)]
async fn an_unknown_secret_is_named_with_account_and_region_and_heals_when_it_is_made() {
    let sim = Sim::builder().seed(7).build();
    let fixture = Fixture::on(sim, &[("shop.yaml", &SHOP.replace("shop/db:", "shop/other:"))]).await;
    fixture.pass(30).await;
    let status = fixture.status("shop");
    let (truth, reason, message) = condition(&status, ConditionType::SecretsReady);
    assert_eq!((truth, reason.as_str()), (Truth::False, "SecretMissing"));
    for word in ["shop/other", "123456789012", REGION] {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert_eq!(condition(&status, ConditionType::Ready).0, Truth::False);
    assert!(!fixture.carried_out().contains_key("ecs:RunTask"));
    let secret = json!({"Name": "shop/other", "SecretString": "{\"url\": \"x\"}", "ClientRequestToken": "0123456789012345678901234567890123"});
    fixture.by_hand("secretsmanager", "CreateSecret", secret);
    fixture.ready_within(900).await;
    assert_eq!(condition(&fixture.status("shop"), ConditionType::SecretsReady).0, Truth::True);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_cluster_is_named_and_heals_when_it_is_made() {
    let sim = Sim::builder().seed(7).build();
    let fixture =
        Fixture::on(sim, &[("shop.yaml", &SHOP.replace("cluster: shop", "cluster: elsewhere"))]).await;
    fixture.pass(30).await;
    let (truth, _, message) = condition(&fixture.status("shop"), ConditionType::Ready);
    assert_eq!(truth, Truth::False);
    assert!(message.contains("cluster elsewhere"), "{message}");
    let made = fixture.carried_out();
    assert!(!made.contains_key("ecs:RunTask") && !made.contains_key("ecs:CreateService"), "{made:?}");
    fixture.by_hand("ecs", "CreateCluster", json!({"clusterName": "elsewhere"}));
    fixture.ready_within(900).await;
}

/// Every kind of call that a bring-up makes, as `service:Operation`.
async fn calls_of_a_bring_up() -> Vec<String> {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let counts = fixture.sim.counts();
    let named = |(service, operations): (&&str, &std::collections::BTreeMap<String, _>)| {
        operations.keys().map(|operation| format!("{service}:{operation}")).collect::<Vec<_>>()
    };
    counts.operations.iter().flat_map(named).collect()
}

/// One kind of call is denied from the start; everything that does not need it is done, and the
/// status says which it is.
async fn denied(call: &str) {
    let sim = Sim::builder().seed(7).build();
    sim.faults().add(FaultRule::on(call, Effect::access_denied(call)));
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.pass(180).await;
    let status = fixture.status("shop");
    let operation = call.split_once(':').unwrap().1;
    let ready = condition(&status, ConditionType::Ready);
    assert_ne!(ready.0, Truth::True, "{call} is denied");
    let said = text(&status);
    assert!(
        said.contains("AccessDenied") && said.contains(operation),
        "{call} is denied, and the status says: {said}"
    );
    // One missing permission to read or write one thing keeps nobody from the others.
    if !["DescribeServices", "DescribeClusters", "DescribeLogGroups", "CreateLogGroup"].contains(&operation) {
        assert_eq!(inventory(&fixture)["logGroups"], 1, "{call} is denied: {said}");
    }
    fixture.sim.faults().clear();
    fixture.ready_within(600).await;
    assert_eq!(inventory(&fixture), one_of_each(), "{call} was denied");
}

#[tokio::test(start_paused = true)]
async fn access_denied_on_any_one_call_breaks_nothing_else_is_said_and_heals() {
    let calls = calls_of_a_bring_up().await;
    assert!(calls.len() > 15, "{calls:?}");
    for call in calls {
        denied(&call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn access_denied_on_any_one_call_in_a_running_deployment_changes_nothing() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let reads: Vec<String> = calls_of_a_bring_up()
        .await
        .into_iter()
        .filter(|call| call.contains(":Describe") || call.contains(":List"))
        .collect();
    fixture.sim.reset_calls();
    for call in reads {
        fixture.sim.faults().add(FaultRule::on(&call, Effect::access_denied(&call)));
        fixture.pass(130).await;
        assert_eq!(fixture.writes(), Vec::<String>::new(), "{call} is denied");
        let status = fixture.status("shop");
        assert_eq!(
            (status.components["web"].running, status.components["web"].phase.as_str()),
            (2, "Complete"),
            "{call}"
        );
        fixture.sim.faults().clear();
        fixture.ready_within(130).await;
    }
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn throttled_on_every_third_call_it_becomes_ready_and_no_error_surfaces() {
    let sim = Sim::builder().seed(7).build();
    sim.faults().add(FaultRule::on("*", Effect::throttle()).when(When::EveryNth(3)));
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    let record = fixture.record("shop").await;
    let failed: Vec<_> =
        record.events.iter().filter(|event| event.reason.as_str() == "ActionFailed").collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(inventory(&fixture), one_of_each());
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_server_errors_is_sat_out_and_said() {
    let sim = Sim::builder().seed(7).build();
    let storm = When::Window {
        from: sim.now() + jiff::SignedDuration::from_secs(5),
        to: sim.now() + jiff::SignedDuration::from_secs(605),
    };
    sim.faults().add(FaultRule::on("*", Effect::server_error()).when(storm));
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.pass(300).await;
    let status = fixture.status("shop");
    assert_ne!(condition(&status, ConditionType::Ready).0, Truth::True);
    assert_ne!(condition(&status, ConditionType::Stalled).0, Truth::True, "unknown is not failed");
    assert!(text(&status).contains("ServerException"), "{}", text(&status));
    fixture.pass(310).await;
    fixture.ready_within(600).await;
    assert_eq!(inventory(&fixture), one_of_each());
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_server_errors_does_not_touch_what_runs() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.sim.faults().add(FaultRule::on("*", Effect::server_error()));
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(fixture.status("shop").components["web"].phase, "Complete");
    fixture.sim.faults().clear();
    fixture.ready_within(120).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn every_write_whose_answer_is_lost_is_made_once() {
    let sim = Sim::builder().seed(7).build();
    for call in calls_of_a_bring_up()
        .await
        .iter()
        .filter(|call| !call.contains(":Describe") && !call.contains(":List"))
    {
        sim.faults().add(FaultRule::on(call, Effect::LostReply).when(When::First(1)));
    }
    let mut fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    assert_eq!(inventory(&fixture), one_of_each());
    // The same in an upgrade.
    fixture.sim.faults().clear();
    for call in ["ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:UpdateService"] {
        fixture.sim.faults().add(FaultRule::on(call, Effect::LostReply).when(When::First(2)));
    }
    fixture.edit("shop.yaml", ":1.0", ":1.1").await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    assert_eq!(inventory(&fixture), json!({"services": 1, "revisions": 4, "migrations": 2, "logGroups": 1}));
}

#[tokio::test(start_paused = true)]
async fn a_network_that_delivers_writes_twice_makes_nothing_twice() {
    let sim = Sim::builder().seed(7).build();
    for call in ["ecs:RunTask", "ecs:CreateService", "elasticloadbalancing:Create*", "logs:Create*"] {
        sim.faults().add(FaultRule::on(call, Effect::Duplicate));
    }
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    let made = inventory(&fixture);
    assert_eq!((&made["services"], &made["migrations"]), (&json!(1), &json!(1)), "{made}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_never_answered_hold_nothing_for_good() {
    let sim = Sim::builder().seed(7).build();
    sim.faults().add(FaultRule::on("*", Effect::Never).when(When::EveryNth(7)));
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(1800).await;
    assert_eq!(inventory(&fixture), one_of_each());
}

#[tokio::test(start_paused = true)]
async fn stale_reads_through_the_whole_bring_up_make_nothing_twice() {
    for seed in 0..3 {
        let consistency = Consistency { probability: 0.5, lag_seconds: 4.0 };
        let sim = Sim::builder().seed(seed).eventual_consistency(consistency).build();
        let mut fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
        fixture.ready_within(900).await;
        assert_eq!(inventory(&fixture), one_of_each(), "seed {seed}");
        fixture.edit("shop.yaml", ":1.0", ":1.1").await;
        fixture.pass(5).await;
        fixture.ready_within(900).await;
        assert_eq!(
            inventory(&fixture),
            json!({"services": 1, "revisions": 4, "migrations": 2, "logGroups": 1}),
            "seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn with_rate_limits_and_latency_it_becomes_ready() {
    let sim = Sim::builder()
        .seed(7)
        .rate_limits(true)
        .latency(Duration::from_millis(20), Duration::from_millis(200))
        .build();
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    assert_eq!(inventory(&fixture), one_of_each());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_becomes_healthy_is_explained_and_a_new_image_heals_it() {
    let document = SHOP
        .replace("shop:1.0", "shop:unhealthy")
        .replace("rollback: true", "rollback: false")
        .replace("enable: true", "enable: false");
    let mut fixture = Fixture::new(&[(
        "shop.yaml",
        &document.replace(
            "        desiredCount: 2",
            "        progressDeadlineSeconds: 300\n        desiredCount: 2",
        ),
    )])
    .await;
    let status =
        fixture.until(900, |status| condition(status, ConditionType::Stalled).0 == Truth::True).await;
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!(reason, "ProgressDeadlineExceeded");
    assert!(message.contains("web"), "{message}");
    assert_eq!(condition(&status, ConditionType::TargetsHealthy).0, Truth::False);
    fixture.edit("shop.yaml", "shop:unhealthy", "shop:1.1").await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_fails_leaves_the_running_service_alone_until_the_spec_changes() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let before = world_service(&fixture);
    fixture.edit_quietly("shop.yaml", ":1.0", ":1.1-crash");
    fixture.declare().await;
    let status =
        fixture.until(300, |status| condition(status, ConditionType::Stalled).0 == Truth::True).await;
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert_eq!(reason, "TaskFailed");
    assert!(message.contains("exited 1"), "{message}");
    fixture.pass(1200).await;
    assert_eq!(world_service(&fixture), before, "web was not touched");
    assert_eq!(fixture.carried_out()["ecs:RunTask"], 2, "it is not tried again by itself");
    fixture.edit("shop.yaml", ":1.1-crash", ":1.2").await;
    fixture.pass(5).await;
    fixture.ready_within(600).await;
    assert_eq!(fixture.carried_out()["ecs:RunTask"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_migration_is_tried_again_when_the_retry_annotation_changes() {
    let mut fixture =
        Fixture::new(&[("shop.yaml", &SHOP.replace("shop-migrations:1.0", "shop-migrations:crash"))]).await;
    fixture.until(300, |status| condition(status, ConditionType::Stalled).0 == Truth::True).await;
    assert_eq!(fixture.carried_out().get("ecs:CreateService"), None);
    // The cause is mended outside of the document: the same tag now works.
    fixture.sim.behave(aws_sim::behaviour::BehaviourRule::image(
        "*:crash",
        aws_sim::behaviour::Behaviour::exits(0, 2.0),
    ));
    fixture.pass(600).await;
    assert_eq!(fixture.carried_out()["ecs:RunTask"], 1);
    fixture
        .edit(
            "shop.yaml",
            "metadata: {name: shop}",
            "metadata: {name: shop, annotations: {evenkeel.dev/retry: \"1\"}}",
        )
        .await;
    fixture.ready_within(600).await;
    assert_eq!(fixture.carried_out()["ecs:RunTask"], 2);
}

/// What the service is set to and what it has done.
fn world_service(fixture: &Fixture) -> Value {
    let answer =
        fixture.by_hand("ecs", "DescribeServices", json!({"cluster": "shop", "services": ["shop-web"]}));
    let service = &answer["services"][0];
    json!({"revision": service["taskDefinition"], "deployments": service["deployments"].as_array().unwrap().iter().map(|d| &d["id"]).collect::<Vec<_>>()})
}

/// Everything that is asked of AWS is answered by this error.
fn nothing_but(fixture: &Fixture, code: &str) {
    let effect = Effect::Error { status: 400, code: code.to_owned(), message: "no".to_owned() };
    fixture.sim.faults().add(FaultRule::on("*:*", effect));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_at_all_is_unknown_and_says_whether_it_is_for_the_credentials() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let reasons =
        [("ExpiredTokenException", "CredentialsExpired"), ("AccessDeniedException", "AwsUnreadable")];
    for (edit, (code, reason)) in reasons.into_iter().enumerate() {
        nothing_but(&fixture, code);
        let unknown = |status: &DeploymentStatus| condition(status, ConditionType::Ready).0 == Truth::Unknown;
        let status = fixture.until(180, unknown).await;
        let (_, found, message) = condition(&status, ConditionType::Ready);
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(code), "{message}");
        // An edit meanwhile is not taken for progress.
        fixture.edit("shop.yaml", &format!("/shop:{}.0", edit + 1), &format!("/shop:{}.0", edit + 2)).await;
        fixture.pass(60).await;
        assert_eq!(condition(&fixture.status("shop"), ConditionType::Ready).0, Truth::Unknown);
        fixture.sim.faults().clear();
        fixture.ready_within(900).await;
    }
}
