//! The loop: hints make names due, due names are reconciled in batches, and how a pass ended says
//! when its name is due again.

use super::clock::Clock;
use super::declarations::{self, DeclarationChange, Known, LoweringCache};
use super::entry::{Declaration, Entry};
use super::handle::Handle;
use super::known::{self, Made};
use super::pass::{Pass, PassResult, Reconciler};
use super::queue::{self, Queue};
use super::rank::{self, Rank};
use super::schedule::{self, Ending, Trigger};
use super::succession;
use super::waits::{self, BeginPace};
use super::work::{Passed, Work};
use crate::executor::Fence;
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::DeploymentName;
use crate::model::kinds::Placement;
use crate::model::observed::Depth;
use crate::model::request::Request;
use crate::model::resource::ResourceId;
use crate::model::status::{DeploymentStatus, LastGoodDocument, LostRecord, Record};
use crate::model::urgency::Urgency;
use crate::specs::Snapshot;
use crate::state::{self, Lease, StoreReport};
use crate::status;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use strum::IntoEnumIterator;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// What a deployment takes over from one that a pass has it looks for again so soon.
const TAKES_OVER: Duration = Duration::from_millis(250);
/// The loop wakes at least this often, so that an idle controller differs from a hung one.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Signs of life come so often while some wait for AWS's request budget, which they tell.
const WHILE_WAITING: Duration = Duration::from_secs(10);

/// How the controller works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often every deployment is reconciled, whatever happens.
    pub resync: Duration,
}

/// Says whether the controller may still write: false once it is to stop, and while its lease
/// is known to be lost.
#[derive(Debug)]
pub struct Running {
    stopped: AtomicBool,
    lease: Lease,
}

impl Running {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Fence for Running {
    fn holds(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed) && self.lease.holds()
    }
}

/// One controller.
pub struct Controller {
    reconciler: Arc<Reconciler>,
    handle: Handle,
    settings: Settings,
    clock: Clock,
    entries: BTreeMap<DeploymentName, Slot>,
    /// Records without a declaration in force: refused new documents, orphans.
    parked: BTreeMap<DeploymentName, Record>,
    queue: Queue,
    /// What the documents of the last snapshot mean.
    lowered: LoweringCache,
    /// When the next steady deployments of a large fleet get a full pass.
    next_full_passes: Instant,
    /// What was last reported of the store.
    reported: Option<StoreReport>,
    /// What people asked for when it could last be read.
    requests: Vec<Request>,
    /// Requests that do not count any more and could not be withdrawn yet.
    stale_requests: Vec<Request>,
    /// Passes that were begun.
    passes: u64,
    /// When it began to run.
    started_at: Timestamp,
    began: Instant,
    begin_pace: BeginPace,
    /// When the spec store was last read.
    store_read_at: Option<Timestamp>,
    /// When each declared deployment had its last pass.
    looked_at: BTreeMap<DeploymentName, Timestamp>,
    /// When the next sign of life is due.
    next_sign: Instant,
    running: Arc<Running>,
}

/// Where the entry of a deployment is.
enum Slot {
    /// Here.
    Idle(Box<Entry>),
    /// With a pass, which gives it back.
    InPass(Box<InPass>),
}

/// What is known of an entry that a pass has.
struct InPass {
    declared: Arc<Declaration>,
    last_good: Option<LastGoodDocument>,
    has_served: bool,
    ready: bool,
    made: Vec<(ResourceId, String)>,
    status: Option<Arc<DeploymentStatus>>,
    lost: Option<LostRecord>,
    depth: Depth,
    /// The declaration that came into force meanwhile.
    changed: Option<Arc<Declaration>>,
}

impl InPass {
    fn of(entry: &Entry, depth: Depth) -> Self {
        let record = &entry.record;
        Self {
            declared: Arc::clone(&entry.declared),
            last_good: record.declared.clone(),
            has_served: known::has_served(&record.rollout),
            ready: known::is_ready(record),
            made: known::everything_made(&record.rollout),
            status: record.status.clone(),
            lost: record.lost.clone(),
            depth,
            changed: None,
        }
    }
}

impl Slot {
    fn known(&self) -> Known<'_> {
        match self {
            Self::Idle(entry) => (&entry.record).into(),
            Self::InPass(in_pass) => Known {
                declared: in_pass.last_good.as_ref(),
                orphaned: false,
                has_served: in_pass.has_served,
                ready: in_pass.ready,
                made: Made::Before(&in_pass.made),
                status: in_pass.status.as_deref(),
                lost: in_pass.lost.as_ref(),
            },
        }
    }
}

/// When a deployment is looked at again.
struct Due {
    wait: Duration,
    /// How much later it may be, to go with others.
    slack: Duration,
    trigger: Trigger,
}

impl Controller {
    /// A controller that has not started.
    pub fn new(reconciler: Reconciler, handle: Handle, settings: Settings) -> Self {
        let clock = reconciler.clock.clone();
        let running = Running { stopped: AtomicBool::new(false), lease: reconciler.lease.clone() };
        Self {
            reconciler: Arc::new(reconciler),
            handle,
            settings,
            entries: BTreeMap::new(),
            parked: BTreeMap::new(),
            queue: Queue::default(),
            lowered: LoweringCache::default(),
            next_full_passes: Instant::now(),
            reported: None,
            requests: Vec::new(),
            stale_requests: Vec::new(),
            passes: 0,
            started_at: clock.now(),
            began: Instant::now(),
            begin_pace: BeginPace::default(),
            store_read_at: None,
            looked_at: BTreeMap::new(),
            next_sign: Instant::now(),
            clock,
            running: Arc::new(running),
        }
    }

    /// Reconciles until `stop` resolves: then no further action is begun, what is under way is
    /// finished, and it returns.
    ///
    /// # Errors
    ///
    /// The state store cannot be read at the start.
    pub async fn run(
        mut self,
        mut snapshots: mpsc::Receiver<Snapshot>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), state::Error> {
        self.load().await?;
        let mut work = Work::new(Arc::clone(&self.reconciler), self.running.clone());
        tokio::pin!(stop);
        loop {
            self.handle.beat();
            self.leave_sign().await;
            self.queue_full_passes();
            while let Some((placement, batch)) = self.next_batch(&work) {
                work.begin(placement, batch);
            }
            let heartbeat = Instant::now() + HEARTBEAT;
            let due = self.queue.next_due(&room(&self.entries, &work, self.clock.now())).unwrap_or(heartbeat);
            let wake = due.min(heartbeat).min(self.next_full_passes).min(self.next_sign);
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(passed) = work.next() => self.finish_passes(passed).await,
                Some(snapshot) = snapshots.recv() => self.declare(snapshot).await,
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        info!(under_way = work.len(), "stopping: finishing the actions under way");
        self.running.stop();
        while let Some(passed) = work.next().await {
            self.finish_passes(passed).await;
        }
        Ok(())
    }

    /// Leaves a sign of life when one is due, for those who read the records. A controller whose
    /// place for records is gone learns of it here, though it has nothing to record.
    async fn leave_sign(&mut self) {
        if Instant::now() < self.next_sign {
            return;
        }
        let now = self.clock.now();
        let calls = self.reconciler.collector.waiting();
        let waits =
            waits::waits(&calls, &self.queue, &mut self.begin_pace, Instant::now(), self.clock.speed());
        self.next_sign = self.clock.after(if waits.is_empty() { HEARTBEAT } else { WHILE_WAITING });
        let until = |(name, left): (DeploymentName, Duration)| {
            let left = jiff::SignedDuration::try_from(left).unwrap_or(jiff::SignedDuration::MAX);
            Some((name, now.checked_add(left).ok()?))
        };
        let budget_waits = waits.into_iter().filter_map(until).collect();
        let looked_at = |name: &DeploymentName| (name.clone(), self.looked_at.get(name).copied());
        let heartbeat = Heartbeat {
            controller: self.reconciler.lease.holder().to_owned(),
            started_at: self.started_at,
            at: now,
            resync_seconds: i64::try_from(self.settings.resync.as_secs()).unwrap_or(i64::MAX),
            store_read_at: self.store_read_at,
            looked_at: self.entries.keys().map(looked_at).collect(),
            budget_waits,
        };
        match self.reconciler.state.beat(&heartbeat).await {
            Ok(()) => self.handle.saved(None),
            Err(error) => {
                let error = crate::telemetry::chain(&error);
                error!(
                    error,
                    "cannot leave a sign of life; nothing is written while the records are not ours"
                );
                self.handle.save_failed(None, error);
            }
        }
    }

    async fn load(&mut self) -> Result<(), state::Error> {
        let loaded = self.reconciler.state.load_all().await?;
        self.requests = loaded.records.iter().flat_map(|record| record.requests.iter().cloned()).collect();
        self.parked = loaded.records.into_iter().map(|record| (record.name.clone(), record)).collect();
        for record in self.parked.values() {
            self.handle.publish(record);
        }
        for damaged in &loaded.damaged {
            error!(error = %crate::telemetry::chain(&damaged.error), "a record cannot be used");
            let Some(name) = damaged.deployment.clone() else { continue };
            let record = declarations::begun_anew(name, &damaged.error, self.clock.now());
            self.save(&record).await;
            self.parked.insert(record.name.clone(), record);
        }
        Ok(())
    }

    /// Brings what the store declares now into force.
    async fn declare(&mut self, snapshot: Snapshot) {
        let now = self.clock.now();
        let requests = self.read_requests(&snapshot, now).await;
        let mut lowered = std::mem::take(&mut self.lowered);
        let changes = declarations::changes(&mut lowered, &snapshot, &self.known(), &requests, now);
        self.lowered = lowered;
        self.handle.store_problems(&changes.problems);
        let report = StoreReport { problems: changes.problems, prune_held: changes.prune_held };
        if self.reported.as_ref() != Some(&report) {
            match self.reconciler.state.save_report(&report).await {
                Ok(()) => {
                    self.handle.saved(None);
                    self.reported = Some(report);
                }
                Err(error) => self.handle.save_failed(None, crate::telemetry::chain(&error)),
            }
        }
        if !changes.by_name.is_empty() {
            self.next_sign = Instant::now();
        }
        let many =
            changes.by_name.iter().filter(|(name, change)| self.is_edit(name, change)).count() > rank::FEW;
        for (name, change) in changes.by_name {
            match change {
                DeclarationChange::InForce(declared) => self.apply_declaration(name, declared, many).await,
                DeclarationChange::Refused(status) => self.refuse(name, *status).await,
                // A pass has it: at the next snapshot.
                DeclarationChange::Gone if matches!(self.entries.get(&name), Some(Slot::InPass(_))) => {}
                DeclarationChange::Gone => {
                    info!(deployment = %name, "its document is gone, and nothing is left that was made for it");
                    self.parked.remove(&name);
                    self.forget(name).await;
                }
            }
        }
        self.save_again().await;
        self.store_read_at = Some(now);
        self.handle.store_was_read();
        self.count();
    }

    /// The requests that count. Stale ones are withdrawn. When requests cannot be read, the last
    /// known ones hold; but nothing counts as confirmed.
    async fn read_requests(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<Request> {
        match self.reconciler.state.requests().await {
            Ok(mut read) => {
                for damaged in &read.damaged {
                    warn!(error = %crate::telemetry::chain(&damaged.error), "a request cannot be used");
                    read.requests.extend(declarations::stands_in(damaged, &self.requests, now));
                }
                self.requests = read.requests;
            }
            Err(error) => {
                warn!(error = %crate::telemetry::chain(&error), "cannot read requests; nothing counts as confirmed");
                self.requests.retain(|request| !request.is_confirmation());
            }
        }
        self.withdraw_stale(snapshot, now).await;
        self.requests.clone()
    }

    /// Withdraws the requests that do not count any more; what cannot be withdrawn is tried again.
    async fn withdraw_stale(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let mut stale = std::mem::take(&mut self.stale_requests);
        let known = self.known();
        for request in &self.requests {
            let known = known.get(&request.deployment);
            if !stale.contains(request) && declarations::is_stale(request, snapshot, known, now) {
                stale.push(request.clone());
            }
        }
        drop(known);
        for request in stale {
            self.requests.retain(|counts| *counts != request);
            if !self.withdraw(&request).await {
                self.stale_requests.push(request);
            }
        }
    }

    async fn withdraw(&self, request: &Request) -> bool {
        let withdrawn = self.reconciler.state.withdraw_request(request).await;
        if let Err(error) = &withdrawn {
            warn!(deployment = %request.deployment, error = %crate::telemetry::chain(error), "cannot withdraw a request: {request}; it does not count");
        }
        withdrawn.is_ok()
    }

    /// Saves again the parked records that could not be saved; an entry is saved again by its next
    /// pass.
    async fn save_again(&self) {
        for name in self.handle.unsaved() {
            if let Some(record) = self.parked.get(&name) {
                self.save(record).await;
            }
        }
    }

    fn known(&self) -> BTreeMap<&DeploymentName, Known<'_>> {
        let entries = self.entries.iter().map(|(name, slot)| (name, slot.known()));
        self.parked.iter().map(|(name, record)| (name, record.into())).chain(entries).collect()
    }

    /// Whether a change is an edit of what serves.
    fn is_edit(&self, name: &DeploymentName, change: &DeclarationChange) -> bool {
        match (change, self.entries.get(name)) {
            (DeclarationChange::InForce(declared), Some(Slot::Idle(entry))) => {
                rank::serves(entry) && !is_same(&entry.declared, declared)
            }
            (DeclarationChange::InForce(declared), Some(Slot::InPass(in_pass))) => {
                in_pass.has_served && !is_same(&in_pass.declared, declared)
            }
            _ => false,
        }
    }

    /// Puts a declaration in force; `many` says that those of many others came with it.
    async fn apply_declaration(&mut self, name: DeploymentName, declared: Arc<Declaration>, many: bool) {
        match self.entries.get_mut(&name) {
            Some(Slot::InPass(in_pass)) => {
                let changed = !is_same(&in_pass.declared, &declared);
                in_pass.changed = changed.then_some(declared);
                if changed {
                    self.handle.declared(&name);
                }
                return;
            }
            Some(Slot::Idle(entry)) if is_same(&entry.declared, &declared) => return,
            Some(Slot::Idle(entry)) => {
                entry.declare(declared);
                entry.held = 0;
            }
            None => {
                let record = self.parked.remove(&name).unwrap_or_else(|| Record::new(name.clone()));
                let entry = Entry::new(declared, record);
                self.entries.insert(name.clone(), Slot::Idle(Box::new(entry)));
            }
        }
        self.handle.declared(&name);
        let Some(Slot::Idle(entry)) = self.entries.get_mut(&name) else { return };
        let asked = declarations::record_declaration(&mut entry.record, &entry.declared, self.clock.now());
        entry.unsaved |= asked;
        if entry.declared.is_orphaned() {
            self.park(name).await;
        } else {
            let trigger = match self.handle.store_is_read() {
                false => Trigger::StartUp,
                true if asked => Trigger::Request,
                true => Trigger::Declaration,
            };
            let rank = rank::rank(entry, trigger, many);
            self.queue.add(name, queue::Due::at(Instant::now(), trigger, rank));
        }
    }

    /// Queues full passes of some steady deployments of a large fleet, once per resync: those of
    /// one placement whose last full pass is longest ago, so that one batch takes them all.
    fn queue_full_passes(&mut self) {
        let now = Instant::now();
        if now < self.next_full_passes {
            return;
        }
        self.next_full_passes = self.clock.after(self.settings.resync);
        if schedule::is_small(self.entries.len()) {
            return;
        }
        let wall = self.clock.now();
        let mut light: Vec<&mut Entry> = self
            .entries
            .values_mut()
            .filter_map(|slot| match slot {
                Slot::Idle(entry) => Some(&mut **entry),
                Slot::InPass(_) => None,
            })
            .filter(|entry| entry.rolling.is_none() && entry.depth(false, wall) == Depth::Light)
            .collect();
        light.sort_by(|a, b| b.light.cmp(&a.light).then_with(|| a.record.name.cmp(&b.record.name)));
        let Some(placement) = light.first().map(|entry| entry.declared.desired.placement.clone()) else {
            return;
        };
        let alike = light.into_iter().filter(|entry| entry.declared.desired.placement == placement);
        for entry in alike.take(schedule::FULL_PASSES_PER_RESYNC) {
            entry.full_next = true;
            let rank = rank::rank(entry, Trigger::FullPass, false);
            self.queue.add(entry.record.name.clone(), queue::Due::at(now, Trigger::FullPass, rank));
        }
    }

    /// Parks an orphaned deployment: its status says so, and it is not reconciled any more.
    async fn park(&mut self, name: DeploymentName) {
        self.queue.remove(&name);
        let Some(Slot::Idle(entry)) = self.entries.remove(&name) else { return };
        let mut record = entry.record;
        if declarations::orphan(&mut record, self.clock.now()) {
            self.save(&record).await;
        }
        self.handle.reconciled(&name);
        self.parked.insert(name, record);
    }

    async fn refuse(&mut self, name: DeploymentName, status: DeploymentStatus) {
        let record = self.parked.entry(name.clone()).or_insert_with(|| Record::new(name));
        let status = status::carry_time(record.status.as_deref(), status, self.clock.now());
        if record.status.as_deref() == Some(&status) {
            return;
        }
        record.status = Some(Arc::new(status));
        let record = record.clone();
        self.save(&record).await;
    }

    async fn save(&self, record: &Record) {
        self.handle.publish(record);
        match self.reconciler.state.save(record).await {
            Ok(()) => self.handle.saved(Some(&record.name)),
            Err(error) => {
                let error = crate::telemetry::chain(&error);
                error!(deployment = %record.name, error, "cannot save the record");
                self.handle.save_failed(Some(&record.name), error);
            }
        }
    }

    /// The next batch that is due and for which there is room.
    fn next_batch(&mut self, work: &Work) -> Option<(Placement, Vec<Pass>)> {
        let in_full = schedule::is_small(self.entries.len());
        let wall = self.clock.now();
        loop {
            let entries = &self.entries;
            let alike = |a: &DeploymentName, b: &DeploymentName| {
                batch_key(entries, a, in_full, wall) == batch_key(entries, b, in_full, wall)
            };
            let taken = self.queue.take(Instant::now(), &room(entries, work, wall), alike);
            if taken.is_empty() {
                return None;
            }
            let taken: Vec<queue::Taken> = taken.into_iter().filter(|one| self.takes_over(one)).collect();
            let batch: Vec<Pass> =
                taken.into_iter().filter_map(|taken| self.begin_pass(taken, in_full)).collect();
            // One number for all of a batch: those that are steady are due together again, and
            // share their reads again.
            let Some(seed) = batch.first().map(|pass| jitter_seed(&pass.entry)) else { continue };
            if batch.iter().any(|pass| pass.rank.begins()) {
                self.begin_pace.begun(Instant::now());
            }
            let placement = batch[0].entry.declared.desired.placement.clone();
            let batch = batch.into_iter().map(|pass| Pass { batch_seed: seed, ..pass }).collect();
            return Some((placement, batch));
        }
    }

    /// Hands the entry of a deployment over to a pass.
    fn begin_pass(&mut self, taken: queue::Taken, in_full: bool) -> Option<Pass> {
        let queue::Taken { name, trigger, rank } = taken;
        let slot = self.entries.get_mut(&name)?;
        let Slot::Idle(entry) = slot else { return None };
        let depth = entry.depth(in_full, self.clock.now());
        let in_pass = Slot::InPass(Box::new(InPass::of(entry, depth)));
        let Slot::Idle(entry) = std::mem::replace(slot, in_pass) else { return None };
        self.passes += 1;
        let (id, began) = (self.passes, Instant::now());
        Some(Pass { id, trigger, entry: *entry, depth, rank, began, batch_seed: 0 })
    }

    /// Takes over what other documents know of components that are this one's by now. While a pass
    /// has one of them, it may be about to start something of which nobody else knows: then this
    /// one comes later. True when it may go on.
    fn takes_over(&mut self, taken: &queue::Taken) -> bool {
        let name = &taken.name;
        let Some(Slot::Idle(entry)) = self.entries.get(name) else { return true };
        let any_inherited = entry.record.rollout.resources.values().any(|known| known.inherited);
        if entry.declared.desired.handover.inherits.is_empty() && !any_inherited {
            return true;
        }
        let declared = Arc::clone(&entry.declared);
        let handover = &declared.desired.handover;
        let in_pass = |document| matches!(self.entries.get(document), Some(Slot::InPass(_)));
        if handover.inherits.values().any(|origin| in_pass(&origin.document)) {
            self.queue.done(name);
            let due = queue::Due::at(self.clock.after(TAKES_OVER), taken.trigger, taken.rank);
            self.queue.add(name.clone(), due);
            return false;
        }
        let mut rollout = entry.record.rollout.clone();
        succession::disinherit(&mut rollout, handover);
        for (id, origin) in &handover.inherits {
            let from = match self.entries.get(&origin.document) {
                Some(Slot::Idle(entry)) => Some(&entry.record),
                Some(Slot::InPass(_)) | None => self.parked.get(&origin.document),
            };
            if let Some(from) = from {
                succession::inherit(&mut rollout, id, origin, &from.rollout);
            }
        }
        if let Some(Slot::Idle(entry)) = self.entries.get_mut(name) {
            entry.unsaved |= entry.record.rollout != rollout;
            entry.record.rollout = rollout;
        }
        true
    }

    /// Takes back the entries of passes that are over.
    async fn finish_passes(&mut self, passed: Passed) {
        if passed.is_empty() {
            return;
        }
        for (pass, passed) in passed {
            if pass.rank.begins() {
                self.begin_pace.over();
            }
            self.handle.metrics().pass_took(pass.began.elapsed().as_secs_f64());
            self.finish_pass(pass, passed).await;
        }
        self.count();
    }

    /// Takes one entry back and decides when it is due again.
    async fn finish_pass(&mut self, pass: Pass, passed: PassResult) {
        let Pass { mut entry, trigger, batch_seed, .. } = pass;
        let name = entry.record.name.clone();
        self.note_pass(&mut entry, trigger, &passed);
        let mut due = self.due(&entry, &passed, batch_seed);
        // Only the declaration that this pass was for can be finished, not one that came meanwhile;
        // and a suspended teardown waits for its end, so it is not at rest.
        let mut finished = entry.declared.is_teardown() && passed.at_rest;
        if let Some(Slot::InPass(in_pass)) = self.entries.get_mut(&name)
            && let Some(changed) = in_pass.changed.take()
        {
            let trigger = put_in_force(&mut entry, changed, self.clock.now());
            finished = false;
            due = Due { wait: Duration::ZERO, slack: Duration::ZERO, trigger };
        } else if passed.state_error.is_none() {
            self.handle.reconciled(&name);
            self.withdraw_done(&entry, &passed).await;
        }
        let orphaned = entry.declared.is_orphaned();
        let rank = rank::rank(&entry, due.trigger, false);
        self.entries.insert(name.clone(), Slot::Idle(Box::new(entry)));
        if finished {
            info!(deployment = %name, "everything that was made for it is removed");
            self.forget(name).await;
        } else if orphaned {
            self.park(name).await;
        } else {
            self.queue_again(name, &due, rank);
        }
    }

    fn queue_again(&mut self, name: DeploymentName, due: &Due, rank: Rank) {
        let slack = due.slack.div_f64(self.clock.speed());
        let mut at = self.clock.after(due.wait);
        if !schedule::is_small(self.entries.len()) {
            at = rank::together(self.began, at, due.trigger, rank, self.clock.speed());
        }
        self.queue.add(name, queue::Due { at, slack, trigger: due.trigger, rank });
    }

    /// Notes that a pass is over, in its entry and for those who look.
    fn note_pass(&mut self, entry: &mut Entry, trigger: Trigger, passed: &PassResult) {
        let name = &entry.record.name;
        self.queue.done(name);
        self.looked_at.insert(name.clone(), self.clock.now());
        entry.held = if passed.ending == Ending::Held { entry.held.saturating_add(1) } else { 0 };
        entry.light = if passed.depth == Depth::Full { 0 } else { entry.light.saturating_add(1) };
        entry.full_next = passed.depth == Depth::Light && passed.acted > 0;
        match &passed.state_error {
            Some(error) => self.handle.save_failed(Some(name), error.clone()),
            None => self.handle.saved(Some(name)),
        }
        self.handle.metrics().passed(trigger, passed.ending, passed.state_error.is_some());
        self.handle.publish(&entry.record);
    }

    /// When a deployment is due again after a pass, if nothing comes between.
    fn due(&self, entry: &Entry, passed: &PassResult, batch_seed: u64) -> Due {
        let seed = if passed.ending == Ending::Steady { batch_seed } else { jitter_seed(entry) };
        let mut wait = schedule::wait(passed.ending, entry.held, self.settings.resync, seed);
        let mut trigger = Trigger::from(passed.ending);
        if let Some(left) = entry.pause_left(self.clock.now()).filter(|left| *left < wait) {
            (wait, trigger) = (left, Trigger::PauseEnded);
        }
        // A pause that times out is looked at then, not some time after it.
        if let Some(ends) = passed.pause_ends.filter(|_| passed.ending == Ending::Paused) {
            let left = ends.duration_since(self.clock.now());
            wait = wait.min(left.max(jiff::SignedDuration::from_secs(1)).unsigned_abs());
        }
        Due { wait, slack: schedule::slack(passed.ending, self.settings.resync), trigger }
    }

    /// Withdraws the requests that are over with a pass. The saved record says that they were taken
    /// up.
    async fn withdraw_done(&self, entry: &Entry, passed: &PassResult) {
        let steady = passed.ending == Ending::Steady && passed.depth == Depth::Full;
        let is_done = |request: &&Request| {
            request.is_honoured_once() || (steady && request.adopts()) || passed.answered.contains(request)
        };
        for request in entry.declared.requests.iter().filter(is_done) {
            self.withdraw(request).await;
        }
    }

    /// Forgets a deployment of which nothing is left.
    async fn forget(&mut self, name: DeploymentName) {
        self.entries.remove(&name);
        self.looked_at.remove(&name);
        self.queue.remove(&name);
        // The last sign of life names it.
        self.next_sign = Instant::now();
        self.handle.forget(&name);
        if let Err(error) = self.reconciler.state.delete(&name).await {
            warn!(deployment = %name, error = %crate::telemetry::chain(&error), "cannot remove the record");
        }
    }

    fn count(&self) {
        self.handle.sizes(self.entries.len() + self.parked.len(), self.queue.len());
        let now = Instant::now();
        let line = self.queue.in_line(now);
        for urgency in Urgency::iter() {
            let due = || line.iter().filter(|(_, due)| due.rank.urgency == urgency).map(|(_, due)| due.at);
            let longest = due().min().map(|at| now.saturating_duration_since(at)).unwrap_or_default();
            self.handle.metrics().due(urgency, due().count(), longest.mul_f64(self.clock.speed()));
        }
    }
}

/// Puts what was declared during a pass in force after it.
fn put_in_force(entry: &mut Entry, changed: Arc<Declaration>, now: Timestamp) -> Trigger {
    entry.declare(changed);
    let asked = declarations::record_declaration(&mut entry.record, &entry.declared, now);
    entry.unsaved |= asked;
    if asked { Trigger::Request } else { Trigger::Declaration }
}

/// Whether two declarations are equal; mostly both are the same allocation.
fn is_same(one: &Arc<Declaration>, other: &Arc<Declaration>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

/// For how many passes there is room, by the placement and depth of the first.
fn room<'a>(
    entries: &'a BTreeMap<DeploymentName, Slot>,
    work: &'a Work,
    now: Timestamp,
) -> impl Fn(&DeploymentName, Rank) -> usize + use<'a> {
    let in_full = schedule::is_small(entries.len());
    move |name, rank| {
        let key = batch_key(entries, name, in_full, now);
        key.map_or(0, |(placement, depth)| work.room(placement, rank, depth))
    }
}

/// What the deployments of one batch have in common: their placement, and the depth of the pass.
fn batch_key<'a>(
    entries: &'a BTreeMap<DeploymentName, Slot>,
    name: &DeploymentName,
    in_full: bool,
    now: Timestamp,
) -> Option<(&'a Placement, Depth)> {
    entries.get(name).map(|slot| match slot {
        // What rolls is looked at beside what is read in full, which it is once it has moved.
        Slot::Idle(entry) if entry.rolling(now).is_some() => (&entry.declared.desired.placement, Depth::Full),
        Slot::Idle(entry) => (&entry.declared.desired.placement, entry.depth(in_full, now)),
        Slot::InPass(in_pass) => (&in_pass.declared.desired.placement, in_pass.depth),
    })
}

/// A number that differs between deployments and passes, so that waits spread; not random, so that
/// a run can be repeated.
fn jitter_seed(entry: &Entry) -> u64 {
    let name = entry.record.name.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    name.wrapping_add(u64::from(entry.held) << 32).wrapping_add(u64::from(entry.light))
}
