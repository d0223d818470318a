//! `/v1`: what `ctl` tells of deployments, as JSON. It is only read.

use super::Window;
use super::access::{Access, Bearer, Caller};
use crate::model::view::{EventList, Refusal};
use crate::reconcile::dry_run::NoPlan;
use crate::state::{self, RecordedOne};
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde::Serialize;
use std::net::IpAddr;

/// The routes below `/v1`, for those who may read them.
pub(super) fn routes(window: &Window, caller: Caller) -> Router {
    Router::new()
        .route("/v1/deployments", get(list).fallback(only_read))
        .route("/v1/deployments/{name}", get(one).fallback(only_read))
        .route("/v1/deployments/{name}/events", get(events).fallback(only_read))
        .route("/v1/deployments/{name}/plan", get(plan).fallback(only_read))
        .route("/v1/{*nothing}", any(nothing))
        .layer(from_fn_with_state((window.access.clone(), caller), admit))
        .with_state(window.clone())
}

async fn list(State(window): State<Window>) -> Response {
    let _turn = window.turn().await;
    match state::read(&*window.records).await {
        Ok(recorded) => answer(StatusCode::OK, &recorded.list(window.clock.now())),
        Err(error) => unreadable(&error),
    }
}

async fn one(State(window): State<Window>, Path(name): Path<String>) -> Response {
    match find(&window, &name).await {
        Ok(one) => answer(StatusCode::OK, &one.view(window.clock.now())),
        Err(refused) => refused,
    }
}

async fn events(State(window): State<Window>, Path(name): Path<String>) -> Response {
    match find(&window, &name).await {
        Ok(one) => answer(StatusCode::OK, &EventList::from(one.view(window.clock.now()))),
        Err(refused) => refused,
    }
}

async fn plan(State(window): State<Window>, Path(name): Path<String>) -> Response {
    let Some(planner) = &window.planner else { return nothing().await };
    match planner.plan(&name).await {
        Ok(plan) => answer(StatusCode::OK, &plan),
        Err(NoPlan::Unknown(why)) => refuse(StatusCode::NOT_FOUND, why),
        Err(error @ NoPlan::NotWhole(_)) => refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

async fn find(window: &Window, name: &str) -> Result<RecordedOne, Response> {
    let _turn = window.turn().await;
    match state::read_one(&*window.records, name).await {
        Ok(Ok(one)) => Ok(one),
        Ok(Err(unknown)) => Err(refuse(StatusCode::NOT_FOUND, unknown)),
        Err(error) => Err(unreadable(&error)),
    }
}

async fn nothing() -> Response {
    let there_is = "there are /v1/deployments, and below it NAME, NAME/events and NAME/plan";
    refuse(StatusCode::NOT_FOUND, format!("there is nothing of this name; {there_is}"))
}

async fn only_read() -> Response {
    let why = "this is only read: GET it; what people ask for goes through `ctl` and the state folder";
    let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, why);
    response.headers_mut().insert("allow", HeaderValue::from_static("GET, HEAD"));
    response
}

/// Lets those through who may read, and tells others what is missing.
async fn admit(State((access, caller)): State<(Access, Caller)>, request: Request, next: Next) -> Response {
    match refusal(&access, caller, request.headers()).await {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

async fn refusal(access: &Access, caller: Caller, headers: &HeaderMap) -> Option<Response> {
    let forbidden = |why: &str| Some(refuse(StatusCode::FORBIDDEN, why));
    match (caller, access) {
        (Caller::Unencrypted, _) => forbidden(TLS_ONLY),
        (Caller::Certified, _) => None,
        (_, Access::Bearer(bearer)) => without_token(bearer, headers).await,
        (_, Access::Certificate) => forbidden(UNCERTIFIED),
        (_, Access::Local) if is_local(headers) => None,
        (_, Access::Local) => forbidden(NOT_BY_NAME),
        (_, Access::Nobody) => forbidden(CLOSED),
    }
}

/// What is said to who does not bring the token.
async fn without_token(bearer: &Bearer, headers: &HeaderMap) -> Option<Response> {
    match bearer.admits(brought(headers).unwrap_or_default()).await {
        Ok(true) => None,
        Ok(false) => {
            let why = "expected `Authorization: Bearer TOKEN` with the controller's token";
            let mut refused = refuse(StatusCode::UNAUTHORIZED, why);
            refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            Some(refused)
        }
        Err(error) => {
            tracing::warn!("nobody can read /v1 with a token: {error}");
            let why = "the controller cannot read its token; its log says why";
            Some(refuse(StatusCode::SERVICE_UNAVAILABLE, why))
        }
    }
}

/// What is said to who speaks no TLS where it is spoken.
const TLS_ONLY: &str = "deployments are told over TLS only: ask https:// on the same port";
/// What is said to who shows no certificate where only that counts.
const UNCERTIFIED: &str = "show a certificate that the controller's --tls-client-ca signed (`ctl --client-cert FILE --client-key FILE`)";
/// What is said on loopback to who asks under a name that is not this machine's.
const NOT_BY_NAME: &str = "without a token this is answered under `localhost` or an address only, so that no web page can ask for it; start the controller with --token-file";
/// What is said where `/v1` is closed.
const CLOSED: &str = "deployments are not shown on an address that others reach without a token: start the controller with --token-file FILE, --token-secret ARN or --tls-client-ca FILE, or with --listen on loopback";

/// The token that a request brings.
fn brought(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes())
}

/// Whether the caller asked for this machine, and not for a name that somebody pointed at it: a
/// web page could read what a browser on this machine reaches under its own name.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let host = host.host().trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
    })
}

fn unreadable(error: &state::Error) -> Response {
    tracing::warn!(error = crate::telemetry::chain(error), "the records cannot be read for /v1");
    refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn refuse(status: StatusCode, error: impl Into<String>) -> Response {
    answer(status, &Refusal::new(error))
}

fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(mut text) => {
            text.push(b'\n');
            let kept = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (status, kept, text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
