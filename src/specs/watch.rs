//! Hints from the operating system that something changed below a path.

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Watches one folder tree or file. Nothing depends on it but speed: the rescan finds whatever it
/// misses.
pub(super) struct Watch {
    root: PathBuf,
    signal: Arc<Signal>,
    active: Option<Active>,
}

struct Active {
    /// What the root led to when the watch began.
    real: PathBuf,
    /// Dropped with the watch, which ends it.
    _watcher: RecommendedWatcher,
}

#[derive(Default)]
struct Signal {
    changed: Notify,
    /// The root itself went away: the watch sees nothing any more.
    lost: AtomicBool,
}

impl Watch {
    /// A watch that has not begun.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, signal: Arc::default(), active: None }
    }

    /// Whether hints are to be expected.
    pub(super) fn is_active(&self) -> bool {
        self.active.is_some() && !self.signal.lost.load(Ordering::Acquire)
    }

    /// Begins to watch, or begins again when the root was replaced. Call it before reading, so that
    /// no change falls between.
    ///
    /// # Errors
    ///
    /// Why watching is not possible, in words; also when there is nothing to watch yet.
    pub(super) fn ensure(&mut self) -> Result<(), String> {
        let real = self.root.canonicalize().map_err(|error| error.to_string())?;
        let lost = self.signal.lost.swap(false, Ordering::AcqRel);
        if !lost && self.active.as_ref().is_some_and(|active| active.real == real) {
            return Ok(());
        }
        self.active = None;
        let watcher = begin(&self.root, &real, self.signal.clone()).map_err(|error| error.to_string())?;
        self.active = Some(Active { real, _watcher: watcher });
        Ok(())
    }

    /// Waits for a hint. One that came since the last call is remembered.
    pub(super) async fn hint(&self) {
        self.signal.changed.notified().await;
    }
}

fn begin(root: &Path, real: &Path, signal: Arc<Signal>) -> notify::Result<RecommendedWatcher> {
    let top = real.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        match event {
            Ok(event) if !says_something(&event.kind) => return,
            Ok(event) if is_departure(&event.kind) && event.paths.contains(&top) => {
                signal.lost.store(true, Ordering::Release);
            }
            // An error, too, may have swallowed an event.
            Ok(_) | Err(_) => {}
        }
        signal.changed.notify_one();
    })?;
    if real.is_dir() {
        watcher.watch(real, RecursiveMode::Recursive)?;
    } else if let Some(folder) = real.parent() {
        // A file that is saved by renaming is another file each time; its folder is not.
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    if root.is_symlink()
        && let Some(folder) = root.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether an event can mean that a document changed. Opening and reading do not, and our own
/// reading would wake us for ever.
fn says_something(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn is_departure(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Any))
    )
}
