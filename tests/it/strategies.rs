//! Services whose traffic ECS shifts by itself: the controller starts the deployment, says how far
//! it is, passes on what people answer to a pause, and leaves the rules to ECS.

use crate::alarms::with_alarm;
use crate::support::traffic::Traffic;
use crate::support::{Fixture, REGION, SHOP, condition};
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use aws_sim::faults::{Effect, FaultRule};
use aws_sim::traffic::Request;
use aws_sim::{Moment, Sim};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::request::RequestKind;
use evenkeel::model::status::{DeploymentStatus, EventKind, EventReason};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The shop with a second target group, a rule for test traffic, and more lines of its deployment
/// configuration.
pub fn shop(strategy: &str) -> String {
    let groups =
        SHOP.split("  targetGroups:\n    web:\n").nth(1).unwrap().split("  listeners:").next().unwrap();
    let test = "    test:\n      listener: http\n      priority: 5\n      conditions: [{field: http-header, httpHeaderConfig: {httpHeaderName: x-test, values: [\"1\"]}}]\n      actions: [{type: forward, targetGroup: green}]\n";
    let advanced = "{targetGroup: web, containerName: web, containerPort: 8080, advancedConfiguration: {alternateTargetGroupArn: green, \
        productionListenerRule: web, testListenerRule: test, roleArn: \"arn:aws:iam::123456789012:role/ecsInfrastructureRoleForShop\"}}";
    SHOP.replace("  targetGroups:\n", &format!("  targetGroups:\n    green:\n{groups}"))
        .replace("  rules:\n", &format!("  rules:\n{test}"))
        .replace("{targetGroup: web, containerName: web, containerPort: 8080}", advanced)
        .replace(
            "          deploymentCircuitBreaker: {enable: true, rollback: true}\n",
            &format!("          deploymentCircuitBreaker: {{enable: true, rollback: true}}\n{strategy}"),
        )
}

const BLUE_GREEN: &str = "          strategy: BLUE_GREEN\n          bakeTimeInMinutes: 10\n";

/// An alarm that ECS watches while it deploys and for a while afterwards.
const ALARMS: &str = "          alarms: {alarms: [errors], enable: true, rollback: true}\n";

/// Blue/green with a pause before production gets the new tasks.
pub const PAUSED: &str = "          strategy: BLUE_GREEN\n          lifecycleHooks:\n            - {targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT], timeoutConfiguration: {timeoutInMinutes: 60, action: ROLLBACK}}\n";

/// The shop with a strategy, Ready, with its customers.
async fn open(strategy: &str) -> (Fixture, Traffic) {
    let fixture = Fixture::new(&[("shop.yaml", &shop(strategy))]).await;
    fixture.ready_within(900).await;
    fixture.pass(120).await;
    let traffic = fixture.traffic();
    (fixture, traffic)
}

async fn upgrade(fixture: &mut Fixture) {
    fixture.edit("shop.yaml", "/shop:1.0", "/shop:2.0").await;
}

fn service(fixture: &Fixture) -> Value {
    let input = json!({"cluster": "shop", "services": ["shop-web"]});
    fixture.by_hand("ecs", "DescribeServices", input)["services"][0].clone()
}

/// The newest service deployment, as ECS shows it.
fn deployment(fixture: &Fixture) -> Value {
    let listed =
        fixture.by_hand("ecs", "ListServiceDeployments", json!({"cluster": "shop", "service": "shop-web"}));
    let arn = listed["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    let shown = fixture.by_hand("ecs", "DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}));
    shown["serviceDeployments"][0].clone()
}

/// The image that a request reaches: the revision of the service's tasks that answer.
fn image(fixture: &Fixture) -> String {
    let arn = service(fixture)["taskDefinition"].clone();
    let shown = fixture.by_hand("ecs", "DescribeTaskDefinition", json!({"taskDefinition": arn}));
    shown["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().to_owned()
}

/// Notes every call that the controller makes from now on and that changes something.
fn noted(fixture: &Fixture) -> Arc<Mutex<Vec<String>>> {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&calls);
    fixture.sim.on_call(move |moment| {
        if let Moment::Before { request } = moment
            && !["Describe", "List"].iter().any(|read| request.operation.starts_with(read))
        {
            notes.lock().unwrap().push(request.operation.clone());
        }
    });
    calls
}

fn web(status: &DeploymentStatus) -> (&str, &str) {
    let web = &status.components["web"];
    (web.phase.as_str(), web.message.as_str())
}

/// What `ctl continue` asks for, of the pause that is reported.
pub async fn answer(fixture: &mut Fixture, rollback: bool) {
    let status = fixture.status("shop");
    let pause = status.components["web"].pause.clone().unwrap();
    let kind = RequestKind::Continue {
        component: "web".into(),
        service_deployment: pause.deployment,
        hook: pause.hook,
        rollback,
    };
    fixture.ask("shop", kind).await;
    fixture.declare().await;
}

/// Waits until the deployment is paused.
async fn paused(fixture: &Fixture) -> DeploymentStatus {
    fixture.until(900, |status| status.components["web"].pause.is_some()).await
}

#[tokio::test(start_paused = true)]
async fn every_strategy_deploys_and_upgrades_without_a_lost_request_or_a_word_about_rules() {
    let linear = "          strategy: LINEAR\n          linearConfiguration: {stepPercent: 40, stepBakeTimeInMinutes: 3}\n";
    let canary = "          strategy: CANARY\n          canaryConfiguration: {canaryPercent: 5, canaryBakeTimeInMinutes: 10}\n";
    for strategy in [BLUE_GREEN, linear, canary] {
        let (mut fixture, traffic) = open(strategy).await;
        let calls = noted(&fixture);
        for tag in ["2.0", "3.0"] {
            let before = if tag == "2.0" { "1.0" } else { "2.0" };
            fixture.edit("shop.yaml", &format!("/shop:{before}"), &format!("/shop:{tag}")).await;
            let stage = |status: &DeploymentStatus| web(status).1.contains("TRAFFIC_SHIFT");
            let status = fixture.until(900, stage).await;
            assert_eq!(web(&status).0, "Rolling", "{strategy}");
            fixture.pass(60).await;
            fixture.ready_within(4000).await;
            assert_eq!(image(&fixture), format!("registry.example.com/shop:{tag}"));
            assert_eq!(deployment(&fixture)["status"], "SUCCESSFUL");
        }
        fixture.pass(1800).await;
        traffic.all_served();
        let calls = calls.lock().unwrap().clone();
        assert!(!calls.iter().any(|call| call.contains("Rule") || call.contains("Listener")), "{calls:?}");
        let updates = calls.iter().filter(|call| *call == "UpdateService").count();
        assert_eq!(updates, 2, "{strategy}: {calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_lasts_longer_than_the_progress_deadline_is_told_and_never_stalled() {
    let long = "          strategy: LINEAR\n          linearConfiguration: {stepPercent: 50, stepBakeTimeInMinutes: 40}\n          bakeTimeInMinutes: 30\n";
    let (mut fixture, traffic) = open(long).await;
    upgrade(&mut fixture).await;
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..90 {
        fixture.pass(60).await;
        let status = fixture.status("shop");
        let (phase, message) = web(&status);
        assert_ne!(phase, "Stalled", "{message}");
        told.insert(message.split("; ").last().unwrap_or_default().to_owned());
    }
    fixture.ready_within(1).await;
    traffic.all_served();
    for said in ["LINEAR: PRODUCTION_TRAFFIC_SHIFT at 50 %", "LINEAR: BAKE_TIME"] {
        assert!(told.iter().any(|message| message == said), "{said}: {told:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_alarm_is_told_and_not_fought() {
    let watched =
        format!("{BLUE_GREEN}          alarms: {{alarms: [errors], enable: true, rollback: true}}\n");
    let document = with_alarm(&shop(&watched));
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(900).await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    upgrade(&mut fixture).await;
    fixture.until(900, |status| web(status).1.contains("BAKE_TIME")).await;
    let calls = noted(&fixture);
    let now = fixture.sim.now();
    fixture.sim.with(|aws| aws.region(REGION).cloudwatch.hold(now, "shop-errors", Some("ALARM"))).unwrap();
    let status = fixture.until(900, |status| web(status).0 == "RolledBack").await;
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert!(reason == "RolledBack" && message.contains("alarm"), "{reason}: {message}");
    fixture.pass(3600).await;
    assert_eq!(*calls.lock().unwrap(), Vec::<String>::new(), "it is ECS's to go back");
    assert_eq!(image(&fixture), "registry.example.com/shop:1.0");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_pause_says_what_it_waits_for_and_goes_on_once_a_person_says_so() {
    let (mut fixture, traffic) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    let status = paused(&fixture).await;
    let (phase, message) = web(&status);
    assert_eq!(phase, "Rolling");
    let words = "BLUE_GREEN: POST_TEST_TRAFFIC_SHIFT, waits for ctl continue until ";
    assert!(message.contains(words) && message.ends_with("(then it rolls back)"), "{message}");
    let calls = noted(&fixture);
    fixture.pass(2400).await;
    let status = fixture.status("shop");
    assert_eq!(condition(&status, ConditionType::Stalled).0, Truth::False, "a pause is none");
    let ready = condition(&status, ConditionType::Ready).2;
    assert!(ready.contains("waits for ctl continue"), "{ready}");
    assert_eq!(*calls.lock().unwrap(), Vec::<String>::new());
    answer(&mut fixture, false).await;
    fixture.pass(30).await;
    assert_eq!(*calls.lock().unwrap(), ["ContinueServiceDeployment"]);
    assert!(fixture.requests().await.is_empty(), "it is answered, so it is over");
    fixture.declare().await;
    fixture.ready_within(900).await;
    fixture.pass(600).await;
    assert_eq!(*calls.lock().unwrap(), ["ContinueServiceDeployment"], "once");
    assert_eq!(image(&fixture), "registry.example.com/shop:2.0");
    traffic.all_served();
    let record = fixture.record("shop").await;
    let asked: Vec<_> =
        record.events.iter().filter(|event| event.reason.as_str() == "ContinueRequested").collect();
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert_eq!(asked[0].message, "continuation of web requested by ops: incident 42");
}

/// Counts how often a deployment is looked at from now on.
fn looks(fixture: &Fixture) -> Arc<Mutex<usize>> {
    let looks = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&looks);
    fixture.sim.on_call(move |moment| {
        if let Moment::Before { request } = moment
            && request.operation == "DescribeServiceDeployments"
        {
            *counted.lock().unwrap() += 1;
        }
    });
    looks
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_looked_at_twice_a_minute_and_an_answer_is_passed_on_at_once() {
    let (mut fixture, _) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let looks = looks(&fixture);
    fixture.pass(600).await;
    let seen = *looks.lock().unwrap();
    assert!((15..=25).contains(&seen), "{seen} looks in ten minutes");
    let calls = noted(&fixture);
    answer(&mut fixture, false).await;
    fixture.pass(3).await;
    assert_eq!(*calls.lock().unwrap(), ["ContinueServiceDeployment"]);
    fixture.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_rolled_back_when_a_person_says_so_and_what_failed_is_not_tried_again() {
    let (mut fixture, traffic) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let calls = noted(&fixture);
    answer(&mut fixture, true).await;
    fixture.until(300, |status| web(status).0 == "RolledBack").await;
    fixture.pass(3600).await;
    assert_eq!(*calls.lock().unwrap(), ["ContinueServiceDeployment"]);
    assert_eq!(image(&fixture), "registry.example.com/shop:1.0");
    assert_eq!(deployment(&fixture)["status"], "ROLLBACK_SUCCESSFUL");
    assert!(fixture.status("shop").components["web"].pause.is_none());
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_for_the_pause_that_was_seen_and_goes_when_that_is_over() {
    let (mut fixture, _) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    // Somebody else was faster.
    let hook = deployment(&fixture)["lifecycleHookDetails"][0]["hookId"].clone();
    let arn = deployment(&fixture)["serviceDeploymentArn"].clone();
    fixture.by_hand("ecs", "ContinueServiceDeployment", json!({"serviceDeploymentArn": arn, "hookId": hook}));
    let calls = noted(&fixture);
    answer(&mut fixture, true).await;
    fixture.ready_within(900).await;
    assert_eq!(*calls.lock().unwrap(), Vec::<String>::new());
    assert!(fixture.requests().await.is_empty());
    // The next pause is another one.
    fixture.edit("shop.yaml", "/shop:2.0", "/shop:3.0").await;
    paused(&fixture).await;
    fixture.pass(600).await;
    assert_eq!(web(&fixture.status("shop")).0, "Rolling");
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_the_end_of_a_pause_of_writes_and_survives_a_crash() {
    let (mut fixture, traffic) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let calls = noted(&fixture);
    let until = fixture.clock.now() + jiff::SignedDuration::from_secs(900);
    fixture.ask("shop", RequestKind::Pause { until }).await;
    answer(&mut fixture, false).await;
    fixture.pass(600).await;
    assert_eq!(*calls.lock().unwrap(), Vec::<String>::new());
    assert_eq!(fixture.requests().await.len(), 2);
    fixture.kill().await;
    fixture.start().await;
    fixture.pass(600).await;
    assert_eq!(*calls.lock().unwrap(), ["ContinueServiceDeployment"]);
    fixture.declare().await;
    fixture.ready_within(900).await;
    assert!(fixture.requests().await.is_empty());
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_nobody_answers_is_rolled_back_by_ecs_and_told() {
    let (mut fixture, traffic) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let calls = noted(&fixture);
    fixture.until(3 * 3600, |status| web(status).0 == "RolledBack").await;
    fixture.pass(3600).await;
    assert_eq!(*calls.lock().unwrap(), Vec::<String>::new());
    traffic.all_served();
}

/// The shop on its way back to ROLLING, after so many upgrades: tasks are in the alternate group
/// after an even number of them.
async fn back_to_rolling(upgrades: usize, document: &str) -> (Fixture, Traffic) {
    let (mut fixture, traffic) = open(BLUE_GREEN).await;
    if upgrades == 1 {
        upgrade(&mut fixture).await;
        fixture.pass(60).await;
        fixture.ready_within(3600).await;
    }
    // Where testers went nobody is any more.
    traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
    fixture.write("shop.yaml", &document.replace("/shop:1.0", "/shop:3.0")).await;
    fixture.pass(60).await;
    (fixture, traffic)
}

#[tokio::test(start_paused = true)]
async fn edited_back_to_rolling_no_rule_moves_before_the_tasks_are_where_it_sends_to() {
    let reported = SHOP.replace("spec:\n", "spec:\n  drift: {policy: Report}\n");
    for (upgrades, document) in [(0, SHOP), (1, SHOP), (0, &shop("")), (0, &reported), (1, &reported)] {
        let (fixture, traffic) = back_to_rolling(upgrades, document).await;
        fixture.ready_within(3600).await;
        fixture.pass(1800).await;
        fixture.ready_within(1).await;
        traffic.all_served();
        assert_eq!(image(&fixture), "registry.example.com/shop:3.0");
        let calls = noted(&fixture);
        fixture.pass(3600).await;
        assert_eq!(*calls.lock().unwrap(), Vec::<String>::new(), "at rest, {upgrades}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_would_send_to_the_alternate_group_of_a_service_that_rolls_stays_and_says_why() {
    let (fixture, traffic) = back_to_rolling(1, &shop("")).await;
    fixture.pass(3600).await;
    let ready = condition(&fixture.status("shop"), ConditionType::Ready).2;
    assert!(
        ready.contains("rule/test waits for targets of green: service web has it as an alternate"),
        "{ready}"
    );
    assert_eq!(image(&fixture), "registry.example.com/shop:3.0");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn edited_from_rolling_to_blue_green_nothing_is_lost() {
    let (mut fixture, traffic) = open("").await;
    fixture.write("shop.yaml", &shop(BLUE_GREEN).replace("/shop:1.0", "/shop:3.0")).await;
    fixture.pass(60).await;
    fixture.ready_within(3600).await;
    fixture.pass(1800).await;
    traffic.all_served();
    assert_eq!(image(&fixture), "registry.example.com/shop:3.0");
}

#[tokio::test(start_paused = true)]
async fn a_new_production_rule_takes_requests_once_the_group_serves_that_ecs_sends_it_to() {
    // What the listener does by default would take the requests of a rule that is not there yet.
    let document = shop(BLUE_GREEN).replace(
        "[{type: fixed-response, fixedResponseConfig: {statusCode: \"404\"}}]",
        "[{type: forward, targetGroup: green}]",
    );
    let fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(900).await;
    let answers = fixture.sim.every_answer(&Request::to("shop", 80));
    assert!(answers.iter().all(|answer| answer.target_group().is_some()), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_has_shifted_before_is_adopted_with_its_rule_where_ecs_left_it() {
    let adopting = shop(BLUE_GREEN).replace("spec:\n", "spec:\n  adopt: true\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &adopting)]).await;
    fixture.ready_within(900).await;
    fixture.pass(120).await;
    let traffic = fixture.traffic();
    fixture.stop().await;
    // Everything that the controller knew is lost, and everything that says whose it is.
    std::fs::remove_dir_all(fixture.state_folder()).unwrap();
    let arn = service(&fixture)["serviceArn"].clone();
    let keys = json!(["evenkeel.dev/owner", "evenkeel.dev/component"]);
    fixture.by_hand("ecs", "UntagResource", json!({"resourceArn": arn, "tagKeys": keys}));
    let balancer = fixture.by_hand("elasticloadbalancing", "DescribeLoadBalancers", json!({}));
    let balancer = balancer["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let listeners =
        fixture.by_hand("elasticloadbalancing", "DescribeListeners", json!({"LoadBalancerArn": balancer}));
    let listener = listeners["Listeners"][0]["ListenerArn"].clone();
    let rules = fixture.by_hand("elasticloadbalancing", "DescribeRules", json!({"ListenerArn": listener}));
    for rule in rules["Rules"].as_array().unwrap().iter().filter(|rule| rule["Priority"] != "default") {
        let input = json!({"ResourceArns.member.1": rule["RuleArn"], "TagKeys.member.1": keys[0], "TagKeys.member.2": keys[1]});
        fixture.by_hand("elasticloadbalancing", "RemoveTags", input);
    }
    let calls = noted(&fixture);
    fixture.start().await;
    fixture.ready_within(1800).await;
    fixture.pass(1800).await;
    traffic.all_served();
    let calls = calls.lock().unwrap().clone();
    let moved: Vec<&String> = calls.iter().filter(|call| call.contains("Modify")).collect();
    assert_eq!(moved, Vec::<&String>::new(), "{calls:?}");
    assert!(calls.iter().any(|call| call == "TagResource"), "{calls:?}");
    assert!(traffic.servers(&Request::to("shop", 80)).len() == 1);
}

fn elb(fixture: &Fixture, operation: &str, input: Value) -> Value {
    fixture.by_hand("elasticloadbalancing", operation, input)
}

/// The shop with an alternate group and a test rule that somebody else manages.
fn with_foreign_alternate(fixture: &Fixture) -> String {
    let group = json!({"Name": "outside", "Protocol": "HTTP", "Port": 8080, "VpcId": "vpc-0123456789abcdef0",
        "TargetType": "ip", "HealthCheckPath": "/health", "HealthCheckIntervalSeconds": 10});
    let group = elb(fixture, "CreateTargetGroup", group)["TargetGroups"][0]["TargetGroupArn"].clone();
    let balancer =
        elb(fixture, "DescribeLoadBalancers", json!({}))["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let listener = elb(fixture, "DescribeListeners", json!({"LoadBalancerArn": balancer}));
    let rule = json!({"ListenerArn": listener["Listeners"][0]["ListenerArn"], "Priority": 5,
        "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": "/test/*",
        "Actions.member.1.Type": "forward", "Actions.member.1.TargetGroupArn": group});
    let rule = elb(fixture, "CreateRule", rule)["Rules"][0]["RuleArn"].clone();
    let advanced = format!(
        "{{targetGroup: web, containerName: web, containerPort: 8080, advancedConfiguration: {{alternateTargetGroupArn: {group}, \
         productionListenerRule: web, testListenerRule: {rule}, roleArn: \"arn:aws:iam::123456789012:role/ecsInfrastructureRoleForShop\"}}}}"
    );
    let breaker = "          deploymentCircuitBreaker: {enable: true, rollback: true}\n";
    SHOP.replace("{targetGroup: web, containerName: web, containerPort: 8080}", &advanced)
        .replace(breaker, &format!("{breaker}{BLUE_GREEN}"))
}

#[tokio::test(start_paused = true)]
async fn ready_after_an_odd_and_an_even_number_of_deployments_with_an_alternate_of_somebody_else() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    let document = with_foreign_alternate(&fixture);
    for tag in ["2.0", "3.0", "4.0"] {
        fixture.write("shop.yaml", &document.replace("/shop:1.0", &format!("/shop:{tag}"))).await;
        fixture.pass(60).await;
        fixture.ready_within(3600).await;
        fixture.pass(600).await;
        fixture.ready_within(1).await;
        assert_eq!(image(&fixture), format!("registry.example.com/shop:{tag}"));
    }
}

/// Registers an address that answers nobody in one of the two target groups of the service.
fn stray(fixture: &Fixture, group: &str) {
    let arn = service(fixture)["loadBalancers"][0].pointer(group).unwrap().clone();
    fixture.sim.with(|aws| aws.region(REGION).elbv2.silence("10.9.9.9"));
    let input = json!({"TargetGroupArn": arn, "Targets.member.1.Id": "10.9.9.9"});
    elb(fixture, "RegisterTargets", input);
}

#[tokio::test(start_paused = true)]
async fn what_is_unhealthy_in_the_group_that_serves_is_not_ready_and_what_is_left_in_the_other_is_not_asked()
{
    // The first deployment is in the alternate group, the second one in the declared one.
    let (declared, alternate) = ("/targetGroupArn", "/advancedConfiguration/alternateTargetGroupArn");
    for (upgrades, serving, other) in [(0, alternate, declared), (1, declared, alternate)] {
        let (mut fixture, _) = open(BLUE_GREEN).await;
        if upgrades == 1 {
            upgrade(&mut fixture).await;
            fixture.pass(60).await;
            fixture.ready_within(3600).await;
            fixture.pass(120).await;
        }
        stray(&fixture, other);
        for _ in 0..12 {
            fixture.pass(30).await;
            let (ready, reason, message) = condition(&fixture.status("shop"), ConditionType::Ready);
            assert_eq!(ready, Truth::True, "{upgrades}: {reason}: {message}");
            let healthy = condition(&fixture.status("shop"), ConditionType::TargetsHealthy).0;
            assert_eq!(healthy, Truth::True, "{upgrades}");
        }
        stray(&fixture, serving);
        let unready = |status: &DeploymentStatus| {
            let (ready, reason, _) = condition(status, ConditionType::TargetsHealthy);
            ready == Truth::False && reason == "TargetsUnhealthy"
        };
        let status = fixture.until(180, unready).await;
        assert_eq!(condition(&status, ConditionType::Ready).0, Truth::False, "{upgrades}");
        // It belongs to no task: after a while it is taken out.
        fixture.ready_within(900).await;
    }
}

/// Gives the two groups of the service other weights in its production rule, the one that its tasks
/// are in first.
fn weigh(fixture: &Fixture, serving: u32, other: u32) {
    let known = service(fixture)["loadBalancers"][0].clone();
    let advanced = &known["advancedConfiguration"];
    let groups = [&advanced["alternateTargetGroupArn"], &known["targetGroupArn"]];
    let action = "Actions.member.1";
    let mut input = json!({"RuleArn": advanced["productionListenerRule"]});
    input[format!("{action}.Type")] = json!("forward");
    for (index, (group, weight)) in groups.into_iter().zip([serving, other]).enumerate() {
        let member = format!("{action}.ForwardConfig.TargetGroups.member.{}", index + 1);
        input[format!("{member}.TargetGroupArn")] = group.clone();
        input[format!("{member}.Weight")] = json!(weight);
    }
    elb(fixture, "ModifyRule", input);
}

#[tokio::test(start_paused = true)]
async fn traffic_that_somebody_sends_past_the_tasks_is_told_and_brought_back_and_ecs_shifts_on() {
    // The first deployment is in the alternate group.
    let (mut fixture, _) = open(BLUE_GREEN).await;
    for weights in [(0, 100), (50, 50), (100, 1)] {
        let noted = noted(&fixture);
        weigh(&fixture, weights.0, weights.1);
        fixture.pass(180).await;
        assert_eq!(*noted.lock().unwrap(), ["ModifyRule"], "its repair");
        fixture.ready_within(60).await;
        let traffic = fixture.traffic();
        fixture.pass(300).await;
        traffic.all_served();
    }
    let traffic = fixture.traffic();
    upgrade(&mut fixture).await;
    fixture.pass(60).await;
    fixture.ready_within(3600).await;
    assert_eq!(image(&fixture), "registry.example.com/shop:2.0");
    traffic.all_served();
}

/// The target groups that the production rule sends to, with the percent of requests that each
/// gets; none where it does not forward.
fn sent_to(fixture: &Fixture) -> BTreeMap<String, u64> {
    let rule =
        service(fixture)["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"].clone();
    let shown = elb(fixture, "DescribeRules", json!({"RuleArns.member.1": rule}));
    let groups = shown["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"].clone();
    let of = |group: &Value| {
        let weight = group["Weight"].as_u64().or_else(|| group["Weight"].as_str()?.parse().ok());
        let arn = group["TargetGroupArn"].as_str().unwrap();
        (arn.split('/').nth(1).unwrap().to_owned(), weight.unwrap_or(1))
    };
    let all: Vec<(String, u64)> = groups.as_array().into_iter().flatten().map(of).collect();
    let sum: u64 = all.iter().map(|(_, weight)| weight).sum();
    all.into_iter().map(|(group, weight)| (group, weight * 100 / sum)).filter(|(_, of)| *of > 0).collect()
}

/// Makes the production rule answer by itself.
fn answer_by_hand(fixture: &Fixture) {
    let rule =
        service(fixture)["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"].clone();
    let action = "Actions.member.1";
    let mut input = json!({"RuleArn": rule});
    input[format!("{action}.Type")] = json!("fixed-response");
    input[format!("{action}.FixedResponseConfig.StatusCode")] = json!("503");
    elb(fixture, "ModifyRule", input);
}

#[tokio::test(start_paused = true)]
async fn a_production_rule_edited_by_hand_in_a_pause_gets_back_what_ecs_asks_for_and_no_more() {
    for upgrades in [1, 2] {
        let (mut fixture, _) = open(PAUSED).await;
        for tag in 1..=upgrades {
            fixture.edit("shop.yaml", &format!("/shop:{tag}.0"), &format!("/shop:{}.0", tag + 1)).await;
            paused(&fixture).await;
            if tag < upgrades {
                answer(&mut fixture, false).await;
                fixture.ready_within(3600).await;
            }
        }
        let before = sent_to(&fixture);
        assert_eq!(before.len(), 1, "to what was there before: {before:?}");
        let noted = noted(&fixture);
        answer_by_hand(&fixture);
        fixture.pass(180).await;
        assert_eq!(sent_to(&fixture), before, "{upgrades}");
        assert_eq!(*noted.lock().unwrap(), ["ModifyRule"], "its repair");
        let traffic = fixture.traffic();
        answer(&mut fixture, false).await;
        fixture.ready_within(3600).await;
        assert_ne!(sent_to(&fixture), before, "approved");
        // At rest it gets back what serves.
        let after = sent_to(&fixture);
        traffic.all_served();
        drop(traffic);
        answer_by_hand(&fixture);
        fixture.pass(180).await;
        assert_eq!(sent_to(&fixture), after, "{upgrades}");
    }
}

/// Whether traffic is said to go elsewhere than ECS asks for.
fn is_misdirected(status: &DeploymentStatus) -> bool {
    let (truth, _, message) = condition(status, ConditionType::TargetsHealthy);
    truth == Truth::False && message.contains("and ECS asks for")
}

#[tokio::test(start_paused = true)]
async fn weights_edited_by_hand_in_a_pause_are_told_at_once_and_put_back_a_moment_later() {
    let (mut fixture, _) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let before = sent_to(&fixture);
    for weights in [(0, 100), (50, 50)] {
        let noted = noted(&fixture);
        weigh(&fixture, weights.0, weights.1);
        fixture.until(60, is_misdirected).await;
        assert_eq!(noted.lock().unwrap().len(), 0, "told before it is written");
        fixture.pass(180).await;
        assert_eq!(
            (sent_to(&fixture), &*noted.lock().unwrap()),
            (before.clone(), &vec!["ModifyRule".to_owned()])
        );
    }
    let traffic = fixture.traffic();
    weigh(&fixture, 0, 100);
    answer(&mut fixture, false).await;
    fixture.ready_within(3600).await;
    traffic.all_served();
    assert_eq!(image(&fixture), "registry.example.com/shop:2.0");
}

#[tokio::test(start_paused = true)]
async fn weights_edited_by_hand_while_the_new_tasks_bake_are_put_back_before_the_old_ones_stop() {
    let (mut fixture, _) = open(BLUE_GREEN).await;
    upgrade(&mut fixture).await;
    fixture.until(1800, |status| web(status).1.contains("BAKE_TIME")).await;
    let before = sent_to(&fixture);
    let traffic = fixture.traffic();
    weigh(&fixture, 100, 0);
    fixture.ready_within(3600).await;
    assert_eq!(sent_to(&fixture), before);
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_a_pause_of_writes_holds_is_told_once_and_given_when_that_ends() {
    let (mut fixture, _) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let noted = noted(&fixture);
    let until = fixture.clock.now() + jiff::SignedDuration::from_secs(600);
    fixture.ask("shop", RequestKind::Pause { until }).await;
    answer(&mut fixture, false).await;
    fixture.pass(120).await;
    fixture.declare().await;
    fixture.pass(120).await;
    let held = |told: &str| {
        told.contains("its pause is answered, and the answer is held: writes are suspended by ops")
    };
    assert!(held(web(&fixture.status("shop")).1), "{:?}", web(&fixture.status("shop")));
    let record = fixture.record("shop").await;
    let events = record.events.iter().filter(|event| event.reason == EventReason::ContinueHeld);
    assert_eq!(events.map(|event| (event.kind, event.count)).collect::<Vec<_>>(), [(EventKind::Normal, 1)]);
    assert_eq!(*noted.lock().unwrap(), Vec::<String>::new());
    fixture.pass(600).await;
    assert_eq!(*noted.lock().unwrap(), ["ContinueServiceDeployment"]);
    fixture.ready_within(3600).await;
}

#[tokio::test(start_paused = true)]
async fn weights_edited_by_hand_in_a_pause_are_told_and_left_where_drift_is_only_reported() {
    let (mut fixture, _) = open(PAUSED).await;
    fixture.edit("shop.yaml", "spec:\n", "spec:\n  drift: {policy: Report}\n").await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    weigh(&fixture, 0, 100);
    let noted = noted(&fixture);
    fixture.pass(300).await;
    assert_eq!(*noted.lock().unwrap(), Vec::<String>::new());
    let status = fixture.status("shop");
    assert!(is_misdirected(&status), "{status:?}");
    let (_, _, message) = condition(&status, ConditionType::Drifted);
    assert!(message.contains("rule/web"), "{message}");
    // An answer is no wish to send all requests to nobody, whatever is to be done about drift.
    answer(&mut fixture, false).await;
    fixture.pass(120).await;
    assert_eq!(*noted.lock().unwrap(), Vec::<String>::new());
    let waits: Vec<String> = fixture.status("shop").waiting_on.iter().map(|it| it.on.to_string()).collect();
    let way = "set it right yourself, or roll back with `ctl continue --rollback`";
    assert!(waits.iter().any(|wait| wait.contains(way)), "{waits:?}");
    // Who gave the answer is not asked for it again, and is told once that it is held.
    let status = fixture.status("shop");
    let ready = condition(&status, ConditionType::Ready).2;
    for told in [web(&status).1, &ready] {
        assert!(told.contains(way) && !told.contains("waits for ctl continue"), "{told}");
    }
    let record = fixture.record("shop").await;
    let held = record.events.iter().filter(|event| event.reason == EventReason::ContinueHeld);
    assert_eq!(held.map(|event| (event.kind, event.count)).collect::<Vec<_>>(), [(EventKind::Warning, 1)]);
    let traffic = fixture.traffic();
    weigh(&fixture, 100, 0);
    fixture.pass(60).await;
    assert_eq!(*noted.lock().unwrap(), ["ContinueServiceDeployment"], "once the rule was set right");
    fixture.ready_within(3600).await;
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_production_rule_edited_by_hand_between_steps_gets_back_the_share_of_the_step() {
    let linear = "          strategy: LINEAR\n          linearConfiguration: {stepPercent: 40, stepBakeTimeInMinutes: 30}\n";
    let (mut fixture, _) = open(linear).await;
    upgrade(&mut fixture).await;
    fixture.until(900, |status| web(status).1.contains("at 40 %")).await;
    let before = sent_to(&fixture);
    assert_eq!(before.len(), 2, "{before:?}");
    answer_by_hand(&fixture);
    fixture.pass(180).await;
    assert_eq!(sent_to(&fixture), before);
    fixture.ready_within(7200).await;
}

#[tokio::test(start_paused = true)]
async fn a_production_rule_deleted_by_hand_is_made_again_with_what_serves() {
    // The first deployment is in the alternate group, the second one in the declared one.
    for upgrades in [0, 1] {
        let (mut fixture, _) = open(BLUE_GREEN).await;
        if upgrades == 1 {
            upgrade(&mut fixture).await;
            fixture.until(900, |status| web(status).0 == "Rolling").await;
            fixture.ready_within(3600).await;
        }
        let rule =
            service(&fixture)["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"].clone();
        elb(&fixture, "DeleteRule", json!({"RuleArn": rule}));
        let created = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&created);
        fixture.sim.on_call(move |moment| {
            if let Moment::Before { request } = moment
                && ["CreateRule", "ModifyRule"].contains(&request.operation.as_str())
            {
                notes.lock().unwrap().push(request.operation.clone());
            }
        });
        fixture.pass(120).await;
        fixture.ready_within(3600).await;
        assert_eq!(*created.lock().unwrap(), ["CreateRule"], "{upgrades}: at once as it is to be");
        assert_eq!(sent_to(&fixture).len(), 1);
        let traffic = fixture.traffic();
        fixture.pass(600).await;
        traffic.all_served();
    }
}

#[tokio::test(start_paused = true)]
async fn where_ecs_sends_traffic_is_not_guessed_when_it_cannot_be_read() {
    let (mut fixture, _) = open(PAUSED).await;
    upgrade(&mut fixture).await;
    paused(&fixture).await;
    let before = sent_to(&fixture);
    let noted = noted(&fixture);
    fixture.sim.faults().add(FaultRule::on(
        "ecs:DescribeServiceRevisions",
        Effect::access_denied("ecs:DescribeServiceRevisions"),
    ));
    answer_by_hand(&fixture);
    fixture.pass(300).await;
    assert_eq!(*noted.lock().unwrap(), Vec::<String>::new());
    let status = fixture.status("shop");
    let (_, _, message) = condition(&status, ConditionType::Ready);
    assert!(message.contains("DescribeServiceRevisions"), "{message}");
    fixture.sim.faults().clear();
    fixture.pass(180).await;
    assert_eq!(sent_to(&fixture), before);
}

#[tokio::test(start_paused = true)]
async fn traffic_that_somebody_sends_past_the_tasks_is_not_ready_where_drift_is_only_reported() {
    let document = shop(BLUE_GREEN).replace("spec:\n", "spec:\n  drift: {policy: Report}\n");
    let fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(900).await;
    weigh(&fixture, 0, 100);
    let status = fixture.until(180, |status| condition(status, ConditionType::Ready).0 == Truth::False).await;
    let (_, reason, message) = condition(&status, ConditionType::TargetsHealthy);
    assert!(reason == "TargetsUnhealthy", "{reason}: {message}");
    assert!(
        message.contains("rule/web sends traffic to target group web, and its tasks are in green"),
        "{message}"
    );
    assert!(message.ends_with("`spec.drift` leaves that as it is, so set it right yourself"), "{message}");
    assert_eq!(condition(&status, ConditionType::Drifted).0, Truth::True);
    fixture.pass(600).await;
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Ready).0, Truth::False);
    weigh(&fixture, 100, 0);
    fixture.ready_within(180).await;
}

/// The shop with a strategy after so many deployments, with its customers. There is another
/// cluster, too. The first deployment is in the alternate group, the second one in the declared
/// one.
async fn open_with_mall(strategy: &str, upgrades: usize) -> (Fixture, Traffic) {
    let (mut fixture, traffic) = open(strategy).await;
    fixture.by_hand("ecs", "CreateCluster", json!({"clusterName": "mall"}));
    if upgrades == 1 {
        upgrade(&mut fixture).await;
        fixture.pass(60).await;
        fixture.ready_within(3600).await;
    }
    (fixture, traffic)
}

/// Services in a cluster.
fn services_in(fixture: &Fixture, cluster: &str) -> usize {
    let listed = fixture.by_hand("ecs", "ListServices", json!({"cluster": cluster}));
    listed["serviceArns"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn another_cluster_under_a_strategy_is_held_and_says_the_way_and_that_way_loses_nothing() {
    for upgrades in [0, 1] {
        let (mut fixture, traffic) = open_with_mall(BLUE_GREEN, upgrades).await;
        fixture.edit("shop.yaml", "cluster: shop}", "cluster: mall}").await;
        let told = |status: &DeploymentStatus| {
            condition(status, ConditionType::Stalled).2.contains("serves behind the same rule")
        };
        fixture.until(300, told).await;
        fixture.pass(1800).await;
        assert_eq!((services_in(&fixture, "shop"), services_in(&fixture, "mall")), (1, 0));
        traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
        for (document, seconds) in [(SHOP, 600), (&shop(BLUE_GREEN), 60)] {
            let document = document.replace("cluster: shop}", "cluster: mall}");
            let document = document.replace("/shop:1.0", &format!("/shop:{}.0", upgrades + 1));
            fixture.write("shop.yaml", &document).await;
            fixture.pass(60).await;
            fixture.ready_within(7200).await;
            fixture.pass(seconds).await;
            assert_eq!((services_in(&fixture, "shop"), services_in(&fixture, "mall")), (0, 1));
        }
        traffic.all_served();
    }
}

#[tokio::test(start_paused = true)]
async fn another_cluster_under_a_strategy_that_is_undone_is_as_if_it_had_not_been() {
    for upgrades in [0, 1] {
        let (mut fixture, traffic) = open_with_mall(BLUE_GREEN, upgrades).await;
        for (from, to) in [("shop", "mall"), ("mall", "shop")] {
            fixture.edit("shop.yaml", &format!("cluster: {from}}}"), &format!("cluster: {to}}}")).await;
            fixture.pass(600).await;
        }
        fixture.ready_within(60).await;
        assert_eq!((services_in(&fixture, "shop"), services_in(&fixture, "mall")), (1, 0));
        traffic.all_served();
    }
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_is_taken_back_and_declared_again_in_the_middle_loses_nothing() {
    // Without the alternate group, with it, and with a new image.
    let kept = shop("");
    let image = kept.replace("/shop:1.0", "/shop:9.0");
    for (upgrades, rolling) in [(0, SHOP), (0, &kept), (0, &image), (1, SHOP), (1, &kept)] {
        for seconds in [6, 12, 24, 36, 60, 120] {
            let (mut fixture, traffic) = open(BLUE_GREEN).await;
            traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
            let mut tag = "/shop:1.0";
            if upgrades == 1 {
                upgrade(&mut fixture).await;
                fixture.pass(60).await;
                fixture.ready_within(3600).await;
                tag = "/shop:2.0";
            }
            fixture.write("shop.yaml", &rolling.replace("/shop:1.0", tag)).await;
            fixture.pass(seconds).await;
            fixture.write("shop.yaml", &shop(BLUE_GREEN).replace("/shop:1.0", tag)).await;
            fixture.pass(60).await;
            fixture.ready_within(7200).await;
            fixture.pass(600).await;
            fixture.ready_within(1).await;
            traffic.all_served();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_ecs_has_shifted_the_traffic_to_is_no_drift_of_a_rule_that_is_to_roll_again() {
    let both = "targetGroups: [{targetGroup: web, weight: 1}, {targetGroup: green, weight: 0}]";
    for policy in ["Report", "Ignore", "Repair"] {
        for rolling in [SHOP.to_owned(), shop("")] {
            let with = |document: &str| {
                let document =
                    document.replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"));
                let (head, tail) =
                    document.rsplit_once("actions: [{type: forward, targetGroup: web}]").unwrap();
                if tail.contains("green") || head.contains("green:") {
                    format!("{head}actions: [{{type: forward, {both}}}]{tail}")
                } else {
                    document
                }
            };
            let mut fixture = Fixture::new(&[("shop.yaml", &with(&shop(BLUE_GREEN)))]).await;
            fixture.ready_within(900).await;
            // The first deployment is in the alternate group.
            fixture.pass(420).await;
            let traffic = fixture.traffic();
            traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
            fixture.write("shop.yaml", &with(&rolling)).await;
            fixture.pass(60).await;
            fixture.ready_within(3600).await;
            fixture.pass(600).await;
            fixture.ready_within(1).await;
            traffic.all_served();
            let events = fixture.record("shop").await.events;
            let of_drift = events.iter().find(|event| event.reason.as_str().starts_with("Drift"));
            assert!(of_drift.is_none(), "{policy}: {of_drift:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_waits_until_what_was_replaced_is_cleaned_up() {
    let (mut fixture, traffic) = open(BLUE_GREEN).await;
    upgrade(&mut fixture).await;
    fixture.until(2400, |status| web(status).1.contains("CLEAN_UP")).await;
    let noted = noted(&fixture);
    fixture.edit("shop.yaml", "/shop:2.0", "/shop:3.0").await;
    let said =
        "BLUE_GREEN: CLEAN_UP; what is newer comes once that is over: nothing else could take its traffic";
    fixture.until(30, |status| condition(status, ConditionType::Ready).2.contains(said)).await;
    assert!(!noted.lock().unwrap().contains(&"UpdateService".to_owned()));
    fixture.pass(300).await;
    fixture.ready_within(3600).await;
    assert_eq!(image(&fixture), "registry.example.com/shop:3.0");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_waits_for_the_end_of_a_first_deployment_that_serves() {
    let first = with_alarm(&shop(&format!("{BLUE_GREEN}{ALARMS}")));
    for (document, strategy) in [(first.as_str(), "BLUE_GREEN"), (SHOP, "ROLLING")] {
        let mut fixture = Fixture::new(&[("shop.yaml", &first)]).await;
        fixture.until(900, |status| web(status).1.contains("BAKE_TIME")).await;
        fixture.pass(30).await;
        let traffic = fixture.traffic();
        if strategy == "ROLLING" {
            traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
        }
        fixture.write("shop.yaml", &document.replace("/shop:1.0", "/shop:2.0")).await;
        fixture.pass(30).await;
        let ready = condition(&fixture.status("shop"), ConditionType::Ready).2;
        assert!(ready.contains("BLUE_GREEN: BAKE_TIME") && ready.contains("once that is over"), "{ready}");
        assert_eq!(image(&fixture), "registry.example.com/shop:1.0");
        fixture.ready_within(3600).await;
        assert_eq!(image(&fixture), "registry.example.com/shop:2.0");
        assert_eq!(service(&fixture)["deploymentConfiguration"]["strategy"], strategy);
        traffic.all_served();
    }
}

#[tokio::test(start_paused = true)]
async fn edited_back_to_rolling_in_the_middle_of_a_shift_it_is_over_before_anything_rolls() {
    for (stage, rollback) in [
        ("POST_PRODUCTION_TRAFFIC_SHIFT", false),
        ("POST_TEST_TRAFFIC_SHIFT", false),
        ("POST_TEST_TRAFFIC_SHIFT", true),
    ] {
        let (mut fixture, traffic) = open(&PAUSED.replace("POST_TEST_TRAFFIC_SHIFT", stage)).await;
        upgrade(&mut fixture).await;
        paused(&fixture).await;
        traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
        let calls = noted(&fixture);
        fixture.write("shop.yaml", &SHOP.replace("/shop:1.0", "/shop:3.0")).await;
        fixture.pass(900).await;
        let told = condition(&fixture.status("shop"), ConditionType::Ready).2;
        assert!(told.contains("waits for ctl continue") && told.contains("ROLLING comes once"), "{told}");
        let moved = |call: &String| call.contains("Rule") || call == "UpdateService";
        assert!(!calls.lock().unwrap().iter().any(moved), "{stage}: {calls:?}");
        answer(&mut fixture, rollback).await;
        fixture.pass(60).await;
        fixture.ready_within(3600).await;
        fixture.pass(1800).await;
        fixture.ready_within(1).await;
        traffic.all_served();
        assert_eq!(image(&fixture), "registry.example.com/shop:3.0", "{stage}");
        assert_eq!(service(&fixture)["deploymentConfiguration"]["strategy"], "ROLLING");
    }
}

#[tokio::test(start_paused = true)]
async fn edited_back_to_rolling_while_traffic_is_shifted_in_steps_nothing_is_lost() {
    let linear = "          strategy: LINEAR\n          linearConfiguration: {stepPercent: 40, stepBakeTimeInMinutes: 3}\n";
    let canary = "          strategy: CANARY\n          canaryConfiguration: {canaryPercent: 5, canaryBakeTimeInMinutes: 10}\n";
    for strategy in [linear, canary] {
        let (mut fixture, traffic) = open(strategy).await;
        upgrade(&mut fixture).await;
        fixture.until(900, |status| web(status).1.contains("PRODUCTION_TRAFFIC_SHIFT at")).await;
        traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
        fixture.write("shop.yaml", &SHOP.replace("/shop:1.0", "/shop:3.0")).await;
        fixture.pass(60).await;
        fixture.ready_within(7200).await;
        fixture.pass(600).await;
        traffic.all_served();
        assert_eq!(image(&fixture), "registry.example.com/shop:3.0");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strategy_with_a_gate_and_a_new_image_in_one_edit_the_image_goes_through_the_gate() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    fixture.pass(120).await;
    let traffic = fixture.traffic();
    fixture.write("shop.yaml", &shop(PAUSED).replace("/shop:1.0", "/shop:2.0")).await;
    let mut gated = false;
    for _ in 0..180 {
        fixture.pass(10).await;
        let status = fixture.status("shop");
        assert_eq!(condition(&status, ConditionType::Stalled).0, Truth::False, "{status:#?}");
        if image(&fixture).ends_with(":2.0") {
            assert_eq!(deployment(&fixture)["deploymentConfiguration"]["strategy"], "BLUE_GREEN");
            gated = status.components["web"].pause.is_some();
        }
        if gated {
            break;
        }
    }
    assert!(gated, "it never came to the pause");
    answer(&mut fixture, false).await;
    fixture.pass(60).await;
    fixture.ready_within(3600).await;
    assert_eq!(image(&fixture), "registry.example.com/shop:2.0");
    let refused = fixture.record("shop").await;
    assert!(!refused.events.iter().any(|event| event.reason.as_str() == "ActionFailed"), "{refused:#?}");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn another_target_group_under_blue_green_is_not_asked_for_and_says_what_to_do_and_the_image_goes_on() {
    let (mut fixture, traffic) = open(BLUE_GREEN).await;
    let document = shop(BLUE_GREEN);
    let groups = document.split("    web:\n").nth(1).unwrap().split("  listeners:").next().unwrap();
    let document = document
        .replace("  listeners:\n", &format!("    blue:\n{groups}  listeners:\n"))
        .replace("{targetGroup: web, containerName", "{targetGroup: blue, containerName")
        .replace("/shop:1.0", "/shop:2.0");
    fixture.write("shop.yaml", &document).await;
    let told = |status: &DeploymentStatus| {
        condition(status, ConditionType::Stalled).2.contains("strategy BLUE_GREEN")
    };
    let status = fixture.until(300, told).await;
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert!(reason == "Blocked" && message.contains("ROLLING"), "{reason}: {message}");
    fixture.pass(1800).await;
    assert_eq!(image(&fixture), "registry.example.com/shop:2.0");
    let record = fixture.record("shop").await;
    assert!(!record.events.iter().any(|event| event.reason.as_str() == "ActionFailed"), "{record:#?}");
    is_complete_and_blocked(&fixture);
    traffic.all_served();
}

/// The rollout is done, and nothing but what cannot be changed is told.
fn is_complete_and_blocked(fixture: &Fixture) {
    let status = fixture.status("shop");
    assert_eq!(web(&status).0, "Complete");
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert!(reason == "Blocked" && !message.contains("no progress"), "{reason}: {message}");
}

#[tokio::test(start_paused = true)]
async fn another_port_under_blue_green_is_said_to_be_blocked_and_what_runs_goes_on() {
    let (mut fixture, traffic) = open(BLUE_GREEN).await;
    let groups =
        shop(BLUE_GREEN).split("    web:\n").nth(1).unwrap().split("  listeners:").next().unwrap().to_owned();
    let document = shop(BLUE_GREEN)
        .replace("  listeners:\n", &format!("    other:\n{}  listeners:\n", groups.replace("8080", "9090")))
        .replace(
            "{targetGroup: web, containerName: web, containerPort: 8080",
            "{targetGroup: other, containerName: web, containerPort: 9090",
        )
        .replace("containerPort: 8080}]", "containerPort: 9090}]")
        .replace("/shop:1.0", "/shop:2.0");
    assert!(document.contains("containerPort: 9090"), "{document}");
    fixture.write("shop.yaml", &document).await;
    fixture.pass(3600).await;
    let record = fixture.record("shop").await;
    let failed = record.events.iter().filter(|event| event.reason.as_str() == "ActionFailed");
    assert_eq!(failed.count(), 0, "nothing is asked for that AWS refuses: {record:#?}");
    let status = fixture.status("shop");
    let (_, reason, message) = condition(&status, ConditionType::Stalled);
    assert!(reason == "Blocked" && message.contains("strategy BLUE_GREEN"), "{reason}: {message}");
    assert!(!message.contains("no progress"), "{message}");
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn what_the_circuit_breaker_rolled_back_under_a_strategy_is_not_deployed_again_until_a_retry() {
    let (mut fixture, traffic) = open(BLUE_GREEN).await;
    fixture.sim.behave(BehaviourRule::image("*/shop:2.0", Behaviour::exits(1, 5.0)));
    upgrade(&mut fixture).await;
    fixture.until(3600, |status| web(status).0 == "RolledBack").await;
    let calls = noted(&fixture);
    fixture.pass(7200).await;
    assert_eq!(*calls.lock().unwrap(), Vec::<String>::new());
    assert_eq!(image(&fixture), "registry.example.com/shop:1.0");
    fixture.ask("shop", RequestKind::Retry { component: None }).await;
    fixture.declare().await;
    fixture.pass(60).await;
    assert_eq!(*calls.lock().unwrap(), ["UpdateService"], "once more");
    fixture.until(3600, |status| web(status).0 == "RolledBack").await;
    fixture.pass(3600).await;
    assert_eq!(*calls.lock().unwrap(), ["UpdateService"]);
    traffic.all_served();
}

/// The production rule under another key, and on another port: what ECS shifts is one rule, and who
/// comes by the former one would find the tasks stopped.
#[tokio::test(start_paused = true)]
async fn another_production_rule_under_a_strategy_is_held_and_says_the_way_and_that_way_loses_nothing() {
    let key = |document: &str| {
        document
            .replace(
                "    web:\n      listener: http\n      priority: 10",
                "    prod:\n      listener: http\n      priority: 30",
            )
            .replace("productionListenerRule: web", "productionListenerRule: prod")
    };
    let port = |document: &str| document.replace("port: 80\n", "port: 81\n");
    for other_port in [false, true] {
        let moved = |document: &str| if other_port { port(document) } else { key(document) };
        for upgrades in [0, 1] {
            let (mut fixture, traffic) = open(BLUE_GREEN).await;
            if upgrades == 1 {
                upgrade(&mut fixture).await;
                fixture.pass(60).await;
                fixture.ready_within(3600).await;
            }
            let next = |document: &str| moved(document).replace("/shop:1.0", "/shop:3.0");
            assert_ne!(next(&shop(BLUE_GREEN)), shop(BLUE_GREEN));
            fixture.write("shop.yaml", &next(&shop(BLUE_GREEN))).await;
            let told = |status: &DeploymentStatus| {
                condition(status, ConditionType::Stalled).2.contains("its production rule cannot be replaced")
            };
            fixture.until(300, told).await;
            fixture.pass(1200).await;
            assert_eq!(image(&fixture), "registry.example.com/shop:3.0", "the image goes on");
            traffic.all_served();
            traffic.no_longer(&Request::to("shop", 80).header("x-test", "1"));
            fixture.write("shop.yaml", &next(SHOP)).await;
            if other_port {
                fixture.pass(5).await;
                traffic.no_longer(&Request::to("shop", 80));
            }
            fixture.pass(60).await;
            fixture.ready_within(3600).await;
            if other_port {
                traffic.also(Request::to("shop", 81));
            }
            fixture.write("shop.yaml", &next(&shop(BLUE_GREEN))).await;
            fixture.pass(60).await;
            fixture.ready_within(3600).await;
            fixture.pass(300).await;
            traffic.all_served();
        }
    }
}

/// The first service was never made: its rule forwards to the group that was declared then.
#[tokio::test(start_paused = true)]
async fn a_strategy_and_another_group_before_the_first_service_is_there_come_about() {
    let mut fixture = Fixture::idle(Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    let refused = Effect::Error { status: 500, code: "ServerException".to_owned(), message: String::new() };
    fixture.sim.faults().add(FaultRule::on("ecs:CreateService", refused));
    fixture.start().await;
    fixture.pass(300).await;
    let next = shop(BLUE_GREEN).replace("      port: 8080\n", "      port: 9090\n");
    fixture.write("shop.yaml", &next).await;
    fixture.pass(30).await;
    fixture.sim.faults().clear();
    fixture.ready_within(1800).await;
}
