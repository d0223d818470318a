//! Who checks the checkers: on a system where all is well, calls are made in the controller's name
//! that it would never make, and records are kept that it would never keep. Each must be seen by
//! the checker that it is meant for.

use super::document::{CANARY, REGION};
use super::scenario::Scenario;
use super::simulation::Simulation;
use super::watch::call::{read, service};
use aws_sim::wire::{Protocol, Request, Service};
use evenkeel::model::status::Record;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What is done, and which checker must see it.
struct PlantedViolation {
    name: &'static str,
    seen_by: &'static str,
    act: Act,
}

/// A violation.
enum Act {
    /// A call in the controller's name.
    Call(fn(&Simulation) -> (Service, &'static str, Value)),
    /// The same in another's name.
    Foreign(fn(&Simulation) -> (Service, &'static str, Value)),
    /// Something in AWS that is nobody's call; so many seconds later it must have been seen.
    World(fn(&Simulation), u64),
    /// A record that is kept.
    Record(fn(&Simulation, &mut Record)),
}

const VIOLATIONS: [PlantedViolation; 22] = [
    PlantedViolation { name: "data is deleted", seen_by: "bounds", act: Act::Call(delete_logs) },
    PlantedViolation { name: "a secret is deleted", seen_by: "bounds", act: Act::Call(delete_secret) },
    PlantedViolation {
        name: "a service is scaled to nothing",
        seen_by: "bounds",
        act: Act::Call(scale_to_nothing),
    },
    PlantedViolation { name: "minimum health is given up", seen_by: "bounds", act: Act::Call(no_minimum) },
    PlantedViolation {
        name: "a declared service is deleted",
        seen_by: "bounds",
        act: Act::Call(delete_service),
    },
    PlantedViolation { name: "a task of a service is stopped", seen_by: "bounds", act: Act::Call(stop_task) },
    PlantedViolation {
        name: "a revision in use is deregistered",
        seen_by: "bounds",
        act: Act::Call(deregister),
    },
    PlantedViolation {
        name: "a declared target group is deleted",
        seen_by: "bounds",
        act: Act::Call(delete_group),
    },
    PlantedViolation { name: "a declared alarm is deleted", seen_by: "bounds", act: Act::Call(delete_alarm) },
    PlantedViolation {
        name: "something is made without its tags",
        seen_by: "bounds",
        act: Act::Call(untagged),
    },
    PlantedViolation { name: "two controllers write", seen_by: "bounds", act: Act::Foreign(same_count) },
    PlantedViolation { name: "something unseen is acted on", seen_by: "sight", act: Act::Call(unseen) },
    PlantedViolation {
        name: "one content gets two revisions",
        seen_by: "once",
        act: Act::Call(second_revision),
    },
    PlantedViolation { name: "a write changes nothing", seen_by: "needless", act: Act::Call(same_count) },
    PlantedViolation { name: "a secret's value is sent", seen_by: "records", act: Act::Call(leak) },
    PlantedViolation { name: "events are lost", seen_by: "records", act: Act::Record(lose_events) },
    PlantedViolation {
        name: "a rule matches other requests than declared",
        seen_by: "traffic",
        act: Act::Call(other_path),
    },
    PlantedViolation {
        name: "a target group is left by its service",
        seen_by: "traffic",
        act: Act::World(no_targets, 5),
    },
    PlantedViolation { name: "tasks vanish", seen_by: "traffic", act: Act::World(one_task_less, 5) },
    PlantedViolation {
        name: "more is asked than is allowed",
        seen_by: "permitted",
        act: Act::World(allow_nothing, 120),
    },
    PlantedViolation {
        name: "what may not run twice does",
        seen_by: "alone",
        act: Act::World(many_runs, 60),
    },
    PlantedViolation {
        name: "Ready is said of what does not run",
        seen_by: "truth",
        act: Act::Record(false_ready),
    },
];

/// Commits every violation on a system of its own; answers those that nobody saw.
pub fn unseen_violations() -> Vec<String> {
    VIOLATIONS
        .iter()
        .filter_map(|planted| do_one(planted).err().map(|why| format!("{}: {why}", planted.name)))
        .collect()
}

/// How many there are.
pub fn count() -> usize {
    VIOLATIONS.len()
}

fn do_one(planted: &PlantedViolation) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let mut run = Simulation::quiet(&Scenario::plain()).await;
        let ready = run.wait_until(Duration::from_secs(300)).await;
        ready.map_err(|violation| {
            format!("before it was done: {}: {}", violation.checker, violation.message)
        })?;
        run.system.watch.runs("app0").map_err(|why| format!("all was not well before: {why}"))?;
        perform(&mut run, &planted.act).await?;
        let seen = run.system.watch.first_violation();
        run.system.kill().await;
        run.system.sim.clear_observers();
        match seen {
            Some(violation) if violation.checker == planted.seen_by => Ok(()),
            other => Err(format!("{} should have seen it; seen was {other:?}", planted.seen_by)),
        }
    })
}

async fn perform(run: &mut Simulation, act: &Act) -> Result<(), String> {
    let (make, key) = match act {
        Act::Call(make) => (make, run.system.key()),
        Act::Foreign(make) => (make, "AKIASOMEBODY".to_owned()),
        Act::World(change, seconds) => {
            change(run);
            let until = run.elapsed() + Duration::from_secs(*seconds);
            // The violation that ends it is what is looked for.
            let _ = run.wait_until(until).await;
            return Ok(());
        }
        Act::Record(change) => {
            let loaded = run.system.records().await.map_err(|error| error.to_string())?;
            let mut record = loaded.records.into_iter().next().ok_or("there is no record")?;
            change(run, &mut record);
            run.system.watch.saved(&record);
            return Ok(());
        }
    };
    let (service, operation, input) = make(run);
    let protocol = service.protocols()[0];
    let body = if protocol == Protocol::Query { form(operation, &input) } else { input.to_string() };
    let request = Request {
        region: REGION.to_owned(),
        service,
        protocol,
        operation: operation.to_owned(),
        body: body.into_bytes(),
        access_key: Some(key),
    };
    run.system.sim.exchange(request).await.map(drop).map_err(|error| error.to_string())
}

/// A flat object as awsQuery sends it.
fn form(operation: &str, input: &Value) -> String {
    let escaped =
        |text: &str| text.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace('=', "%3D");
    let members = input.as_object().into_iter().flatten();
    let pairs =
        members.map(|(name, value)| format!("&{name}={}", escaped(value.as_str().unwrap_or_default())));
    format!("Action={operation}{}", pairs.collect::<String>())
}

fn allow_nothing(run: &Simulation) {
    let nothing = aws_sim::iam::Attached::default();
    run.system.sim.with(|world| world.iam.attach(aws_sim::iam::Caller::Anybody, nothing));
}

fn web(run: &Simulation) -> Value {
    service(&run.system.sim, run.apps[0].cluster, "app0-web").unwrap_or_default()
}

fn group(run: &Simulation) -> Value {
    web(run)["loadBalancers"][0]["targetGroupArn"].clone()
}

fn update(run: &Simulation, change: &Value) -> (Service, &'static str, Value) {
    let mut input = json!({"cluster": run.apps[0].cluster, "service": "app0-web"});
    for (name, value) in change.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    (Service::Ecs, "UpdateService", input)
}

fn rule_arn(run: &Simulation) -> Value {
    let sim = &run.system.sim;
    let balancers = read(
        sim,
        Service::Elbv2,
        "DescribeLoadBalancers",
        &json!({"Names.member.1": run.apps[0].balancer()}),
    );
    let arn = balancers.unwrap_or_default()["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let listeners = read(sim, Service::Elbv2, "DescribeListeners", &json!({"LoadBalancerArn": arn}));
    let arn = listeners.unwrap_or_default()["Listeners"][0]["ListenerArn"].clone();
    let rules = read(sim, Service::Elbv2, "DescribeRules", &json!({"ListenerArn": arn})).unwrap_or_default();
    rules["Rules"][0]["RuleArn"].clone()
}

fn other_path(run: &Simulation) -> (Service, &'static str, Value) {
    let input = json!({"RuleArn": rule_arn(run), "Conditions.member.1.Field": "path-pattern",
        "Conditions.member.1.Values.member.1": "/elsewhere/*"});
    (Service::Elbv2, "ModifyRule", input)
}

fn no_targets(run: &Simulation) {
    let group = group(run);
    let health =
        read(&run.system.sim, Service::Elbv2, "DescribeTargetHealth", &json!({"TargetGroupArn": group}));
    for found in health.unwrap_or_default()["TargetHealthDescriptions"].as_array().into_iter().flatten() {
        let input = json!({"TargetGroupArn": group, "Targets.member.1.Id": found["Target"]["Id"]});
        run.system.by_hand(Service::Elbv2, "DeregisterTargets", &input);
    }
}

fn many_runs(run: &Simulation) {
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}});
    let input = json!({"cluster": "blue", "taskDefinition": "app0-migrate", "count": 10, "launchType": "FARGATE",
        "networkConfiguration": network});
    run.system.by_hand(Service::Ecs, "RunTask", &input);
}

fn one_task_less(run: &Simulation) {
    let tasks = run.system.sim.with(|world| world.region(REGION).ecs.tasks());
    if let Some(task) = tasks.iter().find(|task| task.status == "RUNNING" && task.service.is_some()) {
        run.system.sim.with(|world| world.with_ecs(REGION, |ecs, env| ecs.kill_task(env, &task.id, 137)));
    }
}

fn delete_logs(run: &Simulation) -> (Service, &'static str, Value) {
    (Service::Logs, "DeleteLogGroup", json!({"logGroupName": run.apps[0].log_group()}))
}

fn delete_secret(run: &Simulation) -> (Service, &'static str, Value) {
    (Service::Secrets, "DeleteSecret", json!({"SecretId": run.apps[0].secret()}))
}

fn scale_to_nothing(run: &Simulation) -> (Service, &'static str, Value) {
    update(run, &json!({"desiredCount": 0}))
}

fn no_minimum(run: &Simulation) -> (Service, &'static str, Value) {
    update(run, &json!({"deploymentConfiguration": {"minimumHealthyPercent": 10, "maximumPercent": 200}}))
}

fn same_count(run: &Simulation) -> (Service, &'static str, Value) {
    update(run, &json!({"desiredCount": 2}))
}

fn delete_service(run: &Simulation) -> (Service, &'static str, Value) {
    (
        Service::Ecs,
        "DeleteService",
        json!({"cluster": run.apps[0].cluster, "service": "app0-web", "force": true}),
    )
}

fn stop_task(run: &Simulation) -> (Service, &'static str, Value) {
    let tasks = run.system.sim.with(|world| world.region(REGION).ecs.tasks());
    let task = tasks.into_iter().find(|task| task.status == "RUNNING" && task.service.is_some());
    let id = task.map(|task| task.id).unwrap_or_default();
    (Service::Ecs, "StopTask", json!({"cluster": run.apps[0].cluster, "task": id}))
}

fn deregister(run: &Simulation) -> (Service, &'static str, Value) {
    (Service::Ecs, "DeregisterTaskDefinition", json!({"taskDefinition": web(run)["taskDefinition"]}))
}

fn delete_group(run: &Simulation) -> (Service, &'static str, Value) {
    (Service::Elbv2, "DeleteTargetGroup", json!({"TargetGroupArn": group(run)}))
}

fn delete_alarm(run: &Simulation) -> (Service, &'static str, Value) {
    let app = &run.apps[0];
    let watched = app.declared().find(|part| part.is_balanced()).expect("the plain scenario has one");
    (Service::Cloudwatch, "DeleteAlarms", json!({"AlarmNames": [app.resource(watched)]}))
}

fn untagged(_: &Simulation) -> (Service, &'static str, Value) {
    (
        Service::Elbv2,
        "CreateTargetGroup",
        json!({"Name": "app0-more", "Port": "80", "Protocol": "HTTP", "VpcId": "vpc-1"}),
    )
}

fn unseen(_: &Simulation) -> (Service, &'static str, Value) {
    let input = json!({"Name": "app0-more", "Port": "80", "Protocol": "HTTP", "VpcId": "vpc-1",
        "Tags.member.1.Key": "evenkeel.dev/owner", "Tags.member.1.Value": "app0"});
    (Service::Elbv2, "CreateTargetGroup", input)
}

/// The definition in force, to be registered again.
fn definition(run: &Simulation) -> Value {
    let input = json!({"taskDefinition": web(run)["taskDefinition"], "include": ["TAGS"]});
    let shown = read(&run.system.sim, Service::Ecs, "DescribeTaskDefinition", &input).unwrap_or_default();
    let known = &shown["taskDefinition"];
    let mut input = json!({"tags": shown["tags"]});
    for member in [
        "family",
        "containerDefinitions",
        "cpu",
        "memory",
        "networkMode",
        "requiresCompatibilities",
        "executionRoleArn",
    ] {
        input[member] = known[member].clone();
    }
    input
}

fn second_revision(run: &Simulation) -> (Service, &'static str, Value) {
    (Service::Ecs, "RegisterTaskDefinition", definition(run))
}

fn leak(run: &Simulation) -> (Service, &'static str, Value) {
    let mut input = definition(run);
    input["containerDefinitions"][0]["environment"][0]["value"] = json!(format!("mysql://{CANARY}"));
    (Service::Ecs, "RegisterTaskDefinition", input)
}

fn lose_events(_: &Simulation, record: &mut Record) {
    record.events.clear();
}

/// Everything was made unready behind its back, and it is said to have just become Ready.
fn false_ready(run: &Simulation, record: &mut Record) {
    let input = json!({"cluster": run.apps[0].cluster, "service": "app0-web", "desiredCount": 1});
    run.system.by_hand(Service::Ecs, "UpdateService", &input);
    let mut before = record.clone();
    for condition in before.status.iter_mut().flat_map(|status| &mut Arc::make_mut(status).conditions) {
        condition.status = evenkeel::model::condition::Truth::False;
    }
    run.system.watch.saved(&before);
}
