//! A controller as an example runs it.

use anyhow::{bail, ensure};
use evenkeel::aws::{self, Aws};
use evenkeel::executor::Executor;
use evenkeel::model::location::Location;
use evenkeel::model::status::ComponentStatus;
use evenkeel::observed::Collector;
use evenkeel::reconcile::{Clock, Controller, Handle, Metrics, Reconciler, Settings, is_ready};
use evenkeel::{specs, state};
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The resync interval of every deployment: the default of `evenkeel run`.
pub const RESYNC: Duration = Duration::from_secs(60);
/// The documents are read this often, as by `evenkeel run`.
const RESCAN: Duration = Duration::from_secs(10);
/// The bring-up is given up after so much simulated time.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);

/// A controller in its task, wired as `evenkeel run` wires it.
pub struct Running {
    /// Its way to AWS, which counts its calls.
    pub aws: Aws,
    handle: Handle,
    clock: Clock,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), state::Error>>,
    feeding: JoinHandle<()>,
}

/// When what was waited for came about, in simulated time.
#[derive(Clone, Copy)]
pub struct Milestones {
    /// The first was Ready.
    pub first: Duration,
    /// All were.
    pub all: Duration,
}

impl Running {
    /// Starts one on the documents and records in `folder`.
    pub async fn start(settings: aws::Settings, clock: Clock, folder: &Path) -> anyhow::Result<Self> {
        let aws = Aws::connect(settings).await;
        let metrics = Metrics::default();
        let handle = Handle::new(metrics.clone());
        let state = state::open(&Location::File(folder.join("state")));
        let lease = state.hold("example").await?;
        let (collector, executor) = (Collector::new(aws.clone()), Executor::new(aws.clone()));
        let reconciler = Reconciler { collector, executor, state, lease, clock: clock.clone(), metrics };
        let controller = Controller::new(reconciler, handle.clone(), Settings { resync: RESYNC });
        let (snapshots, received) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(controller.run(received, async { drop(stopped.await) }));
        let store = specs::open(&Location::File(folder.join("specs")), RESCAN.div_f64(clock.speed()));
        let feeding = tokio::spawn(evenkeel::reconcile::feed(store, snapshots));
        Ok(Self { aws, handle, clock, stop, task, feeding })
    }

    /// Lets so much simulated time pass.
    pub async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// Waits until the documents are read and all are Ready with images of this tag.
    pub async fn all_ready(&self, apps: usize, tag: &str) -> anyhow::Result<Milestones> {
        let began = tokio::time::Instant::now();
        let passed = || began.elapsed().mul_f64(self.clock.speed());
        let mut first = None;
        let end = self.clock.after(PATIENCE);
        let is_new = |component: &ComponentStatus| component.image.ends_with(&format!(":{tag}"));
        let ready = || {
            let statuses = self.handle.statuses();
            let ready = statuses.iter().filter(|status| is_ready(status));
            ready.filter(|status| status.components.values().all(|one| is_new(one))).count()
        };
        // A controller that was just started shows what was stored, until its first pass.
        while !self.handle.store_is_read() || ready() < apps {
            if self.handle.store_is_read() && ready() > 0 {
                first.get_or_insert_with(passed);
            }
            if tokio::time::Instant::now() > end {
                let statuses = self.handle.statuses();
                let unready = statuses.iter().find(|status| !is_ready(status));
                let why = unready.map(|status| serde_json::to_string_pretty(&**status)).transpose()?;
                bail!("{} of {apps} became ready; one that did not: {}", ready(), why.unwrap_or_default());
            }
            ensure!(!self.task.is_finished(), "the controller stopped by itself");
            self.pass(Duration::from_secs(1)).await;
        }
        let all = passed();
        Ok(Milestones { first: first.unwrap_or(all), all })
    }

    /// Stops it.
    pub async fn stop(self) -> anyhow::Result<()> {
        // A controller that is gone already needs no telling.
        let _ = self.stop.send(());
        self.task.await??;
        self.feeding.abort();
        Ok(())
    }
}
