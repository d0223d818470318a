//! PutMetricData.

use serde_json::{Value, json};

use super::{
    Cloudwatch, MetricId,
    errors::{bad_combination, bad_value, missing, not_simulated},
    input::{metric, number, time},
    metrics::{Sample, SampleKey},
};
use crate::{ctx::Ctx, error::ApiError, fields::Fields};

/// Limits of one call and one datum, from the API reference.
const MOST_DATA: usize = 1000;
const MOST_VALUES: usize = 150;
/// Values must lie between this and its negative: 2^360.
const LARGEST: f64 = 2.348_542_582_773_833_4e108;
/// How old a datum may be, and how far in the future, in seconds.
const OLDEST: f64 = 14.0 * 86_400.0;
const NEWEST: f64 = 2.0 * 3600.0;

/// A datum that was found in order.
struct Datum {
    metric: MetricId,
    at: i64,
    resolution: i64,
    unit: String,
    samples: Vec<Sample>,
}

impl Cloudwatch {
    /// Puts all data, or none when one of them is wrong.
    pub(super) fn put_metric_data(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        for member in ["EntityMetricData", "StrictEntityValidation"] {
            if input.get(member).is_some() {
                return Err(not_simulated(&format!("PutMetricData with {member}")));
            }
        }
        let namespace = input.text("Namespace").unwrap_or_default();
        // AWS keeps the namespaces of its own services to itself.
        if namespace.starts_with(':') || namespace.starts_with("AWS/") {
            return Err(bad_value(format!("The value {namespace} for parameter Namespace is invalid.")));
        }
        let data = input.items("MetricData");
        if data.is_empty() {
            return Err(missing("MetricData"));
        }
        if data.len() > MOST_DATA {
            let text = format!("The collection MetricData must not have a size greater than {MOST_DATA}.");
            return Err(bad_value(text));
        }
        let read = |(number, datum): (usize, &Value)| {
            let path = format!("MetricData.member.{number}");
            Datum::read(ctx, namespace, datum, &path)
        };
        let data = (1..).zip(data).map(read).collect::<Result<Vec<Datum>, ApiError>>()?;
        for Datum { metric, at, resolution, unit, samples } in data {
            for sample in &samples {
                let key = SampleKey { at, resolution, unit: &unit };
                self.metrics.put(ctx.now, metric.clone(), &key, sample);
            }
        }
        Ok(json!({}))
    }
}

impl Datum {
    fn read(ctx: &Ctx<'_>, namespace: &str, datum: &Value, path: &str) -> Result<Self, ApiError> {
        let mut metric = metric(datum).map_err(|error| bad_value(error.message))?;
        metric.namespace = namespace.to_owned();
        let resolution = datum.int("StorageResolution").unwrap_or(60);
        if !matches!(resolution, 1 | 60) {
            let text = format!("The value {resolution} for parameter {path}.StorageResolution is invalid.");
            return Err(bad_value(text));
        }
        let now = ctx.now.as_millisecond() as f64 / 1000.0;
        let at = time(datum, "Timestamp")?.unwrap_or(now);
        if at < now - OLDEST {
            let text =
                format!("The parameter {path}.Timestamp must specify a time within the past two weeks.");
            return Err(bad_value(text));
        }
        if at > now + NEWEST {
            let text = format!(
                "The parameter {path}.Timestamp must specify a time no more than two hours in the future."
            );
            return Err(bad_value(text));
        }
        let unit = datum.text("Unit").unwrap_or("None").to_owned();
        Ok(Self { metric, at: at.floor() as i64, resolution, unit, samples: samples(datum, path)? })
    }
}

fn samples(datum: &Value, path: &str) -> Result<Vec<Sample>, ApiError> {
    let given: Vec<&str> = ["Value", "Values", "StatisticValues"]
        .into_iter()
        .filter(|member| datum.get(*member).is_some())
        .collect();
    match given.as_slice() {
        ["Value"] => {
            let value = number(datum, "Value").unwrap_or(f64::NAN);
            Ok(vec![Sample::of(in_range(value, &format!("{path}.Value"))?, 1.0)])
        }
        ["Values"] => values(datum, path),
        [_] => Ok(vec![statistic_set(&datum["StatisticValues"], path)?]),
        [one, other, ..] => Err(bad_combination(format!(
            "The parameters {path}.{one} and {path}.{other} are mutually exclusive and you have specified both."
        ))),
        [] => Err(missing(&format!("{path}.Value"))),
    }
}

fn values(datum: &Value, path: &str) -> Result<Vec<Sample>, ApiError> {
    let values = numbers(datum.items("Values"), &format!("{path}.Values"))?;
    if values.is_empty() || values.len() > MOST_VALUES {
        let text = format!("The collection {path}.Values must have between 1 and {MOST_VALUES} values.");
        return Err(bad_value(text));
    }
    let counts = match datum.get("Counts") {
        None => vec![1.0; values.len()],
        Some(_) => numbers(datum.items("Counts"), &format!("{path}.Counts"))?,
    };
    if counts.len() != values.len() {
        let text = format!("The parameters {path}.Values and {path}.Counts must be of the same size.");
        return Err(bad_value(text));
    }
    if counts.iter().any(|count| *count <= 0.0) {
        return Err(bad_value(format!("The values of {path}.Counts must be greater than zero.")));
    }
    Ok(values.into_iter().zip(counts).map(|(value, count)| Sample::of(value, count)).collect())
}

fn statistic_set(set: &Value, path: &str) -> Result<Sample, ApiError> {
    let member = |name: &str| {
        in_range(number(set, name).unwrap_or(f64::NAN), &format!("{path}.StatisticValues.{name}"))
    };
    let (count, sum) = (member("SampleCount")?, member("Sum")?);
    let (min, max) = (member("Minimum")?, member("Maximum")?);
    if count <= 0.0 {
        let text =
            format!("The value for parameter {path}.StatisticValues.SampleCount must be greater than zero.");
        return Err(bad_value(text));
    }
    if min > max {
        return Err(bad_combination(format!(
            "The parameter {path}.StatisticValues.Minimum must be less than or equal to {path}.StatisticValues.Maximum."
        )));
    }
    Ok(Sample::set(count, sum, min, max))
}

fn numbers(items: &[Value], path: &str) -> Result<Vec<f64>, ApiError> {
    items.iter().map(|item| in_range(item.as_f64().unwrap_or(f64::NAN), path)).collect()
}

fn in_range(value: f64, path: &str) -> Result<f64, ApiError> {
    // The comparison fails for what is not a number, too.
    if value.abs() <= LARGEST {
        return Ok(value);
    }
    Err(bad_value(format!("The value {value} for parameter {path} is invalid.")))
}
