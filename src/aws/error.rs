//! What went wrong with a call, sorted by what can be done about it.
//!
//! AWS has hundreds of error codes and the controller has five questions: did the call perhaps take
//! effect, does it help to ask again, is the thing not there, is someone else in the way, are we
//! not allowed. Everything else is for people to read, so code and message are kept word for word.

use crate::model::observed::Gap;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::fmt::{self, Write};
use std::sync::Arc;

/// What can be done about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Too many calls: AWS did nothing and says so. Later.
    Throttled,
    /// AWS or the way to it is broken. Later; whether the call took effect is shown by
    /// [`Error::answered`].
    Transient,
    /// What the call names is not there.
    NotFound,
    /// Something else of that name or in that state is in the way.
    Conflict,
    /// We are not allowed to.
    Denied,
    /// AWS does not want it like this.
    Rejected,
    /// We lost or gave up the right to write before the call was sent.
    Fenced,
}

/// A call that did not succeed. Its text says what is known here: the call, the code, and AWS's or
/// our own words; the causes of a call that AWS did not answer are those of its source.
#[derive(Clone, Debug)]
pub struct Error {
    /// The call, such as `ecs:UpdateService`.
    pub operation: &'static str,
    /// What can be done about it.
    pub kind: Kind,
    /// AWS's error code, or `Timeout`, `NoConnection`, `NoCredentials`, `BadResponse`, `NotSent`,
    /// `BadTree`, `Fenced` when there is none.
    pub code: String,
    /// AWS's message, or the chain of causes: what is kept for people, who see no source.
    pub message: String,
    /// HTTP status, when an answer came.
    pub status: Option<u16>,
    /// The SDK's error.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// Whether the message is the chain of causes.
    unanswered: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.code)?;
        if self.unanswered { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Error {
    /// Sorts an error of the SDK, which becomes the source.
    pub fn from_sdk<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let unanswered = !matches!(error, SdkError::ServiceError(_));
        let (kind, code, message) = match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("NoCode").to_owned();
                let message = service.err().message().unwrap_or("no message").to_owned();
                (classify(&code, &message, status), code, message)
            }
            _ if lacks_credentials(&error) => (Kind::Denied, "NoCredentials".to_owned(), causes(&error)),
            SdkError::TimeoutError(_) => (Kind::Transient, "Timeout".to_owned(), causes(&error)),
            SdkError::DispatchFailure(_) => (Kind::Transient, "NoConnection".to_owned(), causes(&error)),
            SdkError::ResponseError(_) => (Kind::Transient, "BadResponse".to_owned(), causes(&error)),
            _ => (Kind::Rejected, "NotSent".to_owned(), causes(&error)),
        };
        Self {
            source: Some(Arc::new(error)),
            unanswered,
            status,
            ..Self::plain(operation, kind, code, message)
        }
    }

    fn plain(
        operation: &'static str,
        kind: Kind,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { operation, kind, code, message, status: None, source: None, unanswered: false }
    }

    /// A tree that cannot be turned into the call; nothing was sent.
    pub fn bad_tree(operation: &'static str, message: impl Into<String>) -> Self {
        Self::plain(operation, Kind::Rejected, "BadTree", message)
    }

    /// A write that was held back; nothing was sent.
    pub fn fenced(operation: &'static str) -> Self {
        Self::plain(operation, Kind::Fenced, "Fenced", "the right to write was lost or given up")
    }

    /// An answer without the one thing that it is about (an ARN, say); the call took effect.
    pub fn bad_response(operation: &'static str, message: impl Into<String>) -> Self {
        Self::plain(operation, Kind::Transient, "BadResponse", message)
    }

    /// A refusal that AWS states within an answer of success.
    pub fn refused(operation: &'static str, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: Some(200), ..Self::plain(operation, Kind::Conflict, code, message) }
    }

    /// Whether it is certain that the call did not take effect. False after timeouts, broken
    /// connections and 5xx: it may have happened, and the next pass must observe before anything is
    /// tried again.
    pub fn answered(&self) -> bool {
        self.kind != Kind::Transient
    }

    /// Whether the same call can succeed later without a change of the spec: when AWS recovers,
    /// when someone grants a permission, raises a quota, or creates what is missing.
    pub fn retry(&self) -> bool {
        self.kind != Kind::Rejected || is_quota(&self.code)
    }

    /// Whether AWS says that what the call names is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }
}

impl From<Error> for Gap {
    fn from(error: Error) -> Self {
        Self { operation: error.operation.to_owned(), code: error.code, message: error.message }
    }
}

/// Codes that mean "slow down". Source: the SDK's own list of throttling errors.
const THROTTLED: [&str; 13] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Codes of credentials and permissions that do not say "denied" by name.
const DENIED: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Codes of things in the way. Source: ELBv2, ECS, CloudWatch and CloudWatch Logs API references.
const CONFLICT: [&str; 16] = [
    "BlockedException",
    "ConflictException",
    "DuplicateListener",
    "DuplicateTargetGroupName",
    "InvalidTarget",
    "OperationAbortedException",
    "OperationNotPermitted",
    "PriorityInUse",
    "ResourceAlreadyExistsException",
    "ResourceConflict",
    "ResourceInUse",
    "ResourceInUseException",
    "ServiceDeploymentInProgressException",
    "ServiceNotActiveException",
    "TargetGroupAssociationLimit",
    "UpdateInProgressException",
];

/// Texts by which ECS tells apart what it gives the same code. Each is a part of AWS's own message.
const TEXTS: [(&str, Kind); 10] = [
    ("The referenced task was not found", Kind::NotFound),
    ("The referenced cluster was inactive", Kind::NotFound),
    ("Unable to describe task definition", Kind::NotFound),
    ("Too many concurrent attempts", Kind::Throttled),
    ("Rate exceeded", Kind::Throttled),
    ("was not idempotent", Kind::Conflict),
    ("still Draining", Kind::Conflict),
    // These mend themselves: the group's rule, the next revision or the role's propagation comes
    // later.
    ("does not have an associated load balancer", Kind::Conflict),
    ("TaskDefinition is inactive", Kind::Conflict),
    ("nable to assume", Kind::Conflict),
];

fn classify(code: &str, message: &str, status: Option<u16>) -> Kind {
    if THROTTLED.contains(&code) || status == Some(429) {
        return Kind::Throttled;
    }
    if let Some((_, kind)) = TEXTS.iter().find(|(text, _)| message.contains(text)) {
        return *kind;
    }
    if status.is_some_and(|status| status >= 500) || matches!(code, "ServerException" | "RequestTimeout") {
        return Kind::Transient;
    }
    if code.starts_with("AccessDenied") || code.starts_with("NotAuthorized") || DENIED.contains(&code) {
        return Kind::Denied;
    }
    if code.contains("NotFound") {
        return Kind::NotFound;
    }
    if CONFLICT.contains(&code) {
        return Kind::Conflict;
    }
    Kind::Rejected
}

/// Quotas of an account: ELBv2 says `TooMany…`, the others `LimitExceeded…`.
fn is_quota(code: &str) -> bool {
    code.starts_with("TooMany") || code.starts_with("LimitExceeded") || code.contains("QuotaExceeded")
}

/// Whether credentials could not be had (a role that may not be assumed, say), so that nothing was
/// sent. The SDK reports it as a failed dispatch.
fn lacks_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The error and everything that caused it, outermost first. The SDK's own text for a lost
/// connection is `dispatch failure`, which says nothing.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        for (code, status, kind) in [
            ("ThrottlingException", 400, Kind::Throttled),
            ("Throttling", 400, Kind::Throttled),
            ("SomethingNew", 429, Kind::Throttled),
            ("ServerException", 500, Kind::Transient),
            ("ServiceUnavailable", 503, Kind::Transient),
            ("ClusterNotFoundException", 400, Kind::NotFound),
            ("TargetGroupNotFound", 400, Kind::NotFound),
            ("ResourceAlreadyExistsException", 400, Kind::Conflict),
            ("PriorityInUse", 400, Kind::Conflict),
            ("AccessDenied", 403, Kind::Denied),
            ("AccessDeniedException", 400, Kind::Denied),
            ("ExpiredTokenException", 400, Kind::Denied),
            ("InvalidParameterException", 400, Kind::Rejected),
            ("ValidationError", 400, Kind::Rejected),
        ] {
            assert_eq!(classify(code, "", Some(status)), kind, "{code}");
        }
    }

    #[test]
    fn ecs_texts_tell_apart_what_has_one_code() {
        let invalid = "InvalidParameterException";
        let message = "Creation of service was not idempotent.";
        assert_eq!(classify(invalid, message, Some(400)), Kind::Conflict);
        let message = "Unable to Start a service that is still Draining.";
        assert_eq!(classify(invalid, message, Some(400)), Kind::Conflict);
        assert_eq!(classify(invalid, "The referenced task was not found.", Some(400)), Kind::NotFound);
        let message = "Too many concurrent attempts to create a new revision of the specified family.";
        assert_eq!(classify("ClientException", message, Some(400)), Kind::Throttled);
    }

    #[test]
    fn only_what_aws_broke_leaves_the_outcome_open() {
        let mut error = Error::bad_tree("ecs:RunTask", "x");
        assert!(error.answered() && !error.retry());
        error.kind = Kind::Transient;
        assert!(!error.answered() && error.retry());
        error.kind = Kind::Throttled;
        assert!(error.answered() && error.retry());
    }

    #[test]
    fn a_quota_can_be_raised_without_a_new_spec() {
        let mut error = Error::bad_tree("elasticloadbalancing:CreateRule", "x");
        error.code = "TooManyRules".to_owned();
        assert!(error.retry());
    }
}
