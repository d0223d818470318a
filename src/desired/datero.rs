//! Placeholder until the typed kinds are merged.

use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::kinds::datero::DateroSpec;
use crate::model::kinds::{ApplicationSpec, Placement};

/// Lowers to an empty application.
pub fn lower(_: &DeploymentName, _: &DateroSpec) -> (ApplicationSpec, Vec<Finding>) {
    let placement = Placement { region: String::new(), cluster: String::new(), role_arn: None };
    let empty = serde_json::json!({"placement": placement, "components": {}});
    (serde_json::from_value(empty).expect("an application needs no more"), Vec::new())
}
