//! The only layer that names the SDK.
//!
//! What the other layers see of AWS are our own nouns: [`crate::model`] in, `model` or [`Error`]
//! out. A call is one thin function in the file of its service, `read.rs` for what changes nothing
//! and `write.rs` for one function per [`crate::model::call::Call`]; all of them go through
//! [`Clients::read`] and [`Clients::write`], which ask the [`budget`], send once, sort the
//! [`error`] and repeat only what may be repeated.
//!
//! ECS shapes become trees and back by the SDK's own schemas ([`codec`]), so a new field of ECS
//! needs no code here. Load balancing has no such schemas yet and is mapped by hand.
//!
//! **Never**: a secret's value is read; a resource is changed that the call does not name; the
//! environment decides how often a write is sent.

pub mod budget;
pub mod clients;
pub mod cloudwatch;
pub mod codec;
pub mod ecs;
pub mod elbv2;
pub mod error;
pub mod logs;
mod metrics;
pub mod secrets;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod write_result;

pub use budget::{Caller, Pace, Shares, Waiting};
pub use clients::{Aws, Clients, Fence, PlacementClients, Settings};
pub use error::Error;
pub use write_result::WriteResult;
