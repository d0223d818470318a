//! Target groups. Source: Elastic Load Balancing v2 API, CreateTargetGroup and its data types.

use super::{Claim, ResourceType, action, attributes, listed, whole};
use crate::desired::fields::{fields_of, fill};
use crate::desired::forms;
use crate::model::arn::load_balancer_name;
use crate::model::canonical::content_hash;
use crate::model::desired::{DesiredResource, DesiredState};
use crate::model::finding::{Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::load_balancing::{ListenerAction, Matcher, TargetGroup as Declared};
use crate::model::resource::{ResourceId, Tree};
use serde_json::json;
use std::collections::BTreeSet;

/// Longest name of a target group. Source: Elastic Load Balancing v2 API, CreateTargetGroup.
const LONGEST_NAME: usize = 32;

pub(super) struct TargetGroup;

impl ResourceType for TargetGroup {
    fn lower(&self, name: &DeploymentName, spec: &ApplicationSpec) -> Vec<(String, DesiredResource)> {
        let lower = |key: &str, group| whole(spec, fields(own_name(name, key, group), group));
        spec.target_groups.iter().map(|(key, group)| (key.clone(), lower(key, group))).collect()
    }

    fn check(&self, findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
        check(findings, name, spec);
    }

    fn claim(&self, _: &DesiredState, _: &ResourceId, fields: &Tree) -> Option<Claim> {
        Some(Claim::alone(format!("target group `{}`", fields["name"].as_str().unwrap_or_default())))
    }
}

/// The declared name, or `<deployment>-<key>` cut to fit, followed by a hash of what AWS does not
/// let change: a change there makes a new group next to the old one, which is deleted once nothing
/// uses it.
fn own_name(name: &DeploymentName, key: &str, group: &Declared) -> String {
    if let Some(declared) = &group.name {
        return declared.clone();
    }
    let hash = content_hash(&json!([
        name,
        key,
        group.protocol.as_deref().unwrap_or("HTTP"),
        group.port,
        group.vpc_id,
        group.target_type.as_deref().unwrap_or("ip"),
        group.protocol_version.as_deref().unwrap_or("HTTP1"),
    ]));
    let hash = &hash.as_str()[..8];
    let readable: String = format!("{name}-{key}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(LONGEST_NAME - 1 - hash.len())
        .collect();
    format!("{}-{hash}", readable.trim_matches('-'))
}

/// The fields of a target group; `name` is its final name.
fn fields(name: String, group: &Declared) -> Tree {
    let protocol = group.protocol.clone().unwrap_or_else(|| "HTTP".to_owned());
    let http = matches!(protocol.as_str(), "HTTP" | "HTTPS");
    let check = group.health_check_protocol.clone().unwrap_or_else(|| match protocol.as_str() {
        "HTTP" | "HTTPS" => protocol.clone(),
        _ => "TCP".to_owned(),
    });
    let http_check = matches!(check.as_str(), "HTTP" | "HTTPS");
    let grpc = group.protocol_version.as_deref() == Some("GRPC");
    let mut fields = fields_of(group);
    fields.insert("name".to_owned(), name.into());
    fill(&mut fields, "protocol", protocol);
    fill(&mut fields, "targetType", "ip");
    if http {
        fill(&mut fields, "protocolVersion", "HTTP1");
    }
    if http_check {
        fill(&mut fields, "healthCheckPath", if grpc { "/AWS.ALB/healthcheck" } else { "/" });
        let matcher = match (grpc, http) {
            (true, _) => json!({"grpcCode": "12"}),
            (false, true) => json!({"httpCode": "200"}),
            (false, false) => json!({"httpCode": "200-399"}),
        };
        fill(&mut fields, "matcher", matcher);
    }
    let timeout = match (http, check.as_str()) {
        (true, _) => 5,
        (false, "HTTP") => 6,
        (false, _) => 10,
    };
    fill(&mut fields, "healthCheckProtocol", check);
    fill(&mut fields, "healthCheckPort", "traffic-port");
    fill(&mut fields, "healthCheckIntervalSeconds", 30);
    fill(&mut fields, "healthCheckTimeoutSeconds", timeout);
    fill(&mut fields, "healthyThresholdCount", 5);
    fill(&mut fields, "unhealthyThresholdCount", 2);
    fill(&mut fields, "attributes", json!({}));
    Tree::Object(fields)
}

fn check(findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
    let names: Vec<(String, String)> = spec
        .target_groups
        .iter()
        .map(|(key, group)| (field_key("spec.targetGroups", key), own_name(name, key, group)))
        .collect();
    findings.duplicates("a target group named", names.clone());
    for ((key, group), (path, own)) in spec.target_groups.iter().zip(&names) {
        if !is_group_name(own) {
            let help = "1 to 32 letters, digits and hyphens, not at either end a hyphen";
            findings.error(
                format!("{path}.name"),
                format!("`{own}` is not the name of a target group"),
                help,
            );
        }
        one(findings, path, group);
        let balancers = balancers_of(spec, key);
        if balancers.len() > 1 {
            let names: Vec<&str> = balancers.into_iter().collect();
            let message =
                format!("{} forward to it, and a target group has one load balancer", listed(&names));
            findings.error(path, message, "declare a target group for each of them");
        }
        if !is_used(spec, key) {
            let message = "no listener or rule of this document forwards to it; ECS refuses a service whose target group \
                           has no load balancer";
            findings.warning(
                path,
                message,
                "add a listener or rule, or make sure that another forwards to it",
            );
        }
    }
}

fn is_group_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The load balancers whose listeners and rules forward to a group.
fn balancers_of<'a>(spec: &'a ApplicationSpec, key: &str) -> BTreeSet<&'a str> {
    let forwards =
        |actions: &[ListenerAction]| actions.iter().flat_map(action::groups_of).any(|used| used == key);
    let own = spec.listeners.values().filter(|listener| forwards(&listener.default_actions));
    let rules = spec.rules.values().filter(|rule| forwards(&rule.actions));
    let of_rules = rules.filter_map(|rule| spec.listeners.get(rule.listener.as_ref()?));
    own.chain(of_rules).map(|listener| load_balancer_name(&listener.load_balancer)).collect()
}

fn is_used(spec: &ApplicationSpec, key: &str) -> bool {
    let listeners = spec.listeners.values().flat_map(|listener| &listener.default_actions);
    let rules = spec.rules.values().flat_map(|rule| &rule.actions);
    let alternate = spec.components.values().filter_map(|part| part.service.as_ref()).any(|service| {
        service.load_balancers.iter().any(|balancer| {
            balancer
                .advanced_configuration
                .as_ref()
                .is_some_and(|advanced| advanced.alternate_target_group_arn.as_deref() == Some(key))
        })
    });
    alternate || listeners.chain(rules).flat_map(action::groups_of).any(|used| used == key)
}

fn one(findings: &mut Findings, path: &str, group: &Declared) {
    let at = |field: &str| format!("{path}.{field}");
    let protocol = group.protocol.as_deref().unwrap_or("HTTP");
    let http = matches!(protocol, "HTTP" | "HTTPS");
    findings.one_of(at("protocol"), Some(protocol), &action::PROTOCOLS);
    findings.one_of(at("protocolVersion"), group.protocol_version.as_deref(), &["HTTP1", "HTTP2", "GRPC"]);
    if group.protocol_version.is_some() && !http {
        findings.error(at("protocolVersion"), format!("{protocol} has no protocol version"), "remove it");
    }
    findings.one_of(at("targetType"), group.target_type.as_deref(), &["ip", "instance"]);
    if group.port == 0 {
        findings.error(at("port"), "0 is not a port", "1 to 65535");
    }
    if !forms::is_ec2_id(&group.vpc_id, "vpc") {
        let message = format!("`{}` is not the id of a VPC", group.vpc_id);
        findings.error(at("vpcId"), message, "such as vpc-0123456789abcdef0");
    }
    health(findings, path, group, http);
    attributes::check(findings, &at("attributes"), protocol, &group.attributes);
}

fn health(findings: &mut Findings, path: &str, group: &Declared, http: bool) {
    let at = |field: &str| format!("{path}.{field}");
    let default = if http { group.protocol.as_deref().unwrap_or("HTTP") } else { "TCP" };
    let check = group.health_check_protocol.as_deref().unwrap_or(default);
    findings.one_of(at("healthCheckProtocol"), Some(check), &["HTTP", "HTTPS", "TCP"]);
    if http && check == "TCP" {
        let message = "target groups of HTTP and HTTPS cannot be checked by TCP";
        findings.error(at("healthCheckProtocol"), message, "HTTP or HTTPS");
    }
    if check == "TCP" {
        for (field, is_set) in
            [("healthCheckPath", group.health_check_path.is_some()), ("matcher", group.matcher.is_some())]
        {
            if is_set {
                findings.error(at(field), "a TCP health check has none", "remove it, or check by HTTP");
            }
        }
    }
    if let Some(route) = &group.health_check_path
        && (!route.starts_with('/') || route.len() > 1024)
    {
        findings.error(at("healthCheckPath"), format!("`{route}` is not a path"), "it starts with /");
    }
    if let Some(port) = &group.health_check_port
        && port != "traffic-port"
        && !port.parse::<u16>().is_ok_and(|port| port > 0)
    {
        findings.error(
            at("healthCheckPort"),
            format!("`{port}` is not a port"),
            "traffic-port, or 1 to 65535",
        );
    }
    for (field, value, from, to) in [
        ("healthCheckIntervalSeconds", group.health_check_interval_seconds, 5, 300),
        ("healthCheckTimeoutSeconds", group.health_check_timeout_seconds, 2, 120),
        ("healthyThresholdCount", group.healthy_threshold_count, 2, 10),
        ("unhealthyThresholdCount", group.unhealthy_threshold_count, 2, 10),
    ] {
        findings.within(at(field), value.map(i64::from), from, to);
    }
    let timeout = group.health_check_timeout_seconds.unwrap_or(match (http, check) {
        (true, _) => 5,
        (false, "HTTP") => 6,
        (false, _) => 10,
    });
    let interval = group.health_check_interval_seconds.unwrap_or(30);
    if timeout > interval || http && timeout == interval {
        let most = if http { "below" } else { "within" };
        let message = format!("the timeout of {timeout} s is not {most} the interval of {interval} s");
        findings.error(
            at("healthCheckTimeoutSeconds"),
            message,
            "lower it, or raise healthCheckIntervalSeconds",
        );
    }
    if let Some(matcher) = &group.matcher {
        self::matcher(findings, &at("matcher"), matcher, group, http);
    }
}

/// Source: Elastic Load Balancing v2 API, Matcher.
fn matcher(findings: &mut Findings, path: &str, matcher: &Matcher, group: &Declared, http: bool) {
    let grpc = group.protocol_version.as_deref() == Some("GRPC");
    if (matcher.http_code.is_some(), matcher.grpc_code.is_some()) != (!grpc, grpc) {
        let message = "it needs grpcCode with GRPC, httpCode otherwise";
        return findings.error(path, message, "set exactly one");
    }
    let (field, codes, least, most) = match (&matcher.grpc_code, &matcher.http_code) {
        (Some(codes), _) => ("grpcCode", codes, 0, 99),
        (None, Some(codes)) => ("httpCode", codes, 200, if http { 499 } else { 599 }),
        (None, None) => return,
    };
    let good = codes.split(',').all(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.trim().parse::<u16>(), to.trim().parse::<u16>());
        matches!((from, to), (Ok(from), Ok(to)) if from <= to && from >= least && to <= most)
    });
    if !good {
        let help = format!("codes from {least} to {most}, such as {least},{} or {least}-{most}", least + 2);
        findings.error(format!("{path}.{field}"), format!("`{codes}` are no codes"), help);
    }
}
