//! Trees to the SDK's load balancing requests, by hand: this service has no schema codec yet.
//!
//! The structs here are the resolved trees (see [`crate::model::desired::DesiredResource`]) with
//! every field optional, because the same ones describe a creation and a change of a few fields.
//! Unknown fields are errors.

use crate::aws::Error;
use crate::model::kinds::load_balancing::{
    Certificate, FixedResponse, ListenerAction, Matcher, Redirect, RuleCondition, WeightedTargetGroup,
};
use crate::model::resource::Tree;
use aws_sdk_elasticloadbalancingv2::types;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A target group's tree.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct TargetGroupFields {
    pub name: Option<String>,
    pub protocol: Option<String>,
    pub protocol_version: Option<String>,
    pub port: Option<u16>,
    pub vpc_id: Option<String>,
    pub target_type: Option<String>,
    pub health_check_protocol: Option<String>,
    pub health_check_port: Option<String>,
    pub health_check_path: Option<String>,
    pub health_check_interval_seconds: Option<i32>,
    pub health_check_timeout_seconds: Option<i32>,
    pub healthy_threshold_count: Option<i32>,
    pub unhealthy_threshold_count: Option<i32>,
    pub matcher: Option<Matcher>,
    /// Not part of Create- or ModifyTargetGroup; set by a call of their own once the group is
    /// there.
    pub attributes: BTreeMap<String, String>,
}

/// A listener's tree.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ListenerFields {
    pub load_balancer_arn: Option<String>,
    pub port: Option<u16>,
    pub protocol: Option<String>,
    pub ssl_policy: Option<String>,
    pub certificates: Option<Vec<Certificate>>,
    pub alpn_policy: Option<Vec<String>>,
    pub default_actions: Option<Vec<ListenerAction>>,
}

/// A rule's tree.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RuleFields {
    pub listener_arn: Option<String>,
    pub priority: Option<u32>,
    pub conditions: Option<Vec<RuleCondition>>,
    pub actions: Option<Vec<ListenerAction>>,
}

/// Reads a tree.
pub(super) fn read<T: DeserializeOwned>(operation: &'static str, tree: &Tree) -> Result<T, Error> {
    T::deserialize(tree).map_err(|error| Error::bad_tree(operation, error.to_string()))
}

/// Says no to fields that a call cannot carry.
pub(super) fn refuse(operation: &'static str, fields: &[(&str, bool)]) -> Result<(), Error> {
    let given: Vec<_> =
        fields.iter().filter(|(_, given)| *given).map(|(name, _)| format!("`{name}`")).collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(Error::bad_tree(operation, format!("cannot change {}", given.join(", "))))
}

pub(super) fn tags(tags: &BTreeMap<String, String>) -> Option<Vec<types::Tag>> {
    let tag = |(key, value): (&String, &String)| types::Tag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

pub(super) fn attributes(attributes: &BTreeMap<String, String>) -> Vec<types::TargetGroupAttribute> {
    attributes
        .iter()
        .map(|(key, value)| types::TargetGroupAttribute::builder().key(key).value(value).build())
        .collect()
}

pub(super) fn matcher(matcher: Matcher) -> types::Matcher {
    types::Matcher::builder().set_http_code(matcher.http_code).set_grpc_code(matcher.grpc_code).build()
}

pub(super) fn certificates(certificates: Vec<Certificate>) -> Vec<types::Certificate> {
    let certificate = |declared: Certificate| {
        types::Certificate::builder().certificate_arn(declared.certificate_arn).build()
    };
    certificates.into_iter().map(certificate).collect()
}

pub(super) fn actions(
    operation: &'static str,
    actions: Vec<ListenerAction>,
) -> Result<Vec<types::Action>, Error> {
    // An order is only asked for where there are several.
    let ordered = actions.len() > 1;
    (1..)
        .zip(actions)
        .map(|(order, declared)| action(operation, declared, ordered.then_some(order)))
        .collect()
}

fn action(
    operation: &'static str,
    declared: ListenerAction,
    order: Option<i32>,
) -> Result<types::Action, Error> {
    if declared.target_group.is_some() {
        return Err(unresolved(operation));
    }
    let forwards = !declared.target_groups.is_empty();
    let forward = forwards
        .then(|| forward(operation, declared.target_groups, declared.stickiness_seconds))
        .transpose()?;
    // A single group goes by its ARN alone: load balancers that know one group only refuse a list
    // with a weight (crossplane-contrib/provider-upjet-aws#1771).
    let lone = forward.as_ref().and_then(|config| match config.target_groups() {
        [group] if config.target_group_stickiness_config().is_none() => group.target_group_arn.clone(),
        _ => None,
    });
    let forward = forward.filter(|_| lone.is_none());
    Ok(types::Action::builder()
        .r#type(types::ActionTypeEnum::from(declared.kind.as_str()))
        .set_order(order)
        .set_target_group_arn(lone)
        .set_forward_config(forward)
        .set_redirect_config(declared.redirect_config.map(redirect))
        .set_fixed_response_config(declared.fixed_response_config.map(fixed_response))
        .build())
}

fn forward(
    operation: &'static str,
    groups: Vec<WeightedTargetGroup>,
    stickiness_seconds: Option<u32>,
) -> Result<types::ForwardActionConfig, Error> {
    let group = |group: WeightedTargetGroup| {
        let arn = group.target_group_arn.ok_or_else(|| unresolved(operation))?;
        Ok(types::TargetGroupTuple::builder().target_group_arn(arn).set_weight(group.weight).build())
    };
    let groups = groups.into_iter().map(group).collect::<Result<Vec<_>, Error>>()?;
    let sticky = |seconds: u32| {
        let seconds = i32::try_from(seconds)
            .map_err(|_| Error::bad_tree(operation, "`stickinessSeconds` is too large"))?;
        let config = types::TargetGroupStickinessConfig::builder();
        Ok::<_, Error>(config.enabled(true).duration_seconds(seconds).build())
    };
    Ok(types::ForwardActionConfig::builder()
        .set_target_groups(Some(groups))
        .set_target_group_stickiness_config(stickiness_seconds.map(sticky).transpose()?)
        .build())
}

fn unresolved(operation: &'static str) -> Error {
    Error::bad_tree(operation, "an action still names a target group by key")
}

fn redirect(redirect: Redirect) -> types::RedirectActionConfig {
    types::RedirectActionConfig::builder()
        .set_protocol(redirect.protocol)
        .set_port(redirect.port)
        .set_host(redirect.host)
        .set_path(redirect.path)
        .set_query(redirect.query)
        .status_code(types::RedirectActionStatusCodeEnum::from(redirect.status_code.as_str()))
        .build()
}

fn fixed_response(response: FixedResponse) -> types::FixedResponseActionConfig {
    types::FixedResponseActionConfig::builder()
        .status_code(response.status_code)
        .set_content_type(response.content_type)
        .set_message_body(response.message_body)
        .build()
}

pub(super) fn conditions(
    operation: &'static str,
    conditions: Vec<RuleCondition>,
) -> Result<Vec<types::RuleCondition>, Error> {
    conditions.into_iter().map(|declared| condition(operation, declared)).collect()
}

/// AWS takes bare `Values` for two fields only, and the `…Config` of each field for all; this
/// always gives the latter.
fn condition(operation: &'static str, declared: RuleCondition) -> Result<types::RuleCondition, Error> {
    let condition = types::RuleCondition::builder().field(&declared.field);
    let values = Some(declared.values);
    Ok(match declared.field.as_str() {
        "host-header" => condition
            .host_header_config(types::HostHeaderConditionConfig::builder().set_values(values).build()),
        "path-pattern" => condition
            .path_pattern_config(types::PathPatternConditionConfig::builder().set_values(values).build()),
        "http-request-method" => condition.http_request_method_config(
            types::HttpRequestMethodConditionConfig::builder().set_values(values).build(),
        ),
        "source-ip" => {
            condition.source_ip_config(types::SourceIpConditionConfig::builder().set_values(values).build())
        }
        "http-header" => condition.set_http_header_config(declared.http_header_config.map(|header| {
            types::HttpHeaderConditionConfig::builder()
                .http_header_name(header.http_header_name)
                .set_values(Some(header.values))
                .build()
        })),
        "query-string" => condition.set_query_string_config(declared.query_string_config.map(|query| {
            let pairs = query.values.into_iter().map(|pair| {
                types::QueryStringKeyValuePair::builder().set_key(pair.key).value(pair.value).build()
            });
            types::QueryStringConditionConfig::builder().set_values(Some(pairs.collect())).build()
        })),
        other => return Err(Error::bad_tree(operation, format!("unknown condition field `{other}`"))),
    }
    .build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OP: &str = "elasticloadbalancing:CreateRule";

    #[test]
    fn an_unknown_field_is_an_error_that_names_it() {
        let error = read::<RuleFields>(OP, &json!({"priority": 1, "listener": "https"})).unwrap_err();
        assert!(error.message.contains("unknown field `listener`"), "{}", error.message);
        assert!(error.answered() && !error.retry());
    }

    #[test]
    fn a_key_that_was_not_resolved_is_not_sent() {
        for action in [
            json!({"type": "forward", "targetGroup": "web"}),
            json!({"type": "forward", "targetGroups": [{"targetGroup": "web", "weight": 1}]}),
        ] {
            let rule: RuleFields = read(OP, &json!({"actions": [action]})).unwrap();
            let error = actions(OP, rule.actions.unwrap()).unwrap_err();
            assert_eq!(error.message, "an action still names a target group by key");
        }
    }

    #[test]
    fn several_actions_are_put_in_order_and_one_is_not() {
        let fixed = json!({"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404"}});
        let rule: RuleFields = read(OP, &json!({"actions": [fixed]})).unwrap();
        assert_eq!(actions(OP, rule.actions.unwrap()).unwrap()[0].order, None);
        let rule: RuleFields = read(OP, &json!({"actions": [fixed, fixed]})).unwrap();
        let orders: Vec<_> =
            actions(OP, rule.actions.unwrap()).unwrap().into_iter().map(|action| action.order).collect();
        assert_eq!(orders, [Some(1), Some(2)]);
    }

    #[test]
    fn stickiness_is_off_unless_it_is_declared() {
        let group = json!([{"targetGroupArn": "arn:tg", "weight": 3}, {"targetGroupArn": "arn:other"}]);
        let plain = json!({"type": "forward", "targetGroups": group});
        let rule: RuleFields = read(OP, &json!({"actions": [plain]})).unwrap();
        let action = actions(OP, rule.actions.unwrap()).unwrap().remove(0);
        let forward = action.forward_config.unwrap();
        assert_eq!(forward.target_group_stickiness_config, None);
        assert_eq!(forward.target_groups()[0].weight, Some(3));
    }

    #[test]
    fn a_single_group_goes_by_its_arn_alone_and_several_as_a_list() {
        let forward = |groups: Tree, sticky: Option<u32>| {
            let action = json!({"type": "forward", "targetGroups": groups, "stickinessSeconds": sticky});
            let rule: RuleFields = read(OP, &json!({"actions": [action]})).unwrap();
            actions(OP, rule.actions.unwrap()).unwrap().remove(0)
        };
        let blue = json!([{"targetGroupArn": "arn:blue", "weight": 1}]);
        let one = forward(blue.clone(), None);
        assert_eq!((one.target_group_arn.as_deref(), one.forward_config), (Some("arn:blue"), None));
        let sticky = forward(blue, Some(60));
        assert!(sticky.target_group_arn.is_none() && sticky.forward_config.is_some());
        let two = forward(
            json!([{"targetGroupArn": "arn:blue", "weight": 9}, {"targetGroupArn": "arn:green", "weight": 1}]),
            None,
        );
        assert_eq!(two.target_group_arn, None);
    }

    #[test]
    fn what_a_call_cannot_change_is_named() {
        let error = refuse(OP, &[("port", true), ("name", false), ("vpcId", true)]).unwrap_err();
        assert_eq!(error.message, "cannot change `port`, `vpcId`");
    }

    #[test]
    fn a_condition_on_an_unknown_field_is_an_error() {
        let rule: RuleFields =
            read(OP, &json!({"conditions": [{"field": "moon", "values": ["full"]}]})).unwrap();
        let error = conditions(OP, rule.conditions.unwrap()).unwrap_err();
        assert_eq!(error.message, "unknown condition field `moon`");
    }
}
