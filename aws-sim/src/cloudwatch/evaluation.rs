//! How an alarm is judged: which state follows from its newest periods.
//!
//! The rules are those of the CloudWatch User Guide, "Configuring how CloudWatch alarms treat
//! missing data", whose tables are the tests below. Where its present edition says nothing (one
//! young breaching period among missing ones, which must not be an alarm yet), the state is what an
//! earlier edition's table shows: `INSUFFICIENT_DATA`.

use super::state::State;

/// When a value breaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `GreaterThanThreshold`.
    Greater,
    /// `GreaterThanOrEqualToThreshold`.
    GreaterOrEqual,
    /// `LessThanThreshold`.
    Less,
    /// `LessThanOrEqualToThreshold`.
    LessOrEqual,
}

impl Comparison {
    /// The comparison by AWS's name; `None` for those of anomaly detection.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "GreaterThanThreshold" => Self::Greater,
            "GreaterThanOrEqualToThreshold" => Self::GreaterOrEqual,
            "LessThanThreshold" => Self::Less,
            "LessThanOrEqualToThreshold" => Self::LessOrEqual,
            _ => return None,
        })
    }

    fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Greater => value > threshold,
            Self::GreaterOrEqual => value >= threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
        }
    }

    /// In AWS's words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Greater => "greater than",
            Self::GreaterOrEqual => "greater than or equal to",
            Self::Less => "less than",
            Self::LessOrEqual => "less than or equal to",
        }
    }
}

/// What a missing period counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// As breaching.
    Breaching,
    /// As not breaching.
    NotBreaching,
    /// The state stays.
    Ignore,
    /// As nothing.
    Missing,
}

/// When an alarm goes off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    /// When a period breaches.
    pub comparison: Comparison,
    /// What its value is compared with.
    pub threshold: f64,
    /// How many periods are evaluated.
    pub periods: i64,
    /// How many of them must breach.
    pub to_alarm: i64,
    /// What missing ones count as.
    pub missing: Treatment,
}

/// A period that has data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Its begin, in seconds since 1970.
    pub from: i64,
    /// The statistic.
    pub value: f64,
    /// How many values went into it.
    pub samples: f64,
}

/// What follows from some periods.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evaluation {
    /// The state; `None`: it stays.
    pub state: Option<State>,
    /// The periods that were considered, newest first.
    pub points: Vec<Point>,
    /// How many more had been needed.
    pub filled: i64,
}

impl Rule {
    /// Whether a value breaches.
    pub(super) fn breaches(&self, value: f64) -> bool {
        self.comparison.breaches(value, self.threshold)
    }

    fn by_count(&self, breaching: i64) -> Option<State> {
        Some(if breaching >= self.to_alarm { State::Alarm } else { State::Ok })
    }
}

/// Evaluates the newest periods, newest first; `None` stands for a missing one.
pub(super) fn evaluate(periods: &[Option<Point>], rule: &Rule) -> Evaluation {
    let mut present: Vec<(i64, Point)> =
        (1..).zip(periods).filter_map(|(age, point)| Some((age, (*point)?))).collect();
    // Older periods only stand in for missing ones.
    present.truncate(usize::try_from(rule.periods).unwrap_or(usize::MAX));
    let count = |present: &[(i64, Point)]| i64::try_from(present.len()).unwrap_or(i64::MAX);
    let filled = rule.periods - count(&present);
    let breaching = present.iter().filter(|(_, point)| rule.breaches(point.value)).count();
    let breaching = i64::try_from(breaching).unwrap_or(i64::MAX);
    let only_breaching = breaching == count(&present);
    let oldest = present.last().map_or(0, |(age, _)| *age);
    let state = match rule.missing {
        _ if filled <= 0 => rule.by_count(breaching),
        Treatment::Breaching => rule.by_count(breaching + filled),
        Treatment::NotBreaching => rule.by_count(breaching),
        _ if !only_breaching || breaching >= rule.to_alarm => rule.by_count(breaching),
        Treatment::Ignore => None,
        // The oldest period that is there breaches, long enough ago, and nothing since has denied
        // it.
        Treatment::Missing if oldest >= rule.to_alarm => Some(State::Alarm),
        Treatment::Missing => Some(State::InsufficientData),
    };
    Evaluation { state, points: present.into_iter().map(|(_, point)| point).collect(), filled: filled.max(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREATMENTS: [Treatment; 4] =
        [Treatment::Missing, Treatment::Ignore, Treatment::Breaching, Treatment::NotBreaching];

    /// Evaluates periods as AWS's tables draw them: oldest first, `0` within, `X` beyond, `-`
    /// missing.
    fn states(drawn: &str, to_alarm: i64) -> [&'static str; 4] {
        let value = |c| match c {
            '0' => Some(0.0),
            'X' => Some(9.0),
            _ => None,
        };
        let periods: Vec<Option<Point>> = drawn
            .chars()
            .rev()
            .map(|c| value(c).map(|value| Point { from: 0, value, samples: 1.0 }))
            .collect();
        TREATMENTS.map(|missing| {
            let comparison = Comparison::Greater;
            let rule = Rule { comparison, threshold: 5.0, periods: 3, to_alarm, missing };
            evaluate(&periods, &rule).state.map_or("stays", State::name)
        })
    }

    #[test]
    fn three_out_of_three_are_judged_as_awss_table_says() {
        let unknown = "INSUFFICIENT_DATA";
        assert_eq!(states("0-X-X", 3), ["OK", "OK", "OK", "OK"]);
        assert_eq!(states("0----", 3), ["OK", "OK", "OK", "OK"]);
        assert_eq!(states("-----", 3), [unknown, "stays", "ALARM", "OK"]);
        assert_eq!(states("0XX-X", 3), ["ALARM", "ALARM", "ALARM", "ALARM"]);
        assert_eq!(states("--X--", 3), ["ALARM", "stays", "ALARM", "OK"]);
        assert_eq!(states("X----", 3), ["ALARM", "stays", "ALARM", "OK"]);
    }

    #[test]
    fn two_out_of_three_are_judged_as_awss_table_says() {
        assert_eq!(states("0-X-X", 2), ["ALARM", "ALARM", "ALARM", "ALARM"]);
        assert_eq!(states("00X0X", 2), ["ALARM", "ALARM", "ALARM", "ALARM"]);
        assert_eq!(states("0-X--", 2), ["OK", "OK", "ALARM", "OK"]);
        assert_eq!(states("----0", 2), ["OK", "OK", "ALARM", "OK"]);
        assert_eq!(states("---X-", 2), ["ALARM", "stays", "ALARM", "OK"]);
    }

    #[test]
    fn one_young_breaching_period_is_no_alarm_yet() {
        for drawn in ["----X", "---X-"] {
            assert_eq!(states(drawn, 3), ["INSUFFICIENT_DATA", "stays", "ALARM", "OK"], "{drawn}");
        }
    }

    #[test]
    fn thresholds_themselves_breach_only_where_they_are_included() {
        let breaches = |name: &str| Comparison::named(name).unwrap().breaches(5.0, 5.0);
        assert!(breaches("GreaterThanOrEqualToThreshold") && breaches("LessThanOrEqualToThreshold"));
        assert!(!breaches("GreaterThanThreshold") && !breaches("LessThanThreshold"));
        assert_eq!(Comparison::named("GreaterThanUpperThreshold"), None);
    }
}
