//! What a record says of one resource.

use super::canonical::{canonical_json, content_hash};
use super::ids::{ComponentName, ContentHash, Generation};
use super::plan::Drift;
use super::resource::{ResourceId, ResourceKind};
use super::rollout::{ComponentRollout, RolloutState, SecretVersion};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// What is known of one resource from earlier passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRecord {
    /// ARN of what was created or adopted, so that it is found again by more than its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Hash of the declared fields that it was last seen in agreement with, and ready. A difference
    /// is drift while the hash is unchanged; with a changed hash it is a change of the declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<ContentHash>,
    /// The last repair, and how often in a row it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Repairs>,
    /// Of a target group: registered addresses that belong to no task, each with the time since
    /// when that is so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stale_targets: BTreeMap<String, Timestamp>,
}

impl ResourceRecord {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A repair of a resource that was done, and was needed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repairs {
    /// What was written: fields and values.
    pub what: ContentHash,
    /// How often in a row.
    pub times: u32,
    /// When last.
    pub at: Timestamp,
}

impl Repairs {
    /// So often it is written at once.
    const FREE: u32 = 3;
    /// What follows waits as long as this, and twice as long each time, up to [`Self::LONGEST`].
    const SHORTEST: SignedDuration = SignedDuration::from_mins(5);
    const LONGEST: SignedDuration = SignedDuration::from_hours(6);
    /// What lasted so much longer than the wait before it was no part of a fight.
    const LASTED: SignedDuration = SignedDuration::from_hours(1);

    /// What a list of drift puts right on a resource; `None` when nothing.
    pub fn wanted(drift: &[Drift], resource: &ResourceId) -> Option<ContentHash> {
        let repaired = drift.iter().filter(|drift| drift.resource == *resource && drift.repaired);
        let mut fields: Vec<(&str, String)> = repaired
            .map(|drift| match &drift.change {
                Some(change) => (change.path.as_str(), canonical_json(&change.new)),
                None => ("", String::new()),
            })
            .collect();
        fields.sort();
        (!fields.is_empty()).then(|| content_hash(&json!(fields)))
    }

    /// How it stands after one more repair.
    pub fn and_again(before: Option<&Self>, what: ContentHash, at: Timestamp) -> Self {
        let same = before.filter(|before| before.what == what && at <= before.held_until() + Self::LASTED);
        Self { what, times: same.map_or(1, |before| before.times.saturating_add(1)), at }
    }

    /// Before when it is not written again. Never later than the longest wait after the last one,
    /// whatever clocks did.
    pub fn held_until(&self) -> Timestamp {
        let Some(beyond) = self.times.checked_sub(Self::FREE) else { return self.at };
        let doubled = (0..beyond).try_fold(Self::SHORTEST, |wait, _| wait.checked_mul(2));
        self.at + doubled.unwrap_or(Self::LONGEST).min(Self::LONGEST)
    }
}

/// A rollout state as it is stored, in the form of today or the one before, which had a map for
/// each thing that is known of a resource.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct StoredRollout {
    generation: Generation,
    components: BTreeMap<ComponentName, ComponentRollout>,
    secrets: BTreeMap<String, SecretVersion>,
    resources: BTreeMap<ResourceId, ResourceRecord>,
    retry: Option<String>,
    made_at: Option<Timestamp>,
    applied: BTreeMap<ResourceId, ContentHash>,
    arns: BTreeMap<ResourceId, String>,
    #[serde(alias = "strays")]
    stale_targets: BTreeMap<String, BTreeMap<String, Timestamp>>,
    repairs: BTreeMap<ResourceId, Repairs>,
}

impl From<StoredRollout> for RolloutState {
    fn from(stored: StoredRollout) -> Self {
        let StoredRollout { generation, components, secrets, resources, retry, made_at, .. } = stored;
        let mut state = Self { generation, components, secrets, resources, retry, made_at };
        for (id, hash) in stored.applied {
            state.resource_mut(&id).applied = Some(hash);
        }
        for (id, arn) in stored.arns {
            state.resource_mut(&id).arn = Some(arn);
        }
        for (id, repairs) in stored.repairs {
            state.resource_mut(&id).repairs = Some(repairs);
        }
        for (key, since) in stored.stale_targets {
            state.resource_mut(&ResourceId::new(ResourceKind::TargetGroup, key)).stale_targets = since;
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_a_map_for_each_thing_is_read() {
        let since = "2026-11-21T12:00:00Z";
        let old = json!({
            "components": {},
            "applied": {"rule/web": "d1"},
            "arns": {"rule/web": "arn:rule"},
            "repairs": {"rule/web": {"what": "h", "times": 2, "at": since}},
            "strays": {"web": {"10.0.0.9:80": since}},
        });
        let read: RolloutState = serde_json::from_value(old).unwrap();
        let rule = ResourceId::new(ResourceKind::Rule, "web");
        assert_eq!((read.arn(&rule), read.applied(&rule)), (Some("arn:rule"), Some(&"d1".into())));
        assert_eq!(read.resources[&rule].repairs.as_ref().map(|repairs| repairs.times), Some(2));
        let group = &read.resources[&ResourceId::new(ResourceKind::TargetGroup, "web")];
        assert_eq!(group.stale_targets["10.0.0.9:80"], since.parse().unwrap());
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written["resources"]["rule/web"]["arn"], "arn:rule");
        assert_eq!(serde_json::from_value::<RolloutState>(written).unwrap(), read);
    }

    #[test]
    fn a_repair_that_does_not_last_waits_longer_each_time_and_one_that_lasted_begins_anew() {
        let begin: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let mut known: Option<Repairs> = None;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let at = known.as_ref().map_or(begin, Repairs::held_until);
            let next = Repairs::and_again(known.as_ref(), "count".into(), at);
            waits.push(next.held_until().duration_since(next.at).as_mins());
            known = Some(next);
        }
        assert_eq!(waits, [0, 0, 5, 10, 20, 40, 80, 160, 320, 360, 360, 360]);
        let last = known.unwrap();
        let other = Repairs::and_again(Some(&last), "network".into(), last.at);
        assert_eq!(other.times, 1, "something else is put right");
        let later = last.held_until() + SignedDuration::from_mins(61);
        assert_eq!(Repairs::and_again(Some(&last), "count".into(), later).times, 1, "it lasted");
    }
}
