//! Tasks outside any service: started once per intent, stopped at their deadline.

use super::stopping::{may_be_stopped, stop, stop_predecessors};
use super::{Draft, seen};
use crate::model::arn::{family_revision, task_id};
use crate::model::call::{Call, Verb};
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::kinds::application::RunPolicy;
use crate::model::observed::{ObservedTask, Seen};
use crate::model::plan::{Reason, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::model::rollout::{ComponentRollout, Phase, TOKEN_PREFIX};
use crate::model::stop::StopCause;
use jiff::SignedDuration;
use serde_json::json;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (name, component) in &input.desired.components {
        let Workload::Task { run, deadline_seconds, .. } = &component.workload else { continue };
        let Some(state) = input.rollout.components.get(name) else { continue };
        match &state.phase {
            Phase::TaskRunning { .. } => attend(draft, component, state),
            Phase::Waiting { on, .. } if only_predecessors(on) => {
                stop_predecessors(draft, &id_of(component), component);
            }
            Phase::Waiting { on, .. } => match run {
                RunPolicy::Forever => make_way(draft, component, state, on),
                RunPolicy::Completion => end_forgotten(draft, component, *deadline_seconds, on),
            },
            Phase::Complete { .. } if *run == RunPolicy::Forever => stop_others(draft, component),
            Phase::Idle
            | Phase::Rolling { .. }
            | Phase::Baking { .. }
            | Phase::Complete { .. }
            | Phase::RolledBack { .. }
            | Phase::Stalled { .. } => {}
        }
    }
}

/// Stops what runs beside the task that is to run for ever: one was started again because the first
/// was not shown, and by now both are. The recorded one stays.
fn stop_others(draft: &mut Draft<'_>, component: &DesiredComponent) {
    let id = id_of(component);
    let tasks = seen(&draft.input.observed.tasks, &component.name).present().map(Vec::as_slice);
    let running = |task: &&ObservedTask| task.last_status == "RUNNING";
    let all = tasks.unwrap_or_default();
    let recorded = draft.input.rollout.arn(&id);
    let Some(stays) = all.iter().filter(running).find(|task| Some(task.arn.as_str()) == recorded) else {
        return;
    };
    for other in all.iter().filter(|task| task.arn != stays.arn && may_be_stopped(task)) {
        let what = format!("{} runs already", task_id(&stays.arn));
        stop(draft, &id, other, StopCause::Superseded(&what), Reason::Superseded);
    }
}

/// Whether nothing else keeps a component waiting than what may not run beside it.
fn only_predecessors(on: &[WaitingOn]) -> bool {
    !on.is_empty() && on.iter().all(|on| matches!(on, WaitingOn::Predecessor { .. }))
}

fn id_of(component: &DesiredComponent) -> ResourceId {
    ResourceId::new(ResourceKind::Task, component.name.as_str())
}

/// Starts the task that was asked for, or stops it when its time is up.
fn attend(draft: &mut Draft<'_>, component: &DesiredComponent, state: &ComponentRollout) {
    let Phase::TaskRunning { hash, token, task, deadline, .. } = &state.phase else { return };
    let id = id_of(component);
    let tasks = match seen(&draft.input.observed.tasks, &component.name) {
        Seen::Present(tasks) => tasks.as_slice(),
        Seen::Absent => &[],
        Seen::NotRead => return,
        Seen::Unknown(gap) => {
            draft.wait_unobserved(&id, gap);
            return;
        }
    };
    let ours = tasks
        .iter()
        .find(|seen| Some(&seen.arn) == task.as_ref() || seen.started_by.as_deref() == Some(token.as_str()));
    match ours {
        Some(running) if draft.input.now >= *deadline && may_be_stopped(running) => {
            stop(draft, &id, running, StopCause::Deadline(*deadline), Reason::Deadline);
        }
        Some(_) => {}
        // It was started and is not listed yet, or no longer: `rollout` decides which of the two.
        None if task.is_some() => {}
        None => {
            let revision = state.revision.as_ref().filter(|revision| revision.hash == *hash);
            let resolved = draft.input.resolved.components.get(&component.name);
            let fields = resolved.and_then(|resolved| resolved.fields.as_ref());
            if let (Some(revision), Some(fields)) = (revision, fields)
                && !stop_predecessors(draft, &id, component)
            {
                run(draft, component, Start { token, revision: &revision.arn, fields });
            }
        }
    }
}

/// What a new task is started with.
struct Start<'s> {
    token: &'s str,
    revision: &'s str,
    fields: &'s Tree,
}

fn run(draft: &mut Draft<'_>, component: &DesiredComponent, start: Start<'_>) {
    let desired = draft.input.desired;
    let id = id_of(component);
    let mut fields = start.fields.clone();
    if let Some(members) = fields.as_object_mut() {
        let group = format!("evenkeel:{}/{}", desired.deployment, component.name);
        members.insert("cluster".to_owned(), json!(desired.placement.cluster));
        members.insert("taskDefinition".to_owned(), json!(start.revision));
        members.insert("startedBy".to_owned(), json!(start.token));
        members.insert("group".to_owned(), json!(group));
        members.insert("count".to_owned(), json!(1));
        members.insert("enableECSManagedTags".to_owned(), json!(true));
        members.insert("propagateTags".to_owned(), json!("TASK_DEFINITION"));
    }
    let call = Call::RunTask {
        component: component.name.clone(),
        token: start.token.to_owned(),
        forever: matches!(component.workload, Workload::Task { run: RunPolicy::Forever, .. }),
        fields,
        tags: draft.tags(&id),
    };
    let what = format!("run {}", family_revision(start.revision));
    draft.act(&id, Verb::Run, call, Reason::Rollout { what }, Vec::new());
}

/// The task of ours that alone keeps a component waiting. One that somebody else started of the
/// same family is left alone.
fn in_the_way<'d>(
    draft: &Draft<'d>,
    component: &DesiredComponent,
    on: &[WaitingOn],
) -> Option<&'d ObservedTask> {
    let [WaitingOn::Task { task, .. }] = on else { return None };
    let tasks = seen(&draft.input.observed.tasks, &component.name).present()?;
    let started_by_us =
        |seen: &ObservedTask| seen.started_by.as_deref().is_some_and(|token| token.starts_with(TOKEN_PREFIX));
    tasks.iter().find(|seen| seen.arn == *task && may_be_stopped(seen) && started_by_us(seen))
}

/// Stops a run that the record no longer knows, or knew for another content, when its time is up as
/// it would be for any other; one that was to run for ever, at once.
fn end_forgotten(
    draft: &mut Draft<'_>,
    component: &DesiredComponent,
    deadline_seconds: u32,
    on: &[WaitingOn],
) {
    let Some(old) = in_the_way(draft, component, on) else { return };
    if draft.input.rollout.runs_forever(&old.arn) {
        let what =
            format!("{}, which does not end by itself, makes way", family_revision(&old.task_definition));
        stop(
            draft,
            &id_of(component),
            old,
            StopCause::Superseded(&what),
            Reason::Rollout { what: what.clone() },
        );
        return;
    }
    let Some(created) = old.created_at else { return };
    let deadline = created + SignedDuration::from_secs(i64::from(deadline_seconds));
    if draft.input.now >= deadline {
        stop(draft, &id_of(component), old, StopCause::Deadline(deadline), Reason::Deadline);
    }
}

/// Stops a task that runs for ever on an older revision when only it stands in the way of its
/// successor.
fn make_way(draft: &mut Draft<'_>, component: &DesiredComponent, state: &ComponentRollout, on: &[WaitingOn]) {
    let Some(old) = in_the_way(draft, component, on) else { return };
    let resolved = draft.input.resolved.components.get(&component.name);
    let wanted = resolved.and_then(|resolved| resolved.definition.as_ref()).map(|wanted| &wanted.hash);
    let next = state.revision.as_ref().filter(|revision| Some(&revision.hash) == wanted);
    let Some(next) = next.filter(|next| next.arn != old.task_definition) else { return };
    let (before, after) = (family_revision(&old.task_definition), family_revision(&next.arn));
    let what = format!("{before} makes way for {after}");
    let reason = Reason::Rollout { what: what.clone() };
    stop(draft, &id_of(component), old, StopCause::Superseded(&what), reason);
}
