//! The steps of a task's lifecycle, from its network interface to its last trace.
//!
//! `PROVISIONING → PENDING → ACTIVATING → RUNNING → DEACTIVATING → STOPPING → DEPROVISIONING →
//! STOPPED`, in seconds as on AWS: a Fargate task is up after some 8 to 20 seconds, and is shown
//! for an hour after it has stopped.

use jiff::Timestamp;

use super::{
    Ecs, Env,
    queue::{Event, Step, after, between},
    task::{State, Status, Task},
};
use crate::elbv2::TargetAnswers;

/// How long a stopped task is shown.
const SHOWN_AFTER_STOP: f64 = 3600.0;

impl Ecs {
    /// A planned step of a task happens.
    pub(super) fn task_step(&mut self, env: &mut Env<'_>, id: &str, step: Step) {
        if !self.tasks.contains_key(id) {
            return;
        }
        match step {
            Step::Provisioned => self.provisioned(env, id),
            Step::Pulled => self.pulled(env, id),
            Step::ContainerStarts(place) => self.container_starts(env, id, place),
            Step::ContainerExits(place, run) => self.container_exits(env, id, place, run),
            Step::ContainerHealth(place, run) => self.container_health(env, id, place, run),
            Step::Running => self.running(env, id),
            Step::Drained => self.drained(env, id),
            Step::ContainersStopped => self.containers_stopped(env, id),
            Step::Deprovisioned => self.stopped(env, id),
            Step::Forgotten => {
                self.tasks.remove(id);
            }
        }
    }

    fn later(&mut self, env: &Env<'_>, id: &str, seconds: f64, step: Step) {
        self.queue.plan(after(env.ctx.now, seconds), Event::Task(id.to_owned(), step));
    }

    fn task(&mut self, id: &str) -> &mut Task {
        self.tasks.get_mut(id).expect("steps are taken only by tasks that exist")
    }

    /// Moves a task on and lets its service know.
    fn enter(&mut self, env: &Env<'_>, id: &str, status: Status) {
        let task = self.task(id);
        task.status = status;
        task.version += 1;
        let service = task.service.clone();
        if let Some(key) = service {
            self.service_changed(&key, after(env.ctx.now, 0.5));
        }
    }

    fn provisioned(&mut self, env: &mut Env<'_>, id: &str) {
        let now = env.ctx.now;
        if !self.task(id).wanted {
            return;
        }
        self.enter(env, id, Status::Pending);
        let fargate = self.task(id).launch_type == "FARGATE";
        let task = self.task(id);
        task.times.connected = Some(now);
        task.times.pull_started = Some(now);
        let longest = task.containers.iter().map(|run| run.behaviour.start_delay_seconds).fold(0.0, f64::max);
        if let Err(reason) = initialise(env, self.task(id)) {
            self.stop_task(env, id, "TaskFailedToStart", &reason);
            return;
        }
        let pull = if fargate { between(env.ctx.rng, 4.0, 11.0) } else { between(env.ctx.rng, 1.0, 4.0) };
        self.later(env, id, pull + longest, Step::Pulled);
    }

    fn pulled(&mut self, env: &mut Env<'_>, id: &str) {
        let now = env.ctx.now;
        let task = self.task(id);
        if !task.wanted {
            return;
        }
        task.times.pull_stopped = Some(now);
        let failed = task.containers.iter_mut().find(|run| run.behaviour.cannot_start.is_some());
        if let Some(run) = failed {
            let reason = run.behaviour.cannot_start.clone().unwrap_or_default();
            run.reason = Some(reason.clone());
            self.stop_task(env, id, "TaskFailedToStart", &reason);
            return;
        }
        self.start_containers(env, id);
    }

    /// Starts the containers whose dependencies hold, and brings the task up once none waits any
    /// more.
    fn start_containers(&mut self, env: &mut Env<'_>, id: &str) {
        let task = self.task(id);
        if !task.wanted {
            return;
        }
        let (mut ready, mut broken) = (Vec::new(), None);
        for (place, run) in task.containers.iter().enumerate() {
            if run.state == State::Waiting {
                match dependencies(task, place) {
                    Held::Yes => ready.push(place),
                    Held::Never(other) => broken = Some(other),
                    Held::NotYet => {}
                }
            }
        }
        if let Some(other) = broken {
            let reason = format!("Container dependency failed: {other} did not complete successfully");
            self.stop_task(env, id, "TaskFailedToStart", &reason);
            return;
        }
        for place in ready {
            self.task(id).containers[place].state = State::Starting;
            let wait = between(env.ctx.rng, 0.3, 1.2);
            self.later(env, id, wait, Step::ContainerStarts(place));
        }
    }

    fn container_starts(&mut self, env: &mut Env<'_>, id: &str, place: usize) {
        let now = env.ctx.now;
        if !self.task(id).wanted {
            return;
        }
        let runtime = format!("{}-{}", id, env.ctx.digits(10));
        let task = self.task(id);
        let run = &mut task.containers[place];
        run.state = State::Running;
        run.runtime_id = Some(runtime);
        run.started = Some(now);
        run.runs += 1;
        let (runs, behaviour) = (run.runs, run.behaviour.clone());
        task.version += 1;
        let check = task.definition.containers[place].check;
        log_line(env, self.task(id), place, "started");
        if let Some(seconds) = behaviour.out_of_memory_after_seconds {
            self.later(env, id, seconds, Step::ContainerExits(place, runs));
        } else if behaviour.exit_code.is_some() {
            self.later(env, id, behaviour.exit_after_seconds, Step::ContainerExits(place, runs));
        }
        if let Some(check) = check {
            let first = if behaviour.healthy {
                behaviour.healthy_after_seconds.max(check.interval)
            } else {
                check.start_period + check.interval * check.retries
            };
            self.later(env, id, first, Step::ContainerHealth(place, runs));
        }
        self.start_containers(env, id);
        self.activate(env, id);
    }

    /// Once all containers were started: register with load balancers, then RUNNING.
    fn activate(&mut self, env: &mut Env<'_>, id: &str) {
        let task = self.task(id);
        let up = task.containers.iter().all(|run| matches!(run.state, State::Running | State::Stopped));
        if !up || task.status != Status::Pending {
            return;
        }
        if task.targets.is_empty() {
            self.running(env, id);
            return;
        }
        self.enter(env, id, Status::Activating);
        self.later(env, id, 1.0, Step::Running);
        let task = self.task(id);
        let service = task.service.clone();
        for text in register(env, task) {
            self.service_event(env, service.as_deref(), &text);
        }
    }

    fn running(&mut self, env: &mut Env<'_>, id: &str) {
        let now = env.ctx.now;
        let task = self.task(id);
        if !task.wanted {
            return;
        }
        task.times.started = Some(now);
        self.enter(env, id, Status::Running);
    }

    fn container_exits(&mut self, env: &mut Env<'_>, id: &str, place: usize, run_number: u32) {
        let task = self.task(id);
        let spec = task.definition.containers[place].clone();
        let run = &mut task.containers[place];
        if run.runs != run_number || run.state != State::Running {
            return;
        }
        let starved = run.behaviour.out_of_memory_after_seconds.is_some();
        let code = if starved { 137 } else { run.behaviour.exit_code.unwrap_or(0) };
        run.state = State::Stopped;
        run.exit_code = Some(code);
        run.health = "UNKNOWN";
        if starved {
            run.reason = Some("OutOfMemoryError: Container killed due to memory usage".to_owned());
        }
        task.version += 1;
        log_line(env, self.task(id), place, &format!("exited with code {code}"));
        if spec.restarts && !spec.ignored_exit_codes.contains(&code) {
            self.task(id).containers[place].state = State::Starting;
            self.later(env, id, 1.0, Step::ContainerStarts(place));
            return;
        }
        let all_gone = self.task(id).containers.iter().all(|run| run.state == State::Stopped);
        if spec.essential || all_gone {
            self.stop_task(env, id, "EssentialContainerExited", "Essential container in task exited");
        } else {
            self.start_containers(env, id);
            self.activate(env, id);
        }
    }

    fn container_health(&mut self, env: &mut Env<'_>, id: &str, place: usize, run_number: u32) {
        let now = env.ctx.now;
        let task = self.task(id);
        let check = task.definition.containers[place].check;
        let run = &mut task.containers[place];
        let (Some(check), Some(started)) = (check, run.started) else { return };
        if run.runs != run_number || run.state != State::Running || !task.wanted {
            return;
        }
        let up = super::queue::seconds_between(started, now);
        let behaviour = &run.behaviour;
        let flipped = behaviour.flap_seconds.is_some() && run.health == "HEALTHY";
        let failing = behaviour.unhealthy_after_seconds.is_some_and(|seconds| up >= seconds);
        let health = if behaviour.healthy && !flipped && !failing { "HEALTHY" } else { "UNHEALTHY" };
        let again = match (behaviour.flap_seconds, behaviour.unhealthy_after_seconds) {
            (Some(period), _) => Some(period),
            (None, Some(seconds)) if seconds > up => Some(seconds - up + check.interval * check.retries),
            _ => None,
        };
        run.health = health;
        if let Some(seconds) = again {
            self.later(env, id, seconds, Step::ContainerHealth(place, run_number));
        }
        let status = self.task(id).status;
        self.enter(env, id, status);
        self.start_containers(env, id);
    }

    /// Asks a task to stop: it leaves its load balancers, is drained, its containers end, its
    /// interface goes.
    pub(super) fn stop_task(&mut self, env: &mut Env<'_>, id: &str, code: &'static str, reason: &str) {
        let now = env.ctx.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        if !task.wanted || task.is_stopped() {
            return;
        }
        task.wanted = false;
        task.stop_code = Some(code);
        task.stopped_reason = Some(reason.to_owned());
        task.times.stopping = Some(now);
        let (service, deployment) = (task.service.clone(), task.deployment.clone());
        let groups = deregister(env, task);
        if matches!(code, "TaskFailedToStart" | "EssentialContainerExited") {
            self.task_failed(env, service.as_deref(), &deployment);
        }
        if groups.is_empty() {
            self.stop_containers(env, id);
            return;
        }
        self.service_event(env, service.as_deref(), "has begun draining connections on 1 tasks.");
        for group in groups {
            self.service_event(
                env,
                service.as_deref(),
                &format!("deregistered 1 targets in (target-group {group})"),
            );
        }
        self.enter(env, id, Status::Deactivating);
        // A task whose container has ended by itself has nothing left to drain.
        let dead = self.task(id).containers.iter().all(|run| run.state != State::Running);
        if dead { self.stop_containers(env, id) } else { self.later(env, id, 1.0, Step::Drained) }
    }

    fn drained(&mut self, env: &mut Env<'_>, id: &str) {
        let now = env.ctx.now;
        let targets = self.task(id).targets.clone();
        let draining = targets
            .iter()
            .any(|target| env.elbv2.health(now, &target.group, &target.id, target.port) == Some("draining"));
        if draining { self.later(env, id, 5.0, Step::Drained) } else { self.stop_containers(env, id) }
    }

    /// Sends the stop signal to what still runs.
    fn stop_containers(&mut self, env: &mut Env<'_>, id: &str) {
        let task = self.task(id);
        let pairs = task.containers.iter().zip(&task.definition.containers);
        let running = pairs.filter(|(run, _)| run.state == State::Running);
        let wait =
            running.map(|(run, spec)| run.behaviour.stop_seconds.min(spec.stop_timeout)).fold(0.1, f64::max);
        self.enter(env, id, Status::Stopping);
        self.later(env, id, wait, Step::ContainersStopped);
    }

    fn containers_stopped(&mut self, env: &mut Env<'_>, id: &str) {
        let now = env.ctx.now;
        let task = self.task(id);
        for (run, spec) in task.containers.iter_mut().zip(&task.definition.containers) {
            if run.state == State::Running {
                let killed = run.behaviour.stop_seconds > spec.stop_timeout;
                run.exit_code = Some(if killed { 137 } else { run.behaviour.stop_exit_code });
                run.health = "UNKNOWN";
            }
            run.state = State::Stopped;
        }
        task.times.execution_stopped = task.times.pull_started.map(|_| now);
        if task.eni.is_none() {
            self.stopped(env, id);
            return;
        }
        self.enter(env, id, Status::Deprovisioning);
        let wait = between(env.ctx.rng, 3.0, 7.0);
        self.later(env, id, wait, Step::Deprovisioned);
    }

    fn stopped(&mut self, env: &mut Env<'_>, id: &str) {
        self.task(id).times.stopped = Some(env.ctx.now);
        self.enter(env, id, Status::Stopped);
        let service = self.task(id).service.clone();
        if let Some(found) = service.and_then(|key| self.services.get_mut(&key)) {
            found.tasks.retain(|own| own != id);
        }
        self.later(env, id, SHOWN_AFTER_STOP, Step::Forgotten);
    }
}

/// What Fargate does before it pulls: fetch secrets, open log streams.
fn initialise(env: &mut Env<'_>, task: &Task) -> Result<(), String> {
    for spec in &task.definition.containers {
        // Anything else is a parameter of Systems Manager, which is not simulated and counts as
        // there.
        for secret in spec.secrets.iter().filter(|secret| secret.contains(":secretsmanager:")) {
            env.secrets.resolve(secret)?;
        }
    }
    for log in task.definition.containers.iter().filter_map(|spec| spec.log.as_ref()) {
        if env.logs.has_group(&log.group) {
            continue;
        }
        if !log.create {
            return Err(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to \
                 create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1"
                    .to_owned(),
            );
        }
        let input = serde_json::json!({"logGroupName": log.group});
        env.logs.handle(&mut env.ctx, "CreateLogGroup", &input).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn log_line(env: &mut Env<'_>, task: &Task, place: usize, what: &str) {
    let spec = &task.definition.containers[place];
    if let Some(log) = &spec.log {
        let stream = format!("{}/{}/{}", log.prefix, spec.name, task.id);
        env.logs.put(
            env.ctx.now,
            &log.group,
            stream.trim_start_matches('/'),
            &format!("{} {what}", spec.image),
        );
    }
}

/// Makes a task a target of its groups and answers what the service has to say of it.
fn register(env: &mut Env<'_>, task: &mut Task) -> Vec<String> {
    let mut said = Vec::new();
    for target in &mut task.targets {
        let group = &target.group;
        if !env.elbv2.target_group_exists(group) {
            let error = "The specified target group does not exist.";
            said.push(format!("failed to register targets in (target-group {group}) with (error {error})"));
            continue;
        }
        let behaviour = &task.containers[target.container].behaviour;
        let ports = task.containers.iter().flat_map(|run| run.ports.iter().map(|port| port.1));
        let answers = TargetAnswers {
            never: !behaviour.healthy,
            healthy_after: behaviour.healthy_after_seconds,
            only_path: behaviour.only_path.clone(),
            port: target.port,
            other_ports: ports.collect(),
            unhealthy_after: behaviour.unhealthy_after_seconds,
            flap_period: behaviour.flap_seconds,
        };
        env.elbv2.register(env.ctx.now, group, &target.id, target.port, answers);
        target.registered = true;
        said.push(format!("registered 1 targets in (target-group {group})"));
    }
    said
}

/// Takes a task out of its target groups and answers which they were.
fn deregister(env: &mut Env<'_>, task: &mut Task) -> Vec<String> {
    let mut groups = Vec::new();
    for target in task.targets.iter_mut().filter(|target| target.registered) {
        env.elbv2.deregister(env.ctx.now, &target.group, &target.id, target.port);
        target.registered = false;
        groups.push(target.group.clone());
    }
    groups
}

/// Whether a container may start.
enum Held {
    Yes,
    NotYet,
    /// The dependency that can never be met.
    Never(String),
}

fn dependencies(task: &Task, place: usize) -> Held {
    for (name, condition) in &task.definition.containers[place].depends {
        let Some(other) = task.definition.containers.iter().position(|spec| spec.name == *name) else {
            continue;
        };
        let run = &task.containers[other];
        let held = match condition.as_str() {
            "COMPLETE" => run.state == State::Stopped,
            "SUCCESS" => run.state == State::Stopped && run.exit_code == Some(0),
            "HEALTHY" => run.health == "HEALTHY",
            _ => run.started.is_some(),
        };
        let hopeless = match condition.as_str() {
            "SUCCESS" => run.state == State::Stopped && run.exit_code != Some(0),
            "HEALTHY" => run.health == "UNHEALTHY",
            _ => false,
        };
        if hopeless {
            return Held::Never(name.clone());
        }
        if !held {
            return Held::NotYet;
        }
    }
    Held::Yes
}

/// Whether every load balancer of a task says that it is well. `None`: one has no result
/// yet.
pub(super) fn balanced(env: &Env<'_>, task: &Task, now: Timestamp) -> Option<bool> {
    let mut health = Some(true);
    for target in &task.targets {
        match env.elbv2.health(now, &target.group, &target.id, target.port) {
            Some("unhealthy") => return Some(false),
            Some("healthy" | "unused") => {}
            _ => health = None,
        }
    }
    health
}
