//! One step of a whole deployment.

use super::{service, task};
use crate::model::desired::{DesiredComponent, DesiredState, ResolvedComponent, ResolvedState, Workload};
use crate::model::ids::{ComponentName, ContentHash, family_of, revision_number};
use crate::model::observed::{ObservedDefinition, ObservedState, Seen};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, TAG_HASH, TAG_OWNER};
use crate::model::rollout::{ComponentRollout, Phase, Revision, RolloutState};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What a step is decided from.
#[derive(Clone, Copy, Debug)]
pub struct StepInput<'a> {
    /// The stored state.
    pub prior: &'a RolloutState,
    /// What should be.
    pub desired: &'a DesiredState,
    /// The same with references resolved.
    pub resolved: &'a ResolvedState,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// The time of the pass.
    pub now: Timestamp,
}

/// Moves every component by at most one stage.
///
/// **Guarantees**: deterministic; a component is only opened for change when all it depends on are
/// complete at the content that is wanted now; a content that failed is not tried again until it,
/// or the fields that it failed with, or the retry annotation changes.
///
/// **Never**: reads a clock (`now` decides); takes something that was not seen for absent or
/// failed.
pub fn advance(input: &StepInput<'_>) -> RolloutState {
    let mut state = input.prior.clone();
    if state.generation != input.desired.generation {
        // Whoever edits the document may have mended what kept repairs from lasting.
        state.repairs.clear();
        state.generation = input.desired.generation;
    }
    state.components.retain(|name, _| input.desired.components.contains_key(name));
    if input.desired.retry != state.retry {
        state.retry.clone_from(&input.desired.retry);
        state.components.values_mut().for_each(clear_failures);
    }
    for name in in_dependency_order(&input.desired.components) {
        let (Some(desired), Some(resolved)) =
            (input.desired.components.get(&name), input.resolved.components.get(&name))
        else {
            continue;
        };
        let mut component = state.components.get(&name).cloned().unwrap_or_default();
        let view = View { step: input, desired, resolved, components: &state.components };
        component.phase = without_far_times(component.phase, &desired.workload, input.now);
        view.prepare(&mut component);
        component.phase = match &desired.workload {
            Workload::Service { .. } => service::next(&view, &mut component),
            Workload::Task { .. } => task::next(&view, &mut component),
        };
        state.components.insert(name, component);
    }
    state
}

/// Lifts the memory of failures of one component, or of the whole deployment, as a person asked.
pub fn retry(state: &mut RolloutState, component: Option<&ComponentName>) {
    if component.is_none() {
        state.repairs.clear();
    }
    for (name, rollout) in &mut state.components {
        if component.is_none_or(|only| only == name) {
            clear_failures(rollout);
        }
    }
}

/// Lifts the memory of failures, so that what failed is tried again.
fn clear_failures(component: &mut ComponentRollout) {
    component.failures.clear();
    if matches!(component.phase, Phase::Stalled { .. } | Phase::RolledBack { .. }) {
        component.phase = Phase::Idle;
    }
}

/// Times that were stored while the clock was ahead, brought back to what they could be from now
/// on: else a bake, a deadline or the patience with a rollout would last until the clock gets
/// there.
fn without_far_times(phase: Phase, workload: &Workload, now: Timestamp) -> Phase {
    let within = |seconds: u32| now + SignedDuration::from_secs(i64::from(seconds));
    match (phase, workload) {
        (Phase::Rolling { hash, deployment, since, progress: (grew, running) }, _) => {
            Phase::Rolling { hash, deployment, since: since.min(now), progress: (grew.min(now), running) }
        }
        (Phase::Baking { hash, until }, Workload::Service { bake_seconds, .. }) => {
            Phase::Baking { hash, until: until.min(within(*bake_seconds)) }
        }
        (
            Phase::TaskRunning { hash, attempt, token, task, since, deadline },
            Workload::Task { deadline_seconds, .. },
        ) => {
            let deadline = deadline.min(within(*deadline_seconds));
            Phase::TaskRunning { hash, attempt, token, task, since: since.min(now), deadline }
        }
        (phase, _) => phase,
    }
}

/// Names such that every component comes after those that it depends on; components of a cycle
/// (which the checks refuse) come last, in name order.
fn in_dependency_order(components: &BTreeMap<ComponentName, DesiredComponent>) -> Vec<ComponentName> {
    let mut ordered: Vec<ComponentName> = Vec::with_capacity(components.len());
    loop {
        let ready: Vec<ComponentName> = components
            .values()
            .filter(|component| !ordered.contains(&component.name))
            .filter(|component| {
                component.depends_on.iter().all(|on| ordered.contains(on) || !components.contains_key(on))
            })
            .map(|component| component.name.clone())
            .collect();
        if ready.is_empty() {
            ordered.extend(
                components.keys().filter(|name| !ordered.contains(name)).cloned().collect::<Vec<_>>(),
            );
            return ordered;
        }
        ordered.extend(ready);
    }
}

/// One component with all that its step is decided from.
pub(super) struct View<'a> {
    pub(super) step: &'a StepInput<'a>,
    pub(super) desired: &'a DesiredComponent,
    pub(super) resolved: &'a ResolvedComponent,
    /// States of the components before it in dependency order, already advanced.
    components: &'a BTreeMap<ComponentName, ComponentRollout>,
}

impl View<'_> {
    /// Hash of the content that is wanted, once all its references are resolved.
    pub(super) fn wanted(&self) -> Option<&ContentHash> {
        self.resolved.definition.as_ref().map(|definition| &definition.hash)
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
    fn prepare(&self, component: &mut ComponentRollout) {
        let Some(wanted) = self.wanted() else { return };
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
            Some(Revision { registered: None, ..known.clone() })
        };
        if let Some(revision) = found.or_else(earlier) {
            component.set_revision(revision);
        }
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

    /// Remembers the revisions that a record lacks, as one does that was lost and begins anew: it
    /// sees all of them once.
    fn remember_registered(&self, component: &mut ComponentRollout) {
        let known = |component: &ComponentRollout, arn: &str| {
            component.revision.iter().chain(&component.earlier).any(|revision| revision.arn == arn)
        };
        for definition in self.registered() {
            let Some(hash) = definition.tags.get(TAG_HASH).filter(|_| !known(component, &definition.arn))
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

    /// The ACTIVE revisions of the family with our owner tag, as far as they were seen.
    fn registered(&self) -> impl Iterator<Item = &ObservedDefinition> {
        let family = self.desired.family.as_str();
        let owner = self.step.desired.deployment.as_str();
        self.step
            .observed
            .definitions
            .values()
            .filter_map(Seen::present)
            .filter(|definition| definition.status == "ACTIVE")
            .filter(move |definition| family_of(&definition.arn) == family)
            .filter(move |definition| definition.tags.get(TAG_OWNER).map(String::as_str) == Some(owner))
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
            Phase::Waiting { on: before, since } if same_wait(before, &on) => *since,
            _ => self.step.now,
        };
        Phase::Waiting { on, since }
    }
}

/// Whether two waits are for the same things, whatever the words.
fn same_wait(before: &[WaitingOn], now: &[WaitingOn]) -> bool {
    before.len() == now.len()
        && before.iter().zip(now).all(|(a, b)| std::mem::discriminant(a) == std::mem::discriminant(b))
}
