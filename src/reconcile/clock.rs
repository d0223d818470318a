//! The one home of time.

use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Tells the time and waits. Everything that waits in the controller waits here, so that tests run
/// in tokio's paused time and the demo runs simulated time faster.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    speed: f64,
}

/// Where the time comes from.
#[derive(Clone)]
enum Source {
    /// The system's clock, read each time, so that corrections by NTP are followed.
    System,
    /// This time at this instant, and from then on tokio's time.
    Simulated(Timestamp, Instant),
    /// Whatever it says; it may jump, as the system's clock does.
    Given(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl Clock {
    /// The system's clock.
    pub fn real() -> Self {
        Self { source: Source::System, speed: 1.0 }
    }

    /// A clock that shows `base` now and runs `speed` times as fast as tokio's time.
    pub fn simulated(base: Timestamp, speed: f64) -> Self {
        Self { source: Source::Simulated(base, Instant::now()), speed }
    }

    /// A clock that shows what `now` says; waits last as long as they do by tokio's time, whatever
    /// it says meanwhile.
    pub fn given(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { source: Source::Given(Arc::new(now)), speed: 1.0 }
    }

    /// How many times faster than tokio's time it runs.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System => system_time(),
            Source::Simulated(base, start) => *base + start.elapsed().mul_f64(self.speed),
            Source::Given(now) => now(),
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

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::System => "system",
            Source::Simulated(..) => "simulated",
            Source::Given(_) => "given",
        };
        f.debug_struct("Clock").field("source", &source).field("speed", &self.speed).finish()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one home of the system's clock")]
fn system_time() -> Timestamp {
    Timestamp::now()
}
