//! What the controller counts.

use super::schedule::{Ending, Trigger};
use crate::model::plan::{ActionResult, Outcome, Plan};
use crate::model::urgency::Urgency;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use strum::IntoEnumIterator;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PassLabels {
    ending: &'static str,
    reason: &'static str,
}

impl PassLabels {
    fn new(trigger: Trigger, ending: Ending) -> Self {
        Self { ending: ending.into(), reason: trigger.into() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    operation: &'static str,
    result: ResultLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeverityLabel {
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UrgencyLabel {
    urgency: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum ResultLabel {
    Done,
    Failed,
    Unknown,
}

/// The metrics page. Labels come from enums and operation names, never from deployments, so their
/// number is bounded whatever is declared.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    passes: Family<PassLabels, Counter>,
    pass_seconds: Histogram,
    actions: Family<ActionLabels, Counter>,
    drift_repaired: Counter,
    state_errors: Counter,
    deployments: Gauge,
    ready: Gauge,
    queue: Gauge,
    due: Family<UrgencyLabel, Gauge>,
    longest_due: Family<UrgencyLabel, Gauge<f64, AtomicU64>>,
    store_findings: Family<SeverityLabel, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::register(Registry::with_prefix("evenkeel"))
    }
}

impl Metrics {
    /// A page that also shows what a collector knows when the page is asked for.
    pub fn collecting(collector: impl Collector) -> Self {
        let mut registry = Registry::with_prefix("evenkeel");
        registry.register_collector(Box::new(collector));
        Self::register(registry)
    }

    fn register(mut registry: Registry) -> Self {
        let passes = Family::<PassLabels, Counter>::default();
        for trigger in Trigger::iter() {
            for ending in Ending::iter() {
                // Asking for a counter makes it; 0 is what it shows.
                drop(passes.get_or_create(&PassLabels::new(trigger, ending)));
            }
        }
        let pass_seconds = Histogram::new([0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0]);
        let actions = Family::<ActionLabels, Counter>::default();
        let (drift_repaired, state_errors) = (Counter::default(), Counter::default());
        let (deployments, ready, queue) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("passes", "Passes by how they ended and why they ran", passes.clone());
        registry.register(
            "pass_seconds",
            "Duration of a pass, with the reads of its batch",
            pass_seconds.clone(),
        );
        registry.register("actions", "Actions by operation and result", actions.clone());
        registry.register("drift_repaired", "Differences that were written back", drift_repaired.clone());
        registry.register("state_errors", "Passes that could not save their record", state_errors.clone());
        registry.register("deployments", "Deployments that are declared", deployments.clone());
        registry.register("deployments_ready", "Deployments that are Ready", ready.clone());
        registry.register("queue_length", "Deployments that are due or in a pass", queue.clone());
        let (due, longest_due) = (Family::default(), Family::default());
        registry.register("queue_due", "Deployments that are due and wait, by urgency", due.clone());
        registry.register(
            "queue_longest_due_seconds",
            "How long the deployment has been due that waits longest, by urgency",
            longest_due.clone(),
        );
        let store_findings = Family::<SeverityLabel, Gauge>::default();
        registry.register(
            "store_findings",
            "What is wrong with the spec store as a whole: unreadable files, documents without a name",
            store_findings.clone(),
        );
        let registry = Arc::new(registry);
        let metrics = Self {
            registry,
            passes,
            pass_seconds,
            actions,
            drift_repaired,
            state_errors,
            deployments,
            ready,
            queue,
            due,
            longest_due,
            store_findings,
        };
        Urgency::iter().for_each(|urgency| metrics.due(urgency, 0, Duration::ZERO));
        metrics.store_findings(0, 0);
        metrics
    }

    /// Sets how many errors and warnings there are about the spec store as a whole.
    pub fn store_findings(&self, errors: usize, warnings: usize) {
        for (severity, count) in [("error", errors), ("warning", warnings)] {
            let gauge = self.store_findings.get_or_create(&SeverityLabel { severity });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Sets how many deployments of an urgency wait, and how long the first of them has been due.
    pub fn due(&self, urgency: Urgency, number: usize, longest: Duration) {
        let label = UrgencyLabel { urgency: urgency.as_str() };
        self.due.get_or_create(&label).set(i64::try_from(number).unwrap_or(i64::MAX));
        self.longest_due.get_or_create(&label).set(longest.as_secs_f64());
    }

    /// Counts a pass.
    pub fn passed(&self, trigger: Trigger, ending: Ending, state_failed: bool) {
        self.passes.get_or_create(&PassLabels::new(trigger, ending)).inc();
        if state_failed {
            self.state_errors.inc();
        }
    }

    /// Measures a pass.
    pub fn pass_took(&self, seconds: f64) {
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
            self.actions.get_or_create(&ActionLabels { operation: action.call.operation(), result }).inc();
            let repaired = plan.drift.iter().any(|drift| drift.repaired && drift.resource == action.resource);
            if repaired && result == ResultLabel::Done {
                self.drift_repaired.inc();
            }
        }
    }

    /// Sets how many deployments there are, how many of them are Ready, and how many wait.
    pub fn sizes(&self, deployments: usize, ready: usize, queue: usize) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.deployments.set(number(deployments));
        self.ready.set(number(ready));
        self.queue.set(number(queue));
    }

    /// The page in Prometheus's text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a text does not fail");
        text
    }
}
