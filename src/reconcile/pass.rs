//! One pass through the layers, for a batch of deployments of one placement.

use super::answers;
use super::clock::Clock;
use super::decide::{Decision, decide, ending, pause_ends};
use super::entry::Entry;
use super::metrics::Metrics;
use super::schedule::{Ending, Trigger};
use crate::executor::{Executor, Fence};
use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};
use crate::model::desired::ResolvedState;
use crate::model::handover::Handover;
use crate::model::kinds::Placement;
use crate::model::observed::{Depth, ObservedState};
use crate::model::plan::{ActionResult, Outcome, Plan, WaitingOn};
use crate::model::request::Request;
use crate::model::rollout::RolloutState;
use crate::model::status::DeploymentStatus;
use crate::observed::{Collector, Kept, ObservationRequest};
use crate::rollout;
use crate::state::{self, Lease, RecordStore};
use crate::status::{self, StatusInput, events};
use jiff::Timestamp;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tracing::{Instrument, debug, debug_span, error, info, warn};

/// What a pass works with.
#[derive(Debug)]
pub struct Reconciler {
    /// Reads AWS.
    pub collector: Collector,
    /// Writes AWS.
    pub executor: Executor,
    /// Keeps records.
    pub state: Arc<dyn RecordStore>,
    /// The right to write records, and with them AWS.
    pub lease: Lease,
    /// Tells the time.
    pub clock: Clock,
    /// Counts passes and actions.
    pub metrics: Metrics,
}

/// One pass of one deployment, before it runs.
#[derive(Debug)]
pub struct Pass {
    /// Its number since the controller started: the lines of one pass are found by it.
    pub id: u64,
    /// Why it runs.
    pub trigger: Trigger,
    /// The deployment.
    pub entry: Entry,
    /// How deeply AWS is read.
    pub depth: Depth,
}

/// What a pass saw, what it wanted to do, and what became of it.
struct Looked<'a> {
    resolved: &'a ResolvedState,
    observed: &'a ObservedState,
    plan: &'a Plan,
    outcomes: &'a [Outcome],
}

/// What one pass of one deployment came to.
#[derive(Clone, Debug)]
pub struct PassResult {
    /// How it ended.
    pub ending: Ending,
    /// How deeply AWS was read.
    pub depth: Depth,
    /// Actions that were done.
    pub acted: usize,
    /// Whether everything was seen, nothing is left to do, and nothing is waited for.
    pub at_rest: bool,
    /// When ECS ends the first pause of a deployment by itself.
    pub pause_ends: Option<Timestamp>,
    /// Requests to go on that are answered, or of which the pause is over.
    pub answered: Vec<Request>,
    /// Why the state store could not be written, when it could not.
    pub state_error: Option<String>,
}

impl PassResult {
    /// Nothing was done: all is read before that.
    fn looks_again() -> Self {
        let (ending, depth, at_rest) = (Ending::Acted, Depth::Full, false);
        Self { ending, depth, acted: 0, at_rest, pause_ends: None, answered: Vec::new(), state_error: None }
    }

    /// A light pass that saw what the last one saw, which had nothing to do.
    fn at_rest() -> Self {
        let (ending, depth, at_rest) = (Ending::Steady, Depth::Light, true);
        Self { ending, depth, acted: 0, at_rest, pause_ends: None, answered: Vec::new(), state_error: None }
    }
}

impl Reconciler {
    /// Reconciles a batch of up to ten deployments of one placement: reads are shared, everything
    /// else is one by one.
    pub async fn pass(
        &self,
        placement: &Placement,
        batch: &mut [Pass],
        fence: &dyn Fence,
    ) -> Vec<PassResult> {
        let now = self.clock.now();
        let kept = |pass: &mut Pass| Kept::from_text(&pass.entry.kept.take()?, now);
        let kept: Vec<Option<Kept>> = batch.iter_mut().map(kept).collect();
        let requests: Vec<ObservationRequest<'_>> = batch
            .iter()
            .zip(&kept)
            .map(|(pass, kept)| ObservationRequest {
                desired: &pass.entry.declared.desired,
                rollout: &pass.entry.record.rollout,
                depth: pass.depth,
                removed: pass.entry.declared.is_teardown(),
                kept: kept.as_ref(),
            })
            .collect();
        let seen = self.collector.collect(placement, &requests, now).instrument(debug_span!("observe")).await;
        drop(requests);
        let mut results = Vec::with_capacity(batch.len());
        for ((pass, observed), kept) in batch.iter_mut().zip(seen).zip(kept) {
            let entry = &mut pass.entry;
            let span = tracing::info_span!(
                "reconcile",
                pass = pass.id,
                reason = <&str>::from(pass.trigger),
                deployment = %entry.record.name,
                generation = entry.declared.desired.generation.0,
            );
            results.push(self.pass_one(entry, observed, kept, fence).instrument(span).await);
        }
        results
    }

    async fn pass_one(
        &self,
        entry: &mut Entry,
        observed: ObservedState,
        kept: Option<Kept>,
        fence: &dyn Fence,
    ) -> PassResult {
        let now = self.clock.now();
        let seen = hash_of_services(entry, &observed);
        if observed.depth == Depth::Light && seen.is_some() && seen == entry.at_rest {
            return PassResult::at_rest();
        }
        let before = entry.record.rollout.clone();
        let Decision { observed, resolved, step, plan } = decide(&entry.declared, &before, observed, now);
        if kept.is_some() && Kept::is_touched_by(&plan) {
            debug!("what is to be written is looked at first");
            return PassResult::looks_again();
        }
        debug!(actions = plan.actions.len(), waiting_on = plan.waiting_on.len(), depth = ?observed.depth, "planned");

        // Intent before action: whatever happens from here on, the next pass finds what this one
        // set out to do. A repair has no intent to keep, but what comes of it must be kept; that
        // the record can be written is seen before, not after. A pass that does nothing is saved
        // once, at its end.
        let region = &entry.declared.desired.placement.region;
        let step = rollout::record_intent(step, &observed, &plan, region, now);
        if !plan.actions.is_empty() {
            entry.record.rollout = step.clone();
            if let Err(error) = self.save(entry).await {
                entry.record.rollout = before;
                return self.state_failed(&error, observed.depth);
            }
        }

        let outcomes = self.executor.run(&entry.declared.desired.placement, &plan, fence).await;
        self.metrics.acted(&plan, &outcomes);
        let after = rollout::record(step, &resolved, &observed, &plan, &outcomes);
        let looked = Looked { resolved: &resolved, observed: &observed, plan: &plan, outcomes: &outcomes };
        let ending = if entry.declared.is_teardown() {
            // What was being rolled out is rolled out no more.
            ending(&RolloutState::default(), &plan, &outcomes, &observed)
        } else {
            ending(&after, &plan, &outcomes, &observed)
        };
        let changed = match self.report(entry, &looked, (&before, after), now).await {
            Ok(changed) => changed,
            Err(error) => return self.state_failed(&error, observed.depth),
        };
        let acted = outcomes.iter().filter(|o| matches!(o.result, ActionResult::Done { .. })).count();
        let at_rest = plan.actions.is_empty() && plan.waiting_on.is_empty() && observed.gaps.is_empty();
        let (requests, desired) = (&entry.declared.requests, &entry.declared.desired);
        let answered = answers::given(requests, desired, &observed, &plan, &outcomes);
        let pause_ends = pause_ends(&observed);
        let depth = observed.depth;
        let settled = at_rest && ending == Ending::Steady && (depth == Depth::Full || !changed);
        entry.at_rest = seen.filter(|_| settled);
        // What it shares with another document that one may write meanwhile.
        let alone = desired.handover == Handover::default() && desired.shared.is_empty();
        if alone && depth == Depth::Full && matches!(ending, Ending::Rolling | Ending::Acted) {
            entry.kept = Kept::of(observed, kept.as_ref(), &plan).and_then(|kept| kept.to_text());
        }
        PassResult { ending, depth, acted, at_rest, pause_ends, answered, state_error: None }
    }

    /// Says in the record what came of a pass, and saves it when that is anything new; true when it
    /// is.
    async fn report(
        &self,
        entry: &mut Entry,
        looked: &Looked<'_>,
        (before, after): (&RolloutState, RolloutState),
        now: Timestamp,
    ) -> Result<bool, state::Error> {
        let status = self.status(entry, looked, &after);
        let conditions = (entry.record.status.as_deref(), &status);
        let new_events = events::of_pass(looked.plan, looked.outcomes, (before, &after), conditions, now);
        log_readiness(entry.record.status.as_deref(), &status);
        let changed = after != entry.record.rollout
            || entry.record.status.as_deref() != Some(&status)
            || !new_events.is_empty();
        if changed || entry.unsaved {
            entry.record.rollout = after;
            entry.record.status = Some(Arc::new(status));
            events::append(&mut entry.record, new_events);
            self.save(entry).await?;
        }
        Ok(changed)
    }

    fn status(&self, entry: &Entry, looked: &Looked<'_>, rollout: &RolloutState) -> DeploymentStatus {
        let declared = &entry.declared;
        let Looked { resolved, observed, plan, outcomes } = *looked;
        status::compute(&StatusInput {
            prior: entry.record.status.as_deref(),
            source: &declared.source,
            generation: declared.newest_generation,
            findings: &declared.findings,
            desired: &declared.desired,
            resolved,
            observed,
            rollout,
            plan,
            outcomes,
            removed: declared.removed_at.is_some(),
            now: self.clock.now(),
        })
    }

    async fn save(&self, entry: &mut Entry) -> Result<(), state::Error> {
        let saved = self.state.save(&entry.record).await;
        entry.unsaved = saved.is_err();
        saved
    }

    fn state_failed(&self, error: &state::Error, depth: Depth) -> PassResult {
        let text = crate::telemetry::chain(error);
        tracing::error!(error = %text, "cannot save the record: nothing is written to AWS without it");
        PassResult {
            ending: Ending::Held,
            depth,
            acted: 0,
            at_rest: false,
            pause_ends: None,
            answered: Vec::new(),
            state_error: Some(text),
        }
    }
}

/// What was seen of the services, as a hash, if that and the record are all that a light pass
/// decides by: it saw everything that it read, nobody asks for anything, and no suspension ends.
fn hash_of_services(entry: &Entry, observed: &ObservedState) -> Option<u64> {
    let declared = &entry.declared;
    let asked = !declared.requests.is_empty() || declared.desired.suspend.is_some();
    if !observed.gaps.is_empty() || entry.unsaved || asked {
        return None;
    }
    let mut hasher = std::hash::DefaultHasher::new();
    (&observed.services, &observed.leftover_services).hash(&mut hasher);
    Some(hasher.finish())
}

/// Logs that a deployment became ready, or why it is not, once per reason.
fn log_readiness(before: Option<&DeploymentStatus>, after: &DeploymentStatus) {
    let Some(ready) = after.condition(ConditionType::Ready) else { return };
    let Condition { status, reason, message, .. } = ready;
    let same = |before: &Condition| before.status == *status && before.reason == *reason;
    if before.and_then(|before| before.condition(ConditionType::Ready)).is_some_and(same) {
        return;
    }
    let unseen = after.waiting_on.iter().any(|waiting| matches!(waiting.on, WaitingOn::Observation { .. }));
    if *status == Truth::True || (*reason == ConditionReason::Progressing && !unseen) {
        info!(ready = %status, %reason, "{message}");
    } else if matches!(reason, ConditionReason::AwsUnreadable | ConditionReason::CredentialsExpired) {
        error!(ready = %status, %reason, "{message}");
    } else {
        warn!(ready = %status, %reason, "{message}");
    }
}
