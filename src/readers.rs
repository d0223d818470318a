//! Who is let in at the port of `evenkeel run`, as its flags say.

use anyhow::Context;
use evenkeel::aws::{self, Aws};
use evenkeel::http::{Access, Bearer, ReadToken, Tls, TlsFiles, Window};
use evenkeel::model::arn::Arn;
use evenkeel::model::kinds::Placement;
use evenkeel::reconcile::{Clock, Handle};
use evenkeel::settings::WindowArgs;
use evenkeel::state::RecordStore;
use evenkeel::telemetry;
use std::sync::Arc;

/// Who may read `/v1`, and whether TLS is spoken.
pub struct Readers {
    access: Access,
    tls: Option<Tls>,
}

impl Readers {
    /// What the flags say. A token is asked for wherever one is given, and so is a certificate, on
    /// loopback, too.
    ///
    /// # Errors
    ///
    /// A token, key or certificate cannot be read, or is none.
    pub async fn of(args: WindowArgs, aws: &Aws) -> anyhow::Result<Self> {
        let access = match (&args.token_file, &args.token_secret) {
            (Some(file), _) => {
                let bearer = Bearer::in_file(file.clone()).await.context("cannot use --token-file")?;
                Access::Bearer(Arc::new(bearer))
            }
            (None, Some(arn)) => {
                let read = read_token(aws.clone(), arn.clone());
                let bearer =
                    Bearer::elsewhere(arn.clone(), read).await.context("cannot use --token-secret")?;
                Access::Bearer(Arc::new(bearer))
            }
            (None, None) if args.tls_client_ca.is_some() => Access::Certificate,
            (None, None) if args.listen.ip().is_loopback() => Access::Local,
            (None, None) => {
                tracing::warn!(
                    listen = %args.listen,
                    "/v1 answers 403: --listen is not on loopback, and none of --token-file, --token-secret and --tls-client-ca says who may read it"
                );
                Access::Nobody
            }
        };
        Ok(Self { access, tls: tls(args).await? })
    }

    /// The window on a controller, for those who are let in.
    pub fn window(self, handle: Handle, records: Arc<dyn RecordStore>, clock: Clock) -> Window {
        let window = Window::new(handle, records, clock, self.access);
        match self.tls {
            Some(tls) => window.behind(tls),
            None => window,
        }
    }
}

async fn tls(args: WindowArgs) -> anyhow::Result<Option<Tls>> {
    let (Some(cert), Some(key)) = (args.tls_cert, args.tls_key) else { return Ok(None) };
    let files = TlsFiles { cert, key, client_ca: args.tls_client_ca };
    let tls = Tls::of(files).await.context("cannot speak TLS (--tls-cert, --tls-key, --tls-client-ca)")?;
    Ok(Some(tls))
}

/// How the token is read from Secrets Manager, in the region of its ARN.
fn read_token(aws: Aws, arn: String) -> ReadToken {
    Box::new(move || {
        let (aws, arn) = (aws.clone(), arn.clone());
        Box::pin(async move {
            let region = Arn::parse(&arn).map(|arn| arn.region.to_owned()).unwrap_or_default();
            let clients = aws.at(&Placement { region, cluster: String::new(), role_arn: None }).await;
            let read = aws::secrets::read::own_token(&clients, &arn).await;
            read.map_err(|error| telemetry::chain(&error))
        })
    })
}
