//! The input of a plan as one value, read from a base file and merge patches, so that a case states
//! only what is special.

use crate::model::desired::{DesiredState, ResolvedState};
use crate::model::observed::ObservedState;
use crate::model::rollout::RolloutState;
use crate::plan::PlanInput;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Everything that a plan is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fixture {
    pub(super) now: Timestamp,
    pub(super) desired: DesiredState,
    pub(super) resolved: ResolvedState,
    pub(super) rollout: RolloutState,
    pub(super) observed: ObservedState,
}

impl Fixture {
    pub(super) fn input(&self) -> PlanInput<'_> {
        PlanInput {
            desired: &self.desired,
            resolved: &self.resolved,
            rollout: &self.rollout,
            observed: &self.observed,
            now: self.now,
        }
    }

    /// The base fixture with a merge patch.
    pub(super) fn base_with(patch: &Value) -> Self {
        let mut fixture = base();
        merge(&mut fixture, patch);
        serde_json::from_value(fixture)
            .unwrap_or_else(|error| panic!("{error}: the base with {patch} is no input of a plan"))
    }

    pub(super) fn base() -> Self {
        Self::base_with(&Value::Object(serde_json::Map::new()))
    }
}

pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/plan")
}

fn base() -> Value {
    static BASE: OnceLock<Value> = OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string(folder().join("base.yaml")).expect("the base fixture is there");
        serde_saphyr::from_str(&text).expect("the base fixture is YAML")
    };
    BASE.get_or_init(read).clone()
}

/// JSON merge patch, RFC 7386.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let members = target.as_object_mut().expect("made an object just above");
    for (key, change) in changes {
        if change.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Joins two patches into one: unlike [`merge`] it keeps removals, so that they reach the base.
pub(super) fn merge_patches(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(members), Value::Object(changes)) => {
            for (key, change) in changes {
                merge_patches(members.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}
