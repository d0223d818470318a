//! What PutMetricAlarm accepts, beyond what the model says.

use serde_json::{Map, Value};

use super::{
    errors::{invalid, not_simulated},
    evaluation::{Comparison, Rule},
    input,
    statistic::Statistic,
    watch::Watch,
};
use crate::{error::ApiError, fields::Fields};

/// Members of the request that are not simulated.
const LEFT_OUT: [&str; 6] = [
    "EvaluationCriteria",
    "EvaluationInterval",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "ThresholdMetricId",
    "ActionConfiguration",
];
/// Members that name the one metric of an alarm without `Metrics`.
const OF_ONE_METRIC: [&str; 7] =
    ["Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic"];

/// What the alarm of a request watches.
///
/// # Errors
/// `ValidationError` for what AWS refuses, `UnsupportedFeatureException` for what is not simulated.
pub(super) fn watch(input: &Value) -> Result<Watch, ApiError> {
    if let Some(member) = LEFT_OUT.iter().find(|member| input.get(**member).is_some()) {
        return Err(not_simulated(&format!("PutMetricAlarm with {member}")));
    }
    check_name(input.text("AlarmName").unwrap_or_default())?;
    for member in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
        check_actions(input.items(member))?;
    }
    let source = match (input.get("MetricName"), input.get("Metrics")) {
        (Some(_), None) => input.clone(),
        (None, Some(_)) => one_of_many(input)?,
        _ => return Err(invalid("Exactly one of MetricName and Metrics must be specified.")),
    };
    let metric = input::metric(&source)?;
    if metric.namespace.is_empty() {
        return Err(invalid("Namespace must be specified with MetricName."));
    }
    let name = match (source.text("Statistic"), source.text("ExtendedStatistic")) {
        (Some(name), None) | (None, Some(name)) => name,
        _ => return Err(invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")),
    };
    let statistic = Statistic::named(name)?;
    let period = source.int("Period").ok_or_else(|| invalid("Period must be specified."))?;
    if !matches!(period, 10 | 20 | 30) && (period % 60 != 0 || period <= 0) {
        return Err(invalid("Period must be 10, 20, 30 or a multiple of 60"));
    }
    let rule = rule(input, &metric.namespace)?;
    check_span(period, rule.periods)?;
    Ok(Watch {
        metric,
        statistic,
        statistic_name: name.to_owned(),
        unit: source.text("Unit").map(str::to_owned),
        period,
        rule,
        ignores_low_counts: low_counts(input, statistic)?,
    })
}

/// When the alarm goes off.
fn rule(input: &Value, namespace: &str) -> Result<Rule, ApiError> {
    let needed = |member: &str| invalid(format!("{member} must be specified."));
    let periods = input.int("EvaluationPeriods").ok_or_else(|| needed("EvaluationPeriods"))?;
    let to_alarm = input.int("DatapointsToAlarm").unwrap_or(periods);
    if to_alarm > periods {
        return Err(invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods."));
    }
    let operator = input.text("ComparisonOperator").ok_or_else(|| needed("ComparisonOperator"))?;
    let comparison = Comparison::named(operator)
        .ok_or_else(|| not_simulated(&format!("The ComparisonOperator {operator} of anomaly detection")))?;
    let threshold = input::number(input, "Threshold").ok_or_else(|| needed("Threshold"))?;
    if !threshold.is_finite() {
        return Err(invalid("Threshold must be a finite number."));
    }
    let treatment = input.text("TreatMissingData");
    one_of("TreatMissingData", treatment, &["breaching", "notBreaching", "ignore", "missing"])?;
    Ok(Rule { comparison, threshold, periods, to_alarm, missing: Rule::treatment(namespace, treatment) })
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

fn low_counts(input: &Value, statistic: Statistic) -> Result<bool, ApiError> {
    let given = input.text("EvaluateLowSampleCountPercentile");
    one_of("EvaluateLowSampleCountPercentile", given, &["evaluate", "ignore"])?;
    if given.is_some() && !matches!(statistic, Statistic::Percentile(_)) {
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

/// The one metric of `Metrics` that the alarm watches, in the form of an alarm without `Metrics`.
fn one_of_many(input: &Value) -> Result<Value, ApiError> {
    if let Some(member) = OF_ONE_METRIC.iter().find(|member| input.get(**member).is_some()) {
        return Err(invalid(format!("{member} must not be specified with Metrics.")));
    }
    let queries = input.items("Metrics");
    let mut watched = None;
    for query in queries {
        check_query(query)?;
        if query.get("ReturnData").is_none_or(|flag| flag == true) && watched.replace(query).is_some() {
            return Err(invalid("Exactly one of the Metrics must have ReturnData set to true."));
        }
    }
    let watched = watched.ok_or_else(|| invalid("One of the Metrics must have ReturnData set to true."))?;
    Ok(flat(watched))
}

/// Checks a query on one metric, for alarms and for GetMetricData.
///
/// # Errors
/// `ValidationError` for a malformed one, `UnsupportedFeatureException` for an expression or
/// another account.
pub(super) fn check_query(query: &Value) -> Result<(), ApiError> {
    let id = query.text("Id").unwrap_or_default();
    let sound = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !sound {
        return Err(invalid(format!(
            "The value {id} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$"
        )));
    }
    match (query.get("MetricStat"), query.text("Expression")) {
        (Some(_), None) => {}
        (None, Some(_)) => return Err(not_simulated("A metric math or Metrics Insights expression")),
        _ => {
            return Err(invalid(format!(
                "Exactly one of MetricStat and Expression must be specified in {id}."
            )));
        }
    }
    if query.get("AccountId").is_some() {
        return Err(not_simulated("A metric of another account"));
    }
    Ok(())
}

/// A query's metric, statistic, period and unit, under the names that alarms without `Metrics` have
/// for them.
pub(super) fn flat(query: &Value) -> Value {
    let stat = &query["MetricStat"];
    let mut flat = Map::new();
    for member in ["Namespace", "MetricName", "Dimensions"] {
        flat.insert(member.to_owned(), stat["Metric"][member].clone());
    }
    flat.insert("Period".to_owned(), stat["Period"].clone());
    flat.insert("Statistic".to_owned(), stat["Stat"].clone());
    if let Some(unit) = stat.get("Unit") {
        flat.insert("Unit".to_owned(), unit.clone());
    }
    flat.into()
}
