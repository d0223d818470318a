//! Checks of the containers of a task definition. Source: ECS API, ContainerDefinition and its data
//! types.

use super::scope::Scope;
use super::{amounts, graph, ports};
use crate::desired::forms;
use crate::desired::secret_ref::SecretRef;
use crate::model::arn::Arn;
use crate::model::finding::Findings;
use crate::model::kinds::task_definition::{
    ContainerDefinition, HealthCheck, KeyValuePair, LogConfiguration, Secret,
};
use std::collections::{BTreeMap, BTreeSet};

/// Least memory of a container in MiB. Source: ContainerDefinition, `memory`.
const LEAST_MEMORY: i32 = 6;
/// Longest start and stop timeouts on Fargate in seconds. Source: ContainerDefinition,
/// `startTimeout`, `stopTimeout`.
const FARGATE_TIMEOUT: i64 = 120;
/// Shortest of them. Source: the same.
const LEAST_TIMEOUT: i64 = 2;
/// Source: ContainerDefinition, `environmentFiles`.
const ENVIRONMENT_FILES: usize = 10;
/// Source: ContainerRestartPolicy, `ignoredExitCodes`.
const IGNORED_CODES: usize = 50;
const ON_EC2: &str = "remove it, or run the workload on EC2";

/// Checks one container at `path`.
pub(super) fn check(findings: &mut Findings, path: &str, container: &ContainerDefinition, scope: &Scope<'_>) {
    if !forms::is_ecs_name(&container.name) {
        let help = "1 to 255 letters, digits, hyphens and underscores";
        findings.error(format!("{path}.name"), format!("`{}` is not a container name", container.name), help);
    }
    image(findings, path, &container.image);
    memory(findings, path, container, scope);
    variables(findings, path, container);
    for (index, port) in container.port_mappings.iter().enumerate() {
        ports::check(findings, &format!("{path}.portMappings[{index}]"), port, scope.mode);
    }
    if let Some(check) = &container.health_check {
        health_check(findings, &format!("{path}.healthCheck"), check);
    }
    if let Some(logs) = &container.log_configuration {
        self::logs(findings, &format!("{path}.logConfiguration"), logs, scope);
    }
    mounts(findings, path, container, scope);
    limits(findings, path, container, scope.fargate);
    refused(findings, path, container, scope);
}

fn image(findings: &mut Findings, path: &str, image: &str) {
    let field = format!("{path}.image");
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_:./#".contains(c);
    let is_hash = |digest: &str| {
        let hash = digest.strip_prefix("sha256:").unwrap_or_default();
        hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if name.is_empty() || name.len() > 255 || !name.chars().all(plain) || !digest.is_none_or(is_hash) {
        findings.error(field, format!("`{image}` is not an image"), "such as repository/name:tag");
        return;
    }
    if digest.is_some() {
        return;
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    let what = match last.split_once(':') {
        None => "the image has no tag",
        Some((_, "latest")) => "the image has the tag `latest`",
        Some((_, "")) => return findings.error(field, "the tag is empty", "such as repository/name:tag"),
        Some(_) => return,
    };
    let message =
        format!("{what}, so what runs is decided by when it is pulled, and a new image is not seen");
    findings.warning(field, message, "name a version, or a digest");
}

fn memory(findings: &mut Findings, path: &str, container: &ContainerDefinition, scope: &Scope<'_>) {
    let (hard, soft) = (container.memory, container.memory_reservation);
    if hard.is_none() && soft.is_none() && scope.definition.memory.is_none() && !scope.fargate {
        let message = "neither the task nor the container says how much memory it needs";
        findings.error(format!("{path}.memory"), message, "set memory or memoryReservation");
    }
    for (field, amount) in [("memory", hard), ("memoryReservation", soft)] {
        if amount.is_some_and(|amount| amount < LEAST_MEMORY) {
            let help = format!("{LEAST_MEMORY} MiB at least");
            findings.error(format!("{path}.{field}"), "it is too little for a container", help);
        }
    }
    if let (Some(hard), Some(soft)) = (hard, soft)
        && hard < soft
    {
        let message = format!("the hard limit of {hard} MiB is below the reservation of {soft} MiB");
        findings.error(format!("{path}.memory"), message, "raise memory or lower memoryReservation");
    }
    if let (Some(hard), Some(task)) = (hard, scope.definition.memory.as_ref().and_then(amounts::in_mib))
        && i64::from(hard) > i64::from(task)
    {
        let message = format!("the container may use {hard} MiB, the task has {task}");
        findings.error(format!("{path}.memory"), message, "raise the task's memory or lower the container's");
    }
    findings.within(format!("{path}.cpu"), container.cpu.map(i64::from), 0, 196_608);
}

/// Plain variables and secrets share one environment.
fn variables(findings: &mut Findings, path: &str, container: &ContainerDefinition) {
    let plain = container.environment.iter().enumerate();
    let secret = container.secrets.iter().enumerate();
    let names: Vec<(String, &str)> = plain
        .map(|(index, variable)| (format!("{path}.environment[{index}].name"), variable.name.as_str()))
        .chain(secret.map(|(index, secret)| (format!("{path}.secrets[{index}].name"), secret.name.as_str())))
        .collect();
    for (field, name) in &names {
        if name.is_empty() || name.contains('=') || name.contains(char::is_whitespace) {
            findings.error(field, format!("`{name}` is not the name of a variable"), "");
        }
    }
    let (plain, secret) = names.split_at(container.environment.len());
    // AWS takes two plain ones of a name, and refuses a secret that has the name of another one.
    for (index, (field, name)) in plain.iter().enumerate() {
        if let Some((first, _)) = plain[..index].iter().find(|(_, known)| known == name) {
            let message = format!(
                "the variable `{name}` is already there, at {first}, and a container sees one of the two"
            );
            findings.warning(field, message, "remove one of them");
        }
    }
    let mut once = BTreeSet::new();
    let plain = plain.iter().filter(|(_, name)| once.insert(*name)).cloned();
    findings.duplicates("the variable", plain.chain(secret.iter().cloned()).collect::<Vec<_>>());
    for (index, variable) in container.environment.iter().enumerate().filter(|(_, one)| holds_secret(one)) {
        findings.warning(
            format!("{path}.environment[{index}].value"),
            format!(
                "`{}` looks like a secret, and everybody who may read the task definition reads it",
                variable.name
            ),
            "keep it in Secrets Manager and name it under secrets",
        );
    }
    secrets(findings, &format!("{path}.secrets"), &container.secrets);
    if container.environment_files.len() > ENVIRONMENT_FILES {
        let message = format!("{} environment files are too many", container.environment_files.len());
        findings.error(format!("{path}.environmentFiles"), message, format!("{ENVIRONMENT_FILES} at most"));
    }
    for (index, file) in container.environment_files.iter().enumerate() {
        if Arn::parse(&file.value).is_none() {
            let message = format!("`{}` is not an ARN", file.value);
            let help = "such as arn:aws:s3:::bucket/web.env";
            findings.error(format!("{path}.environmentFiles[{index}].value"), message, help);
        }
    }
    if let Some(credentials) = &container.repository_credentials
        && let Some(fault) = SecretRef::fault(&credentials.credentials_parameter)
    {
        findings.error(
            format!("{path}.repositoryCredentials.credentialsParameter"),
            fault,
            "name or ARN of a secret",
        );
    }
}

/// Whether a plain variable looks like a secret: by its name, or as a URL with a password in it.
fn holds_secret(variable: &KeyValuePair) -> bool {
    const WORDS: [&str; 9] = [
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "APIKEY",
        "API_KEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "CREDENTIALS",
    ];
    // What such a name ends in when the value only says where the secret is, or how it is used.
    const ABOUT: [&str; 15] = [
        "FILE", "PATH", "DIR", "ARN", "NAME", "ID", "URL", "URI", "ENDPOINT", "TTL", "LENGTH", "TYPE",
        "HEADER", "AGE", "LIFETIME",
    ];
    let (name, value) = (variable.name.to_ascii_uppercase(), variable.value.trim());
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    let is_word = WORDS.iter().any(|word| name.contains(word)) && !ABOUT.contains(&last);
    let says_nothing = value.is_empty()
        || value.parse::<f64>().is_ok()
        || matches!(value, "true" | "false" | "yes" | "no" | "on" | "off")
        || Arn::parse(value).is_some();
    (is_word && !says_nothing) || has_password(value)
}

/// Whether a text is a URL with a password: `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    // What is filled in later is no password.
    is_scheme
        && password
            .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with(['$', '{', '<']))
}

fn secrets(findings: &mut Findings, path: &str, secrets: &[Secret]) {
    for (index, secret) in secrets.iter().enumerate() {
        if let Some(fault) = SecretRef::fault(&secret.value_from) {
            let message = format!("`{}` is not a reference to a secret: {fault}", secret.value_from);
            let help = "name or ARN of a secret, with :json-key:: for one key of it, or a parameter";
            findings.error(format!("{path}[{index}].valueFrom"), message, help);
        } else if SecretRef::is_ambiguous(&secret.value_from) {
            let name = &secret.value_from;
            let message = format!(
                "`{name}` is taken for the secret of that name in Secrets Manager, while ECS itself takes it for a parameter of Parameter Store"
            );
            let help =
                format!("write `ssm:{name}` for the parameter, or `secretsmanager:{name}` for the secret");
            findings.warning(format!("{path}[{index}].valueFrom"), message, help);
        }
    }
}

fn health_check(findings: &mut Findings, path: &str, check: &HealthCheck) {
    let first = check.command.first().map(String::as_str);
    let good = matches!((first, check.command.len()), (Some("CMD" | "CMD-SHELL"), 2..) | (Some("NONE"), 1));
    if !good {
        let help = "[\"CMD-SHELL\", \"curl -f http://localhost/ || exit 1\"] or [\"CMD\", \"program\", …]";
        findings.error(format!("{path}.command"), "it is not a health check command", help);
    }
    for (field, value, from, to) in [
        ("interval", check.interval, 5, 300),
        ("timeout", check.timeout, 2, 60),
        ("retries", check.retries, 1, 10),
        ("startPeriod", check.start_period, 0, 300),
    ] {
        findings.within(format!("{path}.{field}"), value.map(i64::from), from, to);
    }
}

fn logs(findings: &mut Findings, path: &str, logs: &LogConfiguration, scope: &Scope<'_>) {
    if scope.fargate {
        let drivers = ["awslogs", "awsfirelens", "splunk"];
        findings.one_of(format!("{path}.logDriver"), Some(&logs.log_driver), &drivers);
    }
    secrets(findings, &format!("{path}.secretOptions"), &logs.secret_options);
    if logs.log_driver != "awslogs" {
        return;
    }
    let at = |option: &str| format!("{path}.options.{option}");
    let mut needed = vec!["awslogs-group", "awslogs-region"];
    if scope.fargate {
        needed.push("awslogs-stream-prefix");
    }
    for option in needed {
        if logs.options.get(option).is_none_or(String::is_empty) {
            findings.error(at(option), format!("awslogs needs {option}"), "set it");
        }
    }
    let creates = logs.options.get("awslogs-create-group").is_some_and(|value| value == "true");
    if let Some(group) = logs.options.get("awslogs-group").filter(|group| !group.is_empty())
        && !scope.spec.log_groups.contains_key(group)
        && !creates
    {
        let message = format!("log group `{group}` is not declared; if it does not exist, no task starts");
        findings.warning(
            at("awslogs-group"),
            message,
            format!("add it to spec.logGroups: \"{group}\": {{}}"),
        );
    }
}

fn mounts(findings: &mut Findings, path: &str, container: &ContainerDefinition, scope: &Scope<'_>) {
    let volumes: BTreeSet<&str> =
        scope.definition.volumes.iter().map(|volume| volume.name.as_str()).collect();
    for (index, mount) in container.mount_points.iter().enumerate() {
        let at = |field: &str| format!("{path}.mountPoints[{index}].{field}");
        match mount.source_volume.as_deref() {
            Some(volume) if volumes.contains(volume) => {}
            Some(volume) => {
                let help = "declare it in taskDefinition.volumes";
                findings.error(at("sourceVolume"), format!("there is no volume `{volume}`"), help);
            }
            None => findings.error(at("sourceVolume"), "the mount names no volume", "set it"),
        }
        if mount.container_path.as_deref().is_none_or(str::is_empty) {
            findings.error(at("containerPath"), "the mount has no path in the container", "set it");
        }
    }
    let paths = container.mount_points.iter().enumerate().filter_map(|(index, mount)| {
        Some((format!("{path}.mountPoints[{index}].containerPath"), mount.container_path.as_deref()?))
    });
    findings.duplicates("a mount at", paths);
}

fn limits(findings: &mut Findings, path: &str, container: &ContainerDefinition, fargate: bool) {
    for (field, value) in [("startTimeout", container.start_timeout), ("stopTimeout", container.stop_timeout)]
    {
        let most = if fargate { FARGATE_TIMEOUT } else { i64::from(i32::MAX) };
        findings.within(format!("{path}.{field}"), value.map(i64::from), LEAST_TIMEOUT, most);
    }
    for (index, limit) in container.ulimits.iter().enumerate() {
        if limit.soft_limit > limit.hard_limit {
            let message =
                format!("the soft limit {} is above the hard limit {}", limit.soft_limit, limit.hard_limit);
            findings.error(format!("{path}.ulimits[{index}]"), message, "");
        }
    }
    if let Some(policy) = &container.restart_policy {
        let period = policy.restart_attempt_period.map(i64::from);
        findings.within(format!("{path}.restartPolicy.restartAttemptPeriod"), period, 60, 1800);
        if policy.ignored_exit_codes.len() > IGNORED_CODES {
            let message = format!("{} exit codes are too many", policy.ignored_exit_codes.len());
            let field = format!("{path}.restartPolicy.ignoredExitCodes");
            findings.error(field, message, format!("{IGNORED_CODES} at most"));
        }
    }
    let consistency = container.version_consistency.as_deref();
    findings.one_of(format!("{path}.versionConsistency"), consistency, &["enabled", "disabled"]);
    let swappiness = container.linux_parameters.as_ref().and_then(|linux| linux.swappiness);
    findings.within(format!("{path}.linuxParameters.swappiness"), swappiness.map(i64::from), 0, 100);
}

/// What network mode or Fargate does not let a container have.
fn refused(findings: &mut Findings, path: &str, container: &ContainerDefinition, scope: &Scope<'_>) {
    if scope.mode == "awsvpc" {
        for (field, is_set) in [
            ("links", !container.links.is_empty()),
            ("hostname", container.hostname.is_some()),
            ("extraHosts", !container.extra_hosts.is_empty()),
            ("dnsServers", !container.dns_servers.is_empty()),
            ("dnsSearchDomains", !container.dns_search_domains.is_empty()),
            ("disableNetworking", container.disable_networking == Some(true)),
        ] {
            if is_set {
                findings.error(
                    format!("{path}.{field}"),
                    "network mode awsvpc does not allow it",
                    "remove it",
                );
            }
        }
    }
    if !scope.fargate {
        return;
    }
    let linux = container.linux_parameters.clone().unwrap_or_default();
    let gpu = container.resource_requirements.iter().any(|needed| needed.kind == "GPU");
    let added = linux.capabilities.iter().flat_map(|capabilities| &capabilities.add);
    let capability = added.filter(|name| *name != "SYS_PTRACE").count() > 0;
    for (field, is_set) in [
        ("privileged", container.privileged == Some(true)),
        ("dockerSecurityOptions", !container.docker_security_options.is_empty()),
        ("resourceRequirements", gpu),
        ("linuxParameters.capabilities.add", capability),
        ("linuxParameters.devices", !linux.devices.is_empty()),
        ("linuxParameters.sharedMemorySize", linux.shared_memory_size.is_some()),
        ("linuxParameters.maxSwap", linux.max_swap.is_some()),
        ("linuxParameters.swappiness", linux.swappiness.is_some()),
    ] {
        if is_set {
            findings.error(format!("{path}.{field}"), "Fargate does not allow it", ON_EC2);
        }
    }
}

/// Checks what containers of one task have to do with each other: ports, start order, shared
/// volumes.
pub(super) fn together(findings: &mut Findings, path: &str, scope: &Scope<'_>) {
    let containers = &scope.definition.container_definitions;
    let by_name: BTreeMap<&str, &ContainerDefinition> =
        containers.iter().map(|container| (container.name.as_str(), container)).collect();
    for (index, container) in containers.iter().enumerate() {
        dependencies(findings, &format!("{path}[{index}]"), container, &by_name);
    }
    let edges = containers.iter().map(|container| {
        let others = container.depends_on.iter().map(|other| other.container_name.as_str());
        (container.name.as_str(), others.filter(|other| *other != container.name).collect())
    });
    if let Some(cycle) = graph::cycle(&edges.collect()) {
        findings.error(path, format!("these containers wait for each other: {}", cycle.join(" → ")), "");
    }
    ports::together(findings, path, containers, scope.mode);
    let routed = containers.iter().any(|container| container.firelens_configuration.is_some());
    for (index, container) in containers.iter().enumerate().filter(|_| !routed) {
        if container.log_configuration.as_ref().is_some_and(|logs| logs.log_driver == "awsfirelens") {
            let field = format!("{path}[{index}].logConfiguration.logDriver");
            let message = "awsfirelens needs a container that routes logs, and none of them does";
            findings.error(field, message, "set firelensConfiguration on one of the containers");
        }
    }
}

fn dependencies(
    findings: &mut Findings,
    path: &str,
    container: &ContainerDefinition,
    by_name: &BTreeMap<&str, &ContainerDefinition>,
) {
    for (index, dependency) in container.depends_on.iter().enumerate() {
        let path = format!("{path}.dependsOn[{index}]");
        let condition = dependency.condition.as_str();
        let conditions = ["START", "COMPLETE", "SUCCESS", "HEALTHY"];
        findings.one_of(format!("{path}.condition"), Some(condition), &conditions);
        let name = dependency.container_name.as_str();
        let field = format!("{path}.containerName");
        match by_name.get(name) {
            None => findings.error(field, format!("there is no container `{name}`"), ""),
            Some(_) if name == container.name => {
                findings.error(field, "a container cannot wait for itself", "")
            }
            Some(other) if condition == "HEALTHY" && other.health_check.is_none() => {
                let message = format!("container `{name}` has no health check, so it is never HEALTHY");
                findings.error(field, message, "give it a healthCheck");
            }
            Some(other) if matches!(condition, "COMPLETE" | "SUCCESS") && other.essential != Some(false) => {
                let message = format!("container `{name}` is essential, so the task ends when it does");
                findings.error(field, message, "set its essential to false");
            }
            Some(_) => {}
        }
    }
    for (index, source) in container.volumes_from.iter().enumerate() {
        let name = source.source_container.as_deref().unwrap_or_default();
        if !by_name.contains_key(name) {
            let field = format!("{path}.volumesFrom[{index}].sourceContainer");
            findings.error(field, format!("there is no container `{name}`"), "");
        }
    }
}
