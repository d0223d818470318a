//! One pass through the layers: what AWS shows is read for a batch of deployments of one placement,
//! everything else is done for each by itself.

use super::answers;
use super::clock::Clock;
use super::decide::{Decision, decide, ending, pause_ends};
use super::entry::Entry;
use super::metrics::Metrics;
use super::rank::{self, Rank};
use super::schedule::{Ending, Trigger};
use crate::aws::Caller;
use crate::executor::{Executor, Fence};
use crate::model::condition::{Condition, ConditionReason, ConditionType, Truth};
use crate::model::desired::ResolvedState;
use crate::model::handover::Handover;
use crate::model::kinds::Placement;
use crate::model::observed::{Depth, ObservedState};
use crate::model::plan::{ActionResult, Outcome, Plan, Waiting, WaitingOn};
use crate::model::request::Request;
use crate::model::rollout::{Phase, RolloutState};
use crate::model::status::DeploymentStatus;
use crate::observed::{Collector, Kept, ObservationRequest, ServicesHash};
use crate::rollout;
use crate::state::{self, Lease, RecordStore};
use crate::status::{self, StatusInput, events};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::time::Instant;
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
    /// How urgent it is.
    pub rank: Rank,
    /// When it began.
    pub began: Instant,
    /// A number that all passes of its batch have.
    pub batch_seed: u64,
}

/// A pass that has read AWS.
#[derive(Debug)]
pub struct Look {
    pass: Pass,
    observed: ObservedState,
    kept: Option<Kept>,
    /// The services as a hash, if that is all that a light pass decides by.
    services: Option<ServicesHash>,
}

impl Look {
    /// What it comes to if it is a light one that saw what the last full one saw, which had nothing
    /// to do, or nothing that is not ECS's to do.
    pub fn as_before(&self) -> Option<PassResult> {
        let entry = &self.pass.entry;
        let services = self.services.filter(|_| self.observed.depth == Depth::Light)?;
        if entry.at_rest == Some(services) {
            return Some(PassResult::at_rest());
        }
        let rolling = entry.rolling(self.observed.at)?;
        (rolling == ServicesHash::of_rolling(&self.observed)).then(PassResult::goes_on)
    }

    /// Whether its document shares anything with others, so that what is done for one of them may
    /// be about what another one has.
    pub fn shares(&self) -> bool {
        shares(&self.pass.entry)
    }

    /// The pass, when there is nothing to decide.
    pub fn into_pass(self) -> Pass {
        self.pass
    }
}

/// Whether a document shares anything with others.
fn shares(entry: &Entry) -> bool {
    let desired = &entry.declared.desired;
    desired.handover != Handover::default() || !desired.shared.is_empty()
}

/// What a look came to, without its pass.
struct Seen {
    observed: ObservedState,
    kept: Option<Kept>,
    services: Option<ServicesHash>,
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

    /// A light pass that saw ECS still at work.
    fn goes_on() -> Self {
        Self { ending: Ending::Rolling, at_rest: false, ..Self::at_rest() }
    }

    /// A light pass that saw what the last one saw, which had nothing to do.
    fn at_rest() -> Self {
        let (ending, depth, at_rest) = (Ending::Steady, Depth::Light, true);
        Self { ending, depth, acted: 0, at_rest, pause_ends: None, answered: Vec::new(), state_error: None }
    }
}

impl Reconciler {
    /// Reads AWS for a batch of up to ten deployments of one placement.
    pub async fn look(&self, placement: &Placement, batch: Vec<Pass>) -> Vec<Look> {
        let now = self.clock.now();
        let kept = |pass: &Pass| Kept::from_text(pass.entry.kept.as_deref()?, now);
        let kept: Vec<Option<Kept>> = batch.iter().map(kept).collect();
        let requests: Vec<ObservationRequest<'_>> = batch
            .iter()
            .zip(&kept)
            .map(|(pass, kept)| ObservationRequest {
                desired: &pass.entry.declared.desired,
                rollout: &pass.entry.record.rollout,
                depth: pass.depth,
                removed: pass.entry.declared.is_teardown(),
                kept: kept.as_ref(),
                rolling: pass.entry.rolling(now),
            })
            .collect();
        let collector = self.collector.made_for(caller(&batch));
        let seen = collector.collect(placement, &requests, now).instrument(debug_span!("observe")).await;
        drop(requests);
        let looks = batch.into_iter().zip(seen).zip(kept).map(|((pass, observed), kept)| {
            let services = hash_of_services(&pass.entry, &observed);
            Look { pass, observed, kept, services }
        });
        looks.collect()
    }

    /// Decides what is to be done about what was seen, and does it.
    pub async fn act(&self, look: Look, fence: &dyn Fence) -> (Pass, PassResult) {
        let Look { mut pass, observed, kept, services } = look;
        let span = tracing::info_span!(
            "reconcile",
            pass = pass.id,
            reason = <&str>::from(pass.trigger),
            deployment = %pass.entry.record.name,
            generation = pass.entry.declared.desired.generation.0,
        );
        let seen = Seen { observed, kept, services };
        let result = self.act_on(&mut pass, seen, fence).instrument(span).await;
        (pass, result)
    }

    async fn act_on(&self, pass: &mut Pass, seen: Seen, fence: &dyn Fence) -> PassResult {
        let now = self.clock.now();
        let caller = Self::caller_of_writes(pass);
        let Seen { observed, kept, services } = seen;
        let entry = &mut pass.entry;
        // It was good for this one; what the next one need not read is said at the end.
        entry.kept = None;
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

        let executor = self.executor.made_for(caller);
        let outcomes = executor.run(&entry.declared.desired.placement, &plan, fence).await;
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
        entry.at_rest = services.filter(|_| settled);
        if depth == Depth::Full {
            let goes_on = ending == Ending::Rolling
                && !shares(entry)
                && is_left_to_ecs(&entry.record.rollout, &plan, &observed);
            entry.rolling = goes_on.then(|| (ServicesHash::of_rolling(&observed), observed.at));
        }
        // What it shares with another document that one may write meanwhile.
        if !shares(entry) && depth == Depth::Full && matches!(ending, Ending::Rolling | Ending::Acted) {
            entry.kept = Kept::of(observed, kept.as_ref(), &plan).and_then(|kept| kept.to_text());
        }
        PassResult { ending, depth, acted, at_rest, pause_ends, answered, state_error: None }
    }

    /// For whom a pass writes.
    fn caller_of_writes(pass: &Pass) -> Caller {
        let urgency = rank::of_actions(&pass.entry, pass.rank.urgency);
        Caller { urgency, unbegun: pass.rank.unbegun, of: [pass.entry.record.name.clone()].into() }
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

/// Whether all that is left to do is ECS's, and services show when it is done: tasks of services
/// are being moved, in no stages, and everything else waits for that.
fn is_left_to_ecs(rollout: &RolloutState, plan: &Plan, observed: &ObservedState) -> bool {
    let moves = |phase: &Phase| matches!(phase, Phase::Rolling { deployment: Some(_), .. });
    let phases = || rollout.components.values().map(|component| &component.phase);
    let polled = |phase: &&Phase| rollout::wants_polling(phase);
    let waits = |waiting: &Waiting| {
        matches!(
            waiting.on,
            WaitingOn::Deployment { .. } | WaitingOn::Component { .. } | WaitingOn::Targets { .. }
        )
    };
    phases().any(moves)
        && phases().filter(polled).all(moves)
        && plan.actions.is_empty()
        && plan.waiting_on.iter().all(waits)
        && observed.gaps.is_empty()
        && observed.stages.is_empty()
        && rollout.secrets.values().all(|secret| secret.pending.is_none())
}

/// For whom a batch reads: it has the rank of all of its passes.
fn caller(batch: &[Pass]) -> Caller {
    let rank = batch.first().map(|pass| pass.rank);
    Caller {
        urgency: rank.map(|rank| rank.urgency).unwrap_or_default(),
        unbegun: rank.is_some_and(|rank| rank.unbegun),
        of: batch.iter().map(|pass| pass.entry.record.name.clone()).collect(),
    }
}

/// What was seen of the services, as a hash, if that and the record are all that a light pass
/// decides by: it saw everything that it read, nobody asks for anything, and no suspension ends.
fn hash_of_services(entry: &Entry, observed: &ObservedState) -> Option<ServicesHash> {
    let declared = &entry.declared;
    let asked = !declared.requests.is_empty() || declared.desired.suspend.is_some();
    if !observed.gaps.is_empty() || entry.unsaved || asked {
        return None;
    }
    Some(ServicesHash::of(observed))
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
