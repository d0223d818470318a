//! Ready, Reconciling: never green without having seen it, and what a person can act on comes
//! first.

use super::*;
use ConditionType::{Ready, Reconciling, Stalled};

#[test]
fn ready_when_everything_declared_was_seen_steady_and_healthy() {
    let fixture = Fixture::good();
    let all = "everything declared runs and is healthy";
    assert_eq!(fixture.says(Ready), said(Truth::True, "Reconciled", all));
    assert_eq!(fixture.says(Reconciling), said(Truth::False, "Reconciled", all));
    assert_eq!(fixture.condition(Ready).observed_generation, Generation(3));
}

/// One way of making what is ready not ready.
type Spoil = fn(&mut Fixture);

#[test]
fn never_ready_when_something_declared_was_not_seen_steady_and_healthy() {
    let ways: [(&str, Spoil); 20] = [
        ("service absent", |w| drop(w.observed.services.insert("web".into(), Seen::Absent))),
        ("service not read", |w| drop(w.observed.services.insert("web".into(), Seen::NotRead))),
        ("service not in the answer", |w| w.observed.services.clear()),
        ("service unknown", |w| {
            w.observed.services.insert("web".into(), Seen::Unknown(gap("Throttled")));
            w.observed.gaps.push(gap("Throttled"));
        }),
        ("a task short", |w| w.web().running = 1),
        ("a task starting", |w| w.web().pending = 1),
        ("two deployments", |w| w.web().deployments.push(deployment("ACTIVE", 1))),
        ("still deploying", |w| w.web().deployments[0].rollout_state = Some("IN_PROGRESS".to_owned())),
        ("rolling", |w| {
            let since = w.now;
            let phase = Phase::Rolling { hash: "h1".into(), deployment: None, since, progress: (since, 0) };
            w.phase("web", phase);
        }),
        ("complete at another content", |w| {
            let since = w.now;
            w.phase("web", Phase::Complete { hash: "h0".into(), since });
        }),
        ("never advanced", |w| drop(w.rollout.components.remove("migrate"))),
        ("content not known", |w| w.resolved.components.get_mut("web").unwrap().definition = None),
        ("target unhealthy", |w| {
            drop(w.observed.targets.insert("web".into(), Seen::Present(vec![target("unhealthy"); 2])));
        }),
        ("target missing", |w| {
            drop(w.observed.targets.insert("web".into(), Seen::Present(vec![target("healthy")])));
        }),
        ("targets not looked at", |w| w.observed.targets.clear()),
        ("target group not looked at", |w| w.observed.resources.clear()),
        ("secret not looked at", |w| w.observed.secrets.clear()),
        ("action not tried", |w| w.acts(Reason::Changed, None)),
        ("action kept back at a stop", |w| {
            w.acts(Reason::Changed, Some(ActionResult::Skipped { because: "stopping".to_owned() }));
        }),
        ("action done and its effect not seen", |w| w.acts(Reason::Changed, done())),
    ];
    for (what, spoil) in ways {
        let mut fixture = Fixture::good();
        spoil(&mut fixture);
        let (truth, reason, message) = fixture.says(Ready);
        assert_ne!(truth, Truth::True, "{what}");
        assert!(!reason.is_empty() && !message.is_empty(), "{what}: {reason}: {message}");
    }
}

#[test]
fn an_old_revision_tidied_away_does_not_cost_readiness() {
    let mut fixture = Fixture::good();
    fixture.acts(Reason::Superseded, done());
    assert_eq!(fixture.condition(Ready).status, Truth::True);
}

#[test]
fn a_failed_deployment_that_has_no_tasks_left_does_not_cost_readiness() {
    let mut fixture = Fixture::good();
    let left = |desired: u32, running: u32, pending: u32| ObservedDeployment {
        rollout_state: Some("FAILED".to_owned()),
        desired,
        pending,
        ..deployment("ACTIVE", running)
    };
    fixture.web().deployments.push(left(0, 0, 0));
    assert_eq!(fixture.condition(Ready).status, Truth::True);
    for (desired, running, pending) in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        *fixture.web().deployments.last_mut().unwrap() = left(desired, running, pending);
        let why = "web: 2 of 2 tasks running, 2 ECS deployments under way";
        assert_eq!(fixture.says(Ready), said(Truth::False, "Progressing", why));
    }
}

#[test]
fn what_could_not_be_seen_is_unknown_and_says_why() {
    let mut fixture = Fixture::good();
    fixture.observed.services.insert("web".into(), Seen::Unknown(gap("Throttled")));
    fixture.observed.gaps = vec![gap("Throttled")];
    assert_eq!(fixture.says(Ready), said(Truth::Unknown, "NotSeen", "ecs:DescribeServices: Throttled: no"));
    assert_eq!(fixture.condition(Reconciling).status, Truth::True);
}

#[test]
fn a_component_that_lost_a_task_is_told_with_its_counts() {
    let mut fixture = Fixture::good();
    fixture.web().running = 1;
    assert_eq!(fixture.says(Ready), said(Truth::False, "Progressing", "web: 1 of 2 tasks running"));
}

#[test]
fn what_a_person_can_act_on_is_named_first() {
    let mut fixture = Fixture::good();
    let since = fixture.now;
    fixture.phase("web", Phase::Waiting { on: vec![], since });
    fixture.waits(group(), WaitingOn::Resource { id: group() });
    fixture.waits(service(), WaitingOn::Component { name: "migrate".into(), because: "TaskRunning".into() });
    fixture.waits(
        service(),
        WaitingOn::Cluster { name: "main".into(), because: "there is none in eu-west-1".into() },
    );
    let (_, reason, message) = fixture.says(Ready);
    assert_eq!(reason, "Progressing");
    assert_eq!(message, "service/web waits for cluster main: there is none in eu-west-1; web Waiting",);
}

#[test]
fn what_moves_by_itself_is_told_before_what_follows_from_it() {
    let mut fixture = Fixture::good();
    let since = fixture.now;
    fixture.phase("web", Phase::Waiting { on: vec![], since });
    fixture.waits(service(), WaitingOn::Component { name: "migrate".into(), because: "TaskRunning".into() });
    let task = ResourceId::new(ResourceKind::Task, "migrate");
    fixture.waits(task, WaitingOn::Task { task: "t1".into(), status: "PENDING".into() });
    assert_eq!(fixture.says(Ready).2, "web Waiting; task/migrate waits for task t1: PENDING");
}

#[test]
fn a_failed_action_is_told_with_what_it_was_about() {
    let mut fixture = Fixture::good();
    fixture.acts(Reason::Changed, failed(true));
    let why = "ecs:UpdateService service/web: AccessDenied: you may not";
    assert_eq!(fixture.says(Ready), said(Truth::False, "ActionFailed", why));
    assert_eq!(fixture.says(Reconciling), said(Truth::True, "ActionFailed", why));
    let mut fixture = Fixture::good();
    fixture.acts(Reason::Changed, Some(ActionResult::Unknown { message: "timed out".into() }));
    assert_eq!(
        fixture.says(Ready),
        said(Truth::False, "NoAnswer", "ecs:UpdateService service/web: no answer: timed out")
    );
}

#[test]
fn a_stalled_deployment_is_neither_ready_nor_reconciling() {
    let mut fixture = Fixture::good();
    fixture.acts(Reason::Changed, failed(false));
    let why = "ecs:UpdateService service/web: AccessDenied: you may not";
    assert_eq!(fixture.says(Stalled), said(Truth::True, "Refused", why));
    assert_eq!(fixture.says(Ready), said(Truth::False, "Refused", why));
    assert_eq!(fixture.condition(Reconciling).status, Truth::False);
}

#[test]
fn a_change_that_a_suspension_holds_back_is_not_ready() {
    let mut fixture = Fixture::good();
    fixture.suspend(SignedDuration::from_hours(1));
    assert_eq!(fixture.condition(Ready).status, Truth::True, "nothing differs");
    fixture.resolved.components.get_mut("web").unwrap().declared = "d2".into();
    let (truth, _, message) = fixture.says(Ready);
    assert_eq!(truth, Truth::False);
    assert_eq!(message, "what is declared of service/web is not in force yet");
    let (truth, reason, message) = fixture.says(Reconciling);
    assert_eq!((truth, reason.as_str()), (Truth::True, "Suspended"));
    assert!(message.contains("by ana until 2026-11-20T13:00:00Z: an incident"), "{message}");
}

#[test]
fn a_declared_resource_that_a_suspension_keeps_from_being_made_is_not_ready() {
    let mut fixture = Fixture::good();
    fixture.suspend(SignedDuration::from_hours(1));
    let log = ResourceId::new(ResourceKind::LogGroup, "/ecs/shop");
    fixture.observed.resources.insert(log.clone(), Seen::Absent);
    let declared = ResolvedResource { fields: Some(json!({})), waiting: vec![], declared: "d".into() };
    fixture.resolved.resources.insert(log, declared);
    assert_eq!(
        fixture.says(Ready),
        said(Truth::False, "Progressing", "log-group//ecs/shop does not exist yet")
    );
}

#[test]
fn a_light_pass_keeps_a_ready_deployment_ready() {
    let fixture = Fixture::good().lightly();
    assert_eq!(fixture.condition(Ready).status, Truth::True);
    assert_eq!(fixture.status(), fixture.prior.clone().unwrap(), "nothing at all changes");
}

#[test]
fn a_light_pass_makes_nothing_ready_that_was_not() {
    let mut fixture = Fixture::good();
    fixture.waits(group(), WaitingOn::Resource { id: group() });
    let mut fixture = fixture.lightly();
    fixture.plan.waiting_on.clear();
    assert_eq!(
        fixture.says(Ready),
        said(Truth::False, "Progressing", "target-group/web waits for target-group/web to exist")
    );
    fixture.prior = None;
    assert_eq!(fixture.condition(Ready).status, Truth::Unknown);
}

#[test]
fn a_light_pass_that_sees_a_task_gone_says_so() {
    let mut fixture = Fixture::good().lightly();
    fixture.web().running = 1;
    assert_eq!(fixture.condition(Ready).status, Truth::False);
}
