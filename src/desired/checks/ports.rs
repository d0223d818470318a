//! Checks of port mappings. Source: ECS API, PortMapping.

use crate::model::finding::Findings;
use crate::model::kinds::task_definition::{ContainerDefinition, PortMapping};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Checks one mapping at `path` with network mode `mode`.
pub(super) fn check(findings: &mut Findings, path: &str, port: &PortMapping, mode: &str) {
    findings.one_of(format!("{path}.protocol"), port.protocol.as_deref(), &["tcp", "udp"]);
    findings.one_of(format!("{path}.appProtocol"), port.app_protocol.as_deref(), &["http", "http2", "grpc"]);
    match (port.container_port, &port.container_port_range) {
        (None, None) => findings.error(path, "the mapping names no port", "set containerPort"),
        (Some(_), Some(_)) => {
            findings.error(path, "the mapping names a port and a range", "remove one of them")
        }
        (Some(0), None) => findings.error(format!("{path}.containerPort"), "0 is not a port", "1 to 65535"),
        (None, Some(range)) => self::range(findings, path, range, port.host_port),
        _ => {}
    }
    if mode == "none" {
        findings.error(path, "network mode none has no ports", "remove it");
    }
    let shared = matches!(mode, "awsvpc" | "host");
    let single = port.container_port_range.is_none();
    if single && shared && port.host_port.is_some_and(|host| host != 0 && Some(host) != port.container_port) {
        let message = format!("with network mode {mode} the port on the host is the container's");
        findings.error(format!("{path}.hostPort"), message, "remove hostPort");
    }
}

fn range(findings: &mut Findings, path: &str, range: &str, host: Option<u16>) {
    if ports(range).is_none() {
        let message = format!("`{range}` is not a range of ports");
        findings.error(format!("{path}.containerPortRange"), message, "such as 8000-8010");
    }
    if host.is_some() {
        findings.error(
            format!("{path}.hostPort"),
            "a range of ports has no single port on the host",
            "remove it",
        );
    }
}

/// The ports from the first to the last, if the first is below the last.
pub(super) fn ports(range: &str) -> Option<RangeInclusive<u16>> {
    let (from, to) = range.split_once('-')?;
    let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
    (from > 0 && from < to).then_some(from..=to)
}

/// Checks the mappings of containers that share one network address: names and ports occur once.
pub(super) fn together(findings: &mut Findings, path: &str, containers: &[ContainerDefinition], mode: &str) {
    if !matches!(mode, "awsvpc" | "host") {
        return;
    }
    let (mut taken, mut names) = (BTreeMap::new(), BTreeSet::new());
    for (index, container) in containers.iter().enumerate() {
        for (number, mapping) in container.port_mappings.iter().enumerate() {
            let path = format!("{path}[{index}].portMappings[{number}]");
            if let Some(name) = mapping.name.as_deref().filter(|name| !names.insert(*name)) {
                let message = format!("another port mapping has the name `{name}`");
                findings.error(format!("{path}.name"), message, "use another name");
            }
            let protocol = mapping.protocol.as_deref().unwrap_or("tcp");
            let (field, all) = match (mapping.container_port, &mapping.container_port_range) {
                (Some(port), _) => ("containerPort", Some(port..=port)),
                (None, Some(range)) => ("containerPortRange", ports(range)),
                (None, None) => continue,
            };
            let conflict = all
                .into_iter()
                .flatten()
                .find_map(|port| taken.insert((port, protocol), &container.name).map(|other| (port, other)));
            if let Some((port, other)) = conflict {
                let message = format!("port {port}/{protocol} is already taken by container `{other}`");
                let help = "containers of a task share one network address";
                findings.error(format!("{path}.{field}"), message, help);
            }
        }
    }
}
