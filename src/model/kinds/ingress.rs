//! How requests reach a component of a typed kind.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What port 80 of the load balancer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpPort {
    /// Sends browsers to HTTPS with 301.
    #[default]
    Redirect,
    /// Forwards, as the Pulumi installers do.
    Forward,
    /// Port 80 is left alone.
    Off,
}

impl HttpPort {
    /// Whether this is the default.
    pub fn is_redirect(&self) -> bool {
        *self == Self::Redirect
    }
}

ecs_struct! {
/// How requests get in: either a load balancer of its own, on which Evenkeel keeps the listeners,
/// or the listeners of a shared one, to which it adds rules by host name. Load balancers themselves
/// are never created, changed or deleted.
pub struct LoadBalancerSpec {
    /// Name or ARN of an application load balancer that carries nothing else: listeners 443 and 80
    /// are kept on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// Certificate of the HTTPS listener. Without it the load balancer speaks plain HTTP only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
    /// Security policy of the HTTPS listener. Default `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// HTTPS listener of a shared load balancer; not together with `loadBalancer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_listener_arn: Option<String>,
    /// HTTP listener of a shared load balancer; not together with `loadBalancer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_listener_arn: Option<String>,
    /// Priority of the first rule; further rules count up from it. Needed on shared listeners;
    /// default 100 otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_priority: Option<u32>,
    /// What port 80 does. Default `Redirect`.
    #[serde(skip_serializing_if = "HttpPort::is_redirect")]
    pub http_port: HttpPort,
}
}

ecs_struct! {
/// A network load balancer for connections that are not for the public.
pub struct PrivateLoadBalancerSpec {
    /// Name or ARN of a network load balancer that carries nothing else.
    pub load_balancer: String,
    /// Certificate of its TLS listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
    /// Security policy of its TLS listener. Default `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// Host name that points to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Port of its only listener, for kinds with one (Datero: 5432).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}
}

ecs_struct! {
/// How a load balancer finds out whether a task is healthy; unset fields take the kind's defaults.
pub struct TargetHealth {
    /// Path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Codes that count as success, such as `200` or `200-299`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// Seconds between requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<i32>,
    /// Seconds until a request fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// Successes until healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_threshold: Option<i32>,
    /// Failures until unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold: Option<i32>,
}
}
