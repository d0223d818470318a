//! Lifecycle hooks of deployments. Sources: API reference of `DeploymentLifecycleHook` and
//! `ContinueServiceDeployment`; Developer Guide, "Pause hooks for Amazon ECS service deployments".
//!
//! A PAUSE hook holds its deployment until somebody continues it or it times out. No function runs
//! here, so AWS_LAMBDA hooks succeed as soon as they are reached, unless a test makes them fail;
//! then their deployment is rolled back. Stages: see `shifting`. What AWS does with hooks of
//! strategy ROLLING, and with a pause in a service's first deployment, is not documented: there
//! they hold nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    errors::{Result, invalid},
    input::Fields,
    queue::after,
};
use crate::ctx::{Ctx, epoch};

const DEFAULT_TIMEOUT_MINUTES: i64 = 1440;
const AWAITING: &str = "AWAITING_ACTION";

/// A hook that a deployment has reached.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: String,
    pub(super) stage: String,
    pub(super) status: &'static str,
    /// Its place in the deployment configuration.
    place: usize,
    /// How often production traffic had been shifted: some stages come again for each step.
    step: usize,
    target_type: String,
    target: Option<String>,
    expires_at: Timestamp,
    timeout_action: String,
}

impl Hook {
    fn new(ctx: &mut Ctx<'_>, place: usize, at: &At<'_>, declared: &Value, fails: bool) -> Self {
        let target_type = declared.text("targetType").unwrap_or("AWS_LAMBDA");
        let timeout = declared.get("timeoutConfiguration");
        let minutes = timeout.and_then(|own| own.int("timeoutInMinutes")).unwrap_or(DEFAULT_TIMEOUT_MINUTES);
        let paused = target_type == "PAUSE";
        Self {
            id: format!("ecs-{}-{}", if paused { "pause" } else { "lambda" }, ctx.hex(32)),
            stage: at.stage.to_owned(),
            status: match (paused, fails) {
                (true, _) => AWAITING,
                (false, true) => "FAILED",
                (false, false) => "SUCCEEDED",
            },
            place,
            step: at.step,
            target_type: target_type.to_owned(),
            target: declared.text("hookTargetArn").map(str::to_owned),
            expires_at: after(ctx.now, minutes as f64 * 60.0),
            timeout_action: timeout.and_then(|own| own.text("action")).unwrap_or("ROLLBACK").to_owned(),
        }
    }

    /// Whether the deployment waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        self.status == AWAITING
    }

    /// A `DeploymentLifecycleHookDetail`.
    pub(super) fn render(&self) -> Value {
        let mut body = json!({"hookId": self.id, "targetType": self.target_type, "status": self.status,
            "expiresAt": epoch(self.expires_at), "timeoutAction": self.timeout_action});
        if let Some(target) = &self.target {
            body["targetArn"] = target.as_str().into();
        }
        body
    }
}

/// What becomes of a deployment at its hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// It goes on.
    Open,
    /// It waits for somebody.
    Held,
    /// Its deployment is to be rolled back, for this reason.
    RolledBack(&'static str),
}

/// Where a deployment is.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) stage: &'a str,
    /// How often production traffic was shifted.
    pub(super) step: usize,
}

/// Reaches the hooks of a stage, in order, as far as none holds the deployment. `failing`: the
/// functions that fail.
pub(super) fn reach(
    ctx: &mut Ctx<'_>,
    hooks: &mut Vec<Hook>,
    configuration: &Value,
    at: &At<'_>,
    failing: &BTreeSet<String>,
) -> Gate {
    for (place, declared) in configuration.items("lifecycleHooks").iter().enumerate() {
        let at_stage = declared.items("lifecycleStages").iter().any(|own| own == at.stage);
        let same = |hook: &Hook| hook.place == place && hook.stage == at.stage && hook.step == at.step;
        if !at_stage || hooks.iter().any(same) {
            continue;
        }
        let fails = declared.text("hookTargetArn").is_some_and(|arn| failing.contains(arn));
        let hook = Hook::new(ctx, place, at, declared, fails);
        let failed = hook.status == "FAILED";
        hooks.push(hook);
        if failed {
            return Gate::RolledBack("failed");
        }
    }
    for hook in hooks.iter_mut().filter(|hook| hook.is_awaited() && hook.expires_at <= ctx.now) {
        hook.status = "TIMED_OUT";
        if hook.timeout_action == "ROLLBACK" {
            return Gate::RolledBack("timed out");
        }
    }
    if hooks.iter().any(Hook::is_awaited) { Gate::Held } else { Gate::Open }
}

/// Checks the hooks of a deployment configuration; their enumerations and numbers are checked by
/// AWS's model.
///
/// # Errors
/// `InvalidParameterException` for what the API reference excludes; the words are this simulator's.
pub(super) fn check(configuration: &Map<String, Value>) -> Result<()> {
    configuration.items("lifecycleHooks").iter().try_for_each(check_hook)
}

fn check_hook(hook: &Value) -> Result<()> {
    let stages = hook.items("lifecycleStages");
    if stages.is_empty() {
        return Err(invalid("lifecycleStages must be specified for a deployment lifecycle hook."));
    }
    let given = |name: &str| hook.text(name).is_some_and(|text| !text.is_empty());
    if hook.text("targetType") == Some("PAUSE") {
        let shifts = |stage: &&Value| *stage == "TEST_TRAFFIC_SHIFT" || *stage == "PRODUCTION_TRAFFIC_SHIFT";
        if let Some(stage) = stages.iter().find(shifts).and_then(Value::as_str) {
            return Err(invalid(format!("PAUSE lifecycle hooks cannot be configured at stage {stage}.")));
        }
    } else if !given("hookTargetArn") || !given("roleArn") {
        return Err(invalid("hookTargetArn and roleArn must be specified for an AWS_LAMBDA lifecycle hook."));
    }
    Ok(())
}
