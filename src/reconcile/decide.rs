//! The part of a pass that decides, from what was observed to the plan, and what the pass came to.
//! Pure; `ctl plan` stops here.

use super::entry::Declaration;
use super::schedule::Ending;
use crate::desired;
use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::observed::{ObservedState, Seen};
use crate::model::plan::{ActionResult, Outcome, Plan, WaitingOn};
use crate::model::rollout::{ComponentRollout, Phase, RolloutState, SecretVersion};
use crate::model::service_deployment::ObservedStage;
use crate::plan::{self, PlanInput};
use crate::rollout::{self, StepInput};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Everything that is known before anything is done: where a dry run stops.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What AWS showed.
    pub observed: ObservedState,
    /// The declaration with references resolved.
    pub resolved: ResolvedState,
    /// The rollout, one step on.
    pub step: RolloutState,
    /// What would be done.
    pub plan: Plan,
}

/// Decides what a pass does. The controller acts on it; `ctl plan` shows it.
pub fn decide(
    declared: &Declaration,
    prior: &RolloutState,
    observed: ObservedState,
    now: Timestamp,
) -> Decision {
    let desired: &DesiredState = &declared.desired;
    let mut secrets = rollout::settle_secrets(prior, &observed, now);
    let resolve = |secrets: &BTreeMap<String, SecretVersion>| {
        let versions = secrets.iter().map(|(id, version)| (id.clone(), version.version.clone()));
        desired::resolve(desired, &observed, &versions.collect(), &prior.resources)
    };
    let mut resolved = resolve(&secrets);
    if rollout::hasten_secrets(&mut secrets, prior, desired, &resolved, &observed) {
        resolved = resolve(&secrets);
    }
    let mut prior = prior.clone();
    prior.secrets = secrets;
    if declared.is_teardown() {
        let input = PlanInput { desired, resolved: &resolved, rollout: &prior, observed: &observed, now };
        let plan = plan::teardown(&input, declared.deletion_confirmed);
        return Decision { observed, resolved, step: prior, plan };
    }
    let input = StepInput { prior: &prior, desired, resolved: &resolved, observed: &observed, now };
    let mut step = rollout::advance(&input);
    // A suspension stops intents as well as writes; what is under way is still watched.
    if desired.suspend.as_ref().is_some_and(|suspend| suspend.until > now) {
        hold_new_intents(&prior, &mut step);
    }
    let plan =
        plan::plan(&PlanInput { desired, resolved: &resolved, rollout: &step, observed: &observed, now });
    Decision { observed, resolved, step, plan }
}

/// Takes back the intents that this step would newly store; what is under way is still watched.
fn hold_new_intents(prior: &RolloutState, step: &mut RolloutState) {
    for (name, component) in &mut step.components {
        let is_intent = matches!(
            component.phase,
            Phase::Rolling { deployment: None, .. } | Phase::TaskRunning { task: None, .. }
        );
        if is_intent {
            component.phase = prior.components.get(name).map(|known| known.phase.clone()).unwrap_or_default();
        }
    }
}

/// Whether a rollout was seen to wait for a person, and goes on only once one answers or the pause
/// times out.
fn is_paused(component: &ComponentRollout, stage: Option<&Seen<ObservedStage>>) -> bool {
    let stage = stage.and_then(Seen::present).and_then(ObservedStage::pause);
    let known = component.stage.as_ref();
    let answered = known.and_then(|known| known.answered.as_ref());
    // Traffic that goes elsewhere meanwhile is to be put right before ECS goes on.
    let misdirected = known.is_some_and(|known| known.misdirected_since.is_some());
    let waits = stage.is_some_and(|hook| answered != Some(&hook.id) && !misdirected);
    waits && matches!(component.phase, Phase::Rolling { deployment: Some(_), .. })
}

/// When the first pause that was seen times out: ECS goes on by itself then.
pub fn pause_ends(observed: &ObservedState) -> Option<Timestamp> {
    let stages = observed.stages.values().filter_map(Seen::present);
    stages.filter_map(|stage| stage.pause()?.until).min()
}

/// How a pass ended, which decides when the next one comes.
pub fn ending(after: &RolloutState, plan: &Plan, outcomes: &[Outcome], observed: &ObservedState) -> Ending {
    let failed = outcomes
        .iter()
        .any(|outcome| matches!(outcome.result, ActionResult::Failed { .. } | ActionResult::Unknown { .. }));
    if failed || !observed.gaps.is_empty() {
        return Ending::Held;
    }
    if outcomes.iter().any(|outcome| matches!(outcome.result, ActionResult::Done { .. })) {
        return Ending::Acted;
    }
    // A resource that is waited for was asked for by this pass or the last one, and what AWS is
    // changing becomes ready by itself: it comes soon.
    let mut polled =
        after.components.iter().filter(|(_, component)| rollout::wants_polling(&component.phase)).peekable();
    let polls = polled.peek().is_some();
    let paused = polls && polled.all(|(name, component)| is_paused(component, observed.stages.get(name)));
    let rolling = (polls && !paused)
        || after.secrets.values().any(|secret| secret.pending.is_some())
        || plan.waiting_on.iter().any(|waiting| {
            matches!(
                waiting.on,
                WaitingOn::Targets { .. }
                    | WaitingOn::Draining { .. }
                    | WaitingOn::InUse { .. }
                    | WaitingOn::Predecessor { .. }
                    | WaitingOn::Claimant { ends: true, .. }
                    | WaitingOn::Resource { .. }
                    | WaitingOn::NotReady { failed: false, .. }
            )
        });
    if rolling {
        return Ending::Rolling;
    }
    if paused {
        return Ending::Paused;
    }
    let suspended = plan
        .waiting_on
        .iter()
        .all(|waiting| matches!(waiting.on, WaitingOn::Suspended { .. } | WaitingOn::Failed { .. }));
    if plan.waiting_on.is_empty() || suspended { Ending::Steady } else { Ending::Held }
}
