//! ARNs of another partition than that of the region: nothing reaches from one to another.
//!
//! Source: AWS General Reference, "Amazon Resource Names" (partitions); IAM user guide (roles of
//! one partition cannot be used in another).

use crate::desired::forms;
use crate::model::finding::{Findings, field_key};
use crate::model::kinds::ApplicationSpec;
use serde_json::Value;

/// Members of a task definition whose values are a program's own business.
const OPAQUE: [&str; 5] = ["environment", "command", "entryPoint", "options", "dockerLabels"];

/// Checks every ARN that AWS is given.
pub(super) fn check(findings: &mut Findings, spec: &ApplicationSpec) {
    let Ok(json) = serde_json::to_value(spec) else { return };
    walk(findings, forms::partition_of(&spec.placement.region), "spec", &json);
}

/// Whether a member holds what a program or a person makes of it.
fn is_opaque(path: &str, name: &str) -> bool {
    name == "tags" || (path.contains(".taskDefinition") && OPAQUE.contains(&name))
}

fn walk(findings: &mut Findings, wanted: &str, path: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let mut parts = text.strip_prefix("arn:").into_iter().flat_map(|rest| rest.splitn(3, ':'));
            let partition = parts.next().filter(|partition| partition.starts_with("aws"));
            // With what else is wrong with an ARN others deal.
            if let (Some(partition), Some(_), Some(_)) = (partition, parts.next(), parts.next())
                && partition != wanted
            {
                let message = format!("`{text}` is in partition {partition}, and the region is in {wanted}");
                findings.error(path, message, format!("such as arn:{wanted}:…"));
            }
        }
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .for_each(|(index, element)| walk(findings, wanted, &format!("{path}[{index}]"), element)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !is_opaque(path, name))
            .for_each(|(name, member)| walk(findings, wanted, &field_key(path, name), member)),
        _ => {}
    }
}
