//! A target group is used by one load balancer only: what stands on another one cannot forward to
//! it, not even for a moment beside the first.
//!
//! Source: ELBv2 API, errors of CreateListener, CreateRule, ModifyListener and ModifyRule
//! (`TargetGroupAssociationLimit`: the limit on the number of load balancers per target group);
//! Elastic Load Balancing user guide, "Target groups" (a target group is used with one load
//! balancer).

use super::Draft;
use crate::model::arn::load_balancer_name;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::compare::forwarded_groups;

/// Why a rule or listener cannot become what is declared: it would forward to a group that another
/// load balancer uses. In words, with what to declare instead.
pub(super) fn refused(
    draft: &Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
    present: Option<&Tree>,
) -> Option<String> {
    let balancer = balancer_of(draft, declared)?;
    let observed = draft.input.observed;
    let member = id.kind.actions_member()?;
    let mut arns = forwarded_groups(&declared[member]);
    if let Some(present) = present {
        let already = forwarded_groups(&present[member]);
        arns.retain(|arn| !already.contains(arn));
    }
    let groups = observed.all_resources().filter(|(other, _)| other.kind == ResourceKind::TargetGroup);
    let mut groups = groups.filter_map(|(_, seen)| seen.present()).filter(|group| arns.contains(&group.arn));
    let (group, other) = groups.find_map(|group| {
        let other = group.used_by.iter().find(|other| **other != balancer)?;
        (!group.used_by.contains(&balancer)).then_some((group, other))
    })?;
    let name = group.fields["name"].as_str().unwrap_or(&group.arn);
    Some(format!(
        "target group `{name}` is used by load balancer `{}`, and AWS lets a target group be used by one load balancer only; declare a \
         target group under another key for load balancer `{}` and forward to that one, with the services that are in the present one: \
         the present one then serves until the new one does",
        load_balancer_name(other),
        load_balancer_name(&balancer)
    ))
}

/// ARN of the load balancer that a listener, or the listener of a rule, is declared for.
pub(super) fn balancer_of(draft: &Draft<'_>, declared: &Tree) -> Option<String> {
    let fields = match declared["listenerArn"].as_str() {
        None => declared,
        Some(listener) => {
            let mut all = draft.input.observed.all_resources().filter_map(|(_, seen)| seen.present());
            &all.find(|found| found.arn == listener)?.fields
        }
    };
    fields["loadBalancerArn"].as_str().map(str::to_owned)
}
