//! An `Application` as a desired state. Only called with documents that the checks found free of
//! errors.

use super::defaults::{self, Capacity};
use super::fields::fields_of;
use super::resources;
use super::secret_ref::SecretRef;
use crate::model::desired::{DesiredComponent, DesiredState, SecretUse, Workload};
use crate::model::handover::Handover;
use crate::model::ids::{ComponentName, DeploymentName, Generation};
use crate::model::kinds::service::Service;
use crate::model::kinds::task_definition::{OnRotation, TaskDefinition};
use crate::model::kinds::{ApplicationSpec, Component, Document, RETRY_ANNOTATION, TaskWorkload};
use crate::model::normalise::normalise_task_definition;
use crate::model::resource::{TAG_OWNER, Tree};
use std::collections::{BTreeMap, BTreeSet};

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
        answers: BTreeMap::new(),
        shared: BTreeMap::new(),
        handover: Handover::default(),
        adopts_from: BTreeSet::new(),
        retry: doc.metadata.annotations.get(RETRY_ANNOTATION).cloned(),
        tags,
        resources: resources::lower(name, spec),
        components: spec
            .components
            .iter()
            .filter_map(|(key, part)| Some((ComponentName::new(key), component(name, key, part)?)))
            .collect(),
    }
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
        task_definition: task_definition(component),
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
        most: singleton.then_some(1),
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

fn task_definition(component: &Component) -> Tree {
    let mut definition = component.task_definition.clone();
    definition.network_mode = defaults::network_mode(component).map(str::to_owned);
    if definition.requires_compatibilities.is_empty() {
        definition.requires_compatibilities = vec![Capacity::of_component(component).as_str().to_owned()];
    }
    let mut tree = Tree::Object(fields_of(&definition));
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
