//! Amazon ECS: clusters, task definitions, services, deployments and tasks of one account and
//! region.
//!
//! Calls come in through [`Ecs::handle`]; what happens by itself (tasks that start, services that
//! roll, deployments that fail) is planned in a queue of events and executed by [`Ecs::advance`],
//! in order of time.
//!
//! Reading order: `service` and `task` say what there is, `scheduler` moves services, `rollout`,
//! `shifting` (its state: `shift`) and `deployment_alarms` evaluate deployments, `lifecycle` moves
//! tasks; `services`, `tasks`, `definitions`, `clusters`, `deployments` and `tagging` answer the
//! calls.
//!
//! Not simulated: the EXTERNAL and CODE_DEPLOY deployment controllers (refused).

mod clusters;
mod container_checks;
mod definition;
mod definition_checks;
mod definitions;
mod deployment_alarms;
mod deployments;
mod errors;
mod fargate_checks;
mod forms;
mod hidden_checks;
mod hooks;
mod input;
mod instance;
mod launch;
mod lifecycle;
mod port_checks;
mod queue;
mod reach;
mod rollout;
mod scheduler;
mod service;
mod service_checks;
mod services;
mod settings;
mod shapes;
mod shift;
mod shifting;
mod strategies;
mod tagging;
mod task;
mod tasks;
mod views;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use self::reach::Behind;
pub use self::views::{DefinitionView, ServiceView, TaskView};
use self::{
    clusters::{Cluster, Provider},
    definitions::Family,
    queue::Event,
    service::Service,
    task::Task,
};
use crate::{
    behaviour::Behaviours, cloudwatch::Cloudwatch, ctx::Ctx, elbv2::Elbv2, error::ApiError, logs::Logs,
    secrets::Secrets,
};

/// What ECS may know and touch outside of itself.
#[derive(Debug)]
pub struct Env<'a> {
    /// Time, place and chance.
    pub ctx: Ctx<'a>,
    /// Where tasks are registered as targets.
    pub elbv2: &'a mut Elbv2,
    /// Where tasks get their secrets.
    pub secrets: &'a Secrets,
    /// Where tasks write their logs.
    pub logs: &'a mut Logs,
    /// Where the alarms are that deployments are given up for.
    pub cloudwatch: &'a mut Cloudwatch,
    /// How containers behave.
    pub behaviours: &'a mut Behaviours,
}

impl Env<'_> {
    /// Who calls, for `registeredBy` and `createdBy`: the user that STS names, too.
    fn principal(&self) -> String {
        format!("arn:{}:iam::{}:user/simulated", crate::ctx::partition(self.ctx.region), self.ctx.account)
    }
}

/// An answer: a value still to be written, or text that is ready.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A JSON value.
    Json(Value),
    /// JSON text.
    Text(String),
}

/// ECS in one account and region.
#[derive(Debug, Clone, Default)]
pub struct Ecs {
    clusters: BTreeMap<String, Cluster>,
    providers: BTreeMap<String, Provider>,
    families: BTreeMap<String, Family>,
    /// By `cluster/name`.
    services: BTreeMap<String, Service>,
    /// By id.
    tasks: BTreeMap<String, Task>,
    run_tokens: BTreeMap<String, tasks::Token>,
    queue: queue::Queue,
    /// Functions of lifecycle hooks that fail.
    failing_hooks: std::collections::BTreeSet<String>,
    /// How many IP addresses were given out.
    addresses: u32,
}

impl Ecs {
    /// Answers a call.
    ///
    /// # Errors
    /// What AWS answers; see the modules of the operations.
    pub fn handle(
        &mut self,
        env: &mut Env<'_>,
        operation: &str,
        mut input: Value,
    ) -> Result<Answer, ApiError> {
        shapes::admit(operation, &mut input)?;
        let input = &input;
        let answer = match operation {
            "DescribeServices" => return self.describe_services(env, input),
            "CreateCapacityProvider" => self.create_capacity_provider(env, input),
            "DescribeCapacityProviders" => self.describe_capacity_providers(env, input),
            "DeleteCapacityProvider" => self.delete_capacity_provider(input),
            "CreateCluster" => self.create_cluster(env, input),
            "UpdateCluster" | "UpdateClusterSettings" => self.update_cluster(input),
            "PutClusterCapacityProviders" => self.put_cluster_capacity_providers(env, input),
            "DescribeClusters" => self.describe_clusters(env, input),
            "ListClusters" => self.list_clusters(input),
            "DeleteCluster" => self.delete_cluster(input),
            "RegisterTaskDefinition" => self.register_task_definition(env, input),
            "DescribeTaskDefinition" => self.describe_task_definition(input),
            "DeregisterTaskDefinition" => self.deregister_task_definition(env, input),
            "DeleteTaskDefinitions" => self.delete_task_definitions(env, input),
            "ListTaskDefinitions" => self.list_task_definitions(input),
            "ListTaskDefinitionFamilies" => self.list_task_definition_families(input),
            "CreateService" => self.create_service(env, input),
            "UpdateService" => self.update_service(env, input),
            "DeleteService" => self.delete_service(env, input),
            "ListServices" => self.list_services(input),
            "ListServiceDeployments" => self.list_service_deployments(input),
            "DescribeServiceDeployments" => self.describe_service_deployments(input),
            "DescribeServiceRevisions" => self.describe_service_revisions(input),
            "ContinueServiceDeployment" => self.continue_service_deployment(env, input),
            "StopServiceDeployment" => self.stop_service_deployment(env, input),
            "RunTask" => self.run_task(env, input),
            "StopTask" => self.stop_task_call(env, input),
            "DescribeTasks" => self.describe_tasks(env, input),
            "ListTasks" => self.list_tasks(input),
            "TagResource" => self.tag_resource(input),
            "UntagResource" => self.untag_resource(input),
            "ListTagsForResource" => self.list_tags_for_resource(input),
            other => {
                Err(ApiError::new(400, "UnknownOperationException", format!("Unknown operation: {other}")))
            }
        };
        answer.map(Answer::Json)
    }

    /// Lets everything happen that is due at `env.ctx.now`, each thing at its own time.
    pub fn advance(&mut self, env: &mut Env<'_>) {
        let now = env.ctx.now;
        while let Some((at, event)) = self.queue.due(now) {
            env.ctx.now = at;
            match event {
                Event::Task(id, step) => self.task_step(env, &id, step),
                Event::Service(key) => self.planned_pass(env, &key),
                Event::Definition(family, revision) => self.forget_definition(env, family, revision),
            }
        }
        env.ctx.now = now;
    }

    /// When something happens next by itself.
    #[must_use]
    pub fn next_event(&self) -> Option<Timestamp> {
        self.queue.next()
    }
}
