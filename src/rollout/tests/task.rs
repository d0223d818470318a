//! Sentences about tasks outside any service.

use super::gates::gap;
use super::*;
use crate::model::rollout::WorkloadKind;

impl Fixture {
    fn workload(&mut self, edit: impl FnOnce(&mut u32, &mut RunPolicy)) {
        let migrate = self.desired.components.get_mut("migrate").unwrap();
        let Workload::Task { retries, run, .. } = &mut migrate.workload else { panic!("no task") };
        edit(retries, run);
    }

    fn forever() -> Self {
        let mut fixture = Fixture::registered();
        fixture.workload(|_, run| *run = RunPolicy::Forever);
        fixture
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
            within: None,
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
    let mut fixture = Fixture::registered();
    fixture.observed.tasks.insert("migrate".into(), Seen::Absent);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "TaskRunning");
    for (seen, why) in [
        (Some(Seen::Unknown(gap())), "AccessDenied"),
        (Some(Seen::NotRead), "not looked at"),
        (None, "not looked at"),
    ] {
        let mut fixture = Fixture::registered();
        fixture.observed.tasks.remove("migrate");
        if let Some(seen) = seen {
            fixture.observed.tasks.insert("migrate".into(), seen);
        }
        fixture.step();
        assert!(
            fixture.waits("migrate").iter().any(|wait| wait.contains(why)),
            "{:?}",
            fixture.waits("migrate")
        );
    }
}

#[test]
fn whatever_still_runs_ends_first() {
    let mut fixture = Fixture::registered();
    fixture.stray(1, "RUNNING");
    fixture.step();
    assert!(fixture.waits("migrate")[0].contains("task/c/t1"), "{:?}", fixture.waits("migrate"));
    fixture.stray(1, "STOPPED");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "TaskRunning");
}

#[test]
fn a_task_for_ever_is_complete_while_it_runs_and_started_again_when_it_is_gone() {
    let mut fixture = Fixture::forever();
    fixture.step();
    fixture.task("PENDING", None);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "TaskRunning");
    fixture.task("RUNNING", None);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
    for unseen in [Seen::NotRead, Seen::Unknown(gap())] {
        fixture.observed.tasks.insert("migrate".into(), unseen);
        fixture.step();
        assert_eq!(fixture.word("migrate"), "Complete");
    }
    for gone in [Seen::Absent, Seen::Present(vec![])] {
        let mut fixture = Fixture {
            state: fixture.state.clone(),
            observed: fixture.observed.clone(),
            ..Fixture::forever()
        };
        fixture.observed.tasks.insert("migrate".into(), gone);
        fixture.step();
        assert_eq!(fixture.word("migrate"), "TaskRunning");
    }
}

#[test]
fn a_task_that_ran_for_ever_and_is_to_end_is_not_complete_before_it_ended() {
    let mut fixture = Fixture::forever();
    fixture.step();
    fixture.task("RUNNING", None);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
    fixture.workload(|_, run| *run = RunPolicy::Completion);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting", "its content never came to an end");
    // A record that did not tell the two apart is looked at again, and nothing is started.
    let mut fixture = Fixture::forever();
    fixture.stray(1, "RUNNING");
    fixture.state.components.get_mut("migrate").unwrap().workload = Some(WorkloadKind::Task);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
}

#[test]
fn a_task_for_ever_that_ends_has_failed_whatever_its_exit_code() {
    let mut fixture = Fixture::forever();
    fixture.step();
    fixture.task("STOPPED", Some(0));
    fixture.step();
    assert!(fixture.why().contains("should run for ever"), "{}", fixture.why());
}

#[test]
fn a_task_for_ever_that_already_runs_the_revision_is_not_started_twice() {
    let mut fixture = Fixture::forever();
    fixture.stray(1, "RUNNING");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
    let mut fixture = Fixture::forever();
    fixture.stray(1, "PENDING");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting", "it may yet fail to start");
    let mut fixture = Fixture::forever();
    fixture.stray(9, "RUNNING");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting", "another revision makes way first");
    let mut fixture = Fixture::forever();
    fixture.stray(1, "STOPPED");
    fixture.step();
    assert_eq!(
        fixture.word("migrate"),
        "TaskRunning",
        "that a gate was passed before says nothing of what runs"
    );
}

#[test]
fn a_task_that_is_complete_stays_so_while_its_content_is_unknown() {
    let mut fixture = Fixture::complete();
    fixture.resolved.components.get_mut("migrate").unwrap().definition = None;
    fixture.observed.tasks.insert("migrate".into(), Seen::Absent);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
}

#[test]
fn a_failed_task_is_run_again_as_often_as_the_document_says() {
    let mut fixture = Fixture::registered();
    fixture.workload(|retries, _| *retries = 1);
    fixture.step();
    fixture.task("STOPPED", Some(1));
    fixture.step();
    assert!(matches!(fixture.phase("migrate"), Phase::TaskRunning { attempt: 2, task: None, .. }));
    fixture.task("STOPPED", Some(1));
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled");
    assert_eq!(fixture.state.components["migrate"].failures.len(), 1);
}

#[test]
fn more_time_is_for_the_run_that_is_under_way_and_for_one_that_had_too_little() {
    let give = |fixture: &mut Fixture, seconds: u32| {
        let migrate = fixture.desired.components.get_mut("migrate").unwrap();
        let Workload::Task { deadline_seconds, .. } = &mut migrate.workload else { panic!("no task") };
        *deadline_seconds = seconds;
    };
    let left = |fixture: &Fixture| {
        let Phase::TaskRunning { deadline, .. } = fixture.phase("migrate") else { return None };
        Some(deadline.duration_since(fixture.now).as_secs())
    };
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("RUNNING", None);
    fixture.pass(500);
    for (seconds, expected) in [(900, 400), (900, 400), (700, 200), (600, 100)] {
        give(&mut fixture, seconds);
        fixture.step();
        assert_eq!(left(&fixture), Some(expected), "{seconds}");
    }
    fixture.pass(100);
    fixture.task("STOPPED", Some(137));
    for (seconds, runs) in [(600, false), (599, false), (601, true)] {
        give(&mut fixture, seconds);
        fixture.step();
        assert_eq!(left(&fixture), runs.then_some(601), "{seconds}");
    }
    // What failed by itself does not need more time.
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(1));
    fixture.step();
    give(&mut fixture, 6000);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled");
}

#[test]
fn a_task_that_was_stopped_at_its_deadline_says_so() {
    for (seconds, late) in [(599, false), (600, true)] {
        let mut fixture = Fixture::registered();
        fixture.step();
        fixture.pass(seconds);
        fixture.task("STOPPED", Some(137));
        fixture.step();
        let Phase::Stalled { reason, .. } = fixture.phase("migrate") else { panic!("{seconds}") };
        assert_eq!(*reason == StallReason::TaskDeadlineExceeded, late, "{seconds}");
        assert_eq!(fixture.why().contains("did not end by"), late);
    }
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(1));
    fixture.edit_task(|task| task.stopped_at = None);
    fixture.pass(600);
    fixture.step();
    assert!(fixture.why().contains("did not end by"), "without a time of its own the pass's counts");
}

#[test]
fn a_newer_content_takes_the_place_of_one_that_failed_or_was_never_started() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.want("migrate", "m2");
    fixture.task("STOPPED", Some(1));
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting", "for its revision");
    assert!(fixture.state.components["migrate"].failures.is_empty());

    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.want("migrate", "m2");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting");
}

#[test]
fn a_task_that_runs_an_older_content_is_waited_for() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("RUNNING", None);
    fixture.step();
    fixture.want("migrate", "m2");
    fixture.step();
    assert!(matches!(fixture.phase("migrate"), Phase::TaskRunning { hash, .. } if hash.as_str() == "m1"));
}

#[test]
fn a_lost_task_is_run_again_only_when_the_gates_are_open_and_at_the_newest_content() {
    let lost = || {
        let mut fixture = Fixture::registered();
        fixture.step();
        fixture.task("RUNNING", None);
        fixture.step();
        fixture.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
        fixture
    };
    let mut fixture = lost();
    fixture.pass(300);
    fixture.step();
    assert!(
        matches!(fixture.phase("migrate"), Phase::TaskRunning { attempt: 1, .. }),
        "ECS may still show it"
    );
    fixture.pass(1);
    fixture.observed.cluster = Seen::Absent;
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting");

    let mut fixture = lost();
    fixture.pass(301);
    fixture.want("migrate", "m2");
    fixture.register("migrate", "m2", 2);
    fixture.step();
    assert!(
        matches!(fixture.phase("migrate"), Phase::TaskRunning { hash, attempt: 2, .. } if hash.as_str() == "m2")
    );
}

#[test]
fn a_task_is_known_by_its_arn_as_well_as_by_its_token() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("RUNNING", None);
    fixture.step();
    fixture.edit_task(|task| {
        task.started_by = None;
        task.last_status = "STOPPED".into();
        task.containers[0].exit_code = Some(0);
    });
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
}

/// A fixture whose record was lost; its migration is found by its tags, its web service runs this
/// hash, as far as tags say so.
fn lost(hash: &str, owned: bool) -> Fixture {
    let mut fixture = Fixture::complete();
    fixture.state = RolloutState::default();
    fixture.step();
    fixture.register("migrate", "m1", 1);
    // As it is found by its tags.
    let revision = fixture.state.components.get_mut("migrate").unwrap().revision.as_mut().unwrap();
    revision.registered = None;
    let mut found = definition("shop-migrate", 1, "ACTIVE");
    found.registered_at = Some(fixture.now - SignedDuration::from_hours(2));
    fixture.observed.definitions.insert(found.arn.clone(), Seen::Present(found));
    fixture.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
    let tags = if owned { [(TAG_HASH.to_owned(), hash.to_owned())].into() } else { BTreeMap::new() };
    let shown = ObservedDefinition { tags, ..definition("shop-web", 1, "ACTIVE") };
    fixture.observed.definitions.insert(arn("shop-web", 1), Seen::Present(shown));
    fixture
}

/// What becomes of the migration.
fn word(mut fixture: Fixture) -> &'static str {
    fixture.step();
    fixture.word("migrate")
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
        let mut fixture = lost("w1", true);
        let at = ago.map(|ago| fixture.now - ago);
        let Some(Seen::Present(found)) = fixture.observed.definitions.get_mut(&arn("shop-migrate", 1)) else {
            panic!("it was shown")
        };
        found.registered_at = at;
        fixture
    };
    assert_eq!(word(registered(None)), "TaskRunning", "nothing says when it was registered");
    let mut lately = registered(Some(SignedDuration::from_mins(20)));
    lately.pass(60);
    assert_eq!(word(lately), "TaskRunning", "ECS would still show its run");
    let mut after = registered(Some(SignedDuration::from_hours(-1)));
    after.pass(3 * 3600);
    assert_eq!(word(after), "TaskRunning", "the service was not rolled since it was registered");
}

/// A fixture in which the task ended, obeying a stop signal with exit code 0, for this cause.
fn stopped(code: &str, reason: &str) -> Fixture {
    let mut fixture = Fixture::registered();
    fixture.workload(|retries, _| *retries = 1);
    fixture.step();
    fixture.pass(60);
    fixture.task("STOPPED", Some(0));
    fixture.edit_task(|task| {
        task.stop_code = Some(code.to_owned());
        task.stopped_reason = Some(reason.to_owned());
    });
    fixture.step();
    fixture
}

#[test]
fn a_task_that_a_person_stopped_has_not_done_its_work_and_is_not_run_again() {
    let fixture = stopped("UserInitiated", "Task stopped by user");
    assert!(fixture.why().contains("somebody stopped it: Task stopped by user"), "{}", fixture.why());
}

#[test]
fn a_task_that_was_stopped_at_its_deadline_has_not_done_its_work_though_it_obeyed_with_0() {
    let mut fixture = stopped("UserInitiated", "Evenkeel: not done by 2026-11-21T12:00:00Z");
    assert!(matches!(fixture.phase("migrate"), Phase::TaskRunning { attempt: 2, .. }));
    fixture.task("STOPPED", Some(0));
    fixture.edit_task(|task| {
        task.stop_code = Some("UserInitiated".to_owned());
        task.stopped_reason = Some("Evenkeel: not done by 2026-11-21T12:00:00Z".to_owned());
    });
    fixture.step();
    let Phase::Stalled { reason, .. } = fixture.phase("migrate") else {
        panic!("{:?}", fixture.phase("migrate"))
    };
    assert_eq!(*reason, StallReason::TaskDeadlineExceeded);
}

#[test]
fn a_task_that_evenkeel_stopped_for_another_cause_is_run_again_and_not_held_against_its_content() {
    let fixture = stopped("UserInitiated", "Evenkeel: no longer declared");
    let now = fixture.now;
    let Phase::TaskRunning { attempt: 1, since, deadline, task: None, .. } = fixture.phase("migrate") else {
        panic!("{:?}", fixture.phase("migrate"))
    };
    assert_eq!((*since, deadline.duration_since(now)), (now, SignedDuration::from_secs(600)));
    assert!(fixture.state.components["migrate"].failures.is_empty());
}

#[test]
fn an_interrupted_task_is_run_again_within_its_deadline() {
    let mut fixture = stopped("SpotInterruption", "Your Spot Task was interrupted.");
    let Phase::TaskRunning { attempt: 1, deadline, .. } = fixture.phase("migrate") else {
        panic!("{:?}", fixture.phase("migrate"))
    };
    assert_eq!(deadline.duration_since(fixture.now), SignedDuration::from_secs(540));
    fixture.workload(|retries, _| *retries = 0);
    fixture.pass(540);
    fixture.task("STOPPED", Some(0));
    fixture.edit_task(|task| task.stop_code = Some("TerminationNotice".to_owned()));
    fixture.step();
    let Phase::Stalled { reason, .. } = fixture.phase("migrate") else {
        panic!("{:?}", fixture.phase("migrate"))
    };
    assert_eq!(*reason, StallReason::TaskDeadlineExceeded);
    assert!(fixture.why().contains("it was interrupted"), "{}", fixture.why());
}

#[test]
fn an_interrupted_task_waits_while_its_gates_are_closed() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(0));
    fixture.edit_task(|task| task.stop_code = Some("InfrastructureHealth".to_owned()));
    fixture.observed.cluster = Seen::Absent;
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting");
}

#[test]
fn a_run_that_ends_well_after_another_content_became_wanted_leaves_its_revision_completed() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.want("migrate", "m2");
    fixture.register_as_answered("migrate", "m2", 2);
    fixture.task("STOPPED", Some(0));
    fixture.step();
    let completed = fixture.state.components["migrate"].completed.as_ref();
    assert_eq!(completed.map(|revision| revision.hash.as_str()), Some("m1"));
}

#[test]
fn an_edit_that_is_undone_before_its_run_began_runs_nothing_again() {
    let mut fixture = Fixture::complete();
    fixture.step();
    fixture.want("migrate", "m2");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting", "its revision is to be registered");
    fixture.want("migrate", "m1");
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
}

#[test]
fn an_edit_that_is_undone_after_its_run_began_runs_the_former_content_again() {
    let mut fixture = Fixture::complete();
    fixture.step();
    fixture.want("migrate", "m2");
    fixture.step();
    fixture.register_as_answered("migrate", "m2", 2);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "TaskRunning");
    fixture.task("STOPPED", Some(1));
    fixture.step();
    fixture.want("migrate", "m1");
    for _ in 0..3 {
        fixture.step();
    }
    assert_ne!(fixture.word("migrate"), "Complete");
}
