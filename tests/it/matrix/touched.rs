//! What no document names and drifts nevertheless: registered targets, tags of a revision, the
//! revision itself; and what belongs to ECS for a while: weights that it shifts, the revision of a
//! service that it rolled back.

use super::manual::elb;
use super::rules::Outcome;
use crate::support::{Fixture, REGION, SHOP};
use evenkeel::model::resource::ResourceId;
use serde_json::{Value, json};

/// More than a resync and the calls of one repair.
const ONE_PASS: u64 = 90;
/// An address without a task must have been seen so for five minutes.
const UNTIL_CERTAIN: u64 = 400;

/// Things that somebody does to the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    TargetAdded,
    TargetRemoved,
    TagsChanged,
    TagsRemoved,
    TagsAdded,
    Deregistered,
    RuleShifted,
    ListenerShifted,
    GroupsAlternated,
    RolledBack,
}

impl Touch {
    /// What the report names: the resource, and the path in it.
    fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::TargetAdded | Self::TargetRemoved => ("target-group/web", "targets"),
            Self::TagsChanged | Self::TagsRemoved | Self::TagsAdded => ("task-definition/web", "tags"),
            Self::Deregistered => ("task-definition/web", "status"),
            Self::RuleShifted => ("rule/web", "actions"),
            Self::ListenerShifted => ("listener/http", "defaultActions"),
            Self::GroupsAlternated => ("service/web", "loadBalancers"),
            Self::RolledBack => ("service/web", "taskDefinition"),
        }
    }

    fn document(self, policy: &str) -> String {
        let document = SHOP.replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"));
        if !matches!(self, Self::RuleShifted | Self::ListenerShifted | Self::GroupsAlternated) {
            return document;
        }
        let role = "arn:aws:iam::123456789012:role/shop-shift";
        let advanced = format!(
            "containerPort: 8080, advancedConfiguration: {{alternateTargetGroupArn: green, productionListenerRule: web, roleArn: \"{role}\"}}}}]"
        );
        document
            .replace(
                "containerPort: 8080}]\n        healthCheck",
                &format!("{advanced}\n        healthCheck"),
            )
            .replace(
                "deploymentConfiguration:\n",
                "deploymentConfiguration:\n          strategy: BLUE_GREEN\n",
            )
            .replace(
                "  targetGroups:\n",
                "  targetGroups:\n    green: {port: 8080, vpcId: vpc-0123456789abcdef0}\n",
            )
            .replace(
                "[{type: fixed-response, fixedResponseConfig: {statusCode: \"404\"}}]",
                "[{type: forward, targetGroup: web}]",
            )
    }
}

async fn arn(fixture: &Fixture, resource: &str) -> String {
    let id = ResourceId::try_from(resource.to_owned()).unwrap();
    fixture.record("shop").await.rollout.arn(&id).unwrap().to_owned()
}

async fn revision(fixture: &Fixture) -> String {
    fixture.record("shop").await.rollout.components["web"].revision.clone().unwrap().arn
}

async fn forwarding(fixture: &Fixture) -> Value {
    let groups = [("web", 0), ("green", 100)];
    let mut weighted = Vec::new();
    for (key, weight) in groups {
        let arn = arn(fixture, &format!("target-group/{key}")).await;
        weighted.push(json!({"TargetGroupArn": arn, "Weight": weight}));
    }
    json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}])
}

async fn touch(fixture: &mut Fixture, touch: Touch) {
    let group = arn(fixture, "target-group/web").await;
    let revision = revision(fixture).await;
    let tag =
        |key: &str, value: &str| json!({"resourceArn": revision, "tags": [{"key": key, "value": value}]});
    match touch {
        Touch::TargetAdded => {
            fixture.sim.with(|world| world.region(REGION).elbv2.silence("10.9.9.9"));
            let targets = json!([{"Id": "10.9.9.9", "Port": 8080}]);
            drop(elb(fixture, "RegisterTargets", json!({"TargetGroupArn": group, "Targets": targets})));
        }
        Touch::TargetRemoved => {
            let health = elb(fixture, "DescribeTargetHealth", json!({"TargetGroupArn": group}));
            let one = health["TargetHealthDescriptions"][0]["Target"].clone();
            let targets = json!([{"Id": one["Id"], "Port": one["Port"]}]);
            drop(elb(fixture, "DeregisterTargets", json!({"TargetGroupArn": group, "Targets": targets})));
        }
        Touch::TagsChanged => {
            drop(fixture.by_hand("ecs", "TagResource", tag("evenkeel.dev/component", "other")))
        }
        Touch::TagsAdded => drop(fixture.by_hand("ecs", "TagResource", tag("somebody", "else"))),
        Touch::TagsRemoved => {
            let input = json!({"resourceArn": revision, "tagKeys": ["evenkeel.dev/hash"]});
            drop(fixture.by_hand("ecs", "UntagResource", input));
        }
        Touch::Deregistered => {
            drop(fixture.by_hand("ecs", "DeregisterTaskDefinition", json!({"taskDefinition": revision})));
        }
        Touch::RuleShifted => {
            let input =
                json!({"RuleArn": arn(fixture, "rule/web").await, "Actions": forwarding(fixture).await});
            drop(elb(fixture, "ModifyRule", input));
        }
        Touch::ListenerShifted => {
            let listener = arn(fixture, "listener/http").await;
            let input = json!({"ListenerArn": listener, "DefaultActions": forwarding(fixture).await});
            drop(elb(fixture, "ModifyListener", input));
        }
        Touch::GroupsAlternated => {
            let input =
                json!({"RuleArn": arn(fixture, "rule/web").await, "Actions": forwarding(fixture).await});
            drop(elb(fixture, "ModifyRule", input));
            let described = json!({"cluster": "shop", "services": ["shop-web"]});
            let service = fixture.by_hand("ecs", "DescribeServices", described)["services"][0].clone();
            let mut balancers = service["loadBalancers"].clone();
            let alternate = balancers[0]["advancedConfiguration"]["alternateTargetGroupArn"].take();
            assert!(alternate.is_string());
            balancers[0]["advancedConfiguration"]["alternateTargetGroupArn"] =
                balancers[0]["targetGroupArn"].take();
            balancers[0]["targetGroupArn"] = alternate;
            let altered = fixture.sim.with(|aws| {
                aws.with_ecs(REGION, |ecs, _| {
                    ecs.alter_service("shop", "shop-web", "loadBalancers", Some(balancers))
                })
            });
            assert!(altered);
        }
        Touch::RolledBack => {
            let before = revision;
            fixture.edit("shop.yaml", "/shop:1.0", "/shop:1.1-crash").await;
            fixture.until(1200, |status| status.components["web"].phase == "RolledBack").await;
            let described = json!({"cluster": "shop", "services": ["shop-web"]});
            let service = fixture.by_hand("ecs", "DescribeServices", described)["services"][0].clone();
            assert_eq!(service["taskDefinition"], json!(before));
        }
    }
}

/// What becomes of a touch under a policy.
pub async fn outcome(what: Touch, policy: &str) -> Outcome {
    let document = what.document(policy);
    let mut fixture = Fixture::new(&[("shop.yaml", document.as_str())]).await;
    fixture.ready_within(600).await;
    fixture.pass(10).await;
    touch(&mut fixture, what).await;
    let began = fixture.clock.now();
    fixture.sim.reset_calls();
    let targets = matches!(what, Touch::TargetAdded | Touch::TargetRemoved);
    fixture.pass(if targets { UNTIL_CERTAIN + ONE_PASS } else { ONE_PASS }).await;
    let (object, path) = what.about();
    let record = fixture.record("shop").await;
    let reported = |reason: &str, names: &str| {
        let mut about = record.events.iter().filter(|event| event.at >= began && event.object == object);
        about
            .find(|event| event.reason.as_str() == reason && event.message.starts_with(names))
            .map(|event| event.at)
    };
    let writes = fixture.writes();
    let found = (reported("DriftSeen", path), reported("DriftRepaired", ""), reported("DriftReported", path));
    match (found, writes.is_empty()) {
        ((Some(seen), Some(mended), None), false) if seen == mended => Outcome::Repaired,
        ((None, None, Some(_)), true) => Outcome::Reported,
        ((None, None, None), true) => Outcome::Left,
        _ => Outcome::Odd(format!("{what:?} {found:?} {writes:?}")),
    }
}
