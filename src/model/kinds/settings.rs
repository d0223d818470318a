//! Size, health and rollout of a component of a typed kind.

use super::ingress::{LoadBalancerSpec, TargetHealth};
use super::service::{Autoscaling, DeploymentCircuitBreaker};
use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

ecs_struct! {
/// Settings of one long-running component; unset fields take the kind's defaults.
pub struct ServiceSettings {
    /// CPU units of a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory of a task in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Soft memory limit of the container in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<i32>,
    /// How many tasks; left to the autoscaler when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<u32>,
    /// Leaves the count to Application Auto Scaling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// Port that the container listens on, where the system lets it be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Subnets in place of `network.subnets`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Security groups in place of `network.securityGroups`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// A load balancer of its own, in place of `spec.loadBalancer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerSpec>,
    /// Further host names that lead to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_hosts: Vec<String>,
    /// Existing target groups that its tasks join as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_group_arns: Vec<String>,
    /// Health check of the target group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<TargetHealth>,
    /// Attributes of the target group under AWS's names, such as `stickiness.enabled`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub target_group_attributes: BTreeMap<String, String>,
    /// Seconds that a target drains before it is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deregistration_delay_seconds: Option<u32>,
    /// Seconds during which failing health checks do not stop a new task. Default 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<i32>,
    /// Seconds between SIGTERM and SIGKILL. Default 120, the most that Fargate allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout_seconds: Option<i32>,
    /// Tasks that stay healthy during a rollout, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<i32>,
    /// Tasks that may run during a rollout, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<i32>,
    /// Stops a failing rollout. Default on, with rollback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// Seconds that new tasks must stay healthy before the next component is touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake_seconds: Option<u32>,
    /// Seconds without progress until the rollout is called stalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<u32>,
}
}

impl ServiceSettings {
    /// The most tasks that may run outside a rollout: the autoscaler's bound, the count, or the
    /// kind's default.
    pub fn most_tasks(&self, default: u32) -> u32 {
        self.autoscaling
            .as_ref()
            .map_or(self.desired_count.unwrap_or(default), |scaling| scaling.max_capacity)
    }
}

ecs_struct! {
/// Settings of one run-to-completion component; unset fields take the kind's defaults.
pub struct TaskSettings {
    /// Whether it runs at all. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// CPU units of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory of the task in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Seconds until the task is stopped and counted as failed. Default 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u32>,
    /// Further attempts after a failure. Default 0: a half-done migration wants a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Security groups in place of `network.securityGroups`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
}
}
