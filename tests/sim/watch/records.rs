//! What was kept stays kept: events, documents, whole records. And no value of a secret is
//! anywhere.

use super::CheckResult;
use super::facts::Facts;
use crate::document::{App, CANARY};
use evenkeel::model::status::{Event, Record};
use evenkeel::state::Loaded;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// State of the checker: the last record that was kept of each deployment.
#[derive(Debug, Default)]
pub struct Records {
    kept: BTreeMap<String, Record>,
    /// Deployments whose record is being removed: after a crash it may be gone or not.
    going: BTreeSet<String>,
}

/// Whether bytes hold a secret's value.
pub fn leaks(bytes: &[u8]) -> bool {
    let canary = CANARY.as_bytes();
    bytes.windows(canary.len()).any(|window| window == canary)
}

impl Records {
    /// Checks what goes over the wire.
    pub fn request(&self, body: &[u8]) -> CheckResult {
        if leaks(body) { Err("a request holds the value of a secret".to_owned()) } else { Ok(()) }
    }

    /// Checks a record that was kept.
    pub fn saved(&mut self, record: &Record, facts: &Facts) -> CheckResult {
        let name = record.name.as_str();
        let result = match self.kept.get(name) {
            Some(before) if !facts.lost_records.contains(name) => follows(before, record),
            _ => Ok(()),
        };
        self.kept.insert(name.to_owned(), record.clone());
        result?;
        let Some(declared) = &record.declared else { return Ok(()) };
        let document = declared.document.to_json();
        if document["kind"] != "Application" {
            return Ok(());
        }
        let images = images_of(&document);
        let wanted = |app: &App| app.declared().map(|part| app.image(part)).collect::<BTreeSet<_>>();
        if facts.ever(name).any(|app| wanted(app) == images) {
            Ok(())
        } else {
            Err(format!("the kept document of {name} was never declared: {images:?}"))
        }
    }

    /// Checks what a new controller finds: everything that was kept.
    pub fn loaded(&mut self, loaded: &Loaded, facts: &Facts) -> CheckResult {
        let found: BTreeMap<&str, &Record> =
            loaded.records.iter().map(|record| (record.name.as_str(), record)).collect();
        let going = std::mem::take(&mut self.going);
        let known = self.kept.iter().filter(|(name, _)| !facts.lost_records.contains(*name));
        for (name, before) in known.filter(|(name, _)| !going.contains(*name)) {
            let Some(record) = found.get(name.as_str()) else {
                return Err(format!("the record of {name} is lost; damaged: {:?}", loaded.damaged));
            };
            follows(before, record)?;
        }
        self.kept = loaded.records.iter().map(|record| (record.name.to_string(), record.clone())).collect();
        Ok(())
    }

    /// Checks the removal of a record, before it: only of what is to go altogether.
    pub fn forgetting(&mut self, name: &str, facts: &Facts) -> CheckResult {
        self.going.insert(name.to_owned());
        let gone = facts.lately(name, facts.now, 1800).iter().any(Option::is_none);
        // One of which nothing was made and nothing asked for leaves nothing behind.
        let is_bare =
            |record: &Record| record.rollout.made().next().is_none() && record.rollout.asked.is_empty();
        let goes = facts.ever(name).any(|app| app.delete) || self.kept.get(name).is_some_and(is_bare);
        if gone && goes {
            Ok(())
        } else {
            Err(format!("the record of {name} was removed, and it is declared"))
        }
    }

    /// The record was removed.
    pub fn forgotten(&mut self, name: &str) {
        self.kept.remove(name);
        self.going.remove(name);
    }
}

/// Whether everything that happened by one record is reported by the next, too.
fn follows(before: &Record, after: &Record) -> CheckResult {
    if before.declared.is_some() && after.declared.is_none() {
        return Err(format!("the document of {} is lost", after.name));
    }
    if after.events.len() >= Record::MAX_EVENTS {
        return Ok(());
    }
    // Mostly what was there before stands where it stood.
    let same = before.events.iter().zip(&after.events).take_while(|(before, after)| before == after).count();
    let reported = |event: &Event| {
        after.events.iter().any(|later| {
            later.object == event.object
                && later.reason == event.reason
                && later.message == event.message
                && later.count >= event.count
        })
    };
    match before.events[same..].iter().find(|event| !reported(event)) {
        Some(lost) => Err(format!(
            "an event of {} is lost: {} {} {}",
            after.name, lost.reason, lost.object, lost.message
        )),
        None => Ok(()),
    }
}

fn images_of(document: &Value) -> BTreeSet<String> {
    let components = document["spec"]["components"].as_object();
    let image = |component: &Value| {
        component["taskDefinition"]["containerDefinitions"][0]["image"].as_str().map(str::to_owned)
    };
    components.into_iter().flat_map(|components| components.values().filter_map(image)).collect()
}
