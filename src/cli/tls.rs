//! TLS towards a controller: whom `ctl` trusts, and the certificate that it shows.

use anyhow::{Context, anyhow, bail};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Files of `ctl`, in PEM.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsFiles {
    /// Who signed the controller's certificate; unset, those whom this machine trusts.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown, with its private key.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// TLS as the files say.
    ///
    /// # Errors
    ///
    /// A file cannot be read or holds something else; this machine trusts nobody.
    pub(super) fn connector(&self) -> anyhow::Result<TlsConnector> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?);
        let mut config = match &self.own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = certificates(cert, "--client-cert")?;
                let key = PrivateKeyDer::from_pem_file(key).with_context(|| {
                    format!("{} holds no private key in PEM (see --client-key)", key.display())
                })?;
                let config = builder.with_client_auth_cert(chain, key);
                config.with_context(|| format!("{} does not go with --client-key", cert.display()))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn roots(&self) -> anyhow::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let Some(ca) = &self.ca else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                bail!(
                    "this machine trusts no CA: name the one that signed the controller's certificate with --server-ca"
                );
            }
            return Ok(roots);
        };
        for certificate in certificates(ca, "--server-ca")? {
            let added = roots.add(certificate);
            added.with_context(|| {
                format!("{} holds no certificate of a CA (see --server-ca)", ca.display())
            })?;
        }
        Ok(roots)
    }
}

fn certificates(path: &Path, flag: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let wrong = || format!("{} holds no certificate in PEM (see {flag})", path.display());
    match found.with_context(wrong)? {
        none if none.is_empty() => Err(anyhow!(wrong())),
        found => Ok(found),
    }
}
