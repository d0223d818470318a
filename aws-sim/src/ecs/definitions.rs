//! The operations on task definitions.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    Ecs, Env,
    definition::{Definition, Registered, fill},
    definition_checks,
    errors::{Result, client, invalid},
    input::{Fields, includes, page, page_answer, read_tags, tag_list, texts},
    queue::{Event, after},
};

/// The revisions of one family.
#[derive(Debug, Clone, Default)]
pub(super) struct Family {
    pub(super) last: u32,
    pub(super) revisions: BTreeMap<u32, Registered>,
}

impl Ecs {
    pub(super) fn register_task_definition(&mut self, env: &mut Env<'_>, input: &Value) -> Result<Value> {
        let mut body = input.as_object().cloned().unwrap_or_default();
        let tags = read_tags(input)?;
        body.remove("tags");
        definition_checks::check(&body)?;
        fill(&mut body);
        let name = body.text("family").unwrap_or_default().to_owned();
        let family = self.families.entry(name.clone()).or_default();
        family.last += 1;
        let revision = family.last;
        let arn = env.ctx.arn("ecs", &format!("task-definition/{name}:{revision}"));
        body.insert("taskDefinitionArn".to_owned(), arn.as_str().into());
        body.insert("revision".to_owned(), revision.into());
        body.insert("registeredAt".to_owned(), crate::ctx::epoch(env.ctx.now));
        body.insert("registeredBy".to_owned(), env.principal().into());
        let definition = Arc::new(Definition::new(arn, &name, revision, body));
        let registered = Registered {
            definition,
            status: "ACTIVE",
            deregistered_at: None,
            delete_requested_at: None,
            tags,
        };
        let mut answer = json!({"taskDefinition": registered.render()});
        if !registered.tags.is_empty() {
            answer["tags"] = tag_list(&registered.tags);
        }
        family.revisions.insert(revision, registered);
        Ok(answer)
    }

    pub(super) fn describe_task_definition(&self, input: &Value) -> Result<Value> {
        let reference = input.text("taskDefinition").unwrap_or_default();
        let found =
            self.find_definition(reference).ok_or_else(|| client("Unable to describe task definition."))?;
        let mut answer = json!({"taskDefinition": found.render()});
        if includes(input, "TAGS") {
            answer["tags"] = tag_list(&found.tags);
        }
        Ok(answer)
    }

    pub(super) fn deregister_task_definition(&mut self, env: &Env<'_>, input: &Value) -> Result<Value> {
        let reference = input.text("taskDefinition").unwrap_or_default();
        // moto, test_deregister_task_definition; the second text was seen on the live service for
        // UpdateService, with this code.
        let Some((family, revision)) = tail(reference).split_once(':') else {
            return Err(client("Revision is missing."));
        };
        let revision: u32 =
            revision.parse().map_err(|_| invalid(format!("Invalid revision number. Number: {revision}")))?;
        let registered = self
            .families
            .get_mut(family)
            .and_then(|found| found.revisions.get_mut(&revision))
            .ok_or_else(|| client("The specified task definition does not exist."))?;
        if registered.status == "ACTIVE" {
            registered.status = "INACTIVE";
            registered.deregistered_at = Some(env.ctx.now);
        }
        Ok(json!({"taskDefinition": registered.render()}))
    }

    pub(super) fn delete_task_definitions(&mut self, env: &Env<'_>, input: &Value) -> Result<Value> {
        let references = texts(input, "taskDefinitions");
        if references.len() > 10 {
            return Err(invalid("Task definitions cannot have more than 10 items."));
        }
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            let found = split(reference)
                .and_then(|(family, revision)| self.families.get_mut(family)?.revisions.get_mut(&revision));
            match found {
                None => failures.push(json!({"arn": reference, "reason": "TASK_DEFINITION_NOT_FOUND"})),
                Some(registered) if registered.status == "ACTIVE" => {
                    failures.push(json!({"arn": registered.definition.arn, "reason": "ACTIVE",
                        "detail": "The specified task definition is still in ACTIVE status. Please deregister the target and try again."}));
                }
                Some(registered) => {
                    registered.status = "DELETE_IN_PROGRESS";
                    registered.delete_requested_at = Some(env.ctx.now);
                    deleted.push(registered.render());
                    let (family, revision) =
                        (registered.definition.family.clone(), registered.definition.revision);
                    self.queue.plan(after(env.ctx.now, 60.0), Event::Definition(family, revision));
                }
            }
        }
        Ok(json!({"taskDefinitions": deleted, "failures": failures}))
    }

    /// A definition under deletion goes as soon as nothing runs it any more.
    pub(super) fn forget_definition(&mut self, env: &Env<'_>, family: String, revision: u32) {
        let Some(registered) = self.families.get(&family).and_then(|found| found.revisions.get(&revision))
        else {
            return;
        };
        let arn = &registered.definition.arn;
        let used = self.tasks.values().any(|task| task.definition.arn == *arn && !task.is_stopped())
            || self.services.values().any(|service| service.uses(arn));
        if used {
            self.queue.plan(after(env.ctx.now, 60.0), Event::Definition(family, revision));
        } else if let Some(found) = self.families.get_mut(&family) {
            found.revisions.remove(&revision);
        }
    }

    pub(super) fn list_task_definitions(&self, input: &Value) -> Result<Value> {
        let status = input.text("status").unwrap_or("ACTIVE");
        let family = input.text("familyPrefix");
        let mut arns: Vec<Value> = self
            .families
            .iter()
            .filter(|(name, _)| family.is_none_or(|wanted| wanted == name.as_str()))
            .flat_map(|(_, found)| found.revisions.values())
            .filter(|registered| registered.status == status)
            .map(|registered| registered.definition.arn.as_str().into())
            .collect();
        if input.text("sort") == Some("DESC") {
            arns.reverse();
        }
        let (items, next) = page(input, arns, 100)?;
        Ok(page_answer("taskDefinitionArns", items, next))
    }

    pub(super) fn list_task_definition_families(&self, input: &Value) -> Result<Value> {
        let prefix = input.text("familyPrefix").unwrap_or_default();
        let active = |family: &Family| family.revisions.values().any(|each| each.status == "ACTIVE");
        let names = self
            .families
            .iter()
            .filter(|(name, family)| {
                name.starts_with(prefix)
                    && !family.revisions.is_empty()
                    && match input.text("status") {
                        Some("ACTIVE") => active(family),
                        Some("INACTIVE") => !active(family),
                        _ => true,
                    }
            })
            .map(|(name, _)| name.as_str().into())
            .collect();
        let (items, next) = page(input, names, 100)?;
        Ok(page_answer("families", items, next))
    }

    /// The ARN of the revision that a reference means.
    pub(crate) fn definition_arn(&self, reference: &str) -> Option<String> {
        self.find_definition(reference).map(|registered| registered.definition.arn.clone())
    }

    /// The ARN of a role that a revision names, by the name of the member.
    pub(crate) fn role_of_definition(&self, reference: &str, member: &str) -> Option<&str> {
        self.find_definition(reference)?.definition.body.text(member)
    }

    /// The definition that an ARN, `family:revision` or a family (its newest active revision)
    /// names.
    pub(super) fn find_definition(&self, reference: &str) -> Option<&Registered> {
        match split(reference) {
            Some((family, revision)) => self.families.get(family)?.revisions.get(&revision),
            None => {
                let family = self.families.get(tail(reference))?;
                family.revisions.values().rev().find(|registered| registered.status == "ACTIVE")
            }
        }
    }

    /// The definition to start tasks of.
    ///
    /// # Errors
    /// `ClientException` when there is none or it is not active.
    pub(super) fn active_definition(&self, reference: &str) -> Result<Arc<Definition>> {
        let registered =
            self.find_definition(reference).ok_or_else(|| client("TaskDefinition not found."))?;
        if registered.status != "ACTIVE" {
            return Err(client("TaskDefinition is inactive"));
        }
        Ok(Arc::clone(&registered.definition))
    }
}

fn tail(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// Family and revision of an ARN or `family:revision`; `None` for a bare family.
pub(super) fn split(reference: &str) -> Option<(&str, u32)> {
    let (family, revision) = tail(reference).split_once(':')?;
    Some((family, revision.parse().ok()?))
}
