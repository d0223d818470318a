//! `ctl resume`: a pause ends now.

use super::places::Places;
use super::request::{self, Asker};
use super::{ExitStatus, out, state};
use crate::model::kinds::Suspend;
use crate::model::request::{Request, RequestKind};
use crate::model::status::Record;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde::Deserialize;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It ends what `ctl pause` began. A `suspend` in the document is ended in the document; when one holds, it is said.\n\n\
                  Example:\n  ctl resume shop --reason \"incident 42 is over\""
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: Option<String>,
    #[command(flatten)]
    asker: Asker,
}

/// Puts the request, when there is a pause to end.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let Args { name, reason, asker: Asker { by, output } } = args;
    let state = state::open(places)?;
    let record = state::one(&*state, &name).await?;
    let at = request::now(places, &*state).await?;
    if let Some(Suspend { by, reason, until }) = declared_suspension(&record, at) {
        let words = "stays suspended all the same: its document says `spec.suspend`";
        out::warn(&format!("{name} {words} until {until} (by {by}: {reason}); take it out there"));
    }
    let pause_or_resume =
        |request: &Request| request.paused_until(at).is_some() || request.kind == RequestKind::Resume;
    let is_paused = state::requests(&*state, &record.name).await?.iter().any(pause_or_resume);
    if !is_paused && !request::is_damaged(&*state, &record.name, &RequestKind::Resume.slot()).await? {
        out::print(&format!("{name} is not paused: there is nothing to resume\n"))?;
        return Ok(ExitStatus::Good);
    }
    let (kind, reason) = (RequestKind::Resume, reason.unwrap_or_default());
    request::put(&*state, Request { deployment: record.name, kind, by, reason, at }, output).await
}

/// The suspension that the document in force declares, while it lasts.
fn declared_suspension(record: &Record, now: Timestamp) -> Option<Suspend> {
    let document = record.declared.as_ref()?.document.to_json();
    let suspend = Suspend::deserialize(&document["spec"]["suspend"]).ok()?;
    (suspend.until > now).then_some(suspend)
}
