//! What is reported, and what is stored for the next pass.

use super::condition::{Condition, ConditionType, Truth};
use super::finding::Finding;
use super::handover::{Brought, Former, GivenUp};
use super::ids::{ComponentName, DeploymentName, Generation};
use super::kinds::DocumentText;
use super::plan::{Note, Waiting};
use super::request::Request;
use super::resource::ResourceId;
use super::rollout::RolloutState;
use super::service_deployment::PauseStatus;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use strum::{Display, EnumIter, IntoStaticStr};

/// The status of one deployment, in the shape of a Kubernetes status: kstatus reads it as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// The deployment.
    pub name: DeploymentName,
    /// Its kind.
    pub kind: String,
    /// Newest valid generation.
    pub generation: Generation,
    /// Generation that this status speaks of.
    pub observed_generation: Generation,
    /// Where it is declared.
    pub source: Source,
    /// Region and cluster.
    pub region: String,
    /// Cluster as declared.
    pub cluster: String,
    /// Ready, Reconciling, Stalled, SecretsReady, TargetsHealthy, Drifted, Suspended, in this
    /// order.
    pub conditions: Vec<Condition>,
    /// By component; in boxes, because a map keeps room for eleven of them.
    pub components: BTreeMap<ComponentName, Box<ComponentStatus>>,
    /// What is waited for.
    pub waiting_on: Vec<Waiting>,
    /// Warnings of the document, and the errors of an edit that was refused.
    pub findings: Vec<Finding>,
    /// What AWS showed.
    pub notes: Vec<Note>,
    /// The last drift that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<DriftSeen>,
    /// Whether the document is gone and what was made for it stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphaned: bool,
    /// Whether the document is gone and what was made for it is being deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removing: bool,
    /// When this status last changed other than in this time.
    pub updated_at: Timestamp,
}

impl DeploymentStatus {
    /// The condition of a type.
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Who holds writes back, until when and why, while somebody does.
    pub fn suspended(&self) -> Option<&str> {
        let suspended = self.condition(ConditionType::Suspended)?;
        (suspended.status == Truth::True).then_some(suspended.message.as_str())
    }

    /// Whether the condition of a type is True.
    pub fn is(&self, kind: ConditionType) -> bool {
        self.condition(kind).is_some_and(|condition| condition.status == Truth::True)
    }
}

/// Where a document comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// File, relative to the store's root, with the line on which the document begins.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// SHA-256 of the document's canonical form, first 16 hexadecimal digits.
    pub content_hash: String,
}

/// The status of one component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// `service`, `singleton` or `task`.
    pub workload: String,
    /// The word of its phase.
    pub phase: String,
    /// What holds it or what it did, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks running.
    pub running: u32,
    /// Tasks starting.
    pub pending: u32,
    /// `family:revision` that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// `family:revision` that is wanted, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_revision: Option<String>,
    /// Image of the first essential container, as wanted.
    pub image: String,
    /// Targets by target group key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<String, TargetCount>,
    /// Name of the service in ECS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The pause of its ECS deployment that waits for `ctl continue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStatus>,
}

/// Healthy targets of one target group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetCount {
    /// Healthy.
    pub healthy: u32,
    /// Registered, draining ones not counted.
    pub total: u32,
}

/// A drift and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftSeen {
    /// When it was seen.
    pub at: Timestamp,
    /// The resource.
    pub resource: ResourceId,
    /// In words: `desiredCount 5 → 2 (declared)`.
    pub what: String,
    /// When it was written back; `None` while it is not.
    pub repaired_at: Option<Timestamp>,
}

/// What happened, for `ctl events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When it happened, or was last seen to happen.
    pub at: Timestamp,
    /// Normal or warning.
    pub kind: EventKind,
    /// What happened, for machines.
    pub reason: EventReason,
    /// What it is about, such as `service/web`; empty for the deployment itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// In words.
    pub message: String,
    /// How often in a row the same was said; `at` is the last time.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

/// Whether it needs a person's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EventKind {
    /// All is well.
    Normal,
    /// It needs a person's attention.
    Warning,
}

/// What happened, as one word. People and machines match on these words: a changed one is a change
/// of the interface.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    IntoStaticStr,
    JsonSchema,
)]
pub enum EventReason {
    /// A resource: AWS differs, and that is repaired.
    DriftSeen,
    /// A resource: AWS differs, and that is only reported.
    DriftReported,
    /// A resource: a difference was written back.
    DriftRepaired,
    /// A resource was created.
    Created,
    /// A resource was changed or tagged.
    Updated,
    /// A resource was deleted, or a revision deregistered.
    Deleted,
    /// A revision was registered.
    Registered,
    /// A task was started.
    Started,
    /// A task was stopped.
    Stopped,
    /// A resource: AWS said no to an action.
    ActionFailed,
    /// A resource: an action had no answer.
    NoAnswer,
    /// A component: its gates are closed.
    Waiting,
    /// A component: its task was asked for.
    #[serde(alias = "Migrating")]
    TaskRunning,
    /// A component: its service begins to roll.
    Rolling,
    /// A component: its new tasks must stay healthy for a while.
    Baking,
    /// A component: its content is complete.
    Complete,
    /// A component: ECS went back to the revision before.
    RolledBack,
    /// A component does not go on by itself.
    Stalled,
    /// The deployment became ready.
    Ready,
    /// The deployment is no longer ready.
    NotReady,
    /// The deployment: its secrets are all found again.
    SecretsReady,
    /// The deployment: a secret is missing or cannot be seen.
    SecretsNotReady,
    /// The deployment: writes are held back.
    Suspended,
    /// The deployment: writes are made again.
    Resumed,
    /// A component, or the deployment: a person asked to try again what failed.
    RetryRequested,
    /// The deployment: a person asked to hold writes back.
    PauseRequested,
    /// The deployment: a person asked to make writes again.
    ResumeRequested,
    /// A component: a person asked to go on with a paused deployment, or to roll it back.
    ContinueRequested,
    /// A component: that is held, because its traffic goes elsewhere.
    ContinueHeld,
    /// A person asked to take over what stands under declared names.
    AdoptionRequested,
    /// A resource: another document declares it by now, and goes on with it.
    HandedOver,
    /// The deployment: its document is gone, and what was made for it stays.
    Orphaned,
    /// The deployment: what was recorded of it could not be read.
    RecordLost,
    /// A word in a record of another version that this one does not know.
    #[serde(other)]
    Unrecognised,
}

impl EventReason {
    /// The word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Everything that is stored of one deployment. One record, one atomic write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The deployment.
    pub name: DeploymentName,
    /// The last valid document, so that an invalid edit or a removal loses nothing.
    pub declared: Option<LastGoodDocument>,
    /// Where the rollout stands.
    pub rollout: RolloutState,
    /// What is reported.
    pub status: Option<Arc<DeploymentStatus>>,
    /// The newest events, oldest first; at most [`Record::MAX_EVENTS`].
    #[serde(default)]
    pub events: Vec<Event>,
    /// The requests that the controller has taken up and that are not over, so that each is taken
    /// up once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
    /// That the record before it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<LostRecord>,
}

/// What became of a record that could not be read: it was begun anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LostRecord {
    /// When that was found.
    pub at: Timestamp,
    /// Which one, and what is wrong with it.
    pub because: String,
}

impl LostRecord {
    /// For so long it is told beside everything else that is known.
    const TOLD_FOR: SignedDuration = SignedDuration::from_hours(24);

    /// Whether people are still told.
    pub fn is_told(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < Self::TOLD_FOR
    }
}

impl Record {
    /// Events kept per deployment.
    pub const MAX_EVENTS: usize = 200;

    /// An empty record.
    pub fn new(name: DeploymentName) -> Self {
        Self {
            name,
            declared: None,
            rollout: RolloutState::default(),
            status: None,
            events: Vec::new(),
            requests: Vec::new(),
            lost: None,
        }
    }
}

/// The last valid document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastGoodDocument {
    /// Its generation.
    pub generation: Generation,
    /// Where it stood.
    pub source: Source,
    /// The document as canonical JSON.
    pub document: DocumentText,
    /// Whether the store no longer holds it, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// Whether it vanished together with most others, so that its removal is not believed until a
    /// person confirms it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
    /// What earlier versions of it claimed and it does not, by ARN of what was made for that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given_up: BTreeMap<String, GivenUp>,
    /// The components that its last version brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<Box<Brought>>,
    /// What ran of its components in other documents, and was not seen to have stopped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub formers: BTreeMap<ComponentName, Vec<Former>>,
}
