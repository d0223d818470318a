//! More to do than AWS's request rates allow: what goes first, how fast all of it goes, and what is
//! said of it meanwhile.

use crate::fleet::document;
use crate::support::{Fixture, REGION};
use aws_sim::Sim;
use evenkeel::model::status::DeploymentStatus;
use evenkeel::model::view::DeploymentList;
use evenkeel::reconcile::is_ready;
use evenkeel::state::{FileRecordStore, RecordStore};
use serde_json::json;

/// A controller that keeps to a quarter of AWS's request rates, which hold, with one deployment
/// that runs.
async fn paced() -> Fixture {
    let sim = Sim::builder().seed(7).rate_limits(true).build();
    let text = document("running");
    let mut fixture = Fixture::idle(sim, &[("running.yaml", text.as_str())]).await;
    fixture.share = Some(0.25.into());
    fixture.start().await;
    fixture.ready_within(600).await;
    fixture.pass(300).await;
    fixture
}

/// Declares so many more at once.
async fn more(fixture: &mut Fixture, number: usize) {
    for number in 0..number {
        let name = format!("app-{number:03}");
        std::fs::write(fixture.specs_folder().join(format!("{name}.yaml")), document(&name)).unwrap();
    }
    fixture.declare().await;
}

fn ready(fixture: &Fixture) -> usize {
    fixture.handle.statuses().iter().filter(|status| is_ready(status)).count()
}

/// Revisions of the running deployment.
fn revisions(fixture: &Fixture) -> usize {
    let found = fixture.by_hand("ecs", "ListTaskDefinitions", json!({"familyPrefix": "running-web"}));
    found["taskDefinitionArns"].as_array().unwrap().len()
}

async fn told(fixture: &Fixture) -> DeploymentList {
    let state = FileRecordStore::existing(fixture.state_folder()).unwrap();
    let heartbeat = state.load_heartbeat().await.unwrap();
    let records = state.load_all().await.unwrap().records;
    DeploymentList::of(records, heartbeat.as_ref(), fixture.clock.now())
}

fn throttled(fixture: &Fixture) -> usize {
    fixture.sim.calls().iter().filter(|call| call.region == REGION && call.status == 400).count()
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_what_runs_is_written_within_five_seconds_while_three_hundred_come_up() {
    let mut fixture = paced().await;
    more(&mut fixture, 300).await;
    fixture.pass(120).await;
    assert_eq!(revisions(&fixture), 1);
    fixture.edit("running.yaml", "running:1.0", "running:1.1").await;
    fixture.pass(5).await;
    assert_eq!(revisions(&fixture), 2);
    let upgraded = |status: &DeploymentStatus| status.name.as_str() == "running" && is_ready(status);
    fixture.until(180, upgraded).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_come_up_one_after_the_other_at_the_pace_that_aws_sets() {
    let mut fixture = paced().await;
    more(&mut fixture, 100).await;
    fixture.pass(60).await;
    assert!(ready(&fixture) > 1, "some are finished before all are begun");
    // A revision each, one in four seconds, less a burst of five; and the last one has to start.
    let floor = (100 - 5) * 4;
    fixture.pass(floor - 60 + floor / 20 + 45).await;
    assert_eq!(ready(&fixture), 101);
    assert_eq!(throttled(&fixture), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_request_budget_is_told_and_for_about_how_long() {
    let mut fixture = paced().await;
    more(&mut fixture, 100).await;
    fixture.pass(60).await;
    let told = told(&fixture).await;
    let last = told.waits.get("app-099").map(String::as_str).unwrap_or_default();
    let minutes =
        last.strip_prefix("waits for AWS request budget, about ").and_then(|rest| rest.strip_suffix(" min"));
    let minutes: u64 = minutes.unwrap_or_else(|| panic!("{last}")).parse().unwrap();
    assert!((3..=9).contains(&minutes), "ninety are before it, four seconds each: {minutes}");
    assert!(!told.waits.contains_key("running"));
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    assert_eq!(self::told(&fixture).await.waits, Default::default());
}
