//! Pages of Describe answers: `PageSize` from 1 to 400, `Marker` as AWS's opaque text.

use serde_json::{Value, json};

use super::errors::{check_range, invalid};
use crate::error::ApiError;
use crate::form::Form;

/// Cuts one page out of items that are sorted by key. The marker is the last key given out, in
/// hexadecimal; so a page stays right when items come or go between two calls.
pub(super) fn page(items: Vec<(String, Value)>, name: &str, form: &Form) -> Result<Value, ApiError> {
    let size = check_range("pageSize", form.number("PageSize")?.unwrap_or(400), 1, 400)?;
    let size = usize::try_from(size).expect("between 1 and 400");
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
    let next = rest.peek().map(|_| write_marker(&last));
    Ok(json!({name: taken, "NextMarker": next}))
}

fn write_marker(key: &str) -> String {
    key.bytes().map(|b| format!("{b:02x}")).collect()
}

fn read_marker(marker: &str) -> Result<String, ApiError> {
    let bytes: Option<Vec<u8>> = marker
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()))
        .collect();
    bytes
        .and_then(|b| String::from_utf8(b).ok())
        .ok_or_else(|| invalid(format!("Marker '{marker}' is not valid")))
}
