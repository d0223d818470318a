//! The corridor: the one place that walks from room to room.
//!
//! Level-triggered and without input: a hint (a changed file, an ending pass, a timer) only says
//! which deployment to look at again; what is done follows from what is declared, stored and seen.
//! So a lost hint costs time, never truth, and a controller that was killed anywhere goes on as if
//! it had only been slow. The periodic resync is the floor.
//!
//! - `controller`: the loop; `queue`: which name is due when; `schedule`: when to look again, and
//!   how deeply;
//! - `declarations`: from a snapshot of the store to what is in force, what is refused, what is
//!   gone;
//! - `pass`: the walk itself; `entry`: what is kept in memory of a deployment;
//! - `handle`: what the windows may know; `clock`: the one home of time.
//!
//! A pass looks *lightly* (services only: one call for ten) or *in full*. Steady deployments are
//! looked at lightly at every resync and in full in turn; whatever is new, changed, unsteady or odd
//! is looked at in full at once.

pub mod clock;
mod controller;
pub mod declarations;
pub mod entry;
mod handle;
pub mod pass;
mod queue;
mod schedule;

pub use clock::Clock;
pub use controller::{Controller, Running, Settings};
pub use handle::{Handle, is_at_rest, is_ready};
pub use pass::Walk;

use crate::store::{Snapshot, Store};
use tokio::sync::mpsc;

/// Loads the store now and whenever it hints at a change, until nobody takes its snapshots any
/// more.
pub async fn feed(mut store: impl Store, snapshots: mpsc::Sender<Snapshot>) {
    loop {
        let snapshot = store.load().await;
        if snapshots.send(snapshot).await.is_err() {
            return;
        }
        store.changed().await;
    }
}
