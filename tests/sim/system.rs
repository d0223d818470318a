//! The system under test: AWS, a disk, a folder of documents, and a controller that is killed and
//! started again.

use super::Killed;
use super::disk::SimDisk;
use super::document::{CANARY, CLUSTERS, REGION};
use super::permissions;
use super::watch::Watch;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sim::wire::Service;
use aws_sim::{Moment, Sim};
use evenkeel::aws::{self, Aws};
use evenkeel::executor::Executor;
use evenkeel::model::heartbeat::Heartbeat;
use evenkeel::model::ids::DeploymentName;
use evenkeel::model::request::{Request, RequestKind};
use evenkeel::model::status::{DeploymentStatus, Record};
use evenkeel::observed::Collector;
use evenkeel::reconcile::{self, Clock, Controller, Handle, Metrics, Reconciler, Settings};
use evenkeel::specs::MemorySpecs;
use evenkeel::state::{Error, FileRecordStore, Lease, Loaded, RecordStore, Requests, StoreReport};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How often the controller observes everything.
pub const RESYNC: Duration = Duration::from_secs(60);
/// How often documents are read without a hint.
const RESCAN: Duration = Duration::from_secs(15);
/// Where records are kept on the disk.
const FOLDER: &str = "/state";

/// Everything of one run.
pub struct System {
    /// AWS.
    pub sim: Sim,
    /// Where records are.
    pub disk: SimDisk,
    /// Where documents are.
    pub specs: MemorySpecs,
    /// Who checks every step.
    pub watch: Watch,
    /// Seconds by which the controller's clock is ahead.
    skew: Arc<AtomicI64>,
    /// Milliseconds that a save takes.
    slow: Arc<AtomicU64>,
    dies_at: Arc<Mutex<Option<AtCall>>>,
    controllers: u32,
    running: Option<Running>,
}

/// A call of AWS at which the controller dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtCall {
    /// The n-th from now, counted from 1.
    pub nth: u32,
    /// After it, or before.
    pub after: bool,
}

/// A controller at work.
struct Running {
    handle: Handle,
    task: JoinHandle<Result<(), Error>>,
    feeding: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

/// How a controller ended.
#[derive(Debug)]
pub enum End {
    /// It was killed or stopped.
    AsAsked,
    /// It refuses a file of its state; a person must take it away.
    Refused(Error),
}

impl System {
    /// A system in which nothing runs yet, under the shipped policy.
    pub fn new(sim: Sim, watch: Watch, seed: u64) -> Self {
        permissions::grant(&sim);
        let system = Self {
            sim,
            disk: SimDisk::new(seed),
            specs: MemorySpecs::default(),
            watch,
            skew: Arc::default(),
            slow: Arc::default(),
            dies_at: Arc::default(),
            controllers: 0,
            running: None,
        };
        let watch = system.watch.clone();
        system.sim.on_call(move |moment| watch.on_call(moment));
        let dies_at = Arc::clone(&system.dies_at);
        system.sim.on_call(move |moment| die(&dies_at, moment));
        system
    }

    /// What the applications refer to: clusters, secrets, load balancers, and a bystander that
    /// nobody may touch.
    pub fn seed(&self, names: &[String]) {
        let secrets: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": format!("{name}/db"), "value": {"url": format!("mysql://{CANARY}{name}")}}))
            .collect();
        let balancers: Vec<Value> =
            names.iter().map(|name| json!({"name": format!("lb-{name}"), "listeners": []})).collect();
        let seed = json!({"region": REGION, "clusters": CLUSTERS, "secrets": secrets, "loadBalancers": balancers,
            "logGroups": ["/ecs/bystander"]});
        self.sim.seed_world(&seed).expect("the seed is a good one");
    }

    /// Starts a controller.
    ///
    /// # Errors
    ///
    /// Another one works with the state.
    pub async fn start(&mut self) -> Result<(), Error> {
        let state = FileRecordStore::on(self.disk.clone(), FOLDER);
        let lease = match AssertUnwindSafe(state.hold("simulation")).catch_unwind().await {
            Ok(held) => held?,
            // It died in that very step, and is started again.
            Err(_) => state.hold("simulation").await?,
        };
        self.controllers += 1;
        let key = self.key();
        self.watch.controller(&key);
        let (sim_clock, skew) = (self.sim.clock(), Arc::clone(&self.skew));
        let now = move || sim_clock.now() + SignedDuration::from_secs(skew.load(Ordering::Relaxed));
        let credentials = Credentials::new(key, "simulated", None, None, "sim");
        let aws = Aws::connect(aws::Settings {
            credentials: Some(SharedCredentialsProvider::new(credentials)),
            ..aws::Settings::closed(self.sim.http_client(), now.clone())
        })
        .await;
        let metrics = Metrics::default();
        let handle = Handle::new(metrics.clone());
        let state = Watched { inner: state, slow: Arc::clone(&self.slow), watch: self.watch.clone() };
        let reconciler = Reconciler {
            collector: Collector::new(aws.clone()),
            executor: Executor::new(aws),
            state: Arc::new(state),
            lease,
            clock: Clock::given(now),
            metrics,
        };
        let controller = Controller::new(reconciler, handle.clone(), Settings { resync: RESYNC });
        let (snapshots, received) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(controller.run(received, async { drop(stopped.await) }));
        let feeding = tokio::spawn(reconcile::feed(Box::new(self.specs.open(RESCAN)), snapshots));
        self.running = Some(Running { handle, task, feeding, stop });
        Ok(())
    }

    /// The key that the newest controller's calls are signed with.
    pub fn key(&self) -> String {
        format!("AKIASIM{:05}", self.controllers)
    }

    /// Whether a controller is at work.
    pub fn is_alive(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.task.is_finished())
    }

    /// Kills the controller where it stands.
    pub async fn kill(&mut self) -> End {
        self.dies_in_call(None);
        self.disk.die_in(None);
        let Some(running) = self.running.take() else { return End::AsAsked };
        running.task.abort();
        self.joined(running).await
    }

    /// Clears away a controller that has died; what it would die of next stays armed.
    pub async fn join(&mut self) -> End {
        match self.running.take() {
            Some(running) => self.joined(running).await,
            None => End::AsAsked,
        }
    }

    /// Whether the call at which the controller dies has not come yet.
    pub fn is_armed(&self) -> bool {
        self.dies_at.lock().expect("nothing panics while it holds the lock").is_some()
    }

    /// Stops the controller as a signal does.
    pub async fn stop(&mut self) -> End {
        let Some(Running { handle, task, feeding, stop }) = self.running.take() else { return End::AsAsked };
        // One that has died meanwhile needs no signal.
        let _ = stop.send(());
        let (stop, _) = oneshot::channel();
        self.joined(Running { handle, task, feeding, stop }).await
    }

    async fn joined(&self, running: Running) -> End {
        let Running { task, feeding, .. } = running;
        let end = task.await;
        feeding.abort();
        // Until it is gone, too, it may still hold documents, and nothing else.
        let _ = feeding.await;
        match end {
            Ok(Ok(())) => End::AsAsked,
            Ok(Err(error)) => End::Refused(error),
            Err(error) if error.is_cancelled() => End::AsAsked,
            Err(error) => {
                let payload = error.into_panic();
                if !payload.is::<Killed>() {
                    let text = payload.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    self.watch.violation(
                        "panics",
                        format!("the controller panicked: {}", text.unwrap_or_default()),
                    );
                }
                End::AsAsked
            }
        }
    }

    /// Whether a second controller could open the state while this one works.
    pub async fn second_starts(&self) -> bool {
        FileRecordStore::on(self.disk.clone(), FOLDER).hold("second").await.is_ok()
    }

    /// The controller dies at a call; `None` takes that back.
    pub fn dies_in_call(&self, at: Option<AtCall>) {
        *self.dies_at.lock().expect("nothing panics while it holds the lock") = at;
    }

    /// The controller's clock jumps.
    pub fn jump(&self, seconds: i64) {
        self.skew.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The controller's clock is right again.
    pub fn set_clock_right(&self) {
        self.skew.store(0, Ordering::Relaxed);
    }

    /// From now on a save takes so many milliseconds.
    pub fn slow_disk(&self, milliseconds: u64) {
        self.slow.store(milliseconds, Ordering::Relaxed);
    }

    /// What the running controller says of everything, and whether it speaks of what is declared
    /// now.
    pub fn statuses(&self) -> (Vec<Arc<DeploymentStatus>>, bool) {
        match &self.running {
            Some(running) => (running.handle.statuses(), running.handle.is_up_to_date()),
            None => (Vec::new(), false),
        }
    }

    /// `ctl delete --confirm`; a person who sees it die types it again.
    pub async fn confirm(&self, name: &str) -> Result<(), Error> {
        self.ask(name, RequestKind::ConfirmDeletion).await
    }

    /// What a person asks for by `ctl`.
    pub async fn ask(&self, name: &str, kind: RequestKind) -> Result<(), Error> {
        let state = FileRecordStore::on(self.disk.clone(), FOLDER);
        let request = Request {
            deployment: name.into(),
            kind,
            by: "a person".to_owned(),
            reason: String::new(),
            at: self.sim.now(),
        };
        match AssertUnwindSafe(state.put_request(&request)).catch_unwind().await {
            Ok(asked) => asked,
            Err(_) => state.put_request(&request).await,
        }
    }

    /// Every record as it stands on the disk, as `ctl` reads it.
    pub async fn records(&self) -> Result<Loaded, Error> {
        FileRecordStore::on(self.disk.clone(), FOLDER).load_all().await
    }

    /// A call of AWS by somebody else; `None` when AWS refuses it.
    pub fn by_hand(&self, service: Service, operation: &str, input: &Value) -> Option<Value> {
        self.sim.with(|world| world.edit(REGION, service, operation, input)).ok()
    }

    /// Lets simulated time pass.
    #[expect(clippy::disallowed_methods, reason = "tests wait in tokio's paused time")]
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn die(dies_at: &Mutex<Option<AtCall>>, moment: &Moment<'_>) {
    let mut at = dies_at.lock().expect("nothing panics while it holds the lock");
    let Some(AtCall { nth, after }) = *at else { return };
    match (moment, after) {
        (Moment::Before { .. }, false) | (Moment::After { .. }, true) => {}
        _ => return,
    }
    if nth > 1 {
        *at = Some(AtCall { nth: nth - 1, after });
        return;
    }
    *at = None;
    drop(at);
    resume_unwind(Box::new(Killed));
}

/// The file state store with its saves watched, and slow when the disk is.
struct Watched {
    inner: FileRecordStore<SimDisk>,
    slow: Arc<AtomicU64>,
    watch: Watch,
}

impl Watched {
    #[expect(clippy::disallowed_methods, reason = "tests wait in tokio's paused time")]
    async fn wait(&self) {
        let slow = self.slow.load(Ordering::Relaxed);
        if slow > 0 {
            tokio::time::sleep(Duration::from_millis(slow)).await;
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl RecordStore for Watched {
    fn hold<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Lease, Error>> {
        self.inner.hold(holder)
    }

    fn load_all(&self) -> BoxFuture<'_, Result<Loaded, Error>> {
        async move {
            let loaded = self.inner.load_all().await?;
            self.watch.loaded(&loaded);
            Ok(loaded)
        }
        .boxed()
    }

    fn load<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<Option<Record>, Error>> {
        self.inner.load(name)
    }

    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.watch.saving(record);
            self.wait().await;
            self.inner.save(record).await?;
            self.watch.saved(record);
            Ok(())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.wait().await;
            self.watch.forgetting(name.as_str());
            self.inner.delete(name).await?;
            self.watch.forgotten(name.as_str());
            Ok(())
        }
        .boxed()
    }

    fn requests(&self) -> BoxFuture<'_, Result<Requests, Error>> {
        self.inner.requests()
    }

    fn put_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.put_request(request)
    }

    fn withdraw_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.withdraw_request(request)
    }

    fn save_report<'a>(&'a self, report: &'a StoreReport) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.wait().await;
            self.inner.save_report(report).await
        }
        .boxed()
    }

    fn load_report(&self) -> BoxFuture<'_, Result<Option<StoreReport>, Error>> {
        self.inner.load_report()
    }

    // A sign of life says nothing that a later controller goes by: it takes no step of the disk, or
    // every half minute would be another place to be killed at.
    fn beat<'a>(&'a self, _: &'a Heartbeat) -> BoxFuture<'a, Result<(), Error>> {
        std::future::ready(Ok(())).boxed()
    }

    fn load_heartbeat(&self) -> BoxFuture<'_, Result<Option<Heartbeat>, Error>> {
        self.inner.load_heartbeat()
    }
}
