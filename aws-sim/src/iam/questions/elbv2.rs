//! Elastic Load Balancing: "Actions, resources, and condition keys for AWS Elastic Load Balancing
//! V2". `elasticloadbalancing:CreateAction` and the tags are simulated, keys of listeners' and load
//! balancers' settings are not.

use serde_json::Value;

use super::{Asking, Tags, listed_tags, names};
use crate::{fields::Fields, iam::question::Question};

pub(super) fn of(asking: &Asking<'_>, action: &str) -> Option<Vec<Question>> {
    let input = asking.input;
    match asking.operation {
        // Nothing that describes knows resources.
        operation if operation.starts_with("Describe") => None,
        "CreateLoadBalancer" => {
            let kind = match input.text("Type") {
                Some("network") => "net",
                Some("gateway") => "gwy",
                _ => "app",
            };
            let name = input.text("Name").unwrap_or_default();
            let new = asking.arn("elasticloadbalancing", &format!("loadbalancer/{kind}/{name}/*"));
            Some(creation(input, action, Question::new(action, new.as_str()), new))
        }
        // Live: kubernetes-sigs/aws-load-balancer-controller#3372: `targetgroup/NAME/*`.
        "CreateTargetGroup" => {
            let name = input.text("Name").unwrap_or_default();
            let new = asking.arn("elasticloadbalancing", &format!("targetgroup/{name}/*"));
            Some(creation(input, action, Question::new(action, new.as_str()), new))
        }
        "CreateListener" => {
            let balancer = input.text("LoadBalancerArn").unwrap_or_default();
            let new = format!("{}/*", balancer.replacen(":loadbalancer/", ":listener/", 1));
            Some(creation(input, action, about(asking, action, balancer), new))
        }
        "CreateRule" => {
            let listener = input.text("ListenerArn").unwrap_or_default();
            let new = format!("{}/*", listener.replacen(":listener/", ":listener-rule/", 1));
            Some(creation(input, action, about(asking, action, listener), new))
        }
        "AddTags" => {
            let tags = tags(input);
            let arns = names(input, "ResourceArns");
            Some(arns.iter().map(|arn| about(asking, action, arn).giving(&tags)).collect())
        }
        "RemoveTags" => {
            let arns = names(input, "ResourceArns");
            let ask = |arn: &String| about(asking, action, arn).naming(names(input, "TagKeys"));
            Some(arns.iter().map(ask).collect())
        }
        "SetRulePriorities" => {
            let rules = input.items("RulePriorities").iter().filter_map(|rule| rule.text("RuleArn"));
            Some(rules.map(|rule| about(asking, action, rule)).collect())
        }
        "ModifyRule" | "DeleteRule" => Some(vec![about(asking, action, input.text("RuleArn")?)]),
        operation if operation.contains("TargetGroup") || operation.ends_with("Targets") => {
            Some(vec![about(asking, action, input.text("TargetGroupArn")?)])
        }
        operation if operation.contains("Listener") => {
            Some(vec![about(asking, action, input.text("ListenerArn")?)])
        }
        _ => Some(vec![about(asking, action, input.text("LoadBalancerArn")?)]),
    }
}

/// A question about a resource that is there, with its tags.
fn about(asking: &Asking<'_>, action: &str, arn: &str) -> Question {
    let none = Tags::new();
    let tags = asking.region.elbv2.tags_at(arn).unwrap_or(&none);
    Question::new(action, arn).of_resource("elasticloadbalancing", tags)
}

/// The creation itself and, when it gives tags, the right to tag: Elastic Load Balancing user
/// guide, "Grant permission to tag resources during creation".
fn creation(input: &Value, action: &str, own: Question, new: String) -> Vec<Question> {
    let tags = tags(input);
    let mut asked = vec![own.giving(&tags)];
    if !tags.is_empty() {
        let operation = action.trim_start_matches("elasticloadbalancing:");
        let tagging = Question::new("elasticloadbalancing:AddTags", new);
        asked.push(tagging.with("elasticloadbalancing:CreateAction", operation).giving(&tags));
    }
    asked
}

fn tags(input: &Value) -> Tags {
    listed_tags(input, "Tags", "Key", "Value")
}
