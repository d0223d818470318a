//! `ctl events`.

use super::ExitStatus;
use super::out::{self, BUSY, Cell, PLAIN, Structured};
use super::places::Places;
use super::records::Records;
use crate::model::status::{Event, EventKind};
use crate::model::visible::visible;
use crate::settings::duration;
use jiff::Timestamp;
use std::time::Duration;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ctl events shop\n  ctl events shop --since 2h --type Warning")]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// Only those of the last so long, such as 2h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// Only those of this type
    #[arg(long = "type", value_name = "Normal|Warning", value_parser = event_type)]
    kind: Option<EventKind>,
    /// As JSON or YAML
    #[arg(short, long)]
    pub(super) output: Option<Structured>,
}

fn event_type(word: &str) -> Result<EventKind, String> {
    let known = [("normal", EventKind::Normal), ("warning", EventKind::Warning)];
    let found = known.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    found.map(|(_, kind)| kind).ok_or_else(|| "expected Normal or Warning".to_owned())
}

/// Prints the newest events, oldest first.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let mut events = Records::open(places)?.events(&args.name).await?;
    let all = events.items.len();
    let (kind, begin) = (args.kind, args.since.and_then(|since| events.time.checked_sub(since).ok()));
    events.items.retain(|event| {
        kind.is_none_or(|kind| event.kind == kind) && begin.is_none_or(|begin| event.at >= begin)
    });
    out::print(&match (args.output, events.items.as_slice()) {
        (Some(form), _) => out::structured(&events, form)?,
        (None, []) if all > 0 => format!("none of {} is so\n", out::count(all, "event")),
        (None, []) => format!("nothing has happened to {} yet\n", visible(events.name.as_str())),
        (None, items) => shown(items, events.time),
    })?;
    Ok(ExitStatus::Good)
}

/// A table of events.
pub(super) fn shown(events: &[Event], now: Timestamp) -> String {
    let rows: Vec<Vec<Cell>> = events
        .iter()
        .map(|event| {
            let style = if event.kind == EventKind::Warning { BUSY } else { PLAIN };
            let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
            vec![
                Cell::plain(out::age(event.at, now)),
                Cell::coloured(format!("{:?}", event.kind), style),
                Cell::plain(event.reason.as_str()),
                Cell::plain(&event.object),
                Cell::message(format!("{}{times}", out::short(&event.message, 300))),
            ]
        })
        .collect();
    out::table(&["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"], &rows)
}
