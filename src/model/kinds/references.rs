//! What the typed kinds share: where their tasks run, and references to things that exist already.
//!
//! A reference is a name or an ARN, never a value: a secret's content has no place in a document.

use super::DeletionPolicy;
use super::service::{CapacityProviderStrategyItem, PlacementConstraint, PlacementStrategy};
use super::task_definition::{LogConfiguration, ecs_struct};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reference to a secret: its name or ARN in Secrets Manager, either with
/// `:json-key:stage:version` behind it as ECS takes it (`shop/db:password::`), or the name or ARN
/// of a Parameter Store parameter (a name that begins with `/`, or `ssm:NAME`). Never the value.
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
