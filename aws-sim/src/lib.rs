//! Simulated AWS at the wire.

pub mod ctx;
pub mod elbv2;
pub mod error;
pub mod form;
pub mod logs;
pub mod secrets;
pub mod sts;
pub mod xml;
