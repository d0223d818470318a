//! Amazon ECS.

pub mod read;
pub mod write;
