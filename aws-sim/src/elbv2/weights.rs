//! What ECS writes into rules when it shifts the traffic of a service. None of this is an API
//! call.

use serde_json::{Value, json};

use super::Elbv2;
use super::actions::Actions;
use crate::ctx::Ctx;

impl Elbv2 {
    /// Makes a rule, or the default actions of a listener, forward to target groups by weight.
    /// Answers whether there is such a rule or listener. The single `TargetGroupArn` of the action
    /// disappears, as go-to-k/cdk-real-drift#1730 has seen it.
    pub fn weigh(&mut self, ctx: &Ctx<'_>, arn: &str, weights: &[(String, i64)]) -> bool {
        let listener = match self.rules.get(arn) {
            Some(rule) if rule.is_default() => rule.listener.clone(),
            Some(rule) => {
                let listener = rule.listener.clone();
                let Some(balancer) = self.listeners.get(&listener).map(|own| own.load_balancer.clone())
                else {
                    return false;
                };
                let before = rule.actions.clone();
                let after = weighed(&before, weights);
                self.link(ctx, &balancer, &after.forwards);
                self.unlink(&balancer, &before.forwards);
                if let Some(rule) = self.rules.get_mut(arn) {
                    rule.actions = after;
                }
                return true;
            }
            None => arn.to_owned(),
        };
        let Some(found) = self.listeners.get(&listener) else { return false };
        let (balancer, before) = (found.load_balancer.clone(), found.actions.clone());
        let after = weighed(&before, weights);
        self.link(ctx, &balancer, &after.forwards);
        self.unlink(&balancer, &before.forwards);
        if let Some(found) = self.listeners.get_mut(&listener) {
            found.actions = after;
        }
        true
    }
}

/// The actions with their last one, which routes, forwarding to the groups. What else the action
/// says of stickiness stays.
fn weighed(before: &Actions, weights: &[(String, i64)]) -> Actions {
    let mut list = before.list.clone();
    let last = list.pop().unwrap_or(Value::Null);
    let groups: Vec<Value> =
        weights.iter().map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight})).collect();
    let sticky = match &last["ForwardConfig"]["TargetGroupStickinessConfig"] {
        Value::Null => json!({"Enabled": false}),
        kept => kept.clone(),
    };
    let config = json!({"TargetGroups": groups, "TargetGroupStickinessConfig": sticky});
    let mut action = json!({"Type": "forward", "ForwardConfig": config});
    if let Some(order) = last.get("Order") {
        action["Order"] = order.clone();
    }
    list.push(action);
    Actions { list, forwards: weights.iter().map(|(arn, _)| arn.clone()).collect() }
}
