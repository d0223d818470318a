//! `evenkeel run`: wires the adapters and runs the controller until it is stopped.

use crate::readers::Readers;
use anyhow::{Context, bail};
use evenkeel::aws::{self, Aws};
use evenkeel::executor::Executor;
use evenkeel::model::location::Location;
use evenkeel::model::status::DeploymentStatus;
use evenkeel::model::visible::visible;
use evenkeel::observed::Collector;
use evenkeel::reconcile::dry_run::Planner;
use evenkeel::reconcile::{
    self, Clock, Controller, Handle, Metrics, Reconciler, Settings, is_at_rest, is_ready,
};
use evenkeel::settings::RunArgs;
use evenkeel::state::RecordStore;
use evenkeel::telemetry;
use evenkeel::{specs, state};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Longest time that a stop may take once it is asked for; a call of AWS gives up sooner.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How often the spec store is read even when nothing hints at a change.
const RESCAN: Duration = Duration::from_secs(10);

/// Runs the controller; with `--once` true when all are Ready.
pub async fn run(args: RunArgs) -> anyhow::Result<bool> {
    let RunArgs { store, state, resync, once, timeout, .. } = args;
    let listen = args.window.listen;
    telemetry::init(&args.log, args.log_format).map_err(anyhow::Error::msg)?;
    // Begun at once: a signal that comes early must not kill.
    let mut asked_to_stop = tokio::spawn(signalled());
    anyhow::ensure!(
        !store.overlaps(&state),
        "--store {store} and --state {state} are in one another: records would be read as documents; give each a folder of its own"
    );
    let pace = aws::Pace { share: Some(args.budget_share), speed: 1.0 };
    let aws = Aws::connect(aws::Settings { pace, ..Default::default() }).await;
    let readers = Readers::of(args.window, &aws).await?;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot serve health and metrics on {listen}; choose another address with --listen")
    })?;
    let parts = Parts { aws: aws.clone(), clock: Clock::real(), settings: Settings { resync } };
    let mut running = start(parts, &store, &state).await?;
    let handle = running.handle.clone();
    let planner =
        Planner::new(store.clone(), Arc::clone(&running.records), Collector::new(aws), Clock::real());
    let window =
        readers.window(handle.clone(), Arc::clone(&running.records), Clock::real()).planning(planner);
    let http = tokio::spawn(evenkeel::http::serve(listener, window, std::future::pending()));
    tracing::info!(%store, %state, %listen, "evenkeel runs");
    let verdict = tokio::select! {
        all_ready = settled(&handle, timeout), if once => all_ready,
        _ = &mut asked_to_stop => !once,
        error = running.ended() => return Err(error),
    };
    running.stop().await?;
    http.abort();
    Ok(verdict)
}

/// What a controller is made of, apart from where it keeps things.
pub struct Parts {
    /// The way to AWS.
    pub aws: Aws,
    /// The time.
    pub clock: Clock,
    /// How it works.
    pub settings: Settings,
}

/// A controller in its task.
pub struct Running {
    /// What may be known of it.
    pub handle: Handle,
    /// What it keeps, to read.
    pub records: Arc<dyn RecordStore>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), state::Error>>,
}

/// Opens both stores and starts a controller.
pub async fn start(parts: Parts, store: &Location, state: &Location) -> anyhow::Result<Running> {
    let Parts { aws, clock, settings } = parts;
    let state = state::open(state);
    let holder = format!("evenkeel {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id());
    let lease = state.hold(&holder).await.context("cannot open the state folder (--state)")?;
    let mut store = specs::open(store, RESCAN);
    let recorded = state.load_all().await.context("cannot read the records (--state)")?.records;
    let declared = recorded.into_iter().filter_map(|record| Some((record.name, record.declared?)));
    let in_force = declared.filter(|(_, declared)| declared.removed_at.is_none());
    store.hold(in_force.map(|(name, declared)| (name, declared.source.file)).collect());
    let metrics = Metrics::collecting(aws.clone());
    let handle = Handle::new(metrics.clone());
    let records = Arc::clone(&state);
    let (collector, executor) = (Collector::new(aws.clone()), Executor::new(aws));
    let reconciler = Reconciler { collector, executor, state, lease, clock, metrics };
    let controller = Controller::new(reconciler, handle.clone(), settings);
    let (snapshots, received) = mpsc::channel(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let feeding = tokio::spawn(reconcile::feed(store, snapshots));
        let result = controller.run(received, async { drop(stopped.await) }).await;
        feeding.abort();
        result
    });
    Ok(Running { handle, records, stop, task })
}

impl Running {
    /// Resolves when the controller ended by itself, with why.
    pub async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Ok(())) => anyhow::anyhow!("the controller stopped by itself"),
            Ok(Err(error)) => anyhow::Error::new(error).context("the controller failed"),
            Err(error) => anyhow::Error::new(error).context("the controller ended badly"),
        }
    }

    /// Stops the controller: the action under way is finished, no other is begun.
    pub async fn stop(self) -> anyhow::Result<()> {
        // A controller that is gone already needs no telling.
        let _ = self.stop.send(());
        match tokio::time::timeout(STOP_WITHIN, self.task).await {
            Ok(ended) => ended.context("the controller ended badly")?.context("the controller failed"),
            Err(_) => {
                bail!("the action under way did not end within 10 s; it is looked at again at the next start")
            }
        }
    }
}

/// Waits until every deployment is at rest; true when there are some and all are Ready, and the
/// whole spec store could be read. What is not so is said.
pub async fn settled(handle: &Handle, timeout: Duration) -> bool {
    let mut changes = handle.watch();
    let wait = async {
        loop {
            let statuses = handle.statuses();
            if handle.is_up_to_date() && statuses.iter().all(|status| is_at_rest(status)) {
                return statuses;
            }
            if changes.changed().await.is_err() {
                return statuses;
            }
        }
    };
    let statuses = match tokio::time::timeout(timeout, wait).await {
        Ok(statuses) => statuses,
        Err(_) => handle.statuses(),
    };
    let errors = handle.store_errors();
    for error in &errors {
        anstream::eprintln!("spec store: {}", visible(error));
    }
    if errors.is_empty() && statuses.is_empty() {
        anstream::eprintln!("nothing is declared: the spec store holds no document");
    }
    let unready: Vec<&Arc<DeploymentStatus>> =
        statuses.iter().filter(|status| !is_ready(status) && !status.orphaned).collect();
    for status in &unready {
        anstream::eprintln!("{}: not ready: {}", status.name, visible(&why(status)));
    }
    unready.is_empty() && errors.is_empty() && !statuses.is_empty()
}

/// Why a deployment is not ready.
pub fn why(status: &DeploymentStatus) -> String {
    status
        .conditions
        .first()
        .map(|ready| format!("{}: {}", ready.reason, ready.message))
        .unwrap_or_else(|| "nothing is known yet".to_owned())
}

/// Resolves when the process is asked to stop.
pub async fn signalled() {
    let interrupt = tokio::signal::ctrl_c();
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(_) => {
            let _ = interrupt.await;
            return;
        }
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
