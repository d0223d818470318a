//! The only room that names the SDK.
