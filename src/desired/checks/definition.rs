//! Checks of a task definition as a whole. Sources: ECS API, RegisterTaskDefinition; ECS developer
//! guide, "Amazon ECS task definition differences for Fargate" and "Task definition parameters".

use super::scope::Scope;
use super::{amounts, container, role};
use crate::desired::defaults::{self, Capacity};
use crate::desired::forms;
use crate::model::finding::Findings;
use crate::model::kinds::task_definition::{ProxyConfiguration, TaskDefinition, Volume};
use crate::model::kinds::{ApplicationSpec, Component};

/// Most containers in a task definition. Source: ECS service quotas.
const CONTAINERS: usize = 10;
/// Most constraints of a task's placement. Source: ECS API, RegisterTaskDefinition.
const CONSTRAINTS: usize = 10;
/// Least CPU units of Windows on Fargate. Source: ECS developer guide, "Task CPU and memory".
const WINDOWS_CPU: u32 = 1024;
/// Largest task definition in bytes. Source: ECS service quotas, 64 KiB.
const SIZE: usize = 65_536;
/// CPU units on Fargate with the smallest and largest memory in MiB and the step between. Source:
/// ECS developer guide, "Task CPU and memory" (512 has all from 1 to 4 GB; 256 has 0.5, 1 and 2
/// GB).
const FARGATE_SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// Network mode; where ECS's default holds, the ports are as with `bridge`, on Windows, too.
pub(super) fn network_mode(component: &Component) -> &str {
    defaults::network_mode(component).unwrap_or("bridge")
}

/// Checks the task definition of the component at `path`.
pub(super) fn check(findings: &mut Findings, spec: &ApplicationSpec, path: &str, component: &Component) {
    let path = format!("{path}.taskDefinition");
    let (definition, capacity) = (&component.task_definition, Capacity::of_component(component));
    let mode = network_mode(component);
    let fargate = capacity == Capacity::Fargate
        || definition.requires_compatibilities.iter().any(|word| word == "FARGATE");
    let scope = Scope { spec, definition, fargate, mode };
    words(findings, &path, definition, capacity);
    size(findings, &path, &scope);
    whole_fargate(findings, &path, &scope);
    roles(findings, &path, &scope);
    volumes(findings, &path, &scope);
    containers(findings, &path, &scope);
    if let Some(proxy) = &definition.proxy_configuration {
        self::proxy(findings, &format!("{path}.proxyConfiguration"), proxy, &scope);
    }
    if definition.placement_constraints.len() > CONSTRAINTS {
        let message = format!("{} are too many", definition.placement_constraints.len());
        findings.error(format!("{path}.placementConstraints"), message, format!("{CONSTRAINTS} at most"));
    }
}

/// Source: ECS API, ProxyConfiguration.
fn proxy(findings: &mut Findings, path: &str, proxy: &ProxyConfiguration, scope: &Scope<'_>) {
    if scope.mode != "awsvpc" {
        findings.error(path, "a proxy needs network mode awsvpc", "set networkMode, or remove it");
    }
    let name = &proxy.container_name;
    if !scope.definition.container_definitions.iter().any(|container| container.name == *name) {
        let message = format!("there is no container `{name}`");
        findings.error(format!("{path}.containerName"), message, "name the container of the proxy");
    }
    for needed in ["ProxyIngressPort", "ProxyEgressPort", "AppPorts"] {
        if !proxy.properties.iter().any(|property| property.name == needed) {
            let message = format!("the proxy needs {needed}");
            findings.error(format!("{path}.properties"), message, "add it");
        }
    }
}

fn words(findings: &mut Findings, path: &str, definition: &TaskDefinition, capacity: Capacity) {
    let at = |field: &str| format!("{path}.{field}");
    findings.one_of(
        at("networkMode"),
        definition.network_mode.as_deref(),
        &["awsvpc", "bridge", "host", "none"],
    );
    findings.one_of(at("ipcMode"), definition.ipc_mode.as_deref(), &["host", "task", "none"]);
    findings.one_of(at("pidMode"), definition.pid_mode.as_deref(), &["host", "task"]);
    let compatibilities = &definition.requires_compatibilities;
    for (index, word) in compatibilities.iter().enumerate() {
        let field = format!("{path}.requiresCompatibilities[{index}]");
        findings.one_of(field, Some(word), &["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"]);
    }
    if !compatibilities.is_empty() && !compatibilities.iter().any(|word| word == capacity.as_str()) {
        let message = format!("the workload runs on {}, which is not among them", capacity.as_str());
        findings.error(
            at("requiresCompatibilities"),
            message,
            "leave the field out: it follows from the workload",
        );
    }
    if let Some(platform) = &definition.runtime_platform {
        findings.one_of(
            at("runtimePlatform.cpuArchitecture"),
            platform.cpu_architecture.as_deref(),
            &["X86_64", "ARM64"],
        );
    }
    let fixed = serde_json::to_string(definition).map_or(0, |text| text.len());
    if fixed > SIZE {
        findings.error(path, format!("the task definition has {fixed} bytes"), format!("{SIZE} at most"));
    }
}

fn size(findings: &mut Findings, path: &str, scope: &Scope<'_>) {
    let definition = scope.definition;
    let number =
        |units: &Option<_>, unit: &str| units.as_ref().and_then(|units| amounts::in_units(units, unit));
    let (cpu, memory) = (number(&definition.cpu, "vcpu"), number(&definition.memory, "gb"));
    for (field, written, read) in [("cpu", &definition.cpu, cpu), ("memory", &definition.memory, memory)] {
        match written {
            Some(written) if read.is_none() => {
                let message = format!("`{}` is not an amount", written.0);
                findings.error(
                    format!("{path}.{field}"),
                    message,
                    "a number such as 512, or \".5 vCPU\", \"1 GB\"",
                );
            }
            None if scope.fargate => {
                let help = "such as cpu 256 with memory 512";
                findings.error(
                    format!("{path}.{field}"),
                    format!("Fargate needs {field} for the task"),
                    help,
                );
            }
            _ => {}
        }
    }
    if scope.fargate
        && let (Some(cpu), Some(memory)) = (cpu, memory)
    {
        fargate_size(findings, path, scope, cpu, memory);
    }
    sums(findings, path, scope, cpu, memory);
}

fn fargate_size(findings: &mut Findings, path: &str, scope: &Scope<'_>, cpu: u32, memory: u32) {
    let Some((_, from, to, step)) = FARGATE_SIZES.iter().find(|(units, ..)| *units == cpu) else {
        let known: Vec<String> = FARGATE_SIZES.iter().map(|(units, ..)| units.to_string()).collect();
        let help = format!("one of {}", known.join(", "));
        return findings.error(
            format!("{path}.cpu"),
            format!("Fargate has no size with {cpu} CPU units"),
            help,
        );
    };
    let platform = scope.definition.runtime_platform.as_ref();
    let family = platform.and_then(|platform| platform.operating_system_family.as_deref());
    if cpu < WINDOWS_CPU && family.is_some_and(|family| family.starts_with("WINDOWS")) {
        let message = format!("Fargate has no size with {cpu} CPU units for Windows");
        return findings.error(format!("{path}.cpu"), message, format!("{WINDOWS_CPU} at least"));
    }
    let odd = cpu == 256 && memory == 1536;
    if !(from..=to).contains(&&memory) || !(memory - from).is_multiple_of(*step) || odd {
        let help = match cpu {
            256 => "512, 1024 or 2048 MiB".to_owned(),
            _ => format!("{from} to {to} MiB in steps of {step}"),
        };
        let message = format!("Fargate has no size with {cpu} CPU units and {memory} MiB");
        findings.error(format!("{path}.memory"), message, help);
    }
}

/// What the containers ask for must fit into the task.
fn sums(findings: &mut Findings, path: &str, scope: &Scope<'_>, cpu: Option<u32>, memory: Option<u32>) {
    let containers = &scope.definition.container_definitions;
    let cpus: i64 = containers.iter().filter_map(|container| container.cpu).map(i64::from).sum();
    if let Some(cpu) = cpu
        && cpus > i64::from(cpu)
    {
        let message = format!("the containers ask for {cpus} CPU units, the task has {cpu}");
        findings.error(format!("{path}.cpu"), message, "raise the task's or lower the containers'");
    }
    let reserved: i64 = containers
        .iter()
        .filter_map(|container| container.memory_reservation.or(container.memory))
        .map(i64::from)
        .sum();
    if let Some(memory) = memory
        && reserved > i64::from(memory)
    {
        let message = format!("the containers reserve {reserved} MiB, the task has {memory}");
        findings.error(format!("{path}.memory"), message, "raise the task's or lower the containers'");
    }
}

/// What Fargate refuses for the whole task.
fn whole_fargate(findings: &mut Findings, path: &str, scope: &Scope<'_>) {
    let definition = scope.definition;
    if let Some(storage) = &definition.ephemeral_storage {
        let field = format!("{path}.ephemeralStorage.sizeInGiB");
        findings.within(field, Some(i64::from(storage.size_in_gib)), 21, 200);
        if !scope.fargate {
            findings.error(format!("{path}.ephemeralStorage"), "it is for Fargate only", "remove it");
        }
    }
    if !scope.fargate {
        return;
    }
    let refused = [
        ("networkMode", scope.mode != "awsvpc", "Fargate knows network mode awsvpc only"),
        ("ipcMode", definition.ipc_mode.is_some(), "Fargate has no ipcMode"),
        ("pidMode", definition.pid_mode.as_deref() == Some("host"), "Fargate knows pidMode task only"),
        ("placementConstraints", !definition.placement_constraints.is_empty(), "Fargate has no placement"),
    ];
    for (field, is_refused, message) in refused {
        if is_refused {
            findings.error(format!("{path}.{field}"), message, "remove it, or run the workload on EC2");
        }
    }
}

fn roles(findings: &mut Findings, path: &str, scope: &Scope<'_>) {
    let definition = scope.definition;
    role(findings, format!("{path}.taskRoleArn"), definition.task_role_arn.as_deref());
    role(findings, format!("{path}.executionRoleArn"), definition.execution_role_arn.as_deref());
    if definition.execution_role_arn.is_some() {
        return;
    }
    let needs = definition.container_definitions.iter().find_map(|container| {
        let ecr = is_ecr(&container.image);
        let logs = container.log_configuration.as_ref();
        let secrets =
            !container.secrets.is_empty() || logs.is_some_and(|logs| !logs.secret_options.is_empty());
        match () {
            () if secrets => Some("reads secrets"),
            () if container.repository_credentials.is_some() => Some("has credentials for its registry"),
            () if scope.fargate && ecr => Some("pulls from ECR on Fargate"),
            () if scope.fargate && logs.is_some_and(|logs| logs.log_driver == "awslogs") => {
                Some("writes awslogs on Fargate")
            }
            () => None,
        }
        .map(|why| (container.name.as_str(), why))
    });
    if let Some((name, why)) = needs {
        let message = format!("container `{name}` {why}, for which ECS needs an execution role");
        findings.error(format!("{path}.executionRoleArn"), message, "name a role that ECS may use");
    }
}

/// Whether an image lies in ECR. Source: ECR user guide, "Registry endpoints": by IPv4 alone
/// `dkr.ecr`, by both `dkr-ecr`.
fn is_ecr(image: &str) -> bool {
    [".dkr.ecr.", ".dkr-ecr."].iter().any(|part| image.contains(part))
}

fn volumes(findings: &mut Findings, path: &str, scope: &Scope<'_>) {
    let at = |index: usize| format!("{path}.volumes[{index}]");
    let volumes = &scope.definition.volumes;
    findings.duplicates(
        "a volume named",
        volumes
            .iter()
            .enumerate()
            .map(|(index, volume)| (format!("{}.name", at(index)), volume.name.as_str())),
    );
    for (index, volume) in volumes.iter().enumerate() {
        one_volume(findings, &at(index), volume, scope.fargate);
    }
    let late = volumes.iter().enumerate().filter(|(_, volume)| volume.configured_at_launch == Some(true));
    for (index, _) in late.skip(1) {
        let field = format!("{}.configuredAtLaunch", at(index));
        findings.error(field, "one volume can be configured at launch", "use EFS, or an empty volume");
    }
}

fn one_volume(findings: &mut Findings, path: &str, volume: &Volume, fargate: bool) {
    if !forms::is_ecs_name(&volume.name) {
        let help = "1 to 255 letters, digits, hyphens and underscores";
        findings.error(format!("{path}.name"), format!("`{}` is not a volume name", volume.name), help);
    }
    let host_path = volume.host.as_ref().is_some_and(|host| host.source_path.is_some());
    let docker = volume.docker_volume_configuration.is_some();
    let late = volume.configured_at_launch == Some(true);
    let kinds = [host_path, docker, volume.efs_volume_configuration.is_some(), late];
    if kinds.into_iter().filter(|is_set| *is_set).count() > 1 {
        let help = "declare one of host, Docker, EFS and configuredAtLaunch";
        findings.error(path, "a volume is of one kind only", help);
    }
    if fargate && (host_path || docker) {
        let message = "Fargate has no volumes of the host";
        findings.error(path, message, "use EFS, an empty volume, or run the workload on EC2");
    }
    let Some(efs) = &volume.efs_volume_configuration else { return };
    let path = format!("{path}.efsVolumeConfiguration");
    if !efs.file_system_id.starts_with("fs-") {
        let message = format!("`{}` is not the id of a file system", efs.file_system_id);
        findings.error(format!("{path}.fileSystemId"), message, "such as fs-0123456789abcdef0");
    }
    let words = ["ENABLED", "DISABLED"];
    findings.one_of(format!("{path}.transitEncryption"), efs.transit_encryption.as_deref(), &words);
    if efs.transit_encryption_port.is_some() && efs.transit_encryption.as_deref() != Some("ENABLED") {
        let message = "without encryption in transit there is no port for it";
        findings.error(format!("{path}.transitEncryptionPort"), message, "set transitEncryption to ENABLED");
    }
    let Some(authorization) = &efs.authorization_config else { return };
    findings.one_of(format!("{path}.authorizationConfig.iam"), authorization.iam.as_deref(), &words);
    let guarded = authorization.access_point_id.is_some() || authorization.iam.as_deref() == Some("ENABLED");
    if guarded && efs.transit_encryption.as_deref() != Some("ENABLED") {
        let message = "access points and IAM need encryption in transit";
        findings.error(format!("{path}.transitEncryption"), message, "set it to ENABLED");
    }
    if authorization.access_point_id.is_some()
        && efs.root_directory.as_deref().is_some_and(|root| root != "/")
    {
        let message = "an access point brings its own root directory";
        findings.error(format!("{path}.rootDirectory"), message, "remove it");
    }
}

fn containers(findings: &mut Findings, path: &str, scope: &Scope<'_>) {
    let containers = &scope.definition.container_definitions;
    let path = format!("{path}.containerDefinitions");
    if containers.is_empty() || containers.len() > CONTAINERS {
        let message =
            format!("a task definition has 1 to {CONTAINERS} containers, this one has {}", containers.len());
        findings.error(&path, message, "");
    }
    if !containers.is_empty() && containers.iter().all(|container| container.essential == Some(false)) {
        findings.error(&path, "no container is essential", "at least one must be, or no task would ever end");
    }
    findings.duplicates(
        "a container named",
        containers
            .iter()
            .enumerate()
            .map(|(i, container)| (format!("{path}[{i}].name"), container.name.as_str())),
    );
    for (index, part) in containers.iter().enumerate() {
        container::check(findings, &format!("{path}[{index}]"), part, scope);
    }
    container::together(findings, &path, scope);
}
