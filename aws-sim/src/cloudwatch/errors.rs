//! CloudWatch's errors. Codes are those of awsQuery; the other protocols name the shapes of AWS's
//! model beside them.

use crate::error::ApiError;

/// Codes of errors whose shapes have other names.
const SHAPES: [(&str, &str); 6] = [
    ("LimitExceeded", "LimitExceededFault"),
    ("InvalidFormat", "InvalidFormatFault"),
    ("InvalidParameterValue", "InvalidParameterValueException"),
    ("InvalidParameterCombination", "InvalidParameterCombinationException"),
    ("MissingParameter", "MissingRequiredParameterException"),
    ("InternalServiceError", "InternalServiceFault"),
];

/// The name of an error's shape, which awsJson and CBOR name in `__type`, by its awsQuery code.
pub(crate) fn error_shape(code: &'static str) -> &'static str {
    SHAPES.iter().find(|row| row.0 == code).map_or(code, |row| row.1)
}

/// What most operations answer to input that breaks a rule.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

/// A value that the operations on metrics do not take.
pub(super) fn bad_value(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterValue", message)
}

/// Parameters that exclude each other, or of which one is needed.
pub(super) fn bad_combination(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterCombination", message)
}

/// A parameter that the operations on metrics need.
pub(super) fn missing(parameter: &str) -> ApiError {
    ApiError::new(400, "MissingParameter", format!("The parameter {parameter} is required."))
}

/// An alarm that is not there.
pub(super) fn no_alarm(name: &str) -> ApiError {
    ApiError::new(404, "ResourceNotFound", format!("There is no alarm with the name {name}."))
}

/// What AWS has and the simulator has not.
pub(super) fn not_simulated(what: &str) -> ApiError {
    ApiError::new(400, "UnsupportedFeatureException", format!("{what} is not simulated."))
}
