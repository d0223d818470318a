//! What ran in other documents of the store and may not run beside what is declared here, or moves
//! traffic that is to be moved here.

use super::reader::{Reader, seen_from_error};
use super::request::ObservationRequest;
use super::stopping::not_stopped;
use crate::aws::ecs::read;
use crate::model::arn::{is_in, service_cluster, service_name, task_cluster};
use crate::model::handover::Former;
use crate::model::observed::{ObservedFormer, Seen};
use crate::model::resource::Part;
use std::collections::{BTreeMap, BTreeSet};

/// Reads what the components of each deployment may not be started beside, by ARN; the answers are
/// in the order of the deployments.
pub(super) async fn read(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
) -> Vec<BTreeMap<String, Seen<ObservedFormer>>> {
    let mut shown = vec![BTreeMap::new(); requests.len()];
    let mut wanted: Vec<(usize, &Former)> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let region = request.desired.placement.region.as_str();
        let formers = request.desired.handover.formers.values().flatten();
        let formers = formers.filter(|former| is_in(region, &former.arn));
        wanted.extend(formers.map(|former| (index, former)));
    }
    let answers = reader.each(&wanted, |(_, former)| one(reader, former)).await;
    for ((index, former), seen) in wanted.into_iter().zip(answers) {
        shown[index].insert(former.arn.clone(), seen);
    }
    shown
}

/// Reads the services that have shifted traffic by rules which come over from other documents, by
/// ARN; the answers are in the order of the deployments.
pub(super) async fn shifting(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
) -> Vec<BTreeMap<String, Seen<ObservedFormer>>> {
    let mut shown = vec![BTreeMap::new(); requests.len()];
    let of = |request: &ObservationRequest<'_>| -> BTreeSet<String> {
        request.desired.handover.shifted_by.values().flat_map(|services| services.keys().cloned()).collect()
    };
    let all = requests.iter().enumerate();
    let wanted: Vec<(usize, String)> =
        all.flat_map(|(index, request)| of(request).into_iter().map(move |arn| (index, arn))).collect();
    let answers = reader.each(&wanted, |(_, arn)| under_way(reader, arn)).await;
    for ((index, arn), seen) in wanted.into_iter().zip(answers) {
        shown[index].insert(arn, seen);
    }
    shown
}

/// A service, while a deployment of it is under way that it comes out of by itself.
async fn under_way(reader: &Reader<'_>, arn: &str) -> Seen<ObservedFormer> {
    let cluster = service_cluster(arn).unwrap_or(reader.cluster());
    let names = [service_name(arn).to_owned()];
    let seen = match read::describe_services(reader.clients, cluster, &names).await {
        Ok(seen) => seen.into_iter().next(),
        Err(error) if error.code == "ClusterNotFoundException" => None,
        Err(error) => return seen_from_error(&error),
    };
    match seen {
        Some((name, Seen::Present(service))) if service.is_deploying() => {
            let state = service.primary().and_then(|primary| primary.rollout_state.clone());
            let because = state.unwrap_or_else(|| "several deployments are shown".to_owned());
            Seen::Present(ObservedFormer { name, because })
        }
        Some((_, Seen::Unknown(gap))) => Seen::Unknown(gap),
        Some((_, Seen::Present(_) | Seen::Absent | Seen::NotRead)) | None => Seen::Absent,
    }
}

async fn one(reader: &Reader<'_>, former: &Former) -> Seen<ObservedFormer> {
    let seen = match former.resource.kind.part() {
        Part::Task => task(reader, &former.arn).await,
        Part::Service => service(reader, &former.arn).await,
        // Nothing else runs.
        Part::TaskDefinition | Part::Resource => return Seen::Absent,
    };
    match seen {
        Ok(seen) => seen,
        // With a cluster all that runs in it is gone: AWS deletes none with tasks in it.
        // Source: ECS API, DeleteCluster (ClusterContainsTasksException).
        Err(error) if error.code == "ClusterNotFoundException" => Seen::Absent,
        Err(error) => seen_from_error(&error),
    }
}

async fn task(reader: &Reader<'_>, arn: &str) -> Result<Seen<ObservedFormer>, crate::aws::Error> {
    let cluster = task_cluster(arn).unwrap_or(reader.cluster());
    let tasks = read::describe_tasks(reader.clients, cluster, &[arn.to_owned()]).await?;
    let running = tasks.into_iter().map(|(task, _)| task).find(|task| !task.is_stopped());
    Ok(running.map_or(Seen::Absent, |task| {
        Seen::Present(ObservedFormer { name: arn.to_owned(), because: task.last_status })
    }))
}

async fn service(reader: &Reader<'_>, arn: &str) -> Result<Seen<ObservedFormer>, crate::aws::Error> {
    let cluster = service_cluster(arn).unwrap_or(reader.cluster());
    let names = [service_name(arn).to_owned()];
    let seen = read::describe_services(reader.clients, cluster, &names).await?;
    let Some((name, seen)) = seen.into_iter().next() else { return Ok(Seen::Absent) };
    let service = match seen {
        Seen::Present(service) => service,
        Seen::Absent | Seen::NotRead => return Ok(Seen::Absent),
        Seen::Unknown(gap) => return Ok(Seen::Unknown(gap)),
    };
    let tasks = service.running + service.pending;
    if service.desired + tasks > 0 {
        return Ok(Seen::Present(ObservedFormer { name, because: format!("{tasks} of its tasks run") }));
    }
    let stopping = not_stopped(reader, &service).await?;
    Ok(match stopping.first() {
        Some(task) => Seen::Present(ObservedFormer { name, because: task.last_status.clone() }),
        None => Seen::Absent,
    })
}
