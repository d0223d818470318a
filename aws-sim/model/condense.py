"""Condense AWS's own service models (as botocore ships them) to what the simulator checks requests against.

Run with a Python that has botocore:  python aws-sim/model/condense.py ecs > aws-sim/src/ecs/model.json

Structures become {"m": {member: type}, "r": [required]}, lists {"l": type}, maps {"v": type}, enumerations {"e": [values]}.
A type is the name of such a shape or one letter: s(tring), i(nteger), n(umber), b(oolean), t(imestamp), d(ocument). Texts and numbers
with limits or a pattern are shapes, too ({"p": letter, "min": n, "max": n, "re": pattern}, as are limits of lists; "hide" marks what AWS
does not repeat in messages). Patterns that need more than plain regular expressions are left to the code. For services that speak more
than awsJson the shapes of answers are kept beside those of requests.
"""

import json
import sys

import botocore.loaders

SIMULATED = {
    "ecs": """
        CreateCapacityProvider DescribeCapacityProviders DeleteCapacityProvider CreateCluster DescribeClusters
        ListClusters UpdateCluster UpdateClusterSettings DeleteCluster PutClusterCapacityProviders
        RegisterTaskDefinition DescribeTaskDefinition ListTaskDefinitions ListTaskDefinitionFamilies
        DeregisterTaskDefinition DeleteTaskDefinitions CreateService UpdateService DeleteService DescribeServices
        ListServices RunTask StopTask DescribeTasks ListTasks TagResource UntagResource ListTagsForResource
        ListServiceDeployments DescribeServiceDeployments DescribeServiceRevisions StopServiceDeployment
        ContinueServiceDeployment
    """,
    "cloudwatch": """
        PutMetricAlarm DescribeAlarms DescribeAlarmsForMetric DeleteAlarms SetAlarmState EnableAlarmActions
        DisableAlarmActions DescribeAlarmHistory PutMetricData GetMetricStatistics GetMetricData ListMetrics
        TagResource UntagResource ListTagsForResource
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
    "elbv2": """
        AddListenerCertificates AddTags CreateListener CreateLoadBalancer CreateRule CreateTargetGroup DeleteListener
        DeleteLoadBalancer DeleteRule DeleteTargetGroup DeregisterTargets DescribeAccountLimits
        DescribeListenerAttributes DescribeListenerCertificates DescribeListeners DescribeLoadBalancerAttributes
        DescribeLoadBalancers DescribeRules DescribeSSLPolicies DescribeTags DescribeTargetGroupAttributes
        DescribeTargetGroups DescribeTargetHealth ModifyListener ModifyListenerAttributes
        ModifyLoadBalancerAttributes ModifyRule ModifyTargetGroup ModifyTargetGroupAttributes RegisterTargets
        RemoveListenerCertificates RemoveTags SetRulePriorities SetSecurityGroups SetSubnets
    """,
}
# Services that speak more than awsJson: their answers are written by shape.
WHOLE = {"cloudwatch"}

# Bytes come as base64, whose length is not theirs: the code counts them.
LETTERS = {"string": "s", "blob": "s", "integer": "i", "long": "i", "float": "n", "double": "n", "boolean": "b", "timestamp": "t"}

service = sys.argv[1]
whole = service in WHOLE
model = botocore.loaders.Loader().load_service_model(service, "service-2")
shapes = {}


def limits(shape):
    found = {key: shape[key] for key in ("min", "max") if key in shape and shape[key] == int(shape[key])}
    if "\\p{" not in shape.get("pattern", "\\p{") and "(?!" not in shape["pattern"]:
        found["re"] = shape["pattern"]
    if found and shape.get("sensitive"):
        found["hide"] = True
    return found


def type_of(name):
    shape = model["shapes"][name]
    kind = shape["type"]
    if shape.get("document"):
        return "d"
    if kind == "blob" or kind in LETTERS and "enum" not in shape and not limits(shape):
        return LETTERS[kind]
    if name not in shapes:
        shapes[name] = entry = {}
        if kind == "structure":
            entry["m"] = {key: type_of(member["shape"]) for key, member in sorted(shape["members"].items())}
            entry["r"] = shape.get("required", [])
        elif kind == "list":
            entry["l"] = type_of(shape["member"]["shape"])
        elif kind == "map":
            entry["v"] = type_of(shape["value"]["shape"])
        elif "enum" in shape:
            entry["e"] = shape["enum"]
        else:
            entry["p"] = LETTERS[kind]
        entry.update(limits(shape))
    return name


names = SIMULATED[service].split()
operations = {op: type_of(model["operations"][op]["input"]["shape"]) for op in names}
head = ['{"operations":' + json.dumps(operations)]
if whole:
    outputs = {op: model["operations"][op].get("output") for op in names}
    head.append('"outputs":' + json.dumps({op: type_of(one["shape"]) for op, one in outputs.items() if one}))
head.append('"others":' + json.dumps(sorted(set(model["operations"]) - set(operations))))
body = [json.dumps(name) + ":" + json.dumps(shapes[name], separators=(",", ":")) for name in sorted(shapes)]
sys.stdout.write(",\n".join(head) + ',\n"shapes":{\n' + ",\n".join(body) + "\n}}\n")
