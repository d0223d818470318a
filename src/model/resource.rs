//! What a deployment is made of in AWS, as a kind, a key and a tree of fields.
//!
//! Trees carry AWS's own field names in camelCase, the same for desired and observed. That is what
//! makes the diff one table instead of one function per type: [`crate::model::kinds`] gives the
//! desired tree by serde, the `aws` layer gives the observed tree, and `plan`'s ownership table
//! says for each path who owns it and how it is compared.

use super::arn::is_arn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Fields of a resource under AWS's names.
pub type Tree = serde_json::Value;

/// The kinds of resources that Evenkeel can write, in the order in which they are made (and the
/// reverse of that in which they are removed).
///
/// What else is to be known of a kind stands in one row, [`Self::info`].
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
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ResourceKind {
    /// CloudWatch log group; key: its name.
    LogGroup,
    /// Target group; key: in `spec.targetGroups`.
    TargetGroup,
    /// Listener; key: in `spec.listeners`.
    Listener,
    /// Listener rule; key: in `spec.rules`.
    Rule,
    /// CloudWatch metric alarm; key: in `spec.alarms`.
    Alarm,
    /// Task definition revision; key: component.
    TaskDefinition,
    /// Run-to-completion task; key: component.
    Task,
    /// Service; key: component.
    Service,
}

/// What is declared once for each kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// What people call it; read by notes of the plan.
    pub noun: &'static str,
    /// Where it is declared in an Application's spec; read by what points at a declaration.
    pub spec_key: &'static str,
    /// Whether deleting it destroys data. The plan keeps such a resource when it is no longer
    /// declared, and deletes it with the deployment only when its own deletion policy says so and a
    /// person confirmed it.
    pub holds_data: bool,
    /// Its place when a deployment is made; read by the order of actions.
    pub stage: u8,
    /// What the plan does when one that is there has to become another one.
    pub on_identity_change: OnIdentityChange,
    /// What a person can do when AWS cannot change a field of it; read by notes of the plan.
    pub remedy: &'static str,
}

/// What the plan does when a field differs that a resource cannot change and stay the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnIdentityChange {
    /// Its successor goes by another name or number, so both can stand: the successor is made, and
    /// the old one is removed once all that is declared is complete. Rules are moved.
    Replace,
    /// It is left alone and reported: it is data, or an outage.
    Refuse,
}

/// How a document declares a kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Under a key of its own.
    Resource,
    /// With a component: its content.
    TaskDefinition,
    /// With a component that runs to an end, or for ever outside of a service.
    Task,
    /// With a component that ECS keeps running.
    Service,
}

const REMEDY: &str = "declare the old value, or delete the resource yourself";

impl ResourceKind {
    /// The word used in paths, logs and tables.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// How a document declares it, and so where it stands in what was observed.
    pub fn part(self) -> Part {
        match self {
            Self::TaskDefinition => Part::TaskDefinition,
            Self::Task => Part::Task,
            Self::Service => Part::Service,
            Self::LogGroup | Self::TargetGroup | Self::Listener | Self::Rule | Self::Alarm => Part::Resource,
        }
    }

    /// The member of its fields that says where traffic goes, for what forwards any.
    pub const fn actions_member(self) -> Option<&'static str> {
        match self {
            Self::Rule => Some("actions"),
            Self::Listener => Some("defaultActions"),
            Self::TaskDefinition
            | Self::Task
            | Self::Service
            | Self::LogGroup
            | Self::TargetGroup
            | Self::Alarm => None,
        }
    }

    /// What is declared for this kind.
    pub const fn info(self) -> &'static TypeInfo {
        use OnIdentityChange::{Refuse, Replace};
        match self {
            Self::LogGroup => &TypeInfo {
                noun: "log group",
                spec_key: "logGroups",
                holds_data: true,
                stage: 0,
                on_identity_change: Refuse,
                remedy: REMEDY,
            },
            Self::TargetGroup => &TypeInfo {
                noun: "target group",
                spec_key: "targetGroups",
                holds_data: false,
                stage: 1,
                on_identity_change: Replace,
                remedy: "declare the target group under another name",
            },
            Self::Listener => &TypeInfo {
                noun: "listener",
                spec_key: "listeners",
                holds_data: false,
                stage: 2,
                on_identity_change: Replace,
                remedy: REMEDY,
            },
            Self::Rule => &TypeInfo {
                noun: "rule",
                spec_key: "rules",
                holds_data: false,
                stage: 3,
                on_identity_change: Replace,
                remedy: REMEDY,
            },
            Self::Alarm => &TypeInfo {
                noun: "alarm",
                spec_key: "alarms",
                holds_data: false,
                stage: 4,
                on_identity_change: Replace,
                remedy: REMEDY,
            },
            Self::TaskDefinition => &TypeInfo {
                noun: "task definition",
                spec_key: "components",
                holds_data: false,
                stage: 5,
                on_identity_change: Replace,
                remedy: REMEDY,
            },
            Self::Task => &TypeInfo {
                noun: "task",
                spec_key: "components",
                holds_data: false,
                stage: 6,
                on_identity_change: Replace,
                remedy: REMEDY,
            },
            Self::Service => &TypeInfo {
                noun: "service",
                spec_key: "components",
                holds_data: false,
                stage: 7,
                on_identity_change: Replace,
                remedy: "declare it under another `serviceName`: then the old service serves until the new one does; so long \
                         nothing else of it is changed",
            },
        }
    }
}

/// One resource of one deployment; shown as `service/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
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

    /// Names something that is left over: another one stands, or is to stand, under its key, so
    /// plans and records know it by its ARN.
    pub fn left_over(kind: ResourceKind, arn: &str) -> Self {
        Self::new(kind, arn)
    }

    /// The ARN of something that is left over; no key begins like an ARN.
    pub fn left_over_arn(&self) -> Option<&str> {
        is_arn(&self.key).then_some(self.key.as_str())
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
        let kind = kind.parse().map_err(|_| format!("`{kind}` is not a kind of resource"))?;
        Ok(Self::new(kind, key))
    }
}

/// Tag that names the deployment that a resource belongs to.
pub const TAG_OWNER: &str = "evenkeel.dev/owner";
/// Tag that names the component or key in the deployment.
pub const TAG_COMPONENT: &str = "evenkeel.dev/component";
/// Tag with the content hash that a task definition revision was registered for.
pub const TAG_HASH: &str = "evenkeel.dev/hash";

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_kind_is_read_back_by_the_word_that_it_is_written_as() {
        for kind in ResourceKind::iter() {
            let id = ResourceId::new(kind, "a/b");
            assert_eq!(ResourceId::try_from(id.to_string()), Ok(id.clone()));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str(), "serde uses the same word");
        }
        assert!(ResourceId::try_from("cat/web".to_owned()).is_err());
    }

    #[test]
    fn kinds_are_made_in_the_order_in_which_they_stand() {
        let stages: Vec<u8> = ResourceKind::iter().map(|kind| kind.info().stage).collect();
        assert!(stages.is_sorted(), "{stages:?}");
    }
}
