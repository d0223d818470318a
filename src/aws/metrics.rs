//! What the metrics page says of AWS: calls by operation, and what the request budget cost.

use super::budget::{Category, CategoryUse, OperationUse};
use super::clients::Aws;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use std::collections::BTreeMap;
use std::fmt;
use strum::IntoEnumIterator;

/// Counted when the page is asked for, all accounts and regions together. Operations appear once
/// they are called; every throttling category is there from the start.
impl Collector for Aws {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut operations: BTreeMap<&'static str, OperationUse> = BTreeMap::new();
        let mut categories: BTreeMap<Category, CategoryUse> =
            Category::iter().map(|category| (category, CategoryUse::default())).collect();
        let mut errors: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
        for usage in self.usage().into_values() {
            for (key, count) in usage.errors {
                *errors.entry(key).or_default() += count;
            }
            for (operation, used) in usage.operations {
                let total = operations.entry(operation).or_default();
                total.calls += used.calls;
                total.throttles += used.throttles;
                total.failures += used.failures;
            }
            for (category, used) in usage.categories {
                let total = categories.entry(category).or_default();
                total.waits += used.waits;
                total.waited += used.waited;
            }
        }
        let by_operation = |value: fn(&OperationUse) -> u64| {
            operations.iter().map(move |(operation, used)| (*operation, value(used)))
        };
        let calls = ("aws_calls", "Calls of AWS by operation, repeated ones included");
        counters(&mut encoder, calls, None, "operation", by_operation(|used| used.calls))?;
        let throttles = ("aws_throttles", "Calls that AWS throttled, by operation");
        counters(&mut encoder, throttles, None, "operation", by_operation(|used| used.throttles))?;
        let failures = ("aws_failures", "Calls that failed otherwise, by operation");
        counters(&mut encoder, failures, None, "operation", by_operation(|used| used.failures))?;
        let help = "Calls that failed otherwise, by operation and by the code of AWS or of the connection";
        let mut family = encoder.encode_descriptor("aws_errors", help, None, MetricType::Counter)?;
        for ((operation, code), count) in &errors {
            let labels = [("operation", *operation), ("code", code.as_str())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        let waits = categories.iter().map(|(category, used)| (category.as_str(), used.waits));
        let help = "Calls that waited for the request budget, by throttling category of AWS";
        counters(&mut encoder, ("aws_budget_waits", help), None, "category", waits)?;
        let waited = categories.iter().map(|(category, used)| (category.as_str(), used.waited.as_secs_f64()));
        let help = "Time that calls waited for the request budget, by throttling category of AWS";
        counters(&mut encoder, ("aws_budget_wait", help), Some(&Unit::Seconds), "category", waited)?;
        let mut waiting: BTreeMap<Category, i64> = Category::iter().map(|category| (category, 0)).collect();
        self.waiting().iter().for_each(|call| *waiting.entry(call.category).or_default() += 1);
        let help = "Calls that wait for the request budget now, by throttling category of AWS";
        let mut family = encoder.encode_descriptor("aws_budget_waiting", help, None, MetricType::Gauge)?;
        for (category, calls) in waiting {
            ConstGauge::new(calls).encode(family.encode_family(&[("category", category.as_str())])?)?;
        }
        Ok(())
    }
}

/// One counter with one label.
fn counters<N: EncodeCounterValue>(
    encoder: &mut DescriptorEncoder,
    (name, help): (&str, &str),
    unit: Option<&Unit>,
    label: &'static str,
    values: impl Iterator<Item = (&'static str, N)>,
) -> Result<(), fmt::Error> {
    let mut encoder = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
    for (value, count) in values {
        ConstCounter::new(count).encode(encoder.encode_family(&[(label, value)])?)?;
    }
    Ok(())
}
