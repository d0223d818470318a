//! Placing a new task: network interface, instance, containers and how they will behave.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Ecs, Env,
    definition::Definition,
    input::{Fields, Tags},
    instance::Instance,
    queue::{Event, Step, after, between},
    task::{Eni, Run, State, Status, Target, Task, Times},
};

/// What is to be started.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) cluster: String,
    pub(super) service: Option<String>,
    pub(super) deployment: String,
    pub(super) definition: Arc<Definition>,
    pub(super) group: String,
    pub(super) started_by: Option<String>,
    pub(super) launch_type: String,
    pub(super) provider: Option<String>,
    pub(super) network: Option<Value>,
    pub(super) overrides: Value,
    pub(super) exec: bool,
    pub(super) tags: Tags,
    /// The `loadBalancers` of the service.
    pub(super) balancers: Vec<Value>,
}

/// Where tasks of a request or a deployment run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placement {
    pub(super) launch_type: String,
    pub(super) provider: Option<String>,
}

impl Placement {
    /// From a launch type or a capacity provider strategy: the provider with the greatest weight,
    /// then base.
    pub(super) fn choose(launch_type: Option<&str>, strategy: &[Value]) -> Self {
        let best = strategy.iter().rev().max_by_key(|item| (item.int("weight"), item.int("base")));
        match best.and_then(|item| item.text("capacityProvider")) {
            Some(name) if name.starts_with("FARGATE") => {
                Self { launch_type: "FARGATE".to_owned(), provider: Some(name.to_owned()) }
            }
            Some(name) => Self { launch_type: "EC2".to_owned(), provider: Some(name.to_owned()) },
            None => Self { launch_type: launch_type.unwrap_or("EC2").to_owned(), provider: None },
        }
    }
}

impl Ecs {
    /// Starts a task; its steps then happen by themselves. Answers its id.
    ///
    /// # Errors
    /// Why the task cannot be placed, as it appears in service events.
    pub(super) fn launch(&mut self, env: &mut Env<'_>, launch: Launch) -> Result<String, String> {
        let instance = self.place(&launch)?;
        let id = env.ctx.hex(32);
        let awsvpc = launch.definition.network_mode() == "awsvpc";
        let eni = awsvpc.then(|| self.attach(env, launch.network.as_ref()));
        let arn = env.ctx.arn("ecs", &format!("task/{}/{id}", launch.cluster));
        let containers: Vec<Run> = (0..launch.definition.containers.len())
            .map(|place| new_container(env, &launch, &id, place))
            .collect();
        let targets = targets(&launch, eni.as_ref(), instance.as_ref(), &containers);
        let zone = match &eni {
            Some(eni) => eni.zone.clone(),
            None => {
                let place = env.ctx.rng.usize(0..3);
                zone(env.ctx.region, place)
            }
        };
        let fargate = launch.launch_type == "FARGATE";
        let task = Task {
            arn,
            cluster_arn: env.ctx.arn("ecs", &format!("cluster/{}", launch.cluster)),
            service: launch.service,
            deployment: launch.deployment,
            definition: launch.definition,
            group: launch.group,
            started_by: launch.started_by,
            launch_type: launch.launch_type,
            provider: launch.provider,
            platform: fargate.then(|| "1.4.0".to_owned()),
            instance,
            overrides: launch.overrides,
            exec: launch.exec,
            tags: launch.tags,
            zone,
            eni,
            containers,
            targets,
            status: if awsvpc { Status::Provisioning } else { Status::Pending },
            wanted: true,
            version: 1,
            times: new_times(env.ctx.now),
            stop_code: None,
            stopped_reason: None,
            proven: false,
            id: id.clone(),
            cluster: launch.cluster,
        };
        let wait = if awsvpc { between(env.ctx.rng, 2.0, 5.0) } else { 0.2 };
        self.queue.plan(after(env.ctx.now, wait), Event::Task(id.clone(), Step::Provisioned));
        self.tasks.insert(id.clone(), task);
        Ok(id)
    }

    /// Finds an instance for a task of launch type EC2 on which its fixed host ports are free.
    fn place(&self, launch: &Launch) -> Result<Option<Instance>, String> {
        if launch.launch_type == "FARGATE" {
            return Ok(None);
        }
        let instances = self.clusters.get(&launch.cluster).map_or(&[][..], |cluster| &cluster.instances);
        if instances.is_empty() {
            return Err("No Container Instances were found in your cluster.".to_owned());
        }
        let fixed: Vec<u16> = match launch.definition.network_mode() {
            "awsvpc" | "none" => Vec::new(),
            _ => {
                launch.definition.containers.iter().flat_map(|each| &each.ports).map(|port| port.1).collect()
            }
        };
        let busy = |instance: &Instance| {
            self.tasks.values().filter(|task| task.status < Status::Deprovisioning).any(|task| {
                let here = task.instance.as_ref().is_some_and(|own| own.arn == instance.arn);
                here && task.eni.is_none()
                    && task
                        .containers
                        .iter()
                        .flat_map(|run| &run.ports)
                        .any(|port| fixed.contains(&port.1) && port.1 != 0)
            })
        };
        let load = |instance: &Instance| {
            let on = |task: &&Task| {
                task.instance.as_ref().is_some_and(|own| own.arn == instance.arn) && !task.is_stopped()
            };
            self.tasks.values().filter(on).count()
        };
        let free = instances.iter().filter(|instance| !busy(instance)).min_by_key(|instance| load(instance));
        free.map(|instance| Some(instance.clone())).ok_or_else(|| {
            format!(
                "The closest matching container-instance {} is already using a port required by your task.",
                instances[0].arn.rsplit('/').next().unwrap_or_default()
            )
        })
    }

    fn attach(&mut self, env: &mut Env<'_>, network: Option<&Value>) -> Eni {
        let subnets =
            network.map(|own| own["awsvpcConfiguration"].items("subnets").to_vec()).unwrap_or_default();
        let place = if subnets.is_empty() { 0 } else { env.ctx.rng.usize(0..subnets.len()) };
        let subnet = subnets.get(place).map_or("subnet-default", |own| own.as_str().unwrap_or_default());
        self.addresses += 1;
        let number = self.addresses;
        let ip = format!("10.{}.{}.{}", (number >> 16) & 255, (number >> 8) & 255, number & 255);
        Eni {
            attachment: env.ctx.uuid(),
            id: format!("eni-{}", env.ctx.hex(17)),
            mac: format!(
                "0a:00:{:02x}:{:02x}:{:02x}:{:02x}",
                number >> 24,
                (number >> 16) & 255,
                (number >> 8) & 255,
                number & 255
            ),
            subnet: subnet.to_owned(),
            zone: zone(env.ctx.region, place),
            dns_name: private_dns_name(env.ctx.region, &ip),
            ip,
        }
    }
}

/// The availability zone at this place. A subnet is in one zone: here the one of its place in the
/// list, as load balancers have it.
fn zone(region: &str, place: usize) -> String {
    format!("{region}{}", ["a", "b", "c"][place % 3])
}

/// What a VPC calls an address (VPC user guide, "DNS attributes for your VPC").
fn private_dns_name(region: &str, ip: &str) -> String {
    let domain = match region {
        "us-east-1" => "ec2.internal".to_owned(),
        _ => format!("{region}.compute.internal"),
    };
    format!("ip-{}.{domain}", ip.replace('.', "-"))
}

fn new_times(created: jiff::Timestamp) -> Times {
    Times {
        created,
        connected: None,
        pull_started: None,
        pull_stopped: None,
        started: None,
        stopping: None,
        execution_stopped: None,
        stopped: None,
    }
}

fn new_container(env: &mut Env<'_>, launch: &Launch, task: &str, place: usize) -> Run {
    let spec = &launch.definition.containers[place];
    let overrides = launch.overrides.items("containerOverrides");
    let own = overrides.iter().find(|each| each.text("name") == Some(&spec.name));
    let command = match own.map(|each| each.items("command")) {
        Some(words) if !words.is_empty() => {
            words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        _ => spec.command.clone(),
    };
    let behaviour = env.behaviours.choose(&spec.image, &command, &spec.name);
    let bridge = launch.definition.network_mode() == "bridge";
    let port = |(inner, outer, protocol): &(u16, u16, String)| {
        let chosen = if bridge && *outer == 0 { 32768 + env.ctx.rng.u16(0..28000) } else { *outer };
        (*inner, chosen, protocol.clone())
    };
    let ports = spec.ports.iter().map(port).collect();
    let id = env.ctx.uuid();
    Run {
        arn: env.ctx.arn("ecs", &format!("container/{}/{task}/{id}", launch.cluster)),
        behaviour,
        runtime_id: None,
        runs: 0,
        state: State::Waiting,
        started: None,
        exit_code: None,
        reason: None,
        health: "UNKNOWN",
        ports,
    }
}

fn targets(
    launch: &Launch,
    eni: Option<&Eni>,
    instance: Option<&Instance>,
    containers: &[Run],
) -> Vec<Target> {
    let mut targets = Vec::new();
    for balancer in &launch.balancers {
        let (Some(group), Some(name)) = (balancer.text("targetGroupArn"), balancer.text("containerName"))
        else {
            continue;
        };
        let Some(container) = launch.definition.containers.iter().position(|spec| spec.name == name) else {
            continue;
        };
        let inner = balancer.int("containerPort").and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
        let bound =
            containers[container].ports.iter().find(|port| port.0 == inner).map_or(inner, |port| port.1);
        let (id, port) = match (eni, instance) {
            (Some(eni), _) => (eni.ip.clone(), inner),
            (None, Some(instance)) => (instance.ec2_id.clone(), bound),
            (None, None) => continue,
        };
        targets.push(Target { group: group.to_owned(), container, id, port, registered: false });
    }
    targets
}

/// Overrides in the form that tasks show them.
pub(super) fn overrides(input: &Value, definition: &Definition) -> Value {
    let mut own = input.get("overrides").cloned().unwrap_or_else(|| json!({}));
    if own.get("containerOverrides").is_none() {
        own["containerOverrides"] =
            definition.containers.iter().map(|spec| json!({"name": spec.name})).collect();
    }
    if own.get("inferenceAcceleratorOverrides").is_none() {
        own["inferenceAcceleratorOverrides"] = json!([]);
    }
    own
}
