//! One token bucket.

use super::category::Rate;
use crate::model::urgency::Urgency;
use std::time::Duration;
use tokio::time::Instant;

/// A throttled category never gets slower than this part of its share.
const SLOWEST: f64 = 1.0 / 16.0;

/// Part of the share that a throttled category gets back per second: from half to whole in a
/// minute.
const RECOVERY_PER_SECOND: f64 = 1.0 / 120.0;

/// Throttled answers within so many of AWS's seconds slow a category down once: calls in
/// flight together are refused together.
const SLOWED_ONCE_WITHIN_SECONDS: f64 = 1.0;

/// What of a burst each step of urgency leaves to those above it: one call in five, whole ones
/// only. Someone who mends what serves finds them there, whatever else is going on.
const KEPT_BACK: f64 = 0.2;

/// Tokens are added up from parts of seconds, so a whole one may be a little less.
const ROUNDING: f64 = 1e-6;

/// A bucket that fills at our share of a published rate.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    speed: f64,
    tokens: f64,
    pace: f64,
    filled: Instant,
    slowed: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(published: Rate, share: f64, speed: f64, now: Instant) -> Self {
        let rate =
            Rate { burst: (published.burst * share).max(1.0), refill: published.refill * share * speed };
        Self { rate, speed, tokens: rate.burst, pace: 1.0, filled: now, slowed: None }
    }

    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + seconds * self.rate.refill * self.pace).min(self.rate.burst);
        self.pace = (self.pace + seconds * self.speed * RECOVERY_PER_SECOND).min(1.0);
    }

    /// How long, on tokio's clock, until the last of so many callers of this urgency can be let go.
    pub(super) fn until(&mut self, calls: usize, urgency: Urgency, now: Instant) -> Duration {
        self.fill(now);
        let steps = match urgency {
            Urgency::Serving => 0.0,
            Urgency::Rollout => 1.0,
            Urgency::BringUp | Urgency::Look => 2.0,
        };
        let kept_back = steps * (self.rate.burst * KEPT_BACK).floor();
        let missing = calls as f64 + kept_back - self.tokens;
        if missing <= ROUNDING {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(missing / (self.rate.refill * self.pace))
    }

    /// Takes the token of a caller whose wait is over.
    pub(super) fn take(&mut self) {
        self.tokens -= 1.0;
    }

    /// Halves the rate, after a throttled answer.
    pub(super) fn slow_down(&mut self, now: Instant) {
        self.fill(now);
        let window = Duration::from_secs_f64(SLOWED_ONCE_WITHIN_SECONDS / self.speed);
        if self.slowed.is_some_and(|at| now.saturating_duration_since(at) < window) {
            return;
        }
        self.slowed = Some(now);
        self.pace = (self.pace / 2.0).max(SLOWEST);
        self.tokens = self.tokens.min(0.0);
    }
}
