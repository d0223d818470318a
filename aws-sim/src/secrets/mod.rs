//! Secrets Manager: secrets with versions and staging labels, rotation, scheduled deletion, tags
//! and search.
//!
//! Values never leave this module except through GetSecretValue and BatchGetSecretValue; `Debug`
//! output has none. Rotations and final deletions happen when the first call after their time
//! arrives.

mod content;
mod input;
mod lifecycle;
mod listing;
mod resolve;
mod rotation;
mod schedule;
mod secret;
mod shapes;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::secret::Secret;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// All secrets of one account in one region, by name.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    secrets: BTreeMap<String, Secret>,
}

/// An ARN without its region.
fn without_region(arn: &str) -> Option<(Vec<&str>, &str)> {
    let parts: Vec<&str> = arn.splitn(5, ':').collect();
    match parts[..] {
        [arn, partition, service, _, rest] => Some((vec![arn, partition, service], rest)),
        _ => None,
    }
}

impl Secrets {
    /// Answers one awsJson operation.
    ///
    /// # Errors
    /// The service's own error codes; `UnknownOperationException` for an operation that is not
    /// simulated.
    pub fn handle(&mut self, ctx: &mut Ctx<'_>, op: &str, input: &Value) -> Result<Value, ApiError> {
        let input = &shapes::admit(op, input)?;
        self.advance(ctx.now);
        match op {
            "CreateSecret" => self.create(ctx, input),
            "DescribeSecret" => self.describe(input),
            "GetSecretValue" => self.get_value(ctx, input),
            "BatchGetSecretValue" => self.batch_get_value(ctx, input),
            "PutSecretValue" => self.put_value(ctx, input),
            "UpdateSecret" => self.update(ctx, input),
            "UpdateSecretVersionStage" => self.update_version_stage(ctx, input),
            "ListSecretVersionIds" => self.list_version_ids(input),
            "ListSecrets" => self.list(input),
            "RotateSecret" => self.rotate(ctx, input),
            "CancelRotateSecret" => self.cancel_rotate(input),
            "DeleteSecret" => self.delete(ctx, input),
            "RestoreSecret" => self.restore(input),
            "TagResource" => self.tag(ctx, input),
            "UntagResource" => self.untag(ctx, input),
            "GetRandomPassword" => rotation::random_password(ctx, input),
            other => {
                Err(ApiError::new(400, "UnknownOperationException", format!("Unknown operation: {other}")))
            }
        }
    }

    /// Does what was due by `now`: finishes rotations, starts scheduled ones, removes what was
    /// deleted for good.
    pub fn advance(&mut self, now: Timestamp) {
        self.secrets.retain(|_, s| s.deleted.as_ref().is_none_or(|d| now < d.gone_at));
        for secret in self.secrets.values_mut() {
            secret.rotate_until(now);
        }
    }

    /// Makes a secret one that another service owns, such as `rds` for a database's master
    /// password. AWS lets only that service do so; here it is a matter of setting up the world.
    /// Such a secret can rotate without a Lambda function.
    ///
    /// Returns whether the secret exists.
    pub fn set_owner(&mut self, secret_id: &str, service: &str) -> bool {
        let Some(secret) = self.find_mut(secret_id) else { return false };
        secret.owner = Some(service.to_owned());
        true
    }

    /// Finds a secret by name, full ARN, or ARN without the random suffix. The region of an ARN
    /// without it is not looked at: the secret of that name in the region of the request is meant.
    /// Source: aws/aws-cli#3474, from live AWS; aws-actions/aws-secretsmanager-get-secrets#182 (a
    /// full ARN of another region fails).
    fn find(&self, id: &str) -> Option<&Secret> {
        let Some(name) = id.strip_prefix("arn:").and_then(|_| id.splitn(7, ':').nth(6)) else {
            return self.secrets.get(id);
        };
        let full = || self.secrets.get(name.rsplit_once('-')?.0).filter(|s| s.arn == id);
        let partial = || {
            self.secrets.get(name).filter(|s| without_region(&s.arn[..s.arn.len() - 7]) == without_region(id))
        };
        full().or_else(partial)
    }

    /// The ARN and the tags of a secret that is there, by whatever names it.
    pub(crate) fn tagged(&self, id: &str) -> Option<(String, BTreeMap<String, String>)> {
        let secret = self.find(id)?;
        Some((secret.arn.clone(), secret.tags.iter().cloned().collect()))
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Secret> {
        let name = self.find(id)?.name.clone();
        self.secrets.get_mut(&name)
    }

    /// The secret that a request names in `SecretId`.
    fn named(&self, input: &Value) -> Result<&Secret, ApiError> {
        self.find(input::required(input, "SecretId")).ok_or_else(not_found)
    }

    /// As [`Secrets::named`], for changing it: a secret that is marked for deletion cannot be.
    fn named_mut(&mut self, input: &Value) -> Result<&mut Secret, ApiError> {
        let secret = self.find_mut(input::required(input, "SecretId")).ok_or_else(not_found)?;
        secret.check_alive()?;
        Ok(secret)
    }
}

/// ARN and name, which most answers consist of.
fn identity(secret: &Secret) -> Value {
    json!({"ARN": secret.arn, "Name": secret.name})
}

fn not_found() -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

fn invalid_parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidRequestException", message)
}
