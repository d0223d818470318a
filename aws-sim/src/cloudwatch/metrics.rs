//! The values of metrics, by time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::MetricId;

/// How long data is kept, in seconds: as long as AWS keeps it in full.
const KEPT: i64 = 15 * 86_400;

/// What was measured within some span of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// How many values there were.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Each value and how often it occurred; `None` when it is not known.
    values: Option<Vec<(f64, f64)>>,
}

impl Sample {
    /// One value that occurred `count` times.
    pub(super) fn of(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, min: value, max: value, values: Some(vec![(value, count)]) }
    }

    /// A statistic set. It shows its values only when they are all equal.
    pub(super) fn set(count: f64, sum: f64, min: f64, max: f64) -> Self {
        let values = (min == max).then(|| vec![(min, count)]);
        Self { count, sum, min, max, values }
    }

    /// Takes another sample in.
    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&mut self.values, &other.values) {
            (Some(own), Some(more)) => {
                for (value, count) in more {
                    match own.iter_mut().find(|(known, _)| known == value) {
                        Some((_, sum)) => *sum += count,
                        None => own.push((*value, *count)),
                    }
                }
            }
            (own, _) => *own = None,
        }
    }

    /// The smallest value that `percent` percent of all values do not exceed (nearest rank).
    pub(super) fn percentile(&self, percent: f64) -> Option<f64> {
        let mut values = self.values.clone().filter(|_| self.min >= 0.0)?;
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rank = self.count * percent / 100.0;
        let mut passed = 0.0;
        let reached = values.iter().find(|(_, count)| {
            passed += count;
            passed >= rank
        });
        reached.or(values.last()).map(|(value, _)| *value)
    }
}

/// The samples of one metric: by second, then by unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    samples: BTreeMap<i64, BTreeMap<String, Sample>>,
}

impl Series {
    /// What was measured from `from` up to, but without, `to`, by unit; of one unit only if one is
    /// given.
    pub(super) fn within(&self, from: i64, to: i64, unit: Option<&str>) -> BTreeMap<&str, Sample> {
        let mut all: BTreeMap<&str, Sample> = BTreeMap::new();
        for (own, sample) in self.samples.range(from..to.max(from)).flat_map(|(_, units)| units) {
            if unit.is_none_or(|unit| unit == own) {
                all.entry(own).and_modify(|sum| sum.add(sample)).or_insert_with(|| sample.clone());
            }
        }
        all
    }

    /// The same, of all units together.
    pub(super) fn together(&self, from: i64, to: i64, unit: Option<&str>) -> Option<Sample> {
        self.within(from, to, unit).into_values().reduce(|mut sum, sample| {
            sum.add(&sample);
            sum
        })
    }

    /// Whether anything was measured at `from` or later.
    pub(super) fn has_since(&self, from: i64) -> bool {
        self.samples.range(from..).next().is_some()
    }
}

/// Where a sample belongs within its metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleKey<'a> {
    /// Its time, in seconds since 1970; it is rounded down to the resolution.
    pub at: i64,
    /// 1 or 60 seconds.
    pub resolution: i64,
    /// Its unit.
    pub unit: &'a str,
}

/// All metrics.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    series: BTreeMap<MetricId, Series>,
}

impl Metrics {
    /// Puts a sample, and forgets what is too old.
    pub(super) fn put(&mut self, now: Timestamp, metric: MetricId, key: &SampleKey<'_>, sample: &Sample) {
        let SampleKey { at, resolution, unit } = *key;
        let series = self.series.entry(metric).or_default();
        series.samples = series.samples.split_off(&(now.as_second() - KEPT));
        let units = series.samples.entry(at - at.rem_euclid(resolution)).or_default();
        match units.get_mut(unit) {
            Some(sum) => sum.add(sample),
            None => {
                units.insert(unit.to_owned(), sample.clone());
            }
        }
    }

    /// The samples of a metric.
    pub(super) fn get(&self, metric: &MetricId) -> Option<&Series> {
        self.series.get(metric)
    }

    /// All metrics, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&MetricId, &Series)> {
        self.series.iter()
    }
}
