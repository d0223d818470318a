//! What the simulated people declare: applications as small models that are written out as
//! documents.

use super::fields::{self, Fields};
use super::shift::{self, Shift};
use aws_sim::traffic::Request;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Region of everything.
pub const REGION: &str = "eu-west-1";
/// Clusters that are there from the start.
pub const CLUSTERS: [&str; 2] = ["blue", "green"];
/// What the other name of an application ends with.
pub const RENAMED: char = 'r';
/// What the image of a component that ends by itself ends with, unless its own name says so.
pub const ENDS: &str = "-migrate";
/// What every secret's value begins with: found anywhere outside of Secrets Manager, it has leaked.
pub const CANARY: &str = "canary-7f3a9c-";

/// One declared application.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// Name of the deployment.
    pub name: String,
    /// Cluster that it runs in.
    pub cluster: &'static str,
    /// Whether everything but data goes when the document goes.
    pub delete: bool,
    /// Whether its log group says `deletionPolicy: Delete`.
    pub delete_logs: bool,
    /// Days that logs are kept.
    pub retention: Option<u32>,
    /// Value of the retry annotation.
    pub retry: u32,
    /// Port of its listener.
    pub port: u16,
    /// A pause until this time.
    pub suspended_until: Option<jiff::Timestamp>,
    /// What is done about drift, where it is not repaired: nobody but the controller works on what
    /// it has then, so that there is none.
    pub policy: Option<&'static str>,
    /// How often its document was moved to another file.
    pub moves: u32,
    /// What runs.
    pub parts: Vec<Part>,
    /// What the document says besides.
    pub fields: Fields,
}

/// One component.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is, whatever it is called: its path and its image go by that.
    pub name: &'static str,
    /// How often it was given another key.
    pub renames: u32,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Tag of its image.
    pub tag: String,
    /// Value of its one variable.
    pub variable: u32,
    /// Whether it names the application's secret, and whether a rotation rolls it.
    pub secret: Option<OnRotation>,
    /// Components that it waits for.
    pub after: Vec<&'static str>,
    /// Whether the document names it at present.
    pub declared: bool,
    /// Whether it moved to another document, for good.
    pub left: bool,
    /// The application that it came from, if it is another one.
    pub home: Option<String>,
    /// How requests come to it.
    pub way: Way,
    /// How ECS shifts its traffic, while it is a service behind a load balancer.
    pub shift: Option<Shift>,
    /// Whether it says how many tasks it has, as a singleton: otherwise others may scale it.
    pub counted: bool,
}

/// How requests come to a component behind a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Counts the names that its target group has had.
    pub group: u32,
    /// Port of the target group and of the container.
    pub port: u16,
    /// Priority of its rule.
    pub priority: u32,
}

impl Default for Way {
    fn default() -> Self {
        Self { group: 0, port: 8080, priority: 10 }
    }
}

/// What a rotated secret does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRotation {
    /// Rolls the tasks.
    Restart,
    /// Nothing.
    Ignore,
}

/// What kind of component it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Runs to its end.
    Task,
    /// Runs for ever, outside of any service.
    Forever,
    /// A service.
    Service(Service),
    /// A service of which never two tasks run.
    Singleton,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// How many tasks; `None` leaves it to others.
    pub count: Option<u32>,
    /// Whether it stands behind a load balancer.
    pub balanced: bool,
    /// Whether ECS gives failing deployments up and goes back.
    pub breaker: bool,
    /// `minimumHealthyPercent`.
    pub least: u32,
    /// `bakeSeconds`.
    pub bake: u32,
}

impl App {
    /// The file that it stands in.
    pub fn file(&self) -> String {
        match self.moves {
            0 => format!("{}.yaml", self.name),
            moves => format!("{}-{moves}.yaml", self.name),
        }
    }

    /// Name of its secret.
    pub fn secret(&self) -> String {
        format!("{}/db", self.name)
    }

    /// Name of its log group.
    pub fn log_group(&self) -> String {
        format!("/ecs/{}", self.name)
    }

    /// Name of its load balancer: whatever the document is called, its clients stay where they are.
    pub fn balancer(&self) -> String {
        format!("lb-{}", self.name.trim_end_matches(RENAMED))
    }

    /// Name of the service, or family of the task, of a component.
    pub fn resource(&self, part: &Part) -> String {
        format!("{}-{}", self.name, part.key())
    }

    /// Components that the document names.
    pub fn declared(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.declared)
    }

    /// What a component is, whatever it is called.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Image of a component.
    pub fn image(&self, part: &Part) -> String {
        // The simulation goes by the name: what migrates ends by itself.
        let ends = if part.kind == Kind::Task && part.name != "migrate" { ENDS } else { "" };
        format!("registry.example.com/{}{ends}:{}", self.identity(part), part.tag)
    }

    /// What a component is, whatever it and its document are called, and wherever it is declared.
    pub fn identity(&self, part: &Part) -> String {
        let home = part.home.as_deref().unwrap_or(self.name.trim_end_matches(RENAMED));
        format!("{home}-{}", part.name)
    }

    /// A request for a component behind the load balancer.
    pub fn road(&self, part: &Part) -> Option<Request> {
        part.is_balanced()
            .then(|| Request::to(self.balancer(), self.port).path(format!("/{}/here", part.name)))
    }

    /// Whether any of its images cannot work.
    pub fn is_hopeless(&self) -> bool {
        self.declared().any(Part::is_hopeless)
    }

    /// The document's text. JSON is YAML.
    pub fn render(&self) -> String {
        self.document().to_string()
    }

    /// The document.
    pub fn document(&self) -> Value {
        let mut spec = json!({
            "placement": {"region": REGION, "cluster": self.cluster},
            "logGroups": {self.log_group(): self.log_group_fields()},
            "components": self.declared().map(|part| (part.key(), self.component(part))).collect::<BTreeMap<_, _>>(),
        });
        if self.delete {
            spec["deletionPolicy"] = json!("Delete");
        }
        if let Some(policy) = self.policy {
            spec["drift"] = json!({"policy": policy});
        }
        if let Some(until) = self.suspended_until {
            spec["suspend"] = json!({"by": "sim", "reason": "an incident", "until": until});
        }
        let balanced: Vec<&Part> = self.declared().filter(|part| part.is_balanced()).collect();
        if !balanced.is_empty() {
            let group = |part: &&Part| {
                let keys = [Some(part.target_group()), part.alternate()].into_iter().flatten();
                keys.map(|key| (key, target_group(part.way.port))).collect::<Vec<_>>()
            };
            spec["targetGroups"] = balanced.iter().flat_map(group).collect();
            let rules = balanced.iter().map(|part| (part.key(), rule(part)));
            spec["rules"] = rules.chain(balanced.iter().filter_map(|part| shift::test_rule(part))).collect();
            spec["listeners"] = json!({"http": {"loadBalancer": self.balancer(), "port": self.port, "protocol": "HTTP",
                "defaultActions": [{"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404"}}]}});
            spec["alarms"] = balanced.iter().map(|part| (part.key(), self.alarm(part))).collect();
        }
        let mut metadata = json!({"name": self.name});
        if self.retry > 0 {
            metadata["annotations"] = json!({"evenkeel.dev/retry": self.retry.to_string()});
        }
        let mut document = json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec});
        fields::write(&self.fields, self, &mut document);
        document
    }

    /// The alarm that watches the deployments of a service behind a load balancer.
    fn alarm(&self, part: &Part) -> Value {
        json!({"namespace": "AWS/ApplicationELB", "metricName": "HTTPCode_Target_5XX_Count", "statistic": "Sum",
            "dimensions": [{"name": "Component", "value": self.resource(part)}], "period": 60, "evaluationPeriods": 3,
            "datapointsToAlarm": 3, "threshold": 5, "comparisonOperator": "GreaterThanThreshold",
            "treatMissingData": "notBreaching"})
    }

    fn log_group_fields(&self) -> Value {
        let mut fields = json!({});
        if let Some(days) = self.retention {
            fields["retentionInDays"] = json!(days);
        }
        if self.delete_logs {
            fields["deletionPolicy"] = json!("Delete");
        }
        fields
    }

    fn component(&self, part: &Part) -> Value {
        let mut container = json!({
            "name": part.name,
            "image": self.image(part),
            "environment": [{"name": "SETTING", "value": part.variable.to_string()}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": self.log_group(), "awslogs-region": REGION, "awslogs-stream-prefix": self.name}},
        });
        if let Some(rotation) = part.secret {
            let mut secret = json!({"name": "DATABASE_URL", "valueFrom": format!("{}:url::", self.secret())});
            if rotation == OnRotation::Ignore {
                secret["onRotation"] = json!("Ignore");
            }
            container["secrets"] = json!([secret]);
        }
        if part.is_balanced() {
            container["portMappings"] = json!([{"containerPort": part.way.port}]);
        }
        let definition = json!({
            "cpu": 256, "memory": 512,
            "executionRoleArn": "arn:aws:iam::123456789012:role/sim-execution",
            "containerDefinitions": [container],
        });
        let network = json!({"awsvpcConfiguration": {
            "subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}});
        let after: Vec<String> = part.after.iter().filter_map(|name| Some(self.part(name)?.key())).collect();
        let mut component = json!({"taskDefinition": definition, "dependsOn": after});
        let (word, workload) = match &part.kind {
            Kind::Task => (
                "task",
                json!({"launchType": "FARGATE", "networkConfiguration": network, "deadlineSeconds": 600}),
            ),
            Kind::Forever => {
                ("task", json!({"launchType": "FARGATE", "networkConfiguration": network, "run": "Forever"}))
            }
            Kind::Singleton => {
                let mut fields = json!({"launchType": "FARGATE", "networkConfiguration": network, "progressDeadlineSeconds": 600});
                if part.counted {
                    fields["desiredCount"] = json!(1);
                }
                ("singleton", fields)
            }
            Kind::Service(service) => ("service", self.service(part, service, &network)),
        };
        component[word] = workload;
        component
    }

    fn service(&self, part: &Part, service: &Service, network: &Value) -> Value {
        let mut fields = json!({
            "launchType": "FARGATE",
            "networkConfiguration": network,
            "progressDeadlineSeconds": 600,
            "bakeSeconds": service.bake,
            "deploymentConfiguration": {
                "minimumHealthyPercent": service.least, "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": service.breaker, "rollback": service.breaker}},
        });
        if let Some(count) = service.count {
            fields["desiredCount"] = json!(count);
        }
        if service.balanced {
            fields["loadBalancers"] = json!([{"targetGroup": part.target_group(), "containerName": part.name, "containerPort": part.way.port}]);
            fields["healthCheckGracePeriodSeconds"] = json!(30);
            fields["deploymentConfiguration"]["alarms"] =
                json!({"alarms": [part.key()], "enable": true, "rollback": service.breaker});
            shift::write(part, &mut fields);
        }
        fields
    }
}

impl Part {
    /// Its key in the document.
    pub fn key(&self) -> String {
        match self.renames {
            0 => self.name.to_owned(),
            number => format!("{}-r{number}", self.name),
        }
    }

    /// Key of its target group.
    pub fn target_group(&self) -> String {
        match self.way.group {
            0 => self.key(),
            number => format!("{}{number}", self.key()),
        }
    }

    /// Whether it stands behind a load balancer.
    pub fn is_balanced(&self) -> bool {
        matches!(&self.kind, Kind::Service(service) if service.balanced)
    }

    /// Whether it is a service in ECS.
    pub fn is_service(&self) -> bool {
        matches!(self.kind, Kind::Service(_) | Kind::Singleton)
    }

    /// Tasks that must run, when the document says how many.
    pub fn count(&self) -> Option<u32> {
        match &self.kind {
            Kind::Service(service) => service.count,
            Kind::Singleton => self.counted.then_some(1),
            Kind::Task | Kind::Forever => None,
        }
    }

    /// Whether its image cannot work: the simulation goes by the words in its tag.
    pub fn is_hopeless(&self) -> bool {
        let unhealthy = self.tag.contains("unhealthy") && self.is_balanced();
        unhealthy || self.tag.contains("crash") || self.tag.contains("unpullable")
    }
}

/// Whether an image can work: the simulation goes by the words in its tag.
pub fn can_work(image: &str) -> bool {
    !["crash", "unpullable", "unhealthy"].iter().any(|word| image.contains(word))
}

fn target_group(port: u16) -> Value {
    json!({"port": port, "vpcId": "vpc-0123456789abcdef0", "healthCheckPath": "/health",
        "healthCheckIntervalSeconds": 10, "attributes": {"deregistration_delay.timeout_seconds": "15"}})
}

fn rule(part: &Part) -> Value {
    json!({"listener": "http", "priority": part.way.priority,
        "conditions": [{"field": "path-pattern", "values": [format!("/{}/*", part.name)]}],
        "actions": shift::actions(part)})
}
