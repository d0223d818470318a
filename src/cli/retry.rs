//! `ctl retry`: what failed is tried again, once.

use super::places::Places;
use super::request::{self, Asker};
use super::{ExitStatus, out, state};
use crate::model::ids::ComponentName;
use crate::model::nearest::nearest;
use crate::model::request::{Request, RequestKind};
use crate::model::status::Record;
use anyhow::{anyhow, bail};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The memory of what failed is lifted once: what fails again is remembered again. Nothing that runs is restarted.\n\n\
                  Examples:\n  ctl retry shop --reason \"the registry is back\"\n  ctl retry shop migrate --reason \"the database was locked\""
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// One component; all when left out
    component: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = request::line)]
    reason: String,
    #[command(flatten)]
    asker: Asker,
}

/// Puts the request.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let Args { name, component, reason, asker: Asker { by, output } } = args;
    let state = state::open(places)?;
    let record = state::one(&*state, &name).await?;
    let component = component.map(|component| known(&record, &component)).transpose()?;
    if !record.rollout.can_be_retried(component.as_ref()) {
        let what =
            component.map_or_else(|| record.name.to_string(), |one| format!("{one} of {}", record.name));
        bail!(
            "nothing of {what} has failed: nothing was done; `ctl status {}` says what it waits for",
            record.name
        );
    }
    let at = request::now(places, &*state).await?;
    if let Some(suspended) = record.status.as_ref().and_then(|status| status.suspended()) {
        out::warn(&format!("{name} is suspended ({suspended}): it is tried again once that ends"));
    }
    let kind = RequestKind::Retry { component };
    request::put(&*state, Request { deployment: record.name, kind, by, reason, at }, output).await
}

/// A component that the record knows.
///
/// # Errors
///
/// There is none of that name; the text says which one was probably meant.
pub(super) fn known(record: &Record, name: &str) -> anyhow::Result<ComponentName> {
    let declared = record.status.iter().flat_map(|status| status.components.keys());
    let mut known: Vec<&ComponentName> = declared.chain(record.rollout.components.keys()).collect();
    known.sort();
    known.dedup();
    if let Some(found) = known.iter().find(|known| known.as_str() == name) {
        return Ok((*found).clone());
    }
    let deployment = &record.name;
    let names: Vec<&str> = known.iter().map(|known| known.as_str()).collect();
    Err(match nearest(name, &names) {
        Some(meant) => anyhow!("{deployment} has no component `{name}`; did you mean `{meant}`?"),
        None if names.is_empty() => anyhow!("{deployment} has no components yet"),
        None => anyhow!("{deployment} has no component `{name}`; there are: {}", names.join(", ")),
    })
}
