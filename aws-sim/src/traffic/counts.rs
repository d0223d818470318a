//! How many requests each listener has served and lost.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Answer, Outcome, Request};

/// Counts of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Answered by a target.
    pub served: u64,
    /// Answered by the load balancer itself, as it was told to: fixed responses and redirects.
    pub answered: u64,
    /// Answered by nobody.
    pub lost: u64,
}

/// Counts by listener: `load balancer:port`, whether or not there is a listener on that port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ledger(BTreeMap<String, Counts>);

impl Ledger {
    /// Counts of one listener.
    #[must_use]
    pub fn of(&self, load_balancer: &str, port: u16) -> Counts {
        self.0.get(&key(load_balancer, port)).copied().unwrap_or_default()
    }

    /// All listeners, by `load balancer:port`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Counts)> {
        self.0.iter().map(|(listener, counts)| (listener.as_str(), *counts))
    }

    /// Counts of all listeners together.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.0.values().fold(Counts::default(), |sum, each| Counts {
            served: sum.served + each.served,
            answered: sum.answered + each.answered,
            lost: sum.lost + each.lost,
        })
    }

    pub(super) fn note(&mut self, request: &Request, answer: &Answer) {
        let counts = self.0.entry(key(&request.load_balancer, request.port)).or_default();
        match answer.outcome {
            Outcome::Served { .. } => counts.served += 1,
            Outcome::Fixed { .. } | Outcome::Redirected { .. } => counts.answered += 1,
            Outcome::Lost { .. } => counts.lost += 1,
        }
    }
}

/// A load balancer's name and a port. In its ARN, the name is the last part but one.
fn key(load_balancer: &str, port: u16) -> String {
    let name = match load_balancer.starts_with("arn:") {
        true => load_balancer.rsplit('/').nth(1).unwrap_or(load_balancer),
        false => load_balancer,
    };
    format!("{name}:{port}")
}
