"""Secrets Manager."""

import json

import pytest

from conftest import refused, token, until

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:rotate"


@pytest.fixture
def sm(aws):
    return aws.secrets


def test_a_secrets_life(sm):
    made = sm.create_secret(Name="app/db", SecretString="one", Description="d", KmsKeyId="alias/k",
                            Tags=[{"Key": "a", "Value": "1"}])
    first = made["VersionId"]
    arn = made["ARN"]
    for name in ("app/db", arn, arn[:-7]):
        assert sm.get_secret_value(SecretId=name)["SecretString"] == "one"
    put = sm.put_secret_value(SecretId="app/db", SecretString="two")
    assert put["VersionStages"] == ["AWSCURRENT"]
    updated = sm.update_secret(SecretId="app/db", SecretString="three", Description="e")["VersionId"]
    described = sm.describe_secret(SecretId=arn)
    assert described["VersionIdsToStages"] == {updated: ["AWSCURRENT"], put["VersionId"]: ["AWSPREVIOUS"]}
    assert (described["Description"], described["KmsKeyId"]) == ("e", "alias/k")
    assert described["Tags"] == [{"Key": "a", "Value": "1"}]
    assert sm.get_secret_value(SecretId=arn, VersionId=first)["SecretString"] == "one"
    versions = sm.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
    assert [v["VersionId"] for v in versions] == [first, put["VersionId"], updated]
    sm.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=first,
                                   RemoveFromVersionId=updated)
    assert sm.get_secret_value(SecretId=arn)["SecretString"] == "one"
    sm.tag_resource(SecretId=arn, Tags=[{"Key": "b", "Value": "2"}])
    sm.untag_resource(SecretId=arn, TagKeys=["a"])
    assert sm.describe_secret(SecretId=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    sm.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    refused("InvalidRequestException", sm.get_secret_value, SecretId=arn)
    assert "DeletedDate" in sm.describe_secret(SecretId=arn)
    sm.restore_secret(SecretId=arn)
    sm.get_secret_value(SecretId=arn)
    sm.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    refused("ResourceNotFoundException", sm.describe_secret, SecretId=arn)


def test_a_binary_secret(sm):
    sm.create_secret(Name="bin", SecretBinary=b"\x00\xff")
    assert sm.get_secret_value(SecretId="bin")["SecretBinary"] == b"\x00\xff"


def test_tokens_make_calls_repeatable(sm):
    once = {"Name": "a", "SecretString": "one", "ClientRequestToken": token()}
    assert sm.create_secret(**once)["VersionId"] == sm.create_secret(**once)["VersionId"]
    refused("ResourceExistsException", sm.create_secret, Name="a", SecretString="one")
    put = {"SecretId": "a", "SecretString": "two", "ClientRequestToken": token()}
    assert sm.put_secret_value(**put)["VersionId"] == sm.put_secret_value(**put)["VersionId"]
    refused("ResourceExistsException", sm.put_secret_value, **{**put, "SecretString": "three"})


def test_bad_input_is_refused(sm):
    sm.create_secret(Name="empty")
    refused("ResourceNotFoundException", sm.get_secret_value, SecretId="empty")
    refused("ResourceNotFoundException", sm.get_secret_value, SecretId="none")
    refused("ValidationException", sm.create_secret, Name="a b", SecretString="x")
    refused("InvalidParameterException", sm.create_secret, Name="x", SecretString="x", ClientRequestToken="short")
    refused("InvalidParameterException", sm.delete_secret, SecretId="empty", RecoveryWindowInDays=6)
    refused("InvalidRequestException", sm.put_secret_value, SecretId="empty")
    sm.put_secret_value(SecretId="empty", SecretString="x")
    second = sm.put_secret_value(SecretId="empty", SecretString="y", VersionStages=["mine"])["VersionId"]
    refused("InvalidParameterException", sm.update_secret_version_stage, SecretId="empty", VersionStage="AWSCURRENT",
            MoveToVersionId=second)
    refused("InvalidRequestException", sm.get_secret_value, SecretId="empty", VersionId=second,
            VersionStage="AWSCURRENT")


def test_rotation(sm):
    sm.create_secret(Name="a", SecretString=json.dumps({"username": "u", "password": "p"}))
    refused("InvalidRequestException", sm.rotate_secret, SecretId="a")
    started = sm.rotate_secret(SecretId="a", RotationLambdaARN=LAMBDA, RotationRules={"AutomaticallyAfterDays": 30})
    version = started["VersionId"]
    done = until(lambda: sm.describe_secret(SecretId="a"),
                 lambda seen: seen["VersionIdsToStages"].get(version) == ["AWSCURRENT"])
    assert done["RotationEnabled"] is True and done["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert done["NextRotationDate"] > done["LastRotatedDate"]
    value = json.loads(sm.get_secret_value(SecretId="a")["SecretString"])
    assert value["username"] == "u" and value["password"] != "p"
    sm.cancel_rotate_secret(SecretId="a")
    assert sm.describe_secret(SecretId="a")["RotationEnabled"] is False


def test_listing(sm):
    for name in ("prod/db", "prod/api", "dev/db"):
        sm.create_secret(Name=name, SecretString=name, Tags=[{"Key": "env", "Value": name.split("/")[0]}])
    pages = sm.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2}, SortBy="name")
    assert [s["Name"] for page in pages for s in page["SecretList"]] == ["dev/db", "prod/api", "prod/db"]
    found = sm.list_secrets(Filters=[{"Key": "name", "Values": ["prod/"]}, {"Key": "tag-value", "Values": ["prod"]}])
    assert len(found["SecretList"]) == 2
    sm.delete_secret(SecretId="dev/db")
    assert len(sm.list_secrets()["SecretList"]) == 2
    assert len(sm.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 3
    refused("InvalidNextTokenException", sm.list_secrets, NextToken="nonsense")
    refused("ValidationException", sm.list_secrets, MaxResults=101)


def test_batches(sm):
    for index in range(3):
        sm.create_secret(Name=f"s{index}", SecretString=str(index))
    got = sm.batch_get_secret_value(SecretIdList=["s0", "s2", "none"])
    assert sorted(v["SecretString"] for v in got["SecretValues"]) == ["0", "2"]
    assert [e["ErrorCode"] for e in got["Errors"]] == ["ResourceNotFoundException"]
    filtered = sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["s"]}], MaxResults=2)
    assert len(filtered["SecretValues"]) == 2 and filtered["NextToken"]
    refused("ValidationException", sm.batch_get_secret_value, SecretIdList=["s"] * 21)


def test_random_passwords(sm):
    password = sm.get_random_password(PasswordLength=40, ExcludePunctuation=True)["RandomPassword"]
    assert len(password) == 40 and password.isalnum()
    refused("InvalidParameterException", sm.get_random_password, PasswordLength=2)
