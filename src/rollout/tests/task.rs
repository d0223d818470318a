//! Sentences about tasks outside any service.

use super::gates::gap;
use super::*;

impl World {
    fn workload(&mut self, edit: impl FnOnce(&mut u32, &mut RunPolicy)) {
        let migrate = self.desired.components.get_mut("migrate").unwrap();
        let Workload::Task { retries, run, .. } = &mut migrate.workload else { panic!("no task") };
        edit(retries, run);
    }

    fn forever() -> Self {
        let mut world = World::registered();
        world.workload(|_, run| *run = RunPolicy::Forever);
        world
    }

    fn edit_task(&mut self, edit: impl FnOnce(&mut ObservedTask)) {
        let Some(Seen::Present(tasks)) = self.observed.tasks.get_mut("migrate") else { panic!("no tasks") };
        edit(&mut tasks[0]);
    }

    /// A task of this component that nobody asked for in this intent.
    fn stray(&mut self, revision: u32, status: &str) {
        let started = std::mem::take(&mut self.state.components);
        self.state.components.clone_from(&started);
        self.state.components.get_mut("migrate").unwrap().phase = Phase::TaskRunning {
            hash: "m1".into(),
            attempt: 1,
            token: "stray".into(),
            task: None,
            since: self.now,
            deadline: self.now,
        };
        self.task(status, None);
        self.edit_task(|task| task.task_definition = arn("shop-migrate", revision));
        self.state.components = started;
    }

    fn why(&self) -> String {
        match self.phase("migrate") {
            Phase::Stalled { message, .. } => message.clone(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_task_begins_only_when_it_was_seen_that_none_runs() {
    let mut world = World::registered();
    world.observed.tasks.insert("migrate".into(), Seen::Absent);
    world.step();
    assert_eq!(world.word("migrate"), "TaskRunning");
    for (seen, why) in [
        (Some(Seen::Unknown(gap())), "AccessDenied"),
        (Some(Seen::NotRead), "not looked at"),
        (None, "not looked at"),
    ] {
        let mut world = World::registered();
        world.observed.tasks.remove("migrate");
        if let Some(seen) = seen {
            world.observed.tasks.insert("migrate".into(), seen);
        }
        world.step();
        assert!(world.waits("migrate").iter().any(|wait| wait.contains(why)), "{:?}", world.waits("migrate"));
    }
}

#[test]
fn whatever_still_runs_ends_first() {
    let mut world = World::registered();
    world.stray(1, "RUNNING");
    world.step();
    assert!(world.waits("migrate")[0].contains("task/c/t1"), "{:?}", world.waits("migrate"));
    world.stray(1, "STOPPED");
    world.step();
    assert_eq!(world.word("migrate"), "TaskRunning");
}

#[test]
fn a_task_for_ever_is_complete_while_it_runs_and_started_again_when_it_is_gone() {
    let mut world = World::forever();
    world.step();
    world.task("PENDING", None);
    world.step();
    assert_eq!(world.word("migrate"), "TaskRunning");
    world.task("RUNNING", None);
    world.step();
    assert_eq!(world.word("migrate"), "Complete");
    for unseen in [Seen::NotRead, Seen::Unknown(gap())] {
        world.observed.tasks.insert("migrate".into(), unseen);
        world.step();
        assert_eq!(world.word("migrate"), "Complete");
    }
    for gone in [Seen::Absent, Seen::Present(vec![])] {
        let mut world =
            World { state: world.state.clone(), observed: world.observed.clone(), ..World::forever() };
        world.observed.tasks.insert("migrate".into(), gone);
        world.step();
        assert_eq!(world.word("migrate"), "TaskRunning");
    }
}

#[test]
fn a_task_for_ever_that_ends_has_failed_whatever_its_exit_code() {
    let mut world = World::forever();
    world.step();
    world.task("STOPPED", Some(0));
    world.step();
    assert!(world.why().contains("should run for ever"), "{}", world.why());
}

#[test]
fn a_task_for_ever_that_already_runs_the_revision_is_not_started_twice() {
    let mut world = World::forever();
    world.stray(1, "RUNNING");
    world.step();
    assert_eq!(world.word("migrate"), "Complete");
    let mut world = World::forever();
    world.stray(1, "PENDING");
    world.step();
    assert_eq!(world.word("migrate"), "Waiting", "it may yet fail to start");
    let mut world = World::forever();
    world.stray(9, "RUNNING");
    world.step();
    assert_eq!(world.word("migrate"), "Waiting", "another revision makes way first");
    let mut world = World::forever();
    world.stray(1, "STOPPED");
    world.step();
    assert_eq!(
        world.word("migrate"),
        "TaskRunning",
        "that a gate was passed before says nothing of what runs"
    );
}

#[test]
fn a_task_that_is_complete_stays_so_while_its_content_is_unknown() {
    let mut world = World::complete();
    world.resolved.components.get_mut("migrate").unwrap().definition = None;
    world.observed.tasks.insert("migrate".into(), Seen::Absent);
    world.step();
    assert_eq!(world.word("migrate"), "Complete");
}

#[test]
fn a_failed_task_is_run_again_as_often_as_the_document_says() {
    let mut world = World::registered();
    world.workload(|retries, _| *retries = 1);
    world.step();
    world.task("STOPPED", Some(1));
    world.step();
    assert!(matches!(world.phase("migrate"), Phase::TaskRunning { attempt: 2, task: None, .. }));
    world.task("STOPPED", Some(1));
    world.step();
    assert_eq!(world.word("migrate"), "Stalled");
    assert_eq!(world.state.components["migrate"].failures.len(), 1);
}

#[test]
fn a_task_that_was_stopped_at_its_deadline_says_so() {
    for (seconds, late) in [(599, false), (600, true)] {
        let mut world = World::registered();
        world.step();
        world.pass(seconds);
        world.task("STOPPED", Some(137));
        world.step();
        let Phase::Stalled { reason, .. } = world.phase("migrate") else { panic!("{seconds}") };
        assert_eq!(*reason == StallReason::TaskDeadlineExceeded, late, "{seconds}");
        assert_eq!(world.why().contains("did not end by"), late);
    }
    let mut world = World::registered();
    world.step();
    world.task("STOPPED", Some(1));
    world.edit_task(|task| task.stopped_at = None);
    world.pass(600);
    world.step();
    assert!(world.why().contains("did not end by"), "without a time of its own the pass's counts");
}

#[test]
fn a_newer_content_takes_the_place_of_one_that_failed_or_was_never_started() {
    let mut world = World::registered();
    world.step();
    world.want("migrate", "m2");
    world.task("STOPPED", Some(1));
    world.step();
    assert_eq!(world.word("migrate"), "Waiting", "for its revision");
    assert!(world.state.components["migrate"].failures.is_empty());

    let mut world = World::registered();
    world.step();
    world.want("migrate", "m2");
    world.step();
    assert_eq!(world.word("migrate"), "Waiting");
}

#[test]
fn a_task_that_runs_an_older_content_is_waited_for() {
    let mut world = World::registered();
    world.step();
    world.task("RUNNING", None);
    world.step();
    world.want("migrate", "m2");
    world.step();
    assert!(matches!(world.phase("migrate"), Phase::TaskRunning { hash, .. } if hash.as_str() == "m1"));
}

#[test]
fn a_lost_task_is_run_again_only_when_the_gates_are_open_and_at_the_newest_content() {
    let lost = || {
        let mut world = World::registered();
        world.step();
        world.task("RUNNING", None);
        world.step();
        world.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
        world
    };
    let mut world = lost();
    world.pass(300);
    world.step();
    assert!(matches!(world.phase("migrate"), Phase::TaskRunning { attempt: 1, .. }), "ECS may still show it");
    world.pass(1);
    world.observed.cluster = Seen::Absent;
    world.step();
    assert_eq!(world.word("migrate"), "Waiting");

    let mut world = lost();
    world.pass(301);
    world.want("migrate", "m2");
    world.register("migrate", "m2", 2);
    world.step();
    assert!(
        matches!(world.phase("migrate"), Phase::TaskRunning { hash, attempt: 2, .. } if hash.as_str() == "m2")
    );
}

#[test]
fn a_task_is_known_by_its_arn_as_well_as_by_its_token() {
    let mut world = World::registered();
    world.step();
    world.task("RUNNING", None);
    world.step();
    world.edit_task(|task| {
        task.started_by = None;
        task.last_status = "STOPPED".into();
        task.containers[0].exit_code = Some(0);
    });
    world.step();
    assert_eq!(world.word("migrate"), "Complete");
}

/// A world whose record was lost; its migration is found by its tags, its web service runs this
/// hash, as far as tags say so.
fn lost(hash: &str, owned: bool) -> World {
    let mut world = World::complete();
    world.state = RolloutState::default();
    world.step();
    world.register("migrate", "m1", 1);
    // As it is found by its tags.
    let revision = world.state.components.get_mut("migrate").unwrap().revision.as_mut().unwrap();
    revision.registered = None;
    let mut found = definition("shop-migrate", 1, "ACTIVE");
    found.registered_at = Some(world.now - SignedDuration::from_hours(2));
    world.observed.definitions.insert(found.arn.clone(), Seen::Present(found));
    world.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
    let tags = if owned { [(TAG_HASH.to_owned(), hash.to_owned())].into() } else { BTreeMap::new() };
    let shown = ObservedDefinition { tags, ..definition("shop-web", 1, "ACTIVE") };
    world.observed.definitions.insert(arn("shop-web", 1), Seen::Present(shown));
    world
}

/// What becomes of the migration.
fn word(mut world: World) -> &'static str {
    world.step();
    world.word("migrate")
}

#[test]
fn a_gate_that_was_passed_before_is_found_again_only_from_a_service_that_runs_what_is_wanted() {
    assert_eq!(word(lost("w1", true)), "Complete");
    let mut newer = lost("w1", true);
    newer.state.components.get_mut("migrate").unwrap().initial_hash = Some("m0".into());
    assert_eq!(word(newer), "TaskRunning", "the record began with another content");
    let mut made = lost("w1", true);
    made.register("migrate", "m1", 1);
    assert_eq!(word(made), "TaskRunning", "its revision was not there before");
    assert_eq!(word(lost("w0", true)), "TaskRunning", "the service runs something else");
    assert_eq!(word(lost("w1", false)), "TaskRunning", "nothing says what it runs");
    let mut unseen = lost("w1", true);
    unseen.observed.services.insert("web".into(), Seen::Absent);
    assert_eq!(word(unseen), "TaskRunning");
    let mut unresolved = lost("w1", true);
    unresolved.resolved.components.get_mut("web").unwrap().definition = None;
    assert_eq!(word(unresolved), "TaskRunning");
    let mut known = lost("w1", true);
    let migrate = known.state.components.get_mut("migrate").unwrap();
    migrate.completed.clone_from(&migrate.revision);
    assert_eq!(word(known), "TaskRunning", "the record is there, and it says nothing of this content");
    let mut failed = lost("w1", true);
    failed.state.components.get_mut("migrate").unwrap().phase = Phase::Stalled {
        hash: "m0".into(),
        reason: StallReason::TaskFailed,
        message: String::new(),
        since: failed.now,
    };
    assert_eq!(word(failed), "TaskRunning");
}

#[test]
fn a_gate_counts_as_passed_only_by_what_was_rolled_after_its_revision_was_registered_long_ago() {
    let registered = |ago: Option<SignedDuration>| {
        let mut world = lost("w1", true);
        let at = ago.map(|ago| world.now - ago);
        let Some(Seen::Present(found)) = world.observed.definitions.get_mut(&arn("shop-migrate", 1)) else {
            panic!("it was shown")
        };
        found.registered_at = at;
        world
    };
    assert_eq!(word(registered(None)), "TaskRunning", "nothing says when it was registered");
    let mut lately = registered(Some(SignedDuration::from_mins(20)));
    lately.pass(60);
    assert_eq!(word(lately), "TaskRunning", "ECS would still show its run");
    let mut after = registered(Some(SignedDuration::from_hours(-1)));
    after.pass(3 * 3600);
    assert_eq!(word(after), "TaskRunning", "the service was not rolled since it was registered");
}

/// A world in which the task ended, obeying a stop signal with exit code 0, for this cause.
fn stopped(code: &str, reason: &str) -> World {
    let mut world = World::registered();
    world.workload(|retries, _| *retries = 1);
    world.step();
    world.pass(60);
    world.task("STOPPED", Some(0));
    world.edit_task(|task| {
        task.stop_code = Some(code.to_owned());
        task.stopped_reason = Some(reason.to_owned());
    });
    world.step();
    world
}

#[test]
fn a_task_that_a_person_stopped_has_not_done_its_work_and_is_not_run_again() {
    let world = stopped("UserInitiated", "Task stopped by user");
    assert!(world.why().contains("somebody stopped it: Task stopped by user"), "{}", world.why());
}

#[test]
fn a_task_that_was_stopped_at_its_deadline_has_not_done_its_work_though_it_obeyed_with_0() {
    let mut world = stopped("UserInitiated", "Evenkeel: not done by 2026-11-21T12:00:00Z");
    assert!(matches!(world.phase("migrate"), Phase::TaskRunning { attempt: 2, .. }));
    world.task("STOPPED", Some(0));
    world.edit_task(|task| {
        task.stop_code = Some("UserInitiated".to_owned());
        task.stopped_reason = Some("Evenkeel: not done by 2026-11-21T12:00:00Z".to_owned());
    });
    world.step();
    let Phase::Stalled { reason, .. } = world.phase("migrate") else {
        panic!("{:?}", world.phase("migrate"))
    };
    assert_eq!(*reason, StallReason::TaskDeadlineExceeded);
}

#[test]
fn a_task_that_evenkeel_stopped_for_another_cause_is_run_again_and_not_held_against_its_content() {
    let world = stopped("UserInitiated", "Evenkeel: no longer declared");
    let now = world.now;
    let Phase::TaskRunning { attempt: 1, since, deadline, task: None, .. } = world.phase("migrate") else {
        panic!("{:?}", world.phase("migrate"))
    };
    assert_eq!((*since, deadline.duration_since(now)), (now, SignedDuration::from_secs(600)));
    assert!(world.state.components["migrate"].failures.is_empty());
}

#[test]
fn an_interrupted_task_is_run_again_within_its_deadline() {
    let mut world = stopped("SpotInterruption", "Your Spot Task was interrupted.");
    let Phase::TaskRunning { attempt: 1, deadline, .. } = world.phase("migrate") else {
        panic!("{:?}", world.phase("migrate"))
    };
    assert_eq!(deadline.duration_since(world.now), SignedDuration::from_secs(540));
    world.workload(|retries, _| *retries = 0);
    world.pass(540);
    world.task("STOPPED", Some(0));
    world.edit_task(|task| task.stop_code = Some("TerminationNotice".to_owned()));
    world.step();
    let Phase::Stalled { reason, .. } = world.phase("migrate") else {
        panic!("{:?}", world.phase("migrate"))
    };
    assert_eq!(*reason, StallReason::TaskDeadlineExceeded);
    assert!(world.why().contains("it was interrupted"), "{}", world.why());
}

#[test]
fn an_interrupted_task_waits_while_its_gates_are_closed() {
    let mut world = World::registered();
    world.step();
    world.task("STOPPED", Some(0));
    world.edit_task(|task| task.stop_code = Some("InfrastructureHealth".to_owned()));
    world.observed.cluster = Seen::Absent;
    world.step();
    assert_eq!(world.word("migrate"), "Waiting");
}

#[test]
fn a_run_that_ends_well_after_another_content_became_wanted_leaves_its_revision_completed() {
    let mut world = World::registered();
    world.step();
    world.want("migrate", "m2");
    world.register_as_answered("migrate", "m2", 2);
    world.task("STOPPED", Some(0));
    world.step();
    let completed = world.state.components["migrate"].completed.as_ref();
    assert_eq!(completed.map(|revision| revision.hash.as_str()), Some("m1"));
}
