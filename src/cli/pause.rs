//! `ctl pause`: nothing is written for a time.

use super::places::Places;
use super::request::{self, Asker};
use super::{Verdict, state};
use crate::model::request::{Request, RequestKind};
use crate::settings::duration;
use anyhow::bail;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use std::time::Duration;

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
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    #[command(flatten)]
    asker: Asker,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    At(Timestamp),
    After(Duration),
}

fn end(text: &str) -> Result<End, String> {
    if let Ok(time) = text.parse() {
        return Ok(End::At(time));
    }
    duration(text)
        .map(End::After)
        .map_err(|error| format!("neither a time, such as 2026-12-01T08:00:00Z, nor a span: {error}"))
}

/// Puts the request.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<Verdict> {
    let Args { name, until, reason, asker: Asker { by, output } } = args;
    let state = state::open(places)?;
    let record = state::one(&*state, &name).await?;
    let at = request::now(places, &*state).await?;
    let until = match until {
        End::At(until) if until <= at => bail!("--until {until} is over, it is {at}: nothing was paused"),
        End::At(until) => until,
        End::After(span) => at + span,
    };
    let kind = RequestKind::Pause { until };
    request::put(&*state, Request { deployment: record.name, kind, by, reason, at }, output).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_at_a_time_or_after_a_span() {
        assert_eq!(end("2h"), Ok(End::After(Duration::from_secs(7200))));
        assert_eq!(end("2026-12-01T08:00:00Z"), Ok(End::At("2026-12-01T08:00:00Z".parse().unwrap())));
        for bad in ["tomorrow", "2026-12-01", "", "0s", "60"] {
            assert!(end(bad).unwrap_err().contains("nor a span"), "{bad}");
        }
    }
}
