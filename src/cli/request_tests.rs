//! Sentences about what people ask of the controller: who, why, until when, and what is refused.

use super::records::Records;
use super::tests::{Folders, now, plain, record, status};
use super::*;
use crate::model::ids::Generation;
use crate::model::kinds::DocumentText;
use crate::model::rollout::Phase;
use crate::model::service_deployment::PauseStatus;
use crate::model::status::{DeploymentStatus, LastGoodDocument, LostRecord, Record, Source};
use crate::state::RecordStore;
use jiff::Timestamp;
use std::collections::BTreeMap;

#[tokio::test]
async fn of_what_nobody_knows_what_was_made_for_it_no_deletion_is_confirmed() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let mut lost = Record::new("shop".into());
    lost.lost = Some(LostRecord { at: now(), because: "record `shop.json` is damaged".to_owned() });
    folders.state.save(&lost).await.unwrap();
    let error = folders.ask(&["delete", "shop", "--confirm", "shop"]).await.unwrap_err();
    assert!(error.contains("record `shop.json` is damaged; bring its document back first"), "{error}");
    assert!(folders.requests().await.is_empty());
    for command in [&["status", "shop"][..], &["status"], &["status", "shop", "-o", "json"]] {
        let shown = folders.shown(command).await;
        assert!(shown.contains("record `shop.json` is damaged"), "{command:?}: {shown}");
    }
}

#[tokio::test]
async fn a_deletion_is_confirmed_by_saying_the_name_twice() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let error = folders.ask(&["delete", "shop", "--confirm", "web"]).await.unwrap_err();
    assert_eq!(error, "--confirm says `web`, the deployment is `shop`: nothing was confirmed");
    assert!(folders.requests().await.is_empty());
    let mut declared = record(status("shop", ""));
    declared.declared = Some(LastGoodDocument {
        generation: Generation(3),
        source: Source { file: "shop.yaml".to_owned(), line: 4, content_hash: "00ff".to_owned() },
        document: DocumentText::of(&serde_json::json!({})),
        removed_at: None,
        doubted: false,
        given_up: BTreeMap::new(),
        formers: BTreeMap::new(),
        brought: None,
    });
    folders.state.save(&declared).await.unwrap();
    let error = folders.ask(&["delete", "shop", "--confirm", "shop"]).await.unwrap_err();
    assert!(error.contains("shop was still declared in shop.yaml:4"), "{error}");
    assert!(folders.requests().await.is_empty());
    // One that vanished with most others is confirmed, so that its removal is believed.
    declared.declared.as_mut().unwrap().doubted = true;
    folders.state.save(&declared).await.unwrap();
    assert_eq!(folders.ask(&["delete", "shop", "--confirm", "shop"]).await, Ok(ExitStatus::Good));
    declared.declared.as_mut().unwrap().doubted = false;
    declared.declared.as_mut().unwrap().removed_at = Some(now());
    folders.state.save(&declared).await.unwrap();
    folders.ask(&["delete", "shop", "--confirm", "shop"]).await.unwrap();
    let requests = folders.requests().await;
    assert!(requests.len() == 1 && requests[0].is_confirmation(), "{requests:?}");
    assert!(folders.ask(&["delete", "blog", "--confirm", "blog"]).await.is_err(), "it is not there");
}

const UNTIL: &str = "2999-12-01T08:00:00Z";

#[tokio::test]
async fn a_pause_is_asked_for_once_and_replaced_by_another_one() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    for _ in 0..2 {
        let said = folders.ask(&["pause", "shop", "--until", UNTIL, "--reason", "incident 42"]).await;
        assert_eq!(said, Ok(ExitStatus::Good));
    }
    let requests = folders.requests().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].to_string(), format!("paused until {UNTIL} by ops: incident 42"));
    let first = requests[0].at;
    folders.ask(&["pause", "shop", "--until", UNTIL, "--reason", "incident 42"]).await.unwrap();
    assert_eq!(folders.requests().await[0].at, first, "the first one stays");
    folders.ask(&["pause", "shop", "--until", "1h", "--reason", "longer"]).await.unwrap();
    let requests = folders.requests().await;
    assert_eq!((requests.len(), requests[0].reason.as_str()), (1, "longer"));
}

#[tokio::test]
async fn a_pause_that_is_over_or_of_nothing_is_refused_with_what_is_meant() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let error = folders
        .ask(&["pause", "shop", "--until", "2001-01-01T00:00:00Z", "--reason", "x"])
        .await
        .unwrap_err();
    assert!(error.starts_with("--until 2001-01-01T00:00:00Z is over, it is "), "{error}");
    for command in [&["pause", "shpo", "--until", "1h"][..], &["retry", "shpo"], &["resume", "shpo"]] {
        let error = folders.ask(&[command, &["--reason", "x"]].concat()).await.unwrap_err();
        assert_eq!(error, "there is no deployment `shpo`; did you mean `shop`?");
    }
    let error = folders.ask(&["retry", "shop", "wbe", "--reason", "x"]).await.unwrap_err();
    assert_eq!(error, "shop has no component `wbe`; did you mean `web`?");
    let error = folders.ask(&["retry", "shop", "nothing-like-it", "--reason", "x"]).await.unwrap_err();
    assert_eq!(error, "shop has no component `nothing-like-it`; there are: migrate, web");
    assert!(folders.requests().await.is_empty());
    for command in ["pause", "retry", "continue"] {
        let words = ["ctl", command, "shop", "--until", "1h", "--by", "ops"];
        assert!(Cli::try_parse_from(words).is_err(), "{command} wants a reason");
    }
}

#[tokio::test]
async fn retries_of_two_components_stand_beside_each_other() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let error = folders.ask(&["retry", "shop", "--reason", "x"]).await.unwrap_err();
    assert_eq!(
        error,
        "nothing of shop has failed: nothing was done; `ctl status shop` says what it waits for"
    );
    let mut failed = record(status("shop", "failed"));
    for component in ["web", "migrate"] {
        let phase = Phase::RolledBack {
            hash: "h1".into(),
            deployment: "ecs-svc/1".to_owned(),
            reason: "it crashed".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        };
        failed.rollout.components.entry(component.into()).or_default().phase = phase;
    }
    folders.state.save(&failed).await.unwrap();
    for component in ["web", "migrate", "web"] {
        folders.ask(&["retry", "shop", component, "--reason", "mended"]).await.unwrap();
    }
    let texts: Vec<String> = folders.requests().await.iter().map(ToString::to_string).collect();
    let of = |component| format!("retry of {component} requested by ops: mended");
    assert_eq!(texts, [of("migrate"), of("web")]);
}

/// A deployment of which these components are paused by hooks.
fn paused(name: &str, components: &[&str]) -> DeploymentStatus {
    let mut status = status(name, "web waits for its deployment");
    for component in components {
        status.components.get_mut(*component).unwrap().pause = Some(PauseStatus {
            deployment: format!("arn:aws:ecs:eu-west-1:1:service-deployment/main/{component}/9"),
            hook: format!("ecs-pause-{component}"),
            stage: "POST_TEST_TRAFFIC_SHIFT".to_owned(),
            until: None,
        });
    }
    status
}

#[tokio::test]
async fn a_continue_answers_the_pause_that_is_seen_and_is_refused_when_nothing_is_paused() {
    let folders = Folders::with(vec![paused("shop", &["web"]), paused("two", &["migrate", "web"])]).await;
    let asked = |words: &'static [&'static str]| async { folders.ask(words).await };
    asked(&["continue", "shop", "--rollback", "--reason", "checkout is broken"]).await.unwrap();
    asked(&["continue", "two", "web", "--reason", "it looks well"]).await.unwrap();
    let requests = folders.requests().await;
    let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
    let said = [
        "rollback of web requested by ops: checkout is broken",
        "continuation of web requested by ops: it looks well",
    ];
    assert_eq!(texts, said);
    let json = serde_json::to_value(&requests[0]).unwrap();
    assert_eq!(
        (&json["deployment"], &json["hook"], &json["rollback"]),
        (&"shop".into(), &"ecs-pause-web".into(), &true.into())
    );
    assert_eq!(json["serviceDeployment"], "arn:aws:ecs:eu-west-1:1:service-deployment/main/web/9");
    let error = asked(&["continue", "shop", "migrate", "--reason", "x"]).await.unwrap_err();
    assert!(error.starts_with("no deployment of `migrate` of shop is paused: nothing was done; "), "{error}");
    let error = asked(&["continue", "two", "--reason", "x"]).await.unwrap_err();
    assert_eq!(error, "several components of two are paused (migrate, web): name one");
    let none = Folders::with(vec![status("shop", "")]).await;
    let error = none.ask(&["continue", "shop", "--reason", "x"]).await.unwrap_err();
    assert!(error.starts_with("no deployment of shop is paused: nothing was done; "), "{error}");
    assert!(none.requests().await.is_empty());
}

#[tokio::test]
async fn a_resume_takes_the_place_of_the_pause_and_asks_for_nothing_without_one() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    folders.ask(&["resume", "shop"]).await.unwrap();
    assert!(folders.requests().await.is_empty());
    folders.ask(&["pause", "shop", "--until", "1h", "--reason", "incident 42"]).await.unwrap();
    for _ in 0..2 {
        folders.ask(&["resume", "shop", "--reason", "it is over", "-o", "json"]).await.unwrap();
        let texts: Vec<String> = folders.requests().await.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["resume requested by ops: it is over"]);
    }
}

#[tokio::test]
async fn the_status_of_a_deployment_begins_with_what_is_asked_for() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    folders.ask(&["pause", "shop", "--until", UNTIL, "--reason", "incident 42"]).await.unwrap();
    let text = |form: &'static str| async {
        let args = Cli::try_parse_from(["ctl", "status", "shop", "-o", form]).unwrap();
        let Command::Status(args) = args.command else { panic!("another command") };
        plain(&status::text(&args, &Records::open(&folders.places()).unwrap()).await.unwrap().0)
    };
    let first = text("table").await.lines().next().unwrap().to_owned();
    assert_eq!(first, format!("paused until {UNTIL} by ops: incident 42"));
    let json = text("json").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let request = &json["requests"][0];
    assert_eq!((&request["kind"], &request["by"]), (&"Pause".into(), &"ops".into()));
    assert_eq!((&request["until"], &request["reason"]), (&UNTIL.into(), &"incident 42".into()));
    assert_eq!(json["name"], "shop");
}
