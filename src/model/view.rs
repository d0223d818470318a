//! What people and programs are told of deployments: what `ctl` shows and what the HTTP window
//! answers are made of the same values, so that both say the same.
//!
//! Nothing in here holds the values of environment variables: a document is told by its labels and
//! annotations alone.

use super::finding::Finding;
use super::heartbeat::{self, Heartbeat};
use super::ids::{ComponentName, DeploymentName};
use super::nearest::nearest;
use super::request::Request;
use super::rollout::{ComponentRollout, Failure, Phase, Revision};
use super::status::{DeploymentStatus, Event, LastGoodDocument, LostRecord, Record};
use super::visible::visible;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of the shapes below. A member that is new does not change it; one that is gone, or
/// means something else, does.
pub const API_VERSION: &str = "evenkeel.dev/v1";

/// Why nothing is believed where no controller has left a sign of life that can be read.
pub const NEVER_SEEN: &str = "no controller was seen here: it leaves a sign of life beside the records, and there is none that can be read";

/// Which shape an answer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `DeploymentList`, `Deployment`, `EventList` or `Plan`.
    pub kind: String,
}

impl Shape {
    /// The shape of this version with this name.
    pub fn of(kind: &str) -> Self {
        Self { api_version: API_VERSION.to_owned(), kind: kind.to_owned() }
    }
}

/// All deployments, and what is said of the spec store and of the records as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentList {
    /// `DeploymentList`.
    #[serde(flatten)]
    pub shape: Shape,
    /// The controller's time when this was told: ages are counted up to it.
    pub time: Timestamp,
    /// Why nothing of this can be believed now: no controller was seen for too long, or ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// The controller that told it; none from one of an early version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<ControllerView>,
    /// The status of each deployment, by name; those that are too old to be believed say so.
    pub items: Vec<Arc<DeploymentStatus>>,
    /// Deployments that are declared and have no status yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_looked_at: Vec<DeploymentName>,
    /// What waits for AWS's request budget, in words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waits: BTreeMap<DeploymentName, String>,
    /// Deployments of which an earlier record could not be read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<DeploymentName, LostRecord>,
    /// Problems of the spec store that belong to no known deployment.
    #[serde(default)]
    pub problems: Vec<Finding>,
    /// Why nothing is pruned at present, when pruning is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_held: Option<String>,
    /// Records that cannot be used, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
    /// What else could not be read, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a controller says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerView {
    /// Which process it is, and of which version.
    pub id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// How often it looks at every deployment, in seconds.
    pub resync_seconds: i64,
    /// When the spec store was last read; `None` before the first time.
    pub store_read_at: Option<Timestamp>,
    /// When each deployment that is declared was last looked at in AWS; `None` before the first
    /// time since the start.
    pub looked_at: BTreeMap<DeploymentName, Option<Timestamp>>,
}

impl From<&Heartbeat> for ControllerView {
    fn from(heartbeat: &Heartbeat) -> Self {
        Self {
            id: heartbeat.controller.clone(),
            started_at: heartbeat.started_at,
            seen_at: heartbeat.at,
            resync_seconds: heartbeat.resync_seconds,
            store_read_at: heartbeat.store_read_at,
            looked_at: heartbeat.looked_at.clone(),
        }
    }
}

impl DeploymentList {
    /// What some records say at a time: statuses that are too old say so, and what is declared and
    /// was never looked at is named. What else is to be said is empty.
    pub fn of(records: Vec<Record>, heartbeat: Option<&Heartbeat>, now: Timestamp) -> Self {
        let unknown = match heartbeat {
            Some(heartbeat) => heartbeat.missed(now),
            None => Some(NEVER_SEEN.to_owned()),
        };
        let lost =
            records.iter().filter_map(|record| Some((record.name.clone(), told(record, now)?.clone())));
        let lost = lost.collect();
        let mut by_name: BTreeMap<DeploymentName, Option<Arc<DeploymentStatus>>> =
            heartbeat.iter().flat_map(|heartbeat| heartbeat.looked_at.keys().cloned()).map(none).collect();
        by_name.extend(records.into_iter().map(|record| {
            let status = record.status.map(|status| believed(status, heartbeat, now));
            (record.name, status)
        }));
        let waits = heartbeat.iter().flat_map(|heartbeat| {
            let names = heartbeat.budget_waits.keys();
            names.filter_map(|name| Some((name.clone(), heartbeat.waits(name, now)?)))
        });
        let waits = waits.collect();
        let not_looked_at = by_name.iter().filter(|(_, status)| status.is_none());
        Self {
            shape: Shape::of("DeploymentList"),
            time: now,
            unknown,
            controller: heartbeat.map(ControllerView::from),
            not_looked_at: not_looked_at.map(|(name, _)| name.clone()).collect(),
            waits,
            lost,
            items: by_name.into_values().flatten().collect(),
            problems: Vec::new(),
            prune_held: None,
            damaged: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Every deployment by name, with its status if it has one.
    pub fn rows(&self) -> BTreeMap<&DeploymentName, Option<&DeploymentStatus>> {
        let seen = self.items.iter().map(|status| (&status.name, Some(&**status)));
        self.not_looked_at.iter().map(|name| (name, None)).chain(seen).collect()
    }
}

fn none<T>(name: DeploymentName) -> (DeploymentName, Option<T>) {
    (name, None)
}

/// A status that says so when it is too old to be believed.
fn believed(
    status: Arc<DeploymentStatus>,
    heartbeat: Option<&Heartbeat>,
    now: Timestamp,
) -> Arc<DeploymentStatus> {
    let doubt = match heartbeat {
        Some(heartbeat) => heartbeat.doubt(&status.name, now),
        None => Some(NEVER_SEEN.to_owned()),
    };
    let waits = heartbeat.and_then(|heartbeat| heartbeat.waits(&status.name, now));
    match (doubt, waits) {
        (Some(because), _) => heartbeat::doubted(Arc::unwrap_or_clone(status), &because).into(),
        (None, Some(waits)) => heartbeat::waiting(Arc::unwrap_or_clone(status), &waits).into(),
        (None, None) => status,
    }
}

/// Everything that is told of one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentView {
    /// `Deployment`.
    #[serde(flatten)]
    pub shape: Shape,
    /// The controller's time when this was told.
    pub time: Timestamp,
    /// What people ask for and is not over.
    pub requests: Vec<Request>,
    /// The deployment.
    pub name: DeploymentName,
    /// Its status, which says so when it is too old to be believed; none before the first look.
    pub status: Option<Arc<DeploymentStatus>>,
    /// That it waits for AWS's request budget, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// That an earlier record of it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<LostRecord>,
    /// When its document went away, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// Labels of its document.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of its document.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Where the rollout of each component stands.
    pub rollout: BTreeMap<ComponentName, ComponentView>,
    /// The newest events, oldest first.
    pub events: Vec<Event>,
    /// What could not be read beside all this, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Where the rollout of a component stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentView {
    /// What is going on.
    pub phase: Phase,
    /// The last revision that completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Revision>,
    /// Revisions and tasks that failed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

impl From<ComponentRollout> for ComponentView {
    fn from(known: ComponentRollout) -> Self {
        Self { phase: known.phase, completed: known.completed, failures: known.failures }
    }
}

/// That an earlier record could not be read, while that is told: for a day, and for as long as
/// nothing else is known.
fn told(record: &Record, now: Timestamp) -> Option<&LostRecord> {
    record.lost.as_ref().filter(|lost| lost.is_told(now) || record.status.is_none())
}

/// Why there is no status of a deployment, in words.
pub fn unseen(lost: Option<&LostRecord>, waits: Option<&str>) -> String {
    let lost = lost.map(|lost| format!("not looked at, and its {}", visible(&lost.because)));
    let unseen = lost.unwrap_or_else(|| "not looked at yet".to_owned());
    waits.map(|waits| format!("{unseen}: {waits}")).unwrap_or(unseen)
}

impl DeploymentView {
    /// What a record says at a time, with what people ask for of it.
    pub fn of(
        record: Record,
        mut requests: Vec<Request>,
        heartbeat: Option<&Heartbeat>,
        now: Timestamp,
    ) -> Self {
        requests.retain(|request| !request.is_over(now));
        let declared = record.declared.as_ref();
        let lost = told(&record, now).cloned();
        let components = record.rollout.components;
        Self {
            shape: Shape::of("Deployment"),
            time: now,
            requests,
            status: record.status.map(|status| believed(status, heartbeat, now)),
            waits: heartbeat.and_then(|heartbeat| heartbeat.waits(&record.name, now)),
            lost,
            removed_at: declared.and_then(|declared| declared.removed_at),
            labels: declared.map(|declared| texts(declared, "labels")).unwrap_or_default(),
            annotations: declared.map(|declared| texts(declared, "annotations")).unwrap_or_default(),
            rollout: components.into_iter().map(|(name, known)| (name, (*known).into())).collect(),
            name: record.name,
            events: record.events,
            warnings: Vec::new(),
        }
    }
}

/// A map of texts in the metadata of a document.
fn texts(declared: &LastGoodDocument, member: &str) -> BTreeMap<String, String> {
    let document = declared.document.to_json();
    let pairs = document["metadata"][member].as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// What was seen and done of one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventList {
    /// `EventList`.
    #[serde(flatten)]
    pub shape: Shape,
    /// The controller's time when this was told.
    pub time: Timestamp,
    /// The deployment.
    pub name: DeploymentName,
    /// The newest events, oldest first.
    pub items: Vec<Event>,
}

impl From<DeploymentView> for EventList {
    fn from(view: DeploymentView) -> Self {
        Self { shape: Shape::of("EventList"), time: view.time, name: view.name, items: view.events }
    }
}

/// The answer when what was asked for is not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, and what to do about it.
    pub error: String,
}

/// That nothing has a name, with the one that was probably meant.
pub fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a DeploymentName>) -> String {
    let known: Vec<&str> = known.into_iter().map(DeploymentName::as_str).collect();
    match nearest(name, &known) {
        Some(meant) => format!("there is no deployment `{name}`; did you mean `{meant}`?"),
        None if known.is_empty() => format!("there is no deployment `{name}`: nothing is recorded yet"),
        None => format!("there is no deployment `{name}`; there are: {}", known.join(", ")),
    }
}

/// The latest time in some records: the least that the controller's clock has reached.
pub fn latest<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<Timestamp> {
    let times = records.into_iter().flat_map(|record| {
        let status = record.status.as_ref().map(|status| status.updated_at);
        record.events.iter().map(|event| event.at).chain(status)
    });
    times.max()
}
