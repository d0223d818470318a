//! What need not be declared and was: remembered, so that it can be taken back. And what AWS did
//! not take, so that it holds up nothing else.

use super::applied;
use crate::model::call::{Call, Verb};
use crate::model::desired::ResolvedState;
use crate::model::last_applied::LastApplied;
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
            known.forget_applied();
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
        // Of a revision nothing but its tags can be changed.
        if id.kind == ResourceKind::TaskDefinition {
            let tagged = !resolved.tags.is_empty();
            known.last_applied = tagged.then(|| LastApplied::of(&Tree::Null, &resolved.tags));
            applied::settle(known);
        }
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
fn optional(resolved: &ResolvedState, id: &ResourceId) -> Vec<String> {
    let mut paths: Vec<String> = resolved.tags.keys().map(|key| format!("tags.{key}")).collect();
    let group = resolved.resources.get(id).filter(|_| id.kind == ResourceKind::TargetGroup);
    let attributes = group.and_then(|group| group.fields.as_ref()?["attributes"].as_object());
    paths.extend(attributes.into_iter().flat_map(|all| all.keys()).map(|key| format!("attributes.{key}")));
    let component = resolved.components.get(id.key.as_str()).filter(|_| id.kind == ResourceKind::Service);
    if let Some(fields) = component.and_then(|component| component.fields.as_ref()) {
        let declared = |path: &&&str| {
            let value = path.split('.').try_fold(fields, |tree, segment| tree.get(segment));
            value
                .is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
        };
        paths.extend(OPTIONAL.iter().filter(declared).map(|path| (*path).to_owned()));
    }
    paths.sort_unstable();
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
            known.written.sort_unstable();
            known.written.dedup();
            known.written.shrink_to_fit();
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
    state.resource_mut(&action.resource).refused = has_side_fields(&action.call).then(|| Box::new(refusal()));
}

/// Whether an update of a service carries more than the revision.
fn has_side_fields(call: &Call) -> bool {
    let Call::UpdateService { fields, .. } = call else { return false };
    let of_revision = ["cluster", "service", "taskDefinition", "forceNewDeployment"];
    let members = fields.as_object().into_iter().flat_map(serde_json::Map::<String, Tree>::keys);
    members.into_iter().any(|name| !of_revision.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::ResolvedComponent;
    use crate::model::observed::Depth;
    use crate::model::plan::Reason;
    use serde_json::json;

    fn resolved() -> ResolvedState {
        let component = ResolvedComponent {
            definition: None,
            fields: Some(json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]})),
            waiting: Vec::new(),
            declared: "d1".into(),
        };
        ResolvedState {
            resources: Default::default(),
            components: [("web".into(), component)].into(),
            tags: [("team".to_owned(), "shop".to_owned())].into(),
        }
    }

    /// The record after an update of this content came to this.
    fn after(state: RolloutState, fields: Tree, result: ActionResult) -> RolloutState {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let action = PlannedAction {
            resource: ResourceId::new(ResourceKind::Service, "web"),
            verb: Verb::Update,
            call: Call::UpdateService { component: "web".into(), fields },
            reason: Reason::Changed,
            changes: Vec::new(),
        };
        let plan = Plan {
            deployment: "shop".into(),
            generation: Default::default(),
            actions: vec![action],
            waiting_on: Vec::new(),
            drift: Vec::new(),
            notes: Vec::new(),
            stale_targets: Default::default(),
        };
        let mut state = state;
        let observed = ObservedState::unread(now, Depth::Light);
        remember(&mut state, &resolved(), &observed, &plan, &[Outcome { action: 0, result }]);
        state
    }

    fn refusal() -> ActionResult {
        ActionResult::Failed {
            code: "InvalidParameterException".into(),
            message: "no".into(),
            retryable: false,
        }
    }

    fn known(state: &RolloutState) -> &crate::model::resource_record::ResourceRecord {
        &state.resources[&ResourceId::new(ResourceKind::Service, "web")]
    }

    fn whole() -> Tree {
        json!({"cluster": "c", "service": "web", "taskDefinition": "web:2", "enableExecuteCommand": true})
    }

    #[test]
    fn what_was_refused_beside_a_revision_is_remembered_until_it_or_the_revision_alone_comes_through() {
        let refused = after(RolloutState::default(), whole(), refusal());
        let it = known(&refused).refused.clone().unwrap();
        assert_eq!((it.declared, it.message.as_str()), ("d1".into(), "InvalidParameterException: no"));
        let done = || ActionResult::Done { arn: None, deployment: None };
        let alone = || json!({"cluster": "c", "service": "web", "taskDefinition": "web:2"});
        let rolled = after(refused.clone(), alone(), done());
        assert!(known(&rolled).refused.is_some(), "the rest is still outstanding");
        // The revision may need the rest, so both are asked for together again.
        let together = after(refused.clone(), alone(), refusal());
        assert!(known(&together).refused.is_none());
        assert!(known(&after(refused, whole(), done())).refused.is_none());
    }

    #[test]
    fn what_was_written_and_need_not_be_declared_is_remembered() {
        let done = ActionResult::Done { arn: None, deployment: None };
        let state = after(RolloutState::default(), whole(), done);
        let written: Vec<&str> = known(&state).written.iter().map(String::as_str).collect();
        assert_eq!(written, ["capacityProviderStrategy", "tags.team"]);
    }
}
