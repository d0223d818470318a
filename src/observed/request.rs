//! What the collector is asked for.

use super::kept::Kept;
use crate::model::arn::is_in;
use crate::model::asked::Asked;
use crate::model::desired::DesiredState;
use crate::model::observed::{Depth, ObservedDeployment, ObservedService, ObservedState};
use crate::model::resource::ResourceId;
use crate::model::rollout::RolloutState;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One deployment to observe.
#[derive(Clone, Copy, Debug)]
pub struct ObservationRequest<'a> {
    /// What is declared: says what to read.
    pub desired: &'a DesiredState,
    /// Where its rollout stands: says by which ARNs, tokens and revisions to read more.
    pub rollout: &'a RolloutState,
    /// How much to read at least.
    pub depth: Depth,
    /// Whether all that was made for it is to go.
    pub removed: bool,
    /// What need not be read again.
    pub kept: Option<&'a Kept>,
    /// Services whose tasks ECS moves at present, as [`ServicesHash::of_rolling`]: while they look
    /// like that, there is nothing more to read for a light request.
    pub rolling: Option<ServicesHash>,
}

/// What one look showed of the services of a deployment, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServicesHash(u64);

impl ServicesHash {
    /// Of what was seen.
    pub fn of(observed: &ObservedState) -> Self {
        let mut hasher = DefaultHasher::new();
        (&observed.services, &observed.leftover_services).hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Of what was seen, without what changes while ECS moves tasks and decides nothing: how many
    /// run and start, and what the events say of it.
    pub fn of_rolling(observed: &ObservedState) -> Self {
        let mut hasher = DefaultHasher::new();
        let services = observed.services.values().chain(observed.leftover_services.values());
        for seen in services {
            let Some(service) = seen.present() else {
                seen.hash(&mut hasher);
                continue;
            };
            let ObservedService { arn, name, status, fields, task_definition, desired, tags, .. } = service;
            (arn, name, status, fields, task_definition, desired, tags).hash(&mut hasher);
            for deployment in &service.deployments {
                let ObservedDeployment { id, rollout_state, failed, .. } = deployment;
                (id, rollout_state, failed).hash(&mut hasher);
            }
        }
        Self(hasher.finish())
    }
}

impl<'a> ObservationRequest<'a> {
    /// What is recorded of this region, with its ARN. What was left behind in another one cannot be
    /// asked for here: it would look as if it were gone.
    pub(super) fn recorded(&self) -> impl Iterator<Item = (&'a ResourceId, &'a str)> + use<'a> {
        let region = self.desired.placement.region.as_str();
        self.rollout.arns().filter(move |(_, arn)| is_in(region, arn))
    }

    /// What was asked for in this region and may be there without anybody knowing.
    pub(super) fn asked(&self) -> impl Iterator<Item = &'a Asked> + use<'a> {
        let region = self.desired.placement.region.as_str();
        self.rollout.asked.iter().filter(move |asked| asked.region == region)
    }

    /// The recorded ARN of one thing, if it is of this region.
    pub(super) fn recorded_arn(&self, id: &ResourceId) -> Option<&'a str> {
        self.rollout.arn(id).filter(|arn| is_in(&self.desired.placement.region, arn))
    }
}
