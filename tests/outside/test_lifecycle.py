"""aws-sim against moto and ministack: one lifecycle, field by field."""

import pathlib
import re
from concurrent.futures import ThreadPoolExecutor

import botocore.session
import pytest

from answers import Reader, differences, known_differences
from lifecycle import run

TABLE = pathlib.Path(__file__).parent / "differences.toml"


@pytest.fixture(scope="module")
def answers(aws_sim, moto, ministack):
    """The lifecycle on each backend, as plain answers by step."""
    backends = [aws_sim, moto, ministack]
    with ThreadPoolExecutor(len(backends)) as threads:
        steps = list(threads.map(run, backends))
    return {backend.name: {name: Reader(backend.network).plain(answer) for name, answer in lifecycle.items()}
            for backend, lifecycle in zip(backends, steps)}


@pytest.fixture(scope="module")
def table():
    return known_differences(TABLE)


def test_every_step_of_aws_sim_settles(answers):
    assert [step for step, answer in answers["aws-sim"].items() if answer.get("settled") == "false"] == []


def test_aws_sim_differs_from_the_judges_only_where_aws_documentation_decides_it(answers, table):
    found = [difference for judge in ("moto", "ministack")
             for difference in differences(judge, answers["aws-sim"], answers[judge])]
    assert found, "the judges are never of one mind with aws-sim: nothing was compared"
    unknown = [str(difference) for difference in found if not any([row.covers(difference) for row in table])]
    stale = [stale for row in table for stale in row.stale()]
    assert not unknown, "not in differences.toml (mend aws-sim, or say what AWS says):\n" + "\n".join(unknown)
    assert not stale, "no longer so, but in differences.toml:\n" + "\n".join(stale)


def test_every_known_difference_names_a_page_of_aws_about_something_that_there_is(table):
    """Pages of the API references are named after operations and shapes, which the models know."""
    named = set()
    for service in ("ecs", "elbv2", "logs", "secretsmanager"):
        model = botocore.session.get_session().get_service_model(service)
        named |= set(model.operation_names) | set(model.shape_names)
    for row in table:
        assert row.source.startswith("https://docs.aws.amazon.com/"), row.source
        assert row.aws, row
        page = re.search(r"/API_(\w+)\.html$", row.source)
        assert not page or page[1] in named, row.source
