//! The escape hatch of the typed kinds.

use super::TaskWorkload;
use super::load_balancing::TargetGroup;
use super::service::Service;
use super::task_definition::{ContainerDefinition, KeyValuePair, Secret, TaskDefinition, ecs_struct};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ecs_struct! {
/// Overrides for one component: what the kind's own fields cannot say. Applied last.
pub struct ComponentOverride {
    /// Variables that are added, or replace the kind's of the same name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair>,
    /// Secret variables that are added, or replace the kind's of the same name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Variables of the kind, plain or secret, that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    /// Containers next to the kind's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerDefinition>,
    /// CPU units of a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory of a task in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// How many tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<u32>,
    /// Fields of the task definition that replace the kind's. Containers are merged by name; other
    /// lists are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<TaskDefinition>,
    /// Fields of the service that replace the kind's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Fields of the task's run that replace the kind's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskWorkload>,
    /// Fields of the component's target group that replace the kind's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group: Option<TargetGroup>,
}
}
