//! Log groups, their retention and keys.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::input::{answer, group_name, page, required, tags, text, texts};
use super::streams::Stream;
use super::{Logs, invalid, not_found};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// The days that PutRetentionPolicy accepts, as its API reference lists them.
const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// One log group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The ARN without the trailing `:*`.
    pub arn: String,
    created: i64,
    pub retention_days: Option<i64>,
    /// A retention policy of the account that covers the group, with its days.
    pub policy: Option<(String, i64)>,
    kms_key: Option<String>,
    class: String,
    protected: bool,
    pub tags: BTreeMap<String, String>,
    pub streams: BTreeMap<String, Stream>,
}

impl Group {
    /// The stream with this name, made at `at` if need be.
    pub(super) fn stream_or_new(&mut self, name: &str, at: i64) -> &mut Stream {
        let arn = format!("{}:log-stream:{name}", self.arn);
        self.streams.entry(name.to_owned()).or_insert_with(|| Stream::new(arn, at))
    }

    /// The earliest time of events that are still kept, in milliseconds.
    pub(super) fn kept_since(&self, now: i64) -> i64 {
        self.days_in_force().map_or(i64::MIN, |days| now - days * 86_400_000)
    }

    /// A policy of the account stands above what is set on the group (API reference of LogGroup,
    /// retentionPolicyName).
    fn days_in_force(&self) -> Option<i64> {
        self.policy.as_ref().map(|(_, days)| *days).or(self.retention_days)
    }

    fn view(&self, name: &str) -> Value {
        let stored: usize = self.streams.values().map(Stream::bytes).sum();
        let mut view = json!({
            "logGroupName": name,
            "creationTime": self.created,
            "metricFilterCount": 0,
            "arn": format!("{}:*", self.arn),
            "logGroupArn": self.arn,
            "storedBytes": stored,
            "logGroupClass": self.class,
            "deletionProtectionEnabled": self.protected,
        });
        if let Some(days) = self.days_in_force() {
            view["retentionInDays"] = days.into();
        }
        if let Some((policy, _)) = &self.policy {
            view["retentionPolicyName"] = json!(policy);
        }
        if let Some(key) = &self.kms_key {
            view["kmsKeyId"] = json!(key);
        }
        view
    }
}

impl Logs {
    /// The group with this name.
    pub(super) fn group(&self, name: &str) -> Result<&Group, ApiError> {
        self.groups.get(name).ok_or_else(|| not_found("log group"))
    }

    /// The group that a request names in `logGroupName` (or `logGroupIdentifier`).
    pub(super) fn group_mut(&mut self, name: &str) -> Result<&mut Group, ApiError> {
        self.groups.get_mut(name).ok_or_else(|| not_found("log group"))
    }

    pub(super) fn create_group(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let name = required(input, "logGroupName");
        let class = text(input, "logGroupClass").unwrap_or("STANDARD");
        let tags = tags(input)?;
        if self.groups.contains_key(name) {
            let message = "The specified log group already exists";
            return Err(ApiError::new(400, "ResourceAlreadyExistsException", message));
        }
        let group = Group {
            arn: ctx.arn("logs", &format!("log-group:{name}")),
            created: ctx.now.as_millisecond(),
            retention_days: None,
            policy: None,
            kms_key: text(input, "kmsKeyId").map(str::to_owned),
            class: class.to_owned(),
            protected: input.get("deletionProtectionEnabled").and_then(Value::as_bool) == Some(true),
            tags,
            streams: BTreeMap::new(),
        };
        self.groups.insert(name.to_owned(), group);
        Ok(json!({}))
    }

    pub(super) fn describe_groups(&self, input: &Value) -> Result<Value, ApiError> {
        let (prefix, pattern) = (text(input, "logGroupNamePrefix"), text(input, "logGroupNamePattern"));
        let ids = texts(input, "logGroupIdentifiers");
        if [prefix.is_some(), pattern.is_some(), !ids.is_empty()].iter().filter(|b| **b).count() > 1 {
            return Err(invalid(
                "LogGroup name prefix, pattern and identifiers are mutually exclusive parameters.",
            ));
        }
        // The API reference lets one other filter stand beside identifiers, includeLinkedAccounts;
        // that a limit is refused, and the text, are guesses.
        if !ids.is_empty() && input.get("limit").is_some() {
            return Err(invalid("LogGroup identifiers cannot be combined with limit."));
        }
        let class = text(input, "logGroupClass");
        let wanted = |name: &str, group: &Group| {
            prefix.is_none_or(|p| name.starts_with(p))
                && pattern.is_none_or(|p| name.to_lowercase().contains(&p.to_lowercase()))
                && (ids.is_empty() || ids.iter().any(|id| group_name(id) == name))
                && class.is_none_or(|c| c == group.class)
        };
        // A prefix selects a range of names, so that one among thousands is found without looking
        // at all.
        let range = self.groups.range(prefix.unwrap_or_default().to_owned()..);
        let near = range.take_while(|(name, _)| prefix.is_none_or(|p| name.starts_with(p)));
        let views = near.filter(|(n, g)| wanted(n, g)).map(|(n, g)| (n.clone(), g.view(n))).collect();
        let (list, next) = page(views, input, 50)?;
        Ok(answer("logGroups", list, next))
    }

    /// Puts a log group under a retention policy of the account, or takes it from under one; there
    /// is no call for that here. Answers whether there is such a group.
    pub fn set_retention_policy(&mut self, name: &str, policy: Option<(&str, i64)>) -> bool {
        let Some(group) = self.groups.get_mut(name) else { return false };
        group.policy = policy.map(|(policy, days)| (policy.to_owned(), days));
        true
    }

    pub(super) fn delete_group(&mut self, input: &Value) -> Result<Value, ApiError> {
        let name = required(input, "logGroupName");
        if self.group(name)?.protected {
            let message = "The log group can't be deleted because deletion protection is enabled.";
            return Err(ApiError::new(400, "ValidationException", message));
        }
        self.groups.remove(name);
        Ok(json!({}))
    }

    pub(super) fn put_retention(&mut self, input: &Value) -> Result<Value, ApiError> {
        let days = input.get("retentionInDays").and_then(Value::as_i64).unwrap_or(0);
        if !RETENTION_DAYS.contains(&days) {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'retentionInDays' failed to satisfy constraint: \
                 Member must satisfy enum value set: {RETENTION_DAYS:?}"
            )));
        }
        self.group_mut(required(input, "logGroupName"))?.retention_days = Some(days);
        Ok(json!({}))
    }

    pub(super) fn delete_retention(&mut self, input: &Value) -> Result<Value, ApiError> {
        self.group_mut(required(input, "logGroupName"))?.retention_days = None;
        Ok(json!({}))
    }

    pub(super) fn associate_key(&mut self, input: &Value) -> Result<Value, ApiError> {
        let key = required(input, "kmsKeyId");
        self.keyed(input)?.kms_key = Some(key.to_owned());
        Ok(json!({}))
    }

    pub(super) fn disassociate_key(&mut self, input: &Value) -> Result<Value, ApiError> {
        self.keyed(input)?.kms_key = None;
        Ok(json!({}))
    }

    fn keyed(&mut self, input: &Value) -> Result<&mut Group, ApiError> {
        let name = text(input, "logGroupName").or_else(|| text(input, "resourceIdentifier").map(group_name));
        let name = name.ok_or_else(|| invalid("Either logGroupName or resourceIdentifier must be given."))?;
        self.group_mut(name)
    }
}
