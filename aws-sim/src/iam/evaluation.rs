//! The decision about one question.
//!
//! Source: IAM User Guide, "Policy evaluation logic": an explicit deny in any policy decides, then
//! an allow in an identity-based policy, as long as the permissions boundary allows it, too; else
//! it is an implicit deny.

use std::collections::BTreeMap;

use super::{
    Principal,
    document::{Document, Effect},
};

/// The condition keys of a request with their values. Names of keys are not case-sensitive.
#[derive(Debug, Clone, Default)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// The values of a key; `None` when it is not in the request.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// Puts a key with its values into the request.
    pub fn put(&mut self, key: &str, values: Vec<String>) {
        self.0.insert(key.to_ascii_lowercase(), values);
    }
}

/// What a call asks for.
#[derive(Debug, Clone)]
pub struct Question {
    /// The action, such as `ecs:CreateService`.
    pub action: String,
    /// The ARN of the resource, or `*`.
    pub resource: String,
    /// The condition keys.
    pub context: Context,
}

impl Question {
    /// A question with no keys yet.
    #[must_use]
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), context: Context::default() }
    }

    /// The same with one more key of one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.put(key, vec![value.into()]);
        self
    }

    /// Puts in the keys that every request has: IAM User Guide, "AWS global condition context
    /// keys". Of where a call comes from, nothing is known.
    pub(crate) fn about_caller(&mut self, principal: &Principal, region: &str, at: jiff::Timestamp) {
        let kind = if principal.role().is_some() { "AssumedRole" } else { "User" };
        // "For IAM roles, the request context returns the ARN of the role, not the ARN of the user
        // that assumed the role."
        let arn = match (principal.role(), principal.arn.split(':').nth(1)) {
            (Some(role), Some(partition)) => {
                format!("arn:{partition}:iam::{}:role/{role}", principal.account)
            }
            _ => principal.arn.clone(),
        };
        for (key, value) in [
            ("aws:PrincipalArn", arn),
            ("aws:PrincipalAccount", principal.account.clone()),
            ("aws:PrincipalType", kind.to_owned()),
            ("aws:RequestedRegion", region.to_owned()),
            ("aws:SecureTransport", "true".to_owned()),
            ("aws:ViaAWSService", "false".to_owned()),
            ("aws:CurrentTime", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("aws:EpochTime", at.as_second().to_string()),
        ] {
            self.context.put(key, vec![value]);
        }
    }
}

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
