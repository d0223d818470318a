//! Load balancing's shapes as nouns of [`crate::model::observed`], in the form that resolved
//! desired trees have (see [`crate::model::desired::DesiredResource`]).
//!
//! AWS has several ways of saying one thing: a forward action with an ARN of its own or with a list
//! of weighted groups, a condition with plain values or with a config. What comes out here is
//! always the same one of them.

use crate::model::arn::listener_of_rule;
use crate::model::observed::{ObservedResource, ObservedTarget};
use crate::model::resource::Tree;
use aws_sdk_elasticloadbalancingv2::types;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// An object of the fields that are set.
fn object<const N: usize>(fields: [(&str, Option<Tree>); N]) -> Map<String, Tree> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn text<T: AsRef<str>>(value: Option<T>) -> Option<Tree> {
    value.map(|value| Tree::from(value.as_ref()))
}

fn number(value: Option<i32>) -> Option<Tree> {
    value.map(Tree::from)
}

fn resource(arn: Option<String>, fields: Map<String, Tree>) -> ObservedResource {
    let arn = arn.unwrap_or_default();
    ObservedResource::new(arn, Tree::Object(fields))
}

/// A load balancer: Evenkeel reads these and never changes them.
pub(super) fn load_balancer(found: types::LoadBalancer) -> ObservedResource {
    let (state, reason) = found.state.map(|state| (state.code, state.reason)).unwrap_or_default();
    let fields = object([
        ("name", text(found.load_balancer_name)),
        ("type", text(found.r#type.as_ref())),
        ("scheme", text(found.scheme.as_ref())),
        ("vpcId", text(found.vpc_id)),
        ("dnsName", text(found.dns_name)),
        ("state", text(state.as_ref())),
        ("stateReason", text(reason)),
    ]);
    resource(found.load_balancer_arn, fields)
}

/// A target group without attributes and tags.
pub(super) fn target_group(found: types::TargetGroup) -> ObservedResource {
    let matcher = found.matcher.map(|matcher| {
        let fields = object([("httpCode", text(matcher.http_code)), ("grpcCode", text(matcher.grpc_code))]);
        Tree::Object(fields)
    });
    // Of these protocols the version is HTTP1 unless another was asked for (API reference of
    // CreateTargetGroup).
    let http = matches!(found.protocol, Some(types::ProtocolEnum::Http | types::ProtocolEnum::Https));
    let version = found.protocol_version.or_else(|| http.then(|| "HTTP1".to_owned()));
    let fields = object([
        ("name", text(found.target_group_name)),
        ("protocol", text(found.protocol.as_ref())),
        ("protocolVersion", text(version)),
        ("port", number(found.port)),
        ("vpcId", text(found.vpc_id)),
        ("targetType", text(found.target_type.as_ref())),
        ("healthCheckProtocol", text(found.health_check_protocol.as_ref())),
        ("healthCheckPort", text(found.health_check_port)),
        ("healthCheckPath", text(found.health_check_path)),
        ("healthCheckIntervalSeconds", number(found.health_check_interval_seconds)),
        ("healthCheckTimeoutSeconds", number(found.health_check_timeout_seconds)),
        ("healthyThresholdCount", number(found.healthy_threshold_count)),
        ("unhealthyThresholdCount", number(found.unhealthy_threshold_count)),
        ("matcher", matcher),
        // These two cannot be declared; shown where they differ from AWS's default.
        ("ipAddressType", text(found.ip_address_type.filter(|kind| kind.as_str() != "ipv4"))),
        ("targetControlPort", number(found.target_control_port)),
    ]);
    let used_by = found.load_balancer_arns.unwrap_or_default();
    ObservedResource { used_by, ..resource(found.target_group_arn, fields) }
}

/// A listener without tags.
pub(super) fn listener(found: types::Listener) -> ObservedResource {
    let certificates = found.certificates.filter(|list| !list.is_empty()).map(|list| {
        let arns = list.into_iter().map(|certificate| json!({"certificateArn": certificate.certificate_arn}));
        Tree::Array(arns.collect())
    });
    let mutual = found.mutual_authentication;
    let fields = object([
        ("loadBalancerArn", text(found.load_balancer_arn)),
        ("port", number(found.port)),
        ("protocol", text(found.protocol.as_ref())),
        ("sslPolicy", text(found.ssl_policy)),
        ("certificates", certificates),
        ("alpnPolicy", found.alpn_policy.filter(|list| !list.is_empty()).map(Tree::from)),
        ("defaultActions", Some(actions(found.default_actions))),
        // Cannot be declared; shown where it is on.
        ("mutualAuthentication", text(mutual.and_then(|mutual| mutual.mode).filter(|mode| mode != "off"))),
    ]);
    resource(found.listener_arn, fields)
}

/// A rule without tags; `None` for a default rule, which is the listener's `defaultActions` by
/// another name.
pub(super) fn rule(found: types::Rule) -> Option<ObservedResource> {
    let priority: u32 = found.priority.as_deref()?.parse().ok()?;
    let transforms = found.transforms.filter(|list| !list.is_empty()).map(|list| {
        let kinds =
            list.into_iter().map(|transform| json!(transform.r#type.map(|kind| kind.as_str().to_owned())));
        Tree::Array(kinds.collect())
    });
    let fields = object([
        ("listenerArn", found.rule_arn.as_deref().and_then(listener_of_rule).map(Tree::from)),
        ("priority", Some(priority.into())),
        ("conditions", Some(conditions(found.conditions))),
        ("actions", Some(actions(found.actions))),
        // Cannot be declared; shown where there are any.
        ("transforms", transforms),
    ]);
    Some(resource(found.rule_arn, fields))
}

fn actions(found: Option<Vec<types::Action>>) -> Tree {
    let mut found = found.unwrap_or_default();
    found.sort_by_key(|action| action.order);
    Tree::Array(found.into_iter().map(|action| Tree::Object(self::action(action))).collect())
}

fn action(found: types::Action) -> Map<String, Tree> {
    let mut fields = object([("type", text(found.r#type.as_ref()))]);
    match found.r#type {
        Some(types::ActionTypeEnum::Forward) => {
            fields.extend(forward(found.forward_config, found.target_group_arn));
        }
        Some(types::ActionTypeEnum::Redirect) => {
            let config = found.redirect_config.map(|config| {
                Tree::Object(object([
                    ("protocol", text(config.protocol)),
                    ("port", text(config.port)),
                    ("host", text(config.host)),
                    ("path", text(config.path)),
                    ("query", text(config.query)),
                    ("statusCode", text(config.status_code.as_ref())),
                ]))
            });
            fields.extend(object([("redirectConfig", config)]));
        }
        Some(types::ActionTypeEnum::FixedResponse) => {
            let config = found.fixed_response_config.map(|config| {
                Tree::Object(object([
                    ("statusCode", text(config.status_code)),
                    ("contentType", text(config.content_type)),
                    ("messageBody", text(config.message_body)),
                ]))
            });
            fields.extend(object([("fixedResponseConfig", config)]));
        }
        // Authentication cannot be declared; its type alone makes the difference visible.
        _ => {}
    }
    fields
}

fn forward(config: Option<types::ForwardActionConfig>, lone_arn: Option<String>) -> Map<String, Tree> {
    let (groups, stickiness) = match config {
        Some(config) => (config.target_groups.unwrap_or_default(), config.target_group_stickiness_config),
        None => (Vec::new(), None),
    };
    let mut listed: Vec<Tree> = groups
        .into_iter()
        .map(|group| json!({"targetGroupArn": group.target_group_arn, "weight": group.weight.unwrap_or(1)}))
        .collect();
    if let Some(arn) = lone_arn.filter(|_| listed.is_empty()) {
        listed.push(json!({"targetGroupArn": arn, "weight": 1}));
    }
    let sticky = stickiness.filter(|stickiness| stickiness.enabled == Some(true));
    object([
        ("targetGroups", Some(Tree::Array(listed))),
        ("stickinessSeconds", number(sticky.and_then(|sticky| sticky.duration_seconds))),
    ])
}

fn conditions(found: Option<Vec<types::RuleCondition>>) -> Tree {
    let mut listed: Vec<_> =
        found.unwrap_or_default().into_iter().map(|found| Tree::Object(condition(found))).collect();
    // Several conditions may have one field (two headers, say), so the whole condition decides
    // among these.
    listed.sort_by_cached_key(|condition| (condition["field"].to_string(), condition.to_string()));
    Tree::Array(listed)
}

fn condition(found: types::RuleCondition) -> Map<String, Tree> {
    let plain = found.values.unwrap_or_default();
    let values = None
        .or(found.host_header_config.and_then(|config| config.values))
        .or(found.path_pattern_config.and_then(|config| config.values))
        .or(found.http_request_method_config.and_then(|config| config.values))
        .or(found.source_ip_config.and_then(|config| config.values))
        .filter(|values| !values.is_empty())
        .unwrap_or(plain);
    let header = found.http_header_config.map(|config| {
        let values = sorted(config.values.unwrap_or_default());
        json!({"httpHeaderName": config.http_header_name, "values": values})
    });
    let query = found.query_string_config.map(|config| {
        let mut pairs = config.values.unwrap_or_default();
        pairs.sort_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
        let pairs = pairs.into_iter().map(|pair| {
            Tree::Object(object([
                ("key", text(pair.key.filter(|key| !key.is_empty()))),
                ("value", text(pair.value)),
            ]))
        });
        json!({"values": pairs.collect::<Vec<_>>()})
    });
    let is_plain = header.is_none() && query.is_none() && !values.is_empty();
    object([
        ("field", text(found.field)),
        ("values", is_plain.then(|| sorted(values).into())),
        ("httpHeaderConfig", header),
        ("queryStringConfig", query),
        // Cannot be declared; shown so that the difference is.
        ("regexValues", found.regex_values.filter(|list| !list.is_empty()).map(Tree::from)),
    ])
}

fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort();
    values
}

/// A registered target; `None` when AWS does not say which.
pub(super) fn target(found: types::TargetHealthDescription) -> Option<ObservedTarget> {
    let target = found.target?;
    let health = found.target_health;
    let (state, reason, description) = match health {
        Some(health) => (health.state, health.reason, health.description),
        None => (None, None, None),
    };
    Some(ObservedTarget {
        id: target.id?,
        port: target.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
        state: state.map_or_else(|| "unavailable".to_owned(), |state| state.as_str().to_owned()),
        reason: reason.map(|reason| reason.as_str().to_owned()),
        description,
    })
}

/// Tags as a map.
pub(super) fn tags(found: Option<Vec<types::Tag>>) -> BTreeMap<String, String> {
    let found = found.unwrap_or_default().into_iter();
    found.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
