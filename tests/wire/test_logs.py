"""CloudWatch Logs."""

import time

import pytest

from conftest import refused

NAME = "/ecs/app"


@pytest.fixture
def logs(aws):
    aws.logs.create_log_group(logGroupName=NAME, tags={"a": "1"})
    return aws.logs


def simulated_now(logs):
    """The time that the server has now, taken from a new stream."""
    name = f"clock-{time.monotonic_ns()}"
    logs.create_log_stream(logGroupName=NAME, logStreamName=name)
    found = logs.describe_log_streams(logGroupName=NAME, logStreamNamePrefix=name)["logStreams"]
    logs.delete_log_stream(logGroupName=NAME, logStreamName=name)
    return found[0]["creationTime"]


def test_a_groups_life(logs):
    group = logs.describe_log_groups(logGroupNamePrefix=NAME)["logGroups"][0]
    assert group["arn"] == group["logGroupArn"] + ":*"
    assert "retentionInDays" not in group
    logs.put_retention_policy(logGroupName=NAME, retentionInDays=30)
    logs.associate_kms_key(logGroupName=NAME, kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1")
    group = logs.describe_log_groups(logGroupIdentifiers=[group["logGroupArn"]])["logGroups"][0]
    assert (group["retentionInDays"], group["kmsKeyId"][-1]) == (30, "1")
    logs.disassociate_kms_key(logGroupName=NAME)
    logs.delete_retention_policy(logGroupName=NAME)
    arn = group["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    logs.tag_log_group(logGroupName=NAME, tags={"c": "3"})
    logs.untag_log_group(logGroupName=NAME, tags=["b"])
    assert logs.list_tags_log_group(logGroupName=NAME)["tags"] == {"c": "3"}
    logs.delete_log_group(logGroupName=NAME)
    refused("ResourceNotFoundException", logs.delete_log_group, logGroupName=NAME)
    assert logs.describe_log_groups()["logGroups"] == []


def test_bad_groups_are_refused(logs):
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=NAME)
    refused("InvalidParameterException", logs.create_log_group, logGroupName="a b")
    refused("InvalidParameterException", logs.put_retention_policy, logGroupName=NAME, retentionInDays=31)
    refused("ResourceNotFoundException", logs.put_retention_policy, logGroupName="/none", retentionInDays=30)
    refused("InvalidParameterException", logs.describe_log_groups, limit=51)
    refused("ResourceNotFoundException", logs.list_tags_for_resource,
            resourceArn="arn:aws:logs:eu-west-1:123456789012:log-group:/none")
    logs.create_log_group(logGroupName="/kept", deletionProtectionEnabled=True)
    refused("ValidationException", logs.delete_log_group, logGroupName="/kept")


def test_pages_of_groups(logs):
    for index in range(55):
        logs.create_log_group(logGroupName=f"/many/{index:02}")
    pages = list(logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/many"))
    assert [len(page["logGroups"]) for page in pages] == [50, 5]


def test_events(logs):
    logs.create_log_stream(logGroupName=NAME, logStreamName="s")
    refused("ResourceAlreadyExistsException", logs.create_log_stream, logGroupName=NAME, logStreamName="s")
    now = simulated_now(logs)
    events = [{"timestamp": now + i, "message": f"{'ERROR' if i % 2 else 'INFO'} {i}"} for i in range(4)]
    logs.put_log_events(logGroupName=NAME, logStreamName="s", logEvents=events)
    got = logs.get_log_events(logGroupName=NAME, logStreamName="s", startFromHead=True, limit=3)
    assert [e["message"] for e in got["events"]] == ["INFO 0", "ERROR 1", "INFO 2"]
    rest = logs.get_log_events(logGroupName=NAME, logStreamName="s", nextToken=got["nextForwardToken"])
    assert [e["message"] for e in rest["events"]] == ["ERROR 3"]
    found = logs.get_paginator("filter_log_events").paginate(logGroupName=NAME, filterPattern="ERROR",
                                                             PaginationConfig={"PageSize": 1})
    assert [e["message"] for page in found for e in page["events"]] == ["ERROR 1", "ERROR 3"]
    stream = logs.describe_log_streams(logGroupName=NAME, orderBy="LastEventTime", descending=True)["logStreams"][0]
    assert stream["firstEventTimestamp"] == now and stream["lastEventTimestamp"] == now + 3
    refused("InvalidParameterException", logs.put_log_events, logGroupName=NAME, logStreamName="s",
            logEvents=list(reversed(events)))
    refused("ResourceNotFoundException", logs.put_log_events, logGroupName=NAME, logStreamName="none",
            logEvents=events)
    refused("ResourceNotFoundException", logs.get_log_events, logGroupName=NAME, logStreamName="none")
    far = logs.put_log_events(logGroupName=NAME, logStreamName="s",
                              logEvents=[{"timestamp": now - 15 * 86_400_000, "message": "old"}])
    assert far["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    logs.delete_log_stream(logGroupName=NAME, logStreamName="s")
