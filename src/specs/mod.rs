//! 1 DECLARED: where documents come from.
//!
//! A spec store holds documents; this layer reads them and says, for each, either what it declares
//! or everything that is wrong with it, at its line and column. Its result is a [`Snapshot`]:
//! the whole truth at one moment, never a stream of changes, because a lost change would then be
//! lost for ever. Hints that something changed only make the next snapshot come sooner; the rescan
//! interval is the floor.
//!
//! Three rules keep a slip of the hand from becoming an outage:
//!
//! - **A broken edit changes nothing.** The last good version of a document stays in force until
//!   the new text is good.
//! - **What cannot be read is not gone.** An unreadable folder, a file that is not well-formed, a
//!   document without a readable name: while there is one, no absent document counts as removed
//!   ([`Snapshot::is_gone`]). A document that is merely absent counts as removed a second later at
//!   the earliest, because editors save by moving files about.
//! - **A mass removal is doubted.** [`PruneGuard`] holds the pruning when more than half of the
//!   documents vanish at once.
//!
//! The walk inside of this layer: bytes → [`parse`] (values with places) → [`validate`] (all schema
//! errors at once) → serde → [`StoredDocument`]. It knows nothing of what a document means;
//! `desired` does, and [`StoredDocument::locate`] gives its findings their places.

mod document;
mod file;
mod guard;
mod memory;
mod node;
mod parse;
mod scan;
mod snapshot;
mod validate;
mod watch;

#[cfg(test)]
mod tests;

pub use document::{FileContent, MAX_FILE_BYTES, Refused, StoredDocument, read};
pub use file::FileSpecStore;
pub use guard::{PruneDecision, PruneGuard};
pub use memory::{MemorySpecStore, MemorySpecs};
pub use node::SourceMap;
pub use scan::{Scan, scan};
pub use snapshot::{LastGood, Snapshot};

use crate::model::ids::DeploymentName;
use crate::model::location::Location;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::time::Duration;

/// A place that documents are kept in: a folder, and later a git repository or a DynamoDB table.
///
/// The control loop repeats: `load`, pass the snapshot on, wait for `changed`, and again.
pub trait SpecStore: Send {
    /// Reads everything.
    ///
    /// **Guarantees**: never fails as a whole: what could not be read is in the snapshot's
    /// problems, and the last good version of what it declared in the snapshot's documents.
    fn load(&mut self) -> BoxFuture<'_, Snapshot>;

    /// Tells the files whose documents are in force from before: while a name is claimed twice, it
    /// stays theirs.
    fn hold(&mut self, holders: BTreeMap<DeploymentName, String>);

    /// Returns when another `load` is worth while: something changed, or the rescan interval has
    /// passed.
    ///
    /// **Guarantees**: safe to cancel; a hint that came before or during `load` is not lost. Bursts
    /// of changes are gathered for at most 100 ms.
    fn changed(&mut self) -> BoxFuture<'_, ()>;
}

/// The documents of a location, read every `rescan` even when nothing hints at a change.
pub fn open(location: &Location, rescan: Duration) -> Box<dyn SpecStore> {
    match location {
        Location::File(path) => Box::new(FileSpecStore::new(path, rescan)),
        Location::Memory => Box::new(MemorySpecs::default().open(rescan)),
    }
}
