//! What is under way: looks at batches, and the passes that act on what they saw.
//!
//! Reads are shared by a batch, writes are not: once a batch has been looked at, each of its passes
//! goes on by itself, and none is held by the budget that another one waits for. Two kinds of
//! passes do not run beside others: two of one deployment never do (the queue sees to it), and
//! those of one batch that share something with other documents act one after the other, as they
//! were looked at together.
//!
//! Of the looks that may be under way, some are kept for what is more urgent: a fleet that comes up
//! never has them all. And only so many passes begin something new at a time: more of them would
//! only wait for each other with what they saw getting old, and nothing would ever be finished.

use super::pass::{Look, Pass, PassResult, Reconciler};
use super::rank::Rank;
use crate::executor::Fence;
use crate::model::kinds::Placement;
use crate::model::urgency::Urgency;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;

/// Deployments in a batch: what one DescribeServices serves.
pub const BATCH: usize = 10;
/// Passes at a time that begin something new.
const BEGINNING: usize = 2 * BATCH;
/// Looks at a time, whatever they are for but what serves. AWS's request rates are the limit, not
/// this; a few looks hide the latency of calls.
const LOOKS: usize = 5;

/// Passes that are over, with what they came to.
pub type Passed = Vec<(Pass, PassResult)>;

/// What is under way.
pub struct Work {
    reconciler: Arc<Reconciler>,
    fence: Arc<dyn Fence>,
    under_way: FuturesUnordered<BoxFuture<'static, Step>>,
    looks: usize,
    beginning: usize,
}

/// A step that is over.
enum Step {
    Looked(Vec<Look>),
    Passed(Passed),
}

impl Work {
    /// Nothing yet.
    pub fn new(reconciler: Arc<Reconciler>, fence: Arc<dyn Fence>) -> Self {
        Self { reconciler, fence, under_way: FuturesUnordered::new(), looks: 0, beginning: 0 }
    }

    /// Begins a batch of passes of one placement.
    pub fn begin(&mut self, placement: Placement, batch: Vec<Pass>) {
        self.looks += 1;
        self.beginning += batch.iter().filter(|pass| pass.rank.begins()).count();
        let reconciler = Arc::clone(&self.reconciler);
        let look = async move { Step::Looked(reconciler.look(&placement, batch).await) };
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
            Step::Looked(looks) => self.act(looks),
            Step::Passed(passed) => passed,
        };
        self.beginning -= passed.iter().filter(|(pass, _)| pass.rank.begins()).count();
        Some(passed)
    }

    /// Lets each pass of a batch act on what was seen; the answer are those that have nothing to
    /// do.
    fn act(&mut self, looks: Vec<Look>) -> Passed {
        self.looks -= 1;
        let (mut over, mut acting) = (Passed::new(), Vec::new());
        for look in looks {
            match look.finish() {
                Ok(passed) => over.push(passed),
                Err(look) => acting.push(look),
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

    /// For how many more passes of a rank there is room in a batch; `out_of_turn` for what has
    /// waited longest, which may use all but the look that is kept for what serves.
    pub fn room(&self) -> impl Fn(Rank, bool) -> usize + use<> {
        let (looks, beginning) = (self.looks, self.beginning);
        move |rank, out_of_turn| {
            let most = match rank.urgency {
                Urgency::Serving => LOOKS + 1,
                _ if out_of_turn => LOOKS,
                Urgency::Rollout => LOOKS,
                Urgency::BringUp => 1,
                Urgency::Look => LOOKS - 3,
            };
            // Whole batches only: they share their reads.
            let crowded = rank.begins() && beginning + BATCH > BEGINNING;
            if looks >= most || crowded { 0 } else { BATCH }
        }
    }

    /// How many steps are under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }
}
