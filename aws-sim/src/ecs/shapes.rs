//! What AWS's own service model says about ECS requests, and how ECS refuses what breaks it.
//!
//! A wrong type is a `SerializationException`, a missing or unlisted value an
//! `InvalidParameterException` (`ClientException` for task definitions), and an unknown member is
//! ignored.

use std::sync::OnceLock;

use serde_json::Value;

use crate::{
    error::ApiError,
    shapes::{Model, ShapeError},
};

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::read(include_str!("model.json")))
}

/// Checks the input of an operation and drops what AWS would ignore: unknown members and nulls.
///
/// # Errors
/// What AWS answers to an unknown operation, a wrong type, a missing required member or an unlisted
/// value. An operation that AWS has and the simulator has not is refused with
/// `UnsupportedFeatureException`, never silently accepted.
pub(super) fn admit(operation: &str, input: &mut Value) -> Result<(), ApiError> {
    let Some(shape) = model().input(operation) else {
        return Err(model().unknown(operation));
    };
    if !input.is_object() {
        return Err(ApiError::new(
            400,
            "SerializationException",
            "Start of structure or map found where not expected.",
        ));
    }
    model().check(shape, input).map_err(|error| refuse(operation, &error))
}

/// The members of an operation's input.
pub(super) fn members(operation: &str) -> impl Iterator<Item = &'static str> {
    model().members(operation).keys().map(String::as_str)
}

fn refuse(operation: &str, fault: &ShapeError) -> ApiError {
    let code = match (fault, operation) {
        (ShapeError::Type(_), _) => "SerializationException",
        (_, "RegisterTaskDefinition") => "ClientException",
        _ => "InvalidParameterException",
    };
    let text = match fault {
        ShapeError::Missing(path) => format!("{path} should not be null or empty."),
        // Seen on the live service for pidMode (aws/amazon-ecs-cli#667).
        ShapeError::Unlisted(path, value, listed) if operation == "RegisterTaskDefinition" => {
            let name = path.rsplit('.').next().unwrap_or(path);
            let listed = listed.join(",");
            format!("{value} is not a valid value for {name}. The value must be one of [{listed}]")
        }
        // moto, test_create_service_errors; the present list is the model's.
        ShapeError::Unlisted(path, _, listed) if path == "launchType" => {
            format!("launch type should be one of [{}]", listed.join(","))
        }
        other => other.text(),
    };
    ApiError::new(400, code, text)
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
        assert!(unlisted.message.contains("[EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]"), "{unlisted}");
    }

    #[test]
    fn an_operation_of_aws_that_is_not_simulated_says_so() {
        assert_eq!(admit("ExecuteCommand", &mut json!({})).unwrap_err().code, "UnsupportedFeatureException");
        assert_eq!(admit("Nonsense", &mut json!({})).unwrap_err().code, "UnknownOperationException");
    }
}
