//! What the typed kinds share: references to things that Evenkeel does not make, and the settings
//! of what it does make.
//!
//! A reference is a name or an ARN, never a value: a secret's content has no place in a document.

use super::load_balancing::TargetGroup;
use super::service::{
    Autoscaling, CapacityProviderStrategyItem, DeploymentCircuitBreaker, PlacementConstraint,
    PlacementStrategy, Service,
};
use super::task_definition::{
    ContainerDefinition, KeyValuePair, LogConfiguration, Secret, TaskDefinition, ecs_struct,
};
use super::{DeletionPolicy, Placement, TaskWorkload};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A reference to a secret: its name or ARN in Secrets Manager, either with
/// `:json-key:stage:version` behind it as ECS takes it (`shop/db:password::`), or the name or ARN
/// of a Parameter Store parameter. Never the value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretRef(pub String);

impl SecretRef {
    /// The reference as ECS takes it in `valueFrom`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same secret with one key of its JSON value selected.
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}:{key}::", self.0))
    }
}

ecs_struct! {
/// Where tasks are placed in the network.
pub struct Network {
    /// VPC of the target groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Private subnets of the tasks, in at least two availability zones for production.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Security groups of all tasks, unless a component names its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Whether tasks get a public address. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<bool>,
}
}

ecs_struct! {
/// IAM roles, which Evenkeel never creates.
pub struct Roles {
    /// Role that pulls images, reads secrets and writes logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    /// Role of the application itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,
}
}

ecs_struct! {
/// What the tasks run on. Nothing said means Fargate, latest platform, X86_64.
pub struct Capacity {
    /// `FARGATE`, `EC2` or `EXTERNAL`; not together with `capacityProviderStrategy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// Shares of capacity providers of the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// Fargate platform version. Unset means LATEST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// `X86_64` (default) or `ARM64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<String>,
    /// Placement constraints (EC2 only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Placement strategy (EC2 only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placement_strategy: Vec<PlacementStrategy>,
}
}

impl Capacity {
    /// Whether tasks run on Fargate as far as the names tell: by launch type, or by providers
    /// called `FARGATE…`.
    pub fn is_fargate(&self) -> bool {
        match (self.launch_type.as_deref(), self.capacity_provider_strategy.as_slice()) {
            (Some(launch_type), _) => launch_type == "FARGATE",
            (None, []) => true,
            (None, items) => items.iter().all(|item| item.capacity_provider.starts_with("FARGATE")),
        }
    }
}

ecs_struct! {
/// Where output goes. One log group for all components; the stream prefix is the component's name.
pub struct Logs {
    /// Name of the log group. Default `/ecs/<deployment>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Prefix before the component's name in stream names. Unset means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_prefix: Option<String>,
    /// Days that events are kept. Default 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<i32>,
    /// KMS key of the log group; set at creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// What happens to the log group when the document goes away.
    #[serde(skip_serializing_if = "DeletionPolicy::is_retain")]
    pub deletion_policy: DeletionPolicy,
    /// Whether Evenkeel keeps the log group itself. Default true; false means that it exists
    /// already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manage_group: Option<bool>,
    /// Another log configuration (FireLens, Splunk, …) in place of all of the above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<LogConfiguration>,
}
}

ecs_struct! {
/// CloudWatch alarms that exist already.
pub struct Alarms {
    /// Names of alarms that roll a deployment of any service back while one of them is in ALARM.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollback: Vec<String>,
}
}

ecs_struct! {
/// Where the names of this deployment are kept. A reference: Evenkeel writes no DNS records from
/// it.
pub struct Dns {
    /// Route 53 hosted zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosted_zone_id: Option<String>,
}
}

ecs_struct! {
/// Where images come from.
pub struct Images {
    /// Registry host, such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com`; not together with
    /// `account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Account whose ECR holds the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region of that ECR. Default: the placement's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Text before the repository's name, taken as it is: write the slash if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Name of the repository in place of the vendor's (kinds with one image only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Secret with the credentials of a private registry outside ECR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretRef>,
}
}

/// What port 80 of the load balancer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpPort {
    /// Sends browsers to HTTPS with 301.
    #[default]
    Redirect,
    /// Forwards, as the Pulumi installers do.
    Forward,
    /// Port 80 is left alone.
    Off,
}

impl HttpPort {
    /// Whether this is the default.
    pub fn is_redirect(&self) -> bool {
        *self == Self::Redirect
    }
}

ecs_struct! {
/// How requests get in: either a load balancer of its own, on which Evenkeel keeps the listeners,
/// or the listeners of a shared one, to which it adds rules by host name. Load balancers themselves
/// are never created, changed or deleted.
pub struct LoadBalancerSpec {
    /// Name or ARN of an application load balancer that carries nothing else: listeners 443 and 80
    /// are kept on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// Certificate of the HTTPS listener. Without it the load balancer speaks plain HTTP only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
    /// Security policy of the HTTPS listener. Default `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// HTTPS listener of a shared load balancer; not together with `loadBalancer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_listener_arn: Option<String>,
    /// HTTP listener of a shared load balancer; not together with `loadBalancer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_listener_arn: Option<String>,
    /// Priority of the first rule; further rules count up from it. Needed on shared listeners;
    /// default 100 otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_priority: Option<u32>,
    /// What port 80 does. Default `Redirect`.
    #[serde(skip_serializing_if = "HttpPort::is_redirect")]
    pub http_port: HttpPort,
}
}

ecs_struct! {
/// A network load balancer for connections that are not for the public.
pub struct PrivateLoadBalancerSpec {
    /// Name or ARN of a network load balancer that carries nothing else.
    pub load_balancer: String,
    /// Certificate of its TLS listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
    /// Security policy of its TLS listener. Default `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// Host name that points to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Port of its only listener, for kinds with one (Datero: 5432).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}
}

ecs_struct! {
/// How a load balancer finds out whether a task is healthy; unset fields take the kind's defaults.
pub struct TargetHealth {
    /// Path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Codes that count as success, such as `200` or `200-299`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// Seconds between requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<i32>,
    /// Seconds until a request fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// Successes until healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_threshold: Option<i32>,
    /// Failures until unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold: Option<i32>,
}
}

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
    /// Application Auto Scaling owns the count between these bounds.
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

/// The fields that every typed kind has, borrowed from its spec.
#[derive(Clone, Copy, Debug)]
pub struct CommonSpec<'a> {
    /// Where it runs.
    pub placement: &'a Placement,
    /// Subnets and security groups.
    pub network: &'a Network,
    /// IAM roles.
    pub roles: &'a Roles,
    /// Fargate or capacity providers.
    pub capacity: &'a Capacity,
    /// Where output goes.
    pub logs: &'a Logs,
    /// Alarms that roll back.
    pub alarms: &'a Alarms,
    /// Where images come from.
    pub images: &'a Images,
    /// Their tag.
    pub image_tag: &'a str,
    /// Whether ECS Exec works.
    pub enable_execute_command: Option<bool>,
    /// Overrides, by component.
    pub overrides: &'a BTreeMap<String, ComponentOverride>,
}

/// Declares the root of a typed kind: its own fields behind those that all typed kinds share.
macro_rules! typed_kind {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        $(#[$meta])*
        pub struct $name {
            /// Where it runs.
            pub placement: Placement,
            /// What to do about differences that are found in AWS.
            #[serde(skip_serializing_if = "DriftSpec::is_default")]
            pub drift: DriftSpec,
            /// Stops all writes for this deployment while it is set and not expired.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub suspend: Option<Suspend>,
            /// What happens to services, rules and target groups when this document is removed.
            #[serde(skip_serializing_if = "DeletionPolicy::is_retain")]
            pub deletion_policy: DeletionPolicy,
            /// Take over resources of these names that Evenkeel did not create.
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            pub adopt: bool,
            /// Tags put on everything that is created for this deployment.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub tags: BTreeMap<String, String>,
            /// Tag of the images: pin it, never `latest`.
            pub image_tag: String,
            /// Where images come from.
            pub images: Images,
            /// Where tasks are placed in the network.
            pub network: Network,
            /// IAM roles.
            pub roles: Roles,
            /// What the tasks run on.
            pub capacity: Capacity,
            /// Where output goes.
            pub logs: Logs,
            /// Alarms that roll deployments back.
            pub alarms: Alarms,
            /// Where the names of this deployment are kept.
            pub dns: Dns,
            /// Whether ECS Exec works in the tasks. Default false.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub enable_execute_command: Option<bool>,
            /// Overrides, by component.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub overrides: BTreeMap<String, ComponentOverride>,
            $($body)*
        }

        impl $name {
            /// The fields that are the same in the generic kind, as an application in which nothing
            /// runs yet.
            pub fn application(&self) -> ApplicationSpec {
                ApplicationSpec {
                    placement: self.placement.clone(),
                    drift: self.drift.clone(),
                    suspend: self.suspend.clone(),
                    deletion_policy: self.deletion_policy,
                    adopt: self.adopt,
                    tags: self.tags.clone(),
                    log_groups: BTreeMap::new(),
                    target_groups: BTreeMap::new(),
                    listeners: BTreeMap::new(),
                    rules: BTreeMap::new(),
                    components: BTreeMap::new(),
                }
            }

            /// The fields that every typed kind has.
            pub fn common(&self) -> CommonSpec<'_> {
                CommonSpec {
                    placement: &self.placement,
                    network: &self.network,
                    roles: &self.roles,
                    capacity: &self.capacity,
                    logs: &self.logs,
                    alarms: &self.alarms,
                    images: &self.images,
                    image_tag: &self.image_tag,
                    enable_execute_command: self.enable_execute_command,
                    overrides: &self.overrides,
                }
            }
        }
    };
}
pub(crate) use typed_kind;
