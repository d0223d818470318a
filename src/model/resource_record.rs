//! What a record says of one resource.

use super::canonical::{canonical_json, content_hash};
use super::ids::ContentHash;
use super::last_applied::LastApplied;
use super::plan::Drift;
use super::resource::{ResourceId, Tree};
use super::tree_text::TreeText;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// So long after a write AWS may show what was before it.
pub const SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// What is known of one resource from earlier passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRecord {
    /// ARN of what was created or adopted, so that it is found again by more than its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Whether another document made it, and it was not seen with our tag yet: it is to come over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherited: bool,
    /// Hash of the declaration that it was last seen in agreement with, and ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<ContentHash>,
    /// That declaration itself. A field that differs from AWS and is declared as it was then was
    /// changed by somebody else: drift. One that is declared otherwise is a change of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied: Option<LastApplied>,
    /// What was asked of AWS since then, or so lately that AWS need not show it, by path of the
    /// field; null under the empty path: to delete it. Where an edit is undone before it was in
    /// force, the difference is our own, not drift. What is old goes with the next that is sent;
    /// the revision that a service was last sent stays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent_fields: BTreeMap<String, Box<SentField>>,
    /// The last repair, and how often in a row it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Box<Repairs>>,
    /// Of a target group: registered addresses that belong to no task, each with the time since
    /// when that is so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stale_targets: BTreeMap<String, Timestamp>,
    /// What need not be declared and was written, or agreed with what was declared:
    /// `capacityProviderStrategy`, `tags.team`. When it is declared no longer, it is taken away;
    /// what was never in here is somebody else's. In order, each once; not a set, which keeps room
    /// for eleven where nearly always one is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
    /// Of a service: the last update that AWS did not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Box<Refusal>>,
    /// Of a rule or listener: where its last change sent traffic. It counts while AWS may still
    /// show what was before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Box<Sent>>,
    /// Of a service: how many tasks it was to have before we scaled it to nothing, because it was
    /// declared no longer or stood in the way of its successor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_count: Option<Box<FormerCount>>,
    /// Of a task: ARN of one that was started to run for ever. To wait for its end is in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forever: Option<String>,
}

/// A field that was sent to AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentField {
    /// What was sent; null: to be removed.
    pub value: TreeText,
    /// What was shown before; null when nothing.
    pub before: TreeText,
    /// When it was sent first.
    pub at: Timestamp,
    /// Whether AWS said yes to it, or was seen in agreement since. For some minutes it may go on to
    /// show what was before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agreed: bool,
}

impl SentField {
    /// Whether AWS may still show what was before. A clock that was set back does not make it so
    /// for ever.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).abs() < SHOWN_WITHIN
    }

    /// Whether nothing was sent of the field itself: it is what ECS had made of it when ECS was
    /// told to leave it, and is so until something is sent of it.
    pub fn is_left_by_ecs(&self) -> bool {
        self.value == self.before
    }
}

/// What a service was scaled to nothing from. That the 0 is ours is known by this alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerCount {
    /// ARN of the service, which may be known by another key later.
    pub arn: String,
    /// Tasks that it was to have.
    pub count: u32,
    /// When AWS was asked for none.
    pub at: Timestamp,
}

impl ResourceRecord {
    /// Path of the whole resource among the fields that were sent: it was to be deleted.
    pub const WHOLE: &'static str = "";

    /// What need not be declared and was written by us, as far as is known: also what was asked
    /// for and is not known to be in force.
    pub fn put_on(&self) -> impl Iterator<Item = &str> {
        let asked = self.sent_fields.iter().filter(|(_, sent)| !sent.agreed).map(|(path, _)| path);
        self.written.iter().chain(asked).map(String::as_str)
    }

    /// Notes its ARN; answers another one that it had before. What that one agreed with says
    /// nothing of this one.
    pub fn set_arn(&mut self, arn: &str) -> Option<String> {
        let before = self.arn.replace(arn.to_owned()).filter(|before| before != arn);
        if before.is_some() {
            self.inherited = false;
            // Something was in agreement under this key, and it was not this.
            self.applied = self.applied.take().map(|_| ContentHash::default());
            self.last_applied = None;
            self.sent_fields.clear();
        }
        before
    }

    /// Forgets what it was in agreement with.
    pub fn forget_applied(&mut self) {
        (self.applied, self.last_applied) = (None, None);
        self.sent_fields.clear();
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An update that AWS did not take as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Hash of the declared fields that were refused.
    pub declared: ContentHash,
    /// What AWS said.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

impl Refusal {
    /// The same is asked for again only so much later: whatever was in its way may be gone.
    const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

    /// Before when it is not asked for again. One from the future was kept while the clock was
    /// ahead, and holds nothing.
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.at..self.at + Self::AGAIN_AFTER).contains(&now)
    }
}

/// Where a change of a rule or listener sent traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Weights by target group ARN.
    pub weights: BTreeMap<String, u64>,
    /// The weights that were shown before, each time that it was changed lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<BTreeMap<String, u64>>,
    /// When it was written.
    pub at: Timestamp,
}

impl Sent {
    /// The weights that actions give target groups; 1 where none is said.
    pub fn weights(actions: &Tree) -> BTreeMap<String, u64> {
        let list = |tree: &Tree| tree.as_array().cloned().unwrap_or_default();
        let groups = list(actions).into_iter().flat_map(|action| match &action["targetGroups"] {
            Tree::Array(groups) => groups.clone(),
            _ => vec![action],
        });
        let weight = |group: &Tree| group["weight"].as_u64().unwrap_or(1);
        groups
            .filter_map(|group| Some((group["targetGroupArn"].as_str()?.to_owned(), weight(&group))))
            .collect()
    }

    /// Whether what is shown may be what was before, which AWS goes on to show for a while. It is
    /// not acted on, or traffic would be sent back to where nothing serves any more. A clock that
    /// was set back does not make it wait for ever.
    pub fn may_be_of_before(&self, shown: &BTreeMap<String, u64>, now: Timestamp) -> bool {
        self.is_fresh(now) && *shown != self.weights && self.before.contains(shown)
    }

    /// Whether it was written so lately that AWS may show what was before.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).abs() < SHOWN_WITHIN
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

#[cfg(test)]
mod tests {
    use super::*;

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
