//! Conditions of listener rules. Source: Elastic Load Balancing v2 API, RuleCondition and what it
//! holds.

use crate::model::finding::Findings;
use crate::model::kinds::load_balancing::RuleCondition;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Condition values and wildcards in one rule. Source: ELB quotas, "Condition values per rule".
const CONDITION_VALUES: usize = 5;
/// Characters of a value; of a header's name and of a method.
const LONGEST: usize = 128;
const LONGEST_NAME: usize = 40;
const FIELDS: [&str; 6] =
    ["host-header", "path-pattern", "http-header", "http-request-method", "query-string", "source-ip"];

/// Checks the conditions of the rule at `path`.
pub(super) fn check(findings: &mut Findings, path: &str, conditions: &[RuleCondition]) {
    if conditions.is_empty() {
        findings.error(path, "a rule has at least one condition", "such as a host-header");
    }
    let mut total = 0;
    let mut fields = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let field = condition.field.as_str();
        findings.one_of(format!("{path}.field"), Some(field), &FIELDS);
        if !fields.insert(field) && !matches!(field, "http-header" | "query-string") {
            let message = format!("a rule has one {field} condition at most");
            findings.error(format!("{path}.field"), message, "put the values into one condition");
        }
        total += one(findings, &path, condition);
    }
    if total > CONDITION_VALUES {
        let message = format!("the rule has {total} condition values");
        findings.error(path, message, format!("{CONDITION_VALUES} at most; split it into several rules"));
    }
}

/// Checks one condition; gives the number of its values.
fn one(findings: &mut Findings, path: &str, condition: &RuleCondition) -> usize {
    let field = condition.field.as_str();
    let (place, values): (_, Vec<&str>) = match field {
        "http-header" => {
            let header = condition.http_header_config.as_ref();
            if let Some(header) = header {
                header_name(
                    findings,
                    &format!("{path}.httpHeaderConfig.httpHeaderName"),
                    &header.http_header_name,
                );
            }
            (
                "httpHeaderConfig.values",
                header.map_or(&[][..], |header| &header.values).iter().map(String::as_str).collect(),
            )
        }
        "query-string" => return query(findings, path, condition),
        _ => ("values", condition.values.iter().map(String::as_str).collect()),
    };
    if values.is_empty() {
        findings.error(format!("{path}.{place}"), "the condition has no values", "name at least one");
    }
    for (number, value) in values.iter().enumerate() {
        self::value(findings, &format!("{path}.{place}[{number}]"), field, value);
    }
    for (other, is_set) in [
        ("values", field == "http-header" && !condition.values.is_empty()),
        ("httpHeaderConfig", field != "http-header" && condition.http_header_config.is_some()),
        ("queryStringConfig", condition.query_string_config.is_some()),
    ] {
        if is_set {
            misplaced(findings, &format!("{path}.{other}"), field);
        }
    }
    values.len()
}

fn misplaced(findings: &mut Findings, path: &str, field: &str) {
    findings.error(path, format!("it does not belong to a {field} condition"), "remove it");
}

fn query(findings: &mut Findings, path: &str, condition: &RuleCondition) -> usize {
    let pairs = condition.query_string_config.as_ref().map_or(&[][..], |query| &query.values);
    let path_of = |number: usize, part: &str| format!("{path}.queryStringConfig.values[{number}].{part}");
    if pairs.is_empty() {
        let field = format!("{path}.queryStringConfig.values");
        findings.error(field, "the condition has no values", "name at least one");
    }
    for (number, pair) in pairs.iter().enumerate() {
        for (part, text) in [("key", pair.key.as_ref()), ("value", Some(&pair.value))] {
            if let Some(text) = text {
                value(findings, &path_of(number, part), "query-string", text);
            }
        }
    }
    for (other, is_set) in [
        ("values", !condition.values.is_empty()),
        ("httpHeaderConfig", condition.http_header_config.is_some()),
    ] {
        if is_set {
            misplaced(findings, &format!("{path}.{other}"), "query-string");
        }
    }
    pairs.len()
}

/// A token of RFC 7230 without the wildcard, and not `Host`.
fn header_name(findings: &mut Findings, path: &str, name: &str) {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'+-.^_`|~".contains(c);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(token) {
        let help = format!("1 to {LONGEST_NAME} letters, digits and hyphens, no wildcards");
        findings.error(path, format!("`{name}` is not the name of a header"), help);
    }
    if name.eq_ignore_ascii_case("host") {
        findings.error(path, "the host has a condition of its own", "use field host-header");
    }
}

fn value(findings: &mut Findings, path: &str, field: &str, value: &str) {
    let most = if field == "http-request-method" { LONGEST_NAME } else { LONGEST };
    let fits = (1..=most).contains(&value.chars().count());
    let (sound, help) = match field {
        "host-header" => (
            is_host(value),
            "a name such as *.example.com: a period, and letters after the last one".to_owned(),
        ),
        "path-pattern" => (
            value.chars().all(|c| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c)),
            "letters, digits and _-.$/~\"'@:+&, with * and ? as wildcards".to_owned(),
        ),
        "http-request-method" => (
            value.chars().all(|c| c.is_ascii_uppercase() || c == '-' || c == '_'),
            format!("1 to {LONGEST_NAME} capitals, hyphens and underscores"),
        ),
        "source-ip" => (is_range(value), "an address range such as 10.0.0.0/8".to_owned()),
        _ => (true, String::new()),
    };
    if !fits {
        let message = format!("`{value}` is not a value of {field}");
        findings.error(path, message, format!("1 to {most} characters"));
    } else if !sound {
        findings.error(path, format!("`{value}` is not a value of {field}"), help);
    }
}

fn is_host(value: &str) -> bool {
    value.rsplit_once('.').is_some_and(|(front, end)| {
        front.chars().all(|c| c.is_ascii_alphanumeric() || "-.*?".contains(c))
            && end.chars().all(|c| c.is_ascii_alphabetic())
    })
}

fn is_range(value: &str) -> bool {
    let parts = value.split_once('/').and_then(|(ip, bits)| Some((ip.parse().ok()?, bits.parse().ok()?)));
    parts.is_some_and(|(ip, bits): (IpAddr, u8)| bits <= if ip.is_ipv4() { 32 } else { 128 })
}
