//! Why an alarm is in its state, in CloudWatch's words and in its JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    evaluation::{Evaluation, Point, Rule, Treatment},
    state::State,
    watch::Watch,
};

/// `StateReason` of a transition.
pub(super) fn text(evaluation: &Evaluation, rule: &Rule, from: State, to: State) -> String {
    if to == State::InsufficientData {
        let count = evaluation.filled;
        return format!("Insufficient Data: {} {} unknown.", counted(count, "datapoint"), was(count));
    }
    let treated = match rule.missing {
        Treatment::Breaching => "[Breaching]",
        _ => "[NonBreaching]",
    };
    let missing =
        |count: i64| format!("{} {} treated as {treated}", counted(count, "missing datapoint"), was(count));
    if evaluation.points.is_empty() {
        let periods = counted(rule.periods, "period");
        return format!(
            "Threshold Crossed: no datapoints were received for {periods} and {}.",
            missing(evaluation.filled)
        );
    }
    let breached = to == State::Alarm;
    let counting: Vec<&Point> =
        evaluation.points.iter().filter(|point| rule.breaches(point.value) == breached).collect();
    let shown: Vec<String> = counting.iter().map(|point| shown(point)).collect();
    let count = i64::try_from(counting.len()).unwrap_or(i64::MAX);
    let not = if breached { "" } else { "not " };
    let compared = format!("{not}{} the threshold ({:?})", rule.comparison.words(), rule.threshold);
    let list = shown.join(", ");
    if evaluation.filled > 0 && matches!(rule.missing, Treatment::Breaching | Treatment::NotBreaching) {
        let datapoints = counted(count, "datapoint");
        return format!(
            "Threshold Crossed: {datapoints} [{list}] {} {compared} and {}.",
            was(count),
            missing(evaluation.filled)
        );
    }
    let least = if breached { rule.to_alarm } else { rule.periods - rule.to_alarm + 1 };
    let (from, to) = (from.name(), to.name());
    let (all, was, least) = (evaluation.points.len(), was(count), counted(least, "datapoint"));
    format!(
        "Threshold Crossed: {count} out of the last {all} datapoints [{list}] {was} {compared} \
         (minimum {least} for {from} -> {to} transition)."
    )
}

/// `StateReasonData` of a transition.
pub(super) fn data(evaluation: &Evaluation, watch: &Watch, now: Timestamp) -> String {
    let mut data = json!({
        "version": "1.0",
        "queryDate": moment(now.as_second()),
        "statistic": watch.statistic_name,
        "period": watch.period,
        "recentDatapoints": evaluation.points.iter().rev().map(|point| point.value).collect::<Vec<f64>>(),
        "threshold": watch.rule.threshold,
        "evaluatedDatapoints": evaluation.points.iter().map(evaluated).collect::<Vec<Value>>(),
    });
    if let Some(first) = evaluation.points.last() {
        data["startDate"] = moment(first.from).into();
    }
    if let Some(unit) = &watch.unit {
        data["unit"] = unit.as_str().into();
    }
    data.to_string()
}

fn evaluated(point: &Point) -> Value {
    json!({"timestamp": moment(point.from), "sampleCount": point.samples, "value": point.value})
}

/// `2026-01-01T00:00:00.000+0000`.
fn moment(second: i64) -> String {
    at(second).strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

/// `90.0 (01/01/26 00:00:00)`: CloudWatch writes the day first.
fn shown(point: &Point) -> String {
    format!("{:?} ({})", point.value, at(point.from).strftime("%d/%m/%y %H:%M:%S"))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn counted(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn was(count: i64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}
