//! The operations on tasks.

use serde_json::{Value, json};

use super::{
    Ecs, Env,
    definition::Definition,
    errors::{Result, invalid, no_service},
    input::{Fields, Tags, includes, page, page_answer, read_tags, texts},
    launch::{Launch, Placement, overrides},
    service_checks,
    services::key_of,
    task::Task,
};
use crate::error::ApiError;

/// A RunTask request with a client token, and the tasks that it started.
#[derive(Debug, Clone)]
pub(super) struct Token {
    request: Value,
    tasks: Vec<String>,
}

impl Ecs {
    pub(super) fn run_task(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let count = input.int("count").unwrap_or(1);
        if !(1..=10).contains(&count) {
            return Err(invalid("Invalid count: it must be between 1 and 10."));
        }
        let token = input.text("clientToken").map(|token| format!("{cluster}/{token}"));
        if let Some(known) = token.as_ref().and_then(|token| self.run_tokens.get(token)) {
            return self.run_before(known, input);
        }
        let reference = input.text("taskDefinition").unwrap_or_default();
        let definition = self.active_definition(reference)?;
        let template = self.launch_of(env, input, cluster, definition)?;
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for _ in 0..count {
            match self.launch(env, template.clone()) {
                Ok(id) => tasks.push(id),
                Err(reason) if reason.starts_with("No Container Instances") => return Err(invalid(reason)),
                Err(reason) => failures.push(json!({"reason": "RESOURCE:PORTS", "detail": reason})),
            }
        }
        let shown: Vec<Value> =
            tasks.iter().filter_map(|id| self.tasks.get(id)).map(|task| task.render(true)).collect();
        if let Some(token) = token {
            self.run_tokens.insert(token, Token { request: input.clone(), tasks });
        }
        Ok(json!({"tasks": shown, "failures": failures}))
    }

    /// The same request with the same token is answered with the tasks that it started.
    fn run_before(&self, known: &Token, input: &Value) -> Result<Value> {
        if known.request != *input {
            let arns: Vec<&str> =
                known.tasks.iter().filter_map(|id| Some(self.tasks.get(id)?.arn.as_str())).collect();
            let text = "The client token was used before with other parameters.";
            return Err(ApiError::new(400, "ConflictException", text).with("resourceIds", json!(arns)));
        }
        let tasks: Vec<Value> =
            known.tasks.iter().filter_map(|id| self.tasks.get(id)).map(|task| task.render(true)).collect();
        Ok(json!({"tasks": tasks, "failures": []}))
    }

    fn launch_of(
        &self,
        env: &Env<'_>,
        input: &Value,
        cluster: String,
        definition: std::sync::Arc<Definition>,
    ) -> Result<Launch> {
        let none = json!([]);
        let strategy = self.clusters.get(&cluster).map_or(&none, |found| &found.strategy);
        if input.get("launchType").is_some() && !input.items("capacityProviderStrategy").is_empty() {
            let text = "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
            return Err(invalid(text));
        }
        let spec = service_checks::fill(env, input, strategy);
        service_checks::check(self, &cluster, &spec, &definition)?;
        for own in input["overrides"].items("containerOverrides") {
            let name = own.text("name").unwrap_or_default();
            if definition.container(name).is_none() {
                return Err(invalid(format!(
                    "Override for container named {name} is not a container in the TaskDefinition."
                )));
            }
        }
        let placement = Placement::choose(spec.text("launchType"), spec.items("capacityProviderStrategy"));
        let family = format!("family:{}", definition.family);
        Ok(Launch {
            service: None,
            deployment: String::new(),
            group: input.text("group").map_or(family, str::to_owned),
            started_by: input.text("startedBy").map(str::to_owned),
            launch_type: placement.launch_type,
            provider: placement.provider,
            network: spec.get("networkConfiguration").cloned(),
            overrides: overrides(input, &definition),
            exec: input.flag("enableExecuteCommand"),
            tags: self.run_tags(input, &cluster, &definition)?,
            balancers: Vec::new(),
            cluster,
            definition,
        })
    }

    fn run_tags(&self, input: &Value, cluster: &str, definition: &Definition) -> Result<Tags> {
        let mut tags = match input.text("propagateTags") {
            Some("TASK_DEFINITION") => {
                self.find_definition(&definition.arn).map(|found| found.tags.clone()).unwrap_or_default()
            }
            _ => Tags::new(),
        };
        tags.extend(read_tags(input)?);
        if input.flag("enableECSManagedTags") {
            tags.insert("aws:ecs:clusterName".to_owned(), cluster.to_owned());
        }
        Ok(tags)
    }

    pub(super) fn stop_task_call(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let id = task_id(input.text("task").unwrap_or_default()).to_owned();
        if self.tasks.get(&id).is_none_or(|task| task.cluster != cluster) {
            return Err(invalid("The referenced task was not found."));
        }
        self.stop_task(env, &id, "UserInitiated", input.text("reason").unwrap_or("Task stopped by user"));
        Ok(json!({"task": self.tasks.get(&id).map(|task| task.render(false))}))
    }

    pub(super) fn describe_tasks(&self, env: &Env<'_>, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let wanted = texts(input, "tasks");
        if wanted.is_empty() {
            return Err(invalid("Tasks cannot be empty."));
        }
        if wanted.len() > 100 {
            return Err(invalid("Tasks cannot have more than 100 items."));
        }
        let with_tags = includes(input, "TAGS");
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for reference in wanted {
            let id = task_id(reference);
            match self.tasks.get(id).filter(|task| task.cluster == cluster) {
                Some(task) => tasks.push(task.render(with_tags)),
                None => {
                    let arn = env.ctx.arn("ecs", &format!("task/{cluster}/{id}"));
                    failures.push(json!({"arn": arn, "reason": "MISSING"}));
                }
            }
        }
        Ok(json!({"tasks": tasks, "failures": failures}))
    }

    pub(super) fn list_tasks(&self, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let service = match input.text("serviceName") {
            None => None,
            Some(name) => {
                let key = key_of(&cluster, name.rsplit('/').next().unwrap_or(name));
                if !self.services.contains_key(&key) {
                    return Err(no_service());
                }
                Some(key)
            }
        };
        let wanted = input.text("desiredStatus").unwrap_or("RUNNING") != "STOPPED";
        let given = |name: &str, own: Option<&str>| input.text(name).is_none_or(|asked| own == Some(asked));
        let fits = |task: &&Task| {
            task.cluster == cluster
                && task.wanted == wanted
                && service.as_ref().is_none_or(|key| task.service.as_ref() == Some(key))
                && given("family", Some(&task.definition.family))
                && given("startedBy", task.started_by.as_deref())
                && given("launchType", Some(&task.launch_type))
                && given("containerInstance", task.instance.as_ref().map(|own| own.arn.as_str()))
        };
        let arns = self.tasks.values().filter(fits).map(|task| task.arn.as_str().into()).collect();
        let (items, next) = page(input, arns, 100)?;
        Ok(page_answer("taskArns", items, next))
    }
}

/// The id in a task's id or ARN.
pub(super) fn task_id(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}
