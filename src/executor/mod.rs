//! 5 ACT: the loop over actions.
//!
//! A plan says everything: what, in which order, with which parameters. The executor adds no
//! judgement, so that what was shown by `ctl plan` is what happens. Three things only are decided
//! here, because only here are they known:
//!
//! - whether we may still write: a replica that lost its lease must not finish its plan, so the
//!   [`Fence`] is asked before every single call, and a stop lets the call in flight end and makes
//!   no other;
//! - what a failure means for the rest of the plan: later actions on the same resource or component
//!   are skipped. Everything else goes on, for one refused rule must not hold a task definition,
//!   and no action needs what another one of its plan makes;
//! - how an error is reported: a clear no is `Failed`, and no answer is `Unknown`, never failed.
//!   The next pass observes before it tries again.
//!
//! **Guarantees**: one [`Outcome`] per action, in order; never two calls at once for one
//! deployment; nothing is repeated that AWS might take for a second wish.
//! **Never**: an error is swallowed, or a conflict on a creation taken for success: whose the thing
//! is shows in its tags, and tags are read by the next pass.

mod dispatch;
#[cfg(test)]
mod tests;

pub use crate::aws::Fence;
use crate::aws::error::Kind;
use crate::aws::{Aws, Caller, Error, WriteResult};
use crate::model::call::Subject;
use crate::model::kinds::Placement;
use crate::model::plan::{ActionResult, Outcome, Plan, PlannedAction};
use std::collections::BTreeMap;
use std::fmt;

/// Carries plans out.
#[derive(Clone, Debug)]
pub struct Executor {
    aws: Aws,
    caller: Caller,
}

impl Executor {
    /// An executor that writes through these clients.
    pub fn new(aws: Aws) -> Self {
        Self { aws, caller: Caller::default() }
    }

    /// The same, writing for this caller.
    #[must_use]
    pub fn made_for(&self, caller: Caller) -> Self {
        Self { aws: self.aws.clone(), caller }
    }

    /// Carries a plan out, action by action. Dropping the future may leave the call in flight
    /// without an outcome; to stop, let the fence fall instead.
    #[must_use = "what AWS answered belongs in the record"]
    pub async fn run(&self, placement: &Placement, plan: &Plan, fence: &dyn Fence) -> Vec<Outcome> {
        if plan.is_empty() {
            return Vec::new();
        }
        let clients = self.aws.at(placement).await.made_for(&self.caller);
        let clients = clients.fenced(fence);
        let mut failed = FailedSubjects::default();
        let mut outcomes = Vec::with_capacity(plan.actions.len());
        for (index, action) in plan.actions.iter().enumerate() {
            let result = match failed.before(action) {
                Some(because) => ActionResult::Skipped { because },
                None => to_result(dispatch::send(&clients, &action.call).await),
            };
            failed.note(action, &result);
            if !matches!(result, ActionResult::Skipped { .. }) {
                log_action(plan, action, &result);
            }
            outcomes.push(Outcome { action: index, result });
        }
        outcomes
    }
}

/// An answer, or the lack of one, as an outcome.
fn to_result(answer: Result<WriteResult, Error>) -> ActionResult {
    match answer {
        Ok(written) => ActionResult::Done { arn: written.arn, deployment: written.deployment },
        Err(error) if error.kind == Kind::Fenced => ActionResult::Skipped { because: error.message },
        Err(error) if error.answered() => {
            ActionResult::Failed { retryable: error.retry(), code: error.code, message: error.message }
        }
        Err(error) => ActionResult::Unknown { message: format!("{}: {}", error.code, error.message) },
    }
}

fn log_action(plan: &Plan, action: &PlannedAction, result: &ActionResult) {
    let outcome = ResultDisplay(result);
    let operation = action.call.operation();
    let (deployment, resource, reason) = (&plan.deployment, &action.resource, &action.reason);
    match result {
        ActionResult::Done { .. } | ActionResult::Skipped { .. } => {
            tracing::info!(%deployment, action = operation, %resource, %reason, %outcome, "acted");
        }
        ActionResult::Failed { .. } | ActionResult::Unknown { .. } => {
            tracing::warn!(%deployment, action = operation, %resource, %reason, %outcome, "acted");
        }
    }
}

/// An outcome in a log line.
struct ResultDisplay<'a>(&'a ActionResult);

impl fmt::Display for ResultDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ActionResult::Done { .. } => f.write_str("done"),
            ActionResult::Failed { code, message, .. } => write!(f, "failed: {code}: {message}"),
            ActionResult::Unknown { message } => write!(f, "unknown: {message}"),
            ActionResult::Skipped { because } => write!(f, "skipped: {because}"),
        }
    }
}

/// What failed, or was not answered, earlier in this plan.
#[derive(Debug, Default)]
struct FailedSubjects {
    /// Why, by the resource, component or ARN that it was about.
    by_subject: BTreeMap<String, String>,
}

impl FailedSubjects {
    /// Why an action is not tried: an earlier one on the same subject failed.
    fn before(&self, action: &PlannedAction) -> Option<String> {
        self.by_subject.get(&subject(action)).cloned()
    }

    fn note(&mut self, action: &PlannedAction, result: &ActionResult) {
        let how = match result {
            ActionResult::Failed { .. } => "failed",
            ActionResult::Unknown { .. } => "was not answered",
            ActionResult::Done { .. } | ActionResult::Skipped { .. } => return,
        };
        let because = format!("{} for {} {how} before it", action.call.operation(), action.resource);
        self.by_subject.insert(subject(action), because);
    }
}

/// What an action is about: `component/web` for everything that runs, else the resource, or the ARN
/// for housekeeping.
fn subject(action: &PlannedAction) -> String {
    match action.call.spec().subject {
        Subject::Component => format!("component/{}", action.resource.key),
        Subject::Resource => action.resource.to_string(),
        Subject::Arn => format!("{}/{}", action.call.operation(), action.call.arn().unwrap_or_default()),
    }
}
