//! Simulated time: a start plus tokio's elapsed time, times a speed. The only home of clocks in
//! this crate.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Turns tokio's time into simulated time. In tests with paused time it stands still until the test
/// moves it.
#[derive(Debug, Clone, Copy)]
pub struct SimClock {
    base: Timestamp,
    started: tokio::time::Instant,
    speed: f64,
}

impl SimClock {
    /// A clock that shows `base` now and runs `speed` times as fast as tokio's.
    #[must_use]
    pub fn new(base: Timestamp, speed: f64) -> Self {
        Self { base, started: tokio::time::Instant::now(), speed }
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let seconds = self.started.elapsed().as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
        self.base.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Simulated seconds per real second.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Waits for a span of simulated time.
    #[expect(clippy::disallowed_methods, reason = "the one home of waiting in this crate")]
    pub async fn sleep(&self, span: Duration) {
        if !span.is_zero() {
            tokio::time::sleep(span.div_f64(self.speed)).await;
        }
    }
}

/// The time of the machine, for servers that shall begin today.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one home of the machine's clock in this crate")]
pub fn wall_now() -> Timestamp {
    Timestamp::now()
}
