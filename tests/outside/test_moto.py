"""`evenkeel run` on moto, as far as it goes: moto records what it is sent, and schedules nothing."""

import pathlib
import time
import tomllib

import pytest

import backends
from answers import glob
from workspace import Workspace, seed, reason, waits

HERE = pathlib.Path(__file__).parent
# moto's RunTask wants the memory of every container; where the document has a place for it, it is given.
MEMORY = [(f"          - name: {name}\n", f"          - name: {name}\n            memory: 256\n")
          for name in ("migrate", "web", "worker")]


@pytest.fixture(scope="module")
def workspace(processes, tmp_path_factory):
    # Each service shows one running task, which is what the worker wants.
    backend = backends.moto(processes, running=1)
    seed(backend, ["shop", "zenml-hybrid"])
    workspace = Workspace(backend, processes, tmp_path_factory.mktemp("moto"), {"application": MEMORY, "zenml": []})
    workspace.start()
    return workspace


@pytest.fixture(scope="module")
def ecs(workspace):
    return workspace.backend.client("ecs")


def limits():
    with (HERE / "limits.toml").open("rb") as text:
        return tomllib.load(text)["limit"]


def stands_at_its_limits(status):
    """Whether every component of a deployment is where limits.toml says, and Complete where it says nothing."""
    known = {row["component"]: row for row in limits() if row["deployment"] == status["name"]}
    waiting = {}
    for resource, what, because in waits(status):
        waiting.setdefault(resource.split("/")[1], []).append(f"{what}: {because}")
    for name, component in status["components"].items():
        row = known.get(name, {"phase": "Complete", "waits": []})
        found = waiting.get(name, [])
        agree = len(found) == len(row["waits"]) and all(map(glob, row["waits"], found))
        if component["phase"] != row["phase"] or not agree:
            return False
    return known.keys() <= status["components"].keys()


def service(ecs, name):
    return ecs.describe_services(cluster="shop", services=[name])["services"][0]


def revisions(ecs, family):
    return [arn.rsplit("/", 1)[1] for arn in ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]]


def test_the_examples_come_up_to_their_limits_and_stay_there(workspace):
    for _ in range(2):
        for name in ("shop", "zenml"):
            workspace.until(name, stands_at_its_limits)
        time.sleep(2)


def test_what_moto_records_is_what_is_declared(workspace, ecs):
    for name, count in (("shop-web", 3), ("shop-worker", 1)):
        seen = service(ecs, name)
        assert (seen["status"], seen["desiredCount"]) == ("ACTIVE", count)
        assert seen["taskDefinition"].endswith(f"{name}:1") and revisions(ecs, name) == [f"{name}:1"]
    elb = workspace.backend.client("elbv2")
    for balancer in ("shop", "zenml-hybrid"):
        [found] = elb.describe_load_balancers(Names=[balancer])["LoadBalancers"]
        listeners = elb.describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
        assert sorted(one["Port"] for one in listeners) == [80, 443]
    groups = workspace.backend.client("logs").describe_log_groups(logGroupNamePrefix="/ecs/")["logGroups"]
    kept = {group["logGroupName"]: group["retentionInDays"] for group in groups}
    assert kept == {"/ecs/shop": 30, "/ecs/zenml-hybrid": 30}


def test_a_call_without_an_answer_starts_nothing_else(workspace, ecs):
    """moto's RunTask breaks without saying whether it did anything: it is asked again by one token, and nothing follows."""
    assert reason(workspace.status("zenml")) == "NoAnswer"
    assert "no answer" in workspace.ctl("events", "zenml")[1]
    assert ecs.list_services(cluster="zenml-hybrid")["serviceArns"] == []


def test_a_service_scaled_by_hand_is_scaled_back(workspace, ecs):
    ecs.update_service(cluster="shop", service="shop-worker", desiredCount=4)
    workspace.until("shop", lambda status: status.get("lastDrift", {}).get("what") == "desiredCount 4 → 1 (declared)")
    workspace.until("shop", stands_at_its_limits)
    assert service(ecs, "shop-worker")["desiredCount"] == 1


def test_new_image_tags_migrate_first_and_then_roll_to_the_limits(workspace, ecs):
    workspace.edit("application", [(":2.14.0", ":2.15.0")])
    workspace.until("shop", lambda status: status["observedGeneration"] == 2 and stands_at_its_limits(status))
    for name in ("shop-web", "shop-worker"):
        assert service(ecs, name)["taskDefinition"].endswith(f"{name}:2")
        assert revisions(ecs, name) == [f"{name}:1", f"{name}:2"]
    [container] = ecs.describe_task_definition(taskDefinition="shop-worker:2")["taskDefinition"]["containerDefinitions"]
    assert container["image"].endswith("/shop/worker:2.15.0")
    assert workspace.stop() == 0
