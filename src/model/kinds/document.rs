//! A document of any kind, and the registry of kinds.

use super::application::ApplicationSpec;
use super::datero::DateroSpec;
use super::pulumi::PulumiServiceSpec;
use super::zenml::ZenMLWorkspaceSpec;
use super::{API_VERSION, Metadata};
use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// The registry of kinds: passes one line for each of them to the macro `$then`. All that is said
/// of a kind by name comes from here: [`Kind`], [`Spec`], the schemas, and in `desired` which
/// function lowers it.
///
/// `example` names a file of `manifests/examples`; `plural` is the name of the CRD.
macro_rules! for_each_kind {
    ($then:ident) => {
        $then! {
            /// Any application.
            Application { spec: ApplicationSpec, plural: "applications", example: "application.yaml" }
            /// A self-hosted Pulumi service.
            PulumiService { spec: PulumiServiceSpec, plural: "pulumiservices", example: "pulumi.yaml" }
            /// A ZenML Pro Hybrid workspace.
            ZenMLWorkspace { spec: ZenMLWorkspaceSpec, plural: "zenmlworkspaces", example: "zenml.yaml" }
            /// A Datero.
            Datero { spec: DateroSpec, plural: "dateros", example: "datero.yaml" }
        }
    };
}
pub(crate) use for_each_kind;

macro_rules! declare {
    ($(
        $(#[$doc:meta])*
        $kind:ident { spec: $spec:ty, plural: $plural:literal, example: $example:literal }
    )+) => {
        /// The kinds there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: [Self; [$($plural),+].len()] = [$(Self::$kind),+];

            /// The word in `kind:`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($kind),)+
                }
            }

            /// The name of the resource in URLs, and of its CRD.
            pub(in crate::model) fn plural(self) -> &'static str {
                match self {
                    $(Self::$kind => $plural,)+
                }
            }

            /// The example that comes with Evenkeel: name of its file, and text.
            pub fn example(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$kind => {
                        ($example, include_str!(concat!("../../../manifests/examples/", $example)))
                    })+
                }
            }

            /// The schema of its `spec`, from the type that the spec is parsed into.
            pub(in crate::model) fn spec_schema(self, generator: &mut SchemaGenerator) -> Schema {
                match self {
                    $(Self::$kind => generator.subschema_for::<$spec>(),)+
                }
            }
        }

        /// What a document declares, by kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "spec")]
        pub enum Spec {
            $($(#[$doc])* $kind(Box<$spec>),)+
        }

        impl Spec {
            /// Its kind.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)+
                }
            }
        }
    };
}
for_each_kind!(declare);

impl Kind {
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
