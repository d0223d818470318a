//! The loop: hints make names due, due names are walked in batches, endings make them due again.

use super::clock::Clock;
use super::declarations::{self, Change, Known, Lowered};
use super::entry::{Declared, Entry};
use super::handle::Handle;
use super::pass::{Passed, Walk};
use super::queue::Queue;
use super::schedule::{self, Ending};
use crate::executor::Fence;
use crate::model::ids::DeploymentName;
use crate::model::kinds::Placement;
use crate::model::observed::Depth;
use crate::model::status::{DeclaredSnapshot, Record};
use crate::status::{self, StateStore, StoreReport};
use crate::store::Snapshot;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// Batches in flight at a time. AWS's request rates are the limit, not this; a few batches hide the
/// latency of calls.
const BATCHES: usize = 4;
/// Deployments in a batch: what one DescribeServices serves.
const BATCH: usize = 10;
/// The loop turns at least this often, so that liveness can be told from idleness.
const TURN: Duration = Duration::from_secs(30);

/// How the controller works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often every deployment is looked at, whatever happens.
    pub resync: Duration,
}

/// Says whether the controller may still write: false once it is told to stop.
#[derive(Debug, Default)]
pub struct Running(AtomicBool);

impl Running {
    fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Fence for Running {
    fn holds(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

/// One controller.
pub struct Controller<S> {
    walk: Arc<Walk<S>>,
    handle: Handle,
    settings: Settings,
    clock: Clock,
    entries: BTreeMap<DeploymentName, Slot>,
    /// Records without a declaration in force: refused new documents, orphans.
    resting: BTreeMap<DeploymentName, Record>,
    queue: Queue,
    /// What the documents of the last snapshot mean.
    lowered: Lowered,
    /// When the next deployments of a large fleet have their turn to be looked at in full.
    turn: Instant,
    /// What was last said of the store.
    reported: Option<StoreReport>,
    /// Confirmations that do not count any more and could not be withdrawn yet.
    outlived: BTreeSet<DeploymentName>,
    running: Arc<Running>,
}

/// An entry, or a note that a pass has it, with what changed meanwhile.
enum Slot {
    Here(Box<Entry>),
    Away(Away),
}

/// What is known of an entry that a pass has.
struct Away {
    declared: Arc<Declared>,
    snapshot: Option<DeclaredSnapshot>,
    depth: Depth,
    changed: Option<Arc<Declared>>,
}

impl Slot {
    fn known(&self) -> Known<'_> {
        match self {
            Self::Here(entry) => (&entry.record).into(),
            Self::Away(away) => Known { declared: away.snapshot.as_ref(), orphaned: false },
        }
    }
}

type Batch = Vec<(Entry, Depth)>;

impl<S: StateStore + 'static> Controller<S> {
    /// A controller that has not begun.
    pub fn new(walk: Walk<S>, handle: Handle, settings: Settings) -> Self {
        let clock = walk.clock.clone();
        Self {
            walk: Arc::new(walk),
            handle,
            settings,
            clock,
            entries: BTreeMap::new(),
            resting: BTreeMap::new(),
            queue: Queue::default(),
            lowered: Lowered::default(),
            turn: Instant::now(),
            reported: None,
            outlived: BTreeSet::new(),
            running: Arc::new(Running::default()),
        }
    }

    /// Reconciles until `stop` resolves: then no further action is begun, what is under way is
    /// finished, and it returns.
    ///
    /// **Errors**: the state store cannot be read at the start.
    pub async fn run(
        mut self,
        mut snapshots: mpsc::Receiver<Snapshot>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), status::Error> {
        self.load().await?;
        let mut flying = FuturesUnordered::new();
        tokio::pin!(stop);
        loop {
            self.handle.turned();
            self.take_turns();
            while flying.len() < BATCHES
                && let Some(batch) = self.next_batch()
            {
                flying.push(fly(Arc::clone(&self.walk), Arc::clone(&self.running), batch));
            }
            let turn = Instant::now() + TURN;
            let wake = match self.queue.next_due() {
                Some(due) if flying.len() < BATCHES => due.min(turn),
                _ => turn,
            };
            let wake = wake.min(self.turn);
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some((batch, passed, took)) = flying.next() => self.land(batch, passed, took).await,
                Some(snapshot) = snapshots.recv() => self.declare(snapshot).await,
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        info!(in_flight = flying.len(), "stopping: finishing the actions under way");
        self.running.stop();
        while let Some((batch, passed, took)) = flying.next().await {
            self.land(batch, passed, took).await;
        }
        Ok(())
    }

    async fn load(&mut self) -> Result<(), status::Error> {
        let loaded = self.walk.state.load_all().await?;
        for damaged in &loaded.damaged {
            error!(error = %crate::telemetry::chain(damaged), "a record cannot be used");
        }
        self.resting = loaded.records.into_iter().map(|record| (record.name.clone(), record)).collect();
        for record in self.resting.values() {
            self.handle.tell(record);
        }
        Ok(())
    }

    /// Takes in what the store holds now.
    async fn declare(&mut self, snapshot: Snapshot) {
        let now = self.clock.now();
        let confirmed = match self.walk.state.confirmed().await {
            Ok(confirmed) => confirmed,
            Err(error) => {
                warn!(error = %crate::telemetry::chain(&error), "cannot read what was confirmed; nothing counts as confirmed");
                BTreeSet::new()
            }
        };
        let confirmed = self.without_outlived(confirmed, &snapshot).await;
        let mut lowered = std::mem::take(&mut self.lowered);
        let changes = declarations::changes(&mut lowered, &snapshot, &self.known(), &confirmed, now);
        self.lowered = lowered;
        let report = StoreReport { problems: changes.problems, prune_held: changes.prune_held };
        if self.reported.as_ref() != Some(&report) {
            match self.walk.state.save_report(&report).await {
                Ok(()) => {
                    self.handle.kept(None);
                    self.reported = Some(report);
                }
                Err(error) => self.handle.not_kept(None, crate::telemetry::chain(&error)),
            }
        }
        for (name, change) in changes.by_name {
            match change {
                Change::InForce(declared) => self.put_in_force(name, declared).await,
                Change::Refused(status) => self.refuse(name, *status).await,
            }
        }
        self.keep_again().await;
        self.handle.store_was_read();
        self.count();
    }

    /// The confirmations that count. One whose document is there, and was not there before, was
    /// given for what is gone or came back: it is withdrawn, so that no later removal, perhaps by
    /// mistake, deletes data with it.
    async fn without_outlived(
        &mut self,
        mut confirmed: BTreeSet<DeploymentName>,
        snapshot: &Snapshot,
    ) -> BTreeSet<DeploymentName> {
        let known = self.known();
        let is_new = |name: &DeploymentName| {
            let declared = known.get(name).and_then(|known| known.declared);
            declared.is_none_or(|declared| declared.removed_at.is_some())
        };
        let outlived: BTreeSet<DeploymentName> = confirmed
            .iter()
            .filter(|name| snapshot.documents.contains_key(*name) || snapshot.refused.contains_key(*name))
            .filter(|name| is_new(name))
            .cloned()
            .collect();
        self.outlived.extend(outlived);
        for name in std::mem::take(&mut self.outlived) {
            confirmed.remove(&name);
            if let Err(error) = self.walk.state.withdraw(&name).await {
                warn!(deployment = %name, error = %crate::telemetry::chain(&error), "cannot withdraw the confirmation of its deletion; it does not count");
                self.outlived.insert(name);
            }
        }
        confirmed
    }

    /// Tries again to keep what is at rest and could not be kept; what is at work is tried again by
    /// its next pass.
    async fn keep_again(&self) {
        for name in self.handle.unkept() {
            if let Some(record) = self.resting.get(&name) {
                self.keep(record).await;
            }
        }
    }

    fn known(&self) -> BTreeMap<DeploymentName, Known<'_>> {
        let entries = self.entries.iter().map(|(name, slot)| (name.clone(), slot.known()));
        self.resting.iter().map(|(name, record)| (name.clone(), record.into())).chain(entries).collect()
    }

    async fn put_in_force(&mut self, name: DeploymentName, declared: Arc<Declared>) {
        match self.entries.get_mut(&name) {
            Some(Slot::Away(away)) => {
                let changed = !is_same(&away.declared, &declared);
                away.changed = changed.then_some(declared);
                if changed {
                    self.handle.declared(&name);
                }
                return;
            }
            Some(Slot::Here(entry)) if is_same(&entry.declared, &declared) => return,
            Some(Slot::Here(entry)) => {
                entry.declared = declared;
                entry.look_deeply = true;
                entry.held = 0;
            }
            None => {
                let record = self.resting.remove(&name).unwrap_or_else(|| Record::new(name.clone()));
                let entry = Entry { declared, record, unkept: false, held: 0, light: 0, look_deeply: true };
                self.entries.insert(name.clone(), Slot::Here(Box::new(entry)));
            }
        }
        self.handle.declared(&name);
        let Some(Slot::Here(entry)) = self.entries.get_mut(&name) else { return };
        declarations::snapshot_into(&mut entry.record, &entry.declared);
        if entry.declared.is_orphaned() {
            self.rest(name).await;
        } else {
            self.queue.add(name, Instant::now(), Duration::ZERO);
        }
    }

    /// Gives the steady deployments of a large fleet their turn to be looked at in full, once per
    /// resync: those of one placement for which it is longest ago, so that one batch takes them
    /// all.
    fn take_turns(&mut self) {
        let now = Instant::now();
        if now < self.turn {
            return;
        }
        self.turn = self.clock.after(self.settings.resync);
        if schedule::is_small(self.entries.len()) {
            return;
        }
        let mut light: Vec<&mut Entry> = self
            .entries
            .values_mut()
            .filter_map(|slot| match slot {
                Slot::Here(entry) => Some(&mut **entry),
                Slot::Away(_) => None,
            })
            .filter(|entry| entry.depth(false) == Depth::Light)
            .collect();
        light.sort_by(|a, b| b.light.cmp(&a.light).then_with(|| a.record.name.cmp(&b.record.name)));
        let Some(placement) = light.first().map(|entry| entry.declared.desired.placement.clone()) else {
            return;
        };
        let alike = light.into_iter().filter(|entry| entry.declared.desired.placement == placement);
        for entry in alike.take(schedule::FULL_LOOKS_PER_RESYNC) {
            entry.look_deeply = true;
            self.queue.add(entry.record.name.clone(), now, Duration::ZERO);
        }
    }

    /// Lays an orphaned deployment to rest: its status says so, and it is looked at no more.
    async fn rest(&mut self, name: DeploymentName) {
        self.queue.remove(&name);
        let Some(Slot::Here(entry)) = self.entries.remove(&name) else { return };
        let mut record = entry.record;
        if declarations::orphan(&mut record, self.clock.now()) {
            self.keep(&record).await;
        }
        self.handle.walked(&name);
        self.resting.insert(name, record);
    }

    async fn refuse(&mut self, name: DeploymentName, status: crate::model::status::DeploymentStatus) {
        let record = self.resting.entry(name.clone()).or_insert_with(|| Record::new(name));
        let status = status::carry_time(record.status.as_ref(), status, self.clock.now());
        if record.status.as_ref() == Some(&status) {
            return;
        }
        record.status = Some(status);
        let record = record.clone();
        self.keep(&record).await;
    }

    async fn keep(&self, record: &Record) {
        self.handle.tell(record);
        let kept = self.walk.state.save(record).await;
        match kept {
            Ok(()) => self.handle.kept(Some(&record.name)),
            Err(error) => {
                let error = crate::telemetry::chain(&error);
                error!(deployment = %record.name, error, "cannot keep the record");
                self.handle.not_kept(Some(&record.name), error);
            }
        }
    }

    fn next_batch(&mut self) -> Option<Batch> {
        let in_full = schedule::is_small(self.entries.len());
        let entries = &self.entries;
        let names = self
            .queue
            .take(Instant::now(), BATCH, |a, b| kind(entries, a, in_full) == kind(entries, b, in_full));
        let batch: Batch = names
            .into_iter()
            .filter_map(|name| {
                let slot = self.entries.get_mut(&name)?;
                let Slot::Here(entry) = slot else { return None };
                let depth = entry.depth(in_full);
                let away = Slot::Away(Away {
                    declared: Arc::clone(&entry.declared),
                    snapshot: entry.record.declared.clone(),
                    depth,
                    changed: None,
                });
                let Slot::Here(entry) = std::mem::replace(slot, away) else { return None };
                Some((*entry, depth))
            })
            .collect();
        Some(batch).filter(|batch| !batch.is_empty())
    }

    /// Takes a batch back and decides when each is due again.
    async fn land(&mut self, batch: Batch, passed: Vec<Passed>, took: Duration) {
        self.handle.metrics().batch_took(took.as_secs_f64());
        // One number for all of a batch: those that are steady are due together again, and share
        // their reads again.
        let company = batch.first().map_or(0, |(entry, _)| spread(entry));
        for ((mut entry, _), passed) in batch.into_iter().zip(passed) {
            let name = entry.record.name.clone();
            self.queue.done(&name);
            entry.held = if passed.ending == Ending::Held { entry.held.saturating_add(1) } else { 0 };
            entry.light = if passed.depth == Depth::Full { 0 } else { entry.light.saturating_add(1) };
            entry.look_deeply = passed.depth == Depth::Light && passed.acted > 0;
            match &passed.state_error {
                Some(error) => self.handle.not_kept(Some(&name), error.clone()),
                None => self.handle.kept(Some(&name)),
            }
            self.handle.metrics().passed(ending_word(passed.ending), passed.state_error.is_some());
            self.handle.tell(&entry.record);
            let seed = if passed.ending == Ending::Steady { company } else { spread(&entry) };
            let mut wait = schedule::wait(passed.ending, entry.held, self.settings.resync, seed);
            wait = entry.pause_left(self.clock.now()).map_or(wait, |left| wait.min(left));
            let mut slack = schedule::slack(passed.ending, self.settings.resync);
            // Of the declaration that was walked: one that came meanwhile has not been. And a
            // teardown that is suspended is not finished, however quiet it is.
            let mut finished = entry.declared.is_teardown() && passed.at_rest;
            if let Some(Slot::Away(away)) = self.entries.get_mut(&name)
                && let Some(changed) = away.changed.take()
            {
                entry.declared = changed;
                entry.look_deeply = true;
                declarations::snapshot_into(&mut entry.record, &entry.declared);
                (wait, slack, finished) = (Duration::ZERO, Duration::ZERO, false);
            } else if passed.state_error.is_none() {
                self.handle.walked(&name);
            }
            let orphaned = entry.declared.is_orphaned();
            self.entries.insert(name.clone(), Slot::Here(Box::new(entry)));
            if finished {
                self.forget(name).await;
            } else if orphaned {
                self.rest(name).await;
            } else {
                self.queue.add(name, self.clock.after(wait), slack.div_f64(self.clock.speed()));
            }
        }
        self.count();
    }

    /// Forgets a deployment of which nothing is left.
    async fn forget(&mut self, name: DeploymentName) {
        self.entries.remove(&name);
        self.queue.remove(&name);
        self.handle.forget(&name);
        info!(deployment = %name, "everything that was made for it is removed");
        if let Err(error) = self.walk.state.delete(&name).await {
            warn!(deployment = %name, error = %crate::telemetry::chain(&error), "cannot remove the record");
        }
    }

    fn count(&self) {
        self.handle.sizes(self.entries.len() + self.resting.len(), self.queue.len());
    }
}

/// Whether two declarations are the same; mostly they are the very same.
fn is_same(one: &Arc<Declared>, other: &Arc<Declared>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

/// What the deployments of one batch have in common: their placement, and how deeply they are
/// looked at.
fn kind<'a>(
    entries: &'a BTreeMap<DeploymentName, Slot>,
    name: &DeploymentName,
    in_full: bool,
) -> Option<(&'a Placement, Depth)> {
    entries.get(name).map(|slot| match slot {
        Slot::Here(entry) => (&entry.declared.desired.placement, entry.depth(in_full)),
        Slot::Away(away) => (&away.declared.desired.placement, away.depth),
    })
}

/// Walks a batch and says how long it took.
async fn fly<S: StateStore>(
    walk: Arc<Walk<S>>,
    running: Arc<Running>,
    mut batch: Batch,
) -> (Batch, Vec<Passed>, Duration) {
    let began = Instant::now();
    let placement = batch[0].0.declared.desired.placement.clone();
    let passed = walk.pass(&placement, &mut batch, &*running).await;
    (batch, passed, began.elapsed())
}

/// A number that differs between deployments and passes, so that waits spread; not random, so that
/// a run can be repeated.
fn spread(entry: &Entry) -> u64 {
    let name = entry.record.name.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    name.wrapping_add(u64::from(entry.held) << 32).wrapping_add(u64::from(entry.light))
}

fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Acted => "acted",
        Ending::Rolling => "rolling",
        Ending::Held => "held",
        Ending::Steady => "steady",
    }
}
