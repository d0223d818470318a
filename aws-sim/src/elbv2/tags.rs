//! Tags of load balancers, target groups, listeners and rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Elbv2;
use super::errors::{
    bad, invalid, listener_not_found, load_balancer_not_found, rule_not_found, target_group_not_found,
};
use crate::error::ApiError;
use crate::form::{Form, null_member};

/// Tags that one resource may have.
const MOST_TAGS: usize = 50;

/// Resources that one call may name.
const MOST_RESOURCES: usize = 20;

/// Reads and checks the `Tags` member of a request.
///
/// # Errors
/// `DuplicateTagKeys`, `TooManyTags`, or `ValidationError` for a bad key or value.
pub(super) fn read(form: &Form) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in form.structs("Tags") {
        let (key, value) = (tag.require("Key")?, tag.get("Value").unwrap_or_default());
        let text = |t: &str| t.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
        if key.chars().count() > 128 || value.chars().count() > 256 || !text(key) || !text(value) {
            return Err(invalid(format!("Tag '{key}' has a key or value that is not valid")));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(invalid(format!("Tag key '{key}' cannot begin with 'aws:'")));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(bad("DuplicateTagKeys", format!("Tag key '{key}' was specified more than once")));
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(too_many());
    }
    Ok(tags)
}

fn too_many() -> ApiError {
    bad("TooManyTags", format!("The maximum number of tags for a resource is '{MOST_TAGS}'"))
}

impl Elbv2 {
    /// The tags of a resource that is there.
    pub(crate) fn tags_at(&self, arn: &str) -> Option<&BTreeMap<String, String>> {
        self.tags.get(arn)
    }

    fn tagged(&self, form: &Form) -> Result<Vec<String>, ApiError> {
        let arns = form.list("ResourceArns");
        if arns.is_empty() {
            return Err(null_member("ResourceArns"));
        }
        if arns.len() > MOST_RESOURCES {
            return Err(invalid(format!("You can specify at most '{MOST_RESOURCES}' resource ARNs")));
        }
        arns.iter().try_for_each(|arn| self.check_taggable(arn))?;
        Ok(arns)
    }

    fn check_taggable(&self, arn: &str) -> Result<(), ApiError> {
        let kind = arn.splitn(6, ':').nth(5).and_then(|r| r.split('/').next()).unwrap_or_default();
        let (known, missing): (bool, fn() -> ApiError) = match kind {
            "loadbalancer" => (self.load_balancers.contains_key(arn), load_balancer_not_found),
            "targetgroup" => (self.target_groups.contains_key(arn), target_group_not_found),
            "listener" => (self.listeners.contains_key(arn), listener_not_found),
            "listener-rule" => (self.rules.contains_key(arn), rule_not_found),
            _ => return Err(invalid(format!("'{arn}' is not a valid resource ARN"))),
        };
        if known { Ok(()) } else { Err(missing()) }
    }

    pub(super) fn add_tags(&mut self, form: &Form) -> Result<Value, ApiError> {
        let arns = self.tagged(form)?;
        let tags = read(form)?;
        if tags.is_empty() {
            return Err(null_member("Tags"));
        }
        let merged = |arn: &String| {
            let mut all = self.tags.get(arn).cloned().unwrap_or_default();
            all.extend(tags.clone());
            (arn.clone(), all)
        };
        let merged: Vec<_> = arns.iter().map(merged).collect();
        if merged.iter().any(|(_, all)| all.len() > MOST_TAGS) {
            return Err(too_many());
        }
        self.tags.extend(merged);
        Ok(json!({}))
    }

    pub(super) fn remove_tags(&mut self, form: &Form) -> Result<Value, ApiError> {
        let keys = form.list("TagKeys");
        for arn in self.tagged(form)? {
            if let Some(tags) = self.tags.get_mut(&arn) {
                tags.retain(|key, _| !keys.contains(key));
            }
        }
        Ok(json!({}))
    }

    pub(super) fn describe_tags(&self, form: &Form) -> Result<Value, ApiError> {
        let one = |arn: &String| {
            let tags = self.tags.get(arn);
            let list: Value =
                tags.into_iter().flatten().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
            json!({"ResourceArn": arn, "Tags": list})
        };
        let list: Value = self.tagged(form)?.iter().map(one).collect();
        Ok(json!({"TagDescriptions": list}))
    }
}
