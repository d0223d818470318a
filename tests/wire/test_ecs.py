"""ECS, operation by operation."""

import pytest

from conftest import refused, token, until
from fixtures import NETWORK, behind_load_balancer, container, create, register, service, until_steady


@pytest.fixture
def ecs(aws):
    aws.ecs.create_cluster(clusterName="main")
    return aws.ecs


def test_a_clusters_life(aws):
    ecs = aws.ecs
    made = ecs.create_cluster(clusterName="main", tags=[{"key": "a", "value": "1"}],
                              settings=[{"name": "containerInsights", "value": "enabled"}])["cluster"]
    assert made["status"] == "ACTIVE" and made["clusterArn"].endswith(":cluster/main")
    ecs.put_cluster_capacity_providers(cluster="main", capacityProviders=["FARGATE", "FARGATE_SPOT"],
                                       defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}])
    plain = ecs.describe_clusters(clusters=["main"])["clusters"][0]
    assert plain["tags"] == [] and plain["settings"] == []
    full = ecs.describe_clusters(clusters=["main"], include=["TAGS", "SETTINGS"])["clusters"][0]
    assert full["tags"] == [{"key": "a", "value": "1"}] and full["settings"]
    missing = ecs.describe_clusters(clusters=["none"])["failures"]
    assert [f["reason"] for f in missing] == ["MISSING"]
    assert ecs.list_clusters()["clusterArns"] == [made["clusterArn"]]
    assert ecs.delete_cluster(cluster="main")["cluster"]["status"] == "INACTIVE"
    refused("ClusterNotFoundException", ecs.delete_cluster, cluster="none")


def test_capacity_providers(aws):
    ecs = aws.ecs
    group = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/a"
    ecs.create_capacity_provider(name="ec2", autoScalingGroupProvider={"autoScalingGroupArn": group})
    names = {p["name"] for p in ecs.describe_capacity_providers()["capacityProviders"]}
    assert {"FARGATE", "FARGATE_SPOT", "ec2"} <= names
    ecs.delete_capacity_provider(capacityProvider="ec2")


def test_a_task_definitions_life(ecs):
    made = ecs.register_task_definition(
        family="app", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[{"name": "app", "image": "app:1", "portMappings": [{"containerPort": 8080}]}],
        tags=[{"key": "a", "value": "1"}])
    definition = made["taskDefinition"]
    assert made["tags"] == [{"key": "a", "value": "1"}]
    assert definition["revision"] == 1 and definition["status"] == "ACTIVE"
    one = definition["containerDefinitions"][0]
    assert one["portMappings"] == [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}]
    assert (one["cpu"], one["essential"]) == (0, True)
    for empty in ("environment", "mountPoints", "volumesFrom", "systemControls"):
        assert one[empty] == [], empty
    assert {"EC2", "FARGATE"} <= set(definition["compatibilities"])
    arn = definition["taskDefinitionArn"]
    second = register(ecs, image="app:2")
    assert second == arn[:-1] + "2"
    latest = ecs.describe_task_definition(taskDefinition="app", include=["TAGS"])
    assert latest["taskDefinition"]["taskDefinitionArn"] == second and latest["tags"] == []
    assert not ecs.describe_task_definition(taskDefinition=arn).get("tags")
    assert ecs.list_task_definitions(familyPrefix="app", sort="DESC")["taskDefinitionArns"] == [second, arn]
    assert ecs.list_task_definition_families(familyPrefix="a")["families"] == ["app"]
    gone = ecs.deregister_task_definition(taskDefinition="app:1")["taskDefinition"]
    assert gone["status"] == "INACTIVE" and "deregisteredAt" in gone
    assert ecs.describe_task_definition(taskDefinition="app:1")["taskDefinition"]["status"] == "INACTIVE"
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == [arn]
    deleted = ecs.delete_task_definitions(taskDefinitions=["app:1", "app:2"])
    assert [d["status"] for d in deleted["taskDefinitions"]] == ["DELETE_IN_PROGRESS"]
    assert len(deleted["failures"]) == 1
    refused("ClientException", ecs.describe_task_definition, taskDefinition="none")
    third = register(ecs, image="app:3")
    assert third.endswith(":3")


def test_bad_task_definitions_are_refused(ecs):
    fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc"}
    refused("ClientException", ecs.register_task_definition, family="a", containerDefinitions=[])
    refused("ClientException", ecs.register_task_definition, family="a b", containerDefinitions=[container()],
            cpu="256", memory="512", **fargate)
    refused("ClientException", ecs.register_task_definition, family="a", containerDefinitions=[container()],
            cpu="256", memory="9999", **fargate)
    refused("ClientException", ecs.register_task_definition, family="a", containerDefinitions=[container()],
            **fargate)
    refused("ClientException", ecs.register_task_definition, family="a", cpu="256", memory="512",
            containerDefinitions=[container(), container()], **fargate)
    refused("ClientException", ecs.deregister_task_definition, taskDefinition="none:1")


def test_a_services_defaults(ecs):
    register(ecs)
    made = create(ecs, count=1, tags=[{"key": "a", "value": "1"}])
    assert made["status"] == "ACTIVE" and made["taskDefinition"].endswith(":1")
    assert made["deploymentConfiguration"]["maximumPercent"] == 200
    assert made["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    assert made["schedulingStrategy"] == "REPLICA" and made["propagateTags"] == "NONE"
    assert made["enableExecuteCommand"] is False and made["platformFamily"] == "Linux"
    deployment = made["deployments"][0]
    assert deployment["id"].startswith("ecs-svc/") and len(deployment["id"]) == len("ecs-svc/") + 19
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    seen = ecs.describe_services(cluster="main", services=["app"])["services"][0]
    assert not seen.get("tags")
    seen = ecs.describe_services(cluster="main", services=["app"], include=["TAGS"])["services"][0]
    assert seen["tags"] == [{"key": "a", "value": "1"}]


def test_bad_services_are_refused(aws, ecs):
    register(ecs)
    good = {"cluster": "main", "serviceName": "app", "taskDefinition": "app", "desiredCount": 1,
            "launchType": "FARGATE", "networkConfiguration": NETWORK}
    refused("ClusterNotFoundException", ecs.create_service, **{**good, "cluster": "none"})
    refused("ClientException", ecs.create_service, **{**good, "taskDefinition": "none"})
    refused("InvalidParameterException", ecs.create_service, **{**good, "networkConfiguration": {}})
    group = aws.elbv2.create_target_group(Name="alone", Protocol="HTTP", Port=80, VpcId="vpc-1",
                                          TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    balancer = [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}]
    refused("InvalidParameterException", ecs.create_service, **good, loadBalancers=balancer)
    used = behind_load_balancer(aws.elbv2)
    refused("InvalidParameterException", ecs.create_service, **good,
            loadBalancers=[{"targetGroupArn": used, "containerName": "none", "containerPort": 8080}])
    ecs.create_service(**good)
    refused("InvalidParameterException", ecs.create_service, **good)
    refused("ServiceNotFoundException", ecs.update_service, cluster="main", service="none", desiredCount=1)
    refused("ServiceNotFoundException", ecs.delete_service, cluster="main", service="none")


def test_describe_services_takes_ten_names(ecs):
    names = [f"s{i}" for i in range(11)]
    refused("InvalidParameterException", ecs.describe_services, cluster="main", services=names)
    found = ecs.describe_services(cluster="main", services=names[:10])
    assert found["services"] == [] and {f["reason"] for f in found["failures"]} == {"MISSING"}
    refused("ClusterNotFoundException", ecs.describe_services, cluster="none", services=["a"])
    refused("InvalidParameterException", ecs.describe_services, cluster="main", services=[])


def test_a_client_token_makes_create_service_repeatable(ecs):
    register(ecs)
    once = token()[:32]
    first = create(ecs, clientToken=once)
    again = create(ecs, clientToken=once)
    assert first["serviceArn"] == again["serviceArn"]
    assert first["deployments"][0]["id"] == again["deployments"][0]["id"]


def test_inactive_definitions_are_refused_and_running_tasks_stay(ecs):
    register(ecs)
    register(ecs, image="app:2")
    create(ecs, definition="app:2", count=1)
    until_steady(ecs)
    ecs.deregister_task_definition(taskDefinition="app:1")
    ecs.deregister_task_definition(taskDefinition="app:2")
    refused("ClientException", ecs.update_service, cluster="main", service="app", taskDefinition="app:1")
    assert service(ecs)["runningCount"] == 1
    refused("ClientException", create, ecs, name="other", definition="app:1")


def test_inactive_services_can_be_described_and_replaced(ecs):
    register(ecs)
    create(ecs, count=1)
    until_steady(ecs)
    refused("InvalidParameterException", ecs.delete_service, cluster="main", service="app")
    gone = ecs.delete_service(cluster="main", service="app", force=True)["service"]
    assert gone["status"] == "DRAINING" and gone["desiredCount"] == 0
    assert ecs.list_services(cluster="main")["serviceArns"] == []
    until(lambda: service(ecs), lambda seen: seen["status"] == "INACTIVE")
    refused("ServiceNotActiveException", ecs.update_service, cluster="main", service="app", desiredCount=1)
    made = create(ecs, count=1)
    assert made["status"] == "ACTIVE" and made["createdAt"] > gone["createdAt"]


def test_pages_of_services(ecs):
    register(ecs)
    for index in range(12):
        create(ecs, name=f"s{index:02}", count=0)
    assert len(ecs.list_services(cluster="main")["serviceArns"]) == 10
    pages = list(ecs.get_paginator("list_services").paginate(cluster="main", PaginationConfig={"PageSize": 5}))
    assert [len(page["serviceArns"]) for page in pages] == [5, 5, 2]
    refused("InvalidParameterException", ecs.list_services, cluster="main", maxResults=101)
    refused("ClusterNotFoundException", ecs.list_services, cluster="none")


def test_pages_of_definitions_and_clusters(ecs):
    for index in range(5):
        register(ecs, family=f"f{index}")
    pages = list(ecs.get_paginator("list_task_definitions").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["taskDefinitionArns"]) for page in pages] == [2, 2, 1]
    families = ecs.get_paginator("list_task_definition_families").paginate(PaginationConfig={"PageSize": 2})
    assert [f for page in families for f in page["families"]] == [f"f{i}" for i in range(5)]
    for index in range(4):
        ecs.create_cluster(clusterName=f"c{index}")
    clusters = ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["clusterArns"]) for page in clusters] == [2, 2, 1]


def test_tags_of_ecs_resources(ecs):
    definition = register(ecs)
    arns = [ecs.describe_clusters(clusters=["main"])["clusters"][0]["clusterArn"], definition,
            create(ecs, count=0)["serviceArn"]]
    for arn in arns:
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    refused("InvalidParameterException", ecs.tag_resource, resourceArn="nonsense", tags=[])


def test_a_tasks_life(ecs):
    register(ecs)
    started = ecs.run_task(cluster="main", taskDefinition="app", launchType="FARGATE", networkConfiguration=NETWORK,
                           startedBy="me", tags=[{"key": "a", "value": "1"}])
    assert started["failures"] == []
    task = started["tasks"][0]
    assert task["lastStatus"] == "PROVISIONING" and task["desiredStatus"] == "RUNNING"
    assert task["group"] == "family:app" and task["startedBy"] == "me"
    arn = task["taskArn"]

    def read():
        return ecs.describe_tasks(cluster="main", tasks=[arn])["tasks"][0]

    running = until(read, lambda seen: seen["lastStatus"] == "RUNNING")
    details = {d["name"]: d["value"] for d in running["attachments"][0]["details"]}
    assert running["attachments"][0]["type"] == "ElasticNetworkInterface" and details["privateIPv4Address"]
    assert running["containers"][0]["lastStatus"] == "RUNNING" and "exitCode" not in running["containers"][0]
    tagged = ecs.describe_tasks(cluster="main", tasks=[arn], include=["TAGS"])["tasks"][0]
    assert tagged["tags"] == [{"key": "a", "value": "1"}]
    assert ecs.list_tasks(cluster="main", startedBy="me")["taskArns"] == [arn]
    ecs.stop_task(cluster="main", task=arn, reason="enough")
    stopped = until(read, lambda seen: seen["lastStatus"] == "STOPPED")
    assert stopped["stopCode"] == "UserInitiated" and stopped["stoppedReason"] == "enough"
    assert "exitCode" in stopped["containers"][0]
    assert ecs.list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"] == [arn]
    missing = ecs.describe_tasks(cluster="main", tasks=["0" * 32])["failures"]
    assert [f["reason"] for f in missing] == ["MISSING"]


def test_pages_of_tasks(ecs):
    register(ecs)
    started = ecs.run_task(cluster="main", taskDefinition="app", launchType="FARGATE", networkConfiguration=NETWORK,
                           count=10)["tasks"]
    pages = list(ecs.get_paginator("list_tasks").paginate(cluster="main", PaginationConfig={"PageSize": 4}))
    assert [len(page["taskArns"]) for page in pages] == [4, 4, 2]
    assert {arn for page in pages for arn in page["taskArns"]} == {task["taskArn"] for task in started}


def test_bad_task_calls_are_refused(ecs):
    register(ecs)
    good = {"cluster": "main", "taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    refused("ClusterNotFoundException", ecs.run_task, **{**good, "cluster": "none"})
    refused("ClientException", ecs.run_task, **{**good, "taskDefinition": "none"})
    refused("InvalidParameterException", ecs.run_task, **good, count=11)
    refused("InvalidParameterException", ecs.describe_tasks, cluster="main", tasks=["0" * 32] * 101)
    refused("InvalidParameterException", ecs.stop_task, cluster="main", task="0" * 32)


def test_service_deployments_and_revisions(ecs):
    register(ecs)
    register(ecs, image="app:2")
    arn = create(ecs, definition="app:1", count=1)["serviceArn"]
    until_steady(ecs)
    ecs.update_service(cluster="main", service="app", taskDefinition="app:2")
    listed = ecs.list_service_deployments(cluster="main", service="app")["serviceDeployments"]
    assert len(listed) == 2
    newest = max(listed, key=lambda one: one["createdAt"])
    read = lambda: ecs.describe_service_deployments(  # noqa: E731
        serviceDeploymentArns=[newest["serviceDeploymentArn"]])["serviceDeployments"][0]
    done = until(read, lambda seen: seen["status"] == "SUCCESSFUL")
    assert done["serviceArn"] == arn
    revision = done["targetServiceRevision"]["arn"]
    described = ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"][0]
    assert described["taskDefinition"].endswith(":2")
    successful = ecs.list_service_deployments(cluster="main", service="app", status=["SUCCESSFUL"])
    assert len(successful["serviceDeployments"]) == 2
    refused("ServiceNotFoundException", ecs.list_service_deployments, cluster="main", service="none")


def test_a_deployment_can_be_stopped(ecs):
    register(ecs)
    register(ecs, image="app:unpullable")
    create(ecs, definition="app:1", count=1)
    until_steady(ecs)
    changed = ecs.update_service(cluster="main", service="app", taskDefinition="app:2")["service"]
    deployment = changed.get("currentServiceDeployment") or ecs.list_service_deployments(
        cluster="main", service="app", status=["PENDING", "IN_PROGRESS"])["serviceDeployments"][0][
            "serviceDeploymentArn"]
    ecs.stop_service_deployment(serviceDeploymentArn=deployment, stopType="ROLLBACK")
    seen = until_steady(ecs)
    assert seen["taskDefinition"].endswith(":1")


def test_unknown_operations_are_refused(ecs):
    refused("UnsupportedFeatureException", ecs.list_account_settings)
