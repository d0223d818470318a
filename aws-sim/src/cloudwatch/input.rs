//! Reading members of requests beyond what the model checks, and answering in pages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{MetricId, errors::invalid};
use crate::{error::ApiError, fields::Fields};

/// A floating-point member; what JSON has no number for is not a number.
pub(super) fn number(input: &Value, name: &str) -> Option<f64> {
    match input.get(name)? {
        Value::String(_) => Some(f64::NAN),
        value => value.as_f64(),
    }
}

/// A time, in seconds since 1970. The model takes texts for times, too, because other services do.
///
/// # Errors
/// `MalformedInput` for a text.
pub(super) fn time(input: &Value, name: &str) -> Result<Option<f64>, ApiError> {
    match input.get(name) {
        None => Ok(None),
        Some(Value::Number(seconds)) => Ok(seconds.as_f64()),
        Some(other) => {
            let text = format!("timestamp {other} of {name} must follow the protocol's form");
            Err(ApiError::new(400, "MalformedInput", text))
        }
    }
}

/// A page size within the model's limits.
pub(super) fn size(input: &Value, usual: usize) -> usize {
    input.int("MaxRecords").and_then(|size| usize::try_from(size).ok()).unwrap_or(usual)
}

/// The metric that `Namespace`, `MetricName` and `Dimensions` name.
///
/// # Errors
/// `ValidationError` when a dimension is named twice.
pub(super) fn metric(input: &impl Fields) -> Result<MetricId, ApiError> {
    let text = |name: &str| input.text(name).unwrap_or_default().to_owned();
    let mut dimensions = BTreeMap::new();
    for dimension in input.items("Dimensions") {
        let (name, value) =
            (dimension.text("Name").unwrap_or_default(), dimension.text("Value").unwrap_or_default());
        if dimensions.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("No duplicate dimension names are allowed: {name}")));
        }
    }
    Ok(MetricId { namespace: text("Namespace"), name: text("MetricName"), dimensions })
}

/// A metric as AWS shows it.
pub(super) fn metric_view(metric: &MetricId) -> Value {
    let dimensions: Vec<Value> =
        metric.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    json!({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions})
}

/// One page of items in the order of their keys, which must be unique and ascending, and the token
/// of the next page. Tokens are the last key in hexadecimal; so a page stays right when items come
/// or go between two calls.
///
/// # Errors
/// `InvalidNextToken` for a token that was never given out.
pub(super) fn page<T>(
    items: impl Iterator<Item = (String, T)>,
    input: &Value,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = input.text("NextToken").map(read_token).transpose()?;
    let mut rest = items.filter(|(key, _)| after.as_ref().is_none_or(|last| key > last));
    let mut taken = Vec::new();
    let mut last = String::new();
    for (key, item) in rest.by_ref().take(size) {
        taken.push(item);
        last = key;
    }
    let next = rest.next().map(|_| hex::encode(last));
    Ok((taken, next))
}

fn read_token(token: &str) -> Result<String, ApiError> {
    let key = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(invalid_token)
}

/// A token that was never given out.
pub(super) fn invalid_token() -> ApiError {
    ApiError::new(400, "InvalidNextToken", "The next token specified is invalid.")
}
