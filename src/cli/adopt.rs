//! `ctl adopt`: what stands under declared names is taken over.

use super::places::Places;
use super::request::{self, Asker, End, end};
use super::{Verdict, state};
use crate::model::request::{Request, RequestKind};

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
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<Verdict> {
    let Args { name, until, reason, asker: Asker { by, output } } = args;
    let state = state::open(places)?;
    let record = state::one(&*state, &name).await?;
    let at = request::now(places, &*state).await?;
    let kind = RequestKind::Adopt { until: until.from(at)? };
    request::put(&*state, Request { deployment: record.name, kind, by, reason, at }, output).await
}
