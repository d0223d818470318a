//! How deployments begin, complete, fail and roll back.
//!
//! A deployment completes once its tasks are all healthy, those of older deployments are gone, and
//! this has held for some seconds. The circuit breaker gives it up after so many failed tasks: by
//! default half of the desired count, at least 3 and at most 200 (Developer Guide, "How the
//! deployment circuit breaker detects failures"); `thresholdConfiguration` changes that, and a
//! healthy task sets the count back unless `resetOnHealthyTask` is false.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Ecs, Env,
    deployment_alarms::Monitor,
    errors::{Result, invalid},
    hooks::{self, Gate},
    input::Fields,
    queue::{after, seconds_between},
    service::{Deployment, Revision, Rollout, Service},
    shift::{Shift, Side},
};
use crate::error::ApiError;

/// How long all must be well before a deployment is complete, and a task without health checks
/// counts as a success.
pub(super) const SETTLED_AFTER: f64 = 8.0;

impl Ecs {
    /// Begins a deployment of the service as it is now; the one before becomes ACTIVE and is
    /// replaced.
    pub(super) fn start_deployment(&mut self, env: &mut Env<'_>, key: &str) {
        let now = env.ctx.now;
        let (id, revision, rollout) = (env.ctx.digits(19), env.ctx.digits(19), env.ctx.digits(21));
        let deployment_id = format!("ecs-svc/{id}");
        let revision_arn = env.ctx.arn("ecs", &format!("service-revision/{key}/{revision}"));
        let rollout_arn = env.ctx.arn("ecs", &format!("service-deployment/{key}/{rollout}"));
        let configuration =
            self.services.get(key).and_then(|service| service.spec.get("deploymentConfiguration")).cloned();
        let configuration = configuration.unwrap_or_default();
        let alarms = Monitor::start(env, &configuration);
        let images =
            self.services.get(key).map(|service| self.images(&service.task_definition)).unwrap_or_default();
        self.supersede(env, key);
        let Some(service) = self.service_mut(key) else { return };
        let side = Self::side_of_next(service);
        let shift =
            Shift::start(&configuration, service.last_good.is_none(), service.deployments.len() > 1, now);
        let sources = service.deployments.iter().map(|each| each.revision.clone()).collect();
        let breaker = configuration["deploymentCircuitBreaker"].flag("enable");
        service.revisions.push(Revision {
            arn: revision_arn.clone(),
            body: render_revision(service, &revision_arn, images, side, now),
        });
        service.history.push(Rollout {
            arn: rollout_arn,
            deployment: deployment_id.clone(),
            status: "IN_PROGRESS",
            status_reason: None,
            sources,
            target: revision_arn.clone(),
            created_at: now,
            finished_at: None,
            stopped_at: None,
            updated_at: now,
            threshold: threshold(&configuration, service.desired),
            configuration,
            breaker: if breaker { "MONITORING" } else { "DISABLED" },
            alarms,
            failures: 0,
            hooks: Vec::new(),
            shift,
            rollback: None,
        });
        let deployment = Deployment {
            reason: format!("ECS deployment {deployment_id} in progress."),
            id: deployment_id,
            task_definition: service.task_definition.clone(),
            failed: 0,
            counted: 0,
            created_at: now,
            updated_at: now,
            state: "IN_PROGRESS",
            revision: revision_arn,
            spec: Arc::new(service.spec.clone()),
            hidden: Arc::new(service.hidden.clone()),
            good_since: None,
            given_up: false,
            side,
        };
        service.deployments.insert(0, deployment);
        service.steady = false;
        service.failures = 0;
        service.hold_until = None;
        // What an account sees of the past is bounded; so is what a long run keeps.
        service.history.drain(..service.history.len().saturating_sub(50));
        service.revisions.drain(..service.revisions.len().saturating_sub(50));
        self.service_changed(key, after(now, 1.0));
    }

    /// The running deployment, if any, ends because another begins; what it had of the traffic goes
    /// back.
    fn supersede(&mut self, env: &mut Env<'_>, key: &str) {
        let running = self.shift_of(key).is_some_and(|(_, under_way)| under_way);
        let now = env.ctx.now;
        let Some(service) = self.service_mut(key) else { return };
        let primary = service.deployments.first().map(|primary| primary.id.clone());
        supersede(service, now);
        if let Some(id) = primary.filter(|_| running) {
            self.send_back(env, key, &id);
        }
    }

    fn images(&self, definition: &str) -> Vec<Value> {
        let containers = self
            .find_definition(definition)
            .map(|found| found.definition.containers.clone())
            .unwrap_or_default();
        let render = |each: &super::definition::Container| json!({"containerName": each.name, "image": each.image, "imageDigest": super::task::digest(&each.image)});
        containers.iter().map(render).collect()
    }

    /// A task of a deployment ended or was stopped because it did not do.
    pub(super) fn task_failed(&mut self, env: &mut Env<'_>, key: Option<&str>, deployment: &str) {
        let now = env.ctx.now;
        let Some(key) = key else { return };
        let Some(service) = self.service_mut(key) else { return };
        service.failures += 1;
        service.steady = false;
        let failures = service.failures;
        // ECS waits longer and longer between starts, up to fifteen minutes.
        if failures > 4 {
            let wait = (10.0 * 2f64.powi(i32::try_from(failures.min(20) - 5).unwrap_or(0))).min(900.0);
            service.hold_until = Some(after(now, wait));
        }
        let primary = service
            .deployments
            .first_mut()
            .filter(|each| each.id == deployment && each.state == "IN_PROGRESS");
        if let Some(primary) = primary {
            primary.failed += 1;
            primary.counted += 1;
            primary.updated_at = now;
            primary.good_since = None;
            let counted = primary.counted;
            if let Some(rollout) = service.rollout(deployment) {
                rollout.failures = counted;
                rollout.updated_at = now;
            }
        }
        if failures == 5 {
            let text = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.";
            self.service_event(env, Some(key), text);
        }
        self.service_changed(key, after(now, 0.5));
    }

    /// A task is healthy. Without health checks, that is one that has lived for some seconds.
    pub(super) fn task_proven(&mut self, env: &Env<'_>, key: &str, id: &str) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        let checked = task.has_check() || !task.targets.is_empty();
        let lived = task.age(env.ctx.now).is_some_and(|age| age >= SETTLED_AFTER);
        if task.proven || !(checked || lived) {
            return;
        }
        task.proven = true;
        let deployment = task.deployment.clone();
        let Some(service) = self.services.get_mut(key) else { return };
        service.failures = 0;
        service.hold_until = None;
        let resets = service.spec["deploymentConfiguration"]["deploymentCircuitBreaker"]["resetOnHealthyTask"]
            != Value::Bool(false);
        if resets && let Some(own) = service.deployments.iter_mut().find(|each| each.id == deployment) {
            own.counted = 0;
        }
    }

    /// Evaluates the primary deployment, lets go of replaced ones, and says when the service is
    /// steady.
    pub(super) fn evaluate_deployment(&mut self, env: &mut Env<'_>, key: &str) {
        self.let_go(key);
        let in_progress = self
            .services
            .get(key)
            .and_then(|service| service.deployments.first())
            .is_some_and(|primary| primary.state == "IN_PROGRESS");
        if in_progress && self.fail_by_alarm(env, key) {
            return;
        }
        let (good, healthy) = self.primary_health(env, key);
        let now = env.ctx.now;
        let Some(service) = self.services.get(key) else { return };
        let busy = self.busy_deployments(service);
        let Some(service) = self.services.get_mut(key) else { return };
        let (desired, alone) =
            (service.desired, service.deployments.iter().skip(1).all(|each| !busy.contains(&each.id)));
        let monitor = service.history.last().map(|rollout| rollout.alarms.clone());
        let Some(primary) = service.deployments.first_mut() else { return };
        let configuration = &primary.spec["deploymentConfiguration"];
        if primary.state == "IN_PROGRESS" {
            if trips(primary, desired) {
                self.break_circuit(env, key);
                return;
            }
            let early = early_success(configuration, desired, healthy);
            let met = match early {
                Some((enough, deferred)) => enough && (alone || deferred),
                None => good && alone,
            };
            if !met {
                primary.good_since = None;
                return;
            }
            let since = *primary.good_since.get_or_insert(now);
            if seconds_between(since, now) < SETTLED_AFTER
                || monitor.is_some_and(|monitor| monitor.is_baking(since, now))
            {
                return;
            }
            self.complete(env, key);
            self.let_go(key);
        }
        self.steady(env, key, good && alone);
    }

    /// The deployments that have tasks left, each once for each task.
    pub(super) fn busy_deployments(&self, service: &Service) -> Vec<String> {
        let tasks = self.tasks_of(service);
        let left = tasks.iter().filter(|task| task.status <= super::task::Status::Deactivating);
        left.map(|task| task.deployment.clone()).collect()
    }

    /// Drops older deployments that have no task left; while alarms are watched, not before the
    /// primary one has completed (Developer Guide: ECS "does not change the status until it has
    /// deleted the active deployment, and this does not happen until after the bake time").
    pub(super) fn let_go(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        if service.deployments.len() < 2 || service.deployments[0].given_up {
            return;
        }
        let watched = service.history.last().is_some_and(|rollout| rollout.alarms.is_on());
        if watched && service.deployments[0].state == "IN_PROGRESS" {
            return;
        }
        let busy = self.busy_deployments(service);
        let Some(service) = self.service_mut(key) else { return };
        let primary = service.deployments[0].id.clone();
        service.deployments.retain(|each| each.id == primary || busy.contains(&each.id));
    }

    pub(super) fn complete(&mut self, env: &mut Env<'_>, key: &str) {
        let now = env.ctx.now;
        let Some(service) = self.service_mut(key) else { return };
        let Some(primary) = service.deployments.first_mut() else { return };
        primary.state = "COMPLETED";
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated_at = now;
        let done = primary.clone();
        let rollout = service.history.iter_mut().rev().find(|rollout| {
            rollout.deployment == done.id && rollout.status == "IN_PROGRESS"
                || rollout.status == "ROLLBACK_IN_PROGRESS"
        });
        if let Some(rollout) = rollout {
            rollout.status = if rollout.rollback.is_some() { "ROLLBACK_SUCCESSFUL" } else { "SUCCESSFUL" };
            rollout.finished_at = Some(now);
            rollout.updated_at = now;
            if rollout.breaker == "MONITORING" {
                rollout.breaker = "MONITORING_COMPLETE";
            }
            rollout.alarms.complete();
        }
        let text = format!("(deployment {}) deployment completed.", done.id);
        service.last_good = Some(done);
        self.service_event(env, Some(key), &text);
    }

    fn steady(&mut self, env: &mut Env<'_>, key: &str, steady: bool) {
        let Some(service) = self.services.get_mut(key) else { return };
        let completed = service.deployments.first().is_some_and(|each| each.state == "COMPLETED");
        if completed && steady && !service.steady {
            service.steady = true;
            self.service_event(env, Some(key), "has reached a steady state.");
        } else if !steady {
            service.steady = false;
        }
    }

    /// Whether a lifecycle hook of this stage keeps the primary deployment from going on.
    pub(super) fn is_held(&mut self, env: &mut Env<'_>, key: &str, stage: &str) -> bool {
        let failing = self.failing_hooks.clone();
        let Some(service) = self.services.get_mut(key).filter(|service| service.last_good.is_some()) else {
            return false;
        };
        let Some(id) = service.deployments.first().map(|primary| primary.id.clone()) else { return false };
        let Some(rollout) = service.rollout(&id).filter(|rollout| rollout.status == "IN_PROGRESS") else {
            return false;
        };
        let configuration = rollout.configuration.clone();
        let at = hooks::At { stage, step: rollout.shift.as_ref().map_or(0, |shift| shift.step) };
        let gate = hooks::reach(&mut env.ctx, &mut rollout.hooks, &configuration, &at, &failing);
        if let Gate::RolledBack(why) = gate {
            let reason = format!("Service deployment lifecycle hook: {why}.");
            self.fail_deployment(env, key, &reason, true);
        }
        gate != Gate::Open
    }

    pub(super) fn break_circuit(&mut self, env: &mut Env<'_>, key: &str) {
        let Some(service) = self.service_mut(key) else { return };
        let Some(primary) = service.deployments.first() else { return };
        let rollback = primary.spec["deploymentConfiguration"]["deploymentCircuitBreaker"].flag("rollback");
        let id = primary.id.clone();
        if let Some(rollout) = service.rollout(&id) {
            rollout.breaker = "TRIGGERED";
        }
        self.fail_deployment(env, key, "ECS deployment circuit breaker: tasks failed to start.", rollback);
    }

    /// Gives the primary deployment up, and goes back to the last one that completed if asked to.
    pub(super) fn fail_deployment(&mut self, env: &mut Env<'_>, key: &str, reason: &str, rollback: bool) {
        let now = env.ctx.now;
        let Some(service) = self.service_mut(key) else { return };
        let Some(primary) = service.deployments.first_mut() else { return };
        let target = service.last_good.clone().filter(|good| rollback && good.id != primary.id);
        primary.state = "FAILED";
        primary.updated_at = now;
        primary.given_up = true;
        primary.reason = match (&target, rollback) {
            (None, true) => {
                let method = reason.split(": ").next().unwrap_or(reason);
                format!("{method}: no rollback candidate was found to run the rollback.")
            }
            _ => reason.to_owned(),
        };
        let (id, cause) = (primary.id.clone(), reason.rsplit(": ").next().unwrap_or(reason).to_owned());
        if let Some(rollout) = service.rollout(&id) {
            rollout.updated_at = now;
            rollout.status_reason = Some(reason.to_owned());
            rollout.alarms.complete();
            if let Some(good) = &target {
                rollout.status = "ROLLBACK_IN_PROGRESS";
                rollout.rollback = Some((reason.to_owned(), now, good.revision.clone()));
            } else {
                rollout.status = if rollback { "ROLLBACK_FAILED" } else { "STOPPED" };
                rollout.finished_at = Some(now);
                rollout.stopped_at = Some(now);
            }
        }
        self.service_event(env, Some(key), &format!("(deployment {id}) deployment failed: {cause}"));
        self.send_back(env, key, &id);
        if let Some(good) = target {
            self.roll_back(env, key, good, reason);
        }
        self.service_changed(key, after(now, 0.5));
    }

    /// Makes the last deployment that completed the primary one again, under its own id.
    fn roll_back(&mut self, env: &mut Env<'_>, key: &str, good: Deployment, reason: &str) {
        let now = env.ctx.now;
        let cause = reason.split(": ").next().unwrap_or(reason).to_owned();
        let Some(service) = self.service_mut(key) else { return };
        let mut again = match service.deployments.iter().position(|each| each.id == good.id) {
            Some(place) => service.deployments.remove(place),
            None => good,
        };
        again.state = "IN_PROGRESS";
        again.reason = format!("{cause}: rolling back to deploymentId {}.", again.id);
        again.updated_at = now;
        again.good_since = None;
        again.counted = 0;
        again.given_up = false;
        service.task_definition.clone_from(&again.task_definition);
        service.spec.clone_from(&again.spec);
        service.hidden.clone_from(&again.hidden);
        service.failures = 0;
        service.hold_until = None;
        let text = format!("rolling back to deployment {}.", again.id);
        service.deployments.insert(0, again);
        self.service_event(env, Some(key), &text);
    }

    /// Continues a deployment that a PAUSE hook holds, or rolls it back.
    ///
    /// # Errors
    /// `ServiceDeploymentNotFoundException`; `InvalidParameterException` when nobody waits for this
    /// hook.
    pub(super) fn continue_service_deployment(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let arn = input.text("serviceDeploymentArn").unwrap_or_default();
        let id = input.text("hookId").unwrap_or_default();
        let key = self.rollout_owner(arn)?.key.clone();
        let running = |rollout: &&mut Rollout| rollout.arn == arn && rollout.status == "IN_PROGRESS";
        let service = self.service_mut(&key).ok_or_else(no_service_deployment)?;
        let hooks = service.history.iter_mut().find(running).map(|rollout| &mut rollout.hooks);
        let hook = hooks.and_then(|hooks| hooks.iter_mut().find(|hook| hook.id == id && hook.is_awaited()));
        let hook =
            hook.ok_or_else(|| invalid(format!("The lifecycle hook {id} is not awaiting an action.")))?;
        if input.text("action") == Some("ROLLBACK") {
            hook.status = "FAILED";
            self.fail_deployment(env, &key, "Service deployment lifecycle hook: rolled back by user.", true);
        } else {
            hook.status = "SUCCEEDED";
        }
        self.service_changed(&key, env.ctx.now);
        Ok(json!({"serviceDeploymentArn": arn}))
    }

    fn rollout_owner(&self, arn: &str) -> Result<&Service> {
        let owner =
            self.services.values().find(|service| service.history.iter().any(|rollout| rollout.arn == arn));
        owner.ok_or_else(no_service_deployment)
    }

    pub(super) fn stop_service_deployment(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let arn = input.text("serviceDeploymentArn").unwrap_or_default().to_owned();
        let service = self.rollout_owner(&arn)?;
        let key = service.key.clone();
        let rollout =
            service.history.iter().find(|rollout| rollout.arn == arn).ok_or_else(no_service_deployment)?;
        if rollout.status != "IN_PROGRESS" {
            let text = format!("The service deployment is {} and cannot be stopped.", rollout.status);
            return Err(ApiError::new(400, "ConflictException", text).with("resourceIds", json!([arn])));
        }
        let rollback = input.text("stopType") != Some("ABORT");
        let good = service.last_good.as_ref().filter(|good| good.id != rollout.deployment);
        if rollback && good.is_none() {
            return Err(invalid("The service deployment has no service revision to roll back to."));
        }
        self.fail_deployment(env, &key, "Service deployment stopped: stopped by user.", rollback);
        Ok(json!({"serviceDeploymentArn": arn}))
    }
}

fn no_service_deployment() -> ApiError {
    ApiError::new(400, "ServiceDeploymentNotFoundException", "Service deployment not found.")
}

/// Whether the circuit breaker gives a deployment up.
pub(super) fn trips(deployment: &Deployment, desired: usize) -> bool {
    let configuration = &deployment.spec["deploymentConfiguration"];
    configuration["deploymentCircuitBreaker"].flag("enable")
        && deployment.counted >= threshold(configuration, desired)
}

/// The running rollout, if any, ends because another begins.
fn supersede(service: &mut Service, now: jiff::Timestamp) {
    for rollout in &mut service.history {
        if matches!(rollout.status, "IN_PROGRESS" | "ROLLBACK_IN_PROGRESS") {
            rollout.status = "STOPPED";
            rollout.status_reason =
                Some("Service deployment stopped because a new service deployment was started.".to_owned());
            rollout.stopped_at = Some(now);
            rollout.finished_at = Some(now);
            rollout.updated_at = now;
        }
    }
}

/// After how many failed tasks the circuit breaker gives a deployment up.
fn threshold(configuration: &Value, desired: usize) -> u32 {
    let own = &configuration["deploymentCircuitBreaker"]["thresholdConfiguration"];
    let value = own.int("value").and_then(|value| u64::try_from(value).ok()).unwrap_or(50);
    let share = (desired as u64 * value).div_ceil(100);
    let count = match own.text("type") {
        Some("COUNT") => value,
        Some("UNBOUNDED_PERCENT") => share.max(1),
        _ => share.clamp(3, 200),
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether early success criteria are met, and whether older tasks may be left to stop later;
/// `None` when they are off.
fn early_success(configuration: &Value, desired: usize, healthy: usize) -> Option<(bool, bool)> {
    let own = &configuration["earlySuccessCriteria"];
    let percent = own.int("healthyPercent").and_then(|value| usize::try_from(value).ok())?;
    own.flag("enable").then(|| {
        let enough = healthy * 100 >= desired * percent;
        (enough, own.text("sourceServiceRevisionCleanup") == Some("DEFERRED"))
    })
}

fn render_revision(
    service: &Service,
    arn: &str,
    images: Vec<Value>,
    side: Side,
    now: jiff::Timestamp,
) -> Value {
    let mut body = service.hidden.clone();
    for name in [
        "capacityProviderStrategy",
        "launchType",
        "platformVersion",
        "platformFamily",
        "loadBalancers",
        "serviceRegistries",
        "networkConfiguration",
    ] {
        if let Some(value) = service.spec.get(name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    let mut body = Value::Object(body);
    body["serviceRevisionArn"] = arn.into();
    body["serviceArn"] = service.arn.as_str().into();
    body["clusterArn"] = service.cluster_arn.as_str().into();
    body["taskDefinition"] = service.task_definition.as_str().into();
    body["containerImages"] = images.into();
    body["guardDutyEnabled"] = false.into();
    if !service.spec.items("loadBalancers").is_empty() {
        body["resolvedConfiguration"] = side.resolved(service.spec.items("loadBalancers"));
    }
    body["createdAt"] = crate::ctx::epoch(now);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_breaker_waits_for_half_of_the_tasks_but_three_at_least() {
        let usual = json!({"deploymentCircuitBreaker": {"enable": true}});
        let counts: Vec<u32> =
            [0, 1, 6, 7, 25, 1000].iter().map(|desired| threshold(&usual, *desired)).collect();
        assert_eq!(counts, [3, 3, 3, 4, 13, 200]);
        let with = |kind: &str, value: u32| json!({"deploymentCircuitBreaker": {"thresholdConfiguration": {"type": kind, "value": value}}});
        assert_eq!(threshold(&with("COUNT", 2), 100), 2);
        assert_eq!(threshold(&with("UNBOUNDED_PERCENT", 50), 1000), 500);
        assert_eq!(threshold(&with("BOUNDED_PERCENT", 10), 100), 10);
    }
}
