"""Writes the JSON Schema of CustomResourceDefinition, from Kubernetes' OpenAPI v2 description.

Only what is reachable is written, and unknown fields are refused wherever fields are listed.
"""

import json
import sys


def closed(schema):
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema and "type" in schema:
        schema["additionalProperties"] = False
    return schema


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix("#/definitions/")
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


ROOT = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
described = json.load(open(sys.argv[1]))["definitions"]
definitions, wanted = {}, [ROOT]
while wanted:
    name = wanted.pop()
    if name not in definitions:
        definitions[name] = closed(described[name])
        wanted.extend(references(definitions[name]))
# The description is older than CEL rules. Source: Kubernetes 1.25+, apiextensions.k8s.io/v1 ValidationRule.
props = definitions["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"]["properties"]
text, flag = {"type": "string"}, {"type": "boolean"}
rule = {
    "type": "object",
    "required": ["rule"],
    "additionalProperties": False,
    "properties": {
        "rule": text,
        "message": text,
        "messageExpression": text,
        "reason": {"enum": ["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"]},
        "fieldPath": text,
        "optionalOldSelf": flag,
    },
}
props.setdefault("x-kubernetes-validations", {"type": "array", "items": rule})
props.setdefault("x-kubernetes-map-type", {"enum": ["granular", "atomic"]})
json.dump({"$ref": f"#/definitions/{ROOT}", "definitions": definitions}, sys.stdout)
