//! Attributes of load balancers, target groups and listeners: complete lists with AWS's defaults,
//! and what may be set.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::errors::invalid;
use crate::error::ApiError;
use crate::form::Form;

/// The attributes of one resource. Only those that the resource's type supports are there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attributes {
    what: &'static str,
    values: BTreeMap<&'static str, String>,
}

/// What a value must look like.
enum Rule {
    Flag,
    Between(i64, i64),
    OneOf(&'static [&'static str]),
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
            Rule::OneOf(&["true", "false", "use_load_balancer_configuration"])
        }
        k if k.ends_with(".enabled") => Rule::Flag,
        "deregistration_delay.timeout_seconds" => Rule::Between(0, 3600),
        "slow_start.duration_seconds" => Rule::Between(0, 900),
        "stickiness.app_cookie.duration_seconds" | "stickiness.lb_cookie.duration_seconds" => {
            Rule::Between(1, 604_800)
        }
        "idle_timeout.timeout_seconds" => Rule::Between(1, 4000),
        "client_keep_alive.seconds" => Rule::Between(60, 604_800),
        "tcp.idle_timeout.seconds" => Rule::Between(60, 6000),
        "secondary_ips.auto_assigned.per_subnet" => Rule::Between(0, 7),
        "target_health_state.unhealthy.draining_interval_seconds" => Rule::Between(0, 360_000),
        "load_balancing.algorithm.type" => {
            Rule::OneOf(&["round_robin", "least_outstanding_requests", "weighted_random"])
        }
        "load_balancing.algorithm.anomaly_mitigation" => Rule::OneOf(&["on", "off"]),
        "routing.http.desync_mitigation_mode" => Rule::OneOf(&["monitor", "defensive", "strictest"]),
        "routing.http.xff_header_processing.mode" => Rule::OneOf(&["append", "preserve", "remove"]),
        "target_failover.on_deregistration" | "target_failover.on_unhealthy" => {
            Rule::OneOf(&["rebalance", "no_rebalance"])
        }
        "stickiness.type" => Rule::OneOf(&[
            "lb_cookie",
            "app_cookie",
            "source_ip",
            "source_ip_dest_ip",
            "source_ip_dest_ip_proto",
        ]),
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
        Self::new("Target group", target_group_defaults(protocol, target_type))
    }

    /// The attributes of a new listener.
    pub(super) fn of_listener(protocol: &str) -> Self {
        Self::new("Listener", listener_defaults(protocol))
    }

    fn new(what: &'static str, defaults: Vec<(&'static str, &'static str)>) -> Self {
        Self { what, values: defaults.into_iter().map(|(k, v)| (k, v.to_owned())).collect() }
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
        let wanted = form.structs("Attributes");
        if wanted.is_empty() {
            return Err(crate::form::null_member("Attributes"));
        }
        let mut changed = self.values.clone();
        for pair in wanted {
            let (key, value) = (pair.require("Key")?, pair.get("Value").unwrap_or_default());
            let Some(slot) = changed.iter_mut().find(|(known, _)| **known == key) else {
                return Err(invalid(format!("{} attribute key '{key}' is not recognized", self.what)));
            };
            self.check(key, value)?;
            *slot.1 = value.to_owned();
        }
        self.values = changed;
        Ok(())
    }

    fn check(&self, key: &str, value: &str) -> Result<(), ApiError> {
        let what = self.what.to_lowercase();
        let sound = match rule(key) {
            Rule::Flag => matches!(value, "true" | "false"),
            Rule::OneOf(allowed) => allowed.contains(&value),
            Rule::Text => value.chars().count() <= 1024,
            Rule::Between(min, max) => value.parse::<i64>().is_ok_and(|n| (min..=max).contains(&n)),
        };
        if sound {
            return Ok(());
        }
        let hint = match rule(key) {
            Rule::Flag => "must be true or false".to_owned(),
            Rule::OneOf(allowed) => format!("must be one of [{}]", allowed.join(", ")),
            Rule::Text => "cannot be longer than 1024 characters".to_owned(),
            Rule::Between(min, max) => format!("must be between {min} and {max}"),
        };
        Err(invalid(format!("The value '{value}' of the {what} attribute '{key}' is not valid: it {hint}")))
    }

    /// The list of keys and values.
    pub(super) fn view(&self) -> Value {
        let list: Value = self.values.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
        json!({"Attributes": list})
    }
}
