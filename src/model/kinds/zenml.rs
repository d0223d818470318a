//! `ZenMLWorkspace`: A ZenML Pro Hybrid workspace.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ecs_struct! {
/// A ZenML Pro Hybrid workspace.
pub struct ZenMLWorkspaceSpec {
    /// Major domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}
}
