//! An ECS task definition under AWS's own field names. Source: ECS API, RegisterTaskDefinition and
//! its data types.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// CPU units or MiB of a whole task: ECS keeps them as text, people write numbers; both are taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Units(pub String);

impl Units {
    /// The number of CPU units or MiB, when the text is a plain number.
    pub fn number(&self) -> Option<u32> {
        self.0.parse().ok()
    }
}

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a whole number or a text such as \"512\"")]
        enum Either {
            Number(u32),
            Text(String),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Number(number) => Self(number.to_string()),
            Either::Text(text) => Self(text),
        })
    }
}

impl JsonSchema for Units {
    fn schema_name() -> Cow<'static, str> {
        "Units".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]})
    }
}

macro_rules! ecs_struct {
    ($(#[$doc:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct $name { $($body)* }
    };
}
pub(crate) use ecs_struct;

ecs_struct! {
/// What is registered as a revision of a family.
pub struct TaskDefinition {
    /// Family name; unset means `<deployment>-<component>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Task CPU units; required on Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Units>,
    /// Task memory in MiB; required on Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Units>,
    /// `awsvpc`, `bridge`, `host` or `none`. Unset means `awsvpc` on Fargate, on Managed Instances
    /// and where the workload has an `awsvpcConfiguration`; else it is left to ECS, which takes
    /// bridge on Linux and NAT on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    /// Role that pulls the image, reads secrets and writes logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    /// Role of the application itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,
    /// `FARGATE`, `EC2`, `EXTERNAL`, `MANAGED_INSTANCES`; unset follows from the workload's launch
    /// type. A strategy of Managed Instances is told by its word here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires_compatibilities: Vec<String>,
    /// CPU architecture and operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// Fargate scratch space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// `host`, `task` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<String>,
    /// `host` or `task`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<String>,
    /// The containers.
    pub container_definitions: Vec<ContainerDefinition>,
    /// Volumes that containers mount.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Where tasks may be placed (EC2 only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<TaskPlacementConstraint>,
    /// App Mesh proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// Whether AWS Fault Injection Service may act on the tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_fault_injection: Option<bool>,
}
}

ecs_struct! {
/// One container.
pub struct ContainerDefinition {
    /// Name, unique in the task definition.
    pub name: String,
    /// Image with tag or digest.
    pub image: String,
    /// CPU units for this container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<i32>,
    /// Hard memory limit in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    /// Soft memory limit in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<i32>,
    /// Whether the task stops when this container does. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,
    /// Ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub port_mappings: Vec<PortMapping>,
    /// Plain environment variables; order does not matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair>,
    /// Files of environment variables in S3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment_files: Vec<EnvironmentFile>,
    /// Variables from Secrets Manager or Parameter Store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Overrides the image's entry point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entry_point: Vec<String>,
    /// Overrides the image's command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// User, as `uid`, `uid:gid` or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Container health check, seen in the task's health status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Resource limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ulimits: Vec<Ulimit>,
    /// Mounted volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mount_points: Vec<MountPoint>,
    /// Volumes of another container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes_from: Vec<VolumeFrom>,
    /// Start order in the task.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ContainerDependency>,
    /// Seconds to wait for a dependency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<i32>,
    /// Seconds between SIGTERM and SIGKILL; at most 120 on Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i32>,
    /// Read-only root file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<bool>,
    /// Where output goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    /// FireLens log router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firelens_configuration: Option<FirelensConfiguration>,
    /// Labels of the container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub docker_labels: BTreeMap<String, String>,
    /// SELinux, AppArmor and credential specs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub docker_security_options: Vec<String>,
    /// Linux capabilities, devices, shared memory, swap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,
    /// Kernel parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system_controls: Vec<SystemControl>,
    /// GPUs and inference accelerators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_requirements: Vec<ResourceRequirement>,
    /// Credentials of a private registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<RepositoryCredentials>,
    /// Restarts the container without replacing the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<ContainerRestartPolicy>,
    /// Full access to the host; not on Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// Keeps standard input open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
    /// Gives the container a terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudo_terminal: Option<bool>,
    /// Links to other containers (bridge mode).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// Host name (not in awsvpc mode).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// DNS servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_servers: Vec<String>,
    /// DNS search domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_search_domains: Vec<String>,
    /// Entries of `/etc/hosts`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_hosts: Vec<HostEntry>,
    /// Turns networking off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_networking: Option<bool>,
    /// Credential spec files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_specs: Vec<String>,
    /// `enabled` pins tags to digests per deployment; `disabled` does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_consistency: Option<String>,
}
}

ecs_struct! {
/// A port that a container listens on.
pub struct PortMapping {
    /// Port in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
    /// Port on the host; in `awsvpc` and `host` mode the container port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// `tcp` (default) or `udp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Name, for Service Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `http`, `http2` or `grpc`, for Service Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    /// Several ports at once, `8000-8010`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_port_range: Option<String>,
}
}

ecs_struct! {
/// One plain variable.
pub struct KeyValuePair {
    /// Name of the variable.
    pub name: String,
    /// Its value; an empty text is not the same as leaving the variable out.
    pub value: String,
}
}

ecs_struct! {
/// One file of variables.
pub struct EnvironmentFile {
    /// ARN of the S3 object.
    pub value: String,
    /// `s3`.
    #[serde(rename = "type")]
    pub kind: String,
}
}

/// What a new version of a secret does to the tasks that read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnRotation {
    /// Tasks are rolled, through the normal gates, so that they read the new value.
    #[default]
    Restart,
    /// Nothing; for secrets that are written once, such as an encryption key or an initial
    /// password.
    Ignore,
}

impl OnRotation {
    /// Whether this is the default.
    pub fn is_restart(&self) -> bool {
        *self == Self::Restart
    }
}

ecs_struct! {
/// One variable from a secret.
pub struct Secret {
    /// Name of the variable.
    pub name: String,
    /// Secrets Manager name, ARN, either with `:json-key:stage:version`, or a Parameter Store
    /// parameter: its ARN, its name when that begins with `/`, or `ssm:NAME`. A plain name such as
    /// `db-password` is taken for a secret, with a warning, for ECS takes it for a parameter:
    /// `secretsmanager:NAME` says that the secret is meant. Names are resolved to full ARNs by
    /// DescribeSecret; the value is never read.
    pub value_from: String,
    /// What a rotation does. Not part of the ECS API.
    #[serde(skip_serializing_if = "OnRotation::is_restart")]
    pub on_rotation: OnRotation,
}
}

ecs_struct! {
/// Container health check.
pub struct HealthCheck {
    /// `["CMD", …]` or `["CMD-SHELL", "…"]`.
    pub command: Vec<String>,
    /// Seconds between checks. Default 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<i32>,
    /// Seconds until a check counts as failed. Default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i32>,
    /// Failures until unhealthy. Default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<i32>,
    /// Seconds during which failures do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<i32>,
}
}

ecs_struct! {
/// One resource limit.
pub struct Ulimit {
    /// `nofile`, `nproc`, ….
    pub name: String,
    /// Soft limit.
    pub soft_limit: i32,
    /// Hard limit.
    pub hard_limit: i32,
}
}

ecs_struct! {
/// A mounted volume.
pub struct MountPoint {
    /// Name of a volume of the task definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_volume: Option<String>,
    /// Path in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_path: Option<String>,
    /// Read-only. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
}

ecs_struct! {
/// Volumes taken from another container.
pub struct VolumeFrom {
    /// That container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_container: Option<String>,
    /// Read-only. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
}

ecs_struct! {
/// Waits for another container of the task.
pub struct ContainerDependency {
    /// That container.
    pub container_name: String,
    /// `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
    pub condition: String,
}
}

ecs_struct! {
/// Where output goes.
pub struct LogConfiguration {
    /// `awslogs`, `awsfirelens`, `splunk`, ….
    pub log_driver: String,
    /// Options of the driver, such as `awslogs-group`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Options from secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_options: Vec<Secret>,
}
}

ecs_struct! {
/// FireLens log router.
pub struct FirelensConfiguration {
    /// `fluentd` or `fluentbit`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Options.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}
}

ecs_struct! {
/// Linux settings.
pub struct LinuxParameters {
    /// Capabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<KernelCapabilities>,
    /// Host devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Runs an init process that reaps children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_process_enabled: Option<bool>,
    /// `/dev/shm` in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_memory_size: Option<i32>,
    /// Temporary file systems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<Tmpfs>,
    /// Swap in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_swap: Option<i32>,
    /// 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swappiness: Option<i32>,
}
}

ecs_struct! {
/// Added and dropped capabilities.
pub struct KernelCapabilities {
    /// Added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Dropped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}
}

ecs_struct! {
/// A host device.
pub struct Device {
    /// Path on the host.
    pub host_path: String,
    /// Path in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_path: Option<String>,
    /// `read`, `write`, `mknod`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
}
}

ecs_struct! {
/// A temporary file system.
pub struct Tmpfs {
    /// Where it is mounted.
    pub container_path: String,
    /// MiB.
    pub size: i32,
    /// Mount options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mount_options: Vec<String>,
}
}

ecs_struct! {
/// A kernel parameter.
pub struct SystemControl {
    /// Its name, such as `net.core.somaxconn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
}

ecs_struct! {
/// A GPU or an accelerator.
pub struct ResourceRequirement {
    /// `GPU` or `InferenceAccelerator`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many, or which.
    pub value: String,
}
}

ecs_struct! {
/// Credentials of a private registry.
pub struct RepositoryCredentials {
    /// ARN of the secret.
    pub credentials_parameter: String,
}
}

ecs_struct! {
/// Restarts a container in its task.
pub struct ContainerRestartPolicy {
    /// Whether it is on.
    pub enabled: bool,
    /// Exit codes that do not restart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_exit_codes: Vec<i32>,
    /// Seconds that it must run before it may be restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_attempt_period: Option<i32>,
}
}

ecs_struct! {
/// One entry of `/etc/hosts`.
pub struct HostEntry {
    /// Host name that is resolved.
    pub hostname: String,
    /// Address.
    pub ip_address: String,
}
}

ecs_struct! {
/// CPU architecture and operating system.
pub struct RuntimePlatform {
    /// `X86_64` (default) or `ARM64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<String>,
    /// `LINUX` (default) or a Windows family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operating_system_family: Option<String>,
}
}

ecs_struct! {
/// Fargate scratch space.
pub struct EphemeralStorage {
    /// 21 to 200 GiB.
    #[serde(rename = "sizeInGiB")]
    pub size_in_gib: i32,
}
}

ecs_struct! {
/// A volume of the task.
pub struct Volume {
    /// Name that mount points refer to.
    pub name: String,
    /// A path of the host, or empty for scratch space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostVolume>,
    /// A Docker volume (EC2 only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_configuration: Option<DockerVolume>,
    /// An EFS file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efs_volume_configuration: Option<EfsVolume>,
    /// Configured by the service at launch (EBS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured_at_launch: Option<bool>,
}
}

ecs_struct! {
/// A path of the host.
pub struct HostVolume {
    /// The path; unset lets Docker choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_path: Option<String>,
}
}

ecs_struct! {
/// A Docker volume.
pub struct DockerVolume {
    /// `task` or `shared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Creates a shared volume that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoprovision: Option<bool>,
    /// Driver. Default `local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}
}

ecs_struct! {
/// An EFS file system.
pub struct EfsVolume {
    /// Id of the file system, `fs-…`.
    pub file_system_id: String,
    /// Directory in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,
    /// `ENABLED` or `DISABLED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_encryption: Option<String>,
    /// Port of the encrypted connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_encryption_port: Option<i32>,
    /// Access point and IAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<EfsAuthorization>,
}
}

ecs_struct! {
/// How the task is let into an EFS file system.
pub struct EfsAuthorization {
    /// Access point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_point_id: Option<String>,
    /// `ENABLED` uses the task role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam: Option<String>,
}
}

ecs_struct! {
/// Where a task may be placed.
pub struct TaskPlacementConstraint {
    /// `memberOf`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Cluster query language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}
}

ecs_struct! {
/// App Mesh proxy.
pub struct ProxyConfiguration {
    /// `APPMESH`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The proxy container.
    pub container_name: String,
    /// CNI parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<KeyValuePair>,
}
}
