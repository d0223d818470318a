"""Condense AWS's own service models (as botocore ships them) to what the simulator checks requests against.

Run with a Python that has botocore:  python aws-sim/model/condense.py ecs > aws-sim/src/ecs/model.json

Structures become {"m": {member: type}, "r": [required]}, lists {"l": type}, maps {"v": type}, enumerations {"e": [values]}.
A type is the name of such a shape or one letter: s(tring), i(nteger), n(umber), b(oolean), t(imestamp), d(ocument). For services that
need more, texts and numbers with limits are shapes, too ({"p": letter, "min": n, "max": n}, as are limits of lists), and
the shapes of answers are kept beside those of requests.
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
}
# Services that speak more than awsJson: their answers are written by shape, their limits are checked by shape.
WHOLE = {"cloudwatch"}

LETTERS = {"string": "s", "integer": "i", "long": "i", "float": "n", "double": "n", "boolean": "b", "timestamp": "t"}

service = sys.argv[1]
whole = service in WHOLE
model = botocore.loaders.Loader().load_service_model(service, "service-2")
shapes = {}


def limits(shape):
    return {key: shape[key] for key in ("min", "max") if whole and key in shape}


def type_of(name):
    shape = model["shapes"][name]
    kind = shape["type"]
    if shape.get("document"):
        return "d"
    if kind in LETTERS and "enum" not in shape and not limits(shape):
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
