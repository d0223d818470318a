//! Who waits for a token, and whose turn is next.

use super::bucket::Bucket;
use super::{Caller, Category};
use crate::model::ids::DeploymentName;
use crate::model::urgency::Urgency;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Whoever has waited so many of AWS's seconds is one step more urgent.
const AGES_EVERY_SECONDS: f64 = 60.0;

/// The buckets of one account and region, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Line {
    buckets: BTreeMap<Category, Bucket>,
    elb_all: Option<Bucket>,
    /// By the order of coming.
    waiting: BTreeMap<u64, Waiter>,
    came: u64,
}

#[derive(Debug)]
struct Waiter {
    category: Category,
    caller: Caller,
    since: Instant,
    /// Wakes it when it may have become the first.
    wake: Arc<Notify>,
}

/// What a caller has to do.
pub(super) enum Turn {
    /// Go: its token is taken.
    Now,
    /// Ask again after this time.
    After(Duration),
    /// Ask again when it is woken: another one is first.
    AfterAnother,
}

/// A call that waits for the budget.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What it waits for.
    pub category: Category,
    /// How urgent it has become.
    pub urgency: Urgency,
    /// The deployments that wait with it.
    pub of: Arc<[DeploymentName]>,
    /// How long it has waited, in AWS's time.
    pub waited: Duration,
    /// How long it is going to, in AWS's time, if nothing more urgent comes.
    pub left: Duration,
}

/// Who goes first: the smaller one.
type Order = (Urgency, bool, u64);

impl Waiter {
    /// Whether it has waited long enough to be more urgent than it was.
    fn has_aged(&self, now: Instant, speed: f64) -> bool {
        self.waited(now, speed) >= AGES_EVERY_SECONDS
    }

    /// So many of AWS's seconds.
    fn waited(&self, now: Instant, speed: f64) -> f64 {
        now.saturating_duration_since(self.since).as_secs_f64() * speed
    }

    /// How urgent it has become.
    fn urgency(&self, now: Instant, speed: f64) -> Urgency {
        let waited = self.waited(now, speed);
        let mut urgency = self.caller.urgency;
        let mut aged = AGES_EVERY_SECONDS;
        while waited >= aged && urgency.aged() != urgency {
            urgency = urgency.aged();
            aged += AGES_EVERY_SECONDS;
        }
        urgency
    }
}

impl Line {
    /// How a caller stands now.
    fn order(&self, place: u64, now: Instant, speed: f64) -> Order {
        let waiter = &self.waiting[&place];
        let urgency = waiter.urgency(now, speed);
        // Whoever has waited so long goes in the order of coming: what was begun would go before it
        // for ever, while there is any.
        let unbegun = waiter.caller.unbegun && !waiter.has_aged(now, speed);
        (urgency, unbegun, place)
    }

    /// Adds the buckets of a category that was not asked for before.
    pub(super) fn open(
        &mut self,
        category: Category,
        own: impl FnOnce() -> Bucket,
        all: impl FnOnce() -> Bucket,
    ) {
        self.buckets.entry(category).or_insert_with(own);
        if category.is_elb() {
            self.elb_all.get_or_insert_with(all);
        }
    }

    pub(super) fn bucket(&mut self, category: Category) -> Option<&mut Bucket> {
        self.buckets.get_mut(&category)
    }

    /// Puts a caller at the end; the answer is its place.
    pub(super) fn enter(
        &mut self,
        category: Category,
        caller: &Caller,
        wake: Arc<Notify>,
        now: Instant,
    ) -> u64 {
        self.came += 1;
        self.waiting.insert(self.came, Waiter { category, caller: caller.clone(), since: now, wake });
        self.came
    }

    /// Takes a caller out, and wakes those who may be the first now; the answer is how long it has
    /// waited on tokio's clock.
    pub(super) fn leave(&mut self, place: u64, now: Instant, speed: f64) -> Duration {
        let Some(waiter) = self.waiting.remove(&place) else { return Duration::ZERO };
        let shares_a_bucket =
            |other: &Category| *other == waiter.category || (other.is_elb() && waiter.category.is_elb());
        for category in self.buckets.keys().filter(|category| shares_a_bucket(category)) {
            if let Some((.., first)) = self.first(*category, now, speed) {
                self.waiting[&first].wake.notify_one();
            }
        }
        now.saturating_duration_since(waiter.since)
    }

    /// Whether it is the turn of a caller. If it is, its token is taken.
    pub(super) fn turn(&mut self, place: u64, now: Instant, speed: f64) -> Turn {
        let category = self.waiting[&place].category;
        let order = self.order(place, now, speed);
        let urgency = order.0;
        if let Some((.., first)) = self.first(category, now, speed).filter(|first| *first != order) {
            self.waiting[&first].wake.notify_one();
            return Turn::AfterAnother;
        }
        let wait = self.buckets.get_mut(&category).map(|own| own.until(1, urgency, now));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Turn::After(wait);
        }
        if category.is_elb() {
            if let Some(first) = self.first_of_elb(order, now, speed) {
                self.waiting[&first].wake.notify_one();
                return Turn::AfterAnother;
            }
            let wait = self.elb_all.as_mut().map(|all| all.until(1, urgency, now));
            if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                return Turn::After(wait);
            }
            self.elb_all.iter_mut().for_each(Bucket::take);
        }
        self.buckets.get_mut(&category).into_iter().for_each(Bucket::take);
        Turn::Now
    }

    /// Who is first in line for a category: the most urgent, of these who came first.
    fn first(&self, category: Category, now: Instant, speed: f64) -> Option<Order> {
        let those = self.waiting.iter().filter(|(_, waiter)| waiter.category == category);
        those.map(|(place, _)| self.order(*place, now, speed)).min()
    }

    /// Who goes before a caller to ELB's bucket for all actions: the first of another category that
    /// needs nothing but that.
    fn first_of_elb(&mut self, caller: Order, now: Instant, speed: f64) -> Option<u64> {
        let others = [Category::ElbRead, Category::ElbWrite, Category::ElbTargets];
        let firsts: Vec<Order> =
            others.into_iter().filter_map(|category| self.first(category, now, speed)).collect();
        let before = firsts.into_iter().filter(|(urgency, _, place)| {
            let own = self.buckets.get_mut(&self.waiting[place].category);
            own.is_none_or(|own| own.until(1, *urgency, now).is_zero())
        });
        before.min().filter(|first| *first < caller).map(|(.., place)| place)
    }

    /// Everybody who waits.
    pub(super) fn waiting(&mut self, now: Instant, speed: f64) -> Vec<Waiting> {
        let mut order: Vec<Order> = self.waiting.keys().map(|place| self.order(*place, now, speed)).collect();
        order.sort_unstable();
        let (mut ahead, mut ahead_in_elb) = (BTreeMap::<Category, usize>::new(), 0);
        let mut all = Vec::with_capacity(order.len());
        for (urgency, _, place) in order {
            let waiter = &self.waiting[&place];
            let ahead = ahead.entry(waiter.category).or_default();
            *ahead += 1;
            let own = self.buckets.get_mut(&waiter.category).map(|own| own.until(*ahead, urgency, now));
            let mut left = own.unwrap_or_default();
            if waiter.category.is_elb() {
                ahead_in_elb += 1;
                let together = self.elb_all.as_mut().map(|all| all.until(ahead_in_elb, urgency, now));
                left = left.max(together.unwrap_or_default());
            }
            let (category, of) = (waiter.category, Arc::clone(&waiter.caller.of));
            let waited = now.saturating_duration_since(waiter.since).mul_f64(speed);
            all.push(Waiting { category, urgency, of, waited, left: left.mul_f64(speed) });
        }
        all
    }
}
