//! Rotation: on demand and by schedule.
//!
//! No Lambda function runs. A rotation prepares a new value at once (`AWSPENDING`) and puts it in
//! use after [`ROTATION_SECONDS`], as AWS's own rotation functions do: the new version becomes
//! `AWSCURRENT`, the one before it `AWSPREVIOUS`. In a JSON value only the `password` member
//! changes.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::content::Content;
use super::input::{self, text, validation};
use super::secret::{CURRENT, PENDING, Secret};
use super::{Secrets, identity, invalid_parameter, invalid_request};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Seconds from the start of a rotation until the new version is in use.
pub(super) const ROTATION_SECONDS: i64 = 5;

impl Secret {
    /// Finishes a rotation that was due by `now`, and carries out the scheduled ones up to then
    /// (the latest 32, as earlier ones leave no trace but deprecated versions).
    pub(super) fn rotate_until(&mut self, now: Timestamp) {
        self.finish_rotation(now);
        for _ in 0..32 {
            let due =
                self.rotation.next.filter(|at| self.rotation.enabled && self.deleted.is_none() && *at <= now);
            let Some(at) = due else { return };
            let id = self.version_id();
            self.start_rotation(&id, at);
            self.finish_rotation(now);
            if self.rotation.pending.is_some() {
                return;
            }
        }
        self.rotation.next = self.rotation.days.map(|d| later(now, d * 86_400));
    }

    fn start_rotation(&mut self, id: &str, at: Timestamp) {
        let content = self.rotated_content();
        self.add_version(id, content, &[PENDING.to_owned()], at);
        self.rotation.pending = Some((id.to_owned(), later(at, ROTATION_SECONDS)));
        self.rotation.next = self.rotation.days.map(|d| later(at, d * 86_400));
    }

    fn finish_rotation(&mut self, now: Timestamp) {
        let Some((id, at)) = self.rotation.pending.clone().filter(|(_, at)| *at <= now) else { return };
        self.label(&id, CURRENT);
        if let Some(version) = self.versions.get_mut(&id) {
            version.stages.remove(PENDING);
        }
        self.rotation.pending = None;
        self.rotation.last = Some(at);
        self.changed = at;
    }

    /// A new value in the form of the present one. It depends only on the secret and how often it
    /// changed, so that the same calls give the same value.
    fn rotated_content(&self) -> Content {
        let password = self.chance(1, |rng| (0..32).map(|_| rng.alphanumeric()).collect::<String>());
        let current = self.staged(CURRENT).and_then(|id| self.versions.get(id)).map(|v| &v.content);
        let json = match current {
            Some(Content::String(text)) => serde_json::from_str::<Value>(text).ok(),
            _ => None,
        };
        match json {
            Some(Value::Object(mut members)) => {
                members.insert("password".to_owned(), password.into());
                Content::String(Value::Object(members).to_string())
            }
            _ => Content::String(password),
        }
    }

    fn version_id(&self) -> String {
        let bits = self.chance(2, |rng| rng.u128(..));
        let hex = format!("{bits:032x}");
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    fn chance<T>(&self, purpose: u64, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        let hash = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
        let seed = self.arn.bytes().fold(0xcbf2_9ce4_8422_2325, hash) ^ (self.next_number << 8) ^ purpose;
        draw(&mut fastrand::Rng::with_seed(seed))
    }
}

impl Secrets {
    pub(super) fn rotate(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let token = input::token(ctx, input);
        let secret = self.named_mut(input)?;
        let mut answer = identity(secret);
        if secret.versions.contains_key(&token) {
            answer["VersionId"] = token.into();
            return Ok(answer);
        }
        if secret.staged(CURRENT).is_none() {
            return Err(invalid_request("You can't rotate a secret that has no value."));
        }
        if secret.rotation.pending.is_some() {
            return Err(invalid_request(
                "A previous rotation isn't complete. That rotation will be reattempted.",
            ));
        }
        let owned = secret.owner.is_some();
        secret.rotation.configure(input, owned)?;
        if input.get("RotateImmediately").and_then(Value::as_bool) == Some(false) {
            secret.rotation.next = secret.rotation.days.map(|d| later(ctx.now, d * 86_400));
        } else {
            secret.start_rotation(&token, ctx.now);
            answer["VersionId"] = token.into();
        }
        Ok(answer)
    }

    pub(super) fn cancel_rotate(&mut self, input: &Value) -> Result<Value, ApiError> {
        let secret = self.named_mut(input)?;
        secret.rotation.enabled = false;
        let mut answer = identity(secret);
        // A version that was being prepared keeps its label, as AWS leaves it.
        if let Some((id, _)) = secret.rotation.pending.take() {
            answer["VersionId"] = id.into();
        }
        Ok(answer)
    }
}

/// Answers GetRandomPassword.
pub(super) fn random_password(ctx: &mut Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
    let length = input::number(input, "PasswordLength").unwrap_or(32);
    let without = |name: &str| input.get(name).and_then(Value::as_bool) == Some(true);
    let excluded = text(input, "ExcludeCharacters").unwrap_or_default();
    let classes = [
        (!without("ExcludeLowercase"), "abcdefghijklmnopqrstuvwxyz"),
        (!without("ExcludeUppercase"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        (!without("ExcludeNumbers"), "0123456789"),
        (!without("ExcludePunctuation"), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        (without("IncludeSpace"), " "),
    ];
    let pools: Vec<Vec<char>> = classes
        .iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, all)| all.chars().filter(|c| !excluded.contains(*c)).collect::<Vec<char>>())
        .filter(|pool: &Vec<char>| !pool.is_empty())
        .collect();
    let every = input.get("RequireEachIncludedType").and_then(Value::as_bool) != Some(false);
    let length = usize::try_from(length).map_err(|_| validation("Invalid PasswordLength"))?;
    // Undecided: AWS's documentation of RequireEachIncludedType names four kinds, without the
    // space; whether four places are then enough for all five kinds no source says.
    if pools.is_empty() || (every && length < pools.len()) {
        return Err(invalid_parameter(
            "The password length and the excluded characters leave no password to choose.",
        ));
    }
    let mut password: Vec<char> = Vec::with_capacity(length);
    if every {
        password.extend(pools.iter().map(|pool| pool[ctx.rng.usize(..pool.len())]));
    }
    let all: Vec<char> = pools.concat();
    while password.len() < length {
        password.push(all[ctx.rng.usize(..all.len())]);
    }
    ctx.rng.shuffle(&mut password);
    Ok(json!({"RandomPassword": password.into_iter().collect::<String>()}))
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
