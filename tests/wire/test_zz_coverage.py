"""Runs last: every simulated operation was called by the other tests, with an answer and (where it can be) a refusal."""

import pathlib

import pytest

from conftest import RECORDER

OPERATIONS = {
    "ecs": """
        CreateCapacityProvider CreateCluster CreateService DeleteCapacityProvider DeleteCluster DeleteService
        DeleteTaskDefinitions DeregisterTaskDefinition DescribeCapacityProviders DescribeClusters
        DescribeServiceDeployments DescribeServiceRevisions DescribeServices DescribeTaskDefinition DescribeTasks
        ListClusters ListServiceDeployments ListServices ListTagsForResource ListTaskDefinitionFamilies
        ListTaskDefinitions ListTasks PutClusterCapacityProviders RegisterTaskDefinition RunTask
        StopServiceDeployment StopTask TagResource UntagResource UpdateService
    """,
    "elbv2": """
        AddListenerCertificates AddTags CreateListener CreateLoadBalancer CreateRule CreateTargetGroup DeleteListener
        DeleteLoadBalancer DeleteRule DeleteTargetGroup DeregisterTargets DescribeAccountLimits
        DescribeListenerAttributes DescribeListenerCertificates DescribeListeners DescribeLoadBalancerAttributes
        DescribeLoadBalancers DescribeRules DescribeSSLPolicies DescribeTags DescribeTargetGroupAttributes
        DescribeTargetGroups DescribeTargetHealth ModifyListener ModifyListenerAttributes
        ModifyLoadBalancerAttributes ModifyRule ModifyTargetGroup ModifyTargetGroupAttributes RegisterTargets
        RemoveListenerCertificates RemoveTags SetRulePriorities SetSecurityGroups SetSubnets
    """,
    "secretsmanager": """
        BatchGetSecretValue CancelRotateSecret CreateSecret DeleteSecret DescribeSecret GetRandomPassword
        GetSecretValue ListSecretVersionIds ListSecrets PutSecretValue RestoreSecret RotateSecret TagResource
        UntagResource UpdateSecret UpdateSecretVersionStage
    """,
    "logs": """
        AssociateKmsKey CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream DeleteRetentionPolicy
        DescribeLogGroups DescribeLogStreams DisassociateKmsKey FilterLogEvents GetLogEvents ListTagsForResource
        ListTagsLogGroup PutLogEvents PutRetentionPolicy TagLogGroup TagResource UntagLogGroup UntagResource
    """,
    "sts": "AssumeRole GetCallerIdentity",
    "cloudwatch": """
        DeleteAlarms DescribeAlarmHistory DescribeAlarms DescribeAlarmsForMetric DisableAlarmActions EnableAlarmActions
        GetMetricData GetMetricStatistics ListMetrics ListTagsForResource PutMetricAlarm PutMetricData SetAlarmState
        TagResource UntagResource
    """,
}


@pytest.fixture(autouse=True)
def whole_run(request):
    here = pathlib.Path(__file__).parent
    ran = {item.path for item in request.session.items}
    if not set(here.glob("test_*.py")) <= ran:
        pytest.skip("only a part of the tests runs")


@pytest.mark.parametrize("service", OPERATIONS)
def test_every_operation_was_answered(service):
    wanted = {(service, name) for name in OPERATIONS[service].split()}
    assert wanted - RECORDER.answered == set()


@pytest.mark.parametrize("service", OPERATIONS)
def test_every_operation_was_refused(service):
    wanted = {(service, name) for name in OPERATIONS[service].split()}
    assert wanted - RECORDER.refused == set()
