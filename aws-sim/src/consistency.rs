//! Eventual consistency: reads that are answered with what was true a little earlier.
//!
//! Before each write, the state of its region is put aside. A stale read of age `a` is answered
//! from the oldest state that was put aside less than `a` seconds ago: it knows everything but the
//! writes of the last `a` seconds.

use std::collections::VecDeque;

use jiff::Timestamp;

/// How stale reads may be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consistency {
    /// The share of reads that may be stale, between 0 and 1.
    pub probability: f64,
    /// The greatest age, in simulated seconds; each stale read draws its own.
    pub lag_seconds: f64,
}

/// No more states than this are kept; in a burst of writes, stale reads are younger than asked for.
const KEPT: usize = 64;

/// States put aside, oldest first.
#[derive(Debug, Clone)]
pub struct History<T> {
    states: VecDeque<(Timestamp, String, T)>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { states: VecDeque::new() }
    }
}

impl<T> History<T> {
    /// Puts aside the state of a region at `now`, and drops states older than `lag_seconds`.
    pub fn put(&mut self, now: Timestamp, region: &str, state: T, lag_seconds: f64) {
        self.states.push_back((now, region.to_owned(), state));
        while self.states.len() > KEPT
            || self
                .states
                .front()
                .is_some_and(|(at, _, _)| now.duration_since(*at).as_secs_f64() > lag_seconds)
        {
            self.states.pop_front();
        }
    }

    /// The state of a region as it was `age` seconds before `now`; `None` if no write has changed
    /// it since.
    #[must_use]
    pub fn before(&self, now: Timestamp, region: &str, age: f64) -> Option<&T> {
        let young = |at: &Timestamp| now.duration_since(*at).as_secs_f64() < age;
        self.states.iter().find(|(at, own, _)| own == region && young(at)).map(|(_, _, state)| state)
    }
}
