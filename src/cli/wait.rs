//! `ctl wait`.

use super::places::Places;
use super::{ExitStatus, out, state};
use crate::model::condition::{ConditionType, Truth};
use crate::model::ids::DeploymentName;
use crate::model::status::{DeploymentStatus, Record};
use crate::reconcile::Clock;
use crate::settings::duration;
use std::time::Duration;
use strum::IntoEnumIterator;
use tokio::time::Instant;

/// How often the record is read.
const POLL: Duration = Duration::from_millis(250);

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ctl wait shop --for Ready --timeout 10m\n  ctl wait shop --for Stalled=False"
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// The condition, and what it is to be: Ready, Ready=True, Stalled=False
    #[arg(long = "for", value_name = "CONDITION[=STATUS]", value_parser = goal)]
    goal: Goal,
    /// How long to wait, in real time
    #[arg(long, default_value = "5m", value_parser = duration)]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Goal {
    kind: ConditionType,
    status: Truth,
}

/// Reads `Ready`, `Ready=True`, `condition=Ready`.
fn goal(text: &str) -> Result<Goal, String> {
    let text = text.strip_prefix("condition=").unwrap_or(text);
    let (kind, status) = text.split_once('=').unwrap_or((text, "True"));
    let known: Vec<&str> = ConditionType::iter().map(ConditionType::as_str).collect();
    let kind = ConditionType::iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(kind))
        .ok_or_else(|| format!("`{kind}` is not one of {}", known.join(", ")))?;
    let status = [Truth::True, Truth::False, Truth::Unknown]
        .into_iter()
        .find(|truth| truth.to_string().eq_ignore_ascii_case(status))
        .ok_or_else(|| format!("`{status}` is not one of True, False, Unknown"))?;
    Ok(Goal { kind, status })
}

/// Waits; 1 when the time is over, with why.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let Args { name, goal, timeout } = args;
    let state = state::open(places)?;
    let deployment = DeploymentName::from(name.as_str());
    let end = Instant::now() + timeout;
    loop {
        let record = state.load(&deployment).await?;
        if record.as_ref().and_then(|record| record.status.as_ref()).is_some_and(|status| met(status, goal)) {
            out::print(&format!("{name}: {}={}\n", goal.kind, goal.status))?;
            return Ok(ExitStatus::Good);
        }
        if Instant::now() >= end {
            let why = why_not(record.as_ref(), goal);
            anstream::eprintln!("{name}: not {}={} after {timeout:?}: {why}", goal.kind, goal.status);
            return Ok(ExitStatus::NotGood);
        }
        Clock::real().sleep(POLL.min(end - Instant::now())).await;
    }
}

/// Whether the condition is as wanted and speaks of the newest generation.
fn met(status: &DeploymentStatus, goal: Goal) -> bool {
    status.condition(goal.kind).is_some_and(|condition| {
        condition.status == goal.status && condition.observed_generation >= status.generation
    })
}

fn why_not(record: Option<&Record>, goal: Goal) -> String {
    let Some(status) = record.and_then(|record| record.status.as_ref()) else {
        return "the controller knows nothing of it".to_owned();
    };
    let Some(condition) = status.condition(goal.kind) else {
        return "nothing is known yet".to_owned();
    };
    if let Some(error) = status.findings.iter().find(|finding| finding.is_error()) {
        return format!("the newest edit is refused: {error}");
    }
    format!("{}: {}: {}", condition.status, condition.reason, condition.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read_in_the_forms_that_people_know() {
        let ready = Goal { kind: ConditionType::Ready, status: Truth::True };
        assert_eq!(goal("Ready"), Ok(ready));
        assert_eq!(goal("condition=ready"), Ok(ready));
        assert_eq!(goal("Ready=true"), Ok(ready));
        assert_eq!(goal("Stalled=False"), Ok(Goal { kind: ConditionType::Stalled, status: Truth::False }));
        assert!(goal("Steady").unwrap_err().contains("Ready, Reconciling"));
        assert!(goal("Ready=maybe").is_err());
    }
}
