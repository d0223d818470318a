//! What people do to AWS by hand.

use super::document::{App, Part, REGION};
use super::life::Life;
use super::scenario::Hand;
use super::watch::call::service;
use aws_sim::wire::Service;
use serde_json::{Value, json};

/// Does one thing by hand, where there is something to do it to.
pub fn work(life: &Life, app: &App, part: &Part, hand: Hand) {
    let name = app.resource(part);
    let cluster = app.cluster;
    let ecs = |operation: &str, input: Value| life.by_hand(Service::Ecs, operation, &input);
    match hand {
        Hand::Count(count) => {
            ecs("UpdateService", json!({"cluster": cluster, "service": name, "desiredCount": count}));
        }
        Hand::Revision => {
            let listed = ecs("ListTaskDefinitions", json!({"familyPrefix": name})).unwrap_or_default();
            if let Some(oldest) = listed["taskDefinitionArns"][0].as_str() {
                ecs("UpdateService", json!({"cluster": cluster, "service": name, "taskDefinition": oldest}));
            }
        }
        Hand::DeleteService => {
            ecs("DeleteService", json!({"cluster": cluster, "service": name, "force": true}));
        }
        Hand::EditService => {
            ecs(
                "UpdateService",
                json!({"cluster": cluster, "service": name, "healthCheckGracePeriodSeconds": 77,
                "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 150},
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0fffffffffffffff0"]}}}),
            );
        }
        Hand::Untag => {
            if let Some(arn) = service(&life.sim, cluster, &name)
                .and_then(|found| found["serviceArn"].as_str().map(str::to_owned))
            {
                ecs(
                    "UntagResource",
                    json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/owner", "evenkeel.dev/component"]}),
                );
            }
        }
        Hand::Deregister => {
            if let Some(found) = service(&life.sim, cluster, &name) {
                ecs("DeregisterTaskDefinition", json!({"taskDefinition": found["taskDefinition"]}));
            }
        }
        Hand::StopTask => {
            let listed = ecs("ListTasks", json!({"cluster": cluster, "family": name})).unwrap_or_default();
            ecs("StopTask", json!({"cluster": cluster, "task": listed["taskArns"][0]}));
        }
        Hand::Crash => crash(life, &name),
        Hand::DeleteRule | Hand::EditRule | Hand::EditGroup | Hand::Stray => balancing(life, app, part, hand),
        Hand::Retention => {
            let input = json!({"logGroupName": app.log_group(), "retentionInDays": 90});
            life.by_hand(Service::Logs, "PutRetentionPolicy", &input);
        }
        Hand::DeleteLogs => {
            life.by_hand(Service::Logs, "DeleteLogGroup", &json!({"logGroupName": app.log_group()}));
        }
    }
}

fn crash(life: &Life, family: &str) {
    let tasks = life.sim.with(|world| world.region(REGION).ecs.tasks());
    let is_of = |arn: &str| arn.rsplit('/').next().and_then(|name| name.split(':').next()) == Some(family);
    let task = tasks.into_iter().find(|task| task.status == "RUNNING" && is_of(&task.task_definition));
    if let Some(task) = task {
        life.sim.with(|world| world.with_ecs(REGION, |ecs, env| ecs.kill_task(env, &task.id, 137)));
    }
}

fn balancing(life: &Life, app: &App, part: &Part, hand: Hand) {
    let elb =
        |operation: &str, input: Value| life.by_hand(Service::Elbv2, operation, &input).unwrap_or_default();
    let group = service(&life.sim, app.cluster, &app.resource(part))
        .and_then(|found| found["loadBalancers"][0]["targetGroupArn"].as_str().map(str::to_owned));
    let Some(group) = group else { return };
    match hand {
        Hand::EditGroup => {
            elb(
                "ModifyTargetGroup",
                json!({"TargetGroupArn": group, "HealthCheckPath": "/elsewhere",
                "HealthCheckIntervalSeconds": 20}),
            );
        }
        Hand::Stray => {
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
            if hand == Hand::DeleteRule {
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
