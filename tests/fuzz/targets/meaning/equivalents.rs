//! The same meaning in other words, by what AWS's documentation says of each field.

use super::fixture::{CLUSTER, load_balancer_arn, managed_arn, secret_arn};
use super::{below, coin};
use arbitrary::Unstructured;
use evenkeel::model::resource::ResourceKind;
use serde_json::{Map, Value, json};

type Members = Map<String, Value>;

/// Lists whose order means nothing.
const SETS: [&str; 27] = [
    "add",
    "alarmNames",
    "capacityProviderStrategy",
    "conditions",
    "containerDefinitions",
    "dependsOn",
    "devices",
    "drop",
    "environment",
    "loadBalancers",
    "mountPoints",
    "permissions",
    "placementConstraints",
    "portMappings",
    "properties",
    "requiresCompatibilities",
    "resourceRequirements",
    "secretOptions",
    "secrets",
    "securityGroups",
    "serviceRegistries",
    "subnets",
    "systemControls",
    "targetGroups",
    "ulimits",
    "values",
    "volumes",
];
/// Maps of people's own keys, in which a key called `cpu` is not ECS's `cpu`.
const FREE: [&str; 7] =
    ["attributes", "dockerLabels", "driverOpts", "labels", "options", "tags", "annotations"];

/// What decides the defaults of a task definition.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub(super) fargate: bool,
    pub(super) shared_ports: bool,
}

impl Around {
    /// Of a component of a document.
    fn component(component: &Value) -> Self {
        let workload = ["service", "singleton", "task"].iter().find_map(|word| component.get(word));
        let workload = workload.unwrap_or(&Value::Null);
        let instances =
            workload["capacityProviderStrategy"].as_array().into_iter().flatten().any(|item| {
                !item["capacityProvider"].as_str().is_some_and(|name| name.starts_with("FARGATE"))
            });
        let definition = &component["taskDefinition"];
        let asked = |word: &str| {
            definition["requiresCompatibilities"]
                .as_array()
                .is_some_and(|words| words.iter().any(|known| known == word))
        };
        let launch = workload["launchType"].as_str();
        let fargate = match (launch, definition["requiresCompatibilities"].as_array()) {
            (_, Some(words)) if !words.is_empty() => asked("FARGATE"),
            (Some(launch), _) => launch == "FARGATE",
            (None, _) => !instances,
        };
        Self { fargate, shared_ports: shares_ports(definition, "awsvpc") }
    }

    /// Of a task definition with its defaults filled in.
    pub(super) fn definition(definition: &Value) -> Self {
        let words = definition["requiresCompatibilities"].as_array();
        let fargate = words.is_some_and(|words| words.iter().any(|word| word == "FARGATE"));
        Self { fargate, shared_ports: shares_ports(definition, "bridge") }
    }
}

fn shares_ports(definition: &Value, unset: &str) -> bool {
    matches!(definition["networkMode"].as_str().unwrap_or(unset), "awsvpc" | "host")
}

/// Writes a document in other words.
pub(super) fn document(document: &mut Value, choices: &mut Unstructured<'_>) {
    let deployment = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let spec = &mut document["spec"];
    references(spec, choices);
    for part in ["listeners", "rules", "logGroups", "targetGroups"] {
        let known = spec.get_mut(part).and_then(Value::as_object_mut);
        for entry in known.into_iter().flat_map(Map::values_mut) {
            resource(part, entry, choices);
        }
    }
    for (name, component) in spec["components"].as_object_mut().into_iter().flatten() {
        let around = Around::component(component);
        identities(&deployment, name, component, choices);
        node(component, "component", around, choices);
    }
}

/// Names that Evenkeel would give anyway, and names of secrets as ARNs.
fn identities(deployment: &str, name: &str, component: &mut Value, choices: &mut Unstructured<'_>) {
    let default = json!(format!("{deployment}-{name}"));
    if let Some(definition) = component["taskDefinition"].as_object_mut() {
        toggle(definition, "family", default.clone(), choices);
        toggle(definition, "networkMode", json!("awsvpc"), choices);
    }
    for word in ["service", "singleton"] {
        if let Some(service) = component.get_mut(word).and_then(Value::as_object_mut) {
            toggle(service, "serviceName", default.clone(), choices);
            toggle(service, "bakeSeconds", json!(0), choices);
            toggle(service, "progressDeadlineSeconds", json!(900), choices);
        }
    }
}

/// Keys of this document as the ARNs that they stand for; the cluster and load balancers by ARN.
fn references(spec: &mut Value, choices: &mut Unstructured<'_>) {
    if spec["placement"]["cluster"].as_str().is_some_and(|name| !name.starts_with("arn:")) && coin(choices) {
        let arn = format!("{CLUSTER}{}", spec["placement"]["cluster"].as_str().unwrap_or_default());
        spec["placement"]["cluster"] = json!(arn);
    }
    for listener in
        spec.get_mut("listeners").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        let name = listener["loadBalancer"].as_str().unwrap_or_default();
        if !name.starts_with("arn:") && coin(choices) {
            listener["loadBalancer"] = json!(load_balancer_arn(name));
        }
    }
    let rules = spec.get_mut("rules").and_then(Value::as_object_mut);
    for rule in rules.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        by_arn(rule, "listener", ResourceKind::Listener, choices);
    }
}

fn by_arn(members: &mut Members, key: &str, kind: ResourceKind, choices: &mut Unstructured<'_>) {
    let Some(name) = members.get(key).and_then(Value::as_str).map(|name| managed_arn(kind, name)) else {
        return;
    };
    if coin(choices) {
        members.remove(key);
        members.insert(format!("{key}Arn"), json!(name));
    }
}

/// Writes a log group, target group, listener or rule in other words.
pub(super) fn resource(part: &str, fields: &mut Value, choices: &mut Unstructured<'_>) {
    if let ("targetGroups", Some(group)) = (part, fields.as_object_mut()) {
        target_group(group, choices);
        return;
    }
    let nowhere = Around { fargate: false, shared_ports: false };
    node(fields, part, nowhere, choices);
}

fn target_group(group: &mut Members, choices: &mut Unstructured<'_>) {
    toggle(group, "protocol", json!("HTTP"), choices);
    toggle(group, "targetType", json!("ip"), choices);
    toggle(group, "healthCheckPort", json!("traffic-port"), choices);
    toggle(group, "healthCheckIntervalSeconds", json!(30), choices);
    toggle(group, "healthyThresholdCount", json!(5), choices);
    toggle(group, "unhealthyThresholdCount", json!(2), choices);
    let http = group.get("protocol").is_none_or(|protocol| protocol == "HTTP");
    if http && group.get("healthCheckProtocol").is_none_or(|protocol| protocol == "HTTP") {
        toggle(group, "protocolVersion", json!("HTTP1"), choices);
        toggle(group, "healthCheckTimeoutSeconds", json!(5), choices);
        if group.get("protocolVersion").is_none_or(|version| version != "GRPC") {
            toggle(group, "healthCheckPath", json!("/"), choices);
            toggle(group, "matcher", json!({"httpCode": "200"}), choices);
        }
    }
}

/// Writes a value that stands under `key` in other words, and everything below it.
pub(super) fn node(value: &mut Value, key: &str, around: Around, choices: &mut Unstructured<'_>) {
    match value {
        Value::Object(members) => {
            spell(key, members, around, choices);
            for (below, member) in members.iter_mut().filter(|(below, _)| !FREE.contains(&below.as_str())) {
                node(member, below, around, choices);
            }
        }
        Value::Array(items) => {
            if SETS.contains(&key) {
                shuffle(items, choices);
            }
            for item in items {
                node(item, key, around, choices);
            }
        }
        _ => {}
    }
}

pub(super) fn shuffle(items: &mut [Value], choices: &mut Unstructured<'_>) {
    for last in (1..items.len()).rev() {
        // Counted from the end, so that used-up bytes leave the order as it is.
        let other = last - below(choices, last + 1);
        items.swap(last, other);
    }
}

/// Says a default, or leaves it out.
fn toggle(members: &mut Members, key: &str, default: Value, choices: &mut Unstructured<'_>) {
    match members.get(key) {
        None if coin(choices) => drop(members.insert(key.to_owned(), default)),
        Some(value) if *value == default && coin(choices) => drop(members.remove(key)),
        _ => {}
    }
}

fn toggle_all<const N: usize>(
    members: &mut Members,
    defaults: [(&str, Value); N],
    choices: &mut Unstructured<'_>,
) {
    for (key, default) in defaults {
        toggle(members, key, default, choices);
    }
}

fn spell(key: &str, members: &mut Members, around: Around, choices: &mut Unstructured<'_>) {
    let no = || json!(false);
    match key {
        "taskDefinition" => definition(members, around, choices),
        "containerDefinitions" => container(members, around, choices),
        "portMappings" => port(members, around, choices),
        "mountPoints" | "volumesFrom" => toggle(members, "readOnly", no(), choices),
        "healthCheck" => toggle_all(
            members,
            [
                ("interval", json!(30)),
                ("timeout", json!(5)),
                ("retries", json!(3)),
                ("startPeriod", json!(0)),
            ],
            choices,
        ),
        "restartPolicy" => toggle(members, "restartAttemptPeriod", json!(300), choices),
        "linuxParameters" => toggle(members, "initProcessEnabled", no(), choices),
        "devices" => {
            if let Some(path) = members.get("hostPath").cloned() {
                toggle(members, "containerPath", path, choices);
            }
        }
        "secrets" | "secretOptions" => secret(members, "valueFrom", choices),
        "repositoryCredentials" => secret(members, "credentialsParameter", choices),
        "volumes" => volume(members, choices),
        "efsVolumeConfiguration" => toggle(members, "rootDirectory", json!("/"), choices),
        "dockerVolumeConfiguration" => toggle_all(
            members,
            [("scope", json!("task")), ("autoprovision", no()), ("driver", json!("local"))],
            choices,
        ),
        "service" | "singleton" | "task" => workload(key, members, around, choices),
        "capacityProviderStrategy" => {
            toggle_all(members, [("base", json!(0)), ("weight", json!(0))], choices);
        }
        "loadBalancers" => by_arn(members, "targetGroup", ResourceKind::TargetGroup, choices),
        "awsvpcConfiguration" => toggle_all(
            members,
            [("assignPublicIp", json!("DISABLED")), ("securityGroups", json!([]))],
            choices,
        ),
        "actions" | "defaultActions" => action(members, choices),
        "redirectConfig" => toggle_all(
            members,
            [("host", json!("#{host}")), ("path", json!("/#{path}")), ("query", json!("#{query}"))],
            choices,
        ),
        "fixedResponseConfig" => toggle(members, "contentType", json!("text/plain"), choices),
        _ => {}
    }
}

fn definition(members: &mut Members, around: Around, choices: &mut Unstructured<'_>) {
    toggle(members, "enableFaultInjection", json!(false), choices);
    toggle(
        members,
        "requiresCompatibilities",
        json!([if around.fargate { "FARGATE" } else { "EC2" }]),
        choices,
    );
    if around.fargate {
        toggle(members, "runtimePlatform", json!({"cpuArchitecture": "X86_64"}), choices);
        toggle(members, "runtimePlatform", json!({"operatingSystemFamily": "LINUX"}), choices);
    }
    for (field, unit) in [("cpu", "vCPU"), ("memory", "GB")] {
        let Some(value) = members.get_mut(field) else { continue };
        let number = match &*value {
            Value::String(text) => text.parse::<u32>().ok(),
            Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            _ => None,
        };
        let Some(number) = number else { continue };
        *value = match below(choices, 4) {
            1 => json!(number),
            2 => json!(number.to_string()),
            3 if number.is_multiple_of(256) => json!(format!("{} {unit}", f64::from(number) / 1024.0)),
            _ => continue,
        };
    }
}

fn container(members: &mut Members, around: Around, choices: &mut Unstructured<'_>) {
    let flags =
        ["privileged", "interactive", "pseudoTerminal", "readonlyRootFilesystem", "disableNetworking"];
    for flag in flags {
        toggle(members, flag, json!(false), choices);
    }
    let lists = [
        "environment",
        "environmentFiles",
        "secrets",
        "portMappings",
        "mountPoints",
        "volumesFrom",
        "command",
    ];
    for list in lists.into_iter().chain(["entryPoint", "ulimits", "systemControls", "dependsOn", "links"]) {
        toggle(members, list, json!([]), choices);
    }
    toggle_all(
        members,
        [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("versionConsistency", json!("enabled")),
            ("dockerLabels", json!({})),
        ],
        choices,
    );
    if around.fargate {
        toggle(members, "stopTimeout", json!(30), choices);
    }
}

fn port(members: &mut Members, around: Around, choices: &mut Unstructured<'_>) {
    toggle(members, "protocol", json!("tcp"), choices);
    let container = members.get("containerPort").cloned();
    match container {
        Some(port) if around.shared_ports => toggle(members, "hostPort", port, choices),
        _ => toggle(members, "hostPort", json!(0), choices),
    }
}

/// The name of a secret as its ARN.
fn secret(members: &mut Members, field: &str, choices: &mut Unstructured<'_>) {
    let Some(written) = members.get(field).and_then(Value::as_str) else { return };
    if written.starts_with("arn:") || written.starts_with('/') || !coin(choices) {
        return;
    }
    let (name, rest) = written.split_once(':').map_or((written, None), |(name, rest)| (name, Some(rest)));
    let arn = match rest {
        Some(rest) => format!("{}:{rest}", secret_arn(name)),
        None => secret_arn(name),
    };
    members.insert(field.to_owned(), json!(arn));
}

fn volume(members: &mut Members, choices: &mut Unstructured<'_>) {
    toggle(members, "configuredAtLaunch", json!(false), choices);
    if members.keys().all(|key| matches!(key.as_str(), "name" | "host" | "configuredAtLaunch")) {
        toggle(members, "host", json!({}), choices);
    }
}

fn workload(word: &str, members: &mut Members, around: Around, choices: &mut Unstructured<'_>) {
    toggle(members, "enableExecuteCommand", json!(false), choices);
    let strategy = members
        .get("capacityProviderStrategy")
        .and_then(Value::as_array)
        .is_some_and(|items| !items.is_empty());
    if around.fargate && members.get("launchType").is_none_or(|launch| launch == "FARGATE") {
        toggle(members, "platformVersion", json!("LATEST"), choices);
        // A service that is there stays on what it is on when neither is declared.
        if !strategy && word == "task" {
            toggle(members, "launchType", json!("FARGATE"), choices);
        }
    }
    if word == "task" {
        return;
    }
    toggle_all(
        members,
        [
            ("schedulingStrategy", json!("REPLICA")),
            ("propagateTags", json!("NONE")),
            ("enableECSManagedTags", json!(false)),
            ("serviceRegistries", json!([])),
            ("placementConstraints", json!([])),
            ("placementStrategy", json!([])),
        ],
        choices,
    );
    if members.get("loadBalancers").and_then(Value::as_array).is_some_and(|balancers| !balancers.is_empty()) {
        toggle(members, "healthCheckGracePeriodSeconds", json!(0), choices);
    }
    if let Some(deployment) = members.get_mut("deploymentConfiguration").and_then(Value::as_object_mut) {
        toggle(deployment, "strategy", json!("ROLLING"), choices);
        let off = json!({"enable": false, "rollback": false});
        toggle(deployment, "deploymentCircuitBreaker", off, choices);
    }
}

/// `targetGroup` as a list of one, weights of 1 spelled out.
fn action(members: &mut Members, choices: &mut Unstructured<'_>) {
    if let Some(group) = members.get("targetGroup").cloned()
        && coin(choices)
    {
        members.remove("targetGroup");
        members.insert("targetGroups".to_owned(), json!([{"targetGroup": group}]));
    }
    let groups = members.get_mut("targetGroups").and_then(Value::as_array_mut);
    for group in groups.into_iter().flatten().filter_map(Value::as_object_mut) {
        toggle(group, "weight", json!(1), choices);
        by_arn(group, "targetGroup", ResourceKind::TargetGroup, choices);
    }
}
