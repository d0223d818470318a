//! The state folder: full, unwritable, damaged, or taken. Without a record nothing is written to
//! AWS.

use crate::support::{Fixture, SHOP, condition};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::ids::DeploymentName;
use evenkeel::model::status::{DeploymentStatus, EventReason};
use evenkeel::reconcile::is_ready;
use evenkeel::state::{ErrorKind, FileRecordStore, RecordStore};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_all_writes_is_told_by_readyz_and_heals() {
    let fixture = Fixture::idle(aws_sim::Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    fixture.saves.full(true);
    let mut fixture = fixture;
    fixture.start().await;
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let why = fixture.handle.ready().unwrap_err();
    assert!(why.contains("No space left on device"), "{why}");
    assert!(fixture.handle.alive().is_ok(), "restarting it would not help");
    fixture.saves.full(false);
    fixture.declare().await;
    fixture.ready_within(900).await;
    assert!(fixture.handle.ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_up_later_stops_repairs_too_and_nothing_is_lost() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.saves.full(true);
    fixture.sim.reset_calls();
    scale(&fixture, 5);
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new(), "not even a repair: it could not be recorded");
    assert!(fixture.handle.ready().is_err());
    fixture.saves.full(false);
    fixture.pass(70).await;
    assert_eq!(fixture.writes(), vec!["ecs:UpdateService"]);
    fixture.ready_within(300).await;
    assert!(fixture.handle.ready().is_ok());
    // What was not kept while the disk was full is kept now: a restart knows it.
    let status = fixture.status("shop");
    fixture.pass(70).await;
    fixture.kill().await;
    assert_eq!(fixture.record("shop").await.status.unwrap().last_drift, status.last_drift);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_has_nothing_to_keep_does_not_hide_that_another_cannot_be_kept() {
    let second = SHOP
        .replace("name: shop}", "name: zebra}")
        .replace("/ecs/shop", "/ecs/zebra")
        .replace("port: 80\n", "port: 81\n");
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.saves.full(true);
    fixture.write("zebra.yaml", &second).await;
    for _ in 0..30 {
        fixture.pass(10).await;
        assert!(fixture.handle.ready().is_err(), "zebra cannot be kept");
    }
    assert!(!fixture.carried_out().keys().any(|call| call.contains("zebra")));
    fixture.saves.full(false);
    fixture.until(900, |status| status.name.as_str() == "zebra" && is_ready(status)).await;
    assert!(fixture.handle.ready().is_ok());
}

/// Somebody sets the number of tasks.
fn scale(fixture: &Fixture, count: u32) {
    fixture.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": count}),
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_folder_that_is_replaced_by_a_file_stops_all_writes_until_it_is_back() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let folder = fixture.state_folder();
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "").unwrap();
    fixture.sim.reset_calls();
    fixture.edit("shop.yaml", ":1.0", ":1.1").await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let why = fixture.handle.ready().unwrap_err();
    assert!(why.contains("state"), "{why}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    fixture
        .until(900, |status| {
            status.components["web"].image.ends_with(":1.1")
                && condition(status, ConditionType::Ready).0 == Truth::True
        })
        .await;
    assert!(fixture.handle.ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_named_kept_aside_and_recovered_from_aws_without_doing_anything_again() {
    for damage in ["", "{\"format\": 1, \"checksum\": \"0\", \"content\": {}}", "not json", "\u{0}\u{0}"] {
        let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
        fixture.ready_within(600).await;
        fixture.pass(120).await;
        fixture.kill().await;
        let file = fixture.state_folder().join("shop.json");
        std::fs::write(&file, damage).unwrap();
        let error = FileRecordStore::existing(fixture.state_folder())
            .unwrap()
            .load(&DeploymentName::from("shop"))
            .await
            .unwrap_err();
        assert!(error.kind == ErrorKind::Damaged && error.to_string().contains("shop.json"), "{error}");
        fixture.sim.reset_calls();
        fixture.start().await;
        fixture.ready_within(300).await;
        fixture.pass(120).await;
        assert_eq!(fixture.writes(), Vec::<String>::new(), "{damage:?}");
        let aside = fixture.state_folder().join("shop.json.damaged-1");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damage);
        let status = fixture.status("shop");
        assert_eq!(status.components["migrate"].phase, "Complete");
        // Who only looks at the status learns of it, for a day.
        let is_told = |status: &DeploymentStatus| {
            status.findings.iter().any(|finding| finding.message.contains("shop.json` is damaged"))
        };
        assert!(is_told(&status), "{:?}", status.findings);
        let reasons: Vec<_> = fixture.record("shop").await.events.iter().map(|event| event.reason).collect();
        assert_eq!(
            reasons.iter().filter(|reason| **reason == EventReason::RecordLost).count(),
            1,
            "{reasons:?}"
        );
        if damage.is_empty() {
            fixture.pass(86_400).await;
            fixture.declare().await;
            fixture.pass(70).await;
            assert!(!is_told(&fixture.status("shop")));
        }
        // And it is in charge again.
        scale(&fixture, 5);
        fixture.pass(70).await;
        fixture.ready_within(300).await;
        assert_eq!(fixture.carried_out()["ecs:UpdateService"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_of_which_no_document_is_left_is_told_of_the_store_and_a_refused_one_by_its_row() {
    for text in ["", "kind: Application\nmetadata: {name: shop}\nspec: {componentz: {}}\n"] {
        let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
        fixture.ready_within(600).await;
        match text {
            "" => fixture.remove("shop.yaml").await,
            _ => fixture.write("shop.yaml", text).await,
        }
        fixture.pass(60).await;
        fixture.kill().await;
        std::fs::write(fixture.state_folder().join("shop.json"), "gone").unwrap();
        fixture.start().await;
        for _ in 0..2 {
            fixture.pass(60).await;
            let state = FileRecordStore::existing(fixture.state_folder()).unwrap();
            let report = state.load_report().await.unwrap().unwrap();
            let told = format!("{:?} {:?}", report.problems, fixture.handle.statuses());
            assert!(told.contains("shop.json` is damaged"), "{told}");
            assert_eq!(
                text.is_empty(),
                told.contains("no document that can be read declares `shop`"),
                "{told}"
            );
            // Nor does a restart forget it.
            fixture.stop().await;
            fixture.start().await;
        }
        assert_eq!(fixture.writes().iter().filter(|call| call.contains("Delete")).count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_lost_while_a_migration_runs_does_not_start_a_second_one_beside_it() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture
        .until(300, |status| status.components.get("migrate").is_some_and(|c| c.running + c.pending > 0))
        .await;
    fixture.kill().await;
    std::fs::write(fixture.state_folder().join("shop.json"), "gone").unwrap();
    fixture.start().await;
    for _ in 0..600 {
        let answer =
            fixture.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": "shop-migrate"}));
        let tasks = answer["taskArns"].as_array().unwrap().len();
        assert!(tasks <= 1, "two migrations at a time");
        fixture.pass(1).await;
    }
    fixture.ready_within(300).await;
    assert_eq!(fixture.carried_out()["ecs:CreateService"], 1);
    assert_eq!(fixture.carried_out()["ecs:RegisterTaskDefinition"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_controller_on_the_same_state_folder_is_refused() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.pass(5).await;
    let error = FileRecordStore::new(fixture.state_folder()).hold("second").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Held);
    assert!(error.to_string().contains("in use by another controller"), "{error}");
    fixture.kill().await;
    // The lock goes with its process: nothing has to be cleaned up after a kill.
    FileRecordStore::new(fixture.state_folder()).hold("second").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn values_of_secrets_appear_nowhere() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.edit("shop.yaml", ":1.0", ":1.1-crash").await;
    fixture.until(300, |status| condition(status, ConditionType::Stalled).0 == Truth::True).await;
    let mut all = serde_json::to_string(&fixture.status("shop")).unwrap();
    all.push_str(&serde_json::to_string(&fixture.record("shop").await).unwrap());
    for entry in std::fs::read_dir(fixture.state_folder()).unwrap() {
        all.push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(all.contains("shop/db"), "the reference is there");
    assert!(!all.contains("canary-secret-value"));
    assert_eq!(fixture.sim.counts().of("secretsmanager", "GetSecretValue"), 0, "it is never even read");
}
