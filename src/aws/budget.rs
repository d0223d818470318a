//! How many calls we may make: one token bucket per throttling category of AWS, account and region.
//!
//! AWS throttles per account and region, so whatever Evenkeel uses up is missing for people, deploy
//! pipelines and ECS's own consoles. By default it takes a quarter of each published rate and
//! leaves the rest alone. All workers share the buckets. Who waits for one is served by
//! [`Urgency`], of these what was begun before what was not, and then in the order of coming; of
//! its burst a part is left to those who are more urgent, so that they need not wait. Every minute
//! of waiting makes one more urgent, up to a rollout, whether it was begun or not. When AWS
//! throttles nevertheless, because others use the account too, the category's rate is halved and
//! grows back slowly; other categories do not slow down.
//!
//! **Guarantees**: over any span the calls of a category are at most `share × (burst + refill ×
//! span)`; a caller who is dropped while it waits has used nothing.
//! **Assumes**: waiting is on tokio's clock, paused in tests; a `speed` above 1 makes that clock
//! stand for a faster one.

mod bucket;
mod category;
mod line;
mod shares;

pub use category::{Category, Rate};
pub use line::Waiting;
pub use shares::Shares;

use crate::model::ids::DeploymentName;
use crate::model::urgency::Urgency;
use bucket::Bucket;
use category::ELB_ALL;
use line::{Line, Turn};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A caller who waits asks after so many seconds of tokio's clock whether the call is still wanted.
const WANTED_CHECK: Duration = Duration::from_secs(1);

/// What of the published rates may be used, and how fast time runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Parts of AWS's published rates; `None` turns the budget off.
    pub share: Option<Shares>,
    /// Seconds of AWS's time per second of tokio's clock; 1 in production.
    pub speed: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { share: Some(0.25.into()), speed: 1.0 }
    }
}

/// For whom a call is made.
#[derive(Clone, Debug)]
pub struct Caller {
    /// How urgent it is.
    pub urgency: Urgency,
    /// Whether it would begin something: what was begun is finished before.
    pub unbegun: bool,
    /// The deployments that wait for it.
    pub of: Arc<[DeploymentName]>,
}

impl Default for Caller {
    fn default() -> Self {
        Self { urgency: Urgency::default(), unbegun: false, of: Arc::new([]) }
    }
}

/// What was used of one category.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CategoryUse {
    /// Attempts that were let go.
    pub calls: u64,
    /// Attempts that had to wait first.
    pub waits: u64,
    /// How long they waited in all, on tokio's clock.
    pub waited: Duration,
    /// Throttled answers.
    pub throttles: u64,
}

/// What was used of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationUse {
    /// Attempts that were let go.
    pub calls: u64,
    /// Throttled answers.
    pub throttles: u64,
    /// Other failed attempts.
    pub failures: u64,
}

/// Counters of one account and region, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// By category; only those used so far.
    pub categories: BTreeMap<Category, CategoryUse>,
    /// By operation, such as `ecs:DescribeServices`.
    pub operations: BTreeMap<&'static str, OperationUse>,
    /// Attempts that failed otherwise than by throttling, by operation and by the code that AWS or
    /// the connection gave.
    pub errors: BTreeMap<(&'static str, String), u64>,
}

/// What came of an attempt, for the counters and the pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// AWS answered as asked.
    Success,
    /// AWS throttled it.
    Throttled,
    /// Anything else.
    Failure(String),
}

/// A code as a label: what is none, such as a page of a proxy, is not let into the metrics.
fn error_label(code: String) -> String {
    let is_code = !code.is_empty()
        && code.len() <= 64
        && code.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    if is_code { code } else { "Other".to_owned() }
}

/// The buckets of one account and region.
#[derive(Debug)]
pub struct Budget {
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    line: Line,
    usage: Usage,
}

/// A caller's place in the line, which it leaves whatever becomes of it.
struct Place<'a> {
    budget: &'a Budget,
    number: u64,
    category: Category,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        let waited = state.line.leave(self.number, Instant::now(), self.budget.pace.speed);
        if !waited.is_zero() {
            let used = state.usage.categories.entry(self.category).or_default();
            used.waits += 1;
            used.waited += waited;
        }
    }
}

impl Budget {
    /// Full buckets. A speed that is not positive is taken as 1.
    pub fn new(pace: Pace) -> Self {
        let speed = if pace.speed > 0.0 { pace.speed } else { 1.0 };
        Self { pace: Pace { speed, ..pace }, state: Mutex::default() }
    }

    /// Waits until an attempt may go out, and counts it. `wanted` is asked now, every second of the
    /// wait, and at its end; false ends the wait, and the answer is false: the attempt must not go
    /// out.
    pub async fn take(
        &self,
        category: Category,
        operation: &'static str,
        caller: &Caller,
        wanted: impl Fn() -> bool,
    ) -> bool {
        if !wanted() {
            return false;
        }
        let wake = Arc::new(Notify::new());
        let Some(place) = self.enter(category, caller, &wake) else {
            self.let_go(category, operation);
            return true;
        };
        loop {
            let now = Instant::now();
            let turn = self.lock().line.turn(place.number, now, self.pace.speed);
            let wait = match turn {
                Turn::Now => break,
                Turn::After(wait) => wait.min(WANTED_CHECK),
                Turn::AfterAnother => WANTED_CHECK,
            };
            // Not `Clock::sleep`: the buckets already run at the pace of AWS's time.
            let _ = tokio::time::timeout_at(now + wait, wake.notified()).await;
            if !wanted() {
                return false;
            }
        }
        self.let_go(category, operation);
        true
    }

    /// Counts what came of an attempt; a throttled one halves the category's rate.
    pub fn record(&self, category: Category, operation: &'static str, outcome: AttemptOutcome) {
        let mut state = self.lock();
        let used = state.usage.operations.entry(operation).or_default();
        match outcome {
            AttemptOutcome::Success => return,
            AttemptOutcome::Failure(code) => {
                used.failures += 1;
                *state.usage.errors.entry((operation, error_label(code))).or_default() += 1;
                return;
            }
            AttemptOutcome::Throttled => used.throttles += 1,
        }
        state.usage.categories.entry(category).or_default().throttles += 1;
        if let Some(bucket) = state.line.bucket(category) {
            bucket.slow_down(Instant::now());
        }
    }

    /// The counters so far.
    pub fn usage(&self) -> Usage {
        self.lock().usage.clone()
    }

    /// The calls that wait now, the next one first.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.lock().line.waiting(Instant::now(), self.pace.speed)
    }

    /// The place of a caller in the line; none when there is no budget to wait for.
    fn enter(&self, category: Category, caller: &Caller, wake: &Arc<Notify>) -> Option<Place<'_>> {
        let (shares, speed, now) = (self.pace.share.as_ref()?, self.pace.speed, Instant::now());
        let line = &mut self.lock().line;
        line.open(
            category,
            || Bucket::new(category.published(), shares.of(category), speed, now),
            || Bucket::new(ELB_ALL, shares.of_elb(), speed, now),
        );
        let number = line.enter(category, caller, Arc::clone(wake), now);
        Some(Place { budget: self, number, category })
    }

    fn let_go(&self, category: Category, operation: &'static str) {
        let usage = &mut self.lock().usage;
        usage.operations.entry(operation).or_default().calls += 1;
        usage.categories.entry(category).or_default().calls += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters and buckets are whole between statements, so a panic elsewhere cannot have left
        // them half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OP: &str = "ecs:Test";

    fn anybody() -> Caller {
        Caller::default()
    }

    async fn seconds_for(budget: &Budget, category: Category, calls: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..calls {
            assert!(budget.take(category, OP, &anybody(), || true).await);
        }
        start.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_the_burst_is_free_and_then_a_quarter_of_the_rate_flows() {
        let budget = Budget::new(Pace::default());
        assert_eq!(seconds_for(&budget, Category::EcsServiceRead, 25).await, 0.0);
        let next = seconds_for(&budget, Category::EcsServiceRead, 50).await;
        assert!((9.9..10.2).contains(&next), "{next}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_published_rate_of_a_category_is_its_floor_for_a_fleet() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        let all = seconds_for(&budget, Category::EcsDefinitionWrite, 1000).await;
        assert!((979.0..982.0).contains(&all), "{all}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_elb_action_also_counts_in_the_bucket_of_all_of_them() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        assert_eq!(seconds_for(&budget, Category::ElbRead, 30).await, 0.0);
        // Ten are left for all actions, so twenty writes that would be free by themselves wait a
        // second.
        let writes = seconds_for(&budget, Category::ElbWrite, 20).await;
        assert!((0.9..1.1).contains(&writes), "{writes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_category_slows_down_alone_and_recovers() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        budget.take(Category::EcsServiceRead, OP, &anybody(), || true).await;
        budget.record(Category::EcsServiceRead, OP, AttemptOutcome::Throttled);
        budget.record(Category::EcsServiceRead, OP, AttemptOutcome::Throttled);
        let slow = seconds_for(&budget, Category::EcsServiceRead, 20).await;
        assert!((1.8..2.1).contains(&slow), "half of 20 a second: {slow}");
        assert_eq!(seconds_for(&budget, Category::EcsTaskRead, 100).await, 0.0);

        tokio::time::advance(Duration::from_secs(120)).await;
        seconds_for(&budget, Category::EcsServiceRead, 100).await;
        let healed = seconds_for(&budget, Category::EcsServiceRead, 40).await;
        assert!((1.9..2.1).contains(&healed), "{healed}");
        assert_eq!(budget.usage().categories[&Category::EcsServiceRead].throttles, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_category_never_stops() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        for _ in 0..50 {
            budget.take(Category::EcsServiceWrite, OP, &anybody(), || true).await;
            budget.record(Category::EcsServiceWrite, OP, AttemptOutcome::Throttled);
        }
        let one = seconds_for(&budget, Category::EcsServiceWrite, 1).await;
        assert!(one < 4.0, "{one}");
    }

    #[tokio::test(start_paused = true)]
    async fn workers_are_served_in_the_order_of_their_coming() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 20).await;
        let order = Mutex::new(Vec::new());
        let take = async |name: u32| {
            budget.take(Category::EcsDefinitionWrite, OP, &anybody(), || true).await;
            order.lock().unwrap().push(name);
        };
        tokio::join!(take(1), take(2), take(3));
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_no_longer_wanted_stops_waiting() {
        let budget = Budget::new(Pace { share: Some(0.05.into()), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 1).await;
        let start = Instant::now();
        let wanted = || start.elapsed() < Duration::from_secs(3);
        assert!(!budget.take(Category::EcsDefinitionWrite, OP, &anybody(), wanted).await);
        assert_eq!(start.elapsed(), Duration::from_secs(3), "and not the twenty seconds of its turn");
    }

    #[tokio::test(start_paused = true)]
    async fn a_faster_world_has_a_faster_budget() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 60.0 });
        let all = seconds_for(&budget, Category::EcsDefinitionWrite, 80).await;
        assert!((0.99..1.1).contains(&all), "{all}");
    }

    #[tokio::test(start_paused = true)]
    async fn turned_off_it_only_counts() {
        let budget = Budget::new(Pace { share: None, speed: 1.0 });
        assert_eq!(seconds_for(&budget, Category::EcsDefinitionWrite, 500).await, 0.0);
        let usage = budget.usage();
        assert_eq!(usage.operations[OP].calls, 500);
        assert_eq!(usage.categories[&Category::EcsDefinitionWrite].waits, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_and_failures_are_counted() {
        let budget = Budget::new(Pace { share: Some(0.25.into()), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 6).await;
        budget.record(
            Category::EcsDefinitionWrite,
            OP,
            AttemptOutcome::Failure("ServerException".to_owned()),
        );
        budget.record(Category::EcsDefinitionWrite, OP, AttemptOutcome::Success);
        let usage = budget.usage();
        let category = usage.categories[&Category::EcsDefinitionWrite];
        assert_eq!((category.calls, category.waits, category.throttles), (6, 1, 0));
        assert_eq!(category.waited, Duration::from_secs(4));
        assert_eq!(usage.operations[OP], OperationUse { calls: 6, throttles: 0, failures: 1 });
    }

    fn of(urgency: Urgency, unbegun: bool) -> Caller {
        Caller { urgency, unbegun, ..anybody() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_is_served_first_and_what_was_begun_before_what_was_not() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 20).await;
        let order = Mutex::new(Vec::new());
        let take = async |name: &'static str, caller: Caller| {
            budget.take(Category::EcsDefinitionWrite, OP, &caller, || true).await;
            order.lock().unwrap().push(name);
        };
        tokio::join!(
            take("new", of(Urgency::BringUp, true)),
            take("begun", of(Urgency::BringUp, false)),
            take("rollout", of(Urgency::Rollout, true)),
            take("repair", of(Urgency::Serving, true)),
        );
        assert_eq!(*order.lock().unwrap(), ["repair", "rollout", "begun", "new"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_serves_finds_a_token_however_many_come_up() {
        let budget = Budget::new(Pace::default());
        let new = of(Urgency::BringUp, true);
        let bring_up = async {
            for _ in 0..20 {
                budget.take(Category::EcsDefinitionWrite, OP, &new, || true).await;
            }
        };
        let repair = async {
            tokio::time::sleep_until(Instant::now() + Duration::from_secs(30)).await;
            seconds_for(&budget, Category::EcsDefinitionWrite, 2).await
        };
        let ((), waited) = tokio::join!(bring_up, repair);
        assert_eq!(waited, 0.0, "one call in five of the burst is left by each urgency");
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_urgent_is_served_although_more_urgent_calls_never_end() {
        let budget = Budget::new(Pace::default());
        let rollout = of(Urgency::Rollout, false);
        let calls = async || loop {
            budget.take(Category::ElbWrite, OP, &rollout, || true).await;
        };
        // One of them is always in the line.
        let rollouts = async { tokio::join!(calls(), calls(), calls()) };
        let start = Instant::now();
        let look = of(Urgency::Look, true);
        tokio::select! {
            biased;
            _ = rollouts => {}
            _ = budget.take(Category::ElbWrite, OP, &look, || true) => {}
            () = tokio::time::sleep_until(start + Duration::from_secs(3600)) => {}
        }
        let waited = start.elapsed().as_secs_f64();
        assert!(waited < 130.0, "two minutes make it as urgent as a rollout: {waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_is_dropped_has_used_nothing_and_holds_nobody() {
        let budget = Budget::new(Pace { share: Some(1.0.into()), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 20).await;
        let caller = anybody();
        let dropped = budget.take(Category::EcsDefinitionWrite, OP, &caller, || true);
        assert!(tokio::time::timeout(Duration::from_millis(500), dropped).await.is_err());
        let one = seconds_for(&budget, Category::EcsDefinitionWrite, 1).await;
        assert!((0.4..0.6).contains(&one), "the half second counts for the next one: {one}");
        assert_eq!(budget.usage().operations[OP].calls, 21);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_told_with_how_long_it_takes() {
        let budget = Budget::new(Pace::default());
        seconds_for(&budget, Category::EcsDefinitionWrite, 5).await;
        let call = |name: &str| {
            let caller = Caller { of: [DeploymentName::from(name)].into(), ..anybody() };
            let budget = &budget;
            async move { budget.take(Category::EcsDefinitionWrite, OP, &caller, || true).await }
        };
        let told = async {
            tokio::time::sleep_until(Instant::now() + Duration::from_secs(1)).await;
            budget.waiting()
        };
        let (.., told) = tokio::join!(call("one"), call("two"), told);
        let told: Vec<_> = told.iter().map(|one| (one.of[0].as_str(), one.left.as_secs())).collect();
        assert_eq!(told, [("one", 3), ("two", 7)]);
    }
}
