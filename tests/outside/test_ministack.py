"""`evenkeel run` on ministack, whose scheduler rolls, fails and rolls back by itself: the two examples, from nothing to a
failed upgrade and out of it. The tests are one story; each begins where the one before ended."""

import pytest

from workspace import Workspace, seed, is_true, reason, waits

SHOP, ZENML = "shop", "zenml-hybrid"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop"
SERVICES = [(SHOP, "shop-web", 3), (SHOP, "shop-worker", 1), (ZENML, "zenml-server", 2)]


@pytest.fixture(scope="module")
def workspace(ministack, processes, tmp_path_factory):
    seed(ministack, [SHOP, ZENML])
    workspace = Workspace(ministack, processes, tmp_path_factory.mktemp("ministack"), {"application": [], "zenml": []})
    workspace.start()
    return workspace


@pytest.fixture(scope="module")
def ecs(ministack):
    return ministack.client("ecs")


def service(ecs, cluster, name):
    return ecs.describe_services(cluster=cluster, services=[name], include=["TAGS"])["services"][0]


def containers(ecs, definition):
    return ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]


def revisions(ecs, family):
    return [arn.rsplit("/", 1)[1] for arn in ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]]


def ended_tasks(ecs, cluster, family):
    arns = ecs.list_tasks(cluster=cluster, family=family, desiredStatus="STOPPED")["taskArns"]
    return ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []


def primary(seen):
    return next(one for one in seen["deployments"] if one["status"] == "PRIMARY")


def writes_during_more_passes(workspace):
    """What the controller does in three more passes over each of the two deployments."""
    before = workspace.metric("evenkeel_actions_total")
    workspace.passes(6)
    return workspace.metric("evenkeel_actions_total") - before


def test_both_examples_come_up_and_are_what_they_declare(workspace, ministack, ecs):
    for name in ("shop", "zenml"):
        status = workspace.until_ready(name, 1)
        assert {one["phase"] for one in status["components"].values()} == {"Complete"}, status
        assert reason(status, "SecretsReady") == "AllFound" and reason(status, "TargetsHealthy") == "AllHealthy"
    for cluster, name, count in SERVICES:
        seen = service(ecs, cluster, name)
        assert (seen["status"], seen["desiredCount"], seen["runningCount"]) == ("ACTIVE", count, count), name
        assert seen["taskDefinition"].endswith(f"/{name}:1") and primary(seen)["rolloutState"] == "COMPLETED"
        tags = {tag["key"]: tag["value"] for tag in seen["tags"]}
        assert tags["evenkeel.dev/owner"] == name.split("-")[0] and "cost-centre" in tags
    [web] = containers(ecs, "shop-web:1")
    assert web["image"] == f"{REGISTRY}/web:2.14.0"
    assert {one["name"] for one in web["secrets"]} == {"DATABASE_URL", "SESSION_KEY"}
    assert all(one["valueFrom"].startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/")
               for one in web["secrets"])


def test_the_migrations_ran_once_and_before_the_services(ecs):
    for cluster, family, after in ((SHOP, "shop-migrate", "shop-web"), (ZENML, "zenml-migrate", "zenml-server")):
        [task] = ended_tasks(ecs, cluster, family)
        assert [one["exitCode"] for one in task["containers"]] == [0]
        assert task["stoppedAt"] <= service(ecs, cluster, after)["createdAt"]


def test_traffic_reaches_the_tasks(ministack):
    elb, logs = ministack.client("elbv2"), ministack.client("logs")
    for balancer, count in ((SHOP, 3), (ZENML, 2)):
        [found] = elb.describe_load_balancers(Names=[balancer])["LoadBalancers"]
        listeners = elb.describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
        listeners = {one["Port"]: one for one in listeners}
        assert sorted(listeners) == [80, 443]
        rules = elb.describe_rules(ListenerArn=listeners[443]["ListenerArn"])["Rules"]
        actions = [action for rule in rules for action in rule["Actions"]]
        [group] = {action["TargetGroupArn"] for action in actions if action["Type"] == "forward"}
        health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        assert [one["TargetHealth"]["State"] for one in health] == ["healthy"] * count
    [group] = logs.describe_log_groups(logGroupNamePrefix="/ecs/shop")["logGroups"]
    assert group["retentionInDays"] == 30


def test_nothing_is_left_to_do(workspace):
    code, said = workspace.ctl("plan", "--exit-code")
    assert code == 0 and "Nothing to do" in said, said
    code, said = workspace.ctl("status", "--exit-code")
    assert code == 0, said
    assert writes_during_more_passes(workspace) == 0


def test_a_service_scaled_by_hand_is_scaled_back(workspace, ecs):
    before = primary(service(ecs, SHOP, "shop-web"))["id"]
    ecs.update_service(cluster=SHOP, service="shop-web", desiredCount=5)
    status = workspace.until("shop", lambda seen: seen.get("lastDrift", {}).get("repairedAt") and is_true(seen, "Ready"))
    assert status["lastDrift"]["resource"] == "service/web" and "desiredCount 5 → 3" in status["lastDrift"]["what"]
    seen = service(ecs, SHOP, "shop-web")
    assert (seen["desiredCount"], primary(seen)["id"]) == (3, before), "scaling is no deployment"
    assert "DriftRepaired" in workspace.ctl("events", "shop")[1]


def test_new_image_tags_migrate_first_and_then_roll(workspace, ecs):
    workspace.edit("application", [(":2.14.0", ":2.15.0")])
    workspace.edit("zenml", [("imageTag: 0.93.2", "imageTag: 0.93.3")])
    for name in ("shop", "zenml"):
        workspace.until_ready(name, 2)
    for cluster, name, count in SERVICES:
        seen = service(ecs, cluster, name)
        assert (seen["desiredCount"], seen["runningCount"]) == (count, count)
        assert seen["taskDefinition"].endswith(f"/{name}:2") and revisions(ecs, name) == [f"{name}:1", f"{name}:2"]
    assert containers(ecs, "shop-worker:2")[0]["image"] == f"{REGISTRY}/worker:2.15.0"
    assert containers(ecs, "zenml-server:2")[0]["image"].endswith(":0.93.3")
    for cluster, family, after in ((SHOP, "shop-migrate", "shop-web"), (ZENML, "zenml-migrate", "zenml-server")):
        tasks = ended_tasks(ecs, cluster, family)
        assert sorted(task["taskDefinitionArn"].rsplit("/", 1)[1] for task in tasks) == [f"{family}:1", f"{family}:2"]
        assert max(task["stoppedAt"] for task in tasks) <= primary(service(ecs, cluster, after))["createdAt"]


def test_a_crashing_image_is_rolled_back_and_not_tried_again(workspace, ecs):
    workspace.edit("application", [("shop/web:2.15.0", "shop/web:2.16.0-crash")])
    status = workspace.until("shop", lambda seen: reason(seen) == "RolledBack")
    web = status["components"]["web"]
    assert (web["phase"], web["revision"], web["wantedRevision"]) == ("RolledBack", "shop-web:2", "shop-web:3")
    assert "circuit breaker" in web["message"] and is_true(status, "Stalled")
    assert [resource for resource, what, _ in waits(status) if what == "failed"] == ["service/web"]
    seen = service(ecs, SHOP, "shop-web")
    assert seen["taskDefinition"].endswith("/shop-web:2") and seen["runningCount"] == 3
    assert writes_during_more_passes(workspace) == 0
    again = service(ecs, SHOP, "shop-web")
    assert [one["id"] for one in again["deployments"]] == [one["id"] for one in seen["deployments"]]
    assert revisions(ecs, "shop-web")[-1] == "shop-web:3" and reason(workspace.status("shop")) == "RolledBack"
    assert workspace.status("shop")["components"]["worker"]["phase"] == "Complete"


def test_a_migration_that_fails_touches_no_service(workspace, ecs):
    before = service(ecs, SHOP, "shop-worker")["taskDefinition"]
    workspace.edit("application", [
        ("shop/web:2.16.0-crash", "shop/web:2.17.0"), ("shop/worker:2.15.0", "shop/worker:2.17.0"),
        ("shop/migrate:2.15.0", "shop/migrate:2.17.0-crash")])
    status = workspace.until("shop", lambda seen: reason(seen) == "TaskFailed")
    migrate = status["components"]["migrate"]
    assert migrate["phase"] == "Stalled" and "exited 1" in migrate["message"]
    assert {status["components"][name]["phase"] for name in ("web", "worker")} == {"Waiting"}
    assert service(ecs, SHOP, "shop-worker")["taskDefinition"] == before
    assert service(ecs, SHOP, "shop-web")["taskDefinition"].endswith("/shop-web:2")


def test_a_document_that_is_mended_rolls(workspace, ecs):
    workspace.edit("application", [("shop/migrate:2.17.0-crash", "shop/migrate:2.17.0")])
    workspace.until("shop", lambda seen: is_true(seen, "Ready"))
    for cluster, name, tag in ((SHOP, "shop-web", "web:2.17.0"), (SHOP, "shop-worker", "worker:2.17.0")):
        seen = service(ecs, cluster, name)
        assert containers(ecs, seen["taskDefinition"])[0]["image"] == f"{REGISTRY}/{tag}"
        assert seen["runningCount"] == seen["desiredCount"]


def test_a_restart_changes_nothing(workspace, ecs):
    before = [service(ecs, cluster, name)["deployments"] for cluster, name, _ in SERVICES]
    families = ("shop-migrate", "shop-web", "shop-worker", "zenml-migrate", "zenml-server")
    known = {family: revisions(ecs, family) for family in families}
    assert workspace.stop() == 0
    workspace.start()
    assert writes_during_more_passes(workspace) == 0
    assert [service(ecs, cluster, name)["deployments"] for cluster, name, _ in SERVICES] == before
    assert {family: revisions(ecs, family) for family in known} == known
    assert workspace.ctl("plan", "--exit-code")[0] == 0
    assert workspace.stop() == 0
