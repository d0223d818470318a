//! The decision about one question.
//!
//! Source: IAM User Guide, "Policy evaluation logic": an explicit deny in any policy decides, then
//! an allow in an identity-based policy, as long as the permissions boundary allows it, too; else
//! it is an implicit deny.

use super::{
    document::{Document, Effect},
    question::Question,
};

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Allowed, and denied nowhere.
    Allowed,
    /// A statement of an identity-based policy denies it.
    Denied,
    /// A statement of the permissions boundary denies it.
    DeniedByBoundary,
    /// No identity-based policy allows it.
    NotAllowed,
    /// The permissions boundary does not allow it.
    OutOfBounds,
}

/// Decides a question by identity-based policies and a permissions boundary.
#[must_use]
pub fn decide(policies: &[Document], boundary: Option<&Document>, question: &Question) -> Decision {
    if policies.iter().any(|policy| policy.says(Effect::Deny, question)) {
        return Decision::Denied;
    }
    if boundary.is_some_and(|boundary| boundary.says(Effect::Deny, question)) {
        return Decision::DeniedByBoundary;
    }
    if !policies.iter().any(|policy| policy.says(Effect::Allow, question)) {
        return Decision::NotAllowed;
    }
    if boundary.is_some_and(|boundary| !boundary.says(Effect::Allow, question)) {
        return Decision::OutOfBounds;
    }
    Decision::Allowed
}
