//! The documents in which the specimens stand: each on a resource of its own, and once more on a
//! twin that does not name the field.

use super::rules::ManualChange;
use super::specimens::Specimen;
use evenkeel::desired::lower;
use evenkeel::model::finding::Finding;
use evenkeel::model::ids::Generation;
use evenkeel::model::kinds::Document;
use evenkeel::model::resource::{ResourceId, ResourceKind};
use serde_json::{Map, Value, json};

/// Certificate of listeners that need one.
const CERTIFICATE: &str =
    "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-4000-8000-000000000001";

/// A resource that one specimen stands on.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its id.
    pub id: ResourceId,
    /// Whether the document names the field.
    pub named: bool,
    /// Number of the specimen.
    pub number: usize,
}

/// Several specimens in one document.
pub struct Declared {
    /// The deployment's name.
    pub name: &'static str,
    pub specimens: Vec<Specimen>,
    /// All resources with a specimen on them: the twin is missing when a document without the field
    /// is refused.
    pub subjects: Vec<Subject>,
    /// What the document's `spec.drift` says.
    pub drift: Value,
}

impl Declared {
    /// The specimens, each on its resources.
    pub fn new(name: &'static str, specimens: Vec<Specimen>) -> Self {
        let mut declared = Self { name, specimens, subjects: Vec::new(), drift: json!({}) };
        for number in 0..declared.specimens.len() {
            for named in [true, false] {
                let subject = Subject { id: declared.id(number, named), named, number };
                let alone = Self {
                    subjects: vec![subject.clone()],
                    specimens: Vec::new(),
                    ..declared.with(json!({}))
                };
                let errors = errors(&alone.text_of(&declared.specimens));
                assert!(!named || errors.is_empty(), "{}: {errors:?}", subject.id);
                if errors.is_empty() {
                    declared.subjects.push(subject);
                }
            }
        }
        declared
    }

    /// The same document with another drift policy, without its specimens.
    fn with(&self, drift: Value) -> Self {
        Self { name: self.name, specimens: Vec::new(), subjects: self.subjects.clone(), drift }
    }

    fn id(&self, number: usize, named: bool) -> ResourceId {
        let word = if named { "named" } else { "unnamed" };
        let kind = self.specimens[number].row.kind;
        let key = match kind {
            ResourceKind::LogGroup => format!("/matrix/{word}-{number}"),
            _ => format!("{word}-{number}"),
        };
        ResourceId::new(kind, key)
    }

    /// The document.
    pub fn text(&self) -> String {
        self.text_of(&self.specimens).to_string()
    }

    fn text_of(&self, specimens: &[Specimen]) -> Value {
        let mut spec = surroundings();
        spec["drift"] = self.drift.clone();
        for subject in &self.subjects {
            let specimen = &specimens[subject.number];
            let mut part = base(specimen.base, subject);
            let field = match specimen.row.kind {
                ResourceKind::Service => format!("service.{}", specimen.row.path),
                _ => specimen.row.path.to_owned(),
            };
            let cut = match specimen.row.kind {
                ResourceKind::Service => format!("service.{}", specimen.cut),
                _ => specimen.cut.to_owned(),
            };
            match subject.named {
                // What no document names: tags of all, and what the rollout writes.
                _ if specimen.named.is_null() => {}
                true => put(&mut part, &field, specimen.named.clone()),
                false => put(&mut part, &cut, Value::Null),
            }
            let members = match specimen.row.kind {
                ResourceKind::LogGroup => "logGroups",
                ResourceKind::TargetGroup => "targetGroups",
                ResourceKind::Listener => "listeners",
                ResourceKind::Rule => "rules",
                ResourceKind::Alarm => "alarms",
                _ => "components",
            };
            spec[members][&subject.id.key] = part;
        }
        json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": {"name": self.name}, "spec": spec})
    }

    /// The drift entry that covers all that the change of a specimen's field touches.
    pub fn policy_path(&self, number: usize) -> String {
        let specimen = &self.specimens[number];
        let given = specimen.changes[&ManualChange::Changed][0].0;
        let path = if given.is_empty() || specimen.row.kind != ResourceKind::Service {
            specimen.row.path
        } else {
            given
        };
        format!("{}.{path}", self.id(number, true))
    }
}

/// What keeps a document from being used.
pub fn errors(document: &Value) -> Vec<Finding> {
    let document: Document = serde_json::from_value(document.clone()).unwrap();
    lower(&document, Generation(1)).1.into_iter().filter(Finding::is_error).collect()
}

/// What all documents hold besides their specimens.
fn surroundings() -> Value {
    let group = json!({"port": 8080, "vpcId": "vpc-0123456789abcdef0"});
    let forward: Vec<Value> = ["a", "b", "c"].iter().map(|key| json!({"targetGroup": key})).collect();
    let answer = json!([{"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404"}}]);
    json!({
        "placement": {"region": "eu-west-1", "cluster": "matrix"},
        "tags": {"team": "shop"},
        "targetGroups": {"a": group, "b": group, "c": group,
            "net": {"port": 5432, "vpcId": "vpc-0123456789abcdef0", "protocol": "TCP"}},
        "listeners": {
            "front": {"loadBalancer": "matrix", "port": 80, "protocol": "HTTP", "defaultActions": answer},
        },
        "rules": {"front": {"listener": "front", "priority": 1,
            "conditions": [{"field": "path-pattern", "values": ["/front"]}],
            "actions": [{"type": "forward", "targetGroups": forward}]},
            // ECS rewrites it.
            "shifted": {"listener": "front", "priority": 2,
            "conditions": [{"field": "path-pattern", "values": ["/shifted"]}],
            "actions": [{"type": "forward", "targetGroups": forward[..2]}]}},
        "components": {"idle": component(json!({"networkMode": "awsvpc"}), json!({"networkConfiguration": network()}))},
    })
}

/// Where tasks in network mode `awsvpc` run.
pub fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}})
}

/// A component whose service wants no task.
pub fn component(definition: Value, service: Value) -> Value {
    let mut part = json!({
        "taskDefinition": {
            "cpu": 256, "memory": 512,
            "executionRoleArn": "arn:aws:iam::123456789012:role/matrix-execution",
            "taskRoleArn": "arn:aws:iam::123456789012:role/matrix",
            "containerDefinitions": [{"name": "app", "image": "registry.example.com/app:1.0", "portMappings": [{"containerPort": 8080}]}],
        },
        "service": {"desiredCount": 0},
    });
    merge(&mut part["taskDefinition"], definition);
    merge(&mut part["service"], service);
    part
}

fn merge(into: &mut Value, members: Value) {
    let (Value::Object(into), Value::Object(members)) = (into, members) else { panic!("two objects") };
    into.extend(members);
}

fn base(name: &str, subject: &Subject) -> Value {
    let number = subject.number;
    let place = 2 * number + usize::from(subject.named);
    let answer = json!([{"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404"}}]);
    match name {
        "log group" => json!({}),
        "target group" => json!({"port": 8080, "vpcId": "vpc-0123456789abcdef0"}),
        "grpc target group" => {
            json!({"port": 8080, "vpcId": "vpc-0123456789abcdef0", "protocolVersion": "GRPC"})
        }
        "http listener" => {
            json!({"loadBalancer": "matrix", "port": 9000 + place, "protocol": "HTTP", "defaultActions": answer})
        }
        "https listener" => json!({"loadBalancer": "matrix", "port": 9000 + place, "protocol": "HTTPS",
            "certificates": [{"certificateArn": CERTIFICATE}], "defaultActions": answer}),
        "tls listener" => json!({"loadBalancer": "matrix-net", "port": 9000 + place, "protocol": "TLS",
            "certificates": [{"certificateArn": CERTIFICATE}], "defaultActions": [{"type": "forward", "targetGroup": "net"}]}),
        "alarm" => {
            json!({"namespace": "AWS/ECS", "metricName": "CPUUtilization", "statistic": "Average", "period": 60,
            "evaluationPeriods": 3, "comparisonOperator": "GreaterThanThreshold", "threshold": 80})
        }
        "percentile alarm" => json!({"namespace": "AWS/ApplicationELB", "metricName": "TargetResponseTime",
            "extendedStatistic": "p90", "period": 60, "evaluationPeriods": 3,
            "comparisonOperator": "GreaterThanThreshold", "threshold": 2}),
        "math alarm" => {
            json!({"evaluationPeriods": 1, "comparisonOperator": "GreaterThanThreshold", "threshold": 5})
        }
        "band alarm" => {
            json!({"evaluationPeriods": 1, "comparisonOperator": "GreaterThanUpperThreshold", "metrics": [
            {"id": "band", "expression": "ANOMALY_DETECTION_BAND(m, 2)"},
            {"id": "m", "metricStat": {"metric": {"namespace": "AWS/ECS", "metricName": "CPUUtilization"},
                "period": 60, "stat": "Average"}}]})
        }
        "promql alarm" => {
            json!({"evaluationCriteria": {"promQLCriteria": {"query": "up < 1"}}, "evaluationInterval": 30})
        }
        "rule" => json!({"listener": "front", "priority": 100 + place,
            "conditions": [{"field": "path-pattern", "values": [format!("/{place}")]}], "actions": answer}),
        _ => service(name),
    }
}

fn service(name: &str) -> Value {
    let fargate = |service: Value| {
        let mut members = json!({"networkConfiguration": network()});
        merge(&mut members, service);
        component(json!({}), members)
    };
    let balancer = json!({"targetGroup": "a", "containerName": "app", "containerPort": 8080});
    let mut shifted = balancer.clone();
    shifted["advancedConfiguration"] = json!({"alternateTargetGroupArn": "b", "productionListenerRule": "shifted",
        "roleArn": "arn:aws:iam::123456789012:role/matrix-shift"});
    let shifting = |strategy: &str| {
        fargate(
            json!({"loadBalancers": [shifted.clone()], "deploymentConfiguration": {"strategy": strategy}}),
        )
    };
    match name {
        "plain" => fargate(json!({})),
        "provided" => fargate(json!({})),
        "balanced" => fargate(json!({"loadBalancers": [balancer]})),
        "breaker" => fargate(
            json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}}}),
        ),
        "alarmed" => fargate(json!({"deploymentConfiguration":
            {"alarms": {"alarmNames": ["errors", "latency"], "enable": true, "rollback": true}}})),
        "shifting" => shifting("ROLLING"),
        "linear" => shifting("LINEAR"),
        "canary" => shifting("CANARY"),
        "early" => {
            fargate(json!({"deploymentConfiguration": {"minimumHealthyPercent": 50, "earlySuccessCriteria":
            {"enable": true, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING"}}}))
        }
        "connected" => {
            let ports: Vec<Value> = [("http", 8080), ("admin", 8081)]
                .iter()
                .map(|(name, port)| json!({"name": name, "containerPort": port, "appProtocol": "http"}))
                .collect();
            let mut part = fargate(json!({}));
            part["taskDefinition"]["containerDefinitions"][0]["portMappings"] = json!(ports);
            part
        }
        "stored" => {
            let mut part = fargate(json!({}));
            part["taskDefinition"]["volumes"] = json!([{"name": "data", "configuredAtLaunch": true}]);
            part
        }
        "instances" => component(json!({"networkMode": "bridge"}), json!({"launchType": "EC2"})),
        "daemon" => {
            component(json!({"networkMode": "bridge"}), json!({"launchType": "EC2", "desiredCount": null}))
        }
        other => panic!("there is no base {other}"),
    }
}

/// Puts a value at a dotted path; null takes away what stands there.
pub fn put(tree: &mut Value, path: &str, value: Value) {
    let mut here = tree;
    let mut segments: Vec<&str> = path.split('.').collect();
    let last = segments.pop().unwrap();
    for segment in segments {
        if value.is_null() && here.get(segment).is_none() {
            return;
        }
        if here.get(segment).is_none() {
            here[segment] = Value::Object(Map::new());
        }
        here = here.get_mut(segment).unwrap();
    }
    match (value, here.as_object_mut()) {
        (Value::Null, Some(members)) => {
            members.remove(last);
        }
        (value, _) => here[last] = value,
    }
}

impl Declared {
    /// What is known of the place of a specimen's field.
    pub fn cardinality(&self, number: usize) -> super::rules::Cardinality {
        let twin = self.subjects.iter().any(|subject| subject.number == number && !subject.named);
        super::rules::Cardinality { required: !twin, many: self.specimens[number].is_many() }
    }

    /// The resource of a specimen.
    pub fn subject(&self, number: usize, named: bool) -> Subject {
        let found = self.subjects.iter().find(|subject| subject.number == number && subject.named == named);
        found.unwrap_or_else(|| panic!("specimen {number} has no such resource")).clone()
    }
}
