//! Elastic Load Balancing v2.

pub mod read;
pub mod write;
