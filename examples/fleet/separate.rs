//! The simulation in a process of its own, so that what is measured is the controller and nothing
//! else.
//!
//! The example starts itself as a child. The child brings the fleet up in paused time, with a
//! controller of its own, and then serves its simulated AWS on a loopback port, [`SPEED`] times
//! faster than real time. This process starts a controller on those documents and records, over
//! TCP, with as many threads as `evenkeel run` has.

use crate::meter::{Meter, Reading};
use crate::running::{RESYNC, Running};
use crate::{Args, FIRST, bring_up};
use anyhow::{Context, ensure};
use evenkeel::aws;
use evenkeel::reconcile::Clock;
use jiff::Timestamp;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Simulated seconds per second, once the bring-up is done.
pub const SPEED: f64 = 10.0;

/// The child: brings the fleet up, says where it is served and what time it is there, and serves it
/// until its input ends.
pub async fn serve(args: &Args, folder: &Path) -> anyhow::Result<()> {
    let (sim, ..) = bring_up(args, folder, SPEED).await?;
    tokio::time::resume();
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    println!("\n{READY}{} {}", listener.local_addr()?, sim.now());
    std::io::stdout().flush()?;
    let parent_is_gone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    sim.serve(listener, async { drop(parent_is_gone.await) }).await?;
    Ok(())
}

/// What the child's last line begins with.
const READY: &str = "served on ";

/// The parent: starts the child and measures a controller that starts on what is in sync.
pub fn measure(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--serve")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the child")?;
    let output = child.stdout.take().context("the child has no output")?;
    let mut place = None;
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some(said) = line.strip_prefix(READY) {
            let (address, now) = said.split_once(' ').context("the child said something else")?;
            place = Some((address.parse()?, now.parse()?));
            break;
        }
        println!("{line}");
    }
    let (address, now) = place.context("the child ended")?;
    // The threads of `evenkeel run`: they decide how many arenas the allocator makes.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure_one(args, folder.path(), address, now))?;
    drop(child.stdin.take());
    ensure!(child.wait()?.success(), "the child failed");
    Ok(())
}

async fn measure_one(args: &Args, folder: &Path, address: SocketAddr, now: Timestamp) -> anyhow::Result<()> {
    println!("\nin a process of its own, before the controller starts: {}", Reading::take()?);
    let settings =
        aws::Settings { pace: args.pace(SPEED), ..aws::Settings::simulated(format!("http://{address}")) };
    let running = Running::start(settings, Clock::simulated(now, SPEED), folder).await?;
    let meter = Meter::start(&running.aws, None, SPEED)?;
    running.all_ready(args.apps, FIRST).await?;
    running.pass(RESYNC).await;
    meter.report("start on what is in sync", args.apps)?;
    for _ in 0..args.resyncs {
        let meter = Meter::start(&running.aws, None, SPEED)?;
        running.pass(RESYNC).await;
        meter.report("steady resync", args.apps)?;
    }
    running.stop().await
}
