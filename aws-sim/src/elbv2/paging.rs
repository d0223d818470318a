//! Pages of Describe answers: `PageSize` from 1 to 400, `Marker` as AWS's opaque text.

use serde_json::{Value, json};

use super::errors::invalid;
use crate::error::ApiError;
use crate::form::Form;

/// Cuts one page out of items that are sorted by key. The marker is the last key given out, in
/// hexadecimal; so a page stays right when items come or go between two calls.
pub(super) fn page(items: Vec<(String, Value)>, name: &str, form: &Form) -> Result<Value, ApiError> {
    // The model keeps it between 1 and 400.
    let size = form.number("PageSize")?.and_then(|size| usize::try_from(size).ok()).unwrap_or(400);
    let after = form.get("Marker").filter(|m| !m.is_empty()).map(read_marker).transpose()?;
    let mut rest =
        items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|last| key > last)).peekable();
    let mut taken = Vec::new();
    let mut last = String::new();
    while let (true, Some((key, value))) = (taken.len() < size, rest.peek().cloned()) {
        rest.next();
        taken.push(value);
        last = key;
    }
    let next = rest.peek().map(|_| hex::encode(&last));
    Ok(json!({name: taken, "NextMarker": next}))
}

fn read_marker(marker: &str) -> Result<String, ApiError> {
    let key = hex::decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| invalid(format!("Marker '{marker}' is not valid")))
}
