//! From a snapshot of the store to what is in force, what is refused and what is gone. Pure, but for the guard's memory.

use super::entry::Declared;
use crate::desired;
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::ids::{DeploymentName, Generation};
use crate::model::kinds::{Document, RETRY_ANNOTATION};
use crate::model::status::{DeclaredSnapshot, DeploymentStatus, Event, EventKind, Record, Source};
use crate::status::{StoreReport, events};
use crate::store::{PruneGuard, Snapshot};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What a snapshot means for one deployment.
pub(super) enum Change {
    /// This is in force now.
    InForce(Box<Declared>),
    /// A new document was refused and no earlier version of it is known: only this can be said.
    Refused(Box<DeploymentStatus>),
}

/// What a snapshot means.
pub(super) struct Changes {
    /// By deployment, every known or declared one.
    pub(super) by_name: BTreeMap<DeploymentName, Change>,
    /// What to say of the store as a whole.
    pub(super) report: StoreReport,
}

/// A valid document on its way to being in force.
struct Candidate {
    desired: DesiredState,
    source: Source,
    findings: Vec<Finding>,
}

/// Compares a snapshot with what is known.
///
/// **Guarantees**: an invalid edit, a broken file or a store that cannot be read removes nothing: the last valid version
/// stays in force, with the findings. A document that is gone is orphaned or torn down as its own `deletionPolicy` says, unless
/// the guard holds pruning.
pub(super) fn changes(
    snapshot: &Snapshot,
    known: &BTreeMap<DeploymentName, &Record>,
    guard: &mut PruneGuard,
    now: Timestamp,
) -> Changes {
    let mut report =
        StoreReport { store: snapshot.store.clone(), problems: snapshot.problems.clone(), prune_held: None };
    let mut candidates: BTreeMap<DeploymentName, Candidate> = BTreeMap::new();
    let mut refused: BTreeMap<DeploymentName, (String, Source, Vec<Finding>)> = BTreeMap::new();
    for (name, loaded) in &snapshot.documents {
        let generation = generation(&loaded.document, known.get(name).copied());
        let (desired, found) = desired::lower(&loaded.document, generation);
        let findings = loaded.with_places(found);
        match desired.filter(|_| !findings.iter().any(Finding::is_error)) {
            Some(desired) => {
                let candidate = Candidate { desired, source: loaded.source.clone(), findings };
                candidates.insert(name.clone(), candidate);
            }
            None => {
                let kind = loaded.document.spec.kind().to_string();
                refused.insert(name.clone(), (kind, loaded.source.clone(), findings));
            }
        }
    }
    for (name, broken) in &snapshot.refused {
        refused.insert(name.clone(), (broken.kind.clone(), broken.source.clone(), broken.findings.clone()));
    }
    refuse_conflicts(&mut candidates, &mut refused, known);

    let mut by_name: BTreeMap<DeploymentName, Change> = BTreeMap::new();
    for (name, (kind, source, findings)) in refused {
        let change = match known.get(&name).and_then(|record| last_good(record)) {
            Some(mut declared) => {
                declared.newest_generation = declared.desired.generation.next();
                declared.findings = findings;
                Change::InForce(Box::new(declared))
            }
            None => Change::Refused(Box::new(refused_status(&name, kind, source, findings, now))),
        };
        by_name.insert(name, change);
    }
    for (name, candidate) in candidates {
        by_name.insert(name, Change::InForce(Box::new(in_force(candidate))));
    }
    removed(snapshot, known, guard, now, &mut by_name, &mut report);
    Changes { by_name, report }
}

fn in_force(candidate: Candidate) -> Declared {
    Declared {
        newest_generation: candidate.desired.generation,
        desired: candidate.desired,
        source: candidate.source,
        findings: candidate.findings,
        removed_at: None,
        prune_held: false,
    }
}

/// The generation of a document: one more than the stored one when its spec or kind changed.
fn generation(document: &Document, known: Option<&Record>) -> Generation {
    let Some(before) = known.and_then(|record| record.declared.as_ref()) else { return Generation(1) };
    let json = document.to_json();
    let same = json["spec"] == before.document["spec"]
        && json["kind"] == before.document["kind"]
        && json["metadata"]["annotations"][RETRY_ANNOTATION]
            == before.document["metadata"]["annotations"][RETRY_ANNOTATION];
    if same { before.generation } else { before.generation.next() }
}

/// Two documents that claim one thing: the one that was there first keeps it.
fn refuse_conflicts(
    candidates: &mut BTreeMap<DeploymentName, Candidate>,
    refused: &mut BTreeMap<DeploymentName, (String, Source, Vec<Finding>)>,
    known: &BTreeMap<DeploymentName, &Record>,
) {
    let mut in_order: Vec<(&DeploymentName, &Candidate)> = candidates.iter().collect();
    in_order.sort_by_key(|(name, _)| (!known.get(*name).is_some_and(|record| record.declared.is_some()), *name));
    let states: Vec<&DesiredState> = in_order.iter().map(|(_, candidate)| &candidate.desired).collect();
    for (name, found) in desired::across(&states) {
        let Some(mut candidate) = candidates.remove(&name) else { continue };
        candidate.findings.extend(found);
        refused.insert(name, (candidate.desired.kind, candidate.source, candidate.findings));
    }
}

/// The last valid version of a document, from its record.
fn last_good(record: &Record) -> Option<Declared> {
    let stored = record.declared.as_ref()?;
    let document: Document = serde_json::from_value(stored.document.clone()).ok()?;
    let (desired, findings) = desired::lower(&document, stored.generation);
    Some(Declared {
        desired: desired?,
        source: stored.source.clone(),
        findings,
        newest_generation: stored.generation,
        removed_at: stored.removed_at,
        prune_held: false,
    })
}

/// Documents that the store no longer holds.
fn removed(
    snapshot: &Snapshot,
    known: &BTreeMap<DeploymentName, &Record>,
    guard: &mut PruneGuard,
    now: Timestamp,
    by_name: &mut BTreeMap<DeploymentName, Change>,
    report: &mut StoreReport,
) {
    let before: Vec<DeploymentName> = known
        .iter()
        .filter(|(_, record)| record.declared.as_ref().is_some_and(|declared| declared.removed_at.is_none()))
        .map(|(name, _)| name.clone())
        .collect();
    let seen: Vec<DeploymentName> = by_name.keys().cloned().collect();
    let verdict = guard.judge(&before, &seen);
    report.prune_held = verdict.err().map(|held| held.to_string());
    for (name, record) in known {
        if by_name.contains_key(name) {
            continue;
        }
        let Some(mut declared) = last_good(record) else { continue };
        // A file that cannot be read may still hold it.
        let unreadable = snapshot.unreadable_files.contains(&declared.source.file) || !snapshot.complete;
        if unreadable && declared.removed_at.is_none() {
            declared.findings.extend(snapshot.problems_of(&declared.source.file));
        } else {
            declared.removed_at = declared.removed_at.or(Some(now));
            declared.prune_held = report.prune_held.is_some();
        }
        by_name.insert(name.clone(), Change::InForce(Box::new(declared)));
    }
}

fn refused_status(
    name: &DeploymentName,
    kind: String,
    source: Source,
    findings: Vec<Finding>,
    now: Timestamp,
) -> DeploymentStatus {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let first = findings.iter().find(|finding| finding.is_error()).map(ToString::to_string).unwrap_or_default();
    let message = format!("{errors} errors in the document; the first: {first}");
    let condition = |kind, status, reason: &str, message: &str| Condition {
        kind,
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Generation(0),
        last_transition_time: now,
    };
    let conditions = ConditionType::ALL
        .into_iter()
        .map(|kind| match kind {
            ConditionType::Ready | ConditionType::Reconciling => {
                condition(kind, Truth::False, "InvalidSpec", &message)
            }
            ConditionType::Stalled => condition(kind, Truth::True, "InvalidSpec", &message),
            _ => condition(kind, Truth::Unknown, "InvalidSpec", "nothing was looked at"),
        })
        .collect();
    DeploymentStatus {
        name: name.clone(),
        kind,
        generation: Generation(1),
        observed_generation: Generation(0),
        source,
        region: String::new(),
        cluster: String::new(),
        conditions,
        components: BTreeMap::new(),
        waiting_on: Vec::new(),
        findings,
        notes: Vec::new(),
        last_drift: None,
        orphaned: false,
        updated_at: now,
    }
}

/// Keeps the declaration in force in its record, so that no later edit or removal can lose it.
pub(super) fn snapshot_into(record: &mut Record, declared: &Declared, document: &serde_json::Value) {
    let confirmed = record.declared.as_ref().and_then(|declared| declared.delete_confirmed_at);
    record.declared = Some(DeclaredSnapshot {
        generation: declared.desired.generation,
        source: declared.source.clone(),
        document: document.clone(),
        removed_at: declared.removed_at,
        delete_confirmed_at: confirmed,
    });
}

/// Says in a record that its document is gone and what was made for it stays.
pub(super) fn orphan(record: &mut Record, declared: &Declared, now: Timestamp) {
    let Some(status) = record.status.as_mut() else { return };
    if status.orphaned {
        return;
    }
    status.orphaned = true;
    status.updated_at = now;
    let message = if declared.prune_held {
        "the document is gone, and so are most others: nothing is removed until they are back or a person confirms"
    } else {
        "the document is gone; everything that was made for it stays (deletionPolicy: Retain)"
    };
    let happened: Event = events::event(now, EventKind::Warning, "Orphaned", "", message.to_owned());
    events::append(record, [happened]);
}
