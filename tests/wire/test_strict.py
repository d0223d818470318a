"""The checker itself: it must see what it is there to see."""

import datetime
import json

import botocore.session
import cbor2
import pytest

from strict import CborReader, JsonReader, WireError, XmlReader

MODELS = botocore.session.get_session()


def operation(service, name):
    return MODELS.get_service_model(service).operation_model(name)


def json_answer(name, value):
    JsonReader("test").check_answer(operation("ecs", name), json.dumps(value).encode())


def json_error(name, value):
    JsonReader("test").check_error(operation("ecs", name), json.dumps(value).encode())


def xml_answer(name, inner, namespace="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"):
    text = (f'<{name}Response xmlns="{namespace}"><{name}Result>{inner}</{name}Result>'
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{name}Response>")
    XmlReader("test").check_answer(operation("elbv2", name), text.encode())


@pytest.mark.parametrize("value", [
    {"services": [{"serviceNam": "a"}]},
    {"services": [{"serviceName": 1}]},
    {"services": [{"serviceName": None}]},
    {"services": [{"desiredCount": "1"}]},
    {"services": [{"desiredCount": True}]},
    {"services": [{"createdAt": "2026-01-01"}]},
    {"services": [{"launchType": "MOON"}]},
    {"services": {"a": 1}},
])
def test_wrong_json_is_seen(value):
    with pytest.raises(WireError):
        json_answer("DescribeServices", value)


def test_right_json_passes():
    json_answer("DescribeServices", {"services": [{"serviceName": "a", "createdAt": 1.5, "launchType": "FARGATE"}],
                                     "failures": []})


def test_a_required_member_is_missed():
    with pytest.raises(WireError):
        json_answer("ListServiceDeployments", {"serviceDeployments": [{"createdAt": "x"}]})
    reader = JsonReader("test")
    with pytest.raises(WireError):
        reader.check_answer(operation("logs", "PutLogEvents"), b'{"rejectedEntityInfo": {}}')


@pytest.mark.parametrize("inner", [
    "<TargetGroups><member><Nonsense/></member></TargetGroups>",
    "<TargetGroups><item/></TargetGroups>",
    "<TargetGroups><member><Port>x</Port></member></TargetGroups>",
    "<TargetGroups><member><Protocol>FTP</Protocol></member></TargetGroups>",
    "<TargetGroups><member><HealthCheckEnabled>yes</HealthCheckEnabled></member></TargetGroups>",
    "<NextMarker>1</NextMarker><NextMarker>2</NextMarker>",
])
def test_wrong_xml_is_seen(inner):
    with pytest.raises(WireError):
        xml_answer("DescribeTargetGroups", inner)


def test_a_wrong_timestamp_or_namespace_is_seen():
    with pytest.raises(WireError):
        xml_answer("DescribeLoadBalancers",
                   "<LoadBalancers><member><CreatedTime>17</CreatedTime></member></LoadBalancers>")
    with pytest.raises(WireError):
        xml_answer("DescribeLoadBalancers", "", namespace="http://example.com/")


def test_errors_must_be_the_operations_own():
    json_error("DescribeServices", {"__type": "ClusterNotFoundException", "message": "m"})
    for wrong in ({"__type": "ServiceNotActiveException", "message": "m"}, {"__type": "ClusterNotFoundException"},
                  {"__type": "ClusterNotFoundException", "message": "m", "more": 1}):
        with pytest.raises(WireError):
            json_error("DescribeServices", wrong)


def cbor_answer(name, value):
    body = cbor2.dumps(value, timezone=datetime.timezone.utc, datetime_as_timestamp=True)
    CborReader("test").check_answer(operation("cloudwatch", name), body)


def test_cbor_tells_doubles_integers_and_timestamps_apart():
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    right = {"AlarmName": "a", "Threshold": 5.0, "Period": 60, "StateUpdatedTimestamp": now}
    cbor_answer("DescribeAlarms", {"MetricAlarms": [right]})
    for wrong in ({"Threshold": 5}, {"Period": 60.0}, {"StateUpdatedTimestamp": 1.5}, {"AlarmName": b"a"}):
        with pytest.raises(WireError):
            cbor_answer("DescribeAlarms", {"MetricAlarms": [{**right, **wrong}]})


@pytest.mark.parametrize("headers", [
    {}, {"x-amzn-query-error": "InvalidParameterValue"}, {"x-amzn-query-error": "InvalidParameterValue;Receiver"},
    {"x-amzn-query-error": "MissingParameter;Sender"}, {"x-amzn-query-error": "Nonsense;Sender"},
])
def test_old_codes_must_belong_to_the_error(headers):
    reader = JsonReader("test")
    ask = lambda with_headers: reader.check_query_error(  # noqa: E731
        operation("cloudwatch", "PutMetricData"), with_headers, "InvalidParameterValueException", 400)
    ask({"x-amzn-query-error": "InvalidParameterValue;Sender"})
    with pytest.raises(WireError):
        ask(headers)


def test_an_action_without_output_has_no_result():
    namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"
    text = (f'<PutMetricAlarmResponse xmlns="{namespace}">%s<ResponseMetadata><RequestId>r</RequestId>'
            "</ResponseMetadata></PutMetricAlarmResponse>")
    check = lambda inner: XmlReader("test").check_answer(  # noqa: E731
        operation("cloudwatch", "PutMetricAlarm"), (text % inner).encode())
    check("")
    with pytest.raises(WireError):
        check("<PutMetricAlarmResult/>")
