//! What an alarm watches: a metric, its statistic and the rule for its periods.

use super::{
    MetricId,
    errors::invalid,
    evaluation::{Point, Rule},
    metrics::Series,
    statistic::Statistic,
};
use crate::error::ApiError;

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watch {
    /// The metric.
    pub metric: MetricId,
    /// The statistic of each period.
    pub statistic: Statistic,
    /// The statistic's name as it was given.
    pub statistic_name: String,
    /// The unit that values must have.
    pub unit: Option<String>,
    /// The length of a period, in seconds.
    pub period: i64,
    /// When periods count as breaching, and how many.
    pub rule: Rule,
    /// Whether the state stays when a percentile has too few values to mean something.
    pub ignores_low_counts: bool,
    /// For how many seconds after its creation the alarm is not evaluated, and whether not even
    /// when its periods are full of data.
    pub warm_up: Option<(i64, bool)>,
}

/// Whether an alarm's period, or the interval of its evaluation, can be so many seconds (API
/// reference, PutMetricAlarm, `Period` and `EvaluationInterval`).
pub(super) fn is_period(seconds: i64) -> bool {
    matches!(seconds, 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0)
}

/// A period that an alarm can have (API reference, `Period`).
///
/// # Errors
/// `ValidationError` for another.
pub(super) fn check_period(period: i64) -> Result<(), ApiError> {
    if is_period(period) { Ok(()) } else { Err(invalid("Period must be 10, 20, 30 or a multiple of 60")) }
}

impl Watch {
    /// Seconds between two evaluations: ten for periods below a minute, an hour when more than a
    /// day is evaluated, else a minute ("Alarm evaluation frequency").
    pub(super) fn interval(&self) -> i64 {
        match self.period {
            period if period < 60 => 10,
            period if period * self.rule.periods > 86_400 => 3600,
            _ => 60,
        }
    }

    /// How many periods an evaluation looks back: more than it needs, in case some are missing.
    pub(super) fn range(&self) -> i64 {
        self.rule.periods + 2
    }

    /// The newest periods before a time, newest first.
    pub(super) fn points(&self, at: i64, series: Option<&Series>) -> Vec<Option<Point>> {
        let point = |age: i64| {
            let from = at - age * self.period;
            let sample = series?.together(from, from + self.period, self.unit.as_deref())?;
            Some(Point { from, value: self.statistic.of(&sample)?, samples: sample.count })
        };
        (1..=self.range()).map(point).collect()
    }

    /// Whether an evaluation still waits so many seconds after creation: until the warm-up period
    /// ends, or the periods are full of data (API reference, `WarmUpConfiguration`).
    pub(super) fn is_warming_up(&self, age: i64, points: &[Option<Point>]) -> bool {
        let needed = usize::try_from(self.rule.periods).unwrap_or(usize::MAX);
        let full = points.iter().take(needed).all(Option::is_some);
        self.warm_up.is_some_and(|(seconds, waits_it_out)| age < seconds && (waits_it_out || !full))
    }

    /// Whether there are enough values for the statistic to mean something, where that matters.
    pub(super) fn has_enough(&self, points: &[Option<Point>]) -> bool {
        let samples: f64 = points.iter().flatten().map(|point| point.samples).sum();
        !self.ignores_low_counts || samples >= self.statistic.samples_needed()
    }
}
