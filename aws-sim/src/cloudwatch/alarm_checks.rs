//! What PutMetricAlarm accepts, beyond what the model says.
//!
//! Rules are those of the API reference (PutMetricAlarm, MetricDataQuery and the structures that
//! they name). Texts that AWS was seen to answer name the public thread that quotes them; for the
//! others AWS's words are not public, and they say the rule in its manner.

use serde_json::Value;

use super::{
    errors::invalid,
    evaluation::{Comparison, Rule},
    input,
    query_checks::{self, Queries},
    statistic::{self, Statistic},
    watch::{Watch, check_period, is_period},
};
use crate::{error::ApiError, fields::Fields};

/// Members that name the one metric of an alarm without `Metrics`.
const OF_ONE_METRIC: [&str; 7] =
    ["Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic"];
/// Members that `EvaluationCriteria` takes the place of, beside those of one metric, and
/// `EvaluationWindow`, which alarms on PromQL have not.
const REPLACED_BY_CRITERIA: [&str; 7] = [
    "Metrics",
    "Threshold",
    "ComparisonOperator",
    "ThresholdMetricId",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "EvaluationWindow",
];
/// Periods that a wall clock window can be cut into, in seconds (API reference,
/// `WallClockWindow`).
const WALL_CLOCK_PERIODS: [i64; 5] = [60, 300, 3600, 86_400, 604_800];

/// What the alarm of a request watches; `None` for what is accepted but never evaluated here.
///
/// # Errors
/// `ValidationError` for what AWS refuses.
pub(super) fn watch(input: &Value) -> Result<Option<Watch>, ApiError> {
    check_name(input.text("AlarmName").unwrap_or_default())?;
    for member in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
        check_actions(input.items(member))?;
    }
    check_tags_propagation(&input["ActionConfiguration"]["AlarmTagsPropagation"])?;
    let treatment = input.text("TreatMissingData");
    one_of("TreatMissingData", treatment, &["breaching", "notBreaching", "ignore", "missing"])?;
    if input.get("EvaluationCriteria").is_some() {
        check_criteria(input)?;
        return Ok(None);
    }
    refuse_beside(input, &["EvaluationInterval"], "EvaluationCriteria is not set")?;
    if input.get("Metrics").is_some() { watch_queries(input) } else { watch_metric(input, input) }
}

/// An alarm on one metric, which is named in `source`.
fn watch_metric(input: &Value, source: &Value) -> Result<Option<Watch>, ApiError> {
    // The text: cfn-lint#771.
    if source.get("MetricName").is_none() {
        return Err(invalid("MetricName must not be null"));
    }
    let metric = input::metric(source)?;
    if metric.namespace.is_empty() {
        return Err(invalid("Namespace must be specified with MetricName."));
    }
    let name = match (source.text("Statistic"), source.text("ExtendedStatistic")) {
        (Some(name), None) | (None, Some(name)) => name,
        _ => return Err(invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")),
    };
    statistic::check(name)?;
    let period = source.int("Period").ok_or_else(|| invalid("Period must be specified."))?;
    check_period(period)?;
    check_window(input, &[period])?;
    let periods = check_counts(input)?;
    check_span(period, periods)?;
    let statistic = Statistic::named(name).ok();
    let ignores_low_counts = low_counts(input, statistic)?;
    let Some(rule) = rule(input, periods, &metric.namespace)? else { return Ok(None) };
    let Some(statistic) = statistic.filter(|_| !has_wall_clock(input)) else { return Ok(None) };
    Ok(Some(Watch {
        metric,
        statistic,
        statistic_name: name.to_owned(),
        unit: source.text("Unit").map(str::to_owned),
        period,
        rule,
        ignores_low_counts,
        warm_up: warm_up(&input["WarmUpConfiguration"]),
    }))
}

/// An alarm on the result of queries. One that just names a metric of this account is watched like
/// an alarm on that metric.
fn watch_queries(input: &Value) -> Result<Option<Watch>, ApiError> {
    // The text: cfn-lint#1306, cloudtools/troposphere#1276.
    refuse_beside(input, &OF_ONE_METRIC, "list of Metrics is set")?;
    let Queries { watched, periods } = query_checks::of_alarm(input)?;
    if let Some(plain) = watched {
        return watch_metric(input, &plain);
    }
    check_window(input, &periods)?;
    let count = check_counts(input)?;
    check_span(periods.into_iter().max().unwrap_or(60), count)?;
    low_counts(input, None)?;
    rule(input, count, "")?;
    Ok(None)
}

/// An alarm on a PromQL query (API reference, `EvaluationCriteria` and `EvaluationInterval`).
fn check_criteria(input: &Value) -> Result<(), ApiError> {
    refuse_beside(input, &OF_ONE_METRIC, "EvaluationCriteria is set")?;
    refuse_beside(input, &REPLACED_BY_CRITERIA, "EvaluationCriteria is set")?;
    if input["EvaluationCriteria"].get("PromQLCriteria").is_none() {
        return Err(invalid("EvaluationCriteria must set exactly one member."));
    }
    let interval = input
        .int("EvaluationInterval")
        .ok_or_else(|| invalid("EvaluationInterval must be set if EvaluationCriteria is set"))?;
    if !is_period(interval) {
        return Err(invalid("EvaluationInterval must be 10, 20, 30 or a multiple of 60"));
    }
    Ok(())
}

fn refuse_beside(input: &Value, members: &[&str], what: &str) -> Result<(), ApiError> {
    match members.iter().find(|member| input.get(**member).is_some()) {
        Some(member) => Err(invalid(format!("{member} should not be set if {what}"))),
        None => Ok(()),
    }
}

/// How many periods are evaluated.
fn check_counts(input: &Value) -> Result<i64, ApiError> {
    let periods =
        input.int("EvaluationPeriods").ok_or_else(|| invalid("EvaluationPeriods must be specified."))?;
    // The text: hashicorp/terraform#24070.
    if input.int("DatapointsToAlarm").is_some_and(|to_alarm| to_alarm > periods) {
        return Err(invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods"));
    }
    Ok(periods)
}

/// When the alarm goes off; `None` for one on an anomaly detection band.
fn rule(input: &Value, periods: i64, namespace: &str) -> Result<Option<Rule>, ApiError> {
    let needed = |member: &str| invalid(format!("{member} must be specified."));
    let operator = input.text("ComparisonOperator").ok_or_else(|| needed("ComparisonOperator"))?;
    let threshold = input::number(input, "Threshold");
    let band = input.get("ThresholdMetricId").is_some();
    // The text: cfn-lint#1306.
    if threshold.is_some() && band {
        return Err(invalid("Threshold and ThresholdMetricId cannot both be set"));
    }
    let comparison = Comparison::named(operator);
    // The text: terraform-aws-modules/terraform-aws-cloudwatch#13, aws/aws-cdk#10540.
    if comparison.is_none() && !band {
        return Err(invalid("ComparisonOperators for ranges require ThresholdMetricId to be set"));
    }
    if band {
        return Ok(None);
    }
    let threshold = threshold.ok_or_else(|| needed("Threshold"))?;
    if !threshold.is_finite() {
        return Err(invalid("Threshold must be a finite number."));
    }
    let to_alarm = input.int("DatapointsToAlarm").unwrap_or(periods);
    let missing = Rule::treatment(namespace, input.text("TreatMissingData"));
    Ok(comparison.map(|comparison| Rule { comparison, threshold, periods, to_alarm, missing }))
}

/// PutMetricAlarm, `Period`: no more than seven days, and for periods below an hour no more than
/// one.
fn check_span(period: i64, periods: i64) -> Result<(), ApiError> {
    let (days, most) = if period < 3600 { ("a day", 86_400) } else { ("seven days", 604_800) };
    if period.saturating_mul(periods) > most {
        return Err(invalid(format!(
            "Metrics cannot be checked across more than {days} (EvaluationPeriods * Period must be <= {most})."
        )));
    }
    Ok(())
}

fn has_wall_clock(input: &Value) -> bool {
    input["EvaluationWindow"].get("WallClockWindow").is_some()
}

/// API reference, `EvaluationWindow` (a union) and `WallClockWindow`.
fn check_window(input: &Value, periods: &[i64]) -> Result<(), ApiError> {
    let Some(window) = input.get("EvaluationWindow") else { return Ok(()) };
    let set = ["SlidingWindow", "WallClockWindow"].iter().filter(|name| window.get(**name).is_some());
    if set.count() != 1 {
        return Err(invalid("EvaluationWindow must set exactly one member."));
    }
    let Some(clock) = window.get("WallClockWindow") else { return Ok(()) };
    if periods.iter().any(|period| !WALL_CLOCK_PERIODS.contains(period)) {
        return Err(invalid("Period must be 60, 300, 3600, 86400 or 604800 with a WallClockWindow"));
    }
    match clock.text("Timezone") {
        Some(zone) if !is_timezone(zone) => Err(invalid(format!("Timezone {zone} is not valid."))),
        _ => Ok(()),
    }
}

/// API reference, `Timezone`: an IANA name, `+05:30` or `UTC+05:30`, the offset a multiple of five
/// minutes. Names are not looked up.
fn is_timezone(zone: &str) -> bool {
    let offset = zone.strip_prefix("UTC").unwrap_or(zone);
    match offset.strip_prefix(['+', '-']) {
        Some(offset) => match offset.split_once(':').map(|(hours, minutes)| (hours.parse(), minutes.parse()))
        {
            Some((Ok(hours), Ok(minutes))) => {
                let (hours, minutes): (u32, u32) = (hours, minutes);
                offset.len() == 5 && hours <= 18 && minutes < 60 && minutes % 5 == 0
            }
            _ => false,
        },
        None => {
            zone.starts_with(|c: char| c.is_ascii_alphabetic())
                && zone.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
        }
    }
}

/// How long evaluation waits after creation, in seconds, and whether it waits although there is
/// data (API reference, `WarmUpConfiguration`; its bounds are in the model).
fn warm_up(configuration: &Value) -> Option<(i64, bool)> {
    let minutes = configuration.int("WarmUpPeriodDurationInMinutes")?;
    Some((minutes * 60, configuration.flag("OnlyStartEvaluatingAfterWarmUpPeriodEnds")))
}

/// API reference, `AlarmTagsPropagation`.
fn check_tags_propagation(own: &Value) -> Result<(), ApiError> {
    if own.get("IncludedTagKeys").is_some() && own.get("ExcludedTagKeys").is_some() {
        return Err(invalid("IncludedTagKeys and ExcludedTagKeys cannot both be set"));
    }
    Ok(())
}

fn low_counts(input: &Value, statistic: Option<Statistic>) -> Result<bool, ApiError> {
    let given = input.text("EvaluateLowSampleCountPercentile");
    one_of("EvaluateLowSampleCountPercentile", given, &["evaluate", "ignore"])?;
    if given.is_some() && !matches!(statistic, Some(Statistic::Percentile(_))) {
        return Err(invalid("EvaluateLowSampleCountPercentile can only be specified with a percentile."));
    }
    Ok(given == Some("ignore"))
}

fn one_of(member: &str, given: Option<&str>, allowed: &[&str]) -> Result<(), ApiError> {
    match given {
        Some(text) if !allowed.contains(&text) => Err(invalid(format!(
            "Value '{text}' of {member} is not valid. Valid values: {}.",
            allowed.join(", ")
        ))),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.chars().any(|c| c.is_ascii_control()) {
        return Err(invalid("AlarmName must not contain ASCII control characters."));
    }
    Ok(())
}

fn check_actions(actions: &[Value]) -> Result<(), ApiError> {
    for action in actions.iter().filter_map(Value::as_str) {
        let mut parts = action.splitn(6, ':');
        let sound = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"))
            && parts.next().is_some_and(|service| !service.is_empty())
            && parts.nth(2).is_some_and(|resource| !resource.is_empty());
        if !sound {
            return Err(invalid(format!("Invalid arn syntax: {action}")));
        }
    }
    Ok(())
}
