//! What AWS answers to a write.

use super::error::{Error, Kind};

/// What AWS answered to a write that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteResult {
    /// ARN of what was created or changed, when AWS states it.
    pub arn: Option<String>,
    /// Id of the PRIMARY deployment, for services.
    pub deployment: Option<String>,
}

impl WriteResult {
    /// Something that has an ARN.
    pub fn arn(arn: impl Into<String>) -> Self {
        Self { arn: Some(arn.into()), deployment: None }
    }

    /// The answer to a create, which must name the ARN.
    ///
    /// # Errors
    ///
    /// When it does not: the thing exists, but its ARN must be looked up.
    pub fn created(operation: &'static str, arn: Option<String>) -> Result<Self, Error> {
        arn.map(Self::arn).ok_or_else(|| Error::bad_response(operation, "no ARN in the answer"))
    }
}

/// The answer to a delete: deleting what is absent is a success.
///
/// # Errors
///
/// All but [`Kind::NotFound`].
pub fn deleted_or_absent<T>(answer: Result<T, Error>) -> Result<WriteResult, Error> {
    match answer {
        Ok(_) => Ok(WriteResult::default()),
        Err(error) if error.kind == Kind::NotFound => Ok(WriteResult::default()),
        Err(error) => Err(error),
    }
}
