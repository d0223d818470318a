//! Steps of a task: started once per intent, judged by its end; it may never be seen RUNNING.

use super::ending::Ending;
use super::view::View;
use crate::model::arn::{cluster_name, task_cluster};
use crate::model::desired::DesiredComponent;
use crate::model::ids::ContentHash;
use crate::model::kinds::application::RunPolicy;
use crate::model::observed::{ObservedTask, Seen};
use crate::model::plan::WaitingOn;
use crate::model::predecessor::{Predecessor, predecessors};
use crate::model::resource::{ResourceId, ResourceKind, TAG_HASH};
use crate::model::rollout::{ComponentRollout, Failure, Phase, Revision, StallReason, client_token};
use jiff::{SignedDuration, Timestamp};

/// After this long a task that was started and is not listed counts as lost: ECS shows stopped
/// tasks for about an hour, new ones after seconds.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// For at least so long ECS shows a stopped task. Source: ECS API, ListTasks ("stopped tasks appear
/// … for at least one hour").
const SHOWN_FOR: SignedDuration = SignedDuration::from_mins(50);

/// What is declared of how a task runs.
pub(super) struct TaskWorkload {
    /// How long a run may take.
    pub(super) deadline: SignedDuration,
    /// Further attempts after a failure.
    pub(super) retries: u32,
    /// When it counts as done.
    pub(super) run: RunPolicy,
}

type TaskView<'a> = View<'a, TaskWorkload>;

/// The next phase of a task component; adds to its failures.
///
/// Clamps stored times that lie in the future (the clock was ahead): a deadline would last until
/// the clock gets there.
pub(super) fn next(view: &TaskView<'_>, component: &mut ComponentRollout) -> Phase {
    let time = seconds(view.workload.deadline);
    component.failures.retain(|failure| failure.within.is_none_or(|within| within >= time));
    let phase = step(view, component);
    if let Phase::TaskRunning { hash, .. } | Phase::Complete { hash, .. } = &phase {
        component.last_run = Some(hash.clone());
    }
    phase
}

fn step(view: &TaskView<'_>, component: &mut ComponentRollout) -> Phase {
    let now = view.step.now;
    match component.phase.clone() {
        Phase::TaskRunning { hash, attempt, token, task, since, deadline, within } => {
            let before = within.and_then(|seconds| i64::try_from(seconds).ok());
            let before = before.map_or(view.workload.deadline, SignedDuration::from_secs);
            let deadline = (deadline + (view.workload.deadline - before)).min(now + view.workload.deadline);
            judge(view, component, Run { hash, attempt, token, task, since: since.min(now), deadline })
        }
        Phase::Complete { hash, since }
            if view.may_be_wanted(&hash) && !(runs_forever(view) && is_gone(view, since)) =>
        {
            Phase::Complete { hash, since }
        }
        Phase::Stalled { hash, reason, message, since }
            if view.may_be_wanted(&hash) && !component.failures.is_empty() =>
        {
            Phase::Stalled { hash, reason, message, since }
        }
        Phase::Idle | Phase::Waiting { .. } | Phase::Complete { .. } | Phase::Stalled { .. } => {
            begin(view, component)
        }
        // A rollout of a service is none of a task: its record did not say yet what it was of.
        Phase::Rolling { .. } | Phase::Baking { .. } | Phase::RolledBack { .. } => begin(view, component),
    }
}

/// A run that was asked for.
struct Run {
    hash: ContentHash,
    attempt: u32,
    token: String,
    task: Option<String>,
    since: Timestamp,
    deadline: Timestamp,
}

impl Run {
    fn into_phase(self, view: &TaskView<'_>) -> Phase {
        let Self { hash, attempt, token, task, since, deadline } = self;
        let within = Some(seconds(view.workload.deadline));
        Phase::TaskRunning { hash, attempt, token, task, since, deadline, within }
    }
}

/// Opens the gates, or says what keeps them closed.
fn begin(view: &TaskView<'_>, component: &ComponentRollout) -> Phase {
    let closed = view.closed_gates(component);
    let Some(wanted) = view.wanted().filter(|_| closed.is_empty()) else {
        return view.waiting(component, closed);
    };
    // However it came to wait: what failed is not tried again.
    if let Some(failure) = component.failures.iter().rev().find(|failure| failure.hash == *wanted) {
        return Phase::Stalled {
            hash: wanted.clone(),
            reason: match failure.within {
                Some(_) => StallReason::TaskDeadlineExceeded,
                None => StallReason::TaskFailed,
            },
            message: failure.reason.clone(),
            since: failure.at,
        };
    }
    if !runs_forever(view) && is_done(component, wanted) {
        return Phase::Complete { hash: wanted.clone(), since: view.step.now };
    }
    match view.step.observed.tasks.get(&view.desired.name) {
        Some(Seen::Present(tasks))
            if tasks.iter().all(ObservedTask::is_stopped) && was_passed_before(view, component, tasks) =>
        {
            Phase::Complete { hash: wanted.clone(), since: view.step.now }
        }
        // Single flight: whatever still runs for this component ends first.
        Some(Seen::Present(tasks)) => match tasks.iter().find(|task| !task.is_stopped()) {
            Some(task)
                if runs_forever(view)
                    && task.last_status == "RUNNING"
                    && Some(task.task_definition.as_str()) == view.revision(component, wanted) =>
            {
                Phase::Complete { hash: wanted.clone(), since: view.step.now }
            }
            Some(task) => view.waiting(
                component,
                vec![WaitingOn::Task { task: task.arn.clone(), status: task.last_status.clone() }],
            ),
            None => start_alone(view, component, wanted),
        },
        Some(Seen::Absent) => start_alone(view, component, wanted),
        Some(Seen::Unknown(gap)) => {
            let because = format!("{}: {}: {}", gap.operation, gap.code, gap.message);
            view.waiting(component, vec![WaitingOn::Observation { because }])
        }
        Some(Seen::NotRead) | None => {
            let because = "tasks were not looked at in this pass".to_owned();
            view.waiting(component, vec![WaitingOn::Observation { because }])
        }
    }
}

/// Whether this content is complete, and nothing else was run since: an edit that was undone before
/// its run began asks for nothing.
fn is_done(component: &ComponentRollout, wanted: &ContentHash) -> bool {
    let completed = component.completed.as_ref().map(|revision| &revision.hash);
    completed == Some(wanted) && component.last_run.as_ref() == Some(wanted)
}

/// Whether the record was lost but AWS shows that the gate was open before: nothing is recorded of
/// this component, the record began with this very content, its revision was there already, and a
/// service that depends on it was rolled to the revision that is wanted after this one was
/// registered. What ECS shows of its runs does not speak against it.
fn was_passed_before(view: &TaskView<'_>, component: &ComponentRollout, tasks: &[ObservedTask]) -> bool {
    let began_with_it = view.wanted().is_some() && component.initial_hash.as_ref() == view.wanted();
    let Some(revision) = component.revision.as_ref().filter(|revision| revision.registered.is_none()) else {
        return false;
    };
    if !began_with_it
        || !component.failures.is_empty()
        || component.phase != Phase::Idle && !matches!(component.phase, Phase::Waiting { .. })
    {
        return false;
    }
    if component.completed.is_some() || runs_forever(view) {
        return false;
    }
    let step = view.step;
    let shown = |arn: &str| step.observed.definitions.get(arn).and_then(Seen::present);
    let Some(registered) = shown(&revision.arn).and_then(|definition| definition.registered_at) else {
        return false;
    };
    let rolled_since = |other: &&DesiredComponent| {
        let wanted = step.resolved.components.get(&other.name).and_then(|c| c.definition.as_ref());
        let service = step.observed.services.get(&other.name).and_then(Seen::present);
        let (Some(wanted), Some(service)) = (wanted, service) else { return false };
        let runs = shown(&service.task_definition).and_then(|definition| definition.tags.get(TAG_HASH));
        let rolled = service.primary().and_then(|primary| primary.created_at);
        runs.is_some_and(|hash| *hash == wanted.hash.as_str())
            && rolled.is_some_and(|rolled| rolled > registered)
    };
    let mut dependents =
        step.desired.components.values().filter(|other| other.depends_on.contains(&view.desired.name));
    dependents.any(|other| rolled_since(&other)) && runs_ended_well(view, revision, registered, tasks)
}

/// Whether the tasks that ECS still shows of a revision ended well; it shows none only of one that
/// was registered long ago.
fn runs_ended_well(
    view: &TaskView<'_>,
    revision: &Revision,
    registered: Timestamp,
    tasks: &[ObservedTask],
) -> bool {
    let mut own = tasks.iter().filter(|task| task.task_definition == revision.arn).peekable();
    match own.peek() {
        Some(_) => own.any(|task| Ending::of(&view.desired.task_definition, task) == Ending::Done),
        None => view.step.now.duration_since(registered) > SHOWN_FOR,
    }
}

/// Starts a first attempt, once nothing runs any more that it may not run beside.
fn start_alone(view: &TaskView<'_>, component: &ComponentRollout, wanted: &ContentHash) -> Phase {
    let step = view.step;
    let before = predecessors(step.desired, step.prior, step.observed, view.desired);
    if before.is_empty() {
        start(view, wanted.clone(), 1, view.workload.deadline)
    } else {
        view.waiting(component, before.iter().map(Predecessor::wait).collect())
    }
}

fn start(view: &TaskView<'_>, hash: ContentHash, attempt: u32, within: SignedDuration) -> Phase {
    let since = view.step.now;
    let deadline = since + within;
    let token = token(view, &hash, attempt, since);
    Run { hash, attempt, token, task: None, since, deadline }.into_phase(view)
}

/// The token of one attempt: another for every new intent.
fn token(view: &TaskView<'_>, hash: &ContentHash, attempt: u32, since: Timestamp) -> String {
    let (deployment, component) = (&view.step.desired.deployment, &view.desired.name);
    client_token(&format!("{deployment}/{component}/{hash}/{attempt}/{since}"))
}

fn judge(view: &TaskView<'_>, component: &mut ComponentRollout, mut run: Run) -> Phase {
    let Some(Seen::Present(tasks)) = view.step.observed.tasks.get(&view.desired.name) else {
        return run.into_phase(view);
    };
    let found = tasks.iter().find(|task| {
        Some(&task.arn) == run.task.as_ref() || task.started_by.as_deref() == Some(run.token.as_str())
    });
    let Some(task) = found else { return judge_unseen(view, component, run) };
    run.task = Some(task.arn.clone());
    if !task.is_stopped() {
        let up = runs_forever(view) && task.last_status == "RUNNING";
        return if up { complete(view, component, run) } else { run.into_phase(view) };
    }
    let late = task.stopped_at.unwrap_or(view.step.now) >= run.deadline;
    let retries = view.workload.retries;
    match Ending::of(&view.desired.task_definition, task) {
        Ending::Done if !runs_forever(view) => complete(view, component, run),
        Ending::Done => {
            let why = "it ended although it should run for ever".to_owned();
            failed(view, component, run, Failed { why, late: false, retries })
        }
        Ending::Failed(why) => failed(view, component, run, Failed { why, late, retries }),
        Ending::StoppedAtDeadline => {
            let why = "it was stopped".to_owned();
            failed(view, component, run, Failed { why, late: true, retries })
        }
        // Whoever stopped it did not want it to run: running it again would fight them.
        Ending::StoppedByAnother(why) => {
            let why = format!("somebody stopped it: {why}");
            failed(view, component, run, Failed { why, late: false, retries: 0 })
        }
        Ending::StoppedByEvenkeel => run_again(view, component, run, view.workload.deadline),
        Ending::Interrupted(why) if late => {
            let why = format!("it was interrupted: {why}");
            failed(view, component, run, Failed { why, late, retries })
        }
        Ending::Interrupted(_) => {
            let left = run.deadline.duration_since(view.step.now);
            run_again(view, component, run, left)
        }
    }
}

/// Runs a task once more that says nothing of its work, within so much time; not counted as an
/// attempt. Waits when its gates have closed meanwhile.
fn run_again(view: &TaskView<'_>, component: &ComponentRollout, run: Run, within: SignedDuration) -> Phase {
    let same = view.wanted().is_none_or(|wanted| *wanted == run.hash);
    if !same || !view.closed_gates(component).is_empty() {
        return begin(view, component);
    }
    start(view, run.hash, run.attempt, within)
}

/// Nothing is listed under the task's ARN or token.
fn judge_unseen(view: &TaskView<'_>, component: &mut ComponentRollout, run: Run) -> Phase {
    let long_ago = view.step.now.duration_since(run.since) > LOST_AFTER;
    // It runs for ever where the component was before: it is stopped there, and runs here then.
    let former = view.step.observed.former_tasks.get(&view.desired.name).and_then(Seen::present);
    if former.is_some_and(|tasks| tasks.iter().any(|task| Some(&task.arn) == run.task.as_ref())) {
        return begin(view, component);
    }
    let stale_content = view.wanted().is_some_and(|wanted| *wanted != run.hash);
    match run.task {
        // Never started as far as anyone knows: a newer content takes its place, else the plan asks
        // (again) with the same token.
        None if stale_content => begin(view, component),
        // It was started, its end was not seen, and ECS has forgotten it: unknown is not failed, so
        // it is run once more.
        Some(_) if long_ago => {
            if view.closed_gates(component).is_empty() {
                let wanted = view.wanted().unwrap_or(&run.hash).clone();
                start(view, wanted, run.attempt + 1, view.workload.deadline)
            } else {
                begin(view, component)
            }
        }
        _ => run.into_phase(view),
    }
}

fn complete(view: &TaskView<'_>, component: &mut ComponentRollout, run: Run) -> Phase {
    component.set_completed(&run.hash);
    Phase::Complete { hash: run.hash, since: view.step.now }
}

/// A run that failed.
struct Failed {
    why: String,
    /// Whether it had not ended in time.
    late: bool,
    /// Attempts that may follow the first one.
    retries: u32,
}

fn failed(view: &TaskView<'_>, component: &mut ComponentRollout, run: Run, failed: Failed) -> Phase {
    let Failed { why, late, retries } = failed;
    if view.wanted().is_some_and(|wanted| *wanted != run.hash) {
        return begin(view, component);
    }
    if run.attempt <= retries {
        return start(view, run.hash, run.attempt + 1, view.workload.deadline);
    }
    let task = run.task.clone().unwrap_or_else(|| run.token.clone());
    let (reason, message) = if late {
        (StallReason::TaskDeadlineExceeded, format!("task {task} did not end by {}: {why}", run.deadline))
    } else {
        (StallReason::TaskFailed, format!("task {task} failed: {why}"))
    };
    component.failures.push(Failure {
        hash: run.hash.clone(),
        declared: view.resolved.declared.clone(),
        attempt: task,
        reason: message.clone(),
        at: view.step.now,
        within: late.then(|| seconds(view.workload.deadline)),
    });
    Phase::Stalled { hash: run.hash, reason, message, since: view.step.now }
}

fn seconds(deadline: SignedDuration) -> u64 {
    deadline.unsigned_abs().as_secs()
}

fn runs_forever(view: &TaskView<'_>) -> bool {
    view.workload.run == RunPolicy::Forever
}

/// Whether the tasks were seen and none of them is alive. One that came up lately, and is shown
/// neither as running nor as stopped, is not gone: reads may lag behind it.
fn is_gone(view: &TaskView<'_>, up_since: Timestamp) -> bool {
    let id = ResourceId::new(ResourceKind::Task, view.desired.name.as_str());
    let lately = view.step.now.duration_since(up_since).abs() < LOST_AFTER;
    let is_hidden = |tasks: &[ObservedTask]| {
        // One of another cluster is another one, whose place this is to take.
        let cluster = cluster_name(&view.step.desired.placement.cluster);
        let here = |arn: &&str| lately && task_cluster(arn) == Some(cluster);
        let recorded = view.step.prior.arn(&id).filter(here);
        recorded.is_some_and(|arn| tasks.iter().all(|task| task.arn != arn))
    };
    match view.step.observed.tasks.get(&view.desired.name) {
        Some(Seen::Present(tasks)) => tasks.iter().all(ObservedTask::is_stopped) && !is_hidden(tasks),
        Some(Seen::Absent) => !is_hidden(&[]),
        Some(Seen::NotRead | Seen::Unknown(_)) | None => false,
    }
}
