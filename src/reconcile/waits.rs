//! Which deployments wait for AWS's request budget, and about how long they are going to.

use super::queue::Queue;
use crate::aws::Waiting;
use crate::model::ids::DeploymentName;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// A wait that is shorter is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// How fast deployments are begun while more of them wait than may be begun at a time.
#[derive(Debug, Default)]
pub struct BeginPace {
    since: Option<Instant>,
    begun: u32,
}

impl BeginPace {
    /// Counts deployments that are begun.
    pub fn begun(&mut self, now: Instant, number: usize) {
        self.since.get_or_insert(now);
        self.begun += u32::try_from(number).unwrap_or(u32::MAX);
    }

    /// Forgets what was, once none waits.
    fn rest(&mut self) {
        *self = Self::default();
    }

    /// What one takes, once enough were begun to tell.
    fn each(&self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.since?);
        (self.begun > 0 && !passed.is_zero()).then(|| passed / self.begun)
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
