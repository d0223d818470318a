//! Log streams and the events they hold.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::input::{answer, group_name, page, required, text};
use super::{Logs, invalid, not_found};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Events that one stream keeps; older ones are forgotten.
pub(super) const MOST_EVENTS: usize = 10_000;

/// One event. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub at: i64,
    pub ingested: i64,
    pub message: String,
    /// Its number in the stream, which never changes: paging goes by it.
    pub number: u64,
}

/// One log stream.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    arn: String,
    created: i64,
    /// In order of time.
    pub events: VecDeque<Event>,
    next_number: u64,
    bytes: usize,
}

impl Stream {
    pub(super) fn new(arn: String, created: i64) -> Self {
        Self { arn, created, events: VecDeque::new(), next_number: 0, bytes: 0 }
    }

    /// Adds an event; one that is older than the last goes where its time belongs.
    pub(super) fn push(&mut self, at: i64, ingested: i64, message: String) {
        self.bytes += counted(&message);
        let event = Event { at, ingested, message, number: self.next_number };
        self.next_number += 1;
        let place = self.events.partition_point(|e| e.at <= at);
        self.events.insert(place, event);
        if self.events.len() > MOST_EVENTS {
            let oldest = self.events.pop_front();
            self.bytes -= oldest.map_or(0, |event| counted(&event.message));
        }
    }

    /// Bytes of all events.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn view(&self, name: &str) -> Value {
        let mut view =
            json!({"logStreamName": name, "creationTime": self.created, "arn": self.arn, "storedBytes": 0});
        if let (Some(first), Some(last)) = (self.events.front(), self.events.back()) {
            view["firstEventTimestamp"] = first.at.into();
            view["lastEventTimestamp"] = last.at.into();
            view["lastIngestionTime"] = self.events.iter().map(|e| e.ingested).max().into();
            view["uploadSequenceToken"] = sequence_token(self.next_number).into();
        }
        view
    }

    /// The token that PutLogEvents returns. AWS has ignored the one that clients send since 2023.
    pub(super) fn next_token(&self) -> String {
        sequence_token(self.next_number)
    }
}

/// Bytes of one event as AWS counts them: the message and 26 more.
pub(super) fn counted(message: &str) -> usize {
    message.len() + 26
}

fn sequence_token(number: u64) -> String {
    format!("4964{number:052}")
}

impl Logs {
    /// The name of the group that a request means.
    pub(super) fn target(input: &Value) -> Result<&str, ApiError> {
        match (text(input, "logGroupName"), text(input, "logGroupIdentifier")) {
            (Some(_), Some(_)) => {
                Err(invalid("You can specify either logGroupName or logGroupIdentifier, but not both."))
            }
            (Some(name), None) => Ok(name),
            (None, Some(id)) => Ok(group_name(id)),
            (None, None) => Err(invalid("You must specify either logGroupName or logGroupIdentifier.")),
        }
    }

    pub(super) fn create_stream(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let name = required(input, "logStreamName");
        let group = self.group_mut(required(input, "logGroupName"))?;
        if group.streams.contains_key(name) {
            let message = "The specified log stream already exists";
            return Err(ApiError::new(400, "ResourceAlreadyExistsException", message));
        }
        group.stream_or_new(name, ctx.now.as_millisecond());
        Ok(json!({}))
    }

    pub(super) fn delete_stream(&mut self, input: &Value) -> Result<Value, ApiError> {
        let name = required(input, "logStreamName");
        let group = self.group_mut(required(input, "logGroupName"))?;
        group.streams.remove(name).map(|_| json!({})).ok_or_else(|| not_found("log stream"))
    }

    pub(super) fn describe_streams(&self, input: &Value) -> Result<Value, ApiError> {
        let group = self.group(Self::target(input)?)?;
        let prefix = text(input, "logStreamNamePrefix");
        let by_time = text(input, "orderBy") == Some("LastEventTime");
        if by_time && prefix.is_some() {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let descending = input.get("descending").and_then(Value::as_bool) == Some(true);
        let wanted = group.streams.iter().filter(|(name, _)| prefix.is_none_or(|p| name.starts_with(p)));
        let mut found: Vec<(i64, &String, &Stream)> = wanted
            .map(|(name, s)| (if by_time { s.events.back().map_or(0, |e| e.at) } else { 0 }, name, s))
            .collect();
        found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        if descending {
            found.reverse();
        }
        // Pages go by position, because the order is not that of the names.
        let views =
            found.iter().enumerate().map(|(i, (_, name, s))| (format!("{i:08}"), s.view(name))).collect();
        let (list, next) = page(views, input, 50)?;
        Ok(answer("logStreams", list, next))
    }
}
