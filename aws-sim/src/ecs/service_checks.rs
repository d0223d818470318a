//! What CreateService and UpdateService refuse, and what they fill in. Sources as in
//! `definition_checks`.
//!
//! Undecided: `role` for a service without a load balancer. The API reference permits it only with
//! one; no source says what the answer is, so it is ignored.

use serde_json::{Map, Value, json};

use super::{
    Ecs, Env,
    clusters::fill_strategy,
    definition::Definition,
    errors::{Result, client, invalid},
    hooks,
    input::Fields,
    settings::{given, is_echoed},
    strategies,
};

/// Takes the members that a service echoes out of a request and fills in AWS's defaults.
pub(super) fn fill(env: &Env<'_>, input: &Value, default_strategy: &Value) -> Map<String, Value> {
    let mut spec = given(input, is_echoed);
    if spec.items("capacityProviderStrategy").is_empty() {
        spec.remove("capacityProviderStrategy");
    }
    let unplaced = !spec.contains_key("launchType") && !spec.contains_key("capacityProviderStrategy");
    match default_strategy.as_array() {
        Some(items) if unplaced && !items.is_empty() => {
            spec.insert("capacityProviderStrategy".to_owned(), default_strategy.clone());
        }
        _ if unplaced => {
            spec.insert("launchType".to_owned(), "EC2".into());
        }
        _ => {}
    }
    for name in ["loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy"] {
        spec.entry(name).or_insert_with(|| json!([]));
    }
    for name in ["enableECSManagedTags", "enableExecuteCommand"] {
        spec.entry(name).or_insert_with(|| false.into());
    }
    spec.entry("propagateTags").or_insert_with(|| "NONE".into());
    spec.entry("schedulingStrategy").or_insert_with(|| "REPLICA".into());
    spec.entry("deploymentController").or_insert_with(|| json!({"type": "ECS"}));
    let replica = spec.text("schedulingStrategy") == Some("REPLICA");
    let configuration = spec.entry("deploymentConfiguration").or_insert_with(|| json!({}));
    fill_configuration(configuration, replica);
    // AWS turns rebalancing on where it can work (API reference of CreateService).
    let rebalancing = if rebalancing_trouble(&spec).is_none() { "ENABLED" } else { "DISABLED" };
    spec.entry("availabilityZoneRebalancing").or_insert_with(|| rebalancing.into());
    refill(env, &mut spec);
    spec
}

/// Why Availability Zone rebalancing cannot work for a service. Source: developer guide, "Balancing
/// an Amazon ECS service across Availability Zones", and aws/aws-cdk#32263. But for the first one
/// the texts are guesses.
fn rebalancing_trouble(spec: &Map<String, Value>) -> Option<&'static str> {
    let most = spec.get("deploymentConfiguration").and_then(|own| own.int("maximumPercent"));
    let first = spec.items("placementStrategy").first();
    let zones = |each: &Value| {
        each.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("spread"))
            && each.text("field") == Some("attribute:ecs.availability-zone")
    };
    let in_zone = |each: &Value| {
        each.text("expression").is_some_and(|expression| expression.contains("ecs.availability-zone"))
    };
    if most.is_some_and(|most| most <= 100) {
        Some("Availability Zone rebalancing does not support maximumPercent <= 100.")
    } else if spec.text("schedulingStrategy") == Some("DAEMON") {
        Some("Availability Zone rebalancing does not support the DAEMON scheduling strategy.")
    } else if spec.text("launchType") == Some("EXTERNAL") {
        Some("Availability Zone rebalancing does not support the EXTERNAL launch type.")
    } else if first.is_some_and(|first| !zones(first)) {
        Some(
            "Availability Zone rebalancing requires Availability Zone spread as the first placement strategy.",
        )
    } else if spec.items("placementConstraints").iter().any(in_zone) {
        Some("Availability Zone rebalancing does not support placement constraints on the Availability Zone.")
    } else {
        None
    }
}

/// Refuses a grace period that nothing would use. Source: hashicorp/terraform-provider-aws#31104
/// for the text, from live AWS; that checks of containers count as well is said by the newest API
/// reference of CreateService, which calls the period "unused" without any.
///
/// # Errors
/// `InvalidParameterException` with AWS's text.
pub(super) fn check_grace(input: &Value, spec: &Map<String, Value>, definition: &Definition) -> Result<()> {
    let checked =
        definition.body.items("containerDefinitions").iter().any(|each| each.get("healthCheck").is_some());
    let given = input.int("healthCheckGracePeriodSeconds").is_some();
    if given && spec.items("loadBalancers").is_empty() && !checked {
        return Err(invalid(
            "Health check grace period is only valid for services configured to use load balancers",
        ));
    }
    Ok(())
}

/// Fills in what depends on other members; also after an update.
pub(super) fn refill(env: &Env<'_>, spec: &mut Map<String, Value>) {
    if let Some(strategy) = spec.get("capacityProviderStrategy") {
        let filled = fill_strategy(strategy.as_array().map_or(&[], Vec::as_slice));
        spec.insert("capacityProviderStrategy".to_owned(), filled);
    }
    if on_fargate(spec) {
        spec.entry("platformVersion").or_insert_with(|| "LATEST".into());
        spec.insert("platformFamily".to_owned(), "Linux".into());
    }
    if let Some(Value::Object(vpc)) =
        spec.get_mut("networkConfiguration").and_then(|own| own.get_mut("awsvpcConfiguration"))
    {
        vpc.entry("assignPublicIp").or_insert_with(|| "DISABLED".into());
        vpc.entry("securityGroups").or_insert_with(|| json!([]));
    }
    // Without one it is kept as it was given: checks of containers heed it, too (API reference of
    // CreateService, healthCheckGracePeriodSeconds).
    if !spec.items("loadBalancers").is_empty() {
        spec.entry("healthCheckGracePeriodSeconds").or_insert_with(|| 0.into());
    }
    // ECS needs its service-linked role for load balancers and for network interfaces alike (CLI
    // reference of create-service, example 1: a Fargate service without a load balancer shows it).
    if !spec.items("loadBalancers").is_empty() || spec.contains_key("networkConfiguration") {
        let role = format!(
            "arn:{}:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            crate::ctx::partition(env.ctx.region),
            env.ctx.account
        );
        spec.insert("roleArn".to_owned(), role.into());
    }
}

/// Whether tasks run on Fargate.
pub(super) fn on_fargate(spec: &Map<String, Value>) -> bool {
    spec.text("launchType") == Some("FARGATE")
        || spec
            .items("capacityProviderStrategy")
            .iter()
            .any(|each| each.text("capacityProvider").is_some_and(|name| name.starts_with("FARGATE")))
}

/// AWS's defaults of a deployment configuration (API reference of DeploymentConfiguration).
pub(super) fn fill_configuration(configuration: &mut Value, replica: bool) {
    let Value::Object(own) = configuration else { return };
    own.entry("maximumPercent").or_insert_with(|| if replica { 200 } else { 100 }.into());
    own.entry("minimumHealthyPercent").or_insert_with(|| if replica { 100 } else { 0 }.into());
    // As seen on live services: cdk-real-drift#1740.
    let breaker = own.entry("deploymentCircuitBreaker").or_insert_with(|| json!({}));
    if let Value::Object(breaker) = breaker {
        for name in ["enable", "rollback"] {
            breaker.entry(name).or_insert_with(|| false.into());
        }
        breaker.entry("resetOnHealthyTask").or_insert_with(|| true.into());
        let threshold = || json!({"type": "BOUNDED_PERCENT", "value": 50});
        breaker.entry("thresholdConfiguration").or_insert_with(threshold);
    }
    own.entry("strategy").or_insert_with(|| "ROLLING".into());
    own.entry("bakeTimeInMinutes").or_insert_with(|| 0.into());
    let steps: &[(&str, &str, Value)] = match own.text("strategy") {
        Some("LINEAR") => &[
            ("linearConfiguration", "stepPercent", json!(10.0)),
            ("linearConfiguration", "stepBakeTimeInMinutes", json!(6)),
        ],
        Some("CANARY") => &[
            ("canaryConfiguration", "canaryPercent", json!(5.0)),
            ("canaryConfiguration", "canaryBakeTimeInMinutes", json!(10)),
        ],
        _ => &[],
    };
    for (part, name, usual) in steps {
        let part = own.entry(*part).or_insert_with(|| json!({}));
        if part.get(name).is_none() {
            part[*name] = usual.clone();
        }
    }
}

/// Checks a service as it would be: `spec` filled, `definition` its task definition.
///
/// # Errors
/// `InvalidParameterException` or `ClientException` with AWS's text for the first mistake.
pub(super) fn check(
    ecs: &Ecs,
    cluster: &str,
    spec: &Map<String, Value>,
    definition: &Definition,
) -> Result<()> {
    check_network(spec, definition.network_mode())?;
    check_placement(ecs, cluster, spec, definition)?;
    check_rules(spec)?;
    check_configuration(spec)?;
    check_daemon(spec)?;
    check_registries(spec.items("serviceRegistries"), definition)?;
    if spec.items("loadBalancers").len() > 5 {
        return Err(invalid("load balancers can have at most 5 items."));
    }
    let grace = spec.int("healthCheckGracePeriodSeconds");
    if grace.is_some_and(|seconds| !(0..=2_147_483_647).contains(&seconds)) {
        return Err(invalid("Health check grace period must be between 0 and 2147483647 seconds."));
    }
    Ok(())
}

/// API reference of ServiceRegistry; the words for the port are a guess, those for the container
/// the ones of load balancers.
fn check_registries(registries: &[Value], definition: &Definition) -> Result<()> {
    // pf-ecs-svc-registries-multiple
    if registries.len() > 1 {
        return Err(invalid("service registries can have at most 1 items."));
    }
    for registry in registries {
        // "you must specify either a containerName and containerPort combination or a port value.
        // However, you can't specify both."
        if registry.get("port").is_some() && registry.get("containerPort").is_some() {
            return Err(invalid("port and containerPort cannot both be specified in service registries."));
        }
        if let Some(name) = registry.text("containerName").filter(|name| definition.container(name).is_none())
        {
            return Err(invalid(format!("The container {name} does not exist in the task definition.")));
        }
    }
    Ok(())
}

/// Checks the load balancers of a service against what there is; updates that touch neither them
/// nor the task definition are not checked again.
///
/// # Errors
/// See [`check`].
pub(super) fn check_balancers(
    env: &Env<'_>,
    spec: &Map<String, Value>,
    definition: &Definition,
) -> Result<()> {
    spec.items("loadBalancers").iter().try_for_each(|balancer| check_balancer(env, balancer, definition))
}

fn check_network(spec: &Map<String, Value>, mode: &str) -> Result<()> {
    let vpc = spec.get("networkConfiguration").and_then(|own| own.get("awsvpcConfiguration"));
    match (mode, vpc) {
        ("awsvpc", None) => {
            Err(invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."))
        }
        ("awsvpc", Some(vpc)) => {
            if vpc.items("subnets").is_empty() {
                return Err(invalid("subnets can not be empty."));
            }
            if vpc.items("subnets").len() > 16 {
                return Err(invalid("subnets can have at most 16 items."));
            }
            if vpc.items("securityGroups").len() > 5 {
                return Err(invalid("securityGroups can have at most 5 items."));
            }
            if vpc.text("assignPublicIp") == Some("ENABLED") && spec.text("launchType") == Some("EC2") {
                return Err(invalid("Assign public IP is not supported for this launch type."));
            }
            Ok(())
        }
        (_, Some(_)) => Err(invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
        (_, None) => Ok(()),
    }
}

fn check_placement(
    ecs: &Ecs,
    cluster: &str,
    spec: &Map<String, Value>,
    definition: &Definition,
) -> Result<()> {
    let strategy = spec.items("capacityProviderStrategy");
    if spec.contains_key("launchType") && !strategy.is_empty() {
        let text = "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
        return Err(invalid(text));
    }
    let known = ecs.clusters.get(cluster).map_or(&[][..], |found| &found.providers);
    for name in strategy.iter().filter_map(|each| each.text("capacityProvider")) {
        if !known.iter().any(|own| own == name) {
            return Err(invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. \
                 Associate the capacity provider with the cluster and try again.",
            ));
        }
    }
    if !strategy.is_empty() {
        check_strategy(strategy)?;
    }
    let fargate = on_fargate(spec);
    if fargate && !definition.supports("FARGATE") {
        return Err(invalid("Task definition does not support launch_type FARGATE."));
    }
    if spec.text("schedulingStrategy") == Some("DAEMON") && fargate {
        return Err(invalid("The DAEMON scheduling strategy is not supported for the Fargate launch type."));
    }
    // Developer Guide, "Amazon ECS clusters for external instances": the awsvpc network mode is not
    // supported. The words are a guess.
    if spec.text("launchType") == Some("EXTERNAL") && definition.network_mode() == "awsvpc" {
        return Err(invalid("The awsvpc network mode is not supported for the EXTERNAL launch type."));
    }
    if !fargate && spec.contains_key("platformVersion") {
        return Err(invalid("The platform version must be null when specifying an EC2 launch type."));
    }
    let version = spec.text("platformVersion");
    if version.is_some_and(|version| !matches!(version, "LATEST" | "1.4.0" | "1.3.0")) {
        let text = format!("The specified platform does not exist: {}", version.unwrap_or_default());
        return Err(crate::error::ApiError::new(400, "PlatformUnknownException", text));
    }
    Ok(())
}

/// A capacity provider strategy, its weights and bases filled.
pub(super) fn check_strategy(strategy: &[Value]) -> Result<()> {
    let above = |name: &str| strategy.iter().filter(|each| each.int(name).unwrap_or(0) > 0).count();
    // pf-ecs-svc-capacity-provider-multiple-base
    if above("base") > 1 {
        return Err(invalid(
            "There are multiple capacity providers in the specified capacity provider strategy with a base value greater than zero. Only \
             one capacity provider can have a base value greater than zero. Specify a valid capacity provider strategy and try again.",
        ));
    }
    // pf-ecs-svc-capacity-provider-zero-weight; for several, as the API reference of
    // CapacityProviderStrategyItem has it.
    if strategy.len() > 1 && above("weight") == 0 {
        return Err(invalid(
            "There are no capacity providers in the capacity provider strategy with a weight value greater than zero. Specify a weight value \
             greater than zero for at least one capacity provider and try again.",
        ));
    }
    // API reference of CreateService: at most 20 providers; and all must be of one type. The texts
    // are guesses.
    if strategy.len() > 20 {
        return Err(invalid("capacityProviderStrategy can have at most 20 items."));
    }
    let fargate =
        |each: &&Value| each.text("capacityProvider").is_some_and(|name| name.starts_with("FARGATE"));
    let count = strategy.iter().filter(fargate).count();
    if count > 0 && count < strategy.len() {
        return Err(invalid(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers.",
        ));
    }
    Ok(())
}

/// Where tasks may be placed: constraints and strategies.
fn check_rules(spec: &Map<String, Value>) -> Result<()> {
    let (constraints, strategies) = (spec.items("placementConstraints"), spec.items("placementStrategy"));
    // pf-ecs-service-fargate-placement
    for (list, what) in [(constraints, "constraints"), (strategies, "strategies")] {
        if !list.is_empty() && on_fargate(spec) {
            return Err(invalid(format!("Placement {what} are not supported with FARGATE launch type.")));
        }
    }
    // API reference of CreateService: "You can specify a maximum of 10 constraints for each task";
    // by analogy with pf-ecs-svc-placement-strategies-max6.
    for (list, most, what) in [(constraints, 10, "constraints"), (strategies, 5, "strategies")] {
        if list.len() > most {
            return Err(invalid(format!("Maximum number of {what} is {most}.")));
        }
    }
    for constraint in constraints {
        // pf-ecs-svc-placement-constraint-distinct-instance-expression; the other by analogy.
        match (constraint.text("type"), constraint.text("expression").is_some()) {
            (Some("distinctInstance"), true) => {
                return Err(invalid("distinctInstance expression should not be specified."));
            }
            (Some("memberOf"), false) => return Err(invalid("memberOf expression should be specified.")),
            _ => {}
        }
    }
    for strategy in strategies {
        let (kind, field) = (strategy.text("type").unwrap_or_default(), strategy.text("field"));
        // pf-ecs-svc-random-with-field, pf-ecs-svc-binpack-field; that spread needs a field by
        // analogy.
        match (kind, field) {
            ("random", Some(_)) => return Err(invalid("random field should not be specified.")),
            ("binpack", Some(field)) if !matches!(field.to_ascii_lowercase().as_str(), "cpu" | "memory") => {
                return Err(invalid(format!("binpack field '{field}' is invalid.")));
            }
            ("binpack" | "spread", None) => {
                return Err(invalid(format!("{kind} field should be specified.")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a DAEMON cannot have.
fn check_daemon(spec: &Map<String, Value>) -> Result<()> {
    if spec.text("schedulingStrategy") != Some("DAEMON") {
        return Ok(());
    }
    // pf-ecs-svc-daemon-with-placement-strategies
    if !spec.items("placementStrategy").is_empty() {
        return Err(invalid(
            "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again",
        ));
    }
    // pf-ecs-svc-az-rebalancing-with-daemon
    if spec.text("availabilityZoneRebalancing") == Some("ENABLED") {
        return Err(invalid(
            "The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as scheduling strategy. \
             Update scheduling strategy and try again.",
        ));
    }
    // pf-ecs-svc-daemon-max-percent
    if spec["deploymentConfiguration"].int("maximumPercent").is_some_and(|most| most > 100) {
        return Err(invalid(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. \
             Change the maximumPercent value to 100, and try again",
        ));
    }
    Ok(())
}

fn check_configuration(spec: &Map<String, Value>) -> Result<()> {
    let Some(own) = spec.get("deploymentConfiguration") else { return Ok(()) };
    let (most, least) =
        (own.int("maximumPercent").unwrap_or(200), own.int("minimumHealthyPercent").unwrap_or(100));
    // pf-ecs-service-deployment-percent; the text of the other ends by analogy.
    if least > 100 {
        return Err(invalid("minimumHealthyPercent must be at most 100"));
    }
    if least < 0 || most < 100 {
        let (name, bound) = if least < 0 { ("minimumHealthyPercent", 0) } else { ("maximumPercent", 100) };
        return Err(invalid(format!("{name} must be at least {bound}")));
    }
    // pf-ecs-svc-min-healthy-over-max-percent. That it concerns rolling deployments only is a
    // guess: the others bring up a second set of tasks whatever the percentages are.
    if (least, most) == (100, 100) && own.text("strategy") == Some("ROLLING") {
        return Err(invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    if spec.text("availabilityZoneRebalancing") == Some("ENABLED")
        && let Some(trouble) = rebalancing_trouble(spec)
    {
        return Err(invalid(trouble));
    }
    let breaker = &own["deploymentCircuitBreaker"];
    if breaker.flag("rollback") && !breaker.flag("enable") {
        return Err(invalid(
            "Deployment circuit breaker rollback requires the circuit breaker to be enabled.",
        ));
    }
    if breaker
        .get("thresholdConfiguration")
        .is_some_and(|threshold| threshold.int("value").is_none_or(|value| value < 1))
    {
        return Err(invalid("The threshold of the deployment circuit breaker must be at least 1."));
    }
    strategies::check(own, spec.items("loadBalancers"))?;
    own.as_object().map_or(Ok(()), hooks::check)?;
    let early = &own["earlySuccessCriteria"];
    let percent = early.int("healthyPercent");
    // API reference of DeploymentEarlySuccessCriteria: "You must also specify healthyPercent and
    // sourceServiceRevisionCleanup."
    if early.flag("enable") && early.text("sourceServiceRevisionCleanup").is_none() {
        return Err(invalid(
            "sourceServiceRevisionCleanup must be specified when early success criteria are enabled.",
        ));
    }
    if early.flag("enable") && percent.is_none_or(|percent| percent < least || percent > 100) {
        return Err(invalid(
            "healthyPercent must be between minimumHealthyPercent and 100 when early success criteria are enabled.",
        ));
    }
    Ok(())
}

fn check_balancer(env: &Env<'_>, balancer: &Value, definition: &Definition) -> Result<()> {
    // pf-ecs-service-lb-target-exclusive
    if balancer.text("targetGroupArn").is_some() && balancer.text("loadBalancerName").is_some() {
        return Err(invalid(
            "loadBalancerName and targetGroupArn cannot both be specified. You must specify either a loadBalancerName or a targetGroupArn \
             in all loadBalancer entries",
        ));
    }
    let Some(group) = balancer.text("targetGroupArn") else {
        if balancer.text("loadBalancerName").is_some() {
            return Err(invalid(
                "Classic Load Balancers are not simulated: loadBalancerName is not supported.",
            ));
        }
        return Err(invalid("loadBalancers must specify a targetGroupArn."));
    };
    if !env.elbv2.target_group_exists(group) {
        return Err(invalid(format!("The specified target group does not exist: {group}")));
    }
    if !env.elbv2.target_group_has_listener(group) {
        return Err(invalid(format!(
            "The target group with targetGroupArn {group} does not have an associated load balancer."
        )));
    }
    let name = balancer.text("containerName").unwrap_or_default();
    let Some(container) = definition.container(name) else {
        return Err(invalid(format!("The container {name} does not exist in the task definition.")));
    };
    let port = balancer.int("containerPort").unwrap_or(0);
    if !container.ports.iter().any(|own| i64::from(own.0) == port) {
        return Err(invalid(format!("The container {name} did not have a container port {port} defined.")));
    }
    let mode = definition.network_mode();
    let kind = env.elbv2.target_type(group).unwrap_or("ip");
    let fits = if mode == "awsvpc" { kind == "ip" } else { kind == "instance" };
    if !fits {
        return Err(invalid(format!(
            "The provided target group {group} has target type {kind}, which is incompatible with the {mode} network mode specified in \
             the task definition."
        )));
    }
    Ok(())
}

/// Refuses a change of what tasks run on that is not to start a deployment. An empty strategy for a
/// service that has none changes nothing. Source: pipe-cd/pipecd#6385, reproio/ecs_deploy#74 and
/// aws/aws-cdk#34631, all from live AWS.
///
/// # Errors
/// `InvalidParameterException` with AWS's text.
pub(super) fn check_capacity_change(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    input: &Value,
) -> Result<()> {
    let strategy = |spec: &Map<String, Value>| spec.items("capacityProviderStrategy").to_vec();
    if strategy(old) == strategy(new) || input.flag("forceNewDeployment") {
        return Ok(());
    }
    Err(invalid(
        "When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider \
         strategy on a service that is already using one, you must force a new deployment.",
    ))
}

/// The checks that only creation makes.
///
/// # Errors
/// See [`check`].
pub(super) fn check_creation(input: &Value) -> Result<()> {
    let name = input.text("serviceName").unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 255 || !name.chars().all(good) {
        return Err(invalid("Invalid service name."));
    }
    let daemon = input.text("schedulingStrategy") == Some("DAEMON");
    match input.int("desiredCount") {
        Some(_) if daemon => Err(invalid(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.",
        )),
        Some(count) if count < 0 => Err(invalid("Desired count must be greater than or equal to 0.")),
        None if !daemon => Err(invalid("A desired count is required for the REPLICA scheduling strategy.")),
        _ if input.text("taskDefinition").is_none() => {
            Err(client("TaskDefinition should not be null or empty."))
        }
        _ => Ok(()),
    }
}

/// Refuses the deployment controllers that are not simulated.
///
/// # Errors
/// `UnsupportedFeatureException` for any but ECS.
pub(super) fn check_controller(input: &Value) -> Result<()> {
    match input.get("deploymentController").and_then(|own| own.text("type")) {
        None | Some("ECS") => Ok(()),
        Some(other) => Err(crate::error::ApiError::new(
            400,
            "UnsupportedFeatureException",
            format!("The deployment controller {other} is not simulated."),
        )),
    }
}
