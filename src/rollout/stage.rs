//! Deployments that ECS takes through stages: each stage is progress, and a pause is none of the
//! rollout's making.

use super::service::ServiceView;
use crate::model::observed::Seen;
use crate::model::rollout::ComponentRollout;
use crate::model::service_deployment::{ObservedStage, StageRecord};

fn stage<'a>(view: &ServiceView<'a>) -> Option<&'a ObservedStage> {
    view.step.observed.stages.get(&view.desired.name).and_then(Seen::present)
}

/// Takes note of the stage that ECS is at; whether it is another one than before.
pub(super) fn moved_on(view: &ServiceView<'_>, component: &mut ComponentRollout) -> bool {
    let Some(stage) = stage(view) else { return false };
    let place = stage.place();
    if component.stage.as_ref().is_some_and(|known| known.place == place) {
        return false;
    }
    let answered = component.stage.take().and_then(|known| known.answered);
    component.stage = Some(StageRecord { place, answered });
    true
}

/// Whether the deployment waits for a person.
pub(super) fn is_paused(view: &ServiceView<'_>) -> bool {
    stage(view).is_some_and(|stage| stage.pause().is_some())
}
