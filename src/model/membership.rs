//! Which declared target groups a service can be in at present, and which it is in: one decision
//! for all layers.

use super::arn::is_arn;
use super::desired::DesiredComponent;
use super::observed::{ObservedService, ObservedState, ObservedTarget, Seen};
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
    groups.iter().any(|group| arn_of(observed, group).is_some_and(|arn| !present.contains(arn)))
}

/// Which groups of one entry of `loadBalancers`, the declared one and its alternate, the tasks of
/// the service are in: those that its service revision is resolved to. All of them, for either may
/// hold the tasks, while they are of several revisions or ECS does not say.
///
/// Source: ECS API, ServiceRevision.resolvedConfiguration.
///
/// # Errors
/// A group, when the revision could not be read: then it is not known which one serves.
pub fn serving_groups<'g>(
    component: &DesiredComponent,
    observed: &ObservedState,
    groups: &[&'g str],
) -> Result<Vec<&'g str>, &'g str> {
    let all = || Ok(groups.to_vec());
    let [first, _, ..] = groups else { return all() };
    match observed.serving_groups.get(&component.name) {
        Some(Seen::Unknown(_)) => Err(first),
        Some(Seen::Absent | Seen::NotRead) | None => all(),
        Some(Seen::Present(resolved)) => {
            let serves = |group: &&&str| arn_of(observed, group).is_some_and(|arn| resolved.contains(arn));
            let serving: Vec<&str> = groups.iter().filter(serves).copied().collect();
            // In none of those that are declared: they say nothing better.
            if serving.is_empty() { all() } else { Ok(serving) }
        }
    }
}

/// The targets in the [`serving_groups`] of one entry of `loadBalancers`, without those that are on
/// their way out.
///
/// # Errors
/// The group of which the targets were not seen, or of which it is not known whether it serves.
pub fn targets_behind<'o, 'g>(
    component: &DesiredComponent,
    observed: &'o ObservedState,
    groups: &[&'g str],
) -> Result<Vec<&'o ObservedTarget>, &'g str> {
    let mut all = Vec::new();
    for group in serving_groups(component, observed, groups)? {
        let Some(Seen::Present(targets)) = observed.targets.get(group) else { return Err(group) };
        all.extend(targets.iter().filter(|target| !target.is_draining()));
    }
    Ok(all)
}

/// ARN of a group that is named by it, or by the key of one that is there.
fn arn_of<'a>(observed: &'a ObservedState, group: &'a str) -> Option<&'a str> {
    if is_arn(group) {
        return Some(group);
    }
    let id = ResourceId::new(ResourceKind::TargetGroup, group);
    observed.resources.get(&id).and_then(Seen::present).map(|managed| managed.arn.as_str())
}
