//! A task and how the API shows it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    definition::Definition,
    input::{Fields, Tags, tag_list},
    instance::Instance,
    queue::seconds_between,
};
use crate::{behaviour::Behaviour, ctx::epoch};

/// Where a task is in its lifecycle, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Status {
    /// As the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// A task.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) cluster: String,
    pub(super) cluster_arn: String,
    /// The service (by key) and deployment that it belongs to.
    pub(super) service: Option<String>,
    pub(super) deployment: String,
    pub(super) definition: Arc<Definition>,
    pub(super) group: String,
    pub(super) started_by: Option<String>,
    pub(super) launch_type: String,
    pub(super) provider: Option<String>,
    pub(super) platform: Option<String>,
    pub(super) instance: Option<Instance>,
    pub(super) overrides: Value,
    pub(super) exec: bool,
    pub(super) tags: Tags,
    pub(super) zone: String,
    pub(super) eni: Option<Eni>,
    pub(super) containers: Vec<Run>,
    pub(super) targets: Vec<Target>,
    pub(super) status: Status,
    pub(super) wanted: bool,
    pub(super) version: u64,
    pub(super) times: Times,
    pub(super) stop_code: Option<&'static str>,
    pub(super) stopped_reason: Option<String>,
    /// Counted as a success of its deployment already.
    pub(super) proven: bool,
}

/// When things happened to a task.
#[derive(Debug, Clone)]
pub(super) struct Times {
    pub(super) created: Timestamp,
    pub(super) connected: Option<Timestamp>,
    pub(super) pull_started: Option<Timestamp>,
    pub(super) pull_stopped: Option<Timestamp>,
    pub(super) started: Option<Timestamp>,
    pub(super) stopping: Option<Timestamp>,
    pub(super) execution_stopped: Option<Timestamp>,
    pub(super) stopped: Option<Timestamp>,
}

/// The network interface of a task in awsvpc mode.
#[derive(Debug, Clone)]
pub(super) struct Eni {
    pub(super) attachment: String,
    pub(super) id: String,
    pub(super) mac: String,
    pub(super) subnet: String,
    pub(super) zone: String,
    pub(super) ip: String,
    pub(super) dns_name: String,
}

/// A container of a task.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) arn: String,
    pub(super) behaviour: Behaviour,
    pub(super) runtime_id: Option<String>,
    /// How often it was started; events of earlier runs are void.
    pub(super) runs: u32,
    pub(super) state: State,
    pub(super) started: Option<Timestamp>,
    pub(super) exit_code: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) health: &'static str,
    /// Container port, host port, protocol.
    pub(super) ports: Vec<(u16, u16, String)>,
}

/// Where a container is in its lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for its image or for other containers.
    Waiting,
    /// Its start is planned.
    Starting,
    Running,
    Stopped,
}

/// A place in a target group that the task takes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) group: String,
    pub(super) container: usize,
    pub(super) id: String,
    pub(super) port: u16,
    pub(super) registered: bool,
}

impl Task {
    /// Whether it has ended for good.
    pub(super) fn is_stopped(&self) -> bool {
        self.status == Status::Stopped
    }

    /// Whether it counts as pending in its service.
    pub(super) fn is_pending(&self) -> bool {
        self.status < Status::Running
    }

    /// Whether it counts as running in its service; a task that is being drained still runs.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.status, Status::Running | Status::Deactivating)
    }

    /// The task's health: the worst of its essential containers that have a health check.
    pub(super) fn health(&self) -> &'static str {
        let pairs = self.definition.containers.iter().zip(&self.containers);
        let checked: Vec<&str> = pairs
            .filter(|(spec, _)| spec.essential && spec.check.is_some())
            .map(|(_, run)| run.health)
            .collect();
        match () {
            () if checked.is_empty() => "UNKNOWN",
            () if checked.contains(&"UNHEALTHY") => "UNHEALTHY",
            () if checked.iter().all(|health| *health == "HEALTHY") => "HEALTHY",
            () => "UNKNOWN",
        }
    }

    /// Whether it has a health check of its own.
    pub(super) fn has_check(&self) -> bool {
        self.definition.containers.iter().any(|spec| spec.essential && spec.check.is_some())
    }

    /// Seconds since it was RUNNING first; `None` before.
    pub(super) fn age(&self, now: Timestamp) -> Option<f64> {
        self.times.started.map(|started| seconds_between(started, now))
    }

    /// As the API returns it.
    pub(super) fn render(&self, with_tags: bool) -> Value {
        let own = |name: &str| self.overrides.text(name).or_else(|| self.definition.body.text(name));
        let mut body = json!({
            "attachments": self.eni.iter().map(|eni| self.render_eni(eni)).collect::<Vec<_>>(),
            "attributes": [{"name": "ecs.cpu-architecture", "value": self.architecture()}],
            "availabilityZone": self.zone,
            "clusterArn": self.cluster_arn,
            "containers": (0..self.containers.len()).map(|place| self.render_container(place)).collect::<Vec<_>>(),
            "createdAt": epoch(self.times.created),
            "desiredStatus": if self.wanted { "RUNNING" } else { "STOPPED" },
            "enableExecuteCommand": self.exec,
            "group": self.group,
            "healthStatus": self.health(),
            "lastStatus": self.status.name(),
            "overrides": self.overrides,
            "tags": if with_tags { tag_list(&self.tags) } else { json!([]) },
            "taskArn": self.arn,
            "taskDefinitionArn": self.definition.arn,
            "version": self.version,
        });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        put("cpu", own("cpu").map(Into::into));
        put("memory", own("memory").map(Into::into));
        put("startedBy", self.started_by.as_deref().map(Into::into));
        put("capacityProviderName", self.provider.as_deref().map(Into::into));
        put("containerInstanceArn", self.instance.as_ref().map(|instance| instance.arn.as_str().into()));
        put("launchType", Some(self.launch_type.as_str().into()));
        if let Some(platform) = &self.platform {
            put("platformVersion", Some(platform.as_str().into()));
            put("platformFamily", Some("Linux".into()));
            let size = self
                .definition
                .body
                .get("ephemeralStorage")
                .and_then(|own| own.int("sizeInGiB"))
                .unwrap_or(20);
            put("ephemeralStorage", Some(json!({"sizeInGiB": size})));
            put("fargateEphemeralStorage", Some(json!({"sizeInGiB": size})));
        }
        put("stopCode", self.stop_code.map(Into::into));
        put("stoppedReason", self.stopped_reason.as_deref().map(Into::into));
        put("connectivity", self.times.connected.map(|_| "CONNECTED".into()));
        let times = &self.times;
        let named = [
            ("connectivityAt", times.connected),
            ("pullStartedAt", times.pull_started),
            ("pullStoppedAt", times.pull_stopped),
            ("startedAt", times.started),
            ("stoppingAt", times.stopping),
            ("executionStoppedAt", times.execution_stopped),
            ("stoppedAt", times.stopped),
        ];
        named.into_iter().for_each(|(name, at)| put(name, at.map(epoch)));
        body
    }

    fn architecture(&self) -> &'static str {
        let platform = self.definition.body.get("runtimePlatform");
        match platform.and_then(|own| own.text("cpuArchitecture")) {
            Some("ARM64") => "arm64",
            _ => "x86_64",
        }
    }

    fn render_eni(&self, eni: &Eni) -> Value {
        let status = match self.status {
            Status::Provisioning => "PRECREATED",
            Status::Stopped => "DELETED",
            Status::Deprovisioning => "DETACHING",
            _ => "ATTACHED",
        };
        let mut details = vec![json!({"name": "subnetId", "value": eni.subnet})];
        if self.status != Status::Provisioning {
            for (key, value) in [
                ("networkInterfaceId", eni.id.as_str()),
                ("macAddress", &eni.mac),
                ("privateDnsName", &eni.dns_name),
                ("privateIPv4Address", &eni.ip),
            ] {
                details.push(json!({"name": key, "value": value}));
            }
        }
        json!({"id": eni.attachment, "type": "ElasticNetworkInterface", "status": status, "details": details})
    }

    fn render_container(&self, place: usize) -> Value {
        let (run, spec) = (&self.containers[place], &self.definition.containers[place]);
        let status = match run.state {
            State::Running => "RUNNING",
            State::Stopped => "STOPPED",
            State::Waiting | State::Starting if self.status == Status::Stopped => "STOPPED",
            State::Waiting | State::Starting => "PENDING",
        };
        let filled = &self.definition.body.items("containerDefinitions")[place];
        let mut body = json!({
            "containerArn": run.arn,
            "taskArn": self.arn,
            "name": spec.name,
            "image": spec.image,
            "lastStatus": status,
            "networkBindings": self.bindings(run),
            "networkInterfaces": self.interfaces(),
            "healthStatus": run.health,
            "cpu": filled.int("cpu").unwrap_or(0).to_string(),
        });
        let optional = [
            ("memory", filled.int("memory").map(|size| size.to_string().into())),
            ("memoryReservation", filled.int("memoryReservation").map(|size| size.to_string().into())),
            ("runtimeId", run.runtime_id.as_deref().map(Value::from)),
            ("imageDigest", run.runtime_id.as_ref().map(|_| digest(&spec.image).into())),
            ("exitCode", run.exit_code.map(Value::from)),
            ("reason", run.reason.as_deref().map(Value::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        body
    }

    fn bindings(&self, run: &Run) -> Value {
        if self.eni.is_some() || run.started.is_none() || self.definition.network_mode() != "bridge" {
            return json!([]);
        }
        let bind = |(inner, outer, protocol): &(u16, u16, String)| json!({"bindIP": "0.0.0.0", "containerPort": inner, "hostPort": outer, "protocol": protocol});
        run.ports.iter().map(bind).collect()
    }

    fn interfaces(&self) -> Value {
        match &self.eni {
            Some(eni) if self.status != Status::Provisioning => {
                json!([{"attachmentId": eni.attachment, "privateIpv4Address": eni.ip}])
            }
            _ => json!([]),
        }
    }
}

/// The digest that an image reference resolves to: always the same for the same reference.
pub(super) fn digest(image: &str) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", hex::encode(Sha256::digest(image.as_bytes())))
}
