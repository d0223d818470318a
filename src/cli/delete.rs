//! `ctl delete`: a person's confirmation, the second half of every deletion of data.

use super::places::Places;
use super::{ExitStatus, out, request, state};
use crate::model::request::{Request, RequestKind};
use anyhow::bail;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is deleted by this alone: the document must be gone from the spec store, and it must have said \
                  `deletionPolicy: Delete` (log groups each for themselves).\n\nExample:\n  ctl delete shop --confirm shop"
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// Its name once more
    #[arg(long, value_name = "NAME")]
    confirm: String,
    /// Who confirms it
    #[arg(long, env = "USER", hide_env_values = true, value_name = "WHO", default_value = "unknown")]
    by: String,
}

/// Keeps the confirmation.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let Args { name, confirm, by } = args;
    if confirm != name {
        bail!("--confirm says `{confirm}`, the deployment is `{name}`: nothing was confirmed");
    }
    let state = state::open(places)?;
    let record = state::one(&*state, &name).await?;
    let at = request::now(places, &*state).await?;
    let (deployment, kind) = (record.name.clone(), RequestKind::ConfirmDeletion);
    state.put_request(&Request { deployment, kind, by, reason: String::new(), at }).await?;
    let removed = record.declared.as_ref().is_some_and(|declared| declared.removed_at.is_some());
    let next = if removed {
        "the controller deletes now what says `deletionPolicy: Delete`"
    } else {
        "its document is still in the spec store: nothing is deleted until it is removed there"
    };
    out::print(&format!("deletion of {name} is confirmed; {next}\n"))?;
    Ok(ExitStatus::Good)
}
