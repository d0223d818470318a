//! What a reader finds in a store of records: the same for `ctl` on the state folder and for the
//! HTTP window.

use super::{Error, RecordStore, StoreReport};
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::DeploymentName;
use crate::model::request::Request;
use crate::model::status::Record;
use crate::model::view::{DeploymentList, DeploymentView, latest, unknown};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// All records, and what is said beside them.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// By name order.
    pub records: Vec<Record>,
    /// Of the spec store as a whole.
    pub report: StoreReport,
    /// Records that cannot be used, a sentence each.
    pub damaged: Vec<String>,
    /// The controller's last sign of life, where one can be read.
    pub heartbeat: Option<Heartbeat>,
    /// What else could not be read, a sentence each.
    pub warnings: Vec<String>,
}

impl Recorded {
    /// The latest time in the records.
    pub fn latest(&self) -> Option<Timestamp> {
        latest(&self.records)
    }

    /// Every name that is recorded or declared.
    pub fn names(&self) -> BTreeSet<&DeploymentName> {
        let declared = self.heartbeat.iter().flat_map(|heartbeat| heartbeat.looked_at.keys());
        self.records.iter().map(|record| &record.name).chain(declared).collect()
    }

    /// What is told of it at a time.
    pub fn list(self, now: Timestamp) -> DeploymentList {
        DeploymentList {
            problems: self.report.problems,
            prune_held: self.report.prune_held,
            damaged: self.damaged,
            warnings: self.warnings,
            ..DeploymentList::of(self.records, self.heartbeat.as_ref(), now)
        }
    }
}

/// One record, and what is said beside it.
#[derive(Clone, Debug)]
pub struct RecordedOne {
    /// The record; an empty one of what is declared and was not looked at yet.
    pub record: Record,
    /// What people ask for of this deployment.
    pub requests: Vec<Request>,
    /// The controller's last sign of life.
    pub heartbeat: Option<Heartbeat>,
    /// What could not be read, a sentence each.
    pub warnings: Vec<String>,
}

impl RecordedOne {
    /// The latest time in the record.
    pub fn latest(&self) -> Option<Timestamp> {
        latest([&self.record])
    }

    /// What is told of it at a time.
    pub fn view(self, now: Timestamp) -> DeploymentView {
        let view = DeploymentView::of(self.record, self.requests, self.heartbeat.as_ref(), now);
        DeploymentView { warnings: self.warnings, ..view }
    }
}

/// Reads everything that is recorded.
///
/// **Guarantees**: a damaged record or sign of life keeps nothing else from being read; it is told.
///
/// # Errors
///
/// The store cannot be read.
pub async fn read(state: &dyn RecordStore) -> Result<Recorded, Error> {
    let loaded = state.load_all().await?;
    let report = state.load_report().await?.unwrap_or_default();
    let mut warnings = Vec::new();
    let heartbeat = heartbeat(state, &mut warnings).await;
    let damaged = loaded.damaged.iter().map(|damaged| damaged.error.to_string()).collect();
    Ok(Recorded { records: loaded.records, report, damaged, heartbeat, warnings })
}

/// Reads what is recorded of one deployment; when nothing is, `Err` holds the sentence that says so
/// with the name that was probably meant.
///
/// # Errors
///
/// The store cannot be read, or this very record is damaged.
pub async fn read_one(state: &dyn RecordStore, name: &str) -> Result<Result<RecordedOne, String>, Error> {
    let deployment = DeploymentName::from(name);
    let record = match state.load(&deployment).await? {
        Some(record) => record,
        None => {
            let recorded = read(state).await?;
            let names = recorded.names();
            if !names.contains(&deployment) {
                return Ok(Err(unknown(name, names)));
            }
            Record::new(deployment)
        }
    };
    let (requests, mut warnings) = requests(state, &record.name).await?;
    let heartbeat = heartbeat(state, &mut warnings).await;
    Ok(Ok(RecordedOne { record, requests, heartbeat, warnings }))
}

/// The requests about one deployment, and a sentence for each that cannot be used.
///
/// # Errors
///
/// The store cannot be read.
pub async fn requests(
    state: &dyn RecordStore,
    name: &DeploymentName,
) -> Result<(Vec<Request>, Vec<String>), Error> {
    let found = state.requests().await?;
    let damaged = found.damaged.iter().map(|damaged| damaged.error.to_string()).collect();
    Ok((found.requests.into_iter().filter(|request| request.deployment == *name).collect(), damaged))
}

/// One that cannot be read is as good as none, and is told.
async fn heartbeat(state: &dyn RecordStore, warnings: &mut Vec<String>) -> Option<Heartbeat> {
    state.load_heartbeat().await.unwrap_or_else(|error| {
        warnings.push(error.to_string());
        None
    })
}
