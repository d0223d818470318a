"""A pytest plugin under which moto's own tests speak to aws-sim: each test has a new one, for the services that it simulates;
all other services stay with moto, in the test's own process."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

# As botocore names the services in variables for their endpoints.
SERVICES = ("CLOUDWATCH", "CLOUDWATCH_LOGS", "ECS", "ELASTIC_LOAD_BALANCING_V2", "SECRETS_MANAGER")
# Simulated seconds per second: the tests compare what they see with their own clock.
SPEED = "1"
# Seconds until a test is given up.
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port, child):
    end = time.monotonic() + 20
    while time.monotonic() < end and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.01)
    return False


@pytest.fixture(autouse=True)
def aws_sim(monkeypatch):
    port = free_port()
    command = [os.environ["AWS_SIM_BIN"], "--listen", f"127.0.0.1:{port}", "--speed", SPEED, "--seed", "7"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert listens(port, child), "aws-sim does not listen"
        for service in SERVICES:
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(PATIENCE)
        yield
    finally:
        signal.alarm(0)
        child.kill()
        child.wait()


def give_up(*_):
    raise TimeoutError(f"no end after {PATIENCE} s")


def pytest_configure(config):
    config.addinivalue_line("markers", "aws_verified: moto's authors ran it on AWS")
    config.suite = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" or report.failed:
        words = str(call.excinfo.value).splitlines()[0] if call.excinfo and str(call.excinfo.value) else ""
        kind = type(call.excinfo.value).__name__ if call.excinfo else ""
        item.config.suite[item.nodeid] = [report.outcome, f"{kind}: {words}" if kind else ""]


def pytest_sessionfinish(session):
    pathlib.Path(os.environ["SUITE_RESULTS"]).write_text(json.dumps(session.config.suite, indent=1))
