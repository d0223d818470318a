//! Elastic Load Balancing v2.

pub mod read;
mod requests;
mod seen;
pub mod write;
