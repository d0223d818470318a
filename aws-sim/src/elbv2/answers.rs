//! How a simulated target answers health checks.

/// What stands behind a target. Whoever registers a target says it; targets registered through the
/// API answer every check well from the start.
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
    /// Other ports that the same host answers on, for health checks that go elsewhere than the
    /// traffic.
    pub other_ports: Vec<u16>,
    /// It ceases to answer this many seconds after its registration. `None`: it answers for good.
    pub unhealthy_after: Option<f64>,
    /// It answers for this many seconds, then not for as many, and so on. `None`: it answers for
    /// good.
    pub flap_period: Option<f64>,
}

impl Default for TargetAnswers {
    fn default() -> Self {
        Self {
            never: false,
            healthy_after: 0.0,
            only_path: None,
            port: 0,
            other_ports: Vec::new(),
            unhealthy_after: None,
            flap_period: None,
        }
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
        let listens = self.port == 0 || self.port == port || self.other_ports.contains(&port);
        let awake = age >= self.healthy_after && self.unhealthy_after.is_none_or(|end| age < end);
        let flapped_off = self
            .flap_period
            .is_some_and(|period| period > 0.0 && ((age - self.healthy_after) / period).floor() % 2.0 != 0.0);
        match (&self.only_path, path) {
            _ if self.never || !listens || !awake || flapped_off => Probe::Silence,
            (Some(known), Some(asked)) if asked.split('?').next() != Some(known) => Probe::Status(404),
            _ => Probe::Status(200),
        }
    }

    /// The next age, after this one, at which it may begin or cease to answer. `None`: nothing
    /// changes any more.
    pub(super) fn next_change(&self, age: f64) -> Option<f64> {
        if self.never || self.unhealthy_after.is_some_and(|end| age >= end) {
            return None;
        }
        let flip = match self.flap_period.filter(|period| *period > 0.0) {
            _ if age < self.healthy_after => Some(self.healthy_after),
            Some(period) => {
                let flips = ((age - self.healthy_after) / period).floor() + 1.0;
                Some(self.healthy_after + flips * period)
            }
            None => None,
        };
        flip.into_iter().chain(self.unhealthy_after).reduce(f64::min)
    }
}
