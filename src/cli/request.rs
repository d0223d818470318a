//! What `ctl retry`, `continue`, `pause`, `resume` and `adopt` share: who asks and why, and putting
//! the request where the controller finds it.

use super::out::{self, Structured};
use super::places::Places;
use super::{ExitStatus, state};
use crate::model::ids::DeploymentName;
use crate::model::request::{Request, RequestKind};
use crate::model::status::Record;
use crate::settings::duration;
use crate::state::RecordStore;
use anyhow::{anyhow, bail};
use jiff::Timestamp;
use std::time::Duration;

/// Longest line of text for people, in characters.
const LONGEST_LINE: usize = 1024;

/// Reads one line of text for people: not empty, not a book, and without what could pass for
/// another line.
pub(super) fn line(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let length = text.chars().count();
    if length > LONGEST_LINE {
        return Err(format!("it has {length} characters; {LONGEST_LINE} are shown and kept at most"));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(format!("it has the control character {control:?}; write one line")),
        None => Ok(text.to_owned()),
    }
}

/// Who asks, and how the answer is written.
#[derive(Debug, clap::Args)]
pub(super) struct Asker {
    /// Who asks; the user's name when it is known
    #[arg(long, env = "USER", hide_env_values = true, value_name = "WHO", value_parser = line)]
    pub by: String,
    /// Print the request in this form
    #[arg(short, long, value_enum)]
    pub output: Option<Structured>,
}

/// Whether the request of a slot is there and cannot be used.
pub(super) async fn is_damaged(
    store: &dyn RecordStore,
    name: &DeploymentName,
    slot: &str,
) -> anyhow::Result<bool> {
    let damaged = store.requests().await?.damaged;
    Ok(damaged.iter().any(|damaged| damaged.deployment == *name && damaged.slot == slot))
}

/// Puts a request, unless the same is asked for already, and says so; and what it takes the place
/// of.
pub(super) async fn put(
    store: &dyn RecordStore,
    request: Request,
    output: Option<Structured>,
) -> anyhow::Result<ExitStatus> {
    let same = |known: &&Request| Request { at: request.at, ..(*known).clone() } == request;
    let others = state::requests(store, &request.deployment).await?;
    let known = others.iter().find(same).cloned();
    if known.is_none() {
        let of_slot = |other: &&Request| other.kind.slot() == request.kind.slot();
        let replaced = others.iter().find(|other| of_slot(other) && !other.is_over(request.at));
        store.put_request(&request).await?;
        let ends_own = |replaced: &&Request| request.kind == RequestKind::Resume && replaced.by == request.by;
        if let Some(replaced) = replaced.filter(|replaced| !ends_own(replaced)) {
            out::warn(&format!("it takes the place of what was asked for before: {replaced}"));
        }
    }
    let shown = known.as_ref().unwrap_or(&request);
    out::print(&match output {
        Some(form) => out::structured(shown, form)?,
        None if known.is_some() => format!("{}: {shown} (asked for already)\n", request.deployment),
        None => format!("{}: {shown}\n", request.deployment),
    })?;
    Ok(ExitStatus::Good)
}

/// Puts a request that ends by itself; `kind` refuses what means nothing for the deployment.
pub(super) async fn put_until(
    places: &Places,
    name: &str,
    until: End,
    kind: impl FnOnce(&Record, Timestamp) -> anyhow::Result<RequestKind>,
    reason: String,
    Asker { by, output }: Asker,
) -> anyhow::Result<ExitStatus> {
    let state = state::open(places)?;
    let record = state::one(&*state, name).await?;
    let at = now(places, &*state).await?;
    let kind = kind(&record, until.from(at)?)?;
    put(&*state, Request { deployment: record.name, kind, by, reason, at }, output).await
}

/// The controller's time, as far as it is known, to the second: it is for people.
pub(super) async fn now(places: &Places, state: &dyn RecordStore) -> anyhow::Result<Timestamp> {
    let now = places.clock(state::all(state).await?.latest())?.now();
    Ok(Timestamp::from_second(now.as_second())?)
}

/// When something that is asked for ends by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    At(Timestamp),
    After(Duration),
}

impl End {
    /// The time, when it is asked for at `at`.
    pub(super) fn from(self, at: Timestamp) -> anyhow::Result<Timestamp> {
        match self {
            Self::At(until) if until <= at => bail!("--until {until} is over, it is {at}: nothing was done"),
            Self::At(until) => Ok(until),
            Self::After(span) => {
                at.checked_add(span).map_err(|_| anyhow!("--until is beyond all times: nothing was done"))
            }
        }
    }
}

/// Reads `--until`: a time, or a span from now on.
pub(super) fn end(text: &str) -> Result<End, String> {
    if let Ok(time) = text.parse() {
        return Ok(End::At(time));
    }
    duration(text)
        .map(End::After)
        .map_err(|error| format!("neither a time, such as 2026-12-01T08:00:00Z, nor a span: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_ends_at_a_time_or_after_a_span() {
        assert_eq!(end("2h"), Ok(End::After(Duration::from_secs(7200))));
        assert_eq!(end("2026-12-01T08:00:00Z"), Ok(End::At("2026-12-01T08:00:00Z".parse().unwrap())));
        let far = end("99999999h").unwrap().from(Timestamp::UNIX_EPOCH);
        assert!(far.unwrap_err().to_string().contains("beyond all times"));
        for bad in ["tomorrow", "2026-12-01", "", "0s", "60"] {
            assert!(end(bad).unwrap_err().contains("nor a span"), "{bad}");
        }
    }

    #[test]
    fn what_people_write_is_one_line_that_says_something() {
        assert_eq!(line("incident 42"), Ok("incident 42".to_owned()));
        for bad in ["", "  ", "one\ntwo", "\u{1b}[31mred"] {
            assert!(line(bad).is_err(), "{bad:?}");
        }
        assert!(line(&"x".repeat(1024)).is_ok());
        assert!(line(&"x".repeat(1025)).unwrap_err().contains("1025 characters"));
    }
}
