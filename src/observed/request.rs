//! What the collector is asked for.

use crate::model::desired::DesiredState;
use crate::model::observed::Depth;
use crate::model::rollout::RolloutState;

/// One deployment to observe.
#[derive(Clone, Copy, Debug)]
pub struct ObservationRequest<'a> {
    /// What is declared: says what to read.
    pub desired: &'a DesiredState,
    /// Where its rollout stands: says by which ARNs, tokens and revisions to read more.
    pub rollout: &'a RolloutState,
    /// How much to read at least.
    pub depth: Depth,
}
