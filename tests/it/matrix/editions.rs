//! Editions of one document, field by field: what each brings about.

use super::contents::Content;
use super::documents::{component, errors, network, put};
use super::manual::CLUSTER;
use crate::support::{Fixture, REGION};
use aws_sim::{Moment, Sim};
use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Absent, Compare};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// More than the registrations of one edition take at our share of AWS's narrowest rate.
const ONE_EDITION: u64 = 600;

/// What a document says of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// One value.
    One,
    /// The same value in other words: lists without an order the other way round.
    Reordered,
    /// Another value.
    Other,
    /// Nothing.
    Absent,
    /// What absence means, spelled out.
    SpelledOut,
}

impl Content {
    /// The value in an edition; none when there is no such edition of this field.
    fn in_edition(&self, edition: Edition) -> Option<Value> {
        let unordered = matches!(self.row.compare, Compare::Set(_) | Compare::Named(_));
        match (edition, self.row.absent) {
            (Edition::One, _) => Some(self.one.clone()),
            (Edition::Reordered, _) => {
                let items = self.one.as_array().filter(|items| unordered && items.len() > 1)?;
                Some(items.iter().rev().cloned().collect())
            }
            (Edition::Other, _) => Some(self.other.clone()),
            (Edition::Absent, _) => Some(Value::Null),
            (Edition::SpelledOut, Absent::Means(text)) => Some(serde_json::from_str(text).unwrap()),
            (Edition::SpelledOut, _) => None,
        }
    }

    /// Whether two values mean the same by the table: equal, or one absent and the other what
    /// absence means.
    fn means_the_same(&self, a: &Value, b: &Value) -> bool {
        let full = |value: &Value| match (value, self.row.absent) {
            (Value::Null, Absent::Means(text)) => serde_json::from_str(text).unwrap(),
            (value, _) => value.clone(),
        };
        full(a) == full(b)
    }

    fn component(&self, value: &Value) -> Value {
        let mut part = base(self.base);
        match (self.row.kind, self.row.path.strip_prefix("containerDefinitions[].")) {
            (ResourceKind::Task, _) => put(&mut part["task"], self.row.path, value.clone()),
            (_, Some(path)) => {
                put(&mut part["taskDefinition"]["containerDefinitions"][0], path, value.clone());
            }
            _ => put(&mut part["taskDefinition"], self.row.path, value.clone()),
        }
        part
    }
}

/// A document with one component for every field.
pub struct Editions {
    pub fixture: Fixture,
    pub contents: Vec<Content>,
    /// What the document says of each field at present.
    now: Vec<Value>,
    /// Tag of the images of tasks.
    tag: u32,
    /// Bodies of all RegisterTaskDefinition and RunTask calls since they were last taken.
    sent: Arc<Mutex<Vec<Value>>>,
    /// The reason given for the newest registration, by task definition.
    reasons: Arc<Mutex<BTreeMap<String, String>>>,
}

/// What an edition brought about for one field.
#[derive(Debug)]
pub struct Brought {
    /// Whether the edition says something else than the one before.
    pub is_new: bool,
    /// Whether a document without this field is refused: then nothing was edited.
    pub refused: bool,
    /// Bodies of the calls for it.
    pub calls: Vec<Value>,
}

impl Editions {
    /// Brings the first edition up.
    pub async fn new(contents: Vec<Content>) -> Self {
        let sim = Sim::builder().seed(13).build();
        sim.seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "containerInstances": 2}],
            "secrets": ["matrix/one", "matrix/two"],
        }))
        .unwrap();
        let now: Vec<Value> = contents.iter().map(|content| content.one.clone()).collect();
        let text = document(&contents, &now, 1).to_string();
        let wrong = errors(&document(&contents, &now, 1));
        assert!(wrong.is_empty(), "{wrong:#?}");
        let fixture = Fixture::bare(sim, &[("editions.json", &text)]).await;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&sent);
        fixture.sim.on_call(move |moment| {
            if let Moment::Before { request } = moment
                && ["RegisterTaskDefinition", "RunTask"].contains(&request.operation.as_str())
            {
                noted.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
            }
        });
        // A record keeps fewer events than one edition brings, so they are noted as they come.
        let reasons = Arc::new(Mutex::new(BTreeMap::new()));
        let recorded = Arc::clone(&reasons);
        fixture.saves.on_save(move |_, record| {
            let registered = record.events.iter().filter(|event| event.reason.as_str() == "Registered");
            let messages = registered.map(|event| (event.object.clone(), event.message.clone()));
            recorded.lock().unwrap().extend(messages);
        });
        fixture.ready_within(3 * ONE_EDITION).await;
        sent.lock().unwrap().clear();
        Self { fixture, contents, now, tag: 1, sent, reasons }
    }

    /// Declares an edition of every field at once; answers what it brought about, field by field.
    pub async fn publish(&mut self, edition: Edition) -> Vec<Option<Brought>> {
        let before = self.now.clone();
        let mut brought = Vec::new();
        for (number, (content, before)) in self.contents.iter().zip(&before).enumerate() {
            let Some(value) = content.in_edition(edition) else {
                brought.push(None);
                continue;
            };
            let alone = std::slice::from_ref(content);
            let refused = !errors(&document(alone, std::slice::from_ref(&value), 1)).is_empty();
            if !refused {
                self.now[number] = value;
            }
            let same = content.means_the_same(before, &self.now[number]) || edition == Edition::Reordered;
            brought.push(Some(Brought { is_new: !same && !refused, refused, calls: Vec::new() }));
        }
        self.declare().await;
        for call in std::mem::take(&mut *self.sent.lock().unwrap()) {
            let number = self.number_of(&call);
            match &mut brought[number] {
                Some(brought) => brought.calls.push(call),
                None => panic!("{} was not edited, and {call} was sent", self.contents[number].row.path),
            }
        }
        brought
    }

    /// New images everywhere: the calls that come of it, by field.
    pub async fn release(&mut self) -> BTreeMap<usize, Vec<Value>> {
        self.tag += 1;
        self.declare().await;
        let mut calls: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
        for call in std::mem::take(&mut *self.sent.lock().unwrap()) {
            calls.entry(self.number_of(&call)).or_default().push(call);
        }
        calls
    }

    /// The revision that the service of a field points at.
    pub fn revision(&self, number: usize) -> String {
        let input = json!({"cluster": CLUSTER, "services": [format!("editions-f{number}")]});
        let described = self.fixture.by_hand("ecs", "DescribeServices", input);
        described["services"][0]["taskDefinition"].as_str().unwrap().to_owned()
    }

    /// Whether the newest registration for a field says that it is because of that field.
    pub fn is_told(&self, number: usize) -> bool {
        let leaf = self.contents[number].row.path.rsplit(['.', ']']).next().unwrap();
        let reasons = self.reasons.lock().unwrap();
        reasons.get(&format!("task-definition/f{number}")).is_some_and(|message| message.contains(leaf))
    }

    async fn declare(&mut self) {
        let text = document(&self.contents, &self.now, self.tag).to_string();
        self.fixture.write("editions.json", &text).await;
        self.fixture.pass(1).await;
        self.fixture.ready_within(2 * ONE_EDITION).await;
    }

    /// The number of the field that a call is for: its component is named by it.
    fn number_of(&self, call: &Value) -> usize {
        let family = call["family"].as_str().or(call["group"].as_str()).unwrap();
        family.rsplit(['-', '/']).next().unwrap().trim_start_matches('f').parse().unwrap()
    }
}

fn document(contents: &[Content], values: &[Value], tag: u32) -> Value {
    let parts = contents.iter().zip(values).enumerate();
    let components: Value = parts
        .map(|(number, (content, value))| {
            let mut part = content.component(value);
            if content.row.kind == ResourceKind::Task {
                part["taskDefinition"]["containerDefinitions"][0]["image"] =
                    json!(format!("registry.example.com/migrate:{tag}"));
            }
            (format!("f{number}"), part)
        })
        .collect();
    json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": {"name": "editions"},
        "spec": {"placement": {"region": REGION, "cluster": CLUSTER}, "components": components}})
}

fn base(name: &str) -> Value {
    let instances = || {
        let mut part = component(json!({"networkMode": "bridge"}), json!({"launchType": "EC2"}));
        part["taskDefinition"]["containerDefinitions"][0]["memoryReservation"] = json!(64);
        part
    };
    let fargate = || component(json!({}), json!({"networkConfiguration": network()}));
    let neighbour = |part: &mut Value, name: &str, essential: bool| {
        let container = json!({"name": name, "image": "registry.example.com/side:1.0", "essential": essential, "memoryReservation": 64});
        part["taskDefinition"]["containerDefinitions"].as_array_mut().unwrap().push(container);
    };
    match name {
        "fargate" => fargate(),
        "instances" => instances(),
        "three" => {
            let mut part = fargate();
            neighbour(&mut part, "side", false);
            neighbour(&mut part, "main", true);
            part
        }
        "linked" => {
            let mut part = instances();
            neighbour(&mut part, "side", true);
            part
        }
        "volumes" => {
            let mut part = fargate();
            part["taskDefinition"]["volumes"] = json!([{"name": "one"}, {"name": "two"}]);
            part
        }
        "task" | "open" => {
            let mut part = fargate();
            let members = part.as_object_mut().unwrap();
            members.remove("service");
            members.insert("task".to_owned(), json!({"networkConfiguration": network()}));
            if name == "open" {
                part["taskDefinition"]["requiresCompatibilities"] = json!(["FARGATE", "EC2"]);
            }
            part
        }
        other => panic!("there is no base {other}"),
    }
}
