//! The simulation under an AWS SDK for Rust, without a socket.
//!
//! Give [`Sim::http_client`] to an SDK's configuration: its requests are serialised, signed,
//! retried and timed out as ever, and answered from memory. All waiting is on tokio's time, so that
//! paused time works.

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;

use crate::{
    sim::Sim,
    wire::{Request, Response},
};

/// An HTTP client whose far side is a simulation.
#[derive(Debug, Clone)]
pub struct SimHttpClient {
    sim: Sim,
}

impl Sim {
    /// An HTTP client for the AWS SDK for Rust. Every endpoint leads to this simulation; the region
    /// comes from the request's signature.
    #[must_use]
    pub fn http_client(&self) -> SimHttpClient {
        SimHttpClient { sim: self.clone() }
    }
}

impl HttpClient for SimHttpClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SimHttpClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sim = self.sim.clone();
        HttpConnectorFuture::new(async move { answer(&sim, &request).await })
    }
}

async fn answer(sim: &Sim, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let headers = request.headers();
    let Some(body) = request.body().bytes() else {
        return Err(ConnectorError::user("the simulation takes no streaming bodies".into()));
    };
    let path = path(request.uri());
    let header = |name: &str| if name == ":path" { Some(path) } else { headers.get(name) };
    let response = match Request::read(header, body) {
        Ok(read) => sim.exchange(read).await.map_err(|broken| ConnectorError::io(broken.into()))?,
        Err(error) => Response::unread(header, body, sim.with(crate::world::World::request_id), &error),
    };
    to_http(response)
}

/// The path of `https://host/path?query`, or of `/path`.
fn path(uri: &str) -> &str {
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("/", |at| &after_scheme[at..]);
    path.split('?').next().unwrap_or(path)
}

fn to_http(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status = response
        .status
        .try_into()
        .map_err(|_| ConnectorError::user("a fault's status is no HTTP status".into()))?;
    let mut http = HttpResponse::new(status, SdkBody::from(response.body));
    let headers = http.headers_mut();
    if !response.content_type.is_empty() {
        headers.insert("content-type", response.content_type);
    }
    headers.insert("x-amzn-requestid", response.request_id);
    for (name, value) in response.headers {
        headers.insert(name, value);
    }
    Ok(http)
}
