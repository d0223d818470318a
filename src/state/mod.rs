//! Where records are kept.
//!
//! One record holds all of a deployment: the last valid document, the rollout state, the status and
//! the newest events. One record is one atomic write, so no crash leaves two halves that disagree.
//!
//! Records are written by the one controller that holds the store ([`RecordStore::hold`]). What
//! people ask for ([`Request`]) is written beside them, by anybody.

mod disk;
mod error;
mod file;
mod lease;
mod memory;
mod reading;

#[cfg(test)]
mod tests;

pub use disk::{Disk, RealDisk};
pub use error::{Error, ErrorKind};
pub use file::{FileRecordStore, decode, encode};
pub use lease::Lease;
pub use memory::{MemoryRecordStore, MemoryRecords};
pub use reading::{Recorded, RecordedOne, read, read_one, requests};

use crate::model::finding::Finding;
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::DeploymentName;
use crate::model::location::Location;
use crate::model::request::Request;
use crate::model::status::Record;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::sync::Arc;

/// All records, and what could not be used.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Good records, by name order.
    pub records: Vec<Record>,
    /// Those that are damaged.
    pub damaged: Vec<DamagedRecord>,
}

/// A record that cannot be used.
#[derive(Debug)]
pub struct DamagedRecord {
    /// Whose it is, as far as that can be told without reading it.
    pub deployment: Option<DeploymentName>,
    /// What is wrong with it.
    pub error: Error,
}

/// All requests, and what could not be used.
#[derive(Debug, Default)]
pub struct Requests {
    /// Good requests, by name order.
    pub requests: Vec<Request>,
    /// Those that are damaged.
    pub damaged: Vec<DamagedRequest>,
}

/// A request that cannot be used.
#[derive(Debug)]
pub struct DamagedRequest {
    /// The deployment that it is about.
    pub deployment: DeploymentName,
    /// Its slot, as far as that can be told without reading it: [`Request::slot`].
    pub slot: String,
    /// What is wrong with it.
    pub error: Error,
}

/// What the controller says of the spec store as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreReport {
    /// Problems that belong to no known deployment: unreadable files, documents without a name,
    /// duplicates.
    pub problems: Vec<Finding>,
    /// Why nothing is pruned at present, when pruning is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_held: Option<String>,
}

/// Keeps one record per deployment.
///
/// **Guarantees**: [`RecordStore::save`] is atomic and durable when it returns: after a crash at
/// any point the record is the old one or the new one, whole. Records and the report are written
/// under the lease alone: without one, or when a newer one is known, the write is refused with
/// [`ErrorKind::Held`].
pub trait RecordStore: Debug + Send + Sync {
    /// Takes the store for the one controller that writes it, making it when it is missing. The
    /// lease lasts as long as the store is open; a store that has it gives the same again.
    fn hold<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Lease, Error>>;
    /// Every record there is. One that is damaged is told again until another one is saved in its
    /// place; then it is kept aside.
    fn load_all(&self) -> BoxFuture<'_, Result<Loaded, Error>>;
    /// One record.
    fn load<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<Option<Record>, Error>>;
    /// Keeps a record, replacing the one of that name.
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Error>>;
    /// Forgets a record, and the requests about its deployment. Cut off in the middle it has
    /// forgotten requests alone: a request never outlives what it was made for.
    fn delete<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<(), Error>>;
    /// Every request there is. The controller owns the records, so people write beside them.
    fn requests(&self) -> BoxFuture<'_, Result<Requests, Error>>;
    /// Keeps a request, replacing the one of its deployment and slot: atomic and durable, and
    /// without the lease.
    fn put_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>>;
    /// Removes a request, unless another one has replaced it meanwhile.
    fn withdraw_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>>;
    /// Keeps what is said of the spec store.
    fn save_report<'a>(&'a self, report: &'a StoreReport) -> BoxFuture<'a, Result<(), Error>>;
    /// What was last said of the spec store.
    fn load_report(&self) -> BoxFuture<'_, Result<Option<StoreReport>, Error>>;
    /// Leaves the controller's sign of life. Like a record it is written under the lease, so a
    /// controller whose place is gone learns of it here.
    fn beat<'a>(&'a self, heartbeat: &'a Heartbeat) -> BoxFuture<'a, Result<(), Error>>;
    /// The last sign of life, if a controller ever left one.
    fn load_heartbeat(&self) -> BoxFuture<'_, Result<Option<Heartbeat>, Error>>;
}

/// The records of a location, which need not be there yet.
pub fn open(location: &Location) -> Arc<dyn RecordStore> {
    match location {
        Location::File(folder) => Arc::new(FileRecordStore::new(folder)),
        Location::Memory => Arc::new(MemoryRecords::default().open()),
    }
}

/// The records of a location to read, as `ctl` does.
///
/// # Errors
///
/// [`ErrorKind::Missing`] when nothing was ever kept there; [`ErrorKind::Io`] when it cannot be
/// read.
pub fn open_existing(location: &Location) -> Result<Arc<dyn RecordStore>, Error> {
    Ok(match location {
        Location::File(folder) => Arc::new(FileRecordStore::existing(folder)?),
        Location::Memory => Arc::new(MemoryRecords::default().open()),
    })
}
