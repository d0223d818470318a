//! The states of an alarm.

use super::errors::invalid;
use crate::error::ApiError;

/// The state of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Within the threshold.
    Ok,
    /// Beyond it.
    Alarm,
    /// Nobody knows.
    InsufficientData,
}

impl State {
    /// As AWS writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    /// The state by its name, which the model has checked.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "OK" => Self::Ok,
            "ALARM" => Self::Alarm,
            _ => Self::InsufficientData,
        }
    }

    /// The state by its name, from outside of any call.
    ///
    /// # Errors
    /// `ValidationError` for another name.
    pub(super) fn read(name: &str) -> Result<Self, ApiError> {
        let known = [Self::Ok, Self::Alarm, Self::InsufficientData];
        known
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| invalid(format!("There is no alarm state {name}.")))
    }

    /// The member that lists the actions for this state.
    pub(super) fn actions(self) -> &'static str {
        match self {
            Self::Ok => "OKActions",
            Self::Alarm => "AlarmActions",
            Self::InsufficientData => "InsufficientDataActions",
        }
    }
}

/// A state and why an alarm is in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    /// The state.
    pub state: State,
    /// In words.
    pub reason: String,
    /// In JSON.
    pub data: Option<String>,
}
