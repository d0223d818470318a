//! Writes: one function per call.

use super::inputs;
use crate::aws::budget::Category::{ElbTargets, ElbWrite};
use crate::aws::clients::Resend;
use crate::aws::write_result::{WriteResult, deleted_or_absent};
use crate::aws::{Clients, Error};
use crate::model::resource::Tree;
use aws_sdk_elasticloadbalancingv2::types;
use std::collections::{BTreeMap, BTreeSet};

/// Creates a target group; `attributes` in the tree are left to [`modify_target_group_attributes`].
/// May be sent again: with equal settings AWS gives the same group.
///
/// # Errors
///
/// What AWS answers, or that no answer came; a tree with unknown fields is not sent.
pub async fn create_target_group(
    clients: &Clients<'_>,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:CreateTargetGroup";
    let group: inputs::TargetGroupFields = inputs::read(OPERATION, fields)?;
    let request = clients
        .elb
        .create_target_group()
        .set_name(group.name)
        .set_protocol(group.protocol.as_deref().map(types::ProtocolEnum::from))
        .set_protocol_version(group.protocol_version)
        .set_port(group.port.map(i32::from))
        .set_vpc_id(group.vpc_id)
        .set_target_type(group.target_type.as_deref().map(types::TargetTypeEnum::from))
        .set_health_check_protocol(group.health_check_protocol.as_deref().map(types::ProtocolEnum::from))
        .set_health_check_port(group.health_check_port)
        .set_health_check_path(group.health_check_path)
        .set_health_check_interval_seconds(group.health_check_interval_seconds)
        .set_health_check_timeout_seconds(group.health_check_timeout_seconds)
        .set_healthy_threshold_count(group.healthy_threshold_count)
        .set_unhealthy_threshold_count(group.unhealthy_threshold_count)
        .set_matcher(group.matcher.map(inputs::matcher))
        .set_tags(inputs::tags(tags));
    let output = clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    let created = output.target_groups.into_iter().flatten().next();
    WriteResult::created(OPERATION, created.and_then(|group| group.target_group_arn))
}

/// Changes the given health check settings.
///
/// # Errors
///
/// What AWS answers, or that no answer came; fields that AWS cannot change are not sent.
pub async fn modify_target_group(
    clients: &Clients<'_>,
    arn: &str,
    fields: &Tree,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:ModifyTargetGroup";
    let group: inputs::TargetGroupFields = inputs::read(OPERATION, fields)?;
    inputs::refuse(
        OPERATION,
        &[
            ("name", group.name.is_some()),
            ("protocol", group.protocol.is_some()),
            ("protocolVersion", group.protocol_version.is_some()),
            ("port", group.port.is_some()),
            ("vpcId", group.vpc_id.is_some()),
            ("targetType", group.target_type.is_some()),
            ("attributes", !group.attributes.is_empty()),
        ],
    )?;
    let request = clients
        .elb
        .modify_target_group()
        .target_group_arn(arn)
        .set_health_check_protocol(group.health_check_protocol.as_deref().map(types::ProtocolEnum::from))
        .set_health_check_port(group.health_check_port)
        .set_health_check_path(group.health_check_path)
        .set_health_check_interval_seconds(group.health_check_interval_seconds)
        .set_health_check_timeout_seconds(group.health_check_timeout_seconds)
        .set_healthy_threshold_count(group.healthy_threshold_count)
        .set_unhealthy_threshold_count(group.unhealthy_threshold_count)
        .set_matcher(group.matcher.map(inputs::matcher));
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}

/// Sets the given attributes.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn modify_target_group_attributes(
    clients: &Clients<'_>,
    arn: &str,
    attributes: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:ModifyTargetGroupAttributes";
    let request = clients.elb.modify_target_group_attributes().target_group_arn(arn);
    let request = request.set_attributes(Some(inputs::attributes(attributes)));
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}

/// Deletes a target group that nothing uses.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there is none.
pub async fn delete_target_group(clients: &Clients<'_>, arn: &str) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:DeleteTargetGroup";
    let request = clients.elb.delete_target_group().target_group_arn(arn);
    deleted_or_absent(clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await)
}

/// Takes targets (id and port) out of a target group.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn deregister_targets(
    clients: &Clients<'_>,
    arn: &str,
    targets: &[(String, u16)],
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:DeregisterTargets";
    let target = |(id, port): &(String, u16)| {
        types::TargetDescription::builder().id(id).port(i32::from(*port)).build()
    };
    let request = clients.elb.deregister_targets().target_group_arn(arn);
    let request = request.set_targets(Some(targets.iter().map(target).collect()));
    clients.write(ElbTargets, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}

/// Creates a listener. May be sent again: with equal settings AWS gives the same listener.
///
/// # Errors
///
/// What AWS answers, or that no answer came; a tree with unknown fields is not sent.
pub async fn create_listener(
    clients: &Clients<'_>,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:CreateListener";
    let listener: inputs::ListenerFields = inputs::read(OPERATION, fields)?;
    let actions = listener.default_actions.map(|actions| inputs::actions(OPERATION, actions)).transpose()?;
    let request = clients
        .elb
        .create_listener()
        .set_load_balancer_arn(listener.load_balancer_arn)
        .set_port(listener.port.map(i32::from))
        .set_protocol(listener.protocol.as_deref().map(types::ProtocolEnum::from))
        .set_ssl_policy(listener.ssl_policy)
        .set_certificates(listener.certificates.map(inputs::certificates))
        .set_alpn_policy(listener.alpn_policy)
        .set_default_actions(actions)
        .set_tags(inputs::tags(tags));
    let output = clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    let created = output.listeners.into_iter().flatten().next();
    WriteResult::created(OPERATION, created.and_then(|listener| listener.listener_arn))
}

/// Changes the given fields of a listener.
///
/// # Errors
///
/// What AWS answers, or that no answer came; the load balancer of a listener cannot be changed.
pub async fn modify_listener(clients: &Clients<'_>, arn: &str, fields: &Tree) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:ModifyListener";
    let listener: inputs::ListenerFields = inputs::read(OPERATION, fields)?;
    inputs::refuse(OPERATION, &[("loadBalancerArn", listener.load_balancer_arn.is_some())])?;
    let actions = listener.default_actions.map(|actions| inputs::actions(OPERATION, actions)).transpose()?;
    let request = clients
        .elb
        .modify_listener()
        .listener_arn(arn)
        .set_port(listener.port.map(i32::from))
        .set_protocol(listener.protocol.as_deref().map(types::ProtocolEnum::from))
        .set_ssl_policy(listener.ssl_policy)
        .set_certificates(listener.certificates.map(inputs::certificates))
        .set_alpn_policy(listener.alpn_policy)
        .set_default_actions(actions);
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}

/// Deletes a listener with its rules.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there is none.
pub async fn delete_listener(clients: &Clients<'_>, arn: &str) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:DeleteListener";
    let request = clients.elb.delete_listener().listener_arn(arn);
    deleted_or_absent(clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await)
}

/// Creates a rule. Not sent twice: AWS would answer the second one with PriorityInUse.
///
/// # Errors
///
/// What AWS answers, or that no answer came; a tree with unknown fields is not sent.
pub async fn create_rule(
    clients: &Clients<'_>,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:CreateRule";
    let rule: inputs::RuleFields = inputs::read(OPERATION, fields)?;
    let priority = rule.priority.map(i32::try_from).transpose();
    let priority = priority.map_err(|_| Error::bad_tree(OPERATION, "`priority` is too large"))?;
    let actions = rule.actions.map(|actions| inputs::actions(OPERATION, actions)).transpose()?;
    let conditions =
        rule.conditions.map(|conditions| inputs::conditions(OPERATION, conditions)).transpose()?;
    let request = clients
        .elb
        .create_rule()
        .set_listener_arn(rule.listener_arn)
        .set_priority(priority)
        .set_conditions(conditions)
        .set_actions(actions)
        .set_tags(inputs::tags(tags));
    let output = clients.write(ElbWrite, OPERATION, Resend::Never, || request.clone().send()).await?;
    let created = output.rules.into_iter().flatten().next();
    WriteResult::created(OPERATION, created.and_then(|rule| rule.rule_arn))
}

/// Replaces all conditions, all actions, or both.
///
/// # Errors
///
/// What AWS answers, or that no answer came; listener and priority of a rule cannot be changed.
pub async fn modify_rule(clients: &Clients<'_>, arn: &str, fields: &Tree) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:ModifyRule";
    let rule: inputs::RuleFields = inputs::read(OPERATION, fields)?;
    let fixed = [("listenerArn", rule.listener_arn.is_some()), ("priority", rule.priority.is_some())];
    inputs::refuse(OPERATION, &fixed)?;
    let actions = rule.actions.map(|actions| inputs::actions(OPERATION, actions)).transpose()?;
    let conditions =
        rule.conditions.map(|conditions| inputs::conditions(OPERATION, conditions)).transpose()?;
    let request = clients.elb.modify_rule().rule_arn(arn).set_conditions(conditions).set_actions(actions);
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}

/// Moves rules of one listener to other priorities, all at once; ARNs with their new priorities.
///
/// # Errors
///
/// What AWS answers (`PriorityInUse`, when another rule has one of them), or that no answer came.
pub async fn set_rule_priorities(
    clients: &Clients<'_>,
    priorities: &BTreeMap<String, i32>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:SetRulePriorities";
    let pair = |(arn, priority): (&String, &i32)| {
        types::RulePriorityPair::builder().rule_arn(arn).priority(*priority).build()
    };
    let pairs = priorities.iter().map(pair).collect();
    let request = clients.elb.set_rule_priorities().set_rule_priorities(Some(pairs));
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::default())
}

/// Deletes a rule.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there is none.
pub async fn delete_rule(clients: &Clients<'_>, arn: &str) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:DeleteRule";
    let request = clients.elb.delete_rule().rule_arn(arn);
    deleted_or_absent(clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await)
}

/// Adds tags to a target group, listener or rule.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn add_tags(
    clients: &Clients<'_>,
    arn: &str,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:AddTags";
    let request = clients.elb.add_tags().resource_arns(arn).set_tags(inputs::tags(tags));
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}

/// Takes tags off a target group, listener or rule.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn remove_tags(
    clients: &Clients<'_>,
    arn: &str,
    keys: &BTreeSet<String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "elasticloadbalancing:RemoveTags";
    let keys = keys.iter().cloned().collect();
    let request = clients.elb.remove_tags().resource_arns(arn).set_tag_keys(Some(keys));
    clients.write(ElbWrite, OPERATION, Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::arn(arn))
}
