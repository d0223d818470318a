"""The operations that are simulated, by service, as botocore names both."""

OPERATIONS = {
    "ecs": """
        CreateCapacityProvider CreateCluster CreateService DeleteCapacityProvider DeleteCluster DeleteService
        DeleteTaskDefinitions DeregisterTaskDefinition DescribeCapacityProviders DescribeClusters
        DescribeServiceDeployments DescribeServiceRevisions DescribeServices DescribeTaskDefinition DescribeTasks
        ListClusters ListServiceDeployments ListServices ListTagsForResource ListTaskDefinitionFamilies
        ListTaskDefinitions ListTasks PutClusterCapacityProviders RegisterTaskDefinition RunTask
        StopServiceDeployment ContinueServiceDeployment StopTask TagResource UntagResource UpdateService
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
