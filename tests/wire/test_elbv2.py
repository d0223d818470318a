"""Elastic Load Balancing v2."""

import pytest
from botocore.exceptions import WaiterError

from conftest import refused, until

CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0d9c"


@pytest.fixture
def elb(aws):
    return aws.elbv2


def make_balancer(elb, name="web", **more):
    made = elb.create_load_balancer(Name=name, Subnets=["subnet-a", "subnet-b"], **more)
    return made["LoadBalancers"][0]


def make_group(elb, name="web", **more):
    settings = {"Protocol": "HTTP", "Port": 8080, "VpcId": "vpc-0a", "TargetType": "ip", **more}
    return elb.create_target_group(Name=name, **settings)["TargetGroups"][0]


def forward(group):
    return [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]


def make_listener(elb, balancer, group, port=80, **more):
    settings = {"Protocol": "HTTP", **more}
    made = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Port=port,
                               DefaultActions=forward(group), **settings)
    return made["Listeners"][0]


def host(*values):
    return [{"Field": "host-header", "Values": list(values)}]


def test_a_load_balancers_life(elb):
    made = make_balancer(elb, Tags=[{"Key": "a", "Value": "1"}], SecurityGroups=["sg-1"])
    arn = made["LoadBalancerArn"]
    assert made["State"]["Code"] == "provisioning"
    assert [zone["SubnetId"] for zone in made["AvailabilityZones"]] == ["subnet-a", "subnet-b"]
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1})
    assert elb.describe_load_balancers(Names=["web"])["LoadBalancers"][0]["State"]["Code"] == "active"
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "60"} in attributes
    changed = elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "120"}])
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "120"} in changed["Attributes"]
    assert elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=["sg-2"])["SecurityGroupIds"] == ["sg-2"]
    assert len(elb.set_subnets(LoadBalancerArn=arn, Subnets=["subnet-c", "subnet-d"])["AvailabilityZones"]) == 2
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    refused("LoadBalancerNotFound", elb.describe_load_balancers, Names=["web"])
    refused("LoadBalancerNotFound", elb.describe_load_balancers, LoadBalancerArns=[arn])


def test_bad_load_balancers_are_refused(elb):
    make_balancer(elb)
    refused("ValidationError", elb.create_load_balancer, Name="-x", Subnets=["subnet-a", "subnet-b"])
    refused("ValidationError", elb.create_load_balancer, Name="one", Subnets=["subnet-a"])
    refused("SubnetNotFound", elb.create_load_balancer, Name="bad", Subnets=["x", "y"])
    refused("DuplicateLoadBalancerName", elb.create_load_balancer, Name="web", Subnets=["subnet-x", "subnet-y"])
    refused("ValidationError", elb.describe_load_balancers, LoadBalancerArns=["nonsense"])


def test_a_network_load_balancer_with_a_tcp_group(elb):
    balancer = make_balancer(elb, name="net", Type="network", Scheme="internal")
    group = make_group(elb, Protocol="TCP")
    assert "HealthCheckPath" not in group and group["HealthCheckProtocol"] == "TCP"
    listener = make_listener(elb, balancer, group, Protocol="TCP")
    attributes = elb.describe_listener_attributes(ListenerArn=listener["ListenerArn"])["Attributes"]
    assert attributes == [{"Key": "tcp.idle_timeout.seconds", "Value": "350"}]
    changed = elb.modify_listener_attributes(ListenerArn=listener["ListenerArn"],
                                             Attributes=[{"Key": "tcp.idle_timeout.seconds", "Value": "400"}])
    assert changed["Attributes"][0]["Value"] == "400"
    web = make_group(elb, name="http")
    refused("IncompatibleProtocols", elb.create_listener, LoadBalancerArn=balancer["LoadBalancerArn"], Port=81,
            Protocol="TCP", DefaultActions=forward(web))


def test_a_target_groups_life(elb):
    made = make_group(elb, Tags=[{"Key": "a", "Value": "1"}])
    assert made["HealthCheckTimeoutSeconds"] == 5 and made["Matcher"] == {"HttpCode": "200"}
    assert made["LoadBalancerArns"] == [] and made["ProtocolVersion"] == "HTTP1"
    arn = made["TargetGroupArn"]
    assert make_group(elb)["TargetGroupArn"] == arn
    changed = elb.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/health", HealthCheckIntervalSeconds=10,
                                      Matcher={"HttpCode": "200-299"})["TargetGroups"][0]
    assert (changed["HealthCheckPath"], changed["Matcher"]["HttpCode"]) == ("/health", "200-299")
    attributes = elb.modify_target_group_attributes(
        TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "15"}])["Attributes"]
    assert attributes == elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    elb.delete_target_group(TargetGroupArn=arn)
    elb.delete_target_group(TargetGroupArn=arn)
    refused("TargetGroupNotFound", elb.describe_target_groups, Names=["web"])
    refused("TargetGroupNotFound", elb.modify_target_group, TargetGroupArn=arn, HealthCheckPath="/x")


def test_bad_target_groups_are_refused(elb):
    good = {"Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1"}
    arn = make_group(elb)["TargetGroupArn"]
    refused("ValidationError", elb.create_target_group, Name="a" * 33, **good)
    refused("ValidationError", elb.create_target_group, Name="a_b", **good)
    refused("ValidationError", elb.create_target_group, Name="a", **{**good, "Port": 70000})
    refused("ValidationError", elb.create_target_group, Name="a", HealthCheckIntervalSeconds=1, **good)
    refused("ValidationError", elb.create_target_group, Name="a", Port=80, VpcId="vpc-1")
    refused("DuplicateTargetGroupName", elb.create_target_group, Name="web", **good)
    refused("ValidationError", elb.modify_target_group_attributes, TargetGroupArn=arn,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3601"}])
    refused("ValidationError", elb.modify_target_group_attributes, TargetGroupArn=arn,
            Attributes=[{"Key": "no.such.attribute", "Value": "1"}])


def test_a_listeners_life(elb):
    balancer, group, other = make_balancer(elb), make_group(elb), make_group(elb, name="other")
    lb = balancer["LoadBalancerArn"]
    listener = make_listener(elb, balancer, group)
    arn = listener["ListenerArn"]
    action = listener["DefaultActions"][0]
    assert action["TargetGroupArn"] == group["TargetGroupArn"]
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": group["TargetGroupArn"], "Weight": 1}]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"] is False
    assert make_listener(elb, balancer, group)["ListenerArn"] == arn
    refused("DuplicateListener", elb.create_listener, LoadBalancerArn=lb, Port=80, Protocol="HTTP",
            DefaultActions=forward(other))
    assert elb.describe_listeners(LoadBalancerArn=lb)["Listeners"] == [listener]
    changed = elb.modify_listener(ListenerArn=arn, DefaultActions=forward(other))["Listeners"][0]
    assert elb.describe_listeners(ListenerArns=[arn])["Listeners"] == [changed]
    owners = elb.describe_target_groups(LoadBalancerArn=lb)["TargetGroups"]
    assert [g["TargetGroupName"] for g in owners] == ["other"]
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=other["TargetGroupArn"])
    elb.delete_listener(ListenerArn=arn)
    refused("ListenerNotFound", elb.delete_listener, ListenerArn=arn)
    refused("ListenerNotFound", elb.describe_listeners, ListenerArns=[arn])
    elb.delete_target_group(TargetGroupArn=other["TargetGroupArn"])


def test_an_https_listener_with_certificates(elb):
    balancer, group = make_balancer(elb), make_group(elb)
    refused("ValidationError", elb.create_listener, LoadBalancerArn=balancer["LoadBalancerArn"], Port=443,
            Protocol="HTTPS", DefaultActions=forward(group))
    listener = make_listener(elb, balancer, group, port=443, Protocol="HTTPS",
                             Certificates=[{"CertificateArn": CERTIFICATE}],
                             SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
    arn = listener["ListenerArn"]
    extra = {"CertificateArn": CERTIFICATE + "1"}
    elb.add_listener_certificates(ListenerArn=arn, Certificates=[extra])
    listed = elb.describe_listener_certificates(ListenerArn=arn)["Certificates"]
    assert [c["IsDefault"] for c in listed] == [True, False]
    elb.remove_listener_certificates(ListenerArn=arn, Certificates=[extra])
    assert len(elb.describe_listener_certificates(ListenerArn=arn)["Certificates"]) == 1
    refused("OperationNotPermitted", elb.remove_listener_certificates, ListenerArn=arn,
            Certificates=[{"CertificateArn": CERTIFICATE}])
    refused("SSLPolicyNotFound", elb.modify_listener, ListenerArn=arn, SslPolicy="none")


def test_a_rules_life(elb):
    balancer, group, other = make_balancer(elb), make_group(elb), make_group(elb, name="other")
    listener = make_listener(elb, balancer, group)["ListenerArn"]
    rule = elb.create_rule(ListenerArn=listener, Priority=10, Actions=forward(other),
                           Conditions=host("a.example.com"), Tags=[{"Key": "k", "Value": "v"}])["Rules"][0]
    arn = rule["RuleArn"]
    assert rule["Priority"] == "10" and rule["IsDefault"] is False
    assert rule["Conditions"][0]["HostHeaderConfig"] == {"Values": ["a.example.com"]}
    assert rule["Conditions"][0]["Values"] == ["a.example.com"]
    refused("PriorityInUse", elb.create_rule, ListenerArn=listener, Priority=10, Actions=forward(other),
            Conditions=host("b.example.com"))
    second = elb.create_rule(
        ListenerArn=listener, Priority=20, Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*"]}}],
        Actions=[{"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": group["TargetGroupArn"], "Weight": 9},
                             {"TargetGroupArn": other["TargetGroupArn"], "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}}])["Rules"][0]
    assert "TargetGroupArn" not in second["Actions"][0]
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": arn, "Priority": 20},
                                            {"RuleArn": second["RuleArn"], "Priority": 10}])
    rules = elb.describe_rules(ListenerArn=listener)["Rules"]
    assert [r["Priority"] for r in rules] == ["10", "20", "default"]
    assert rules[2]["IsDefault"] is True and rules[2]["Conditions"] == []
    changed = elb.modify_rule(RuleArn=arn, Conditions=host("c.example.com"))["Rules"][0]
    assert elb.describe_rules(RuleArns=[arn])["Rules"] == [changed]
    refused("OperationNotPermitted", elb.delete_rule, RuleArn=rules[2]["RuleArn"])
    elb.delete_rule(RuleArn=arn)
    refused("RuleNotFound", elb.delete_rule, RuleArn=arn)
    refused("RuleNotFound", elb.describe_rules, RuleArns=[arn])


def test_every_kind_of_condition_and_action_is_echoed(elb):
    balancer, group = make_balancer(elb), make_group(elb)
    listener = make_listener(elb, balancer, group, port=443, Protocol="HTTPS",
                             Certificates=[{"CertificateArn": CERTIFICATE}])["ListenerArn"]
    conditions = [
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "1"}]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
    ]
    actions = [
        {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {
            "Issuer": "https://i", "AuthorizationEndpoint": "https://a", "TokenEndpoint": "https://t",
            "UserInfoEndpoint": "https://u", "ClientId": "c", "ClientSecret": "s",
            "AuthenticationRequestExtraParams": {"a": "b"}}},
        {"Type": "redirect", "Order": 2, "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}},
    ]
    made = elb.create_rule(ListenerArn=listener, Priority=1, Conditions=conditions, Actions=actions)["Rules"][0]
    assert made["Conditions"] == conditions
    login = made["Actions"][0]["AuthenticateOidcConfig"]
    assert "ClientSecret" not in login and login["SessionTimeout"] == 604800
    assert login["AuthenticationRequestExtraParams"] == {"a": "b"}
    assert made["Actions"][1]["RedirectConfig"]["Host"] == "#{host}"
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "204", "ContentType": "text/plain"}}]
    changed = elb.modify_listener(ListenerArn=listener, DefaultActions=fixed)["Listeners"][0]
    assert changed["DefaultActions"] == fixed
    refused("ValidationError", elb.create_rule, ListenerArn=listener, Priority=2, Actions=fixed,
            Conditions=[{"Field": "nonsense", "Values": ["x"]}])
    refused("ValidationError", elb.create_rule, ListenerArn=listener, Priority=2, Actions=fixed,
            Conditions=host("a", "b", "c", "d", "e", "f"))


def test_tags_of_all_resources(elb):
    balancer, group = make_balancer(elb), make_group(elb)
    listener = make_listener(elb, balancer, group)["ListenerArn"]
    rule = elb.create_rule(ListenerArn=listener, Priority=1, Actions=forward(group), Conditions=host("a.example.com"))["Rules"][0]
    arns = [balancer["LoadBalancerArn"], group["TargetGroupArn"], listener, rule["RuleArn"]]
    elb.add_tags(ResourceArns=arns, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    elb.remove_tags(ResourceArns=arns, TagKeys=["b"])
    described = elb.describe_tags(ResourceArns=arns)["TagDescriptions"]
    assert described == [{"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "1"}]} for arn in arns]
    refused("ValidationError", elb.describe_tags, ResourceArns=[arns[1]] * 21)
    refused("TargetGroupNotFound", elb.describe_tags, ResourceArns=[arns[1] + "0"])
    refused("TooManyTags", elb.add_tags, ResourceArns=arns,
            Tags=[{"Key": f"k{i}", "Value": ""} for i in range(51)])
    refused("DuplicateTagKeys", elb.add_tags, ResourceArns=arns, Tags=[{"Key": "x", "Value": ""}] * 2)


def test_targets_become_healthy_and_drain(elb):
    balancer = make_balancer(elb)
    group = make_group(elb, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2)["TargetGroupArn"]
    target = {"Id": "10.0.0.7", "Port": 8080}

    def states():
        seen = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [(one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")) for one in seen]

    elb.register_targets(TargetGroupArn=group, Targets=[target])
    assert states() == [("unused", "Target.NotInUse")]
    make_listener(elb, balancer, {"TargetGroupArn": group})
    until(states, lambda seen: seen == [("healthy", None)])
    elb.get_waiter("target_in_service").wait(TargetGroupArn=group, Targets=[target], WaiterConfig={"Delay": 1})
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.7"}])
    assert states() == [("draining", "Target.DeregistrationInProgress")]
    until(states, lambda seen: seen == [])
    listed = elb.describe_target_health(TargetGroupArn=group, Targets=[target], Include=["All"])
    assert listed["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"
    refused("ValidationError", elb.register_targets, TargetGroupArn=group, Targets=[{"Id": "i-1"}])
    refused("TargetGroupNotFound", elb.describe_target_health, TargetGroupArn=group + "0")


def test_a_group_belongs_to_one_load_balancer(elb):
    group = make_group(elb)
    make_listener(elb, make_balancer(elb), group)
    second = make_balancer(elb, name="second")["LoadBalancerArn"]
    refused("TargetGroupAssociationLimit", elb.create_listener, LoadBalancerArn=second, Port=80, Protocol="HTTP",
            DefaultActions=forward(group))


def test_pages(elb):
    for index in range(7):
        make_group(elb, name=f"g{index}")
    pages = list(elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["TargetGroups"]) for page in pages] == [3, 3, 1]
    names = [group["TargetGroupName"] for page in pages for group in page["TargetGroups"]]
    assert sorted(names) == [f"g{index}" for index in range(7)]
    refused("ValidationError", elb.describe_target_groups, PageSize=401)


def test_published_constants(elb):
    names = [policy["Name"] for policy in elb.describe_ssl_policies()["SslPolicies"]]
    assert "ELBSecurityPolicy-2016-08" in names
    limits = {limit["Name"]: limit["Max"] for limit in elb.describe_account_limits()["Limits"]}
    assert limits["rules-per-application-load-balancer"] == "100"
    refused("SSLPolicyNotFound", elb.describe_ssl_policies, Names=["none"])


def test_waiting_for_what_is_not_there_fails(elb):
    with pytest.raises(WaiterError):
        elb.get_waiter("load_balancer_available").wait(Names=["none"], WaiterConfig={"Delay": 1, "MaxAttempts": 1})
