//! Amazon ECS.

pub mod read;
mod shapes;
pub mod write;

pub use shapes::{cluster_of, last_part};
