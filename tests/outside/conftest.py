"""the backends of a test run, each started once, and stopped at its end whatever happens."""

import os
import pathlib
import signal

import pytest

import backends


@pytest.fixture(scope="session")
def processes():
    logs = pathlib.Path(__file__).parents[2] / "target" / "outside"
    logs.mkdir(parents=True, exist_ok=True)
    running = backends.Processes(logs)
    # A run that is asked to end is interrupted and unwinds, so that no child outlives it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    yield running
    running.stop_all()


@pytest.fixture(scope="session")
def aws_sim(processes):
    return backends.aws_sim(processes)


@pytest.fixture(scope="session")
def moto(processes):
    return backends.moto(processes)


@pytest.fixture(scope="session")
def ministack(processes):
    return backends.ministack(processes)


def pytest_configure():
    missing = [name for name in ("AWS_SIM_BIN", "EVENKEEL_BIN", "CTL_BIN") if name not in os.environ]
    if missing:
        pytest.exit(f"run this with run.sh: {missing} are not set", returncode=2)
