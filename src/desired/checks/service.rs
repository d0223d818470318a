//! Checks of how a component runs. Sources: ECS API, CreateService and RunTask; ECS developer
//! guide, "Service definition parameters".

use super::definition::network_mode;
use super::launch::{self, Launch};
use super::{connect, hooks, ports, volumes};
use crate::desired::defaults::Capacity;
use crate::desired::resources::{listed, no_such};
use crate::desired::{forms, rebalancing};
use crate::model::arn::Arn;
use crate::model::finding::Findings;
use crate::model::kinds::application::RunPolicy;
use crate::model::kinds::service::{DeploymentConfiguration, LoadBalancer, Service};
use crate::model::kinds::task_definition::TaskDefinition;
use crate::model::kinds::{ApplicationSpec, Component, TaskWorkload};
use crate::model::resource::ResourceKind;

/// Tasks of one service. Source: ECS service quotas, "Tasks per service".
const TASKS_PER_SERVICE: u32 = 5_000;
/// Target groups of one service. Source: ECS service quotas.
const TARGET_GROUPS: usize = 5;

/// Checks the workloads of the component at `path`.
pub(super) fn check(findings: &mut Findings, spec: &ApplicationSpec, path: &str, component: &Component) {
    let definition = &component.task_definition;
    let definition_path = format!("{path}.taskDefinition");
    if let Some(task) = &component.task {
        self::task(findings, &format!("{path}.task"), task, component);
        volumes::of_task(findings, &definition_path, definition);
    }
    for (word, service) in [("service", &component.service), ("singleton", &component.singleton)] {
        let Some(service) = service else { continue };
        let path = format!("{path}.{word}");
        let of = Launch {
            launch_type: service.launch_type.as_deref(),
            strategy: &service.capacity_provider_strategy,
            platform_version: service.platform_version.as_deref(),
            network: service.network_configuration.as_ref(),
            exec: service.enable_execute_command == Some(true),
            mode: network_mode(component),
        };
        launch::check(findings, &path, &of, definition);
        words(findings, &path, service);
        counts(findings, &path, service, word == "singleton");
        deployment(findings, &path, service, word == "singleton");
        alarms(findings, spec, &path, service);
        placement(findings, &path, service);
        load_balancers(findings, spec, &path, service, component);
        registries(findings, &path, service, definition);
        connect::check(findings, &path, service, definition);
        volumes::of_service(findings, &definition_path, &path, service, definition);
    }
}

fn task(findings: &mut Findings, path: &str, task: &TaskWorkload, component: &Component) {
    let of = Launch {
        launch_type: task.launch_type.as_deref(),
        strategy: &task.capacity_provider_strategy,
        platform_version: task.platform_version.as_deref(),
        network: task.network_configuration.as_ref(),
        exec: task.enable_execute_command == Some(true),
        mode: network_mode(component),
    };
    launch::check(findings, path, &of, &component.task_definition);
    findings.within(format!("{path}.deadlineSeconds"), task.deadline_seconds.map(i64::from), 1, 604_800);
    findings.within(format!("{path}.retries"), task.retries.map(i64::from), 0, 10);
    if task.run != RunPolicy::Forever {
        ends_once(findings, path, &component.task_definition);
    }
}

/// A task that is to end has one container whose end it is. ECS stops all others when an essential
/// one ends, and does not say which one that was; one that obeys the stop signal with exit code 0
/// looks as if its work was done. Source: ECS API, ContainerDefinition.essential.
fn ends_once(findings: &mut Findings, path: &str, definition: &TaskDefinition) {
    let essential = definition
        .container_definitions
        .iter()
        .filter(|container| container.essential != Some(false) && container.firelens_configuration.is_none());
    let names: Vec<&str> = essential.map(|container| container.name.as_str()).collect();
    if let [first, .., last] = names.as_slice() {
        let message = format!(
            "`{first}` and `{last}` are both essential: when one ends ECS stops the other, whose work may look done then"
        );
        let help = "set `essential: false` on every container but the one whose end is the task's";
        findings.warning(path, message, help);
    }
}

fn words(findings: &mut Findings, path: &str, service: &Service) {
    for (field, value, allowed) in [
        ("schedulingStrategy", &service.scheduling_strategy, ["REPLICA", "DAEMON"].as_slice()),
        ("propagateTags", &service.propagate_tags, &["SERVICE", "TASK_DEFINITION", "NONE"]),
        ("availabilityZoneRebalancing", &service.availability_zone_rebalancing, &["ENABLED", "DISABLED"]),
    ] {
        findings.one_of(format!("{path}.{field}"), value.as_deref(), allowed);
    }
    let deadline = service.progress_deadline_seconds.map(i64::from);
    findings.within(format!("{path}.progressDeadlineSeconds"), deadline, 1, 604_800);
    findings.within(format!("{path}.bakeSeconds"), service.bake_seconds.map(i64::from), 0, 604_800);
}

fn counts(findings: &mut Findings, path: &str, service: &Service, singleton: bool) {
    let daemon = service.scheduling_strategy.as_deref() == Some("DAEMON");
    let field = format!("{path}.desiredCount");
    if singleton && service.desired_count.is_some_and(|count| count > 1) {
        findings.error(&field, "a singleton runs one task at most", "1 or 0, or declare it as a service");
    }
    if service.desired_count.is_some_and(|count| count > TASKS_PER_SERVICE) {
        let help = format!("{TASKS_PER_SERVICE} by default; the quota can be raised");
        findings.warning(&field, "more than ECS runs of one service", help);
    }
    if daemon && service.desired_count.is_some() {
        findings.error(&field, "a DAEMON has one task per instance", "remove it");
    }
    let fargate = Capacity::of(service.launch_type.as_deref(), &service.capacity_provider_strategy);
    if daemon && (fargate == Capacity::Fargate || singleton) {
        let message = "DAEMON is for services on EC2 and EXTERNAL instances";
        findings.error(format!("{path}.schedulingStrategy"), message, "use REPLICA, or set launchType");
    }
    let Some(autoscaling) = &service.autoscaling else { return };
    let path = format!("{path}.autoscaling");
    if singleton || daemon {
        findings.error(&path, "only replicas can be scaled", "remove it");
    }
    if autoscaling.min_capacity > autoscaling.max_capacity || autoscaling.max_capacity == 0 {
        let message = format!("{} to {} is no range", autoscaling.min_capacity, autoscaling.max_capacity);
        findings.error(&path, message, "minCapacity must not be above maxCapacity, which is at least 1");
    }
    for (name, percent) in [
        ("targetCpuPercent", autoscaling.target_cpu_percent),
        ("targetMemoryPercent", autoscaling.target_memory_percent),
    ] {
        findings.within(format!("{path}.{name}"), percent.map(i64::from), 1, 100);
    }
    if service.desired_count.is_some() {
        let message = "the count belongs to the autoscaler, so desiredCount is ignored";
        findings.warning(field, message, "remove it");
    }
    findings.warning(
        path,
        "its bounds, targets and cooldowns are not sent to AWS: Evenkeel creates the service with minCapacity \
         tasks and leaves their number to Application Auto Scaling",
        "register the scalable target and its policies there",
    );
}

fn deployment(findings: &mut Findings, path: &str, service: &Service, singleton: bool) {
    let daemon = service.scheduling_strategy.as_deref() == Some("DAEMON");
    let unset = DeploymentConfiguration::default();
    let of = service.deployment_configuration.as_ref().unwrap_or(&unset);
    let recreated = singleton || daemon;
    let minimum = of.minimum_healthy_percent.unwrap_or(if recreated { 0 } else { 100 });
    let maximum = of.maximum_percent.unwrap_or(if recreated { 100 } else { 200 });
    let service_path = path;
    let path = format!("{path}.deploymentConfiguration");
    findings.within(format!("{path}.minimumHealthyPercent"), Some(i64::from(minimum)), 0, 100);
    findings.within(format!("{path}.maximumPercent"), Some(i64::from(maximum)), 100, 10_000);
    if singleton && (minimum, maximum) != (0, 100) {
        let message = "a singleton is always stopped before it is started again: minimum 0, maximum 100";
        findings.error(&path, message, "remove the percentages, or declare it as a service");
    } else if daemon && maximum != 100 {
        findings.error(format!("{path}.maximumPercent"), "a DAEMON has maximum 100", "remove it");
    } else {
        can_roll(findings, &path, service, (minimum, maximum));
    }
    let rebalances = service.availability_zone_rebalancing.as_deref() == Some("ENABLED");
    if let Some(message) = rebalancing::trouble(service, maximum).filter(|_| rebalances) {
        findings.error(format!("{service_path}.availabilityZoneRebalancing"), message, "set it to DISABLED");
    }
    strategies(findings, &path, service, of, singleton);
    hooks::check(findings, &path, of, minimum);
}

/// A service rolls only if a task may stop, or another may start, within the percentages. Source:
/// ECS developer guide, "Deploy Amazon ECS services by replacing tasks": the minimum is rounded up,
/// the maximum down.
fn can_roll(findings: &mut Findings, path: &str, service: &Service, (minimum, maximum): (i32, i32)) {
    let rolling = service
        .deployment_configuration
        .as_ref()
        .and_then(|of| of.strategy.as_deref())
        .is_none_or(|strategy| strategy == "ROLLING");
    let count = match &service.autoscaling {
        Some(autoscaling) => i64::from(autoscaling.min_capacity),
        None => i64::from(service.desired_count.unwrap_or(1)),
    };
    let lower = (count * i64::from(minimum) + 99) / 100;
    let upper = count * i64::from(maximum) / 100;
    if rolling && (minimum >= maximum || (count > 0 && lower >= upper)) {
        let message = format!(
            "with minimum {minimum} %, maximum {maximum} % and {count} tasks none may stop and none may start, so no \
             deployment ever proceeds"
        );
        findings.error(path, message, "lower minimumHealthyPercent or raise maximumPercent");
    }
}

fn strategies(
    findings: &mut Findings,
    path: &str,
    service: &Service,
    of: &DeploymentConfiguration,
    singleton: bool,
) {
    let strategy = of.strategy.as_deref().unwrap_or("ROLLING");
    let field = format!("{path}.strategy");
    findings.one_of(field.clone(), Some(strategy), &["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]);
    if singleton && strategy != "ROLLING" {
        findings.error(&field, "a singleton knows ROLLING only", "remove it");
    }
    for (name, is_set, needed) in [
        ("linearConfiguration", of.linear_configuration.is_some(), "LINEAR"),
        ("canaryConfiguration", of.canary_configuration.is_some(), "CANARY"),
    ] {
        if is_set && strategy != needed {
            findings.error(format!("{path}.{name}"), format!("it is for strategy {needed}"), "remove it");
        }
    }
    shift(findings, path, of);
    if strategy != "ROLLING" {
        for (index, balancer) in service.load_balancers.iter().enumerate() {
            let advanced = balancer.advanced_configuration.as_ref();
            let complete = advanced.is_some_and(|advanced| {
                advanced.alternate_target_group_arn.is_some()
                    && advanced.production_listener_rule.is_some()
                    && advanced.role_arn.is_some()
            });
            if !complete {
                let base = path.strip_suffix(".deploymentConfiguration").unwrap_or(path);
                findings.error(
                    format!("{base}.loadBalancers[{index}].advancedConfiguration"),
                    format!("{strategy} needs a second target group, a rule and a role to shift traffic"),
                    "set alternateTargetGroupArn, productionListenerRule and roleArn",
                );
            }
        }
    }
    findings.within(format!("{path}.bakeTimeInMinutes"), of.bake_time_in_minutes.map(i64::from), 0, 1440);
    if let Some(alarms) = &of.alarms
        && alarms.enable
        && alarms.alarm_names.is_empty()
        && alarms.alarms.is_empty()
    {
        findings.error(
            format!("{path}.alarms.alarmNames"),
            "there are no alarms to look at",
            "name at least one, or keys of this document in alarms",
        );
    }
}

/// Percent and minutes of shifts. Source: ECS API, LinearConfiguration, CanaryConfiguration.
fn shift(findings: &mut Findings, path: &str, of: &DeploymentConfiguration) {
    let linear = of.linear_configuration.as_ref();
    let canary = of.canary_configuration.as_ref();
    for (field, percent, least) in [
        ("linearConfiguration.stepPercent", linear.and_then(|of| of.step_percent), 3.0),
        ("canaryConfiguration.canaryPercent", canary.and_then(|of| of.canary_percent), 0.1),
    ] {
        let is_multiple = |percent: f64| (percent * 10.0 - (percent * 10.0).round()).abs() < 1e-6;
        if percent.is_some_and(|own| !(least..=100.0).contains(&own) || !is_multiple(own)) {
            let message = format!("{} is out of range", percent.unwrap_or_default());
            let help = format!("{least} to 100, in steps of 0.1");
            findings.error(format!("{path}.{field}"), message, help);
        }
    }
    for (field, minutes) in [
        ("linearConfiguration.stepBakeTimeInMinutes", linear.and_then(|of| of.step_bake_time_in_minutes)),
        ("canaryConfiguration.canaryBakeTimeInMinutes", canary.and_then(|of| of.canary_bake_time_in_minutes)),
    ] {
        findings.within(format!("{path}.{field}"), minutes.map(i64::from), 0, 1440);
    }
}

/// Keys of alarms must be declared.
fn alarms(findings: &mut Findings, spec: &ApplicationSpec, path: &str, service: &Service) {
    let of = service.deployment_configuration.iter().filter_map(|of| of.alarms.as_ref());
    for (index, key) in of.flat_map(|alarms| &alarms.alarms).enumerate() {
        if !spec.alarms.contains_key(key) {
            let field = format!("{path}.deploymentConfiguration.alarms.alarms[{index}]");
            no_such(findings, field, ResourceKind::Alarm, key, spec.alarms.keys());
        }
    }
}

fn placement(findings: &mut Findings, path: &str, service: &Service) {
    let capacity = Capacity::of(service.launch_type.as_deref(), &service.capacity_provider_strategy);
    let (constraints, strategy) = (&service.placement_constraints, &service.placement_strategy);
    for (field, count, most) in
        [("placementConstraints", constraints.len(), 10), ("placementStrategy", strategy.len(), 5)]
    {
        if count > 0 && capacity == Capacity::Fargate {
            findings.error(format!("{path}.{field}"), "Fargate places tasks itself", "remove it");
        }
        if count > most {
            findings.error(
                format!("{path}.{field}"),
                format!("{count} are too many"),
                format!("{most} at most"),
            );
        }
    }
    for (index, constraint) in constraints.iter().enumerate() {
        let path = format!("{path}.placementConstraints[{index}]");
        findings.one_of(format!("{path}.type"), Some(&constraint.kind), &["distinctInstance", "memberOf"]);
        if (constraint.kind == "memberOf") != constraint.expression.is_some() {
            let message = "memberOf has an expression, distinctInstance has none";
            findings.error(format!("{path}.expression"), message, "");
        }
    }
    for (index, part) in strategy.iter().enumerate() {
        let path = format!("{path}.placementStrategy[{index}]");
        findings.one_of(format!("{path}.type"), Some(&part.kind), &["random", "spread", "binpack"]);
        if (part.kind == "random") == part.field.is_some() {
            let message = "spread and binpack have a field, random has none";
            findings.error(format!("{path}.field"), message, "");
        }
        if part.kind == "binpack"
            && let Some(field) = part.field.as_deref()
            && !["cpu", "memory"].iter().any(|word| field.eq_ignore_ascii_case(word))
        {
            let message = format!("binpack does not know `{field}`");
            findings.error(format!("{path}.field"), message, "cpu or memory");
        }
    }
    if service.scheduling_strategy.as_deref() == Some("DAEMON") && !strategy.is_empty() {
        findings.error(
            format!("{path}.placementStrategy"),
            "a DAEMON has no placement strategy",
            "remove it",
        );
    }
}

fn load_balancers(
    findings: &mut Findings,
    spec: &ApplicationSpec,
    path: &str,
    service: &Service,
    component: &Component,
) {
    let balancers = &service.load_balancers;
    let definition = &component.task_definition;
    let checked = definition
        .container_definitions
        .iter()
        .any(|container| container.essential != Some(false) && container.health_check.is_some());
    if balancers.is_empty() && !checked && service.health_check_grace_period_seconds.is_some() {
        let message = "without a load balancer and without a health check of an essential container nothing uses a grace period";
        findings.error(format!("{path}.healthCheckGracePeriodSeconds"), message, "remove it");
    }
    let grace = service.health_check_grace_period_seconds.map(i64::from);
    findings.within(format!("{path}.healthCheckGracePeriodSeconds"), grace, 0, i64::from(i32::MAX));
    if balancers.len() > TARGET_GROUPS {
        let message = format!("{} target groups are too many", balancers.len());
        findings.error(format!("{path}.loadBalancers"), message, format!("{TARGET_GROUPS} at most"));
    }
    for (index, balancer) in balancers.iter().enumerate() {
        let path = format!("{path}.loadBalancers[{index}]");
        container_port(findings, &path, (&balancer.container_name, balancer.container_port), definition);
        target(findings, spec, &path, balancer, network_mode(component));
        advanced(findings, spec, &path, balancer);
    }
}

fn target(findings: &mut Findings, spec: &ApplicationSpec, path: &str, balancer: &LoadBalancer, mode: &str) {
    match (&balancer.target_group, &balancer.target_group_arn) {
        (Some(key), None) => {
            let field = format!("{path}.targetGroup");
            let Some(group) = spec.target_groups.get(key) else {
                return no_such(findings, field, ResourceKind::TargetGroup, key, spec.target_groups.keys());
            };
            let kind = group.target_type.as_deref().unwrap_or("ip");
            let needed = if mode == "awsvpc" { "ip" } else { "instance" };
            if kind != needed {
                let message = format!("network mode {mode} needs target type {needed}, `{key}` has {kind}");
                findings.error(field, message, format!("set spec.targetGroups.{key}.targetType to {needed}"));
            }
        }
        (None, Some(arn)) if forms::is_balancing_arn(arn, "targetgroup/") => {}
        (None, Some(arn)) => {
            let message = format!("`{arn}` is not the ARN of a target group");
            findings.error(
                format!("{path}.targetGroupArn"),
                message,
                "for one of this document use targetGroup",
            );
        }
        _ => findings.error(path, "name exactly one of targetGroup and targetGroupArn", ""),
    }
}

/// Keys of this document or ARNs.
fn advanced(findings: &mut Findings, spec: &ApplicationSpec, path: &str, balancer: &LoadBalancer) {
    let Some(advanced) = &balancer.advanced_configuration else { return };
    let path = format!("{path}.advancedConfiguration");
    let group = advanced.alternate_target_group_arn.as_deref();
    for (field, value, known) in [
        ("alternateTargetGroupArn", group, group.is_some_and(|key| spec.target_groups.contains_key(key))),
        ("productionListenerRule", advanced.production_listener_rule.as_deref(), false),
        ("testListenerRule", advanced.test_listener_rule.as_deref(), false),
    ] {
        let Some(value) = value else { continue };
        if !known && !spec.rules.contains_key(value) && Arn::parse(value).is_none() {
            let message = format!("`{value}` is neither an ARN nor a key of this document");
            findings.error(format!("{path}.{field}"), message, "");
        }
    }
    super::role(findings, format!("{path}.roleArn"), advanced.role_arn.as_deref());
}

/// The container and port that traffic or DNS records point at must be in the task definition.
fn container_port(
    findings: &mut Findings,
    path: &str,
    (name, port): (&str, u16),
    definition: &TaskDefinition,
) {
    let Some(container) = definition.container_definitions.iter().find(|container| container.name == name)
    else {
        let known: Vec<&str> =
            definition.container_definitions.iter().map(|container| container.name.as_str()).collect();
        let help = format!("the task definition has {}", listed(&known));
        return findings.error(
            format!("{path}.containerName"),
            format!("there is no container `{name}`"),
            help,
        );
    };
    let in_range = |range: &String| ports::ports(range).is_some_and(|ports| ports.contains(&port));
    let mapped = container.port_mappings.iter().any(|mapping| {
        mapping.container_port == Some(port) || mapping.container_port_range.as_ref().is_some_and(in_range)
    });
    if !mapped {
        let message = format!("container `{name}` does not map port {port}");
        findings.error(format!("{path}.containerPort"), message, "add it to the container's portMappings");
    }
}

fn registries(findings: &mut Findings, path: &str, service: &Service, definition: &TaskDefinition) {
    if service.service_registries.len() > 1 {
        findings.error(format!("{path}.serviceRegistries"), "a service has one registry at most", "");
    }
    for (index, registry) in service.service_registries.iter().enumerate() {
        let path = format!("{path}.serviceRegistries[{index}]");
        if Arn::parse(&registry.registry_arn).is_none_or(|arn| arn.service != "servicediscovery") {
            let message = format!("`{}` is not the ARN of a Cloud Map service", registry.registry_arn);
            findings.error(format!("{path}.registryArn"), message, "");
        }
        if let (Some(name), Some(port)) = (&registry.container_name, registry.container_port) {
            container_port(findings, &path, (name, port), definition);
        }
        if registry.port.is_some() && registry.container_port.is_some() {
            findings.error(&path, "port and containerPort exclude each other", "remove one of them");
        }
    }
}
