//! An ECS service under AWS's own field names. Source: ECS API, CreateService and UpdateService.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ecs_struct! {
/// A service, as in CreateService.
pub struct Service {
    /// Name; unset means `<deployment>-<component>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// How many tasks. Unset: not managed (created with 1, then left to whoever scales it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<u32>,
    /// `FARGATE`, `EC2` or `EXTERNAL`; not together with `capacityProviderStrategy`. Unset without
    /// a strategy means FARGATE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// Which capacity providers run it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// Fargate platform version; unset means LATEST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// `REPLICA` (default) or `DAEMON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_strategy: Option<String>,
    /// Subnets and security groups; required with network mode `awsvpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// Target groups that tasks are registered in; five at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// Cloud Map registries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_registries: Vec<ServiceRegistry>,
    /// How ECS rolls a new revision out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<DeploymentConfiguration>,
    /// Seconds during which failing health checks do not stop a new task. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<i32>,
    /// Whether ECS Exec works in the tasks. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// Whether ECS puts its own tags on tasks. Default false.
    #[serde(rename = "enableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// `SERVICE`, `TASK_DEFINITION` or `NONE` (default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<String>,
    /// `ENABLED` or `DISABLED`; unset is left as it is, for AWS's default depends on how the
    /// service came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone_rebalancing: Option<String>,
    /// Placement constraints (EC2 only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Placement strategy (EC2 only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placement_strategy: Vec<PlacementStrategy>,
    /// Leaves the desired count to Application Auto Scaling. Not part of the ECS API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// Seconds that the tasks of a new revision must stay healthy before the rollout counts as
    /// complete. Default 0. Not part of the ECS API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake_seconds: Option<u32>,
    /// Seconds without progress until a rollout is called stalled. Default 900. Not part of the ECS
    /// API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<u32>,
}
}

ecs_struct! {
/// Share of one capacity provider.
pub struct CapacityProviderStrategyItem {
    /// Its name.
    pub capacity_provider: String,
    /// Tasks that run on it before weights count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<i32>,
    /// Its share of the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}
}

ecs_struct! {
/// Network of tasks in `awsvpc` mode.
pub struct NetworkConfiguration {
    /// The only kind there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}
}

ecs_struct! {
/// Subnets, security groups and public address.
pub struct AwsVpcConfiguration {
    /// 1 to 16 subnets.
    pub subnets: Vec<String>,
    /// Up to 5 security groups; none means the VPC's default group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED` (default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<String>,
}
}

ecs_struct! {
/// One target group of a service: exactly one of `targetGroup` and `targetGroupArn`.
pub struct LoadBalancer {
    /// Key of a target group in `spec.targetGroups`. Not part of the ECS API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
    /// ARN of a target group that Evenkeel does not manage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
    /// Container that receives the traffic.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
    /// Second target group, listener rules and role for blue/green.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced_configuration: Option<AdvancedConfiguration>,
}
}

ecs_struct! {
/// What blue/green, canary and linear deployments need to shift traffic.
pub struct AdvancedConfiguration {
    /// Target group that traffic is shifted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternate_target_group_arn: Option<String>,
    /// Rule whose weights ECS moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production_listener_rule: Option<String>,
    /// Rule for test traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_listener_rule: Option<String>,
    /// Role that lets ECS change the listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}
}

ecs_struct! {
/// A Cloud Map registry.
pub struct ServiceRegistry {
    /// ARN of the Cloud Map service.
    pub registry_arn: String,
    /// Port for SRV records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Container for SRV records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
}
}

ecs_struct! {
/// How ECS rolls a new revision out.
pub struct DeploymentConfiguration {
    /// Tasks that must stay healthy, in percent of the desired count. Default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<i32>,
    /// Tasks that may run, in percent of the desired count. Default 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<i32>,
    /// Stops a failing rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// CloudWatch alarms that stop a rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<DeploymentAlarms>,
    /// `ROLLING` (default), `BLUE_GREEN`, `LINEAR` or `CANARY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Minutes that both revisions run after the traffic has moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake_time_in_minutes: Option<i32>,
    /// Steps of a linear shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear_configuration: Option<LinearConfiguration>,
    /// First step of a canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_configuration: Option<CanaryConfiguration>,
}
}

ecs_struct! {
/// Stops a failing rollout.
pub struct DeploymentCircuitBreaker {
    /// Whether it is on.
    pub enable: bool,
    /// Whether the last completed revision is brought back.
    pub rollback: bool,
}
}

ecs_struct! {
/// CloudWatch alarms that stop a rollout.
pub struct DeploymentAlarms {
    /// Keys of alarms in this document's `alarms`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// Names of other alarms.
    pub alarm_names: Vec<String>,
    /// Whether they count.
    pub enable: bool,
    /// Whether the last completed revision is brought back.
    pub rollback: bool,
}
}

ecs_struct! {
/// Steps of a linear shift.
pub struct LinearConfiguration {
    /// Percent of traffic per step. Default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_percent: Option<f64>,
    /// Minutes between steps. Default 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_bake_time_in_minutes: Option<i32>,
}
}

ecs_struct! {
/// First step of a canary.
pub struct CanaryConfiguration {
    /// Percent of traffic in the first step. Default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_percent: Option<f64>,
    /// Minutes before the rest follows. Default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_bake_time_in_minutes: Option<i32>,
}
}

ecs_struct! {
/// A placement constraint.
pub struct PlacementConstraint {
    /// `distinctInstance` or `memberOf`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Cluster query language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}
}

ecs_struct! {
/// A placement strategy.
pub struct PlacementStrategy {
    /// `random`, `spread` or `binpack`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
}

ecs_struct! {
/// Bounds and targets of Application Auto Scaling. While this is declared the desired count belongs
/// to the autoscaler: Evenkeel observes it and never writes it, except to create the service with
/// `minCapacity`. It registers neither the scalable target nor its policies: the bounds and targets
/// that are declared here have to be registered by somebody else.
pub struct Autoscaling {
    /// Fewest tasks.
    pub min_capacity: u32,
    /// Most tasks.
    pub max_capacity: u32,
    /// Average CPU to hold, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_cpu_percent: Option<u32>,
    /// Average memory to hold, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_memory_percent: Option<u32>,
    /// Seconds between scale-outs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_out_cooldown_seconds: Option<u32>,
    /// Seconds between scale-ins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_in_cooldown_seconds: Option<u32>,
}
}
