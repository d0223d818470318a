//! Conditions and their reasons. The words here are the ones in status, metrics and documentation.

use super::ids::Generation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The conditions that every deployment has, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// What is declared runs, is steady and healthy.
    Ready,
    /// Something is being done or waited for.
    Reconciling,
    /// It does not go on without a person.
    Stalled,
    /// All declared secrets exist.
    SecretsReady,
    /// All targets of all declared target groups are healthy.
    TargetsHealthy,
    /// AWS differs from what was applied and is not (yet) repaired.
    Drifted,
    /// No writes until a person or a time says so.
    Suspended,
}

impl ConditionType {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::SecretsReady,
        Self::TargetsHealthy,
        Self::Drifted,
        Self::Suspended,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::SecretsReady => "SecretsReady",
            Self::TargetsHealthy => "TargetsHealthy",
            Self::Drifted => "Drifted",
            Self::Suspended => "Suspended",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a condition holds. Unknown is not false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not enough was seen.
    Unknown,
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        })
    }
}

/// One condition, as in Kubernetes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: Truth,
    /// One word in CamelCase.
    pub reason: String,
    /// In words.
    pub message: String,
    /// Generation that it speaks of.
    pub observed_generation: Generation,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
}
