//! A spec store in memory, with the rules of the others: a broken edit changes nothing, what cannot
//! be read is not gone.

use super::SpecStore;
use super::document::{FileContent, read};
use super::scan::Scan;
use super::snapshot::{LastGood, Snapshot};
use crate::model::ids::DeploymentName;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Documents that are gone with the process. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct MemorySpecs {
    inner: Arc<Mutex<Folder>>,
    hint: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Folder {
    items: BTreeMap<String, Arc<FileContent>>,
    /// Whether it cannot be read at present.
    hidden: bool,
    /// Whether it shows no files at present.
    emptied: bool,
}

impl MemorySpecs {
    /// Writes a text of documents under a name.
    pub fn write(&self, file: &str, text: &str) {
        let content = Arc::new(read(file, text.as_bytes()));
        self.edit(|folder| {
            folder.items.insert(file.to_owned(), content);
        });
    }

    /// Removes a text.
    pub fn remove(&self, file: &str) {
        self.edit(|folder| {
            folder.items.remove(file);
        });
    }

    /// Makes all of it unreadable, or readable again.
    pub fn hide(&self, hidden: bool) {
        self.edit(|folder| folder.hidden = hidden);
    }

    /// Makes it appear empty, or as it is.
    pub fn empty(&self, emptied: bool) {
        self.edit(|folder| folder.emptied = emptied);
    }

    fn edit(&self, edit: impl FnOnce(&mut Folder)) {
        edit(&mut self.inner.lock().expect("nothing panics while it holds the lock"));
        self.hint.notify_one();
    }

    /// What a controller opens at its start, read every `rescan` even without a hint.
    pub fn open(&self, rescan: Duration) -> MemorySpecStore {
        MemorySpecStore {
            specs: self.clone(),
            rescan,
            last_good: LastGood::default(),
            loaded: Instant::now(),
        }
    }
}

/// Documents in memory as one controller reads them.
#[derive(Debug)]
pub struct MemorySpecStore {
    specs: MemorySpecs,
    rescan: Duration,
    last_good: LastGood,
    loaded: Instant,
}

impl MemorySpecStore {
    fn snapshot(&mut self) -> Snapshot {
        let scan = {
            let folder = self.specs.inner.lock().expect("nothing panics while it holds the lock");
            if folder.hidden {
                Scan { incomplete: true, ..Scan::default() }
            } else if folder.emptied {
                Scan::default()
            } else {
                Scan { items: folder.items.clone(), ..Scan::default() }
            }
        };
        self.loaded = Instant::now();
        self.last_good.merge(scan, self.loaded)
    }

    async fn wait(&mut self) {
        let rescan = self.loaded + self.rescan;
        let floor = self.last_good.next_settled().map_or(rescan, |settled| settled.min(rescan));
        // Either way it is read again.
        let _ = tokio::time::timeout_at(floor, self.specs.hint.notified()).await;
    }
}

impl SpecStore for MemorySpecStore {
    fn hold(&mut self, holders: BTreeMap<DeploymentName, String>) {
        self.last_good.hold(holders);
    }

    fn load(&mut self) -> BoxFuture<'_, Snapshot> {
        async { self.snapshot() }.boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.wait().boxed()
    }
}
