//! Deployments that ECS takes through stages: each stage is progress, and a pause is none of the
//! rollout's making.

use super::view::View;
use super::workload::ServiceWorkload;
use crate::model::membership::misdirected;
use crate::model::observed::Seen;
use crate::model::resource::Tree;
use crate::model::rollout::ComponentRollout;
use crate::model::service_deployment::shifts_traffic;
use crate::model::service_deployment::{ObservedHook, ObservedStage, StageRecord};
use jiff::SignedDuration;

type ServiceView<'a> = View<'a, ServiceWorkload<'a>>;

fn stage<'a>(view: &ServiceView<'a>) -> Option<&'a ObservedStage> {
    view.step.observed.stages.get(&view.desired.name).and_then(Seen::present)
}

/// Takes note of the stage that ECS is at, and of production traffic that does not go where ECS
/// asks it to go meanwhile; whether the stage is another one than before.
pub(super) fn moved_on(view: &ServiceView<'_>, component: &mut ComponentRollout) -> bool {
    let Some(stage) = stage(view) else { return false };
    let known = component.stage.take().unwrap_or_default();
    let place = stage.place();
    let moved = known.place != place;
    let before = known.misdirected_since.filter(|_| !moved);
    let misdirected_since = match misdirected(view.desired, view.step.observed) {
        None => before,
        Some(found) => (!found.is_empty()).then(|| before.unwrap_or(view.step.now)),
    };
    let deployment = stage.deployment.clone();
    let has_traffic = stage.has_or_gets_traffic() || (known.has_traffic && known.deployment == deployment);
    let answered = known.answered;
    component.stage = Some(StageRecord { deployment, has_traffic, place, answered, misdirected_since });
    moved
}

/// Whether the deployment waits for a person, or for a hook whose time is not over.
pub(super) fn is_held(view: &ServiceView<'_>) -> bool {
    let now = view.step.now;
    let waits = |hook: &ObservedHook| hook.pauses || hook.until.is_some_and(|until| until > now);
    stage(view).is_some_and(|stage| stage.hooks.iter().any(waits))
}

/// How long the present stage may last because its configuration says so; all of them, while it is
/// not known which one that is.
pub(super) fn lasts(view: &ServiceView<'_>) -> SignedDuration {
    let fields = view.workload.fields;
    let Some(stage) = stage(view).and_then(|stage| stage.stage.as_deref()) else { return pauses(fields) };
    let configuration = &fields["deploymentConfiguration"];
    let minutes = |pointer: &str| configuration.pointer(pointer).and_then(Tree::as_i64).unwrap_or(0);
    SignedDuration::from_mins(match stage {
        "BAKE_TIME" => minutes("/bakeTimeInMinutes"),
        "PRODUCTION_TRAFFIC_SHIFT" => {
            let linear = minutes("/linearConfiguration/stepBakeTimeInMinutes");
            linear.max(minutes("/canaryConfiguration/canaryBakeTimeInMinutes"))
        }
        _ => 0,
    })
}

/// How long a deployment may stand still because its configuration says so, wherever it is: while
/// it bakes, between the steps of its traffic, while a hook waits.
///
/// Source: ECS API, DeploymentConfiguration (`bakeTimeInMinutes`), CanaryConfiguration,
/// LinearConfiguration, DeploymentLifecycleHook (`timeoutConfiguration`, 24 hours by default).
fn pauses(fields: &Tree) -> SignedDuration {
    let configuration = &fields["deploymentConfiguration"];
    if !shifts_traffic(fields) {
        return SignedDuration::ZERO;
    }
    let hooks = configuration["lifecycleHooks"].as_array().into_iter().flatten();
    let hook = |hook: &Tree| hook["timeoutConfiguration"]["timeoutInMinutes"].as_i64().unwrap_or(1440);
    let steps = [
        configuration["bakeTimeInMinutes"].as_i64(),
        configuration["canaryConfiguration"]["canaryBakeTimeInMinutes"].as_i64(),
        configuration["linearConfiguration"]["stepBakeTimeInMinutes"].as_i64().map(|step| {
            let percent = configuration["linearConfiguration"]["stepPercent"].as_f64().unwrap_or(10.0);
            step.saturating_mul(steps_of(percent))
        }),
    ];
    let waits: i64 = steps.into_iter().flatten().sum::<i64>() + hooks.map(hook).sum::<i64>();
    SignedDuration::from_mins(waits)
}

/// How many steps bring all traffic over.
fn steps_of(percent: f64) -> i64 {
    let mut reached = 0.0;
    let mut steps = 0;
    while reached < 100.0 && steps < 100 {
        reached += percent.max(1.0);
        steps += 1;
    }
    steps
}
