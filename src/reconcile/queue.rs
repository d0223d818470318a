//! Which deployment is due when: keyed, deduplicating, never two passes of one deployment at a
//! time.

use super::schedule::Trigger;
use crate::model::ids::DeploymentName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// A queue of names. Adding a name that is already there only ever makes it due earlier; a name
/// that is in a pass is kept back until the pass has ended.
#[derive(Debug, Default)]
pub struct Queue {
    due: BTreeMap<DeploymentName, Due>,
    order: BTreeSet<(Instant, DeploymentName)>,
    busy: BTreeSet<DeploymentName>,
}

/// When a name is due and why, and from when on it may join a batch of others.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    from: Instant,
    trigger: Trigger,
}

impl Queue {
    /// Makes a name due at an instant, or earlier when it already is; the earlier trigger stays.
    /// `slack` lets it join a batch this much before it is due.
    pub fn add(&mut self, name: DeploymentName, at: Instant, slack: Duration, trigger: Trigger) {
        let mut due = Due { at, from: at.checked_sub(slack).unwrap_or(at), trigger };
        if let Some(known) = self.due.get(&name) {
            self.order.remove(&(known.at, name.clone()));
            due.from = due.from.min(known.from);
            if known.at <= due.at {
                (due.at, due.trigger) = (known.at, known.trigger);
            }
        }
        self.due.insert(name.clone(), due);
        self.order.insert((due.at, name));
    }

    /// Forgets a name; the answer is what it was due for.
    pub fn remove(&mut self, name: &DeploymentName) -> Option<Trigger> {
        let due = self.due.remove(name)?;
        self.order.remove(&(due.at, name.clone()));
        Some(due.trigger)
    }

    /// When the next name that is not being worked on is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.order.iter().find(|(_, name)| !self.busy.contains(name)).map(|(at, _)| *at)
    }

    /// Takes up to `most` names that are alike: the first one is due and decides, `alike` picks the
    /// rest of its batch among those that are due or may be taken early. What is taken is busy
    /// until [`Queue::done`].
    pub fn take(
        &mut self,
        now: Instant,
        most: usize,
        alike: impl Fn(&DeploymentName, &DeploymentName) -> bool,
    ) -> Vec<(DeploymentName, Trigger)> {
        let mut taken: Vec<DeploymentName> = Vec::new();
        for (at, name) in &self.order {
            if taken.len() == most || (taken.is_empty() && *at > now) {
                break;
            }
            let may_be_taken = !self.busy.contains(name) && self.due[name].from <= now;
            if may_be_taken && taken.first().is_none_or(|first| alike(first, name)) {
                taken.push(name.clone());
            }
        }
        let mut batch = Vec::with_capacity(taken.len());
        for name in taken {
            self.busy.insert(name.clone());
            if let Some(trigger) = self.remove(&name) {
                batch.push((name, trigger));
            }
        }
        batch
    }

    /// Gives a name back after its pass.
    pub fn done(&mut self, name: &DeploymentName) {
        self.busy.remove(name);
    }

    /// How many names wait or are worked on.
    pub fn len(&self) -> usize {
        self.due.len() + self.busy.iter().filter(|name| !self.due.contains_key(*name)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue in which these names are due after so many seconds, with this slack.
    fn queue(start: Instant, names: &[(&str, u64)], slack: u64) -> Queue {
        let mut queue = Queue::default();
        for (name, seconds) in names {
            queue.add((*name).into(), at(start, *seconds), Duration::from_secs(slack), Trigger::Resync);
        }
        queue
    }

    fn names(batch: Vec<(DeploymentName, Trigger)>) -> Vec<DeploymentName> {
        batch.into_iter().map(|(name, _)| name).collect()
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn adding_again_only_makes_a_name_due_earlier() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a", 5), ("a", 9)], 0);
        assert_eq!(queue.next_due(), Some(at(start, 5)));
        queue.add("a".into(), at(start, 1), Duration::ZERO, Trigger::Resync);
        assert_eq!(queue.next_due(), Some(at(start, 1)));
        assert_eq!(names(queue.take(at(start, 2), 10, |_, _| true)), vec!["a".into()]);
        assert_eq!(queue.next_due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_taken_for_the_reason_that_made_it_due_first() {
        let start = Instant::now();
        for (seconds, trigger) in [(4, Trigger::Declaration), (6, Trigger::Resync)] {
            let mut queue = queue(start, &[("a", 5)], 0);
            queue.add("a".into(), at(start, seconds), Duration::ZERO, Trigger::Declaration);
            assert_eq!(queue.take(at(start, 5), 10, |_, _| true), vec![("a".into(), trigger)]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_in_work_is_kept_back_until_it_is_given_back() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a", 0)], 0);
        assert_eq!(queue.take(start, 1, |_, _| true).len(), 1);
        queue.add("a".into(), start, Duration::ZERO, Trigger::Resync);
        assert!(queue.take(start, 1, |_, _| true).is_empty());
        queue.done(&"a".into());
        assert_eq!(queue.take(start, 1, |_, _| true).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_holds_only_what_is_alike_and_due() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a1", 0), ("b1", 0), ("a2", 1), ("a3", 9)], 0);
        let taken = queue.take(at(start, 2), 10, |a, b| a.as_str()[..1] == b.as_str()[..1]);
        assert_eq!(names(taken), vec!["a1".into(), "a2".into()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_join_a_batch_early_but_never_makes_one_by_itself() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a", 4), ("b", 5), ("c", 9)], 3);
        assert!(queue.take(at(start, 3), 10, |_, _| true).is_empty());
        assert_eq!(names(queue.take(at(start, 4), 10, |_, _| true)), vec!["a".into(), "b".into()]);
        assert_eq!(queue.next_due(), Some(at(start, 9)));
    }
}
