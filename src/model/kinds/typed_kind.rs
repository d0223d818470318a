//! The root of a typed kind.

use super::overrides::ComponentOverride;
use super::references::{Alarms, Capacity, Images, Logs, Network, Roles};
use super::{ApplicationSpec, Placement};
use std::collections::BTreeMap;

/// The fields that every typed kind has, borrowed from its spec.
#[derive(Clone, Copy, Debug)]
pub struct CommonSpec<'a> {
    /// Where it runs.
    pub placement: &'a Placement,
    /// Subnets and security groups.
    pub network: &'a Network,
    /// IAM roles.
    pub roles: &'a Roles,
    /// Fargate or capacity providers.
    pub capacity: &'a Capacity,
    /// Where output goes.
    pub logs: &'a Logs,
    /// Alarms that roll back.
    pub alarms: &'a Alarms,
    /// Where images come from.
    pub images: &'a Images,
    /// Their tag.
    pub image_tag: &'a str,
    /// Whether ECS Exec works.
    pub enable_execute_command: Option<bool>,
    /// Overrides, by component.
    pub overrides: &'a BTreeMap<String, ComponentOverride>,
}

/// What [`typed_kind!`] declares for every typed kind.
pub trait TypedSpec {
    /// The fields that are the same in the generic kind, as an application in which nothing runs
    /// yet.
    fn application(&self) -> ApplicationSpec;

    /// The other fields that every typed kind has.
    fn common(&self) -> CommonSpec<'_>;
}

/// Declares the root of a typed kind: its own fields behind those that all typed kinds share.
macro_rules! typed_kind {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        $(#[$meta])*
        pub struct $name {
            /// Where it runs.
            pub placement: Placement,
            /// What to do about differences that are found in AWS.
            #[serde(skip_serializing_if = "DriftSpec::is_default")]
            pub drift: DriftSpec,
            /// Stops all writes for this deployment while it is set and not expired.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub suspend: Option<Suspend>,
            /// What happens to services, rules, target groups and alarms when this document is
            /// removed. Revisions of task definitions stay registered.
            #[serde(skip_serializing_if = "DeletionPolicy::is_retain")]
            pub deletion_policy: DeletionPolicy,
            /// Take over resources of these names that Evenkeel did not create.
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            pub adopt: bool,
            /// Tags put on everything that is created for this deployment.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub tags: BTreeMap<String, String>,
            /// Tag of the images: pin it, never `latest`.
            pub image_tag: String,
            /// Where images come from.
            pub images: Images,
            /// Where tasks are placed in the network.
            pub network: Network,
            /// IAM roles.
            pub roles: Roles,
            /// What the tasks run on.
            pub capacity: Capacity,
            /// Where output goes.
            pub logs: Logs,
            /// Alarms that roll deployments back.
            pub alarms: Alarms,
            /// Whether ECS Exec works in the tasks. Default false.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub enable_execute_command: Option<bool>,
            /// Overrides, by component.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub overrides: BTreeMap<String, ComponentOverride>,
            $($body)*
        }

        impl TypedSpec for $name {
            fn application(&self) -> ApplicationSpec {
                ApplicationSpec {
                    placement: self.placement.clone(),
                    drift: self.drift.clone(),
                    suspend: self.suspend.clone(),
                    deletion_policy: self.deletion_policy,
                    adopt: self.adopt,
                    tags: self.tags.clone(),
                    ..ApplicationSpec::default()
                }
            }

            fn common(&self) -> CommonSpec<'_> {
                CommonSpec {
                    placement: &self.placement,
                    network: &self.network,
                    roles: &self.roles,
                    capacity: &self.capacity,
                    logs: &self.logs,
                    alarms: &self.alarms,
                    images: &self.images,
                    image_tag: &self.image_tag,
                    enable_execute_command: self.enable_execute_command,
                    overrides: &self.overrides,
                }
            }
        }
    };
}
pub(crate) use typed_kind;
