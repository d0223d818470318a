//! What a span of time costs: calls of AWS, CPU time and memory.

use crate::running::Milestones;
use anyhow::Context;
use evenkeel::aws::budget::{Category, OperationUse};
use evenkeel::aws::{Aws, Shares};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Real time, for measuring only.
#[expect(clippy::disallowed_methods, reason = "real time is what is measured; nothing waits by it")]
pub fn stopwatch() -> std::time::Instant {
    std::time::Instant::now()
}

/// What this process has used so far.
#[derive(Clone, Copy)]
pub struct Reading {
    cpu: Duration,
    resident_kib: u64,
    peak_kib: u64,
}

impl Reading {
    /// Reads `/proc`.
    pub fn take() -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").context("this needs Linux's /proc")?;
        // Fields are counted after the name, which may hold spaces: user and system time are the
        // 12th and 13th.
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
            resident_kib: kib("VmRSS:")?,
            peak_kib: kib("VmHWM:")?,
        })
    }

    /// Makes the peak start anew (proc(5)); where it may not be written, the peak is that of the
    /// whole run.
    pub fn forget_peak() {
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib as f64 / 1024.0;
        write!(f, "{:.1} MiB resident, peak {:.1} MiB", mib(self.resident_kib), mib(self.peak_kib))
    }
}

type Calls = BTreeMap<&'static str, OperationUse>;

/// Measures one span.
pub struct Meter<'a> {
    aws: &'a Aws,
    spent: Option<&'a AtomicU64>,
    speed: f64,
    calls: Calls,
    categories: BTreeMap<Category, u64>,
    cpu: Duration,
    simulation: Duration,
    began: std::time::Instant,
    simulated: tokio::time::Instant,
}

impl<'a> Meter<'a> {
    /// Begins. `spent` are the nanoseconds that the simulation takes of this process, when it is in
    /// it; `speed` is that of simulated time.
    pub fn start(aws: &'a Aws, spent: Option<&'a AtomicU64>, speed: f64) -> anyhow::Result<Self> {
        let cpu = Reading::take()?.cpu;
        let (began, simulated) = (stopwatch(), tokio::time::Instant::now());
        let categories = categories(aws);
        Ok(Self {
            aws,
            spent,
            speed,
            calls: calls(aws),
            categories,
            cpu,
            simulation: taken(spent),
            began,
            simulated,
        })
    }

    /// Ends, and prints what the span cost.
    pub fn report(&self, what: &str, apps: usize) -> anyhow::Result<()> {
        let after = Reading::take()?;
        let cpu = (after.cpu - self.cpu).as_secs_f64();
        let simulation = self.spent.map_or_else(String::new, |_| {
            let took = (taken(self.spent) - self.simulation).as_secs_f64();
            format!(", of which the simulation {took:.2} s")
        });
        let calls = self.calls();
        let sum = |wanted: bool| -> u64 {
            let those = calls.iter().filter(|(operation, _)| is_read(operation) == wanted);
            those.map(|(_, used)| used.calls).sum()
        };
        let reads = sum(true);
        println!("\n{what}");
        println!("  simulated time   {:.0} s", self.simulated.elapsed().as_secs_f64() * self.speed);
        println!("  wall time        {:.2} s", self.began.elapsed().as_secs_f64());
        println!("  CPU time         {cpu:.2} s{simulation}");
        println!("  memory           {after}");
        println!("  AWS writes       {}", sum(false));
        println!("  AWS reads        {reads} ({:.3} per service)", reads as f64 / apps as f64);
        for (operation, used) in calls {
            let failed = match used.throttles + used.failures {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            println!("    {operation:<58} {:>6}{failed}", used.calls);
        }
        Ok(())
    }

    /// Prints when the fleet was Ready, and beside it how long our share of each of AWS's rates
    /// takes for the calls that were made: the longest of these that writes need is the floor.
    pub fn report_pace(&self, ready: Milestones, shares: Option<&Shares>) {
        println!("  first Ready      {:.0} s", ready.first.as_secs_f64());
        println!("  all Ready        {:.0} s", ready.all.as_secs_f64());
        let Some(shares) = shares else { return };
        let mut floors: Vec<(f64, Category, u64)> = Vec::new();
        for (category, calls) in self.by_category() {
            let (rate, share) = (category.published(), shares.of(category));
            let seconds = (calls as f64 - (rate.burst * share).max(1.0)) / (rate.refill * share);
            floors.push((seconds.max(0.0), category, calls));
        }
        floors.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (seconds, category, calls) in floors.into_iter().filter(|(seconds, ..)| *seconds >= 1.0) {
            println!("    floor of {:<24} {seconds:>6.0} s for {calls} calls", category.as_str());
        }
    }

    /// Calls since the start, by throttling category.
    fn by_category(&self) -> BTreeMap<Category, u64> {
        let mut now = categories(self.aws);
        for (category, before) in &self.categories {
            now.entry(*category).and_modify(|calls| *calls -= before);
        }
        now
    }

    /// Calls since the start, by operation.
    fn calls(&self) -> Calls {
        let mut now = calls(self.aws);
        for (operation, before) in &self.calls {
            if let Some(used) = now.get_mut(operation) {
                used.calls -= before.calls;
                used.throttles -= before.throttles;
                used.failures -= before.failures;
            }
        }
        now.retain(|_, used| used.calls > 0);
        now
    }
}

fn calls(aws: &Aws) -> Calls {
    let mut all = Calls::new();
    for (operation, used) in aws.usage().into_values().flat_map(|usage| usage.operations) {
        let sum = all.entry(operation).or_default();
        sum.calls += used.calls;
        sum.throttles += used.throttles;
        sum.failures += used.failures;
    }
    all
}

fn categories(aws: &Aws) -> BTreeMap<Category, u64> {
    let mut all = BTreeMap::new();
    for (category, used) in aws.usage().into_values().flat_map(|usage| usage.categories) {
        *all.entry(category).or_default() += used.calls;
    }
    all
}

fn is_read(operation: &str) -> bool {
    let name = operation.rsplit(':').next().unwrap_or(operation);
    ["Describe", "List", "Get"].iter().any(|word| name.starts_with(word))
}

fn taken(spent: Option<&AtomicU64>) -> Duration {
    Duration::from_nanos(spent.map_or(0, |spent| spent.load(Ordering::Relaxed)))
}
