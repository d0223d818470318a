//! One metric alarm: what it is set to watch, the state it is in, and how it changes by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    evaluation::{self, Rule, Treatment},
    history::History,
    metrics::{Metrics, Series},
    reason,
    state::{Standing, State},
    watch::Watch,
};
use crate::{
    ctx::epoch,
    fields::{Fields, texts},
};

/// A metric alarm.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    /// Its ARN.
    pub arn: String,
    /// What PutMetricAlarm was given, without name and tags and with defaults filled in.
    pub definition: Map<String, Value>,
    /// What it watches; `None` when it is never evaluated here.
    watch: Option<Watch>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its state.
    pub standing: Standing,
    created: Timestamp,
    configured: Timestamp,
    updated: Timestamp,
    transitioned: Timestamp,
    /// The next evaluation, in seconds since 1970.
    next: i64,
    /// Whether its state is held from outside of any call.
    held: bool,
}

impl Alarm {
    /// A new alarm: nothing is known yet, or nothing is wrong yet when it watches a PromQL query
    /// (API reference, PutMetricAlarm).
    pub(super) fn new(
        arn: String,
        definition: Map<String, Value>,
        watch: Option<Watch>,
        now: Timestamp,
    ) -> Self {
        let criteria = definition.contains_key("EvaluationCriteria");
        let standing = Standing {
            state: if criteria { State::Ok } else { State::InsufficientData },
            reason: "Unchecked: Initial alarm creation".to_owned(),
            data: None,
        };
        let next = first_evaluation(watch.as_ref(), now);
        let tags = BTreeMap::new();
        Self {
            arn,
            definition,
            watch,
            tags,
            standing,
            created: now,
            configured: now,
            updated: now,
            transitioned: now,
            next,
            held: false,
        }
    }

    /// The same alarm with another configuration. Its state stays.
    pub(super) fn reconfigure(
        &mut self,
        definition: Map<String, Value>,
        watch: Option<Watch>,
        now: Timestamp,
    ) {
        self.next = first_evaluation(watch.as_ref(), now);
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

    /// How many seconds an evaluation covers.
    pub(super) fn seconds_evaluated(&self) -> Option<i64> {
        self.watch.as_ref().map(|watch| watch.period * watch.rule.periods)
    }

    /// Holds it in a state, or lets it be evaluated again.
    pub(super) fn hold(&mut self, name: &str, state: Option<State>, now: Timestamp, history: &mut History) {
        self.held = state.is_some();
        if let Some(state) = state {
            let reason = format!("Held in {} from outside.", state.name());
            self.stand(name, Standing { state, reason, data: None }, now, history);
        }
    }

    /// Evaluates it as often as is due.
    pub(super) fn advance(&mut self, name: &str, now: Timestamp, metrics: &Metrics, history: &mut History) {
        if self.next > now.as_second() {
            return;
        }
        let Some(watch) = self.watch.clone() else { return };
        let interval = watch.interval();
        let series = metrics.get(&watch.metric);
        while self.next <= now.as_second() {
            let at = self.next;
            self.evaluate(name, at, &watch, series, history);
            let from = at - watch.range() * watch.period;
            // Without data, every further evaluation would find the same, but for the first ones.
            let warm = watch.warm_up.is_none_or(|(seconds, _)| at - self.created.as_second() >= seconds);
            let quiet = warm && !series.is_some_and(|series| series.has_since(from));
            self.next = if quiet { next_multiple(now.as_second(), interval) } else { at + interval };
        }
    }

    fn evaluate(
        &mut self,
        name: &str,
        at: i64,
        watch: &Watch,
        series: Option<&Series>,
        history: &mut History,
    ) {
        let points = watch.points(at, series);
        let age = at - self.created.as_second();
        if self.held || watch.is_warming_up(age, &points) || !watch.has_enough(&points) {
            return;
        }
        let evaluated = evaluation::evaluate(&points, &watch.rule);
        let Some(state) = evaluated.state.filter(|state| *state != self.standing.state) else { return };
        let now = Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
        let standing = Standing {
            state,
            reason: reason::text(&evaluated, &watch.rule, self.standing.state, state),
            data: Some(reason::data(&evaluated, watch, now)),
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

/// The first evaluation of a configuration; never for one that is not evaluated.
fn first_evaluation(watch: Option<&Watch>, now: Timestamp) -> i64 {
    watch.map_or(i64::MAX, |watch| next_multiple(now.as_second(), watch.interval()))
}

/// The first multiple of `step` after `second`.
fn next_multiple(second: i64, step: i64) -> i64 {
    (second.div_euclid(step) + 1) * step
}
