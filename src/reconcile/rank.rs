//! Which deployment goes before which.

use super::entry::Entry;
use super::schedule::{Trigger, WHILE_ROLLING};
use crate::model::condition::ConditionType;
use crate::model::rollout::RolloutState;
use crate::model::status::EventReason;
use crate::model::urgency::Urgency;
use std::time::Duration;
use tokio::time::Instant;

/// Documents that are edited together and are more than this many are a rollout of the fleet, not
/// an edit: one that comes alone meanwhile goes before them.
pub const FEW: usize = 10;

/// How urgent the next pass of a deployment is. The smaller one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// How urgent.
    pub urgency: Urgency,
    /// Whether nothing of what it is to do was begun: what was begun is finished before.
    pub unbegun: bool,
}

impl Rank {
    /// Whether it would begin another piece of long work.
    pub fn begins(self) -> bool {
        self.unbegun && matches!(self.urgency, Urgency::Rollout | Urgency::BringUp)
    }
}

/// The rank of a pass. `many` says that its declaration came with many others.
pub fn rank(entry: &Entry, trigger: Trigger, many: bool) -> Rank {
    let rollout = &entry.record.rollout;
    let begun = rollout.generation == entry.declared.desired.generation && is_begun(rollout);
    let urgency = match trigger {
        Trigger::Request | Trigger::PauseEnded => Urgency::Serving,
        Trigger::Declaration if !serves(entry) => Urgency::BringUp,
        Trigger::Declaration if many => Urgency::Rollout,
        Trigger::Declaration => Urgency::Serving,
        _ if !was_ready(entry) => Urgency::BringUp,
        Trigger::Resync | Trigger::FullPass => Urgency::Look,
        Trigger::StartUp if is_settled(entry) => Urgency::Look,
        Trigger::StartUp | Trigger::Acted | Trigger::Rolling | Trigger::Held => Urgency::Rollout,
    };
    Rank { urgency, unbegun: !begun }
}

/// When a pass of a large fleet is due that would be due at `at`: looks at what ECS is at work at,
/// and steps of what comes up, are put off by some seconds to come together, and share their reads.
/// What serves is not put off after it was written.
pub fn together(began: Instant, at: Instant, trigger: Trigger, rank: Rank, speed: f64) -> Instant {
    let early = match trigger {
        // It may as well come a little earlier.
        Trigger::Rolling => 0.5,
        // AWS needs its time to show what was written.
        Trigger::Acted if rank.urgency == Urgency::BringUp => 0.0,
        _ => return at,
    };
    let every = WHILE_ROLLING.div_f64(speed).as_secs_f64();
    let turns = (at.saturating_duration_since(began).as_secs_f64() / every - early).ceil();
    began + Duration::from_secs_f64(turns * every)
}

/// How urgent what a pass sets out to do is, which a look did not know: what it finds to mend is a
/// repair.
pub fn of_actions(entry: &Entry, looked: Urgency) -> Urgency {
    match looked {
        Urgency::Look if serves(entry) => Urgency::Serving,
        looked => looked,
    }
}

/// Whether anything of it was ever complete: then people may depend on it.
pub fn serves(entry: &Entry) -> bool {
    entry.record.rollout.components.values().any(|component| component.completed.is_some()) || is_ready(entry)
}

/// Whether it was ever all there, as far as its events go back: until then it comes up.
fn was_ready(entry: &Entry) -> bool {
    is_ready(entry) || entry.record.events.iter().any(|event| event.reason == EventReason::Ready)
}

fn is_ready(entry: &Entry) -> bool {
    entry.record.status.as_ref().is_some_and(|status| status.is(ConditionType::Ready))
}

/// Whether it was all in order for the declaration in force.
fn is_settled(entry: &Entry) -> bool {
    entry.record.rollout.generation == entry.declared.desired.generation && is_ready(entry)
}

fn is_begun(rollout: &RolloutState) -> bool {
    !rollout.resources.is_empty()
        || !rollout.asked.is_empty()
        || rollout.components.values().any(|component| component.has_begun())
}
