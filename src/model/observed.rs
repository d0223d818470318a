//! What was seen in AWS, when, and what could not be seen.

use super::ids::ComponentName;
use super::resource::{Part, ResourceId, ResourceKind, Tree};
pub use super::seen::{Gap, Seen};
use super::service_deployment::{ObservedStage, shifts_traffic};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far something is that is there. Presence is not readiness: a database that is being made
/// is present, and nothing can use it yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Readiness {
    /// It can be used.
    #[default]
    Ready,
    /// AWS is at work on it; it becomes ready by itself.
    Changing {
        /// What AWS is doing, such as `provisioning`.
        what: String,
    },
    /// It does not become ready without a person.
    Failed {
        /// Why, in AWS's words.
        why: String,
    },
}

/// How much a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Depth {
    /// Services only: 0.1 calls per service.
    Light,
    /// Everything that the deployment declares.
    Full,
}

/// Everything seen of one deployment in one pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedState {
    /// When reading began.
    pub at: Timestamp,
    /// How much was read.
    pub depth: Depth,
    /// The cluster.
    pub cluster: Seen<ObservedCluster>,
    /// Log groups, target groups, listeners and rules by id; a rule or listener is found by
    /// listener and priority, or load balancer and port. Also those that are recorded under a key
    /// that is no longer declared.
    pub resources: BTreeMap<ResourceId, Seen<ObservedResource>>,
    /// Recorded log groups, target groups, listeners and rules of which the key stands for another
    /// one now (a target group of another name, a rule of another priority), by ARN.
    #[serde(default)]
    pub leftovers: BTreeMap<String, (ResourceKind, Seen<ObservedResource>)>,
    /// Load balancers by name or ARN as declared; their ARN in [`ObservedResource::arn`].
    pub load_balancers: BTreeMap<String, Seen<ObservedResource>>,
    /// Services by component, also those of components that are no longer declared.
    pub services: BTreeMap<ComponentName, Seen<ObservedService>>,
    /// Recorded services of which the component now has a service of another name, or none, by ARN.
    #[serde(default)]
    pub leftover_services: BTreeMap<String, Seen<ObservedService>>,
    /// Task definition revisions by full ARN: those that the rollout state names, and those found
    /// by tag when it names none.
    pub definitions: BTreeMap<String, Seen<ObservedDefinition>>,
    /// Revisions of a component's family, newest first, ACTIVE only; read in full passes when the
    /// rollout needs them.
    pub families: BTreeMap<ComponentName, Seen<Vec<String>>>,
    /// Tasks by component: of a task component those started by Evenkeel (running and lately
    /// stopped); of a service its current tasks and lately stopped ones, read in full passes.
    pub tasks: BTreeMap<ComponentName, Seen<Vec<ObservedTask>>>,
    /// Tasks that were started of components that are services by now, and those of a task for ever
    /// that were left behind in another cluster; only those of Evenkeel.
    #[serde(default)]
    pub former_tasks: BTreeMap<ComponentName, Seen<Vec<ObservedTask>>>,
    /// Tasks that are still on their way to STOPPED, of services that count none and are not
    /// declared any more but may not run beside what is declared, or that are declared, may not run
    /// twice and are about to be scaled up from nothing. ECS counts a task that is STOPPING
    /// nowhere.
    #[serde(default)]
    pub stopping_tasks: BTreeMap<ResourceId, Seen<Vec<ObservedTask>>>,
    /// What runs of other documents and is waited for, by ARN; absent once it has stopped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub formers: BTreeMap<String, Seen<ObservedFormer>>,
    /// Services of other documents that have shifted traffic by rules which come over from there,
    /// by ARN; absent once no deployment of it is under way.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shifting: BTreeMap<String, Seen<ObservedFormer>>,
    /// Targets by key of the target group, read in full passes, before `tasks` are.
    pub targets: BTreeMap<String, Seen<Vec<ObservedTarget>>>,
    /// Secrets by id as declared.
    pub secrets: BTreeMap<String, Seen<ObservedSecret>>,
    /// Service deployments by component, newest first; read while a rollout is not clear from the
    /// service alone.
    pub service_deployments: BTreeMap<ComponentName, Seen<Vec<ObservedServiceDeployment>>>,
    /// How far ECS is with the service's deployment, by component; read while one is under way that
    /// ECS takes through stages.
    #[serde(default)]
    pub stages: BTreeMap<ComponentName, Seen<ObservedStage>>,
    /// ARNs of the target groups that the tasks of a service are in, by component: those of its
    /// service revision. Read where a load balancer of the service has an alternate group and all
    /// tasks are of one revision; absent where ECS does not say.
    #[serde(default)]
    pub serving_groups: BTreeMap<ComponentName, Seen<BTreeSet<String>>>,
    /// Everything that could not be seen, each once.
    pub gaps: Vec<Gap>,
}

/// Something of another document that has tasks or wants some, or moves traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedFormer {
    /// Name of the service, or ARN of the task.
    pub name: String,
    /// How many of its tasks run, or how far the last one is.
    pub because: String,
}

/// By what something that was seen is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'o> {
    /// Full ARN of the resource.
    pub arn: &'o str,
    /// Tags of the resource, by key.
    pub tags: &'o BTreeMap<String, String>,
    /// How far it is.
    pub readiness: &'o Readiness,
}

impl ObservedState {
    /// A state in which nothing was read.
    pub fn unread(at: Timestamp, depth: Depth) -> Self {
        Self {
            at,
            depth,
            cluster: Seen::NotRead,
            resources: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            services: BTreeMap::new(),
            leftover_services: BTreeMap::new(),
            definitions: BTreeMap::new(),
            families: BTreeMap::new(),
            tasks: BTreeMap::new(),
            former_tasks: BTreeMap::new(),
            stopping_tasks: BTreeMap::new(),
            formers: BTreeMap::new(),
            shifting: BTreeMap::new(),
            targets: BTreeMap::new(),
            secrets: BTreeMap::new(),
            service_deployments: BTreeMap::new(),
            stages: BTreeMap::new(),
            serving_groups: BTreeMap::new(),
            gaps: Vec::new(),
        }
    }

    /// Key of the managed target group with this ARN.
    pub fn target_group_key(&self, arn: &str) -> Option<&str> {
        let mut groups = self.resources.iter().filter(|(id, _)| id.kind == ResourceKind::TargetGroup);
        let group = groups.find(|(_, seen)| seen.present().is_some_and(|group| group.arn == arn));
        group.map(|(id, _)| id.key.as_str())
    }

    /// What was seen of a log group, target group, listener, rule or service, declared or left
    /// over. Revisions and tasks are many to a component: of them nothing is said here.
    pub fn seen(&self, id: &ResourceId) -> Seen<Identity<'_>> {
        match id.kind.part() {
            Part::Resource => self.resource(id).as_ref().map(|resource| Identity {
                arn: &resource.arn,
                tags: &resource.tags,
                readiness: &resource.readiness,
            }),
            // What a service lacks is reported by its rollout.
            Part::Service => self.service(id).as_ref().map(|service| Identity {
                arn: &service.arn,
                tags: &service.tags,
                readiness: &Readiness::Ready,
            }),
            Part::TaskDefinition | Part::Task => Seen::NotRead,
        }
    }

    /// A log group, target group, listener or rule, declared or left over.
    pub fn resource(&self, id: &ResourceId) -> &Seen<ObservedResource> {
        let left_over =
            || self.leftovers.get(&id.key).filter(|(kind, _)| *kind == id.kind).map(|(_, seen)| seen);
        self.resources.get(id).or_else(left_over).unwrap_or(&Seen::NotRead)
    }

    /// A service, declared or left over.
    pub fn service(&self, id: &ResourceId) -> &Seen<ObservedService> {
        let left_over = || self.leftover_services.get(&id.key);
        self.services.get(id.key.as_str()).or_else(left_over).unwrap_or(&Seen::NotRead)
    }

    /// All log groups, target groups, listeners and rules that were read: what is declared or
    /// recorded by its key, and what is left over.
    pub fn all_resources(&self) -> impl Iterator<Item = (ResourceId, &Seen<ObservedResource>)> {
        let left_over = self.leftovers.iter();
        let left_over = left_over.map(|(arn, (kind, seen))| (ResourceId::left_over(*kind, arn), seen));
        self.resources.iter().map(|(id, seen)| (id.clone(), seen)).chain(left_over)
    }

    /// All services that were read, in the same way.
    pub fn all_services(&self) -> impl Iterator<Item = (ResourceId, &Seen<ObservedService>)> {
        let service = |name: &ComponentName| ResourceId::new(ResourceKind::Service, name.as_str());
        let left_over = self.leftover_services.iter();
        let left_over =
            left_over.map(|(arn, seen)| (ResourceId::left_over(ResourceKind::Service, arn), seen));
        self.services.iter().map(move |(name, seen)| (service(name), seen)).chain(left_over)
    }
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedCluster {
    /// Full ARN of the cluster.
    pub arn: String,
    /// `ACTIVE` or another state.
    pub status: String,
    /// Names of its capacity providers.
    pub capacity_providers: Vec<String>,
}

/// A log group, target group, listener, rule or load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedResource {
    /// Full ARN of the resource.
    pub arn: String,
    /// Fields in the same form as the resolved desired tree.
    pub fields: Tree,
    /// Tags of the resource, by key.
    pub tags: BTreeMap<String, String>,
    /// How far it is.
    #[serde(default)]
    pub readiness: Readiness,
    /// Of a target group: load balancers that forward to it. Empty otherwise.
    #[serde(default)]
    pub used_by: Vec<String>,
    /// What is not of this deployment and uses it, in words: of a listener that is to go the rules
    /// on it, of a target group that is to go what forwards to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<String>,
}

impl ObservedResource {
    /// Something that was found, without tags and users, and ready.
    pub fn new(arn: impl Into<String>, fields: Tree) -> Self {
        let (tags, readiness, used_by, guests) = Default::default();
        Self { arn: arn.into(), fields, tags, readiness, used_by, guests }
    }
}

/// A service. Source: ECS API, Service.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedService {
    /// Full ARN of the service.
    pub arn: String,
    /// Name of the service.
    pub name: String,
    /// `ACTIVE` or `DRAINING`; INACTIVE ones are reported as absent.
    pub status: String,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// All settings that CreateService takes, in its form, from the service or, for what
    /// DescribeServices leaves out, its deployments. Includes `desiredCount`.
    pub fields: Tree,
    /// Full ARN of the revision that the service points at.
    pub task_definition: String,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks running.
    pub running: u32,
    /// Tasks starting.
    pub pending: u32,
    /// Deployments, PRIMARY first.
    pub deployments: Vec<ObservedDeployment>,
    /// The newest events, newest first.
    pub events: Vec<ServiceEvent>,
    /// Tags of the service, by key.
    pub tags: BTreeMap<String, String>,
    /// Who rolls it out, when ECS does not: `CODE_DEPLOY`, `EXTERNAL`, or an Express service of
    /// ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// Full ARN of the service deployment that is under way, or was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_deployment: Option<String>,
    /// Full ARN of the service revision that all of its tasks are of; none while there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl ObservedService {
    /// Why Evenkeel cannot roll it out, in words: another controller does.
    ///
    /// Source: ECS API, DeploymentController and Service.resourceManagementType; UpdateService
    /// refuses what starts a deployment for the other types.
    pub fn deployed_by_another(&self) -> Option<String> {
        let controller = self.controller.as_deref()?;
        Some(format!(
            "service `{}` is deployed by {controller}, which Evenkeel does not fight; declare another `serviceName`, or make its \
             deployment controller ECS",
            self.name
        ))
    }

    /// Whether ECS has given up the deployment that the service is at, and began it before this
    /// time.
    pub fn gave_up_before(&self, time: Timestamp) -> bool {
        self.primary().is_some_and(|primary| {
            primary.rollout_state.as_deref() == Some("FAILED")
                && primary.created_at.is_some_and(|at| at < time)
        })
    }

    /// Whether ECS has given up the deployment that the service is at and brings about no other
    /// one: it failed, began more than [`Self::GIVEN_UP_AFTER`] ago, and ECS shows no rollback.
    pub fn is_given_up(&self, now: Timestamp) -> bool {
        self.deployments.len() == 1 && self.gave_up_before(now - Self::GIVEN_UP_AFTER)
    }

    /// ECS begins the rollback of a failed deployment at once; this much later nothing comes any
    /// more.
    const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_mins(5);

    /// Whether ECS takes a deployment of it through stages at present: its traffic is shifted, or
    /// hooks are declared that may hold it.
    ///
    /// Source: ECS API, DeploymentConfiguration (`strategy`, `lifecycleHooks`).
    pub fn is_in_stages(&self) -> bool {
        let hooks = self.fields["deploymentConfiguration"]["lifecycleHooks"].as_array();
        let staged = shifts_traffic(&self.fields) || hooks.is_some_and(|hooks| !hooks.is_empty());
        staged
            && self.primary().is_some_and(|primary| primary.rollout_state.as_deref() == Some("IN_PROGRESS"))
    }

    /// The deployment that ECS is bringing about.
    pub fn primary(&self) -> Option<&ObservedDeployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    /// Whether ECS is done: the primary deployment is COMPLETED (or of a controller that reports no
    /// state), no other one has tasks, counts are equal.
    pub fn is_steady(&self) -> bool {
        self.running == self.desired
            && self.pending == 0
            && self.with_tasks().all(|deployment| deployment.status == "PRIMARY")
            && self
                .primary()
                .is_some_and(|primary| matches!(primary.rollout_state.as_deref(), None | Some("COMPLETED")))
    }

    /// Whether a deployment is under way that it comes out of by itself. One of which nothing runs,
    /// or that failed, is not waited for.
    pub fn is_deploying(&self) -> bool {
        !self.is_steady() && self.running > 0 && !self.has_failed()
    }

    /// Whether ECS has given its deployment up.
    pub fn has_failed(&self) -> bool {
        self.primary().is_some_and(|primary| primary.rollout_state.as_deref() == Some("FAILED"))
    }

    /// The deployments that are under way: the primary one, and those that have tasks or want some.
    /// One without is as good as gone (Deployment, `status`: ACTIVE ones still have running tasks).
    pub fn with_tasks(&self) -> impl Iterator<Item = &ObservedDeployment> {
        self.deployments.iter().filter(|deployment| {
            deployment.status == "PRIMARY" || deployment.desired + deployment.running + deployment.pending > 0
        })
    }
}

/// One deployment of a service. Source: ECS API, Deployment.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedDeployment {
    /// `ecs-svc/…`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Full ARN of its revision.
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: Option<String>,
    /// Why it has that state, in ECS's words.
    pub rollout_state_reason: Option<String>,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks running.
    pub running: u32,
    /// Tasks starting.
    pub pending: u32,
    /// Tasks that failed to start or to become healthy.
    pub failed: u32,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

/// One event of a service.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEvent {
    /// Id of the event.
    pub id: String,
    /// When ECS wrote it.
    pub at: Option<Timestamp>,
    /// AWS's text.
    pub message: String,
}

/// A task definition revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedDefinition {
    /// Full ARN with revision.
    pub arn: String,
    /// `ACTIVE`, `INACTIVE` or `DELETE_IN_PROGRESS`.
    pub status: String,
    /// When it was registered.
    #[serde(default)]
    pub registered_at: Option<Timestamp>,
    /// ARN of the principal that registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_by: Option<String>,
    /// RegisterTaskDefinition fields as AWS gives them back.
    pub fields: Tree,
    /// Tags of the revision, by key.
    pub tags: BTreeMap<String, String>,
}

/// A task. Source: ECS API, Task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedTask {
    /// Full ARN of the task.
    pub arn: String,
    /// Full ARN of its revision.
    pub task_definition: String,
    /// `PROVISIONING` … `RUNNING` … `STOPPED`.
    pub last_status: String,
    /// Who started it.
    pub started_by: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it was told to stop, or an essential container had ended.
    #[serde(default)]
    pub stopping_at: Option<Timestamp>,
    /// When the last of its containers had ended.
    #[serde(default)]
    pub execution_stopped_at: Option<Timestamp>,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// Why, as a code such as `EssentialContainerExited` or `TaskFailedToStart`.
    pub stop_code: Option<String>,
    /// Why, as a text.
    pub stopped_reason: Option<String>,
    /// Containers: name, exit code (absent when it never started) and reason.
    pub containers: Vec<ObservedContainer>,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub health: Option<String>,
    /// Private addresses of its network interface.
    pub addresses: Vec<String>,
}

impl ObservedTask {
    /// Whether it has come to its end.
    pub fn is_stopped(&self) -> bool {
        self.last_status == "STOPPED"
    }
}

/// A container of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedContainer {
    /// Name of the container.
    pub name: String,
    /// Absent when it never started or still runs.
    pub exit_code: Option<i32>,
    /// Why it did not start or was stopped.
    pub reason: Option<String>,
}

/// A registered target. Source: ELBv2 API, DescribeTargetHealth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedTarget {
    /// Address or instance id.
    pub id: String,
    /// Port.
    pub port: u16,
    /// `initial`, `healthy`, `unhealthy`, `unhealthy.draining`, `unused`, `draining`,
    /// `unavailable`.
    pub state: String,
    /// AWS's reason code.
    pub reason: Option<String>,
    /// AWS's description.
    pub description: Option<String>,
}

impl ObservedTarget {
    /// Whether it is on its way out and gets no new requests. Source: ELBv2 API,
    /// TargetHealth.State.
    pub fn is_draining(&self) -> bool {
        matches!(self.state.as_str(), "draining" | "unhealthy.draining")
    }
}

/// A secret, never its value. Source: Secrets Manager API, DescribeSecret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedSecret {
    /// Full ARN with the random suffix.
    pub arn: String,
    /// Version that AWSCURRENT points at.
    pub version: Option<String>,
    /// Whether it is scheduled for deletion.
    pub deleted: bool,
}

/// A service deployment. Source: ECS API, ServiceDeployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedServiceDeployment {
    /// Full ARN of the service deployment.
    pub arn: String,
    /// `PENDING`, `IN_PROGRESS`, `SUCCESSFUL`, `STOPPED`, `STOP_REQUESTED`, `ROLLBACK_REQUESTED`,
    /// `ROLLBACK_IN_PROGRESS`, `ROLLBACK_SUCCESSFUL`, `ROLLBACK_FAILED`.
    pub status: String,
    /// Why it has that status, in ECS's words.
    pub reason: Option<String>,
    /// Revision ARN of the target service revision's task definition, when it was read.
    pub task_definition: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}
