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

/// Why nothing is believed where no controller has left a sign of life that can be read.
const NEVER_SEEN: &str = "no controller was seen here: it leaves a sign of life beside the records, and there is none that can be read";

/// All records, and what is said of the store.
pub(super) struct Recorded {
    /// By name order.
    pub records: Vec<Record>,
    /// Of the spec store as a whole.
    pub report: StoreReport,
    /// Files that could not be used.
    pub damaged: usize,
    /// The controller's last sign of life, where one can be read.
    pub heartbeat: Option<Heartbeat>,
}

impl Recorded {
    /// The records as they are to be believed now: statuses that are too old say so, and what is
    /// declared and was never looked at has its row.
    pub(super) fn believed(mut self, now: Timestamp) -> Self {
        for name in self.heartbeat.iter().flat_map(|heartbeat| heartbeat.looked_at.keys()) {
            if !self.records.iter().any(|record| record.name == *name) {
                self.records.push(Record::new(name.clone()));
            }
        }
        self.records.sort_by(|one, other| one.name.cmp(&other.name));
        let heartbeat = self.heartbeat.as_ref();
        self.records = self.records.into_iter().map(|record| believed(record, heartbeat, now)).collect();
        self
    }

    /// Why nothing that is recorded can be believed, or nothing is recorded at all.
    pub(super) fn missed(&self, now: Timestamp) -> Option<String> {
        match &self.heartbeat {
            Some(heartbeat) => heartbeat.missed(now),
            None => Some(NEVER_SEEN.to_owned()),
        }
    }
}

/// A record whose status says so when it is too old to be believed.
pub(super) fn believed(mut record: Record, heartbeat: Option<&Heartbeat>, now: Timestamp) -> Record {
    let doubt = match heartbeat {
        Some(heartbeat) => heartbeat.doubt(&record.name, now),
        None => Some(NEVER_SEEN.to_owned()),
    };
    if let Some(because) = doubt {
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
