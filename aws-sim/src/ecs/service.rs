//! A service, its deployments, and how the API shows them.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    deployment_alarms::Monitor,
    hooks::Hook,
    input::{Fields, Tags, tag_list},
    settings::shown_in_deployments,
    shift::{self, Shift, Side},
    task::Task,
};
use crate::ctx::epoch;

/// A service that keeps its tasks running.
pub(super) const ACTIVE: &str = "ACTIVE";
/// A deleted service whose tasks are still stopping.
pub(super) const DRAINING: &str = "DRAINING";
/// A deleted service, shown for a while.
pub(super) const INACTIVE: &str = "INACTIVE";

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) key: String,
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) cluster_arn: String,
    pub(super) status: &'static str,
    /// The members that the API echoes, with defaults filled in.
    pub(super) spec: Map<String, Value>,
    /// Members that only deployments and revisions show, such as `serviceConnectConfiguration`.
    pub(super) hidden: Map<String, Value>,
    pub(super) desired: usize,
    pub(super) task_definition: String,
    /// Newest first; the first is PRIMARY.
    pub(super) deployments: Vec<Deployment>,
    pub(super) history: Vec<Rollout>,
    pub(super) revisions: Vec<Revision>,
    /// The last deployment that completed: what a rollback goes back to.
    pub(super) last_good: Option<Deployment>,
    pub(super) events: VecDeque<(String, Timestamp, String)>,
    pub(super) created_at: Timestamp,
    pub(super) created_by: String,
    pub(super) tags: Tags,
    /// The client token it was created with, and the request.
    pub(super) token: Option<(String, Value)>,
    /// The launch type that it had before it had a capacity provider strategy.
    pub(super) launch_type: Option<String>,
    /// Tasks that have not stopped.
    pub(super) tasks: Vec<String>,
    /// Failures since the last task that did well.
    pub(super) failures: u32,
    /// No task is started before this time.
    pub(super) hold_until: Option<Timestamp>,
    /// When the scheduler makes its next pass.
    pub(super) next_pass: Option<Timestamp>,
    pub(super) steady: bool,
    /// Why tasks could not be placed when that was last said.
    pub(super) placement_trouble: Option<String>,
    /// The rendered form without and with tags; dropped at each change.
    pub(super) shown: [Option<String>; 2],
}

/// One deployment: a revision of the service that tasks are started from.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    /// `ecs-svc/` and digits.
    pub(super) id: String,
    pub(super) task_definition: String,
    pub(super) failed: u32,
    /// Failures that the circuit breaker counts; a healthy task sets them back to zero.
    pub(super) counted: u32,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// IN_PROGRESS, COMPLETED or FAILED.
    pub(super) state: &'static str,
    pub(super) reason: String,
    pub(super) revision: String,
    /// The members of the service that tasks are started with.
    pub(super) spec: Arc<Map<String, Value>>,
    pub(super) hidden: Arc<Map<String, Value>>,
    /// Since when all is as wanted.
    pub(super) good_since: Option<Timestamp>,
    /// It failed and nothing more is started for it.
    pub(super) given_up: bool,
    /// Which of the two target groups of a load balancer its tasks are in.
    pub(super) side: Side,
}

/// A service deployment as ListServiceDeployments shows it: the history of a rollout.
#[derive(Debug, Clone)]
pub(super) struct Rollout {
    pub(super) arn: String,
    pub(super) deployment: String,
    pub(super) status: &'static str,
    pub(super) status_reason: Option<String>,
    pub(super) sources: Vec<String>,
    pub(super) target: String,
    pub(super) created_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) stopped_at: Option<Timestamp>,
    pub(super) updated_at: Timestamp,
    pub(super) configuration: Value,
    pub(super) breaker: &'static str,
    pub(super) alarms: Monitor,
    pub(super) failures: u32,
    pub(super) threshold: u32,
    /// The lifecycle hooks that were reached.
    pub(super) hooks: Vec<Hook>,
    /// Where it is, when ECS shifts its traffic.
    pub(super) shift: Option<Shift>,
    /// Reason, start and revision of a rollback.
    pub(super) rollback: Option<(String, Timestamp, String)>,
}

/// A service revision: what a deployment rolls out.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    pub(super) arn: String,
    pub(super) body: Value,
}

/// How many tasks are wanted, running and pending.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) desired: usize,
    pub(super) running: usize,
    pub(super) pending: usize,
}

impl Counts {
    /// Counts the tasks; what is wanted is given.
    pub(super) fn of<'a>(desired: usize, tasks: impl Iterator<Item = &'a Task>) -> Self {
        let mut counts = Self { desired, ..Self::default() };
        for task in tasks {
            counts.running += usize::from(task.is_running());
            counts.pending += usize::from(task.is_pending());
        }
        counts
    }
}

impl Service {
    /// Whether the service, a deployment of it or its rollback target uses a task definition.
    pub(super) fn uses(&self, arn: &str) -> bool {
        self.status != INACTIVE
            && (self.task_definition == arn
                || self.deployments.iter().chain(&self.last_good).any(|each| each.task_definition == arn))
    }

    /// Whether it runs one task on each instance.
    pub(super) fn is_daemon(&self) -> bool {
        self.spec.text("schedulingStrategy") == Some("DAEMON")
    }

    /// A percentage of the deployment configuration.
    pub(super) fn percent(&self, name: &str) -> usize {
        let number = self.spec.get("deploymentConfiguration").and_then(|own| own.int(name)).unwrap_or(100);
        usize::try_from(number).unwrap_or(0)
    }

    /// Says something in the service's events, of which the newest hundred are kept.
    pub(super) fn say(&mut self, id: String, now: Timestamp, text: &str) {
        self.events.push_front((id, now, format!("(service {}) {text}", self.name)));
        self.events.truncate(100);
    }

    /// The rollout that belongs to a deployment.
    pub(super) fn rollout(&mut self, deployment: &str) -> Option<&mut Rollout> {
        self.history.iter_mut().rev().find(|rollout| rollout.deployment == deployment)
    }

    /// As the API returns it. `tasks` are the service's tasks.
    pub(super) fn render(&self, tasks: &[&Task], with_tags: bool) -> Value {
        let total = Counts::of(self.desired, tasks.iter().copied());
        let mut body = self.spec.clone();
        let mut put = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        put("serviceArn", self.arn.as_str().into());
        put("serviceName", self.name.as_str().into());
        put("clusterArn", self.cluster_arn.as_str().into());
        put("status", self.status.into());
        put("desiredCount", total.desired.into());
        put("runningCount", total.running.into());
        put("pendingCount", total.pending.into());
        put("taskDefinition", self.task_definition.as_str().into());
        put("createdAt", epoch(self.created_at));
        put("createdBy", self.created_by.as_str().into());
        let shown = self.deployments.iter().enumerate();
        put("deployments", shown.map(|(place, each)| self.render_deployment(place, each, tasks)).collect());
        let event = |(id, at, text): &(String, Timestamp, String)| json!({"id": id, "createdAt": epoch(*at), "message": text});
        put("events", self.events.iter().map(event).collect());
        if let Some(rollout) = self.history.last() {
            put("currentServiceDeployment", rollout.arn.as_str().into());
        }
        if self.status == ACTIVE {
            put("currentServiceRevisions", self.render_revisions(tasks));
        }
        if with_tags && !self.tags.is_empty() {
            put("tags", tag_list(&self.tags));
        }
        Value::Object(body)
    }

    fn counts_of(&self, place: usize, deployment: &Deployment, tasks: &[&Task]) -> Counts {
        let own = || tasks.iter().copied().filter(|task| task.deployment == deployment.id);
        let desired = if place == 0 { self.desired } else { own().filter(|task| task.wanted).count() };
        Counts::of(desired, own())
    }

    fn render_revisions(&self, tasks: &[&Task]) -> Value {
        let render = |(place, each): (usize, &Deployment)| {
            let counts = self.counts_of(place, each, tasks);
            json!({"arn": each.revision, "requestedTaskCount": counts.desired, "runningTaskCount": counts.running,
                "pendingTaskCount": counts.pending})
        };
        self.deployments.iter().enumerate().map(render).collect()
    }

    fn render_deployment(&self, place: usize, deployment: &Deployment, tasks: &[&Task]) -> Value {
        let counts = self.counts_of(place, deployment, tasks);
        let mut body = shown_in_deployments(&deployment.hidden);
        for name in ["launchType", "capacityProviderStrategy", "networkConfiguration", "platformFamily"] {
            if let Some(value) = deployment.spec.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(version) = deployment.spec.text("platformVersion") {
            let version = if version == "LATEST" { "1.4.0" } else { version };
            body.insert("platformVersion".to_owned(), version.into());
        }
        let fields = [
            ("id", deployment.id.as_str().into()),
            ("status", if place == 0 { "PRIMARY" } else { "ACTIVE" }.into()),
            ("taskDefinition", deployment.task_definition.as_str().into()),
            ("desiredCount", counts.desired.into()),
            ("pendingCount", counts.pending.into()),
            ("runningCount", counts.running.into()),
            ("failedTasks", deployment.failed.into()),
            ("createdAt", epoch(deployment.created_at)),
            ("updatedAt", epoch(deployment.updated_at)),
            ("rolloutState", deployment.state.into()),
            ("rolloutStateReason", deployment.reason.as_str().into()),
        ];
        body.extend(fields.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)));
        Value::Object(body)
    }

    /// A rollout as DescribeServiceDeployments returns it.
    pub(super) fn render_rollout(&self, rollout: &Rollout, tasks: &[&Task]) -> Value {
        let summary = |arn: &String, green: bool| {
            let deployment = self.deployments.iter().position(|each| each.revision == *arn);
            let counts = deployment
                .map(|place| self.counts_of(place, &self.deployments[place], tasks))
                .unwrap_or_default();
            let mut body = json!({"arn": arn, "requestedTaskCount": counts.desired,
                "runningTaskCount": counts.running, "pendingTaskCount": counts.pending});
            shift::add_weights(&mut body, rollout.shift.as_ref(), green);
            body
        };
        let sources: Vec<Value> = rollout.sources.iter().map(|arn| summary(arn, false)).collect();
        let mut body = json!({
            "serviceDeploymentArn": rollout.arn,
            "serviceArn": self.arn,
            "clusterArn": self.cluster_arn,
            "createdAt": epoch(rollout.created_at),
            "startedAt": epoch(rollout.created_at),
            "updatedAt": epoch(rollout.updated_at),
            "sourceServiceRevisions": sources,
            "targetServiceRevision": summary(&rollout.target, true),
            "status": rollout.status,
            "deploymentConfiguration": rollout.configuration,
            "deploymentCircuitBreaker": {"status": rollout.breaker, "failureCount": rollout.failures,
                "threshold": rollout.threshold},
            "alarms": rollout.alarms.render(),
        });
        if !rollout.hooks.is_empty() {
            body["lifecycleHookDetails"] = rollout.hooks.iter().map(Hook::render).collect();
        }
        if let Some(shift) = &rollout.shift {
            body["lifecycleStage"] = shift.stage.name().into();
        }
        if let Some(at) = rollout.finished_at {
            body["finishedAt"] = epoch(at);
        }
        if let Some(at) = rollout.stopped_at {
            body["stoppedAt"] = epoch(at);
        }
        if let Some(reason) = &rollout.status_reason {
            body["statusReason"] = reason.as_str().into();
        }
        if let Some((reason, at, revision)) = &rollout.rollback {
            body["rollback"] =
                json!({"reason": reason, "startedAt": epoch(*at), "serviceRevisionArn": revision});
        }
        body
    }
}
