//! AWS answers with less, or with more, than it was asked to keep: that is no difference.

use crate::support::{REGION, SHOP, World};
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

fn alter(world: &World, member: &str, value: Option<Value>) {
    let known = world.sim.with(|aws| {
        aws.with_ecs(REGION, |ecs, _| ecs.alter_service("shop", "shop-web", member, value.clone()))
    });
    assert!(known, "{member}");
}

async fn is_quiet(world: &World, what: &str) {
    world.sim.reset_calls();
    world.pass(TWO_PASSES).await;
    assert!(world.sim.counts().of("ecs", "DescribeServices") > 0);
    assert_eq!(world.writes(), Vec::<String>::new(), "{what}");
    world.ready_within(1).await;
}

#[tokio::test(start_paused = true)]
async fn members_of_a_service_that_aws_leaves_out_are_no_difference() {
    let world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.pass(10).await;
    for member in LEFT_OUT {
        alter(&world, member, None);
        is_quiet(&world, member).await;
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_a_service_that_nobody_declared_are_no_difference() {
    let world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.pass(10).await;
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
        alter(&world, member, Some(value));
        is_quiet(&world, member).await;
    }
}
