//! The speed of the simulation with a thousand services: `cargo run --release -p aws-sim --example
//! speed`.
//!
//! Prints what a DescribeServices of ten services costs through the whole wire layer, when much has
//! happened and when nothing has, and what an idle hour of the world costs.

use aws_sim::Sim;
use aws_sim::wire::{Request, Service};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Services in the world.
const SERVICES: usize = 1000;
/// Services that one call describes; AWS's limit.
const PER_CALL: usize = 10;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let sim = Sim::builder().seed(1).build();
    sim.seed_world(&json!({"clusters": ["prod"]})).expect("an empty world takes a cluster");
    let container = json!({"name": "app", "image": "app:1", "essential": true});
    let definition = json!({"family": "app", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [container]});
    call(&sim, "RegisterTaskDefinition", &definition).await;
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}});
    let started = real_time();
    for number in 0..SERVICES {
        let service = json!({"cluster": "prod", "serviceName": name(number), "taskDefinition": "app", "desiredCount": 1,
            "launchType": "FARGATE", "networkConfiguration": network});
        call(&sim, "CreateService", &service).await;
    }
    println!("{SERVICES} services made: {:?}", started.elapsed());
    tokio::time::advance(Duration::from_secs(120)).await;
    for what in ["first reads", "later reads"] {
        let started = real_time();
        for from in (0..SERVICES).step_by(PER_CALL) {
            let names: Vec<String> = (from..from + PER_CALL).map(name).collect();
            call(
                &sim,
                "DescribeServices",
                &json!({"cluster": "prod", "services": names, "include": ["TAGS"]}),
            )
            .await;
        }
        let calls = u32::try_from(SERVICES / PER_CALL).expect("a small number");
        println!("{what}: {:?} per call of {PER_CALL} services", started.elapsed() / calls);
    }
    let started = real_time();
    tokio::time::advance(Duration::from_secs(3600)).await;
    call(&sim, "DescribeServices", &json!({"cluster": "prod", "services": [name(0)]})).await;
    println!("an idle hour: {:?}", started.elapsed());
}

fn name(number: usize) -> String {
    format!("s{number:04}")
}

async fn call(sim: &Sim, operation: &str, input: &Value) {
    let request = Request {
        region: "us-east-1".to_owned(),
        service: Service::Ecs,
        protocol: Service::Ecs.protocols()[0],
        operation: operation.to_owned(),
        body: input.to_string().into_bytes(),
        access_key: None,
    };
    let response = sim.exchange(request).await.expect("no fault was asked for");
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
}

#[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
fn real_time() -> Instant {
    Instant::now()
}
