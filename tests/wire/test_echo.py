"""Whatever the API takes for a task definition or a service comes back: inputs are made from AWS's own model."""

import pytest

from fixtures import NETWORK, ROLE, behind_load_balancer, container, create, register

# Values that AWS looks at more closely than its model says.
TEXTS = {
    "name": "app",
    "containerName": "app",
    "image": "app:1",
    "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
    "sourceVolume": "data",
    "sourceContainer": "app",
    "credentialsParameter": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:reg-AbCdEf",
}
NUMBERS = {"cpu": 256, "memory": 512, "memoryReservation": 256, "containerPort": 8080, "hostPort": 8080,
           "stopTimeout": 30, "startTimeout": 60, "interval": 10, "timeout": 5, "retries": 2, "startPeriod": 5,
           "softLimit": 1024, "hardLimit": 2048, "restartAttemptPeriod": 60}


def sample(shape, name="", left_out=()):
    """A value for a shape with every member, except those that are left out."""
    kind = shape.type_name
    if kind == "structure":
        return {member: sample(inner, member, left_out) for member, inner in shape.members.items()
                if member not in left_out}
    if kind == "list":
        return [sample(shape.member, name, left_out)]
    if kind == "map":
        return {"key": sample(shape.value, name, left_out)}
    if kind == "boolean":
        return True
    if kind in ("integer", "long"):
        return NUMBERS.get(name, 1)
    return shape.enum[0] if getattr(shape, "enum", None) else TEXTS.get(name, "x")


def assert_within(wanted, got, path=""):
    """That everything that was asked for is there; AWS may add to it."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in got, f"{path}.{key} is gone"
            assert_within(value, got[key], f"{path}.{key}")
    elif isinstance(wanted, list):
        assert len(got) >= len(wanted), path
        for index, value in enumerate(wanted):
            assert_within(value, got[index], f"{path}[{index}]")
    else:
        assert got == wanted, f"{path}: {got!r} instead of {wanted!r}"


@pytest.fixture
def ecs(aws):
    aws.ecs.create_cluster(clusterName="main")
    return aws.ecs


def shape_of(ecs, operation):
    return ecs.meta.service_model.operation_model(operation).input_shape


def test_every_field_of_a_container_definition_comes_back(ecs):
    shape = shape_of(ecs, "RegisterTaskDefinition").members["containerDefinitions"].member
    # Dependencies and volumes on itself, port ranges beside ports, links and a host name under awsvpc are refused for good reasons.
    container = sample(shape, left_out=("dependsOn", "volumesFrom", "links", "containerPortRange",
                                        "firelensConfiguration"))
    for member in ("hostname", "extraHosts", "dnsServers", "dnsSearchDomains", "disableNetworking"):
        container.pop(member, None)
    for secret in container["secrets"]:
        secret["name"] = "APP_SECRET"
    container["environmentFiles"] = [{"type": "s3", "value": "arn:aws:s3:::bucket/app.env"}]
    container["resourceRequirements"] = [{"type": "GPU", "value": "1"}]
    container["logConfiguration"] = {"logDriver": "awslogs", "options": {"awslogs-group": "/a", "awslogs-region": "x",
                                                                         "awslogs-stream-prefix": "p"}}
    container["portMappings"] = [{"containerPort": 8080, "hostPort": 8080, "protocol": "udp", "name": "web",
                                  "appProtocol": "http"}]
    container["healthCheck"]["command"] = ["CMD-SHELL", "true"]
    sidecar = {"name": "side", "image": "side:1", "essential": False, "memory": 64,
               "dependsOn": [{"containerName": "app", "condition": "HEALTHY"}],
               "volumesFrom": [{"sourceContainer": "app", "readOnly": True}],
               "firelensConfiguration": {"type": "fluentbit", "options": {"a": "b"}}}
    definition = {
        "family": "full", "containerDefinitions": [container, sidecar], "networkMode": "awsvpc",
        "requiresCompatibilities": ["EC2"], "cpu": "1024", "memory": "2048", "executionRoleArn": ROLE,
        "taskRoleArn": ROLE,
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/",
                                                                "transitEncryption": "ENABLED"}}],
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}],
        "pidMode": "task",
    }
    made = ecs.register_task_definition(**definition)["taskDefinition"]
    seen = ecs.describe_task_definition(taskDefinition="full")["taskDefinition"]
    assert made == seen
    assert_within(definition, seen)


def test_every_kind_of_volume_comes_back(ecs):
    volumes = [
        {"name": "host", "host": {"sourcePath": "/x"}},
        {"name": "docker", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True, "driver": "local",
                                                         "driverOpts": {"a": "b"}, "labels": {"c": "d"}}},
        {"name": "late", "configuredAtLaunch": True},
    ]
    ecs.register_task_definition(family="v", volumes=volumes, containerDefinitions=[
        {"name": "app", "image": "a", "memory": 64, "mountPoints": [{"sourceVolume": "host", "containerPath": "/y",
                                                                     "readOnly": True}]}])
    seen = ecs.describe_task_definition(taskDefinition="v")["taskDefinition"]
    assert_within(volumes, seen["volumes"])


def test_every_setting_of_a_service_comes_back(aws, ecs):
    group = behind_load_balancer(aws.elbv2)
    ecs.register_task_definition(
        family="app", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[{"name": "app", "image": "a", "portMappings": [{"containerPort": 8080, "name": "web"}]}])
    wanted = {
        "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
        "serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1"}],
        "desiredCount": 1,
        "platformVersion": "1.4.0",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": True, "rollback": False},
            "maximumPercent": 150, "minimumHealthyPercent": 50,
            "alarms": {"alarmNames": ["a"], "enable": True, "rollback": True},
        },
        "networkConfiguration": NETWORK,
        "healthCheckGracePeriodSeconds": 77,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": True,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": True,
        "availabilityZoneRebalancing": "ENABLED",
    }
    strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 1}]
    ecs.put_cluster_capacity_providers(cluster="main", capacityProviders=["FARGATE"],
                                       defaultCapacityProviderStrategy=[])
    ecs.create_service(cluster="main", serviceName="app", taskDefinition="app", capacityProviderStrategy=strategy,
                       serviceConnectConfiguration={"enabled": True, "namespace": "ns", "services": [
                           {"portName": "web", "clientAliases": [{"port": 80, "dnsName": "web"}]}]}, **wanted)
    seen = ecs.describe_services(cluster="main", services=["app"])["services"][0]
    assert_within({**wanted, "capacityProviderStrategy": strategy}, seen)
    connect = seen["deployments"][0]["serviceConnectConfiguration"]
    assert connect["services"][0]["clientAliases"] == [{"port": 80, "dnsName": "web"}]
    breaker = seen["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert breaker["resetOnHealthyTask"] is True
    assert breaker["thresholdConfiguration"] == {"type": "BOUNDED_PERCENT", "value": 50}
    changes = {"healthCheckGracePeriodSeconds": 5, "enableExecuteCommand": False, "propagateTags": "NONE",
               "availabilityZoneRebalancing": "DISABLED", "platformVersion": "LATEST"}
    ecs.update_service(cluster="main", service="app", **changes)
    seen = ecs.describe_services(cluster="main", services=["app"])["services"][0]
    assert_within({key: value for key, value in changes.items() if key != "platformVersion"}, seen)


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_other_deployment_strategies_are_taken_and_shown(ecs, strategy):
    ecs.register_task_definition(family="app", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256",
                                 memory="512", containerDefinitions=[{"name": "app", "image": "a"}])
    more = {"LINEAR": {"linearConfiguration": {"stepPercent": 20.0, "stepBakeTimeInMinutes": 1}},
            "CANARY": {"canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}}}.get(strategy, {})
    made = ecs.create_service(
        cluster="main", serviceName="app", taskDefinition="app", desiredCount=0, launchType="FARGATE",
        networkConfiguration=NETWORK, deploymentConfiguration={"strategy": strategy, "bakeTimeInMinutes": 2, **more})
    shown = made["service"]["deploymentConfiguration"]
    assert shown["strategy"] == strategy and shown["bakeTimeInMinutes"] == 2
    assert_within(more, shown)


def test_service_connect_and_volumes_are_shown_by_deployments_and_revisions_until_they_are_off(ecs):
    """The service itself shows neither; AWS fills in the discovery name and the file system."""
    register(ecs, volumes=[{"name": "data", "configuredAtLaunch": True}], containerDefinitions=[
        container(portMappings=[{"containerPort": 8080, "name": "http", "appProtocol": "http"}])])
    connect = {"enabled": True, "namespace": "shop",
               "services": [{"portName": "http", "clientAliases": [{"port": 80}], "ingressPortOverride": 15000,
                             "timeout": {"idleTimeoutSeconds": 60, "perRequestTimeoutSeconds": 5}}],
               "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/proxy"}},
               "accessLogConfiguration": {"format": "JSON", "includeQueryParameters": "ENABLED"},
               "containerConfigurations": [{"logLevel": "debug"}]}
    volumes = [{"name": "data", "managedEBSVolume": {
        "roleArn": ROLE, "sizeInGiB": 20, "volumeType": "gp3", "iops": 3000, "throughput": 125, "encrypted": True,
        "tagSpecifications": [{"resourceType": "volume", "propagateTags": "SERVICE", "tags": [{"key": "a", "value": "b"}]}]}}]
    create(ecs, count=0, serviceConnectConfiguration=connect, volumeConfigurations=volumes)

    def shown():
        seen = ecs.describe_services(cluster="main", services=["app"])["services"][0]
        assert "serviceConnectConfiguration" not in seen and "volumeConfigurations" not in seen
        deployment = seen["deployments"][0]
        newest = ecs.list_service_deployments(cluster="main", service="app")["serviceDeployments"][0]
        revision = ecs.describe_service_revisions(serviceRevisionArns=[newest["targetServiceRevisionArn"]])
        revision = revision["serviceRevisions"][0]
        for name in ("serviceConnectConfiguration", "volumeConfigurations"):
            assert deployment.get(name) == revision.get(name)
        return deployment

    made = shown()
    assert_within(connect, made["serviceConnectConfiguration"])
    assert made["serviceConnectConfiguration"]["services"][0]["discoveryName"] == "http"
    assert_within(volumes, made["volumeConfigurations"])
    assert made["volumeConfigurations"][0]["managedEBSVolume"]["filesystemType"] == "xfs"
    ecs.update_service(cluster="main", service="app", desiredCount=0)
    assert shown()["id"] == made["id"], "left out, they stay as they are"
    ecs.update_service(cluster="main", service="app", serviceConnectConfiguration={"enabled": False},
                       volumeConfigurations=[])
    off = shown()
    assert off["id"] != made["id"], "a change starts a deployment"
    assert "serviceConnectConfiguration" not in off and "volumeConfigurations" not in off


def test_hooks_thresholds_and_early_success_come_back(ecs):
    register(ecs)
    wanted = {
        "strategy": "BLUE_GREEN",
        "deploymentCircuitBreaker": {"enable": True, "rollback": True, "resetOnHealthyTask": False,
                                     "thresholdConfiguration": {"type": "UNBOUNDED_PERCENT", "value": 20}},
        "earlySuccessCriteria": {"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED"},
        "lifecycleHooks": [
            {"hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:check", "roleArn": ROLE,
             "lifecycleStages": ["PRE_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"], "targetType": "AWS_LAMBDA",
             "hookDetails": {"suites": ["smoke", {"retries": 2.5, "strict": True, "note": None}]}},
            {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
             "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "CONTINUE"}}]}
    create(ecs, count=0, deploymentConfiguration=wanted)
    seen = ecs.describe_services(cluster="main", services=["app"])["services"][0]["deploymentConfiguration"]
    assert_within(wanted, seen)
    ecs.update_service(cluster="main", service="app", deploymentConfiguration={
        "lifecycleHooks": [], "earlySuccessCriteria": {"enable": False}})
    seen = ecs.describe_services(cluster="main", services=["app"])["services"][0]["deploymentConfiguration"]
    assert not seen.get("lifecycleHooks") and seen["earlySuccessCriteria"]["enable"] is False
    assert seen["strategy"] == "BLUE_GREEN", "what is left out stays as it is"
