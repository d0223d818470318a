//! Edits that replace what serves: no request is lost on the way, whatever is edited, and whether
//! or not the edit works out.

mod exchanges;
mod names;

use crate::support::traffic::Traffic;
use crate::support::{Fixture, REGION, SHOP, condition, update_service};
use aws_sim::Sim;
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use aws_sim::faults::{Effect, FaultRule, When};
use aws_sim::traffic::Request;
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where the shop's customers go.
fn front() -> Request {
    Request::to("shop", 80)
}

/// The shop, Ready, with its customers.
async fn open(document: &str) -> (Fixture, Traffic) {
    open_on(Sim::builder().seed(7).build(), document).await
}

async fn open_on(sim: Sim, document: &str) -> (Fixture, Traffic) {
    let fixture = Fixture::on(sim, &[("shop.yaml", document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    (fixture, traffic)
}

/// Makes edits at once.
async fn edit(fixture: &mut Fixture, edits: &[(&str, &str)]) {
    for (from, to) in edits {
        fixture.edit_quietly("shop.yaml", from, to);
    }
    fixture.declare().await;
    fixture.pass(1).await;
}

/// Edits the shop, and waits until it is Ready and nothing is done any more: all requests were
/// served.
async fn edited(document: &str, edits: &[(&str, &str)]) -> (Fixture, Traffic) {
    let (mut fixture, traffic) = open(document).await;
    edit(&mut fixture, edits).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    fixture.ready_within(1).await;
    traffic.all_served();
    (fixture, traffic)
}

fn describe(fixture: &Fixture, operation: &str, member: &str) -> Vec<Value> {
    fixture.by_hand("elasticloadbalancing", operation, json!({}))[member].as_array().unwrap().clone()
}

fn target_groups(fixture: &Fixture) -> Vec<Value> {
    describe(fixture, "DescribeTargetGroups", "TargetGroups")
}

fn listeners(fixture: &Fixture) -> Vec<Value> {
    let balancer = describe(fixture, "DescribeLoadBalancers", "LoadBalancers").remove(0);
    let input = json!({"LoadBalancerArn": balancer["LoadBalancerArn"]});
    let found = fixture.by_hand("elasticloadbalancing", "DescribeListeners", input);
    found["Listeners"].as_array().unwrap().clone()
}

/// Priority, paths and target group of each rule but the default ones.
fn rules(fixture: &Fixture) -> Vec<(String, String, String)> {
    let mut rules = Vec::new();
    for listener in listeners(fixture) {
        let input = json!({"ListenerArn": listener["ListenerArn"]});
        let found = fixture.by_hand("elasticloadbalancing", "DescribeRules", input);
        let own = found["Rules"].as_array().unwrap().iter().filter(|rule| rule["Priority"] != "default");
        rules.extend(own.map(|rule| {
            let group = rule["Actions"][0]["TargetGroupArn"].as_str().unwrap();
            (
                rule["Priority"].as_str().unwrap().to_owned(),
                rule["Conditions"][0]["Values"][0].as_str().unwrap().to_owned(),
                group.rsplit('/').nth(1).unwrap().to_owned(),
            )
        }));
    }
    rules
}

/// Services that ECS has at present, as `cluster/name`.
fn services(fixture: &Fixture) -> Vec<String> {
    let services = fixture.sim.with(|world| world.region("eu-west-1").ecs.services());
    services.into_iter().filter(|one| one.status == "ACTIVE").map(|one| one.key).collect()
}

/// How many tasks of a family have containers that run.
fn alive(fixture: &Fixture, family: &str) -> usize {
    let tasks = fixture.sim.with(|world| world.region("eu-west-1").ecs.tasks());
    let of_family = |arn: &str| arn.rsplit('/').next().unwrap().starts_with(&format!("{family}:"));
    let is_alive = |status: &str| matches!(status, "ACTIVATING" | "RUNNING" | "DEACTIVATING" | "STOPPING");
    tasks.iter().filter(|task| of_family(&task.task_definition) && is_alive(task.status)).count()
}

/// The services that answered a request, one after the other.
fn turns(traffic: &Traffic, request: &Request) -> Vec<Vec<String>> {
    traffic.servers(request).into_iter().map(|set: BTreeSet<String>| set.into_iter().collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_target_group_moves_to_another_port_with_its_container() {
    let edits = [
        ("      port: 8080\n", "      port: 9090\n"),
        ("containerPort: 8080}]\n            environment", "containerPort: 9090}]\n            environment"),
        ("containerName: web, containerPort: 8080", "containerName: web, containerPort: 9090"),
    ];
    let (fixture, _) = edited(SHOP, &edits).await;
    let groups = target_groups(&fixture);
    let ports: Vec<&Value> = groups.iter().map(|group| &group["Port"]).collect();
    assert_eq!(ports.len(), 1, "{groups:?}");
    assert!(ports[0] == "9090" || ports[0] == &json!(9090), "{ports:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_group_moves_to_another_port_alone() {
    let (fixture, _) = edited(SHOP, &[("      port: 8080\n", "      port: 9090\n")]).await;
    assert_eq!(target_groups(&fixture).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_gets_another_key() {
    let edits = [
        ("  targetGroups:\n    web:", "  targetGroups:\n    front:"),
        ("type: forward, targetGroup: web", "type: forward, targetGroup: front"),
        ("- {targetGroup: web", "- {targetGroup: front"),
    ];
    let document = SHOP.replace(
        "loadBalancers: [{targetGroup: web, containerName: web, containerPort: 8080}]",
        "loadBalancers:\n          - {targetGroup: web, containerName: web, containerPort: 8080}",
    );
    let (fixture, _) = edited(&document, &edits).await;
    let groups = target_groups(&fixture);
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(rules(&fixture).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_gets_another_name() {
    let (fixture, traffic) =
        edited(SHOP, &[("      service:\n", "      service:\n        serviceName: front\n")]).await;
    assert_eq!(services(&fixture), ["shop/front"]);
    let turns = turns(&traffic, &front());
    assert_eq!(turns.first().unwrap(), &["shop/shop-web"]);
    assert_eq!(turns.last().unwrap(), &["shop/front"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_count_is_left_to_others_keeps_it_under_another_name() {
    let document = SHOP.replace("        desiredCount: 2\n", "");
    assert_ne!(document, SHOP);
    let (mut fixture, traffic) = open(&document).await;
    update_service(&fixture, json!({"desiredCount": 4}));
    fixture.pass(300).await;
    edit(&mut fixture, &[("      service:\n", "      service:\n        serviceName: front\n")]).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    traffic.all_served();
    let found = fixture.sim.with(|world| world.region("eu-west-1").ecs.services());
    let front = found.iter().find(|one| one.key == "shop/front").unwrap();
    assert_eq!(front.desired, 4);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_component_whose_migration_fails_leaves_the_old_one_serving_for_ever() {
    let (mut fixture, traffic) = open(SHOP).await;
    let edits = [
        ("    web:\n      dependsOn", "    front:\n      dependsOn"),
        ("/shop-migrations:1.0", "/shop-migrations:crash"),
    ];
    edit(&mut fixture, &edits).await;
    fixture.until(1800, |status| condition(status, ConditionType::Stalled).0 == Truth::True).await;
    fixture.pass(4 * 3600).await;
    traffic.all_served();
    assert_eq!(services(&fixture), ["shop/shop-web"]);
    assert_eq!(turns(&traffic, &front()), [["shop/shop-web"]]);
    // Mended, the new one takes over.
    edit(&mut fixture, &[("/shop-migrations:crash", "/shop-migrations:2.0")]).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    traffic.all_served();
    assert_eq!(services(&fixture), ["shop/shop-front"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_gets_another_priority() {
    let (fixture, _) = edited(SHOP, &[("priority: 10", "priority: 20")]).await;
    assert_eq!(rules(&fixture).into_iter().map(|rule| rule.0).collect::<Vec<_>>(), ["20"]);
}

/// The shop with a second service `api` behind a group and a rule of its own.
fn with_api() -> String {
    let component = SHOP.split("    web:\n      dependsOn").nth(1).unwrap();
    let api = component
        .replace("name: web\n", "name: api\n")
        .replace("shop:1.0", "api:1.0")
        .replace("{targetGroup: web, containerName: web", "{targetGroup: api, containerName: api");
    let group =
        SHOP.split("  targetGroups:\n    web:\n").nth(1).unwrap().split("  listeners:").next().unwrap();
    SHOP.replace("  targetGroups:\n", &format!("  targetGroups:\n    api:\n{group}"))
        .replace(
            "  rules:\n",
            "  rules:\n    api:\n      listener: http\n      priority: 5\n      conditions: [{field: path-pattern, values: [/api/*]}]\n      actions: [{type: forward, targetGroup: api}]\n",
        )
        + &format!("    api:\n      dependsOn{api}")
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_sends_a_part_of_its_requests_to_a_group_without_targets_is_not_healthy() {
    let both = "actions: [{type: forward, targetGroups: [{targetGroup: web, weight: 1}, {targetGroup: api, weight: 1}]}]";
    let document = with_api().replace("actions: [{type: forward, targetGroup: web}]", both);
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(900).await;
    let (before, api) = document.rsplit_once("desiredCount: 2").unwrap();
    fixture.write("shop.yaml", &format!("{before}desiredCount: 0{api}")).await;
    fixture.pass(600).await;
    let (truth, _, message) = condition(&fixture.status("shop"), ConditionType::TargetsHealthy);
    assert_eq!(truth, Truth::False, "{message}");
    assert!(message.contains("rule/web sends a part of its requests to target group api"), "{message}");
    // Where nothing else is sent, no task is what was declared.
    fixture.write("shop.yaml", &with_api().replace("desiredCount: 2", "desiredCount: 0")).await;
    fixture.ready_within(900).await;
}

/// One edit brings a component up from no tasks and gives it traffic.
#[tokio::test(start_paused = true)]
async fn traffic_waits_for_the_tasks_that_the_same_edit_asks_for() {
    let rule = "actions: [{type: forward, targetGroup: web}]";
    let weighted = |web: u32, api: u32| {
        let groups = format!(
            "actions: [{{type: forward, targetGroups: [{{targetGroup: web, weight: {web}}}, {{targetGroup: api, weight: {api}}}]}}]"
        );
        with_api().replace(rule, &groups)
    };
    let full = weighted(1, 0);
    let (before, api) = full.rsplit_once("desiredCount: 2").unwrap();
    let (mut fixture, traffic) = open(&format!("{before}desiredCount: 0{api}")).await;
    for (web, api) in [(1, 1), (0, 1)] {
        fixture.write("shop.yaml", &weighted(web, api)).await;
        fixture.pass(5).await;
        fixture.ready_within(900).await;
        traffic.all_served();
    }
}

/// The mirror: one edit takes traffic away from a component and all of its tasks, while the other
/// one has none yet; and back again.
#[tokio::test(start_paused = true)]
async fn the_tasks_of_a_service_stay_until_its_traffic_has_gone_elsewhere() {
    let rule = "actions: [{type: forward, targetGroup: web}]";
    let at = |web: u32, api: u32| {
        let groups = format!(
            "actions: [{{type: forward, targetGroups: [{{targetGroup: web, weight: {web}}}, {{targetGroup: api, weight: {api}}}]}}]"
        );
        let document = with_api()
            .replace(rule, &groups)
            .replacen("values: [/api/*]", "values: [/never]", 1)
            .replacen("desiredCount: 2", &format!("desiredCount: {}", 2 * web), 1);
        let (before, last) = document.rsplit_once("desiredCount: 2").unwrap_or((&document, ""));
        if api == 0 { format!("{before}desiredCount: 0{last}") } else { document.clone() }
    };
    let (mut fixture, traffic) = open(&at(1, 0)).await;
    for (web, api) in [(0, 1), (1, 0)] {
        fixture.write("shop.yaml", &at(web, api)).await;
        fixture.pass(5).await;
        let waits = fixture.status("shop").waiting_on;
        let told = |wait: &str| wait.starts_with("rule web, which sends requests to target group shop-");
        assert!(waits.iter().any(|waiting| told(&waiting.on.to_string())), "{waits:?}");
        fixture.pass(600).await;
        traffic.all_served();
        fixture.ready_within(900).await;
        let found = fixture.by_hand(
            "ecs",
            "DescribeServices",
            json!({"cluster": "shop", "services": ["shop-web", "shop-api"]}),
        );
        let counts: Vec<u64> = found["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["runningCount"].as_u64().unwrap())
            .collect();
        assert_eq!(counts, [u64::from(2 * web), u64::from(2 * api)]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_rules_change_places() {
    let edits = [
        ("priority: 5\n", "priority: 99\n"),
        ("priority: 10\n", "priority: 5\n"),
        ("priority: 99\n", "priority: 10\n"),
    ];
    let (fixture, traffic) = edited(&with_api(), &edits).await;
    let mut places: Vec<(String, String)> =
        rules(&fixture).into_iter().map(|rule| (rule.0, rule.1)).collect();
    places.sort();
    assert_eq!(places, [("10".to_owned(), "/api/*".to_owned()), ("5".to_owned(), "/*".to_owned())]);
    let api = front().path("/api/");
    assert_eq!(
        turns(&traffic, &api),
        [["shop/shop-api"], ["shop/shop-web"]],
        "the other rule comes first now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_rule_takes_over_requests_of_an_existing_one() {
    let (mut fixture, traffic) = open(SHOP).await;
    let api = front().path("/api/");
    traffic.also(api.clone());
    fixture.write("shop.yaml", &with_api()).await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
    fixture.pass(300).await;
    traffic.all_served();
    assert_eq!(turns(&traffic, &api), [["shop/shop-web"], ["shop/shop-api"]]);
    assert_eq!(turns(&traffic, &front()), [["shop/shop-web"]]);
    // And back: what it took goes to the other again.
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    traffic.all_served();
    assert_eq!(turns(&traffic, &api), [["shop/shop-web"], ["shop/shop-api"], ["shop/shop-web"]]);
    assert_eq!(target_groups(&fixture).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listener_gets_another_port() {
    let (mut fixture, traffic) = open(SHOP).await;
    let new = Request::to("shop", 8081);
    edit(&mut fixture, &[("      port: 80\n", "      port: 8081\n")]).await;
    // The old port is served until the new one is.
    for _ in 0..1800 {
        if fixture.sim.every_answer(&new).iter().all(|answer| answer.target_group().is_some()) {
            break;
        }
        traffic.all_served();
        fixture.pass(1).await;
    }
    traffic.also(new.clone());
    traffic.no_longer(&front());
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    traffic.all_served();
    assert_eq!(turns(&traffic, &new), [["shop/shop-web"]]);
    assert_eq!(listeners(&fixture).len(), 1);
    assert_eq!(rules(&fixture).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listener_of_ours_that_nothing_remembers_is_found_by_the_group_that_it_holds() {
    let (mut fixture, traffic) = open(SHOP).await;
    let group = target_groups(&fixture).remove(0)["TargetGroupArn"].clone();
    let balancer = listeners(&fixture).remove(0)["LoadBalancerArn"].clone();
    for (port, owner) in [(8081, "shop"), (8082, "somebody")] {
        let input = json!({"LoadBalancerArn": balancer, "Port": port, "Protocol": "HTTP",
            "DefaultActions.member.1.Type": "forward", "DefaultActions.member.1.TargetGroupArn": group,
            "Tags.member.1.Key": "evenkeel.dev/owner", "Tags.member.1.Value": owner});
        fixture.by_hand("elasticloadbalancing", "CreateListener", input);
    }
    edit(&mut fixture, &[("      port: 8080\n", "      port: 9090\n")]).await;
    fixture.pass(1200).await;
    traffic.all_served();
    let ports = |fixture: &Fixture| -> BTreeSet<String> {
        listeners(fixture).iter().map(|listener| listener["Port"].to_string().replace('"', "")).collect()
    };
    assert_eq!(ports(&fixture), BTreeSet::from(["80".to_owned(), "8082".to_owned()]), "somebody's stays");
    assert_eq!(target_groups(&fixture).len(), 2, "and so does the group that it uses");
    let is_of_somebody = |listener: &Value| listener["Port"].to_string().contains("8082");
    let of_somebody = listeners(&fixture).into_iter().find(is_of_somebody).unwrap()["ListenerArn"].clone();
    fixture.by_hand("elasticloadbalancing", "DeleteListener", json!({"ListenerArn": of_somebody}));
    fixture.pass(900).await;
    fixture.ready_within(1).await;
    assert_eq!((ports(&fixture).len(), target_groups(&fixture).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_service_name_that_belongs_to_somebody_else_changes_nothing() {
    let (mut fixture, traffic) = open(SHOP).await;
    let shown =
        fixture.by_hand("ecs", "DescribeServices", json!({"cluster": "shop", "services": ["shop-web"]}));
    let own = &shown["services"][0];
    let theirs = json!({"cluster": "shop", "serviceName": "front", "taskDefinition": own["taskDefinition"],
        "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": own["networkConfiguration"]});
    fixture.by_hand("ecs", "CreateService", theirs);
    fixture.pass(120).await;
    edit(&mut fixture, &[("      service:\n", "      service:\n        serviceName: front\n")]).await;
    let ready = |status: &evenkeel::model::status::DeploymentStatus| condition(status, ConditionType::Ready);
    fixture.until(600, |status| ready(status).0 == Truth::False).await;
    fixture.pass(4 * 3600).await;
    assert_eq!(ready(&fixture.status("shop")).0, Truth::False);
    traffic.all_served();
    assert_eq!(services(&fixture), ["shop/front", "shop/shop-web"]);
    assert_eq!(turns(&traffic, &front()), [["shop/shop-web"]]);
    edit(&mut fixture, &[("        serviceName: front\n", "")]).await;
    fixture.ready_within(600).await;
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_moves_to_another_cluster() {
    let (mut fixture, traffic) = open(SHOP).await;
    fixture.by_hand("ecs", "CreateCluster", json!({"clusterName": "mall"}));
    edit(&mut fixture, &[("cluster: shop}", "cluster: mall}")]).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    traffic.all_served();
    assert_eq!(services(&fixture), ["mall/shop-web"]);
    assert_eq!(turns(&traffic, &front()).last().unwrap(), &["mall/shop-web"]);
}

/// A simulated AWS on which workers take 20 seconds to end when they are told to.
fn with_slow_workers() -> Sim {
    let sim = Sim::builder().seed(7).build();
    let slow = Behaviour { stop_seconds: 20.0, ..Behaviour::default() };
    sim.behave(BehaviourRule::image("*/worker:*", slow));
    sim
}

/// The shop with a worker of this kind beside it.
fn with_worker(name: &str, kind: &str) -> String {
    format!(
        "{SHOP}    {name}:
      taskDefinition:
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution
        containerDefinitions:
          - {{name: worker, image: \"registry.example.com/worker:1.0\", stopTimeout: 30}}
      {kind}:
        launchType: FARGATE
        networkConfiguration: *network
"
    )
}

/// Replaces the document, and watches until it is Ready and calm that never more than one worker is
/// alive, whatever it is called.
async fn replaced_alone(fixture: &mut Fixture, document: &str) {
    fixture.write("shop.yaml", document).await;
    let mut ready_since = 0;
    for _ in 0..2400 {
        fixture.pass(1).await;
        let count = alive(fixture, "shop-worker") + alive(fixture, "shop-porter");
        assert!(count <= 1, "{count} workers at {}", fixture.sim.now());
        let is_ready = fixture.handle.statuses().iter().all(|status| evenkeel::reconcile::is_ready(status));
        ready_since = if is_ready { ready_since + 1 } else { 0 };
        if ready_since > 600 {
            return;
        }
    }
    panic!("it is not Ready: {:?}", fixture.status("shop").conditions);
}

async fn a_singleton_is_renamed(sim: Sim) {
    let (mut fixture, traffic) = open_on(sim, &with_worker("worker", "singleton")).await;
    assert_eq!(alive(&fixture, "shop-worker"), 1);
    replaced_alone(&mut fixture, &with_worker("porter", "singleton")).await;
    traffic.all_served();
    assert_eq!((alive(&fixture, "shop-worker"), alive(&fixture, "shop-porter")), (0, 1));
    assert_eq!(services(&fixture), ["shop/shop-porter", "shop/shop-web"]);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_singleton_stops_before_its_successor_starts() {
    a_singleton_is_renamed(Sim::builder().seed(7).build()).await;
}

#[tokio::test(start_paused = true)]
async fn a_renamed_singleton_that_takes_long_to_stop_is_waited_for() {
    a_singleton_is_renamed(with_slow_workers()).await;
}

async fn a_service_is_a_task_for_a_while(sim: Sim) {
    let forever = with_worker("worker", "task") + "        run: Forever\n";
    let service = with_worker("worker", "service") + "        desiredCount: 1\n";
    let (mut fixture, traffic) = open_on(sim, &service).await;
    replaced_alone(&mut fixture, &forever).await;
    traffic.all_served();
    assert_eq!((alive(&fixture, "shop-worker"), services(&fixture)), (1, vec!["shop/shop-web".to_owned()]));
    replaced_alone(&mut fixture, &service).await;
    traffic.all_served();
    assert_eq!(alive(&fixture, "shop-worker"), 1);
    assert_eq!(services(&fixture), ["shop/shop-web", "shop/shop-worker"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_becomes_a_task_for_ever_and_a_service_again() {
    a_service_is_a_task_for_a_while(Sim::builder().seed(7).build()).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_long_to_stop_becomes_a_task_and_a_service_again() {
    a_service_is_a_task_for_a_while(with_slow_workers()).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_behind_a_load_balancer_becomes_a_task_that_ends_and_a_service_again() {
    // Another service goes on behind the same rule.
    let (mut fixture, traffic) = open(&with_api()).await;
    let api = front().path("/api/");
    let without = with_api().replace(
        "actions: [{type: forward, targetGroup: api}]",
        "actions: [{type: forward, targetGroup: web}]",
    );
    let (before, component) = without.rsplit_once("    api:\n      dependsOn").unwrap();
    let (definition, _) = component.split_once("      service:").unwrap();
    let group = before.split("  targetGroups:\n").nth(1).unwrap().split("    web:\n").next().unwrap();
    let task = format!(
        "{}    api:\n      dependsOn{}      task: {{launchType: FARGATE, networkConfiguration: *network}}\n",
        before.replace(group, ""),
        definition.replace("api:1.0", "api-migrate:1.0"),
    );
    fixture.write("shop.yaml", &task).await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    traffic.all_served();
    assert_eq!(turns(&traffic, &api).last().unwrap(), &["shop/shop-web"]);
    assert_eq!(services(&fixture), ["shop/shop-web"]);
    fixture.write("shop.yaml", &with_api()).await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
    fixture.pass(300).await;
    traffic.all_served();
    assert_eq!(turns(&traffic, &api), [["shop/shop-api"], ["shop/shop-web"], ["shop/shop-api"]]);
}

/// All tasks of a family that ECS still shows, with their clusters.
fn shown(fixture: &Fixture, family: &str) -> Vec<(String, &'static str)> {
    let tasks = fixture.sim.with(|world| world.region("eu-west-1").ecs.tasks());
    let of_family = tasks.into_iter().filter(|task| task.task_definition.contains(&format!("/{family}:")));
    of_family.map(|task| (task.cluster, task.status)).collect()
}

/// Replaces the document, and waits until a task of a family is seen in this status.
async fn replaced_until(fixture: &mut Fixture, document: &str, family: &str, status: &str) {
    fixture.write("shop.yaml", document).await;
    for _ in 0..600 {
        if shown(fixture, family).iter().any(|(_, seen)| *seen == status) {
            return;
        }
        fixture.pass(1).await;
    }
    panic!("no task of {family} becomes {status}: {:?}", shown(fixture, family));
}

/// The same in another cluster.
fn in_the_mall(document: &str) -> String {
    let moved = document.replace("cluster: shop}", "cluster: mall}");
    assert_ne!(moved, document);
    moved
}

/// The shop with a worker on a simulated AWS, Ready; there is another cluster, too.
async fn open_with_mall(sim: Sim, document: &str) -> (Fixture, Traffic) {
    let opened = open_on(sim, document).await;
    opened.0.by_hand("ecs", "CreateCluster", json!({"clusterName": "mall"}));
    opened
}

/// The shop with a singleton whose count is declared.
fn one_alone(name: &str) -> String {
    with_worker(name, "singleton") + "        desiredCount: 1\n"
}

async fn a_singletons_move_is_undone(moved: &str, family: &str, once: &str) {
    a_move_is_undone(&one_alone("worker"), moved, family, once).await;
}

async fn a_move_is_undone(before: &str, moved: &str, family: &str, once: &str) {
    let (mut fixture, traffic) = open_with_mall(with_slow_workers(), before).await;
    replaced_until(&mut fixture, moved, family, once).await;
    replaced_alone(&mut fixture, before).await;
    traffic.all_served();
    assert_eq!((alive(&fixture, "shop-worker"), alive(&fixture, "shop-porter")), (1, 0));
    assert_eq!(services(&fixture), ["shop/shop-web", "shop/shop-worker"]);
}

#[tokio::test(start_paused = true)]
async fn a_singleton_that_is_renamed_back_waits_for_its_successor_to_stop() {
    a_singletons_move_is_undone(&one_alone("porter"), "shop-porter", "RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_singleton_that_moves_back_from_another_cluster_waits_for_its_successor_to_stop() {
    let moved = in_the_mall(&one_alone("porter"));
    a_singletons_move_is_undone(&moved, "shop-porter", "RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_singleton_whose_renaming_is_undone_at_once_waits_for_its_own_task_to_stop() {
    a_singletons_move_is_undone(&one_alone("porter"), "shop-worker", "STOPPING").await;
}

#[tokio::test(start_paused = true)]
async fn a_singleton_without_a_count_that_is_renamed_back_runs_again() {
    let (before, moved) = (with_worker("worker", "singleton"), with_worker("porter", "singleton"));
    a_move_is_undone(&before, &moved, "shop-porter", "RUNNING").await;
    a_move_is_undone(&before, &moved, "shop-worker", "STOPPING").await;
}

#[tokio::test(start_paused = true)]
async fn a_singleton_without_a_count_that_moves_back_from_another_cluster_runs_again() {
    let (before, moved) = (with_worker("worker", "singleton"), with_worker("porter", "singleton"));
    a_move_is_undone(&before, &in_the_mall(&moved), "shop-porter", "RUNNING").await;
    a_move_is_undone(&before, &in_the_mall(&before), "shop-worker", "STOPPING").await;
}

/// A task that came up a moment ago and is not shown is there all the same.
#[tokio::test(start_paused = true)]
async fn a_task_for_ever_is_not_started_again_because_old_answers_do_not_show_it() {
    let forever = with_worker("worker", "task") + "        run: Forever\n";
    for seed in 0..6 {
        let sim = Sim::builder().seed(seed).build();
        let fixture = Fixture::on(sim, &[("shop.yaml", &forever)]).await;
        while alive(&fixture, "shop-worker") == 0 {
            fixture.pass(1).await;
        }
        fixture
            .sim
            .faults()
            .add(FaultRule::on("ListTasks", Effect::StaleRead(40.0)).when(When::Probability(0.6)));
        fixture
            .sim
            .faults()
            .add(FaultRule::on("DescribeTasks", Effect::StaleRead(40.0)).when(When::Probability(0.6)));
        fixture.pass(240).await;
        fixture.sim.faults().clear();
        fixture.pass(600).await;
        assert_eq!(alive(&fixture, "shop-worker"), 1, "seed {seed}");
        fixture.ready_within(1).await;
    }
}

/// Two that run by now, whatever made it so: the one that is known stays.
#[tokio::test(start_paused = true)]
async fn a_second_task_beside_one_that_runs_for_ever_is_stopped() {
    let forever = with_worker("worker", "task") + "        run: Forever\n";
    let (fixture, _) = open(&forever).await;
    fixture.pass(400).await;
    let tasks = fixture.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": "shop-worker"}));
    let shown = fixture.by_hand(
        "ecs",
        "DescribeTasks",
        json!({"cluster": "shop", "tasks": tasks["taskArns"], "include": ["TAGS"]}),
    );
    let first = &shown["tasks"][0];
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}});
    let tags = first["tags"].as_array().unwrap().iter();
    let tags: Vec<&Value> = tags.filter(|tag| !tag["key"].as_str().unwrap().starts_with("aws:")).collect();
    let input = json!({"cluster": "shop", "taskDefinition": first["taskDefinitionArn"], "launchType": "FARGATE",
        "networkConfiguration": network, "tags": tags, "startedBy": "evk-somebody"});
    fixture.by_hand("ecs", "RunTask", input);
    fixture.pass(400).await;
    let left = fixture.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": "shop-worker"}));
    assert_eq!(left["taskArns"], tasks["taskArns"]);
    fixture.ready_within(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_group_is_replaced_while_a_new_image_is_rolled_out() {
    for seconds in [2, 6, 10, 14, 20] {
        let one = SHOP.replace("desiredCount: 2", "desiredCount: 1");
        let (mut fixture, traffic) = open(&one).await;
        edit(&mut fixture, &[("/shop:1.0", "/shop:1.1")]).await;
        fixture.pass(seconds).await;
        let edits = [
            ("      port: 8080\n", "      port: 9090\n"),
            (
                "containerPort: 8080}]\n            environment",
                "containerPort: 9090}]\n            environment",
            ),
            ("containerName: web, containerPort: 8080", "containerName: web, containerPort: 9090"),
        ];
        edit(&mut fixture, &edits).await;
        fixture.ready_within(1800).await;
        fixture.pass(900).await;
        traffic.all_served();
        assert_eq!(target_groups(&fixture).len(), 1, "{seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_singleton_whose_count_others_set_has_one_task_at_most() {
    let many = with_worker("worker", "service") + "        desiredCount: 3\n";
    let (mut fixture, _) = open_with_mall(with_slow_workers(), &many).await;
    fixture.pass(120).await;
    assert_eq!(alive(&fixture, "shop-worker"), 3);
    fixture.write("shop.yaml", &with_worker("worker", "singleton")).await;
    fixture.pass(300).await;
    fixture.ready_within(600).await;
    assert_eq!(alive(&fixture, "shop-worker"), 1);
    let by_hand = json!({"cluster": "shop", "service": "shop-worker", "desiredCount": 4});
    fixture.by_hand("ecs", "UpdateService", by_hand);
    fixture.pass(300).await;
    assert_eq!(alive(&fixture, "shop-worker"), 1);
    nobody_works(&fixture);
    fixture.pass(600).await;
    assert_eq!(alive(&fixture, "shop-worker"), 0, "none is theirs to decide");
    // In the place of one of another name that had several.
    let (mut fixture, _) = open_with_mall(with_slow_workers(), &many).await;
    fixture.write("shop.yaml", &with_worker("porter", "singleton")).await;
    fixture.pass(600).await;
    fixture.ready_within(600).await;
    assert_eq!((alive(&fixture, "shop-worker"), alive(&fixture, "shop-porter")), (0, 1));
}

/// Scales the worker to nothing by hand.
fn nobody_works(fixture: &Fixture) {
    fixture.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-worker", "desiredCount": 0}),
    );
}

#[tokio::test(start_paused = true)]
async fn a_count_of_nothing_that_a_person_set_stays_though_the_singleton_was_away() {
    let (before, moved) = (with_worker("worker", "singleton"), with_worker("porter", "singleton"));
    let (mut fixture, _) = open_with_mall(with_slow_workers(), &before).await;
    nobody_works(&fixture);
    replaced_until(&mut fixture, &moved, "shop-porter", "RUNNING").await;
    replaced_alone(&mut fixture, &before).await;
    // Either it was never deleted, and stays as the person left it, or it is made anew.
    let first = alive(&fixture, "shop-worker");
    nobody_works(&fixture);
    replaced_alone(&mut fixture, &before).await;
    assert_eq!((first, alive(&fixture, "shop-worker")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_person_may_set_to_nothing_what_was_scaled_up_again() {
    let (before, moved) = (with_worker("worker", "singleton"), with_worker("porter", "singleton"));
    let (mut fixture, _) = open_with_mall(with_slow_workers(), &before).await;
    replaced_until(&mut fixture, &moved, "shop-worker", "STOPPING").await;
    replaced_alone(&mut fixture, &before).await;
    assert_eq!(alive(&fixture, "shop-worker"), 1);
    nobody_works(&fixture);
    replaced_alone(&mut fixture, &before).await;
    assert_eq!(alive(&fixture, "shop-worker"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_singleton_that_takes_the_name_of_another_service_waits_for_its_former_one_to_stop() {
    let singleton = |name: &str, more: &str| {
        let whole = with_worker(name, "singleton");
        whole.strip_prefix(SHOP).unwrap().to_owned() + more
    };
    let both = format!("{SHOP}{}{}", singleton("porter", ""), singleton("worker", ""));
    let (mut fixture, traffic) = open_on(with_slow_workers(), &both).await;
    let taken = format!("{SHOP}{}", singleton("porter", "        serviceName: shop-worker\n"));
    fixture.write("shop.yaml", &taken).await;
    for _ in 0..900 {
        fixture.pass(1).await;
        let count = alive(&fixture, "shop-porter");
        assert!(count <= 1, "{count} porters at {}", fixture.sim.now());
    }
    fixture.ready_within(1).await;
    traffic.all_served();
    assert_eq!((alive(&fixture, "shop-worker"), alive(&fixture, "shop-porter")), (0, 1));
    assert_eq!(services(&fixture), ["shop/shop-web", "shop/shop-worker"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_for_ever_that_moves_to_another_cluster_stops_in_its_former_one() {
    let forever = with_worker("worker", "task") + "        run: Forever\n";
    let (mut fixture, traffic) = open_with_mall(with_slow_workers(), &forever).await;
    replaced_alone(&mut fixture, &in_the_mall(&forever)).await;
    let mut running = shown(&fixture, "shop-worker");
    running.retain(|(_, status)| *status == "RUNNING");
    assert_eq!(running, [("mall".to_owned(), "RUNNING")]);
    // Back, and a service from now on.
    replaced_alone(&mut fixture, &with_worker("worker", "singleton")).await;
    traffic.all_served();
    assert_eq!(alive(&fixture, "shop-worker"), 1);
    assert_eq!(services(&fixture), ["shop/shop-web", "shop/shop-worker"]);
}

/// Replaces the document, and tells how many seconds it takes until a task of this family runs in a
/// cluster; never more than one runs.
async fn seconds_until_running(fixture: &mut Fixture, document: &str, family: &str, cluster: &str) -> u32 {
    fixture.write("shop.yaml", document).await;
    for second in 0..1200 {
        let alive = alive(fixture, "shop-worker") + alive(fixture, "shop-porter");
        assert!(alive <= 1, "{alive} at {}", fixture.sim.now());
        if shown(fixture, family).contains(&(cluster.to_owned(), "RUNNING")) {
            return second;
        }
        fixture.pass(1).await;
    }
    panic!("no task of {family} runs in {cluster}: {:?}", shown(fixture, family));
}

#[tokio::test(start_paused = true)]
async fn a_task_for_ever_that_still_starts_stops_at_once_when_its_cluster_moves() {
    let forever = with_worker("worker", "task") + "        run: Forever\n";
    for status in ["PROVISIONING", "PENDING"] {
        let (mut fixture, _) = open_with_mall(with_slow_workers(), SHOP).await;
        replaced_until(&mut fixture, &forever, "shop-worker", status).await;
        let took = seconds_until_running(&mut fixture, &in_the_mall(&forever), "shop-worker", "mall").await;
        assert!(took < 240, "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_for_ever_makes_way_at_once_for_a_task_that_ends() {
    let forever = with_worker("worker", "task") + "        run: Forever\n";
    let ends = |name: &str| with_worker(name, "task").replace("/worker:1.0", "/job:1.0");
    for name in ["porter", "worker"] {
        let (mut fixture, _) = open_with_mall(with_slow_workers(), &forever).await;
        let mut before: Vec<_> = shown(&fixture, "shop-worker");
        before.retain(|(_, status)| *status == "RUNNING");
        assert_eq!(before.len(), 1);
        fixture.sim.behave(BehaviourRule::image("*/job:*", Behaviour::exits(0, 20.0)));
        fixture.write("shop.yaml", &ends(name)).await;
        fixture.pass(1).await;
        fixture.ready_within(400).await;
        assert_eq!(alive(&fixture, "shop-worker") + alive(&fixture, "shop-porter"), 0);
    }
}

/// A simulated AWS on which a worker ends well after six minutes.
fn with_long_runs() -> Sim {
    let sim = Sim::builder().seed(7).build();
    sim.behave(BehaviourRule::image("*/worker:*", Behaviour::exits(0, 360.0)));
    sim
}

/// The shop with a worker that runs, once that has begun.
async fn while_a_worker_runs(document: &str) -> (Fixture, Traffic) {
    let (mut fixture, traffic) = open_with_mall(with_long_runs(), SHOP).await;
    replaced_until(&mut fixture, document, "shop-worker", "RUNNING").await;
    (fixture, traffic)
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_while_its_deployment_moves_to_another_cluster_is_not_run_again() {
    let task = with_worker("worker", "task");
    let (mut fixture, traffic) = while_a_worker_runs(&task).await;
    replaced_alone(&mut fixture, &in_the_mall(&task)).await;
    traffic.all_served();
    assert_eq!(shown(&fixture, "shop-worker"), [("shop".to_owned(), "STOPPED")]);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_task_starts_after_the_run_of_its_former_name_has_ended_well() {
    let (mut fixture, traffic) = while_a_worker_runs(&with_worker("worker", "task")).await;
    replaced_alone(&mut fixture, &with_worker("porter", "task")).await;
    traffic.all_served();
    let tasks = fixture.sim.with(|world| world.region("eu-west-1").ecs.tasks());
    let workers = tasks
        .iter()
        .filter(|task| ["shop-worker", "shop-porter"].iter().any(|name| task.task_definition.contains(name)));
    assert_eq!(workers.map(|task| task.exit_codes.clone()).collect::<Vec<_>>(), [[Some(0)], [Some(0)]]);
}

/// A service behind an Application and a Network Load Balancer: what a group of HTTP is followed by
/// is a group of HTTP.
#[tokio::test(start_paused = true)]
async fn the_ports_of_a_service_in_two_groups_of_different_protocols_change_at_once() {
    let sim = Sim::builder().seed(7).build();
    let seed =
        json!({"region": REGION, "loadBalancers": [{"name": "net", "type": "network", "listeners": []}]});
    sim.seed_world(&seed).unwrap();
    let raw = "    raw:\n      port: 8080\n      protocol: TCP\n      vpcId: vpc-0123456789abcdef0\n      attributes: {deregistration_delay.timeout_seconds: \"15\"}\n";
    let tcp = "    tcp:\n      loadBalancer: net\n      port: 5432\n      protocol: TCP\n      defaultActions: [{type: forward, targetGroup: raw}]\n";
    let document = SHOP
        .replace("  listeners:\n", &format!("{raw}  listeners:\n{tcp}"))
        .replace("{targetGroup: web, containerName: web, containerPort: 8080}", "{targetGroup: raw, containerName: web, containerPort: 8080}, {targetGroup: web, containerName: web, containerPort: 8080}");
    let (mut fixture, traffic) = open_on(sim, &document).await;
    fixture.write("shop.yaml", &document.replace("8080", "9090")).await;
    fixture.pass(5).await;
    fixture.ready_within(1800).await;
    fixture.pass(600).await;
    traffic.all_served();
}

/// A FARGATE REPLICA that is declared as a DAEMON on EC2 would be another service: nothing of that
/// is done to the one that serves.
#[tokio::test(start_paused = true)]
async fn what_follows_from_a_change_that_aws_does_not_make_is_not_done_either() {
    let (mut fixture, traffic) = open(SHOP).await;
    fixture.pass(120).await;
    fixture.sim.reset_calls();
    let daemon = SHOP
        .replace(
            "        desiredCount: 2\n        launchType: FARGATE\n",
            "        launchType: EC2\n        schedulingStrategy: DAEMON\n",
        )
        .replace("/shop:1.0", "/shop:2.0");
    assert!(daemon.contains("DAEMON"));
    fixture.write("shop.yaml", &daemon).await;
    fixture.pass(600).await;
    let writes = fixture.writes();
    assert!(!writes.contains(&"ecs:UpdateService".to_owned()), "{writes:?}");
    let (truth, reason, message) = condition(&fixture.status("shop"), ConditionType::Stalled);
    assert!(
        truth == Truth::True && reason == "Blocked" && message.contains("so long nothing else"),
        "{message}"
    );
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(5).await;
    fixture.ready_within(600).await;
    traffic.all_served();
}

/// Tasks cannot be in a group of HTTP/1 and in one of HTTP/2: both documents tell, so nothing is
/// made for a move that cannot be made.
#[tokio::test(start_paused = true)]
async fn a_move_that_cannot_be_made_is_told_before_anything_is_made_for_it() {
    let (mut fixture, traffic) = open(SHOP).await;
    fixture.pass(120).await;
    fixture.sim.reset_calls();
    let http2 = SHOP.replace("      port: 8080\n", "      port: 8080\n      protocolVersion: HTTP2\n");
    fixture.write("shop.yaml", &http2).await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let status = fixture.status("shop");
    let (truth, reason, message) = condition(&status, ConditionType::Stalled);
    assert!(truth == Truth::True && reason == "Blocked" && message.contains("protocolVersion"), "{message}");
    // As it says.
    let named = http2.replace("      service:\n", "      service:\n        serviceName: shop-web-2\n");
    fixture.write("shop.yaml", &named).await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    traffic.all_served();
}
