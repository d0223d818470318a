//! A task definition as registered: what AWS returns for it, and the parts of it that the
//! simulation acts upon.

use serde_json::{Map, Value, json};

use super::input::{Fields, Tags};

/// A registered task definition. Never changes; tasks keep the one they were started with.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) arn: String,
    pub(super) family: String,
    pub(super) revision: u32,
    /// As DescribeTaskDefinition returns it, without status and times of deregistration.
    pub(super) body: Map<String, Value>,
    pub(super) containers: Vec<Container>,
}

/// What the simulation needs to know of one container.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    /// Entry point and command, joined by spaces.
    pub(super) command: String,
    pub(super) essential: bool,
    /// Container port, host port, protocol.
    pub(super) ports: Vec<(u16, u16, String)>,
    /// The `valueFrom` of each secret, and of registry credentials.
    pub(super) secrets: Vec<String>,
    /// Container name and condition.
    pub(super) depends: Vec<(String, String)>,
    pub(super) check: Option<Check>,
    pub(super) stop_timeout: f64,
    pub(super) restarts: bool,
    pub(super) ignored_exit_codes: Vec<i64>,
    pub(super) log: Option<Log>,
}

/// A container's own health check, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    pub(super) interval: f64,
    pub(super) retries: f64,
    pub(super) start_period: f64,
}

/// Where the awslogs driver writes.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub(super) group: String,
    pub(super) prefix: String,
    pub(super) create: bool,
}

/// A definition in its family's register.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) definition: std::sync::Arc<Definition>,
    /// ACTIVE, INACTIVE or DELETE_IN_PROGRESS.
    pub(super) status: &'static str,
    pub(super) deregistered_at: Option<jiff::Timestamp>,
    pub(super) delete_requested_at: Option<jiff::Timestamp>,
    pub(super) tags: Tags,
}

impl Registered {
    /// As the API returns it.
    pub(super) fn render(&self) -> Value {
        let mut body = self.definition.body.clone();
        body.insert("status".to_owned(), self.status.into());
        if let Some(at) = self.deregistered_at {
            body.insert("deregisteredAt".to_owned(), crate::ctx::epoch(at));
        }
        if let Some(at) = self.delete_requested_at {
            body.insert("deleteRequestedAt".to_owned(), crate::ctx::epoch(at));
        }
        Value::Object(body)
    }
}

impl Definition {
    /// Reads a filled body.
    pub(super) fn new(arn: String, family: &str, revision: u32, body: Map<String, Value>) -> Self {
        let containers = body.items("containerDefinitions").iter().map(Container::read).collect();
        Self { arn, family: family.to_owned(), revision, body, containers }
    }

    /// `awsvpc`, `bridge`, `host` or `none`; ECS's default on Linux is `bridge`.
    pub(super) fn network_mode(&self) -> &str {
        self.body.text("networkMode").unwrap_or("bridge")
    }

    /// Whether tasks of it may run with this launch type.
    pub(super) fn supports(&self, launch_type: &str) -> bool {
        let list = self.body.items("compatibilities");
        list.iter().any(|each| each == launch_type)
    }

    /// The container by that name.
    pub(super) fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == name)
    }
}

impl Container {
    fn read(body: &Value) -> Self {
        let words = |name| body.items(name).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let mut secrets: Vec<String> = body
            .items("secrets")
            .iter()
            .filter_map(|each| each.text("valueFrom"))
            .map(str::to_owned)
            .collect();
        secrets.extend(
            body.get("repositoryCredentials")
                .and_then(|own| own.text("credentialsParameter"))
                .map(str::to_owned),
        );
        let restart = body.get("restartPolicy").cloned().unwrap_or_default();
        let stop_timeout = body.int("stopTimeout").unwrap_or(30) as f64;
        Self {
            name: body.text("name").unwrap_or_default().to_owned(),
            image: body.text("image").unwrap_or_default().to_owned(),
            command: format!("{} {}", words("entryPoint"), words("command")).trim().to_owned(),
            essential: body.flag("essential"),
            ports: body.items("portMappings").iter().map(port).collect(),
            secrets,
            depends: body.items("dependsOn").iter().map(dependency).collect(),
            check: body.get("healthCheck").map(check),
            stop_timeout,
            restarts: restart.flag("enabled"),
            ignored_exit_codes: restart.items("ignoredExitCodes").iter().filter_map(Value::as_i64).collect(),
            log: body.get("logConfiguration").and_then(log),
        }
    }
}

fn port(body: &Value) -> (u16, u16, String) {
    let number = |name| body.int(name).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
    (number("containerPort"), number("hostPort"), body.text("protocol").unwrap_or("tcp").to_owned())
}

fn dependency(body: &Value) -> (String, String) {
    let text = |name| body.text(name).unwrap_or_default().to_owned();
    (text("containerName"), text("condition"))
}

fn check(body: &Value) -> Check {
    let number = |name, usual: i64| body.int(name).unwrap_or(usual) as f64;
    Check {
        interval: number("interval", 30),
        retries: number("retries", 3),
        start_period: number("startPeriod", 0),
    }
}

fn log(body: &Value) -> Option<Log> {
    if body.text("logDriver") != Some("awslogs") {
        return None;
    }
    let options = body.get("options")?;
    Some(Log {
        group: options.text("awslogs-group")?.to_owned(),
        prefix: options.text("awslogs-stream-prefix").unwrap_or_default().to_owned(),
        create: options.text("awslogs-create-group") == Some("true"),
    })
}

/// Fills in what AWS fills in, and turns sizes such as `1 vCPU` and `2 GB` into CPU units and MiB.
pub(super) fn fill(body: &mut Map<String, Value>) {
    for (name, unit) in [("cpu", "vcpu"), ("memory", "gb")] {
        if let Some(size) = body.text(name).and_then(|text| in_units(text, unit)) {
            body.insert(name.to_owned(), size.into());
        }
    }
    for name in ["volumes", "placementConstraints"] {
        body.entry(name).or_insert_with(|| json!([]));
    }
    if let Some(Value::Array(volumes)) = body.get_mut("volumes") {
        volumes.iter_mut().for_each(fill_volume);
    }
    let network_mode = body.text("networkMode").unwrap_or("bridge").to_owned();
    if let Some(Value::Array(containers)) = body.get_mut("containerDefinitions") {
        containers
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|each| fill_container(each, &network_mode));
    }
    let (compatibilities, attributes) = (compatibilities(body), requires_attributes(body));
    body.insert("compatibilities".to_owned(), compatibilities);
    body.insert("requiresAttributes".to_owned(), attributes);
}

/// `1 vCPU` → `1024`, `0.5 GB` → `512`; `None` when the text is a plain number already.
fn in_units(text: &str, unit: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let number: f64 = lower.strip_suffix(unit)?.trim().parse().ok()?;
    Some(format!("{}", number * 1024.0))
}

fn fill_volume(volume: &mut Value) {
    let kinds = [
        "host",
        "efsVolumeConfiguration",
        "dockerVolumeConfiguration",
        "fsxWindowsFileServerVolumeConfiguration",
    ];
    if kinds.iter().all(|kind| volume.get(kind).is_none()) && !volume.flag("configuredAtLaunch") {
        volume["host"] = json!({});
    }
    if let Some(Value::Object(efs)) = volume.get_mut("efsVolumeConfiguration") {
        efs.entry("rootDirectory").or_insert_with(|| "/".into());
    }
}

fn fill_container(body: &mut Map<String, Value>, network_mode: &str) {
    body.entry("cpu").or_insert_with(|| 0.into());
    body.entry("essential").or_insert_with(|| true.into());
    for name in ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"] {
        body.entry(name).or_insert_with(|| json!([]));
    }
    if let Some(Value::Array(ports)) = body.get_mut("portMappings") {
        ports.iter_mut().filter_map(Value::as_object_mut).for_each(|port| fill_port(port, network_mode));
    }
    // AWS does not keep the declared order of variables; by name is an order that no caller should
    // rely upon either.
    for name in ["environment", "secrets"] {
        if let Some(Value::Array(list)) = body.get_mut(name) {
            list.sort_by(|a, b| a.text("name").cmp(&b.text("name")));
        }
    }
    if let Some(Value::Object(check)) = body.get_mut("healthCheck") {
        for (name, usual) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            check.entry(name).or_insert_with(|| usual.into());
        }
    }
}

fn fill_port(port: &mut Map<String, Value>, network_mode: &str) {
    port.entry("protocol").or_insert_with(|| "tcp".into());
    if port.contains_key("containerPortRange") {
        return;
    }
    let host = if network_mode == "bridge" {
        0.into()
    } else {
        port.get("containerPort").cloned().unwrap_or_default()
    };
    port.entry("hostPort").or_insert(host);
}

fn compatibilities(body: &Map<String, Value>) -> Value {
    let mode = body.text("networkMode").unwrap_or("bridge");
    let containers = body.items("containerDefinitions");
    let mut list = vec!["EC2"];
    if super::fargate_checks::fits(body, containers).is_ok() {
        list.push("FARGATE");
    }
    if matches!(mode, "awsvpc" | "host") {
        list.push("MANAGED_INSTANCES");
    }
    list.into()
}

fn requires_attributes(body: &Map<String, Value>) -> Value {
    let containers = body.items("containerDefinitions");
    let any = |test: &dyn Fn(&Value) -> bool| containers.iter().any(test);
    let has = |name: &'static str| move |each: &Value| !each.items(name).is_empty();
    let awslogs = any(&|each| each["logConfiguration"].text("logDriver") == Some("awslogs"));
    let ecr = any(&|each| each.text("image").is_some_and(|image| image.contains(".dkr.ecr.")));
    let execution = body.text("executionRoleArn").is_some();
    let facts = [
        (awslogs, "com.amazonaws.ecs.capability.logging-driver.awslogs"),
        (awslogs && execution, "ecs.capability.execution-role-awslogs"),
        (ecr, "com.amazonaws.ecs.capability.ecr-auth"),
        (ecr && execution, "ecs.capability.execution-role-ecr-pull"),
        (body.text("taskRoleArn").is_some(), "com.amazonaws.ecs.capability.task-iam-role"),
        (body.text("networkMode") == Some("awsvpc"), "ecs.capability.task-eni"),
        (any(&has("secrets")), "ecs.capability.secrets.asm.environment-variables"),
        (any(&has("dependsOn")), "ecs.capability.container-ordering"),
        (any(&|each| each.get("healthCheck").is_some()), "ecs.capability.container-health-check"),
        (true, "com.amazonaws.ecs.capability.docker-remote-api.1.18"),
    ];
    facts.iter().filter(|(holds, _)| *holds).map(|(_, name)| json!({ "name": name })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(mut body: Value) -> Value {
        let Value::Object(map) = &mut body else { panic!("an object") };
        fill(map);
        body
    }

    #[test]
    fn everything_that_aws_defaults_is_filled_in() {
        let body = filled(json!({
            "family": "f", "networkMode": "awsvpc", "cpu": "1 vCPU", "memory": "2 GB",
            "containerDefinitions": [{"name": "c", "image": "i", "portMappings": [{"containerPort": 80}],
                "healthCheck": {"command": ["CMD", "true"]}, "environment": [{"name": "B"}, {"name": "A"}]}],
            "volumes": [{"name": "v"}],
        }));
        assert_eq!((body.text("cpu"), body.text("memory")), (Some("1024"), Some("2048")));
        assert_eq!(body["compatibilities"], json!(["EC2", "FARGATE", "MANAGED_INSTANCES"]));
        assert_eq!(body["volumes"], json!([{"name": "v", "host": {}}]));
        let container = &body["containerDefinitions"][0];
        assert_eq!(
            container["portMappings"],
            json!([{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}])
        );
        assert_eq!(
            container["healthCheck"],
            json!({"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3})
        );
        assert_eq!(container["environment"], json!([{"name": "A"}, {"name": "B"}]));
        assert_eq!((container.int("cpu"), container.flag("essential")), (Some(0), true));
        assert_eq!(container["mountPoints"], json!([]));
    }

    #[test]
    fn a_bridge_port_is_chosen_by_the_host() {
        let body = filled(
            json!({"containerDefinitions": [{"name": "c", "image": "i", "portMappings": [{"containerPort": 80}]}]}),
        );
        assert_eq!(body["containerDefinitions"][0]["portMappings"][0]["hostPort"], 0);
    }
}
