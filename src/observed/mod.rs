//! 3 OBSERVED: what AWS shows, and what it does not show.
//!
//! A pass decides from what was seen in that very pass. So the collector asks AWS and keeps
//! nothing between passes. One exception: while a rollout is watched every few seconds, what ECS
//! does not move and nobody has written ([`Kept`]) is asked for twice a minute, and before anything
//! of it is written.
//!
//! **It never fails whole.** Each read that fails becomes [`Seen::Unknown`] for exactly the things
//! that it would have shown. Everything else is as good as it would be otherwise, so a permission
//! that is missing for load balancing does not stop a scaled service from being repaired. "Not
//! found" is an answer: the thing is absent. But when what a thing hangs on is gone (the cluster of
//! a service, the listener of a rule that is declared by ARN), the thing itself is unknown, for
//! nothing could be made there either. A batch that AWS refuses as a whole is asked again in
//! halves, so that one bad name, or one service that the policy does not cover, blinds only itself.
//!
//! **It is thrifty.** One call serves ten services, of all deployments of the batch; a load
//! balancer, listener, secret or log group that several deployments name is read once. In steady
//! state that is all: a light pass is 0.1 calls per service. What a light pass shows to be out of
//! step is read in full in the same pass.
//!
//! **Order matters in one place.** Targets are read before tasks. A target that belongs to no task
//! read *after* it has outlived its task; the other way round it could belong to a task that
//! started in between.
//!
//! Things that are recorded ([`RolloutState::arns`]) and no longer declared are read too, by
//! ARN, so that they can be removed or reported. They are shown under the id that they are recorded
//! by. Something that was *replaced* (a target group of another name, a rule of another priority, a
//! service of another name under the same key) is shown under its kind with its ARN as key. Nothing
//! is shown twice, and nothing is shown as no longer declared while it is not certain which things
//! are the declared ones.
//!
//! [`Seen::Unknown`]: crate::model::observed::Seen::Unknown
//! [`RolloutState::arns`]: crate::model::rollout::RolloutState::arns

mod collector;
mod definitions;
mod formers;
mod kept;
mod reader;
mod request;
mod resources;
mod secrets;
mod services;
mod serving;
mod stages;
mod stopping;
mod tasks;

pub use collector::Collector;
pub use kept::Kept;
pub use request::{ObservationRequest, ServicesHash};

#[cfg(test)]
mod tests;
