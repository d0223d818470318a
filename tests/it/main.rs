//! The controller on the simulated AWS, in paused time: the same code as in production, serialisation and retries included.

mod bring_up;
mod crash;
mod documents;
mod faults;
mod removal;
mod state;
mod support;
