//! An AWS error as it goes over the wire. Each protocol renders it in its own way (see `wire`).

use serde_json::{Map, Value};

/// An answer that is an error: HTTP status, AWS's error code and its message.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct ApiError {
    /// HTTP status; AWS answers nearly all client mistakes with 400.
    pub status: u16,
    /// The error code, such as `ServiceNotFoundException`, as the service's model names it.
    pub code: &'static str,
    /// What AWS would say.
    pub message: String,
    /// Further members of a modelled error, such as `resourceIds`.
    pub extra: Map<String, Value>,
}

impl ApiError {
    /// An error without further members.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), extra: Map::new() }
    }

    /// The same error with one more member beside the message.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }
}
