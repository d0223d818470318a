//! The fixed defaults of AWS, written out. Sources: ECS API, CreateService and RunTask; Elastic
//! Load Balancing v2 API, CreateTargetGroup, CreateListener and CreateRule.
//!
//! A default that depends on how a resource came to be (`availabilityZoneRebalancing`) or on the
//! account is not filled in: what is absent here is left as it is in AWS.

use super::fields::{Fields, each, object};
use crate::model::kinds::load_balancing::{Listener, ListenerAction, Rule, RuleCondition, TargetGroup};
use crate::model::kinds::service::{CapacityProviderStrategyItem, NetworkConfiguration, Service};
use crate::model::kinds::{Component, TaskWorkload};
use crate::model::resource::Tree;
use serde::Serialize;
use serde_json::json;

/// What tasks run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capacity {
    Fargate,
    Instances,
    External,
}

impl Capacity {
    /// From launch type and strategy; neither means Fargate.
    pub(super) fn of(launch_type: Option<&str>, strategy: &[CapacityProviderStrategyItem]) -> Self {
        match launch_type {
            Some("EC2") => Self::Instances,
            Some("EXTERNAL") => Self::External,
            None if strategy.iter().any(|item| !is_fargate_provider(&item.capacity_provider)) => {
                Self::Instances
            }
            _ => Self::Fargate,
        }
    }

    /// Of a component, whatever its workload.
    pub(super) fn of_component(component: &Component) -> Self {
        let service = component.service.as_ref().or(component.singleton.as_ref());
        match (service, &component.task) {
            (Some(service), _) => {
                Self::of(service.launch_type.as_deref(), &service.capacity_provider_strategy)
            }
            (None, Some(task)) => Self::of(task.launch_type.as_deref(), &task.capacity_provider_strategy),
            (None, None) => Self::Fargate,
        }
    }

    /// The word in `requiresCompatibilities` and `launchType`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fargate => "FARGATE",
            Self::Instances => "EC2",
            Self::External => "EXTERNAL",
        }
    }
}

/// Whether a capacity provider is one of the two that every account has for Fargate.
pub(super) fn is_fargate_provider(name: &str) -> bool {
    matches!(name, "FARGATE" | "FARGATE_SPOT")
}

/// The fields of a target group; `name` is its final name.
pub(super) fn target_group(name: String, group: &TargetGroup) -> Tree {
    let protocol = group.protocol.clone().unwrap_or_else(|| "HTTP".to_owned());
    let http = matches!(protocol.as_str(), "HTTP" | "HTTPS");
    let check = group.health_check_protocol.clone().unwrap_or_else(|| match protocol.as_str() {
        "HTTP" | "HTTPS" => protocol.clone(),
        _ => "TCP".to_owned(),
    });
    let http_check = matches!(check.as_str(), "HTTP" | "HTTPS");
    let grpc = group.protocol_version.as_deref() == Some("GRPC");
    let mut fields = fields_of(group);
    fields.insert("name".to_owned(), name.into());
    fill(&mut fields, "protocol", protocol);
    fill(&mut fields, "targetType", "ip");
    if http {
        fill(&mut fields, "protocolVersion", "HTTP1");
    }
    if http_check {
        fill(&mut fields, "healthCheckPath", if grpc { "/AWS.ALB/healthcheck" } else { "/" });
        let matcher = match (grpc, http) {
            (true, _) => json!({"grpcCode": "12"}),
            (false, true) => json!({"httpCode": "200"}),
            (false, false) => json!({"httpCode": "200-399"}),
        };
        fill(&mut fields, "matcher", matcher);
    }
    let timeout = match (http, check.as_str()) {
        (true, _) => 5,
        (false, "HTTP") => 6,
        (false, _) => 10,
    };
    fill(&mut fields, "healthCheckProtocol", check);
    fill(&mut fields, "healthCheckPort", "traffic-port");
    fill(&mut fields, "healthCheckIntervalSeconds", 30);
    fill(&mut fields, "healthCheckTimeoutSeconds", timeout);
    fill(&mut fields, "healthyThresholdCount", 5);
    fill(&mut fields, "unhealthyThresholdCount", 2);
    fill(&mut fields, "attributes", json!({}));
    Tree::Object(fields)
}

/// The fields of a listener, its load balancer still as declared. The security policy is not filled
/// in: the console's default is stricter than the API's, and a person who raises it by hand must
/// not have it lowered again.
pub(super) fn listener(listener: &Listener) -> Tree {
    let mut fields = fields_of(listener);
    let actions: Vec<Tree> = listener.default_actions.iter().map(action).collect();
    fields.insert("defaultActions".to_owned(), actions.into());
    Tree::Object(fields)
}

/// The fields of a rule, its listener and target groups still by key.
pub(super) fn rule(rule: &Rule) -> Tree {
    let mut fields = fields_of(rule);
    let mut conditions: Vec<Tree> = rule.conditions.iter().map(condition).collect();
    conditions.sort_by_cached_key(|condition| (condition["field"].to_string(), condition.to_string()));
    fields.insert("conditions".to_owned(), conditions.into());
    fields.insert("actions".to_owned(), rule.actions.iter().map(action).collect::<Vec<_>>().into());
    Tree::Object(fields)
}

/// The one form of a condition: values sorted, each once.
fn condition(condition: &RuleCondition) -> Tree {
    let mut condition = condition.clone();
    sort_unique(&mut condition.values);
    if let Some(header) = &mut condition.http_header_config {
        sort_unique(&mut header.values);
    }
    if let Some(query) = &mut condition.query_string_config {
        query.values.sort_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
        query.values.dedup();
    }
    Tree::Object(fields_of(&condition))
}

fn sort_unique(values: &mut Vec<String>) {
    values.sort();
    values.dedup();
}

/// The one form of an action: `forward` always with `targetGroups` and weights, a redirect with its
/// placeholders written out.
fn action(action: &ListenerAction) -> Tree {
    let mut fields = fields_of(action);
    fields.remove("targetGroup");
    if action.kind == "forward" {
        let mut groups: Vec<Tree> = action
            .target_group
            .iter()
            .map(|key| json!({"targetGroup": key, "weight": 1}))
            .chain(action.target_groups.iter().map(|group| {
                let mut fields = fields_of(group);
                fill(&mut fields, "weight", 1);
                Tree::Object(fields)
            }))
            .collect();
        groups.sort_by_cached_key(|group| {
            (group["targetGroup"].to_string(), group["targetGroupArn"].to_string())
        });
        fields.insert("targetGroups".to_owned(), groups.into());
    }
    if let Some(redirect) = object(&mut fields, "redirectConfig") {
        for (key, placeholder) in [
            ("protocol", "#{protocol}"),
            ("port", "#{port}"),
            ("host", "#{host}"),
            ("path", "/#{path}"),
            ("query", "#{query}"),
        ] {
            fill(redirect, key, placeholder);
        }
    }
    Tree::Object(fields)
}

/// The fields of a service as CreateService takes them, its target groups still by key. A singleton
/// is a service that is recreated: minimum 0 %, maximum 100 %.
pub(super) fn service(service: &Service, singleton: bool) -> Tree {
    let mut fields = fields_of(service);
    for ours in ["serviceName", "autoscaling", "bakeSeconds", "progressDeadlineSeconds"] {
        fields.remove(ours);
    }
    let daemon = service.scheduling_strategy.as_deref() == Some("DAEMON");
    if service.autoscaling.is_some() || daemon {
        fields.remove("desiredCount");
    }
    launch(&mut fields, service.network_configuration.as_ref());
    fill(&mut fields, "schedulingStrategy", "REPLICA");
    for list in ["loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy"] {
        fill(&mut fields, list, json!([]));
    }
    for set in ["loadBalancers", "serviceRegistries", "placementConstraints"] {
        sort(&mut fields, set);
    }
    fill(&mut fields, "enableExecuteCommand", false);
    fill(&mut fields, "enableECSManagedTags", false);
    fill(&mut fields, "propagateTags", "NONE");
    if !service.load_balancers.is_empty() {
        // Without a load balancer ECS refuses the field itself, whatever its value.
        fill(&mut fields, "healthCheckGracePeriodSeconds", 0);
    }
    let (minimum, maximum) = if singleton || daemon { (0, 100) } else { (100, 200) };
    let mut deployment = service.deployment_configuration.as_ref().map(fields_of).unwrap_or_default();
    fill_deployment(&mut deployment, minimum, maximum);
    fields.insert("deploymentConfiguration".to_owned(), Tree::Object(deployment));
    Tree::Object(fields)
}

fn fill_deployment(fields: &mut Fields, minimum: u32, maximum: u32) {
    fill(fields, "minimumHealthyPercent", minimum);
    fill(fields, "maximumPercent", maximum);
    fill(fields, "deploymentCircuitBreaker", json!({"enable": false, "rollback": false}));
    fill(fields, "strategy", "ROLLING");
    if let Some(linear) = object(fields, "linearConfiguration") {
        fill(linear, "stepPercent", 10.0);
        fill(linear, "stepBakeTimeInMinutes", 6);
    }
    if let Some(canary) = object(fields, "canaryConfiguration") {
        fill(canary, "canaryPercent", 5.0);
        fill(canary, "canaryBakeTimeInMinutes", 10);
    }
    if let Some(alarms) = object(fields, "alarms") {
        sort(alarms, "alarmNames");
    }
}

/// The fields of RunTask.
pub(super) fn task(task: &TaskWorkload) -> Tree {
    let mut fields = fields_of(task);
    for ours in ["deadlineSeconds", "retries", "run"] {
        fields.remove(ours);
    }
    launch(&mut fields, task.network_configuration.as_ref());
    fill(&mut fields, "enableExecuteCommand", false);
    Tree::Object(fields)
}

/// Launch type, strategy, platform version and network, which services and tasks have in common.
fn launch(fields: &mut Fields, network: Option<&NetworkConfiguration>) {
    let strategy: Vec<CapacityProviderStrategyItem> = fields
        .get("capacityProviderStrategy")
        .map(|items| serde_json::from_value(items.clone()).expect("it was just written from that type"))
        .unwrap_or_default();
    let capacity = Capacity::of(fields.get("launchType").and_then(Tree::as_str), &strategy);
    if strategy.is_empty() {
        fill(fields, "launchType", capacity.as_str());
    }
    each(fields, "capacityProviderStrategy", |item| {
        fill(item, "base", 0);
        fill(item, "weight", 0);
    });
    sort(fields, "capacityProviderStrategy");
    if capacity == Capacity::Fargate {
        fill(fields, "platformVersion", "LATEST");
    }
    if let Some(vpc) = network.and_then(|network| network.awsvpc_configuration.as_ref()) {
        let mut vpc = fields_of(vpc);
        fill(&mut vpc, "assignPublicIp", "DISABLED");
        sort(&mut vpc, "subnets");
        sort(&mut vpc, "securityGroups");
        fields.insert("networkConfiguration".to_owned(), json!({"awsvpcConfiguration": vpc}));
    } else {
        fields.remove("networkConfiguration");
    }
}

/// A typed part of a document as fields.
pub(super) fn fields_of(part: &impl Serialize) -> Fields {
    match serde_json::to_value(part).expect("declared parts have only text keys and finite numbers") {
        Tree::Object(fields) => fields,
        other => unreachable!("a struct became {other}"),
    }
}

fn fill(fields: &mut Fields, key: &str, default: impl Into<Tree>) {
    fields.entry(key).or_insert_with(|| default.into());
}

/// Sorts a list whose order means nothing to AWS.
fn sort(fields: &mut Fields, key: &str) {
    if let Some(items) = fields.get_mut(key).and_then(Tree::as_array_mut) {
        items.sort_by_cached_key(crate::model::canonical::canonical_json);
    }
}
