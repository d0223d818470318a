//! How and when a secret rotates.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::input::{self, text};
use super::{invalid_parameter, invalid_request};
use crate::ctx::epoch;
use crate::error::ApiError;

/// How and when a secret rotates.
#[derive(Debug, Clone, Default)]
pub(super) struct Rotation {
    pub enabled: bool,
    pub lambda: Option<String>,
    pub rules: Option<Value>,
    /// Days between two rotations, from the rules.
    pub days: Option<i64>,
    pub last: Option<Timestamp>,
    pub next: Option<Timestamp>,
    /// The version that is being prepared, and when it comes into use.
    pub pending: Option<(String, Timestamp)>,
}

impl Rotation {
    /// The members of a secret's description that concern rotation.
    pub(super) fn view(&self) -> Vec<(&'static str, Value)> {
        let ever = self.enabled || self.lambda.is_some();
        vec![
            ("RotationEnabled", if ever { json!(self.enabled) } else { Value::Null }),
            ("RotationLambdaARN", json!(self.lambda)),
            ("RotationRules", self.rules.clone().unwrap_or(Value::Null)),
            ("LastRotatedDate", self.last.map_or(Value::Null, epoch)),
            ("NextRotationDate", self.next.filter(|_| self.enabled).map_or(Value::Null, epoch)),
        ]
    }

    /// Takes what RotateSecret says over; a secret that another service owns needs no function.
    pub(super) fn configure(&mut self, input: &Value, owned: bool) -> Result<(), ApiError> {
        let lambda = text(input, "RotationLambdaARN")
            .filter(|l| !l.is_empty())
            .map(str::to_owned)
            .or(self.lambda.clone());
        if lambda.is_none() && !owned {
            return Err(invalid_request("No Lambda rotation function ARN is associated with this secret."));
        }
        if let Some(rules) = input.get("RotationRules").filter(|r| r.is_object()) {
            self.days = Some(days_of(rules)?);
            self.rules = Some(rules.clone());
        }
        self.lambda = lambda;
        self.enabled = true;
        Ok(())
    }
}

/// Days between rotations: `AutomaticallyAfterDays`, or a `rate(…)` expression. A `cron(…)`
/// expression has no fixed distance; it counts as one day.
fn days_of(rules: &Value) -> Result<i64, ApiError> {
    let days = input::number(rules, "AutomaticallyAfterDays");
    let Some(expression) = text(rules, "ScheduleExpression") else {
        return days
            .ok_or_else(|| invalid_parameter("You must specify a rotation schedule in RotationRules."));
    };
    if days.is_some() {
        return Err(invalid_parameter(
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression.",
        ));
    }
    if expression.starts_with("cron(") && expression.ends_with(')') {
        return Ok(1);
    }
    let rate =
        expression.strip_prefix("rate(").and_then(|r| r.strip_suffix(')')).and_then(|r| r.split_once(' '));
    match rate.map(|(count, unit)| (count.parse::<i64>(), unit)) {
        Some((Ok(count), "day" | "days")) if count > 0 => Ok(count),
        Some((Ok(count), "hour" | "hours")) if count > 0 => Ok((count + 23) / 24),
        _ => Err(invalid_parameter(format!("Invalid ScheduleExpression: {expression}"))),
    }
}
