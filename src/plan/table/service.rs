//! Rows of services and tasks. Source: ECS API, CreateService, UpdateService (which parameters
//! start a deployment) and RunTask.

use super::{Class, Compare, Effect, Inside, Row, UpdateCall};
use crate::model::resource::ResourceKind;

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Service, UpdateCall::UpdateService, path, doc)
}

/// Fields that UpdateService does not take.
const fn fixed(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Service, UpdateCall::Creation, path, doc).effect(Effect::Impossible)
}

/// Service Connect. AWS fills in the discovery name and the namespace (the cluster's), and gives a
/// namespace back by name or by ARN.
const CONNECT: Inside = Inside {
    absent: &[
        ("services", "[]"),
        ("clientAliases", "[]"),
        ("ingressPortOverride", "null"),
        ("testTrafficRules", "null"),
        ("timeout", "{}"),
        ("idleTimeoutSeconds", "null"),
        ("perRequestTimeoutSeconds", "null"),
        ("tls", "null"),
        ("kmsKey", "null"),
        ("roleArn", "null"),
        ("logConfiguration", "null"),
        ("options", "{}"),
        ("secretOptions", "[]"),
        ("accessLogConfiguration", "null"),
        ("includeQueryParameters", "\"DISABLED\""),
    ],
    named_after: &[("discoveryName", "portName")],
    whole: &["options"],
    name_or_arn: &["namespace"],
};
/// Volumes. AWS fills in the file system alone.
const VOLUMES: Inside = Inside {
    absent: &[
        ("managedEBSVolume", "null"),
        ("sizeInGiB", "null"),
        ("snapshotId", "null"),
        ("volumeType", "null"),
        ("iops", "null"),
        ("throughput", "null"),
        ("volumeInitializationRate", "null"),
        ("encrypted", "false"),
        ("kmsKeyId", "null"),
        ("tagSpecifications", "[]"),
        ("propagateTags", "\"NONE\""),
        ("tags", "[]"),
    ],
    named_after: &[],
    whole: &[],
    name_or_arn: &[],
};
/// Lifecycle hooks. Source: ECS API, DeploymentLifecycleHook.
const HOOKS: Inside = Inside {
    absent: &[
        ("targetType", "\"AWS_LAMBDA\""),
        ("hookTargetArn", "null"),
        ("roleArn", "null"),
        ("hookDetails", "null"),
        ("timeoutConfiguration", "{}"),
        ("timeoutInMinutes", "1440"),
        ("action", "\"ROLLBACK\""),
    ],
    named_after: &[],
    whole: &["hookDetails"],
    name_or_arn: &[],
};
const STRATEGY_DEFAULTS: &[(&str, &str)] = &[("base", "0"), ("weight", "0")];

pub(super) const SERVICE: &[Row] = &[
    row("serviceName", "finds the service").identity(),
    row("taskDefinition", "the revision; written by the rollout alone")
        .class(Class::DeclaredWhileRolling)
        .compare(Compare::Never)
        .deploys(),
    row("desiredCount", "how many tasks; belongs to the autoscaler, or to anyone, when it is not declared")
        .class(Class::DelegatedUnlessDeclared)
        .compare(Compare::Text),
    fixed("launchType", "FARGATE, EC2 or EXTERNAL; neither it nor a strategy leaves the service on what it is on")
        .class(Class::DefaultedUnlessDeclared),
    row("capacityProviderStrategy", "which capacity providers run it; taken out again goes back to the launch type")
        .class(Class::DefaultedUnlessDeclared)
        .compare(Compare::Set(STRATEGY_DEFAULTS))
        .deploys(),
    row("platformVersion", "Fargate platform version").class(Class::DeclaredWithDefault).deploys(),
    fixed("schedulingStrategy", "REPLICA or DAEMON").means("\"REPLICA\""),
    row("networkConfiguration.awsvpcConfiguration.subnets", "subnets of the tasks")
        .compare(Compare::Set(&[]))
        .deploys(),
    row("networkConfiguration.awsvpcConfiguration.securityGroups", "none means the VPC's default group")
        .compare(Compare::Set(&[]))
        .means("[]")
        .deploys(),
    row("networkConfiguration.awsvpcConfiguration.assignPublicIp", "ENABLED or DISABLED")
        .means("\"DISABLED\"")
        .deploys(),
    row("loadBalancers", "target groups that tasks are registered in; which of two is the active one is ECS's while it shifts traffic")
        .class(Class::WeightsDelegatedWhileShifting)
        .compare(Compare::Balancers)
        .means("[]")
        .deploys(),
    row("serviceRegistries", "Cloud Map registries").compare(Compare::Set(&[])).means("[]").deploys(),
    row("serviceConnectConfiguration", "ports and names in a namespace")
        .compare(Compare::Declared(CONNECT))
        .means("{\"enabled\": false}")
        .deploys(),
    row("volumeConfigurations", "EBS volumes that ECS makes for each task")
        .compare(Compare::Declared(VOLUMES))
        .means("[]")
        .deploys(),
    row("deploymentConfiguration.minimumHealthyPercent", "tasks that stay up in a rollout")
        .class(Class::DeclaredWithDefault)
        .compare(Compare::Text),
    row("deploymentConfiguration.maximumPercent", "tasks that may run in a rollout")
        .class(Class::DeclaredWithDefault)
        .compare(Compare::Text),
    row("deploymentConfiguration.deploymentCircuitBreaker.enable", "stops a failing rollout").means("false"),
    row("deploymentConfiguration.deploymentCircuitBreaker.rollback", "goes back to the last good revision")
        .means("false"),
    row("deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask", "a healthy task resets the count")
        .class(Class::DefaultedUnlessDeclared)
        .means("true"),
    row("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration", "how many failures stop a rollout")
        .class(Class::DefaultedUnlessDeclared)
        .means("{\"type\": \"BOUNDED_PERCENT\", \"value\": 50}"),
    row("deploymentConfiguration.alarms.alarms", "keys of alarms; resolved to alarmNames").setting(),
    row("deploymentConfiguration.alarms.alarmNames", "alarms that stop a rollout")
        .compare(Compare::Set(&[]))
        .means("[]"),
    row("deploymentConfiguration.alarms.enable", "whether they count").means("false"),
    row("deploymentConfiguration.alarms.rollback", "goes back to the last good revision").means("false"),
    row("deploymentConfiguration.strategy", "ROLLING, BLUE_GREEN, LINEAR or CANARY").means("\"ROLLING\""),
    row("deploymentConfiguration.bakeTimeInMinutes", "minutes that both revisions run after the shift")
        .class(Class::DefaultedUnlessDeclared)
        .compare(Compare::Text),
    row("deploymentConfiguration.linearConfiguration", "steps of a linear shift")
        .class(Class::DefaultedUnlessDeclared)
        .compare(Compare::DeclaredKeys),
    row("deploymentConfiguration.canaryConfiguration", "first step of a canary")
        .class(Class::DefaultedUnlessDeclared)
        .compare(Compare::DeclaredKeys),
    row("deploymentConfiguration.lifecycleHooks", "what runs or waits at stages of a deployment")
        .compare(Compare::Declared(HOOKS))
        .means("[]"),
    row("deploymentConfiguration.earlySuccessCriteria.enable", "whether it completes before all tasks are healthy")
        .means("false"),
    row("deploymentConfiguration.earlySuccessCriteria.healthyPercent", "how many of the new tasks are enough")
        .class(Class::DefaultedUnlessDeclared)
        .compare(Compare::Text),
    row("deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup", "BLOCKING or DEFERRED")
        .class(Class::DefaultedUnlessDeclared),
    row("healthCheckGracePeriodSeconds", "seconds during which failing health checks are forgiven")
        .class(Class::DeclaredWithDefault)
        .compare(Compare::Text)
        .means("0"),
    row("enableExecuteCommand", "whether ECS Exec works").means("false"),
    row("enableECSManagedTags", "whether ECS puts its own tags on tasks").means("false"),
    row("propagateTags", "where tags of tasks come from").means("\"NONE\""),
    row("availabilityZoneRebalancing", "AWS's default depends on how the service came to be")
        .class(Class::DelegatedUnlessDeclared),
    row("placementConstraints", "where tasks may be placed").compare(Compare::Set(&[])).means("[]"),
    row("placementStrategy", "how tasks are spread; order matters").means("[]"),
    row("autoscaling", "bounds of Application Auto Scaling, which owns the desired count").setting(),
    row("bakeSeconds", "seconds that new tasks must stay healthy").setting(),
    row("progressDeadlineSeconds", "seconds without progress until a rollout is stalled").setting(),
    row("tags", "declared tags and Evenkeel's own").compare(Compare::DeclaredKeys).update_call(UpdateCall::Tag),
];

/// Fields of a task that runs outside any service: used by the next RunTask, never compared with a
/// running task.
const fn task(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Task, UpdateCall::RunTask, path, doc)
        .compare(Compare::Never)
        .effect(Effect::Replaces)
}

pub(super) const TASK: &[Row] = &[
    task("launchType", "FARGATE, EC2 or EXTERNAL"),
    task("capacityProviderStrategy", "which capacity providers run it"),
    task("platformVersion", "Fargate platform version"),
    task("networkConfiguration", "subnets and security groups"),
    task("enableExecuteCommand", "whether ECS Exec works"),
    task("deadlineSeconds", "seconds until the task is stopped and counted as failed").setting(),
    task("retries", "further attempts after a failure").setting(),
    task("run", "when it counts as done").setting(),
];
