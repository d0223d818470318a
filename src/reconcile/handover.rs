//! What goes over from one document of the store to another. Pure.
//!
//! A component moves to another file, a document gets another name: what one document claimed (a
//! service, a listener, a rule) another one claims now. To delete it for the one and to make it
//! anew for the other would be an outage, so it goes over as it stands: it is no longer of the
//! first, whatever its tag says, and the second writes its own tag on it before anything else.

use super::entry::Declaration;
use super::known::{DeclarationChange, Known, Made, lowered};
use super::succession::{Claimant, Given, Succession};
use crate::desired;
use crate::model::arn::{family_of, is_in, is_service, target_group_name};
use crate::model::desired::{DesiredComponent, DesiredState, Workload};
use crate::model::handover::{GivenUp, HeldBack, Runs};
use crate::model::ids::{ComponentName, DeploymentName};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::status::LastGoodDocument;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the store declares without being in force.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// A text of which nobody knows what it declares.
    pub(super) text: Option<String>,
    /// What documents claim that are refused because of others.
    pub(super) claims: BTreeMap<String, DeploymentName>,
    /// What they would run, by the names of their components.
    pub(super) runs: Vec<(DeploymentName, ComponentName, Runs)>,
}

impl Unread {
    /// What may be about to claim this, in words.
    fn claimant(&self, given: &GivenUp) -> Option<String> {
        let alike = || {
            let (runs, id) = given.runs.as_ref().zip(given.resource.as_ref())?;
            let mut all = self.runs.iter();
            let found =
                all.find(|(_, name, other)| id.key == name.as_str() || runs.programs == other.programs);
            found.map(|(document, ..)| document)
        };
        self.claims.get(&given.claim).or_else(alike).map(refused).or_else(|| self.text.clone())
    }
}

/// A document that is refused, in words.
pub(super) fn refused(name: &DeploymentName) -> String {
    format!("document `{name}`, which is refused,")
}

/// The first thing that a document claims which another one claims, too, and which cannot go over:
/// nothing that was made for it is known. In words.
pub(super) fn cannot_go_over(one: &Declaration, other: &Declaration, made: Made<'_>) -> Option<String> {
    let others = desired::claimed(&other.desired);
    let hidden = |id: &ResourceId| !id.kind.info().holds_data && made.arns(id).is_empty();
    let mut contested =
        desired::claimed(&one.desired).into_iter().filter(|(claim, _)| others.contains_key(claim));
    contested.find(|(_, id)| id.kind != ResourceKind::TaskDefinition && hidden(id)).map(|(claim, _)| claim)
}

/// Says in the declarations what goes over from one document to another.
///
/// What a document claimed and does not claim any more is given up, until its record knows it no
/// longer. Whoever claims it now, in force, takes it over; what was left by a document that is
/// gone, only who takes it over in the same half minute, or adopts.
///
/// What nobody claims is not removed at once: the files of one commit may come one after the
/// other. Nor is it while the store may hold a document that claims it and is not in force.
///
/// Of a document that is missing and may come back (`missing`) nothing is given up; but what may
/// not run beside what it started waits from now on. While the next look at the store tells whether
/// it is gone (`settling`), it starts nothing.
///
/// **Guarantees**: costs nothing while no document changes; nothing goes over that its document
/// still claims, or that is not known by its ARN.
pub(super) fn hand_over(
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
    unread: &Unread,
    (missing, settling): (&BTreeSet<DeploymentName>, &BTreeSet<DeploymentName>),
    now: Timestamp,
) {
    let mut given = all_given_up(known, by_name, now);
    let is_awaited = Succession::is_awaited(known) || Succession::is_in_the_making(known, by_name);
    if given.is_empty() && missing.is_empty() && !is_awaited {
        return;
    }
    let claimants = claimants(by_name);
    let settled = settled(known, by_name);
    for (&name, given_up) in &mut given {
        let Some(from) = known.get(name) else { continue };
        for (arn, given) in given_up.iter_mut() {
            let claimant = claimants.get(&given.claim).filter(|other| other.document != *name);
            given.to = taker(arn, given, from, claimant, known, now);
        }
        given_up.retain(|arn, given| {
            // Revisions are known no longer than their component.
            let is_awaited =
                || unread.claimant(given).is_some() || HeldBack::until(given.since, now).is_some();
            from.made.knows(arn) || given.to.as_ref().map_or_else(is_awaited, |to| !settled.contains(to))
        });
    }
    let leaving = missing.iter().filter_map(|name| {
        let known = known.get(name)?;
        Some((name, all_of(known.declared?, known.made, now)))
    });
    let succession = Succession::of(known, by_name, (&mut given, &leaving.collect()), &claimants, now);
    for (name, given_up) in given {
        if known.get(name).is_some_and(|from| is_left_to_others(from, by_name.get(name), &given_up, &settled))
        {
            by_name.insert(name.clone(), DeclarationChange::Gone);
        } else {
            let shifts = known.get(name).map(|from| shifted_by(from, &given_up)).unwrap_or_default();
            tell(name, given_up, (unread, shifts), by_name);
        }
    }
    succession.tell(by_name, settling);
}

/// What every known document gave up, of those that gave anything up.
fn all_given_up<'k>(
    known: &BTreeMap<&'k DeploymentName, Known<'_>>,
    by_name: &BTreeMap<DeploymentName, DeclarationChange>,
    now: Timestamp,
) -> Given<'k> {
    let of = |(&name, known): (&&'k DeploymentName, &Known<'_>)| {
        let declared = match by_name.get(name) {
            Some(DeclarationChange::InForce(declared)) => Some(declared.as_ref()),
            Some(DeclarationChange::Refused(_) | DeclarationChange::Gone) => return None,
            None => None,
        };
        Some((name, given_up(known.declared?, declared, known.made, now)))
    };
    known.iter().filter_map(of).filter(|(_, given_up)| !given_up.is_empty()).collect()
}

/// Who takes over something that was given up, or has it.
fn taker(
    arn: &str,
    given: &GivenUp,
    from: &Known<'_>,
    claimant: Option<&Claimant>,
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    now: Timestamp,
) -> Option<DeploymentName> {
    // The files of one change may come one after the other, and a pass that was under way when the
    // document went may have made more.
    let at_once = HeldBack::until(given.since, now).is_some();
    let has_it = |other: &Claimant| given.to.as_ref() == Some(&other.document);
    let may = |other: &&Claimant| !from.orphaned || other.adopts || at_once || has_it(other);
    let taker = claimant.filter(may).map(|other| other.document.clone());
    // Who has it keeps it, though it is to be another one by now: a rule of another priority takes
    // its place later.
    let has = |to: &&DeploymentName| known.get(*to).is_some_and(|taker| taker.made.knows(arn));
    taker.or_else(|| given.to.as_ref().filter(has).cloned())
}

/// Whether a document is gone, and all that it left behind went over to others. One of which
/// nothing is known to have been made did not leave that to anybody.
fn is_left_to_others(
    from: &Known<'_>,
    change: Option<&DeclarationChange>,
    given_up: &BTreeMap<String, GivenUp>,
    settled: &BTreeSet<DeploymentName>,
) -> bool {
    let is_taken = |arn: &str| {
        let to = given_up.get(arn).and_then(|given| given.to.as_ref());
        to.is_some_and(|to| settled.contains(to))
    };
    // What was asked for without an answer may be there, and nobody else knows of it.
    let is_known = from.made.rollout().is_none_or(|rollout| rollout.asked.is_empty());
    let went_over =
        given_up.keys().any(|arn| is_taken(arn)) && from.made.all().iter().all(|arn| is_taken(arn));
    (from.orphaned || is_doubted(change)) && went_over && is_known
}

/// Services of a document whose traffic ECS shifts by rules that it gave up, by ARN of the rule.
fn shifted_by(from: &Known<'_>, given_up: &BTreeMap<String, GivenUp>) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rules: Vec<(&String, &ResourceId)> = given_up
        .iter()
        .filter_map(|(arn, given)| Some((arn, given.resource.as_ref()?)))
        .filter(|(_, id)| id.kind == ResourceKind::Rule)
        .collect();
    let last = from.declared.filter(|_| !rules.is_empty()).and_then(lowered);
    for component in last.iter().flat_map(|last| last.components.values()) {
        let named = component.shifting_rules();
        let by: Vec<_> = rules.iter().filter(|(_, id)| named.contains(&id.key.as_str())).collect();
        let service = ResourceId::new(ResourceKind::Service, component.name.as_str());
        for (arn, _) in by {
            found.entry((*arn).clone()).or_default().extend(from.made.arns(&service));
        }
    }
    found
}

/// Says to both sides what goes over.
fn tell(
    name: &DeploymentName,
    given_up: BTreeMap<String, GivenUp>,
    (unread, mut shifts): (&Unread, BTreeMap<String, BTreeSet<String>>),
    by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
) {
    for (arn, to) in given_up.iter().filter_map(|(arn, given)| Some((arn, given.to.as_ref()?))) {
        if let Some(DeclarationChange::InForce(taker)) = by_name.get_mut(to) {
            let handover = &mut Arc::make_mut(taker).desired.handover;
            handover.from.insert(arn.clone(), name.clone());
            if let Some(services) = shifts.remove(arn) {
                let services = services.into_iter().map(|service| (service, name.clone()));
                handover.shifted_by.entry(arn.clone()).or_default().extend(services);
            }
        }
    }
    if let Some(DeclarationChange::InForce(giver)) = by_name.get_mut(name) {
        let giver = Arc::make_mut(giver);
        let taken = given_up.iter().filter_map(|(arn, given)| Some((arn.clone(), given.to.clone()?)));
        giver.desired.handover.to = taken.collect();
        if !giver.deletion_confirmed {
            giver.desired.handover.held_back = held_back(&given_up, unread);
        }
        giver.given_up = given_up;
    }
}

/// Deployments of which all that they declare by now was seen to be there and healthy.
fn settled(
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    by_name: &BTreeMap<DeploymentName, DeclarationChange>,
) -> BTreeSet<DeploymentName> {
    let ready = known.iter().filter(|(_, known)| known.ready);
    let is_still = |name: &DeploymentName, known: &Known<'_>| match by_name.get(name) {
        Some(DeclarationChange::InForce(declared)) => {
            known.declared.is_some_and(|before| before.generation == declared.desired.generation)
        }
        Some(DeclarationChange::Refused(_) | DeclarationChange::Gone) | None => true,
    };
    ready.filter(|(name, known)| is_still(name, known)).map(|(name, _)| (*name).clone()).collect()
}

/// Whether the store holds the document no more, and that is not believed.
fn is_doubted(change: Option<&DeclarationChange>) -> bool {
    matches!(change, Some(DeclarationChange::InForce(declared)) if declared.doubted)
}

/// Until when, or why, what nobody claims by now is not removed yet.
fn held_back(given_up: &BTreeMap<String, GivenUp>, unread: &Unread) -> BTreeMap<String, HeldBack> {
    let nobodys = given_up.iter().filter(|(_, given)| given.to.is_none());
    let held = |given: &GivenUp| HeldBack { since: given.since, unread: unread.claimant(given) };
    nobodys.map(|(arn, given)| (arn.clone(), held(given))).collect()
}

/// What a document gave up: by ARN what its last version claimed and this one does not, with what
/// was given up before.
fn given_up(
    before: &LastGoodDocument,
    declared: Option<&Declaration>,
    made: Made<'_>,
    now: Timestamp,
) -> BTreeMap<String, GivenUp> {
    let mut given_up = before.given_up.clone();
    let new = declared.map(|declared| gives_up(before, declared, made, now)).unwrap_or_default();
    // Of a document that is gone its passes may find more, where its record was lost.
    let gone = declared.filter(|declared| !is_living(declared));
    let learns = gone.is_some() && made.all().iter().any(|arn| !before.given_up.contains_key(*arn));
    let found = if learns { all_of(before, made, now) } else { BTreeMap::new() };
    if given_up.is_empty() && new.is_empty() && found.is_empty() {
        return given_up;
    }
    given_up.extend(new);
    for (arn, given) in found {
        given_up.entry(arn).or_insert(given);
    }
    let living = declared.filter(|declared| is_living(declared));
    let claims = living.map(|living| desired::claimed(&living.desired)).unwrap_or_default();
    given_up.retain(|_, given| !claims.contains_key(&given.claim));
    given_up
}

/// Whether the store holds a document, as far as is believed: of another one, others may declare
/// what it did.
fn is_living(declared: &Declaration) -> bool {
    declared.removed_at.is_none() && !declared.doubted
}

/// What a declaration gives up that the one before it claimed, by ARN, as far as is known now: a
/// pass that was under way when the document changed may have made more.
pub(super) fn gives_up(
    before: &LastGoodDocument,
    declared: &Declaration,
    made: Made<'_>,
    now: Timestamp,
) -> BTreeMap<String, GivenUp> {
    let was_living = before.removed_at.is_none() && !before.doubted;
    if declared.document == before.document && is_living(declared) == was_living {
        return BTreeMap::new();
    }
    let claims = if is_living(declared) { desired::claimed(&declared.desired) } else { BTreeMap::new() };
    let mut all = all_of(before, made, now);
    all.retain(|_, given| !claims.contains_key(&given.claim));
    all
}

/// All that the last version of a document claimed, as if it were given up.
fn all_of(before: &LastGoodDocument, made: Made<'_>, now: Timestamp) -> BTreeMap<String, GivenUp> {
    let mut all = BTreeMap::new();
    let Some(last) = lowered(before) else { return all };
    for (claim, id) in desired::claimed(&last) {
        let given = |id: &ResourceId, runs| {
            let (claim, resource) = (claim.clone(), Some(id.clone()));
            GivenUp { claim, to: None, since: now, resource, runs }
        };
        let is_run = matches!(id.kind, ResourceKind::Service | ResourceKind::TaskDefinition);
        let component = last.components.get(id.key.as_str()).filter(|_| is_run);
        let runs = component.map(DesiredComponent::runs);
        if id.kind == ResourceKind::TaskDefinition {
            let task = ResourceId::new(ResourceKind::Task, id.key.as_str());
            let tasks = made.arns(&task).into_iter().map(|arn| (arn, given(&task, runs.clone())));
            all.extend(tasks);
        }
        let runs = runs.filter(|_| id.kind == ResourceKind::Service);
        let its = made.arns(&id).into_iter().filter(|arn| is_as_claimed(&last, &id, arn));
        all.extend(its.map(|arn| (arn, given(&id, runs.clone()))));
    }
    all
}

/// Whether what is known under an id is where a version of its document claims it, as far as its
/// ARN tells: an edit that was undone in a moment was never in force, and what stands is of the
/// version before it.
fn is_as_claimed(last: &DesiredState, id: &ResourceId, arn: &str) -> bool {
    let component = last.components.get(id.key.as_str());
    let fits = match id.kind {
        ResourceKind::Service => component.is_none_or(|component| match &component.workload {
            Workload::Service { service_name, .. } => is_service(arn, &last.placement.cluster, service_name),
            Workload::Task { .. } => true,
        }),
        ResourceKind::TaskDefinition => component.is_none_or(|one| family_of(arn) == one.family),
        ResourceKind::TargetGroup => {
            let name = last.resources.get(id).and_then(|group| group.fields["name"].as_str());
            name.is_none_or(|name| target_group_name(arn) == name)
        }
        ResourceKind::Listener
        | ResourceKind::Rule
        | ResourceKind::LogGroup
        | ResourceKind::Alarm
        | ResourceKind::Task => true,
    };
    fits && is_in(&last.placement.region, arn)
}

/// Who claims what, of the documents in force.
fn claimants(by_name: &BTreeMap<DeploymentName, DeclarationChange>) -> BTreeMap<String, Claimant> {
    let mut claimants = BTreeMap::new();
    for (name, change) in by_name {
        let DeclarationChange::InForce(declared) = change else { continue };
        if declared.removed_at.is_some() || declared.doubted {
            continue;
        }
        for (claim, id) in desired::claimed(&declared.desired) {
            let (document, adopts) = (name.clone(), declared.desired.adopt);
            claimants.entry(claim).or_insert(Claimant { document, adopts, id });
        }
    }
    claimants
}
