//! `ctl status`: what runs, and why anything does not.

use super::out::{self, BAD, BUSY, Cell, GOOD, HEAD, PLAIN, Structured};
use super::places::Places;
use super::records::Records;
use super::{ExitStatus, conditions};
use crate::model::condition::{ConditionReason, ConditionType, Truth};
use crate::model::ids::DeploymentName;
use crate::model::request::Request;
use crate::model::status::{ComponentStatus, DeploymentStatus, LostRecord};
use crate::model::view::{DeploymentList, DeploymentView, unseen};
use crate::model::visible::visible;
use crate::reconcile::Clock;
use anstyle::Style;
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// How often `--watch` reads, in real time.
const POLL: Duration = Duration::from_secs(1);
/// Longest message in a table.
const MESSAGE: usize = 80;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ctl status\n  ctl status shop\n  ctl status -o wide --watch\n  ctl status --server http://127.0.0.1:8099\n  ctl status --exit-code && echo all is well"
)]
pub(super) struct Args {
    /// One deployment, with its components; all when left out
    name: Option<String>,
    /// In which form
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
    /// Show it again whenever it changes
    #[arg(short, long, conflicts_with = "exit_code")]
    watch: bool,
    /// Exit with 1 when anything is not Ready
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Wide,
    Json,
    Yaml,
}

/// Prints the status, again and again with `--watch`.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let records = Records::open(places)?;
    let mut before = String::new();
    loop {
        let (shown, verdict) = text(&args, &records).await?;
        if !args.watch {
            out::print(&shown)?;
            return Ok(if verdict == ExitStatus::NotGood && !args.exit_code {
                ExitStatus::Good
            } else {
                verdict
            });
        }
        if shown != before {
            let clear =
                if args.output == Form::Table || args.output == Form::Wide { "\x1b[2J\x1b[H" } else { "" };
            out::print(&format!("{clear}{shown}"))?;
            before = shown;
        }
        Clock::real().sleep(POLL).await;
    }
}

/// The text, and whether everything that it shows is Ready; unknown when nobody has looked for too
/// long.
pub(super) async fn text(args: &Args, records: &Records<'_>) -> anyhow::Result<(String, ExitStatus)> {
    let form = match args.output {
        Form::Json => Some(Structured::Json),
        Form::Yaml => Some(Structured::Yaml),
        Form::Table | Form::Wide => None,
    };
    let wide = args.output == Form::Wide;
    match &args.name {
        Some(name) => of_one(&records.one(name).await?, form, wide),
        None => of_all(&records.list().await?, form, wide),
    }
}

fn of_one(
    view: &DeploymentView,
    form: Option<Structured>,
    wide: bool,
) -> anyhow::Result<(String, ExitStatus)> {
    let (requests, status) = (&view.requests[..], view.status.as_deref());
    let text = match (form, status) {
        (Some(form), _) => out::structured(&Shown { requests, lost: view.lost.as_ref(), status }, form)?,
        (None, Some(status)) => asked(requests) + &one(status, wide, view.time)?,
        (None, None) => {
            let (name, unseen) =
                (visible(view.name.as_str()), unseen(view.lost.as_ref(), view.waits.as_deref()));
            format!("{}{name}: {unseen}\n", asked(requests))
        }
    };
    Ok((text, verdict([status])))
}

/// What people ask for, a line each.
fn asked(requests: &[Request]) -> String {
    let shown = |request: &Request| format!("{BUSY}{}{BUSY:#}\n", visible(&request.to_string()));
    requests.iter().map(shown).collect()
}

fn of_all(
    list: &DeploymentList,
    form: Option<Structured>,
    wide: bool,
) -> anyhow::Result<(String, ExitStatus)> {
    let whole = list.damaged.is_empty()
        && !list.problems.iter().any(|finding| finding.is_error())
        && list.prune_held.is_none();
    let verdict = match (&list.unknown, verdict(list.rows().into_values())) {
        (Some(_), _) => ExitStatus::Unknown,
        (None, ExitStatus::Good) => ExitStatus::good_if(whole),
        (None, other) => other,
    };
    let text = match form {
        Some(form) => out::structured(&list.items, form)?,
        None => all(list, wide),
    };
    Ok((text, verdict))
}

/// Whether all of some deployments are good; unknown when what is known of one is too old to tell.
fn verdict<'r>(statuses: impl IntoIterator<Item = Option<&'r DeploymentStatus>>) -> ExitStatus {
    let mut verdict = ExitStatus::Good;
    for status in statuses {
        match status {
            Some(status) if is_doubted(status) => return ExitStatus::Unknown,
            Some(status) if is_good(status) => {}
            _ => verdict = ExitStatus::NotGood,
        }
    }
    verdict
}

/// One deployment as structured output: what people ask for comes first.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "<[Request]>::is_empty")]
    requests: &'a [Request],
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'a LostRecord>,
    #[serde(flatten)]
    status: Option<&'a DeploymentStatus>,
}

/// Ready, and so is its newest edit; or orphaned.
fn is_good(status: &DeploymentStatus) -> bool {
    status.orphaned || (status.is(ConditionType::Ready) && !edit_refused(status))
}

/// Whether nobody has looked for so long that it may not be so any more.
fn is_doubted(status: &DeploymentStatus) -> bool {
    status.condition(ConditionType::Ready).is_some_and(|ready| ready.reason == ConditionReason::NotLookedAt)
}

/// The table of all deployments, and what is wrong with the store.
pub(super) fn all(list: &DeploymentList, wide: bool) -> String {
    let mut heads = vec!["NAME", "KIND", "READY", "STATUS", "COMPONENTS", "UPDATED"];
    if wide {
        heads.extend(["GENERATION", "CLUSTER", "IMAGE", "REVISION", "TARGETS", "SOURCE"]);
    }
    heads.push("MESSAGE");
    let rows = list.rows().into_iter().map(|(name, status)| match status {
        Some(status) => row(status, wide, list.time),
        None => {
            unseen_row(name, &unseen(list.lost.get(name), list.waits.get(name).map(String::as_str)), wide)
        }
    });
    let mut text = match rows.collect::<Vec<_>>().as_slice() {
        [] => "No deployments are recorded yet.\n".to_owned(),
        rows => out::table(&heads, rows),
    };
    if let Some(because) = &list.unknown {
        let because = visible(because);
        text.insert_str(0, &format!("{BAD}Unknown{BAD:#}: {because}; this is what it saw then\n\n"));
    }
    if let Some(because) = &list.prune_held {
        let _ = writeln!(text, "\n{BUSY}Pruning is held{BUSY:#}: {}", visible(because));
    }
    if !list.problems.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Spec store{HEAD:#}");
        for finding in &list.problems {
            let _ = writeln!(text, "  {finding}");
        }
    }
    text
}

fn unseen_row(name: &DeploymentName, unseen: &str, wide: bool) -> Vec<Cell> {
    let mut row = vec![Cell::plain(name.as_str()), Cell::plain(""), Cell::plain("Unknown")];
    row.push(Cell::coloured("Pending", BUSY));
    row.extend(std::iter::repeat_n(Cell::plain(""), if wide { 8 } else { 2 }));
    row.push(Cell::message(out::short(unseen, MESSAGE)));
    row
}

fn row(status: &DeploymentStatus, wide: bool, now: Timestamp) -> Vec<Cell> {
    let (word, style) = word(status);
    let ready = status.condition(ConditionType::Ready).map_or(Truth::Unknown, |ready| ready.status);
    let complete = status.components.values().filter(|component| component.phase == "Complete").count();
    let mut row = vec![
        Cell::plain(status.name.as_str()),
        Cell::plain(&status.kind),
        Cell::coloured(ready.to_string(), style),
        Cell::coloured(word, style),
        Cell::plain(format!("{complete}/{}", status.components.len())),
        Cell::plain(out::age(status.updated_at, now)),
    ];
    if wide {
        row.extend(wide_cells(status));
    }
    row.push(Cell::message(out::short(&message(status), MESSAGE)));
    row
}

fn wide_cells(status: &DeploymentStatus) -> [Cell; 6] {
    let main = main_component(status);
    [
        Cell::plain(generations(status)),
        Cell::plain(&status.cluster),
        Cell::plain(main.map(|component| short_image(&component.image)).unwrap_or_default()),
        Cell::plain(main.and_then(|component| component.revision.as_deref()).unwrap_or_default()),
        Cell::plain(targets(status.components.values().map(AsRef::as_ref))),
        Cell::plain(format!("{}:{}", status.source.file, status.source.line)),
    ]
}

/// The component whose image stands for the deployment: the first service.
fn main_component(status: &DeploymentStatus) -> Option<&ComponentStatus> {
    let mut all = status.components.values().map(AsRef::as_ref);
    let first = all.clone().next();
    all.find(|component| component.workload == "service").or(first)
}

/// An image without the host of its registry.
fn short_image(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) => rest,
        _ => image,
    }
}

fn generations(status: &DeploymentStatus) -> String {
    if status.generation == status.observed_generation {
        status.generation.to_string()
    } else {
        format!("{} (at {})", status.generation, status.observed_generation)
    }
}

fn targets<'a>(components: impl Iterator<Item = &'a ComponentStatus>) -> String {
    let (healthy, total) = components
        .flat_map(|component| component.targets.values())
        .fold((0, 0), |(healthy, total), count| (healthy + count.healthy, total + count.total));
    if total == 0 { String::new() } else { format!("{healthy}/{total}") }
}

/// One word for the whole deployment, with the reason when it is not green.
fn word(status: &DeploymentStatus) -> (String, Style) {
    let reason = |kind| status.condition(kind).map_or("", |condition| condition.reason.as_str());
    let with_reason = |word: &str, reason: &str| {
        if reason.is_empty() || reason == word { word.to_owned() } else { format!("{word} ({reason})") }
    };
    if is_doubted(status) {
        return (with_reason("Unknown", reason(ConditionType::Ready)), BAD);
    }
    if status.orphaned {
        return ("Orphaned".to_owned(), BUSY);
    }
    let is_held = status.is(ConditionType::Stalled) || status.suspended().is_some();
    if status.removing && !is_held {
        return ("Removing".to_owned(), BUSY);
    }
    if status.is(ConditionType::Stalled) {
        return (with_reason("Stalled", reason(ConditionType::Stalled)), BAD);
    }
    if status.is(ConditionType::Suspended) {
        return ("Suspended".to_owned(), BUSY);
    }
    if edit_refused(status) {
        let ready = if status.is(ConditionType::Ready) { "Ready" } else { "NotReady" };
        return (format!("{ready} (EditRefused)"), BAD);
    }
    if status.is(ConditionType::Ready) {
        let drifted = status.is(ConditionType::Drifted);
        return if drifted { ("Ready (Drifted)".to_owned(), BUSY) } else { ("Ready".to_owned(), GOOD) };
    }
    if status.is(ConditionType::Reconciling) {
        return (with_reason("Reconciling", reason(ConditionType::Reconciling)), BUSY);
    }
    (with_reason("NotReady", reason(ConditionType::Ready)), BAD)
}

fn edit_refused(status: &DeploymentStatus) -> bool {
    status.findings.iter().any(|finding| finding.is_error())
}

/// Why it is not green, or what a person should know although it is.
fn message(status: &DeploymentStatus) -> String {
    let of = |kind| status.condition(kind).map(|condition| condition.message.clone()).unwrap_or_default();
    if is_doubted(status) {
        return of(ConditionType::Ready);
    }
    if status.orphaned {
        return "the document is gone; what was made for it stays".to_owned();
    }
    if status.removing {
        return of(ConditionType::Ready);
    }
    if let Some(error) = status.findings.iter().find(|finding| finding.is_error()) {
        let errors = status.findings.iter().filter(|finding| finding.is_error()).count();
        return format!("{}: {error}", out::count(errors, "error"));
    }
    if status.is(ConditionType::Suspended) {
        return of(ConditionType::Suspended);
    }
    if !status.is(ConditionType::Ready) {
        return of(ConditionType::Ready);
    }
    if status.is(ConditionType::Drifted) {
        return of(ConditionType::Drifted);
    }
    match status.findings.len() {
        0 => String::new(),
        warnings => out::count(warnings, "warning"),
    }
}

/// One deployment: its components and everything that is not green.
pub(super) fn one(status: &DeploymentStatus, wide: bool, now: Timestamp) -> anyhow::Result<String> {
    let status = &out::for_people(status)?;
    let (word, style) = word(status);
    let mut text = format!(
        "{HEAD}{}{HEAD:#}  {}  {style}{word}{style:#}  generation {}  {} in {}  updated {} ago\n\n",
        status.name,
        status.kind,
        generations(status),
        status.cluster,
        status.region,
        out::age(status.updated_at, now)
    );
    text.push_str(&components(status, wide));
    conditions::not_green(&mut text, status, now);
    Ok(text)
}

/// The table of components.
pub(super) fn components(status: &DeploymentStatus, wide: bool) -> String {
    let mut heads = vec!["COMPONENT", "WORKLOAD", "PHASE", "RUNNING", "TARGETS", "REVISION"];
    if wide {
        heads.extend(["IMAGE", "SERVICE"]);
    }
    heads.push("MESSAGE");
    let components = status.components.iter();
    let rows: Vec<Vec<Cell>> =
        components.map(|(name, component)| component_row(name.as_str(), component, wide)).collect();
    out::table(&heads, &rows)
}

fn component_row(name: &str, component: &ComponentStatus, wide: bool) -> Vec<Cell> {
    let revision = match (&component.revision, &component.wanted_revision) {
        (Some(runs), Some(wanted)) => format!("{runs} -> {wanted}"),
        (runs, wanted) => runs.clone().or_else(|| wanted.clone()).unwrap_or_default(),
    };
    let mut row = vec![
        Cell::plain(name),
        Cell::plain(&component.workload),
        Cell::coloured(&component.phase, phase_style(&component.phase)),
        Cell::plain(running(component)),
        Cell::plain(targets(std::iter::once(component))),
        Cell::plain(revision),
    ];
    if wide {
        row.push(Cell::plain(&component.image));
        row.push(Cell::plain(component.service.clone().unwrap_or_default()));
    }
    row.push(Cell::message(out::short(&component.message, 2 * MESSAGE)));
    row
}

fn running(component: &ComponentStatus) -> String {
    match (component.workload.as_str(), component.desired, component.pending) {
        ("task", 0, 0) if component.running == 0 => String::new(),
        (_, desired, 0) => format!("{}/{desired}", component.running),
        (_, desired, pending) => format!("{}/{desired} (+{pending})", component.running),
    }
}

fn phase_style(phase: &str) -> Style {
    match phase {
        "Complete" => GOOD,
        "Contested" | "RolledBack" | "Stalled" => BAD,
        "Idle" => PLAIN,
        _ => BUSY,
    }
}
