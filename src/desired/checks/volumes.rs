//! Checks of volumes that are configured when tasks start. Sources: ECS API,
//! ServiceVolumeConfiguration, ServiceManagedEBSVolumeConfiguration, EBSTagSpecification, Volume.

use crate::desired::defaults::Capacity;
use crate::desired::resources::listed;
use crate::model::finding::Findings;
use crate::model::kinds::service::{ManagedEbsVolume, Service, VolumeTags};
use crate::model::kinds::task_definition::{TaskDefinition, Volume};

/// From and to.
type Range = (i64, i64);

/// GiB of each type of volume, and I/O operations per second where they can be set freely.
const TYPES: [(&str, Range, Option<Range>); 7] = [
    ("gp2", (1, 16_384), None),
    ("gp3", (1, 16_384), Some((3000, 16_000))),
    ("io1", (4, 16_384), Some((100, 64_000))),
    ("io2", (4, 16_384), Some((100, 256_000))),
    ("st1", (125, 16_384), None),
    ("sc1", (125, 16_384), None),
    ("standard", (1, 1024), None),
];
/// MiB per second of a gp3 volume at most.
const THROUGHPUT: i64 = 1000;
/// Keys that ECS keeps to itself.
const RESERVED: [&str; 2] = ["AmazonECSCreated", "AmazonECSManaged"];

/// Checks the volumes of the service at `service_path` against those of the task definition at
/// `definition_path`.
pub(super) fn of_service(
    findings: &mut Findings,
    definition_path: &str,
    service_path: &str,
    service: &Service,
    definition: &TaskDefinition,
) {
    let path = format!("{service_path}.volumeConfigurations");
    if service.volume_configurations.len() > 1 {
        findings.error(&path, "ECS makes one volume for each task at most", "keep one");
    }
    if !service.volume_configurations.is_empty() && service.scheduling_strategy.as_deref() == Some("DAEMON") {
        findings.error(&path, "ECS makes volumes for replicas only", "use EFS, or a volume of the host");
    }
    let late = at_launch(definition);
    for (index, of) in service.volume_configurations.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if !late.iter().any(|(_, volume)| volume.name == of.name) {
            let names: Vec<&str> = late.iter().map(|(_, volume)| volume.name.as_str()).collect();
            findings.error(
                format!("{path}.name"),
                format!("the task definition configures no volume `{}` at launch", of.name),
                format!("it has {}; add {{name: {}, configuredAtLaunch: true}}", listed(&names), of.name),
            );
        }
        match &of.managed_ebs_volume {
            Some(volume) => {
                let path = format!("{path}.managedEBSVolume");
                managed(findings, &path, volume);
                fits(findings, &path, volume, service, definition);
            }
            None => findings.error(path, "nothing says what volume it is", "set managedEBSVolume"),
        }
    }
    for (index, volume) in late {
        if !service.volume_configurations.iter().any(|of| of.name == volume.name) {
            let message = format!("nothing says what volume `{}` is", volume.name);
            let help = format!("name it in {path}, or use EFS, or an empty volume");
            findings.error(format!("{definition_path}.volumes[{index}].configuredAtLaunch"), message, help);
        }
    }
}

/// Checks that a task outside of services needs no volume that cannot be declared for it.
pub(super) fn of_task(findings: &mut Findings, path: &str, definition: &TaskDefinition) {
    for (index, _) in at_launch(definition) {
        let message = "a volume configured at launch needs volumeConfigurations, which only a service has";
        let field = format!("{path}.volumes[{index}].configuredAtLaunch");
        findings.error(field, message, "use EFS, or an empty volume");
    }
}

/// The volumes that are configured when tasks start, with their places.
fn at_launch(definition: &TaskDefinition) -> Vec<(usize, &Volume)> {
    let volumes = definition.volumes.iter().enumerate();
    volumes.filter(|(_, volume)| volume.configured_at_launch == Some(true)).collect()
}

/// What a volume can be where it is used. Source: ECS API, ServiceManagedEBSVolumeConfiguration
/// (`volumeType`, `filesystemType`).
fn fits(
    findings: &mut Findings,
    path: &str,
    of: &ManagedEbsVolume,
    service: &Service,
    definition: &TaskDefinition,
) {
    let capacity = Capacity::of(service.launch_type.as_deref(), &service.capacity_provider_strategy);
    if capacity == Capacity::Fargate && of.volume_type.as_deref() == Some("standard") {
        let message = "Fargate has no magnetic volumes";
        findings.error(format!("{path}.volumeType"), message, "use gp3");
    }
    let platform = definition.runtime_platform.as_ref();
    let system = platform.and_then(|platform| platform.operating_system_family.as_deref());
    let linux = system.is_none_or(|system| system == "LINUX");
    if let Some(word) = of.filesystem_type.as_deref().filter(|word| (*word == "ntfs") == linux) {
        let help = if linux { "ext3, ext4 or xfs" } else { "ntfs" };
        findings.error(
            format!("{path}.filesystemType"),
            format!("a {} has no {word}", system.unwrap_or("LINUX")),
            help,
        );
    }
}

fn managed(findings: &mut Findings, path: &str, of: &ManagedEbsVolume) {
    super::role(findings, format!("{path}.roleArn"), Some(&of.role_arn));
    if of.size_in_gib.is_none() && of.snapshot_id.is_none() {
        findings.error(path, "neither a size nor a snapshot is set", "set sizeInGiB or snapshotId");
    }
    if of.volume_initialization_rate.is_some() && of.snapshot_id.is_none() {
        let message = "only what is loaded from a snapshot has a rate";
        findings.error(
            format!("{path}.volumeInitializationRate"),
            message,
            "set snapshotId, or leave it out",
        );
    }
    if of.kms_key_id.is_some() && of.encrypted == Some(false) {
        let message = "a volume that is not encrypted has no key";
        findings.error(format!("{path}.kmsKeyId"), message, "remove it, or set encrypted to true");
    }
    let words = ["ext3", "ext4", "xfs", "ntfs"];
    findings.one_of(format!("{path}.filesystemType"), of.filesystem_type.as_deref(), &words);
    let names = TYPES.map(|(name, ..)| name);
    findings.one_of(format!("{path}.volumeType"), of.volume_type.as_deref(), &names);
    let size = of.size_in_gib.map(i64::from);
    match TYPES.iter().find(|(name, ..)| Some(*name) == of.volume_type.as_deref()) {
        Some((name, (least, most), iops)) => {
            findings.within(format!("{path}.sizeInGiB"), size, *least, *most);
            operations(findings, path, of, name, *iops);
        }
        None => findings.within(format!("{path}.sizeInGiB"), size, 1, 16_384),
    }
    for (index, tags) in of.tag_specifications.iter().enumerate() {
        self::tags(findings, &format!("{path}.tagSpecifications[{index}]"), tags);
    }
}

/// Operations and throughput, as far as the type of the volume is named.
fn operations(findings: &mut Findings, path: &str, of: &ManagedEbsVolume, name: &str, range: Option<Range>) {
    let field = format!("{path}.iops");
    match (range, of.iops) {
        (Some((least, most)), Some(iops)) => findings.within(field, Some(i64::from(iops)), least, most),
        (Some(_), None) if name != "gp3" => {
            findings.error(field, format!("an {name} volume has no default"), "set iops");
        }
        (None, Some(_)) if name != "gp2" => {
            findings.error(field, format!("an {name} volume has no iops"), "remove it, or use gp3");
        }
        _ => {}
    }
    let field = format!("{path}.throughput");
    if name == "gp3" {
        findings.within(field, of.throughput.map(i64::from), 1, THROUGHPUT);
    } else if of.throughput.is_some() {
        findings.error(field, format!("{name} volumes have no throughput"), "remove it, or use gp3");
    }
}

fn tags(findings: &mut Findings, path: &str, of: &VolumeTags) {
    findings.one_of(format!("{path}.resourceType"), Some(&of.resource_type), &["volume"]);
    let words = ["SERVICE", "TASK_DEFINITION", "NONE"];
    findings.one_of(format!("{path}.propagateTags"), of.propagate_tags.as_deref(), &words);
    for (index, tag) in of.tags.iter().enumerate().filter(|(_, tag)| RESERVED.contains(&tag.key.as_str())) {
        let message = format!("`{}` is a tag of ECS's own", tag.key);
        findings.error(format!("{path}.tags[{index}].key"), message, "use another key");
    }
}
