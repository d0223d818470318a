//! What RegisterTaskDefinition refuses, in AWS's words where they are known.
//!
//! Sources: API reference of RegisterTaskDefinition and of its data types (`doc`). A name such as
//! `pf-ecs-links` is a rule of the linter badmintoncryer/cdk-preflight: its
//! `rules/ecs/<name>/meta.yaml` records what the live service answered in September 2026. A text
//! without a source is a guess, and says so; that there is a refusal is documented then.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    container_checks,
    errors::{Result, client, invalid},
    fargate_checks,
    forms::{amount, is_name},
    input::Fields,
    port_checks,
};

/// Checks a request whose sizes are still as given.
///
/// # Errors
/// `ClientException` with AWS's text for the first mistake.
pub(super) fn check(body: &Map<String, Value>) -> Result<()> {
    check_family(body.text("family").unwrap_or_default())?;
    check_whole(body)?;
    let containers = body.items("containerDefinitions");
    let names = check_names(containers)?;
    for container in containers {
        container_checks::check(body, container)?;
    }
    port_checks::check_together(body, containers)?;
    check_sums(body, containers)?;
    check_dependencies(containers, &names)?;
    check_logs(containers)?;
    check_volumes(body, containers)?;
    check_proxy(body, &names)?;
    if fargate(body) {
        fargate_checks::check(body, containers)?;
    } else if body.contains_key("ephemeralStorage") {
        // pf-ecs-fargate-ephemeral-storage-ec2
        return Err(client("Tasks using the EC2 launch type do not support EphemeralStorage."));
    }
    let size = serde_json::to_string(body).map_or(0, |text| text.len());
    if size > 64 * 1024 {
        return Err(client(format!("Actual length: '{size}'. Max allowed length is '65536' bytes.")));
    }
    Ok(())
}

fn fargate(body: &Map<String, Value>) -> bool {
    body.items("requiresCompatibilities").iter().any(|each| each == "FARGATE")
}

fn check_family(family: &str) -> Result<()> {
    if family.is_empty() {
        return Err(client("Family should not be null or empty."));
    }
    if family.len() > 255 {
        return Err(client("Family must not be longer than 255 characters."));
    }
    if is_name(family) { Ok(()) } else { Err(client("Family contains invalid characters.")) }
}

fn check_whole(body: &Map<String, Value>) -> Result<()> {
    // pf-ecs-fargate-inference-accelerator: retired, refused whatever it says.
    if body.contains_key("inferenceAccelerators") {
        return Err(client("Unsupported field 'inferenceAccelerators'."));
    }
    for (name, unit) in [("cpu", "vcpu"), ("memory", "gb")] {
        if body.text(name).is_some_and(|text| amount(text, unit).is_none()) {
            // Seen on the live service, with this code: oranmoshai/ecsServiceRestart#2.
            return Err(invalid(format!("Invalid '{name}' setting for task.")));
        }
    }
    // doc: "You can specify a maximum of 10 constraints for each task." The text is a guess.
    if body.items("placementConstraints").len() > 10 {
        return Err(client("placementConstraints can have at most 10 items."));
    }
    Ok(())
}

fn check_names(containers: &[Value]) -> Result<BTreeSet<&str>> {
    // pf-ecs-container-definitions-empty
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    // Seen on the live service: aws/amazon-ecs-cli#184.
    if containers.len() > 10 {
        return Err(client("Too many containers."));
    }
    let mut names = BTreeSet::new();
    for name in containers.iter().filter_map(|each| each.text("name")) {
        // pf-ecs-duplicate-container-names
        if !names.insert(name) {
            return Err(client("Container names must be unique within a task definition."));
        }
    }
    // pf-ecs-essential-container
    if containers.iter().all(|each| each.get("essential") == Some(&Value::Bool(false))) {
        return Err(client("Task definition doesn't have any essential container."));
    }
    Ok(names)
}

/// What containers ask for must fit into the task, wherever it runs.
fn check_sums(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    let task = |name: &str, unit: &str| body.text(name).and_then(|text| amount(text, unit));
    let sum = |name: &str| containers.iter().filter_map(|each| each.int(name)).sum::<i64>() as f64;
    // pf-ecs-fargate-container-cpu-over-task
    if task("cpu", "vcpu").is_some_and(|most| sum("cpu") > most) {
        return Err(client(
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        ));
    }
    let Some(most) = task("memory", "gb") else { return Ok(()) };
    for container in containers {
        // pf-ecs-container-memory-over-task; the reservation of a container by the same rule.
        for name in ["memory", "memoryReservation"] {
            if container.int(name).is_some_and(|own| own as f64 > most) {
                let own = container.text("name").unwrap_or_default();
                return Err(client(format!(
                    "The '{name}' setting for container '{own}' is greater than for the task."
                )));
            }
        }
    }
    // doc: "The total amount of memory reserved for all containers within a task must be lower than
    // the task memory value, if one is specified." The text is a guess after that of 'cpu'.
    let reserved = |each: &Value| each.int("memoryReservation").or(each.int("memory"));
    if containers.iter().filter_map(reserved).sum::<i64>() as f64 > most {
        return Err(client(
            "The sum of all container 'memory' values cannot be greater than the value of the task 'memory'.",
        ));
    }
    Ok(())
}

fn check_dependencies(containers: &[Value], names: &BTreeSet<&str>) -> Result<()> {
    let named = |name: &str| containers.iter().find(|each| each.text("name") == Some(name));
    for container in containers {
        for dependency in container.items("dependsOn") {
            let other = dependency.text("containerName").unwrap_or_default();
            // pf-ecs-dependson-container-missing, plus sign included
            let Some(found) = named(other) else {
                return Err(client(format!(
                    "Cannot depend on container + '{other}' because it does not exist"
                )));
            };
            check_condition(dependency.text("condition").unwrap_or_default(), found)?;
        }
        for source in container.items("volumesFrom") {
            let other = source.text("sourceContainer").unwrap_or_default();
            // doc: "The name of another container within the same task definition". The text is a
            // guess after that of dependsOn.
            if named(other).is_none() {
                return Err(client(format!("Unknown container '{other}' in volumesFrom.")));
            }
        }
    }
    let depends = |name: &str| -> Vec<&str> {
        named(name)
            .map(|each| each.items("dependsOn").iter().filter_map(|on| on.text("containerName")).collect())
            .unwrap_or_default()
    };
    let cyclic = names.iter().any(|start| {
        let (mut seen, mut open) = (BTreeSet::new(), depends(start));
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(depends(next));
            }
        }
        seen.contains(start)
    });
    // That no container can wait for itself follows from what dependsOn does; the text is a guess.
    if cyclic { Err(client("Container dependencies must not form a cycle.")) } else { Ok(()) }
}

fn check_condition(condition: &str, on: &Value) -> Result<()> {
    match condition {
        // pf-ecs-dependson-healthy-without-healthcheck
        "HEALTHY" if on.get("healthCheck").is_none() => {
            Err(client("A dependency container with HEALTHY condition must have health check configured"))
        }
        // pf-ecs-dependson-complete-on-essential
        "COMPLETE" | "SUCCESS" if on.get("essential") != Some(&Value::Bool(false)) => Err(client(
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
        )),
        _ => Ok(()),
    }
}

fn check_logs(containers: &[Value]) -> Result<()> {
    let driver = |each: &Value| each["logConfiguration"].text("logDriver").map(str::to_owned);
    let routed = containers.iter().any(|each| each.get("firelensConfiguration").is_some());
    // pf-ecs-awsfirelens-without-router
    if !routed && containers.iter().filter_map(driver).any(|name| name == "awsfirelens") {
        return Err(client(
            "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one \
             of the containers.",
        ));
    }
    Ok(())
}

fn check_volumes(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    let mut names = BTreeSet::new();
    for volume in body.items("volumes") {
        let name = volume.text("name").unwrap_or_default();
        // doc: "Up to 255 letters …, numbers, underscores, and hyphens are allowed." A guess, as is
        // the text for a name that occurs twice.
        if !is_name(name) {
            return Err(client("Volume.name contains invalid characters."));
        }
        if !names.insert(name) {
            return Err(client(format!("Volume names must be unique: {name}.")));
        }
        check_volume(volume)?;
    }
    // doc: "Each task definition revision may only have one volume configured at launch". A guess.
    if body.items("volumes").iter().filter(|each| each.flag("configuredAtLaunch")).count() > 1 {
        return Err(client("A task definition can have at most one volume that is configured at launch."));
    }
    let mounts = containers.iter().flat_map(|each| each.items("mountPoints"));
    for mount in mounts {
        let volume = mount.text("sourceVolume").unwrap_or_default();
        // pf-ecs-mountpoint-source-volume-missing
        if !names.contains(volume) {
            return Err(client(format!("Unknown volume '{volume}'.")));
        }
    }
    Ok(())
}

fn check_volume(volume: &Value) -> Result<()> {
    let kinds = [
        volume["host"].get("sourcePath").is_some(),
        volume.get("dockerVolumeConfiguration").is_some(),
        volume.get("efsVolumeConfiguration").is_some(),
        volume.get("fsxWindowsFileServerVolumeConfiguration").is_some(),
        volume.flag("configuredAtLaunch"),
    ];
    // doc: each is "specified when using" that kind of volume. That two are refused is a guess.
    if kinds.iter().filter(|is_set| **is_set).count() > 1 {
        return Err(client("Only one volume configuration can be specified for a volume."));
    }
    let Some(efs) = volume.get("efsVolumeConfiguration") else { return Ok(()) };
    let encrypted = efs.text("transitEncryption") == Some("ENABLED");
    let authorization = &efs["authorizationConfig"];
    // pf-ecs-efs-iam-without-transit-encryption
    if authorization.text("iam") == Some("ENABLED") && !encrypted {
        return Err(client("EFS IAM authorization requires TransitEncryption to be enabled."));
    }
    let point = authorization.text("accessPointId").is_some();
    // doc: "If an access point is used, transit encryption must be on"; the text by analogy.
    if point && !encrypted {
        return Err(client("EFS access points require TransitEncryption to be enabled."));
    }
    // pf-ecs-efs-transit-encryption-port-without-encryption
    if efs.int("transitEncryptionPort").is_some() && !encrypted {
        return Err(client("TransitEncryptionPort requires that TransitEncryption is enabled."));
    }
    // pf-ecs-efs-access-point-with-root-directory
    if point && efs.text("rootDirectory").is_some_and(|root| root != "/") {
        return Err(client(
            "When using an EFS access point, the root directory must either be set to \"/\" or be omitted.",
        ));
    }
    // doc: "The Amazon EFS file system ID to use." The text is a guess.
    if !efs.text("fileSystemId").unwrap_or_default().starts_with("fs-") {
        return Err(client("Invalid EFS file system ID."));
    }
    Ok(())
}

fn check_proxy(body: &Map<String, Value>, names: &BTreeSet<&str>) -> Result<()> {
    let Some(proxy) = body.get("proxyConfiguration") else { return Ok(()) };
    // pf-ecs-proxy-configuration-awsvpc-required
    if body.text("networkMode") != Some("awsvpc") {
        return Err(client("APPMESH proxy configuration is only supported in networkMode=awsvpc"));
    }
    let name = proxy.text("containerName").unwrap_or_default();
    // pf-ecs-proxy-configuration-container-missing
    if !names.contains(name) {
        return Err(client(format!("Proxy container [{name}] does not exist.")));
    }
    // pf-ecs-proxy-configuration-missing-required-props has the first; doc of ProxyConfiguration
    // calls the others required, too, whose texts are by analogy.
    let needed =
        [("ProxyIngressPort", "Ingress port"), ("ProxyEgressPort", "Egress port"), ("AppPorts", "App ports")];
    let given = |name: &str| proxy.items("properties").iter().any(|each| each.text("name") == Some(name));
    match needed.into_iter().find(|(name, _)| !given(name)) {
        Some((_, what)) => Err(client(format!("{what} not found"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
