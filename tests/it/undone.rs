//! Edits that are undone before they are in force. What the controller did on the way to them is
//! its own, so it is undone whatever the document says about drift, and nobody is told of drift;
//! what somebody else did stays as the document wants it.

use crate::support::{Fixture, SHOP, condition, service, update_service};
use aws_sim::faults::{Effect, FaultRule, When};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::status::Event;
use serde_json::{Value, json};

/// Edits of the shop, each as the text that is replaced and the text in its place.
const EDITS: &[(&str, &str, &str)] = &[
    ("a count", "desiredCount: 2", "desiredCount: 4"),
    ("no count", "        desiredCount: 2\n", ""),
    ("a grace period", "healthCheckGracePeriodSeconds: 30", "healthCheckGracePeriodSeconds: 90"),
    (
        "a network",
        "networkConfiguration: *network\n        loadBalancers",
        "networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-9]}}\n        loadBalancers",
    ),
    ("a priority", "priority: 10", "priority: 20"),
    ("a condition", "values: [/*]", "values: [/shop/*]"),
    ("another target group", "      port: 8080\n", "      port: 8081\n"),
    ("a health check", "healthCheckPath: /health", "healthCheckPath: /healthz"),
    ("an attribute", "timeout_seconds: \"15\"", "timeout_seconds: \"25\""),
    ("a retention", "retentionInDays: 30", "retentionInDays: 90"),
    ("a listener's answer", "statusCode: \"404\"", "statusCode: \"410\""),
    ("a listener's port", "      port: 80\n", "      port: 81\n"),
    ("an image", "shop:1.0", "shop:2.0"),
    ("a tag", "  placement", "  tags: {team: front}\n  placement"),
    (
        "a service name",
        "        desiredCount: 2\n",
        "        serviceName: shop-front\n        desiredCount: 2\n",
    ),
    (
        "several at once",
        "desiredCount: 2\n        launchType: FARGATE\n        networkConfiguration: *network\n",
        "desiredCount: 3\n        launchType: FARGATE\n        networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-9]}}\n",
    ),
    ("the key of a component", "    web:\n      dependsOn", "    front:\n      dependsOn"),
];

/// When an edit is undone, in simulated seconds after it was made.
const AFTER: [u64; 3] = [1, 12, 60];

fn with_policy(policy: &str) -> String {
    SHOP.replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"))
}

fn of_drift(event: &&Event) -> bool {
    event.reason.as_str().starts_with("Drift") || event.message.contains("deleted by someone")
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_undone_is_undone_though_drift_is_only_reported() {
    all_are_undone("Report", &AFTER).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_undone_is_undone_though_drift_is_ignored() {
    all_are_undone("Ignore", &AFTER[1..2]).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_undone_is_no_drift() {
    all_are_undone("Repair", &AFTER[1..2]).await;
}

async fn all_are_undone(policy: &str, after: &[u64]) {
    let mut wrong = Vec::new();
    for (what, from, to) in EDITS {
        for after in after {
            if let Err(why) = undone(policy, from, to, *after).await {
                wrong.push(format!("{what}, undone after {after} s: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} failed:\n{}", wrong.len(), wrong.join("\n"));
}

async fn undone(policy: &str, from: &str, to: &str, after: u64) -> Result<(), String> {
    let document = with_policy(policy);
    assert!(document.contains(from), "{from}");
    let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
    fixture.ready_within(600).await;
    fixture.edit("shop.yaml", from, to).await;
    fixture.pass(after).await;
    fixture.write("shop.yaml", &document).await;
    fixture.pass(400).await;
    let record = fixture.record("shop").await;
    let told: Vec<String> = record
        .events
        .iter()
        .filter(of_drift)
        .map(|event| format!("{} {}", event.object, event.message))
        .collect();
    if !told.is_empty() {
        return Err(format!("it is told as drift: {told:?}"));
    }
    let (ready, _, message) = condition(&fixture.status("shop"), ConditionType::Ready);
    if ready != Truth::True {
        return Err(format!("it is not Ready: {message}"));
    }
    // With repairs asked for nothing is left to repair.
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", &with_policy("Repair")).await;
    fixture.pass(200).await;
    let writes = fixture.writes();
    if writes.is_empty() { Ok(()) } else { Err(format!("it was not undone: {writes:?}")) }
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_one_field_leaves_what_others_did_to_another_one_as_it_is_wanted() {
    for policy in ["Report", "Ignore"] {
        let document = with_policy(policy);
        let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
        fixture.ready_within(600).await;
        update_service(&fixture, json!({"desiredCount": 5}));
        fixture.pass(120).await;
        fixture.edit("shop.yaml", "GracePeriodSeconds: 30", "GracePeriodSeconds: 60").await;
        fixture.pass(300).await;
        let seen = |field: &str| service(&fixture)[field].clone();
        assert_eq!(
            (seen("desiredCount"), seen("healthCheckGracePeriodSeconds")),
            (json!(5), json!(60)),
            "{policy}"
        );
        // What is done by hand to the edited field is drift from then on.
        update_service(&fixture, json!({"healthCheckGracePeriodSeconds": 77}));
        fixture.pass(300).await;
        assert_eq!(seen("healthCheckGracePeriodSeconds"), json!(77), "{policy}");
        let drifted = condition(&fixture.status("shop"), ConditionType::Drifted).0;
        assert_eq!(drifted, if policy == "Report" { Truth::True } else { Truth::False });
        // An edit of the very field is carried out.
        fixture.edit("shop.yaml", "desiredCount: 2", "desiredCount: 3").await;
        fixture.pass(300).await;
        let seen = |field: &str| service(&fixture)[field].clone();
        assert_eq!(
            (seen("desiredCount"), seen("healthCheckGracePeriodSeconds")),
            (json!(3), json!(77)),
            "{policy}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_without_an_answer_is_carried_out_or_undone_though_drift_is_only_reported() {
    for (effect, undo) in [Effect::Never, Effect::LostReply, Effect::StaleRead(45.0)]
        .into_iter()
        .flat_map(|effect| [(effect.clone(), false), (effect, true)])
    {
        let document = with_policy("Report");
        let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
        fixture.ready_within(600).await;
        let (call, times) = match effect {
            Effect::StaleRead(_) => ("ecs:DescribeServices", 20),
            _ => ("ecs:UpdateService", 1),
        };
        fixture.sim.faults().add(FaultRule::on(call, effect.clone()).when(When::First(times)));
        fixture.edit("shop.yaml", "GracePeriodSeconds: 30", "GracePeriodSeconds: 60").await;
        fixture.pass(20).await;
        if undo {
            fixture.write("shop.yaml", &document).await;
        }
        fixture.pass(900).await;
        let wanted = if undo { 30 } else { 60 };
        let case = format!("{effect:?}, undone: {undo}");
        assert_eq!(service(&fixture)["healthCheckGracePeriodSeconds"], json!(wanted), "{case}");
        fixture.ready_within(60).await;
        let told = fixture.record("shop").await.events.iter().find(of_drift).cloned();
        // What AWS said yes to and does not show is told: it may be somebody else's doing.
        assert!(told.is_none() || matches!(effect, Effect::StaleRead(_)), "{case}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_did_inside_of_a_field_that_is_sent_as_a_whole_stays_when_it_is_left_to_them() {
    let lines = "  drift:\n    fields: {service/web.deploymentConfiguration.maximumPercent: Ignore}\n";
    let document = SHOP.replace("spec:\n", &format!("spec:\n{lines}")).replace(
        "        deploymentConfiguration:\n",
        "        deploymentConfiguration:\n          minimumHealthyPercent: 100\n          maximumPercent: 200\n",
    );
    let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
    fixture.ready_within(600).await;
    let breaker = json!({"enable": true, "rollback": true});
    let configuration = |least: u64, most: u64| json!({"deploymentConfiguration": {"minimumHealthyPercent": least, "maximumPercent": most, "deploymentCircuitBreaker": breaker}});
    update_service(&fixture, configuration(100, 150));
    fixture.pass(120).await;
    fixture.edit("shop.yaml", "minimumHealthyPercent: 100", "minimumHealthyPercent: 50").await;
    fixture.pass(300).await;
    let percents = || {
        let shown: Value = service(&fixture)["deploymentConfiguration"].clone();
        (shown["minimumHealthyPercent"].clone(), shown["maximumPercent"].clone())
    };
    assert_eq!(percents(), (json!(50), json!(150)));
}

#[tokio::test(start_paused = true)]
async fn what_keeps_two_runs_of_a_singleton_apart_is_put_right_though_drift_is_only_reported() {
    let document = with_policy("Report")
        .replace("      service:\n        desiredCount: 2\n", "      singleton:\n        desiredCount: 1\n");
    let fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
    fixture.ready_within(600).await;
    update_service(
        &fixture,
        json!({"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
            "healthCheckGracePeriodSeconds": 77}),
    );
    fixture.pass(300).await;
    let seen = service(&fixture);
    let configuration = &seen["deploymentConfiguration"];
    assert_eq!(
        (&configuration["minimumHealthyPercent"], &configuration["maximumPercent"]),
        (&json!(0), &json!(100))
    );
    assert_eq!(seen["healthCheckGracePeriodSeconds"], json!(77), "that is only reported");
}
