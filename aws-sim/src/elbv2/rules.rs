//! Rules of listeners. Every listener has a default rule, which mirrors the listener's default
//! actions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::actions::Actions;
use super::errors::{bad, check_arn, invalid, rule_not_found};
use super::listeners::Listener;
use super::{Elbv2, conditions, listeners, paging, tags};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::form::Form;

/// Rules that one load balancer may have beside the default ones.
const MOST_RULES: usize = 100;

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub listener: String,
    /// `None` for the default rule.
    priority: Option<i64>,
    conditions: Vec<Value>,
    /// Empty for the default rule: its actions are the listener's.
    pub actions: Actions,
    transforms: Vec<Value>,
}

impl Rule {
    /// Whether it mirrors its listener's default actions.
    pub(super) fn is_default(&self) -> bool {
        self.priority.is_none()
    }

    fn sort_key(&self) -> i64 {
        self.priority.unwrap_or(i64::from(u32::MAX))
    }
}

impl Elbv2 {
    /// ARNs of a listener's rules.
    pub(super) fn rules_of(&self, listener: &str) -> Vec<String> {
        // A rule's ARN begins as its listener's does, which makes this a short range instead of a
        // search.
        let start = listener.replacen(":listener/", ":listener-rule/", 1) + "/";
        let range = self.rules.range(start.clone()..);
        range.take_while(|(arn, _)| arn.starts_with(&start)).map(|(arn, _)| arn.clone()).collect()
    }

    fn new_rule_arn(ctx: &mut Ctx<'_>, listener: &str) -> String {
        let id = ctx.hex(16);
        format!("{}/{id}", listener.replacen(":listener/", ":listener-rule/", 1))
    }

    pub(super) fn add_default_rule(&mut self, ctx: &mut Ctx<'_>, listener: &str) {
        let rule = Rule {
            listener: listener.to_owned(),
            priority: None,
            conditions: Vec::new(),
            actions: Actions::default(),
            transforms: Vec::new(),
        };
        self.rules.insert(Self::new_rule_arn(ctx, listener), rule);
    }

    fn rule(&self, arn: &str) -> Result<&Rule, ApiError> {
        check_arn(arn, "listener-rule", "rule")?;
        self.rules.get(arn).ok_or_else(rule_not_found)
    }

    fn rule_view(&self, arn: &str) -> Option<Value> {
        let rule = self.rules.get(arn)?;
        let actions = match rule.priority {
            Some(_) => &rule.actions.list,
            None => &self.listeners.get(&rule.listener)?.actions.list,
        };
        Some(json!({
            "RuleArn": arn,
            "Priority": rule.priority.map_or_else(|| "default".to_owned(), |p| p.to_string()),
            "Conditions": rule.conditions,
            "Actions": actions,
            "IsDefault": rule.priority.is_none(),
            "Transforms": rule.transforms,
        }))
    }

    /// A listener's rules in the order in which they are asked, with their conditions; the default
    /// rule comes last.
    pub(super) fn rules_in_order(&self, listener: &str) -> Vec<(&str, &[Value])> {
        let start = listener.replacen(":listener/", ":listener-rule/", 1) + "/";
        let range = self.rules.range(start.clone()..);
        let mut own: Vec<_> = range.take_while(|(arn, _)| arn.starts_with(&start)).collect();
        own.sort_by_key(|(_, rule)| rule.sort_key());
        own.into_iter().map(|(arn, rule)| (arn.as_str(), rule.conditions.as_slice())).collect()
    }

    /// What a rule does: the default rule does what its listener does.
    pub(super) fn actions_of<'a>(&'a self, rule: &str, listener: &'a Listener) -> &'a [Value] {
        let own = self.rules.get(rule).filter(|rule| rule.priority.is_some());
        own.map_or(&listener.actions.list, |rule| &rule.actions.list)
    }

    fn priority_taken(&self, listener: &str, priority: i64) -> bool {
        self.rules_of(listener).iter().any(|arn| self.rules[arn].priority == Some(priority))
    }

    pub(super) fn create_rule(&mut self, ctx: &mut Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let listener_arn = form.require("ListenerArn")?;
        let listener = self.listener(listener_arn)?;
        let lb = listener.load_balancer.clone();
        if !self.balancer(&lb)?.kind.starts_with("app") {
            return Err(bad(
                "UnsupportedProtocol",
                "Rules can only be added to listeners of an application load balancer",
            ));
        }
        let priority = form.number("Priority")?.ok_or_else(|| crate::form::null_member("Priority"))?;
        let conditions = conditions::read(form)?;
        let actions = Actions::read(self, form, "Actions")?;
        listeners::check_actions(listener.protocol.as_deref(), &actions)?;
        listeners::check_groups(self, &lb, listener.protocol.as_deref(), &actions)?;
        let tags = tags::read(form)?;
        if self.priority_taken(listener_arn, priority) {
            return Err(bad("PriorityInUse", format!("Priority '{priority}' is currently in use")));
        }
        let prefix = lb.replacen(":loadbalancer/", ":listener-rule/", 1) + "/";
        let mine = self.rules.range(prefix.clone()..).take_while(|(arn, _)| arn.starts_with(&prefix));
        if mine.filter(|(_, rule)| rule.priority.is_some()).count() >= MOST_RULES {
            return Err(bad("TooManyRules", format!("A load balancer can only have '{MOST_RULES}' rules")));
        }
        let arn = Self::new_rule_arn(ctx, listener_arn);
        self.link(ctx, &lb, &actions.forwards);
        let transforms = form.structs("Transforms").into_iter().map(Form::to_value).collect();
        let listener = listener_arn.to_owned();
        self.rules.insert(
            arn.clone(),
            Rule { listener, priority: Some(priority), conditions, actions, transforms },
        );
        self.tags.insert(arn.clone(), tags);
        Ok(json!({"Rules": [self.rule_view(&arn)]}))
    }

    pub(super) fn describe_rules(&self, form: &Form) -> Result<Value, ApiError> {
        let arns = form.list("RuleArns");
        let listener = form.get("ListenerArn").filter(|a| !a.is_empty());
        let found = match listener {
            Some(_) if !arns.is_empty() => {
                return Err(invalid("Rule ARNs and a listener ARN cannot be specified at the same time"));
            }
            None if arns.is_empty() => {
                return Err(invalid("You must specify either listener ARN or rule ARNs"));
            }
            Some(listener) => {
                self.listener(listener)?;
                self.rules_of(listener)
            }
            None => {
                arns.iter().try_for_each(|arn| self.rule(arn).map(|_| ()))?;
                arns
            }
        };
        let mut views: Vec<(String, Value)> = found
            .into_iter()
            .filter_map(|arn| {
                Some((format!("{:010}{arn}", self.rules.get(&arn)?.sort_key()), self.rule_view(&arn)?))
            })
            .collect();
        views.sort_by(|a, b| a.0.cmp(&b.0));
        views.dedup_by(|a, b| a.0 == b.0);
        paging::page(views, "Rules", form)
    }

    pub(super) fn modify_rule(&mut self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("RuleArn")?;
        let before = self.rule(arn)?.clone();
        if before.priority.is_none() {
            return Err(bad("OperationNotPermitted", format!("Default rule '{arn}' cannot be modified")));
        }
        let mut changed = before.clone();
        if form.has("Conditions") {
            changed.conditions = conditions::read(form)?;
        }
        let listener = self.listener(&before.listener)?;
        let lb = listener.load_balancer.clone();
        if form.has("Actions") {
            changed.actions = Actions::read(self, form, "Actions")?;
            listeners::check_actions(listener.protocol.as_deref(), &changed.actions)?;
            listeners::check_groups(self, &lb, listener.protocol.as_deref(), &changed.actions)?;
        }
        if form.flag("ResetTransforms")? == Some(true) {
            changed.transforms.clear();
        } else if form.has("Transforms") {
            changed.transforms = form.structs("Transforms").into_iter().map(Form::to_value).collect();
        }
        self.link(ctx, &lb, &changed.actions.forwards);
        self.unlink(&lb, &before.actions.forwards);
        self.rules.insert(arn.to_owned(), changed);
        Ok(json!({"Rules": [self.rule_view(arn)]}))
    }

    pub(super) fn delete_rule(&mut self, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("RuleArn")?;
        if self.rule(arn)?.priority.is_none() {
            return Err(bad("OperationNotPermitted", format!("Default rule '{arn}' cannot be deleted")));
        }
        self.remove_rule(arn);
        Ok(json!({}))
    }

    /// Removes a rule, whichever it is.
    pub(super) fn remove_rule(&mut self, arn: &str) {
        let Some(rule) = self.rules.remove(arn) else { return };
        if let Some(lb) = self.listeners.get(&rule.listener).map(|l| l.load_balancer.clone()) {
            self.unlink(&lb, &rule.actions.forwards);
        }
        self.tags.remove(arn);
    }

    pub(super) fn set_rule_priorities(&mut self, form: &Form) -> Result<Value, ApiError> {
        let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
        for pair in form.structs("RulePriorities") {
            let arn = pair.require("RuleArn")?;
            let priority = pair.number("Priority")?.ok_or_else(|| crate::form::null_member("Priority"))?;
            if self.rule(arn)?.priority.is_none() {
                return Err(bad("OperationNotPermitted", format!("Default rule '{arn}' cannot be modified")));
            }
            wanted.insert(arn.to_owned(), priority);
        }
        if wanted.is_empty() {
            return Err(crate::form::null_member("RulePriorities"));
        }
        self.check_priorities(&wanted)?;
        for (arn, priority) in &wanted {
            if let Some(rule) = self.rules.get_mut(arn) {
                rule.priority = Some(*priority);
            }
        }
        let views: Vec<Value> = wanted.keys().filter_map(|arn| self.rule_view(arn)).collect();
        Ok(json!({"Rules": views}))
    }

    /// That no two rules of a listener end up with one priority. Rules may swap theirs in one call.
    fn check_priorities(&self, wanted: &BTreeMap<String, i64>) -> Result<(), ApiError> {
        for (arn, priority) in wanted {
            let listener = &self.rules[arn].listener;
            let clash = self.rules_of(listener).iter().any(|other| {
                other != arn && wanted.get(other).copied().or(self.rules[other].priority) == Some(*priority)
            });
            if clash {
                return Err(bad("PriorityInUse", format!("Priority '{priority}' is currently in use")));
            }
        }
        Ok(())
    }
}
