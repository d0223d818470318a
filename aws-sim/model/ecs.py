"""Condense AWS's own service model of ECS (as botocore ships it) to what the simulator checks requests against.

Run with a Python that has botocore:  python aws-sim/model/ecs.py > aws-sim/src/ecs/model.json

Structures become {"m": {member: type}, "r": [required]}, lists {"l": type}, maps {"v": type}, enumerations {"e": [values]}.
A type is the name of such a shape or one letter: s(tring), i(nteger), n(umber), b(oolean), t(imestamp).
"""

import json
import sys

import botocore.loaders

SIMULATED = """CreateCapacityProvider DescribeCapacityProviders DeleteCapacityProvider CreateCluster DescribeClusters
ListClusters UpdateCluster UpdateClusterSettings DeleteCluster PutClusterCapacityProviders RegisterTaskDefinition
DescribeTaskDefinition ListTaskDefinitions ListTaskDefinitionFamilies DeregisterTaskDefinition DeleteTaskDefinitions
CreateService UpdateService DeleteService DescribeServices ListServices RunTask StopTask DescribeTasks ListTasks
TagResource UntagResource ListTagsForResource ListServiceDeployments DescribeServiceDeployments
DescribeServiceRevisions StopServiceDeployment""".split()

LETTERS = {"string": "s", "integer": "i", "long": "i", "float": "n", "double": "n", "boolean": "b", "timestamp": "t"}

model = botocore.loaders.Loader().load_service_model("ecs", "service-2", "2014-11-13")
shapes = {}


def type_of(name):
    shape = model["shapes"][name]
    kind = shape["type"]
    if kind in LETTERS and "enum" not in shape:
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
        else:
            entry["e"] = shape["enum"]
    return name


operations = {op: type_of(model["operations"][op]["input"]["shape"]) for op in SIMULATED}
others = sorted(set(model["operations"]) - set(operations))
lines = ['{"operations":' + json.dumps(operations) + ",", '"others":' + json.dumps(others) + ",", '"shapes":{']
body = [json.dumps(name) + ":" + json.dumps(shapes[name], separators=(",", ":")) for name in sorted(shapes)]
sys.stdout.write("\n".join(lines) + "\n" + ",\n".join(body) + "\n}}\n")
