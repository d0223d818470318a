"""Whole stories, as clients of AWS live through them."""

import json

import pytest

from conftest import refused, until
from fixtures import (NETWORK, ROLE, behind_load_balancer, container, create, register, service, steady,
                    target_states, until_steady)


@pytest.fixture
def ecs(aws):
    aws.ecs.create_cluster(clusterName="main")
    return aws.ecs


def test_a_service_rolls_to_a_new_revision_without_falling_below_its_minimum(ecs):
    register(ecs)
    register(ecs, image="app:2")
    create(ecs, definition="app:1", count=2)
    until_steady(ecs)
    ecs.update_service(cluster="main", service="app", taskDefinition="app:2")
    lowest = []

    def read():
        seen = service(ecs)
        lowest.append(seen["runningCount"])
        return seen

    done = until(read, lambda seen: steady(seen) and seen["taskDefinition"].endswith(":2"))
    assert min(lowest) >= 2 and max(lowest) <= 4
    assert done["runningCount"] == 2 and done["pendingCount"] == 0
    assert any("has reached a steady state" in event["message"] for event in done["events"])
    tasks = ecs.list_tasks(cluster="main", serviceName="app")["taskArns"]
    described = ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"]
    assert {task["taskDefinitionArn"][-1] for task in described} == {"2"}
    assert {task["startedBy"] for task in described} == {done["deployments"][0]["id"]}
    assert {task["group"] for task in described} == {"service:app"}


def test_the_stable_waiter_of_boto3_is_satisfied(ecs):
    register(ecs)
    create(ecs, count=1)
    ecs.get_waiter("services_stable").wait(cluster="main", services=["app"], WaiterConfig={"Delay": 1})
    ecs.delete_service(cluster="main", service="app", force=True)
    ecs.get_waiter("services_inactive").wait(cluster="main", services=["app"], WaiterConfig={"Delay": 1})


def test_scaling_up_and_down(ecs):
    register(ecs)
    create(ecs, count=1)
    for count in (3, 1, 0):
        ecs.update_service(cluster="main", service="app", desiredCount=count)
        until(lambda: service(ecs), lambda seen: seen["runningCount"] == count and seen["pendingCount"] == 0)  # noqa: B023


def test_a_crashing_revision_is_rolled_back_by_the_circuit_breaker(ecs):
    register(ecs)
    register(ecs, image="app:crash")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "maximumPercent": 200,
               "minimumHealthyPercent": 100}
    create(ecs, definition="app:1", count=1, deploymentConfiguration=breaker)
    until_steady(ecs)
    ecs.update_service(cluster="main", service="app", taskDefinition="app:2")
    done = until(lambda: service(ecs), lambda seen: steady(seen) and seen["taskDefinition"].endswith(":1"))
    assert done["runningCount"] == 1
    past = ecs.list_service_deployments(cluster="main", service="app")["serviceDeployments"]
    statuses = {one["status"] for one in past}
    assert "ROLLBACK_SUCCESSFUL" in statuses or "ROLLBACK_IN_PROGRESS" in statuses, statuses
    stopped = ecs.list_tasks(cluster="main", family="app", desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster="main", tasks=stopped)["tasks"]
    crashed = [t for t in tasks if t["taskDefinitionArn"].endswith(":2")]
    assert crashed and all(t["containers"][0].get("exitCode") == 1 for t in crashed if
                           t["stopCode"] == "EssentialContainerExited")


def test_a_revision_that_cannot_start_leaves_the_old_tasks_running(ecs):
    register(ecs)
    register(ecs, image="app:unpullable")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    create(ecs, definition="app:1", count=2, deploymentConfiguration=breaker)
    until_steady(ecs)
    ecs.update_service(cluster="main", service="app", taskDefinition="app:2")
    lowest = []

    def read():
        seen = service(ecs)
        lowest.append(seen["runningCount"])
        return seen

    until(read, lambda seen: steady(seen) and seen["taskDefinition"].endswith(":1"))
    assert min(lowest) == 2
    past = ecs.list_service_deployments(cluster="main", service="app")["serviceDeployments"]
    assert {one["status"] for one in past} & {"ROLLBACK_SUCCESSFUL", "ROLLBACK_IN_PROGRESS"}


def test_without_a_rollback_a_crashing_deployment_fails(ecs):
    register(ecs, image="app:crash")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    create(ecs, count=1, deploymentConfiguration=breaker)
    failed = until(lambda: service(ecs), lambda seen: seen["deployments"][0]["rolloutState"] == "FAILED")
    assert failed["deployments"][0]["failedTasks"] >= 3
    assert "circuit breaker" in failed["deployments"][0]["rolloutStateReason"]


def test_an_image_that_cannot_be_pulled(ecs):
    register(ecs, image="app:unpullable")
    task = ecs.run_task(cluster="main", taskDefinition="app", launchType="FARGATE",
                        networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
    stopped = until(lambda: ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0],
                    lambda seen: seen["lastStatus"] == "STOPPED")
    assert stopped["stopCode"] == "TaskFailedToStart" and "CannotPullContainerError" in stopped["stoppedReason"]
    assert "exitCode" not in stopped["containers"][0] and "startedAt" not in stopped


def test_a_migration_task_ends_with_zero(ecs):
    register(ecs, family="migrate", image="app:1", containerDefinitions=[container(command=["migrate", "up"])])
    task = ecs.run_task(cluster="main", taskDefinition="migrate", launchType="FARGATE",
                        networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_stopped").wait(cluster="main", tasks=[task], WaiterConfig={"Delay": 1})
    seen = ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0]
    assert seen["stopCode"] == "EssentialContainerExited" and seen["containers"][0]["exitCode"] == 0


def test_targets_follow_the_tasks(aws, ecs):
    group = behind_load_balancer(aws.elbv2)
    register(ecs)
    create(ecs, count=2, healthCheckGracePeriodSeconds=30,
           loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}])
    until_steady(ecs)
    assert target_states(aws.elbv2, group) == ["healthy", "healthy"]
    tasks = ecs.describe_tasks(cluster="main", tasks=ecs.list_tasks(cluster="main")["taskArns"])["tasks"]
    addresses = {c["networkInterfaces"][0]["privateIpv4Address"] for t in tasks for c in t["containers"]}
    described = aws.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in described} == addresses
    ecs.stop_task(cluster="main", task=tasks[0]["taskArn"])
    until(lambda: target_states(aws.elbv2, group), lambda seen: seen == ["healthy", "healthy"] and len(
        ecs.list_tasks(cluster="main")["taskArns"]) == 2)
    ecs.delete_service(cluster="main", service="app", force=True)
    until(lambda: target_states(aws.elbv2, group), lambda seen: seen == [])


def test_an_unhealthy_service_never_completes_and_its_tasks_are_replaced(aws, ecs):
    group = behind_load_balancer(aws.elbv2)
    register(ecs, image="app:unhealthy")
    create(ecs, count=1, loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}])
    first = until(lambda: ecs.list_tasks(cluster="main")["taskArns"], bool)
    until(lambda: ecs.list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"],
          lambda stopped: set(first) & set(stopped))
    assert service(ecs)["deployments"][0]["rolloutState"] == "IN_PROGRESS"


def test_secrets_and_log_groups_must_exist_before_a_task_starts(aws, ecs):
    def run(family):
        task = ecs.run_task(cluster="main", taskDefinition=family, launchType="FARGATE",
                            networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
        return until(lambda: ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0],
                     lambda seen: seen["lastStatus"] in ("RUNNING", "STOPPED"))

    arn = aws.secrets.create_secret(Name="db", SecretString=json.dumps({"url": "x"}))["ARN"]
    options = {"awslogs-group": "/ecs/app", "awslogs-region": aws.region, "awslogs-stream-prefix": "app"}
    for family, key in (("good", "url"), ("bad", "port")):
        register(ecs, family=family, containerDefinitions=[container(
            secrets=[{"name": "DB", "valueFrom": f"{arn}:{key}::"}],
            logConfiguration={"logDriver": "awslogs", "options": options})])
    lost = run("good")
    assert lost["lastStatus"] == "STOPPED" and "ResourceInitializationError" in lost["stoppedReason"]
    aws.logs.create_log_group(logGroupName="/ecs/app")
    wrong = run("bad")
    assert wrong["stopCode"] == "TaskFailedToStart" and "did not contain json key port" in wrong["stoppedReason"]
    assert run("good")["lastStatus"] == "RUNNING"
    streams = until(lambda: aws.logs.describe_log_streams(logGroupName="/ecs/app")["logStreams"], bool)
    assert streams[0]["logStreamName"].startswith("app/app/")
    events = aws.logs.get_log_events(logGroupName="/ecs/app", logStreamName=streams[0]["logStreamName"])["events"]
    assert events


def test_a_task_of_a_service_that_is_stopped_by_hand_is_replaced(ecs):
    register(ecs)
    create(ecs, count=1)
    until_steady(ecs)
    before = ecs.list_tasks(cluster="main")["taskArns"]
    ecs.stop_task(cluster="main", task=before[0])
    until(lambda: [t for t in ecs.list_tasks(cluster="main")["taskArns"] if t not in before], bool)


def test_a_definition_for_ec2_runs_on_a_capacity_provider_in_host_mode(aws, ecs):
    group = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/a"
    ecs.create_capacity_provider(name="ec2", autoScalingGroupProvider={"autoScalingGroupArn": group})
    ecs.put_cluster_capacity_providers(cluster="main", capacityProviders=["ec2"], defaultCapacityProviderStrategy=[])
    ecs.register_task_definition(family="host", networkMode="host", requiresCompatibilities=["EC2"],
                                 executionRoleArn=ROLE, containerDefinitions=[container(memory=128)])
    task = ecs.run_task(cluster="main", taskDefinition="host",
                        capacityProviderStrategy=[{"capacityProvider": "ec2", "weight": 1}])["tasks"][0]["taskArn"]
    running = until(lambda: ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0],
                    lambda seen: seen["lastStatus"] == "RUNNING")
    assert running["attachments"] == []


def test_deleting_what_is_in_use_is_refused(aws, ecs):
    group = behind_load_balancer(aws.elbv2)
    register(ecs)
    create(ecs, count=1,
           loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}])
    refused("ResourceInUse", aws.elbv2.delete_target_group, TargetGroupArn=group)
    refused("ClusterContainsServicesException", ecs.delete_cluster, cluster="main")


def test_a_pause_hook_holds_a_deployment_until_it_is_continued(ecs):
    register(ecs)
    register(ecs, image="app:2")
    create(ecs, definition="app:1", count=1, deploymentConfiguration={"strategy": "BLUE_GREEN", "lifecycleHooks": [
        {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]})
    until_steady(ecs)
    ecs.update_service(cluster="main", service="app", taskDefinition="app:2")
    arn = ecs.list_service_deployments(cluster="main", service="app")["serviceDeployments"][0]["serviceDeploymentArn"]

    def read():
        return ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]

    held = until(read, lambda seen: seen.get("lifecycleHookDetails"))
    assert held["lifecycleStage"] == "POST_SCALE_UP"
    pause = held["lifecycleHookDetails"][0]
    assert (pause["status"], pause["targetType"], pause["timeoutAction"]) == ("AWAITING_ACTION", "PAUSE", "ROLLBACK")
    refused("InvalidParameterException", ecs.continue_service_deployment, serviceDeploymentArn=arn, hookId="other",
            action="CONTINUE")
    ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=pause["hookId"], action="CONTINUE")
    done = until(read, lambda seen: seen["status"] == "SUCCESSFUL")
    assert done["lifecycleHookDetails"][0]["status"] == "SUCCEEDED"
    assert until_steady(ecs)["taskDefinition"].endswith(":2")
