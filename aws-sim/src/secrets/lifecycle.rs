//! Description, deletion with a recovery window, restoration and tags.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::input::{self, required, texts};
use super::secret::Deletion;
use super::{Secrets, identity, invalid_parameter, invalid_request, not_found};
use crate::ctx::{Ctx, epoch};
use crate::error::ApiError;

impl Secrets {
    pub(super) fn describe(&self, input: &Value) -> Result<Value, ApiError> {
        Ok(self.named(input)?.view("VersionIdsToStages"))
    }

    pub(super) fn delete(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let force = input.get("ForceDeleteWithoutRecovery").and_then(Value::as_bool) == Some(true);
        let window = input.get("RecoveryWindowInDays").and_then(Value::as_i64);
        if force && window.is_some() {
            return Err(invalid_parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        if window.is_some_and(|days| !(7..=30).contains(&days)) {
            return Err(invalid_parameter(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
        let id = required(input, "SecretId");
        if force && self.find(id).is_none() {
            // Without a recovery window AWS does not look whether there is anything to delete.
            let arn = if id.starts_with("arn:") {
                id.to_owned()
            } else {
                ctx.arn("secretsmanager", &format!("secret:{id}"))
            };
            return Ok(json!({"ARN": arn, "Name": id, "DeletionDate": epoch(ctx.now)}));
        }
        let secret = self.find_mut(id).ok_or_else(not_found)?;
        if !force {
            secret.check_alive()?;
        }
        if secret.owner.is_some() {
            return Err(invalid_request("You can't delete a secret that is managed by another service."));
        }
        let mut answer = identity(secret);
        if force {
            let name = secret.name.clone();
            self.secrets.remove(&name);
            answer["DeletionDate"] = epoch(ctx.now);
            return Ok(answer);
        }
        let gone_at = ctx
            .now
            .checked_add(SignedDuration::from_hours(24 * window.unwrap_or(30)))
            .unwrap_or(Timestamp::MAX);
        answer["DeletionDate"] = epoch(gone_at);
        secret.deleted = Some(Deletion { asked_at: ctx.now, gone_at });
        Ok(answer)
    }

    pub(super) fn restore(&mut self, input: &Value) -> Result<Value, ApiError> {
        let secret = self.find_mut(required(input, "SecretId")).ok_or_else(not_found)?;
        secret.deleted = None;
        Ok(identity(secret))
    }

    pub(super) fn tag(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let tags = input::tags(input)?;
        let secret = self.named_mut(input)?;
        let mut merged = secret.tags.clone();
        for (key, value) in tags {
            merged.retain(|(known, _)| *known != key);
            merged.push((key, value));
        }
        if merged.len() > 50 {
            return Err(invalid_request("You can't attach more than 50 tags to a secret."));
        }
        secret.tags = merged;
        secret.changed = ctx.now;
        Ok(json!({}))
    }

    pub(super) fn untag(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let keys = texts(input, "TagKeys");
        let secret = self.named_mut(input)?;
        secret.tags.retain(|(key, _)| !keys.contains(key));
        secret.changed = ctx.now;
        Ok(json!({}))
    }
}
