//! Elastic Load Balancing v2.

mod inputs;
pub mod read;
mod shapes;
pub mod write;
