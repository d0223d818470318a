//! `PulumiService`: A self-hosted Pulumi service.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ecs_struct! {
/// A self-hosted Pulumi service.
pub struct PulumiServiceSpec {
    /// Major domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}
}
