//! `ctl pause`: nothing is written for a time.

use super::ExitStatus;
use super::places::Places;
use super::request::{self, Asker, End, end};
use crate::model::request::RequestKind;
use crate::model::status::Record;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is written to AWS while a pause lasts; what is under way is watched. It ends by itself, or with `ctl resume`. \
                  A later pause takes the place of an earlier one.\n\n\
                  Examples:\n  ctl pause shop --until 2h --reason \"incident 42\"\n  ctl pause shop --until 2026-12-01T08:00:00Z --reason \"freeze\""
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// When it ends by itself: a time (2026-12-01T08:00:00Z), or a span from now on (30m, 2h)
    #[arg(long, value_name = "TIME|DURATION", value_parser = end)]
    until: End,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = request::line)]
    reason: String,
    #[command(flatten)]
    asker: Asker,
}

/// Puts the request.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let Args { name, until, reason, asker } = args;
    let kind = |_: &Record, until| Ok(RequestKind::Pause { until });
    request::put_until(places, &name, until, kind, reason, asker).await
}
