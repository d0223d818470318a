//! TLS on the port.

use super::access::{Caller, Error};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Files are read again after this, so that a renewed certificate is shown.
const READ_AGAIN: Duration = Duration::from_secs(60);
/// The first byte of whoever speaks TLS.
///
/// Source: RFC 8446, 5.1 (`handshake(22)`).
const HANDSHAKE: u8 = 22;

/// Where key and certificates are, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate that is shown, and what leads to its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who signs the certificates of those who may read; unset, none is asked for.
    pub client_ca: Option<PathBuf>,
}

/// TLS as the files say, which may be exchanged at any time.
///
/// **Guarantees**: who shows no certificate is let in and not counted as certified; who shows one
/// that was not signed by the CA is not let in.
pub struct Tls {
    files: TlsFiles,
    current: Mutex<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    tried_at: Instant,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS with these files, which are read now, and again every minute while somebody connects.
    ///
    /// # Errors
    ///
    /// A file cannot be read, holds something else, or key and certificate do not belong together.
    pub async fn of(files: TlsFiles) -> Result<Self, Error> {
        let config = read(files.clone()).await?;
        Ok(Self { files, current: Mutex::new(Loaded { config, tried_at: Instant::now() }) })
    }

    /// The connection in TLS, and whether its other end showed a certificate.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<(TlsStream<TcpStream>, Caller)> {
        let stream = TlsAcceptor::from(self.config().await).accept(stream).await?;
        let certified = stream.get_ref().1.peer_certificates().is_some();
        Ok((stream, if certified { Caller::Certified } else { Caller::Encrypted }))
    }

    async fn config(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock().await;
        if current.tried_at.elapsed() >= READ_AGAIN {
            current.tried_at = Instant::now();
            match read(self.files.clone()).await {
                Ok(config) => current.config = config,
                // Files are written one after the other.
                Err(error) => tracing::warn!("{error}; what was read before stays in force"),
            }
        }
        Arc::clone(&current.config)
    }
}

/// Whether the other end begins to speak TLS; nothing is taken from the connection.
pub(super) async fn is_spoken(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first[0] == HANDSHAKE)
}

async fn read(files: TlsFiles) -> Result<Arc<ServerConfig>, Error> {
    let place = files.cert.display().to_string();
    let read = tokio::task::spawn_blocking(move || config(&files)).await;
    read.unwrap_or_else(|error| Err(Error::of(place, error.to_string())))
}

fn config(files: &TlsFiles) -> Result<Arc<ServerConfig>, Error> {
    let chain = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| of(&files.key, format!("holds no private key in PEM: {error}")))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = match &files.client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ca)? {
                roots
                    .add(certificate)
                    .map_err(|error| of(ca, format!("holds no certificate of a CA: {error}")))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            verifier.allow_unauthenticated().build().map_err(|error| of(ca, error.to_string()))?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| of(&files.cert, error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| of(&files.cert, format!("does not go with the key: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(of(path, "holds no certificate in PEM")),
        read => read.map_err(|error| of(path, format!("holds no certificate in PEM: {error}"))),
    }
}

fn of(path: &Path, why: impl Into<String>) -> Error {
    Error::of(path.display().to_string(), why)
}
