//! AWS answers with less, or with more, than it was asked to keep: that is no difference.

use crate::support::{Fixture, REGION, SHOP};
use serde_json::{Value, json};

/// Two resyncs and their calls.
const TWO_PASSES: u64 = 130;

/// Members of a service that ECS leaves out when they have their default or nothing in them.
const LEFT_OUT: [&str; 9] = [
    "deploymentController",
    "propagateTags",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "placementConstraints",
    "placementStrategy",
    "serviceRegistries",
    "capacityProviderStrategy",
];

fn alter(fixture: &Fixture, member: &str, value: Option<Value>) {
    let known = fixture.sim.with(|aws| {
        aws.with_ecs(REGION, |ecs, _| ecs.alter_service("shop", "shop-web", member, value.clone()))
    });
    assert!(known, "{member}");
}

async fn is_quiet(fixture: &Fixture, what: &str) {
    fixture.sim.reset_calls();
    fixture.pass(TWO_PASSES).await;
    assert!(fixture.sim.counts().of("ecs", "DescribeServices") > 0);
    assert_eq!(fixture.writes(), Vec::<String>::new(), "{what}");
    fixture.ready_within(1).await;
}

#[tokio::test(start_paused = true)]
async fn members_of_a_service_that_aws_leaves_out_are_no_difference() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.pass(10).await;
    for member in LEFT_OUT {
        alter(&fixture, member, None);
        is_quiet(&fixture, member).await;
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_a_service_that_nobody_declared_are_no_difference() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.pass(10).await;
    for (member, value) in [
        ("availabilityZoneRebalancing", json!("ENABLED")),
        ("availabilityZoneRebalancing", json!("DISABLED")),
        ("platformFamily", json!("Linux")),
        (
            "roleArn",
            json!("arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
        ),
        ("deploymentController", json!({"type": "ECS"})),
        ("resourceManagementType", json!("CUSTOMER")),
    ] {
        alter(&fixture, member, Some(value));
        is_quiet(&fixture, member).await;
    }
}
