//! Runs a scenario on a simulated AWS of its own, shrinks what fails, and reports it.

use super::Killed;
use super::scenario::{Scenario, Step};
use super::simulation::{RunResult, simulate};
use super::watch::Violation;
use super::watch::traffic::Served;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Moments that are shown of a failure.
const SHOWN: usize = 30;
/// Runs that shrinking may take.
const SHRINKING_RUNS: usize = 150;

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what a panic says, for the report of its seed.
pub fn remember_panic(info: &PanicHookInfo<'_>) {
    if !info.payload().is::<Killed>() {
        LAST_PANIC.with(|last| *last.borrow_mut() = info.to_string());
    }
}

fn last_panic() -> String {
    LAST_PANIC.with(|last| std::mem::take(&mut *last.borrow_mut()))
}

/// Does something in a simulated time of its own.
///
/// # Errors
///
/// What it panicked of.
pub fn in_own_runtime<T>(what: impl Future<Output = T>) -> Result<T, String> {
    last_panic();
    let done = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime without I/O needs nothing of the machine").block_on(what)
    }));
    done.map_err(|_| last_panic())
}

/// Runs a scenario on a simulated AWS and in a paused time of its own.
pub fn play_once(scenario: &Scenario, traced: bool) -> RunResult {
    let mut outcome = in_own_runtime(simulate(scenario, traced)).unwrap_or_else(|panic| RunResult {
        violation: Some(Violation {
            checker: "panics",
            message: format!("the simulation itself\n{panic}"),
            at: jiff::Timestamp::UNIX_EPOCH,
        }),
        trace_hash: 0,
        trace: Vec::new(),
        calls: 0,
        served: Served::default(),
        lasted: Duration::ZERO,
        explained: Vec::new(),
    });
    if let Some(violation) = &mut outcome.violation
        && violation.checker == "panics"
    {
        let _ = write!(violation.message, "\n{}", last_panic());
    }
    outcome
}

/// One seed, run twice, with its result.
pub fn one(scenario: &Scenario, trace: bool, shrink: bool) -> ExitCode {
    let outcome = play_once(scenario, true);
    let again = play_once(scenario, true);
    if trace {
        outcome.trace.iter().for_each(|line| println!("{line}"));
    }
    let mut tally = Tally::default();
    println!("{}", listed(scenario));
    println!(
        "{} calls of AWS in {} simulated seconds, trace {:016x}",
        outcome.calls,
        outcome.lasted.as_secs(),
        outcome.trace_hash
    );
    outcome.explained.iter().for_each(|reason| println!("held, and mended: {reason}"));
    if again.trace_hash != outcome.trace_hash {
        let at = outcome.trace.iter().zip(&again.trace).find(|(one, other)| one != other);
        println!("the traces part at {at:#?}");
    }
    if let Some(violation) = tally.count(scenario, &outcome, Some(again.trace_hash)) {
        println!("{}", failure(scenario, &violation, shrink));
    }
    tally.end()
}

/// Everything that a person needs to see a failure again: seed, commit, command, the last moments,
/// the shrunk workload.
pub fn failure(scenario: &Scenario, violation: &Violation, shrink: bool) -> String {
    let (shrunk, violation) =
        if shrink { shrunk(scenario, violation) } else { (scenario.clone(), violation.clone()) };
    let trace = play_once(&shrunk, true).trace;
    let last = &trace[trace.len().saturating_sub(SHOWN)..];
    let mut text = format!(
        "\nFAILED seed {}, commit {}\n  {}: {}\n  at {}\n  again: cargo test --release --test sim -- --seed {}\n",
        scenario.seed,
        commit(),
        violation.checker,
        violation.message,
        violation.at,
        scenario.seed
    );
    let _ = writeln!(text, "{}", listed(&shrunk));
    let _ = writeln!(text, "  the last {} moments:", last.len());
    for line in last {
        let line: String = line.chars().take(400).collect();
        let _ = writeln!(text, "    {line}");
    }
    text
}

fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let known = asked.ok().filter(|output| output.status.success());
    known.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn listed(scenario: &Scenario) -> String {
    let Scenario { seed, apps, latency_ms, rate_limits, steps, calm_from } = scenario;
    let mut text = format!(
        "seed {seed}: {} applications, latency up to {latency_ms} ms, rate limits {rate_limits}, calm after {} s",
        apps.len(),
        calm_from.as_secs()
    );
    for app in apps {
        let parts: Vec<String> = app
            .parts
            .iter()
            .map(|part| {
                let shift = part.shifted().map(|shift| format!(" {shift:?}")).unwrap_or_default();
                format!(
                    "{} {:?}{shift} secret {:?} after {:?}",
                    part.name, part.kind, part.secret, part.after
                )
            })
            .collect();
        let _ = write!(
            text,
            "\n  {} in {}, delete {}/{}: {}",
            app.name,
            app.cluster,
            app.delete,
            app.delete_logs,
            parts.join("; ")
        );
    }
    for Step { at, what } in steps {
        let _ = write!(text, "\n  {:>7.1} s  {what:?}", at.as_secs_f64());
    }
    text
}

/// The fewest steps that still violate the same invariant: halves are left out, then quarters, down
/// to single steps.
fn shrunk(scenario: &Scenario, violation: &Violation) -> (Scenario, Violation) {
    let mut best = (scenario.clone(), violation.clone());
    let mut size = best.0.steps.len().div_ceil(2).max(1);
    let mut runs = 0;
    loop {
        let mut at = 0;
        let mut smaller = false;
        while at < best.0.steps.len() && runs < SHRINKING_RUNS {
            let mut steps = best.0.steps.clone();
            steps.drain(at..(at + size).min(steps.len()));
            let candidate = best.0.with_steps(steps);
            runs += 1;
            match play_once(&candidate, false).violation {
                Some(same) if same.checker == violation.checker => {
                    best = (candidate, same);
                    smaller = true;
                }
                _ => at += size,
            }
        }
        if runs >= SHRINKING_RUNS || (size == 1 && !smaller) {
            return best;
        }
        size = if smaller && size == 1 { 1 } else { size.div_ceil(2).max(1) };
    }
}

/// Counts.
#[derive(Debug, Default)]
pub struct Tally {
    passed: u64,
    /// Seeds that violated an invariant.
    pub failed: u64,
    failed_seeds: Vec<u64>,
    calls: u64,
    lasted: Duration,
    served: Served,
    explained: u64,
}

impl Tally {
    /// Counts a run, and its second one; answers the violated invariant, if there is one.
    pub fn count(
        &mut self,
        scenario: &Scenario,
        outcome: &RunResult,
        again: Option<u64>,
    ) -> Option<Violation> {
        self.calls += outcome.calls;
        self.lasted += outcome.lasted;
        self.served.served += outcome.served.served;
        self.served.excused += outcome.served.excused;
        self.explained += u64::from(!outcome.explained.is_empty());
        let parted = again.filter(|again| *again != outcome.trace_hash).map(|again| Violation {
            checker: "deterministic",
            message: format!("the second run left trace {again:016x}, the first {:016x}", outcome.trace_hash),
            at: jiff::Timestamp::UNIX_EPOCH,
        });
        let violation = outcome.violation.clone().or(parted);
        match &violation {
            None => self.passed += 1,
            Some(_) => {
                self.failed += 1;
                self.failed_seeds.push(scenario.seed);
            }
        }
        violation
    }

    /// Says how far it is.
    pub fn progress(&self) {
        println!("… {}", self.figures());
    }

    fn figures(&self) -> String {
        let seeds = self.passed + self.failed;
        let speed = cpu_seconds().filter(|cpu| *cpu > 0.0).map(|cpu| seeds as f64 * 60.0 / cpu);
        format!(
            "{seeds} seeds, {} failed, {} held for a stated reason and mended; {} calls of AWS, {} requests served, {} lost by what people and containers did, {:.1} simulated hours, {:.0} seeds per CPU-minute",
            self.failed,
            self.explained,
            self.calls,
            self.served.served,
            self.served.excused,
            self.lasted.as_secs_f64() / 3600.0,
            speed.unwrap_or_default()
        )
    }

    /// The closing lines.
    pub fn end(&self) -> ExitCode {
        println!("{}", self.figures());
        if self.failed > 0 {
            println!("failed: {:?}", self.failed_seeds);
        }
        println!("simulation: {} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// CPU time of this process, where the system reports it.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    // Fields 14 and 15 of proc(5), in ticks of a hundredth of a second; two come before the last
    // parenthesis.
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}
