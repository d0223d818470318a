//! What a step is decided from.

use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::observed::ObservedState;
use crate::model::rollout::RolloutState;
use jiff::Timestamp;

/// What a step is decided from.
#[derive(Clone, Copy, Debug)]
pub struct StepInput<'a> {
    /// The stored state.
    pub prior: &'a RolloutState,
    /// What should be.
    pub desired: &'a DesiredState,
    /// The same with references resolved.
    pub resolved: &'a ResolvedState,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// The time of the pass.
    pub now: Timestamp,
}
