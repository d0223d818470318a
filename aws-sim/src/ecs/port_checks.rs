//! What RegisterTaskDefinition refuses of port mappings. Sources as in `definition_checks`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    errors::{Result, client},
    input::Fields,
};

/// Checks the mappings of one container.
///
/// # Errors
/// `ClientException` with AWS's text for the first mistake.
pub(super) fn check(body: &Map<String, Value>, container: &Value, name: &str) -> Result<()> {
    let mode = body.text("networkMode").unwrap_or("bridge");
    // doc: "If the network mode is set to none, you cannot specify port mappings". A guess.
    if mode == "none" && !container.items("portMappings").is_empty() {
        return Err(client("Port mappings are not supported when networkMode=none."));
    }
    for port in container.items("portMappings") {
        let inner = port.int("containerPort");
        let range = port.text("containerPortRange");
        // pf-ecs-port-range-with-host-port
        if range.is_some() && (inner.is_some() || port.int("hostPort").is_some()) {
            return Err(client(format!(
                "Invalid port mapping for container '{name}', cannot specify both single port and port range."
            )));
        }
        // pf-ecs-port-range-reversed
        if range.is_some_and(|text| ports(text).is_none()) {
            return Err(client(format!("Invalid 'containerPortRange' setting for container '{name}'.")));
        }
        // By analogy: doc has 1 to 65535, and one of both is needed.
        let sound = |port: i64| (1..=65535).contains(&port);
        if range.is_none() && !inner.is_some_and(sound) {
            return Err(client(format!("Invalid 'containerPort' setting for container '{name}'.")));
        }
        let outer = port.int("hostPort").unwrap_or(0);
        if outer != 0 && !sound(outer) {
            return Err(client(format!("Invalid 'hostPort' setting for container '{name}'.")));
        }
        // pf-ecs-host-network-host-port-mismatch
        if matches!(mode, "awsvpc" | "host") && outer != 0 && Some(outer) != inner {
            return Err(client(format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            )));
        }
    }
    Ok(())
}

/// First and last port of `from-to`, both from 1 to 65535, the first below the last.
fn ports(range: &str) -> Option<std::ops::RangeInclusive<i64>> {
    let (from, to) = range.split_once('-')?;
    let (from, to): (u16, u16) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from > 0 && from < to).then(|| i64::from(from)..=i64::from(to))
}

/// Checks the mappings of all containers that share an address.
///
/// # Errors
/// `ClientException` with AWS's text for the first mistake.
pub(super) fn check_together(body: &Map<String, Value>, containers: &[Value]) -> Result<()> {
    let mode = body.text("networkMode").unwrap_or("bridge");
    if !matches!(mode, "awsvpc" | "host") {
        return Ok(());
    }
    let (mut taken, mut names) = (BTreeSet::new(), BTreeSet::new());
    for mapping in containers.iter().flat_map(|each| each.items("portMappings")) {
        // pf-ecs-port-mapping-duplicate-name
        if mapping.text("name").is_some_and(|name| !names.insert(name)) {
            return Err(client(format!("When networkMode={mode}, port mapping name is already used")));
        }
        let protocol = mapping.text("protocol").unwrap_or("tcp").to_uppercase();
        let single = mapping.int("containerPort").map(|port| port..=port);
        let all = single.or_else(|| mapping.text("containerPortRange").and_then(ports));
        // pf-ecs-port-range-overlap
        if let Some(port) = all.into_iter().flatten().find(|port| !taken.insert((protocol.clone(), *port))) {
            return Err(client(format!(
                "{protocol} container port '{port}' is used multiple times in task when networkMode={mode}."
            )));
        }
    }
    Ok(())
}
