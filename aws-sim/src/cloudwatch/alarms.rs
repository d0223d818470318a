//! PutMetricAlarm, DescribeAlarms, DescribeAlarmsForMetric, DeleteAlarms, SetAlarmState and the
//! switches of actions.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    Cloudwatch,
    alarm::Alarm,
    alarm_checks,
    errors::{invalid, no_alarm, not_simulated},
    history::Change,
    input::{self, page, size},
    state::{Standing, State},
    tags,
};
use crate::{
    ctx::Ctx,
    error::ApiError,
    fields::{Fields, texts},
};

impl Cloudwatch {
    /// Creates an alarm, or overwrites all of it but its state and tags.
    pub(super) fn put_metric_alarm(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let watch = alarm_checks::watch(input)?;
        let tags = tags::read(input)?;
        let name = input.text("AlarmName").unwrap_or_default().to_owned();
        let definition = definition(input);
        let change = match self.alarms.get_mut(&name) {
            Some(alarm) => {
                alarm.reconfigure(definition, watch, ctx.now);
                Change::Update
            }
            None => {
                let arn = ctx.arn("cloudwatch", &format!("alarm:{name}"));
                let mut alarm = Alarm::new(arn, definition, watch, ctx.now);
                alarm.tags = tags;
                self.alarms.insert(name.clone(), alarm);
                Change::Create
            }
        };
        self.history.configuration(ctx.now, &name, change, &self.alarms[&name].view(&name));
        Ok(json!({}))
    }

    /// Alarms by names, by prefix or all; in pages of fifty if not asked otherwise.
    pub(super) fn describe_alarms(&self, input: &Value) -> Result<Value, ApiError> {
        for member in ["ChildrenOfAlarmName", "ParentsOfAlarmName"] {
            if input.get(member).is_some() {
                return Err(not_simulated(&format!("DescribeAlarms with {member}")));
            }
        }
        let names = texts(input, "AlarmNames");
        let prefix = input.text("AlarmNamePrefix");
        if prefix.is_some() && !names.is_empty() {
            return Err(invalid("AlarmNamePrefix and AlarmNames cannot both be specified."));
        }
        let types = texts(input, "AlarmTypes");
        let state = input.text("StateValue");
        let action = input.text("ActionPrefix");
        let wanted = self.named(&names, prefix.unwrap_or_default()).filter(|(_, alarm)| {
            (types.is_empty() || types.contains(&"MetricAlarm"))
                && state.is_none_or(|state| alarm.standing.state.name() == state)
                && action.is_none_or(|prefix| alarm.has_action(prefix))
        });
        let keyed = wanted.map(|(name, alarm)| (name.clone(), (name, alarm)));
        let (alarms, next) = page(keyed, input, size(input, 50))?;
        let views: Vec<Value> = alarms.into_iter().map(|(name, alarm)| alarm.view(name)).collect();
        Ok(json!({"MetricAlarms": views, "CompositeAlarms": [], "NextToken": next}))
    }

    /// The alarms with these names, or else all whose names have this prefix, in order; found
    /// without looking at all.
    fn named<'a>(
        &'a self,
        names: &[&str],
        prefix: &'a str,
    ) -> Box<dyn Iterator<Item = (&'a String, &'a Alarm)> + 'a> {
        if names.is_empty() {
            let range = self.alarms.range(prefix.to_owned()..);
            return Box::new(range.take_while(move |(name, _)| name.starts_with(prefix)));
        }
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        let found: Vec<_> = distinct.into_iter().filter_map(|name| self.alarms.get_key_value(name)).collect();
        Box::new(found.into_iter())
    }

    /// Alarms on exactly this metric, dimensions included; of one statistic, period or unit only
    /// where one is given.
    pub(super) fn describe_alarms_for_metric(&self, input: &Value) -> Result<Value, ApiError> {
        let metric = input::metric(input)?;
        let statistic = match (input.text("Statistic"), input.text("ExtendedStatistic")) {
            (Some(_), Some(_)) => {
                return Err(invalid("Statistic and ExtendedStatistic cannot both be specified."));
            }
            (one, other) => one.or(other),
        };
        let (period, unit) = (input.int("Period"), input.text("Unit"));
        let fits = |alarm: &Alarm| {
            let own = &alarm.definition;
            // Those of `Metrics` are no alarms on one metric, even if there is just one.
            own.contains_key("MetricName")
                && input::metric(own).is_ok_and(|own| own == metric)
                && statistic
                    .is_none_or(|name| own.text("Statistic").or(own.text("ExtendedStatistic")) == Some(name))
                && period.is_none_or(|period| own.int("Period") == Some(period))
                && unit.is_none_or(|unit| own.text("Unit") == Some(unit))
        };
        let found = self.alarms.iter().filter(|(_, alarm)| fits(alarm));
        let views: Vec<Value> = found.map(|(name, alarm)| alarm.view(name)).collect();
        Ok(json!({ "MetricAlarms": views }))
    }

    /// Deletes the alarms that are there. That names of others are no error was seen on AWS
    /// (aws-cloudformation/cloudformation-cli#456), although the model has one for them.
    pub(super) fn delete_alarms(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        for name in texts(input, "AlarmNames") {
            if let Some(alarm) = self.alarms.remove(name) {
                self.history.configuration(ctx.now, name, Change::Delete, &alarm.view(name));
            }
        }
        Ok(json!({}))
    }

    /// Sets a state, which lasts until the next evaluation finds another.
    pub(super) fn set_alarm_state(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let text = |name: &str| input.text(name).unwrap_or_default();
        let name = text("AlarmName");
        let data = input.text("StateReasonData").map(str::to_owned);
        if data.as_deref().is_some_and(|data| serde_json::from_str::<Value>(data).is_err()) {
            return Err(ApiError::new(
                400,
                "InvalidFormat",
                "StateReasonData was not syntactically valid JSON.",
            ));
        }
        let state = State::named(text("StateValue"));
        let standing = Standing { state, reason: text("StateReason").to_owned(), data };
        let alarm = self.alarms.get_mut(name).ok_or_else(|| no_alarm(name))?;
        alarm.stand(name, standing, ctx.now, &mut self.history);
        Ok(json!({}))
    }

    /// Switches the actions of alarms on or off; names of others are ignored, as the model knows no
    /// error for them.
    pub(super) fn switch_alarm_actions(
        &mut self,
        ctx: &Ctx<'_>,
        input: &Value,
        on: bool,
    ) -> Result<Value, ApiError> {
        for name in texts(input, "AlarmNames") {
            if let Some(alarm) = self.alarms.get_mut(name) {
                alarm.switch_actions(on, ctx.now);
                self.history.configuration(ctx.now, name, Change::Update, &alarm.view(name));
            }
        }
        Ok(json!({}))
    }
}

/// What is kept of a request: all that DescribeAlarms shows of it, with the defaults that it shows,
/// too.
fn definition(input: &Value) -> Map<String, Value> {
    let mut definition = input.as_object().cloned().unwrap_or_default();
    definition.remove("AlarmName");
    definition.remove("Tags");
    let of_one = definition.contains_key("MetricName");
    let lists = ["OKActions", "AlarmActions", "InsufficientDataActions"];
    for member in lists.into_iter().chain(of_one.then_some("Dimensions")) {
        definition.entry(member).or_insert_with(|| json!([]));
    }
    definition.entry("ActionsEnabled").or_insert(true.into());
    if let Some(Value::Array(queries)) = definition.get_mut("Metrics") {
        for query in queries.iter_mut().filter_map(Value::as_object_mut) {
            query.entry("ReturnData").or_insert(true.into());
        }
    }
    definition
}
