//! Sentences about what is told of deployments, and to whom.

use super::tests::{ask, fetch, serving, shown_of};
use super::{Access, Bearer, Window};
use crate::aws::{Aws, Settings};
use crate::model::finding::Finding;
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::Generation;
use crate::model::kinds::DocumentText;
use crate::model::location::Location;
use crate::model::status::{Event, EventKind, EventReason, LastGoodDocument, Record, Source};
use crate::observed::Collector;
use crate::reconcile::dry_run::Planner;
use crate::reconcile::{Clock, Handle, Metrics};
use crate::state::{MemoryRecordStore, MemoryRecords, RecordStore, StoreReport};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// When everything here happens.
const NOW: &str = "2026-06-01T12:00:00Z";
const TOKEN: &str = "0123456789abcdef-first";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A record as a controller keeps it of a document with a variable.
fn record() -> Record {
    let mut record = Record::new("shop".into());
    let document = json!({
        "metadata": {"name": "shop", "labels": {"team": "web"}},
        "spec": {"environment": {"PASSWORD": "canary-of-a-variable"}},
    });
    record.declared = Some(LastGoodDocument {
        generation: Generation(3),
        source: Source { file: "shop.yaml".to_owned(), line: 4, content_hash: "00ff".to_owned() },
        document: DocumentText::of(&document),
        removed_at: None,
        doubted: false,
        given_up: BTreeMap::new(),
        formers: BTreeMap::new(),
        brought: None,
    });
    let status = json!({
        "name": "shop", "kind": "Application", "generation": 3, "observedGeneration": 3,
        "source": {"file": "shop.yaml", "line": 4, "contentHash": "00ff"},
        "region": "eu-west-1", "cluster": "main",
        "conditions": [{"type": "Ready", "status": "True", "reason": "Reconciled", "message": "",
            "observedGeneration": 3, "lastTransitionTime": NOW}],
        "components": {}, "waitingOn": [], "findings": [], "notes": [], "updatedAt": NOW,
    });
    record.status = Some(Arc::new(serde_json::from_value(status).unwrap()));
    record.events.push(Event {
        at: now(),
        kind: EventKind::Normal,
        reason: EventReason::Ready,
        object: String::new(),
        message: "ready".to_owned(),
        count: 1,
    });
    record
}

async fn records() -> Arc<MemoryRecordStore> {
    let records = MemoryRecords::default().open();
    records.hold("test").await.unwrap();
    records.save(&record()).await.unwrap();
    let problem = Finding::error("", "the file cannot be read", "");
    let report = StoreReport { problems: vec![problem], prune_held: Some("3 of 4 vanished".to_owned()) };
    records.save_report(&report).await.unwrap();
    let heartbeat = Heartbeat {
        controller: "evenkeel 1, process 7".to_owned(),
        started_at: now(),
        at: now(),
        resync_seconds: 60,
        store_read_at: Some(now()),
        looked_at: BTreeMap::from([("shop".into(), Some(now())), ("young".into(), None)]),
        budget_waits: Default::default(),
    };
    records.beat(&heartbeat).await.unwrap();
    Arc::new(records)
}

async fn window(access: Access) -> SocketAddr {
    shown_of(records().await, now(), access, None).await
}

/// What `GET` answers, as JSON.
async fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    let (status, body) = fetch(address, path).await;
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}")))
}

/// The status that `GET /v1/deployments` answers to a token.
async fn with_token(address: SocketAddr, token: &str) -> u16 {
    let request = format!(
        "GET /v1/deployments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    ask(address, &request).await.0
}

#[tokio::test]
async fn all_deployments_are_told_with_what_is_said_of_the_store() {
    let (status, list) = get(window(Access::Local).await, "/v1/deployments").await;
    assert_eq!(status, 200);
    let expected = json!({
        "apiVersion": "evenkeel.dev/v1",
        "kind": "DeploymentList",
        "time": NOW,
        "controller": {
            "id": "evenkeel 1, process 7", "startedAt": NOW, "seenAt": NOW, "resyncSeconds": 60,
            "storeReadAt": NOW, "lookedAt": {"shop": NOW, "young": null},
        },
        "items": [record().status],
        "notLookedAt": ["young"],
        "problems": [Finding::error("", "the file cannot be read", "")],
        "pruneHeld": "3 of 4 vanished",
    });
    similar_asserts::assert_eq!(list, expected);
}

#[tokio::test]
async fn one_deployment_is_told_without_the_values_of_its_variables() {
    let address = window(Access::Local).await;
    let (status, one) = get(address, "/v1/deployments/shop").await;
    assert_eq!(status, 200);
    let expected = json!({
        "apiVersion": "evenkeel.dev/v1",
        "kind": "Deployment",
        "time": NOW,
        "requests": [],
        "name": "shop",
        "status": record().status,
        "labels": {"team": "web"},
        "rollout": {},
        "events": record().events,
    });
    similar_asserts::assert_eq!(one, expected);
    let (status, events) = get(address, "/v1/deployments/shop/events").await;
    assert_eq!(status, 200);
    let expected = json!({
        "apiVersion": "evenkeel.dev/v1", "kind": "EventList", "time": NOW, "name": "shop",
        "items": record().events,
    });
    similar_asserts::assert_eq!(events, expected);
    for path in ["/v1/deployments", "/v1/deployments/shop", "/v1/deployments/shop/events"] {
        assert!(!fetch(address, path).await.1.contains("canary"), "{path}");
    }
    let (status, young) = get(address, "/v1/deployments/young").await;
    assert_eq!((status, &young["status"]), (200, &Value::Null), "it is declared, and was not looked at");
}

#[tokio::test]
async fn what_is_not_there_is_404_with_what_was_probably_meant() {
    let address = window(Access::Local).await;
    let meant = json!({"error": "there is no deployment `shpo`; did you mean `shop`?"});
    assert_eq!(get(address, "/v1/deployments/shpo").await, (404, meant.clone()));
    assert_eq!(get(address, "/v1/deployments/shpo/events").await, (404, meant));
    let others = json!({"error": "there is no deployment `a b/c`; there are: shop, young"});
    assert_eq!(get(address, "/v1/deployments/a%20b%2Fc").await, (404, others));
    for path in ["/v1/nothing", "/v1/deployments/shop/plan"] {
        let (status, said) = get(address, path).await;
        assert!(status == 404 && said["error"].as_str().unwrap().contains("/v1/deployments"), "{said}");
    }
}

#[tokio::test]
async fn nothing_but_reading_is_allowed() {
    let address = window(Access::Local).await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        for path in ["/v1/deployments", "/v1/deployments/shop", "/v1/deployments/shop/events"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let (status, head, body) = ask(address, &request).await;
            assert!(status == 405 && head.contains("allow: GET, HEAD"), "{method} {path}: {head}");
            assert!(serde_json::from_str::<Value>(&body).unwrap()["error"].is_string(), "{body}");
        }
    }
    let head = "HEAD /v1/deployments HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (status, _, body) = ask(address, head).await;
    assert_eq!((status, body.as_str()), (200, ""));
}

#[tokio::test]
async fn where_others_reach_it_deployments_are_not_told_without_a_token() {
    let address = window(Access::Nobody).await;
    let (status, said) = get(address, "/v1/deployments").await;
    assert_eq!(status, 403);
    let said = said["error"].as_str().unwrap();
    assert!(said.contains("--token-file") && said.contains("--token-secret"), "{said}");
    assert_eq!(with_token(address, TOKEN).await, 403);
    for path in ["/healthz", "/metrics"] {
        assert_eq!(fetch(address, path).await.0, 200, "{path} stays open");
    }
}

#[tokio::test]
async fn on_loopback_a_name_that_somebody_pointed_at_it_gets_nothing() {
    let address = window(Access::Local).await;
    for (host, expected) in [
        ("localhost:8099", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("evil.example:8099", 403),
        ("", 403),
    ] {
        let request = format!("GET /v1/deployments HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(address, &request).await.0, expected, "{host}");
    }
}

/// A file with a token.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test]
async fn the_token_of_the_file_is_wanted_and_an_exchanged_one_holds_at_once() {
    let file = file(&format!("  {TOKEN}\n"));
    let bearer = Bearer::in_file(file.path().to_owned()).await.unwrap();
    let address = window(Access::Bearer(Arc::new(bearer))).await;
    let nobody = "GET /v1/deployments HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (status, head, body) = ask(address, nobody).await;
    assert_eq!(status, 401, "{body}");
    assert!(head.contains("www-authenticate: Bearer") && body.contains("Bearer TOKEN"), "{head}{body}");
    for (token, expected) in [(TOKEN, 200), ("0123456789abcdef-other", 401), (&TOKEN[1..], 401), ("", 401)] {
        assert_eq!(with_token(address, token).await, expected, "{token}");
    }
    let basic = format!(
        "GET /v1/deployments HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(ask(address, &basic).await.0, 401);
    assert_eq!(fetch(address, "/healthz").await.0, 200, "health is for everybody");
    std::fs::write(file.path(), "fedcba9876543210-second").unwrap();
    assert_eq!(with_token(address, TOKEN).await, 401);
    assert_eq!(with_token(address, "fedcba9876543210-second").await, 200);
    std::fs::remove_file(file.path()).unwrap();
    assert_eq!(with_token(address, "fedcba9876543210-second").await, 503, "without a token nobody is let in");
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_at_the_start_with_what_is_expected() {
    for (text, expected) in [
        ("", "holds no token"),
        (" \n ", "holds no token"),
        ("0123456789abcde", "a token of 15 characters"),
        ("0123456789abcdef\nanother line of it", "something else than a token"),
        ("{\"token\": \"0123456789abcdef\"}", "something else than a token"),
        (&"x".repeat(5000), "more than 4096 bytes"),
    ] {
        let file = file(text);
        let error = Bearer::in_file(file.path().to_owned()).await.unwrap_err().to_string();
        assert!(error.starts_with(&file.path().display().to_string()) && error.contains(expected), "{error}");
    }
    let error = Bearer::in_file("/nowhere/token".into()).await.unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/token: cannot be read: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_token_from_elsewhere_is_read_again_for_an_unknown_one_once_a_minute() {
    let (kept, reads) = (Arc::new(Mutex::new(Ok(TOKEN.to_owned()))), Arc::new(AtomicU32::new(0)));
    let read = {
        let (kept, reads) = (Arc::clone(&kept), Arc::clone(&reads));
        Box::new(move || -> futures_util::future::BoxFuture<'static, Result<String, String>> {
            reads.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(kept.lock().unwrap().clone()))
        })
    };
    let bearer = Bearer::elsewhere("secret".to_owned(), read).await.unwrap();
    let admits = async |token: &str| bearer.admits(token.as_bytes()).await.unwrap();
    let seconds = async |seconds| tokio::time::advance(Duration::from_secs(seconds)).await;
    assert!(admits(TOKEN).await);
    *kept.lock().unwrap() = Ok("fedcba9876543210-second".to_owned());
    assert!(!admits("fedcba9876543210-second").await, "it was read less than a minute ago");
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    seconds(60).await;
    assert!(admits("fedcba9876543210-second").await);
    assert!(!admits(TOKEN).await);
    assert_eq!(reads.load(Ordering::Relaxed), 2);
    *kept.lock().unwrap() = Err("AWS is away".to_owned());
    seconds(60).await;
    assert!(!admits(TOKEN).await && admits("fedcba9876543210-second").await, "the one before stays");
    assert_eq!(reads.load(Ordering::Relaxed), 3);
    *kept.lock().unwrap() = Ok(TOKEN.to_owned());
    seconds(240).await;
    assert!(!admits("fedcba9876543210-second").await, "one that was taken back is not taken for ever");
    assert!(admits(TOKEN).await);
}

const DOCUMENT: &str = "\
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  placement: {region: eu-west-1, cluster: main}
  components:
    web:
      taskDefinition:
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/exec
        containerDefinitions:
          - {name: web, image: \"nginx:1.27\", environment: [{name: A, value: canary-of-a-variable}]}
      service:
        desiredCount: 1
        networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-0123456789abcdef0]}}
";

/// A window that plans for the documents of a folder, on a simulated AWS.
async fn planning(sim: &aws_sim::Sim, specs: &std::path::Path) -> SocketAddr {
    let clock = sim.clock();
    let aws = Aws::connect(Settings::closed(sim.http_client(), move || clock.now())).await;
    let records: Arc<dyn RecordStore> = Arc::new(MemoryRecords::default().open());
    let (store, collector) = (Location::File(specs.to_owned()), Collector::new(aws));
    let planner = Planner::new(store, Arc::clone(&records), collector, Clock::given(now));
    let handle = Handle::new(Metrics::default());
    serving(Window::new(handle, records, Clock::given(now), Access::Local).planning(planner)).await
}

#[tokio::test]
async fn what_would_be_done_is_told_with_its_values_masked_and_nothing_is_written() {
    let sim = aws_sim::Sim::builder().build();
    sim.seed_world(&json!({"region": "eu-west-1", "clusters": [{"name": "main"}]})).unwrap();
    let specs = tempfile::tempdir().unwrap();
    std::fs::write(specs.path().join("shop.yaml"), DOCUMENT).unwrap();
    let address = planning(&sim, specs.path()).await;
    let (status, said) = get(address, "/v1/deployments/shop/plan").await;
    assert_eq!((status, &said["kind"], &said["name"]), (200, &"Plan".into(), &"shop".into()), "{said}");
    assert_eq!((&said["time"], &said["plan"]["deployment"]), (&NOW.into(), &"shop".into()));
    assert!(!said["plan"]["actions"].as_array().unwrap().is_empty(), "{said}");
    assert!(!said.to_string().contains("canary"), "{said}");
    let is_write = |operation: &str| !operation.starts_with("Describe") && !operation.starts_with("List");
    let writes = sim
        .calls()
        .into_iter()
        .filter(|call| is_write(&call.operation) && !call.operation.starts_with("Get"));
    assert_eq!(writes.map(|call| call.operation.clone()).collect::<Vec<_>>(), Vec::<String>::new());
    let meant = json!({"error": "there is no deployment `shpo`; did you mean `shop`?"});
    assert_eq!(get(address, "/v1/deployments/shpo/plan").await, (404, meant));
}

#[tokio::test]
async fn an_edit_that_is_refused_is_told_instead_of_a_plan() {
    let (sim, specs) = (aws_sim::Sim::builder().build(), tempfile::tempdir().unwrap());
    let broken = DOCUMENT.replace("desiredCount: 1", "desiredCount: many");
    std::fs::write(specs.path().join("shop.yaml"), broken).unwrap();
    let address = planning(&sim, specs.path()).await;
    let (status, said) = get(address, "/v1/deployments/shop/plan").await;
    assert_eq!((status, &said["plan"]), (200, &Value::Null), "{said}");
    assert!(said["findings"].to_string().contains("desiredCount"), "{said}");
}
