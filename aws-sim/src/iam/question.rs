//! What a call asks: an action on a resource, with the condition keys of the request.

use std::collections::BTreeMap;

/// Who calls, as far as policies see it.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// Its ARN: a user's, or that of a role's session.
    pub arn: String,
    /// The account that it belongs to.
    pub account: String,
}

impl Principal {
    /// The name of the role whose session it is.
    pub(super) fn role(&self) -> Option<&str> {
        self.arn.split_once(":assumed-role/")?.1.split('/').next()
    }
}

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
