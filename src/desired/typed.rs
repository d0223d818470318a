//! What the typed kinds share on their way to an `Application`.
//!
//! A typed kind knows its system: which variables there are, what belongs together, what must
//! differ. What it does not know is how ECS wants that said; that part is here, once: variables
//! from tables ([`env`]), task definitions and services ([`house`]), listeners, rules and target
//! groups ([`door`]), and the way out ([`overrides`]).

pub mod door;
pub mod env;
pub mod findings;
#[cfg(test)]
pub mod golden;
pub mod house;
pub mod overrides;
