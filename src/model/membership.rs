//! Which declared target groups a service can be in at present: one decision for all layers.

use super::desired::DesiredComponent;
use super::observed::{ObservedService, ObservedState, Seen};
use super::resource::{ResourceId, ResourceKind};
use super::service_deployment::{groups_of, shifts_traffic};

/// Whether a service stays out of declared target groups because ECS shifts its traffic between
/// others: what is in them says nothing of it then. Groups are named by key, or by ARN where they
/// are not managed here.
pub fn stays_out_of(
    component: &DesiredComponent,
    service: &ObservedService,
    observed: &ObservedState,
    groups: &[&str],
) -> bool {
    let present = groups_of(&service.fields);
    if present.is_empty() || !component.is_traffic_shifted() || !shifts_traffic(&service.fields) {
        return false;
    }
    groups.iter().any(|group| {
        let id = ResourceId::new(ResourceKind::TargetGroup, *group);
        let managed = observed.resources.get(&id).and_then(Seen::present);
        managed.is_some_and(|managed| !present.contains(managed.arn.as_str()))
    })
}
