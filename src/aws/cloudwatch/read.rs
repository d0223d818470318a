//! Reads of metric alarms.

use super::shapes;
use crate::aws::budget::Category;
use crate::aws::clients::{Clients, PlacementClients};
use crate::aws::error::Error;
use crate::model::observed::ObservedResource;
use aws_sdk_cloudwatch::types::AlarmType;
use std::collections::BTreeMap;

/// Names that DescribeAlarms takes.
pub const ALARMS_PER_CALL: usize = 100;

const DESCRIBE: &str = "cloudwatch:DescribeAlarms";
const LIST_TAGS: &str = "cloudwatch:ListTagsForResource";

/// Metric alarms by name, up to [`ALARMS_PER_CALL`], without tags. Those that do not exist are left
/// out, and so are composite alarms of such a name.
///
/// # Errors
///
/// When a call failed.
pub async fn alarms(
    clients: &Clients<'_>,
    names: &[String],
) -> Result<BTreeMap<String, ObservedResource>, Error> {
    let mut found = BTreeMap::new();
    // Without names DescribeAlarms lists all alarms of the region.
    if names.is_empty() {
        return Ok(found);
    }
    let mut next: Option<String> = None;
    loop {
        let send = || {
            let request = clients.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec()));
            request.alarm_types(AlarmType::MetricAlarm).max_records(100).set_next_token(next.clone()).send()
        };
        let answer = clients.read(Category::AlarmRead, DESCRIBE, send).await?;
        for alarm in answer.metric_alarms.unwrap_or_default() {
            let Some(name) = alarm.alarm_name.clone() else { continue };
            let arn = alarm.alarm_arn.clone().unwrap_or_default();
            let fields = shapes::tree(alarm);
            found.insert(name, ObservedResource::new(arn, fields));
        }
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// Whether there is a metric alarm whose name begins so.
///
/// # Errors
///
/// When the call failed.
pub async fn any_alarm_named(clients: &PlacementClients, prefix: &str) -> Result<bool, Error> {
    let send = || {
        let request = clients.cloudwatch.describe_alarms().alarm_name_prefix(prefix);
        request.alarm_types(AlarmType::MetricAlarm).max_records(1).send()
    };
    let answer = clients.read(Category::AlarmRead, DESCRIBE, send).await?;
    Ok(!answer.metric_alarms.unwrap_or_default().is_empty())
}

/// Tags of one alarm.
///
/// # Errors
///
/// Not found when it does not exist; otherwise when the call failed.
pub async fn alarm_tags(clients: &PlacementClients, arn: &str) -> Result<BTreeMap<String, String>, Error> {
    let send = || clients.cloudwatch.list_tags_for_resource().resource_arn(arn).send();
    let answer = clients.read(Category::AlarmRead, LIST_TAGS, send).await?;
    let tags = answer.tags.unwrap_or_default().into_iter();
    Ok(tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect())
}
