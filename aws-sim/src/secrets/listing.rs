//! Listing: secrets by filter, versions of a secret, values in batches.

use serde_json::{Value, json};

use super::input::{number, text, texts};
use super::secret::Secret;
use super::values::read_value;
use super::{Secrets, invalid_parameter, not_found};
use crate::ctx::{Ctx, epoch};
use crate::error::ApiError;

/// One page of items. The token says how many items lie before the page.
fn page<T>(
    items: Vec<T>,
    input: &Value,
    default: i64,
    most: i64,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = number(input, "MaxResults", 1, most)?.unwrap_or(default);
    let size = usize::try_from(size).expect("at least one");
    let start = match text(input, "NextToken") {
        None => 0,
        Some(token) => {
            token.strip_prefix("page-").and_then(|n| n.parse::<usize>().ok()).ok_or_else(|| {
                ApiError::new(400, "InvalidNextTokenException", "The NextToken value is invalid.")
            })?
        }
    };
    let next = (start + size < items.len()).then(|| format!("page-{}", start + size));
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

/// Whether a secret passes all filters. Within one filter any value is enough; a `!` before a value
/// turns it around.
fn passes(secret: &Secret, filters: &[Value]) -> bool {
    filters.iter().all(|filter| {
        let key = text(filter, "Key").unwrap_or("all");
        texts(filter, "Values").iter().any(|value| match value.strip_prefix('!') {
            Some(unwanted) => !matches(secret, key, unwanted),
            None => matches(secret, key, value),
        })
    })
}

/// Names and tags match by their beginning and with case; the others by words and without.
fn matches(secret: &Secret, key: &str, value: &str) -> bool {
    let words = |text: &str| {
        let lower = text.to_lowercase();
        let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        value.to_lowercase().split_whitespace().all(|w| parts.iter().any(|p| p.starts_with(w)))
    };
    let name = || secret.name.starts_with(value);
    let description = || secret.description.as_deref().is_some_and(words);
    let tag_key = || secret.tags.iter().any(|(k, _)| k.starts_with(value));
    let tag_value = || secret.tags.iter().any(|(_, v)| v.starts_with(value));
    let owner = || secret.owner.as_deref().is_some_and(|o| o.starts_with(value));
    match key {
        "name" => name(),
        "description" => description(),
        "tag-key" => tag_key(),
        "tag-value" => tag_value(),
        "owning-service" => owner(),
        // Secrets are not replicated, so none has a primary region elsewhere.
        "primary-region" => false,
        _ => words(&secret.name) || name() || description() || tag_key() || tag_value(),
    }
}

fn filters(input: &Value) -> Result<Vec<Value>, ApiError> {
    let filters = input.get("Filters").and_then(Value::as_array).cloned().unwrap_or_default();
    let known = ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];
    match filters.iter().find_map(|f| text(f, "Key").filter(|k| !known.contains(k))) {
        Some(odd) => Err(invalid_parameter(format!("Invalid filter key: {odd}"))),
        None => Ok(filters),
    }
}

impl Secrets {
    pub(super) fn list(&self, input: &Value) -> Result<Value, ApiError> {
        let filters = filters(input)?;
        let planned = input.get("IncludePlannedDeletion").and_then(Value::as_bool) == Some(true);
        let alive = |s: &&Secret| planned || s.deleted.is_none();
        let mut found: Vec<&Secret> =
            self.secrets.values().filter(alive).filter(|s| passes(s, &filters)).collect();
        match text(input, "SortBy").unwrap_or("created-date") {
            "name" => found.sort_by(|a, b| a.name.cmp(&b.name)),
            "last-changed-date" => found.sort_by_key(|s| s.changed),
            "last-accessed-date" => found.sort_by_key(|s| s.accessed),
            _ => found.sort_by_key(|s| s.created),
        }
        if text(input, "SortOrder") == Some("desc") {
            found.reverse();
        }
        let views: Vec<Value> = found.into_iter().map(|s| s.view("SecretVersionsToStages")).collect();
        let (list, next) = page(views, input, 100, 100)?;
        let mut answer = json!({"SecretList": list});
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }

    pub(super) fn list_version_ids(&self, input: &Value) -> Result<Value, ApiError> {
        let secret = self.named(input)?;
        let deprecated = input.get("IncludeDeprecated").and_then(Value::as_bool) == Some(true);
        let mut versions: Vec<_> =
            secret.versions.iter().filter(|(_, v)| deprecated || !v.stages.is_empty()).collect();
        versions.sort_by_key(|(_, v)| v.number);
        let views: Vec<Value> = versions
            .into_iter()
            .map(|(id, v)| {
                let key = secret.kms_key.as_deref().unwrap_or("DefaultEncryptionKey");
                let mut view = json!({"VersionId": id, "CreatedDate": epoch(v.created), "KmsKeyIds": [key]});
                if !v.stages.is_empty() {
                    view["VersionStages"] = json!(v.stages);
                }
                if let Some(at) = v.accessed {
                    view["LastAccessedDate"] = epoch(super::secret::midnight(at));
                }
                view
            })
            .collect();
        let (list, next) = page(views, input, 100, 100)?;
        let mut answer = json!({"ARN": secret.arn, "Name": secret.name, "Versions": list});
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }

    pub(super) fn batch_get_value(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let ids = texts(input, "SecretIdList");
        let filters = filters(input)?;
        match (ids.is_empty(), filters.is_empty()) {
            (true, true) => {
                return Err(invalid_parameter("You must specify either SecretIdList or Filters."));
            }
            (false, false) => {
                return Err(invalid_parameter(
                    "You can't specify both SecretIdList and Filters in the same call.",
                ));
            }
            _ => {}
        }
        if ids.len() > 20 {
            return Err(super::input::validation(
                "1 validation error detected: Value at 'secretIdList' failed to satisfy constraint: \
                 Member must have length less than or equal to 20",
            ));
        }
        let (wanted, next) = if ids.is_empty() {
            let alive = self.secrets.values().filter(|s| s.deleted.is_none() && passes(s, &filters));
            page(alive.map(|s| s.name.clone()).collect(), input, 20, 20)?
        } else {
            (ids, None)
        };
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for id in wanted {
            let read = self.find_mut(&id).ok_or_else(not_found).and_then(|secret| {
                secret.check_alive()?;
                read_value(secret, ctx.now, None, None)
            });
            match read {
                Ok(value) => values.push(value),
                Err(e) => errors.push(json!({"SecretId": id, "ErrorCode": e.code, "Message": e.message})),
            }
        }
        let mut answer = json!({"SecretValues": values, "Errors": errors});
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }
}
