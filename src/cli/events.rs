//! `ctl events`.

use super::ExitStatus;
use super::out::{self, BUSY, Cell, PLAIN, Structured};
use super::places::Places;
use super::records::Records;
use crate::model::status::{Event, EventKind};
use crate::model::visible::visible;
use jiff::Timestamp;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ctl events shop")]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// As JSON or YAML
    #[arg(short, long)]
    pub(super) output: Option<Structured>,
}

/// Prints the newest events, oldest first.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let events = Records::open(places)?.events(&args.name).await?;
    out::print(&match (args.output, events.items.as_slice()) {
        (Some(form), _) => out::structured(&events, form)?,
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
