//! One metric alarm: what it is set to watch, the state it is in, and how it changes by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    MetricId,
    evaluation::{self, Point, Rule, Treatment},
    history::History,
    metrics::{Metrics, Series},
    reason,
    statistic::Statistic,
};
use crate::{
    ctx::epoch,
    fields::{Fields, texts},
};

/// The state of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Within the threshold.
    Ok,
    /// Beyond it.
    Alarm,
    /// Nobody knows.
    InsufficientData,
}

impl State {
    /// As AWS writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    /// The state by its name, which the model has checked.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "OK" => Self::Ok,
            "ALARM" => Self::Alarm,
            _ => Self::InsufficientData,
        }
    }

    /// The member that lists the actions for this state.
    fn actions(self) -> &'static str {
        match self {
            Self::Ok => "OKActions",
            Self::Alarm => "AlarmActions",
            Self::InsufficientData => "InsufficientDataActions",
        }
    }
}

/// A state and why an alarm is in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    /// The state.
    pub state: State,
    /// In words.
    pub reason: String,
    /// In JSON.
    pub data: Option<String>,
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watch {
    /// The metric.
    pub metric: MetricId,
    /// The statistic of each period.
    pub statistic: Statistic,
    /// The statistic's name as it was given.
    pub statistic_name: String,
    /// The unit that values must have.
    pub unit: Option<String>,
    /// The length of a period, in seconds.
    pub period: i64,
    /// When periods count as breaching, and how many.
    pub rule: Rule,
    /// Whether the state stays when a percentile has too few values to mean something.
    pub ignores_low_counts: bool,
}

impl Watch {
    /// Seconds between two evaluations: ten for periods below a minute, an hour when more than a
    /// day is evaluated, else a minute ("Alarm evaluation frequency").
    fn interval(&self) -> i64 {
        match self.period {
            period if period < 60 => 10,
            period if period * self.rule.periods > 86_400 => 3600,
            _ => 60,
        }
    }

    /// How many periods an evaluation looks back: more than it needs, in case some are missing.
    fn range(&self) -> i64 {
        self.rule.periods + 2
    }

    /// The newest periods before a time, newest first.
    fn points(&self, at: i64, series: Option<&Series>) -> Vec<Option<Point>> {
        let point = |age: i64| {
            let from = at - age * self.period;
            let sample = series?.together(from, from + self.period, self.unit.as_deref())?;
            Some(Point { from, value: self.statistic.of(&sample)?, samples: sample.count })
        };
        (1..=self.range()).map(point).collect()
    }

    fn has_enough(&self, points: &[Option<Point>]) -> bool {
        let samples: f64 = points.iter().flatten().map(|point| point.samples).sum();
        !self.ignores_low_counts || samples >= self.statistic.samples_needed()
    }
}

/// A metric alarm.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    /// Its ARN.
    pub arn: String,
    /// What PutMetricAlarm was given, without name and tags and with defaults filled in.
    pub definition: Map<String, Value>,
    /// What it watches.
    pub watch: Watch,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its state.
    pub standing: Standing,
    configured: Timestamp,
    updated: Timestamp,
    transitioned: Timestamp,
    /// The next evaluation, in seconds since 1970.
    next: i64,
}

impl Alarm {
    /// A new alarm: nothing is known yet.
    pub(super) fn new(arn: String, definition: Map<String, Value>, watch: Watch, now: Timestamp) -> Self {
        let standing = Standing {
            state: State::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            data: None,
        };
        let next = next_multiple(now.as_second(), watch.interval());
        let tags = BTreeMap::new();
        Self {
            arn,
            definition,
            watch,
            tags,
            standing,
            configured: now,
            updated: now,
            transitioned: now,
            next,
        }
    }

    /// The same alarm with another configuration. Its state stays.
    pub(super) fn reconfigure(&mut self, definition: Map<String, Value>, watch: Watch, now: Timestamp) {
        self.next = next_multiple(now.as_second(), watch.interval());
        (self.definition, self.watch, self.configured) = (definition, watch, now);
    }

    /// Switches its actions on or off.
    pub(super) fn switch_actions(&mut self, on: bool, now: Timestamp) {
        self.definition.insert("ActionsEnabled".to_owned(), on.into());
        self.configured = now;
    }

    /// The actions for a state; none while actions are switched off.
    fn actions(&self, state: State) -> Vec<String> {
        let on = self.definition.flag("ActionsEnabled");
        let all = self.definition.items(state.actions()).iter().filter(|_| on);
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Whether any of its actions starts with a prefix.
    pub(super) fn has_action(&self, prefix: &str) -> bool {
        let all = [State::Ok, State::Alarm, State::InsufficientData].map(State::actions);
        let definition = Value::Object(self.definition.clone());
        all.iter().any(|name| texts(&definition, name).iter().any(|action| action.starts_with(prefix)))
    }

    /// Puts it into a state, and notes in the history what comes of it when that is another state.
    pub(super) fn stand(&mut self, name: &str, standing: Standing, now: Timestamp, history: &mut History) {
        let before = std::mem::replace(&mut self.standing, standing);
        self.updated = now;
        if before.state != self.standing.state {
            self.transitioned = now;
            history.state_update(now, name, &before, &self.standing);
            for action in self.actions(self.standing.state) {
                history.action(now, name, &action, self.standing.state);
            }
        }
    }

    /// Evaluates it as often as is due.
    pub(super) fn advance(&mut self, name: &str, now: Timestamp, metrics: &Metrics, history: &mut History) {
        if self.next > now.as_second() {
            return;
        }
        let interval = self.watch.interval();
        let series = metrics.get(&self.watch.metric);
        while self.next <= now.as_second() {
            let at = self.next;
            self.evaluate(name, at, series, history);
            let from = at - self.watch.range() * self.watch.period;
            // Without data, every further evaluation would find the same.
            let quiet = !series.is_some_and(|series| series.has_since(from));
            self.next = if quiet { next_multiple(now.as_second(), interval) } else { at + interval };
        }
    }

    fn evaluate(&mut self, name: &str, at: i64, series: Option<&Series>, history: &mut History) {
        let points = self.watch.points(at, series);
        if !self.watch.has_enough(&points) {
            return;
        }
        let verdict = evaluation::judge(&points, &self.watch.rule);
        let Some(state) = verdict.state.filter(|state| *state != self.standing.state) else { return };
        let now = Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
        let standing = Standing {
            state,
            reason: reason::text(&verdict, &self.watch.rule, self.standing.state, state),
            data: Some(reason::data(&verdict, &self.watch, now)),
        };
        self.stand(name, standing, now, history);
    }

    /// A `MetricAlarm` as DescribeAlarms shows it.
    pub(super) fn view(&self, name: &str) -> Value {
        let mut view = self.definition.clone();
        let mut put = |member: &str, value: Value| view.insert(member.to_owned(), value);
        put("AlarmName", name.into());
        put("AlarmArn", self.arn.as_str().into());
        put("AlarmConfigurationUpdatedTimestamp", epoch(self.configured));
        put("StateValue", self.standing.state.name().into());
        put("StateReason", self.standing.reason.as_str().into());
        if let Some(data) = &self.standing.data {
            put("StateReasonData", data.as_str().into());
        }
        put("StateUpdatedTimestamp", epoch(self.updated));
        put("StateTransitionedTimestamp", epoch(self.transitioned));
        view.into()
    }
}

impl Rule {
    /// How this alarm treats missing periods; alarms on DynamoDB's metrics ignore them, whatever
    /// they say.
    pub(super) fn treatment(namespace: &str, given: Option<&str>) -> Treatment {
        match given {
            _ if namespace == "AWS/DynamoDB" => Treatment::Ignore,
            Some("breaching") => Treatment::Breaching,
            Some("notBreaching") => Treatment::NotBreaching,
            Some("ignore") => Treatment::Ignore,
            _ => Treatment::Missing,
        }
    }
}

/// The first multiple of `step` after `second`.
fn next_multiple(second: i64, step: i64) -> i64 {
    (second.div_euclid(step) + 1) * step
}
