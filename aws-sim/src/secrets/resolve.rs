//! What ECS does with a container's `secrets[].valueFrom` before it starts a task.

use serde_json::Value;

use super::Secrets;
use super::content::Content;
use super::secret::CURRENT;

/// How ECS begins the reason of a task that stopped because a secret could not be read.
const FAILED: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:";

impl Secrets {
    /// Whether a reference of the form `ARN[:json-key[:version-stage[:version-id]]]` can be read,
    /// JSON key included. Parameter Store is not simulated: the account has no parameters, so a
    /// reference to one fails.
    ///
    /// # Errors
    /// The text that ECS puts into `stoppedReason`. It never holds a value.
    pub fn resolve(&self, value_from: &str) -> Result<(), String> {
        let parts: Vec<&str> = value_from.split(':').collect();
        let is_secret =
            parts.first() == Some(&"arn") && parts.get(2) == Some(&"secretsmanager") && parts.len() >= 7;
        if !is_secret {
            let name = value_from.rsplit_once(":parameter").map_or(value_from, |(_, name)| name);
            return Err(format!(
                "{FAILED} unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: {name}"
            ));
        }
        let arn = parts[..7].join(":");
        let part = |i: usize| parts.get(i).copied().filter(|p| !p.is_empty());
        let failed = |why: String| {
            format!(
                "{FAILED} unable to retrieve secret from asm: service call has been retried 1 time(s): \
                 failed to fetch secret {arn} from secrets manager: {why}"
            )
        };
        let missing = || {
            failed("ResourceNotFoundException: Secrets Manager can't find the specified secret.".to_owned())
        };
        let secret = self.find(&arn).ok_or_else(missing)?;
        if let Err(error) = secret.check_alive() {
            return Err(failed(format!("{}: {}", error.code, error.message)));
        }
        let stage = part(8).unwrap_or(CURRENT);
        let version = match part(9) {
            Some(id) => secret.versions.get(id),
            None => secret.staged(stage).and_then(|id| secret.versions.get(id)),
        };
        let which = part(9).map_or(format!("staging label: {stage}"), |id| format!("VersionId: {id}"));
        let version = version.ok_or_else(|| {
            failed(format!(
                "ResourceNotFoundException: Secrets Manager can't find the specified secret value for {which}"
            ))
        })?;
        match part(7) {
            Some(key) if !has_key(&version.content, key) => Err(format!(
                "{FAILED} unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain json key {key}"
            )),
            _ => Ok(()),
        }
    }
}

fn has_key(content: &Content, key: &str) -> bool {
    let Content::String(text) = content else { return false };
    serde_json::from_str::<Value>(text).is_ok_and(|v| v.get(key).is_some())
}
