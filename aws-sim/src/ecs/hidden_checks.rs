//! What CreateService and UpdateService refuse of the settings that only deployments show: Service
//! Connect and volumes. Sources: API reference of `ServiceConnectConfiguration`,
//! `ServiceConnectService`, `ServiceVolumeConfiguration`, `ServiceManagedEBSVolumeConfiguration`,
//! `CreateService`. Where no source is named, the words are this simulator's.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    definition::Definition,
    errors::{Result, invalid},
    input::Fields,
};

/// Checks the settings of a service as they would be: `spec` the ones that it shows itself,
/// `definition` its task definition.
///
/// # Errors
/// `InvalidParameterException` for the first mistake.
pub(super) fn check(
    hidden: &Map<String, Value>,
    spec: &Map<String, Value>,
    definition: &Definition,
) -> Result<()> {
    if let Some(connect) = hidden.get("serviceConnectConfiguration") {
        check_connect(connect, definition)?;
    }
    let volumes = hidden.items("volumeConfigurations");
    // CreateService: "volumeConfigurations is only supported for REPLICA service and not DAEMON
    // service."
    if !volumes.is_empty() && spec.text("schedulingStrategy") == Some("DAEMON") {
        return Err(invalid("volumeConfigurations is not supported for the DAEMON scheduling strategy."));
    }
    // Developer Guide, "Use Amazon EBS volumes with Amazon ECS": one volume for each task.
    if volumes.len() > 1 {
        return Err(invalid("volumeConfigurations can have at most 1 item."));
    }
    volumes.iter().try_for_each(|volume| check_volume(volume, definition))
}

fn check_connect(connect: &Value, definition: &Definition) -> Result<()> {
    // "To enable access logs, you must also specify a logConfiguration".
    if connect.get("accessLogConfiguration").is_some() && connect.get("logConfiguration").is_none() {
        return Err(invalid("accessLogConfiguration requires a logConfiguration."));
    }
    let containers = definition.body.items("containerDefinitions").iter();
    let mappings: Vec<&Value> = containers.flat_map(|container| container.items("portMappings")).collect();
    check_discovery(connect.items("services"))?;
    for port in connect.items("services") {
        let name = port.text("portName").unwrap_or_default();
        // "The portName must match the name of one of the portMappings".
        let Some(mapping) = mappings.iter().find(|mapping| mapping.text("name") == Some(name)) else {
            return Err(invalid(format!("The port name {name} does not exist in the task definition.")));
        };
        check_aliases(port.items("clientAliases"))?;
        // "perRequestTimeout can only be set if Service Connect appProtocol isn't TCP."
        let timeout = port.get("timeout").and_then(|own| own.int("perRequestTimeoutSeconds"));
        if timeout.is_some() && mapping.text("appProtocol").is_none() {
            return Err(invalid(format!("perRequestTimeoutSeconds is not supported for TCP port {name}.")));
        }
    }
    Ok(())
}

/// The names under which Cloud Map knows the ports: "up to 64 characters", "lowercase letters,
/// numbers, underscores (_), and hyphens (-)", "can't start with a hyphen", "must be unique within
/// the Cloud Map namespace".
fn check_discovery(services: &[Value]) -> Result<()> {
    let mut known = BTreeSet::new();
    for port in services {
        let name = port.text("discoveryName").or(port.text("portName")).unwrap_or_default();
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        let fits = (1..=64).contains(&name.len()) && name.chars().all(good) && !name.starts_with('-');
        if port.get("discoveryName").is_some() && !fits {
            return Err(invalid(format!("The discovery name {name} is not valid.")));
        }
        if !known.insert(name) {
            return Err(invalid(format!("The discovery name {name} is used more than once.")));
        }
    }
    Ok(())
}

/// pf-ecs-svc-connect-client-aliases-max, pf-ecs-svc-connect-client-alias-dns-name; the text for
/// none as pf-ecs-svc-connect-port-name-missing has it.
fn check_aliases(aliases: &[Value]) -> Result<()> {
    match aliases {
        [] => return Err(invalid("clientAliases must have 1 element.")),
        [alias] => {
            let name = alias.text("dnsName").unwrap_or("x");
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
            if (1..=127).contains(&name.len()) && name.chars().all(good) && !name.starts_with('-') {
                return Ok(());
            }
        }
        more => {
            return Err(invalid(format!("{} clientAliases exceeds the max limit of 1", more.len())));
        }
    }
    Err(invalid(
        "The DNS name that you provided is invalid. The name must be a valid DNS name but doesn't need to be fully-qualified. Up to 127 \
         characters are allowed. The characters can include lowercase letters, numbers, underscores (_), hyphens (-), and periods (.). A \
         hyphen can't be the first character.",
    ))
}

fn check_volume(volume: &Value, definition: &Definition) -> Result<()> {
    let name = volume.text("name").unwrap_or_default();
    let late: Vec<&str> = definition
        .body
        .items("volumes")
        .iter()
        .filter(|own| own.flag("configuredAtLaunch"))
        .filter_map(|own| own.text("name"))
        .collect();
    if late.is_empty() {
        // Seen on live services: cdkd#811.
        return Err(invalid(
            "Volume configuration provided but no matching configuredAtLaunch volume found in task definition.",
        ));
    }
    // pf-ecs-svc-ebs-name-not-in-taskdef
    if !late.contains(&name) {
        return Err(invalid(format!(
            "The volume name '{name}' in your request does not have a matching volume in your Task Definition that is configurable at launch."
        )));
    }
    let Some(own) = volume.get("managedEBSVolume") else { return Ok(()) };
    let snapshot = own.text("snapshotId").is_some();
    // "You must specify either a volume size or a snapshot ID."
    if own.int("sizeInGiB").is_none() && !snapshot {
        return Err(invalid(format!("The volume {name} must have a sizeInGiB or a snapshotId.")));
    }
    // "This property can be specified only if you specify a snapshotId."
    if own.int("volumeInitializationRate").is_some() && !snapshot {
        return Err(invalid(format!("The volumeInitializationRate of volume {name} needs a snapshotId.")));
    }
    let kind = own.text("volumeType").unwrap_or("gp3");
    check_ranges(kind, own)?;
    // "AmazonECSCreated and AmazonECSManaged are reserved tags that can't be used."
    let tags = own.items("tagSpecifications").iter().flat_map(|tags| tags.items("tags"));
    for key in tags.filter_map(|tag| tag.text("key")) {
        if matches!(key, "AmazonECSCreated" | "AmazonECSManaged") {
            return Err(invalid(format!("The tag {key} of volume {name} is reserved.")));
        }
    }
    // "This parameter is required for io1 and io2 volume types", "not supported for st1, sc1, or
    // standard volume types."
    let iops = own.int("iops").is_some();
    if matches!(kind, "io1" | "io2") && !iops || matches!(kind, "st1" | "sc1" | "standard") && iops {
        let word = if iops { "does not support" } else { "requires" };
        return Err(invalid(format!("The volume type {kind} {word} iops.")));
    }
    // "This parameter is only supported for the gp3 volume type."
    if own.int("throughput").is_some() && kind != "gp3" {
        return Err(invalid(format!("The volume type {kind} does not support throughput.")));
    }
    Ok(())
}

/// A type of volume, its least and most GiB, its least and most operations per second.
type Limits = (&'static str, (i64, i64), (i64, i64));

/// The types of volumes ("the supported values for each volume type").
const VOLUMES: [Limits; 7] = [
    ("gp2", (1, 16_384), (0, i64::MAX)),
    ("gp3", (1, 16_384), (3000, 16_000)),
    ("io1", (4, 16_384), (100, 64_000)),
    ("io2", (4, 16_384), (100, 256_000)),
    ("st1", (125, 16_384), (0, i64::MAX)),
    ("sc1", (125, 16_384), (0, i64::MAX)),
    ("standard", (1, 1024), (0, i64::MAX)),
];

fn check_ranges(kind: &str, own: &Value) -> Result<()> {
    let Some((_, sizes, operations)) = VOLUMES.iter().find(|(name, ..)| *name == kind) else {
        return Err(invalid(format!("The volume type {kind} is not supported.")));
    };
    // Throughput: "with a maximum of 1,000 MiB/s".
    for (field, (least, most)) in [("sizeInGiB", *sizes), ("iops", *operations), ("throughput", (1, 1000))] {
        if own.int(field).is_some_and(|value| !(least..=most).contains(&value)) {
            return Err(invalid(format!(
                "The {field} of a {kind} volume must be between {least} and {most}."
            )));
        }
    }
    Ok(())
}
