//! An ECS service under AWS's own field names. Source: ECS API, CreateService and UpdateService.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

ecs_struct! {
/// A service, as in CreateService.
pub struct Service {
    /// Name; unset means `<deployment>-<component>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// How many tasks. Unset: not managed (created with 1, then left to whoever scales it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<u32>,
    /// `FARGATE`, `EC2` or `EXTERNAL`; not together with `capacityProviderStrategy`. With neither,
    /// a new service runs on FARGATE and one that is there stays on what it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// Which capacity providers run it. A change replaces the tasks; taking it out again goes back
    /// to the launch type.
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
    /// How the service is found by, and finds, others of its namespace. Unset means off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,
    /// EBS volumes that ECS makes for each task; one at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_configurations: Vec<VolumeConfiguration>,
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
    /// Name of the capacity provider.
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
/// ECS Service Connect.
pub struct ServiceConnectConfiguration {
    /// Whether the service takes part.
    pub enabled: bool,
    /// Name or ARN of the Cloud Map namespace; unset means the cluster's default. A name here and
    /// an ARN in AWS, or the other way round, are taken for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Ports that others reach it at; none for a service that only connects to others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceConnectService>,
    /// Where the proxy's output goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<ProxyLogs>,
    /// The proxy's access logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_configuration: Option<AccessLogConfiguration>,
    /// The proxy's containers. Unset is left as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub container_configurations: Vec<ProxyContainer>,
}
}

ecs_struct! {
/// Where the output of the Service Connect proxy goes.
pub struct ProxyLogs {
    /// `awslogs`, `awsfirelens`, `splunk`, ….
    pub log_driver: String,
    /// Options of the driver, such as `awslogs-group`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Options from secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_options: Vec<ProxySecret>,
}
}

ecs_struct! {
/// An option of the proxy's log driver from a secret.
pub struct ProxySecret {
    /// Name of the option.
    pub name: String,
    /// ARN of the secret or parameter. It is sent as it is; a rotation restarts nothing.
    pub value_from: String,
}
}

ecs_struct! {
/// A port that others reach the service at.
pub struct ServiceConnectService {
    /// Name of a port mapping of the task definition.
    pub port_name: String,
    /// Name in Cloud Map; unset means the port's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    /// Names and ports that clients use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_aliases: Vec<ClientAlias>,
    /// Port that the proxy listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_port_override: Option<u16>,
    /// Timeouts of the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<ProxyTimeout>,
    /// Encryption between proxies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ProxyTls>,
}
}

ecs_struct! {
/// A name and port that clients use.
pub struct ClientAlias {
    /// The port.
    pub port: u16,
    /// The name; unset means the discovery name and the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// Which requests are test traffic in a blue/green deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_traffic_rules: Option<TestTrafficRules>,
}
}

ecs_struct! {
/// Which requests are test traffic.
pub struct TestTrafficRules {
    /// Those with this header.
    pub header: TestTrafficHeader,
}
}

ecs_struct! {
/// A header of test traffic.
pub struct TestTrafficHeader {
    /// Name of the header.
    pub name: String,
    /// Its value; unset means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<HeaderMatch>,
}
}

ecs_struct! {
/// The value of a header.
pub struct HeaderMatch {
    /// The whole value.
    pub exact: String,
}
}

ecs_struct! {
/// Timeouts of the Service Connect proxy, in seconds; 0 means none.
pub struct ProxyTimeout {
    /// Of an idle connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<i32>,
    /// Of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request_timeout_seconds: Option<i32>,
}
}

ecs_struct! {
/// Encryption between Service Connect proxies.
pub struct ProxyTls {
    /// Who signs the certificates.
    pub issuer_certificate_authority: CertificateAuthority,
    /// Key that encrypts the private keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Role that lets ECS use the authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}
}

ecs_struct! {
/// A certificate authority of AWS Private CA.
pub struct CertificateAuthority {
    /// Its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_pca_authority_arn: Option<String>,
}
}

ecs_struct! {
/// Access logs of the Service Connect proxy.
pub struct AccessLogConfiguration {
    /// `TEXT` or `JSON`.
    pub format: String,
    /// `ENABLED` or `DISABLED` (default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_query_parameters: Option<String>,
}
}

ecs_struct! {
/// A container of the Service Connect proxy.
pub struct ProxyContainer {
    /// `info` or `debug`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
}
}

ecs_struct! {
/// A volume that the task definition leaves to the service (`configuredAtLaunch`).
pub struct VolumeConfiguration {
    /// Its name in the task definition.
    pub name: String,
    /// The EBS volume.
    #[serde(rename = "managedEBSVolume", skip_serializing_if = "Option::is_none")]
    pub managed_ebs_volume: Option<ManagedEbsVolume>,
}
}

ecs_struct! {
/// An EBS volume that ECS makes for each task and deletes with it.
pub struct ManagedEbsVolume {
    /// Role that lets ECS make it.
    pub role_arn: String,
    /// Its size; needed without a snapshot.
    #[serde(rename = "sizeInGiB", skip_serializing_if = "Option::is_none")]
    pub size_in_gib: Option<i32>,
    /// Snapshot that it starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// `gp2`, `gp3`, `io1`, `io2`, `st1`, `sc1` or `standard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// I/O operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// MiB per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i32>,
    /// MiB per second at which a snapshot is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_initialization_rate: Option<i32>,
    /// `ext3`, `ext4`, `xfs` or `ntfs`. Unset is left to ECS, which takes xfs on Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem_type: Option<String>,
    /// Whether it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// Key that it is encrypted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_specifications: Vec<VolumeTags>,
}
}

ecs_struct! {
/// Tags of a volume.
pub struct VolumeTags {
    /// `volume`.
    pub resource_type: String,
    /// Where more tags come from: `SERVICE`, `TASK_DEFINITION` or `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<String>,
    /// The tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<VolumeTag>,
}
}

ecs_struct! {
/// A tag of a volume.
pub struct VolumeTag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
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
    /// What runs, or waits for somebody, at stages of a deployment that shifts traffic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_hooks: Vec<LifecycleHook>,
    /// When a deployment is complete before all its tasks are healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_success_criteria: Option<EarlySuccessCriteria>,
}
}

ecs_struct! {
/// A function that runs, or a pause, at stages of a deployment.
pub struct LifecycleHook {
    /// `AWS_LAMBDA` (default) or `PAUSE`: the deployment waits for `ContinueServiceDeployment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// `RECONCILE_SERVICE`, `PRE_SCALE_UP`, `POST_SCALE_UP`, `TEST_TRAFFIC_SHIFT`,
    /// `POST_TEST_TRAFFIC_SHIFT`, `PRE_PRODUCTION_TRAFFIC_SHIFT`, `PRODUCTION_TRAFFIC_SHIFT` or
    /// `POST_PRODUCTION_TRAFFIC_SHIFT`.
    pub lifecycle_stages: Vec<String>,
    /// ARN of the Lambda function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook_target_arn: Option<String>,
    /// Role that lets ECS call the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// What the function is given with every call: any JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub hook_details: Option<Value>,
    /// How long ECS waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_configuration: Option<HookTimeout>,
}
}

ecs_struct! {
/// How long ECS waits for a hook.
pub struct HookTimeout {
    /// Minutes, 1 to 20160. Default 1440.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_in_minutes: Option<i32>,
    /// What follows: `ROLLBACK` (default) or `CONTINUE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}
}

ecs_struct! {
/// When a deployment is complete before all its tasks are healthy.
pub struct EarlySuccessCriteria {
    /// Whether it is on; then both others are needed.
    pub enable: bool,
    /// Tasks of the new revision that must be healthy, in percent of the desired count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_percent: Option<i32>,
    /// Whether the old tasks go before completion (`BLOCKING`) or after it (`DEFERRED`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_service_revision_cleanup: Option<String>,
}
}

ecs_struct! {
/// Stops a failing rollout.
pub struct DeploymentCircuitBreaker {
    /// Whether it is on.
    pub enable: bool,
    /// Whether the last completed revision is brought back.
    pub rollback: bool,
    /// Whether a task that becomes healthy sets the count of failures back. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_on_healthy_task: Option<bool>,
    /// How many failures stop the rollout. Default: half of the desired count, 3 to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_configuration: Option<BreakerThreshold>,
}
}

ecs_struct! {
/// How many failed tasks stop a rollout.
pub struct BreakerThreshold {
    /// `COUNT`, `BOUNDED_PERCENT` of the desired count (at least 3, at most 200) or
    /// `UNBOUNDED_PERCENT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The count or percentage.
    pub value: i32,
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
    /// The attribute by which tasks are spread, or the resource by which they are packed.
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
