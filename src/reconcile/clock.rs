//! The one home of time.

use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Tells the time and waits. Everything that waits in the controller waits here, so that tests run in tokio's paused time
/// and the demo runs simulated time faster.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Time at `start`; `None` reads the system's clock each time, so that corrections by NTP are followed.
    base: Option<Timestamp>,
    start: Instant,
    speed: f64,
}

impl Clock {
    /// The system's clock.
    pub fn real() -> Self {
        Self { base: None, start: Instant::now(), speed: 1.0 }
    }

    /// A clock that shows `base` now and runs `speed` times as fast as tokio's time.
    pub fn simulated(base: Timestamp, speed: f64) -> Self {
        Self { base: Some(base), start: Instant::now(), speed }
    }

    /// How many times faster than tokio's time it runs.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self.base {
            Some(base) => base + self.start.elapsed().mul_f64(self.speed),
            None => system_time(),
        }
    }

    /// The instant of tokio's time at which so much of this clock's time will have passed.
    pub fn after(&self, duration: Duration) -> Instant {
        Instant::now() + duration.div_f64(self.speed)
    }

    /// Waits for so long by this clock.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep_until(self.after(duration)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one home of the system's clock")]
fn system_time() -> Timestamp {
    Timestamp::now()
}
