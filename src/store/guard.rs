//! Whether the removal of documents is believed: an emptied folder and a failed clone look just like a person's wish.

use crate::model::ids::DeploymentName;
use std::collections::BTreeSet;

/// Decides which vanished documents may be treated as removed.
///
/// Pure and without memory: the names known before come from the state store, so a restart changes nothing, and the verdict
/// changes by itself once the documents are back or a person has confirmed.
///
/// **The rule**: when at least two documents have vanished and they are more than half of those known, none of them is pruned.
/// One that vanishes alone is always believed, even when it was the only one: that is what people do by hand.
/// Documents whose removal a person confirmed do not count and are always believed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PruneGuard;

/// What the guard decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Names that may be treated as removed.
    pub prune: BTreeSet<DeploymentName>,
    /// Names that are gone from the store but kept as they are.
    pub held: BTreeSet<DeploymentName>,
    /// Why pruning is held, with what to do; `None` when it is not.
    pub because: Option<String>,
}

impl PruneGuard {
    /// Compares the names `known` before (not those already treated as removed) with those `seen` now (broken documents count as
    /// seen); `confirmed` are those whose removal a person confirmed.
    pub fn judge(
        known: &BTreeSet<DeploymentName>,
        seen: &BTreeSet<DeploymentName>,
        confirmed: &BTreeSet<DeploymentName>,
    ) -> Verdict {
        let gone: BTreeSet<_> = known.difference(seen).cloned().collect();
        let (mut prune, doubtful): (BTreeSet<_>, BTreeSet<_>) =
            gone.into_iter().partition(|name| confirmed.contains(name));
        let counted = known.len() - prune.len();
        if doubtful.len() < 2 || doubtful.len() * 2 <= counted {
            prune.extend(doubtful);
            return Verdict { prune, ..Verdict::default() };
        }
        let because = format!(
            "{} of {counted} documents vanished at once, so none of them is treated as removed; \
             bring them back, or confirm each with `ctl delete NAME --confirm NAME`",
            doubtful.len()
        );
        Verdict { prune, held: doubtful, because: Some(because) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<DeploymentName> {
        list.iter().map(|name| DeploymentName::from(*name)).collect()
    }

    fn judge(known: &[&str], seen: &[&str], confirmed: &[&str]) -> Verdict {
        PruneGuard::judge(&names(known), &names(seen), &names(confirmed))
    }

    #[test]
    fn one_document_removed_by_hand_is_believed_whatever_the_count() {
        assert_eq!(judge(&["a"], &[], &[]).prune, names(&["a"]));
        assert_eq!(judge(&["a", "b"], &["a"], &[]).prune, names(&["b"]));
        assert_eq!(judge(&["a", "b", "c"], &["a", "b"], &[]).prune, names(&["c"]));
    }

    #[test]
    fn half_is_believed_and_more_than_half_is_not() {
        assert_eq!(judge(&["a", "b", "c", "d"], &["a", "b"], &[]).held, names(&[]));
        let verdict = judge(&["a", "b", "c"], &["a"], &[]);
        assert_eq!((verdict.prune, verdict.held), (names(&[]), names(&["b", "c"])));
        assert!(verdict.because.expect("a reason").starts_with("2 of 3 documents vanished at once"));
    }

    #[test]
    fn an_emptied_folder_of_two_is_held() {
        assert_eq!(judge(&["a", "b"], &[], &[]).held, names(&["a", "b"]));
    }

    #[test]
    fn confirmed_removals_are_believed_and_do_not_count() {
        let verdict = judge(&["a", "b", "c"], &["a"], &["b"]);
        assert_eq!(verdict.prune, names(&["b", "c"]));
        let verdict = judge(&["a", "b", "c", "d"], &[], &["d"]);
        assert_eq!((verdict.prune, verdict.held), (names(&["d"]), names(&["a", "b", "c"])));
    }

    #[test]
    fn a_rename_of_everything_is_held() {
        assert_eq!(judge(&["a", "b"], &["c", "d"], &[]).held, names(&["a", "b"]));
    }

    #[test]
    fn new_documents_hold_nothing() {
        assert_eq!(judge(&["a"], &["a", "b", "c"], &[]), Verdict::default());
    }
}
