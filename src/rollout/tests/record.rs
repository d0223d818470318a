//! Sentences about what an answer of AWS leaves behind.

use super::Fixture;
use crate::model::asked::{Asked, Place};
use crate::model::call::Call;
use crate::model::desired::ResolvedResource;
use crate::model::observed::{Depth, Gap, ObservedResource, ObservedService, Readiness, Seen};
use crate::model::plan::*;
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER};
use crate::model::rollout::{Phase, Revision, RolloutState};
use crate::rollout::{record, record_intent};
use serde_json::json;

fn group() -> ResourceId {
    ResourceId::new(ResourceKind::TargetGroup, "web")
}

fn service() -> ResourceId {
    ResourceId::new(ResourceKind::Service, "web")
}

fn owned(arn: &str, owner: &str) -> Seen<ObservedResource> {
    let tags = [(TAG_OWNER.to_owned(), owner.to_owned())].into();
    Seen::Present(ObservedResource { tags, ..ObservedResource::new(arn, json!({})) })
}

fn owned_service(arn: &str) -> Seen<ObservedService> {
    Seen::Present(ObservedService {
        controller: None,
        current_deployment: None,
        revision: None,
        arn: arn.to_owned(),
        name: "shop-web".to_owned(),
        status: "ACTIVE".to_owned(),
        created_at: None,
        fields: json!({}),
        task_definition: String::new(),
        desired: 0,
        running: 0,
        pending: 0,
        deployments: vec![],
        events: vec![],
        tags: [(TAG_OWNER.to_owned(), "shop".to_owned())].into(),
    })
}

fn no_plan() -> Plan {
    Plan {
        stale_targets: std::collections::BTreeMap::new(),
        deployment: "shop".into(),
        generation: Default::default(),
        actions: vec![],
        waiting_on: vec![],
        drift: vec![],
        notes: vec![],
    }
}

pub(super) fn plan(actions: Vec<(ResourceId, Call)>) -> Plan {
    let planned = |(resource, call): (ResourceId, Call)| PlannedAction {
        resource,
        verb: call.spec().verbs[0],
        call,
        reason: Reason::Missing,
        changes: vec![],
    };
    Plan { actions: actions.into_iter().map(planned).collect(), ..no_plan() }
}

pub(super) fn answered(arn: &str, deployment: Option<&str>) -> Option<ActionResult> {
    Some(ActionResult::Done { arn: Some(arn.to_owned()), deployment: deployment.map(str::to_owned) })
}

impl Fixture {
    /// Records one plan with the results of its actions, in order.
    pub(super) fn recorded(&self, plan: &Plan, results: &[Option<ActionResult>]) -> RolloutState {
        let outcomes = results.iter().enumerate();
        let outcomes: Vec<Outcome> = outcomes
            .filter_map(|(action, result)| Some(Outcome { action, result: result.clone()? }))
            .collect();
        record(self.state.clone(), &self.resolved, &self.observed, plan, &outcomes)
    }

    /// A target group is declared, and this is what was seen of it.
    fn with_group(mut self, seen: Seen<ObservedResource>) -> Self {
        let resource =
            ResolvedResource { fields: Some(json!({})), waiting: vec![], declared: "declared".into() };
        self.resolved.resources.insert(group(), resource);
        self.observed.resources.insert(group(), seen);
        self
    }
}

fn create_group() -> (ResourceId, Call) {
    (group(), Call::CreateTargetGroup { fields: json!({}), tags: Default::default() })
}

fn register() -> (ResourceId, Call) {
    let call = Call::RegisterTaskDefinition {
        component: "web".into(),
        hash: "w2".into(),
        fields: json!({}),
        tags: Default::default(),
    };
    (ResourceId::new(ResourceKind::TaskDefinition, "web"), call)
}

fn point_at_revision() -> (ResourceId, Call) {
    let fields = json!({"taskDefinition": "shop-web:2"});
    (service(), Call::UpdateService { component: "web".into(), fields })
}

fn rolling(fixture: &mut Fixture) {
    let since = fixture.now;
    let phase = Phase::Rolling { hash: "w1".into(), deployment: None, since, progress: (since, 0) };
    fixture.state.components.entry("web".into()).or_default().phase = phase;
}

#[test]
fn a_registered_revision_is_the_one_of_its_component() {
    let fixture = Fixture::registered();
    let state = fixture.recorded(&plan(vec![register()]), &[answered("arn:web:2", None)]);
    let wanted = Revision { hash: "w2".into(), arn: "arn:web:2".to_owned(), registered: Some(fixture.now) };
    assert_eq!(state.components["web"].revision, Some(wanted));
    assert!(state.arns().next().is_none(), "revisions are kept by component");
}

#[test]
fn an_action_without_a_good_answer_leaves_nothing_behind() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    rolling(&mut fixture);
    let plan = plan(vec![register(), create_group(), point_at_revision()]);
    let bad = [
        None,
        Some(ActionResult::Unknown { message: "timed out".to_owned() }),
        Some(ActionResult::Skipped { because: "stopping".to_owned() }),
        Some(ActionResult::Failed { code: "A".into(), message: "b".into(), retryable: true }),
    ];
    for result in bad {
        let state = fixture.recorded(&plan, &[result.clone(), result.clone(), result.clone()]);
        assert_eq!(state, fixture.state, "{result:?}");
    }
}

#[test]
fn a_started_task_is_known_by_its_arn() {
    let mut fixture = Fixture::registered();
    let (since, token) = (fixture.now, "t".to_owned());
    let phase = Phase::TaskRunning {
        hash: "m1".into(),
        attempt: 1,
        token,
        task: None,
        since,
        deadline: since,
        within: None,
    };
    fixture.state.components.get_mut("migrate").unwrap().phase = phase;
    let call = Call::RunTask {
        component: "migrate".into(),
        forever: false,
        token: "t".into(),
        fields: json!({}),
        tags: Default::default(),
    };
    let plan = plan(vec![(ResourceId::new(ResourceKind::Task, "migrate"), call)]);
    let state = fixture.recorded(&plan, &[answered("arn:task", None)]);
    let Phase::TaskRunning { task, .. } = &state.components["migrate"].phase else { panic!() };
    assert_eq!(task.as_deref(), Some("arn:task"));
}

#[test]
fn a_service_that_was_pointed_at_a_revision_remembers_its_deployment() {
    let mut fixture = Fixture::registered();
    rolling(&mut fixture);
    let deployment = |state: &RolloutState| match &state.components["web"].phase {
        Phase::Rolling { deployment, .. } => deployment.clone(),
        other => panic!("{other:?}"),
    };
    let done = [answered("arn:service", Some("ecs-svc/1"))];
    let state = fixture.recorded(&plan(vec![point_at_revision()]), &done);
    assert_eq!(deployment(&state).as_deref(), Some("ecs-svc/1"));
    assert_eq!(state.arn(&service()).unwrap(), "arn:service");
    let scale = Call::UpdateService { component: "web".into(), fields: json!({"desiredCount": 2}) };
    let state = fixture.recorded(&plan(vec![(service(), scale)]), &done);
    assert_eq!(deployment(&state), None, "another field says nothing about the revision");
}

#[test]
fn the_clock_of_a_deployment_starts_with_it() {
    let mut fixture = Fixture::registered();
    rolling(&mut fixture);
    fixture.pass(900);
    let done = [answered("arn:service", Some("ecs-svc/2"))];
    let state = fixture.recorded(&plan(vec![point_at_revision()]), &done);
    let Phase::Rolling { progress, .. } = &state.components["web"].phase else { panic!("not rolling") };
    assert_eq!(*progress, (fixture.observed.at, 0));
}

#[test]
fn what_was_removed_in_a_pass_agrees_with_nothing_though_the_pass_saw_it() {
    let fixture = Fixture::registered().with_group(owned("arn:web", "shop"));
    let seen = fixture.recorded(&no_plan(), &[]);
    assert_eq!(seen.applied(&group()), Some(&"declared".into()));
    let delete = Call::DeleteTargetGroup { arn: "arn:web".to_owned() };
    let done = [Some(ActionResult::Done { arn: None, deployment: None })];
    let removed = fixture.recorded(&plan(vec![(group(), delete)]), &done);
    assert_eq!((removed.applied(&group()), removed.arn(&group())), (None, None));
}

#[test]
fn an_alarm_that_was_made_is_remembered_though_aws_does_not_say_its_arn() {
    let fixture = Fixture::registered();
    let alarm = ResourceId::new(ResourceKind::Alarm, "errors");
    let call = Call::PutMetricAlarm { fields: json!({"alarmName": "shop-errors"}), tags: Default::default() };
    let done = [Some(ActionResult::Done { arn: None, deployment: None })];
    let state = fixture.recorded(&plan(vec![(alarm.clone(), call)]), &done);
    assert_eq!(state.arn(&alarm), Some("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop-errors"));
}

#[test]
fn what_was_made_in_a_pass_is_remembered_although_the_pass_saw_it_absent() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    fixture.state.resource_mut(&group()).arn = Some("arn:old".to_owned());
    let state = fixture.recorded(&plan(vec![create_group()]), &[answered("arn:new", None)]);
    assert_eq!(state.arn(&group()).unwrap(), "arn:new");
    assert!(state.applied(&group()).is_none(), "made, and not yet seen to be as declared");
}

#[test]
fn what_was_seen_to_be_ours_is_remembered() {
    let mut fixture = Fixture::registered().with_group(owned("arn:group", "shop"));
    fixture.observed.services.insert("web".into(), owned_service("arn:service"));
    let state = fixture.recorded(&no_plan(), &[]);
    assert_eq!(state.arn(&group()).unwrap(), "arn:group");
    assert_eq!(state.arn(&service()).unwrap(), "arn:service");
    assert_eq!(state.applied(&group()), Some(&"declared".into()));
    assert_eq!(state.applied(&service()), Some(&"declared".into()));
}

/// A listener was made on another port and the edit undone, while old answers did not show it yet.
#[test]
fn what_had_the_key_before_is_left_over_until_it_is_seen_to_be_gone_or_is_declared_again() {
    let mut fixture = Fixture::new().with_group(owned("arn:group/1", "shop"));
    fixture.state.resource_mut(&group()).set_arn("arn:group/2");
    fixture.state = fixture.recorded(&no_plan(), &[]);
    let left_over = ResourceId::left_over(ResourceKind::TargetGroup, "arn:group/2");
    assert_eq!(fixture.state.arn(&group()), Some("arn:group/1"));
    assert_eq!(fixture.state.arn(&left_over), Some("arn:group/2"));
    let fixture = fixture.with_group(owned("arn:group/2", "shop"));
    let state = fixture.recorded(&no_plan(), &[]);
    assert_eq!((state.arn(&group()), state.arn(&left_over)), (Some("arn:group/2"), None));
}

#[test]
fn what_belongs_to_somebody_else_is_not_remembered() {
    let fixture = Fixture::registered().with_group(owned("arn:group", "other"));
    assert!(fixture.recorded(&no_plan(), &[]).arn(&group()).is_none());
}

#[test]
fn nothing_counts_as_agreed_while_anything_is_open_about_it() {
    let fixture = Fixture::registered().with_group(owned("arn:group", "shop"));
    let agreed = |plan: &Plan, results: &[Option<ActionResult>]| {
        fixture.recorded(plan, results).applied(&group()).is_some()
    };
    let id = || group();
    let wait = Waiting { resource: id(), on: WaitingOn::Resource { id: id() } };
    assert!(!agreed(&Plan { waiting_on: vec![wait], ..no_plan() }, &[]));
    let note = |blocks| Note { resource: id(), message: "odd".to_owned(), blocks, next_try: None };
    assert!(!agreed(&Plan { notes: vec![note(true)], ..no_plan() }, &[]));
    assert!(agreed(&Plan { notes: vec![note(false)], ..no_plan() }, &[]));
    let drift = |repaired| Drift { resource: id(), change: None, repaired };
    assert!(!agreed(&Plan { drift: vec![drift(false)], ..no_plan() }, &[]));
    let modify = || {
        let call = Call::ModifyTargetGroup { arn: "arn:group".into(), fields: json!({}) };
        plan(vec![(id(), call)])
    };
    assert!(!agreed(&modify(), &[None]));
    assert!(agreed(&Plan { drift: vec![drift(true)], ..modify() }, &[answered("arn:group", None)]));
}

#[test]
fn the_silence_of_a_suspended_plan_is_no_agreement() {
    let fixture = Fixture::registered().with_group(owned("arn:group", "shop"));
    let on = WaitingOn::Suspended { because: "by ana".to_owned(), answers: Vec::new() };
    let plan = Plan { waiting_on: vec![Waiting { resource: service(), on }], ..no_plan() };
    let state = fixture.recorded(&plan, &[]);
    assert!(state.applied(&group()).is_none(), "else the change would look like drift afterwards");
    assert!(state.arn(&group()).is_some());
}

#[test]
fn what_was_deleted_is_forgotten() {
    let mut fixture = Fixture::registered().with_group(owned("arn:group", "shop"));
    fixture.resolved.resources.clear();
    fixture.observed.resources.clear();
    fixture.state.resource_mut(&group()).arn = Some("arn:group".to_owned());
    fixture.state.resource_mut(&group()).applied = Some("declared".into());
    let delete = Call::DeleteTargetGroup { arn: "arn:group".to_owned() };
    let done = Some(ActionResult::Done { arn: None, deployment: None });
    let state = fixture.recorded(&plan(vec![(group(), delete)]), &[done]);
    assert!(state.resources.is_empty());
}

#[test]
fn the_arn_of_what_is_seen_to_be_absent_is_forgotten() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    fixture.observed.services.insert("web".into(), Seen::Absent);
    for id in [group(), service()] {
        fixture.state.resource_mut(&id.clone()).arn = Some("arn:gone".to_owned());
        fixture.state.resource_mut(&id).applied = Some("declared".into());
    }
    let state = fixture.recorded(&no_plan(), &[]);
    assert!(state.arns().next().is_none());
    assert_eq!(applied(&state), 2, "what is declared and gone was deleted by someone: that stays known");
}

#[test]
fn what_is_neither_declared_nor_there_is_forgotten_altogether() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    fixture.resolved.resources.clear();
    fixture.state.resource_mut(&group()).arn = Some("arn:gone".to_owned());
    fixture.state.resource_mut(&group()).applied = Some("declared".into());
    let state = fixture.recorded(&no_plan(), &[]);
    assert!(state.resources.is_empty());
}

#[test]
fn the_arn_of_what_was_not_seen_stays() {
    for seen in [Seen::NotRead, Seen::Unknown(gap())] {
        let mut fixture = Fixture::registered().with_group(seen);
        fixture.state.resource_mut(&group()).arn = Some("arn:group".to_owned());
        assert_eq!(fixture.recorded(&no_plan(), &[]).arn(&group()).unwrap(), "arn:group");
    }
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    fixture.state.resource_mut(&group()).arn = Some("arn:group".to_owned());
    fixture.observed.gaps = vec![gap()];
    assert_eq!(fixture.recorded(&no_plan(), &[]).arn(&group()).unwrap(), "arn:group", "not all was seen");
}

#[test]
fn the_arn_of_what_stands_under_its_old_name_stays_until_it_is_gone() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    fixture.state.resource_mut(&group()).arn = Some("arn:old".to_owned());
    let leftover = ResourceId::left_over(ResourceKind::TargetGroup, "arn:old");
    let shows = |fixture: &mut Fixture, seen| {
        fixture.observed.leftovers.insert("arn:old".to_owned(), (ResourceKind::TargetGroup, seen));
    };
    shows(&mut fixture, owned("arn:old", "shop"));
    let state = fixture.recorded(&no_plan(), &[]);
    assert_eq!((state.arn(&group()).unwrap(), state.arn(&leftover).unwrap()), ("arn:old", "arn:old"));
    shows(&mut fixture, Seen::Absent);
    fixture.state = state;
    assert!(fixture.recorded(&no_plan(), &[]).arns().next().is_none());
}

fn gap() -> Gap {
    Gap { operation: "x".to_owned(), code: "Throttled".to_owned(), message: String::new() }
}

#[test]
fn a_service_that_was_made_remembers_its_deployment_only_while_it_rolls() {
    let create = |name: &str| {
        let call = Call::CreateService {
            component: name.into(),
            token: String::new(),
            fields: json!({"taskDefinition": "arn:td"}),
            tags: Default::default(),
        };
        plan(vec![(ResourceId::new(ResourceKind::Service, name), call)])
    };
    let mut fixture = Fixture::registered();
    let before = fixture.state.components.clone();
    let done = [answered("arn:service", Some("ecs-svc/1"))];
    let state = fixture.recorded(&create("web"), &done);
    assert_eq!(state.components, before, "it waits, so the deployment is none of its intent");
    assert_eq!(state.arn(&service()).unwrap(), "arn:service");
    rolling(&mut fixture);
    let state = fixture.recorded(&create("web"), &done);
    assert!(
        matches!(&state.components["web"].phase, Phase::Rolling { deployment: Some(id), .. } if id == "ecs-svc/1")
    );
    let state = fixture.recorded(&create("gone"), &done);
    assert!(
        !state.components.contains_key("gone"),
        "a component that the record does not know is not made up"
    );
}

#[test]
fn an_answer_about_what_is_no_longer_in_the_record_changes_nothing_of_it() {
    let mut fixture = Fixture::registered();
    let before = fixture.state.components.clone();
    let run = Call::RunTask {
        component: "migrate".into(),
        forever: false,
        token: "t".into(),
        fields: json!({}),
        tags: Default::default(),
    };
    let task = ResourceId::new(ResourceKind::Task, "migrate");
    let state = fixture.recorded(&plan(vec![(task.clone(), run)]), &[answered("arn:task", None)]);
    assert_eq!(state.components, before, "no run was asked for");
    assert_eq!(state.arn(&task).unwrap(), "arn:task", "and still it is found again");
    fixture.state.components.clear();
    let none = Some(ActionResult::Done { arn: None, deployment: None });
    for result in [answered("arn:web:2", None), none] {
        assert_eq!(fixture.recorded(&plan(vec![register()]), &[result]), fixture.state);
    }
}

#[test]
fn a_task_that_is_no_longer_declared_is_forgotten_once_it_was_seen_to_have_ended() {
    let id = ResourceId::new(ResourceKind::Task, "old");
    let task = |status: &str| {
        let mut fixture = Fixture::registered();
        fixture.step();
        fixture.task(status, None);
        let Some(Seen::Present(tasks)) = fixture.observed.tasks.remove("migrate") else { panic!("no tasks") };
        Seen::Present(tasks)
    };
    for (seen, declared, stays) in [
        (task("STOPPED"), false, false),
        (Seen::Absent, false, false),
        (task("STOPPED"), true, true),
        (task("RUNNING"), false, true),
        (Seen::NotRead, false, true),
    ] {
        let mut fixture = Fixture::registered();
        fixture.state.resource_mut(&id.clone()).arn = Some("arn:task".to_owned());
        fixture.observed.tasks.insert("old".into(), seen.clone());
        if declared {
            fixture.want("old", "o1");
        }
        assert_eq!(
            fixture.recorded(&no_plan(), &[]).arn(&id).is_some(),
            stays,
            "{seen:?}, declared {declared}"
        );
    }
}

#[test]
fn only_what_was_seen_and_could_be_resolved_counts_as_agreed() {
    let mut fixture = Fixture::registered().with_group(Seen::NotRead);
    assert!(applied(&fixture.recorded(&no_plan(), &[])) == 0, "nothing was seen");
    fixture = fixture.with_group(owned("arn:group", "shop"));
    fixture.observed.services.insert("web".into(), owned_service("arn:service"));
    for resource in fixture.resolved.resources.values_mut() {
        resource.fields = None;
    }
    fixture.resolved.components.get_mut("web").unwrap().fields = None;
    assert!(applied(&fixture.recorded(&no_plan(), &[])) == 0, "what it is to be is not known");
}

#[test]
fn an_address_without_a_task_is_remembered_since_it_was_first_seen_and_forgotten_when_it_has_one() {
    let Fixture { resolved, mut observed, .. } = Fixture::complete();
    let mut state = RolloutState::default();
    let with = |addresses: &[&str]| Plan {
        stale_targets: [("web".to_owned(), addresses.iter().map(|one| (*one).to_owned()).collect())].into(),
        ..no_plan()
    };
    let begin = observed.at;
    for (minutes, addresses, since) in [
        (0, &["10.0.0.9:80"][..], Some(0)),
        (3, &["10.0.0.9:80", "10.0.0.8:80"][..], Some(0)),
        (4, &["10.0.0.8:80"][..], None),
        (5, &["10.0.0.9:80"][..], Some(5)),
    ] {
        observed.at = begin + jiff::SignedDuration::from_mins(minutes);
        state = record(state, &resolved, &observed, &with(addresses), &[]);
        let known =
            state.resources.get(&group()).and_then(|known| known.stale_targets.get("10.0.0.9:80")).copied();
        assert_eq!(
            known,
            since.map(|since| begin + jiff::SignedDuration::from_mins(since)),
            "after {minutes} min"
        );
    }
    // A group of which it is not known keeps what is known.
    state = record(state, &resolved, &observed, &no_plan(), &[]);
    assert_eq!(state.resources[&group()].stale_targets.len(), 1);
}

#[test]
fn what_was_asked_for_is_known_by_its_place_until_aws_answers_or_must_show_it() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    let call = Call::CreateTargetGroup { fields: json!({"name": "shop-web"}), tags: Default::default() };
    let plan = plan(vec![(group(), call)]);
    let asked = |fixture: &Fixture| {
        record_intent(fixture.state.clone(), &fixture.observed, &plan, "eu-west-1", fixture.now)
    };
    fixture.observed.at = fixture.now;
    fixture.state = asked(&fixture);
    let place = Place::Named { name: "shop-web".to_owned() };
    let expected = Asked { resource: group(), place, region: "eu-west-1".to_owned(), at: fixture.now };
    assert_eq!(fixture.state.asked, [expected].into(), "kept before it is asked for");
    let unknown = ActionResult::Unknown { message: "timeout".to_owned() };
    assert_eq!(fixture.recorded(&plan, &[Some(unknown)]).asked.len(), 1, "no answer");
    assert_eq!(fixture.recorded(&plan, &[answered("arn:group", None)]).asked.len(), 0, "AWS said yes");
    assert_eq!(fixture.recorded(&plan, &[None]).asked.len(), 0, "it was not called");
    fixture.pass(299);
    fixture.observed.at = fixture.now;
    assert_eq!(fixture.recorded(&no_plan(), &[]).asked.len(), 1, "it need not be shown yet");
    fixture.pass(1);
    fixture.observed.at = fixture.now;
    assert_eq!(fixture.recorded(&no_plan(), &[]).asked.len(), 0, "it would be shown");
    fixture.observed.depth = Depth::Light;
    assert_eq!(fixture.recorded(&no_plan(), &[]).asked.len(), 1, "nobody looked");
}

#[test]
fn what_was_made_lately_is_not_forgotten_because_an_old_answer_does_not_show_it() {
    let mut fixture = Fixture::registered().with_group(Seen::Absent);
    fixture.state = record_intent(
        fixture.state.clone(),
        &fixture.observed,
        &plan(vec![create_group()]),
        "eu-west-1",
        fixture.now,
    );
    assert_eq!(fixture.state.made_at, Some(fixture.now), "kept before it is asked for");
    fixture.state.resource_mut(&group()).arn = Some("arn:group".to_owned());
    fixture.pass(299);
    fixture.observed.at = fixture.now;
    assert_eq!(fixture.recorded(&no_plan(), &[]).arns().count(), 1);
    fixture.pass(1);
    fixture.observed.at = fixture.now;
    assert_eq!(fixture.recorded(&no_plan(), &[]).arns().count(), 0);
}

/// Resources that were last seen in agreement with their declaration.
fn applied(state: &RolloutState) -> usize {
    state.resources.values().filter(|known| known.applied.is_some()).count()
}

#[test]
fn what_is_there_counts_as_applied_once_it_is_ready() {
    for (readiness, applied) in [
        (Readiness::Changing { what: "being made".into() }, false),
        (Readiness::Failed { why: "no room".into() }, false),
        (Readiness::Ready, true),
    ] {
        let Seen::Present(found) = owned("arn:group", "shop") else { unreachable!() };
        let fixture = Fixture::registered()
            .with_group(Seen::Present(ObservedResource { readiness: readiness.clone(), ..found }));
        let state = fixture.recorded(&no_plan(), &[]);
        assert_eq!(state.arn(&group()), Some("arn:group"), "{readiness:?}");
        assert_eq!(state.applied(&group()).is_some(), applied, "{readiness:?}");
    }
}
