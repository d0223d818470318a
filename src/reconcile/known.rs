//! What is known of a deployment before a snapshot of the store is compared with it, and what that
//! snapshot means for it.

use super::entry::Declaration;
use crate::desired;
use crate::model::condition::ConditionType;
use crate::model::desired::DesiredState;
use crate::model::ids::ComponentName;
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::rollout::{ComponentRollout, Phase, RolloutState, WorkloadKind};
use crate::model::status::{DeploymentStatus, LastGoodDocument, LostRecord, Record};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a snapshot means for one deployment.
#[derive(Debug)]
pub enum DeclarationChange {
    /// This is in force now.
    InForce(Arc<Declaration>),
    /// A new document was refused and no earlier version of it is known: only this can be said.
    Refused(Box<DeploymentStatus>),
    /// The store no longer holds it, and nothing is left of it (it was never valid, or all of it
    /// went over to others): what is said of it is forgotten.
    Gone,
}

/// What is known of a deployment before a snapshot is compared with it.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The last declaration that was in force.
    pub declared: Option<&'a LastGoodDocument>,
    /// Whether its status says already that its document is gone.
    pub orphaned: bool,
    /// Whether a service of it was ever complete.
    pub has_served: bool,
    /// Whether all that it declares was seen to be there and healthy.
    pub ready: bool,
    /// What was made for it.
    pub made: Made<'a>,
    /// What was last reported of it.
    pub status: Option<&'a DeploymentStatus>,
    /// That its record before this one could not be read.
    pub lost: Option<&'a LostRecord>,
}

impl Known<'_> {
    /// Its components that would start if what may not run beside them had stopped.
    pub(super) fn wait_for_an_end(&self) -> BTreeSet<ComponentName> {
        let waiting = self.status.map(|status| status.waiting_on.as_slice()).unwrap_or_default();
        let is_end = |on: &WaitingOn| matches!(on, WaitingOn::Predecessor { .. });
        let of_component = |id: &ResourceId| matches!(id.kind, ResourceKind::Service | ResourceKind::Task);
        let mut found = BTreeSet::new();
        for one in waiting.iter().filter(|one| of_component(&one.resource) && is_end(&one.on)) {
            if waiting.iter().all(|other| other.resource != one.resource || is_end(&other.on)) {
                found.insert(ComponentName::new(&one.resource.key));
            }
        }
        found
    }
}

impl<'a> From<&'a Record> for Known<'a> {
    fn from(record: &'a Record) -> Self {
        let orphaned = record.status.as_ref().is_some_and(|status| status.orphaned);
        let has_served = has_served(&record.rollout);
        let (ready, made) = (is_ready(record), Made::Recorded(&record.rollout));
        let (declared, status) = (record.declared.as_ref(), record.status.as_deref());
        Self { declared, orphaned, has_served, ready, made, status, lost: record.lost.as_ref() }
    }
}

/// Whether all that a deployment declares now was seen to be there and healthy.
pub(super) fn is_ready(record: &Record) -> bool {
    let status = record.status.as_ref();
    let declared = record.declared.as_ref().map(|declared| declared.generation);
    status
        .is_some_and(|status| status.is(ConditionType::Ready) && Some(status.observed_generation) == declared)
}

/// Whether a service of a deployment was ever complete.
pub(super) fn has_served(rollout: &RolloutState) -> bool {
    let served = |component: &ComponentRollout| {
        component.workload == Some(WorkloadKind::Service) && component.completed.is_some()
    };
    rollout.components.values().any(|component| served(component))
}

/// What a stored version of a document asks for.
pub(super) fn lowered(stored: &LastGoodDocument) -> Option<DesiredState> {
    desired::lower(&stored.document.document().ok()?, stored.generation).0
}

/// What was made for a deployment, as far as its record says.
#[derive(Clone, Copy, Debug)]
pub enum Made<'a> {
    /// Its record is here.
    Recorded(&'a RolloutState),
    /// A pass has it; this is from before: what was made, and the components that are about to
    /// start their next task.
    Before(&'a [(ResourceId, String)], &'a BTreeSet<ComponentName>),
}

impl Made<'_> {
    /// The ARNs of what is recorded for a resource; of a task definition the revisions that its
    /// component uses.
    pub(super) fn arns(&self, id: &ResourceId) -> Vec<String> {
        match self {
            Self::Recorded(rollout) => of_record(rollout, id),
            Self::Before(made, _) => {
                made.iter().filter(|(known, _)| known == id).map(|(_, arn)| arn.clone()).collect()
            }
        }
    }

    /// ARNs of everything but revisions of task definitions, which run nothing.
    pub(super) fn all(&self) -> Vec<&str> {
        match self {
            Self::Recorded(rollout) => rollout.made().map(|(_, arn)| arn).collect(),
            Self::Before(made, _) => {
                let made = made.iter().filter(|(id, _)| id.kind != ResourceKind::TaskDefinition);
                made.map(|(_, arn)| arn.as_str()).collect()
            }
        }
    }

    /// Whether a revision of a component is known, or it did anything else.
    pub(super) fn has_begun(&self, component: &ComponentName) -> bool {
        match self {
            Self::Recorded(rollout) => {
                rollout.components.get(component).is_some_and(|known| known.has_begun())
            }
            Self::Before(..) => {
                !self.arns(&ResourceId::new(ResourceKind::TaskDefinition, component.as_str())).is_empty()
            }
        }
    }

    /// Whether a service of a component is known, or a task that runs or was complete. A task that
    /// makes way for the next one has run, and is not in the way of what is waited for.
    pub(super) fn has_run(&self, component: &ComponentName) -> bool {
        let has = |kind| !self.arns(&ResourceId::new(kind, component.as_str())).is_empty();
        let starts_next = match self {
            Self::Recorded(rollout) => rollout.components.get(component).is_some_and(|known| starts(known)),
            Self::Before(_, starting) => starting.contains(component),
        };
        has(ResourceKind::Service) || (has(ResourceKind::Task) && !starts_next)
    }

    /// What is recorded of a rollout, unless a pass has it.
    pub(super) fn rollout(&self) -> Option<&RolloutState> {
        match self {
            Self::Recorded(rollout) => Some(rollout),
            Self::Before(..) => None,
        }
    }

    pub(super) fn knows(&self, arn: &str) -> bool {
        match self {
            Self::Recorded(rollout) => rollout.made().any(|(_, known)| known == arn),
            Self::Before(made, _) => made.iter().any(|(_, known)| known == arn),
        }
    }
}

fn of_record(rollout: &RolloutState, id: &ResourceId) -> Vec<String> {
    if id.kind != ResourceKind::TaskDefinition {
        return rollout.made().filter(|(known, _)| *known == id).map(|(_, arn)| arn.to_owned()).collect();
    }
    let component = rollout.components.get(id.key.as_str());
    let revisions =
        component.into_iter().flat_map(|known| [known.revision.as_ref(), known.completed.as_ref()]);
    revisions.flatten().map(|revision| revision.arn.clone()).collect()
}

/// Whether a component is about to start a task, as far as it is one.
fn starts(known: &ComponentRollout) -> bool {
    matches!(known.phase, Phase::Waiting { .. } | Phase::TaskRunning { task: None, .. })
}

/// The components that are about to start a task, as far as they are tasks.
pub(super) fn starting(rollout: &RolloutState) -> BTreeSet<ComponentName> {
    let all = rollout.components.iter().filter(|(_, known)| starts(known));
    all.map(|(name, _)| name.clone()).collect()
}

/// Everything that a record says was made, for as long as a pass has the record.
pub(super) fn everything_made(rollout: &RolloutState) -> Vec<(ResourceId, String)> {
    let made = rollout.made().map(|(id, arn)| (id.clone(), arn.to_owned()));
    let definition = |name: &_| ResourceId::new(ResourceKind::TaskDefinition, name);
    let revisions = rollout.components.keys().map(|name| definition(name.as_str()));
    let revisions =
        revisions.flat_map(|id| of_record(rollout, &id).into_iter().map(move |arn| (id.clone(), arn)));
    made.chain(revisions).collect()
}
