//! Attributes of target groups, under AWS's names. Source: Elastic Load Balancing v2 API,
//! TargetGroupAttribute.

use super::listed;
use crate::model::finding::{Findings, field_key};
use std::collections::BTreeMap;

/// What a value must be.
enum Rule {
    OneOf(&'static [&'static str]),
    Within(i64, i64),
    /// `off`, or from 1 to this.
    OffOr(i64),
    /// 0, or within.
    ZeroOr(i64, i64),
    Any,
}

const FLAG: Rule = Rule::OneOf(&["true", "false"]);
/// Longest value.
const LONGEST: usize = 1024;
/// Seconds of a week, for which cookies last at most.
const WEEK: i64 = 604_800;
/// Names of cookies that start so belong to the load balancer.
const RESERVED: &str = "AWSALB";
const TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
const DRAINING: &str = "target_health_state.unhealthy.draining_interval_seconds";

fn is_web(protocol: &str) -> bool {
    matches!(protocol, "HTTP" | "HTTPS")
}

/// The rule of an attribute; none for one that groups of this protocol have not.
fn rule(key: &str, protocol: &str) -> Option<Rule> {
    let shared = match key {
        "deregistration_delay.timeout_seconds" => Rule::Within(0, 3600),
        // Which of them belongs to the protocol is checked by itself.
        "stickiness.type" => Rule::Any,
        "stickiness.enabled" => FLAG,
        "load_balancing.cross_zone.enabled" => {
            Rule::OneOf(&["true", "false", "use_load_balancer_configuration"])
        }
        "target_group_health.dns_failover.minimum_healthy_targets.count"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count" => {
            Rule::OffOr(i64::MAX)
        }
        "target_group_health.dns_failover.minimum_healthy_targets.percentage"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" => {
            Rule::OffOr(100)
        }
        _ if is_web(protocol) => return web(key),
        _ => return network(key),
    };
    Some(shared)
}

fn web(key: &str) -> Option<Rule> {
    Some(match key {
        "load_balancing.algorithm.type" => {
            Rule::OneOf(&["round_robin", "least_outstanding_requests", "weighted_random"])
        }
        "load_balancing.algorithm.anomaly_mitigation" => Rule::OneOf(&["on", "off"]),
        "slow_start.duration_seconds" => Rule::ZeroOr(30, 900),
        "stickiness.app_cookie.cookie_name" => Rule::Any,
        "stickiness.app_cookie.duration_seconds" | "stickiness.lb_cookie.duration_seconds" => {
            Rule::Within(1, WEEK)
        }
        _ => return None,
    })
}

fn network(key: &str) -> Option<Rule> {
    Some(match key {
        "deregistration_delay.connection_termination.enabled"
        | "preserve_client_ip.enabled"
        | "proxy_protocol_v2.enabled"
        | TERMINATION => FLAG,
        DRAINING => Rule::Within(0, 360_000),
        _ => return None,
    })
}

/// Checks the attributes at `path` of a group with this protocol.
pub(super) fn check(
    findings: &mut Findings,
    path: &str,
    protocol: &str,
    attributes: &BTreeMap<String, String>,
) {
    for (key, value) in attributes {
        let field = field_key(path, key);
        let Some(rule) = rule(key, protocol) else {
            let message = format!("target groups of {protocol} have no such attribute");
            findings.error(field, message, "look at AWS's list of target group attributes, or remove it");
            continue;
        };
        if let Some(help) = fault(&rule, value) {
            findings.error(field, format!("`{value}` is not a value of it"), help);
        }
    }
    stickiness(findings, path, protocol, attributes);
    combinations(findings, path, protocol, attributes);
}

/// What would be right, when a value is not.
fn fault(rule: &Rule, value: &str) -> Option<String> {
    let number = value.parse::<i64>().ok();
    let (good, help) = match rule {
        Rule::OneOf(allowed) => (allowed.contains(&value), format!("one of {}", listed(allowed))),
        Rule::Within(from, to) => {
            (number.is_some_and(|own| (*from..=*to).contains(&own)), format!("{from} to {to}"))
        }
        Rule::OffOr(to) => {
            let good = value == "off" || number.is_some_and(|own| (1..=*to).contains(&own));
            (
                good,
                if *to == i64::MAX { "off, or 1 and more".to_owned() } else { format!("off, or 1 to {to}") },
            )
        }
        Rule::ZeroOr(from, to) => {
            let good = number.is_some_and(|own| own == 0 || (*from..=*to).contains(&own));
            (good, format!("0 for none, or {from} to {to}"))
        }
        Rule::Any => (value.chars().count() <= LONGEST, format!("{LONGEST} characters at most")),
    };
    (!good).then_some(help)
}

/// Source: TargetGroupAttribute, `stickiness.type`; NLB user guide, "Target groups for your Network
/// Load Balancers": no sticky sessions with TLS.
fn stickiness(findings: &mut Findings, path: &str, protocol: &str, attributes: &BTreeMap<String, String>) {
    let own = |key: &str| attributes.get(key).map(String::as_str);
    let on = own("stickiness.enabled") == Some("true");
    let types: &[&str] = if is_web(protocol) { &["lb_cookie", "app_cookie"] } else { &["source_ip"] };
    if let Some(kind) = own("stickiness.type").filter(|kind| !types.contains(kind)) {
        let message = format!("target groups of {protocol} have no stickiness of type `{kind}`");
        findings.error(field_key(path, "stickiness.type"), message, format!("one of {}", listed(types)));
    }
    if on && protocol == "TLS" {
        let message = "target groups of TLS cannot be sticky";
        findings.error(field_key(path, "stickiness.enabled"), message, "remove it, or use TCP");
    }
    let cookie = own("stickiness.app_cookie.cookie_name").unwrap_or_default();
    let field = field_key(path, "stickiness.app_cookie.cookie_name");
    if on && own("stickiness.type") == Some("app_cookie") && cookie.is_empty() {
        findings.error(&field, "stickiness of type app_cookie needs the name of the cookie", "set it");
    }
    if cookie.starts_with(RESERVED) {
        let message = format!("names that start with {RESERVED} belong to the load balancer");
        findings.error(field, message, "name a cookie of the application");
    }
}

/// What excludes each other; an attribute that is not declared is at AWS's default in a new group.
fn combinations(findings: &mut Findings, path: &str, protocol: &str, attributes: &BTreeMap<String, String>) {
    let own = |key: &str| attributes.get(key).map(String::as_str);
    let mitigation = "load_balancing.algorithm.anomaly_mitigation";
    if own(mitigation) == Some("on") && own("load_balancing.algorithm.type") != Some("weighted_random") {
        let help = "set load_balancing.algorithm.type to weighted_random, or remove it";
        findings.error(field_key(path, mitigation), "it goes with the algorithm weighted_random only", help);
    }
    let (slow, algorithm) = ("slow_start.duration_seconds", own("load_balancing.algorithm.type"));
    if own(slow).is_some_and(|seconds| seconds != "0") && algorithm == Some("least_outstanding_requests") {
        let message = "the algorithm least_outstanding_requests has no slow start";
        findings.error(field_key(path, slow), message, "remove it, or use round_robin");
    }
    if protocol.contains("UDP") && own("preserve_client_ip.enabled") == Some("false") {
        let message = format!("target groups of {protocol} always keep the client's address");
        findings.error(field_key(path, "preserve_client_ip.enabled"), message, "remove it");
    }
    if own(DRAINING).is_some_and(|seconds| seconds != "0") && own(TERMINATION).unwrap_or("true") == "true" {
        let message = "connections to unhealthy targets are ended at once, so nothing drains";
        findings.error(field_key(path, DRAINING), message, format!("set {TERMINATION} to \"false\""));
    }
    for (unit, usual) in [("count", "1"), ("percentage", "off")] {
        let key = |what: &str| format!("target_group_health.{what}.minimum_healthy_targets.{unit}");
        let (dns, routing) = (key("dns_failover"), key("unhealthy_state_routing"));
        let number = |key: &str| own(key).unwrap_or(usual).parse::<i64>().ok();
        if let (Some(least), Some(most)) = (number(&routing), number(&dns))
            && most < least
        {
            let message = format!("it is above the {most} at which DNS gives the zone up");
            findings.error(field_key(path, &routing), message, format!("raise {dns}, or lower it"));
        }
    }
}
