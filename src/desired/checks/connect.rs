//! Checks of Service Connect. Source: ECS API, ServiceConnectConfiguration and what it holds.

use crate::desired::resources::listed;
use crate::model::arn::Arn;
use crate::model::finding::Findings;
use crate::model::kinds::service::{Service, ServiceConnectConfiguration, ServiceConnectService};
use crate::model::kinds::task_definition::{PortMapping, TaskDefinition};

/// Characters of the name of a port in Cloud Map. Source: ECS API, ServiceConnectService.
const DISCOVERY_NAME: usize = 64;
/// Characters of a name that clients use. Source: ECS API, ServiceConnectClientAlias.
const DNS_NAME: usize = 127;

/// Checks how the service at `path` is found by others.
pub(super) fn check(findings: &mut Findings, path: &str, service: &Service, definition: &TaskDefinition) {
    let Some(of) = &service.service_connect_configuration else { return };
    let path = format!("{path}.serviceConnectConfiguration");
    logs(findings, &path, of);
    for (index, proxy) in of.container_configurations.iter().enumerate() {
        let field = format!("{path}.containerConfigurations[{index}].logLevel");
        findings.one_of(field, proxy.log_level.as_deref(), &["info", "debug"]);
    }
    let at = |index: usize| format!("{path}.services[{index}]");
    let names = of.services.iter().enumerate();
    findings.duplicates(
        "a discovery name",
        names.map(|(index, port)| {
            (
                format!("{}.discoveryName", at(index)),
                port.discovery_name.as_ref().unwrap_or(&port.port_name).as_str(),
            )
        }),
    );
    for (index, port) in of.services.iter().enumerate() {
        self::port(findings, &at(index), port, definition);
    }
}

/// Where a proxy's logs may go. Source: ECS API, ServiceConnectConfiguration (`logConfiguration`).
const LOG_DRIVERS: [&str; 8] =
    ["awslogs", "awsfirelens", "fluentd", "gelf", "journald", "json-file", "splunk", "syslog"];

fn logs(findings: &mut Findings, path: &str, of: &ServiceConnectConfiguration) {
    let secrets = of.log_configuration.iter().flat_map(|logs| &logs.secret_options).enumerate();
    for (index, secret) in secrets.filter(|(_, secret)| Arn::parse(&secret.value_from).is_none()) {
        let field = format!("{path}.logConfiguration.secretOptions[{index}].valueFrom");
        let help = "the whole ARN of a secret or parameter: names are resolved for containers only";
        findings.error(field, format!("`{}` is not an ARN", secret.value_from), help);
    }
    let driver = of.log_configuration.as_ref().map(|logs| logs.log_driver.as_str());
    findings.one_of(format!("{path}.logConfiguration.logDriver"), driver, &LOG_DRIVERS);
    let Some(logs) = &of.access_log_configuration else { return };
    let path = format!("{path}.accessLogConfiguration");
    findings.one_of(format!("{path}.format"), Some(&logs.format), &["TEXT", "JSON"]);
    let parameters = logs.include_query_parameters.as_deref();
    findings.one_of(format!("{path}.includeQueryParameters"), parameters, &["ENABLED", "DISABLED"]);
    if of.log_configuration.is_none() {
        let help = "set serviceConnectConfiguration.logConfiguration";
        findings.error(path, "access logs need a log configuration of the proxy", help);
    }
}

fn port(findings: &mut Findings, path: &str, port: &ServiceConnectService, definition: &TaskDefinition) {
    let all = || definition.container_definitions.iter().flat_map(|container| &container.port_mappings);
    let mapping = all().find(|mapping| mapping.name.as_ref() == Some(&port.port_name));
    if mapping.is_none() {
        let names: Vec<&str> = all().filter_map(|mapping| mapping.name.as_deref()).collect();
        findings.error(
            format!("{path}.portName"),
            format!("no port mapping has the name `{}`", port.port_name),
            format!("the task definition has {}; set the name of a port mapping", listed(&names)),
        );
    }
    if let Some(name) = &port.discovery_name
        && !is_name(name, DISCOVERY_NAME, false)
    {
        let help = "1 to 64 lower-case letters, digits, hyphens and underscores, not a hyphen first";
        findings.error(format!("{path}.discoveryName"), format!("`{name}` is not a discovery name"), help);
    }
    if port.client_aliases.len() != 1 {
        let message = format!("ECS takes exactly one alias, these are {}", port.client_aliases.len());
        findings.error(format!("{path}.clientAliases"), message, "name the port that clients use");
    }
    for (index, alias) in port.client_aliases.iter().enumerate() {
        let path = format!("{path}.clientAliases[{index}]");
        if alias.port == 0 {
            findings.error(format!("{path}.port"), "0 is not a port", "1 to 65535");
        }
        if let Some(name) = &alias.dns_name
            && !is_name(name, DNS_NAME, true)
        {
            let help =
                "1 to 127 lower-case letters, digits, hyphens, underscores and periods, not a hyphen first";
            findings.error(format!("{path}.dnsName"), format!("`{name}` is not a DNS name"), help);
        }
    }
    timeouts(findings, &format!("{path}.timeout"), port, mapping);
    if let Some(tls) = &port.tls {
        super::role(findings, format!("{path}.tls.roleArn"), tls.role_arn.as_deref());
    }
}

fn timeouts(
    findings: &mut Findings,
    path: &str,
    port: &ServiceConnectService,
    mapping: Option<&PortMapping>,
) {
    let Some(timeout) = &port.timeout else { return };
    for (field, seconds) in [
        ("idleTimeoutSeconds", timeout.idle_timeout_seconds),
        ("perRequestTimeoutSeconds", timeout.per_request_timeout_seconds),
    ] {
        findings.within(format!("{path}.{field}"), seconds.map(i64::from), 0, i64::from(i32::MAX));
    }
    // A port mapping without a protocol is one of TCP (ECS API, PortMapping).
    if timeout.per_request_timeout_seconds.is_some()
        && mapping.is_some_and(|mapping| mapping.app_protocol.is_none())
    {
        let message = format!("port `{}` is TCP, which has no requests", port.port_name);
        let help = "set appProtocol of its port mapping, or use idleTimeoutSeconds";
        findings.error(format!("{path}.perRequestTimeoutSeconds"), message, help);
    }
}

fn is_name(name: &str, longest: usize, dotted: bool) -> bool {
    let fits =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c) || (dotted && c == '.');
    (1..=longest).contains(&name.len()) && !name.starts_with('-') && name.chars().all(fits)
}
