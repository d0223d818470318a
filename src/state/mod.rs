//! Where records are kept.
//!
//! One record holds all of a deployment: the last valid document, the rollout state, the status and
//! the newest events. One record is one atomic write, so no crash leaves two halves that disagree.

mod disk;
mod error;
mod file;

#[cfg(test)]
mod tests;

pub use disk::{Disk, RealDisk};
pub use error::Error;
pub use file::{FileRecordStore, decode, encode};

use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::request::Request;
use crate::model::status::Record;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// All records, and the files that could not be used.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Good records, by name order.
    pub records: Vec<Record>,
    /// One error per damaged file.
    pub damaged: Vec<Error>,
}

/// All requests, and the files that could not be used.
#[derive(Debug, Default)]
pub struct Requests {
    /// Good requests, by name order.
    pub requests: Vec<Request>,
    /// One error per damaged file.
    pub damaged: Vec<Error>,
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
/// any point the record is the old one or the new one, whole.
pub trait RecordStore: Send + Sync {
    /// Every record there is.
    fn load_all(&self) -> impl Future<Output = Result<Loaded, Error>> + Send;
    /// One record.
    fn load(&self, name: &DeploymentName) -> impl Future<Output = Result<Option<Record>, Error>> + Send;
    /// Keeps a record, replacing the one of that name.
    fn save(&self, record: &Record) -> impl Future<Output = Result<(), Error>> + Send;
    /// Forgets a record, and the requests about its deployment. Cut off in the middle it has
    /// forgotten requests alone: a request never outlives what it was made for.
    fn delete(&self, name: &DeploymentName) -> impl Future<Output = Result<(), Error>> + Send;
    /// Every request there is. The controller owns the records, so people write beside them.
    fn requests(&self) -> impl Future<Output = Result<Requests, Error>> + Send;
    /// Keeps a request, replacing the one of its deployment and slot.
    fn put_request(&self, request: &Request) -> impl Future<Output = Result<(), Error>> + Send;
    /// Removes a request, unless another one has replaced it meanwhile.
    fn withdraw_request(&self, request: &Request) -> impl Future<Output = Result<(), Error>> + Send;
    /// Keeps what is said of the spec store.
    fn save_report(&self, report: &StoreReport) -> impl Future<Output = Result<(), Error>> + Send;
    /// What was last said of the spec store.
    fn load_report(&self) -> impl Future<Output = Result<Option<StoreReport>, Error>> + Send;
}
