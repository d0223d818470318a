//! The simulation from outside, in paused time: one binary, one module for each theme.

mod bench;
mod definitions;
mod faults;
mod rollouts;
mod support;
mod tasks;
