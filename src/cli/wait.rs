//! `ctl wait`.

use super::places::Places;
use super::records::Records;
use super::server::Unreachable;
use super::{ExitStatus, out};
use crate::model::condition::{ConditionReason, ConditionType, Truth};
use crate::model::finding::Finding;
use crate::model::ids::{DeploymentName, Generation};
use crate::model::status::DeploymentStatus;
use crate::model::visible::visible;
use crate::reconcile::Clock;
use crate::reconcile::declarations::{self, DeclarationChange, LoweringCache};
use crate::settings::duration;
use std::time::Duration;
use strum::IntoEnumIterator;
use tokio::time::Instant;

/// How often the record is read.
const POLL: Duration = Duration::from_millis(250);
/// How often a server is asked.
const POLL_SERVER: Duration = Duration::from_secs(1);

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ctl wait shop --for Ready --timeout 10m\n  ctl wait shop --for Stalled=False\n\n\
                  Waits for the content that the document has now, if the store can be read (--store).\n\n\
                  Exit codes: 0 it holds; 1 it does not, or will not: stalled, or the edit is refused; 2 nobody knows\n\
                  (the controller was not seen for three resyncs, 90 seconds at least)."
)]
pub(super) struct Args {
    /// The deployment
    name: String,
    /// The condition, and what it is to be: Ready, Ready=True, Stalled=False
    #[arg(long = "for", value_name = "CONDITION[=STATUS]", value_parser = goal)]
    goal: Goal,
    /// Wait for this generation, or a later one, instead of the content that the document has now
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
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

/// What the condition has to speak of.
#[derive(Default)]
struct Subject {
    /// This generation, or a later one.
    generation: Generation,
    /// A document of this content.
    content: Option<String>,
}

/// What came of a look.
enum Look {
    Met,
    Never(String),
    NotYet(String),
    Unknown(String),
}

/// Waits; 1 when the time is over or it will not be, 2 when nobody knows, each with why.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let records = Records::open(places)?;
    let end = Instant::now() + args.timeout;
    let poll = match &records {
        Records::Folder(..) => POLL,
        Records::Server(server) => {
            // What cannot be asked at all is told at once; what goes away later is waited for.
            drop(server.find(&args.name).await?);
            POLL_SERVER
        }
    };
    let Args { name, goal, .. } = &args;
    let subject = match subject(&args, places, &records).await? {
        Ok(subject) => subject,
        Err(refused) => {
            anstream::eprintln!(
                "{name}: not {}={}: the newest edit is refused: {refused}",
                goal.kind,
                goal.status
            );
            return Ok(ExitStatus::NotGood);
        }
    };
    loop {
        let look = look(name, *goal, &subject, &records).await?;
        let over = Instant::now() >= end;
        let (verdict, why) = match look {
            Look::Met => {
                out::print(&format!("{name}: {}={}\n", goal.kind, goal.status))?;
                return Ok(ExitStatus::Good);
            }
            Look::Never(why) => (ExitStatus::NotGood, why),
            Look::NotYet(why) if over => (ExitStatus::NotGood, format!("after {:?}: {why}", args.timeout)),
            Look::Unknown(why) if over => (ExitStatus::Unknown, format!("after {:?}: {why}", args.timeout)),
            Look::NotYet(_) | Look::Unknown(_) => {
                Clock::real().sleep(poll.min(end - Instant::now())).await;
                continue;
            }
        };
        let unknown = if verdict == ExitStatus::Unknown { "unknown whether" } else { "not" };
        anstream::eprintln!("{}: {unknown} {}={} {}", visible(name), goal.kind, goal.status, visible(&why));
        return Ok(verdict);
    }
}

/// What is waited for: the content that the document has in the store now. The finding when that is
/// refused: it never comes into force.
async fn subject(
    args: &Args,
    places: &Places,
    records: &Records<'_>,
) -> anyhow::Result<Result<Subject, Finding>> {
    if let Some(generation) = args.generation {
        return Ok(Ok(Subject { generation: Generation(generation), content: None }));
    }
    let Ok(store) = places.store() else {
        out::warn("without --store an edit that the controller has not read yet is not waited for");
        return Ok(Ok(Subject::default()));
    };
    let name = DeploymentName::from(args.name.as_str());
    let snapshot = crate::specs::open(&store, Duration::MAX).load().await;
    let records = records.stored().await?;
    let known = records.iter().map(|record| (&record.name, record.into())).collect();
    let now = Clock::real().now();
    let changes = declarations::changes(&mut LoweringCache::default(), &snapshot, &known, &[], now);
    let findings = match changes.by_name.get(&name) {
        Some(DeclarationChange::InForce(declared)) => &declared.findings[..],
        Some(DeclarationChange::Refused(status)) => &status.findings[..],
        Some(DeclarationChange::Gone) | None => &[],
    };
    if let Some(error) = findings.iter().find(|finding| finding.is_error()) {
        return Ok(Err(error.clone()));
    }
    let content = snapshot.documents.get(&name).map(|document| document.source.content_hash.clone());
    Ok(Ok(Subject { generation: Generation::default(), content }))
}

async fn look(name: &str, goal: Goal, subject: &Subject, records: &Records<'_>) -> anyhow::Result<Look> {
    // What nobody knows yet may still come.
    let found = match records.find(name).await {
        // A controller that is exchanged by another one is away for a moment.
        Err(error) if error.is::<Unreachable>() => return Ok(Look::Unknown(error.to_string())),
        found => found?,
    };
    let status = found.ok().and_then(|view| view.status);
    let Some(status) = &status else {
        return Ok(Look::NotYet("the controller knows nothing of it".to_owned()));
    };
    if let Some(ready) = status.condition(ConditionType::Ready)
        && ready.reason == ConditionReason::NotLookedAt
    {
        return Ok(Look::Unknown(ready.message.clone()));
    }
    if subject.content.as_ref().is_some_and(|content| *content != status.source.content_hash) {
        return Ok(Look::NotYet("the newest edit is not in force yet".to_owned()));
    }
    if status.observed_generation < subject.generation.max(status.generation) {
        let (at, of) = (status.observed_generation, subject.generation.max(status.generation));
        return Ok(Look::NotYet(format!("it is at generation {at} of {of}")));
    }
    Ok(judge(status, goal, why_not(status, goal)))
}

/// What a status that speaks of the subject says.
fn judge(status: &DeploymentStatus, goal: Goal, why: String) -> Look {
    if status.condition(goal.kind).is_some_and(|condition| condition.status == goal.status) {
        return Look::Met;
    }
    let is_ready = goal == Goal { kind: ConditionType::Ready, status: Truth::True };
    if is_ready && (status.is(ConditionType::Stalled) || status.removing) {
        Look::Never(why)
    } else {
        Look::NotYet(why)
    }
}

fn why_not(status: &DeploymentStatus, goal: Goal) -> String {
    let Some(condition) = status.condition(goal.kind) else {
        return "nothing is known yet".to_owned();
    };
    if let Some(error) = status.findings.iter().find(|finding| finding.is_error()) {
        return format!("the newest edit is refused: {error}");
    }
    format!("({}: {}: {})", condition.status, condition.reason, condition.message)
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
