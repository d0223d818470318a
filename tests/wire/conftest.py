"""Clients and waiting for the wire tests."""

import functools
import itertools
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from strict import Recorder

RECORDER = Recorder()
_regions = itertools.count(1)


class OneProtocol(botocore.loaders.Loader):
    """Loads service models as if their services spoke one protocol only, so that botocore uses that one."""

    def __init__(self, protocol):
        super().__init__(include_default_search_paths=True)
        self.protocol = protocol

    def load_service_model(self, service_name, type_name, api_version=None):
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name != "service-2":
            return model
        return {**model, "metadata": {**model["metadata"], "protocol": self.protocol, "protocols": [self.protocol]}}


@functools.cache
def session_for(protocol):
    """A boto3 session that speaks one protocol, or whichever botocore prefers."""
    if protocol is None:
        return boto3.Session()
    session = botocore.session.get_session()
    session.register_component("data_loader", OneProtocol(protocol))
    return boto3.Session(botocore_session=session)


class Aws:
    """boto3 clients of one region. Regions share nothing, so tests do not meet each other."""

    def __init__(self, endpoint, region, attempts=1, patience=10):
        self.endpoint = endpoint
        self.region = region
        self.attempts = attempts
        self.patience = patience
        self._clients = {}

    def client(self, service, key="AKIASIMULATED0000001", secret="secret", token=None, protocol=None):
        at = (service, key, protocol)
        if at not in self._clients:
            client = session_for(protocol).client(
                service, region_name=self.region, endpoint_url=self.endpoint, aws_access_key_id=key,
                aws_secret_access_key=secret, aws_session_token=token,
                config=Config(retries={"total_max_attempts": self.attempts, "mode": "standard"},
                              read_timeout=self.patience, parameter_validation=False),
            )
            RECORDER.attach(client)
            self._clients[at] = client
        return self._clients[at]

    ecs = property(lambda self: self.client("ecs"))
    elbv2 = property(lambda self: self.client("elbv2"))
    secrets = property(lambda self: self.client("secretsmanager"))
    logs = property(lambda self: self.client("logs"))
    sts = property(lambda self: self.client("sts"))


class Sim:
    """The control interface under /_sim."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_sim{path}", data, {"content-type": "application/json"},
                                         method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None


def start_sim(*arguments):
    """Starts another aws-sim on a free port; gives its endpoint and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [os.environ["AWS_SIM_BIN"], "--listen", f"127.0.0.1:{port}", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return f"http://127.0.0.1:{port}", process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("aws-sim did not come up")


@pytest.fixture(scope="session")
def endpoint():
    return os.environ["AWS_SIM_ENDPOINT"]


def new_region():
    return f"eu-test-{next(_regions)}"


@pytest.fixture
def aws(endpoint):
    return Aws(endpoint, new_region())


@pytest.fixture
def sim(endpoint):
    """The control interface; whatever faults a test sets are gone after it."""
    control = Sim(endpoint)
    yield control
    control.call("DELETE", "/faults")
    control.call("DELETE", "/behaviours")


def refused(code, call, *positional, **arguments):
    """That a call is refused with this error code; gives the error."""
    with pytest.raises(ClientError) as caught:
        call(*positional, **arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error


def until(read, done, seconds=60):
    """Reads again and again until what is seen is as wanted."""
    end = time.monotonic() + seconds
    while True:
        seen = read()
        if done(seen):
            return seen
        assert time.monotonic() < end, f"still not done: {seen}"
        time.sleep(0.05)


def token():
    return str(uuid.uuid4())


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: "test_zz" in item.nodeid)
