//! Which deployments wait for AWS's request budget, and about how long they are going to.

use super::queue::Queue;
use crate::aws::Waiting;
use crate::model::ids::DeploymentName;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// A wait that is shorter is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// How fast deployments get over their beginning while more of them wait than may be begun at a
/// time.
#[derive(Debug, Default)]
pub struct BeginPace {
    since: Option<Instant>,
    over: u32,
}

impl BeginPace {
    /// Some are begun.
    pub fn begun(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// One is over its beginning: the next may begin.
    pub fn over(&mut self) {
        self.over = self.over.saturating_add(1);
    }

    /// Forgets what was, once none waits.
    fn rest(&mut self) {
        *self = Self::default();
    }

    /// What one takes, once enough were begun to tell.
    fn each(&self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.since?);
        (self.over > 0 && !passed.is_zero()).then(|| passed / self.over)
    }
}

/// How long each deployment is going to wait, on AWS's clock, which runs `speed` times as fast as
/// tokio's: those with a call in the line for the budget, and behind them those that are not begun
/// because of them.
pub fn waits(
    calls: &[Waiting],
    queue: &Queue,
    pace: &mut BeginPace,
    now: Instant,
    speed: f64,
) -> BTreeMap<DeploymentName, Duration> {
    let mut waits = BTreeMap::<DeploymentName, Duration>::new();
    for call in calls.iter().filter(|call| call.left + call.waited >= WORTH_TELLING) {
        for name in call.of.iter() {
            let known = waits.entry(name.clone()).or_default();
            *known = call.left.max(*known);
        }
    }
    let line = queue.in_line(now);
    let unbegun: Vec<_> = line.into_iter().filter(|(_, due)| due.rank.begins()).collect();
    if unbegun.is_empty() {
        pace.rest();
    }
    let Some(longest) = waits.values().max().copied() else { return waits };
    let each = pace.each(now).unwrap_or_default().mul_f64(speed);
    for (place, (name, _)) in (1..).zip(unbegun) {
        waits.insert(name.clone(), longest.max(each * place));
    }
    waits
}
