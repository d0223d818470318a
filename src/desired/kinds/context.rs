//! Task definitions, services and tasks as the common fields of a typed document describe them.

use crate::model::finding::Findings;
use crate::model::ids::DeploymentName;
use crate::model::kinds::LogGroup;
use crate::model::kinds::TaskWorkload;
use crate::model::kinds::service::{
    AwsVpcConfiguration, DeploymentAlarms, DeploymentCircuitBreaker, DeploymentConfiguration,
    NetworkConfiguration, Service,
};
use crate::model::kinds::settings::{ServiceSettings, TaskSettings};
use crate::model::kinds::task_definition::{
    ContainerDefinition, LogConfiguration, RepositoryCredentials, RuntimePlatform, TaskDefinition, Units,
};
use crate::model::kinds::typed_kind::CommonSpec;
use std::collections::BTreeMap;

/// Seconds between SIGTERM and SIGKILL: the vendors ask for 120 and more, and Fargate allows no
/// more than 120. Source: ECS API, ContainerDefinition.stopTimeout.
const STOP_TIMEOUT: i32 = 120;
/// Seconds during which failing health checks do not stop a new task. Source: Pulumi's operations
/// guide.
const GRACE: i32 = 120;
/// Days that log events are kept.
const RETENTION: i32 = 30;

/// The deployment and the fields that every typed kind has: what lowering a kind starts from.
#[derive(Clone, Copy, Debug)]
pub struct KindContext<'a> {
    /// The deployment.
    pub deployment: &'a DeploymentName,
    /// Network, roles, capacity, logs, images.
    pub common: CommonSpec<'a>,
}

impl KindContext<'_> {
    /// Checks what every typed kind needs.
    pub fn check(&self, awsvpc: bool, findings: &mut Findings) {
        let common = self.common;
        findings.required("spec.placement.region", &common.placement.region, "such as eu-west-1");
        findings.required(
            "spec.placement.cluster",
            &common.placement.cluster,
            "name of an existing ECS cluster",
        );
        findings.image_tag(common.image_tag);
        if common.images.registry.is_some() && common.images.account.is_some() {
            findings.error(
                "spec.images.account",
                "stands next to `registry`",
                "name the registry's host, or the account whose ECR it is",
            );
        }
        if awsvpc && common.network.subnets.is_empty() {
            findings.error("spec.network.subnets", "is required", "name the private subnets of the tasks");
        }
        if common.roles.execution_role_arn.is_none() {
            findings.error(
                "spec.roles.executionRoleArn",
                "is required",
                "name the role that pulls images, reads the secrets and writes logs",
            );
        }
    }

    /// The image of that repository: from the declared registry, from the declared account's ECR,
    /// or where the vendor publishes it.
    pub fn image(&self, repository: &str, vendor: &str) -> String {
        let images = self.common.images;
        let region = images.region.as_deref().unwrap_or(&self.common.placement.region);
        // Source: AWS partitions; China's hosts end differently.
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let registry = match (&images.registry, &images.account) {
            (Some(registry), _) => registry.trim_end_matches('/').to_owned(),
            (None, Some(account)) => format!("{account}.dkr.ecr.{region}.{suffix}"),
            (None, None) => vendor.to_owned(),
        };
        let slash = if registry.is_empty() { "" } else { "/" };
        let prefix = images.prefix.as_deref().unwrap_or_default();
        let repository = images.repository.as_deref().unwrap_or(repository);
        format!("{registry}{slash}{prefix}{repository}:{}", self.common.image_tag)
    }

    /// A container that writes its logs where the document says, and has time to stop.
    pub fn container(&self, component: &str, name: &str, image: String) -> ContainerDefinition {
        let credentials = self.common.images.credentials.as_ref();
        ContainerDefinition {
            name: name.to_owned(),
            image,
            stop_timeout: Some(STOP_TIMEOUT),
            log_configuration: Some(self.log_configuration(component)),
            repository_credentials: credentials
                .map(|secret| RepositoryCredentials { credentials_parameter: secret.as_str().to_owned() }),
            ..Default::default()
        }
    }

    /// A task definition of that size around one container.
    pub fn task_definition(&self, cpu: u32, memory: u32, container: ContainerDefinition) -> TaskDefinition {
        let architecture = self.common.capacity.cpu_architecture.clone();
        TaskDefinition {
            cpu: Some(Units(cpu.to_string())),
            memory: Some(Units(memory.to_string())),
            network_mode: Some("awsvpc".to_owned()),
            execution_role_arn: self.common.roles.execution_role_arn.clone(),
            task_role_arn: self.common.roles.task_role_arn.clone(),
            runtime_platform: architecture.map(|architecture| RuntimePlatform {
                cpu_architecture: Some(architecture),
                operating_system_family: Some("LINUX".to_owned()),
            }),
            container_definitions: vec![container],
            ..Default::default()
        }
    }

    /// A service; `count` is the kind's default.
    pub fn service(&self, settings: &ServiceSettings, count: u32) -> Service {
        let common = self.common;
        let breaker = DeploymentCircuitBreaker { enable: true, rollback: true, ..Default::default() };
        let alarms = &common.alarms.rollback;
        Service {
            // While there is an autoscaler the count is its own: declaring both would be a fight on
            // every pass.
            desired_count: match settings.autoscaling {
                Some(_) => settings.desired_count,
                None => Some(settings.desired_count.unwrap_or(count)),
            },
            autoscaling: settings.autoscaling.clone(),
            launch_type: common.capacity.launch_type.clone(),
            capacity_provider_strategy: common.capacity.capacity_provider_strategy.clone(),
            platform_version: common.capacity.platform_version.clone(),
            placement_constraints: common.capacity.placement_constraints.clone(),
            placement_strategy: common.capacity.placement_strategy.clone(),
            network_configuration: Some(self.network(&settings.subnets, &settings.security_groups)),
            deployment_configuration: Some(DeploymentConfiguration {
                minimum_healthy_percent: settings.minimum_healthy_percent,
                maximum_percent: settings.maximum_percent,
                deployment_circuit_breaker: Some(settings.circuit_breaker.clone().unwrap_or(breaker)),
                alarms: (!alarms.is_empty()).then(|| DeploymentAlarms {
                    alarm_names: alarms.clone(),
                    enable: true,
                    rollback: true,
                    ..Default::default()
                }),
                ..Default::default()
            }),
            enable_execute_command: common.enable_execute_command,
            propagate_tags: Some("SERVICE".to_owned()),
            bake_seconds: settings.bake_seconds,
            progress_deadline_seconds: settings.progress_deadline_seconds,
            ..Default::default()
        }
    }

    /// The grace period of a service behind a load balancer; ECS refuses one on any other.
    pub fn grace(&self, settings: &ServiceSettings, service: &mut Service) {
        if !service.load_balancers.is_empty() {
            let seconds = settings.health_check_grace_period_seconds.unwrap_or(GRACE);
            service.health_check_grace_period_seconds = Some(seconds);
        }
    }

    /// A run to completion. The deadline matters: Pulumi's migrations wait for their database
    /// without end.
    pub fn task(&self, settings: &TaskSettings) -> TaskWorkload {
        TaskWorkload {
            launch_type: self.common.capacity.launch_type.clone(),
            capacity_provider_strategy: self.common.capacity.capacity_provider_strategy.clone(),
            platform_version: self.common.capacity.platform_version.clone(),
            network_configuration: Some(self.network(&[], &settings.security_groups)),
            deadline_seconds: Some(settings.deadline_seconds.unwrap_or(3600)),
            retries: Some(settings.retries.unwrap_or(0)),
            enable_execute_command: self.common.enable_execute_command,
            ..Default::default()
        }
    }

    /// Subnets and security groups: the component's own, or all tasks'.
    pub fn network(&self, subnets: &[String], security_groups: &[String]) -> NetworkConfiguration {
        let network = self.common.network;
        let pick = |own: &[String], all: &[String]| if own.is_empty() { all.to_vec() } else { own.to_vec() };
        let public = network.assign_public_ip.unwrap_or(false);
        NetworkConfiguration {
            awsvpc_configuration: Some(AwsVpcConfiguration {
                subnets: pick(subnets, &network.subnets),
                security_groups: pick(security_groups, &network.security_groups),
                assign_public_ip: Some(if public { "ENABLED" } else { "DISABLED" }.to_owned()),
            }),
        }
    }

    /// The log groups that Evenkeel keeps: one, or none when logs go elsewhere.
    pub fn log_groups(&self) -> BTreeMap<String, LogGroup> {
        let logs = self.common.logs;
        if logs.configuration.is_some() || logs.manage_group == Some(false) {
            return BTreeMap::new();
        }
        let group = LogGroup {
            retention_in_days: Some(logs.retention_in_days.unwrap_or(RETENTION)),
            kms_key_id: logs.kms_key_id.clone(),
            deletion_policy: logs.deletion_policy,
        };
        BTreeMap::from([(self.log_group(), group)])
    }

    fn log_group(&self) -> String {
        self.common.logs.group.clone().unwrap_or_else(|| format!("/ecs/{}", self.deployment))
    }

    fn log_configuration(&self, component: &str) -> LogConfiguration {
        let logs = self.common.logs;
        if let Some(configuration) = &logs.configuration {
            return configuration.clone();
        }
        let prefix = match logs.stream_prefix.as_deref() {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}/{component}"),
            _ => component.to_owned(),
        };
        let options = [
            ("awslogs-group", self.log_group()),
            ("awslogs-region", self.common.placement.region.clone()),
            ("awslogs-stream-prefix", prefix),
        ];
        LogConfiguration {
            log_driver: "awslogs".to_owned(),
            options: options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Default::default()
        }
    }
}
