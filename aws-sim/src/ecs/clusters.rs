//! Clusters and capacity providers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Ecs, Env,
    errors::{Result, client, invalid, no_cluster},
    input::{Fields, Tags, includes, page, page_answer, read_tags, tag_list, texts},
    instance::Instance,
};
use crate::error::ApiError;

/// A cluster.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) arn: String,
    pub(super) name: String,
    /// ACTIVE or INACTIVE.
    pub(super) status: &'static str,
    pub(super) settings: Value,
    pub(super) configuration: Option<Value>,
    pub(super) service_connect: Option<Value>,
    pub(super) providers: Vec<String>,
    pub(super) strategy: Value,
    pub(super) tags: Tags,
    /// The EC2 instances that tasks of launch type EC2 can be placed on.
    pub(super) instances: Vec<Instance>,
}

/// A capacity provider of this account.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    /// As DescribeCapacityProviders returns it, without its tags.
    body: Value,
    pub(super) tags: Tags,
}

impl Provider {
    fn render(&self) -> Value {
        let mut body = self.body.clone();
        body["tags"] = tag_list(&self.tags);
        body
    }
}

/// What the answer to a creation shows; that to an update shows no tags. Undecided: moto's answers
/// repeat the configuration (test_update_cluster); no source says whether AWS's do.
const MADE: [&str; 3] = ["TAGS", "SETTINGS", "CONFIGURATIONS"];

/// The providers that every account has.
const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

impl Ecs {
    pub(super) fn create_cluster(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let name = input.text("clusterName").unwrap_or("default").to_owned();
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 255 || !name.chars().all(good) {
            return Err(invalid("Invalid cluster name."));
        }
        let active = self.clusters.get(&name).filter(|cluster| cluster.status == "ACTIVE");
        if let Some(cluster) = active {
            return Ok(json!({"cluster": self.render_cluster(cluster, &MADE)}));
        }
        let arn = env.ctx.arn("ecs", &format!("cluster/{name}"));
        let cluster = Cluster {
            arn,
            name: name.clone(),
            status: "ACTIVE",
            settings: settings(input),
            configuration: input.get("configuration").cloned(),
            service_connect: input.get("serviceConnectDefaults").cloned(),
            providers: Vec::new(),
            strategy: json!([]),
            tags: read_tags(input)?,
            instances: Vec::new(),
        };
        self.clusters.insert(name.clone(), cluster);
        if let Err(error) =
            self.set_providers(env, &name, input, "capacityProviders", "defaultCapacityProviderStrategy")
        {
            self.clusters.remove(&name);
            return Err(error);
        }
        Ok(json!({"cluster": self.render_cluster(&self.clusters[&name], &MADE)}))
    }

    pub(super) fn update_cluster(&mut self, input: &Value) -> Result<Value> {
        let name = self.active_cluster(input)?;
        let cluster = self.clusters.get_mut(&name).ok_or_else(no_cluster)?;
        if input.get("settings").is_some() {
            cluster.settings = settings(input);
        }
        if let Some(configuration) = input.get("configuration") {
            cluster.configuration = Some(configuration.clone());
        }
        if let Some(defaults) = input.get("serviceConnectDefaults") {
            cluster.service_connect = Some(defaults.clone());
        }
        Ok(json!({"cluster": self.render_cluster(&self.clusters[&name], &["SETTINGS", "CONFIGURATIONS"])}))
    }

    pub(super) fn put_cluster_capacity_providers(
        &mut self,
        env: &mut Env<'_>,
        input: &Value,
    ) -> Result<Value> {
        let name = self.active_cluster(input)?;
        self.set_providers(env, &name, input, "capacityProviders", "defaultCapacityProviderStrategy")?;
        Ok(json!({"cluster": self.render_cluster(&self.clusters[&name], &[])}))
    }

    fn set_providers(
        &mut self,
        env: &mut Env<'_>,
        name: &str,
        input: &Value,
        list: &str,
        strategy: &str,
    ) -> Result<()> {
        let providers: Vec<String> = texts(input, list).into_iter().map(str::to_owned).collect();
        for provider in &providers {
            if !FARGATE.contains(&provider.as_str()) && !self.providers.contains_key(provider) {
                return Err(invalid(
                    "The specified capacity provider does not exist. Specify a valid name or ARN and try again.",
                ));
            }
        }
        let strategy = fill_strategy(input.items(strategy));
        let strange = strategy.as_array().is_some_and(|items| {
            items.iter().any(|item| !providers.iter().any(|own| item.text("capacityProvider") == Some(own)))
        });
        if strange {
            return Err(invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. \
                 Associate the capacity provider with the cluster and try again.",
            ));
        }
        let on_instances = providers.iter().any(|own| !FARGATE.contains(&own.as_str()));
        let Some(cluster) = self.clusters.get_mut(name) else { return Err(no_cluster()) };
        cluster.providers = providers;
        cluster.strategy = strategy;
        if on_instances && cluster.instances.is_empty() {
            self.add_instances(env, name, 1);
        }
        Ok(())
    }

    /// Gives a cluster more EC2 instances; the first capacity provider of a cluster brings one.
    pub(super) fn add_instances(&mut self, env: &mut Env<'_>, name: &str, count: usize) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        for _ in 0..count {
            let id = env.ctx.hex(32);
            let arn = env.ctx.arn("ecs", &format!("container-instance/{name}/{id}"));
            cluster.instances.push(Instance { arn, ec2_id: format!("i-{}", env.ctx.hex(17)) });
        }
    }

    pub(super) fn describe_clusters(&self, env: &Env<'_>, input: &Value) -> Result<Value> {
        let mut wanted = texts(input, "clusters");
        if wanted.is_empty() {
            wanted.push("default");
        }
        if wanted.len() > 100 {
            return Err(invalid("Clusters cannot be more than 100."));
        }
        let parts: Vec<&str> = ["TAGS", "SETTINGS", "STATISTICS", "CONFIGURATIONS"]
            .into_iter()
            .filter(|part| includes(input, part))
            .collect();
        let (mut clusters, mut failures) = (Vec::new(), Vec::new());
        for reference in wanted {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            match self.clusters.get(name) {
                Some(cluster) => clusters.push(self.render_cluster(cluster, &parts)),
                None => failures.push(
                    json!({"arn": env.ctx.arn("ecs", &format!("cluster/{name}")), "reason": "MISSING"}),
                ),
            }
        }
        Ok(json!({"clusters": clusters, "failures": failures}))
    }

    pub(super) fn list_clusters(&self, input: &Value) -> Result<Value> {
        let active = self.clusters.values().filter(|cluster| cluster.status == "ACTIVE");
        let (items, next) = page(input, active.map(|cluster| cluster.arn.as_str().into()).collect(), 100)?;
        Ok(page_answer("clusterArns", items, next))
    }

    pub(super) fn delete_cluster(&mut self, input: &Value) -> Result<Value> {
        let name = self.active_cluster(input)?;
        let error = |code, text: &str| Err(ApiError::new(400, code, text));
        let services = self
            .services
            .values()
            .any(|each| each.cluster == name && each.status != super::service::INACTIVE);
        if services {
            return error(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            );
        }
        if self.tasks.values().any(|task| task.cluster == name && !task.is_stopped()) {
            return error(
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            );
        }
        let cluster = self.clusters.get_mut(&name).ok_or_else(no_cluster)?;
        cluster.status = "INACTIVE";
        Ok(json!({"cluster": self.render_cluster(&self.clusters[&name], &[])}))
    }

    /// The name of the active cluster that a request speaks of; without one, `default`.
    ///
    /// # Errors
    /// `ClusterNotFoundException` as AWS gives it, also for a deleted cluster.
    pub(super) fn active_cluster(&self, input: &Value) -> Result<String> {
        self.cluster_named(input.text("cluster").unwrap_or("default"))
    }

    /// See [`Ecs::active_cluster`].
    pub(super) fn cluster_named(&self, reference: &str) -> Result<String> {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        match self.clusters.get(name) {
            Some(cluster) if cluster.status == "ACTIVE" => Ok(name.to_owned()),
            Some(_) => Err(client("The referenced cluster was inactive.")),
            None => Err(no_cluster()),
        }
    }

    fn render_cluster(&self, cluster: &Cluster, parts: &[&str]) -> Value {
        let live = |status: &[&str]| {
            let tasks = self.tasks.values().filter(|task| task.cluster == cluster.name);
            tasks.filter(|task| status.contains(&task.status.name())).count()
        };
        let services = self.services.values();
        let active = services
            .filter(|each| each.cluster == cluster.name && each.status == super::service::ACTIVE)
            .count();
        let mut body = json!({
            "clusterArn": cluster.arn,
            "clusterName": cluster.name,
            "status": cluster.status,
            "registeredContainerInstancesCount": cluster.instances.len(),
            "runningTasksCount": live(&["RUNNING", "DEACTIVATING", "STOPPING"]),
            "pendingTasksCount": live(&["PROVISIONING", "PENDING", "ACTIVATING"]),
            "activeServicesCount": active,
            "statistics": [],
            "tags": if parts.contains(&"TAGS") { tag_list(&cluster.tags) } else { json!([]) },
            "settings": if parts.contains(&"SETTINGS") { cluster.settings.clone() } else { json!([]) },
            "capacityProviders": cluster.providers,
            "defaultCapacityProviderStrategy": cluster.strategy,
        });
        if let Some(configuration) =
            cluster.configuration.as_ref().filter(|_| parts.contains(&"CONFIGURATIONS"))
        {
            body["configuration"] = configuration.clone();
        }
        if let Some(defaults) = &cluster.service_connect {
            body["serviceConnectDefaults"] = defaults.clone();
        }
        body
    }

    pub(super) fn create_capacity_provider(&mut self, env: &Env<'_>, input: &Value) -> Result<Value> {
        let name = input.text("name").unwrap_or_default().to_owned();
        if name.starts_with("aws") || name.starts_with("ecs") || name.starts_with("fargate") {
            return Err(client("Capacity provider names must not start with aws, ecs or fargate."));
        }
        if self.providers.contains_key(&name) {
            return Err(client(
                "The specified capacity provider already exists. To change the configuration, update the capacity provider.",
            ));
        }
        let mut body = json!({
            "capacityProviderArn": env.ctx.arn("ecs", &format!("capacity-provider/{name}")),
            "name": name,
            "status": "ACTIVE",
        });
        if let Some(group) = input.get("autoScalingGroupProvider") {
            body["autoScalingGroupProvider"] = filled(group);
        }
        let provider = Provider { body, tags: read_tags(input)? };
        let answer = json!({"capacityProvider": provider.render()});
        self.providers.insert(name, provider);
        Ok(answer)
    }

    pub(super) fn describe_capacity_providers(&self, env: &Env<'_>, input: &Value) -> Result<Value> {
        let wanted = texts(input, "capacityProviders");
        let mut known: BTreeMap<&str, Value> =
            self.providers.iter().map(|(name, own)| (name.as_str(), own.render())).collect();
        for name in FARGATE {
            let arn = env.ctx.arn("ecs", &format!("capacity-provider/{name}"));
            known.insert(
                name,
                json!({"capacityProviderArn": arn, "name": name, "status": "ACTIVE", "tags": []}),
            );
        }
        let mut failures = Vec::new();
        if !wanted.is_empty() {
            let names: Vec<&str> =
                wanted.iter().map(|each| each.rsplit('/').next().unwrap_or(each)).collect();
            for name in names.iter().filter(|name| !known.contains_key(**name)) {
                let arn = env.ctx.arn("ecs", &format!("capacity-provider/{name}"));
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
            known.retain(|name, _| names.contains(name));
        }
        let (items, next) = page(input, known.into_values().collect(), 10)?;
        let mut answer = page_answer("capacityProviders", items, next);
        answer["failures"] = failures.into();
        Ok(answer)
    }

    pub(super) fn delete_capacity_provider(&mut self, input: &Value) -> Result<Value> {
        let reference = input.text("capacityProvider").unwrap_or_default();
        let name = reference.rsplit('/').next().unwrap_or(reference);
        if self.clusters.values().any(|cluster| cluster.providers.iter().any(|own| own == name)) {
            let text = "The capacity provider cannot be deleted because it is associated with a cluster.";
            return Err(ApiError::new(400, "ResourceInUseException", text));
        }
        let missing = || {
            client(
                "The specified capacity provider does not exist. Specify a valid name or ARN and try again.",
            )
        };
        let mut body = self.providers.remove(name).ok_or_else(missing)?.render();
        body["status"] = "INACTIVE".into();
        Ok(json!({"capacityProvider": body}))
    }
}

/// A group of instances with AWS's defaults (API reference of ManagedScaling and of
/// AutoScalingGroupProvider). moto fills a scaling that is not declared at all; it is `DISABLED`
/// then.
fn filled(group: &Value) -> Value {
    let mut group = group.clone();
    let usual = [
        ("status", json!("DISABLED")),
        ("targetCapacity", json!(100)),
        ("minimumScalingStepSize", json!(1)),
        ("maximumScalingStepSize", json!(10_000)),
        ("instanceWarmupPeriod", json!(300)),
    ];
    for (name, value) in usual {
        if group["managedScaling"].get(name).is_none() {
            group["managedScaling"][name] = value;
        }
    }
    if group.get("managedTerminationProtection").is_none() {
        group["managedTerminationProtection"] = "DISABLED".into();
    }
    group
}

fn settings(input: &Value) -> Value {
    match input.get("settings") {
        Some(Value::Array(given)) if !given.is_empty() => given.clone().into(),
        _ => json!([{"name": "containerInsights", "value": "disabled"}]),
    }
}

/// A capacity provider strategy with AWS's defaults for weight and base.
pub(super) fn fill_strategy(items: &[Value]) -> Value {
    let fill = |item: &Value| {
        json!({
            "capacityProvider": item.text("capacityProvider"),
            "weight": item.int("weight").unwrap_or(0),
            "base": item.int("base").unwrap_or(0),
        })
    };
    items.iter().map(fill).collect()
}
