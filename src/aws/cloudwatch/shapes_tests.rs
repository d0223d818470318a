use super::*;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Config, Region};
use serde_json::json;

fn put() -> Put {
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("r"));
    aws_sdk_cloudwatch::Client::from_conf(config.build()).put_metric_alarm()
}

/// What DescribeAlarms shows of an alarm that was just put: the members have the same names.
fn shown(put: &Put) -> types::MetricAlarm {
    let put = put.as_input().clone().build().expect("nothing is required before it is sent");
    types::MetricAlarm::builder()
        .set_alarm_name(put.alarm_name)
        .set_alarm_description(put.alarm_description)
        .set_actions_enabled(put.actions_enabled)
        .set_ok_actions(put.ok_actions)
        .set_alarm_actions(put.alarm_actions)
        .set_insufficient_data_actions(put.insufficient_data_actions)
        .set_metric_name(put.metric_name)
        .set_namespace(put.namespace)
        .set_statistic(put.statistic)
        .set_extended_statistic(put.extended_statistic)
        .set_dimensions(put.dimensions)
        .set_period(put.period)
        .set_unit(put.unit)
        .set_evaluation_periods(put.evaluation_periods)
        .set_datapoints_to_alarm(put.datapoints_to_alarm)
        .set_threshold(put.threshold)
        .set_comparison_operator(put.comparison_operator)
        .set_treat_missing_data(put.treat_missing_data)
        .set_evaluate_low_sample_count_percentile(put.evaluate_low_sample_count_percentile)
        .set_metrics(put.metrics)
        .set_threshold_metric_id(put.threshold_metric_id)
        .set_evaluation_window(put.evaluation_window)
        .set_warm_up_configuration(put.warm_up_configuration)
        .set_evaluation_criteria(put.evaluation_criteria)
        .set_evaluation_interval(put.evaluation_interval)
        .set_action_configuration(put.action_configuration)
        .build()
}

#[test]
fn every_field_of_an_alarm_is_sent_and_read_back() {
    let alarm = json!({
        "alarmName": "shop-errors", "alarmDescription": "too many errors", "actionsEnabled": false,
        "okActions": ["arn:aws:sns:eu-west-1:111122223333:ok"],
        "alarmActions": ["arn:aws:sns:eu-west-1:111122223333:alarm"],
        "insufficientDataActions": ["arn:aws:sns:eu-west-1:111122223333:data"],
        "metricName": "Errors", "namespace": "Shop", "statistic": "Sum", "extendedStatistic": "p95",
        "dimensions": [{"name": "Service", "value": "web"}], "period": 60, "unit": "Count",
        "evaluationPeriods": 3, "datapointsToAlarm": 2, "threshold": 1.5,
        "comparisonOperator": "GreaterThanThreshold", "treatMissingData": "notBreaching",
        "evaluateLowSampleCountPercentile": "ignore",
        "metrics": [
            {"id": "e", "metricStat": {
                "metric": {
                    "namespace": "Shop", "metricName": "Errors",
                    "dimensions": [{"name": "Service", "value": "web"}],
                },
                "period": 60, "stat": "Sum", "unit": "Count",
            }, "returnData": false, "accountId": "111122223333"},
            {"id": "rate", "expression": "e * 100", "label": "rate", "period": 60, "returnData": true},
        ],
        "thresholdMetricId": "band",
        "evaluationWindow": {"wallClockWindow": {"timezone": "Europe/Berlin"}},
        "warmUpConfiguration": {
            "warmUpPeriodDurationInMinutes": 5, "onlyStartEvaluatingAfterWarmUpPeriodEnds": true,
        },
        "evaluationCriteria": {
            "promQLCriteria": {"query": "up == 0", "pendingPeriod": 60, "recoveryPeriod": 120},
        },
        "evaluationInterval": 60,
        "actionConfiguration": {"alarmTagsPropagation": {
            "enabled": true, "includedTagKeys": ["team"], "excludedTagKeys": ["secret"],
        }},
    });
    assert_eq!(tree(shown(&request(put(), &alarm).unwrap())), alarm);
}

#[test]
fn a_sliding_window_is_told_from_none() {
    let alarm = json!({"alarmName": "a", "evaluationWindow": {"slidingWindow": {}}});
    assert_eq!(tree(shown(&request(put(), &alarm).unwrap())), alarm);
}

#[test]
fn a_field_that_no_alarm_has_is_an_error_that_names_it() {
    let error = request(put(), &json!({"alarmName": "a", "treshold": 1})).unwrap_err();
    assert!(error.to_string().contains("treshold"), "{error}");
}
