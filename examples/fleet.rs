//! What a fleet costs: a thousand applications on one controller and a simulated AWS, all in this process.
//!
//! ```text
//! cargo run --release --example fleet
//! cargo run --release --example fleet -- --apps 50 --rate-limits
//! ```
//!
//! Time is tokio's paused time, so an hour of waiting takes no time; calls go through the whole SDK. It prints what the
//! bring-up took, and then what resyncs take in which nothing differs: calls of AWS, CPU time and memory. The simulation is
//! in the same process, so its CPU time is measured around each call and told apart; memory is that of both together, unless
//! told otherwise. CPU time and memory are read from `/proc`, so this runs on Linux only.

use anyhow::{Context, bail, ensure};
use aws_sim::Sim;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use clap::Parser;
use evenkeel::aws::{self, Aws};
use evenkeel::executor::Executor;
use evenkeel::observed::Collector;
use evenkeel::reconcile::{Clock, Controller, Handle, Settings, Walk, is_ready};
use evenkeel::status::FileState;
use evenkeel::store::{FileStore, Store};
use evenkeel::telemetry::Metrics;
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

const REGION: &str = "eu-west-1";
/// Every deployment is looked at this often: the default of `evenkeel run`.
const RESYNC: Duration = Duration::from_secs(60);
/// The documents are read this often, as by `evenkeel run`.
const RESCAN: Duration = Duration::from_secs(10);
/// AWS allows a load balancer 100 rules.
const APPS_PER_LOAD_BALANCER: usize = 100;
/// The bring-up is given up after so much simulated time.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);

/// Measures a controller with a fleet on a simulated AWS.
#[derive(Parser)]
struct Args {
    /// Applications to declare, each with a service, a target group, a rule, a log group and a secret.
    #[arg(long, default_value_t = 1000)]
    apps: usize,
    /// Resyncs to measure once everything is in sync.
    #[arg(long, default_value_t = 1)]
    resyncs: u32,
    /// Let AWS's published request rates hold, and keep to the default share of them.
    #[arg(long)]
    rate_limits: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(measure(&args))
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let sim = Sim::builder().rate_limits(args.rate_limits).build();
    write_documents(&folder.path().join("specs"), &seed(&sim, args.apps)?, args.apps)?;
    let spent = Arc::new(AtomicU64::new(0));
    println!("{} applications; before the controller starts: {}", args.apps, Reading::take(&spent)?);

    let mut meter = Meter::start(&sim, &spent)?;
    let running = Running::start(&sim, &spent, args.rate_limits, folder.path()).await?;
    running.all_ready(args.apps).await?;
    meter.report("bring-up", args.apps)?;
    running.stop().await?;

    // A restarted controller carries nothing of the bring-up with it; what is there before it starts is the simulation's.
    println!("\nbefore the controller is started again: {}", Reading::take(&spent)?);
    let mut meter = Meter::start(&sim, &spent)?;
    let running = Running::start(&sim, &spent, args.rate_limits, folder.path()).await?;
    running.all_ready(args.apps).await?;
    running.pass(RESYNC).await;
    meter.report("start on what is in sync", args.apps)?;
    for _ in 0..args.resyncs {
        let mut meter = Meter::start(&sim, &spent)?;
        running.pass(RESYNC).await;
        meter.report("steady resync", args.apps)?;
    }
    running.stop().await
}

/// Makes the cluster, the secrets and the load balancers; answers the ARNs of the listeners.
fn seed(sim: &Sim, apps: usize) -> anyhow::Result<Vec<String>> {
    let balancers: Vec<String> =
        (0..apps.div_ceil(APPS_PER_LOAD_BALANCER)).map(|number| format!("fleet-{number:02}")).collect();
    let listeners = json!([{"port": 80, "protocol": "HTTP"}]);
    let made = sim
        .seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": "fleet"}],
            "secrets": (0..apps).map(|app| json!({"name": format!("app-{app:04}/db"), "value": {"url": "mysql://"}})).collect::<Value>(),
            "loadBalancers": balancers.iter().map(|name| json!({"name": name, "listeners": listeners})).collect::<Value>(),
        }))
        .map_err(|error| anyhow::anyhow!("the simulation refuses the seed: {}", error.message))?;
    let arn = |name: &String| made["listeners"][format!("{name}:80")].as_str().map(str::to_owned);
    balancers.iter().map(arn).collect::<Option<_>>().context("a listener was not made")
}

fn write_documents(folder: &Path, listeners: &[String], apps: usize) -> anyhow::Result<()> {
    std::fs::create_dir(folder)?;
    for app in 0..apps {
        let listener = &listeners[app / APPS_PER_LOAD_BALANCER];
        let priority = app % APPS_PER_LOAD_BALANCER + 1;
        std::fs::write(folder.join(format!("app-{app:04}.yaml")), document(app, listener, priority))?;
    }
    Ok(())
}

fn document(app: usize, listener: &str, priority: usize) -> String {
    format!(
        r#"apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {{name: app-{app:04}, labels: {{team: team-{team}}}}}
spec:
  placement: {{region: {REGION}, cluster: fleet}}
  logGroups:
    /fleet/app-{app:04}: {{retentionInDays: 30}}
  targetGroups:
    web:
      port: 8080
      vpcId: vpc-0a1b2c3d
      healthCheckPath: /health
      healthCheckIntervalSeconds: 10
      attributes: {{deregistration_delay.timeout_seconds: "15"}}
  rules:
    web:
      listenerArn: {listener}
      priority: {priority}
      conditions: [{{field: host-header, values: [app-{app:04}.example.com]}}]
      actions: [{{type: forward, targetGroup: web}}]
  components:
    web:
      taskDefinition:
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/fleet-execution
        taskRoleArn: arn:aws:iam::123456789012:role/fleet-task
        containerDefinitions:
          - name: web
            image: registry.example.com/app-{app:04}:1.0
            portMappings: [{{containerPort: 8080}}]
            environment:
              - {{name: PORT, value: "8080"}}
              - {{name: LOG_LEVEL, value: info}}
              - {{name: BASE_URL, value: "https://app-{app:04}.example.com"}}
            secrets: [{{name: DATABASE_URL, valueFrom: "app-{app:04}/db:url::"}}]
            logConfiguration:
              logDriver: awslogs
              options:
                awslogs-group: /fleet/app-{app:04}
                awslogs-region: {REGION}
                awslogs-stream-prefix: web
      service:
        desiredCount: 1
        launchType: FARGATE
        networkConfiguration:
          awsvpcConfiguration: {{subnets: [subnet-0a1b2c3d, subnet-0e1f2a3b], securityGroups: [sg-0a1b2c3d]}}
        loadBalancers: [{{targetGroup: web, containerName: web, containerPort: 8080}}]
        healthCheckGracePeriodSeconds: 30
        deploymentConfiguration:
          deploymentCircuitBreaker: {{enable: true, rollback: true}}
"#,
        team = app % 20,
    )
}

/// A controller in its task, wired as `evenkeel run` wires it.
struct Running {
    handle: Handle,
    clock: Clock,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), evenkeel::status::Error>>,
    feeding: JoinHandle<()>,
}

impl Running {
    async fn start(
        sim: &Sim,
        spent: &Arc<AtomicU64>,
        rate_limits: bool,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let client = Timed { sim: sim.clone(), spent: Arc::clone(spent) };
        let sim_clock = sim.clock();
        let mut settings = aws::Settings::closed(client, move || sim_clock.now());
        if rate_limits {
            settings.pace = aws::Pace::default();
        }
        let aws = Aws::connect(settings).await;
        let metrics = Metrics::default();
        let handle = Handle::new(metrics.clone());
        let clock = Clock::simulated(sim.now(), 1.0);
        let state = FileState::open(folder.join("state"))?;
        let (collector, executor) = (Collector::new(aws.clone()), Executor::new(aws));
        let walk = Walk { collector, executor, state, clock, metrics };
        let controller = Controller::new(walk, handle.clone(), Settings { resync: RESYNC });
        let (snapshots, received) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(controller.run(received, async { drop(stopped.await) }));
        let mut store = FileStore::new(folder.join("specs"), RESCAN);
        let feeding = tokio::spawn(async move {
            while snapshots.send(store.load().await).await.is_ok() {
                store.changed().await;
            }
        });
        Ok(Self { handle, clock, stop, task, feeding })
    }

    async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    async fn all_ready(&self, apps: usize) -> anyhow::Result<()> {
        let end = self.clock.after(PATIENCE);
        let ready = || self.handle.statuses().iter().filter(|status| is_ready(status)).count();
        // A controller that was just started shows what was stored, until it has looked.
        while !self.handle.store_is_read() || ready() < apps {
            if tokio::time::Instant::now() > end {
                let statuses = self.handle.statuses();
                let unready = statuses.iter().find(|status| !is_ready(status));
                let why = unready.map(|status| serde_json::to_string_pretty(&**status)).transpose()?;
                bail!("{} of {apps} became ready; one that did not: {}", ready(), why.unwrap_or_default());
            }
            ensure!(!self.task.is_finished(), "the controller stopped by itself");
            self.pass(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    async fn stop(self) -> anyhow::Result<()> {
        // A controller that is gone already needs no telling.
        let _ = self.stop.send(());
        self.task.await??;
        self.feeding.abort();
        Ok(())
    }
}

/// The simulation with a stopwatch: how long its calls take it.
#[derive(Clone, Debug)]
struct Timed {
    sim: Sim,
    /// Nanoseconds.
    spent: Arc<AtomicU64>,
}

impl HttpClient for Timed {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Timed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut answer: Pin<Box<HttpConnectorFuture>> = Box::pin(self.sim.http_client().call(request));
        let spent = Arc::clone(&self.spent);
        HttpConnectorFuture::new(std::future::poll_fn(move |context| {
            let began = stopwatch();
            let polled = answer.as_mut().poll(context);
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            spent.fetch_add(took, Ordering::Relaxed);
            polled
        }))
    }
}

#[expect(clippy::disallowed_methods, reason = "real time is what is measured; nothing waits by it")]
fn stopwatch() -> std::time::Instant {
    std::time::Instant::now()
}

/// What the process has used so far.
#[derive(Clone, Copy)]
struct Reading {
    cpu: Duration,
    /// Of it, in the simulation.
    simulation: Duration,
    resident_kib: u64,
    peak_kib: u64,
}

impl Reading {
    fn take(spent: &AtomicU64) -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").context("this needs Linux's /proc")?;
        // Fields are counted after the name, which may hold spaces: user and system time are the 12th and 13th.
        let fields = stat.rsplit_once(") ").context("/proc/self/stat has another form")?.1;
        let ticks: u64 = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let kib = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context(name.to_owned())?;
            Ok(line.trim().trim_end_matches(" kB").parse()?)
        };
        Ok(Self {
            // Linux shows processes a hundred ticks per second, whatever it uses itself.
            cpu: Duration::from_millis(ticks * 10),
            simulation: Duration::from_nanos(spent.load(Ordering::Relaxed)),
            resident_kib: kib("VmRSS:")?,
            peak_kib: kib("VmHWM:")?,
        })
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib as f64 / 1024.0;
        write!(f, "{:.1} MiB resident, peak {:.1} MiB", mib(self.resident_kib), mib(self.peak_kib))
    }
}

/// Measures one span.
struct Meter<'a> {
    sim: &'a Sim,
    spent: &'a AtomicU64,
    before: Reading,
    began: std::time::Instant,
    simulated: tokio::time::Instant,
}

impl<'a> Meter<'a> {
    fn start(sim: &'a Sim, spent: &'a AtomicU64) -> anyhow::Result<Self> {
        sim.reset_calls();
        // Makes the peak start anew (proc(5)); where it may not be written, the peak is that of the whole run.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let before = Reading::take(spent)?;
        Ok(Self { sim, spent, before, began: stopwatch(), simulated: tokio::time::Instant::now() })
    }

    fn report(&mut self, what: &str, apps: usize) -> anyhow::Result<()> {
        let after = Reading::take(self.spent)?;
        let counts = self.sim.counts();
        let cpu = after.cpu - self.before.cpu;
        let simulation = after.simulation - self.before.simulation;
        println!("\n{what}");
        println!("  simulated time   {:.0} s", self.simulated.elapsed().as_secs_f64());
        println!("  wall time        {:.2} s", self.began.elapsed().as_secs_f64());
        println!(
            "  CPU time         {:.2} s, of which the simulation {:.2} s",
            cpu.as_secs_f64(),
            simulation.as_secs_f64()
        );
        println!("  memory           {after}");
        println!("  AWS writes       {}", counts.writes);
        println!(
            "  AWS reads        {} ({:.3} per service)",
            counts.reads,
            counts.reads as f64 / apps as f64
        );
        for (service, operations) in &counts.operations {
            for (operation, count) in operations {
                let failed =
                    if count.failed > 0 { format!(", {} failed", count.failed) } else { String::new() };
                println!("    {:<58} {:>6}{failed}", format!("{service}:{operation}"), count.calls);
            }
        }
        Ok(())
    }
}
