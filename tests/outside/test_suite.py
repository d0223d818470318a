"""moto's own tests on aws-sim: what its authors know of AWS, and of what some ran on AWS itself, is asked of the simulation.
The tests are in moto's source package, which `run.sh` unpacks; `suite.toml` is the reviewed list of what they see otherwise."""

import collections
import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import tomllib

import pytest

HERE = pathlib.Path(__file__).parent
SUITE = HERE.parents[1] / "target" / "moto-suite"


@pytest.fixture(scope="module")
def expected():
    with (HERE / "suite.toml").open("rb") as text:
        return tomllib.load(text)


@pytest.fixture(scope="module")
def outcomes(expected, tmp_path_factory):
    """The outcome and the words of each test, without `tests/` in its name."""
    results = tmp_path_factory.mktemp("suite") / "results.json"
    plain = {name: os.environ[name] for name in ("PATH", "AWS_SIM_BIN")}
    environment = plain | {"SUITE_RESULTS": str(results), "PYTHONPATH": f"{HERE}:{SUITE}", "PYTHONDONTWRITEBYTECODE": "1"}
    files = [f"tests/{name}" for name in expected["files"]]
    command = [sys.executable, "-m", "pytest", "-p", "suite", "-p", "no:cacheprovider", "-q", "--tb=no", *files]
    log = HERE.parents[1] / "target" / "outside" / "suite.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said:
        subprocess.run(command, cwd=SUITE, env=environment, stdout=said, stderr=subprocess.STDOUT, check=False)
    assert results.exists(), log.read_text()[-2000:]
    return {name.removeprefix("tests/"): tuple(outcome) for name, outcome in json.loads(results.read_text()).items()}


def accounts_for(entry, name, words):
    tests = [entry["tests"]] if isinstance(entry["tests"], str) else entry["tests"]
    return any(fnmatch.fnmatchcase(name, glob) for glob in tests) and fnmatch.fnmatchcase(words, entry["says"])


def test_what_fails_is_listed_with_the_reason(outcomes, expected):
    used, unlisted = set(), {}
    for name, (outcome, words) in outcomes.items():
        if outcome != "failed":
            continue
        entries = [index for index, entry in enumerate(expected["failure"]) if accounts_for(entry, name, words)]
        if entries:
            used.add(entries[0])
        else:
            unlisted[name] = words
    assert not unlisted
    assert [entry for index, entry in enumerate(expected["failure"]) if index not in used] == [], "listed for nothing"
    assert all(entry["why"].strip() for entry in expected["failure"])


def test_as_many_pass_as_is_said(outcomes, expected):
    passed = collections.Counter(name.split("::")[0] for name, (outcome, _) in outcomes.items() if outcome == "passed")
    assert dict(passed) == expected["passes"]
