//! From a snapshot of the store to what is in force, what is refused and what is gone. Pure.

use super::entry::Declared;
use crate::desired;
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::ids::{DeploymentName, Generation};
use crate::model::kinds::{Document, RETRY_ANNOTATION};
use crate::model::status::{DeclaredSnapshot, DeploymentStatus, Event, EventKind, Record, Source};
use crate::status::events;
use crate::store::{self, PruneGuard, Snapshot};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a snapshot means for one deployment.
#[derive(Debug)]
pub enum Change {
    /// This is in force now.
    InForce(Box<Declared>),
    /// A new document was refused and no earlier version of it is known: only this can be said.
    Refused(Box<DeploymentStatus>),
}

/// What a snapshot means.
#[derive(Debug)]
pub struct Changes {
    /// By deployment, every known or declared one; orphans that were told of already are left out.
    pub by_name: BTreeMap<DeploymentName, Change>,
    /// What is wrong with the store as a whole.
    pub problems: Vec<Finding>,
    /// Why nothing is pruned at present, when pruning is held.
    pub prune_held: Option<String>,
}

/// A valid document on its way to being in force.
struct Candidate {
    declared: Arc<store::Declared>,
    desired: DesiredState,
    findings: Vec<Finding>,
}

/// Compares a snapshot with what is known. The controller and `ctl plan` both ask here, so a dry run starts from what a pass
/// would start from.
///
/// **Guarantees**: an invalid edit, a broken file or a store that cannot be read removes nothing: the last valid version
/// stays in force, with the findings. A document that is gone is orphaned or torn down as its own `deletionPolicy` says, unless
/// the guard holds pruning.
pub fn changes(
    snapshot: &Snapshot,
    known: &BTreeMap<DeploymentName, &Record>,
    confirmed: &BTreeSet<DeploymentName>,
    now: Timestamp,
) -> Changes {
    let mut candidates: BTreeMap<DeploymentName, Candidate> = BTreeMap::new();
    let mut refused: BTreeMap<DeploymentName, Vec<Finding>> = snapshot.refused.clone();
    let mut kinds: BTreeMap<DeploymentName, String> = BTreeMap::new();
    for (name, declared) in &snapshot.documents {
        let generation = generation(&declared.document, known.get(name).copied());
        let (desired, mut findings) = desired::lower(&declared.document, generation);
        declared.locate(&mut findings);
        match desired {
            Some(desired) => {
                let candidate = Candidate { declared: Arc::clone(declared), desired, findings };
                candidates.insert(name.clone(), candidate);
            }
            None => {
                kinds.insert(name.clone(), declared.document.spec.kind().to_string());
                refused.entry(name.clone()).or_default().extend(findings);
            }
        }
    }
    refuse_conflicts(&mut candidates, &mut refused);

    let mut by_name: BTreeMap<DeploymentName, Change> = BTreeMap::new();
    for (name, candidate) in candidates {
        let mut declared = in_force(candidate);
        // The text in the store is refused; this is its last good version.
        if let Some(errors) = refused.remove(&name) {
            declared.newest_generation = declared.desired.generation.next();
            declared.findings = errors;
        }
        by_name.insert(name, Change::InForce(Box::new(declared)));
    }
    for (name, findings) in refused {
        let change = match known.get(&name).and_then(|record| last_good(record)) {
            Some(mut declared) => {
                declared.newest_generation = declared.desired.generation.next();
                declared.findings = findings;
                declared.removed_at = None;
                Change::InForce(Box::new(declared))
            }
            None => {
                let kind = kinds.remove(&name).unwrap_or_default();
                Change::Refused(Box::new(refused_status(&name, kind, findings, now)))
            }
        };
        by_name.insert(name, change);
    }
    let prune_held = removed(snapshot, known, confirmed, now, &mut by_name);
    warn_of_ended_suspensions(snapshot, &mut by_name, now);
    Changes { by_name, problems: snapshot.problems.clone(), prune_held }
}

fn in_force(candidate: Candidate) -> Declared {
    Declared {
        document: Arc::new(candidate.declared.document.to_json()),
        newest_generation: candidate.desired.generation,
        desired: candidate.desired,
        source: candidate.declared.source.clone(),
        findings: candidate.findings,
        removed_at: None,
        deletion_confirmed: false,
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

/// Two documents that claim one thing: the second by name is refused.
fn refuse_conflicts(
    candidates: &mut BTreeMap<DeploymentName, Candidate>,
    refused: &mut BTreeMap<DeploymentName, Vec<Finding>>,
) {
    let states: Vec<DesiredState> = candidates.values().map(|candidate| candidate.desired.clone()).collect();
    for (name, mut found) in desired::across(&states) {
        let Some(candidate) = candidates.remove(&name) else { continue };
        candidate.declared.locate(&mut found);
        refused.entry(name).or_default().extend(candidate.findings.into_iter().chain(found));
    }
}

/// The last valid version of a document, from its record.
fn last_good(record: &Record) -> Option<Declared> {
    let stored = record.declared.as_ref()?;
    let document: Document = serde_json::from_value(stored.document.clone()).ok()?;
    let (desired, findings) = desired::lower(&document, stored.generation);
    Some(Declared {
        document: Arc::new(stored.document.clone()),
        desired: desired?,
        source: stored.source.clone(),
        findings,
        newest_generation: stored.generation,
        removed_at: stored.removed_at,
        deletion_confirmed: false,
    })
}

/// Documents that the store no longer holds. Returns why pruning is held, when it is.
fn removed(
    snapshot: &Snapshot,
    known: &BTreeMap<DeploymentName, &Record>,
    confirmed: &BTreeSet<DeploymentName>,
    now: Timestamp,
    by_name: &mut BTreeMap<DeploymentName, Change>,
) -> Option<String> {
    let before: BTreeSet<DeploymentName> = known
        .iter()
        .filter(|(_, record)| record.declared.as_ref().is_some_and(|declared| declared.removed_at.is_none()))
        .map(|(name, _)| name.clone())
        .collect();
    let seen: BTreeSet<DeploymentName> =
        before.iter().filter(|name| !snapshot.is_gone(name)).cloned().collect();
    let verdict = PruneGuard::judge(&before, &seen, confirmed);
    for (name, record) in known {
        if by_name.contains_key(name) {
            continue;
        }
        let Some(mut declared) = last_good(record) else { continue };
        declared.deletion_confirmed = confirmed.contains(name);
        let gone_before = declared.removed_at.is_some();
        if verdict.prune.contains(name) || gone_before {
            declared.removed_at = declared.removed_at.or(Some(now));
            let told = record.status.as_ref().is_some_and(|status| status.orphaned);
            if told && declared.is_orphaned() {
                continue;
            }
        } else if let Some(because) = &verdict.because {
            declared.findings.push(Finding::warning("", because.clone(), ""));
        } else {
            declared.findings.extend(snapshot.problems.iter().cloned());
        }
        by_name.insert(name.clone(), Change::InForce(Box::new(declared)));
    }
    verdict.because
}

/// A suspension that has ended has no effect any more; whoever reads the document may believe that it has.
fn warn_of_ended_suspensions(
    snapshot: &Snapshot,
    by_name: &mut BTreeMap<DeploymentName, Change>,
    now: Timestamp,
) {
    for (name, change) in by_name {
        let Change::InForce(declared) = change else { continue };
        let Some(until) = declared.desired.suspend.as_ref().map(|suspend| suspend.until) else { continue };
        if until > now || declared.removed_at.is_some() {
            continue;
        }
        let mut warning = [Finding::warning(
            "spec.suspend.until",
            format!("the suspension ended at {until}: writes are made again"),
            "remove `suspend`, or give a later time",
        )];
        if let Some(stands) = snapshot.documents.get(name) {
            stands.locate(&mut warning);
        }
        declared.findings.extend(warning);
    }
}

fn refused_status(
    name: &DeploymentName,
    kind: String,
    findings: Vec<Finding>,
    now: Timestamp,
) -> DeploymentStatus {
    let place = findings.iter().find_map(|finding| finding.place.as_ref());
    let source = place.map_or_else(Source::default, |place| Source {
        file: place.file.clone(),
        line: place.line,
        content_hash: String::new(),
    });
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let first =
        findings.iter().find(|finding| finding.is_error()).map(ToString::to_string).unwrap_or_default();
    let noun = if errors == 1 { "error" } else { "errors" };
    let message = format!("{errors} {noun} in the document; the first: {first}");
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
pub(super) fn snapshot_into(record: &mut Record, declared: &Declared) {
    record.declared = Some(DeclaredSnapshot {
        generation: declared.desired.generation,
        source: declared.source.clone(),
        document: (*declared.document).clone(),
        removed_at: declared.removed_at,
    });
}

/// Says in a record that its document is gone and what was made for it stays; false when it says so already.
pub(super) fn orphan(record: &mut Record, now: Timestamp) -> bool {
    let Some(status) = record.status.as_mut().filter(|status| !status.orphaned) else { return false };
    status.orphaned = true;
    status.updated_at = now;
    let message = "the document is gone; everything that was made for it stays (deletionPolicy: Retain)";
    let happened: Event = events::event(now, EventKind::Warning, "Orphaned", "", message.to_owned());
    events::append(record, [happened]);
    true
}
