//! A task counts as done only when its work is done, however its containers obey a stop.

use crate::support::{Fixture, REGION, SHOP, condition};
use aws_sim::Sim;
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::json;

/// The shop, its migration to be done within so many seconds.
fn within(seconds: u32) -> String {
    SHOP.replace("      task:\n", &format!("      task:\n        deadlineSeconds: {seconds}\n"))
}

/// A simulation in which migrations take so long, and obey a stop with exit code 0.
fn slow(seconds: f64) -> Sim {
    let sim = Sim::builder().seed(7).build();
    sim.behave(BehaviourRule::image("*migrations*", Behaviour::exits(0, seconds)));
    sim
}

/// The task of the migration that runs.
fn running(fixture: &Fixture) -> Option<String> {
    let tasks = fixture.sim.with(|world| world.region(REGION).ecs.tasks());
    let of_migration = |definition: &str| definition.contains("shop-migrate");
    tasks
        .into_iter()
        .find(|task| task.status == "RUNNING" && of_migration(&task.task_definition))
        .map(|task| task.id)
}

async fn until_it_runs(fixture: &Fixture) -> String {
    for _ in 0..120 {
        if let Some(id) = running(fixture) {
            return id;
        }
        fixture.pass(1).await;
    }
    panic!("the migration does not run")
}

/// The migration is stalled for a reason, and nothing of the service was ever made.
async fn holds_the_service(fixture: &Fixture, reason: &str) {
    let status = fixture.until(1800, |status| status.components["migrate"].phase == "Stalled").await;
    let (stalled, why, message) = condition(&status, ConditionType::Stalled);
    assert_eq!((stalled, why.as_str()), (Truth::True, reason), "{message}");
    fixture.pass(3600).await;
    assert!(!fixture.writes().contains(&"ecs:CreateService".to_owned()));
    assert_eq!(fixture.status("shop").components["web"].phase, "Waiting");
}

#[tokio::test(start_paused = true)]
async fn one_that_obeys_the_stop_at_its_deadline_with_0_is_not_done() {
    let fixture = Fixture::on(slow(600.0), &[("shop.yaml", &within(60))]).await;
    holds_the_service(&fixture, "TaskDeadlineExceeded").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_a_person_stopped_is_not_done() {
    let fixture = Fixture::on(slow(600.0), &[("shop.yaml", &within(3600))]).await;
    let id = until_it_runs(&fixture).await;
    fixture.by_hand("ecs", "StopTask", json!({"cluster": "shop", "task": id}));
    holds_the_service(&fixture, "TaskFailed").await;
    assert!(fixture.status("shop").components["migrate"].message.contains("somebody stopped it"));
}

#[tokio::test(start_paused = true)]
async fn one_whose_work_was_killed_for_memory_beside_a_sidecar_that_ends_well_is_not_done() {
    let sim = Sim::builder().seed(7).build();
    let starved = Behaviour { out_of_memory_after_seconds: Some(5.0), ..Behaviour::default() };
    sim.behave(BehaviourRule::image("*migrations*", starved));
    let sidecar = "            image: registry.example.com/shop-migrations:1.0\n";
    let with_sidecar = SHOP.replace(
        "          - name: migrate\n",
        "          - name: router\n            image: registry.example.com/router:1.0\n          - name: migrate\n",
    );
    assert!(with_sidecar.contains(sidecar));
    let fixture = Fixture::on(sim, &[("shop.yaml", &with_sidecar)]).await;
    holds_the_service(&fixture, "TaskFailed").await;
    assert!(fixture.status("shop").components["migrate"].message.contains("OutOfMemoryError"));
}

#[tokio::test(start_paused = true)]
async fn one_that_was_interrupted_runs_again_within_its_deadline() {
    let fixture = Fixture::on(slow(60.0), &[("shop.yaml", &within(3600))]).await;
    let id = until_it_runs(&fixture).await;
    fixture.sim.with(|world| world.with_ecs(REGION, |ecs, env| ecs.interrupt_task(env, &id)));
    fixture.ready_within(600).await;
    let runs = fixture.writes().iter().filter(|write| *write == "ecs:RunTask").count();
    assert_eq!(runs, 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_evenkeel_stopped_because_its_document_was_gone_runs_again_when_that_comes_back() {
    let document = within(3600).replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::on(slow(60.0), &[("shop.yaml", &document)]).await;
    until_it_runs(&fixture).await;
    fixture.remove("shop.yaml").await;
    for _ in 0..600 {
        if running(&fixture).is_none() {
            break;
        }
        fixture.pass(1).await;
    }
    assert_eq!(running(&fixture), None, "it is stopped with its document");
    fixture.write("shop.yaml", &document).await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
}
