//! From a snapshot of the store to what is in force, what is refused and what is gone. Pure.

use super::entry::Declaration;
use super::handover::{self, Unread};
use super::known::{self, Made};
pub use super::known::{DeclarationChange, Known};
use crate::desired::{self, Common};
use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};
use crate::model::desired::DesiredState;
use crate::model::finding::{Finding, Place};
use crate::model::handover::{Brought, GivenUp, HeldBack};
use crate::model::ids::{ComponentName, DeploymentName, Generation};
use crate::model::kinds::{DeletionPolicy, RETRY_ANNOTATION, Suspend};
use crate::model::request::{Request, RequestKind};
use crate::model::resource::TAG_OWNER;
use crate::model::service_deployment::PauseAnswer;
use crate::model::status::{
    DeploymentStatus, Event, EventKind, EventReason, LastGoodDocument, LostRecord, Record, Source,
};
use crate::rollout;
use crate::specs::{self, PruneGuard, Snapshot};
use crate::state::{self, DamagedRequest};
use crate::status::events;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use strum::IntoEnumIterator;

#[cfg(test)]
mod tests;

/// What a lost record means.
const RECORD_LOST: &str = "what failed before is not remembered and is tried once more, and what was asked for has to be asked again";

/// The end of a pause of which nobody can read it: the year 9999.
const UNKNOWN_END: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// What a snapshot means.
#[derive(Debug)]
pub struct Changes {
    /// By deployment, every known or declared one; orphans whose status says so are left out.
    pub by_name: BTreeMap<DeploymentName, DeclarationChange>,
    /// What is wrong with the store as a whole.
    pub problems: Vec<Finding>,
    /// Why nothing is pruned at present, when pruning is held.
    pub prune_held: Option<String>,
}

/// Lowered documents, kept from snapshot to snapshot: a store is read every few seconds, and a
/// document that did not change costs next to nothing.
#[derive(Debug, Default)]
pub struct LoweringCache {
    by_name: BTreeMap<DeploymentName, LoweredDocument>,
    /// What they have in common, with the last good versions of those that are refused.
    common: Common,
}

/// One document, lowered.
#[derive(Debug)]
struct LoweredDocument {
    /// A store hands on the same allocation while the file stays the same.
    document: Arc<specs::StoredDocument>,
    /// What is in force with it, or the errors for which it is refused.
    result: Result<Arc<Declaration>, Vec<Finding>>,
}

impl LoweringCache {
    /// Lowers the documents of a snapshot that were not there before, and forgets those that are
    /// gone.
    fn update(&mut self, snapshot: &Snapshot, known: &BTreeMap<&DeploymentName, Known<'_>>) {
        let before = self.by_name.len();
        self.by_name.retain(|name, lowered| {
            snapshot.documents.get(name).is_some_and(|declared| Arc::ptr_eq(declared, &lowered.document))
        });
        let unchanged = self.by_name.len() == before && before == snapshot.documents.len();
        if unchanged {
            return;
        }
        for (name, declared) in &snapshot.documents {
            if !self.by_name.contains_key(name) {
                self.by_name.insert(name.clone(), lower(declared, known.get(name).copied()));
            }
        }
        self.common = self.common(snapshot, known);
        let nothing = BTreeMap::new();
        for (name, lowered) in &mut self.by_name {
            let Ok(declared) = &mut lowered.result else { continue };
            let shared = self.common.shared.get(name).unwrap_or(&nothing);
            if declared.desired.shared != *shared {
                Arc::make_mut(declared).desired.shared.clone_from(shared);
            }
        }
    }

    /// What cannot be known of what the store declares.
    fn unread(&self, snapshot: &Snapshot) -> Unread {
        let invalid =
            self.by_name.iter().filter(|(_, lowered)| lowered.result.is_err()).map(|(name, _)| name);
        let refused = snapshot.refused.keys().chain(invalid).min();
        let error = snapshot.problems.iter().find(|problem| problem.is_error());
        let file = || error.and_then(|problem| problem.place.as_ref()).map(|place| place.file.clone());
        let text = match refused {
            Some(name) => Some(handover::refused(name)),
            None if snapshot.incomplete || error.is_some() => Some(match file() {
                Some(file) => format!("`{file}`, which cannot be read,"),
                None => "something in the store that cannot be read".to_owned(),
            }),
            None => None,
        };
        let conflicting = self.common.conflicts.keys().filter_map(|name| {
            let declared = self.by_name.get(name)?.result.as_ref().ok()?;
            Some((name, declared))
        });
        let claims = conflicting.clone().flat_map(|(name, declared)| {
            desired::claimed(&declared.desired).into_keys().map(move |claim| (claim, name.clone()))
        });
        let runs = conflicting.clone().flat_map(|(name, declared)| {
            let components = declared.desired.components.iter();
            components.map(move |(component, one)| (name.clone(), component.clone(), one.runs()))
        });
        Unread { text, claims: claims.collect(), runs: runs.collect() }
    }

    /// What the documents have in common. Of one that is refused, for whatever reason, its last
    /// good version goes on to claim what it claimed.
    fn common(&self, snapshot: &Snapshot, known: &BTreeMap<&DeploymentName, Known<'_>>) -> Common {
        let new: BTreeMap<&DeploymentName, &Arc<Declaration>> = self
            .by_name
            .iter()
            .filter_map(|(name, lowered)| Some((name, lowered.result.as_ref().ok()?)))
            .collect();
        let mut last: BTreeMap<&DeploymentName, DesiredState> = BTreeMap::new();
        let mut standing: BTreeMap<&DeploymentName, BTreeSet<String>> = BTreeMap::new();
        for (&name, known) in known.iter().filter(|(name, _)| !snapshot.is_gone(name)) {
            let Some(before) = known.declared.filter(|before| before.removed_at.is_none()) else { continue };
            let claims = match new.get(name).filter(|declared| declared.document == before.document) {
                Some(declared) => desired::standing(&declared.desired),
                None => {
                    let Some(state) = known::lowered(before) else { continue };
                    let claims = desired::standing(&state);
                    last.insert(name, state);
                    claims
                }
            };
            standing.insert(name, claims);
        }
        let mut refused: BTreeMap<DeploymentName, Vec<Finding>> = BTreeMap::new();
        loop {
            let current = new.iter().filter(|(name, _)| !refused.contains_key(**name));
            let kept =
                last.iter().filter(|(name, _)| refused.contains_key(**name) || !new.contains_key(**name));
            let states = current.map(|(_, declared)| &declared.desired).chain(kept.map(|(_, state)| state));
            let common = desired::common(states, &standing);
            let before = refused.len();
            let found = common.conflicts.into_iter().filter(|(name, _)| new.contains_key(name));
            for (name, conflicts) in found {
                refused.entry(name).or_insert(conflicts);
            }
            if refused.len() == before {
                return Common { conflicts: refused, shared: common.shared };
            }
        }
    }
}

/// The errors of a document that has the right form, each at its place.
pub fn semantic_errors(declared: &specs::StoredDocument) -> Vec<Finding> {
    let (_, mut findings) = desired::lower(&declared.document(), Generation(1));
    findings.retain(Finding::is_error);
    declared.locate(&mut findings);
    findings
}

fn lower(declared: &Arc<specs::StoredDocument>, known: Option<Known<'_>>) -> LoweredDocument {
    let document = declared.document();
    let json = document.to_json();
    let generation = generation(&json, known);
    let (desired, mut findings) = desired::lower(&document, generation);
    declared.locate(&mut findings);
    let result = match desired {
        Some(desired) => Ok(Arc::new(Declaration {
            document: declared.text.clone(),
            desired,
            source: declared.source.clone(),
            findings,
            newest_generation: generation,
            removed_at: None,
            doubted: false,
            deletion_confirmed: false,
            requests: Vec::new(),
            given_up: BTreeMap::new(),
        })),
        None => Err(findings),
    };
    LoweredDocument { document: Arc::clone(declared), result }
}

/// Compares a snapshot with what is known. The controller and `ctl plan` both ask here, so a dry
/// run starts from what a pass would start from.
///
/// **Guarantees**: an invalid edit, a broken file or a store that cannot be read removes nothing:
/// the last valid version stays in force, with the findings. A document that is gone is orphaned or
/// torn down as its own `deletionPolicy` says, unless the guard holds pruning.
pub fn changes(
    cache: &mut LoweringCache,
    snapshot: &Snapshot,
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    requests: &[Request],
    now: Timestamp,
) -> Changes {
    cache.update(snapshot, known);
    let unread = cache.unread(snapshot);
    let (mut by_name, refused) = in_force(cache, snapshot);
    for (name, findings) in refused {
        let change = match known.get(&name).and_then(|known| last_good(known.declared)) {
            Some(mut declared) => {
                declared.desired.shared = cache.common.shared.get(&name).cloned().unwrap_or_default();
                declared.newest_generation = declared.desired.generation.next();
                declared.findings = findings;
                declared.removed_at = None;
                declared.doubted = false;
                DeclarationChange::InForce(Arc::new(declared))
            }
            None => {
                let lowered = cache.by_name.get(&name).filter(|lowered| lowered.result.is_err());
                let kind = lowered.map(|lowered| lowered.document.kind.to_string()).unwrap_or_default();
                DeclarationChange::Refused(Box::new(refused_status(&name, kind, findings, now)))
            }
        };
        by_name.insert(name, change);
    }
    let confirmed = requests.iter().filter(|request| request.is_confirmation());
    let confirmed = confirmed.map(|request| request.deployment.clone()).collect();
    let prune_held = removed(snapshot, known, &confirmed, now, &mut by_name);
    warn_of_ended_suspensions(snapshot, &mut by_name, now);
    let mut problems = snapshot.problems.clone();
    problems.extend(warn_of_lost_records(known, &mut by_name, now));
    let left = known.iter().filter(|(_, known)| known.orphaned).map(|(name, _)| (*name).clone()).collect();
    apply_requests(requests, &mut by_name, left, now);
    handover::hand_over(known, &mut by_name, &unread, (&snapshot.absent, &snapshot.settling), now);
    Changes { by_name, problems, prune_held }
}

/// What is in force of what the store holds; and what is refused, with what is wrong with it.
fn in_force(
    cache: &LoweringCache,
    snapshot: &Snapshot,
) -> (BTreeMap<DeploymentName, DeclarationChange>, BTreeMap<DeploymentName, Vec<Finding>>) {
    let mut by_name = BTreeMap::new();
    let mut refused: BTreeMap<DeploymentName, Vec<Finding>> = snapshot.refused.clone();
    for (name, partial) in &snapshot.partial {
        // A typo in one field does not hide what is wrong with the others.
        refused.entry(name.clone()).or_default().extend(semantic_errors(partial));
    }
    for (name, lowered) in &cache.by_name {
        let declared = match &lowered.result {
            Ok(declared) => declared,
            Err(findings) => {
                refused.entry(name.clone()).or_default().extend(findings.iter().cloned());
                continue;
            }
        };
        if let Some(conflicts) = cache.common.conflicts.get(name) {
            // Two documents that claim one thing: one of them is refused.
            let mut found = conflicts.clone();
            lowered.document.locate(&mut found);
            let findings = declared.findings.iter().cloned().chain(found);
            refused.entry(name.clone()).or_default().extend(findings);
            continue;
        }
        let declared = match refused.remove(name) {
            // The text in the store is refused; this is its last good version.
            Some(findings) => {
                let newest_generation = declared.desired.generation.next();
                Arc::new(Declaration { newest_generation, findings, ..(**declared).clone() })
            }
            None => Arc::clone(declared),
        };
        by_name.insert(name.clone(), DeclarationChange::InForce(declared));
    }
    (by_name, refused)
}

/// The generation of a document: one more than the stored one when its spec or kind changed.
fn generation(json: &serde_json::Value, known: Option<Known<'_>>) -> Generation {
    let Some(before) = known.and_then(|known| known.declared) else { return Generation(1) };
    let stored = before.document.to_json();
    let same = json["spec"] == stored["spec"]
        && json["kind"] == stored["kind"]
        && json["metadata"]["annotations"][RETRY_ANNOTATION]
            == stored["metadata"]["annotations"][RETRY_ANNOTATION];
    if same { before.generation } else { before.generation.next() }
}

/// The last valid version of a document, as it was stored.
fn last_good(stored: Option<&LastGoodDocument>) -> Option<Declaration> {
    let stored = stored?;
    let document = stored.document.document().ok()?;
    let (desired, findings) = desired::lower(&document, stored.generation);
    Some(Declaration {
        document: stored.document.clone(),
        desired: desired?,
        source: stored.source.clone(),
        findings,
        newest_generation: stored.generation,
        removed_at: stored.removed_at,
        doubted: stored.doubted,
        deletion_confirmed: false,
        requests: Vec::new(),
        given_up: BTreeMap::new(),
    })
}

/// Documents that the store no longer holds. Returns why pruning is held, when it is.
fn removed(
    snapshot: &Snapshot,
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    confirmed: &BTreeSet<DeploymentName>,
    now: Timestamp,
    by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
) -> Option<String> {
    let names_where = |which: fn(&LastGoodDocument) -> bool| -> BTreeSet<DeploymentName> {
        let such = known.iter().filter(|(_, known)| known.declared.is_some_and(which));
        such.map(|(name, _)| (*name).clone()).collect()
    };
    let before = names_where(|declared| declared.removed_at.is_none());
    let doubted = names_where(|declared| declared.doubted);
    let seen: BTreeSet<DeploymentName> =
        before.iter().filter(|name| !snapshot.is_gone(name)).cloned().collect();
    let decision = PruneGuard::decide(&before, &doubted, &seen, confirmed);
    let mut prune_held = decision.because.clone();
    for (&name, known) in known {
        if by_name.contains_key(name) {
            continue;
        }
        let Some(mut declared) = last_good(known.declared) else {
            // No version of it was ever valid, so nothing was ever made for it; unless that is not
            // known any more.
            let was_lost = known.lost.is_some_and(|lost| lost.is_told(now));
            if known.declared.is_none() && snapshot.is_gone(name) && !was_lost {
                by_name.insert(name.clone(), DeclarationChange::Gone);
            }
            continue;
        };
        declared.deletion_confirmed = confirmed.contains(name);
        let is_asked = declared.removed_at.is_none() && snapshot.is_gone(name);
        let is_asked = is_asked && !declared.deletion_confirmed && known.has_served;
        let breaks = is_asked.then(|| breaks(&declared, known.made, snapshot, by_name)).flatten();
        let held = decision.held.contains(name) || breaks.is_some();
        // Only the document itself, or a person's word, ends the doubt; that the store could not be
        // read does not.
        declared.doubted = held || (declared.doubted && !decision.prune.contains(name));
        let gone_before = declared.removed_at.is_some();
        let because = breaks.or_else(|| decision.because.clone());
        if (decision.prune.contains(name) && !held) || gone_before {
            declared.removed_at = declared.removed_at.or(Some(now));
            if known.orphaned && declared.is_orphaned() {
                continue;
            }
        } else if let Some(because) = because {
            declared.findings.push(Finding::warning("", because.clone(), ""));
            prune_held.get_or_insert(because);
        } else {
            declared.findings.extend(snapshot.problems.iter().cloned());
        }
        by_name.insert(name.clone(), DeclarationChange::InForce(Arc::new(declared)));
    }
    prune_held
}

/// Why a removal that would delete what serves is held until a person confirms it: the store holds
/// nothing any more, or what is to be deleted is declared by another document by now and cannot go
/// over to it.
fn breaks(
    gone: &Declaration,
    made: Made<'_>,
    snapshot: &Snapshot,
    by_name: &BTreeMap<DeploymentName, DeclarationChange>,
) -> Option<String> {
    if gone.desired.deletion_policy != DeletionPolicy::Delete {
        return None;
    }
    let name = &gone.desired.deployment;
    let confirm = format!("`ctl delete {name} --confirm {name}`");
    if snapshot.is_empty() {
        return Some(format!(
            "the store holds no document any more, so `{name}` is not deleted; bring it back, or confirm with {confirm}"
        ));
    }
    let living = by_name.values().filter_map(|change| match change {
        DeclarationChange::InForce(declared) if declared.removed_at.is_none() => Some(declared),
        _ => None,
    });
    living.filter(|other| other.desired.deployment != *name).find_map(|other| {
        let claim = handover::cannot_go_over(gone, other, made)?;
        let other = &other.desired.deployment;
        Some(format!(
            "`{name}` is not deleted, for `{other}` declares what belongs to it and could serve only after it is gone (the {claim}); name that \
             document `{name}` again, declare something else there, or confirm the deletion with {confirm}: then nothing serves until `{other}` has \
             made it anew"
        ))
    })
}

/// Warns of a suspension that has ended: who reads the document may believe that it still holds.
fn warn_of_ended_suspensions(
    snapshot: &Snapshot,
    by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
    now: Timestamp,
) {
    for (name, change) in by_name {
        let DeclarationChange::InForce(declared) = change else { continue };
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
        Arc::make_mut(declared).findings.extend(warning);
    }
}

/// Warns of records that could not be read; what is found where no document is left belongs to the
/// store as a whole.
fn warn_of_lost_records(
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
    now: Timestamp,
) -> Vec<Finding> {
    let told = known.iter().filter_map(|(name, known)| Some((*name, known.lost?)));
    let mut problems = Vec::new();
    for (name, lost) in told.filter(|(_, lost)| lost.is_told(now)) {
        let because = &lost.because;
        match by_name.get_mut(name) {
            Some(DeclarationChange::InForce(declared)) => {
                let declared = Arc::make_mut(declared);
                declared.findings.push(Finding::warning("", because, RECORD_LOST));
            }
            Some(DeclarationChange::Refused(status)) => {
                status.findings.push(Finding::warning("", because, RECORD_LOST));
            }
            Some(DeclarationChange::Gone) | None => {
                let message = format!("no document that can be read declares `{name}`, and {because}");
                let help = format!(
                    "bring the document back; or delete by hand what carries the tag `{TAG_OWNER}: {name}`"
                );
                problems.push(Finding::warning("", message, help));
            }
        }
    }
    problems
}

/// The record of a deployment of which the one before cannot be read.
pub(super) fn begun_anew(name: DeploymentName, error: &state::Error, now: Timestamp) -> Record {
    let because = error.to_string();
    let message = format!("{because}; {RECORD_LOST}");
    let event = events::event(now, EventKind::Warning, EventReason::RecordLost, "", message);
    let lost = Some(LostRecord { at: now, because });
    Record { events: vec![event], lost, ..Record::new(name) }
}

/// Adds what people ask for to the declarations; who adopts may take what documents left that are
/// gone. Of two suspensions, the declared one and a pause
/// that was asked for, the longer one holds.
fn apply_requests(
    requests: &[Request],
    by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
    left: BTreeSet<DeploymentName>,
    now: Timestamp,
) {
    let living = |(name, change): (&DeploymentName, &DeclarationChange)| match change {
        DeclarationChange::InForce(declared) => declared.removed_at.is_none().then(|| name.clone()),
        DeclarationChange::Refused(_) | DeclarationChange::Gone => None,
    };
    let adopts = requests.iter().any(Request::adopts);
    let of_store: BTreeSet<DeploymentName> = match adopts {
        true => by_name.iter().filter_map(living).chain(left).collect(),
        false => BTreeSet::new(),
    };
    // What is tried again is tried once there may be writes: taken up in a pause, it would hide
    // what failed for as long as nothing is tried.
    let (retries, others): (Vec<&Request>, Vec<&Request>) =
        requests.iter().partition(|request| matches!(request.kind, RequestKind::Retry { .. }));
    for request in others.into_iter().filter(|request| !request.is_confirmation() && !request.is_over(now)) {
        let Some(DeclarationChange::InForce(declared)) = by_name.get_mut(&request.deployment) else {
            continue;
        };
        let declared = Arc::make_mut(declared);
        declared.requests.push(request.clone());
        if request.adopts() {
            declared.desired.adopt = true;
            declared.desired.adopts_from.clone_from(&of_store);
        }
        if let RequestKind::Continue { component, service_deployment, hook, rollback } = &request.kind {
            let answer = PauseAnswer {
                deployment: service_deployment.clone(),
                hook: hook.clone(),
                rollback: *rollback,
                because: request.to_string(),
            };
            declared.desired.answers.insert(component.clone(), answer);
        }
        let declared_until = declared.desired.suspend.as_ref().map(|suspend| suspend.until);
        let longer = |until: &Timestamp| declared_until.is_none_or(|declared| declared < *until);
        if let Some(until) = request.paused_until(now).filter(longer) {
            let (by, reason) = (request.by.clone(), request.reason.clone());
            declared.desired.suspend = Some(Suspend { by, reason, until });
        }
    }
    for request in retries {
        let Some(DeclarationChange::InForce(declared)) = by_name.get_mut(&request.deployment) else {
            continue;
        };
        if declared.desired.suspend.as_ref().is_none_or(|suspend| suspend.until <= now) {
            Arc::make_mut(declared).requests.push(request.clone());
        }
    }
}

/// What holds in the place of a request that cannot be used: a pause goes on, for nobody ended it.
/// One that was never read holds until the file is deleted or replaced.
pub(super) fn stands_in(damaged: &DamagedRequest, known: &[Request], now: Timestamp) -> Option<Request> {
    let unread = Request {
        deployment: damaged.deployment.clone(),
        kind: RequestKind::Pause { until: UNKNOWN_END },
        by: "somebody".to_owned(),
        reason: String::new(),
        at: now,
    };
    if damaged.slot != unread.slot() {
        return None;
    }
    let is_it =
        |known: &&Request| known.deployment == damaged.deployment && known.paused_until(now).is_some();
    let mut pause = known.iter().find(is_it).cloned().unwrap_or(unread);
    let why = damaged.error.to_string();
    if !pause.reason.contains(&why) {
        pause.reason = format!("{} ({why})", pause.reason).trim().to_owned();
    }
    Some(pause)
}

/// Whether a request counts no more.
///
/// A confirmation is stale once a document is there that was not there before: it was given for an
/// earlier removal, and no later one, perhaps by mistake, may delete data with it. What holds for a
/// time is stale when that has passed, and every other request when there is no such deployment any
/// more.
pub fn is_stale(request: &Request, snapshot: &Snapshot, known: Option<&Known<'_>>, now: Timestamp) -> bool {
    let name = &request.deployment;
    let is_there = snapshot.documents.contains_key(name) || snapshot.refused.contains_key(name);
    let last_good = known.and_then(|known| known.declared);
    if request.is_confirmation() {
        return is_there && last_good.is_none_or(|declared| declared.removed_at.is_some());
    }
    // Of a record that was lost nobody knows what was made for it: what is asked for holds once its
    // document is back.
    let is_nothing = |known: &Known<'_>| known.declared.is_none() && known.lost.is_none();
    let is_gone = known.is_none_or(|known| is_nothing(known) || known.orphaned);
    request.is_over(now) || (!is_there && is_gone)
}

fn refused_status(
    name: &DeploymentName,
    kind: String,
    findings: Vec<Finding>,
    now: Timestamp,
) -> DeploymentStatus {
    DeploymentStatus {
        name: name.clone(),
        kind,
        generation: Generation(1),
        observed_generation: Generation(0),
        source: place_of(&findings),
        region: String::new(),
        cluster: String::new(),
        conditions: refused_conditions(&findings, now),
        components: BTreeMap::new(),
        waiting_on: Vec::new(),
        findings,
        notes: Vec::new(),
        last_drift: None,
        orphaned: false,
        removing: false,
        updated_at: now,
    }
}

/// Where the first finding is that has a place.
fn place_of(findings: &[Finding]) -> Source {
    let place = findings.iter().find_map(|finding| finding.place.as_ref());
    let of =
        |place: &Place| Source { file: place.file.clone(), line: place.line, content_hash: String::new() };
    place.map(of).unwrap_or_default()
}

fn refused_conditions(findings: &[Finding], now: Timestamp) -> Vec<Condition> {
    let errors = findings.iter().filter(|finding| finding.is_error());
    let first = errors.clone().next().map(ToString::to_string).unwrap_or_default();
    let errors = errors.count();
    let noun = if errors == 1 { "error" } else { "errors" };
    let refused = format!("{errors} {noun} in the document; the first: {first}");
    let condition = |kind| {
        let (status, message) = match kind {
            ConditionType::Ready | ConditionType::Reconciling => (Truth::False, &*refused),
            ConditionType::Stalled => (Truth::True, &*refused),
            _ => (Truth::Unknown, "nothing was looked at"),
        };
        Condition {
            kind,
            status,
            reason: ConditionReason::InvalidSpec,
            message: message.to_owned(),
            observed_generation: Generation(0),
            last_transition_time: now,
        }
    };
    ConditionType::iter().map(condition).collect()
}

/// Puts the declaration in force into its record, so that no later edit or removal can lose it, and
/// takes up what people ask for; true when their requests are not those of the record.
pub(super) fn record_declaration(record: &mut Record, declared: &Declaration, now: Timestamp) -> bool {
    let handed = handed_over(record, declared, now);
    let brought = brought(record, declared, now);
    events::append(record, handed);
    let mut given_up = declared.given_up.clone();
    if let Some(before) = &record.declared {
        let made = handover::gives_up(before, declared, Made::Recorded(&record.rollout), now);
        made.into_iter().for_each(|(arn, given)| {
            given_up.entry(arn).or_insert(given);
        });
    }
    record.declared = Some(LastGoodDocument {
        generation: declared.desired.generation,
        source: declared.source.clone(),
        document: declared.document.clone(),
        removed_at: declared.removed_at,
        doubted: declared.doubted,
        given_up,
        formers: declared.desired.handover.formers.clone(),
        brought,
    });
    take_up(record, &declared.requests, now)
}

/// Takes up what people ask for; true when that is not what the record knows already.
fn take_up(record: &mut Record, requests: &[Request], now: Timestamp) -> bool {
    if record.requests == requests {
        return false;
    }
    let before = std::mem::replace(&mut record.requests, requests.to_vec());
    for request in requests.iter().filter(|request| !before.contains(request)) {
        let (reason, component) = match &request.kind {
            RequestKind::Retry { component } => {
                rollout::retry(&mut record.rollout, component.as_ref());
                (EventReason::RetryRequested, component.as_ref())
            }
            RequestKind::Pause { .. } => (EventReason::PauseRequested, None),
            RequestKind::Resume => (EventReason::ResumeRequested, None),
            RequestKind::Continue { component, .. } => (EventReason::ContinueRequested, Some(component)),
            RequestKind::Adopt { .. } => (EventReason::AdoptionRequested, None),
            RequestKind::ConfirmDeletion => continue,
        };
        let object = component.map(|component| format!("component/{component}")).unwrap_or_default();
        let event = events::event(now, EventKind::Normal, reason, &object, request.to_string());
        events::append(record, [event]);
    }
    true
}

/// The components that a declaration brings, with those that came a moment before it.
fn brought(record: &Record, declared: &Declaration, now: Timestamp) -> Option<Box<Brought>> {
    let before = record.declared.as_ref();
    let is_same = |before: &&LastGoodDocument| {
        before.document == declared.document && before.removed_at == declared.removed_at
    };
    if let Some(before) = before.filter(is_same) {
        return before.brought.clone();
    }
    // Of a document that comes back everything is new.
    let there = before.filter(|before| before.removed_at.is_none());
    let known = there.and_then(known::lowered).map(|last| last.components).unwrap_or_default();
    let lately = before.and_then(|before| before.brought.as_ref());
    let lately = lately.filter(|brought| HeldBack::until(brought.at, now).is_some());
    let is_new = |name: &&ComponentName| {
        !known.contains_key(*name) || lately.is_some_and(|lately| lately.components.contains(*name))
    };
    let components: BTreeSet<_> = declared.desired.components.keys().filter(is_new).cloned().collect();
    (!components.is_empty()).then(|| Box::new(Brought { at: now, components }))
}

/// What another document goes on with by now, once each.
fn handed_over(record: &Record, declared: &Declaration, now: Timestamp) -> Vec<Event> {
    let known = record.declared.as_ref().map(|before| &before.given_up);
    let was_told = |arn: &String, to: &DeploymentName| {
        known.and_then(|known| known.get(arn)).is_some_and(|before| before.to.as_ref() == Some(to))
    };
    let handed = declared.given_up.iter().filter_map(|(arn, given)| Some((arn, given.to.as_ref()?, given)));
    let event = |(arn, to, given): (&String, &DeploymentName, &GivenUp)| {
        let object = given.resource.as_ref().map(ToString::to_string).unwrap_or_default();
        let message = format!("`{to}` declares it now, and goes on with it as it stands ({arn})");
        events::event(now, EventKind::Normal, EventReason::HandedOver, &object, message)
    };
    handed.filter(|(arn, to, _)| !was_told(arn, to)).map(event).collect()
}

/// Says in a record that its document is gone and what was made for it stays; false when it says so
/// already.
pub(super) fn orphan(record: &mut Record, now: Timestamp) -> bool {
    let Some(status) = record.status.as_mut().filter(|status| !status.orphaned) else { return false };
    let status = Arc::make_mut(status);
    status.orphaned = true;
    status.updated_at = now;
    let message = "the document is gone; everything that was made for it stays (deletionPolicy: Retain)";
    let happened: Event =
        events::event(now, EventKind::Warning, EventReason::Orphaned, "", message.to_owned());
    events::append(record, [happened]);
    true
}
