//! What AWS's own service model says about requests, and how CloudWatch Logs refuses what breaks
//! it.

use std::sync::OnceLock;

use serde_json::Value;

use super::invalid;
use crate::{
    error::ApiError,
    shapes::{Model, ShapeError},
};

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::read(include_str!("model.json")))
}

/// The input of an operation, checked for types, required members, enumerations, limits and
/// patterns, without what AWS would ignore.
///
/// # Errors
/// `UnknownOperationException` for an operation that AWS has not, `UnsupportedFeatureException` for
/// one that is not simulated, `SerializationException` for a wrong type, and
/// `InvalidParameterException` for what else breaks the model. That the latter repeats no value is
/// how AWS answers since about 2024 (moto, test_arn_formats_log_group_and_stream, verified on AWS).
pub(super) fn admit(operation: &str, input: &Value) -> Result<Value, ApiError> {
    let Some(shape) = model().input(operation) else { return Err(model().unknown(operation)) };
    let mut input = input.clone();
    model().check(shape, &mut input).map_err(|fault| match fault {
        ShapeError::Type(text) => ApiError::new(400, "SerializationException", text),
        other => invalid(other.text_without_value()),
    })?;
    Ok(input)
}
