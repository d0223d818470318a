//! `ctl delete`: a person's confirmation, the second half of every deletion of data.

use super::places::Places;
use super::{ExitStatus, out, request, state};
use crate::desired;
use crate::model::kinds::DeletionPolicy;
use crate::model::request::{Request, RequestKind};
use crate::model::status::Source;
use anyhow::bail;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The document must be gone from the spec store, and only what said `deletionPolicy: Delete` in it is deleted \
                  (log groups each for themselves).\n\nExample:\n  ctl delete shop --confirm shop"
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// Its name once more
    #[arg(long, value_name = "NAME")]
    confirm: String,
    /// Who confirms it; the user's name when it is known
    #[arg(long, env = "USER", hide_env_values = true, value_name = "WHO", value_parser = request::line)]
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
    if let Some(declared) =
        record.declared.as_ref().filter(|declared| declared.removed_at.is_none() && !declared.doubted)
    {
        let Source { file, line, .. } = &declared.source;
        bail!(
            "{name} was still declared in {file}:{line} when the controller last read the store: remove it there, then confirm (in a moment, \
             when it is removed already); nothing was confirmed"
        );
    }
    if record.declared.is_none() {
        let why = record.lost.map_or_else(
            || "no version of its document was ever in force".to_owned(),
            |lost| format!("{}; bring its document back first", lost.because),
        );
        bail!("nothing is known that was made for {name}: {why}; nothing was confirmed");
    }
    let suspended = record.status.as_ref().and_then(|status| status.suspended());
    if let Some(suspended) = suspended {
        out::warn(&format!("{name} is suspended ({suspended}): nothing is deleted before that ends"));
    }
    let at = request::now(places, &*state).await?;
    let (deployment, kind) = (record.name.clone(), RequestKind::ConfirmDeletion);
    state.put_request(&Request { deployment, kind, by, reason: String::new(), at }).await?;
    let policy = record.declared.and_then(|declared| {
        let document = declared.document.document().ok()?;
        Some(desired::lower(&document, declared.generation).0?.deletion_policy)
    });
    out::print(&match policy {
        Some(DeletionPolicy::Retain) => format!(
            "removal of {name} is confirmed; its document says `deletionPolicy: Retain`, so everything that was made for it stays\n"
        ),
        Some(DeletionPolicy::Delete) | None => format!(
            "deletion of {name} is confirmed; the controller deletes now what says `deletionPolicy: Delete`\n"
        ),
    })?;
    Ok(ExitStatus::Good)
}
