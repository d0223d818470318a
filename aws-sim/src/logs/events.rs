//! Log events: put, get and filter.

use serde_json::{Value, json};

use super::input::{answer, limit, required, text, texts, token, token_after};
use super::pattern::Pattern;
use super::streams::{Event, counted};
use super::{Logs, invalid, not_found};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Limit of one PutLogEvents call, from its API reference; the model has the number of events.
const MOST_BYTES: usize = 1_048_576;
const DAY: i64 = 86_400_000;

impl Logs {
    pub(super) fn put_events(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let events = incoming(input)?;
        let name = required(input, "logStreamName");
        let group = self.group_mut(required(input, "logGroupName"))?;
        let now = ctx.now.as_millisecond();
        let kept_since = group.kept_since(now);
        let stream = group.streams.get_mut(name).ok_or_else(|| not_found("log stream"))?;
        let too_old = events.iter().take_while(|(at, _)| *at < now - 14 * DAY).count();
        let expired = events.iter().take_while(|(at, _)| *at < kept_since).count();
        let too_new = events.iter().position(|(at, _)| *at > now + DAY / 12);
        let end = too_new.unwrap_or(events.len());
        for (at, message) in events.into_iter().take(end).skip(too_old.max(expired)) {
            stream.push(at, now, message);
        }
        let mut rejected = json!({});
        if too_old > 0 {
            rejected["tooOldLogEventEndIndex"] = too_old.into();
        }
        if expired > 0 {
            rejected["expiredLogEventEndIndex"] = expired.into();
        }
        if let Some(start) = too_new {
            rejected["tooNewLogEventStartIndex"] = start.into();
        }
        let mut out = json!({"nextSequenceToken": stream.next_token()});
        if rejected.as_object().is_some_and(|r| !r.is_empty()) {
            out["rejectedLogEventsInfo"] = rejected;
        }
        Ok(out)
    }

    pub(super) fn get_events(&self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let group = self.group(Self::target(input)?)?;
        let stream =
            group.streams.get(required(input, "logStreamName")).ok_or_else(|| not_found("log stream"))?;
        let size = limit(input, 10_000);
        let span = Span::new(input, group.kept_since(ctx.now.as_millisecond()));
        let all: Vec<&Event> = stream.events.iter().filter(|e| span.holds(e.at)).collect();
        let head = input.get("startFromHead").and_then(Value::as_bool) == Some(true);
        let (start, end) = match text(input, "nextToken") {
            Some(token) => window(token, &all, size)?,
            None if head => (0, size.min(all.len())),
            None => (all.len().saturating_sub(size), all.len()),
        };
        let shown = &all[start..end];
        // Tokens name the first and last event shown; an empty page repeats the token it was asked
        // with, which is how clients see the end.
        let asked = text(input, "nextToken");
        let position = |event: Option<&&Event>| event.map_or(0, |e| e.number + 1);
        let forward = match (shown.last(), asked) {
            (None, Some(token)) if token.starts_with("f/") => token.to_owned(),
            (last, _) => format!("f/{:056}", position(last.or(all.last()))),
        };
        let backward = match (shown.first(), asked) {
            (None, Some(token)) if token.starts_with("b/") => token.to_owned(),
            (first, _) => format!("b/{:056}", position(first.or(all.first()))),
        };
        let view = |e: &&Event| json!({"timestamp": e.at, "message": e.message, "ingestionTime": e.ingested});
        let events: Vec<Value> = shown.iter().map(view).collect();
        Ok(json!({"events": events, "nextForwardToken": forward, "nextBackwardToken": backward}))
    }

    pub(super) fn filter_events(&self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let group = self.group(Self::target(input)?)?;
        let (names, prefix) = (texts(input, "logStreamNames"), text(input, "logStreamNamePrefix"));
        if !names.is_empty() && prefix.is_some() {
            return Err(invalid(
                "You can specify either logStreamNames or logStreamNamePrefix, but not both.",
            ));
        }
        let pattern = Pattern::parse(text(input, "filterPattern").unwrap_or_default())?;
        let size = limit(input, 10_000);
        let span = Span::new(input, group.kept_since(ctx.now.as_millisecond()));
        let after = token(input)?;
        let streams = group.streams.iter().filter(|(name, _)| {
            (names.is_empty() || names.contains(name)) && prefix.is_none_or(|p| name.starts_with(p))
        });
        let mut found: Vec<(String, Value)> = Vec::new();
        for (name, stream) in streams {
            let fits = stream.events.iter().filter(|e| span.holds(e.at) && pattern.matches(&e.message));
            found.extend(fits.map(|e| (format!("{:020}{:010}{name}", e.at, e.number), filtered(name, e))));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.retain(|(key, _)| after.as_ref().is_none_or(|last| key > last));
        let next = (found.len() > size).then(|| token_after(&found[size - 1].0));
        found.truncate(size);
        let mut out = answer("events", found.into_iter().map(|(_, v)| v).collect(), next);
        out["searchedLogStreams"] = json!([]);
        Ok(out)
    }
}

fn filtered(stream: &str, event: &Event) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": event.at,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": format!("39{:020}{:034}", event.at, event.number),
    })
}

/// The time that a request asks for: from `startTime` up to, but without, `endTime`.
struct Span {
    from: i64,
    to: i64,
}

impl Span {
    fn new(input: &Value, kept_since: i64) -> Self {
        let time = |name: &str| input.get(name).and_then(Value::as_i64);
        Self {
            from: time("startTime").unwrap_or(i64::MIN).max(kept_since),
            to: time("endTime").unwrap_or(i64::MAX),
        }
    }

    fn holds(&self, at: i64) -> bool {
        self.from <= at && at < self.to
    }
}

/// The events after (`f/`) or before (`b/`) the one that a token names.
fn window(token: &str, all: &[&Event], size: usize) -> Result<(usize, usize), ApiError> {
    let bad = || invalid("The specified nextToken is invalid.");
    let (direction, number) = token.split_once('/').ok_or_else(bad)?;
    let number: u64 = number.parse().map_err(|_| bad())?;
    let place = all.iter().position(|e| e.number + 1 == number);
    match direction {
        "f" => {
            let start = place.map_or(0, |p| p + 1);
            Ok((start, (start + size).min(all.len())))
        }
        "b" => {
            let end = place.unwrap_or(0);
            Ok((end.saturating_sub(size), end))
        }
        _ => Err(bad()),
    }
}

fn incoming(input: &Value) -> Result<Vec<(i64, String)>, ApiError> {
    let list = input.get("logEvents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut events = Vec::with_capacity(list.len());
    let mut bytes = 0;
    for event in list {
        let at = event.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
        let message = required(event, "message");
        bytes += counted(message);
        events.push((at, message.to_owned()));
    }
    if bytes > MOST_BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {MOST_BYTES}")));
    }
    if events.windows(2).any(|pair| pair[0].0 > pair[1].0) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let span = events.last().map_or(0, |l| l.0) - events.first().map_or(0, |f| f.0);
    if span > DAY {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(events)
}
