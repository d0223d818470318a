//! Reading and checking the members of requests.

use serde_json::Value;

use super::content::Content;
use super::{invalid_parameter, invalid_request};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// A text that may be absent.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

/// A text that must be there.
pub(super) fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    text(input, name).filter(|t| !t.is_empty()).ok_or_else(|| {
        let field = lower_first(name);
        validation(format!(
            "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// The texts of a list.
pub(super) fn texts(input: &Value, name: &str) -> Vec<String> {
    let list = input.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// A whole number within its limits.
pub(super) fn number(input: &Value, name: &str, min: i64, max: i64) -> Result<Option<i64>, ApiError> {
    let Some(value) = input.get(name).and_then(Value::as_i64) else { return Ok(None) };
    if (min..=max).contains(&value) {
        return Ok(Some(value));
    }
    let rule = if value < min {
        format!("greater than or equal to {min}")
    } else {
        format!("less than or equal to {max}")
    };
    Err(validation(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must have value {rule}",
        lower_first(name)
    )))
}

/// The client's request token, which becomes the version's id. SDKs always send one; without it AWS
/// makes one up.
pub(super) fn token(ctx: &mut Ctx<'_>, input: &Value) -> Result<String, ApiError> {
    let Some(token) = text(input, "ClientRequestToken") else { return Ok(ctx.uuid()) };
    if (32..=64).contains(&token.len()) {
        return Ok(token.to_owned());
    }
    Err(invalid_parameter("ClientRequestToken must be 32-64 characters long."))
}

/// The secret value of a request, if it has one.
pub(super) fn content(input: &Value) -> Result<Option<Content>, ApiError> {
    let content = match (text(input, "SecretString"), text(input, "SecretBinary")) {
        (Some(_), Some(_)) => {
            let message =
                "You can't specify both a binary secret value and a string secret value in the same secret.";
            return Err(invalid_parameter(message));
        }
        (Some(string), None) => Content::String(string.to_owned()),
        (None, Some(binary)) => Content::Binary(binary.to_owned()),
        (None, None) => return Ok(None),
    };
    match content.len() {
        0 => Err(invalid_parameter("You must provide either SecretString or SecretBinary.")),
        n if n > 65_536 => Err(validation("Member must have length less than or equal to 65536")),
        _ => Ok(Some(content)),
    }
}

/// The tags of a request.
pub(super) fn tags(input: &Value) -> Result<Vec<(String, String)>, ApiError> {
    let list = input.get("Tags").and_then(Value::as_array);
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in list.into_iter().flatten() {
        let key = text(tag, "Key").unwrap_or_default();
        let value = text(tag, "Value").unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid_parameter("Tag keys must be 1-128 characters long and values at most 256."));
        }
        if key.starts_with("aws:") {
            return Err(invalid_parameter("Tag keys can't begin with the reserved prefix aws:."));
        }
        if tags.iter().any(|(known, _)| known == key) {
            return Err(invalid_parameter(format!("The tag key {key} was specified more than once.")));
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    if tags.len() > 50 {
        return Err(invalid_request("You can't attach more than 50 tags to a secret."));
    }
    Ok(tags)
}

/// An error of AWS's request validation.
pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
