//! Tasks by themselves: how they start, end and are shown.

use aws_sim::{
    behaviour::{Behaviour, BehaviourRule},
    wire::Service,
};
use serde_json::{Value, json};

use crate::support::{Bench, REGION, bench, network, pass};

async fn run(bench: &Bench, definition: &str, more: Value) -> Value {
    let mut input = json!({"cluster": "prod", "taskDefinition": definition, "launchType": "FARGATE",
        "networkConfiguration": network()});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.ecs("RunTask", input).await.unwrap()["tasks"][0].clone()
}

#[tokio::test(start_paused = true)]
async fn a_migration_runs_to_exit_code_zero_and_is_shown_for_an_hour() {
    let bench = bench(1);
    let definition = bench.define("migrate", "app/migrations:1").await;
    let task = run(&bench, &definition, json!({"startedBy": "me"})).await;
    let arn = task["taskArn"].clone();
    assert_eq!((&task["lastStatus"], &task["group"]), (&json!("PROVISIONING"), &json!("family:migrate")));
    let mut seen = vec![];
    for _ in 0..60 {
        let status = bench.task(&arn).await["lastStatus"].as_str().unwrap().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        pass(1).await;
    }
    assert_eq!(seen.first().map(String::as_str), Some("PROVISIONING"));
    assert_eq!(seen.last().map(String::as_str), Some("STOPPED"));
    let task = bench.task(&arn).await;
    assert_eq!(
        (&task["stopCode"], &task["containers"][0]["exitCode"]),
        (&json!("EssentialContainerExited"), &json!(0))
    );
    assert_eq!(
        (&task["stoppedReason"], &task["startedBy"]),
        (&json!("Essential container in task exited"), &json!("me"))
    );
    let details = task["attachments"][0]["details"].as_array().unwrap();
    assert!(details.iter().any(|each| each["name"] == "privateIPv4Address"));
    let listed = bench
        .ecs("ListTasks", json!({"cluster": "prod", "desiredStatus": "STOPPED", "family": "migrate"}))
        .await;
    assert_eq!(listed.unwrap()["taskArns"], json!([arn]));
    pass(3700).await;
    let gone = bench.ecs("DescribeTasks", json!({"cluster": "prod", "tasks": [arn]})).await.unwrap();
    assert_eq!(gone["failures"], json!([{"arn": arn, "reason": "MISSING"}]));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_in_the_zone_of_its_subnet_and_named_by_its_region() {
    let bench = bench(6);
    let definition = bench.define("app", "app:1").await;
    let subnets = ["subnet-first", "subnet-second", "subnet-third"];
    let network = json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}}});
    for _ in 0..12 {
        let arn = run(&bench, &definition, network.clone()).await["taskArn"].clone();
        pass(60).await;
        let task = bench.task(&arn).await;
        let details = task["attachments"][0]["details"].as_array().unwrap();
        let detail = |name: &str| details.iter().find(|each| each["name"] == name).unwrap()["value"].clone();
        let place = subnets.iter().position(|subnet| detail("subnetId") == *subnet).unwrap();
        let zone = format!("{REGION}{}", ["a", "b", "c"][place]);
        assert_eq!(task["availabilityZone"], json!(zone));
        let name = detail("privateDnsName");
        assert!(name.as_str().unwrap().ends_with(&format!(".{REGION}.compute.internal")), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_never_started_has_no_exit_code() {
    let bench = bench(2);
    let definition = bench.define("x", "reg/unpullable:1").await;
    let arn = run(&bench, &definition, json!({})).await["taskArn"].clone();
    pass(60).await;
    let task = bench.task(&arn).await;
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    assert!(task["stoppedReason"].as_str().unwrap().starts_with("CannotPullContainerError"));
    assert!(task["containers"][0].get("exitCode").is_none() && task.get("startedAt").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_or_log_group_keeps_a_task_from_starting() {
    let bench = bench(3);
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
    let mut input = json!({"family": "s", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "executionRoleArn": "arn:aws:iam::123456789012:role/x",
        "containerDefinitions": [{"name": "app", "image": "a", "secrets": [{"name": "DB", "valueFrom": secret}]}]});
    bench.ecs("RegisterTaskDefinition", input.clone()).await.unwrap();
    let arn = run(&bench, "s", json!({})).await["taskArn"].clone();
    pass(30).await;
    let reason = bench.task(&arn).await["stoppedReason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("ResourceInitializationError"), "{reason}");
    let made = bench
        .json(Service::Secrets, "CreateSecret", json!({"Name": "db", "SecretString": "x"}))
        .await
        .unwrap();
    input["containerDefinitions"][0]["secrets"][0]["valueFrom"] = made["ARN"].clone();
    input["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "/ecs/s", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ecs"}});
    bench.ecs("RegisterTaskDefinition", input).await.unwrap();
    let arn = run(&bench, "s", json!({})).await["taskArn"].clone();
    pass(30).await;
    let reason = bench.task(&arn).await["stoppedReason"].as_str().unwrap().to_owned();
    assert!(reason.contains("The specified log group does not exist"), "{reason}");
    bench.json(Service::Logs, "CreateLogGroup", json!({"logGroupName": "/ecs/s"})).await.unwrap();
    let arn = run(&bench, "s", json!({})).await["taskArn"].clone();
    pass(30).await;
    assert_eq!(bench.task(&arn).await["lastStatus"], "RUNNING");
    let streams =
        bench.json(Service::Logs, "DescribeLogStreams", json!({"logGroupName": "/ecs/s"})).await.unwrap();
    let name = streams["logStreams"][0]["logStreamName"].as_str().unwrap();
    assert!(name.starts_with("ecs/app/"), "{name}");
}

#[tokio::test(start_paused = true)]
async fn containers_wait_for_those_they_depend_on() {
    let bench = bench(4);
    let input = json!({"family": "d", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [
            {"name": "init", "image": "app:1", "command": ["db", "migrate"], "essential": false},
            {"name": "app", "image": "app:1", "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}]}]});
    bench.ecs("RegisterTaskDefinition", input).await.unwrap();
    let arn = run(&bench, "d", json!({})).await["taskArn"].clone();
    pass(40).await;
    let task = bench.task(&arn).await;
    assert_eq!(task["lastStatus"], "RUNNING");
    assert_eq!(
        (&task["containers"][0]["lastStatus"], &task["containers"][0]["exitCode"]),
        (&json!("STOPPED"), &json!(0))
    );
    assert_eq!(task["containers"][1]["lastStatus"], "RUNNING");
}

#[tokio::test(start_paused = true)]
async fn the_same_client_token_runs_tasks_once() {
    let bench = bench(5);
    let definition = bench.define("x", "a:1").await;
    let first = run(&bench, &definition, json!({"clientToken": "t"})).await;
    let second = run(&bench, &definition, json!({"clientToken": "t"})).await;
    assert_eq!(first["taskArn"], second["taskArn"]);
    let other = json!({"cluster": "prod", "taskDefinition": definition, "launchType": "FARGATE", "count": 2,
        "networkConfiguration": network(), "clientToken": "t"});
    assert_eq!(bench.ecs("RunTask", other).await.unwrap_err().0, "ConflictException");
}

#[tokio::test(start_paused = true)]
async fn a_containers_health_check_shows_in_the_task() {
    let bench = bench(6);
    for (family, image, health) in [("well", "a:1", "HEALTHY"), ("ill", "a:unhealthy", "UNHEALTHY")] {
        let input = json!({"family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
            "memory": "512", "containerDefinitions": [{"name": "app", "image": image,
                "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 10}}]});
        bench.ecs("RegisterTaskDefinition", input).await.unwrap();
        let arn = run(&bench, family, json!({})).await["taskArn"].clone();
        pass(18).await;
        assert_eq!(bench.task(&arn).await["healthStatus"], "UNKNOWN");
        pass(60).await;
        let task = bench.task(&arn).await;
        assert_eq!((&task["healthStatus"], &task["lastStatus"]), (&json!(health), &json!("RUNNING")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_without_memory_and_one_that_ignores_the_stop_signal_are_killed() {
    let bench = bench(7);
    let starved = Behaviour { out_of_memory_after_seconds: Some(5.0), ..Behaviour::default() };
    let deaf = Behaviour { stop_seconds: 600.0, ..Behaviour::default() };
    bench.sim.behave(BehaviourRule::image("starved*", starved));
    bench.sim.behave(BehaviourRule::image("deaf*", deaf));
    let definition = bench.define("starved", "starved:1").await;
    let arn = run(&bench, &definition, json!({})).await["taskArn"].clone();
    pass(60).await;
    let container = bench.task(&arn).await["containers"][0].clone();
    assert_eq!(container["exitCode"], 137);
    assert!(container["reason"].as_str().unwrap().starts_with("OutOfMemoryError"));
    let definition = bench.define("deaf", "deaf:1").await;
    let arn = run(&bench, &definition, json!({})).await["taskArn"].clone();
    pass(60).await;
    bench.ecs("StopTask", json!({"cluster": "prod", "task": arn})).await.unwrap();
    pass(29).await;
    assert_eq!(bench.task(&arn).await["lastStatus"], "STOPPING");
    pass(15).await;
    let task = bench.task(&arn).await;
    assert_eq!((&task["lastStatus"], &task["containers"][0]["exitCode"]), (&json!("STOPPED"), &json!(137)));
}
