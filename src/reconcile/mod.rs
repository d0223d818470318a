//! The orchestrator: the one place that goes from layer to layer.
//!
//! Level-triggered: a hint (a changed file, a pass that ended, a timer) only says which deployment
//! to reconcile again; what is done follows from what is declared, stored and observed. So a lost
//! hint costs time, never truth, and a controller that was killed anywhere continues as if it had
//! only been slow. The periodic resync is the floor.
//!
//! - `controller`: the loop; `queue`: which name is due when and goes first; `rank`: how urgent it
//!   is; `work`: what is under way; `waits`: what waits for AWS's budget; `schedule`: when the
//!   next pass comes;
//! - `declarations`: from a snapshot of the store to what is in force, what is refused, what is
//!   gone; `known`: what it is compared with; `handover`: what goes over from one
//!   document to another;
//! - `pass`: the pass itself; `decide`: its pure part; `entry`: what is kept in memory of a
//!   deployment;
//! - `dry_run`: a pass up to the plan, for `ctl plan` and whoever asks the controller;
//! - `handle`: what `http` and the binaries may know of it; `metrics`: what is counted; `clock`:
//!   the one home of time.
//!
//! A *light* pass reads services only (one call for ten), a *full* pass everything. A steady
//! deployment gets a light pass at every resync and a full one in rotation; whatever is new,
//! changed, unsteady or odd gets a full pass at once.

pub mod answers;
mod clock;
mod controller;
pub mod decide;
pub mod declarations;
pub mod dry_run;
pub mod entry;
pub mod forecast;
mod handle;
mod handover;
mod known;
mod metrics;
pub mod pass;
mod queue;
pub mod rank;
mod schedule;
pub mod succession;
mod waits;
mod work;

pub use clock::Clock;
pub use controller::{Controller, Running, Settings};
pub use handle::{Handle, is_at_rest, is_ready};
pub use metrics::Metrics;
pub use pass::Reconciler;
pub use schedule::{Ending, Trigger};

use crate::specs::{Snapshot, SpecStore};
use tokio::sync::mpsc;

/// Loads the store now and whenever it hints at a change, until the receiver is gone.
pub async fn feed(mut store: Box<dyn SpecStore>, snapshots: mpsc::Sender<Snapshot>) {
    loop {
        let snapshot = store.load().await;
        if snapshots.send(snapshot).await.is_err() {
            return;
        }
        store.changed().await;
    }
}
