//! `Application`: the generic kind that everything lowers to.

use super::alarm::MetricAlarm;
use super::load_balancing::{Listener, Rule, TargetGroup};
use super::service::Service;
use super::task_definition::TaskDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A set of ECS components and what surrounds them, in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplicationSpec {
    /// Where it runs.
    pub placement: Placement,
    /// What to do about differences that are found in AWS.
    #[serde(default, skip_serializing_if = "DriftSpec::is_default")]
    pub drift: DriftSpec,
    /// Stops all writes for this deployment while it is set and not expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<Suspend>,
    /// What happens to services, rules, target groups and alarms when this document is removed.
    /// Revisions of task definitions stay registered.
    #[serde(default, skip_serializing_if = "DeletionPolicy::is_retain")]
    pub deletion_policy: DeletionPolicy,
    /// Take over resources of these names that Evenkeel did not create; without it they are left
    /// alone and reported. What carries another deployment's tag is never taken over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// Tags put on everything of this deployment, next to Evenkeel's own. One that is taken out
    /// again is taken off where it was put; tags of others stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// CloudWatch log groups by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub log_groups: BTreeMap<String, LogGroup>,
    /// Target groups by a key that services and rules refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// Listeners that Evenkeel keeps on existing load balancers, by a key that rules refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<String, Listener>,
    /// Listener rules by a key of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Rule>,
    /// CloudWatch metric alarms by a key that services refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alarms: BTreeMap<String, MetricAlarm>,
    /// What runs, by component name.
    pub components: BTreeMap<String, Component>,
}

/// Where a deployment runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// Name or ARN of an existing ECS cluster.
    pub cluster: String,
    /// Role to assume for every call, for deployments in other accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}

/// What to do about a difference between declared and observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftPolicy {
    /// Write the declared value back.
    #[default]
    Repair,
    /// Say so in status and events, and write nothing.
    Report,
    /// Say and write nothing.
    Ignore,
}

/// The drift policy of a deployment, with exceptions by field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftSpec {
    /// For every field that is not named below.
    #[serde(default)]
    pub policy: DriftPolicy,
    /// By field path as `ctl plan` prints it, such as `service/web.desiredCount`; `*` stands for
    /// any one segment and a path covers everything below it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, DriftPolicy>,
}

impl DriftSpec {
    /// The policy for a field path as `ctl plan` prints it (`service/web.desiredCount`): the
    /// longest entry that covers the path decides, else the policy of the whole deployment. An
    /// entry covers a path when its segments (split at `.`, `*` for any one) are a prefix of the
    /// path's.
    pub fn policy_for(&self, path: &str) -> DriftPolicy {
        let segments: Vec<&str> = path.split('.').collect();
        self.fields
            .iter()
            .filter_map(|(pattern, policy)| {
                let wanted: Vec<&str> = pattern.split('.').collect();
                let covers = wanted.len() <= segments.len()
                    && wanted.iter().zip(&segments).all(|(want, have)| *want == "*" || want == have);
                covers.then_some((wanted.len(), *policy))
            })
            .max_by_key(|(length, _)| *length)
            .map_or(self.policy, |(_, policy)| policy)
    }

    /// Whether everything is repaired, as it is when nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A pause with an owner, a reason and an end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suspend {
    /// Who asked for it.
    pub by: String,
    /// Why writes are held back, for status and events.
    pub reason: String,
    /// When it ends by itself, as RFC 3339 (`2026-12-01T08:00:00Z`).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: jiff::Timestamp,
}

/// What happens to a resource when its declaration goes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It stays and is reported as orphaned.
    #[default]
    Retain,
    /// It is deleted; for data (log groups) only after `ctl delete --confirm`.
    Delete,
}

impl DeletionPolicy {
    /// Whether this is the default.
    pub fn is_retain(&self) -> bool {
        *self == Self::Retain
    }
}

/// A CloudWatch log group. Source: CloudWatch Logs API, CreateLogGroup and PutRetentionPolicy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogGroup {
    /// Days that events are kept; one of the values that AWS allows. Unset keeps them for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<i32>,
    /// KMS key that encrypts new events; set at creation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Log groups are data: `Delete` needs a confirmation as well.
    #[serde(default, skip_serializing_if = "DeletionPolicy::is_retain")]
    pub deletion_policy: DeletionPolicy,
}

/// One thing that runs: a task definition and exactly one of `service`, `task` or `singleton`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// Components that must be complete (task exited 0, service rolled out and healthy) before this
    /// one is touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The ECS task definition, as in RegisterTaskDefinition.
    pub task_definition: TaskDefinition,
    /// A long-running service, as in CreateService.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// A task that runs to completion once for each change of its image or configuration; one that
    /// goes back to an earlier image runs that one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskWorkload>,
    /// A service of which never two tasks run at a time: recreated, never rolled (minimum 0 %,
    /// maximum 100 %).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub singleton: Option<Service>,
}

/// How a run-to-completion task is run. Source: ECS API, RunTask.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskWorkload {
    /// `FARGATE` (default), `EC2` or `EXTERNAL`; not together with `capacityProviderStrategy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// Which capacity providers run it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<super::service::CapacityProviderStrategyItem>,
    /// Fargate platform version; unset means LATEST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Subnets and security groups; required with network mode `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<super::service::NetworkConfiguration>,
    /// Seconds from RunTask until the task is stopped and counted as failed. Default 3600. Another
    /// number moves the end of a run that is under way, and a larger one is another try for a run
    /// that had too little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u32>,
    /// How often a failed task is tried again for the same image and configuration before the
    /// rollout stalls. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// `Completion` (the default): the task is judged by its exit code and dependents wait for it.
    /// `Forever`: a task outside any service that keeps running; complete while it runs, started
    /// again when it is gone.
    #[serde(default, skip_serializing_if = "RunPolicy::is_completion")]
    pub run: RunPolicy,
    /// Whether ECS Exec works in the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
}

/// When a task outside any service counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RunPolicy {
    /// Done when it exits 0.
    #[default]
    Completion,
    /// Never done: complete while it runs.
    Forever,
}

impl RunPolicy {
    /// Whether this is the default.
    pub fn is_completion(&self) -> bool {
        *self == Self::Completion
    }
}
