//! Deterministic simulation: from a seed to documents, people, faults and crashes around the real
//! controller on simulated AWS; after every call of AWS the checkers run; then the faults end,
//! and everything must come to be as declared, or say why not.
//!
//! ```text
//! cargo test --release --test sim                          the saved seeds, and a few more
//! cargo test --release --test sim -- --seed 42             one seed, twice; the same trace, to the byte
//! cargo test --release --test sim -- --seed 42 --trace     every moment of it
//! cargo test --release --test sim -- --seeds 300           so many from a fixed start on
//! cargo test --release --test sim -- --minutes 60          for as long as it is let, from a new start each time
//! cargo test --release --test sim -- --crash-matrix        a full run of each example, killed everywhere in turn
//! cargo test --release --test sim -- --crash-matrix --each also where nothing has changed since the place before
//! ```
//!
//! [`scenario`] draws, [`simulation`] runs, [`system`] is AWS, the disk and the controller,
//! [`watch`] checks, [`ending`] expects, [`report`] shrinks and reports. [`crash`] is the crash
//! matrix; [`violations`] checks the checkers.

mod by_hand;
mod command;
mod crash;
mod disk;
mod document;
mod ending;
mod fields;
mod matrix;
mod permissions;
mod report;
mod scenario;
mod shift;
mod simulation;
mod system;
mod violations;
mod watch;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The panic payload of a controller that a test kills.
#[derive(Debug)]
pub struct Killed;

fn main() -> ExitCode {
    command::run()
}
