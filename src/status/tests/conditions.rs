//! Every other condition with every reason, and what is kept from one status to the next.

use super::*;
use crate::model::rollout::StallReason;
use crate::status::carry_time;
use ConditionType::{Drifted, Ready, ResourcesReady, SecretsReady, Stalled, Suspended, TargetsHealthy};
use strum::IntoEnumIterator;

#[test]
fn all_conditions_stand_in_their_order() {
    let kinds: Vec<ConditionType> = World::good().status().conditions.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, ConditionType::iter().collect::<Vec<_>>());
}

#[test]
fn secrets_that_are_there() {
    let mut world = World::good();
    assert_eq!(world.says(SecretsReady), said(Truth::True, "AllFound", "1 found"));
    world.desired.components.values_mut().for_each(|component| component.secrets.clear());
    assert_eq!(world.says(SecretsReady), said(Truth::True, "NoSecrets", "no secret is declared"));
}

#[test]
fn a_missing_secret_is_told_once_however_many_wait_for_it() {
    let mut world = World::good();
    world.observed.secrets.insert("shop/db".into(), Seen::Absent);
    for component in ["migrate", "web"] {
        let because = "there is none in region eu-west-1".to_owned();
        let on = WaitingOn::Secret { id: "shop/db".into(), because };
        world.waits(ResourceId::new(ResourceKind::TaskDefinition, component), on);
    }
    let why = "secret shop/db: there is none in region eu-west-1";
    assert_eq!(world.says(SecretsReady), said(Truth::False, "SecretMissing", why));
    assert_eq!(world.says(Ready), said(Truth::False, "SecretMissing", why));
}

#[test]
fn a_secret_to_be_deleted_is_missing() {
    let mut world = World::good();
    if let Some(Seen::Present(secret)) = world.observed.secrets.get_mut("shop/db") {
        secret.deleted = true;
    }
    assert_eq!(world.says(SecretsReady), said(Truth::False, "SecretMissing", "missing: shop/db"));
}

#[test]
fn a_secret_without_a_current_version_is_missing() {
    let mut world = World::good();
    if let Some(Seen::Present(secret)) = world.observed.secrets.get_mut("shop/db") {
        secret.version = None;
    }
    let because = "it has no current version".to_owned();
    world.waits(service(), WaitingOn::Secret { id: "shop/db".into(), because });
    let why = "secret shop/db: it has no current version";
    assert_eq!(world.says(SecretsReady), said(Truth::False, "SecretMissing", why));
}

#[test]
fn a_secret_that_could_not_be_seen_is_unknown() {
    let mut world = World::good();
    world.observed.secrets.insert("shop/db".into(), Seen::Unknown(gap("AccessDenied")));
    world.observed.gaps = vec![gap("AccessDenied"), gap("AccessDenied")];
    let why = "ecs:DescribeServices: AccessDenied: no";
    assert_eq!(world.says(SecretsReady), said(Truth::Unknown, "NotSeen", why));
    world.observed.gaps.clear();
    world.observed.secrets.clear();
    assert_eq!(world.says(SecretsReady), said(Truth::Unknown, "NotSeen", "not looked at yet"));
}

#[test]
fn targets_in_every_state() {
    let mut world = World::good();
    assert_eq!(world.says(TargetsHealthy), said(Truth::True, "AllHealthy", "all targets are healthy"));
    let draining = vec![target("healthy"), target("healthy"), target("draining")];
    world.observed.targets.insert("web".into(), Seen::Present(draining));
    assert_eq!(world.condition(TargetsHealthy).status, Truth::True, "a draining target is on its way out");
    world.observed.targets.insert("web".into(), Seen::Present(vec![target("healthy"), target("initial")]));
    assert_eq!(world.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "web: 1 of 2 healthy"));
    world.observed.targets.insert("web".into(), Seen::Present(vec![]));
    assert_eq!(world.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "web: 0 of 2 healthy"));
    world.observed.targets.insert("web".into(), Seen::Absent);
    assert_eq!(world.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "web: does not exist yet"));
    world.observed.targets.insert("web".into(), Seen::Unknown(gap("Throttled")));
    assert_eq!(world.says(TargetsHealthy), said(Truth::Unknown, "NotSeen", "web: Throttled: no"));
    world.observed.targets.clear();
    let why = "web: its targets were not looked at";
    assert_eq!(world.says(TargetsHealthy), said(Truth::Unknown, "NotSeen", why));
}

#[test]
fn a_service_without_target_groups_has_no_targets() {
    let mut world = World::good();
    if let Some(DesiredComponent { workload: Workload::Service { fields, .. }, .. }) =
        world.desired.components.get_mut("web")
    {
        *fields = json!({"desiredCount": 2});
    }
    let why = "no target group is declared";
    assert_eq!(world.says(TargetsHealthy), said(Truth::True, "NoTargets", why));
}

#[test]
fn a_target_group_that_is_named_by_its_arn_counts_under_its_name() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/edge/0123456789abcdef";
    let mut world = World::good();
    if let Some(DesiredComponent { workload: Workload::Service { fields, .. }, .. }) =
        world.desired.components.get_mut("web")
    {
        *fields = json!({"desiredCount": 2, "loadBalancers": [{"targetGroupArn": arn}]});
    }
    world.observed.targets = [(arn.to_owned(), Seen::Present(vec![target("unhealthy")]))].into();
    assert_eq!(world.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "edge: 0 of 2 healthy"));
    assert_eq!(world.status().components["web"].targets["edge"].total, 1);
}

#[test]
fn a_service_scaled_to_nothing_needs_no_targets() {
    let mut world = World::good();
    let service = world.web();
    (service.desired, service.running) = (0, 0);
    world.observed.targets.insert("web".into(), Seen::Present(vec![]));
    assert_eq!(world.condition(Ready).status, Truth::True);
}

#[test]
fn drift_is_told_until_it_is_written_back() {
    let mut world = World::good();
    assert_eq!(
        world.says(Drifted),
        said(Truth::False, "InSync", "nothing differs from what was last applied")
    );
    world.drifts(false);
    let why = "service/web: desiredCount 5 → 2 (declared)";
    assert_eq!(world.says(Drifted), said(Truth::True, "DriftSeen", why));
    assert_eq!(world.says(Ready), said(Truth::False, "DriftSeen", why));
    let drift = world.status().last_drift.unwrap();
    assert_eq!((drift.at, drift.repaired_at), (world.now, None));
}

#[test]
fn drift_that_was_written_back_is_over() {
    let mut world = World::good();
    world.drifts(true);
    world.acts(Reason::Drifted, done());
    assert_eq!(world.condition(Drifted).status, Truth::False);
    assert_eq!(world.status().last_drift.unwrap().repaired_at, Some(world.now));
}

#[test]
fn a_repair_that_failed_or_was_not_made_is_no_repair() {
    for result in [failed(true), None, Some(ActionResult::Unknown { message: "?".to_owned() })] {
        let mut world = World::good();
        world.drifts(true);
        world.acts(Reason::Drifted, result.clone());
        assert_eq!(world.condition(Drifted).status, Truth::True, "{result:?}");
        assert_eq!(world.status().last_drift.unwrap().repaired_at, None, "{result:?}");
    }
    let mut world = World::good();
    world.drifts(true);
    assert_eq!(world.condition(Drifted).status, Truth::True, "its action was dropped");
}

#[test]
fn drift_that_stays_keeps_the_time_when_it_was_first_seen() {
    let mut world = World::good();
    world.drifts(false);
    let first = world.now;
    world.prior = Some(world.status());
    world.now += SignedDuration::from_secs(60);
    assert_eq!(world.status().last_drift.unwrap().at, first);
    assert_eq!(world.status().updated_at, first, "and the status is not written again");
}

#[test]
fn a_suspension_is_told_until_it_is_over() {
    let mut world = World::good();
    assert_eq!(world.says(Suspended), said(Truth::False, "NotSuspended", "writes are made as needed"));
    world.suspend(SignedDuration::from_hours(1));
    let why = "by ana until 2026-11-20T13:00:00Z: an incident";
    assert_eq!(world.says(Suspended), said(Truth::True, "Suspended", why));
    world.now += SignedDuration::from_hours(1);
    assert_eq!(world.condition(Suspended).status, Truth::False);
}

#[test]
fn every_reason_for_a_stall_is_told_under_its_word() {
    let reasons = [
        StallReason::TaskFailed,
        StallReason::TaskDeadlineExceeded,
        StallReason::DeploymentFailed,
        StallReason::ProgressDeadlineExceeded,
        StallReason::NotOwned,
    ];
    for reason in reasons {
        let mut world = World::good();
        let (since, message) = (world.now, "it broke".to_owned());
        world.phase("web", Phase::Stalled { hash: "h1".into(), reason, message, since });
        assert_eq!(world.says(Stalled), said(Truth::True, reason.as_str(), "web: it broke"));
    }
}

#[test]
fn a_rollback_stalls_with_the_reason_of_ecs() {
    let mut world = World::good();
    let (since, reason) = (world.now, "tasks failed to start".to_owned());
    let deployment = "ecs-svc/2".to_owned();
    world.phase("web", Phase::RolledBack { hash: "h1".into(), deployment, reason, since });
    let why = "web: rolled back by ECS: tasks failed to start";
    assert_eq!(world.says(Stalled), said(Truth::True, "RolledBack", why));
    let message = &world.status().components["web"].message;
    assert_eq!(
        message,
        "desired shop-web:1, running shop-web:1: rolled back by ECS because tasks failed to start"
    );
}

#[test]
fn what_is_in_the_way_stalls_and_is_told_once() {
    let mut world = World::good();
    assert_eq!(world.says(Stalled), said(Truth::False, "NotStalled", "nothing holds it for good"));
    let note = Note { resource: service(), message: "is not ours".to_owned(), blocks: true };
    world.plan.notes = vec![note.clone(), Note { blocks: false, ..note.clone() }, note];
    assert_eq!(world.says(Stalled), said(Truth::True, "Blocked", "service/web: is not ours"));
}

#[test]
fn a_component_that_is_no_longer_declared_stalls_nothing() {
    let mut world = World::good();
    let (since, message) = (world.now, "old".to_owned());
    let phase = Phase::Stalled { hash: "h".into(), reason: StallReason::TaskFailed, message, since };
    world.phase("migrate", phase);
    world.desired.components.remove("migrate");
    assert_eq!(world.condition(Stalled).status, Truth::False);
}

#[test]
fn a_light_pass_carries_what_the_last_full_one_said() {
    let mut world = World::good();
    world.observed.targets.insert("web".into(), Seen::Present(vec![target("unhealthy"), target("healthy")]));
    let note = Note { resource: group(), message: "odd".to_owned(), blocks: false };
    world.plan.notes = vec![note.clone()];
    let mut world = world.lightly();
    world.plan.notes.clear();
    let prior = world.prior.clone().unwrap();
    let status = world.status();
    for kind in [SecretsReady, TargetsHealthy, Drifted] {
        let find = |status: &DeploymentStatus| status.conditions.iter().find(|c| c.kind == kind).cloned();
        assert_eq!(find(&status), find(&prior), "{kind}");
    }
    assert_eq!(status.notes, vec![note]);
    assert_eq!(status.components, prior.components);
}

#[test]
fn a_light_pass_does_not_forget_a_drift_that_it_cannot_see() {
    let mut world = World::good();
    world.drifts(false);
    let mut world = world.lightly();
    world.plan.drift.clear();
    let prior = world.prior.clone().unwrap();
    let before = prior.conditions.into_iter().find(|condition| condition.kind == Drifted).unwrap();
    assert_eq!(before.status, Truth::True);
    assert_eq!(world.condition(Drifted), before);
}

#[test]
fn a_light_pass_without_a_full_one_before_knows_nothing() {
    let mut world = World::good().lightly();
    world.prior = None;
    for kind in [SecretsReady, TargetsHealthy, Ready] {
        assert_eq!(world.condition(kind).status, Truth::Unknown, "{kind}");
    }
}

#[test]
fn a_transition_time_stays_while_the_status_of_its_condition_does() {
    let mut world = World::good();
    let before = world.now;
    world.prior = Some(world.status());
    world.now += SignedDuration::from_secs(60);
    assert_eq!(world.condition(Ready).last_transition_time, before);
    world.web().running = 1;
    assert_eq!(world.condition(Ready).last_transition_time, world.now);
    assert_eq!(world.condition(Stalled).last_transition_time, before);
    let kept = world.now;
    world.prior = Some(world.status());
    world.now += SignedDuration::from_secs(60);
    world.web().running = 0;
    let ready = world.condition(Ready);
    assert_eq!((ready.last_transition_time, ready.message.as_str()), (kept, "web: 0 of 2 tasks running"));
}

#[test]
fn the_time_of_a_status_is_that_of_its_last_change() {
    let mut world = World::good();
    let before = world.status();
    world.now += SignedDuration::from_secs(60);
    let after = DeploymentStatus { updated_at: world.now, ..before.clone() };
    assert_eq!(carry_time(Some(&before), after.clone(), world.now).updated_at, before.updated_at);
    let changed = DeploymentStatus { orphaned: true, ..after };
    assert_eq!(carry_time(Some(&before), changed.clone(), world.now).updated_at, world.now);
    assert_eq!(carry_time(None, changed, world.now).updated_at, world.now);
}

#[test]
fn a_refused_edit_is_told_beside_the_generation_in_force() {
    let mut world = World::good();
    world.generation = Generation(4);
    world.findings = vec![Finding::error("spec", "is odd", "mend it")];
    let status = world.status();
    assert_eq!((status.generation, status.observed_generation), (Generation(4), Generation(3)));
    assert_eq!(status.findings, world.findings);
}

#[test]
fn tasks_of_the_old_revision_are_not_told_as_new_ones() {
    let mut world = World::good();
    let since = world.now;
    let mut rolling = |deployment: Option<&str>| {
        let deployment = deployment.map(str::to_owned);
        let phase = Phase::Rolling { hash: "h2".into(), deployment, since, progress: (since, 0) };
        world.phase("web", phase);
        world.status().components["web"].message.clone()
    };
    assert_eq!(rolling(None), "its ECS deployment has not begun");
    assert_eq!(rolling(Some("ecs-svc/1")), "2 of 2 new tasks running");
}

#[test]
fn a_deployment_that_is_not_there_yet_is_waited_for_without_a_name() {
    let on = WaitingOn::Deployment { id: String::new(), because: "not begun".to_owned() };
    assert_eq!(on.to_string(), "its ECS deployment: not begun");
}

#[test]
fn a_component_is_told_with_its_counts_image_and_revisions() {
    let mut world = World::good();
    let web = world.status().components["web"].clone();
    assert_eq!((web.desired, web.running, web.pending), (2, 2, 0));
    assert_eq!((web.workload.as_str(), web.image.as_str()), ("service", "web:1"));
    assert_eq!((web.revision.as_deref(), web.wanted_revision), (Some("shop-web:1"), None));
    let newer = WEB_1.replace(":1", ":2");
    world.rollout.components.get_mut("web").unwrap().revision =
        Some(Revision { hash: "h2".into(), arn: newer, registered: None });
    assert_eq!(world.status().components["web"].wanted_revision.as_deref(), Some("shop-web:2"));
}

#[test]
fn a_service_that_could_not_be_seen_keeps_its_counts_and_revision() {
    let mut world = World::good();
    world.prior = Some(world.status());
    world.observed.services.insert("web".into(), Seen::Unknown(gap("Throttled")));
    let web = world.status().components["web"].clone();
    assert_eq!((web.desired, web.running, web.revision.as_deref()), (2, 2, Some("shop-web:1")));
    assert_eq!(web.wanted_revision, None);
    world.observed.services.insert("web".into(), Seen::Absent);
    let web = world.status().components["web"].clone();
    assert_eq!((web.desired, web.running, web.revision), (2, 0, None));
}

#[test]
fn a_running_migration_is_counted() {
    let mut world = World::good();
    let (since, token) = (world.now, "t".to_owned());
    let deadline = since + SignedDuration::from_secs(60);
    let task = Some("arn:aws:ecs:eu-west-1:123456789012:task/main/abc".to_owned());
    world
        .phase("migrate", Phase::TaskRunning { hash: "h1".into(), attempt: 1, token, task, since, deadline });
    let migrate = world.status().components["migrate"].clone();
    assert_eq!((migrate.workload.as_str(), migrate.desired, migrate.running), ("task", 1, 0));
    assert_eq!(migrate.message, "task abc must exit 0 by 2026-11-20T12:01:00Z");
}

#[test]
fn resources_in_every_state() {
    let mut world = World::good();
    assert_eq!(world.says(ResourcesReady), said(Truth::True, "AllReady", "1 ready"));
    let mut found = |readiness| {
        let resource = ObservedResource { readiness, ..resource() };
        world.observed.resources.insert(group(), Seen::Present(resource));
        (world.says(ResourcesReady), world.says(Ready))
    };
    let why = "target-group/web: it is being made";
    let changing = said(Truth::False, "ResourceChanging", why);
    assert_eq!(found(Readiness::Changing { what: "being made".into() }), (changing.clone(), changing));
    let why = "target-group/web: it failed: no capacity";
    let failed = said(Truth::False, "ResourceFailed", why);
    assert_eq!(found(Readiness::Failed { why: "no capacity".into() }), (failed.clone(), failed));
    world.observed.resources.insert(group(), Seen::Absent);
    let why = "target-group/web does not exist yet";
    assert_eq!(world.says(ResourcesReady), said(Truth::False, "ResourceMissing", why));
    world.observed.resources.insert(group(), Seen::NotRead);
    assert_eq!(world.condition(ResourcesReady).status, Truth::Unknown);
    world.observed.depth = Depth::Light;
    assert_eq!(world.condition(ResourcesReady).status, Truth::Unknown, "a light pass keeps what is known");
    world.desired.resources.clear();
    assert_eq!(world.says(ResourcesReady), said(Truth::True, "NoResources", "no resource is declared"));
}

#[test]
fn what_failed_in_aws_stalls_and_what_aws_changes_does_not() {
    let mut world = World::good();
    for (failed, stalls) in [(false, Truth::False), (true, Truth::True)] {
        let on = WaitingOn::NotReady { what: "load balancer front".into(), because: "so".into(), failed };
        world.waits(group(), on);
        assert_eq!(world.condition(Stalled).status, stalls);
    }
}
