//! 4b PLAN: what to do next, as data. Pure.
//!
//! [`plan`] compares what should be with what was seen and gives an ordered list of actions, each
//! with its reason and whether it starts an ECS deployment, and everything that is waited for. It
//! decides nothing about *when* a revision is rolled out: `rollout` has already moved the stage,
//! and this layer only says which calls that stage needs.
//!
//! Five decisions shape it.
//!
//! - **One table.** [`table`] has one row for every field that Evenkeel can write: who owns it, how
//!   two values are compared, what an absent value means, which call carries it and what applying
//!   it does. [`diff`] is a loop over that table, so a new field cannot be compared in one place
//!   and forgotten in another; a test reads the schemas of `model::kinds` and fails for a field
//!   without a row.
//! - **Nothing unseen.** Only `Present` and `Absent` lead to actions. What AWS did not answer is
//!   waited for.
//! - **One writer of the revision.** `taskDefinition` of a service is written in one situation
//!   alone: phase `Rolling` whose deployment was not seen yet. Everywhere else it belongs to ECS (a
//!   rollback) or to a person until `rollout` has judged it. This is what keeps a controller from
//!   fighting the circuit breaker.
//! - **What goes, goes last.** Nothing that is no longer declared is taken away before all that is
//!   declared was seen to be complete, and no traffic is sent to where nothing answers
//!   (`planner/unfinished`, `planner/traffic`). What may not run beside its successor is the
//!   opposite ([`model::predecessor`](crate::model::predecessor)).
//! - **A final check.** [`lint`] checks every plan, in production too, before it is returned. It
//!   repeats the invariants in the simplest words there are, so that a mistake in the planner
//!   becomes a note and not a call.
//!
//! Ours is what carries our owner tag, or what has lost its tags but bears an ARN that the record
//! says we made. Anything else is left alone and reported, unless the document says `adopt: true`.

mod compare;
pub mod diff;
mod input;
pub mod lint;
mod mask;
mod order;
mod planner;
mod render;
mod resources;
mod row;
pub mod table;

#[cfg(test)]
mod tests;

pub use input::PlanInput;
pub use mask::masked;
pub use planner::{KEPT_REVISIONS, plan, teardown};
pub use render::{render, render_steps};
pub use resources::default_of;
