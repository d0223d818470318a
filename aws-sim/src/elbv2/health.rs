//! The health of one target, computed from its past instead of being simulated probe by probe.
//!
//! A newly registered target becomes healthy with its first good probe: "After your target is
//! registered, it must pass one health check to be considered healthy" (Elastic Load Balancing user
//! guide, and the ECS guide on load balancer health check parameters). The thresholds decide only
//! about changes after that: `UnhealthyThresholdCount` bad probes in a row make a target unhealthy,
//! `HealthyThresholdCount` good ones bring an unhealthy one back.

use jiff::Timestamp;

use super::answers::{Probe, TargetAnswers};
use super::checks::HealthCheck;

/// Seconds from registration until the load balancer's nodes know the target and send the first
/// probe.
const REGISTRATION_SECONDS: f64 = 2.0;

/// Flapping targets are followed over this many of their latest probes; older ones no longer
/// matter.
const REMEMBERED_PROBES: u64 = 512;

/// More probes than any threshold (10 at most) asks for.
const ENOUGH: u64 = 12;

/// What the load balancer thinks of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Registered, not yet judged. The flag is true until the first probe.
    Initial { registering: bool },
    /// Receives traffic.
    Healthy,
    /// Failed its checks; the last bad probe says how.
    Unhealthy(Probe),
}

/// A target's past as far as it matters: since when, and from which state, its present settings
/// apply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Epoch {
    /// When the first probe under the present settings is due.
    pub first_probe: Timestamp,
    /// The state before that probe.
    pub state: State,
}

impl Epoch {
    /// The past of a target that begins its initial checks now.
    pub(super) fn initial(now: Timestamp) -> Self {
        Self { first_probe: after(now, REGISTRATION_SECONDS), state: State::Initial { registering: true } }
    }

    /// The past of a target whose settings change now: it keeps its state and is probed anew.
    pub(super) fn carried(now: Timestamp, state: State) -> Self {
        Self { first_probe: after(now, 1.0), state }
    }
}

/// A target as the probes see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probed<'a> {
    pub registered: Timestamp,
    pub epoch: Epoch,
    pub answers: &'a TargetAnswers,
    pub port: u16,
}

/// The state of a target at `now`.
///
/// **Guarantees**: the cost does not grow with the target's age. Probes that are answered alike are
/// evaluated together, and no more of them than any threshold asks for.
pub(super) fn state(check: &HealthCheck, target: Probed<'_>, now: Timestamp) -> State {
    if now < target.epoch.first_probe {
        return target.epoch.state;
    }
    let interval = as_f64(u64::try_from(check.interval).unwrap_or(30).max(1));
    let start = seconds(target.registered, target.epoch.first_probe);
    let last = whole(seconds(target.epoch.first_probe, now) / interval);
    let mut counter = HealthCounter::new(target.epoch.state);
    let mut index = match target.answers.flap_period {
        Some(_) => last.saturating_sub(REMEMBERED_PROBES),
        None => 0,
    };
    while index <= last {
        let age = start + as_f64(index) * interval;
        let probe = target.answers.probe(age, check.port_for(target.port), check.path.as_deref());
        let change = target.answers.next_change(age).map(|at| whole(((at - start) / interval).ceil()));
        let end = change.unwrap_or(u64::MAX).clamp(index + 1, last + 1);
        for _ in index..end.min(index + ENOUGH) {
            counter.see(check, probe);
        }
        index = end;
    }
    counter.state
}

/// Counts probes in a row.
struct HealthCounter {
    state: State,
    good: i64,
    bad: i64,
}

impl HealthCounter {
    fn new(state: State) -> Self {
        Self { state, good: 0, bad: 0 }
    }

    fn see(&mut self, check: &HealthCheck, probe: Probe) {
        let passed = matches!(probe, Probe::Status(status) if check.accepts(status));
        (self.good, self.bad) = if passed { (self.good + 1, 0) } else { (0, self.bad + 1) };
        self.state = match self.state {
            State::Initial { .. } if passed => State::Healthy,
            State::Unhealthy(_) if passed && self.good >= check.healthy => State::Healthy,
            State::Initial { .. } | State::Healthy if self.bad >= check.unhealthy => State::Unhealthy(probe),
            State::Unhealthy(_) if !passed => State::Unhealthy(probe),
            State::Initial { .. } => State::Initial { registering: false },
            same => same,
        };
    }
}

/// Seconds from one time to another.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// A time some seconds later.
pub(super) fn after(at: Timestamp, secs: f64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs_f64(secs)).unwrap_or(Timestamp::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float saturates as an integer, which is meant"
)]
fn whole(n: f64) -> u64 {
    n as u64
}

#[expect(clippy::cast_precision_loss, reason = "probe counts and intervals are far below 2^53")]
fn as_f64(n: u64) -> f64 {
    n as f64
}
