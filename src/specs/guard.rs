//! Whether the removal of documents is believed: an emptied folder and a failed clone are just
//! like a person's wish.

use crate::model::ids::DeploymentName;
use std::collections::BTreeSet;

/// Decides which vanished documents may be treated as removed.
///
/// Pure and without memory: the names known before, and which of them were doubted, come from the
/// state store, so a restart changes nothing.
///
/// **The rule**: when at least two documents have vanished and they are more than half of those
/// known, none of them is pruned. One that vanishes alone is believed: that is what people do by
/// hand. One that a person confirmed is always believed. It counts
/// among the vanished all the same, and one that was doubted stays so until it is back or confirmed
/// itself: a word for one of them says nothing of the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct PruneGuard;

/// What the guard decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneDecision {
    /// Names that may be treated as removed.
    pub prune: BTreeSet<DeploymentName>,
    /// Names that are gone from the store but kept as they are.
    pub held: BTreeSet<DeploymentName>,
    /// Why pruning is held, with what to do; `None` when it is not.
    pub because: Option<String>,
}

impl PruneGuard {
    /// Compares the names `known` before (not those already treated as removed) with those `seen`
    /// now (broken documents count as seen); `doubted` are those of them that were held before,
    /// `confirmed` those whose removal a person confirmed.
    pub fn decide(
        known: &BTreeSet<DeploymentName>,
        doubted: &BTreeSet<DeploymentName>,
        seen: &BTreeSet<DeploymentName>,
        confirmed: &BTreeSet<DeploymentName>,
    ) -> PruneDecision {
        let gone: BTreeSet<_> = known.difference(seen).cloned().collect();
        let most = gone.len() >= 2 && gone.len() * 2 > known.len();
        let (held, prune): (BTreeSet<_>, BTreeSet<_>) = gone
            .iter()
            .cloned()
            .partition(|name| !confirmed.contains(name) && (most || doubted.contains(name)));
        let what = if most {
            format!("{} of {} documents vanished at once", gone.len(), known.len())
        } else {
            format!("the removal of {} was held before", list(&held))
        };
        let because = (!held.is_empty()).then(|| {
            format!(
                "{what}, so what nobody confirmed is not treated as removed; bring the documents back, or confirm each with \
                 `ctl delete NAME --confirm NAME`"
            )
        });
        PruneDecision { prune, held, because }
    }
}

fn list(names: &BTreeSet<DeploymentName>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<DeploymentName> {
        list.iter().map(|name| DeploymentName::from(*name)).collect()
    }

    fn decide(known: &[&str], seen: &[&str], confirmed: &[&str]) -> PruneDecision {
        PruneGuard::decide(&names(known), &names(&[]), &names(seen), &names(confirmed))
    }

    #[test]
    fn one_document_removed_by_hand_is_believed_whatever_the_count() {
        assert_eq!(decide(&["a"], &[], &[]).prune, names(&["a"]));
        assert_eq!(decide(&["a", "b"], &["a"], &[]).prune, names(&["b"]));
        assert_eq!(decide(&["a", "b", "c"], &["a", "b"], &[]).prune, names(&["c"]));
    }

    #[test]
    fn half_is_believed_and_more_than_half_is_not() {
        assert_eq!(decide(&["a", "b", "c", "d"], &["a", "b"], &[]).held, names(&[]));
        let decision = decide(&["a", "b", "c"], &["a"], &[]);
        assert_eq!((decision.prune, decision.held), (names(&[]), names(&["b", "c"])));
        assert!(decision.because.expect("a reason").starts_with("2 of 3 documents vanished at once"));
    }

    #[test]
    fn an_emptied_folder_of_two_is_held() {
        assert_eq!(decide(&["a", "b"], &[], &[]).held, names(&["a", "b"]));
    }

    #[test]
    fn confirmed_removals_are_believed_and_say_nothing_of_the_others() {
        let decision = decide(&["a", "b", "c"], &["a"], &["b"]);
        assert_eq!((decision.prune, decision.held), (names(&["b"]), names(&["c"])));
        let decision = decide(&["a", "b", "c", "d"], &[], &["d"]);
        assert_eq!((decision.prune, decision.held), (names(&["d"]), names(&["a", "b", "c"])));
        let decision = decide(&["a", "b"], &[], &["a", "b"]);
        assert_eq!((decision.prune, decision.because), (names(&["a", "b"]), None));
    }

    #[test]
    fn what_was_doubted_stays_so_until_it_is_back_or_confirmed_itself() {
        let doubted = names(&["b"]);
        // `a` vanished with it, was confirmed, and is no longer among the known ones.
        let decision = PruneGuard::decide(&names(&["b"]), &doubted, &names(&[]), &names(&[]));
        assert_eq!((decision.prune, decision.held), (names(&[]), doubted.clone()));
        assert!(decision.because.unwrap().starts_with("the removal of `b` was held before"));
        let decision = PruneGuard::decide(&names(&["b"]), &doubted, &names(&[]), &doubted);
        assert_eq!(decision.prune, doubted);
        assert_eq!(
            PruneGuard::decide(&names(&["b"]), &doubted, &doubted, &names(&[])),
            PruneDecision::default()
        );
    }

    #[test]
    fn a_rename_of_everything_is_held() {
        assert_eq!(decide(&["a", "b"], &["c", "d"], &[]).held, names(&["a", "b"]));
    }

    #[test]
    fn new_documents_hold_nothing() {
        assert_eq!(decide(&["a"], &["a", "b", "c"], &[]), PruneDecision::default());
    }
}
