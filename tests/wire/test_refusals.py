"""What every operation refuses, where the tests of its service do not say it by the way."""

import botocore.session
import pytest
from botocore.exceptions import ClientError

from conftest import Aws, new_region, refused, start_sim, until
from operations import OPERATIONS
from fixtures import ROLE, container, create, register

MODELS = botocore.session.get_session()
ACCOUNT = "eu-west-1:123456789012"
TOO_LARGE = {"maxResults": 101}
DEFINITION = f"arn:aws:ecs:{ACCOUNT}:task-definition/none:1"
DEPLOYMENT = f"arn:aws:ecs:{ACCOUNT}:service-deployment/main/none/1"
ELB = f"arn:aws:elasticloadbalancing:{ACCOUNT}"
BALANCER = f"{ELB}:loadbalancer/app/none/0123456789abcdef"
LISTENER = f"{ELB}:listener/app/none/0123456789abcdef/0123456789abcdef"
RULE = f"{ELB}:listener-rule/app/none/0123456789abcdef/0123456789abcdef/0123456789abcdef"
GROUP = f"{ELB}:targetgroup/none/0123456789abcdef"
CERTIFICATE = f"arn:aws:acm:{ACCOUNT}:certificate/0d9c"
ATTRIBUTES = [{"Key": "idle_timeout.timeout_seconds", "Value": "60"}]
LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/none"
TAGS = [{"Key": "a", "Value": "1"}]


def required():
    for service, names in OPERATIONS.items():
        model = MODELS.get_service_model(service)
        for name in names.split():
            shape = model.operation_model(name).input_shape
            if shape is not None and shape.required_members:
                yield service, name


def call(aws, service, operation, **arguments):
    client = aws.client(service)
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    return getattr(client, methods[operation])(**arguments)


@pytest.mark.parametrize("service, operation", list(required()))
def test_a_call_without_what_it_requires_is_refused(aws, service, operation):
    with pytest.raises(ClientError) as caught:
        call(aws, service, operation)
    assert caught.value.response["Error"]["Code"] != "InternalFailure"


@pytest.mark.parametrize("operation, code, arguments", [
    ("CreateCapacityProvider", "ClientException", {"name": "fargate-2", "autoScalingGroupProvider": {
        "autoScalingGroupArn": "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:1:autoScalingGroupName/a"}}),
    ("CreateCluster", "InvalidParameterException", {"clusterName": "a b"}),
    ("DeleteCapacityProvider", "ClientException", {"capacityProvider": "none"}),
    ("DeleteTaskDefinitions", "InvalidParameterException", {"taskDefinitions": ["none:1"] * 11}),
    ("DescribeCapacityProviders", "InvalidParameterException", TOO_LARGE),
    ("DescribeClusters", "InvalidParameterException", {"clusters": ["none"] * 101}),
    ("DescribeServiceDeployments", "InvalidParameterException", {"serviceDeploymentArns": [DEPLOYMENT] * 21}),
    ("DescribeServiceRevisions", "InvalidParameterException", {"serviceRevisionArns": [DEPLOYMENT] * 21}),
    ("ListTagsForResource", "ClusterNotFoundException", {"resourceArn": f"arn:aws:ecs:{ACCOUNT}:cluster/none"}),
    ("ListTagsForResource", "InvalidParameterException", {"resourceArn": DEFINITION}),
    ("ListTagsForResource", "InvalidParameterException", {"resourceArn": f"arn:aws:ecs:{ACCOUNT}:service/main/none"}),
    ("UntagResource", "ResourceNotFoundException", {"resourceArn": DEFINITION, "tagKeys": ["a"]}),
    ("TagResource", "ResourceNotFoundException", {"resourceArn": DEFINITION, "tags": [{"key": "a", "value": "1"}]}),
    ("ListTaskDefinitionFamilies", "InvalidParameterException", TOO_LARGE),
    ("ListTaskDefinitions", "InvalidParameterException", TOO_LARGE),
    ("ListTasks", "ClusterNotFoundException", {"cluster": "none"}),
    ("ListTasks", "ServiceNotFoundException", {"cluster": "main", "serviceName": "none"}),
    ("PutClusterCapacityProviders", "ClusterNotFoundException",
     {"cluster": "none", "capacityProviders": [], "defaultCapacityProviderStrategy": []}),
    ("PutClusterCapacityProviders", "InvalidParameterException",
     {"cluster": "main", "capacityProviders": ["none"], "defaultCapacityProviderStrategy": []}),
    ("StopServiceDeployment", "ServiceDeploymentNotFoundException", {"serviceDeploymentArn": DEPLOYMENT}),
    ("ContinueServiceDeployment", "ServiceDeploymentNotFoundException",
     {"serviceDeploymentArn": DEPLOYMENT, "hookId": "none", "action": "CONTINUE"}),
])
def test_ecs_refuses(aws, operation, code, arguments):
    aws.ecs.create_cluster(clusterName="main")
    refused(code, call, aws, "ecs", operation, **arguments)


LAMBDA = {"hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:check", "roleArn": ROLE}
EARLY = {"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING"}
PORT = {"portName": "http", "clientAliases": [{"port": 80}]}
EBS = {"roleArn": ROLE, "sizeInGiB": 20}


def hook(**members):
    return {"deploymentConfiguration": {"lifecycleHooks": [members]}}


def connect(port, **members):
    return {"serviceConnectConfiguration": {"enabled": True, "services": [{**PORT, **port}], **members}}


def volumes(*names, **members):
    return {"volumeConfigurations": [{"name": name, "managedEBSVolume": {**EBS, **members}} for name in names]}


@pytest.mark.parametrize("setting, part", [
    (hook(lifecycleStages=[], **LAMBDA), "lifecycleStages"),
    (hook(lifecycleStages=["PRE_SCALE_UP"], roleArn=ROLE), "hookTargetArn"),
    (hook(lifecycleStages=["SOON"], **LAMBDA), "PRE_SCALE_UP"),
    (hook(lifecycleStages=["PRODUCTION_TRAFFIC_SHIFT"], targetType="PAUSE"), "PRODUCTION_TRAFFIC_SHIFT"),
    (hook(lifecycleStages=["PRE_SCALE_UP"], targetType="PAUSE", timeoutConfiguration={"timeoutInMinutes": 20161}), "20160"),
    ({"deploymentConfiguration": {"earlySuccessCriteria": {**EARLY, "healthyPercent": 99}}}, "healthyPercent"),
    ({"deploymentConfiguration": {"earlySuccessCriteria": {"enable": True, "healthyPercent": 100}}},
     "sourceServiceRevisionCleanup"),
    ({"deploymentConfiguration": {"deploymentCircuitBreaker": {
        "enable": True, "rollback": False, "thresholdConfiguration": {"type": "COUNT", "value": 0}}}}, "threshold"),
    (connect({"portName": "none"}), "none"),
    (connect({"clientAliases": []}), "clientAliases must have 1 element."),
    (connect({"clientAliases": [{"port": 80}, {"port": 81}]}), "2 clientAliases exceeds the max limit of 1"),
    (connect({"timeout": {"perRequestTimeoutSeconds": 5}}), "perRequestTimeoutSeconds"),
    (connect({}, accessLogConfiguration={"format": "JSON"}), "logConfiguration"),
    (volumes("none"), "The volume name 'none' in your request does not have a matching volume"),
    (volumes("data", "data"), "at most 1"),
    ({"volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": ROLE}}]}, "sizeInGiB"),
    (volumes("data", volumeInitializationRate=100), "snapshotId"),
    (volumes("data", volumeType="io2"), "iops"),
    (volumes("data", volumeType="st1", sizeInGiB=125, iops=100), "iops"),
    (volumes("data", volumeType="gp2", throughput=125), "throughput"),
])
def test_ecs_refuses_settings_of_a_service_that_cannot_be(aws, setting, part):
    aws.ecs.create_cluster(clusterName="main")
    register(aws.ecs, volumes=[{"name": "data", "configuredAtLaunch": True}], containerDefinitions=[
        container(portMappings=[{"containerPort": 8080, "name": "http"}])])
    error = refused("InvalidParameterException", create, aws.ecs, **setting)
    assert part in error["Message"], error
    create(aws.ecs, count=0)
    refused("InvalidParameterException", aws.ecs.update_service, cluster="main", service="app", **setting)


@pytest.mark.parametrize("operation, code, arguments", [
    ("AddListenerCertificates", "ListenerNotFound",
     {"ListenerArn": LISTENER, "Certificates": [{"CertificateArn": CERTIFICATE}]}),
    ("DeleteLoadBalancer", "ValidationError", {"LoadBalancerArn": "web"}),
    ("DeregisterTargets", "TargetGroupNotFound", {"TargetGroupArn": GROUP, "Targets": [{"Id": "10.0.0.1"}]}),
    ("DescribeAccountLimits", "ValidationError", {"PageSize": 401}),
    ("DescribeListenerAttributes", "ListenerNotFound", {"ListenerArn": LISTENER}),
    ("DescribeListenerCertificates", "ListenerNotFound", {"ListenerArn": LISTENER}),
    ("DescribeLoadBalancerAttributes", "LoadBalancerNotFound", {"LoadBalancerArn": BALANCER}),
    ("DescribeTargetGroupAttributes", "TargetGroupNotFound", {"TargetGroupArn": GROUP}),
    ("ModifyListenerAttributes", "ListenerNotFound", {"ListenerArn": LISTENER, "Attributes": ATTRIBUTES}),
    ("ModifyLoadBalancerAttributes", "LoadBalancerNotFound", {"LoadBalancerArn": BALANCER, "Attributes": ATTRIBUTES}),
    ("ModifyRule", "RuleNotFound", {"RuleArn": RULE, "Conditions": [{"Field": "path-pattern", "Values": ["/"]}]}),
    ("RemoveTags", "LoadBalancerNotFound", {"ResourceArns": [BALANCER], "TagKeys": ["a"]}),
    ("SetRulePriorities", "RuleNotFound", {"RulePriorities": [{"RuleArn": RULE, "Priority": 1}]}),
    ("SetSecurityGroups", "LoadBalancerNotFound", {"LoadBalancerArn": BALANCER, "SecurityGroups": ["sg-1"]}),
    ("SetSubnets", "LoadBalancerNotFound", {"LoadBalancerArn": BALANCER, "Subnets": ["subnet-a", "subnet-b"]}),
])
def test_load_balancing_refuses(aws, operation, code, arguments):
    refused(code, call, aws, "elbv2", operation, **arguments)


def test_load_balancing_refuses_attributes_that_it_does_not_know(aws):
    balancer = aws.elbv2.create_load_balancer(Name="web", Subnets=["subnet-a", "subnet-b"])["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    change = lambda key, value: aws.elbv2.modify_load_balancer_attributes(  # noqa: E731
        LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value}])
    refused("ValidationError", change, "patience", "1")
    refused("ValidationError", change, "idle_timeout.timeout_seconds", "0")
    refused("SubnetNotFound", aws.elbv2.set_subnets, LoadBalancerArn=arn, Subnets=["a", "b"])
    change("deletion_protection.enabled", "true")
    refused("OperationNotPermitted", aws.elbv2.delete_load_balancer, LoadBalancerArn=arn)


@pytest.mark.parametrize("operation, arguments", [
    ("CancelRotateSecret", {}), ("ListSecretVersionIds", {}), ("RestoreSecret", {}), ("TagResource", {"Tags": TAGS}),
    ("UntagResource", {"TagKeys": ["a"]}), ("UpdateSecret", {"SecretString": "x"}), ("RotateSecret", {}),
    ("PutSecretValue", {"SecretString": "x"}), ("DeleteSecret", {}), ("DescribeSecret", {}),
    ("UpdateSecretVersionStage", {"VersionStage": "AWSCURRENT"}),
])
def test_a_secret_that_is_not_there(aws, operation, arguments):
    refused("ResourceNotFoundException", call, aws, "secretsmanager", operation, SecretId="none", **arguments)


@pytest.mark.parametrize("operation, arguments", [
    ("AssociateKmsKey", {"logGroupName": "/none", "kmsKeyId": f"arn:aws:kms:{ACCOUNT}:key/1"}),
    ("DeleteLogStream", {"logGroupName": "/none", "logStreamName": "s"}),
    ("CreateLogStream", {"logGroupName": "/none", "logStreamName": "s"}),
    ("DeleteRetentionPolicy", {"logGroupName": "/none"}),
    ("DescribeLogStreams", {"logGroupName": "/none"}),
    ("DisassociateKmsKey", {"logGroupName": "/none"}),
    ("FilterLogEvents", {"logGroupName": "/none"}),
    ("ListTagsLogGroup", {"logGroupName": "/none"}),
    ("TagLogGroup", {"logGroupName": "/none", "tags": {"a": "1"}}),
    ("UntagLogGroup", {"logGroupName": "/none", "tags": ["a"]}),
    ("TagResource", {"resourceArn": LOG_GROUP, "tags": {"a": "1"}}),
    ("UntagResource", {"resourceArn": LOG_GROUP, "tagKeys": ["a"]}),
])
def test_a_log_group_that_is_not_there(aws, operation, arguments):
    refused("ResourceNotFoundException", call, aws, "logs", operation, **arguments)


def test_logs_refuse_pages_and_streams_that_make_no_sense(aws):
    aws.logs.create_log_group(logGroupName="/app")
    refused("InvalidParameterException", aws.logs.describe_log_streams, logGroupName="/app", limit=51)
    refused("InvalidParameterException", aws.logs.describe_log_streams, logGroupName="/app", nextToken="x")
    refused("InvalidParameterException", aws.logs.filter_log_events, logGroupName="/app", limit=0)
    refused("InvalidParameterException", aws.logs.create_log_stream, logGroupName="/app", logStreamName="a:b")
    refused("ResourceNotFoundException", aws.logs.delete_log_stream, logGroupName="/app", logStreamName="none")


def test_a_definition_in_use_is_deleted_only_when_it_is_inactive(aws):
    arn = register(aws.ecs)
    failed = aws.ecs.delete_task_definitions(taskDefinitions=[arn])
    assert failed["taskDefinitions"] == [] and failed["failures"][0]["arn"] == arn


def test_a_session_ends_with_its_duration():
    endpoint, process = start_sim("--speed", "3000")
    try:
        aws = Aws(endpoint, new_region())
        keys = aws.sts.assume_role(RoleArn="arn:aws:iam::999999999999:role/deploy", RoleSessionName="me",
                                   DurationSeconds=900)["Credentials"]
        inside = aws.client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

        def code():
            try:
                inside.get_caller_identity()
            except ClientError as error:
                return error.response["Error"]["Code"]

        assert until(code, lambda seen: seen is not None) == "ExpiredToken"
    finally:
        process.terminate()
        process.wait(10)
