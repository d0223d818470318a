//! CloudWatch: metrics, and alarms that watch them.
//!
//! Calls come in through [`Cloudwatch::handle`], in any of three protocols ([`read`] and
//! [`write`]). Alarms change by themselves: [`Cloudwatch::advance`] makes up for every evaluation
//! that is due, each at its own time.
//!
//! Reading order: `metrics` and `statistic` say what is measured, `alarm` what an alarm is,
//! `evaluation` how it is judged and `reason` what CloudWatch then says; `alarms`, `history`,
//! `publish`, `query` and `tags` answer the calls.
//!
//! Nobody publishes metrics here but the callers of PutMetricData and of [`Cloudwatch::publish`];
//! alarm actions are noted in the history and have no effect. Data of any resolution is kept for
//! fifteen days and found as soon as it is put.
//!
//! Alarms of every form are accepted and shown, but not all are evaluated: those on metric math,
//! Metrics Insights, anomaly detection, PromQL, another account, a wall clock window or an extended
//! statistic other than a percentile stay as they are until SetAlarmState or [`Cloudwatch::hold`].
//!
//! Not simulated, and refused by name: composite and log alarms, entities, and queries of
//! GetMetricData on anything but a metric.

mod alarm;
mod alarm_checks;
mod alarms;
mod errors;
mod evaluation;
mod history;
mod input;
mod metrics;
mod protocol;
mod publish;
mod query;
mod query_checks;
mod reason;
mod state;
mod statistic;
mod tags;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use self::errors::error_shape;
pub use self::protocol::{read, write};
use self::{
    alarm::Alarm,
    history::History,
    metrics::{Metrics, Sample, SampleKey},
    state::State,
};
use crate::{ctx::Ctx, error::ApiError};

/// CloudWatch in one account and region.
#[derive(Debug, Clone, Default)]
pub struct Cloudwatch {
    /// By name.
    alarms: BTreeMap<String, Alarm>,
    history: History,
    metrics: Metrics,
}

impl Cloudwatch {
    /// Answers an operation whose input was read by [`read`], with the members that awsJson would
    /// send.
    ///
    /// # Errors
    /// What AWS answers; see the modules of the operations. `UnsupportedFeatureException` for what
    /// is not simulated.
    pub fn handle(&mut self, ctx: &mut Ctx<'_>, operation: &str, input: &Value) -> Result<Value, ApiError> {
        match operation {
            "PutMetricAlarm" => self.put_metric_alarm(ctx, input),
            "DescribeAlarms" => self.describe_alarms(input),
            "DescribeAlarmsForMetric" => self.describe_alarms_for_metric(input),
            "DeleteAlarms" => self.delete_alarms(ctx, input),
            "SetAlarmState" => self.set_alarm_state(ctx, input),
            "EnableAlarmActions" => self.switch_alarm_actions(ctx, input, true),
            "DisableAlarmActions" => self.switch_alarm_actions(ctx, input, false),
            "DescribeAlarmHistory" => self.history.describe(input),
            "PutMetricData" => self.put_metric_data(ctx, input),
            "GetMetricStatistics" => self.get_metric_statistics(ctx, input),
            "GetMetricData" => self.get_metric_data(ctx, input),
            "ListMetrics" => self.list_metrics(ctx, input),
            "TagResource" => self.tag_resource(ctx, input),
            "UntagResource" => self.untag_resource(ctx, input),
            "ListTagsForResource" => self.list_tags_for_resource(ctx, input),
            other => Err(protocol::unknown_operation(other)),
        }
    }

    /// Evaluates every alarm as often as is due at `now`.
    pub fn advance(&mut self, now: Timestamp) {
        for (name, alarm) in &mut self.alarms {
            alarm.advance(name, now, &self.metrics, &mut self.history);
        }
    }

    /// Puts an alarm into a state and keeps it there, whatever its metric says, until it is put
    /// into another or `None` lets it be evaluated again: for tests of what an alarm brings about.
    ///
    /// # Errors
    /// `ValidationError` for an unknown state, `ResourceNotFound` for an unknown alarm.
    pub fn hold(&mut self, now: Timestamp, name: &str, state: Option<&str>) -> Result<(), ApiError> {
        let state = state.map(State::read).transpose()?;
        let alarm = self.alarms.get_mut(name).ok_or_else(|| errors::no_alarm(name))?;
        alarm.hold(name, state, now, &mut self.history);
        Ok(())
    }

    /// Whether an alarm is in ALARM at `now`; `None` when there is none of this name.
    pub(crate) fn is_in_alarm(&mut self, now: Timestamp, name: &str) -> Option<bool> {
        let alarm = self.alarms.get_mut(name)?;
        alarm.advance(name, now, &self.metrics, &mut self.history);
        Some(alarm.standing.state == State::Alarm)
    }

    /// How many seconds an alarm evaluates; `None` when there is none of this name, or it is not
    /// evaluated here.
    pub(crate) fn range_of_alarm(&self, name: &str) -> Option<i64> {
        self.alarms.get(name)?.seconds_evaluated()
    }

    /// Publishes a value as AWS's own services do: in any namespace, `AWS/ECS` and the like
    /// included.
    ///
    /// # Errors
    /// `ValidationError` for a unit that CloudWatch does not have.
    pub fn publish(
        &mut self,
        now: Timestamp,
        metric: MetricId,
        unit: &str,
        value: f64,
    ) -> Result<(), ApiError> {
        protocol::check_unit(unit)?;
        let key = SampleKey { at: now.as_second(), resolution: 60, unit };
        self.metrics.put(now, metric, &key, &Sample::of(value, 1.0));
        Ok(())
    }
}

/// What tells one metric from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricId {
    /// The namespace, such as `AWS/ECS`.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
}
