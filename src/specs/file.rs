//! The file store: a folder tree, or one file.

use super::SpecStore;
use super::scan::{Cache, Scan, scan_cached};
use super::snapshot::{LastGood, Snapshot};
use super::watch::Watch;
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Changes come in bursts (create, write, close, rename): after each one, this long without another
/// ends the burst.
const QUIET: Duration = Duration::from_millis(20);
/// A burst is gathered for at most this long, so that from edit to first write stays far below half
/// a second.
const GATHER: Duration = Duration::from_millis(100);
/// How often a folder that cannot be watched (it does not exist yet, say) is scanned.
const UNWATCHED: Duration = Duration::from_secs(1);

/// Documents in a folder tree or in one file, watched and rescanned.
///
/// **Guarantees**: see [`SpecStore`]; a lost event costs at most the rescan interval.
pub struct FileSpecStore {
    root: PathBuf,
    rescan: Duration,
    watch: Watch,
    cache: Cache,
    last_good: LastGood,
    loaded: Option<Instant>,
    /// A hint came and its burst is not over: survives a cancelled `changed`.
    hinted: bool,
}

impl FileSpecStore {
    /// A store at `root`, which need not exist yet; scanned every `rescan` even when nothing
    /// hints at a change.
    pub fn new(root: impl Into<PathBuf>, rescan: Duration) -> Self {
        let root = root.into();
        Self {
            watch: Watch::new(root.clone()),
            root,
            rescan,
            cache: Cache::new(),
            last_good: LastGood::default(),
            loaded: None,
            hinted: false,
        }
    }

    async fn scan_folder(&mut self) -> Snapshot {
        let watching = self.watch.ensure();
        let root = self.root.clone();
        let mut cache = std::mem::take(&mut self.cache);
        let task = tokio::task::spawn_blocking(move || {
            let scan = scan_cached(&root, &mut cache);
            (scan, cache)
        });
        let mut scan = match task.await {
            Ok((scan, cache)) => {
                self.cache = cache;
                scan
            }
            Err(error) => failed(&error),
        };
        if let Err(reason) = watching
            && !scan.incomplete
        {
            scan.problems.push(Finding::warning(
                "",
                format!("`{}` cannot be watched: {reason}", self.root.display()),
                "changes are seen at the next rescan",
            ));
        }
        let now = Instant::now();
        self.loaded = Some(now);
        self.last_good.merge(scan, now)
    }

    /// When to scan again without a hint.
    fn floor(&self) -> Option<Instant> {
        let interval = if self.watch.is_active() { self.rescan } else { self.rescan.min(UNWATCHED) };
        let rescan = self.loaded? + interval;
        Some(self.last_good.next_settled().map_or(rescan, |settled| settled.min(rescan)))
    }

    async fn wait(&mut self) {
        if !self.hinted {
            let Some(floor) = self.floor() else { return };
            if timeout_at(floor, self.watch.hint()).await.is_err() {
                return;
            }
            self.hinted = true;
        }
        let end = Instant::now() + GATHER;
        while Instant::now() < end && timeout(QUIET, self.watch.hint()).await.is_ok() {}
        self.hinted = false;
    }
}

/// The scan itself came to an end without a result (the runtime is shutting down, or it panicked).
fn failed(error: &tokio::task::JoinError) -> Scan {
    let finding = Finding::error("", format!("the spec store could not be read: {error}"), "");
    Scan { problems: vec![finding], incomplete: true, ..Scan::default() }
}

impl SpecStore for FileSpecStore {
    fn hold(&mut self, holders: BTreeMap<DeploymentName, String>) {
        self.last_good.hold(holders);
    }

    fn load(&mut self) -> BoxFuture<'_, Snapshot> {
        self.scan_folder().boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.wait().boxed()
    }
}
