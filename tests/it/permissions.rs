//! What the controller does under the policies that are shipped. The rest of this suite runs under
//! `manifests/iam-policy.json`, too.

use crate::alarms;
use crate::strategies;
use crate::support::policy::{NO_ADOPTION, SHIPPED, adapted, manifest};
use crate::support::{Fixture, SHOP, condition, service, strangers};
use aws_sim::{Moment, Sim};
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// The role that a document may name to be carried out by.
const DEPLOY: &str = "evenkeel-deploy";

/// The refusals for want of a permission so far, each with its operation.
type Refusals = Arc<Mutex<BTreeSet<String>>>;

fn refusals(sim: &Sim) -> Refusals {
    let refused = Refusals::default();
    let noted = Arc::clone(&refused);
    sim.on_call(move |moment| {
        if let Moment::After { call, .. } = moment
            && call.error.as_deref().is_some_and(|code| code.starts_with("AccessDenied"))
        {
            noted.lock().unwrap().insert(format!("{}:{}", call.service, call.operation));
        }
    });
    refused
}

fn so_far(refused: &Refusals) -> BTreeSet<String> {
    refused.lock().unwrap().clone()
}

/// The shop with all that asks for a permission of its own: an alarm, volumes that ECS makes, a
/// role to be carried out by.
fn everything() -> String {
    let document = alarms::shop();
    let placed = format!("cluster: shop, roleArn: \"arn:aws:iam::123456789012:role/{DEPLOY}\"}}");
    let volumes = "        volumes: [{name: data, configuredAtLaunch: true}]\n      service:\n        desiredCount: 2\n";
    let managed = "{roleArn: \"arn:aws:iam::123456789012:role/volumes\", sizeInGiB: 20}";
    let network = "        healthCheckGracePeriodSeconds: 30\n";
    let configured =
        format!("{network}        volumeConfigurations: [{{name: data, managedEBSVolume: {managed}}}]\n");
    let changed = document
        .replacen("cluster: shop}", &placed, 1)
        .replacen("      service:\n        desiredCount: 2\n", volumes, 1)
        .replacen(network, &configured, 1)
        .replacen("spec:\n", "spec:\n  deletionPolicy: Delete\n", 1);
    assert!(
        changed.contains(DEPLOY)
            && changed.contains("configuredAtLaunch")
            && changed.contains("role/volumes")
    );
    changed
}

/// What is refused while everything is made, changed, drifts and is removed.
async fn refused_on_a_tour(policy: &Value) -> BTreeSet<String> {
    let sim = Sim::builder().seed(7).build();
    let refused = refusals(&sim);
    let mut fixture = Fixture::idle(sim, &[("shop.yaml", &everything())]).await;
    fixture.under(policy);
    old_revisions(&fixture);
    fixture.start().await;
    fixture.pass(400).await;
    fixture.edit("shop.yaml", "/shop:1.0", "/shop:1.1").await;
    fixture.pass(400).await;
    fixture.remove("shop.yaml").await;
    fixture.pass(900).await;
    so_far(&refused)
}

/// What is refused while a deployment that ECS has paused is answered.
async fn refused_at_a_pause(policy: &Value) -> BTreeSet<String> {
    let sim = Sim::builder().seed(7).build();
    let refused = refusals(&sim);
    let document = strategies::shop(strategies::PAUSED);
    let mut fixture = Fixture::idle(sim, &[("shop.yaml", &document)]).await;
    fixture.under(policy);
    fixture.start().await;
    fixture.ready_within(900).await;
    fixture.edit("shop.yaml", "/shop:1.0", "/shop:1.1").await;
    fixture.until(900, |status| status.components["web"].pause.is_some()).await;
    strategies::answer(&mut fixture, false).await;
    fixture.pass(60).await;
    so_far(&refused)
}

/// More revisions in a family of the shop than are kept.
fn old_revisions(fixture: &Fixture) {
    for number in 0..14 {
        let image = format!("registry.example.com/shop:0.{number}");
        let definition = json!({"family": "shop-web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": image}]});
        fixture.by_hand("ecs", "RegisterTaskDefinition", definition);
    }
}

/// A policy without one of its statements.
fn without(policy: &Value, index: usize) -> Value {
    let mut less = policy.clone();
    less["Statement"].as_array_mut().unwrap().remove(index);
    less
}

#[tokio::test(start_paused = true)]
async fn the_shipped_policies_allow_a_life_from_the_first_call_to_the_removal() {
    for file in [SHIPPED, NO_ADOPTION] {
        let policy = adapted(file);
        assert_eq!(refused_on_a_tour(&policy).await, BTreeSet::new(), "{file}");
        assert_eq!(refused_at_a_pause(&policy).await, BTreeSet::new(), "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_statement_of_the_shipped_policies_is_there_for_nothing() {
    for file in [SHIPPED, NO_ADOPTION] {
        let policy = adapted(file);
        for (index, statement) in policy["Statement"].as_array().unwrap().iter().enumerate() {
            let policy = without(&policy, index);
            let mut refused = refused_on_a_tour(&policy).await;
            if refused.is_empty() {
                refused = refused_at_a_pause(&policy).await;
            }
            assert!(!refused.is_empty(), "{file} does as well without {}", statement["Sid"]);
        }
    }
}

fn adopting() -> String {
    SHOP.replace("spec:\n", "spec:\n  adopt: true\n")
}

fn place(writes: &[String], call: &str) -> usize {
    writes.iter().position(|write| write == call).unwrap_or_else(|| panic!("no {call} in {writes:?}"))
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_is_adopted_with_its_tag_first_and_nothing_is_refused() {
    let sim = Sim::builder().seed(7).build();
    let refused = refusals(&sim);
    let mut fixture = Fixture::on(sim, &[]).await;
    strangers(&fixture);
    fixture.write("shop.yaml", &adopting()).await;
    fixture.pass(1).await;
    fixture.ready_within(900).await;
    assert_eq!(so_far(&refused), BTreeSet::new());
    let writes = fixture.writes();
    let order = ["logs:TagResource", "logs:PutRetentionPolicy"].map(|call| place(&writes, call));
    assert!(order[0] < order[1], "{writes:?}");
    let order = ["ecs:TagResource", "ecs:UpdateService"].map(|call| place(&writes, call));
    assert!(order[0] < order[1], "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn what_lost_its_tags_and_was_changed_gets_its_tag_first_and_is_repaired() {
    let sim = Sim::builder().seed(7).build();
    let refused = refusals(&sim);
    let fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let keys = json!(["evenkeel.dev/owner"]);
    let web = service(&fixture);
    fixture.by_hand("ecs", "UntagResource", json!({"resourceArn": web["serviceArn"], "tagKeys": keys}));
    fixture.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": 5}),
    );
    let groups = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    let group = groups["TargetGroups"][0]["TargetGroupArn"].clone();
    let input = json!({"ResourceArns.member.1": group, "TagKeys.member.1": "evenkeel.dev/owner"});
    fixture.by_hand("elasticloadbalancing", "RemoveTags", input);
    let input = json!({"TargetGroupArn": group, "HealthCheckPath": "/other"});
    fixture.by_hand("elasticloadbalancing", "ModifyTargetGroup", input);
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/shop";
    fixture.by_hand("logs", "UntagResource", json!({"resourceArn": arn, "tagKeys": keys}));
    let input = json!({"logGroupName": "/ecs/shop", "retentionInDays": 7});
    fixture.by_hand("logs", "PutRetentionPolicy", input);
    fixture.sim.reset_calls();
    fixture.pass(300).await;
    fixture.ready_within(300).await;
    assert_eq!(so_far(&refused), BTreeSet::new());
    let writes = fixture.writes();
    for (tag, repair) in [
        ("ecs:TagResource", "ecs:UpdateService"),
        ("elasticloadbalancing:AddTags", "elasticloadbalancing:ModifyTargetGroup"),
        ("logs:TagResource", "logs:PutRetentionPolicy"),
    ] {
        assert!(place(&writes, tag) < place(&writes, repair), "{writes:?}");
    }
    assert_eq!(service(&fixture)["desiredCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn without_adoption_what_others_made_stays_theirs_and_the_missing_action_is_told() {
    let sim = Sim::builder().seed(7).build();
    let refused = refusals(&sim);
    let mut fixture = Fixture::on(sim, &[]).await;
    fixture.under(&adapted(NO_ADOPTION));
    strangers(&fixture);
    let before = service(&fixture);
    fixture.write("shop.yaml", &adopting()).await;
    fixture.pass(900).await;
    let status = fixture.status("shop");
    let (ready, _, message) = condition(&status, ConditionType::Ready);
    assert_eq!(ready, Truth::False);
    assert!(message.contains("no identity-based policy allows the ecs:TagResource action"), "{message}");
    assert_eq!(so_far(&refused), BTreeSet::from(["ecs:TagResource".to_owned()]));
    let after = service(&fixture);
    for field in ["taskDefinition", "desiredCount", "networkConfiguration", "tags"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    // Whatever is new was made all the same, and the one permission is all that is missing.
    let groups = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    assert_eq!(groups["TargetGroups"].as_array().unwrap().len(), 1);
    fixture.under(&adapted(SHIPPED));
    fixture.ready_within(1200).await;
}

#[tokio::test(start_paused = true)]
async fn the_manifests_fit_each_other() {
    let fixture = Fixture::idle(Sim::builder().seed(7).build(), &[]).await;
    let definition = manifest("task-definition.json");
    fixture.by_hand("ecs", "RegisterTaskDefinition", definition.clone());
    // The policy of the files names the file system and both access points, the one of the
    // documents without the right to write.
    let files = manifest("iam-policy-files.json");
    for (index, volume) in definition["volumes"].as_array().unwrap().iter().enumerate() {
        let statement = &files["Statement"][index];
        let mounted = &volume["efsVolumeConfiguration"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        assert!(text(&statement["Resource"]).ends_with(&text(&mounted["fileSystemId"])), "{statement}");
        let point = text(&statement["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"]);
        assert!(point.ends_with(&text(&mounted["authorizationConfig"]["accessPointId"])), "{statement}");
        let reads = definition["containerDefinitions"][0]["mountPoints"][index]["readOnly"] == true;
        let writes =
            statement["Action"].as_array().unwrap().contains(&json!("elasticfilesystem:ClientWrite"));
        assert_eq!(reads, !writes, "{statement}");
    }
    let options = &definition["containerDefinitions"][0]["logConfiguration"]["options"];
    let execution = manifest("iam-policy-execution.json").to_string();
    let group = format!("log-group:{}:*", options["awslogs-group"].as_str().unwrap());
    assert!(execution.contains(&group) && execution.contains("logs:CreateLogGroup"), "{execution}");
    assert_eq!(options["awslogs-create-group"], "true");
    for (file, principal) in [
        ("iam-trust-tasks.json", json!({"Service": "ecs-tasks.amazonaws.com"})),
        ("iam-trust-ecs.json", json!({"Service": "ecs.amazonaws.com"})),
        ("iam-trust-deploy.json", json!({"AWS": definition["taskRoleArn"]})),
    ] {
        assert_eq!(manifest(file)["Statement"][0]["Principal"], principal, "{file}");
    }
}
