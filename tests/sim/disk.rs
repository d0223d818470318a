//! A disk in memory: it can be full or slow to last, dies in the middle of a step on request, and
//! a power cut takes back what was not synced.

use super::Killed;
use evenkeel::state::Disk;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk. Clones are the same one.
#[derive(Clone, Debug)]
pub struct SimDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    files: BTreeMap<PathBuf, Vec<u8>>,
    locked: BTreeSet<PathBuf>,
    /// What files were before each step that no sync has made to last, oldest first.
    undo: Vec<(PathBuf, Option<Vec<u8>>)>,
    full: bool,
    /// Steps until the process dies in the middle of one.
    dies_in: Option<u32>,
    /// Steps that changed something.
    steps: u64,
    hash: u64,
    rng: fastrand::Rng,
}

/// Held while a folder is locked.
#[derive(Debug)]
pub struct Held {
    disk: SimDisk,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.lock_inner().locked.remove(&self.path);
    }
}

/// What becomes of a step.
enum Fate {
    Done,
    Full,
    Dies,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        let inner = Inner {
            files: BTreeMap::new(),
            locked: BTreeSet::new(),
            undo: Vec::new(),
            full: false,
            dies_in: None,
            steps: 0,
            hash: 0,
            rng: fastrand::Rng::with_seed(seed ^ 0x6469_736b),
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock_inner(&self) -> MutexGuard<'_, Inner> {
        // A controller that is killed inside of a step leaves the rest as it is.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is full, or no longer.
    pub fn set_full(&self, full: bool) {
        self.lock_inner().full = full;
    }

    /// The process dies in the middle of the n-th step from now, counted from 1; never when `None`.
    pub fn die_in(&self, steps: Option<u32>) {
        self.lock_inner().dies_in = steps;
    }

    /// Whether the step in which the process dies has not come yet.
    pub fn is_armed(&self) -> bool {
        self.lock_inner().dies_in.is_some()
    }

    /// The names of all files, in order.
    pub fn names(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.lock_inner().files.keys().filter_map(name).collect()
    }

    /// Steps so far that changed something.
    pub fn steps(&self) -> u64 {
        self.lock_inner().steps
    }

    /// A number over everything that was ever done to it.
    pub fn hash(&self) -> u64 {
        self.lock_inner().hash
    }

    /// The power goes: some of what was not synced is taken back, the newest first.
    pub fn power_cut(&self) {
        let mut inner = self.lock_inner();
        let steps = inner.undo.len();
        let kept = inner.rng.usize(0..=steps);
        let lost: Vec<_> = inner.undo.drain(kept..).collect();
        for (path, before) in lost.into_iter().rev() {
            inner.set(path, before);
        }
        inner.undo.clear();
    }

    /// Every file's content.
    pub fn contents(&self) -> Vec<Vec<u8>> {
        self.lock_inner().files.values().cloned().collect()
    }

    /// Spoils the file whose name is this: cuts it off or turns a bit over. False when there is
    /// none.
    pub fn corrupt(&self, name: &str) -> bool {
        let mut inner = self.lock_inner();
        let found = inner.files.keys().find(|path| path.file_name().is_some_and(|own| own == name)).cloned();
        let Some(path) = found else { return false };
        let mut content = inner.files.get(&path).cloned().unwrap_or_default();
        if content.is_empty() {
            return false;
        }
        let at = inner.rng.usize(0..content.len());
        if inner.rng.bool() {
            content.truncate(at);
        } else {
            content[at] ^= 1 << inner.rng.u8(0..8);
        }
        inner.set(path, Some(content));
        true
    }

    fn change(&self, path: &Path, content: Option<Vec<u8>>) -> io::Result<()> {
        let mut inner = self.lock_inner();
        match inner.fate() {
            Fate::Done => {
                inner.remember(path);
                inner.set(path.to_owned(), content);
                Ok(())
            }
            fate => {
                // A beginning of it may be there.
                if let Some(mut content) = content {
                    let length = inner.rng.usize(0..=content.len());
                    content.truncate(length);
                    inner.remember(path);
                    inner.set(path.to_owned(), Some(content));
                }
                drop(inner);
                end(fate)
            }
        }
    }
}

fn end(fate: Fate) -> io::Result<()> {
    match fate {
        Fate::Dies => std::panic::resume_unwind(Box::new(Killed)),
        Fate::Done | Fate::Full => Err(io::Error::new(io::ErrorKind::StorageFull, "No space left on device")),
    }
}

impl Inner {
    fn fate(&mut self) -> Fate {
        self.steps += 1;
        match &mut self.dies_in {
            Some(1) => {
                self.dies_in = None;
                return Fate::Dies;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if self.full { Fate::Full } else { Fate::Done }
    }

    fn remember(&mut self, path: &Path) {
        let before = self.files.get(path).cloned();
        self.undo.push((path.to_owned(), before));
    }

    fn set(&mut self, path: PathBuf, content: Option<Vec<u8>>) {
        let mut hasher = DefaultHasher::new();
        (self.hash, &path, &content).hash(&mut hasher);
        self.hash = hasher.finish();
        match content {
            Some(content) => self.files.insert(path, content),
            None => self.files.remove(&path),
        };
    }
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "No such file or directory")
}

impl Disk for SimDisk {
    type Lock = Held;

    async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        work()
    }

    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Held>> {
        let free = self.lock_inner().locked.insert(path.to_owned());
        Ok(free.then(|| Held { disk: self.clone(), path: path.to_owned() }))
    }

    fn is_locked(&self, lock: &Held, path: &Path) -> bool {
        lock.path == path && self.lock_inner().locked.contains(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.lock_inner().files.keys().filter(|path| path.parent() == Some(folder)).cloned().collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.lock_inner().files.get(path).cloned().ok_or_else(missing)
    }

    fn exists(&self, path: &Path) -> bool {
        self.lock_inner().files.contains_key(path)
    }

    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.change(path, Some(content.to_vec()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock_inner();
        match inner.fate() {
            // A name takes no room.
            Fate::Done | Fate::Full => {}
            fate => {
                drop(inner);
                return end(fate);
            }
        }
        let content = inner.files.get(from).cloned().ok_or_else(missing)?;
        inner.remember(from);
        inner.remember(to);
        inner.set(to.to_owned(), Some(content));
        inner.set(from.to_owned(), None);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut inner = self.lock_inner();
        let fate = inner.fate();
        if matches!(fate, Fate::Dies) {
            drop(inner);
            return end(fate);
        }
        inner.undo.clear();
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.exists(path) {
            return Err(missing());
        }
        self.change(path, None)
    }
}
