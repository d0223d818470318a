use super::*;
use crate::model::desired::Workload;
use crate::model::resource::{ResourceId, ResourceKind, Tree};

fn service_fields(state: &DesiredState, component: &str) -> Tree {
    match &state.components[component].workload {
        Workload::Service { fields, .. } => fields.clone(),
        Workload::Task { .. } => panic!("a task"),
    }
}

#[test]
fn every_fixed_default_of_a_service_is_written_out() {
    assert_eq!(
        service_fields(&state(&shop()), "web"),
        json!({
            "desiredCount": 2,
            "platformVersion": "LATEST",
            "schedulingStrategy": "REPLICA",
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                "securityGroups": ["sg-0123456789abcdef0"],
                "assignPublicIp": "DISABLED",
            }},
            "loadBalancers": [{"targetGroup": "web", "containerName": "web", "containerPort": 8080}],
            "serviceRegistries": [],
            "placementConstraints": [],
            "placementStrategy": [],
            "enableExecuteCommand": false,
            "enableECSManagedTags": false,
            "propagateTags": "NONE",
            "healthCheckGracePeriodSeconds": 0,
            "deploymentConfiguration": {
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": false, "rollback": false},
                "strategy": "ROLLING",
            },
        })
    );
}

#[test]
fn a_singleton_is_stopped_before_it_is_started() {
    let fields = service_fields(&state(&shop()), "worker");
    assert_eq!(fields["deploymentConfiguration"]["minimumHealthyPercent"], 0);
    assert_eq!(fields["deploymentConfiguration"]["maximumPercent"], 100);
    assert_eq!(fields.get("desiredCount"), None);
    assert_eq!(fields.get("healthCheckGracePeriodSeconds"), None);
}

#[test]
fn a_scaled_service_has_no_count_and_starts_with_the_least() {
    let scaled = changed(&[(
        "/spec/components/web/service/autoscaling",
        json!({"minCapacity": 3, "maxCapacity": 9, "targetCpuPercent": 60}),
    )]);
    let state = state(&scaled);
    assert_eq!(service_fields(&state, "web").get("desiredCount"), None);
    assert!(matches!(state.components["web"].workload, Workload::Service { initial_count: 3, .. }));
}

#[test]
fn target_groups_follow_their_protocol() {
    let tcp = changed(&[
        ("/spec/targetGroups/web/protocol", json!("TCP")),
        ("/spec/listeners/http/protocol", json!("TCP")),
        ("/spec/listeners/http/defaultActions", json!([{"type": "forward", "targetGroup": "web"}])),
        ("/spec/rules", Value::Null),
    ]);
    let id = ResourceId::new(ResourceKind::TargetGroup, "web");
    let fields = state(&tcp).resources[&id].fields.clone();
    assert_eq!(fields["healthCheckProtocol"], "TCP");
    assert_eq!(fields["healthCheckTimeoutSeconds"], 10);
    assert_eq!((fields.get("matcher"), fields.get("protocolVersion")), (None, None));
    let fields = state(&shop()).resources[&id].fields.clone();
    assert_eq!(fields["matcher"], json!({"httpCode": "200"}));
    assert_eq!((&fields["protocolVersion"], &fields["healthCheckPath"]), (&json!("HTTP1"), &json!("/")));
}

#[test]
fn a_change_that_aws_does_not_allow_renames_the_target_group() {
    let id = ResourceId::new(ResourceKind::TargetGroup, "web");
    let name = |value: &Value| state(value).resources[&id].fields["name"].as_str().unwrap().to_owned();
    let first = name(&shop());
    assert!(first.starts_with("shop-web-") && first.len() == "shop-web-".len() + 8, "{first}");
    assert_ne!(first, name(&changed(&[("/spec/targetGroups/web/port", json!(8081))])));
    assert_eq!(first, name(&changed(&[("/spec/targetGroups/web/healthCheckPath", json!("/up"))])));
    let long = name(&changed(&[("/metadata/name", json!("a-very-long-name-of-a-deployment-indeed"))]));
    assert!(long.len() <= 32, "{long}");
}

#[test]
fn actions_and_conditions_have_one_form() {
    let id = ResourceId::new(ResourceKind::Rule, "web");
    let several = changed(&[(
        "/spec/rules/web/conditions",
        json!([
            {"field": "path-pattern", "values": ["/b", "/a"]},
            {"field": "host-header", "values": ["shop.example.com"]},
        ]),
    )]);
    let fields = state(&several).resources[&id].fields.clone();
    assert_eq!(
        fields["actions"],
        json!([{"type": "forward", "targetGroups": [{"targetGroup": "web", "weight": 1}]}])
    );
    assert_eq!(fields["conditions"][0]["field"], "host-header");
    assert_eq!(fields["conditions"][1]["values"], json!(["/a", "/b"]));
}

#[test]
fn secrets_are_listed_once_with_what_a_rotation_does() {
    let state = state(&shop());
    let secrets: Vec<(&str, bool)> = state.components["web"]
        .secrets
        .iter()
        .map(|using| (using.secret_id.as_str(), using.restarts))
        .collect();
    assert_eq!(secrets, [("shop/db", true), ("shop/key", false)]);
}

#[test]
fn the_owner_is_a_tag_of_everything() {
    assert_eq!(state(&shop()).tags["evenkeel.dev/owner"], "shop");
}

#[test]
fn every_example_lowers_and_its_rendered_form_means_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/examples");
    let mut states = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let state = state(&value);
        let (rendered, _) = render(&document(&value));
        let (again, findings) = lower(&rendered, Generation(1));
        let again = again.unwrap_or_else(|| panic!("{findings:#?}"));
        assert_eq!(DesiredState { kind: state.kind.clone(), ..again }, state, "{}", path.display());
        states.push(state);
    }
    assert!(states.len() >= 4, "{}", states.len());
    assert_eq!(crate::desired::common(&states, &Default::default()).conflicts, Default::default());
}

#[test]
fn what_a_component_runs_on_follows_from_launch_type_and_strategy() {
    let words = |service: Value| {
        let definition = json!({"networkMode": "bridge", "containerDefinitions": [{"name": "w", "image": "a:1", "memory": 64}]});
        let document = changed(&[(
            "/spec/components/worker",
            json!({"taskDefinition": definition, "service": service}),
        )]);
        let state = state(&document);
        let of = &state.components["worker"];
        let fields = service_fields(&state, "worker");
        (
            of.task_definition["requiresCompatibilities"][0].clone(),
            fields.get("launchType").cloned(),
            fields.get("platformVersion").cloned(),
        )
    };
    assert_eq!(words(json!({"launchType": "EC2"})), (json!("EC2"), Some(json!("EC2")), None));
    assert_eq!(words(json!({"launchType": "EXTERNAL"})), (json!("EXTERNAL"), Some(json!("EXTERNAL")), None));
    let mine = json!({"capacityProviderStrategy": [{"capacityProvider": "mine", "weight": 1}]});
    assert_eq!(words(mine), (json!("EC2"), None, None), "a strategy stands in place of a launch type");

    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let state = state(&changed(&[("/spec/components/web/service/capacityProviderStrategy", spot)]));
    let fields = service_fields(&state, "web");
    assert_eq!(
        fields["capacityProviderStrategy"],
        json!([{"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1}])
    );
    assert_eq!((fields.get("launchType"), &fields["platformVersion"]), (None, &json!("LATEST")));
}

/// The lowered definition of a worker without findings.
fn definition_of(worker: &Value) -> Tree {
    let document = changed(&[("/spec/components/worker", worker.clone())]);
    assert_eq!(findings(&document), [], "{worker}");
    state(&document).components["worker"].task_definition.clone()
}

#[test]
fn on_instances_the_network_mode_is_ecs_s_own_unless_something_says_another() {
    let container = json!({"name": "w", "image": "a:1", "memory": 64, "portMappings": [{"containerPort": 80, "hostPort": 8080}]});
    let plain = json!({"name": "w", "image": "a:1", "memory": 64});
    let windows = json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "X86_64"});
    let worker = json!({"service": {"launchType": "EC2"},
        "taskDefinition": {"containerDefinitions": [container], "runtimePlatform": windows}});
    assert_eq!(definition_of(&worker).get("networkMode"), None);
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}});
    let by_network = json!({"service": {"launchType": "EC2", "networkConfiguration": network},
        "taskDefinition": {"containerDefinitions": [plain]}});
    assert_eq!(definition_of(&by_network)["networkMode"], "awsvpc");
    let external =
        json!({"service": {"launchType": "EXTERNAL"}, "taskDefinition": {"containerDefinitions": [plain]}});
    assert_eq!(definition_of(&external).get("networkMode"), None);
}

#[test]
fn managed_instances_are_a_provider_and_a_word() {
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}});
    let managed = json!({"service": {"capacityProviderStrategy": [{"capacityProvider": "mi-1", "weight": 1}],
            "networkConfiguration": network},
        "taskDefinition": {"containerDefinitions": [{"name": "w", "image": "a:1", "memory": 64}],
            "requiresCompatibilities": ["MANAGED_INSTANCES"]}});
    let definition = definition_of(&managed);
    assert_eq!(definition["requiresCompatibilities"], json!(["MANAGED_INSTANCES"]));
    assert_eq!(definition["networkMode"], "awsvpc");
}

#[test]
fn what_cannot_be_balanced_between_zones_says_so() {
    let of = |service: Value| {
        let mut whole = json!({"launchType": "EC2"});
        whole.as_object_mut().unwrap().extend(service.as_object().unwrap().clone());
        let definition = json!({"containerDefinitions": [{"name": "w", "image": "a:1", "memory": 64}]});
        let document =
            changed(&[("/spec/components/worker", json!({"taskDefinition": definition, "service": whole}))]);
        service_fields(&state(&document), "worker").get("availabilityZoneRebalancing").cloned()
    };
    let disabled = Some(json!("DISABLED"));
    let zones = json!({"type": "spread", "field": "attribute:ecs.availability-zone"});
    for service in [
        json!({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}}),
        json!({"schedulingStrategy": "DAEMON"}),
        json!({"launchType": "EXTERNAL"}),
        json!({"placementStrategy": [{"type": "binpack", "field": "memory"}, zones]}),
        json!({"placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1a"}]}),
    ] {
        assert_eq!(of(service.clone()), disabled, "{service}");
    }
    for service in [json!({}), json!({"placementStrategy": [zones, {"type": "binpack", "field": "memory"}]})]
    {
        assert_eq!(of(service.clone()), None, "{service}");
    }
}

#[test]
fn a_grace_period_goes_with_checks_of_containers_too() {
    let check = json!({"command": ["CMD", "true"]});
    let worker = json!({"service": {"launchType": "EC2", "healthCheckGracePeriodSeconds": 60},
        "taskDefinition": {"containerDefinitions": [{"name": "w", "image": "a:1", "memory": 64, "healthCheck": check}]}});
    definition_of(&worker);
}

#[test]
fn a_daemon_has_no_count_and_is_stopped_before_it_is_started() {
    let document = changed(&[(
        "/spec/components/worker",
        json!({
            "taskDefinition": {"networkMode": "bridge", "containerDefinitions": [{"name": "w", "image": "a:1", "memory": 64}]},
            "service": {"launchType": "EC2", "schedulingStrategy": "DAEMON"},
        }),
    )]);
    let fields = service_fields(&state(&document), "worker");
    assert_eq!(fields.get("desiredCount"), None);
    let deployment = &fields["deploymentConfiguration"];
    assert_eq!(
        (&deployment["minimumHealthyPercent"], &deployment["maximumPercent"]),
        (&json!(0), &json!(100))
    );
    assert_eq!(fields.get("networkConfiguration"), None);
}

#[test]
fn grpc_and_checks_by_http_have_defaults_of_their_own() {
    let id = ResourceId::new(ResourceKind::TargetGroup, "web");
    let fields =
        |group: Value| state(&changed(&[("/spec/targetGroups/web", group)])).resources[&id].fields.clone();
    let grpc = fields(json!({"port": 8080, "vpcId": VPC, "protocolVersion": "GRPC"}));
    assert_eq!(
        (&grpc["matcher"], &grpc["healthCheckPath"]),
        (&json!({"grpcCode": "12"}), &json!("/AWS.ALB/healthcheck"))
    );
    let tls = changed(&[(
        "/spec/targetGroups/extra",
        json!({"port": 1, "vpcId": VPC, "protocol": "TCP", "healthCheckProtocol": "HTTP"}),
    )]);
    let extra = state(&tls).resources[&ResourceId::new(ResourceKind::TargetGroup, "extra")].fields.clone();
    assert_eq!(
        (&extra["matcher"], &extra["healthCheckTimeoutSeconds"]),
        (&json!({"httpCode": "200-399"}), &json!(6))
    );
}

#[test]
fn shifts_in_steps_have_the_defaults_of_ecs() {
    let advanced = json!({"alternateTargetGroupArn": "green", "productionListenerRule": "web",
        "roleArn": "arn:aws:iam::123456789012:role/shift"});
    let fields = |strategy: &str, word: &str| {
        let document = changed(&[
            ("/spec/targetGroups/green", json!({"port": 8080, "vpcId": VPC})),
            ("/spec/components/web/service/loadBalancers/0/advancedConfiguration", advanced.clone()),
            ("/spec/components/web/service/deploymentConfiguration", json!({"strategy": strategy, word: {}})),
        ]);
        service_fields(&state(&document), "web")["deploymentConfiguration"][word].clone()
    };
    assert_eq!(
        fields("LINEAR", "linearConfiguration"),
        json!({"stepPercent": 10.0, "stepBakeTimeInMinutes": 6})
    );
    assert_eq!(
        fields("CANARY", "canaryConfiguration"),
        json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10})
    );
}

#[test]
fn what_is_wrong_with_the_application_behind_a_typed_document_is_told_at_its_spec() {
    let text = include_str!("../../../manifests/examples/pulumi.yaml");
    let mut value: Value = serde_saphyr::from_str(text).unwrap();
    value["spec"]["overrides"] = json!({"api": {"cpu": 300}});
    let (state, findings) = lower(&document(&value), Generation(1));
    assert_eq!(state, None);
    assert!(
        findings.iter().any(|finding| finding.field == "spec"
            && finding.message.starts_with(
                "in the rendered application, components.api.taskDefinition.cpu: Fargate has no size"
            )),
        "{findings:#?}"
    );
}

#[test]
fn a_definition_beyond_what_ecs_takes_is_refused() {
    let many: Vec<Value> =
        (0..2000).map(|n| json!({"name": format!("V{n}"), "value": "x".repeat(30)})).collect();
    let large =
        changed(&[("/spec/components/web/taskDefinition/containerDefinitions/0/environment", json!(many))]);
    assert!(findings(&large).iter().any(|finding| finding.message.contains("bytes")));
    let body = changed(&[(
        "/spec/listeners/http/defaultActions/0/fixedResponseConfig/messageBody",
        json!("x".repeat(1025)),
    )]);
    assert!(findings(&body).iter().any(|finding| finding.message.contains("the body is too long")));
}
