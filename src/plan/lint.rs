//! The last door: every plan is checked once more before it leaves the room, in production too.
//!
//! The checks repeat the room's promises in the plainest words and share no code with the planner.
//! An action that breaks one is dropped and becomes a note that blocks, so that a mistake here
//! shows as a stuck deployment and not as a wrong call.

use super::planner::PlanInput;
use crate::model::observed::Seen;
use crate::model::plan::{Call, Note, Plan, PlannedAction};
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER, Tree};
use crate::model::rollout::Phase;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an action may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objection {
    /// It acts on something of which AWS did not say whether it is there, or that is not as the
    /// call needs it.
    Unseen,
    /// It touches something that is not ours.
    NotOurs,
    /// It would change nothing.
    Empty,
    /// Another action of the plan writes the same field.
    Twice,
    /// It writes a service's revision at a stage where that belongs to others.
    RevisionNotOurs,
    /// It takes away a revision that may still be needed.
    InUse,
    /// The deployment is suspended.
    Suspended,
}

impl Objection {
    fn words(self) -> &'static str {
        match self {
            Self::Unseen => "what it acts on was not seen as it must be",
            Self::NotOurs => "what it acts on is not ours",
            Self::Empty => "it would change nothing",
            Self::Twice => "another action writes the same field",
            Self::RevisionNotOurs => "the revision is not ours to write at this stage",
            Self::InUse => "the revision may still be needed",
            Self::Suspended => "the deployment is suspended",
        }
    }
}

/// Finds the first promise that an action breaks, given the actions before it.
pub fn object(input: &PlanInput<'_>, action: &PlannedAction, before: &[PlannedAction]) -> Option<Objection> {
    if input.desired.suspend.as_ref().is_some_and(|pause| pause.until > input.now) {
        return Some(Objection::Suspended);
    }
    let checks: [fn(&PlanInput<'_>, &PlannedAction) -> Option<Objection>; 3] =
        [seen_as_needed, writes, revisions];
    checks.iter().find_map(|check| check(input, action)).or_else(|| twice(action, before))
}

/// Drops every action that breaks a promise, says so in a note that blocks, and tells its drift as
/// not repaired.
pub(super) fn enforce(input: &PlanInput<'_>, plan: Plan) -> Plan {
    let mut plan = plan;
    let mut kept: Vec<PlannedAction> = Vec::with_capacity(plan.actions.len());
    for action in std::mem::take(&mut plan.actions) {
        let Some(objection) = object(input, &action, &kept) else {
            kept.push(action);
            continue;
        };
        let message = format!(
            "{} was not done: {}; this is a defect of Evenkeel, please report it",
            action.call.operation(),
            objection.words()
        );
        plan.notes.push(Note { resource: action.resource.clone(), message, blocks: true });
        let of_it = plan.drift.iter_mut().filter(|drift| drift.resource == action.resource);
        of_it.for_each(|drift| drift.repaired = false);
    }
    plan.actions = kept;
    plan
}

/// What AWS said of the thing that an action is about.
enum Sight<'s> {
    There { arn: &'s str, tags: &'s BTreeMap<String, String> },
    NotThere,
    Unknown,
}

fn sight<'s>(input: &PlanInput<'s>, id: &ResourceId) -> Sight<'s> {
    if id.kind == ResourceKind::Service {
        return match input.observed.services.get(id.key.as_str()) {
            Some(Seen::Present(service)) => Sight::There { arn: &service.arn, tags: &service.tags },
            Some(Seen::Absent) => Sight::NotThere,
            _ => Sight::Unknown,
        };
    }
    if id.kind == ResourceKind::TaskDefinition {
        let recorded = recorded_revision(input, id);
        return match recorded.and_then(|arn| input.observed.definitions.get(arn)) {
            Some(Seen::Present(definition)) => Sight::There { arn: &definition.arn, tags: &definition.tags },
            Some(Seen::Absent) => Sight::NotThere,
            _ => Sight::Unknown,
        };
    }
    match input.observed.resources.get(id) {
        Some(Seen::Present(resource)) => Sight::There { arn: &resource.arn, tags: &resource.tags },
        Some(Seen::Absent) => Sight::NotThere,
        _ => Sight::Unknown,
    }
}

/// The revision that the record names for a component.
fn recorded_revision<'s>(input: &PlanInput<'s>, id: &ResourceId) -> Option<&'s str> {
    let component = input.rollout.components.get(id.key.as_str())?;
    component.revision.as_ref().map(|revision| revision.arn.as_str())
}

/// How a call needs its object to be.
enum Need {
    /// Not there.
    Absent,
    /// There and ours, or to be adopted.
    Present,
    /// There and made by us: adopting is no leave to delete.
    PresentAndMade,
    /// There or not, but known.
    Known,
    /// A task of which the list is known.
    Tasks,
    /// Nothing of its own.
    Nothing,
}

fn need(call: &Call) -> Need {
    match call {
        Call::CreateLogGroup { .. }
        | Call::CreateTargetGroup { .. }
        | Call::CreateListener { .. }
        | Call::CreateRule { .. }
        | Call::CreateService { .. } => Need::Absent,
        Call::PutRetentionPolicy { .. } => Need::Known,
        Call::DeleteRetentionPolicy { .. }
        | Call::TagLogGroup { .. }
        | Call::ModifyTargetGroup { .. }
        | Call::ModifyTargetGroupAttributes { .. }
        | Call::DeregisterTargets { .. }
        | Call::ModifyListener { .. }
        | Call::ModifyRule { .. }
        | Call::TagElb { .. }
        | Call::UpdateService { .. }
        | Call::TagEcs { .. } => Need::Present,
        // Rules and listeners that AWS cannot move are also deleted when they were adopted: they
        // come back as declared.
        Call::DeleteRule { .. } | Call::DeleteListener { .. } => Need::Present,
        Call::DeleteLogGroup { .. } | Call::DeleteTargetGroup { .. } | Call::DeleteService { .. } => {
            Need::PresentAndMade
        }
        Call::RunTask { .. } | Call::StopTask { .. } => Need::Tasks,
        Call::RegisterTaskDefinition { .. } | Call::DeregisterTaskDefinition { .. } => Need::Nothing,
    }
}

fn seen_as_needed(input: &PlanInput<'_>, action: &PlannedAction) -> Option<Objection> {
    let id = &action.resource;
    let owned = |arn: &str, tags: &BTreeMap<String, String>, adopted: bool| {
        let recorded = input.rollout.arns.get(id).is_some_and(|known| known == arn)
            || (id.kind == ResourceKind::TaskDefinition && recorded_revision(input, id) == Some(arn));
        match tags.get(TAG_OWNER) {
            Some(owner) => owner == input.desired.deployment.as_str() || adopted,
            None => recorded || adopted,
        }
    };
    match (need(&action.call), sight(input, id)) {
        (Need::Absent | Need::Known, Sight::NotThere) | (Need::Nothing, _) => None,
        (Need::Present | Need::Known, Sight::There { arn, tags }) => {
            (!owned(arn, tags, input.desired.adopt)).then_some(Objection::NotOurs)
        }
        (Need::PresentAndMade, Sight::There { arn, tags }) => {
            (!owned(arn, tags, false)).then_some(Objection::NotOurs)
        }
        (Need::Tasks, _) => match input.observed.tasks.get(id.key.as_str()) {
            Some(Seen::Present(_) | Seen::Absent) => None,
            _ => Some(Objection::Unseen),
        },
        _ => Some(Objection::Unseen),
    }
}

/// Whether a call carries anything beyond what addresses its object.
fn writes(_: &PlanInput<'_>, action: &PlannedAction) -> Option<Objection> {
    let members = |fields: &Tree| fields.as_object().map_or(0, serde_json::Map::len);
    let empty = match &action.call {
        Call::UpdateService { fields, .. } => members(fields) <= 2,
        Call::ModifyTargetGroup { fields, .. }
        | Call::ModifyListener { fields, .. }
        | Call::ModifyRule { fields, .. } => members(fields) == 0,
        Call::ModifyTargetGroupAttributes { attributes, .. } => attributes.is_empty(),
        Call::TagLogGroup { tags, .. } | Call::TagElb { tags, .. } | Call::TagEcs { tags, .. } => {
            tags.is_empty()
        }
        Call::DeregisterTargets { targets, .. } => targets.is_empty(),
        _ => false,
    };
    empty.then_some(Objection::Empty)
}

fn revisions(input: &PlanInput<'_>, action: &PlannedAction) -> Option<Objection> {
    match &action.call {
        Call::UpdateService { component, fields } if fields.get("taskDefinition").is_some() => {
            let phase = input.rollout.components.get(component).map(|state| &state.phase);
            let ours = matches!(phase, Some(Phase::Rolling { deployment: None, .. }));
            (!ours).then_some(Objection::RevisionNotOurs)
        }
        Call::DeregisterTaskDefinition { arn } => {
            let recorded = input.rollout.components.values().flat_map(|c| [&c.revision, &c.completed]);
            let services = input.observed.services.values().filter_map(Seen::present);
            let used: BTreeSet<&str> = recorded
                .flatten()
                .map(|revision| revision.arn.as_str())
                .chain(services.map(|service| service.task_definition.as_str()))
                .collect();
            used.contains(arn.as_str()).then_some(Objection::InUse)
        }
        _ => None,
    }
}

/// Whether an earlier action makes the same call on the same thing, or writes one of the same
/// fields.
fn twice(action: &PlannedAction, before: &[PlannedAction]) -> Option<Objection> {
    let same = before.iter().filter(|other| other.resource == action.resource).any(|other| {
        let same_call = other.call == action.call
            || (other.call.operation() == action.call.operation() && !may_repeat(&action.call));
        let same_field = action
            .changes
            .iter()
            .any(|change| other.changes.iter().any(|earlier| earlier.path == change.path));
        same_call || same_field
    });
    same.then_some(Objection::Twice)
}

/// Calls of which a plan may hold several for one component, each for another thing.
fn may_repeat(call: &Call) -> bool {
    matches!(call, Call::DeregisterTaskDefinition { .. } | Call::StopTask { .. })
}
