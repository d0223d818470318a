//! What AWS publishes as constants: TLS policies and account limits.

use serde_json::{Value, json};

use super::errors::bad;
use super::paging;
use crate::error::ApiError;
use crate::form::Form;

const TLS13: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const TLS12: [&str; 4] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

/// Policies and the protocols that they allow. Their cipher lists are shortened to the suites of
/// these protocols that every policy shares.
const POLICIES: [(&str, &[&str]); 14] = [
    ("ELBSecurityPolicy-2016-08", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ELBSecurityPolicy-TLS-1-0-2015-04", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ELBSecurityPolicy-TLS-1-1-2017-01", &["TLSv1.1", "TLSv1.2"]),
    ("ELBSecurityPolicy-TLS-1-2-2017-01", &["TLSv1.2"]),
    ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", &["TLSv1.2"]),
    ("ELBSecurityPolicy-FS-2018-06", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ELBSecurityPolicy-FS-1-2-Res-2020-10", &["TLSv1.2"]),
    ("ELBSecurityPolicy-TLS13-1-0-2021-06", &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-1-2021-06", &["TLSv1.1", "TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-2-2021-06", &["TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", &["TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", &["TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", &["TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-3-2021-06", &["TLSv1.3"]),
];

/// Default quotas of an account (Elastic Load Balancing endpoints and quotas).
const LIMITS: [(&str, &str); 14] = [
    ("target-groups", "3000"),
    ("targets-per-application-load-balancer", "1000"),
    ("listeners-per-application-load-balancer", "50"),
    ("rules-per-application-load-balancer", "100"),
    ("network-load-balancers", "50"),
    ("targets-per-network-load-balancer", "3000"),
    ("targets-per-availability-zone-per-network-load-balancer", "500"),
    ("listeners-per-network-load-balancer", "50"),
    ("condition-values-per-alb-rule", "5"),
    ("condition-wildcards-per-alb-rule", "6"),
    ("target-groups-per-application-load-balancer", "100"),
    ("target-groups-per-action-on-application-load-balancer", "5"),
    ("certificates-per-application-load-balancer", "25"),
    ("application-load-balancers", "50"),
];

/// Whether a listener may name this policy.
pub(super) fn ssl_policy_exists(name: &str) -> bool {
    POLICIES.iter().any(|(known, _)| *known == name)
}

/// Answers DescribeSSLPolicies.
pub(super) fn describe_ssl_policies(form: &Form) -> Result<Value, ApiError> {
    let names = form.list("Names");
    if let Some(odd) = names.iter().find(|n| !ssl_policy_exists(n)) {
        return Err(bad("SSLPolicyNotFound", format!("SSL policy '{odd}' not found")));
    }
    let wanted = POLICIES.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name));
    let mut views: Vec<(String, Value)> =
        wanted.map(|(name, protocols)| ((*name).to_owned(), policy(name, protocols))).collect();
    views.sort_by(|a, b| a.0.cmp(&b.0));
    paging::page(views, "SslPolicies", form)
}

fn policy(name: &str, protocols: &[&str]) -> Value {
    let tls13: &[&str] = if protocols.contains(&"TLSv1.3") { &TLS13 } else { &[] };
    let older: &[&str] = if protocols == ["TLSv1.3"] { &[] } else { &TLS12 };
    let ciphers: Value =
        tls13.iter().chain(older).enumerate().map(|(i, c)| json!({"Name": c, "Priority": i + 1})).collect();
    json!({
        "Name": name,
        "SslProtocols": protocols,
        "Ciphers": ciphers,
        "SupportedLoadBalancerTypes": ["application", "network"],
    })
}

/// Answers DescribeAccountLimits.
pub(super) fn describe_account_limits(form: &Form) -> Result<Value, ApiError> {
    let mut views: Vec<(String, Value)> =
        LIMITS.iter().map(|(name, max)| ((*name).to_owned(), json!({"Name": name, "Max": max}))).collect();
    views.sort_by(|a, b| a.0.cmp(&b.0));
    paging::page(views, "Limits", form)
}
