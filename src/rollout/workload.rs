//! What is declared of a workload, as far as steps are decided by it.

use crate::model::resource::Tree;
use jiff::SignedDuration;

/// What is declared of how a service rolls.
pub(super) struct ServiceWorkload<'a> {
    /// CreateService fields.
    pub(super) fields: &'a Tree,
    /// How long new tasks must stay healthy before the rollout is complete.
    pub(super) bake: SignedDuration,
    /// How long a rollout may go without progress until it is stalled.
    pub(super) progress_deadline: SignedDuration,
}
