//! What a write leaves behind.

use super::error::{Error, Kind};

/// What AWS told of a write that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// ARN of what was made or changed, when AWS tells it.
    pub arn: Option<String>,
    /// Id of the PRIMARY deployment, for services.
    pub deployment: Option<String>,
}

impl Written {
    /// Something that has an ARN.
    pub fn arn(arn: impl Into<String>) -> Self {
        Self { arn: Some(arn.into()), deployment: None }
    }

    /// Something made, whose ARN must be in AWS's answer.
    ///
    /// # Errors
    /// When it is not: the thing was made, but what it is called must be looked up.
    pub fn made(operation: &'static str, arn: Option<String>) -> Result<Self, Error> {
        arn.map(Self::arn).ok_or_else(|| Error::bad_response(operation, "no ARN in the answer"))
    }
}

/// A removal that finds nothing to remove has come about.
///
/// # Errors
/// All but [`Kind::NotFound`].
pub fn gone<T>(answer: Result<T, Error>) -> Result<Written, Error> {
    match answer {
        Ok(_) => Ok(Written::default()),
        Err(error) if error.kind == Kind::NotFound => Ok(Written::default()),
        Err(error) => Err(error),
    }
}
