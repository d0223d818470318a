//! `ctl plan`: the walk up to the plan, and not a step further.

use super::out::{self, BUSY, Structured};
use super::places::Places;
use super::{ExitStatus, source, state};
use crate::aws::Aws;
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::plan::Plan;
use crate::model::request::Request;
use crate::model::status::Record;
use crate::model::view::latest;
use crate::observed::Collector;
use crate::plan::{render, render_steps};
use crate::reconcile::Clock;
use crate::reconcile::declarations::{self, LoweringCache};
use crate::reconcile::dry_run::{Road, Subjects, reasons, roads};
use crate::specs::{Scan, Snapshot};
use crate::state::ErrorKind;
use anyhow::{Context, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

/// How often a store would be read again; it is read once here.
const RESCAN: Duration = Duration::from_secs(60);
/// Code of a gap where no connection was made.
const NO_CONNECTION: &str = "NoConnection";
/// A wait that is longer is told.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// How many of these pass before it is told again.
const SAID_EVERY: u32 = 10;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "AWS is read, with the standard configuration (or the demo's), and nothing is written.\n\n\
                  Examples:\n  ctl plan\n  ctl plan shop\n  ctl plan -f shop.yaml --exit-code"
)]
pub(super) struct Args {
    /// One deployment; all when left out
    #[arg(conflicts_with = "file")]
    name: Option<String>,
    /// Plan for the documents of this file instead of those in the spec store; - is stdin
    #[arg(short, long)]
    file: Option<String>,
    /// As JSON or YAML
    #[arg(short, long)]
    output: Option<Structured>,
    /// Show the values of environment variables, which are masked otherwise
    #[arg(long)]
    show_values: bool,
    /// Exit with 1 when anything would be done
    #[arg(long)]
    exit_code: bool,
}

/// What came out.
pub(super) struct Planned {
    /// For stdout.
    pub text: String,
    /// For stderr: findings of documents.
    pub findings: Vec<Finding>,
    /// For stderr: deployments whose newest edit is refused, so that the plan is that of an earlier
    /// one.
    pub last_good: Vec<DeploymentName>,
    /// Reads that failed: the plan is not whole.
    pub gaps: Vec<String>,
    /// Whether nothing would be done, now or as AWS does its part.
    pub in_sync: bool,
}

/// Plans and prints.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let planned = plan(&args, places).await?;
    planned.findings.iter().for_each(|finding| anstream::eprintln!("{finding}"));
    for name in &planned.last_good {
        out::warn(&format!("{name}: the edit is refused; this is the plan for the last good version"));
    }
    out::print(&planned.text)?;
    if !planned.gaps.is_empty() {
        anyhow::bail!("the plan is not whole, AWS could not be read: {}", planned.gaps.join("; "));
    }
    let refused = planned.findings.iter().any(Finding::is_error);
    Ok(ExitStatus::good_if(!refused && (planned.in_sync || !args.exit_code)))
}

/// Plans.
pub(super) async fn plan(args: &Args, places: &Places) -> anyhow::Result<Planned> {
    let (records, requests) = recorded(places).await?;
    let clock = places.clock(latest(records.values()))?;
    let given = args.file.as_deref().map(from_file).transpose()?;
    let is_given = given.as_ref().map(|given| -> BTreeSet<DeploymentName> {
        given.documents.keys().chain(given.refused.keys()).cloned().collect()
    });
    let snapshot = match (given, places.store()) {
        (Some(given), Ok(store)) => crate::specs::open(&store, RESCAN).load().await.with(given),
        // A plan for a file needs no store.
        (Some(given), Err(_)) => given,
        (None, store) => crate::specs::open(&store?, RESCAN).load().await,
    };
    let known = records.iter().map(|(name, record)| (name, record.into())).collect();
    let mut changes =
        declarations::changes(&mut LoweringCache::default(), &snapshot, &known, &requests, clock.now());
    if let Some(is_given) = is_given {
        changes.by_name.retain(|name, _| is_given.contains(name));
    }
    let mut subjects = Subjects::of(changes);
    if let Some(name) = &args.name {
        subjects.only(name).map_err(|unknown| anyhow!(unknown))?;
    }
    let aws = Aws::connect(places.aws()?).await;
    let collector = Collector::new(aws.clone());
    let now = clock.now();
    let (mut plans, gaps) = tokio::select! {
        planned = roads(&collector, &subjects.declared, &records, now) => planned,
        never = progress(&aws) => match never {},
    };
    if !args.show_values {
        for road in &mut plans {
            *road = road.masked().context("the plan cannot be masked")?;
        }
    }
    let text = match args.output {
        Some(form) if args.name.is_some() => out::structured(&plans.first(), form)?,
        Some(form) => out::structured(&plans, form)?,
        // AWS cannot be reached at all: that everything waits for an observation says nothing.
        None if gaps.iter().any(|gap| gap.code == NO_CONNECTION)
            && plans.iter().all(|road| road.plan.is_empty()) =>
        {
            String::new()
        }
        None => shown(&plans)?,
    };
    Ok(Planned {
        text,
        last_good: subjects.last_good(),
        findings: subjects.findings.into_iter().map(|(_, finding)| finding).collect(),
        gaps: reasons(&gaps),
        in_sync: plans.iter().all(|road| road.plan.is_empty() && road.then.is_empty()),
    })
}

/// Says every ten seconds, beginning after one, that a call waits for the request budget, and for
/// which.
async fn progress(aws: &Aws) -> Infallible {
    let clock = Clock::real();
    let mut silent = SAID_EVERY;
    loop {
        clock.sleep(LONG_WAIT).await;
        silent += 1;
        let waiting = aws.waiting();
        let longest = waiting.iter().max_by_key(|call| call.left + call.waited);
        let Some(call) = longest.filter(|call| call.left + call.waited > LONG_WAIT) else { continue };
        if silent > SAID_EVERY {
            silent = 0;
            let (seconds, category) = (call.left.as_secs() + 1, call.category.as_str());
            anstream::eprintln!(
                "waits for AWS request budget ({category}), about {seconds} s for the calls that are under way"
            );
        }
    }
}

/// Every record by name, and what people ask for; nothing when no controller has run yet.
async fn recorded(places: &Places) -> anyhow::Result<(BTreeMap<DeploymentName, Record>, Vec<Request>)> {
    let location = places.state()?;
    let state = match crate::state::open_existing(&location) {
        Err(error) if error.kind == ErrorKind::Missing => {
            out::warn(&format!("no records in {location}: planned as if nothing had ever been done"));
            return Ok(Default::default());
        }
        opened => opened?,
    };
    let records = state::all(&*state).await?.records;
    let requests = state.requests().await?.requests;
    Ok((records.into_iter().map(|record| (record.name.clone(), record)).collect(), requests))
}

/// A file as a snapshot; it is never the whole store, so what it does not hold is not gone.
fn from_file(file: &str) -> anyhow::Result<Snapshot> {
    let given = source::read(&[file.to_owned()])?;
    Ok(Scan { items: given.files.into_iter().collect(), problems: given.problems, incomplete: true }.into())
}

/// Every plan that says anything, with what would follow from it, and the sum.
fn shown(roads: &[Road]) -> anyhow::Result<String> {
    let says_something = |road: &&Road| {
        let Plan { actions, waiting_on, drift, notes, .. } = &road.plan;
        let is_quiet = actions.is_empty() && waiting_on.is_empty() && drift.is_empty() && notes.is_empty();
        !is_quiet || !road.then.is_empty()
    };
    let text = |road: &Road| {
        let then: Vec<Plan> = road.then.iter().map(out::for_people).collect::<anyhow::Result<_>>()?;
        Ok(render(&out::for_people(&road.plan)?) + &render_steps(&then))
    };
    let mut texts: Vec<String> =
        roads.iter().filter(says_something).map(text).collect::<anyhow::Result<_>>()?;
    let actions: usize = roads.iter().map(|road| road.plan.actions.len()).sum();
    let later: usize = roads.iter().flat_map(|road| &road.then).map(|plan| plan.actions.len()).sum();
    let waiting: usize = roads.iter().map(|road| road.plan.waiting_on.len()).sum();
    let differs = roads.iter().any(|road| !road.plan.drift.is_empty());
    let of = out::count(roads.len(), "deployment");
    texts.push(match (actions, waiting) {
        _ if roads.is_empty() => "Nothing to plan: there is no valid document.\n".to_owned(),
        (0, _) if later > 0 => {
            format!("{BUSY}Nothing to do now; {} would follow{BUSY:#} ({of}).\n", out::count(later, "action"))
        }
        (0, 0) if differs => format!("{BUSY}Nothing to do now; AWS differs{BUSY:#} ({of}).\n"),
        (0, 0) => format!("Nothing to do: AWS agrees with what is declared ({of}).\n"),
        (0, _) => format!("{BUSY}Nothing to do now, waiting{BUSY:#} ({of}).\n"),
        _ => format!("{BUSY}{} would be done now{BUSY:#} ({of}).\n", out::count(actions, "action")),
    });
    Ok(texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Drift;
    use crate::model::resource::{ResourceId, ResourceKind};

    #[test]
    fn what_differs_and_stays_is_no_agreement() {
        let drift =
            Drift { resource: ResourceId::new(ResourceKind::Rule, "web"), change: None, repaired: false };
        let mut plan = Plan {
            deployment: "shop".into(),
            generation: Default::default(),
            actions: Vec::new(),
            waiting_on: Vec::new(),
            drift: vec![drift],
            notes: Vec::new(),
            stale_targets: Default::default(),
        };
        let text = |plan: &Plan| shown(&[Road { plan: plan.clone(), then: Vec::new() }]).unwrap();
        assert!(text(&plan).contains("AWS differs"), "{}", text(&plan));
        plan.drift.clear();
        assert!(text(&plan).contains("AWS agrees"), "{}", text(&plan));
    }
}
