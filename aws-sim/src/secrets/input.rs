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

/// A text of which the model says that it must be there.
pub(super) fn required<'a>(input: &'a Value, name: &str) -> &'a str {
    text(input, name).unwrap_or_default()
}

/// The texts of a list.
pub(super) fn texts(input: &Value, name: &str) -> Vec<String> {
    let list = input.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// A whole number, which the model keeps within bounds.
pub(super) fn number(input: &Value, name: &str) -> Option<i64> {
    input.get(name).and_then(Value::as_i64)
}

/// The client's request token, which becomes the version's id. SDKs always send one; without it AWS
/// makes one up.
pub(super) fn token(ctx: &mut Ctx<'_>, input: &Value) -> String {
    text(input, "ClientRequestToken").map_or_else(|| ctx.uuid(), str::to_owned)
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
        // The model counts characters, and nothing of what comes as base64.
        n if n > 65_536 => Err(validation(
            "1 validation error detected: Value at 'secretBinary' failed to satisfy constraint: Member must have length less than or equal to 65536",
        )),
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
