//! Metric alarms against the simulated AWS.

use super::read::{alarm_tags, alarms};
use super::write::{delete_alarm, put_metric_alarm, tag_alarm};
use crate::aws::error::Kind;
use crate::aws::testing::clients;
use crate::model::resource::Tree;
use aws_sim::Sim;
use aws_sim::faults::{Effect, FaultRule, When};
use serde_json::json;
use std::collections::BTreeMap;

fn seeded() -> Sim {
    fastrand::seed(7);
    Sim::builder().seed(7).build()
}

fn tags(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

/// An alarm on one metric, with everything that can stand beside it.
fn plain() -> Tree {
    json!({
        "alarmName": "plain", "alarmDescription": "too many", "actionsEnabled": false,
        "okActions": ["arn:aws:sns:eu-west-1:111122223333:ok"],
        "alarmActions": ["arn:aws:sns:eu-west-1:111122223333:alarm"],
        "insufficientDataActions": ["arn:aws:sns:eu-west-1:111122223333:data"],
        "metricName": "Latency", "namespace": "Shop", "extendedStatistic": "p95",
        "dimensions": [{"name": "Service", "value": "web"}], "period": 300, "unit": "Milliseconds",
        "evaluationPeriods": 3, "datapointsToAlarm": 2, "threshold": 1.5,
        "comparisonOperator": "GreaterThanThreshold", "treatMissingData": "notBreaching",
        "evaluateLowSampleCountPercentile": "ignore",
        "evaluationWindow": {"wallClockWindow": {"timezone": "Europe/Berlin"}},
        "warmUpConfiguration": {
            "warmUpPeriodDurationInMinutes": 5, "onlyStartEvaluatingAfterWarmUpPeriodEnds": true,
        },
        "actionConfiguration": {"alarmTagsPropagation": {"enabled": true, "includedTagKeys": ["team"]}},
    })
}

fn stat(id: &str, returned: bool) -> Tree {
    let metric = json!({
        "namespace": "Shop", "metricName": id, "dimensions": [{"name": "Service", "value": "web"}],
    });
    json!({
        "id": id, "returnData": returned,
        "metricStat": {"metric": metric, "period": 60, "stat": "Sum", "unit": "Count"},
    })
}

fn math() -> Tree {
    let rate = json!({"id": "rate", "expression": "100 * e / r", "label": "rate", "returnData": true});
    json!({
        "alarmName": "math", "evaluationPeriods": 1, "threshold": 5.0,
        "comparisonOperator": "GreaterThanThreshold", "metrics": [rate, stat("e", false), stat("r", false)],
    })
}

fn band() -> Tree {
    let band = json!({"id": "band", "expression": "ANOMALY_DETECTION_BAND(e, 2)", "returnData": true});
    json!({
        "alarmName": "band", "evaluationPeriods": 1, "comparisonOperator": "GreaterThanUpperThreshold",
        "metrics": [stat("e", true), band], "thresholdMetricId": "band",
    })
}

fn prom_ql() -> Tree {
    let criteria = json!({"query": "up == 0", "pendingPeriod": 60, "recoveryPeriod": 120});
    json!({
        "alarmName": "promql", "evaluationInterval": 60, "evaluationCriteria": {"promQLCriteria": criteria},
    })
}

/// Whether a tree has every member of another, at every depth.
fn covers(seen: &Tree, declared: &Tree) -> bool {
    match (seen, declared) {
        (Tree::Object(seen), Tree::Object(declared)) => {
            declared.iter().all(|(name, value)| seen.get(name).is_some_and(|own| covers(own, value)))
        }
        _ => seen == declared,
    }
}

#[tokio::test(start_paused = true)]
async fn alarms_of_every_form_are_read_back_as_they_were_put() {
    let sim = seeded();
    let clients = clients(&sim).await;
    for alarm in [plain(), math(), band(), prom_ql()] {
        put_metric_alarm(&clients, &alarm, &BTreeMap::new()).await.unwrap();
        let name = alarm["alarmName"].as_str().unwrap();
        let found = alarms(&clients, &names(&[name, "none"])).await.unwrap();
        assert_eq!(found.len(), 1, "and nothing for what does not exist");
        let seen = &found[name];
        assert!(covers(&seen.fields, &alarm), "{:#}", seen.fields);
        assert_eq!(seen.arn, format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_put_again_is_overwritten_as_a_whole_but_for_its_tags() {
    let sim = seeded();
    let clients = clients(&sim).await;
    put_metric_alarm(&clients, &plain(), &tags("team", "shop")).await.unwrap();
    let short = json!({
        "alarmName": "plain", "metricName": "Errors", "namespace": "Shop", "statistic": "Sum", "period": 60,
        "evaluationPeriods": 1, "threshold": 1.0, "comparisonOperator": "GreaterThanThreshold",
    });
    put_metric_alarm(&clients, &short, &tags("team", "other")).await.unwrap();
    let found = alarms(&clients, &names(&["plain"])).await.unwrap();
    let seen = &found["plain"];
    assert!(covers(&seen.fields, &short), "{:#}", seen.fields);
    for gone in ["alarmDescription", "extendedStatistic", "unit", "treatMissingData", "evaluationWindow"] {
        assert_eq!(seen.fields.get(gone), None, "{gone}");
    }
    assert_eq!(alarm_tags(&clients, &seen.arn).await.unwrap(), tags("team", "shop"));
    tag_alarm(&clients, &seen.arn, &tags("team", "other")).await.unwrap();
    assert_eq!(alarm_tags(&clients, &seen.arn).await.unwrap(), tags("team", "other"));
}

#[tokio::test(start_paused = true)]
async fn deleting_an_alarm_that_is_absent_is_a_success() {
    let sim = seeded();
    let clients = clients(&sim).await;
    put_metric_alarm(&clients, &plain(), &BTreeMap::new()).await.unwrap();
    delete_alarm(&clients, "plain").await.unwrap();
    delete_alarm(&clients, "plain").await.unwrap();
    assert!(alarms(&clients, &names(&["plain"])).await.unwrap().is_empty());
    let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:plain";
    assert!(alarm_tags(&clients, arn).await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn no_names_are_no_call_and_as_many_as_a_call_takes_are_one() {
    let sim = seeded();
    let clients = clients(&sim).await;
    put_metric_alarm(&clients, &plain(), &BTreeMap::new()).await.unwrap();
    assert!(alarms(&clients, &[]).await.unwrap().is_empty());
    assert_eq!(sim.counts().of("monitoring", "DescribeAlarms"), 0);
    let many: Vec<String> = (1..super::read::ALARMS_PER_CALL).map(|index| format!("a{index}")).collect();
    let all: Vec<String> = many.into_iter().chain(names(&["plain"])).collect();
    assert_eq!(alarms(&clients, &all).await.unwrap().len(), 1);
    assert_eq!(sim.counts().of("monitoring", "DescribeAlarms"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_keeps_its_words_and_a_lost_answer_is_sent_again() {
    let sim = seeded();
    let clients = clients(&sim).await;
    let mut wrong = band();
    wrong["threshold"] = 1.0.into();
    let error = put_metric_alarm(&clients, &wrong, &BTreeMap::new()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Rejected);
    assert!(error.message.contains("Threshold and ThresholdMetricId cannot both be set"), "{error}");
    sim.faults().add(FaultRule::on("cloudwatch:PutMetricAlarm", Effect::LostReply).when(When::Once));
    put_metric_alarm(&clients, &band(), &BTreeMap::new()).await.unwrap();
    assert_eq!(sim.counts().of("monitoring", "PutMetricAlarm"), 3);
}
