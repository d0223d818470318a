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
//! - how an error is told: a clear no is `Failed`, and no answer is `Unknown`, never failed. The
//!   next pass looks before it tries again.
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
use crate::aws::{Aws, Error, Written};
use crate::model::call::Subject;
use crate::model::kinds::Placement;
use crate::model::plan::{ActionResult, Outcome, Plan, PlannedAction};
use std::collections::BTreeMap;
use std::fmt;

/// The fence of a process that is alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFence;

impl Fence for NoFence {
    fn holds(&self) -> bool {
        true
    }
}

/// Hears of every action as it ends, for events and metrics.
pub trait ActObserver: Send + Sync {
    /// An action ended like this; not called for skipped ones.
    fn acted(&self, action: &PlannedAction, result: &ActionResult);
}

/// Carries plans out.
#[derive(Clone, Debug)]
pub struct Executor {
    aws: Aws,
}

impl Executor {
    /// An executor that writes through these clients.
    pub fn new(aws: Aws) -> Self {
        Self { aws }
    }

    /// Carries a plan out, action by action. Dropping the future may leave the call in flight
    /// without an outcome; to stop, let the fence fall instead.
    pub async fn run(
        &self,
        placement: &Placement,
        plan: &Plan,
        fence: &dyn Fence,
        observer: Option<&dyn ActObserver>,
    ) -> Vec<Outcome> {
        if plan.is_empty() {
            return Vec::new();
        }
        let clients = self.aws.at(placement).await.fenced(fence);
        let mut trouble = Trouble::default();
        let mut outcomes = Vec::with_capacity(plan.actions.len());
        for (index, action) in plan.actions.iter().enumerate() {
            let result = match trouble.stands_before(action) {
                Some(because) => ActionResult::Skipped { because },
                None => told(dispatch::send(&clients, &action.call).await),
            };
            trouble.note(action, &result);
            if !matches!(result, ActionResult::Skipped { .. }) {
                tell(plan, action, &result);
                if let Some(observer) = observer {
                    observer.acted(action, &result);
                }
            }
            outcomes.push(Outcome { action: index, result });
        }
        outcomes
    }
}

/// An answer, or the lack of one, as an outcome.
fn told(answer: Result<Written, Error>) -> ActionResult {
    match answer {
        Ok(written) => ActionResult::Done { arn: written.arn, deployment: written.deployment },
        Err(error) if error.kind == Kind::Fenced => ActionResult::Skipped { because: error.message },
        Err(error) if error.answered() => {
            ActionResult::Failed { retryable: error.retry(), code: error.code, message: error.message }
        }
        Err(error) => ActionResult::Unknown { message: format!("{}: {}", error.code, error.message) },
    }
}

fn tell(plan: &Plan, action: &PlannedAction, result: &ActionResult) {
    let outcome = Shown(result);
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
struct Shown<'a>(&'a ActionResult);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ActionResult::Done { .. } => f.write_str("done"),
            ActionResult::Failed { code, message, .. } => write!(f, "failed: {code}: {message}"),
            ActionResult::Unknown { message } => write!(f, "unknown: {message}"),
            ActionResult::Skipped { because } => write!(f, "skipped: {because}"),
        }
    }
}

/// What went wrong earlier in this plan, by what it was about.
#[derive(Debug, Default)]
struct Trouble {
    /// Why, by the resource, component or ARN that is in trouble.
    by_subject: BTreeMap<String, String>,
}

impl Trouble {
    /// Why an action cannot be tried.
    fn stands_before(&self, action: &PlannedAction) -> Option<String> {
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
