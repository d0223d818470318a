//! What RegisterTaskDefinition refuses, in AWS's words where they are known.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    errors::{Result, client},
    input::Fields,
};

/// Checks a request whose sizes are still as given.
///
/// # Errors
/// `ClientException` with AWS's text for the first mistake.
pub(super) fn check(body: &Map<String, Value>) -> Result<()> {
    check_family(body.text("family").unwrap_or_default())?;
    let containers = body.items("containerDefinitions");
    if containers.is_empty() {
        return Err(client("Container definitions should not be null or empty."));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        check_container(body, container)?;
        let name = container.text("name").unwrap_or_default();
        if !names.insert(name) {
            return Err(client(format!("Container name should be unique. Duplicate found: {name}.")));
        }
    }
    if containers.iter().all(|each| each.get("essential") == Some(&Value::Bool(false))) {
        return Err(client("At least one essential container is required in the task definition."));
    }
    check_dependencies(containers, &names)?;
    check_volumes(body, containers)?;
    if body.items("requiresCompatibilities").iter().any(|each| each == "FARGATE") {
        check_fargate(body, containers)?;
    }
    let size = serde_json::to_string(body).map_or(0, |text| text.len());
    if size > 64 * 1024 {
        return Err(client(format!("Actual length: '{size}'. Max allowed length is '65536' bytes.")));
    }
    Ok(())
}

fn check_family(family: &str) -> Result<()> {
    if family.is_empty() {
        return Err(client("Family should not be null or empty."));
    }
    if family.len() > 255 {
        return Err(client("Family must not be longer than 255 characters."));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if family.chars().all(good) { Ok(()) } else { Err(client("Family contains invalid characters.")) }
}

fn check_container(body: &Map<String, Value>, container: &Value) -> Result<()> {
    for (member, text) in [("name", container.text("name")), ("image", container.text("image"))] {
        if text.is_none_or(str::is_empty) {
            return Err(client(format!("Container.{member} should not be null or empty.")));
        }
    }
    let name = container.text("name").unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > 255 || !name.chars().all(good) {
        return Err(client(format!("Invalid container name: {name}.")));
    }
    let sized = container.int("memory").or(container.int("memoryReservation")).is_some();
    if !sized && body.text("memory").is_none() {
        let text = format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        );
        return Err(client(text));
    }
    if let (Some(hard), Some(soft)) = (container.int("memory"), container.int("memoryReservation"))
        && hard < soft
    {
        return Err(client(format!(
            "Invalid setting for container '{name}'. 'memory' must be at least 'memoryReservation'."
        )));
    }
    if !container.items("secrets").is_empty() && body.text("executionRoleArn").is_none() {
        return Err(client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    check_ports(body, container, name)
}

fn check_ports(body: &Map<String, Value>, container: &Value, name: &str) -> Result<()> {
    let mode = body.text("networkMode").unwrap_or("bridge");
    for port in container.items("portMappings") {
        let Some(inner) = port.int("containerPort") else { continue };
        if !(0..=65535).contains(&inner) {
            return Err(client(format!("Invalid 'containerPort' setting for container '{name}'")));
        }
        let outer = port.int("hostPort").unwrap_or(inner);
        if mode != "bridge" && outer != inner && outer != 0 {
            let text = format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            );
            return Err(client(text));
        }
    }
    Ok(())
}

fn check_dependencies(containers: &[Value], names: &BTreeSet<&str>) -> Result<()> {
    for container in containers {
        for dependency in container.items("dependsOn") {
            let other = dependency.text("containerName").unwrap_or_default();
            if !names.contains(other) || container.text("name") == Some(other) {
                return Err(client(format!(
                    "Invalid 'dependsOn' setting: container '{other}' does not exist in the task."
                )));
            }
            let checked = containers
                .iter()
                .any(|each| each.text("name") == Some(other) && each.get("healthCheck").is_some());
            if dependency.text("condition") == Some("HEALTHY") && !checked {
                let text =
                    format!("The container '{other}' must have a health check for the condition HEALTHY.");
                return Err(client(text));
            }
        }
    }
    let depends = |name: &str| -> Vec<&str> {
        let own = containers.iter().find(|each| each.text("name") == Some(name));
        own.map(|each| each.items("dependsOn").iter().filter_map(|on| on.text("containerName")).collect())
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
    if cyclic { Err(client("Container dependencies must not form a cycle.")) } else { Ok(()) }
}

fn check_volumes(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    let volumes: BTreeSet<&str> = body.items("volumes").iter().filter_map(|each| each.text("name")).collect();
    let mounts = containers.iter().flat_map(|each| each.items("mountPoints"));
    for volume in mounts.filter_map(|mount| mount.text("sourceVolume")) {
        if !volumes.contains(volume) {
            return Err(client(format!("Unknown volume '{volume}'.")));
        }
    }
    Ok(())
}

fn check_fargate(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    if body.text("networkMode") != Some("awsvpc") {
        return Err(client("Fargate only supports network mode 'awsvpc'."));
    }
    fargate_size(body)?;
    if containers.iter().any(|each| each.flag("privileged")) {
        return Err(client("Fargate does not support privileged containers."));
    }
    let awslogs = containers.iter().any(|each| each["logConfiguration"].text("logDriver") == Some("awslogs"));
    let ecr =
        containers.iter().any(|each| each.text("image").is_some_and(|image| image.contains(".dkr.ecr.")));
    for (needed, what) in [(awslogs, "log driver awslogs"), (ecr, "ECR images")] {
        if needed && body.text("executionRoleArn").is_none() {
            let text =
                format!("Fargate requires task definition to have execution role ARN to support {what}.");
            return Err(client(text));
        }
    }
    Ok(())
}

/// Whether the task-level size is one that Fargate offers (Developer Guide, "Task CPU and memory").
///
/// # Errors
/// `ClientException` when it is missing or not offered.
pub(super) fn fargate_size(body: &Map<String, Value>) -> Result<()> {
    let number = |name, unit: &str| {
        let text = body.text(name)?.to_ascii_lowercase();
        match text.strip_suffix(unit) {
            Some(count) => count.trim().parse::<f64>().ok().map(|count| count * 1024.0),
            None => text.trim().parse::<f64>().ok(),
        }
    };
    let (Some(cpu), Some(memory)) = (number("cpu", "vcpu"), number("memory", "gb")) else {
        return Err(client("Fargate requires that 'cpu' and 'memory' be defined at the task level."));
    };
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
    if offered { Ok(()) } else { Err(client("No Fargate configuration exists for given values.")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(body: Value) -> String {
        check(body.as_object().unwrap()).expect_err("must be refused").message
    }

    #[test]
    fn mistakes_are_refused_in_the_words_of_aws() {
        let container = json!({"name": "c", "image": "i", "memory": 128});
        assert!(
            refusal(json!({"family": "a b", "containerDefinitions": [container]}))
                .contains("invalid characters")
        );
        assert!(
            refusal(json!({"family": "f", "containerDefinitions": []}))
                .contains("should not be null or empty")
        );
        assert!(
            refusal(json!({"family": "f", "containerDefinitions": [container, container]}))
                .contains("unique")
        );
        let no_memory = json!({"family": "f", "containerDefinitions": [{"name": "c", "image": "i"}]});
        assert!(refusal(no_memory).contains("'memory' or 'memoryReservation'"));
        let fargate = json!({"family": "f", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
            "memory": "8192", "containerDefinitions": [container]});
        assert_eq!(refusal(fargate), "No Fargate configuration exists for given values.");
        let mount = json!({"family": "f", "containerDefinitions": [{"name": "c", "image": "i", "memory": 1,
            "mountPoints": [{"sourceVolume": "v"}]}]});
        assert_eq!(refusal(mount), "Unknown volume 'v'.");
    }

    #[test]
    fn containers_may_not_wait_for_each_other_in_a_circle() {
        let one = |name: &str, other: &str| json!({"name": name, "image": "i", "memory": 1, "dependsOn": [{"containerName": other, "condition": "START"}]});
        assert!(
            refusal(json!({"family": "f", "containerDefinitions": [one("a", "b"), one("b", "a")]}))
                .contains("cycle")
        );
    }

    #[test]
    fn fargate_sizes_follow_the_table() {
        let fits = |cpu: &str, memory: &str| {
            fargate_size(json!({"cpu": cpu, "memory": memory}).as_object().unwrap()).is_ok()
        };
        assert!(
            fits("256", "512") && fits(".5 vCPU", "1 GB") && fits("1024", "8192") && fits("8192", "20480")
        );
        assert!(
            !fits("256", "4096") && !fits("1024", "1024") && !fits("8192", "17408") && !fits("300", "512")
        );
    }
}
