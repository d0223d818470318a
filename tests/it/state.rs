//! The state folder: full, unwritable, damaged, or taken. Without a record nothing is written to
//! AWS.

use crate::support::{SHOP, World, condition};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::ids::DeploymentName;
use evenkeel::reconcile::is_ready;
use evenkeel::state::{ErrorKind, FileRecordStore, RecordStore};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_all_writes_is_told_by_readyz_and_heals() {
    let world = World::idle(aws_sim::Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    world.saves.full(true);
    let mut world = world;
    world.start().await;
    world.pass(600).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let why = world.handle.ready().unwrap_err();
    assert!(why.contains("No space left on device"), "{why}");
    assert!(world.handle.alive().is_ok(), "restarting it would not help");
    world.saves.full(false);
    world.declare().await;
    world.ready_within(900).await;
    assert!(world.handle.ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_up_later_stops_repairs_too_and_nothing_is_lost() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.saves.full(true);
    world.sim.reset_calls();
    scale(&world, 5);
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new(), "not even a repair: it could not be recorded");
    assert!(world.handle.ready().is_err());
    world.saves.full(false);
    world.pass(70).await;
    assert_eq!(world.writes(), vec!["ecs:UpdateService"]);
    world.ready_within(300).await;
    assert!(world.handle.ready().is_ok());
    // What was not kept while the disk was full is kept now: a restart knows it.
    let told = world.status("shop");
    world.pass(70).await;
    world.kill().await;
    assert_eq!(world.record("shop").await.status.unwrap().last_drift, told.last_drift);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_has_nothing_to_keep_does_not_hide_that_another_cannot_be_kept() {
    let second = SHOP
        .replace("name: shop}", "name: zebra}")
        .replace("/ecs/shop", "/ecs/zebra")
        .replace("port: 80\n", "port: 81\n");
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.saves.full(true);
    world.write("zebra.yaml", &second).await;
    for _ in 0..30 {
        world.pass(10).await;
        assert!(world.handle.ready().is_err(), "zebra cannot be kept");
    }
    assert!(!world.carried_out().keys().any(|call| call.contains("zebra")));
    world.saves.full(false);
    world.until(900, |status| status.name.as_str() == "zebra" && is_ready(status)).await;
    assert!(world.handle.ready().is_ok());
}

/// Somebody sets the number of tasks.
fn scale(world: &World, count: u32) {
    world.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": count}),
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_folder_that_is_replaced_by_a_file_stops_all_writes_until_it_is_back() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    let folder = world.state_folder();
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "").unwrap();
    world.sim.reset_calls();
    world.edit("shop.yaml", ":1.0", ":1.1").await;
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let why = world.handle.ready().unwrap_err();
    assert!(why.contains("state"), "{why}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    world
        .until(900, |status| {
            status.components["web"].image.ends_with(":1.1")
                && condition(status, ConditionType::Ready).0 == Truth::True
        })
        .await;
    assert!(world.handle.ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_named_kept_aside_and_recovered_from_aws_without_doing_anything_again() {
    for damage in ["", "{\"format\": 1, \"checksum\": \"0\", \"content\": {}}", "not json", "\u{0}\u{0}"] {
        let mut world = World::new(&[("shop.yaml", SHOP)]).await;
        world.ready_within(600).await;
        world.pass(120).await;
        world.kill().await;
        let file = world.state_folder().join("shop.json");
        std::fs::write(&file, damage).unwrap();
        let error = FileRecordStore::existing(world.state_folder())
            .unwrap()
            .load(&DeploymentName::from("shop"))
            .await
            .unwrap_err();
        assert!(error.kind == ErrorKind::Damaged && error.to_string().contains("shop.json"), "{error}");
        world.sim.reset_calls();
        world.start().await;
        world.ready_within(300).await;
        world.pass(120).await;
        assert_eq!(world.writes(), Vec::<String>::new(), "{damage:?}");
        let aside = world.state_folder().join("shop.json.damaged-1");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damage);
        assert_eq!(world.status("shop").components["migrate"].phase, "Complete");
        // And it is in charge again.
        scale(&world, 5);
        world.pass(70).await;
        world.ready_within(300).await;
        assert_eq!(world.carried_out()["ecs:UpdateService"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_lost_while_a_migration_runs_does_not_start_a_second_one_beside_it() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world
        .until(300, |status| status.components.get("migrate").is_some_and(|c| c.running + c.pending > 0))
        .await;
    world.kill().await;
    std::fs::write(world.state_folder().join("shop.json"), "gone").unwrap();
    world.start().await;
    for _ in 0..600 {
        let answer = world.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": "shop-migrate"}));
        let tasks = answer["taskArns"].as_array().unwrap().len();
        assert!(tasks <= 1, "two migrations at a time");
        world.pass(1).await;
    }
    world.ready_within(300).await;
    assert_eq!(world.carried_out()["ecs:CreateService"], 1);
    assert_eq!(world.carried_out()["ecs:RegisterTaskDefinition"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_controller_on_the_same_state_folder_is_refused() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.pass(5).await;
    let error = FileRecordStore::new(world.state_folder()).hold("second").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Held);
    assert!(error.to_string().contains("in use by another controller"), "{error}");
    world.kill().await;
    // The lock goes with its process: nothing has to be cleaned up after a kill.
    FileRecordStore::new(world.state_folder()).hold("second").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn values_of_secrets_appear_nowhere() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.edit("shop.yaml", ":1.0", ":1.1-crash").await;
    world.until(300, |status| condition(status, ConditionType::Stalled).0 == Truth::True).await;
    let mut all = serde_json::to_string(&world.status("shop")).unwrap();
    all.push_str(&serde_json::to_string(&world.record("shop").await).unwrap());
    for entry in std::fs::read_dir(world.state_folder()).unwrap() {
        all.push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(all.contains("shop/db"), "the reference is there");
    assert!(!all.contains("canary-secret-value"));
    assert_eq!(world.sim.counts().of("secretsmanager", "GetSecretValue"), 0, "it is never even read");
}
