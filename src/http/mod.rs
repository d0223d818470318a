//! Health, readiness and metrics, on a loopback port by default.

#[cfg(test)]
mod tests;

use crate::reconcile::{Clock, Handle};
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
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Serves `/healthz`, `/readyz` and `/metrics` until it is stopped.
///
/// - `/healthz`: 200 while the controller's loop turns, 503 when it has not for two minutes;
/// - `/readyz`: 200 once the store was read and while records can be kept, else 503 with the
///   reason;
/// - `/metrics`: OpenMetrics text.
///
/// **Guarantees**: who connects and asks for nothing, or not to the end, is let go; more than
/// [`CONNECTIONS`] at once are not served.
pub async fn serve(
    listener: TcpListener,
    handle: Handle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(handle);
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
