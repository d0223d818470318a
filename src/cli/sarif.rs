//! Findings as a SARIF log, which code scanning shows beside the lines of a change.
//!
//! Source: OASIS, Static Analysis Results Interchange Format 2.1.0.

use crate::model::finding::Finding;
use serde_json::{Value, json};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The one rule: documents are what they should be.
const RULE: &str = "document";

/// The log of one run.
pub(super) fn log(findings: &[Finding]) -> Value {
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "ctl validate",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": [{"id": RULE, "shortDescription": {"text": "A document of Evenkeel says what can be carried out."}}],
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let help = if finding.help.is_empty() { String::new() } else { format!(" ({})", finding.help) };
    let text = format!("{}: {}{help}", finding.field, finding.message);
    let mut result = json!({
        "ruleId": RULE,
        "level": finding.severity.to_string(),
        "message": {"text": text.trim_start_matches(": ")},
        "properties": {"field": finding.field},
    });
    if let Some(place) = &finding.place {
        result["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri(&place.file)},
            "region": {"startLine": place.line.max(1), "startColumn": place.column.max(1)},
        }}]);
    }
    result
}

/// A path as a relative or absolute reference.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Place;

    #[test]
    fn a_finding_stands_at_its_file_line_and_column() {
        let mut finding = Finding::error("spec.x", "unknown field `x`", "remove it");
        finding.place = Some(Place { file: "a b/shop.yaml".to_owned(), line: 7, column: 3 });
        let log = log(&[finding, Finding::warning("", "the store is empty", "")]);
        assert_eq!(log["version"], "2.1.0");
        let results = &log["runs"][0]["results"];
        assert_eq!(results[0]["level"], "error");
        assert_eq!(results[0]["message"]["text"], "spec.x: unknown field `x` (remove it)");
        let physical = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "a%20b/shop.yaml");
        assert_eq!(physical["region"], json!({"startLine": 7, "startColumn": 3}));
        assert_eq!(results[1]["level"], "warning");
        assert_eq!(results[1]["message"]["text"], "the store is empty");
        assert_eq!(results[1].get("locations"), None);
        assert_eq!(results[0]["ruleId"], log["runs"][0]["tool"]["driver"]["rules"][0]["id"]);
    }
}
