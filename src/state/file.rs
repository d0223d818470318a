//! Records as files: one per deployment, written aside and renamed.

use super::disk::{Disk, RealDisk};
use super::lease::{Lease, Term};
use super::{DamagedRecord, DamagedRequest, Error, ErrorKind, Loaded, RecordStore, Requests, StoreReport};
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::DeploymentName;
use crate::model::request::{Request, RequestKind};
use crate::model::status::Record;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// The file of the store's report. No deployment's file begins with an underscore and goes on like
/// this.
const REPORT: &str = "_store-report";
/// The file of the controller's sign of life.
const HEARTBEAT: &str = "_controller";
/// Longest name that stands for itself as a file name; file systems allow 255 bytes with what is
/// added to it.
const LONGEST_PLAIN: usize = 200;
/// The file that is locked, and the one that says who holds the folder.
const LOCK: &str = ".lock";
const LEASE: &str = ".lease";
/// Longest slot of a request that stands for itself in a file name.
const LONGEST_SLOT: usize = 40;
/// Extension of the file of a request, `NAME.SLOT.request`: the controller owns the records, so
/// `ctl` writes beside them.
const REQUEST: &str = "request";
/// Extension of the empty file that an earlier version made when a deletion was confirmed.
const CONFIRMED: &str = "confirmed";

/// A folder of records.
///
/// A file is one JSON object: `format`, `checksum` (SHA-256 of the content as it stands in the
/// file) and `content`. It is written to a hidden file beside it, synced, and renamed, so a crash
/// leaves the old content or the new one. A file whose checksum does not fit is refused, never
/// guessed at, and kept aside when another one takes its place.
#[derive(Debug)]
pub struct FileRecordStore<D: Disk = RealDisk> {
    disk: D,
    folder: Arc<PathBuf>,
    /// Kept for as long as the controller runs; readers have none.
    held: Arc<Mutex<Option<Held<D>>>>,
    /// Records that were seen to be damaged and lie in their places still.
    damaged: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// A folder that is held.
#[derive(Debug)]
struct Held<D: Disk> {
    lock: D::Lock,
    lease: Lease,
    /// Whether the lease stands in the folder: a full disk does not keep a controller from
    /// starting, only from writing.
    written: bool,
}

// Not derived: that would ask for locks that can be cloned.
impl<D: Disk> Clone for FileRecordStore<D> {
    fn clone(&self) -> Self {
        let (folder, held) = (Arc::clone(&self.folder), Arc::clone(&self.held));
        Self { disk: self.disk.clone(), folder, held, damaged: Arc::clone(&self.damaged) }
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: u32,
    checksum: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// What every format has: read before the rest, so that a newer file is refused as such and not
/// taken for a damaged one.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl FileRecordStore {
    /// A folder of this machine, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self::on(RealDisk, folder)
    }

    /// A folder of this machine that is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Missing`] when it is not; [`ErrorKind::Io`] when it cannot be read.
    pub fn existing(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self::new(folder);
        match store.disk.list(&store.folder) {
            Ok(_) => Ok(store),
            Err(source) => {
                let is_missing = source.kind() == std::io::ErrorKind::NotFound;
                let mut error = io("read the records in", &store.folder)(source);
                if is_missing {
                    error.kind = ErrorKind::Missing;
                }
                Err(error)
            }
        }
    }
}

impl<D: Disk> FileRecordStore<D> {
    /// A folder on a disk of one's own.
    pub fn on(disk: D, folder: impl Into<PathBuf>) -> Self {
        Self { disk, folder: Arc::new(folder.into()), held: Arc::default(), damaged: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held<D>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, holder: &str) -> Result<Lease, Error> {
        let mut held = self.held();
        if let Some(held) = &*held {
            return Ok(held.lease.clone());
        }
        self.disk.make_folder(&self.folder).map_err(io("make the folder for records", &self.folder))?;
        let path = self.folder.join(LOCK);
        let lock = self.disk.lock(&path).map_err(io("lock", &path))?;
        let lock = lock.ok_or_else(|| Error::held(place(&self.folder)))?;
        // The lock says that nobody writes under an earlier token, so one that is lost is no harm.
        let before = self.read_term().map_or(0, |term| term.token);
        let lease = Lease::after(before, holder);
        let written = self.write(&self.folder.join(LEASE), lease.term()).is_ok();
        *held = Some(Held { lock, lease: lease.clone(), written });
        Ok(lease)
    }

    fn read_term(&self) -> Option<Term> {
        self.read(&self.folder.join(LEASE)).ok().flatten()
    }

    /// Refuses to go on unless the lease still holds: the locked file is still the one in the
    /// folder, and nobody wrote a greater token.
    fn check_lease(&self) -> Result<(), Error> {
        let lost = || Error::lost(place(&self.folder));
        let mut held = self.held();
        let held = held.as_mut().ok_or_else(lost)?;
        let is_newest = || self.read_term().is_none_or(|term| term.token <= held.lease.token());
        held.lease.seen(self.disk.is_locked(&held.lock, &self.folder.join(LOCK)) && is_newest());
        if !held.lease.holds() {
            return Err(lost());
        }
        if !held.written {
            self.write(&self.folder.join(LEASE), held.lease.term())?;
            held.written = true;
        }
        Ok(())
    }

    fn record_path(&self, name: &DeploymentName) -> PathBuf {
        self.folder.join(format!("{}.json", stem(name.as_str())))
    }

    fn request_path(&self, request: &Request) -> PathBuf {
        let slot = request.slot();
        // A slot is found again by the full stop before it.
        let slot = if slot.contains('.') || slot.len() > LONGEST_SLOT { hashed(&slot) } else { stem(&slot) };
        self.folder.join(format!("{}.{slot}.{REQUEST}", stem(request.deployment.as_str())))
    }

    /// The files of requests, with the file names of their deployments.
    fn request_paths(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let paths = self.disk.list(&self.folder).map_err(io("read the records in", &self.folder))?;
        let mut requests: Vec<(String, PathBuf)> = paths
            .into_iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?.to_owned();
                let deployment = name
                    .strip_suffix(&format!(".{CONFIRMED}"))
                    .or_else(|| Some(name.strip_suffix(&format!(".{REQUEST}"))?.rsplit_once('.')?.0))?;
                (!deployment.is_empty()).then(|| (deployment.to_owned(), path))
            })
            .collect();
        requests.sort();
        Ok(requests)
    }

    fn read_request(&self, deployment: &str, path: &Path) -> Result<Option<Request>, Error> {
        if path.extension().is_some_and(|extension| extension == CONFIRMED) {
            return Ok(Some(Request {
                deployment: deployment.into(),
                kind: RequestKind::ConfirmDeletion,
                by: "unknown".to_owned(),
                reason: String::new(),
                at: Timestamp::UNIX_EPOCH,
            }));
        }
        self.read(path)
    }

    fn heartbeat_path(&self) -> PathBuf {
        self.folder.join(format!("{HEARTBEAT}.json"))
    }

    fn report_path(&self) -> PathBuf {
        self.folder.join(format!("{REPORT}.json"))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = self.clone();
        D::work(move || work(&this)).await
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, Error> {
        let text = match self.disk.read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io("read", path)(source)),
        };
        decode(path, &text).map(Some)
    }

    fn write<T: Serialize>(&self, path: &Path, content: &T) -> Result<(), Error> {
        self.put(path, &encode(content))
    }

    /// Replaces a file: all of it and for good, or, with an error, not at all.
    fn put(&self, path: &Path, text: &[u8]) -> Result<(), Error> {
        let aside =
            self.folder.join(format!(".{}.tmp", path.file_name().unwrap_or_default().to_string_lossy()));
        self.disk.put(&aside, text).map_err(io("write", &aside))?;
        self.disk.rename(&aside, path).map_err(io("replace", path))?;
        // The rename itself must survive a power cut, too.
        self.disk.sync_folder(&self.folder).map_err(io("sync", &self.folder))
    }

    /// Removes a file, if it is there, and makes that last.
    fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.disk.remove(path) {
            Ok(()) => self.disk.sync_folder(&self.folder).map_err(io("sync", &self.folder)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(io("remove", path)(source)),
        }
    }

    fn record_paths(&self) -> Result<Vec<PathBuf>, Error> {
        let mut paths: Vec<PathBuf> = self
            .disk
            .list(&self.folder)
            .map_err(io("read the records in", &self.folder))?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter(|path| path.file_stem().is_some_and(|stem| stem != REPORT && stem != HEARTBEAT))
            .filter(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')))
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Reads a record, and remembers that it is damaged when it is.
    fn read_record(&self, path: &Path) -> Result<Option<Record>, Error> {
        let read = self.read(path);
        if read.as_ref().is_err_and(|error| error.kind == ErrorKind::Damaged) {
            self.damaged().insert(path.to_owned());
        }
        read
    }

    fn damaged(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a damaged record aside before its place is taken. It stays in its place until then, so
    /// that a crash in between does not hide that it is lost.
    fn keep_aside(&self, path: &Path) -> Result<(), Error> {
        if !self.damaged().contains(path) {
            return Ok(());
        }
        let text = match self.disk.read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(io("read", path)(source)),
        };
        let aside = (1..)
            .map(|number| path.with_extension(format!("json.damaged-{number}")))
            .find(|aside| !self.disk.exists(aside) || self.disk.read(aside).is_ok_and(|known| known == text));
        self.put(&aside.expect("some number is free"), &text)?;
        self.damaged().remove(path);
        Ok(())
    }
}

/// The text of a file with this content.
pub fn encode<T: Serialize>(content: &T) -> Vec<u8> {
    let content =
        serde_json::value::to_raw_value(content).expect("state has only text keys and finite numbers");
    let envelope = Envelope { format: FORMAT, checksum: checksum(content.get()), content: &content };
    serde_json::to_vec(&envelope).expect("an envelope has only text keys")
}

/// The content of a file; `path` is for the errors alone.
///
/// **Guarantees**: gives nothing whose checksum does not fit; what [`encode`] wrote comes back
/// equal.
///
/// # Errors
///
/// [`ErrorKind::TooNew`] for a newer format, [`ErrorKind::Damaged`] for everything else that is not
/// a whole record.
pub fn decode<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, Error> {
    let corrupt = |why: String| Error::damaged(place(path), &why);
    let broken = |error: serde_json::Error| corrupt(format!("it is not a whole record ({error})"));
    let Head { format } = serde_json::from_slice(text).map_err(broken)?;
    if format > FORMAT {
        return Err(Error::too_new(place(path), format, FORMAT));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(text).map_err(broken)?;
    if checksum(envelope.content.get()) != envelope.checksum {
        return Err(corrupt("its checksum does not fit its content".to_owned()));
    }
    serde_json::from_str(envelope.content.get()).map_err(|error| corrupt(error.to_string()))
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let place = place(path);
    move |source| Error::io(action, place, source)
}

fn place(path: &Path) -> String {
    path.display().to_string()
}

/// The file name of a deployment, without its extension: its name or, when that cannot be one, a
/// hash of it. Documents are refused for such names, and still their status is kept.
fn stem(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if !name.is_empty() && name.len() <= LONGEST_PLAIN && !name.starts_with('.') && name.chars().all(plain) {
        name.to_owned()
    } else {
        hashed(name)
    }
}

/// The slot that the file of a request stands for, where its name says so.
fn slot(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.rsplit_once('.').map(|(_, slot)| slot.to_owned()).unwrap_or_default()
}

/// Whose file this is, unless its name is a hash.
fn deployment(path: &Path) -> Option<DeploymentName> {
    let name = path.file_stem()?.to_str()?;
    (!name.starts_with('_')).then(|| DeploymentName::from(name))
}

fn hashed(name: &str) -> String {
    format!("_{}", &checksum(name)[..32])
}

fn checksum(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

impl<D: Disk> RecordStore for FileRecordStore<D> {
    fn hold<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Lease, Error>> {
        let holder = holder.to_owned();
        self.blocking(move |this| this.take(&holder)).boxed()
    }

    fn load_all(&self) -> BoxFuture<'_, Result<Loaded, Error>> {
        self.blocking(|this| {
            let mut loaded = Loaded::default();
            for path in this.record_paths()? {
                match this.read_record(&path) {
                    Ok(record) => loaded.records.extend(record),
                    Err(error) if error.kind == ErrorKind::Damaged => {
                        loaded.damaged.push(DamagedRecord { deployment: deployment(&path), error });
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(loaded)
        })
        .boxed()
    }

    fn load<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<Option<Record>, Error>> {
        let path = self.record_path(name);
        self.blocking(move |this| this.read_record(&path)).boxed()
    }

    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Error>> {
        let record = record.clone();
        let path = self.record_path(&record.name);
        self.blocking(move |this| {
            this.check_lease()?;
            this.keep_aside(&path)?;
            this.write(&path, &record)
        })
        .boxed()
    }

    fn delete<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<(), Error>> {
        let record = self.record_path(name);
        let deployment = stem(name.as_str());
        self.blocking(move |this| {
            this.check_lease()?;
            for (_, path) in this.request_paths()?.into_iter().filter(|(of, _)| *of == deployment) {
                this.remove(&path)?;
            }
            this.keep_aside(&record)?;
            this.remove(&record)
        })
        .boxed()
    }

    fn requests(&self) -> BoxFuture<'_, Result<Requests, Error>> {
        self.blocking(|this| {
            let mut found = Requests::default();
            for (deployment, path) in this.request_paths()? {
                match this.read_request(&deployment, &path) {
                    Ok(request) => found.requests.extend(request),
                    // A folder in the place of a request is none of ours, and holds nothing up.
                    Err(error) if error.kind == ErrorKind::Io && !path.is_dir() => return Err(error),
                    Err(_) => found.damaged.push(DamagedRequest {
                        deployment: deployment.as_str().into(),
                        slot: slot(&path),
                        error: Error::of_request(&path),
                    }),
                }
            }
            Ok(found)
        })
        .boxed()
    }

    fn put_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        let path = self.request_path(request);
        let request = request.clone();
        self.blocking(move |this| this.write(&path, &request)).boxed()
    }

    fn withdraw_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        let request = request.clone();
        self.blocking(move |this| {
            let deployment = stem(request.deployment.as_str());
            for (_, path) in this.request_paths()?.into_iter().filter(|(of, _)| *of == deployment) {
                if matches!(this.read_request(&deployment, &path), Ok(Some(found)) if found == request) {
                    this.remove(&path)?;
                }
            }
            Ok(())
        })
        .boxed()
    }

    fn save_report<'a>(&'a self, report: &'a StoreReport) -> BoxFuture<'a, Result<(), Error>> {
        let report = report.clone();
        self.blocking(move |this| {
            this.check_lease()?;
            this.write(&this.report_path(), &report)
        })
        .boxed()
    }

    fn load_report(&self) -> BoxFuture<'_, Result<Option<StoreReport>, Error>> {
        self.blocking(|this| this.read(&this.report_path())).boxed()
    }

    fn beat<'a>(&'a self, heartbeat: &'a Heartbeat) -> BoxFuture<'a, Result<(), Error>> {
        let heartbeat = heartbeat.clone();
        self.blocking(move |this| {
            this.check_lease()?;
            this.write(&this.heartbeat_path(), &heartbeat)
        })
        .boxed()
    }

    fn load_heartbeat(&self) -> BoxFuture<'_, Result<Option<Heartbeat>, Error>> {
        self.blocking(|this| this.read(&this.heartbeat_path())).boxed()
    }
}
