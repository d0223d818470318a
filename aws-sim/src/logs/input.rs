//! Reading and checking the members of requests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::invalid;
use crate::error::ApiError;

/// A text that may be absent.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
}

/// A text of which the model says that it must be there.
pub(super) fn required<'a>(input: &'a Value, name: &str) -> &'a str {
    text(input, name).unwrap_or_default()
}

/// The texts of a list.
pub(super) fn texts(input: &Value, name: &str) -> Vec<String> {
    let list = input.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// `limit`, which the model keeps within bounds; `most` without one.
pub(super) fn limit(input: &Value, most: usize) -> usize {
    input.get("limit").and_then(Value::as_u64).map_or(most, |limit| usize::try_from(limit).unwrap_or(most))
}

/// The name after which a page begins. Tokens are names in hexadecimal.
pub(super) fn token(input: &Value) -> Result<Option<String>, ApiError> {
    let Some(token) = text(input, "nextToken") else { return Ok(None) };
    let name = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.map(Some).ok_or_else(|| invalid("The specified nextToken is invalid."))
}

/// The token of the page after this name.
pub(super) fn token_after(name: &str) -> String {
    hex::encode(name)
}

/// Cuts a page out of items in the order of their keys, which must be unique and ascending.
pub(super) fn page(
    items: Vec<(String, Value)>,
    input: &Value,
    most: usize,
) -> Result<(Vec<Value>, Option<String>), ApiError> {
    let size = limit(input, most);
    let after = token(input)?;
    let mut rest: Vec<(String, Value)> =
        items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|last| key > last)).collect();
    let next = (rest.len() > size).then(|| token_after(&rest[size - 1].0));
    rest.truncate(size);
    Ok((rest.into_iter().map(|(_, value)| value).collect(), next))
}

/// The name of a group that a request gives by name or by ARN.
pub(super) fn group_name(identifier: &str) -> &str {
    let name = identifier.split_once(":log-group:").map_or(identifier, |(_, name)| name);
    name.strip_suffix(":*").unwrap_or(name)
}

/// A list with the token of its next page, if there is one.
pub(super) fn answer(name: &str, list: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = json!({name: list});
    if let Some(next) = next {
        answer["nextToken"] = next.into();
    }
    answer
}

/// Reads and checks the `tags` map of a request.
pub(super) fn tags(input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let given = input.get("tags").and_then(Value::as_object);
    let mut tags = BTreeMap::new();
    for (key, value) in given.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if key.is_empty()
            || key.chars().count() > 128
            || value.chars().count() > 256
            || key.starts_with("aws:")
        {
            return Err(invalid(format!("The tag '{key}' is not valid.")));
        }
        tags.insert(key.clone(), value.to_owned());
    }
    Ok(tags)
}
