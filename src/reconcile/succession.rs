//! Which component goes on with what another document began. Pure.
//!
//! A component that moves to another document with the family of its revisions is the same
//! component: what is known of it (what is complete, what failed, what runs) goes over with it. One
//! that gets other names on its way cannot be told for certain: it comes when the old one goes, and
//! has the same key or runs the same programs. So where two such may not run at the same time, the
//! new one starts when the old one was seen to have stopped.

use super::entry::Declaration;
use super::known::{DeclarationChange, Known, lowered};
use crate::model::arn::is_in;
use crate::model::desired::DesiredComponent;
use crate::model::handover::{Former, GivenUp, Handover, HeldBack, Origin, Runs, Successor};
use crate::model::ids::{ComponentName, DeploymentName};
use crate::model::kinds::DeletionPolicy;
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::rollout::RolloutState;
use crate::model::status::{LastGoodDocument, Record};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type ByComponent<T> = BTreeMap<ComponentName, T>;
/// By document: what was given up, by ARN.
pub(super) type Given<'k> = BTreeMap<&'k DeploymentName, BTreeMap<String, GivenUp>>;

/// Who claims something.
#[derive(Debug)]
pub(super) struct Claimant {
    /// The document.
    pub(super) document: DeploymentName,
    /// Whether it adopts.
    pub(super) adopts: bool,
    /// What it is there.
    pub(super) id: ResourceId,
}

/// What components have to do with those of other documents, by the document that declares them
/// now.
#[derive(Debug, Default)]
pub(super) struct Succession {
    inherits: BTreeMap<DeploymentName, BTreeMap<ResourceId, Origin>>,
    formers: BTreeMap<DeploymentName, ByComponent<Vec<Former>>>,
    /// Documents of which nothing is done before the store is looked at again.
    unsettled: BTreeSet<DeploymentName>,
    /// Components that wait for nothing but for something to stop.
    ready: BTreeSet<(DeploymentName, ComponentName)>,
    /// By document and ARN: what is certain to make way, for this.
    certain: BTreeMap<(DeploymentName, String), Successor>,
}

impl Succession {
    /// Finds out who goes on with what, of what was given up and of what is in documents that may
    /// be leaving. Of a component that has begun by itself, or that runs, there is nothing to find.
    pub(super) fn of(
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        by_name: &BTreeMap<DeploymentName, DeclarationChange>,
        (given, leaving): (&mut Given<'_>, &Given<'_>),
        claimants: &BTreeMap<String, Claimant>,
        now: Timestamp,
    ) -> Self {
        let mut found = Self::default();
        for (&from, given_up) in given.iter() {
            let Some(giver) = known.get(from) else { continue };
            for (arn, given) in given_up {
                found.inherit(known, (from, giver), (arn, given), claimants);
            }
        }
        found.take_back(known, given, claimants);
        for (all, is_leaving) in [(&*given, false), (leaving, true)] {
            for (&from, given_up) in all {
                let Some(giver) = known.get(from) else { continue };
                for (arn, given) in given_up {
                    let certain = claimants.get(&given.claim).filter(|_| !is_leaving);
                    found.follow(known, by_name, (from, giver), (arn, given, certain), (is_leaving, now));
                }
            }
        }
        found.remember(known, by_name, given, now);
        found.await_passes(known, by_name, leaving, now);
        for to in found.formers.keys() {
            let waiting = known.get(to).map(Known::wait_for_an_end).unwrap_or_default();
            found.ready.extend(waiting.into_iter().map(|name| (to.clone(), name)));
        }
        found
    }

    /// Whether any document has to be told.
    pub(super) fn is_awaited(known: &BTreeMap<&DeploymentName, Known<'_>>) -> bool {
        known.values().any(|known| known.declared.is_some_and(|declared| !declared.formers.is_empty()))
    }

    /// Whether a pass goes by a version of its document that is not in force any more.
    pub(super) fn is_in_the_making(
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        by_name: &BTreeMap<DeploymentName, DeclarationChange>,
    ) -> bool {
        let mut in_pass = known.iter().filter(|(_, of)| of.made.rollout().is_none());
        in_pass.any(|(name, of)| {
            let last = of.declared.filter(|last| last.removed_at.is_none());
            last.is_some_and(|last| {
                living(by_name, name)
                    .is_none_or(|own| own.removed_at.is_some() || own.document != last.document)
            })
        })
    }

    /// What went over is known to its former document: how far a component is, for all of it goes
    /// with the family of its revisions; what was written of a resource.
    fn inherit(
        &mut self,
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        (from, giver): (&DeploymentName, &Known<'_>),
        (arn, given): (&String, &GivenUp),
        claimants: &BTreeMap<String, Claimant>,
    ) {
        let (Some(to), Some(id)) = (&given.to, &given.resource) else { return };
        let Some(heir) = claimants.get(&given.claim).filter(|_| id.kind != ResourceKind::Task) else {
            return;
        };
        let component = ComponentName::new(&heir.id.key);
        let of_component = id.kind == ResourceKind::TaskDefinition;
        let has_it = known.get(to).is_some_and(|known| {
            if of_component { known.made.has_begun(&component) } else { known.made.knows(arn) }
        });
        let knows = giver
            .made
            .rollout()
            .is_none_or(|rollout| !of_component || rollout.components.contains_key(id.key.as_str()));
        if !has_it && knows {
            let origin = Origin { document: from.clone(), resource: id.clone() };
            self.inherits.entry(to.clone()).or_default().insert(heir.id.clone(), origin);
        }
    }

    /// A task goes over with what is known of its component, or not at all: who claims its family
    /// and has begun by itself waits for its end.
    fn take_back(
        &self,
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        given: &mut Given<'_>,
        claimants: &BTreeMap<String, Claimant>,
    ) {
        for (&from, given_up) in given.iter_mut() {
            let tasks = given_up
                .iter_mut()
                .filter(|(_, given)| given.resource.as_ref().is_some_and(|id| id.kind == ResourceKind::Task));
            for (arn, given) in tasks {
                let Some((to, heir)) = given.to.as_ref().zip(claimants.get(&given.claim)) else { continue };
                let origin = self.inherits.get(to).and_then(|inherits| inherits.get(&heir.id));
                let goes = origin.is_some_and(|origin| origin.document == *from);
                let is_taken = known.get(to).is_some_and(|known| known.made.knows(arn));
                if !goes && !is_taken {
                    given.to = None;
                }
            }
        }
    }

    /// What nobody claims and still runs may be what another document declares by another name.
    fn follow(
        &mut self,
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        by_name: &BTreeMap<DeploymentName, DeclarationChange>,
        (from, giver): (&DeploymentName, &Known<'_>),
        (arn, given, certain): (&String, &GivenUp, Option<&Claimant>),
        (is_leaving, now): (bool, Timestamp),
    ) {
        let (Some(runs), Some(id)) = (&given.runs, &given.resource) else { return };
        if given.to.is_some() || !giver.made.knows(arn) {
            return;
        }
        let former = living(by_name, from);
        let stays = giver.orphaned || former.is_none_or(Declaration::is_orphaned);
        let may_stay = former.is_none_or(|former| former.desired.deletion_policy == DeletionPolicy::Retain);
        // What is taken out of a document goes, whatever the document says.
        let is_whole = is_leaving || former.is_some_and(|former| former.doubted);
        let goes = !(stays || is_whole && may_stay);
        // What was left as it is, and not just now, was left to run.
        if stays && HeldBack::until(given.since, now).is_none() {
            return;
        }
        for (to, declared) in others(by_name, from) {
            for (name, component) in &declared.desired.components {
                let others = component.runs();
                let of = known.get(to);
                let is_heir =
                    certain.is_some_and(|heir| heir.document == *to && heir.id.key == name.as_str());
                let same_kind = (runs.alone, runs.ends) == (others.alone, others.ends);
                let alike = match goes {
                    true => same_programs(runs, &others) || id.key == name.as_str(),
                    false => same_programs(runs, &others) && same_kind,
                };
                if !runs.excludes(&others) || !(is_heir || alike && is_new(of, declared, name, now)) {
                    continue;
                }
                let has_run = of.is_some_and(|of| of.made.has_run(name)) && !is_heir;
                if is_heir || has_run {
                    let component = ComponentName::new(&id.key);
                    let successor =
                        Successor { document: to.clone(), component, ready: has_run, certain: true };
                    self.certain.insert((from.clone(), arn.clone()), successor);
                }
                if !has_run {
                    let (document, resource) = (from.clone(), id.clone());
                    let former = Former { document, resource, arn: arn.clone(), stays, declared_again: None };
                    self.formers.entry(to.clone()).or_default().entry(name.clone()).or_default().push(former);
                }
            }
        }
    }

    /// What was found before, until it was seen to have stopped: the document that it was of may
    /// be forgotten by then. Of what that document declares again there is no successor.
    fn remember(
        &mut self,
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        by_name: &BTreeMap<DeploymentName, DeclarationChange>,
        given: &Given<'_>,
        now: Timestamp,
    ) {
        for (&from, of) in known {
            let Some(before) = of.declared.filter(|declared| !declared.formers.is_empty()) else { continue };
            // What has run by now waits no more.
            let waiting = before.formers.iter().filter(|(name, _)| !of.made.has_run(name));
            let heirs = waiting.flat_map(|(name, formers)| {
                let heirs = waiting_heirs(known, by_name, (from, before), name, now).into_iter();
                heirs.map(move |heir| (heir, formers))
            });
            for ((to, declared, name), formers) in heirs {
                if known.get(to).is_some_and(|of| of.made.has_run(&name)) {
                    continue;
                }
                let found = self.formers.entry(to.clone()).or_default().entry(name).or_default();
                for former in formers.iter().filter(|former| former.document != *to) {
                    let is_declared_again = known.get(&former.document).is_some_and(|giver| {
                        let is_given =
                            given.get(&former.document).is_some_and(|g| g.contains_key(&former.arn));
                        giver.made.knows(&former.arn) && !is_given
                    });
                    // Nobody looks for it from another region: only its own document tells.
                    let is_lost = !is_in(&declared.desired.placement.region, &former.arn)
                        && !known.get(&former.document).is_some_and(|giver| giver.made.knows(&former.arn));
                    // Its document may declare it again because the change is on its way back.
                    let again = is_declared_again.then(|| former.declared_again.unwrap_or(now));
                    let is_over = again.is_some_and(|since| HeldBack::until(since, now).is_none());
                    if !is_over && !is_lost && found.iter().all(|one| one.arn != former.arn) {
                        let stays = known.get(&former.document).map_or(former.stays, |giver| {
                            let now = living(by_name, &former.document);
                            giver.orphaned || now.is_none_or(Declaration::is_orphaned)
                        });
                        found.push(Former { declared_again: again, stays, ..former.clone() });
                    }
                }
            }
        }
    }

    /// Finds out who may come after something that a pass is starting, of which nobody else knows:
    /// the pass goes by a version in which the other document has no part.
    fn await_passes(
        &mut self,
        known: &BTreeMap<&DeploymentName, Known<'_>>,
        by_name: &BTreeMap<DeploymentName, DeclarationChange>,
        leaving: &Given<'_>,
        now: Timestamp,
    ) {
        let in_pass = known.iter().filter(|(_, of)| of.made.rollout().is_none());
        for (&from, giver) in in_pass {
            let Some(last) = giver.declared.filter(|last| last.removed_at.is_none()) else { continue };
            let stays = living(by_name, from)
                .filter(|own| own.removed_at.is_none() && !own.doubted && !leaving.contains_key(from));
            let is_same = stays.is_some_and(|own| own.document == last.document);
            let Some(last) = Some(last).filter(|_| !is_same).and_then(lowered) else { continue };
            let is_dropped =
                |name: &ComponentName| stays.is_none_or(|own| !own.desired.components.contains_key(name));
            let dropped = last.components.iter().filter(|(name, _)| is_dropped(name));
            for (key, runs) in dropped.map(|(key, one)| (key, one.runs())) {
                for (to, declared) in others(by_name, from) {
                    let comes_after = declared.desired.components.iter().any(|(name, one)| {
                        let others = one.runs();
                        let alike = same_programs(&runs, &others) || key == name;
                        alike && runs.excludes(&others) && is_new(known.get(to), declared, name, now)
                    });
                    if comes_after {
                        self.unsettled.insert(to.clone());
                    }
                }
            }
        }
    }

    /// Tells both sides.
    pub(super) fn tell(
        mut self,
        by_name: &mut BTreeMap<DeploymentName, DeclarationChange>,
        settling: &BTreeSet<DeploymentName>,
    ) {
        for (heir, origins) in self.inherits {
            let of_components =
                origins.values().filter(|origin| origin.resource.kind == ResourceKind::TaskDefinition);
            for origin in of_components {
                if let Some(giver) = in_force(by_name, &origin.document) {
                    let component = ComponentName::new(&origin.resource.key);
                    giver.desired.handover.bequeaths.insert(component, heir.clone());
                }
            }
            if let Some(heir) = in_force(by_name, &heir) {
                heir.desired.handover.inherits = origins;
            }
        }
        for name in self.unsettled.iter().chain(settling) {
            if let Some(declared) = in_force(by_name, name) {
                declared.desired.handover.unsettled = true;
            }
        }
        for (successor, mut formers) in self.formers {
            formers.retain(|_, formers| !formers.is_empty());
            for (name, former) in
                formers.iter().flat_map(|(name, formers)| formers.iter().map(move |one| (name, one)))
            {
                let ready = self.ready.contains(&(successor.clone(), name.clone()));
                let (document, component) = (successor.clone(), ComponentName::new(&former.resource.key));
                if let Some(giver) = in_force(by_name, &former.document) {
                    let known = self.certain.remove(&(former.document.clone(), former.arn.clone()));
                    let certain = known.is_some();
                    let successor = Successor { document, component, ready, certain };
                    giver.desired.handover.waited_for.insert(former.arn.clone(), successor);
                }
            }
            if let Some(successor) = in_force(by_name, &successor) {
                successor.desired.handover.formers = formers;
            }
        }
        // What runs beside its successor stops at once.
        for ((giver, arn), successor) in self.certain.into_iter().filter(|(_, successor)| successor.ready) {
            if let Some(giver) = in_force(by_name, &giver) {
                giver.desired.handover.waited_for.insert(arn, successor);
            }
        }
    }
}

fn same_programs(one: &Runs, other: &Runs) -> bool {
    one.programs == other.programs && !one.programs.is_empty()
}

/// Who goes on waiting for what a component waited for: what it is in its own document by now, or,
/// when that has it no more, what has come in its place in another one and runs the same programs.
fn waiting_heirs<'n>(
    known: &BTreeMap<&DeploymentName, Known<'_>>,
    by_name: &'n BTreeMap<DeploymentName, DeclarationChange>,
    (of, before): (&DeploymentName, &LastGoodDocument),
    name: &ComponentName,
    now: Timestamp,
) -> Vec<(&'n DeploymentName, &'n Declaration, ComponentName)> {
    let own = by_name.get_key_value(of).and_then(|(own, _)| Some((own, living(by_name, own)?)));
    if let Some((own, declared)) = own.filter(|(_, declared)| declared.removed_at.is_none()) {
        let heirs = heirs(before, declared, name);
        if !heirs.is_empty() {
            return heirs.into_iter().map(|heir| (own, declared, heir)).collect();
        }
    }
    let last = lowered(before).map(|last| last.components).unwrap_or_default();
    let Some(runs) = last.get(name).map(DesiredComponent::runs) else { return Vec::new() };
    let mut found = Vec::new();
    for (to, declared) in others(by_name, of) {
        for (heir, component) in &declared.desired.components {
            let others = component.runs();
            let alike = same_programs(&runs, &others) && runs.excludes(&others);
            if alike && is_new(known.get(to), declared, heir, now) {
                found.push((to, declared, heir.clone()));
            }
        }
    }
    found
}

/// What a component of the version before is by now: itself, or, when it is declared no more, what
/// came in its place under another key and runs the same programs.
fn heirs(before: &LastGoodDocument, declared: &Declaration, name: &ComponentName) -> Vec<ComponentName> {
    if declared.desired.components.contains_key(name) {
        return vec![name.clone()];
    }
    let last = lowered(before).map(|last| last.components).unwrap_or_default();
    let Some(runs) = last.get(name).map(DesiredComponent::runs) else { return Vec::new() };
    let new = declared.desired.components.iter().filter(|(heir, _)| !last.contains_key(*heir));
    new.filter(|(_, one)| same_programs(&runs, &one.runs())).map(|(heir, _)| heir.clone()).collect()
}

/// Whether a component came with the version of a document that is in force now, or a moment before
/// it: what was declared beside something is not its successor.
fn is_new(known: Option<&Known<'_>>, declared: &Declaration, name: &ComponentName, now: Timestamp) -> bool {
    let Some(before) = known.and_then(|known| known.declared) else { return true };
    let came = before.brought.as_ref().filter(|brought| HeldBack::until(brought.at, now).is_some());
    let came_lately = came.is_some_and(|brought| brought.components.contains(name));
    let comes_now = || {
        let has = || lowered(before).is_some_and(|last| last.components.contains_key(name));
        before.removed_at.is_some() || (before.document != declared.document && !has())
    };
    came_lately || comes_now()
}

/// The other documents that the store holds, as far as is believed: what one lets go of may be
/// theirs.
fn others<'n>(
    by_name: &'n BTreeMap<DeploymentName, DeclarationChange>,
    of: &DeploymentName,
) -> impl Iterator<Item = (&'n DeploymentName, &'n Declaration)> {
    let all = by_name.keys().filter_map(|name| Some((name, living(by_name, name)?)));
    all.filter(move |(name, declared)| *name != of && declared.removed_at.is_none() && !declared.doubted)
}

fn living<'n>(
    by_name: &'n BTreeMap<DeploymentName, DeclarationChange>,
    name: &DeploymentName,
) -> Option<&'n Declaration> {
    match by_name.get(name) {
        Some(DeclarationChange::InForce(declared)) => Some(declared),
        Some(DeclarationChange::Refused(_) | DeclarationChange::Gone) | None => None,
    }
}

fn in_force<'n>(
    by_name: &'n mut BTreeMap<DeploymentName, DeclarationChange>,
    name: &DeploymentName,
) -> Option<&'n mut Declaration> {
    match by_name.get_mut(name) {
        Some(DeclarationChange::InForce(declared)) => Some(Arc::make_mut(declared)),
        Some(DeclarationChange::Refused(_) | DeclarationChange::Gone) | None => None,
    }
}

/// Takes over what another document knows of something, unless it is known already.
///
/// **Guarantees**: what the heir knows is not changed; a second call changes nothing.
pub fn inherit(heir: &mut RolloutState, id: &ResourceId, origin: &Origin, from: &RolloutState) {
    if id.kind == ResourceKind::TaskDefinition {
        inherit_component(heir, &id.key, &origin.resource.key, from);
    } else {
        inherit_resource(heir, id, &origin.resource, from);
    }
}

/// What was put on something is taken off by whoever does not declare it. It need not stand where
/// it is declared: the last edit may not be in force, so it is known by its ARN.
fn inherit_resource(heir: &mut RolloutState, to: &ResourceId, of: &ResourceId, from: &RolloutState) {
    let Some(known) = from.resources.get(of) else { return };
    let own = heir.resources.entry(to.clone()).or_default();
    if own.arn.is_none() && own.written.is_empty() {
        own.written = known.put_on().map(str::to_owned).collect();
        own.written.sort();
        own.written.dedup();
        own.arn.clone_from(&known.arn);
        own.inherited = own.arn.is_some();
    }
    heir.resources.retain(|_, known| !known.is_empty());
}

fn inherit_component(heir: &mut RolloutState, to: &str, of: &str, from: &RolloutState) {
    let Some(known) = from.components.get(of) else { return };
    if heir.components.get(to).is_some_and(|own| own.has_begun()) {
        return;
    }
    heir.components.insert(ComponentName::new(to), known.clone());
    let definition = |name: &str| ResourceId::new(ResourceKind::TaskDefinition, name);
    inherit_resource(heir, &definition(to), &definition(of), from);
    let task = |name: &str| ResourceId::new(ResourceKind::Task, name);
    if let Some(run) = from.resources.get(&task(of)) {
        let own = heir.resources.insert(task(to), run.clone());
        // What it had before is left over.
        if let Some((own, arn)) = own.and_then(|own| Some((own.clone(), own.arn?))) {
            heir.resources.insert(ResourceId::left_over(ResourceKind::Task, &arn), own);
        }
    }
    // The content is known by the versions of its secrets, too.
    for (id, version) in &from.secrets {
        heir.secrets.entry(id.clone()).or_insert_with(|| version.clone());
    }
}

/// Forgets what was to come over and does not any more: its document declares something else.
pub fn disinherit(heir: &mut RolloutState, handover: &Handover) {
    let comes = |arn: &Option<String>| arn.as_ref().is_some_and(|arn| handover.from.contains_key(arn));
    for known in heir.resources.values_mut().filter(|known| known.inherited && !comes(&known.arn)) {
        (known.arn, known.inherited) = (None, false);
    }
    heir.resources.retain(|_, known| !known.is_empty());
}

/// Takes over all that a document inherits, as far as the records show it.
pub fn inherit_all<'r>(
    heir: &mut RolloutState,
    handover: &Handover,
    record: impl Fn(&DeploymentName) -> Option<&'r Record>,
) {
    disinherit(heir, handover);
    for (id, origin) in &handover.inherits {
        if let Some(from) = record(&origin.document) {
            inherit(heir, id, origin, &from.rollout);
        }
    }
}
