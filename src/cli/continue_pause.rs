//! `ctl continue`: the answer to an ECS deployment that a PAUSE hook holds.

use super::places::Places;
use super::request::{self, Asker};
use super::retry::known;
use super::{ExitStatus, state};
use crate::model::ids::ComponentName;
use crate::model::request::{Request, RequestKind};
use crate::model::service_deployment::PauseStatus;
use crate::model::status::Record;
use anyhow::{anyhow, bail};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A lifecycle hook of type PAUSE holds an ECS deployment at its stage until somebody answers or the hook times out; \
                  `ctl status` says which one waits, and until when. The answer is for the pause that is seen now, and for no later one.\n\n\
                  Examples:\n  ctl continue shop --reason \"the test traffic looks well\"\n  ctl continue shop web --rollback --reason \"checkout is broken\""
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// The component; the one that is paused when left out
    component: Option<String>,
    /// Go back to the revision before, instead of on
    #[arg(long)]
    rollback: bool,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = request::line)]
    reason: String,
    #[command(flatten)]
    asker: Asker,
}

/// Puts the request.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let Args { name, component, rollback, reason, asker: Asker { by, output } } = args;
    let state = state::open(places)?;
    let record = state::one(&*state, &name).await?;
    let component = component.map(|component| known(&record, &component)).transpose()?;
    let (component, pause) = paused(&record, component)?;
    let at = request::now(places, &*state).await?;
    let PauseStatus { deployment, hook, .. } = pause;
    let kind = RequestKind::Continue { component, service_deployment: deployment, hook, rollback };
    request::put(&*state, Request { deployment: record.name, kind, by, reason, at }, output).await
}

/// The pause that is answered.
///
/// # Errors
///
/// Nothing is paused, or several things are and none was named; the text says which.
fn paused(record: &Record, named: Option<ComponentName>) -> anyhow::Result<(ComponentName, PauseStatus)> {
    let components = record.status.iter().flat_map(|status| &status.components);
    let mut paused: Vec<(&ComponentName, &PauseStatus)> =
        components.filter_map(|(name, component)| Some((name, component.pause.as_ref()?))).collect();
    if let Some(named) = &named {
        paused.retain(|(name, _)| *name == named);
    }
    let deployment = &record.name;
    match (&paused[..], named) {
        ([(name, pause)], _) => Ok(((*name).clone(), (*pause).clone())),
        ([], Some(named)) => Err(anyhow!(
            "no deployment of `{named}` of {deployment} is paused: nothing was done; `ctl status {deployment}` says what it waits for"
        )),
        ([], None) => Err(anyhow!(
            "no deployment of {deployment} is paused: nothing was done; `ctl status {deployment}` says what it waits for"
        )),
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            bail!("several components of {deployment} are paused ({}): name one", names.join(", "))
        }
    }
}
