//! What of the differences from AWS is drift: not what the document changed, nor what was asked for
//! on the way to an edit that is not declared any more.

use super::{Draft, PlanInput};
use crate::model::ids::{ContentHash, DeploymentName};
use crate::model::last_applied::LastApplied;
use crate::model::resource::{Part, ResourceId, ResourceKind, TAG_OWNER, Tree};
use crate::model::resource_record::{ResourceRecord, SentField};
use crate::model::tree_text::TreeText;
use crate::plan::compare::same;
use crate::plan::diff::{differences, tag_differences};
use crate::plan::row::Difference;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a declared resource from when it was last in agreement.
pub(super) struct Baseline<'a> {
    input: PlanInput<'a>,
    kind: ResourceKind,
    known: Option<&'a ResourceRecord>,
    /// Whether all of its declaration is as it was then.
    unchanged: bool,
    /// Its fields as they are declared now; of a revision none, for they are those of its content.
    fields: Option<&'a Tree>,
    /// Fields whose declaration is another one than then, once that was asked for; unknown in a
    /// record of a version before.
    changed: OnceCell<Option<BTreeSet<String>>>,
    /// What was changed otherwise than by an edit, and by nobody else.
    moved: BTreeSet<String>,
}

impl<'a> Baseline<'a> {
    /// Whether a difference is drift: the field is declared as when AWS was last seen in agreement,
    /// and was not sent since. One of a document that was never in force is a change.
    ///
    /// The owner tag is drift only where nothing else is to be written: what is ours gets it back
    /// before anything is.
    pub fn is_drift(&self, difference: &Difference) -> bool {
        let change = &difference.change;
        if change.path.strip_prefix("tags.") == Some(TAG_OWNER) {
            // What comes over from another document has that one's tag on.
            let before = change.old.as_str();
            let comes = |from: &DeploymentName| Some(from.as_str()) == before;
            let is_new = self.moved.contains(&change.path);
            return self.is_settled() && !is_new && !self.input.desired.handover.from.values().any(comes);
        }
        // Until it is in force, an answer may have been lost, and for minutes more what is shown
        // may be old.
        if let Some(sent) = self.sent(difference) {
            let is_left = sent.is_left_by_ecs() && shows(difference, &sent.value);
            if is_left || !sent.agreed || self.may_be_old(sent, difference) {
                return false;
            }
        }
        self.is_declared_as_before(&change.path)
    }

    /// Whether a field is declared as when AWS was last seen in agreement.
    fn is_declared_as_before(&self, path: &str) -> bool {
        let changed = || self.changed().map_or(!self.unchanged, |changed| changed.contains(path));
        !self.moved.contains(path) && !changed()
    }

    /// Whether nothing tells a difference that somebody made from one that AWS shows late: what was
    /// sent last was seen in force, and what stood there before it is shown again.
    pub fn is_unclear(&self, difference: &Difference) -> bool {
        let unclear = |sent: &SentField| {
            let is_back = shows(difference, &sent.before) && !shows(difference, &sent.value);
            sent.agreed && sent.is_fresh(self.input.now) && is_back
        };
        self.sent(difference).is_some_and(unclear) && self.is_declared_as_before(&difference.change.path)
    }

    fn sent(&self, difference: &Difference) -> Option<&SentField> {
        self.known?.sent_fields.get(&difference.change.path).map(AsRef::as_ref)
    }

    fn may_be_old(&self, sent: &SentField, difference: &Difference) -> bool {
        sent.is_fresh(self.input.now) && (shows(difference, &sent.value) || shows(difference, &sent.before))
    }

    /// This baseline, for a field that was changed otherwise than by an edit, and by nobody else.
    pub fn with_change(mut self, path: &str) -> Self {
        self.moved.insert(path.to_owned());
        self
    }

    fn changed(&self) -> Option<&BTreeSet<String>> {
        self.changed.get_or_init(|| self.compare()).as_ref()
    }

    fn compare(&self) -> Option<BTreeSet<String>> {
        let applied = self.known.and_then(|known| known.last_applied.as_ref());
        // References are what AWS takes: what is made anew has another ARN, and nobody edited.
        let mut changed = match (applied, self.fields) {
            (Some(applied), Some(fields)) => changed_paths(
                |one, other| differences(self.kind, one, other, &BTreeSet::new()),
                fields,
                &applied.fields(),
            ),
            (None, Some(_)) => return None,
            _ => BTreeSet::new(),
        };
        let before = applied.map(LastApplied::tags).unwrap_or_default();
        let tags = &self.input.desired.tags;
        changed.extend(changed_paths(|one, other| tag_differences(self.kind, one, other), tags, &before));
        Some(changed)
    }

    /// Whether the declaration is the one that was last in agreement, and nothing was sent since.
    pub fn is_settled(&self) -> bool {
        self.unchanged && self.known.is_none_or(|known| sent_since(known).next().is_none())
    }
}

/// Whether AWS shows this of a field.
fn shows(difference: &Difference, value: &TreeText) -> bool {
    same(difference.row.compare, &difference.change.old, &value.tree())
}

/// What was sent since the last agreement; the revision of a service is the rollout's.
fn sent_since(known: &ResourceRecord) -> impl Iterator<Item = &String> {
    let open = known.sent_fields.iter().filter(|(path, sent)| !sent.agreed && *path != "taskDefinition");
    open.map(|(path, _)| path)
}

impl<'a> Draft<'a> {
    /// What is known of a declared resource or service from when it was last in agreement.
    pub(super) fn baseline(&self, id: &ResourceId, declared: &ContentHash) -> Baseline<'a> {
        let input = self.input;
        let known = input.rollout.resources.get(id).map(AsRef::as_ref);
        // What stands under the key by now may be another one than the recorded one.
        let seen = input.observed.seen(id);
        let shown = seen.present();
        let is_it = |known: &&ResourceRecord| {
            shown.as_ref().is_none_or(|shown| known.arn.as_deref() == Some(shown.arn))
        };
        // What comes over from another document was that one's last, whatever it was here before.
        let comes = shown.as_ref().is_some_and(|shown| self.comes_over(shown.arn, shown.tags));
        let known = known.filter(is_it).filter(|_| !comes);
        let unchanged = known.is_some_and(|known| known.applied.as_ref() == Some(declared));
        Baseline {
            input,
            kind: id.kind,
            known,
            unchanged,
            fields: self.declared_fields(id),
            changed: OnceCell::new(),
            moved: BTreeSet::new(),
        }
    }

    /// Whether something comes over from another document and has that one's tag on as yet.
    pub(super) fn comes_over(&self, arn: &str, tags: &BTreeMap<String, String>) -> bool {
        let from = self.input.desired.handover.from.get(arn);
        from.is_some_and(|from| tags.get(TAG_OWNER).is_some_and(|owner| owner == from.as_str()))
    }

    /// Whether nothing of a declaration was edited since it was last in agreement.
    pub(super) fn is_settled(&self, id: &ResourceId, declared: &ContentHash) -> bool {
        self.baseline(id, declared).is_settled()
    }

    /// What is known of the revision of a component: its own tags are as they were made, whatever
    /// is declared.
    pub(super) fn baseline_of_revision(&self, id: &ResourceId) -> Baseline<'a> {
        Baseline {
            input: self.input,
            kind: id.kind,
            known: self.input.rollout.resources.get(id).map(AsRef::as_ref),
            unchanged: true,
            fields: None,
            changed: OnceCell::new(),
            moved: BTreeSet::new(),
        }
    }

    /// Whether a resource was asked to be deleted by us, and nothing was seen of it since.
    pub(super) fn is_deleted_by_us(&self, id: &ResourceId) -> bool {
        self.input.rollout.is_deleted_by_us(id, self.input.now)
    }

    fn declared_fields(&self, id: &ResourceId) -> Option<&'a Tree> {
        let resolved = self.input.resolved;
        match id.kind.part() {
            Part::Service => resolved.components.get(id.key.as_str())?.fields.as_ref(),
            Part::Resource | Part::TaskDefinition | Part::Task => resolved.resources.get(id)?.fields.as_ref(),
        }
    }
}

/// Paths in which two declarations differ, whichever of them leaves something out.
fn changed_paths<T>(differences: impl Fn(&T, &T) -> Vec<Difference>, one: &T, other: &T) -> BTreeSet<String> {
    let found = [differences(one, other), differences(other, one)];
    found.into_iter().flatten().map(|difference| difference.change.path).collect()
}
