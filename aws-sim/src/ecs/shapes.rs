//! What AWS's own service model says about ECS requests: names, types, required members and enumerations.
//!
//! `model.json` is condensed from botocore's `ecs/2014-11-13/service-2.json` (Apache-2.0) by `aws-sim/model/ecs.py`.
//! Checking against it gives every operation AWS's habits at once: a wrong type is a `SerializationException`, a missing
//! or unlisted value an `InvalidParameterException` (`ClientException` for task definitions), and an unknown member is
//! ignored.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;
use serde_json::Value;

use crate::error::ApiError;

#[derive(Deserialize)]
struct Model {
    operations: BTreeMap<String, String>,
    others: Vec<String>,
    shapes: BTreeMap<String, Shape>,
}

/// One shape; exactly one of the members `m`, `l`, `v` and `e` is present.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "m")]
    members: Option<BTreeMap<String, String>>,
    #[serde(rename = "r", default)]
    required: Vec<String>,
    #[serde(rename = "l")]
    item: Option<String>,
    #[serde(rename = "v")]
    entry: Option<String>,
    #[serde(rename = "e")]
    values: Option<Vec<String>>,
}

/// Where in the request a value stands, kept as a chain so that good requests build no text.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    name: &'a str,
}

impl Place<'_> {
    fn path(&self) -> String {
        match self.parent {
            Some(parent) if !parent.name.is_empty() => format!("{}.{}", parent.path(), self.name),
            _ => self.name.to_owned(),
        }
    }
}

enum Fault {
    Type(String),
    Missing(String),
    Unlisted(String, String, Vec<String>),
}

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        serde_json::from_str(include_str!("model.json")).expect("the carried model is valid JSON")
    })
}

/// Checks the input of an operation and drops what AWS would ignore: unknown members and nulls.
///
/// # Errors
/// What AWS answers to an unknown operation, a wrong type, a missing required member or an unlisted value. An operation
/// that AWS has and the simulator has not is refused with `UnsupportedFeatureException`, never silently accepted.
pub(super) fn admit(operation: &str, input: &mut Value) -> Result<(), ApiError> {
    let Some(shape) = model().operations.get(operation) else {
        return Err(unknown(operation));
    };
    if !input.is_object() {
        return Err(ApiError::new(
            400,
            "SerializationException",
            "Start of structure or map found where not expected.",
        ));
    }
    check(shape, input, &Place { parent: None, name: "" }).map_err(|fault| refuse(operation, fault))
}

fn unknown(operation: &str) -> ApiError {
    if model().others.iter().any(|other| other == operation) {
        let text = format!("The operation {operation} is not simulated.");
        return ApiError::new(400, "UnsupportedFeatureException", text);
    }
    ApiError::new(400, "UnknownOperationException", format!("Unknown operation: {operation}"))
}

fn refuse(operation: &str, fault: Fault) -> ApiError {
    let code = match operation {
        "RegisterTaskDefinition" => "ClientException",
        _ => "InvalidParameterException",
    };
    match fault {
        Fault::Type(text) => ApiError::new(400, "SerializationException", text),
        Fault::Missing(path) => ApiError::new(400, code, format!("{path} should not be null or empty.")),
        Fault::Unlisted(path, value, listed) => {
            let text = format!(
                "1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy \
                 enum value set: [{}]",
                listed.join(", ")
            );
            ApiError::new(400, code, text)
        }
    }
}

fn check(kind: &str, value: &mut Value, place: &Place<'_>) -> Result<(), Fault> {
    let expected = match kind {
        "s" => (!value.is_string()).then_some("String"),
        "i" => (!whole(value)).then_some("Integer"),
        "n" => (!value.is_number()).then_some("Double"),
        "b" => (!value.is_boolean()).then_some("Boolean"),
        "t" => (!value.is_number() && !value.is_string()).then_some("Timestamp"),
        name => return check_shape(&model().shapes[name], value, place),
    };
    match expected {
        Some(expected) => Err(wrong_type(value, expected, place)),
        None => Ok(()),
    }
}

fn check_shape(shape: &Shape, value: &mut Value, place: &Place<'_>) -> Result<(), Fault> {
    if let Some(members) = &shape.members {
        return check_members(members, &shape.required, value, place);
    }
    if let Some(item) = &shape.item {
        let Value::Array(items) = value else { return Err(wrong_type(value, "List", place)) };
        return items.iter_mut().try_for_each(|each| check(item, each, place));
    }
    if let Some(entry) = &shape.entry {
        let Value::Object(entries) = value else { return Err(wrong_type(value, "Map", place)) };
        entries.retain(|_, each| !each.is_null());
        return entries.values_mut().try_for_each(|each| check(entry, each, place));
    }
    let Value::String(text) = &*value else { return Err(wrong_type(value, "String", place)) };
    match &shape.values {
        Some(listed) if !listed.contains(text) => {
            Err(Fault::Unlisted(place.path(), text.clone(), listed.clone()))
        }
        _ => Ok(()),
    }
}

fn check_members(
    members: &BTreeMap<String, String>,
    required: &[String],
    value: &mut Value,
    place: &Place<'_>,
) -> Result<(), Fault> {
    let Value::Object(fields) = value else { return Err(wrong_type(value, "Structure", place)) };
    fields.retain(|name, each| !each.is_null() && members.contains_key(name));
    for (name, each) in fields.iter_mut() {
        check(&members[name], each, &Place { parent: Some(place), name })?;
    }
    match required.iter().find(|name| !fields.contains_key(*name)) {
        Some(name) => Err(Fault::Missing(Place { parent: Some(place), name }.path())),
        None => Ok(()),
    }
}

fn whole(value: &Value) -> bool {
    value.is_i64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn wrong_type(value: &Value, expected: &str, place: &Place<'_>) -> Fault {
    let found = match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "LIST_VALUE",
        Value::Object(_) => "STRUCTURE_VALUE",
    };
    Fault::Type(format!("{found} can not be converted to {expected} (at '{}')", place.path()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_members_and_nulls_are_dropped_at_any_depth() {
        let mut input = json!({"services": ["a"], "nope": 1, "cluster": null});
        admit("DescribeServices", &mut input).unwrap();
        assert_eq!(input, json!({"services": ["a"]}));
        let mut input = json!({"family": "f", "containerDefinitions": [{"name": "c", "x": 1}]});
        admit("RegisterTaskDefinition", &mut input).unwrap();
        assert_eq!(input, json!({"family": "f", "containerDefinitions": [{"name": "c"}]}));
    }

    #[test]
    fn a_wrong_type_a_missing_member_and_an_unlisted_value_get_their_own_errors() {
        let error = |op, mut input| admit(op, &mut input).unwrap_err();
        assert_eq!(error("UpdateService", json!({"service": 4})).code, "SerializationException");
        let missing = error("UpdateService", json!({"desiredCount": 4}));
        assert_eq!((missing.code, missing.message.contains("service")), ("InvalidParameterException", true));
        let unlisted = error("CreateService", json!({"serviceName": "s", "launchType": "MOON"}));
        assert!(unlisted.message.contains("[EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]"), "{unlisted}");
    }

    #[test]
    fn an_operation_of_aws_that_is_not_simulated_says_so() {
        assert_eq!(admit("ExecuteCommand", &mut json!({})).unwrap_err().code, "UnsupportedFeatureException");
        assert_eq!(admit("Nonsense", &mut json!({})).unwrap_err().code, "UnknownOperationException");
    }
}
