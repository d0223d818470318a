use super::*;
use aws_sdk_ecs::types::*;
use aws_smithy_json::codec::JsonCodec;
use aws_smithy_schema::codec::Codec;

fn plain() -> builders::ServiceBuilder {
    Service::builder()
        .service_arn("arn:aws:ecs:eu-west-1:123456789012:service/shop/web")
        .service_name("web")
        .status("ACTIVE")
        .desired_count(2)
        .launch_type(LaunchType::Fargate)
        .task_definition("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7")
}

fn rolling(id: &str, status: &str, at: i64) -> Deployment {
    Deployment::builder().id(id).status(status).created_at(DateTime::from_secs(at)).build()
}

#[test]
fn a_service_has_the_form_of_create_service() {
    let raw = plain()
        .platform_version("LATEST")
        .running_count(1)
        .network_configuration(
            NetworkConfiguration::builder()
                .awsvpc_configuration(
                    AwsVpcConfiguration::builder().subnets("subnet-1").build().expect("subnets are set"),
                )
                .build(),
        )
        .build();
    let seen = service(raw).unwrap();
    let wanted = json!({
        "availabilityZoneRebalancing": "DISABLED",
        "deploymentController": {"type": "ECS"},
        "desiredCount": 2,
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
        "healthCheckGracePeriodSeconds": 0,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        "platformVersion": "LATEST",
        "propagateTags": "NONE",
    });
    assert_eq!(seen.fields, wanted);
    assert_eq!((seen.desired, seen.running), (2, 1));
}

/// Members of CreateService that name the service or what it runs, and that stand elsewhere in what
/// was observed.
const NO_SETTINGS: [&str; 4] = ["cluster", "serviceName", "tags", "taskDefinition"];

#[test]
fn every_setting_that_can_be_declared_is_seen() {
    let declared = codec::samples::full_service();
    let bytes = declared.to_string().into_bytes();
    let codec = JsonCodec::default();
    let mut shown = Service::deserialize(&mut codec.create_deserializer(&bytes)).unwrap();
    let primary = Deployment::deserialize(&mut codec.create_deserializer(&bytes)).unwrap();
    shown.deployments = Some(vec![primary]);
    let seen = service(shown).unwrap().fields;
    let settings = declared.as_object().unwrap().keys().filter(|name| !NO_SETTINGS.contains(&name.as_str()));
    let unseen: Vec<&String> = settings.filter(|name| seen.get(*name).is_none()).collect();
    assert!(unseen.is_empty(), "declared and never seen: {unseen:?}");
}

#[test]
fn what_describe_services_leaves_out_is_read_from_the_primary_deployment() {
    let primary = Deployment::builder()
        .id("ecs-svc/2")
        .status("PRIMARY")
        .service_connect_configuration(
            ServiceConnectConfiguration::builder().enabled(true).namespace("shop").build(),
        )
        .build();
    let raw = plain().deployments(rolling("ecs-svc/1", "ACTIVE", 1)).deployments(primary).build();
    let seen = service(raw).unwrap();
    assert_eq!(seen.fields["serviceConnectConfiguration"], json!({"enabled": true, "namespace": "shop"}));
}

#[test]
fn the_primary_deployment_comes_first_and_then_the_newest() {
    let raw = plain()
        .deployments(rolling("old", "ACTIVE", 1))
        .deployments(rolling("newer", "ACTIVE", 2))
        .deployments(rolling("first", "PRIMARY", 1))
        .build();
    let ids: Vec<_> = service(raw).unwrap().deployments.into_iter().map(|d| d.id).collect();
    assert_eq!(ids, ["first", "newer", "old"]);
}

#[test]
fn a_revision_keeps_only_what_was_registered() {
    let raw = TaskDefinition::builder()
        .task_definition_arn("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7")
        .family("web")
        .revision(7)
        .status(TaskDefinitionStatus::Active)
        .registered_at(DateTime::from_secs(1))
        .compatibilities(Compatibility::Fargate)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("256")
        .build();
    let tag = Tag::builder().key("evenkeel.dev/hash").value("abc").build();
    let seen = definition(raw, Some(vec![tag])).unwrap();
    assert_eq!(seen.fields, json!({"cpu": "256", "requiresCompatibilities": ["FARGATE"]}));
    assert_eq!(seen.status, "ACTIVE");
    assert_eq!(seen.registered_at, Some(Timestamp::from_second(1).unwrap()));
    assert_eq!(seen.tags["evenkeel.dev/hash"], "abc");
}

#[test]
fn a_task_tells_its_addresses_once() {
    let address = KeyValuePair::builder().name("privateIPv4Address").value("10.0.0.7").build();
    let interface = NetworkInterface::builder().private_ipv4_address("10.0.0.7").build();
    let raw = Task::builder()
        .task_arn("arn:aws:ecs:eu-west-1:123456789012:task/shop/1")
        .attachments(Attachment::builder().r#type("ElasticNetworkInterface").details(address).build())
        .containers(Container::builder().name("web").network_interfaces(interface).build())
        .build();
    let (seen, _) = task(raw);
    assert_eq!(seen.addresses, ["10.0.0.7"]);
    assert_eq!(seen.containers[0].exit_code, None);
}
