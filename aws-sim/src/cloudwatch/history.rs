//! What happened to alarms.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    input::{page, size, time},
    state::{Standing, State},
};
use crate::{ctx::epoch, error::ApiError, fields::Fields};

/// How many items are kept; AWS keeps them for thirty days.
const MOST_ITEMS: usize = 10_000;
/// The longest summary and the longest data that the model allows.
const LONGEST_SUMMARY: usize = 255;
const LONGEST_DATA: usize = 4095;

/// One thing that happened.
#[derive(Debug, Clone)]
struct Item {
    at: Timestamp,
    number: u64,
    alarm: String,
    kind: &'static str,
    summary: String,
    data: Value,
}

impl Item {
    fn view(&self) -> Value {
        let summary: String = self.summary.chars().take(LONGEST_SUMMARY).collect();
        let mut view = json!({"AlarmName": self.alarm, "AlarmType": "MetricAlarm", "Timestamp": epoch(self.at),
            "HistoryItemType": self.kind, "HistorySummary": summary});
        let data = self.data.to_string();
        if data.len() <= LONGEST_DATA {
            view["HistoryData"] = data.into();
        }
        view
    }
}

/// The newest things that happened to the alarms of a region. Items outlive their alarms.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    items: VecDeque<Item>,
    number: u64,
}

impl History {
    fn note(&mut self, at: Timestamp, alarm: &str, kind: &'static str, summary: String, data: Value) {
        self.number += 1;
        let (number, alarm) = (self.number, alarm.to_owned());
        self.items.push_back(Item { at, number, alarm, kind, summary, data });
        if self.items.len() > MOST_ITEMS {
            self.items.pop_front();
        }
    }

    /// Notes that an alarm was created, updated or deleted, and as what.
    pub(super) fn configuration(&mut self, at: Timestamp, alarm: &str, what: Change, view: &Value) {
        let (kind, member, done) = match what {
            Change::Create => ("Create", "createdAlarm", "created"),
            Change::Update => ("Update", "updatedAlarm", "updated"),
            Change::Delete => ("Delete", "deletedAlarm", "deleted"),
        };
        let data = json!({"version": "1.0", "type": kind, member: view});
        self.note(at, alarm, "ConfigurationUpdate", format!("Alarm \"{alarm}\" {done}"), data);
    }

    /// Notes a transition.
    pub(super) fn state_update(&mut self, at: Timestamp, alarm: &str, old: &Standing, new: &Standing) {
        let summary = format!("Alarm updated from {} to {}", old.state.name(), new.state.name());
        let data = json!({"version": "1.0", "oldState": standing(old), "newState": standing(new)});
        self.note(at, alarm, "StateUpdate", summary, data);
    }

    /// Notes an action that AWS would have executed.
    pub(super) fn action(&mut self, at: Timestamp, alarm: &str, action: &str, state: State) {
        let data = json!({"actionState": "Succeeded", "stateUpdateValue": state.name(), "notificationResource": action});
        self.note(at, alarm, "Action", format!("Successfully executed action {action}"), data);
    }

    /// Answers DescribeAlarmHistory.
    ///
    /// # Errors
    /// `InvalidNextToken`; `UnsupportedFeatureException` for contributors.
    pub(super) fn describe(&self, input: &Value) -> Result<Value, ApiError> {
        if input.get("AlarmContributorId").is_some() {
            return Err(super::errors::not_simulated("An alarm with contributors"));
        }
        let (from, to) = (time(input, "StartDate")?, time(input, "EndDate")?);
        let types = input.items("AlarmTypes");
        let fits = |item: &&Item| {
            let at = item.at.as_millisecond() as f64 / 1000.0;
            input.text("AlarmName").is_none_or(|name| name == item.alarm)
                && input.text("HistoryItemType").is_none_or(|kind| kind == item.kind)
                && (types.is_empty() || types.iter().any(|kind| kind == "MetricAlarm"))
                && from.is_none_or(|from| at >= from)
                && to.is_none_or(|to| at <= to)
        };
        let ascending = input.text("ScanBy") == Some("TimestampAscending");
        // Keys that ascend in the order that was asked for.
        let key = |item: &Item| {
            let (at, number) = (item.at.as_millisecond(), item.number);
            if ascending {
                format!("{at:020}{number:020}")
            } else {
                format!("{:020}{:020}", i64::MAX - at, u64::MAX - number)
            }
        };
        let mut found: Vec<(String, Value)> =
            self.items.iter().filter(fits).map(|item| (key(item), item.view())).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let (items, next) = page(found.into_iter(), input, size(input, 100))?;
        Ok(json!({"AlarmHistoryItems": items, "NextToken": next}))
    }
}

/// What was done to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It was made.
    Create,
    /// It was put again.
    Update,
    /// It is gone.
    Delete,
}

fn standing(standing: &Standing) -> Value {
    let mut value = json!({"stateValue": standing.state.name(), "stateReason": standing.reason});
    // Data that a caller of SetAlarmState gave is JSON, too.
    if let Some(data) = standing.data.as_deref().and_then(|data| serde_json::from_str::<Value>(data).ok()) {
        value["stateReasonData"] = data;
    }
    value
}
