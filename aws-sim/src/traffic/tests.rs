//! What clients meet at load balancers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{
    behaviour::{Behaviour, BehaviourRule},
    elbv2::TargetAnswers,
    wire::Service,
    world::World,
};

const REGION: &str = "eu-west-1";
const START: i64 = 1_800_000_000;

struct Fixture {
    world: World,
    balancer: String,
}

impl Fixture {
    fn new() -> Self {
        Self::of("application")
    }

    /// A load balancer `web` of this type, active.
    fn of(kind: &str) -> Self {
        let start = Timestamp::from_second(START).unwrap();
        let mut fixture =
            Self { world: World::new(7, "123456789012".to_owned(), start, 16), balancer: String::new() };
        let pairs = json!({"Name": "web", "Type": kind, "Subnets.member.1": "subnet-1", "Subnets.member.2": "subnet-2"});
        let made = fixture.elb("CreateLoadBalancer", &pairs);
        fixture.balancer = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
        fixture.at(60);
        fixture
    }

    fn at(&mut self, seconds: i64) -> &mut Self {
        self.world.advance(Timestamp::from_second(START + seconds).unwrap());
        self
    }

    fn elb(&mut self, action: &str, pairs: &Value) -> Value {
        self.world.edit(REGION, Service::Elbv2, action, pairs).unwrap_or_else(|e| panic!("{action}: {e}"))
    }

    fn ecs(&mut self, operation: &str, input: &Value) -> Value {
        self.world.edit(REGION, Service::Ecs, operation, input).unwrap_or_else(|e| panic!("{operation}: {e}"))
    }

    fn group(&mut self, name: &str, protocol: &str) -> String {
        let pairs =
            json!({"Name": name, "Protocol": protocol, "Port": 8080, "VpcId": "vpc-1", "TargetType": "ip"});
        text(&self.elb("CreateTargetGroup", &pairs)["TargetGroups"][0]["TargetGroupArn"])
    }

    fn listener(&mut self, port: u16, protocol: &str, action: Value) -> String {
        let pairs = json!({"LoadBalancerArn": self.balancer, "Port": port, "Protocol": protocol});
        let made = self.elb("CreateListener", &merged(pairs, "DefaultActions.member.1", action));
        text(&made["Listeners"][0]["ListenerArn"])
    }

    /// A listener on port 80 whose default answers 404, and a rule with this condition and action.
    fn rule(&mut self, priority: u32, condition: Value, action: Value) -> String {
        let listener = self.listener(80, "HTTP", fixed(404));
        let pairs = json!({"ListenerArn": listener, "Priority": priority});
        let pairs = merged(pairs, "Conditions.member.1", condition);
        let made = self.elb("CreateRule", &merged(pairs, "Actions.member.1", action));
        text(&made["Rules"][0]["RuleArn"])
    }

    fn register(&mut self, group: &str, ip: &str, answers: TargetAnswers) {
        let now = self.world.now();
        self.world.region(REGION).elbv2.register(now, group, ip, 8080, answers);
    }

    /// Puts a host into a group that is no task of ECS.
    fn put(&mut self, group: &str, ip: &str) {
        let pairs =
            json!({"TargetGroupArn": group, "Targets.member.1.Id": ip, "Targets.member.1.Port": 8080});
        self.elb("RegisterTargets", &pairs);
    }

    fn attribute(&mut self, group: &str, key: &str, value: &str) {
        let pairs = json!({"TargetGroupArn": group, "Attributes.member.1.Key": key, "Attributes.member.1.Value": value});
        self.elb("ModifyTargetGroupAttributes", &pairs);
    }

    fn get(&mut self, host: &str, path: &str) -> Answer {
        self.world.request(&Request::to("web", 80).host(host).path(path))
    }

    fn status(&mut self, host: &str, path: &str) -> Option<u16> {
        self.get(host, path).status()
    }

    /// All targets that may take a request for `/`.
    fn targets(&mut self) -> Vec<String> {
        let answers = self.world.every_answer(&Request::to("web", 80));
        answers.iter().map(|answer| target_of(answer).to_owned()).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The members of a structure, named below a path.
fn merged(mut pairs: Value, path: &str, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        pairs[format!("{path}.{name}")] = value.clone();
    }
    pairs
}

fn fixed(status: u16) -> Value {
    json!({"Type": "fixed-response", "FixedResponseConfig.StatusCode": status.to_string(), "FixedResponseConfig.MessageBody": "no"})
}

fn forward(group: &str) -> Value {
    json!({"Type": "forward", "TargetGroupArn": group})
}

fn split(groups: &[(&str, u32)]) -> Value {
    let mut action = json!({"Type": "forward"});
    for (place, (group, weight)) in groups.iter().enumerate() {
        let path = format!("ForwardConfig.TargetGroups.member.{}", place + 1);
        action[format!("{path}.TargetGroupArn")] = (*group).into();
        action[format!("{path}.Weight")] = (*weight).into();
    }
    action
}

fn field(field: &str, value: &str) -> Value {
    json!({"Field": field, "Values.member.1": value})
}

fn target_of(answer: &Answer) -> &str {
    match &answer.outcome {
        Outcome::Served { target, .. } => target,
        other => panic!("nobody served: {other:?}"),
    }
}

fn cookie(answer: &Answer) -> &str {
    &answer.cookies[0]
}

#[test]
fn a_load_balancer_takes_requests_when_it_is_active_and_has_a_listener_on_the_port() {
    let mut aws = Fixture::new();
    assert_eq!(aws.get("x", "/").outcome, Outcome::lost(None, "no listener is on port 80"));
    aws.listener(80, "HTTP", fixed(404));
    assert_eq!(aws.status("x", "/"), Some(404));
    let arn = aws.balancer.clone();
    assert_eq!(aws.world.request(&Request::to(arn, 80)).status(), Some(404));
    assert!(aws.world.request(&Request::to("other", 80)).is_lost());
    let pairs = json!({"Name": "late", "Subnets.member.1": "subnet-1", "Subnets.member.2": "subnet-2"});
    aws.elb("CreateLoadBalancer", &pairs);
    let early = aws.world.request(&Request::to("late", 80));
    assert_eq!(early.outcome, Outcome::lost(None, "the load balancer is provisioning"));
}

#[test]
fn the_rule_of_the_lowest_priority_whose_conditions_hold_decides() {
    let mut aws = Fixture::new();
    aws.rule(20, field("path-pattern", "/api/*"), fixed(420));
    aws.rule(10, field("path-pattern", "/api/v2/*"), fixed(410));
    aws.rule(30, field("host-header", "*.Example.com"), fixed(430));
    assert_eq!(aws.status("x", "/api/v2/a"), Some(410));
    assert_eq!(aws.status("x", "/api/v1"), Some(420));
    assert_eq!(aws.status("x", "/API/v1"), Some(404), "paths are not alike in any case");
    assert_eq!(aws.status("WWW.example.COM", "/"), Some(430), "hosts are");
    assert_eq!(aws.status("www.example.com:80", "/"), Some(430));
    assert_eq!(aws.status("example.com", "/"), Some(404));
}

#[test]
fn every_kind_of_condition_is_understood() {
    let mut aws = Fixture::new();
    let values = |config: &str| format!("{config}.Values.member.1");
    let header = json!({"Field": "http-header", "HttpHeaderConfig.HttpHeaderName": "User-Agent", (values("HttpHeaderConfig")): "*chrome*"});
    aws.rule(1, header, fixed(401));
    let method = json!({"Field": "http-request-method", (values("HttpRequestMethodConfig")): "PUT"});
    aws.rule(2, method, fixed(402));
    let query = json!({"Field": "query-string", "QueryStringConfig.Values.member.1.Key": "version", "QueryStringConfig.Values.member.1.Value": "v?"});
    aws.rule(3, query, fixed(403));
    let any_key = json!({"Field": "query-string", "QueryStringConfig.Values.member.1.Value": "yes"});
    aws.rule(4, any_key, fixed(405));
    aws.rule(5, json!({"Field": "source-ip", (values("SourceIpConfig")): "10.1.0.0/16"}), fixed(406));
    let regex = json!({"Field": "path-pattern", "PathPatternConfig.RegexValues.member.1": "^/(a|b)$"});
    aws.rule(6, regex, fixed(407));
    let base = Request::to("web", 80);
    let query = |text: &str| Request { query: text.to_owned(), ..base.clone() };
    let from = |ip: [u8; 4]| Request { source: ip.into(), ..base.clone() };
    let put = Request { method: "PUT".to_owned(), ..base.clone() };
    for (request, status) in [
        (base.clone().header("user-agent", "Chrome/1"), 401),
        (put, 402),
        (query("a=b&VERSION=V2"), 403),
        (query("version=v22"), 404),
        (query("any=Yes"), 405),
        (from([10, 1, 255, 1]), 406),
        (from([10, 2, 0, 1]), 404),
        (base.clone().path("/b"), 407),
        (base.clone().path("/bb"), 404),
        (base.clone(), 404),
    ] {
        assert_eq!(aws.world.request(&request).status(), Some(status), "{request:?}");
    }
}

#[test]
fn a_redirect_fills_its_placeholders_from_the_request() {
    let mut aws = Fixture::new();
    let action = json!({"Type": "redirect", "RedirectConfig.Protocol": "HTTPS", "RedirectConfig.Port": "443",
        "RedirectConfig.StatusCode": "HTTP_301"});
    aws.listener(80, "HTTP", action);
    let request =
        Request { query: "a=1".to_owned(), ..Request::to("web", 80).host("x.example").path("/here") };
    let location = "https://x.example:443/here?a=1".to_owned();
    assert_eq!(aws.world.request(&request).outcome, Outcome::Redirected { status: 301, location });
}

#[test]
fn who_has_not_logged_in_does_not_get_to_the_targets() {
    let mut aws = Fixture::new();
    let group = aws.group("web", "HTTP");
    let arn = aws.balancer.clone();
    let oidc = "DefaultActions.member.1.AuthenticateOidcConfig";
    let pairs = json!({"LoadBalancerArn": arn, "Port": 443, "Protocol": "HTTPS",
        "Certificates.member.1.CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/x",
        "DefaultActions.member.1.Type": "authenticate-oidc", "DefaultActions.member.1.Order": 1,
        (format!("{oidc}.Issuer")): "https://id", (format!("{oidc}.AuthorizationEndpoint")): "https://id/in",
        (format!("{oidc}.TokenEndpoint")): "https://id/t", (format!("{oidc}.UserInfoEndpoint")): "https://id/u",
        (format!("{oidc}.ClientId")): "c", (format!("{oidc}.ClientSecret")): "s",
        "DefaultActions.member.2.Type": "forward", "DefaultActions.member.2.Order": 2,
        "DefaultActions.member.2.TargetGroupArn": group});
    aws.elb("CreateListener", &pairs);
    aws.put(&group, "10.0.0.1");
    aws.at(90);
    let request = Request::to("web", 443);
    let stranger = aws.world.request(&request).outcome;
    assert_eq!(stranger, Outcome::Redirected { status: 302, location: "https://id/in".to_owned() });
    let known = request.header("Cookie", "AWSELBAuthSessionCookie-0=x");
    assert_eq!(aws.world.request(&known).status(), Some(200));
}

#[test]
fn only_healthy_targets_get_requests() {
    let mut aws = Fixture::new();
    let group = aws.group("web", "HTTP");
    aws.listener(80, "HTTP", forward(&group));
    aws.put(&group, "10.0.0.1");
    assert_eq!(aws.status("x", "/"), Some(503), "its initial checks are not over");
    aws.at(90).register(&group, "10.0.0.2", TargetAnswers { never: true, ..TargetAnswers::default() });
    aws.at(200).put(&group, "10.0.0.3");
    assert_eq!(aws.targets(), ["10.0.0.1:8080"], "the second is unhealthy, the third in its initial checks");
    aws.at(300);
    assert_eq!(aws.targets(), ["10.0.0.1:8080", "10.0.0.3:8080"]);
}

#[test]
fn a_group_without_targets_answers_503_and_one_with_draining_targets_too() {
    let mut aws = Fixture::new();
    let group = aws.group("web", "HTTP");
    aws.listener(80, "HTTP", forward(&group));
    let nobody = Outcome::lost(Some(503), "web has no registered targets");
    assert_eq!(aws.get("x", "/").outcome, nobody);
    aws.put(&group, "10.0.0.1");
    aws.at(90);
    assert_eq!(aws.status("x", "/"), Some(200));
    aws.elb("DeregisterTargets", &json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.0.0.1"}));
    assert_eq!(aws.get("x", "/").outcome, nobody);
}

#[test]
fn when_no_target_is_healthy_all_unhealthy_ones_get_requests() {
    let mut aws = Fixture::new();
    let group = aws.group("web", "HTTP");
    aws.listener(80, "HTTP", forward(&group));
    // Both answer traffic only on another path than the one that is checked.
    let elsewhere = TargetAnswers { only_path: Some("/only".to_owned()), ..TargetAnswers::default() };
    for ip in ["10.0.0.1", "10.0.0.2"] {
        let now = aws.world.now();
        aws.world.region(REGION).elbv2.register(now, &group, ip, 8080, elsewhere.clone());
    }
    aws.elb("RegisterTargets", &json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.0.0.9"}));
    aws.at(200);
    assert_eq!(aws.targets(), ["10.0.0.9:8080"], "while one is healthy, only it");
    aws.elb("DeregisterTargets", &json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.0.0.9"}));
    let answers = aws.world.every_answer(&Request::to("web", 80).path("/only"));
    assert_eq!(answers.len(), 2, "{answers:?}");
    aws.attribute(&group, "target_group_health.dns_failover.minimum_healthy_targets.count", "2");
    aws.attribute(&group, "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "2");
    aws.put(&group, "10.0.0.8");
    aws.at(300);
    let answers = aws.world.every_answer(&Request::to("web", 80).path("/only"));
    assert_eq!(answers.len(), 3, "fewer healthy ones than the group asks for: {answers:?}");
}

#[test]
fn weights_share_requests_and_a_group_of_weight_0_gets_none() {
    let mut aws = Fixture::new();
    let (old, new) = (aws.group("old", "HTTP"), aws.group("new", "HTTP"));
    let listener = aws.listener(80, "HTTP", split(&[(&old, 3), (&new, 1)]));
    aws.put(&old, "10.0.0.1");
    aws.put(&new, "10.0.0.2");
    aws.at(90);
    let took = |aws: &mut Fixture, draw| {
        target_of(&aws.world.request(&Request::to("web", 80).draw(draw))).to_owned()
    };
    let taken: Vec<String> = (0..4).map(|draw| took(&mut aws, draw)).collect();
    assert_eq!(taken, ["10.0.0.1:8080", "10.0.0.1:8080", "10.0.0.1:8080", "10.0.0.2:8080"]);
    let many: Vec<_> = (0..400).map(|_| target_of(&aws.get("x", "/")).to_owned()).collect();
    let share = many.iter().filter(|target| *target == "10.0.0.2:8080").count();
    assert!((70..130).contains(&share), "{share} of 400");
    let pairs =
        merged(json!({"ListenerArn": listener}), "DefaultActions.member.1", split(&[(&old, 1), (&new, 0)]));
    aws.elb("ModifyListener", &pairs);
    assert_eq!(aws.targets(), ["10.0.0.1:8080"]);
    let pairs =
        merged(json!({"ListenerArn": listener}), "DefaultActions.member.1", split(&[(&old, 0), (&new, 0)]));
    aws.elb("ModifyListener", &pairs);
    assert_eq!(aws.status("x", "/"), Some(503));
}

#[test]
fn the_same_seed_gives_the_same_targets() {
    let targets = || {
        let mut aws = Fixture::new();
        let group = aws.group("web", "HTTP");
        aws.listener(80, "HTTP", forward(&group));
        (1..6).for_each(|last| aws.put(&group, &format!("10.0.0.{last}")));
        aws.at(90);
        (0..20).map(|_| target_of(&aws.get("x", "/")).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(targets(), targets());
}

#[test]
fn a_client_stays_with_its_target_while_that_is_fit() {
    let mut aws = Fixture::new();
    let group = aws.group("web", "HTTP");
    aws.listener(80, "HTTP", forward(&group));
    aws.attribute(&group, "stickiness.enabled", "true");
    (1..4).for_each(|last| aws.put(&group, &format!("10.0.0.{last}")));
    aws.at(90);
    let first = aws.world.request(&Request::to("web", 80).draw(1));
    assert_eq!(target_of(&first), "10.0.0.2:8080");
    let again = Request::to("web", 80).header("Cookie", format!("a=b; {}", cookie(&first)));
    assert_eq!(target_of(&aws.world.request(&again.clone().draw(2))), "10.0.0.2:8080");
    aws.elb("DeregisterTargets", &json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.0.0.2"}));
    assert_eq!(target_of(&aws.world.request(&again.draw(1))), "10.0.0.3:8080");
    let expired = Request::to("web", 80).header("Cookie", cookie(&first)).draw(0);
    aws.at(90_000);
    assert_eq!(target_of(&aws.world.request(&expired)), "10.0.0.1:8080");
}

#[test]
fn a_client_stays_with_its_target_group_even_when_that_has_no_targets() {
    let mut aws = Fixture::new();
    let (old, new) = (aws.group("old", "HTTP"), aws.group("new", "HTTP"));
    let sticky = "ForwardConfig.TargetGroupStickinessConfig";
    let action =
        merged(split(&[(&old, 1), (&new, 1)]), sticky, json!({"Enabled": true, "DurationSeconds": 600}));
    aws.listener(80, "HTTP", action);
    aws.put(&old, "10.0.0.1");
    aws.put(&new, "10.0.0.2");
    aws.at(90);
    let first = aws.world.request(&Request::to("web", 80).draw(0));
    let again = Request::to("web", 80).header("cookie", cookie(&first)).draw(1);
    assert_eq!(target_of(&aws.world.request(&again)), "10.0.0.1:8080");
    aws.elb("DeregisterTargets", &json!({"TargetGroupArn": old, "Targets.member.1.Id": "10.0.0.1"}));
    assert_eq!(aws.world.request(&again).status(), Some(503));
    aws.at(700);
    assert_eq!(target_of(&aws.world.request(&again)), "10.0.0.2:8080");
}

#[test]
fn a_network_load_balancer_knows_only_ports() {
    let mut aws = Fixture::of("network");
    let group = aws.group("tcp", "TCP");
    aws.listener(5432, "TCP", forward(&group));
    let request = Request::to("web", 5432);
    let nobody = Outcome::lost(None, "tcp has no registered targets");
    assert_eq!(aws.world.request(&request).outcome, nobody);
    aws.put(&group, "10.0.0.1");
    aws.at(90);
    let answer = aws.world.request(&request);
    assert_eq!((target_of(&answer), answer.rule.as_deref()), ("10.0.0.1:8080", None));
    assert_eq!(aws.get("x", "/").outcome, Outcome::lost(None, "no listener is on port 80"));
    for last in 2..5 {
        aws.put(&group, &format!("10.0.0.{last}"));
    }
    aws.attribute(&group, "stickiness.enabled", "true");
    aws.at(200);
    let all = aws.world.every_answer(&request);
    assert_eq!(all.len(), 1, "an address always gets to the same target: {all:?}");
}

/// A service of one task in group `web`, up after 60 seconds.
fn with_service() -> (Fixture, String) {
    let container = json!({"name": "app", "image": "app:1", "portMappings": [{"containerPort": 8080}]});
    service_of(Fixture::new(), &container)
}

fn service_of(mut aws: Fixture, container: &Value) -> (Fixture, String) {
    let group = aws.group("web", "HTTP");
    aws.listener(80, "HTTP", forward(&group));
    aws.ecs("CreateCluster", &json!({"clusterName": "c"}));
    aws.ecs(
        "RegisterTaskDefinition",
        &json!({"family": "app", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512", "containerDefinitions": [container]}),
    );
    aws.ecs(
        "CreateService",
        &json!({"cluster": "c", "serviceName": "app", "taskDefinition": "app:1", "desiredCount": 1,
            "launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}]}),
    );
    aws.at(120);
    (aws, group)
}

#[test]
fn a_task_answers_while_it_runs() {
    let (mut aws, group) = with_service();
    let answer = aws.get("x", "/");
    let tasks = aws.world.region(REGION).ecs.tasks();
    assert_eq!(answer.task(), Some(tasks[0].id.as_str()));
    assert_eq!(answer.target_group(), Some(group.as_str()));
    aws.ecs("UpdateService", &json!({"cluster": "c", "service": "app", "desiredCount": 0}));
    aws.at(125);
    assert_eq!(aws.status("x", "/"), Some(503), "it is draining");
}

#[test]
fn a_target_whose_task_is_gone_answers_nothing() {
    let (mut aws, group) = with_service();
    let task = aws.world.region(REGION).ecs.tasks()[0].id.clone();
    let address = target_of(&aws.get("x", "/")).to_owned();
    let (ip, port) = address.split_once(':').unwrap();
    aws.world.with_ecs(REGION, |ecs, env| ecs.kill_task(env, &task, 1));
    // Somebody registers its address again.
    let pairs = json!({"TargetGroupArn": group, "Targets.member.1.Id": ip, "Targets.member.1.Port": port});
    aws.elb("RegisterTargets", &pairs);
    aws.ecs("UpdateService", &json!({"cluster": "c", "service": "app", "desiredCount": 0}));
    aws.at(130);
    let why = format!("task {task} is gone from {address}");
    assert_eq!(aws.get("x", "/").outcome, Outcome::lost(Some(504), why));
}

#[test]
fn a_container_that_restarts_refuses_connections() {
    let mut aws = Fixture::new();
    aws.world.behaviours.add(BehaviourRule::image("app:*", Behaviour::exits(1, 60.0)).times(1));
    let container = json!({"name": "app", "image": "app:1", "portMappings": [{"containerPort": 8080}],
        "restartPolicy": {"enabled": true}});
    let (mut aws, _) = service_of(aws, &container);
    let seen: std::collections::BTreeSet<_> =
        (120..240).map(|second| aws.at(second).status("x", "/")).collect();
    assert_eq!(seen, [Some(200), Some(502)].into());
}

#[test]
fn an_unhealthy_task_gets_requests_only_when_there_is_no_other_and_does_not_answer() {
    let (mut aws, _) = with_service();
    let bad = BehaviourRule::image("app:*", Behaviour::unhealthy());
    aws.world.behaviours.add(bad);
    let task = aws.world.region(REGION).ecs.tasks()[0].id.clone();
    aws.world.with_ecs(REGION, |ecs, env| ecs.kill_task(env, &task, 1));
    let mut seen = std::collections::BTreeSet::new();
    for second in 121..300 {
        seen.insert(aws.at(second).status("x", "/"));
    }
    assert_eq!(seen, [Some(503), Some(504)].into(), "503 in its initial checks, 504 when it is unhealthy");
}

#[test]
fn requests_are_counted_by_listener() {
    let mut aws = Fixture::new();
    let group = aws.group("web", "HTTP");
    aws.rule(1, field("path-pattern", "/app"), forward(&group));
    aws.get("x", "/app");
    aws.put(&group, "10.0.0.1");
    aws.at(90);
    aws.get("x", "/app");
    aws.get("x", "/else");
    let arn = aws.balancer.clone();
    aws.world.request(&Request::to(arn, 80).path("/app"));
    assert_eq!(aws.world.every_answer(&Request::to("web", 80).path("/app")).len(), 1);
    assert_eq!(aws.world.traffic.of("web", 80), Counts { served: 2, answered: 1, lost: 1 });
    assert_eq!(aws.world.traffic.total(), aws.world.traffic.of("web", 80));
}

#[test]
fn a_wave_has_a_request_for_every_rule_that_takes_one() {
    let mut aws = Fixture::new();
    aws.rule(10, field("path-pattern", "/*"), fixed(410));
    aws.rule(20, field("path-pattern", "/never"), fixed(420));
    let two =
        json!({"Field": "host-header", "Values.member.1": "a.example", "Values.member.2": "*.b.example"});
    aws.rule(5, two, fixed(405));
    let wave = aws.world.wave();
    let mut statuses: Vec<_> =
        wave.iter().map(|request| aws.world.request(request).status().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [405, 405, 410], "the rule at 20 and the default never get one: {wave:?}");
}

#[tokio::test(start_paused = true)]
async fn clients_notice_what_is_not_served_any_more() {
    let sim = crate::Sim::builder().build();
    let balancer = json!({"name": "web", "listeners": [{"port": 80}]});
    let arns = sim.seed_world(&json!({"region": REGION, "loadBalancers": [balancer]})).unwrap();
    let edit = |action: &str, pairs: Value| {
        sim.with(|world| world.edit(REGION, Service::Elbv2, action, &pairs)).unwrap()
    };
    let group = json!({"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip"});
    let group = text(&edit("CreateTargetGroup", group)["TargetGroups"][0]["TargetGroupArn"]);
    let rule = json!({"ListenerArn": arns["listeners"]["web:80"], "Priority": 1});
    let rule = merged(rule, "Conditions.member.1", field("path-pattern", "/app/*"));
    edit("CreateRule", merged(rule, "Actions.member.1", forward(&group)));
    let target = json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.0.0.1"});
    edit("RegisterTargets", target.clone());
    let clients = Clients::of(&sim);
    assert_eq!(clients.learn(), 0, "nothing is served yet");
    sim.clock().sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(clients.learn(), 1, "what the listener answers for itself is nothing to lose");
    clients.send_after_writes();
    clients.send();
    assert_eq!((clients.sent(), clients.losses().len()), (1, 0));
    let served = Request::to("web", 80).path("/app/");
    assert_eq!(clients.servers(&served), [["10.0.0.1:80".to_owned()].into()]);
    let body = format!(
        "Action=DeregisterTargets&TargetGroupArn={}&Targets.member.1.Id=10.0.0.1",
        group.replace(':', "%3A")
    );
    let call = crate::wire::Request {
        region: REGION.to_owned(),
        service: Service::Elbv2,
        protocol: Service::Elbv2.protocols()[0],
        operation: "DeregisterTargets".to_owned(),
        body: body.into_bytes(),
        access_key: None,
    };
    sim.exchange(call).await.unwrap();
    let losses = clients.losses();
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(
        losses[0].to_string().ends_with("web:80 /app/ got 503: web has no registered targets"),
        "{}",
        losses[0]
    );
}
