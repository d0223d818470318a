//! What is true whatever the controller believes: what was declared when, what people confirmed,
//! and what has been disturbing.

use super::call::Parsed;
use crate::document::App;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What may excuse the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disturbance {
    /// Answers are lost, late, double, or missing.
    Wire,
    /// Calls are delivered twice.
    Double,
    /// Calls are refused: throttled, failed, denied.
    Refusals,
    /// Reads show old states.
    Stale,
    /// Somebody works on AWS by hand, containers misbehave, secrets rotate.
    ManualChange,
    /// The controller was killed, stopped, or is down.
    Process,
    /// Records cannot be kept, or only slowly.
    Disk,
    /// The controller's clock is wrong.
    Clock,
    /// Documents change, vanish or cannot be read.
    Documents,
    /// No document can be read.
    Unreadable,
}

/// What is true.
#[derive(Debug, Default)]
pub struct Facts {
    /// By deployment: from when on which version is in force; `None` while it is not declared.
    versions: BTreeMap<String, Vec<(Timestamp, Option<App>)>>,
    /// Deployments whose data may go.
    pub confirmed: BTreeSet<String>,
    /// By former name of a document: the one that it got.
    pub renamed: BTreeMap<String, String>,
    /// By deployment: how often it was edited, removed or restored.
    pub edits: BTreeMap<String, u64>,
    /// Until when something disturbs.
    disturbed: BTreeMap<Disturbance, Timestamp>,
    /// Deployments whose record was spoilt: what only the record knew is lost.
    pub lost_records: BTreeSet<String>,
    /// Paused hooks that a person answered, and whether they were to be rolled back.
    pub answers: BTreeSet<(String, bool)>,
    /// Deployments of which a person sent something back.
    pub sent_back: BTreeSet<String>,
    /// The time of the last moment.
    pub now: Timestamp,
}

impl Facts {
    /// A version is in force from now on.
    pub fn declare(&mut self, now: Timestamp, name: &str, app: Option<App>) {
        self.versions.entry(name.to_owned()).or_default().push((now, app));
        *self.edits.entry(name.to_owned()).or_default() += 1;
    }

    /// Something disturbs until then.
    pub fn disturb(&mut self, what: Disturbance, until: Timestamp) {
        let known = self.disturbed.entry(what).or_insert(until);
        *known = (*known).max(until);
    }

    /// How often a deployment was edited, removed or restored by then.
    pub fn edits_by(&self, then: Timestamp, name: &str) -> u64 {
        let versions = self.versions.get(name).into_iter().flatten();
        versions.filter(|(from, _)| *from <= then).count() as u64
    }

    /// Whether none of these has disturbed for so many seconds.
    pub fn quiet(&self, now: Timestamp, seconds: i64, kinds: &[Disturbance]) -> bool {
        let since = now - SignedDuration::from_secs(seconds);
        kinds.iter().all(|kind| self.disturbed.get(kind).is_none_or(|until| *until < since))
    }

    /// Whether anything that can make a rollout fail has ever happened.
    pub fn was_ever_disturbed(&self) -> bool {
        // By a wrong clock a deadline passes early, too.
        [Disturbance::ManualChange, Disturbance::Clock].iter().any(|kind| self.disturbed.contains_key(kind))
    }

    /// Names of all deployments that were ever declared.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }

    /// The version that is declared now.
    pub fn newest(&self, name: &str) -> Option<&App> {
        self.versions.get(name)?.last()?.1.as_ref()
    }

    /// What a document is that was given another name, under that name, while it is declared and
    /// nobody confirmed that what was made under the former one may go.
    pub fn successor(&self, name: &str) -> Option<&App> {
        let to = self.renamed.get(name).filter(|_| !self.confirmed.contains(name))?;
        self.newest(to)
    }

    /// Every version ever.
    pub fn ever(&self, name: &str) -> impl Iterator<Item = &App> {
        self.versions.get(name).into_iter().flatten().filter_map(|(_, app)| app.as_ref())
    }

    /// The versions that were in force when the document was taken out of the store, and within so
    /// many seconds before: what it was then may not have made way yet.
    pub fn left(&self, name: &str, seconds: i64) -> Vec<&App> {
        let versions = self.versions.get(name).map(Vec::as_slice).unwrap_or_default();
        let gone = versions.iter().enumerate().filter(|(_, (_, app))| app.is_none());
        let before = gone.flat_map(|(index, (at, _))| {
            let since = *at - SignedDuration::from_secs(seconds);
            let begin = versions[..index].iter().rposition(|(from, _)| *from <= since).unwrap_or(0);
            versions[begin..index].iter().filter_map(|(_, app)| app.as_ref())
        });
        before.collect()
    }

    /// Versions that were in force at some time within so many seconds; `None` among them when it
    /// was not declared.
    pub fn lately(&self, name: &str, now: Timestamp, seconds: i64) -> Vec<Option<&App>> {
        let since = now - SignedDuration::from_secs(seconds);
        let Some(versions) = self.versions.get(name) else { return vec![None] };
        let begin = versions.iter().rposition(|(from, _)| *from <= since).unwrap_or(0);
        versions[begin..].iter().map(|(_, app)| app.as_ref()).collect()
    }

    /// Whether several deployments declared something at the same time, within so many seconds.
    pub fn together(&self, now: Timestamp, seconds: i64, declares: impl Fn(&App) -> bool) -> bool {
        let since = now - SignedDuration::from_secs(seconds);
        let all = self.versions.values().flatten().map(|(from, _)| (*from).max(since));
        let times: BTreeSet<Timestamp> = all.collect();
        times.into_iter().any(|then| {
            let at = |versions: &&Vec<(Timestamp, Option<App>)>| {
                let version = versions.iter().rev().find(|(from, _)| *from <= then);
                version.and_then(|(_, app)| app.as_ref()).is_some_and(&declares)
            };
            self.versions.values().filter(at).count() > 1
        })
    }

    /// The deployment that a resource of this name belongs to: `app0` of `app0-web`.
    pub fn deployment_of(&self, resource: &str) -> Option<&str> {
        let names = self.versions.keys().filter(|name| {
            resource.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        names.max_by_key(|name| name.len()).map(String::as_str)
    }

    /// Takes in a call.
    pub fn saw_call(&mut self, call: &Parsed, done: bool, answered: bool, now: Timestamp) {
        self.now = now;
        if call.write && done && !answered {
            self.disturb(Disturbance::Wire, now);
        }
    }
}
