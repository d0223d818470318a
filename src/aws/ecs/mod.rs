//! Amazon ECS.

pub mod deployments;
pub mod read;
mod shapes;
pub mod write;
