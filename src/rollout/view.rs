//! One component as its step sees it: what is wanted, what is registered, what keeps it.

use super::input::StepInput;
use crate::model::arn::{family_of, revision_number};
use crate::model::desired::{DesiredComponent, ResolvedComponent};
use crate::model::ids::{ComponentName, ContentHash};
use crate::model::normalise::is_same_definition;
use crate::model::observed::{ObservedDefinition, Seen};
use crate::model::owner::{Owner, OwnershipBasis};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, TAG_HASH};
use crate::model::rollout::{ComponentRollout, Phase, Revision, RolloutState};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// One component with all that its step is decided from; `W` is what is declared of its type of
/// workload, so that the steps of a service never see a task.
pub(super) struct View<'a, W> {
    pub(super) step: &'a StepInput<'a>,
    pub(super) desired: &'a DesiredComponent,
    pub(super) resolved: &'a ResolvedComponent,
    /// States of the components before it in dependency order, already advanced.
    pub(super) components: &'a BTreeMap<ComponentName, Box<ComponentRollout>>,
    pub(super) workload: W,
}

impl<'a> View<'a, ()> {
    /// The same with what is declared of the type of workload.
    pub(super) fn of<W>(self, workload: W) -> View<'a, W> {
        let Self { step, desired, resolved, components, workload: () } = self;
        View { step, desired, resolved, components, workload }
    }
}

impl<W> View<'_, W> {
    /// Hash of the content that is wanted, once all its references are resolved.
    pub(super) fn wanted(&self) -> Option<&ContentHash> {
        self.resolved.definition.as_ref().map(|definition| &definition.hash)
    }

    /// Whether a content is the one that is wanted; any may be while references are not resolved.
    pub(super) fn may_be_wanted(&self, hash: &ContentHash) -> bool {
        self.wanted().is_none_or(|wanted| wanted == hash)
    }

    /// ARN of the revision that was registered for a hash.
    pub(super) fn revision<'c>(
        &self,
        component: &'c ComponentRollout,
        hash: &ContentHash,
    ) -> Option<&'c str> {
        component
            .revision
            .as_ref()
            .filter(|revision| revision.hash == *hash)
            .map(|revision| revision.arn.as_str())
    }

    /// Forgets failures of other contents and finds again a revision that was registered but not
    /// recorded.
    pub(super) fn prepare(&self, component: &mut ComponentRollout) {
        let Some(wanted) = self.wanted() else { return };
        let adopted = self.adopted(component);
        component.initial_hash.get_or_insert_with(|| wanted.clone());
        component
            .failures
            .retain(|failure| failure.hash == *wanted && failure.declared == self.resolved.declared);
        self.forget_deregistered(component, wanted);
        self.remember_registered(component);
        let found = self.find_registered(wanted);
        if component.revision.as_ref().is_some_and(|revision| {
            revision.hash == *wanted && !(found.is_some() && self.is_deregistered(&revision.arn))
        }) {
            return;
        }
        // One that was asked for without an answer is as new as that: a read may yet fail to show
        // it.
        let registered = component
            .pending_registration
            .as_ref()
            .filter(|pending| pending.hash == *wanted)
            .map(|pending| pending.at);
        let found = found.map(|arn| Revision { hash: wanted.clone(), arn, registered });
        let earlier = || {
            let known = component.earlier.iter().rev().find(|revision| revision.hash == *wanted)?;
            // One that was registered just now and was looked at need not be shown yet.
            let seen = self.step.observed.definitions.get(&known.arn);
            let looked_at = !matches!(seen, None | Some(Seen::NotRead));
            let fresh = |at: &Timestamp| self.step.now.duration_since(*at) < RolloutState::SHOWN_WITHIN;
            Some(Revision {
                registered: known.registered.filter(|at| looked_at && fresh(at)),
                ..known.clone()
            })
        };
        if let Some(revision) = found.or_else(earlier).or(adopted) {
            component.set_revision(revision);
        }
    }

    /// The revision that an adopted service runs, when it says just what is wanted: it is taken
    /// over with the service, so that nothing is rolled that is the same.
    ///
    /// Only at first sight: what is known of a component says better which revision is of which
    /// content. One with a hash of ours may have been registered for another version of a secret.
    fn adopted(&self, component: &ComponentRollout) -> Option<Revision> {
        let first_sight =
            component.revision.is_none() && component.completed.is_none() && component.earlier.is_empty();
        let service = self.step.observed.services.get(&self.desired.name).and_then(Seen::present);
        let service = service.filter(|_| first_sight && self.step.desired.adopt)?;
        let (desired, basis) = (self.step.desired, OwnershipBasis { adopts: true, recorded: false });
        let definition = self.step.observed.definitions.get(&service.task_definition)?.present()?;
        let is_ours =
            |arn: &str, tags: &BTreeMap<String, String>| Owner::of(arn, tags, desired, basis).is_ours();
        let reads_versions = self.desired.secrets.iter().any(|using| using.restarts);
        let may_be_taken = is_ours(&service.arn, &service.tags)
            && is_ours(&definition.arn, &definition.tags)
            && (!definition.tags.contains_key(TAG_HASH) || !reads_versions)
            && definition.status == "ACTIVE"
            && family_of(&definition.arn) == self.desired.family;
        let wanted = self.resolved.definition.as_ref().filter(|_| may_be_taken)?;
        // Names of secrets may stand in it as they are declared, or as they are resolved.
        let is_same = [&wanted.fields, &self.desired.task_definition]
            .iter()
            .any(|content| is_same_definition(content, &definition.fields));
        let registered = None;
        is_same.then(|| Revision { hash: wanted.hash.clone(), arn: definition.arn.clone(), registered })
    }

    fn is_deregistered(&self, arn: &str) -> bool {
        let seen = self.step.observed.definitions.get(arn).and_then(Seen::present);
        seen.is_some_and(|definition| definition.status != "ACTIVE")
    }

    /// Forgets revisions that were deregistered meanwhile, so that their content is registered
    /// anew. The one in force is not forgotten: that it is gone is drift.
    fn forget_deregistered(&self, component: &mut ComponentRollout, wanted: &ContentHash) {
        component.earlier.retain(|revision| !self.is_deregistered(&revision.arn));
        let in_force = component.phase.hash() == Some(wanted);
        if !in_force && component.revision.as_ref().is_some_and(|known| self.is_deregistered(&known.arn)) {
            component.revision = None;
        }
    }

    /// Learns earlier revisions again from their tags, after a record was lost.
    fn remember_registered(&self, component: &mut ComponentRollout) {
        for definition in self.registered() {
            let Some(hash) = definition.tags.get(TAG_HASH).filter(|_| !component.knows(&definition.arn))
            else {
                continue;
            };
            let revision =
                Revision { hash: hash.as_str().into(), arn: definition.arn.clone(), registered: None };
            component.remember(revision);
        }
    }

    /// An ACTIVE revision of the family with our owner tag and this hash; the newest when there are
    /// several.
    fn find_registered(&self, wanted: &ContentHash) -> Option<String> {
        self.registered()
            .filter(|definition| definition.tags.get(TAG_HASH).map(String::as_str) == Some(wanted.as_str()))
            .max_by_key(|definition| revision_number(&definition.arn))
            .map(|definition| definition.arn.clone())
    }

    /// The ACTIVE revisions of the family that are ours, as far as they were seen.
    fn registered(&self) -> impl Iterator<Item = &ObservedDefinition> {
        let family = self.desired.family.as_str();
        let (desired, basis) = (self.step.desired, OwnershipBasis::default());
        self.step
            .observed
            .definitions
            .values()
            .filter_map(Seen::present)
            .filter(|definition| definition.status == "ACTIVE")
            .filter(move |definition| family_of(&definition.arn) == family)
            .filter(move |one| Owner::of(&one.arn, &one.tags, desired, basis).is_ours())
    }

    /// What keeps this component from being changed now: its references, its cluster, its gates,
    /// its revision.
    pub(super) fn closed_gates(&self, component: &ComponentRollout) -> Vec<WaitingOn> {
        let mut waiting = self.resolved.waiting.clone();
        waiting.extend(WaitingOn::cluster(&self.step.desired.placement, &self.step.observed.cluster));
        waiting.extend(self.desired.depends_on.iter().filter_map(|on| self.component_gate(on)));
        if let Some(wanted) = self.wanted()
            && !component
                .revision
                .as_ref()
                .is_some_and(|revision| revision.hash == *wanted && self.is_known(revision))
        {
            let id = ResourceId::new(ResourceKind::TaskDefinition, self.desired.name.as_str());
            waiting.push(WaitingOn::Resource { id });
        }
        waiting.sort();
        waiting.dedup();
        waiting
    }

    /// Whether a revision was registered by us just now, or AWS was asked for it in this pass: one
    /// that is taken up again may have been deregistered since.
    fn is_known(&self, revision: &Revision) -> bool {
        let seen = self.step.observed.definitions.get(&revision.arn);
        revision.registered.is_some() || !matches!(seen, None | Some(Seen::NotRead))
    }

    fn component_gate(&self, on: &ComponentName) -> Option<WaitingOn> {
        let state = self.components.get(on);
        let wanted = self
            .step
            .resolved
            .components
            .get(on)
            .and_then(|resolved| resolved.definition.as_ref())
            .map(|definition| &definition.hash);
        let because = match (state.map(|state| &state.phase), wanted) {
            (Some(phase), Some(wanted)) if phase.is_complete_at(wanted) => return None,
            (Some(Phase::Stalled { message, .. }), _) => format!("stalled: {message}"),
            (Some(Phase::RolledBack { reason, .. }), _) => format!("rolled back: {reason}"),
            (Some(Phase::Complete { .. }), _) => "not complete at its new content".to_owned(),
            (Some(phase), _) => format!("not complete ({})", phase.word()),
            (None, _) => "not begun".to_owned(),
        };
        Some(WaitingOn::Component { name: on.clone(), because })
    }

    /// `Waiting`, keeping its start while it waits for the same.
    pub(super) fn waiting(&self, component: &ComponentRollout, on: Vec<WaitingOn>) -> Phase {
        let since = match &component.phase {
            Phase::Waiting { on: before, since } if is_same_wait(before, &on) => *since,
            _ => self.step.now,
        };
        Phase::Waiting { on, since }
    }
}

/// Whether two lists of waits are for the same things; the words may differ.
fn is_same_wait(before: &[WaitingOn], now: &[WaitingOn]) -> bool {
    before.len() == now.len() && before.iter().zip(now).all(|(before, now)| before.is_for_the_same(now))
}
