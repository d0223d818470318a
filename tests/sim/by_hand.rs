//! What people do to AWS by hand.

use super::document::{App, Part, REGION};
use super::fields::put;
use super::scenario::ManualChange;
use super::system::System;
use super::watch::call::service;
use crate::matrix::rules::ManualChange as Change;
use crate::matrix::specimens;
use aws_sim::wire::Service;
use serde_json::{Value, json};

/// Does one thing by hand, where there is something to do it to.
pub fn work(system: &System, app: &App, part: &Part, change: ManualChange) {
    let name = app.resource(part);
    let cluster = app.cluster;
    let ecs = |operation: &str, input: Value| system.by_hand(Service::Ecs, operation, &input);
    match change {
        ManualChange::Count(count) => {
            ecs("UpdateService", json!({"cluster": cluster, "service": name, "desiredCount": count}));
        }
        ManualChange::Revision => {
            let listed = ecs("ListTaskDefinitions", json!({"familyPrefix": name})).unwrap_or_default();
            if let Some(oldest) = listed["taskDefinitionArns"][0].as_str() {
                ecs("UpdateService", json!({"cluster": cluster, "service": name, "taskDefinition": oldest}));
            }
        }
        ManualChange::DeleteService => {
            ecs("DeleteService", json!({"cluster": cluster, "service": name, "force": true}));
        }
        ManualChange::EditService => {
            ecs(
                "UpdateService",
                json!({"cluster": cluster, "service": name, "healthCheckGracePeriodSeconds": 77,
                "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 150},
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0fffffffffffffff0"]}}}),
            );
        }
        ManualChange::Untag => {
            if let Some(arn) = service(&system.sim, cluster, &name)
                .and_then(|found| found["serviceArn"].as_str().map(str::to_owned))
            {
                ecs(
                    "UntagResource",
                    json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/owner", "evenkeel.dev/component"]}),
                );
            }
        }
        ManualChange::Deregister => {
            if let Some(found) = service(&system.sim, cluster, &name) {
                ecs("DeregisterTaskDefinition", json!({"taskDefinition": found["taskDefinition"]}));
            }
        }
        ManualChange::StopTask => {
            let listed = ecs("ListTasks", json!({"cluster": cluster, "family": name})).unwrap_or_default();
            ecs("StopTask", json!({"cluster": cluster, "task": listed["taskArns"][0]}));
        }
        ManualChange::Crash => crash(system, &name),
        ManualChange::Field(draw) => field(system, app, part, draw),
        ManualChange::DeleteRule | ManualChange::EditRule | ManualChange::EditGroup | ManualChange::Stray => {
            balancing(system, app, part, change)
        }
        ManualChange::Retention => {
            let input = json!({"logGroupName": app.log_group(), "retentionInDays": 90});
            system.by_hand(Service::Logs, "PutRetentionPolicy", &input);
        }
        ManualChange::DeleteLogs => {
            system.by_hand(Service::Logs, "DeleteLogGroup", &json!({"logGroupName": app.log_group()}));
        }
    }
}

/// Changes a field of a service or target group as the drift matrix does.
fn field(system: &System, app: &App, part: &Part, draw: u64) {
    let mut rng = fastrand::Rng::with_seed(draw);
    let of_service = rng.bool();
    let all = if of_service { specimens::services() } else { specimens::target_groups() };
    let specimen = &all[rng.usize(0..all.len())];
    let Some([(path, value), ..]) = specimen.changes.get(&Change::Changed).map(Vec::as_slice) else { return };
    let path = if path.is_empty() { specimen.row.path } else { path };
    let name = app.resource(part);
    if of_service {
        // What is another task definition or another count has a change of its own here.
        if ["taskDefinition", "desiredCount", "loadBalancers"].contains(&path) {
            return;
        }
        let mut input = json!({"cluster": app.cluster, "service": name});
        put(&mut input, path, value.clone());
        system.by_hand(Service::Ecs, "UpdateService", &input);
    } else if let (false, Some(found)) = (value.is_object(), service(&system.sim, app.cluster, &name)) {
        let member = path[..1].to_uppercase() + &path[1..];
        let mut input = json!({"TargetGroupArn": found["loadBalancers"][0]["targetGroupArn"]});
        input[member] = value.clone();
        system.by_hand(Service::Elbv2, "ModifyTargetGroup", &input);
    }
}

fn crash(system: &System, family: &str) {
    let tasks = system.sim.with(|world| world.region(REGION).ecs.tasks());
    let is_of = |arn: &str| arn.rsplit('/').next().and_then(|name| name.split(':').next()) == Some(family);
    let task = tasks.into_iter().find(|task| task.status == "RUNNING" && is_of(&task.task_definition));
    if let Some(task) = task {
        system.sim.with(|world| world.with_ecs(REGION, |ecs, env| ecs.kill_task(env, &task.id, 137)));
    }
}

fn balancing(system: &System, app: &App, part: &Part, change: ManualChange) {
    let elb =
        |operation: &str, input: Value| system.by_hand(Service::Elbv2, operation, &input).unwrap_or_default();
    let group = service(&system.sim, app.cluster, &app.resource(part))
        .and_then(|found| found["loadBalancers"][0]["targetGroupArn"].as_str().map(str::to_owned));
    let Some(group) = group else { return };
    match change {
        ManualChange::EditGroup => {
            elb(
                "ModifyTargetGroup",
                json!({"TargetGroupArn": group, "HealthCheckPath": "/elsewhere",
                "HealthCheckIntervalSeconds": 20}),
            );
        }
        ManualChange::Stray => {
            system.sim.with(|world| world.region(REGION).elbv2.silence("10.9.9.9"));
            elb("RegisterTargets", json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.9.9.9"}));
        }
        _ => {
            let balancers = elb("DescribeLoadBalancers", json!({"Names.member.1": app.balancer()}));
            let listeners = elb(
                "DescribeListeners",
                json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]}),
            );
            let rules =
                elb("DescribeRules", json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]}));
            let ours = |rule: &&Value| rule["Actions"].to_string().contains(&group);
            let Some(rule) = rules["Rules"].as_array().into_iter().flatten().find(ours) else { return };
            if change == ManualChange::DeleteRule {
                elb("DeleteRule", json!({"RuleArn": rule["RuleArn"]}));
            } else {
                elb(
                    "ModifyRule",
                    json!({"RuleArn": rule["RuleArn"],
                    "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": "/by-hand/*"}),
                );
            }
        }
    }
}
