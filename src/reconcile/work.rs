//! What is under way: looks at batches, and the passes that act on what they saw.
//!
//! Reads are shared by a batch, writes are not: once a batch has been looked at, each of its passes
//! goes on by itself, and none is held by the budget that another one waits for. Two kinds of
//! passes do not run beside others: two of one deployment never do (the queue sees to it), and
//! those of one batch that share something with other documents act one after the other, as they
//! were looked at together.
//!
//! Each urgency has looks of its own, light and full ones, so that none waits for those of another
//! one. They are few:
//! while one goes on more deployments become due, and share the reads of the next. And only so many
//! passes begin something new at a time: more of them would only wait for each other with what they
//! saw getting old, and nothing would ever be finished.

use super::pass::{Look, Pass, PassResult, Reconciler};
use super::rank::Rank;
use crate::executor::Fence;
use crate::model::kinds::Placement;
use crate::model::observed::Depth;
use crate::model::urgency::Urgency;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Deployments in a batch: what one DescribeServices serves.
pub const BATCH: usize = 10;
/// Passes at a time that begin something new.
const BEGINNING: usize = 2 * BATCH;
/// Passes that are over, with what they came to.
pub type Passed = Vec<(Pass, PassResult)>;

/// What is under way.
pub struct Work {
    reconciler: Arc<Reconciler>,
    fence: Arc<dyn Fence>,
    under_way: FuturesUnordered<BoxFuture<'static, Step>>,
    loads: BTreeMap<Scope, Load>,
}

/// Where AWS counts requests: region and role.
type Scope = (String, Option<String>);

/// Looks that count together.
type Lane = (Urgency, Depth);

/// What is under way in one scope.
#[derive(Debug, Default)]
struct Load {
    looks: BTreeMap<Lane, usize>,
    /// Passes that begin something.
    beginning: usize,
}

/// Which looks count together: light ones by themselves, for they cost little. But one at what
/// moves becomes a full one of what has moved.
fn lane(urgency: Urgency, depth: Depth) -> Lane {
    match urgency {
        Urgency::Serving | Urgency::Look => (urgency, depth),
        Urgency::Rollout | Urgency::BringUp => (urgency, Depth::Full),
    }
}

/// How many looks of a lane may be under way. AWS's request rates are the limit, not this.
fn most_looks((urgency, depth): Lane) -> usize {
    match (urgency, depth) {
        (Urgency::Serving, _) => 4,
        (Urgency::Rollout, _) | (_, Depth::Light) => 2,
        (Urgency::BringUp | Urgency::Look, Depth::Full) => 1,
    }
}

fn scope(placement: &Placement) -> Scope {
    (placement.region.clone(), placement.role_arn.clone())
}

/// A step that is over.
enum Step {
    Looked(Scope, Lane, Vec<Look>),
    Passed(Passed),
}

impl Work {
    /// Nothing yet.
    pub fn new(reconciler: Arc<Reconciler>, fence: Arc<dyn Fence>) -> Self {
        Self { reconciler, fence, under_way: FuturesUnordered::new(), loads: BTreeMap::new() }
    }

    /// Begins a batch of passes of one placement.
    pub fn begin(&mut self, placement: Placement, batch: Vec<Pass>) {
        let Some(lane) = batch.first().map(|pass| lane(pass.rank.urgency, pass.depth)) else { return };
        let load = self.loads.entry(scope(&placement)).or_default();
        *load.looks.entry(lane).or_default() += 1;
        load.beginning += batch.iter().filter(|pass| pass.rank.begins()).count();
        let reconciler = Arc::clone(&self.reconciler);
        let look = async move {
            let looks = reconciler.look(&placement, batch).await;
            Step::Looked(scope(&placement), lane, looks)
        };
        self.under_way.push(look.boxed());
    }

    /// Waits for the next step; the answer are the passes that ended with it, which may be none.
    /// There is no answer when nothing is under way.
    pub async fn next(&mut self) -> Option<Passed> {
        let mut passed = self.take(None).await?;
        // What ended at the same time is handed over together.
        while let Some(step) = self.under_way.next().now_or_never().flatten() {
            passed.extend(self.take(Some(step)).await.unwrap_or_default());
        }
        Some(passed)
    }

    async fn take(&mut self, step: Option<Step>) -> Option<Passed> {
        let step = match step {
            Some(step) => step,
            None => self.under_way.next().await?,
        };
        let passed = match step {
            Step::Looked(scope, lane, looks) => {
                let looked = self.loads.get_mut(&scope).and_then(|load| load.looks.get_mut(&lane));
                looked.into_iter().for_each(|under_way| *under_way -= 1);
                self.act(looks)
            }
            Step::Passed(passed) => passed,
        };
        for (pass, _) in passed.iter().filter(|(pass, _)| pass.rank.begins()) {
            if let Some(load) = self.loads.get_mut(&scope(&pass.entry.declared.desired.placement)) {
                load.beginning -= 1;
            }
        }
        Some(passed)
    }

    /// Lets each pass of a batch act on what was seen; the answer are those that have nothing to
    /// do.
    fn act(&mut self, looks: Vec<Look>) -> Passed {
        let (mut over, mut acting) = (Passed::new(), Vec::new());
        for look in looks {
            match look.as_before() {
                Some(result) => over.push((look.into_pass(), result)),
                None => acting.push(look),
            }
        }
        let (together, alone): (Vec<Look>, Vec<Look>) = acting.into_iter().partition(Look::shares);
        let groups = alone.into_iter().map(|look| vec![look]).chain([together]);
        for group in groups.filter(|group| !group.is_empty()) {
            let (reconciler, fence) = (Arc::clone(&self.reconciler), Arc::clone(&self.fence));
            let act = async move {
                let mut passed = Passed::with_capacity(group.len());
                for look in group {
                    passed.push(reconciler.act(look, &*fence).await);
                }
                Step::Passed(passed)
            };
            self.under_way.push(act.boxed());
        }
        over
    }

    /// How many passes of a rank a batch may have now.
    pub fn room(&self, placement: &Placement, rank: Rank, depth: Depth) -> usize {
        let load = self.loads.get(&scope(placement));
        let looks =
            load.and_then(|load| load.looks.get(&lane(rank.urgency, depth))).copied().unwrap_or_default();
        // Whole batches only: they share their reads.
        let beginning = load.map_or(0, |load| load.beginning);
        let crowded = rank.begins() && beginning + BATCH > BEGINNING;
        if looks >= most_looks(lane(rank.urgency, depth)) || crowded { 0 } else { BATCH }
    }

    /// How many steps are under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }
}
