"""Security Token Service."""

from conftest import refused


def test_the_callers_identity(aws):
    me = aws.sts.get_caller_identity()
    assert me["Arn"].endswith(":user/simulated") and len(me["Account"]) == 12


def test_an_assumed_role_is_known_by_its_credentials(aws):
    made = aws.sts.assume_role(RoleArn="arn:aws:iam::999999999999:role/deploy", RoleSessionName="me")
    keys = made["Credentials"]
    inside = aws.client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    me = inside.get_caller_identity()
    assert me["Arn"] == "arn:aws:sts::999999999999:assumed-role/deploy/me"
    assert me["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]


def test_what_is_no_role_is_refused(aws):
    refused("ValidationError", aws.sts.assume_role, RoleArn="deploy-the-thing-please", RoleSessionName="me")
    refused("ValidationError", aws.sts.assume_role, RoleArn="arn:aws:iam::999999999999:role/deploy",
            RoleSessionName="me", DurationSeconds=1)
