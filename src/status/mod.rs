//! 6 STATUS: what is reported.
//!
//! Status follows from what was declared, observed, planned and done, and from nothing else. It is
//! written only when it differs from the stored one other than in time. Every condition that is not
//! green says why, with the field, the resource and AWS's own words.

mod components;
mod compute;
mod conditions;
mod drift;
pub mod events;
mod input;
mod ready;
mod removing;
mod sentences;

#[cfg(test)]
mod tests;

pub use compute::compute;
pub use input::StatusInput;

use crate::model::condition::Condition;
use crate::model::status::DeploymentStatus;
use jiff::Timestamp;

/// A status with its times carried over: that of each condition while its truth stays, and its own
/// when nothing else changed.
pub fn carry_time(
    before: Option<&DeploymentStatus>,
    mut after: DeploymentStatus,
    now: Timestamp,
) -> DeploymentStatus {
    after.updated_at = now;
    let Some(before) = before else { return after };
    for condition in &mut after.conditions {
        let same = |known: &&Condition| known.kind == condition.kind && known.status == condition.status;
        if let Some(known) = before.conditions.iter().find(same) {
            condition.last_transition_time = known.last_transition_time;
        }
    }
    // Compared in place: statuses are large, and most passes change nothing.
    after.updated_at = before.updated_at;
    if after != *before {
        after.updated_at = now;
    }
    after
}
