//! Edits of any field: drawn from the ownership table by way of the values that the drift matrix
//! has for each of its rows.
//!
//! Not drawn are the fields that the model of a document has itself ([`crate::document`]), which
//! say who serves what and what can work, and those whose other value no simulated cluster can run.

use super::document::App;
use crate::matrix::contents::{definitions, tasks};
use crate::matrix::specimens;
use evenkeel::desired::lower;
use evenkeel::model::finding::Finding;
use evenkeel::model::ids::Generation;
use evenkeel::model::kinds::Document;
use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Effect, Row};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Where in a document a field stands; parts by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `spec`.
    Spec,
    /// The log group.
    LogGroup,
    /// The listener.
    Listener,
    /// The task definition of a part.
    Definition(usize),
    /// Its container.
    Container(usize),
    /// Its service or singleton.
    Service(usize),
    /// Its task.
    Task(usize),
    /// Its target group.
    Group(usize),
    /// Its alarm.
    Alarm(usize),
}

/// What documents say beyond their model: a value, or null for what is taken out.
pub type Fields = BTreeMap<(Place, &'static str), Value>;

/// Paths that are not drawn, by the resource that has them; what begins like this is meant, too.
const NOT_DRAWN: [(ResourceKind, &[&str], &str); 7] = [
    (
        ResourceKind::Task,
        &["launchType", "capacityProviderStrategy"],
        "the cluster has nothing else to run it on",
    ),
    (
        ResourceKind::Service,
        &[
            "taskDefinition",
            "desiredCount",
            "loadBalancers",
            "launchType",
            "capacityProviderStrategy",
            "schedulingStrategy",
            "deploymentConfiguration",
            "tags",
        ],
        "the model has them, or the cluster has nothing else to run it on",
    ),
    (
        ResourceKind::TaskDefinition,
        &[
            "family",
            "networkMode",
            "requiresCompatibilities",
            "runtimePlatform",
            "containerDefinitions[].name",
            "containerDefinitions[].image",
            "containerDefinitions[].environment",
            "containerDefinitions[].secrets",
            "containerDefinitions[].portMappings",
            "containerDefinitions[].logConfiguration",
            "containerDefinitions[].repositoryCredentials",
            "containerDefinitions[].restartPolicy",
            "tags",
        ],
        "the model has them, the cluster has nothing else to run it on, the secret is not there, or a task never ends",
    ),
    (
        ResourceKind::TargetGroup,
        &[
            "port",
            "protocol",
            "vpcId",
            "targetType",
            "name",
            "tags",
            "healthCheckPort",
            "healthCheckProtocol",
        ],
        "the model has them, or the tasks do not answer otherwise",
    ),
    (ResourceKind::Listener, &["port", "protocol", "loadBalancer", "tags"], "the model has them"),
    (
        ResourceKind::Alarm,
        &["treatMissingData", "tags"],
        "an alarm that goes off rolls deployments back, and has its reason",
    ),
    (ResourceKind::LogGroup, &["retentionInDays", "tags"], "the model has it"),
];

/// A field and what it may be.
struct Drawable {
    kind: ResourceKind,
    path: &'static str,
    values: Vec<Value>,
}

static DRAWABLE: LazyLock<Vec<Drawable>> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut add = |row: &'static Row, values: Vec<Value>| {
        let kept = NOT_DRAWN.iter().filter(|(kind, ..)| *kind == row.kind);
        let is_kept = kept.flat_map(|(_, paths, _)| *paths).any(|path| row.path.starts_with(path));
        if !is_kept && row.effect != Effect::Impossible {
            all.push(Drawable { kind: row.kind, path: row.path, values });
        }
    };
    let of_resources = [
        specimens::services(),
        specimens::target_groups(),
        specimens::listeners(),
        specimens::alarms(),
        specimens::log_groups(),
    ];
    for specimen in of_resources.into_iter().flatten().filter(|specimen| !specimen.named.is_null()) {
        add(specimen.row, vec![specimen.named, Value::Null]);
    }
    for content in definitions().into_iter().chain(tasks()) {
        add(content.row, vec![content.one, content.other, Value::Null]);
    }
    all
});

/// What may be edited of an application: each field with a value that makes a good document of it.
/// `None` when so many tries find nothing.
pub fn draw(rng: &mut fastrand::Rng, app: &App) -> Option<(Place, &'static str, Value)> {
    for _ in 0..40 {
        let part = rng.usize(0..app.parts.len());
        if rng.u8(0..16) == 0 {
            let tags = [json!({"team": "a"}), json!({"team": "b", "cost": "1"}), Value::Null];
            return Some((Place::Spec, "tags", tags[rng.usize(0..tags.len())].clone()));
        }
        let drawable = &DRAWABLE[rng.usize(0..DRAWABLE.len())];
        let (place, path) = match drawable.kind {
            ResourceKind::Service => (Place::Service(part), drawable.path),
            ResourceKind::Task => (Place::Task(part), drawable.path),
            ResourceKind::TargetGroup => (Place::Group(part), drawable.path),
            ResourceKind::Alarm => (Place::Alarm(part), drawable.path),
            ResourceKind::Listener => (Place::Listener, drawable.path),
            ResourceKind::LogGroup => (Place::LogGroup, drawable.path),
            _ => match drawable.path.strip_prefix("containerDefinitions[].") {
                Some(path) => (Place::Container(part), path),
                None => (Place::Definition(part), drawable.path),
            },
        };
        let value = drawable.values[rng.usize(0..drawable.values.len())].clone();
        let mut edited = app.clone();
        edited.fields.insert((place, path), value.clone());
        let says_something = edited.document() != app.document();
        if says_something && is_good(&edited.document()) {
            return Some((place, path, value));
        }
    }
    None
}

/// Whether a document can be used.
pub fn is_good(document: &Value) -> bool {
    let Ok(document) = serde_json::from_value::<Document>(document.clone()) else { return false };
    !lower(&document, Generation(1)).1.iter().any(Finding::is_error)
}

/// Writes the fields into a document; what is not there has none.
pub fn write(fields: &Fields, app: &App, document: &mut Value) {
    let part = |index: usize| app.parts.get(index).filter(|part| part.declared);
    for ((place, path), value) in fields {
        let spec = &mut document["spec"];
        let component = |index: usize| part(index).map(|part| format!("/components/{}", part.key()));
        let pointer = match *place {
            Place::Spec => Some(String::new()),
            Place::LogGroup => Some(format!("/logGroups/{}", app.log_group().replace('/', "~1"))),
            Place::Listener => Some("/listeners/http".to_owned()),
            Place::Definition(index) => component(index).map(|at| at + "/taskDefinition"),
            Place::Container(index) => {
                component(index).map(|at| at + "/taskDefinition/containerDefinitions/0")
            }
            Place::Service(index) => component(index).map(|at| {
                let word =
                    if spec.pointer(&format!("{at}/singleton")).is_some() { "singleton" } else { "service" };
                format!("{at}/{word}")
            }),
            Place::Task(index) => component(index).map(|at| at + "/task"),
            Place::Group(index) => part(index).map(|part| format!("/targetGroups/{}", part.target_group())),
            Place::Alarm(index) => part(index).map(|part| format!("/alarms/{}", part.key())),
        };
        if let Some(tree) = pointer.and_then(|pointer| spec.pointer_mut(&pointer)) {
            put(tree, path, value.clone());
        }
    }
}

/// Puts a value at a dotted path; null takes away what stands there.
pub fn put(tree: &mut Value, path: &str, value: Value) {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = tree;
    for segment in above.split('.').filter(|segment| !segment.is_empty()) {
        if here.get(segment).is_none() {
            if value.is_null() {
                return;
            }
            here[segment] = Value::Object(Map::new());
        }
        here = &mut here[segment];
    }
    match (value, here.as_object_mut()) {
        (Value::Null, Some(members)) => {
            members.remove(last);
        }
        (value, _) => here[last] = value,
    }
}
