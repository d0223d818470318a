//! Make before break: what is replaced serves until its successor does.

use crate::support::Fixture;
use aws_sim::Sim;
use serde_json::{Value, json};

const SHOP: &str = r#"apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  placement: {region: eu-west-1, cluster: shop}
  targetGroups:
    web: {port: 8080, protocol: HTTP, vpcId: vpc-1, targetType: ip, healthCheckPath: /, healthCheckIntervalSeconds: 10, healthyThresholdCount: 2, attributes: {deregistration_delay.timeout_seconds: "10"}}
  listeners:
    http: {loadBalancer: shop, port: 80, protocol: HTTP, defaultActions: [{type: fixed-response, fixedResponseConfig: {statusCode: "404"}}]}
  rules:
    web: {listener: http, priority: 10, conditions: [{field: path-pattern, values: ["/*"]}], actions: [{type: forward, targetGroup: web}]}
  components:
    web:
      type: service
      serviceName: shop-old
      desiredCount: 2
      networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-a], securityGroups: [sg-a]}}
      taskDefinition:
        cpu: "256"
        memory: "512"
        containerDefinitions: [{name: web, image: "registry.example.com/shop:1.0", portMappings: [{containerPort: 8080}]}]
      loadBalancers: [{targetGroup: web, containerName: web, containerPort: 8080}]
"#;
