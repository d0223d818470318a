"""AWS's published request rates, with --rate-limits."""

import pytest

from conftest import Aws, new_region, refused, start_sim
from fixtures import register


def serve(*arguments):
    endpoint, process = start_sim("--rate-limits", *arguments)
    yield endpoint
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def limited():
    """Time nearly stands still, so that buckets do not fill up while a slow machine works."""
    yield from serve("--speed", "0.001")


@pytest.fixture(scope="module")
def refilled():
    yield from serve("--speed", "2")


def test_definitions_are_registered_twenty_at_a_time(limited):
    ecs = Aws(limited, new_region()).ecs
    for index in range(20):
        register(ecs, family=f"f{index}")
    refused("ThrottlingException", register, ecs)
    # Reads have a bucket of their own.
    assert len(ecs.list_task_definitions()["taskDefinitionArns"]) == 20


def test_a_client_that_backs_off_gets_through(refilled):
    aws = Aws(refilled, new_region(), attempts=8)
    for index in range(22):
        register(aws.ecs, family=f"f{index}")


def test_load_balancing_shares_one_bucket(limited):
    elb = Aws(limited, new_region()).elbv2
    for _ in range(40):
        elb.describe_target_groups()
    refused("Throttling", elb.describe_load_balancers)


def test_alarms_are_put_three_and_read_nine_at_a_time(limited):
    cloudwatch = Aws(limited, new_region()).client("cloudwatch")
    settings = {"Namespace": "App", "MetricName": "Errors", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
                "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    for index in range(3):
        cloudwatch.put_metric_alarm(AlarmName=f"a{index}", **settings)
    refused("Throttling", cloudwatch.put_metric_alarm, AlarmName="a3", **settings)
    for _ in range(9):
        cloudwatch.describe_alarms()
    refused("Throttling", cloudwatch.describe_alarms)


def test_regions_have_buckets_of_their_own(limited):
    first, second = Aws(limited, new_region()).elbv2, Aws(limited, new_region()).elbv2
    for _ in range(40):
        first.describe_target_groups()
    second.describe_target_groups()


def test_without_limits_nothing_is_throttled(aws):
    for _ in range(60):
        aws.elbv2.describe_target_groups()
