"""CloudWatch, in every protocol that it speaks."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError

from conftest import refused, until

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ops"
PROTOCOLS = ["json", "smithy-rpc-v2-cbor", "query"]


@pytest.fixture(params=PROTOCOLS)
def cw(aws, request):
    return aws.client("cloudwatch", protocol=request.param)


def alarm(cw, name="errors", **more):
    settings = {"AlarmName": name, "Namespace": "App", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": 1, "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold", **more}
    cw.put_metric_alarm(**{key: value for key, value in settings.items() if value is not None})


def put(cw, value, name="Errors", **more):
    cw.put_metric_data(Namespace="App", MetricData=[{"MetricName": name, "Value": value, **more}])


def read(cw, name="errors"):
    return cw.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]


def now_of(sim):
    text = sim.call("GET", "")["now"]
    return datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)


def test_boto3_speaks_json_by_itself(aws):
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_an_alarms_life(cw):
    alarm(cw, AlarmDescription="d", Dimensions=[{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}],
          AlarmActions=[TOPIC], DatapointsToAlarm=1, TreatMissingData="ignore", Unit="Count",
          Tags=[{"Key": "t", "Value": "1"}])
    made = read(cw)
    assert made["AlarmArn"].endswith(":alarm:errors") and made["StateValue"] == "INSUFFICIENT_DATA"
    assert made["StateReason"] == "Unchecked: Initial alarm creation"
    assert made["ActionsEnabled"] is True and made["OKActions"] == []
    assert made["Threshold"] == 5.0 and made["Period"] == 60 and made["Unit"] == "Count"
    assert [d["Name"] for d in made["Dimensions"]] == ["b", "a"]
    cw.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="drill", StateReasonData='{"a": 1}')
    cw.put_metric_alarm(AlarmName="errors", Namespace="App", MetricName="Errors", ExtendedStatistic="p99", Period=300,
                        EvaluationPeriods=2, Threshold=1, ComparisonOperator="LessThanOrEqualToThreshold",
                        TreatMissingData="ignore", EvaluateLowSampleCountPercentile="ignore")
    again = read(cw)
    assert (again["StateValue"], again["StateReason"]) == ("OK", "drill")
    assert again["ExtendedStatistic"] == "p99" and "Statistic" not in again and "AlarmDescription" not in again
    assert again["AlarmConfigurationUpdatedTimestamp"] >= made["AlarmConfigurationUpdatedTimestamp"]
    arn = made["AlarmArn"]
    cw.tag_resource(ResourceARN=arn, Tags=[{"Key": "u", "Value": ""}])
    cw.untag_resource(ResourceARN=arn, TagKeys=["t", "none"])
    assert cw.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "u", "Value": ""}]
    cw.disable_alarm_actions(AlarmNames=["errors"])
    assert read(cw)["ActionsEnabled"] is False
    cw.enable_alarm_actions(AlarmNames=["errors"])
    assert read(cw)["ActionsEnabled"] is True
    cw.delete_alarms(AlarmNames=["errors"])
    assert cw.describe_alarms()["MetricAlarms"] == []
    cw.delete_alarms(AlarmNames=["errors"])


def test_an_alarm_goes_off_and_recovers_by_itself(cw):
    alarm(cw, AlarmActions=[TOPIC], TreatMissingData="notBreaching")
    until(lambda: read(cw), lambda seen: seen["StateValue"] == "OK")
    put(cw, 9)
    # The metric falls silent, so that the alarm recovers, too; its history holds both.

    def transitions():
        items = cw.describe_alarm_history(AlarmName="errors", HistoryItemType="StateUpdate",
                                          ScanBy="TimestampAscending")["AlarmHistoryItems"]
        return [json.loads(item["HistoryData"])["newState"] for item in items]

    seen = until(transitions, lambda seen: [state["stateValue"] for state in seen][-2:] == ["ALARM", "OK"])
    assert seen[-2]["stateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [9.0 (")
    assert seen[-2]["stateReasonData"]["recentDatapoints"] == [9.0]
    assert seen[-1]["stateReason"].endswith("was treated as [NonBreaching].")
    now = read(cw)
    assert now["StateUpdatedTimestamp"] == now["StateTransitionedTimestamp"]
    done = cw.describe_alarm_history(AlarmName="errors", HistoryItemType="Action")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in done] == [f"Successfully executed action {TOPIC}"]


def test_a_set_state_gives_way_to_the_real_one(cw):
    alarm(cw, TreatMissingData="notBreaching")
    until(lambda: read(cw), lambda seen: seen["StateValue"] == "OK")
    cw.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="drill")
    until(lambda: read(cw), lambda seen: seen["StateValue"] == "OK")


def test_history_and_its_pages(cw):
    alarm(cw)
    for state in ("OK", "ALARM", "OK"):
        cw.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="drill")
    pages = list(cw.get_paginator("describe_alarm_history").paginate(AlarmName="errors",
                                                                     PaginationConfig={"PageSize": 3}))
    items = [item for page in pages for item in page["AlarmHistoryItems"]]
    assert len(pages) > 1 and len(pages[0]["AlarmHistoryItems"]) == 3
    assert items[-1]["HistorySummary"] == 'Alarm "errors" created'
    assert json.loads(items[-1]["HistoryData"])["type"] == "Create"
    stamps = [item["Timestamp"] for item in items]
    assert stamps == sorted(stamps, reverse=True)
    assert cw.describe_alarm_history(StartDate=stamps[0] + datetime.timedelta(days=1))["AlarmHistoryItems"] == []
    assert cw.describe_alarm_history(AlarmTypes=["CompositeAlarm"])["AlarmHistoryItems"] == []
    refused("InvalidNextToken", cw.describe_alarm_history, NextToken="nonsense")
    refused("ValidationError", cw.describe_alarm_history, HistoryItemType="Gossip")


def test_alarms_are_found_and_come_in_pages(cw):
    for index in range(12):
        alarm(cw, f"a{index:02}", OKActions=[f"{TOPIC}{index % 2}"], TreatMissingData="ignore")
    alarm(cw, "b", MetricName="Latency", Statistic="Average", Period=300, TreatMissingData="ignore")
    cw.set_alarm_state(AlarmName="a03", StateValue="ALARM", StateReason="drill")
    names = lambda **query: [a["AlarmName"] for a in cw.describe_alarms(**query)["MetricAlarms"]]  # noqa: E731
    assert names(AlarmNames=["b", "none", "a01"]) == ["a01", "b"]
    assert len(names(AlarmNamePrefix="a")) == 12 and names(AlarmNamePrefix="c") == []
    assert names(StateValue="ALARM") == ["a03"]
    assert len(names(ActionPrefix=f"{TOPIC}1")) == 6
    assert names(AlarmTypes=["CompositeAlarm"]) == []
    pages = list(cw.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["MetricAlarms"]) for page in pages] == [5, 5, 3]
    of_metric = cw.describe_alarms_for_metric(Namespace="App", MetricName="Latency")["MetricAlarms"]
    assert [a["AlarmName"] for a in of_metric] == ["b"]
    for more in ({"Period": 60}, {"Statistic": "Sum"}, {"Unit": "Count"}, {"Dimensions": [{"Name": "a", "Value": "1"}]}):
        assert cw.describe_alarms_for_metric(Namespace="App", MetricName="Latency", **more)["MetricAlarms"] == []
    refused("InvalidNextToken", cw.describe_alarms, NextToken="nonsense")
    refused("ValidationError", cw.describe_alarms, MaxRecords=101)
    refused("ValidationError", cw.describe_alarms, AlarmNames=[f"x{i}" for i in range(101)])
    refused("ValidationError", cw.describe_alarms, AlarmNames=["a01"], AlarmNamePrefix="a")
    refused("ValidationError", cw.describe_alarms, StateValue="FINE")
    refused("ValidationError", cw.describe_alarms_for_metric, Namespace="App")
    refused("UnsupportedFeatureException", cw.describe_alarms, ParentsOfAlarmName="a01")


def test_fifty_alarms_come_unasked_and_a_hundred_at_most(cw):
    for index in range(101):
        alarm(cw, f"a{index:03}")
    first = cw.describe_alarms()
    assert len(first["MetricAlarms"]) == 50 and first["NextToken"]
    assert len(cw.describe_alarms(MaxRecords=100)["MetricAlarms"]) == 100
    cw.delete_alarms(AlarmNames=[f"a{index:03}" for index in range(100)])
    assert len(cw.describe_alarms()["MetricAlarms"]) == 1


@pytest.mark.parametrize("wrong", [
    {"Period": 61}, {"Period": None}, {"Period": 0}, {"EvaluationPeriods": 0}, {"EvaluationPeriods": None},
    {"EvaluationPeriods": 1441}, {"Threshold": None}, {"ComparisonOperator": None}, {"ComparisonOperator": "Equal"},
    {"Namespace": None}, {"MetricName": None}, {"Statistic": None}, {"Statistic": "Median"},
    {"ExtendedStatistic": "p90"}, {"DatapointsToAlarm": 2}, {"TreatMissingData": "maybe"}, {"AlarmActions": ["ops"]},
    {"AlarmActions": [f"{TOPIC}{i}" for i in range(6)]}, {"name": ""}, {"name": "n" * 256},
    {"EvaluateLowSampleCountPercentile": "ignore"}, {"Tags": [{"Key": "aws:a", "Value": "1"}]},
    {"Dimensions": [{"Name": "a"}]}, {"Unit": "Apples"}, {"ComparisonOperator": "LessThanLowerThreshold"},
    {"EvaluationInterval": 60}, {"EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}}, "Period": 120},
    {"EvaluationWindow": {"WallClockWindow": {"Timezone": "+05:31"}}}, {"Statistic": None, "ExtendedStatistic": "median"},
    {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 2881}}, {"ThresholdMetricId": "m"},
    {"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}, "EvaluationInterval": 60},
    {"ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": True, "IncludedTagKeys": ["a"],
                                                      "ExcludedTagKeys": ["b"]}}},
], ids=lambda wrong: "-".join(wrong))
def test_wrong_alarms_are_refused(cw, wrong):
    refused("ValidationError", alarm, cw, **wrong)
    assert cw.describe_alarms()["MetricAlarms"] == []


def test_an_alarm_on_a_query(cw):
    metric = {"Metric": {"Namespace": "App", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"}
    one = {"Statistic": None, "Period": None, "Namespace": None, "MetricName": None}
    alarm(cw, **one, Metrics=[{"Id": "m", "MetricStat": metric, "ReturnData": True}])
    seen = read(cw)
    assert seen["Metrics"] == [{"Id": "m", "MetricStat": metric, "ReturnData": True}] and "MetricName" not in seen
    refused("ValidationError", alarm, cw, Metrics=[{"Id": "m", "MetricStat": metric}])
    refused("ValidationError", alarm, cw, **one, Metrics=[{"Id": "M", "MetricStat": metric}])
    refused("ValidationError", alarm, cw, **one, Metrics=[{"Id": "m", "MetricStat": metric, "ReturnData": False}])
    refused("ValidationError", alarm, cw, **one, Metrics=[])
    refused("ValidationError", alarm, cw, **one,
            Metrics=[{"Id": f"m{i}", "MetricStat": metric, "ReturnData": i == 0} for i in range(11)])


NO_METRIC = {"Statistic": None, "Period": None, "Namespace": None, "MetricName": None}
STAT = {"Metric": {"Namespace": "App", "MetricName": "Errors", "Dimensions": [{"Name": "a", "Value": "1"}]},
        "Period": 60, "Stat": "Sum", "Unit": "Count"}
FORMS = {
    "math": {**NO_METRIC, "Metrics": [
        {"Id": "rate", "Expression": "100 * m1 / m2", "Label": "rate", "ReturnData": True, "Period": 60},
        {"Id": "m1", "MetricStat": STAT, "ReturnData": False},
        {"Id": "m2", "MetricStat": STAT, "ReturnData": False, "AccountId": "210987654321"}]},
    "band": {**NO_METRIC, "Threshold": None, "ThresholdMetricId": "band",
             "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold", "Metrics": [
                 {"Id": "m1", "MetricStat": STAT, "ReturnData": True},
                 {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True}]},
    "promql": {**NO_METRIC, "Threshold": None, "ComparisonOperator": None, "EvaluationPeriods": None,
               "EvaluationInterval": 120, "EvaluationCriteria": {
                   "PromQLCriteria": {"Query": "up == 0", "PendingPeriod": 60, "RecoveryPeriod": 0}}},
    "wall clock": {"Period": 3600, "EvaluationWindow": {"WallClockWindow": {"Timezone": "America/New_York"}}},
    "sliding": {"EvaluationWindow": {"SlidingWindow": {}}},
    "warm-up": {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5,
                                        "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}},
    "tags to actions": {"ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": True, "ExcludedTagKeys": ["a"]}}},
    "trimmed": {"Statistic": None, "ExtendedStatistic": "TM(10%:90%)"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_alarm_of_every_form_is_given_back_as_it_was_put(cw, form):
    known = cw.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    if any(member not in known for member in form):
        pytest.skip("this boto3 does not know of it yet")
    if "SlidingWindow" in str(form) and cw.meta.service_model.metadata["protocol"] == "query":
        pytest.skip("the query protocol cannot send a structure without members")
    alarm(cw, **form)
    seen = read(cw)
    assert {member: seen.get(member) for member in form} == form
    assert seen["StateValue"] == ("OK" if "EvaluationCriteria" in form else "INSUFFICIENT_DATA")
    alarm(cw)
    again = read(cw)
    assert again["MetricName"] == "Errors" and not {"Metrics", "ThresholdMetricId", "EvaluationCriteria", "EvaluationWindow",
                                                    "EvaluationInterval", "WarmUpConfiguration",
                                                    "ActionConfiguration"} & set(again)


def test_a_band_needs_both_to_return_data(cw):
    band = FORMS["band"]
    for returned, words in (((False, True), "Exactly two elements of the metrics list should return data."),
                            ((True, False), "exactly one metric matching the ThresholdMetricId parameter")):
        queries = [{**query, "ReturnData": flag} for query, flag in zip(band["Metrics"], returned)]
        with pytest.raises(ClientError, match=words):
            alarm(cw, **{**band, "Metrics": queries})
    refused("ValidationError", alarm, cw, **{**band, "Threshold": 1.0})


def test_tags_count_only_when_the_alarm_is_created(cw):
    alarm(cw, Tags=[{"Key": "a", "Value": "1"}])
    alarm(cw, Tags=[{"Key": "b", "Value": "2"}])
    assert cw.list_tags_for_resource(ResourceARN=read(cw)["AlarmArn"])["Tags"] == [{"Key": "a", "Value": "1"}]


def test_an_alarm_can_be_held_in_a_state_from_outside(cw, aws, sim):
    alarm(cw, TreatMissingData="notBreaching")
    sim.call("POST", "/alarms", {"region": aws.region, "name": "errors", "state": "ALARM"})
    assert read(cw)["StateValue"] == "ALARM"
    sim.call("POST", "/alarms", {"region": aws.region, "name": "errors", "state": None})
    until(lambda: read(cw), lambda seen: seen["StateValue"] == "OK")


def test_unknown_alarms(cw):
    cw.delete_alarms(AlarmNames=["none"])
    refused("ResourceNotFound", cw.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="r")
    alarm(cw)
    refused("InvalidFormat", cw.set_alarm_state, AlarmName="errors", StateValue="OK", StateReason="r",
            StateReasonData="{")
    refused("ValidationError", cw.set_alarm_state, AlarmName="errors", StateValue="FINE", StateReason="r")
    refused("ValidationError", cw.enable_alarm_actions, AlarmNames=["n" * 256])
    refused("ValidationError", cw.disable_alarm_actions, AlarmNames=["n" * 256])
    cw.enable_alarm_actions(AlarmNames=["none"])
    arn = read(cw)["AlarmArn"]
    for call, more in ((cw.tag_resource, {"Tags": [{"Key": "a", "Value": "1"}]}), (cw.untag_resource, {"TagKeys": ["a"]}),
                       (cw.list_tags_for_resource, {})):
        with pytest.raises(cw.exceptions.ResourceNotFoundException):
            call(ResourceARN=f"{arn}-none", **more)
        refused("InvalidParameterValue", call, ResourceARN="errors", **more)


def test_statistics(cw, sim):
    # Half a minute after a whole one, two minutes ago.
    start = now_of(sim).replace(second=0) - datetime.timedelta(minutes=3)
    at = lambda seconds: start + datetime.timedelta(seconds=seconds)  # noqa: E731
    cw.put_metric_data(Namespace="App", MetricData=[
        {"MetricName": "Load", "Timestamp": at(10), "Value": 1.5, "Unit": "Count"},
        {"MetricName": "Load", "Timestamp": at(70), "Values": [1, 2, 3], "Counts": [1, 1, 2], "Unit": "Count"},
        {"MetricName": "Load", "Timestamp": at(80), "Unit": "Seconds",
         "StatisticValues": {"SampleCount": 2, "Sum": 10, "Minimum": 4, "Maximum": 6}},
    ])
    ask = {"Namespace": "App", "MetricName": "Load", "StartTime": start, "EndTime": at(120), "Period": 60}
    got = cw.get_metric_statistics(**ask, Statistics=["Average", "Sum", "Minimum", "Maximum", "SampleCount"])
    assert got["Label"] == "Load"
    by = {(point["Timestamp"], point["Unit"]): point for point in got["Datapoints"]}
    assert set(by) == {(start, "Count"), (at(60), "Count"), (at(60), "Seconds")}
    counts = by[(at(60), "Count")]
    assert (counts["Average"], counts["Sum"], counts["SampleCount"]) == (2.25, 9.0, 4.0)
    assert (by[(at(60), "Seconds")]["Minimum"], by[(at(60), "Seconds")]["Maximum"]) == (4.0, 6.0)
    got = cw.get_metric_statistics(**ask, ExtendedStatistics=["p50", "p100"], Unit="Count")["Datapoints"]
    assert {"p50": 2.0, "p100": 3.0} in [point["ExtendedStatistics"] for point in got]
    assert cw.get_metric_statistics(**{**ask, "MetricName": "None"}, Statistics=["Sum"])["Datapoints"] == []
    refused("InvalidParameterCombination", cw.get_metric_statistics, **ask)
    refused("InvalidParameterCombination", cw.get_metric_statistics, **ask, Statistics=["Sum"],
            ExtendedStatistics=["p50"])
    refused("ValidationError", cw.get_metric_statistics, **ask, Statistics=["sum"])
    refused("InvalidParameterValue", cw.get_metric_statistics, **ask, ExtendedStatistics=["p101"])
    refused("UnsupportedFeatureException", cw.get_metric_statistics, **ask, ExtendedStatistics=["tm99"])
    refused("InvalidParameterValue", cw.get_metric_statistics, **{**ask, "Period": 61}, Statistics=["Sum"])
    refused("InvalidParameterValue", cw.get_metric_statistics, **{**ask, "EndTime": start}, Statistics=["Sum"])
    refused("InvalidParameterCombination", cw.get_metric_statistics,
            **{**ask, "StartTime": start - datetime.timedelta(days=2)}, Statistics=["Sum"])
    del ask["Period"]
    refused("MissingParameter", cw.get_metric_statistics, **ask, Statistics=["Sum"])


def test_queries(cw, sim):
    start = now_of(sim).replace(second=0) - datetime.timedelta(minutes=4)
    for minute in range(3):
        put(cw, minute, Timestamp=start + datetime.timedelta(minutes=minute))
    query = lambda name, **more: {"Id": name, "MetricStat": {  # noqa: E731
        "Metric": {"Namespace": "App", "MetricName": "Errors"}, "Period": 60, "Stat": "Maximum"}, **more}
    ask = {"StartTime": start, "EndTime": start + datetime.timedelta(minutes=3)}
    got = cw.get_metric_data(MetricDataQueries=[query("a"), query("b", ReturnData=False), query("c", Label="see")], **ask)
    assert [(r["Id"], r["Label"], r["StatusCode"]) for r in got["MetricDataResults"]] == [
        ("a", "Errors", "Complete"), ("c", "see", "Complete")]
    assert got["MetricDataResults"][0]["Values"] == [2.0, 1.0, 0.0]
    assert got["MetricDataResults"][0]["Timestamps"][-1] == start
    pages = cw.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[query("a"), query("b")], ScanBy="TimestampAscending", MaxDatapoints=4, **ask)
    values = [(r["Id"], value) for page in pages for r in page["MetricDataResults"] for value in r["Values"]]
    assert values == [(name, float(value)) for name in "ab" for value in range(3)]
    refused("InvalidNextToken", cw.get_metric_data, MetricDataQueries=[query("a")], NextToken="x", **ask)
    refused("ValidationError", cw.get_metric_data, MetricDataQueries=[query("a"), query("a")], **ask)
    refused("ValidationError", cw.get_metric_data, MetricDataQueries=[query("A")], **ask)
    refused("ValidationError", cw.get_metric_data, MetricDataQueries=[query("a")], StartTime=start)
    refused("UnsupportedFeatureException", cw.get_metric_data,
            MetricDataQueries=[{"Id": "a", "Expression": "SUM(METRICS())"}], **ask)


@pytest.mark.parametrize("code, wrong", [
    ("MissingParameter", {"Value": None}),
    ("MissingParameter", {"MetricName": None}),
    ("InvalidParameterCombination", {"Values": [1.0]}),
    ("InvalidParameterValue", {"Value": 1e300}),
    ("InvalidParameterValue", {"Value": float("nan")}),
    ("InvalidParameterValue", {"Value": float("inf")}),
    ("InvalidParameterValue", {"Value": None, "Values": [1, 2], "Counts": [1]}),
    ("InvalidParameterValue", {"StorageResolution": 2}),
    ("InvalidParameterValue", {"Timestamp": datetime.datetime(2001, 1, 1)}),
    ("InvalidParameterValue", {"Timestamp": datetime.datetime(2101, 1, 1)}),
    ("InvalidParameterValue", {"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}),
    ("ValidationError", {"Unit": "Apples"}),
    ("ValidationError", {"Dimensions": [{"Name": f"d{i}", "Value": "1"} for i in range(31)]}),
])
def test_wrong_data_is_refused(cw, code, wrong):
    datum = {"MetricName": "Errors", "Value": 1.0, **wrong}
    data = [{key: value for key, value in datum.items() if value is not None}]
    refused(code, cw.put_metric_data, Namespace="App", MetricData=data)
    assert cw.list_metrics()["Metrics"] == []


def test_calls_without_data_or_into_awss_own_namespaces_are_refused(cw):
    data = [{"MetricName": "Errors", "Value": 1.0}]
    refused("MissingParameter", cw.put_metric_data, Namespace="App")
    refused("MissingParameter", cw.put_metric_data, MetricData=data)
    refused("InvalidParameterValue", cw.put_metric_data, Namespace="AWS/ECS", MetricData=data)
    refused("InvalidParameterValue", cw.put_metric_data, Namespace="App", MetricData=data * 1001)


def test_metrics_are_listed(cw):
    for index in range(3):
        put(cw, 1, Dimensions=[{"Name": "host", "Value": str(index)}])
    put(cw, 1, "Latency")
    listed = lambda **query: cw.list_metrics(**query)["Metrics"]  # noqa: E731
    assert len(listed()) == 4 and len(listed(Namespace="App", MetricName="Errors")) == 3
    assert listed(Dimensions=[{"Name": "host", "Value": "1"}], RecentlyActive="PT3H") == [
        {"Namespace": "App", "MetricName": "Errors", "Dimensions": [{"Name": "host", "Value": "1"}]}]
    assert len(listed(Dimensions=[{"Name": "host"}])) == 3 and listed(Namespace="Other") == []
    refused("InvalidParameterValue", cw.list_metrics, NextToken="nonsense")
    refused("ValidationError", cw.list_metrics, RecentlyActive="PT1H")


def test_five_hundred_metrics_make_a_page(cw):
    data = [{"MetricName": f"m{index:03}", "Value": 1.0} for index in range(501)]
    # As large as this, the call comes compressed.
    cw.put_metric_data(Namespace="App", MetricData=data)
    pages = list(cw.get_paginator("list_metrics").paginate(Namespace="App"))
    assert [len(page["Metrics"]) for page in pages] == [500, 1]


def test_awss_own_metrics_can_be_published_from_outside(cw, aws, sim):
    sample = {"region": aws.region, "namespace": "AWS/ECS", "name": "CPUUtilization", "unit": "Percent",
              "dimensions": {"ClusterName": "main", "ServiceName": "web"}}
    dimensions = [{"Name": name, "Value": value} for name, value in sample["dimensions"].items()]
    alarm(cw, Namespace="AWS/ECS", MetricName="CPUUtilization", Statistic="Average", Threshold=80.0,
          Dimensions=dimensions, TreatMissingData="ignore")
    sim.call("POST", "/metrics", [{**sample, "value": 95.0}, {**sample, "value": 97.0}])
    until(lambda: read(cw), lambda seen: seen["StateValue"] == "ALARM")
    assert "96.0" in read(cw)["StateReason"]


def test_what_is_not_simulated_is_refused_by_name(cw):
    with pytest.raises(ClientError, match="PutCompositeAlarm is not simulated"):
        cw.put_composite_alarm(AlarmName="a", AlarmRule="TRUE")
    refused("UnsupportedFeatureException", cw.list_dashboards)
    refused("UnsupportedFeatureException", cw.put_metric_data, Namespace="App", EntityMetricData=[])
