//! CloudWatch alarms under AWS's own names, in camelCase. Source: CloudWatch API, PutMetricAlarm.

use super::task_definition::ecs_struct;
use crate::model::canonical::canonical_json;
use crate::model::resource::Tree;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ecs_struct! {
/// A metric alarm, as in PutMetricAlarm. It watches one metric (`metricName`), the result of an
/// expression (`metrics`) or a PromQL query (`evaluationCriteria`).
pub struct MetricAlarm {
    /// Name, unique in account and region; unset means `<deployment>-<key>`. Another name makes
    /// another alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_description: Option<String>,
    /// Whether its actions are taken. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_enabled: Option<bool>,
    /// ARNs that are notified when it returns to OK, such as an SNS topic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ok_actions: Vec<String>,
    /// ARNs that are notified when it goes to ALARM.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarm_actions: Vec<String>,
    /// ARNs that are notified when there is not enough data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub insufficient_data_actions: Vec<String>,
    /// Name of the metric; needs `namespace`, `period` and a statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_name: Option<String>,
    /// Namespace of the metric, such as `AWS/ECS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `SampleCount`, `Average`, `Sum`, `Minimum` or `Maximum`; not together with
    /// `extendedStatistic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,
    /// A percentile such as `p95`, a trimmed mean such as `tm90`, or another statistic that AWS
    /// names by letters and numbers; not together with `statistic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_statistic: Option<String>,
    /// Which of the metrics of that name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    /// Seconds that one datapoint covers: 10, 20, 30 or a multiple of 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<i32>,
    /// Unit of the metric; only data of that unit counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How many of the newest periods are evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_periods: Option<i32>,
    /// How many of them must breach. Unset means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<i32>,
    /// The value that is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// `GreaterThanThreshold`, `GreaterThanOrEqualToThreshold`, `LessThanThreshold`,
    /// `LessThanOrEqualToThreshold`, or one of anomaly detection's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison_operator: Option<String>,
    /// What a period without data means: `missing` (default), `breaching`, `notBreaching` or
    /// `ignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<String>,
    /// For percentiles: `evaluate` (default) or `ignore` periods with too few samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// Metrics and expressions, 20 at most; exactly one of them has `returnData: true` and is
    /// watched. With `thresholdMetricId` that one has it, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricDataQuery>,
    /// Id of the `ANOMALY_DETECTION_BAND` in `metrics`, in place of `threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_metric_id: Option<String>,
    /// Which span of time is evaluated. Unset means a sliding window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_window: Option<EvaluationWindow>,
    /// How long nothing is judged after the alarm was created or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up_configuration: Option<WarmUpConfiguration>,
    /// What a PromQL alarm watches; in place of metric, threshold and periods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_criteria: Option<EvaluationCriteria>,
    /// Seconds between evaluations of a PromQL alarm: 10, 20, 30 or a multiple of 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_interval: Option<i32>,
    /// What notifications carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_configuration: Option<ActionConfiguration>,
}
}

ecs_struct! {
/// One dimension of a metric.
pub struct Dimension {
    /// Its name, such as `ClusterName`.
    pub name: String,
    /// Its value.
    pub value: String,
}
}

ecs_struct! {
/// A metric or an expression that others refer to by its id.
pub struct MetricDataQuery {
    /// Its id: a lower-case letter, then letters, digits and underscores.
    pub id: String,
    /// The metric; not together with `expression`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_stat: Option<MetricStat>,
    /// Metric math over the ids of others, such as `errors / requests * 100`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether this is what the alarm watches. Default true, so all others must say false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_data: Option<bool>,
    /// Seconds that one datapoint of an expression covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<i32>,
    /// Account of the metric, for metrics of other accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}
}

ecs_struct! {
/// A metric and how its data is reduced.
pub struct MetricStat {
    /// The metric.
    pub metric: Metric,
    /// Seconds that one datapoint covers.
    pub period: i32,
    /// The statistic, such as `Average` or `p95`.
    pub stat: String,
    /// Unit of the data that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}
}

ecs_struct! {
/// A metric by its names.
pub struct Metric {
    /// Namespace, such as `AWS/ApplicationELB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_name: Option<String>,
    /// Which of the metrics of that name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
}
}

ecs_struct! {
/// Which span of time an alarm evaluates; one of the two.
pub struct EvaluationWindow {
    /// The newest periods, moving on with every evaluation (AWS's default): write `{}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<SlidingWindow>,
    /// Spans that begin at full minutes, hours, days or weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_clock_window: Option<WallClockWindow>,
}
}

ecs_struct! {
/// The newest periods.
pub struct SlidingWindow {}
}

ecs_struct! {
/// Spans that begin at full minutes, hours, days or weeks.
pub struct WallClockWindow {
    /// Their time zone: an IANA name such as `Europe/Berlin`, or an offset such as `+05:30`. Unset
    /// means UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}
}

ecs_struct! {
/// How long nothing is judged after the alarm was created or changed.
pub struct WarmUpConfiguration {
    /// Minutes, 1 to 2880.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up_period_duration_in_minutes: Option<i32>,
    /// Whether evaluation begins only after it, even if data comes before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_start_evaluating_after_warm_up_period_ends: Option<bool>,
}
}

ecs_struct! {
/// What a PromQL alarm watches.
pub struct EvaluationCriteria {
    /// The query. The only one of AWS's criteria so far.
    #[serde(rename = "promQLCriteria", skip_serializing_if = "Option::is_none")]
    pub prom_ql_criteria: Option<PromQlCriteria>,
}
}

ecs_struct! {
/// A PromQL query and how long its result must last.
pub struct PromQlCriteria {
    /// The query.
    pub query: String,
    /// Seconds that it must breach before the alarm goes off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_period: Option<i32>,
    /// Seconds that it must not breach before the alarm is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_period: Option<i32>,
}
}

ecs_struct! {
/// What notifications carry.
pub struct ActionConfiguration {
    /// Whether and which tags of the alarm go along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_tags_propagation: Option<AlarmTagsPropagation>,
}
}

ecs_struct! {
/// Which tags of an alarm go along with its notifications.
pub struct AlarmTagsPropagation {
    /// Whether any do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Only these keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_tag_keys: Vec<String>,
    /// All but these keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_tag_keys: Vec<String>,
}
}

/// Brings the fields of an alarm, declared or seen, into one form: what AWS fills in where nothing
/// is said is taken out, and lists whose order means nothing are sorted.
///
/// Source: CloudWatch API, PutMetricAlarm (`DatapointsToAlarm`: all periods when it is left out).
pub fn normalise(alarm: &mut Tree) {
    let Some(fields) = alarm.as_object_mut() else { return };
    if fields.get("datapointsToAlarm") == fields.get("evaluationPeriods") {
        fields.remove("datapointsToAlarm");
    }
    for keys in ["includedTagKeys", "excludedTagKeys"] {
        let path = format!("/actionConfiguration/alarmTagsPropagation/{keys}");
        if let Some(keys) = alarm.pointer_mut(&path).and_then(Tree::as_array_mut) {
            keys.sort_by_cached_key(canonical_json);
        }
    }
    let queries = alarm.get_mut("metrics").and_then(Tree::as_array_mut);
    for query in queries.into_iter().flatten() {
        let dimensions = query.pointer_mut("/metricStat/metric/dimensions").and_then(Tree::as_array_mut);
        if let Some(dimensions) = dimensions {
            dimensions.sort_by_cached_key(canonical_json);
        }
    }
}
