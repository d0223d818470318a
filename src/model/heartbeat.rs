//! The sign of life that a controller leaves beside its records, and what may be believed of
//! records without it.
//!
//! A status says what was last seen. Whether that is long ago cannot be told from the status
//! itself, which is the same for a steady deployment and a dead controller.

use super::condition::{ConditionReason, ConditionType, Truth};
use super::ids::DeploymentName;
use super::status::DeploymentStatus;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Resyncs that may pass without a sign before it is missed.
const MISSED_RESYNCS: i64 = 3;
/// Shortest time, in seconds, after which a sign is missed: a controller leaves one every 30.
const SHORTEST: i64 = 90;

/// What a running controller says of itself. Written every 30 seconds of its clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Which process it is, and of which version.
    pub controller: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When this was written.
    pub at: Timestamp,
    /// How often it looks at every deployment, in seconds.
    pub resync_seconds: i64,
    /// When the spec store was last read; `None` before the first time.
    pub store_read_at: Option<Timestamp>,
    /// When each deployment that is declared was last looked at in AWS; `None` before the first
    /// time since the start.
    pub looked_at: BTreeMap<DeploymentName, Option<Timestamp>>,
    /// Until about when each waits for AWS's request budget, of those that wait for longer than a
    /// few seconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub budget_waits: BTreeMap<DeploymentName, Timestamp>,
}

impl Heartbeat {
    /// Why nothing that was recorded can be believed: the controller has not been seen for three
    /// resyncs.
    pub fn missed(&self, now: Timestamp) -> Option<String> {
        let silent = now.duration_since(self.at);
        (silent > self.patience())
            .then(|| format!("the controller ({}) was last seen {} ago", self.controller, age(silent)))
    }

    /// Why the status of one deployment cannot be believed: the controller is silent, or alive and
    /// has not come to look at it for three resyncs.
    pub fn doubt(&self, name: &DeploymentName, now: Timestamp) -> Option<String> {
        if let Some(missed) = self.missed(now) {
            return Some(missed);
        }
        // What is not declared is not looked at.
        let looked_at = self.looked_at.get(name)?;
        let since = looked_at.unwrap_or(self.started_at);
        let passed = now.duration_since(since);
        let waits = self.waits(name, now).unwrap_or_else(|| "waits for its turn".to_owned());
        (passed > self.patience()).then(|| match looked_at {
            Some(_) => format!("last looked at {} ago: it {waits}", age(passed)),
            None => format!("not looked at since the controller started {} ago: it {waits}", age(passed)),
        })
    }

    /// That a deployment waits for AWS's request budget, and about how long it is going to.
    pub fn waits(&self, name: &DeploymentName, now: Timestamp) -> Option<String> {
        let left = self.budget_waits.get(name)?.duration_since(now).as_secs();
        Some(match left {
            ..10 => "waits for AWS request budget, a few seconds".to_owned(),
            10..90 => format!("waits for AWS request budget, about {} s", (left + 5) / 10 * 10),
            _ => format!("waits for AWS request budget, about {} min", (left + 30) / 60),
        })
    }

    fn patience(&self) -> SignedDuration {
        SignedDuration::from_secs(self.resync_seconds.saturating_mul(MISSED_RESYNCS).max(SHORTEST))
    }
}

/// Says in a status that nobody knows whether it still holds: Ready becomes Unknown.
pub fn doubted(mut status: DeploymentStatus, because: &str) -> DeploymentStatus {
    let ready = status.conditions.iter_mut().find(|condition| condition.kind == ConditionType::Ready);
    if let Some(ready) = ready {
        ready.status = Truth::Unknown;
        ready.reason = ConditionReason::NotLookedAt;
        ready.message = because.to_owned();
    }
    status
}

/// Says in a status that is not Ready what it waits for besides.
pub fn waiting(mut status: DeploymentStatus, waits: &str) -> DeploymentStatus {
    for condition in &mut status.conditions {
        let tells = match condition.kind {
            ConditionType::Ready => condition.status != Truth::True,
            ConditionType::Reconciling => condition.status == Truth::True,
            _ => false,
        };
        if tells {
            condition.message = format!("{waits}; {}", condition.message);
        }
    }
    status
}

/// How long something took or is ago, as kubectl says it: `5s`, `3m`, `2h`, `4d`.
pub fn age(passed: SignedDuration) -> String {
    let seconds = passed.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn heartbeat() -> Heartbeat {
        Heartbeat {
            controller: "evenkeel 1, process 7".to_owned(),
            started_at: at(0),
            at: at(1000),
            resync_seconds: 60,
            store_read_at: Some(at(995)),
            looked_at: BTreeMap::from([
                ("fresh".into(), Some(at(990))),
                ("stale".into(), Some(at(700))),
                ("never".into(), None),
            ]),
            budget_waits: BTreeMap::new(),
        }
    }

    #[test]
    fn a_controller_is_missed_after_three_resyncs() {
        assert_eq!(heartbeat().missed(at(1180)), None);
        let missed = heartbeat().missed(at(1181)).unwrap();
        assert_eq!(missed, "the controller (evenkeel 1, process 7) was last seen 3m ago");
        assert_eq!(heartbeat().doubt(&"fresh".into(), at(1181)), Some(missed));
        let hasty = Heartbeat { resync_seconds: 1, ..heartbeat() };
        assert_eq!(hasty.missed(at(1090)), None, "it writes every 30 s, whatever its resync");
    }

    #[test]
    fn one_that_waits_for_its_turn_is_doubted_alone() {
        let doubt = |name: &str| heartbeat().doubt(&name.into(), at(1001));
        assert_eq!(doubt("fresh"), None);
        assert_eq!(doubt("undeclared"), None);
        assert_eq!(doubt("stale").unwrap(), "last looked at 5m ago: it waits for its turn");
        assert!(doubt("never").unwrap().starts_with("not looked at since the controller started 16m ago"));
    }

    #[test]
    fn a_wait_for_the_budget_says_about_how_long() {
        let told = |seconds: i64| {
            let budget_waits = BTreeMap::from([("shop".into(), at(seconds))]);
            Heartbeat { budget_waits, ..heartbeat() }.waits(&"shop".into(), at(0)).unwrap()
        };
        assert_eq!(told(250), "waits for AWS request budget, about 4 min");
        assert_eq!(told(42), "waits for AWS request budget, about 40 s");
        assert_eq!(told(-3), "waits for AWS request budget, a few seconds");
        let budget_waits = BTreeMap::from([("never".into(), at(1200))]);
        let doubt = Heartbeat { budget_waits, ..heartbeat() }.doubt(&"never".into(), at(1001)).unwrap();
        assert!(doubt.ends_with("16m ago: it waits for AWS request budget, about 3 min"), "{doubt}");
    }
}
