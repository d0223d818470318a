//! Secrets Manager. Nothing is ever written to it, and no value is read but the one that the
//! operator names as the token of the HTTP window.

pub mod read;
