//! What may not run twice does not: whatever it is called, and whichever document declares it.
//!
//! Of a component that was a singleton, or ran for ever, in every version of late, or a task in all
//! of them, one at most has processes that run, those on their way to STOPPED included.
//!
//! Not the controller's doing: what people do by hand, calls that the network delivers twice, and
//! what two documents declared at the same time. Nothing can be told where reads show old states,
//! the clock was wrong, or records were lost.

use super::CheckResult;
use super::facts::{Disturbance, Facts};
use crate::document::{App, ENDS, Kind, Part, REGION};
use aws_sim::Sim;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// For how long a pass may go on by an older document, and what was disturbed may show, in seconds.
const LATELY: i64 = 600;

/// Takes a look at all that runs.
pub fn look(facts: &Facts, sim: &Sim, now: Timestamp) -> CheckResult {
    let disturbances = [Disturbance::ManualChange, Disturbance::Stale, Disturbance::Double];
    let jumped = !facts.quiet(now, 100_000, &[Disturbance::Clock]);
    if jumped || !facts.quiet(now, LATELY, &disturbances) {
        return Ok(());
    }
    let mut running: BTreeMap<String, Vec<String>> = BTreeMap::new();
    sim.with(|world| {
        let ecs = &world.region(REGION).ecs;
        let runs = |status: &str| matches!(status, "ACTIVATING" | "RUNNING" | "DEACTIVATING" | "STOPPING");
        for task in ecs.tasks().into_iter().filter(|task| runs(task.status)) {
            let Some(definition) = ecs.definition(&task.task_definition) else { continue };
            let what = definition.images.first().map(|image| identity(image)).unwrap_or_default();
            running.entry(what).or_default().push(format!("{} ({})", task.task_definition, task.status));
        }
    });
    running.retain(|_, tasks| tasks.len() > 1);
    running.into_iter().try_for_each(|(what, tasks)| match may_run_twice(facts, now, &what) {
        true => Ok(()),
        false => Err(format!("{what} runs more than once: {}", tasks.join(", "))),
    })
}

/// What an image is of.
fn identity(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split(':').next().unwrap_or(name);
    match name.strip_suffix(ENDS) {
        Some(rest) if rest.contains('-') => rest.to_owned(),
        _ => name.to_owned(),
    }
}

fn may_run_twice(facts: &Facts, now: Timestamp, what: &str) -> bool {
    let of = |app: &App| -> Option<Part> {
        let mut parts = app.declared().filter(|part| app.identity(part) == what);
        parts.next().cloned()
    };
    let names: Vec<String> = facts.names().map(str::to_owned).collect();
    let declared: Vec<&String> =
        names.iter().filter(|name| facts.ever(name).any(|app| of(app).is_some())).collect();
    if declared.iter().any(|name| facts.lost_records.contains(*name)) {
        return true;
    }
    let lately = declared.iter().flat_map(|name| facts.lately(name, now, LATELY)).flatten();
    // What a document left when it went runs on as it was then.
    let left = declared.iter().flat_map(|name| facts.left(name, LATELY));
    let kinds: BTreeSet<u8> = lately
        .chain(left)
        .filter_map(of)
        .map(|part| match part.kind {
            Kind::Singleton | Kind::Forever => 0,
            Kind::Task => 1,
            Kind::Service(_) => 2,
        })
        .collect();
    let strict = kinds.len() == 1 && !kinds.contains(&2);
    !strict || facts.together(now, LATELY, |app| of(app).is_some())
}
