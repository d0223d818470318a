//! Tasks, and what ECS says of a service's deployments: what a rollout is judged by.
//!
//! The tasks of a task component are listed by family, not by `startedBy` (AWS wants that one to be
//! the only filter), and those that carry our owner tags, the token of the stored intent or the
//! recorded ARN are kept. A task that was started moments ago may be missing in the list; the
//! recorded one is asked for by its ARN as well, in the cluster that the ARN names: the deployment
//! may have been in another one when it was started.

use super::reader::{Answers, Reader, propagate, refused, seen_or_absent};
use super::request::ObservationRequest;
use super::services::{Services, declared};
use crate::aws::Error;
use crate::aws::ecs::read::{self, TASKS_PER_CALL, TasksOf};
use crate::model::arn::{cluster_name, is_in, task_cluster};
use crate::model::asked::Place;
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::{ComponentName, DeploymentName};
use crate::model::kinds::application::RunPolicy;
use crate::model::observed::{Gap, ObservedService, ObservedServiceDeployment, ObservedTask, Seen};
use crate::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT, TAG_OWNER};
use crate::model::rollout::{ComponentRollout, Phase, TOKEN_PREFIX, WorkloadKind};
use std::collections::{BTreeMap, BTreeSet};

type Tagged = (ObservedTask, BTreeMap<String, String>);
type ByComponent<T> = BTreeMap<ComponentName, Seen<T>>;

/// One list of tasks that is wanted.
struct Wanted<'a> {
    /// Index of the deployment in the batch.
    request: usize,
    component: ComponentName,
    /// Whether the component was another one when they were started: a task, and is a service now,
    /// or in another cluster, and is to run for ever in this one.
    former: bool,
    of: Option<TasksOf<'a>>,
    /// Whether tasks that stopped lately are wanted too.
    stopped: bool,
    /// Known by more than a list.
    recorded: Option<String>,
    /// The cluster, where it is not the declared one.
    cluster: Option<&'a str>,
}

/// The tasks of one deployment, by component.
#[derive(Clone, Default)]
pub(super) struct OfDeployment {
    pub(super) tasks: ByComponent<Vec<ObservedTask>>,
    /// Of components that are services by now, or run for ever in another cluster than before.
    pub(super) former: ByComponent<Vec<ObservedTask>>,
}

/// Reads the tasks of a batch of deployments; the answers are in the order of the deployments.
pub(super) async fn read(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    services: &Services,
) -> Vec<OfDeployment> {
    let mut shown = vec![OfDeployment::default(); requests.len()];
    let mut wanted = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let (known, _) = services.of(reader, request);
        for component in request.desired.components.values() {
            match want(reader, index, request, component, known.get(&component.name).copied()) {
                Ok(want) => wanted.push(want),
                Err(seen) => {
                    shown[index].tasks.insert(component.name.clone(), seen);
                }
            }
            wanted.extend(former(reader, index, request, component));
        }
        wanted.extend(left_over(index, request));
        wanted.extend(asked(reader, index, request));
    }
    let lists = reader.each(&wanted, |want| list(reader, want)).await;
    let arns: BTreeSet<String> =
        lists.iter().filter_map(|list| list.as_ref().ok()).flatten().cloned().collect();
    let described = Described::new(describe(reader, arns).await);
    for (want, list) in wanted.into_iter().zip(lists) {
        let seen = match list {
            Ok(arns) => described.of(&requests[want.request], &want, &arns),
            Err(error) => unlisted(error),
        };
        let shown = &mut shown[want.request];
        let shown = if want.former { &mut shown.former } else { &mut shown.tasks };
        let before = shown.remove(&want.component);
        shown.insert(want.component, together(before, seen));
    }
    shown
}

/// What two looks for tasks of one component show together.
fn together(one: Option<Seen<Vec<ObservedTask>>>, other: Seen<Vec<ObservedTask>>) -> Seen<Vec<ObservedTask>> {
    match (one, other) {
        (Some(Seen::Present(mut tasks)), Seen::Present(more)) => {
            let new = |task: &ObservedTask| tasks.iter().all(|known| known.arn != task.arn);
            let more: Vec<ObservedTask> = more.into_iter().filter(new).collect();
            tasks.extend(more);
            Seen::Present(tasks)
        }
        (Some(unknown @ Seen::Unknown(_)), _) | (_, unknown @ Seen::Unknown(_)) => unknown,
        (Some(tasks @ Seen::Present(_)), _) => tasks,
        (_, other) => other,
    }
}

/// Describes tasks, each in the cluster that it is in.
async fn describe(reader: &Reader<'_>, arns: BTreeSet<String>) -> Answers<Vec<Tagged>> {
    let mut by_cluster: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for arn in arns {
        let cluster = elsewhere(reader, &arn).unwrap_or(reader.cluster()).to_owned();
        by_cluster.entry(cluster).or_default().push(arn);
    }
    let mut answers = Answers::new();
    for (cluster, arns) in &by_cluster {
        let call = |arns: Vec<String>| async move {
            match read::describe_tasks(reader.clients, cluster, &arns).await {
                // With a cluster its tasks are gone: it cannot be deleted while it has any.
                Err(error) if cluster != reader.cluster() && error.code == "ClusterNotFoundException" => {
                    Ok(Vec::new())
                }
                answer => answer,
            }
        };
        answers.extend(reader.batches(arns.clone(), TASKS_PER_CALL, refused, call).await);
    }
    answers
}

/// The cluster of a task that is not in the one that is declared.
fn elsewhere<'a>(reader: &Reader<'_>, arn: &'a str) -> Option<&'a str> {
    task_cluster(arn).filter(|cluster| *cluster != cluster_name(reader.cluster()))
}

/// The recorded task of a component: the one that is under way, or the last one.
fn recorded_task(request: &ObservationRequest<'_>, component: &DesiredComponent) -> Option<String> {
    let id = ResourceId::new(ResourceKind::Task, component.name.as_str());
    let region = request.desired.placement.region.as_str();
    let rollout = request.rollout.components.get(&component.name);
    let started = rollout.and_then(|known| started(known)).filter(|arn| is_in(region, arn));
    started.or_else(|| request.recorded_arn(&id).map(str::to_owned))
}

/// The recorded task of a component that is to run its task for ever in another cluster by now.
fn left_running(
    reader: &Reader<'_>,
    request: &ObservationRequest<'_>,
    component: &DesiredComponent,
) -> Option<String> {
    let Workload::Task { run: RunPolicy::Forever, .. } = component.workload else { return None };
    recorded_task(request, component).filter(|arn| elsewhere(reader, arn).is_some())
}

/// What is to be listed for a component; or what is known without a list.
fn want<'a>(
    reader: &Reader<'_>,
    index: usize,
    request: &ObservationRequest<'a>,
    component: &'a DesiredComponent,
    service: Option<&Seen<ObservedService>>,
) -> Result<Wanted<'a>, Seen<Vec<ObservedTask>>> {
    let want = |of, stopped, recorded| Wanted {
        request: index,
        component: component.name.clone(),
        former: false,
        of: Some(of),
        stopped,
        recorded,
        cluster: None,
    };
    match (&component.workload, service) {
        (Workload::Task { .. }, _) => {
            let left = left_running(reader, request, component);
            let recorded = if left.is_some() { None } else { recorded_task(request, component) };
            Ok(want(TasksOf::Family(&component.family), true, recorded))
        }
        (Workload::Service { service_name, fields, .. }, Some(Seen::Present(service))) => {
            let balanced = fields["loadBalancers"].as_array().is_some_and(|list| !list.is_empty());
            let steady = service.is_steady();
            // Why tasks stopped is of interest only while some are missing.
            if balanced || !steady {
                Ok(want(TasksOf::Service(service_name), !steady, None))
            } else {
                Err(Seen::NotRead)
            }
        }
        (Workload::Service { .. }, Some(lacking)) => Err(propagate(lacking).unwrap_or_default()),
        (Workload::Service { .. }, None) => Err(Seen::NotRead),
    }
}

/// Tasks of a component that was a task and is a service now, while it may have some; and the one
/// that runs for ever in another cluster.
fn former<'a>(
    reader: &Reader<'_>,
    index: usize,
    request: &ObservationRequest<'a>,
    component: &'a DesiredComponent,
) -> Option<Wanted<'a>> {
    if let Workload::Task { .. } = component.workload {
        return left_running(reader, request, component).map(|arn| Wanted {
            request: index,
            component: component.name.clone(),
            former: true,
            of: None,
            stopped: false,
            recorded: Some(arn),
            cluster: None,
        });
    }
    let rollout = request.rollout.components.get(&component.name);
    let recorded = recorded_task(request, component);
    let was_task = rollout
        .is_some_and(|known| matches!(known.workload, Some(WorkloadKind::Task | WorkloadKind::ForeverTask)));
    (was_task || recorded.is_some()).then(|| Wanted {
        request: index,
        component: component.name.clone(),
        former: true,
        of: Some(TasksOf::Family(&component.family)),
        stopped: false,
        recorded,
        cluster: None,
    })
}

/// Tasks that were asked for and had no answer, where nothing else leads to them: the component is
/// declared no longer, or is a service now, or is in another cluster.
fn asked<'a>(reader: &Reader<'_>, index: usize, request: &ObservationRequest<'a>) -> Vec<Wanted<'a>> {
    let wanted = request.asked().filter_map(|asked| {
        let Place::Task { cluster, token } = &asked.place else { return None };
        let component = request.desired.components.get(asked.resource.key.as_str());
        let is_here = cluster == cluster_name(reader.cluster());
        let is_listed = component.is_some_and(|one| matches!(one.workload, Workload::Task { .. }));
        // The run that the rollout waits for goes on where it was started.
        let is_awaited = self::token(request, &ComponentName::new(&asked.resource.key)) == Some(token);
        (!is_here || !is_listed).then(|| Wanted {
            request: index,
            component: ComponentName::new(&asked.resource.key),
            former: component.is_some() && !is_awaited,
            of: Some(TasksOf::StartedBy(token)),
            stopped: false,
            recorded: None,
            cluster: (!is_here).then_some(cluster.as_str()),
        })
    });
    wanted.collect()
}

/// Recorded tasks of components that are no longer declared.
fn left_over<'a>(index: usize, request: &ObservationRequest<'a>) -> Vec<Wanted<'a>> {
    let recorded = request.recorded().filter(|(id, _)| {
        id.kind == ResourceKind::Task && !request.desired.components.contains_key(id.key.as_str())
    });
    let wanted = recorded.map(|(id, arn)| Wanted {
        request: index,
        component: ComponentName::new(id.key.as_str()),
        former: false,
        of: None,
        stopped: false,
        recorded: Some(arn.to_owned()),
        cluster: None,
    });
    wanted.collect()
}

/// ARN of the task that is under way.
fn started(rollout: &ComponentRollout) -> Option<String> {
    match &rollout.phase {
        Phase::TaskRunning { task, .. } => task.clone(),
        _ => None,
    }
}

async fn list(reader: &Reader<'_>, want: &Wanted<'_>) -> Result<BTreeSet<String>, Error> {
    let mut arns: BTreeSet<String> = want.recorded.iter().cloned().collect();
    let Some(of) = want.of else { return Ok(arns) };
    let cluster = want.cluster.unwrap_or(reader.cluster());
    let running = read::list_tasks(reader.clients, cluster, of, false).await;
    // A former cluster that is gone runs nothing: AWS deletes none with tasks in it.
    // Source: ECS API, DeleteCluster (ClusterContainsTasksException).
    if want.cluster.is_some() && running.as_ref().is_err_and(|error| error.code == "ClusterNotFoundException")
    {
        return Ok(arns);
    }
    arns.extend(running?);
    if want.stopped {
        arns.extend(read::list_tasks(reader.clients, cluster, of, true).await?);
    }
    Ok(arns)
}

/// A service that is gone has no tasks; of a cluster that is gone nothing is known.
fn unlisted(error: Error) -> Seen<Vec<ObservedTask>> {
    if error.code == "ServiceNotFoundException" { Seen::Absent } else { Seen::Unknown(error.into()) }
}

/// All tasks that were described, and the ARNs of those that could not be.
struct Described {
    tasks: BTreeMap<String, Tagged>,
    gaps: BTreeMap<String, Gap>,
}

/// How the id of a deployment begins, by which a service starts its tasks.
///
/// Source: ECS API, Task.startedBy (the deployment id of the service that starts it).
const BY_SERVICE: &str = "ecs-svc/";

impl Described {
    fn new(answers: Answers<Vec<Tagged>>) -> Self {
        let mut described = Self { tasks: BTreeMap::new(), gaps: BTreeMap::new() };
        for (arns, answer) in answers {
            match answer {
                Ok(tasks) => {
                    described
                        .tasks
                        .extend(tasks.into_iter().map(|(task, tags)| (task.arn.clone(), (task, tags))));
                }
                Err(error) => {
                    described.gaps.extend(arns.into_iter().map(|arn| (arn, error.clone().into())));
                }
            }
        }
        described
    }

    /// The listed tasks that are the component's own, newest first. Some of them unseen is as good
    /// as all of them unseen.
    fn of(
        &self,
        request: &ObservationRequest<'_>,
        want: &Wanted<'_>,
        arns: &BTreeSet<String>,
    ) -> Seen<Vec<ObservedTask>> {
        if let Some(gap) = arns.iter().find_map(|arn| self.gaps.get(arn)) {
            return Seen::Unknown(gap.clone());
        }
        let by_us = |task: &ObservedTask| {
            task.started_by.as_deref().is_some_and(|token| token.starts_with(TOKEN_PREFIX))
        };
        // The tasks of a service that the component was before have its family and tags, too.
        let of_service = |task: &ObservedTask| {
            let of_service = task.started_by.as_deref().is_some_and(|by| by.starts_with(BY_SERVICE));
            of_service && !matches!(want.of, Some(TasksOf::Service(_)))
        };
        let own = |(task, tags): &&Tagged| {
            if of_service(task) || (want.former && !by_us(task)) {
                return false;
            }
            matches!(want.of, Some(TasksOf::Service(_) | TasksOf::StartedBy(_)))
                || want.recorded.as_ref() == Some(&task.arn)
                || is_own(&request.desired.deployment, &want.component, tags)
                || token(request, &want.component)
                    .is_some_and(|token| task.started_by.as_deref() == Some(token))
        };
        let listed = arns.iter().filter_map(|arn| self.tasks.get(arn));
        let mut tasks: Vec<ObservedTask> = listed.filter(own).map(|(task, _)| task.clone()).collect();
        tasks.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.arn.cmp(&b.arn)));
        Seen::Present(tasks)
    }
}

fn is_own(deployment: &DeploymentName, component: &ComponentName, tags: &BTreeMap<String, String>) -> bool {
    tags.get(TAG_OWNER).map(String::as_str) == Some(deployment.as_str())
        && tags.get(TAG_COMPONENT).map(String::as_str) == Some(component.as_str())
}

fn token<'a>(request: &ObservationRequest<'a>, component: &ComponentName) -> Option<&'a str> {
    match &request.rollout.components.get(component)?.phase {
        Phase::TaskRunning { token, .. } => Some(token),
        _ => None,
    }
}

/// Service deployments of one deployment by component, and gaps that left them incomplete.
#[derive(Default)]
pub(super) struct ServiceDeployments {
    pub(super) by_component: ByComponent<Vec<ObservedServiceDeployment>>,
    pub(super) gaps: Vec<Gap>,
}

/// Reads service deployments where a service alone does not tell what became of a rollout; the
/// answers are in the order of the deployments.
pub(super) async fn read_deployments(
    reader: &Reader<'_>,
    requests: &[ObservationRequest<'_>],
    services: &Services,
) -> Vec<ServiceDeployments> {
    let mut wanted = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let (known, _) = services.of(reader, request);
        for (component, name) in declared(request) {
            let rollout = request.rollout.components.get(&component.name);
            let service = known.get(&component.name).and_then(|seen| seen.present());
            if rollout.zip(service).is_some_and(|(rollout, service)| is_unclear(rollout, service)) {
                wanted.push((index, component.name.clone(), name));
            }
        }
    }
    let answers = reader.each(&wanted, |(_, _, name)| deployments(reader, name)).await;
    let mut shown: Vec<ServiceDeployments> = requests.iter().map(|_| ServiceDeployments::default()).collect();
    for ((index, component, _), (seen, gap)) in wanted.into_iter().zip(answers) {
        shown[index].by_component.insert(component, seen);
        shown[index].gaps.extend(gap);
    }
    shown
}

/// Whether ECS, or someone, has moved the service away from what the rollout began, or the rollout
/// failed. Not while the rollout has not begun, and not once it is known that ECS rolled back.
fn is_unclear(rollout: &ComponentRollout, service: &ObservedService) -> bool {
    let begun = match &rollout.phase {
        Phase::Rolling { deployment, .. } => deployment.is_some(),
        Phase::Baking { .. } | Phase::Complete { .. } | Phase::Stalled { .. } => true,
        Phase::Idle | Phase::Waiting { .. } | Phase::TaskRunning { .. } | Phase::RolledBack { .. } => false,
    };
    let elsewhere = rollout.revision.as_ref().is_some_and(|revision| revision.arn != service.task_definition);
    let failed =
        service.deployments.iter().any(|deployment| deployment.rollout_state.as_deref() == Some("FAILED"));
    begun && (elsewhere || failed)
}

async fn deployments(
    reader: &Reader<'_>,
    service: &str,
) -> (Seen<Vec<ObservedServiceDeployment>>, Option<Gap>) {
    let found = match read::list_service_deployments(reader.clients, reader.cluster(), service).await {
        Ok(found) => found,
        Err(error) => return (seen_or_absent(Err(error)), None),
    };
    let revisions: BTreeSet<String> = found.iter().filter_map(|(_, revision)| revision.clone()).collect();
    let revisions: Vec<String> = revisions.into_iter().collect();
    let (definitions, gap) = match revisions.is_empty() {
        true => (BTreeMap::new(), None),
        false => match read::describe_service_revisions(reader.clients, &revisions).await {
            Ok(definitions) => (definitions, None),
            Err(error) => (BTreeMap::new(), Some(error.into())),
        },
    };
    let complete = found.into_iter().map(|(deployment, revision)| ObservedServiceDeployment {
        task_definition: revision
            .and_then(|revision| definitions.get(&revision).and_then(|found| found.task_definition.clone())),
        ..deployment
    });
    (Seen::Present(complete.collect()), gap)
}
