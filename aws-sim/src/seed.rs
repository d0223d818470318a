//! Putting things into a world in one go.
//!
//! ```json
//! {"region": "eu-west-1",
//!  "capacityProviders": ["gpu-instances"],
//!  "clusters": [{"name": "prod", "capacityProviders": ["FARGATE", "gpu-instances"], "containerInstances": 2}],
//!  "logGroups": ["/ecs/app"],
//!  "secrets": [{"name": "app/db", "value": {"password": "x"}}],
//!  "loadBalancers": [{"name": "main", "scheme": "internal", "listeners": [{"port": 443, "protocol": "HTTPS"}]}],
//!  "calls": [{"service": "ecs", "operation": "RegisterTaskDefinition", "input": {}}]}
//! ```
//!
//! What is there already is left as it is, so that a seed can be given twice; `calls` are executed
//! each time, and are how everything else is seeded: alarms, for one, by `{"service": "cloudwatch",
//! "operation": "PutMetricAlarm", "input": {…}}`. A list of seeds (for several regions) is taken,
//! too. The answer names ARNs: `clusters`, `secrets` and `loadBalancers` by name, and `listeners`
//! as `name:port`.

use serde_json::{Map, Value, json};

use crate::{error::ApiError, wire::Service, world::World};

/// Puts everything into the world that is not there yet.
///
/// # Errors
/// What AWS answers to the first thing that it refuses; `ValidationError` for a seed of another
/// form.
pub fn seed_world(world: &mut World, seed: &Value) -> Result<Value, ApiError> {
    if let Some(seeds) = seed.as_array() {
        return seeds.iter().map(|each| seed_world(world, each)).collect();
    }
    check_form(seed)?;
    let region = seed["region"].as_str().unwrap_or("us-east-1");
    let list = |name: &str| seed[name].as_array().cloned().unwrap_or_default();
    for provider in list("capacityProviders") {
        let group = "arn:aws:autoscaling:::autoScalingGroup:seed:autoScalingGroupName/seed";
        let input = json!({"name": provider, "autoScalingGroupProvider": {"autoScalingGroupArn": group}});
        lenient(world.edit(region, Service::Ecs, "CreateCapacityProvider", &input), "already exists")?;
    }
    let mut answer = Map::new();
    answer.insert("clusters".to_owned(), named(list("clusters"), |each| cluster(world, region, each))?);
    for group in list("logGroups") {
        let name = group.as_str().or(group["name"].as_str()).unwrap_or_default();
        let input = json!({ "logGroupName": name });
        lenient(world.edit(region, Service::Logs, "CreateLogGroup", &input), "already exists")?;
    }
    answer.insert("secrets".to_owned(), named(list("secrets"), |each| secret(world, region, each))?);
    let mut listeners = Map::new();
    let balancers = named(list("loadBalancers"), |each| balancer(world, region, each, &mut listeners))?;
    answer.insert("loadBalancers".to_owned(), balancers);
    answer.insert("listeners".to_owned(), listeners.into());
    let mut results = Vec::new();
    for call in list("calls") {
        let name = call["service"].as_str().unwrap_or_default();
        let service =
            Service::named(name).ok_or_else(|| wrong(&format!("the service {name:?} is not simulated")))?;
        results.push(world.edit(
            region,
            service,
            call["operation"].as_str().unwrap_or_default(),
            &call["input"],
        )?);
    }
    answer.insert("calls".to_owned(), results.into());
    Ok(answer.into())
}

const MEMBERS: [&str; 7] =
    ["region", "capacityProviders", "clusters", "logGroups", "secrets", "loadBalancers", "calls"];

fn check_form(seed: &Value) -> Result<(), ApiError> {
    let members = seed.as_object().ok_or_else(|| wrong("it must be an object"))?;
    match members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        Some(name) => Err(wrong(&format!("{name:?} is none of {}", MEMBERS.join(", ")))),
        None => Ok(()),
    }
}

fn wrong(what: &str) -> ApiError {
    ApiError::new(400, "ValidationError", format!("The seed cannot be used: {what}."))
}

fn named(
    list: Vec<Value>,
    mut make: impl FnMut(&Value) -> Result<String, ApiError>,
) -> Result<Value, ApiError> {
    let mut arns = Map::new();
    for each in &list {
        let name = each["name"].as_str().or(each.as_str()).ok_or_else(|| wrong("a name is missing"))?;
        arns.insert(name.to_owned(), make(each)?.into());
    }
    Ok(arns.into())
}

fn lenient(result: Result<Value, ApiError>, forgiven: &str) -> Result<Value, ApiError> {
    match result {
        Err(error) if error.message.contains(forgiven) => Ok(Value::Null),
        other => other,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn cluster(world: &mut World, region: &str, seed: &Value) -> Result<String, ApiError> {
    let name = seed["name"].as_str().or(seed.as_str()).unwrap_or_default();
    let mut input = json!({ "clusterName": name });
    if let Some(providers) = seed.get("capacityProviders") {
        input["capacityProviders"] = providers.clone();
    }
    let made = world.edit(region, Service::Ecs, "CreateCluster", &input)?;
    let wanted =
        seed["containerInstances"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let there = made["cluster"]["registeredContainerInstancesCount"]
        .as_u64()
        .and_then(|count| usize::try_from(count).ok());
    let missing = wanted.saturating_sub(there.unwrap_or(0));
    world.with_ecs(region, |ecs, env| ecs.add_container_instances(env, name, missing));
    Ok(text(&made["cluster"]["clusterArn"]))
}

fn secret(world: &mut World, region: &str, seed: &Value) -> Result<String, ApiError> {
    let name = seed["name"].as_str().or(seed.as_str()).unwrap_or_default();
    if let Ok(known) = world.edit(region, Service::Secrets, "DescribeSecret", &json!({ "SecretId": name })) {
        return Ok(text(&known["ARN"]));
    }
    let value = match &seed["value"] {
        Value::Null => "seeded".to_owned(),
        Value::String(value) => value.clone(),
        other => other.to_string(),
    };
    // The token is drawn by SDKs as a rule; here it follows from the name, so that seeds stay
    // equal.
    let token = format!("seed-{name:-<32}").chars().take(64).collect::<String>();
    let input = json!({"Name": name, "SecretString": value, "ClientRequestToken": token});
    Ok(text(&world.edit(region, Service::Secrets, "CreateSecret", &input)?["ARN"]))
}

fn balancer(
    world: &mut World,
    region: &str,
    seed: &Value,
    listeners: &mut Map<String, Value>,
) -> Result<String, ApiError> {
    let name = text(&seed["name"]);
    let found =
        world.edit(region, Service::Elbv2, "DescribeLoadBalancers", &json!({ "Names.member.1": name }));
    let arn = match found {
        Ok(known) => text(&known["LoadBalancers"][0]["LoadBalancerArn"]),
        Err(_) => {
            let mut input =
                json!({"Name": name, "Subnets.member.1": "subnet-0a", "Subnets.member.2": "subnet-0b"});
            for (member, from) in [("Scheme", "scheme"), ("Type", "type")] {
                if let Some(value) = seed.get(from) {
                    input[member] = value.clone();
                }
            }
            let made = world.edit(region, Service::Elbv2, "CreateLoadBalancer", &input)?;
            text(&made["LoadBalancers"][0]["LoadBalancerArn"])
        }
    };
    for listener in seed["listeners"].as_array().cloned().unwrap_or_default() {
        let made = self::listener(world, region, &arn, &listener)?;
        listeners.insert(format!("{name}:{}", listener["port"]), made.into());
    }
    Ok(arn)
}

/// A listener that answers 404 unless its seed names other defaults by `calls`.
fn listener(world: &mut World, region: &str, balancer: &str, seed: &Value) -> Result<String, ApiError> {
    let known =
        world.edit(region, Service::Elbv2, "DescribeListeners", &json!({ "LoadBalancerArn": balancer }))?;
    let own = known["Listeners"].as_array().into_iter().flatten().find(|each| each["Port"] == seed["port"]);
    if let Some(own) = own {
        return Ok(text(&own["ListenerArn"]));
    }
    let protocol = seed["protocol"].as_str().unwrap_or("HTTP");
    let mut input = json!({"LoadBalancerArn": balancer, "Port": seed["port"], "Protocol": protocol,
        "DefaultActions.member.1.Type": "fixed-response",
        "DefaultActions.member.1.FixedResponseConfig.StatusCode": "404"});
    if matches!(protocol, "HTTPS" | "TLS") {
        let usual = format!(
            "arn:aws:acm:{region}:{}:certificate/00000000-0000-4000-8000-000000000000",
            world.account
        );
        input["Certificates.member.1.CertificateArn"] =
            seed.get("certificateArn").cloned().unwrap_or(usual.into());
    }
    let made = world.edit(region, Service::Elbv2, "CreateListener", &input)?;
    Ok(text(&made["Listeners"][0]["ListenerArn"]))
}
