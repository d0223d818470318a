//! Alarms of a document: made, wired into the deployments of its services, kept, renamed, removed.

use crate::support::{Fixture, REGION, SHOP, condition};
use evenkeel::model::condition::ConditionType;
use serde_json::{Value, json};

const ALARM: &str = r"
  alarms:
    errors:
      namespace: AWS/ApplicationELB
      metricName: HTTPCode_Target_5XX_Count
      statistic: Sum
      period: 60
      evaluationPeriods: 3
      threshold: 5
      comparisonOperator: GreaterThanThreshold
      treatMissingData: notBreaching
";

/// The shop with an alarm that rolls its web service back.
pub fn shop() -> String {
    let breaker = "          deploymentCircuitBreaker: {enable: true, rollback: true}\n";
    let alarms = "          alarms: {alarms: [errors], enable: true, rollback: true}\n";
    with_alarm(&SHOP.replace(breaker, &format!("{breaker}{alarms}")))
}

/// A document with the alarm `errors`.
pub fn with_alarm(document: &str) -> String {
    document.replacen("\n  logGroups:", &format!("{ALARM}  logGroups:"), 1)
}

fn alarms(fixture: &Fixture) -> Vec<Value> {
    let described = fixture.by_hand("monitoring", "DescribeAlarms", json!({}));
    described["MetricAlarms"].as_array().cloned().unwrap_or_default()
}

pub fn names(fixture: &Fixture) -> Vec<String> {
    alarms(fixture).iter().map(|alarm| alarm["AlarmName"].as_str().unwrap().to_owned()).collect()
}

fn watched(fixture: &Fixture) -> Value {
    let input = json!({"cluster": "shop", "services": ["shop-web"]});
    let service = fixture.by_hand("ecs", "DescribeServices", input)["services"][0].clone();
    service["deploymentConfiguration"]["alarms"]["alarmNames"].clone()
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_made_before_the_service_that_it_watches_and_then_nothing_is_written() {
    let fixture = Fixture::new(&[("shop.yaml", &shop())]).await;
    fixture.ready_within(600).await;
    let order: Vec<String> = fixture.writes();
    let place = |call: &str| order.iter().position(|done| done == call).unwrap();
    assert!(place("monitoring:PutMetricAlarm") < place("ecs:CreateService"), "{order:?}");
    assert_eq!(
        (names(&fixture), watched(&fixture)),
        (vec!["shop-errors".to_owned()], json!(["shop-errors"]))
    );
    fixture.sim.reset_calls();
    fixture.pass(1800).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_goes_off_in_a_rollout_rolls_it_back_and_is_named() {
    let mut fixture = Fixture::new(&[("shop.yaml", &shop())]).await;
    fixture.ready_within(600).await;
    fixture.write("shop.yaml", &shop().replace("/shop:1.0", "/shop:2.0")).await;
    fixture.until(300, |status| status.components["web"].phase == "Rolling").await;
    let now = fixture.sim.now();
    fixture.sim.with(|aws| aws.region(REGION).cloudwatch.hold(now, "shop-errors", Some("ALARM"))).unwrap();
    let status = fixture.until(1800, |status| status.components["web"].phase == "RolledBack").await;
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert!(reason == "RolledBack" && message.contains("alarm"), "{reason}: {message}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_under_another_name_takes_the_place_of_the_old_one_which_goes_when_nothing_uses_it() {
    let mut fixture = Fixture::new(&[("shop.yaml", &shop())]).await;
    fixture.ready_within(600).await;
    let renamed = shop().replace("    errors:\n", "    errors:\n      alarmName: shop-5xx\n");
    fixture.write("shop.yaml", &renamed).await;
    fixture.pass(5).await;
    fixture.ready_within(600).await;
    fixture.pass(120).await;
    assert_eq!((names(&fixture), watched(&fixture)), (vec!["shop-5xx".to_owned()], json!(["shop-5xx"])));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_no_longer_declared_goes_after_the_service_has_let_go_of_it() {
    let mut fixture = Fixture::new(&[("shop.yaml", &shop())]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(5).await;
    fixture.ready_within(600).await;
    fixture.pass(120).await;
    assert_eq!(names(&fixture), Vec::<String>::new());
    let writes = fixture.writes();
    let place = |call: &str| writes.iter().position(|done| done == call).unwrap();
    assert!(place("ecs:UpdateService") < place("monitoring:DeleteAlarms"), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_alarm_of_that_name_is_left_alone_and_said() {
    let mut fixture = Fixture::idle(aws_sim::Sim::builder().seed(7).build(), &[("shop.yaml", &shop())]).await;
    let theirs = json!({"AlarmName": "shop-errors", "Namespace": "Theirs", "MetricName": "m", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"});
    fixture.by_hand("monitoring", "PutMetricAlarm", theirs);
    fixture.start().await;
    fixture.pass(300).await;
    assert_eq!(alarms(&fixture)[0]["Namespace"], "Theirs");
    let (_, reason, message) = condition(&fixture.status("shop"), ConditionType::Stalled);
    assert!(reason == "Blocked" && message.contains("shop-errors"), "{reason}: {message}");
}

#[tokio::test(start_paused = true)]
async fn a_removed_document_takes_its_alarms_along() {
    let text = shop().replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &text)]).await;
    fixture.ready_within(600).await;
    fixture.remove("shop.yaml").await;
    fixture.pass(900).await;
    assert_eq!(names(&fixture), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_under_another_key_of_the_same_name_is_one_alarm_and_deleted_once() {
    let named = |key: &str| {
        let text = shop().replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
        text.replace("    errors:\n", &format!("    {key}:\n      alarmName: shop-5xx\n"))
            .replace("alarms: [errors]", &format!("alarms: [{key}]"))
    };
    let mut fixture = Fixture::new(&[("shop.yaml", &named("errors"))]).await;
    fixture.ready_within(600).await;
    fixture.write("shop.yaml", &named("failures")).await;
    fixture.remove("shop.yaml").await;
    fixture.sim.reset_calls();
    fixture.pass(900).await;
    assert_eq!(names(&fixture), Vec::<String>::new());
    let deleted = fixture.writes().into_iter().filter(|call| call == "monitoring:DeleteAlarms");
    assert_eq!(deleted.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_somebody_changed_and_that_is_only_reported_stays_when_another_is_put_back() {
    let text = shop().replace("spec:\n", "spec:\n  drift: {fields: {alarm/errors.threshold: Report}}\n");
    let fixture = Fixture::new(&[("shop.yaml", &text)]).await;
    fixture.ready_within(600).await;
    let mut theirs = alarms(&fixture)[0].clone();
    let members = theirs.as_object_mut().unwrap();
    members
        .retain(|name, _| !name.starts_with("State") && !name.ends_with("Timestamp") && name != "AlarmArn");
    members.insert("Threshold".to_owned(), json!(9.0));
    members.insert("Period".to_owned(), json!(120));
    fixture.by_hand("monitoring", "PutMetricAlarm", theirs);
    fixture.pass(300).await;
    let now = alarms(&fixture)[0].clone();
    assert_eq!((&now["Threshold"], &now["Period"]), (&json!(9.0), &json!(60)));
}

/// The service watches it, so no edit of the service can be carried out without it.
#[tokio::test(start_paused = true)]
async fn a_deleted_alarm_that_is_only_reported_stalls_what_needs_it_with_the_way_out() {
    for policy in ["Report", "Ignore"] {
        let text = shop().replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"));
        let mut fixture = Fixture::new(&[("shop.yaml", &text)]).await;
        fixture.ready_within(600).await;
        let name = names(&fixture).remove(0);
        fixture.by_hand("monitoring", "DeleteAlarms", json!({"AlarmNames": [name]}));
        fixture.pass(120).await;
        let edited = text.replace("shop:1.0", "shop:1.1");
        fixture.write("shop.yaml", &edited).await;
        fixture.pass(120).await;
        let status = fixture.status("shop");
        let (_, reason, message) = condition(&status, ConditionType::Ready);
        assert_eq!(reason, "Blocked", "{policy}: {message}");
        assert!(message.contains("alarm/errors was deleted by somebody"), "{policy}: {message}");
        // As it says.
        let repaired = edited.replace("drift: {", "drift: {fields: {alarm/errors: Repair}, ");
        fixture.write("shop.yaml", &repaired).await;
        fixture.pass(5).await;
        fixture.ready_within(600).await;
        assert_eq!(names(&fixture).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_alarm_is_a_changed_declaration_of_its_service_even_where_drift_is_only_reported() {
    let text = shop().replace("spec:\n", "spec:\n  drift: {policy: Report}\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &text)]).await;
    fixture.ready_within(600).await;
    let renamed = text.replace("    errors:\n", "    errors:\n      alarmName: shop-5xx\n");
    fixture.write("shop.yaml", &renamed).await;
    fixture.pass(5).await;
    fixture.ready_within(600).await;
    fixture.pass(120).await;
    assert_eq!((names(&fixture), watched(&fixture)), (vec!["shop-5xx".to_owned()], json!(["shop-5xx"])));
    assert!(fixture.status("shop").last_drift.is_none());
}
