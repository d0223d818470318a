//! What the controller has recorded, for the commands that show it.

use super::out;
use super::places::Places;
use crate::model::heartbeat::{self, Heartbeat};
use crate::model::ids::DeploymentName;
use crate::model::status::Record;
use crate::specs::nearest;
use crate::state::{self, RecordStore, StoreReport};
use anyhow::{Context, anyhow};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All records, and what is said of the store.
pub(super) struct Recorded {
    /// By name order.
    pub records: Vec<Record>,
    /// Of the spec store as a whole.
    pub report: StoreReport,
    /// Files that could not be used.
    pub damaged: usize,
    /// The controller's last sign of life; none from one of an earlier version.
    pub heartbeat: Option<Heartbeat>,
}

impl Recorded {
    /// The records as they are to be believed now: statuses that are too old say so, and what is
    /// declared and was never looked at has its row.
    pub(super) fn believed(mut self, now: Timestamp) -> Self {
        let Some(heartbeat) = &self.heartbeat else { return self };
        for name in heartbeat.looked_at.keys() {
            if !self.records.iter().any(|record| record.name == *name) {
                self.records.push(Record::new(name.clone()));
            }
        }
        self.records.sort_by(|one, other| one.name.cmp(&other.name));
        self.records = self.records.into_iter().map(|record| believed(record, heartbeat, now)).collect();
        self
    }

    /// Why nothing that is recorded can be believed, or nothing is recorded at all.
    pub(super) fn missed(&self, now: Timestamp) -> Option<String> {
        match &self.heartbeat {
            Some(heartbeat) => heartbeat.missed(now),
            None => self.records.is_empty().then(|| "no controller was ever seen here".to_owned()),
        }
    }
}

/// A record whose status says so when it is too old to be believed.
pub(super) fn believed(mut record: Record, heartbeat: &Heartbeat, now: Timestamp) -> Record {
    if let Some(because) = heartbeat.doubt(&record.name, now) {
        record.status = record.status.map(|status| heartbeat::doubted((*status).clone(), &because).into());
    }
    record
}

/// Opens the records to read.
pub(super) fn open(places: &Places) -> anyhow::Result<Arc<dyn RecordStore>> {
    let location = places.state()?;
    state::open_existing(&location)
        .with_context(|| format!("no records in {location}: has the controller run with this --state?"))
}

/// Everything that is recorded; damaged files are said on stderr.
pub(super) async fn all(state: &dyn RecordStore) -> anyhow::Result<Recorded> {
    let loaded = state.load_all().await?;
    for damaged in &loaded.damaged {
        out::warn(&damaged.error.to_string());
    }
    let report = state.load_report().await?.unwrap_or_default();
    let heartbeat = heartbeat(state).await;
    Ok(Recorded { records: loaded.records, report, damaged: loaded.damaged.len(), heartbeat })
}

/// The controller's last sign of life. One that cannot be read is as good as none, and is said.
pub(super) async fn heartbeat(state: &dyn RecordStore) -> Option<Heartbeat> {
    state.load_heartbeat().await.unwrap_or_else(|error| {
        out::warn(&error.to_string());
        None
    })
}

/// One record.
///
/// # Errors
///
/// When there is none, with the name that was probably meant.
pub(super) async fn one(state: &dyn RecordStore, name: &str) -> anyhow::Result<Record> {
    if let Some(record) = state.load(&DeploymentName::from(name)).await? {
        return Ok(record);
    }
    let Recorded { records, heartbeat, .. } = all(state).await?;
    let declared = heartbeat.iter().flat_map(|heartbeat| heartbeat.looked_at.keys());
    let known: BTreeSet<&str> =
        records.iter().map(|record| &record.name).chain(declared).map(DeploymentName::as_str).collect();
    if known.contains(name) {
        return Ok(Record::new(name.into()));
    }
    Err(unknown(name, known.into_iter().collect()))
}

/// The error for a name that nothing has.
pub(super) fn unknown(name: &str, known: Vec<&str>) -> anyhow::Error {
    match nearest(name, &known) {
        Some(meant) => anyhow!("there is no deployment `{name}`; did you mean `{meant}`?"),
        None if known.is_empty() => anyhow!("there is no deployment `{name}`: nothing is recorded yet"),
        None => anyhow!("there is no deployment `{name}`; there are: {}", known.join(", ")),
    }
}

/// The latest time in some records.
pub(super) fn latest<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<Timestamp> {
    let times = records.into_iter().flat_map(|record| {
        let status = record.status.as_ref().map(|status| status.updated_at);
        record.events.iter().map(|event| event.at).chain(status)
    });
    times.max()
}
