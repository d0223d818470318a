//! CloudWatch alarms that a deployment is given up for.
//!
//! Sources: Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures"; the
//! announcement of the feature as infoq.com/news/2023/01/ecs-automated-rollbacks reports it
//! (monitoring begins with the first running task; a bake time follows); aws/copilot-cli#4512 (an
//! alarm that is in ALARM already switches the others off for this deployment, too).
//!
//! Alarms that do not exist are taken: CDK (`enableDeploymentAlarms`) and Copilot
//! (aws/copilot-cli#4294) both create a service before the alarm that it names. They never go off.
//!
//! AWS computes the bake time from the alarms and does not say how; here it is the longest range
//! that one of them evaluates.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Ecs, Env, input::Fields, queue::after};

/// Why a deployment fails. The part after the colon is what ECS says in the service's events; the
/// part before it follows the circuit breaker's.
const REASON: &str = "ECS deployment alarm: alarm detected.";

/// What the alarms of one deployment are at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Monitor {
    /// DISABLED, MONITORING, MONITORING_COMPLETE or TRIGGERED (API reference,
    /// ServiceDeploymentAlarms).
    pub(super) status: &'static str,
    names: Vec<String>,
    triggered: Vec<String>,
    bake_seconds: i64,
}

impl Monitor {
    /// The alarms of a deployment that begins now.
    pub(super) fn start(env: &mut Env<'_>, configuration: &Value) -> Self {
        let own = &configuration["alarms"];
        let names: Vec<String> =
            own.items("alarmNames").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let now = env.ctx.now;
        let quiet = !names.iter().any(|name| env.cloudwatch.is_in_alarm(now, name) == Some(true));
        let status = if own.flag("enable") && !names.is_empty() && quiet { "MONITORING" } else { "DISABLED" };
        let ranges = names.iter().filter_map(|name| env.cloudwatch.range_of_alarm(name));
        Self { status, bake_seconds: ranges.max().unwrap_or(0), triggered: Vec::new(), names }
    }

    /// Whether the deployment can still fail by them.
    pub(super) fn is_on(&self) -> bool {
        self.status == "MONITORING"
    }

    /// Whether a deployment that has been as wanted since some time must be watched a while longer.
    pub(super) fn is_baking(&self, since: Timestamp, now: Timestamp) -> bool {
        self.is_on() && now < after(since, self.bake_seconds as f64)
    }

    /// The deployment ended; whatever comes of it is not watched.
    pub(super) fn complete(&mut self) {
        if self.is_on() {
            self.status = "MONITORING_COMPLETE";
        }
    }

    /// As DescribeServiceDeployments shows it.
    pub(super) fn render(&self) -> Value {
        let mut body = json!({"status": self.status});
        if !self.names.is_empty() {
            body["alarmNames"] = json!(self.names);
        }
        if !self.triggered.is_empty() {
            body["triggeredAlarmNames"] = json!(self.triggered);
        }
        body
    }
}

impl Ecs {
    /// Gives the primary deployment up when one of its alarms is in ALARM. Answers whether it did.
    pub(super) fn fail_by_alarm(&mut self, env: &mut Env<'_>, key: &str) -> bool {
        let Some(service) = self.services.get(key) else { return false };
        let Some(primary) = service.deployments.first() else { return false };
        let runs =
            self.tasks_of(service).iter().any(|task| task.deployment == primary.id && task.is_running());
        let Some(monitor) = service.history.last().map(|rollout| &rollout.alarms) else { return false };
        if !runs || !monitor.is_on() {
            return false;
        }
        let now = env.ctx.now;
        let triggered: Vec<String> = monitor
            .names
            .iter()
            .filter(|name| env.cloudwatch.is_in_alarm(now, name) == Some(true))
            .cloned()
            .collect();
        if triggered.is_empty() {
            return false;
        }
        let rollback = primary.spec["deploymentConfiguration"]["alarms"].flag("rollback");
        if let Some(rollout) = self.service_mut(key).and_then(|service| service.history.last_mut()) {
            rollout.alarms.status = "TRIGGERED";
            rollout.alarms.triggered = triggered;
        }
        self.fail_deployment(env, key, REASON, rollback);
        true
    }
}
