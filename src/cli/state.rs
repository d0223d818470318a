//! What the controller has recorded, for the commands that show it.

use super::out;
use super::places::Places;
use crate::model::ids::DeploymentName;
use crate::model::status::Record;
use crate::specs::nearest;
use crate::state::{self, RecordStore, StoreReport};
use anyhow::{Context, anyhow};
use jiff::Timestamp;
use std::sync::Arc;

/// All records, and what is said of the store.
pub(super) struct Recorded {
    /// By name order.
    pub records: Vec<Record>,
    /// Of the spec store as a whole.
    pub report: StoreReport,
    /// Files that could not be used.
    pub damaged: usize,
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
    for error in &loaded.damaged {
        out::warn(&error.to_string());
    }
    let report = state.load_report().await?.unwrap_or_default();
    Ok(Recorded { records: loaded.records, report, damaged: loaded.damaged.len() })
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
    let known = all(state).await?.records;
    Err(unknown(name, known.iter().map(|record| record.name.as_str()).collect()))
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
