//! Checks of what services and tasks have in common: capacity, platform, network, ECS Exec. Source:
//! ECS API, CreateService and RunTask.

use crate::desired::defaults::{Capacity, is_fargate_provider};
use crate::desired::forms;
use crate::model::finding::Findings;
use crate::model::kinds::service::{AwsVpcConfiguration, CapacityProviderStrategyItem, NetworkConfiguration};
use crate::model::kinds::task_definition::TaskDefinition;

/// Subnets and security groups of a network. Source: ECS API, AwsVpcConfiguration.
const SUBNETS: usize = 16;
const SECURITY_GROUPS: usize = 5;
/// Providers in a strategy. Source: ECS API, CreateService.
const PROVIDERS: usize = 20;

/// What services and tasks have in common.
pub(super) struct Launch<'a> {
    pub(super) launch_type: Option<&'a str>,
    pub(super) strategy: &'a [CapacityProviderStrategyItem],
    pub(super) platform_version: Option<&'a str>,
    pub(super) network: Option<&'a NetworkConfiguration>,
    pub(super) exec: bool,
    /// Network mode of the tasks.
    pub(super) mode: &'a str,
}

/// Checks how the workload at `path` is launched.
pub(super) fn check(findings: &mut Findings, path: &str, of: &Launch<'_>, definition: &TaskDefinition) {
    if of.launch_type == Some("MANAGED_INSTANCES") {
        let help = "name it in capacityProviderStrategy, and MANAGED_INSTANCES in the task definition's requiresCompatibilities";
        findings.error(
            format!("{path}.launchType"),
            "Managed Instances are reached by a capacity provider alone",
            help,
        );
    } else {
        findings.one_of(format!("{path}.launchType"), of.launch_type, &["FARGATE", "EC2", "EXTERNAL"]);
    }
    strategy(findings, &format!("{path}.capacityProviderStrategy"), of);
    let capacity = Capacity::of(of.launch_type, of.strategy);
    if let Some(version) = of.platform_version {
        let numbered = version.split('.').count() == 3
            && version
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        if capacity != Capacity::Fargate {
            findings.error(
                format!("{path}.platformVersion"),
                "only Fargate has platform versions",
                "remove it",
            );
        } else if version != "LATEST" && !numbered {
            let message = format!("`{version}` is not a platform version");
            findings.error(format!("{path}.platformVersion"), message, "LATEST, or such as 1.4.0");
        }
    }
    if of.exec && definition.task_role_arn.is_none() {
        let message = "ECS Exec needs a task role, and ECS refuses the service or task without one";
        findings.error(format!("{path}.enableExecuteCommand"), message, "set taskDefinition.taskRoleArn");
    }
    let mode = of.mode;
    if capacity == Capacity::External && (mode == "awsvpc") {
        let message = "EXTERNAL instances have no network mode awsvpc";
        findings.error(format!("{path}.launchType"), message, "set networkMode to bridge, host or none");
    }
    let vpc = of.network.and_then(|network| network.awsvpc_configuration.as_ref());
    let field = format!("{path}.networkConfiguration");
    match (mode == "awsvpc", vpc) {
        (true, None) => findings.error(
            field,
            "network mode awsvpc needs subnets",
            "set networkConfiguration.awsvpcConfiguration with subnets and securityGroups",
        ),
        (false, Some(_)) => {
            findings.error(field, format!("network mode {mode} has no network configuration"), "remove it");
        }
        (true, Some(vpc)) => network(findings, &format!("{field}.awsvpcConfiguration"), vpc, capacity),
        (false, None) => {}
    }
}

fn strategy(findings: &mut Findings, path: &str, of: &Launch<'_>) {
    let items = of.strategy;
    if items.is_empty() {
        return;
    }
    if of.launch_type.is_some() {
        findings.error(path, "a strategy excludes launchType", "remove one of them");
    }
    if items.len() > PROVIDERS {
        findings.error(
            path,
            format!("{} providers are too many", items.len()),
            format!("{PROVIDERS} at most"),
        );
    }
    let names =
        items.iter().enumerate().map(|(i, item)| (format!("{path}[{i}]"), item.capacity_provider.as_str()));
    findings.duplicates("the capacity provider", names);
    for (index, item) in items.iter().enumerate() {
        findings.within(format!("{path}[{index}].base"), item.base.map(i64::from), 0, 100_000);
        findings.within(format!("{path}[{index}].weight"), item.weight.map(i64::from), 0, 1000);
    }
    let fargate = items.iter().filter(|item| is_fargate_provider(&item.capacity_provider)).count();
    if fargate > 0 && fargate < items.len() {
        let message = "Fargate providers cannot be mixed with others";
        findings.error(path, message, "use FARGATE and FARGATE_SPOT, or only others");
    }
    if items.iter().filter(|item| item.base.unwrap_or(0) > 0).count() > 1 {
        findings.error(path, "only one provider can have a base", "");
    }
    if items.iter().all(|item| item.weight.unwrap_or(0) == 0) {
        let message = "all weights are 0 (an unset weight is 0), so no provider takes a task beyond its base";
        findings.error(path, message, "give one of them weight 1");
    }
}

fn network(findings: &mut Findings, path: &str, vpc: &AwsVpcConfiguration, capacity: Capacity) {
    if vpc.subnets.is_empty() || vpc.subnets.len() > SUBNETS {
        let message = format!("there are {} subnets", vpc.subnets.len());
        findings.error(format!("{path}.subnets"), message, format!("1 to {SUBNETS}"));
    }
    if vpc.security_groups.len() > SECURITY_GROUPS {
        let message = format!("there are {} security groups", vpc.security_groups.len());
        findings.error(format!("{path}.securityGroups"), message, format!("{SECURITY_GROUPS} at most"));
    }
    for (field, ids, prefix) in
        [("subnets", &vpc.subnets, "subnet"), ("securityGroups", &vpc.security_groups, "sg")]
    {
        let places =
            ids.iter().enumerate().map(|(index, id)| (format!("{path}.{field}[{index}]"), id.as_str()));
        for (field, id) in places.clone() {
            if !forms::is_ec2_id(id, prefix) {
                findings.error(
                    field,
                    format!("`{id}` is not an id"),
                    format!("such as {prefix}-0123456789abcdef0"),
                );
            }
        }
        findings.duplicates("the id", places);
    }
    let field = format!("{path}.assignPublicIp");
    findings.one_of(field.clone(), vpc.assign_public_ip.as_deref(), &["ENABLED", "DISABLED"]);
    if vpc.assign_public_ip.as_deref() == Some("ENABLED") && capacity != Capacity::Fargate {
        findings.error(field, "only Fargate can assign public addresses", "remove it");
    }
}
