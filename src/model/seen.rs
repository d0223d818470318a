//! Whether something was seen, and why not.

use serde::{Deserialize, Serialize};

/// The observation of one thing. Only `Present` and `Absent` may be acted on.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen<T> {
    /// It is there.
    Present(T),
    /// AWS says that it is not there.
    Absent,
    /// Not read in this pass (a light pass, or nothing called for it).
    #[default]
    NotRead,
    /// Reading it failed: nothing is known.
    Unknown(Gap),
}

impl<T> Seen<T> {
    /// The thing, when it is there.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(thing) => Some(thing),
            _ => None,
        }
    }

    /// The same knowledge of the thing by reference.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Present(thing) => Seen::Present(thing),
            Self::Absent => Seen::Absent,
            Self::NotRead => Seen::NotRead,
            Self::Unknown(gap) => Seen::Unknown(gap.clone()),
        }
    }

    /// The same knowledge of something that follows from the thing.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Present(thing) => Seen::Present(change(thing)),
            Self::Absent => Seen::Absent,
            Self::NotRead => Seen::NotRead,
            Self::Unknown(gap) => Seen::Unknown(gap),
        }
    }

    /// Whether AWS said that it is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether AWS answered: there or not there.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Present(_) | Self::Absent)
    }
}

/// Why something could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The call, such as `ecs:DescribeServices`.
    pub operation: String,
    /// AWS's error code, such as `AccessDeniedException`, or `Timeout` and the like when no answer
    /// came.
    pub code: String,
    /// AWS's message.
    pub message: String,
}
