//! Where a rollout stands: stored before anything is done, read at the start of the next pass.

use super::arn::revision_number;
use super::asked::{Asked, Place};
use super::ids::{ComponentName, ContentHash, Generation};
use super::observed::{ObservedService, ObservedTask};
use super::plan::WaitingOn;
use super::resource::{ResourceId, ResourceKind, Tree};
use super::resource_record::{Repairs, ResourceRecord, SHOWN_WITHIN};
use super::service_deployment::StageRecord;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use strum::{EnumIter, IntoStaticStr};

/// The stored state of one deployment's rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "StoredRollout")]
pub struct RolloutState {
    /// Generation of the document that this state was last advanced for.
    #[serde(default)]
    pub generation: Generation,
    /// By component. In boxes, as the resources are: a map keeps room for eleven of them.
    #[serde(default)]
    pub components: BTreeMap<ComponentName, Box<ComponentRollout>>,
    /// Versions of secrets that are in force, by secret id as declared, so that a rotation is
    /// debounced.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretVersion>,
    /// What is known of each resource that was made, adopted or found as declared, and of what is
    /// left over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<ResourceId, Box<ResourceRecord>>,
    /// Value of the retry annotation that was last honoured.
    #[serde(default)]
    pub retry: Option<String>,
    /// When AWS was last asked to make something, or to put our tag on what had another or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// What AWS was asked to make and has not said yes or no to, or need not show yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub asked: BTreeSet<Asked>,
}

impl RolloutState {
    /// So long after a write AWS may show what was before it.
    pub const SHOWN_WITHIN: SignedDuration = SHOWN_WITHIN;

    /// ARN of a resource, when it is known.
    pub fn arn(&self, id: &ResourceId) -> Option<&str> {
        self.resources.get(id)?.arn.as_deref()
    }

    /// Whether this ARN is known as that of a resource. What is left over is known by its ARN,
    /// whatever key it had.
    pub fn is_recorded(&self, id: &ResourceId, arn: &str) -> bool {
        let by_key = self.arn(id).is_some_and(|known| known == arn);
        by_key
            || (id.left_over_arn() == Some(arn)
                && self.arns().any(|(other, known)| other.kind == id.kind && known == arn))
    }

    /// All resources whose ARN is known.
    pub fn arns(&self) -> impl Iterator<Item = (&ResourceId, &str)> {
        self.resources.iter().filter_map(|(id, known)| Some((id, known.arn.as_deref()?)))
    }

    /// The same, of what was made or adopted here: not what is still to come over from another
    /// document.
    pub fn made(&self) -> impl Iterator<Item = (&ResourceId, &str)> {
        let own = self.resources.iter().filter(|(_, known)| !known.inherited);
        own.filter_map(|(id, known)| Some((id, known.arn.as_deref()?)))
    }

    /// Hash of the declaration that a resource was last seen in agreement with.
    pub fn applied(&self, id: &ResourceId) -> Option<&ContentHash> {
        self.resources.get(id)?.applied.as_ref()
    }

    /// How many tasks a service is to have that has none because we scaled it to nothing, when it
    /// is declared again without a count: as many as before, one at least. A count that anybody
    /// else set, to 0 too, is theirs.
    pub fn count_to_restore(&self, declared: &Tree, service: &ObservedService) -> Option<u32> {
        if service.desired > 0 || !declared["desiredCount"].is_null() {
            return None;
        }
        let mut known = self.resources.values().filter_map(|known| known.former_count.as_ref());
        known.find(|former| former.arn == service.arn).map(|former| former.count.max(1))
    }

    /// Whether a task was started to run for ever, so that it does not end by itself.
    pub fn runs_forever(&self, task: &str) -> bool {
        self.resources.values().any(|known| known.forever.as_deref() == Some(task))
    }

    /// Whether a task was started by a call of ours that had no answer.
    pub fn asked_for(&self, task: &ObservedTask) -> bool {
        let token = |asked: &Asked| match &asked.place {
            Place::Task { token, .. } => task.started_by.as_ref() == Some(token),
            Place::Named { .. } | Place::Port { .. } | Place::Priority { .. } | Place::Service { .. } => {
                false
            }
        };
        self.asked.iter().any(token)
    }

    /// What is known of a resource, to be changed.
    pub fn resource_mut(&mut self, id: &ResourceId) -> &mut ResourceRecord {
        self.resources.entry(id.clone()).or_default()
    }

    /// Forgets what repairs there were, and what was refused.
    pub fn forget_repairs(&mut self) {
        self.resources.values_mut().for_each(|known| (known.repairs, known.refused) = (None, None));
        self.resources.retain(|_, known| !known.is_empty());
    }

    /// Whether there is anything for a retry to lift: a failure of this component, or of any where
    /// none is named, or a repair or change that is held back.
    pub fn can_be_retried(&self, component: Option<&ComponentName>) -> bool {
        let has_failed = |known: &ComponentRollout| {
            !known.failures.is_empty()
                || matches!(known.phase, Phase::Stalled { .. } | Phase::RolledBack { .. })
        };
        let mut components = self.components.iter();
        components.any(|(name, known)| component.is_none_or(|one| one == name) && has_failed(known))
            || component.is_none()
                && self.resources.values().any(|known| known.repairs.is_some() || known.refused.is_some())
    }

    /// Whether a resource was asked to be deleted by us, and nothing was seen of it since.
    pub fn is_deleted_by_us(&self, id: &ResourceId, now: Timestamp) -> bool {
        let known = self.resources.get(id);
        let sent = known.and_then(|known| known.sent_fields.get(ResourceRecord::WHOLE));
        sent.is_some_and(|sent| !sent.agreed || sent.is_fresh(now))
    }

    /// Whether something was made so lately that what is shown as absent may be there. A clock that
    /// was set back does not make it wait for ever.
    pub fn may_not_be_shown_yet(&self, now: Timestamp) -> bool {
        self.made_at.is_some_and(|at| now.duration_since(at).abs() < Self::SHOWN_WITHIN)
    }
}

/// A rollout state as it is stored, in the form of today or the one before, which had a map for
/// each thing that is known of a resource.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StoredRollout {
    generation: Generation,
    components: BTreeMap<ComponentName, Box<ComponentRollout>>,
    secrets: BTreeMap<String, SecretVersion>,
    resources: BTreeMap<ResourceId, Box<ResourceRecord>>,
    retry: Option<String>,
    made_at: Option<Timestamp>,
    asked: BTreeSet<Asked>,
    applied: BTreeMap<ResourceId, ContentHash>,
    arns: BTreeMap<ResourceId, String>,
    #[serde(alias = "strays")]
    stale_targets: BTreeMap<String, BTreeMap<String, Timestamp>>,
    repairs: BTreeMap<ResourceId, Repairs>,
}

impl From<StoredRollout> for RolloutState {
    fn from(stored: StoredRollout) -> Self {
        let StoredRollout { generation, components, secrets, resources, retry, made_at, asked, .. } = stored;
        let mut state = Self { generation, components, secrets, resources, retry, made_at, asked };
        for (id, hash) in stored.applied {
            state.resource_mut(&id).applied = Some(hash);
        }
        for (id, arn) in stored.arns {
            state.resource_mut(&id).arn = Some(arn);
        }
        for (id, repairs) in stored.repairs {
            state.resource_mut(&id).repairs = Some(Box::new(repairs));
        }
        for (key, since) in stored.stale_targets {
            state.resource_mut(&ResourceId::new(ResourceKind::TargetGroup, key)).stale_targets = since;
        }
        state
    }
}

/// One component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentRollout {
    /// What is going on.
    pub phase: Phase,
    /// The type of workload that all of this is of; records before this field say nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadKind>,
    /// The revision for the current hash, as RegisterTaskDefinition returned it (never re-read).
    #[serde(default)]
    pub revision: Option<Revision>,
    /// The content that was wanted when this record began. Of it alone a lost record may have known
    /// more than this one.
    #[serde(default, alias = "first", skip_serializing_if = "Option::is_none")]
    pub initial_hash: Option<ContentHash>,
    /// A registration whose answer is not known: AWS may have made the revision and not show it
    /// yet.
    #[serde(default, alias = "asked", skip_serializing_if = "Option::is_none")]
    pub pending_registration: Option<PendingRegistration>,
    /// Revisions that were registered before, newest last: a content that is wanted again gets its
    /// revision back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Revision>,
    /// The last revision that completed: the rollback target, never deregistered.
    #[serde(default)]
    pub completed: Option<Revision>,
    /// Of a task: the content of the last run that was begun. While it is the completed one,
    /// nothing has run since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<ContentHash>,
    /// Until when a run is left to end by itself that the component began as a task, before it
    /// became a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_task_until: Option<Timestamp>,
    /// What is remembered of its ECS deployment, while ECS takes it through stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageRecord>,
    /// Revisions and tasks that failed, oldest first; not tried again until the spec changes or a
    /// retry is asked for.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

impl ComponentRollout {
    /// Earlier revisions that are remembered; a family keeps no more of them.
    const REMEMBERED: usize = 10;

    /// Whether a revision of it is known, or it did anything else than wait.
    pub fn has_begun(&self) -> bool {
        let waits = matches!(self.phase, Phase::Idle | Phase::Waiting { .. });
        !waits || self.revision.is_some() || self.completed.is_some()
    }

    /// Takes note of the type of workload. When it is another one than before, the component begins
    /// anew: a content that was complete, or failed, as a service was neither as a task. Its
    /// registered revisions stay known.
    pub fn begin_as(&mut self, workload: WorkloadKind) {
        if self.workload.replace(workload).is_none_or(|before| before == workload) {
            return;
        }
        self.former_task_until = match (&self.phase, workload) {
            (Phase::TaskRunning { deadline, .. }, WorkloadKind::Service) => Some(*deadline),
            _ => None,
        };
        self.phase = Phase::Idle;
        self.failures.clear();
        if let Some(completed) = self.completed.take().filter(|completed| !self.knows(&completed.arn)) {
            self.remember(completed);
        }
        // The record was not lost: it knows that no content was ever complete as this type.
        self.initial_hash = Some(ContentHash::default());
    }

    /// Notes that a content is complete. Its revision need not be the current one: a task may end
    /// well after another content became wanted.
    pub fn set_completed(&mut self, hash: &ContentHash) {
        let mut known = self.revision.iter().chain(self.earlier.iter().rev());
        if let Some(revision) = known.find(|revision| revision.hash == *hash) {
            self.completed = Some(revision.clone());
        }
    }

    /// Whether a revision is remembered.
    pub fn knows(&self, arn: &str) -> bool {
        self.revision.iter().chain(&self.earlier).any(|revision| revision.arn == arn)
    }

    /// Makes a revision the current one, and remembers the one before.
    pub fn set_revision(&mut self, revision: Revision) {
        self.pending_registration = None;
        self.earlier.retain(|known| known.arn != revision.arn);
        if let Some(before) = self
            .revision
            .replace(revision)
            .filter(|before| Some(&before.arn) != self.revision.as_ref().map(|now| &now.arn))
        {
            self.remember(before);
        }
    }

    /// Remembers an earlier revision.
    pub fn remember(&mut self, revision: Revision) {
        let newer = self
            .earlier
            .iter()
            .position(|known| revision_number(&known.arn) > revision_number(&revision.arn));
        self.earlier.insert(newer.unwrap_or(self.earlier.len()), revision);
        let excess = self.earlier.len().saturating_sub(Self::REMEMBERED);
        self.earlier.drain(..excess);
    }
}

/// A type of workload, as far as stages differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkloadKind {
    /// ECS keeps its tasks running and rolls them.
    Service,
    /// Evenkeel starts each of its runs, which is to come to an end.
    Task,
    /// Evenkeel starts it, and it is to run for ever.
    ForeverTask,
}

/// A registration that was asked for and not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRegistration {
    /// Content hash that the revision would be for.
    pub hash: ContentHash,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What every token begins with that calls are made under: tasks that carry it in `startedBy` were
/// started by Evenkeel.
pub const TOKEN_PREFIX: &str = "evk-";

/// `clientToken` of CreateService, `clientToken` and `startedBy` of RunTask: 36 characters, the
/// same however often the call is made for one intent. An intent names its deployment, component,
/// content and time: a token that ECS remembers would give back what was made before.
///
/// Source: ECS API, CreateService and RunTask.
pub fn client_token(intent: &str) -> String {
    let digest = Sha256::digest(intent.as_bytes());
    format!("{TOKEN_PREFIX}{}", hex::encode(&digest[..16]))
}

/// A registered revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// What it was registered for.
    pub hash: ContentHash,
    /// Full ARN.
    pub arn: String,
    /// When it was registered; unknown for one that was found by its tags. AWS may not show it for
    /// a while after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Timestamp>,
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// The version that counts.
    pub version: String,
    /// A newer one and since when it has been the newest.
    #[serde(default)]
    pub pending: Option<(String, Timestamp)>,
}

/// A revision or task that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Content hash of what failed.
    pub hash: ContentHash,
    /// Hash of the service or task fields that it failed with; other fields (subnets, say) are
    /// worth another try.
    pub declared: ContentHash,
    /// ECS deployment id or task ARN.
    pub attempt: String,
    /// In words, with AWS's own reason.
    pub reason: String,
    /// When it was seen.
    pub at: Timestamp,
    /// How many seconds it had, where they were not enough: more of them are worth another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
}

/// The stage of one component. Each variant owns what it needs to be judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "stage", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Phase {
    /// Nothing was ever done.
    #[default]
    Idle,
    /// Its gates are closed.
    Waiting {
        /// What is waited for, sorted.
        on: Vec<WaitingOn>,
        /// Since when it waits for this.
        since: Timestamp,
    },
    /// A task was asked for (intent) or runs: one that runs to completion, or one that is to run
    /// for ever and has not come up yet.
    #[serde(alias = "migrating")]
    TaskRunning {
        /// Content hash of the task.
        hash: ContentHash,
        /// Counts from 1.
        attempt: u32,
        /// `clientToken` and `startedBy` of RunTask: a repeated call starts nothing twice, and the
        /// task is found again.
        token: String,
        /// Known once RunTask answered or the task was found by `startedBy`.
        task: Option<String>,
        /// When the intent was stored.
        since: Timestamp,
        /// When it is stopped and counted as failed.
        deadline: Timestamp,
        /// Seconds that were declared for a run when `deadline` was set: what is added since then,
        /// or taken away, moves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<u64>,
    },
    /// A service was set to run this revision (intent) or is rolling it out.
    Rolling {
        /// Content hash.
        hash: ContentHash,
        /// ECS deployment id, once the service was seen to point at the revision. Only while it is
        /// `None` may the plan write the service's task definition: afterwards a service that
        /// points elsewhere was rolled back or changed by hand, and which of the two it was must be
        /// seen first.
        deployment: Option<String>,
        /// When the intent was stored.
        since: Timestamp,
        /// Last time that the number of running tasks of the new deployment grew, and that number.
        progress: (Timestamp, u32),
    },
    /// ECS is done; the new tasks must stay healthy until then.
    Baking {
        /// Content hash.
        hash: ContentHash,
        /// End of the wait.
        until: Timestamp,
    },
    /// Done: the task exited 0, or the service runs the revision and is steady.
    Complete {
        /// Content hash.
        hash: ContentHash,
        /// Since when.
        since: Timestamp,
    },
    /// ECS went back to the last completed revision.
    RolledBack {
        /// Hash of the revision that failed.
        hash: ContentHash,
        /// Its ECS deployment id.
        deployment: String,
        /// Why, in ECS's words.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// It does not go on by itself.
    Stalled {
        /// Content hash.
        hash: ContentHash,
        /// Why, as one word.
        reason: StallReason,
        /// Why, in words, and what to do.
        message: String,
        /// Since when.
        since: Timestamp,
    },
}

impl Phase {
    /// The word for status tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Waiting { .. } => "Waiting",
            Self::TaskRunning { .. } => "TaskRunning",
            Self::Rolling { .. } => "Rolling",
            Self::Baking { .. } => "Baking",
            Self::Complete { .. } => "Complete",
            Self::RolledBack { .. } => "RolledBack",
            Self::Stalled { .. } => "Stalled",
        }
    }

    /// The content hash that the phase speaks of.
    pub fn hash(&self) -> Option<&ContentHash> {
        match self {
            Self::Idle | Self::Waiting { .. } => None,
            Self::TaskRunning { hash, .. }
            | Self::Rolling { hash, .. }
            | Self::Baking { hash, .. }
            | Self::Complete { hash, .. }
            | Self::RolledBack { hash, .. }
            | Self::Stalled { hash, .. } => Some(hash),
        }
    }

    /// Whether the component is complete at this very content.
    pub fn is_complete_at(&self, wanted: &ContentHash) -> bool {
        matches!(self, Self::Complete { hash, .. } if hash == wanted)
    }
}

/// Why a component does not go on by itself.
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
    EnumIter,
    IntoStaticStr,
    JsonSchema,
)]
pub enum StallReason {
    /// A task exited with another code than 0, or never started.
    TaskFailed,
    /// A task did not end in time and was stopped.
    TaskDeadlineExceeded,
    /// ECS gave the deployment up and had nothing to go back to.
    DeploymentFailed,
    /// Nothing moved for the progress deadline; it is still being watched and completes if it
    /// heals.
    ProgressDeadlineExceeded,
    /// A resource of that name exists that Evenkeel did not make and may not touch.
    NotOwned,
}

impl StallReason {
    /// The word used in conditions and metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_in_the_words_before_is_read() {
        let old = json!({
            "phase": {
                "stage": "migrating", "hash": "h1", "attempt": 1, "token": "evk-1", "task": null,
                "since": "2026-11-21T12:00:00Z", "deadline": "2026-11-21T13:00:00Z",
            },
            "first": "h0",
            "asked": {"hash": "h1", "at": "2026-11-21T12:00:00Z"},
        });
        let read: ComponentRollout = serde_json::from_value(old).unwrap();
        assert_eq!(read.phase.word(), "TaskRunning");
        assert_eq!(read.initial_hash, Some("h0".into()));
        assert_eq!(read.pending_registration.as_ref().map(|pending| pending.hash.as_str()), Some("h1"));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written["phase"]["stage"], "taskRunning");
        assert_eq!(serde_json::from_value::<ComponentRollout>(written).unwrap(), read);
    }

    #[test]
    fn a_record_with_a_map_for_each_thing_is_read() {
        let since = "2026-11-21T12:00:00Z";
        let old = json!({
            "components": {},
            "applied": {"rule/web": "d1"},
            "arns": {"rule/web": "arn:rule"},
            "repairs": {"rule/web": {"what": "h", "times": 2, "at": since}},
            "strays": {"web": {"10.0.0.9:80": since}},
        });
        let read: RolloutState = serde_json::from_value(old).unwrap();
        let rule = ResourceId::new(ResourceKind::Rule, "web");
        assert_eq!((read.arn(&rule), read.applied(&rule)), (Some("arn:rule"), Some(&"d1".into())));
        assert_eq!(read.resources[&rule].repairs.as_ref().map(|repairs| repairs.times), Some(2));
        let group = &read.resources[&ResourceId::new(ResourceKind::TargetGroup, "web")];
        assert_eq!(group.stale_targets["10.0.0.9:80"], since.parse().unwrap());
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written["resources"]["rule/web"]["arn"], "arn:rule");
        assert_eq!(serde_json::from_value::<RolloutState>(written).unwrap(), read);
    }
}
