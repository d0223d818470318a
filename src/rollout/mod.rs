//! 4a STEP: the stage machine. Pure.
//!
//! ECS's own deployment engine moves tasks; this layer decides what to roll, in which order, and
//! what the result means. [`advance`] reads the stored state, at what is wanted and at what was
//! seen, and moves every component by at most one stage. The result is stored *before* anything is
//! done, so that a crash at any later point finds the intent again. [`record`] adds what AWS
//! answered.
//!
//! Stages are kept per component rather than per deployment: components that do not depend on each
//! other roll side by side, and `dependsOn` is a gate on *this very content* of the dependency, so
//! an upgrade runs migration, API and console in order each time.
//!
//! Unknown is not failed: what was not seen leaves a stage as it is. Stuck is explained: every
//! stage that does not go on carries why.

mod advance;
mod agreed;
mod applied;
mod ending;
mod input;
mod record;
mod scaling;
mod secrets;
mod service;
mod stage;
mod task;
mod view;
mod workload;

#[cfg(test)]
mod tests;

pub use advance::{advance, retry};
pub use input::StepInput;
pub use record::{record, record_intent};
pub use secrets::{ROTATION_SETTLE_SECONDS, hasten_secrets, settle_secrets};

use crate::model::rollout::Phase;

/// Whether a pass soon after this one can bring the phase on by reading AWS again.
pub fn wants_polling(phase: &Phase) -> bool {
    match phase {
        Phase::TaskRunning { .. } | Phase::Rolling { .. } | Phase::Baking { .. } => true,
        Phase::Idle
        | Phase::Waiting { .. }
        | Phase::Complete { .. }
        | Phase::RolledBack { .. }
        | Phase::Stalled { .. } => false,
    }
}
