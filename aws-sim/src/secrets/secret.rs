//! One secret with its versions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::content::Content;
use super::invalid_request;
use super::schedule::Rotation;
use crate::ctx::epoch;
use crate::error::ApiError;

/// The label of the version that is in use.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The label of the version before it.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
/// The label of the version that a rotation is preparing.
pub(super) const PENDING: &str = "AWSPENDING";

/// Versions without a label that are kept.
const MOST_DEPRECATED: usize = 100;

/// One version.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub content: Content,
    pub created: Timestamp,
    pub accessed: Option<Timestamp>,
    pub stages: BTreeSet<String>,
    /// Order of creation, to tell which deprecated ones are the oldest.
    pub number: u64,
}

/// A deletion that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Deletion {
    pub asked_at: Timestamp,
    pub gone_at: Timestamp,
}

/// One secret.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    pub kms_key: Option<String>,
    pub kind: Option<String>,
    pub owner: Option<String>,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub accessed: Option<Timestamp>,
    pub deleted: Option<Deletion>,
    pub rotation: Rotation,
    pub tags: Vec<(String, String)>,
    pub versions: BTreeMap<String, Version>,
    pub next_number: u64,
}

impl Secret {
    /// That the secret is not marked for deletion.
    pub(super) fn check_alive(&self) -> Result<(), ApiError> {
        if self.deleted.is_none() {
            return Ok(());
        }
        Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ))
    }

    /// The id of the version with a label.
    pub(super) fn staged(&self, stage: &str) -> Option<&str> {
        self.versions.iter().find(|(_, v)| v.stages.contains(stage)).map(|(id, _)| id.as_str())
    }

    /// Adds a version and gives it its labels, as [`Secret::label`] does.
    pub(super) fn add_version(&mut self, id: &str, content: Content, stages: &[String], now: Timestamp) {
        let number = self.next_number;
        self.next_number += 1;
        let version = Version { content, created: now, accessed: None, stages: BTreeSet::new(), number };
        self.versions.insert(id.to_owned(), version);
        for stage in stages {
            self.label(id, stage);
        }
        self.changed = now;
        self.forget_old_versions();
    }

    /// Moves a label to a version. When `AWSCURRENT` moves, `AWSPREVIOUS` follows to where it was.
    pub(super) fn label(&mut self, id: &str, stage: &str) {
        let holder = self.staged(stage).map(str::to_owned);
        if holder.as_deref() == Some(id) {
            return;
        }
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.insert(stage.to_owned());
            if stage == CURRENT {
                version.stages.remove(PREVIOUS);
            }
        }
        if let (CURRENT, Some(holder)) = (stage, holder) {
            self.label(&holder, PREVIOUS);
        }
    }

    fn forget_old_versions(&mut self) {
        let mut unlabelled: Vec<(u64, String)> = self
            .versions
            .iter()
            .filter(|(_, v)| v.stages.is_empty())
            .map(|(id, v)| (v.number, id.clone()))
            .collect();
        unlabelled.sort();
        let surplus = unlabelled.len().saturating_sub(MOST_DEPRECATED);
        for (_, id) in unlabelled.into_iter().take(surplus) {
            self.versions.remove(&id);
        }
    }

    /// Labels by version, of versions that have any.
    pub(super) fn stages(&self) -> Value {
        let labelled = self.versions.iter().filter(|(_, v)| !v.stages.is_empty());
        Value::Object(labelled.map(|(id, v)| (id.clone(), json!(v.stages))).collect())
    }

    /// What DescribeSecret and ListSecrets say alike; they differ only in the name of the map of
    /// stages.
    pub(super) fn view(&self, stages_member: &str) -> Value {
        let mut view = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                view.insert(name.to_owned(), value);
            }
        };
        put("ARN", json!(self.arn));
        put("Name", json!(self.name));
        put("Description", json!(self.description));
        put("Type", json!(self.kind));
        put("KmsKeyId", json!(self.kms_key));
        put("OwningService", json!(self.owner));
        put("CreatedDate", epoch(self.created));
        put("LastChangedDate", epoch(self.changed));
        put("LastAccessedDate", self.accessed.map(midnight).map_or(Value::Null, epoch));
        put("DeletedDate", self.deleted.as_ref().map_or(Value::Null, |d| epoch(d.asked_at)));
        put("Tags", self.tags_view());
        if !self.versions.is_empty() {
            put(stages_member, self.stages());
        }
        for (name, value) in self.rotation.view() {
            put(name, value);
        }
        Value::Object(view)
    }

    fn tags_view(&self) -> Value {
        if self.tags.is_empty() {
            return Value::Null;
        }
        self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    }
}

/// The time cut down to its day, which is as exactly as AWS says when a secret was last read.
pub(super) fn midnight(at: Timestamp) -> Timestamp {
    let day = 24 * 60 * 60;
    Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(day)).unwrap_or(at)
}
