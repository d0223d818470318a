//! `ctl plan`: the walk up to the plan, and not a step further.

use super::out::{self, BUSY, Structured};
use super::places::Places;
use super::{Verdict, source, state};
use crate::aws::Aws;
use crate::desired;
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::ids::{DeploymentName, Generation};
use crate::model::kinds::{Document, Placement, RETRY_ANNOTATION};
use crate::model::observed::{Depth, Gap};
use crate::model::plan::Plan;
use crate::model::rollout::RolloutState;
use crate::model::status::Record;
use crate::observed::{Ask, Collector};
use crate::plan::render;
use crate::reconcile::entry::Declared;
use crate::reconcile::pass::look;
use crate::status::{FileState, StateStore};
use crate::store::{self, FileStore, PruneGuard, Store};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Deployments that are looked at together: one DescribeServices takes ten services.
const BATCH: usize = 10;

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
    /// Exit with 1 when anything would be done
    #[arg(long)]
    exit_code: bool,
}

/// What is to be planned, and what keeps other things from it.
#[derive(Default)]
struct Subjects {
    declared: Vec<Declared>,
    findings: Vec<(DeploymentName, Finding)>,
    /// Findings that belong to no deployment.
    problems: Vec<Finding>,
}

/// What came out.
pub(super) struct Planned {
    /// For stdout.
    pub text: String,
    /// For stderr: findings of documents.
    pub findings: Vec<Finding>,
    /// Reads that failed: the plan is not whole.
    pub gaps: Vec<String>,
    /// Whether nothing would be done.
    pub in_sync: bool,
}

/// Plans and prints.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<Verdict> {
    let planned = plan(&args, places).await?;
    planned.findings.iter().for_each(|finding| anstream::eprintln!("{finding}"));
    out::print(&planned.text)?;
    if !planned.gaps.is_empty() {
        anyhow::bail!("the plan is not whole, AWS could not be read: {}", planned.gaps.join("; "));
    }
    let refused = planned.findings.iter().any(Finding::is_error);
    Ok(Verdict::good_if(!refused && (planned.in_sync || !args.exit_code)))
}

/// Plans.
pub(super) async fn plan(args: &Args, places: &Places) -> anyhow::Result<Planned> {
    let (records, confirmed) = recorded(places).await?;
    let clock = places.clock(state::latest(records.values()))?;
    let mut subjects = match &args.file {
        Some(file) => from_file(file, &records)?,
        None => from_store(places, &records, &confirmed, clock.now()).await?,
    };
    subjects.refuse_conflicts();
    if let Some(name) = &args.name {
        subjects.only(name)?;
    }
    let collector = Collector::new(Aws::connect(places.aws()?).await);
    let (plans, gaps) = plans(&collector, &subjects.declared, &records, clock.now()).await;
    let text = match args.output {
        Some(form) if args.name.is_some() => out::structured(&plans.first(), form)?,
        Some(form) => out::structured(&plans, form)?,
        None => shown(&plans),
    };
    let mut findings = subjects.problems;
    findings.extend(subjects.findings.into_iter().map(|(_, finding)| finding));
    // That something is not there is an answer; the plan itself says what waits for it.
    let gaps = gaps.into_iter().filter(|gap| !gap.code.contains("NotFound"));
    let gaps = gaps.map(|gap| format!("{}: {}: {}", gap.operation, gap.code, gap.message)).collect();
    Ok(Planned { text, findings, gaps, in_sync: plans.iter().all(Plan::is_empty) })
}

/// Every record by name, and the confirmed deletions; nothing when no controller has run yet.
async fn recorded(
    places: &Places,
) -> anyhow::Result<(BTreeMap<DeploymentName, Record>, BTreeSet<DeploymentName>)> {
    let folder = places.state()?;
    if !folder.exists() {
        out::warn(&format!("no records in {}: planned as if nothing had ever been done", folder.display()));
        return Ok(Default::default());
    }
    let state = FileState::open_read_only(&folder)?;
    let records = state::all(&state).await?.records;
    let confirmed = state.confirmed().await?;
    Ok((records.into_iter().map(|record| (record.name.clone(), record)).collect(), confirmed))
}

fn from_file(file: &str, records: &BTreeMap<DeploymentName, Record>) -> anyhow::Result<Subjects> {
    let given = source::read(&[file.to_owned()])?;
    let mut subjects = Subjects { problems: given.problems, ..Subjects::default() };
    for (_, content) in &given.files {
        subjects.problems.extend(content.refused.iter().flat_map(|refused| refused.findings.clone()));
        content.documents.iter().for_each(|declared| subjects.take(declared, records));
    }
    Ok(subjects)
}

async fn from_store(
    places: &Places,
    records: &BTreeMap<DeploymentName, Record>,
    confirmed: &BTreeSet<DeploymentName>,
    now: Timestamp,
) -> anyhow::Result<Subjects> {
    let snapshot = FileStore::new(places.store()?, Duration::from_secs(60)).load().await;
    let mut subjects = Subjects { problems: snapshot.problems.clone(), ..Subjects::default() };
    for (name, findings) in &snapshot.refused {
        subjects.findings.extend(findings.iter().map(|finding| (name.clone(), finding.clone())));
    }
    snapshot.documents.values().for_each(|declared| subjects.take(declared, records));
    let known: BTreeSet<DeploymentName> = records
        .values()
        .filter(|record| record.declared.as_ref().is_some_and(|declared| declared.removed_at.is_none()))
        .map(|record| record.name.clone())
        .collect();
    let seen = known.iter().filter(|name| !snapshot.is_gone(name)).cloned().collect();
    let verdict = PruneGuard::judge(&known, &seen, confirmed);
    if let Some(because) = verdict.because {
        out::warn(&because);
    }
    for record in records.values() {
        let gone = verdict.prune.contains(&record.name)
            || record.declared.as_ref().is_some_and(|declared| declared.removed_at.is_some());
        if gone && snapshot.is_gone(&record.name) {
            subjects.take_removed(record, confirmed.contains(&record.name), now);
        }
    }
    Ok(subjects)
}

impl Subjects {
    /// Takes a document that can be read; one that makes no sense only leaves its findings.
    fn take(&mut self, declared: &store::Declared, records: &BTreeMap<DeploymentName, Record>) {
        let document = &declared.document;
        let name = &document.metadata.name;
        let generation = generation(document, records.get(name));
        let (desired, mut findings) = desired::lower(document, generation);
        declared.locate(&mut findings);
        self.findings.extend(findings.iter().map(|finding| (name.clone(), finding.clone())));
        let Some(desired) = desired else { return };
        self.declared.push(Declared {
            document: Arc::new(document.to_json()),
            desired,
            source: declared.source.clone(),
            findings,
            newest_generation: generation,
            removed_at: None,
            deletion_confirmed: false,
        });
    }

    /// Takes a deployment whose document is gone, when something is to be removed for that.
    fn take_removed(&mut self, record: &Record, deletion_confirmed: bool, now: Timestamp) {
        let Some(stored) = &record.declared else { return };
        let Ok(document) = Document::deserialize(&*stored.document) else { return };
        let (Some(desired), findings) = desired::lower(&document, stored.generation) else { return };
        let declared = Declared {
            document: Arc::clone(&stored.document),
            desired,
            source: stored.source.clone(),
            findings,
            newest_generation: stored.generation,
            removed_at: stored.removed_at.or(Some(now)),
            deletion_confirmed,
        };
        if declared.is_teardown() {
            self.declared.push(declared);
        }
    }

    /// Two documents that claim one thing: the second is refused, as the controller refuses it.
    fn refuse_conflicts(&mut self) {
        let states: Vec<DesiredState> =
            self.declared.iter().map(|declared| declared.desired.clone()).collect();
        for (name, found) in desired::across(&states) {
            self.declared.retain(|declared| declared.desired.deployment != name);
            self.findings.extend(found.into_iter().map(|finding| (name.clone(), finding)));
        }
    }

    /// Keeps one deployment.
    fn only(&mut self, name: &str) -> anyhow::Result<()> {
        let known: Vec<String> = self.names();
        if !known.iter().any(|known| known == name) {
            return Err(state::unknown(name, known.iter().map(String::as_str).collect()));
        }
        self.declared.retain(|declared| declared.desired.deployment.as_str() == name);
        self.findings.retain(|(of, _)| of.as_str() == name);
        self.problems.clear();
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        let declared = self.declared.iter().map(|declared| declared.desired.deployment.to_string());
        declared.chain(self.findings.iter().map(|(name, _)| name.to_string())).collect()
    }
}

/// The generation that the controller gives a document: one more than the stored one when what counts in it has changed.
fn generation(document: &Document, known: Option<&Record>) -> Generation {
    let Some(before) = known.and_then(|record| record.declared.as_ref()) else { return Generation(1) };
    let json = document.to_json();
    let same = ["/spec", "/kind"].iter().all(|part| json.pointer(part) == before.document.pointer(part))
        && json["metadata"]["annotations"][RETRY_ANNOTATION]
            == before.document["metadata"]["annotations"][RETRY_ANNOTATION];
    if same { before.generation } else { before.generation.next() }
}

/// Looks at AWS in batches by placement and plans.
async fn plans(
    collector: &Collector,
    declared: &[Declared],
    records: &BTreeMap<DeploymentName, Record>,
    now: Timestamp,
) -> (Vec<Plan>, BTreeSet<Gap>) {
    let fresh = RolloutState::default();
    let rollout =
        |of: &Declared| records.get(&of.desired.deployment).map_or(&fresh, |record| &record.rollout);
    let mut places: BTreeMap<&Placement, Vec<&Declared>> = BTreeMap::new();
    for one in declared {
        places.entry(&one.desired.placement).or_default().push(one);
    }
    let mut plans = Vec::new();
    let mut gaps = BTreeSet::new();
    for (placement, all) in places {
        for batch in all.chunks(BATCH) {
            let asks: Vec<Ask<'_>> = batch
                .iter()
                .map(|one| Ask { desired: &one.desired, rollout: rollout(one), depth: Depth::Full })
                .collect();
            let seen = collector.collect(placement, &asks, now).await;
            for (one, observed) in batch.iter().zip(seen) {
                gaps.extend(observed.gaps.iter().cloned());
                plans.push(look(one, rollout(one), observed, now).plan);
            }
        }
    }
    plans.sort_by(|a, b| a.deployment.cmp(&b.deployment));
    (plans, gaps)
}

/// Every plan that says anything, and the sum.
fn shown(plans: &[Plan]) -> String {
    let says_something = |plan: &&Plan| {
        !(plan.is_empty() && plan.waiting_on.is_empty() && plan.drift.is_empty() && plan.notes.is_empty())
    };
    let mut text: Vec<String> = plans.iter().filter(says_something).map(render).collect();
    let actions: usize = plans.iter().map(|plan| plan.actions.len()).sum();
    let waiting: usize = plans.iter().map(|plan| plan.waiting_on.len()).sum();
    let of = out::count(plans.len(), "deployment");
    text.push(match (actions, waiting) {
        _ if plans.is_empty() => "Nothing to plan: there is no valid document.\n".to_owned(),
        (0, 0) => format!("Nothing to do: AWS agrees with what is declared ({of}).\n"),
        (0, _) => format!("{BUSY}Nothing to do now, waiting{BUSY:#} ({of}).\n"),
        _ => format!(
            "{BUSY}{} would be done now{BUSY:#} ({of}); what follows from them is planned after them.\n",
            out::count(actions, "action")
        ),
    });
    text.join("\n")
}
