//! CloudWatch Logs.

pub mod read;
pub mod write;
