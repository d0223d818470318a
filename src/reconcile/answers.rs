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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observed::{Depth, Gap, ObservedService};
    use crate::model::service_deployment::{ObservedHook, ObservedStage};
    use jiff::Timestamp;
    use serde_json::json;

    const DEPLOYMENT: &str = "arn:aws:ecs:eu-west-1:1:service-deployment/c/web/1";

    fn stage(hook: &str, deployment: &str) -> Seen<ObservedStage> {
        let (target, until, then) = (None, None, None);
        Seen::Present(ObservedStage {
            deployment: deployment.to_owned(),
            status: "IN_PROGRESS".to_owned(),
            strategy: "BLUE_GREEN".to_owned(),
            stage: Some("POST_SCALE_UP".to_owned()),
            production: None,
            asked: Seen::Absent,
            moves_rule: false,
            hooks: vec![ObservedHook { id: hook.to_owned(), pauses: true, target, until, then }],
        })
    }

    /// A service of which a deployment is in this state.
    fn service(state: &str) -> Seen<ObservedService> {
        let deployment = json!({"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": "web:1", "rolloutState": state,
            "rolloutStateReason": null, "desired": 1, "running": 1, "pending": 0, "failed": 0, "createdAt": null});
        let service = json!({"arn": "arn", "name": "web", "status": "ACTIVE", "createdAt": null, "taskDefinition": "web:1",
            "fields": {"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "desired": 1, "running": 1, "pending": 0,
            "deployments": [deployment], "events": [], "tags": {}});
        Seen::Present(serde_json::from_value(service).unwrap())
    }

    #[test]
    fn a_pause_is_over_when_it_is_seen_to_be_and_not_when_it_is_not_seen() {
        let web = ComponentName::new("web");
        let gap = || Gap { operation: "o".to_owned(), code: "c".to_owned(), message: "m".to_owned() };
        let over = |service: Seen<ObservedService>, stage: Option<Seen<ObservedStage>>| {
            let mut observed = ObservedState::unread(Timestamp::UNIX_EPOCH, Depth::Full);
            observed.services.insert(web.clone(), service);
            observed.stages.extend(stage.map(|stage| (web.clone(), stage)));
            is_over(&web, DEPLOYMENT, "hook", &observed)
        };
        let rolls = || service("IN_PROGRESS");
        assert!(!over(rolls(), Some(stage("hook", DEPLOYMENT))), "it waits");
        assert!(!over(rolls(), Some(Seen::Unknown(gap()))));
        assert!(!over(Seen::Unknown(gap()), None));
        assert!(!over(rolls(), None), "not read");
        assert!(over(rolls(), Some(stage("another hook", DEPLOYMENT))));
        assert!(over(rolls(), Some(stage("hook", "another deployment"))));
        assert!(over(rolls(), Some(Seen::Absent)));
        assert!(over(service("COMPLETED"), None));
        assert!(over(Seen::Absent, None));
    }
}
