//! What a rollout under way need not read again at once.

use crate::model::desired::DesiredState;
use crate::model::ids::ComponentName;
use crate::model::observed::{ObservedDefinition, ObservedResource, ObservedSecret, ObservedState, Seen};
use crate::model::plan::Plan;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long what was seen is taken for what is: as long as AWS's own reads may lag behind.
const KEPT_FOR: SignedDuration = SignedDuration::from_secs(30);

/// What one look showed of things that ECS does not move: revisions, secrets, log groups and the
/// attributes of target groups. While tasks start, a look every five seconds asks for what moves
/// (services, tasks, targets, listeners, rules) and takes these from here.
///
/// **Guarantees**: only what was there is kept; what was absent or unknown is read again. Nothing
/// is kept that Evenkeel has written since.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    seen_at: Timestamp,
    definitions: BTreeMap<String, ObservedDefinition>,
    families: BTreeMap<ComponentName, Vec<String>>,
    secrets: BTreeMap<String, ObservedSecret>,
    log_groups: BTreeMap<String, ObservedResource>,
    /// By ARN of the target group.
    attributes: BTreeMap<String, Tree>,
}

impl Kept {
    /// What may be kept of a full look of which this plan was made, given what that look itself had
    /// taken from an earlier one: nothing, when the plan writes any of it.
    pub fn of(observed: ObservedState, earlier: Option<&Self>, plan: &Plan) -> Option<Self> {
        if Self::is_touched_by(plan) {
            return None;
        }
        let seen_at = earlier.map_or(observed.at, |earlier| earlier.seen_at);
        let (mut log_groups, mut attributes) = (BTreeMap::new(), BTreeMap::new());
        for (ResourceId { kind, key }, mut found) in present(observed.resources) {
            match kind {
                ResourceKind::LogGroup => {
                    log_groups.insert(key, found);
                }
                ResourceKind::TargetGroup => {
                    if let Some(read) = found.fields.get_mut("attributes") {
                        attributes.insert(found.arn, read.take());
                    }
                }
                ResourceKind::Listener
                | ResourceKind::Rule
                | ResourceKind::Alarm
                | ResourceKind::TaskDefinition
                | ResourceKind::Service
                | ResourceKind::Task => {}
            }
        }
        Some(Self {
            seen_at,
            definitions: present(observed.definitions),
            families: present(observed.families),
            secrets: present(observed.secrets),
            log_groups,
            attributes,
        })
    }

    /// Whether a plan writes something of what is kept: it is looked at first, for nothing is done
    /// to what was not seen in the very pass that does it.
    pub fn is_touched_by(plan: &Plan) -> bool {
        plan.actions.iter().any(|action| is_kept(action.resource.kind))
    }

    /// Itself as text: a tenth of the memory, and a fleet that starts keeps one for each
    /// deployment.
    pub fn to_text(&self) -> Option<Box<str>> {
        serde_json::to_string(self).ok().map(String::into_boxed_str)
    }

    /// What was kept as text, while it is good.
    pub fn from_text(text: &str, now: Timestamp) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|kept: &Self| kept.is_good(now))
    }

    /// Whether it is young enough to stand for what is there now. A clock that was set back makes
    /// it old.
    fn is_good(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.seen_at);
        !age.is_negative() && age < KEPT_FOR
    }

    /// A revision, by ARN.
    pub(super) fn definition(&self, arn: &str) -> Option<&ObservedDefinition> {
        self.definitions.get(arn)
    }

    /// The revisions of each family of the declaration for which it was kept.
    pub(super) fn families<'a>(
        &'a self,
        desired: &'a DesiredState,
    ) -> impl Iterator<Item = (&'a str, &'a Vec<String>)> {
        let components = desired.components.values();
        components
            .filter_map(|component| Some((component.family.as_str(), self.families.get(&component.name)?)))
    }

    /// Secrets, by id as declared.
    pub(super) fn secrets(&self) -> &BTreeMap<String, ObservedSecret> {
        &self.secrets
    }

    /// Log groups with their tags, by name.
    pub(super) fn log_groups(&self) -> &BTreeMap<String, ObservedResource> {
        &self.log_groups
    }

    /// The attributes of a target group.
    pub(super) fn attributes(&self, arn: &str) -> Option<&Tree> {
        self.attributes.get(arn)
    }
}

/// Whether something of a resource of this kind is kept.
fn is_kept(kind: ResourceKind) -> bool {
    match kind {
        ResourceKind::LogGroup | ResourceKind::TargetGroup | ResourceKind::TaskDefinition => true,
        ResourceKind::Listener
        | ResourceKind::Rule
        | ResourceKind::Alarm
        | ResourceKind::Service
        | ResourceKind::Task => false,
    }
}

fn present<K: Ord, T>(seen: BTreeMap<K, Seen<T>>) -> BTreeMap<K, T> {
    let there = seen.into_iter().filter_map(|(key, seen)| match seen {
        Seen::Present(thing) => Some((key, thing)),
        Seen::Absent | Seen::NotRead | Seen::Unknown(_) => None,
    });
    there.collect()
}
