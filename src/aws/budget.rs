//! How many calls we may make: one token bucket per throttling category of AWS, account and region.
//!
//! AWS throttles per account and region, so whatever Evenkeel uses up is missing for people, deploy
//! pipelines and ECS's own consoles. By default it takes a quarter of each published rate and
//! leaves the rest alone. All workers share the buckets; whoever comes first goes first. When AWS
//! throttles nevertheless, because others use the account too, the category's rate is halved and
//! grows back slowly; other categories do not slow down.
//!
//! **Guarantees**: over any span the calls of a category are at most `share × (burst + refill ×
//! span)`.
//! **Assumes**: waiting is on tokio's clock, paused in tests; a `speed` above 1 makes that clock
//! stand for a faster one.
//!
//! Rates: "Request throttling for the Amazon ECS API" and "Request throttling for the Elastic Load
//! Balancing API" in the AWS documentation, quotas of CloudWatch, CloudWatch Logs and Secrets
//! Manager.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use strum::{EnumIter, IntoStaticStr};
use tokio::time::Instant;

/// A throttling category of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Category {
    /// DescribeServices, ListServices.
    EcsServiceRead,
    /// CreateService, UpdateService, DeleteService, ContinueServiceDeployment.
    EcsServiceWrite,
    /// DescribeTaskDefinition, ListTaskDefinitions.
    EcsDefinitionRead,
    /// RegisterTaskDefinition, DeregisterTaskDefinition: one per second, the narrowest of all.
    EcsDefinitionWrite,
    /// ListTasks, DescribeTasks.
    EcsTaskRead,
    /// RunTask, StopTask.
    EcsTaskWrite,
    /// ListServiceDeployments, DescribeServiceDeployments.
    EcsServiceDeployments,
    /// DescribeServiceRevisions.
    EcsServiceRevisions,
    /// DescribeClusters, ListClusters.
    EcsClusterRead,
    /// TagResource, UntagResource.
    EcsTagWrite,
    /// ListTagsForResource.
    EcsTagRead,
    /// ELB Describe….
    ElbRead,
    /// ELB Create…, Modify…, Delete…, AddTags.
    ElbWrite,
    /// ELB RegisterTargets, DeregisterTargets.
    ElbTargets,
    /// CloudWatch DescribeAlarms, ListTagsForResource.
    AlarmRead,
    /// CloudWatch PutMetricAlarm, DeleteAlarms, TagResource.
    AlarmWrite,
    /// CloudWatch Logs Describe… and List….
    LogsRead,
    /// CloudWatch Logs Create…, Put…, Delete…, TagResource.
    LogsWrite,
    /// Secrets Manager DescribeSecret.
    SecretsRead,
    /// STS GetCallerIdentity.
    Sts,
}

/// One bucket: AWS's burst and refill per second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    burst: f64,
    refill: f64,
}

impl Category {
    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What AWS publishes, per account and region.
    fn published(self) -> Rate {
        let (burst, refill) = match self {
            Self::EcsServiceRead | Self::EcsTaskRead => (100.0, 20.0),
            Self::EcsServiceWrite => (50.0, 5.0),
            Self::EcsDefinitionWrite => (20.0, 1.0),
            Self::EcsDefinitionRead
            | Self::EcsServiceDeployments
            | Self::EcsServiceRevisions
            | Self::EcsClusterRead
            | Self::EcsTagRead => (50.0, 20.0),
            Self::EcsTaskWrite => (100.0, 40.0),
            Self::EcsTagWrite => (20.0, 10.0),
            Self::ElbRead => (40.0, 10.0),
            Self::ElbWrite => (20.0, 3.0),
            Self::ElbTargets => (20.0, 4.0),
            // CloudWatch quotas L-21CB40A4 and L-0720E68F; it publishes none for tags and
            // deletions, which are counted with these.
            Self::AlarmRead => (9.0, 9.0),
            Self::AlarmWrite => (3.0, 3.0),
            Self::LogsRead | Self::LogsWrite => (10.0, 10.0),
            Self::SecretsRead => (10_000.0, 10_000.0),
            Self::Sts => (100.0, 100.0),
        };
        Rate { burst, refill }
    }

    /// ELB counts every action a second time in a bucket for all of them.
    fn is_elb(self) -> bool {
        matches!(self, Self::ElbRead | Self::ElbWrite | Self::ElbTargets)
    }
}

/// ELB's bucket for all actions together.
const ELB_ALL: Rate = Rate { burst: 40.0, refill: 10.0 };

/// A throttled category never gets slower than this part of its share.
const SLOWEST: f64 = 1.0 / 16.0;

/// Part of the share that a throttled category gets back per second: from half to whole in a
/// minute.
const RECOVERY_PER_SECOND: f64 = 1.0 / 120.0;

/// Throttled answers within so many of AWS's seconds slow a category down once: calls in
/// flight together are refused together.
const SLOWED_ONCE_WITHIN_SECONDS: f64 = 1.0;

/// A caller who waits asks after so many seconds of tokio's clock whether the call is still wanted.
const WANTED_CHECK_SECONDS: u64 = 1;

/// What of the published rates may be used, and how fast time runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Part of AWS's published rates, 0 to 1; `None` turns the budget off.
    pub share: Option<f64>,
    /// Seconds of AWS's time per second of tokio's clock; 1 in production.
    pub speed: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { share: Some(0.25), speed: 1.0 }
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
    buckets: BTreeMap<Category, Bucket>,
    elb_all: Option<Bucket>,
    usage: Usage,
}

/// A bucket that can go into debt: whoever takes from an empty one learns how long to wait, and
/// the next one waits longer. That keeps the order of arrival without a queue.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    pace: f64,
    filled: Instant,
    slowed: Option<Instant>,
}

impl Bucket {
    fn new(published: Rate, share: f64, speed: f64, now: Instant) -> Self {
        let rate =
            Rate { burst: (published.burst * share).max(1.0), refill: published.refill * share * speed };
        Self { rate, tokens: rate.burst, pace: 1.0, filled: now, slowed: None }
    }

    fn fill(&mut self, now: Instant, speed: f64) {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + seconds * self.rate.refill * self.pace).min(self.rate.burst);
        self.pace = (self.pace + seconds * speed * RECOVERY_PER_SECOND).min(1.0);
    }

    /// Takes a token; how long until it is there.
    fn take(&mut self, now: Instant, speed: f64) -> Duration {
        self.fill(now, speed);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / (self.rate.refill * self.pace))
    }

    fn slow_down(&mut self, now: Instant, speed: f64) {
        self.fill(now, speed);
        let window = Duration::from_secs_f64(SLOWED_ONCE_WITHIN_SECONDS / speed);
        if self.slowed.is_some_and(|at| now.saturating_duration_since(at) < window) {
            return;
        }
        self.slowed = Some(now);
        self.pace = (self.pace / 2.0).max(SLOWEST);
        self.tokens = self.tokens.min(0.0);
    }
}

impl Budget {
    /// Full buckets. A share is taken as at least a thousandth and at most the whole, a speed that
    /// is not positive as 1.
    pub fn new(pace: Pace) -> Self {
        let share = pace.share.map(|share| share.clamp(0.001, 1.0));
        let speed = if pace.speed > 0.0 { pace.speed } else { 1.0 };
        Self { pace: Pace { share, speed }, state: Mutex::default() }
    }

    /// Waits until an attempt may go out, and counts it. `wanted` is asked now, every second of the
    /// wait, and at its end; false ends the wait, and the answer is false: the attempt must not go
    /// out.
    pub async fn take(&self, category: Category, operation: &'static str, wanted: impl Fn() -> bool) -> bool {
        if !wanted() {
            return false;
        }
        let check_every = Duration::from_secs(WANTED_CHECK_SECONDS);
        let mut now = Instant::now();
        let turn = now + self.reserve(category, operation, now);
        while now < turn {
            // Not `Clock::sleep`: the buckets already run at the pace of AWS's time.
            tokio::time::sleep_until(turn.min(now + check_every)).await;
            if !wanted() {
                return false;
            }
            now = Instant::now();
        }
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
        if let Some(bucket) = state.buckets.get_mut(&category) {
            bucket.slow_down(Instant::now(), self.pace.speed);
        }
    }

    /// The counters so far.
    pub fn usage(&self) -> Usage {
        self.lock().usage.clone()
    }

    fn reserve(&self, category: Category, operation: &'static str, now: Instant) -> Duration {
        let mut state = self.lock();
        let wait = self.pace.share.map_or(Duration::ZERO, |share| {
            let speed = self.pace.speed;
            let bucket = state
                .buckets
                .entry(category)
                .or_insert_with(|| Bucket::new(category.published(), share, speed, now));
            let own = bucket.take(now, speed);
            if !category.is_elb() {
                return own;
            }
            let all = state.elb_all.get_or_insert_with(|| Bucket::new(ELB_ALL, share, speed, now));
            own.max(all.take(now, speed))
        });
        state.usage.operations.entry(operation).or_default().calls += 1;
        let used = state.usage.categories.entry(category).or_default();
        used.calls += 1;
        if !wait.is_zero() {
            used.waits += 1;
            used.waited += wait;
        }
        wait
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

    async fn seconds_for(budget: &Budget, category: Category, calls: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..calls {
            assert!(budget.take(category, OP, || true).await);
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
        let budget = Budget::new(Pace { share: Some(1.0), speed: 1.0 });
        let all = seconds_for(&budget, Category::EcsDefinitionWrite, 1000).await;
        assert!((979.0..982.0).contains(&all), "{all}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_elb_action_also_counts_in_the_bucket_of_all_of_them() {
        let budget = Budget::new(Pace { share: Some(1.0), speed: 1.0 });
        assert_eq!(seconds_for(&budget, Category::ElbRead, 30).await, 0.0);
        // Ten are left for all actions, so twenty writes that would be free by themselves wait a
        // second.
        let writes = seconds_for(&budget, Category::ElbWrite, 20).await;
        assert!((0.9..1.1).contains(&writes), "{writes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_category_slows_down_alone_and_recovers() {
        let budget = Budget::new(Pace { share: Some(1.0), speed: 1.0 });
        budget.take(Category::EcsServiceRead, OP, || true).await;
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
        let budget = Budget::new(Pace { share: Some(1.0), speed: 1.0 });
        for _ in 0..50 {
            budget.take(Category::EcsServiceWrite, OP, || true).await;
            budget.record(Category::EcsServiceWrite, OP, AttemptOutcome::Throttled);
        }
        let one = seconds_for(&budget, Category::EcsServiceWrite, 1).await;
        assert!(one < 4.0, "{one}");
    }

    #[tokio::test(start_paused = true)]
    async fn workers_are_served_in_the_order_of_their_coming() {
        let budget = Budget::new(Pace { share: Some(1.0), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 20).await;
        let order = Mutex::new(Vec::new());
        let take = async |name: u32| {
            budget.take(Category::EcsDefinitionWrite, OP, || true).await;
            order.lock().unwrap().push(name);
        };
        tokio::join!(take(1), take(2), take(3));
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_no_longer_wanted_stops_waiting() {
        let budget = Budget::new(Pace { share: Some(0.05), speed: 1.0 });
        seconds_for(&budget, Category::EcsDefinitionWrite, 1).await;
        let start = Instant::now();
        let wanted = || start.elapsed() < Duration::from_secs(3);
        assert!(!budget.take(Category::EcsDefinitionWrite, OP, wanted).await);
        assert_eq!(start.elapsed(), Duration::from_secs(3), "and not the twenty seconds of its turn");
    }

    #[tokio::test(start_paused = true)]
    async fn a_faster_world_has_a_faster_budget() {
        let budget = Budget::new(Pace { share: Some(1.0), speed: 60.0 });
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
        let budget = Budget::new(Pace { share: Some(0.25), speed: 1.0 });
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
}
