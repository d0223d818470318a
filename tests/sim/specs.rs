//! A spec store in memory, with the rules of the real ones: a broken edit changes nothing, what
//! cannot be read is not gone.

use evenkeel::specs::{FileContent, Memory, Scan, Snapshot, SpecStore, read};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often it is read without a hint.
const RESCAN: Duration = Duration::from_secs(15);

/// The folder. Clones are the same one.
#[derive(Clone, Default)]
pub struct Specs {
    inner: Arc<Mutex<Folder>>,
    hint: Arc<Notify>,
}

#[derive(Default)]
struct Folder {
    files: BTreeMap<String, Arc<FileContent>>,
    /// Whether it cannot be read at present.
    hidden: bool,
    /// Whether it shows no files at present.
    emptied: bool,
}

impl Specs {
    /// Writes a file.
    pub fn write(&self, file: &str, text: &str) {
        let content = Arc::new(read(file, text.as_bytes()));
        self.edit(|folder| {
            folder.files.insert(file.to_owned(), content);
        });
    }

    /// Removes a file.
    pub fn remove(&self, file: &str) {
        self.edit(|folder| {
            folder.files.remove(file);
        });
    }

    /// Makes the whole folder unreadable, or readable again.
    pub fn hide(&self, hidden: bool) {
        self.edit(|folder| folder.hidden = hidden);
    }

    /// Makes the folder look empty, or as it is.
    pub fn empty(&self, emptied: bool) {
        self.edit(|folder| folder.emptied = emptied);
    }

    fn edit(&self, edit: impl FnOnce(&mut Folder)) {
        edit(&mut self.inner.lock().expect("nothing panics while it holds the lock"));
        self.hint.notify_one();
    }

    /// What a controller opens at its start.
    pub fn open(&self) -> SimStore {
        SimStore { specs: self.clone(), memory: Memory::default(), loaded: Instant::now() }
    }
}

/// The folder as one controller reads it.
pub struct SimStore {
    specs: Specs,
    memory: Memory,
    loaded: Instant,
}

impl SimStore {
    fn look(&mut self) -> Snapshot {
        let scan = {
            let folder = self.specs.inner.lock().expect("nothing panics while it holds the lock");
            if folder.hidden {
                Scan { incomplete: true, ..Scan::default() }
            } else if folder.emptied {
                Scan::default()
            } else {
                Scan { files: folder.files.clone(), ..Scan::default() }
            }
        };
        self.loaded = Instant::now();
        self.memory.merge(scan, self.loaded)
    }

    async fn wait(&mut self) {
        let rescan = self.loaded + RESCAN;
        let floor = self.memory.next_settled().map_or(rescan, |settled| settled.min(rescan));
        // Either way it is read again.
        let _ = tokio::time::timeout_at(floor, self.specs.hint.notified()).await;
    }
}

impl SpecStore for SimStore {
    fn describe(&self) -> String {
        "sim".to_owned()
    }

    fn load(&mut self) -> BoxFuture<'_, Snapshot> {
        async { self.look() }.boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.wait().boxed()
    }
}
