//! Secrets Manager. Nothing is ever written to it and no value is ever read.

pub mod read;
