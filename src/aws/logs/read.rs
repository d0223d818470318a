//! Reads of CloudWatch Logs.

use crate::aws::budget::Category;
use crate::aws::clients::PlacementClients;
use crate::aws::error::{Error, Kind};
use crate::model::observed::ObservedResource;
use crate::model::resource::Tree;
use aws_sdk_cloudwatchlogs::types::LogGroup;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};

/// Names that DescribeLogGroups takes.
pub const GROUPS_PER_CALL: usize = 50;

const DESCRIBE: &str = "logs:DescribeLogGroups";
const LIST_TAGS: &str = "logs:ListTagsForResource";

/// Log groups by name, up to [`GROUPS_PER_CALL`], without tags. Those that do not exist are left
/// out.
///
/// # Errors
///
/// Not found when that is so of one of several names; otherwise when the call failed.
pub async fn log_groups(
    clients: &PlacementClients,
    names: &[String],
) -> Result<BTreeMap<String, ObservedResource>, Error> {
    let send = || {
        // Without a limit: beside identifiers AWS takes one other filter only (CloudWatch Logs API,
        // DescribeLogGroups), and there are no more groups than names.
        clients.logs.describe_log_groups().set_log_group_identifiers(Some(names.to_vec())).send()
    };
    let groups = match clients.read(Category::LogsRead, DESCRIBE, send).await {
        Ok(answer) => answer.log_groups.unwrap_or_default(),
        // Asking by identifiers is the newer way, not offered everywhere; asking by prefix always
        // works, for one at a time.
        Err(error) if error.kind == Kind::Rejected || (error.is_not_found() && names.len() == 1) => {
            let mut groups = Vec::new();
            for name in names {
                groups.extend(by_prefix(clients, name).await?);
            }
            groups
        }
        Err(error) => return Err(error),
    };
    let wanted: BTreeSet<&String> = names.iter().collect();
    let found = groups.into_iter().filter_map(|group| {
        let name = group.log_group_name.clone().filter(|name| wanted.contains(name))?;
        Some((name, resource(group)))
    });
    Ok(found.collect())
}

/// The groups whose names begin with `name`; the group of that very name is the first of them, for
/// AWS sorts by name.
async fn by_prefix(clients: &PlacementClients, name: &str) -> Result<Vec<LogGroup>, Error> {
    let send = || clients.logs.describe_log_groups().log_group_name_prefix(name).limit(1).send();
    let answer = clients.read(Category::LogsRead, DESCRIBE, send).await?;
    Ok(answer.log_groups.unwrap_or_default())
}

/// Tags of one log group, by its ARN without `:*`.
///
/// # Errors
///
/// Not found when it does not exist; otherwise when the call failed.
pub async fn log_group_tags(
    clients: &PlacementClients,
    arn: &str,
) -> Result<BTreeMap<String, String>, Error> {
    let send = || clients.logs.list_tags_for_resource().resource_arn(arn).send();
    let answer = clients.read(Category::LogsRead, LIST_TAGS, send).await?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

fn resource(group: LogGroup) -> ObservedResource {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Option<Tree>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    set("logGroupName", group.log_group_name.map(Tree::from));
    set("retentionInDays", group.retention_in_days.map(Tree::from));
    set("retentionPolicyName", group.retention_policy_name.map(Tree::from));
    set("kmsKeyId", group.kms_key_id.map(Tree::from));
    // These two cannot be declared; shown where they differ from AWS's default.
    let class = group.log_group_class.filter(|class| class.as_str() != "STANDARD");
    set("logGroupClass", class.map(|class| Tree::from(class.as_str())));
    set("deletionProtectionEnabled", group.deletion_protection_enabled.filter(|on| *on).map(Tree::from));
    // `arn` ends in `:*`, which stands for the streams; only the form without it names the group
    // itself.
    let bare = |arn: String| arn.strip_suffix(":*").map(str::to_owned).unwrap_or(arn);
    let arn = group.log_group_arn.or(group.arn).map(bare).unwrap_or_default();
    ObservedResource::new(arn, Tree::Object(fields))
}
