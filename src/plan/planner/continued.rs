//! The answer to a paused deployment, when a person gave one.

use super::{Draft, seen};
use crate::model::call::{Call, Verb};
use crate::model::observed::Seen;
use crate::model::plan::Reason;
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
            let PauseAnswer { deployment, hook, rollback, because } = answer.clone();
            let call = Call::ContinueServiceDeployment { arn: deployment, hook, rollback };
            draft.act(&id, Verb::Update, call, Reason::Rollout { what: because }, Vec::new());
        }
    }
}
