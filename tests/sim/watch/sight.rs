//! No action on something that was not seen in the same pass.
//!
//! A pass reads, keeps its intent, writes, and keeps what came of it. So between the save that ends
//! the writes of one pass and the first write of the next one, what is written must have been read,
//! with an answer.

use super::CheckResult;
use super::call::Parsed;
use super::facts::Facts;
use aws_sim::Sim;
use aws_sim::wire::Service;
use std::collections::BTreeMap;

/// State of the checker.
#[derive(Debug, Default)]
pub struct Sight {
    /// Number of the last call that showed a thing.
    seen: BTreeMap<String, u64>,
    /// Number of the last call before a deployment's present pass, by deployment.
    floors: BTreeMap<String, u64>,
    /// The same for all: before the present controller.
    floor: u64,
    newest: u64,
    /// Deployments that have written since they last kept their record.
    wrote: BTreeMap<String, bool>,
}

impl Sight {
    /// A new controller has seen nothing.
    pub fn begin(&mut self) {
        self.floor = self.newest;
        self.wrote.clear();
    }

    /// A deployment is about to keep its record.
    pub fn saving(&mut self, deployment: &str) {
        if self.wrote.remove(deployment).is_some() {
            self.floors.insert(deployment.to_owned(), self.newest);
        }
    }

    /// Takes in a call.
    pub fn after(&mut self, call: &Parsed, seen: bool, number: u64) {
        self.newest = number;
        if seen && !call.write {
            for thing in shown(call) {
                self.seen.insert(thing, number);
            }
        }
    }

    /// Checks a write.
    pub fn wrote(&mut self, call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
        let Some(deployment) = deployment(call, facts, sim) else { return Ok(()) };
        self.wrote.insert(deployment.clone(), true);
        let floor = self.floors.get(&deployment).copied().unwrap_or(0).max(self.floor);
        let needed = needed(call);
        let sight = needed.iter().filter_map(|thing| self.seen.get(thing)).max().copied().unwrap_or(0);
        if needed.is_empty() || sight > floor {
            return Ok(());
        }
        Err(format!(
            "{} on {} without having seen any of {needed:?} in this pass",
            call.operation,
            call.target()
        ))
    }
}

/// The deployment that a write is for.
pub fn deployment(call: &Parsed, facts: &Facts, sim: &Sim) -> Option<String> {
    if let Some(owner) = call.tag("evenkeel.dev/owner") {
        return Some(owner.to_owned());
    }
    let target = call.target();
    if call.service == Service::Elbv2 {
        let tags = super::call::elb_tags(sim, target)?;
        return super::call::tag_in(&tags, "evenkeel.dev/owner").map(str::to_owned);
    }
    let name = target.rsplit(['/', ':']).find(|part| facts.deployment_of(part).is_some())?;
    facts.deployment_of(name).map(str::to_owned)
}

/// `web` of a target group's ARN.
fn group(arn: &str) -> String {
    format!("group:{}", arn.split('/').nth(1).unwrap_or_default())
}

/// Load balancer, or listener, that an ARN stands under: its path without the first word, cut to
/// this many parts.
fn under(word: &str, arn: &str, parts: usize) -> String {
    let path: Vec<&str> = arn.split('/').skip(1).take(parts).collect();
    format!("{word}:{}", path.join("/"))
}

/// What a read shows.
fn shown(call: &Parsed) -> Vec<String> {
    let each = |member: &str, name: &dyn Fn(&str) -> String| {
        call.texts(member).into_iter().map(name).collect::<Vec<_>>()
    };
    match call.operation.as_str() {
        "DescribeServices" => {
            each("services", &|name| format!("service:{}", name.rsplit('/').next().unwrap_or(name)))
        }
        "ListTaskDefinitions" => vec![format!("family:{}", call.text("familyPrefix"))],
        "DescribeTaskDefinition" => vec![format!("definition:{}", call.text("taskDefinition"))],
        "ListTasks" => {
            vec![format!("tasks:{}", call.text("family")), format!("token:{}", call.text("startedBy"))]
        }
        "DescribeTasks" => each("tasks", &|task| format!("task:{task}")),
        "DescribeTargetGroups" => {
            let mut all = each("Names", &|name| format!("group:{name}"));
            all.extend(each("TargetGroupArns", &group));
            all
        }
        "DescribeListeners" => {
            let mut all = each("ListenerArns", &|arn| under("listeners", arn, 3));
            all.push(under("listeners", call.text("LoadBalancerArn"), 3));
            all
        }
        "DescribeRules" => {
            let mut all = each("RuleArns", &|arn| under("rules", arn, 4));
            all.push(under("rules", call.text("ListenerArn"), 4));
            all
        }
        "DescribeServiceDeployments" => each("serviceDeploymentArns", &|arn| format!("deployment:{arn}")),
        "DescribeAlarms" => each("AlarmNames", &|name| format!("alarm:{name}")),
        "DescribeLogGroups" => {
            let mut all = each("logGroupIdentifiers", &|name| format!("logs:{name}"));
            all.push(format!("logs:{}", call.text("logGroupNamePrefix")));
            all
        }
        _ => Vec::new(),
    }
}

/// What a write must have seen: any of these.
fn needed(call: &Parsed) -> Vec<String> {
    let target = call.target();
    match (call.service, call.operation.as_str()) {
        (Service::Ecs, "CreateService" | "UpdateService" | "DeleteService") => {
            vec![format!("service:{}", target.rsplit('/').next().unwrap_or(target))]
        }
        (Service::Ecs, "ContinueServiceDeployment") => vec![format!("deployment:{target}")],
        (Service::Ecs, "RegisterTaskDefinition") => vec![format!("family:{target}")],
        (Service::Ecs, "RunTask") => {
            let name = call.text("taskDefinition").rsplit('/').next().unwrap_or_default();
            let family = name.split(':').next().unwrap_or_default();
            vec![format!("tasks:{family}"), format!("token:{}", call.text("startedBy"))]
        }
        (Service::Ecs, "StopTask") => vec![format!("task:{target}")],
        (Service::Ecs, "DeregisterTaskDefinition") => {
            let name = target.rsplit('/').next().unwrap_or_default();
            vec![format!("family:{}", name.split(':').next().unwrap_or_default())]
        }
        (Service::Ecs, "TagResource") => vec![
            format!("service:{}", target.rsplit('/').next().unwrap_or(target)),
            format!("definition:{target}"),
        ],
        (Service::Elbv2, "CreateTargetGroup") => vec![format!("group:{target}")],
        (Service::Elbv2, "CreateListener") => vec![under("listeners", call.text("LoadBalancerArn"), 3)],
        (Service::Elbv2, "CreateRule") => vec![under("rules", call.text("ListenerArn"), 4)],
        (Service::Elbv2, _) if target.contains(":targetgroup/") => vec![group(target)],
        (Service::Elbv2, _) if target.contains(":listener-rule/") => vec![under("rules", target, 4)],
        (Service::Elbv2, _) if target.contains(":listener/") => vec![under("listeners", target, 3)],
        (Service::Logs, _) if !call.text("logGroupName").is_empty() => vec![format!("logs:{target}")],
        (Service::Logs, _) => {
            vec![format!(
                "logs:{}",
                target.rsplit("log-group:").next().unwrap_or_default().trim_end_matches(":*")
            )]
        }
        (Service::Cloudwatch, _) => {
            vec![format!("alarm:{}", target.rsplit(":alarm:").next().unwrap_or_default())]
        }
        _ => Vec::new(),
    }
}
