//! Views of ECS, and edits that no call can make: for tests and checkers.

use super::{Ecs, Env, queue::after, service::Counts, task::Status};

/// A service at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Cluster and name, as `cluster/name`.
    pub key: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: &'static str,
    /// The task definition that it is meant to run.
    pub task_definition: String,
    /// How many tasks are wanted.
    pub desired: usize,
    /// How many run, those that are being drained included.
    pub running: usize,
    /// How many are on their way up.
    pub pending: usize,
    /// The most tasks that may run or be on their way up.
    pub upper: usize,
    /// The fewest that should run.
    pub lower: usize,
    /// The rollout state of the primary deployment: IN_PROGRESS, COMPLETED or FAILED.
    pub rollout: &'static str,
    /// How many deployments are shown.
    pub deployments: usize,
}

/// A task at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// Its id, without the rest of the ARN.
    pub id: String,
    /// Cluster.
    pub cluster: String,
    /// The service that it belongs to, as `cluster/name`.
    pub service: Option<String>,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// Its last status, such as RUNNING.
    pub status: &'static str,
    /// Who started it: the deployment, or what RunTask gave.
    pub started_by: Option<String>,
    /// The exit codes of its containers, as far as they have ended.
    pub exit_codes: Vec<Option<i64>>,
}

/// A task definition at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionView {
    /// Its ARN.
    pub arn: String,
    /// ACTIVE, INACTIVE or DELETE_IN_PROGRESS.
    pub status: &'static str,
    /// The images of its containers.
    pub images: Vec<String>,
    /// Its tags.
    pub tags: std::collections::BTreeMap<String, String>,
}

impl Ecs {
    /// All services, by cluster and name.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceView> {
        let view = |service: &super::service::Service| {
            let counts = Counts::of(service.desired, self.tasks_of(service).into_iter());
            ServiceView {
                key: service.key.clone(),
                status: service.status,
                task_definition: service.task_definition.clone(),
                desired: counts.desired,
                running: counts.running,
                pending: counts.pending,
                // A deployment that shifts traffic doubles the tasks.
                upper: match self.shift_of(&service.key) {
                    Some(_) => service.desired * 2,
                    None => service.desired * service.percent("maximumPercent") / 100,
                },
                lower: (service.desired * service.percent("minimumHealthyPercent")).div_ceil(100),
                rollout: service.deployments.first().map_or("", |each| each.state),
                deployments: service.deployments.len(),
            }
        };
        self.services.values().map(view).collect()
    }

    /// One service.
    #[must_use]
    pub fn service(&self, cluster: &str, name: &str) -> Option<ServiceView> {
        let key = super::services::key_of(cluster, name);
        self.services().into_iter().find(|service| service.key == key)
    }

    /// All tasks that are shown, by id.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskView> {
        let view = |task: &super::task::Task| TaskView {
            id: task.id.clone(),
            cluster: task.cluster.clone(),
            service: task.service.clone(),
            task_definition: task.definition.arn.clone(),
            status: task.status.name(),
            started_by: task.started_by.clone(),
            exit_codes: task.containers.iter().map(|run| run.exit_code).collect(),
        };
        self.tasks.values().map(view).collect()
    }

    /// A task definition by ARN, or by `family:revision`.
    #[must_use]
    pub fn definition(&self, reference: &str) -> Option<DefinitionView> {
        self.find_definition(reference).map(|found| DefinitionView {
            arn: found.definition.arn.clone(),
            status: found.status,
            images: found.definition.containers.iter().map(|container| container.image.clone()).collect(),
            tags: found.tags.clone(),
        })
    }

    /// A running task's containers die at once with this exit code, as if the host had lost them.
    /// Answers whether there was such a task.
    pub fn kill_task(&mut self, env: &mut Env<'_>, id: &str, exit_code: i64) -> bool {
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.status == Status::Running && task.wanted)
        else {
            return false;
        };
        for run in &mut task.containers {
            run.state = super::task::State::Stopped;
            run.exit_code = Some(exit_code);
        }
        self.stop_task(env, id, "EssentialContainerExited", "Essential container in task exited");
        true
    }

    /// AWS takes the capacity of a running task back: its containers get the stop signal. Answers
    /// whether there was such a task.
    ///
    /// Source: ECS developer guide, "Stopped task error codes" (`SpotInterruption`); Fargate Spot
    /// ("Your Spot Task was interrupted.").
    pub fn interrupt_task(&mut self, env: &mut Env<'_>, id: &str) -> bool {
        let found = self.tasks.get(id).is_some_and(|task| task.status == Status::Running && task.wanted);
        if found {
            self.stop_task(env, id, "SpotInterruption", "Your Spot Task was interrupted.");
        }
        found
    }

    /// Puts a member of a service, such as `launchType`, where no call can put it, or takes it
    /// away; ECS starts nothing for it. Answers whether there was such a service.
    pub fn alter_service(
        &mut self,
        cluster: &str,
        name: &str,
        member: &str,
        value: Option<serde_json::Value>,
    ) -> bool {
        let Some(service) = self.service_mut(&super::services::key_of(cluster, name)) else { return false };
        match value {
            Some(value) => service.spec.insert(member.to_owned(), value),
            None => service.spec.remove(member),
        };
        true
    }

    /// Makes the function of AWS_LAMBDA lifecycle hooks fail from now on, or succeed again.
    pub fn fail_hook(&mut self, function_arn: &str, fails: bool) {
        if fails {
            self.failing_hooks.insert(function_arn.to_owned());
        } else {
            self.failing_hooks.remove(function_arn);
        }
    }

    /// Gives a cluster more EC2 instances.
    pub fn add_container_instances(&mut self, env: &mut Env<'_>, cluster: &str, count: usize) {
        self.add_instances(env, cluster, count);
        let keys: Vec<String> = self
            .services
            .values()
            .filter(|each| each.cluster == cluster)
            .map(|each| each.key.clone())
            .collect();
        for key in keys {
            self.service_changed(&key, after(env.ctx.now, 1.0));
        }
    }
}
