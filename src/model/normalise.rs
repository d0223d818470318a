//! One form for task definitions that mean the same, whether declared or read back from AWS.
//!
//! ECS fills defaults in, turns absent lists into empty ones and gives lists back in any order it
//! likes. Comparing what was declared with what DescribeTaskDefinition says therefore needs both in
//! one form. This is that form:
//!
//! | what | rule | source |
//! |---|---|---|
//! | `taskDefinitionArn`, `revision`, `status`, `requiresAttributes`, `compatibilities`, `registeredAt`, `registeredBy`, `deregisteredAt` | removed | TaskDefinition: set by ECS only |
//! | `family`, `tags` | removed | kept next to the content, not in it |
//! | `cpu`, `memory` of the task | text; `.5 vCPU` is `512`, `1 GB` is `1024` | RegisterTaskDefinition, `cpu` and `memory`: converted to units and MiB |
//! | `runtimePlatform` | `X86_64`, `LINUX` removed on Fargate | RuntimePlatform; on EC2 the unset field does not restrict placement, so there it is kept |
//! | `enableFaultInjection` | `false` removed | RegisterTaskDefinition: default false |
//! | `volumes[]` | sorted by name; empty `host` and `configuredAtLaunch: false` removed | Volume; ECS returns `host: {}` for scratch volumes |
//! | `volumes[].efsVolumeConfiguration` | `rootDirectory: /`, `transitEncryption: DISABLED`, `iam: DISABLED`, port 0 removed | EFSVolumeConfiguration |
//! | `volumes[].dockerVolumeConfiguration` | `scope: task`, `autoprovision: false`, `driver: local` removed | DockerVolumeConfiguration |
//! | `proxyConfiguration` | `type: APPMESH` removed, properties sorted by name | ProxyConfiguration: the only type |
//! | `requiresCompatibilities`, `placementConstraints` | sorted | sets |
//! | `containerDefinitions[]` | sorted by name | names are unique; start order is `dependsOn`'s |
//! | container `cpu: 0`, `essential: true` | removed | ContainerDefinition: ECS fills them in |
//! | `privileged`, `interactive`, `pseudoTerminal`, `readonlyRootFilesystem`, `disableNetworking` | `false` removed | ContainerDefinition: unset is false |
//! | `versionConsistency: enabled` | removed | ContainerDefinition: default |
//! | `stopTimeout: 30` | removed on Fargate | ContainerDefinition; on EC2 the agent's setting decides, so there it is kept |
//! | `environment`, `secrets`, `secretOptions` | sorted by name; `onRotation` removed | maps in all but form; `onRotation` is not ECS's |
//! | `portMappings[]` | `protocol: tcp` removed; `hostPort` removed when it is 0, or equals `containerPort` under `awsvpc` or `host`; sorted | PortMapping |
//! | `mountPoints[]`, `volumesFrom[]` | `readOnly: false` removed; sorted | MountPoint, VolumeFrom |
//! | `healthCheck` | `interval: 30`, `timeout: 5`, `retries: 3`, `startPeriod: 0` removed | HealthCheck: ECS fills the first three in |
//! | `restartPolicy` | removed when not `enabled`; `restartAttemptPeriod: 300` removed | ContainerRestartPolicy |
//! | `linuxParameters` | `initProcessEnabled: false` removed; capabilities sorted; devices' `containerPath` equal to `hostPath` and full permissions removed | LinuxParameters, Device |
//! | `dependsOn`, `ulimits`, `systemControls`, `resourceRequirements` | sorted | sets |
//! | null, empty lists, empty objects | removed | ECS returns empty lists for what was not given |
//!
//! Kept as written, because order or presence means something: `command`, `entryPoint`,
//! `environmentFiles` (the first file wins), `dnsServers`, `extraHosts`, `links`, empty texts in
//! `environment`.

use super::canonical::canonical_json;
use super::resource::Tree;
use serde_json::Map;

type Fields = Map<String, Tree>;

/// Fields that ECS adds when it gives a task definition back, and those that are kept apart from
/// the content.
const NOT_CONTENT: [&str; 10] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "family",
    "tags",
];

/// A default that says nothing.
#[derive(Clone, Copy)]
enum Plain {
    Flag(bool),
    Number(i64),
    Text(&'static str),
}

impl Plain {
    fn is(self, value: &Tree) -> bool {
        match self {
            Self::Flag(flag) => value.as_bool() == Some(flag),
            Self::Number(number) => value.as_i64() == Some(number),
            Self::Text(text) => value.as_str() == Some(text),
        }
    }
}

const CONTAINER: [(&str, Plain); 8] = [
    ("cpu", Plain::Number(0)),
    ("essential", Plain::Flag(true)),
    ("privileged", Plain::Flag(false)),
    ("interactive", Plain::Flag(false)),
    ("pseudoTerminal", Plain::Flag(false)),
    ("readonlyRootFilesystem", Plain::Flag(false)),
    ("disableNetworking", Plain::Flag(false)),
    ("versionConsistency", Plain::Text("enabled")),
];
const HEALTH_CHECK: [(&str, Plain); 4] = [
    ("interval", Plain::Number(30)),
    ("timeout", Plain::Number(5)),
    ("retries", Plain::Number(3)),
    ("startPeriod", Plain::Number(0)),
];
const EFS: [(&str, Plain); 3] = [
    ("rootDirectory", Plain::Text("/")),
    ("transitEncryption", Plain::Text("DISABLED")),
    ("transitEncryptionPort", Plain::Number(0)),
];
const DOCKER_VOLUME: [(&str, Plain); 3] =
    [("scope", Plain::Text("task")), ("autoprovision", Plain::Flag(false)), ("driver", Plain::Text("local"))];
const RUNTIME: [(&str, Plain); 2] =
    [("cpuArchitecture", Plain::Text("X86_64")), ("operatingSystemFamily", Plain::Text("LINUX"))];

/// Brings a task definition into the one form described at the top of this module.
///
/// **Guarantees**: idempotent; independent of the order of keys; two trees that ECS treats the same
/// end up equal, as far as the table goes. What is not an object is left alone.
pub fn normalise_task_definition(tree: &mut Tree) {
    let Some(fields) = tree.as_object_mut() else { return };
    for key in NOT_CONTENT {
        fields.remove(key);
    }
    for key in ["cpu", "memory"] {
        if let Some(value) = fields.get_mut(key) {
            normalise_units(value);
        }
    }
    drop_defaults(fields, &[("enableFaultInjection", Plain::Flag(false))]);
    let fargate = has_text(fields, "requiresCompatibilities", "FARGATE");
    if fargate && let Some(runtime) = object(fields, "runtimePlatform") {
        drop_defaults(runtime, &RUNTIME);
    }
    let shared_ports = matches!(fields.get("networkMode").and_then(Tree::as_str), Some("awsvpc" | "host"));
    each(fields, "volumes", normalise_volume);
    each(fields, "containerDefinitions", |container| normalise_container(container, fargate, shared_ports));
    if let Some(proxy) = object(fields, "proxyConfiguration") {
        drop_defaults(proxy, &[("type", Plain::Text("APPMESH"))]);
        sort(proxy, "properties", &["name"]);
    }
    sort(fields, "requiresCompatibilities", &[]);
    sort(fields, "placementConstraints", &["type", "expression"]);
    sort(fields, "volumes", &["name"]);
    sort(fields, "containerDefinitions", &["name"]);
    prune(tree);
}

/// Whether a revision that somebody registered says what is wanted: all of it, and nothing else.
///
/// Three things that a revision may say in fewer words are given the meaning that ECS gives them:
/// one without `requiresCompatibilities` was checked against nothing and runs wherever it can, one
/// without a network mode runs in `bridge`, and a role by its name is the role of that name.
pub fn is_same_definition(wanted: &Tree, revision: &Tree) -> bool {
    let compatibilities = wanted.get("requiresCompatibilities").cloned();
    let whole = |tree: &Tree| {
        let mut tree = tree.clone();
        if let Some(fields) = tree.as_object_mut() {
            if fields.get("requiresCompatibilities").is_none_or(is_empty)
                && let Some(compatibilities) = &compatibilities
            {
                fields.insert("requiresCompatibilities".to_owned(), compatibilities.clone());
            }
            fields.entry("networkMode").or_insert_with(|| "bridge".into());
            for role in ["taskRoleArn", "executionRoleArn"] {
                let meant = wanted.get(role).and_then(Tree::as_str).unwrap_or_default();
                let by_name = |own: &str| !own.is_empty() && meant.ends_with(&format!(":role/{own}"));
                if fields.get(role).and_then(Tree::as_str).is_some_and(by_name) {
                    fields.insert(role.to_owned(), meant.into());
                }
            }
        }
        normalise_task_definition(&mut tree);
        tree
    };
    whole(wanted) == whole(revision)
}

fn normalise_volume(volume: &mut Fields) {
    drop_defaults(volume, &[("configuredAtLaunch", Plain::Flag(false))]);
    if let Some(efs) = object(volume, "efsVolumeConfiguration") {
        drop_defaults(efs, &EFS);
        if let Some(authorization) = object(efs, "authorizationConfig") {
            drop_defaults(authorization, &[("iam", Plain::Text("DISABLED"))]);
        }
    }
    if let Some(docker) = object(volume, "dockerVolumeConfiguration") {
        drop_defaults(docker, &DOCKER_VOLUME);
    }
}

fn normalise_container(container: &mut Fields, fargate: bool, shared_ports: bool) {
    drop_defaults(container, &CONTAINER);
    if fargate {
        drop_defaults(container, &[("stopTimeout", Plain::Number(30))]);
    }
    each(container, "portMappings", |port| normalise_port(port, shared_ports));
    for key in ["mountPoints", "volumesFrom"] {
        each(container, key, |mount| drop_defaults(mount, &[("readOnly", Plain::Flag(false))]));
    }
    let strip = |secret: &mut Fields| {
        secret.remove("onRotation");
    };
    each(container, "secrets", strip);
    if let Some(log) = object(container, "logConfiguration") {
        each(log, "secretOptions", strip);
        sort(log, "secretOptions", &["name"]);
    }
    if let Some(check) = object(container, "healthCheck") {
        drop_defaults(check, &HEALTH_CHECK);
    }
    normalise_restarts(container);
    if let Some(linux) = object(container, "linuxParameters") {
        normalise_linux(linux);
    }
    sort(container, "environment", &["name"]);
    sort(container, "secrets", &["name"]);
    sort(container, "portMappings", &["containerPort", "containerPortRange"]);
    sort(container, "mountPoints", &["containerPath"]);
    sort(container, "volumesFrom", &["sourceContainer"]);
    sort(container, "dependsOn", &["containerName"]);
    sort(container, "ulimits", &["name"]);
    sort(container, "systemControls", &["namespace"]);
    sort(container, "resourceRequirements", &["type"]);
}

fn normalise_port(port: &mut Fields, shared_ports: bool) {
    drop_defaults(port, &[("protocol", Plain::Text("tcp")), ("hostPort", Plain::Number(0))]);
    if shared_ports && port.get("hostPort").is_some_and(|host| Some(host) == port.get("containerPort")) {
        port.remove("hostPort");
    }
}

fn normalise_restarts(container: &mut Fields) {
    let Some(policy) = object(container, "restartPolicy") else { return };
    drop_defaults(policy, &[("restartAttemptPeriod", Plain::Number(300))]);
    if policy.get("enabled").and_then(Tree::as_bool) != Some(true) {
        container.remove("restartPolicy");
    }
}

fn normalise_linux(linux: &mut Fields) {
    drop_defaults(linux, &[("initProcessEnabled", Plain::Flag(false))]);
    if let Some(capabilities) = object(linux, "capabilities") {
        sort(capabilities, "add", &[]);
        sort(capabilities, "drop", &[]);
    }
    each(linux, "devices", |device| {
        if device.get("containerPath").is_some_and(|path| Some(path) == device.get("hostPath")) {
            device.remove("containerPath");
        }
        sort(device, "permissions", &[]);
        if device.get("permissions") == Some(&serde_json::json!(["mknod", "read", "write"])) {
            device.remove("permissions");
        }
    });
    sort(linux, "devices", &["hostPath"]);
}

/// `512`, `"512"`, `".5 vCPU"`, `"1 GB"` as the text of a whole number; anything else is left as it
/// is.
fn normalise_units(value: &mut Tree) {
    if value.is_number() {
        *value = Tree::from(value.to_string());
        return;
    }
    let Some(text) = value.as_str() else { return };
    let lower = text.trim().to_ascii_lowercase();
    let amount = ["vcpu", "gb"].iter().find_map(|unit| lower.strip_suffix(unit)).map(str::trim);
    if let Some(amount) = amount.and_then(|amount| amount.parse::<f64>().ok()) {
        *value = Tree::from(format!("{:.0}", amount * 1024.0));
    } else if let Ok(number) = lower.parse::<u64>() {
        *value = Tree::from(number.to_string());
    }
}

fn drop_defaults(fields: &mut Fields, defaults: &[(&str, Plain)]) {
    for (key, default) in defaults {
        if fields.get(*key).is_some_and(|value| default.is(value)) {
            fields.remove(*key);
        }
    }
}

fn object<'a>(fields: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    fields.get_mut(key)?.as_object_mut()
}

fn each(fields: &mut Fields, key: &str, mut change: impl FnMut(&mut Fields)) {
    let items = fields.get_mut(key).and_then(Tree::as_array_mut);
    for item in items.into_iter().flatten().filter_map(Tree::as_object_mut) {
        change(item);
    }
}

fn has_text(fields: &Fields, key: &str, word: &str) -> bool {
    fields.get(key).and_then(Tree::as_array).is_some_and(|items| items.iter().any(|item| item == word))
}

/// Sorts a list by the named fields, then by the whole item, so that the result never depends on
/// the order it came in.
fn sort(fields: &mut Fields, key: &str, by: &[&str]) {
    let Some(items) = fields.get_mut(key).and_then(Tree::as_array_mut) else { return };
    items.sort_by_cached_key(|item| {
        let first: Vec<String> =
            by.iter().map(|name| item.get(*name).map(sort_text).unwrap_or_default()).collect();
        (first, canonical_json(item))
    });
}

/// Text as it is, numbers padded so that 80 comes before 443.
fn sort_text(value: &Tree) -> String {
    match value {
        Tree::String(text) => text.clone(),
        Tree::Number(number) => format!("{:>20}", number.to_string()),
        other => canonical_json(other),
    }
}

/// Removes nulls, empty lists and empty objects from objects, from the leaves up. Items of lists
/// stay, for their number means something.
fn prune(tree: &mut Tree) {
    match tree {
        Tree::Object(fields) => {
            fields.values_mut().for_each(prune);
            fields.retain(|_, value| !is_empty(value));
        }
        Tree::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_empty(value: &Tree) -> bool {
    match value {
        Tree::Null => true,
        Tree::Array(items) => items.is_empty(),
        Tree::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn normalised(mut tree: Tree) -> Tree {
        normalise_task_definition(&mut tree);
        tree
    }

    #[test]
    fn what_ecs_gives_back_equals_what_was_declared() {
        let declared = json!({
            "cpu": 256, "memory": "0.5 GB", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{
                "name": "web", "image": "nginx:1.27",
                "portMappings": [{"containerPort": 8080}],
                "environment": [{"name": "B", "value": ""}, {"name": "A", "value": "1"}],
                "secrets": [{"name": "S", "valueFrom": "arn", "onRotation": "Ignore"}],
                "healthCheck": {"command": ["CMD", "true"]},
            }],
            "volumes": [{"name": "scratch"}],
        });
        let returned = json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3", "family": "web",
            "revision": 3, "status": "ACTIVE", "requiresAttributes": [{"name": "x"}], "compatibilities": ["EC2", "FARGATE"],
            "registeredAt": 1.5, "registeredBy": "arn", "placementConstraints": [],
            "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "containerDefinitions": [{
                "name": "web", "image": "nginx:1.27", "cpu": 0, "essential": true, "mountPoints": [], "volumesFrom": [],
                "systemControls": [], "stopTimeout": 30,
                "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
                "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}],
                "secrets": [{"name": "S", "valueFrom": "arn"}],
                "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
            }],
            "volumes": [{"name": "scratch", "host": {}}],
        });
        assert_eq!(normalised(declared), normalised(returned));
    }

    #[test]
    fn a_revision_that_says_less_of_where_it_runs_is_the_same() {
        let containers = json!([{"name": "web", "image": "web:1", "portMappings": [{"containerPort": 80}]}]);
        let role = "arn:aws:iam::123456789012:role/web";
        let wanted = json!({"requiresCompatibilities": ["EC2"], "taskRoleArn": role, "containerDefinitions": containers});
        let silent =
            json!({"requiresCompatibilities": [], "taskRoleArn": "web", "containerDefinitions": containers});
        let spoken = json!({"networkMode": "bridge", "taskRoleArn": role, "compatibilities": ["EXTERNAL", "EC2"],
            "containerDefinitions": [{"name": "web", "image": "web:1", "cpu": 0, "essential": true,
                "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]}]});
        assert!(is_same_definition(&wanted, &silent) && is_same_definition(&wanted, &spoken));
        for (path, other) in [
            ("/networkMode", json!("awsvpc")),
            ("/requiresCompatibilities", json!(["FARGATE"])),
            ("/containerDefinitions/0/image", json!("web:2")),
            ("/containerDefinitions/0/cpu", json!(10)),
            ("/ipcMode", json!("host")),
            ("/taskRoleArn", json!("eb")),
            ("/taskRoleArn", json!("")),
        ] {
            let mut revision = spoken.clone();
            match revision.pointer_mut(path) {
                Some(value) => *value = other,
                None => revision[&path[1..]] = other,
            }
            assert!(!is_same_definition(&wanted, &revision), "{path}");
        }
    }

    #[test]
    fn an_empty_variable_is_kept() {
        let tree =
            normalised(json!({"containerDefinitions": [{"environment": [{"name": "A", "value": ""}]}]}));
        assert_eq!(tree["containerDefinitions"][0]["environment"], json!([{"name": "A", "value": ""}]));
    }

    #[test]
    fn a_fixed_host_port_in_bridge_mode_is_kept() {
        let tree = json!({"networkMode": "bridge", "containerDefinitions": [{"portMappings": [{"containerPort": 80, "hostPort": 80}]}]});
        assert_eq!(normalised(tree.clone()), tree);
    }

    #[test]
    fn an_architecture_is_kept_where_unset_means_any() {
        let tree =
            json!({"requiresCompatibilities": ["EC2"], "runtimePlatform": {"cpuArchitecture": "X86_64"}});
        assert_eq!(normalised(tree.clone()), tree);
    }

    #[test]
    fn the_order_of_commands_is_kept() {
        let tree = json!({"containerDefinitions": [{"command": ["b", "a"], "name": "x"}]});
        assert_eq!(normalised(tree.clone()), tree);
    }

    #[test]
    fn units_may_be_written_as_numbers_texts_vcpu_and_gb() {
        for (written, normal) in [
            (json!(512), "512"),
            (json!("512"), "512"),
            (json!(".5 vCPU"), "512"),
            (json!("4 vcpu"), "4096"),
            (json!("30GB"), "30720"),
        ] {
            assert_eq!(normalised(json!({"cpu": written}))["cpu"], json!(normal));
        }
    }
}
