//! Attributes of load balancers, target groups and listeners: complete lists with AWS's defaults,
//! and what may be set. Sources: API reference of TargetGroupAttribute and its sisters (`doc`); the
//! others as in `conditions`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::errors::{bad, invalid};
use crate::error::ApiError;
use crate::form::Form;

/// The attributes of one resource. Only those that the resource's type supports are there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attributes {
    what: &'static str,
    /// The protocol of a target group; empty for others.
    protocol: String,
    values: BTreeMap<&'static str, String>,
}

/// What a value must look like.
enum Rule {
    Flag,
    Between(i64, i64),
    OneOf(&'static [&'static str]),
    /// `off` or a number from 1 to this.
    OffOr(i64),
    Text,
}

/// Attributes that exist for load balancers of a type, with their defaults.
fn load_balancer_defaults(kind: &str, internal: bool) -> Vec<(&'static str, &'static str)> {
    let common = [
        ("deletion_protection.enabled", "false"),
        ("access_logs.s3.enabled", "false"),
        ("access_logs.s3.bucket", ""),
        ("access_logs.s3.prefix", ""),
        ("ipv6.deny_all_igw_traffic", if internal { "true" } else { "false" }),
        ("load_balancing.cross_zone.enabled", if kind == "application" { "true" } else { "false" }),
        ("zonal_shift.config.enabled", "false"),
    ];
    let application = [
        ("idle_timeout.timeout_seconds", "60"),
        ("client_keep_alive.seconds", "3600"),
        ("connection_logs.s3.enabled", "false"),
        ("connection_logs.s3.bucket", ""),
        ("connection_logs.s3.prefix", ""),
        ("health_check_logs.s3.enabled", "false"),
        ("health_check_logs.s3.bucket", ""),
        ("health_check_logs.s3.prefix", ""),
        ("routing.http.desync_mitigation_mode", "defensive"),
        ("routing.http.drop_invalid_header_fields.enabled", "false"),
        ("routing.http.preserve_host_header.enabled", "false"),
        ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
        ("routing.http.xff_client_port.enabled", "false"),
        ("routing.http.xff_header_processing.mode", "append"),
        ("routing.http2.enabled", "true"),
        ("waf.fail_open.enabled", "false"),
    ];
    let network = [
        ("dns_record.client_routing_policy", "any_availability_zone"),
        ("secondary_ips.auto_assigned.per_subnet", "0"),
    ];
    match kind {
        "application" => common.into_iter().chain(application).collect(),
        "network" => common.into_iter().chain(network).collect(),
        _ => vec![("deletion_protection.enabled", "false"), ("load_balancing.cross_zone.enabled", "false")],
    }
}

/// Attributes that exist for target groups of a protocol and target type, with their defaults.
fn target_group_defaults(protocol: &str, target_type: &str) -> Vec<(&'static str, &'static str)> {
    if target_type == "lambda" {
        return vec![("lambda.multi_value_headers.enabled", "false")];
    }
    let delay = [("deregistration_delay.timeout_seconds", "300"), ("stickiness.enabled", "false")];
    let shared = [
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ];
    let application = [
        ("load_balancing.algorithm.type", "round_robin"),
        ("load_balancing.algorithm.anomaly_mitigation", "off"),
        ("slow_start.duration_seconds", "0"),
        ("stickiness.type", "lb_cookie"),
        ("stickiness.app_cookie.cookie_name", ""),
        ("stickiness.app_cookie.duration_seconds", "86400"),
        ("stickiness.lb_cookie.duration_seconds", "86400"),
    ];
    let keeps_client = target_type != "ip" || !matches!(protocol, "TCP" | "TLS");
    let network = [
        ("stickiness.type", "source_ip"),
        (
            "deregistration_delay.connection_termination.enabled",
            if protocol.contains("UDP") { "true" } else { "false" },
        ),
        ("preserve_client_ip.enabled", if keeps_client { "true" } else { "false" }),
        ("proxy_protocol_v2.enabled", "false"),
        ("target_health_state.unhealthy.connection_termination.enabled", "true"),
        ("target_health_state.unhealthy.draining_interval_seconds", "0"),
    ];
    let gateway = [
        ("stickiness.type", "source_ip_dest_ip_proto"),
        ("target_failover.on_deregistration", "no_rebalance"),
        ("target_failover.on_unhealthy", "no_rebalance"),
    ];
    let base = delay.into_iter();
    match protocol {
        "HTTP" | "HTTPS" => base.chain(shared).chain(application).collect(),
        "GENEVE" => base.chain(gateway).collect(),
        _ => base.chain(shared).chain(network).collect(),
    }
}

/// Attributes that exist for listeners of a protocol, with their defaults.
fn listener_defaults(protocol: &str) -> Vec<(&'static str, &'static str)> {
    let response = [
        ("routing.http.response.server.enabled", "true"),
        ("routing.http.response.strict_transport_security.header_value", ""),
        ("routing.http.response.access_control_allow_origin.header_value", ""),
        ("routing.http.response.access_control_allow_methods.header_value", ""),
        ("routing.http.response.access_control_allow_headers.header_value", ""),
        ("routing.http.response.access_control_allow_credentials.header_value", ""),
        ("routing.http.response.access_control_expose_headers.header_value", ""),
        ("routing.http.response.access_control_max_age.header_value", ""),
        ("routing.http.response.content_security_policy.header_value", ""),
        ("routing.http.response.x_content_type_options.header_value", ""),
        ("routing.http.response.x_frame_options.header_value", ""),
    ];
    let request = [
        (
            "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name",
            "X-Amzn-Mtls-Clientcert-Serial-Number",
        ),
        ("routing.http.request.x_amzn_mtls_clientcert_issuer.header_name", "X-Amzn-Mtls-Clientcert-Issuer"),
        ("routing.http.request.x_amzn_mtls_clientcert_subject.header_name", "X-Amzn-Mtls-Clientcert-Subject"),
        (
            "routing.http.request.x_amzn_mtls_clientcert_validity.header_name",
            "X-Amzn-Mtls-Clientcert-Validity",
        ),
        ("routing.http.request.x_amzn_mtls_clientcert_leaf.header_name", "X-Amzn-Mtls-Clientcert-Leaf"),
        ("routing.http.request.x_amzn_mtls_clientcert.header_name", "X-Amzn-Mtls-Clientcert"),
        ("routing.http.request.x_amzn_tls_version.header_name", "X-Amzn-Tls-Version"),
        ("routing.http.request.x_amzn_tls_cipher_suite.header_name", "X-Amzn-Tls-Cipher-Suite"),
    ];
    match protocol {
        "HTTPS" => response.into_iter().chain(request).collect(),
        "HTTP" => response.into_iter().collect(),
        "TCP" => vec![("tcp.idle_timeout.seconds", "350")],
        _ => Vec::new(),
    }
}

fn rule(key: &str) -> Rule {
    match key {
        "load_balancing.cross_zone.enabled" => {
            Rule::OneOf(&["use_load_balancer_configuration", "true", "false"])
        }
        k if k.ends_with(".minimum_healthy_targets.count") => Rule::OffOr(i64::MAX),
        k if k.ends_with(".minimum_healthy_targets.percentage") => Rule::OffOr(100),
        k if k.ends_with(".enabled") => Rule::Flag,
        "deregistration_delay.timeout_seconds" => Rule::Between(0, 3600),
        "slow_start.duration_seconds" => Rule::Between(30, 900),
        "stickiness.app_cookie.duration_seconds" | "stickiness.lb_cookie.duration_seconds" => {
            Rule::Between(1, 604_800)
        }
        "idle_timeout.timeout_seconds" => Rule::Between(1, 4000),
        "client_keep_alive.seconds" => Rule::Between(60, 604_800),
        "tcp.idle_timeout.seconds" => Rule::Between(60, 6000),
        "secondary_ips.auto_assigned.per_subnet" => Rule::Between(0, 7),
        "target_health_state.unhealthy.draining_interval_seconds" => Rule::Between(0, 360_000),
        "load_balancing.algorithm.type" => {
            Rule::OneOf(&["round_robin", "weighted_random", "least_outstanding_requests"])
        }
        "load_balancing.algorithm.anomaly_mitigation" => Rule::OneOf(&["off", "on"]),
        "routing.http.desync_mitigation_mode" => Rule::OneOf(&["monitor", "defensive", "strictest"]),
        "routing.http.xff_header_processing.mode" => Rule::OneOf(&["append", "preserve", "remove"]),
        "target_failover.on_deregistration" | "target_failover.on_unhealthy" => {
            Rule::OneOf(&["rebalance", "no_rebalance"])
        }
        "dns_record.client_routing_policy" => Rule::OneOf(&[
            "availability_zone_affinity",
            "partial_availability_zone_affinity",
            "any_availability_zone",
        ]),
        _ => Rule::Text,
    }
}

impl Attributes {
    /// The attributes of a new load balancer.
    pub(super) fn of_load_balancer(kind: &str, internal: bool) -> Self {
        Self::new("Load balancer", load_balancer_defaults(kind, internal))
    }

    /// The attributes of a new target group.
    pub(super) fn of_target_group(protocol: &str, target_type: &str) -> Self {
        let protocol = if target_type == "lambda" { "LAMBDA" } else { protocol };
        let new = Self::new("Target group", target_group_defaults(protocol, target_type));
        Self { protocol: protocol.to_owned(), ..new }
    }

    /// The attributes of a new listener.
    pub(super) fn of_listener(protocol: &str) -> Self {
        Self::new("Listener", listener_defaults(protocol))
    }

    fn new(what: &'static str, defaults: Vec<(&'static str, &'static str)>) -> Self {
        let values = defaults.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
        Self { what, protocol: String::new(), values }
    }

    /// An attribute as a number.
    pub(super) fn number(&self, key: &str) -> Option<i64> {
        self.values.get(key)?.parse().ok()
    }

    /// An attribute as it was given.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether a true-or-false attribute is on.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|v| v == "true")
    }

    /// Sets the attributes that a Modify request names: all of them or, on any mistake, none.
    pub(super) fn modify(&mut self, form: &Form) -> Result<(), ApiError> {
        let mut changed = self.clone();
        let (mut seen, mut foreign) = (Vec::new(), None);
        for pair in form.structs("Attributes") {
            let (key, value) = (pair.require("Key")?, pair.get("Value").unwrap_or_default());
            // pf-elbv2-tg-attr-duplicate-key
            if seen.contains(&key) {
                return Err(invalid(format!("{} attribute keys must be unique: '[{key}]'", self.what)));
            }
            seen.push(key);
            match changed.values.iter_mut().find(|(known, _)| **known == key) {
                Some((_, slot)) => {
                    check(key, value)?;
                    value.clone_into(slot);
                }
                None if self.is_of_others(key) => foreign = foreign.or(Some(key)),
                None => {
                    return Err(invalid(format!("{} attribute key '{key}' is not recognized", self.what)));
                }
            }
        }
        if !self.protocol.is_empty() {
            changed.check_group(&seen, foreign)?;
        }
        self.values = changed.values;
        Ok(())
    }

    /// Whether a key is one of other target groups, rather than of none:
    /// pf-elbv2-tg-attr-key-protocol-scope, pf-elbv2-tg-attr-key-known. Groups of gateway load
    /// balancers know nothing of cookies (moto's tests).
    fn is_of_others(&self, key: &str) -> bool {
        let others = [("HTTP", "ip"), ("UDP", "ip"), ("GENEVE", "ip"), ("", "lambda")];
        let elsewhere = |(protocol, kind): &(&str, &str)| {
            target_group_defaults(protocol, kind).iter().any(|(known, _)| *known == key)
        };
        let cookie = self.protocol == "GENEVE" && key.contains("_cookie.");
        !self.protocol.is_empty() && !cookie && others.iter().any(elsewhere)
    }

    /// What the attributes of a target group have to do with its protocol and with each other;
    /// `named` are those of the request, `foreign` is the first of them that it has not. That
    /// stickiness comes first is in moto's tests.
    fn check_group(&self, named: &[&str], foreign: Option<&str>) -> Result<(), ApiError> {
        let own = |key: &str| self.values.get(key).map(String::as_str);
        let refused = |text: String| Err(bad("InvalidConfigurationRequest", text));
        if named.iter().any(|key| key.starts_with("stickiness.")) {
            self.check_stickiness()?;
        }
        if let Some(key) = foreign {
            return refused(format!(
                "A target group with {} protocol does not support the attribute {key}",
                self.protocol
            ));
        }
        // pf-elbv2-tg-attr-anomaly-mitigation-requires-weighted-random
        let algorithm = own("load_balancing.algorithm.type").unwrap_or_default().replace('_', " ");
        if own("load_balancing.algorithm.anomaly_mitigation") == Some("on") && algorithm != "weighted random"
        {
            return refused(format!(
                "You cannot enable both anomaly mitigation and {algorithm} algorithm on a target group"
            ));
        }
        // User guide, "Slow start mode": not with least outstanding requests. The words are made
        // like those above.
        if own("slow_start.duration_seconds").is_some_and(|seconds| seconds != "0")
            && algorithm == "least outstanding requests"
        {
            return refused(format!(
                "You cannot enable both slow start and {algorithm} algorithm on a target group"
            ));
        }
        // pf-elbv2-tg-attr-preserve-client-ip-udp
        if self.protocol.contains("UDP") && own("preserve_client_ip.enabled") == Some("false") {
            return refused(
                "preserve_client_ip.enabled cannot be false if the target group protocol is UDP or TCP_UDP."
                    .to_owned(),
            );
        }
        // pf-elbv2-tg-attr-draining-interval-requires-termination-off
        let unhealthy = "target_health_state.unhealthy";
        let (termination, draining) = (
            format!("{unhealthy}.connection_termination.enabled"),
            format!("{unhealthy}.draining_interval_seconds"),
        );
        if own(&termination) == Some("true") && own(&draining).is_some_and(|seconds| seconds != "0") {
            return refused(format!(
                "You cannot have both '{termination}' and '{draining}' enabled on a target group"
            ));
        }
        // pf-elbv2-tg-attr-dns-failover-threshold-order
        for unit in ["count", "percentage"] {
            let threshold = |what: &str| {
                self.number(&format!("target_group_health.{what}.minimum_healthy_targets.{unit}"))
            };
            if let (Some(dns), Some(routing)) =
                (threshold("dns_failover"), threshold("unhealthy_state_routing"))
                && dns < routing
            {
                return refused(
                    "DNS failover threshold must be greater than or equal to unhealthy state routing threshold"
                        .to_owned(),
                );
            }
        }
        // pf-elbv2-tg-attr-target-failover-pair-equal
        if own("target_failover.on_unhealthy") != own("target_failover.on_deregistration") {
            return refused(
                "Target group attribute keys 'target_failover.on_unhealthy' and 'target_failover.on_deregistration' must both be set to \
                 the same value for this target group"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// doc: "lb_cookie and app_cookie for Application Load Balancers. source_ip for Network Load
    /// Balancers. source_ip_dest_ip and source_ip_dest_ip_proto for Gateway Load Balancers." Texts:
    /// pf-elbv2-stickiness-type-protocol and ansible/ansible#67993 (also while stickiness is off:
    /// ansible-collections/community.aws#74), pf-elbv2-tg-attr-stickiness-type-gwlb,
    /// pf-elbv2-app-cookie-name; those for TLS and for a type that nothing has are moto's.
    fn check_stickiness(&self) -> Result<(), ApiError> {
        let own = |key: &str| self.values.get(key).map_or("", String::as_str);
        let (kind, protocol, on) =
            (own("stickiness.type"), self.protocol.as_str(), self.is_on("stickiness.enabled"));
        let refused = |text: String| Err(bad("InvalidConfigurationRequest", text));
        if protocol == "GENEVE" {
            return match kind {
                "source_ip_dest_ip" | "source_ip_dest_ip_proto" => Ok(()),
                _ => Err(invalid(format!(
                    "'{kind}' must be one of [source_ip_dest_ip_proto, source_ip_dest_ip]"
                ))),
            };
        }
        if !matches!(kind, "app_cookie" | "lb_cookie" | "source_ip") {
            return Err(invalid("'Stickiness type' must be one of [app_cookie, lb_cookie, source_ip]"));
        }
        let web = matches!(protocol, "HTTP" | "HTTPS");
        if web == (kind == "source_ip") {
            return refused(format!(
                "Stickiness type '{kind}' is not supported for target groups with the {protocol} protocol"
            ));
        }
        if on && kind == "app_cookie" && own("stickiness.app_cookie.cookie_name").is_empty() {
            return refused(
                "You must set an application cookie name to enable stickiness of type 'app_cookie'"
                    .to_owned(),
            );
        }
        if on && protocol == "TLS" {
            return refused("You cannot enable stickiness on target groups with the TLS protocol".to_owned());
        }
        // doc: "Names that start with the following prefixes are not allowed: AWSALB, AWSALBAPP,
        // and AWSALBTG". The text is a guess.
        if own("stickiness.app_cookie.cookie_name").starts_with("AWSALB") {
            return Err(invalid("The application cookie name cannot start with 'AWSALB'"));
        }
        Ok(())
    }

    /// The list of keys and values.
    pub(super) fn view(&self) -> Value {
        let list: Value = self.values.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
        json!({"Attributes": list})
    }
}

/// Whether a value is one that the attribute takes: pf-elbv2-tg-attr-boolean-value,
/// -cross-zone-value, -algorithm-type, -anomaly-mitigation-value, -health-count-value,
/// -health-percentage-range, pf-elbv2-tg-deregistration-delay-range, pf-elbv2-tg-slow-start-range.
fn check(key: &str, value: &str) -> Result<(), ApiError> {
    let number = value.parse::<i64>().ok();
    let text = match rule(key) {
        Rule::Flag if !matches!(value, "true" | "false") => {
            format!("The value of '{key}' must be 'true' or 'false', but was '{value}'")
        }
        Rule::OneOf(allowed) if !allowed.contains(&value) => match key {
            "load_balancing.cross_zone.enabled" => format!("'{key}' must be one of {}", allowed.join(",")),
            "load_balancing.algorithm.type" => {
                format!("'Load balancer algorithm' must be one of [{}]", allowed.join(", "))
            }
            _ => format!("'{key}' must be one of [{}]", allowed.join(", ")),
        },
        Rule::OffOr(most) if value != "off" && !number.is_some_and(|own| (1..=most).contains(&own)) => {
            if number.is_some_and(|own| own > most) {
                format!("'{key}' must be 'off' or an integer from 1 to {most} inclusive")
            } else {
                format!("The value of '{key}' must be 'off' or a positive integer")
            }
        }
        // doc: "The range is 30-900 seconds … The default is 0 seconds (disabled)."
        Rule::Between(..) if key == "slow_start.duration_seconds" && value == "0" => return Ok(()),
        Rule::Between(min, max) if !number.is_some_and(|own| (min..=max).contains(&own)) => {
            format!("'{key}' value '{value}' must be between '{min}-{max}' inclusive")
        }
        Rule::Text if value.chars().count() > 1024 => {
            format!("'{key}' cannot be longer than 1024 characters")
        }
        _ => return Ok(()),
    };
    Err(invalid(text))
}
