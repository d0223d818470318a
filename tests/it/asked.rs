//! What was asked for and had no answer is found again by its place, however the document has
//! changed meanwhile.

use crate::alarms;
use crate::support::{Fixture, REGION};
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use aws_sim::faults::{Effect, FaultRule, When};
use serde_json::{Value, json};

/// Calls that make something, in an order in which each needs what is before it.
const CREATIONS: [&str; 6] = [
    "monitoring:PutMetricAlarm",
    "elasticloadbalancing:CreateTargetGroup",
    "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateRule",
    "ecs:RunTask",
    "ecs:CreateService",
];

/// The shop with nothing of what it was.
const OTHER: &str = "
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  placement: {region: eu-west-1, cluster: shop}
  components:
    other:
      taskDefinition:
        cpu: 256
        memory: 512
        containerDefinitions: [{name: other, image: registry.example.com/other:1.0}]
      service:
        desiredCount: 1
        launchType: FARGATE
        networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-0123456789abcdef0]}}
";

/// What runs or serves in AWS, of whatever owner, but the service `shop-other`.
fn there(fixture: &Fixture) -> Vec<String> {
    let elb = |operation: &str, input: Value| fixture.by_hand("elasticloadbalancing", operation, input);
    let list = |answer: &Value, member: &str, name: &str| -> Vec<String> {
        let items = answer[member].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    let balancers = elb("DescribeLoadBalancers", json!({}));
    let balancer = balancers["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let listeners = elb("DescribeListeners", json!({"LoadBalancerArn": balancer}));
    let listeners = list(&listeners, "Listeners", "ListenerArn");
    let rules = |listener: &String| {
        let rules = elb("DescribeRules", json!({"ListenerArn": listener}));
        list(&rules, "Rules", "RuleArn").len() - 1
    };
    let mut found: Vec<String> =
        listeners.iter().flat_map(|listener| vec!["rule".to_owned(); rules(listener)]).collect();
    found.extend(listeners.iter().map(|_| "listener".to_owned()));
    found.extend(list(&elb("DescribeTargetGroups", json!({})), "TargetGroups", "TargetGroupName"));
    found.extend(list(
        &fixture.by_hand("monitoring", "DescribeAlarms", json!({})),
        "MetricAlarms",
        "AlarmName",
    ));
    for cluster in ["shop", "second"] {
        let known = fixture.by_hand("ecs", "ListServices", json!({"cluster": cluster}));
        let services = known["serviceArns"].as_array().cloned().unwrap_or_default();
        let services = services.iter().filter_map(Value::as_str).filter(|arn| !arn.ends_with("/shop-other"));
        found.extend(services.map(str::to_owned));
        let input = json!({"cluster": cluster, "family": "shop-migrate"});
        let tasks = fixture.by_hand("ecs", "ListTasks", input);
        found.extend(tasks["taskArns"].as_array().into_iter().flatten().map(Value::to_string));
    }
    found
}

/// A shop of which one creation had no answer; the controller died then.
async fn unanswered(creation: &str) -> Fixture {
    let sim = aws_sim::Sim::builder().seed(7).build();
    // A task that runs for long, so that it is there to be left behind.
    let seconds = if creation == "ecs:RunTask" { 1e6 } else { 5.0 };
    sim.behave(BehaviourRule::image("*/shop-migrations:*", Behaviour::exits(0, seconds)));
    sim.seed_world(&json!({"region": REGION, "clusters": [{"name": "second"}]})).unwrap();
    let mut fixture = Fixture::idle(sim, &[("shop.yaml", &alarms::shop())]).await;
    fixture.sim.faults().add(FaultRule::on(creation, Effect::LostReply).when(When::Once));
    fixture.start().await;
    let called = || {
        let calls = fixture.sim.calls();
        calls.iter().any(|call| format!("{}:{}", call.service, call.operation) == creation)
    };
    for _ in 0..600 {
        if called() {
            break;
        }
        fixture.pass(1).await;
    }
    assert!(called(), "{creation}");
    fixture.kill().await;
    fixture
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_behind_that_had_no_answer_and_is_declared_no_longer() {
    for creation in CREATIONS {
        for old_answers in [0.0, 120.0] {
            let mut fixture = unanswered(creation).await;
            assert_ne!(there(&fixture), Vec::<String>::new(), "{creation}");
            if old_answers > 0.0 {
                let stale = || Effect::StaleRead(old_answers);
                fixture.sim.faults().add(FaultRule::on("elasticloadbalancing:Describe*", stale()));
                fixture.sim.faults().add(FaultRule::on("ecs:Describe*", stale()));
                fixture.sim.faults().add(FaultRule::on("ecs:List*", stale()));
                fixture.sim.faults().add(FaultRule::on("monitoring:Describe*", stale()));
            }
            fixture.edit_quietly("shop.yaml", &alarms::shop(), OTHER);
            fixture.start().await;
            fixture.pass(1800).await;
            fixture.sim.faults().clear();
            assert_eq!(there(&fixture), Vec::<String>::new(), "{creation}, reads {old_answers} s old");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_had_no_answer_in_another_cluster_is_found_there() {
    for creation in ["ecs:RunTask", "ecs:CreateService"] {
        let mut fixture = unanswered(creation).await;
        fixture.edit_quietly("shop.yaml", "cluster: shop", "cluster: second");
        fixture.start().await;
        fixture.pass(300).await;
        let runs = fixture.sim.calls().iter().filter(|call| call.operation == "RunTask").count();
        assert_eq!(runs, 1, "a run that had no answer is a run, wherever it was started");
        fixture.pass(3600).await;
        let left = there(&fixture);
        let left: Vec<&String> =
            left.iter().filter(|one| one.contains("/shop/shop-web") || one.contains("task/shop/")).collect();
        assert_eq!(left, Vec::<&String>::new(), "{creation}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_in_its_place_meanwhile_is_let_be() {
    let mut fixture = unanswered("elasticloadbalancing:CreateTargetGroup").await;
    let group = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    let arn = group["TargetGroups"][0]["TargetGroupArn"].clone();
    let tags = json!({"ResourceArns.member.1": arn, "TagKeys.member.1": "evenkeel.dev/owner"});
    fixture.by_hand("elasticloadbalancing", "RemoveTags", tags);
    fixture.edit_quietly("shop.yaml", &alarms::shop(), OTHER);
    fixture.start().await;
    fixture.pass(1800).await;
    assert_eq!(there(&fixture).len(), 1, "the target group");
    let record = fixture.record("shop").await;
    assert!(record.rollout.asked.is_empty(), "nothing is looked for any longer");
}
