"""Runs last: every simulated operation was called by the other tests, with an answer and (where it can be) a refusal."""

import pathlib

import pytest

from conftest import RECORDER
from operations import OPERATIONS


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
