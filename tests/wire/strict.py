"""Checks raw answers against AWS's service models, more strictly than botocore's parser does.

botocore ignores members that it does not know; here they are mistakes, because a client in another language may trip
over them. Missing required members, values outside of an enumeration, wrong types and timestamps that do not parse are
mistakes, too.
"""

import datetime
import json
import re
import xml.etree.ElementTree as ElementTree

import cbor2

# Values that the text of a member has and its enumeration has not (ServiceDeployment.lifecycleStage).
TOLD_IN_WORDS = {"ServiceDeploymentLifecycleStage": {"PRE_PRODUCTION_TRAFFIC_SHIFT"}}

# Codes that any operation of a service may answer with, beside those that its model lists.
COMMON_ERRORS = {
    "AccessDeniedException",
    "ExpiredToken",
    "InternalFailure",
    "InvalidAction",
    "MalformedInput",
    "SerializationException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "UnknownOperationException",
    "UnsupportedFeatureException",
    "ValidationError",
    "ValidationException",
}

# Codes that any operation of one service may answer with: CloudWatch Logs validates all its requests alike, though its
# model leaves the code out at two deprecated operations.
COMMON_OF_SERVICE = {"logs": {"InvalidParameterException"}}

ISO_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


class WireError(AssertionError):
    """An answer that is not what AWS's model says."""


class Recorder:
    """Sees every answer before botocore parses it."""

    def __init__(self):
        self.answered = set()
        self.refused = set()

    def attach(self, client):
        client.meta.events.register("before-parse", self.check)

    def check(self, operation_model, response_dict, **_):
        service = operation_model.service_model.service_name
        name = operation_model.name
        place = f"{service}.{name}"
        status = response_dict["status_code"]
        body = response_dict["body"]
        headers = {key.lower(): value for key, value in response_dict["headers"].items()}
        if "x-amzn-requestid" not in headers:
            raise WireError(f"{place}: no x-amzn-requestid")
        protocol = operation_model.service_model.resolved_protocol
        reader = {"json": JsonReader, "query": XmlReader, "smithy-rpc-v2-cbor": CborReader}[protocol](place)
        reader.check_headers(operation_model, headers, body)
        if status < 300:
            reader.check_answer(operation_model, body)
            self.answered.add((service, name))
        else:
            code = reader.check_error(operation_model, body)
            if operation_model.service_model.is_query_compatible and protocol != "query":
                reader.check_query_error(operation_model, headers, code, status)
            self.refused.add((service, name))


class Reader:
    def __init__(self, place):
        self.place = place

    def fail(self, path, message):
        raise WireError(f"{self.place}: {path or 'answer'}: {message}")

    def check_code(self, operation_model, code):
        known = {}
        for shape in operation_model.error_shapes:
            known[shape.name] = shape
            known[shape.metadata.get("error", {}).get("code", shape.name)] = shape
        common = COMMON_ERRORS | COMMON_OF_SERVICE.get(operation_model.service_model.service_name, set())
        if code not in known and code not in common:
            self.fail("error", f"{code} is not among the operation's errors: {sorted(known)}")
        return known.get(code)

    def check_query_error(self, operation_model, headers, code, status):
        """A service that once spoke awsQuery only repeats its old code, which must belong to the same shape."""
        old, _, side = headers.get("x-amzn-query-error", "").partition(";")
        if side != ("Sender" if status < 500 else "Receiver"):
            self.fail("x-amzn-query-error", headers.get("x-amzn-query-error"))
        if self.check_code(operation_model, old) is not self.check_code(operation_model, code):
            self.fail("x-amzn-query-error", f"{old} is not the code of {code}")

    def check_text(self, shape, text, path):
        if shape.enum and text not in shape.enum and text not in TOLD_IN_WORDS.get(shape.name, ()):
            self.fail(path, f"{text!r} is not one of {shape.enum}")

    def check_number(self, shape, number, path):
        for key, ok in (("min", lambda n, m: n >= m), ("max", lambda n, m: n <= m)):
            if key in shape.metadata and not ok(number, shape.metadata[key]):
                self.fail(path, f"{number} breaks {key} {shape.metadata[key]}")

    def check_required(self, shape, present, path):
        for name in shape.required_members:
            if name not in present:
                self.fail(path, f"required member {name} is missing")


class JsonReader(Reader):
    # What the values of a type are, once they are read.
    DOUBLE = (int, float)
    TIMESTAMP = (int, float)

    def check_headers(self, operation_model, headers, _body):
        version = operation_model.service_model.metadata["jsonVersion"]
        if not headers.get("content-type", "").startswith(f"application/x-amz-json-{version}"):
            self.fail("content-type", headers.get("content-type"))

    def read(self, body):
        return json.loads(body)

    def check_answer(self, operation_model, body):
        shape = operation_model.output_shape
        if shape is None:
            if body.strip() not in (b"", b"{}"):
                self.fail("", f"the operation has no output, but {body[:80]!r} came")
            return
        self.walk(shape, self.read(body), "")

    def check_error(self, operation_model, body):
        error = self.read(body)
        shape = self.check_code(operation_model, error["__type"].split("#")[-1])
        if not any(isinstance(error.get(key), str) for key in ("message", "Message")):
            self.fail("error", "no message")
        extra = {key: value for key, value in error.items() if key not in ("__type", "message", "Message")}
        if extra and shape is None:
            self.fail("error", f"unknown members {sorted(extra)}")
        if extra:
            self.walk_members(shape, extra, "error")
        return error["__type"].split("#")[-1]

    def walk(self, shape, value, path):
        kind = shape.type_name
        if value is None:
            self.fail(path, "null, which AWS leaves out")
        if getattr(shape, "is_document_type", False):
            return  # JSON of any form
        expected = {
            "structure": dict, "map": dict, "list": list, "string": str, "blob": str, "boolean": bool,
            "integer": int, "long": int, "double": self.DOUBLE, "float": self.DOUBLE, "timestamp": self.TIMESTAMP,
        }[kind]
        if not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean"):
            self.fail(path, f"{value!r} is no {kind}")
        if kind == "structure":
            self.check_required(shape, value, path)
            self.walk_members(shape, value, path)
        elif kind == "map":
            for key, item in value.items():
                self.check_text(shape.key, key, f"{path}[{key}]")
                self.walk(shape.value, item, f"{path}[{key}]")
        elif kind == "list":
            for index, item in enumerate(value):
                self.walk(shape.member, item, f"{path}[{index}]")
        elif kind == "string":
            self.check_text(shape, value, path)
        elif kind in ("integer", "long"):
            self.check_number(shape, value, path)

    def walk_members(self, shape, value, path):
        for name, item in value.items():
            if name not in shape.members:
                self.fail(path, f"unknown member {name}")
            self.walk(shape.members[name], item, f"{path}.{name}")


class CborReader(JsonReader):
    """CBOR tells more types apart than JSON, so more can be wrong. Read by another decoder than botocore's own."""

    DOUBLE = float
    TIMESTAMP = datetime.datetime

    def check_headers(self, operation_model, headers, body):
        if headers.get("smithy-protocol") != "rpc-v2-cbor":
            self.fail("smithy-protocol", headers.get("smithy-protocol"))
        expected = "application/cbor" if body else None
        if headers.get("content-type") != expected:
            self.fail("content-type", headers.get("content-type"))

    def read(self, body):
        return cbor2.loads(body)


class XmlReader(Reader):
    def check_headers(self, _operation_model, headers, _body):
        if not headers.get("content-type", "").startswith("text/xml"):
            self.fail("content-type", headers.get("content-type"))

    def strip(self, element):
        return element.tag.rsplit("}", 1)[-1]

    def check_answer(self, operation_model, body):
        root = ElementTree.fromstring(body)
        name = operation_model.name
        namespace = operation_model.metadata.get("xmlNamespace", "")
        if self.strip(root) != f"{name}Response":
            self.fail("", f"the root is {root.tag}")
        if namespace and not root.tag.startswith("{" + namespace + "}"):
            self.fail("", f"the namespace of {root.tag} is not {namespace}")
        parts = {self.strip(child): child for child in root}
        result = {f"{name}Result"} if operation_model.output_shape is not None else set()
        if set(parts) != result | {"ResponseMetadata"}:
            self.fail("", f"the root holds {sorted(parts)}")
        if parts["ResponseMetadata"].find("{*}RequestId") is None:
            self.fail("ResponseMetadata", "no RequestId")
        if operation_model.output_shape is not None:
            self.walk(operation_model.output_shape, parts[f"{name}Result"], "")

    def check_error(self, operation_model, body):
        root = ElementTree.fromstring(body)
        if self.strip(root) != "ErrorResponse" or root.find("{*}RequestId") is None:
            self.fail("error", "no ErrorResponse with RequestId")
        error = root.find("{*}Error")
        texts = {self.strip(child): child.text for child in error}
        if texts.get("Type") not in ("Sender", "Receiver") or not texts.get("Message"):
            self.fail("error", f"{texts}")
        self.check_code(operation_model, texts["Code"])
        return texts["Code"]

    def walk(self, shape, element, path):
        kind = shape.type_name
        text = element.text or ""
        if kind == "structure":
            names = [self.strip(child) for child in element]
            if len(set(names)) != len(names):
                self.fail(path, f"a member occurs twice: {names}")
            self.check_required(shape, names, path)
            for child in element:
                name = self.strip(child)
                if name not in shape.members:
                    self.fail(path, f"unknown member {name}")
                self.walk(shape.members[name], child, f"{path}.{name}")
        elif kind == "list":
            for index, child in enumerate(element):
                if self.strip(child) != shape.member.serialization.get("name", "member"):
                    self.fail(path, f"{self.strip(child)} instead of member")
                self.walk(shape.member, child, f"{path}[{index}]")
        elif kind == "map":
            for entry in element:
                parts = {self.strip(child): child for child in entry}
                if self.strip(entry) != "entry" or set(parts) != {"key", "value"}:
                    self.fail(path, "a map is made of entries with key and value")
                self.walk(shape.value, parts["value"], path)
        elif len(element):
            self.fail(path, f"members inside of a {kind}")
        elif kind == "string":
            self.check_text(shape, text, path)
        elif kind == "boolean":
            if text not in ("true", "false"):
                self.fail(path, f"{text!r} is no boolean")
        elif kind in ("integer", "long"):
            if not re.fullmatch(r"-?\d+", text):
                self.fail(path, f"{text!r} is no whole number")
            self.check_number(shape, int(text), path)
        elif kind == "timestamp" and not ISO_TIME.match(text):
            self.fail(path, f"{text!r} is no timestamp")
