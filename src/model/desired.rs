//! What should be: a document lowered, all defaults filled, every resource a tree of fields.

use super::handover::{Handover, Runs, repository};
use super::ids::{ComponentName, ContentHash, DeploymentName, Generation};
use super::kinds::application::RunPolicy;
use super::kinds::{DeletionPolicy, DriftSpec, Placement, Suspend};
use super::plan::WaitingOn;
use super::resource::{ResourceId, Tree};
use super::service_deployment::{PauseAnswer, shifts_traffic};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that one document asks for, before anything of AWS is known.
///
/// **Guarantees**: every field with a fixed AWS default is present, so a document that spells a
/// default out and one that leaves it out give the same state; what is absent is delegated or
/// observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredState {
    /// The deployment.
    pub deployment: DeploymentName,
    /// The document's kind, such as `PulumiService`.
    pub kind: String,
    /// Counts the changes of the document's spec.
    pub generation: Generation,
    /// Where it runs.
    pub placement: Placement,
    /// What to do about drift.
    pub drift: DriftSpec,
    /// A pause, when one is declared.
    pub suspend: Option<Suspend>,
    /// What happens when the document goes away.
    pub deletion_policy: DeletionPolicy,
    /// Whether resources that Evenkeel did not create may be taken over.
    pub adopt: bool,
    /// What people answered to paused deployments, by component; never declared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<ComponentName, PauseAnswer>,
    /// Documents of the store, and those that left what they had, whose tag may be on what a person
    /// asked to take over: none of them declares what this one does. Never declared itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub adopts_from: BTreeSet<DeploymentName>,
    /// What other documents of the store declare alike, which all of them may: who made it has its
    /// tag on it, and serves the others, too. Never declared itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<ResourceId, Arc<BTreeSet<DeploymentName>>>,
    /// What goes over from and to other documents of the store. Never declared itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub handover: Handover,
    /// Value of the retry annotation; a new value lifts the memory of failures.
    pub retry: Option<String>,
    /// Tags for everything: `spec.tags` and the owner tag.
    pub tags: BTreeMap<String, String>,
    /// Log groups, target groups, listeners and rules.
    pub resources: BTreeMap<ResourceId, DesiredResource>,
    /// What runs.
    pub components: BTreeMap<ComponentName, DesiredComponent>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A log group, target group, listener or rule.
///
/// Trees, by kind:
/// - log group: `logGroupName`, `retentionInDays` (absent: for ever), `kmsKeyId`;
/// - target group: `name` and the fields of [`super::kinds::load_balancing::TargetGroup`],
///   `attributes` as a map;
/// - listener: `loadBalancer` (name or ARN), `port`, `protocol`, `sslPolicy`, `certificates`,
///   `alpnPolicy`, `defaultActions`;
/// - rule: `listener` (key) or `listenerArn`, `priority`, `conditions`, `actions`.
///
/// Actions have one form: `{"type":"forward","targetGroups":[{"targetGroup": key |
/// "targetGroupArn": arn, "weight": n}], "stickinessSeconds"?: n}`, or `redirectConfig`, or
/// `fixedResponseConfig`. Conditions: values sorted, conditions sorted by field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredResource {
    /// Fields, with references still by key.
    pub fields: Tree,
    /// What happens when it is no longer declared.
    pub deletion_policy: DeletionPolicy,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredComponent {
    /// Name of the component in its document.
    pub name: ComponentName,
    /// Components that must be complete first.
    pub depends_on: BTreeSet<ComponentName>,
    /// Family of its task definitions.
    pub family: String,
    /// The task definition in RegisterTaskDefinition's form without `family`, defaults normalised
    /// away, secrets still as written.
    pub task_definition: Tree,
    /// The secrets that it reads, `valueFrom` as written.
    pub secrets: BTreeSet<SecretUse>,
    /// How it runs.
    pub workload: Workload,
}

/// One use of a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretUse {
    /// Name or ARN of the secret in Secrets Manager, without key, stage and version. Parameter
    /// Store references do not appear here.
    pub secret_id: String,
    /// Whether a new version rolls the component.
    pub restarts: bool,
}

/// How a component runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Workload {
    /// A long-running service, or a singleton (whose `deploymentConfiguration` is 0/100).
    Service {
        /// Name in ECS.
        service_name: String,
        /// CreateService fields without `cluster`, `serviceName`, `taskDefinition`, `tags` and
        /// `clientToken`, defaults filled; `desiredCount` only when it is declared and not
        /// delegated; `loadBalancers[].targetGroup` still a key.
        fields: Tree,
        /// Desired count to create it with when the count is delegated.
        initial_count: u32,
        /// Most tasks that it may have, whoever counts them: one, as a singleton.
        #[serde(default)]
        most: Option<u32>,
        /// Seconds that new tasks must stay healthy before the rollout is complete.
        bake_seconds: u32,
        /// Seconds without progress until the rollout is stalled.
        progress_deadline_seconds: u32,
    },
    /// A task outside any service.
    Task {
        /// RunTask fields without `cluster`, `taskDefinition`, `tags`, `clientToken`, `startedBy`,
        /// `group`, `count`.
        fields: Tree,
        /// Seconds from RunTask to the result.
        deadline_seconds: u32,
        /// Further attempts after a failure.
        retries: u32,
        /// When it counts as done.
        run: RunPolicy,
    },
}

impl DesiredComponent {
    /// Where the service registers its tasks, by entry of `loadBalancers`: the target group and,
    /// where ECS shifts traffic, its alternate, either of which may be the active one. Keys of the
    /// document's own groups, ARNs of others. Empty for a task.
    pub fn target_groups(&self) -> impl Iterator<Item = Vec<&str>> {
        let balancers = match &self.workload {
            Workload::Service { fields, .. } => fields["loadBalancers"].as_array(),
            Workload::Task { .. } => None,
        };
        balancers.into_iter().flatten().map(|balancer| {
            let group = balancer["targetGroup"].as_str().or_else(|| balancer["targetGroupArn"].as_str());
            let alternate = balancer["advancedConfiguration"]["alternateTargetGroupArn"].as_str();
            group.into_iter().chain(alternate).collect()
        })
    }

    /// How it runs, as far as it tells whether it is another component by another name.
    pub fn runs(&self) -> Runs {
        let containers = self.task_definition["containerDefinitions"].as_array();
        let program = |container: &Tree| {
            let image = repository(container["image"].as_str()?);
            Some(format!("{image} {} {}", container["entryPoint"], container["command"]))
        };
        Runs {
            alone: self.workload.runs_alone(),
            ends: matches!(self.workload, Workload::Task { run: RunPolicy::Completion, .. }),
            programs: containers.into_iter().flatten().filter_map(program).collect(),
        }
    }

    /// Whether ECS shifts the traffic of the service from one target group to another by itself.
    ///
    /// Source: ECS API, DeploymentConfiguration.strategy.
    pub fn is_traffic_shifted(&self) -> bool {
        let Workload::Service { fields, .. } = &self.workload else { return false };
        shifts_traffic(fields)
    }

    /// The rules whose weights ECS writes in its deployments, by key or ARN: none where it shifts
    /// no traffic.
    pub fn shifting_rules(&self) -> Vec<&str> {
        let Workload::Service { fields, .. } = &self.workload else { return Vec::new() };
        let balancers = fields["loadBalancers"].as_array().into_iter().flatten();
        let balancers = balancers.filter(|_| self.is_traffic_shifted());
        let rules = balancers.flat_map(|balancer| {
            let advanced = &balancer["advancedConfiguration"];
            [advanced["productionListenerRule"].as_str(), advanced["testListenerRule"].as_str()]
        });
        rules.flatten().collect()
    }
}

impl Workload {
    /// Whether a rollout stops what runs before it starts its successor: a minimum of 0 % with a
    /// maximum of 100 %, as singletons and daemons have it.
    pub fn recreates(&self) -> bool {
        let Self::Service { fields, .. } = self else { return false };
        let configuration = &fields["deploymentConfiguration"];
        configuration["minimumHealthyPercent"] == 0 && configuration["maximumPercent"] == 100
    }

    /// Whether no second one may run beside it.
    pub fn runs_alone(&self) -> bool {
        match self {
            Self::Service { .. } => self.recreates(),
            Self::Task { run, .. } => *run == RunPolicy::Forever,
        }
    }
}

/// The desired state with every reference that this pass could see resolved: keys to ARNs, secret
/// names to full ARNs, contents to hashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedState {
    /// Log groups, target groups, listeners and rules.
    pub resources: BTreeMap<ResourceId, ResolvedResource>,
    /// Components.
    pub components: BTreeMap<ComponentName, ResolvedComponent>,
    /// Tags that everything is declared to have.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A resource with its references resolved, or what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedResource {
    /// Fields as AWS takes them: `targetGroupArn`, `listenerArn`, `loadBalancerArn` in place of
    /// keys. `None` while waiting.
    pub fields: Option<Tree>,
    /// What must be seen first.
    pub waiting: Vec<WaitingOn>,
    /// Hash of the desired fields before resolution; distinguishes a changed declaration from
    /// drift.
    pub declared: ContentHash,
}

/// A component with its references resolved, or what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedComponent {
    /// The exact content to register. `None` while a secret is not resolved.
    pub definition: Option<ResolvedDefinition>,
    /// Service or RunTask fields with target group ARNs. `None` while waiting.
    pub fields: Option<Tree>,
    /// What must be seen first.
    pub waiting: Vec<WaitingOn>,
    /// Hash of the desired service or task fields before resolution; distinguishes a changed
    /// declaration from drift.
    pub declared: ContentHash,
}

/// The content of a task definition revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedDefinition {
    /// Family that the revision is registered in.
    pub family: String,
    /// RegisterTaskDefinition fields without `tags`, normalised, secrets as full ARNs.
    pub fields: Tree,
    /// Hash of the fields and of the versions of all secrets that restart the component.
    pub hash: ContentHash,
}
