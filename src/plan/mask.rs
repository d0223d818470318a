//! Plans without the values of environment variables, which hold passwords more often than they
//! should and end up in the logs of pipelines.

use crate::model::plan::Plan;
use serde_json::Value;

/// What stands for a value.
const MASK: &str = "***";
/// What stands for the value that takes its place.
const OTHER: &str = "*** (another one)";

/// The same plan with the values of environment variables masked, in what it changes and in what it
/// sends: that one changes can still be seen, and which.
///
/// # Errors
///
/// The plan cannot be read back from its own JSON.
pub fn masked(plan: &Plan) -> Result<Plan, serde_json::Error> {
    let mut json = serde_json::to_value(plan)?;
    mask(&mut json);
    serde_json::from_value(json)
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        Value::Object(members) => {
            let of_variable =
                members.get("path").and_then(Value::as_str).is_some_and(|path| path.contains("environment["));
            if of_variable {
                members.get_mut("old").into_iter().for_each(|old| hide(old, MASK));
                members.get_mut("new").into_iter().for_each(|new| hide(new, OTHER));
                return;
            }
            for (name, member) in members {
                match member {
                    Value::Array(variables) if name == "environment" => {
                        variables.iter_mut().for_each(|variable| hide(variable, MASK));
                    }
                    other => mask(other),
                }
            }
        }
        _ => {}
    }
}

/// Masks a value, or that of a variable with its name.
fn hide(value: &mut Value, mask: &str) {
    match value {
        Value::Null => {}
        Value::Object(variable) => {
            if let Some(value) = variable.get_mut("value") {
                *value = mask.into();
            }
        }
        plain => *plain = mask.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::call::{Call, Verb};
    use crate::model::plan::{Drift, FieldChange, Impact, Ownership, PlannedAction, Reason};
    use crate::model::resource::{ResourceId, ResourceKind};
    use crate::plan::render;
    use serde_json::json;

    #[test]
    fn no_value_of_a_variable_is_left_and_every_change_is() {
        let variable = |value: &str| json!({"name": "DB_PASSWORD", "value": value});
        let change = |old: Value, new: Value| FieldChange {
            path: "containerDefinitions[web].environment[DB_PASSWORD]".to_owned(),
            old,
            new,
            owner: Ownership::Declared,
            impact: Impact::None,
        };
        let fields = json!({"containerDefinitions": [{"name": "web", "environment": [variable("hunter2")]}]});
        let call = Call::RegisterTaskDefinition {
            component: "web".into(),
            hash: "h".into(),
            fields,
            tags: Default::default(),
        };
        let resource = ResourceId::new(ResourceKind::TaskDefinition, "web");
        let plan = Plan {
            deployment: "shop".into(),
            generation: Default::default(),
            actions: vec![PlannedAction {
                resource: resource.clone(),
                verb: Verb::Register,
                call,
                reason: Reason::Changed,
                changes: vec![
                    change(variable("hunter1"), variable("hunter2")),
                    change(Value::Null, variable("hunter3")),
                ],
            }],
            waiting_on: Vec::new(),
            drift: vec![Drift {
                resource,
                change: Some(change(json!("hunter4"), Value::Null)),
                repaired: false,
            }],
            notes: Vec::new(),
            stale_targets: Default::default(),
        };
        let masked = masked(&plan).unwrap();
        let json = serde_json::to_string(&masked).unwrap();
        assert!(!json.contains("hunter"), "{json}");
        let named = |plan: &Plan| render(plan).matches("environment[DB_PASSWORD]").count();
        assert_eq!((named(&masked), named(&plan)), (3, 3), "{}", render(&masked));
        assert_eq!(super::masked(&masked).unwrap(), masked);
    }
}
