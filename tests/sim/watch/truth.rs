//! What really runs, against what is said of it: never Ready when it is not.

use super::CheckResult;
use super::call::{read, service};
use super::facts::{Disturbance, Facts};
use super::order::{Order, content_of};
use crate::document::{App, Kind, Part, REGION};
use aws_sim::Sim;
use aws_sim::wire::Service;
use evenkeel::model::condition::{ConditionType, Truth as Holds};
use evenkeel::model::finding::Severity;
use evenkeel::model::status::{DeploymentStatus, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long something may be broken until it is said, in seconds: a resync, its pass, and the next
/// one.
const SAID_WITHIN: i64 = 200;
/// The same while AWS is slow or refuses.
const SAID_SLOWLY: i64 = 900;

/// State of the checker.
#[derive(Debug, Default)]
pub struct Truth {
    /// Whether the last kept status of a deployment says Ready.
    ready: BTreeMap<String, bool>,
    /// When a deployment was last seen to run as declared, or not said to.
    honest: BTreeMap<String, Timestamp>,
}

fn says_ready(status: &DeploymentStatus) -> bool {
    let ready = status.conditions.iter().find(|condition| condition.kind == ConditionType::Ready);
    !status.orphaned && ready.is_some_and(|ready| ready.status == Holds::True)
}

impl Truth {
    /// Checks a status that becomes Ready: at this very moment it must be true, unless something
    /// has just changed it.
    pub fn saved(
        &mut self,
        record: &Record,
        facts: &Facts,
        order: &Order,
        sim: &Sim,
        now: Timestamp,
    ) -> CheckResult {
        let name = record.name.as_str();
        let ready = record.status.as_deref().is_some_and(says_ready);
        let rises = ready && self.ready.insert(name.to_owned(), ready) != Some(true);
        self.ready.insert(name.to_owned(), ready);
        let excuses =
            [Disturbance::ManualChange, Disturbance::Stale, Disturbance::Documents, Disturbance::Disk];
        if !rises || !facts.quiet(now, 120, &excuses) {
            return Ok(());
        }
        // What dies of itself within seconds may do so between the read and the save.
        let Some(app) = facts.newest(name).filter(|app| !app.is_hopeless()) else { return Ok(()) };
        let refused = record.status.as_deref().is_some_and(is_refused);
        runs_in_force(app, refused, facts, order, sim)
            .map_err(|why| format!("{name} is said to be Ready, and {why}"))
    }

    /// Checks statuses that say Ready for long.
    pub fn observe(
        &mut self,
        statuses: &[Arc<DeploymentStatus>],
        facts: &Facts,
        order: &Order,
        sim: &Sim,
        now: Timestamp,
    ) -> CheckResult {
        let said: BTreeMap<&str, bool> =
            statuses.iter().map(|status| (status.name.as_str(), says_ready(status))).collect();
        let calm = [
            Disturbance::Wire,
            Disturbance::Refusals,
            Disturbance::Stale,
            Disturbance::Disk,
            Disturbance::Process,
        ];
        let refused: BTreeSet<&str> =
            statuses.iter().filter(|status| is_refused(status)).map(|status| status.name.as_str()).collect();
        let patience = if facts.quiet(now, SAID_WITHIN, &calm) { SAID_WITHIN } else { SAID_SLOWLY };
        for name in facts.names() {
            let said = said.get(name).copied().unwrap_or(false);
            let why = match facts.newest(name).filter(|_| said) {
                Some(app) => runs_in_force(app, refused.contains(name), facts, order, sim).err(),
                None => None,
            };
            let honest = self.honest.entry(name.to_owned()).or_insert(now);
            match why {
                None => *honest = now,
                Some(why) if now.duration_since(*honest) > SignedDuration::from_secs(patience) => {
                    return Err(format!("{name} is said to be Ready for {patience} s, and {why}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether the text in the store is said to be refused: what is in force is a version before it.
fn is_refused(status: &DeploymentStatus) -> bool {
    status.findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Whether an application runs as the version in force says. Where the text of now is `refused`,
/// the newest version before it may have stood for seconds only, and nobody read it.
fn runs_in_force(newest: &App, refused: bool, facts: &Facts, order: &Order, sim: &Sim) -> CheckResult {
    let mut before = facts.ever(&newest.name).filter(|_| refused);
    let mut runs_before = || before.any(|app| runs(app, order, sim).is_ok());
    runs(newest, order, sim).or_else(|why| if runs_before() { Ok(()) } else { Err(why) })
}

/// Whether an application runs as this version of it says, and why not.
pub fn runs(app: &App, order: &Order, sim: &Sim) -> CheckResult {
    app.declared().try_for_each(|part| {
        let why = match &part.kind {
            Kind::Task => {
                let done = order.has_succeeded(&content_of(app, part));
                if done { Ok(()) } else { Err("has not exited 0 at this content".to_owned()) }
            }
            Kind::Forever => forever_runs(app, part, order, sim),
            Kind::Service(_) | Kind::Singleton => service_runs(app, part, order, sim),
        };
        why.map_err(|why| format!("{} {why}", part.name))
    })
}

fn forever_runs(app: &App, part: &Part, order: &Order, sim: &Sim) -> CheckResult {
    let content = content_of(app, part);
    let tasks = sim.with(|world| world.region(REGION).ecs.tasks());
    let running = tasks.iter().filter(|task| task.status == "RUNNING" && task.service.is_none());
    let mut same = running.filter(|task| order.content(&task.task_definition) == Some(&content));
    if same.next().is_some() { Ok(()) } else { Err("does not run".to_owned()) }
}

fn service_runs(app: &App, part: &Part, order: &Order, sim: &Sim) -> CheckResult {
    let name = app.resource(part);
    let found = sim.with(|world| world.region(REGION).ecs.service(app.cluster, &name));
    let Some(found) = found.filter(|found| found.status == "ACTIVE") else {
        return Err("has no service".to_owned());
    };
    if order.content(&found.task_definition) != Some(&content_of(app, part)) {
        return Err(format!("runs {}, which is not {}", found.task_definition, app.image(part)));
    }
    if part.count().is_some_and(|count| count as usize != found.desired) {
        return Err(format!("wants {} tasks", found.desired));
    }
    if found.running != found.desired
        || found.pending > 0
        || found.deployments != 1
        || found.rollout != "COMPLETED"
    {
        return Err(format!("is not steady: {found:?}"));
    }
    if part.is_balanced() {
        let shown = service(sim, app.cluster, &name).unwrap_or_default();
        let strategy = shown["deploymentConfiguration"]["strategy"].as_str().unwrap_or("ROLLING");
        let declared = part.shifted().map_or("ROLLING", |shift| shift.strategy.name());
        if strategy != declared {
            return Err(format!("is deployed by {strategy}, and {declared} is declared"));
        }
        let healthy = healthy_targets(&shown, sim);
        if healthy < found.desired {
            return Err(format!("has {healthy} healthy targets for {} tasks", found.desired));
        }
    }
    Ok(())
}

/// Healthy targets in the group that the tasks of a service are in, by its newest revision.
fn healthy_targets(shown: &Value, sim: &Sim) -> usize {
    let revision = &shown["currentServiceRevisions"][0]["arn"];
    let input = json!({"serviceRevisionArns": [revision]});
    let revision = read(sim, Service::Ecs, "DescribeServiceRevisions", &input).unwrap_or_default();
    let resolved = &revision["serviceRevisions"][0]["resolvedConfiguration"];
    let arn = &resolved["loadBalancers"][0]["targetGroupArn"];
    let health = read(sim, Service::Elbv2, "DescribeTargetHealth", &json!({"TargetGroupArn": arn}))
        .unwrap_or_default();
    let targets = health["TargetHealthDescriptions"].as_array().cloned().unwrap_or_default();
    let is_healthy = |target: &&Value| target["TargetHealth"]["State"] == "healthy";
    targets.iter().filter(is_healthy).count()
}
