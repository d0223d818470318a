//! Tags of capacity providers, clusters, services, tasks and task definitions.

use serde_json::{Value, json};

use super::{
    Ecs,
    definitions::split,
    errors::{Result, invalid, no_cluster},
    input::{Fields, Tags, read_tags, tag_list, texts},
    tasks::task_id,
};
use crate::error::ApiError;

impl Ecs {
    pub(super) fn tag_resource(&mut self, input: &Value) -> Result<Value> {
        let new = read_tags(input)?;
        let tags = self.tags_of(input.text("resourceArn").unwrap_or_default())?;
        let mut all = tags.clone();
        all.extend(new);
        if all.len() > 50 {
            return Err(invalid("The number of tags must not be more than 50."));
        }
        *tags = all;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, input: &Value) -> Result<Value> {
        let keys = texts(input, "tagKeys");
        let tags = self.tags_of(input.text("resourceArn").unwrap_or_default())?;
        tags.retain(|key, _| !keys.contains(&key.as_str()));
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&mut self, input: &Value) -> Result<Value> {
        // Alone among the three, this operation has no error for a resource that is not there.
        let tags = self.tags_of(input.text("resourceArn").unwrap_or_default());
        let tags = tags.map_err(|error| match error.code {
            "ResourceNotFoundException" => invalid(error.message),
            _ => error,
        })?;
        Ok(json!({"tags": tag_list(tags)}))
    }

    /// The tags of a resource that is there.
    pub(crate) fn tags_at(&self, arn: &str) -> Option<&Tags> {
        let (kind, name) = arn.splitn(6, ':').nth(5)?.split_once('/')?;
        match kind {
            "cluster" => self.clusters.get(name).map(|cluster| &cluster.tags),
            "capacity-provider" => self.providers.get(name).map(|provider| &provider.tags),
            "service" => self.services.get(name).map(|service| &service.tags),
            "task" => self.tasks.get(task_id(name)).map(|task| &task.tags),
            "task-definition" => self.find_definition(arn).map(|registered| &registered.tags),
            _ => None,
        }
    }

    fn tags_of(&mut self, arn: &str) -> Result<&mut Tags> {
        let broken = || invalid("The specified ARN is not valid. Specify a valid ARN and try again.");
        let resource = arn.splitn(6, ':').nth(5).ok_or_else(broken)?;
        let (kind, name) = resource.split_once('/').ok_or_else(broken)?;
        let missing =
            || ApiError::new(400, "ResourceNotFoundException", "The specified resource was not found.");
        match kind {
            "cluster" => self.clusters.get_mut(name).map(|cluster| &mut cluster.tags).ok_or_else(no_cluster),
            "capacity-provider" => {
                self.providers.get_mut(name).map(|provider| &mut provider.tags).ok_or_else(missing)
            }
            "service" => self.service_mut(name).map(|service| &mut service.tags).ok_or_else(missing),
            "task" => {
                let task = self.tasks.get_mut(task_id(name)).ok_or_else(missing)?;
                Ok(&mut task.tags)
            }
            "task-definition" => {
                let found = split(name).and_then(|(family, revision)| {
                    self.families.get_mut(family)?.revisions.get_mut(&revision)
                });
                found.map(|registered| &mut registered.tags).ok_or_else(missing)
            }
            _ => Err(broken()),
        }
    }
}
