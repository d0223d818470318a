//! The rules of load balancing, as clients and ECS meet them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

mod refusals;

/// A service with a clock that is set by hand.
struct Fixture {
    elb: Elbv2,
    rng: fastrand::Rng,
    now: Timestamp,
}

const START: i64 = 1_800_000_000;

impl Fixture {
    fn new() -> Self {
        Self {
            elb: Elbv2::default(),
            rng: fastrand::Rng::with_seed(7),
            now: Timestamp::from_second(START).unwrap(),
        }
    }

    fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = Timestamp::from_second(START + seconds).unwrap();
        self
    }

    fn call(&mut self, action: &str, pairs: &[(&str, &str)]) -> Result<Value, ApiError> {
        let mut ctx = Ctx { now: self.now, region: "eu-west-1", account: "123456789012", rng: &mut self.rng };
        self.elb.handle(&mut ctx, action, &Form::of(pairs)).map(|body| body.value().clone())
    }

    fn ok(&mut self, action: &str, pairs: &[(&str, &str)]) -> Value {
        self.call(action, pairs).unwrap_or_else(|e| panic!("{action}: {e}"))
    }

    fn code(&mut self, action: &str, pairs: &[(&str, &str)]) -> &'static str {
        self.call(action, pairs).expect_err(action).code
    }

    fn load_balancer(&mut self, name: &str) -> String {
        let pairs = [("Name", name), ("Subnets.member.1", "subnet-1"), ("Subnets.member.2", "subnet-2")];
        text(&self.ok("CreateLoadBalancer", &pairs)["LoadBalancers"][0]["LoadBalancerArn"])
    }

    fn group(&mut self, name: &str) -> String {
        let made = self.ok("CreateTargetGroup", &group_form(name));
        text(&made["TargetGroups"][0]["TargetGroupArn"])
    }

    fn listener(&mut self, lb: &str, port: &str, group: &str) -> String {
        let made = self.ok("CreateListener", &listener_form(lb, port, group));
        text(&made["Listeners"][0]["ListenerArn"])
    }

    fn rule(&mut self, listener: &str, priority: &str, host: &str, group: &str) -> Result<String, ApiError> {
        let pairs = [
            ("ListenerArn", listener),
            ("Priority", priority),
            ("Conditions.member.1.Field", "host-header"),
            ("Conditions.member.1.Values.member.1", host),
            ("Actions.member.1.Type", "forward"),
            ("Actions.member.1.TargetGroupArn", group),
        ];
        self.call("CreateRule", &pairs).map(|made| text(&made["Rules"][0]["RuleArn"]))
    }

    fn health(&self, group: &str) -> &'static str {
        self.elb.health(self.now, group, "10.0.0.1", 8080).unwrap_or("gone")
    }

    fn register(&mut self, group: &str, answers: TargetAnswers) {
        self.elb.register(self.now, group, "10.0.0.1", 8080, answers);
    }

    /// A group in use by a listener, with checks of 10 s, 2 good and 3 bad ones.
    fn group_in_use(&mut self) -> String {
        let lb = self.load_balancer("web");
        let mut form = group_form("web").to_vec();
        form.extend([
            ("HealthCheckIntervalSeconds", "10"),
            ("HealthyThresholdCount", "2"),
            ("UnhealthyThresholdCount", "3"),
            ("HealthCheckPath", "/health"),
        ]);
        let group = text(&self.ok("CreateTargetGroup", &form)["TargetGroups"][0]["TargetGroupArn"]);
        self.listener(&lb, "80", &group);
        group
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn group_form(name: &str) -> [(&str, &str); 5] {
    [("Name", name), ("Protocol", "HTTP"), ("Port", "8080"), ("VpcId", "vpc-1"), ("TargetType", "ip")]
}

fn listener_form<'a>(lb: &'a str, port: &'a str, group: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("LoadBalancerArn", lb),
        ("Protocol", "HTTP"),
        ("Port", port),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", group),
    ]
}

#[test]
fn a_load_balancer_is_provisioning_first_and_active_later() {
    let mut aws = Fixture::new();
    let arn = aws.load_balancer("web");
    assert!(arn.starts_with("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/"));
    let state =
        |aws: &mut Fixture| text(&aws.ok("DescribeLoadBalancers", &[])["LoadBalancers"][0]["State"]["Code"]);
    assert_eq!(state(&mut aws), "provisioning");
    assert_eq!(state(aws.at(31)), "active");
}

#[test]
fn a_load_balancer_with_the_same_settings_is_the_same_and_with_others_a_duplicate() {
    let mut aws = Fixture::new();
    let first = aws.load_balancer("web");
    assert_eq!(aws.load_balancer("web"), first);
    let other = [("Name", "web"), ("Subnets.member.1", "subnet-1"), ("Subnets.member.2", "subnet-9")];
    assert_eq!(aws.code("CreateLoadBalancer", &other), "DuplicateLoadBalancerName");
}

#[test]
fn a_target_group_gets_awss_defaults() {
    let mut aws = Fixture::new();
    let made = aws.ok("CreateTargetGroup", &group_form("web"))["TargetGroups"][0].clone();
    let expected = json!({
        "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port", "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2, "Matcher": {"HttpCode": "200"}, "ProtocolVersion": "HTTP1",
        "IpAddressType": "ipv4", "LoadBalancerArns": [], "HealthCheckEnabled": true,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let arn = text(&made["TargetGroupArn"]);
    let attributes = aws.ok("DescribeTargetGroupAttributes", &[("TargetGroupArn", &arn)]);
    let delay = json!({"Key": "deregistration_delay.timeout_seconds", "Value": "300"});
    assert!(attributes["Attributes"].as_array().unwrap().contains(&delay));
}

#[test]
fn a_tcp_target_group_has_no_path_and_no_matcher() {
    let mut aws = Fixture::new();
    let made = aws.ok(
        "CreateTargetGroup",
        &[("Name", "n"), ("Protocol", "TCP"), ("Port", "80"), ("VpcId", "vpc-1"), ("TargetType", "ip")],
    );
    let group = &made["TargetGroups"][0];
    assert_eq!(group["HealthCheckProtocol"], "TCP");
    assert_eq!(group["HealthCheckTimeoutSeconds"], 10);
    assert_eq!((&group["HealthCheckPath"], &group["Matcher"]), (&Value::Null, &Value::Null));
}

#[test]
fn names_of_target_groups_obey_awss_rules() {
    let mut aws = Fixture::new();
    let long = "a".repeat(33);
    for bad in ["-a", "a-", "a_b", "a.b", long.as_str(), ""] {
        assert_eq!(aws.code("CreateTargetGroup", &group_form(bad)), "ValidationError", "{bad}");
    }
    aws.group(&"a".repeat(32));
}

#[test]
fn creating_a_target_group_again_is_idempotent_unless_settings_differ() {
    let mut aws = Fixture::new();
    let first = aws.group("web");
    assert_eq!(aws.group("web"), first);
    let mut other = group_form("web").to_vec();
    other.push(("HealthCheckPath", "/other"));
    assert_eq!(aws.code("CreateTargetGroup", &other), "DuplicateTargetGroupName");
}

#[test]
fn health_check_settings_outside_of_awss_limits_are_refused() {
    let mut aws = Fixture::new();
    for (name, value) in [
        ("HealthCheckIntervalSeconds", "4"),
        ("HealthCheckTimeoutSeconds", "121"),
        ("HealthCheckTimeoutSeconds", "30"),
        ("HealthyThresholdCount", "1"),
        ("UnhealthyThresholdCount", "11"),
        ("HealthCheckPath", "health"),
        ("HealthCheckProtocol", "TCP"),
        ("HealthCheckPort", "http"),
        ("Matcher.HttpCode", "99"),
    ] {
        let mut form = group_form("web").to_vec();
        form.push((name, value));
        assert_eq!(aws.code("CreateTargetGroup", &form), "ValidationError", "{name}={value}");
    }
}

#[test]
fn a_forward_action_comes_back_both_ways() {
    let mut aws = Fixture::new();
    let (lb, group) = (aws.load_balancer("web"), aws.group("web"));
    let made = aws.ok("CreateListener", &listener_form(&lb, "80", &group));
    let action = &made["Listeners"][0]["DefaultActions"][0];
    assert_eq!(action["TargetGroupArn"], group);
    let config = json!({
        "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": false},
    });
    assert_eq!(action["ForwardConfig"]["TargetGroups"], config["TargetGroups"]);
    assert_eq!(action["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"], false);
}

#[test]
fn a_condition_comes_back_as_values_and_as_its_own_structure() {
    let mut aws = Fixture::new();
    let (lb, group) = (aws.load_balancer("web"), aws.group("web"));
    let listener = aws.listener(&lb, "80", &group);
    let arn = aws.rule(&listener, "10", "api.example.com", &group).unwrap();
    let rule = aws.ok("DescribeRules", &[("RuleArns.member.1", &arn)])["Rules"][0].clone();
    assert_eq!(rule["Conditions"][0]["Values"], json!(["api.example.com"]));
    assert_eq!(rule["Conditions"][0]["HostHeaderConfig"]["Values"], json!(["api.example.com"]));
    assert_eq!(rule["Priority"], "10");
}

#[test]
fn a_priority_belongs_to_one_rule_and_rules_may_swap_theirs() {
    let mut aws = Fixture::new();
    let (lb, group) = (aws.load_balancer("web"), aws.group("web"));
    let listener = aws.listener(&lb, "80", &group);
    let a = aws.rule(&listener, "10", "a.example.com", &group).unwrap();
    let b = aws.rule(&listener, "20", "b.example.com", &group).unwrap();
    assert_eq!(aws.rule(&listener, "10", "c.example.com", &group).unwrap_err().code, "PriorityInUse");
    let one = [("RulePriorities.member.1.RuleArn", a.as_str()), ("RulePriorities.member.1.Priority", "20")];
    assert_eq!(aws.code("SetRulePriorities", &one), "PriorityInUse");
    let swap = [
        one[0],
        one[1],
        ("RulePriorities.member.2.RuleArn", b.as_str()),
        ("RulePriorities.member.2.Priority", "10"),
    ];
    aws.ok("SetRulePriorities", &swap);
    let rules = aws.ok("DescribeRules", &[("ListenerArn", &listener)]);
    let order: Vec<&Value> = rules["Rules"].as_array().unwrap().iter().map(|r| &r["RuleArn"]).collect();
    assert_eq!(order[..2], [&json!(b), &json!(a)]);
    assert_eq!(rules["Rules"][2]["Priority"], "default");
}

#[test]
fn the_default_rule_mirrors_the_listener_and_cannot_be_changed() {
    let mut aws = Fixture::new();
    let (lb, group, other) = (aws.load_balancer("web"), aws.group("web"), aws.group("other"));
    let listener = aws.listener(&lb, "80", &group);
    let pairs = [
        ("ListenerArn", listener.as_str()),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", other.as_str()),
    ];
    aws.ok("ModifyListener", &pairs);
    let rule = aws.ok("DescribeRules", &[("ListenerArn", &listener)])["Rules"][0].clone();
    assert_eq!((&rule["IsDefault"], &rule["Actions"][0]["TargetGroupArn"]), (&json!(true), &json!(other)));
    let arn = text(&rule["RuleArn"]);
    assert_eq!(aws.code("DeleteRule", &[("RuleArn", &arn)]), "OperationNotPermitted");
    assert_eq!(aws.code("ModifyRule", &[("RuleArn", &arn)]), "OperationNotPermitted");
}

#[test]
fn a_target_group_in_use_cannot_be_deleted_until_rule_and_listener_let_go() {
    let mut aws = Fixture::new();
    let (lb, group, other) = (aws.load_balancer("web"), aws.group("web"), aws.group("other"));
    let listener = aws.listener(&lb, "80", &other);
    let rule = aws.rule(&listener, "10", "a.example.com", &group).unwrap();
    let described = aws.ok("DescribeTargetGroups", &[("TargetGroupArns.member.1", &group)]);
    assert_eq!(described["TargetGroups"][0]["LoadBalancerArns"], json!([lb]));
    assert_eq!(aws.code("DeleteTargetGroup", &[("TargetGroupArn", &group)]), "ResourceInUse");
    aws.ok("DeleteRule", &[("RuleArn", &rule)]);
    aws.ok("DeleteTargetGroup", &[("TargetGroupArn", &group)]);
    assert_eq!(aws.code("DescribeTargetGroups", &[("Names.member.1", "web")]), "TargetGroupNotFound");
    assert_eq!(aws.code("DeleteTargetGroup", &[("TargetGroupArn", &other)]), "ResourceInUse");
    aws.ok("DeleteLoadBalancer", &[("LoadBalancerArn", &lb)]);
    aws.ok("DeleteTargetGroup", &[("TargetGroupArn", &other)]);
    assert_eq!(aws.code("DescribeListeners", &[("ListenerArns.member.1", &listener)]), "ListenerNotFound");
}

#[test]
fn a_target_group_serves_one_load_balancer_only() {
    let mut aws = Fixture::new();
    let (lb, second, group) = (aws.load_balancer("web"), aws.load_balancer("second"), aws.group("web"));
    aws.listener(&lb, "80", &group);
    assert_eq!(
        aws.code("CreateListener", &listener_form(&second, "80", &group)),
        "TargetGroupAssociationLimit"
    );
}

#[test]
fn a_port_has_one_listener_and_the_same_one_again_is_fine() {
    let mut aws = Fixture::new();
    let (lb, group, other) = (aws.load_balancer("web"), aws.group("web"), aws.group("other"));
    let first = aws.listener(&lb, "80", &group);
    assert_eq!(aws.listener(&lb, "80", &group), first);
    assert_eq!(aws.code("CreateListener", &listener_form(&lb, "80", &other)), "DuplicateListener");
}

#[test]
fn an_https_listener_needs_a_certificate_and_gets_a_policy() {
    let mut aws = Fixture::new();
    let (lb, group) = (aws.load_balancer("web"), aws.group("web"));
    let mut form = listener_form(&lb, "443", &group).to_vec();
    form[1].1 = "HTTPS";
    assert_eq!(aws.code("CreateListener", &form), "ValidationError");
    form.push(("Certificates.member.1.CertificateArn", "arn:aws:acm:eu-west-1:123456789012:certificate/x"));
    let listener = aws.ok("CreateListener", &form)["Listeners"][0].clone();
    assert_eq!(listener["SslPolicy"], "ELBSecurityPolicy-2016-08");
    form[2].1 = "444";
    form.push(("SslPolicy", "nonsense"));
    assert_eq!(aws.code("CreateListener", &form), "SSLPolicyNotFound");
}

#[test]
fn pages_follow_each_other_without_gaps() {
    let mut aws = Fixture::new();
    for i in 0..5 {
        aws.group(&format!("g{i}"));
    }
    let mut seen = Vec::new();
    let mut marker = String::new();
    loop {
        let page = aws.ok("DescribeTargetGroups", &[("PageSize", "2"), ("Marker", &marker)]);
        seen.extend(page["TargetGroups"].as_array().unwrap().iter().map(|g| text(&g["TargetGroupName"])));
        match page["NextMarker"].as_str() {
            Some(next) => next.clone_into(&mut marker),
            None => break,
        }
    }
    assert_eq!(seen, ["g0", "g1", "g2", "g3", "g4"]);
    assert_eq!(aws.code("DescribeTargetGroups", &[("PageSize", "401")]), "ValidationError");
}

#[test]
fn tags_are_described_for_twenty_resources_at_most() {
    let mut aws = Fixture::new();
    let arn = aws.group("web");
    aws.ok(
        "AddTags",
        &[("ResourceArns.member.1", &arn), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "1")],
    );
    let tags = aws.ok("DescribeTags", &[("ResourceArns.member.1", &arn)]);
    assert_eq!(tags["TagDescriptions"][0]["Tags"], json!([{"Key": "a", "Value": "1"}]));
    let names: Vec<String> = (1..=21).map(|i| format!("ResourceArns.member.{i}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), arn.as_str())).collect();
    assert_eq!(aws.code("DescribeTags", &many), "ValidationError");
    aws.ok("RemoveTags", &[("ResourceArns.member.1", &arn), ("TagKeys.member.1", "a")]);
    assert_eq!(aws.ok("DescribeTags", &many[..1])["TagDescriptions"][0]["Tags"], json!([]));
}

#[test]
fn a_target_is_unused_while_nothing_forwards_to_its_group() {
    let mut aws = Fixture::new();
    let group = aws.group("web");
    aws.register(&group, TargetAnswers::default());
    assert_eq!(aws.at(60).health(&group), "unused");
    let lb = aws.load_balancer("web");
    aws.listener(&lb, "80", &group);
    assert_eq!(aws.health(&group), "initial");
    assert_eq!(aws.at(63).health(&group), "healthy");
}

#[test]
fn a_new_target_is_healthy_after_its_first_good_probe() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(&group, TargetAnswers { healthy_after: 15.0, ..TargetAnswers::default() });
    // Probes at 2, 12 and 22 seconds; two bad ones are not yet three.
    assert_eq!(aws.at(1).health(&group), "initial");
    assert_eq!(aws.at(21).health(&group), "initial");
    assert_eq!(aws.at(22).health(&group), "healthy");
}

#[test]
fn a_target_that_wakes_late_is_unhealthy_first_and_then_needs_the_threshold() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(&group, TargetAnswers { healthy_after: 1000.0, ..TargetAnswers::default() });
    assert_eq!(aws.at(21).health(&group), "initial");
    assert_eq!(aws.at(22).health(&group), "unhealthy");
    // First good probe at 1002, second at 1012.
    assert_eq!(aws.at(1011).health(&group), "unhealthy");
    assert_eq!(aws.at(1012).health(&group), "healthy");
    assert_eq!(aws.at(90_000_000).health(&group), "healthy");
}

#[test]
fn a_wrong_path_is_a_response_code_mismatch_and_a_repair_heals_it() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(
        &group,
        TargetAnswers { only_path: Some("/healthz".to_owned()), ..TargetAnswers::default() },
    );
    aws.at(100);
    let seen = aws.ok("DescribeTargetHealth", &[("TargetGroupArn", &group)]);
    let health = &seen["TargetHealthDescriptions"][0]["TargetHealth"];
    assert_eq!(health["State"], "unhealthy");
    assert_eq!(health["Reason"], "Target.ResponseCodeMismatch");
    assert_eq!(health["Description"], "Health checks failed with these codes: [404]");
    aws.ok("ModifyTargetGroup", &[("TargetGroupArn", &group), ("HealthCheckPath", "/healthz")]);
    assert_eq!(aws.health(&group), "unhealthy");
    // Probes at 101 and 111.
    assert_eq!(aws.at(110).health(&group), "unhealthy");
    assert_eq!(aws.at(111).health(&group), "healthy");
}

#[test]
fn a_target_that_never_answers_fails_its_checks() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(&group, TargetAnswers { never: true, ..TargetAnswers::default() });
    aws.at(22);
    let seen = aws.ok("DescribeTargetHealth", &[("TargetGroupArn", &group)]);
    assert_eq!(seen["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"], "Target.FailedHealthChecks");
}

#[test]
fn a_flapping_target_is_seen_both_ways() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(&group, TargetAnswers { flap_period: Some(100.0), ..TargetAnswers::default() });
    assert_eq!(aws.at(90).health(&group), "healthy");
    assert_eq!(aws.at(190).health(&group), "unhealthy");
    assert_eq!(aws.at(290).health(&group), "healthy");
    assert_eq!(aws.at(20_000_190).health(&group), "unhealthy");
}

#[test]
fn a_target_that_falls_ill_is_unhealthy_after_the_threshold() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(&group, TargetAnswers { unhealthy_after: Some(500.0), ..TargetAnswers::default() });
    // Bad probes at 502, 512 and 522.
    assert_eq!(aws.at(521).health(&group), "healthy");
    assert_eq!(aws.at(522).health(&group), "unhealthy");
    assert_eq!(aws.at(90_000_000).health(&group), "unhealthy");
}

#[test]
fn a_health_check_may_go_to_another_port_that_the_target_has() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.ok("ModifyTargetGroup", &[("TargetGroupArn", &group), ("HealthCheckPort", "9090")]);
    aws.register(&group, TargetAnswers { port: 8080, other_ports: vec![9090], ..TargetAnswers::default() });
    assert_eq!(aws.at(30).health(&group), "healthy");
    aws.ok("ModifyTargetGroup", &[("TargetGroupArn", &group), ("HealthCheckPort", "9091")]);
    assert_eq!(aws.at(60).health(&group), "unhealthy");
}

#[test]
fn a_deregistered_target_drains_and_is_then_gone() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    aws.register(&group, TargetAnswers::default());
    let now = aws.at(50).now;
    aws.elb.deregister(now, &group, "10.0.0.1", 8080);
    assert_eq!(aws.at(349).health(&group), "draining");
    assert_eq!(aws.at(350).health(&group), "gone");
    assert_eq!(
        aws.ok("DescribeTargetHealth", &[("TargetGroupArn", &group)])["TargetHealthDescriptions"],
        json!([])
    );
}

#[test]
fn a_shorter_delay_drains_sooner_and_zero_at_once() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    let set = |value| {
        [
            ("TargetGroupArn".to_owned(), group.clone()),
            ("Attributes.member.1.Key".to_owned(), "deregistration_delay.timeout_seconds".to_owned()),
            ("Attributes.member.1.Value".to_owned(), value),
        ]
    };
    for (value, at, state) in [("10", 9, "draining"), ("10", 10, "gone"), ("0", 0, "gone")] {
        let pairs = set(value.to_owned());
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        aws.at(0).ok("ModifyTargetGroupAttributes", &pairs);
        aws.register(&group, TargetAnswers::default());
        let now = aws.now;
        aws.elb.deregister(now, &group, "10.0.0.1", 8080);
        assert_eq!(aws.at(at).health(&group), state);
        let later = aws.at(100).now;
        aws.elb.deregister(later, &group, "10.0.0.1", 8080);
    }
}

#[test]
fn a_target_that_is_asked_for_but_not_registered_is_unused() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    let pairs = [("TargetGroupArn", group.as_str()), ("Targets.member.1.Id", "10.9.9.9")];
    let seen = aws.ok("DescribeTargetHealth", &pairs);
    let seen = &seen["TargetHealthDescriptions"][0];
    assert_eq!(seen["TargetHealth"]["Reason"], "Target.NotRegistered");
    assert!(seen["AdministrativeOverride"].is_null(), "{seen}");
}

#[test]
fn targets_must_be_of_the_groups_type() {
    let mut aws = Fixture::new();
    let group = aws.group_in_use();
    let pairs = [("TargetGroupArn", group.as_str()), ("Targets.member.1.Id", "i-0123")];
    assert_eq!(aws.code("RegisterTargets", &pairs), "ValidationError");
}

#[test]
fn deletion_protection_protects() {
    let mut aws = Fixture::new();
    let lb = aws.load_balancer("web");
    let pairs = [
        ("LoadBalancerArn", lb.as_str()),
        ("Attributes.member.1.Key", "deletion_protection.enabled"),
        ("Attributes.member.1.Value", "true"),
    ];
    aws.ok("ModifyLoadBalancerAttributes", &pairs);
    assert_eq!(aws.code("DeleteLoadBalancer", &[("LoadBalancerArn", &lb)]), "OperationNotPermitted");
}

#[test]
fn the_same_calls_give_the_same_answers() {
    let run = || {
        let mut aws = Fixture::new();
        let group = aws.group_in_use();
        aws.register(&group, TargetAnswers::default());
        (aws.ok("DescribeLoadBalancers", &[]), aws.ok("DescribeTargetHealth", &[("TargetGroupArn", &group)]))
    };
    assert_eq!(run(), run());
}

#[test]
fn a_weighted_forward_has_no_single_target_group() {
    let mut aws = Fixture::new();
    let (lb, group, other) = (aws.load_balancer("web"), aws.group("web"), aws.group("other"));
    let listener = aws.listener(&lb, "80", &group);
    let pairs = [
        ("ListenerArn", listener.as_str()),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn", group.as_str()),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight", "90"),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn", other.as_str()),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight", "10"),
    ];
    let action = aws.ok("ModifyListener", &pairs)["Listeners"][0]["DefaultActions"][0].clone();
    assert_eq!(action.get("TargetGroupArn"), None);
    let weights: Vec<&Value> =
        action["ForwardConfig"]["TargetGroups"].as_array().unwrap().iter().map(|g| &g["Weight"]).collect();
    assert_eq!(weights, [&json!(90), &json!(10)]);
    assert_eq!(aws.code("DeleteTargetGroup", &[("TargetGroupArn", &other)]), "ResourceInUse");
}

#[test]
fn a_redirect_is_filled_with_placeholders_and_may_not_lead_to_itself() {
    let mut aws = Fixture::new();
    let (lb, group) = (aws.load_balancer("web"), aws.group("web"));
    let listener = aws.listener(&lb, "80", &group);
    let mut pairs = vec![
        ("ListenerArn", listener.as_str()),
        ("DefaultActions.member.1.Type", "redirect"),
        ("DefaultActions.member.1.RedirectConfig.StatusCode", "HTTP_301"),
    ];
    assert_eq!(aws.code("ModifyListener", &pairs), "InvalidLoadBalancerAction");
    pairs.push(("DefaultActions.member.1.RedirectConfig.Protocol", "HTTPS"));
    let action = aws.ok("ModifyListener", &pairs)["Listeners"][0]["DefaultActions"][0].clone();
    let expected = json!({"Protocol": "HTTPS", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}",
        "Query": "#{query}", "StatusCode": "HTTP_301"});
    assert_eq!(action["RedirectConfig"], expected);
}

#[test]
fn the_last_action_must_answer_the_request() {
    let mut aws = Fixture::new();
    let (lb, group) = (aws.load_balancer("web"), aws.group("web"));
    let listener = aws.listener(&lb, "80", &group);
    let login = "DefaultActions.member.1.AuthenticateCognitoConfig";
    let names = ["UserPoolArn", "UserPoolClientId", "UserPoolDomain"].map(|n| format!("{login}.{n}"));
    let mut pairs: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "x")).collect();
    pairs.extend([
        ("ListenerArn", listener.as_str()),
        ("DefaultActions.member.1.Type", "authenticate-cognito"),
    ]);
    assert_eq!(aws.code("ModifyListener", &pairs), "InvalidLoadBalancerAction");
}

#[test]
fn attributes_are_changed_all_or_none() {
    let mut aws = Fixture::new();
    let group = aws.group("web");
    let pairs = [
        ("TargetGroupArn", group.as_str()),
        ("Attributes.member.1.Key", "slow_start.duration_seconds"),
        ("Attributes.member.1.Value", "60"),
        ("Attributes.member.2.Key", "stickiness.enabled"),
        ("Attributes.member.2.Value", "maybe"),
    ];
    let before = aws.ok("DescribeTargetGroupAttributes", &pairs[..1]);
    assert_eq!(aws.code("ModifyTargetGroupAttributes", &pairs), "ValidationError");
    assert_eq!(aws.ok("DescribeTargetGroupAttributes", &pairs[..1]), before);
    assert_ne!(aws.ok("ModifyTargetGroupAttributes", &pairs[..3]), before);
}

#[test]
fn an_arn_of_another_kind_is_not_the_same_as_one_that_is_gone() {
    let mut aws = Fixture::new();
    let lb = aws.load_balancer("web");
    assert_eq!(aws.code("DescribeTargetGroupAttributes", &[("TargetGroupArn", &lb)]), "ValidationError");
    let gone = lb.replace("loadbalancer/app/web", "targetgroup/web");
    assert_eq!(
        aws.code("DescribeTargetGroupAttributes", &[("TargetGroupArn", &gone)]),
        "TargetGroupNotFound"
    );
}

#[test]
fn a_default_certificate_that_was_added_as_well_is_listed_twice() {
    let mut w = Fixture::new();
    let (lb, group) = (w.load_balancer("web"), w.group("web"));
    let (one, two) = (
        "arn:aws:acm:eu-west-1:123456789012:certificate/1",
        "arn:aws:acm:eu-west-1:123456789012:certificate/2",
    );
    let mut form = listener_form(&lb, "443", &group).to_vec();
    form.retain(|(name, _)| *name != "Protocol");
    form.extend([("Protocol", "HTTPS"), ("Certificates.member.1.CertificateArn", one)]);
    let listener = text(&w.ok("CreateListener", &form)["Listeners"][0]["ListenerArn"]);
    let added = [
        ("ListenerArn", listener.as_str()),
        ("Certificates.member.1.CertificateArn", one),
        ("Certificates.member.2.CertificateArn", two),
    ];
    w.ok("AddListenerCertificates", &added);
    let list = w.ok("DescribeListenerCertificates", &added[..1])["Certificates"].clone();
    let of = |arn: &str, is_default: bool| json!({"CertificateArn": arn, "IsDefault": is_default});
    assert_eq!(list, json!([of(one, true), of(one, false), of(two, false)]));
    w.ok("RemoveListenerCertificates", &added[..2]);
    assert_eq!(w.code("RemoveListenerCertificates", &added[..2]), "OperationNotPermitted");
}

#[test]
fn a_group_of_a_function_has_neither_port_nor_protocol_of_its_check() {
    let mut w = Fixture::new();
    let made =
        w.ok("CreateTargetGroup", &[("Name", "f"), ("TargetType", "lambda")])["TargetGroups"][0].clone();
    assert!(made["HealthCheckPort"].is_null() && made["HealthCheckProtocol"].is_null(), "{made}");
    assert_eq!(made["HealthCheckPath"], "/");
}
