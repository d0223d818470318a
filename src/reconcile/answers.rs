//! Answers to paused deployments: when one is given, and the request can go.

use crate::model::call::Call;
use crate::model::desired::DesiredState;
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedState, Seen};
use crate::model::plan::{ActionResult, Outcome, Plan};
use crate::model::request::{Request, RequestKind};

/// The requests to go on that are over after a pass: AWS answered, or was seen to wait for them no
/// more. What was not seen, or not done because of a pause of writes, is asked for again.
pub(super) fn given(
    requests: &[Request],
    desired: &DesiredState,
    observed: &ObservedState,
    plan: &Plan,
    outcomes: &[Outcome],
) -> Vec<Request> {
    let is_given = |request: &&Request| match &request.kind {
        RequestKind::Continue { component, service_deployment, hook, .. } => {
            is_answered(hook, plan, outcomes)
                || !desired.components.contains_key(component)
                || is_over(component, service_deployment, hook, observed)
        }
        RequestKind::ConfirmDeletion
        | RequestKind::Retry { .. }
        | RequestKind::Pause { .. }
        | RequestKind::Resume
        | RequestKind::Adopt { .. } => false,
    };
    requests.iter().filter(is_given).cloned().collect()
}

/// Whether AWS said yes, or a no that stands.
fn is_answered(asked: &str, plan: &Plan, outcomes: &[Outcome]) -> bool {
    outcomes.iter().any(|outcome| {
        let call = plan.actions.get(outcome.action).map(|action| &action.call);
        let is_it = matches!(call, Some(Call::ContinueServiceDeployment { hook, .. }) if hook == asked);
        is_it
            && matches!(
                outcome.result,
                ActionResult::Done { .. } | ActionResult::Failed { retryable: false, .. }
            )
    })
}

/// Whether the service was seen, and no deployment of it waits at this hook any more.
fn is_over(component: &ComponentName, deployment: &str, hook: &str, observed: &ObservedState) -> bool {
    match (observed.services.get(component), observed.stages.get(component)) {
        (Some(Seen::Absent), _) | (Some(Seen::Present(_)), Some(Seen::Absent)) => true,
        (Some(Seen::Present(_)), Some(Seen::Present(stage))) => {
            stage.deployment != deployment || stage.pause().is_none_or(|pause| pause.id != hook)
        }
        (Some(Seen::Present(service)), None) => !service.is_in_stages(),
        _ => false,
    }
}
