//! Amazon ECS.

pub mod read;
mod shapes;
pub mod write;
