//! Typed kinds on their way to an `Application`.
//!
//! A typed kind knows its system: which variables there are, what belongs together, what must
//! differ. What it does not know is how ECS wants that said; that part is here, once: variables
//! from tables ([`env`]), task definitions and services ([`context`]), listeners, rules and target
//! groups ([`ingress`]), and the escape hatch ([`overrides`]).

pub mod context;
pub mod datero;
pub mod env;
pub mod findings;
#[cfg(test)]
pub mod golden;
pub mod ingress;
pub mod overrides;
pub mod pulumi;
pub mod zenml;
