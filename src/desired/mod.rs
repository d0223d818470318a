//! 2 DESIRED: documents lowered to what should be. Pure.

pub mod datero;
pub mod pulumi;
mod typed;
pub mod zenml;
