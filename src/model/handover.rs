//! What goes over from one document of the store to another, as the two sides of it know it.
//!
//! Never declared: worked out from all documents of the store together.

use super::ids::{ComponentName, DeploymentName};
use super::resource::ResourceId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What one document gives to others and gets from them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Handover {
    /// What goes over to another document, by ARN: it declares by now what this one declared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub to: BTreeMap<String, DeploymentName>,
    /// What comes over from another document, by ARN: the other side of `to`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub from: BTreeMap<String, DeploymentName>,
    /// Services of other documents whose traffic ECS shifts by rules that come over from there, by
    /// ARN of the rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shifted_by: BTreeMap<String, BTreeMap<String, DeploymentName>>,
    /// What nobody declares any more and is not removed yet, by ARN.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub held_back: BTreeMap<String, HeldBack>,
    /// What of this document goes on with what another one knows of it, until it does: a component,
    /// by its task definition, or a resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inherits: BTreeMap<ResourceId, Origin>,
    /// Components that another document goes on with: what is known of them is kept until it has
    /// taken it over. The other side of `inherits`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bequeaths: BTreeMap<ComponentName, DeploymentName>,
    /// What ran of components in other documents, under other names, and may not run beside them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub formers: BTreeMap<ComponentName, Vec<Former>>,
    /// Whether nothing is done here before the store is looked at again: its own document is
    /// missing since a moment, or the pass of another one is under way that may be starting what
    /// may not run beside something here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
    /// What another document waits for to stop, by ARN: the other side of `formers`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub waited_for: BTreeMap<String, Successor>,
}

/// Where something was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The document.
    pub document: DeploymentName,
    /// What it is there.
    pub resource: ResourceId,
}

/// What comes after something that runs, and waits for it to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Successor {
    /// The document that declares it.
    pub document: DeploymentName,
    /// The component here that it comes after.
    pub component: ComponentName,
    /// Whether it waits for nothing else. Until then, what runs goes on.
    pub ready: bool,
    /// Whether it is certain to be the one, or runs already: nobody else may be about to come.
    pub certain: bool,
}

/// A service or task of another document of which something here is the successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The document that started it.
    pub document: DeploymentName,
    /// How that one knows it.
    pub resource: ResourceId,
    /// Its ARN.
    pub arn: String,
    /// Whether that document is gone and left it as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
    /// Since when that document declares it again: the change may be on its way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_again: Option<Timestamp>,
}

/// Until when something that is declared no longer is not removed: another document may be about to
/// declare it, and would get it as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    /// Since when nobody declares it.
    pub since: Timestamp,
    /// A text that cannot be read and may be the one that declares it.
    pub unread: Option<String>,
}

impl HeldBack {
    /// For so long what no document declares any more is left alone: it may be on its way from one
    /// file to another.
    pub const DECLARED_WITHIN: SignedDuration = SignedDuration::from_secs(30);

    /// Until when it is left alone, while it is. A clock that was set back does not make it so for
    /// ever.
    pub fn until(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let is_fresh = now.duration_since(since).abs() < Self::DECLARED_WITHIN;
        is_fresh.then(|| since + Self::DECLARED_WITHIN)
    }
}

/// What a version of a document has that the one before had not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// When it came into force.
    pub at: Timestamp,
    /// Its new components.
    pub components: BTreeSet<ComponentName>,
}

/// What a document claims no more: whoever claims it next gets it as it stands, for to delete it
/// and to make it anew would be an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// The claim: equal texts are equal claims. A task goes with the family of its revisions.
    pub claim: String,
    /// The document that claims it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DeploymentName>,
    /// When it was given up.
    #[serde(default)]
    pub since: Timestamp,
    /// How it was declared; records before this field say nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// Of a service or a task: how it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
}

/// What is to be known of something that runs, to find out whether something else is the same by
/// another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runs {
    /// Whether no second one may run beside it.
    pub alone: bool,
    /// Whether it is a run that is to come to an end.
    pub ends: bool,
    /// What its containers run: repository, without tag and digest, entry point and command.
    pub programs: BTreeSet<String>,
}

impl Runs {
    /// Whether the two may not run at the same time, should one be the other by another name.
    pub fn excludes(&self, other: &Self) -> bool {
        self.alone || other.alone || (self.ends && other.ends)
    }
}

/// An image without its tag or digest.
pub fn repository(image: &str) -> &str {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_repository() {
        for (image, expected) in [
            ("nginx", "nginx"),
            ("nginx:1.27", "nginx"),
            ("registry.example.com:5000/shop", "registry.example.com:5000/shop"),
            ("registry.example.com:5000/shop:1.0", "registry.example.com:5000/shop"),
            ("shop:1.0@sha256:00", "shop"),
            ("shop@sha256:00", "shop"),
        ] {
            assert_eq!(repository(image), expected, "{image}");
        }
    }
}
