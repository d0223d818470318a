//! Writes: one function per call.

use crate::aws::budget::Category::LogsWrite;
use crate::aws::clients::Again;
use crate::aws::written::{Written, gone};
use crate::aws::{Clients, Error};
use std::collections::BTreeMap;

/// Makes a log group with its tags. Not sent twice: AWS would answer the second one with
/// ResourceAlreadyExists.
///
/// # Errors
/// See [`Error`].
pub async fn create_log_group(
    clients: &Clients<'_>,
    name: &str,
    kms_key_id: Option<&str>,
    tags: &BTreeMap<String, String>,
) -> Result<Written, Error> {
    let request = clients.logs.create_log_group().log_group_name(name);
    let request = request.set_kms_key_id(kms_key_id.map(str::to_owned));
    let request = request.set_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect()));
    clients.write(LogsWrite, "logs:CreateLogGroup", Again::Never, || request.clone().send()).await?;
    Ok(Written::default())
}

/// Sets how many days events are kept.
///
/// # Errors
/// See [`Error`].
pub async fn put_retention_policy(clients: &Clients<'_>, name: &str, days: i32) -> Result<Written, Error> {
    let request = clients.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
    clients.write(LogsWrite, "logs:PutRetentionPolicy", Again::Harmless, || request.clone().send()).await?;
    Ok(Written::default())
}

/// Keeps events for ever.
///
/// # Errors
/// See [`Error`].
pub async fn delete_retention_policy(clients: &Clients<'_>, name: &str) -> Result<Written, Error> {
    let request = clients.logs.delete_retention_policy().log_group_name(name);
    clients
        .write(LogsWrite, "logs:DeleteRetentionPolicy", Again::Harmless, || request.clone().send())
        .await?;
    Ok(Written::default())
}

/// Adds tags. Takes both forms of a log group's ARN; TagResource wants the one without the final
/// `:*`. Source: CloudWatch Logs API, LogGroup (`arn` and `logGroupArn`).
///
/// # Errors
/// See [`Error`].
pub async fn tag_log_group(
    clients: &Clients<'_>,
    arn: &str,
    tags: &BTreeMap<String, String>,
) -> Result<Written, Error> {
    let request = clients.logs.tag_resource().resource_arn(arn.strip_suffix(":*").unwrap_or(arn));
    let request = request.set_tags(Some(tags.clone().into_iter().collect()));
    clients.write(LogsWrite, "logs:TagResource", Again::Harmless, || request.clone().send()).await?;
    Ok(Written::default())
}

/// Deletes a log group with all its events.
///
/// # Errors
/// See [`Error`]; that it is not there is none.
pub async fn delete_log_group(clients: &Clients<'_>, name: &str) -> Result<Written, Error> {
    let request = clients.logs.delete_log_group().log_group_name(name);
    gone(clients.write(LogsWrite, "logs:DeleteLogGroup", Again::Harmless, || request.clone().send()).await)
}
