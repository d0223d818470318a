//! What to do next, as data: every action with its reason, everything that is waited for, every
//! difference that was seen.

use super::call::{Call, Verb};
use super::ids::{ComponentName, ContentHash, DeploymentName, Generation};
use super::kinds::Placement;
use super::observed::{ObservedCluster, Readiness, Seen};
use super::resource::{ResourceId, Tree};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one pass is going to do. Immutable; the executor makes no choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[must_use = "a plan that is not carried out or shown changes nothing"]
pub struct Plan {
    /// The deployment.
    pub deployment: DeploymentName,
    /// The generation that it was made for.
    pub generation: Generation,
    /// In order; an action whose resource had a failed action before it is skipped.
    pub actions: Vec<PlannedAction>,
    /// What keeps the deployment from being done although nothing is left to do in this pass.
    pub waiting_on: Vec<Waiting>,
    /// Every difference from what was last applied, whether it is repaired or only reported.
    pub drift: Vec<Drift>,
    /// Odd or wrong things that only AWS shows (a service that is not ours, say).
    pub notes: Vec<Note>,
    /// Registered addresses that belong to no task, by key of the target group; of every group of
    /// which that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stale_targets: BTreeMap<String, BTreeSet<String>>,
}

impl Plan {
    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAction {
    /// What it is about.
    pub resource: ResourceId,
    /// What it does to it.
    pub verb: Verb,
    /// The call.
    pub call: Call,
    /// Why it is planned.
    pub reason: Reason,
    /// Differences that it removes.
    pub changes: Vec<FieldChange>,
}

impl PlannedAction {
    /// What applying it does to what runs and serves.
    pub fn impact(&self) -> Impact {
        let of_changes = self.changes.iter().map(|change| change.impact).max().unwrap_or_default();
        let made = self.call.spec().deploys && self.verb == Verb::Create;
        if made { of_changes.max(Impact::StartsDeployment) } else { of_changes }
    }
}

/// What a change does to what runs and serves, from nothing to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Impact {
    /// Nothing that runs is touched.
    #[default]
    None,
    /// ECS starts a deployment: tasks are replaced, new ones first as far as the deployment
    /// configuration allows.
    StartsDeployment,
    /// What runs is stopped before its successor is started: a service of which no second task may
    /// run beside the first.
    Restarts,
    /// It is removed and made again; what it serves is cut off in between.
    Interrupts,
}

/// Why an action is planned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Declared, and not there.
    Missing,
    /// Declared, was there before, and is gone.
    Deleted,
    /// The declaration changed.
    Changed,
    /// AWS differs from a declaration that did not change.
    Drifted,
    /// The rollout has come to this step.
    Rollout {
        /// In words: `image 1.4.1 → 1.4.2`.
        what: String,
    },
    /// Another document declared it before, and this one gets it as it stands.
    TakenOver {
        /// Name of that document.
        from: DeploymentName,
    },
    /// No longer declared.
    Undeclared,
    /// An older revision beyond the number that is kept.
    Superseded,
    /// A task ran past its deadline.
    Deadline,
    /// A target belongs to no task of the service.
    #[serde(alias = "orphaned")]
    StaleTarget,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Deleted => f.write_str("deleted by someone"),
            Self::Changed => f.write_str("declaration changed"),
            Self::Drifted => f.write_str("drifted"),
            Self::Rollout { what } => f.write_str(what),
            Self::TakenOver { from } => write!(f, "taken over from `{from}`"),
            Self::Undeclared => f.write_str("no longer declared"),
            Self::Superseded => f.write_str("superseded"),
            Self::Deadline => f.write_str("deadline passed"),
            Self::StaleTarget => f.write_str("belongs to no task"),
        }
    }
}

/// Who owns a field: every writable field is in exactly one class, in one table in `plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ownership {
    /// Set in the spec, or a fixed AWS default: compared, repaired.
    Declared,
    /// Belongs to another controller at present: observed, never fought.
    Delegated,
    /// AWS fills it in: normalised away before comparing.
    Defaulted,
    /// Read only.
    Observed,
}

impl fmt::Display for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Declared => "declared",
            Self::Delegated => "delegated",
            Self::Defaulted => "defaulted",
            Self::Observed => "observed",
        })
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Path in the resource: `networkConfiguration.awsvpcConfiguration.subnets`,
    /// `containerDefinitions[web].image`.
    pub path: String,
    /// Observed value; null when absent.
    pub old: Tree,
    /// Desired value; null when to be removed.
    pub new: Tree,
    /// Who owns the field.
    pub owner: Ownership,
    /// What changing it does to what runs and serves.
    #[serde(default)]
    pub impact: Impact,
}

/// A difference from a declaration that had been applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The resource.
    pub resource: ResourceId,
    /// The field; `None` when the whole resource is gone.
    pub change: Option<FieldChange>,
    /// Whether this plan repairs it.
    pub repaired: bool,
}

/// Something that AWS showed and that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// The resource.
    pub resource: ResourceId,
    /// What, and what to do.
    pub message: String,
    /// Whether the deployment cannot become ready because of it.
    pub blocks: bool,
    /// When the same is tried again by itself, after repairs that did not last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
}

/// Something that must happen first, with who waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Who waits.
    pub resource: ResourceId,
    /// What it waits for.
    pub on: WaitingOn,
}

/// What can be waited for. Stuck is explained: every variant names the thing and what it lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "on", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WaitingOn {
    /// Another component is not complete.
    Component {
        /// Name of the component.
        name: ComponentName,
        /// Its phase and what holds it.
        because: String,
    },
    /// A resource is not there yet.
    Resource {
        /// Id of the resource.
        id: ResourceId,
    },
    /// Something is there and cannot be used yet.
    NotReady {
        /// Which: `load balancer front`, or a resource of this deployment.
        what: String,
        /// What AWS is doing with it, or why it failed.
        because: String,
        /// Whether it stays so until a person does something.
        failed: bool,
    },
    /// A secret does not exist, is deleted, or cannot be seen.
    Secret {
        /// As declared.
        id: String,
        /// Account and region where it was read, and AWS's answer.
        because: String,
    },
    /// The cluster does not exist or is not ACTIVE.
    Cluster {
        /// As declared.
        name: String,
        /// AWS's answer.
        because: String,
    },
    /// A load balancer does not exist.
    LoadBalancer {
        /// As declared.
        name: String,
        /// AWS's answer.
        because: String,
    },
    /// Something could not be observed; nothing is done about it until it is.
    Observation {
        /// AWS's answer.
        because: String,
    },
    /// A run-to-completion task has not ended.
    Task {
        /// Its ARN or, before it is known, its token.
        task: String,
        /// Its last status.
        status: String,
    },
    /// ECS is rolling a deployment out.
    Deployment {
        /// Its id, when known.
        id: String,
        /// `1 of 2 running`, newest event.
        because: String,
    },
    /// Traffic goes elsewhere than a paused deployment has it: the answer that was given is held.
    Traffic {
        /// Id of the deployment.
        deployment: String,
        /// Where the traffic goes, and who puts it right.
        because: String,
        /// Whether a person has to.
        by_hand: bool,
    },
    /// Targets are not healthy.
    Targets {
        /// Key of the target group.
        group: String,
        /// `1 of 2 healthy: Target.FailedHealthChecks`.
        because: String,
    },
    /// A service of that name is DRAINING.
    Draining {
        /// Name of the service.
        service: String,
    },
    /// Something is no longer declared and still in use.
    InUse {
        /// By what: `service web`.
        by: String,
    },
    /// Another document declares it by now, and has not written its own tag on it yet.
    Handover {
        /// Name of that document.
        to: DeploymentName,
    },
    /// What comes after it in another document, and may not run beside it, could not start yet.
    Successor {
        /// Name of that document.
        of: DeploymentName,
    },
    /// It holds data, and its document is gone and says `deletionPolicy: Delete`: a person confirms
    /// that.
    Confirmation {
        /// How.
        command: String,
    },
    /// Nobody declares it any more, and another document may be about to.
    Claimant {
        /// Until when, or which text may be the one.
        because: String,
        /// Whether it ends by itself.
        ends: bool,
    },
    /// What is declared is not complete: what is declared no longer is removed last.
    Declared {
        /// The first thing that is not.
        what: ResourceId,
        /// What it lacks.
        because: String,
    },
    /// What must not run beside its successor has not stopped.
    Predecessor {
        /// Which: `service shop-web`.
        what: String,
        /// How far it is.
        because: String,
    },
    /// The bake time has not passed.
    Bake {
        /// Until when.
        until: Timestamp,
    },
    /// A rotated secret is left to settle.
    Rotation {
        /// As declared.
        secret: String,
        /// Until when.
        until: Timestamp,
    },
    /// The deployment is suspended.
    Suspended {
        /// Who, why and until when.
        because: String,
        /// The components of which the answer to a paused deployment is held.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        answers: Vec<ComponentName>,
    },
    /// A revision or task failed and is not tried again.
    Failed {
        /// Content hash of what failed.
        hash: ContentHash,
        /// Why it failed, in words.
        because: String,
    },
}

impl WaitingOn {
    /// What is waited for while the cluster of a deployment cannot take services and tasks.
    pub fn cluster(placement: &Placement, seen: &Seen<ObservedCluster>) -> Option<Self> {
        let because = match seen {
            Seen::Present(cluster) if cluster.status == "ACTIVE" => return None,
            Seen::Present(cluster) => format!("it is {}", cluster.status),
            Seen::Absent => format!("there is none of that name in {}", placement.region),
            // A light pass does not read it; nothing new is begun in it.
            Seen::NotRead => "not looked at in this pass".to_owned(),
            Seen::Unknown(gap) => format!("{}: {}", gap.code, gap.message),
        };
        Some(Self::Cluster { name: placement.cluster.clone(), because })
    }
}

impl WaitingOn {
    /// What is waited for of something that is there, until it is ready.
    pub fn readiness(what: impl fmt::Display, readiness: &Readiness) -> Option<Self> {
        let (because, failed) = match readiness {
            Readiness::Ready => return None,
            Readiness::Changing { what } => (format!("it is {what}"), false),
            Readiness::Failed { why } => (format!("it failed: {why}"), true),
        };
        Some(Self::NotReady { what: what.to_string(), because, failed })
    }

    /// Whether both wait for the same thing; what keeps that thing may differ.
    pub fn is_for_the_same(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.subject() == other.subject()
    }

    /// What the wait is for. Empty where a component has one such wait at most.
    fn subject(&self) -> String {
        match self {
            Self::Component { name, because: _ } => name.to_string(),
            Self::Resource { id } => id.to_string(),
            Self::NotReady { what, because: _, failed: _ } => what.clone(),
            Self::Secret { id, because: _ } => id.clone(),
            Self::Cluster { name, because: _ } | Self::LoadBalancer { name, because: _ } => name.clone(),
            Self::Task { task, status: _ } => task.clone(),
            Self::Deployment { id, because: _ } => id.clone(),
            Self::Traffic { deployment, because: _, by_hand: _ } => deployment.clone(),
            Self::Targets { group, because: _ } => group.clone(),
            Self::Draining { service } => service.clone(),
            Self::InUse { by } => by.clone(),
            Self::Handover { to } => to.to_string(),
            Self::Successor { of } => of.to_string(),
            Self::Declared { what, because: _ } => what.to_string(),
            Self::Predecessor { what, because: _ } => what.clone(),
            Self::Rotation { secret, until: _ } => secret.clone(),
            Self::Failed { hash, because: _ } => hash.to_string(),
            Self::Confirmation { command: _ }
            | Self::Claimant { because: _, ends: _ }
            | Self::Observation { because: _ }
            | Self::Bake { until: _ }
            | Self::Suspended { because: _, answers: _ } => String::new(),
        }
    }
}

impl fmt::Display for WaitingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { name, because } => write!(f, "component {name}: {because}"),
            Self::Resource { id } => write!(f, "{id} to exist"),
            Self::NotReady { what, because, failed: _ } => write!(f, "{what}: {because}"),
            Self::Secret { id, because } => write!(f, "secret {id}: {because}"),
            Self::Cluster { name, because } => write!(f, "cluster {name}: {because}"),
            Self::LoadBalancer { name, because } => write!(f, "load balancer {name}: {because}"),
            Self::Observation { because } => write!(f, "a look at AWS: {because}"),
            Self::Task { task, status } => write!(f, "task {task}: {status}"),
            Self::Deployment { id, because } if id.is_empty() => write!(f, "its ECS deployment: {because}"),
            Self::Deployment { id, because } => write!(f, "ECS deployment {id}: {because}"),
            Self::Traffic { deployment, because, by_hand: _ } => {
                write!(f, "traffic to be put right before ECS deployment {deployment} goes on: {because}")
            }
            Self::Targets { group, because } => write!(f, "targets of {group}: {because}"),
            Self::Draining { service } => write!(f, "service {service} to finish draining"),
            Self::InUse { by } => write!(f, "{by} to use it no more"),
            Self::Handover { to } => write!(f, "`{to}`, which declares it by now, to take it over"),
            Self::Successor { of } => write!(f, "its successor in `{of}` to be able to start"),
            Self::Confirmation { command } => {
                write!(f, "a person to confirm that its data is deleted: `{command}`")
            }
            Self::Claimant { because, ends: _ } => write!(f, "another document to declare it: {because}"),
            Self::Declared { what, because } => {
                write!(f, "{what}, which is declared, to be complete: {because}")
            }
            Self::Predecessor { what, because } => {
                write!(f, "{what} to stop, which may not run beside it: {because}")
            }
            Self::Bake { until } => write!(f, "bake time until {until:.0}"),
            Self::Rotation { secret, until } => {
                write!(f, "rotated secret {secret} to settle until {until:.0}")
            }
            Self::Suspended { because, answers: _ } => write!(f, "the end of the suspension: {because}"),
            Self::Failed { hash, because } => write!(f, "a new spec or a retry: {hash} failed: {because}"),
        }
    }
}

/// What became of one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[must_use = "what AWS answered belongs in the record"]
pub struct Outcome {
    /// Index in [`Plan::actions`].
    pub action: usize,
    /// What happened.
    pub result: ActionResult,
}

/// What happened to an action. No answer is `Unknown`, never failed: the next pass observes before
/// it tries again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ActionResult {
    /// AWS said yes.
    Done {
        /// ARN of what was made: revision, task, service, target group, listener or rule.
        arn: Option<String>,
        /// Id of the PRIMARY deployment, for services.
        deployment: Option<String>,
    },
    /// AWS said no.
    Failed {
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
        /// Whether the same call can succeed later without a change of the spec.
        retryable: bool,
    },
    /// No answer came: it may or may not have happened.
    Unknown {
        /// What was seen instead of an answer.
        message: String,
    },
    /// Not tried.
    Skipped {
        /// Why it was not tried.
        because: String,
    },
}
