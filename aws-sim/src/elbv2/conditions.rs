//! Conditions of rules, in both forms in which AWS takes and returns them.

use serde_json::{Value, json};

use super::errors::invalid;
use crate::error::ApiError;
use crate::form::Form;

/// The fields and the structure that each keeps its values in.
const FIELDS: [(&str, &str); 6] = [
    ("host-header", "HostHeaderConfig"),
    ("path-pattern", "PathPatternConfig"),
    ("http-header", "HttpHeaderConfig"),
    ("query-string", "QueryStringConfig"),
    ("http-request-method", "HttpRequestMethodConfig"),
    ("source-ip", "SourceIpConfig"),
];

/// Reads the conditions of a rule. Host and path conditions come back both as `Values` and as their
/// own structure, the others only as the structure.
///
/// # Errors
/// `ValidationError` for an unknown field, missing or too many values, or two conditions of a field
/// that may occur once.
pub(super) fn read(form: &Form) -> Result<Vec<Value>, ApiError> {
    let given = form.structs("Conditions");
    if given.is_empty() {
        return Err(invalid("A condition must be specified"));
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut total = 0;
    let mut out = Vec::new();
    for condition in given {
        let (field, config_name) = field_of(condition)?;
        let once = matches!(field, "host-header" | "path-pattern" | "http-request-method" | "source-ip");
        if once && seen.contains(&field) {
            return Err(invalid(format!("A rule can only have one '{field}' condition")));
        }
        seen.push(field);
        let (value, count) = read_one(condition, field, config_name)?;
        total += count;
        out.push(value);
    }
    if total > 5 {
        return Err(invalid("A rule can only have '5' condition values"));
    }
    Ok(out)
}

/// The field of a condition; its structure alone says it as well.
fn field_of(condition: &Form) -> Result<(&'static str, &'static str), ApiError> {
    let known = match condition.get("Field").filter(|f| !f.is_empty()) {
        Some(field) => FIELDS.iter().find(|(name, _)| *name == field),
        None => FIELDS.iter().find(|(_, config)| condition.has(config)),
    };
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    known.copied().ok_or_else(|| {
        let field = condition.get("Field").unwrap_or_default();
        invalid(format!("Condition field '{field}' must be one of '[{}]'", names.join(", ")))
    })
}

fn read_one(condition: &Form, field: &'static str, name: &str) -> Result<(Value, usize), ApiError> {
    let config = condition.child(name);
    let plain = condition.list("Values");
    if config.is_some() && !plain.is_empty() {
        return Err(invalid(format!(
            "You cannot specify both values and a {name} for condition field '{field}'"
        )));
    }
    if field == "query-string" {
        return query_string(config);
    }
    let values = config.map(|c| c.list("Values")).filter(|v| !v.is_empty()).unwrap_or(plain);
    let regexes = config
        .map(|c| c.list("RegexValues"))
        .filter(|v| !v.is_empty())
        .unwrap_or(condition.list("RegexValues"));
    let count = values.len() + regexes.len();
    if count == 0 || (!values.is_empty() && !regexes.is_empty()) {
        return Err(invalid(format!("A condition value must be specified for condition field '{field}'")));
    }
    values.iter().chain(&regexes).try_for_each(|v| check_value(field, v))?;
    let (values, regexes) =
        ((!values.is_empty()).then_some(values), (!regexes.is_empty()).then_some(regexes));
    let header = config.and_then(|c| c.get("HttpHeaderName"));
    if field == "http-header" && header.is_none_or(str::is_empty) {
        return Err(invalid("An HTTP header name must be specified for condition field 'http-header'"));
    }
    let both = matches!(field, "host-header" | "path-pattern");
    let config = json!({"HttpHeaderName": header, "Values": values, "RegexValues": regexes});
    let value = json!({
        "Field": field,
        "Values": both.then_some(&values),
        "RegexValues": both.then_some(&regexes),
        name: config,
    });
    Ok((value, count))
}

fn query_string(config: Option<&Form>) -> Result<(Value, usize), ApiError> {
    let pairs = config.map(|c| c.structs("Values")).unwrap_or_default();
    let values: Vec<Value> =
        pairs.iter().map(|p| json!({"Key": p.get("Key"), "Value": p.get("Value")})).collect();
    if values.is_empty() || pairs.iter().any(|p| p.get("Value").is_none()) {
        return Err(invalid("A condition value must be specified for condition field 'query-string'"));
    }
    let count = values.len();
    Ok((json!({"Field": "query-string", "QueryStringConfig": {"Values": values}}), count))
}

fn check_value(field: &str, value: &str) -> Result<(), ApiError> {
    if value.is_empty() || value.chars().count() > 128 {
        return Err(invalid(format!("Condition value '{value}' must be between 1 and 128 characters")));
    }
    let sound = match field {
        "host-header" => value.chars().all(|c| c.is_ascii_alphanumeric() || "-.*?_".contains(c)),
        "http-request-method" => value.chars().all(|c| c.is_ascii_uppercase() || c == '-' || c == '_'),
        "source-ip" => value.split_once('/').is_some_and(|(ip, bits)| {
            ip.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|b| b <= 128)
        }),
        _ => true,
    };
    if sound {
        Ok(())
    } else {
        Err(invalid(format!("Condition value '{value}' contains a character that is not valid")))
    }
}
