//! The simulation on a TCP port, for the AWS CLI, boto3 and any other SDK: `--endpoint-url
//! http://127.0.0.1:4566`.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State, connect_info::Connected},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri},
    response::Response as HttpResponse,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{
    control,
    sim::Sim,
    wire::{Request, Response},
};

/// How long open calls may take once the server was asked to stop.
const PATIENCE: Duration = Duration::from_secs(1);

impl Sim {
    /// Serves AWS calls, and the control interface under `/_sim` (see [`crate::control`]), until
    /// `shutdown` is done.
    ///
    /// # Errors
    /// What the listener answers.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let app = Router::new().fallback(answer).with_state(self.clone());
        let app = app.into_make_service_with_connect_info::<Cut>();
        let server = axum::serve(CuttableListener(listener), app)
            .with_graceful_shutdown(async move { stopped.notified().await });
        let mut server = std::pin::pin!(server.into_future());
        tokio::select! {
            result = &mut server => result,
            () = shutdown => {
                stop.notify_one();
                tokio::time::timeout(PATIENCE, server).await.unwrap_or(Ok(()))
            }
        }
    }
}

async fn answer(
    State(sim): State<Sim>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResponse {
    if uri.path() == "/_sim" || uri.path().starts_with("/_sim/") {
        let (status, value) = control::answer(&sim, method.as_str(), uri.path(), &body);
        let text = format!("{value:#}\n");
        return respond(status, "application/json", text.into_bytes());
    }
    let header = |name: &str| match name {
        ":path" => Some(uri.path()),
        name => headers.get(name).and_then(|value| value.to_str().ok()),
    };
    let response = match Request::read(header, &body) {
        Ok(request) => sim.exchange(request).await,
        Err(error) => Ok(Response::unread(header, &body, sim.with(crate::world::World::request_id), &error)),
    };
    match response {
        Ok(response) => to_http(response),
        Err(_) => {
            cut.now();
            respond(500, "text/plain", Vec::new())
        }
    }
}

fn to_http(response: Response) -> HttpResponse {
    let mut http = respond(response.status, response.content_type, response.body);
    let own = [("x-amzn-requestid", response.request_id)];
    for (name, text) in own.into_iter().chain(response.headers) {
        if let Ok(value) = HeaderValue::try_from(text) {
            http.headers_mut().insert(name, value);
        }
    }
    http
}

fn respond(status: u16, content_type: &'static str, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !content_type.is_empty() {
        response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    }
    response
}

/// The scissors of one connection: once used, nothing more is written to it and it is closed, so
/// that the client sees a broken connection instead of an answer.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<AtomicBool>);

impl Cut {
    fn now(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cut.clone()
    }
}

struct CuttableListener(TcpListener);

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for more to come; a socket that refuses this is merely
        // slower.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        (CuttableStream { stream, cut: Cut::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

struct CuttableStream {
    stream: TcpStream,
    cut: Cut,
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
