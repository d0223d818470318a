//! What is counted.

use crate::model::plan::{ActionResult, Outcome, Plan};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndingLabel {
    ending: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabel {
    operation: &'static str,
    result: ResultLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum ResultLabel {
    Done,
    Failed,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabel {
    operation: &'static str,
}

/// All metrics, in one registry. Labels come from enums and operation names, never from
/// deployments, so their number is bounded whatever is declared.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    passes: Family<EndingLabel, Counter>,
    pass_seconds: Histogram,
    actions: Family<ActionLabel, Counter>,
    drift_repaired: Counter,
    state_errors: Counter,
    deployments: Gauge,
    ready: Gauge,
    queue: Gauge,
    calls: Family<CallLabel, Counter>,
    throttles: Family<CallLabel, Counter>,
}

/// How a pass ended, as metric labels; all start at 0.
const ENDINGS: [&str; 4] = ["acted", "rolling", "held", "steady"];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("evenkeel");
        let passes = Family::<EndingLabel, Counter>::default();
        for ending in ENDINGS {
            // Asking for a counter makes it; 0 is what it shows.
            drop(passes.get_or_create(&EndingLabel { ending }));
        }
        let pass_seconds = Histogram::new([0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0]);
        let actions = Family::<ActionLabel, Counter>::default();
        let (drift_repaired, state_errors) = (Counter::default(), Counter::default());
        let (deployments, ready, queue) = (Gauge::default(), Gauge::default(), Gauge::default());
        let calls = Family::<CallLabel, Counter>::default();
        let throttles = Family::<CallLabel, Counter>::default();
        registry.register("passes", "Passes by how they ended", passes.clone());
        registry.register("pass_seconds", "Duration of a batch of passes", pass_seconds.clone());
        registry.register("actions", "Actions by operation and result", actions.clone());
        registry.register("drift_repaired", "Differences that were written back", drift_repaired.clone());
        registry.register("state_errors", "Passes that could not keep their record", state_errors.clone());
        registry.register("deployments", "Deployments that are declared", deployments.clone());
        registry.register("deployments_ready", "Deployments that are Ready", ready.clone());
        registry.register("queue_length", "Deployments that are due or worked on", queue.clone());
        registry.register("aws_calls", "Calls of AWS by operation, repeated ones included", calls.clone());
        registry.register("aws_throttles", "Calls that AWS throttled, by operation", throttles.clone());
        Self {
            registry: Arc::new(registry),
            passes,
            pass_seconds,
            actions,
            drift_repaired,
            state_errors,
            deployments,
            ready,
            queue,
            calls,
            throttles,
        }
    }
}

impl Metrics {
    /// Counts a pass; `ending` is one of `acted`, `rolling`, `held`, `steady`.
    pub fn passed(&self, ending: &'static str, state_failed: bool) {
        self.passes.get_or_create(&EndingLabel { ending }).inc();
        if state_failed {
            self.state_errors.inc();
        }
    }

    /// Notes how long a batch took.
    pub fn batch_took(&self, seconds: f64) {
        self.pass_seconds.observe(seconds);
    }

    /// Counts actions and repaired drift.
    pub fn acted(&self, plan: &Plan, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let result = match outcome.result {
                ActionResult::Done { .. } => ResultLabel::Done,
                ActionResult::Failed { .. } => ResultLabel::Failed,
                ActionResult::Unknown { .. } => ResultLabel::Unknown,
                ActionResult::Skipped { .. } => continue,
            };
            let action = &plan.actions[outcome.action];
            self.actions.get_or_create(&ActionLabel { operation: action.call.operation(), result }).inc();
            let repaired = plan.drift.iter().any(|drift| drift.repaired && drift.resource == action.resource);
            if repaired && result == ResultLabel::Done {
                self.drift_repaired.inc();
            }
        }
    }

    /// Notes the sizes of things.
    pub fn sizes(&self, deployments: usize, ready: usize, queue: usize) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.deployments.set(number(deployments));
        self.ready.set(number(ready));
        self.queue.set(number(queue));
    }

    /// Notes how often an operation of AWS was called, and how often AWS throttled it, since the
    /// start.
    pub fn aws_calls(&self, operation: &'static str, calls: u64, throttles: u64) {
        let label = CallLabel { operation };
        self.calls.get_or_create(&label).inner().fetch_max(calls, Ordering::Relaxed);
        self.throttles.get_or_create(&label).inner().fetch_max(throttles, Ordering::Relaxed);
    }

    /// Everything in Prometheus's text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a text does not fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_there_from_the_start() {
        let text = Metrics::default().render();
        for ending in ENDINGS {
            assert!(text.contains(&format!("evenkeel_passes_total{{ending=\"{ending}\"}} 0")), "{text}");
        }
    }
}
