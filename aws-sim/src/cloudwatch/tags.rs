//! Tags of alarms.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Cloudwatch,
    alarm::Alarm,
    errors::{bad_value, invalid, not_simulated},
};
use crate::{
    ctx::Ctx,
    error::ApiError,
    fields::{Fields, texts},
};

/// Tags that one alarm may have.
const MOST_TAGS: usize = 50;

/// Reads and checks the `Tags` of a request.
///
/// # Errors
/// `ValidationError` for reserved or repeated keys, or too many.
pub(super) fn read(input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in input.items("Tags") {
        let (key, value) = (tag.text("Key").unwrap_or_default(), tag.text("Value").unwrap_or_default());
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("Tag keys that start with aws: are reserved for AWS use: {key}")));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag keys found: {key}")));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(invalid(format!("An alarm can have at most {MOST_TAGS} tags.")));
    }
    Ok(())
}

impl Cloudwatch {
    /// The tags of an alarm that is there.
    pub(crate) fn tags_at(&self, arn: &str) -> Option<&BTreeMap<String, String>> {
        let name = arn.split_once(":alarm:")?.1;
        self.alarms.get(name).map(|alarm| &alarm.tags)
    }

    /// The alarm that `ResourceARN` names.
    fn tagged(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<&mut Alarm, ApiError> {
        let arn = input.text("ResourceARN").unwrap_or_default();
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let resource = match parts.as_slice() {
            ["arn", _, "cloudwatch", _, _, resource] => *resource,
            _ => {
                return Err(bad_value(format!(
                    "The value {arn} for parameter ResourceARN is not a valid ARN."
                )));
            }
        };
        let Some(name) = resource.strip_prefix("alarm:") else {
            return Err(not_simulated(&format!("The resource {resource}")));
        };
        let own = ctx.arn("cloudwatch", resource) == arn;
        self.alarms.get_mut(name).filter(|_| own).ok_or_else(|| {
            ApiError::new(404, "ResourceNotFoundException", format!("There is no alarm {arn}."))
                .with("ResourceType", "Alarm")
                .with("ResourceId", name)
        })
    }

    /// Adds tags, or changes their values.
    pub(super) fn tag_resource(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let tags = read(input).map_err(|error| bad_value(error.message))?;
        let alarm = self.tagged(ctx, input)?;
        let mut merged = alarm.tags.clone();
        merged.extend(tags);
        check_count(&merged).map_err(|error| bad_value(error.message))?;
        alarm.tags = merged;
        Ok(json!({}))
    }

    /// Removes tags by key; keys that are not there do not matter.
    pub(super) fn untag_resource(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let keys = texts(input, "TagKeys");
        self.tagged(ctx, input)?.tags.retain(|key, _| !keys.contains(&key.as_str()));
        Ok(json!({}))
    }

    /// Lists tags.
    pub(super) fn list_tags_for_resource(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<Value, ApiError> {
        let tags: Vec<Value> = self
            .tagged(ctx, input)?
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        Ok(json!({ "Tags": tags }))
    }
}
