//! The final check: every plan is checked once more before it is returned, in production too.
//!
//! The checks repeat the layer's invariants in the plainest words and share no code with the
//! planner. An action that breaks one is dropped and becomes a note that blocks, so that a mistake
//! here shows as a stuck deployment and not as a wrong call.

use super::PlanInput;
use crate::model::call::{Call, Need, Verb};
use crate::model::observed::{Identity, Seen};
use crate::model::plan::{Note, Plan, PlannedAction};
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER};
use crate::model::rollout::Phase;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an action may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Violation {
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
    /// Its call does not do what it says.
    WrongVerb,
    /// The deployment is suspended.
    Suspended,
}

impl Violation {
    fn words(self) -> &'static str {
        match self {
            Self::Unseen => "what it acts on was not seen as it must be",
            Self::NotOurs => "what it acts on is not ours",
            Self::Empty => "it would change nothing",
            Self::Twice => "another action writes the same field",
            Self::RevisionNotOurs => "the revision is not ours to write at this stage",
            Self::InUse => "the revision may still be needed",
            Self::WrongVerb => "its call does something else than it says",
            Self::Suspended => "the deployment is suspended",
        }
    }
}

/// Finds the first invariant that an action violates, given the actions before it.
pub fn first_violation(
    input: &PlanInput<'_>,
    action: &PlannedAction,
    before: &[PlannedAction],
) -> Option<Violation> {
    if input.desired.suspend.as_ref().is_some_and(|pause| pause.until > input.now) {
        return Some(Violation::Suspended);
    }
    if !action.call.spec().verbs.contains(&action.verb) {
        return Some(Violation::WrongVerb);
    }
    let checks: [fn(&PlanInput<'_>, &PlannedAction) -> Option<Violation>; 3] =
        [seen_as_needed, writes, revisions];
    checks.iter().find_map(|check| check(input, action)).or_else(|| twice(action, before))
}

/// Drops every action that violates an invariant, says so in a note that blocks, and reports its
/// drift as not repaired.
pub(super) fn enforce(input: &PlanInput<'_>, plan: Plan) -> Plan {
    let mut plan = plan;
    let mut kept: Vec<PlannedAction> = Vec::with_capacity(plan.actions.len());
    for action in std::mem::take(&mut plan.actions) {
        let Some(violation) = first_violation(input, &action, &kept) else {
            kept.push(action);
            continue;
        };
        let message = format!(
            "{} was not done: {}; this is a defect of Evenkeel, please report it",
            action.call.operation(),
            violation.words()
        );
        plan.notes.push(Note { resource: action.resource.clone(), message, blocks: true, next_try: None });
        let of_it = plan.drift.iter_mut().filter(|drift| drift.resource == action.resource);
        of_it.for_each(|drift| drift.repaired = false);
    }
    plan.actions = kept;
    plan
}

/// What AWS said of the thing that an action is about.
enum Observation<'s> {
    There { arn: &'s str, tags: &'s BTreeMap<String, String> },
    NotThere,
    Unknown,
}

fn observation<'s>(input: &PlanInput<'s>, id: &ResourceId) -> Observation<'s> {
    if id.kind == ResourceKind::TaskDefinition {
        let recorded = recorded_revision(input, id);
        return match recorded.and_then(|arn| input.observed.definitions.get(arn)) {
            Some(Seen::Present(definition)) => {
                Observation::There { arn: &definition.arn, tags: &definition.tags }
            }
            Some(Seen::Absent) => Observation::NotThere,
            _ => Observation::Unknown,
        };
    }
    match input.observed.seen(id) {
        Seen::Present(Identity { arn, tags, .. }) => Observation::There { arn, tags },
        Seen::Absent => Observation::NotThere,
        Seen::NotRead | Seen::Unknown(_) => Observation::Unknown,
    }
}

/// The revision that the record names for a component.
fn recorded_revision<'s>(input: &PlanInput<'s>, id: &ResourceId) -> Option<&'s str> {
    let component = input.rollout.components.get(id.key.as_str())?;
    component.revision.as_ref().map(|revision| revision.arn.as_str())
}

/// The least that an action needs, derived from its verb and the name of its operation alone: a row
/// of a call that asks for less is not believed.
fn least_need(action: &PlannedAction) -> Option<Need> {
    let (_, name) = action.call.operation().split_once(':')?;
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if action.verb == Verb::Create || begins(&["Create"]) {
        Some(Need::Absent)
    } else if begins(&["Modify", "Update", "Delete", "Tag", "AddTags"]) {
        Some(Need::Present)
    } else {
        None
    }
}

/// Whether the name in an owner tag is ours, or that of the document from which it comes over.
fn is_owner(input: &PlanInput<'_>, arn: &str, owner: &str) -> bool {
    let desired = input.desired;
    let comes = desired.handover.from.get(arn).is_some_and(|from| *from.as_str() == *owner);
    let left = desired.adopt && desired.adopts_from.contains(owner);
    (owner == desired.deployment.as_str() || comes || left) && !desired.handover.to.contains_key(arn)
}

fn seen_as_needed(input: &PlanInput<'_>, action: &PlannedAction) -> Option<Violation> {
    let id = &action.resource;
    let owned = |arn: &str, tags: &BTreeMap<String, String>, adopted: bool| {
        // What is left over, or stands in the place of another, is recorded by the key that it had.
        let mut known = input.rollout.arns().filter(|(other, _)| other.kind == id.kind);
        let recorded = known.any(|(_, known)| known == arn)
            || (id.kind == ResourceKind::TaskDefinition && recorded_revision(input, id) == Some(arn));
        match tags.get(TAG_OWNER) {
            Some(owner) => is_owner(input, arn, owner),
            None => recorded || adopted,
        }
    };
    let check = |need: Need| match (need, observation(input, id)) {
        (Need::Absent | Need::Known, Observation::NotThere) | (Need::Nothing, _) => None,
        (Need::Present | Need::Known, Observation::There { arn, tags }) => {
            (!owned(arn, tags, input.desired.adopt)).then_some(Violation::NotOurs)
        }
        (Need::PresentAndMade, Observation::There { arn, tags }) => {
            (!owned(arn, tags, false)).then_some(Violation::NotOurs)
        }
        // Of a component that is a service by now, its former tasks.
        (Need::Tasks, _) => {
            let former = input.observed.former_tasks.get(id.key.as_str());
            let former = former.filter(|_| action.verb == Verb::Stop);
            let seen =
                input.observed.tasks.get(id.key.as_str()).into_iter().chain(former).any(Seen::is_known);
            (!seen).then_some(Violation::Unseen)
        }
        _ => Some(Violation::Unseen),
    };
    check(action.call.spec().needs)
        .or_else(|| moved_rules(input, action))
        .or_else(|| least_need(action).and_then(check))
}

/// Whether rules that are moved were all seen and are ours.
fn moved_rules(input: &PlanInput<'_>, action: &PlannedAction) -> Option<Violation> {
    let Call::SetRulePriorities { priorities } = &action.call else { return None };
    priorities.keys().find_map(|arn| {
        let mut all = input.observed.all_resources().filter_map(|(_, seen)| seen.present());
        match all.find(|rule| rule.arn == *arn) {
            None => Some(Violation::Unseen),
            Some(rule) => match rule.tags.get(TAG_OWNER) {
                Some(owner) => (!is_owner(input, arn, owner)).then_some(Violation::NotOurs),
                None => input.rollout.arns().all(|(_, known)| known != arn).then_some(Violation::NotOurs),
            },
        }
    })
}

/// Whether a call carries anything beyond what addresses its object.
fn writes(_: &PlanInput<'_>, action: &PlannedAction) -> Option<Violation> {
    (action.call.carried() == Some(0)).then_some(Violation::Empty)
}

fn revisions(input: &PlanInput<'_>, action: &PlannedAction) -> Option<Violation> {
    let id = &action.resource;
    match action.verb {
        Verb::Update if action.call.writes_revision() => {
            let phase = input.rollout.components.get(id.key.as_str()).map(|state| &state.phase);
            let ours = matches!(phase, Some(Phase::Rolling { deployment: None, .. }));
            (!ours).then_some(Violation::RevisionNotOurs)
        }
        Verb::Deregister if id.kind == ResourceKind::TaskDefinition => {
            let recorded = input.rollout.components.values().flat_map(|c| [&c.revision, &c.completed]);
            let services = input.observed.all_services().filter_map(|(_, seen)| seen.present());
            let used: BTreeSet<&str> = recorded
                .flatten()
                .map(|revision| revision.arn.as_str())
                .chain(services.map(|service| service.task_definition.as_str()))
                .collect();
            action.call.arn().is_none_or(|arn| used.contains(arn)).then_some(Violation::InUse)
        }
        Verb::Create
        | Verb::Register
        | Verb::Run
        | Verb::Update
        | Verb::Tag
        | Verb::Untag
        | Verb::Stop
        | Verb::Deregister
        | Verb::Delete => None,
    }
}

/// Whether an earlier action makes the same call on the same thing, or writes one of the same
/// fields.
fn twice(action: &PlannedAction, before: &[PlannedAction]) -> Option<Violation> {
    let same = before.iter().filter(|other| other.resource == action.resource).any(|other| {
        let same_call = other.call == action.call
            || (other.call.operation() == action.call.operation() && !action.call.spec().may_repeat);
        let same_field = action
            .changes
            .iter()
            .any(|change| other.changes.iter().any(|earlier| earlier.path == change.path));
        same_call || same_field
    });
    same.then_some(Violation::Twice)
}
