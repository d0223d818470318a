//! What RegisterTaskDefinition refuses of a task definition that has to run on Fargate. Sources as
//! in `definition_checks`, and the Developer Guide, "Amazon ECS task definition differences for
//! Fargate".

use serde_json::{Map, Value};

use super::{
    errors::{Result, client},
    forms::amount,
    input::Fields,
};

/// Checks a definition with FARGATE among its required compatibilities.
///
/// # Errors
/// `ClientException` with AWS's text for the first mistake.
pub(super) fn check(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    fits(body, containers)?;
    let logs = |each: &Value| each["logConfiguration"].text("logDriver").map(str::to_owned);
    let awslogs = containers.iter().any(|each| logs(each).as_deref() == Some("awslogs"));
    let ecr =
        containers.iter().any(|each| each.text("image").is_some_and(|image| image.contains(".dkr.ecr.")));
    // pf-ecs-fargate-execution-role-missing-awslogs; seen for ECR images in many public logs.
    for (needed, what) in [(awslogs, "log driver awslogs"), (ecr, "ECR images")] {
        if needed && body.text("executionRoleArn").is_none() {
            return Err(client(format!(
                "Fargate requires task definition to have execution role ARN to support {what}."
            )));
        }
    }
    for container in containers {
        let own = &container["logConfiguration"];
        // pf-ecs-awslogs-fargate-missing-stream-prefix
        if own.text("logDriver") == Some("awslogs") && own["options"].text("awslogs-stream-prefix").is_none()
        {
            return Err(client(
                "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
            ));
        }
    }
    Ok(())
}

/// Whether a definition can run on Fargate, whether or not it says that it has to.
///
/// # Errors
/// `ClientException` with AWS's text for the first thing that stands against it.
pub(super) fn fits(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    if body.text("networkMode") != Some("awsvpc") {
        // Quotation marks as aws/amazon-ecs-cli#1145 shows them.
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    size(body)?;
    if let Some(storage) = body.get("ephemeralStorage") {
        // pf-ecs-ephemeral-storage-range
        match storage.int("sizeInGiB").unwrap_or_default() {
            ..21 => return Err(client("EphemeralStorage size should be at least 21")),
            201.. => return Err(client("EphemeralStorage size should be at most 200")),
            _ => {}
        }
    }
    // pf-ecs-fargate-pid-mode-host
    if let Some(mode) = body.text("pidMode").filter(|mode| *mode != "task") {
        return Err(client(format!(
            "Tasks using the Fargate launch type do not support pidMode '{mode}'. The supported value for pidMode is 'task'."
        )));
    }
    // pf-ecs-fargate-ipc-mode, pf-ecs-fargate-placement-constraints
    unsupported(body.text("ipcMode").is_some(), "ipcMode")?;
    unsupported(!body.items("placementConstraints").is_empty(), "constraints")?;
    for volume in body.items("volumes") {
        // pf-ecs-fargate-host-source-path, pf-ecs-fargate-docker-volume
        unsupported(volume["host"].get("sourcePath").is_some(), "sourcePath")?;
        unsupported(volume.get("dockerVolumeConfiguration").is_some(), "dockerVolumeConfiguration")?;
    }
    containers.iter().try_for_each(container)
}

fn unsupported(is_set: bool, what: &str) -> Result<()> {
    if is_set {
        return Err(client(format!("Fargate compatible task definitions do not support {what}")));
    }
    Ok(())
}

fn container(container: &Value) -> Result<()> {
    // pf-ecs-fargate-privileged; the quotation marks, lost there, as in the network mode's text.
    if container.flag("privileged") {
        return Err(client(
            "Fargate requires that the ‘privileged’ setting be ‘false’ at the container level.",
        ));
    }
    // pf-ecs-fargate-docker-security-options, -devices, -shared-memory-size, -max-swap; swappiness
    // by analogy.
    unsupported(!container.items("dockerSecurityOptions").is_empty(), "dockerSecurityOptions")?;
    let linux = &container["linuxParameters"];
    unsupported(!linux.items("devices").is_empty(), "devices")?;
    for name in ["sharedMemorySize", "maxSwap", "swappiness"] {
        unsupported(linux.get(name).is_some(), name)?;
    }
    // pf-ecs-fargate-capabilities-add
    let added = linux["capabilities"].items("add").iter().filter_map(Value::as_str);
    if let Some(name) = added.clone().find(|name| *name != "SYS_PTRACE") {
        return Err(client(format!("{name} is not allowed on Fargate.")));
    }
    // pf-ecs-fargate-gpu-resource
    if container.items("resourceRequirements").iter().any(|needed| needed.text("type") == Some("GPU")) {
        return Err(client("Tasks using the Fargate launch type do not support GPU resource requirements."));
    }
    // pf-ecs-fargate-log-driver-unsupported
    let driver = container["logConfiguration"].text("logDriver").unwrap_or("awslogs");
    if !matches!(driver, "awslogs" | "splunk" | "awsfirelens") {
        return Err(client(format!(
            "{driver} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]"
        )));
    }
    for (field, word) in [("startTimeout", "start"), ("stopTimeout", "stop")] {
        // doc: 2 to 120 seconds. The text for stopping was seen in many public logs; that for
        // starting is by analogy.
        if container.int(field).is_some_and(|seconds| seconds > 120) {
            return Err(client(format!(
                "Tasks using the Fargate launch type must have a container {word} timeout of less than 120 seconds."
            )));
        }
    }
    Ok(())
}

/// Whether the task-level size is one that Fargate offers (Developer Guide, "Task CPU and memory").
fn size(body: &Map<String, Value>) -> Result<()> {
    let number = |name: &str, unit: &str| {
        let own = body.text(name).and_then(|text| amount(text, unit));
        // pf-ecs-fargate-task-cpu-memory
        own.ok_or_else(|| client(format!("Fargate requires that '{name}' be defined at the task level.")))
    };
    let (cpu, memory) = (number("cpu", "vcpu")?, number("memory", "gb")?);
    // CPU units, then the least and the greatest GiB and the step between.
    let sizes = [
        (512.0, 1.0, 4.0, 1.0),
        (1024.0, 2.0, 8.0, 1.0),
        (2048.0, 4.0, 16.0, 1.0),
        (4096.0, 8.0, 30.0, 1.0),
        (8192.0, 16.0, 60.0, 4.0),
        (16384.0, 32.0, 120.0, 8.0),
    ];
    let gib = memory / 1024.0;
    let offered = if cpu == 256.0 {
        [0.5, 1.0, 2.0].contains(&gib)
    } else {
        sizes.iter().any(|(units, least, most, step)| {
            cpu == *units && (*least..=*most).contains(&gib) && ((gib - least) / step).fract() == 0.0
        })
    };
    let family = body.get("runtimePlatform").and_then(|own| own.text("operatingSystemFamily"));
    let windows = family.is_some_and(|family| family.starts_with("WINDOWS"));
    // pf-ecs-fargate-windows-cpu-under-1vcpu, and doc.
    if offered && !(windows && cpu < 1024.0) {
        return Ok(());
    }
    Err(client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid \
         values."
    )))
}
