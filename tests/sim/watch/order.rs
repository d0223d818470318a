//! Things happen in the declared order, what failed is not tried again, and a pause pauses.

use super::CheckResult;
use super::call::Parsed;
use super::facts::{Disturbance, Facts};
use crate::document::{App, Kind, Part, REGION};
use aws_sim::Sim;
use evenkeel::model::status::Record;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How long a pass may go on by a version that was paused meanwhile, in seconds.
const PASS: i64 = 120;
/// The same while AWS is slow or silent.
const SLOW_PASS: i64 = 600;

/// Image and variable of a revision.
pub type Content = (String, String);

/// State of the checker.
#[derive(Debug, Default)]
pub struct Order {
    /// By ARN of the revision.
    contents: BTreeMap<String, Content>,
    /// Contents whose task has exited 0.
    succeeded: BTreeSet<Content>,
    /// Contents that a service has run completely, by service.
    rolled: BTreeSet<(String, Content)>,
    failures: Vec<Failed>,
}

/// A failure that the controller has recorded.
#[derive(Clone, Debug, PartialEq)]
struct Failed {
    deployment: String,
    hash: String,
    attempt: String,
    /// How often the document was edited by then, as far as it was certainly known.
    edits: u64,
}

impl Order {
    /// Image and variable of a revision, by its ARN.
    pub fn content(&self, arn: &str) -> Option<&Content> {
        self.contents.get(arn)
    }

    /// Whether a task with this content has exited 0.
    pub fn has_succeeded(&self, content: &Content) -> bool {
        self.succeeded.contains(content)
    }

    /// Reads what has come about in ECS.
    pub fn observe(&mut self, sim: &Sim) {
        let (services, tasks) = sim.with(|world| {
            let ecs = &world.region(REGION).ecs;
            (ecs.services(), ecs.tasks())
        });
        for service in services.iter().filter(|one| one.rollout == "COMPLETED" && one.deployments == 1) {
            if let Some(content) = self.contents.get(&service.task_definition) {
                let name = service.key.rsplit('/').next().unwrap_or_default().to_owned();
                self.rolled.insert((name, content.clone()));
            }
        }
        for task in tasks.iter().filter(|task| task.status == "STOPPED") {
            if task.exit_codes.iter().all(|code| *code == Some(0))
                && let Some(content) = self.contents.get(&task.task_definition)
            {
                self.succeeded.insert(content.clone());
            }
        }
    }

    /// Checks a write.
    pub fn after(
        &mut self,
        call: &Parsed,
        done: bool,
        facts: &Facts,
        sim: &Sim,
        now: Timestamp,
    ) -> CheckResult {
        paused(call, facts, sim, now)?;
        if call.operation == "RegisterTaskDefinition" && done {
            self.remember(call, sim);
        }
        let (name, arn) = match call.operation.as_str() {
            "CreateService" => (call.text("serviceName"), call.text("taskDefinition")),
            "UpdateService" => (call.text("service"), call.text("taskDefinition")),
            "RunTask" => ("", call.text("taskDefinition")),
            _ => return Ok(()),
        };
        if arn.is_empty() || !done {
            return Ok(());
        }
        self.observe(sim);
        self.not_tried_again(call, arn, facts, sim)?;
        let family = arn.rsplit('/').next().unwrap_or(arn).split(':').next().unwrap_or_default();
        let name = if name.is_empty() { family } else { name.rsplit('/').next().unwrap_or(name) };
        self.gates_are_open(call, name, arn, facts)
    }

    fn remember(&mut self, call: &Parsed, sim: &Sim) {
        let container = &call.input["containerDefinitions"][0];
        let variable = &container["environment"][0]["value"];
        let content =
            (container["image"].as_str().unwrap_or_default(), variable.as_str().unwrap_or_default());
        let content = (content.0.to_owned(), content.1.to_owned());
        // The answer may be lost: the newest revision of the family is the one.
        let family = call.text("family").to_owned();
        if let Some(found) = sim.with(|world| world.region(REGION).ecs.definition(&family)) {
            self.contents.insert(found.arn, content);
        }
    }

    fn not_tried_again(&self, call: &Parsed, arn: &str, facts: &Facts, sim: &Sim) -> CheckResult {
        let Some(found) = sim.with(|world| world.region(REGION).ecs.definition(arn)) else { return Ok(()) };
        let hash = found.tags.get("evenkeel.dev/hash").cloned().unwrap_or_default();
        let owner = found.tags.get("evenkeel.dev/owner").cloned().unwrap_or_default();
        let edits = facts.edits.get(&owner).copied().unwrap_or(0);
        let again = self.failures.iter().find(|failed| {
            failed.deployment == owner
                && failed.hash == hash
                && failed.edits == edits
                && !facts.lost_records.contains(&owner)
        });
        match again {
            Some(failed) => Err(format!(
                "{} tries {arn} again, which failed as {} and was not edited since",
                call.operation, failed.attempt
            )),
            None => Ok(()),
        }
    }

    fn gates_are_open(&self, call: &Parsed, name: &str, arn: &str, facts: &Facts) -> CheckResult {
        let Some((content, deployment)) = self.contents.get(arn).zip(facts.deployment_of(name)) else {
            return Ok(());
        };
        let mut closed = None;
        for app in facts.ever(deployment) {
            let part =
                app.declared().find(|part| app.resource(part) == name && content_of(app, part) == *content);
            let Some(part) = part else { continue };
            match self.closed_gate(app, part) {
                None => return Ok(()),
                Some(gate) => closed = Some(gate),
            }
        }
        match closed {
            Some(gate) => Err(format!("{} of {name} with {}: {gate}", call.operation, content.0)),
            None => Err(format!("{} of {name} with {content:?}, which nobody ever declared", call.operation)),
        }
    }

    fn closed_gate(&self, app: &App, part: &Part) -> Option<String> {
        let before = part.after.iter().filter_map(|name| app.declared().find(|other| other.name == *name));
        before.into_iter().find_map(|other| {
            let content = content_of(app, other);
            let open = match other.kind {
                Kind::Task => self.succeeded.contains(&content),
                Kind::Forever => true,
                Kind::Service(_) | Kind::Singleton => self.rolled.contains(&(app.resource(other), content)),
            };
            (!open).then(|| format!("{} is not complete at {}", other.name, app.image(other)))
        })
    }

    /// Takes in the failures of a record.
    pub fn saved(&mut self, record: &Record, facts: &Facts, now: Timestamp) {
        let deployment = record.name.as_str();
        // What was edited during its pass is new to it: with that, nothing has failed yet.
        let slow =
            !facts.quiet(now, SLOW_PASS, &[Disturbance::Wire, Disturbance::Refusals, Disturbance::Disk]);
        let observed = now - SignedDuration::from_secs(if slow { SLOW_PASS } else { PASS });
        let edits = facts.edits_by(observed, deployment);
        for failure in record.rollout.components.values().flat_map(|component| &component.failures) {
            let known = self.failures.iter().any(|known| {
                known.deployment == deployment
                    && known.attempt == failure.attempt
                    && known.hash == failure.hash.as_str()
            });
            if !known {
                self.failures.push(Failed {
                    deployment: deployment.to_owned(),
                    hash: failure.hash.to_string(),
                    attempt: failure.attempt.clone(),
                    edits,
                });
            }
        }
    }

    /// A deployment of which nothing is left may begin anew.
    pub fn forgotten(&mut self, deployment: &str) {
        self.failures.retain(|failed| failed.deployment != deployment);
    }
}

/// Image and variable that a version wants of a component.
pub fn content_of(app: &App, part: &Part) -> Content {
    (app.image(part), part.variable.to_string())
}

/// Nothing is written while every version of the last minutes is paused.
fn paused(call: &Parsed, facts: &Facts, sim: &Sim, now: Timestamp) -> CheckResult {
    if !facts.quiet(now, i64::from(i32::MAX), &[Disturbance::Clock]) {
        return Ok(());
    }
    let Some(deployment) = super::sight::deployment(call, facts, sim) else { return Ok(()) };
    let slow = !facts.quiet(now, SLOW_PASS, &[Disturbance::Wire, Disturbance::Refusals, Disturbance::Disk]);
    let versions = facts.lately(&deployment, now, if slow { SLOW_PASS } else { PASS });
    let soon = now + SignedDuration::from_secs(5);
    let is_paused = |version: &Option<&App>| {
        version.is_some_and(|app| app.suspended_until.is_some_and(|until| until > soon))
    };
    if versions.iter().all(is_paused) {
        return Err(format!("{} of {} while {deployment} is suspended", call.operation, call.target()));
    }
    Ok(())
}
