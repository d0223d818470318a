//! Target groups. Source: Elastic Load Balancing v2 API.

use super::{Change, ResourceType, texts};
use crate::model::call::{Call, Verb};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::PlanInput;
use crate::plan::row::{Class, Compare, Effect, Row, UpdateCall};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::TargetGroup, UpdateCall::ModifyTargetGroup, path, doc)
        .class(Class::DeclaredWithDefault)
}

/// Fields of which ModifyTargetGroup has none: a change gives the group another name, so a new one
/// is made next to it.
const fn fixed(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::TargetGroup, UpdateCall::Creation, path, doc).effect(Effect::Impossible)
}

const ROWS: &[Row] = &[
    row("name", "finds the group; holds a hash of what cannot be changed").class(Class::Declared).identity(),
    fixed("protocol", "a change makes a new group"),
    fixed("protocolVersion", "a change makes a new group"),
    fixed("port", "a change makes a new group").compare(Compare::Text),
    fixed("vpcId", "a change makes a new group"),
    fixed("targetType", "a change makes a new group"),
    row("healthCheckProtocol", "protocol of health checks"),
    row("healthCheckPort", "`traffic-port` or a number").compare(Compare::Text),
    row("healthCheckPath", "path of HTTP health checks"),
    row("healthCheckIntervalSeconds", "seconds between health checks").compare(Compare::Text),
    row("healthCheckTimeoutSeconds", "seconds until a health check fails").compare(Compare::Text),
    row("healthyThresholdCount", "successes until healthy").compare(Compare::Text),
    row("unhealthyThresholdCount", "failures until unhealthy").compare(Compare::Text),
    row("matcher.httpCode", "HTTP codes that count as success").compare(Compare::Text),
    row("matcher.grpcCode", "gRPC codes that count as success").compare(Compare::Text),
    row(
        "attributes",
        "named attributes; one never named is left alone, one named no longer gets AWS's default",
    )
    .class(Class::DefaultedUnlessDeclared)
    .compare(Compare::DeclaredKeys)
    .update_call(UpdateCall::ModifyTargetGroupAttributes),
    row("targets", "registered by ECS; only addresses that belong to no task are taken out")
        .class(Class::Delegated)
        .compare(Compare::Never)
        .update_call(UpdateCall::DeregisterTargets),
    Row::new(ResourceKind::TargetGroup, UpdateCall::Tag, "tags", "declared tags and Evenkeel's own")
        .compare(Compare::DeclaredKeys),
];

pub(in crate::plan) struct TargetGroup;

impl ResourceType for TargetGroup {
    fn rows(&self) -> &'static [Row] {
        ROWS
    }

    fn create(&self, _: &ResourceId, fields: &Tree, tags: BTreeMap<String, String>) -> Vec<(Verb, Call)> {
        let mut fields = fields.clone();
        // CreateTargetGroup takes no attributes: they follow once the group is seen.
        fields.as_object_mut().map(|members| members.remove("attributes"));
        vec![(Verb::Create, Call::CreateTargetGroup { fields, tags })]
    }

    fn update(&self, with: UpdateCall, change: &Change<'_>) -> Option<Call> {
        let arn = change.arn.to_owned();
        if with == UpdateCall::ModifyTargetGroupAttributes {
            let attributes = texts(change.differences, "attributes.");
            return Some(Call::ModifyTargetGroupAttributes { arn, attributes });
        }
        let fields = || Value::Object(change.updated.clone());
        (with == UpdateCall::ModifyTargetGroup).then(|| Call::ModifyTargetGroup { arn, fields: fields() })
    }

    fn default_of(&self, fields: &Tree, path: &str) -> Option<&'static str> {
        let protocol = fields["protocol"].as_str()?;
        default_attribute(path.strip_prefix("attributes.")?, protocol, fields["targetType"].as_str()?)
    }

    fn tag(&self, arn: String, tags: BTreeMap<String, String>) -> Call {
        Call::TagElb { arn, tags }
    }

    fn untag(&self, arn: String, keys: BTreeSet<String>) -> Call {
        Call::UntagElb { arn, keys }
    }

    fn delete(&self, _: &ResourceId, resource: &ObservedResource) -> Call {
        Call::DeleteTargetGroup { arn: resource.arn.clone() }
    }

    /// A load balancer that forwards to it, or a service that registers tasks in it.
    fn used_by(&self, input: &PlanInput<'_>, group: &ObservedResource) -> Option<WaitingOn> {
        if let Some(by) = group.guests.first() {
            return Some(WaitingOn::InUse { by: by.clone() });
        }
        if let Some(balancer) = group.used_by.first() {
            let because = "it still forwards to the target group".to_owned();
            return Some(WaitingOn::LoadBalancer { name: balancer.clone(), because });
        }
        input.observed.all_services().find_map(|(id, found)| match found {
            Seen::Present(service) => {
                let uses = load_balancers(&service.fields)
                    .any(|balancer| balancer["targetGroupArn"] == group.arn.as_str());
                uses.then(|| WaitingOn::Draining { service: service.name.clone() })
            }
            Seen::Unknown(gap) => {
                Some(WaitingOn::Observation { because: format!("{}: {}", gap.operation, gap.code) })
            }
            Seen::NotRead => {
                Some(WaitingOn::Observation { because: format!("service {} was not looked at", id.key) })
            }
            Seen::Absent => None,
        })
    }
}

/// What an attribute is where nobody sets it. The name of an application's cookie has no default
/// that could be set: it says nothing once cookies of the load balancer are used again.
///
/// Source: Elastic Load Balancing v2 API, TargetGroupAttribute.
fn default_attribute(key: &str, protocol: &str, target_type: &str) -> Option<&'static str> {
    let is_web = matches!(protocol, "HTTP" | "HTTPS");
    let flag = |on: bool| Some(if on { "true" } else { "false" });
    match key {
        "deregistration_delay.timeout_seconds" => Some("300"),
        "stickiness.enabled" => flag(false),
        "stickiness.type" => Some(if is_web { "lb_cookie" } else { "source_ip" }),
        "load_balancing.cross_zone.enabled" => Some("use_load_balancer_configuration"),
        "target_group_health.dns_failover.minimum_healthy_targets.count"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count" => Some("1"),
        "target_group_health.dns_failover.minimum_healthy_targets.percentage"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" => Some("off"),
        "load_balancing.algorithm.type" if is_web => Some("round_robin"),
        "load_balancing.algorithm.anomaly_mitigation" if is_web => Some("off"),
        "slow_start.duration_seconds" if is_web => Some("0"),
        "stickiness.app_cookie.duration_seconds" | "stickiness.lb_cookie.duration_seconds" if is_web => {
            Some("86400")
        }
        "deregistration_delay.connection_termination.enabled" if !is_web => flag(protocol.contains("UDP")),
        "preserve_client_ip.enabled" if !is_web => {
            flag(target_type != "ip" || !matches!(protocol, "TCP" | "TLS"))
        }
        "proxy_protocol_v2.enabled" if !is_web => flag(false),
        "target_health_state.unhealthy.connection_termination.enabled" if !is_web => flag(true),
        "target_health_state.unhealthy.draining_interval_seconds" if !is_web => Some("0"),
        _ => None,
    }
}

/// The target groups of a service, as in CreateService.
pub(in crate::plan) fn load_balancers(fields: &Value) -> impl Iterator<Item = &Value> {
    fields["loadBalancers"].as_array().into_iter().flatten()
}
