//! A document of any kind: the unit of declaration.

use super::application::ApplicationSpec;
use super::datero::DateroSpec;
use super::pulumi::PulumiServiceSpec;
use super::zenml::ZenMLWorkspaceSpec;
use super::{API_VERSION, Metadata};
use serde::{Deserialize, Serialize};

/// The kinds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Any application.
    Application,
    /// A self-hosted Pulumi service.
    PulumiService,
    /// A ZenML Pro Hybrid workspace.
    ZenMLWorkspace,
    /// A Datero.
    Datero,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Application, Self::PulumiService, Self::ZenMLWorkspace, Self::Datero];

    /// The word in `kind:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::PulumiService => "PulumiService",
            Self::ZenMLWorkspace => "ZenMLWorkspace",
            Self::Datero => "Datero",
        }
    }

    /// The kind of that name, spelled exactly.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a document declares, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "spec")]
pub enum Spec {
    /// Any application.
    Application(Box<ApplicationSpec>),
    /// A self-hosted Pulumi service.
    PulumiService(Box<PulumiServiceSpec>),
    /// A ZenML Pro Hybrid workspace.
    ZenMLWorkspace(Box<ZenMLWorkspaceSpec>),
    /// A Datero.
    Datero(Box<DateroSpec>),
}

impl Spec {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Application(_) => Kind::Application,
            Self::PulumiService(_) => Kind::PulumiService,
            Self::ZenMLWorkspace(_) => Kind::ZenMLWorkspace,
            Self::Datero(_) => Kind::Datero,
        }
    }
}

/// A document, well-formed but not yet checked for sense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Always [`API_VERSION`].
    pub api_version: String,
    /// Name, labels, annotations.
    pub metadata: Metadata,
    /// Kind and spec.
    #[serde(flatten)]
    pub spec: Spec,
}

impl Document {
    /// A document of the current version.
    pub fn new(metadata: Metadata, spec: Spec) -> Self {
        Self { api_version: API_VERSION.to_owned(), metadata, spec }
    }

    /// Canonical JSON: object keys sorted, defaults left out as serde leaves them out.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a document has only text keys and finite numbers")
    }
}
