//! CloudWatch metric alarms. Source: CloudWatch API, PutMetricAlarm and its data types.

use super::{Claim, ResourceType, whole};
use crate::desired::fields::fields_of;
use crate::model::arn::Arn;
use crate::model::desired::{DesiredResource, DesiredState};
use crate::model::finding::{Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::alarm::{self, Dimension, MetricAlarm, MetricDataQuery, MetricStat};
use crate::model::resource::{ResourceId, Tree};
use std::collections::BTreeSet;

const STATISTICS: &[&str] = &["SampleCount", "Average", "Sum", "Minimum", "Maximum"];
/// Source: CloudWatch API, PutMetricAlarm (`Unit`).
const UNITS: &[&str] = &[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];
/// Those that compare with a number.
const STATIC: &[&str] = &[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
];
/// Those that compare with an anomaly detection band.
const BAND: &[&str] =
    &["LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"];
/// Actions of one state.
const ACTIONS: usize = 5;
/// Seconds of periods that begin at full minutes, hours, days or weeks.
const WALL_CLOCK: &[i32] = &[60, 300, 3600, 86_400, 604_800];
/// Seconds of a day and of a week.
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// Queries of one alarm, and metrics or expressions among them. Source: CloudWatch API,
/// MetricDataQuery.
const QUERIES: usize = 20;
const QUERIES_OF_A_SORT: usize = 10;
const PERIODS: &str = "10, 20, 30 or a multiple of 60 seconds";
/// Characters of a description, of a name, and of the value of a dimension. Source: CloudWatch API,
/// PutMetricAlarm and Dimension.
const DESCRIPTION: usize = 1024;
const NAME: usize = 255;
const VALUE: usize = 1024;
/// Characters of a PromQL query, seconds of its periods and of its interval. Source: CloudWatch
/// API, AlarmPromQLCriteria and PutMetricAlarm (`EvaluationInterval`).
const QUERY: usize = 10_000;
const HELD_FOR: i64 = 86_400;
const INTERVAL: i32 = 3600;
/// Dimensions of one metric. Source: CloudWatch API, Metric (`Dimensions`).
const DIMENSIONS: usize = 30;
/// How statistics begin that are no simple ones: those with one bound in small letters, those with
/// two bounds in brackets. Source: CloudWatch user guide, "Statistics definitions".
const BOUNDED: &[&str] = &["p", "tm", "wm", "tc", "ts"];
const BETWEEN: &[&str] = &["TM", "WM", "TC", "TS", "PR"];
const EXTENDED: &str = "a percentile from p0 to p100, or one of tm, wm, tc and ts with a percentage (tm90), TM, WM, TC, TS and PR with bounds \
                        (TM(10%:90%), PR(:300)), and IQM";
/// Functions of metric math whose arguments are no ids. Source: CloudWatch user guide, "Using math
/// expressions with CloudWatch metrics".
const NO_IDS: &[&str] = &["SELECT", "SEARCH", "INSIGHT_RULE_METRIC", "DB_PERF_INSIGHTS", "LAMBDA"];

pub(super) struct Alarm;

impl ResourceType for Alarm {
    fn lower(&self, name: &DeploymentName, spec: &ApplicationSpec) -> Vec<(String, DesiredResource)> {
        let lower = |key: &str, declared: &MetricAlarm| {
            let mut fields = fields_of(declared);
            fields.insert("alarmName".to_owned(), own_name(name, key, declared).into());
            let mut tree = Tree::Object(fields);
            alarm::normalise(&mut tree);
            whole(spec, tree)
        };
        spec.alarms.iter().map(|(key, alarm)| (key.clone(), lower(key, alarm))).collect()
    }

    fn check(&self, findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
        let mut names = Vec::new();
        for (key, alarm) in &spec.alarms {
            let path = field_key("spec.alarms", key);
            one(findings, &path, alarm);
            let own = own_name(name, key, alarm);
            if !(1..=255).contains(&own.chars().count()) || own.chars().any(|c| c.is_ascii_control()) {
                let help = "1 to 255 characters, no control characters";
                findings.error(
                    format!("{path}.alarmName"),
                    format!("`{own}` is not the name of an alarm"),
                    help,
                );
            }
            names.push((path, own));
        }
        findings.duplicates("an alarm named", names);
    }

    fn claim(&self, _: &DesiredState, _: &ResourceId, fields: &Tree) -> Option<Claim> {
        Some(Claim::alone(format!("alarm `{}`", fields["alarmName"].as_str().unwrap_or_default())))
    }
}

fn own_name(deployment: &DeploymentName, key: &str, alarm: &MetricAlarm) -> String {
    alarm.alarm_name.clone().unwrap_or_else(|| format!("{deployment}-{key}"))
}

fn one(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    let at = |field: &str| format!("{path}.{field}");
    let watched =
        [alarm.metric_name.is_some(), !alarm.metrics.is_empty(), alarm.evaluation_criteria.is_some()];
    if watched.into_iter().filter(|is_set| *is_set).count() != 1 {
        let message = "an alarm watches exactly one of metricName, metrics and evaluationCriteria";
        findings.error(path, message, "set one of them");
        return;
    }
    if alarm.evaluation_criteria.is_some() {
        query_alarm(findings, path, alarm);
    } else {
        if alarm.evaluation_interval.is_some() {
            findings.error(at("evaluationInterval"), "only a PromQL alarm has it", "remove it");
        }
        thresholds(findings, path, alarm);
        windows(findings, path, alarm);
    }
    if let Some(window) = &alarm.evaluation_window
        && window.sliding_window.is_some() == window.wall_clock_window.is_some()
    {
        let message = "it has exactly one of slidingWindow and wallClockWindow";
        findings.error(at("evaluationWindow"), message, "leave it out for the default, a sliding window");
    }
    if alarm.metric_name.is_some() {
        metric(findings, path, alarm);
    } else if !alarm.metrics.is_empty() {
        of_one_metric(findings, path, alarm, "metrics says it for each of them");
        expressions(findings, path, &alarm.metrics, alarm.threshold_metric_id.as_deref());
    }
    words(findings, path, alarm);
    let description = alarm.alarm_description.as_deref();
    findings.no_longer_than(at("alarmDescription"), description, DESCRIPTION);
    lengths(findings, path, alarm.namespace.as_deref(), alarm.metric_name.as_deref());
    dimensions(findings, path, &alarm.dimensions);
    propagation(findings, path, alarm);
    actions(findings, path, alarm);
}

/// What is one of some words.
fn words(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    let at = |field: &str| format!("{path}.{field}");
    if let Some(statistic) = alarm.statistic.as_deref().filter(|word| !STATISTICS.contains(word)) {
        let help =
            format!("one of {}; a percentile such as p99 is an extendedStatistic", STATISTICS.join(", "));
        findings.error(at("statistic"), format!("`{statistic}` is not known"), help);
    }
    if let Some(percentile) = alarm.extended_statistic.as_deref().filter(|text| !is_extended(text)) {
        findings.error(at("extendedStatistic"), format!("`{percentile}` is not a statistic"), EXTENDED);
    }
    findings.one_of(at("unit"), alarm.unit.as_deref(), UNITS);
    let missing = ["breaching", "notBreaching", "ignore", "missing"];
    findings.one_of(at("treatMissingData"), alarm.treat_missing_data.as_deref(), &missing);
    let few = alarm.evaluate_low_sample_count_percentile.as_deref();
    findings.one_of(at("evaluateLowSampleCountPercentile"), few, &["evaluate", "ignore"]);
    if few.is_some() && alarm.extended_statistic.is_none() {
        findings.error(at("evaluateLowSampleCountPercentile"), "only a percentile has it", "remove it");
    }
}

fn actions(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    for (field, actions) in [
        ("okActions", &alarm.ok_actions),
        ("alarmActions", &alarm.alarm_actions),
        ("insufficientDataActions", &alarm.insufficient_data_actions),
    ] {
        if actions.len() > ACTIONS {
            let message = format!("{} actions are too many", actions.len());
            findings.error(format!("{path}.{field}"), message, format!("{ACTIONS} at most"));
        }
        for (index, action) in actions.iter().enumerate() {
            // Source: CloudWatch user guide, "Create an alarm based on a metric math expression".
            let moves_instance = action.contains(":automate:") && action.contains(":ec2:");
            if moves_instance && alarm.metrics.iter().any(|query| query.expression.is_some()) {
                let message = "an alarm on an expression cannot act on an EC2 instance";
                findings.error(
                    format!("{path}.{field}[{index}]"),
                    message,
                    "watch a metric, or notify a topic",
                );
            }
            if Arn::parse(action).is_none() {
                let message = format!("`{action}` is not an ARN");
                findings.error(format!("{path}.{field}[{index}]"), message, "such as that of an SNS topic");
            }
        }
    }
}

/// `p99.9`, `tm90`, `TM(10%:90%)`, `PR(:300)`, `IQM`. What stands between brackets is judged by AWS
/// alone. Source: CloudWatch user guide, "Statistics definitions".
fn is_extended(text: &str) -> bool {
    let bound = |prefix: &&str| text.strip_prefix(*prefix).and_then(|number| number.parse::<f64>().ok());
    let between = |prefix: &&str| {
        text.strip_prefix(*prefix).is_some_and(|rest| rest.starts_with('(') && rest.ends_with(')'))
    };
    text == "IQM"
        || BOUNDED.iter().filter_map(bound).any(|percent| (0.0..=100.0).contains(&percent))
        || BETWEEN.iter().any(between)
}

/// Source: CloudWatch API, Dimension.
fn dimensions(findings: &mut Findings, path: &str, dimensions: &[Dimension]) {
    let named = dimensions.iter().enumerate();
    let names = named.map(|(index, dimension)| (format!("{path}.dimensions[{index}].name"), &dimension.name));
    findings.duplicates("the dimension", names);
    if dimensions.len() > DIMENSIONS {
        let message = format!("{} dimensions are too many", dimensions.len());
        findings.error(format!("{path}.dimensions"), message, format!("{DIMENSIONS} at most"));
    }
    for (index, dimension) in dimensions.iter().enumerate() {
        for (field, text, most) in [("name", &dimension.name, NAME), ("value", &dimension.value, VALUE)] {
            let at = format!("{path}.dimensions[{index}].{field}");
            findings.no_longer_than(at.clone(), Some(text), most);
            if text.trim().is_empty() {
                findings.error(at, "it is empty", "1 character at least");
            } else if !text.is_ascii() || text.chars().any(|c| c.is_ascii_control()) {
                findings.error(
                    at,
                    format!("{text:?} has other than ASCII characters"),
                    "ASCII, no control characters",
                );
            } else if field == "name" && text.starts_with(':') {
                findings.error(at, format!("`{text}` begins with a colon"), "another name");
            }
        }
    }
}

/// How long the names of a metric are.
fn lengths(findings: &mut Findings, path: &str, namespace: Option<&str>, metric: Option<&str>) {
    for (field, text) in [("namespace", namespace), ("metricName", metric)] {
        findings.no_longer_than(format!("{path}.{field}"), text, NAME);
    }
}

/// Which tags go along with notifications.
fn propagation(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    let of = alarm.action_configuration.as_ref().and_then(|of| of.alarm_tags_propagation.as_ref());
    let Some(of) = of else { return };
    let path = format!("{path}.actionConfiguration.alarmTagsPropagation");
    if of.enabled.is_none() {
        findings.error(format!("{path}.enabled"), "it must be said", "true or false");
    }
    if !of.included_tag_keys.is_empty() && !of.excluded_tag_keys.is_empty() {
        findings.error(path, "includedTagKeys and excludedTagKeys exclude each other", "remove one of them");
    }
}

/// What an alarm on one metric needs.
fn metric(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    for (field, is_set) in [("namespace", alarm.namespace.is_some()), ("period", alarm.period.is_some())] {
        if !is_set {
            findings.error(format!("{path}.{field}"), "a metric needs it", "");
        }
    }
    if alarm.metric_name.as_ref().is_some_and(String::is_empty) {
        findings.error(format!("{path}.metricName"), "it is empty", "the name of a metric");
    }
    if alarm.namespace.as_ref().is_some_and(|text| text.is_empty() || text.starts_with(':')) {
        let help = "1 character at least, not beginning with a colon";
        findings.error(format!("{path}.namespace"), "it is not the name of a namespace", help);
    }
    if alarm.statistic.is_some() == alarm.extended_statistic.is_some() {
        let message = "a metric needs exactly one of statistic and extendedStatistic";
        findings.error(format!("{path}.statistic"), message, format!("one of {}", STATISTICS.join(", ")));
    }
}

/// Fields that only an alarm on one metric has.
fn of_one_metric(findings: &mut Findings, path: &str, alarm: &MetricAlarm, help: &str) {
    for (field, is_set) in [
        ("namespace", alarm.namespace.is_some()),
        ("statistic", alarm.statistic.is_some()),
        ("extendedStatistic", alarm.extended_statistic.is_some()),
        ("dimensions", !alarm.dimensions.is_empty()),
        ("period", alarm.period.is_some()),
        ("unit", alarm.unit.is_some()),
    ] {
        if is_set {
            findings.error(format!("{path}.{field}"), "it goes with metricName", help);
        }
    }
}

/// A number or a band, and how it is compared.
fn thresholds(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    let at = |field: &str| format!("{path}.{field}");
    let operators: Vec<&str> = STATIC.iter().chain(BAND).copied().collect();
    let Some(operator) = alarm.comparison_operator.as_deref() else {
        let help = format!("one of {}", operators.join(", "));
        return findings.error(at("comparisonOperator"), "an alarm needs it", help);
    };
    findings.one_of(at("comparisonOperator"), Some(operator), &operators);
    let band = BAND.contains(&operator);
    if band && (alarm.threshold_metric_id.is_none() || alarm.threshold.is_some()) {
        let message = format!("{operator} compares with a band, not with a number");
        findings.error(at("thresholdMetricId"), message, "the id of an ANOMALY_DETECTION_BAND in metrics");
    }
    if !band && (alarm.threshold.is_none() || alarm.threshold_metric_id.is_some()) {
        let message = format!("{operator} compares with a number");
        findings.error(at("threshold"), message, "set threshold, and not thresholdMetricId");
    }
    let ids = || alarm.metrics.iter().map(|query| query.id.as_str());
    if let Some(id) = &alarm.threshold_metric_id
        && !ids().any(|known| known == id)
    {
        let known = super::listed(&ids().collect::<Vec<_>>());
        findings.error(
            at("thresholdMetricId"),
            format!("`{id}` is no id in metrics"),
            format!("metrics has {known}"),
        );
    }
}

/// Periods, how many of them, and how long all of them are.
fn windows(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    let at = |field: &str| format!("{path}.{field}");
    let Some(periods) = alarm.evaluation_periods else {
        return findings.error(
            at("evaluationPeriods"),
            "an alarm needs it",
            "how many periods are evaluated",
        );
    };
    findings.within(at("evaluationPeriods"), Some(i64::from(periods)), 1, WEEK);
    let datapoints = alarm.datapoints_to_alarm.map(i64::from);
    findings.within(at("datapointsToAlarm"), datapoints, 1, i64::from(periods.max(1)));
    let queries = alarm.metrics.iter().enumerate().flat_map(|(index, query)| {
        let stat = query.metric_stat.as_ref();
        let of_stat = stat.map(|stat| (format!("{path}.metrics[{index}].metricStat.period"), stat.period));
        let own = query.period.map(|period| (format!("{path}.metrics[{index}].period"), period));
        of_stat.into_iter().chain(own)
    });
    let own = alarm.period.map(|period| (at("period"), period));
    let wall_clock = alarm.evaluation_window.as_ref().is_some_and(|of| of.wall_clock_window.is_some());
    for (field, period) in own.into_iter().chain(queries) {
        if wall_clock && !WALL_CLOCK.contains(&period) {
            let help = "60, 300, 3600, 86400 or 604800 seconds";
            findings.error(field, format!("{period} is not a period of a wallClockWindow"), help);
            continue;
        }
        let seconds = i64::from(period);
        if !is_period(period) {
            findings.error(field, format!("{period} is not a period"), PERIODS);
            continue;
        }
        let most = if seconds >= 3600 { WEEK } else { DAY };
        if seconds * i64::from(periods) > most {
            let message = format!("{periods} periods of {period} s are more than {} days", most / DAY);
            findings.error(field, message, "shorter or fewer periods");
        }
    }
}

fn is_period(seconds: i32) -> bool {
    matches!(seconds, 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0)
}

/// Metrics and expressions, of which one is watched; `band` is the id of what it is compared with.
fn expressions(findings: &mut Findings, path: &str, queries: &[MetricDataQuery], band: Option<&str>) {
    let ids =
        queries.iter().enumerate().map(|(index, query)| (format!("{path}.metrics[{index}].id"), &query.id));
    findings.duplicates("the id", ids);
    for (what, count, most) in [
        ("queries", queries.len(), QUERIES),
        ("metrics", queries.iter().filter(|query| query.metric_stat.is_some()).count(), QUERIES_OF_A_SORT),
        ("expressions", queries.iter().filter(|query| query.expression.is_some()).count(), QUERIES_OF_A_SORT),
    ] {
        if count > most {
            let message = format!("{count} {what} are too many");
            findings.error(format!("{path}.metrics"), message, format!("{most} at most"));
        }
    }
    for (index, of) in queries.iter().enumerate() {
        query(findings, &format!("{path}.metrics[{index}]"), of, queries);
    }
    let is_band = |query: &&MetricDataQuery| Some(query.id.as_str()) == band;
    let returns = |query: &&MetricDataQuery| query.return_data.unwrap_or(true);
    if queries.iter().any(|query| is_band(&query) && !returns(&query)) {
        findings.error(format!("{path}.metrics"), "the band must return data, too", "set returnData to true");
    }
    let returned = queries.iter().filter(|query| returns(query) && !is_band(query)).count();
    if returned != 1 {
        let message = format!("the alarm watches exactly one of them, {returned} return data");
        findings.error(format!("{path}.metrics"), message, "set returnData to false on all others");
    }
}

/// One metric or expression.
fn query(findings: &mut Findings, path: &str, query: &MetricDataQuery, queries: &[MetricDataQuery]) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !query.id.starts_with(|c: char| c.is_ascii_lowercase()) || !query.id.chars().all(plain) {
        let help = "a lower-case letter, then letters, digits and underscores";
        findings.error(format!("{path}.id"), format!("`{}` is not an id", query.id), help);
    }
    if query.metric_stat.is_some() == query.expression.is_some() {
        findings.error(path, "it has exactly one of metricStat and expression", "");
    }
    if let Some(of) = &query.metric_stat {
        metric_stat(findings, &format!("{path}.metricStat"), of);
    }
    let expression = query.expression.as_deref().unwrap_or_default();
    if calls(expression, "SEARCH") {
        // Source: CloudWatch user guide, "Use search expressions in graphs".
        let message = "an alarm cannot be made on SEARCH";
        findings.error(format!("{path}.expression"), message, "name the metrics");
    }
    for id in unknown_ids(expression, queries) {
        let known: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
        let message = format!("`{id}` is no id in metrics, so AWS may refuse the expression");
        findings.warning(
            format!("{path}.expression"),
            message,
            format!("metrics has {}", super::listed(&known)),
        );
    }
}

fn metric_stat(findings: &mut Findings, path: &str, of: &MetricStat) {
    for (field, is_missing) in
        [("namespace", of.metric.namespace.is_none()), ("metricName", of.metric.metric_name.is_none())]
    {
        if is_missing {
            findings.error(format!("{path}.metric.{field}"), "a metric needs it", "");
        }
    }
    let (namespace, name) = (of.metric.namespace.as_deref(), of.metric.metric_name.as_deref());
    lengths(findings, &format!("{path}.metric"), namespace, name);
    dimensions(findings, &format!("{path}.metric"), &of.metric.dimensions);
    let stat = of.stat.as_str();
    if !STATISTICS.contains(&stat) && !is_extended(stat) {
        let help = format!("one of {}, {EXTENDED}", STATISTICS.join(", "));
        findings.error(format!("{path}.stat"), format!("`{stat}` is not a statistic"), help);
    }
}

/// Whether a word stands in an expression, outside of quotes. Functions and keywords may be written
/// small.
fn calls(expression: &str, function: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = expression.split(['"', '\'']).step_by(2).flat_map(|part| part.split(|c| !is_letter(c)));
    words.any(|word| word.eq_ignore_ascii_case(function))
}

/// What a math expression names and no query is called: words outside of quotes that begin with a
/// small letter, as ids do, and call no function.
fn unknown_ids<'e>(expression: &'e str, queries: &[MetricDataQuery]) -> BTreeSet<&'e str> {
    if NO_IDS.iter().any(|function| calls(expression, function)) {
        return BTreeSet::new();
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let outside = expression.split(['"', '\'']).step_by(2);
    let words = outside.flat_map(|part| {
        let starts =
            part.char_indices().filter(move |(at, c)| is_word(*c) && !part[..*at].ends_with(is_word));
        starts.map(move |(at, _)| {
            let rest = &part[at..];
            rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
        })
    });
    let named = words.filter(|(word, rest)| {
        word.starts_with(|c: char| c.is_ascii_lowercase()) && !rest.trim_start().starts_with('(')
    });
    let named = named.map(|(word, _)| word);
    named.filter(|word| !queries.iter().any(|query| query.id == *word)).collect()
}

/// A PromQL alarm has none of the fields of the others.
fn query_alarm(findings: &mut Findings, path: &str, alarm: &MetricAlarm) {
    let help = "evaluationCriteria says it all";
    of_one_metric(findings, path, alarm, help);
    for (field, is_set) in [
        ("threshold", alarm.threshold.is_some()),
        ("thresholdMetricId", alarm.threshold_metric_id.is_some()),
        ("comparisonOperator", alarm.comparison_operator.is_some()),
        ("evaluationPeriods", alarm.evaluation_periods.is_some()),
        ("datapointsToAlarm", alarm.datapoints_to_alarm.is_some()),
    ] {
        if is_set {
            findings.error(format!("{path}.{field}"), "a PromQL alarm has none", help);
        }
    }
    let query = alarm.evaluation_criteria.as_ref().and_then(|of| of.prom_ql_criteria.as_ref());
    if query.is_none_or(|of| of.query.is_empty()) {
        let field = format!("{path}.evaluationCriteria.promQLCriteria.query");
        findings.error(field, "a PromQL alarm needs it", "the query that must not breach");
    }
    if let Some(of) = query {
        let path = format!("{path}.evaluationCriteria.promQLCriteria");
        findings.no_longer_than(format!("{path}.query"), Some(&of.query), QUERY);
        for (field, seconds) in [("pendingPeriod", of.pending_period), ("recoveryPeriod", of.recovery_period)]
        {
            findings.within(format!("{path}.{field}"), seconds.map(i64::from), 0, HELD_FOR);
        }
    }
    let field = format!("{path}.evaluationInterval");
    match alarm.evaluation_interval {
        None => findings.error(field, "a PromQL alarm needs it", "seconds between evaluations"),
        Some(seconds) if !is_period(seconds) || seconds > INTERVAL => {
            let help = format!("{PERIODS}, {INTERVAL} at most");
            findings.error(field, format!("{seconds} is not an interval"), help);
        }
        Some(_) => {}
    }
}
