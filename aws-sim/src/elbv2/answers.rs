//! How a simulated target answers health checks.

/// What stands behind a target. Whoever registers a target says it; targets registered through the API answer every
/// check well from the start.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetAnswers {
    /// It never answers.
    pub never: bool,
    /// It answers from this many seconds after its registration on.
    pub healthy_after: f64,
    /// It knows only this path and answers 404 on all others. `None`: every path is fine.
    pub only_path: Option<String>,
    /// The port it listens on; 0 stands for whichever port it is asked on.
    pub port: u16,
    /// It answers for this many seconds, then not for as many, and so on. `None`: it answers for good.
    pub flap_period: Option<f64>,
}

impl Default for TargetAnswers {
    fn default() -> Self {
        Self { never: false, healthy_after: 0.0, only_path: None, port: 0, flap_period: None }
    }
}

/// One probe's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// An HTTP status, or 200 for a TCP connection that was accepted.
    Status(u16),
    /// Nobody answered.
    Silence,
}

impl TargetAnswers {
    /// What a probe sees `age` seconds after the registration, on this port and (for HTTP) path.
    pub(super) fn probe(&self, age: f64, port: u16, path: Option<&str>) -> Probe {
        let asleep = self.never || age < self.healthy_after || (self.port != 0 && self.port != port);
        let flapped_off = self
            .flap_period
            .is_some_and(|period| period > 0.0 && ((age - self.healthy_after) / period).floor() % 2.0 != 0.0);
        match (&self.only_path, path) {
            _ if asleep || flapped_off => Probe::Silence,
            (Some(known), Some(asked)) if asked.split('?').next() != Some(known) => Probe::Status(404),
            _ => Probe::Status(200),
        }
    }

    /// The age in seconds from which on all further answers are the same, if there is one.
    pub(super) fn settled_at(&self) -> Option<f64> {
        if self.never {
            return Some(0.0);
        }
        self.flap_period.is_none_or(|p| p <= 0.0).then_some(self.healthy_after)
    }
}
