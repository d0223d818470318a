//! What an alarm watches: a metric, its statistic and the rule for its periods.

use super::{
    MetricId,
    evaluation::{Point, Rule},
    metrics::Series,
    statistic::Statistic,
};

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

    pub(super) fn has_enough(&self, points: &[Option<Point>]) -> bool {
        let samples: f64 = points.iter().flatten().map(|point| point.samples).sum();
        !self.ignores_low_counts || samples >= self.statistic.samples_needed()
    }
}
