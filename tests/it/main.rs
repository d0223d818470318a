//! The controller on the simulated AWS, in paused time: the same code as in production, serialisation and retries included.

mod binary;
mod bring_up;
mod crash;
mod documents;
mod drift;
mod examples;
mod faults;
mod fleet;
mod policies;
mod removal;
mod rollback;
mod rotation;
mod state;
mod support;
mod upgrade;
