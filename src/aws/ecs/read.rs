//! Reads of Amazon ECS: one function per call, batched to AWS's limits, every answer as a noun of
//! [`crate::model::observed`].
//!
//! ECS reports what is not there in two ways: the batched Describe calls list it under `failures`
//! with the reason MISSING, the others raise an error. Here the first become [`Seen::Absent`], the
//! second are left to the caller as [`Error::is_not_found`].

use super::shapes;
pub use super::shapes::ServiceRevision;
use crate::aws::budget::Category;
use crate::aws::clients::PlacementClients;
use crate::aws::error::Error;
use crate::model::arn::{cluster_name, family_of, service_name};
use crate::model::observed::{
    Gap, ObservedCluster, ObservedDefinition, ObservedService, ObservedServiceDeployment, ObservedTask, Seen,
};
use aws_sdk_ecs::types::{
    DesiredStatus, Failure, ServiceField, SortOrder, TaskDefinitionField, TaskDefinitionStatus, TaskField,
};
use std::collections::BTreeMap;

/// Names that DescribeServices takes.
pub const SERVICES_PER_CALL: usize = 10;
/// ARNs that DescribeTasks takes.
pub const TASKS_PER_CALL: usize = 100;
/// ARNs that DescribeServiceRevisions takes.
pub const REVISIONS_PER_CALL: usize = 20;
/// Newest service deployments that are read.
const SERVICE_DEPLOYMENTS: usize = 5;

const DESCRIBE_SERVICES: &str = "ecs:DescribeServices";
const LIST_SERVICES: &str = "ecs:ListServices";
const LIST_CLUSTERS: &str = "ecs:ListClusters";
const DESCRIBE_CLUSTERS: &str = "ecs:DescribeClusters";
const LIST_TASKS: &str = "ecs:ListTasks";
const DESCRIBE_TASKS: &str = "ecs:DescribeTasks";
const DESCRIBE_DEFINITION: &str = "ecs:DescribeTaskDefinition";
const LIST_DEFINITIONS: &str = "ecs:ListTaskDefinitions";
const LIST_SERVICE_DEPLOYMENTS: &str = "ecs:ListServiceDeployments";
const DESCRIBE_SERVICE_REVISIONS: &str = "ecs:DescribeServiceRevisions";

/// Reads up to [`SERVICES_PER_CALL`] services of one cluster, by name, with tags. Every name
/// that was asked for is in the answer; INACTIVE ones are absent.
///
/// # Errors
///
/// When the call as a whole failed: nothing is known of any of them.
pub async fn describe_services(
    clients: &PlacementClients,
    cluster: &str,
    names: &[String],
) -> Result<BTreeMap<String, Seen<ObservedService>>, Error> {
    let mut seen = describe_services_of_any_status(clients, cluster, names).await?;
    for slot in seen.values_mut() {
        if slot.present().is_some_and(|service| service.status == "INACTIVE") {
            *slot = Seen::Absent;
        }
    }
    Ok(seen)
}

/// The same, but INACTIVE ones are present: ECS shows them for a while after they were deleted.
///
/// # Errors
///
/// As for [`describe_services`].
pub async fn describe_services_of_any_status(
    clients: &PlacementClients,
    cluster: &str,
    names: &[String],
) -> Result<BTreeMap<String, Seen<ObservedService>>, Error> {
    let send = || {
        let call = clients.ecs.describe_services().cluster(cluster).include(ServiceField::Tags);
        call.set_services(Some(names.to_vec())).send()
    };
    let answer = clients.read(Category::EcsServiceRead, DESCRIBE_SERVICES, send).await?;
    let mut seen: BTreeMap<_, _> =
        names.iter().map(|name| (name.clone(), Seen::Unknown(unanswered(DESCRIBE_SERVICES)))).collect();
    for failure in answer.failures.unwrap_or_default() {
        let name = service_name(failure.arn.as_deref().unwrap_or_default()).to_owned();
        if let Some(slot) = seen.get_mut(&name) {
            *slot = failed(DESCRIBE_SERVICES, failure);
        }
    }
    for service in answer.services.unwrap_or_default() {
        let Some(slot) = service.service_name.as_ref().and_then(|name| seen.get_mut(name)) else { continue };
        // Of one that was made anew under its name, ECS may show the deleted one, too.
        if service.status.as_deref() != Some("INACTIVE") || slot.present().is_none() {
            *slot = Seen::Present(shapes::service(service)?);
        }
    }
    Ok(seen)
}

/// Names of the services of a cluster, all pages.
///
/// # Errors
///
/// Not found when there is no such cluster; otherwise when a page failed.
pub async fn list_services(clients: &PlacementClients, cluster: &str) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let send = || {
            let call = clients.ecs.list_services().cluster(cluster).max_results(100);
            call.set_next_token(next.clone()).send()
        };
        let answer = clients.read(Category::EcsServiceRead, LIST_SERVICES, send).await?;
        let arns = answer.service_arns.unwrap_or_default();
        names.extend(arns.iter().map(|arn| service_name(arn).to_owned()));
        next = answer.next_token;
        if next.is_none() {
            return Ok(names);
        }
    }
}

/// Names of the clusters of the region, all pages.
///
/// # Errors
///
/// When a page failed.
pub async fn list_clusters(clients: &PlacementClients) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let send = || clients.ecs.list_clusters().set_next_token(next.clone()).send();
        let answer = clients.read(Category::EcsClusterRead, LIST_CLUSTERS, send).await?;
        let arns = answer.cluster_arns.unwrap_or_default();
        names.extend(arns.iter().map(|arn| cluster_name(arn).to_owned()));
        next = answer.next_token;
        if next.is_none() {
            return Ok(names);
        }
    }
}

/// Reads one cluster by name or ARN.
///
/// # Errors
///
/// When the call failed.
pub async fn describe_cluster(
    clients: &PlacementClients,
    cluster: &str,
) -> Result<Seen<ObservedCluster>, Error> {
    let send = || clients.ecs.describe_clusters().clusters(cluster).send();
    let answer = clients.read(Category::EcsClusterRead, DESCRIBE_CLUSTERS, send).await?;
    if let Some(found) = answer.clusters.unwrap_or_default().pop() {
        return Ok(Seen::Present(shapes::cluster(found)));
    }
    let failure = answer.failures.unwrap_or_default().pop();
    Ok(failure.map_or_else(
        || Seen::Unknown(unanswered(DESCRIBE_CLUSTERS)),
        |failure| failed(DESCRIBE_CLUSTERS, failure),
    ))
}

/// Reads one revision with its tags.
///
/// # Errors
///
/// Not found when there never was such a revision; otherwise when the call failed.
pub async fn describe_task_definition(
    clients: &PlacementClients,
    arn: &str,
) -> Result<ObservedDefinition, Error> {
    let send = || {
        let call = clients.ecs.describe_task_definition().task_definition(arn);
        call.include(TaskDefinitionField::Tags).send()
    };
    let answer = clients.read(Category::EcsDefinitionRead, DESCRIBE_DEFINITION, send).await?;
    let definition = answer
        .task_definition
        .ok_or_else(|| Error::bad_response(DESCRIBE_DEFINITION, "no task definition in the answer"))?;
    shapes::definition(definition, answer.tags)
}

/// Lists the ACTIVE revisions of a family, newest first, at most 100.
///
/// # Errors
///
/// When the call failed. A family that does not exist is an empty list.
pub async fn list_task_definitions(clients: &PlacementClients, family: &str) -> Result<Vec<String>, Error> {
    let send = || {
        let call = clients.ecs.list_task_definitions().family_prefix(family);
        call.status(TaskDefinitionStatus::Active).sort(SortOrder::Desc).max_results(100).send()
    };
    let answer = clients.read(Category::EcsDefinitionRead, LIST_DEFINITIONS, send).await?;
    let mut arns = answer.task_definition_arns.unwrap_or_default();
    arns.retain(|arn| family_of(arn) == family);
    Ok(arns)
}

/// Whose tasks are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TasksOf<'a> {
    /// Of a service, by its name.
    Service(&'a str),
    /// Of all revisions of a family.
    Family(&'a str),
    /// Started with this token. Source: ECS API, ListTasks: `startedBy` must be the only filter.
    StartedBy(&'a str),
}

/// Lists the ARNs of tasks that are meant to run, or of those that are stopped or about to be (ECS
/// shows these for about an hour), all pages.
///
/// # Errors
///
/// Not found when the service or the cluster does not exist; otherwise when a page failed.
pub async fn list_tasks(
    clients: &PlacementClients,
    cluster: &str,
    of: TasksOf<'_>,
    stopped: bool,
) -> Result<Vec<String>, Error> {
    let status = if stopped { DesiredStatus::Stopped } else { DesiredStatus::Running };
    let mut arns = Vec::new();
    let mut next = None;
    loop {
        let send = || {
            let call = clients.ecs.list_tasks().cluster(cluster).desired_status(status.clone());
            let call = match of {
                TasksOf::Service(name) => call.service_name(name),
                TasksOf::Family(family) => call.family(family),
                TasksOf::StartedBy(token) => call.started_by(token),
            };
            call.set_next_token(next.clone()).send()
        };
        let answer = clients.read(Category::EcsTaskRead, LIST_TASKS, send).await?;
        arns.extend(answer.task_arns.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            return Ok(arns);
        }
    }
}

/// Reads up to [`TASKS_PER_CALL`] tasks, each with its tags. Those that ECS does not know (any
/// more) are left out.
///
/// # Errors
///
/// When the call failed.
pub async fn describe_tasks(
    clients: &PlacementClients,
    cluster: &str,
    arns: &[String],
) -> Result<Vec<(ObservedTask, BTreeMap<String, String>)>, Error> {
    let send = || {
        let call = clients.ecs.describe_tasks().cluster(cluster).include(TaskField::Tags);
        call.set_tasks(Some(arns.to_vec())).send()
    };
    let answer = clients.read(Category::EcsTaskRead, DESCRIBE_TASKS, send).await?;
    Ok(answer.tasks.unwrap_or_default().into_iter().map(shapes::task).collect())
}

/// The newest service deployments of a service, newest first, each with the ARN of its target
/// service revision.
///
/// # Errors
///
/// Not found when the service does not exist; otherwise when the call failed.
pub async fn list_service_deployments(
    clients: &PlacementClients,
    cluster: &str,
    service: &str,
) -> Result<Vec<(ObservedServiceDeployment, Option<String>)>, Error> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let send = || {
            let call = clients.ecs.list_service_deployments().cluster(cluster).service(service);
            call.set_next_token(next.clone()).send()
        };
        let answer = clients.read(Category::EcsServiceDeployments, LIST_SERVICE_DEPLOYMENTS, send).await?;
        let page = answer.service_deployments.unwrap_or_default();
        found.extend(page.into_iter().map(shapes::service_deployment));
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    // AWS guarantees no order.
    found.sort_by(|(a, _), (b, _)| b.created_at.cmp(&a.created_at).then_with(|| b.arn.cmp(&a.arn)));
    found.truncate(SERVICE_DEPLOYMENTS);
    Ok(found)
}

/// What up to [`REVISIONS_PER_CALL`] service revisions are, by their ARNs; those that ECS does not
/// know are left out.
///
/// # Errors
///
/// When the call failed.
pub async fn describe_service_revisions(
    clients: &PlacementClients,
    arns: &[String],
) -> Result<BTreeMap<String, ServiceRevision>, Error> {
    let send = || {
        let call = clients.ecs.describe_service_revisions();
        call.set_service_revision_arns(Some(arns.to_vec())).send()
    };
    let answer = clients.read(Category::EcsServiceRevisions, DESCRIBE_SERVICE_REVISIONS, send).await?;
    let revisions = answer.service_revisions.unwrap_or_default().into_iter();
    Ok(revisions.filter_map(shapes::service_revision).collect())
}

/// What a line under `failures` means.
fn failed<T>(operation: &str, failure: Failure) -> Seen<T> {
    let code = failure.reason.unwrap_or_default();
    if code == "MISSING" {
        return Seen::Absent;
    }
    let message = failure.detail.or(failure.arn).unwrap_or_default();
    Seen::Unknown(Gap { operation: operation.to_owned(), code, message })
}

/// AWS answered and said nothing of what was asked for.
fn unanswered(operation: &str) -> Gap {
    Gap {
        operation: operation.to_owned(),
        code: "BadResponse".to_owned(),
        message: "the answer names neither the thing nor a failure".to_owned(),
    }
}
