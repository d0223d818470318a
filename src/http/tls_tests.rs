//! Sentences about TLS on the port.

use super::tests::{ask, fetch, shown_of};
use super::{Access, Tls, TlsFiles};
use crate::state::MemoryRecords;
use jiff::Timestamp;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A CA that signs what a test needs, with the files of all that it signed.
pub(crate) struct Authority {
    pub(crate) dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (dir, key) = (TempDir::new().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own: Certificate = params.self_signed(&key).unwrap();
        std::fs::write(dir.path().join("ca.pem"), own.pem()).unwrap();
        Self { dir, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Signs a certificate for these names; answers its file and that of its key.
    pub(crate) fn sign(&self, file: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let signed = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let files = (self.path(&format!("{file}.pem")), self.path(&format!("{file}.key")));
        std::fs::write(&files.0, signed.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }

    /// TLS for this machine, with certificates of readers that this CA signed.
    pub(crate) async fn tls(&self) -> Tls {
        let (cert, key) = self.sign("server", &["127.0.0.1", "localhost"]);
        Tls::of(TlsFiles { cert, key, client_ca: Some(self.path("ca.pem")) }).await.unwrap()
    }
}

async fn window(access: Access, tls: Tls) -> SocketAddr {
    let records = Arc::new(MemoryRecords::default().open());
    shown_of(records, Timestamp::UNIX_EPOCH, access, Some(tls)).await
}

#[tokio::test]
async fn health_is_told_without_tls_and_deployments_are_not() {
    for access in [Access::Certificate, Access::Local] {
        let address = window(access, Authority::new().tls().await).await;
        assert_eq!(fetch(address, "/healthz").await, (200, "ok\n".to_owned()));
        assert_eq!(fetch(address, "/metrics").await.0, 200);
        let (status, said) = fetch(address, "/v1/deployments").await;
        assert!(status == 403 && said.contains("over TLS only"), "{said}");
        let token = "GET /v1/deployments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer 0123456789abcdef\r\nConnection: close\r\n\r\n";
        assert_eq!(ask(address, token).await.0, 403, "a token that went over in clear admits to nothing");
    }
}

#[tokio::test]
async fn files_that_are_none_are_refused_with_their_names() {
    let authority = Authority::new();
    let (cert, key) = authority.sign("server", &["localhost"]);
    let (_, other) = authority.sign("other", &["localhost"]);
    let (absent, empty) = (authority.path("absent"), authority.path("empty"));
    std::fs::write(&empty, "").unwrap();
    let ca = || Some(authority.path("ca.pem"));
    let refused = async |cert: &Path, key: &Path, client_ca| {
        let files = TlsFiles { cert: cert.to_owned(), key: key.to_owned(), client_ca };
        Tls::of(files).await.unwrap_err().to_string()
    };
    for (said, expected) in [
        (refused(&absent, &key, ca()).await, format!("{}: holds no certificate in PEM: ", absent.display())),
        (refused(&empty, &key, ca()).await, format!("{}: holds no certificate in PEM", empty.display())),
        (refused(&cert, &empty, ca()).await, format!("{}: holds no private key in PEM: ", empty.display())),
        (refused(&cert, &other, ca()).await, format!("{}: does not go with the key: ", cert.display())),
        (
            refused(&cert, &key, Some(empty.clone())).await,
            format!("{}: holds no certificate", empty.display()),
        ),
    ] {
        assert!(said.starts_with(&expected), "{said} does not begin with {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_tls_and_goes_no_further_is_let_go() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = window(Access::Certificate, Authority::new().tls().await).await;
    for begun in [&b""[..], &[22, 3, 1]] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let began = tokio::time::Instant::now();
        // With nothing said, or by a reset.
        drop(stream.read_to_end(&mut Vec::new()).await);
        assert!(began.elapsed() <= Duration::from_secs(10), "{begun:?}: {:?}", began.elapsed());
    }
}
