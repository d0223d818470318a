//! The controller on the simulated AWS, in paused time: the same code as in production, serialisation and retries included.

mod bring_up;
mod drift;
mod examples;
mod policies;
mod rollback;
mod rotation;
mod support;
mod upgrade;
