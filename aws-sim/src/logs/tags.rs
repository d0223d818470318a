//! Tags of log groups, through the present operations and the deprecated ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::groups::Group;
use super::input::{group_name, required, tags, texts};
use super::{Logs, not_found};
use crate::error::ApiError;

/// Tags that one log group may have.
const MOST_TAGS: usize = 50;

impl Logs {
    /// The tags of a group that is there.
    pub(crate) fn tags_at(&self, arn: &str) -> Option<&BTreeMap<String, String>> {
        self.groups.get(group_name(arn)).map(|group| &group.tags)
    }

    fn by_arn(&mut self, input: &Value) -> Result<&mut Group, ApiError> {
        let arn = required(input, "resourceArn");
        let group =
            self.groups.get_mut(group_name(arn)).filter(|g| arn.strip_suffix(":*").unwrap_or(arn) == g.arn);
        group.ok_or_else(|| not_found("resource"))
    }

    fn by_name(&mut self, input: &Value) -> Result<&mut Group, ApiError> {
        self.group_mut(required(input, "logGroupName"))
    }

    pub(super) fn tag_resource(&mut self, input: &Value) -> Result<Value, ApiError> {
        add(self.by_arn(input)?, tags(input)?)
    }

    pub(super) fn untag_resource(&mut self, input: &Value) -> Result<Value, ApiError> {
        let keys = texts(input, "tagKeys");
        self.by_arn(input)?.tags.retain(|key, _| !keys.contains(key));
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&mut self, input: &Value) -> Result<Value, ApiError> {
        Ok(json!({"tags": self.by_arn(input)?.tags}))
    }

    pub(super) fn tag_group(&mut self, input: &Value) -> Result<Value, ApiError> {
        add(self.by_name(input)?, tags(input)?)
    }

    pub(super) fn untag_group(&mut self, input: &Value) -> Result<Value, ApiError> {
        let keys = texts(input, "tags");
        self.by_name(input)?.tags.retain(|key, _| !keys.contains(key));
        Ok(json!({}))
    }

    pub(super) fn list_tags_group(&mut self, input: &Value) -> Result<Value, ApiError> {
        Ok(json!({"tags": self.by_name(input)?.tags}))
    }
}

fn add(group: &mut Group, tags: BTreeMap<String, String>) -> Result<Value, ApiError> {
    let mut merged = group.tags.clone();
    merged.extend(tags);
    if merged.len() > MOST_TAGS {
        let message = format!("A resource can have at most {MOST_TAGS} tags.");
        return Err(ApiError::new(400, "TooManyTagsException", message));
    }
    group.tags = merged;
    Ok(json!({}))
}
