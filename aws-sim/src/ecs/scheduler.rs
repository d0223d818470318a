//! The service scheduler: starts and stops the tasks of a service so that its deployments move
//! forward within the bounds of `minimumHealthyPercent` and `maximumPercent`.
//!
//! One pass over a service replaces sick tasks, starts what is missing, stops what is too many, and
//! then evaluates the deployment (see `rollout`). A pass is planned by whatever changes the service
//! and, while something is under way, every few seconds.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Ecs, Env,
    input::{Fields, Tags},
    launch::{Launch, Placement, overrides},
    lifecycle::balanced,
    queue::{Event, after, between},
    service::{ACTIVE, DRAINING, INACTIVE},
    shifting,
    task::{Status, Task},
};

/// How often a pass is made while something is under way, and how often its target health
/// once it is steady.
const BUSY: f64 = 5.0;
const IDLE: f64 = 60.0;

/// How a task does.
#[derive(Debug, Clone, PartialEq)]
enum Fitness {
    /// Not up yet, or no result yet.
    Unproven,
    Healthy,
    /// Why it must be replaced.
    Sick(String),
}

/// A service's task as the scheduler sees it.
struct Seen {
    id: String,
    primary: bool,
    fitness: Fitness,
}

impl Ecs {
    /// Something about a service changed: drop what was rendered, and make a pass at `at` at the
    /// latest.
    pub(super) fn service_changed(&mut self, key: &str, at: Timestamp) {
        let Some(service) = self.service_mut(key) else { return };
        if service.next_pass.is_none_or(|planned| at < planned) {
            service.next_pass = Some(at);
            self.queue.plan(at, Event::Service(key.to_owned()));
        }
    }

    /// Says something in the events of a service, if there is one.
    pub(super) fn service_event(&mut self, env: &mut Env<'_>, key: Option<&str>, text: &str) {
        let id = env.ctx.uuid();
        if let Some(service) = key.and_then(|key| self.service_mut(key)) {
            service.say(id, env.ctx.now, text);
        }
    }

    /// A planned pass; void if there was one in the meantime.
    pub(super) fn planned_pass(&mut self, env: &mut Env<'_>, key: &str) {
        let planned = self.services.get(key).and_then(|service| service.next_pass);
        if planned.is_some_and(|at| at <= env.ctx.now) {
            self.schedule_service(env, key);
        }
    }

    /// One pass over a service.
    pub(super) fn schedule_service(&mut self, env: &mut Env<'_>, key: &str) {
        let Some(service) = self.services.get_mut(key) else { return };
        service.next_pass = None;
        match service.status {
            DRAINING => self.drain_service(env, key),
            ACTIVE => {
                self.daemon_count(key);
                if self.is_quiet(env, key) {
                    self.plan_next_pass(env, key);
                    return;
                }
                self.replace_sick(env, key);
                if self.shift_of(key).is_some() {
                    self.shift_pass(env, key);
                } else {
                    let blocked = self.start_missing(env, key);
                    self.stop_surplus(env, key, blocked);
                    self.evaluate_deployment(env, key);
                }
                self.plan_next_pass(env, key);
            }
            _ => {}
        }
    }

    /// Whether a steady service is still as wanted, so that a pass has nothing to do.
    fn is_quiet(&self, env: &Env<'_>, key: &str) -> bool {
        let Some(service) = self.services.get(key).filter(|service| service.steady) else { return false };
        let grace = grace_seconds(&service.spec);
        let well = |id: &String| {
            let task = self.tasks.get(id);
            task.is_some_and(|task| {
                task.wanted && task.proven && fitness(env, task, grace) == Fitness::Healthy
            })
        };
        service.deployments.len() == 1
            && service.tasks.len() == service.desired
            && service.tasks.iter().all(well)
    }

    fn drain_service(&mut self, env: &mut Env<'_>, key: &str) {
        let ids = self.services.get(key).map(|service| service.tasks.clone()).unwrap_or_default();
        let reason = format!("Scaling activity initiated by (deployment {})", self.primary_id(key));
        let mut stopped = Vec::new();
        for id in &ids {
            if self.tasks.get(id).is_some_and(|task| task.wanted) {
                self.stop_task(env, id, "ServiceSchedulerInitiated", &reason);
                stopped.push(format!("(task {id})"));
            }
        }
        if !stopped.is_empty() {
            let text = format!("has stopped {} running tasks: {}.", stopped.len(), stopped.join(" "));
            self.service_event(env, Some(key), &text);
        }
        let now = env.ctx.now;
        let Some(service) = self.service_mut(key) else { return };
        if service.tasks.is_empty() {
            service.status = INACTIVE;
            service.deployments.clear();
        } else {
            self.service_changed(key, after(now, BUSY));
        }
    }

    fn primary_id(&self, key: &str) -> String {
        let primary = self.services.get(key).and_then(|service| service.deployments.first());
        primary.map(|each| each.id.clone()).unwrap_or_default()
    }

    /// A daemon service wants one task on each instance.
    pub(super) fn daemon_count(&mut self, key: &str) {
        let Some(service) = self.services.get(key).filter(|service| service.is_daemon()) else { return };
        let count = self.clusters.get(&service.cluster).map_or(0, |cluster| cluster.instances.len());
        if service.desired != count
            && let Some(service) = self.service_mut(key)
        {
            service.desired = count;
        }
    }

    /// The service's tasks that are meant to run.
    fn seen(&self, env: &Env<'_>, key: &str) -> Vec<Seen> {
        let Some(service) = self.services.get(key) else { return Vec::new() };
        let grace = grace_seconds(&service.spec);
        let primary = service.deployments.first().map(|each| each.id.as_str()).unwrap_or_default();
        let wanted = service.tasks.iter().filter_map(|id| self.tasks.get(id)).filter(|task| task.wanted);
        wanted
            .map(|task| Seen {
                id: task.id.clone(),
                primary: task.deployment == primary,
                fitness: fitness(env, task, grace),
            })
            .collect()
    }

    /// Stops tasks that fail their health checks; the next step starts others in their place.
    fn replace_sick(&mut self, env: &mut Env<'_>, key: &str) {
        for seen in self.seen(env, key) {
            match seen.fitness {
                Fitness::Sick(reason) => {
                    let what = if reason.contains("ELB") {
                        "is unhealthy due to"
                    } else {
                        "failed container health checks:"
                    };
                    self.service_event(env, Some(key), &format!("(task {}) {what} {reason}", seen.id));
                    let deployment =
                        self.tasks.get(&seen.id).map(|task| task.deployment.clone()).unwrap_or_default();
                    self.stop_task(env, &seen.id, "ServiceSchedulerInitiated", &reason);
                    self.task_failed(env, Some(key), &deployment);
                }
                Fitness::Healthy => self.task_proven(env, key, &seen.id),
                Fitness::Unproven => {}
            }
        }
    }

    /// Starts the tasks that the primary deployment lacks. Answers how many it may not start for
    /// want of room.
    fn start_missing(&mut self, env: &mut Env<'_>, key: &str) -> usize {
        let Some(service) = self.services.get(key) else { return 0 };
        let Some(primary) = service.deployments.first().filter(|each| !each.given_up) else { return 0 };
        let tasks = self.tasks_of(service);
        let own = tasks.iter().filter(|task| task.wanted && task.deployment == primary.id).count();
        let short = service.desired.saturating_sub(own);
        // AWS bounds the tasks in RUNNING or PENDING state; one that is being drained still runs.
        let occupied = tasks.iter().filter(|task| task.status <= Status::Deactivating).count();
        let upper = service.desired * service.percent("maximumPercent") / 100;
        let room = upper.saturating_sub(occupied);
        if service.hold_until.is_some_and(|until| until > env.ctx.now) {
            return short.saturating_sub(room);
        }
        let id = primary.id.clone();
        self.start_tasks(env, key, &id, short.min(room));
        short.saturating_sub(room)
    }

    /// Starts tasks of a deployment.
    pub(super) fn start_tasks(&mut self, env: &mut Env<'_>, key: &str, deployment: &str, count: usize) {
        let mut started = Vec::new();
        for _ in 0..count {
            match self.launch_for(env, key, deployment) {
                Ok(id) => started.push(format!("(task {id})")),
                Err(reason) => {
                    self.not_placed(env, key, &reason);
                    break;
                }
            }
        }
        if !started.is_empty() {
            let text = format!("has started {} tasks: {}.", started.len(), started.join(" "));
            self.service_event(env, Some(key), &text);
        }
    }

    fn launch_for(&mut self, env: &mut Env<'_>, key: &str, deployment: &str) -> Result<String, String> {
        let missing = || "The service has no task definition.".to_owned();
        let service = self.services.get(key).ok_or_else(missing)?;
        let primary = service.deployments.iter().find(|each| each.id == deployment).ok_or_else(missing)?;
        let registered = self.find_definition(&primary.task_definition).ok_or_else(missing)?;
        let definition = std::sync::Arc::clone(&registered.definition);
        let placement = Placement::choose(
            primary.spec.text("launchType"),
            primary.spec.items("capacityProviderStrategy"),
        );
        let launch = Launch {
            cluster: service.cluster.clone(),
            service: Some(key.to_owned()),
            deployment: primary.id.clone(),
            group: format!("service:{}", service.name),
            started_by: Some(primary.id.clone()),
            launch_type: placement.launch_type,
            provider: placement.provider,
            network: primary.spec.get("networkConfiguration").cloned(),
            overrides: overrides(&Value::Null, &definition),
            exec: service.spec.flag("enableExecuteCommand"),
            tags: task_tags(service, &registered.tags),
            balancers: shifting::registered(primary),
            definition,
        };
        let id = self.launch(env, launch)?;
        if let Some(service) = self.service_mut(key) {
            service.tasks.push(id.clone());
            service.placement_trouble = None;
            service.steady = false;
        }
        Ok(id)
    }

    fn not_placed(&mut self, env: &mut Env<'_>, key: &str, reason: &str) {
        let known =
            self.services.get(key).and_then(|service| service.placement_trouble.as_deref()) == Some(reason);
        if known {
            return;
        }
        let text = format!(
            "was unable to place a task because no container instance met all of its requirements. Reason: {reason}"
        );
        self.service_event(env, Some(key), &text);
        if let Some(service) = self.service_mut(key) {
            service.placement_trouble = Some(reason.to_owned());
        }
    }

    /// Stops tasks that are too many: of the primary deployment when it was scaled in, of the
    /// others as their work is taken over. Never stops so many healthy tasks that fewer than the
    /// minimum remain.
    fn stop_surplus(&mut self, env: &mut Env<'_>, key: &str, blocked: usize) {
        let Some(service) = self.services.get(key) else { return };
        let given_up = service.deployments.first().is_none_or(|each| each.given_up);
        let desired = service.desired;
        let lower = (desired * service.percent("minimumHealthyPercent")).div_ceil(100).min(desired);
        let seen = self.seen(env, key);
        let healthy = |primary| {
            seen.iter().filter(|each| each.primary == primary && each.fitness == Fitness::Healthy).count()
        };
        let (new_healthy, old_healthy) = (healthy(true), healthy(false));
        let mut stops: Vec<String> = Vec::new();
        let primary: Vec<&Seen> = seen.iter().filter(|each| each.primary).collect();
        let too_many = primary.len().saturating_sub(desired);
        let mut by_worth = primary;
        by_worth.sort_by_key(|each| each.fitness == Fitness::Healthy);
        stops.extend(by_worth.iter().take(too_many).map(|each| each.id.clone()));
        let mut old: Vec<&Seen> = seen.iter().filter(|each| !each.primary).collect();
        old.sort_by_key(|each| each.fitness == Fitness::Healthy);
        // A deployment that was given up takes nothing over; what is too many altogether goes all
        // the same.
        let taken_over = if given_up { by_worth.len() } else { new_healthy };
        let kept = desired.saturating_sub(taken_over);
        let blocked = if given_up { 0 } else { blocked.min(old.len()) };
        let wished = old.len().saturating_sub(kept).max(blocked);
        let mut spare = (new_healthy + old_healthy).saturating_sub(lower);
        for each in old.into_iter().take(wished) {
            if each.fitness == Fitness::Healthy {
                if spare == 0 {
                    break;
                }
                spare -= 1;
            }
            stops.push(each.id.clone());
        }
        self.stop_listed(env, key, &stops);
    }

    /// Stops tasks, and says so.
    pub(super) fn stop_listed(&mut self, env: &mut Env<'_>, key: &str, stops: &[String]) {
        if stops.is_empty() {
            return;
        }
        let reason = format!("Scaling activity initiated by (deployment {})", self.primary_id(key));
        for id in stops {
            self.stop_task(env, id, "ServiceSchedulerInitiated", &reason);
        }
        let names: Vec<String> = stops.iter().map(|id| format!("(task {id})")).collect();
        let text = format!("has stopped {} running tasks: {}.", names.len(), names.join(" "));
        self.service_event(env, Some(key), &text);
    }

    fn plan_next_pass(&mut self, env: &mut Env<'_>, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let busy = service.deployments.first().is_some_and(|each| each.state == "IN_PROGRESS")
            || service.deployments.len() > 1
            || !service.steady;
        let balanced = !service.spec.items("loadBalancers").is_empty();
        if busy || balanced {
            let wait = if busy { BUSY } else { IDLE } + between(env.ctx.rng, 0.0, 1.0);
            self.service_changed_quietly(key, after(env.ctx.now, wait));
        }
    }

    /// Plans a pass without dropping what was rendered.
    fn service_changed_quietly(&mut self, key: &str, at: Timestamp) {
        let Some(service) = self.services.get_mut(key) else { return };
        if service.next_pass.is_none_or(|planned| at < planned) {
            service.next_pass = Some(at);
            self.queue.plan(at, Event::Service(key.to_owned()));
        }
    }

    /// Whether the tasks of the primary deployment are as wanted, and how many are healthy.
    pub(super) fn primary_health(&self, env: &Env<'_>, key: &str) -> (bool, usize) {
        let Some(service) = self.services.get(key) else { return (false, 0) };
        let seen = self.seen(env, key);
        let own = seen.iter().filter(|each| each.primary).count();
        let healthy = seen.iter().filter(|each| each.primary && each.fitness == Fitness::Healthy).count();
        (own == service.desired && healthy == service.desired, healthy)
    }
}

fn grace_seconds(spec: &serde_json::Map<String, Value>) -> f64 {
    spec.int("healthCheckGracePeriodSeconds").unwrap_or(0) as f64
}

/// How a task does: its own health checks and its load balancers', failures forgiven during the
/// grace period.
fn fitness(env: &Env<'_>, task: &Task, grace: f64) -> Fitness {
    let Some(age) = task.age(env.ctx.now).filter(|_| task.status == Status::Running) else {
        return Fitness::Unproven;
    };
    let own = task.health();
    let forgiven = age < grace;
    if own == "UNHEALTHY" && !forgiven {
        return Fitness::Sick("Task failed container health checks".to_owned());
    }
    match balanced(env, task, env.ctx.now) {
        Some(false) if !forgiven => {
            let group = task.targets.first().map(|target| target.group.as_str()).unwrap_or_default();
            Fitness::Sick(format!("Task failed ELB health checks in (target-group {group})"))
        }
        Some(true) if own == "HEALTHY" || (own == "UNKNOWN" && !task.has_check()) => Fitness::Healthy,
        // A guess: AWS does not say what ECS makes of a target that is `initial` once more, because
        // a load balancer uses its group again. A task that was healthy is taken for healthy until
        // a check fails.
        None if task.proven => Fitness::Healthy,
        _ => Fitness::Unproven,
    }
}

fn task_tags(service: &super::service::Service, definition: &Tags) -> Tags {
    let mut tags = match service.spec.text("propagateTags") {
        Some("SERVICE") => service.tags.clone(),
        Some("TASK_DEFINITION") => definition.clone(),
        _ => Tags::new(),
    };
    if service.spec.flag("enableECSManagedTags") {
        tags.insert("aws:ecs:clusterName".to_owned(), service.cluster.clone());
        tags.insert("aws:ecs:serviceName".to_owned(), service.name.clone());
    }
    tags
}
