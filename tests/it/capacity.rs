//! What a service runs on, tags, and fields that AWS refuses: what is declared, taken out again,
//! or never said.

use crate::support::Fixture;
use serde_json::{Value, json};

const RESYNC: u64 = 64;

fn document(service: &Value, image: &str, tags: &Value) -> String {
    let mut members = json!({"desiredCount": 1, "networkConfiguration": {"awsvpcConfiguration":
        {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}}});
    members.as_object_mut().unwrap().extend(service.as_object().unwrap().clone());
    let definition = json!({"cpu": 256, "memory": 512, "executionRoleArn": "arn:aws:iam::123456789012:role/shop",
        "containerDefinitions": [{"name": "app", "image": format!("registry.example.com/app:{image}"),
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/shop", "awslogs-region": "eu-west-1",
                "awslogs-stream-prefix": "web"}}}]});
    json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": {
        "placement": {"region": "eu-west-1", "cluster": "shop"}, "adopt": true, "tags": tags,
        "logGroups": {"/ecs/shop": {}},
        "components": {"web": {"taskDefinition": definition, "service": members}}}})
    .to_string()
}

fn of(service: &Value) -> String {
    document(service, "1.0", &json!({}))
}

fn shown(fixture: &Fixture) -> Value {
    let input = json!({"cluster": "shop", "services": ["shop-web"], "include": ["TAGS"]});
    fixture.by_hand("ecs", "DescribeServices", input)["services"][0].clone()
}

async fn settled(fixture: &Fixture) {
    fixture.pass(RESYNC).await;
    fixture.ready_within(900).await;
}

fn providers(fixture: &Fixture, default: &Value) {
    let input = json!({"cluster": "shop", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": default});
    fixture.by_hand("ecs", "PutClusterCapacityProviders", input);
}

fn spot() -> Value {
    json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
}

#[tokio::test(start_paused = true)]
async fn a_strategy_comes_in_the_place_of_a_launch_type_and_goes_again_with_its_tasks() {
    let mut fixture = Fixture::new(&[("shop.json", &of(&json!({})))]).await;
    providers(&fixture, &json!([]));
    settled(&fixture).await;
    assert_eq!(shown(&fixture)["launchType"], "FARGATE", "neither is declared");

    fixture.write("shop.json", &of(&json!({"capacityProviderStrategy": spot()}))).await;
    settled(&fixture).await;
    let service = shown(&fixture);
    assert_eq!(service["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");
    assert_eq!(service["deployments"][0]["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");

    fixture.write("shop.json", &of(&json!({}))).await;
    settled(&fixture).await;
    let service = shown(&fixture);
    assert_eq!((service.get("capacityProviderStrategy"), &service["launchType"]), (None, &json!("FARGATE")));
    assert_eq!(service["deployments"][0]["launchType"], "FARGATE");
}

#[tokio::test(start_paused = true)]
async fn a_launch_type_takes_the_place_of_a_strategy() {
    let mut fixture = Fixture::new(&[("shop.json", &of(&json!({"capacityProviderStrategy": spot()})))]).await;
    providers(&fixture, &json!([]));
    settled(&fixture).await;
    fixture.write("shop.json", &of(&json!({"launchType": "FARGATE"}))).await;
    settled(&fixture).await;
    assert_eq!(shown(&fixture)["launchType"], "FARGATE");

    // Somebody's strategy is drift where a launch type is declared.
    let by_hand = json!({"cluster": "shop", "service": "shop-web", "capacityProviderStrategy": spot(),
        "forceNewDeployment": true});
    fixture.by_hand("ecs", "UpdateService", by_hand);
    fixture.sim.reset_calls();
    settled(&fixture).await;
    assert_eq!(
        (&shown(&fixture)["launchType"], fixture.writes()),
        (&json!("FARGATE"), vec!["ecs:UpdateService".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_on_its_clusters_default_strategy_is_adopted_as_it_is() {
    let mut fixture = Fixture::new(&[]).await;
    providers(&fixture, &spot());
    let definition = json!({"family": "by-hand", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "app", "image": "registry.example.com/app:0.9"}]});
    fixture.by_hand("ecs", "RegisterTaskDefinition", definition);
    let service = json!({"cluster": "shop", "serviceName": "shop-web", "taskDefinition": "by-hand", "desiredCount": 1,
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"],
            "securityGroups": ["sg-0123456789abcdef0"]}}});
    fixture.by_hand("ecs", "CreateService", service);
    fixture.write("shop.json", &of(&json!({}))).await;
    settled(&fixture).await;
    let service = shown(&fixture);
    assert_eq!(service["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");
    assert!(service["taskDefinition"].as_str().unwrap().contains("shop-web:"), "it was adopted");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_aws_refuses_holds_up_no_new_image_and_is_told_in_its_words() {
    let mut fixture = Fixture::new(&[("shop.json", &of(&json!({})))]).await;
    settled(&fixture).await;
    let strange = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]});
    fixture.write("shop.json", &document(&strange, "2.0", &json!({}))).await;
    let told = fixture
        .until(900, |status| {
            let rolled = status.components.values().all(|one| one.phase == "Complete");
            rolled && status.notes.iter().any(|note| note.message.contains("not associated with the cluster"))
        })
        .await;
    let note = told.notes.iter().find(|note| note.blocks).unwrap();
    assert!(note.message.contains("`capacityProviderStrategy`"), "{}", note.message);
    let service = shown(&fixture);
    let definition = json!({"taskDefinition": service["taskDefinition"]});
    let definition = fixture.by_hand("ecs", "DescribeTaskDefinition", definition);
    let container = &definition["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(container["image"], "registry.example.com/app:2.0");

    // Once AWS takes it, it is asked for again.
    providers(&fixture, &json!([]));
    fixture.ready_within(900).await;
    assert_eq!(shown(&fixture)["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_declared_no_longer_is_taken_off_and_tags_of_others_stay() {
    let tags = |tags: Value| document(&json!({}), "1.0", &tags);
    let before = tags(json!({"team": "shop", "obsolete": "yes"}));
    let mut fixture = Fixture::new(&[("shop.json", &before)]).await;
    settled(&fixture).await;
    let service = shown(&fixture);
    let by_hand = json!({"resourceArn": service["serviceArn"], "tags": [{"key": "cost", "value": "42"}]});
    fixture.by_hand("ecs", "TagResource", by_hand);
    fixture.sim.reset_calls();
    fixture.write("shop.json", &tags(json!({"team": "shop"}))).await;
    settled(&fixture).await;
    let mut writes = fixture.writes();
    writes.sort();
    assert_eq!(writes, ["ecs:UntagResource", "ecs:UntagResource", "logs:UntagResource"]);
    let mut keys: Vec<String> = shown(&fixture)["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["key"].as_str().unwrap().to_owned())
        .collect();
    keys.sort();
    assert_eq!(keys, ["cost", "evenkeel.dev/component", "evenkeel.dev/owner", "team"]);
    // Somebody else's tag of that name is somebody else's.
    let by_hand = json!({"resourceArn": service["serviceArn"], "tags": [{"key": "obsolete", "value": "no"}]});
    fixture.by_hand("ecs", "TagResource", by_hand);
    fixture.sim.reset_calls();
    fixture.pass(10 * RESYNC).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_becomes_a_singleton_is_balanced_between_zones_no_more() {
    let mut fixture = Fixture::new(&[("shop.json", &of(&json!({})))]).await;
    settled(&fixture).await;
    assert_eq!(shown(&fixture)["availabilityZoneRebalancing"], "ENABLED", "AWS turned it on");
    let singleton = json!({"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100}});
    fixture.write("shop.json", &of(&singleton)).await;
    settled(&fixture).await;
    let service = shown(&fixture);
    assert_eq!(service["availabilityZoneRebalancing"], "DISABLED");
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 100);
}

#[tokio::test(start_paused = true)]
async fn a_windows_service_on_instances_has_no_network_mode() {
    let fixture = Fixture::new(&[]).await;
    let instances = json!({"name": "instances", "autoScalingGroupProvider": {"autoScalingGroupArn":
        "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/instances"}});
    fixture.by_hand("ecs", "CreateCapacityProvider", instances);
    let input =
        json!({"cluster": "shop", "capacityProviders": ["instances"], "defaultCapacityProviderStrategy": []});
    fixture.by_hand("ecs", "PutClusterCapacityProviders", input);
    let definition = json!({"containerDefinitions": [{"name": "app", "image": "registry.example.com/iis:1", "memory": 1024,
            "portMappings": [{"containerPort": 80, "hostPort": 8080}]}],
        "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "X86_64"}});
    let document = json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": {
        "placement": {"region": "eu-west-1", "cluster": "shop"},
        "components": {"web": {"taskDefinition": definition, "service": {"desiredCount": 1, "launchType": "EC2"}}}}});
    let mut fixture = fixture;
    fixture.write("shop.json", &document.to_string()).await;
    settled(&fixture).await;
    let definition = json!({"taskDefinition": shown(&fixture)["taskDefinition"]});
    let definition = fixture.by_hand("ecs", "DescribeTaskDefinition", definition)["taskDefinition"].clone();
    assert_eq!(definition.get("networkMode"), None);
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_another_region_is_asked_for_there() {
    let mut fixture = Fixture::new(&[]).await;
    let there = json!({"region": "us-east-1", "secrets": [{"name": "shop/db", "value": {"url": "there"}}]});
    fixture.sim.seed_world(&there).unwrap();
    let mut document: Value = serde_json::from_str(&of(&json!({}))).unwrap();
    let partial = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db";
    document["spec"]["components"]["web"]["taskDefinition"]["containerDefinitions"][0]["secrets"] =
        json!([{"name": "URL", "valueFrom": partial}]);
    fixture.write("shop.json", &document.to_string()).await;
    fixture.pass(RESYNC).await;
    let listed = fixture.by_hand("ecs", "ListTaskDefinitions", json!({"familyPrefix": "shop-web"}));
    let definition = json!({"taskDefinition": listed["taskDefinitionArns"][0]});
    let definition = fixture.by_hand("ecs", "DescribeTaskDefinition", definition)["taskDefinition"].clone();
    let handed = definition["containerDefinitions"][0]["secrets"][0]["valueFrom"].as_str().unwrap();
    assert!(handed.starts_with(partial) && handed.len() == partial.len() + 7, "{handed}");
}

#[tokio::test(start_paused = true)]
async fn a_retention_policy_of_the_account_is_not_fought() {
    let fixture = Fixture::new(&[("shop.json", &of(&json!({})))]).await;
    settled(&fixture).await;
    let policy = Some(("everything", 30));
    let known = fixture.sim.with(|aws| aws.set_retention_policy("eu-west-1", "/ecs/shop", policy));
    assert!(known);
    fixture.sim.reset_calls();
    fixture.pass(10 * RESYNC).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    fixture.ready_within(1).await;
    let notes = fixture.status("shop").notes;
    assert!(notes.iter().any(|note| note.message.contains("`everything`") && !note.blocks), "{notes:?}");
}
