//! ECS's shapes as nouns of [`crate::model::observed`], in the form that desired trees have.

use crate::aws::codec;
use crate::aws::error::Error;
use crate::model::observed::{
    ObservedCluster, ObservedContainer, ObservedDefinition, ObservedDeployment, ObservedService,
    ObservedServiceDeployment, ObservedTask, ServiceEvent,
};
use crate::model::resource::Tree;
use aws_sdk_ecs::types;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};

/// Events that are kept of the hundred that ECS sends with every service.
const EVENTS: usize = 10;

/// What DescribeServices shows of a service besides what CreateService set. `roleArn` is among it:
/// Evenkeel relies on the service-linked role.
const SERVICE_EXTRAS: [&str; 17] = [
    "clusterArn",
    "createdAt",
    "createdBy",
    "currentServiceDeployment",
    "currentServiceRevisions",
    "deployments",
    "events",
    "pendingCount",
    "platformFamily",
    "resourceManagementType",
    "roleArn",
    "runningCount",
    "serviceArn",
    "serviceName",
    "status",
    "tags",
    "taskDefinition",
];

/// Settings that CreateService takes and that are shown only in the service's deployments.
/// (`gatewayConnectors` and `monitoring` are shown only by DescribeServiceRevisions and cannot be
/// declared.)
const DEPLOYMENT_SETTINGS: [&str; 3] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// What DescribeTaskDefinition adds to what was registered. The family is part of the ARN.
const DEFINITION_EXTRAS: [&str; 10] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "family",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// A service with its settings in CreateService's form.
///
/// # Errors
///
/// When the SDK's shape cannot be written as a tree, which an answer of AWS never causes.
pub(super) fn service(mut service: types::Service) -> Result<ObservedService, Error> {
    let mut deployments = service.deployments.take().unwrap_or_default();
    deployments.sort_by_key(|d| (d.status.as_deref() != Some("PRIMARY"), d.created_at.map(|at| -at.secs())));
    // Taken out before the rest becomes a tree: they are most of the answer and none of the
    // settings.
    let events = service.events.take().unwrap_or_default();
    let tags = tags(service.tags.take());
    service.task_sets = None;
    let revision = only_revision(service.current_service_revisions.take().unwrap_or_default());
    let fields = service_fields(&service, deployments.first())?;
    let controller = controller(&service);
    Ok(ObservedService {
        current_deployment: service.current_service_deployment,
        revision,
        arn: service.service_arn.unwrap_or_default(),
        name: service.service_name.unwrap_or_default(),
        status: service.status.unwrap_or_default(),
        created_at: timestamp(service.created_at),
        fields,
        task_definition: service.task_definition.unwrap_or_default(),
        desired: count(service.desired_count),
        running: count(service.running_count),
        pending: count(service.pending_count),
        deployments: deployments.into_iter().map(deployment).collect(),
        events: events.into_iter().take(EVENTS).map(event).collect(),
        tags,
        controller,
    })
}

/// The service revision that all tasks of a service are of; `None` when there are several.
///
/// Source: ECS API, Service.currentServiceRevisions.
fn only_revision(current: Vec<types::ServiceCurrentRevisionSummary>) -> Option<String> {
    let tasks = |one: &types::ServiceCurrentRevisionSummary| {
        one.requested_task_count + one.running_task_count + one.pending_task_count
    };
    let with_tasks: Vec<_> = current.iter().filter(|one| tasks(one) > 0).collect();
    match (with_tasks.as_slice(), current.as_slice()) {
        ([only], _) => only.arn.clone(),
        ([], [only]) => only.arn.clone(),
        _ => None,
    }
}

/// Who rolls the service out, when it is not ECS at the word of its caller. Source: ECS API,
/// Service.deploymentController and Service.resourceManagementType.
fn controller(service: &types::Service) -> Option<String> {
    let by_ecs = service.resource_management_type.as_ref().is_some_and(|kind| kind.as_str() == "ECS");
    if by_ecs {
        return Some("an Express service of ECS".to_owned());
    }
    let controller = service.deployment_controller.as_ref()?.r#type.as_str();
    (controller != "ECS").then(|| controller.to_owned())
}

fn service_fields(service: &types::Service, primary: Option<&types::Deployment>) -> Result<Tree, Error> {
    let mut fields = members(codec::to_tree(service)?);
    SERVICE_EXTRAS.iter().for_each(|extra| drop(fields.remove(*extra)));
    fields.insert("desiredCount".to_owned(), service.desired_count.into());
    fields.insert("enableECSManagedTags".to_owned(), service.enable_ecs_managed_tags.into());
    fields.insert("enableExecuteCommand".to_owned(), service.enable_execute_command.into());
    // Left out by AWS when they have their default.
    fields.entry("deploymentController").or_insert_with(|| json!({"type": "ECS"}));
    fields.entry("healthCheckGracePeriodSeconds").or_insert_with(|| json!(0));
    // "Treated as DISABLED" where it was never set (ECS API, UpdateService).
    fields.entry("availabilityZoneRebalancing").or_insert_with(|| json!("DISABLED"));
    fields.entry("propagateTags").or_insert_with(|| json!("NONE"));
    let shown_by_deployment = primary.filter(|primary| {
        primary.service_connect_configuration.is_some()
            || primary.volume_configurations.is_some()
            || primary.vpc_lattice_configurations.is_some()
    });
    if let Some(primary) = shown_by_deployment {
        let shown = members(codec::to_tree(primary)?).into_iter();
        fields.extend(shown.filter(|(name, _)| DEPLOYMENT_SETTINGS.contains(&name.as_str())));
    }
    Ok(Tree::Object(fields))
}

fn members(tree: Tree) -> Map<String, Tree> {
    if let Tree::Object(members) = tree { members } else { Map::new() }
}

fn deployment(deployment: types::Deployment) -> ObservedDeployment {
    ObservedDeployment {
        id: deployment.id.unwrap_or_default(),
        status: deployment.status.unwrap_or_default(),
        task_definition: deployment.task_definition.unwrap_or_default(),
        rollout_state: deployment.rollout_state.map(|state| state.as_str().to_owned()),
        rollout_state_reason: deployment.rollout_state_reason,
        desired: count(deployment.desired_count),
        running: count(deployment.running_count),
        pending: count(deployment.pending_count),
        failed: count(deployment.failed_tasks),
        created_at: timestamp(deployment.created_at),
    }
}

fn event(event: types::ServiceEvent) -> ServiceEvent {
    ServiceEvent {
        id: event.id.unwrap_or_default(),
        at: timestamp(event.created_at),
        message: event.message.unwrap_or_default(),
    }
}

/// A cluster.
pub(super) fn cluster(cluster: types::Cluster) -> ObservedCluster {
    ObservedCluster {
        arn: cluster.cluster_arn.unwrap_or_default(),
        status: cluster.status.unwrap_or_default(),
        capacity_providers: cluster.capacity_providers.unwrap_or_default(),
    }
}

/// A revision with RegisterTaskDefinition's fields but for the family.
///
/// # Errors
///
/// As for [`service`].
pub(super) fn definition(
    definition: types::TaskDefinition,
    listed_tags: Option<Vec<types::Tag>>,
) -> Result<ObservedDefinition, Error> {
    let mut fields = codec::to_tree(&definition)?;
    if let Tree::Object(all) = &mut fields {
        for extra in DEFINITION_EXTRAS {
            all.remove(extra);
        }
    }
    Ok(ObservedDefinition {
        arn: definition.task_definition_arn.unwrap_or_default(),
        status: definition.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        registered_at: timestamp(definition.registered_at),
        registered_by: definition.registered_by,
        fields,
        tags: tags(listed_tags),
    })
}

/// A task and its tags.
pub(super) fn task(task: types::Task) -> (ObservedTask, BTreeMap<String, String>) {
    let containers = task.containers.unwrap_or_default();
    let of_attachments = task
        .attachments
        .unwrap_or_default()
        .into_iter()
        .flat_map(|attachment| attachment.details.unwrap_or_default())
        .filter(|detail| matches!(detail.name.as_deref(), Some("privateIPv4Address" | "ipv6Address")))
        .filter_map(|detail| detail.value);
    let of_containers = containers
        .iter()
        .flat_map(|container| container.network_interfaces.iter().flatten())
        .flat_map(|interface| [interface.private_ipv4_address.clone(), interface.ipv6_address.clone()])
        .flatten();
    let addresses: BTreeSet<String> = of_attachments.chain(of_containers).collect();
    let observed = ObservedTask {
        arn: task.task_arn.unwrap_or_default(),
        task_definition: task.task_definition_arn.unwrap_or_default(),
        last_status: task.last_status.unwrap_or_default(),
        started_by: task.started_by,
        created_at: timestamp(task.created_at),
        stopping_at: timestamp(task.stopping_at),
        execution_stopped_at: timestamp(task.execution_stopped_at),
        stopped_at: timestamp(task.stopped_at),
        stop_code: task.stop_code.map(|code| code.as_str().to_owned()),
        stopped_reason: task.stopped_reason,
        containers: containers.into_iter().map(container).collect(),
        health: task.health_status.map(|health| health.as_str().to_owned()),
        addresses: addresses.into_iter().collect(),
    };
    (observed, tags(task.tags))
}

fn container(container: types::Container) -> ObservedContainer {
    ObservedContainer {
        name: container.name.unwrap_or_default(),
        exit_code: container.exit_code,
        reason: container.reason,
    }
}

/// A service revision, as far as it is read. Source: ECS API, ServiceRevision.
#[derive(Clone, Debug)]
pub struct ServiceRevision {
    /// Full ARN of the task definition.
    pub task_definition: Option<String>,
    /// ARNs of the target groups that its tasks are in; `None` when ECS does not say.
    pub groups: Option<BTreeSet<String>>,
    /// ARNs of the rules by which its production traffic comes.
    pub production_rules: BTreeSet<String>,
}

/// A service revision by its ARN.
pub(super) fn service_revision(found: types::ServiceRevision) -> Option<(String, ServiceRevision)> {
    let balancers = found.resolved_configuration.and_then(|resolved| resolved.load_balancers);
    let all = balancers.iter().flatten();
    let production_rules = all.filter_map(|balancer| balancer.production_listener_rule.clone()).collect();
    let group = |balancer: types::ServiceRevisionLoadBalancer| balancer.target_group_arn;
    let groups = balancers.map(|all| all.into_iter().filter_map(group).collect());
    let revision = ServiceRevision { task_definition: found.task_definition, groups, production_rules };
    Some((found.service_revision_arn?, revision))
}

/// A service deployment, its task definition still unknown, and the ARN of its target service
/// revision.
pub(super) fn service_deployment(
    brief: types::ServiceDeploymentBrief,
) -> (ObservedServiceDeployment, Option<String>) {
    let deployment = ObservedServiceDeployment {
        arn: brief.service_deployment_arn.unwrap_or_default(),
        status: brief.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: brief.status_reason,
        task_definition: None,
        created_at: timestamp(brief.created_at),
    };
    (deployment, brief.target_service_revision_arn)
}

fn tags(tags: Option<Vec<types::Tag>>) -> BTreeMap<String, String> {
    let tags = tags.unwrap_or_default().into_iter();
    tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(super) fn timestamp(at: Option<DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).unwrap_or(0)).ok()
}

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
