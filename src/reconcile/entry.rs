//! What the controller keeps in memory of one deployment.

use crate::model::condition::ConditionType;
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::handover::GivenUp;
use crate::model::ids::Generation;
use crate::model::kinds::{DeletionPolicy, DocumentText};
use crate::model::observed::Depth;
use crate::model::request::Request;
use crate::model::rollout::Phase;
use crate::model::status::{Record, Source};
use crate::observed::ServicesHash;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The declaration in force: the newest valid one.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The document as canonical JSON.
    pub document: DocumentText,
    /// What should be.
    pub desired: DesiredState,
    /// Where it stands.
    pub source: Source,
    /// Its warnings, and the errors of a newer edit that was refused.
    pub findings: Vec<Finding>,
    /// Generation of the newest edit, refused or not.
    pub newest_generation: Generation,
    /// Since when the store no longer holds it.
    pub removed_at: Option<Timestamp>,
    /// Whether the store no longer holds it and that is not believed.
    pub doubted: bool,
    /// Whether a person confirmed that its data may be deleted.
    pub deletion_confirmed: bool,
    /// What else people ask for. The end of a pause is in `desired` already.
    pub requests: Vec<Request>,
    /// What earlier versions of it claimed and it does not, by ARN.
    pub given_up: BTreeMap<String, GivenUp>,
}

impl Declaration {
    /// Whether what was made for it is to be removed.
    pub fn is_teardown(&self) -> bool {
        self.removed_at.is_some() && self.desired.deletion_policy == DeletionPolicy::Delete
    }

    /// Whether it is removed and everything stays: nothing is read or written any more.
    pub fn is_orphaned(&self) -> bool {
        self.removed_at.is_some() && !self.is_teardown()
    }
}

/// One deployment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The declaration in force; shared, so that it is still known while a pass has the entry.
    pub declared: Arc<Declaration>,
    /// Its record.
    pub record: Record,
    /// Whether the record says more than the saved one: saving it failed.
    pub unsaved: bool,
    /// Passes in a row that were held.
    pub held: u32,
    /// Light passes since the last full one.
    pub light: u32,
    /// Whether the next pass must be full whatever the rest says: first pass, changed declaration,
    /// or its turn has come.
    pub full_next: bool,
    /// What the next pass need not read again, while a rollout is under way: the text of a
    /// [`Kept`](crate::observed::Kept).
    pub kept: Option<Box<str>>,
    /// The services as the last pass saw them that had nothing to do, as a hash: a light pass that
    /// sees the same has nothing to compute.
    pub at_rest: Option<ServicesHash>,
    /// The services as the last full look saw them while all that was left to do was ECS's, and
    /// when: as long as they look like that ([`ServicesHash::of_rolling`]), it goes on.
    pub rolling: Option<(ServicesHash, Timestamp)>,
}

/// A rollout is looked at in full at least this often, whatever its services look like.
const ROLLS_UNSEEN: SignedDuration = SignedDuration::from_secs(60);

impl Entry {
    /// A deployment that no pass has looked at yet.
    pub fn new(declared: Arc<Declaration>, record: Record) -> Self {
        let (kept, at_rest, rolling) = (None, None, None);
        Self { declared, record, unsaved: false, held: 0, light: 0, full_next: true, kept, at_rest, rolling }
    }

    /// Puts another declaration in force: nothing of what was seen for the last one is kept.
    pub fn declare(&mut self, declared: Arc<Declaration>) {
        self.declared = declared;
        self.full_next = true;
        (self.kept, self.at_rest, self.rolling) = (None, None, None);
    }

    /// The services as they look while ECS is at work, if that was seen lately and there is nothing
    /// else to see to.
    pub fn rolling(&self, now: Timestamp) -> Option<ServicesHash> {
        let asked = !self.declared.requests.is_empty() || self.declared.desired.suspend.is_some();
        if asked || self.unsaved || self.full_next || self.declared.is_teardown() {
            return None;
        }
        let fresh = |at: Timestamp| (SignedDuration::ZERO..ROLLS_UNSEEN).contains(&now.duration_since(at));
        self.rolling.filter(|(_, at)| fresh(*at)).map(|(seen, _)| seen)
    }

    /// How deep the next pass is, given whether the fleet is so small that every pass is full.
    pub fn depth(&self, always_in_full: bool, now: Timestamp) -> Depth {
        if !always_in_full && self.rolling(now).is_some() {
            return Depth::Light;
        }
        let rollout = &self.record.rollout;
        let complete = !rollout.components.is_empty()
            && rollout.components.len() == self.declared.desired.components.len()
            && rollout.components.values().all(|component| matches!(component.phase, Phase::Complete { .. }));
        let settled = rollout.generation == self.declared.desired.generation
            && rollout.secrets.values().all(|secret| secret.pending.is_none())
            && self.record.status.as_ref().is_some_and(|status| status.is(ConditionType::Ready));
        if always_in_full || self.full_next || !complete || !settled || self.held > 0 {
            Depth::Full
        } else {
            Depth::Light
        }
    }

    /// How long a suspension still lasts, while it does: it ends at its time, not at some
    /// resync after it.
    pub fn pause_left(&self, now: Timestamp) -> Option<Duration> {
        let pause = self.declared.desired.suspend.as_ref()?;
        let left = pause.until.duration_since(now);
        left.is_positive().then(|| left.unsigned_abs())
    }
}
