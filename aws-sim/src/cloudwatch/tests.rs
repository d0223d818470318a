//! The rules of alarms and metrics, call by call.

use serde_json::json;

use super::*;
use crate::wire::{Protocol, Request, Service};

/// A whole minute.
const NOW: i64 = 1_800_000_000;

struct Fixture {
    cloudwatch: Cloudwatch,
    now: i64,
}

impl Fixture {
    fn new() -> Self {
        Self { cloudwatch: Cloudwatch::default(), now: NOW }
    }

    /// A call as it comes over the wire, in awsJson.
    fn call(&mut self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let request = Request {
            region: "eu-west-1".to_owned(),
            service: Service::Cloudwatch,
            protocol: Protocol::Json,
            operation: operation.to_owned(),
            body: input.to_string().into_bytes(),
            access_key: None,
        };
        let mut rng = fastrand::Rng::with_seed(3);
        let now = Timestamp::from_second(self.now).unwrap();
        let mut ctx = Ctx { now, region: "eu-west-1", account: "123456789012", rng: &mut rng };
        self.cloudwatch.advance(now);
        self.cloudwatch.handle(&mut ctx, operation, &read(&request)?)
    }

    fn ok(&mut self, operation: &str, input: Value) -> Value {
        self.call(operation, input).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn code(&mut self, operation: &str, input: Value) -> &'static str {
        self.call(operation, input).expect_err(operation).code
    }

    fn put_alarm(&mut self, more: Value) {
        self.ok("PutMetricAlarm", alarm(more));
    }

    fn put(&mut self, value: f64) {
        self.ok(
            "PutMetricData",
            json!({"Namespace": "App", "MetricData": [{"MetricName": "Errors", "Value": value}]}),
        );
    }

    fn alarm(&mut self) -> Value {
        self.ok("DescribeAlarms", json!({"AlarmNames": ["errors"]}))["MetricAlarms"][0].clone()
    }

    fn state(&mut self) -> String {
        self.alarm()["StateValue"].as_str().unwrap().to_owned()
    }

    fn history(&mut self, kind: &str) -> Vec<String> {
        let input = json!({"AlarmName": "errors", "HistoryItemType": kind, "ScanBy": "TimestampAscending"});
        let items = self.ok("DescribeAlarmHistory", input)["AlarmHistoryItems"].clone();
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["HistorySummary"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn alarm(more: Value) -> Value {
    let mut alarm = json!({"AlarmName": "errors", "Namespace": "App", "MetricName": "Errors", "Statistic": "Sum",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 5, "ComparisonOperator": "GreaterThanThreshold"});
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            alarm.as_object_mut().unwrap().remove(name);
        } else {
            alarm[name] = value.clone();
        }
    }
    alarm
}

#[test]
fn a_new_alarm_knows_nothing_and_a_period_beyond_the_threshold_sets_it_off() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:ops"]}));
    let new = aws.alarm();
    assert_eq!(new["StateValue"], "INSUFFICIENT_DATA");
    assert_eq!(new["StateReason"], "Unchecked: Initial alarm creation");
    assert_eq!(new["AlarmArn"], "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors");
    aws.now += 10;
    aws.put(4.0);
    aws.put(2.5);
    aws.now += 49;
    assert_eq!(aws.state(), "INSUFFICIENT_DATA", "the period is not over");
    aws.now += 1;
    let off = aws.alarm();
    assert_eq!(off["StateValue"], "ALARM");
    assert_eq!(
        off["StateReason"],
        "Threshold Crossed: 1 out of the last 1 datapoints [6.5 (15/01/27 08:00:00)] was greater than the threshold (5.0) \
         (minimum 1 datapoint for INSUFFICIENT_DATA -> ALARM transition)."
    );
    assert_eq!(off["StateUpdatedTimestamp"], json!((NOW + 60) as f64));
    let data: Value = serde_json::from_str(off["StateReasonData"].as_str().unwrap()).unwrap();
    assert_eq!(data["recentDatapoints"], json!([6.5]));
    assert_eq!(aws.history("StateUpdate"), ["Alarm updated from INSUFFICIENT_DATA to ALARM"]);
    assert_eq!(
        aws.history("Action"),
        ["Successfully executed action arn:aws:sns:eu-west-1:123456789012:ops"]
    );
}

#[test]
fn without_data_an_alarm_forgets_after_its_range_at_the_very_minute() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({}));
    aws.put(1.0);
    // A day passes unseen: every evaluation is made up for at its own time.
    aws.now += 86_400;
    let lost = aws.alarm();
    assert_eq!(lost["StateReason"], "Insufficient Data: 1 datapoint was unknown.");
    assert_eq!(lost["StateTransitionedTimestamp"], json!((NOW + 240) as f64));
    let seen = aws.history("StateUpdate");
    assert_eq!(
        seen,
        ["Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to INSUFFICIENT_DATA"]
    );
}

#[test]
fn missing_periods_count_as_the_alarm_says() {
    for (treatment, state, text) in [
        ("breaching", "ALARM", "1 missing datapoint was treated as [Breaching]."),
        ("notBreaching", "OK", "1 missing datapoint was treated as [NonBreaching]."),
        ("ignore", "INSUFFICIENT_DATA", "Initial alarm creation"),
        ("missing", "INSUFFICIENT_DATA", "Initial alarm creation"),
    ] {
        let mut aws = Fixture::new();
        aws.put_alarm(json!({"TreatMissingData": treatment}));
        aws.now += 60;
        assert_eq!(aws.state(), state, "{treatment}");
        assert!(aws.alarm()["StateReason"].as_str().unwrap().ends_with(text), "{treatment}: {}", aws.alarm());
    }
}

#[test]
fn two_out_of_three_periods_set_off_an_alarm_and_two_good_ones_end_it() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}));
    let mut states = Vec::new();
    for value in [9.0, 1.0, 9.0, 1.0, 1.0] {
        aws.put(value);
        aws.now += 60;
        states.push(aws.state());
    }
    assert_eq!(states, ["INSUFFICIENT_DATA", "OK", "ALARM", "OK", "OK"]);
    assert!(aws.alarm()["StateReason"].as_str().unwrap().contains("2 out of the last 3 datapoints"));
}

#[test]
fn putting_an_alarm_again_keeps_its_state_and_its_tags() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"Tags": [{"Key": "a", "Value": "1"}]}));
    aws.put(9.0);
    aws.now += 60;
    let before = aws.alarm();
    aws.now += 5;
    aws.put_alarm(json!({"Threshold": 100, "AlarmDescription": "d", "Tags": [{"Key": "b", "Value": "2"}]}));
    let after = aws.alarm();
    assert_eq!(
        (&after["StateValue"], &after["StateReason"]),
        (&before["StateValue"], &before["StateReason"])
    );
    assert_eq!(after["StateUpdatedTimestamp"], before["StateUpdatedTimestamp"]);
    assert_eq!(after["AlarmConfigurationUpdatedTimestamp"], json!((NOW + 65) as f64));
    let arn = after["AlarmArn"].clone();
    assert_eq!(
        aws.ok("ListTagsForResource", json!({"ResourceARN": arn}))["Tags"],
        json!([{"Key": "a", "Value": "1"}])
    );
    assert_eq!(aws.history("ConfigurationUpdate"), ["Alarm \"errors\" created", "Alarm \"errors\" updated"]);
}

#[test]
fn a_set_state_lasts_until_the_next_evaluation() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({}));
    aws.put(1.0);
    aws.now += 60;
    assert_eq!(aws.state(), "OK");
    let set = json!({"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "drill", "StateReasonData": "{\"a\":1}"});
    aws.ok("SetAlarmState", set.clone());
    assert_eq!((aws.state().as_str(), aws.alarm()["StateReason"].as_str()), ("ALARM", Some("drill")));
    aws.now += 60;
    assert_eq!(aws.state(), "OK");
    let mut odd = set.clone();
    odd["StateReasonData"] = "{".into();
    assert_eq!(aws.code("SetAlarmState", odd), "InvalidFormat");
    let mut unknown = set;
    unknown["AlarmName"] = "none".into();
    assert_eq!(aws.code("SetAlarmState", unknown), "ResourceNotFound");
}

#[test]
fn actions_that_are_switched_off_are_not_executed() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:ops"]}));
    aws.ok("DisableAlarmActions", json!({"AlarmNames": ["errors", "none"]}));
    assert_eq!(aws.alarm()["ActionsEnabled"], false);
    aws.put(9.0);
    aws.now += 60;
    assert_eq!((aws.state().as_str(), aws.history("Action").len()), ("ALARM", 0));
    aws.ok("EnableAlarmActions", json!({"AlarmNames": ["errors"]}));
    assert_eq!(aws.alarm()["ActionsEnabled"], true);
}

#[test]
fn deleting_takes_the_alarms_that_are_there_and_says_nothing_of_the_others() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({}));
    aws.ok("DeleteAlarms", json!({"AlarmNames": ["none", "errors"]}));
    assert_eq!(aws.ok("DescribeAlarms", json!({}))["MetricAlarms"], json!([]));
    assert_eq!(aws.history("ConfigurationUpdate").len(), 2, "the history outlives the alarm");
}

#[test]
fn alarms_that_make_no_sense_are_refused() {
    let mut aws = Fixture::new();
    let stat = json!({"Metric": {"Namespace": "App", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"});
    for more in [
        json!({"Period": 45}),
        json!({"Period": null}),
        json!({"EvaluationPeriods": null}),
        json!({"ComparisonOperator": null}),
        json!({"Threshold": null}),
        json!({"Threshold": "NaN"}),
        json!({"Namespace": null}),
        json!({"MetricName": null}),
        json!({"Statistic": null}),
        json!({"ExtendedStatistic": "p90"}),
        json!({"Statistic": null, "ExtendedStatistic": "p101"}),
        json!({"DatapointsToAlarm": 2}),
        json!({"Period": 60, "EvaluationPeriods": 1441}),
        json!({"Period": 86_400, "EvaluationPeriods": 8}),
        json!({"TreatMissingData": "sometimes"}),
        json!({"EvaluateLowSampleCountPercentile": "ignore"}),
        json!({"AlarmActions": ["ops"]}),
        json!({"AlarmName": "a\u{7}"}),
        json!({"Statistic": "Median"}),
        json!({"Tags": [{"Key": "aws:x", "Value": ""}]}),
        json!({"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}),
        json!({"Metrics": [{"Id": "m", "MetricStat": stat}]}),
        json!({"ComparisonOperator": "GreaterThanUpperThreshold"}),
        json!({"Statistic": null, "ExtendedStatistic": "median"}),
        json!({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 2881}}),
        json!({"WarmUpConfiguration": {}}),
        json!({"EvaluationInterval": 60}),
        json!({"EvaluationWindow": {}}),
        json!({"EvaluationWindow": {"SlidingWindow": {}, "WallClockWindow": {}}}),
        json!({"EvaluationWindow": {"WallClockWindow": {}}, "Period": 120}),
        json!({"EvaluationWindow": {"WallClockWindow": {"Timezone": "+05:31"}}}),
        json!({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}, "EvaluationInterval": 60}),
        json!({"ActionConfiguration": {"AlarmTagsPropagation": {
            "Enabled": true, "IncludedTagKeys": ["a"], "ExcludedTagKeys": ["b"]}}}),
    ] {
        assert_eq!(aws.code("PutMetricAlarm", alarm(more.clone())), "ValidationError", "{more}");
    }
    assert_eq!(aws.code("PutMetricAlarm", alarm(json!({"Period": "60"}))), "SerializationException");
    assert_eq!(aws.ok("DescribeAlarms", json!({}))["MetricAlarms"], json!([]));
}

#[test]
fn an_alarm_may_name_its_metric_in_a_query() {
    let mut aws = Fixture::new();
    let stat = json!({"Metric": {"Namespace": "App", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"});
    let base = json!({"AlarmName": "errors", "EvaluationPeriods": 1, "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold"});
    let with = |queries: Value| {
        let mut input = base.clone();
        input["Metrics"] = queries;
        input
    };
    aws.ok("PutMetricAlarm", with(json!([{"Id": "m", "MetricStat": stat}])));
    aws.put(9.0);
    aws.now += 60;
    assert_eq!(aws.state(), "ALARM");
    let of_metric = json!({"Namespace": "App", "MetricName": "Errors"});
    assert_eq!(aws.ok("DescribeAlarmsForMetric", of_metric)["MetricAlarms"], json!([]));
    for wrong in [
        json!([{"Id": "m", "MetricStat": stat}, {"Id": "n", "MetricStat": stat}]),
        json!([{"Id": "m", "MetricStat": stat, "ReturnData": false}]),
        json!([{"Id": "M", "MetricStat": stat}]),
        json!([{"Id": "m", "MetricStat": stat}, {"Id": "m", "MetricStat": stat, "ReturnData": false}]),
        json!([{"Id": "m", "MetricStat": stat, "Expression": "1"}]),
        json!([{"Id": "m"}]),
        json!([]),
    ] {
        assert_eq!(aws.code("PutMetricAlarm", with(wrong.clone())), "ValidationError", "{wrong}");
    }
    let many = |sort: Value| -> Value {
        let query = |index: usize| {
            let mut query = json!({"Id": format!("m{index}"), "ReturnData": index == 0});
            query.as_object_mut().unwrap().extend(sort.as_object().unwrap().clone());
            query
        };
        (0..11).map(query).collect()
    };
    for sort in [json!({"MetricStat": stat}), json!({"Expression": "m1 + m2"})] {
        assert_eq!(aws.code("PutMetricAlarm", with(many(sort))), "ValidationError");
    }
}

fn refusal(aws: &mut Fixture, input: Value) -> String {
    let error = aws.call("PutMetricAlarm", input).unwrap_err();
    assert_eq!(error.code, "ValidationError");
    error.message
}

fn without_metric(more: Value) -> Value {
    let mut input = alarm(json!({"MetricName": null, "Namespace": null, "Statistic": null, "Period": null}));
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

#[test]
fn an_alarm_on_metric_math_is_shown_as_it_was_put_and_waits_to_be_told_its_state() {
    let mut aws = Fixture::new();
    let stat = |name: &str| {
        json!({"Id": name, "ReturnData": false, "MetricStat": {"Period": 60, "Stat": "Sum", "Unit": "Count",
            "Metric": {"Namespace": "App", "MetricName": name, "Dimensions": [{"Name": "a", "Value": "1"}]}}})
    };
    let rate = json!({"Id": "rate", "Expression": "100 * errors / requests", "Label": "rate", "Period": 60});
    aws.ok("PutMetricAlarm", without_metric(json!({"Metrics": [rate, stat("errors"), stat("requests")]})));
    let seen = aws.alarm();
    assert_eq!(
        (seen["Metrics"][0]["Expression"].clone(), seen["Metrics"][0]["ReturnData"].clone()),
        (json!("100 * errors / requests"), json!(true))
    );
    assert_eq!(seen["Metrics"][1], stat("errors"));
    aws.now += 86_400;
    assert_eq!(aws.state(), "INSUFFICIENT_DATA");
    aws.ok("SetAlarmState", json!({"AlarmName": "errors", "StateValue": "OK", "StateReason": "told"}));
    aws.now += 86_400;
    assert_eq!(aws.state(), "OK");
}

#[test]
fn an_alarm_on_a_band_names_it_and_has_no_threshold_in_awss_words() {
    let mut aws = Fixture::new();
    let stat = json!({"Metric": {"Namespace": "App", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"});
    let band = |metric: bool, band: bool, more: Value| {
        let mut input = without_metric(json!({"ComparisonOperator": "GreaterThanUpperThreshold",
            "ThresholdMetricId": "band", "Metrics": [{"Id": "m", "MetricStat": stat, "ReturnData": metric},
            {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 2)", "ReturnData": band}]}));
        input.as_object_mut().unwrap().remove("Threshold");
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    assert_eq!(
        refusal(&mut aws, band(false, true, json!({}))),
        "Exactly two elements of the metrics list should return data."
    );
    assert_eq!(
        refusal(&mut aws, band(true, false, json!({}))),
        "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter"
    );
    assert_eq!(
        refusal(&mut aws, band(true, true, json!({"Threshold": 0}))),
        "Threshold and ThresholdMetricId cannot both be set"
    );
    let plain = alarm(json!({"ComparisonOperator": "LessThanLowerThreshold"}));
    assert_eq!(
        refusal(&mut aws, plain),
        "ComparisonOperators for ranges require ThresholdMetricId to be set"
    );
    assert_eq!(
        refusal(&mut aws, band(true, true, json!({"Statistic": "Sum"}))),
        "Statistic should not be set if list of Metrics is set"
    );
    aws.ok("PutMetricAlarm", band(true, true, json!({})));
    let seen = aws.alarm();
    assert_eq!((&seen["ThresholdMetricId"], seen.get("Threshold")), (&json!("band"), None));
}

#[test]
fn an_alarm_on_a_promql_query_starts_well_and_needs_an_interval() {
    let mut aws = Fixture::new();
    let criteria = json!({"PromQLCriteria": {"Query": "up == 0", "PendingPeriod": 60, "RecoveryPeriod": 0}});
    let mut input = json!({"AlarmName": "errors", "EvaluationCriteria": criteria});
    for (interval, sound) in [(Value::Null, false), (json!(45), false), (json!(9), false), (json!(120), true)]
    {
        input["EvaluationInterval"] = interval;
        assert_eq!(aws.call("PutMetricAlarm", input.clone()).is_ok(), sound, "{input}");
    }
    let seen = aws.alarm();
    assert_eq!((&seen["StateValue"], &seen["EvaluationCriteria"]), (&json!("OK"), &criteria));
    assert_eq!(seen["EvaluationInterval"], 120);
    input["Threshold"] = json!(1);
    assert_eq!(refusal(&mut aws, input), "Threshold should not be set if EvaluationCriteria is set");
}

#[test]
fn every_further_setting_is_given_back_and_an_overwrite_takes_it_away() {
    let mut aws = Fixture::new();
    let more = json!({
        "EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC+05:30"}},
        "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": true},
        "ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": true, "IncludedTagKeys": ["team"]}},
        "TreatMissingData": "breaching", "DatapointsToAlarm": 1, "Unit": "Count", "AlarmDescription": "d",
        "ActionsEnabled": false, "InsufficientDataActions": ["arn:aws:sns:eu-west-1:123456789012:ops"],
    });
    aws.put_alarm(more.clone());
    let seen = aws.alarm();
    for (name, value) in more.as_object().unwrap() {
        assert_eq!(&seen[name], value, "{name}");
    }
    aws.put_alarm(json!({}));
    let seen = aws.alarm();
    for name in ["EvaluationWindow", "WarmUpConfiguration", "ActionConfiguration", "TreatMissingData", "Unit"]
    {
        assert_eq!(seen.get(name), None, "{name}");
    }
    assert_eq!((&seen["ActionsEnabled"], &seen["InsufficientDataActions"]), (&json!(true), &json!([])));
}

#[test]
fn a_warm_up_period_keeps_an_alarm_from_being_judged_until_it_ends_or_there_is_data() {
    let warm = |waits: bool| {
        json!({"TreatMissingData": "breaching", "EvaluationPeriods": 2, "WarmUpConfiguration": {
            "WarmUpPeriodDurationInMinutes": 10, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": waits}})
    };
    for (waits, early) in [(false, "ALARM"), (true, "INSUFFICIENT_DATA")] {
        let mut aws = Fixture::new();
        aws.put_alarm(warm(waits));
        aws.now += 60;
        aws.put(9.0);
        aws.now += 60;
        assert_eq!(aws.state(), "INSUFFICIENT_DATA", "half of the data");
        aws.put(9.0);
        aws.now += 60;
        assert_eq!(aws.state(), early);
        aws.now += 420;
        assert_eq!(aws.state(), "ALARM");
    }
}

#[test]
fn a_held_alarm_stays_in_its_state_until_it_is_let_go() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"TreatMissingData": "notBreaching"}));
    let now = Timestamp::from_second(aws.now).unwrap();
    aws.cloudwatch.hold(now, "errors", Some("ALARM")).unwrap();
    aws.now += 600;
    assert_eq!(aws.state(), "ALARM");
    aws.cloudwatch.hold(now, "errors", None).unwrap();
    aws.now += 60;
    assert_eq!(aws.state(), "OK");
    assert_eq!(aws.cloudwatch.hold(now, "errors", Some("FINE")).unwrap_err().code, "ValidationError");
    assert_eq!(aws.cloudwatch.hold(now, "none", None).unwrap_err().code, "ResourceNotFound");
}

#[test]
fn tags_of_an_alarm_that_exists_are_ignored() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"Tags": [{"Key": "a", "Value": "1"}]}));
    aws.put_alarm(json!({"Tags": [{"Key": "b", "Value": "2"}]}));
    let arn = aws.alarm()["AlarmArn"].clone();
    let tags = aws.ok("ListTagsForResource", json!({"ResourceARN": arn}))["Tags"].clone();
    assert_eq!(tags, json!([{"Key": "a", "Value": "1"}]));
}

#[test]
fn alarms_are_found_by_prefix_state_and_action_and_in_pages() {
    let mut aws = Fixture::new();
    for index in 0..7 {
        let action = format!("arn:aws:sns:eu-west-1:123456789012:team{}", index % 2);
        aws.put_alarm(json!({"AlarmName": format!("a{index}"), "OKActions": [action]}));
    }
    aws.put_alarm(json!({"AlarmName": "b"}));
    let state = json!({"AlarmName": "a3", "StateValue": "OK", "StateReason": "r"});
    aws.ok("SetAlarmState", state);
    let mut count = |input: Value| aws.ok("DescribeAlarms", input)["MetricAlarms"].as_array().unwrap().len();
    assert_eq!(count(json!({"AlarmNamePrefix": "a"})), 7);
    assert_eq!(count(json!({"StateValue": "OK"})), 1);
    assert_eq!(count(json!({"ActionPrefix": "arn:aws:sns:eu-west-1:123456789012:team1"})), 3);
    assert_eq!(count(json!({"AlarmTypes": ["CompositeAlarm"]})), 0);
    let first = aws.ok("DescribeAlarms", json!({"MaxRecords": 5}));
    let rest = aws.ok("DescribeAlarms", json!({"MaxRecords": 5, "NextToken": first["NextToken"]}));
    assert_eq!(rest["MetricAlarms"].as_array().unwrap().len(), 3);
    assert_eq!(rest["NextToken"], Value::Null);
    assert_eq!(aws.code("DescribeAlarms", json!({"NextToken": "nonsense"})), "InvalidNextToken");
    assert_eq!(aws.code("DescribeAlarms", json!({"MaxRecords": 101})), "ValidationError");
    assert_eq!(
        aws.code("DescribeAlarms", json!({"AlarmNames": ["a"], "AlarmNamePrefix": "b"})),
        "ValidationError"
    );
}

#[test]
fn percentile_alarms_wait_for_enough_values_when_they_are_told_to() {
    let mut aws = Fixture::new();
    aws.put_alarm(
        json!({"Statistic": null, "ExtendedStatistic": "p90", "EvaluateLowSampleCountPercentile": "ignore"}),
    );
    aws.put(9.0);
    aws.now += 60;
    assert_eq!(aws.state(), "INSUFFICIENT_DATA", "ninety-nine values are missing");
    let many = json!({"MetricName": "Errors", "Values": [1, 9], "Counts": [10, 90]});
    aws.ok("PutMetricData", json!({"Namespace": "App", "MetricData": [many]}));
    aws.now += 60;
    assert_eq!(aws.state(), "ALARM");
}

#[test]
fn high_resolution_alarms_are_evaluated_every_ten_seconds() {
    let mut aws = Fixture::new();
    aws.put_alarm(json!({"Period": 10}));
    let datum = json!({"MetricName": "Errors", "Value": 9, "StorageResolution": 1});
    aws.ok("PutMetricData", json!({"Namespace": "App", "MetricData": [datum]}));
    aws.now += 10;
    assert_eq!(aws.state(), "ALARM");
    aws.now += 30;
    assert_eq!(aws.state(), "INSUFFICIENT_DATA");
}

#[test]
fn data_that_makes_no_sense_is_refused_and_nothing_of_its_call_is_kept() {
    let mut aws = Fixture::new();
    let good = json!({"MetricName": "Errors", "Value": 1});
    let set = |min: i64, count: i64| json!({"SampleCount": count, "Sum": 3, "Minimum": min, "Maximum": 2});
    for (code, bad) in [
        ("MissingParameter", json!({"MetricName": "Errors"})),
        ("MissingParameter", json!({"Value": 1})),
        ("InvalidParameterCombination", json!({"MetricName": "Errors", "Value": 1, "Values": [1]})),
        ("InvalidParameterCombination", json!({"MetricName": "Errors", "StatisticValues": set(3, 2)})),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "StatisticValues": set(1, 0)})),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "Value": "NaN"})),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "Value": 1e300})),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "Values": [1, 2], "Counts": [1]})),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "Values": []})),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "Value": 1, "StorageResolution": 5})),
        (
            "InvalidParameterValue",
            json!({"MetricName": "Errors", "Value": 1, "Timestamp": NOW - 15 * 86_400}),
        ),
        ("InvalidParameterValue", json!({"MetricName": "Errors", "Value": 1, "Timestamp": NOW + 7300})),
        ("MalformedInput", json!({"MetricName": "Errors", "Value": 1, "Timestamp": "2026-01-01"})),
        ("ValidationError", json!({"MetricName": "Errors", "Value": 1, "Unit": "Apples"})),
    ] {
        let input = json!({"Namespace": "App", "MetricData": [good, bad]});
        assert_eq!(aws.code("PutMetricData", input), code, "{bad}");
    }
    assert_eq!(aws.code("PutMetricData", json!({"Namespace": "App"})), "MissingParameter");
    assert_eq!(
        aws.code("PutMetricData", json!({"Namespace": "AWS/ECS", "MetricData": [good]})),
        "InvalidParameterValue"
    );
    assert_eq!(aws.ok("ListMetrics", json!({}))["Metrics"], json!([]));
}

#[test]
fn statistics_are_made_period_by_period_and_unit_by_unit() {
    let mut aws = Fixture::new();
    let at = |offset: i64, value: f64, unit: &str| json!({"MetricName": "T", "Value": value, "Unit": unit, "Timestamp": NOW + offset});
    let data = json!([
        at(-100, 1.0, "Count"),
        at(-90, 3.0, "Count"),
        at(-30, 7.0, "Count"),
        at(-30, 8.0, "Seconds")
    ]);
    aws.ok("PutMetricData", json!({"Namespace": "App", "MetricData": data}));
    let mut input = json!({"Namespace": "App", "MetricName": "T", "StartTime": NOW - 120, "EndTime": NOW, "Period": 60,
        "Statistics": ["Average", "SampleCount"], "Unit": "Count"});
    let got = aws.ok("GetMetricStatistics", input.clone());
    assert_eq!(got["Label"], "T");
    assert_eq!(
        got["Datapoints"],
        json!([{"Timestamp": NOW - 60, "Unit": "Count", "Average": 7.0, "SampleCount": 1.0},
            {"Timestamp": NOW - 120, "Unit": "Count", "Average": 2.0, "SampleCount": 2.0}])
    );
    input.as_object_mut().unwrap().remove("Unit");
    assert_eq!(aws.ok("GetMetricStatistics", input.clone())["Datapoints"].as_array().unwrap().len(), 3);
    input["ExtendedStatistics"] = json!(["p50"]);
    assert_eq!(aws.code("GetMetricStatistics", input.clone()), "InvalidParameterCombination");
    input.as_object_mut().unwrap().remove("Statistics");
    assert_eq!(
        aws.ok("GetMetricStatistics", input.clone())["Datapoints"][2]["ExtendedStatistics"],
        json!({"p50": 1.0})
    );
    input["Period"] = 7.into();
    assert_eq!(aws.code("GetMetricStatistics", input.clone()), "InvalidParameterValue");
    (input["Period"], input["StartTime"]) = (60.into(), (NOW - 90_000).into());
    assert_eq!(aws.code("GetMetricStatistics", input.clone()), "InvalidParameterCombination");
    input["StartTime"] = NOW.into();
    assert_eq!(aws.code("GetMetricStatistics", input.clone()), "InvalidParameterValue");
    input.as_object_mut().unwrap().remove("StartTime");
    assert_eq!(aws.code("GetMetricStatistics", input), "MissingParameter");
}

#[test]
fn queried_values_come_in_pages_over_all_queries() {
    let mut aws = Fixture::new();
    for minute in 0..3 {
        let datum = json!({"MetricName": "Errors", "Value": minute, "Timestamp": NOW - 180 + 60 * minute});
        aws.ok("PutMetricData", json!({"Namespace": "App", "MetricData": [datum]}));
    }
    let query = |id: &str| {
        json!({"Id": id, "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "Errors"},
        "Period": 60, "Stat": "Maximum"}})
    };
    let mut input = json!({"MetricDataQueries": [query("a"), query("b")], "StartTime": NOW - 180, "EndTime": NOW,
        "MaxDatapoints": 4});
    let first = aws.ok("GetMetricData", input.clone());
    assert_eq!(first["MetricDataResults"][0]["Values"], json!([2.0, 1.0, 0.0]));
    assert_eq!(first["MetricDataResults"][1]["StatusCode"], "PartialData");
    input["NextToken"] = first["NextToken"].clone();
    let second = aws.ok("GetMetricData", input.clone());
    assert_eq!(second["MetricDataResults"][0]["Values"], json!([]));
    assert_eq!(second["MetricDataResults"][1]["Values"], json!([1.0, 0.0]));
    assert_eq!(second["NextToken"], Value::Null);
    input["NextToken"] = "x".into();
    assert_eq!(aws.code("GetMetricData", input.clone()), "InvalidNextToken");
    input.as_object_mut().unwrap().remove("NextToken");
    input["MetricDataQueries"] = json!([query("a"), query("a")]);
    assert_eq!(aws.code("GetMetricData", input.clone()), "ValidationError");
    input["MetricDataQueries"] = json!([{"Id": "e", "Expression": "SUM(METRICS())"}]);
    assert_eq!(aws.code("GetMetricData", input), "UnsupportedFeatureException");
}

#[test]
fn metrics_are_listed_by_their_dimensions_while_they_report() {
    let mut aws = Fixture::new();
    let now = Timestamp::from_second(NOW).unwrap();
    let id = |service: &str| MetricId {
        namespace: "AWS/ECS".to_owned(),
        name: "CPUUtilization".to_owned(),
        dimensions: BTreeMap::from([("ServiceName".to_owned(), service.to_owned())]),
    };
    for service in ["web", "api"] {
        aws.cloudwatch.publish(now, id(service), "Percent", 50.0).unwrap();
    }
    assert_eq!(aws.cloudwatch.publish(now, id("web"), "Apples", 50.0).unwrap_err().code, "ValidationError");
    let dimension = json!({"Namespace": "AWS/ECS", "Dimensions": [{"Name": "ServiceName", "Value": "web"}]});
    let listed = aws.ok("ListMetrics", dimension)["Metrics"].clone();
    assert_eq!(
        listed,
        json!([{"Namespace": "AWS/ECS", "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "ServiceName", "Value": "web"}]}])
    );
    assert_eq!(
        aws.ok("ListMetrics", json!({"Dimensions": [{"Name": "ServiceName"}]}))["Metrics"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    aws.now += 4 * 3600;
    assert_eq!(aws.ok("ListMetrics", json!({"RecentlyActive": "PT3H"}))["Metrics"], json!([]));
    assert_eq!(aws.code("ListMetrics", json!({"NextToken": "x"})), "InvalidParameterValue");
}

#[test]
fn what_is_not_simulated_is_refused_by_name() {
    let mut aws = Fixture::new();
    let error = aws.call("PutCompositeAlarm", json!({})).unwrap_err();
    assert_eq!(error.code, "UnsupportedFeatureException");
    assert!(error.message.contains("PutCompositeAlarm"));
    assert_eq!(aws.code("Nonsense", json!({})), "InvalidAction");
    let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:insight-rule/x";
    assert_eq!(aws.code("ListTagsForResource", json!({"ResourceARN": arn})), "UnsupportedFeatureException");
    assert_eq!(aws.code("ListTagsForResource", json!({"ResourceARN": "x"})), "InvalidParameterValue");
    let gone = json!({"ResourceARN": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x"});
    let error = aws.call("ListTagsForResource", gone).unwrap_err();
    assert_eq!((error.code, error.status), ("ResourceNotFoundException", 404));
}
