//! Sentences about what the windows answer.

use super::{Access, CONNECTIONS, Tls, Window, answer, serve};
use crate::aws::budget::Category;
use crate::aws::{Aws, Pace, Settings};
use crate::model::call::{Call, Verb};
use crate::model::plan::{ActionResult, Drift, Outcome, Plan, PlannedAction, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::reconcile::{Clock, Ending, Handle, Metrics, Trigger};
use crate::state::{MemoryRecords, RecordStore};
use axum::http::StatusCode;
use std::net::SocketAddr;
use std::sync::Arc;
use strum::IntoEnumIterator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[test]
fn a_failed_check_is_503_with_its_reason() {
    assert_eq!(answer(Ok(())), (StatusCode::OK, "ok\n".to_owned()));
    let (status, text) = answer(Err("the state folder is full".to_owned()));
    assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "the state folder is full\n"));
}

/// Status, head and body of the answer to a request, which says that it is the last one.
pub(super) async fn ask(address: SocketAddr, request: &str) -> (u16, String, String) {
    let mut stream = connect(address, request).await;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

/// Status and body of what a path answers.
pub(super) async fn fetch(address: SocketAddr, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (status, _, body) = ask(address, &request).await;
    (status, body)
}

/// A window on these records, at a time that stands still, served for as long as the test runs.
pub(super) async fn shown_of(
    records: Arc<dyn RecordStore>,
    now: jiff::Timestamp,
    access: Access,
    tls: Option<Tls>,
) -> SocketAddr {
    let window = Window::new(Handle::new(Metrics::default()), records, Clock::given(move || now), access);
    serving(match tls {
        Some(tls) => window.behind(tls),
        None => window,
    })
    .await
}

/// The same of any window.
pub(super) async fn serving(window: Window) -> SocketAddr {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, window, std::future::pending()));
    address
}

#[tokio::test]
async fn a_controller_that_has_just_begun_is_alive_and_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let records = Arc::new(MemoryRecords::default().open());
    let window = Window::new(Handle::new(Metrics::default()), records, Clock::real(), Access::Local);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, window, async { drop(stopped.await) }));
    assert_eq!(fetch(address, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(fetch(address, "/readyz").await, (503, "the spec store has not been read yet\n".to_owned()));
    let (status, text) = fetch(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("# TYPE evenkeel_passes counter"), "{text}");
    assert_eq!(fetch(address, "/nothing").await.0, 404);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_of_aws_are_counted_when_metrics_are_asked_for() {
    let sim = aws_sim::Sim::builder().build();
    let clock = sim.clock();
    let aws = Aws::connect(Settings::closed(sim.http_client(), move || clock.now())).await;
    let handle = Handle::new(Metrics::collecting(aws.clone()));
    let placement = crate::model::kinds::Placement {
        region: "eu-west-1".to_owned(),
        cluster: "shop".to_owned(),
        role_arn: None,
    };
    let clients = aws.at(&placement).await;
    for _ in 0..2 {
        clients.account().await.unwrap();
        drop(crate::aws::ecs::read::describe_cluster(&clients, "shop").await);
    }
    for _ in 0..2 {
        let text = handle.metrics().render();
        assert!(text.contains("evenkeel_aws_calls_total{operation=\"ecs:DescribeClusters\"} 2\n"), "{text}");
        assert!(
            text.contains("evenkeel_aws_throttles_total{operation=\"ecs:DescribeClusters\"} 0\n"),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_the_budget_are_shown_by_throttling_category_from_the_start() {
    let sim = aws_sim::Sim::builder().build();
    let clock = sim.clock();
    let pace = Pace { share: Some(0.001.into()), speed: 1.0 };
    let aws =
        Aws::connect(Settings { pace, ..Settings::closed(sim.http_client(), move || clock.now()) }).await;
    let metrics = Metrics::collecting(aws.clone());
    let text = metrics.render();
    for category in Category::iter() {
        let line = format!("evenkeel_aws_budget_waits_total{{category=\"{}\"}} 0\n", category.as_str());
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    let placement = crate::model::kinds::Placement {
        region: "eu-west-1".to_owned(),
        cluster: "shop".to_owned(),
        role_arn: None,
    };
    let clients = aws.at(&placement).await;
    for _ in 0..2 {
        drop(crate::aws::ecs::read::describe_cluster(&clients, "shop").await);
    }
    let text = metrics.render();
    // A thousandth of 20 calls a second: the second call waits 50 seconds.
    for line in [
        "evenkeel_aws_budget_waits_total{category=\"ecs-cluster-read\"} 1\n",
        "evenkeel_aws_budget_wait_seconds_total{category=\"ecs-cluster-read\"} 50.0\n",
        "evenkeel_aws_budget_wait_seconds_total{category=\"sts\"} 0.0\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn actions_are_counted_by_operation_and_result_and_repairs_once_they_are_done() {
    let service = ResourceId::new(ResourceKind::Service, "web");
    let action = || PlannedAction {
        resource: service.clone(),
        verb: Verb::Tag,
        call: Call::TagEcs { arn: "arn".to_owned(), tags: Default::default() },
        reason: Reason::Drifted,
        changes: vec![],
    };
    let plan = Plan {
        stale_targets: Default::default(),
        deployment: "shop".into(),
        generation: Default::default(),
        actions: vec![action(), action(), action(), action()],
        waiting_on: vec![],
        drift: vec![Drift { resource: service.clone(), change: None, repaired: true }],
        notes: vec![],
    };
    let results = [
        ActionResult::Done { arn: None, deployment: None },
        ActionResult::Failed { code: "A".to_owned(), message: "b".to_owned(), retryable: true },
        ActionResult::Unknown { message: "c".to_owned() },
        ActionResult::Skipped { because: "d".to_owned() },
    ];
    let outcomes = results.into_iter().enumerate().map(|(action, result)| Outcome { action, result });
    let metrics = Metrics::default();
    metrics.acted(&plan, &outcomes.collect::<Vec<_>>());
    let text = metrics.render();
    for result in ["Done", "Failed", "Unknown"] {
        let line = format!("evenkeel_actions_total{{operation=\"ecs:TagResource\",result=\"{result}\"}} 1\n");
        assert!(text.contains(&line), "{text}");
    }
    assert!(!text.contains("Skipped"), "{text}");
    assert!(text.contains("evenkeel_drift_repaired_total 1\n"), "{text}");
}

#[test]
fn sizes_and_failed_records_are_told() {
    let metrics = Metrics::default();
    metrics.sizes(4, 3, 2);
    metrics.passed(Trigger::Declaration, Ending::Held, true);
    metrics.passed(Trigger::Resync, Ending::Steady, false);
    metrics.pass_took(0.05);
    let text = metrics.render();
    for line in [
        "evenkeel_deployments 4\n",
        "evenkeel_deployments_ready 3\n",
        "evenkeel_queue_length 2\n",
        "evenkeel_state_errors_total 1\n",
        "evenkeel_passes_total{ending=\"held\",reason=\"declaration\"} 1\n",
        "evenkeel_passes_total{ending=\"steady\",reason=\"resync\"} 1\n",
        "evenkeel_passes_total{ending=\"acted\",reason=\"start-up\"} 0\n",
        "evenkeel_pass_seconds_count 1\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

/// A window on a controller that keeps nothing.
async fn window() -> SocketAddr {
    shown_of(Arc::new(MemoryRecords::default().open()), jiff::Timestamp::UNIX_EPOCH, Access::Local, None)
        .await
}

async fn connect(address: SocketAddr, says: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(says.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_nothing_is_let_go_and_no_more_are_served_than_there_is_room_for() {
    let address = window().await;
    let mut halves = Vec::new();
    for _ in 0..CONNECTIONS {
        halves.push(connect(address, "GET /healthz HTTP/1.1\r\nHost: x").await);
    }
    let mut one_more =
        connect(address, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let mut said = String::new();
    // It is dropped: with nothing said, or by a reset.
    drop(one_more.read_to_string(&mut said).await);
    assert_eq!(said, "");
    for mut half in halves {
        drop(half.read_to_end(&mut Vec::new()).await);
    }
    let mut whole = connect(address, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    whole.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 503 ") || said.starts_with("HTTP/1.1 200 "), "{said}");
}

#[tokio::test]
async fn metrics_say_which_text_they_are() {
    let address = window().await;
    let mut stream = connect(address, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(
        said.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"),
        "{said}"
    );
    assert!(said.ends_with("# EOF\n"), "{said}");
}
