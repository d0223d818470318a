//! What is tried with arbitrary bytes: each target checks the invariants of one entry point of the
//! product and panics when one is broken.

pub mod documents;
pub mod meaning;
pub mod state;
