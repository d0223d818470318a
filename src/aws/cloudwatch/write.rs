//! Writes of metric alarms: one function per call.

use super::{read, shapes};
use crate::aws::budget::Category::AlarmWrite;
use crate::aws::clients::Resend;
use crate::aws::write_result::{WriteResult, deleted_or_absent};
use crate::aws::{Clients, Error};
use crate::model::resource::Tree;
use aws_sdk_cloudwatch::types::Tag;
use std::collections::{BTreeMap, BTreeSet};

/// Creates an alarm with its tags, or overwrites the one of that name as a whole; then the tags are
/// ignored, and none are to be given. Source: CloudWatch API, PutMetricAlarm (`Tags`).
///
/// AWS's answer has no ARN: that of a new alarm is looked up, and unknown when AWS does not show
/// the alarm yet.
///
/// # Errors
///
/// A tree that is no alarm, or what AWS answers.
pub async fn put_metric_alarm(
    clients: &Clients<'_>,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    let request = shapes::request(clients.cloudwatch.put_metric_alarm(), fields)?;
    let request = request.set_tags(list(tags));
    clients
        .write(AlarmWrite, "cloudwatch:PutMetricAlarm", Resend::Harmless, || request.clone().send())
        .await?;
    let names: Vec<String> = fields["alarmName"].as_str().map(str::to_owned).into_iter().collect();
    if tags.is_empty() {
        return Ok(WriteResult::default());
    }
    let made = read::alarms(clients, &names).await.unwrap_or_default();
    let arn = made.into_values().next().map(|alarm| alarm.arn);
    Ok(WriteResult { arn, ..WriteResult::default() })
}

/// Adds tags to an alarm.
///
/// # Errors
///
/// What AWS answers; not found when there is no such alarm.
pub async fn tag_alarm(
    clients: &Clients<'_>,
    arn: &str,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    let request = clients.cloudwatch.tag_resource().resource_arn(arn).set_tags(list(tags));
    clients.write(AlarmWrite, "cloudwatch:TagResource", Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::default())
}

/// Takes tags off an alarm.
///
/// # Errors
///
/// What AWS answers; not found when there is no such alarm.
pub async fn untag_alarm(
    clients: &Clients<'_>,
    arn: &str,
    keys: &BTreeSet<String>,
) -> Result<WriteResult, Error> {
    let keys = keys.iter().cloned().collect();
    let request = clients.cloudwatch.untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
    let send = || request.clone().send();
    clients.write(AlarmWrite, "cloudwatch:UntagResource", Resend::Harmless, send).await?;
    Ok(WriteResult::default())
}

/// Deletes an alarm by its name.
///
/// # Errors
///
/// What AWS answers; that there is none (`ResourceNotFound`) is no error.
pub async fn delete_alarm(clients: &Clients<'_>, name: &str) -> Result<WriteResult, Error> {
    let request = clients.cloudwatch.delete_alarms().alarm_names(name);
    deleted_or_absent(
        clients
            .write(AlarmWrite, "cloudwatch:DeleteAlarms", Resend::Harmless, || request.clone().send())
            .await,
    )
}

fn list(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}
