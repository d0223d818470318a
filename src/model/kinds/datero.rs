//! `Datero`: A Datero.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ecs_struct! {
/// A Datero.
pub struct DateroSpec {
    /// Major domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}
}
