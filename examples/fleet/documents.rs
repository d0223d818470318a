//! The fleet: what is in AWS before it, and its documents.

use anyhow::Context;
use aws_sim::Sim;
use serde_json::{Value, json};
use std::path::Path;

const REGION: &str = "eu-west-1";
/// AWS allows a load balancer 100 rules.
const APPS_PER_LOAD_BALANCER: usize = 100;

/// Makes the cluster, the secrets and the load balancers; answers the ARNs of the listeners.
pub fn seed(sim: &Sim, apps: usize) -> anyhow::Result<Vec<String>> {
    let balancers: Vec<String> =
        (0..apps.div_ceil(APPS_PER_LOAD_BALANCER)).map(|number| format!("fleet-{number:02}")).collect();
    let listeners = json!([{"port": 80, "protocol": "HTTP"}]);
    let made = sim
        .seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": "fleet"}],
            "secrets": (0..apps).map(|app| json!({"name": format!("app-{app:04}/db"), "value": {"url": "mysql://"}})).collect::<Value>(),
            "loadBalancers": balancers.iter().map(|name| json!({"name": name, "listeners": listeners})).collect::<Value>(),
        }))
        .map_err(|error| anyhow::anyhow!("the simulation refuses the seed: {}", error.message))?;
    let arn = |name: &String| made["listeners"][format!("{name}:80")].as_str().map(str::to_owned);
    balancers.iter().map(arn).collect::<Option<_>>().context("a listener was not made")
}

/// Writes the documents, with images of this tag.
pub fn write(folder: &Path, listeners: &[String], apps: usize, tag: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for app in 0..apps {
        let listener = &listeners[app / APPS_PER_LOAD_BALANCER];
        let priority = app % APPS_PER_LOAD_BALANCER + 1;
        std::fs::write(folder.join(format!("app-{app:04}.yaml")), document(app, listener, priority, tag))?;
    }
    Ok(())
}

fn document(app: usize, listener: &str, priority: usize, tag: &str) -> String {
    format!(
        r#"apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {{name: app-{app:04}, labels: {{team: team-{team}}}}}
spec:
  placement: {{region: {REGION}, cluster: fleet}}
  logGroups:
    /fleet/app-{app:04}: {{retentionInDays: 30}}
  targetGroups:
    web:
      port: 8080
      vpcId: vpc-0a1b2c3d
      healthCheckPath: /health
      healthCheckIntervalSeconds: 10
      attributes: {{deregistration_delay.timeout_seconds: "15"}}
  rules:
    web:
      listenerArn: {listener}
      priority: {priority}
      conditions: [{{field: host-header, values: [app-{app:04}.example.com]}}]
      actions: [{{type: forward, targetGroup: web}}]
  components:
    web:
      taskDefinition:
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/fleet-execution
        taskRoleArn: arn:aws:iam::123456789012:role/fleet-task
        containerDefinitions:
          - name: web
            image: registry.example.com/app-{app:04}:{tag}
            portMappings: [{{containerPort: 8080}}]
            environment:
              - {{name: PORT, value: "8080"}}
              - {{name: LOG_LEVEL, value: info}}
              - {{name: BASE_URL, value: "https://app-{app:04}.example.com"}}
            secrets: [{{name: DATABASE_URL, valueFrom: "app-{app:04}/db:url::"}}]
            logConfiguration:
              logDriver: awslogs
              options:
                awslogs-group: /fleet/app-{app:04}
                awslogs-region: {REGION}
                awslogs-stream-prefix: web
      service:
        desiredCount: 1
        launchType: FARGATE
        networkConfiguration:
          awsvpcConfiguration: {{subnets: [subnet-0a1b2c3d, subnet-0e1f2a3b], securityGroups: [sg-0a1b2c3d]}}
        loadBalancers: [{{targetGroup: web, containerName: web, containerPort: 8080}}]
        healthCheckGracePeriodSeconds: 30
        deploymentConfiguration:
          deploymentCircuitBreaker: {{enable: true, rollback: true}}
"#,
        team = app % 20,
    )
}
