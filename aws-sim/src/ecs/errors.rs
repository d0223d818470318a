//! The errors of ECS, in AWS's words where they are known.

use crate::error::ApiError;

/// The result of an ECS operation.
pub(super) type Result<T> = std::result::Result<T, ApiError>;

/// `InvalidParameterException`.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterException", message)
}

/// `ClientException`.
pub(super) fn client(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ClientException", message)
}

/// `ClusterNotFoundException`.
pub(super) fn no_cluster() -> ApiError {
    ApiError::new(400, "ClusterNotFoundException", "Cluster not found.")
}

/// `ServiceNotFoundException`.
pub(super) fn no_service() -> ApiError {
    ApiError::new(400, "ServiceNotFoundException", "Service not found.")
}

/// `ServiceNotActiveException`.
pub(super) fn not_active() -> ApiError {
    ApiError::new(400, "ServiceNotActiveException", "Service was not ACTIVE.")
}
