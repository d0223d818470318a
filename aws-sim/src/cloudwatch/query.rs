//! GetMetricStatistics, GetMetricData and ListMetrics.

use serde_json::{Map, Value, json};

use super::{
    Cloudwatch, MetricId,
    errors::{bad_combination, bad_value, invalid, not_simulated},
    input::{invalid_token, metric, metric_view, page, time},
    metrics::{Sample, Series},
    query_checks,
    statistic::Statistic,
};
use crate::{
    ctx::Ctx,
    error::ApiError,
    fields::{Fields, texts},
};

/// Limits, from the API reference.
const MOST_DATAPOINTS: i64 = 1440;
const MOST_QUERIES: usize = 500;
const MOST_QUERIED: i64 = 100_800;
const METRICS_IN_A_PAGE: usize = 500;
/// How long data finer than a minute can be asked for, in seconds.
const FINE_DATA_KEPT: i64 = 3 * 3600;
/// How long ago a metric must have been reported for ListMetrics to show it, in seconds.
const LISTED: i64 = 14 * 86_400;

/// A span of time cut into periods.
struct Periods {
    from: i64,
    to: i64,
    length: i64,
}

impl Periods {
    /// The periods of a request. The begin is rounded down: to a whole minute, or to whole periods
    /// below one.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a span that is empty or a period that AWS does not know.
    fn new(ctx: &Ctx<'_>, input: &Value, length: i64) -> Result<Self, ApiError> {
        if !matches!(length, 1 | 5 | 10 | 20 | 30) && (length % 60 != 0 || length <= 0) {
            return Err(bad_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
        }
        let start = time(input, "StartTime")?.unwrap_or_default();
        let end = time(input, "EndTime")?.unwrap_or_default();
        if start >= end {
            return Err(bad_value("The parameter StartTime must be less than the parameter EndTime."));
        }
        let (start, step) = (start.floor() as i64, length.min(60));
        let mut from = start - start.rem_euclid(step);
        if length < 60 {
            from = from.max((ctx.now.as_second() - FINE_DATA_KEPT).div_euclid(step) * step);
        }
        Ok(Self { from, to: end.ceil() as i64, length })
    }

    fn count(&self) -> i64 {
        ((self.to - self.from).max(0) + self.length - 1) / self.length
    }

    /// The begins of all periods, oldest first; just the ones near data would do, but the callers
    /// are bounded.
    fn begins(&self) -> impl Iterator<Item = i64> + use<> {
        let (from, length) = (self.from, self.length);
        (0..self.count()).map(move |index| from + index * length)
    }

    fn end_of(&self, begin: i64) -> i64 {
        (begin + self.length).min(self.to)
    }
}

impl Cloudwatch {
    /// Statistics of one metric, period by period. AWS promises no order; here the newest comes
    /// first, so that nobody comes to rely on another.
    pub(super) fn get_metric_statistics(&self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let metric = metric(input).map_err(|error| bad_value(error.message))?;
        let (plain, extended) = (texts(input, "Statistics"), texts(input, "ExtendedStatistics"));
        if plain.is_empty() == extended.is_empty() {
            return Err(bad_combination("Must specify either Statistics or ExtendedStatistics"));
        }
        let periods = Periods::new(ctx, input, input.int("Period").unwrap_or_default())?;
        if periods.count() > MOST_DATAPOINTS {
            return Err(bad_combination(format!(
                "You have requested up to {} datapoints, which exceeds the limit of 1,440. You may reduce the datapoints \
                 requested by increasing Period, or decreasing the time range.",
                periods.count()
            )));
        }
        let named = |names: &[&str]| -> Result<Vec<(String, Statistic)>, ApiError> {
            let one = |name: &&str| Statistic::named(name).map(|statistic| ((*name).to_owned(), statistic));
            names.iter().map(one).collect::<Result<_, _>>().map_err(|error| match error.code {
                "ValidationError" => bad_value(error.message),
                _ => error,
            })
        };
        let (plain, extended) = (named(&plain)?, named(&extended)?);
        let mut datapoints = Vec::new();
        if let Some(series) = self.metrics.get(&metric) {
            for begin in periods.begins() {
                for (unit, sample) in series.within(begin, periods.end_of(begin), input.text("Unit")) {
                    datapoints.push(datapoint(begin, unit, &sample, &plain, &extended));
                }
            }
        }
        datapoints.reverse();
        Ok(json!({"Label": metric.name, "Datapoints": datapoints}))
    }

    /// Values of several metrics, newest first if not asked otherwise.
    pub(super) fn get_metric_data(&self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let queries = input.items("MetricDataQueries");
        if queries.is_empty() || queries.len() > MOST_QUERIES {
            let text =
                format!("The collection MetricDataQueries must have between 1 and {MOST_QUERIES} items.");
            return Err(invalid(text));
        }
        let most = input.int("MaxDatapoints").unwrap_or(MOST_QUERIED);
        if !(1..=MOST_QUERIED).contains(&most) {
            return Err(invalid(format!("MaxDatapoints must be between 1 and {MOST_QUERIED}.")));
        }
        let ascending = input.text("ScanBy") == Some("TimestampAscending");
        let mut page = DataPage::new(input, usize::try_from(most).unwrap_or(usize::MAX))?;
        let mut known = Vec::new();
        for query in queries {
            query_checks::of_data(query)?;
            let id = query.text("Id").unwrap_or_default();
            if known.contains(&id) {
                return Err(invalid(format!(
                    "The values for parameter Id in MetricDataQueries are not unique: {id}"
                )));
            }
            known.push(id);
            let (label, mut points) = self.query(ctx, input, query)?;
            if query.get("ReturnData").is_none_or(|flag| flag == true) {
                if !ascending {
                    points.reverse();
                }
                page.add(id, query.text("Label").unwrap_or(&label), &points);
            }
        }
        Ok(json!({"MetricDataResults": page.results, "NextToken": page.next(), "Messages": []}))
    }

    /// Label and values of one query, oldest first.
    fn query(
        &self,
        ctx: &Ctx<'_>,
        input: &Value,
        query: &Value,
    ) -> Result<(String, Vec<(i64, f64)>), ApiError> {
        let one = query_checks::flat(query);
        let metric = metric(&one)?;
        if metric.namespace.is_empty() || metric.name.is_empty() {
            return Err(invalid("The Metric of a MetricStat must have a Namespace and a MetricName."));
        }
        let statistic = Statistic::named(one.text("Statistic").unwrap_or_default())?;
        let periods = Periods::new(ctx, input, one.int("Period").unwrap_or_default())
            .map_err(|error| invalid(error.message))?;
        if periods.count() > MOST_QUERIED {
            return Err(invalid(format!("At most {MOST_QUERIED} datapoints can be requested.")));
        }
        let Some(series) = self.metrics.get(&metric) else { return Ok((metric.name, Vec::new())) };
        let value = |begin: i64| {
            let sample = series.together(begin, periods.end_of(begin), one.text("Unit"))?;
            Some((begin, statistic.of(&sample)?))
        };
        Ok((metric.name, periods.begins().filter_map(value).collect()))
    }

    /// Metrics by namespace, name and dimensions. They show as soon as they have data.
    pub(super) fn list_metrics(&self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        for member in ["IncludeLinkedAccounts", "OwningAccount"] {
            if input.get(member).is_some() {
                return Err(not_simulated(&format!("ListMetrics with {member}")));
            }
        }
        let recent = if input.get("RecentlyActive").is_some() { FINE_DATA_KEPT } else { LISTED };
        let since = ctx.now.as_second() - recent;
        let filters = input.items("Dimensions");
        let fits = |(metric, series): &(&MetricId, &Series)| {
            input.text("Namespace").is_none_or(|namespace| namespace == metric.namespace)
                && input.text("MetricName").is_none_or(|name| name == metric.name)
                && filters.iter().all(|filter| has_dimension(metric, filter))
                && series.has_since(since)
        };
        let keyed = self.metrics.iter().filter(fits).map(|(metric, _)| (key(metric), metric));
        let (metrics, next) =
            page(keyed, input, METRICS_IN_A_PAGE).map_err(|error| bad_value(error.message))?;
        let views: Vec<Value> = metrics.into_iter().map(metric_view).collect();
        Ok(json!({"Metrics": views, "NextToken": next}))
    }
}

fn has_dimension(metric: &MetricId, filter: &Value) -> bool {
    let own = metric.dimensions.get(filter.text("Name").unwrap_or_default());
    own.is_some_and(|own| filter.text("Value").is_none_or(|wanted| wanted == own))
}

/// A text that orders metrics as their ids do.
fn key(metric: &MetricId) -> String {
    let dimensions = metric.dimensions.iter().flat_map(|(name, value)| ["\u{1}", name, "\u{1}", value]);
    [metric.namespace.as_str(), "\0", metric.name.as_str()].into_iter().chain(dimensions).collect()
}

fn datapoint(
    begin: i64,
    unit: &str,
    sample: &Sample,
    plain: &[(String, Statistic)],
    extended: &[(String, Statistic)],
) -> Value {
    let mut view = json!({"Timestamp": begin, "Unit": unit});
    for (name, statistic) in plain {
        view[name] = json!(statistic.of(sample));
    }
    if !extended.is_empty() {
        let known =
            extended.iter().filter_map(|(name, statistic)| Some((name.clone(), statistic.of(sample)?)));
        view["ExtendedStatistics"] =
            known.map(|(name, value)| (name, value.into())).collect::<Map<_, _>>().into();
    }
    view
}

/// One page of GetMetricData: so many values over all results, after those of earlier pages.
struct DataPage {
    skip: usize,
    room: usize,
    given: usize,
    more: bool,
    results: Vec<Value>,
}

impl DataPage {
    fn new(input: &Value, room: usize) -> Result<Self, ApiError> {
        let given = match input.text("NextToken") {
            None => 0,
            Some(token) => {
                token.strip_prefix("data-").and_then(|n| n.parse().ok()).ok_or_else(invalid_token)?
            }
        };
        Ok(Self { skip: given, room, given, more: false, results: Vec::new() })
    }

    fn add(&mut self, id: &str, label: &str, points: &[(i64, f64)]) {
        let start = self.skip.min(points.len());
        self.skip -= start;
        let end = points.len().min(start.saturating_add(self.room));
        let page = &points[start..end];
        self.room -= page.len();
        self.given += page.len();
        let cut = end < points.len();
        self.more |= cut;
        self.results.push(json!({
            "Id": id,
            "Label": label,
            "Timestamps": page.iter().map(|point| point.0).collect::<Vec<i64>>(),
            "Values": page.iter().map(|point| point.1).collect::<Vec<f64>>(),
            "StatusCode": if cut { "PartialData" } else { "Complete" },
        }));
    }

    fn next(&self) -> Option<String> {
        self.more.then(|| format!("data-{}", self.given))
    }
}
