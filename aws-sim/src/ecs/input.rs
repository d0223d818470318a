//! Reading members of a request, and answering in pages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::errors::{Result, invalid};
pub(super) use crate::fields::{Fields, texts};

/// Tags of a resource, by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Whether `include` asks for `what`, as in `include=TAGS`.
pub(super) fn includes(input: &Value, what: &str) -> bool {
    input.items("include").iter().any(|each| each == what)
}

/// The page of `all` that the request asks for by `maxResults` and `nextToken`, and the token of
/// the next page.
///
/// # Errors
/// `InvalidParameterException` for a page size outside 1..=100 or a token that was never given out.
pub(super) fn page<T>(input: &Value, all: Vec<T>, usual: usize) -> Result<(Vec<T>, Option<String>)> {
    let size = match input.int("maxResults") {
        None => usual,
        Some(size @ 1..=100) => usize::try_from(size).expect("between 1 and 100"),
        Some(size) => return Err(invalid(format!("maxResults must be between 1 and 100, but was {size}."))),
    };
    let start = match input.text("nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("sim-page-")
            .and_then(|start| start.parse::<usize>().ok())
            .ok_or_else(|| invalid("Invalid token: the nextToken is not one that this API returned."))?,
    };
    let total = all.len();
    let items: Vec<T> = all.into_iter().skip(start).take(size).collect();
    let next = (start + items.len() < total).then(|| format!("sim-page-{}", start + items.len()));
    Ok((items, next))
}

/// `{name: items, nextToken?}`.
pub(super) fn page_answer(name: &str, items: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = json!({ name: items });
    if let Some(token) = next {
        answer["nextToken"] = token.into();
    }
    answer
}

/// Tags as the API lists them.
pub(super) fn tag_list(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// The tags of a request.
///
/// # Errors
/// `InvalidParameterException` for more than fifty tags, an empty or over-long key or value, or the
/// reserved `aws:` prefix.
pub(super) fn read_tags(input: &Value) -> Result<Tags> {
    let mut tags = Tags::new();
    for tag in input.items("tags") {
        let (key, value) = (tag.text("key").unwrap_or_default(), tag.text("value").unwrap_or_default());
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "Tag keys must have 1 to 128 characters and tag values at most 256 characters.",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys that start with aws: are reserved for AWS use."));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag keys found: {key}.")));
        }
    }
    if tags.len() > 50 {
        return Err(invalid("The number of tags must not be more than 50."));
    }
    Ok(tags)
}
