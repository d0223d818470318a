//! An `Application` as a desired state. Only called with documents that the checks found free of
//! errors.

use super::defaults::{self, Capacity};
use super::secret_ref::SecretRef;
use crate::model::canonical::content_hash;
use crate::model::desired::{DesiredComponent, DesiredResource, DesiredState, SecretUse, Workload};
use crate::model::ids::{ComponentName, DeploymentName, Generation};
use crate::model::kinds::load_balancing::TargetGroup;
use crate::model::kinds::service::Service;
use crate::model::kinds::task_definition::{OnRotation, TaskDefinition};
use crate::model::kinds::{ApplicationSpec, Component, Document, LogGroup, RETRY_ANNOTATION, TaskWorkload};
use crate::model::normalise::normalise_task_definition;
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER, Tree};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Longest name of a target group. Source: Elastic Load Balancing v2 API, CreateTargetGroup.
const TARGET_GROUP_NAME: usize = 32;
/// Seconds without progress until a rollout is stalled, when nothing is declared.
const PROGRESS_DEADLINE: u32 = 900;
/// Seconds until a task is stopped, when nothing is declared.
const TASK_DEADLINE: u32 = 3600;

/// Fills a checked application into a desired state.
pub(super) fn lower(doc: &Document, spec: &ApplicationSpec, generation: Generation) -> DesiredState {
    let name = &doc.metadata.name;
    let mut tags = spec.tags.clone();
    tags.insert(TAG_OWNER.to_owned(), name.as_str().to_owned());
    DesiredState {
        deployment: name.clone(),
        kind: doc.spec.kind().as_str().to_owned(),
        generation,
        placement: spec.placement.clone(),
        drift: spec.drift.clone(),
        suspend: spec.suspend.clone(),
        deletion_policy: spec.deletion_policy,
        adopt: spec.adopt,
        retry: doc.metadata.annotations.get(RETRY_ANNOTATION).cloned(),
        tags,
        resources: resources(name, spec),
        components: spec
            .components
            .iter()
            .filter_map(|(key, part)| Some((ComponentName::new(key), component(name, key, part)?)))
            .collect(),
    }
}

fn resources(name: &DeploymentName, spec: &ApplicationSpec) -> BTreeMap<ResourceId, DesiredResource> {
    let whole = spec.deletion_policy;
    let resource = |kind, key: &str, fields, deletion_policy| {
        (ResourceId::new(kind, key), DesiredResource { fields, deletion_policy })
    };
    let logs = spec.log_groups.iter().map(|(key, group)| {
        resource(ResourceKind::LogGroup, key, log_group(key, group), group.deletion_policy)
    });
    let groups = spec.target_groups.iter().map(|(key, group)| {
        let fields = defaults::target_group(target_group_name(name, key, group), group);
        resource(ResourceKind::TargetGroup, key, fields, whole)
    });
    let listeners = spec
        .listeners
        .iter()
        .map(|(key, listener)| resource(ResourceKind::Listener, key, defaults::listener(listener), whole));
    let rules =
        spec.rules.iter().map(|(key, rule)| resource(ResourceKind::Rule, key, defaults::rule(rule), whole));
    logs.chain(groups).chain(listeners).chain(rules).collect()
}

fn log_group(name: &str, group: &LogGroup) -> Tree {
    let mut fields = defaults::fields_of(group);
    fields.remove("deletionPolicy");
    fields.insert("logGroupName".to_owned(), name.into());
    Tree::Object(fields)
}

/// The declared name, or `<deployment>-<key>` cut to fit, followed by a hash of what AWS does not
/// let change: a change there makes a new group next to the old one, which is deleted once nothing
/// uses it.
pub(super) fn target_group_name(name: &DeploymentName, key: &str, group: &TargetGroup) -> String {
    if let Some(declared) = &group.name {
        return declared.clone();
    }
    let hash = content_hash(&json!([
        name,
        key,
        group.protocol.as_deref().unwrap_or("HTTP"),
        group.port,
        group.vpc_id,
        group.target_type.as_deref().unwrap_or("ip"),
        group.protocol_version.as_deref().unwrap_or("HTTP1"),
    ]));
    let hash = &hash.as_str()[..8];
    let readable: String = format!("{name}-{key}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(TARGET_GROUP_NAME - 1 - hash.len())
        .collect();
    format!("{}-{hash}", readable.trim_matches('-'))
}

fn component(deployment: &DeploymentName, key: &str, component: &Component) -> Option<DesiredComponent> {
    let workload = match (&component.service, &component.task, &component.singleton) {
        (Some(service), None, None) => service_workload(deployment, key, service, false),
        (None, Some(task), None) => task_workload(task),
        (None, None, Some(service)) => service_workload(deployment, key, service, true),
        _ => return None,
    };
    let definition = &component.task_definition;
    Some(DesiredComponent {
        name: ComponentName::new(key),
        depends_on: component.depends_on.iter().map(ComponentName::new).collect(),
        family: definition.family.clone().unwrap_or_else(|| format!("{deployment}-{key}")),
        task_definition: task_definition(definition, Capacity::of_component(component)),
        secrets: secrets(definition),
        workload,
    })
}

fn service_workload(deployment: &DeploymentName, key: &str, service: &Service, singleton: bool) -> Workload {
    let initial = match &service.autoscaling {
        Some(autoscaling) => autoscaling.min_capacity,
        None => service.desired_count.unwrap_or(1),
    };
    Workload::Service {
        service_name: service.service_name.clone().unwrap_or_else(|| format!("{deployment}-{key}")),
        fields: defaults::service(service, singleton),
        initial_count: initial,
        bake_seconds: service.bake_seconds.unwrap_or(0),
        progress_deadline_seconds: service.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE),
    }
}

fn task_workload(task: &TaskWorkload) -> Workload {
    Workload::Task {
        fields: defaults::task(task),
        deadline_seconds: task.deadline_seconds.unwrap_or(TASK_DEADLINE),
        retries: task.retries.unwrap_or(0),
        run: task.run,
    }
}

fn task_definition(definition: &TaskDefinition, capacity: Capacity) -> Tree {
    let mut definition = definition.clone();
    definition.network_mode.get_or_insert_with(|| "awsvpc".to_owned());
    if definition.requires_compatibilities.is_empty() {
        definition.requires_compatibilities = vec![capacity.as_str().to_owned()];
    }
    let mut tree = Tree::Object(defaults::fields_of(&definition));
    normalise_task_definition(&mut tree);
    tree
}

/// Every secret in Secrets Manager that a task of this definition reads, each once per answer to a
/// rotation. Credentials of a registry are read at start only: a new version rolls nothing.
fn secrets(definition: &TaskDefinition) -> BTreeSet<SecretUse> {
    let mut uses = BTreeMap::new();
    let mut add = |value_from: &str, restarts: bool| {
        if let SecretRef::Secret { id, .. } = SecretRef::parse(value_from) {
            *uses.entry(id.to_owned()).or_insert(false) |= restarts;
        }
    };
    for container in &definition.container_definitions {
        let options = container.log_configuration.iter().flat_map(|log| &log.secret_options);
        for secret in container.secrets.iter().chain(options) {
            add(&secret.value_from, secret.on_rotation == OnRotation::Restart);
        }
        if let Some(credentials) = &container.repository_credentials {
            add(&credentials.credentials_parameter, false);
        }
    }
    uses.into_iter().map(|(secret_id, restarts)| SecretUse { secret_id, restarts }).collect()
}
