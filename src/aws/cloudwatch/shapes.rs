//! Metric alarms between the SDK's shapes and [`crate::model::kinds::alarm`].
//!
//! Every struct is taken apart by the names of all its fields, in both directions: a field that
//! the model gains does not compile until it is sent and read.

use crate::aws::error::Error;
use crate::model::kinds::alarm::{
    ActionConfiguration, AlarmTagsPropagation, Dimension, EvaluationCriteria, EvaluationWindow, Metric,
    MetricAlarm, MetricDataQuery, MetricStat, PromQlCriteria, SlidingWindow, WallClockWindow,
    WarmUpConfiguration,
};
use crate::model::resource::Tree;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder as Put;
use aws_sdk_cloudwatch::types;
use serde::Deserialize;

const PUT: &str = "cloudwatch:PutMetricAlarm";

/// The request with everything that a tree declares. PutMetricAlarm overwrites an alarm as a whole,
/// so what the tree leaves out goes back to AWS's default.
///
/// # Errors
///
/// When the tree is no metric alarm, with the field.
pub(super) fn request(put: Put, fields: &Tree) -> Result<Put, Error> {
    let alarm = MetricAlarm::deserialize(fields).map_err(|error| Error::bad_tree(PUT, error.to_string()))?;
    let MetricAlarm {
        alarm_name,
        alarm_description,
        actions_enabled,
        ok_actions,
        alarm_actions,
        insufficient_data_actions,
        metric_name,
        namespace,
        statistic,
        extended_statistic,
        dimensions,
        period,
        unit,
        evaluation_periods,
        datapoints_to_alarm,
        threshold,
        comparison_operator,
        treat_missing_data,
        evaluate_low_sample_count_percentile,
        metrics,
        threshold_metric_id,
        evaluation_window,
        warm_up_configuration,
        evaluation_criteria,
        evaluation_interval,
        action_configuration,
    } = alarm;
    Ok(put
        .set_alarm_name(alarm_name)
        .set_alarm_description(alarm_description)
        .set_actions_enabled(actions_enabled)
        .set_ok_actions(some(ok_actions))
        .set_alarm_actions(some(alarm_actions))
        .set_insufficient_data_actions(some(insufficient_data_actions))
        .set_metric_name(metric_name)
        .set_namespace(namespace)
        .set_statistic(statistic.as_deref().map(types::Statistic::from))
        .set_extended_statistic(extended_statistic)
        .set_dimensions(some(dimensions.into_iter().map(dimension).collect()))
        .set_period(period)
        .set_unit(unit.as_deref().map(types::StandardUnit::from))
        .set_evaluation_periods(evaluation_periods)
        .set_datapoints_to_alarm(datapoints_to_alarm)
        .set_threshold(threshold)
        .set_comparison_operator(comparison_operator.as_deref().map(types::ComparisonOperator::from))
        .set_treat_missing_data(treat_missing_data)
        .set_evaluate_low_sample_count_percentile(evaluate_low_sample_count_percentile)
        .set_metrics(some(metrics.into_iter().map(query).collect()))
        .set_threshold_metric_id(threshold_metric_id)
        .set_evaluation_window(evaluation_window.and_then(window))
        .set_warm_up_configuration(warm_up_configuration.map(warm_up))
        .set_evaluation_criteria(evaluation_criteria.and_then(criteria))
        .set_evaluation_interval(evaluation_interval)
        .set_action_configuration(action_configuration.map(actions)))
}

/// An alarm as the tree that declares it, without AWS's state of it.
pub(super) fn tree(found: types::MetricAlarm) -> Tree {
    let alarm = MetricAlarm {
        alarm_name: found.alarm_name,
        alarm_description: found.alarm_description,
        actions_enabled: found.actions_enabled,
        ok_actions: found.ok_actions.unwrap_or_default(),
        alarm_actions: found.alarm_actions.unwrap_or_default(),
        insufficient_data_actions: found.insufficient_data_actions.unwrap_or_default(),
        metric_name: found.metric_name,
        namespace: found.namespace,
        statistic: found.statistic.map(|statistic| statistic.as_str().to_owned()),
        extended_statistic: found.extended_statistic,
        dimensions: dimensions_of(found.dimensions),
        period: found.period,
        unit: found.unit.map(|unit| unit.as_str().to_owned()),
        evaluation_periods: found.evaluation_periods,
        datapoints_to_alarm: found.datapoints_to_alarm,
        threshold: found.threshold,
        comparison_operator: found.comparison_operator.map(|operator| operator.as_str().to_owned()),
        treat_missing_data: found.treat_missing_data,
        evaluate_low_sample_count_percentile: found.evaluate_low_sample_count_percentile,
        metrics: found.metrics.unwrap_or_default().into_iter().map(query_of).collect(),
        threshold_metric_id: found.threshold_metric_id,
        evaluation_window: found.evaluation_window.as_ref().and_then(window_of),
        warm_up_configuration: found.warm_up_configuration.map(|warm_up| WarmUpConfiguration {
            warm_up_period_duration_in_minutes: warm_up.warm_up_period_duration_in_minutes,
            only_start_evaluating_after_warm_up_period_ends: warm_up
                .only_start_evaluating_after_warm_up_period_ends,
        }),
        evaluation_criteria: found.evaluation_criteria.as_ref().and_then(criteria_of),
        evaluation_interval: found.evaluation_interval,
        action_configuration: found.action_configuration.map(|configuration| ActionConfiguration {
            alarm_tags_propagation: configuration.alarm_tags_propagation.map(|tags| AlarmTagsPropagation {
                enabled: tags.enabled,
                included_tag_keys: tags.included_tag_keys.unwrap_or_default(),
                excluded_tag_keys: tags.excluded_tag_keys.unwrap_or_default(),
            }),
        }),
    };
    serde_json::to_value(alarm).expect("an alarm has only text keys and finite numbers")
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn dimension(Dimension { name, value }: Dimension) -> types::Dimension {
    types::Dimension::builder().name(name).value(value).build()
}

fn dimensions_of(found: Option<Vec<types::Dimension>>) -> Vec<Dimension> {
    let found = found.unwrap_or_default().into_iter();
    found
        .map(|dimension| Dimension {
            name: dimension.name.unwrap_or_default(),
            value: dimension.value.unwrap_or_default(),
        })
        .collect()
}

fn query(query: MetricDataQuery) -> types::MetricDataQuery {
    let MetricDataQuery { id, metric_stat, expression, label, return_data, period, account_id } = query;
    types::MetricDataQuery::builder()
        .id(id)
        .set_metric_stat(metric_stat.map(self::metric_stat))
        .set_expression(expression)
        .set_label(label)
        .set_return_data(return_data)
        .set_period(period)
        .set_account_id(account_id)
        .build()
}

fn query_of(found: types::MetricDataQuery) -> MetricDataQuery {
    MetricDataQuery {
        id: found.id.unwrap_or_default(),
        metric_stat: found.metric_stat.map(|found| MetricStat {
            metric: found.metric.map(metric_of).unwrap_or_default(),
            period: found.period.unwrap_or_default(),
            stat: found.stat.unwrap_or_default(),
            unit: found.unit.map(|unit| unit.as_str().to_owned()),
        }),
        expression: found.expression,
        label: found.label,
        return_data: found.return_data,
        period: found.period,
        account_id: found.account_id,
    }
}

fn metric_stat(MetricStat { metric, period, stat, unit }: MetricStat) -> types::MetricStat {
    let Metric { namespace, metric_name, dimensions } = metric;
    let metric = types::Metric::builder()
        .set_namespace(namespace)
        .set_metric_name(metric_name)
        .set_dimensions(some(dimensions.into_iter().map(dimension).collect()))
        .build();
    types::MetricStat::builder()
        .metric(metric)
        .period(period)
        .stat(stat)
        .set_unit(unit.as_deref().map(types::StandardUnit::from))
        .build()
}

fn metric_of(found: types::Metric) -> Metric {
    Metric {
        namespace: found.namespace,
        metric_name: found.metric_name,
        dimensions: dimensions_of(found.dimensions),
    }
}

fn window(window: EvaluationWindow) -> Option<types::EvaluationWindow> {
    let EvaluationWindow { sliding_window, wall_clock_window } = window;
    let wall_clock = wall_clock_window.map(|WallClockWindow { timezone }| {
        let window = types::WallClockWindow::builder().set_timezone(timezone).build();
        types::EvaluationWindow::WallClockWindow(window)
    });
    wall_clock.or_else(|| {
        let SlidingWindow {} = sliding_window?;
        Some(types::EvaluationWindow::SlidingWindow(types::SlidingWindow::builder().build()))
    })
}

/// A window that this version does not know is left out: it then differs from what is declared.
fn window_of(found: &types::EvaluationWindow) -> Option<EvaluationWindow> {
    if let Ok(window) = found.as_wall_clock_window() {
        let window = WallClockWindow { timezone: window.timezone.clone() };
        return Some(EvaluationWindow { wall_clock_window: Some(window), sliding_window: None });
    }
    let sliding = || EvaluationWindow { sliding_window: Some(SlidingWindow {}), wall_clock_window: None };
    found.is_sliding_window().then(sliding)
}

fn warm_up(configuration: WarmUpConfiguration) -> types::WarmUpConfiguration {
    let WarmUpConfiguration {
        warm_up_period_duration_in_minutes,
        only_start_evaluating_after_warm_up_period_ends,
    } = configuration;
    types::WarmUpConfiguration::builder()
        .set_warm_up_period_duration_in_minutes(warm_up_period_duration_in_minutes)
        .set_only_start_evaluating_after_warm_up_period_ends(only_start_evaluating_after_warm_up_period_ends)
        .build()
}

fn criteria(
    EvaluationCriteria { prom_ql_criteria }: EvaluationCriteria,
) -> Option<types::EvaluationCriteria> {
    let PromQlCriteria { query, pending_period, recovery_period } = prom_ql_criteria?;
    let criteria = types::AlarmPromQlCriteria::builder()
        .query(query)
        .set_pending_period(pending_period)
        .set_recovery_period(recovery_period)
        .build();
    Some(types::EvaluationCriteria::PromQlCriteria(criteria))
}

fn criteria_of(found: &types::EvaluationCriteria) -> Option<EvaluationCriteria> {
    let found = found.as_prom_ql_criteria().ok()?;
    let criteria = PromQlCriteria {
        query: found.query.clone().unwrap_or_default(),
        pending_period: found.pending_period,
        recovery_period: found.recovery_period,
    };
    Some(EvaluationCriteria { prom_ql_criteria: Some(criteria) })
}

fn actions(
    ActionConfiguration { alarm_tags_propagation }: ActionConfiguration,
) -> types::ActionConfiguration {
    let tags = alarm_tags_propagation.map(|tags| {
        let AlarmTagsPropagation { enabled, included_tag_keys, excluded_tag_keys } = tags;
        types::AlarmTagsPropagation::builder()
            .set_enabled(enabled)
            .set_included_tag_keys(some(included_tag_keys))
            .set_excluded_tag_keys(some(excluded_tag_keys))
            .build()
    });
    types::ActionConfiguration::builder().set_alarm_tags_propagation(tags).build()
}

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
