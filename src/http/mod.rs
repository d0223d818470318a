//! Health, readiness and metrics, on a loopback port by default.

#[cfg(test)]
mod tests;

use crate::reconcile::Handle;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use std::future::Future;
use tokio::net::TcpListener;

/// Serves `/healthz`, `/readyz` and `/metrics` until it is stopped.
///
/// - `/healthz`: 200 while the controller's loop turns, 503 when it has not for two minutes;
/// - `/readyz`: 200 once the store was read and while records can be kept, else 503 with the
///   reason;
/// - `/metrics`: Prometheus text.
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
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn healthz(State(handle): State<Handle>) -> (StatusCode, String) {
    answer(handle.alive())
}

async fn readyz(State(handle): State<Handle>) -> (StatusCode, String) {
    answer(handle.ready())
}

async fn metrics(State(handle): State<Handle>) -> String {
    handle.metrics().render()
}

fn answer(health: Result<(), String>) -> (StatusCode, String) {
    match health {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
