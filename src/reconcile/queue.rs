//! Which deployment is due when, and which of those that are due goes first: keyed, deduplicating,
//! never two passes of one deployment at a time.
//!
//! The most urgent goes first ([`Rank`]), of these what was begun, of these what has waited
//! longest. So that nothing starves, every fifth turn is that of whatever has waited longest.

use super::rank::Rank;
use super::schedule::Trigger;
use crate::model::ids::DeploymentName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Every so many turns it is that of the longest waiting.
const TURN_OF_THE_LONGEST_WAITING: u32 = 5;

/// A queue of names. Adding a name that is already there only ever makes it due earlier and more
/// urgent; a name that is in a pass is kept back until the pass has ended.
#[derive(Debug, Default)]
pub struct Queue {
    due: BTreeMap<DeploymentName, Due>,
    order: BTreeSet<(Instant, DeploymentName)>,
    busy: BTreeSet<DeploymentName>,
    turns: u32,
}

/// When a name is due and why, and from when on it may join a batch of others.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// When it is due.
    pub at: Instant,
    /// How much earlier it may join a batch.
    pub slack: Duration,
    /// Why.
    pub trigger: Trigger,
    /// How urgent it is.
    pub rank: Rank,
}

impl Due {
    /// Due at an instant and not before.
    pub fn at(at: Instant, trigger: Trigger, rank: Rank) -> Self {
        Self { at, slack: Duration::ZERO, trigger, rank }
    }

    fn from(&self) -> Instant {
        self.at.checked_sub(self.slack).unwrap_or(self.at)
    }
}

/// A name that is taken out of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The deployment.
    pub name: DeploymentName,
    /// Why it was due.
    pub trigger: Trigger,
    /// How urgent it was.
    pub rank: Rank,
}

/// How many names a batch may have at present that begins with this one: none when there is no room
/// for it.
pub type Room<'a> = &'a dyn Fn(&DeploymentName, Rank) -> usize;

impl Queue {
    /// Makes a name due, or due earlier when it already is; the earlier trigger stays.
    pub fn add(&mut self, name: DeploymentName, mut due: Due) {
        if let Some(known) = self.due.get(&name) {
            self.order.remove(&(known.at, name.clone()));
            let from = due.from().min(known.from());
            due.rank = due.rank.min(known.rank);
            if known.at <= due.at {
                (due.at, due.trigger) = (known.at, known.trigger);
            }
            due.slack = due.at.saturating_duration_since(from);
        }
        self.order.insert((due.at, name.clone()));
        self.due.insert(name, due);
    }

    /// Forgets a name; the answer is what it was due for.
    pub fn remove(&mut self, name: &DeploymentName) -> Option<Due> {
        let due = self.due.remove(name)?;
        self.order.remove(&(due.at, name.clone()));
        Some(due)
    }

    /// When the next name is due that is not being worked on and for which there is room.
    pub fn next_due(&self, room: Room<'_>) -> Option<Instant> {
        let may = |name: &DeploymentName| !self.busy.contains(name) && room(name, self.due[name].rank) > 0;
        self.order.iter().find(|(_, name)| may(name)).map(|(at, _)| *at)
    }

    /// Takes names that are alike: the first in rank of those that are due decides, `alike` picks
    /// the rest of its batch among those of its rank that are due or may be taken early. What is
    /// taken is busy until [`Queue::done`].
    pub fn take(
        &mut self,
        now: Instant,
        room: Room<'_>,
        alike: impl Fn(&DeploymentName, &DeploymentName) -> bool,
    ) -> Vec<Taken> {
        let Some((first, most)) = self.first(now, room) else { return Vec::new() };
        self.turns = self.turns.wrapping_add(1);
        let rank = self.due[&first].rank;
        let mut taken = vec![first];
        for (_, name) in &self.order {
            if taken.len() >= most {
                break;
            }
            let due = &self.due[name];
            let may_join = due.from() <= now && due.rank == rank && !self.busy.contains(name);
            if may_join && *name != taken[0] && alike(&taken[0], name) {
                taken.push(name.clone());
            }
        }
        let mut batch = Vec::with_capacity(taken.len());
        for name in taken {
            self.busy.insert(name.clone());
            if let Some(Due { trigger, rank, .. }) = self.remove(&name) {
                batch.push(Taken { name, trigger, rank });
            }
        }
        batch
    }

    /// The first in rank that is due and for which there is room, and for how many of its rank
    /// there is; every fifth time the one of these that has waited longest.
    fn first(&self, now: Instant, room: Room<'_>) -> Option<(DeploymentName, usize)> {
        let due = self.order.iter().take_while(|(at, _)| *at <= now);
        let due = due.filter(|(_, name)| !self.busy.contains(name));
        let mut due = due.filter_map(|(at, name)| {
            let rank = self.due[name].rank;
            Some((name, (rank, *at), Some(room(name, rank)).filter(|room| *room > 0)?))
        });
        let longest_waiting = (self.turns + 1).is_multiple_of(TURN_OF_THE_LONGEST_WAITING);
        let first = if longest_waiting { due.next() } else { due.min_by_key(|(_, order, _)| *order) };
        first.map(|(name, _, room)| (name.clone(), room))
    }

    /// Gives a name back after its pass.
    pub fn done(&mut self, name: &DeploymentName) {
        self.busy.remove(name);
    }

    /// How many names wait or are worked on.
    pub fn len(&self) -> usize {
        self.due.len() + self.busy.iter().filter(|name| !self.due.contains_key(*name)).count()
    }

    /// The names that are due and not worked on, in the order in which they go if nothing else
    /// comes.
    pub fn in_line(&self, now: Instant) -> Vec<(&DeploymentName, &Due)> {
        let due = self.order.iter().take_while(|(at, _)| *at <= now);
        let due = due.filter(|(_, name)| !self.busy.contains(name));
        let mut line: Vec<_> = due.map(|(_, name)| (name, &self.due[name])).collect();
        line.sort_by_key(|(_, due)| (due.rank, due.at));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::urgency::Urgency;
    use proptest::prelude::*;

    const LOOK: Rank = Rank { urgency: Urgency::Look, unbegun: false };

    fn due(start: Instant, seconds: u64, slack: u64) -> Due {
        Due { slack: Duration::from_secs(slack), ..Due::at(at(start, seconds), Trigger::Resync, LOOK) }
    }

    /// A queue in which these names are due after so many seconds, with this slack.
    fn queue(start: Instant, names: &[(&str, u64)], slack: u64) -> Queue {
        let mut queue = Queue::default();
        for (name, seconds) in names {
            queue.add((*name).into(), due(start, *seconds, slack));
        }
        queue
    }

    fn take(queue: &mut Queue, now: Instant) -> Vec<DeploymentName> {
        names(queue.take(now, &|_, _| 10, |_, _| true))
    }

    fn names(batch: Vec<Taken>) -> Vec<DeploymentName> {
        batch.into_iter().map(|taken| taken.name).collect()
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn adding_again_only_makes_a_name_due_earlier() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a", 5), ("a", 9)], 0);
        assert_eq!(queue.next_due(&|_, _| 1), Some(at(start, 5)));
        queue.add("a".into(), due(start, 1, 0));
        assert_eq!(queue.next_due(&|_, _| 1), Some(at(start, 1)));
        assert_eq!(take(&mut queue, at(start, 2)), vec!["a".into()]);
        assert_eq!(queue.next_due(&|_, _| 1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_taken_for_the_reason_that_made_it_due_first() {
        let start = Instant::now();
        for (seconds, trigger) in [(4, Trigger::Declaration), (6, Trigger::Resync)] {
            let mut queue = queue(start, &[("a", 5)], 0);
            queue.add("a".into(), Due { trigger: Trigger::Declaration, ..due(start, seconds, 0) });
            let taken = queue.take(at(start, 5), &|_, _| 10, |_, _| true);
            assert_eq!(taken, vec![Taken { name: "a".into(), trigger, rank: LOOK }]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_in_work_is_kept_back_until_it_is_given_back() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a", 0)], 0);
        assert_eq!(take(&mut queue, start).len(), 1);
        queue.add("a".into(), due(start, 0, 0));
        assert!(take(&mut queue, start).is_empty());
        queue.done(&"a".into());
        assert_eq!(take(&mut queue, start).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_holds_only_what_is_alike_and_due() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a1", 0), ("b1", 0), ("a2", 1), ("a3", 9)], 0);
        let alike = |a: &DeploymentName, b: &DeploymentName| a.as_str()[..1] == b.as_str()[..1];
        let taken = queue.take(at(start, 2), &|_, _| 10, alike);
        assert_eq!(names(taken), vec!["a1".into(), "a2".into()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_join_a_batch_early_but_never_makes_one_by_itself() {
        let start = Instant::now();
        let mut queue = queue(start, &[("a", 4), ("b", 5), ("c", 9)], 3);
        assert!(take(&mut queue, at(start, 3)).is_empty());
        assert_eq!(take(&mut queue, at(start, 4)), vec!["a".into(), "b".into()]);
        assert_eq!(queue.next_due(&|_, _| 1), Some(at(start, 9)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_goes_first_and_what_was_begun_before_what_was_not() {
        let start = Instant::now();
        let mut queue = Queue::default();
        let ranks = [
            ("look", Urgency::Look, false),
            ("new", Urgency::BringUp, true),
            ("begun", Urgency::BringUp, false),
            ("edit", Urgency::Serving, true),
        ];
        for (after, (name, urgency, unbegun)) in (0..).zip(ranks) {
            let rank = Rank { urgency, unbegun };
            queue.add(name.into(), Due { rank, ..due(start, after, 0) });
        }
        let taken = (0..4).flat_map(|_| take(&mut queue, at(start, 9)));
        assert_eq!(taken.collect::<Vec<_>>(), ["edit", "begun", "new", "look"].map(DeploymentName::from));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_lane_neither_wakes_the_loop_nor_holds_another_one() {
        let start = Instant::now();
        let mut queue = queue(start, &[("look", 7)], 0);
        let rank = Rank { urgency: Urgency::BringUp, unbegun: true };
        queue.add("new".into(), Due { rank, ..due(start, 0, 0) });
        let room = |_: &DeploymentName, rank: Rank| if rank.urgency == Urgency::BringUp { 0 } else { 10 };
        assert_eq!(queue.next_due(&room), Some(at(start, 7)));
        assert_eq!(names(queue.take(at(start, 8), &room, |_, _| true)), vec!["look".into()]);
    }

    proptest! {
        /// Whatever more urgent keeps coming, a name that is due is taken within five turns for
        /// each name that was due before it.
        #[test]
        fn nothing_starves(
            ranks in prop::collection::vec((0_usize..4, any::<bool>()), 1..12),
            coming in prop::collection::vec(0_usize..4, 80),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let _entered = runtime.enter();
            let all = [Urgency::Serving, Urgency::Rollout, Urgency::BringUp, Urgency::Look];
            let (start, mut queue) = (Instant::now(), Queue::default());
            for (number, (urgency, unbegun)) in ranks.iter().enumerate() {
                let rank = Rank { urgency: all[*urgency], unbegun: *unbegun };
                queue.add(format!("old-{number:02}").into(), Due { rank, ..due(start, 0, 0) });
            }
            let mut left = ranks.len();
            for (turn, urgency) in coming.into_iter().enumerate().take(5 * ranks.len()) {
                let rank = Rank { urgency: all[urgency.min(turn % 2)], unbegun: false };
                queue.add(format!("new-{turn:03}").into(), Due { rank, ..due(start, 1 + turn as u64, 0) });
                let taken = queue.take(at(start, 1 + turn as u64), &|_, _| 1, |_, _| true);
                left -= taken.iter().filter(|taken| taken.name.as_str().starts_with("old")).count();
            }
            prop_assert_eq!(left, 0);
        }
    }
}
