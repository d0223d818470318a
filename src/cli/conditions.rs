//! Conditions and what else is to be said of a deployment as a whole, for `ctl status NAME` and
//! `ctl describe`.

use super::out::{self, BAD, BUSY, GOOD, HEAD, PLAIN};
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::plan::WaitingOn;
use crate::model::resource::ResourceId;
use crate::model::status::DeploymentStatus;
use anstyle::Style;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything that is not as it should be, for `ctl status NAME`.
pub(super) fn not_green(text: &mut String, status: &DeploymentStatus, now: Timestamp) {
    let odd: Vec<&Condition> = status.conditions.iter().filter(|condition| !is_green(condition)).collect();
    if !odd.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Conditions{HEAD:#}");
        lines(text, odd.into_iter(), now);
    }
    remarks(text, status, now);
}

/// What is waited for, findings, notes and drift.
pub(super) fn remarks(text: &mut String, status: &DeploymentStatus, now: Timestamp) {
    waiting(text, status);
    if !status.findings.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Findings{HEAD:#}");
        for finding in &status.findings {
            let _ = writeln!(text, "  {finding}");
        }
    }
    if !status.notes.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Notes{HEAD:#}");
        for note in &status.notes {
            let style = if note.blocks { BAD } else { PLAIN };
            let _ = writeln!(text, "  {style}{}{style:#}: {}", note.resource, note.message);
        }
    }
    if let Some(drift) = &status.last_drift {
        let repaired = match drift.repaired_at {
            Some(at) => format!("repaired {} ago", out::age(at, now)),
            None => "not repaired".to_owned(),
        };
        let seen = out::age(drift.at, now);
        let _ = writeln!(
            text,
            "\n{HEAD}Last drift{HEAD:#}\n  {}: {} (seen {seen} ago, {repaired})",
            drift.resource, drift.what
        );
    }
}

/// What is waited for, by who waits.
fn waiting(text: &mut String, status: &DeploymentStatus) {
    let mut by_resource: BTreeMap<&ResourceId, Vec<&WaitingOn>> = BTreeMap::new();
    for waiting in &status.waiting_on {
        by_resource.entry(&waiting.resource).or_default().push(&waiting.on);
    }
    if !by_resource.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Waiting{HEAD:#}");
    }
    for (resource, reasons) in by_resource {
        match reasons.as_slice() {
            [only] => {
                let _ = writeln!(text, "  {resource} for {only}");
            }
            several => {
                let _ = writeln!(text, "  {resource} for");
                for on in several {
                    let _ = writeln!(text, "    - {on}");
                }
            }
        }
    }
}

/// Whether a condition is as it is when all is well.
fn is_green(condition: &Condition) -> bool {
    let wanted = match condition.kind {
        ConditionType::Ready
        | ConditionType::SecretsReady
        | ConditionType::ResourcesReady
        | ConditionType::TargetsHealthy => Truth::True,
        ConditionType::Reconciling
        | ConditionType::Stalled
        | ConditionType::Drifted
        | ConditionType::Suspended => Truth::False,
    };
    condition.status == wanted
}

/// One line per condition; what a line above said already is not said again.
pub(super) fn lines<'a>(text: &mut String, conditions: impl Iterator<Item = &'a Condition>, now: Timestamp) {
    let mut said: BTreeMap<&str, ConditionType> = BTreeMap::new();
    for condition in conditions {
        let style: Style = match (is_green(condition), condition.kind) {
            (true, _) => GOOD,
            (false, ConditionType::Reconciling | ConditionType::Drifted | ConditionType::Suspended) => BUSY,
            (false, _) => BAD,
        };
        let message = match said.get(condition.message.as_str()) {
            Some(above) => format!("(as {above})"),
            None => condition.message.clone(),
        };
        said.entry(&condition.message).or_insert(condition.kind);
        let age = out::age(condition.last_transition_time, now);
        let _ = writeln!(
            text,
            "  {:<15} {style}{:<8}{style:#} {:<16} {age:>5}  {message}",
            condition.kind, condition.status, condition.reason
        );
    }
}
