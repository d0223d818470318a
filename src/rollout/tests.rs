//! Sentences about steps.

mod gates;
mod properties;
mod record;
mod service;
mod stages;
mod task;

use super::{ROTATION_SETTLE_SECONDS, StepInput, advance, settle_secrets, wants_polling};
use crate::model::desired::{
    DesiredComponent, DesiredState, ResolvedComponent, ResolvedDefinition, ResolvedState, Workload,
};
use crate::model::ids::{ComponentName, Generation};
use crate::model::kinds::application::RunPolicy;
use crate::model::kinds::{DeletionPolicy, DriftPolicy, DriftSpec, Placement};
use crate::model::observed::*;
use crate::model::plan::WaitingOn;
use crate::model::resource::{TAG_HASH, TAG_OWNER};
use crate::model::rollout::{Phase, Revision, RolloutState, SecretVersion, StallReason};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;

/// A migration and a web service that depends on it, with everything that a step reads.
struct Fixture {
    desired: DesiredState,
    resolved: ResolvedState,
    observed: ObservedState,
    state: RolloutState,
    now: Timestamp,
}

fn arn(family: &str, revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{family}:{revision}")
}

/// A revision as DescribeTaskDefinition shows it, without tags.
fn definition(family: &str, number: u32, status: &str) -> ObservedDefinition {
    ObservedDefinition {
        arn: arn(family, number),
        status: status.into(),
        registered_at: None,
        registered_by: None,
        fields: json!({}),
        tags: BTreeMap::new(),
    }
}

fn component(name: &str, depends_on: &[&str], workload: Workload) -> DesiredComponent {
    DesiredComponent {
        name: name.into(),
        depends_on: depends_on.iter().map(|on| ComponentName::from(*on)).collect(),
        family: format!("shop-{name}"),
        task_definition: json!({"containerDefinitions": [{"name": name, "image": "i:1"}]}),
        secrets: Default::default(),
        workload,
    }
}

fn resolved(name: &str, hash: &str) -> ResolvedComponent {
    let family = format!("shop-{name}");
    ResolvedComponent {
        definition: Some(ResolvedDefinition { family, fields: json!({}), hash: hash.into() }),
        fields: Some(json!({})),
        waiting: Vec::new(),
        declared: "declared".into(),
    }
}

impl Fixture {
    fn new() -> Self {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let breaker = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
        let task = Workload::Task {
            fields: json!({}),
            deadline_seconds: 600,
            retries: 0,
            run: RunPolicy::Completion,
        };
        let service = Workload::Service {
            service_name: "shop-web".to_owned(),
            fields: breaker,
            initial_count: 1,
            most: None,
            bake_seconds: 0,
            progress_deadline_seconds: 900,
        };
        let components = [component("migrate", &[], task), component("web", &["migrate"], service)];
        let desired = DesiredState {
            deployment: "shop".into(),
            kind: "Application".to_owned(),
            generation: Generation(1),
            placement: Placement { region: "eu-west-1".into(), cluster: "c".into(), role_arn: None },
            drift: DriftSpec::default(),
            suspend: None,
            deletion_policy: DeletionPolicy::Retain,
            adopt: false,
            answers: BTreeMap::new(),
            shared: BTreeMap::new(),
            handover: Default::default(),
            adopts_from: Default::default(),
            retry: None,
            tags: BTreeMap::new(),
            resources: BTreeMap::new(),
            components: components.into_iter().map(|c| (c.name.clone(), c)).collect(),
        };
        let resolved = ResolvedState {
            resources: BTreeMap::new(),
            components: [("migrate", "m1"), ("web", "w1")].map(|(n, h)| (n.into(), resolved(n, h))).into(),
            tags: BTreeMap::new(),
        };
        let observed = ObservedState {
            cluster: Seen::Present(ObservedCluster {
                arn: "arn:aws:ecs:eu-west-1:123456789012:cluster/c".into(),
                status: "ACTIVE".into(),
                capacity_providers: vec![],
            }),
            services: [("web".into(), Seen::Absent)].into(),
            tasks: [("migrate".into(), Seen::Present(vec![]))].into(),
            ..ObservedState::unread(now, Depth::Full)
        };
        Self { desired, resolved, observed, state: RolloutState::default(), now }
    }

    /// A fixture in which both revisions are registered.
    fn registered() -> Self {
        let mut fixture = Self::new();
        fixture.step();
        fixture.register("migrate", "m1", 1);
        fixture.register("web", "w1", 1);
        fixture
    }

    /// A fixture whose migration is done, and whose web service may roll to its first revision.
    fn migrated() -> Self {
        let mut fixture = Self::registered();
        fixture.step();
        fixture.task("STOPPED", Some(0));
        fixture.step();
        fixture
    }

    /// A fixture whose web service rolls to its second revision, after the first was complete.
    fn upgrading() -> Self {
        let mut fixture = Fixture::complete();
        fixture.want("web", "w2");
        fixture.step();
        fixture.register("web", "w2", 2);
        fixture.step();
        fixture.service(2, "IN_PROGRESS", 0);
        fixture.step();
        assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: Some(_), .. }));
        fixture
    }

    /// A fixture in which all is complete.
    fn complete() -> Self {
        let mut fixture = Self::registered();
        fixture.step();
        fixture.task("STOPPED", Some(0));
        fixture.service(1, "COMPLETED", 1);
        fixture.step();
        fixture.step();
        assert_eq!((fixture.word("migrate"), fixture.word("web")), ("Complete", "Complete"));
        fixture
    }

    fn register(&mut self, name: &str, hash: &str, number: u32) {
        let revision = Revision {
            hash: hash.into(),
            arn: arn(&format!("shop-{name}"), number),
            registered: Some(self.now),
        };
        self.state.components.get_mut(name).unwrap().revision = Some(revision);
    }

    fn want(&mut self, name: &str, hash: &str) {
        self.resolved.components.insert(name.into(), resolved(name, hash));
    }

    fn step(&mut self) {
        self.state = advance(&StepInput {
            prior: &self.state,
            desired: &self.desired,
            resolved: &self.resolved,
            observed: &self.observed,
            now: self.now,
        });
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The same as a pass does when RegisterTaskDefinition was answered.
    fn register_as_answered(&mut self, name: &str, hash: &str, number: u32) {
        let arn = arn(&format!("shop-{name}"), number);
        let revision = Revision { hash: hash.into(), arn, registered: Some(self.now) };
        self.state.components.get_mut(name).unwrap().set_revision(revision);
    }

    fn phase(&self, name: &str) -> &Phase {
        &self.state.components[name].phase
    }

    fn word(&self, name: &str) -> &'static str {
        self.phase(name).word()
    }

    /// Shows the task that was asked for in a state.
    fn task(&mut self, status: &str, exit_code: Option<i32>) {
        let Phase::TaskRunning { token, .. } = self.phase("migrate") else { panic!("no task was asked for") };
        let task = ObservedTask {
            arn: "arn:aws:ecs:eu-west-1:123456789012:task/c/t1".into(),
            task_definition: arn("shop-migrate", 1),
            last_status: status.into(),
            started_by: Some(token.clone()),
            created_at: Some(self.now),
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: (status == "STOPPED").then_some(self.now),
            stop_code: (status == "STOPPED").then(|| "EssentialContainerExited".to_owned()),
            stopped_reason: (status == "STOPPED").then(|| "Essential container in task exited".to_owned()),
            containers: vec![ObservedContainer { name: "migrate".into(), exit_code, reason: None }],
            health: None,
            addresses: vec![],
        };
        self.observed.tasks.insert("migrate".into(), Seen::Present(vec![task]));
    }

    /// Shows the web service pointing at a revision.
    fn service(&mut self, revision: u32, state: &str, running: u32) {
        let service = ObservedService {
            controller: None,
            current_deployment: None,
            revision: None,
            arn: "arn:aws:ecs:eu-west-1:123456789012:service/c/shop-web".into(),
            name: "shop-web".into(),
            status: "ACTIVE".into(),
            created_at: Some(self.now),
            fields: json!({}),
            task_definition: arn("shop-web", revision),
            desired: 1,
            running,
            pending: 1 - running,
            deployments: vec![ObservedDeployment {
                id: format!("ecs-svc/{revision}"),
                status: "PRIMARY".into(),
                task_definition: arn("shop-web", revision),
                rollout_state: Some(state.into()),
                rollout_state_reason: Some(format!("reason of {revision}")),
                desired: 1,
                running,
                pending: 1 - running,
                failed: 0,
                created_at: Some(self.now),
            }],
            events: vec![],
            tags: [(TAG_OWNER.to_owned(), "shop".to_owned())].into(),
        };
        self.observed.services.insert("web".into(), Seen::Present(service));
    }

    fn edit_service(&mut self, edit: impl FnOnce(&mut ObservedService)) {
        let Some(Seen::Present(service)) = self.observed.services.get_mut("web") else {
            panic!("no service")
        };
        edit(service);
    }
}

#[test]
fn nothing_begins_before_its_revision_is_registered() {
    let mut fixture = Fixture::new();
    fixture.step();
    let Phase::Waiting { on, .. } = fixture.phase("migrate") else {
        panic!("{:?}", fixture.phase("migrate"))
    };
    assert!(matches!(on[0], WaitingOn::Resource { .. }), "{on:?}");
}

#[test]
fn a_service_waits_for_the_task_that_it_depends_on() {
    let mut fixture = Fixture::registered();
    fixture.step();
    assert_eq!(fixture.word("migrate"), "TaskRunning");
    let Phase::Waiting { on, .. } = fixture.phase("web") else { panic!() };
    assert!(
        on.iter().any(|on| matches!(on, WaitingOn::Component { name, .. } if name.as_str() == "migrate"))
    );
}

#[test]
fn a_task_that_was_never_seen_running_is_judged_by_its_exit_code() {
    let fixture = Fixture::migrated();
    assert_eq!(fixture.word("migrate"), "Complete");
    assert_eq!(fixture.word("web"), "Rolling");
}

#[test]
fn a_task_that_exits_1_stalls_and_keeps_the_gate_closed() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(1));
    fixture.step();
    let Phase::Stalled { reason, message, .. } = fixture.phase("migrate") else { panic!() };
    assert_eq!(*reason, StallReason::TaskFailed);
    assert!(message.contains("container migrate exited 1"), "{message}");
    assert_eq!(fixture.word("web"), "Waiting");
    fixture.pass(3600);
    fixture.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled", "a failed task is not tried again by itself");
}

#[test]
fn a_task_whose_container_never_started_has_no_exit_code_and_failed() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", None);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled");
}

#[test]
fn a_failed_task_stays_failed_while_what_it_refers_to_cannot_be_seen() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(1));
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled");
    let seen = fixture.resolved.components["migrate"].clone();
    fixture.resolved.components.get_mut("migrate").unwrap().definition = None;
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled");
    fixture.resolved.components.insert("migrate".into(), seen);
    fixture.state.components.get_mut("migrate").unwrap().phase = Phase::Idle;
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Stalled", "however it came to wait, what failed is not tried again");
}

#[test]
fn another_try_of_a_deployment_that_ecs_gave_up_is_a_new_deployment() {
    let mut fixture = Fixture::migrated();
    fixture.service(1, "FAILED", 0);
    let before = fixture.now - SignedDuration::from_secs(60);
    fixture.edit_service(|service| service.deployments[0].created_at = Some(before));
    fixture.state.components.get_mut("web").unwrap().phase = Phase::Rolling {
        hash: "w1".into(),
        deployment: Some("ecs-svc/1".into()),
        since: before - SignedDuration::from_secs(1),
        progress: (before, 0),
    };
    fixture.step();
    assert_eq!(fixture.word("web"), "Stalled");
    fixture.desired.retry = Some("1".to_owned());
    fixture.pass(60);
    fixture.step();
    fixture.step();
    assert!(
        matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }),
        "the old failure is not judged again: {:?}",
        fixture.phase("web")
    );
}

#[test]
fn a_new_retry_annotation_lifts_the_memory_of_failure() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(1));
    fixture.step();
    fixture.desired.retry = Some("1".to_owned());
    let Phase::Stalled { .. } = fixture.phase("migrate") else { panic!() };
    fixture.pass(60);
    fixture.step();
    let Phase::TaskRunning { attempt: 1, .. } = fixture.phase("migrate") else {
        panic!("{:?}", fixture.phase("migrate"))
    };
}

#[test]
fn every_new_intent_has_a_token_of_its_own() {
    let mut fixture = Fixture::registered();
    fixture.step();
    let Phase::TaskRunning { token: first, .. } = fixture.phase("migrate").clone() else { panic!() };
    fixture.step();
    let Phase::TaskRunning { token: same, .. } = fixture.phase("migrate").clone() else { panic!() };
    assert_eq!(first, same);
    assert_eq!(first.len(), 36);
    fixture.task("STOPPED", Some(1));
    fixture.step();
    fixture.desired.retry = Some("1".to_owned());
    fixture.pass(1);
    fixture.step();
    let Phase::TaskRunning { token: second, .. } = fixture.phase("migrate").clone() else { panic!() };
    assert_ne!(first, second);
}

#[test]
fn a_task_whose_end_nobody_saw_is_run_once_more() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("RUNNING", None);
    fixture.step();
    fixture.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
    fixture.step();
    assert!(
        matches!(fixture.phase("migrate"), Phase::TaskRunning { attempt: 1, .. }),
        "stale reads are waited out"
    );
    fixture.pass(7200);
    fixture.step();
    assert!(matches!(fixture.phase("migrate"), Phase::TaskRunning { attempt: 2, task: None, .. }));
}

#[test]
fn what_cannot_be_seen_changes_no_stage() {
    let gap = || Gap {
        operation: "ecs:DescribeTasks".into(),
        code: "AccessDeniedException".into(),
        message: "no".into(),
    };
    let mut fixture = Fixture::registered();
    fixture.step();
    let before = fixture.state.clone();
    fixture.observed.tasks.insert("migrate".into(), Seen::Unknown(gap()));
    fixture.pass(7200);
    fixture.step();
    assert_eq!(fixture.state.components["migrate"], before.components["migrate"]);

    let mut fixture = Fixture::complete();
    let before = fixture.state.clone();
    fixture.observed.services.insert("web".into(), Seen::Unknown(gap()));
    fixture.observed.cluster = Seen::Unknown(gap());
    fixture.step();
    assert_eq!(fixture.state.components, before.components);
}

#[test]
fn a_rollout_is_complete_only_when_targets_are_healthy() {
    let mut fixture = Fixture::registered();
    if let Workload::Service { fields, .. } = &mut fixture.desired.components.get_mut("web").unwrap().workload
    {
        fields["loadBalancers"] = json!([{"targetGroup": "web"}]);
    }
    let target = |state: &str| ObservedTarget {
        id: "10.0.0.1".into(),
        port: 80,
        state: state.into(),
        reason: None,
        description: None,
    };
    fixture.step();
    fixture.task("STOPPED", Some(0));
    fixture.step();
    fixture.service(1, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling", "targets were not seen");
    fixture.observed.targets.insert("web".into(), Seen::Present(vec![target("initial")]));
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling");
    fixture.observed.targets.insert("web".into(), Seen::Present(vec![target("healthy"), target("draining")]));
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
}

#[test]
fn an_upgrade_migrates_again_before_it_rolls() {
    let mut fixture = Fixture::complete();
    fixture.want("migrate", "m2");
    fixture.want("web", "w2");
    fixture.step();
    assert_eq!((fixture.word("migrate"), fixture.word("web")), ("Waiting", "Waiting"));
    fixture.register("migrate", "m2", 2);
    fixture.register("web", "w2", 2);
    fixture.step();
    assert_eq!((fixture.word("migrate"), fixture.word("web")), ("TaskRunning", "Waiting"));
    fixture.task("STOPPED", Some(0));
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }));
    fixture.service(2, "IN_PROGRESS", 0);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: Some(id), .. } if id == "ecs-svc/2"));
    fixture.service(2, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
}

#[test]
fn a_rollback_by_ecs_is_remembered_and_not_fought() {
    let mut fixture = Fixture::upgrading();
    fixture.service(1, "IN_PROGRESS", 1);
    fixture.edit_service(|service| {
        service.deployments[0].rollout_state_reason =
            Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1".to_owned());
    });
    fixture.step();
    let Phase::RolledBack { reason, deployment, .. } = fixture.phase("web") else {
        panic!("{:?}", fixture.phase("web"))
    };
    assert!(reason.contains("rolling back"));
    assert_eq!(deployment, "ecs-svc/2");
    fixture.pass(86_400);
    fixture.service(1, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "RolledBack");
    fixture.want("web", "w3");
    fixture.step();
    fixture.register("web", "w3", 3);
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling", "a new content is tried");
}

#[test]
fn who_moved_a_service_away_must_be_seen_before_it_is_moved_back() {
    let mut fixture = Fixture::upgrading();
    fixture.service(1, "IN_PROGRESS", 1);
    fixture.edit_service(|service| service.deployments[0].rollout_state_reason = None);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: Some(_), .. }), "held while unclear");
    fixture.observed.service_deployments.insert("web".into(), Seen::Present(vec![]));
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }), "by hand: written back");
}

#[test]
fn a_new_content_of_a_task_is_run_although_what_depends_on_it_is_where_it_should_be() {
    let mut fixture = Fixture::complete();
    // The run before ended for a content that was no longer wanted: nothing complete is recorded.
    fixture.state.components.get_mut("migrate").unwrap().completed = None;
    let web = fixture.state.components["web"].revision.clone().unwrap();
    let mut shown = definition("shop-web", 1, "ACTIVE");
    shown.tags.insert(TAG_HASH.to_owned(), web.hash.to_string());
    fixture.observed.definitions.insert(web.arn, Seen::Present(shown));
    fixture.want("migrate", "m2");
    fixture.step();
    fixture.register("migrate", "m2", 2);
    fixture.step();
    assert_eq!(fixture.word("migrate"), "TaskRunning");
}

/// A fixture that has moved from content w1 (revision 1) to w2 (revision 2), and wants w1 again.
fn back_to_w1() -> Fixture {
    let mut fixture = Fixture::complete();
    fixture.want("web", "w2");
    fixture.step();
    fixture.register_as_answered("web", "w2", 2);
    fixture.service(2, "COMPLETED", 1);
    fixture.step();
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
    fixture.want("web", "w1");
    fixture.step();
    fixture
}

#[test]
fn a_content_that_is_wanted_again_gets_its_revision_back_once_it_was_seen() {
    let mut fixture = back_to_w1();
    let first = arn("shop-web", 1);
    assert_eq!(fixture.state.components["web"].revision.as_ref().unwrap().arn, first);
    assert_eq!(fixture.word("web"), "Waiting", "it may have been deregistered since");
    fixture.observed.definitions.insert(first.clone(), Seen::Present(definition("shop-web", 1, "ACTIVE")));
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling");
}

#[test]
fn a_content_whose_revision_was_deregistered_is_registered_anew() {
    let mut fixture = back_to_w1();
    fixture
        .observed
        .definitions
        .insert(arn("shop-web", 1), Seen::Present(definition("shop-web", 1, "INACTIVE")));
    fixture.step();
    assert_eq!(fixture.word("web"), "Waiting");
    assert!(fixture.state.components["web"].revision.is_none(), "{:?}", fixture.state.components["web"]);
}

/// A service deployment in the answer of DescribeServiceDeployments.
fn deployed(revision: u32, status: &str) -> ObservedServiceDeployment {
    ObservedServiceDeployment {
        arn: format!("arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/shop-web/{revision}{status}"),
        status: status.into(),
        reason: Some("because".into()),
        task_definition: Some(arn("shop-web", revision)),
        created_at: None,
    }
}

/// The word of the phase after a rollout to revision 2 was begun and the service was seen back at
/// revision 1.
fn sent_back_with(deployments: Vec<ObservedServiceDeployment>) -> &'static str {
    let mut fixture = Fixture::upgrading();
    fixture.service(1, "IN_PROGRESS", 1);
    fixture.edit_service(|service| service.deployments[0].rollout_state_reason = None);
    fixture.observed.service_deployments.insert("web".into(), Seen::Present(deployments));
    fixture.step();
    match fixture.phase("web") {
        Phase::Rolling { deployment: None, .. } => "written back",
        phase => phase.word(),
    }
}

#[test]
fn a_deployment_that_somebody_stopped_is_not_tried_again() {
    assert_eq!(sent_back_with(vec![deployed(2, "STOPPED"), deployed(1, "SUCCESSFUL")]), "RolledBack");
    assert_eq!(sent_back_with(vec![deployed(2, "ROLLBACK_SUCCESSFUL")]), "RolledBack");
}

#[test]
fn a_deployment_that_gave_way_to_somebodys_update_is_drift_and_no_failure() {
    assert_eq!(sent_back_with(vec![deployed(1, "IN_PROGRESS"), deployed(2, "STOPPED")]), "written back");
}

#[test]
fn a_first_deployment_that_fails_has_nothing_to_go_back_to_and_stalls() {
    let mut fixture = Fixture::migrated();
    fixture.service(1, "FAILED", 0);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Stalled { reason: StallReason::DeploymentFailed, .. }));
}

#[test]
fn no_progress_stalls_and_heals_by_itself() {
    let mut fixture = Fixture::migrated();
    fixture.service(1, "IN_PROGRESS", 0);
    fixture.step();
    fixture.pass(901);
    fixture.step();
    assert!(matches!(
        fixture.phase("web"),
        Phase::Stalled { reason: StallReason::ProgressDeadlineExceeded, .. }
    ));
    fixture.service(1, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
}

#[test]
fn a_service_pointed_at_another_revision_by_hand_is_rolled_back_unless_drift_is_only_reported() {
    let mut fixture = Fixture::complete();
    fixture.service(7, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling");

    let mut fixture = Fixture::complete();
    fixture.desired.drift.fields.insert("service/web.taskDefinition".to_owned(), DriftPolicy::Report);
    fixture.service(7, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
}

#[test]
fn a_deleted_service_is_brought_back() {
    let mut fixture = Fixture::complete();
    fixture.observed.services.insert("web".into(), Seen::Absent);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }));
}

#[test]
fn a_service_that_is_not_ours_is_not_touched() {
    let mut fixture = Fixture::registered();
    fixture.service(1, "COMPLETED", 1);
    fixture.edit_service(|service| service.tags.clear());
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Stalled { reason: StallReason::NotOwned, .. }));
    fixture.desired.adopt = true;
    fixture.step();
    assert_ne!(fixture.word("web"), "Stalled");
}

#[test]
fn a_lost_record_is_found_again_in_aws() {
    let mut fixture = Fixture::complete();
    fixture.state = RolloutState::default();
    fixture.observed.tasks.insert("migrate".into(), Seen::Present(vec![]));
    for (family, hash) in [("shop-migrate", "m1"), ("shop-web", "w1")] {
        let shown = ObservedDefinition {
            registered_at: Some(fixture.now - SignedDuration::from_hours(2)),
            registered_by: None,
            tags: [(TAG_OWNER.to_owned(), "shop".to_owned()), (TAG_HASH.to_owned(), hash.to_owned())].into(),
            ..definition(family, 1, "ACTIVE")
        };
        fixture.observed.definitions.insert(arn(family, 1), Seen::Present(shown));
    }
    fixture.step();
    assert_eq!((fixture.word("migrate"), fixture.word("web")), ("Complete", "Complete"));
}

#[test]
fn a_rotated_secret_settles_before_it_counts() {
    let mut fixture = Fixture::new();
    let secret = |version: &str| {
        let secret = ObservedSecret { arn: "arn".into(), version: Some(version.into()), deleted: false };
        Seen::Present(secret)
    };
    fixture.observed.secrets.insert("s".into(), secret("1"));
    fixture.state.secrets = settle_secrets(&fixture.state, &fixture.observed, fixture.now);
    assert_eq!(fixture.state.secrets["s"].version, "1");
    fixture.observed.secrets.insert("s".into(), secret("2"));
    fixture.state.secrets = settle_secrets(&fixture.state, &fixture.observed, fixture.now);
    assert_eq!(fixture.state.secrets["s"].version, "1");
    fixture.pass(ROTATION_SETTLE_SECONDS);
    fixture.state.secrets = settle_secrets(&fixture.state, &fixture.observed, fixture.now);
    assert_eq!(fixture.state.secrets["s"].version, "2");
}
