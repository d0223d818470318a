//! The answer to a paused deployment, when a person gave one.
//!
//! A deployment does not go on while its production traffic goes elsewhere than ECS asks for: ECS
//! would stop the tasks that get it.

use super::{Draft, seen};
use crate::model::call::{Call, Verb};
use crate::model::ids::ComponentName;
use crate::model::kinds::DriftPolicy;
use crate::model::membership::misdirected;
use crate::model::observed::{ObservedService, Seen};
use crate::model::plan::{Reason, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::service_deployment::PauseAnswer;

/// Answers every deployment that is seen to be paused by the very hook that a person spoke of,
/// once.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (name, answer) in &input.desired.answers {
        let id = ResourceId::new(ResourceKind::Service, name.as_str());
        let Seen::Present(service) = seen(&input.observed.services, name) else { continue };
        let Seen::Present(stage) = seen(&input.observed.stages, name) else { continue };
        let asked =
            stage.deployment == answer.deployment && stage.pause().is_some_and(|hook| hook.id == answer.hook);
        let known = input.rollout.components.get(name).and_then(|component| component.stage.as_ref());
        let answered = known.is_some_and(|known| known.answered.as_ref() == Some(&answer.hook));
        if asked && !answered && draft.owner(&id, &service.arn, &service.tags).is_ours() {
            if let Some(on) = misdirected_first(draft, name, answer, service) {
                draft.wait(&id, on);
                continue;
            }
            let PauseAnswer { deployment, hook, rollback, because } = answer.clone();
            let call = Call::ContinueServiceDeployment { arn: deployment, hook, rollback };
            draft.act(&id, Verb::Update, call, Reason::Rollout { what: because }, Vec::new());
        }
    }
}

/// What comes before a deployment goes on; one that is rolled back goes at once. Whatever is to be
/// done about drift, an answer is no wish to send all requests to nobody.
fn misdirected_first(
    draft: &Draft<'_>,
    name: &ComponentName,
    answer: &PauseAnswer,
    service: &ObservedService,
) -> Option<WaitingOn> {
    let component = draft.input.desired.components.get(name).filter(|_| !answer.rollback)?;
    let found = misdirected(component, draft.input.observed)?.into_iter().next()?;
    let by_hand = draft.policy(&found.by, "actions") != DriftPolicy::Repair;
    let who = if by_hand {
        "`spec.drift` leaves that as it is, so set it right yourself, or roll back with `ctl continue --rollback`"
    } else {
        "it is put right first"
    };
    let because = format!("{} {}; {who}", found.by, found.in_words(draft.input.observed));
    Some(WaitingOn::Traffic { deployment: deployment_id(service), because, by_hand })
}

fn deployment_id(service: &ObservedService) -> String {
    service.primary().map(|primary| primary.id.clone()).unwrap_or_default()
}
