//! Health, readiness, metrics, and what is told of deployments, on a loopback port by default.
//!
//! `access` decides who may read what is told of deployments, `v1` tells it.

mod access;
#[cfg(test)]
mod tests;
mod v1;
#[cfg(test)]
mod v1_tests;

pub use access::{Access, Bearer, Error, ReadToken};

use crate::reconcile::{Clock, Handle};
use crate::state::RecordStore;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

/// What is shown of a running controller.
#[derive(Clone, Debug)]
pub struct Window {
    handle: Handle,
    records: Arc<dyn RecordStore>,
    clock: Clock,
    access: Access,
    turns: Arc<Semaphore>,
}

impl Window {
    /// A window on a controller, on the records that it keeps and on its time, for those whom
    /// `access` lets read about deployments.
    pub fn new(handle: Handle, records: Arc<dyn RecordStore>, clock: Clock, access: Access) -> Self {
        Self { handle, records, clock, access, turns: Arc::new(Semaphore::new(READERS)) }
    }

    /// A turn to read records, kept until it is dropped.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Nothing closes the semaphore.
        self.turns.acquire().await.ok()
    }
}

/// Serves `/healthz`, `/readyz`, `/metrics` and `/v1` until it is stopped.
///
/// - `/healthz`: 200 while the controller's loop turns, 503 when it has not for two minutes;
/// - `/readyz`: 200 once the store was read and while records can be kept, else 503 with the
///   reason;
/// - `/metrics`: OpenMetrics text;
/// - `/v1/deployments`, `/v1/deployments/NAME` and `/v1/deployments/NAME/events`: what `ctl` tells,
///   as JSON, for those who may read it. Nothing can be changed through it.
///
/// **Guarantees**: who connects and asks for nothing, or not to the end, is let go; more than
/// [`CONNECTIONS`] at once are not served.
pub async fn serve(
    listener: TcpListener,
    window: Window,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = routes(&window);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => return Ok(()),
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            // Of one connection, or too many files are open: what is open ends at some time.
            Err(_) => {
                Clock::real().sleep(BREATH).await;
                continue;
            }
        };
        if connections.len() < CONNECTIONS {
            let router = TowerToHyperService::new(router.clone());
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), router);
            connections.spawn(tokio::time::timeout(CONNECTION_LASTS, connection));
        }
    }
}

fn routes(window: &Window) -> Router {
    let open = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(window.handle.clone());
    v1::routes(window).merge(open)
}

/// Requests that read records at once; more wait for their turn.
const READERS: usize = 4;
/// Connections that are served at once.
const CONNECTIONS: usize = 64;
/// How long the head of a request may take.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection is kept.
const CONNECTION_LASTS: Duration = Duration::from_secs(120);
/// A pause after a connection that could not be accepted.
const BREATH: Duration = Duration::from_millis(100);

async fn healthz(State(handle): State<Handle>) -> (StatusCode, String) {
    answer(handle.alive())
}

async fn readyz(State(handle): State<Handle>) -> (StatusCode, String) {
    answer(handle.ready())
}

async fn metrics(State(handle): State<Handle>) -> impl IntoResponse {
    ([(CONTENT_TYPE, OPEN_METRICS)], handle.metrics().render())
}

/// Source: OpenMetrics 1.0, "Text format" (the content type).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn answer(health: Result<(), String>) -> (StatusCode, String) {
    match health {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
