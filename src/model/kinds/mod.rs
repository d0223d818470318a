//! What people declare: the kinds, as written.
//!
//! Every kind lowers to an [`ApplicationSpec`]; `ctl render` prints that form. The types here
//! derive serde and schemars; from them come the parser, the CRDs and the editors' schemas, so a
//! field is declared once. Fields that mirror the AWS API bear AWS's own names, so that a task
//! definition or service can be pasted in.

pub mod alarm;
pub mod application;
pub mod datero;
pub mod document;
pub mod ingress;
pub mod load_balancing;
pub mod overrides;
pub mod pulumi;
pub mod references;
pub mod service;
pub mod settings;
pub mod task_definition;
mod text;
pub mod typed_kind;
pub mod zenml;

pub use application::{
    ApplicationSpec, Component, DeletionPolicy, DriftPolicy, DriftSpec, LogGroup, Placement, Suspend,
    TaskWorkload,
};
pub(crate) use document::for_each_kind;
pub use document::{Document, Kind, Spec};
pub use text::DocumentText;

use crate::model::ids::DeploymentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The only version there is so far.
pub const API_VERSION: &str = "evenkeel.dev/v1alpha1";

/// `metadata` of a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Names the deployment: 1 to 63 lower-case letters, digits and hyphens, starting with a
    /// letter.
    pub name: DeploymentName,
    /// Free labels, shown by `ctl` and copied to nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Free notes. `evenkeel.dev/retry`: any new value makes a failed revision or task be tried
    /// again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Annotation whose change lifts the memory of failed revisions and tasks.
pub const RETRY_ANNOTATION: &str = "evenkeel.dev/retry";
