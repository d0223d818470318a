//! The fixed defaults of AWS for what runs, written out. Source: ECS API, CreateService, RunTask.
//!
//! A default that depends on how a resource came to be (`availabilityZoneRebalancing`) or on the
//! account is not filled in: what is absent here is left as it is in AWS. So it is with the launch
//! type of a service: a new one without it and without a strategy runs on Fargate, one that is
//! there stays on what it is on.

use super::fields::{Fields, each, fields_of, fill, object, sort};
use super::rebalancing;
use crate::model::kinds::service::{CapacityProviderStrategyItem, NetworkConfiguration, Service};
use crate::model::kinds::{Component, TaskWorkload};
use crate::model::resource::Tree;
use serde_json::json;

/// What tasks run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capacity {
    Fargate,
    Instances,
    /// Instances that AWS looks after; reached by a capacity provider alone. Source: ECS API,
    /// LaunchType.
    ManagedInstances,
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
    ///
    /// A provider's name does not tell of what sort it is: that it is one of Managed Instances is
    /// said by the task definition's `requiresCompatibilities`.
    pub(super) fn of_component(component: &Component) -> Self {
        let words = &component.task_definition.requires_compatibilities;
        let has = |word: &str| words.iter().any(|own| own == word);
        match Self::of_workload(component) {
            (Self::Instances, true) if has("MANAGED_INSTANCES") && !has("EC2") => Self::ManagedInstances,
            (capacity, _) => capacity,
        }
    }

    /// By the workload alone, and whether a strategy says it.
    fn of_workload(component: &Component) -> (Self, bool) {
        let service = component.service.as_ref().or(component.singleton.as_ref());
        let (launch_type, strategy) = match (service, &component.task) {
            (Some(service), _) => (&service.launch_type, &service.capacity_provider_strategy),
            (None, Some(task)) => (&task.launch_type, &task.capacity_provider_strategy),
            (None, None) => return (Self::Fargate, false),
        };
        (Self::of(launch_type.as_deref(), strategy), !strategy.is_empty())
    }

    /// The word in `requiresCompatibilities` and `launchType`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fargate => "FARGATE",
            Self::Instances => "EC2",
            Self::ManagedInstances => "MANAGED_INSTANCES",
            Self::External => "EXTERNAL",
        }
    }
}

/// Whether a capacity provider is one of the two that every account has for Fargate.
pub(super) fn is_fargate_provider(name: &str) -> bool {
    matches!(name, "FARGATE" | "FARGATE_SPOT")
}

/// The network mode of a component's tasks; `None` where ECS's own default holds, which follows
/// from the instances: bridge on Linux, NAT on Windows. Whoever declares an `awsvpcConfiguration`
/// says `awsvpc` by that; Fargate knows no other.
///
/// Source: ECS API, RegisterTaskDefinition, networkMode. That Managed Instances, which know awsvpc
/// and host, get awsvpc is our own choice.
pub(super) fn network_mode(component: &Component) -> Option<&str> {
    let definition = &component.task_definition;
    let service = component.service.as_ref().or(component.singleton.as_ref());
    let of_task = component.task.as_ref().and_then(|task| task.network_configuration.as_ref());
    let network = service.and_then(|service| service.network_configuration.as_ref()).or(of_task);
    let capacity = Capacity::of_component(component);
    let awsvpc = matches!(capacity, Capacity::Fargate | Capacity::ManagedInstances)
        || definition.requires_compatibilities.iter().any(|word| word == "FARGATE")
        || network.is_some_and(|network| network.awsvpc_configuration.is_some());
    definition.network_mode.as_deref().or(awsvpc.then_some("awsvpc"))
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
        // ECS refuses the field, whatever its value, where nothing uses it: without a load balancer
        // it is left out, also of the update that takes the last one away.
        fill(&mut fields, "healthCheckGracePeriodSeconds", 0);
    }
    let (minimum, maximum) = if singleton || daemon { (0, 100) } else { (100, 200) };
    let mut deployment = service.deployment_configuration.as_ref().map(fields_of).unwrap_or_default();
    fill_deployment(&mut deployment, minimum, maximum);
    fields.insert("deploymentConfiguration".to_owned(), Tree::Object(deployment));
    let maximum = fields["deploymentConfiguration"]["maximumPercent"].as_i64().unwrap_or_default();
    if rebalancing::trouble(service, i32::try_from(maximum).unwrap_or(i32::MAX)).is_some() {
        // Else ECS refuses the change that makes it so of a service that has it on.
        fill(&mut fields, "availabilityZoneRebalancing", "DISABLED");
    }
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
    if fields.get("capacityProviderStrategy").is_none() {
        fill(&mut fields, "launchType", Capacity::Fargate.as_str());
    }
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
