//! The records themselves, for the commands that ask the controller for something.

use super::out;
use super::places::Places;
use crate::model::ids::DeploymentName;
use crate::model::request::Request;
use crate::model::status::Record;
use crate::state::{self, RecordStore, Recorded};
use anyhow::{Context, anyhow};
use std::sync::Arc;

/// Opens the records to read.
pub(super) fn open(places: &Places) -> anyhow::Result<Arc<dyn RecordStore>> {
    let location = places.state()?;
    state::open_existing(&location)
        .with_context(|| format!("no records in {location}: has the controller run with this --state?"))
}

/// Everything that is recorded; damaged files are said on stderr.
pub(super) async fn all(state: &dyn RecordStore) -> anyhow::Result<Recorded> {
    let recorded = state::read(state).await?;
    recorded.damaged.iter().chain(&recorded.warnings).for_each(|said| out::warn(said));
    Ok(recorded)
}

/// One record.
///
/// # Errors
///
/// When there is none, with the name that was probably meant.
pub(super) async fn one(state: &dyn RecordStore, name: &str) -> anyhow::Result<Record> {
    match state::read_one(state, name).await? {
        Ok(found) => Ok(found.record),
        Err(unknown) => Err(anyhow!(unknown)),
    }
}

/// The requests about one deployment, damaged files left out and said on stderr.
pub(super) async fn requests(state: &dyn RecordStore, name: &DeploymentName) -> anyhow::Result<Vec<Request>> {
    let (requests, warnings) = state::requests(state, name).await?;
    warnings.iter().for_each(|said| out::warn(said));
    Ok(requests)
}
