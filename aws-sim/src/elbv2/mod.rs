//! Elastic Load Balancing v2: load balancers, target groups, listeners, rules and the health of
//! targets.
//!
//! Nothing runs in the background. A load balancer's provisioning, a target's health and the end of
//! draining are computed from the time of the call, so the same calls at the same times give the
//! same answers.
//!
//! What ECS itself does with target groups is in [`targets`]; it does not count as an API call.
//! Requests of clients come through [`crate::traffic`].

mod actions;
mod answers;
mod attributes;
mod balancing;
mod checks;
mod conditions;
mod errors;
mod health;
mod limits;
mod listeners;
mod load_balancers;
mod matching;
mod paging;
mod routing;
mod rules;
mod shapes;
mod tags;
mod target;
mod target_groups;
pub mod targets;
mod weights;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use self::answers::TargetAnswers;
pub(crate) use self::balancing::{Choice, Reached};
use self::listeners::Listener;
use self::load_balancers::LoadBalancer;
pub(crate) use self::matching::samples;
pub(crate) use self::routing::{Route, Way};
use self::rules::Rule;
use self::target_groups::TargetGroup;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::form::Form;
use crate::xml::{self, XmlBody};

/// All load balancing of one account in one region. Everything is keyed by ARN.
#[derive(Debug, Clone, Default)]
pub struct Elbv2 {
    load_balancers: BTreeMap<String, LoadBalancer>,
    target_groups: BTreeMap<String, TargetGroup>,
    listeners: BTreeMap<String, Listener>,
    rules: BTreeMap<String, Rule>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    /// How many listeners and rules of each load balancer forward to each target group: target
    /// group → load balancer → count. Kept up to date by every change, so that looking at one
    /// target stays cheap.
    uses: BTreeMap<String, BTreeMap<String, u32>>,
    /// Addresses at which nothing answers.
    silent: BTreeSet<String>,
}

impl Elbv2 {
    /// Answers one awsQuery action.
    ///
    /// # Errors
    /// The service's own error codes; `InvalidAction` for an action that is not simulated.
    pub fn handle(&mut self, ctx: &mut Ctx<'_>, action: &str, form: &Form) -> Result<XmlBody, ApiError> {
        shapes::admit(action, form)?;
        let result = match self.load_balancer_action(ctx, action, form) {
            Some(result) => result,
            None => match self.target_action(ctx, action, form) {
                Some(result) => result,
                None => self.other_action(ctx, action, form),
            },
        }?;
        Ok(XmlBody::new(xml::ELBV2, result))
    }

    fn load_balancer_action(
        &mut self,
        ctx: &mut Ctx<'_>,
        action: &str,
        form: &Form,
    ) -> Option<Result<Value, ApiError>> {
        Some(match action {
            "CreateLoadBalancer" => self.create_load_balancer(ctx, form),
            "DescribeLoadBalancers" => self.describe_load_balancers(ctx, form),
            "DeleteLoadBalancer" => self.delete_load_balancer(form),
            "DescribeLoadBalancerAttributes" => self.describe_load_balancer_attributes(form),
            "ModifyLoadBalancerAttributes" => self.modify_load_balancer_attributes(form),
            "SetSecurityGroups" => self.set_security_groups(form),
            "SetSubnets" => self.set_subnets(ctx, form),
            "CreateListener" => self.create_listener(ctx, form),
            "DescribeListeners" => self.describe_listeners(form),
            "ModifyListener" => self.modify_listener(ctx, form),
            "DeleteListener" => self.delete_listener(form),
            "DescribeListenerAttributes" => self.describe_listener_attributes(form),
            "ModifyListenerAttributes" => self.modify_listener_attributes(form),
            "AddListenerCertificates" => self.add_listener_certificates(form),
            "DescribeListenerCertificates" => self.describe_listener_certificates(form),
            "RemoveListenerCertificates" => self.remove_listener_certificates(form),
            _ => return None,
        })
    }

    fn target_action(
        &mut self,
        ctx: &mut Ctx<'_>,
        action: &str,
        form: &Form,
    ) -> Option<Result<Value, ApiError>> {
        Some(match action {
            "CreateTargetGroup" => self.create_target_group(ctx, form),
            "DescribeTargetGroups" => self.describe_target_groups(form),
            "ModifyTargetGroup" => self.modify_target_group(ctx, form),
            "DeleteTargetGroup" => self.delete_target_group(form),
            "DescribeTargetGroupAttributes" => self.describe_target_group_attributes(form),
            "ModifyTargetGroupAttributes" => self.modify_target_group_attributes(form),
            "RegisterTargets" => self.register_targets(ctx, form),
            "DeregisterTargets" => self.deregister_targets(ctx, form),
            "DescribeTargetHealth" => self.describe_target_health(ctx, form),
            _ => return None,
        })
    }

    fn other_action(&mut self, ctx: &mut Ctx<'_>, action: &str, form: &Form) -> Result<Value, ApiError> {
        match action {
            "CreateRule" => self.create_rule(ctx, form),
            "DescribeRules" => self.describe_rules(form),
            "ModifyRule" => self.modify_rule(ctx, form),
            "DeleteRule" => self.delete_rule(form),
            "SetRulePriorities" => self.set_rule_priorities(form),
            "AddTags" => self.add_tags(form),
            "RemoveTags" => self.remove_tags(form),
            "DescribeTags" => self.describe_tags(form),
            "DescribeSSLPolicies" => limits::describe_ssl_policies(form),
            "DescribeAccountLimits" => limits::describe_account_limits(form),
            other => Err(errors::bad(
                "InvalidAction",
                format!("Could not find operation {other} for version 2015-12-01"),
            )),
        }
    }

    /// Load balancers that forward to a target group, through any listener or rule.
    fn load_balancers_of(&self, target_group: &str) -> Vec<String> {
        self.uses.get(target_group).map(|by_lb| by_lb.keys().cloned().collect()).unwrap_or_default()
    }

    /// Notes that one more listener or rule of a load balancer forwards to these target groups.
    /// Targets of a group that was unused until now begin their initial health checks.
    fn link(&mut self, ctx: &Ctx<'_>, load_balancer: &str, target_groups: &[String]) {
        for arn in target_groups {
            let by_lb = self.uses.entry(arn.clone()).or_default();
            let first = by_lb.is_empty();
            *by_lb.entry(load_balancer.to_owned()).or_default() += 1;
            if let (true, Some(group)) = (first, self.target_groups.get_mut(arn)) {
                group.restart_checks(ctx.now);
            }
        }
    }

    /// Takes back what [`Elbv2::link`] noted.
    fn unlink(&mut self, load_balancer: &str, target_groups: &[String]) {
        for arn in target_groups {
            let Some(by_lb) = self.uses.get_mut(arn) else { continue };
            if let Some(count) = by_lb.get_mut(load_balancer) {
                *count -= 1;
                if *count == 0 {
                    by_lb.remove(load_balancer);
                }
            }
            if by_lb.is_empty() {
                self.uses.remove(arn);
            }
        }
    }
}
