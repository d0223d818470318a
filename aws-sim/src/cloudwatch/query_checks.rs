//! Lists of queries: the `Metrics` of PutMetricAlarm and the `MetricDataQueries` of GetMetricData.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    errors::{invalid, not_simulated},
    statistic,
    watch::check_period,
};
use crate::{error::ApiError, fields::Fields};

/// Queries that an alarm can have, and how many of them may name a metric or an expression (API
/// reference, MetricDataQuery).
const MOST_QUERIES: usize = 20;
const MOST_OF_A_SORT: usize = 10;

/// What an alarm's queries come to.
pub(super) struct Queries {
    /// The metric that is watched as it is, in the form of an alarm without `Metrics`.
    pub watched: Option<Value>,
    /// The periods of all queries, in seconds.
    pub periods: Vec<i64>,
}

/// Checks the `Metrics` of an alarm.
///
/// # Errors
/// `ValidationError` for what AWS refuses.
pub(super) fn of_alarm(input: &Value) -> Result<Queries, ApiError> {
    let queries = input.items("Metrics");
    if queries.is_empty() || queries.len() > MOST_QUERIES {
        return Err(invalid(format!("The metrics list must have between 1 and {MOST_QUERIES} elements.")));
    }
    let mut ids = BTreeSet::new();
    for query in queries {
        check_form(query)?;
        let id = query.text("Id").unwrap_or_default();
        if !ids.insert(id) {
            return Err(invalid(format!("The values for parameter Id in Metrics are not unique: {id}")));
        }
        check_stat(query)?;
    }
    for sort in ["MetricStat", "Expression"] {
        if queries.iter().filter(|query| query.get(sort).is_some()).count() > MOST_OF_A_SORT {
            return Err(invalid(format!(
                "The metrics list must have at most {MOST_OF_A_SORT} elements with {sort}."
            )));
        }
    }
    let returned: Vec<&Value> =
        queries.iter().filter(|query| query.get("ReturnData").is_none_or(|flag| flag == true)).collect();
    check_returned(&returned, input.text("ThresholdMetricId"))?;
    let plain = |query: &&&Value| query.get("MetricStat").is_some() && query.get("AccountId").is_none();
    let watched = returned.first().filter(plain).filter(|_| queries.len() == 1).map(|query| flat(query));
    let period = |query: &Value| query.int("Period").or_else(|| query["MetricStat"].int("Period"));
    Ok(Queries { watched, periods: queries.iter().filter_map(period).collect() })
}

/// What the alarm watches: one query, and beside it the band if it has one. The texts:
/// hashicorp/terraform-provider-aws#29894 and #42504, which says which comes first, too.
fn check_returned(returned: &[&Value], band: Option<&str>) -> Result<(), ApiError> {
    match band {
        None if returned.len() == 1 => Ok(()),
        None => Err(invalid("Exactly one element of the metrics list should return data.")),
        Some(band) if !returned.iter().any(|query| query.text("Id") == Some(band)) => Err(invalid(
            "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter",
        )),
        Some(_) if returned.len() == 2 => Ok(()),
        Some(_) => Err(invalid("Exactly two elements of the metrics list should return data.")),
    }
}

fn check_stat(query: &Value) -> Result<(), ApiError> {
    if let Some(period) = query.int("Period") {
        check_period(period)?;
    }
    let Some(stat) = query.get("MetricStat") else { return Ok(()) };
    check_period(stat.int("Period").unwrap_or_default())?;
    statistic::check(stat.text("Stat").unwrap_or_default())?;
    for member in ["Namespace", "MetricName"] {
        if stat["Metric"].get(member).is_none() {
            return Err(invalid(format!("The Metric of a MetricStat must have a {member}.")));
        }
    }
    Ok(())
}

/// Checks the id of a query, and that it is a metric or an expression.
fn check_form(query: &Value) -> Result<(), ApiError> {
    let id = query.text("Id").unwrap_or_default();
    let sound = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !sound {
        return Err(invalid(format!(
            "The value {id} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$"
        )));
    }
    if query.get("MetricStat").is_some() == query.get("Expression").is_some() {
        return Err(invalid(format!("Exactly one of MetricStat and Expression must be specified in {id}.")));
    }
    Ok(())
}

/// Checks a query of GetMetricData.
///
/// # Errors
/// `ValidationError` for a malformed one, `UnsupportedFeatureException` for an expression or
/// another account.
pub(super) fn of_data(query: &Value) -> Result<(), ApiError> {
    check_form(query)?;
    if query.get("Expression").is_some() {
        return Err(not_simulated("A metric math or Metrics Insights expression"));
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
