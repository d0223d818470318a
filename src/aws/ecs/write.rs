//! Writes: one function per call. Requests come from trees by [`codec`]; tags and tokens are put
//! into the tree first.

use crate::aws::budget::Category;
use crate::aws::clients::Resend;
use crate::aws::write_result::{WriteResult, deleted_or_absent};
use crate::aws::{Clients, Error, codec};
use crate::model::resource::Tree;
use aws_sdk_ecs::operation::create_service::builders::CreateServiceInputBuilder;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionInputBuilder;
use aws_sdk_ecs::operation::run_task::RunTaskOutput;
use aws_sdk_ecs::operation::run_task::builders::RunTaskInputBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceInputBuilder;
use aws_sdk_ecs::types::{Service, Tag};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Copies a request into the builder that can send it. The SDK has no way to send a finished
/// request, so its fields are listed here; the comparison makes a field that an update of the SDK
/// brings and the list lacks an error instead of a loss.
macro_rules! sendable {
    ($operation:literal, $builder:ident, $input:expr, [$($set:ident = $field:ident),+ $(,)?]) => {{
        let input = $input;
        let builder = $builder::default()$(.$set(input.$field.clone()))+;
        if builder.clone().build().ok().as_ref() == Some(&input) {
            Ok(builder)
        } else {
            Err(Error::bad_tree($operation, "a field of this request cannot be sent by this version"))
        }
    }};
}

/// Registers a revision. Not sent twice: every call makes a new one.
///
/// # Errors
///
/// What AWS answers, or that no answer came; a tree with fields that ECS does not know is not sent.
pub async fn register_task_definition(
    clients: &Clients<'_>,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "ecs:RegisterTaskDefinition";
    let tree = with(OPERATION, fields, tags, None)?;
    let request = register_request(&tree)?;
    let send = || request.clone().send_with(&clients.ecs);
    let output = clients.write(Category::EcsDefinitionWrite, OPERATION, Resend::Never, send).await?;
    WriteResult::created(
        OPERATION,
        output.task_definition.and_then(|definition| definition.task_definition_arn),
    )
}

/// Makes a revision INACTIVE; tasks that run it go on.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there is none.
pub async fn deregister_task_definition(clients: &Clients<'_>, arn: &str) -> Result<WriteResult, Error> {
    let request = clients.ecs.deregister_task_definition().task_definition(arn);
    let send = || request.clone().send();
    let operation = "ecs:DeregisterTaskDefinition";
    deleted_or_absent(clients.write(Category::EcsDefinitionWrite, operation, Resend::Harmless, send).await)
}

/// Starts a task. With the same token ECS starts nothing twice, so it may be sent again.
///
/// # Errors
///
/// What AWS answers, or that no answer came. ECS answers some refusals (no capacity, no such
/// cluster resource) with success and a list of failures; those are errors here, with ECS's reason
/// as code.
pub async fn run_task(
    clients: &Clients<'_>,
    token: &str,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "ecs:RunTask";
    let tree = with(OPERATION, fields, tags, Some(token))?;
    let request = run_request(&tree)?;
    let send = || request.clone().send_with(&clients.ecs);
    let output = clients.write(Category::EcsTaskWrite, OPERATION, Resend::Harmless, send).await?;
    started(OPERATION, output)
}

fn started(operation: &'static str, output: RunTaskOutput) -> Result<WriteResult, Error> {
    if let Some(task) = output.tasks.into_iter().flatten().next() {
        return WriteResult::created(operation, task.task_arn);
    }
    let Some(failure) = output.failures.into_iter().flatten().next() else {
        return Err(Error::bad_response(operation, "neither a task nor a failure in the answer"));
    };
    let reason = failure.reason.unwrap_or_else(|| "no reason".to_owned());
    let about = [failure.arn, failure.detail].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let message = if about.is_empty() { reason.clone() } else { format!("{reason}: {about}") };
    Err(Error::refused(operation, reason, message))
}

/// Stops a task.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there is none.
pub async fn stop_task(
    clients: &Clients<'_>,
    cluster: &str,
    arn: &str,
    reason: &str,
) -> Result<WriteResult, Error> {
    let request = clients.ecs.stop_task().cluster(cluster).task(arn).reason(reason);
    let send = || request.clone().send();
    deleted_or_absent(clients.write(Category::EcsTaskWrite, "ecs:StopTask", Resend::Harmless, send).await)
}

/// Creates a service. With the same token ECS makes none twice, so it may be sent again.
///
/// # Errors
///
/// What AWS answers, or that no answer came; a tree with fields that ECS does not know is not sent.
pub async fn create_service(
    clients: &Clients<'_>,
    token: &str,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "ecs:CreateService";
    let tree = with(OPERATION, fields, tags, Some(token))?;
    let request = create_request(&tree)?;
    let send = || request.clone().send_with(&clients.ecs);
    let output = clients.write(Category::EcsServiceWrite, OPERATION, Resend::Harmless, send).await?;
    served(OPERATION, output.service)
}

/// Changes the given fields of a service and nothing else.
///
/// # Errors
///
/// What AWS answers, or that no answer came; a tree with fields that ECS does not know or cannot
/// change is not sent.
pub async fn update_service(clients: &Clients<'_>, fields: &Tree) -> Result<WriteResult, Error> {
    const OPERATION: &str = "ecs:UpdateService";
    let request = update_request(fields)?;
    // A forced deployment is the one thing that is not "set to a value": each call starts another.
    let forced = fields.get("forceNewDeployment").and_then(Tree::as_bool) == Some(true);
    let resend = if forced { Resend::Never } else { Resend::Harmless };
    let send = || request.clone().send_with(&clients.ecs);
    let output = clients.write(Category::EcsServiceWrite, OPERATION, resend, send).await?;
    served(OPERATION, output.service)
}

/// Deletes a service; `force` also when it still wants tasks.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there, or INACTIVE already, is none.
pub async fn delete_service(
    clients: &Clients<'_>,
    cluster: &str,
    service: &str,
    force: bool,
) -> Result<WriteResult, Error> {
    let request = clients.ecs.delete_service().cluster(cluster).service(service).force(force);
    let send = || request.clone().send();
    let answer = clients.write(Category::EcsServiceWrite, "ecs:DeleteService", Resend::Harmless, send).await;
    match answer {
        Err(error) if error.code == "ServiceNotActiveException" => Ok(WriteResult::default()),
        answer => deleted_or_absent(answer),
    }
}

/// Adds tags to a service or task definition.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn tag_resource(
    clients: &Clients<'_>,
    arn: &str,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let request = clients.ecs.tag_resource().resource_arn(arn).set_tags(Some(tags));
    let send = || request.clone().send();
    clients.write(Category::EcsTagWrite, "ecs:TagResource", Resend::Harmless, send).await?;
    Ok(WriteResult::arn(arn))
}

/// Takes tags off a service or task definition; one that is not there is none to take off.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn untag_resource(
    clients: &Clients<'_>,
    arn: &str,
    keys: &BTreeSet<String>,
) -> Result<WriteResult, Error> {
    let keys = keys.iter().cloned().collect();
    let request = clients.ecs.untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
    let send = || request.clone().send();
    clients.write(Category::EcsTagWrite, "ecs:UntagResource", Resend::Harmless, send).await?;
    Ok(WriteResult::arn(arn))
}

/// ARN and PRIMARY deployment of a service in an answer.
fn served(operation: &'static str, service: Option<Service>) -> Result<WriteResult, Error> {
    let service = service.ok_or_else(|| Error::bad_response(operation, "no service in the answer"))?;
    let primary = service
        .deployments
        .into_iter()
        .flatten()
        .find(|deployment| deployment.status.as_deref() == Some("PRIMARY"));
    let written = WriteResult::created(operation, service.service_arn)?;
    Ok(WriteResult { deployment: primary.and_then(|deployment| deployment.id), ..written })
}

/// The tree with tags and client token.
fn with(
    operation: &'static str,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
    token: Option<&str>,
) -> Result<Tree, Error> {
    let Tree::Object(mut fields) = fields.clone() else {
        return Err(Error::bad_tree(operation, "the fields are not an object"));
    };
    if !tags.is_empty() {
        let tags = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        fields.insert("tags".to_owned(), Tree::Array(tags));
    }
    if let Some(token) = token {
        fields.insert("clientToken".to_owned(), Tree::String(token.to_owned()));
    }
    Ok(Tree::Object(fields))
}

fn register_request(tree: &Tree) -> Result<RegisterTaskDefinitionInputBuilder, Error> {
    sendable!(
        "ecs:RegisterTaskDefinition",
        RegisterTaskDefinitionInputBuilder,
        codec::register_task_definition_input(tree)?,
        [
            set_family = family,
            set_task_role_arn = task_role_arn,
            set_execution_role_arn = execution_role_arn,
            set_network_mode = network_mode,
            set_container_definitions = container_definitions,
            set_volumes = volumes,
            set_placement_constraints = placement_constraints,
            set_requires_compatibilities = requires_compatibilities,
            set_cpu = cpu,
            set_memory = memory,
            set_tags = tags,
            set_pid_mode = pid_mode,
            set_ipc_mode = ipc_mode,
            set_proxy_configuration = proxy_configuration,
            set_ephemeral_storage = ephemeral_storage,
            set_runtime_platform = runtime_platform,
            set_enable_fault_injection = enable_fault_injection,
        ]
    )
}

fn run_request(tree: &Tree) -> Result<RunTaskInputBuilder, Error> {
    sendable!(
        "ecs:RunTask",
        RunTaskInputBuilder,
        codec::run_task_input(tree)?,
        [
            set_capacity_provider_strategy = capacity_provider_strategy,
            set_cluster = cluster,
            set_count = count,
            set_enable_ecs_managed_tags = enable_ecs_managed_tags,
            set_enable_execute_command = enable_execute_command,
            set_group = group,
            set_launch_type = launch_type,
            set_network_configuration = network_configuration,
            set_overrides = overrides,
            set_placement_constraints = placement_constraints,
            set_placement_strategy = placement_strategy,
            set_platform_version = platform_version,
            set_propagate_tags = propagate_tags,
            set_reference_id = reference_id,
            set_started_by = started_by,
            set_tags = tags,
            set_task_definition = task_definition,
            set_client_token = client_token,
            set_volume_configurations = volume_configurations,
        ]
    )
}

fn create_request(tree: &Tree) -> Result<CreateServiceInputBuilder, Error> {
    sendable!(
        "ecs:CreateService",
        CreateServiceInputBuilder,
        codec::create_service_input(tree)?,
        [
            set_cluster = cluster,
            set_service_name = service_name,
            set_task_definition = task_definition,
            set_availability_zone_rebalancing = availability_zone_rebalancing,
            set_load_balancers = load_balancers,
            set_service_registries = service_registries,
            set_desired_count = desired_count,
            set_client_token = client_token,
            set_launch_type = launch_type,
            set_capacity_provider_strategy = capacity_provider_strategy,
            set_platform_version = platform_version,
            set_role = role,
            set_deployment_configuration = deployment_configuration,
            set_placement_constraints = placement_constraints,
            set_placement_strategy = placement_strategy,
            set_network_configuration = network_configuration,
            set_health_check_grace_period_seconds = health_check_grace_period_seconds,
            set_scheduling_strategy = scheduling_strategy,
            set_deployment_controller = deployment_controller,
            set_tags = tags,
            set_enable_ecs_managed_tags = enable_ecs_managed_tags,
            set_propagate_tags = propagate_tags,
            set_enable_execute_command = enable_execute_command,
            set_service_connect_configuration = service_connect_configuration,
            set_volume_configurations = volume_configurations,
            set_vpc_lattice_configurations = vpc_lattice_configurations,
            set_gateway_connectors = gateway_connectors,
            set_monitoring = monitoring,
        ]
    )
}

fn update_request(tree: &Tree) -> Result<UpdateServiceInputBuilder, Error> {
    sendable!(
        "ecs:UpdateService",
        UpdateServiceInputBuilder,
        codec::update_service_input(tree)?,
        [
            set_cluster = cluster,
            set_service = service,
            set_desired_count = desired_count,
            set_task_definition = task_definition,
            set_capacity_provider_strategy = capacity_provider_strategy,
            set_deployment_configuration = deployment_configuration,
            set_availability_zone_rebalancing = availability_zone_rebalancing,
            set_network_configuration = network_configuration,
            set_placement_constraints = placement_constraints,
            set_placement_strategy = placement_strategy,
            set_platform_version = platform_version,
            set_force_new_deployment = force_new_deployment,
            set_health_check_grace_period_seconds = health_check_grace_period_seconds,
            set_deployment_controller = deployment_controller,
            set_enable_execute_command = enable_execute_command,
            set_enable_ecs_managed_tags = enable_ecs_managed_tags,
            set_load_balancers = load_balancers,
            set_propagate_tags = propagate_tags,
            set_service_registries = service_registries,
            set_service_connect_configuration = service_connect_configuration,
            set_volume_configurations = volume_configurations,
            set_vpc_lattice_configurations = vpc_lattice_configurations,
            set_gateway_connectors = gateway_connectors,
            set_monitoring = monitoring,
        ]
    )
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
