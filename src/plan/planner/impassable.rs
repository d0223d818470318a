//! Moves of services between target groups that can never be made. The two documents tell, so it is
//! told before anything is made for them.

use super::strategy::{moves_groups, moves_production};
use super::traffic::{self, Stay};
use super::{Draft, seen};
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedService, Seen};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use serde_json::json;
use std::collections::BTreeMap;

/// Why a service cannot come to a target group that is declared for it and is not there yet.
pub(super) struct Impassable {
    /// In words.
    pub(super) because: String,
    /// Whether all that is declared of the service waits for that; else it stays where it is, and
    /// the rest is done once the group is there.
    holds: bool,
}

/// Components whose service cannot come to a target group that is declared for it and is not there
/// yet.
pub(super) fn find(draft: &Draft<'_>) -> BTreeMap<ComponentName, Impassable> {
    let waits = |name: &ComponentName| {
        draft.input.resolved.components.get(name).is_some_and(|resolved| resolved.fields.is_none())
    };
    let components = draft.input.desired.components.iter().filter(|(name, _)| waits(name));
    components
        .filter_map(|(name, component)| {
            let Seen::Present(service) = seen(&draft.input.observed.services, name) else { return None };
            Some((name.clone(), why(draft, component, service)?))
        })
        .collect()
}

/// Whether a target group would be made for nobody: all that are declared to be in it wait for
/// another declaration.
pub(super) fn is_for_nobody(draft: &Draft<'_>, id: &ResourceId) -> bool {
    if id.kind != ResourceKind::TargetGroup || draft.impassable.is_empty() {
        return false;
    }
    let is_in = |component: &&DesiredComponent| {
        component.target_groups().any(|groups| groups.contains(&id.key.as_str()))
    };
    let mut users = draft.input.desired.components.values().filter(is_in).peekable();
    users.peek().is_some()
        && users.all(|component| draft.impassable.get(&component.name).is_some_and(|it| it.holds))
}

fn why(draft: &Draft<'_>, component: &DesiredComponent, service: &ObservedService) -> Option<Impassable> {
    let declared = provisional(draft, component)?;
    if let Some(because) =
        moves_groups(&declared, service).or_else(|| moves_production(draft, &declared, service))
    {
        return Some(Impassable { because, holds: false });
    }
    // Who is declared to send requests to a group that stays is not known yet.
    let is_left = |arn: &str| traffic::key_of(draft, arn).is_none();
    match traffic::stay(draft, &declared, service, false, |_| true, is_left) {
        Stay::Never(because) => Some(Impassable { because, holds: true }),
        Stay::With(..) => None,
    }
}

/// The declared fields of a service with the key of each target group and rule that is not there
/// yet where its ARN will be.
fn provisional(draft: &Draft<'_>, component: &DesiredComponent) -> Option<Tree> {
    let Workload::Service { fields, .. } = &component.workload else { return None };
    let mut fields = fields.clone();
    let arn_or_key = |kind: ResourceKind, text: &str| {
        let id = ResourceId::new(kind, text);
        let known = seen(&draft.input.observed.resources, &id).present();
        json!(known.map_or(text, |known| known.arn.as_str()))
    };
    for balancer in fields["loadBalancers"].as_array_mut()?.iter_mut().filter_map(Tree::as_object_mut) {
        if let Some(key) = balancer.remove("targetGroup") {
            let arn = arn_or_key(ResourceKind::TargetGroup, key.as_str()?);
            balancer.insert("targetGroupArn".to_owned(), arn);
        }
        let Some(advanced) = balancer.get_mut("advancedConfiguration").and_then(Tree::as_object_mut) else {
            continue;
        };
        for (member, kind) in [
            ("alternateTargetGroupArn", ResourceKind::TargetGroup),
            ("productionListenerRule", ResourceKind::Rule),
        ] {
            if let Some(text) = advanced.get(member).and_then(Tree::as_str) {
                let arn = arn_or_key(kind, text);
                advanced.insert(member.to_owned(), arn);
            }
        }
    }
    Some(fields)
}
