//! What a plan is made from.

use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::observed::ObservedState;
use crate::model::rollout::RolloutState;
use jiff::Timestamp;

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// What should be.
    pub desired: &'a DesiredState,
    /// The same with references resolved.
    pub resolved: &'a ResolvedState,
    /// Where the rollout stands, already advanced in this pass and stored.
    pub rollout: &'a RolloutState,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// The time of the pass.
    pub now: Timestamp,
}
