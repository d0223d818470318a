//! A small client: requests go through the whole wire layer of the simulation, without an SDK.

use std::time::Duration;

use aws_sim::{
    Sim,
    wire::{Request, Service},
};
use serde_json::{Value, json};

/// The region of all tests.
pub const REGION: &str = "eu-west-1";

/// A simulation and a cluster `prod` in it.
pub struct Bench {
    pub sim: Sim,
}

/// The error code and message of an answer.
pub type Refusal = (String, String);

pub fn bench(seed: u64) -> Bench {
    let sim = Sim::builder().seed(seed).build();
    sim.seed_world(&json!({"region": REGION, "clusters": ["prod"]})).unwrap();
    Bench { sim }
}

pub fn request(service: Service, operation: &str, body: String) -> Request {
    Request {
        region: REGION.to_owned(),
        service,
        protocol: service.protocols()[0],
        operation: operation.to_owned(),
        body: body.into_bytes(),
        access_key: None,
    }
}

/// Lets simulated time pass.
pub async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

impl Bench {
    pub async fn ecs(&self, operation: &str, input: Value) -> Result<Value, Refusal> {
        self.json(Service::Ecs, operation, input).await
    }

    pub async fn json(&self, service: Service, operation: &str, input: Value) -> Result<Value, Refusal> {
        let response = self.sim.exchange(request(service, operation, input.to_string())).await;
        let response = response.map_err(|broken| ("Broken".to_owned(), broken.to_string()))?;
        let value: Value = serde_json::from_slice(&response.body).unwrap();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        if response.status == 200 { Ok(value) } else { Err((text("__type"), text("message"))) }
    }

    /// Registers a Fargate definition of one container and answers its ARN.
    pub async fn define(&self, family: &str, image: &str) -> String {
        let input = json!({"family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
            "memory": "512", "containerDefinitions": [{"name": "app", "image": image, "portMappings": [{"containerPort": 80}]}]});
        let answer = self.ecs("RegisterTaskDefinition", input).await.unwrap();
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned()
    }

    /// Creates a Fargate service; `more` is added to the request.
    pub async fn create(&self, name: &str, definition: &str, count: u32, more: Value) -> Value {
        let mut input = json!({"cluster": "prod", "serviceName": name, "taskDefinition": definition, "desiredCount": count,
            "launchType": "FARGATE", "networkConfiguration": network()});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ecs("CreateService", input).await.unwrap()["service"].clone()
    }

    pub async fn update(&self, name: &str, more: Value) -> Result<Value, Refusal> {
        let mut input = json!({"cluster": "prod", "service": name});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Ok(self.ecs("UpdateService", input).await?["service"].clone())
    }

    pub async fn show(&self, name: &str) -> Value {
        let input = json!({"cluster": "prod", "services": [name], "include": ["TAGS"]});
        self.ecs("DescribeServices", input).await.unwrap()["services"][0].clone()
    }

    /// Waits until a service is as wanted, or panics after so many simulated seconds.
    pub async fn until(&self, name: &str, seconds: u64, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..=seconds {
            let service = self.show(name).await;
            if wanted(&service) {
                return service;
            }
            pass(1).await;
        }
        panic!("not so after {seconds} s: {:#}", self.show(name).await);
    }

    pub async fn steady(&self, name: &str) -> Value {
        self.until(name, 900, |service| rollout(service) == "COMPLETED" && is_steady(service)).await
    }

    pub async fn task(&self, arn: &Value) -> Value {
        self.ecs("DescribeTasks", json!({"cluster": "prod", "tasks": [arn]})).await.unwrap()["tasks"][0]
            .clone()
    }

    /// A target group behind a listener, and its ARN.
    pub fn target_group(&self, name: &str) -> String {
        let seed =
            json!({"region": REGION, "loadBalancers": [{"name": "main", "listeners": [{"port": 80}]}]});
        let made = self.sim.seed_world(&seed).unwrap();
        let listener = made["listeners"]["main:80"].as_str().unwrap().to_owned();
        let balancer = |operation: &str, input: Value| {
            self.sim.with(|world| world.edit(REGION, Service::Elbv2, operation, &input)).unwrap()
        };
        let group = balancer(
            "CreateTargetGroup",
            json!({"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1",
            "TargetType": "ip", "HealthCheckIntervalSeconds": 10, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2}),
        );
        let arn = group["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap().to_owned();
        balancer(
            "ModifyTargetGroupAttributes",
            json!({"TargetGroupArn": arn,
            "Attributes.member.1.Key": "deregistration_delay.timeout_seconds", "Attributes.member.1.Value": "20"}),
        );
        balancer(
            "CreateRule",
            json!({"ListenerArn": listener, "Priority": name.len(),
            "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": format!("/{name}"),
            "Actions.member.1.Type": "forward", "Actions.member.1.TargetGroupArn": arn}),
        );
        arn
    }

    pub fn target_states(&self, group: &str) -> Vec<String> {
        let input = json!({ "TargetGroupArn": group });
        let answer = self
            .sim
            .with(|world| world.edit(REGION, Service::Elbv2, "DescribeTargetHealth", &input))
            .unwrap();
        let list = answer["TargetHealthDescriptions"].as_array().cloned().unwrap_or_default();
        list.iter().map(|each| each["TargetHealth"]["State"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"]}})
}

pub fn rollout(service: &Value) -> &str {
    service["deployments"][0]["rolloutState"].as_str().unwrap_or_default()
}

pub fn is_steady(service: &Value) -> bool {
    service["events"][0]["message"].as_str().is_some_and(|text| text.contains("has reached a steady state"))
}

pub fn events(service: &Value) -> Vec<String> {
    let list = service["events"].as_array().cloned().unwrap_or_default();
    list.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// A number that a service shows.
pub fn count(service: &Value, name: &str) -> u64 {
    service[name].as_u64().unwrap()
}

/// The newest deployment of the service `web`, in full.
pub async fn newest(bench: &Bench) -> Value {
    let all =
        bench.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await.unwrap();
    let input = json!({"serviceDeploymentArns": [all["serviceDeployments"][0]["serviceDeploymentArn"]]});
    bench.ecs("DescribeServiceDeployments", input).await.unwrap()["serviceDeployments"][0].clone()
}
