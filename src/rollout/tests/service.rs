//! Sentences about services that ECS rolls.

use super::gates::gap;
use super::*;
use crate::model::resource::{ResourceId, ResourceKind};

impl Fixture {
    fn settings(&mut self, edit: impl FnOnce(&mut serde_json::Value, &mut u32)) {
        let web = self.desired.components.get_mut("web").unwrap();
        let Workload::Service { fields, bake_seconds, .. } = &mut web.workload else { panic!("no service") };
        edit(fields, bake_seconds);
    }

    /// Shows what ECS says of the deployments of the web service, newest first: status, revision
    /// and reason.
    fn deployments(&mut self, all: &[(&str, Option<u32>, Option<&str>)]) {
        let one =
            |(status, revision, reason): &(&str, Option<u32>, Option<&str>)| ObservedServiceDeployment {
                arn: "sd".into(),
                status: (*status).into(),
                reason: reason.map(str::to_owned),
                task_definition: revision.map(|number| arn("shop-web", number)),
                created_at: None,
            };
        self.observed.service_deployments.insert("web".into(), Seen::Present(all.iter().map(one).collect()));
    }

    /// The service was moved to its first revision, and nothing on it says by whom.
    fn moved_away(&mut self) {
        self.service(1, "COMPLETED", 1);
        self.edit_service(|service| service.deployments[0].rollout_state_reason = None);
    }

    fn stall(&self) -> (StallReason, String) {
        match self.phase("web") {
            Phase::Stalled { reason, message, .. } => (*reason, message.clone()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_service_that_was_not_seen_is_not_begun() {
    for (seen, why) in [
        (Some(Seen::Unknown(gap())), "AccessDenied"),
        (Some(Seen::NotRead), "not looked at"),
        (None, "not looked at"),
    ] {
        let mut fixture = Fixture::registered();
        fixture.step();
        fixture.task("STOPPED", Some(0));
        fixture.observed.services.remove("web");
        if let Some(seen) = seen {
            fixture.observed.services.insert("web".into(), seen);
        }
        fixture.step();
        assert!(fixture.waits("web").iter().any(|wait| wait.contains(why)), "{:?}", fixture.waits("web"));
    }
}

#[test]
fn a_service_that_is_being_deleted_is_waited_out() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(0));
    fixture.service(1, "COMPLETED", 1);
    fixture.edit_service(|service| service.status = "DRAINING".into());
    fixture.step();
    assert!(fixture.waits("web").iter().any(|wait| wait.contains("drain")), "{:?}", fixture.waits("web"));
}

#[test]
fn a_service_that_already_goes_to_the_revision_is_watched_and_not_written() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("STOPPED", Some(0));
    fixture.service(1, "IN_PROGRESS", 0);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: Some(id), .. } if id == "ecs-svc/1"));
}

#[test]
fn a_service_of_somebody_else_names_its_owner_and_keeps_the_time() {
    let mut fixture = Fixture::registered();
    fixture.service(1, "COMPLETED", 1);
    fixture.edit_service(|service| drop(service.tags.insert(TAG_OWNER.to_owned(), "other".to_owned())));
    fixture.step();
    let (reason, message) = fixture.stall();
    assert!(
        reason == StallReason::NotOwned && message.contains("belongs to deployment `other`"),
        "{message}"
    );
    let before = fixture.state.clone();
    fixture.pass(60);
    fixture.step();
    assert_eq!(fixture.state.components["web"], before.components["web"]);
}

#[test]
fn a_service_that_is_lost_from_sight_while_it_rolls_is_held_and_a_deleted_one_made_again() {
    let fixture = Fixture::upgrading;
    for seen in [Seen::Unknown(gap()), Seen::NotRead] {
        let mut fixture = fixture();
        let before = fixture.state.clone();
        fixture.observed.services.insert("web".into(), seen);
        fixture.pass(7200);
        fixture.step();
        assert_eq!(fixture.state.components, before.components);
    }
    let mut fixture = fixture();
    fixture.observed.services.insert("web".into(), Seen::Absent);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }));
}

#[test]
fn a_service_that_is_taken_over_while_it_rolls_is_left_alone() {
    let mut fixture = Fixture::upgrading();
    fixture.edit_service(|service| service.tags.clear());
    fixture.step();
    assert_eq!(fixture.stall().0, StallReason::NotOwned);
}

#[test]
fn a_service_whose_tags_were_removed_while_it_rolls_is_ours_by_its_record() {
    let mut fixture = Fixture::upgrading();
    let before = fixture.phase("web").clone();
    fixture.edit_service(|service| service.tags.clear());
    let Some(Seen::Present(service)) = fixture.observed.services.get("web") else { panic!("it is there") };
    let id = ResourceId::new(ResourceKind::Service, "web");
    fixture.state.resource_mut(&id).arn = Some(service.arn.clone());
    fixture.step();
    assert_eq!(*fixture.phase("web"), before);
}

#[test]
fn an_intent_that_was_not_carried_out_yet_stays_one() {
    let mut fixture = Fixture::complete();
    fixture.want("web", "w2");
    fixture.step();
    fixture.register("web", "w2", 2);
    fixture.step();
    let before = fixture.state.clone();
    fixture.pass(60);
    fixture.step();
    assert_eq!(
        fixture.state.components["web"], before.components["web"],
        "the service still points at the first"
    );
}

#[test]
fn a_failed_deployment_is_left_to_ecs_when_it_can_go_back_and_stalls_when_it_cannot() {
    let configuration = |guard: &str, rollback: bool| json!({"deploymentConfiguration": {guard: {"enable": true, "rollback": rollback}}});
    for (fields, goes_back) in [
        (configuration("deploymentCircuitBreaker", true), true),
        (configuration("alarms", true), true),
        (configuration("deploymentCircuitBreaker", false), false),
        (json!({"deploymentConfiguration": {"alarms": {"enable": false, "rollback": true}}}), false),
        (json!({}), false),
    ] {
        let mut fixture = Fixture::upgrading();
        fixture.settings(|of, _| of.clone_from(&fields));
        fixture.service(2, "FAILED", 0);
        fixture.step();
        assert_eq!(fixture.word("web"), if goes_back { "Rolling" } else { "Stalled" }, "{fields}");
        if !goes_back {
            let (reason, message) = fixture.stall();
            assert_eq!(reason, StallReason::DeploymentFailed);
            assert!(message.contains("ecs-svc/2 failed: reason of 2"), "{message}");
            fixture.step();
            assert_eq!(fixture.word("web"), "Stalled", "it is remembered");
            fixture.state.components.get_mut("web").unwrap().failures.clear();
            fixture.step();
            assert_ne!(fixture.word("web"), "Stalled", "and tried again once the memory is lifted");
        }
    }
}

#[test]
fn a_deployment_of_a_complete_revision_that_ecs_gave_up_is_brought_back_once() {
    let mut fixture = Fixture::complete();
    fixture.service(1, "FAILED", 0);
    fixture.pass(60);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete", "ECS may be about to go back");
    fixture.pass(300);
    fixture.step();
    assert!(
        matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }),
        "{:?}",
        fixture.phase("web")
    );
    fixture.step();
    assert!(
        matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }),
        "the old failure is not judged"
    );
    // The new deployment fails like it, and ECS has only the same revision to go back to.
    fixture.pass(1);
    fixture.service(1, "FAILED", 0);
    fixture.edit_service(|service| service.deployments[0].id = "ecs-svc/again".to_owned());
    fixture.pass(301);
    fixture.step();
    assert_eq!(fixture.stall().0, StallReason::DeploymentFailed);
    fixture.pass(600);
    fixture.step();
    assert_eq!(fixture.word("web"), "Stalled", "what failed is not tried again");
    fixture.service(1, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete", "somebody has mended it");
}

#[test]
fn times_that_a_clock_ahead_has_stored_hold_nothing_up() {
    let mut fixture = Fixture::upgrading();
    fixture.settings(|_, bake| *bake = 30);
    fixture.pass(3600);
    fixture.service(2, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Baking");
    fixture.pass(-3600);
    fixture.step();
    fixture.pass(31);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
    let mut fixture = Fixture::upgrading();
    let far = fixture.now + SignedDuration::from_hours(9);
    let phase = &mut fixture.state.components.get_mut("web").unwrap().phase;
    let Phase::Rolling { since, progress, .. } = phase else { panic!("{phase:?}") };
    (*since, progress.0) = (far, far);
    fixture.step();
    fixture.pass(901);
    fixture.step();
    assert_eq!(fixture.stall().0, StallReason::ProgressDeadlineExceeded);
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.task("RUNNING", None);
    let phase = &mut fixture.state.components.get_mut("migrate").unwrap().phase;
    let Phase::TaskRunning { since, deadline, .. } = phase else { panic!("{phase:?}") };
    (*since, *deadline) = (far, far);
    fixture.step();
    let Phase::TaskRunning { since, deadline, .. } = fixture.phase("migrate") else { panic!("it runs") };
    assert_eq!((*since, *deadline), (fixture.now, fixture.now + SignedDuration::from_secs(600)));
}

#[test]
fn a_service_without_a_primary_deployment_is_held() {
    let mut fixture = Fixture::upgrading();
    fixture.edit_service(|service| service.deployments.clear());
    let before = fixture.state.clone();
    fixture.step();
    assert_eq!(fixture.state.components, before.components);
}

#[test]
fn every_new_running_task_gives_the_rollout_new_time() {
    let mut fixture = Fixture::upgrading();
    fixture.pass(800);
    fixture.service(2, "IN_PROGRESS", 1);
    fixture.edit_service(|service| service.desired = 2);
    fixture.step();
    fixture.pass(800);
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling", "800 seconds after the first new task");
    fixture.pass(100);
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling", "900 seconds are allowed, and not yet more");
    fixture.pass(1);
    fixture.edit_service(|service| {
        service.events =
            vec![ServiceEvent { id: "e".into(), at: None, message: "unable to place a task".into() }];
    });
    fixture.step();
    let (reason, message) = fixture.stall();
    assert_eq!(reason, StallReason::ProgressDeadlineExceeded);
    assert!(message.contains("1 of 1 tasks") && message.contains("unable to place"), "{message}");
}

#[test]
fn a_rollout_that_only_its_targets_hold_says_so() {
    let mut fixture = Fixture::upgrading();
    fixture.settings(|fields, _| fields["loadBalancers"] = json!([{"targetGroup": "web"}]));
    fixture.service(2, "COMPLETED", 1);
    fixture.observed.targets.insert("web".into(), Seen::Present(vec![]));
    fixture.step();
    fixture.pass(1000);
    fixture.step();
    assert!(fixture.stall().1.contains("targets of web are not healthy"), "{}", fixture.stall().1);
}

#[test]
fn new_tasks_bake_before_they_count_and_what_breaks_meanwhile_is_seen() {
    let baking = || {
        let mut fixture = Fixture::upgrading();
        fixture.settings(|_, bake| *bake = 60);
        fixture.service(2, "COMPLETED", 1);
        fixture.step();
        assert_eq!(fixture.word("web"), "Baking");
        fixture
    };
    let mut fixture = baking();
    fixture.pass(59);
    fixture.step();
    assert_eq!(fixture.word("web"), "Baking");
    fixture.pass(1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
    assert_eq!(fixture.state.components["web"].completed, fixture.state.components["web"].revision);

    let mut fixture = baking();
    fixture.observed.services.insert("web".into(), Seen::NotRead);
    fixture.pass(3600);
    fixture.step();
    assert_eq!(fixture.word("web"), "Baking", "unseen is not healthy");

    let mut fixture = baking();
    fixture.service(2, "COMPLETED", 0);
    fixture.pass(60);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: Some(_), .. }), "a task died");

    let mut fixture = baking();
    fixture.observed.services.insert("web".into(), Seen::Absent);
    fixture.step();
    assert!(
        matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }),
        "made again when it was deleted"
    );

    let mut fixture = baking();
    fixture.moved_away();
    fixture.deployments(&[("ROLLBACK_SUCCESSFUL", None, Some("alarm"))]);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::RolledBack { reason, .. } if reason == "alarm"));

    let mut fixture = baking();
    fixture.want("web", "w3");
    fixture.step();
    assert_eq!(fixture.word("web"), "Waiting", "a newer content is not held up");
}

#[test]
fn who_moved_a_service_away_is_read_from_its_deployments() {
    let ours = "ROLLBACK_IN_PROGRESS";
    for (all, expected) in [
        (&[(ours, None, Some("circuit breaker"))][..], Some("circuit breaker")),
        (&[(ours, None, None)], Some(ours)),
        (&[("STOPPED", Some(2), Some("stopped")), ("SUCCESSFUL", Some(1), None)], Some("stopped")),
        // A newer deployment took its place: somebody's update.
        (&[("SUCCESSFUL", Some(1), None), ("STOPPED", Some(2), Some("stopped"))], None),
        (&[("STOPPED", Some(1), None)], None),
        (&[("SUCCESSFUL", Some(1), None), ("SUCCESSFUL", Some(1), None), (ours, None, None)], None),
        (&[], None),
    ] {
        let mut fixture = Fixture::upgrading();
        fixture.moved_away();
        fixture.deployments(all);
        fixture.step();
        match expected {
            Some(why) => {
                let Phase::RolledBack { reason, deployment, .. } = fixture.phase("web") else {
                    panic!("{all:?}")
                };
                assert_eq!((reason.as_str(), deployment.as_str()), (why, "ecs-svc/2"));
                assert_eq!(fixture.state.components["web"].failures.len(), 1);
            }
            None => {
                assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }), "{all:?}")
            }
        }
    }
    let mut fixture = Fixture::upgrading();
    fixture.moved_away();
    fixture.observed.service_deployments.insert("web".into(), Seen::Absent);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }));
}

#[test]
fn a_failed_deployment_of_our_revision_is_a_rollback_although_the_service_has_moved_on() {
    for by_id in [true, false] {
        let mut fixture = Fixture::upgrading();
        fixture.moved_away();
        fixture.edit_service(|service| {
            let mut failed = service.deployments[0].clone();
            failed.id = if by_id { "ecs-svc/2".into() } else { "ecs-svc/other".into() };
            failed.status = "ACTIVE".into();
            failed.task_definition = if by_id { "elsewhere".into() } else { arn("shop-web", 2) };
            failed.rollout_state = Some("FAILED".into());
            failed.rollout_state_reason = Some("tasks failed to start".into());
            service.deployments.push(failed);
        });
        fixture.step();
        assert!(
            matches!(fixture.phase("web"), Phase::RolledBack { reason, .. } if reason == "tasks failed to start"),
            "{by_id}"
        );
    }
}

#[test]
fn a_complete_service_that_drains_stays_as_it_is() {
    let mut fixture = Fixture::complete();
    fixture.service(7, "COMPLETED", 1);
    fixture.edit_service(|service| service.status = "DRAINING".into());
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
}

#[test]
fn a_service_of_somebody_else_or_of_another_controller_is_not_called_complete() {
    type Edit = fn(&mut ObservedService);
    let edits: [(Edit, &str); 2] = [
        (|service| service.tags.clear(), "was not created by Evenkeel"),
        (|service| service.controller = Some("CODE_DEPLOY".into()), "is deployed by CODE_DEPLOY"),
    ];
    for (edit, why) in edits {
        let mut fixture = Fixture::complete();
        fixture.service(1, "COMPLETED", 1);
        fixture.edit_service(edit);
        fixture.step();
        let (reason, message) = fixture.stall();
        assert_eq!(reason, StallReason::NotOwned);
        assert!(message.contains(why), "{message}");
        fixture.service(1, "COMPLETED", 1);
        fixture.step();
        assert_eq!(fixture.word("web"), "Complete", "it is ours again");
    }
}

#[test]
fn a_rollout_whose_write_was_held_for_long_has_all_its_time_from_the_deployment_on() {
    let mut fixture = Fixture::upgrading();
    fixture.state.components.get_mut("web").unwrap().phase = Phase::Rolling {
        hash: "w2".into(),
        deployment: None,
        since: fixture.now,
        progress: (fixture.now, 0),
    };
    fixture.pass(2400);
    fixture.service(2, "IN_PROGRESS", 0);
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling");
    fixture.pass(901);
    fixture.step();
    assert_eq!(fixture.stall().0, StallReason::ProgressDeadlineExceeded);
}

#[test]
fn a_deployment_that_stands_still_as_declared_is_not_stuck() {
    for (configuration, minutes) in [
        (json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60}), 60),
        (
            json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}}),
            60,
        ),
        (
            json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}}),
            10,
        ),
        (json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [{"targetType": "PAUSE"}]}), 1440),
        (json!({"strategy": "ROLLING", "bakeTimeInMinutes": 60}), 0),
    ] {
        let mut fixture = Fixture::upgrading();
        fixture.settings(|fields, _| fields["deploymentConfiguration"] = configuration.clone());
        fixture.service(2, "IN_PROGRESS", 0);
        fixture.step();
        fixture.pass(minutes * 60 + 900);
        fixture.step();
        assert_eq!(fixture.word("web"), "Rolling", "{configuration}");
        fixture.pass(1);
        fixture.step();
        assert_eq!(fixture.word("web"), "Stalled", "{configuration}");
    }
}

/// A service that has completed its second content and has two groups, of which `green` is managed
/// by somebody else; with what is in them.
fn in_two_groups(blue: &str, green: &str) -> Fixture {
    let mut fixture = Fixture::upgrading();
    fixture.settings(|fields, _| {
        fields["loadBalancers"] =
            json!([{"targetGroup": "blue", "advancedConfiguration": {"alternateTargetGroupArn": GREEN}}]);
    });
    fixture.service(2, "COMPLETED", 1);
    let target = |state: &str| ObservedTarget {
        id: "10.0.0.1".into(),
        port: 80,
        state: state.into(),
        reason: None,
        description: None,
    };
    for (group, state) in [("blue", blue), (GREEN, green)] {
        fixture.observed.targets.insert(group.into(), Seen::Present(vec![target(state)]));
    }
    let id = ResourceId::new(ResourceKind::TargetGroup, "blue");
    let group = ObservedResource::new(BLUE, json!({}));
    fixture.observed.resources.insert(id, Seen::Present(group));
    fixture
}

const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/green/1";

#[test]
fn only_the_group_that_the_service_revision_is_resolved_to_says_whether_a_rollout_is_complete() {
    let serves = |arn: &str| Seen::Present([arn.to_owned()].into());
    let gap = Gap {
        operation: "ecs:DescribeServiceRevisions".into(),
        code: "Throttled".into(),
        message: "".into(),
    };
    for (resolved, blue, green, word) in [
        (serves(BLUE), "healthy", "unhealthy", "Complete"),
        (serves(BLUE), "unhealthy", "healthy", "Rolling"),
        (serves(GREEN), "unhealthy", "healthy", "Complete"),
        (serves(GREEN), "healthy", "unhealthy", "Rolling"),
        // Either may serve: both count.
        (Seen::Absent, "healthy", "unhealthy", "Rolling"),
        (Seen::Absent, "healthy", "healthy", "Complete"),
        (Seen::Unknown(gap), "healthy", "healthy", "Rolling"),
    ] {
        let mut fixture = in_two_groups(blue, green);
        fixture.observed.serving_groups.insert("web".into(), resolved.clone());
        fixture.step();
        assert_eq!(fixture.word("web"), word, "{resolved:?}: {blue}, {green}");
    }
}

#[test]
fn the_tasks_of_a_service_may_all_be_in_its_alternate_group() {
    let mut fixture = Fixture::upgrading();
    fixture.settings(|fields, _| {
        fields["loadBalancers"] =
            json!([{"targetGroup": "blue", "advancedConfiguration": {"alternateTargetGroupArn": "green"}}]);
    });
    fixture.service(2, "COMPLETED", 1);
    let target = |state: &str| ObservedTarget {
        id: "10.0.0.1".into(),
        port: 80,
        state: state.into(),
        reason: None,
        description: None,
    };
    fixture.observed.targets.insert("blue".into(), Seen::Present(vec![]));
    fixture.observed.targets.insert("green".into(), Seen::Present(vec![target("initial")]));
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling");
    fixture.observed.targets.insert("green".into(), Seen::Present(vec![target("healthy")]));
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
}

#[test]
fn a_complete_service_is_not_brought_back_while_its_content_is_unknown_or_drift_is_only_reported() {
    let mut fixture = Fixture::complete();
    fixture.resolved.components.get_mut("web").unwrap().definition = None;
    fixture.observed.services.insert("web".into(), Seen::Absent);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");

    let reported = || {
        let mut fixture = Fixture::complete();
        fixture.desired.drift.policy = DriftPolicy::Report;
        fixture.observed.services.insert("web".into(), Seen::Absent);
        fixture
    };
    let mut fixture = reported();
    let service = ResourceId::new(ResourceKind::Service, "web");
    fixture.state.resource_mut(&service).set_arn("arn:aws:ecs:eu-west-1:123456789012:service/c/shop-web");
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete", "somebody deleted it");

    let mut fixture = reported();
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling", "nothing is known of it: we deleted it, and it was confirmed");

    let mut fixture = Fixture::complete();
    fixture.state.components.get_mut("web").unwrap().revision = None;
    fixture.service(7, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete", "there is no revision to bring it back to");
}

#[test]
fn a_rollout_out_of_time_is_still_watched() {
    let late = || {
        let mut fixture = Fixture::upgrading();
        fixture.pass(901);
        fixture.step();
        assert_eq!(fixture.stall().0, StallReason::ProgressDeadlineExceeded);
        fixture
    };
    for seen in [Seen::Unknown(gap()), Seen::NotRead] {
        let mut fixture = late();
        let before = fixture.state.clone();
        fixture.observed.services.insert("web".into(), seen);
        fixture.step();
        assert_eq!(fixture.state.components, before.components);
    }
    let mut fixture = late();
    let before = fixture.state.clone();
    fixture.pass(60);
    fixture.step();
    assert_eq!(fixture.state.components, before.components, "still not there");

    let mut fixture = late();
    fixture.service(1, "COMPLETED", 1);
    fixture.edit_service(|service| {
        service.deployments[0].rollout_state_reason = Some("rollback to ecs-svc/1".to_owned());
    });
    fixture.step();
    assert_eq!(fixture.word("web"), "RolledBack");

    let mut fixture = late();
    fixture.moved_away();
    fixture.step();
    assert_eq!(fixture.word("web"), "Stalled", "by whom is not clear");

    let mut fixture = late();
    fixture.observed.services.insert("web".into(), Seen::Absent);
    fixture.step();
    assert!(matches!(fixture.phase("web"), Phase::Rolling { deployment: None, .. }), "it is made anew");
}

#[test]
fn a_rollout_whose_content_is_lost_from_sight_goes_on() {
    let mut fixture = Fixture::upgrading();
    fixture.resolved.components.get_mut("web").unwrap().definition = None;
    fixture.service(2, "COMPLETED", 1);
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete", "a secret that cannot be read now does not undo what runs");
}

#[test]
fn a_rolled_back_content_is_tried_again_once_its_failure_is_forgotten() {
    let mut fixture = Fixture::upgrading();
    fixture.moved_away();
    fixture.deployments(&[("ROLLBACK_SUCCESSFUL", None, None)]);
    fixture.step();
    assert_eq!(fixture.word("web"), "RolledBack");
    // The fields of the service were edited: what failed with the old ones may work with the new.
    fixture.resolved.components.get_mut("web").unwrap().declared = "edited".into();
    fixture.step();
    assert_eq!(fixture.word("web"), "Rolling");
}

#[test]
fn a_newer_content_takes_the_place_of_one_that_is_stuck() {
    let mut fixture = Fixture::upgrading();
    fixture.pass(901);
    fixture.step();
    assert_eq!(fixture.stall().0, StallReason::ProgressDeadlineExceeded);
    fixture.want("web", "w3");
    fixture.step();
    assert_eq!(fixture.word("web"), "Waiting");
    fixture.register("web", "w3", 3);
    fixture.step();
    assert!(
        matches!(fixture.phase("web"), Phase::Rolling { hash, deployment: None, .. } if hash.as_str() == "w3")
    );
}
