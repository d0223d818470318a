//! Conditions of rules, in both forms in which AWS takes and returns them.
//!
//! Sources: API reference of RuleCondition and of what it holds (`doc`). A name such as
//! `pf-elbv2-rule-value-length-128` is a rule of the linter badmintoncryer/cdk-preflight: its
//! `rules/elbv2/<name>/meta.yaml` records what the live service answered in September 2026.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::errors::invalid;
use crate::error::ApiError;
use crate::form::Form;

/// The fields and the structure that each keeps its values in.
const FIELDS: [(&str, &str); 6] = [
    ("http-header", "HttpHeaderConfig"),
    ("http-request-method", "HttpRequestMethodConfig"),
    ("host-header", "HostHeaderConfig"),
    ("query-string", "QueryStringConfig"),
    ("path-pattern", "PathPatternConfig"),
    ("source-ip", "SourceIpConfig"),
];

/// Reads the conditions of a rule. Host and path conditions come back both as `Values` and as their
/// own structure, the others only as the structure.
///
/// # Errors
/// `ValidationError` for an unknown field, missing, malformed or too many values, or two conditions
/// of a field that may occur once.
pub(super) fn read(form: &Form) -> Result<Vec<Value>, ApiError> {
    let given = form.structs("Conditions");
    // pf-elbv2-rule-conditions-required
    if given.is_empty() {
        return Err(invalid("A condition must be specified"));
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut all: Vec<String> = Vec::new();
    let mut out = Vec::new();
    for condition in given {
        let (field, config_name) = field_of(condition)?;
        let once = matches!(field, "host-header" | "path-pattern" | "http-request-method" | "source-ip");
        // pf-elbv2-rule-condition-duplicate-field
        if once && seen.contains(&field) {
            return Err(invalid(format!("A rule can only have one '{field}' condition")));
        }
        seen.push(field);
        let (value, values) = read_one(condition, field, config_name)?;
        all.extend(values);
        out.push(value);
    }
    // pf-elbv2-rule-condition-values-max
    if all.len() > 5 {
        return Err(invalid("A rule can only have '5' condition values and regex values"));
    }
    Ok(out)
}

/// The field of a condition; its structure alone says it as well.
fn field_of(condition: &Form) -> Result<(&'static str, &'static str), ApiError> {
    let known = match condition.get("Field").filter(|f| !f.is_empty()) {
        Some(field) => FIELDS.iter().find(|(name, _)| *name == field),
        None => FIELDS.iter().find(|(_, config)| condition.has(config)),
    };
    known.copied().ok_or_else(|| {
        let field = condition.get("Field").unwrap_or_default();
        let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        // pf-elbv2-rule-condition-field-values
        invalid(format!("Condition field '{field}' must be one of '{}'", names.join(",")))
    })
}

/// A condition in AWS's form, and its values.
fn read_one(condition: &Form, field: &'static str, name: &str) -> Result<(Value, Vec<String>), ApiError> {
    let config = condition.child(name);
    let plain = ["Values", "RegexValues"].iter().any(|member| condition.has(member));
    let both = matches!(field, "host-header" | "path-pattern");
    if config.is_some() && plain {
        return Err(invalid(format!(
            "You cannot specify both values and a {name} for condition field '{field}'"
        )));
    }
    // pf-elbv2-rule-condition-field-config-match
    if config.is_none() && (!plain || !both) {
        let plainly = if both { "Values or RegexValues or " } else { "" };
        return Err(invalid(format!(
            "For conditions of type '{field}', you must specify the following fields: '{plainly}{name}'"
        )));
    }
    let place = config.unwrap_or(condition);
    let regexes = place.list("RegexValues");
    // pf-elbv2-rule-regex-values-fields
    if !(regexes.is_empty() || both || field == "http-header") {
        return Err(invalid(format!("'RegexValues' is not supported for a condition of type '{field}'")));
    }
    if field == "query-string" {
        return query_string(place);
    }
    let values = place.list("Values");
    // pf-elbv2-rule-condition-empty-values, pf-elbv2-rule-regex-and-values-exclusive
    if values.is_empty() == regexes.is_empty() {
        return Err(invalid(format!(
            "You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type '{name}'"
        )));
    }
    values.iter().try_for_each(|value| check_value(field, value))?;
    regexes.iter().try_for_each(|regex| check_length(field, regex, 128))?;
    let header = place.get("HttpHeaderName");
    if field == "http-header" {
        check_header(header.unwrap_or_default())?;
    }
    let all = values.iter().chain(&regexes).cloned().collect();
    let (values, regexes) =
        ((!values.is_empty()).then_some(values), (!regexes.is_empty()).then_some(regexes));
    let config = json!({"HttpHeaderName": header, "Values": values, "RegexValues": regexes});
    let value = json!({
        "Field": field,
        "Values": both.then_some(&values),
        "RegexValues": both.then_some(&regexes),
        name: config,
    });
    Ok((value, all))
}

fn query_string(config: &Form) -> Result<(Value, Vec<String>), ApiError> {
    let pairs = config.structs("Values");
    let mut all = Vec::new();
    for pair in &pairs {
        let value = pair.get("Value").unwrap_or_default();
        check_length("query-string", value, 128)?;
        if let Some(key) = pair.get("Key") {
            check_length("query-string", key, 128)?;
        }
        all.push(value.to_owned());
    }
    if pairs.is_empty() {
        return Err(invalid("A condition value must be specified"));
    }
    let values: Vec<Value> =
        pairs.iter().map(|p| json!({"Key": p.get("Key"), "Value": p.get("Value")})).collect();
    Ok((json!({"Field": "query-string", "QueryStringConfig": {"Values": values}}), all))
}

/// doc: "The name of the HTTP header field. The maximum length is 40 characters. … The allowed
/// characters are specified by RFC 7230. Wildcards are not supported. You can't use an HTTP header
/// condition to specify the host header."
fn check_header(name: &str) -> Result<(), ApiError> {
    if name.is_empty() {
        return Err(invalid("An HTTP header name must be specified for condition field 'http-header'"));
    }
    // pf-elbv2-rule-http-header-name-length
    check_length("http-header", name, 40)?;
    // pf-elbv2-rule-http-header-not-host
    if name.eq_ignore_ascii_case("host") {
        return Err(invalid(format!("You cannot specify '{name}' as an HTTP header name")));
    }
    // A token of RFC 7230, but for the wildcard `*`.
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'+-.^_`|~".contains(c);
    if name.chars().all(token) { Ok(()) } else { Err(strange(name)) }
}

/// pf-elbv2-rule-value-length-128 and pf-elbv2-rule-http-method-charset, which has the 40.
fn check_length(field: &str, value: &str, most: usize) -> Result<(), ApiError> {
    // doc: "the value for a condition can't be empty". The text is a guess.
    if value.is_empty() {
        return Err(invalid(format!("Condition value for '{field}' cannot be empty")));
    }
    if value.chars().count() > most {
        return Err(invalid(format!(
            "Condition value for '{field}' cannot contain more than {most} characters"
        )));
    }
    Ok(())
}

/// pf-elbv2-rule-host-header-format, pf-elbv2-rule-http-method-charset
fn strange(value: &str) -> ApiError {
    invalid(format!("Condition value '{value}' contains a character that is not valid"))
}

fn check_value(field: &str, value: &str) -> Result<(), ApiError> {
    check_length(field, value, if field == "http-request-method" { 40 } else { 128 })?;
    let sound = match field {
        // doc: "You must include at least one "." character. You can include only alphabetical
        // characters after the final "." character."
        "host-header" => value.rsplit_once('.').is_some_and(|(front, end)| {
            front.chars().all(|c| c.is_ascii_alphanumeric() || "-.*?".contains(c))
                && end.chars().all(|c| c.is_ascii_alphabetic())
        }),
        // doc of RuleCondition, Values.
        "path-pattern" => value.chars().all(|c| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c)),
        // doc: "The allowed characters are A-Z, hyphen (-), and underscore (_)."
        "http-request-method" => value.chars().all(|c| c.is_ascii_uppercase() || c == '-' || c == '_'),
        // pf-elbv2-rule-source-ip-cidr
        "source-ip" if !is_cidr(value) => {
            return Err(invalid(format!("The specified value '{value}' is not a valid CIDR block")));
        }
        _ => true,
    };
    if sound { Ok(()) } else { Err(strange(value)) }
}

fn is_cidr(value: &str) -> bool {
    let parts = value.split_once('/').and_then(|(ip, bits)| Some((ip.parse().ok()?, bits.parse().ok()?)));
    parts.is_some_and(|(ip, bits): (IpAddr, u8)| bits <= if ip.is_ipv4() { 32 } else { 128 })
}
