//! What is tried with arbitrary bytes: each target holds the promises of one door of the product
//! and panics when one is broken.

pub mod documents;
pub mod meaning;
pub mod state;
