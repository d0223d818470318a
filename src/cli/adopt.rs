//! `ctl adopt`: what stands under declared names is taken over.

use super::ExitStatus;
use super::places::Places;
use super::request::{self, Asker, End, end};
use crate::model::request::RequestKind;
use crate::model::status::Record;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What carries a declared name and was not made by Evenkeel is left alone and blocks its deployment, until it is adopted: \
                  it gets Evenkeel's tags and is changed as declared. What belongs to another deployment is never adopted. \
                  It ends once everything declared is as declared, or at its time. \
                  `adopt: true` in the document says the same for good.\n\n\
                  Example:\n  ctl adopt shop --reason \"moves over from Terraform\""
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// When it ends by itself: a time (2026-12-01T08:00:00Z), or a span from now on (30m, 2h)
    #[arg(long, value_name = "TIME|DURATION", default_value = "1h", value_parser = end)]
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
    let kind = |record: &Record, until| {
        let gone = record.declared.as_ref().is_some_and(|declared| declared.removed_at.is_some());
        anyhow::ensure!(
            !gone,
            "the document of {} is gone, so nothing is taken over for it: bring it back first; nothing was done",
            record.name
        );
        Ok(RequestKind::Adopt { until })
    };
    request::put_until(places, &name, until, kind, reason, asker).await
}
