//! Values and versions: create, put, update, get, and moving labels.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::content::Content;
use super::input::{self, required, text, texts};
use super::schedule::Rotation;
use super::secret::{CURRENT, Secret};
use super::{Secrets, identity, invalid_parameter, invalid_request, not_found};
use crate::ctx::{Ctx, epoch};
use crate::error::ApiError;

impl Secrets {
    pub(super) fn create(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let name = required(input, "Name");
        check_name(name)?;
        if input.get("AddReplicaRegions").is_some() {
            let text = "Replication to other regions is not simulated: AddReplicaRegions.";
            return Err(ApiError::new(400, "UnsupportedFeatureException", text));
        }
        let content = input::content(input)?;
        let token = input::token(ctx, input);
        let tags = input::tags(input)?;
        if let Some(known) = self.secrets.get(name) {
            return replay(known, name, &token, content.as_ref());
        }
        let suffix: String = (0..6).map(|_| ctx.rng.alphanumeric()).collect();
        let mut secret = Secret {
            arn: ctx.arn("secretsmanager", &format!("secret:{name}-{suffix}")),
            name: name.to_owned(),
            description: text(input, "Description").map(str::to_owned),
            kms_key: text(input, "KmsKeyId").map(str::to_owned),
            kind: text(input, "Type").map(str::to_owned),
            owner: None,
            created: ctx.now,
            changed: ctx.now,
            accessed: None,
            deleted: None,
            rotation: Rotation::default(),
            tags,
            versions: std::collections::BTreeMap::new(),
            next_number: 0,
        };
        let mut answer = identity(&secret);
        if let Some(content) = content {
            secret.add_version(&token, content, &[CURRENT.to_owned()], ctx.now);
            answer["VersionId"] = token.into();
        }
        self.secrets.insert(name.to_owned(), secret);
        Ok(answer)
    }

    pub(super) fn get_value(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let secret = self.named_mut(input)?;
        read_value(secret, ctx.now, text(input, "VersionId"), text(input, "VersionStage"))
    }

    pub(super) fn put_value(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let token = input::token(ctx, input);
        let content = input::content(input)?;
        let content = content
            .ok_or_else(|| invalid_request("You must provide either SecretString or SecretBinary."))?;
        let secret = self.named_mut(input)?;
        let stages = texts(input, "VersionStages");
        let wanted = if stages.is_empty() { vec![CURRENT.to_owned()] } else { stages };
        put(secret, &token, content, wanted, ctx.now)?;
        let mut answer = identity(secret);
        answer["VersionStages"] = json!(secret.versions[&token].stages);
        answer["VersionId"] = token.into();
        Ok(answer)
    }

    pub(super) fn update(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let token = input::token(ctx, input);
        let content = input::content(input)?;
        let secret = self.named_mut(input)?;
        if let Some(description) = text(input, "Description") {
            secret.description = Some(description.to_owned());
        }
        if let Some(key) = text(input, "KmsKeyId") {
            secret.kms_key = Some(key.to_owned()).filter(|k| !k.is_empty());
        }
        if let Some(kind) = text(input, "Type") {
            secret.kind = Some(kind.to_owned());
        }
        secret.changed = ctx.now;
        let mut answer = identity(secret);
        if let Some(content) = content {
            put(secret, &token, content, vec![CURRENT.to_owned()], ctx.now)?;
            answer["VersionId"] = token.into();
        }
        Ok(answer)
    }

    pub(super) fn update_version_stage(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let stage = required(input, "VersionStage");
        let (remove, to) = (text(input, "RemoveFromVersionId"), text(input, "MoveToVersionId"));
        let secret = self.named_mut(input)?;
        for id in remove.iter().chain(&to) {
            if !secret.versions.contains_key(*id) {
                return Err(no_value(&format!("VersionId: {id}")));
            }
        }
        let holder = secret.staged(stage).map(str::to_owned);
        match (&holder, remove) {
            (Some(holder), None) if to != Some(holder) => {
                return Err(invalid_parameter(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
                     version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                )));
            }
            (holder, Some(remove)) if holder.as_deref() != Some(remove) => {
                return Err(invalid_parameter(format!(
                    "The parameter RemoveFromVersionId can't be {remove}. The staging label {stage} isn't attached to it."
                )));
            }
            _ => {}
        }
        match to {
            Some(to) => secret.label(to, stage),
            None if stage == CURRENT => {
                return Err(invalid_parameter(
                    "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
                ));
            }
            None => {
                if let Some(version) = remove.and_then(|id| secret.versions.get_mut(id)) {
                    version.stages.remove(stage);
                }
            }
        }
        secret.changed = ctx.now;
        Ok(identity(secret))
    }
}

/// Creates a version, or recognises a repeated request by its token: same token and same value
/// change nothing.
pub(super) fn put(
    secret: &mut Secret,
    token: &str,
    content: Content,
    mut stages: Vec<String>,
    now: Timestamp,
) -> Result<(), ApiError> {
    match secret.versions.get(token) {
        Some(known) if known.content == content => return Ok(()),
        Some(_) => {
            return Err(ApiError::new(400, "ResourceExistsException", token_in_use(token, &secret.arn)));
        }
        None => {}
    }
    if secret.staged(CURRENT).is_none() && !stages.iter().any(|s| s == CURRENT) {
        stages.push(CURRENT.to_owned());
    }
    secret.add_version(token, content, &stages, now);
    Ok(())
}

/// Reads one version and notes that it was read.
pub(super) fn read_value(
    secret: &mut Secret,
    now: Timestamp,
    version: Option<&str>,
    stage: Option<&str>,
) -> Result<Value, ApiError> {
    let id = match version {
        Some(id) => id.to_owned(),
        None => {
            let stage = stage.unwrap_or(CURRENT);
            secret.staged(stage).ok_or_else(|| no_value(&format!("staging label: {stage}")))?.to_owned()
        }
    };
    let found = secret.versions.get_mut(&id).ok_or_else(|| no_value(&format!("VersionId: {id}")))?;
    if stage.is_some_and(|s| !found.stages.contains(s)) {
        return Err(invalid_request(
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    found.accessed = Some(now);
    let (member, value) = match &found.content {
        Content::String(text) => ("SecretString", text.clone()),
        Content::Binary(base64) => ("SecretBinary", base64.clone()),
    };
    let mut answer = json!({member: value, "VersionId": id, "CreatedDate": epoch(found.created)});
    if !found.stages.is_empty() {
        answer["VersionStages"] = json!(found.stages);
    }
    secret.accessed = Some(now);
    answer["ARN"] = json!(secret.arn);
    answer["Name"] = json!(secret.name);
    Ok(answer)
}

/// CreateSecret for a name that is taken: a repeated request is answered as the first one was.
fn replay(known: &Secret, name: &str, token: &str, content: Option<&Content>) -> Result<Value, ApiError> {
    if known.deleted.is_some() {
        return Err(invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    let message = match known.versions.get(token) {
        Some(version) if Some(&version.content) == content => {
            let mut answer = identity(known);
            answer["VersionId"] = token.into();
            return Ok(answer);
        }
        Some(_) => token_in_use(token, &known.arn),
        None => format!("The operation failed because the secret {name} already exists."),
    };
    Err(ApiError::new(400, "ResourceExistsException", message))
}

/// In AWS's words (moto, test_create_different_secret_with_same_token and its sisters, verified).
fn token_in_use(token: &str, arn: &str) -> String {
    format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    )
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c));
    if sound {
        return Ok(());
    }
    Err(input::validation(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}

fn no_value(which: &str) -> ApiError {
    let error = not_found();
    ApiError::new(
        error.status,
        error.code,
        format!("Secrets Manager can't find the specified secret value for {which}"),
    )
}
