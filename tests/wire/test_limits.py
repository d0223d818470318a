"""AWS's published request rates, with --rate-limits."""

import pytest

from conftest import Aws, new_region, refused, start_sim
from worlds import register


@pytest.fixture(scope="module")
def limited():
    endpoint, process = start_sim("--rate-limits")
    yield endpoint
    process.terminate()
    process.wait(10)


def test_definitions_are_registered_twenty_at_a_time(limited):
    ecs = Aws(limited, new_region()).ecs
    for index in range(20):
        register(ecs, family=f"f{index}")
    refused("ThrottlingException", register, ecs)
    # Reads have a bucket of their own.
    assert len(ecs.list_task_definitions()["taskDefinitionArns"]) == 20


def test_a_client_that_backs_off_gets_through(limited):
    aws = Aws(limited, new_region(), attempts=8)
    for index in range(23):
        register(aws.ecs, family=f"f{index}")


def test_load_balancing_shares_one_bucket(limited):
    elb = Aws(limited, new_region()).elbv2
    done = 0
    with pytest.raises(elb.exceptions.ClientError) as caught:
        for _ in range(60):
            elb.describe_target_groups()
            done += 1
    assert caught.value.response["Error"]["Code"] == "Throttling"
    assert done >= 40


def test_without_limits_nothing_is_throttled(aws):
    for _ in range(60):
        aws.elbv2.describe_target_groups()
