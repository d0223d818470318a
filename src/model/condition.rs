//! Conditions and their reasons. The words here are the ones in status, metrics and documentation.

use super::ids::Generation;
use super::rollout::StallReason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, IntoStaticStr};

/// The conditions that every deployment has, in the order in which they are shown.
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
pub enum ConditionType {
    /// What is declared runs, is steady and healthy.
    Ready,
    /// Something is being done or waited for.
    Reconciling,
    /// It does not go on without a person.
    Stalled,
    /// All declared secrets exist.
    SecretsReady,
    /// Everything that is declared under a key of its own is there and can be used.
    ResourcesReady,
    /// All targets of all declared target groups are healthy.
    TargetsHealthy,
    /// AWS differs from what was applied and is not (yet) repaired.
    Drifted,
    /// No writes until a person or a time says so.
    Suspended,
}

impl ConditionType {
    /// The word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Whether a condition holds. Unknown is not false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display, JsonSchema)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not enough was seen.
    Unknown,
}

/// One condition, as in Kubernetes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which condition it is.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: Truth,
    /// Why it has that status, for machines.
    pub reason: ConditionReason,
    /// Why it has that status, for people.
    pub message: String,
    /// Generation that it speaks of.
    pub observed_generation: Generation,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
}

/// Why a condition has its status. People and machines match on these words: a changed one is a
/// change of the interface. Ready is not True for the reason of the condition that keeps it so, and
/// Reconciling has the reason of Ready.
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
pub enum ConditionReason {
    /// Ready: everything declared runs and is healthy.
    Reconciled,
    /// Ready: something is being done or waited for.
    Progressing,
    /// Ready: AWS said no to an action that may succeed later.
    ActionFailed,
    /// Ready: an action had no answer, so it may or may not have happened.
    NoAnswer,
    /// Any condition: the document is gone, and what was made for it is being deleted.
    Removing,
    /// Any condition: not enough was seen to tell.
    NotSeen,
    /// Ready: AWS cannot be read, so what runs is not known.
    AwsUnreadable,
    /// Ready: AWS does not take the credentials of the controller any more, or never did, so what
    /// runs is not known.
    CredentialsExpired,
    /// Ready, as it is shown: the controller was not seen, or has not looked at the deployment, for
    /// so long that what it last saw may not be so any more.
    NotLookedAt,
    /// Any condition: the document has errors and no version of it was ever valid.
    InvalidSpec,
    /// Stalled: nothing holds the deployment for good.
    #[serde(alias = "Moving")]
    NotStalled,
    /// Stalled: a task exited with another code than 0, or never started.
    TaskFailed,
    /// Stalled: a task did not end in time and was stopped.
    TaskDeadlineExceeded,
    /// Stalled: ECS gave a deployment up and had nothing to go back to.
    DeploymentFailed,
    /// Stalled: a rollout made no progress for its deadline; it completes if it heals.
    ProgressDeadlineExceeded,
    /// Stalled: a service of the declared name exists that Evenkeel may not touch.
    NotOwned,
    /// Stalled: ECS went back to the last completed revision.
    RolledBack,
    /// Stalled, ResourcesReady: a note says what keeps a resource from being as declared.
    Blocked,
    /// Stalled: AWS said no to an action, and will until the document changes.
    Refused,
    /// SecretsReady: no secret is declared.
    NoSecrets,
    /// SecretsReady: every declared secret exists.
    AllFound,
    /// SecretsReady: a declared secret does not exist or is deleted.
    SecretMissing,
    /// ResourcesReady: no resource is declared.
    NoResources,
    /// ResourcesReady: every declared resource is there and can be used.
    AllReady,
    /// ResourcesReady: a declared resource, or the load balancer of one, does not exist.
    ResourceMissing,
    /// ResourcesReady: AWS is at work on a resource that cannot be used until then.
    ResourceChanging,
    /// ResourcesReady: a resource cannot be used until a person does something. Stalled says so,
    /// too.
    ResourceFailed,
    /// TargetsHealthy: no target group is declared.
    NoTargets,
    /// TargetsHealthy: every target is healthy.
    AllHealthy,
    /// TargetsHealthy: no rule or listener forwards to a target group, so that its targets are not
    /// checked; all others are healthy.
    TargetsUnused,
    /// TargetsHealthy: a target is not healthy, or not there.
    TargetsUnhealthy,
    /// Drifted: AWS agrees with what is declared.
    InSync,
    /// Drifted: AWS differs, and that is not written back (yet).
    DriftSeen,
    /// Suspended: writes are held back. Reconciling then says the same.
    Suspended,
    /// Suspended: writes are made as needed.
    #[serde(alias = "Active")]
    NotSuspended,
    /// A word in a record of another version that this one does not know.
    #[serde(other)]
    Unrecognised,
}

impl ConditionReason {
    /// The word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<StallReason> for ConditionReason {
    fn from(reason: StallReason) -> Self {
        match reason {
            StallReason::TaskFailed => Self::TaskFailed,
            StallReason::TaskDeadlineExceeded => Self::TaskDeadlineExceeded,
            StallReason::DeploymentFailed => Self::DeploymentFailed,
            StallReason::ProgressDeadlineExceeded => Self::ProgressDeadlineExceeded,
            StallReason::NotOwned => Self::NotOwned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reasons_in_the_words_before_are_read_and_unknown_ones_lose_no_record() {
        let read = |word: &str| serde_json::from_value::<ConditionReason>(json!(word)).unwrap();
        assert_eq!(read("Moving"), ConditionReason::NotStalled);
        assert_eq!(read("Active"), ConditionReason::NotSuspended);
        assert_eq!(read("FromAnotherVersion"), ConditionReason::Unrecognised);
    }
}
