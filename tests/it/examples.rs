//! The example documents that come with Evenkeel: brought up in order, steady, upgraded in order.

use crate::support::Fixture;
use aws_sim::Sim;
use evenkeel::model::kinds::Kind;
use evenkeel::model::status::Record;
use serde_json::{Value, json};

const SEED: &str = include_str!("../../manifests/examples/aws-sim-world.json");

async fn fixture(documents: &[(&str, &str)]) -> Fixture {
    let sim = Sim::builder().seed(7).build();
    sim.seed_world(&serde_json::from_str(SEED).unwrap()).unwrap();
    Fixture::bare(sim, documents).await
}

/// Holds that of the events since the `from`th these come one after the other.
fn in_order(record: &Record, from: usize, wanted: &[(&str, &str)]) {
    let events = &record.events[from..];
    let mut rest = events.iter();
    for (reason, object) in wanted {
        let found = rest.any(|event| event.reason.as_str() == *reason && event.object == *object);
        let shown: Vec<String> =
            events.iter().map(|e| format!("{} {} {}: {}", e.at, e.reason, e.object, e.message)).collect();
        assert!(found, "no {reason} of {object} after the ones before it: {shown:#?}");
    }
}

/// Brings one example up, edits it, and holds the order of both.
async fn is_upgraded(kind: Kind, edits: &[(&str, &str)], first: &[(&str, &str)], then: &[(&str, &str)]) {
    let (file, text) = kind.example();
    let name = file.trim_end_matches(".yaml");
    let name = if name == "application" { "shop" } else { name };
    let mut fixture = fixture(&[(file, text)]).await;
    fixture.ready_within(900).await;
    let record = fixture.record(name).await;
    in_order(&record, 0, first);
    let mut edited = text.to_owned();
    for (from, to) in edits {
        assert!(edited.contains(from), "{from}");
        edited = edited.replace(from, to);
    }
    let from = record.events.len();
    fixture.write(file, &edited).await;
    fixture.pass(1).await;
    fixture.ready_within(1200).await;
    let status = fixture.status(name);
    assert_eq!(status.observed_generation.0, 2);
    in_order(&fixture.record(name).await, from, then);
    fixture.sim.reset_calls();
    fixture.pass(900).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

/// The examples of all kinds in one simulated AWS.
pub async fn all() -> Fixture {
    fixture(&Kind::ALL.map(Kind::example)).await
}

#[tokio::test(start_paused = true)]
async fn all_become_ready_and_then_nothing_is_written_for_an_hour() {
    let fixture = all().await;
    fixture.ready_within(900).await;
    assert_eq!(fixture.handle.statuses().len(), Kind::ALL.len());
    fixture.sim.reset_calls();
    fixture.pass(3600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    fixture.ready_within(1).await;
}

#[tokio::test(start_paused = true)]
async fn the_application_migrates_before_web_and_worker_at_every_release() {
    let order = [
        ("Complete", "component/migrate"),
        ("Rolling", "component/web"),
        ("Complete", "component/web"),
        ("Ready", ""),
    ];
    let worker = [
        ("Complete", "component/migrate"),
        ("Rolling", "component/worker"),
        ("Complete", "component/worker"),
    ];
    is_upgraded(Kind::Application, &[(":2.14.0", ":2.15.0")], &order, &order).await;
    is_upgraded(Kind::Application, &[(":2.14.0", ":2.15.0")], &worker, &worker).await;
}

#[tokio::test(start_paused = true)]
async fn pulumi_migrates_before_its_api_and_its_console_comes_last() {
    let order = [
        ("Complete", "component/migrate"),
        ("Rolling", "component/api"),
        ("Complete", "component/api"),
        ("Rolling", "component/console"),
        ("Complete", "component/console"),
        ("Ready", ""),
    ];
    let edits = [("imageTag: 20260915-2214-signed", "imageTag: 20261020-0117-signed")];
    is_upgraded(Kind::PulumiService, &edits, &order, &order).await;
}

#[tokio::test(start_paused = true)]
async fn zenml_migrates_before_its_server() {
    let order = [
        ("Complete", "component/migrate"),
        ("Rolling", "component/server"),
        ("Complete", "component/server"),
        ("Ready", ""),
    ];
    is_upgraded(Kind::ZenMLWorkspace, &[("imageTag: 0.93.2", "imageTag: 0.93.3")], &order, &order).await;
}

#[tokio::test(start_paused = true)]
async fn datero_comes_up_and_is_upgraded() {
    let order = [("Rolling", "component/datero"), ("Complete", "component/datero"), ("Ready", "")];
    is_upgraded(Kind::Datero, &DATERO_UPGRADE, &order, &order).await;
}

const DATERO_UPGRADE: [(&str, &str); 2] =
    [("imageTag: 1.2.0", "imageTag: 1.2.1"), ("initialisedWith: 1.2.0", "initialisedWith: 1.2.1")];

#[tokio::test(start_paused = true)]
async fn two_dateros_never_run_at_a_time() {
    let (file, text) = Kind::Datero.example();
    let mut fixture = fixture(&[(file, text)]).await;
    fixture.ready_within(900).await;
    let edited = DATERO_UPGRADE.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    fixture.write(file, &edited).await;
    let mut stood_still = 0;
    for _ in 0..180 {
        fixture.pass(1).await;
        let listed =
            fixture.by_hand("ecs", "ListTasks", json!({"cluster": "datero", "desiredStatus": "RUNNING"}));
        let stopping =
            fixture.by_hand("ecs", "ListTasks", json!({"cluster": "datero", "desiredStatus": "STOPPED"}));
        let arns: Vec<&Value> =
            [&listed, &stopping].iter().flat_map(|list| list["taskArns"].as_array().unwrap()).collect();
        if arns.is_empty() {
            continue;
        }
        let tasks = fixture.by_hand("ecs", "DescribeTasks", json!({"cluster": "datero", "tasks": arns}));
        let statuses =
            tasks["tasks"].as_array().unwrap().iter().map(|task| task["lastStatus"].as_str().unwrap());
        let running =
            statuses.filter(|status| ["RUNNING", "DEACTIVATING", "STOPPING"].contains(status)).count();
        assert!(running <= 1, "{running} run");
        stood_still += u32::from(running == 0);
    }
    assert!(stood_still > 0, "it was never replaced");
    fixture.ready_within(300).await;
}
