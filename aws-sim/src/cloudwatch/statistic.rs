//! Statistics: what they are called, and what they make of samples.

use super::{
    errors::{invalid, not_simulated},
    metrics::Sample,
};
use crate::error::ApiError;

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statistic {
    /// How many values there were.
    SampleCount,
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// The value that so many percent of the values do not exceed.
    Percentile(f64),
}

/// Beginnings of the extended statistics that AWS knows beside percentiles.
const OTHERS: [&str; 10] = ["tm", "tc", "ts", "wm", "IQM", "PR(", "TC(", "TM(", "TS(", "WM("];

/// Whether AWS has a statistic of this name, simulated or not.
///
/// # Errors
/// `ValidationError` if not.
pub(super) fn check(name: &str) -> Result<(), ApiError> {
    match Statistic::named(name) {
        Err(error) if error.code == "ValidationError" => Err(error),
        _ => Ok(()),
    }
}

impl Statistic {
    /// The statistic by its name, such as `Average` or `p99.9`.
    ///
    /// # Errors
    /// `UnsupportedFeatureException` for the extended statistics that are not simulated,
    /// `ValidationError` for what AWS does not know either.
    pub(super) fn named(name: &str) -> Result<Self, ApiError> {
        let percent = name.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
        Ok(match name {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => match percent {
                Some(percent) if (0.0..=100.0).contains(&percent) => Self::Percentile(percent),
                _ if OTHERS.iter().any(|start| name.starts_with(start)) => {
                    return Err(not_simulated(&format!("The statistic {name}")));
                }
                _ => return Err(invalid(format!("Invalid statistic: {name}"))),
            },
        })
    }

    /// Its value for a sample. `None` where AWS has no percentile: when only a statistic set was
    /// put, or a value is negative.
    pub(super) fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::SampleCount => Some(sample.count),
            Self::Average => Some(sample.sum / sample.count),
            Self::Sum => Some(sample.sum),
            Self::Minimum => Some(sample.min),
            Self::Maximum => Some(sample.max),
            Self::Percentile(percent) => sample.percentile(percent),
        }
    }

    /// How many values AWS wants for a percentile to mean something: ten beyond it
    /// ("Percentile-based alarms and low data samples"). Zero for the other statistics.
    pub(super) fn samples_needed(self) -> f64 {
        match self {
            Self::Percentile(percent) => 10.0 / (percent.min(100.0 - percent) / 100.0),
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_known_by_name_and_others_are_refused_by_name() {
        assert_eq!(Statistic::named("p99.9").unwrap(), Statistic::Percentile(99.9));
        assert_eq!(Statistic::named("tm90").unwrap_err().code, "UnsupportedFeatureException");
        for odd in ["p101", "average", "p", ""] {
            assert_eq!(Statistic::named(odd).unwrap_err().code, "ValidationError", "{odd}");
        }
    }

    #[test]
    fn a_percentile_is_a_value_that_was_put() {
        let mut sample = Sample::of(1.0, 90.0);
        sample.add(&Sample::of(7.0, 10.0));
        let percentile = |percent| Statistic::Percentile(percent).of(&sample).unwrap();
        assert_eq!(
            (percentile(0.0), percentile(90.0), percentile(91.0), percentile(100.0)),
            (1.0, 1.0, 7.0, 7.0)
        );
        assert_eq!(Statistic::Average.of(&sample), Some(1.6));
        sample.add(&Sample::of(-1.0, 1.0));
        assert_eq!(Statistic::Percentile(50.0).of(&sample), None);
        assert!((Statistic::Percentile(99.0).samples_needed() - 1000.0).abs() < 1e-6);
    }
}
