//! What people ask of the controller, beside what they declare.

use super::ids::{ComponentName, DeploymentName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A request about one deployment. It lies beside the records until the controller has honoured it
/// or it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The deployment.
    pub deployment: DeploymentName,
    /// What is asked for.
    #[serde(flatten)]
    pub kind: RequestKind,
    /// Who asks.
    pub by: String,
    /// Why it is asked for, for status and events.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum RequestKind {
    /// The data of the deployment may be deleted once its document is gone.
    ConfirmDeletion,
    /// The memory of failures is lifted once: of one component, or of the whole deployment.
    Retry {
        /// The component; the whole deployment when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        component: Option<ComponentName>,
    },
    /// Nothing is written until the pause ends.
    Pause {
        /// When it ends by itself.
        until: Timestamp,
    },
    /// The pause that was asked for ends now.
    Resume,
    /// A deployment that a PAUSE hook holds goes on, or is rolled back.
    Continue {
        /// The component.
        component: ComponentName,
        /// Full ARN of the service deployment, as it was seen when this was asked for.
        service_deployment: String,
        /// Id of the hook that pauses it.
        hook: String,
        /// Whether it is rolled back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rollback: bool,
    },
    /// What stands under declared names and was not made by Evenkeel is taken over, as if the
    /// document said `adopt: true`.
    Adopt {
        /// When that ends by itself. What was taken over by then stays so.
        until: Timestamp,
    },
}

impl RequestKind {
    /// The key of the request among those of its deployment: one of the same slot replaces it, as a
    /// resume replaces the pause that it ends.
    pub fn slot(&self) -> String {
        match self {
            RequestKind::ConfirmDeletion => "confirmed".to_owned(),
            RequestKind::Retry { component: None } => "retry".to_owned(),
            RequestKind::Retry { component: Some(component) } => format!("retry-{component}"),
            RequestKind::Pause { .. } | RequestKind::Resume => "pause".to_owned(),
            RequestKind::Continue { component, .. } => format!("continue-{component}"),
            RequestKind::Adopt { .. } => "adopt".to_owned(),
        }
    }
}

impl Request {
    /// The key of the request among those of its deployment.
    pub fn slot(&self) -> String {
        self.kind.slot()
    }

    /// Whether it confirms a deletion.
    pub fn is_confirmation(&self) -> bool {
        self.kind == RequestKind::ConfirmDeletion
    }

    /// Whether it is honoured once, after which it is withdrawn; other requests hold for a time.
    pub fn is_honoured_once(&self) -> bool {
        matches!(self.kind, RequestKind::Retry { .. } | RequestKind::Resume)
    }

    /// The end of the pause, if it is one that has not ended.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.kind {
            RequestKind::Pause { until } if until > now => Some(until),
            _ => None,
        }
    }

    /// Whether it asks to take over what stands under declared names.
    pub fn adopts(&self) -> bool {
        matches!(self.kind, RequestKind::Adopt { .. })
    }

    /// Whether it held for a time that has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        matches!(self.kind, RequestKind::Pause { until } | RequestKind::Adopt { until } if until <= now)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RequestKind::ConfirmDeletion => write!(f, "deletion confirmed")?,
            RequestKind::Retry { component: None } => write!(f, "retry requested")?,
            RequestKind::Retry { component: Some(component) } => write!(f, "retry of {component} requested")?,
            RequestKind::Pause { until } => write!(f, "paused until {until}")?,
            RequestKind::Resume => write!(f, "resume requested")?,
            RequestKind::Continue { component, rollback: false, .. } => {
                write!(f, "continuation of {component} requested")?;
            }
            RequestKind::Continue { component, .. } => write!(f, "rollback of {component} requested")?,
            RequestKind::Adopt { until } => write!(f, "adoption requested until {until}")?,
        }
        write!(f, " by {}", self.by)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}
