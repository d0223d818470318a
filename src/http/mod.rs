//! Health, readiness, metrics, and what is told of deployments, on a loopback port by default.
//!
//! `access` decides who may read what is told of deployments, `v1` tells it, `tls` keeps it from
//! being read on the way.

mod access;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(test)]
pub(crate) mod tls_tests;
mod v1;
#[cfg(test)]
mod v1_tests;

pub use access::{Access, Bearer, Error, ReadToken};
pub use tls::{Tls, TlsFiles};

use crate::reconcile::dry_run::Planner;
use crate::reconcile::{Clock, Handle};
use crate::state::RecordStore;
use access::Caller;
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What is shown of a running controller.
#[derive(Clone, Debug)]
pub struct Window {
    handle: Handle,
    records: Arc<dyn RecordStore>,
    clock: Clock,
    access: Access,
    tls: Option<Arc<Tls>>,
    planner: Option<Arc<Planner>>,
    turns: Arc<Semaphore>,
}

impl Window {
    /// A window on a controller, on the records that it keeps and on its time, for those whom
    /// `access` lets read about deployments.
    pub fn new(handle: Handle, records: Arc<dyn RecordStore>, clock: Clock, access: Access) -> Self {
        Self {
            handle,
            records,
            clock,
            access,
            tls: None,
            planner: None,
            turns: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// The same with `/v1/deployments/NAME/plan`.
    pub fn planning(self, planner: Planner) -> Self {
        Self { planner: Some(Arc::new(planner)), ..self }
    }

    /// The same behind TLS: what is told of deployments goes over TLS only. Health, readiness and
    /// metrics stay as they are, so that health checks go on without it.
    pub fn behind(self, tls: Tls) -> Self {
        Self { tls: Some(Arc::new(tls)), ..self }
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
/// - `/v1/deployments`, `/v1/deployments/NAME`, `/v1/deployments/NAME/events` and, where there is a
///   planner, `/v1/deployments/NAME/plan`: what `ctl` tells, as JSON, for those who may read it.
///   Nothing can be changed through it.
///
/// **Guarantees**: who connects and asks for nothing, or not to the end, is let go; more than
/// [`CONNECTIONS`] at once are not served.
pub async fn serve(
    listener: TcpListener,
    window: Window,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
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
            connections.spawn(timeout(CONNECTION_LASTS, meet(stream, window.clone())));
        }
    }
}

/// One connection, in TLS where the port speaks it and the other end does, too.
async fn meet(stream: TcpStream, window: Window) {
    let Some(tls) = &window.tls else { return speak(stream, &window, Caller::Open).await };
    match timeout(HEADERS_WITHIN, tls::is_spoken(&stream)).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return speak(stream, &window, Caller::Unencrypted).await,
        _ => return,
    }
    match timeout(HEADERS_WITHIN, tls.accept(stream)).await {
        Ok(Ok((stream, caller))) => speak(stream, &window, caller).await,
        Ok(Err(error)) => tracing::debug!(%error, "a connection in TLS did not come about"),
        Err(_) => {}
    }
}

/// Answers until the other end is done, or breaks off.
async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, window: &Window, caller: Caller) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes(window, caller)));
    // Of one connection alone: its other end knows as much.
    drop(connection.await);
}

fn routes(window: &Window, caller: Caller) -> Router {
    let open = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(window.handle.clone());
    v1::routes(window, caller).merge(open)
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
