//! What a fleet costs: a thousand applications on one controller and a simulated AWS.
//!
//! ```text
//! cargo run --release --example fleet
//! cargo run --release --example fleet -- --apps 50 --rate-limits
//! cargo run --release --example fleet -- --rate-limits --budget-share 100 --upgrade
//! cargo run --release --example fleet -- --separate
//! ```
//!
//! Time is tokio's paused time, so an hour of waiting takes no time; calls go through the whole
//! SDK. It prints what the bring-up took (with rate limits, beside it how long each category of
//! AWS's takes by itself for the calls that were made), and then what resyncs take in which nothing
//! differs: calls of AWS, CPU time and memory. The simulation is in the same process, so its CPU
//! time is measured around each call and told apart; memory is that of both together. With
//! `--separate` the
//! controller that is measured has a process for itself and talks to the simulation over TCP: its
//! memory is the controller's own. CPU time and memory are read from `/proc`, so this runs on Linux
//! only.

mod documents;
mod meter;
mod running;
mod separate;
mod timed;

use aws_sim::Sim;
use clap::Parser;
use evenkeel::aws;
use evenkeel::reconcile::Clock;
use meter::{Meter, Reading};
use running::{RESYNC, Running};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use timed::Timed;

/// Measures a controller with a fleet on a simulated AWS.
#[derive(Parser)]
struct Args {
    /// Applications to declare, each with a service, a target group, a rule, a log group and a
    /// secret.
    #[arg(long, default_value_t = 1000)]
    apps: usize,
    /// Resyncs to measure once everything is in sync.
    #[arg(long, default_value_t = 1)]
    resyncs: u32,
    /// Let AWS's published request rates hold, and keep to our share of them.
    #[arg(long)]
    rate_limits: bool,
    /// With --rate-limits: the share, as `evenkeel run` takes it.
    #[arg(long, default_value = "25")]
    budget_share: aws::Shares,
    /// After the bring-up, exchange the images of all of them, and measure that.
    #[arg(long, conflicts_with = "separate")]
    upgrade: bool,
    /// Measure the controller in a process of its own.
    #[arg(long)]
    separate: bool,
    /// Bring the fleet up in this folder and serve the simulation: what `--separate` starts.
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
}

/// The tag of the images that come up.
const FIRST: &str = "1.0";
/// The tag of those that take their place.
const SECOND: &str = "1.1";

impl Args {
    fn pace(&self, speed: f64) -> aws::Pace {
        let share = self.rate_limits.then(|| self.budget_share.clone());
        aws::Pace { share, speed }
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if args.separate && args.serve.is_none() {
        return separate::measure(&args);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    match &args.serve {
        Some(folder) => runtime.block_on(separate::serve(&args, folder)),
        None => runtime.block_on(measure(&args)),
    }
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (sim, spent) = bring_up(args, folder.path(), 1.0).await?;

    // A restarted controller carries nothing of the bring-up with it; what is there before it
    // starts is the simulation's.
    println!("\nbefore the controller is started again: {}", Reading::take()?);
    Reading::forget_peak();
    let running = start(args, &sim, &spent, folder.path()).await?;
    let meter = Meter::start(&running.aws, Some(&spent), 1.0)?;
    running.all_ready(args.apps, if args.upgrade { SECOND } else { FIRST }).await?;
    running.pass(RESYNC).await;
    meter.report("start on what is in sync", args.apps)?;
    for _ in 0..args.resyncs {
        Reading::forget_peak();
        let meter = Meter::start(&running.aws, Some(&spent), 1.0)?;
        running.pass(RESYNC).await;
        meter.report("steady resync", args.apps)?;
    }
    running.stop().await
}

/// Makes an AWS and documents in `folder`, and runs a controller until all are ready. Simulated
/// time runs `speed` times as fast as tokio's. Answers the AWS and the nanoseconds that it took.
async fn bring_up(args: &Args, folder: &Path, speed: f64) -> anyhow::Result<(Sim, Arc<AtomicU64>)> {
    let sim = Sim::builder().rate_limits(args.rate_limits).speed(speed).build();
    let listeners = documents::seed(&sim, args.apps)?;
    documents::write(&folder.join("specs"), &listeners, args.apps, FIRST)?;
    let spent = Arc::new(AtomicU64::new(0));
    println!("{} applications; before the controller starts: {}", args.apps, Reading::take()?);
    let running = start(args, &sim, &spent, folder).await?;
    let meter = Meter::start(&running.aws, Some(&spent), speed)?;
    let ready = running.all_ready(args.apps, FIRST).await?;
    meter.report("bring-up", args.apps)?;
    meter.report_pace(ready, args.rate_limits.then_some(&args.budget_share));
    if args.upgrade {
        let meter = Meter::start(&running.aws, Some(&spent), speed)?;
        documents::write(&folder.join("specs"), &listeners, args.apps, SECOND)?;
        let ready = running.all_ready(args.apps, SECOND).await?;
        meter.report("upgrade of all images", args.apps)?;
        meter.report_pace(ready, args.rate_limits.then_some(&args.budget_share));
    }
    running.stop().await?;
    Ok((sim, spent))
}

/// Starts a controller on the simulation in this process.
async fn start(args: &Args, sim: &Sim, spent: &Arc<AtomicU64>, folder: &Path) -> anyhow::Result<Running> {
    let client = Timed { sim: sim.clone(), spent: Arc::clone(spent) };
    let sim_clock = sim.clock();
    let speed = sim_clock.speed();
    let mut settings = aws::Settings::closed(client, move || sim_clock.now());
    settings.pace = args.pace(speed);
    Running::start(settings, Clock::simulated(sim.now(), speed), folder).await
}
