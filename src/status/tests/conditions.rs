//! Every other condition with every reason, and what is kept from one status to the next.

use super::*;
use crate::model::ids::ContentHash;
use crate::model::rollout::StallReason;
use crate::status::carry_time;
use ConditionType::{Drifted, Ready, ResourcesReady, SecretsReady, Stalled, Suspended, TargetsHealthy};
use strum::IntoEnumIterator;

#[test]
fn all_conditions_stand_in_their_order() {
    let kinds: Vec<ConditionType> = Fixture::good().status().conditions.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, ConditionType::iter().collect::<Vec<_>>());
}

#[test]
fn secrets_that_are_there() {
    let mut fixture = Fixture::good();
    assert_eq!(fixture.says(SecretsReady), said(Truth::True, "AllFound", "1 found"));
    fixture.desired.components.values_mut().for_each(|component| component.secrets.clear());
    assert_eq!(fixture.says(SecretsReady), said(Truth::True, "NoSecrets", "no secret is declared"));
}

#[test]
fn a_missing_secret_is_told_once_however_many_wait_for_it() {
    let mut fixture = Fixture::good();
    fixture.observed.secrets.insert("shop/db".into(), Seen::Absent);
    for component in ["migrate", "web"] {
        let because = "there is none in region eu-west-1".to_owned();
        let on = WaitingOn::Secret { id: "shop/db".into(), because };
        fixture.waits(ResourceId::new(ResourceKind::TaskDefinition, component), on);
    }
    let why = "secret shop/db: there is none in region eu-west-1";
    assert_eq!(fixture.says(SecretsReady), said(Truth::False, "SecretMissing", why));
    assert_eq!(fixture.says(Ready), said(Truth::False, "SecretMissing", why));
}

#[test]
fn a_secret_to_be_deleted_is_missing() {
    let mut fixture = Fixture::good();
    if let Some(Seen::Present(secret)) = fixture.observed.secrets.get_mut("shop/db") {
        secret.deleted = true;
    }
    assert_eq!(fixture.says(SecretsReady), said(Truth::False, "SecretMissing", "missing: shop/db"));
}

#[test]
fn a_secret_without_a_current_version_is_missing() {
    let mut fixture = Fixture::good();
    if let Some(Seen::Present(secret)) = fixture.observed.secrets.get_mut("shop/db") {
        secret.version = None;
    }
    let because = "it has no current version".to_owned();
    fixture.waits(service(), WaitingOn::Secret { id: "shop/db".into(), because });
    let why = "secret shop/db: it has no current version";
    assert_eq!(fixture.says(SecretsReady), said(Truth::False, "SecretMissing", why));
}

#[test]
fn a_secret_that_could_not_be_seen_is_unknown() {
    let mut fixture = Fixture::good();
    fixture.observed.secrets.insert("shop/db".into(), Seen::Unknown(gap("AccessDenied")));
    fixture.observed.gaps = vec![gap("AccessDenied"), gap("AccessDenied")];
    let why = "ecs:DescribeServices: AccessDenied: no";
    assert_eq!(fixture.says(SecretsReady), said(Truth::Unknown, "NotSeen", why));
    fixture.observed.gaps.clear();
    fixture.observed.secrets.clear();
    assert_eq!(fixture.says(SecretsReady), said(Truth::Unknown, "NotSeen", "not looked at yet"));
}

#[test]
fn targets_in_every_state() {
    let mut fixture = Fixture::good();
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::True, "AllHealthy", "all targets are healthy"));
    let draining = vec![target("healthy"), target("healthy"), target("draining")];
    fixture.observed.targets.insert("web".into(), Seen::Present(draining));
    assert_eq!(fixture.condition(TargetsHealthy).status, Truth::True, "a draining target is on its way out");
    fixture.observed.targets.insert("web".into(), Seen::Present(vec![target("healthy"), target("initial")]));
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "web: 1 of 2 healthy"));
    fixture.observed.targets.insert("web".into(), Seen::Present(vec![]));
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "web: 0 of 2 healthy"));
    fixture.observed.targets.insert("web".into(), Seen::Absent);
    assert_eq!(
        fixture.says(TargetsHealthy),
        said(Truth::False, "TargetsUnhealthy", "web: does not exist yet")
    );
    fixture.observed.targets.insert("web".into(), Seen::Unknown(gap("Throttled")));
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::Unknown, "NotSeen", "web: Throttled: no"));
    fixture.observed.targets.clear();
    let why = "web: its targets were not looked at";
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::Unknown, "NotSeen", why));
}

#[test]
fn a_service_without_target_groups_has_no_targets() {
    let mut fixture = Fixture::good();
    if let Some(DesiredComponent { workload: Workload::Service { fields, .. }, .. }) =
        fixture.desired.components.get_mut("web")
    {
        *fields = json!({"desiredCount": 2});
    }
    let why = "no target group is declared";
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::True, "NoTargets", why));
}

#[test]
fn a_target_group_that_is_named_by_its_arn_counts_under_its_name() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/edge/0123456789abcdef";
    let mut fixture = Fixture::good();
    if let Some(DesiredComponent { workload: Workload::Service { fields, .. }, .. }) =
        fixture.desired.components.get_mut("web")
    {
        *fields = json!({"desiredCount": 2, "loadBalancers": [{"targetGroupArn": arn}]});
    }
    fixture.observed.targets = [(arn.to_owned(), Seen::Present(vec![target("unhealthy")]))].into();
    assert_eq!(fixture.says(TargetsHealthy), said(Truth::False, "TargetsUnhealthy", "edge: 0 of 2 healthy"));
    assert_eq!(fixture.status().components["web"].targets["edge"].total, 1);
}

#[test]
fn a_service_scaled_to_nothing_needs_no_targets() {
    let mut fixture = Fixture::good();
    let service = fixture.web();
    (service.desired, service.running) = (0, 0);
    fixture.observed.targets.insert("web".into(), Seen::Present(vec![]));
    assert_eq!(fixture.condition(Ready).status, Truth::True);
}

#[test]
fn drift_is_told_until_it_is_written_back() {
    let mut fixture = Fixture::good();
    assert_eq!(
        fixture.says(Drifted),
        said(Truth::False, "InSync", "nothing differs from what was last applied")
    );
    fixture.drifts(false);
    let why = "service/web: desiredCount 5 → 2 (declared)";
    assert_eq!(fixture.says(Drifted), said(Truth::True, "DriftSeen", why));
    assert_eq!(fixture.says(Ready), said(Truth::False, "DriftSeen", why));
    let drift = fixture.status().last_drift.unwrap();
    assert_eq!((drift.at, drift.repaired_at), (fixture.now, None));
}

#[test]
fn drift_that_was_written_back_is_over() {
    let mut fixture = Fixture::good();
    fixture.drifts(true);
    fixture.acts(Reason::Drifted, done());
    assert_eq!(fixture.condition(Drifted).status, Truth::False);
    assert_eq!(fixture.status().last_drift.unwrap().repaired_at, Some(fixture.now));
}

#[test]
fn a_repair_that_failed_or_was_not_made_is_no_repair() {
    for result in [failed(true), None, Some(ActionResult::Unknown { message: "?".to_owned() })] {
        let mut fixture = Fixture::good();
        fixture.drifts(true);
        fixture.acts(Reason::Drifted, result.clone());
        assert_eq!(fixture.condition(Drifted).status, Truth::True, "{result:?}");
        assert_eq!(fixture.status().last_drift.unwrap().repaired_at, None, "{result:?}");
    }
    let mut fixture = Fixture::good();
    fixture.drifts(true);
    assert_eq!(fixture.condition(Drifted).status, Truth::True, "its action was dropped");
}

#[test]
fn drift_that_stays_keeps_the_time_when_it_was_first_seen() {
    let mut fixture = Fixture::good();
    fixture.drifts(false);
    let first = fixture.now;
    fixture.prior = Some(fixture.status());
    fixture.now += SignedDuration::from_secs(60);
    assert_eq!(fixture.status().last_drift.unwrap().at, first);
    assert_eq!(fixture.status().updated_at, first, "and the status is not written again");
}

#[test]
fn a_suspension_is_told_until_it_is_over() {
    let mut fixture = Fixture::good();
    assert_eq!(fixture.says(Suspended), said(Truth::False, "NotSuspended", "writes are made as needed"));
    fixture.suspend(SignedDuration::from_hours(1));
    let why = "by ana until 2026-11-20T13:00:00Z: an incident";
    assert_eq!(fixture.says(Suspended), said(Truth::True, "Suspended", why));
    fixture.now += SignedDuration::from_hours(1);
    assert_eq!(fixture.condition(Suspended).status, Truth::False);
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
        let mut fixture = Fixture::good();
        let (since, message) = (fixture.now, "it broke".to_owned());
        fixture.phase("web", Phase::Stalled { hash: "h1".into(), reason, message, since });
        assert_eq!(fixture.says(Stalled), said(Truth::True, reason.as_str(), "web: it broke"));
    }
}

#[test]
fn a_rollback_stalls_with_the_reason_of_ecs() {
    let mut fixture = Fixture::good();
    let (since, reason) = (fixture.now, "tasks failed to start".to_owned());
    let deployment = "ecs-svc/2".to_owned();
    fixture.phase("web", Phase::RolledBack { hash: "h1".into(), deployment, reason, since });
    let why = "web: rolled back by ECS: tasks failed to start";
    assert_eq!(fixture.says(Stalled), said(Truth::True, "RolledBack", why));
    let message = &fixture.status().components["web"].message;
    assert_eq!(
        message,
        "desired shop-web:1, running shop-web:1: rolled back by ECS because tasks failed to start"
    );
}

#[test]
fn what_is_in_the_way_stalls_and_is_told_once() {
    let mut fixture = Fixture::good();
    assert_eq!(fixture.says(Stalled), said(Truth::False, "NotStalled", "nothing holds it for good"));
    let note = Note { resource: service(), message: "is not ours".to_owned(), blocks: true, next_try: None };
    fixture.plan.notes = vec![note.clone(), Note { blocks: false, ..note.clone() }, note];
    assert_eq!(fixture.says(Stalled), said(Truth::True, "Blocked", "service/web: is not ours"));
}

#[test]
fn a_component_that_is_no_longer_declared_stalls_nothing() {
    let mut fixture = Fixture::good();
    let (since, message) = (fixture.now, "old".to_owned());
    let phase = Phase::Stalled { hash: "h".into(), reason: StallReason::TaskFailed, message, since };
    fixture.phase("migrate", phase);
    fixture.desired.components.remove("migrate");
    assert_eq!(fixture.condition(Stalled).status, Truth::False);
}

#[test]
fn a_light_pass_carries_what_the_last_full_one_said() {
    let mut fixture = Fixture::good();
    fixture
        .observed
        .targets
        .insert("web".into(), Seen::Present(vec![target("unhealthy"), target("healthy")]));
    let note = Note { resource: group(), message: "odd".to_owned(), blocks: false, next_try: None };
    fixture.plan.notes = vec![note.clone()];
    let mut fixture = fixture.lightly();
    fixture.plan.notes.clear();
    let prior = fixture.prior.clone().unwrap();
    let status = fixture.status();
    for kind in [SecretsReady, TargetsHealthy, Drifted] {
        let find = |status: &DeploymentStatus| status.conditions.iter().find(|c| c.kind == kind).cloned();
        assert_eq!(find(&status), find(&prior), "{kind}");
    }
    assert_eq!(status.notes, vec![note]);
    assert_eq!(status.components, prior.components);
}

#[test]
fn a_light_pass_does_not_forget_a_drift_that_it_cannot_see() {
    let mut fixture = Fixture::good();
    fixture.drifts(false);
    let mut fixture = fixture.lightly();
    fixture.plan.drift.clear();
    let prior = fixture.prior.clone().unwrap();
    let before = prior.conditions.into_iter().find(|condition| condition.kind == Drifted).unwrap();
    assert_eq!(before.status, Truth::True);
    assert_eq!(fixture.condition(Drifted), before);
}

#[test]
fn a_light_pass_without_a_full_one_before_knows_nothing() {
    let mut fixture = Fixture::good().lightly();
    fixture.prior = None;
    for kind in [SecretsReady, TargetsHealthy, Ready] {
        assert_eq!(fixture.condition(kind).status, Truth::Unknown, "{kind}");
    }
}

#[test]
fn a_transition_time_stays_while_the_status_of_its_condition_does() {
    let mut fixture = Fixture::good();
    let before = fixture.now;
    fixture.prior = Some(fixture.status());
    fixture.now += SignedDuration::from_secs(60);
    assert_eq!(fixture.condition(Ready).last_transition_time, before);
    fixture.web().running = 1;
    assert_eq!(fixture.condition(Ready).last_transition_time, fixture.now);
    assert_eq!(fixture.condition(Stalled).last_transition_time, before);
    let kept = fixture.now;
    fixture.prior = Some(fixture.status());
    fixture.now += SignedDuration::from_secs(60);
    fixture.web().running = 0;
    let ready = fixture.condition(Ready);
    assert_eq!((ready.last_transition_time, ready.message.as_str()), (kept, "web: 0 of 2 tasks running"));
}

#[test]
fn the_time_of_a_status_is_that_of_its_last_change() {
    let mut fixture = Fixture::good();
    let before = fixture.status();
    fixture.now += SignedDuration::from_secs(60);
    let after = DeploymentStatus { updated_at: fixture.now, ..before.clone() };
    assert_eq!(carry_time(Some(&before), after.clone(), fixture.now).updated_at, before.updated_at);
    let changed = DeploymentStatus { orphaned: true, ..after };
    assert_eq!(carry_time(Some(&before), changed.clone(), fixture.now).updated_at, fixture.now);
    assert_eq!(carry_time(None, changed, fixture.now).updated_at, fixture.now);
}

#[test]
fn a_refused_edit_is_told_beside_the_generation_in_force() {
    let mut fixture = Fixture::good();
    fixture.generation = Generation(4);
    fixture.findings = vec![Finding::error("spec", "is odd", "mend it")];
    let status = fixture.status();
    assert_eq!((status.generation, status.observed_generation), (Generation(4), Generation(3)));
    assert_eq!(status.findings, fixture.findings);
}

#[test]
fn tasks_of_the_old_revision_are_not_told_as_new_ones() {
    let mut fixture = Fixture::good();
    let since = fixture.now;
    let mut rolling = |deployment: Option<&str>| {
        let deployment = deployment.map(str::to_owned);
        let phase = Phase::Rolling { hash: "h2".into(), deployment, since, progress: (since, 0) };
        fixture.phase("web", phase);
        fixture.status().components["web"].message.clone()
    };
    assert_eq!(rolling(None), "its ECS deployment has not begun");
    assert_eq!(rolling(Some("ecs-svc/1")), "2 of 2 new tasks running");
    assert_eq!(rolling(Some("ecs-svc/2")), "its ECS deployment has just begun", "what was seen is older");
}

#[test]
fn a_deployment_that_is_not_there_yet_is_waited_for_without_a_name() {
    let on = WaitingOn::Deployment { id: String::new(), because: "not begun".to_owned() };
    assert_eq!(on.to_string(), "its ECS deployment: not begun");
}

#[test]
fn a_component_is_told_with_its_counts_image_and_revisions() {
    let mut fixture = Fixture::good();
    let web = fixture.status().components["web"].clone();
    assert_eq!((web.desired, web.running, web.pending), (2, 2, 0));
    assert_eq!((web.workload.as_str(), web.image.as_str()), ("service", "web:1"));
    assert_eq!((web.revision.as_deref(), web.wanted_revision), (Some("shop-web:1"), None));
    let newer = WEB_1.replace(":1", ":2");
    fixture.rollout.components.get_mut("web").unwrap().revision =
        Some(Revision { hash: "h2".into(), arn: newer, registered: None });
    assert_eq!(fixture.status().components["web"].wanted_revision.as_deref(), Some("shop-web:2"));
}

#[test]
fn a_service_that_could_not_be_seen_keeps_its_counts_and_revision() {
    let mut fixture = Fixture::good();
    fixture.prior = Some(fixture.status());
    fixture.observed.services.insert("web".into(), Seen::Unknown(gap("Throttled")));
    let web = fixture.status().components["web"].clone();
    assert_eq!((web.desired, web.running, web.revision.as_deref()), (2, 2, Some("shop-web:1")));
    assert_eq!(web.wanted_revision, None);
    fixture.observed.services.insert("web".into(), Seen::Absent);
    let web = fixture.status().components["web"].clone();
    assert_eq!((web.desired, web.running, web.revision), (2, 0, None));
}

#[test]
fn what_could_not_be_seen_of_a_service_is_said_to_be_unseen_in_every_phase() {
    let good = Fixture::good();
    let (now, hash) = (good.now, ContentHash::from("h1"));
    let rolling = |deployment: Option<&str>| Phase::Rolling {
        hash: hash.clone(),
        deployment: deployment.map(str::to_owned),
        since: now,
        progress: (now, 0),
    };
    let rolled_back = Phase::RolledBack {
        hash: hash.clone(),
        deployment: "ecs-svc/1".into(),
        reason: "it crashed".into(),
        since: now,
    };
    let silent = [Phase::Idle, Phase::Complete { hash: hash.clone(), since: now }];
    let message = |phase: &Phase, seen: Seen<ObservedService>| {
        let mut fixture = Fixture::good();
        fixture.phase("web", phase.clone());
        fixture.observed.services.insert("web".into(), seen);
        fixture.status().components["web"].message.clone()
    };
    for phase in [rolling(None), rolling(Some("ecs-svc/1")), rolled_back] {
        let denied = message(&phase, Seen::Unknown(gap("AccessDeniedException")));
        let unread = message(&phase, Seen::NotRead);
        let absent = message(&phase, Seen::Absent);
        let known = ["created", "has not begun", "gone", "nothing", "0 of", "running :"];
        for unseen in [&denied, &unread] {
            let claim = known.iter().find(|words| unseen.contains(**words));
            assert_eq!(claim, None, "{unseen}");
            assert_ne!(*unseen, absent);
            assert!(unseen.contains("not seen") || unseen.contains("not looked at"), "{unseen}");
        }
    }
    assert!(
        message(&rolling(None), Seen::Unknown(gap("AccessDeniedException")))
            .contains("AccessDeniedException")
    );
    // The pass that creates it has seen that it was not there, and knows its deployment.
    assert_eq!(message(&rolling(Some("ecs-svc/1")), Seen::Absent), "being created");
    assert_eq!(message(&rolling(None), Seen::Absent), "not created yet");
    for phase in silent {
        assert_eq!(message(&phase, Seen::Unknown(gap("AccessDeniedException"))), "");
    }
}

#[test]
fn that_a_task_was_a_service_before_is_none_of_its_readiness() {
    let mut fixture = Fixture::good();
    fixture.observed.services.insert("migrate".into(), Seen::Absent);
    let status = fixture.status();
    assert_eq!(status.condition(Ready).unwrap().status, Truth::True);
}

#[test]
fn a_running_migration_is_counted() {
    let mut fixture = Fixture::good();
    let (since, token) = (fixture.now, "t".to_owned());
    let deadline = since + SignedDuration::from_secs(60);
    let task = Some("arn:aws:ecs:eu-west-1:123456789012:task/main/abc".to_owned());
    fixture.phase(
        "migrate",
        Phase::TaskRunning { hash: "h1".into(), attempt: 1, token, task, since, deadline, within: None },
    );
    let migrate = fixture.status().components["migrate"].clone();
    assert_eq!((migrate.workload.as_str(), migrate.desired, migrate.running), ("task", 1, 0));
    assert_eq!(migrate.message, "task abc must exit 0 by 2026-11-20T12:01:00Z");
}

#[test]
fn resources_in_every_state() {
    let mut fixture = Fixture::good();
    assert_eq!(fixture.says(ResourcesReady), said(Truth::True, "AllReady", "1 ready"));
    let mut found = |readiness| {
        let resource = ObservedResource { readiness, ..resource() };
        fixture.observed.resources.insert(group(), Seen::Present(resource));
        (fixture.says(ResourcesReady), fixture.says(Ready))
    };
    let why = "target-group/web: it is being made";
    let changing = said(Truth::False, "ResourceChanging", why);
    assert_eq!(found(Readiness::Changing { what: "being made".into() }), (changing.clone(), changing));
    let why = "target-group/web: it failed: no capacity";
    let failed = said(Truth::False, "ResourceFailed", why);
    assert_eq!(found(Readiness::Failed { why: "no capacity".into() }), (failed.clone(), failed));
    fixture.observed.resources.insert(group(), Seen::Absent);
    let why = "target-group/web does not exist yet";
    assert_eq!(fixture.says(ResourcesReady), said(Truth::False, "ResourceMissing", why));
    fixture.observed.resources.insert(group(), Seen::NotRead);
    assert_eq!(fixture.condition(ResourcesReady).status, Truth::Unknown);
    fixture.observed.depth = Depth::Light;
    assert_eq!(fixture.condition(ResourcesReady).status, Truth::Unknown, "a light pass keeps what is known");
    fixture.desired.resources.clear();
    assert_eq!(fixture.says(ResourcesReady), said(Truth::True, "NoResources", "no resource is declared"));
}

#[test]
fn what_failed_in_aws_stalls_and_what_aws_changes_does_not() {
    let mut fixture = Fixture::good();
    for (failed, stalls) in [(false, Truth::False), (true, Truth::True)] {
        let on = WaitingOn::NotReady { what: "load balancer front".into(), because: "so".into(), failed };
        fixture.waits(group(), on);
        assert_eq!(fixture.condition(Stalled).status, stalls);
    }
}
