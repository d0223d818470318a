//! What need not be declared and was: remembered, so that it can be taken back. And what AWS did
//! not take, so that it holds up nothing else.

use crate::model::call::{Call, Verb};
use crate::model::desired::ResolvedState;
use crate::model::observed::{Identity, ObservedState, Readiness, Seen};
use crate::model::plan::{ActionResult, Outcome, Plan, PlannedAction};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::model::resource_record::Refusal;
use crate::model::rollout::RolloutState;
use std::collections::BTreeSet;

/// Members of a service whose absence in a document says nothing of one that is there.
const OPTIONAL: [&str; 3] = [
    "capacityProviderStrategy",
    "deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask",
    "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration",
];

/// Adds what was written in this pass, and what was refused.
pub(super) fn remember(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    observed: &ObservedState,
    plan: &Plan,
    outcomes: &[Outcome],
) {
    for outcome in outcomes {
        let Some(action) = plan.actions.get(outcome.action) else { continue };
        match &outcome.result {
            ActionResult::Done { .. } => done(state, resolved, action),
            ActionResult::Failed { code, message, retryable: false } => {
                refused(state, resolved, action, &format!("{code}: {message}"), observed);
            }
            ActionResult::Failed { .. } | ActionResult::Unknown { .. } | ActionResult::Skipped { .. } => {}
        }
    }
    for (id, known) in &mut state.resources {
        if known.arn.is_none() && known.applied.is_none() && !is_declared(resolved, id) {
            known.written.clear();
            known.refused = None;
        }
    }
}

/// Puts what is declared in the place of what was written before, where nothing is left to do.
pub(super) fn settle(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    observed: &ObservedState,
    unsettled: &BTreeSet<ResourceId>,
) {
    let resources = resolved.resources.iter().filter(|(_, part)| part.fields.is_some()).map(|(id, _)| id);
    let services = resolved.components.iter().filter(|(_, part)| part.fields.is_some());
    let services = services.map(|(name, _)| ResourceId::new(ResourceKind::Service, name.as_str()));
    let ready: Vec<ResourceId> =
        resources.cloned().chain(services).filter(|id| is_ready(observed, id)).collect();
    let definitions = state.components.iter().filter_map(|(name, component)| {
        let revision = component.revision.as_ref()?;
        let wanted = resolved.components.get(name)?.definition.as_ref()?;
        let seen = observed.definitions.get(&revision.arn).and_then(Seen::present)?;
        let in_force = revision.hash == wanted.hash && seen.status == "ACTIVE";
        in_force.then(|| ResourceId::new(ResourceKind::TaskDefinition, name.as_str()))
    });
    let settled: Vec<ResourceId> =
        ready.into_iter().chain(definitions).filter(|id| !unsettled.contains(id)).collect();
    for id in settled {
        let known = state.resource_mut(&id);
        known.written = optional(resolved, &id);
        known.refused = None;
    }
}

fn is_ready(observed: &ObservedState, id: &ResourceId) -> bool {
    matches!(observed.seen(id), Seen::Present(Identity { readiness: Readiness::Ready, .. }))
}

fn is_declared(resolved: &ResolvedState, id: &ResourceId) -> bool {
    resolved.resources.contains_key(id) || resolved.components.contains_key(id.key.as_str())
}

/// What a resource is declared to have and need not have.
fn optional(resolved: &ResolvedState, id: &ResourceId) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = resolved.tag_keys.iter().map(|key| format!("tags.{key}")).collect();
    let component = resolved.components.get(id.key.as_str()).filter(|_| id.kind == ResourceKind::Service);
    let Some(fields) = component.and_then(|component| component.fields.as_ref()) else { return paths };
    let declared = |path: &&&str| {
        let value = path.split('.').try_fold(fields, |tree, segment| tree.get(segment));
        value.is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
    };
    paths.extend(OPTIONAL.iter().filter(declared).map(|path| (*path).to_owned()));
    paths
}

fn done(state: &mut RolloutState, resolved: &ResolvedState, action: &PlannedAction) {
    let id = &action.resource;
    if matches!(action.call, Call::ContinueServiceDeployment { .. }) {
        return;
    }
    match action.verb {
        Verb::Create | Verb::Register | Verb::Tag | Verb::Update if is_declared(resolved, id) => {
            let known = state.resource_mut(id);
            known.written.extend(optional(resolved, id));
            if has_side_fields(&action.call) {
                known.refused = None;
            }
        }
        Verb::Untag => {
            let gone: BTreeSet<&str> = action.changes.iter().map(|change| change.path.as_str()).collect();
            state.resource_mut(id).written.retain(|path| !gone.contains(path.as_str()));
        }
        Verb::Create
        | Verb::Register
        | Verb::Tag
        | Verb::Update
        | Verb::Run
        | Verb::Stop
        | Verb::Deregister
        | Verb::Delete => {}
    }
}

/// An update of a service that was refused with other fields beside its revision; the revision is
/// asked for alone then. When that is refused, too, they are asked for together again: one may need
/// the other.
fn refused(
    state: &mut RolloutState,
    resolved: &ResolvedState,
    action: &PlannedAction,
    message: &str,
    observed: &ObservedState,
) {
    let Some(component) = resolved.components.get(action.resource.key.as_str()) else { return };
    if !matches!(action.call, Call::UpdateService { .. }) {
        return;
    }
    let refusal =
        || Refusal { declared: component.declared.clone(), message: message.to_owned(), at: observed.at };
    state.resource_mut(&action.resource).refused = has_side_fields(&action.call).then(refusal);
}

/// Whether an update of a service carries more than the revision.
fn has_side_fields(call: &Call) -> bool {
    let Call::UpdateService { fields, .. } = call else { return false };
    let of_revision = ["cluster", "service", "taskDefinition", "forceNewDeployment"];
    let members = fields.as_object().into_iter().flat_map(serde_json::Map::<String, Tree>::keys);
    members.into_iter().any(|name| !of_revision.contains(&name.as_str()))
}
