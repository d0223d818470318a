//! Services: how they come up, roll, fail, roll back and go.

use aws_sim::{
    behaviour::{Behaviour, BehaviourRule},
    wire::Service,
};
use serde_json::{Value, json};

use crate::support::{Bench, bench, count, events, is_steady, newest, pass, rollout};

const BREAKER: &str =
    r#"{"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}}"#;

fn breaker() -> Value {
    serde_json::from_str(BREAKER).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_takes_its_time_to_come_up_and_then_says_that_it_is_steady() {
    let bench = bench(1);
    let definition = bench.define("web", "nginx:1").await;
    let service = bench.create("web", &definition, 2, json!({})).await;
    assert_eq!((count(&service, "runningCount"), rollout(&service)), (0, "IN_PROGRESS"));
    pass(5).await;
    let service = bench.show("web").await;
    assert_eq!((count(&service, "runningCount"), count(&service, "pendingCount")), (0, 2));
    let service = bench.steady("web").await;
    assert_eq!((count(&service, "runningCount"), count(&service, "pendingCount")), (2, 0));
    let deployment = &service["deployments"][0];
    assert!(deployment["id"].as_str().unwrap().starts_with("ecs-svc/"));
    assert_eq!(
        deployment["rolloutStateReason"],
        format!("ECS deployment {} completed.", deployment["id"].as_str().unwrap())
    );
    assert_eq!(
        (&service["platformVersion"], &deployment["platformVersion"]),
        (&json!("LATEST"), &json!("1.4.0"))
    );
    assert_eq!(events(&service).len(), 3, "{:?}", events(&service));
}

#[tokio::test(start_paused = true)]
async fn what_aws_fills_into_a_service_is_filled_in() {
    let bench = bench(1);
    let definition = bench.define("web", "nginx:1").await;
    let service = bench.create("web", &definition, 1, json!({"tags": [{"key": "a", "value": "b"}]})).await;
    let configuration = json!({"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING",
        "bakeTimeInMinutes": 0, "deploymentCircuitBreaker": {"enable": false, "rollback": false,
            "resetOnHealthyTask": true, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}});
    assert_eq!(service["deploymentConfiguration"], configuration);
    assert_eq!(service["availabilityZoneRebalancing"], "ENABLED");
    assert_eq!(service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "DISABLED");
    assert_eq!(
        (&service["propagateTags"], &service["schedulingStrategy"]),
        (&json!("NONE"), &json!("REPLICA"))
    );
    assert_eq!(service["tags"], json!([{"key": "a", "value": "b"}]));
    let untagged =
        bench.ecs("DescribeServices", json!({"cluster": "prod", "services": ["web"]})).await.unwrap();
    assert!(untagged["services"][0].get("tags").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_revision_replaces_the_old_one_without_going_below_the_minimum() {
    let bench = bench(2);
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:2").await);
    bench.create("web", &one, 3, json!({})).await;
    bench.steady("web").await;
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    let mut both_seen = false;
    for _ in 0..120 {
        let service = bench.show("web").await;
        assert!(count(&service, "runningCount") >= 3, "{service:#}");
        assert!(count(&service, "runningCount") + count(&service, "pendingCount") <= 6, "{service:#}");
        both_seen |= service["deployments"].as_array().unwrap().len() == 2;
        pass(1).await;
    }
    assert!(both_seen);
    let service = bench.steady("web").await;
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!((&service["taskDefinition"], count(&service, "runningCount")), (&json!(two), 3));
}

#[tokio::test(start_paused = true)]
async fn a_singleton_stops_before_its_successor_starts() {
    let bench = bench(3);
    let (one, two) = (bench.define("db", "db:1").await, bench.define("db", "db:2").await);
    let recreate = json!({"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100}});
    bench.create("db", &one, 1, recreate).await;
    bench.steady("db").await;
    bench.update("db", json!({"taskDefinition": two})).await.unwrap();
    for _ in 0..90 {
        let service = bench.show("db").await;
        assert!(count(&service, "runningCount") + count(&service, "pendingCount") <= 1, "{service:#}");
        pass(1).await;
    }
    assert_eq!(bench.steady("db").await["taskDefinition"], two);
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_rolls_back_to_the_revision_that_worked() {
    let bench = bench(4);
    let (good, bad) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:crash").await);
    bench.create("web", &good, 2, breaker()).await;
    let first = bench.steady("web").await["deployments"][0]["id"].clone();
    bench.update("web", json!({"taskDefinition": bad})).await.unwrap();
    let service = bench.until("web", 600, |service| service["taskDefinition"] == json!(good)).await;
    assert_eq!(service["deployments"][0]["id"], first);
    let reason = service["deployments"][0]["rolloutStateReason"].as_str().unwrap().to_owned();
    assert_eq!(
        reason,
        format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", first.as_str().unwrap())
    );
    let failed = &service["deployments"][1];
    assert_eq!(
        (rollout(&json!({"deployments": [failed]})), failed["failedTasks"].as_u64()),
        ("FAILED", Some(3))
    );
    let service = bench.steady("web").await;
    assert_eq!((count(&service, "runningCount"), service["deployments"].as_array().unwrap().len()), (2, 1));
    let list =
        bench.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await.unwrap();
    let states: Vec<&str> = list["serviceDeployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    let arn = &list["serviceDeployments"][0]["serviceDeploymentArn"];
    let detail =
        bench.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await.unwrap();
    let detail = &detail["serviceDeployments"][0];
    assert_eq!(
        detail["deploymentCircuitBreaker"],
        json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3})
    );
    assert!(
        detail["rollback"]["serviceRevisionArn"].as_str().unwrap().contains(":service-revision/prod/web/")
    );
    assert_eq!(&service["currentServiceDeployment"], arn);
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
    let bench = bench(5);
    let bad = bench.define("web", "ghcr.io/x/unpullable:1").await;
    bench.create("web", &bad, 1, breaker()).await;
    let service = bench.until("web", 600, |service| rollout(service) == "FAILED").await;
    let reason = service["deployments"][0]["rolloutStateReason"].as_str().unwrap();
    assert!(reason.contains("no rollback candidate was found"), "{reason}");
    pass(600).await;
    let later = bench.show("web").await;
    assert_eq!((rollout(&later), count(&later, "pendingCount")), ("FAILED", 0));
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_deployment_was_given_up_is_scaled_in_all_the_same() {
    let bench = bench(5);
    let (good, bad) =
        (bench.define("web", "nginx:1").await, bench.define("web", "ghcr.io/x/unpullable:1").await);
    bench.create("web", &good, 2, breaker()).await;
    // The first deployment runs and is not complete yet: there is nothing to go back to, and its
    // tasks stay.
    bench.until("web", 600, |service| count(service, "runningCount") == 2).await;
    bench.update("web", json!({"taskDefinition": bad})).await.unwrap();
    let service = bench.until("web", 600, |service| rollout(service) == "FAILED").await;
    assert_eq!((count(&service, "runningCount"), service["deployments"].as_array().unwrap().len()), (2, 2));
    bench.update("web", json!({"desiredCount": 1})).await.unwrap();
    pass(60).await;
    assert_eq!(bench.show("web").await["runningCount"], 1);
    bench.update("web", json!({"desiredCount": 0})).await.unwrap();
    pass(60).await;
    assert_eq!(bench.show("web").await["runningCount"], 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_breaker_a_crashing_service_tries_less_and_less_often() {
    let bench = bench(6);
    let bad = bench.define("web", "app:crash").await;
    bench.create("web", &bad, 1, json!({})).await;
    pass(3600).await;
    let service = bench.show("web").await;
    let failed = service["deployments"][0]["failedTasks"].as_u64().unwrap();
    assert!((6..30).contains(&failed), "{failed}");
    assert!(
        events(&service).iter().any(|text| text.contains("unable to consistently start tasks successfully"))
    );
    assert_eq!(rollout(&service), "IN_PROGRESS");
}

#[tokio::test(start_paused = true)]
async fn tasks_are_targets_while_they_serve_and_are_drained_when_they_leave() {
    let bench = bench(7);
    let group = bench.target_group("web");
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:2").await);
    let balancers =
        json!({"loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]});
    let service = bench.create("web", &one, 2, balancers).await;
    assert_eq!(service["healthCheckGracePeriodSeconds"], 0);
    bench.steady("web").await;
    assert_eq!(bench.target_states(&group), ["healthy", "healthy"]);
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    let mut drained = false;
    for _ in 0..180 {
        drained |= bench.target_states(&group).iter().any(|state| state == "draining");
        let healthy = bench.target_states(&group).iter().filter(|state| *state == "healthy").count();
        assert!(healthy >= 2);
        pass(1).await;
    }
    assert!(drained);
    let service = bench.steady("web").await;
    assert_eq!(bench.target_states(&group), ["healthy", "healthy"]);
    assert!(events(&service).iter().any(|text| text.contains("has begun draining connections on 1 tasks.")));
}

#[tokio::test(start_paused = true)]
async fn tasks_that_fail_the_load_balancers_checks_are_replaced_after_the_grace_period() {
    let bench = bench(8);
    let group = bench.target_group("web");
    let definition = bench.define("web", "nginx:unhealthy").await;
    let more = json!({"healthCheckGracePeriodSeconds": 60,
        "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]});
    bench.create("web", &definition, 1, more).await;
    pass(60).await;
    assert_eq!(bench.show("web").await["deployments"][0]["failedTasks"], 0);
    pass(60).await;
    let service = bench.show("web").await;
    assert!(service["deployments"][0]["failedTasks"].as_u64().unwrap() >= 1, "{service:#}");
    assert!(events(&service).iter().any(|text| text.contains("Task failed ELB health checks")));
    assert_eq!(rollout(&service), "IN_PROGRESS");
}

#[tokio::test(start_paused = true)]
async fn a_killed_or_stopped_task_is_replaced() {
    let bench = bench(9);
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 2, json!({})).await;
    bench.steady("web").await;
    let listed = bench.ecs("ListTasks", json!({"cluster": "prod", "serviceName": "web"})).await.unwrap();
    let arn = listed["taskArns"][0].clone();
    bench.ecs("StopTask", json!({"cluster": "prod", "task": arn, "reason": "test"})).await.unwrap();
    pass(5).await;
    assert_eq!(bench.show("web").await["runningCount"], 1);
    pass(60).await;
    let service = bench.show("web").await;
    assert_eq!((count(&service, "runningCount"), rollout(&service)), (2, "COMPLETED"));
    let stopped = bench.task(&arn).await;
    assert_eq!((&stopped["lastStatus"], &stopped["stopCode"]), (&json!("STOPPED"), &json!("UserInitiated")));
    assert_eq!(stopped["stoppedReason"], "test");
}

#[tokio::test(start_paused = true)]
async fn scaling_is_no_deployment() {
    let bench = bench(10);
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 1, json!({})).await;
    let id = bench.steady("web").await["deployments"][0]["id"].clone();
    let service = bench.update("web", json!({"desiredCount": 4})).await.unwrap();
    assert_eq!((&service["deployments"][0]["id"], count(&service, "desiredCount")), (&id, 4));
    pass(60).await;
    assert_eq!(bench.show("web").await["runningCount"], 4);
    bench.update("web", json!({"desiredCount": 0, "enableExecuteCommand": false})).await.unwrap();
    pass(60).await;
    let service = bench.show("web").await;
    assert_eq!((count(&service, "runningCount"), &service["deployments"][0]["id"]), (0, &id));
    assert!(is_steady(&service));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_drains_becomes_inactive_and_may_be_made_again() {
    let bench = bench(11);
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 1, json!({})).await;
    bench.steady("web").await;
    let refused = bench.ecs("DeleteService", json!({"cluster": "prod", "service": "web"})).await.unwrap_err();
    assert_eq!(refused.1, "The service cannot be stopped while it is scaled above 0.");
    let deleted = bench
        .ecs("DeleteService", json!({"cluster": "prod", "service": "web", "force": true}))
        .await
        .unwrap();
    assert_eq!(deleted["service"]["status"], "DRAINING");
    let input = json!({"cluster": "prod", "serviceName": "web", "taskDefinition": definition, "desiredCount": 1,
        "launchType": "FARGATE", "networkConfiguration": crate::support::network()});
    let early = bench.ecs("CreateService", input.clone()).await.unwrap_err();
    assert_eq!(early.1, "Unable to Start a service that is still Draining.");
    pass(60).await;
    assert_eq!(bench.show("web").await["status"], "INACTIVE");
    assert_eq!(
        bench.ecs("ListServices", json!({"cluster": "prod"})).await.unwrap()["serviceArns"],
        json!([])
    );
    assert_eq!(
        bench.update("web", json!({"desiredCount": 1})).await.unwrap_err().0,
        "ServiceNotActiveException"
    );
    bench.ecs("CreateService", input.clone()).await.unwrap();
    assert_eq!(bench.steady("web").await["runningCount"], 1);
    assert_eq!(
        bench.ecs("CreateService", input).await.unwrap_err().1,
        "Creation of service was not idempotent."
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_client_token_makes_a_service_once() {
    let bench = bench(12);
    let definition = bench.define("web", "nginx:1").await;
    let token = json!({"clientToken": "t-1"});
    let first = bench.create("web", &definition, 1, token.clone()).await;
    let second = bench.create("web", &definition, 1, token).await;
    assert_eq!((&first["createdAt"], &first["deployments"]), (&second["createdAt"], &second["deployments"]));
}

#[tokio::test(start_paused = true)]
async fn a_service_with_network_interfaces_shows_the_service_linked_role() {
    let bench = bench(13);
    let definition = bench.define("web", "nginx:1").await;
    let made = bench.create("web", &definition, 1, json!({})).await;
    let role = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    assert_eq!((&made["roleArn"], &made["loadBalancers"]), (&json!(role), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn services_that_cannot_work_are_refused() {
    let bench = bench(13);
    let definition = bench.define("web", "nginx:1").await;
    let create = |more: Value| {
        let mut input = json!({"cluster": "prod", "serviceName": "web", "taskDefinition": definition, "desiredCount": 1,
            "launchType": "FARGATE", "networkConfiguration": crate::support::network()});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        bench.ecs("CreateService", input)
    };
    assert_eq!(create(json!({"cluster": "none"})).await.unwrap_err().0, "ClusterNotFoundException");
    assert_eq!(create(json!({"taskDefinition": "none"})).await.unwrap_err().0, "ClientException");
    assert_eq!(
        create(json!({"networkConfiguration": null})).await.unwrap_err().0,
        "InvalidParameterException"
    );
    let group = bench.target_group("web");
    let balancer = |name: &str, port: u32| json!({"loadBalancers": [{"targetGroupArn": group, "containerName": name, "containerPort": port}]});
    assert!(
        create(balancer("nope", 80)).await.unwrap_err().1.contains("does not exist in the task definition")
    );
    assert!(
        create(balancer("app", 81)).await.unwrap_err().1.contains("did not have a container port 81 defined")
    );
    let deregister = json!({ "taskDefinition": definition });
    bench.ecs("DeregisterTaskDefinition", deregister).await.unwrap();
    assert_eq!(create(json!({})).await.unwrap_err().1, "TaskDefinition is inactive");
}

#[tokio::test(start_paused = true)]
async fn a_grace_period_that_nothing_uses_and_balancing_that_cannot_be_are_refused() {
    let bench = bench(13);
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 1, json!({})).await;
    let refused = bench.update("web", json!({"healthCheckGracePeriodSeconds": 0})).await.unwrap_err();
    assert!(refused.1.contains("only valid for services configured to use load balancers"), "{refused:?}");
    let alone = json!({"minimumHealthyPercent": 0, "maximumPercent": 100});
    let refused = bench.update("web", json!({"deploymentConfiguration": alone})).await.unwrap_err();
    assert!(refused.1.contains("Availability Zone"), "{refused:?}");
    let off = json!({"deploymentConfiguration": alone, "availabilityZoneRebalancing": "DISABLED"});
    bench.update("web", off).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_tasks_run_on_changes_by_a_forced_deployment_alone() {
    let bench = bench(13);
    let providers = json!({"cluster": "prod", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": []});
    bench.ecs("PutClusterCapacityProviders", providers).await.unwrap();
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 1, json!({})).await;
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let refused = bench.update("web", json!({"capacityProviderStrategy": spot})).await.unwrap_err();
    assert_eq!(refused.0, "InvalidParameterException");
    assert!(refused.1.ends_with("you must force a new deployment."), "{}", refused.1);
    let forced = json!({"capacityProviderStrategy": spot, "forceNewDeployment": true});
    let service = bench.update("web", forced).await.unwrap();
    assert_eq!(service.get("launchType"), None);
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(2));
    let same = bench.update("web", json!({"capacityProviderStrategy": spot})).await.unwrap();
    assert_eq!(same["deployments"].as_array().map(Vec::len), Some(2), "no change, no deployment");
    bench.update("web", json!({"capacityProviderStrategy": []})).await.unwrap_err();
    let back = json!({"capacityProviderStrategy": [], "forceNewDeployment": true});
    let service = bench.update("web", back).await.unwrap();
    assert_eq!((service.get("capacityProviderStrategy"), &service["launchType"]), (None, &json!("FARGATE")));
    bench.update("web", json!({"capacityProviderStrategy": []})).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn deregistering_a_definition_in_use_leaves_its_tasks_alone() {
    let bench = bench(14);
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:2").await);
    bench.create("web", &one, 1, json!({})).await;
    bench.steady("web").await;
    bench.ecs("DeregisterTaskDefinition", json!({"taskDefinition": one})).await.unwrap();
    pass(300).await;
    assert_eq!(bench.show("web").await["runningCount"], 1);
    bench.update("web", json!({"desiredCount": 2})).await.unwrap();
    pass(60).await;
    assert_eq!(bench.show("web").await["runningCount"], 2);
    assert_eq!(
        bench.update("web", json!({"taskDefinition": "web:1"})).await.unwrap_err().1,
        "TaskDefinition is inactive"
    );
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    assert_eq!(bench.steady("web").await["runningCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_can_be_stopped_by_hand() {
    let bench = bench(15);
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:slow").await);
    bench.create("web", &one, 1, json!({})).await;
    bench.steady("web").await;
    let arn = bench.update("web", json!({"taskDefinition": two})).await.unwrap()["currentServiceDeployment"]
        .clone();
    pass(10).await;
    bench
        .ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}))
        .await
        .unwrap();
    assert_eq!(bench.show("web").await["taskDefinition"], one);
    bench.steady("web").await;
    let again = bench.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn})).await.unwrap_err();
    assert_eq!(again.0, "ConflictException");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_recovers_after_two_crashes_completes() {
    let bench = bench(16);
    bench.sim.behave(BehaviourRule::image("*", Behaviour::exits(1, 1.0)).times(2));
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 1, breaker()).await;
    let service = bench.steady("web").await;
    assert_eq!((&service["deployments"][0]["failedTasks"], count(&service, "runningCount")), (&json!(2), 1));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_runs_once_on_each_instance_and_a_host_port_is_taken_once() {
    let bench = bench(17);
    let seed = json!({"region": crate::support::REGION, "capacityProviders": ["gpu"],
        "clusters": [{"name": "metal", "capacityProviders": ["gpu"], "containerInstances": 2}]});
    bench.sim.seed_world(&seed).unwrap();
    let input = json!({"family": "agent", "networkMode": "host", "containerDefinitions": [{"name": "a", "image": "agent:1",
        "memory": 64, "portMappings": [{"containerPort": 9100}]}]});
    bench.ecs("RegisterTaskDefinition", input).await.unwrap();
    let strategy = json!([{"capacityProvider": "gpu"}]);
    bench
        .ecs(
            "CreateService",
            json!({"cluster": "metal", "serviceName": "agent", "taskDefinition": "agent",
            "schedulingStrategy": "DAEMON", "capacityProviderStrategy": strategy}),
        )
        .await
        .unwrap();
    pass(30).await;
    let service = view(&bench, "metal", "agent");
    assert_eq!((service.desired, service.running), (2, 2));
    let third = bench
        .ecs(
            "RunTask",
            json!({"cluster": "metal", "taskDefinition": "agent", "capacityProviderStrategy": strategy}),
        )
        .await
        .unwrap();
    assert_eq!(
        (third["tasks"].as_array().unwrap().len(), &third["failures"][0]["reason"]),
        (0, &json!("RESOURCE:PORTS"))
    );
}

fn view(bench: &Bench, cluster: &str, name: &str) -> aws_sim::ecs::ServiceView {
    bench.sim.with(|world| world.region(crate::support::REGION).ecs.service(cluster, name)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn rebalancing_is_on_where_there_is_room_for_one_more_task() {
    let bench = bench(18);
    let definition = bench.define("web", "nginx:1").await;
    let recreate = json!({"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100}});
    let service = bench.create("one", &definition, 1, recreate.clone()).await;
    assert_eq!(service["availabilityZoneRebalancing"], "DISABLED");
    bench.create("many", &definition, 1, json!({})).await;
    assert!(bench.update("many", recreate.clone()).await.unwrap_err().1.contains("maximumPercent <= 100"));
    let mut both = recreate;
    both["availabilityZoneRebalancing"] = "DISABLED".into();
    bench.update("many", both).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_turns_unhealthy_is_replaced_in_a_steady_service() {
    let bench = bench(19);
    let failing = Behaviour { unhealthy_after_seconds: Some(300.0), ..Behaviour::default() };
    bench.sim.behave(BehaviourRule::image("*", failing).times(1));
    let input = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "app", "image": "a:1",
            "healthCheck": {"command": ["CMD", "true"], "interval": 10, "retries": 2}}]});
    bench.ecs("RegisterTaskDefinition", input).await.unwrap();
    bench.create("web", "web", 1, json!({})).await;
    bench.steady("web").await;
    let first = bench.ecs("ListTasks", json!({"cluster": "prod"})).await.unwrap()["taskArns"][0].clone();
    pass(400).await;
    let service = bench.steady("web").await;
    assert_eq!(
        (count(&service, "runningCount"), service["deployments"][0]["failedTasks"].as_u64()),
        (1, Some(0))
    );
    assert_eq!(bench.task(&first).await["stoppedReason"], "Task failed container health checks");
    assert!(events(&service).iter().any(|text| text.contains("failed container health checks")));
}

#[tokio::test(start_paused = true)]
async fn early_success_completes_a_deployment_before_the_old_tasks_are_gone() {
    let bench = bench(20);
    let group = bench.target_group("web");
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:2").await);
    let early = json!({"enable": true, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED"});
    let more = json!({"deploymentConfiguration": {"earlySuccessCriteria": early},
        "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]});
    bench.create("web", &one, 1, more).await;
    bench.steady("web").await;
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    let both = |service: &Value| service["deployments"].as_array().is_some_and(|all| all.len() == 2);
    bench.until("web", 200, |service| both(service) && rollout(service) == "COMPLETED").await;
    assert_eq!(bench.steady("web").await["deployments"].as_array().unwrap().len(), 1);
}

/// An alarm on a metric that nobody publishes, held in OK.
pub fn put_alarm(bench: &Bench, name: &str) {
    let input = json!({"AlarmName": name, "Namespace": "App", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 2, "Threshold": 5, "ComparisonOperator": "GreaterThanThreshold"});
    bench
        .sim
        .with(|world| world.edit(crate::support::REGION, Service::Cloudwatch, "PutMetricAlarm", &input))
        .unwrap();
    hold(bench, name, "OK");
}

pub fn hold(bench: &Bench, name: &str, state: &str) {
    bench.sim.with(|world| {
        let now = world.now();
        world.region(crate::support::REGION).cloudwatch.hold(now, name, Some(state)).unwrap();
    });
}

fn watched(names: &[&str], rollback: bool) -> Value {
    json!({"deploymentConfiguration": {"alarms": {"alarmNames": names, "enable": true, "rollback": rollback}}})
}

#[tokio::test(start_paused = true)]
async fn an_alarm_in_the_bake_time_rolls_back_to_the_revision_that_worked() {
    let bench = bench(21);
    put_alarm(&bench, "5xx");
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:2").await);
    bench.create("web", &one, 2, watched(&["5xx", "none"], true)).await;
    let first = bench.steady("web").await["deployments"][0]["id"].as_str().unwrap().to_owned();
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    // All that runs is new, but the old deployment is not dropped before the bake time is over.
    let replaced = |service: &Value| {
        let all = service["deployments"].as_array().unwrap();
        all.len() == 2 && count(&all[0], "runningCount") == 2 && count(&all[1], "runningCount") == 0
    };
    bench.until("web", 200, replaced).await;
    pass(30).await;
    let service = bench.show("web").await;
    assert!(replaced(&service) && rollout(&service) == "IN_PROGRESS", "{service:#}");
    assert_eq!(
        newest(&bench).await["alarms"],
        json!({"status": "MONITORING", "alarmNames": ["5xx", "none"]})
    );
    hold(&bench, "5xx", "ALARM");
    let service = bench.until("web", 20, |service| service["taskDefinition"] == json!(one)).await;
    assert_eq!(
        service["deployments"][0]["rolloutStateReason"],
        format!("ECS deployment alarm: rolling back to deploymentId {first}.")
    );
    let said = events(&service);
    assert!(said.iter().any(|text| text.ends_with(") deployment failed: alarm detected.")), "{said:?}");
    assert!(said.contains(&format!("(service web) rolling back to deployment {first}.")), "{said:?}");
    let service = bench.steady("web").await;
    assert_eq!((&service["deployments"][0]["id"], count(&service, "runningCount")), (&json!(first), 2));
    let detail = newest(&bench).await;
    assert_eq!(
        (&detail["status"], &detail["alarms"]["status"], &detail["alarms"]["triggeredAlarmNames"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!("TRIGGERED"), &json!(["5xx"]))
    );
}

#[tokio::test(start_paused = true)]
async fn an_alarm_without_rollback_fails_the_deployment_and_leaves_it() {
    let bench = bench(22);
    put_alarm(&bench, "5xx");
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:slow").await);
    bench.create("web", &one, 2, watched(&["5xx"], false)).await;
    bench.steady("web").await;
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    hold(&bench, "5xx", "ALARM");
    let service = bench.until("web", 300, |service| rollout(service) == "FAILED").await;
    assert_eq!(service["deployments"][0]["rolloutStateReason"], "ECS deployment alarm: alarm detected.");
    assert_eq!(service["taskDefinition"], two);
    let detail = newest(&bench).await;
    assert_eq!((&detail["status"], &detail["alarms"]["status"]), (&json!("STOPPED"), &json!("TRIGGERED")));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_on_already_and_one_that_does_not_exist_are_not_waited_for() {
    let bench = bench(23);
    put_alarm(&bench, "5xx");
    hold(&bench, "5xx", "ALARM");
    let definition = bench.define("web", "nginx:1").await;
    bench.create("web", &definition, 1, watched(&["5xx"], true)).await;
    bench.steady("web").await;
    assert_eq!(newest(&bench).await["alarms"]["status"], "DISABLED");
    bench.update("web", watched(&["none"], true)).await.unwrap();
    bench.update("web", json!({"forceNewDeployment": true})).await.unwrap();
    let service = bench.steady("web").await;
    assert_eq!(
        service["deploymentConfiguration"]["alarms"],
        json!({"alarmNames": ["none"], "enable": true, "rollback": true})
    );
    assert_eq!(newest(&bench).await["alarms"]["status"], "MONITORING_COMPLETE");
    let partial = json!({"deploymentConfiguration": {"alarms": {"alarmNames": ["none"]}}});
    assert_eq!(bench.update("web", partial).await.unwrap_err().0, "InvalidParameterException");
}

#[tokio::test(start_paused = true)]
async fn hooks_volumes_and_ports_that_cannot_be_are_refused() {
    let bench = bench(25);
    let definition = bench.define("web", "nginx:1").await;
    let lambda = json!({"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "arn:f", "roleArn": "arn:r"});
    let hook = |member: &str, value: Value| {
        let mut hook = lambda.clone();
        hook[member] = value;
        json!({"deploymentConfiguration": {"lifecycleHooks": [hook]}})
    };
    let early = |criteria: Value| json!({"deploymentConfiguration": {"earlySuccessCriteria": criteria}});
    let wrong = [
        (hook("lifecycleStages", json!([])), "lifecycleStages"),
        (hook("lifecycleStages", json!(["BAKE_TIME"])), "RECONCILE_SERVICE"),
        (hook("roleArn", Value::Null), "roleArn"),
        (hook("timeoutConfiguration", json!({"timeoutInMinutes": 0})), "greater than or equal to 1"),
        (
            json!({"deploymentConfiguration": {"lifecycleHooks": [
            {"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}]}}),
            "TEST_TRAFFIC_SHIFT",
        ),
        (early(json!({"enable": true, "healthyPercent": 100})), "sourceServiceRevisionCleanup"),
        (json!({"serviceConnectConfiguration": {"enabled": true, "services": [{"portName": "web"}]}}), "web"),
        (
            json!({"volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": "arn:r"}}]}),
            "no matching configuredAtLaunch volume",
        ),
    ];
    for (number, (more, part)) in wrong.into_iter().enumerate() {
        let mut input = json!({"cluster": "prod", "serviceName": format!("web-{number}"), "desiredCount": 1,
            "taskDefinition": definition, "launchType": "FARGATE", "networkConfiguration": crate::support::network()});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (code, text) = bench.ecs("CreateService", input).await.unwrap_err();
        assert_eq!(code, "InvalidParameterException", "{more}");
        assert!(text.contains(part), "{more}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn services_that_cannot_be_are_refused_in_the_words_of_aws() {
    let bench = bench(26);
    let input = json!({"cluster": "prod", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": []});
    bench.ecs("PutClusterCapacityProviders", input).await.unwrap();
    let definition = bench.define("web", "nginx:1").await;
    let strategy = |name: &str, base: u32, weight: u32| json!({"capacityProvider": name, "base": base, "weight": weight});
    let percent = |least: u32, most: u32| json!({"deploymentConfiguration": {"minimumHealthyPercent": least, "maximumPercent": most}});
    let spread = |base: u32, weight: u32| {
        json!({"launchType": null, "capacityProviderStrategy":
            [strategy("FARGATE", base, weight), strategy("FARGATE_SPOT", base, weight)]})
    };
    for (more, text) in [
        (percent(101, 200), "minimumHealthyPercent must be at most 100"),
        (percent(50, 99), "maximumPercent must be at least 100"),
        (
            percent(100, 100),
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ),
        (
            json!({"placementConstraints": [{"type": "distinctInstance"}]}),
            "Placement constraints are not supported with FARGATE launch type.",
        ),
        (
            json!({"placementStrategy": [{"type": "random"}]}),
            "Placement strategies are not supported with FARGATE launch type.",
        ),
        (spread(1, 1), "Only one capacity provider can have a base value greater than zero."),
        (
            spread(0, 0),
            "Specify a weight value greater than zero for at least one capacity provider and try again.",
        ),
        (
            json!({"serviceRegistries": [{"registryArn": "arn:a"}, {"registryArn": "arn:b"}]}),
            "service registries can have at most 1 items.",
        ),
    ] {
        let mut input = json!({"cluster": "prod", "serviceName": "web", "desiredCount": 1, "taskDefinition": definition,
            "launchType": "FARGATE", "networkConfiguration": crate::support::network()});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (code, said) = bench.ecs("CreateService", input).await.unwrap_err();
        assert!(code == "InvalidParameterException" && said.contains(text), "{more}: {code}: {said}");
    }
}
