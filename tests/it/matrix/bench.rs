//! A controller at work on documents full of specimens, and what comes of what is done to them.

use super::documents::{Declared, Subject};
use super::manual::{self, Found};
use super::rules::{ManualChange, Outcome, due};
use super::specimens::Specimen;
use crate::support::{Fixture, REGION};
use aws_sim::Sim;
use evenkeel::model::resource::ResourceKind;
use evenkeel::model::status::Event;
use evenkeel::plan::table::{Absent, Class, Effect, Row};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// More than a resync and the time that its calls take at the share of AWS's rates that is ours.
const ONE_PASS: u64 = 100;

/// What was measured, by number of the specimen.
pub type Cells = BTreeMap<(usize, ManualChange), Outcome>;

/// Rows that have tests of their own in this matrix, because no document names their field.
pub fn of_its_own(row: &Row) -> bool {
    matches!(row.class, Class::Delegated | Class::DeclaredWhileRolling)
}

/// The controller on one document.
pub struct Bench {
    pub fixture: Fixture,
    pub declared: Declared,
    /// ARN of a revision that somebody else registered.
    other_revision: String,
}

/// One thing that is about to be done.
struct Deed {
    subject: Subject,
    found: Found,
    before: Value,
    after: Value,
}

impl Bench {
    /// Brings the document up.
    pub async fn new(declared: Declared) -> Self {
        let sim = Sim::builder().seed(11).build();
        sim.seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": manual::CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "containerInstances": 2}],
            "loadBalancers": [{"name": "matrix"}, {"name": "matrix-net", "type": "network"}],
        }))
        .unwrap();
        let fixture = Fixture::bare(sim, &[("matrix.json", &declared.text())]).await;
        fixture.ready_within(1200).await;
        fixture.pass(ONE_PASS).await;
        let other = fixture.by_hand(
            "ecs",
            "RegisterTaskDefinition",
            json!({"family": "other", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
                "containerDefinitions": [{"name": "app", "image": "registry.example.com/other:1", "portMappings": [{"containerPort": 8080}]}]}),
        );
        let other_revision = other["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned();
        Self { fixture, declared, other_revision }
    }

    async fn found(&self, subject: &Subject) -> Found {
        let record = self.fixture.record(self.declared.name).await;
        Found { id: subject.id.clone(), arn: record.rollout.arn(&subject.id).unwrap().to_owned() }
    }

    /// Everything by hand, each thing once, and what comes of it.
    pub async fn measure(&mut self) -> Cells {
        let mut cells = Cells::new();
        for change in ManualChange::ALL {
            let mut deeds = Vec::new();
            for number in 0..self.declared.specimens.len() {
                match self.members(number, change).await {
                    Ok((subject, members)) => deeds.push(self.act(subject, &members).await),
                    Err(reason) => {
                        cells.insert((number, change), Outcome::Meaningless(reason));
                    }
                }
            }
            for (number, outcome) in self.outcomes(deeds).await {
                cells.insert((number, change), outcome);
            }
        }
        cells
    }

    /// Whose field it is and what it is set to; or why there is no such thing.
    async fn members(
        &self,
        number: usize,
        change: ManualChange,
    ) -> Result<(Subject, Vec<(String, Value)>), &'static str> {
        let specimen = &self.declared.specimens[number];
        if let Some(reason) = specimen.impossible.get(&change) {
            return Err(reason);
        }
        if let Outcome::Meaningless(reason) = due(specimen.row, change, self.declared.cardinality(number)) {
            return Err(reason);
        }
        let subject = self.declared.subject(number, change.is_on_named());
        let given = specimen.changes.get(&change);
        let given = given.or_else(|| {
            specimen.changes.get(&ManualChange::Changed).filter(|_| change == ManualChange::Unnamed)
        });
        let members = match given {
            Some(members) => members
                .iter()
                .map(|(path, value)| {
                    let path = if path.is_empty() { api_path(specimen.row) } else { (*path).to_owned() };
                    (path, value.clone())
                })
                .collect(),
            None => vec![(api_path(specimen.row), self.removal(specimen, number).await)],
        };
        let rollout = self.fixture.record(self.declared.name).await.rollout;
        let mut arns: BTreeMap<String, String> =
            rollout.arns().map(|(id, arn)| (format!("@{id}"), arn.to_owned())).collect();
        arns.insert("@other revision".to_owned(), self.other_revision.clone());
        let resolved = members.into_iter().map(|(path, value)| (path, resolved(value, &arns)));
        Ok((subject, resolved.collect()))
    }

    /// What a field becomes when its declared value is taken away: what an absent value means, or
    /// what AWS has where nobody named it; a list loses its last element.
    async fn removal(&self, specimen: &Specimen, number: usize) -> Value {
        let named = self.declared.subject(number, true);
        let now = manual::read(&self.fixture, &self.found(&named).await).unwrap();
        let pointer = format!("/{}", api_path(specimen.row).replace('.', "/"));
        if let Some(Value::Array(mut items)) = now.pointer(&pointer).cloned() {
            items.pop();
            return Value::Array(items);
        }
        if let Absent::Means(text) = specimen.row.absent {
            return serde_json::from_str(text).unwrap();
        }
        let twin = self.declared.subject(number, false);
        let twin = manual::read(&self.fixture, &self.found(&twin).await).unwrap();
        twin.pointer(&pointer).cloned().unwrap_or_default()
    }

    async fn act(&self, subject: Subject, members: &[(String, Value)]) -> Deed {
        let found = self.found(&subject).await;
        let before = manual::read(&self.fixture, &found).unwrap();
        manual::set(&self.fixture, &found, members);
        let after = manual::read(&self.fixture, &found).unwrap();
        assert_ne!(before, after, "{}: nothing was done by {members:?}", subject.id);
        Deed { subject, found, before, after }
    }

    /// One pass later: what became of each deed. What was left as it is, is put back.
    async fn outcomes(&mut self, deeds: Vec<Deed>) -> Vec<(usize, Outcome)> {
        let began = self.fixture.clock.now();
        self.fixture.sim.reset_calls();
        self.fixture.pass(ONE_PASS).await;
        let record = self.fixture.record(self.declared.name).await;
        let events: Vec<&Event> = record.events.iter().filter(|event| event.at >= began).collect();
        let mut outcomes = Vec::new();
        for deed in &deeds {
            let found = self.found(&deed.subject).await;
            let now = manual::read(&self.fixture, &found);
            let outcome = self.outcome(deed, now.as_ref(), &events);
            if now.as_ref() == Some(&deed.after) {
                manual::put_back(&self.fixture, &deed.found, &deed.before);
            }
            outcomes.push((deed.subject.number, outcome));
        }
        self.fixture.ready_within(600).await;
        self.fixture.sim.reset_calls();
        self.fixture.pass(ONE_PASS).await;
        assert_eq!(self.fixture.writes(), Vec::<String>::new(), "the second pass has nothing to do");
        outcomes
    }

    fn outcome(&self, deed: &Deed, now: Option<&Value>, events: &[&Event]) -> Outcome {
        let object = deed.subject.id.to_string();
        let path = self.declared.specimens[deed.subject.number].row.path;
        let about = |event: &&&Event| event.object == object;
        let names = |event: &&Event| {
            let rest = event.message.strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with([' ', '.', '[']))
        };
        let gone = |event: &&Event| event.message.starts_with("deleted by someone");
        let seen =
            events.iter().filter(about).find(|e| e.reason.as_str() == "DriftSeen" && (names(e) || gone(e)));
        let reported = events.iter().filter(about).any(|e| e.reason.as_str() == "DriftReported" && names(e));
        let mended: Vec<_> =
            events.iter().filter(about).filter(|e| e.reason.as_str() == "DriftRepaired").collect();
        let all: Vec<String> =
            events.iter().filter(about).map(|e| format!("{} {}", e.reason, e.message)).collect();
        match (now, seen, mended.as_slice(), reported) {
            (Some(now), Some(seen), [first, ..], false) if *now == deed.before && first.at == seen.at => {
                Outcome::Repaired
            }
            (Some(now), None, [], true) if *now == deed.after => Outcome::Reported,
            (Some(now), None, [], false) if *now == deed.after => Outcome::Left,
            _ => {
                let differs = differing(&deed.before, now.unwrap_or(&Value::Null));
                Outcome::Odd(format!("something odd: {all:?}; differs in {differs}"))
            }
        }
    }
}

impl Bench {
    /// Puts another drift policy into force, and waits until all is as it was.
    async fn declare(&mut self, drift: Value) {
        self.declared.drift = drift;
        let text = self.declared.text();
        self.fixture.write("matrix.json", &text).await;
        self.fixture.pass(5).await;
    }

    /// Every change again under this policy, given for the whole deployment or for each field: what
    /// is reported of it. Nothing may be written. In the end all is repaired that can be, for the
    /// policy is `Repair` again.
    pub async fn under(&mut self, policy: &str, by_field: bool) -> Vec<(usize, Outcome)> {
        let changed: Vec<usize> = (0..self.declared.specimens.len())
            .filter(|number| {
                let specimen = &self.declared.specimens[*number];
                let possible = !specimen.impossible.contains_key(&ManualChange::Changed);
                let wanted = due(specimen.row, ManualChange::Changed, self.declared.cardinality(*number));
                possible && !matches!(wanted, Outcome::Meaningless(_))
            })
            .collect();
        let fields: Value =
            changed.iter().map(|number| (self.declared.policy_path(*number), json!(policy))).collect();
        self.declare(if by_field { json!({"fields": fields}) } else { json!({"policy": policy}) }).await;
        self.fixture.ready_within(300).await;
        let mut deeds = Vec::new();
        for number in changed {
            let (subject, members) = self.members(number, ManualChange::Changed).await.unwrap();
            deeds.push(self.act(subject, &members).await);
        }
        let began = self.fixture.clock.now();
        self.fixture.sim.reset_calls();
        self.fixture.pass(ONE_PASS).await;
        assert_eq!(self.fixture.writes(), Vec::<String>::new(), "{policy}");
        let record = self.fixture.record(self.declared.name).await;
        let events: Vec<&Event> = record.events.iter().filter(|event| event.at >= began).collect();
        let mut outcomes = Vec::new();
        for deed in &deeds {
            let now = manual::read(&self.fixture, &self.found(&deed.subject).await);
            outcomes.push((deed.subject.number, self.outcome(deed, now.as_ref(), &events)));
        }
        self.declare(json!({})).await;
        self.fixture.pass(ONE_PASS).await;
        for deed in &deeds {
            let row = self.declared.specimens[deed.subject.number].row;
            let found = self.found(&deed.subject).await;
            if row.effect == Effect::Impossible {
                manual::put_back(&self.fixture, &found, &deed.before);
            }
            assert_eq!(
                manual::read(&self.fixture, &found).as_ref(),
                Some(&deed.before),
                "{} {}",
                row.kind,
                row.path
            );
        }
        self.fixture.ready_within(600).await;
        outcomes
    }

    /// One resource is deleted by hand under this policy: what becomes of it. In the end it is
    /// there again.
    pub async fn deletion(&mut self, policy: &str) -> Outcome {
        self.declare(json!({"policy": policy})).await;
        self.fixture.ready_within(300).await;
        let subject = self.declared.subject(self.declared.specimens.len() - 1, true);
        let found = self.found(&subject).await;
        let before = manual::read(&self.fixture, &found).unwrap();
        manual::delete(&self.fixture, &found).await;
        assert_eq!(manual::read(&self.fixture, &found), None, "{} was not deleted", subject.id);
        let began = self.fixture.clock.now();
        self.fixture.sim.reset_calls();
        self.fixture.pass(ONE_PASS).await;
        let record = self.fixture.record(self.declared.name).await;
        let reported = |reason: &str| {
            let object = subject.id.to_string();
            let mut about = record.events.iter().filter(|e| e.at >= began && e.object == object);
            about.find(|e| e.reason.as_str() == reason).map(|e| e.at)
        };
        let now = self.look_again(&found).await;
        let writes = self.fixture.writes();
        let outcome = match (now, reported("DriftSeen"), reported("DriftRepaired"), reported("DriftReported"))
        {
            (Some(now), Some(seen), Some(mended), None) if now == before && seen == mended => {
                Outcome::Repaired
            }
            (None, None, None, Some(_)) if writes.is_empty() => Outcome::Reported,
            (None, None, None, None) if writes.is_empty() => Outcome::Left,
            (now, ..) => Outcome::Odd(format!("{now:?} after {writes:?}, {:#?}", record.events)),
        };
        self.declare(json!({})).await;
        self.fixture.pass(ONE_PASS).await;
        self.fixture.ready_within(600).await;
        assert_eq!(self.look_again(&found).await, Some(before), "{}", subject.id);
        outcome
    }

    /// The same resource, under the ARN that it has now.
    async fn look_again(&self, known: &Found) -> Option<Value> {
        let record = self.fixture.record(self.declared.name).await;
        let arn = record.rollout.arn(&known.id).unwrap_or(&known.arn).to_owned();
        manual::read(&self.fixture, &Found { id: known.id.clone(), arn })
    }
}

/// The members in which two descriptions differ.
fn differing(before: &Value, now: &Value) -> String {
    let (Some(before), Some(now)) = (before.as_object(), now.as_object()) else { return "all".to_owned() };
    let names: Vec<String> = before
        .keys()
        .chain(now.keys())
        .filter(|name| before.get(*name) != now.get(*name))
        .map(|name| format!("{name}: {:?} → {:?}", before.get(name), now.get(name)))
        .collect();
    names.join(", ")
}

/// A row's path as the API spells it.
fn api_path(row: &Row) -> String {
    if matches!(row.kind, ResourceKind::Service | ResourceKind::LogGroup) {
        return row.path.to_owned();
    }
    let capital = |segment: &str| {
        let (first, rest) = segment.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    let spelled = row.path.split('.').map(capital).collect::<Vec<_>>().join(".");
    spelled.replace("OkActions", "OKActions").replace("PromQl", "PromQL")
}

/// `@target-group/a` as its ARN.
fn resolved(value: Value, arns: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => match arns.get(&text) {
            Some(arn) => json!(arn),
            None => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(|item| resolved(item, arns)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, resolved(value, arns))).collect()
        }
        other => other,
    }
}
