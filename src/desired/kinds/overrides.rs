//! Overrides: what a document says about a component beyond the kind's own fields, applied last.

use crate::model::finding::{Findings, field_key};
use crate::model::kinds::overrides::ComponentOverride;
use crate::model::kinds::task_definition::{ContainerDefinition, Units};
use crate::model::kinds::{ApplicationSpec, Component};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// Applies all overrides. A component that is not there is an error that lists those that are.
pub fn apply(
    overrides: &BTreeMap<String, ComponentOverride>,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) {
    for (name, wanted) in overrides {
        let path = field_key("spec.overrides", name);
        if !app.components.contains_key(name) {
            let known: Vec<&str> = app.components.keys().map(String::as_str).collect();
            let message = format!("there is no component `{name}`");
            findings.error(path, message, format!("components are: {}", known.join(", ")));
            continue;
        }
        if let Some(change) = &wanted.target_group {
            match app.target_groups.get_mut(name) {
                Some(group) => *group = patched(group, change),
                None => {
                    findings.error(format!("{path}.targetGroup"), "this component has no target group", "")
                }
            }
        }
        let component = app.components.get_mut(name).expect("its key was found above");
        let unsuitable = [
            ("service", wanted.service.is_some() && component.task.is_some()),
            ("desiredCount", wanted.desired_count.is_some() && component.task.is_some()),
            ("task", wanted.task.is_some() && component.task.is_none()),
        ];
        for (field, _) in unsuitable.into_iter().filter(|(_, wrong)| *wrong) {
            let message = format!("`{name}` does not run that way");
            findings.error(
                format!("{path}.{field}"),
                message,
                "`task` is for tasks, the others are for services",
            );
        }
        one(wanted, component);
    }
}

fn one(wanted: &ComponentOverride, component: &mut Component) {
    let definition = &mut component.task_definition;
    if let Some(container) = definition.container_definitions.first_mut() {
        variables(wanted, container);
    }
    definition.container_definitions.extend(wanted.containers.iter().cloned());
    if let Some(cpu) = wanted.cpu {
        definition.cpu = Some(Units(cpu.to_string()));
    }
    if let Some(memory) = wanted.memory {
        definition.memory = Some(Units(memory.to_string()));
    }
    if let Some(change) = &wanted.task_definition {
        *definition = patched(definition, change);
    }
    for service in [&mut component.service, &mut component.singleton].into_iter().flatten() {
        service.desired_count = wanted.desired_count.or(service.desired_count);
        if let Some(change) = &wanted.service {
            *service = patched(service, change);
        }
    }
    if let (Some(task), Some(change)) = (&mut component.task, &wanted.task) {
        *task = patched(task, change);
    }
}

/// A variable is either plain or secret: one that is set anew loses its other form.
fn variables(wanted: &ComponentOverride, container: &mut ContainerDefinition) {
    let gone = |name: &str| {
        wanted.unset.iter().any(|other| other == name)
            || wanted.environment.iter().any(|other| other.name == name)
            || wanted.secrets.iter().any(|other| other.name == name)
    };
    container.environment.retain(|pair| !gone(&pair.name));
    container.secrets.retain(|secret| !gone(&secret.name));
    container.environment.extend(wanted.environment.iter().cloned());
    container.secrets.extend(wanted.secrets.iter().cloned());
}

fn patched<T: Serialize + DeserializeOwned>(base: &T, change: &T) -> T {
    let json = |value: &T| serde_json::to_value(value).expect("kinds have text keys and finite numbers");
    let mut merged = json(base);
    merge(&mut merged, json(change));
    serde_json::from_value(merged).expect("two values of one type merge to a value of that type")
}

/// Objects merge by key, everything else is replaced. Required texts that were left out are empty,
/// and empty texts and lists change nothing.
fn merge(base: &mut Value, change: Value) {
    let (Value::Object(base), Value::Object(change)) = (base, change) else { return };
    for (key, value) in change {
        match (base.get_mut(&key), value) {
            (_, Value::String(text)) if text.is_empty() => {}
            (_, Value::Number(number)) if number.as_u64() == Some(0) && key == "port" => {}
            (_, Value::Array(items)) if items.is_empty() => {}
            (Some(Value::Array(containers)), Value::Array(items)) if key == "containerDefinitions" => {
                items.into_iter().for_each(|item| merge_by_name(containers, item));
            }
            (Some(old @ Value::Object(_)), value @ Value::Object(_)) => merge(old, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn merge_by_name(containers: &mut Vec<Value>, item: Value) {
    match containers.iter_mut().find(|container| container["name"] == item["name"]) {
        Some(container) => merge(container, item),
        None => containers.push(item),
    }
}
