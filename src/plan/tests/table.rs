//! The ownership table against the types that people declare.

use crate::model::kinds::alarm::MetricAlarm;
use crate::model::kinds::application::{LogGroup, TaskWorkload};
use crate::model::kinds::load_balancing::{Listener, Rule, TargetGroup};
use crate::model::kinds::service::Service;
use crate::model::kinds::task_definition::TaskDefinition;
use crate::model::plan::Ownership;
use crate::model::resource::ResourceKind;
use crate::plan::table::{Absent, Class, Compare, Inside, markdown, row_for, rows};
use schemars::schema_for;
use serde_json::Value;
use std::collections::BTreeSet;
use strum::IntoEnumIterator;

/// Paths of all fields below a schema; `[]` after a list. Named types are looked up in `$defs`.
fn leaves(root: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    let schema = resolve(root, schema);
    let options = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    if let Some(option) = options.and_then(|o| o.iter().find(|option| option["$ref"].is_string())) {
        return leaves(root, option, path, found);
    }
    if let Some(members) = schema["properties"].as_object() {
        for (name, member) in members {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            leaves(root, member, &below, found);
        }
    } else if schema["items"].is_object() && resolve(root, &schema["items"])["properties"].is_object() {
        leaves(root, &schema["items"], &format!("{path}[]"), found);
    } else {
        found.push(path.to_owned());
    }
}

fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some(name) => &root["$defs"][name],
        None => schema,
    }
}

fn fields(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    leaves(schema, schema, "", &mut found);
    found
}

/// The type that people declare a kind with. No arm for everything else: a new kind does not
/// compile without its type.
fn schema(kind: ResourceKind) -> Value {
    match kind {
        ResourceKind::LogGroup => schema_for!(LogGroup),
        ResourceKind::TargetGroup => schema_for!(TargetGroup),
        ResourceKind::Listener => schema_for!(Listener),
        ResourceKind::Rule => schema_for!(Rule),
        ResourceKind::Alarm => schema_for!(MetricAlarm),
        ResourceKind::TaskDefinition => schema_for!(TaskDefinition),
        ResourceKind::Task => schema_for!(TaskWorkload),
        ResourceKind::Service => schema_for!(Service),
    }
    .to_value()
}

#[test]
fn every_field_that_can_be_declared_has_a_row() {
    let mut missing = Vec::new();
    for (kind, schema) in ResourceKind::iter().map(|kind| (kind, schema(kind))) {
        let fields = fields(&schema);
        assert!(fields.len() > 2, "{kind}: the schema was not understood");
        missing.extend(
            fields
                .into_iter()
                .filter(|path| row_for(kind, path).is_none())
                .map(|path| format!("{kind} {path}")),
        );
    }
    assert!(missing.is_empty(), "no row for:\n{}", missing.join("\n"));
}

/// Paths of rows that no document names as such: what stands for the key of the resource, what
/// references resolve to, tags of everything, and what the rollout and ECS write.
const NOT_IN_DOCUMENTS: [&str; 5] = ["logGroupName", "loadBalancerArn", "tags", "targets", "taskDefinition"];

#[test]
fn every_row_is_of_a_field_that_there_is() {
    let mut stale = Vec::new();
    for kind in ResourceKind::iter() {
        let fields = fields(&schema(kind));
        let below = |row: &str, field: &str| {
            field.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let of_nothing = |path: &str| !fields.iter().any(|field| below(path, field));
        let rows = rows(kind).iter().filter(|row| !NOT_IN_DOCUMENTS.contains(&row.path));
        stale.extend(rows.filter(|row| of_nothing(row.path)).map(|row| format!("{kind} {}", row.path)));
    }
    assert!(stale.is_empty(), "no field for:\n{}", stale.join("\n"));
}

#[test]
fn every_kind_has_its_page_and_its_matrix() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan/ownership");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        pages,
        ResourceKind::iter().map(|kind| format!("{kind}.md")).collect(),
        "one page for each kind"
    );
    for kind in ResourceKind::iter() {
        let page = std::fs::read_to_string(format!("{folder}/{kind}.md")).unwrap();
        for row in rows(kind) {
            assert!(
                page.contains(&format!("| `{}` | {} |", row.path, row.class.words())),
                "{kind} {}",
                row.path
            );
        }
    }
}

#[test]
fn the_schema_walk_sees_nested_fields() {
    let service = fields(&schema_for!(Service).to_value());
    assert!(service.contains(&"networkConfiguration.awsvpcConfiguration.subnets".to_owned()), "{service:?}");
    let definition = fields(&schema_for!(TaskDefinition).to_value());
    assert!(definition.contains(&"containerDefinitions[].image".to_owned()), "{definition:?}");
    assert!(definition.contains(&"containerDefinitions[].portMappings[].name".to_owned()), "{definition:?}");
}

#[test]
fn every_field_has_exactly_one_row() {
    for kind in ResourceKind::iter() {
        for row in rows(kind) {
            assert_eq!(row.kind, kind, "{} stands under the wrong kind", row.path);
            let covering = rows(kind)
                .iter()
                .filter(|other| {
                    row.path == other.path
                        || row.path.strip_prefix(other.path).is_some_and(|rest| rest.starts_with(['.', '[']))
                })
                .count();
            assert_eq!(covering, 1, "{kind} {} is covered {covering} times", row.path);
        }
    }
}

#[test]
fn every_default_in_the_table_is_json() {
    for row in ResourceKind::iter().flat_map(rows) {
        if let Absent::Means(text) = row.absent {
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{}: {text}", row.path);
        }
        let defaults = match row.compare {
            Compare::Set(defaults) | Compare::Declared(Inside { absent: defaults, .. }) => defaults,
            _ => &[],
        };
        for (_, text) in defaults {
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{}: {text}", row.path);
        }
    }
}

#[test]
fn what_starts_a_deployment_is_what_the_ecs_api_says() {
    let deploys: Vec<&str> = rows(ResourceKind::Service)
        .iter()
        .filter(|row| row.effect == crate::plan::table::Effect::StartsDeployment)
        .map(|row| row.path.split('.').next().unwrap())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(
        deploys,
        [
            // Not by itself: ECS takes a change of it with a forced deployment alone.
            "capacityProviderStrategy",
            "loadBalancers",
            "networkConfiguration",
            "platformVersion",
            "serviceConnectConfiguration",
            "serviceRegistries",
            "taskDefinition",
            "volumeConfigurations"
        ]
    );
}

#[test]
fn the_count_belongs_to_others_when_it_is_not_declared() {
    let row = row_for(ResourceKind::Service, "desiredCount").unwrap();
    assert_eq!(row.class.owner(true, false), Ownership::Declared);
    assert_eq!(row.class.owner(false, false), Ownership::Delegated);
    assert_eq!(Class::DeclaredWhileRolling.owner(true, false), Ownership::Delegated);
}

#[test]
fn the_documentation_names_every_row() {
    for kind in ResourceKind::iter() {
        let text = markdown(kind, &["seen"], |row| vec![row.path.len().to_string()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), rows(kind).len() + 2);
        let columns = |line: &&&str| line.matches(" |").count();
        assert!(lines.iter().all(|line| columns(&line) == columns(&&lines[0])), "{text}");
        for row in rows(kind) {
            assert!(text.contains(&format!("| `{}` |", row.path)), "{}", row.path);
        }
    }
}
