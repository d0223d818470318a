//! Checks of target groups, listeners and rules. Source: Elastic Load Balancing v2 API,
//! CreateTargetGroup, CreateListener, CreateRule and their data types.

use super::forms;
use crate::desired::application::target_group_name;
use crate::desired::arn::Arn;
use crate::model::finding::{Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::load_balancing::{Listener, ListenerAction, Rule, RuleCondition, TargetGroup};
use std::collections::BTreeSet;

/// Condition values in one rule. Source: ELB quotas, "Condition values per rule".
const CONDITION_VALUES: usize = 5;
/// Target groups of one forward action. Source: ELB quotas.
const FORWARD_GROUPS: usize = 5;
const PROTOCOLS: [&str; 6] = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"];

/// Checks all target groups, listeners and rules.
pub(super) fn check(findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
    let names: Vec<(String, String)> = spec
        .target_groups
        .iter()
        .map(|(key, group)| (field_key("spec.targetGroups", key), target_group_name(name, key, group)))
        .collect();
    findings
        .duplicates("a target group named", names.iter().map(|(field, own)| (field.clone(), own.as_str())));
    for ((key, group), (path, own)) in spec.target_groups.iter().zip(&names) {
        if !is_group_name(own) {
            let help = "1 to 32 letters, digits and hyphens, not at either end a hyphen";
            findings.error(
                format!("{path}.name"),
                format!("`{own}` is not the name of a target group"),
                help,
            );
        }
        target_group(findings, path, group);
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
    for (key, listener) in &spec.listeners {
        self::listener(findings, spec, &field_key("spec.listeners", key), listener);
    }
    for (key, rule) in &spec.rules {
        self::rule(findings, spec, &field_key("spec.rules", key), rule);
    }
}

/// `a, b`, or `none`.
pub(super) fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn is_group_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("internal-")
}

fn groups_of(action: &ListenerAction) -> impl Iterator<Item = &String> {
    let several = action.target_groups.iter().filter_map(|group| group.target_group.as_ref());
    action.target_group.iter().chain(several)
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
    alternate || listeners.chain(rules).flat_map(groups_of).any(|used| used == key)
}

fn target_group(findings: &mut Findings, path: &str, group: &TargetGroup) {
    let at = |field: &str| format!("{path}.{field}");
    let protocol = group.protocol.as_deref().unwrap_or("HTTP");
    let http = matches!(protocol, "HTTP" | "HTTPS");
    findings.one_of(at("protocol"), Some(protocol), &PROTOCOLS);
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
    if let Some(delay) = group.attributes.get("deregistration_delay.timeout_seconds")
        && !delay.parse::<u32>().is_ok_and(|seconds| seconds <= 3600)
    {
        let field = field_key(&at("attributes"), "deregistration_delay.timeout_seconds");
        findings.error(field, format!("`{delay}` is not a delay"), "0 to 3600 seconds");
    }
}

fn health(findings: &mut Findings, path: &str, group: &TargetGroup, http: bool) {
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
    if timeout >= interval {
        let message = format!("the timeout of {timeout} s is not below the interval of {interval} s");
        findings.error(
            at("healthCheckTimeoutSeconds"),
            message,
            "lower it, or raise healthCheckIntervalSeconds",
        );
    }
    if let Some(matcher) = &group.matcher {
        let grpc = group.protocol_version.as_deref() == Some("GRPC");
        if (matcher.http_code.is_some(), matcher.grpc_code.is_some()) != (!grpc, grpc) {
            findings.error(
                at("matcher"),
                "it needs grpcCode with GRPC, httpCode otherwise",
                "set exactly one",
            );
        }
    }
}

fn listener(findings: &mut Findings, spec: &ApplicationSpec, path: &str, listener: &Listener) {
    let at = |field: &str| format!("{path}.{field}");
    let balancer = listener.load_balancer.as_str();
    let plain = balancer.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let good = forms::is_balancing_arn(balancer, "loadbalancer/") || (!balancer.is_empty() && plain);
    if !good {
        let message = format!("`{balancer}` is neither the name nor the ARN of a load balancer");
        findings.error(at("loadBalancer"), message, "");
    }
    if listener.port == 0 {
        findings.error(at("port"), "0 is not a port", "1 to 65535");
    }
    let protocol = listener.protocol.as_str();
    findings.one_of(at("protocol"), Some(protocol), &PROTOCOLS);
    let secure = matches!(protocol, "HTTPS" | "TLS");
    match (secure, listener.certificates.len()) {
        (true, 1) | (false, 0) => {}
        (true, count) => {
            let message = format!("{protocol} needs exactly one default certificate, there are {count}");
            findings.error(at("certificates"), message, "");
        }
        (false, _) => {
            findings.error(at("certificates"), format!("{protocol} has no certificate"), "remove it")
        }
    }
    for (index, certificate) in listener.certificates.iter().enumerate() {
        let arn = Arn::parse(&certificate.certificate_arn);
        if arn.is_none_or(|arn| !matches!(arn.service, "acm" | "iam")) {
            let message = format!("`{}` is not the ARN of a certificate", certificate.certificate_arn);
            findings.error(format!("{path}.certificates[{index}].certificateArn"), message, "");
        }
    }
    if listener.ssl_policy.is_some() && !secure {
        findings.error(at("sslPolicy"), format!("{protocol} has no security policy"), "remove it");
    }
    if !listener.alpn_policy.is_empty() && protocol != "TLS" {
        findings.error(at("alpnPolicy"), "only TLS listeners have an ALPN policy", "remove it");
    }
    actions(findings, spec, &at("defaultActions"), &listener.default_actions, Some(protocol));
}

fn rule(findings: &mut Findings, spec: &ApplicationSpec, path: &str, rule: &Rule) {
    let at = |field: &str| format!("{path}.{field}");
    let mut protocol = None;
    match (&rule.listener, &rule.listener_arn) {
        (Some(key), None) => match spec.listeners.get(key) {
            Some(listener) => {
                protocol = Some(listener.protocol.as_str());
                if !matches!(listener.protocol.as_str(), "HTTP" | "HTTPS") {
                    let message = format!("{} listeners have no rules", listener.protocol);
                    findings.error(at("listener"), message, "use the listener's defaultActions");
                }
            }
            None => {
                let known: Vec<&str> = spec.listeners.keys().map(String::as_str).collect();
                let help = format!("spec.listeners has {}", listed(&known));
                findings.error(at("listener"), format!("there is no listener `{key}`"), help);
            }
        },
        (None, Some(arn)) if forms::is_balancing_arn(arn, "listener/") => {}
        (None, Some(arn)) => {
            findings.error(at("listenerArn"), format!("`{arn}` is not the ARN of a listener"), "");
        }
        _ => findings.error(path, "name exactly one of listener and listenerArn", ""),
    }
    findings.within(at("priority"), Some(i64::from(rule.priority)), 1, 50_000);
    conditions(findings, &at("conditions"), &rule.conditions);
    actions(findings, spec, &at("actions"), &rule.actions, protocol.or(Some("HTTP")));
}

fn conditions(findings: &mut Findings, path: &str, conditions: &[RuleCondition]) {
    if conditions.is_empty() {
        findings.error(path, "a rule has at least one condition", "such as a host-header");
    }
    let mut total = 0;
    let mut fields = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let field = condition.field.as_str();
        let own = match field {
            "http-header" => condition.http_header_config.as_ref().map_or(0, |header| header.values.len()),
            "query-string" => condition.query_string_config.as_ref().map_or(0, |query| query.values.len()),
            _ => condition.values.len(),
        };
        total += own;
        let known = [
            "host-header",
            "path-pattern",
            "http-header",
            "http-request-method",
            "query-string",
            "source-ip",
        ];
        findings.one_of(format!("{path}.field"), Some(field), &known);
        if own == 0 {
            let place = match field {
                "http-header" => "httpHeaderConfig.values",
                "query-string" => "queryStringConfig.values",
                _ => "values",
            };
            findings.error(format!("{path}.{place}"), "the condition has no values", "");
        }
        if !fields.insert(field) && !matches!(field, "http-header" | "query-string") {
            let message = format!("a rule has one {field} condition at most");
            findings.error(format!("{path}.field"), message, "put the values into one condition");
        }
        for (number, value) in condition.values.iter().enumerate() {
            let cidr = field != "source-ip" || value.contains('/');
            if value.is_empty() || value.len() > 128 || !cidr {
                let message = format!("`{value}` is not a value of {field}");
                let help = if cidr { "1 to 128 characters" } else { "an address range such as 10.0.0.0/8" };
                findings.error(format!("{path}.values[{number}]"), message, help);
            }
        }
    }
    if total > CONDITION_VALUES {
        let message = format!("the rule has {total} condition values");
        findings.error(path, message, format!("{CONDITION_VALUES} at most; split it into several rules"));
    }
}

fn actions(
    findings: &mut Findings,
    spec: &ApplicationSpec,
    path: &str,
    actions: &[ListenerAction],
    listener: Option<&str>,
) {
    if actions.len() != 1 {
        let message = format!("there is exactly one action, here are {}", actions.len());
        findings.error(path, message, "forward, redirect or fixed-response");
    }
    for (index, action) in actions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let http = listener.is_none_or(|protocol| matches!(protocol, "HTTP" | "HTTPS"));
        findings.one_of(
            format!("{path}.type"),
            Some(&action.kind),
            &["forward", "redirect", "fixed-response"],
        );
        if !http && action.kind != "forward" {
            findings.error(format!("{path}.type"), "a network load balancer can only forward", "use forward");
        }
        for (kind, field, is_set) in [
            ("forward", "targetGroup", action.target_group.is_some() || !action.target_groups.is_empty()),
            ("redirect", "redirectConfig", action.redirect_config.is_some()),
            ("fixed-response", "fixedResponseConfig", action.fixed_response_config.is_some()),
        ] {
            if (action.kind == kind) != is_set {
                let message =
                    if is_set { format!("it is for {kind}") } else { format!("{kind} needs {field}") };
                findings.error(format!("{path}.{field}"), message, "");
            }
        }
        forward(findings, spec, &path, action, listener);
        answers(findings, &path, action);
    }
}

fn forward(
    findings: &mut Findings,
    spec: &ApplicationSpec,
    path: &str,
    action: &ListenerAction,
    listener: Option<&str>,
) {
    if action.target_group.is_some() && !action.target_groups.is_empty() {
        findings.error(path, "targetGroup is short for targetGroups", "use one of them");
    }
    if action.target_groups.len() > FORWARD_GROUPS {
        findings.error(
            format!("{path}.targetGroups"),
            "too many target groups",
            format!("{FORWARD_GROUPS} at most"),
        );
    }
    for (index, group) in action.target_groups.iter().enumerate() {
        let path = format!("{path}.targetGroups[{index}]");
        findings.within(format!("{path}.weight"), group.weight.map(i64::from), 0, 999);
        match (&group.target_group, &group.target_group_arn) {
            (Some(_), None) => {}
            (None, Some(arn)) if forms::is_balancing_arn(arn, "targetgroup/") => {}
            (None, Some(arn)) => {
                let message = format!("`{arn}` is not the ARN of a target group");
                findings.error(format!("{path}.targetGroupArn"), message, "");
            }
            _ => findings.error(path, "name exactly one of targetGroup and targetGroupArn", ""),
        }
    }
    for key in groups_of(action) {
        let Some(group) = spec.target_groups.get(key) else {
            let known: Vec<&str> = spec.target_groups.keys().map(String::as_str).collect();
            let help = format!("spec.targetGroups has {}", listed(&known));
            findings.error(format!("{path}.targetGroup"), format!("there is no target group `{key}`"), help);
            continue;
        };
        let protocol = group.protocol.as_deref().unwrap_or("HTTP");
        if let Some(listener) = listener
            && !fits(listener, protocol)
        {
            let message =
                format!("a {listener} listener cannot forward to target group `{key}` of {protocol}");
            findings.error(format!("{path}.targetGroup"), message, "make the protocols agree");
        }
    }
    let sticky = action.stickiness_seconds.map(i64::from);
    findings.within(format!("{path}.stickinessSeconds"), sticky, 1, 604_800);
}

/// Which target groups a listener can forward to. Source: ELB user guides, "Target groups for your
/// Network Load Balancers" and "… Application Load Balancers", routing configuration.
fn fits(listener: &str, group: &str) -> bool {
    match listener {
        "HTTP" | "HTTPS" => matches!(group, "HTTP" | "HTTPS"),
        "TCP" => matches!(group, "TCP" | "TCP_UDP"),
        "TLS" => matches!(group, "TCP" | "TLS"),
        "UDP" => matches!(group, "UDP" | "TCP_UDP"),
        "TCP_UDP" => group == "TCP_UDP",
        _ => true,
    }
}

fn answers(findings: &mut Findings, path: &str, action: &ListenerAction) {
    if let Some(redirect) = &action.redirect_config {
        let path = format!("{path}.redirectConfig");
        let code = Some(redirect.status_code.as_str());
        findings.one_of(format!("{path}.statusCode"), code, &["HTTP_301", "HTTP_302"]);
        findings.one_of(
            format!("{path}.protocol"),
            redirect.protocol.as_deref(),
            &["HTTP", "HTTPS", "#{protocol}"],
        );
        let changed = [
            (&redirect.protocol, "#{protocol}"),
            (&redirect.port, "#{port}"),
            (&redirect.host, "#{host}"),
            (&redirect.path, "/#{path}"),
        ]
        .into_iter()
        .any(|(part, same)| part.as_deref().is_some_and(|part| part != same));
        if !changed {
            let message = "the redirect changes nothing, so clients would go round in circles";
            findings.error(path, message, "change protocol, port, host or path");
        }
    }
    if let Some(fixed) = &action.fixed_response_config {
        let path = format!("{path}.fixedResponseConfig");
        let code = fixed.status_code.as_str();
        let good = code.len() == 3
            && code.starts_with(['2', '4', '5'])
            && code.bytes().all(|byte| byte.is_ascii_digit());
        if !good {
            findings.error(
                format!("{path}.statusCode"),
                format!("`{code}` is not allowed"),
                "2XX, 4XX or 5XX",
            );
        }
        let types = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];
        findings.one_of(format!("{path}.contentType"), fixed.content_type.as_deref(), &types);
        if fixed.message_body.as_ref().is_some_and(|body| body.len() > 1024) {
            findings.error(format!("{path}.messageBody"), "the body is too long", "1024 characters at most");
        }
    }
}
