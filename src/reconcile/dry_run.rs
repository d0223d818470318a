//! What a pass would do now, without doing it: the walk of a pass up to the plan, and not a step
//! further. For `ctl plan`, and for whoever asks the controller.

use super::clock::Clock;
use super::decide::decide;
use super::declarations::{self, Changes, DeclarationChange, LoweringCache};
use super::entry::Declaration;
use super::forecast::forecast;
use super::succession;
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::kinds::Placement;
use crate::model::location::Location;
use crate::model::observed::{Depth, Gap};
use crate::model::plan::Plan;
use crate::model::rollout::RolloutState;
use crate::model::status::Record;
use crate::model::view::unknown;
use crate::model::visible::visible;
use crate::observed::{self, Collector};
use crate::plan::masked;
use crate::state::RecordStore;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often a store would be read again; it is read once here.
const RESCAN: Duration = Duration::from_secs(60);
/// Deployments that are observed together: one DescribeServices takes ten services.
const BATCH: usize = 10;

/// What is to be planned, and what is to be said of documents.
#[derive(Debug)]
pub struct Subjects {
    /// Documents in force.
    pub declared: Vec<Arc<Declaration>>,
    /// Findings, with the deployment that they belong to; those of the store belong to none.
    pub findings: Vec<(Option<DeploymentName>, Finding)>,
    /// Every name that is declared or known.
    pub names: Vec<DeploymentName>,
}

/// What a pass would do, and what would follow from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Road {
    /// What it would do now.
    #[serde(flatten)]
    pub plan: Plan,
    /// The plans after it that hold actions, if AWS does its part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Plan>,
}

impl Road {
    /// The same without the values of environment variables.
    ///
    /// # Errors
    ///
    /// A plan cannot be read back from its own JSON.
    pub fn masked(&self) -> Result<Self, serde_json::Error> {
        let then = self.then.iter().map(masked).collect::<Result<_, _>>()?;
        Ok(Self { plan: masked(&self.plan)?, then })
    }
}

impl Subjects {
    /// What a snapshot of the store means, with what is known.
    pub fn of(changes: Changes) -> Self {
        let mut subjects = Self {
            declared: Vec::new(),
            findings: changes.problems.into_iter().map(|problem| (None, problem)).collect(),
            names: Vec::new(),
        };
        for (name, change) in changes.by_name {
            match change {
                DeclarationChange::InForce(declared) => {
                    subjects.say(&name, &declared.findings);
                    if !declared.is_orphaned() {
                        subjects.declared.push(declared);
                    }
                }
                DeclarationChange::Refused(status) => subjects.say(&name, &status.findings),
                DeclarationChange::Gone => {}
            }
            subjects.names.push(name);
        }
        subjects
    }

    /// Takes findings, each only once: what holds several documents is said of each of them.
    fn say(&mut self, of: &DeploymentName, findings: &[Finding]) {
        for finding in findings {
            if !self.findings.iter().any(|(_, said)| said == finding) {
                self.findings.push((Some(of.clone()), finding.clone()));
            }
        }
    }

    /// Keeps one deployment; `Err` holds the sentence for a name that nothing has.
    pub fn only(&mut self, name: &str) -> Result<(), String> {
        if !self.names.iter().any(|known| known.as_str() == name) {
            return Err(unknown(name, &self.names));
        }
        self.declared.retain(|declared| declared.desired.deployment.as_str() == name);
        self.findings.retain(|(of, _)| of.as_ref().is_some_and(|of| of.as_str() == name));
        Ok(())
    }

    /// Deployments whose newest edit is not the one in force.
    pub fn last_good(&self) -> Vec<DeploymentName> {
        let behind = |one: &&Arc<Declaration>| one.newest_generation != one.desired.generation;
        self.declared.iter().filter(behind).map(|one| one.desired.deployment.clone()).collect()
    }
}

/// Failed reads in words; what failed for the same reason is said once. That something is not there
/// is no failure: the plan itself says what waits for it.
pub fn reasons(gaps: &BTreeSet<Gap>) -> Vec<String> {
    let mut calls: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for gap in gaps.iter().filter(|gap| !gap.code.contains("NotFound")) {
        calls.entry((&gap.code, &gap.message)).or_default().push(&gap.operation);
    }
    let lines = calls.into_iter().map(|((code, message), calls)| match calls.as_slice() {
        [first, _, ..] => {
            format!("{first} and {}: {code}: {message}", others(calls.len() - 1))
        }
        _ => format!("{}: {code}: {message}", calls.concat()),
    });
    lines.map(|line| visible(&line).into_owned()).collect()
}

fn others(number: usize) -> String {
    if number == 1 { "1 other call".to_owned() } else { format!("{number} other calls") }
}

/// Where a rollout stands when a pass begins.
fn rollout(desired: &DesiredState, records: &BTreeMap<DeploymentName, Record>) -> RolloutState {
    let record = records.get(&desired.deployment);
    let mut rollout = record.map_or_else(RolloutState::default, |record| record.rollout.clone());
    succession::inherit_all(&mut rollout, &desired.handover, |name| records.get(name));
    rollout
}

/// Observes AWS in batches by placement and plans; with what could not be read.
pub async fn roads(
    collector: &Collector,
    declared: &[Arc<Declaration>],
    records: &BTreeMap<DeploymentName, Record>,
    now: Timestamp,
) -> (Vec<Road>, BTreeSet<Gap>) {
    let rollouts: BTreeMap<&DeploymentName, RolloutState> =
        declared.iter().map(|one| (&one.desired.deployment, rollout(&one.desired, records))).collect();
    let rollout = |of: &Declaration| &rollouts[&of.desired.deployment];
    let mut places: BTreeMap<&Placement, Vec<&Declaration>> = BTreeMap::new();
    for one in declared {
        places.entry(&one.desired.placement).or_default().push(one);
    }
    let mut plans = Vec::new();
    let mut gaps = BTreeSet::new();
    for (placement, all) in places {
        for batch in all.chunks(BATCH) {
            let requests: Vec<observed::ObservationRequest<'_>> = batch
                .iter()
                .map(|one| observed::ObservationRequest {
                    desired: &one.desired,
                    rollout: rollout(one),
                    depth: Depth::Full,
                    removed: one.is_teardown(),
                    kept: None,
                    rolling: None,
                })
                .collect();
            let seen = collector.collect(placement, &requests, now).await;
            for (one, observed) in batch.iter().zip(seen) {
                gaps.extend(observed.gaps.iter().cloned());
                let decision = decide(one, rollout(one), observed, now);
                let then = forecast(one, &decision, now);
                plans.push(Road { plan: decision.plan, then });
            }
        }
    }
    plans.sort_by(|a, b| a.plan.deployment.cmp(&b.plan.deployment));
    (plans, gaps)
}

/// Plans single deployments for those who ask the controller.
///
/// **Guarantees**: one at a time, through the budget of the controller that its collector has;
/// nothing is written, in AWS or among the records.
#[derive(Debug)]
pub struct Planner {
    store: Location,
    records: Arc<dyn RecordStore>,
    collector: Collector,
    clock: Clock,
    turn: Mutex<()>,
}

/// What would be done for one deployment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanOfOne {
    /// The controller's time when it was planned.
    pub time: Timestamp,
    /// The deployment.
    pub name: DeploymentName,
    /// What is to be said of its document.
    pub findings: Vec<Finding>,
    /// Whether its newest edit is refused, so that this is the plan of the version before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_last_good: bool,
    /// The plan, with values masked; none when no version of its document is in force.
    pub plan: Option<Road>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    /// Nothing has this name.
    #[error("{0}")]
    Unknown(String),
    /// AWS or the records could not be read: what was not seen is not planned upon.
    #[error("the plan is not whole: {0}")]
    NotWhole(String),
}

impl Planner {
    /// Plans for the documents of a store, with what is recorded of them.
    pub fn new(store: Location, records: Arc<dyn RecordStore>, collector: Collector, clock: Clock) -> Self {
        Self { store, records, collector, clock, turn: Mutex::default() }
    }

    /// What would be done now for one deployment.
    ///
    /// # Errors
    ///
    /// [`NoPlan`].
    pub async fn plan(&self, name: &str) -> Result<PlanOfOne, NoPlan> {
        let _turn = self.turn.lock().await;
        let not_whole = |error: &dyn std::error::Error| NoPlan::NotWhole(error.to_string());
        let records = self.records.load_all().await.map_err(|error| not_whole(&error))?.records;
        let requests = self.records.requests().await.map_err(|error| not_whole(&error))?.requests;
        let records: BTreeMap<_, _> =
            records.into_iter().map(|record| (record.name.clone(), record)).collect();
        let snapshot = crate::specs::open(&self.store, RESCAN).load().await;
        let now = self.clock.now();
        let known = records.iter().map(|(name, record)| (name, record.into())).collect();
        let mut cache = LoweringCache::default();
        let mut subjects = Subjects::of(declarations::changes(&mut cache, &snapshot, &known, &requests, now));
        subjects.only(name).map_err(NoPlan::Unknown)?;
        let (roads, gaps) = roads(&self.collector, &subjects.declared, &records, now).await;
        match reasons(&gaps).as_slice() {
            [] => {}
            reasons => {
                return Err(NoPlan::NotWhole(format!("AWS could not be read: {}", reasons.join("; "))));
            }
        }
        let plan = roads.first().map(Road::masked).transpose().map_err(|error| not_whole(&error))?;
        let of_last_good = !subjects.last_good().is_empty();
        let findings = subjects.findings.into_iter().map(|(_, finding)| finding).collect();
        Ok(PlanOfOne { time: now, name: name.into(), findings, of_last_good, plan })
    }
}
