//! The operations on services.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::{
    Answer, Ecs, Env,
    errors::{Result, invalid, no_cluster, no_service, not_active},
    hidden_checks,
    input::{Fields, includes, page, page_answer, read_tags, texts},
    queue::after,
    service::{ACTIVE, DRAINING, INACTIVE, Service},
    service_checks,
    settings::{self, DEPLOYING},
    task::Task,
};

/// The key of a service in its region.
pub(super) fn key_of(cluster: &str, name: &str) -> String {
    format!("{cluster}/{name}")
}

impl Ecs {
    pub(super) fn create_service(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        service_checks::check_controller(input)?;
        service_checks::check_creation(input)?;
        let name = input.text("serviceName").unwrap_or_default();
        let key = key_of(&cluster, name);
        if let Some(existing) = self.services.get(&key) {
            match existing.status {
                ACTIVE => return self.created_before(existing, input),
                DRAINING => return Err(invalid("Unable to Start a service that is still Draining.")),
                _ => {}
            }
        }
        let definition = self.active_definition(input.text("taskDefinition").unwrap_or_default())?;
        let found = self.clusters.get(&cluster).ok_or_else(no_cluster)?;
        if input.get("launchType").is_some() && !input.items("capacityProviderStrategy").is_empty() {
            let text = "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
            return Err(invalid(text));
        }
        let spec = service_checks::fill(env, input, &found.strategy);
        service_checks::check(self, &cluster, &spec, &definition)?;
        service_checks::check_grace(input, &spec, &definition)?;
        service_checks::check_balancers(env, &spec, &definition)?;
        let mut hidden = settings::hidden(input);
        hidden_checks::check(&hidden, &spec, &definition)?;
        settings::settle(&mut hidden);
        let service = Service {
            arn: env.ctx.arn("ecs", &format!("service/{key}")),
            name: name.to_owned(),
            cluster_arn: found.arn.clone(),
            status: ACTIVE,
            spec,
            hidden,
            desired: input.int("desiredCount").and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
            task_definition: definition.arn.clone(),
            deployments: Vec::new(),
            history: Vec::new(),
            revisions: Vec::new(),
            last_good: None,
            events: VecDeque::new(),
            created_at: env.ctx.now,
            created_by: env.principal(),
            tags: read_tags(input)?,
            token: input.text("clientToken").map(|token| (token.to_owned(), input.clone())),
            launch_type: None,
            tasks: Vec::new(),
            failures: 0,
            hold_until: None,
            next_pass: None,
            steady: false,
            placement_trouble: None,
            shown: [None, None],
            key: key.clone(),
            cluster,
        };
        self.services.insert(key.clone(), service);
        self.daemon_count(&key);
        self.start_deployment(env, &key);
        Ok(json!({"service": self.render_service(&key, true)}))
    }

    /// The same request with the same token is answered with the service that it made.
    fn created_before(&self, existing: &Service, input: &Value) -> Result<Value> {
        match &existing.token {
            Some((token, request)) if input.text("clientToken") == Some(token) && request == input => {
                Ok(json!({"service": self.render_service(&existing.key, true)}))
            }
            _ => Err(invalid("Creation of service was not idempotent.")),
        }
    }

    pub(super) fn update_service(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let key = self.service_key(&cluster, input.text("service").unwrap_or_default())?;
        let service = self.services.get(&key).ok_or_else(no_service)?;
        if service.status != ACTIVE {
            return Err(not_active());
        }
        service_checks::check_controller(input)?;
        let reference = input.text("taskDefinition");
        let definition = match reference {
            Some(reference) => self.active_definition(reference)?,
            None => std::sync::Arc::clone(
                &self.find_definition(&service.task_definition).ok_or_else(no_service)?.definition,
            ),
        };
        if reference.is_none() && input.flag("forceNewDeployment") {
            self.active_definition(&service.task_definition)?;
        }
        let (old_spec, old_hidden) = (service.spec.clone(), service.hidden.clone());
        let spec = merged(env, service, input);
        service_checks::check_capacity_change(&old_spec, &spec, input)?;
        let mut hidden_now = old_hidden.clone();
        hidden_now.extend(settings::hidden(input));
        service_checks::check(self, &cluster, &spec, &definition)?;
        service_checks::check_grace(input, &spec, &definition)?;
        hidden_checks::check(&hidden_now, &spec, &definition)?;
        settings::settle(&mut hidden_now);
        if input.get("loadBalancers").is_some() || reference.is_some() {
            service_checks::check_balancers(env, &spec, &definition)?;
        }
        let count = input
            .int("desiredCount")
            .map(|count| {
                usize::try_from(count)
                    .map_err(|_| invalid("Desired count must be greater than or equal to 0."))
            })
            .transpose()?;
        if count.is_some() && service.is_daemon() {
            return Err(invalid(
                "The daemon scheduling strategy does not support a desired count for services.",
            ));
        }
        let differs = |name: &&'static str| {
            spec.get(*name) != old_spec.get(*name) || hidden_now.get(*name) != old_hidden.get(*name)
        };
        let deploys = input.flag("forceNewDeployment")
            || definition.arn != service.task_definition
            || DEPLOYING.iter().any(differs);
        let service = self.service_mut(&key).ok_or_else(no_service)?;
        if let Some(before) = old_spec.text("launchType") {
            service.launch_type = Some(before.to_owned());
        }
        service.spec = spec;
        service.hidden = hidden_now;
        service.task_definition.clone_from(&definition.arn);
        if let Some(count) = count.filter(|count| *count != service.desired) {
            service.desired = count;
            service.steady = false;
        }
        if deploys {
            self.start_deployment(env, &key);
        }
        self.service_changed(&key, after(env.ctx.now, 0.5));
        Ok(json!({"service": self.render_service(&key, true)}))
    }

    pub(super) fn delete_service(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let key = self.service_key(&cluster, input.text("service").unwrap_or_default())?;
        let service = self.service_mut(&key).ok_or_else(no_service)?;
        if service.status == INACTIVE {
            return Err(no_service());
        }
        if service.status == ACTIVE {
            if service.desired > 0 && !service.is_daemon() && !input.flag("force") {
                return Err(invalid("The service cannot be stopped while it is scaled above 0."));
            }
            service.status = DRAINING;
            service.desired = 0;
            service.steady = false;
        }
        self.service_changed(&key, env.ctx.now);
        self.schedule_service(env, &key);
        Ok(json!({"service": self.render_service(&key, false)}))
    }

    pub(super) fn describe_services(&mut self, env: &Env<'_>, input: &Value) -> Result<Answer> {
        let cluster = self.active_cluster(input)?;
        let wanted = texts(input, "services");
        if wanted.is_empty() {
            return Err(invalid("Services cannot be empty."));
        }
        if wanted.len() > 10 {
            return Err(invalid("Services cannot have more than 10 items."));
        }
        let with_tags = includes(input, "TAGS");
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for reference in wanted {
            let key = key_of(&cluster, service_name(reference, &cluster)?);
            if self.services.contains_key(&key) {
                found.push(key);
            } else {
                failures
                    .push(json!({"arn": env.ctx.arn("ecs", &format!("service/{key}")), "reason": "MISSING"}));
            }
        }
        let mut text = String::from("{\"services\":[");
        for (place, key) in found.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            self.show_service(key, with_tags, &mut text);
        }
        text.push_str("],\"failures\":");
        text.push_str(&Value::from(failures).to_string());
        text.push('}');
        Ok(Answer::Text(text))
    }

    /// Appends the rendered service, which is kept until the service or one of its tasks changes.
    fn show_service(&mut self, key: &str, with_tags: bool, into: &mut String) {
        let place = usize::from(with_tags);
        if let Some(text) = self.services.get(key).and_then(|service| service.shown[place].as_ref()) {
            into.push_str(text);
            return;
        }
        let text = self.render_service(key, with_tags).to_string();
        into.push_str(&text);
        if let Some(service) = self.services.get_mut(key) {
            service.shown[place] = Some(text);
        }
    }

    pub(super) fn list_services(&self, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let fits = |service: &&Service| {
            service.cluster == cluster
                && service.status == ACTIVE
                && input
                    .text("launchType")
                    .is_none_or(|wanted| service.spec.text("launchType") == Some(wanted))
                && input
                    .text("schedulingStrategy")
                    .is_none_or(|wanted| service.spec.text("schedulingStrategy") == Some(wanted))
        };
        let arns = self.services.values().filter(fits).map(|service| service.arn.as_str().into()).collect();
        let (items, next) = page(input, arns, 10)?;
        Ok(page_answer("serviceArns", items, next))
    }

    /// The key of the service that a name or ARN means.
    ///
    /// # Errors
    /// `InvalidParameterException` for an ARN of another cluster.
    pub(super) fn service_key(&self, cluster: &str, reference: &str) -> Result<String> {
        Ok(key_of(cluster, service_name(reference, cluster)?))
    }

    /// A service to change; what was rendered of it is dropped.
    pub(super) fn service_mut(&mut self, key: &str) -> Option<&mut Service> {
        let service = self.services.get_mut(key)?;
        service.shown = [None, None];
        Some(service)
    }

    /// The tasks of a service that have not stopped.
    pub(super) fn tasks_of(&self, service: &Service) -> Vec<&Task> {
        service.tasks.iter().filter_map(|id| self.tasks.get(id)).collect()
    }

    fn render_service(&self, key: &str, with_tags: bool) -> Value {
        self.services
            .get(key)
            .map(|service| service.render(&self.tasks_of(service), with_tags))
            .unwrap_or_default()
    }
}

/// The name in a service's name or ARN.
fn service_name<'a>(reference: &'a str, cluster: &str) -> Result<&'a str> {
    if !reference.starts_with("arn:") {
        return Ok(reference);
    }
    let parts: Vec<&str> = reference.split('/').collect();
    match parts[..] {
        [_, own, name] if own == cluster => Ok(name),
        [_, own, _] => Err(invalid(format!(
            "Invalid identifier: Identifier is for cluster {own}. Your cluster is {cluster}"
        ))),
        [_, name] => Ok(name),
        _ => Err(invalid("Invalid identifier: the service ARN is not valid.")),
    }
}

/// The service's members after an update.
fn merged(env: &Env<'_>, service: &Service, input: &Value) -> Map<String, Value> {
    let mut spec = service.spec.clone();
    spec.extend(settings::replaced(input));
    if input.get("capacityProviderStrategy").is_some() {
        capacity(service, &mut spec, input.get("platformVersion").is_some());
    }
    if input.get("loadBalancers").is_some() && input.items("loadBalancers").is_empty() {
        spec.remove("healthCheckGracePeriodSeconds");
        spec.remove("roleArn");
    }
    if let (Some(Value::Object(own)), Some(Value::Object(new))) =
        (spec.get_mut("deploymentConfiguration"), input.get("deploymentConfiguration"))
    {
        if new.contains_key("strategy") {
            // They belong to one strategy; that they go with it is a guess.
            for part in ["linearConfiguration", "canaryConfiguration"] {
                own.remove(part);
            }
        }
        own.extend(new.clone());
    }
    if let Some(configuration) = spec.get_mut("deploymentConfiguration") {
        service_checks::fill_configuration(configuration, !service.is_daemon());
    }
    service_checks::refill(env, &mut spec);
    spec
}

/// What becomes of the launch type when the strategy is set. An empty one goes back to the launch
/// type (API reference of UpdateService, capacityProviderStrategy); which one that is AWS does not
/// say: the one of before is a guess, and for a service that never had one, that of its providers.
/// That a platform version goes with Fargate is a guess, too: UpdateService has no way to unset it.
fn capacity(service: &Service, spec: &mut Map<String, Value>, with_version: bool) {
    if spec.items("capacityProviderStrategy").is_empty() {
        spec.remove("capacityProviderStrategy");
        if !spec.contains_key("launchType") {
            let of_providers = if service_checks::on_fargate(&service.spec) { "FARGATE" } else { "EC2" };
            let before = service.launch_type.as_deref().unwrap_or(of_providers);
            spec.insert("launchType".to_owned(), before.into());
        }
    } else {
        spec.remove("launchType");
    }
    if !service_checks::on_fargate(spec) && !with_version {
        spec.remove("platformVersion");
        spec.remove("platformFamily");
    }
}
