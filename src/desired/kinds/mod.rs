//! From a document of any kind to the `Application` that it stands for.
//!
//! A typed kind knows its system: which variables there are, what belongs together, what must
//! differ. What it does not know is how ECS wants that said; that part is here, once: variables
//! from tables ([`env`]), task definitions and services ([`context`]), listeners, rules and target
//! groups ([`ingress`]), and the escape hatch ([`overrides`]).

mod context;
mod datero;
mod env;
mod field_checks;
#[cfg(test)]
mod golden;
mod ingress;
mod overrides;
mod pulumi;
mod zenml;

use crate::model::finding::{Finding, Findings};
use crate::model::ids::DeploymentName;
use crate::model::kinds::typed_kind::TypedSpec;
use crate::model::kinds::{ApplicationSpec, Document, Spec, for_each_kind};
use context::KindContext;

/// How the spec of a kind becomes an application; findings name fields of the document as it was
/// written, and all of them are there at once.
trait Lower {
    fn lower(&self, deployment: &DeploymentName, findings: &mut Findings) -> ApplicationSpec;
}

/// What a kind adds of its own, when its containers run in the network, roles and logs that
/// `typed_kind!` declares. A kind without these implements [`Lower`] itself.
trait TypedKind: TypedSpec {
    /// Network mode of its tasks.
    fn network_mode(&self) -> &str {
        "awsvpc"
    }

    /// Checks what goes together and what must differ.
    fn check(&self, findings: &mut Findings);

    /// Adds the components, with what stands in front of them.
    fn components(&self, context: &KindContext<'_>, app: &mut ApplicationSpec, findings: &mut Findings);
}

impl<K: TypedKind> Lower for K {
    fn lower(&self, deployment: &DeploymentName, findings: &mut Findings) -> ApplicationSpec {
        let context = KindContext { deployment, common: self.common() };
        context.check(self.network_mode() == "awsvpc", findings);
        self.check(findings);
        let mut app = self.application();
        app.log_groups = context.log_groups();
        self.components(&context, &mut app, findings);
        overrides::apply(context.common.overrides, &mut app, findings);
        app
    }
}

impl Lower for ApplicationSpec {
    fn lower(&self, _: &DeploymentName, _: &mut Findings) -> ApplicationSpec {
        self.clone()
    }
}

macro_rules! lower_by_kind {
    ($($(#[$doc:meta])* $kind:ident $facts:tt)+) => {
        /// The document as an `Application`, with what is wrong or odd with it in its own terms.
        pub(super) fn lower(document: &Document) -> (ApplicationSpec, Vec<Finding>) {
            let mut findings = Findings::default();
            let name = &document.metadata.name;
            let application = match &document.spec {
                $(Spec::$kind(spec) => spec.lower(name, &mut findings),)+
            };
            (application, findings.finish())
        }
    };
}
for_each_kind!(lower_by_kind);
