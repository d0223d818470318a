//! Stale targets: addresses in one of our target groups that belong to no task of the service
//! behind it.
//!
//! ECS registers and deregisters targets itself. One is left when a deregistration was lost
//! or when someone registered an address by hand; traffic sent there fails. It is taken out only
//! when everything about it was seen: the group is ours and of type `ip`, every service behind the
//! group is steady, and all of its tasks are listed with their addresses. And since lists of tasks
//! lag behind what runs, it must have been so for some time: a task is shown long before that.

use super::{Draft, seen};
use crate::model::call::{Call, Verb};
use crate::model::desired::Workload;
use crate::model::kinds::DriftPolicy;
use crate::model::observed::{ObservedResource, ObservedTarget, Seen};
use crate::model::plan::{FieldChange, Impact, Ownership, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::service_deployment::groups_of;
use jiff::SignedDuration;
use serde_json::json;
use std::collections::BTreeSet;

/// An address that has been without a task for this long has none.
pub(crate) const STALE_AFTER: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (key, targets) in &input.observed.targets {
        let id = ResourceId::new(ResourceKind::TargetGroup, key.as_str());
        let (Some(targets), Some(group)) =
            (targets.present(), seen(&input.observed.resources, &id).present())
        else {
            continue;
        };
        let ours = draft.owner(&id, &group.arn, &group.tags).is_ours();
        if !ours || group.fields["targetType"] != "ip" {
            continue;
        }
        if let Some(addresses) = task_addresses(draft, group) {
            let stale = stale_targets(targets, &addresses);
            draft.stale_targets.insert(key.clone(), stale.iter().map(|target| name(target)).collect());
            let since = input.rollout.resources.get(&id).map(|known| &known.stale_targets);
            let is_sure = |target: &&ObservedTarget| {
                let since = since.and_then(|since| since.get(&name(target)));
                since.is_some_and(|since| input.now.duration_since(*since) >= STALE_AFTER)
            };
            deregister(draft, &id, group, stale.into_iter().filter(is_sure).collect());
        }
    }
}

fn name(target: &ObservedTarget) -> String {
    format!("{}:{}", target.id, target.port)
}

fn stale_targets<'t>(targets: &'t [ObservedTarget], addresses: &BTreeSet<&str>) -> Vec<&'t ObservedTarget> {
    let gone = targets.iter().filter(|target| !target.is_draining());
    // A healthy one answers: whoever registered it, it is nobody's left-over.
    gone.filter(|target| target.state != "healthy" && !addresses.contains(target.id.as_str())).collect()
}

/// Addresses of all tasks of all services behind a group; `None` while they are not all known, or
/// when there is no service.
fn task_addresses<'o>(draft: &Draft<'o>, group: &ObservedResource) -> Option<BTreeSet<&'o str>> {
    let observed = draft.input.observed;
    let mut addresses = BTreeSet::new();
    let mut behind = 0;
    for (name, component) in &draft.input.desired.components {
        let declares = matches!(component.workload, Workload::Service { .. });
        let service = match seen(&observed.services, name) {
            Seen::Present(service) => service,
            Seen::Absent => continue,
            Seen::NotRead | Seen::Unknown(_) if declares => return None,
            Seen::NotRead | Seen::Unknown(_) => continue,
        };
        // Its tasks may be in the alternate one as well.
        if !groups_of(&service.fields).contains(group.arn.as_str()) {
            continue;
        }
        let tasks = seen(&observed.tasks, name).present()?;
        let running: Vec<_> = tasks.iter().filter(|task| !task.is_stopped()).collect();
        let complete = service.is_steady()
            && running.len() == service.running as usize
            && running.iter().all(|task| !task.addresses.is_empty());
        if !complete {
            return None;
        }
        behind += 1;
        addresses.extend(running.iter().flat_map(|task| &task.addresses).map(String::as_str));
    }
    (behind > 0).then_some(addresses)
}

fn deregister(draft: &mut Draft<'_>, id: &ResourceId, group: &ObservedResource, stale: Vec<&ObservedTarget>) {
    let policy = draft.policy(id, "targets");
    if stale.is_empty() || policy == DriftPolicy::Ignore {
        return;
    }
    let mut targets: Vec<(String, u16)> =
        stale.iter().map(|target| (target.id.clone(), target.port)).collect();
    targets.sort();
    let mut names: Vec<String> = stale.iter().map(|target| name(target)).collect();
    names.sort();
    let change = FieldChange {
        path: "targets".to_owned(),
        old: json!(names),
        new: json!([]),
        owner: Ownership::Delegated,
        impact: Impact::None,
    };
    draft.report_drift(id, Some(change.clone()), policy == DriftPolicy::Repair);
    if policy == DriftPolicy::Repair {
        let call = Call::DeregisterTargets { arn: group.arn.clone(), targets };
        draft.act(id, Verb::Deregister, call, Reason::StaleTarget, vec![change]);
    }
}
