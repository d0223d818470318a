"""Faults, behaviours and the rest of the control interface under /_sim."""

import time
import urllib.error

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from conftest import Aws, new_region, refused, until
from fixtures import NETWORK, behind_load_balancer, create, register, service, target_states, until_steady

THROTTLED = {"error": {"status": 400, "code": "ThrottlingException", "message": "Rate exceeded"}}


def fault(sim, region, operation, effect, when="always", **more):
    sim.call("POST", "/faults", {"region": region, "operation": operation, "when": when, "effect": effect, **more})


def test_every_third_call_is_throttled(aws, sim):
    fault(sim, aws.region, "DescribeServices", THROTTLED, {"everyNth": 3})
    aws.ecs.create_cluster(clusterName="main")
    for index in range(1, 10):
        ask = {"cluster": "main", "services": ["a"]}
        if index % 3:
            aws.ecs.describe_services(**ask)
        else:
            refused("ThrottlingException", aws.ecs.describe_services, **ask)


def test_clients_retry_throttling_and_server_errors(endpoint, sim):
    aws = Aws(endpoint, new_region(), attempts=4)
    fault(sim, aws.region, "ListClusters", THROTTLED, {"first": 2})
    answer = aws.ecs.list_clusters()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    broken = {"error": {"status": 500, "code": "InternalFailure", "message": "down"}}
    fault(sim, aws.region, "DescribeTargetGroups", broken, "once")
    assert aws.elbv2.describe_target_groups()["ResponseMetadata"]["RetryAttempts"] == 1


def test_access_can_be_denied_to_one_resource(aws, sim):
    denied = {"error": {"status": 400, "code": "AccessDeniedException", "message": "no"}}
    fault(sim, aws.region, "GetSecretValue", denied, resource="private")
    for name in ("private", "public"):
        aws.secrets.create_secret(Name=name, SecretString="x")
    refused("AccessDeniedException", aws.secrets.get_secret_value, SecretId="private")
    aws.secrets.get_secret_value(SecretId="public")


def test_a_lost_reply_took_effect_and_a_reset_did_not(aws, sim):
    fault(sim, aws.region, "CreateLogGroup", "lostReply", "once", resource="/lost")
    fault(sim, aws.region, "CreateLogGroup", "reset", "once", resource="/reset")
    for name in ("/lost", "/reset"):
        with pytest.raises(ConnectionClosedError):
            aws.logs.create_log_group(logGroupName=name)
    names = [group["logGroupName"] for group in aws.logs.describe_log_groups()["logGroups"]]
    assert names == ["/lost"]


def test_a_duplicated_request_is_answered_for_the_second_time(aws, sim):
    fault(sim, aws.region, "CreateLogGroup", "duplicate", "once")
    refused("ResourceAlreadyExistsException", aws.logs.create_log_group, logGroupName="/twice")
    assert len(aws.logs.describe_log_groups()["logGroups"]) == 1


def test_a_call_that_is_never_answered_times_out_without_effect(endpoint, sim):
    aws = Aws(endpoint, new_region(), patience=1)
    fault(sim, aws.region, "CreateLogGroup", "never", "once")
    with pytest.raises(ReadTimeoutError):
        aws.logs.create_log_group(logGroupName="/never")
    assert aws.logs.describe_log_groups()["logGroups"] == []


def test_a_delay_delays(aws, sim):
    speed = sim.call("GET", "")["speed"]
    fault(sim, aws.region, "ListClusters", {"delay": 0.5 * speed}, "once")
    begin = time.monotonic()
    aws.ecs.list_clusters()
    assert time.monotonic() - begin >= 0.4


def test_a_stale_read_shows_the_past(aws, sim):
    fault(sim, aws.region, "DescribeServices", {"staleRead": 10_000})
    aws.ecs.create_cluster(clusterName="main")
    register(aws.ecs)
    create(aws.ecs, count=0)
    late = aws.ecs.list_services(cluster="main")["serviceArns"]
    assert len(late) == 1
    try:
        seen = aws.ecs.describe_services(cluster="main", services=["app"])
        assert seen["services"] == []
    except aws.ecs.exceptions.ClusterNotFoundException:
        pass


def test_a_window_of_simulated_time(aws, sim):
    fault(sim, aws.region, "ListClusters", THROTTLED,
          {"window": {"from": "2000-01-01T00:00:00Z", "to": "2000-01-02T00:00:00Z"}})
    aws.ecs.list_clusters()
    fault(sim, aws.region, "ListClusters", THROTTLED,
          {"window": {"from": "2000-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}})
    refused("ThrottlingException", aws.ecs.list_clusters)


def test_rules_can_be_seen_and_bad_ones_are_refused(aws, sim):
    fault(sim, aws.region, "Nothing", "reset")
    assert any(rule.get("operation") == "Nothing" for rule in sim.call("GET", "/faults"))
    for path, body in (("/faults", {"effect": "explode"}), ("/behaviours", {"nonsense": 1}), ("/limits", {})):
        with pytest.raises(urllib.error.HTTPError) as caught:
            sim.call("POST", path, body)
        assert caught.value.code == 400
    with pytest.raises(urllib.error.HTTPError):
        sim.call("GET", "/nonsense")


def test_a_behaviour_by_image(aws, sim):
    aws.ecs.create_cluster(clusterName="main")
    register(aws.ecs, image="job:special")
    sim.call("POST", "/behaviours", {"image": "job:special", "behaviour": {"exitCode": 3, "exitAfterSeconds": 1}})
    task = aws.ecs.run_task(cluster="main", taskDefinition="app", launchType="FARGATE",
                            networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
    seen = until(lambda: aws.ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0],
                 lambda seen: seen["lastStatus"] == "STOPPED")
    assert seen["containers"][0]["exitCode"] == 3


def test_memory_and_paths_by_behaviour(aws, sim):
    aws.ecs.create_cluster(clusterName="main")
    group = behind_load_balancer(aws.elbv2, path="/")
    register(aws.ecs, image="picky:1")
    sim.call("POST", "/behaviours", {"image": "picky:*", "behaviour": {"onlyPath": "/healthz"}})
    create(aws.ecs, count=1, healthCheckGracePeriodSeconds=100_000,
           loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}])
    until(lambda: target_states(aws.elbv2, group), lambda seen: seen == ["unhealthy"])
    health = aws.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
    assert health["Reason"] == "Target.ResponseCodeMismatch"
    aws.elbv2.modify_target_group(TargetGroupArn=group, HealthCheckPath="/healthz")
    until_steady(aws.ecs)
    assert target_states(aws.elbv2, group) == ["healthy"]
    register(aws.ecs, family="hungry", image="hungry:1")
    sim.call("POST", "/behaviours", {"image": "hungry:*", "behaviour": {"outOfMemoryAfterSeconds": 2}})
    task = aws.ecs.run_task(cluster="main", taskDefinition="hungry", launchType="FARGATE",
                            networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
    seen = until(lambda: aws.ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0],
                 lambda seen: seen["lastStatus"] == "STOPPED")
    assert seen["containers"][0]["exitCode"] == 137 and "OutOfMemory" in seen["containers"][0]["reason"]


def test_a_task_that_falls_ill_loses_its_target_and_is_replaced(aws, sim):
    aws.ecs.create_cluster(clusterName="main")
    group = behind_load_balancer(aws.elbv2)
    register(aws.ecs, image="frail:1")
    sim.call("POST", "/behaviours", {"image": "frail:1", "times": 1, "behaviour": {"unhealthyAfterSeconds": 200}})
    create(aws.ecs, count=1,
           loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}])
    first = until(lambda: aws.ecs.list_tasks(cluster="main")["taskArns"], bool)
    until(lambda: aws.ecs.list_tasks(cluster="main")["taskArns"], lambda seen: seen and not set(first) & set(seen))
    until(lambda: target_states(aws.elbv2, group), lambda seen: seen == ["healthy"])


def test_a_killed_task_is_replaced(aws, sim):
    aws.ecs.create_cluster(clusterName="main")
    register(aws.ecs)
    create(aws.ecs, count=1)
    until_steady(aws.ecs)
    task = aws.ecs.list_tasks(cluster="main")["taskArns"][0]
    sim.call("POST", "/kill", {"task": task, "exitCode": 9})
    until(lambda: aws.ecs.list_tasks(cluster="main")["taskArns"], lambda seen: seen and task not in seen)
    dead = aws.ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0]
    assert dead["containers"][0].get("exitCode") == 9 or dead["lastStatus"] != "STOPPED"
    until(lambda: service(aws.ecs), lambda seen: seen["runningCount"] == 1)


def test_calls_are_counted(aws, sim):
    sim.call("DELETE", "/calls")
    aws.sts.get_caller_identity()
    seen = sim.call("GET", "/calls")
    assert any("GetCallerIdentity" in str(call) for call in seen["calls"])
    assert "GetCallerIdentity" in str(seen["counts"])


def test_a_world_can_be_seeded_twice(aws, sim):
    seed = {
        "region": aws.region,
        "clusters": [{"name": "prod"}],
        "logGroups": ["/ecs/app"],
        "secrets": [{"name": "app/db", "value": {"password": "x"}}],
        "loadBalancers": [{"name": "main", "listeners": [{"port": 80, "protocol": "HTTP"}]}],
    }
    first = sim.call("POST", "/world", seed)
    assert sim.call("POST", "/world", seed) == first
    assert len(aws.ecs.list_clusters()["clusterArns"]) == 1
    assert aws.secrets.get_secret_value(SecretId="app/db")["SecretString"] == '{"password":"x"}'
    balancer = aws.elbv2.describe_load_balancers(Names=["main"])["LoadBalancers"][0]["LoadBalancerArn"]
    assert first["loadBalancers"]["main"] == balancer
    listener = aws.elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
    assert first["listeners"]["main:80"] == listener
    assert len(aws.logs.describe_log_groups()["logGroups"]) == 1
