//! `ctl describe`: everything that is known of one deployment.

use super::out::{self, HEAD};
use super::places::Places;
use super::records::Records;
use super::{ExitStatus, conditions, events, status};
use crate::model::ids::ComponentName;
use crate::model::rollout::Phase;
use crate::model::status::DeploymentStatus;
use crate::model::view::{ComponentView, DeploymentView, unseen};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Longest line of a rollout: what it waits for stands above in full.
const LONGEST: usize = 160;
/// Events shown.
const EVENTS: usize = 15;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ctl describe shop")]
pub(super) struct Args {
    /// The deployment
    name: String,
}

/// Prints it.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let view = Records::open(places)?.one(&args.name).await?;
    out::print(&shown(&view)?)?;
    Ok(ExitStatus::Good)
}

/// The whole text.
pub(super) fn shown(view: &DeploymentView) -> anyhow::Result<String> {
    let view = &out::for_people(view)?;
    let now = view.time;
    let mut text = String::new();
    row(&mut text, "Name", view.name.as_str());
    if let Some(at) = view.removed_at {
        row(&mut text, "Removed", &format!("{at} ({} ago)", out::age(at, now)));
    }
    pairs(&mut text, "Labels", &view.labels);
    pairs(&mut text, "Annotations", &view.annotations);
    match &view.status {
        None => row(&mut text, "Status", &unseen(view.lost.as_ref(), view.waits.as_deref())),
        Some(status) => described(&mut text, status, now),
    }
    rollout(&mut text, &view.rollout, now);
    let newest = &view.events[view.events.len().saturating_sub(EVENTS)..];
    if !newest.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Events{HEAD:#}");
        indented(&mut text, &events::shown(newest, now));
        if newest.len() < view.events.len() {
            let _ = writeln!(text, "  `ctl events {}` shows all {}", view.name, view.events.len());
        }
    }
    Ok(text)
}

fn row(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "{HEAD}{label:<12}{HEAD:#} {value}");
}

fn pairs(text: &mut String, label: &str, map: &BTreeMap<String, String>) {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if !pairs.is_empty() {
        row(text, label, &pairs.join(", "));
    }
}

fn described(text: &mut String, status: &DeploymentStatus, now: Timestamp) {
    let source = &status.source;
    row(text, "Kind", &status.kind);
    row(
        text,
        "Generation",
        &format!("{} (status speaks of {})", status.generation, status.observed_generation),
    );
    row(text, "Source", &format!("{}:{}  content {}", source.file, source.line, source.content_hash));
    row(text, "Cluster", &format!("{} in {}", status.cluster, status.region));
    row(text, "Updated", &format!("{} ({} ago)", status.updated_at, out::age(status.updated_at, now)));
    if status.orphaned {
        row(text, "Orphaned", "the document is gone; what was made for it stays");
    }
    if status.removing {
        row(text, "Removing", "the document is gone; what was made for it is being deleted");
    }
    let _ = writeln!(text, "\n{HEAD}Conditions{HEAD:#}");
    conditions::lines(text, status.conditions.iter(), now);
    let _ = writeln!(text, "\n{HEAD}Components{HEAD:#}");
    indented(text, &status::components(status, true));
    conditions::remarks(text, status, now);
}

/// Where the rollout of each component stands, and what failed.
fn rollout(text: &mut String, components: &BTreeMap<ComponentName, ComponentView>, now: Timestamp) {
    if components.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{HEAD}Rollout{HEAD:#}");
    for (name, component) in components {
        let _ = writeln!(text, "  {name}: {}", out::short(&phase(&component.phase, now), LONGEST));
        if let Some(completed) = &component.completed {
            let _ = writeln!(text, "    last completed  {} ({})", completed.arn, completed.hash);
        }
        for failure in &component.failures {
            let ago = out::age(failure.at, now);
            let _ = writeln!(
                text,
                "    failed {ago} ago  {} ({}): {}",
                failure.attempt, failure.hash, failure.reason
            );
        }
    }
}

fn phase(phase: &Phase, now: Timestamp) -> String {
    let ago = |then: &Timestamp| out::age(*then, now);
    let word = phase.word();
    match phase {
        Phase::Idle => word.to_owned(),
        Phase::Waiting { on, since } => {
            let on: Vec<String> = on.iter().map(ToString::to_string).collect();
            format!("{word} for {} since {} ago", on.join("; "), ago(since))
        }
        Phase::TaskRunning { attempt, task, since, deadline, .. } => {
            let task = task.as_deref().unwrap_or("not seen yet");
            format!("{word} since {} ago, attempt {attempt}, until {deadline}, task {task}", ago(since))
        }
        Phase::Rolling { hash, deployment, since, .. } => {
            let deployment = deployment.as_deref().unwrap_or("not seen yet");
            format!("{word} {hash} since {} ago, deployment {deployment}", ago(since))
        }
        Phase::Baking { hash, until } => format!("{word} {hash} until {until}"),
        Phase::Complete { hash, since } => format!("{word} {hash} since {} ago", ago(since)),
        Phase::RolledBack { hash, reason, since, .. } => {
            format!("{word} {hash} {} ago: {reason}", ago(since))
        }
        Phase::Stalled { reason, message, since, .. } => {
            format!("{word} ({}) since {} ago: {message}", reason.as_str(), ago(since))
        }
    }
}

fn indented(text: &mut String, block: &str) {
    for line in block.lines() {
        let _ = writeln!(text, "  {line}");
    }
}
