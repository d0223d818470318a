//! Drift of everything that Evenkeel writes: seen within one resync, repaired in the pass that sees
//! it, and then peace.

use crate::support::{Fixture, REGION, SHOP, condition, service, update_service};
use aws_sim::faults::{Effect, FaultRule, When};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::resource::ResourceId;
use serde_json::{Value, json};

/// A resync, with its spread of a twentieth.
const RESYNC: u64 = 64;

/// One thing that somebody did by hand, and what is to be said of it.
struct Case {
    /// The resource that differs then.
    resource: &'static str,
    /// What the event says: the field, its old and new value, and who owns it.
    what: &'static str,
    /// The calls that are to repair it, in order.
    writes: &'static [&'static str],
}

/// A fixture in which the shop runs.
async fn shop() -> Fixture {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    // The first quiet pass is over.
    fixture.pass(10).await;
    fixture.sim.reset_calls();
    fixture
}

async fn arn(fixture: &Fixture, resource: &str) -> String {
    let id = ResourceId::try_from(resource.to_owned()).unwrap();
    fixture.record("shop").await.rollout.arn(&id).unwrap().to_owned()
}

/// Holds that a drift is repaired: within one resync, in the pass that sees it, reported, and then
/// nothing is written for long.
async fn is_repaired(fixture: &Fixture, case: &Case) {
    is_repaired_within(RESYNC, fixture, case).await;
}

/// The same within so many seconds, for what is only certain after a while.
async fn is_repaired_within(seconds: u64, fixture: &Fixture, case: &Case) {
    let Case { resource, what, writes } = case;
    let began = fixture.clock.now();
    fixture.pass(seconds).await;
    let record = fixture.record("shop").await;
    let seen = record.events.iter().rev().find(|event| {
        event.at >= began
            && event.object == *resource
            && event.reason.as_str() == "DriftSeen"
            && event.message.contains(what)
    });
    let events: Vec<String> = record
        .events
        .iter()
        .filter(|event| event.at >= began)
        .map(|event| format!("{} {} {}: {}", event.at, event.reason, event.object, event.message))
        .collect();
    let seen = seen.unwrap_or_else(|| panic!("no event says `{what}` of {resource}: {events:#?}"));
    let repaired = record.events.iter().find(|event| {
        event.at == seen.at && event.object == *resource && event.reason.as_str() == "DriftRepaired"
    });
    assert!(repaired.is_some(), "not repaired in the pass that saw it: {events:#?}");
    let drift = record.status.as_ref().unwrap().last_drift.clone().unwrap();
    assert_eq!(
        (drift.resource.to_string().as_str(), drift.repaired_at.is_some()),
        (*resource, true),
        "{drift:?}"
    );
    assert!(drift.what.contains(what), "{drift:?}");
    let (drifted, _, message) = condition(&fixture.status("shop"), ConditionType::Drifted);
    assert_eq!(drifted, Truth::False, "{message}");
    fixture.ready_within(600).await;
    assert_eq!(fixture.writes(), *writes);
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_service_scaled_by_hand_is_scaled_back() {
    let fixture = shop().await;
    update_service(&fixture, json!({"desiredCount": 5}));
    let case = Case {
        resource: "service/web",
        what: "desiredCount 5 → 2 (declared)",
        writes: &["ecs:UpdateService"],
    };
    is_repaired(&fixture, &case).await;
    assert_eq!(service(&fixture)["desiredCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_writes_each_time_is_not_fought_for_ever() {
    let fixture = shop().await;
    let mut contested = 0;
    for _ in 0..3600 {
        if service(&fixture)["desiredCount"] == 2 {
            update_service(&fixture, json!({"desiredCount": 5}));
        }
        fixture.pass(1).await;
        let status = fixture.status("shop");
        let notes = status.notes.iter().filter(|note| note.blocks && note.message.contains("put right"));
        let is_contested = notes.count() > 0;
        contested += u32::from(is_contested);
        let web = &status.components["web"];
        assert_eq!(web.phase == "Contested", is_contested, "{web:?}");
        assert!(!is_contested || web.message.starts_with("next try 20"), "{web:?}");
    }
    let writes = fixture.writes();
    assert!((4..=8).contains(&writes.len()), "three at once, then fewer and fewer: {writes:?}");
    assert!(contested > 3000, "it is said what is fought over: {contested}");
    let (stalled, _, message) = condition(&fixture.status("shop"), ConditionType::Stalled);
    assert_eq!(stalled, Truth::True);
    assert!(message.contains("desiredCount was put right"), "{message}");
    // Nobody writes it any more: within the longest wait it is as declared for good.
    fixture.pass(7 * 3600).await;
    assert_eq!(service(&fixture)["desiredCount"], 2);
    fixture.ready_within(60).await;
}

/// A revision of the family with another image, as somebody else registers it.
fn another_revision(fixture: &Fixture) -> Value {
    let made = fixture.by_hand(
        "ecs",
        "RegisterTaskDefinition",
        json!({"family": "shop-web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{"name": "web", "image": "registry.example.com/other:6", "portMappings": [{"containerPort": 8080}]}]}),
    );
    made["taskDefinition"]["taskDefinitionArn"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_service_pointed_at_another_revision_is_pointed_back() {
    let fixture = shop().await;
    let wanted = service(&fixture)["taskDefinition"].clone();
    let other = another_revision(&fixture);
    update_service(&fixture, json!({"taskDefinition": other}));
    let case = Case {
        resource: "service/web",
        what: "taskDefinition shop-web:2 → shop-web:1",
        writes: &["ecs:UpdateService"],
    };
    is_repaired(&fixture, &case).await;
    assert_eq!(service(&fixture)["taskDefinition"], wanted);
}

#[tokio::test(start_paused = true)]
async fn who_points_a_service_at_another_revision_again_and_again_is_named_with_its_image() {
    let fixture = shop().await;
    let other = another_revision(&fixture);
    for _ in 0..3600 {
        if service(&fixture)["taskDefinition"] != other {
            update_service(&fixture, json!({"taskDefinition": other}));
        }
        fixture.pass(1).await;
        if fixture.status("shop").components["web"].phase == "Contested" {
            break;
        }
    }
    let status = fixture.status("shop");
    let note = status.notes.iter().find(|note| note.next_try.is_some()).expect("it is contested");
    let revision = other.as_str().unwrap().rsplit('/').next().unwrap();
    for part in [revision, ", which arn:aws:", "registry.example.com/other:6", "next try"] {
        assert!(note.message.contains(part), "{part}: {}", note.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_network_configuration_is_changed_back() {
    let fixture = shop().await;
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0", "subnet-9"], "securityGroups": ["sg-0123456789abcdef0"]}});
    update_service(&fixture, json!({"networkConfiguration": network}));
    let what = r#"networkConfiguration.awsvpcConfiguration.subnets ["subnet-"#;
    is_repaired(&fixture, &Case { resource: "service/web", what, writes: &["ecs:UpdateService"] }).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_grace_period_is_changed_back_without_a_deployment() {
    let fixture = shop().await;
    let deployment = service(&fixture)["deployments"][0]["id"].clone();
    update_service(&fixture, json!({"healthCheckGracePeriodSeconds": 999}));
    let what = "healthCheckGracePeriodSeconds 999 → 30 (declared)";
    is_repaired(&fixture, &Case { resource: "service/web", what, writes: &["ecs:UpdateService"] }).await;
    assert_eq!(service(&fixture)["deployments"][0]["id"], deployment);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_is_made_again_under_its_name() {
    let fixture = shop().await;
    let before = service(&fixture);
    fixture.by_hand("ecs", "DeleteService", json!({"cluster": "shop", "service": "shop-web", "force": true}));
    // ECS keeps the service DRAINING until its tasks and targets are gone, and INACTIVE from then
    // on.
    while service(&fixture)["status"] != "INACTIVE" {
        fixture.pass(1).await;
    }
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let case = Case { resource: "service/web", what: "deleted by someone", writes: &["ecs:CreateService"] };
    is_repaired(&fixture, &case).await;
    let after = service(&fixture);
    assert_eq!((&after["status"], &after["runningCount"]), (&json!("ACTIVE"), &json!(2)));
    assert_eq!(after["taskDefinition"], before["taskDefinition"]);
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_task_definition_is_registered_again_and_rolled_out() {
    let fixture = shop().await;
    let before = service(&fixture)["taskDefinition"].clone();
    fixture.by_hand("ecs", "DeregisterTaskDefinition", json!({"taskDefinition": before}));
    let case = Case {
        resource: "task-definition/web",
        what: "INACTIVE → ACTIVE (declared)",
        writes: &["ecs:RegisterTaskDefinition", "ecs:UpdateService"],
    };
    let began = fixture.clock.now();
    fixture.pass(RESYNC).await;
    let record = fixture.record("shop").await;
    let events: Vec<_> = record.events.iter().filter(|event| event.at >= began).collect();
    let seen = events.iter().find(|e| e.object == case.resource && e.reason.as_str() == "DriftSeen").unwrap();
    assert!(seen.message.contains(case.what), "{}", seen.message);
    assert!(
        events
            .iter()
            .any(|e| e.at == seen.at && e.object == case.resource && e.reason.as_str() == "DriftRepaired")
    );
    fixture.ready_within(600).await;
    assert_eq!(fixture.writes(), case.writes);
    let after = service(&fixture)["taskDefinition"].clone();
    assert_ne!(after, before);
    let described = fixture.by_hand("ecs", "DescribeTaskDefinition", json!({"taskDefinition": after}));
    assert_eq!(described["taskDefinition"]["status"], "ACTIVE");
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_changed_health_check_is_changed_back() {
    let fixture = shop().await;
    let group = arn(&fixture, "target-group/web").await;
    let input =
        json!({"TargetGroupArn": group, "HealthCheckPath": "/other", "HealthCheckIntervalSeconds": "99"});
    fixture.by_hand("elasticloadbalancing", "ModifyTargetGroup", input);
    let case = Case {
        resource: "target-group/web",
        what: "healthCheck",
        writes: &["elasticloadbalancing:ModifyTargetGroup"],
    };
    is_repaired(&fixture, &case).await;
    let record = fixture.record("shop").await;
    for what in
        ["healthCheckPath /other → /health (declared)", "healthCheckIntervalSeconds 99 → 10 (declared)"]
    {
        assert!(record.events.iter().any(|event| event.message == what), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn changed_target_group_attributes_are_changed_back() {
    let fixture = shop().await;
    let group = arn(&fixture, "target-group/web").await;
    let input = json!({"TargetGroupArn": group, "Attributes.member.1.Key": "deregistration_delay.timeout_seconds",
        "Attributes.member.1.Value": "600"});
    fixture.by_hand("elasticloadbalancing", "ModifyTargetGroupAttributes", input);
    let case = Case {
        resource: "target-group/web",
        what: "attributes.deregistration_delay.timeout_seconds 600 → 15 (declared)",
        writes: &["elasticloadbalancing:ModifyTargetGroupAttributes"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_group_deleted_under_a_running_service_is_made_again_with_its_rule_and_service() {
    let fixture = shop().await;
    let group = arn(&fixture, "target-group/web").await;
    let rule = arn(&fixture, "rule/web").await;
    fixture.by_hand("elasticloadbalancing", "DeleteRule", json!({"RuleArn": rule}));
    fixture.by_hand("elasticloadbalancing", "DeleteTargetGroup", json!({"TargetGroupArn": group}));
    fixture.pass(RESYNC).await;
    fixture.ready_within(600).await;
    let writes = [
        "elasticloadbalancing:CreateTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:CreateRule",
        "ecs:UpdateService",
    ];
    assert_eq!(fixture.writes(), writes);
    let again = arn(&fixture, "target-group/web").await;
    assert_ne!(again, group);
    assert_eq!(service(&fixture)["loadBalancers"][0]["targetGroupArn"], json!(again));
    let record = fixture.record("shop").await;
    // Nobody edited the service: the group that it is to be in is another one by now.
    for (object, drifted) in [("target-group/web", true), ("rule/web", true), ("service/web", false)] {
        let repaired =
            record.events.iter().any(|e| e.object == object && e.reason.as_str() == "DriftRepaired");
        assert_eq!(repaired, drifted, "{object}: {:#?}", record.events);
    }
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_changed_rule_is_changed_back() {
    let fixture = shop().await;
    let rule = arn(&fixture, "rule/web").await;
    let input = json!({"RuleArn": rule, "Conditions.member.1.Field": "path-pattern",
        "Conditions.member.1.Values.member.1": "/elsewhere"});
    fixture.by_hand("elasticloadbalancing", "ModifyRule", input);
    let case =
        Case { resource: "rule/web", what: "(declared)", writes: &["elasticloadbalancing:ModifyRule"] };
    is_repaired(&fixture, &case).await;
    let drift = fixture.status("shop").last_drift.unwrap();
    assert!(drift.what.contains("/elsewhere") && drift.what.contains("/*"), "{}", drift.what);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_rule_is_made_again() {
    let fixture = shop().await;
    let rule = arn(&fixture, "rule/web").await;
    fixture.by_hand("elasticloadbalancing", "DeleteRule", json!({"RuleArn": rule}));
    let case = Case {
        resource: "rule/web",
        what: "deleted by someone",
        writes: &["elasticloadbalancing:CreateRule"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_listener_is_changed_back() {
    let fixture = shop().await;
    let listener = arn(&fixture, "listener/http").await;
    let input = json!({"ListenerArn": listener, "DefaultActions.member.1.Type": "fixed-response",
        "DefaultActions.member.1.FixedResponseConfig.StatusCode": "503"});
    fixture.by_hand("elasticloadbalancing", "ModifyListener", input);
    let case = Case {
        resource: "listener/http",
        what: "defaultActions",
        writes: &["elasticloadbalancing:ModifyListener"],
    };
    is_repaired(&fixture, &case).await;
    let drift = fixture.status("shop").last_drift.unwrap();
    assert!(drift.what.contains("503") && drift.what.ends_with("(declared)"), "{}", drift.what);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_listener_is_made_again_with_its_rules() {
    let fixture = shop().await;
    let listener = arn(&fixture, "listener/http").await;
    fixture.by_hand("elasticloadbalancing", "DeleteListener", json!({"ListenerArn": listener}));
    fixture.pass(RESYNC).await;
    fixture.ready_within(600).await;
    assert_eq!(fixture.writes(), ["elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateRule"]);
    let record = fixture.record("shop").await;
    for object in ["listener/http", "rule/web"] {
        let event =
            |reason: &str| record.events.iter().find(|e| e.object == object && e.reason.as_str() == reason);
        assert_eq!(event("DriftSeen").map(|e| e.message.as_str()), Some("deleted by someone"), "{object}");
        assert!(event("DriftRepaired").is_some(), "{object}: {:#?}", record.events);
    }
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Drifted).0, Truth::False);
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_changed_log_retention_is_changed_back() {
    let fixture = shop().await;
    fixture.by_hand("logs", "PutRetentionPolicy", json!({"logGroupName": "/ecs/shop", "retentionInDays": 1}));
    let case = Case {
        resource: "log-group//ecs/shop",
        what: "retentionInDays 1 → 30 (declared)",
        writes: &["logs:PutRetentionPolicy"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_log_group_is_made_again() {
    let fixture = shop().await;
    fixture.by_hand("logs", "DeleteLogGroup", json!({"logGroupName": "/ecs/shop"}));
    let case = Case {
        resource: "log-group//ecs/shop",
        what: "deleted by someone",
        writes: &["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn tags_removed_from_a_service_or_a_task_definition_are_set_again() {
    let fixture = shop().await;
    let web = service(&fixture);
    for (resource, arn) in
        [("service/web", &web["serviceArn"]), ("task-definition/web", &web["taskDefinition"])]
    {
        fixture.by_hand(
            "ecs",
            "UntagResource",
            json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/owner"]}),
        );
        let case = Case {
            resource,
            what: "tags.evenkeel.dev/owner (none) → shop (declared)",
            writes: &["ecs:TagResource"],
        };
        is_repaired(&fixture, &case).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tags_removed_in_the_load_balancer_are_set_again() {
    let fixture = shop().await;
    for resource in ["target-group/web", "listener/http", "rule/web"] {
        let arn = arn(&fixture, resource).await;
        let input = json!({"ResourceArns.member.1": arn, "TagKeys.member.1": "evenkeel.dev/owner"});
        fixture.by_hand("elasticloadbalancing", "RemoveTags", input);
        let case = Case {
            resource,
            what: "tags.evenkeel.dev/owner (none) → shop (declared)",
            writes: &["elasticloadbalancing:AddTags"],
        };
        is_repaired(&fixture, &case).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tags_removed_from_a_log_group_are_set_again() {
    let fixture = shop().await;
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/shop";
    fixture.by_hand("logs", "UntagResource", json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/owner"]}));
    let case = Case {
        resource: "log-group//ecs/shop",
        what: "tags.evenkeel.dev/owner (none) → shop (declared)",
        writes: &["logs:TagResource"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_belongs_to_no_task_is_taken_out() {
    let fixture = shop().await;
    let group = arn(&fixture, "target-group/web").await;
    fixture.sim.with(|world| world.region(REGION).elbv2.silence("10.9.9.9"));
    let input =
        json!({"TargetGroupArn": group, "Targets.member.1.Id": "10.9.9.9", "Targets.member.1.Port": "8080"});
    fixture.by_hand("elasticloadbalancing", "RegisterTargets", input);
    // Lists of tasks lag behind what runs: it is only certain after five minutes.
    fixture.pass(290).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let case = Case {
        resource: "target-group/web",
        what: r#"targets ["10.9.9.9:8080"] → [] (delegated)"#,
        writes: &["elasticloadbalancing:DeregisterTargets"],
    };
    is_repaired_within(3 * RESYNC, &fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_migration_is_registered_again_and_not_run_again() {
    let fixture = shop().await;
    let revision = fixture.record("shop").await.rollout.components["migrate"].revision.clone().unwrap();
    fixture.by_hand("ecs", "DeregisterTaskDefinition", json!({"taskDefinition": revision.arn}));
    let case = Case {
        resource: "task-definition/migrate",
        what: "INACTIVE → ACTIVE (declared)",
        writes: &["ecs:RegisterTaskDefinition"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_that_was_switched_off_is_switched_on_again() {
    let fixture = shop().await;
    let breaker = json!({"deploymentCircuitBreaker": {"enable": false, "rollback": false}});
    update_service(&fixture, json!({"deploymentConfiguration": breaker}));
    let case = Case {
        resource: "service/web",
        what: "deploymentConfiguration.deploymentCircuitBreaker.rollback false → true (declared)",
        writes: &["ecs:UpdateService"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_default_that_nobody_declared_is_kept_as_well() {
    let fixture = shop().await;
    update_service(&fixture, json!({"enableExecuteCommand": true}));
    let case = Case {
        resource: "service/web",
        what: "enableExecuteCommand true → false (declared)",
        writes: &["ecs:UpdateService"],
    };
    is_repaired(&fixture, &case).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_taken_from_its_target_group_is_put_back() {
    let fixture = shop().await;
    update_service(&fixture, json!({"loadBalancers": []}));
    // ECS forgets the grace period of a service without a load balancer.
    let what = "healthCheckGracePeriodSeconds 0 → 30 (declared)";
    is_repaired(&fixture, &Case { resource: "service/web", what, writes: &["ecs:UpdateService"] }).await;
    let record = fixture.record("shop").await;
    let event = |reason: &str| {
        record.events.iter().any(|e| e.reason.as_str() == reason && e.message.contains("loadBalancers"))
    };
    assert!(event("DriftSeen"), "{:#?}", record.events);
    assert_eq!(fixture.status("shop").components["web"].targets["web"].healthy, 2);
}

#[tokio::test(start_paused = true)]
async fn a_rule_moved_to_another_priority_is_moved_back() {
    let fixture = shop().await;
    let rule = arn(&fixture, "rule/web").await;
    let input = json!({"RulePriorities.member.1.RuleArn": rule, "RulePriorities.member.1.Priority": "77"});
    fixture.by_hand("elasticloadbalancing", "SetRulePriorities", input);
    fixture.pass(RESYNC).await;
    fixture.ready_within(300).await;
    let described = fixture.by_hand(
        "elasticloadbalancing",
        "DescribeRules",
        json!({"ListenerArn": arn(&fixture, "listener/http").await}),
    );
    let priorities: Vec<&str> = described["Rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["Priority"].as_str().unwrap())
        .collect();
    assert_eq!(priorities, ["10", "default"]);
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_another_deployment_took_over_is_not_fought_for() {
    let fixture = shop().await;
    let tags = json!([{"key": "evenkeel.dev/owner", "value": "another"}]);
    fixture.by_hand(
        "ecs",
        "TagResource",
        json!({"resourceArn": service(&fixture)["serviceArn"], "tags": tags}),
    );
    update_service(&fixture, json!({"desiredCount": 3}));
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let (stalled, _, message) = condition(&fixture.status("shop"), ConditionType::Stalled);
    assert_eq!(stalled, Truth::True);
    assert!(message.contains("belongs to deployment `another`"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn everything_deleted_at_once_comes_back_without_a_second_migration() {
    let fixture = shop().await;
    let arns = ["rule/web", "listener/http", "target-group/web"];
    let [rule, listener, group] =
        [arn(&fixture, arns[0]).await, arn(&fixture, arns[1]).await, arn(&fixture, arns[2]).await];
    fixture.by_hand("ecs", "DeleteService", json!({"cluster": "shop", "service": "shop-web", "force": true}));
    fixture.by_hand("elasticloadbalancing", "DeleteRule", json!({"RuleArn": rule}));
    fixture.by_hand("elasticloadbalancing", "DeleteListener", json!({"ListenerArn": listener}));
    fixture.by_hand("elasticloadbalancing", "DeleteTargetGroup", json!({"TargetGroupArn": group}));
    fixture.by_hand("logs", "DeleteLogGroup", json!({"logGroupName": "/ecs/shop"}));
    fixture.pass(RESYNC).await;
    fixture.ready_within(900).await;
    assert_eq!(fixture.sim.counts().of("ecs", "RunTask"), 0);
    assert_eq!(fixture.sim.counts().of("ecs", "CreateService"), 1);
    assert_eq!(fixture.status("shop").components["web"].targets["web"].healthy, 2);
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn tasks_stopped_by_hand_are_left_to_ecs() {
    let fixture = shop().await;
    let listed = fixture.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "serviceName": "shop-web"}));
    for task in listed["taskArns"].as_array().unwrap() {
        fixture.by_hand("ecs", "StopTask", json!({"cluster": "shop", "task": task}));
    }
    fixture.pass(RESYNC).await;
    fixture.ready_within(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(service(&fixture)["runningCount"], 2);
}

/// Somebody sets what an edit that was undone had set, while AWS may still show that one.
#[tokio::test(start_paused = true)]
async fn what_somebody_changes_after_an_undone_edit_is_left_where_nobody_wants_a_repair() {
    for policy in ["Report", "Ignore"] {
        let document = SHOP.replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"));
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(600).await;
        for count in ["desiredCount: 3", "desiredCount: 2"] {
            fixture.write("shop.yaml", &document.replace("desiredCount: 2", count)).await;
            fixture.pass(5).await;
            fixture.ready_within(600).await;
            fixture.pass(20).await;
        }
        fixture.sim.reset_calls();
        let by_hand = json!({"cluster": "shop", "service": "shop-web", "desiredCount": 3});
        fixture.by_hand("ecs", "UpdateService", by_hand);
        fixture.pass(900).await;
        assert_eq!(fixture.writes(), Vec::<String>::new(), "{policy}");
        assert_eq!(service(&fixture)["desiredCount"], 3, "{policy}");
        let drift = fixture.status("shop").last_drift;
        assert_eq!(drift.is_some(), policy == "Report", "{policy}: {drift:?}");
        // An edit of the field is none of the other's.
        fixture.write("shop.yaml", &document.replace("desiredCount: 2", "desiredCount: 1")).await;
        fixture.pass(30).await;
        assert_eq!(service(&fixture)["desiredCount"], 1, "{policy}");
    }
}

/// What a document names no longer gets the value that AWS has for it, also where drift is only
/// reported; what it never named is left alone.
#[tokio::test(start_paused = true)]
async fn attributes_of_a_target_group_that_are_declared_no_longer_get_their_defaults_back() {
    for policy in ["Repair", "Report", "Ignore"] {
        let document = SHOP.replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"));
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(600).await;
        let group = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
        let group = group["TargetGroups"][0]["TargetGroupArn"].clone();
        let others = json!({"TargetGroupArn": group, "Attributes.member.1.Key": "slow_start.duration_seconds", "Attributes.member.1.Value": "60"});
        fixture.by_hand("elasticloadbalancing", "ModifyTargetGroupAttributes", others);
        let shown = |fixture: &Fixture, key: &str| {
            let input = json!({"TargetGroupArn": group});
            let all = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroupAttributes", input);
            let all = all["Attributes"].as_array().unwrap().clone();
            all.iter().find(|one| one["Key"] == key).unwrap()["Value"].as_str().unwrap().to_owned()
        };
        let named = "attributes: {deregistration_delay.timeout_seconds: \"15\"";
        let sticky = format!("{named}, stickiness.enabled: \"true\"");
        fixture.write("shop.yaml", &document.replace(named, &sticky)).await;
        fixture.pass(120).await;
        assert_eq!(shown(&fixture, "stickiness.enabled"), "true", "{policy}");
        // One edit is undone, and the other line goes as well.
        let without = document.replace(&format!("{named}}}"), "attributes: {}");
        assert!(!without.contains("deregistration_delay"));
        fixture.write("shop.yaml", &without).await;
        fixture.pass(120).await;
        assert_eq!(shown(&fixture, "stickiness.enabled"), "false", "{policy}");
        assert_eq!(shown(&fixture, "deregistration_delay.timeout_seconds"), "300", "{policy}");
        assert_eq!(shown(&fixture, "slow_start.duration_seconds"), "60", "never declared: {policy}");
        // From now on they are anybody's.
        let others = json!({"TargetGroupArn": group, "Attributes.member.1.Key": "stickiness.enabled", "Attributes.member.1.Value": "true"});
        fixture.by_hand("elasticloadbalancing", "ModifyTargetGroupAttributes", others);
        fixture.sim.reset_calls();
        fixture.pass(900).await;
        assert_eq!(fixture.writes(), Vec::<String>::new(), "{policy}");
        assert_eq!(shown(&fixture, "stickiness.enabled"), "true", "{policy}");
    }
}

/// The edit had no answer and is undone: what was asked for is taken back all the same.
#[tokio::test(start_paused = true)]
async fn an_attribute_that_was_set_without_an_answer_is_taken_back_when_its_edit_is_undone() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let modify = "elasticloadbalancing:ModifyTargetGroupAttributes";
    fixture.sim.faults().add(FaultRule::on(modify, Effect::LostReply).when(When::Once));
    let named = "attributes: {deregistration_delay.timeout_seconds: \"15\"";
    fixture.write("shop.yaml", &SHOP.replace(named, &format!("{named}, stickiness.enabled: \"true\""))).await;
    fixture.pass(2).await;
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(120).await;
    let group = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    let input = json!({"TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]});
    let all = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroupAttributes", input);
    let sticky =
        all["Attributes"].as_array().unwrap().iter().find(|one| one["Key"] == "stickiness.enabled").unwrap();
    assert_eq!(sticky["Value"], "false");
}
