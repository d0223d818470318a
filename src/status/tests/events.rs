//! Events: every one once, in order, never too many.

use super::*;
use crate::model::status::{Event, EventKind, EventReason, Record};
use crate::status::events::{append, event, of_pass};

fn happened(now: Timestamp, reason: EventReason, object: &str, message: &str) -> Event {
    event(now, EventKind::Normal, reason, object, message.to_owned())
}

/// Events of a pass that changed neither stages nor conditions.
fn of_actions(plan: &Plan, outcomes: &[Outcome], now: Timestamp) -> Vec<Event> {
    let (rollout, status) = (RolloutState::default(), Fixture::good().status());
    of_pass(plan, outcomes, (&rollout, &rollout), (Some(&status), &status), now)
}

/// Events of a pass that changed nothing but stages.
fn of_phases(before: &RolloutState, after: &RolloutState, now: Timestamp) -> Vec<Event> {
    let (plan, status) = (Fixture::good().plan, Fixture::good().status());
    of_pass(&plan, &[], (before, after), (Some(&status), &status), now)
}

/// Events of a pass that changed nothing but conditions.
fn of_conditions(before: Option<&DeploymentStatus>, after: &DeploymentStatus, now: Timestamp) -> Vec<Event> {
    let (plan, rollout) = (Fixture::good().plan, RolloutState::default());
    of_pass(&plan, &[], (&rollout, &rollout), (before, after), now)
}

fn reasons(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.reason.as_str()).collect()
}

#[test]
fn what_is_said_again_is_counted_with_its_last_time() {
    let now = Fixture::good().now;
    let later = now + SignedDuration::from_secs(60);
    let mut record = Record::new("shop".into());
    append(&mut record, [happened(now, EventReason::ActionFailed, "service/web", "denied")]);
    append(&mut record, [happened(later, EventReason::ActionFailed, "service/web", "denied")]);
    assert_eq!(
        record.events,
        vec![Event { count: 2, ..happened(later, EventReason::ActionFailed, "service/web", "denied") }]
    );
    append(&mut record, [happened(later, EventReason::ActionFailed, "service/web", "throttled")]);
    append(&mut record, [happened(later, EventReason::ActionFailed, "service/api", "denied")]);
    assert_eq!(record.events.len(), 3, "another message or object is another event");
}

#[test]
fn a_repair_that_is_refused_at_every_pass_does_not_flood() {
    let mut now = Fixture::good().now;
    let mut record = Record::new("shop".into());
    append(&mut record, [happened(now, EventReason::Ready, "", "all is well")]);
    for _ in 0..300 {
        now += SignedDuration::from_secs(60);
        append(
            &mut record,
            [
                happened(now, EventReason::DriftSeen, "service/web", "desiredCount 5 → 2"),
                event(now, EventKind::Warning, EventReason::ActionFailed, "service/web", "denied".to_owned()),
            ],
        );
    }
    assert_eq!(reasons(&record.events), ["Ready", "DriftSeen", "ActionFailed"]);
    assert_eq!(record.events[1].count, 300);
}

#[test]
fn several_fields_that_differ_at_every_pass_are_one_event_each_until_an_hour_was_quiet() {
    let mut now = Fixture::good().now;
    let mut record = Record::new("shop".into());
    let fields = ["desiredCount", "enableExecuteCommand", "propagateTags", "loadBalancers", "tags.team"];
    let differ = |record: &mut Record, now: Timestamp| {
        let told = |field: &&str| {
            event(
                now,
                EventKind::Warning,
                EventReason::DriftReported,
                "service/web",
                format!("{field} a → b"),
            )
        };
        append(record, fields.iter().map(told));
    };
    for _ in 0..90 {
        now += SignedDuration::from_secs(60);
        differ(&mut record, now);
    }
    let counts: Vec<u32> = record.events.iter().map(|event| event.count).collect();
    assert_eq!(counts, [90; 5]);
    now += SignedDuration::from_hours(2);
    differ(&mut record, now);
    differ(&mut record, now);
    assert_eq!(record.events.len(), 10, "what comes again after that is told anew");
}

#[test]
fn events_stay_ordered_by_when_they_were_last_seen() {
    let now = Fixture::good().now;
    let later = now + SignedDuration::from_secs(60);
    let mut record = Record::new("shop".into());
    append(
        &mut record,
        [
            happened(now, EventReason::Created, "service/web", "a"),
            happened(now, EventReason::Updated, "service/api", "b"),
        ],
    );
    append(&mut record, [happened(later, EventReason::Created, "service/web", "a")]);
    assert_eq!(reasons(&record.events), ["Updated", "Created"]);
}

#[test]
fn only_the_newest_events_are_kept() {
    let now = Fixture::good().now;
    let mut record = Record::new("shop".into());
    append(&mut record, (0..500).map(|n| happened(now, EventReason::Created, "service/web", &n.to_string())));
    assert_eq!(record.events.len(), Record::MAX_EVENTS);
    assert_eq!(record.events.last().unwrap().message, "499");
}

#[test]
fn drift_is_told_with_its_field_and_its_repair() {
    let mut fixture = Fixture::good();
    fixture.drifts(true);
    fixture.acts(Reason::Drifted, done());
    let events = of_actions(&fixture.plan, &fixture.outcomes, fixture.now);
    assert_eq!(reasons(&events), ["DriftSeen", "DriftRepaired"]);
    assert_eq!(events[0].message, "desiredCount 5 → 2 (declared)");
    assert_eq!(events[1].object, "service/web");
    let mut fixture = Fixture::good();
    fixture.drifts(false);
    let events = of_actions(&fixture.plan, &[], fixture.now);
    assert_eq!((events[0].kind, events[0].reason.as_str()), (EventKind::Warning, "DriftReported"));
}

#[test]
fn what_failed_had_no_answer_or_was_not_tried() {
    let mut fixture = Fixture::good();
    fixture.acts(Reason::Changed, failed(true));
    fixture.acts(Reason::Changed, Some(ActionResult::Unknown { message: "timed out".into() }));
    fixture.acts(Reason::Changed, Some(ActionResult::Skipped { because: "stopping".into() }));
    let events = of_actions(&fixture.plan, &fixture.outcomes, fixture.now);
    assert_eq!(reasons(&events), ["ActionFailed", "NoAnswer"]);
    assert_eq!(events[0].message, "ecs:UpdateService: AccessDenied: you may not");
    assert!(events.iter().all(|event| event.kind == EventKind::Warning));
}

#[test]
fn a_stage_is_told_once() {
    let before = Fixture::good();
    let mut after = Fixture::good();
    assert!(of_phases(&before.rollout, &after.rollout, before.now).is_empty());
    let (since, reason) = (before.now, "tasks failed".to_owned());
    let deployment = "ecs-svc/2".to_owned();
    after.phase("web", Phase::RolledBack { hash: "h2".into(), deployment, reason, since });
    let events = of_phases(&before.rollout, &after.rollout, before.now);
    assert_eq!(reasons(&events), ["RolledBack"]);
    assert_eq!(events[0].message, "by ECS, deployment ecs-svc/2: tasks failed");
    assert!(of_phases(&after.rollout, &after.rollout, before.now).is_empty());
}

#[test]
fn readiness_that_is_reached_or_lost_is_told() {
    let good = Fixture::good();
    let ready = good.status();
    assert_eq!(reasons(&of_conditions(None, &ready, good.now)), ["Ready"]);
    assert!(of_conditions(Some(&ready), &ready, good.now).is_empty());
    let mut bad = Fixture::good();
    bad.observed.secrets.insert("shop/db".into(), Seen::Absent);
    let lost = bad.status();
    assert_eq!(reasons(&of_conditions(Some(&ready), &lost, good.now)), ["NotReady", "SecretsNotReady"]);
    assert_eq!(reasons(&of_conditions(Some(&lost), &ready, good.now)), ["Ready", "SecretsReady"]);
    let mut paused = Fixture::good();
    paused.suspend(SignedDuration::from_hours(1));
    assert_eq!(reasons(&of_conditions(Some(&ready), &paused.status(), good.now)), ["Suspended"]);
    assert_eq!(reasons(&of_conditions(Some(&paused.status()), &ready, good.now)), ["Resumed"]);
}
