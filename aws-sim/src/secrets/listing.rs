//! Listing: secrets by filter, versions of a secret, values in batches.

use serde_json::{Value, json};

use super::input::{number, text, texts};
use super::secret::Secret;
use super::values::read_value;
use super::{Secrets, invalid_parameter, not_found};
use crate::ctx::{Ctx, epoch};
use crate::error::ApiError;

/// One page of items. The token says how many items lie before the page.
fn page<T>(items: Vec<T>, input: &Value, usual: usize) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = number(input, "MaxResults").and_then(|size| usize::try_from(size).ok()).unwrap_or(usual);
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
    let wanted = words(value);
    let by_words = |text: &str| {
        let own = words(text);
        let fits = |word: &String| own.iter().any(|part| part.starts_with(word.as_str()));
        !wanted.is_empty() && wanted.iter().all(fits)
    };
    let tags = || secret.tags.iter();
    let description = || secret.description.as_deref().is_some_and(by_words);
    match key {
        "name" => secret.name.starts_with(value),
        "description" => description(),
        "tag-key" => tags().any(|(key, _)| key.starts_with(value)),
        "tag-value" => tags().any(|(_, own)| own.starts_with(value)),
        "owning-service" => secret.owner.as_deref().is_some_and(|owner| owner.starts_with(value)),
        // Secrets are not replicated, so none has a primary region elsewhere.
        "primary-region" => false,
        _ => {
            by_words(&secret.name) || description() || tags().any(|(key, own)| by_words(key) || by_words(own))
        }
    }
}

/// The words of a text as search takes them, in lower case: parted at the one special character
/// that the text has, and before a capital or space that small letters follow. A text with two
/// kinds of special characters is one word (moto, test_with_all_filter_special_characters, verified
/// on AWS).
fn words(text: &str) -> Vec<String> {
    const SPECIAL: [char; 7] = ['/', '-', '_', '+', '=', '.', '@'];
    let mut kinds = SPECIAL.into_iter().filter(|special| text.contains(*special));
    let parts: Vec<&str> = match (kinds.next(), kinds.next()) {
        (Some(only), None) => text.split(only).collect(),
        (None, _) => vec![text],
        (Some(_), Some(_)) => return vec![text.to_lowercase()],
    };
    parts.into_iter().flat_map(by_capitals).collect()
}

fn by_capitals(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let small = |at: usize| chars.get(at).is_some_and(char::is_ascii_lowercase);
    let (mut words, mut word, mut capital) = (Vec::new(), String::new(), false);
    for (at, c) in chars.iter().enumerate() {
        let begins = !small(at) && small(at + 1);
        // A word that began with a capital ends with its small letters.
        if begins || capital && !small(at) {
            words.push(std::mem::take(&mut word));
            capital = begins;
        }
        word.push(*c);
    }
    words.push(word);
    words.into_iter().map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect()
}

/// The filters of a request. Unknown keys are the model's affair; that a key and values must be
/// there, and the texts, are moto's (test_with_no_filter_key, test_with_no_filter_values).
fn filters(input: &Value) -> Result<&[Value], ApiError> {
    let filters = input.get("Filters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for filter in filters {
        let Some(key) = text(filter, "Key") else { return Err(invalid_parameter("Invalid filter key")) };
        if filter.get("Values").is_none() {
            return Err(invalid_parameter(format!("Invalid filter values for key: {key}")));
        }
    }
    Ok(filters)
}

impl Secrets {
    pub(super) fn list(&self, input: &Value) -> Result<Value, ApiError> {
        let filters = filters(input)?;
        let planned = input.get("IncludePlannedDeletion").and_then(Value::as_bool) == Some(true);
        let alive = |s: &&Secret| planned || s.deleted.is_none();
        let mut found: Vec<&Secret> =
            self.secrets.values().filter(alive).filter(|s| passes(s, filters)).collect();
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
        let (list, next) = page(views, input, 100)?;
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
        let (list, next) = page(views, input, 100)?;
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
        // API reference, MaxResults: "To use this parameter, you must also use the Filters
        // parameter." The text is a guess.
        if filters.is_empty() && input.get("MaxResults").is_some() {
            return Err(invalid_parameter("You can't use MaxResults without Filters."));
        }
        let (wanted, next) = if ids.is_empty() {
            let alive = self.secrets.values().filter(|s| s.deleted.is_none() && passes(s, filters));
            page(alive.map(|s| s.name.clone()).collect(), input, 20)?
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
