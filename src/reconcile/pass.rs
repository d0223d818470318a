//! One walk through the rooms, for a batch of deployments of one placement.

use super::clock::Clock;
use super::entry::{Declared, Entry};
use super::schedule::Ending;
use crate::desired;
use crate::executor::{Executor, Fence};
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::kinds::Placement;
use crate::model::observed::{Depth, ObservedState};
use crate::model::plan::{ActionResult, Outcome, Plan, WaitingOn};
use crate::model::rollout::{Phase, RolloutState};
use crate::model::status::DeploymentStatus;
use crate::observed::{Ask, Collector};
use crate::plan::{self, PlanInput};
use crate::rollout::{self, StepInput};
use crate::status::{self, StateStore, StatusInput, events};
use crate::telemetry::Metrics;
use jiff::Timestamp;
use std::collections::BTreeMap;
use tracing::{Instrument, debug, debug_span, info, warn};

/// What a pass works with.
#[derive(Debug)]
pub struct Walk<S> {
    /// Reads AWS.
    pub collector: Collector,
    /// Writes AWS.
    pub executor: Executor,
    /// Keeps records.
    pub state: S,
    /// Tells the time.
    pub clock: Clock,
    /// Counts.
    pub metrics: Metrics,
}

/// Everything that is known before anything is done: where a dry run stops.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// What was seen.
    pub observed: ObservedState,
    /// The declaration with references resolved.
    pub resolved: ResolvedState,
    /// The rollout, one step on.
    pub step: RolloutState,
    /// What would be done.
    pub plan: Plan,
}

/// What one pass of one deployment came to.
#[derive(Clone, Debug)]
pub struct Passed {
    /// How it ended.
    pub ending: Ending,
    /// How deeply AWS was looked at.
    pub depth: Depth,
    /// Actions that were done.
    pub acted: usize,
    /// Whether everything was seen, nothing is left to do, and nothing is waited for.
    pub at_rest: bool,
    /// Why the state store could not be written, when it could not.
    pub state_error: Option<String>,
}

impl<S: StateStore> Walk<S> {
    /// Walks a batch of up to ten deployments of one placement: reads are shared, everything else
    /// is one by one.
    pub async fn pass(
        &self,
        placement: &Placement,
        batch: &mut [(Entry, Depth)],
        fence: &dyn Fence,
    ) -> Vec<Passed> {
        let now = self.clock.now();
        let asks: Vec<Ask<'_>> = batch
            .iter()
            .map(|(entry, depth)| Ask {
                desired: &entry.declared.desired,
                rollout: &entry.record.rollout,
                depth: *depth,
            })
            .collect();
        let seen = self.collector.collect(placement, &asks, now).instrument(debug_span!("observe")).await;
        drop(asks);
        let mut passed = Vec::with_capacity(batch.len());
        for ((entry, _), observed) in batch.iter_mut().zip(seen) {
            let span = tracing::info_span!(
                "reconcile",
                deployment = %entry.record.name,
                generation = entry.declared.desired.generation.0,
            );
            passed.push(self.pass_one(entry, observed, fence).instrument(span).await);
        }
        passed
    }

    async fn pass_one(&self, entry: &mut Entry, observed: ObservedState, fence: &dyn Fence) -> Passed {
        let now = self.clock.now();
        let before = entry.record.rollout.clone();
        let Prospect { observed, resolved, step, plan } = look(&entry.declared, &before, observed, now);
        debug!(actions = plan.actions.len(), waiting_on = plan.waiting_on.len(), depth = ?observed.depth, "planned");

        // Intent before action: whatever happens from here on, the next pass finds what this one
        // set out to do. A repair has no intent to keep, but what comes of it must be kept; that
        // the record can be written is seen before, not after.
        let step = rollout::intend(step, &plan, now);
        if step != before || !plan.actions.is_empty() {
            entry.record.rollout = step.clone();
            if let Err(error) = self.keep(entry).await {
                entry.record.rollout = before;
                return self.state_failed(&error, observed.depth);
            }
        }

        let outcomes = self.executor.run(&entry.declared.desired.placement, &plan, fence, None).await;
        self.metrics.acted(&plan, &outcomes);

        let after = rollout::record(step, &resolved, &observed, &plan, &outcomes);
        let status = status::compute(&StatusInput {
            prior: entry.record.status.as_ref(),
            source: &entry.declared.source,
            generation: entry.declared.newest_generation,
            findings: &entry.declared.findings,
            desired: &entry.declared.desired,
            resolved: &resolved,
            observed: &observed,
            rollout: &after,
            plan: &plan,
            outcomes: &outcomes,
            orphaned: entry.declared.removed_at.is_some(),
            now: self.clock.now(),
        });
        let conditions = (entry.record.status.as_ref(), &status);
        let happened = events::of_pass(&plan, &outcomes, (&before, &after), conditions, now);
        log_readiness(entry.record.status.as_ref(), &status);
        let ending = if entry.declared.is_teardown() {
            // What was being rolled out is rolled out no more.
            ending(&RolloutState::default(), &plan, &outcomes, &observed)
        } else {
            ending(&after, &plan, &outcomes, &observed)
        };
        let changed = after != entry.record.rollout
            || entry.record.status.as_ref() != Some(&status)
            || !happened.is_empty();
        if changed || entry.unkept {
            entry.record.rollout = after;
            entry.record.status = Some(status);
            events::append(&mut entry.record, happened);
            if let Err(error) = self.keep(entry).await {
                return self.state_failed(&error, observed.depth);
            }
        }
        let acted = outcomes.iter().filter(|o| matches!(o.result, ActionResult::Done { .. })).count();
        let at_rest = plan.actions.is_empty() && plan.waiting_on.is_empty() && observed.gaps.is_empty();
        Passed { ending, depth: observed.depth, acted, at_rest, state_error: None }
    }

    async fn keep(&self, entry: &mut Entry) -> Result<(), status::Error> {
        let kept = self.state.save(&entry.record).await;
        entry.unkept = kept.is_err();
        kept
    }

    fn state_failed(&self, error: &status::Error, depth: Depth) -> Passed {
        let text = crate::telemetry::chain(error);
        tracing::error!(error = %text, "cannot keep the record: nothing is written to AWS without it");
        Passed { ending: Ending::Held, depth, acted: 0, at_rest: false, state_error: Some(text) }
    }
}

/// Says in the log that a deployment became ready or what has come to keep it from being so, once
/// per reason.
fn log_readiness(before: Option<&DeploymentStatus>, after: &DeploymentStatus) {
    let ready = |status: &DeploymentStatus| {
        status.conditions.iter().find(|condition| condition.kind == ConditionType::Ready).cloned()
    };
    let Some(now) = ready(after) else { return };
    let same = |before: Condition| before.status == now.status && before.reason == now.reason;
    if before.and_then(ready).is_some_and(same) {
        return;
    }
    let Condition { status, reason, message, .. } = &now;
    let unseen = after.waiting_on.iter().any(|waiting| matches!(waiting.on, WaitingOn::Observation { .. }));
    if *status == Truth::True || (reason == "Progressing" && !unseen) {
        info!(ready = %status, %reason, "{message}");
    } else {
        warn!(ready = %status, %reason, "{message}");
    }
}

/// The part of the walk that decides, from what was seen to the plan. Pure; `ctl plan` stops here.
pub fn look(declared: &Declared, prior: &RolloutState, observed: ObservedState, now: Timestamp) -> Prospect {
    let desired: &DesiredState = &declared.desired;
    let secrets = rollout::settle_secrets(prior, &observed, now);
    let versions: BTreeMap<String, String> =
        secrets.iter().map(|(id, version)| (id.clone(), version.version.clone())).collect();
    let resolved = desired::resolve(desired, &observed, &versions, &prior.arns);
    let mut prior = prior.clone();
    prior.secrets = secrets;
    if declared.is_teardown() {
        let input = PlanInput { desired, resolved: &resolved, rollout: &prior, observed: &observed, now };
        let plan = plan::teardown(&input, declared.deletion_confirmed);
        return Prospect { observed, resolved, step: prior, plan };
    }
    let input = StepInput { prior: &prior, desired, resolved: &resolved, observed: &observed, now };
    let mut step = rollout::advance(&input);
    // A suspension stops intents as well as writes; what is under way is still watched.
    if desired.suspend.as_ref().is_some_and(|suspend| suspend.until > now) {
        hold_new_intents(&prior, &mut step);
    }
    let plan =
        plan::plan(&PlanInput { desired, resolved: &resolved, rollout: &step, observed: &observed, now });
    Prospect { observed, resolved, step, plan }
}

fn hold_new_intents(prior: &RolloutState, step: &mut RolloutState) {
    for (name, component) in &mut step.components {
        let is_intent = matches!(
            component.phase,
            Phase::Rolling { deployment: None, .. } | Phase::Migrating { task: None, .. }
        );
        if is_intent {
            component.phase = prior.components.get(name).map(|known| known.phase.clone()).unwrap_or_default();
        }
    }
}

fn ending(after: &RolloutState, plan: &Plan, outcomes: &[Outcome], observed: &ObservedState) -> Ending {
    let failed = outcomes
        .iter()
        .any(|outcome| matches!(outcome.result, ActionResult::Failed { .. } | ActionResult::Unknown { .. }));
    if failed || !observed.gaps.is_empty() {
        return Ending::Held;
    }
    if outcomes.iter().any(|outcome| matches!(outcome.result, ActionResult::Done { .. })) {
        return Ending::Acted;
    }
    let rolling = after.components.values().any(|component| rollout::wants_polling(&component.phase))
        || after.secrets.values().any(|secret| secret.pending.is_some())
        || plan
            .waiting_on
            .iter()
            .any(|w| matches!(w.on, WaitingOn::Targets { .. } | WaitingOn::Draining { .. }));
    if rolling {
        return Ending::Rolling;
    }
    // An intent that the pass has just stored, or a gate that it has just opened, is acted on at
    // once.
    let moving = plan.waiting_on.iter().any(|w| matches!(w.on, WaitingOn::Resource { .. }));
    if moving {
        return Ending::Rolling;
    }
    let suspended = plan
        .waiting_on
        .iter()
        .all(|w| matches!(w.on, WaitingOn::Suspended { .. } | WaitingOn::Failed { .. }));
    if plan.waiting_on.is_empty() || suspended { Ending::Steady } else { Ending::Held }
}
