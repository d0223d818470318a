//! The command line: which seeds, how often, on how many threads.

use super::crash;
use super::report::{self, Tally};
use super::scenario::Scenario;
use super::violations;
use clap::Parser;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Seeds that once failed, each with its reason.
const SAVED: &str = include_str!("../seeds.txt");
/// Seeds that run when nothing is asked for, besides the saved ones.
const FEW: u64 = 4;
/// Failures after which the rest is not worth its time.
const ENOUGH_FAILURES: u64 = 20;

/// Deterministic simulation of Evenkeel on simulated AWS.
#[derive(Debug, Parser)]
#[command(name = "sim", after_help = "Example: cargo test --release --test sim -- --seeds 300 --twice")]
struct Args {
    /// Runs this seed twice and shows the result.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs so many seeds, from `--from` on.
    #[arg(long)]
    seeds: Option<u64>,
    /// Runs the saved seeds, too.
    #[arg(long)]
    saved: bool,
    /// Runs new seeds for so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// The first seed of `--seeds` (default 1) or `--minutes` (default: another one each time).
    #[arg(long)]
    from: Option<u64>,
    /// Runs each seed twice and compares the traces.
    #[arg(long)]
    twice: bool,
    /// Prints every moment of `--seed`.
    #[arg(long)]
    trace: bool,
    /// Does not shrink what fails.
    #[arg(long)]
    no_shrink: bool,
    /// Runs the crash matrix instead, of the examples whose names contain this.
    #[arg(long, num_args = 0..=1, default_missing_value = "", value_name = "EXAMPLE")]
    crash_matrix: Option<String>,
    /// In the crash matrix, kills at each call, also where nothing has changed since the one
    /// before.
    #[arg(long)]
    each: bool,
    /// Threads; default: one for each processor.
    #[arg(long)]
    jobs: Option<usize>,
    /// Names of tests, as other test binaries take them; this one has a single test, `simulation`.
    #[arg(hide = true)]
    filters: Vec<String>,
    #[command(flatten)]
    harness: Harness,
}

/// What `cargo test -- …` may pass to every test binary alike; of no meaning here, except `--list`.
#[derive(Debug, clap::Args)]
struct Harness {
    #[arg(long, hide = true)]
    list: bool,
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    no_capture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, hide = true)]
    exact: bool,
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    skip: Vec<String>,
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let args = Args::parse();
    if args.harness.list {
        println!("simulation: test");
        return ExitCode::SUCCESS;
    }
    let skipped = args.harness.skip.iter().any(|skip| "simulation".contains(skip.as_str()));
    let named =
        args.filters.is_empty() || args.filters.iter().any(|filter| "simulation".contains(filter.as_str()));
    if skipped || !named || args.harness.ignored {
        println!("0 passed, 0 failed, 1 skipped");
        return ExitCode::SUCCESS;
    }
    // What the simulated process dies of is no news; what really panics is reported with its seed.
    std::panic::set_hook(Box::new(report::remember_panic));
    if let Some(seed) = args.seed {
        return report::one(&Scenario::draw(seed), args.trace, !args.no_shrink);
    }
    let jobs = args.jobs;
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    if let Some(filter) = &args.crash_matrix {
        let whole = crash::run(filter, args.each, jobs);
        println!("crash matrix: {} passed, {} failed", u8::from(whole), u8::from(!whole));
        return if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let unseen = violations::unseen_violations();
    println!("checkers: {} of {} violations seen", violations::count() - unseen.len(), violations::count());
    if !unseen.is_empty() {
        unseen.iter().for_each(|deed| println!("  not seen: {deed}"));
        println!("simulation: 0 passed, {} failed", unseen.len());
        return ExitCode::FAILURE;
    }
    let (saved, from, until) = plan(&args);
    let sweep = Sweep { saved, from, until, twice: args.twice, shrink: !args.no_shrink, ..Sweep::default() };
    sweep.run(jobs, args.minutes)
}

/// The saved seeds to run, the first of the others, and the one after the last.
fn plan(args: &Args) -> (Vec<u64>, u64, u64) {
    match (args.seeds, args.minutes) {
        (Some(count), _) => {
            let from = args.from.unwrap_or(1);
            let saved = if args.saved { saved() } else { Vec::new() };
            (saved, from, from.saturating_add(count))
        }
        (None, Some(_)) => (Vec::new(), args.from.unwrap_or_else(|| fastrand::u64(..1 << 48)), u64::MAX),
        (None, None) => (saved(), 1, 1 + FEW),
    }
}

/// The saved seeds.
fn saved() -> Vec<u64> {
    let seed = |line: &str| line.split_whitespace().next().and_then(|word| word.parse().ok());
    SAVED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(seed)
        .collect::<BTreeSet<u64>>()
        .into_iter()
        .collect()
}

/// Many seeds on several threads.
#[derive(Debug, Default)]
struct Sweep {
    saved: Vec<u64>,
    from: u64,
    until: u64,
    twice: bool,
    shrink: bool,
    next: AtomicU64,
    over: AtomicBool,
    tally: Mutex<Tally>,
}

impl Sweep {
    fn run(&self, jobs: usize, minutes: Option<u64>) -> ExitCode {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| self.work())).collect();
            let mut left = minutes.filter(|minutes| *minutes > 0).map(|minutes| minutes * 60);
            let mut waited = 0;
            while workers.iter().any(|worker| !worker.is_finished()) {
                std::thread::park_timeout(Duration::from_secs(1));
                waited += 1;
                if waited % 10 == 0 {
                    self.tally().progress();
                }
                if let Some(left) = &mut left {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        self.over.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        self.tally().end()
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seed(&self) -> Option<u64> {
        if self.over.load(Ordering::Relaxed) {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let saved = self.saved.len() as u64;
        match usize::try_from(index).ok().and_then(|index| self.saved.get(index)) {
            Some(seed) => Some(*seed),
            None => Some(self.from.saturating_add(index - saved)).filter(|seed| *seed < self.until),
        }
    }

    fn work(&self) {
        while let Some(seed) = self.seed() {
            let scenario = Scenario::draw(seed);
            let outcome = report::play_once(&scenario, false);
            let again = self.twice.then(|| report::play_once(&scenario, false).trace_hash);
            let failed = self.tally().count(&scenario, &outcome, again);
            if let Some(violation) = failed {
                let failure = report::failure(&scenario, &violation, self.shrink);
                println!("{failure}");
                if self.tally().failed >= ENOUGH_FAILURES {
                    self.over.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}
