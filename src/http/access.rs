//! Who may read `/v1`.

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Shortest token that is taken, in characters: fewer can be guessed.
const SHORTEST: usize = 16;
/// Longest token that is read, in bytes.
const LONGEST: u64 = 4096;
/// A token from elsewhere is not read again sooner than this because of one that is not it.
const READ_AGAIN: Duration = Duration::from_secs(60);
/// A token from elsewhere is read again after this, so that one that was taken back is not taken
/// for ever.
const BELIEVED: Duration = Duration::from_secs(300);

/// Who may read `/v1`. Health, readiness and metrics are for everybody who reaches the port.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody who reaches the port, which is on loopback.
    Local,
    /// Who has the token, or shows a certificate.
    Bearer(Arc<Bearer>),
    /// Who shows a certificate.
    Certificate,
    /// Nobody: the port is not on loopback, and there is neither token nor TLS.
    Nobody,
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// By a port that speaks no TLS.
    Open,
    /// Without TLS, by a port that speaks it.
    Unencrypted,
    /// With TLS, and without a certificate.
    Encrypted,
    /// With a certificate that was verified.
    Certified,
}

/// Why a token, a key or a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Error {
    place: String,
    why: String,
}

impl Error {
    /// What is wrong with a place.
    pub(super) fn of(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into() }
    }
}

/// How a token is read from elsewhere: its text, or why it could not be read.
pub type ReadToken = Box<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// The token that admits to `/v1`, as it is kept in its place.
///
/// **Guarantees**: tokens are compared in constant time; no token is logged or shown.
pub struct Bearer {
    /// What errors call it.
    place: String,
    source: Source,
}

enum Source {
    /// Read for each request: it is small, and an exchanged token holds from then on.
    File(PathBuf),
    /// Read when it may have been exchanged.
    Elsewhere { read: ReadToken, known: Mutex<Known> },
}

/// A token from elsewhere, as it was last read.
struct Known {
    digest: [u8; 32],
    /// When it was last read, or tried to be.
    tried_at: Instant,
    read_at: Instant,
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Bearer {
    /// The token that a file holds, white space around it left out.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no token: it is empty, too short, or more than a token.
    pub async fn in_file(path: PathBuf) -> Result<Self, Error> {
        let place = path.display().to_string();
        let bearer = Self { place, source: Source::File(path.clone()) };
        from_file(&path).await.map_err(|why| bearer.error(why))?;
        Ok(bearer)
    }

    /// The token that `read` finds in `place`. It is read now; again when a request brings another
    /// one, at most once a minute; and again after five minutes.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no token.
    pub async fn elsewhere(place: String, read: ReadToken) -> Result<Self, Error> {
        let first = read().await.and_then(|text| digest_of(&text));
        let digest = first.map_err(|why| Error::of(&place, why))?;
        let now = Instant::now();
        let known = Mutex::new(Known { digest, tried_at: now, read_at: now });
        Ok(Self { place, source: Source::Elsewhere { read, known } })
    }

    /// Whether what a request brings is the token.
    ///
    /// # Errors
    ///
    /// Nobody can be admitted: the token is gone from its place, or is none any more.
    pub(super) async fn admits(&self, brought: &[u8]) -> Result<bool, Error> {
        let brought: [u8; 32] = Sha256::digest(brought).into();
        match &self.source {
            Source::File(path) => {
                let digest = from_file(path).await.map_err(|why| self.error(why))?;
                Ok(is_same(&digest, &brought))
            }
            Source::Elsewhere { read, known } => {
                let mut known = known.lock().await;
                if known.is_worth_reading(&brought) {
                    known.tried_at = Instant::now();
                    match read().await.and_then(|text| digest_of(&text)) {
                        Ok(digest) => (known.digest, known.read_at) = (digest, known.tried_at),
                        // The one before is as good as it was: AWS may be away for a moment.
                        Err(why) => tracing::warn!("{}; the token before stays in force", self.error(why)),
                    }
                }
                Ok(is_same(&known.digest, &brought))
            }
        }
    }

    fn error(&self, why: String) -> Error {
        Error::of(&self.place, why)
    }
}

impl Known {
    fn is_worth_reading(&self, brought: &[u8; 32]) -> bool {
        let is_old = self.read_at.elapsed() >= BELIEVED || !is_same(&self.digest, brought);
        is_old && self.tried_at.elapsed() >= READ_AGAIN
    }
}

/// Digests are compared, and in constant time: neither length nor content can be measured.
fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

async fn from_file(path: &PathBuf) -> Result<[u8; 32], String> {
    let read = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(LONGEST + 1).read_to_string(&mut text).await?;
        std::io::Result::Ok(text)
    };
    digest_of(&read.await.map_err(|error| format!("cannot be read: {error}"))?)
}

/// The digest of a token.
///
/// Source: RFC 6750, 2.1 (`b64token`, what a bearer token may hold).
fn digest_of(text: &str) -> Result<[u8; 32], String> {
    let token = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/' | '=');
    match token.len() {
        0 => Err("holds no token; put one there, such as the output of `openssl rand -hex 32`".to_owned()),
        _ if token.len() as u64 > LONGEST => {
            Err(format!("holds more than {LONGEST} bytes, which is no token"))
        }
        _ if !token.chars().all(plain) => {
            Err("holds something else than a token; expected letters, digits and - . _ ~ + / = on one line"
                .to_owned())
        }
        length if length < SHORTEST => Err(format!(
            "holds a token of {length} characters, which can be guessed; expected {SHORTEST} or more"
        )),
        _ => Ok(Sha256::digest(token.as_bytes()).into()),
    }
}
