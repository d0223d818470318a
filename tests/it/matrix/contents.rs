//! One value, and another, for every field of a task definition and of a task: revisions and
//! running tasks never change, so what matters is what an edit of the document brings about.

use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Row, row_for};
use serde_json::{Value, json};

/// One field.
pub struct Content {
    pub row: &'static Row,
    /// What it stands on; see [`super::editions`].
    pub base: &'static str,
    pub one: Value,
    pub other: Value,
}

fn of(kind: ResourceKind, path: &str, base: &'static str, one: Value, other: Value) -> Content {
    let row = row_for(kind, path).unwrap_or_else(|| panic!("{kind} {path} has no row"));
    Content { row, base, one, other }
}

fn definition(path: &'static str, base: &'static str, one: Value, other: Value) -> Content {
    of(ResourceKind::TaskDefinition, path, base, one, other)
}

fn container(path: &str, base: &'static str, one: Value, other: Value) -> Content {
    of(ResourceKind::TaskDefinition, &format!("containerDefinitions[].{path}"), base, one, other)
}

/// Task definitions.
pub fn definitions() -> Vec<Content> {
    let role = |name: &str| json!(format!("arn:aws:iam::123456789012:role/matrix-{name}"));
    let near = |zone: &str| json!([{"type": "memberOf", "expression": format!("attribute:ecs.availability-zone == {zone}")}]);
    let proxy = |user: &str| {
        json!({"type": "APPMESH", "containerName": "app", "properties": [
        {"name": "AppPorts", "value": "8080"}, {"name": "IgnoredUID", "value": user},
        {"name": "ProxyEgressPort", "value": "15001"}, {"name": "ProxyIngressPort", "value": "15000"}]})
    };
    let mut all = vec![
        definition("cpu", "instances", json!(256), json!(512)),
        definition("memory", "instances", json!(512), json!(1024)),
        definition("networkMode", "instances", json!("bridge"), json!("host")),
        definition("executionRoleArn", "fargate", role("one"), role("two")),
        definition("taskRoleArn", "fargate", role("one"), role("two")),
        definition(
            "requiresCompatibilities",
            "fargate",
            json!(["FARGATE", "EC2"]),
            json!(["FARGATE", "MANAGED_INSTANCES"]),
        ),
        definition("runtimePlatform.cpuArchitecture", "instances", json!("ARM64"), json!("X86_64")),
        definition(
            "runtimePlatform.operatingSystemFamily",
            "instances",
            json!("WINDOWS_SERVER_2022_CORE"),
            json!("WINDOWS_SERVER_2019_CORE"),
        ),
        definition("ephemeralStorage.sizeInGiB", "fargate", json!(30), json!(40)),
        definition("ipcMode", "instances", json!("task"), json!("host")),
        definition("pidMode", "instances", json!("task"), json!("host")),
        definition(
            "volumes",
            "instances",
            json!([{"name": "one"}, {"name": "two", "host": {"sourcePath": "/two"}}]),
            json!([{"name": "one"}, {"name": "two", "host": {"sourcePath": "/other"}}]),
        ),
        definition("placementConstraints", "instances", near("eu-west-1a"), near("eu-west-1b")),
        definition("proxyConfiguration", "fargate", proxy("1337"), proxy("1338")),
        definition("enableFaultInjection", "fargate", json!(true), json!(false)),
    ];
    all.extend(environment());
    all.extend(process());
    all.extend(neighbours());
    all.extend(host());
    all
}

fn environment() -> Vec<Content> {
    let parameter = |name: &str| format!("arn:aws:ssm:eu-west-1:123456789012:parameter/{name}");
    vec![
        container(
            "portMappings",
            "fargate",
            json!([{"containerPort": 8080}, {"containerPort": 8081}]),
            json!([{"containerPort": 8080}, {"containerPort": 8082}]),
        ),
        container(
            "environment",
            "fargate",
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]),
        ),
        container(
            "environmentFiles",
            "fargate",
            json!([{"type": "s3", "value": "arn:aws:s3:::matrix/one.env"}, {"type": "s3", "value": "arn:aws:s3:::matrix/two.env"}]),
            json!([{"type": "s3", "value": "arn:aws:s3:::matrix/two.env"}, {"type": "s3", "value": "arn:aws:s3:::matrix/one.env"}]),
        ),
        container(
            "secrets",
            "fargate",
            json!([{"name": "A", "valueFrom": parameter("one")}, {"name": "B", "valueFrom": "matrix/one"}]),
            json!([{"name": "A", "valueFrom": parameter("one")}, {"name": "B", "valueFrom": "matrix/two"}]),
        ),
        container(
            "repositoryCredentials",
            "fargate",
            json!({"credentialsParameter": "matrix/one"}),
            json!({"credentialsParameter": "matrix/two"}),
        ),
        container("dockerLabels", "fargate", json!({"a": "1", "b": "2"}), json!({"a": "1", "b": "3"})),
    ]
}

fn process() -> Vec<Content> {
    let check = |interval: u32| json!({"command": ["CMD", "true"], "interval": interval});
    let limit = |name: &str, most: u32| json!({"name": name, "softLimit": most, "hardLimit": most});
    let control = |name: &str, value: &str| json!({"namespace": name, "value": value});
    vec![
        container(
            "image",
            "fargate",
            json!("registry.example.com/app:1.0"),
            json!("registry.example.com/app:1.1"),
        ),
        container("cpu", "fargate", json!(64), json!(128)),
        container("memory", "instances", json!(256), json!(300)),
        container("memoryReservation", "instances", json!(32), json!(48)),
        container("command", "fargate", json!(["serve", "fast"]), json!(["fast", "serve"])),
        container("entryPoint", "fargate", json!(["/bin/sh", "-c"]), json!(["-c", "/bin/sh"])),
        container("workingDirectory", "fargate", json!("/one"), json!("/two")),
        container("user", "fargate", json!("1000"), json!("1001")),
        container("healthCheck", "fargate", check(10), check(20)),
        container("stopTimeout", "fargate", json!(10), json!(20)),
        container(
            "ulimits",
            "fargate",
            json!([limit("nofile", 1024), limit("nproc", 64)]),
            json!([limit("nofile", 1024), limit("nproc", 128)]),
        ),
        container(
            "systemControls",
            "fargate",
            json!([control("net.core.somaxconn", "512"), control("net.ipv4.tcp_keepalive_time", "60")]),
            json!([control("net.core.somaxconn", "512"), control("net.ipv4.tcp_keepalive_time", "90")]),
        ),
        container("readonlyRootFilesystem", "fargate", json!(true), json!(false)),
        container(
            "linuxParameters",
            "fargate",
            json!({"initProcessEnabled": true}),
            json!({"tmpfs": [{"containerPath": "/tmp", "size": 64}]}),
        ),
        container(
            "restartPolicy",
            "fargate",
            json!({"enabled": true, "restartAttemptPeriod": 60}),
            json!({"enabled": true, "restartAttemptPeriod": 120}),
        ),
        container("interactive", "fargate", json!(true), json!(false)),
        container("pseudoTerminal", "fargate", json!(true), json!(false)),
        container("versionConsistency", "fargate", json!("disabled"), json!("enabled")),
        container(
            "credentialSpecs",
            "instances",
            json!(["credentialspec:one"]),
            json!(["credentialspec:two"]),
        ),
        container(
            "logConfiguration",
            "instances",
            json!({"logDriver": "json-file", "options": {"max-size": "10m"}}),
            json!({"logDriver": "json-file", "options": {"max-size": "20m"}}),
        ),
        container(
            "firelensConfiguration",
            "instances",
            json!({"type": "fluentbit"}),
            json!({"type": "fluentd"}),
        ),
    ]
}

fn neighbours() -> Vec<Content> {
    let waits = |condition: &str| json!([{"containerName": "side", "condition": condition}, {"containerName": "main", "condition": "START"}]);
    let mount = |volume: &str, path: &str| json!({"sourceVolume": volume, "containerPath": path});
    vec![
        container("essential", "three", json!(false), json!(true)),
        container("dependsOn", "three", waits("START"), waits("COMPLETE")),
        container("startTimeout", "three", json!(10), json!(20)),
        container(
            "volumesFrom",
            "three",
            json!([{"sourceContainer": "side"}, {"sourceContainer": "main"}]),
            json!([{"sourceContainer": "side", "readOnly": true}, {"sourceContainer": "main"}]),
        ),
        container(
            "mountPoints",
            "volumes",
            json!([mount("one", "/one"), mount("two", "/two")]),
            json!([mount("one", "/one"), mount("two", "/other")]),
        ),
    ]
}

fn host() -> Vec<Content> {
    let gpus = |count: &str| json!([{"type": "GPU", "value": count}]);
    let entry = |name: &str| json!([{"hostname": name, "ipAddress": "10.0.0.9"}]);
    vec![
        container("privileged", "instances", json!(true), json!(false)),
        container("links", "linked", json!(["side"]), json!(["side:neighbour"])),
        container("hostname", "instances", json!("one"), json!("two")),
        container(
            "dnsServers",
            "instances",
            json!(["10.0.0.2", "10.0.0.3"]),
            json!(["10.0.0.3", "10.0.0.2"]),
        ),
        container("dnsSearchDomains", "instances", json!(["one.example.com"]), json!(["two.example.com"])),
        container("extraHosts", "instances", entry("one"), entry("two")),
        container("disableNetworking", "instances", json!(true), json!(false)),
        container(
            "dockerSecurityOptions",
            "instances",
            json!(["no-new-privileges"]),
            json!(["label:disable"]),
        ),
        container("resourceRequirements", "instances", gpus("1"), gpus("2")),
    ]
}

/// Tasks outside any service.
pub fn tasks() -> Vec<Content> {
    let of = |path: &str, base: &'static str, one: Value, other: Value| {
        of(ResourceKind::Task, path, base, one, other)
    };
    let share = |name: &str| json!([{"capacityProvider": name, "weight": 1}]);
    let network = |subnet: &str| json!({"awsvpcConfiguration": {"subnets": [subnet]}});
    vec![
        of("launchType", "open", json!("FARGATE"), json!("EC2")),
        of("capacityProviderStrategy", "task", share("FARGATE"), share("FARGATE_SPOT")),
        of("platformVersion", "task", json!("1.4.0"), json!("1.3.0")),
        of(
            "networkConfiguration",
            "task",
            network("subnet-0123456789abcdef1"),
            network("subnet-0123456789abcdef2"),
        ),
        of("enableExecuteCommand", "task", json!(true), json!(false)),
    ]
}
