//! Target groups, listeners and rules under AWS's own names, in camelCase. Source: Elastic Load
//! Balancing v2 API.

use super::task_definition::ecs_struct;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

ecs_struct! {
/// A target group, as in CreateTargetGroup. Name, protocol, port, VPC, target type and protocol
/// version cannot be changed in AWS: changing one makes a new target group and moves the service
/// over.
pub struct TargetGroup {
    /// Name, at most 32 characters; unset means one made from deployment, key and a hash of what
    /// cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `HTTP` (default), `HTTPS`, `TCP`, `TLS`, `UDP` or `TCP_UDP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `HTTP1` (default), `HTTP2` or `GRPC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// Port of the targets.
    pub port: u16,
    /// VPC of the targets.
    pub vpc_id: String,
    /// `ip` (default; for awsvpc), `instance` (for bridge and host mode).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// Protocol of health checks; unset follows the target group's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_protocol: Option<String>,
    /// `traffic-port` (default) or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<String>,
    /// Path of HTTP health checks. Default `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_path: Option<String>,
    /// Seconds between health checks. Default 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_interval_seconds: Option<i32>,
    /// Seconds until a health check fails. Default 5 (HTTP), 6 (NLB with HTTP) or 10 (TCP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_timeout_seconds: Option<i32>,
    /// Successes until healthy. Default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_threshold_count: Option<i32>,
    /// Failures until unhealthy. Default 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold_count: Option<i32>,
    /// Codes that count as success. Default HTTP `200`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,
    /// Attributes under AWS's names, such as `deregistration_delay.timeout_seconds`. What is not
    /// named is left alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}
}

ecs_struct! {
/// Codes that count as success.
pub struct Matcher {
    /// HTTP codes: `200`, `200,202` or `200-299`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_code: Option<String>,
    /// gRPC codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_code: Option<String>,
}
}

ecs_struct! {
/// A listener on an existing load balancer, as in CreateListener.
pub struct Listener {
    /// Name or ARN of the load balancer, which Evenkeel never creates, changes or deletes.
    pub load_balancer: String,
    /// Port that it listens on; with the load balancer it identifies the listener.
    pub port: u16,
    /// `HTTP`, `HTTPS`, `TCP`, `TLS`, `UDP` or `TCP_UDP`.
    pub protocol: String,
    /// Security policy of HTTPS and TLS; unset is left as it is (AWS makes a listener with
    /// `ELBSecurityPolicy-2016-08`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// The default certificate (exactly one for HTTPS and TLS).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// ALPN policy of a TLS listener.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alpn_policy: Vec<String>,
    /// What happens to requests that no rule takes.
    pub default_actions: Vec<ListenerAction>,
}
}

ecs_struct! {
/// A certificate.
pub struct Certificate {
    /// ARN in ACM or IAM.
    pub certificate_arn: String,
}
}

ecs_struct! {
/// A listener rule, as in CreateRule: exactly one of `listener` and `listenerArn`.
pub struct Rule {
    /// Key of a listener in `spec.listeners`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// ARN of a listener that Evenkeel does not manage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener_arn: Option<String>,
    /// 1 to 50000, unique on its listener; with the listener it identifies the rule.
    pub priority: u32,
    /// When the rule takes a request: all must hold.
    pub conditions: Vec<RuleCondition>,
    /// What it does then.
    pub actions: Vec<ListenerAction>,
}
}

ecs_struct! {
/// One condition of a rule.
pub struct RuleCondition {
    /// `host-header`, `path-pattern`, `http-header`, `http-request-method`, `query-string` or
    /// `source-ip`.
    pub field: String,
    /// Values of every field but `http-header` and `query-string`; one is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// For `http-header`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_header_config: Option<HttpHeaderCondition>,
    /// For `query-string`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_string_config: Option<QueryStringCondition>,
}
}

ecs_struct! {
/// A header and its values.
pub struct HttpHeaderCondition {
    /// Name of the header.
    pub http_header_name: String,
    /// One is enough.
    pub values: Vec<String>,
}
}

ecs_struct! {
/// Query parameters.
pub struct QueryStringCondition {
    /// One is enough.
    pub values: Vec<QueryStringPair>,
}
}

ecs_struct! {
/// One query parameter.
pub struct QueryStringPair {
    /// Its key; unset means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its value.
    pub value: String,
}
}

ecs_struct! {
/// What a listener or rule does with a request.
pub struct ListenerAction {
    /// `forward`, `redirect` or `fixed-response`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Key of a target group in `spec.targetGroups`; shorthand for `targetGroups` with one entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
    /// Several target groups with weights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<WeightedTargetGroup>,
    /// Keeps a client on one target group for so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stickiness_seconds: Option<u32>,
    /// For `redirect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_config: Option<Redirect>,
    /// For `fixed-response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response_config: Option<FixedResponse>,
}
}

ecs_struct! {
/// Share of one target group: exactly one of `targetGroup` and `targetGroupArn`.
pub struct WeightedTargetGroup {
    /// Key of a target group in `spec.targetGroups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
    /// ARN of a target group that Evenkeel does not manage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
    /// 0 to 999. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}
}

ecs_struct! {
/// A redirect; unset parts keep the request's.
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Port or `#{port}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Host or `#{host}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path or `/#{path}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Query or `#{query}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// `HTTP_301` or `HTTP_302`.
    pub status_code: String,
}
}

ecs_struct! {
/// A fixed answer.
pub struct FixedResponse {
    /// HTTP code.
    pub status_code: String,
    /// `text/plain`, `text/html`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Up to 1024 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
}
}
