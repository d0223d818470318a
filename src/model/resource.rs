//! What a deployment is made of in AWS, as a kind, a key and a tree of fields.
//!
//! Trees carry AWS's own field names in camelCase, the same for desired and observed. That is what
//! makes the diff one table instead of one function per type: [`crate::model::kinds`] gives the
//! desired tree by serde, the `aws` room gives the observed tree, and `plan`'s ownership table says
//! for each path who owns it and how it is compared.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Fields of a resource under AWS's names.
pub type Tree = serde_json::Value;

/// The kinds of resources that Evenkeel can write, in the order in which they are made (and the
/// reverse of that in which they are removed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// CloudWatch log group; key: its name.
    LogGroup,
    /// Target group; key: in `spec.targetGroups`.
    TargetGroup,
    /// Listener; key: in `spec.listeners`.
    Listener,
    /// Listener rule; key: in `spec.rules`.
    Rule,
    /// Task definition revision; key: component.
    TaskDefinition,
    /// Run-to-completion task; key: component.
    Task,
    /// Service; key: component.
    Service,
}

impl ResourceKind {
    /// The word used in paths, logs and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogGroup => "log-group",
            Self::TargetGroup => "target-group",
            Self::Listener => "listener",
            Self::Rule => "rule",
            Self::TaskDefinition => "task-definition",
            Self::Task => "task",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One resource of one deployment; shown as `service/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ResourceId {
    /// What it is.
    pub kind: ResourceKind,
    /// Which one; see [`ResourceKind`].
    pub key: String,
}

impl ResourceId {
    /// Names a resource.
    pub fn new(kind: ResourceKind, key: impl Into<String>) -> Self {
        Self { kind, key: key.into() }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.key)
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ResourceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (kind, key) = text.split_once('/').ok_or_else(|| format!("`{text}` is not kind/key"))?;
        let kind = [
            ResourceKind::LogGroup,
            ResourceKind::TargetGroup,
            ResourceKind::Listener,
            ResourceKind::Rule,
            ResourceKind::TaskDefinition,
            ResourceKind::Task,
            ResourceKind::Service,
        ]
        .into_iter()
        .find(|known| known.as_str() == kind)
        .ok_or_else(|| format!("`{kind}` is not a kind of resource"))?;
        Ok(Self::new(kind, key))
    }
}

/// Tag that names the deployment that a resource belongs to.
pub const TAG_OWNER: &str = "evenkeel.dev/owner";
/// Tag that names the component or key in the deployment.
pub const TAG_COMPONENT: &str = "evenkeel.dev/component";
/// Tag with the content hash that a task definition revision was registered for.
pub const TAG_HASH: &str = "evenkeel.dev/hash";
