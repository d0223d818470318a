//! Nothing is made twice: one revision for one content, one run for one content, whatever is lost,
//! late or killed.

use super::CheckResult;
use super::call::Parsed;
use super::facts::{Disturbance, Facts};
use crate::document::{Kind, REGION};
use aws_sim::Sim;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

const HASH: &str = "evenkeel.dev/hash";

/// State of the checker.
#[derive(Debug, Default)]
pub struct Once {
    /// ARNs by family and content.
    revisions: BTreeMap<(String, String), Vec<String>>,
    /// Runs by family and content: token, ARN of the task, and how often the document was edited by
    /// then.
    runs: BTreeMap<(String, String), Vec<Run>>,
}

#[derive(Clone, Debug)]
struct Run {
    token: String,
    task: String,
    edits: u64,
}

impl Once {
    /// Checks a write.
    pub fn after(
        &mut self,
        call: &Parsed,
        answer: Option<&[u8]>,
        facts: &Facts,
        sim: &Sim,
        now: Timestamp,
    ) -> CheckResult {
        let Some(answer) = answer else { return Ok(()) };
        match call.operation.as_str() {
            "RegisterTaskDefinition" => self.registered(call, answer, facts, sim, now),
            "RunTask" => self.ran(call, answer, facts, sim),
            _ => Ok(()),
        }
    }

    fn registered(
        &mut self,
        call: &Parsed,
        answer: &[u8],
        facts: &Facts,
        sim: &Sim,
        now: Timestamp,
    ) -> CheckResult {
        let family = call.text("family").to_owned();
        let Some(hash) = call.tag(HASH) else {
            return Err(format!("a revision of {family} without the tag of its content"));
        };
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
        let known = self.revisions.entry((family.clone(), hash.to_owned())).or_default();
        let in_use = |arn: &&String| {
            let found = sim.with(|world| world.region(REGION).ecs.definition(arn));
            // One that somebody took the tags of is not found again by them.
            found.is_some_and(|found| found.status == "ACTIVE" && found.tags.contains_key(HASH))
        };
        let twin = known.iter().find(in_use).cloned();
        known.push(arn.clone());
        // With the record lost and old states shown nothing tells of the first one.
        let owner = call.tag("evenkeel.dev/owner").unwrap_or_default();
        // By a clock that jumps nobody can tell how long ago it was asked for.
        let lost = facts.lost_records.contains(owner) || !facts.quiet(now, 100_000, &[Disturbance::Clock]);
        let excused = lost && !facts.quiet(now, 300, &[Disturbance::Stale, Disturbance::Wire]);
        // Edited to and fro within a minute, while reads show what was there before it.
        let to_and_fro = facts.lately(owner, now, 60).len() > 2;
        let excused = excused || (to_and_fro && !facts.quiet(now, 60, &[Disturbance::Stale]));
        // Or a secret was rotated, which old reads show undone once more.
        let rotated = !facts.quiet(now, 300, &[Disturbance::ManualChange]);
        let excused = excused || (rotated && !facts.quiet(now, 300, &[Disturbance::Stale]));
        match twin {
            Some(twin) if !excused && facts.quiet(now, 1, &[Disturbance::Double]) => {
                Err(format!("{arn} was registered for content {hash}, for which {twin} is there"))
            }
            _ => Ok(()),
        }
    }

    fn ran(&mut self, call: &Parsed, answer: &[u8], facts: &Facts, sim: &Sim) -> CheckResult {
        let arn = call.text("taskDefinition");
        let Some(definition) = sim.with(|world| world.region(REGION).ecs.definition(arn)) else {
            return Ok(());
        };
        let family = arn.rsplit('/').next().unwrap_or(arn).split(':').next().unwrap_or_default().to_owned();
        let Some(deployment) = facts.deployment_of(&family) else { return Ok(()) };
        let hash = definition.tags.get(HASH).cloned().unwrap_or_default();
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let run = Run {
            token: call.text("startedBy").to_owned(),
            task: answer["tasks"][0]["taskArn"].as_str().unwrap_or_default().to_owned(),
            edits: facts.edits.get(deployment).copied().unwrap_or(0),
        };
        let once = facts
            .ever(deployment)
            .filter_map(|app| app.parts.iter().find(|part| app.resource(part) == family))
            .last()
            .is_some_and(|part| part.kind == Kind::Task);
        let runs = self.runs.entry((family.clone(), hash.clone())).or_default();
        let twin = runs
            .iter()
            .find(|known| known.token != run.token && known.edits == run.edits && known.task != run.task);
        let twin = twin.cloned();
        runs.push(run.clone());
        // A run that no list shows counts as lost after minutes: by a clock that jumped, at once.
        let jumped = !facts.quiet(facts.now, 100_000, &[Disturbance::Clock]);
        let unseen = jumped && !facts.quiet(facts.now, 600, &[Disturbance::Stale]);
        match twin {
            Some(twin) if once && !unseen && !facts.lost_records.contains(deployment) => Err(format!(
                "{family} ran twice for content {hash} though nobody edited its document: {} and {}",
                twin.task, run.task
            )),
            _ => Ok(()),
        }
    }
}
