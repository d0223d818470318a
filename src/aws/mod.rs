//! The only room that names the SDK.

pub mod budget;
pub mod clients;
pub mod codec;
pub mod ecs;
pub mod elbv2;
pub mod error;
pub mod logs;
pub mod secrets;
pub mod sts;

pub use clients::{Aws, PlacementClients, Settings};
pub use error::Error;
