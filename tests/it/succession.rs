//! Components that move to another document: what is known of them goes over with them, and what
//! may not run twice does not, whatever it is called there.

use crate::support::{Fixture, REGION};
use aws_sim::Sim;
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use aws_sim::faults::{Effect, FaultRule, When};
use evenkeel::model::rollout::Phase;
use serde_json::json;
use std::collections::BTreeMap;

/// A worker that takes its time to stop, and a job that takes its time to end.
fn sim() -> Sim {
    let sim = Sim::builder().seed(7).build();
    let slow = Behaviour { stop_seconds: 20.0, ..Behaviour::default() };
    sim.behave(BehaviourRule::image("*/worker:*", slow));
    sim.behave(BehaviourRule::image(
        "*/job:*",
        Behaviour { stop_seconds: 20.0, ..Behaviour::exits(0, 90.0) },
    ));
    sim
}

fn document(name: &str, components: &[&str]) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  placement: {{region: eu-west-1, cluster: shop}}
  deletionPolicy: Delete
  components:
{}",
        components.concat()
    )
}

fn component(key: &str, image: &str, more: &str) -> String {
    let (family, workload) = match more.split_once("family: ") {
        Some((before, after)) => {
            let (family, after) = after.split_once('\n').unwrap();
            (format!("        family: {family}\n"), format!("{}{after}", before.trim_end_matches(' ')))
        }
        None => (String::new(), more.to_owned()),
    };
    format!(
        "    {key}:
      taskDefinition:
{family}        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution
        containerDefinitions:
          - {{name: main, image: \"registry.example.com/{image}\", stopTimeout: 30}}
{workload}        launchType: FARGATE
        networkConfiguration:
          awsvpcConfiguration: {{subnets: [subnet-0123456789abcdef0], securityGroups: [sg-0123456789abcdef0]}}
"
    )
}

/// A service that stays where it is.
fn clerk() -> String {
    component("clerk", "clerk:1.0", "      service:\n        desiredCount: 1\n")
}

fn worker(key: &str, more: &str) -> String {
    component(key, "worker:1.0", &format!("      singleton:\n        desiredCount: 1\n{more}"))
}

fn job(more: &str) -> String {
    component("migrate", "job:1.0", &format!("{more}      task:\n"))
}

/// How many tasks of an image have processes that run.
fn alive(fixture: &Fixture, image: &str) -> usize {
    let tasks = fixture.sim.with(|world| world.region(REGION).ecs.tasks());
    let is_alive = |status: &str| matches!(status, "ACTIVATING" | "RUNNING" | "DEACTIVATING" | "STOPPING");
    let alive = tasks.iter().filter(|task| is_alive(task.status));
    let of_image = |arn: &str| {
        let input = json!({"taskDefinition": arn});
        let shown = fixture.by_hand("ecs", "DescribeTaskDefinition", input);
        shown["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().contains(image)
    };
    alive.filter(|task| of_image(&task.task_definition)).count()
}

fn write(fixture: &Fixture, documents: &[(&str, String)]) {
    let specs = fixture.folder.path().join("specs");
    for (name, document) in documents {
        let file = specs.join(format!("{name}.yaml"));
        match document.is_empty() {
            true => std::fs::remove_file(file).unwrap(),
            false => std::fs::write(file, document).unwrap(),
        }
    }
}

/// Lets time pass while the store is read, until all are Ready for a while; never more than one
/// task of the image runs.
async fn comes_to_rest(fixture: &mut Fixture, image: &str) {
    let mut ready_since = 0;
    for second in 0..1200 {
        if second % 2 == 0 {
            fixture.declare().await;
        }
        fixture.pass(1).await;
        let count = alive(fixture, image);
        assert!(count <= 1, "{count} of {image} at {}", fixture.sim.now());
        let statuses = fixture.handle.statuses();
        let all = statuses.iter().all(|status| evenkeel::reconcile::is_ready(status));
        ready_since = if all { ready_since + 1 } else { 0 };
        if ready_since > 120 {
            return;
        }
    }
    for status in fixture.handle.statuses() {
        eprintln!("{}", serde_json::to_string_pretty(&*status).unwrap());
    }
    panic!("it does not come to rest");
}

/// The two documents as they run, with this in the first one.
async fn open(component: &str) -> Fixture {
    let desk = document("desk", &[&clerk(), component]);
    let lab = document("lab", &[&clerk()]);
    let fixture = Fixture::on(sim(), &[("desk.yaml", &desk), ("lab.yaml", &lab)]).await;
    fixture.by_hand("ecs", "CreateCluster", json!({"clusterName": "mall"}));
    fixture
}

/// Moves what is in the first document to the second one, where it looks like this.
fn moves(fixture: &Fixture, component: &str) {
    write(
        fixture,
        &[("desk", document("desk", &[&clerk()])), ("lab", document("lab", &[&clerk(), component]))],
    );
}

fn runs(fixture: &Fixture) -> usize {
    fixture.carried_out().get("ecs:RunTask").copied().unwrap_or_default()
}

fn stops(fixture: &Fixture) -> usize {
    fixture.carried_out().get("ecs:StopTask").copied().unwrap_or_default()
}

fn services(fixture: &Fixture) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for cluster in ["shop", "mall"] {
        let listed = fixture.by_hand("ecs", "ListServices", json!({"cluster": cluster}));
        for arn in listed["serviceArns"].as_array().unwrap() {
            let shown =
                fixture.by_hand("ecs", "DescribeServices", json!({"cluster": cluster, "services": [arn]}));
            let service = &shown["services"][0];
            let name = service["serviceName"].as_str().unwrap();
            found.insert(format!("{cluster}/{name}"), service["runningCount"].as_i64().unwrap());
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_goes_over_with_its_family_and_is_not_started_again() {
    for restarts in [false, true] {
        let task = job("family: migrations\n");
        let mut fixture = open(&task).await;
        while alive(&fixture, "job") == 0 {
            fixture.pass(1).await;
        }
        fixture.pass(5).await;
        moves(&fixture, &task);
        if restarts {
            fixture.declare().await;
            fixture.kill().await;
            fixture.start().await;
        }
        comes_to_rest(&mut fixture, "job").await;
        assert_eq!((runs(&fixture), stops(&fixture)), (1, 0), "restarts: {restarts}");
        let known = fixture.record("lab").await.rollout.components;
        assert!(matches!(known["migrate"].phase, Phase::Complete { .. }), "{known:?}");
        assert!(!fixture.record("desk").await.rollout.components.contains_key("migrate"));
        fixture.sim.reset_calls();
        comes_to_rest(&mut fixture, "job").await;
        assert_eq!(fixture.writes(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_complete_is_not_run_again_because_it_moved() {
    let task = job("family: migrations\n");
    let mut fixture = open(&task).await;
    comes_to_rest(&mut fixture, "job").await;
    // To the other document, and to one that is new.
    moves(&fixture, &task);
    fixture.sim.reset_calls();
    comes_to_rest(&mut fixture, "job").await;
    assert_eq!(fixture.writes(), ["ecs:TagResource"], "its revision, once");
    assert_eq!(runs(&fixture), 0);
    assert!(fixture.status("lab").last_drift.is_none());
    write(&fixture, &[("lab", document("lab", &[&clerk()])), ("attic", document("attic", &[&task]))]);
    comes_to_rest(&mut fixture, "job").await;
    assert_eq!(runs(&fixture), 0);
    assert!(matches!(
        fixture.record("attic").await.rollout.components["migrate"].phase,
        Phase::Complete { .. }
    ));
    // Another image is another run.
    write(&fixture, &[("attic", document("attic", &[&task.replace("job:1.0", "job:1.1")]))]);
    comes_to_rest(&mut fixture, "job").await;
    assert_eq!(runs(&fixture), 1);
}

#[tokio::test(start_paused = true)]
async fn what_moves_under_another_key_is_tagged_anew_and_nobody_changed_it() {
    let task = job("family: migrations\n");
    let mut fixture = open(&task).await;
    comes_to_rest(&mut fixture, "job").await;
    moves(&fixture, &task.replace("    migrate:", "    mig:"));
    fixture.sim.reset_calls();
    comes_to_rest(&mut fixture, "job").await;
    assert_eq!(fixture.writes(), ["ecs:TagResource"], "its revision, once");
    assert!(fixture.status("lab").last_drift.is_none(), "{:?}", fixture.status("lab").last_drift);
}

#[tokio::test(start_paused = true)]
async fn what_ecs_rolled_back_is_not_tried_again_because_it_moved() {
    let breaker =
        "        deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}\n";
    let service = |image: &str| {
        let rest = format!(
            "family: porter\n      service:\n        desiredCount: 1\n        serviceName: porter\n{breaker}"
        );
        component("porter", image, &rest)
    };
    let mut fixture = open(&service("porter:1.0")).await;
    comes_to_rest(&mut fixture, "porter").await;
    write(&fixture, &[("desk", document("desk", &[&clerk(), &service("crash:2.0")]))]);
    fixture.declare().await;
    let rolled_back =
        |fixture: &Fixture| serde_json::to_string(&fixture.handle.statuses()).unwrap().contains("RolledBack");
    while !rolled_back(&fixture) {
        fixture.pass(1).await;
    }
    fixture.pass(60).await;
    fixture.sim.reset_calls();
    moves(&fixture, &service("crash:2.0"));
    for _ in 0..150 {
        fixture.declare().await;
        fixture.pass(2).await;
    }
    let writes: Vec<String> = fixture.carried_out().into_keys().collect();
    let tags =
        |call: &String| ["Describe", "List", "Get", "TagResource"].iter().any(|word| call.contains(word));
    assert!(writes.iter().all(tags), "{writes:?}");
    assert!(serde_json::to_string(&fixture.status("lab")).unwrap().contains("RolledBack"));
}

#[tokio::test(start_paused = true)]
async fn a_singleton_under_other_names_in_another_document_starts_when_the_first_has_stopped() {
    let moved = [
        ("another service name", worker("worker", "        serviceName: porter\n"), "shop/porter"),
        ("names of its document", worker("worker", ""), "shop/lab-worker"),
        ("another key", worker("porter", ""), "shop/lab-porter"),
    ];
    for (what, moved, service) in moved {
        let mut fixture = open(&worker("worker", "")).await;
        comes_to_rest(&mut fixture, "worker").await;
        moves(&fixture, &moved);
        fixture.declare().await;
        fixture.pass(10).await;
        let waits = serde_json::to_string(&fixture.status("lab").waiting_on).unwrap();
        assert!(waits.contains("service desk-worker of `desk`"), "{what}: {waits}");
        comes_to_rest(&mut fixture, "worker").await;
        let services = services(&fixture);
        assert_eq!(services.get(service), Some(&1), "{what}: {services:?}");
        assert_eq!(services.len(), 3, "{what}: {services:?}");
        fixture.sim.reset_calls();
        comes_to_rest(&mut fixture, "worker").await;
        assert_eq!(fixture.writes(), Vec::<String>::new(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_singleton_in_another_cluster_and_document_starts_when_the_first_has_stopped() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    let mall = document("mall", &[&worker("worker", "")]).replace("cluster: shop", "cluster: mall");
    write(&fixture, &[("desk", document("desk", &[&clerk()])), ("mall", mall)]);
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(services(&fixture).get("mall/mall-worker"), Some(&1));
}

/// A document under another name, all names by default.
async fn renamed(fixture: &mut Fixture, component: &str, policy: &str) {
    let document = document("depot", &[component]).replace("Policy: Delete", policy);
    write(fixture, &[("desk", String::new()), ("depot", document)]);
    fixture.declare().await;
    fixture.pass(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_document_under_another_name_starts_its_singleton_when_the_first_has_stopped() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    renamed(&mut fixture, &worker("worker", ""), "Policy: Delete").await;
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(services(&fixture).keys().collect::<Vec<_>>(), ["shop/depot-worker", "shop/lab-clerk"]);
}

/// The record of the first document is still there when it comes back: its log group waits for a
/// confirmation.
#[tokio::test(start_paused = true)]
async fn a_document_under_another_name_that_is_renamed_back_starts_its_singleton_last() {
    let logs = "  logGroups:\n    /ecs/desk: {deletionPolicy: Delete}\n  components:\n";
    let with_logs = |name: &str| {
        document(name, &[&worker("worker", "")])
            .replace("  components:\n", logs)
            .replace("/ecs/desk", &format!("/ecs/{name}"))
    };
    let mut fixture = Fixture::on(sim(), &[("desk.yaml", &with_logs("desk"))]).await;
    fixture.by_hand("ecs", "CreateCluster", json!({"clusterName": "mall"}));
    for _ in 0..3 {
        for (from, to) in [("desk", "depot"), ("depot", "desk")] {
            write(&fixture, &[(from, String::new()), (to, with_logs(to))]);
            for _ in 0..150 {
                fixture.declare().await;
                fixture.pass(2).await;
                assert!(alive(&fixture, "worker") <= 1);
            }
            assert_eq!(services(&fixture).get(&format!("shop/{to}-worker")), Some(&1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_singleton_that_is_left_running_keeps_its_successor_from_starting_until_it_stops() {
    for restarts in [false, true] {
        let mut fixture = open(&worker("worker", "")).await;
        comes_to_rest(&mut fixture, "worker").await;
        let kept =
            document("desk", &[&clerk(), &worker("worker", "")]).replace("Policy: Delete", "Policy: Retain");
        write(&fixture, &[("desk", kept)]);
        comes_to_rest(&mut fixture, "worker").await;
        renamed(&mut fixture, &worker("worker", ""), "Policy: Retain").await;
        if restarts {
            fixture.kill().await;
            fixture.start().await;
        }
        for _ in 0..100 {
            fixture.declare().await;
            fixture.pass(6).await;
            assert_eq!(alive(&fixture, "worker"), 1);
        }
        // Nor does it start under another key.
        renamed_key(&mut fixture).await;
        let waits = serde_json::to_string(&fixture.status("depot").waiting_on).unwrap();
        assert!(waits.contains("`desk` is gone and left it"), "{waits}");
        // Nor in a third document.
        handed_on(&mut fixture).await;
        let stop = json!({"cluster": "shop", "service": "desk-worker", "desiredCount": 0});
        fixture.by_hand("ecs", "UpdateService", stop);
        for _ in 0..100 {
            fixture.declare().await;
            fixture.pass(2).await;
            assert!(alive(&fixture, "worker") <= 1);
        }
        assert_eq!(services(&fixture).get("shop/lab-packer"), Some(&1));
    }
}

/// The one that runs goes on, and nothing starts beside it.
async fn one_stays_alone(fixture: &mut Fixture) {
    for _ in 0..100 {
        fixture.declare().await;
        fixture.pass(3).await;
        assert_eq!(alive(fixture, "worker"), 1);
    }
}

/// The waiting one goes to another document.
async fn handed_on(fixture: &mut Fixture) {
    let depot = document("depot", &[&clerk()]).replace("Policy: Delete", "Policy: Retain");
    write(fixture, &[("depot", depot), ("lab", document("lab", &[&clerk(), &worker("packer", "")]))]);
    one_stays_alone(fixture).await;
}

/// What stands is of the version before the edit: nothing was given up, and nobody waits for it.
#[tokio::test(start_paused = true)]
async fn an_edit_of_the_cluster_that_is_undone_gives_nothing_up() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    let desk = document("desk", &[&clerk(), &worker("worker", "")]);
    for text in [desk.replace("cluster: shop", "cluster: mall"), desk] {
        write(&fixture, &[("desk", text)]);
        fixture.declare().await;
        fixture.pass(1).await;
    }
    comes_to_rest(&mut fixture, "worker").await;
    let given_up = fixture.record("desk").await.declared.unwrap().given_up;
    // The other service may have been made over there meanwhile.
    let stands = |arn: &String| arn.contains(":service/shop/");
    assert!(!given_up.keys().any(stands), "{given_up:#?}");
    let job = component("worker", "job:1.0", "      task:\n");
    write(&fixture, &[("lab", document("lab", &[&clerk(), &job]))]);
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(runs(&fixture), 1);
}

/// The waiting one gets another key.
async fn renamed_key(fixture: &mut Fixture) {
    let text = document("depot", &[&worker("packer", "")]).replace("Policy: Delete", "Policy: Retain");
    write(fixture, &[("depot", text)]);
    one_stays_alone(fixture).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_document_under_another_name_ends_before_the_next_one_starts() {
    let mut fixture = open(&job("")).await;
    while alive(&fixture, "job") == 0 {
        fixture.pass(1).await;
    }
    fixture.pass(5).await;
    renamed(&mut fixture, &job(""), "Policy: Delete").await;
    comes_to_rest(&mut fixture, "job").await;
    assert_eq!((runs(&fixture), stops(&fixture)), (2, 0), "the first run is left to end");
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_undone_leaves_the_singleton_as_it_is() {
    let first = worker("worker", "");
    let mut fixture = open(&first).await;
    comes_to_rest(&mut fixture, "worker").await;
    moves(&fixture, &worker("worker", "        serviceName: porter\n"));
    fixture.declare().await;
    fixture.pass(10).await;
    fixture.sim.reset_calls();
    write(
        &fixture,
        &[("desk", document("desk", &[&clerk(), &first])), ("lab", document("lab", &[&clerk()]))],
    );
    comes_to_rest(&mut fixture, "worker").await;
    let services = services(&fixture);
    assert_eq!(services.get("shop/desk-worker"), Some(&1), "{services:?}");
    assert_eq!(services.len(), 3, "{services:?}");
}

#[tokio::test(start_paused = true)]
async fn two_documents_that_both_declare_one_do_not_wait_for_each_other() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    let other = worker("worker", "        serviceName: porter\n");
    write(&fixture, &[("lab", document("lab", &[&clerk(), &other]))]);
    for _ in 0..60 {
        fixture.declare().await;
        fixture.pass(2).await;
    }
    assert_eq!(alive(&fixture, "worker"), 2, "nobody took the first one away");
}

#[tokio::test(start_paused = true)]
async fn a_former_one_that_cannot_be_seen_is_waited_for() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    moves(&fixture, &worker("worker", "        serviceName: porter\n"));
    let denied = Effect::access_denied("ecs:ListTasks");
    fixture.sim.faults().add(FaultRule::on("ecs:ListTasks", denied).when(When::Always));
    for _ in 0..60 {
        fixture.declare().await;
        fixture.pass(5).await;
        assert!(alive(&fixture, "worker") <= 1);
    }
    assert_eq!(services(&fixture).get("shop/porter"), None, "what it waits for was not seen to have stopped");
    fixture.sim.faults().clear();
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(services(&fixture).get("shop/porter"), Some(&1));
}

/// A service with names of its own.
fn named(name: &str) -> String {
    let rest =
        format!("family: {name}\n      service:\n        desiredCount: 2\n        serviceName: {name}\n");
    component(name, &format!("{name}:1.0"), &rest)
}

fn only_tags(fixture: &Fixture) -> bool {
    let reads = ["Describe", "List", "Get", "TagResource"];
    fixture.carried_out().into_keys().all(|call| reads.iter().any(|word| call.contains(word)))
}

#[tokio::test(start_paused = true)]
async fn two_documents_may_exchange_what_they_have() {
    let documents = |desk: &str, lab: &str| {
        [("desk", document("desk", &[&clerk(), desk])), ("lab", document("lab", &[&clerk(), lab]))]
    };
    let mut fixture = open(&named("porter")).await;
    write(&fixture, &documents(&named("porter"), &named("guard")));
    comes_to_rest(&mut fixture, "worker").await;
    fixture.sim.reset_calls();
    write(&fixture, &documents(&named("guard"), &named("porter")));
    comes_to_rest(&mut fixture, "worker").await;
    assert!(only_tags(&fixture), "{:?}", fixture.carried_out());
    let events = fixture.record("desk").await.events;
    let handed: Vec<_> = events.iter().filter(|event| event.reason.as_str() == "HandedOver").collect();
    assert!(handed.iter().any(|event| event.object == "service/porter"), "{events:#?}");
    assert!(handed.iter().all(|event| event.count == 1 && event.message.contains("`lab` declares it now")));
    fixture.sim.reset_calls();
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_the_former_document_put_on_is_taken_off_by_the_one_that_does_not_declare_it() {
    let tagged = |document: String| document.replace("spec:\n", "spec:\n  tags: {floor: first}\n");
    let mut fixture = open(&named("porter")).await;
    write(&fixture, &[("desk", tagged(document("desk", &[&clerk(), &named("porter")])))]);
    comes_to_rest(&mut fixture, "worker").await;
    let tags = |fixture: &Fixture| {
        let input = json!({"cluster": "shop", "services": ["porter"], "include": ["TAGS"]});
        let service = &fixture.by_hand("ecs", "DescribeServices", input)["services"][0];
        let input = json!({"taskDefinition": service["taskDefinition"], "include": ["TAGS"]});
        let revision = &fixture.by_hand("ecs", "DescribeTaskDefinition", input)["tags"];
        format!("{} {revision}", service["tags"])
    };
    assert_eq!(tags(&fixture).matches("floor").count(), 2);
    write(
        &fixture,
        &[
            ("desk", tagged(document("desk", &[&clerk()]))),
            ("lab", document("lab", &[&clerk(), &named("porter")])),
        ],
    );
    comes_to_rest(&mut fixture, "worker").await;
    assert!(!tags(&fixture).contains("floor"), "{}", tags(&fixture));
}

#[tokio::test(start_paused = true)]
async fn what_runs_goes_on_until_its_successor_elsewhere_could_start() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    let needs = worker("worker", "").replace(
        "stopTimeout: 30}",
        "stopTimeout: 30, secrets: [{name: KEY, valueFrom: \"lab/key:key::\"}]}",
    );
    moves(&fixture, &needs);
    for _ in 0..100 {
        fixture.declare().await;
        fixture.pass(3).await;
        assert_eq!(alive(&fixture, "worker"), 1);
    }
    assert_eq!(services(&fixture).get("shop/desk-worker"), Some(&1));
    let waits = serde_json::to_string(&fixture.status("desk").waiting_on).unwrap();
    assert!(waits.contains("\"of\":\"lab\""), "{waits}");
    let secret =
        json!({"Name": "lab/key", "SecretString": "{\"key\": \"1\"}", "ClientRequestToken": "k".repeat(32)});
    fixture.by_hand("secretsmanager", "CreateSecret", secret);
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(services(&fixture).get("shop/lab-worker"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_singleton_makes_way_though_its_former_document_is_not_complete() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    let broken = clerk().replace("clerk:1.0", "crash:1.0");
    write(
        &fixture,
        &[
            ("desk", document("desk", &[&broken])),
            ("lab", document("lab", &[&clerk(), &worker("worker", "")])),
        ],
    );
    for _ in 0..100 {
        fixture.declare().await;
        fixture.pass(3).await;
        assert!(alive(&fixture, "worker") <= 1);
    }
    assert_eq!(services(&fixture).get("shop/lab-worker"), Some(&1));
}

/// Two components of one name that have nothing to do with each other: one was declared before the
/// other went.
#[tokio::test(start_paused = true)]
async fn what_was_declared_beside_something_is_not_its_successor() {
    let kept = document(
        "desk",
        &[&clerk(), &component("worker", "other:1.0", "      service:\n        desiredCount: 2\n")],
    )
    .replace("Policy: Delete", "Policy: Retain");
    // It waits for what it depends on while the other one goes.
    let waits = worker("worker", "")
        .replace("      taskDefinition:\n", "      dependsOn: [slow]\n      taskDefinition:\n");
    let slow = component("slow", "clerk:1.0-slow", "      service:\n        desiredCount: 1\n");
    let lab = document("lab", &[&slow, &waits]);
    let mut fixture = Fixture::on(sim(), &[("desk.yaml", &kept), ("lab.yaml", &lab)]).await;
    fixture.pass(30).await;
    assert_eq!(alive(&fixture, "worker"), 0);
    write(&fixture, &[("desk", String::new())]);
    for _ in 0..100 {
        fixture.declare().await;
        fixture.pass(2).await;
    }
    assert_eq!(alive(&fixture, "worker"), 1);
    // Nor is one of another image that comes when the other one is left running.
    let kept = kept.replace("name: desk", "name: dock");
    write(&fixture, &[("dock", kept)]);
    fixture.declare().await;
    fixture.pass(120).await;
    write(&fixture, &[("dock", String::new()), ("pier", document("pier", &[&worker("worker", "")]))]);
    for _ in 0..60 {
        fixture.declare().await;
        fixture.pass(2).await;
    }
    assert_eq!(alive(&fixture, "worker"), 2);
}

/// The whole change is taken back while the second one waits: it comes to nothing, whichever file
/// comes first.
#[tokio::test(start_paused = true)]
async fn a_waiting_successor_does_not_start_because_its_change_is_taken_back() {
    let forever = component("worker", "worker:1.0", "      task:\n        run: Forever\n");
    for first in [worker("worker", ""), forever] {
        for between in [0, 2, 8] {
            let mut fixture = open(&first).await;
            comes_to_rest(&mut fixture, "worker").await;
            let desk = document("desk", &[&clerk(), &first]);
            write(
                &fixture,
                &[("desk", document("desk", &[&clerk()])), ("depot", document("depot", &[&first]))],
            );
            fixture.declare().await;
            fixture.pass(6).await;
            write(&fixture, &[("desk", desk)]);
            for _ in 0..between {
                fixture.declare().await;
                fixture.pass(1).await;
                assert!(alive(&fixture, "worker") <= 1);
            }
            write(&fixture, &[("depot", String::new())]);
            comes_to_rest(&mut fixture, "worker").await;
            assert_eq!(alive(&fixture, "worker"), 1, "{between} s between");
            assert_eq!(services(&fixture).keys().filter(|name| name.contains("depot")).count(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_for_ever_that_move_with_another_image_and_back_never_run_twice() {
    let forever = |family: &str, version: u32| {
        let rest = format!("family: {family}\n      task:\n        run: Forever\n");
        component("worker", &format!("worker:{version}.0"), &rest)
    };
    let mut fixture = open(&forever("one", 1)).await;
    comes_to_rest(&mut fixture, "worker").await;
    let desk = document("desk", &[&clerk(), &forever("one", 1)]);
    let moved = document("depot", &[&forever("one", 2)]);
    write(&fixture, &[("desk", document("desk", &[&clerk()])), ("depot", moved)]);
    comes_to_rest(&mut fixture, "worker").await;
    write(&fixture, &[("desk", desk), ("depot", String::new())]);
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(alive(&fixture, "worker"), 1);
}

#[tokio::test(start_paused = true)]
async fn tasks_for_ever_that_are_exchanged_with_other_images_wait_for_each_other() {
    let forever = |family: &str, image: &str| {
        component("worker", image, &format!("family: {family}\n      task:\n        run: Forever\n"))
    };
    let both = |desk: &str, lab: &str| {
        [("desk", document("desk", &[&clerk(), desk])), ("lab", document("lab", &[&clerk(), lab]))]
    };
    let mut fixture = open(&forever("one", "worker:1.0")).await;
    write(&fixture, &both(&forever("one", "worker:1.0"), &forever("two", "guard:1.0")));
    comes_to_rest(&mut fixture, "worker").await;
    write(&fixture, &both(&forever("two", "guard:2.0"), &forever("one", "worker:2.0")));
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!((alive(&fixture, "worker"), alive(&fixture, "guard")), (1, 1));
}

/// One image with several commands is a usual thing: what is left of one of them holds no other.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_an_image_holds_no_other_program_of_it() {
    let with = |component: &str, command: &str| {
        component.replace("stopTimeout: 30}", &format!("stopTimeout: 30, command: [{command}]}}"))
    };
    let kept = document("desk", &[&clerk(), &with(&worker("cron", ""), "cron")])
        .replace("Policy: Delete", "Policy: Retain");
    let mut fixture = Fixture::on(sim(), &[("desk.yaml", &kept)]).await;
    comes_to_rest(&mut fixture, "worker").await;
    let other = document("mail", &[&with(&worker("mailer", ""), "mailer")]);
    write(&fixture, &[("desk", String::new()), ("mail", other)]);
    for _ in 0..60 {
        fixture.declare().await;
        fixture.pass(2).await;
    }
    assert_eq!(alive(&fixture, "worker"), 2);
}

/// The new one came first and runs already: the former one is not kept any longer.
#[tokio::test(start_paused = true)]
async fn a_former_one_that_runs_beside_its_successor_stops_at_once() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    write(&fixture, &[("depot", document("depot", &[&worker("worker", "")]))]);
    fixture.declare().await;
    fixture.pass(2).await;
    write(&fixture, &[("desk", document("desk", &[&clerk()]))]);
    for _ in 0..4 {
        fixture.declare().await;
        fixture.pass(2).await;
    }
    let stopped = services(&fixture).get("shop/desk-worker") != Some(&1);
    assert!(stopped, "{:?}", services(&fixture));
}

/// A document that is refused because of a third one may be the one that what was taken out is for.
#[tokio::test(start_paused = true)]
async fn what_is_taken_out_runs_on_while_the_document_that_it_is_for_is_refused() {
    let mut fixture = open(&worker("worker", "")).await;
    comes_to_rest(&mut fixture, "worker").await;
    let clash = worker("worker", "        serviceName: lab-clerk\n");
    write(&fixture, &[("desk", document("desk", &[&clerk()])), ("depot", document("depot", &[&clash]))]);
    for _ in 0..60 {
        fixture.declare().await;
        fixture.pass(2).await;
        assert_eq!(alive(&fixture, "worker"), 1);
    }
    write(&fixture, &[("depot", document("depot", &[&worker("worker", "")]))]);
    comes_to_rest(&mut fixture, "worker").await;
    assert_eq!(services(&fixture).get("shop/depot-worker"), Some(&1));
}

fn is_at_rest(fixture: &Fixture, name: &str) -> bool {
    evenkeel::reconcile::is_ready(&fixture.status(name))
}

/// A service of three whose document has another image and may not run twice from now on.
async fn becomes_one_alone(count: &str, image: &str) {
    let three = component("worker", "worker:1.0", "      service:\n        desiredCount: 3\n");
    let mut fixture = open(&three).await;
    while !is_at_rest(&fixture, "desk") || alive(&fixture, "worker") < 3 {
        fixture.pass(1).await;
    }
    let one = component("worker", image, &format!("      singleton:\n{count}"));
    write(&fixture, &[("desk", document("desk", &[&clerk(), &one]))]);
    fixture.declare().await;
    let mut ready_since = 0;
    while ready_since < 60 {
        fixture.pass(1).await;
        let (all, new) = (alive(&fixture, "worker"), alive(&fixture, image));
        // The last one ECS stops itself, and counts it no more while it does.
        assert!(new == 0 || all <= 2, "{new} of {all} at {}", fixture.sim.now());
        ready_since = if is_at_rest(&fixture, "desk") { ready_since + 1 } else { 0 };
    }
    assert_eq!((alive(&fixture, "worker"), alive(&fixture, image)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_becomes_a_singleton_with_another_image_has_its_tasks_stopped_first() {
    becomes_one_alone("        desiredCount: 1\n", "worker:2.0").await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_becomes_a_singleton_without_a_count_has_its_tasks_stopped_first() {
    becomes_one_alone("", "worker:2.0").await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_over_is_written_once_though_the_former_document_looked_at_it_before() {
    let task = job("family: migrations\n");
    for seconds in 1..12 {
        let mut fixture = open(&task).await;
        comes_to_rest(&mut fixture, "job").await;
        let attic = |clerk: &str| document("attic", &[clerk, &task]);
        write(&fixture, &[("desk", String::new()), ("attic", attic(&clerk()))]);
        fixture.sim.reset_calls();
        for _ in 0..2 {
            fixture.declare().await;
            fixture.pass(1).await;
        }
        fixture.pass(seconds).await;
        write(&fixture, &[("attic", attic(&clerk().replace("clerk:1.0", "clerk:1.1")))]);
        comes_to_rest(&mut fixture, "job").await;
        let tagged = fixture.carried_out().get("ecs:TagResource").copied();
        assert_eq!(tagged, Some(1), "an edit after {seconds} s");
    }
}
