//! A running controller that is asked over HTTP, as `--server` says.

use super::tls::TlsFiles;
use crate::model::view::{API_VERSION, DeploymentList, DeploymentView, EventList, Shape};
use crate::model::visible::visible;
use anyhow::{Context, anyhow, bail};
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, AUTHORIZATION, HOST};
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderValue, Request, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes: ten thousand deployments.
const LONGEST: usize = 64 << 20;

/// Where a controller answers: `http://HOST:PORT` or `https://HOST:PORT`, with a path before `/v1`
/// where a proxy wants one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerUrl {
    tls: bool,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!("`{text}` is no address of a controller; expected http://HOST:PORT or https://HOST:PORT")
        };
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(expected()),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.filter(|authority| !authority.as_str().contains('@')).cloned();
        match (authority, uri.query()) {
            (Some(authority), None) => {
                Ok(Self { tls, authority, path: uri.path().trim_end_matches('/').to_owned() })
            }
            _ => Err(expected()),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// A connection, in TLS or not.
trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// That nobody answers at present; whoever waits may ask again.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach the controller at {url}: {why}; does it run, and does it listen there? (see --server)")]
pub(super) struct Unreachable {
    url: ServerUrl,
    why: String,
}

/// A controller that can be asked.
#[derive(Clone, Debug)]
pub(super) struct Server {
    url: ServerUrl,
    /// Read for each question, so that a token that was exchanged is taken up.
    token_file: Option<PathBuf>,
    tls: TlsFiles,
}

impl Server {
    /// A controller at an address, with the file of the token that it wants and those for TLS.
    pub(super) fn new(url: ServerUrl, token_file: Option<PathBuf>, tls: TlsFiles) -> Self {
        Self { url, token_file, tls }
    }

    /// All deployments.
    ///
    /// # Errors
    ///
    /// [`Unreachable`]; or why it does not tell them, with what to do.
    pub(super) async fn list(&self) -> anyhow::Result<DeploymentList> {
        self.ask("/v1/deployments").await?.map_err(|unknown| anyhow!(unknown))
    }

    /// One deployment; `Err` inside holds the sentence for a name that nothing has.
    ///
    /// # Errors
    ///
    /// As for [`Self::list`].
    pub(super) async fn find(&self, name: &str) -> anyhow::Result<Result<DeploymentView, String>> {
        self.ask(&format!("/v1/deployments/{}", escaped(name))).await
    }

    /// The events of one deployment, with the same errors.
    pub(super) async fn events(&self, name: &str) -> anyhow::Result<Result<EventList, String>> {
        self.ask(&format!("/v1/deployments/{}/events", escaped(name))).await
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Result<T, String>> {
        let stream = self.connect().await?;
        let request = self.request(path)?;
        let (status, body) = timeout(ANSWER_WITHIN, exchange(stream, request))
            .await
            .map_err(|_| self.unreachable("no whole answer within 30 s"))?
            .map_err(|error| self.broken_off(&error))?;
        if status == StatusCode::OK {
            return self.read(&body).map(Ok);
        }
        // Controllers of an earlier version tell it without its shape.
        let said = serde_json::from_slice::<Value>(&body).ok();
        let said = said.and_then(|said| Some(visible(said["error"].as_str()?).into_owned()));
        match (status, said) {
            (StatusCode::NOT_FOUND, Some(unknown)) => Ok(Err(unknown)),
            (status, said) => Err(self.refused(status, said)),
        }
    }

    async fn connect(&self) -> anyhow::Result<Box<dyn Connection>> {
        let host = self.url.authority.host().trim_matches(['[', ']']);
        let port = self.url.authority.port_u16().unwrap_or(if self.url.tls { 443 } else { 80 });
        let stream = match timeout(CONNECT_WITHIN, TcpStream::connect((host, port))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.unreachable(error.to_string())),
            Err(_) => return Err(self.unreachable("no connection within 5 s")),
        };
        if !self.url.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).context("the host of --server is no name")?;
        match timeout(CONNECT_WITHIN, self.tls.connector()?.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(self.untrusted(&error)),
            Err(_) => Err(self.unreachable("no TLS within 5 s")),
        }
    }

    /// Why TLS did not come about. What a connection died of may be over at the next one.
    fn untrusted(&self, error: &std::io::Error) -> anyhow::Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(why)) => anyhow!(
                "the certificate of {} is not trusted ({why}); name the CA that signed it with --server-ca, and the controller as its certificate does",
                self.url
            ),
            Some(why) => anyhow!("{} does not take up TLS ({why}); does it speak it?", self.url),
            None => self.unreachable(error.to_string()),
        }
    }

    /// Why a connection ended without an answer. A certificate is refused after the other end has
    /// taken up TLS, and the word for that may be lost on the way.
    fn broken_off(&self, error: &anyhow::Error) -> anyhow::Error {
        let hint = match &self.tls.own {
            Some((cert, _)) if self.url.tls => {
                format!(" (or the controller's --tls-client-ca did not sign {})", cert.display())
            }
            _ => String::new(),
        };
        self.unreachable(format!("{error:#}{hint}"))
    }

    fn unreachable(&self, why: impl Into<String>) -> anyhow::Error {
        Unreachable { url: self.url.clone(), why: visible(&why.into()).into_owned() }.into()
    }

    fn request(&self, path: &str) -> anyhow::Result<Request<Body>> {
        let mut request = Request::get(format!("{}{path}", self.url.path))
            .header(HOST, self.url.authority.as_str())
            .header(ACCEPT, "application/json");
        if let Some(file) = &self.token_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the token in {} (see --token-file)", file.display()))?;
            let mut token = HeaderValue::from_str(&format!("Bearer {}", text.trim())).map_err(|_| {
                anyhow!("{} holds no token: one line of plain text is expected", file.display())
            })?;
            token.set_sensitive(true);
            request = request.header(AUTHORIZATION, token);
        }
        request.body(Body::empty()).context("the name cannot be asked for")
    }

    /// What a good answer holds.
    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> anyhow::Result<T> {
        match serde_json::from_slice::<Shape>(body) {
            Err(_) => bail!("{} does not answer as a controller does; is it one? (see --server)", self.url),
            Ok(shape) if shape.api_version != API_VERSION => {
                let version = visible(&shape.api_version).into_owned();
                bail!(
                    "the controller at {} speaks {version}, this ctl {API_VERSION}: use a ctl of its version",
                    self.url
                )
            }
            Ok(_) => serde_json::from_slice(body).with_context(|| {
                format!("the answer of {} cannot be read; use a ctl of the controller's version", self.url)
            }),
        }
    }

    /// What an answer other than the one that was asked for means, and what to do.
    fn refused(&self, status: StatusCode, said: Option<String>) -> anyhow::Error {
        let url = &self.url;
        match (status, said, &self.token_file) {
            (StatusCode::UNAUTHORIZED, _, None) => {
                anyhow!(
                    "{url} wants a token: give the file that holds it with --token-file (or EVENKEEL_TOKEN_FILE)"
                )
            }
            (StatusCode::UNAUTHORIZED, _, Some(file)) => {
                anyhow!(
                    "{url} does not take the token in {}: is it the controller's present one?",
                    file.display()
                )
            }
            (StatusCode::NOT_FOUND, None, _) => {
                anyhow!("{url} has no /v1/deployments; is it a controller, and one of this version?")
            }
            (_, Some(said), _) => anyhow!("{url} refuses ({status}): {said}"),
            (_, None, _) => anyhow!("{url} answers {status}; is it a controller? (see --server)"),
        }
    }
}

/// One question on a connection of its own.
async fn exchange(
    stream: Box<dyn Connection>,
    request: Request<Body>,
) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asked = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = to_bytes(Body::new(answer.into_body()), LONGEST).await?;
        anyhow::Ok((status, body.to_vec()))
    };
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        ended = connection => {
            ended?;
            // What was read before the end may hold the whole answer.
            asked.await
        }
    }
}

/// A name as a part of a path.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_controller_or_is_refused_with_what_is_expected() {
        let url = |text: &str| text.parse::<ServerUrl>().map(|url| url.to_string());
        for good in [
            "http://127.0.0.1:8099",
            "http://[::1]:8099",
            "http://evenkeel.internal/shop",
            "https://evenkeel.internal",
        ] {
            assert_eq!(url(good).as_deref(), Ok(good));
            assert_eq!(url(&format!("{good}/")).as_deref(), Ok(good));
        }
        for bad in ["127.0.0.1:8099", "evenkeel", "", "ftp://x", "http://", "http://u:p@x", "http://x?y=1"] {
            assert!(
                url(bad).unwrap_err().contains("expected http://HOST:PORT or https://HOST:PORT"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_name_is_one_part_of_a_path_whatever_it_is() {
        assert_eq!(escaped("shop-1.a"), "shop-1.a");
        assert_eq!(escaped("../a b?ü"), "..%2Fa%20b%3F%C3%BC");
    }
}
